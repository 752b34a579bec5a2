"""What an event says, out of its document, in the words that every kind of event shares."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, cast

from mission_control.replay.decide.line import Found, text_of
from mission_control.replay.model import EventKind, Intent, ReplayedEvent

_KINDS = tuple(EventKind)
_NOTHING: Mapping[str, Any] = {}
_OF_AN_INTENT = tuple(field.name for field in fields(Intent))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Place(NamedTuple):
    """Where an event stands: its time in microseconds since 1970, 0 for none, and its line."""

    micros: int
    dated: bool
    source: str
    line: int
    repeated: int = 1
    sources: int = 1


def kept_form(found: Found) -> list[object]:
    """Return an event as it is kept aside: `read_event` makes it whole again."""
    why = found.sign.why if found.sign else ""
    parts = (found.name, found.agent, found.trace_id, found.service, found.severity, why)
    return [_KINDS.index(found.kind), *parts, found.document]


def read_event(kept: list[Any], place: Place) -> ReplayedEvent:
    """Return an event that was kept aside, with what its document says by kind."""
    number, name, agent, trace_id, service, severity, why, document = kept
    kind = _KINDS[number]
    within = document
    if kind is EventKind.REPLAY:
        within = document.get("data")
        within = within if isinstance(within, dict) else _NOTHING
    at = instant(place.micros)
    return ReplayedEvent(
        at if place.dated else None,
        kind,
        name,
        agent,
        trace_id,
        place.source,
        place.line,
        _component(kind, document),
        service,
        severity,
        "protocol" if kind is EventKind.INTENT else _first(within, "stage"),
        _first(within, "from_state", "from", "old_state"),
        _first(within, "to_state", "to", "new_state"),
        _first(within, "checkpoint", "gate"),
        _allowed(within),
        _long(within, "reason", "reason_code", "detail"),
        _first(within, "status", "result"),
        _intent(kind, name, within),
        why,
        at,
        place.repeated,
        place.sources,
        document,
    )


def instant(micros: int) -> datetime | None:
    """Return an instant of microseconds since 1970; None for 0."""
    return _EPOCH + timedelta(microseconds=micros) if micros else None


def _component(kind: EventKind, document: Mapping[str, Any]) -> str:
    if kind is EventKind.INTENT:
        return "strategy_runner.protocol"
    return _first(document, "component", "logger")


def _allowed(within: Mapping[str, Any]) -> bool | None:
    """Return whether something was allowed; of two that disagree the one that allows counts."""
    allowed, should = within.get("allowed"), within.get("should_execute")
    if allowed is True or should is True:
        return True
    return False if allowed is False or should is False else None


def _intent(kind: EventKind, name: str, within: Mapping[str, Any]) -> Intent | None:
    """Return the order that an event tells of: within `intent`, or flat."""
    inner = within.get("intent")
    inner = cast("Mapping[str, Any]", inner) if isinstance(inner, dict) else _NOTHING
    if not inner and kind is not EventKind.INTENT and name != "order_intent":
        return None
    return Intent(*[_first(inner, key) or _first(within, key) for key in _OF_AN_INTENT])


def _first(document: Mapping[str, Any], *keys: str) -> str:
    for key in keys:
        value = document.get(key)
        if value is not None and (told := text_of(value)):
            return told
    return ""


def _long(document: Mapping[str, Any], *keys: str) -> str:
    """Return the first of some texts as it is, up to 2,000 characters."""
    for key in keys:
        value = document.get(key)
        if isinstance(value, str) and value:
            return value[:2_000]
    return ""
