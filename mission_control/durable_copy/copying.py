"""One run of copying, line by line in the ledger's order; what it did is kept as it goes."""

import errno
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from mission_control.durable_copy.decide import Line, judge_copied, segment_of
from mission_control.durable_copy.model import MARKER, CopyPlan, CopyProblem, CopyProblemKind, Tally
from mission_control.errors import StorageError
from mission_control.market_calendar.calendar import CalendarReader
from mission_control.model.clock import Clock
from mission_control.model.fleet import Fleet
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.artifact_store import RunWriter
from mission_control.records.model import ArtifactFile


class CopyDestination(Protocol):
    """
    Where a durable copy lies; raises StorageError for whatever it cannot do in time.

    Nothing here overwrites or removes anything that is there, but what it left half written.
    """

    @property
    def name(self) -> str:
        """Name it as it is configured; holds no secret."""
        ...

    async def cautions(self) -> Sequence[str]:
        """Reach the place, and say what makes it worth less than it should be, in sentences."""
        ...

    async def listing(self, wanted: Callable[[str], bool]) -> Mapping[str, int]:
        """Return name and size in bytes of everything there whose name is wanted."""
        ...

    async def exists(self, path: str) -> bool:
        """Return whether anything has this name."""
        ...

    async def create(self, path: str, content: bytes) -> bool:
        """Create what is not there yet, whole and durable; False where the name is taken."""
        ...

    async def digest(self, path: str) -> tuple[str, int]:
        """Read back what is there; returns its SHA-256 in hex and its size in bytes."""
        ...


@dataclass(frozen=True, slots=True)
class KeepingParts:
    """What the jobs that keep the record work with."""

    artifacts: ArtifactReader
    writer: RunWriter
    calendar: CalendarReader
    clock: Clock
    fleet: Fleet
    label: str = ""


MAX_FILE_BYTES = 256 * 1024 * 1024
"""A file is held in memory while it is copied, one at a time; a larger one is named, not sent."""

SEGMENT_LINES = 64
"""So many lines are vouched for at once; interrupted, at most these are read back again."""

FAILURES_IN_A_ROW = 3
"""After so many it is asked whether the destination still answers; if not, it is given up."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""What fails so, fails for whatever else is sent, though the destination answers."""

_Kind = CopyProblemKind


class Interrupted(Exception):  # noqa: N818  (the end of a run, not a failure of ours)
    """The run stops here; says why. What was copied stays, and the next one goes on from it."""


