"""
The events in one line, however they are wrapped (docs/semantics.md#R12.14).

A line is JSON as a whole or from a brace on. Within a document, every object, list and text that
may hold an event is looked into: `message`, `textPayload`, `jsonPayload` and `log` are only where
envelopes are known to hold one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple, cast

import orjson

from mission_control.redaction.redact import redact_document, redact_text
from mission_control.replay.decide.documents import (
    DEEPEST,
    Document,
    TooDeepError,
    Within,
    read_line,
    read_text,
)
from mission_control.replay.decide.execution import (
    Scan,
    Scanner,
    Sign,
    is_forbidden_state,
    own_sign,
    says_harmless,
    scan,
)
from mission_control.replay.decide.marks import find_claim
from mission_control.replay.model import SCHEMA, EventKind, EvidenceKind, Skip

RESULT, TRANSITION = "exec_service.execute_result", "agent.state_transition"
_NAMES = {
    RESULT: RESULT,
    "execute_result": RESULT,
    TRANSITION: TRANSITION,
    "state_transition": TRANSITION,
}
_NAMED_BEFORE = re.compile(r"(?:\A|[^\w.])([a-z_.]{8,40})[\"']?\s*[:=]?\s*\Z")
_NAMING = ("event", "event_type", "message", "msg", "name")
_TIMES = ("ts", "timestamp", "time", "@timestamp", "eventTime", "receiveTimestamp")
_AGENTS = ("agent_name", "agent")
_TRACES = ("trace_id", "correlation_id", "execution_id", "event_id", "intent_id", "request_id")
_SERVICES, _SEVERITIES = ("service",), ("severity", "level")
_CRI_TIME = re.compile(rb"(\d{4}-\d\d-\d\dT[0-9:.]{8,18}(?:Z|[+-]\d\d:\d\d)) std(?:out|err) [FP]")
LONGEST_NAME = 200
"""Characters of a name, an id or a state that are kept."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 32_000_000_000_000_000
"""Microseconds of the year 2984; a text of a later time tells none."""

Chain = tuple[Document, ...]
"""The documents around one, from the outermost on."""


class Found(NamedTuple):
    """
    One event in a line, redacted. Times are microseconds since 1970, UTC.

    `at` is its own time, else its envelope's; `outer` the envelope's alone.
    """

    kind: EventKind
    name: str
    document: Mapping[str, Any]
    agent: str
    trace_id: str
    service: str
    severity: str
    at: int | None
    outer: int | None
    sign: Sign | None


@dataclass(slots=True)
class LineRead:
    """What one line came to: its events, or why it has none, and where it tells of execution."""

    events: list[Found] = field(default_factory=list[Found])
    broken: bool = False
    too_deep: bool = False
    other_schema: bool = False
    claim: int = -1

    @property
    def skip(self) -> Skip:
        """Return why the line has no event."""
        if self.too_deep:
            return Skip.TOO_DEEP
        if self.other_schema:
            return Skip.OTHER_SCHEMA
        return Skip.MALFORMED if self.broken else Skip.NO_EVENT


def events_in(line: bytes) -> LineRead:
    """Read a line; what in it tells of execution without being an event's sign is a claim."""
    read = LineRead()
    within = Within()
    read_line(line, within)
    if within.found:
        cri = _CRI_TIME.match(line)
        chain: Chain = ({"time": cri[1].decode()},) if cri else ()
        _look_through(within, chain, read, level=0, inside=False)
    read.broken, read.too_deep = read.broken or within.broken, read.too_deep or within.too_deep
    if not any(event.sign for event in read.events):
        read.claim = find_claim(line)
    return read


class Plain(NamedTuple):
    """A replay event that is a line by itself, and needs no redaction; `at` is its own time."""

    document: Mapping[str, Any]
    name: str
    agent: str
    trace_id: str
    at: int


