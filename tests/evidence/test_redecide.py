"""A bundle's postures, decided again: by the same rules each is the same, to the byte."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mission_control.evidence.model import RecordedChange
from mission_control.evidence.redecide import (
    MOST_SHOWN,
    redecide,
    redecision_document,
    redecision_lines,
)
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.model import NOTHING_LATCHED, Verdict
from mission_control.floor.present.posture import posture_document
from mission_control.history.codec import decision_result
from mission_control.history.model import PastDecision
from mission_control.model.reading import UnseenReason
from tests.floor.floor_of_values import MARKETDATA, NOW, FloorOfValues, session_at

OURS = "0.1.0+abc"


def recorded(
    floor=None, *, version: str | None = OURS, result=None, equal=True, posture=None, number=0
):
    """Return a judged change of this floor as a bundle holds it."""
    floor = floor or FloorOfValues()
    evidence = floor.evidence()
    snapshot = decide_floor(evidence, NOTHING_LATCHED, session_at, floor.now, sequence=4)
    said = result or decision_result(snapshot)
    decision = PastDecision(floor.now, 4, evidence, NOTHING_LATCHED, said)
    told = posture or posture_document(snapshot)
    path = f"data/posture/changes/{number:06d}_x.json"
    return RecordedChange(path, number, "change", version, decision, equal, told)


def silent_floor():
    """Return a floor whose feed is silent."""
    floor = FloorOfValues()
    floor.lose(MARKETDATA, "/ops/status", UnseenReason.TIMEOUT)
    return floor


def said_by_others():
    """Return a change whose inputs say HALTED, of which other rules said OK."""
    calm = posture_document(FloorOfValues().decide())
    return recorded(silent_floor(), version="0.0.9+old", result="0" * 64, posture=calm)


def test_the_same_rules_say_the_same():
    """
    Decided again from what was recorded, each posture is what was decided then (R12.42).
    """
    found = redecide([recorded(), recorded(silent_floor())], session_at, OURS)

    assert (2, 2, 0, 0) == (found.decided, found.equal, found.unexplained, found.otherwise)
    assert [f"2 decisions, decided again by {OURS}: 2 equal what was decided then"] == list(
        redecision_lines(found)
    )


def test_a_difference_by_the_same_rules_is_unexplained():
    """
    Where the version is ours and the result is not, something is not what it was.
    """
    found = redecide([recorded(result="0" * 64, equal=False)], session_at, OURS)

    first, second, last = redecision_lines(found)
    assert 1 == found.unexplained
    assert first.endswith(f"(decided by {OURS})")
    assert "NOT AS DECIDED THEN, by the same rules: OK; what was said then is known" in second
    assert "1 DIFFER although the same rules decided them" in last


def test_other_rules_are_told_as_what_today_would_say():
    """
    The reasons that come are named, with the verdict of then and of now.
    """
    found = redecide([said_by_others()], session_at, OURS)

    lines, document = list(redecision_lines(found)), redecision_document(found)
    assert (0, 1) == (found.unexplained, found.otherwise)
    assert "  today's rules would say: HALTED; then it was OK" in lines
    assert any(line.startswith("  + P1 halts") for line in lines)
    assert lines[-1].endswith("today's rules would say otherwise in 1")
    (differing,) = document["differing"]
    assert ("OK", "HALTED") == (differing["difference"]["then"], differing["difference"]["now"])
    assert "TIMEOUT" in {r["code"] for r in differing["difference"]["came"]}
    assert differing["at"].startswith("2026-11-18T15:15:00")


def test_other_words_for_the_same_posture_are_no_other_posture():
    """
    What another version decided and today's rules only describe otherwise is counted apart.
    """
    odd = recorded(silent_floor(), version="0.0.9+old", result="0" * 64)

    found = redecide([odd], session_at, OURS)

    (told,) = redecision_lines(found)
    assert (1, 0, 0) == (found.reworded, found.otherwise, len(found.shown))
    assert told.endswith("1 have the same verdict and reasons, described otherwise")


def test_what_differs_beside_the_posture_is_said():
    """
    By the same rules nothing may differ, also where verdict and reasons are the same.
    """
    found = redecide([recorded(silent_floor(), result="0" * 64)], session_at, OURS)

    assert 1 == found.unexplained
    assert "  The posture is the same; what is said of services or safety differs." in list(
        redecision_lines(found)
    )


def test_a_version_that_was_not_recorded_is_not_ours():
    """
    What was decided before versions were recorded may differ without anything being wrong.
    """
    found = redecide([recorded(version=None, result="0" * 64, equal=False)], session_at, OURS)

    lines = list(redecision_lines(found))
    assert (0, 1, 1) == (found.unexplained, found.otherwise, found.unversioned)
    assert "decided by a version that was not recorded" in lines[0]
    assert lines[-1].endswith("of 1 the deciding version was not recorded")
    assert redecision_document(found)["differing"][0]["difference"] is None


def test_of_very_many_that_differ_the_first_are_told():
    """
    The rest is counted, in bounded memory.
    """
    odd = recorded(result="0" * 64, equal=False)

    found = redecide((replace(odd, number=n) for n in range(MOST_SHOWN + 3)), session_at, OURS)

    assert MOST_SHOWN + 3 == found.unexplained
    assert MOST_SHOWN == len(found.shown)
    assert "and 3 more that differ" in list(redecision_lines(found))


def test_the_inputs_decide_and_nothing_else():
    """
    A change of any input is a difference: here the instant, by which a reading is too old.
    """
    change = recorded()
    late = replace(change.decision, at=NOW + timedelta(minutes=5))

    found = redecide([replace(change, decision=late)], session_at, OURS)

    (odd,) = found.shown
    assert Verdict.HALTED is odd.verdict
    assert odd.difference is not None
    assert "EXPIRED" in {r.code for r in odd.difference.came}


def test_a_posture_that_was_none_is_refused():
    """
    A bundle that was made up may say anything; it is not taken for a posture.
    """
    odd = replace(said_by_others(), posture={"posture": "FINE", "reasons": []})

    with pytest.raises(ValueError, match="FINE"):
        redecide([odd], session_at, OURS)
