"""Decide: the floor's posture, from values alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mission_control.contract.model.shapes import ServiceState
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.model import NOTHING_LATCHED, SwitchReading, Verdict
from mission_control.model.finding import Severity
from mission_control.model.kill_switch import KillSwitchState, SourceKind
from mission_control.model.reading import Seen, Unseen, UnseenReason
from tests.floor.floor_of_values import (
    EVENING,
    MARKETDATA,
    NOW,
    OPEN_AT,
    STRATEGY,
    session_at,
    session_unknown,
)
from tests.floor.hurts import HALTING

SE = STRATEGY.agent_name


def codes(snapshot):
    """List the codes of a posture's reasons, in their order."""
    return [r.code for r in snapshot.posture.reasons]


def test_healthy_open_floor_is_ok_and_expected(floor):
    """
    A healthy floor under an engaged kill switch is OK in an open session, as expected (R6.12).
    """
    posture = floor.decide().posture

    assert (Verdict.OK, True, ()) == (posture.verdict, posture.expected, posture.reasons)


def test_healthy_closed_floor_is_market_closed(floor):
    """The same floor in the evening is MARKET_CLOSED (R6.12)."""
    floor.refresh(EVENING)

    assert Verdict.MARKET_CLOSED is floor.decide().posture.verdict


@pytest.mark.parametrize(("hurt", "severity", "code", "subject"), HALTING)
def test_a_hurt_floor_is_halted_with_its_reason(floor, hurt, severity, code, subject):
    """Each hurt halts an open floor, with subject and severity (R3.1, R3.12, R6.9, R6.11)."""
    hurt(floor)

    snapshot = floor.decide()

    found = {(r.code, r.subject): r for r in snapshot.posture.reasons}
    assert Verdict.HALTED is snapshot.posture.verdict
    assert (severity, True) == (found[code, subject].severity, found[code, subject].halts)


SEV0 = [
    p
    for p in HALTING
    if p.values[1] is Severity.P0 and p.values[2] != "FRESHNESS_GATE_FALSE_POSITIVE"
]


@pytest.mark.parametrize(("hurt", "severity", "code", "subject"), SEV0)
def test_sev0_halts_in_every_phase(floor, hurt, severity, code, subject):
    """Execution evidence and an unconfirmed switch halt a closed floor too (R3.14, R6.9)."""
    floor.refresh(EVENING)
    hurt(floor)

    snapshot = floor.decide()

    found = {(r.code, r.subject): r for r in snapshot.posture.reasons}
    assert Verdict.HALTED is snapshot.posture.verdict
    assert severity is found[code, subject].severity


@pytest.mark.parametrize(("hurt", "severity", "code", "subject"), HALTING)
def test_halting_reasons_come_first(floor, hurt, severity, code, subject):
    """Reasons are ordered worst first, then by code and subject, one for each pair."""
    hurt(floor)

    reasons = floor.decide().posture.reasons

    assert sorted(reasons, key=lambda r: r.order) == list(reasons)
    assert len({(r.code, r.subject) for r in reasons}) == len(reasons)


def test_stale_marketdata_after_hours_is_expected(floor):
    """After hours stale marketdata neither halts nor surprises."""
    floor.refresh(EVENING)
    floor.say(MARKETDATA, "marketdata.last_tick_utc", "2026-11-18T20:59:59Z")
    floor.say(MARKETDATA, "marketdata.is_fresh", value=False)

    posture = floor.decide().posture

    assert (Verdict.MARKET_CLOSED, True) == (posture.verdict, posture.expected)


def test_old_reading_is_no_evidence(floor):
    """A reading older than 45 s is EXPIRED, and halts an open floor (R6.8)."""
    snapshot = floor.decide(floor.now + timedelta(seconds=46))

    assert Verdict.HALTED is snapshot.posture.verdict
    assert "EXPIRED" in codes(snapshot)


def test_reading_from_the_future_is_no_evidence(floor):
    """When our clock steps back, readings from the future are EXPIRED, not fresh."""
    snapshot = floor.decide(floor.now - timedelta(seconds=30))

    assert "EXPIRED" in codes(snapshot)


def test_unknown_session_gates_as_open(floor):
    """A calendar that does not know halts the floor and says so; it is never OK (R5.3)."""
    floor.session_at = session_unknown

    snapshot = floor.decide()

    assert Verdict.HALTED is snapshot.posture.verdict
    assert "CALENDAR_UNKNOWN" in codes(snapshot)