def read_plain(line: bytes, scanner: Scanner) -> Plain | None:
    """
    Return the replay event that a line is, where it is no more than that: as most of them are.

    None for whatever `events_in` has to read: wrapped, undated, secret or evidence.
    """
    try:
        document: Any = orjson.loads(line)
        if document.__class__ is not dict or document.get("replay_schema") != SCHEMA:
            return None
    except orjson.JSONDecodeError:
        return None
    if not scanner.is_quiet(document):
        return None
    at = read_time(document.get("ts"))
    name, agent = document.get("event"), document.get("agent_name")
    trace_id = document.get("trace_id")
    if at is None or not _are_names(name, agent, trace_id):
        return None
    return Plain(document, name, agent, trace_id, at)


def _are_names(*values: object) -> bool:
    """Return whether these are texts as `text_of` would give them, and not empty."""
    for value in values:
        if value.__class__ is not str or not value or text_of(value) != value:
            return False
    return True


def _look_through(
    within: Within, chain: Chain, read: LineRead, *, level: int, inside: bool
) -> None:
    for document, before in within.found:
        _look(document, before, chain, read, level=level, inside=inside)


def _look(
    value: object, before: str, chain: Chain, read: LineRead, *, level: int, inside: bool
) -> None:
    if level > DEEPEST:
        read.too_deep = True
        return
    if isinstance(value, dict):
        document = cast("Document", value)
        kind = _kind_of(document, before, read, inside=inside)
        nested = True
        if kind is not None:
            nested = _take(kind[0], kind[1], document, chain, read)
        if nested:
            inside = inside or kind is not None
            chain = (*chain, document)
            for each in document.values():
                _within(each, chain, read, level=level, inside=inside)
    else:
        for each in cast("list[object]", value):
            _within(each, chain, read, level=level, inside=inside)


def _within(value: object, chain: Chain, read: LineRead, *, level: int, inside: bool) -> None:
    if isinstance(value, dict | list):
        _look(cast("object", value), "", chain, read, level=level + 1, inside=inside)
    elif isinstance(value, str) and ("{" in value or '":' in value or '\\"' in value):
        within = Within()
        read_text(value, within)
        read.broken, read.too_deep = read.broken or within.broken, read.too_deep or within.too_deep
        _look_through(within, chain, read, level=level + 1, inside=inside)


def _kind_of(
    document: Document, before: str, read: LineRead, *, inside: bool
) -> tuple[EventKind, str] | None:
    """Return which event a document is, and its name; within an event, only replay events are."""
    schema = document.get("replay_schema")
    if schema == SCHEMA:
        return EventKind.REPLAY, text_of(document.get("event"))
    read.other_schema = read.other_schema or schema is not None
    if inside or schema is not None:
        return None
    if document.get("type") == "order_intent":
        return EventKind.INTENT, "order_intent"
    intent = document.get("intent_type")
    if isinstance(intent, str) and intent:
        return EventKind.LOG, text_of(intent)
    name = _name_of(document, before)
    if name or own_sign(document):
        return EventKind.LOG, name or _first(document, _NAMING) or "log"
    return None


def _name_of(document: Document, before: str) -> str:
    if before:
        found = _NAMED_BEFORE.search(before[-80:])
        if found and found[1] in _NAMES:
            return _NAMES[found[1]]
    for key in _NAMING:
        named = document.get(key)
        if isinstance(named, str) and (known := _NAMES.get(named.strip())):
            return known
    return ""


