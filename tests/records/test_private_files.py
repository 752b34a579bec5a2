"""What is no artifact is for us alone: made so, and tightened where an older version made it."""

import os
import stat
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from mission_control.history.database import migrate, open_engine, writing
from mission_control.history.notes import own_notes
from mission_control.records.artifact_store import ArtifactStore
from mission_control.schedule.claims import RunClaims
from mission_control.schedule.model import Job, PlannedRun
from tests.records.runs import NOW, record

DATABASE = ("history.sqlite3", "history.sqlite3-wal", "history.sqlite3-shm")


@pytest.fixture(autouse=True)
def _open_handed():
    """Let a umask be no help."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path):
    """Return a file's mode."""
    return stat.S_IMODE(path.stat().st_mode)


def loose(root):
    """Name every file below a root that others may use in any way, and may not be recorded."""
    found = (p for p in root.rglob("*") if p.is_file() and mode(p) & 0o077)
    return sorted(str(p.relative_to(root)) for p in found)


def use(root):
    """Write to history and give what lies there meanwhile, by name."""
    engine = open_engine(root, None)
    migrate(engine)
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS x (y INTEGER)"))
        connection.execute(text("INSERT INTO x VALUES (1)"))
    found = {name: mode(root / name) for name in DATABASE}
    engine.dispose()
    return found


def test_history_is_made_for_us_alone(tmp_path):
    """The database and what SQLite puts beside it, whatever the umask is."""
    assert dict.fromkeys(DATABASE, 0o600) == use(tmp_path)


def test_a_history_that_others_could_read_is_tightened(tmp_path):
    """An older version made it 0644; what was in it stays."""
    use(tmp_path)
    (tmp_path / DATABASE[0]).chmod(0o644)
    for name in DATABASE[1:]:
        (tmp_path / name).write_bytes(b"")
        (tmp_path / name).chmod(0o644)
    again = use(tmp_path)
    engine = open_engine(tmp_path, None)
    with engine.connect() as connection:
        (rows,) = connection.execute(text("SELECT count(*) FROM x")).one()
    engine.dispose()

    assert dict.fromkeys(DATABASE, 0o600) == again
    assert 2 == rows


def test_a_second_connection_ends_no_lock_of_the_first(tmp_path):
    """Another connection is opened while a transaction writes: no other user gets in."""
    use(tmp_path)
    first, second = open_engine(tmp_path, None), open_engine(tmp_path, None)
    with writing(first) as connection:
        connection.execute(text("INSERT INTO x VALUES (2)"))
        with second.connect() as other:
            assert (1,) == other.execute(text("SELECT count(*) FROM x")).one()
        child = os.fork()
        if child == 0:
            os._exit(_locked_out(tmp_path))
        _, told = os.waitpid(child, 0)
    for engine in (first, second):
        engine.dispose()

    assert 0 == os.waitstatus_to_exitcode(told)


def _locked_out(root):
    import sqlite3  # noqa: PLC0415  (in a process of its own)

    other = sqlite3.connect(root / DATABASE[0], timeout=0, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return 0
    return 1


@pytest.mark.anyio
async def test_claims_notes_and_locks_are_for_us_alone(tmp_path):
    """Only what is recorded, and the record's own marks, may be read by others."""
    at = datetime(2026, 11, 20, 13, 30, tzinfo=UTC)
    run = PlannedRun(at, Job.PRE_OPEN, at.date(), at + timedelta(minutes=15))
    entry = record(tmp_path)
    claims = RunClaims(tmp_path, "host:1")
    claim = await claims.claim(run, NOW)
    assert claim is not None
    await claims.renew(run, claim, NOW)
    with own_notes(tmp_path):
        made = loose(tmp_path)
        for path in (tmp_path / "audit_artifacts").rglob("*"):
            if path.is_file():
                path.chmod(path.stat().st_mode | 0o044)
        ArtifactStore(tmp_path).sweep(NOW)
        tightened = loose(tmp_path)

    recorded = sorted(["audit_artifacts/ledger.jsonl", *(f.path for f in entry.files)])
    assert recorded == made == tightened
