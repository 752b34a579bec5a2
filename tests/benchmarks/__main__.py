"""
`make bench`: what a poll costs, how old the oldest evidence is, how fast a failure is seen.

Everything compared is measured in the same run and at the same time, because the machine
drifts: only ratios count. Nothing here asserts; it reports.
"""

import argparse
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import cast

sys.path.insert(0, str(Path(__file__).parent))

import farm
from cluster import measure_cluster
from processes import (
    HERE,
    Serving,
    Target,
    farm_targets,
    report_of,
    running_farm,
    serving,
    start_poller,
)
from readers import measure_readers
from readiness import measure_readiness
from starting import measure_starting

Row = dict[str, object]
INTERVAL = 10.0
DEADLINE = 3.0
VICTIMS = 10


def cost(targets: int, rounds: int) -> Row:
    """Measure CPU per target and round: ours all-in, bare aiohttp and raw Protocols beside it."""
    with tempfile.TemporaryDirectory() as root, running_farm(farm.Mode.HEALTHY) as field:
        fleet = farm_targets(field.port, targets, farm.Mode.HEALTHY)
        with serving(fleet, INTERVAL, Path(root)) as ours:
            time.sleep(INTERVAL + 1)
            about = {"targets": targets, "interval": INTERVAL, "rounds": rounds}
            others = [
                start_poller(name, field.port, sweep=sweep, **about)
                for sweep in (False, True)
                for name in ("protocol", "aiohttp")
            ]
            time.sleep(INTERVAL)
            before = ours.cpu_seconds()
            time.sleep(INTERVAL * rounds)
            used = ours.cpu_seconds() - before
            protocol, aiohttp, protocol_sweep, aiohttp_sweep = (
                report_of(p)["cpu_us_per_target"] for p in others
            )
            mine = used / (targets * rounds) * 1e6
            return {
                "targets": targets,
                "protocol_us": round(protocol, 1),
                "aiohttp_us": round(aiohttp, 1),
                "mission_control_us": round(mine, 1),
                "times_aiohttp": round(mine / aiohttp, 2),
                "times_protocol": round(mine / protocol, 1),
                "protocol_sweep_us": round(protocol_sweep, 1),
                "aiohttp_sweep_us": round(aiohttp_sweep, 1),
                "times_aiohttp_sweep": round(mine / aiohttp_sweep, 2),
                "rss_mb": round(ours.rss_mb()),
            }


def evidence_age(targets: int, mode: farm.Mode, seconds: float) -> Row:
    """Measure how old the oldest reading gets, hung and refused ones included."""
    with (
        tempfile.TemporaryDirectory() as root,
        running_farm(mode) as field,
        serving(farm_targets(field.port, targets, mode), INTERVAL, Path(root)) as ours,
    ):
        time.sleep(INTERVAL + DEADLINE + 2)
        before, began = ours.cpu_seconds(), time.monotonic()
        oldest = list[float]()
        while time.monotonic() - began < seconds:
            oldest.append(_oldest_poll(ours))
            time.sleep(1.0)
        share = (ours.cpu_seconds() - before) / (time.monotonic() - began)
        return {
            "targets": targets,
            "mode": mode.value,
            "oldest_seconds": round(max(oldest), 2),
            "aim_seconds": INTERVAL + DEADLINE + 0.5,
            "core_percent": round(share * 100, 1),
            "rss_mb": round(ours.rss_mb()),
        }


def _oldest_poll(ours: Serving) -> float:
    document = ours.get("/api/v1/agents")
    agents = cast("Sequence[dict[str, str]]", document["agents"])
    now = time.time()
    return now - min(datetime.fromisoformat(a["last_poll_at"]).timestamp() for a in agents)