def test_nothing_asked_yet_is_halted(floor):
    """Before the first answer an open floor is HALTED: checking nothing is not passing."""
    floor.answers = {}

    snapshot = floor.decide()

    assert Verdict.HALTED is snapshot.posture.verdict
    assert "NOT_YET_ASKED" in codes(snapshot)
    assert snapshot.posture.evidence_age_seconds is None


def test_market_closed_right_after_the_open_is_lag(floor):
    """For 30 s after the open a service may still say MARKET_CLOSED; then it is UNKNOWN (R3.7)."""
    states = []
    for seconds in (30, 31):
        floor.refresh(OPEN_AT + timedelta(seconds=seconds))
        floor.say(STRATEGY, "status.state", "MARKET_CLOSED")
        states.append(floor.decide().service(SE).state)

    assert [ServiceState.MARKET_CLOSED, ServiceState.UNKNOWN] == states


@pytest.mark.parametrize("at", [NOW, EVENING], ids=["open", "closed"])
def test_own_clock_is_suspect_when_the_services_disagree_with_it(floor, at):
    """A median skew of the Date headers above 5 s halts in every phase, as P1 (R2.16, R6.10)."""
    floor.refresh(at)
    for by_path in floor.answers.values():
        for path, seen in by_path.items():
            exchange = type(seen.exchange)(status=200, date_skew=6.0)
            by_path[path] = type(seen)(seen.value, seen.at, seen.took, exchange)

    snapshot = floor.decide()

    assert (Severity.P1, "OWN_CLOCK_SUSPECT") in {
        (r.severity, r.code) for r in snapshot.posture.reasons if r.halts
    }
    assert Verdict.HALTED is snapshot.posture.verdict


def test_identity_mismatch_is_only_a_note(floor):
    """A service that calls itself otherwise is noted, and still OK (R3.13)."""
    floor.say(STRATEGY, "agent_identity.agent_name", "strategy-runtime")

    snapshot = floor.decide()

    assert Verdict.OK is snapshot.posture.verdict
    assert "IDENTITY_MISMATCH" == snapshot.service(SE).reason_code


def test_evidence_age_is_that_of_the_oldest(floor):
    """The evidence age is the age of the oldest required reading."""
    later = floor.now + timedelta(seconds=20)

    assert 20.0 == floor.decide(later).posture.evidence_age_seconds


def test_a_calendar_that_ends_soon_warns(floor):
    """Under 90 days of calendar left is a warning that halts nothing (R5.3)."""
    floor.session_at = lambda now: replace(session_at(now), horizon_days=89)

    posture = floor.decide().posture

    assert Verdict.OK is posture.verdict
    assert [("CALENDAR_HORIZON", False)] == [(r.code, r.halts) for r in posture.reasons]


def test_a_switch_without_any_source_is_unconfirmed(floor):
    """Where no source is configured that could confirm, the switch is unconfirmed: P0."""
    evidence = replace(floor.evidence(), switch_readings=())

    snapshot = decide_floor(evidence, NOTHING_LATCHED, session_at, floor.now)

    assert KillSwitchState.UNKNOWN is snapshot.kill_switch.state
    assert ("KILL_SWITCH_UNCONFIRMED", "P0") == (
        snapshot.posture.reasons[0].code,
        snapshot.posture.reasons[0].severity.value,
    )
    assert None is snapshot.posture.evidence_age_seconds


@pytest.mark.parametrize(
    ("text", "state"),
    [
        pytest.param("1", "ENGAGED", id="1"),
        pytest.param(" TRUE \n0", "ENGAGED", id="first line only"),
        pytest.param("On", "ENGAGED", id="folded"),
        pytest.param("off", "DISENGAGED", id="off"),
        pytest.param("\n1", "UNKNOWN", id="empty first line"),
        pytest.param("y", "UNKNOWN", id="y"),
        pytest.param("2", "UNKNOWN", id="2"),
        pytest.param("\x0b1", "UNKNOWN", id="odd space"),
    ],
)
def test_the_switch_file_has_three_meanings(floor, text, state):
    """Only exact words mean something; everything else is UNKNOWN (R4.1)."""
    floor.switch = text

    assert state == floor.decide().kill_switch.state.value


