"""The floor as it was, decided again from what was recorded by the same functions."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mission_control.documents.instants import new_york_text
from mission_control.floor.board import PublishedFloor
from mission_control.floor.decide.evidence import MAX_AGE_SECONDS
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.decide.incidents import (
    NOTHING_BEFORE,
    Incident,
    find_incidents,
    stood_before,
)
from mission_control.floor.decide.stall import NO_STALL
from mission_control.floor.model import FloorSnapshot
from mission_control.history.decide.over_time import (
    MINUTE,
    attain,
    draw_timeline,
    floor_spans,
    gaps_between,
    lost_feed,
    summarise,
    watched_spans,
    whole_window,
    window_of,
    window_spans,
)
from mission_control.history.model import (
    Attainment,
    EventQuery,
    PastDecision,
    Segment,
    ServiceChange,
    Watch,
    WatchedMinute,
)
from mission_control.market_calendar.calendar import CalendarReader
from mission_control.model.event import FloorEvent
from mission_control.model.fleet import Agent, Kind
from mission_control.model.session import TradingDay

if TYPE_CHECKING:
    from mission_control.history.reader import HistoryReader

DAY = timedelta(days=1)
LOOKED_AHEAD = timedelta(minutes=10)
"""So far after an instant it is looked for when the floor was decided again."""
EVENTS_A_PAGE, MOST_EVENTS = 500, 4_000
MOST_DAYS = 70
"""Days that are remembered: some more than the longest stretch that is answered for."""


@dataclass(frozen=True, slots=True)
class NotWatched:
    """The floor was not watched at that instant, and nothing is made up."""

    detail: str


@dataclass(frozen=True, slots=True)
class Timelines:
    """Every asked service's segments between two instants, and the sessions in them."""

    since: datetime
    until: datetime
    by_agent: tuple[tuple[str, tuple[Segment, ...]], ...]
    sessions: tuple[TradingDay, ...]