def detection(targets: int, mode: farm.Mode, how: signal.Signals, chance: random.Random) -> Row:
    """Measure how long after a target is stopped or killed the API says so, ten times."""
    with ExitStack() as s:
        root = Path(s.enter_context(tempfile.TemporaryDirectory()))
        field = s.enter_context(running_farm(mode))
        addresses = [farm.address_of(240_000 + i) for i in range(VICTIMS)]
        victims = [s.enter_context(running_farm(farm.Mode.HEALTHY, a)) for a in addresses]
        names = [
            Target(farm.name_of(240_000 + i), f"http://{a}:{v.port}")
            for i, (a, v) in enumerate(zip(addresses, victims, strict=True))
        ]
        fleet = [*farm_targets(field.port, targets, mode), *names]
        ours = s.enter_context(serving(fleet, INTERVAL, root))
        time.sleep(INTERVAL + DEADLINE + 2)
        took = [
            *_hurt(
                ours,
                [(n.name, _sender(v.process, how)) for n, v in zip(names, victims, strict=True)],
                chance,
            )
        ]
        return {
            "targets": targets,
            "mode": mode.value,
            "signal": how.name,
            "median_seconds": round(median(took), 2),
            "max_seconds": round(max(took), 2),
        }


def _sender(process: subprocess.Popen[str], how: signal.Signals) -> Callable[[], None]:
    return lambda: process.send_signal(how)


def _hurt(
    ours: Serving, victims: Sequence[tuple[str, Callable[[], None]]], chance: random.Random
) -> Sequence[float]:
    """Hurt each victim at a moment of its own and time how long its state stays OK."""
    began = time.monotonic()
    due = {name: began + chance.uniform(0, INTERVAL) for name, _ in victims}
    acts = dict(victims)
    hurt = dict[str, float]()
    took = dict[str, float]()
    while len(took) < len(victims) and time.monotonic() - began < 5 * INTERVAL:
        for name, at in due.items():
            if name not in hurt and time.monotonic() >= at:
                acts[name]()
                hurt[name] = time.monotonic()
        for name in hurt.keys() - took.keys():
            document = cast("dict[str, str]", ours.get(f"/api/v1/agents/{name}")["agent"])
            if document["state"] != "OK":
                took[name] = time.monotonic() - hurt[name]
        time.sleep(0.02)
    return list(took.values())


def answers(targets: int, seconds: float) -> list[Row]:
    """Measure answers per second and p99 of the two hot endpoints while polling."""
    with tempfile.TemporaryDirectory() as root, running_farm(farm.Mode.HEALTHY) as field:
        fleet = farm_targets(field.port, targets, farm.Mode.HEALTHY)
        with serving(fleet, INTERVAL, Path(root)) as ours:
            time.sleep(INTERVAL + 1)
            rows = list[Row]()
            for path in ("/api/v1/posture", "/api/v1/agents"):
                command = [sys.executable, str(HERE / "load.py"), ours.url + path]
                command += ["--seconds", str(seconds)]
                told = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
                figures = {k: round(v, 1) for k, v in json.loads(told).items()}
                rows.append({"path": path, "targets": targets, **figures})
            return rows


def main() -> int:
    """Run what was asked for and print a line of JSON for each row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--targets", nargs="*", type=int, default=[100, 1_000, 5_000])
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print(f"# {os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}")
    for name in given.part:
        for row in PARTS[name](given):
            print(json.dumps({"part": name, **row}), flush=True)
    return 0


def _ages() -> Iterator[Row]:
    for mode, targets in ((farm.Mode.HEALTHY, 1_000), (farm.Mode.HUNG, 1_000)):
        yield evidence_age(targets, mode, 2 * INTERVAL)
    yield evidence_age(5_000, farm.Mode.MIXED, 4 * INTERVAL)


def _detections() -> Iterator[Row]:
    chance = random.Random(4)
    yield detection(100, farm.Mode.HEALTHY, signal.SIGSTOP, chance)
    yield detection(1_000, farm.Mode.HUNG, signal.SIGSTOP, chance)
    yield detection(1_000, farm.Mode.HUNG, signal.SIGKILL, chance)


PARTS: dict[str, Callable[[argparse.Namespace], Iterable[Row]]] = {
    "cost": lambda given: (cost(n, given.rounds) for n in given.targets),
    "age": lambda _given: _ages(),
    "detection": lambda _given: _detections(),
    "answers": lambda _given: answers(1_000, 10),
    "readers": lambda _given: measure_readers(),
    "readiness": lambda _given: iter([measure_readiness()]),
    "start": lambda _given: measure_starting(),
    "cluster": lambda _given: (measure_cluster(*size) for size in ((60, 60), (60, 1_000))),
}


if __name__ == "__main__":
    sys.exit(main())
