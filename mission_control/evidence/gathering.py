"""What an export reads from, and what it notes on the way: coverage, masks, codes, the story."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mission_control.documents.canonical_json import encode_json
from mission_control.evidence.model import (
    ChangeLine,
    Gap,
    PartCoverage,
    PostureSegment,
    Story,
    Told,
    Wanted,
)
from mission_control.history.model import Span
from mission_control.market_calendar.calendar import CalendarReader
from mission_control.market_calendar.closures import Closure
from mission_control.model.fleet import Fleet
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.model import LedgerHead
from mission_control.redaction.redact import MASK, redact_document, redact_text
from mission_control.runbooks.library import RunbookLibrary

if TYPE_CHECKING:
    from mission_control.alerts.store import AlertStore
    from mission_control.history.reader import HistoryReader

STORED, EXPORTED = "masked before it was stored", "masked at the export"
NO_HISTORY = "no history is kept here"
MOST_TOLD = 20_000
"""Lines of the story that the page for a reader holds; the documents hold all of them."""
MOST_TEXT, MOST_SHOWN = 4_096, 300
"""Characters of a line that are looked through, and that are shown."""
MOST_GAPS = 2_000
_CODE = re.compile(r"[A-Z][A-Z0-9_]{2,63}")
File = tuple[str, bytes]
"""A file of a bundle: its path, below data/, and its bytes."""


@dataclass(frozen=True, slots=True)
class EvidenceSources:
    """
    What a bundle is made from; nothing of it is written.

    `history` and `alerts` are None where none is kept. `replays` are logs to be replayed.
    """

    artifacts: ArtifactReader
    history: "HistoryReader | None"
    alerts: "AlertStore | None"
    calendar: CalendarReader
    closures: tuple[Closure, ...]
    runbooks: RunbookLibrary
    fleet: Fleet
    config_digest: str
    label: str = ""
    replica: str = ""
    replays: tuple[Path, ...] = ()


@dataclass(slots=True)
class Gathering:
    """What is noted while a bundle is made; what is not bounded by itself is capped."""

    wanted: Wanted
    head: LedgerHead | None = None
    coverage: list[PartCoverage] = field(default_factory=list[PartCoverage])
    masked: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    codes: set[str] = field(default_factory=set[str])
    told: list[Told] = field(default_factory=list[Told])
    untold: int = 0
    lines: list[ChangeLine] = field(default_factory=list[ChangeLine])
    unwatched: list[Span] = field(default_factory=list[Span])
    segments: tuple[PostureSegment, ...] = ()
    runs: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    configured: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    fleets: set[str] = field(default_factory=set[str])

    def cover(
        self, source: str, expected: int | None, obtained: int, unit: str, gaps: Sequence[Gap] = ()
    ) -> None:
        """Note what was expected and obtained; of very many gaps the rest is counted."""
        shown = [
            Gap(g.what, redact_text(g.reason[:MOST_TEXT])[:MOST_SHOWN]) for g in gaps[:MOST_GAPS]
        ]
        if len(gaps) > MOST_GAPS:
            rest = len(gaps) - MOST_GAPS
            shown.append(Gap(f"{rest} more", "they are of the same kinds"))
        self.coverage.append(PartCoverage(source, expected, obtained, unit, tuple(shown)))

    def unreadable(self, source: str, unit: str, reason: str) -> None:
        """Note a source that could not be read, or not to its end."""
        self.cover(source, None, 0, unit, [Gap("all of it, or its rest", reason)])

    def tell(self, at: datetime, kind: str, text: str, path: str = "") -> None:
        """Note a line of the story, with what is secret masked: others' words are in it."""
        if len(self.told) < MOST_TOLD:
            self.told.append(Told(at, kind, redact_text(text[:MOST_TEXT])[:MOST_SHOWN], path))
        else:
            self.untold += 1

    def story(self) -> Story:
        """Return what was told, in the order of time."""
        told = sorted(self.told, key=lambda t: t.at)
        return Story(tuple(told), self.untold, self.segments)

    def name_code(self, code: str) -> None:
        """Note a code whose runbook belongs into the bundle."""
        if _CODE.fullmatch(code):
            self.codes.add(code)

    def count_stored(self, path: str, content: bytes) -> None:
        """Count what was masked before it was stored."""
        count = content.count(MASK.encode())
        if count:
            self.masked[STORED, place_of(path)] += count

    def redacted(self, path: str, document: object) -> bytes:
        """Write a document with what is secret masked once more, and count that."""
        before, after = encode_json(document), encode_json(redact_document(document))
        more = after.count(MASK.encode()) - before.count(MASK.encode())
        if more > 0:
            self.masked[EXPORTED, place_of(path)] += more
        return after


def place_of(path: str) -> str:
    """Return the part of a bundle that a file is counted for: two folders at most."""
    return "/".join(path.split("/")[:2])
