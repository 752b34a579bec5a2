"""What a bundle would cover and how large it would be, without deciding everything again for it."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypedDict

from mission_control.documents.instants import new_york_text, utc_text
from mission_control.evidence.gathering import EvidenceSources, File, Gathering
from mission_control.evidence.model import Exported, Wanted
from mission_control.evidence.posture import gather_changes
from mission_control.evidence.present import part_document
from mission_control.evidence.run import GATHERED, export
from mission_control.history.reader import HistoryReader

SAMPLED = 8
"""Judged changes that are really written; the size of the others is that of these."""
_CHANGES = "posture/changes/"
_PER_FILE = 300
"""Bytes of headers and of lines in lists that a file has beside its own, roughly."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """
    What was found: the size is `exact` where every judged change was written and counted.

    `changes` is how many judged changes it would hold.
    """

    wanted: Wanted
    size: int
    exact: bool
    changes: int
    exported: Exported


class _Sampling(HistoryReader):
    """Reads the same history, of which a few judged changes spread over the time are told."""

    every: Sequence[int] = ()

    async def decision_numbers(self, since: datetime, until: datetime) -> Sequence[int]:
        """Return some of the numbers, the first and the last included."""
        self.every = every = await super().decision_numbers(since, until)
        if len(every) <= SAMPLED:
            return every
        return [every[place * (len(every) - 1) // (SAMPLED - 1)] for place in range(SAMPLED)]


@dataclass(slots=True)
class _Weighing:
    """Gathers a few judged changes in place of all, and reckons what the others would take."""

    changes: int = 0
    rest: int = 0
    sizes: list[int] = field(default_factory=list[int])

    async def gather(self, sources: EvidenceSources, gathering: Gathering) -> AsyncGenerator[File]:
        """Return the sampled changes as `gather_changes` does."""
        if sources.history is None:
            async for file in gather_changes(sources, gathering):
                yield file
            return
        sampling = _Sampling(sources.history.engine)
        async for path, content in gather_changes(replace(sources, history=sampling), gathering):
            if path.startswith(_CHANGES):
                self.sizes.append(len(content) + _PER_FILE)
            yield path, content
        self.changes = len(sampling.every)
        left = self.changes - min(self.changes, SAMPLED)
        if left:
            self.rest = left * (sum(self.sizes) // max(1, len(self.sizes)))
            told = gathering.coverage[-1]
            gathering.coverage[-1] = replace(
                told, expected=self.changes, obtained=told.obtained + left
            )


async def estimate(sources: EvidenceSources, wanted: Wanted) -> Estimate:
    """
    Say what a bundle would cover, and how large it would be (docs/semantics.md#R12.44).

    It is gathered as for an export and thrown away piece by piece, but for the judged changes: of
    many a few are decided again, and the others are taken to be as large and to be readable.
    """
    weighing, ended, size = _Weighing(), list[Exported](), 0
    instead = [(s, u, weighing.gather if g is gather_changes else g) for s, u, g in GATHERED]
    async for piece in export(sources, wanted, ended.append, instead):
        size += len(piece)
    return Estimate(wanted, size + weighing.rest, not weighing.rest, weighing.changes, ended[0])


class EstimateDocument(TypedDict):
    """What a bundle would cover; `size` is in bytes, and an estimate where it is not `exact`."""

    since: str
    since_et: str
    until: str
    until_et: str
    incident: str
    name: str
    size: int
    exact: bool
    changes: int
    whole: bool
    first: str
    sources: list[dict[str, Any]]


def estimate_document(found: Estimate) -> EstimateDocument:
    """Return an estimate as a JSON-ready document."""
    wanted, exported = found.wanted, found.exported
    return {
        "since": utc_text(wanted.since),
        "since_et": new_york_text(wanted.since),
        "until": utc_text(wanted.until),
        "until_et": new_york_text(wanted.until),
        "incident": str(exported.about["incident"]),
        "name": f"{wanted.name}.zip",
        "size": found.size,
        "exact": found.exact,
        "changes": found.changes,
        "whole": exported.whole,
        "first": exported.first,
        "sources": [part_document(part) for part in exported.coverage],
    }
