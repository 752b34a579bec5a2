"""What there is to say about a service beside its state."""

from collections.abc import Mapping
from dataclasses import dataclass

from mission_control.contract.model.shapes import MissionControlStatus, RichStatus, ServiceState
from mission_control.model import codes
from mission_control.model.fleet import Agent
from mission_control.model.reading import EndpointReading, Seen, Unseen, UnseenReason


@dataclass(frozen=True, slots=True)
class Trouble:
    """
    Something to say about a service: a code, a sentence, and whether it is only a note.

    A first silence is not `confirmed` before it was asked about again.
    """

    code: str
    detail: str
    note: bool = False
    confirmed: bool = True


def reported_troubles(status: RichStatus) -> tuple[Trouble, ...]:
    """Return a service's own reasons for its state; none for OK, one for a state without any."""
    state = status.status.state
    if state is ServiceState.OK:
        return ()
    if not status.status.reason_codes:
        detail = f"it reports {state.value} without any reason"
        return (Trouble(codes.STATE_UNEXPLAINED, detail),)
    return tuple(
        Trouble(code, f"it reports {state.value}: {status.status.summary}")
        if code in codes.FLEET_CODES
        else Trouble(codes.UNLISTED_REASON, f"it reports {state.value} because of {code}")
        for code in status.status.reason_codes[:5]
    )


def read_twin(reading: EndpointReading | None) -> MissionControlStatus | None:
    """Return what a Mission Control says to another; None where it is not seen or says nothing."""
    if not isinstance(reading, Seen) or not isinstance(reading.value.status, RichStatus):
        return None
    return reading.value.status.mission_control


def identity_notes(agent: Agent, status: RichStatus) -> tuple[Trouble, ...]:
    """Note a service that calls itself otherwise than the inventory does; keyed by where asked."""
    names = {status.service_name, status.agent_identity.agent_name}
    if agent.twin and status.mission_control is not None:
        names = {status.mission_control.replica}
    if names == {agent.agent_name} and status.service_kind is agent.kind:
        return ()
    calls = " / ".join(sorted(names))
    detail = f"it calls itself {calls}, kind {status.service_kind.value}"
    return (Trouble(codes.IDENTITY_MISMATCH, detail, note=True),)


def old_files_notes(readings: Mapping[str, EndpointReading]) -> tuple[Trouble, ...]:
    """Note certificate files that changed and cannot be used, while the earlier ones serve."""
    told = sorted({r.exchange.old_files for r in readings.values()} - {""})
    return tuple(Trouble(codes.RELOAD_FAILED, detail, note=True) for detail in told)


def side_notes(agent: Agent, readings: Mapping[str, EndpointReading]) -> tuple[Trouble, ...]:
    """Note listed paths other than the primary one that were not seen."""
    return tuple(
        Trouble(reading.code, f"{path}: {reading.detail or reading.code}", note=True)
        for path, reading in readings.items()
        if path in agent.expected_endpoints
        and path not in {agent.primary_path, "/heartbeat"}
        and isinstance(reading, Unseen)
        and reading.reason is not UnseenReason.NOT_OFFERED
    )
