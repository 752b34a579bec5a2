"""Measures readiness end to end: three rounds without waiting, judged and recorded."""

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[2]))

from mission_control.simulation.clock import SimulatedClock
from mission_control.simulation.floor import SimulatedFloor
from mission_control.simulation.loopback import FloorOnLoopback
from mission_control.simulation.roster import fleet_document

RUNS = 7
Row = dict[str, object]


def measure_readiness() -> Row:
    """Run the command as cron would, on the simulated floor and cluster; starting it included."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        floor = SimulatedFloor(SimulatedClock(datetime.now(UTC)), "calm")
        with FloorOnLoopback(floor, 0, folder / "EXECUTION_HALTED") as loopback:
            loopback.write_kubeconfig(folder / "kubeconfig.yaml")
            document = fleet_document(loopback.base_urls, str(folder / "kubeconfig.yaml"))
            (folder / "fleet.yaml").write_text(document)
            took = [_run(folder) for _ in range(RUNS)]
        bare = [_timed(["--version"], folder) for _ in range(RUNS)]
        return {
            "rounds": 3,
            "wall_ms": round(median(took) * 1000),
            "starting_python_alone_ms": round(median(bare) * 1000),
            "aim_ms": 1000,
        }


def _run(folder: Path) -> float:
    took = _timed(["readiness", "--apart", "0", "--json"], folder)
    report = json.loads((folder / "audit_artifacts/readiness_report.json").read_bytes())
    if len(report["checks"]) < 30:
        raise RuntimeError("readiness was not judged whole")
    return took


def _timed(arguments: list[str], folder: Path) -> float:
    environ = {
        **os.environ,
        "MISSION_CONTROL_FLEET_FILE": str(folder / "fleet.yaml"),
        "MISSION_CONTROL_KILL_SWITCH_FILE": str(folder / "EXECUTION_HALTED"),
        "MISSION_CONTROL_ROOT": str(folder),
    }
    command = [sys.executable, "-m", "mission_control", *arguments]
    began = time.perf_counter()
    subprocess.run(command, env=environ, capture_output=True, check=False)
    return time.perf_counter() - began
