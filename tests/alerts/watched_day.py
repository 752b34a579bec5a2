"""A floor whose decisions go into a history, with its alerts decided beside and kept."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from mission_control.alerts.model import AlertBook
from mission_control.alerts.store import AlertStore
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.model import FloorSnapshot
from mission_control.history.alert_rows import AlertRows
from mission_control.history.database import migrate, open_engine
from mission_control.history.remember import FloorMemory
from mission_control.history.writer import HistoryWriter
from tests.alerts.recorded_day import CALENDAR, LivedDay

STEP = timedelta(seconds=1)


class WatchedAlerts(LivedDay):
    """A lived day that keeps what the watch keeps."""

    def keep(self, root: Path) -> None:
        """Begin a history below a root."""
        self.engine = open_engine(root, None)
        migrate(self.engine)
        self.writer = HistoryWriter(
            self.engine, lambda: self.now, time.monotonic, lambda _now: None
        )
        self.writer.start()
        self.memory = FloorMemory(self.writer, tells_new=False)
        self.before: FloorSnapshot | None = None
        self.sequence = 0
        self.store = AlertStore(AlertRows(self.engine, "mission-control"))

    def snapshot(self) -> FloorSnapshot:
        """Decide the floor, and remember it as the watch does."""
        self.sequence += 1
        evidence, latched = self.floor.evidence(), self.floor.latched
        session_at = CALENDAR.session_at
        after = decide_floor(evidence, latched, session_at, self.now, sequence=self.sequence)
        self.memory.note_decision(evidence, latched, self.before or after, after, ())
        self.floor.latched, self.before = after.latched, after
        return after

    def end(self) -> None:
        """Write everything, alerts included, and stop."""
        self.memory.end()
        self.writer.stop(30)
        asyncio.run(self.store.save(self.book or AlertBook(self.now), self.transitions))
        self.engine.dispose()


def watched(root: Path, begin: datetime, live: Callable[[WatchedAlerts], None]) -> WatchedAlerts:
    """Live a stretch of time with a history below a root."""
    day = WatchedAlerts(begin)
    day.keep(root)
    try:
        live(day)
    finally:
        day.end()
    return day
