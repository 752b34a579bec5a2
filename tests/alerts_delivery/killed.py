"""
A process that decides and delivers, and is killed again and again: `killed.py ROOT AM HOOK KILLS`.

It forks the one that works, so that each is there at once, and ends it with SIGKILL wherever it
is. The last one works until every channel has taken everything. Prints how many lived.
"""

import asyncio
import os
import random
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from mission_control.alerts.deliver.posting import trusted
from mission_control.alerts.deliver.run import AlertDelivery
from mission_control.alerts.model import Alert, AlertBook, AlertState
from mission_control.alerts.store import AlertStore
from mission_control.model.finding import Severity
from tests.alerts_delivery.channels import (
    delivery,
    fired,
    moves,
    opened,
    real_now,
    to_alertmanager,
    to_webhook,
)
from tests.alerts_delivery.values import alert, resolved

PAGES = 240
LONGEST_LIFE_SECONDS = 0.15
STEP_SECONDS = 0.02
LAST_LIFE_SECONDS = 120.0
"""By then everything was taken, or something was lost."""


def subject(number: int) -> str:
    """Name what the page of this number is about."""
    return f"service-{number:03}"


def stays(told: Alert) -> bool:
    """Return whether a page never resolves."""
    return int(told.subject[-3:]) % 9 == 0


def is_brief(told: Alert) -> bool:
    """Return whether a page may end before any channel took it."""
    return int(told.subject[-3:]) % 9 == 1


def decide(before: AlertBook, delivering: AlertDelivery, begun: int, chance: random.Random):
    """
    Return the next book: pages begin in order, end by chance, and are let go when settled.

    Most end only when every channel took them, so that each of these must have been told.
    """
    now, took = real_now(), delivering.acknowledged()
    left = list[Alert]()
    for told in before.alerts:
        all_took = all(t.get(told.fingerprint) is AlertState.RESOLVED for t in took.values())
        if told.state is AlertState.RESOLVED and all_took:
            continue
        taken = all(t.get(told.fingerprint) is AlertState.FIRING for t in took.values())
        may = told.state is AlertState.FIRING and not stays(told) and (taken or is_brief(told))
        ends = may and chance.random() < 0.3
        left.append(resolved(told, now) if ends else told)
    worst = (Severity.P0, Severity.P1, Severity.P2)[begun % 3]
    if begun < PAGES and chance.random() < 0.8:
        left.append(fired(alert(subject(begun), severity=worst), now))
    return replace(before, at=now, alerts=tuple(left))


def begun_of(store_rows: int, book: AlertBook) -> int:
    """Return how many pages have begun: those that were written, and those of the book."""
    numbers = [int(a.subject[-3:]) + 1 for a in book.alerts]
    return max([store_rows, *numbers])


async def begun_before(store: AlertStore) -> int:
    """Return how many pages have begun before this start."""
    from mission_control.alerts.model import AlertQuery  # noqa: PLC0415

    page = await store.transitions(AlertQuery(limit=PAGES))
    return max((int(t.subject[-3:]) + 1 for t in page.transitions), default=0)


async def work(root: Path, manager: str, hook: str, works: int, *, to_the_end: bool) -> None:
    """Decide and deliver, until all is done or for ever; say on this pipe that it began."""
    chance, store = random.Random(), opened(root, is_new=False)
    senders = (to_alertmanager(manager), to_webhook(hook))
    delivering = delivery(senders, store)
    book = await store.load(real_now())
    delivering.take(book)
    running = asyncio.create_task(delivering.run())
    begun = begun_of(await begun_before(store), book)
    os.write(works, b"x")
    while True:
        await asyncio.sleep(chance.random() * STEP_SECONDS)
        after = decide(book, delivering, begun, chance)
        await store.save(after, moves(book, after))
        delivering.take(after)
        book, begun = after, begun_of(begun, after)
        open_still = [a for a in book.alerts if not stays(a) or a.state is not AlertState.FIRING]
        waits = any(h.waiting for h in delivering.health())
        if to_the_end and begun == PAGES and not open_still and not waits:
            break
    running.cancel()


def live(root: Path, manager: str, hook: str, seconds: float | None, *, starts: bool) -> None:
    """
    Fork a process that works, and kill it after so many seconds; None lets it end by itself.

    They count from when it works, or from its start.
    """
    begun, works = os.pipe()
    child = os.fork()
    if child == 0:
        worked = work(root, manager, hook, works, to_the_end=seconds is None)
        asyncio.run(asyncio.wait_for(worked, LAST_LIFE_SECONDS))
        os._exit(0)
    os.close(works)
    if not starts:
        os.read(begun, 1)
    os.close(begun)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    if killed != (seconds is not None):
        sys.exit(f"it ended with {status}")


def main() -> None:
    """Kill as often as asked, then let one live."""
    root, manager, hook = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    opened(root)
    chance = random.Random()
    trusted()
    for number in range(int(sys.argv[4])):
        seconds = chance.random() * LONGEST_LIFE_SECONDS
        live(root, manager, hook, seconds, starts=number % 8 == 0)
    live(root, manager, hook, None, starts=False)


if __name__ == "__main__":
    main()
