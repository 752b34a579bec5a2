"""Measures the record of years: to list it, and to verify it, by the commands."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from mission_control.records.artifact_store import ArtifactStore, stamp
from mission_control.records.model import Collection, RunFacts

RUNS = 50_000
MADE = "made"
"""Beside a root that was made whole, so that it is made only once."""
BEGAN = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
APART = timedelta(minutes=15)
FILES = {
    "heartbeats.json": b'{"agents":[' + b'{"agent_name":"a-service","state":"OK"},' * 30 + b"{}]}",
    "pods.json": b'{"pods":[]}',
}
Row = dict[str, object]


def measure_records() -> Iterator[Row]:
    """List and verify what 50,000 runs recorded; the record is kept below the temporary folder."""
    root = Path(tempfile.gettempdir()) / f"mission-control-bench-{os.getuid()}" / f"{RUNS}-runs"
    if not (root.parent / f"{root.name}.{MADE}").exists():
        make_record(root, RUNS)
        (root.parent / f"{root.name}.{MADE}").touch()
    for command in ("list", "verify"):
        yield {"command": f"artifacts {command}", "runs": RUNS, **_run(command, root)}


def make_record(root: Path, runs: int) -> None:
    """Record so many runs through the store, going on where one that was stopped had come to."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = ArtifactStore(root)
    store.sweep(BEGAN)
    folder = root / Collection.OPS_RUNS.value
    done = len(list(folder.iterdir())) if folder.is_dir() else 0
    synced, os.fsync = os.fsync, lambda _descriptor: None  # nothing is lost that is not made again
    try:
        for number in range(done, runs):
            _record(store, BEGAN + number * APART)
    finally:
        os.fsync = synced


def _record(store: ArtifactStore, at: datetime) -> None:
    versions = {"mission_control": "0.1.0", "python": "3.11", "git_sha": None}
    facts = RunFacts(
        job="intraday_sample",
        session_date=at.date(),
        trigger="schedule",
        command_line=("mission-control", "serve"),
        exit_code=0,
        started=at,
        finished=at + timedelta(seconds=1),
        versions=versions,
        config_digest="0" * 64,
        fleet_digest="1" * 64,
    )
    with store.writing(Collection.OPS_RUNS) as run:
        for name, content in FILES.items():
            run.write(name, content)
        run.record(facts, f"{stamp(at)}_{facts.job}")


def _run(command: str, root: Path) -> Row:
    arguments = [sys.executable, "-m", "mission_control", "artifacts", command, "--root", str(root)]
    began = time.perf_counter()
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.read().splitlines()
    _, status, used = os.wait4(process.pid, 0)
    return {
        "exit_code": os.waitstatus_to_exitcode(status),
        "said": said[-1] if said else "",
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        "wall_seconds": round(time.perf_counter() - began, 2),
        "peak_mb": round(used.ru_maxrss / 1024),
    }
