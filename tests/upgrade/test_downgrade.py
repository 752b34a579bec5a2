"""Upgrade: what a newer version wrote is refused by its name, not misread (R9.7)."""

import json
import os
import sqlite3
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner

from mission_control.cli.main import cli
from mission_control.history.database import NEWEST, migrate, open_engine
from mission_control.records.marker import RECORD_FORMAT
from tests.upgrade.earlier_roots import MIDDLE, recorded_files, unpack

PROGRAM = Path(sys.executable).with_name("mission-control")
FLEET = """\
agents:
  - {agent_name: orders, service_dns: "http://127.0.0.1:1", kind: strategy}
"""
OURS = version("mission-control")


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    """Start without any setting of the machine's."""
    for name in [n for n in os.environ if n.startswith("MISSION_CONTROL_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def root(tmp_path):
    """Give a root with a record and a history."""
    (tmp_path / "fleet.yaml").write_text(FLEET)
    return unpack(MIDDLE, tmp_path / "root")


def with_newer_tables(root):
    """Let the history be one that a later version has migrated."""
    engine = open_engine(root, None)
    migrate(engine)
    engine.dispose()
    connection = sqlite3.connect(root / "history.sqlite3")
    connection.execute("UPDATE alembic_version SET version_num = '0099'")
    connection.commit()
    connection.close()


def with_newer_marker(root):
    """Let the root's marker be of a later form."""
    marker = root / "audit_artifacts/record.json"
    told = json.loads(marker.read_bytes())
    marker.unlink()
    marker.write_text(json.dumps({**told, "format": RECORD_FORMAT + 1}))


def with_newer_line(root):
    """Let the ledger's newest line be of a later form, in a root without any marker."""
    (root / "audit_artifacts/record.json").unlink()
    with (root / "audit_artifacts/ledger.jsonl").open("a") as ledger:
        ledger.write(json.dumps({"format": RECORD_FORMAT + 2, "lines": "as they may be"}) + "\n")


NEWER = {
    "tables": (with_newer_tables, ("0099", NEWEST, OURS)),
    "marker": (with_newer_marker, (f"format {RECORD_FORMAT + 1}", f"format {RECORD_FORMAT}", OURS)),
    "line": (with_newer_line, (f"format {RECORD_FORMAT + 2}", f"format {RECORD_FORMAT}", OURS)),
}
RECORD_ALONE = (
    ("artifacts", "list"),
    ("artifacts", "verify"),
    ("reports", "diff"),
    ("lkg", "diff", "good", "latest"),
)
WITH_A_FLEET = (("blueprint",), ("artifacts", "retention"), ("attest",))


def ran(root, *command):
    """Run a command in this process, with its root and where it takes one its fleet."""
    fleet = () if command in RECORD_ALONE else ("--fleet-file", str(root.parent / "fleet.yaml"))
    return CliRunner().invoke(cli, [*command, "--root", str(root), *fleet], env={})


@pytest.mark.parametrize("how", NEWER)
def test_serve_ends_with_78_and_touches_nothing(root, how):
    """R9.7: both versions and the remedy are named, before anything of the root is changed."""
    made_newer, words = NEWER[how]
    made_newer(root)
    before = recorded_files(root)
    history = (root / "history.sqlite3").read_bytes()

    ended = subprocess.run(
        [
            PROGRAM,
            *("serve", "--root", root, "--fleet-file", root.parent / "fleet.yaml"),
            *("--port", "1"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": "/usr/bin:/bin"},
    )

    assert ended.returncode == 78, ended.stderr
    assert all(word in ended.stderr for word in (*words, "docs/backup.md", "newer version"))
    assert before == recorded_files(root)
    assert history == (root / "history.sqlite3").read_bytes()


@pytest.mark.parametrize("how", ["marker", "line"])
@pytest.mark.parametrize("command", [*RECORD_ALONE, *WITH_A_FLEET], ids=" ".join)
def test_commands_refuse_a_newer_record(root, how, command):
    """R9.7: they neither call it altered nor add to it."""
    made_newer, words = NEWER[how]
    made_newer(root)
    before = recorded_files(root)

    ended = ran(root, *command)

    assert ended.exit_code == 78, ended.output
    assert all(word in ended.output for word in words)
    assert before == recorded_files(root)


@pytest.mark.parametrize("command", [c for c in WITH_A_FLEET if c[0] != "artifacts"], ids=" ".join)
def test_commands_refuse_a_newer_history(root, command):
    """R9.7: what reads history does not guess what its tables mean."""
    with_newer_tables(root)

    ended = ran(root, *command)

    assert ended.exit_code == 78, ended.output
    assert all(word in ended.output for word in NEWER["tables"][1])


def test_doctor_names_both(root):
    """R9.7: it goes on, and names each as what cannot be used."""
    with_newer_tables(root)
    with_newer_marker(root)

    ended = ran(root, "doctor")

    assert "format 2, which a newer Mission Control wrote" in ended.output
    assert "version 0099, which a newer Mission Control made" in ended.output


def test_what_is_no_mark_of_ours_is_not_called_newer(root):
    """A spoilt marker or line is told as what it is, by who reads it."""
    marker = root / "audit_artifacts/record.json"
    marker.unlink()
    marker.write_text('{"format": "two"}')

    ended = ran(root, "artifacts", "verify")

    assert ended.exit_code in {0, 4}
    assert "newer" not in ended.output
