"""History: what root and database do not remember alike is seen at a start, and only that."""

import shutil
import sqlite3

import pytest
from sqlalchemy import text

from mission_control.errors import StorageError
from mission_control.history.continuity import recall_latched
from mission_control.history.database import SQLITE_NAME, open_engine, writing
from mission_control.history.rows import write_decision
from mission_control.records.marker import newest_line, read_marker
from mission_control.records.model import LedgerHead
from tests.floor.floor_of_values import NOW
from tests.history.starting import Server, serve_once, serving
from tests.history.test_migrations import upgrade
from tests.history.test_stopping import decision
from tests.records.runs import record


def head_of(root) -> LedgerHead:
    """Return the head of a root's ledger."""
    head = newest_line(root)
    assert head is not None
    return head


def drop_history(root, url):
    """Lose all that a database holds."""
    if url is None:
        for file in root.glob(f"{SQLITE_NAME}*"):
            file.unlink()
        return
    engine = open_engine(root, url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()


def test_a_first_start_and_the_next_ones_lose_nothing(tmp_path, database_url):
    """A fresh root begins a record, and every ordinary start goes on with it."""
    found = [serve_once(tmp_path, database_url) for _ in range(3)]
    marker = read_marker(tmp_path)

    assert [""] * 3 == found
    assert marker is not None
    assert (NOW, False) == (marker.began, marker.continues)


def test_servers_beside_each_other_lose_nothing(tmp_path, database_url):
    """A second server on one root and history raises no alarm, whichever of them ends first."""
    with serving(tmp_path, database_url) as first:
        first.decide()
        first.settle()
        with serving(tmp_path, database_url) as second:
            second.decide()
            second.settle()
            first.plan()
            first.decide()
            first.settle()
            found = [first.writer.lost(), second.writer.lost()]
    found.append(serve_once(tmp_path, database_url))

    assert [""] * 3 == found


def old_root(root, url, *, decided):
    """Make a root and a database as versions before records had ids left them."""
    root.mkdir(exist_ok=True)
    record(root, job="session_plan")
    engine = open_engine(root, url)
    upgrade(engine, "0002")
    if decided:
        with writing(engine) as connection:
            write_decision(connection, decision(), ())
    engine.dispose()


def test_an_upgrade_loses_nothing(tmp_path, database_url):
    """A root and a history of before are one record from now on, and it is no new one."""
    old_root(tmp_path, database_url, decided=True)
    with serving(tmp_path, database_url) as server:
        lost, began = server.writer.lost(), server.writer.began()
    again = serve_once(tmp_path, database_url)

    assert ("", None, "") == (lost, began, again)


def test_an_old_root_without_its_history_has_lost_it(tmp_path, database_url):
    """A server has run there, so a history was kept: an empty one is said at every start."""
    old_root(tmp_path, database_url, decided=False)
    found = [serve_once(tmp_path, database_url) for _ in range(3)]

    assert "holds none" in found[0]
    assert ["another record's, or was begun" in each for each in found[1:]] == [True] * 2


def test_an_old_root_whose_history_comes_back_has_lost_nothing(tmp_path):
    """The wrong database is started with once; with the right one all is known again."""
    old_root(tmp_path, None, decided=True)
    wrong = serve_once(tmp_path, f"sqlite:///{tmp_path}/wrong.db")

    assert "holds none" in wrong
    assert "" == serve_once(tmp_path)


def test_a_database_that_is_away_at_first_is_no_loss(tmp_path):
    """A first start waits for its database, records its own plan meanwhile, and is a first one."""
    away = tmp_path / "database"
    url = f"sqlite:///{away}/history.db"
    server = Server(tmp_path, url)
    server.writer.start()
    while not list((tmp_path / "audit_artifacts").glob("history_notes-*")):
        pass
    server.stop()
    record(tmp_path, job="session_plan")
    away.mkdir()

    assert "" == serve_once(tmp_path, url)


def test_a_lost_history_is_said_until_a_human_names_the_head(tmp_path, database_url):
    """
    Every start says so; the head named once, of then and no other, makes it a new history (R6.6).
    """
    serve_once(tmp_path, database_url)
    drop_history(tmp_path, database_url)
    found = [serve_once(tmp_path, database_url) for _ in range(2)]
    stale = head_of(tmp_path).hash
    found.append(serve_once(tmp_path, database_url, accepted="0" * 64))
    found.append(serve_once(tmp_path, database_url, accepted=stale))
    now = head_of(tmp_path)
    with serving(tmp_path, database_url, accepted=now.hash[:16]) as server:
        accepted, recorded = server.writer.lost(), server.recorded
        server.decide()
        server.settle()
    after = serve_once(tmp_path, database_url)
    drop_history(tmp_path, database_url)
    again = serve_once(tmp_path, database_url, accepted=now.hash[:16])

    assert ["belongs to no record" in each for each in found] == [True] * 4
    assert ("", "") == (accepted, after)
    assert [now] == [head for _, head in recorded]
    assert "belongs to no record" in again


def test_another_database_is_a_loss(tmp_path, database_url):
    """The same root with the URL of an empty database does not know what was latched."""
    serve_once(tmp_path, database_url)

    assert "is empty" in serve_once(tmp_path, f"sqlite:///{tmp_path}/another.db")
    assert "" == serve_once(tmp_path, database_url)


def test_anothers_database_is_a_loss(tmp_path, database_url):
    """A history of another root is not this one's, whether or not this one had any."""
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
    url = database_url or f"sqlite:///{tmp_path}/one.db"
    serve_once(tmp_path / "one", url)
    serve_once(tmp_path / "two", f"sqlite:///{tmp_path}/two.db")
    found = list[str]()
    for name in ("two", "three"):
        with serving(tmp_path / name, url) as server:
            found.append(server.writer.lost())

    assert "another record" in found[0]
    assert "another record's" in found[1]
    assert "" == serve_once(tmp_path / "one", url)


def test_an_older_history_is_a_loss(tmp_path):
    """A copy of before that was put back does not hold what was written since."""
    serve_once(tmp_path)
    shutil.copy(tmp_path / SQLITE_NAME, tmp_path / "copy")
    serve_once(tmp_path)
    drop_history(tmp_path, None)
    shutil.copy(tmp_path / "copy", tmp_path / SQLITE_NAME)

    assert "older" in serve_once(tmp_path)


def test_a_ledger_that_lost_lines_is_a_loss(tmp_path, database_url):
    """History knows a line of the ledger that is not there any more."""
    serve_once(tmp_path, database_url)
    serve_once(tmp_path, database_url)
    ledger = tmp_path / "audit_artifacts/ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes().splitlines(keepends=True)[0])

    assert "does not hold line 2" in serve_once(tmp_path, database_url)


def test_a_marker_that_is_lost_alone_is_written_again(tmp_path, database_url):
    """Ledger and history still know each other, so it is the same record."""
    serve_once(tmp_path, database_url)
    before = read_marker(tmp_path)
    assert before is not None
    (tmp_path / "audit_artifacts/record.json").unlink()
    found = serve_once(tmp_path, database_url)
    after = read_marker(tmp_path)

    assert after is not None
    assert ("", before.record_id, True) == (found, after.record_id, after.continues)


def test_a_marker_that_is_none_of_ours_is_told(tmp_path):
    """What cannot be understood is no record of ours, and no reason to begin another."""
    serve_once(tmp_path)
    marker = tmp_path / "audit_artifacts/record.json"
    marker.chmod(0o600)
    marker.write_text("{}")

    with pytest.raises(StorageError, match="no marker of ours"):
        read_marker(tmp_path)


def test_who_only_reads_knows_what_is_lost(tmp_path, database_url):
    """A command judges root and history as a server does, and changes nothing."""
    serve_once(tmp_path, database_url)
    engine = open_engine(tmp_path, database_url)
    with_history = recall_latched(tmp_path, engine)[1]
    engine.dispose()
    drop_history(tmp_path, database_url)
    without = recall_latched(tmp_path, None)[1]
    engine = open_engine(tmp_path, database_url)
    emptied = recall_latched(tmp_path, engine)[1]
    engine.dispose()

    assert "" == with_history
    assert "is empty" in without
    assert "is empty" in emptied


def test_rows_that_are_not_ours_are_not_known(tmp_path):
    """A history that cannot be read is an error with a name, not a floor without alarms."""
    serve_once(tmp_path)
    with sqlite3.connect(tmp_path / SQLITE_NAME) as other:
        other.execute("UPDATE decisions SET after = x'00'")
    engine = open_engine(tmp_path, None)
    with pytest.raises(StorageError, match="what was latched cannot be read"):
        recall_latched(tmp_path, engine)
    engine.dispose()
