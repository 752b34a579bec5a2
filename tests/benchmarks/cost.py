"""Measures what rounds cost: beside other pollers, when everything fails, and to the loop."""

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import farm
from processes import (
    HERE,
    Farm,
    Manner,
    Serving,
    farm_targets,
    report_of,
    running_farm,
    serving,
    start_poller,
)

Row = dict[str, object]
INTERVAL, DEADLINE = 10.0, 3.0
SELDOM = 37.0
"""As seldom as a service may be asked: with its deadline 40 s."""
DECIDING_TOLD_UP_TO = 100
SETTLED, LARGE_SETTLED = 2.3, 6.0
"""After so many rounds nothing is news any more that every start has; on a large floor later."""
AIMS = {1_000: 1.8, 5_000: 2.0}
"""Times the raw Protocol, by how many targets."""
AIM_DECIDING_PERCENT, AIM_MB = 1.0, 100
LARGE = 1_000
"""A floor of more targets is a large one."""


def measure_cost(targets: int, rounds: int) -> Row:
    """Measure CPU per target and round: ours all-in, bare aiohttp and raw Protocols beside it."""
    with ExitStack() as s:
        port = s.enter_context(running_farm(farm.Mode.HEALTHY)).port
        fleet = farm_targets(port, targets, farm.Mode.HEALTHY)
        roots = [Path(s.enter_context(tempfile.TemporaryDirectory())) for _ in range(2)]
        seldom = None
        if targets <= DECIDING_TOLD_UP_TO:
            seldom = s.enter_context(serving(fleet, SELDOM, roots[0]))
            time.sleep((SELDOM - INTERVAL) * SETTLED)
        ours = s.enter_context(serving(fleet, INTERVAL, roots[1]))
        time.sleep(INTERVAL * _settled(targets))
        about = {"targets": targets, "interval": INTERVAL, "rounds": rounds}
        others = {name: start_poller(name, port, **about) for name in POLLERS}
        time.sleep(INTERVAL)
        watching = [each for each in (ours, seldom) if each is not None]
        used = _used_by(watching, INTERVAL * rounds)
        told = {name: report_of(process) for name, process in others.items()}
        us = {name: report["cpu_us_per_target"] for name, report in told.items()}
        mine = used[0] / (targets * rounds) * 1e6
        return {
            "targets": targets,
            **{f"{name}_us": round(value, 1) for name, value in us.items()},
            "mission_control_us": round(mine, 1),
            "times_protocol": round(mine / us["protocol"], 2),
            "aim_times_protocol": AIMS.get(targets),
            "times_held": round(mine / us["held"], 2),
            "times_aiohttp": round(mine / us["aiohttp"], 2),
            "failed": {name: report["failed"] for name, report in told.items()},
            **(_deciding(used[0], used[1], INTERVAL * rounds) if seldom else {}),
            "rss_mb": round(ours.rss_mb()),
            "aim_rss_mb": AIM_MB if targets <= LARGE else None,
            "children_mb": round(ours.children_mb()),
        }


POLLERS = ("protocol", "held", "aiohttp")


def _settled(targets: int) -> float:
    return SETTLED if targets <= LARGE else LARGE_SETTLED


def _used_by(watched: Sequence[Serving], seconds: float) -> list[float]:
    """Return the seconds of the processor that each uses in so many seconds."""
    before = [each.cpu_seconds() for each in watched]
    time.sleep(seconds)
    return [each.cpu_seconds() - used for each, used in zip(watched, before, strict=True)]


def _deciding(often: float, seldom: float, seconds: float) -> Row:
    """
    Tell what would be used if nothing were asked: what asking costs is taken off.

    The same fleet was asked every 10 s and every 37 s in the same time. What the two differ by is
    what asking the more often costs, in proportion.
    """
    asking = (often - seldom) / (1 - INTERVAL / SELDOM)
    return {
        "core_percent": round(100 * often / seconds, 2),
        "asked_seldom_core_percent": round(100 * seldom / seconds, 2),
        "deciding_core_percent": round(100 * (often - asking) / seconds, 2),
        "aim_deciding_core_percent": AIM_DECIDING_PERCENT,
    }


FAILING = (farm.Conduct.REFUSES, farm.Conduct.MISSES, farm.Conduct.HANGS, farm.Conduct.FAILS)
FALLING_SECONDS = INTERVAL + DEADLINE + 3
"""By then each has been asked, and asked again after its first silence."""


@dataclass(frozen=True, slots=True)
class _Watched:
    """A farm, and who watches it."""

    field: Farm
    ours: Serving


