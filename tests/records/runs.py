"""Runs to be recorded by tests: equal facts, so that equal input can give equal bytes."""

from datetime import UTC, date, datetime
from pathlib import Path

from mission_control.records.artifact_store import ArtifactStore, stamp
from mission_control.records.model import Collection, LedgerEntry, RunFacts, SourceCoverage

NOW = datetime(2026, 11, 20, 13, 30, tzinfo=UTC)
FILES = {"posture.json": b'{"posture":"OK"}', "logs/strategy-engine.log": b"line\n" * 20}


def facts(at=NOW, job="intraday_sample", **more):
    """Return what is known of a run at an instant."""
    about = {
        "job": job,
        "session_date": date(2026, 11, 20),
        "trigger": "command",
        "command_line": ("mission-control", "post-market"),
        "exit_code": 0,
        "started": at,
        "finished": at,
        "versions": {"mission_control": "0.1.0", "python": "3.11.7", "git_sha": None},
        "config_digest": "1" * 64,
        "fleet_digest": "2" * 64,
        "coverage": (SourceCoverage("services", 5, 4, (("gamma-strategy", "TIMEOUT"),)),),
    }
    return RunFacts(**{**about, **more})


def record(
    root: Path, at=NOW, files=None, job="intraday_sample", latest=None, **more
) -> LedgerEntry:
    """Record a run of these files at an instant; `latest` are shown as the latest views."""
    store = ArtifactStore(root)
    with store.writing(Collection.OPS_RUNS) as run:
        for path, content in (FILES if files is None else files).items():
            run.write(path, content)
        return run.record(facts(at, job, **more), f"{stamp(at)}_{job}", latest)


def everything(root: Path) -> dict[str, bytes]:
    """Return every file below a root with its bytes, hidden ones included."""
    return {
        str(p.relative_to(root)): p.read_bytes()
        for p in sorted(root.rglob("*"))
        if p.is_file() and not p.is_symlink()
    }
