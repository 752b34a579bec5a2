"""A fleet file that changes while we serve is told, and never applied (R13.3)."""

import asyncio
import hashlib
import json
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from mission_control.bootstrap.clock import real_clock
from mission_control.bootstrap.connect import fleet_on_disk
from mission_control.bootstrap.serve import connected
from mission_control.configuration.settings import load_settings
from mission_control.floor.decide.events import fleet_file_changed
from mission_control.floor.present.own_status import OwnProcess, own_status_document
from mission_control.floor.present.posture import posture_document, restart_document
from mission_control.history.codec import decision_result
from mission_control.model.finding import Severity
from mission_control.model.reload import RestartNeeded
from mission_control.processes import followed_file
from tests.floor.floor_of_values import NOW, FloorOfValues

A, B, C = "a" * 64, "b" * 64, "c" * 64
OWN = {
    "beat_age_seconds": 0.0,
    "started_at": NOW,
    "version": "0",
    "git_sha": None,
    "poll_interval_seconds": 10.0,
}
RESTART = RestartNeeded(NOW, "fleet.yaml", A, B)
REFUSED = replace(RESTART, trouble="fleet.yaml:3: agents[0].kind: no kind")
FLEET = """\
agents:
  - {agent_name: orders, service_dns: "http://127.0.0.1:1", kind: strategy, criticality: critical}
"""
MORE = (
    FLEET
    + """\
  - {agent_name: prices, service_dns: "http://127.0.0.1:1", kind: marketdata}
"""
)
BROKEN = FLEET.replace("kind: strategy", "kind: stratgy") + (
    '  - {agent_name: odd, service_dns: "http://127.0.0.1:1?api_key=sk-9f8e7d6c5b4a3f2e1d0c9b8a"}\n'
)


def digest_of(text):
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("restart", "before", "after", "severity", "words"),
    [
        pytest.param(RESTART, A, B, Severity.INFO, "restart needed for fleet.yaml", id="changed"),
        pytest.param(REFUSED, A, B, Severity.P2, "would refuse it: fleet.yaml:3", id="refused"),
        pytest.param(None, B, A, Severity.INFO, "as it was at the start again", id="back"),
    ],
)
def test_a_changed_fleet_file_is_an_event_with_both_digests(
    restart, before, after, severity, words
):
    """R13.3: what it is by now, what it was before, and whether a restart is needed."""
    told = fleet_file_changed(restart, before, after)

    assert severity is told.severity
    assert words in told.message
    assert f"{before[:12]} -> {after[:12]}" in told.message
    assert {"before": before, "after": after, "restart": restart is not None} == {
        k: v for k, v in told.data.items() if k != "detail"
    }
    assert (REFUSED.trouble if restart is REFUSED else None) == told.data.get("detail")


