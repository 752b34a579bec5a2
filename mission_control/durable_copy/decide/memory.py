"""What runs of copying pass on about a destination; only reading back clears a doubt."""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mission_control.durable_copy.model import (
    LEDGER_FOLDER,
    CopyMemory,
    CopyPlan,
    CopyProblem,
    CopyProblemKind,
    CopyReach,
    Segment,
)
from mission_control.records.model import ArtifactFile, LedgerEntry

_SEGMENT = re.compile(LEDGER_FOLDER + r"/([0-9]{10})-([0-9]{10})-([0-9a-f]{64})\.jsonl")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the ledger: what it says, and its bytes."""

    entry: LedgerEntry
    content: bytes


def segment_of(lines: Sequence[Line]) -> Segment:
    """
    Return consecutive lines as a segment, which vouches for every file that they name.

    It is named by its first and last number and by the last one's hash, so that the names alone
    say what was copied of which record; sorted by name the segments are the ledger again.
    """
    first, last = lines[0].entry, lines[-1].entry
    content = b"".join(line.content for line in lines)
    path = f"{LEDGER_FOLDER}/{first.seq:010}-{last.seq:010}-{last.hash}.jsonl"
    sha256 = hashlib.sha256(content).hexdigest()
    file = ArtifactFile(path=path, sha256=sha256, size=len(content))
    return Segment(file, content, first.seq, last.seq)


def numbers_of(path: str) -> tuple[int, int, str] | None:
    """Return a segment's first and last number and its last hash by its name; None for others."""
    named = _SEGMENT.fullmatch(path)
    return None if named is None else (int(named[1]), int(named[2]), named[3])


def is_segment(path: str) -> bool:
    """Return whether a name at the destination is that of a segment."""
    return _SEGMENT.fullmatch(path) is not None


FIRST_RUN = CopyMemory()

NOT_READ = "what earlier runs found of it cannot be read, and it was not read back since"

_Kind = CopyProblemKind
_OTHER_BYTES = frozenset({_Kind.CONFLICT, _Kind.CORRUPTED})


class Turns:
    """Whose turn it is to be read back: what is in doubt, what waited longest, what today has."""

    def __init__(
        self, doubts: Sequence[CopyProblem], proven: Collection[str], overdue: Sequence[str]
    ) -> None:
        """Order by what is in doubt, and by the files that wait since earlier runs."""
        self.doubted = {d.path for d in doubts}
        self.proven = proven
        self.waiting = {path: number for number, path in enumerate(overdue)}

    def of(self, path: str, *, due: bool) -> tuple[int, int] | None:
        """Return a file's place in the order; None for one that is left alone today."""
        if path in self.doubted or (is_segment(path) and path not in self.proven):
            return (0, 0)
        if path in self.waiting:
            return (1, self.waiting[path])
        return (2, 0) if due else None


def taken_away(before: CopyMemory, covered: Collection[int]) -> Iterator[CopyProblem]:
    """Name the lines that an earlier run saw vouched for, and that nothing covers any more."""
    held = set(range(1, before.through + 1))
    for first, last, _ in filter(None, map(numbers_of, before.proven)):
        held.update(range(first, last + 1))
    lost = sorted(held.difference(covered))
    if lost:
        detail = f"line {lost[0]} was vouched for, and is no more (lines: {len(lost)})"
        yield CopyProblem(LEDGER_FOLDER, _Kind.GONE, detail)


def doubts_of(
    before: CopyMemory, listing: Mapping[str, int], covered: Iterable[ArtifactFile]
) -> tuple[CopyProblem, ...]:
    """
    Return what is in doubt when a run begins, one for a path.

    A segment that is not there any more matters no more. Where an earlier run's memory cannot
    be read, all that it may have found wrong is in doubt.
    """
    doubts = {d.path: d for d in before.doubts if d.path in listing or not is_segment(d.path)}
    if before.lost:
        for file in covered:
            unknown = CopyProblem(file.path, _Kind.NOT_COPIED, NOT_READ)
            doubts.setdefault(file.path, unknown)
    return tuple(sorted(doubts.values()))


def still_doubted(
    doubts: Sequence[CopyProblem], problems: Sequence[CopyProblem], equal: Collection[str]
) -> tuple[CopyProblem, ...]:
    """Return the doubts that this run neither settled nor named itself: they are reported again."""
    named = {(p.path, p.kind) for p in problems}
    wrong = {p.path for p in problems if p.kind.contradicts}
    left = (d for d in doubts if d.path not in equal and d.path not in wrong)
    return tuple(d for d in left if (d.path, d.kind) not in named)


def remember(
    before: CopyMemory,
    plan: CopyPlan | None,
    problems: Sequence[CopyProblem],
    equal: Collection[str],
    reach: CopyReach | None,
) -> CopyMemory:
    """
    Return what is passed to the next run: doubts stay until their file is among the `equal` ones.

    Where nothing was planned, or nothing may be sent, it is what was known before. A file that
    is there and could not be read back is in doubt as one is that was found different.
    """
    if plan is None or plan.refused:
        return before
    there = {f.path for f in (*plan.again, *plan.reread)}
    doubts = {d.path: d for d in plan.doubts}
    for problem in problems:
        unread = problem.kind is _Kind.NOT_COPIED and problem.path in there
        if problem.kind in _OTHER_BYTES:
            doubts[problem.path] = problem
        elif unread:
            doubts.setdefault(problem.path, problem)
    left = {path: doubt for path, doubt in doubts.items() if path not in equal}
    proven = plan.proven | {path for path in equal if is_segment(path)}
    tried = {*equal, *(p.path for p in problems)}
    memory = CopyMemory(
        before.runs,
        before.through,
        frozenset(proven - left.keys()),
        tuple(sorted(left.values())),
        tuple(f.path for f in plan.reread if f.path not in tried and f.path not in left),
    )
    if reach is None or not reach.runs:
        return memory
    return replace(memory, runs=reach.runs, through=reach.through)


def merge(newest: CopyMemory, raced: CopyMemory) -> CopyMemory:
    """Return what two runs know of which neither knew the other's: a doubt of either is one."""
    doubts = {d.path: d for d in (*raced.doubts, *newest.doubts)}
    return replace(
        newest,
        proven=(newest.proven | raced.proven) - doubts.keys(),
        doubts=tuple(sorted(doubts.values())),
        lost=newest.lost or raced.lost,
    )
