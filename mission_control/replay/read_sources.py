"""Reads one source after another: what it holds is counted, and kept aside."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

import orjson

from mission_control.documents.visible_text import visible
from mission_control.records.model import ArtifactFile
from mission_control.redaction.redact import redact_text
from mission_control.replay.decide.event import instant, kept_form
from mission_control.replay.decide.execution import Scanner
from mission_control.replay.decide.line import (
    Found,
    LineRead,
    events_in,
    read_plain,
    read_time,
)
from mission_control.replay.decide.marks import MARKS, find_claim, is_marked
from mission_control.replay.decide.shape import Shape, Shapes, fold
from mission_control.replay.kept import UNATTRIBUTED, Spot, group_key
from mission_control.replay.model import (
    SCHEMA,
    UNREAD,
    Counts,
    EventKind,
    EvidenceKind,
    Narrowing,
    Skip,
    Source,
)
from mission_control.replay.read_bytes import (
    LONGEST_LINE,
    LongLine,
    Reading,
    read_blocks,
    read_rest,
    whole_lines,
)
from mission_control.replay.read_lines import DenseLines, LineReader, MarkedLine
from mission_control.replay.read_modes import ModeReader
from mission_control.replay.skew import SkewMeter
from mission_control.replay.sources import InputFile
from mission_control.replay.spill import SortedLines
from mission_control.replay.tails import Section, TailsSeen, sections_of

Advance = Callable[[int], object]
Blocks = Iterator[bytes | LongLine]
_MOST_WAITING = 1_000
"""Events before the first time of a source that wait for it; more stand before all others."""
_MOST_TOLD = 65_536
"""Bytes of a line that are redacted to be quoted."""
_QUOTED = 200
_BEFORE = 80
_TOLD_IN_TEXT = "a line tells of execution, and is no event that can be read"
_MOST_SECONDS = 16_384
_SCHEMA = SCHEMA.encode()
_ALL_TIME = (0, 1 << 62)


@dataclass(slots=True)
class _Taking:
    """One source while it is read: where its events stand, and those that wait for a time."""

    number: int
    plain: int = 0
    """Events that are lines by themselves; `events` and `event_lines` do not count these."""
    events: int = 0
    event_lines: int = 0
    first: int = 0
    last: int = 0
    placed: int = 0
    begun: bool = False
    waiting: list[tuple[Found, Spot]] = field(default_factory=list[tuple[Found, Spot]])


class SourceReader:
    """Reads files to their end; what was read is in its counts, its rows and its sources."""

    def __init__(self, narrowing: Narrowing, advance: Advance, *, digests: bool = False) -> None:
        """Begin with nothing read; with `digests` each file that is read to its end has one."""
        self.inputs, self._digests = list[ArtifactFile](), digests
        self.events, self.evidence = SortedLines(), SortedLines()
        self.modes, self.shapes = ModeReader(), Shapes()
        self._seconds, self._rows = dict[bytes, int](), list[bytes]()
        self.sources = list[Source]()
        self.first = self.last = 0
        """The times of all that is shown, in microseconds since 1970; 0 for none."""
        self._narrowing, self._advance = narrowing, advance
        self._since = _micros(narrowing.since, _ALL_TIME[0])
        self._until = _micros(narrowing.until, _ALL_TIME[1])
        self._narrows = narrowing != Narrowing()
        self._tails, self._skew, self._scanner = TailsSeen(), SkewMeter(), Scanner()
        self._counted = Counter[str]()
        self._kinds, self._skipped = Counter[EventKind](), Counter[Skip]()

    def counts(self) -> Counts:
        """Return how all that was read is accounted for."""
        told = self._counted
        return Counts(
            bytes=told["bytes"],
            lines=told["lines"],
            event_lines=told["event_lines"],
            events=told["events"],
            hidden=told["hidden"],
            undated=told["undated"],
            unattributed=told["unattributed"],
            evidence=told["evidence"],
            suspicions=told["suspicions"],
            unread=told["unread"] + sum(self._skipped[skip] for skip in UNREAD),
            skipped={skip: self._skipped[skip] for skip in Skip if self._skipped[skip]},
            kinds={kind: self._kinds[kind] for kind in EventKind if self._kinds[kind]},
        )

    def read(self, file: InputFile) -> None:
        """Read a file to its end, or as far as it goes."""
        problem, digest = file.problem, hashlib.sha256()
        reading = Reading(self._advance, digest.update if self._digests else None)
        if not problem:
            try:
                stream = file.open()
            except OSError as error:
                problem = f"it cannot be opened: {error.strerror or type(error).__name__}"
            else:
                with stream:
                    blocks = self._watched(whole_lines(read_blocks(stream, reading)))
                    if file.bundle:
                        self._read_tails(file, blocks)
                        problem = reading.broke_off
                    else:
                        self._read_lines(Source(file.label), LineReader(), blocks, reading)
                    if self._digests and read_rest(stream, reading):
                        told = digest.hexdigest()
                        self.inputs.append(ArtifactFile(file.label, told, reading.taken))
        if problem:
            self.sources.append(Source(file.label, broke_off=problem))

    def _watched(self, blocks: Blocks) -> Blocks:
        for block in blocks:
            self.modes.look_at(block.part if isinstance(block, LongLine) else block)
            yield block

    def _read_tails(self, file: InputFile, blocks: Blocks) -> None:
        """Read each container's tail in a file as a source of its own."""
        number = 0
        sections = sections_of(blocks)
        for section in sections:
            before = " (previous)" if section.previous else ""
            label = f"{file.label} {section.container}{before}".strip()
            source, lines = Source(label, tail=True), LineReader(number)
            if isinstance(section.lines, LongLine):
                self._read_lines(source, lines, _long(section.lines, sections), Reading())
                number = lines.lines
                continue
            told = section.lines
            shared, gap = (
                self._tails.overlap(section.container, told) if section.begins else (0, False)
            )
            lines.lines += section.begins + shared
            lines.skipped.update({Skip.HEADING: int(section.begins), Skip.OVERLAP: shared})
            block = b"".join(line + b"\n" for line in told[shared:])
            reading = Reading(unpacked=sum(len(line) + 1 for line in told))
            source = replace(source, gap_before=gap)
            self._read_lines(source, lines, iter([block] if block else []), reading, number)
            number = lines.lines

    def _read_lines(
        self,
        source: Source,
        lines: LineReader,
        blocks: Blocks,
        reading: Reading,
        began: int | None = None,
    ) -> None:
        """Take every line of a source, and close its account."""
        began = lines.lines if began is None else began
        taking = _Taking(len(self.sources))
        self._skew.begin(source.label)
        for line in lines.read(blocks):
            if isinstance(line, DenseLines):
                self._take_dense(line, taking)
            else:
                self._take(line, taking)
        self._place_waiting(taking, 0)
        self._skipped += lines.skipped
        told, plain = lines.lines - began, taking.plain
        event_lines = plain + taking.event_lines
        self._counted.update(
            lines=told, bytes=reading.unpacked, event_lines=event_lines, events=plain
        )
        self._kinds[EventKind.REPLAY] += plain
        self.sources.append(
            replace(
                source,
                bytes=reading.unpacked,
                lines=told,
                events=plain + taking.events,
                first=instant(taking.first),
                last=instant(taking.last),
                broke_off=reading.broke_off,
                skews=self._skew.skews(),
            )
        )

    def _take_dense(self, dense: DenseLines, taking: _Taking) -> None:
        """Take each line of a block; one of a known shape is not even parsed."""
        find, mark, take_shaped = self.shapes.find, MARKS[0], self._take_shaped
        number, _, lines = dense
        for line, folded in zip(lines, fold(dense.block).split(b"\n"), strict=False):
            number += 1
            shape = find(folded, line)
            if shape is not None and take_shaped(shape, line, number, taking):
                continue
            if mark in line or is_marked(line):
                self._take(MarkedLine(number, line, len(line) > LONGEST_LINE), taking, folded)
            else:
                self._skipped[Skip.NO_EVENT] += 1
        self._flush()

    def _take_shaped(self, shape: Shape, line: bytes, number: int, taking: _Taking) -> bool:
        """Take a plain event out of its places in a line; gives whether it is one."""
        schema, agent, trace_id, second, zone, part = shape.told(line)
        micros = self._seconds.get(second + zone) or self._micros_of(second + zone)
        if schema != _SCHEMA or micros is None:
            return False
        micros += shape.fraction and shape.fraction * int(part)
        kept = b"".join(shape.between(line)) if shape.between else line
        told = trace_id.decode()
        if self._counts_in(agent, told, micros, taking):
            group = b"0%s\x01%s" % (agent, trace_id)
            row = b"%s\t%016x%06x%010x0000d-%04x\t%s"
            self._rows.append(row % (group, micros, taking.number, number, shape.number, kept))
        return True

    def _micros_of(self, second: bytes) -> int | None:
        """Return what time a second with its zone is; those of many events are remembered."""
        micros = read_time(second.decode())
        if micros is not None:
            if len(self._seconds) >= _MOST_SECONDS:
                self._seconds.clear()
            self._seconds[second] = micros
        return micros

    def _flush(self) -> None:
        if self._rows:
            self.events.add_all(self._rows)
            self._rows = []

    def _take(self, line: MarkedLine, taking: _Taking, folded: bytes = b"") -> None:
        """Take a line that may hold events: each of them, or the reason why there is none."""
        if not line.too_long:
            if not folded:
                folded = fold(line.text)
                shape = self.shapes.find(folded, line.text)
                if shape and self._take_shaped(shape, line.text, line.number, taking):
                    self._flush()
                    return
            if self._take_plain(line, taking, folded):
                return
        if line.too_long:
            self._skipped[Skip.TOO_LONG] += 1
            claim = find_claim(line.text)
        else:
            read = events_in(line.text)
            claim = read.claim
            self._count(read, taking)
            for number, found in enumerate(read.events):
                self._put(found, Spot(taking.number, line.number, number), taking)
        if claim >= 0:
            self._suspect(line, claim, taking)

    def _take_plain(self, line: MarkedLine, taking: _Taking, folded: bytes) -> bool:
        """Take a line that is a plain event by itself; gives whether it is one."""
        plain = read_plain(line.text, self._scanner)
        if plain is None:
            return False
        if self._counts_in(plain.agent.encode(), plain.trace_id, plain.at, taking):
            group = group_key(plain.agent, plain.trace_id)
            place = Spot(taking.number, line.number, 0).place(plain.at, dated=True, evidence=False)
            self.events.add(f"{group}\t{place}\t".encode() + orjson.dumps(plain.document))
        claim = find_claim(line.text)
        if claim >= 0:
            self._suspect(line, claim, taking)
        else:
            self.shapes.learn(folded, line.text, plain.document)
        return True

    def _counts_in(self, agent: bytes, trace_id: str, micros: int, taking: _Taking) -> bool:
        """Count an event that is a line by itself; gives whether it is shown."""
        if taking.waiting:
            self._place_waiting(taking, micros)
        taking.plain += 1
        taking.placed, taking.begun = micros, True
        if micros > taking.last:
            taking.last = micros
            taking.first = taking.first or micros
        elif micros < taking.first:
            taking.first = micros
        self._skew.take(trace_id, micros, None)
        if self._narrows and not self._shows(agent.decode(), trace_id, micros):
            self._counted["hidden"] += 1
            return False
        if micros > self.last or micros < self.first:
            self.first, self.last = min(self.first or micros, micros), max(self.last, micros)
        return True

    def _count(self, read: LineRead, taking: _Taking) -> None:
        if not read.events:
            self._skipped[read.skip] += 1
            return
        taking.event_lines += 1
        self._counted["unread"] += read.broken or read.too_deep or read.other_schema

    def _put(self, found: Found, spot: Spot, taking: _Taking) -> None:
        """Give an event its place: by its time, else behind the event before it."""
        taking.events += 1
        if found.at is not None:
            if taking.waiting:
                self._place_waiting(taking, found.at)
            taking.placed, taking.begun = found.at, True
            taking.first = min(taking.first or found.at, found.at)
            taking.last = max(taking.last, found.at)
            self._skew.take(found.trace_id, found.at, found.outer)
            self._keep(found, spot, found.at)
        elif taking.begun:
            self._keep(found, spot, taking.placed)
        else:
            taking.waiting.append((found, spot))
            if len(taking.waiting) > _MOST_WAITING:
                self._place_waiting(taking, 0)
                taking.begun = True

    def _place_waiting(self, taking: _Taking, micros: int) -> None:
        for found, spot in taking.waiting:
            self._keep(found, spot, micros)
        taking.waiting.clear()

    def _keep(self, found: Found, spot: Spot, micros: int) -> None:
        """Count an event and keep it aside, and the evidence in it whether or not it is shown."""
        dated = found.at is not None
        counted = self._counted
        counted["events"] += 1
        self._kinds[found.kind] += 1
        if not dated:
            counted["undated"] += 1
        group = group_key(found.agent, found.trace_id)
        if group is UNATTRIBUTED:
            counted["unattributed"] += 1
        place = spot.place(micros, dated=dated, evidence=found.sign is not None)
        if found.sign is not None:
            self._keep_evidence(found, place)
        if not self._shows(found.agent, found.trace_id, micros):
            counted["hidden"] += 1
            return
        if dated:
            self.first = min(self.first or micros, micros)
            self.last = max(self.last, micros)
        self.events.add(f"{group}\t{place}\t".encode() + orjson.dumps(kept_form(found)))

    def _shows(self, agent: str, trace_id: str, micros: int) -> bool:
        wanted = self._narrowing
        if wanted.agent and wanted.agent != agent:
            return False
        if wanted.trace_id and wanted.trace_id != trace_id:
            return False
        return not micros or self._since <= micros < self._until

    def _keep_evidence(self, found: Found, place: str) -> None:
        sign = found.sign
        if sign is None:
            return
        told = orjson.dumps(found.document).decode()
        detail = _quoted(told, max(0, find_claim(told.encode())))
        about = (sign.why, found.agent, found.trace_id, found.name, detail)
        self._add_evidence(place, sign.kind, *about)

    def _suspect(self, line: MarkedLine, claim: int, taking: _Taking) -> None:
        """Keep a line that tells of execution without an event that does."""
        begin = max(0, claim - _MOST_TOLD // 2)
        text = line.text[begin : begin + _MOST_TOLD].decode(errors="replace")
        told = redact_text(text)
        at = max(0, find_claim(told.encode(errors="replace")))
        dated = bool(taking.placed)
        place = Spot(taking.number, line.number, 0).place(taking.placed, dated=dated, evidence=True)
        why, detail = _TOLD_IN_TEXT, _quoted(told, at)
        self._add_evidence(place, EvidenceKind.SUSPECTED, why, "", "", "", detail)

    def _add_evidence(self, place: str, kind: EvidenceKind, *about: str) -> None:
        suspected = kind is EvidenceKind.SUSPECTED
        self._counted["suspicions" if suspected else "evidence"] += 1
        self.evidence.add(f"\t{place}\t".encode() + orjson.dumps([kind.value, *about]))


def _micros(at: datetime | None, otherwise: int) -> int:
    return otherwise if at is None else round(at.timestamp() * 1_000_000)


def _long(first: LongLine, sections: Iterator[Section]) -> Blocks:
    """Yield the parts of a line that is too long."""
    part = first
    yield part
    while not part.last:
        section = next(sections, None)
        if section is None or not isinstance(section.lines, LongLine):
            return
        part = section.lines
        yield part


def _quoted(text: str, at: int) -> str:
    """Return what a redacted text says around a place, on one line."""
    begin = max(0, at - _BEFORE)
    return visible(" ".join(text[begin : begin + 2 * _QUOTED].split()))[:_QUOTED]
