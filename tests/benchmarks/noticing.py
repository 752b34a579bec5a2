"""Measures what an operator notices: how old evidence gets, and how soon a failure is seen."""

import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import cast

import farm
from processes import Serving, Target, farm_targets, running_farm, serving

Row = dict[str, object]
INTERVAL, DEADLINE = 10.0, 3.0
VICTIMS = 10


def measure_ages() -> Iterator[Row]:
    """Measure fleets that are well, partly hung, and hurt in every way."""
    for mode, targets in ((farm.Mode.HEALTHY, 1_000), (farm.Mode.HUNG, 1_000)):
        yield _evidence_age(targets, mode, 2 * INTERVAL)
    yield _evidence_age(5_000, farm.Mode.MIXED, 4 * INTERVAL)


def measure_detections() -> Iterator[Row]:
    """Measure targets that hang, and targets that die."""
    chance = random.Random(4)
    yield _detection(100, farm.Mode.HEALTHY, signal.SIGSTOP, chance)
    yield _detection(1_000, farm.Mode.HUNG, signal.SIGSTOP, chance)
    yield _detection(1_000, farm.Mode.HUNG, signal.SIGKILL, chance)


def _evidence_age(targets: int, mode: farm.Mode, seconds: float) -> Row:
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


def _detection(targets: int, mode: farm.Mode, how: signal.Signals, chance: random.Random) -> Row:
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
            "aim_max_seconds": 1.0 if how is signal.SIGKILL else INTERVAL + DEADLINE + 0.5,
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
