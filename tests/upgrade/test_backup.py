"""Upgrade: the commands of docs/backup.md, run as they stand there."""

import asyncio
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from mission_control.bootstrap.clock import real_clock
from mission_control.bootstrap.serve import connected
from mission_control.configuration.settings import load_settings
from mission_control.history.continuity import recall_latched
from mission_control.history.database import open_engine
from mission_control.records.marker import read_marker
from mission_control.records.verification import verify
from tests.history.starting import wait_until
from tests.ports import PATIENCE_SECONDS, free_ports
from tests.real_parts import lacking
from tests.upgrade.earlier_roots import MIDDLE, rows, unpack

PAGE = Path(__file__).parents[2] / "docs/backup.md"
PROGRAM = Path(sys.executable).with_name("mission-control")
FLEET = """\
agents:
  - {agent_name: strategy-engine, service_dns: "http://127.0.0.1:1", kind: strategy}
"""
STOOD = [("EXECUTION_EVIDENCE", "strategy-engine")]


def commands(section):
    """Return the blocks of commands below a heading of the page."""
    below = PAGE.read_text().partition(f'<a id="{section}"></a>')[2].partition("\n## ")[0]
    found = re.findall(r"^```bash\n(.*?)^```$", below, re.DOTALL | re.MULTILINE)
    assert found, section
    return found


class Operator:
    """A person with a shell, who follows the page."""

    def __init__(self, folder):
        """Have a root, an empty folder for the backup, and a place for what is put back."""
        self.root, self.backup, self.new = folder / "root", folder / "backup", folder / "new"
        self.backup.mkdir()
        self.fleet = folder / "fleet.yaml"
        self.fleet.write_text(FLEET)
        self.variables = {
            "PATH": f"{PROGRAM.parent}:/usr/bin:/bin",
            "ROOT": str(self.root),
            "BACKUP": str(self.backup),
            "NEW_ROOT": str(self.new),
            "MISSION_CONTROL_FLEET_FILE": str(self.fleet),
        }

    def run(self, block):
        """Run a block; returns how it ended, with what it printed."""
        shell = ["bash", "-euo", "pipefail", "-c", block]
        return subprocess.run(
            shell, capture_output=True, text=True, check=False, env=self.variables, timeout=100
        )

    def follow(self, section, without=""):
        """Run the blocks of a section in their order, each well; returns what they printed."""
        told = ""
        for block in commands(section):
            if without and without in block:
                continue
            done = self.run(block)
            assert done.returncode == 0, (block, done.stdout, done.stderr)
            told += done.stdout
        return told

    @contextmanager
    def serving(self):
        """Serve on the root, until the end of the block; then it is killed."""
        port = free_ports(1)
        command = [PROGRAM, "serve", "--root", self.root, "--port", str(port)]
        with (self.backup.parent / "log").open("w") as log:
            process = subprocess.Popen(command, stderr=log, env=self.variables)
        try:
            until = time.monotonic() + PATIENCE_SECONDS
            while time.monotonic() < until:
                time.sleep(0.2)
                assert process.poll() is None, (self.backup.parent / "log").read_text()
                try:
                    posture = httpx.get(f"http://127.0.0.1:{port}/api/v1/posture").json()
                except httpx.HTTPError:
                    continue
                if posture["accusations"] and posture["coverage"]["asked"]:
                    break
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def operator(tmp_path):
    """Return an operator of a root with a record, a history, and a P0 that stands."""
    for tool in ("sqlite3", "flock", "tar"):
        if shutil.which(tool) is None:
            lacking(f"{tool} is not installed")
    made = Operator(tmp_path)
    unpack(MIDDLE, made.root)
    return made


def what_stands(root, url=None):
    """Return what is latched by a root and its history, and what they say is lost."""
    engine = open_engine(root, url)
    try:
        latched, lost = recall_latched(root, engine)
    finally:
        engine.dispose()
    return [(a.code, a.subject) for a in latched.alarms], lost


def identity_of(root):
    """Return a root's record ID."""
    marker = read_marker(root)
    assert marker is not None
    return marker.record_id


def record_of(operator):
    """Return the record's ID as marker, page's command and history tell it."""
    told = "".join(operator.run(block).stdout for block in commands("restore")[1:3])
    return re.findall(r"\b[0-9a-f]{16}\b", told.partition("intact")[2])


def test_a_backup_of_a_stopped_server_is_put_back_whole(operator):
    """The stopped root, every row and every byte; and it stands as it stood."""
    operator.follow("stopped")
    operator.follow("restore", without="artifacts copy")

    assert verify(operator.new).intact
    assert rows(operator.root) == rows(operator.new)
    assert (STOOD, "") == what_stands(operator.new)
    identity = identity_of(operator.root)
    assert [identity, identity] == record_of(operator)


