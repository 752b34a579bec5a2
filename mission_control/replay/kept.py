"""
What is kept aside of a replay: events by agent, trace and time, and evidence by time.

A row is `group TAB place TAB event`. The place has a fixed width, so that rows sort as their
bytes do: time, source, line, and number within the line. Behind it are two flags, whether the
event tells its own time and whether it is evidence, and the number of its shape, or 0.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

import orjson

from mission_control.replay.decide.event import Place, instant, read_event
from mission_control.replay.decide.shape import Shape, Template, template_of
from mission_control.replay.model import (
    Events,
    Evidence,
    EvidenceKind,
    Group,
    ReplayedEvent,
    Told,
)
from mission_control.replay.present.words import summary_of, told_of
from mission_control.replay.spill import SortedLines

T = TypeVar("T")
UNATTRIBUTED = "1"
_TIME, _SOURCE, _LINE, _SUB, _FLAGS = 16, 22, 32, 36, 38
"""Where in a place each of its numbers ends."""
_SHAPELESS = b"0000"
_MOST_HELD = 512
"""Rows of a group that are held to reckon it before its events are shown."""
_MOST_EQUAL = 1_000
"""So many different rows of one group and time are compared with each other."""


@lru_cache(maxsize=4_096)
def group_key(agent: str, trace_id: str) -> str:
    """Return what rows are sorted by first: agent, then trace, those without both at the end."""
    if not (agent and trace_id):
        return UNATTRIBUTED
    return f"0{orjson.dumps(agent)[1:-1].decode()}\x01{orjson.dumps(trace_id)[1:-1].decode()}"


class Spot(NamedTuple):
    """Where in the input something stands; `sub` numbers what one line holds."""

    source: int
    line: int
    sub: int

    def place(self, micros: int, *, dated: bool, evidence: bool) -> str:
        """Write it as the place of a row, by time first."""
        flags = ("d" if dated else "u") + ("e" if evidence else "-")
        return f"{micros:016x}{self.source:06x}{self.line:010x}{self.sub:04x}{flags}0000"


class _Row(NamedTuple):
    group: bytes
    place: bytes
    kept: bytes
    repeated: int = 1
    sources: int = 1

    @property
    def micros(self) -> int:
        return int(self.place[:_TIME], 16)

    @property
    def dated(self) -> bool:
        return self.place[_SUB : _SUB + 1] == b"d"


_group, _repeated = itemgetter(0), itemgetter(3)


def _rows(lines: Iterable[bytes]) -> Iterator[_Row]:
    """Yield rows, equal ones of one group and time as one, where the first of them stands."""
    before, moment = None, b""
    held = list[_Row]()
    for line in lines:
        group, place, kept = line.split(b"\t", 2)
        row = _Row(group, place, kept)
        if before is not None:
            if line.startswith(moment):
                held = held or [before]
                if len(held) == _MOST_EQUAL:
                    yield from _told(held)
                    held = []
                held.append(row)
                continue
            if held:
                yield from _told(held)
                held = []
            else:
                yield before
        before, moment = row, line[: len(group) + 1 + _TIME]
    if held:
        yield from _told(held)
    elif before is not None:
        yield before


def _told(rows: list[_Row]) -> Iterator[_Row]:
    """Yield the rows of one moment."""
    found = dict[bytes, list[_Row]]()
    for row in rows:
        found.setdefault(row.kept, []).append(row)
    for same in found.values():
        sources = {row.place[_TIME:_SOURCE] for row in same}
        yield same[0]._replace(repeated=len(same), sources=len(sources))


@dataclass(frozen=True, slots=True)
class KeptEvents:
    """All events that are shown, sorted aside; `labels` names the sources by their numbers."""

    lines: SortedLines
    labels: tuple[str, ...]
    shapes: Sequence[Shape] = ()

    def groups(self) -> Iterator[tuple[Group, Events]]:
        """Yield each group with its events, to be read in order."""
        return self._grouped(self._events)

    def told(self) -> Iterator[tuple[Group, Iterator[Told]]]:
        """Yield each group with what is shown of its events, as `groups` does."""
        return self._grouped(_Teller(self.labels, self.shapes).told)

    def _grouped(
        self, read: Callable[[Iterable[_Row]], Iterator[T]]
    ) -> Iterator[tuple[Group, Iterator[T]]]:
        """Yield each group with its rows; one that is too large to be held is read twice."""
        behind, number, passed = _rows(self.lines), 0, 0
        for key, rows in groupby(_rows(self.lines), key=_group):
            held = list(islice(rows, _MOST_HELD))
            reckoned = _Reckoned()
            reckoned.add(chain(held, rows))  # noqa: B031  (what of them is not held)
            told: Iterable[_Row] = held
            if reckoned.rows > len(held):
                told = islice(behind, number - passed, number - passed + reckoned.rows)
                passed = number + reckoned.rows
            yield reckoned.group(key), read(told)
            deque(told if reckoned.rows > len(held) else (), maxlen=0)  # what was not read of it
            number += reckoned.rows

    def by_time(self) -> Events:
        """Yield all events by time, sorted once more for that."""
        lines = SortedLines()
        for line in self.lines:
            group, place, kept = line.split(b"\t", 2)
            lines.add(b"%s\t%s\t%s" % (place[:_TIME], place[_TIME:], b"%s\t%s" % (group, kept)))
        return self._events(_rows(_turned(lines)))

    def _events(self, rows: Iterable[_Row]) -> Iterator[ReplayedEvent]:
        for row in rows:
            yield read_event(orjson.loads(row.kept), _place_of(row, self.labels))


class _Teller:
    """Tells what is shown of events, without reading those whose shape is known any further."""

    def __init__(self, labels: tuple[str, ...], shapes: Sequence[Shape]) -> None:
        self._labels, self._shapes = labels, shapes
        self._templates = dict[bytes, Template | None]()

    def told(self, rows: Iterable[_Row]) -> Iterator[Told]:
        templates, labels = self._templates, self._labels
        for row in rows:
            _, place, kept, repeated, _ = row
            number = place[_FLAGS:]
            if repeated == 1 and number != _SHAPELESS:
                line = kept.decode()
                if number not in templates:
                    templates[number] = self._template(number, line)
                template = templates[number]
                if template is not None:
                    text, cut = template
                    dated = True
                    event, _, summary = (text % cut(line)).partition("\t")
                    micros, label = int(place[:_TIME], 16), labels[int(place[_TIME:_SOURCE], 16)]
                    at_line = int(place[_SOURCE:_LINE], 16)
                    yield Told(micros, dated, event, summary, label, at_line)
                    continue
            yield told_of(read_event(orjson.loads(kept), _place_of(row, labels)))

    def _template(self, number: bytes, line: str) -> Template | None:
        return template_of(self._shapes[int(number, 16) - 1], line, _shown)


_NOWHERE = Place(0, dated=True, source="", line=0)


def _shown(document: Mapping[str, Any]) -> str:
    event = read_event(dict(document), _NOWHERE)
    return f"{event.event}\t{summary_of(event)}"


def _turned(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield rows that were sorted by time as rows again, the group of none of them known."""
    for line in lines:
        micros, place, _, kept = line.split(b"\t", 3)
        yield b"\t%s%s\t%s" % (micros, place, kept)


