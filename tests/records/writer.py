"""
Processes that record runs as fast as they can until they are killed.

Starting Python takes longer than a run, so one process imports everything and forks a writer
for each line it is told: how many runs to record below the root. A writer tells its own number
first and then each run once it was acknowledged.
"""

import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from mission_control.records.artifact_store import ArtifactStore
from mission_control.records.model import Collection
from tests.records.runs import NOW, facts, record

VIEW = {"readiness_report.md": b"x" * 9000}


def tell(line: str) -> None:
    """Write a line at once, so that it is whole or was never told."""
    os.write(1, f"{line}\n".encode())


def write(root: Path, count: int) -> None:
    """Sweep as a start does, then record runs."""
    tell(f"writer {os.getpid()}")
    ArtifactStore(root).sweep(NOW)
    for number in range(count):
        at = NOW + timedelta(seconds=number // 7)
        files = {"posture.json": b"{}" * 700, f"logs/{number % 3}.log": b"line\n" * 4000}
        tell(f"run {record(root, at, files, latest=VIEW).path}")
        if number % 5 == 0:
            name, both = "20261120T133000Z_replay", {".md": (b"# r",), ".json": (b"{}",)}
            entry = ArtifactStore(root).write_files(Collection.REPLAYS, name, both, facts(at))
            tell(f"run {entry.path}")
    tell(f"done {os.getpid()}")


def main() -> None:
    """Fork a writer for each line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if os.fork() == 0:
            write(Path(sys.argv[1]), int(line))
            os._exit(0)


if __name__ == "__main__":
    main()