def test_the_environment_only_contradicts(floor):
    """An engaged environment confirms nothing, and a disengaged one is evidence (R4.2, R4.3)."""
    told = []
    for text in ("1", "0"):
        heard = SwitchReading(SourceKind.ENVIRONMENT, "EXECUTION_HALTED", Seen(text, floor.now))
        evidence = replace(floor.evidence(), switch_readings=(heard,))
        snapshot = decide_floor(evidence, NOTHING_LATCHED, session_at, floor.now)
        told.append((snapshot.kill_switch.state.value, snapshot.kill_switch.confirmed))

    assert [("UNKNOWN", False), ("DISENGAGED", False)] == told


def test_coverage_names_each_gap(floor):
    """Coverage counts what was asked and obtained, and names every gap with its reason."""
    floor.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT)
    floor.lose(MARKETDATA, "/healthz", UnseenReason.NOT_OFFERED, 404)
    del floor.answers["market-ingest"]
    floor.switch = None

    coverage = floor.decide().posture.coverage

    assert (8, 5) == (coverage.asked, coverage.obtained)
    assert [
        ("/etc/agenttrader/kill-switch/EXECUTION_HALTED", "UNREADABLE"),
        ("market-ingest", "NOT_YET_ASKED"),
        ("strategy-engine /ops/status", "TIMEOUT"),
    ] == list(coverage.gaps)


@pytest.mark.parametrize(
    ("store", "said"),
    [
        pytest.param(None, False, id="nothing is ever recorded"),
        pytest.param(Seen(None, NOW), False, id="it can be written to"),
        pytest.param(Seen(None, NOW - timedelta(seconds=46)), True, id="not tried lately"),
        pytest.param(Unseen(UnseenReason.UNREADABLE, NOW, detail="disk full"), True, id="it fails"),
        pytest.param(Unseen(UnseenReason.TIMEOUT, NOW), True, id="it hangs"),
    ],
)
@pytest.mark.parametrize(("at", "severity"), [(NOW, Severity.P1), (EVENING, Severity.P2)])
def test_a_store_that_cannot_be_written_to_is_a_reason(floor, store, said, at, severity):
    """What cannot be recorded is said, by when it matters; it halts nothing by itself."""
    floor.refresh(at)
    moved = None if store is None else replace(store, at=store.at + (at - NOW))
    evidence = replace(floor.evidence(), store=moved)
    snapshot = decide_floor(evidence, NOTHING_LATCHED, session_at, at)

    found = [(r.severity, r.halts) for r in snapshot.posture.reasons if "STORE" in r.code]
    assert ([(severity, False)] if said else []) == found


@pytest.mark.parametrize("at", [NOW, EVENING])
def test_a_standing_that_is_not_known_halts(floor, at):
    """
    Until the alarms from before a start are known, the floor is HALTED in every phase (R6.10).
    """
    floor.refresh(at)
    evidence = replace(floor.evidence(), alarms_known=False)
    snapshot = decide_floor(evidence, NOTHING_LATCHED, session_at, at)

    assert Verdict.HALTED is snapshot.posture.verdict
    assert (Severity.P1, "STANDING_UNKNOWN") in {
        (r.severity, r.code) for r in snapshot.posture.reasons if r.halts
    }


def test_a_history_that_was_lost_halts_and_says_what_a_human_does(floor):
    """What was lost of the past is told with its remedy, in every phase."""
    lost = "the database is empty and belongs to no record"
    evidence = replace(floor.evidence(), alarms_known=False, alarms_lost=lost)
    snapshot = decide_floor(evidence, floor.latched, session_at, NOW)

    (reason,) = [r for r in snapshot.posture.reasons if r.code == "STANDING_UNKNOWN"]
    assert (Severity.P1, True) == (reason.severity, reason.halts)
    assert reason.detail.startswith(lost)
    assert "--history-is-new=HEAD" in reason.detail


@pytest.mark.parametrize(("seconds", "said"), [(1, True), (0, False), (-1, False)])
def test_a_record_that_began_lately_is_said_to_be_new(floor, seconds, said):
    """It is P2 until its time is over, and halts nothing."""
    until = NOW + timedelta(seconds=seconds)
    evidence = replace(floor.evidence(), record_new_until=until)
    snapshot = decide_floor(evidence, floor.latched, session_at, NOW)

    told = [r for r in snapshot.posture.reasons if r.code == "RECORD_NEW"]
    assert [(Severity.P2, False)] * said == [(r.severity, r.halts) for r in told]
