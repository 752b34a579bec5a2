"""What of the record is to be copied, what runs pass on, and whether the copy is as recorded."""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from mission_control.durable_copy.model import (
    LEDGER_FOLDER,
    MARKER,
    CopyMemory,
    CopyPlan,
    CopyProblem,
    CopyProblemKind,
    CopyReach,
    CopyState,
    CopyStatus,
    Pending,
    Segment,
    tally,
)
from mission_control.records.model import GENESIS, ArtifactFile, LedgerEntry

_Kind = CopyProblemKind

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


REREAD_IN_DAYS = 30
"""In so many daily runs everything that was copied is read back once more."""

LEDGER = "audit_artifacts/ledger.jsonl"


def marker_of(first: LedgerEntry) -> tuple[ArtifactFile, bytes]:
    """Return what says at the destination whose copy it is: the record's first line."""
    content = f'{{"durable_copy_of":"{first.hash}"}}\n'.encode()
    sha256 = hashlib.sha256(content).hexdigest()
    return ArtifactFile(path=MARKER, sha256=sha256, size=len(content)), content


def judge_marker(ours: ArtifactFile, sha256: str, size: int) -> CopyProblem | None:
    """Return whether the copy at the destination is one of this record; None if it is."""
    if (sha256, size) == (ours.sha256, ours.size):
        return None
    detail = "the copy there is of another record; give this one a place of its own"
    return CopyProblem(MARKER, CopyProblemKind.ANOTHER_RECORD, detail)


def plan_copy(
    lines: Sequence[Line],
    listing: Mapping[str, int],
    day: int | None,
    before: CopyMemory = FIRST_RUN,
) -> CopyPlan:
    """
    Plan a run of copying from the ledger's lines and from what the destination lists.

    `listing` holds the size of everything there. The destination is the truth: only a segment
    that is there vouches for its lines, and a file that it does not list is gone, whatever
    was copied before. `day` counts days, so that each day another part is read back; None reads
    back all. `before` is what earlier runs knew: what was vouched for and is not any more, was
    taken away; what was in doubt is read back first; a segment that was never proven vouches for
    nothing until it is. Where the destination holds lines that this record has not, nothing is
    sent: one of the two was rewritten, cut or mistaken for another.
    """
    known = {line.entry.seq: line for line in lines}
    look = _Look(known, listing, None if day is None else day % REREAD_IN_DAYS)
    problems = [*_broken_chain(lines), *look.read_segments(), *taken_away(before, look.covered)]
    refused = any(p.kind is _Kind.ANOTHER_RECORD for p in problems)
    doubts = doubts_of(before, listing, [file for file, _ in look.covered_files()])
    proven = before.proven - {d.path for d in doubts}
    again, reread, wrong = look.judge_covered(Turns(doubts, proven, before.overdue))
    return CopyPlan(
        frozenset(look.covered),
        tuple(line.entry for line in known.values() if line.entry.seq not in look.covered),
        tuple(again),
        tuple(reread),
        tuple(sorted([*problems, *wrong])),
        refused,
        tuple(look.segments),
        proven & {s.file.path for s in look.segments},
        doubts,
    )


def _broken_chain(lines: Sequence[Line]) -> Iterator[CopyProblem]:
    head = GENESIS
    for entry in (line.entry for line in lines):
        if (entry.seq, entry.previous) != (head.seq + 1, head.hash):
            after = f"line {head.seq}" if head.seq else "the beginning"
            detail = f"line {entry.seq} does not follow {after}"
            yield CopyProblem(LEDGER, _Kind.CHAIN_BROKEN, detail)
        head = entry.head


class _Look:
    """What the destination lists, judged by our own ledger."""

    def __init__(
        self, known: Mapping[int, Line], listing: Mapping[str, int], due: int | None
    ) -> None:
        self.known = known
        self.listing = listing
        self.due = due
        self.covered = set[int]()
        self.segments = list[Segment]()

    def read_segments(self) -> Iterator[CopyProblem]:
        for path in sorted(self.listing):
            named = numbers_of(path)
            if named is not None:
                problem = self._read(path, *named)
                if problem is not None:
                    yield problem

    def _read(self, path: str, first: int, last: int, digest: str) -> CopyProblem | None:
        ours = self.known.get(last)
        if ours is None or ours.entry.hash != digest:
            how = "has no such line" if ours is None else "has another one"
            detail = f"it ends with line {last}, and the record here {how}"
            return CopyProblem(path, _Kind.ANOTHER_RECORD, detail)
        within = [self.known[seq] for seq in range(first, last + 1) if seq in self.known]
        if not within or len(within) != last + 1 - first:
            return CopyProblem(path, _Kind.CONFLICT, "the record here does not have all its lines")
        segment = segment_of(within)
        if self.listing[path] != segment.file.size:
            return CopyProblem(path, _Kind.CONFLICT, sizes(self.listing[path], segment.file))
        self.segments.append(segment)
        self.covered.update(range(first, last + 1))
        return None

    def judge_covered(
        self, turns: Turns
    ) -> tuple[list[ArtifactFile], list[ArtifactFile], list[CopyProblem]]:
        """Return what is gone there, what is to be read back, and every problem with it."""
        again, problems = list[ArtifactFile](), list[CopyProblem]()
        reread = list[tuple[tuple[int, int], ArtifactFile]]()
        for file, due in self.covered_files():
            turn = turns.of(file.path, due=due)
            size = self.listing.get(file.path)
            if size is None:
                again.append(file)
                problems.append(CopyProblem(file.path, _Kind.GONE, "it was copied, and is gone"))
            elif size != file.size:
                problems.append(CopyProblem(file.path, _Kind.CONFLICT, sizes(size, file)))
            elif turn is not None:
                reread.append((turn, file))
        return again, [file for _, file in sorted(reread, key=lambda r: r[0])], problems

    def covered_files(self) -> Iterator[tuple[ArtifactFile, bool]]:
        """Return every file that is covered, and the segments; with whether today is its day."""
        for seq in sorted(self.covered):
            for file in self.known[seq].entry.files:
                yield file, self._is_due(seq)
        for segment in self.segments:
            yield segment.file, self._is_due(segment.first)

    def _is_due(self, number: int) -> bool:
        return self.due is None or number % REREAD_IN_DAYS == self.due


