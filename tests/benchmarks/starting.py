"""Measures starting: help, one look at a small floor, and a server until it answers."""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

import farm
import httpx
from processes import Serving, farm_targets, free_port, running_farm, write_fleet

RUNS, TARGETS = 7, 10
PATIENCE_SECONDS = 30.0
LOOKS_APART_SECONDS = 0.01
Row = dict[str, object]


def measure_starting() -> Iterator[Row]:
    """Start each command some times, with byte code that was compiled before."""
    with tempfile.TemporaryDirectory() as name, running_farm(farm.Mode.HEALTHY) as field:
        folder = Path(name)
        environ = _environ(folder)
        fleet = farm_targets(field.port, TARGETS, farm.Mode.HEALTHY)
        file = ["--fleet-file", str(write_fleet(folder, fleet))]
        yield {"command": "--help", **_repeat(["--help"], environ), "aim_cpu_seconds": 0.25}
        yield {
            "command": "status",
            "targets": TARGETS,
            **_repeat(["status", *file], environ),
            "aim_cpu_seconds": 1.0,
        }
        yield {"command": "serve", "targets": TARGETS, **_serve(file, folder, environ)}


def _environ(folder: Path) -> Mapping[str, str]:
    """Have byte code compiled once and kept, as after an installation."""
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    switch = folder / "EXECUTION_HALTED"
    switch.write_text("1\n")
    return {
        **environ,
        "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
        "MISSION_CONTROL_KILL_SWITCH_FILE": str(switch),
    }


def _command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "mission_control", *arguments]


def _repeat(arguments: Sequence[str], environ: Mapping[str, str]) -> Row:
    cpu, wall = list[float](), list[float]()
    for _ in range(RUNS + 1):
        before, began = _children(), time.perf_counter()
        subprocess.run(_command(arguments), env=environ, capture_output=True, check=False)
        wall.append(time.perf_counter() - began)
        cpu.append(_children() - before)
    return {"cpu_seconds": _told(cpu[1:]), "wall_seconds": _told(wall[1:])}


def _children() -> float:
    """Return the CPU time, in seconds, of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _serve(file: Sequence[str], folder: Path, environ: Mapping[str, str]) -> Row:
    """Start on a root that has a record, but for the first time, which is not counted."""
    took = [_time_to_livez(file, folder, environ) for _ in range(RUNS + 1)]
    wall, cpu = zip(*took[1:], strict=True)
    return {"livez_seconds": _told(wall), "aim_seconds": 1.5, "livez_cpu_seconds": _told(cpu)}


def _time_to_livez(
    file: Sequence[str], folder: Path, environ: Mapping[str, str]
) -> tuple[float, float]:
    """Return the seconds until it answered, and those of the processor that it used by then."""
    port = free_port()
    arguments = ["serve", *file, "--port", str(port), "--root", str(folder)]
    began = time.perf_counter()
    with (folder / "serve.log").open("w") as log:
        process = subprocess.Popen(_command(arguments), env=environ, stdout=log, stderr=log)
    try:
        ours = Serving(f"http://127.0.0.1:{port}", process.pid)
        while time.perf_counter() - began < PATIENCE_SECONDS:
            try:
                ours.get("/livez")
            except httpx.HTTPError:
                time.sleep(LOOKS_APART_SECONDS)
            else:
                return time.perf_counter() - began, ours.cpu_seconds()
        raise TimeoutError("Mission Control did not start; see serve.log")
    finally:
        process.terminate()
        process.wait(10)


def _told(took: Sequence[float]) -> Row:
    return {"least": round(min(took), 2), "median": round(median(took), 2)}