def measure_failing(targets: int, rounds: int) -> Iterator[Row]:
    """
    Measure fleets in which every target fails, each in its own way, beside one that is well.

    All are well at first. What the failure itself costs is told apart from what it costs to go
    on asking those that failed.
    """
    with ExitStack() as s:
        well, *failing = [_watch(s, targets) for _ in range(1 + len(FAILING))]
        everyone = [well, *failing]
        time.sleep(INTERVAL * _settled(targets))
        for conduct, each in zip(FAILING, failing, strict=True):
            each.field.tell(conduct)
        at_first = _used_by([each.ours for each in everyone], FALLING_SECONDS)
        later = _used_by([each.ours for each in everyone], INTERVAL * rounds)
        for number, (conduct, each) in enumerate(zip(FAILING, failing, strict=True), start=1):
            yield {
                "targets": targets,
                "all": conduct.value,
                "mission_control_us": round(later[number] / (targets * rounds) * 1e6, 1),
                "well_us": round(later[0] / (targets * rounds) * 1e6, 1),
                "times_well": round(later[number] / later[0], 2),
                "aim_times_well": 1.0,
                "times_well_as_they_fail": round(at_first[number] / at_first[0], 2),
                "seen": _codes(each.ours),
            }


def _watch(s: ExitStack, targets: int) -> _Watched:
    field = s.enter_context(running_farm(farm.Mode.HEALTHY))
    root = Path(s.enter_context(tempfile.TemporaryDirectory()))
    fleet = farm_targets(field.port, targets, farm.Mode.HEALTHY)
    return _Watched(field, s.enter_context(serving(fleet, INTERVAL, root)))


def _codes(ours: Serving) -> dict[str, int]:
    """Count the services by their state and its first reason."""
    agents = cast("Sequence[dict[str, object]]", ours.get("/api/v1/agents")["agents"])
    told = Counter[str]()
    for agent in agents:
        reasons = cast("Sequence[dict[str, str]]", agent["reasons"])
        told[f"{agent['state']} {reasons[0]['code'] if reasons else ''}".rstrip()] += 1
    return dict(told)


def measure_loop(targets: int, seconds: float) -> Iterator[Row]:
    """Measure for how long the event loop is held while it watches, well and hurt in every way."""
    for mode in (farm.Mode.HEALTHY, farm.Mode.MIXED):
        with tempfile.TemporaryDirectory() as name, running_farm(mode) as field:
            root, beats = Path(name), Path(name) / "beats.txt"
            fleet = farm_targets(field.port, targets, mode)
            with serving(fleet, INTERVAL, root, Manner(beats)):
                time.sleep(INTERVAL * _settled(targets))
                began = time.monotonic()
                time.sleep(seconds)
                yield {
                    "targets": targets,
                    "mode": mode.value,
                    **held_up(beats, began, time.monotonic()),
                    "aim_ms": 20,
                }


def held_up(beats: Path, began: float, ended: float) -> Row:
    """
    Tell from the beats how late the loop was at most, and how much it worked for its own.

    It cannot be held for longer than it worked; what it is late beyond that is the machine's.
    """
    late = [
        (float(late) * 1000, float(own) * 1000)
        for at, late, own in (line.split() for line in beats.read_text().splitlines())
        if began <= float(at) <= ended
    ]
    return {
        "loop_late_max_ms": round(max((late for late, _ in late), default=0.0), 1),
        "loop_own_work_max_ms": round(max((own for _, own in late), default=0.0), 1),
    }


def measure_answers(targets: int, seconds: float, per_second: int) -> Iterator[Row]:
    """Measure p99 of a paced load, and how much the two hot endpoints can, while polling."""
    with tempfile.TemporaryDirectory() as root, running_farm(farm.Mode.HEALTHY) as field:
        fleet = farm_targets(field.port, targets, farm.Mode.HEALTHY)
        with serving(fleet, INTERVAL, Path(root)) as ours:
            time.sleep(INTERVAL + 1)
            for path, paced in (
                ("/api/v1/posture", per_second),
                ("/api/v1/posture", None),
                ("/api/v1/agents", None),
            ):
                command = [sys.executable, str(HERE / "load.py"), ours.url + path]
                command += ["--seconds", str(seconds)]
                command += ["--per-second", str(paced)] if paced else []
                told = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
                figures = {k: round(v, 1) for k, v in json.loads(told).items()}
                row: Row = {"path": path, "targets": targets, "paced": paced, **figures}
                yield row | ({"aim_p99_ms": 25} if paced else {})
