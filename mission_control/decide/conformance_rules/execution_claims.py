"""Decide: what any answer says against itself about execution; each such word is Sev-0."""

from collections.abc import Iterator

from mission_control.model.conformance import Deviation, Gravity
from mission_control.model.mode_text import ModeText
from mission_control.model.reading import EndpointReading, Seen
from mission_control.model.status_contract.rich import RichStatus
from mission_control.model.status_contract.smaller_shapes import MinimalStatus
from mission_control.model.switch_text import SwitchText

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
    """Tell whether the answer's own shape has a mode, which its rules then explain."""
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
