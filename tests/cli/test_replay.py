"""`replay`: the answer first, on stdout or in a file that was not there."""

import itertools
import json
import os
import pty
import re
import subprocess
import sys
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner

from mission_control.cli.context import CliContext
from mission_control.cli.replay import replay
from tests.replay.logs import event, lines, order, wrapped, write
from tests.replay.replay_of_values import BEGAN

PROGRAM = Path(sys.executable).parent / "mission-control"


@pytest.fixture
def log(tmp_path):
    """Write a log of two events among others."""
    return write(tmp_path, "a.log", event(), wrapped("x"), order("received", 3, trace_id="t-2"))


def test_the_answer_comes_first(run, log):
    """Markdown on stdout, and exit code 0 where nothing was executed."""
    done = run("replay", log)

    assert 0 == done.exit_code
    assert done.stdout.startswith("# Replay: no execution evidence found\n")
    assert "none found in 2 events, 1 line skipped because 1 hold no event" in done.stderr


@pytest.mark.parametrize(
    ("record", "code", "told"),
    [
        (order("broker_placed"), 3, "1 piece in 1 event"),
        (json.dumps(event())[:-5], 1, "cannot be excluded, because 1 line of events"),
        ("broker_order_id=b-1", 3, "suspected, 1 line tells of execution"),
    ],
    ids=["found", "incomplete", "suspected"],
)
def test_exit_codes_say_the_answer(run, tmp_path, record, code, told):
    """3 for evidence and for what tells of it, 1 where not everything could be read."""
    done = run("replay", write(tmp_path, "a.log", record))

    assert (code, True) == (done.exit_code, told in done.stderr)


@pytest.mark.parametrize(
    ("name", "flags", "begins"),
    [
        ("a.md", [], "# Replay"),
        ("a.json", [], '{"answer"'),
        ("a.html", [], "<!doctype html>"),
        ("a.txt", ["--format", "json"], '{"answer"'),
        ("b.md", ["--json"], '{"answer"'),
    ],
    ids=lambda v: v if isinstance(v, str) else " ".join(v),
)
def test_the_form_is_that_of_the_name_or_the_flag(run, log, tmp_path, name, flags, begins):
    """A file is written whole; the answer is on stdout as well."""
    done = run("replay", "-o", tmp_path / name, *flags, log)

    assert (0, True) == (done.exit_code, (tmp_path / name).read_text().startswith(begins))
    assert done.stdout.startswith("Execution evidence: none found in 2 events")


def test_no_output_is_overwritten(run, log, tmp_path):
    """An existing file stays as it is, and the command says what to do (R12.22)."""
    out = write(tmp_path, "out.md", "mine")
    done = run("replay", "-o", out, log)

    assert (2, "mine\n") == (done.exit_code, out.read_text())
    assert "is not overwritten: name another file" in done.stderr


def test_an_output_that_cannot_be_made_is_said(run, log, tmp_path):
    """As where its folder is not there."""
    done = run("replay", "-o", tmp_path / "none" / "out.md", log)

    assert (2, True) == (done.exit_code, "cannot be written: No such file" in done.stderr)


def test_an_output_that_fails_is_taken_away(run, log, tmp_path, monkeypatch):
    """No half of a replay passes for one."""

    def broken(*_arguments, **_more):
        yield "# Replay"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mission_control.cli.replay.replay_markdown", broken)
    done = run("replay", "-o", tmp_path / "out.md", log)

    assert (1, False) == (done.exit_code, (tmp_path / "out.md").exists())


def test_what_is_shown_is_narrowed(run, log):
    """By time (New York's where it names no zone), trace and agent; the old flag is taken."""
    flags = ["--from", "2026-11-18T10:00:02", "--to", "2026-11-18T15:00:04Z", "--trace", "t-2"]
    done = run("replay", *flags, "--agent", "strategy-engine", "--include-protocol-intents", log)

    traces = set(re.findall(r"\bt-\d\b", done.stdout))  # "pytest-1" may stand in the log's path
    assert {"t-2"} == traces
    assert "1 event are hidden" in done.stdout or "that the narrowing hides | 1" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["--from", "2026-11-18T10:00", "--to", "2026-11-18T09:00", "x"],
            "--from has to be before",
        ),
        (["--from", "noon", "x"], "is no time such as"),
        (["--format", "pdf", "x"], "is not one of"),
    ],
    ids=["backwards", "no time", "no form"],
)
def test_wrong_usage_is_said(run, arguments, told):
    """With exit code 2."""
    done = run("replay", *arguments)

    assert (2, True) == (done.exit_code, told in done.stderr)


def test_too_many_files_are_wrong_usage(run, tmp_path, monkeypatch):
    """Before any is read."""
    monkeypatch.setattr("mission_control.replay.sources.MOST_SOURCES", 0)

    assert 2 == run("replay", write(tmp_path, "a.log")).exit_code


def test_a_replay_is_recorded(run, log, tmp_path, fleet_file):
    """With its JSON, page and account beside it, and the same exit code."""
    root = tmp_path / "root"
    write(tmp_path, "b.log", order("broker_placed"))
    done = run("replay", "--record", "--root", root, "--fleet-file", fleet_file, tmp_path / "b.log")
    names = sorted(p.name[-8:] for p in (root / "audit_artifacts" / "replays").iterdir())

    assert 3 == done.exit_code
    assert "Recorded as audit_artifacts/replays/" in done.stderr
    assert 4 == len(names)


def test_a_record_tells_what_was_read_and_since_when(tmp_path, fleet_file):
    """When it began to look, before it read; and each file by the bytes that it had (R9.3)."""
    path, minutes = write(tmp_path, "b.log", event()), itertools.count()
    context = CliContext(lambda: BEGAN + timedelta(minutes=next(minutes)), json=False, quiet=True)
    root, flags = tmp_path / "root", ("--fleet-file", str(fleet_file))
    CliRunner().invoke(replay, ["--record", "--root", str(root), *flags, str(path)], obj=context)
    (account,) = (root / "audit_artifacts" / "replays").glob("*.run.json")
    told = json.loads(account.read_bytes())
    digest = sha256(path.read_bytes()).hexdigest()

    assert [{"path": str(path), "sha256": digest, "size": path.stat().st_size}] == told["inputs"]
    assert "2026-11-18T15:00:00.000Z" == told["started"]
    assert told["started"] < told["finished"]


def test_stdin_is_read(tmp_path):
    """By `-`, or where no file is named and stdin is no terminal."""
    content = lines(event(), order("broker_placed", 2))
    for arguments in ([], ["-"]):
        done = subprocess.run(
            [PROGRAM, "replay", *arguments], input=content, capture_output=True, check=False
        )
        assert (3, True) == (done.returncode, b"| stdin | 2 |" in done.stdout)


def test_a_terminal_without_files_is_wrong_usage(tmp_path):
    """Nothing is waited for."""
    ours, theirs = pty.openpty()
    done = subprocess.run([PROGRAM, "replay"], stdin=theirs, capture_output=True, check=False)
    os.close(theirs)
    os.close(ours)

    assert (2, True) == (done.returncode, b"name the files" in done.stderr)


def test_a_terminal_sees_how_far_it_is(run, log, monkeypatch):
    """A bar, on stderr, which is gone at the end; quiet shows none."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    shown, quiet = run("replay", log), run("--quiet", "replay", log)

    assert (0, 0) == (shown.exit_code, quiet.exit_code)
    assert ("Reading" in shown.stderr, "" == quiet.stderr) == (True, True)
