"""Readers aside: which questions are passed on, asked once for many, kept, and refused honestly."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import cast

import httpx
import orjson
import pytest
from litestar.routes import HTTPRoute

from mission_control.api.application import (
    SecuredApplication,
    create_application,
    reading_application,
)
from mission_control.api.readers_aside import answer_within, is_asked_aside
from mission_control.floor.model import Verdict
from mission_control.processes.model import Answered, AnswerHead, LiveFloor, Question, Unanswered
from tests.api.paper_floor import PaperClock, PaperControl
from tests.floor.floor_of_values import NOW

pytestmark = pytest.mark.anyio
PUBLISHED = {
    "/", "/livez", "/healthz", "/health", "/ops/health", "/ops/status", "/metrics", "/ops/metrics",
    "/api/v1/posture", "/api/v1/safety", "/api/v1/session", "/api/v1/agents",
    "/api/v1/agents/{agent_name:str}", "/api/v1/events/recent", "/api/v1/stream",
    "/api/v1/runbooks", "/api/v1/runbooks/{code:str}", "/api/v1/attestation/read-only",
    "/api/v1/schedule", "/api/v1/alerts", "/api/v1/posture/evidence",
    "/api/v1/brief", "/api/v1/brief.json", "/api/v1/brief.md", "/api/v1/floors",
}  # fmt: skip
"""
What is answered from the newest snapshot, or from a file of ours that is short; and the brief,
which needs what is published as well as the record, and is made for one reader at a time.
"""
MADE = {"/api/v1/evidence", "/api/v1/evidence/coverage"}
"""What a process of its own makes, begun for each answer."""


class Elsewhere:
    """Stands in for the process: notes questions, and answers when it may."""

    def __init__(self, answer=None):
        """Answer all with this."""
        self.asked = []
        self.may = asyncio.Event()
        self.may.set()
        self.answer = answer or Answered(
            AnswerHead(200, ((b"content-type", b"application/json"),)), (b'{"far":', b" true}")
        )

    async def __call__(self, path, query, headers):
        """Note and answer."""
        self.asked.append((path, query, headers))
        await self.may.wait()
        return self.answer


@pytest.fixture
def far():
    """Return a process that answers."""
    return Elsewhere()


@pytest.fixture
def clock():
    """Return a clock that tests can set."""
    return PaperClock(NOW)


@pytest.fixture
def near(far, clock, tmp_path):
    """Return the API whose readers are answered elsewhere."""
    control = PaperControl(clock=clock, root=tmp_path)
    parts = replace(control.parts(), ask=far)
    control.application = cast("SecuredApplication", create_application(parts))
    return control


def test_every_route_is_published_or_passed_on():
    """A new route that reads history or the record must be passed on, or be named here."""
    application = PaperControl().application.litestar
    routes = {r.path for r in application.routes if isinstance(r, HTTPRoute)}

    own = {p for p in routes if not is_asked_aside(p, b"", ())}

    assert {p for p in own if not p.startswith(("/schema", "/api/v1/schemas"))} <= PUBLISHED | MADE
    assert {"/api/v1/timeline", "/api/v1/slo", "/api/v1/events", "/api/v1/lkg"} <= routes - own


@pytest.mark.parametrize(
    ("path", "accept", "aside"),
    [
        pytest.param(
            "/api/v1/posture?at=2026-11-18T15:00:00Z", "*/*", True, id="the floor of then"
        ),
        pytest.param("/api/v1/agents/x?a=1&at=", "*/*", True, id="a service of then"),
        pytest.param("/api/v1/posture?atlas=1", "*/*", False, id="another parameter"),
        pytest.param("/api/v1/schedule?at=1", "*/*", False, id="where at means nothing"),
        pytest.param("/api/v1/runbooks/TIMEOUT.html", "*/*", True, id="a runbook to render"),
        pytest.param("/api/v1/runbooks/TIMEOUT", "text/html", True, id="a runbook for a browser"),
        pytest.param("/api/v1/runbooks/TIMEOUT.md", "text/html", False, id="as it was written"),
        pytest.param("/api/v1/artifacts/a/b.json", "*/*", True, id="a recorded file"),
        pytest.param("/api/v1/reports/deploy/latest.md", "*/*", True, id="a report"),
        pytest.param("/api/v1/readiness/latest", "*/*", True, id="readiness"),
        pytest.param("/api/v1/attestation/no-execution.md", "*/*", True, id="an attestation"),
        pytest.param("/api/v1/events/recent", "*/*", False, id="recent events"),
    ],
)
async def test_questions_of_readers_are_passed_on(near, far, path, accept, aside):
    """What was, what is recorded and what is rendered; never what is published."""
    answer = await near.ask(path, headers={"accept": accept})

    assert aside == bool(far.asked)
    assert aside == (b'{"far": true}' == answer.content)


async def test_an_answer_from_elsewhere_is_dressed_as_any(near):
    """Headers of safety and our clock are on it, and HEAD has no body."""
    answer = await near.ask("/api/v1/slo")
    head = await near.ask("/api/v1/slo", "HEAD")
    written = await near.ask("/api/v1/slo", "POST")

    assert "nosniff" == answer.headers["x-content-type-options"]
    assert "x-mission-control-time" in answer.headers
    assert (200, b"") == (head.status_code, head.content)
    assert 405 == written.status_code


async def test_the_same_question_of_many_is_asked_once(near, far):
    """Twenty readers at once cost one answer; one that disconnects does not cancel it."""
    far.may.clear()
    asking = [asyncio.create_task(near.ask("/api/v1/events?limit=5")) for _ in range(20)]
    while not far.asked:  # noqa: ASYNC110  (twenty tasks of one loop)
        await asyncio.sleep(0)
    asking[0].cancel()
    for _ in range(50):
        await asyncio.sleep(0)
    far.may.set()
    answers = await asyncio.gather(*asking[1:])

    assert {b'{"far": true}'} == {a.content for a in answers}
    assert 1 == len(far.asked)
    await near.ask("/api/v1/events?limit=5")
    assert 2 == len(far.asked)


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        pytest.param("/api/v1/timeline?step=1800", True, id="strips"),
        pytest.param("/api/v1/slo", True, id="what was attained"),
        pytest.param("/api/v1/timeline", False, id="a timeline without steps"),
        pytest.param("/api/v1/artifacts", False, id="the record"),
    ],
)
async def test_strips_are_kept_until_the_minute_ends(near, far, clock, path, kept):
    """Within a minute they are not asked for again; in the next one they are."""
    for seconds, asked in ((0, 1), (44, 1 if kept else 2), (45, 2 if kept else 3)):
        clock.now = NOW + timedelta(seconds=15 + seconds)
        await near.ask(path)
        assert asked == len(far.asked)


async def test_what_is_kept_has_a_bound(near, far):
    """Whatever is asked, no more than so many answers are remembered."""
    for step in range(1, 200):
        await near.ask(f"/api/v1/timeline?step={step}")
    await near.ask("/api/v1/timeline?step=1")

    assert 200 == len(far.asked)


async def test_without_an_answer_it_says_so(near, far):
    """503 with a stable code, a reason and when to ask again; it is not remembered."""
    far.answer = Unanswered("too many questions wait already", 7)

    answers = [await near.ask("/api/v1/slo") for _ in range(2)]

    assert [(503, "7")] * 2 == [(a.status_code, a.headers["retry-after"]) for a in answers]
    assert ["readers_not_answered"] * 2 == [a.json()["code"] for a in answers]
    assert "too many questions wait already" == answers[0].json()["detail"]
    assert 2 == len(far.asked)
    assert 200 == (await near.ask("/api/v1/posture")).status_code


async def test_a_runbook_that_is_not_rendered_is_shown_as_it_was_written(near, far):
    """At 3 a.m. the text is what counts; what serves it renders nothing itself."""
    far.answer = Unanswered("it hangs")

    page = await near.ask("/api/v1/runbooks/MARKETDATA_STALE.html")

    assert 200 == page.status_code
    assert "shown as it was written" in page.text
    assert "<pre># Marketdata is stale" in page.text
    assert "<script>" not in page.text


async def test_a_question_is_answered_as_it_would_be_here(tmp_path):
    """The routes behind the process answer as the API itself does."""
    control = PaperControl(root=tmp_path)
    application = reading_application(control.parts())
    snapshot = control.floor.current()
    about = snapshot.cluster_identity
    live = LiveFloor(NOW, NOW, snapshot.session, NOW, (), Verdict.OK, None, about)

    for path in ("/api/v1/artifacts", "/api/v1/readiness/latest", "/api/v1/lkg", "/api/v1/slo"):
        here = await control.ask(path)
        there = await answer_within(application, Question(path, b"", (), live))
        assert isinstance(there.value, AnswerHead)
        body = b"".join(there.body)
        assert (here.status_code, here.json()) == (there.value.status, orjson.loads(body))
        assert httpx.Headers(list(there.value.headers))["content-length"] == str(len(body))
