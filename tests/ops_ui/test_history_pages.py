"""Pages: one service in full, past events, targets, and the floor as it was."""

import asyncio

import httpx
import pytest

from ops_ui.floor import FloorPage
from ops_ui.mission_control_client import MissionControlClient
from tests.ops_ui.conftest import AGENT, AGENTS, AT, POSTURE

pytestmark = pytest.mark.anyio
NAME = "marketdata-mcp-server"
SERVICE = f"/service/{NAME}"
GAP_404 = httpx.Response(404, content=b'{"code":"history_gap"}')


async def test_a_service_is_shown_in_full(pages, upstream):
    """State, owner, strips, targets, and each answer with its timings and what was wrong."""
    page = (await pages.get(SERVICE)).text

    for words in (
        NAME,
        "DEMO",
        "Ops On-Call",
        "99.950 %",
        "1 h 1 min",
        "last 24 hours: 50 % watched",
        "CONTRACT_INVALID",
        "connect 1.0 ms",
        "<code>safety</code> is missing",
        "not watched",
    ):
        assert words in page, words
    asked = [r.url.path for r in upstream.requests]
    assert 2 == asked.count("/api/v1/timeline")


async def test_what_a_service_wrote_is_text(pages):
    """Nothing that a service answered acts on the page."""
    page = (await pages.get(SERVICE)).text

    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize("key", ["state", "expected", "reasons", "owner", "readings"])
async def test_a_service_is_never_green_on_a_missing_key(pages, upstream, key):
    """A key that is missing leaves a page, and no key makes it look well by being absent."""
    del upstream.answers[f"/api/v1/agents/{NAME}"]["agent"][key]
    answer = await pages.get(SERVICE)

    assert 200 == answer.status_code
    if key in {"expected", "state"}:
        assert "badge-bad" in answer.text


async def test_a_service_without_history_is_shown_all_the_same(pages, upstream):
    """When strips and targets cannot be had, the service itself still is."""
    for path in ("/api/v1/timeline", "/api/v1/slo"):
        upstream.answers[path] = httpx.Response(503)
    page = (await pages.get(SERVICE)).text

    assert "history not read" in page
    assert NAME in page


@pytest.mark.parametrize("path", ["/service/no-such", "/service/..%2fposture"])
async def test_a_service_that_is_not_there_is_unknown(pages, path):
    """A name that the inventory does not list is 404, whatever is in it."""
    answer = await pages.get(path)

    assert 404 == answer.status_code


async def test_the_floor_as_it_was_is_labelled_and_asked_for_then(pages, upstream):
    """With `?at=` every question bears it, and the page says AS OF with a way back."""
    upstream.answers["/api/v1/posture"] = {**POSTURE, "label": "AS OF 2026-11-18 10:15:13 EST"}
    page = (await pages.get("/", params={"at": AT})).text

    asked = {r.url.path: dict(r.url.params) for r in upstream.requests}
    assert AT == asked["/api/v1/posture"]["at"] == asked["/api/v1/agents"]["at"]
    assert AT == asked["/api/v1/events"]["until"]
    assert "AS OF 2026-11-18 10:15:13 EST" in page.split("</title>")[0]
    assert "Show now" in page
    assert f"{SERVICE}?at=2026-11-18" in page


async def test_a_gap_is_unknown_and_not_a_floor(pages, upstream):
    """For a time that was not watched the page says UNKNOWN and shows no verdict."""
    upstream.answers["/api/v1/posture"] = GAP_404
    answer = await pages.get("/", params={"at": AT})

    assert 404 == answer.status_code
    assert "UNKNOWN: the floor was not watched then" in answer.text
    assert "verdict-" not in answer.text


async def test_a_look_at_the_past_is_not_remembered_as_the_present(pages, upstream):
    """After a look at the past a failing Mission Control does not show it as the last floor."""
    await pages.get("/", params={"at": AT})
    upstream.answers["/api/v1/posture"] = httpx.ConnectError("no")
    page = (await pages.get("/")).text

    assert "Last seen" not in page


async def test_strips_are_not_asked_for_with_each_refresh(pages, upstream):
    """Renewing the floor asks for posture each time and for the strips once a minute."""
    for _ in range(3):
        await pages.get("/")
    asked = [r.url.path for r in upstream.requests]

    assert (3, 1) == (asked.count("/api/v1/posture"), asked.count("/api/v1/timeline"))


