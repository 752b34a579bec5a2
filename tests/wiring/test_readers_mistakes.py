"""A reader's mistake is answered with what is wanted, on the API and on the pages over it."""

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops_ui.application import create_application
from ops_ui.settings import Settings
from tests.api.paper_floor import PaperClock, PaperControl, healthy_snapshot
from tests.floor.floor_of_values import NOW
from tests.history.conftest import keeping
from tests.history.test_history import RememberedFloor, written
from tests.records.runs import record

NAMES = [
    *("at", "from", "to", "since", "until", "step", "limit", "cursor", "agent", "job"),
    *("session_date", "session", "last_event_id", "refresh", "_since", ""),
]
ODD = [
    *("", "0", "-1", "1", "501", "9223372036854775807", "9223372036854775808", "1" * 400),
    *("1e400", "NaN", "inf", "-inf", "1.5", "0x10", "1_000", "\u0663", "\u00b2", "true", "null"),
    *("0001-01-01T00:00:00+14:00", "0001-01-01", "9999-12-31T23:59:59-14:00", "9999-12-31"),
    *("10000-01-01", "2026-11-18T10:17", "2026-11-18T15:17:00Z", "2026-W47-3", "2026-02-30"),
    *("1760000000", "a" * 300, "\x00", "\u202e", "latest", "previous", "../..", "%", "+", "[]"),
]
PAGES = [
    *("/", "/wall", "/service/strategy-engine", "/service/%00", "/events", "/slo", "/readiness"),
    *("/deploys", "/deploys/diff", "/attestation", "/artifacts", "/artifacts/view/x", "/lkg"),
    *("/lkg/diff", "/schedule", "/runbooks/TIMEOUT", "/read-only", "/ops/status", "/healthz"),
    *("/static/style.css", "/static/%00", "/static/..%2f..", "/static/" + "x" * 300, "/nothing"),
    *("/artifacts/view/%00", "/artifacts/download/%00", "/runbooks/%00"),
]


class Control(PaperControl):
    """The same API; a failing example is shown without all that it holds."""

    def __repr__(self):
        """Be short."""
        return "Control()"


class Described(dict):
    """The paths of the API's description, shown as short."""

    def __repr__(self):
        """Be short."""
        return "Described()"


@pytest.fixture(scope="module")
def control(tmp_path_factory):
    """Give the API over a floor with a record and ten minutes of history."""
    root = tmp_path_factory.mktemp("root")
    with keeping(root, None) as kept:
        remembered = RememberedFloor(kept)
        for number in range(61):
            at = NOW + timedelta(seconds=10 * number)
            remembered.beat_until(at)
            remembered.floor.refresh(at)
            remembered.decide()
        asyncio.run(written(kept))
        record(root)
        made = Control(
            floor=remembered.board,
            clock=PaperClock(NOW + timedelta(seconds=600)),
            root=root,
            past=remembered.past,
        )
        yield made


@pytest.fixture(scope="module")
def described(control):
    """Give the API's own description: what each path may answer."""
    return Described(asyncio.run(control.ask("/schema")).json()["paths"])


def pages_over(control):
    """Give a client of the pages over this API."""
    transport = httpx.ASGITransport(control.application)
    plain = {"accept-encoding": "identity"}  # as the pages' own client asks
    behind = httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=plain)
    app: Any = create_application(Settings(timeout_seconds=30.0), behind)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
QUERIES = st.lists(
    st.tuples(st.sampled_from(NAMES) | TEXT, st.sampled_from(ODD) | TEXT), max_size=4
)
PARTS = st.sampled_from(ODD) | TEXT
RELAXED = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def address_of(path, part, query):
    """Write an address; a part in braces is this one."""
    named = path.replace("{agent_name}", part).replace("{path}", part).replace("{code}", part)
    pairs = "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in query)
    return f"{named}?{pairs}"


@RELAXED
@given(number=st.integers(0, 999), part=PARTS, query=QUERIES)
def test_no_question_to_the_api_is_a_failure_of_ours(control, described, number, part, query):
    """Whatever is asked, the answer is one that the API's description names, never a 5xx."""
    paths = sorted(set(described) - {"/api/v1/stream"})
    path = paths[number % len(paths)]
    part = quote(part or "x", safe="")
    if part in {".", ".."}:
        part = "x"
    answer = asyncio.run(control.ask(address_of(path, part, query)))

    told = answer.json()["code"] if answer.status_code >= 500 else ""
    assert "poll_loop_stalled" == told or not told  # nothing beats here
    assert str(answer.status_code) in described[path]["get"]["responses"], answer.text
    if answer.status_code >= 400:
        assert "application/problem+json" == answer.headers["content-type"]
        assert answer.json()["detail"]


@RELAXED
@given(path=st.sampled_from(PAGES), query=QUERIES)
def test_no_address_of_a_page_is_a_failure_of_ours(control, path, query):
    """Whatever stands in an address, a page is shown or says what is wrong with it, never a 5xx."""

    async def ask():
        async with pages_over(control) as pages:
            return await pages.get(address_of(path, "", query))

    assert 500 > asyncio.run(ask()).status_code


@pytest.mark.parametrize(
    ("page", "status", "words"),
    [
        pytest.param("/?at=2026-11-18T10:20", 200, "AS OF 2026-11-18 10:20:00 EST", id="New York"),
        pytest.param("/?at=noon", 422, "2026-11-20T08:30, which is New York", id="no time"),
        pytest.param("/?at=0001-01-01", 422, "the year is 1970 to 2999", id="year 1"),
        pytest.param("/?at=2026-11-18T23:00", 422, "lies after the server", id="the future"),
        pytest.param("/?at=2026-11-18T09:00", 404, "the floor was not watched then", id="a gap"),
        pytest.param(
            "/service/strategy-engine?at=2026-11-18T10:20", 200, "AS OF", id="a service of then"
        ),
        pytest.param("/service/strategy-engine?at=x", 422, "write `at` as", id="a service"),
        pytest.param("/service/x?at=2026-11-18T10:20", 404, "not in the inventory", id="no one"),
        pytest.param("/events?cursor=9223372036854775808", 422, "cursor", id="a cursor"),
        pytest.param("/events?since=10000-01-01", 422, "write `since` as", id="events"),
        pytest.param("/artifacts?limit=\u0663", 422, "limit", id="digits of another script"),
        pytest.param("/attestation?session=9999-99-99", 422, "session", id="no date"),
        pytest.param("/deploys/diff?from=" + "x" * 300, 404, "no recorded report", id="too long"),
        pytest.param("/static/%00", 400, "control character", id="a NUL"),
    ],
)
def test_a_page_says_what_is_wanted(control, page, status, words):
    """A reader's mistake is told with its reason, never as a failure of Mission Control."""

    async def ask():
        async with pages_over(control) as pages:
            return await pages.get(page)

    answer = asyncio.run(ask())

    assert status == answer.status_code
    assert words in answer.text
    assert "answered 4" not in answer.text


def test_the_floor_is_unhurt(control):
    """The present is answered as ever after all of that."""
    assert 200 == asyncio.run(control.ask("/api/v1/posture")).status_code
    assert healthy_snapshot()
