"""What happened, as JSON-ready documents."""

from collections.abc import Iterable
from typing import Any, NotRequired, TypedDict

from mission_control.documents.instants import new_york_text, utc_text
from mission_control.floor.model import FloorSnapshot
from mission_control.model.event import EventType, FloorEvent
from mission_control.model.finding import Severity

_LEVELS = {
    Severity.P0: "critical",
    Severity.P1: "error",
    Severity.P2: "warning",
    Severity.INFO: "info",
}


class EventsDocument(TypedDict):
    """The newest events, newest first."""

    ts: str
    events: list[dict[str, Any]]
    label: NotRequired[str]


def event_document(event: FloorEvent) -> dict[str, Any]:
    """
    Return one event; `level` is its severity as the predecessor's UI names it.

    A poll event has the predecessor's `outcomes` beside its own fields.
    """
    poll = event.type is EventType.POLL
    outcomes = {"outcomes": event.data.get("outcomes", [])} if poll else {}
    return {
        "id": event.identity,
        "ts": utc_text(event.at),
        "ts_et": new_york_text(event.at),
        "type": event.type.value,
        "message": event.message,
        "severity": event.severity.value,
        "level": _LEVELS[event.severity],
        "agent_name": event.agent_name,
        "data": {k: v for k, v in event.data.items() if not (poll and k == "outcomes")},
        **outcomes,
    }


def events_document(events: Iterable[FloorEvent], snapshot: FloorSnapshot) -> EventsDocument:
    """Return events in the order in which they come: newest first."""
    return {"ts": utc_text(snapshot.at), "events": [event_document(event) for event in events]}
