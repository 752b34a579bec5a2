"""Bundles hold the alerts of their day: those there are, what became of them and of telling."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from mission_control.alerts.model import AlertBook, AlertState, AlertTransition, Delivery
from mission_control.alerts.store import AlertStore
from mission_control.history.alert_rows import AlertRows
from mission_control.history.database import migrate, open_engine
from mission_control.model.finding import Severity
from mission_control.ops_bundle import parts as bundle_parts
from mission_control.ops_bundle import run as ops_bundle
from mission_control.ops_bundle.run import BundleKind
from tests.alerts_delivery.values import alert
from tests.floor.floor_of_values import NOW, FloorOfValues
from tests.schedule.day_of_values import ORIGIN, job_parts

pytestmark = pytest.mark.anyio
OPEN = alert()


def moved(n):
    """Return a change of the alert, so many seconds before now."""
    at = NOW - timedelta(seconds=n)
    to, why = AlertState.FIRING, f"{n} s before"
    return AlertTransition(
        at, OPEN.fingerprint, "stale", OPEN.code, OPEN.subject, Severity.P1, None, to, True, why  # noqa: FBT003
    )  # fmt: skip


def tried(n):
    """Return an attempt to deliver it, so many seconds before now."""
    at = NOW - timedelta(seconds=n)
    return Delivery(at, "webhook", OPEN.fingerprint, AlertState.FIRING, "HTTP 503", False, n)  # noqa: FBT003


@pytest.fixture
def store(tmp_path):
    """Return alerts kept in a history of their own."""
    engine = open_engine(tmp_path, None)
    migrate(engine)
    yield AlertStore(AlertRows(engine, "a"))
    engine.dispose()


async def bundled(root, store):
    """Record a bundle; gives its alerts, None where it has none, and the gaps of that source."""
    parts = job_parts(root, FloorOfValues().decide(), alerts=store)
    _, entry = await ops_bundle.run(BundleKind.PRE_MARKET, parts, ORIGIN)
    folder = root / entry.path
    account = orjson.loads((folder / "run.json").read_bytes())
    (told,) = (c for c in account["coverage"] if c["source"] == "alerts")
    file = folder / "alerts.json"
    alerts: Any = orjson.loads(file.read_bytes()) if file.exists() else None
    return alerts, [g["reason"] for g in told["gaps"]]


async def test_a_bundle_holds_the_alerts_of_its_day(tmp_path, store):
    """What is open, and every change and attempt since midnight, oldest first; no older ones."""
    yesterday = 24 * 3600
    await store.save(AlertBook(NOW, (OPEN,)), [moved(n) for n in (yesterday, 60, 30)])
    await store.note([tried(n) for n in (yesterday, 20, 10)])
    alerts, gaps = await bundled(tmp_path, store)

    assert [] == gaps
    assert (OPEN.fingerprint, 1) == (alerts["alerts"][0]["fingerprint"], alerts["counts"]["paging"])
    assert ["60 s before", "30 s before"] == [t["reason"] for t in alerts["transitions"]]
    assert [20, 10] == [d["attempt"] for d in alerts["deliveries"]]


async def test_more_than_fits_is_a_gap(tmp_path, store, monkeypatch):
    """The newest are kept, and that older ones are missing is said."""
    monkeypatch.setattr(bundle_parts, "PAGE", 2)
    monkeypatch.setattr(bundle_parts, "MOST_PAGES", 1)
    await store.save(AlertBook(NOW), [moved(n) for n in (30, 20, 10)])
    alerts, gaps = await bundled(tmp_path, store)

    assert ["20 s before", "10 s before"] == [t["reason"] for t in alerts["transitions"]]
    assert ["the oldest changes or attempts are left out"] == gaps


async def test_without_history_alerts_are_a_gap(tmp_path):
    """They are not an empty list."""
    assert (None, ["no history is kept"]) == await bundled(tmp_path, None)


async def test_alerts_that_cannot_be_read_are_a_gap(tmp_path):
    """A history without their rows costs the bundle its alerts alone."""
    engine = open_engine(tmp_path, None)
    alerts, gaps = await bundled(tmp_path, AlertStore(AlertRows(engine, "a")))
    engine.dispose()

    assert alerts is None
    assert "alerts cannot be read" in gaps[0]
