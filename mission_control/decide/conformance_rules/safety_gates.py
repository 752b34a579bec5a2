"""Decide: whether what a service says it may do follows from what gates it (a.1, safety)."""

from collections.abc import Iterator

from mission_control.decide.conformance_rules.look import Look
from mission_control.model import codes
from mission_control.model.conformance import Deviation
from mission_control.model.fleet import Kind
from mission_control.model.status_contract.rich import RichStatus, ServiceState

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
    Explain a `safe_to_run_strategies` that the facts beside it contradict.

    Claiming more than they allow breaks the contract; claiming less is worth putting right.
    Whether the market is open is taken from the answer itself: the contract's own hours know
    no holidays, so that ours would accuse it wrongly.
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
    """Give what the formula allows; None where the answer does not tell if the market is open."""
    if status.safety.kill_switch:
        return False
    if status.marketdata is None or status.marketdata.is_fresh is not False:
        return True
    if status.status.state is ServiceState.MARKET_CLOSED:
        return True
    return False if codes.MARKETDATA_STALE in status.status.reason_codes else None
