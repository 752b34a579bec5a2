"""What each source states about execution; any single alarm is Sev-0."""

from collections.abc import Iterator, Mapping

from mission_control.contract.model.claims import Claims
from mission_control.contract.model.modes import ModeText
from mission_control.contract.model.shapes import RichStatus
from mission_control.floor.decide.evidence import Moment, Statement, answered, can_clear
from mission_control.model.codes import EXECUTION_EVIDENCE, MODE_UNKNOWN
from mission_control.model.fleet import Agent, Kind, Safety
from mission_control.model.kill_switch import KillSwitchState, SwitchText
from mission_control.model.reading import EndpointReading, Seen


def state_execution(
    agent: Agent,
    readings: Mapping[str, EndpointReading],
    now: Moment,
    safety: Safety,
) -> Iterator[Statement]:
    """
    Return what one service's answers state about execution (docs/semantics.md#3).

    Any answer can raise an alarm, also a broken or expired one; only one that counts can deny
    (`can_clear`). An unknown mode is no evidence of execution and no denial either. A running
    execution process raises an alarm by answering at all, and nothing it says can deny that: only
    proof that it is off can, which needs a cluster. Where the fleet file allows execution on
    paper, running raises an alarm unless it says a harmless mode.
    """
    allowed = safety.paper and says_harmless_mode(agent, readings, now)
    for path, reading in readings.items():
        source = f"{agent.agent_name} {path}"
        clears = can_clear(reading, now)
        claims = reading.value.claims if isinstance(reading, Seen) else reading.claims
        for code, fact, raises, detail in _facts(claims, safety):
            if raises or clears:
                yield Statement(code, agent.agent_name, source, fact, raises, detail)
        if isinstance(reading, Seen) and isinstance(reading.value.status, RichStatus):
            reported = reading.value.status.service_kind
            raises = reported is Kind.EXECUTION and not allowed
            if raises or clears:
                detail = f"calls itself a service of kind {reported.value}, and it is running"
                yield Statement(
                    EXECUTION_EVIDENCE, agent.agent_name, source, "service_kind", raises, detail
                )
    if agent.kind is Kind.EXECUTION and any(answered(r) for r in readings.values()):
        yield Statement(
            EXECUTION_EVIDENCE,
            agent.agent_name,
            agent.agent_name,
            "running",
            raises=not allowed,
            detail="an execution process is running: its port answers",
        )


def says_harmless_mode(agent: Agent, readings: Mapping[str, EndpointReading], now: Moment) -> bool:
    """Return whether a service's primary answer, where it counts, says a harmless mode."""
    primary = readings.get(agent.primary_path or "")
    if not isinstance(primary, Seen) or not can_clear(primary, now):
        return False
    return primary.value.claims.mode is ModeText.HARMLESS


def _facts(claims: Claims, safety: Safety) -> Iterator[tuple[str, str, bool, str]]:
    """Return what claims state: code, fact, whether it raises an alarm, and a sentence."""
    if claims.safe_to_execute_orders is not None:
        yield (
            EXECUTION_EVIDENCE,
            "safe_to_execute_orders",
            claims.safe_to_execute_orders,
            "says safe_to_execute_orders: true",
        )
    yield from _mode(claims)
    if claims.kill_switch in {SwitchText.TRUTHY, SwitchText.FALSY}:
        runs_off = safety.switch_normal is KillSwitchState.DISENGAGED
        off = claims.kill_switch is SwitchText.FALSY and not runs_off
        yield (EXECUTION_EVIDENCE, "kill_switch", off, "says the kill switch is off")


def _mode(claims: Claims) -> Iterator[tuple[str, str, bool, str]]:
    """Return what a mode states: only a harmless one denies the others."""
    said = f"says agent_mode {claims.agent_mode or '(blank)'}"
    match claims.mode:
        case ModeText.FORBIDDEN:
            yield (EXECUTION_EVIDENCE, "agent_mode", True, said)
        case ModeText.UNKNOWN:
            yield (MODE_UNKNOWN, "agent_mode", True, f"{said}, which is no known mode")
        case ModeText.HARMLESS:
            yield (EXECUTION_EVIDENCE, "agent_mode", False, said)
            yield (MODE_UNKNOWN, "agent_mode", False, said)
        case _:
            return
