"""Tries, off the event loop and within a deadline, whether artifacts could be written."""

import asyncio
from pathlib import Path
from typing import Protocol

from mission_control.errors import StorageError
from mission_control.floor.ports import Clock
from mission_control.model.reading import Seen, Unseen, UnseenReason

DEADLINE_SECONDS = 3.0


class Tried(Protocol):
    """A place that can be tried: the store of artifacts, or history's file."""

    @property
    def root(self) -> Path:
        """Give where it is."""
        ...

    def check(self) -> None:
        """Raise StorageError where it cannot be used."""
        ...


class StoreCheck:
    """
    Tries the store; satisfies `StoreReader`.

    A try that hangs, as on a network mount that went away, is not joined by another: there is
    never more than one thread that waits for it.
    """

    def __init__(self, store: Tried, clock: Clock) -> None:
        """Try this store by this clock."""
        self._store = store
        self._clock = clock
        self._trying: asyncio.Future[None] | None = None

    async def check(self) -> Seen[None] | Unseen:
        """Try once, or wait a little more for the try that has not ended yet."""
        if self._trying is None:
            self._trying = asyncio.ensure_future(asyncio.to_thread(self._store.check))
        trying = self._trying
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                await asyncio.shield(trying)
        except TimeoutError:
            detail = f"no answer within {DEADLINE_SECONDS:g} s from {self._store.root}"
            return Unseen(UnseenReason.TIMEOUT, self._clock(), DEADLINE_SECONDS, detail)
        except StorageError as error:
            return Unseen(UnseenReason.UNREADABLE, self._clock(), detail=str(error))
        finally:
            # Another that waited for this try too may have begun the next one already.
            if self._trying is trying and trying.done():
                self._trying = None
        return Seen(None, self._clock())
