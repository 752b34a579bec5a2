"""`rehearse`: a day is played by the real jobs, and its end tells a script how it went."""

import json
from dataclasses import replace
from datetime import time

import pytest

from mission_control.bootstrap import rehearsal
from mission_control.simulation.days import CALM, DAYS, TRADING_HALT, Turn

HALT = next(day for day in DAYS if day.name == "market-halt")
SHORT = replace(
    HALT,
    begins=time(10, 11),
    ends=time(10, 15, 30),
    turns=(Turn(time(10, 12), TRADING_HALT, "no tick"), Turn(time(10, 15, 9), CALM, "ticks")),
    says=(
        "posture OK, session OPEN",
        "no tick",
        "posture OK -> HALTED: MARKETDATA_STALE marketdata-mcp-server",
        "alert pages: P1 MARKETDATA_STALE",
        "intraday_sample: SUCCEEDED",
        "posture HALTED -> OK: MARKETDATA_STALE",
    ),
)


def test_a_market_wide_halt_is_stale_market_data_and_pages(run, monkeypatch, tmp_path):
    """R15.25, R15.28, R15.29: it halts and pages until ticks come; all was said: it ends with 0."""
    monkeypatch.setattr(rehearsal, "DAYS", (SHORT,))

    result = run("rehearse", "market-halt", "--json", MISSION_CONTROL_ROOT=str(tmp_path))

    told = json.loads(result.stdout)
    assert (0, [], True) == (result.exit_code, told["missing"], told["record_intact"])
    assert "DEMO" == told["label"]
    assert {"intraday_sample": {"SUCCEEDED": 2}} == told["runs"]
    halted = next(s for s in told["said"] if "-> HALTED" in s["text"])
    assert "2026-12-02 10:14:0" == halted["at_et"][:18]
    assert [] == list(tmp_path.iterdir())


def test_what_was_not_said_fails_the_rehearsal(run, monkeypatch):
    """R15.28: a day that does not say what it has to ends with 4, and names what is missing."""
    quick = replace(SHORT, ends=time(10, 11, 6), turns=(), says=("trading is excused",))
    monkeypatch.setattr(rehearsal, "DAYS", (quick,))

    result = run("rehearse", "market-halt")

    assert 4 == result.exit_code
    assert "posture OK, session OPEN" in result.stdout
    assert result.stdout.endswith("and was not:\n  trading is excused\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["market-hat"], "did you mean 'market-halt'?", id="mistyped"),
        pytest.param(["tuesday"], "--list names them all", id="unknown"),
        pytest.param([], "rehearse --list", id="none"),
    ],
)
def test_a_day_that_there_is_not_is_refused(run, arguments, said):
    """R15.30: wrong usage, with what may have been meant."""
    result = run("rehearse", *arguments)

    assert 2 == result.exit_code
    assert said in result.stderr


def test_the_days_are_listed(run):
    """Each with its date and what is odd about it."""
    lines = run("rehearse", "--list", COLUMNS="80").stdout.splitlines()
    values = json.loads(run("rehearse", "--list", "--json").stdout)

    assert [day.name for day in DAYS] == [value["name"] for value in values]
    assert all(len(line) <= 80 for line in lines)
    assert {"market-halt", "thanksgiving-friday"} <= {line.split()[0] for line in lines}
