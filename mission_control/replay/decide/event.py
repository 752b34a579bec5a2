"""What an event says, out of its document, in the words that every kind of event shares."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

from mission_control.replay.decide.line import Found, text_of
from mission_control.replay.model import EventKind, Intent, ReplayedEvent

_KINDS = tuple(EventKind)
_OF_AN_INTENT = frozenset(field.name for field in fields(Intent))
_LONGEST_REASON = 2_000
_TOLD: Mapping[str, tuple[str, ...]] = {
    "stage": ("stage",),
    "from_state": ("from_state", "from", "old_state"),
    "to_state": ("to_state", "to", "new_state"),
    "gate": ("checkpoint", "gate"),
    "allowed": ("allowed", "should_execute"),
    "reason": ("reason", "reason_code", "detail"),
    "status": ("status", "result"),
    "intent": ("intent",),
}
"""Under which keys a document tells what; the first that is told counts."""
_FIELDS = {key: (name, rank) for name, keys in _TOLD.items() for rank, key in enumerate(keys)}


class Place(NamedTuple):
    """Where an event stands: its time in microseconds since 1970, 0 for none, and its line."""

    micros: int
    dated: bool
    source: str
    line: int
    repeated: int = 1
    sources: int = 1


def kept_form(found: Found) -> object:
    """Return an event as it is kept aside: `read_event` makes it whole again."""
    why = found.sign.why if found.sign else ""
    parts = (found.name, found.agent, found.trace_id, found.service, found.severity, why)
    return [_KINDS.index(found.kind), *parts, found.document]


def read_event(kept: Any, place: Place) -> ReplayedEvent:  # noqa: ANN401  (what `kept_form` gave)
    """
    Return an event that was kept aside, with what its document says by kind.

    A document by itself is a replay event that tells all about itself.
    """
    if isinstance(kept, list):
        number, name, agent, trace_id, service, severity, why, document = cast("list[Any]", kept)
        kind = _KINDS[number]
    else:
        kind, severity, why = EventKind.REPLAY, "", ""
        document = cast("dict[str, Any]", kept)
        name, agent, trace_id = document["event"], document["agent_name"], document["trace_id"]
        service = text_of(document.get("service"))
        severity = text_of(document.get("severity") or document.get("level"))
    within: Any = document.get("data") if kind is EventKind.REPLAY else document
    told = _told(cast("dict[str, Any]", within)) if isinstance(within, dict) else {}
    if kind is EventKind.INTENT:
        told["stage"] = "protocol"
    if told or kind is EventKind.INTENT or name == "order_intent":
        told["intent"] = _intent(kind, name, within, told.get("intent"))
    at = instant(place.micros)
    return ReplayedEvent(
        at=at if place.dated else None,
        kind=kind,
        event=name,
        agent=agent,
        trace_id=trace_id,
        source=place.source,
        line=place.line,
        component=_component(kind, document),
        service=service,
        severity=severity,
        evidence=why,
        placed_at=at,
        repeated=place.repeated,
        sources=place.sources,
        data=document,
        **told,
    )


def instant(micros: int) -> datetime | None:
    """Return an instant of microseconds since 1970; None for 0."""
    return datetime.fromtimestamp(micros / 1_000_000, UTC) if micros else None


def _component(kind: EventKind, document: Mapping[str, Any]) -> str:
    if kind is EventKind.INTENT:
        return "strategy_runner.protocol"
    return text_of(document.get("component")) or text_of(document.get("logger"))


def _told(within: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that a document tells, by their names in an event."""
    told, ranks = dict[str, Any](), dict[str, int]()
    for key, value in within.items():
        if key in _FIELDS:
            name, rank = _FIELDS[key]
            said = _said(name, value)
            if said in ("", None) or rank >= ranks.get(name, rank + 1):
                continue
            told[name], ranks[name] = said, rank
    if "should_execute" in within and within["should_execute"] is True:
        told["allowed"] = True
    return told


def _said(name: str, value: object) -> object:
    if name == "allowed":
        return value if isinstance(value, bool) else None
    if name == "intent":
        return cast("object", value) if isinstance(value, dict) else None
    if name == "reason":
        return value[:_LONGEST_REASON] if isinstance(value, str) else ""
    return text_of(value)


def _intent(kind: EventKind, name: str, within: object, inner: object) -> Intent | None:
    """Return the order that an event tells of: within `intent`, or flat."""
    if kind is not EventKind.INTENT and name != "order_intent" and not inner:
        return None
    told = dict[str, str]()
    for where in (within, inner):
        if isinstance(where, dict):
            for key, value in cast("Mapping[str, Any]", where).items():
                if key in _OF_AN_INTENT and (said := text_of(value)):
                    told[key] = said
    return Intent(**told)
