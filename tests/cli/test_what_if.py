"""`what-if`: the rules tried on a floor that really answers, and on the recorded past."""

import json
from datetime import timedelta

import pytest

from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.model import NOTHING_LATCHED
from mission_control.history.model import DecisionRecord
from tests.floor.floor_of_values import FloorOfValues, session_at
from tests.history.conftest import keeping

MARKETDATA = "marketdata-mcp-server"


def test_a_silent_feed_would_halt_a_calm_floor(floor):
    """
    The floor is asked once and stays OK; the answer says what would be, and exits by that (R12.39).
    """
    calm = floor("calm")

    result = calm.run("what-if", "--silence", MARKETDATA)

    lines = result.stdout.splitlines()
    assert 3 == result.exit_code
    assert lines[0].startswith("WHAT IF")
    assert f"  {MARKETDATA} does not answer" in lines
    assert any(line.startswith("WHAT IF before: OK") for line in lines)
    assert any(line.startswith("WHAT IF after:  HALTED") for line in lines)
    assert any(line.startswith("+ P1 halts") and MARKETDATA in line for line in lines)
    assert 0 == calm.run("status").exit_code


def test_nothing_is_recorded(floor):
    """
    Below the root there is afterwards what was there before (R12.41).
    """
    calm = floor("calm")
    before = sorted(calm.folder.rglob("*"))

    document = json.loads(calm.run("what-if", "--switch", "0", "--json").stdout)

    assert before == sorted(calm.folder.rglob("*"))
    assert "WHAT IF" == document["label"]
    assert "HALTED" == document["after"]["verdict"]
    assert "EXECUTION_EVIDENCE" in {r["code"] for r in document["came"]}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param((), "--silence, --say or --switch", id="nothing"),
        pytest.param(("--silence", "x"), "lists no 'x'; it lists", id="no such agent"),
        pytest.param(
            ("--say", f"{MARKETDATA}.tick=1"), "there are agent_identity.agent_mode", id="field"
        ),
        pytest.param(("--at", "2999-01-01T00:00", "--switch", "0"), "future", id="future"),
    ],
)
def test_what_cannot_be_tried_is_wrong_usage(floor, arguments, told):
    """
    Exit 2, and what there is to be changed is named.
    """
    result = floor("calm").run("what-if", *arguments)

    assert 2 == result.exit_code
    assert told in result.stderr


def test_the_recorded_past_is_tried_the_same_way(floor):
    """
    `--at` decides what was decided from then; where nothing was recorded it exits with 5 (R12.39).
    """
    calm, past = floor("calm"), FloorOfValues()
    then = calm.clock() - timedelta(minutes=5)
    past.refresh(then)
    past.ask()
    with keeping(calm.folder, None) as keeper:
        decided = decide_floor(past.evidence(), NOTHING_LATCHED, session_at, then)
        keeper.writer.put(
            DecisionRecord("start", past.evidence(), NOTHING_LATCHED, decided, (), ())
        )
    silent = ("what-if", "--silence", MARKETDATA, "--at")

    tried = calm.run(*silent, f"{then + timedelta(seconds=2):%Y-%m-%dT%H:%M:%SZ}", "--json")
    unknown = calm.run(*silent, f"{then - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}")

    document = json.loads(tried.stdout)
    assert 3 == tried.exit_code
    assert ("OK", "HALTED") == (document["before"]["verdict"], document["after"]["verdict"])
    assert f"{then:%H:%M:%S}" in document["at"]
    assert 5 == unknown.exit_code
    assert "WHAT IF: nothing was recorded by then." in unknown.stderr


def test_without_a_history_there_is_no_past(floor):
    """
    Where no server ever kept a history nothing is made up.
    """
    result = floor("calm").run("what-if", "--switch", "0", "--at", "2026-01-05T10:00")

    assert 5 == result.exit_code
    assert "no server ever kept a history" in result.stderr
