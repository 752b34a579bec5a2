"""Decide: what the floor comes to, kept up to date, is what counting from nothing gives."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mission_control.floor.decide.agent_evidence import weigh_evidence
from mission_control.floor.decide.evidence import Moment
from mission_control.floor.decide.own_clock import (
    ClockTold,
    count_clocks,
    state_own_clock,
)
from mission_control.floor.decide.tally import FloorTally, Least
from mission_control.kill_switch.decide import ServiceSwitches, judge_kill_switch
from mission_control.model.fleet import Safety
from mission_control.model.kill_switch import KillSwitchState, SourceKind, SwitchSource
from mission_control.model.reading import UnseenReason
from tests.floor.floor_of_values import MARKETDATA, NOW, STRATEGY, FloorOfValues, session_at


def test_the_least_key_is_found_however_keys_change():
    """The least of the keys that places have now is given, whatever they had before."""
    least = Least[str]()
    assert least.least() is None
    for turn in range(500):
        for place in range(3):
            least.put(place, f"{turn:04}{place}")
        least.put(1, None if turn % 2 else f"{turn:04}")
        assert least.least() == ((f"{turn:04}0", 0) if turn % 2 else (f"{turn:04}", 1))
    least.put(9, "")
    for turn in range(500):  # what is no longer had is not kept below the least for ever
        least.put(0, f"{turn:04}")
    assert len(least._heap) < 200  # noqa: SLF001
    least.put(9, None)
    assert least.least() == ("0499", 0)
    least.put(0, None)
    least.put(2, None)

    assert least.least() is None


def _weighed(floor: FloorOfValues):
    evidence = floor.evidence()
    return [
        weigh_evidence(
            a, evidence.rounds.get(a.agent_name), session_at, Moment(floor.now), Safety()
        )
        for a in floor.fleet.agents
    ]


def _read_out(tally: FloorTally):
    return (
        tuple(tally.missing),
        tuple(tally.raising),
        tuple(tally.fresh),
        tuple(tally.not_fresh),
        tally.coverage,
        tally.oldest,
        tally.any_unasked,
        tuple(tally.builds),
        tally.switches.sources,
        tally.switches.states,
        tally.clocks,
    )


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda f: f.refresh(NOW + timedelta(seconds=10)), id="younger"),
        pytest.param(lambda f: f.say(STRATEGY, "safety.kill_switch", value=False), id="off"),
        pytest.param(lambda f: f.say(STRATEGY, "safety.kill_switch", None), id="no word of it"),
        pytest.param(lambda f: f.say(MARKETDATA, "marketdata.is_fresh", value=False), id="stale"),
        pytest.param(lambda f: f.say(STRATEGY, "agent_identity.agent_mode", "LIVE"), id="live"),
        pytest.param(
            lambda f: f.lose(MARKETDATA, "/ops/status", UnseenReason.TIMEOUT), id="silent"
        ),
        pytest.param(lambda f: f.answers.pop(STRATEGY.agent_name), id="not asked"),
    ],
)
def test_a_tally_kept_up_to_date_is_one_made_from_nothing(floor, change):
    """There and back again, each agent's evidence is counted once."""
    first = _weighed(floor)
    change(floor)
    second = _weighed(floor)
    tally = FloorTally(first)

    for evidence in (second, first):
        for place, each in enumerate(evidence):
            tally.put(place, each)
        assert _read_out(tally) == _read_out(FloorTally(evidence))


def test_services_say_off_as_other_sources_do():
    """One service that says off makes the switch off, and takes that back alone."""
    on = SwitchSource(SourceKind.SERVICE, "b /ops/status", KillSwitchState.ENGAGED, NOW)
    off = replace(on, source="a /ops/status", state=KillSwitchState.DISENGAGED)
    services = ServiceSwitches([on, off])
    both = judge_kill_switch([], services=services)

    assert (off, on) == both.sources
    assert both == judge_kill_switch([off, on])
    services.replace((off,), (replace(off, state=KillSwitchState.ENGAGED),))
    assert judge_kill_switch([], services=services).state is KillSwitchState.UNKNOWN


@pytest.mark.parametrize(
    ("told", "raised"),
    [
        pytest.param([ClockTold(date=0.0)] * 3, {"date": False}, id="dates agree"),
        pytest.param([ClockTold(date=9.0)] * 3, {"date": True}, id="dates differ"),
        pytest.param([ClockTold(date=0.0), ClockTold(date=9.0)], {}, id="as many as not"),
        pytest.param([ClockTold(date=0.0), ClockTold(silent=True)], {}, id="half are silent"),
        pytest.param([ClockTold(status=0.0)] * 2, {"status": False}, id="statuses agree"),
        pytest.param([ClockTold(status=0.0)], {}, id="one status is not enough"),
        pytest.param([ClockTold(status=9.0)], {}, id="nor one that differs"),
        pytest.param(
            [ClockTold(status=0.0)] * 2 + [ClockTold(vague=True)] * 2, {}, id="half are vague"
        ),
        pytest.param([ClockTold(status=9.0)] * 2, {"status": True}, id="statuses differ"),
        pytest.param(
            [ClockTold(status=0.0)] * 3 + [ClockTold(status=-70.0)],
            {"status": False},
            id="one replays the past",
        ),
        pytest.param(
            [ClockTold(date=0.0)] * 2 + [ClockTold(status=-70.0)] * 2,
            {"date": False, "status": True},
            id="each for itself",
        ),
        pytest.param([], {}, id="nothing is told"),
    ],
)
def test_our_clock_is_judged_by_what_more_than_half_say(told, raised):
    """Counted or gone through, the clocks state the same."""
    said = state_own_clock(told, count_clocks(told))

    assert raised == {s.fact: s.raises for s in said}
