"""Decide: what the twin says makes nothing better, and what it alone sees is ours."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mission_control.floor.decide.alarms import join_latched
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.decide.troubles import read_twin
from mission_control.floor.decide.twin import find_loss, floor_digest, view_own
from mission_control.floor.model import NOTHING_LATCHED, EndedAlarm, Latched, TwinMemory, Verdict
from mission_control.model.finding import Severity
from mission_control.model.fleet import Safety
from mission_control.model.reading import UnseenReason
from tests.floor.floor_of_values import (
    EVENING,
    FLEET,
    MARKETDATA,
    NOW,
    STRATEGY,
    FloorOfValues,
    changed,
    session_at,
    stamp,
)
from tests.twins.values import (
    EXECUTION,
    RECORD,
    TWIN,
    WATCHED_BY_TWO,
    TwoOnAFloor,
    about,
    line,
    word,
)


def codes(snapshot) -> list[str]:
    """Return the codes of a posture's reasons, in order."""
    return [r.code for r in snapshot.posture.reasons]


def test_a_twin_that_agrees_is_no_reason():
    """It is well, and says what we see: nothing is said of it (R14.3, R14.4)."""
    snapshot = TwoOnAFloor().decide()

    assert (Verdict.OK, True, []) == (
        snapshot.posture.verdict,
        snapshot.posture.expected,
        codes(snapshot),
    )
    assert (RECORD, 7, "a" * 64) == (
        snapshot.latched.twin.record_id,
        snapshot.latched.twin.number,
        snapshot.latched.twin.digest,
    )


def test_a_silent_twin_is_a_reason_and_no_gap():
    """P1 while the floor is open, else P2; it halts nothing and is no required evidence (R14.3)."""
    floor = TwoOnAFloor()
    floor.lose(TWIN, "/ops/status", UnseenReason.TIMEOUT)
    opened = floor.decide()
    floor.refresh(EVENING)
    floor.answers["mc-b"] = {}
    floor.answer(TWIN, "/ops/status", {"ok": True})
    closed = floor.decide()

    told = about(opened, "TWIN_SILENT")
    assert ("mc-b", Severity.P1, False) == (told.subject, told.severity, told.halts)
    assert "TIMEOUT" in told.detail
    assert Verdict.OK is opened.posture.verdict
    assert [] == [gap for gap in opened.posture.coverage.gaps if "mc-b" in gap[0]]
    assert Severity.P2 is about(closed, "TWIN_SILENT").severity


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(lambda d: d | {"mission_control": None}, id="no Mission Control"),
        pytest.param(lambda d: changed(d, "status.state", "DEGRADED"), id="it is not well"),
        pytest.param(lambda d: changed(d, "mission_control.version", "1"), id="not understood"),
        pytest.param(
            lambda d: changed(d, "status.last_updated_utc", stamp(NOW - timedelta(seconds=61))),
            id="frozen",
        ),
        pytest.param(lambda _: {"status": "ok"}, id="something else"),
    ],
)
def test_what_does_not_speak_as_a_well_twin_is_silent(said):
    """Only a Mission Control that is well counts as heard (R14.3)."""
    floor = TwoOnAFloor()
    floor.answer(TWIN, "/ops/status", said(word(NOW)))

    assert ["TWIN_SILENT"] == codes(floor.decide())


def test_a_twin_that_was_never_asked_is_silent():
    """What was not seen is a reason, from the first decision on (R14.3)."""
    floor = TwoOnAFloor()
    del floor.answers["mc-b"]

    assert ["TWIN_SILENT"] == codes(floor.decide())


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        ({"posture": "HALTED", "leading_code": "X"}, "HALTED X there, OK here"),
        ({"leading_code": "REPLICA_SKEW"}, "OK REPLICA_SKEW there, OK here"),
    ],
)
def test_they_disagree_after_two_answers_and_five_seconds(said, detail):
    """One answer, or less than 5 s, may be the time between two looks (R14.4)."""
    floor = TwoOnAFloor()
    floor.decide()
    once = floor.later(2, **said)
    late = floor.decide(floor.now + timedelta(seconds=9))  # the same answer, later
    twice = floor.later(4, **said)
    settled = floor.later(2, **said)
    agreed = floor.later(2)

    assert [[], [], [], ["TWIN_DISAGREES"], []] == [
        codes(each) for each in (once, late, twice, settled, agreed)
    ]
    told = about(settled, "TWIN_DISAGREES")
    assert (Severity.P1, False, detail) == (told.severity, told.halts, told.detail)
    assert NOW + timedelta(seconds=2) == told.since