@dataclass(slots=True)
class Copying:
    """
    Copies what a plan says, and counts.

    `patience` says whether there is time for more; `equal` are the paths that were read back and
    are as recorded. A line is verified once every file of it was read back whole and a segment at
    the destination, itself read back, vouches for it; until then it is copied, and compared again
    by the next run.
    """

    artifacts: ArtifactReader
    destination: CopyDestination
    lines: Mapping[int, Line]
    patience: Callable[[], bool]
    problems: list[CopyProblem] = field(default_factory=list[CopyProblem])
    sent: Tally = field(default_factory=Tally)
    found: Tally = field(default_factory=Tally)
    reread: Tally = field(default_factory=Tally)
    equal: set[str] = field(default_factory=set[str])
    plan: CopyPlan | None = None
    _vouched: set[int] = field(default_factory=set[int])
    _waiting: list[Line] = field(default_factory=list[Line])
    _failures: int = 0

    async def run(self, plan: CopyPlan) -> None:
        """Do all of the plan; raises Interrupted where that is not possible."""
        self.plan = plan
        self.problems.extend(plan.problems)
        if plan.refused:
            raise Interrupted("the copy there and the record here contradict: nothing was sent")
        await self._copy_lines(plan)
        for file in plan.again:
            self._go_on()
            await self._copy(file)
        for file in plan.reread:
            self._go_on()
            if await self._read_back(file, sent=False):
                self.reread = self.reread.plus(file)

    async def _copy_lines(self, plan: CopyPlan) -> None:
        """Copy lines that are not vouched for; wherever that ends, vouch for what was done."""
        left = len(plan.lines)
        try:
            for entry in plan.lines:
                if not self.patience():
                    break
                left -= 1
                if await self._copy_all(entry.files):
                    await self._wait_for_segment(self.lines[entry.seq])
        except Interrupted:
            with suppress(Interrupted):
                await self._vouch()
            raise
        await self._vouch()
        if left:
            self._go_on()

    def verified(self) -> frozenset[int] | None:
        """
        Return the lines that are vouched for there, and of which nothing is wrong or in doubt.

        None where the destination did not say what it holds.
        """
        plan = self.plan
        if plan is None or plan.refused:
            return None
        wrong = {p.path for p in (*self.problems, *plan.doubts)} - self.equal
        trusted = (plan.proven | self.equal) - wrong
        covered = {
            seq
            for segment in plan.segments
            if segment.file.path in trusted
            for seq in range(segment.first, segment.last + 1)
            if wrong.isdisjoint(f.path for f in self.lines[seq].entry.files)
        }
        return frozenset(self._vouched | covered)

    async def _copy_all(self, files: Sequence[ArtifactFile]) -> bool:
        """Copy files; one that fails does not keep the others back."""
        whole = True
        for file in files:
            whole = await self._copy(file) and whole
        return whole

    async def _copy(self, file: ArtifactFile) -> bool:
        content = await self._read_here(file)
        if content is None:
            return False
        return await self._create(file, content)

    async def _read_here(self, file: ArtifactFile) -> bytes | None:
        """Read our own file; one that is not as it was recorded is never sent."""
        try:
            recorded = await self.artifacts.read(file, MAX_FILE_BYTES)
        except StorageError as error:
            missing = isinstance(error.__cause__, FileNotFoundError)
            kind = _Kind.MISSING_HERE if missing else _Kind.NOT_COPIED
            self.problems.append(CopyProblem(file.path, kind, f"here: {error.problem}"))
            return None
        if not recorded.intact:
            detail = "its bytes here are not those that were recorded"
            self.problems.append(CopyProblem(file.path, _Kind.ALTERED_HERE, detail))
            return None
        return recorded.content

    async def _create(self, file: ArtifactFile, content: bytes) -> bool:
        try:
            sent = await self.destination.create(file.path, content)
        except StorageError as error:
            await self._failed(file, error)
            return False
        if not await self._read_back(file, sent=sent):
            return False
        if sent:
            self.sent = self.sent.plus(file)
        else:
            self.found = self.found.plus(file)
        return True

    async def _read_back(self, file: ArtifactFile, *, sent: bool) -> bool:
        try:
            sha256, size = await self.destination.digest(file.path)
        except StorageError as error:
            await self._failed(file, error)
            return False
        self._failures = 0
        problem = judge_copied(file, sent=sent, sha256=sha256, size=size)
        if problem is not None:
            self.problems.append(problem)
            return False
        self.equal.add(file.path)
        return True

    async def _wait_for_segment(self, line: Line) -> None:
        """Keep a verified line until a segment vouches for it with its neighbours."""
        if self._waiting and self._waiting[-1].entry.seq + 1 != line.entry.seq:
            await self._vouch()
        self._waiting.append(line)
        if len(self._waiting) >= SEGMENT_LINES:
            await self._vouch()

    async def _vouch(self) -> None:
        if not self._waiting:
            return
        segment = segment_of(self._waiting)
        self._waiting = []
        if await self._create(segment.file, segment.content):
            self._vouched.update(range(segment.first, segment.last + 1))

    async def _failed(self, file: ArtifactFile, error: StorageError) -> None:
        """Name what failed; where only these files do, as in an obstructed folder, others go on."""
        self._failures += 1
        self.problems.append(CopyProblem(file.path, _Kind.NOT_COPIED, error.problem))
        if self._failures < FAILURES_IN_A_ROW:
            return
        cause = error.__cause__
        if (isinstance(cause, OSError) and cause.errno in _FULL) or not await self._answers():
            raise Interrupted(f"{self._failures} failures in a row, the last: {error.problem}")
        self._failures = 0

    async def _answers(self) -> bool:
        """Return whether the destination can still be read at all, by its marker."""
        try:
            await self.destination.digest(MARKER)
        except StorageError:
            return False
        return True

    def _go_on(self) -> None:
        if not self.patience():
            raise Interrupted("its time was over; the next run goes on from there")
