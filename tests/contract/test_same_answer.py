"""Contract: an answer that differs in its clocks alone is read as any other is, only cheaper."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mission_control.contract.model.answer import Answer, Shape
from mission_control.contract.model.same_answer import pattern_of, says_the_same
from mission_control.contract.model.shapes import PlainAnswer
from mission_control.model.fleet import ContractKind, Kind
from mission_control.model.reading import Exchange, Seen
from mission_control.probe.received import Received, find_pattern, interpret, recognise
from tests.floor.floor_of_values import MARKETDATA, changed, rich

NOW = datetime(2026, 11, 18, 15, 15, tzinfo=UTC)
OPS, HEALTH = "/ops/status", "/healthz"
MINIMAL = {
    "uptime": 12.5,
    "last_heartbeat": "2026-11-18T15:15:00Z",
    "data_freshness_seconds": 3,
    "build_sha": "54afffe",
    "agent_mode": "OBSERVE",
}
FRESHNESS = {
    "service": "marketdata",
    "last_tick_epoch_seconds": 1763478900.5,
    "age_seconds": 3.0,
    "max_age_seconds": 60,
    "ok": True,
    "forced_stale": False,
}
LEGACY = {"ok": True, "last_tick_epoch_seconds": 1763478900, "last_tick_age_seconds": 2}
DOCUMENTS = {
    "rich": (OPS, rich(MARKETDATA, NOW)),
    "rich without a feed": (OPS, changed(rich(MARKETDATA, NOW), "marketdata", None)),
    "minimal": (OPS, MINIMAL),
    "freshness": (HEALTH, FRESHNESS),
    "legacy": (HEALTH, LEGACY),
    "liveness": (HEALTH, {"status": "ok", "service": "gamma"}),
}
CLOCKS = [
    b'"2026-11-18T15:15:10Z"', b'"2026-11-18T10:15:10.25-05:00"', b'"2026-11-18 15:15:10Z"',
    b'"2026-13-18T15:15:10Z"', b'"2026-11-18T15:15:10"', b'""', b'"now"', b"null", b"true",
    b"0", b"-0.0", b"-3", b"12.75", b"1e3", b"1E-2", b"01", b"+1", b"1.", b".5", b"1e999", b"NaN",
    b"123456789012345678901234567890", b'{"a": 1}', b"[]", b"3 ", b" 4", b'"12"', b"9" * 50,
]  # fmt: skip


def _read(path: str, body: bytes, at: datetime = NOW):
    about = {"path": path, "contract": ContractKind.RICH, "kind": Kind.MARKETDATA, "took": 0.01}
    return interpret(Received(200, body), at=at, asked=Exchange(peer="10.0.0.7:80"), **about)


def _answer(path: str, document: object) -> Answer:
    reading = _read(path, orjson.dumps(document))
    assert isinstance(reading, Seen)
    return reading.value


def _pattern(path: str, body: bytes):
    reading = _read(path, body)
    assert isinstance(reading, Seen)
    return find_pattern(Received(200, body), reading)


def _values(body: bytes) -> list[tuple[int, int]]:
    """Return where the values of a written document lie, keys and containers left out."""
    found = re.finditer(rb':\s*("(?:[^"]*)"|[^\s"{}\[\],]+)', body)
    return [f.span(1) for f in found]


@settings(max_examples=250, deadline=None)
@given(
    which=st.sampled_from(sorted(DOCUMENTS)),
    spaced=st.booleans(),
    replaced=st.lists(st.tuples(st.integers(0, 25), st.sampled_from(CLOCKS)), max_size=5),
    cut=st.sampled_from([None, -1, 3, 40]),
    tail=st.sampled_from([b"", b" ", b"\n", b"}", b"{}"]),
)
def test_what_is_recognised_is_what_reading_in_full_gives(which, spaced, replaced, cut, tail):
    """Whatever stands in place of any value, the cheap way gives the same reading or none."""
    path, document = DOCUMENTS[which]
    body = json.dumps(document).encode() if spaced else orjson.dumps(document)
    pattern = _pattern(path, body)
    assert pattern is not None
    for place, value in replaced:
        for start, end in _values(body)[place : place + 1]:
            body = body[:start] + value + body[end:]
    body = body[:cut] + tail
    later = NOW + timedelta(seconds=10)

    again = recognise(
        Received(200, body), pattern, at=later, took=0.01, asked=Exchange(peer="10.0.0.7:80")
    )

    assert again is None or again == _read(path, body, later)


@pytest.mark.parametrize("which", sorted(DOCUMENTS))
def test_other_clocks_are_recognised(which):
    """An answer of ten seconds later is recognised, also with clocks that are null."""
    path, document = DOCUMENTS[which]
    pattern = _pattern(path, orjson.dumps(document))
    later = (
        orjson.dumps(document).replace(b"15:15:00", b"15:15:10").replace(b"15:14:57", b"15:15:07")
    )

    assert pattern is not None
    read = pattern.read(later)
    assert read is not None
    answer, alike = read
    assert alike
    assert _answer(path, orjson.loads(later)) == answer
    assert says_the_same(answer, pattern.answer)


def test_a_clock_of_another_form_is_told():
    """What is written otherwise than before may need to be looked through for secrets again."""
    body = orjson.dumps(MINIMAL)
    pattern = _pattern(OPS, body)

    assert pattern is not None
    read = pattern.read(body.replace(b"12.5", b"112.5"))
    assert read is not None
    assert not read[1]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(orjson.dumps(FRESHNESS | {"service": 'a"b'}), id="an escape"),
        pytest.param(b'{"ok": true, "age_seconds": 1, "age_seconds": 2}', id="a key twice"),
        pytest.param(
            orjson.dumps(FRESHNESS | {"more": {"age_seconds": 4}}), id="a clock's key elsewhere"
        ),
        pytest.param(
            orjson.dumps({"ok": True, "more": {"age_seconds": 4}}),
            id="a clock's key elsewhere only",
        ),
        pytest.param(orjson.dumps(FRESHNESS | {"token": "hunter2-swordfish"}), id="redacted"),
    ],
)
def test_no_pattern_where_clocks_cannot_be_told_from_the_rest(body):
    """An answer whose clocks its text does not show is read in full each time."""
    reading = _read(HEALTH, body)

    assert find_pattern(Received(200, body), reading) is None


def test_a_page_has_no_pattern():
    """An answer of which nothing is read has no clocks."""
    plain = Answer(Shape.PLAIN, 200, PlainAnswer(), document=b"null")

    assert pattern_of(b"null", plain) is None


@pytest.mark.parametrize(
    "received",
    [
        pytest.param(lambda body: Received(503, body), id="another status"),
        pytest.param(
            lambda body: Received(200, body.replace(b"true", b"false")), id="another claim"
        ),
    ],
)
def test_what_says_something_else_is_not_recognised(received):
    """The same bytes under another status, or another word, are interpreted."""
    body = orjson.dumps(FRESHNESS)
    pattern = _pattern(HEALTH, body)

    assert pattern is not None
    assert recognise(received(body), pattern, at=NOW, took=0.0) is None


@pytest.mark.parametrize(
    "path",
    [
        "service_name",
        "git_sha",
        "agent_identity.agent_mode",
        "status.state",
        "status.reason_codes",
        "safety.kill_switch",
        "heartbeat.ttl_seconds",
        "marketdata.is_fresh",
        "marketdata",
    ],
)
def test_another_word_is_not_the_same(path):
    """Every word of the contract that is no clock makes another answer."""
    document = rich(MARKETDATA, NOW)
    others = {"status.reason_codes": [], "status.state": "OK", "marketdata": None}
    others |= {"safety.kill_switch": False, "marketdata.is_fresh": None, "heartbeat.ttl_seconds": 7}
    one = _answer(OPS, document)
    two = _answer(OPS, changed(document, path, others.get(path, "other")))

    assert says_the_same(one, replace(one))
    assert not says_the_same(one, two)


@pytest.mark.parametrize("which", ["minimal", "freshness", "legacy", "liveness"])
def test_a_smaller_answer_is_the_same_but_for_its_clocks(which):
    """Of every other shape all but the clocks is compared."""
    path, document = DOCUMENTS[which]
    clocks = {"uptime": 13.0, "age_seconds": 9.0, "last_tick_age_seconds": 9}
    later = document | {k: v for k, v in clocks.items() if k in document}
    words = {"build_sha": "other", "ok": False, "status": "bad"}
    other = document | {k: v for k, v in words.items() if k in document}
    one, two, three = (_answer(path, d) for d in (document, later, other))

    assert says_the_same(one, two)
    assert not says_the_same(one, three)


@pytest.mark.parametrize(
    ("which", "clock", "text"),
    [
        pytest.param("minimal", b"12.5", b"null", id="no uptime"),
        pytest.param("minimal", b"12.5", b"-1", id="a negative age"),
        pytest.param("minimal", b"12.5", b"1" * 100, id="longer than any clock"),
        pytest.param("freshness", b"1763478900.5", b"1e999", id="past all numbers"),
        pytest.param("freshness", b"1763478900.5", b"017", id="no number of JSON"),
        pytest.param("minimal", b'"2026-11-18T15:15:00Z"', b'"2026-02-30T15:15:00Z"', id="no day"),
        pytest.param("minimal", b'"2026-11-18T15:15:00Z"', b'"soon"', id="no instant"),
    ],
)
def test_a_clock_that_breaks_the_contract_is_not_recognised(which, clock, text):
    """What a clock must not say is left to the reading that names what is wrong."""
    path, document = DOCUMENTS[which]
    body = orjson.dumps(document)
    pattern = _pattern(path, body)

    assert pattern is not None
    assert clock in body
    assert pattern.read(body.replace(clock, text)) is None
