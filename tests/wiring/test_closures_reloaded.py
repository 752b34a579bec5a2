"""A server takes a changed closures file: judged, told, planned and recorded, without a restart."""

import asyncio
import hashlib
import json
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from mission_control.bootstrap.clock import real_clock
from mission_control.bootstrap.demo import demo_floor
from mission_control.bootstrap.serve import connected
from mission_control.floor import coverage as poll_coverage
from mission_control.records.verification import verify
from mission_control.schedule import scheduler
from mission_control.schedule.scheduler import DayScheduler

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
TEN = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)
EIGHT_THIRTY = datetime(2026, 11, 18, 13, 30, tzinfo=UTC)
NONE = "closures: []\n"
CLOSED = (
    "closures:\n"
    "  - {date: 2026-11-18, kind: closed, source: notice, announced: 2026-11-18, entered_by: ops}\n"
)
EARLY = CLOSED.replace("kind: closed", "kind: early_close, close: '13:00'")


def digest_of(text):
    """Give the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def closures(tmp_path):
    """Give a closures file in which nothing is announced."""
    path = tmp_path / "closures.yaml"
    path.write_text(NONE)
    return path


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Let what is due be looked for sooner than in the field."""
    monkeypatch.setattr(scheduler, "TEND_SECONDS", 1)
    monkeypatch.setattr(scheduler, "BEAT_SECONDS", 1)


@asynccontextmanager
async def serving(closures, at):
    """Serve a calm floor with this closures file; gives a client and the root."""
    flags = {"interval_seconds": 1, "closures_file": str(closures)}
    with demo_floor("calm", at, 0, flags) as floor:
        async with connected(floor.settings, floor.clock, "DEMO", records=True) as parts:
            day = DayScheduler(parts.day, floor.clock, real_clock, time.monotonic)
            parts.day.beat = day.stalled
            tasks = [asyncio.create_task(parts.watch.run()), asyncio.create_task(day.run())]
            transport = httpx.ASGITransport(parts.application)
            client = httpx.AsyncClient(transport=transport, base_url="http://localhost")
            async with client:
                await until(client, "/api/v1/posture", lambda d: d["posture"] != "HALTED")
                yield client, floor.settings.root
            for task in tasks[::-1]:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


async def until(client, path, holds):
    """Ask until the answer is so; gives it."""
    async with asyncio.timeout(60):
        while True:
            answer = await client.get(path)
            if answer.status_code == 200 and holds(answer.json()):
                return answer.json()
            await asyncio.sleep(0.1)


async def reload_event(client, kind="files.reloaded"):
    """Wait for the event of a reload; gives the newest."""
    path = "/api/v1/events/recent?limit=100"
    found = await until(client, path, lambda d: any(e["type"] == kind for e in d["events"]))
    return next(e for e in found["events"] if e["type"] == kind)


def plans(root):
    """Give every plan that was recorded, in order."""
    found = sorted(root.rglob("session_plan.json"), key=lambda p: p.stat().st_mtime_ns)
    return [json.loads(path.read_bytes()) for path in found]


def runs_of(plan, job):
    """Give when a job is planned in New York, and whether it is skipped."""
    return [
        (r["planned_at_et"][11:16], bool(r["skipped"])) for r in plan["runs"] if r["job"] == job
    ]


async def test_a_closure_closes_the_running_session(closures):
    """The session ends, the event pages with both digests, and what was planned is skipped."""
    async with serving(closures, TEN) as (client, root):
        before = (await client.get("/api/v1/session")).json()["session"]["phase"]
        closures.write_text(CLOSED)
        event = await reload_event(client)
        posture = await until(
            client, "/api/v1/posture", lambda d: d["session"]["phase"] == "CLOSED_HOLIDAY"
        )
        day = await until(
            client,
            "/api/v1/schedule",
            lambda d: runs_of(d, "post_market_capture") == [("16:30", True)],
        )
        async with asyncio.timeout(60):
            while len(plans(root)) < 2:  # noqa: ASYNC110  (files have no event to wait for)
                await asyncio.sleep(0.1)
        kept = await until(
            client,
            "/api/v1/events",
            lambda d: any(e["type"] == "files.reloaded" for e in d["events"]),
        )
        slo = await client.get("/api/v1/slo")
        readiness = (await client.get("/api/v1/readiness/latest")).json()
        recorded, whole = plans(root), verify(root).intact

    assert "OPEN" == before
    assert ("P1", digest_of(NONE), digest_of(CLOSED)) == (
        event["severity"],
        event["data"]["before"],
        event["data"]["after"],
    )
    assert ("OPEN", "CLOSED_HOLIDAY") == (
        event["data"]["phase_before"],
        event["data"]["phase_after"],
    )
    assert "MARKET_CLOSED" == posture["posture"]
    assert "NO-GO" == readiness["verdict"]
    assert not any(r["job"] == "intraday_sample" for r in day["runs"] if not r["outcome"])
    assert [[("16:30", False)], [("16:30", True)]] == [
        runs_of(p, "post_market_capture") for p in recorded
    ]
    assert kept["events"]
    assert 200 == slo.status_code
    assert whole