def test_silence_takes_no_disagreement_back():
    """Only agreeing ends it (R14.4)."""
    floor = TwoOnAFloor()
    for _ in range(4):
        floor.later(3, posture="HALTED")
    silent = floor.silent()
    other = floor.later(3, posture="MARKET_CLOSED")

    assert ["TWIN_DISAGREES", "TWIN_SILENT"] == sorted(codes(silent))
    assert "MARKET_CLOSED there, OK here" == about(other, "TWIN_DISAGREES").detail
    assert [] == codes(floor.later(3))


def test_a_clock_that_stepped_back_begins_the_five_seconds_again():
    """What is held of the future is dated now."""
    floor = TwoOnAFloor()
    ahead = TwinMemory(differs="x", differs_since=NOW + timedelta(hours=1), rounds=2)
    floor.latched = Latched(twin=ahead)
    floor.hear(posture="HALTED")

    assert [] == codes(floor.decide())
    held = floor.latched.twin or TwinMemory()
    assert (NOW, 1) == (held.differs_since, held.rounds)


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        ({"floor_digest": "b" * 64}, "it watches another floor: trading-floor, bbbbbbbbbbbb"),
        ({"version": 2}, "it speaks version 2, and we speak version 1"),
    ],
)
def test_a_twin_of_another_floor_or_version_is_named_at_once(said, detail):
    """Its word counts for nothing but that (R14.4)."""
    floor = TwoOnAFloor()
    floor.hear(alarms=[EXECUTION], posture="HALTED", ledger=[line(1)], **said)
    snapshot = floor.decide()

    assert ["TWIN_DISAGREES"] == codes(snapshot)
    assert about(snapshot, "TWIN_DISAGREES").detail.startswith(detail)
    assert "" == snapshot.latched.twin.record_id


def test_twins_of_one_floor_share_its_digest():
    """Who else watches, and how each service is reached, is left out; who is watched is not."""
    slower = tuple(replace(a, interval_seconds=20.0, deadline_seconds=1.0) for a in FLEET.agents)
    fewer = replace(FLEET, agents=FLEET.agents[1:])
    laxer = replace(FLEET, safety=Safety(freshness_required=False))

    assert floor_digest(FLEET) == floor_digest(WATCHED_BY_TWO)
    assert floor_digest(FLEET) == floor_digest(replace(FLEET, agents=slower, digest="1" * 64))
    assert 3 == len({floor_digest(fleet) for fleet in (FLEET, fewer, laxer)})


def test_a_sev0_that_only_the_twin_sees_halts_us_until_it_is_gone_there():
    """In any phase, P0, through silence; over when the twin no longer tells it (R14.5)."""
    floor = TwoOnAFloor()
    floor.refresh(EVENING)
    floor.hear(alarms=[EXECUTION], posture="HALTED", leading_code="EXECUTION_EVIDENCE")
    taken = floor.decide()
    silent = floor.silent()
    gone = floor.later(2)

    told = about(taken, "EXECUTION_EVIDENCE")
    assert (Verdict.HALTED, Severity.P0, "strategy-engine") == (
        taken.posture.verdict,
        told.severity,
        told.subject,
    )
    assert told.detail.startswith("twin mc-b: it sees this, and we do not: strategy-engine")
    assert taken.service("strategy-engine").expected
    assert Verdict.HALTED is silent.posture.verdict
    assert (Verdict.MARKET_CLOSED, []) == (gone.posture.verdict, codes(gone))
    assert ["twin mc-b takes it back"] == [how for _, how in gone.cleared]


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"remembers": False}, id="it forgot"),
        pytest.param({"more_alarms": 1}, id="it has more"),
        pytest.param({"floor_digest": "b" * 64}, id="another floor"),
    ],
)
def test_a_twin_that_may_not_know_takes_no_sev0_back(said):
    """A new record, or a cut list, is no denial (R14.5)."""
    floor = TwoOnAFloor()
    floor.hear(alarms=[EXECUTION])
    floor.decide()

    assert Verdict.HALTED is floor.later(2, **said).posture.verdict


def test_a_twin_that_is_not_well_takes_no_sev0_back_but_raises_one():
    """What a sick twin says is believed where it is bad news only (R14.2, R14.5)."""
    floor = TwoOnAFloor()
    sick = changed(word(NOW, alarms=[EXECUTION]), "status.state", "DEGRADED")
    floor.answer(TWIN, "/ops/status", sick)
    raised = floor.decide()
    floor.refresh(NOW + timedelta(seconds=2))
    floor.answer(TWIN, "/ops/status", changed(word(floor.now), "status.state", "DEGRADED"))

    assert Verdict.HALTED is raised.posture.verdict
    assert Verdict.HALTED is floor.decide().posture.verdict


