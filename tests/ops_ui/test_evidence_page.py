"""Evidence on the pages: what is known is seen before it is downloaded, and passed on unchanged."""

import asyncio
import shlex
from typing import Any

import httpx
import pytest
from litestar.exceptions import LitestarException

from ops_ui.application import create_application
from ops_ui.evidence import Preview
from ops_ui.mission_control_client import Missed, MissionControlClient
from ops_ui.settings import Settings
from tests.ops_ui.conftest import AT
from tests.ops_ui.test_pages import see

pytestmark = pytest.mark.anyio
PREVIEW = {
    "since": "2026-11-18T15:00:00.000Z",
    "until": "2026-11-18T15:15:00.000Z",
    "since_et": "2026-11-18 10:00:00 EST",
    "until_et": "2026-11-18 10:15:00 EST",
    "incident": "it's stale; rm -rf $HOME",
    "name": "evidence_20261118T150000Z_20261118T151500Z.zip",
    "size": 3_355_443,
    "exact": False,
    "changes": 12,
    "whole": False,
    "first": "with gaps: posture (of 2 sources).",
    "sources": [
        {
            "source": "posture",
            "expected": 900,
            "obtained": 840,
            "unit": "seconds",
            "whole": False,
            "gaps": [
                {"what": f"gap {n}", "reason": "<b>nothing was decided</b>"} for n in range(12)
            ],
        },
        {
            "source": "alerts",
            "expected": None,
            "obtained": 0,
            "unit": "changes",
            "whole": False,
            "gaps": [],
        },
        {"source": "events", "expected": 4, "obtained": 4, "unit": "events", "whole": True},
    ],
}
INCIDENTS = {
    "until": AT,
    "cut": True,
    "incidents": [
        {
            "begin": "2026-11-18T15:10:00.000Z",
            "end": None,
            "severity": "P1",
            "sentence": "Market data is stale (marketdata-mcp-server); the floor never halted",
        },
        {
            "begin": "2026-11-17T15:00:00.000Z",
            "end": "2026-11-17T15:05:00.000Z",
            "severity": "P0",
            "sentence": "The kill switch is off",
        },
        {"severity": "P2", "sentence": "when is not said"},
    ],
}
SESSIONS = [
    {"session_date": "2026-11-17", "early_close": False},
    {"session_date": "2026-11-18", "early_close": True},
    {"session_date": "nonsense"},
]
CHOSEN = "/evidence?from=2026-11-18T15:00:00Z&to=2026-11-18T15:15:00Z&incident=feed"
API = "/api/v1/evidence"


@pytest.fixture
def evidence(upstream):
    """Return a Mission Control that previews a bundle."""
    upstream.answers[f"{API}/preview"] = dict(PREVIEW)
    upstream.answers["/api/v1/incidents"] = INCIDENTS
    upstream.answers["/api/v1/timeline"]["sessions"] = SESSIONS
    return upstream


def links(page):
    """Return where a page leads."""
    return [a.get("href", "") for tag, a in page.elements if tag == "a"]


async def test_incidents_and_sessions_are_chosen_by_links(pages, evidence):
    """Ten minutes around an incident, up to now while it goes on; a session is its whole day."""
    page = await see(pages, "/evidence")

    found = [a for a in links(page) if a.startswith("/evidence?")]
    assert 5 == len(found)
    assert "from=2026-11-18T15%3A00%3A00%2B00%3A00" in found[0]
    assert "to=" not in found[0]
    assert "to=2026-11-17T15%3A15%3A00%2B00%3A00" in found[1]
    assert "from" not in found[2]
    assert "/evidence?from=2026-11-18T00%3A00&to=2026-11-19T00%3A00" == found[3]
    assert "goes on" in page.text
    assert "So much happened that older ones are not listed" in page.text
    assert "closes early" in page.text
    assert not [r for r in evidence.requests if r.url.path == f"{API}/preview"]


async def test_what_a_bundle_would_hold_is_seen_before_it_is_downloaded(pages, evidence):
    """Size, what is missing and why, per source; what was not read is no gap of zero."""
    page = await see(pages, CHOSEN)

    for words in (
        "with gaps: posture (of 2 sources).",
        "about 3.2 MiB, 12 judged changes",
        "? NOT READ",
        "▲ gaps",
        "● whole",
        "gap 0: <b>nothing was decided</b>",
        "and 2 more",
    ):
        assert words in page.text
    assert "feed" == dict(evidence.asked(f"{API}/preview").params)["incident"]
    assert "badge-fine" not in page.classes()
    download = next(a for a in links(page) if a.startswith("/evidence/download"))
    assert "from=2026-11-18T15%3A00%3A00.000Z&to=2026-11-18T15%3A15%3A00.000Z" in download


async def test_the_command_line_is_for_the_same_bundle_and_harmless(pages, evidence):
    """What others wrote is one argument, whatever it holds."""
    page = await see(pages, CHOSEN)

    at = page.text.index("mission-control evidence export")
    words = shlex.split(page.text[at : page.text.index(".zip", at) + 4])
    assert [
        "mission-control", "evidence", "export", "--from", PREVIEW["since"], "--to",
        PREVIEW["until"], "--incident", PREVIEW["incident"], "-o", PREVIEW["name"],
    ] == words  # fmt: skip
    assert f"mission-control evidence redecide {PREVIEW['name']}" in page.text


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (httpx.Response(404), "answered 404"),
        (httpx.Response(422, json={"detail": "`from` must lie before `to`"}), "must lie before"),
        (httpx.ConnectError("refused"), "nothing answers"),
        ({"size": 3}, "its since is missing"),
    ],
)
async def test_a_preview_that_is_not_known_is_no_empty_bundle(pages, evidence, answer, told):
    """It says why, keeps what was chosen, and offers no download."""
    evidence.answers[f"{API}/preview"] = answer
    page = await see(pages, CHOSEN)

    assert "NOT KNOWN" in page.text
    assert told in page.text
    assert not [a for a in links(page) if "download" in a]
    assert "2026-11-18T10:00:00" in [a.get("value") for t, a in page.elements if t == "input"]


