"""How the fleet's services judge themselves, with their known mistakes."""

from dataclasses import dataclass
from datetime import datetime, time

from mission_control.contract.model.shapes import ServiceState
from mission_control.market_calendar.days import in_new_york
from mission_control.model import codes
from mission_control.model.fleet import Kind

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
