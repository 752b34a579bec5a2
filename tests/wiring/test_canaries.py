"""Wiring: what others write may hold secrets of any form, and none of them gets out of here."""

import asyncio
import html
import io
import logging
import re
import sys
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import pytest

from mission_control.blueprint import run as blueprint
from mission_control.bootstrap.demo import demo_floor
from mission_control.bootstrap.jobs import in_force, repository_copier, repository_surveyor
from mission_control.bootstrap.keeping import keeping_parts
from mission_control.bootstrap.record import run_origin
from mission_control.bootstrap.serve import connected
from mission_control.config_snapshot import run as config_snapshot
from mission_control.floor.decide.start import all_asked
from mission_control.floor.model import FloorSnapshot
from mission_control.last_known_good.run import CaptureRefused
from mission_control.log_records import configure_logging
from mission_control.replay.model import Narrowing
from mission_control.replay.present.markdown import replay_markdown
from mission_control.replay.record import record_replay
from mission_control.replay.run import replay_logs
from mission_control.replay.sources import find_input
from mission_control.replay.spill import SortedLines
from mission_control.schedule.model import Job
from ops_ui.application import create_application
from ops_ui.settings import Settings as PagesSettings
from tests.alertmanager import receiving
from tests.redaction.corpus import CORPUS
from tests.wiring.planted_floor import (
    MARKS,
    on_disk,
    plant,
    plant_log,
    plant_repository,
)

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
OPEN = datetime(2026, 11, 18, 15, 15, tzinfo=UTC)
LEAST = 8
"""Shorter parts of a secret are found in what is none."""
SECRETS = {part.encode() for row in CORPUS for part in row.hidden if len(part) >= LEAST}
ENDLESS = frozenset({"/api/v1/stream", "/stream"})
AS_THE_BUNDLE = "/api/v1/evidence/coverage"
"""It makes the bundle once more, and shows none of it."""
JOBS = tuple(job for job in Job if job is not Job.DURABLE_COPY)


@dataclass
class Searched:
    """What was found where: secrets with what stands around them, and marks."""

    leaks: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    marks: set[str] = field(default_factory=set)
    contents: set[bytes] = field(default_factory=set)

    def search(self, place: str, content: bytes) -> None:
        """Search one place for every secret, and for what stands beside them."""
        if content in self.contents:
            return
        self.contents.add(content)
        for secret in SECRETS:
            if secret in content:
                at = content.index(secret)
                around = content[max(0, at - 60) : at + len(secret) + 10].decode("utf-8", "replace")
                self.leaks[around].append(place)
        self.marks |= {m for m in MARKS if m.encode() in content.lower().replace(b"_", b"-")}


@pytest.fixture
def log(monkeypatch):
    """Log as a server does, into a buffer."""
    root, buffer = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers, root.level
    monkeypatch.setattr(sys, "stderr", buffer)
    configure_logging("json")
    yield buffer
    root.handlers = handlers
    root.setLevel(level)


async def run_everything(parts, settings):
    """Run every job once, when everything was asked; a refusal is an outcome too."""
    async for seen in parts.board.follow(None):
        if isinstance(seen, FloorSnapshot) and all_asked(seen):
            break
    origin, clock = run_origin(settings, "command", parts.jobs.clock()), parts.jobs.clock
    copier, surveyor = repository_copier(settings, clock), repository_surveyor(settings, clock)
    runs = [parts.day.runners[job] for job in JOBS]
    runs.append(partial(blueprint.run, parts.jobs, repository=surveyor))
    shown = await in_force(settings)
    runs.append(lambda begun: config_snapshot.run(parts.jobs, begun, copier, shown))
    for run in runs:
        try:
            await run(origin.begun(clock()))
        except CaptureRefused as refused:
            logging.getLogger("mission_control.test").warning("refused: %s", refused.reasons)


def search_what_is_sorted(patch, searched):
    """Search each line that is sorted aside, in memory or spilled to a file without a name."""
    add = SortedLines.add

    def searching(self, line):
        searched.search("spilled", line)
        add(self, line)

    patch.setattr(SortedLines, "add", searching)


