"""Decide: what another Mission Control says is shown as it says it, or UNKNOWN with the reason."""

from datetime import timedelta

import pytest

from mission_control.floors.decide import count_states
from mission_control.floors.model import FloorState
from mission_control.floors.present import floors_document
from mission_control.model.fleet import OtherFloor
from mission_control.model.reading import Unseen, UnseenReason
from tests.floor.floor_of_values import MARKETDATA, NOW, FloorOfValues, rich, stamp
from tests.floors.floors_of_values import EAST, WEST, answer, halted, judge, read, said, see

CLOSED = NOW.replace(hour=23)
LATER = NOW + timedelta(seconds=20)


def test_a_calm_floor_is_shown_as_it_says_of_itself():
    """Posture, since when, what leads, replica and the age of its evidence by our clock (R17.1)."""
    report = judge(read(answer()), NOW + timedelta(seconds=7))

    assert (report.state, report.expected, report.severity) == (FloorState.OK, True, None)
    assert report.since == NOW
    assert report.sentence.startswith("Every service is as expected")
    assert report.evidence_age_seconds == 7.0
    assert report.said is not None
    assert report.said.replica == "a"
    assert report.heard_at == NOW


def test_a_halted_floor_is_shown_with_its_own_severity_and_leading_reason():
    """As its own posture says, since it says (R17.1)."""
    floor = FloorOfValues()
    floor.lose(MARKETDATA, "/ops/status", UnseenReason.TIMEOUT)
    report = judge(read(answer(floor=floor)))

    assert (report.state, report.expected, report.severity) == (FloorState.HALTED, False, "P1")
    assert report.code == "MARKETDATA_UNVERIFIABLE"
    assert "How old market data is" in report.sentence


def test_a_halt_that_calls_itself_expected_is_not():
    """No halt is as expected (R6.12)."""
    assert judge(read(halted() | said(posture="HALTED", expected=True))).expected is False


AGO = stamp(NOW - timedelta(seconds=61))
AHEAD = stamp(NOW + timedelta(seconds=6))
UNKNOWN = {
    "not asked yet": (None, "NOT_YET_ASKED", "not asked yet"),
    "silent": (Unseen(UnseenReason.TIMEOUT, NOW, detail="no whole answer"), "TIMEOUT", "no whole"),
    "refused": (Unseen(UnseenReason.CONNECTION_REFUSED, NOW), "CONNECTION_REFUSED", "no usable"),
    "an error": (read(answer(), status=503), "HTTP_503", "503"),
    "sends us away": (read(b"", status=302), "REDIRECTED", "302"),
    "no JSON": (read(b"<html>"), "NOT_JSON", "not JSON"),
    "a broken contract": (read(said(posture="FINE")), "CONTRACT_INVALID", "posture"),
    "says it twice": (
        read(b'{"status":{"state":"OK"},"status":{"state":"OK"}}'),
        "CONTRACT_INVALID",
        "no usable",
    ),
    "an age below zero": (read(said(evidence_age_seconds=-1.0)), "CONTRACT_INVALID", "evidence"),
    "no whole posture": (read({**answer(), "floor_posture": {}}), "CONTRACT_INVALID", "posture"),
    "a service of another kind": (
        read(rich(MARKETDATA, NOW)),
        "NOT_MISSION_CONTROL",
        "no Mission Control",
    ),
    "an older Mission Control": (
        read({k: v for k, v in answer().items() if k != "floor_posture"}),
        "NOT_MISSION_CONTROL",
        "tells no posture",
    ),
    "a simulated floor": (read(said(label="DEMO")), "FLOOR_LABELLED", "DEMO"),
    "decided long ago": (read(said(decided_utc=AGO, since_utc=AGO)), "FLOOR_DECISION_OLD", "61 s"),
    "a clock ahead": (read(said(decided_utc=AHEAD)), "CLOCK_SKEW", "6 s"),
    "halted in the future": (read(halted(since=NOW + timedelta(seconds=9))), "CLOCK_SKEW", "9 s"),
    "so since after it was decided": (
        read(said(since_utc=stamp(NOW + timedelta(seconds=2)))),
        "CLOCK_SKEW",
        "disagree",
    ),
    "its loop has stalled": (
        read({**answer(stalled=True)}),
        "FLOOR_DEGRADED",
        "POLL_LOOP_STALLED",
    ),
    "its scheduler has stalled": (
        read(answer(scheduler_stalled=True)),
        "FLOOR_DEGRADED",
        "SCHEDULER_STALLED",
    ),
    "degraded without a reason": (
        read({**answer(), "status": {**answer()["status"], "state": "DEGRADED"}}),
        "FLOOR_DEGRADED",
        "no reason",
    ),
    "evidence of no age": (read(said(evidence_age_seconds=None)), "FLOOR_EVIDENCE_OLD", "unknown"),
    "old evidence": (read(said(evidence_age_seconds=121.0)), "FLOOR_EVIDENCE_OLD", "121 s"),
    "calm beside a P0": (read(said(severity="P0")), "CONTRADICTION", "P0"),
    "calm about nothing": (read(said(services=0)), "CONTRADICTION", "no service"),
}


