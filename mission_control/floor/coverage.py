"""How often each required service was asked lately, and how often it answered."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mission_control.errors import StorageError
from mission_control.history.decide.over_time import MINUTE, floor_spans, summarise
from mission_control.history.model import Span, WatchedMinute, add_up, share
from mission_control.history.remember import FloorMemory
from mission_control.model.fleet import Agent, Fleet
from mission_control.readiness.model import PollCoverage

if TYPE_CHECKING:
    from mission_control.history.reader import HistoryReader

WANTED = timedelta(minutes=15)
"""What readiness wants to have been watched (docs/semantics.md#7)."""


async def watched_coverage(
    fleet: Fleet, memory: FloorMemory, history: "HistoryReader", now: datetime
) -> PollCoverage:
    """
    Count the 15 whole minutes before this one, and this one so far.

    History tells what was watched before a restart; where it cannot be read, only what this
    process watched itself counts, and that is less.
    """
    minute = now - timedelta(seconds=now.second, microseconds=now.microsecond)
    since = minute - WANTED
    minutes = dict[datetime, WatchedMinute]()
    try:
        minutes |= {m.minute: m for m in await history.minutes(since, now)}
    except StorageError:
        minutes.clear()
    minutes |= {m.minute: m for m in memory.recent_minutes() if since <= m.minute <= minute}
    watched = (summarise(minutes[at] for at in sorted(minutes)),)
    decided = floor_spans(watched, since, now)  # decisions do not begin with minutes either
    whole = [m for at, m in minutes.items() if at < minute]
    return _count(fleet, minutes, sum(_seconds(fleet, m, decided) for m in whole))


def _required(fleet: Fleet) -> Sequence[Agent]:
    return [a for a in fleet.agents if a.required and a.primary_path is not None]


def _seconds(fleet: Fleet, watched: WatchedMinute, decided: Sequence[Span]) -> float:
    """
    Return how much of a minute was watched: as much as of the service that was asked least.

    One round less than fits into a minute is a minute still: rounds do not begin with minutes. Time
    in which nothing was decided was not watched, however often something was asked beside it.
    """
    whole = MINUTE.total_seconds()
    here = share(((watched.minute, watched.minute + MINUTE),), decided)
    most = add_up(here).total_seconds()
    shares = [
        min(1.0, (watched.counts.get(a.agent_name, (0, 0))[0] + 1) * a.interval_seconds / whole)
        for a in _required(fleet)
        if watched.counts.get(a.agent_name, (0, 0))[0]
    ]
    complete = len(shares) == len(_required(fleet))
    return min(most, whole * min(shares, default=0.0)) if complete else 0.0


def _count(fleet: Fleet, minutes: Mapping[datetime, WatchedMinute], seconds: float) -> PollCoverage:
    asked, obtained = Counter[str](), Counter[str]()
    for each in minutes.values():
        for name, (a, o) in each.counts.items():
            asked[name] += a
            obtained[name] += o
    agents = tuple(
        (a.agent_name, asked[a.agent_name], obtained[a.agent_name]) for a in _required(fleet)
    )
    return PollCoverage(seconds, WANTED.total_seconds(), agents)
