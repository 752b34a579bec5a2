"""Two floors beside one database server: their rows never mix (docs/semantics.md#R17.8)."""

import pytest
from sqlalchemy import select

from mission_control.errors import StorageError
from mission_control.history import schema
from mission_control.history.alert_rows import AlertRows
from mission_control.history.database import open_engine
from mission_control.model.reading import Seen, Unseen
from tests.floor.floor_of_values import STRATEGY
from tests.history.starting import Server, serve_once, serving, wait_until

pytestmark = pytest.mark.anyio


@pytest.fixture
def roots(tmp_path):
    """Return the roots of two floors."""
    for name in ("east", "west"):
        (tmp_path / name).mkdir()
    return tmp_path / "east", tmp_path / "west"


def rows_of(root, url):
    """Return every row of every table of a history."""
    engine = open_engine(root, url)
    with engine.connect() as connection:
        every = {t.name: connection.execute(select(t)).all() for t in schema.metadata.sorted_tables}
    engine.dispose()
    return every


def test_two_floors_keep_their_histories_apart_in_one_postgresql(postgres, roots):
    """One server and one database, and a schema for each: each reads and latches its own alone."""
    url = postgres.new_database("two_floors")
    urls = [f"{url}?options=-csearch_path%3D{name}" for name in ("east", "west")]
    engine = open_engine(roots[0], url)
    with engine.begin() as connection:
        for name in ("east", "west"):
            connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    engine.dispose()
    with serving(roots[0], urls[0]) as east, serving(roots[1], urls[1]) as west:
        east.raise_alarm()
        west.decide()
        for server in (east, west):
            server.settle()
    with serving(roots[0], urls[0]) as east, serving(roots[1], urls[1]) as west:
        lost = [server.writer.lost() for server in (east, west)]
        recalled = [server.writer.recalled() for server in (east, west)]
        latched = [each.alarms for each in recalled if each is not None]
    kept = [rows_of(root, of) for root, of in zip(roots, urls, strict=True)]

    assert lost == ["", ""]
    assert [{a.subject for a in alarms} for alarms in latched] == [{STRATEGY.agent_name}, set()]
    assert [len(rows["records"]) for rows in kept] == [1, 1]
    assert kept[0]["records"][0].record_id != kept[1]["records"][0].record_id


async def test_a_second_floor_at_the_same_database_writes_nothing_there(roots, database_url):
    """It is told whose it is and what to do, keeps its alarms below its root, and is not lost."""
    url = database_url or f"sqlite:///{roots[0]}/shared.db"
    serve_once(roots[0], url)
    before = rows_of(roots[0], url)
    with serving(roots[1], url) as west:
        west.raise_alarm()
        wait_until(lambda: west.writer._trouble)  # noqa: SLF001  (only a check tells, later)
        told = await west.writer.check()
        withheld, lost = west.writer.withheld(), west.writer.lost()
        rows = AlertRows(west.engine, "mission-control", west.writer.withheld)
        for use in (rows.documents, rows.acknowledged, lambda: rows.replace({}, (), ())):
            with pytest.raises(StorageError, match="another record's"):
                use()
    with serving(roots[0], url) as east:
        east.decide()
        east.settle()
        kept = await east.writer.check()

    assert "another record's" in lost
    assert withheld == lost
    assert isinstance(told, Unseen)
    assert "nothing is written: the database is another record's" in told.detail
    assert isinstance(kept, Seen)
    assert rows_of(roots[0], url)["records"][0].record_id == before["records"][0].record_id
    assert len(rows_of(roots[0], url)["records"]) == 1
    assert len(rows_of(roots[0], url)["decisions"]) == len(before["decisions"]) + 1


def test_whose_a_database_is_has_to_be_known_before_alerts_are_kept_there(roots):
    """Until it was looked at nothing is read or written (R17.8)."""
    east = Server(roots[0])
    before = east.writer.withheld()
    east.start()
    known = east.writer.withheld()
    east.stop()

    assert "not known yet" in before
    assert known == ""
