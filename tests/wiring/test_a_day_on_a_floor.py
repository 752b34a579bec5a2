"""A server on a simulated floor begins its planned runs by itself, and tells how they went."""

import asyncio
import json
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from mission_control.bootstrap.clock import real_clock
from mission_control.bootstrap.demo import demo_floor
from mission_control.bootstrap.jobs import is_offered
from mission_control.bootstrap.serve import connected
from mission_control.configuration.settings import Settings
from mission_control.floor import coverage as poll_coverage
from mission_control.model.fleet import Fleet
from mission_control.records.verification import verify
from mission_control.schedule import scheduler
from mission_control.schedule.model import Job
from mission_control.schedule.scheduler import DayScheduler

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
EIGHT_THIRTY = datetime(2026, 11, 18, 13, 30, tzinfo=UTC)
FLAGS: dict[str, object] = {"interval_seconds": 1}


@asynccontextmanager
async def serving(floor):
    """Watch a floor and keep its day; gives a client of the API."""
    async with connected(floor.settings, floor.clock, "DEMO", records=True) as parts:
        day = DayScheduler(parts.day, floor.clock, real_clock, time.monotonic)
        parts.day.beat = day.stalled
        tasks = [asyncio.create_task(parts.watch.run()), asyncio.create_task(day.run())]
        transport = httpx.ASGITransport(parts.application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client
        for task in tasks[::-1]:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def ended(client, job):
    """Wait until a run has ended; gives it as the API shows it."""
    async with asyncio.timeout(60):
        while True:
            document = (await client.get("/api/v1/schedule")).json()
            run = next(r for r in document["runs"] if r["job"] == job)
            if run["outcome"]:
                return run
            await asyncio.sleep(0.2)


async def test_the_run_of_half_past_eight_runs_at_half_past_eight():
    """Its evidence is not older than its plan, and its bundle tells the posture so far."""
    with demo_floor("calm", EIGHT_THIRTY - timedelta(seconds=4), 0, FLAGS) as floor:
        async with serving(floor) as client:
            run = await ended(client, "pre_market_readiness")
        folder = floor.settings.root / run["path"]
        account = json.loads((folder / "run.json").read_bytes())
        report = json.loads((folder / "readiness_report.json").read_bytes())
        timeline = json.loads((folder / "posture_timeline.json").read_bytes())
        whole = verify(floor.settings.root).intact

    assert "SUCCEEDED" == run["outcome"]
    assert report["evidence_utc"] >= run["planned_at"] >= "2026-11-18T13:30:00"
    assert ("schedule", "20261118T133000Z_pre_market") == (account["trigger"], folder.name)
    assert "MARKET_CLOSED" == timeline["changes"][-1]["data"]["after"]
    assert "2026-11-18T13:29:56" <= timeline["unwatched"][0]["end"] <= report["evidence_utc"]
    assert whole


@pytest.mark.parametrize("configured", [True, False])
def test_only_what_is_configured_is_promised(tmp_path, configured):
    """Without a place for it no copy is planned, and without a cluster no capture."""
    fleet = Fleet((), digest="0" * 64, source="x")
    place = tmp_path if configured else None
    settings = Settings(fleet=fleet, root=tmp_path, runbooks=tmp_path, durable_copy=place)

    assert configured is is_offered(settings, Job.DURABLE_COPY)
    assert not is_offered(settings, Job.LKG_CAPTURE)
    assert is_offered(settings, Job.RETENTION)


async def test_the_capture_of_five_o_clock_knows_its_build(monkeypatch):
    """Who built what runs is in the metadata, as it is when a person captures."""
    monkeypatch.setenv("BUILD_ID", "b-42")
    after_close = datetime(2026, 11, 18, 22, 0, 1, tzinfo=UTC)
    with demo_floor("calm", after_close, 0, FLAGS) as floor:
        async with serving(floor) as client:
            run = await ended(client, "lkg_capture")
        told = json.loads((floor.settings.root / run["path"] / "lkg_metadata.json").read_bytes())

    assert ("SUCCEEDED", "b-42") == (run["outcome"], told["build_id"])


async def test_a_planned_readiness_gives_go(monkeypatch):
    """
    On a floor that is well its verdict is GO, and stands.

    Fifteen minutes of watching are taken for granted here; their counting is tested elsewhere.
    """
    monkeypatch.setattr(poll_coverage, "WANTED", timedelta())
    with demo_floor("calm", EIGHT_THIRTY + timedelta(seconds=2), 0, FLAGS) as floor:
        async with serving(floor) as client:
            run = await ended(client, "pre_market_readiness")
            latest = (await client.get("/api/v1/readiness/latest")).json()

    assert ("SUCCEEDED", "GO") == (run["outcome"], run["detail"])
    assert ("GO", run["path"]) == (latest["verdict"], latest["report_path"])


async def test_without_fifteen_minutes_of_watching_it_is_no_go():
    """A server that has just started has not seen enough, and says so."""
    with demo_floor("calm", EIGHT_THIRTY + timedelta(seconds=1), 0, FLAGS) as floor:
        async with serving(floor) as client:
            run = await ended(client, "pre_market_readiness")
        report = json.loads(
            (floor.settings.root / run["path"] / "readiness_report.json").read_bytes()
        )
    stopping = [c["code"] for c in report["checks"] if c["status"] == "UNKNOWN" and c["blocks"]]

    assert ("SUCCEEDED", "NO-GO") == (run["outcome"], run["detail"])
    assert ["RC-703"] == stopping


async def test_a_floor_whose_clock_is_set_runs_what_is_due_then(monkeypatch):
    """Set to the end of an early close, its capture of 13:30 is run."""
    monkeypatch.setattr(scheduler, "BEAT_SECONDS", 1)
    with demo_floor("calm", EIGHT_THIRTY - timedelta(hours=3), 0, FLAGS) as floor:
        async with serving(floor) as client:
            floor.clock.set(datetime(2026, 11, 27, 18, 29, 58, tzinfo=UTC))
            run = await ended(client, "post_market_capture")

    assert ("2026-11-27", "SUCCEEDED") == (run["session_date"], run["outcome"])
    assert "2026-11-27 13:30:00 EST" == run["planned_at_et"]
