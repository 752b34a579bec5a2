"""What an event says, out of its document, in the words that every kind of event shares."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

from mission_control.replay.decide.line import Found, text_of
from mission_control.replay.model import EventKind, Intent, ReplayedEvent

_KINDS = tuple(EventKind)
_NOTHING: Mapping[str, Any] = {}
_OF_AN_INTENT = tuple(field.name for field in fields(Intent))
_LONGEST_REASON = 2_000
_TOLD: Mapping[str, tuple[str, ...]] = {
    "stage": ("stage",),
    "from_state": ("from_state", "from", "old_state"),
    "to_state": ("to_state", "to", "new_state"),
    "gate": ("checkpoint", "gate"),
    "allowed": ("allowed", "should_execute"),
    "reason": ("reason", "reason_code", "detail"),
    "status": ("status", "result"),
}
"""Under which keys a document tells what; the first that is told counts."""
_FIELDS = {key: (name, keys) for name, keys in _TOLD.items() for key in keys}


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
        kind: EventKind = _KINDS[int(number)]
    else:
        document, kind, why = cast("dict[str, Any]", kept), EventKind.REPLAY, ""
        name, agent, trace_id = document["event"], document["agent_name"], document["trace_id"]
        service = text_of(document.get("service"))
        severity = text_of(document.get("severity") or document.get("level"))
    micros, dated, source, line, repeated, sources = place
    at = instant(micros)
    event = ReplayedEvent(at if dated else None, kind, name, agent, trace_id, source, line)
    event.component = text_of(document.get("component")) or text_of(document.get("logger"))
    event.service, event.severity, event.evidence = service, severity, why
    event.placed_at, event.repeated, event.sources = at, repeated, sources
    event.data = document
    within: object = document
    if kind is EventKind.REPLAY:
        within = cast("object", document.get("data"))
    _tell(event, cast("dict[str, Any]", within) if isinstance(within, dict) else {})
    return event


def instant(micros: int) -> datetime | None:
    """Return an instant of microseconds since 1970; None for 0."""
    return datetime.fromtimestamp(micros / 1_000_000, UTC) if micros else None


def _tell(event: ReplayedEvent, within: Mapping[str, Any]) -> None:
    """Add what a document tells, for each field from the first of its keys that tells anything."""
    inner: object = within.get("intent")
    if event.kind is EventKind.INTENT:
        event.component, event.stage = "strategy_runner.protocol", "protocol"
        event.intent = _intent(within, _NOTHING)
    elif isinstance(inner, dict):
        event.intent = _intent(cast("Mapping[str, Any]", inner), within)
    elif event.event == "order_intent":
        event.intent = _intent(within, _NOTHING)
    for key in within:
        if key in _FIELDS and (key != "stage" or not event.stage):
            name, keys = _FIELDS[key]
            setattr(event, name, _said(name, keys, within))


def _said(name: str, keys: tuple[str, ...], within: Mapping[str, Any]) -> object:
    told = [within[key] for key in keys if key in within]
    if name == "allowed":  # of two that disagree the one that allows counts
        return True if True in told else False if False in told else None
    if name == "reason":
        return next((t[:_LONGEST_REASON] for t in told if isinstance(t, str) and t), "")
    return next((text for value in told if (text := text_of(value))), "")


def _intent(inner: Mapping[str, Any], flat: Mapping[str, Any]) -> Intent:
    """Return the order that an event tells of: within `intent`, or flat."""
    told = list[str]()
    for key in _OF_AN_INTENT:
        value = inner.get(key)
        if value is None:
            value = flat.get(key)
        told.append("" if value is None else text_of(value))
    return Intent(*told)