@pytest.mark.parametrize(("reading", "code", "words"), UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_no_evidence_is_unknown_with_its_reason(reading, code, words):
    """Silent, late, malformed, foreign, skewed, stalled or old: UNKNOWN, never green (R17.2)."""
    report = judge(reading)

    assert (report.state, report.expected, report.severity) == (FloorState.UNKNOWN, False, None)
    assert report.code == code
    assert words in report.sentence
    assert report.since == NOW


def test_an_answer_expires_as_any_reading_does():
    """After 45 s it is no evidence any more, whatever it said (R17.2)."""
    calm = read(answer())

    assert judge(calm, NOW + timedelta(seconds=45)).state is FloorState.OK
    assert judge(calm, NOW + timedelta(seconds=46)).code == "EXPIRED"


def test_evidence_grows_older_between_its_decision_and_us():
    """What it says of its age counts from its decision (R17.2)."""
    old = read(said(evidence_age_seconds=100.0))

    assert judge(old, NOW + timedelta(seconds=20)).state is FloorState.OK
    assert judge(old, NOW + timedelta(seconds=21)).code == "FLOOR_EVIDENCE_OLD"


def test_a_halt_counts_also_where_it_is_old_and_its_mission_control_degraded():
    """Bad evidence takes calm away, and never a halt (R17.3)."""
    old = halted(evidence_age_seconds=None, decided_utc=AGO)
    stalled = {**old, "status": answer(stalled=True)["status"]}

    assert judge(read(stalled)).state is FloorState.HALTED


def test_an_unknown_floor_tells_since_when_and_what_it_said_last():
    """The first moment counts, whatever reason follows; the last posture is kept (R17.3)."""
    before = judge(read(halted(severity="P0")))
    silent = judge(Unseen(UnseenReason.TIMEOUT, LATER), LATER, before)
    still = judge(read(b"{", LATER), LATER + timedelta(seconds=30), silent)

    assert (still.state, still.since, still.code) == (FloorState.UNKNOWN, LATER, "NOT_JSON")
    assert still.said is not None
    assert (still.said.posture, still.said.severity) == ("HALTED", "P0")
    assert still.heard_at == NOW


def test_what_is_known_again_is_known_since_it_says():
    """An answer ends UNKNOWN at once (R17.1)."""
    silent = judge(Unseen(UnseenReason.TIMEOUT, NOW))
    again = judge(read(answer(LATER), LATER), LATER, silent)

    assert (again.state, again.since) == (FloorState.OK, LATER)


def test_a_halt_in_doubt_is_held_against_its_floor():
    """It stands where its halt puts it, and a calm in doubt takes nothing back (R17.3)."""
    doubted = judge(read(halted(severity="P0", decided_utc=AHEAD)))
    calm = judge(read(said(services=0), LATER), LATER, doubted)

    assert doubted.said is not None
    assert calm.said is not None
    assert (doubted.state, doubted.said.severity) == (FloorState.UNKNOWN, "P0")
    assert (calm.state, calm.said.severity) == (FloorState.UNKNOWN, "P0")


def test_one_process_that_answers_for_two_floors_answers_for_neither():
    """An address that leads to the wrong floor never shows that one's calm (R17.4)."""
    same = see({"east": read(answer()), "west": read(answer())})
    apart = see({"east": read(answer(replica="a")), "west": read(answer(replica="b"))})

    assert [r.code for r in same.reports] == ["FLOOR_ASKED_TWICE"] * 2
    assert "replica a" in same.reports[0].sentence
    assert [r.state for r in apart.reports] == [FloorState.OK] * 2


def test_a_process_without_a_name_is_told_apart_by_its_start():
    """Two that name themselves alike are two where they began apart (R17.4)."""
    other = read(answer(replica="", started_at=NOW - timedelta(hours=1)))
    apart = see({"east": read(answer(replica="")), "west": other})
    same = see({"east": other, "west": other})

    assert [r.state for r in apart.reports] == [FloorState.OK] * 2
    assert "replica ?" in same.reports[0].sentence


def test_the_worst_floor_stands_first_and_nothing_is_averaged():
    """P0, then halts, then what is not known, then the unexpected, then the rest (R17.5)."""
    names = ("ok", "silent", "p0", "odd", "halted", "was-p0", "closed", "longer")
    floors = [OtherFloor(name, f"http://{name}") for name in names]
    long_ago = NOW - timedelta(hours=2)
    readings = {
        "ok": answer(replica="1"),
        "p0": halted(severity="P0", replica="2"),
        "odd": said(expected=False, replica="3"),
        "halted": halted(replica="4"),
        "was-p0": halted(severity="P0", replica="5"),
        "closed": said(posture="MARKET_CLOSED", replica="6"),
        "longer": halted(since=long_ago, replica="7"),
    }
    read_all = {name: read(document) for name, document in readings.items()}
    first = see(read_all, floors=floors)
    silent = {**read_all, "was-p0": Unseen(UnseenReason.TIMEOUT, NOW)}
    seen = see(silent, before=first, floors=floors)

    assert [r.floor.name for r in seen.reports] == [
        "p0", "was-p0", "longer", "halted", "silent", "odd", "closed", "ok"]  # fmt: skip
    assert count_states(seen.reports) == {
        "OK": 2, "MARKET_CLOSED": 1, "HALTED": 3, "UNKNOWN": 2, "unexpected": 6}  # fmt: skip


def test_a_demo_lists_simulated_floors_alone():
    """In a demo the floors are labelled as it is (R17.2)."""
    assert judge(read(said(label="DEMO")), label="DEMO").state is FloorState.OK
    assert judge(read(answer()), label="DEMO").code == "FLOOR_LABELLED"
    assert "as real" in judge(read(answer()), label="DEMO").sentence


def test_floors_are_those_that_are_listed():
    """Each once, also where nothing is known of it (R17.1)."""
    assert {r.floor for r in see({}).reports} == {EAST, WEST}


def test_what_a_floor_said_last_is_shown_beside_unknown_alone():
    """Of a floor that never answered there is none; it is never shown as what is (R17.2)."""
    silent = Unseen(UnseenReason.TIMEOUT, NOW)
    before = see({EAST.name: read(answer())})
    never, once = (
        {floor["name"]: floor["last_said"] for floor in floors_document(seen)["floors"]}
        for seen in (see({EAST.name: silent}), see({EAST.name: silent}, LATER, before))
    )

    assert never[EAST.name] is None
    assert once[EAST.name]["posture"] == "OK"
