"""The kill switch and its sources, as we show them and as the predecessor did."""

from typing import Any

from mission_control.documents.document import document
from mission_control.floor.decide.stall import still_decided
from mission_control.floor.model import FloorSnapshot
from mission_control.model.kill_switch import KillSwitch, KillSwitchState, SourceKind

_PREFIXES = {
    SourceKind.CONFIG_MAP: "config_map",
    SourceKind.FILE: "file",
    SourceKind.ENVIRONMENT: "env",
    SourceKind.SERVICE: "service",
}


def execution_is_halted(snapshot: FloorSnapshot) -> bool:
    """Return whether the switch is confirmed to be engaged."""
    return snapshot.kill_switch.confirmed_engaged and still_decided(snapshot)


def halted_document(snapshot: FloorSnapshot) -> dict[str, Any]:
    """Return the predecessor's fields: halted only when that is confirmed, and by which source."""
    halted = execution_is_halted(snapshot)
    return {"execution_halted": halted, "source": _source(snapshot.kill_switch)}


def kill_switch_document(snapshot: FloorSnapshot) -> dict[str, Any]:
    """
    Return the verdict with every source, in the order decided, and the predecessor's fields.

    A source that `can_confirm` confirms alone.
    """
    switch = snapshot.kill_switch
    sources = [
        document(s, "value", "confirms") | {"can_confirm": s.confirms} for s in switch.sources
    ]
    return {
        **halted_document(snapshot),
        **document(switch, "sources", "normal"),
        "witnesses": sources,
    }


def _source(switch: KillSwitch) -> str | None:
    """Name the first source of the verdict as the predecessor did; None when it is UNKNOWN."""
    halted = switch.state is KillSwitchState.ENGAGED
    for each in switch.sources:
        known = each.state is switch.state and each.state is not KillSwitchState.UNKNOWN
        if known and (each.confirms or not halted):
            return f"{_PREFIXES[each.kind]}:{each.source}"
    return None