async def test_strips_that_were_missed_are_asked_for_later_and_later(upstream):
    """A floor that is renewed every two seconds asks a failing timeline seldom, then again."""
    upstream.answers["/api/v1/timeline"] = httpx.Response(503)
    behind = httpx.AsyncClient(
        transport=httpx.MockTransport(upstream), base_url="http://mission-control"
    )
    now = 0.0
    page = FloorPage(MissionControlClient(behind, 5.0), lambda: now)
    asked_at = list[float]()
    for step in range(120):
        now = 2.0 * step
        before = len(upstream.requests)
        await page.see()
        if any(r.url.path == "/api/v1/timeline" for r in upstream.requests[before:]):
            asked_at.append(now)

    assert [0.0, 10.0, 30.0, 70.0, 130.0] == asked_at


async def test_many_pages_at_once_ask_for_the_strips_once(upstream):
    """Twenty readers who open the floor together share one question about the past."""
    behind = httpx.AsyncClient(
        transport=httpx.MockTransport(upstream), base_url="http://mission-control"
    )
    page = FloorPage(MissionControlClient(behind, 60.0), lambda: 0.0)

    await asyncio.gather(*(page.see() for _ in range(20)))

    assert 1 == [r.url.path for r in upstream.requests].count("/api/v1/timeline")


async def test_events_are_listed_with_filters_in_the_address(pages, upstream):
    """Filters are handed on, others are not, and older events are a link away."""
    page = (await pages.get(f"/events?agent={NAME}&evil=1")).text

    assert {"agent": NAME} == dict(upstream.asked("/api/v1/events").params)
    assert "UNKNOWN -&gt; HALTED" in page
    assert f"/events?agent={NAME}&amp;cursor=41" in page


async def test_targets_that_were_missed_come_first(pages):
    """What was not met leads, in words; what was met says so."""
    page = (await pages.get("/slo")).text

    assert page.index("strategy-engine") < page.index(NAME)
    assert "NOT met" in page
    assert "● met" in page


@pytest.mark.parametrize("met", [None, "true", 1])
async def test_a_target_is_met_only_when_it_is_said(pages, upstream, met):
    """Anything but true is no verdict in favour."""
    for service in upstream.answers["/api/v1/slo"]["services"]:
        service["met"] = met

    assert "● met" not in (await pages.get("/slo")).text


@pytest.mark.parametrize("path", ["/events", "/slo", SERVICE])
async def test_what_cannot_be_read_is_said(pages, upstream, path):
    """Without an answer each page says so and shows nothing else."""
    for answered in list(upstream.answers):
        upstream.answers[answered] = httpx.ConnectError("no")
    answer = await pages.get(path)

    assert 502 == answer.status_code
    assert "could not be read" in answer.text


def test_the_paper_answers_are_whole():
    """The floor's own list and the single service tell of the same service."""
    assert AGENT["agent_name"] in {a["agent_name"] for a in AGENTS["agents"]}


ODD = ["\u202e", "\u2066", "\u200b", "\u200d", "\ufeff", "\x1b", "\x9b", "\u2028"]


@pytest.mark.parametrize("odd", ODD)
async def test_what_could_reorder_a_page_is_shown_instead(pages, upstream, odd):
    """Nothing that turns or hides text reaches a page raw."""
    agent = upstream.answers[f"/api/v1/agents/{NAME}"]["agent"]
    agent["readings"][0] |= {"excerpt": f"a{odd}b", "document": {f"k{odd}": f"v{odd}w"}}
    agent["owner"] = {"primary": f"Ops{odd}", "secondary": None}
    upstream.answers["/api/v1/events"]["events"][0]["message"] = f"it says {odd}so"
    upstream.answers["/api/v1/runbooks/TIMEOUT"] = f"# TIMEOUT\n\nText {odd} of it\n"
    for path in (SERVICE, "/events", "/runbooks/TIMEOUT"):
        page = (await pages.get(path)).text

        assert odd not in page, path
        assert "\N{REPLACEMENT CHARACTER}" in page, path


async def test_the_past_lasts_until_the_instant_that_was_asked_for(pages, upstream):
    """What was decided a minute before was still so: its duration reaches up to then."""
    upstream.answers["/api/v1/posture"] |= {"label": "AS OF", "at": "2026-11-18T15:10:05.000Z"}
    zoned = (await pages.get("/", params={"at": "2026-11-18T15:15:13Z"})).text
    bare = (await pages.get("/", params={"at": "2026-11-18T10:15:13"})).text

    for page in (zoned, bare):
        assert '<span data-lasts="313.0">5 min 13 s</span>' in page
        assert "15:15:13 UTC" in page