@dataclass(frozen=True, slots=True)
class PastFloor:
    """
    Answers questions about the past; raises StorageError where history cannot be read.

    `unfinished` gives the minute that is being counted; it is None where no floor is watched.
    """

    history: "HistoryReader"
    unfinished: Callable[[], WatchedMinute | None] | None
    calendar: CalendarReader
    floor: PublishedFloor
    days: dict[datetime, Watch] = field(default_factory=dict[datetime, Watch])
    one_day_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def as_of(self, at: datetime) -> FloorSnapshot | NotWatched:
        """
        Return the floor as it was decided at `at`, decided again from the same inputs.

        Its own instant is that of the decision in force then: nothing that was decided changed
        between the two. While deciding stalled there was none, apart from the time for which the
        evidence of the last decision was good, where it is not known when the next was made.
        """
        decision = await self.in_force_at(at)
        if isinstance(decision, NotWatched):
            return decision
        return decide_floor(
            decision.evidence,
            decision.latched,
            self.calendar.session_at,
            decision.at,
            sequence=decision.sequence,
            label=f"AS OF {new_york_text(at)}",
        )

    async def in_force_at(self, at: datetime) -> PastDecision | NotWatched:
        """Return the decision that was in force at `at`, with its inputs, as `as_of` finds it."""
        decision = await self.history.decision_at(at)
        if decision is None:
            return NotWatched("nothing was recorded by then")
        since, until = at - MINUTE, at + LOOKED_AHEAD
        spans = floor_spans(await self.watches(since, until), since, until)
        gap = next((g for g in gaps_between(spans, since, until) if g[0] < at < g[1]), None)
        if gap is not None and gap[1] < until:
            return NotWatched(_undecided(max(gap[0], decision.at), gap[1]))
        near = gap is None or at <= gap[0] + NO_STALL
        if not near and at - decision.at > timedelta(seconds=MAX_AGE_SECONDS):
            return NotWatched("the floor was not watched at that time")
        return decision

    async def timelines(
        self, agents: Sequence[Agent], since: datetime, until: datetime
    ) -> Timelines:
        """Return how services were between two instants."""
        only = agents[0].agent_name if len(agents) == 1 else None
        changes = await self.history.changes(since, until, only)
        watches = await self.watches(since, until)
        own = dict[str, list[ServiceChange]]()
        for change in changes:
            own.setdefault(change.agent_name, []).append(change)
        drawn = tuple(
            (
                agent.agent_name,
                draw_timeline(
                    own.get(agent.agent_name, ()),
                    watched_spans(agent, watches, since, until),
                    since,
                    until,
                ),
            )
            for agent in agents
        )
        sessions = tuple(self.calendar.sessions_between(since, until))
        return Timelines(since, until, drawn, sessions)

    async def posture_line(self, since: datetime, until: datetime) -> tuple[Segment, ...]:
        """Return how the floor itself was; a segment's state is the verdict."""
        changes = await self.history.postures(since, until)
        watched = floor_spans(await self.watches(since, until), since, until)
        return draw_timeline(changes, watched, since, until)

    async def incidents(
        self, since: datetime, until: datetime
    ) -> tuple[Sequence[Incident], Sequence[FloorEvent], bool]:
        """
        Return the incidents between two instants, their events, and whether there were more.

        Of more events than are read only the newest are told. One that had begun before has its
        own beginning where the floor was watched at `since`.
        """
        events, cut = await self._all_events(since, until)
        then = await self.as_of(since)
        before = NOTHING_BEFORE if isinstance(then, NotWatched) or cut else stood_before(then)
        return find_incidents(events, until, before), events, cut

    async def _all_events(
        self, since: datetime, until: datetime
    ) -> tuple[Sequence[FloorEvent], bool]:
        """Return the newest events between two instants, oldest first, and whether some are not."""
        found, page = list[FloorEvent](), EventQuery(EVENTS_A_PAGE, None, since, until)
        while len(found) < MOST_EVENTS:
            read = await self.history.events(page)
            found += read.events
            if read.next_before is None:
                return found[::-1], False
            page = replace(page, before=read.next_before)
        return found[::-1], True

    async def attainments(
        self, agents: Sequence[Agent], since: datetime, until: datetime
    ) -> tuple[datetime, tuple[Attainment, ...]]:
        """
        Return what each service attained between two instants, and the first of them.

        What lies before the first record is no gap: it is left out.
        """
        asked, recorded = since, await self.history.began()
        began = until if recorded is None else recorded
        since = min(max(asked, began), until)
        sessions = tuple(self.calendar.sessions_between(asked, until))
        feeds = [a for a in self.floor.current().fleet.agents if a.kind is Kind.MARKETDATA]
        names = {a.agent_name for a in agents}
        drawn = [*agents, *(a for a in feeds if a.agent_name not in names)]
        lines = await self.timelines(drawn, since, until)
        watches = await self.watches(since, until)
        segments = dict(lines.by_agent)
        feed_lost = lost_feed(segments[a.agent_name] for a in feeds)
        attained = tuple(
            attain(
                agent,
                segments[agent.agent_name],
                window_spans(window_of(agent), lines.sessions, since, until),
                watches,
                feed_lost,
                whole_window(agent, sessions, asked, until, began),
            )
            for agent in agents
        )
        return since, attained

    async def watches(self, since: datetime, until: datetime) -> Sequence[Watch]:
        """
        Return how the floor was watched, day by day, from the minute of `since` on.

        A day of UTC that is over does not change any more: it is read once and remembered.
        """
        newest = self.floor.current().at
        found = list[Watch]()
        begin = since - timedelta(seconds=since.second, microseconds=since.microsecond)
        while begin < until:
            midnight = datetime(begin.year, begin.month, begin.day, tzinfo=UTC)
            end = min(midnight + DAY, until)
            if begin == midnight and end == midnight + DAY and end + MINUTE < newest:
                found.append(await self._whole_day(midnight))
            else:
                found.append(summarise(await self._minutes(begin, end)))
            begin = end
        return found

    async def _whole_day(self, midnight: datetime) -> Watch:
        """Return a day that is over; many who ask for it have it read once."""
        async with self.one_day_at_a_time:
            known = self.days.get(midnight)
            if known is None:
                known = summarise(await self.history.minutes(midnight, midnight + DAY))
                while len(self.days) >= MOST_DAYS:
                    del self.days[min(self.days)]
                self.days[midnight] = known
            return known

    async def _minutes(self, since: datetime, until: datetime) -> Sequence[WatchedMinute]:
        """Return the watched minutes, the one that has not ended yet included."""
        minutes = list(await self.history.minutes(since, until))
        now = None if self.unfinished is None else self.unfinished()
        if now is not None and since <= now.minute < until:
            if minutes and minutes[-1].minute == now.minute:
                now = _added(minutes.pop(), now)
            minutes.append(now)
        return minutes


def _undecided(begin: datetime, end: datetime) -> str:
    seconds = (end - begin).total_seconds()
    span = f"from {new_york_text(begin)} to {new_york_text(end)}"
    return f"nothing was decided {span} ({seconds:.1f} s): what happened then was not watched"


def _added(stored: WatchedMinute, now: WatchedMinute) -> WatchedMinute:
    """Add what this process counts to what was counted before it started in the same minute."""
    counts = dict(stored.counts)
    for name, (asked, obtained) in now.counts.items():
        before = counts.get(name, (0, 0))
        counts[name] = (before[0] + asked, before[1] + obtained)
    return replace(now, counts=counts, decided=(*(stored.decided or ()), *(now.decided or ())))


def kept_since(now: datetime, calendar: CalendarReader, trading_days: int) -> datetime | None:
    """Say from when on history is kept: so many sessions back; None while there are fewer."""
    back = now - timedelta(days=trading_days * 2 + 30)
    sessions = calendar.sessions_between(back, now)
    return sessions[-trading_days].open if len(sessions) >= trading_days else None
