"""Fixtures: the API over a paper floor, and which event loop the tests run on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mission_control.alerts.store import AlertStore
from mission_control.history.alert_rows import AlertRows
from mission_control.history.database import migrate, open_engine
from mission_control.history.past_floor import PastFloor
from mission_control.history.reader import HistoryReader
from tests.api.paper_floor import PaperAlerts, PaperCalendar, PaperControl, PaperFloor
from tests.records.runs import record


@pytest.fixture
def control(tmp_path: Path) -> Iterator[PaperControl]:
    """Return the API over a healthy floor, of which one run was recorded, with an empty history."""
    record(tmp_path)
    engine = open_engine(tmp_path, None)
    migrate(engine)
    floor = PaperFloor()
    past = PastFloor(HistoryReader(engine), None, PaperCalendar(), floor)
    kept = AlertStore(AlertRows(engine, "a"))
    yield PaperControl(
        floor=floor, root=tmp_path, past=past, alerts=PaperAlerts(), alert_history=kept
    )
    engine.dispose()
