"""Decide: the cadence at which services are asked."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.model.fleet import Agent, Kind
from mission_control.probe.decide import GRID_SECONDS, interval_of, next_due, spread


def test_phases_are_spread_evenly():
    """Agents start spread over their interval, in a fixed order."""
    agents = [Agent(f"a{i}", Kind.STRATEGY, "http://a", interval_seconds=10) for i in range(4)]

    assert [0.0, 2.5, 5.0, 7.5] == [offset for _, offset in spread(agents)]


def test_a_large_fleet_is_asked_a_handful_at_a_time():
    """Offsets lie on a grid and never beyond the interval, with as many agents on each step."""
    agents = [Agent(f"a{i}", Kind.STRATEGY, "http://a", interval_seconds=10) for i in range(1000)]

    steps = Counter(offset for _, offset in spread(agents))

    assert {round(i * GRID_SECONDS, 6) for i in range(int(10 / GRID_SECONDS))} == set(steps)
    assert {1000 * GRID_SECONDS / 10} == set(steps.values())


@pytest.mark.parametrize(
    ("due", "now", "expected"),
    [
        pytest.param(0.0, 0.1, 10.0, id="quick answer"),
        pytest.param(0.0, 10.0, 10.0, id="answer takes the whole interval"),
        pytest.param(0.0, 12.0, 20.0, id="one start missed"),
        pytest.param(0.0, 43.0, 50.0, id="loop was stopped"),
    ],
)
def test_the_next_start_stays_on_the_grid(due, now, expected):
    """The next start is the first one on the agent's own grid that has not passed."""
    assert expected == next_due(due, now, 10.0)


@given(st.floats(0, 1e6), st.floats(0, 1e4), st.floats(0.1, 40))
def test_the_next_start_is_never_further_than_an_interval(due, late, interval):
    """However late we are, the next start is at most one interval away, and not in the past."""
    now = due + late

    following = next_due(due, now, interval)

    assert now - 1e-6 <= following <= now + interval + 1e-6


@pytest.mark.parametrize(("brisk", "expected"), [(2.0, [10.0, 2.0]), (None, [10.0, 10.0])])
def test_who_is_asked_more_often_is_so_only_while_the_session_gates(brisk, expected):
    """A service with an interval of its own for that time has it then, and only then (R2.4)."""
    agent = Agent("a", Kind.STRATEGY, "http://a", gating_interval_seconds=brisk)

    assert expected == [interval_of(agent, gates=gates) for gates in (False, True)]
