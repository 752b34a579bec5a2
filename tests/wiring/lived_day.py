"""
A whole day is lived at speed, and what was recorded and answered of it is kept to be read.

The scheduler, the watch, the record, the history and the API are the real ones, on a simulated
floor that answers on loopback. Here services are asked every 36 s; with MISSION_CONTROL_WHOLE_DAY=1
as often as in the field, from 00:04 in New York on. MISSION_CONTROL_KEEP_DAY=FOLDER keeps what was
recorded and answered, to be read.
"""

import asyncio
import json
import logging
import os
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from mission_control.alerts.decide import replay
from mission_control.alerts.model import AlertQuery, AlertTransition
from mission_control.bootstrap import serve
from mission_control.bootstrap.demo import DemoFloor, demo_floor
from mission_control.bootstrap.serve import Parts, connected
from mission_control.configuration import agent_entry as agent_fields
from mission_control.floor import watch as watch_floor
from mission_control.history.alert_rows import AlertRows
from mission_control.history.database import open_engine
from mission_control.market_calendar.days import instant_of
from mission_control.probe import patience as loop_stalls
from mission_control.records.verification import verify
from mission_control.schedule.scheduler import DayScheduler
from tests.wiring.swift_time import SwiftLoop, live, one_time, seconds_until

WHOLE = bool(os.environ.get("MISSION_CONTROL_WHOLE_DAY"))
KEPT = os.environ.get("MISSION_CONTROL_KEEP_DAY")
MARKS = [pytest.mark.slow, pytest.mark.timeout(3600 if WHOLE else 900)]
BEGINS = time(0, 4) if WHOLE else time(8, 10)
MIDNIGHT = timedelta(days=1)
Document = Mapping[str, Any]


@dataclass
class Day:
    """A day while it is lived."""

    on: date
    loop: SwiftLoop
    floor: DemoFloor
    parts: Parts
    client: httpx.AsyncClient
    answers: dict[str, Any] = field(default_factory=dict[str, Any])

    async def until(self, clock: str, *, next_day: bool = False) -> None:
        """Live until a time of the day in New York."""
        at = instant_of(self.on + MIDNIGHT * next_day, time.fromisoformat(clock))
        await self.loop.pass_for(seconds_until(self.floor.clock, at))

    async def skip_to(self, clock: str, *, next_day: bool = False) -> None:
        """Set the clock to a time of the day: nothing is watched until then."""
        if not WHOLE:
            on = self.on + MIDNIGHT * next_day
            self.floor.clock.set(instant_of(on, time.fromisoformat(clock)))

    async def stage(self, scenario: str) -> None:
        """Put a scenario on."""
        wish = {"name": scenario, "at": self.floor.clock().isoformat()}
        async with httpx.AsyncClient() as client:
            (await client.post(f"{self.floor.control}/scenario", json=wish)).raise_for_status()

    async def ask(self, path: str, name: str, **params: str) -> None:
        """Ask the API, and keep what it answers."""
        answer = await self.client.get(path, params=params)
        self.answers[name] = answer.json() | {"http": answer.status_code}

    async def served(self, clock: str) -> None:
        """Live until a time, and keep the verdict that is served then."""
        await self.until(clock)
        await self.ask("/api/v1/readiness/latest", clock)


@dataclass(frozen=True)
class Lived:
    """A day that was lived: what was answered, what was recorded, and what was logged."""

    answers: Mapping[str, Any]
    root: Path
    log: Sequence[str]

    def told(self, clock: str) -> tuple[str, str, str]:
        """Give the verdict that was served at a time."""
        document = self.answers[clock]
        return document["verdict"], document["code"], document["detail"]

    def runs(self, job: str) -> Sequence[Path]:
        """Give the run directories whose name ends so, oldest first."""
        return sorted((self.root / "audit_artifacts/ops_runs").glob(f"*_{job}"))

    def read(self, job: str, name: str) -> Document:
        """Read a document of the only run of a job."""
        (run,) = self.runs(job)
        return json.loads((run / name).read_bytes())

    @property
    def events(self) -> Sequence[Document]:
        """Give every event, oldest first."""
        return [e for e in self.answers["events"]["events"][::-1] if "poll" not in e["type"]]

    @property
    def alerts(self) -> Sequence[AlertTransition]:
        """Give what became of alerts, oldest first."""
        engine = open_engine(self.root, None)
        page = AlertRows(engine, "mission-control").transitions(AlertQuery(limit=1000))
        engine.dispose()
        return page.transitions[::-1]

    @property
    def outcomes(self) -> Mapping[str, Mapping[str, int]]:
        """Give how the runs of each job ended, as the reconciliation counts them."""
        counted = dict[str, Counter[str]]()
        for run in self.read("session_reconciliation", "session_reconciliation.json")["runs"]:
            counted.setdefault(run["job"], Counter())[run["outcome"]] += 1
        return counted