def sizes(there: int, file: ArtifactFile) -> str:
    """Say how long a file is there, and how long it should be."""
    return f"it has {there} bytes there, and {file.size} were recorded"


def judge_copied(file: ArtifactFile, *, sent: bool, sha256: str, size: int) -> CopyProblem | None:
    """
    Judge what was read back of a file; None where it is just what was recorded.

    `sent` says whether we sent it in this moment. If not, something was there already: equal bytes
    are as good as sent, and others are a conflict that is never resolved here.
    """
    if (sha256, size) == (file.sha256, file.size):
        return None
    if size != file.size:
        detail = sizes(size, file)
    else:
        detail = f"its SHA-256 is {sha256[:16]} there, and {file.sha256[:16]} was recorded"
    return CopyProblem(file.path, _Kind.CORRUPTED if sent else _Kind.CONFLICT, detail)


def reach_of(lines: Mapping[int, Line], verified: frozenset[int]) -> CopyReach:
    """Say how far a copy reaches of which these lines are verified."""
    through = 0
    while through + 1 in verified:
        through += 1
    copied = [lines[seq].entry for seq in sorted(verified)]
    missing = [lines[seq].entry for seq in sorted(lines.keys() - verified)]
    return CopyReach(
        through,
        len(copied),
        tally([file for entry in copied for file in entry.files]),
        len(missing),
        missing[0].seq if missing else None,
        missing[0].at if missing else None,
    )


LAGS_AFTER = timedelta(hours=30)
"""It runs daily; what was recorded longer ago than this and is not copied, lags."""

CLOCKS_DIFFER = timedelta(minutes=5)
"""Two machines' clocks may; what is of a later instant than this was never recorded so."""

Document = Mapping[str, Any]


def judge_copy(
    configured: str, newest: Document | None, pending: Pending | None, now: datetime
) -> CopyState:
    """
    Return the state of the copy: `configured` is its destination, empty where there is none.

    `newest` is the newest recorded report as a document, also of an older version: what it does
    not say counts as bad news. `pending` is the oldest line that the report does not call
    verified, None where there is no such line; one of unknown age is never young.
    """
    since = pending.since if pending else None
    if not configured:
        return CopyState(CopyStatus.NOT_CONFIGURED, "no durable copy is configured")
    if newest is None or newest.get("destination") != configured:
        elsewhere = "" if newest is None else "; the newest copy went elsewhere"
        detail = f"nothing was copied to {configured} yet{elsewhere}"
        return CopyState(CopyStatus.NEVER_RUN, detail, since)
    standing, detail = (
        _trouble(newest)
        or _lag(pending, now)
        or _caution(newest)
        or (CopyStatus.COPIED, f"every line up to {newest.get('verified_through')} is there")
    )
    return CopyState(standing, detail, since)


def _lag(pending: Pending | None, now: datetime) -> tuple[CopyStatus, str] | None:
    if pending is None:
        return None
    line = f"line {pending.seq} is not copied"
    if pending.since is None:
        return CopyStatus.LAGGING, f"{line}, and cannot be read: since when is unknown"
    if pending.since > now + CLOCKS_DIFFER:
        return CopyStatus.LAGGING, f"{line}, and is of an instant that is still to come"
    if now - pending.since <= LAGS_AFTER:
        return None
    hours = LAGS_AFTER.total_seconds() / 3600
    return CopyStatus.LAGGING, f"what was recorded more than {hours:g} hours ago is not copied"


def _caution(newest: Document) -> tuple[CopyStatus, str] | None:
    cautions = newest.get("cautions")
    if cautions == []:
        return None
    listed = cast("list[object]", cautions) if isinstance(cautions, list) else []
    detail = "; ".join(map(str, listed)) or "the newest report does not say what to mind"
    return CopyStatus.DOUBTFUL, detail


def _trouble(newest: Document) -> tuple[CopyStatus, str] | None:
    problems, failure = newest.get("problems_found"), newest.get("failure")
    if newest.get("contradicted") is not False:
        return CopyStatus.CONTRADICTED, f"{_first(newest)} (problems: {problems})"
    if failure != "":
        return CopyStatus.FAILED, str(failure or "the newest report does not say how it ended")
    if problems != 0:
        return CopyStatus.FAILED, f"{_first(newest)} (problems: {problems})"
    if newest.get("complete") is not True:
        return CopyStatus.FAILED, "the newest copy did not reach the end of the ledger"
    return None


def _first(newest: Document) -> str:
    problems = newest.get("problems")
    listed = cast("list[object]", problems) if isinstance(problems, list) else []
    if not listed or not isinstance(listed[0], Mapping):
        return "the newest report does not say what is wrong"
    worst = cast("Document", listed[0])
    return f"{worst.get('kind')} {worst.get('path')}: {worst.get('detail')}"
