"""Decide: what the rounds before mean for the newest one."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mission_control.floor.decide.round_memory import (
    answered_paths,
    asks_again,
    join_rounds,
    recall_answered,
)
from mission_control.model.reading import NOTHING_TOLD, ServiceRound, UnseenReason
from tests.floor.floor_of_values import (
    INGEST,
    LIVE,
    MARKETDATA,
    NOW,
    STRATEGY,
    changed,
    reading,
    rich,
    stamp,
    unseen,
)

OPS, HEALTH = "/ops/status", "/healthz"
SECOND = timedelta(seconds=1)


def well(at, agent=STRATEGY, path=OPS):
    """Return a whole answer."""
    return reading(path, rich(agent, at), at)


def rounds(*readings, agent=STRATEGY, path=OPS, answered=()):
    """Join rounds of one path, in this order; gives every round."""
    joined, before = [], None
    for each in readings:
        newest = ServiceRound(agent.agent_name, each.at, each.at, {path: each})
        before = join_rounds(agent, before, newest, answered)
        joined.append(before)
    return joined


def confirmed(joined, path=OPS):
    """Tell of each round whether what was not seen is confirmed."""
    return [getattr(r.readings[path], "confirmed", None) for r in joined]


SILENT = [
    (UnseenReason.TIMEOUT, None),
    (UnseenReason.CONNECTION_REFUSED, None),
    (UnseenReason.CONNECTION_LOST, None),
    (UnseenReason.DNS_FAILURE, None),
    (UnseenReason.OWN_STALL, None),
    (UnseenReason.HTTP_STATUS, 500),
    (UnseenReason.HTTP_STATUS, 503),
]


@pytest.mark.parametrize(("reason", "status"), SILENT)
def test_a_first_silence_is_asked_about_again(reason, status):
    """
    Silence, a refusal, a lost connection or name, a 5xx and our own stall may soon be over (R2.7).
    """
    joined = rounds(well(NOW), unseen(reason, NOW + SECOND, status), well(NOW + 2 * SECOND))

    assert [None, False, None] == confirmed(joined)
    assert [False, True, False] == [asks_again(r) for r in joined]


@pytest.mark.parametrize("reason", sorted(set(UnseenReason) - {r for r, _ in SILENT}))
def test_what_an_answer_says_needs_no_second_look(reason):
    """Every other way of not being seen is confirmed at once (R2.7)."""
    assert [None, True] == confirmed(rounds(well(NOW), unseen(reason, NOW + SECOND, 200)))


def test_a_4xx_needs_no_second_look():
    """Only a 5xx may pass."""
    refused = unseen(UnseenReason.HTTP_STATUS, NOW, 403)

    assert [True] == confirmed(rounds(refused))


@pytest.mark.parametrize("late", [1, 10, 4000])
@pytest.mark.parametrize("reason", [UnseenReason.TIMEOUT, UnseenReason.NOT_JSON])
def test_a_second_look_without_a_whole_answer_confirms(reason, late):
    """However late it ends, and however it fails (R2.7)."""
    first = unseen(UnseenReason.CONNECTION_LOST, NOW)
    joined = rounds(first, unseen(reason, NOW + late * SECOND, 200))

    assert [False, True] == confirmed(joined)
    assert not asks_again(joined[-1])


def test_silence_after_a_broken_answer_is_confirmed():
    """The path had failed already: that it says nothing now makes nothing better."""
    joined = rounds(unseen(UnseenReason.NOT_JSON, NOW, 200), unseen(UnseenReason.TIMEOUT, NOW))

    assert [True, True] == confirmed(joined)


@pytest.mark.parametrize(("apart", "third"), [(150, True), (151, False), (-150, True)])
def test_the_third_silence_in_five_minutes_is_confirmed(apart, third):
    """What keeps failing is excused by no answer between, nor by a clock that steps back (R2.7)."""
    at = [NOW + n * apart * SECOND for n in range(3)]
    steps = [step for a in at for step in (unseen(UnseenReason.TIMEOUT, a), well(a))]
    joined = rounds(*steps)

    assert [False, None, False, None, third, None] == confirmed(joined)
    assert 3 >= max(len(r.past[OPS].failures) for r in joined)


def test_each_path_has_a_past_of_its_own():
    """A path that fails for good does not make the first silence of another a second one."""
    broken = {HEALTH: unseen(UnseenReason.TIMEOUT, NOW), OPS: well(NOW, MARKETDATA)}
    both = {HEALTH: broken[HEALTH], OPS: unseen(UnseenReason.TIMEOUT, NOW)}
    before = join_rounds(MARKETDATA, None, ServiceRound("m", NOW, NOW, broken))
    after = join_rounds(MARKETDATA, before, ServiceRound("m", NOW, NOW, both))

    assert [[True], [False]] == [confirmed([after], path) for path in (HEALTH, OPS)]
    assert asks_again(after)


def gone(at, status=404):
    """Return a reading of a path that is not offered."""
    return unseen(UnseenReason.NOT_OFFERED, at, status)


@pytest.mark.parametrize(
    "otherwise",
    [
        well(NOW),
        unseen(UnseenReason.HTTP_STATUS, NOW, 503),
        unseen(UnseenReason.REDIRECTED, NOW, 302),
        unseen(UnseenReason.CONTRACT_INVALID, NOW, 200),
    ],
    ids=["well", "503", "redirect", "broken"],
)
def test_a_path_that_ever_answered_otherwise_is_lost(otherwise):
    """Any answer but 404, 405 and 501 is one; what comes after that is no longer offered (R2.2)."""
    joined = rounds(otherwise, gone(NOW + SECOND), unseen(UnseenReason.TIMEOUT, NOW), gone(NOW))

    assert ["NO_LONGER_OFFERED"] * 2 == [joined[n].readings[OPS].code for n in (1, 3)]
    assert "it answered before" in joined[1].readings[OPS].detail
    assert (OPS,) == answered_paths(joined[-1])


def test_silence_is_no_answer_of_a_path_that_is_not_offered():
    """A path that never answered stays not offered, also after a silence."""
    joined = rounds(gone(NOW), unseen(UnseenReason.TIMEOUT, NOW + SECOND), gone(NOW + 2 * SECOND))

    assert ["NOT_OFFERED", "TIMEOUT", "NOT_OFFERED"] == [r.readings[OPS].code for r in joined]
    assert () == answered_paths(joined[-1])
    assert [True, True, True] == confirmed(joined)


def test_a_path_that_answered_before_a_start_is_lost_as_well():
    """What is known of before the start counts at the first round, and where it comes late."""
    (known,) = rounds(gone(NOW), answered=(OPS,))
    (unknown,) = rounds(gone(NOW))
    late = recall_answered(unknown, (OPS, "/never/asked"))

    told = [getattr(r.readings[OPS], "code", None) for r in (known, late)]
    assert ["NO_LONGER_OFFERED"] * 2 == told
    assert late is recall_answered(late, (OPS,))
    assert (HEALTH, OPS) == answered_paths(late, (HEALTH,))
    assert (HEALTH,) == answered_paths(None, (HEALTH,))


def test_a_path_that_was_not_asked_again_is_recalled_all_the_same():
    """A path of earlier rounds keeps what it told, whatever the newest asked."""
    (first,) = rounds(gone(NOW))
    newest = ServiceRound(STRATEGY.agent_name, NOW, NOW, {HEALTH: reading(HEALTH, LIVE, NOW)})
    after = recall_answered(join_rounds(STRATEGY, first, newest), (OPS,))

    assert (HEALTH, OPS) == answered_paths(after)
    assert [HEALTH] == list(after.readings)


def feed(at, tick_age, agent=STRATEGY):
    """Return an answer with a tick of this age."""
    return reading(OPS, rich(agent, at, tick_age), at)


def test_a_word_dates_from_the_reading_that_first_said_it():
    """Silence is no word, and the same word again keeps its first time."""
    at = [NOW + n * SECOND for n in range(5)]
    lost = unseen(UnseenReason.TIMEOUT, at[2])
    steps = (feed(at[0], 3), feed(at[1], 200), lost, feed(at[3], 200), feed(at[4], 3))
    told = [r.past[OPS] for r in rounds(*steps)]

    assert [True, False, False, False, True] == [t.fresh for t in told]
    assert [at[0], at[1], at[1], at[1], at[4]] == [t.since for t in told]


def test_a_service_without_a_feed_gives_no_word():
    """Ingest promises nothing about marketdata."""
    (only,) = rounds(well(NOW, INGEST), agent=INGEST)

    assert (None, None) == (only.past[OPS].fresh, only.past[OPS].since)


def dated(at, updated):
    """Return a status that bears a time."""
    return reading(OPS, changed(rich(STRATEGY, at), "status.last_updated_utc", stamp(updated)), at)


@pytest.mark.parametrize(
    ("updated", "advances"),
    [(-3600 + 10, True), (-3600, False), (-3600 + 4, False), (-3600 + 16, False)],
    ids=["as time does", "frozen", "slower", "faster"],
)
def test_a_status_time_advances_only_as_time_does(updated, advances):
    """A frozen status and one that jumps are no clock."""
    first = dated(NOW, NOW - 3600 * SECOND)
    joined = rounds(first, dated(NOW + 10 * SECOND, NOW + updated * SECOND))

    assert [False, advances] == [r.past[OPS].advances for r in joined]


def test_a_path_that_tells_nothing_new_keeps_the_very_value():
    """What did not change is reused."""
    before = rounds(well(NOW), well(NOW + SECOND), well(NOW + 2 * SECOND))

    assert before[-1].past[OPS] is before[-2].past[OPS]
    assert NOTHING_TOLD == replace(before[0], past={}).past.get(OPS, NOTHING_TOLD)
