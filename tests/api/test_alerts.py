"""Alerts by the API: what is open, why it pages or does not, and what became of it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from mission_control.alerts.model import (
    AlertBook,
    AlertState,
    AlertTransition,
    Delivery,
    Waiver,
)
from mission_control.alerts.present import first_step_of
from mission_control.model.finding import Severity
from tests.alerts_delivery.values import alert, book
from tests.api.paper_floor import (
    HEALTH,
    SHIPPED,
    PaperAlerts,
    PaperControl,
    PaperFloor,
)
from tests.floor.floor_of_values import NOW

pytestmark = pytest.mark.anyio
ALERTS, HISTORY = "/api/v1/alerts", "/api/v1/alerts/history"
RUNBOOKS = Path(__file__).parents[2] / "runbooks"
CAUSE = alert(since=NOW - timedelta(seconds=259), fired_at=NOW, paged_at=NOW)
FOLLOWS = alert(
    "strategy-engine",
    fingerprint="1" * 16,
    cause=CAUSE.fingerprint,
    withheld="suppressed by marketdata-mcp-server (MARKETDATA_STALE)",
    paged_at=None,
)


def moved(n: int, **changes: object) -> AlertTransition:
    """Return a change of the alert, so many seconds after the first."""
    made = AlertTransition(
        NOW + timedelta(seconds=n),
        CAUSE.fingerprint,
        "stale",
        "MARKETDATA_STALE",
        "marketdata-mcp-server",
        Severity.P1,
        None,
        AlertState.FIRING,
        pages=True,
        reason=f"it fires {n}",
    )
    return replace(made, **changes)  # pyright: ignore[reportArgumentType]


def tried(n: int, *, delivered: bool = True) -> Delivery:
    """Return an attempt to deliver it."""
    at, answer = NOW + timedelta(seconds=n), "HTTP 200" if delivered else "HTTP 503"
    return Delivery(at, "webhook", CAUSE.fingerprint, AlertState.FIRING, answer, delivered, n + 1)


async def test_open_alerts_tell_their_cause_their_owner_and_what_to_do():
    """The cause names what follows from it, and what follows names why it does not page."""
    control = PaperControl(alerts=PaperAlerts(book(CAUSE, FOLLOWS)), channels=(HEALTH,))
    found = (await control.ask(ALERTS)).json()
    cause, follows = found["alerts"]

    assert {"paging": 1, "withheld": 1, "pending": 0} == found["counts"]
    assert (True, "trading-floor", "a") == (found["current"], found["floor"], found["replica"])
    assert (True, ["strategy-engine"], None) == (
        cause["pages"],
        cause["dependents"],
        cause["suppressed_by"],
    )
    assert (False, FOLLOWS.withheld) == (follows["pages"], follows["withheld"])
    assert {
        "fingerprint": CAUSE.fingerprint,
        "code": "MARKETDATA_STALE",
        "subject": "marketdata-mcp-server",
    } == follows["suppressed_by"]
    assert ("Market Data Lead", "/api/v1/runbooks/MARKETDATA_STALE") == (
        cause["owner"],
        cause["runbook_url"],
    )
    assert "2026-11-18 10:10:41 EST" == cause["since_et"]
    (channel,) = found["channels"]
    assert ("webhook", 2, "https://pager.example") == (
        channel["channel"],
        channel["waiting"],
        channel["address"],
    )


async def test_an_alert_that_is_withheld_for_itself_names_no_cause():
    """Nor does one whose cause is over and gone."""
    held = [
        alert(withheld="outside P1 hours"),
        alert("x", fingerprint="2" * 16, withheld="suppressed", cause="3" * 16),
    ]
    found = (await PaperControl(alerts=PaperAlerts(book(*held))).ask(ALERTS)).json()

    assert [None, None] == [a["suppressed_by"] for a in found["alerts"]]


async def test_waivers_in_force_and_rules_that_nothing_observes_are_listed():
    """A waiver that is over is not; what is not observed is never quiet green."""
    waivers = tuple(
        Waiver("TIMEOUT", name, NOW + timedelta(days=days), "Ops", "known")
        for name, days in (("ops-ui", 1), ("old", -1))
    )
    control = PaperControl(alerts=PaperAlerts(rules=replace(SHIPPED, waivers=waivers)))
    found = (await control.ask(ALERTS)).json()

    assert ["ops-ui"] == [w["subject"] for w in found["waivers"]]
    assert [r.name for r in SHIPPED.rules if r.not_observed] == [
        r["rule"] for r in found["not_observed"]
    ]
    assert all(r["why"] for r in found["not_observed"])


async def test_alerts_that_are_not_decided_are_no_empty_list():
    """Before the first decision it is 503, without history 400, and after a stall it is said."""
    early = await PaperControl(alerts=PaperAlerts(has_decided=False)).ask(ALERTS)
    never = await PaperControl().ask(ALERTS)
    stalled = await PaperControl(alerts=PaperAlerts(deciding=False)).ask(ALERTS)

    assert (503, "5") == (early.status_code, early.headers["retry-after"])
    assert (400, "alerts_not_decided") == (never.status_code, never.json()["code"])
    assert (200, False) == (stalled.status_code, stalled.json()["current"])


async def test_what_became_of_alerts_is_paged(control: PaperControl):
    """Changes and attempts have a cursor each, newest first, and each its reason or answer."""
    assert control.alert_history is not None
    await control.alert_history.save(AlertBook(NOW), [moved(n) for n in range(3)])
    await control.alert_history.note([tried(0, delivered=False), tried(1), tried(2)])
    first = (await control.ask(f"{HISTORY}?limit=2")).json()
    then = (
        await control.ask(
            f"{HISTORY}?limit=2&cursor={first['next_cursor']}"
            f"&delivery_cursor={first['next_delivery_cursor']}"
        )
    ).json()

    assert ["it fires 2", "it fires 1"] == [t["reason"] for t in first["transitions"]]
    assert ["it fires 0"] == [t["reason"] for t in then["transitions"]]
    assert [3, 2, 1] == [d["attempt"] for d in first["deliveries"] + then["deliveries"]]
    assert ("HTTP 503", False) == (
        then["deliveries"][0]["answer"],
        then["deliveries"][0]["delivered"],
    )
    assert (None, None) == (then["next_cursor"], then["next_delivery_cursor"])


async def test_the_past_of_one_alert_is_asked_for(control: PaperControl):
    """By fingerprint and by time; a fingerprint that is none is a mistake."""
    assert control.alert_history is not None
    other = moved(5, fingerprint="f" * 16)
    await control.alert_history.save(AlertBook(NOW), [moved(0), other])
    one = (await control.ask(f"{HISTORY}?fingerprint={'f' * 16}")).json()
    until = (await control.ask(f"{HISTORY}?until=2026-11-18T15:15:03Z")).json()
    wrong = await control.ask(f"{HISTORY}?fingerprint=x")

    assert ["f" * 16] == [t["fingerprint"] for t in one["transitions"]]
    assert [CAUSE.fingerprint] == [t["fingerprint"] for t in until["transitions"]]
    assert 422 == wrong.status_code
    assert 400 == (await PaperControl().ask(HISTORY)).status_code


def frames(text: str) -> list[tuple[str, Any]]:
    """Read server-sent events as their type and document."""
    found = list[tuple[str, Any]]()
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in lines:
            found.append((lines["event"], orjson.loads(lines["data"])))
    return found


async def test_the_stream_tells_alerts_at_first_and_when_they_changed():
    """Between changes they are not repeated; what is not decided is not told."""
    alerts = PaperAlerts(book(CAUSE))
    floor = PaperFloor()

    class Changing(PaperFloor):
        """A floor with three snapshots; the alerts change before the last."""

        async def follow(self, after: int | None):
            """Yield them."""
            self.followed_after.append(after)
            yield self.snapshot
            yield self.snapshot
            alerts.book = book(CAUSE, FOLLOWS)
            yield self.snapshot

    changing = Changing(floor.snapshot)
    found = frames((await PaperControl(changing, alerts=alerts).ask("/api/v1/stream")).text)
    silent = frames(
        (await PaperControl(alerts=PaperAlerts(has_decided=False)).ask("/api/v1/stream")).text
    )

    assert [1, 2] == [len(told["alerts"]) for name, told in found if name == "alerts"]
    assert [] == [name for name, _ in silent if name == "alerts"]
    assert 3 == [name for name, _ in found].count("posture")


@pytest.mark.parametrize(
    ("markdown", "step"),
    [
        pytest.param(
            "## Mitigation\n\n1. Call [the owner](X.md)\n   at once.\n2. Wait.\n",
            "Call the owner at once.", id="numbered",
        ),
        pytest.param("## Mitigation\n\n- Look.\n- Wait.\n\n## Owner\n", "Look.", id="a list"),
        pytest.param("## Mitigation\n\nNothing to do.\n", "", id="no list"),
        pytest.param("## Owner\n\n1. Call.\n", "", id="no mitigation"),
    ],
)  # fmt: skip
def test_the_first_step_of_a_runbook(markdown, step):
    """It is the first item of its mitigation, without its links."""
    assert step == first_step_of(markdown)


def test_every_rule_has_a_runbook_with_a_first_step():
    """Who is paged by a rule that names its runbook is told what to do."""
    named = sorted({r.runbook for r in SHIPPED.rules if r.runbook})

    assert [] == [n for n in named if not (RUNBOOKS / f"{n}.md").is_file()]