async def lived(
    on: date, story: Callable[[Day], Awaitable[None]], folder: Path, loop: SwiftLoop
) -> Lived:
    """Live a day by its story, and keep what was recorded of it."""
    copy = folder / "copy"
    copy.mkdir(parents=True)
    flags: dict[str, object] = {"durable_copy": str(copy)}
    if not WHOLE:
        flags["interval_seconds"] = 36
    begins, now = instant_of(on, BEGINS), loop.time
    with (
        demo_floor("calm", begins, 0, flags, monotonic=now) as floor,
        one_time(loop, floor.clock),
    ):
        own = connected(floor.settings, floor.clock, "DEMO", records=True, monotonic=now)
        async with own as parts:
            day = DayScheduler(parts.day, floor.clock, floor.clock, loop.time)
            parts.day.beat = day.stalled
            tasks = [asyncio.create_task(parts.watch.run()), asyncio.create_task(day.run())]
            if parts.alerts is not None:
                tasks.append(asyncio.create_task(parts.alerts.run()))
            transport = httpx.ASGITransport(parts.application)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://localhost"
            ) as client:
                today = Day(on, loop, floor, parts, client)
                await readers_are_there(client)
                await story(today)
                await today.ask("/api/v1/events", "events", limit="500")
            for task in tasks[::-1]:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        shutil.copytree(floor.settings.root, folder / "root")
    return Lived(today.answers, folder / "root", ())


async def readers_are_there(client: httpx.AsyncClient) -> None:
    """Wait until the process that reads the past answers: a day begins with everything up."""
    async with asyncio.timeout(120):
        while (await client.get("/api/v1/timeline")).status_code != httpx.codes.OK:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


def live_a_day(on: date, story: Callable[[Day], Awaitable[None]], folder: Path) -> Lived:
    """Live a day, with services asked less often unless the whole of it is wanted."""
    log = Lines()
    with pytest.MonkeyPatch.context() as patch:
        if not WHOLE:
            patch.setattr(agent_fields, "GATING_INTERVAL_SECONDS", 36.0)
            patch.setattr(watch_floor, "DECIDE_SECONDS", 2.4)
            patch.setattr(watch_floor, "STORE_SECONDS", 30.0)
            patch.setattr(watch_floor, "SWITCH_SECONDS", 20.0)
            patch.setattr(serve, "CLUSTER_SECONDS", 54.0)
            patch.setattr(loop_stalls, "BEAT_SECONDS", 5.0)
            patch.setattr(replay, "STARTING", timedelta(seconds=75))

        async def swiftly(loop: SwiftLoop) -> Lived:
            return await lived(on, story, folder, loop)

        own = logging.getLogger("mission_control")
        level = own.level
        own.addHandler(log)
        own.setLevel(logging.INFO)
        try:
            told = live(swiftly)
        finally:
            own.removeHandler(log)
            own.setLevel(level)
    return keep(Lived(told.answers, told.root, log.lines), folder)


class Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        super().__init__()
        self.lines = list[str]()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.lines.append(f"{record.levelname} {record.getMessage()}")


def keep(day: Lived, folder: Path) -> Lived:
    """Keep what a person wants to read, where that is asked for."""
    if KEPT:
        place = Path(KEPT) / folder.name
        shutil.copytree(folder, place, dirs_exist_ok=True)
        (place / "answers.json").write_text(json.dumps(day.answers, indent=1))
        (place / "log.txt").write_text("\n".join(day.log))
    return day


RUNS = {
    "pre_market_readiness": 1,
    "pre_open_readiness": 1,
    "open_verification": 1,
    "post_market_capture": 1,
    "lkg_capture": 1,
    "no_execution_attestation": 1,
    "retention_report": 1,
    "durable_copy": 1,
}


def check_runs(day: Lived, samples: int) -> None:
    """Each run is planned, begins at its time, succeeds in time, and is recorded as it was."""
    expected = RUNS | {"intraday_sample": samples}
    planned = json.loads((day.runs("session_plan")[0] / "session_plan.json").read_bytes())

    assert {job: {"SUCCEEDED": n} for job, n in expected.items()} == day.outcomes
    assert expected == Counter(r["job"] for r in planned["runs"])
    assert verify(day.root).intact
    for run in day.read("session_reconciliation", "session_reconciliation.json")["runs"]:
        told = json.loads((day.root / run["path"] / "run.json").read_bytes())
        assert run["planned_at"] <= told["started"] <= told["finished"] <= run["deadline"]


def check_attested(day: Lived, hours: float) -> None:
    """No execution was observed, and every second of the session was seen."""
    told = day.read("no_execution_attestation", "attestation.json")

    assert "NO_EXECUTION_OBSERVED" == told["conclusion"]
    assert [] == told["gaps"]
    assert hours * 3600 == told["coverage"]["session_seconds"]
    assert 100 == told["coverage"]["observed_percent"]