@pytest.mark.parametrize(
    ("restart", "words"),
    [
        (RESTART, "is not in force: restart Mission Control to take it."),
        (REFUSED, "is not in force: a restart would refuse it (fleet.yaml:3: agents[0].kind"),
    ],
)
def test_it_is_said_in_the_posture_and_in_our_own_status(restart, words):
    """R13.3: with a sentence; and neither the verdict nor its digest is another for it."""
    bare = FloorOfValues().decide()
    snapshot = replace(bare, restart=restart)
    own = OwnProcess(NOW, stalled=False, **OWN)
    posture: dict[str, Any] = {**posture_document(snapshot)}
    told = posture.pop("restart_needed")

    assert words in told["sentence"]
    assert (A, B, "fleet.yaml") == (told["before"], told["after"], told["file"])
    assert posture_document(bare) == posture
    assert (
        restart_document(restart) == fleet_in(own_status_document(snapshot, own))["restart_needed"]
    )
    assert fleet_in(own_status_document(bare, own))["restart_needed"] is None
    assert decision_result(bare) == decision_result(snapshot)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Let files settle sooner than in the field."""
    monkeypatch.setattr(followed_file, "SETTLED_SECONDS", 0.1)


@pytest.fixture
def settings(tmp_path):
    """Give settings with a fleet file of one service."""
    (tmp_path / "fleet.yaml").write_text(FLEET)
    given = {"fleet_file": tmp_path / "fleet.yaml", "root": tmp_path, "interval_seconds": "1"}
    return load_settings({}, flags=given)


def restart_of(on_disk) -> RestartNeeded:
    """Return what a restart is needed for; there is something."""
    assert on_disk.restart is not None
    return on_disk.restart


def fleet_in(status) -> dict[str, Any]:
    """Return what our own status says of the fleet."""
    return status["fleet"]


async def news(on_disk, at):
    """Look until there is something to tell."""
    async with asyncio.timeout(10):
        while (told := await on_disk.look(at)) is None:  # noqa: ASYNC110  (looked at, as it is)
            await asyncio.sleep(0.02)
    return told


@pytest.mark.anyio
async def test_a_file_that_is_well_broken_and_back_again(tmp_path, settings):
    """R13.3: since the first change, by its newest content, until it is as we started."""
    path, on_disk = tmp_path / "fleet.yaml", fleet_on_disk(settings)
    first, second = NOW, NOW + timedelta(seconds=5)

    path.write_text(MORE)
    await news(on_disk, first)
    changed = restart_of(on_disk)
    path.write_text(BROKEN)
    told = await news(on_disk, second)
    broken = restart_of(on_disk)
    path.write_text(FLEET)
    await news(on_disk, second)

    assert RestartNeeded(first, "fleet.yaml", digest_of(FLEET), digest_of(MORE)) == changed
    assert (first, digest_of(BROKEN)) == (broken.since, broken.after)
    assert broken.trouble.startswith("fleet.yaml:2: agents[0].kind")
    assert (digest_of(MORE), digest_of(BROKEN)) == (told.data["before"], told.data["after"])
    assert on_disk.restart is None


@pytest.mark.anyio
async def test_what_is_wrong_is_told_without_secrets_and_folders(tmp_path, settings):
    """R13.3: a key that was typed into an address is not repeated; a file that is gone is said."""
    path, on_disk = tmp_path / "fleet.yaml", fleet_on_disk(settings)
    path.write_text(
        FLEET.replace("http://127.0.0.1:1", "http://u:sk-9f8e7d6c5b4a3f2e1d0c9b8a@127.0.0.1:1")
    )
    told = await news(on_disk, NOW)
    trouble = restart_of(on_disk).trouble
    path.unlink()
    gone = await news(on_disk, NOW)

    for text in (trouble, told.message, gone.message):
        assert "9f8e7d6c" not in text
        assert str(tmp_path) not in text
    assert "agents[0].service_dns" in trouble
    assert restart_of(on_disk).after == ""
    assert "unreadable" in gone.message


@pytest.mark.anyio
async def test_agents_in_the_configuration_file_are_followed_there(tmp_path):
    """R13.3: the file that lists them is the one that is looked at, by its own rules."""
    path = tmp_path / "mission-control.yaml"
    path.write_text("port: 8080\n" + FLEET)
    on_disk = fleet_on_disk(load_settings({}, config_file=path, flags={"root": tmp_path}))

    path.write_text("port: 8080\n" + MORE)
    await news(on_disk, NOW)
    well = restart_of(on_disk)
    path.write_text("port: 8080\n" + BROKEN)
    await news(on_disk, NOW)

    assert ("mission-control.yaml", "") == (well.file, well.trouble)
    assert restart_of(on_disk).trouble.startswith("mission-control.yaml:3: agents[0].kind")


@asynccontextmanager
async def serving(settings):
    """Serve this fleet; gives a client."""
    async with connected(settings, real_clock, records=True) as parts:
        task = asyncio.create_task(parts.watch.run())
        transport = httpx.ASGITransport(parts.application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.anyio
@pytest.mark.slow
async def test_a_server_says_that_a_restart_is_needed(tmp_path, settings):
    """R13.3: posture, /ops/status, metrics and events; what is watched stays as it was."""
    async with serving(settings) as client, asyncio.timeout(30):
        before = (await client.get("/api/v1/posture")).json()
        (tmp_path / "fleet.yaml").write_text(MORE)
        now = before
        while "restart_needed" not in now:
            await asyncio.sleep(0.1)
            now = (await client.get("/api/v1/posture")).json()
        own = (await client.get("/ops/status")).json()
        metrics = (await client.get("/metrics")).text
        events = (await client.get("/api/v1/events/recent")).json()["events"]
        agents = (await client.get("/api/v1/agents")).json()["agents"]

    assert "restart_needed" not in before
    assert digest_of(MORE) == now["restart_needed"]["after"]
    assert digest_of(FLEET) == now["fleet"]["digest"]
    assert now["restart_needed"] == own["fleet"]["restart_needed"]
    assert "mission_control_restart_needed 1.0" in metrics
    told = [e for e in events if e["type"] == "fleet_file.changed"]
    assert [(digest_of(FLEET), digest_of(MORE))] == [
        (e["data"]["before"], e["data"]["after"]) for e in told
    ]
    assert ["orders"] == [agent["agent_name"] for agent in agents]
    assert json.dumps(now).count(str(tmp_path)) == 0
