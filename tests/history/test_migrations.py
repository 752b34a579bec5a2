"""History: a migration that was killed half way is undone, or is finished by the next start."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import HeadMaintainer
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from mission_control.errors import StorageError
from mission_control.history import schema
from mission_control.history.database import MIGRATIONS, NEWEST, migrate, open_engine
from tests.history.conftest import Keeper, keeping

PROCESS = Path(__file__).with_name("migrating_process.py")
VERSIONS = ["0001", "0002", "0003", "0004"]
HALF_MADE = {"nothing": 0, "the first table": 1, "all but the last": 7, "all": 99}


class KilledError(BaseException):
    """The process is gone; nothing of ours catches this."""


def upgrade(engine, version):
    """Bring a database to a version as the versions before did: each statement for itself."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)


def shape(engine):
    """Return the version of a database, and its tables with their columns and indexes."""
    looked = inspect(engine)
    tables = {
        name: (
            [c["name"] for c in looked.get_columns(name)],
            sorted(str(i["name"]) for i in looked.get_indexes(name)),
        )
        for name in sorted(looked.get_table_names())
    }
    version = None
    if "alembic_version" in tables:
        with engine.connect() as connection:
            version = connection.exec_driver_sql("SELECT * FROM alembic_version").scalar()
    return version, tables


@pytest.fixture
def whole(tmp_path):
    """Return the shape of a database that was made in one go."""
    (tmp_path / "whole").mkdir()
    with keeping(tmp_path / "whole", None) as kept:
        return shape(kept.engine)


@pytest.mark.parametrize("killed_at", VERSIONS)
def test_a_migration_that_is_killed_leaves_nothing_behind(
    tmp_path, database_url, whole, monkeypatch, killed_at
):
    """Killed between the tables and the version's row, it is as before, and the next one ends."""
    engine, real = open_engine(tmp_path, database_url), HeadMaintainer.update_to_step

    def killed(heads, step):
        if step.to_revisions == (killed_at,):
            raise KilledError
        real(heads, step)

    with monkeypatch.context() as patched:
        patched.setattr(HeadMaintainer, "update_to_step", killed)
        with pytest.raises(KilledError):
            migrate(engine)
    before = shape(engine)
    migrate(engine)
    after = shape(engine)
    engine.dispose()

    assert (None, {}) == before
    assert whole[0] == after[0]
    assert {n: c for n, (c, _) in whole[1].items()} == {n: c for n, (c, _) in after[1].items()}


def test_a_column_without_its_version_is_no_obstacle(tmp_path, whole):
    """A file that an earlier version left between the two is finished, and can be written."""
    engine = open_engine(tmp_path, None)
    upgrade(engine, "0001")
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE minutes ADD COLUMN decided BLOB")
    migrate(engine)
    found = shape(engine)
    engine.dispose()

    assert whole == found


@pytest.mark.parametrize("made", HALF_MADE.values(), ids=HALF_MADE)
def test_tables_without_their_version_are_no_obstacle(tmp_path, whole, made):
    """A file that was left among the first tables is finished too."""
    engine = open_engine(tmp_path, None)
    upgrade(engine, "0001")
    with engine.connect() as connection:
        named = "SELECT type, name FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"
        rows = connection.exec_driver_sql(named).fetchall()
    ours = [(kind, name) for kind, name in rows if name != "alembic_version"]
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM alembic_version")
        for kind, name in reversed(ours[made:]):
            connection.exec_driver_sql(f"DROP {kind} {name}")
    migrate(engine)
    found = shape(engine)
    engine.dispose()

    assert whole == found


def test_two_that_begin_at_once_both_find_their_tables(tmp_path, database_url):
    """Whichever process comes second waits and has nothing left to do."""
    command_line, pipe = [sys.executable, PROCESS, tmp_path, database_url or ""], subprocess.PIPE
    processes = [
        subprocess.Popen(command_line, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    problems = [process.communicate(timeout=60)[1] for process in processes]
    kept = Keeper(tmp_path, database_url)
    version, tables = shape(kept.engine)
    kept.engine.dispose()

    assert [(0, "")] * 3 == [
        (p.returncode, told) for p, told in zip(processes, problems, strict=True)
    ]
    assert VERSIONS[-1] == version
    assert {*schema.metadata.tables, "alembic_version"} == set(tables)


def test_a_connection_that_migrated_is_like_any_other(tmp_path):
    """Its transactions are the driver's again: what is not committed is undone."""
    with keeping(tmp_path, None) as kept:
        for _ in range(3):
            with kept.engine.connect() as connection:
                connection.execute(schema.minutes.insert().values(minute=1, counts=b""))
        with kept.engine.connect() as connection:
            found = connection.execute(schema.minutes.select()).fetchall()

    assert [] == found


def test_the_newest_revision_is_the_one_that_alembic_ends_with():
    """Tables are only left alone where Alembic would find nothing to do."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))

    assert NEWEST == ScriptDirectory.from_config(config).get_current_head() == VERSIONS[-1]


def test_tables_that_are_there_are_found_without_alembic(tmp_path):
    """Most starts find all tables there, and do not wait for what would change them."""
    with keeping(tmp_path, None):
        pass
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from mission_control.history.database import migrate, open_engine\n"
        "migrate(open_engine(Path(sys.argv[1]), None))\n"
        "print('alembic' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=False
    )

    assert ("False\n", "") == (done.stdout, done.stderr)


def test_tables_of_a_later_version_are_refused(tmp_path, database_url):
    """What a later version wrote is named, not changed."""
    with keeping(tmp_path, database_url) as kept:
        with kept.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(StorageError, match=r"of another version.*9999"):
            migrate(kept.engine)

        assert "9999" == shape(kept.engine)[0]
