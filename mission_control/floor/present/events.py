"""What happened, as JSON-ready documents."""

from collections.abc import Iterable, Mapping
from typing import NotRequired, TypedDict

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


class EventDocument(TypedDict):
    """
    One event; `level` is its severity in the words that the predecessor's UI understands.

    A poll event has the predecessor's `outcomes` beside its own fields.
    """

    id: int
    ts: str
    ts_et: str
    type: str
    message: str
    severity: str
    level: str
    agent_name: str | None
    data: Mapping[str, object]
    outcomes: NotRequired[object]


class EventsDocument(TypedDict):
    """The newest events, newest first."""

    ts: str
    events: list[EventDocument]
    label: NotRequired[str]


def event_document(event: FloorEvent) -> EventDocument:
    """Return one event; a poll keeps the predecessor's envelope."""
    poll = event.type is EventType.POLL
    document: EventDocument = {
        "id": event.identity,
        "ts": utc_text(event.at),
        "ts_et": new_york_text(event.at),
        "type": event.type.value,
        "message": event.message,
        "severity": event.severity.value,
        "level": _LEVELS[event.severity],
        "agent_name": event.agent_name,
        "data": {k: v for k, v in event.data.items() if not (poll and k == "outcomes")},
    }
    if poll:
        document["outcomes"] = event.data.get("outcomes", [])
    return document


def events_document(events: Iterable[FloorEvent], snapshot: FloorSnapshot) -> EventsDocument:
    """Return events in the order in which they come: newest first."""
    document: EventsDocument = {
        "ts": utc_text(snapshot.at),
        "events": [event_document(event) for event in events],
    }
    if snapshot.label:
        document["label"] = snapshot.label
    return document
