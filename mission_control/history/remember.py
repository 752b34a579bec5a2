"""What the watch remembers: judged changes with their inputs, and minutes with counts."""

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mission_control.floor.decide.alarms import join_latched
from mission_control.floor.decide.events import find_changes, why_kept
from mission_control.floor.decide.evidence import is_obtained
from mission_control.floor.decide.stall import has_stalled
from mission_control.floor.model import FloorEvidence, FloorSnapshot, Latched
from mission_control.history.decide.loss import said_as_new_until
from mission_control.history.model import DecisionRecord, MinuteRecord, Span, WatchedMinute
from mission_control.market_calendar.calendar import CalendarReader
from mission_control.model.event import EventType, FloorEvent
from mission_control.model.reading import ServiceRound

if TYPE_CHECKING:
    from mission_control.history.writer import HistoryWriter

REMEMBERED_MINUTES = 30


class FloorMemory:
    """
    Hands what is worth remembering to history, without ever waiting for it.

    Used by the watch alone, from one event loop.
    """

    def __init__(self, history: "HistoryWriter", *, tells_new: bool = True) -> None:
        """Remember into this history; a simulated floor is not called new."""
        self.history = history
        self.tells_new = tells_new
        self._new_until: datetime | None = None
        self._kept_at: datetime | None = None
        self._decided_at: datetime | None = None
        self._recalled = False
        self._minute: datetime | None = None
        self._counts: dict[str, tuple[int, int]] = {}
        self._decided: list[Span] = []
        self._finished: deque[WatchedMinute] = deque(maxlen=REMEMBERED_MINUTES)

    def recall(self, latched: Latched) -> tuple[Latched, bool]:
        """
        Return latched alarms with those from before the start, and whether those are known yet.

        It is joined once, as soon as history could be read: until then no alarm may be cleared.
        Where a part of history was lost the rest is latched too, and does not count as known.
        """
        before = self.history.recalled()
        known = before is not None and not self.history.lost()
        if before is not None and not self._recalled:
            self._recalled = True
            return join_latched(before, latched), known
        return latched, known

    def new_until(self, calendar: CalendarReader) -> datetime | None:
        """Say until when the record is called new; None where it is not, or not known yet."""
        began = self.history.began() if self.tells_new else None
        if began is not None and self._new_until is None:
            self._new_until = said_as_new_until(began, calendar.sessions_from(began, 2))
        return self._new_until

    def note_round(self, round_: ServiceRound, primary_path: str | None) -> None:
        """Count a round: asked once, and obtained where its primary reading was seen."""
        self._turn_minute(round_.finished)
        if not round_.readings or self._is_undecided(round_.finished):
            return  # it has nothing that could be asked, or its answers are not judged
        asked, obtained = self._counts.get(round_.agent_name, (0, 0))
        seen = is_obtained(round_.readings.get(primary_path or ""))
        self._counts[round_.agent_name] = (asked + 1, obtained + seen)

    def note_decision(
        self,
        evidence: FloorEvidence,
        latched: Latched,
        before: FloorSnapshot,
        after: FloorSnapshot,
        events: tuple[FloorEvent, ...],
    ) -> None:
        """Keep a decision that says something new; `latched` is what it started from."""
        self._turn_minute(after.at)
        self._note_deciding(after.at)
        told = tuple(e for e in events if e.type is not EventType.POLL)
        why = why_kept(before, after, self._kept_at) or ("change" if told else None)
        if why is None:
            return
        changes = tuple(find_changes(None if self._kept_at is None else before, after))
        kept = self.history.put(DecisionRecord(why, evidence, latched, after, changes, told))
        self._kept_at = after.at
        if not kept:
            self._begin_again()

    def _note_deciding(self, at: datetime) -> None:
        """Join this decision to the stretch before it, unless deciding stalled in between."""
        joins = bool(self._decided) and not self._is_undecided(at)
        began = self._decided.pop()[0] if joins else at
        self._decided.append((began, at))
        self._decided_at = at

    def _is_undecided(self, at: datetime) -> bool:
        """Return whether deciding has stalled: a floor that stalled was not watched."""
        decided = self._decided_at
        return decided is None or has_stalled((at - decided).total_seconds())

    def unfinished_minute(self) -> WatchedMinute | None:
        """Return the minute that has not ended yet, as counted so far."""
        if self._minute is None or not self._counts:
            return None
        return WatchedMinute(self._minute, dict(self._counts), tuple(self._decided))

    def recent_minutes(self) -> Sequence[WatchedMinute]:
        """Return the newest minutes that this process watched, the unfinished one last."""
        unfinished = self.unfinished_minute()
        return (*self._finished, unfinished) if unfinished else tuple(self._finished)

    def end(self) -> None:
        """
        Hand over the minute that will not end: the process is stopping.

        Also one in which nothing was asked yet, for it says until when the floor was decided.
        """
        if self._minute is not None and (self._counts or self._decided):
            self._hand_over(self._minute)

    def _turn_minute(self, now: datetime) -> None:
        """Hand over the minute that ended; one in which nothing was asked was not watched."""
        minute = now - timedelta(seconds=now.second, microseconds=now.microsecond)
        if self._minute is not None and minute != self._minute and self._counts:
            self._finished.append(WatchedMinute(self._minute, self._counts, tuple(self._decided)))
            self._hand_over(self._minute)
        self._minute = minute

    def _hand_over(self, minute: datetime) -> None:
        kept = self.history.put(MinuteRecord(minute, self._counts, tuple(self._decided)))
        self._counts, self._decided = {}, []
        if not kept:
            self._begin_again()

    def _begin_again(self) -> None:
        """Draw through nothing that was lost: the next decision is kept with everything in it."""
        self._kept_at, self._decided = None, []
