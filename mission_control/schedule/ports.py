"""The shapes of the edges that the scheduled day leans on."""

from datetime import date, datetime
from typing import Protocol

from mission_control.schedule.model import DayView, PlannedRun, RunClaim


class ClaimKeeper(Protocol):
    """
    Keeps who runs what, for every process on one root; raises StorageError where it cannot.

    Of any number that claim a run at once, one succeeds.
    """

    async def claim(self, run: PlannedRun, now: datetime, after: int = 0) -> RunClaim | None:
        """
        Make the claim that follows number `after`, which is the newest that was seen.

        None where that number is taken, or whoever holds the newest lives: then what was
        concluded from it is not so any more.
        """
        ...

    async def renew(self, run: PlannedRun, claim: RunClaim, now: datetime) -> RunClaim | None:
        """Renew a lease; None where somebody has taken the run over meanwhile."""
        ...

    async def release(self, run: PlannedRun, claim: RunClaim, now: datetime) -> None:
        """End a lease at once, because its run has ended."""
        ...

    async def sweep(self, before: date) -> None:
        """Forget the claims to runs of session dates before one; all of them have long ended."""
        ...

    async def held(self, on: date) -> dict[str, RunClaim]:
        """Give the newest claim to each run of a session date, by its key."""
        ...


class DayReader(Protocol):
    """Reads the scheduled day; raises StorageError where the record cannot be read."""

    async def view(self) -> DayView:
        """Give today's plan, with what became of each run so far."""
        ...

    def stalled(self) -> str:
        """Say since when the scheduler has not beaten; empty while it does, or is not ours."""
        ...
