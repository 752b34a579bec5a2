"""Decide: the one law, across machines. Worse evidence never improves how a floor is shown."""

from copy import deepcopy
from datetime import timedelta

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from mission_control.floors.decide import rank
from mission_control.floors.model import FloorState
from mission_control.model.reading import Unseen, UnseenReason
from tests.floor.floor_of_values import NOW, stamp
from tests.floors.floors_of_values import answer, judge, read

CALM = answer()
POSTURES = st.fixed_dictionaries(
    {
        "posture": st.sampled_from(["OK", "MARKET_CLOSED", "HALTED"]),
        "expected": st.booleans(),
        "severity": st.sampled_from([None, "INFO", "P2", "P1", "P0"]),
        "since_utc": st.integers(0, 5_000).map(lambda s: stamp(NOW - timedelta(seconds=s))),
        "evidence_age_seconds": st.one_of(st.none(), st.floats(0, 300)),
        "services": st.integers(0, 3),
    }
)
STATES = st.sampled_from(["OK", "DEGRADED", "HALTED", "MARKET_CLOSED", "UNKNOWN"])
FIELDS = sorted(CALM["floor_posture"])


def without(field):
    """Return a hurt that takes a field away."""

    def hurt(document):
        del document["floor_posture"][field]
        return orjson.dumps(document)

    return hurt


def spoilt(field, value):
    """Return a hurt that spoils a field."""

    def hurt(document):
        document["floor_posture"][field] = value
        return orjson.dumps(document)

    return hurt


def degraded(state):
    """Return a hurt by which it says of itself that it does not work."""

    def hurt(document):
        document["status"]["state"] = state
        return orjson.dumps(document)

    return hurt


def cut(share):
    """Return a hurt that cuts the answer off."""
    return lambda document: (body := orjson.dumps(document))[: int(len(body) * share)]


HURTS = st.one_of(
    st.sampled_from(FIELDS).map(without),
    st.tuples(st.sampled_from(FIELDS), st.sampled_from([7.5, [], {}, "\x00"])).map(
        lambda pair: spoilt(*pair)
    ),
    st.sampled_from(["DEGRADED", "UNKNOWN", "OFFLINE", "HALTED"]).map(degraded),
    st.floats(0, 0.99).map(cut),
    st.just(spoilt("evidence_age_seconds", None)),
    st.integers(61, 10_000).map(lambda s: spoilt("decided_utc", stamp(NOW - timedelta(seconds=s)))),
    st.integers(6, 10_000).map(lambda s: spoilt("decided_utc", stamp(NOW + timedelta(seconds=s)))),
    st.sampled_from([b"", b"[]", b"null", b'{"ok":true}']).map(lambda body: lambda _: body),
)
"""What makes an answer worse evidence than it was."""


def told(posture, state):
    """Return the whole answer that says so."""
    document = deepcopy(CALM)
    document["floor_posture"].update(posture)
    document["status"]["state"] = state
    return document


def place(report):
    """Return how bad a floor is shown to be; the lower, the worse."""
    return rank(report)[0]


def no_better(worse, better):
    """Return whether a floor is shown as no better; what changed is UNKNOWN."""
    same = (worse.state, worse.expected, worse.severity) == (
        better.state,
        better.expected,
        better.severity,
    )
    return place(worse) <= place(better) and (same or worse.state is FloorState.UNKNOWN)


@settings(max_examples=300, deadline=None)
@given(POSTURES, POSTURES, STATES, HURTS)
def test_a_worse_answer_is_never_shown_as_better(earlier, posture, state, hurt):
    """Whatever was known before, to break an answer or take from it improves nothing (R17.3)."""
    before = judge(read(told(earlier, "OK")))
    whole = judge(read(told(posture, state)), before=before)
    worse = judge(read(hurt(told(posture, state))), before=whole)

    assert no_better(worse, whole)


@settings(max_examples=300, deadline=None)
@given(POSTURES, STATES, st.sampled_from(list(UnseenReason)), st.floats(0, 300))
def test_neither_silence_nor_waiting_improves_a_floor(posture, state, reason, seconds):
    """A floor that is not heard any more, or whose answer ages, is shown as no better (R17.3)."""
    later = NOW + timedelta(seconds=seconds)
    reading = read(told(posture, state))
    whole = judge(reading)
    silent = judge(Unseen(reason, later), later, whole)
    aged = judge(reading, later, whole)
    forgotten = judge(reading, later)

    assert no_better(silent, whole)
    assert silent.state is FloorState.UNKNOWN
    assert no_better(aged, whole)
    assert no_better(forgotten, whole)