def _place_of(row: _Row, labels: tuple[str, ...]) -> Place:
    place = row.place
    label = labels[int(place[_TIME:_SOURCE], 16)]
    line = int(place[_SOURCE:_LINE], 16)
    dated = place[_SUB : _SUB + 1] == b"d"
    return Place(int(place[:_TIME], 16), dated, label, line, row.repeated, row.sources)


@dataclass(slots=True)
class _Reckoned:
    """What the rows of a group add up to."""

    events: int = 0
    rows: int = 0
    undated: int = 0
    evidence: int = 0
    first: int = 0
    last: int = 0

    def add(self, rows: Iterable[_Row]) -> None:
        """Take rows in order, some at a time; nearly all are dated events without repeats."""
        rows = iter(rows)
        while some := list(islice(rows, _MOST_HELD)):
            flags = [row[1][_SUB:_FLAGS] for row in some]
            events = sum(map(_repeated, some))
            self.rows += len(some)
            self.events += events
            dated = some
            if flags.count(b"d-") < len(some):
                told = list(zip(some, flags, strict=True))
                dated = [row for row, flag in told if flag[:1] == b"d"]
                self.undated += events - sum(map(_repeated, dated))
                self.evidence += sum(row.repeated for row, flag in told if flag[1:] == b"e")
            if dated:
                self.first = self.first or dated[0].micros
                self.last = dated[-1].micros

    def group(self, key: bytes) -> Group:
        agent, trace_id = "", ""
        if key != UNATTRIBUTED.encode():
            agent, trace_id = (orjson.loads(b'"%s"' % part) for part in key[1:].split(b"\x01"))
        first, last = instant(self.first), instant(self.last)
        counts = (self.events, self.rows)
        return Group(agent, trace_id, *counts, first, last, self.undated, self.evidence)


@dataclass(frozen=True, slots=True)
class KeptEvidence:
    """All evidence of the input, sorted aside by time."""

    lines: SortedLines
    labels: tuple[str, ...]

    def by_time(self) -> Iterator[Evidence]:
        """Yield it, equal evidence of one time as one."""
        for row in _rows(self.lines):
            place = _place_of(row, self.labels)
            kind, why, agent, trace_id, event, detail = orjson.loads(row.kept)
            at = instant(place.micros) if place.dated else None
            yield Evidence(
                kind=EvidenceKind(kind),
                why=why,
                at=at,
                agent=agent,
                trace_id=trace_id,
                event=event,
                source=place.source,
                line=place.line,
                detail=detail,
                repeated=place.repeated,
            )
