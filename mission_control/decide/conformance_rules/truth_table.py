"""Decide: whether a state, its reason codes and the facts beside them agree (a.3)."""

from collections.abc import Iterator

from mission_control.decide.conformance_rules.look import Look
from mission_control.decide.conformance_rules.rich_fields import FED_KINDS
from mission_control.model import codes
from mission_control.model.conformance import Deviation
from mission_control.model.fleet import Kind
from mission_control.model.status_contract.rich import RichStatus, ServiceState

_HALTING_KINDS = frozenset({Kind.STRATEGY, Kind.EXECUTION})
_OUTRANK_THE_SWITCH = frozenset({ServiceState.OFFLINE, ServiceState.UNKNOWN})
_HEARTBEAT_SEEN = frozenset({ServiceState.OK, ServiceState.MARKET_CLOSED})
_CODES_FIELD = "status.reason_codes"
_STATE_FIELD = "status.state"


def _states_by_code(kind: Kind) -> dict[str, ServiceState]:
    """Give the one state that each declared code explains for a kind of service."""
    without_ticks = ServiceState.HALTED if kind in _HALTING_KINDS else ServiceState.DEGRADED
    return {
        codes.REQUIRED_FIELDS_MISSING: ServiceState.UNKNOWN,
        codes.EXECUTION_DISABLED: ServiceState.OFFLINE,
        codes.PROCESS_DOWN: ServiceState.OFFLINE,
        codes.KILL_SWITCH: ServiceState.HALTED,
        codes.MARKETDATA_STALE: without_ticks,
        codes.MARKETDATA_MISSING: without_ticks,
        codes.HEARTBEAT_STALE: ServiceState.DEGRADED,
        codes.MARKET_CLOSED: ServiceState.MARKET_CLOSED,
    }


def explain_reason_codes(look: Look[RichStatus]) -> Iterator[Deviation]:
    """Explain codes that are undeclared, too many, missing, or that fit another state."""
    state, reasons = look.status.status.state, look.status.status.reason_codes
    fitting = _states_by_code(look.status.service_kind)
    if any(code not in fitting for code in reasons):
        yield look.advice(
            _CODES_FIELD,
            "status contract a.2",
            "a reason code is not one of the declared ones",
            f"Use {', '.join(sorted(fitting))}.",
        )
    if len(reasons) > 1:
        yield look.advice(
            _CODES_FIELD,
            "status contract a.3",
            "there is more than one reason code",
            "Send the code of the first row of the truth table that matches, alone.",
        )
    if state is not ServiceState.OK and not reasons:
        yield look.violation(
            _CODES_FIELD,
            "status contract a.3",
            f"the state {state.value} comes without a reason",
            "Send the code of the row of the truth table that gave this state.",
        )
    explained = {fitting[code] for code in reasons if code in fitting}
    if explained and state not in explained:
        yield look.violation(
            _STATE_FIELD,
            "status contract a.3",
            f"the reason given explains {' or '.join(sorted(explained))}, not this state",
            "Derive state and reason from the same row of the truth table.",
        )


def explain_switch_row(look: Look[RichStatus]) -> Iterator[Deviation]:
    """Explain a state that ignores the kill switch, or blames it when it is off (row 4)."""
    status = look.status
    state, reasons = status.status.state, status.status.reason_codes
    rule = "status contract a.3 row 4"
    ignores = state is not ServiceState.HALTED and state not in _OUTRANK_THE_SWITCH
    if status.safety.kill_switch and ignores:
        say = look.advice if status.service_kind is Kind.OPS else look.violation
        yield say(
            _STATE_FIELD,
            rule,
            "the kill switch is on, and the state is not HALTED",
            "Report HALTED with KILL_SWITCH while the switch is on.",
        )
    if codes.KILL_SWITCH in reasons and not status.safety.kill_switch:
        yield look.violation(
            _CODES_FIELD,
            rule,
            "the reason is KILL_SWITCH while safety.kill_switch is false",
            "Read the switch once per answer, and use that value for both.",
        )


def explain_other_rows(look: Look[RichStatus]) -> Iterator[Deviation]:
    """Explain states that the tick, the heartbeat or the kind of service rules out."""
    status, feed = look.status, look.status.marketdata
    kind, state = status.service_kind, status.status.state
    if state is ServiceState.OK and kind in FED_KINDS and feed and feed.is_fresh is not True:
        yield look.violation(
            _STATE_FIELD,
            "status contract a.3 rows 5 and 6",
            "the state is OK although marketdata is not fresh",
            "Report MARKETDATA_STALE or MARKETDATA_MISSING, or MARKET_CLOSED after hours.",
        )
    heartbeat = status.heartbeat
    stale = heartbeat.age_seconds is not None and heartbeat.age_seconds > heartbeat.ttl_seconds
    if stale and state in _HEARTBEAT_SEEN:
        yield look.violation(
            _STATE_FIELD,
            "status contract a.3 row 7",
            "the heartbeat is older than its ttl, and the state does not say so",
            "Report DEGRADED with HEARTBEAT_STALE.",
        )
    if codes.EXECUTION_DISABLED in status.status.reason_codes and kind is not Kind.EXECUTION:
        yield look.violation(
            _CODES_FIELD,
            "status contract a.3 row 2",
            f"EXECUTION_DISABLED is no reason for kind {kind.value}",
            "Send it from services of kind execution only.",
        )
    if state is ServiceState.MARKET_CLOSED and kind is Kind.OPS:
        yield look.advice(
            _STATE_FIELD,
            "status contract a.3 row 8",
            "kind ops is OK day and night",
            "Report OK: operations do not close with the market.",
        )