async def test_a_preview_may_take_longer_than_any_other_answer(evidence):
    """What reads a month is waited for; the deadline is its own, and no page waits for ever."""

    async def late(_request):
        await asyncio.sleep(0.15)
        return httpx.Response(200, json=PREVIEW)

    evidence.answers[f"{API}/preview"] = late
    behind = httpx.AsyncClient(transport=httpx.MockTransport(evidence), base_url="http://mc")
    client = MissionControlClient(behind, 0.05)

    missed, found = [await client.ask(f"{API}/preview", Preview, s) for s in (None, 5.0)]

    assert isinstance(missed, Missed)
    assert "no whole answer within 0.05 s" == missed.detail
    assert isinstance(found, Preview)


async def test_a_bundle_of_which_little_is_said_is_not_called_whole(pages, evidence):
    """Missing figures are `?` and never a good sign."""
    evidence.answers[f"{API}/preview"] = {
        "since": "2026-11-18T15:00:00.000Z",
        "until": "2026-11-18T15:15:00.000Z",
        "sources": [{}],
    }
    page = await see(pages, "/evidence?from=x")

    assert "What it lacks is not known." in page.text
    assert "not known, ? judged changes" in page.text
    assert "? NOT READ" in page.text


@pytest.mark.parametrize("field", sorted({*PREVIEW, "label"}))
async def test_no_junk_in_a_preview_breaks_the_page_or_looks_well(pages, evidence, field):
    """Whatever a field holds, the page is shown, and nothing turns green by it."""
    for junk in (None, 7, "x", [], {}, [7], [{}], 1e300):
        evidence.answers[f"{API}/preview"] = {**PREVIEW, field: junk}
        answer = await pages.get(CHOSEN)

        assert 200 == answer.status_code
        assert "badge-fine" not in answer.text


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/api/v1/incidents", "Incidents are not known"),
        ("/api/v1/timeline", "Sessions are not known"),
        ("/api/v1/agents", "Incidents and sessions are not known"),
    ],
)
async def test_what_cannot_be_offered_is_said(pages, evidence, path, told):
    """The form works all the same."""
    evidence.answers[path] = httpx.Response(500)
    page = await see(pages, "/evidence")

    assert told in page.text
    assert "None is recorded." not in page.text
    assert "from" in [a.get("name") for t, a in page.elements if t == "input"]


@pytest.mark.parametrize(
    ("size", "text"), [(12, "12 bytes"), (2048, "2.0 KiB"), (3 * 2**30, "3.0 GiB")]
)
async def test_a_size_is_told_for_people(pages, evidence, size, text):
    """An exact one is not called about so much."""
    evidence.answers[f"{API}/preview"] |= {"size": size, "exact": True, "incident": ""}
    page = await see(pages, CHOSEN)

    assert f"{text}, 12 judged changes" in page.text
    assert "about" not in page.text.partition("judged changes")[0][-40:]
    assert "--incident" not in page.text


async def test_a_bundle_is_passed_on_byte_by_byte(pages, evidence):
    """Name and bytes are Mission Control's, and the question is the reader's."""
    content = bytes(range(256)) * 1000
    headers = {"content-disposition": 'attachment; filename="evidence_a.zip"'}
    evidence.answers[API] = httpx.Response(200, content=content, headers=headers)

    answer = await pages.get("/evidence/download?from=a&to=b&incident=c&other=d")

    assert (200, content) == (answer.status_code, answer.content)
    assert "application/zip" == answer.headers["content-type"]
    assert 'attachment; filename="evidence_a.zip"' == answer.headers["content-disposition"]
    assert "no-store" == answer.headers["cache-control"]
    assert {"from": "a", "to": "b", "incident": "c"} == dict(evidence.asked(API).params)


async def test_a_name_cannot_say_more_than_a_name(pages, evidence):
    """What stands in a header is letters, digits and dots."""
    headers = {"content-disposition": 'attachment; filename="../x\\" y;.zip"'}
    evidence.answers[API] = httpx.Response(200, content=b"x", headers=headers)

    answer = await pages.get("/evidence/download?from=a")

    assert 'attachment; filename="..xy.zip"' == answer.headers["content-disposition"]


@pytest.mark.parametrize(
    ("answer", "status", "told"),
    [
        (httpx.Response(422, json={"detail": "`from` must lie before"}), 422, "must lie before"),
        (httpx.Response(503), 502, "503"),
        (httpx.ConnectError("refused"), 502, "nothing answers at its address"),
    ],
)
async def test_a_bundle_that_is_not_made_is_a_page_that_says_so(
    pages, evidence, answer, status, told
):
    """A file of an error message would be taken for evidence."""
    evidence.answers[API] = answer

    page = await pages.get("/evidence/download?from=a")

    assert status == page.status_code
    assert page.headers["content-type"].startswith("text/html")
    assert told in page.text


async def test_a_bundle_that_breaks_off_is_no_whole_file():
    """The connection ends with an error, so that no browser takes it for complete."""

    async def breaks_off():
        yield b"PK"
        raise httpx.ReadError("gone")

    def answers(_request):
        return httpx.Response(200, content=breaks_off())

    http = httpx.AsyncClient(transport=httpx.MockTransport(answers), base_url="http://mc")
    application: Any = create_application(Settings(), http)
    ui = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=ui, base_url="http://localhost") as reader:
        with pytest.raises(LitestarException, match="after response started"):
            await reader.get("/evidence/download?from=a")
