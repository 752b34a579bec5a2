"""Abuse: whatever others write is text on every page, and never anything a browser would run."""

import asyncio
import html
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
import pytest

from mission_control.bootstrap.demo import demo_floor
from mission_control.bootstrap.serve import connected
from ops_ui.application import create_application
from ops_ui.settings import Settings as PagesSettings
from tests.abuse.hostile import CANARY, HostileApi, Page, rows
from tests.redaction.corpus import Row
from tests.wiring import planted_floor
from tests.wiring.test_canaries import (
    ENDLESS,
    client_of,
    every_path,
    replay_and_record,
    run_everything,
)

pytestmark = pytest.mark.anyio
OPEN = datetime(2026, 11, 18, 15, 15, tzinfo=UTC)
OF_A_SHAPE = 4
"""So many pages are read whose addresses begin alike."""
ALWAYS = {
    "default-src '": "content-security-policy",
    "nosniff": "x-content-type-options",
}


@dataclass
class Looked:
    """What is alive and where, which answers are not guarded or failed, and how much is text."""

    alive: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    unguarded: list[str] = field(default_factory=list[str])
    texts: dict[str, int] = field(default_factory=dict[str, int])
    failed: list[str] = field(default_factory=list[str])

    def look(self, place: str, answer: httpx.Response) -> None:
        """Look at one answer of ours."""
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            told = re.sub(r"<[^>]*>|\s+", " ", answer.text)
            self.failed.append(f"{place}: {answer.status_code} {told[-600:]}")
        if any(CANARY in name for name in answer.headers) or "set-cookie" in answer.headers:
            self.alive[place] = ["a header"]
        for wanted, name in ALWAYS.items():
            if wanted not in answer.headers.get(name, ""):
                self.unguarded.append(f"{place}: {name}")
        if "html" in answer.headers.get("content-type", ""):
            page = Page(answer.text)
            self.texts[place] = page.canaries
            if page.found:
                self.alive[place] = page.found

    def search(self, place: str, content: bytes) -> None:
        """Look at a text that is no answer, as a replay in a terminal: no control character."""
        if b"\x1b" in content:
            self.alive[place] = ["an escape sequence"]


@pytest.fixture
def planted(monkeypatch, tmp_path):
    """Have the simulated floor and its cluster write markup wherever they may; gives a log."""
    planted_rows = rows(Row)
    monkeypatch.setattr(planted_floor, "CORPUS", planted_rows)
    monkeypatch.setattr(planted_floor, "SHORT", planted_rows)
    planted_floor.plant(monkeypatch)
    return planted_floor.plant_log(tmp_path / "orders.log")


async def crawl(client: httpx.AsyncClient, looked: Looked, how: str) -> set[str]:
    """Look at every page that a reader can get to from the first."""
    seen, waiting, shapes = set[str](), ["/", "/wall"], Counter[str]()
    while waiting:
        path = waiting.pop(0)
        seen.add(path)
        answer = await client.get(path)
        looked.look(f"{how} {path}", answer)
        links = (html.unescape(a) for a in re.findall(r'(?:href|src)="(/[^"#]*)', answer.text))
        for link in dict.fromkeys(links):
            shape = link.split("?")[0].split("/")[1]
            if link not in {*seen, *waiting, *ENDLESS} and shapes[shape] < OF_A_SHAPE:
                shapes[shape] += 1
                waiting.append(link)
    return seen


@pytest.mark.timeout(400)
async def test_nothing_that_others_write_is_alive_on_a_page(planted):
    """
    Markup in every field of services, cluster, log and answers stays text, on every page.

    It is read twice: as the floor wrote it, and with markup in every text of every answer.
    """
    looked = Looked()
    with demo_floor("calm", OPEN, 0, {}) as floor:
        settings = floor.settings
        async with connected(settings, floor.clock, "DEMO", records=True) as parts:
            tasks = [asyncio.create_task(w.run()) for w in (parts.watch, parts.alerts) if w]
            await run_everything(parts, settings)
            await replay_and_record(parts, settings, planted, looked)
            async with client_of(parts.application) as client:
                client.headers["accept-encoding"] = "identity"  # as the pages ask
                for path in [p async for p in every_path(client, settings.root)]:
                    if not path.startswith("/api/v1/evidence"):
                        answer = await client.get(path, headers={"accept": "text/html, */*;q=0.1"})
                        looked.look(f"api {path}", answer)
                pages = create_application(PagesSettings(timeout_seconds=20), client)
                async with client_of(pages) as reader:
                    crawled = await crawl(reader, looked, "page")
            changed = HostileApi(httpx.ASGITransport(parts.application))
            async with httpx.AsyncClient(transport=changed, base_url="http://localhost") as client:
                client.headers["accept-encoding"] = "identity"
                pages = create_application(PagesSettings(timeout_seconds=20), client)
                async with client_of(pages) as reader:
                    again = await crawl(reader, looked, "changed")
            for task in tasks[::-1]:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    assert {} == looked.alive
    assert [] == looked.unguarded
    assert [] == looked.failed
    assert min(len(crawled), len(again)) > 20
    assert changed.changed > 20
    assert sum(1 for n in looked.texts.values() if n) > 40, looked.texts


@pytest.mark.parametrize(
    "page",
    [
        f"<p>{CANARY}</p><img src=x onerror={CANARY}()>",
        f"<script>{CANARY}()</script>",
        f"<a href='javascript:{CANARY}()'>x</a>",
        f"<a href='data:text/html,{CANARY}'>x</a>",
        f"<base href='//{CANARY}'>",
        f"<style>{CANARY}</style>",
        "<p>51387</p>",
        "<iframe src='/x'></iframe>",
        "<meta http-equiv=Refresh content='0;URL=//evil'>",
        "<img src='//evil/x'>",
    ],
)
def test_what_is_alive_is_found(page):
    """What a browser would run, follow or load from elsewhere is seen by the test itself."""
    assert Page(page).found


@pytest.mark.parametrize(
    "page",
    [
        f"<p>&lt;script&gt;{CANARY}()&lt;/script&gt;</p>",
        "<a href='/service/x'>x</a><script src='/static/page.js'></script>",
        "<a href='https://example.com/x'>x</a><form method='get'></form>",
    ],
)
def test_what_is_text_is_none(page):
    """What is escaped, and our own links and scripts, are not alive."""
    assert [] == Page(page).found
