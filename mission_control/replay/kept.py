"""
What is kept aside of a replay: events by agent, trace and time, and evidence by time.

A row is `group TAB place TAB event`. The place has a fixed width, so that rows sort as their
bytes do: time, source, line, and number within the line. Two flags end it: whether the event
tells its own time, and whether it is evidence.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from typing import NamedTuple

import orjson

from mission_control.replay.decide.event import Place, instant, read_event
from mission_control.replay.model import Events, Evidence, EvidenceKind, Group, ReplayedEvent
from mission_control.replay.spill import SortedLines

UNATTRIBUTED = b"1"
_TIME, _SOURCE, _LINE, _SUB = 16, 22, 32, 36
"""Where in a place each of its numbers ends."""
_MOST_EQUAL = 1_000
"""So many different rows of one group and time are compared with each other."""


def group_key(agent: str, trace_id: str) -> bytes:
    """Return what rows are sorted by first: agent, then trace, those without both at the end."""
    if not (agent and trace_id):
        return UNATTRIBUTED
    return b"0%s\x01%s" % (orjson.dumps(agent)[1:-1], orjson.dumps(trace_id)[1:-1])


class Spot(NamedTuple):
    """Where in the input something stands; `sub` numbers what one line holds."""

    source: int
    line: int
    sub: int

    def place(self, micros: int, *, dated: bool, evidence: bool) -> bytes:
        """Write it as the place of a row, by time first."""
        flags = (b"d" if dated else b"u") + (b"e" if evidence else b"-")
        return b"%016x%06x%010x%04x%s" % (micros, *self, flags)


class _Row(NamedTuple):
    group: bytes
    place: bytes
    kept: bytes
    repeated: int
    sources: int

    @property
    def micros(self) -> int:
        return int(self.place[:_TIME], 16)

    @property
    def dated(self) -> bool:
        return self.place[_SUB : _SUB + 1] == b"d"

    @property
    def evidence(self) -> bool:
        return self.place[_SUB + 1 :] == b"e"


def _rows(lines: Iterable[bytes]) -> Iterator[_Row]:
    """Yield rows, equal ones of one group and time as one, where the first of them stands."""
    now = (b"", b"")
    held = dict[bytes, tuple[bytes, bytes, int, int, bytes]]()
    for line in lines:
        group, place, kept = line.split(b"\t", 2)
        moment = (group, place[:_TIME])
        if moment != now or len(held) == _MOST_EQUAL:
            yield from _told(held)
            held, now = {}, moment
        source = place[_TIME:_SOURCE]
        before = held.get(kept)
        if before is None:
            held[kept] = (group, place, 1, 1, source)
        else:
            repeated, sources = before[2] + 1, before[3] + (source != before[4])
            held[kept] = (*before[:2], repeated, sources, source)
    yield from _told(held)


def _told(held: dict[bytes, tuple[bytes, bytes, int, int, bytes]]) -> Iterator[_Row]:
    for kept, (group, place, repeated, sources, _) in held.items():
        yield _Row(group, place, kept, repeated, sources)


@dataclass(frozen=True, slots=True)
class KeptEvents:
    """All events that are shown, sorted aside; `labels` names the sources by their numbers."""

    lines: SortedLines
    labels: tuple[str, ...]

    def groups(self) -> Iterator[tuple[Group, Events]]:
        """Yield each group with its events; it is reckoned in a reading ahead of theirs."""
        ahead, behind = _rows(self.lines), _rows(self.lines)
        for key, rows in groupby(ahead, key=lambda row: row.group):
            group = _group_of(key, rows)
            events = self._events(islice(behind, group.rows))
            yield group, events
            for _ in events:  # what was left unread, so that the next group begins at its own
                pass

    def by_time(self) -> Events:
        """Yield all events by time, sorted once more for that."""
        lines = SortedLines()
        for line in self.lines:
            group, place, kept = line.split(b"\t", 2)
            lines.add(b"%s\t%s\t%s" % (place, group, kept))
        ordered = (line.split(b"\t", 2) for line in lines)
        return self._events(_rows(b"%s\t%s\t%s" % (g, p, kept) for p, g, kept in ordered))

    def _events(self, rows: Iterable[_Row]) -> Iterator[ReplayedEvent]:
        for row in rows:
            yield read_event(orjson.loads(row.kept), _place_of(row, self.labels))


def _place_of(row: _Row, labels: tuple[str, ...]) -> Place:
    label = labels[int(row.place[_TIME:_SOURCE], 16)]
    line = int(row.place[_SOURCE:_LINE], 16)
    return Place(row.micros, row.dated, label, line, row.repeated, row.sources)


def _group_of(key: bytes, rows: Iterable[_Row]) -> Group:
    agent, trace_id = ("", "")
    if key != UNATTRIBUTED:
        agent, trace_id = (orjson.loads(b'"%s"' % part) for part in key[1:].split(b"\x01"))
    events = count = undated = evidence = first = last = 0
    for row in rows:
        count += 1
        events += row.repeated
        if row.dated:
            first, last = first or row.micros, row.micros
        else:
            undated += row.repeated
        evidence += row.repeated if row.evidence else 0
    return Group(agent, trace_id, events, count, instant(first), instant(last), undated, evidence)


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
            at: datetime | None = instant(place.micros) if place.dated else None
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