@pytest.mark.slow
def test_a_backup_of_a_running_server_is_put_back_whole(operator):
    """While decisions are written: nothing is lost, and root and history know each other."""
    decided = len(rows(operator.root)["decisions"])
    with operator.serving():
        wait_until(lambda: len(rows(operator.root)["decisions"]) > decided)
        operator.follow("running")
    operator.follow("restore", without="artifacts copy")

    assert verify(operator.new).intact
    assert (STOOD, "") == what_stands(operator.new)
    assert 0o600 == (operator.new / "history.sqlite3").stat().st_mode & 0o777
    assert len(rows(operator.new)["decisions"]) > decided


def test_a_history_of_before_the_root_is_named(operator):
    """What the page warns of: an older history under a newer root is not taken for whole."""
    older = operator.backup / "older"
    unpack(MIDDLE, older)
    connection = sqlite3.connect(older / "history.sqlite3")
    connection.execute("DELETE FROM decisions WHERE id > 3")
    connection.commit()
    connection.close()
    operator.follow("stopped")
    operator.follow("restore", without="artifacts copy")
    shutil.copy(older / "history.sqlite3", operator.new / "history.sqlite3")

    assert "older than what was written to it last" in what_stands(operator.new)[1]


@pytest.mark.slow
def test_a_restore_that_is_older_than_the_durable_copy_is_named(operator):
    """The page's last command says by exit code and line what the backup lacks."""
    copy = operator.backup.parent / "copy"
    copy.mkdir()
    operator.variables["MISSION_CONTROL_DURABLE_COPY"] = str(copy)
    operator.follow("stopped")
    newer = operator.run('mission-control blueprint --root "$ROOT"')
    copied = operator.run('mission-control artifacts copy --root "$ROOT"')
    operator.follow("restore", without="artifacts copy")

    told = operator.run(commands("restore")[-1])

    assert (0, 0) == (newer.returncode, copied.returncode), (newer.stderr, copied.stderr)
    assert told.returncode == 4, told.stdout + told.stderr
    assert f"line {MIDDLE.runs + 1}" in told.stdout, told.stdout
    another = operator.backup.parent / "another"
    another.mkdir()
    operator.variables["MISSION_CONTROL_DURABLE_COPY"] = str(another)
    assert operator.run(commands("restore")[-1]).returncode == 0


def test_a_root_is_moved(operator):
    """The page's way, by which not a byte and not a mode is another."""
    told = operator.follow("moving")

    assert "intact" in told
    assert rows(operator.root) == rows(operator.new)
    assert (STOOD, "") == what_stands(operator.new)


@pytest.mark.slow
def test_a_history_in_postgresql_is_put_back_whole(operator, postgres):
    """pg_dump and pg_restore as they stand there; root and database know each other."""
    stamp = time.monotonic_ns()
    shutil.rmtree(operator.root)
    operator.root.mkdir()
    operator.variables["DATABASE_URL"] = postgres.new_database(f"kept{stamp}")
    operator.variables["NEW_DATABASE_URL"] = postgres.new_database(f"back{stamp}")
    asyncio.run(watched(operator))

    dump, put_back = commands("postgresql")
    assert operator.run(dump).returncode == 0
    operator.follow("stopped")
    operator.run(commands("restore")[0])
    done = operator.run(put_back)

    assert done.returncode == 0, done.stderr
    urls = [operator.variables[name] for name in ("DATABASE_URL", "NEW_DATABASE_URL")]
    assert [([], ""), ([], "")] == [what_stands(operator.new, url) for url in urls]
    held = operator.run('psql "$NEW_DATABASE_URL" -Atc "SELECT record_id FROM records"').stdout
    assert identity_of(operator.new) == held.strip()


async def watched(operator):
    """Decide a floor once, with its history in PostgreSQL."""
    given = {"root": operator.root, "fleet_file": operator.fleet}
    url = operator.variables["DATABASE_URL"]
    settings = load_settings({"MISSION_CONTROL_DATABASE_URL": url}, flags=given)
    async with connected(settings, real_clock, records=True) as parts:
        parts.watch.publish()


def test_every_section_that_has_commands_is_tried():
    """A section that is added is tried here as well, or this fails."""
    sections = re.findall(r'<a id="([a-z]+)"></a>', PAGE.read_text())
    with_commands = [
        s
        for s in sections
        if "```bash" in PAGE.read_text().partition(f'"{s}"')[2].partition("\n## ")[0]
    ]

    assert ["stopped", "running", "postgresql", "restore", "moving"] == with_commands
