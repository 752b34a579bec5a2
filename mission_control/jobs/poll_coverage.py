"""Jobs: how often each required service was asked lately, and how often it answered."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from mission_control.decide.timeline import MINUTE
from mission_control.errors import StorageError
from mission_control.jobs.history_ports import HistoryReader
from mission_control.jobs.remember_floor import FloorMemory
from mission_control.model.fleet import Fleet
from mission_control.model.history import WatchedMinute
from mission_control.model.readiness import PollCoverage

WANTED = timedelta(minutes=15)
"""What readiness wants to have been watched (semantics, section 7)."""


async def watched_coverage(
    fleet: Fleet, memory: FloorMemory, history: HistoryReader, now: datetime
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
    minutes |= {m.minute: m for m in memory.recent_minutes() if since <= m.minute}
    whole = sum(1 for m in minutes if m < minute)
    return _count(fleet, minutes, whole * MINUTE.total_seconds())


def _count(fleet: Fleet, minutes: Mapping[datetime, WatchedMinute], seconds: float) -> PollCoverage:
    asked, obtained = Counter[str](), Counter[str]()
    for each in minutes.values():
        for name, (a, o) in each.counts.items():
            asked[name] += a
            obtained[name] += o
    required = [a.agent_name for a in fleet.agents if a.required and a.primary_path is not None]
    agents = tuple((name, asked[name], obtained[name]) for name in required)
    return PollCoverage(seconds, WANTED.total_seconds(), agents)