def test_only_what_is_a_sev0_is_taken_over():
    """Of what else a twin tells nothing halts us."""
    floor = TwoOnAFloor()
    floor.hear(alarms=[EXECUTION | {"code": "MARKETDATA_STALE"}])
    none = floor.decide()
    contradicts = {"code": "CONTRADICTION", "subject": "order-router", "detail": "x"}
    halted = floor.later(2, alarms=[contradicts])

    assert (Verdict.OK, []) == (none.posture.verdict, codes(none))
    assert (Severity.P0, True) == (
        about(halted, "CONTRADICTION").severity,
        about(halted, "CONTRADICTION").halts,
    )


def test_what_both_see_is_not_taken_over():
    """Our own alarm ends by our own evidence alone (R14.5)."""
    floor = TwoOnAFloor()
    floor.say(STRATEGY, "agent_identity.agent_mode", "EXECUTE")
    floor.hear(alarms=[EXECUTION])
    floor.decide()
    still = floor.later(2, alarms=[EXECUTION])

    assert ["strategy-engine /ops/status"] == sorted({a.source for a in still.latched.alarms})


def test_what_was_taken_over_is_never_told_back():
    """Two would keep each other halted for ever (R14.5, R14.8)."""
    floor = TwoOnAFloor()
    floor.hear(alarms=[EXECUTION])
    snapshot = floor.decide()
    own = view_own(
        snapshot.posture.reasons, snapshot.latched.alarms, snapshot.session, snapshot.fleet.twin
    )

    assert (Verdict.OK, "", ()) == own[:3]


def test_our_own_view_leaves_out_the_twin_and_nothing_else():
    """Reasons about the twin, and of our own memory, are not what is seen of the floor (R14.4)."""
    floor = TwoOnAFloor()
    floor.say(STRATEGY, "agent_identity.agent_mode", "EXECUTE")
    floor.lose(TWIN, "/ops/status", UnseenReason.TIMEOUT)
    evidence = replace(floor.evidence(), record_new_until=NOW + timedelta(hours=1))
    snapshot = decide_floor(evidence, NOTHING_LATCHED, session_at, NOW)
    calm = decide_floor(
        replace(TwoOnAFloor().evidence(), record_new_until=NOW + timedelta(hours=1)),
        NOTHING_LATCHED,
        session_at,
        NOW,
    )
    seen, quiet = (
        view_own(s.posture.reasons, s.latched.alarms, s.session, s.fleet.twin)
        for s in (snapshot, calm)
    )
    alone = FloorOfValues().decide()

    assert (Verdict.HALTED, "EXECUTION_EVIDENCE", False) == (
        seen.posture,
        seen.leading_code,
        seen.remembers,
    )
    assert {"strategy-engine"} == {a.subject for a in seen.alarms}
    assert (Verdict.OK, "", (), False) == quiet
    assert (Verdict.OK, "", (), True) == view_own(
        alone.posture.reasons, alone.latched.alarms, alone.session, None
    )


def test_no_reason_about_any_twin_is_told():
    """Not even about one that is no longer in the fleet file (R14.4)."""
    floor = TwoOnAFloor()
    floor.decide()
    lost = floor.later(2, ledger=[line(3)])

    assert ["TWIN_RECORD_LOST"] == codes(lost)
    assert "" == view_own(lost.posture.reasons, (), lost.session, None).leading_code


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        ({"ledger": [line(6, "9")]}, "its ledger ends with line 6, and line 7, aaaaaaaaaaaa"),
        ({"ledger": [line(8), line(7, "c")]}, "its line 7 is cccccccccccc, and line 7, aaaaaa"),
        ({"ledger": [line(9), line(8)]}, "it tells no line before 8, and line 7"),
        ({"record_id": "b" * 16}, "its record is bbbbbbbbbbbbbbbb, and was 5f0c5f0c5f0c5f0c"),
    ],
)
def test_a_record_that_does_not_go_on_is_named_and_stays_named(said, detail):
    """It lost its newest run, was rewritten, or is another's: a person ends it (R14.7)."""
    floor = TwoOnAFloor()
    floor.decide()
    lost = floor.later(2, **said)
    goes_on = floor.later(2, **said)
    back = floor.later(2)

    told = about(lost, "TWIN_RECORD_LOST")
    assert (Verdict.OK, Severity.P1, False) == (lost.posture.verdict, told.severity, told.halts)
    assert detail in told.detail
    assert ["TWIN_RECORD_LOST"] == codes(goes_on)
    assert ["TWIN_RECORD_LOST"] == codes(back)


def test_a_person_ends_a_lost_record():
    """In the fleet file, while the twin is seen; nothing else ends it (R14.7, R6.4)."""
    floor = TwoOnAFloor()
    floor.decide()
    since = floor.later(2, ledger=[line(3)]).latched.alarms[0].since
    ended = EndedAlarm(
        "TWIN_RECORD_LOST", "mc-b", "mc-b /ops/status", since, "Jo", "restored from the copy"
    )
    floor.fleet = replace(WATCHED_BY_TWO, ended_alarms=(ended,))
    silent = floor.silent()
    seen = floor.later(2, ledger=[line(3)])

    assert ["TWIN_RECORD_LOST", "TWIN_SILENT"] == sorted(codes(silent))
    assert [] == codes(seen)
    assert "ended by Jo in the fleet file: restored from the copy" == seen.cleared[0][1]


