"""Alerts as they are stored: a changed pin is a versioned change."""

import asyncio

from mission_control.alerts.model import AlertBook
from mission_control.alerts.store import AlertStore
from mission_control.history.alert_rows import AlertRows
from mission_control.history.database import migrate, open_engine
from tests.floor.floor_of_values import NOW
from tests.history.test_alert_rows import FIRING

STORED = (
    b'{"fingerprint":"65263dba913bd8e2","rule":"service_halts","code":"TIMEOUT",'
    b'"subject":"strategy-engine","severity":"P1","state":"FIRING",'
    b'"summary":"strategy-engine halts the floor","detail":"no whole answer within 3 s",'
    b'"since":"2026-11-18T15:14:59Z","fired_at":"2026-11-18T15:15:00Z","resolved_at":null,'
    b'"owner":"on call","runbook":"TIMEOUT","cause":"","withheld":"",'
    b'"paged_at":"2026-11-18T15:15:00Z","ending_since":null}'
)


def test_an_alert_is_stored_as_ever(tmp_path):
    """Its fields by name, instants in UTC; its fingerprint is the same in every version."""
    engine = open_engine(tmp_path, None)
    migrate(engine)
    rows = AlertRows(engine, "one")
    asyncio.run(AlertStore(rows).save(AlertBook(NOW, (FIRING,)), ()))
    (document,) = rows.documents().values()
    engine.dispose()

    assert STORED == document