def _take(kind: EventKind, name: str, document: Document, chain: Chain, read: LineRead) -> bool:
    """Keep an event, redacted; gives whether there may be others within it."""
    try:
        found = scan(document)
    except TooDeepError:
        read.too_deep = True
        return False
    _judge_log(name, document, found)
    kept = document
    if not found.plain:
        kept = cast("Document", redact_document(document))
        name = redact_text(name)
    agent, trace = _belongs_to(kind, kept, chain)
    service, severity = _first(kept, _SERVICES), _first(kept, _SEVERITIES)
    at, outer = _time_of(document), None
    if chain:
        outer = next((t for d in reversed(chain) if (t := _time_of(d)) is not None), None)
        service = service or _shown(_nearest(kept, chain, _SERVICES))
        severity = severity or _shown(_nearest(kept, chain, _SEVERITIES))
    told = outer if at is None else at
    outer = None if at is None else outer
    sign = found.sign and found.sign._replace(why=redact_text(found.sign.why))
    event = Found(kind, name, kept, agent, trace, service, severity, told, outer, sign)
    read.events.append(event)
    return found.nested


def _judge_log(name: str, document: Document, found: Scan) -> None:
    """Suspect a result that does not say that nothing was placed, and an agent told to trade."""
    if name == RESULT and found.sign is None:
        status = _held(document, "status")
        if not says_harmless(status):
            told = f"its status is {status[:64]}" if isinstance(status, str) else "it has no status"
            found.note(EvidenceKind.SUSPECTED, f"a result of execution: {told}")
    if name == TRANSITION:
        for key in ("to_state", "to", "new_state"):
            if is_forbidden_state(document.get(key)):
                found.note(EvidenceKind.SUSPECTED, f"an agent went into {document[key]}")


def _held(document: Document, key: str) -> object:
    """Return a value of a document, or of one right within it."""
    if key in document:
        return document[key]
    inner = (cast("Document", v) for v in document.values() if isinstance(v, dict))
    return next((d[key] for d in inner if key in d), None)


def _belongs_to(kind: EventKind, document: Document, chain: Chain) -> tuple[str, str]:
    """Return the agent and the trace that an event tells; empty where it tells none."""
    if kind is EventKind.REPLAY:
        return text_of(document.get("agent_name")), text_of(document.get("trace_id"))
    if kind is EventKind.INTENT:
        return "strategy", _first(document, ("event_id", "intent_id"))
    agent = _nearest(document, chain, _AGENTS) or _nearest(document, chain, _SERVICES)
    return _shown(agent), _shown(_nearest(document, chain, _TRACES))


def _nearest(document: Document, chain: Chain, keys: tuple[str, ...]) -> str:
    told = _first(document, keys)
    if told or not chain:
        return told
    return next((t for d in reversed(chain) if (t := _first(d, keys))), "")


def _first(document: Document, keys: tuple[str, ...]) -> str:
    for key in keys:
        if key in document and (told := text_of(document[key])):
            return told
    return ""


@lru_cache(maxsize=1_024)
def _shown(text: str) -> str:
    return redact_text(text)


def text_of(value: object) -> str:
    """Return a name, an id or a number as a text of capped length; empty for anything else."""
    if isinstance(value, str):
        return value.strip()[:LONGEST_NAME]
    if value is None or isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return str(value)[:LONGEST_NAME]


def _time_of(document: Document) -> int | None:
    for key in _TIMES:
        if key in document and (told := read_time(document[key])) is not None:
            return told
    return None


def read_time(value: object) -> int | None:
    """
    Return the microseconds since 1970 that a value tells; None where it tells no time.

    ISO 8601, UTC where it names no zone, and numbers since 1970, by their size in seconds,
    milliseconds, microseconds or nanoseconds.
    """
    if isinstance(value, str):
        try:
            told = datetime.fromisoformat(value)
        except ValueError:
            return None
        if told.tzinfo is None:
            told = told.replace(tzinfo=UTC)
        since = told - _EPOCH
        micros = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
        return micros if 0 < micros < _LATEST else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return _since_1970(value)


def _since_1970(value: float) -> int | None:
    for limit, factor in ((1e11, 1e6), (1e14, 1e3), (1e17, 1.0), (1e20, 1e-3)):
        if 0 < value < limit:
            micros = int(value * factor)
            return micros if 0 < micros < _LATEST else None
    return None
