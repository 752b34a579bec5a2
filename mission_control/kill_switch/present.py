"""The kill switch and its sources, as we show them and as the predecessor did."""

from typing import TypedDict

from mission_control.documents.instants import utc_text
from mission_control.floor.decide.stall import still_decided
from mission_control.floor.model import FloorSnapshot
from mission_control.model.kill_switch import KillSwitch, KillSwitchState, SourceKind, SwitchSource

_PREFIXES = {
    SourceKind.CONFIG_MAP: "config_map",
    SourceKind.FILE: "file",
    SourceKind.ENVIRONMENT: "env",
    SourceKind.SERVICE: "service",
}


class SwitchSourceDocument(TypedDict):
    """What one source said; with `can_confirm` it can confirm alone."""

    kind: str
    source: str
    state: str
    at: str
    can_confirm: bool
    detail: str


class KillSwitchDocument(TypedDict):
    """The verdict over all sources; `execution_halted` and `source` as the predecessor's."""

    execution_halted: bool
    source: str | None
    state: str
    confirmed: bool
    conflicting: bool
    detail: str
    witnesses: list[SwitchSourceDocument]


class HaltedDocument(TypedDict):
    """The predecessor's two fields."""

    execution_halted: bool
    source: str | None


def execution_is_halted(snapshot: FloorSnapshot) -> bool:
    """Return whether the switch is confirmed to be engaged."""
    return snapshot.kill_switch.confirmed_engaged and still_decided(snapshot)


def halted_document(snapshot: FloorSnapshot) -> HaltedDocument:
    """Return the predecessor's fields: halted only when that is confirmed, and by which source."""
    halted = execution_is_halted(snapshot)
    return {"execution_halted": halted, "source": _source(snapshot.kill_switch)}


def kill_switch_document(snapshot: FloorSnapshot) -> KillSwitchDocument:
    """Return the verdict with every source, in the order decided."""
    switch = snapshot.kill_switch
    return {
        "execution_halted": execution_is_halted(snapshot),
        "source": _source(switch),
        "state": switch.state.value,
        "confirmed": switch.confirmed,
        "conflicting": switch.conflicting,
        "detail": switch.detail,
        "witnesses": [_switch_source(w) for w in switch.sources],
    }


def _switch_source(switch_source: SwitchSource) -> SwitchSourceDocument:
    return {
        "kind": switch_source.kind.value,
        "source": switch_source.source,
        "state": switch_source.state.value,
        "at": utc_text(switch_source.at),
        "can_confirm": switch_source.confirms,
        "detail": switch_source.detail,
    }


def _source(switch: KillSwitch) -> str | None:
    """Name the first source of the verdict as the predecessor did; None when it is UNKNOWN."""
    halted = switch.state is KillSwitchState.ENGAGED
    for switch_source in switch.sources:
        if (
            switch_source.state is KillSwitchState.UNKNOWN
            or switch_source.state is not switch.state
        ):
            continue
        if switch_source.confirms or not halted:
            return f"{_PREFIXES[switch_source.kind]}:{switch_source.source}"
    return None
