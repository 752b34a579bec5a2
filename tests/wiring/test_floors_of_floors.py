"""One Mission Control lists others, over real sockets; how soon a halt is seen, by its own time."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from mission_control.bootstrap.demo import demo_floor
from mission_control.bootstrap.serve import connected
from mission_control.configuration.settings import load_settings
from mission_control.floors.model import FloorsSeen
from mission_control.model.fleet import OTHER_FLOOR_SECONDS
from mission_control.simulation.loopback import Doorway
from mission_control.simulation.other_floors import Conduct
from tests.wiring.swift_time import live, one_time

pytestmark = pytest.mark.anyio
AT = datetime(2026, 11, 18, 15, 15, tzinfo=UTC)
FIFTY = 50
DEADLINE_SECONDS = 3.0


@dataclass(frozen=True)
class Lived:
    """What was shown of fifty floors: all well, with one halt, and when all sorts went wrong."""

    calm: dict
    began: datetime
    halted: FloorsSeen
    answer: dict
    hurt: FloorsSeen
    metrics: str


HURT = {
    "floor-01": (Conduct.HUNG, "UNKNOWN", "TIMEOUT"),
    "floor-02": (Conduct.FAILS, "UNKNOWN", "HTTP_503"),
    "floor-03": (Conduct.GARBLED, "UNKNOWN", "NOT_JSON"),
    "floor-04": (Conduct.AHEAD, "UNKNOWN", "CLOCK_SKEW"),
    "floor-05": (Conduct.STALLED, "HALTED", "POLL_LOOP_STALLED"),
    "floor-06": (Conduct.FEED_STALE, "HALTED", "MARKETDATA_STALE"),
}
"""What befalls a floor or its Mission Control, and how it is shown then."""


@pytest.fixture(scope="module")
def told():
    """Live half a minute of fifty floors of a hundred services, under the time of the loop."""
    return live(lived)


async def lived(loop):
    """Let one floor halt, then six others go wrong in other ways."""
    now = loop.time
    with (
        demo_floor("calm", AT, 0, {}, others=FIFTY, monotonic=now) as floor,
        one_time(loop, floor.clock),
    ):
        elsewhere = floor.elsewhere
        assert elsewhere is not None
        for name in elsewhere.names:
            elsewhere.fare(name, Conduct.CALM)
        async with connected(floor.settings, floor.clock, "DEMO", monotonic=now) as parts:
            others = parts.floors
            assert others is not None
            watching = asyncio.create_task(others.run())
            await loop.pass_for(OTHER_FLOOR_SECONDS)
            calm = (await ask(parts, "/api/v1/floors")).json()
            elsewhere.fare("floor-23", Conduct.EXECUTES)
            began = floor.clock()
            await loop.pass_for(OTHER_FLOOR_SECONDS)
            halted, answer = others.seen(), (await ask(parts, "/api/v1/floors")).json()
            for name, (conduct, *_) in HURT.items():
                elsewhere.fare(name, conduct)
            await loop.pass_for(OTHER_FLOOR_SECONDS + DEADLINE_SECONDS + 1.0)
            hurt, metrics = others.seen(), (await ask(parts, "/metrics")).text
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
    return Lived(calm, began, halted, answer, hurt, metrics)


async def ask(parts, path):
    """Ask the API of the one that lists the others."""
    transport = httpx.ASGITransport(parts.application)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.get(path)


def test_a_halt_among_fifty_floors_is_seen_within_one_round(told):
    """Of 5,000 services one says that it executes: its floor leads within an interval (R17.7)."""
    worst = told.halted.reports[0]

    assert told.calm["counts"] == {
        "OK": 50, "HALTED": 0, "UNKNOWN": 0, "MARKET_CLOSED": 0, "unexpected": 0}  # fmt: skip
    assert (worst.floor.name, worst.state, worst.severity) == ("floor-23", "HALTED", "P0")
    assert worst.heard_at - told.began <= timedelta(seconds=OTHER_FLOOR_SECONDS)
    assert (told.answer["floors"][0]["name"], told.answer["counts"]["HALTED"]) == ("floor-23", 1)


def test_floors_that_are_not_well_are_seen_within_a_round_and_a_deadline(told):
    """Whatever befalls a floor or its Mission Control; the others stay as they are (R17.2)."""
    shown = {report.floor.name: (report.state, report.code) for report in told.hurt.reports}

    assert {name: shown[name] for name in HURT} == {n: (s, c) for n, (_, s, c) in HURT.items()}
    assert {shown[name][0] for name in shown.keys() - HURT.keys() - {"floor-23"}} == {"OK"}


def test_the_metrics_name_every_floor(told):
    """One series for each state of each floor of the fleet file, and the age of its evidence."""
    for line in (
        'mission_control_other_floor{floor="floor-01",state="UNKNOWN"} 1.0',
        'mission_control_other_floor{floor="floor-01",state="OK"} 0.0',
        'mission_control_other_floor_expected{floor="floor-01"} 0.0',
        'mission_control_other_floor_evidence_age_seconds{floor="floor-01"} +Inf',
        'mission_control_other_floor_expected{floor="floor-50"} 1.0',
    ):
        assert line in told.metrics
    assert told.metrics.count("mission_control_other_floor{") == 4 * FIFTY


async def test_one_real_mission_control_lists_another(tmp_path):
    """What the one decided of its floor stands in the other as it was decided (R17.1)."""
    with demo_floor("kill-switch-off", None, 0, {}) as floor:
        async with connected(floor.settings, floor.clock, "DEMO") as watches:
            await watches.watch.look(services=True, cluster=True)
            watches.watch.publish()
            decided = watches.board.current()
            door = Doorway(watches.application, 0)
            await door.open()
            fleet = tmp_path / "fleet.yaml"
            fleet.write_text(
                f"agents: [{{agent_name: a, kind: ops, service_dns: '{floor.control}'}}]\n"
                f"floors: [{{name: downtown, url: 'http://127.0.0.1:{door.port}',"
                " link: 'https://pages.example'}]\n"
            )
            try:
                settings = load_settings({}, flags={"fleet_file": fleet, "root": tmp_path})
                async with connected(settings, floor.clock, "DEMO") as lists:
                    assert lists.floors is not None
                    seen = await lists.floors.ask_once()
                    listed = (await ask(lists, "/api/v1/floors")).json()["floors"][0]
                    own = (await ask(lists, "/api/v1/posture")).json()
            finally:
                await door.shut()
                door.release()

    posture = decided.posture
    assert posture.severity is not None
    assert posture.severity.value == "P0"
    assert (listed["state"], listed["severity"]) == ("HALTED", "P0")
    assert listed["reason"]["code"] == posture.reasons[0].code
    assert abs(seen.reports[0].since - posture.since) < timedelta(milliseconds=1)
    assert (listed["link"], listed["services"]) == ("https://pages.example", len(decided.services))
    assert "downtown" not in str(own["reasons"])
