"""Whether a state, its reason codes and the values beside them agree."""

from collections.abc import Iterator

from mission_control.conformance.decide.fields import FED_KINDS
from mission_control.conformance.model import Deviation, Gravity, Look
from mission_control.contract.model.modes import ModeText
from mission_control.contract.model.shapes import MinimalStatus, RichStatus, ServiceState
from mission_control.model import codes
from mission_control.model.fleet import Kind
from mission_control.model.kill_switch import SwitchText
from mission_control.model.reading import EndpointReading, Seen

_HALTING_KINDS = frozenset({Kind.STRATEGY, Kind.EXECUTION})
_OUTRANK_THE_SWITCH = frozenset({ServiceState.OFFLINE, ServiceState.UNKNOWN})
_HEARTBEAT_SEEN = frozenset({ServiceState.OK, ServiceState.MARKET_CLOSED})
_CODES_FIELD = "status.reason_codes"
_STATE_FIELD = "status.state"


def _states_by_code(kind: Kind) -> dict[str, ServiceState]:
    """Return the one state that each declared code explains for a kind of service."""
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


GATING_CODES = (
    codes.KILL_SWITCH,
    codes.MARKETDATA_STALE,
    codes.EXECUTION_ORDERS_DISABLED_CONTRACT,
)
_RULE = "status contract a.1"
_GATES_FIELD = "safety.gating_reasons"
_FORMULA = "not kill_switch, and (market closed, or is_fresh is true or null)"


def explain_gating_reasons(look: Look[RichStatus]) -> Iterator[Deviation]:
    """Explain gates that are undeclared, missing, or not shut."""
    status, gates = look.status, look.status.safety.gating_reasons
    if any(gate not in GATING_CODES for gate in gates):
        yield look.advice(
            _GATES_FIELD,
            _RULE,
            "a gating reason is not one of the declared ones",
            f"Use {', '.join(GATING_CODES)}.",
        )
    if status.safety.kill_switch is not (codes.KILL_SWITCH in gates):
        yield look.advice(
            _GATES_FIELD,
            _RULE,
            "KILL_SWITCH gates exactly while safety.kill_switch is true",
            "Derive the gating reasons from the same reading of the switch.",
        )
    stale = status.marketdata is not None and status.marketdata.is_fresh is False
    if codes.MARKETDATA_STALE in gates and not stale:
        yield look.advice(
            _GATES_FIELD,
            _RULE,
            "MARKETDATA_STALE gates although is_fresh is not false",
            "List it only while the market is open and is_fresh is false.",
        )
    unnamed = codes.EXECUTION_ORDERS_DISABLED_CONTRACT not in gates
    if status.service_kind is Kind.EXECUTION and unnamed:
        yield look.advice(
            _GATES_FIELD,
            _RULE,
            "kind execution always lists EXECUTION_ORDERS_DISABLED_CONTRACT",
            "Add it: the contract itself disables orders.",
        )


def explain_strategy_permission(look: Look[RichStatus]) -> Iterator[Deviation]:
    """
    Explain a `safe_to_run_strategies` that other values beside it contradict.

    Claiming more than they allow breaks the contract; claiming less is worth putting right.
    Whether the market is open is taken from the answer itself: the contract's own hours know
    no holidays, so that ours would find fault wrongly.
    """
    safety, allowed = look.status.safety, _allowed(look.status)
    if allowed is None or allowed is safety.safe_to_run_strategies:
        return
    say = look.violation if safety.safe_to_run_strategies else look.advice
    yield say(
        "safety.safe_to_run_strategies",
        _RULE,
        f"must be {'true' if allowed else 'false'} here: {_FORMULA}",
        "Compute it by that formula from the values in the same answer.",
    )


def _allowed(status: RichStatus) -> bool | None:
    """Return what the formula allows; None where the answer does not tell if the market is open."""
    if status.safety.kill_switch:
        return False
    if status.marketdata is None or status.marketdata.is_fresh is not False:
        return True
    if status.status.state is ServiceState.MARKET_CLOSED:
        return True
    return False if codes.MARKETDATA_STALE in status.status.reason_codes else None


_STOP = "Stop the line and treat this as possible live execution (runbook EXECUTION_EVIDENCE)"


def explain_execution_claims(path: str, reading: EndpointReading) -> Iterator[Deviation]:
    """
    Name Sev-0 evidence in an answer, also in one that is broken or too old to be used.

    No promise that the contract makes elsewhere weakens it: a service that says it may
    execute orders, runs in a forbidden mode or sees the kill switch off violates the contract.
    """
    claims = reading.value.claims if isinstance(reading, Seen) else reading.claims
    if claims.safe_to_execute_orders:
        yield _sev0(
            path,
            "safety.safe_to_execute_orders",
            "a.1",
            "must be the constant false; anything else is Sev-0 evidence of live execution",
            "; then make the field the constant false.",
        )
    if claims.forbidden_mode:
        yield _sev0(
            path,
            "agent_identity.agent_mode",
            "a.6",
            f"mode {(claims.agent_mode or '').strip()} is forbidden; it is Sev-0 evidence",
            "; then restart the agent in OFF, OBSERVE, EVAL or PAPER.",
        )
    if claims.mode is ModeText.UNKNOWN and not _has_mode(reading):
        yield Deviation(
            Gravity.VIOLATION,
            path,
            "agent_mode",
            "status contract a.6",
            f"mode {claims.agent_mode or '(blank)'} is none that is known (MODE_UNKNOWN)",
            "Set AGENT_MODE to the mode the agent really runs in.",
        )
    if claims.kill_switch is SwitchText.FALSY:
        yield _sev0(
            path,
            "safety.kill_switch",
            "a.1",
            "the service sees the kill switch off; it is Sev-0 evidence",
            "; then have a person engage the switch and find who released it.",
        )


def _has_mode(reading: EndpointReading) -> bool:
    """Return whether the answer's own shape has a mode, which its rules then explain."""
    return isinstance(reading, Seen) and isinstance(
        reading.value.status, RichStatus | MinimalStatus
    )


def _sev0(path: str, field: str, section: str, problem: str, then: str) -> Deviation:
    return Deviation(
        Gravity.VIOLATION,
        path,
        field,
        f"status contract {section}",
        problem,
        _STOP + then,
        sev0=True,
    )
