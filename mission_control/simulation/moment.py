"""What a service knows at a moment, and how it judges itself; the market's quotes and ticks."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from mission_control.contract.model.shapes import ServiceState
from mission_control.market_calendar.days import in_new_york
from mission_control.model import codes
from mission_control.model.fleet import Kind
from mission_control.model.session import MarketSession, Phase
from mission_control.simulation.scenario import (
    MARKETDATA,
    NO_TWIST,
    Fault,
    Feed,
    Scenario,
    Ticks,
    Twist,
)

OPENS = time(9, 30)
CLOSES = time(16)
SATURDAY = 5
HEARTBEAT_TTL_SECONDS = 60
STALE_AFTER_SECONDS = 120

_GATED = frozenset({Kind.STRATEGY, Kind.EXECUTION})
_CLOSES_WITH_THE_MARKET = frozenset({Kind.MARKETDATA, *_GATED, Kind.INGEST})


def fleet_takes_market_for_open(now: datetime) -> bool:
    """
    Apply the fleet's own rule: Monday to Friday, 09:30 to 16:00 in New York, both inclusive.

    Like the real services, it knows neither holidays nor early closes.
    """
    local = in_new_york(now)
    return local.weekday() < SATURDAY and OPENS <= local.time() <= CLOSES


def fleet_freshness(last_tick: datetime | None, now: datetime) -> bool | None:
    """Return `is_fresh`: null without a tick; a tick in the future is always fresh."""
    if last_tick is None:
        return None
    return max(0.0, (now - last_tick).total_seconds()) <= STALE_AFTER_SECONDS


@dataclass(frozen=True, slots=True)
class SelfView:
    """What a service judges itself by."""

    kind: Kind
    market_open: bool
    is_fresh: bool | None
    kill_switch: bool
    execution_enabled: bool | None = None
    execution_replicas: int | None = None
    process_up: bool = True
    heartbeat_age_seconds: float = 0.0
    required_fields_present: bool = True


def fleet_state(view: SelfView) -> tuple[ServiceState, tuple[str, ...]]:
    """Apply the services' truth table in their order; the first row that holds decides."""
    gated = view.kind in _GATED
    execution_off = view.execution_enabled is False or (
        view.execution_replicas is not None and view.execution_replicas <= 0
    )
    stale = view.market_open and view.is_fresh is False
    missing = view.market_open and view.is_fresh is None
    closed = not view.market_open and view.kind in _CLOSES_WITH_THE_MARKET
    rows = (
        (not view.required_fields_present, ServiceState.UNKNOWN, codes.REQUIRED_FIELDS_MISSING),
        (
            view.kind is Kind.EXECUTION and execution_off,
            ServiceState.OFFLINE,
            codes.EXECUTION_DISABLED,
        ),
        (not view.process_up, ServiceState.OFFLINE, codes.PROCESS_DOWN),
        (view.kill_switch, ServiceState.HALTED, codes.KILL_SWITCH),
        (stale and gated, ServiceState.HALTED, codes.MARKETDATA_STALE),
        (stale, ServiceState.DEGRADED, codes.MARKETDATA_STALE),
        (missing and gated, ServiceState.HALTED, codes.MARKETDATA_MISSING),
        (
            missing and view.kind is Kind.MARKETDATA,
            ServiceState.DEGRADED,
            codes.MARKETDATA_MISSING,
        ),
        (
            view.heartbeat_age_seconds > HEARTBEAT_TTL_SECONDS,
            ServiceState.DEGRADED,
            codes.HEARTBEAT_STALE,
        ),
        (closed, ServiceState.MARKET_CLOSED, codes.MARKET_CLOSED),
    )
    for holds, state, code in rows:
        if holds:
            return state, (code,)
    return ServiceState.OK, ()


def may_run_strategies(view: SelfView) -> bool:
    """Return `safe_to_run_strategies`: no tick at all counts as safe, as in the fleet."""
    return not view.kill_switch and (not view.market_open or view.is_fresh is not False)


def gating_reasons(view: SelfView) -> tuple[str, ...]:
    """Return `gating_reasons`; a missing tick is never among them."""
    rows = (
        (view.kill_switch, codes.KILL_SWITCH),
        (view.market_open and view.is_fresh is False, codes.MARKETDATA_STALE),
        (view.kind is Kind.EXECUTION, codes.EXECUTION_ORDERS_DISABLED_CONTRACT),
    )
    return tuple(code for holds, code in rows if holds)


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


SessionAt = Callable[[datetime], MarketSession]
"""The real calendar, which the market follows and the services do not know."""

EXTENDED_HOURS = timedelta(hours=5, minutes=30)
"""Quotes begin this long before the open (04:00 on a day that opens at 09:30)."""

QUOTE_AGE = timedelta(seconds=1)
LONGEST_CLOSURE_DAYS = 10


def last_quote(session_at: SessionAt, now: datetime) -> datetime | None:
    """
    Return when the market last quoted.

    Quotes run from 04:00 in New York to the session's end, early closes and holidays included,
    because the market follows the real calendar, unlike the fleet. None where no session is found
    in the ten days before. An unknown phase stops no quotes.
    """
    session = session_at(now)
    if session.phase is Phase.UNKNOWN:
        return now - QUOTE_AGE
    if session.open and session.close:
        if now >= session.close:
            return session.close
        if now >= session.open - EXTENDED_HOURS:
            return now - QUOTE_AGE
    return _previous_close(session_at, now)


def _previous_close(session_at: SessionAt, now: datetime) -> datetime | None:
    for days in range(1, LONGEST_CLOSURE_DAYS + 1):
        earlier = session_at(now - timedelta(days=days))
        if earlier.close and earlier.close <= now:
            return earlier.close
    return None


def last_tick(
    feed: Feed, quote: datetime | None, now: datetime, staged_at: datetime
) -> datetime | None:
    """
    Return the last tick of the marketdata service, as the scenario's feed delivers it.

    Ticks that stopped did so before the scenario began, so they grow older with time; after the
    clock is set back they are still as old as the scenario says.
    """
    ahead = timedelta(seconds=feed.seconds)
    match feed.ticks:
        case Ticks.FLOWING:
            return quote
        case Ticks.STOPPED:
            stopped = min(staged_at, now) - ahead
            return stopped if quote is None else min(quote, stopped)
        case Ticks.AHEAD:
            return now + ahead
        case Ticks.NEVER:
            return None
