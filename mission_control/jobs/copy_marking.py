"""Jobs: whose copy stands at a place, as its marker says; seen before anything is sent there."""

from mission_control.decide.durable_copy import judge_marker, marker_of
from mission_control.jobs.copying import Copying, Interrupted
from mission_control.model.artifact import LedgerEntry
from mission_control.model.durable_copy import (
    MARKER,
    CopyMemory,
    CopyProblem,
    CopyProblemKind,
)


async def see_whose(copying: Copying, first: LedgerEntry, before: CopyMemory) -> None:
    """
    See whose copy it is, if it is marked, and write nothing yet.

    A place that held a copy and is empty now is most likely a mount that is not there: filling
    the disk below it would look like a copy and be none.
    """
    if await copying.destination.exists(MARKER):
        await _judge_marker(copying, first)
    elif before.runs:
        detail = f"{before.runs} runs were copied there, and it is empty: is it what was mounted?"
        copying.problems.append(CopyProblem(MARKER, CopyProblemKind.GONE, detail))
        raise Interrupted("the copy is gone: nothing was sent; mount it, or name another place")


async def mark_ours(copying: Copying, first: LedgerEntry) -> None:
    """
    Mark it as the copy of this record, and prove that nothing there is ever overwritten.

    Only once no other record's segments were seen there: a marker cannot be taken back, and would
    lock out whom the place belongs to.
    """
    destination = copying.destination
    _, content = marker_of(first)
    # The second try must be refused; should the place overwrite, then equal bytes by equal ones.
    await destination.create(MARKER, content)
    if await destination.create(MARKER, content):
        raise Interrupted(f"{destination.name} overwrites what is there: nothing is sent to it")
    await _judge_marker(copying, first)


async def _judge_marker(copying: Copying, first: LedgerEntry) -> None:
    marker, _ = marker_of(first)
    foreign = judge_marker(marker, *await copying.destination.digest(MARKER))
    if foreign is not None:
        copying.problems.append(foreign)
        raise Interrupted("the copy there is not of this record: nothing was sent")