def test_a_ledger_that_goes_on_or_is_not_told_is_no_loss():
    """A new line is held; a twin that stops to tell its ledger is a reason of its own (R14.7)."""
    floor = TwoOnAFloor()
    floor.decide()
    goes_on = floor.later(2, ledger=[line(9, "e"), line(8), line(7)])
    untold = floor.later(2, ledger=[], record_id=None)

    assert ([], 9) == (codes(goes_on), goes_on.latched.twin.number)
    assert "it does not tell its ledger's head, which was line 9" in (
        about(untold, "TWIN_SILENT").detail
    )
    assert 9 == untold.latched.twin.number


def test_what_was_held_before_a_start_is_compared_after_it():
    """The older line proves more: a record lost while we were down is named (R14.7)."""
    before = Latched(twin=TwinMemory(RECORD, 12, "f" * 64))
    floor = TwoOnAFloor()
    floor.decide()
    floor.latched = join_latched(before, floor.latched)

    assert ["TWIN_RECORD_LOST"] == codes(floor.later(2))
    assert (
        TwinMemory(RECORD) == join_latched(NOTHING_LATCHED, Latched(twin=TwinMemory(RECORD))).twin
    )


def test_lines_are_compared_only_where_both_are_told():
    """Nothing held, or nothing told, is no loss."""
    told = read_twin(TwoOnAFloor().evidence().rounds["mc-b"].readings["/ops/status"])
    assert told is not None
    held = TwinMemory(RECORD, 7, "a" * 64)

    assert ["", "", "", ""] == [
        find_loss(TwinMemory(), told),
        find_loss(held, told.model_copy(update={"record_id": None})),
        find_loss(held, told.model_copy(update={"ledger": ()})),
        find_loss(held, told),
    ]


def test_a_fleet_without_a_twin_holds_nothing_of_one():
    """A twin that was taken out of the fleet file leaves nothing behind."""
    floor = TwoOnAFloor()
    floor.decide()
    floor.fleet = FLEET

    assert None is floor.decide().latched.twin


def test_a_twin_is_no_source_about_execution_or_the_switch():
    """What it says of itself is not of the floor: not a mode, not a switch (R14.2)."""
    floor = TwoOnAFloor()
    said = changed(word(NOW), "safety.kill_switch", value=False)
    said = changed(said, "agent_identity.agent_mode", "EXECUTE")
    floor.answer(TWIN, "/ops/status", said)
    snapshot = floor.decide()

    assert [] == codes(snapshot)
    assert [] == [s for s in snapshot.kill_switch.sources if "mc-b" in s.source]


SAID = st.fixed_dictionaries(
    {},
    optional={
        "posture": st.sampled_from(["OK", "HALTED", "MARKET_CLOSED"]),
        "leading_code": st.sampled_from(["", "MARKETDATA_STALE", "TWIN_SILENT"]),
        "remembers": st.booleans(),
        "alarms": st.lists(st.sampled_from([EXECUTION, EXECUTION | {"code": "X"}]), max_size=2),
        "more_alarms": st.integers(0, 2),
        "ledger": st.lists(st.sampled_from([line(6), line(7), line(8)]), max_size=3),
        "record_id": st.sampled_from([None, RECORD, "b" * 16]),
        "floor_digest": st.sampled_from([floor_digest(FLEET), "c" * 64]),
    },
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.one_of(st.none(), SAID), min_size=1, max_size=4),
    st.sampled_from(["fine", "silent", "stale", "execution"]),
)
def test_no_twin_ever_improves_an_answer(words, trouble):
    """With whatever a twin says, or does not, the posture is no better than without one (R14.2)."""
    with_twin, without = TwoOnAFloor(), FloorOfValues()
    for said in words:
        for floor in (with_twin, without):
            floor.refresh(floor.now + timedelta(seconds=4))
            if trouble == "silent":
                floor.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT)
            elif trouble == "stale":
                floor.say(MARKETDATA, "marketdata.last_tick_utc", stamp(NOW - timedelta(hours=1)))
            elif trouble == "execution":
                floor.say(STRATEGY, "safety.safe_to_execute_orders", value=True)
        if said is not None:
            with_twin.hear(**said)
        watched, alone = with_twin.decide(), without.decide()

        assert watched.posture.verdict.rank >= alone.posture.verdict.rank
        assert watched.posture.expected <= alone.posture.expected
        known = {(r.code, r.subject) for r in watched.posture.reasons}
        assert {(r.code, r.subject) for r in alone.posture.reasons} <= known
