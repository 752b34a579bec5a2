"""The newest decided floor and the recent events, for everything that presents them."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Protocol

from mission_control.floor.decide.events import Happening, stall_ended
from mission_control.floor.decide.stall import BEAT_SECONDS, has_stalled, mark_stalled
from mission_control.floor.model import FloorSnapshot, Verdict
from mission_control.history.model import Span
from mission_control.model.clock import Clock
from mission_control.model.event import FloorEvent

REMEMBERED_EVENTS = 500
REMEMBERED_POLLS = 50
REMEMBERED_OUTCOMES = 5_000
"""Poll events repeat each service's outcome, so fewer of them are kept: of a large fleet one."""
REMEMBERED_HALTS = 500
QUIET_SECONDS = 5.0
"""Without news, followers are given the newest snapshot this often."""


@dataclass(frozen=True, slots=True)
class LoopBeat:
    """Whether the deciding loop still beats: seconds since its last beat, and the verdict."""

    stalled: bool
    seconds_since_beat: float
    detail: str


class PublishedFloor(Protocol):
    """As much of the published floor as questions about the past and the record lean on."""

    def current(self) -> FloorSnapshot:
        """Return the newest snapshot; before the first poll it says that nothing was asked yet."""
        ...

    def watched(self) -> tuple[datetime, Sequence[Span]]:
        """Return since when the floor is watched without a break, and its confirmed halts since."""
        ...

    def recent_events(self, limit: int) -> Sequence[FloorEvent]:
        """Return the newest events, newest first."""
        ...


class FloorBoard:
    """
    The newest snapshot and the recent events.

    Written by the deciding loop alone, read from the same event loop; nothing here waits or
    locks. `monotonic` gives seconds that never step back.
    """

    def __init__(self, first: FloorSnapshot, clock: Clock, monotonic: Callable[[], float]) -> None:
        """Begin with a snapshot that says that nothing was asked yet."""
        self._snapshot = first
        self._stalled: FloorSnapshot | None = None
        self._clock = clock
        self._monotonic = monotonic
        self._last_beat = monotonic()
        self._events: deque[FloorEvent] = deque(maxlen=REMEMBERED_EVENTS)
        polls = REMEMBERED_OUTCOMES // max(1, len(first.fleet.agents))
        self._polls: deque[FloorEvent] = deque(maxlen=max(1, min(REMEMBERED_POLLS, polls)))
        self._identity = 0
        self._news = asyncio.Event()
        self._closed = False
        self._has_decided = False
        self._watched_since = first.at
        self._halts: deque[Span] = deque(maxlen=REMEMBERED_HALTS)
        self._withheld_since: datetime | None = None

    @property
    def next_sequence(self) -> int:
        """Number the next snapshot, also past one that marked a stall."""
        newest = self._stalled or self._snapshot
        return newest.sequence + 1

    def publish(
        self, snapshot: FloorSnapshot, happenings: Iterable[Happening]
    ) -> tuple[FloorEvent, ...]:
        """Publish a decided snapshot; number and return what happened, and wake the followers."""
        every = (*self._stall_until(snapshot), *happenings)
        told = tuple(self._number(happening, snapshot.at) for happening in every)
        self._events.extend(told)
        self._snapshot, self._has_decided = snapshot, True
        self._note_halt(snapshot)
        if has_stalled(self._monotonic() - self._last_beat):
            self._watched_since = snapshot.at  # nothing was decided meanwhile
        self._stalled = None
        self._last_beat = self._monotonic()
        if told:
            self._wake()
        return told

    def note_poll(self, poll: Happening, at: datetime) -> None:
        """Remember what a round over everything brought, numbered; it is no news."""
        self._polls.append(self._number(poll, at))

    def _number(self, happening: Happening, at: datetime) -> FloorEvent:
        self._identity += 1
        return FloorEvent(
            self._identity,
            at,
            happening.type,
            happening.message,
            happening.severity,
            happening.agent_name,
            happening.data,
        )

    def _stall_until(self, snapshot: FloorSnapshot) -> Iterable[Happening]:
        """Return the stall that this decision ends; before the first one nothing could stall."""
        seconds = self._monotonic() - self._last_beat
        if self._has_decided and has_stalled(seconds):
            yield stall_ended(self._snapshot.at, snapshot.at, seconds, snapshot.session)

    def begin_again(self, at: datetime) -> None:
        """Count the floor as watched from here on: before, another calendar was in force."""
        self._watched_since = at

    def close(self) -> None:
        """End every follower: the process is stopping."""
        self._closed = True
        self._wake()

    def decided(self) -> FloorSnapshot:
        """Return what was decided last, even where a stall has made it no answer since."""
        return self._snapshot

    def current(self) -> FloorSnapshot:
        """Return the newest snapshot; one that is no longer being renewed is HALTED."""
        if not self.beat().stalled:
            return self._snapshot
        if self._stalled is None:
            self._stalled = mark_stalled(self._snapshot, self._clock(), self.next_sequence)
            self._note_halt(self._stalled)
        return self._stalled

    def beat(self) -> LoopBeat:
        """Say whether the deciding loop has missed three beats."""
        waited = self._monotonic() - self._last_beat
        if not has_stalled(waited):
            return LoopBeat(stalled=False, seconds_since_beat=waited, detail="")
        rhythm = f"it beats every {BEAT_SECONDS:.0f} s"
        detail = f"the deciding loop has not beaten for {waited:.1f} s ({rhythm})"
        return LoopBeat(stalled=True, seconds_since_beat=waited, detail=detail)

    def watched(self) -> tuple[datetime, Sequence[Span]]:
        """
        Return since when the floor is watched without a break, and its confirmed halts since then.

        A time in which something could start execution takes GO back as a halt does.

        Of each halt when it began and when it was HALTED last, oldest first; of very many the
        newest.
        """
        return self._watched_since, tuple(self._halts)

    def _note_halt(self, snapshot: FloorSnapshot) -> None:
        posture = snapshot.posture
        if posture.verdict is Verdict.HALTED and posture.confirmed:
            self._note_span(posture.since, snapshot.at)
        if not posture.withholds:
            self._withheld_since = None
            return
        self._withheld_since = self._withheld_since or snapshot.at
        if posture.verdict is not Verdict.HALTED:
            self._note_span(self._withheld_since, snapshot.at)

    def _note_span(self, since: datetime, until: datetime) -> None:
        if self._halts and self._halts[-1][0] == since:
            self._halts.pop()
        self._halts.append((since, until))

    def recent_events(self, limit: int) -> Sequence[FloorEvent]:
        """Return the newest events of every kind, newest first."""
        both = sorted((*self._events, *self._polls), key=lambda e: -e.identity)
        return tuple(islice(both, limit))

    async def follow(self, after: int | None) -> AsyncIterator[FloorEvent | FloorSnapshot]:
        """
        Follow the floor: first the newest snapshot, then what was missed, then what happens.

        What was missed is told with `after`: the events past that identity that are still
        remembered. A snapshot follows whatever news there was, and comes at least every five
        seconds. Ends when the process shuts down.
        """
        last = self._identity if after is None else after
        yield self.current()
        while not self._closed:
            news = self._news  # taken first: what comes while we yield must wake us
            for event in tuple(self._events):
                if event.identity > last:
                    last = event.identity
                    yield event
            try:
                async with asyncio.timeout(QUIET_SECONDS):
                    await news.wait()
            except TimeoutError:
                pass
            if not self._closed:
                yield self.current()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
