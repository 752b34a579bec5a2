"""What one service knows at the moment of a request."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mission_control.simulation.fleet_rules import fleet_freshness
from mission_control.simulation.scenarios.scenario import (
    MARKETDATA,
    NO_TWIST,
    Fault,
    Scenario,
    Twist,
)

UPSTREAM_TIMEOUT_SECONDS = 2.06
"""How long strategy-engine takes to answer while marketdata does not."""

_NEVER_ANSWERING = frozenset({Fault.HUNG, Fault.DRIPPING})


@dataclass(frozen=True, slots=True)
class Moment:
    """
    One instant of the floor as one service sees it.

    `now` is the time that the service writes into its answer, `clock` its own clock; they differ
    only where an answer is frozen. `last_tick` is the last one of the marketdata service.
    """

    agent_name: str
    scenario: Scenario
    now: datetime
    clock: datetime
    started_at: datetime
    last_tick: datetime | None

    @property
    def twist(self) -> Twist:
        """The false statements of this service."""
        return self.scenario.twists.get(self.agent_name, NO_TWIST)

    @property
    def kill_switch(self) -> bool:
        """Whether this service takes the kill switch for engaged."""
        return self.scenario.switch.engaged_for(self.agent_name)

    @property
    def is_fresh(self) -> bool | None:
        """The `is_fresh` that this service reports."""
        if self.twist.claims_fresh:
            return True
        if self.scenario.feed.verdict_withheld:
            return None
        return fleet_freshness(self.last_tick, self.now)

    @property
    def tick_age_seconds(self) -> float | None:
        """How old the last tick is by this service's reckoning, never negative."""
        if self.last_tick is None:
            return None
        return max(0.0, (self.now - self.last_tick).total_seconds())

    @property
    def uptime_seconds(self) -> float:
        """How long the service has been running, never negative."""
        return max(0.0, (self.now - self.started_at).total_seconds())

    @property
    def marketdata_fault(self) -> Fault | None:
        """The fault of marketdata, for which its callers get no usable answer."""
        return self.scenario.faults.get(MARKETDATA)

    @property
    def upstream_seconds(self) -> float:
        """How long a request to marketdata takes."""
        return UPSTREAM_TIMEOUT_SECONDS if self.marketdata_fault in _NEVER_ANSWERING else 0.0


def in_whole_seconds(instant: datetime | None) -> str | None:
    """Write an instant as the contract does."""
    return None if instant is None else instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def written_time(twist: Twist, now: datetime, staged_at: datetime) -> tuple[datetime, datetime]:
    """Return the time that a service writes, and that of its clock."""
    clock = now + timedelta(seconds=twist.clock_ahead_seconds)
    if twist.frozen_for_seconds is None:
        return clock, clock
    return min(staged_at, now) - timedelta(seconds=twist.frozen_for_seconds), clock
