"""Delivery to a real Alertmanager: what it keeps, and what it tells on."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from mission_control.alerts.deliver.model import Message, Pace
from mission_control.alerts.model import AlertState
from mission_control.model.finding import Severity
from tests.alertmanager import (
    Alertmanager,
    Receiver,
    alertmanager,
    receiving,
    require_alertmanager,
    routing,
    until,
)
from tests.alerts_delivery.channels import SWIFT, fired, real_now, to_alertmanager
from tests.alerts_delivery.values import ORIGIN, alert, resolved

SHIPPED = Path(__file__).parents[2] / "deploy" / "alertmanager" / "alertmanager.yml"
TWIN = replace(ORIGIN, replica="b")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Run what Alertmanager tells on to."""
    with receiving() as running:
        yield running


@pytest.fixture
def manager(tmp_path, receiver) -> Iterator[Alertmanager]:
    """Run an Alertmanager that tells the receiver at once."""
    with alertmanager(tmp_path, routing(receiver)) as running:
        yield running


async def send(sender, *alerts, state=AlertState.FIRING):
    """Send one message, and return the answers in the order of its alerts."""
    answers = await sender.send(Message(state, alerts))
    await sender.aclose()
    return [answers[a.fingerprint] for a in alerts]


def states(receiver, path="/pages") -> list[tuple[str, str, str]]:
    """Return what Alertmanager told on: status, subject and replica of each alert, in order."""
    return [
        (each["status"], each["labels"]["subject"], each["labels"]["replica"])
        for told in receiver.documents(path)
        for each in told["alerts"]
    ]


@pytest.mark.anyio
async def test_a_page_and_its_resolve_arrive(manager, receiver):
    """Alertmanager takes both, and tells both on, with what a person needs."""
    sender, told = to_alertmanager(manager.url), fired(alert("feed"), real_now())

    (answer,) = await send(sender, told)
    assert (True, "HTTP 200") == (answer.delivered, answer.text)
    assert ["feed"] == manager.subjects()
    await asyncio.to_thread(until, lambda: ("firing", "feed", "a") in states(receiver))
    page = receiver.documents("/pages")[0]["alerts"][0]
    assert {
        "alertname": "MARKETDATA_STALE",
        "rule": "stale",
        "subject": "feed",
        "severity": "P1",
        "floor": "trading-floor",
        "replica": "a",
    } == page["labels"]
    assert "https://ops.example/runbooks/MARKETDATA_STALE" == page["annotations"]["runbook_url"]
    assert told.fingerprint == page["annotations"]["fingerprint"]

    await send(sender, resolved(told, real_now()), state=AlertState.RESOLVED)
    assert [] == manager.subjects()
    await asyncio.to_thread(until, lambda: ("resolved", "feed", "a") in states(receiver))


@pytest.mark.anyio
async def test_an_alert_that_is_not_sent_again_ends_by_itself(manager):
    """It is valid for a time that we name, by `endsAt` in UTC; sent again before, it goes on."""
    sender = to_alertmanager(manager.url, pace=Pace(valid_seconds=1.5))
    told = fired(alert("feed"), real_now())
    for _ in range(4):
        await send(sender, told)
        await asyncio.sleep(0.7)
        assert ["feed"] == manager.subjects()

    await asyncio.to_thread(until, lambda: manager.subjects() == [])


@pytest.mark.anyio
async def test_one_bad_alert_loses_no_other(manager):
    """Alertmanager refuses one that begins after it ends; all others of its batch arrive."""
    now = real_now()
    good = [fired(alert(f"service-{n:02}"), now) for n in range(16)]
    bad = fired(alert("service-99"), now + timedelta(days=1))
    answers = await send(to_alertmanager(manager.url), *good[:5], bad, *good[5:])

    assert [True] * 5 + [False] + [True] * 11 == [a.delivered for a in answers]
    assert (True, "HTTP 400") == (answers[5].refused, answers[5].text[:8])
    assert [a.subject for a in good] == manager.subjects()


@pytest.mark.anyio
async def test_a_replica_does_not_end_what_the_other_sees(manager, receiver):
    """Two replicas are two alerts in one group: the page ends when both say so (R15.7)."""
    told = fired(alert("feed"), real_now())
    ours, theirs = to_alertmanager(manager.url), to_alertmanager(manager.url, TWIN)
    await send(ours, told)
    await send(theirs, told)
    assert ["feed", "feed"] == manager.subjects()

    await send(ours, resolved(told, real_now()), state=AlertState.RESOLVED)
    await asyncio.to_thread(until, lambda: ("resolved", "feed", "a") in states(receiver))
    assert ["feed"] == manager.subjects(replica="b")
    groups = [(g["status"], len(g["alerts"])) for g in receiver.documents("/pages")]
    assert {"firing"} == {status for status, _ in groups}

    await send(theirs, resolved(told, real_now()), state=AlertState.RESOLVED)
    await asyncio.to_thread(until, lambda: receiver.documents("/pages")[-1]["status"] != "firing")


@pytest.mark.anyio
async def test_with_one_name_for_both_a_resolve_ends_the_others_alert(manager):
    """Without `replica` among the labels the first resolve ends what still fires."""
    told = fired(alert("feed"), real_now())
    ours, theirs = to_alertmanager(manager.url), to_alertmanager(manager.url)
    await send(ours, told)
    await send(theirs, told)

    await send(ours, resolved(told, real_now()), state=AlertState.RESOLVED)

    assert [] == manager.subjects()


def shipped(receiver: Receiver) -> dict:
    """Return the shipped configuration, with the receiver of the test and short intervals."""
    configuration = yaml.safe_load(
        SHIPPED.read_text().replace("http://127.0.0.1:9095", receiver.url("").rstrip("/"))
    )
    for route in (configuration["route"], *configuration["route"]["routes"]):
        route.update({"group_wait": "0s", "group_interval": "1s"})
    return configuration


def test_the_shipped_configuration_is_valid():
    """Alertmanager's own tool takes it as it is."""
    import subprocess  # noqa: PLC0415

    command = [require_alertmanager("amtool"), "check-config", str(SHIPPED)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (0, True) == (done.returncode, "SUCCESS" in done.stdout), done.stderr


def test_the_shipped_groups_leave_the_replica_out():
    """Only the alert that we live is grouped by replica: each one's death is told."""
    route = yaml.safe_load(SHIPPED.read_text())["route"]
    named = {r["receiver"]: r.get("group_by", route["group_by"]) for r in route["routes"]}

    assert ["floor", "alertname", "subject"] == route["group_by"] == named["pager"]
    assert ["floor", "replica"] == named["mission-control-down"]


@pytest.mark.anyio
async def test_the_shipped_routes_reach_whom_they_should(tmp_path, receiver):
    """P0 and P1 go to the pager, the rest to the team, and our death to the receiver that pages."""
    with alertmanager(tmp_path, shipped(receiver)) as manager:
        sender = to_alertmanager(manager.url)
        now = real_now()
        pages = [fired(alert(f"s-{s}", severity=s, rule=s), now) for s in Severity]
        await send(sender, *pages)
        await sender.watch(now)
        await asyncio.to_thread(until, lambda: len(states(receiver, "/team")) == 2)
        await asyncio.to_thread(until, lambda: len(states(receiver, "/pager")) == 2)
        pager = {subject for _, subject, _ in states(receiver, "/pager")}
        assert {"s-P0", "s-P1"} == pager

        def down() -> list[str]:
            return [told["status"] for told in receiver.documents("/mission-control-down")]

        await asyncio.to_thread(until, lambda: down() == ["firing", "resolved"])
    assert SWIFT.watchdog_valid_seconds < 60