async def test_an_early_close_moves_what_follows_it(closures):
    """A close at 13:00 plans the evening half an hour after it, and no sample beyond it."""
    async with serving(closures, TEN) as (client, root):
        closures.write_text(EARLY)
        event = await reload_event(client)
        day = await until(
            client,
            "/api/v1/schedule",
            lambda d: runs_of(d, "post_market_capture") == [("13:30", False)],
        )
        session = (await client.get("/api/v1/session")).json()["session"]
        async with asyncio.timeout(60):
            while len(plans(root)) < 2:  # noqa: ASYNC110  (files have no event to wait for)
                await asyncio.sleep(0.1)
        recorded = plans(root)

    assert "P2" == event["severity"]
    assert ("OPEN", True) == (session["phase"], session["early_close"])
    assert "12:45" == max(at for at, _ in runs_of(day, "intraday_sample"))
    assert [[("16:30", False)], [("13:30", False)]] == [
        runs_of(p, "post_market_capture") for p in recorded
    ]


async def test_go_does_not_outlive_a_session_that_was_closed(closures, monkeypatch):
    """A session that is closed and opened again by mistake needs another readiness (R13.2)."""
    monkeypatch.setattr(poll_coverage, "WANTED", timedelta())
    path = "/api/v1/readiness/latest"
    async with serving(closures, EIGHT_THIRTY + timedelta(seconds=2)) as (client, _):
        await until(client, path, lambda d: d["verdict"] == "GO")
        closures.write_text(CLOSED)
        closed = await until(client, path, lambda d: d["code"] == "SESSION_CLOSED")
        closures.write_text(NONE)
        opened = await until(client, path, lambda d: d["code"] != "SESSION_CLOSED")
        phase = (await client.get("/api/v1/session")).json()["session"]["phase"]

    assert "NO-GO" == closed["verdict"]
    assert ("NO-GO", "READINESS_EXPIRED", "PRE_MARKET") == (
        opened["verdict"],
        opened["code"],
        phase,
    )
    assert "by the calendar in force" in opened["detail"]


@pytest.mark.parametrize(
    "hurt",
    [
        pytest.param(lambda p: p.write_text(CLOSED[:60]), id="half written"),
        pytest.param(lambda p: p.unlink(), id="gone"),
    ],
)
async def test_closures_that_cannot_be_read_leave_no_session(closures, hurt):
    """
    The phase is UNKNOWN, which gates as OPEN, says why, and is over once it is well (R13.1).
    """
    async with serving(closures, TEN - timedelta(hours=12)) as (client, root):
        calm = (await client.get("/api/v1/posture")).json()
        hurt(closures)
        event = await reload_event(client, "files.reload_failed")
        doubted = await until(
            client, "/api/v1/posture", lambda d: d["session"]["phase"] == "UNKNOWN"
        )
        number = doubted["sequence"]
        later = await until(client, "/api/v1/posture", lambda d: d["sequence"] > number)
        plan_stays = len(plans(root))
        closures.write_text(NONE)
        healed = await until(
            client, "/api/v1/posture", lambda d: d["session"]["phase"] != "UNKNOWN"
        )
        told = await reload_event(client)
        # The past is what was decided then, although the doubt is over by the time it is asked.
        then = await until(client, f"/api/v1/posture?at={later['at']}", bool)

    codes = {r["code"]: r for r in doubted["reasons"]}
    assert ("MARKET_CLOSED", "HALTED", "MARKET_CLOSED") == (
        calm["posture"],
        doubted["posture"],
        healed["posture"],
    )
    assert {"CALENDAR_UNKNOWN", "RELOAD_FAILED"} <= codes.keys()
    assert "the closures file changed" in codes["RELOAD_FAILED"]["detail"]
    assert ("P1", digest_of(NONE)) == (event["severity"], event["data"]["before"])
    assert ("P1", digest_of(NONE)) == (told["severity"], told["data"]["after"])
    assert 1 == plan_stays
    assert ("HALTED", "UNKNOWN") == (then["posture"], then["session"]["phase"])


async def test_a_fleet_file_needs_a_restart(closures):
    """A fleet file that changes while we serve is not taken: its digest stays (R13.1)."""
    async with serving(closures, TEN) as (client, root):
        before = (await client.get("/api/v1/posture")).json()
        fleet = root / "fleet.yaml"
        changed = fleet.read_text() + "# changed\n"
        fleet.write_text(changed)
        closures.write_text(EARLY)
        await reload_event(client)
        number = (await client.get("/api/v1/posture")).json()["sequence"]
        after = await until(client, "/api/v1/posture", lambda d: d["sequence"] > number)

    assert before["fleet"]["digest"] == after["fleet"]["digest"]
    assert digest_of(changed.removesuffix("# changed\n")) == after["fleet"]["digest"]
