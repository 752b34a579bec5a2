"""Kills: whatever a SIGKILL interrupts, no page and no resolve is lost."""

import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import select

from mission_control.history import schema
from mission_control.history.database import open_engine
from tests.alertmanager import alertmanager, receiving, routing, until

KILLS = 200
ROOT = Path(__file__).parents[2]


def decided(root: Path) -> tuple[dict[str, str], set[str]]:
    """Return from history whose page was decided, and whose resolve: subjects by fingerprint."""
    engine = open_engine(root, None)
    with engine.connect() as connection:
        rows = connection.execute(select(schema.alert_transitions)).fetchall()
    engine.dispose()
    pages = {row.fingerprint: row.subject for row in rows if row.to_state == "FIRING"}
    return pages, {row.fingerprint for row in rows if row.to_state == "RESOLVED"}


def is_brief(subject: str) -> bool:
    """Return whether a page may have ended before any channel took it."""
    return int(subject[-3:]) % 9 == 1


def told(hook) -> dict[str, list[str]]:
    """Return the states that a webhook was told of each alert, in order."""
    heard = dict[str, list[str]]()
    for message in hook.documents("/hook"):
        for each in message["alerts"]:
            heard.setdefault(each["fingerprint"], []).append(message["state"])
    return heard


def told_on(pager) -> dict[str, str]:
    """Return what Alertmanager told last of each alert."""
    return {
        each["annotations"]["fingerprint"]: each["status"]
        for message in pager.documents("/pages")
        for each in message["alerts"]
        if each["labels"]["alertname"] != "Watchdog"
    }


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_hundred_kills_lose_no_page_and_no_resolve(tmp_path):
    """What Alertmanager and a webhook know in the end is what was decided (R15.1)."""
    with (
        receiving() as pager,
        receiving() as hook,
        alertmanager(tmp_path, routing(pager)) as manager,
    ):
        program = [sys.executable, "-m", "tests.alerts_delivery.killed"]
        arguments = [str(tmp_path), manager.url, hook.url("/hook"), str(KILLS)]
        subprocess.run([*program, *arguments], cwd=ROOT, check=True, timeout=500)
        pages, resolves = decided(tmp_path)
        heard = told(hook)

        assert (240, 213) == (len(pages), len(resolves))
        assert heard.keys() == pages.keys()
        sure = {key for key, subject in pages.items() if not is_brief(subject)}
        assert [] == [pages[key] for key in sure if "FIRING" not in heard[key]]
        assert {key for key, states in heard.items() if states[-1] == "RESOLVED"} == resolves
        late = [s for s in heard.values() if ("RESOLVED", "FIRING") in pairwise(s)]
        assert [] == late
        assert sorted(pages[key] for key in pages.keys() - resolves) == manager.subjects(
            rule="stale"
        )
        twice = sum(n > 1 for states in heard.values() for n in Counter(states).values())
        print(f"sent again after a kill: {twice} of {len(pages) + len(resolves)}")
        assert twice  # kills do come between what is delivered and what is noted of it
        firing = {key for key, states in heard.items() if states[-1] == "FIRING"}
        until(lambda: {k for k, s in told_on(pager).items() if s == "firing"} == firing)
