"""Kill either of two at any time: what is paged goes on, and nothing is paged twice."""

import threading
from collections import Counter
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise

import pytest

from tests.alertmanager import receiving, until
from tests.ports import PATIENCE_SECONDS
from tests.twins.two_of_them import Replica, Two, two_of_them

pytestmark = [pytest.mark.slow, pytest.mark.timeout(4 * PATIENCE_SECONDS)]
EXECUTION = "EXECUTION_EVIDENCE"
EVIDENCE_KEEPS_SECONDS = 45
"""A longer stretch without a decision is a gap, however slow the machine is."""


def pages(hook) -> list[tuple[str, str]]:
    """Return who paged about the execution of what, in order."""
    return [
        (message["replica"], alert["subject"])
        for message in hook.documents("/hook")
        for alert in message["alerts"]
        if message["state"] == "FIRING" and alert["code"] == EXECUTION
    ]


def hears(replica: Replica, other: str) -> bool:
    """Return whether it decides, and has nothing against the other one."""
    posture = replica.get("/api/v1/posture")
    if posture is None or posture["posture"] == "HALTED":
        return False
    return other not in {r["subject"] for r in posture["reasons"]}


def execute(two: Two, service: str) -> None:
    """Let a service say that it executes."""
    two.services[service].mode = "EXECUTE"


@contextmanager
def watched(replica: Replica):
    """Note every posture that it decides in the block; gives their instants, once it is over."""
    decided, over = set[datetime](), threading.Event()

    def note() -> None:
        while not over.wait(0.2):
            posture = replica.get("/api/v1/posture")
            if posture is not None:
                decided.add(datetime.fromisoformat(posture["at"]))

    noting = threading.Thread(target=note, daemon=True)
    noting.start()
    yield decided
    over.set()
    noting.join(PATIENCE_SECONDS)


def longest_gap(decided: set[datetime]) -> float:
    """Return the longest time (seconds) between two decisions."""
    return max((b - a).total_seconds() for a, b in pairwise(sorted(decided)))


def test_kill_either_and_pages_go_on(tmp_path):
    """A page is told once, by the first named, else by the other; nothing is told again (R14.6)."""
    with receiving() as hook, two_of_them(tmp_path, hook.url("/hook")) as two:
        a, b = two.replicas["mc-a"], two.replicas["mc-b"]
        until(lambda: hears(a, "mc-b") and hears(b, "mc-a"))

        execute(two, "svc-1")
        until(lambda: ("mc-a", "svc-1") in pages(hook))
        told = {"firing": True, "told": ["webhook"]}
        until(lambda: EXECUTION in b.codes("svc-1"))
        until(lambda: told.items() <= alert_of(b, "svc-1", hook).items())  # b knows who told it

        with watched(b) as decided:
            a.kill()
            until(lambda: "TWIN_SILENT" in b.codes("mc-a"))
            execute(two, "svc-2")
            until(lambda: ("mc-b", "svc-2") in pages(hook))
        assert longest_gap(decided) < EVIDENCE_KEEPS_SECONDS
        assert [("mc-a", "svc-1"), ("mc-b", "svc-2")] == pages(hook)

        a.start()
        until(lambda: "TWIN_SILENT" not in b.codes("mc-a"))
        until(lambda: alert_of(a, "svc-2", hook).get("told") == ["webhook"])  # b has told it
        with watched(a) as decided:
            b.kill()
            until(lambda: "TWIN_SILENT" in a.codes("mc-b"))
            execute(two, "svc-3")
            until(lambda: ("mc-a", "svc-3") in pages(hook))
        assert longest_gap(decided) < EVIDENCE_KEEPS_SECONDS
        until(lambda: alert_of(a, "svc-3", hook).get("told") == ["webhook"])

        assert [("mc-a", "svc-1"), ("mc-b", "svc-2"), ("mc-a", "svc-3")] == pages(hook)
        assert {1} == set(Counter(subject for _, subject in pages(hook)).values())


def alert_of(replica: Replica, subject: str, hook) -> dict:
    """Return what a replica tells the other of the page about the execution of this."""
    named = {
        alert["subject"]: alert["fingerprint"]
        for message in hook.documents("/hook")
        for alert in message["alerts"]
        if alert["code"] == EXECUTION
    }
    status = replica.get("/ops/status?agents=none") or {}
    alerts = status.get("mission_control", {}).get("alerts") or []
    return next((a for a in alerts if a["fingerprint"] == named.get(subject)), {})