async def replay_and_record(parts, settings, log, searched):
    """Replay a log and record it; what is sorted aside meanwhile is searched as well."""
    replay = await asyncio.to_thread(replay_logs, find_input([str(log)]), Narrowing())
    for raw in (False, True):
        shown = "".join(replay_markdown(replay, raw=raw))
        searched.search(f"replay, raw: {raw}", shown.encode())
    clock = parts.jobs.clock
    keeping = keeping_parts(settings, clock, "DEMO")
    origin = run_origin(settings, "command", clock())
    await record_replay(replay, keeping, parts.jobs.past.history, origin)


async def read_all(client, paths, searched):
    """Ask for every path as JSON, and as text."""
    for path in paths:
        accepts = ("application/json", "text/markdown")
        for accept in accepts[: 1 if "/artifacts/" in path or "/evidence" in path else 2]:
            answer = await client.get(path, headers={"accept": accept})
            searched.search(f"{path} ({accept})", answer.content)
            searched.search(f"{path} headers", str(answer.headers).encode())


async def every_path(client, root):
    """List every path of the API, with each service and each recorded file."""
    described = (await client.get("/schema.json")).json()["paths"]
    names = [a["agent_name"] for a in (await client.get("/api/v1/agents")).json()["agents"]]
    recorded = (p.relative_to(root) for p in root.rglob("*") if p.is_file())
    files = [str(p) for p in recorded if p.parts[0] in {"audit_artifacts", "ops", "replays"}]
    fillings = {"/api/v1/agents/": names, "/api/v1/artifacts/": files}
    for path in (p for p in described if p not in {*ENDLESS, AS_THE_BUNDLE}):
        start, brace, _ = path.partition("{")
        for filling in fillings.get(start, ()) if brace else [""]:
            yield start + filling


async def crawl(client, searched, most=150):
    """Read every page that a reader can get to from the first, and search it."""
    seen, waiting = set[str](), ["/", "/wall"]
    while waiting and len(seen) < most:
        path = waiting.pop(0)
        seen.add(path)
        answer = await client.get(path)
        searched.search(f"page {path}", answer.content + str(answer.headers).encode())
        links = (html.unescape(a) for a in re.findall(r'(?:href|src)="(/[^"#]*)', answer.text))
        waiting += [a for a in dict.fromkeys(links) if a not in {*seen, *waiting, *ENDLESS}]
    return seen


@asynccontextmanager
async def client_of(application: Any):
    """Ask an application in process."""
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


async def live_and_search(floor, replayed, searched):
    """Watch, run every job, replay; then search every answer and page. Returns how many."""
    settings = floor.settings
    async with connected(settings, floor.clock, "DEMO", records=True) as parts:
        tasks = [asyncio.create_task(w.run()) for w in (parts.watch, parts.alerts) if w]
        await run_everything(parts, settings)
        await replay_and_record(parts, settings, replayed, searched)
        async with client_of(parts.application) as client:
            paths = [p async for p in every_path(client, settings.root)]
            await read_all(client, paths, searched)
            pages = create_application(PagesSettings(timeout_seconds=20), client)
            async with client_of(pages) as reader:
                crawled = await crawl(reader, searched)
        for task in tasks[::-1]:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    return paths, crawled


async def test_no_secret_that_others_write_gets_out(monkeypatch, tmp_path, log):
    """
    Planted in every form in all that is read, none is on disk, in a log, an answer, page or alert.

    What stands beside each did arrive, so that the search is of what was really read (R10.4).
    """
    plant(monkeypatch)
    replayed = plant_log(tmp_path / "orders.log")
    key, searched = tmp_path / "key", Searched()
    search_what_is_sorted(monkeypatch, searched)
    key.write_text("a-key-of-the-test-of-canaries-0123456789")
    with receiving() as hook:
        flags = {
            "repository": plant_repository(tmp_path / "repository"),
            "alert_webhook_url": hook.url("/hook"),
            "alert_webhook_secret_file": key,
        }
        with demo_floor("calm", OPEN, 0, flags) as floor:
            paths, crawled = await live_and_search(floor, replayed, searched)
            for place, content in on_disk(floor.settings.root):
                searched.search(place, content)
        for number, told in enumerate(hook.told):
            searched.search(f"alert {number}", told.body + str(told.headers).encode())
    searched.search("log", log.getvalue().encode())

    assert {} == searched.leaks
    assert set(MARKS) == searched.marks
    assert {"/api/v1/evidence", "/api/v1/replays", "/api/v1/posture"} <= set(paths)
    assert len(crawled) > 20
    assert hook.told
