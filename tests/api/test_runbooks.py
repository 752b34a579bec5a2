"""Runbooks and schemas as they are served."""

import orjson
import pytest

from mission_control.alerts.present import first_step_of
from mission_control.contract.present import ops_status_schema
from tests.api.paper_floor import MARKDOWN, PaperControl

pytestmark = pytest.mark.anyio

PAGE = "/api/v1/runbooks/MARKETDATA_STALE"


async def test_the_list(control: PaperControl):
    """The list names each code with its title, its address and the first step of its page."""
    answer = (await control.ask("/api/v1/runbooks")).json()

    expected = {
        "code": "MARKETDATA_STALE",
        "title": "Marketdata is stale",
        "subject": "Market data and the session",
        "first_step": first_step_of(MARKDOWN),
        "url": PAGE,
    }
    assert [expected] == answer["runbooks"]
    assert expected["subject"] in answer["subjects"]


@pytest.mark.parametrize(
    ("suffix", "accept", "media_type"),
    [
        pytest.param("", "*/*", "text/markdown; charset=utf-8", id="by default"),
        pytest.param("", "text/html,*/*;q=0.8", "text/html; charset=utf-8", id="a browser"),
        pytest.param("", "text/html;q=0", "text/markdown; charset=utf-8", id="HTML refused"),
        pytest.param(".html", "*/*", "text/html; charset=utf-8", id="HTML by suffix"),
        pytest.param(".md", "text/html", "text/markdown; charset=utf-8", id="Markdown by suffix"),
    ],
)
async def test_markdown_or_html(control: PaperControl, suffix, accept, media_type):
    """A runbook is Markdown as written, or HTML for who asks for it by Accept or suffix."""
    answer = await control.ask(PAGE + suffix, headers={"accept": accept})

    assert (200, media_type) == (answer.status_code, answer.headers["content-type"])
    assert "accept, accept-encoding" == answer.headers["vary"]
    if "markdown" in media_type:
        assert answer.text == MARKDOWN


async def test_nothing_in_a_page_can_act(control: PaperControl):
    """Raw HTML stays text, and a link that could act stays text too."""
    page = (await control.ask(f"{PAGE}.html")).text

    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert 'href="javascript' not in page
    assert '<a href="MARKETDATA_MISSING.md">missing</a>' in page


async def test_a_page_of_the_demo_says_so():
    """The title and the page itself begin with the label."""
    page = (await PaperControl(label="DEMO").ask(f"{PAGE}.html")).text

    assert "<title>DEMO · Marketdata is stale</title>" in page
    assert "<strong>DEMO</strong>" in page


@pytest.mark.parametrize(
    "code",
    ["NOTHING", "MARKETDATA_STALE.pdf", "..%2f..%2fetc%2fpasswd", "A" * 65, "a b", ".md"],
)
async def test_a_runbook_that_is_not_there(control: PaperControl, code):
    """Any other code is a 404, and nothing outside the list is ever looked for."""
    answer = await control.ask(f"/api/v1/runbooks/{code}")

    assert 404 == answer.status_code
    assert answer.json()["code"] in {"runbook_not_found", "not_found"}


async def test_the_contracts_schema(control: PaperControl):
    """The schema of the status contract is served as it is published."""
    answer = await control.ask("/api/v1/schemas/ops-status.json")

    assert "application/schema+json" == answer.headers["content-type"]
    assert ops_status_schema() == orjson.loads(answer.content)


async def test_the_api_describes_every_route(control: PaperControl):
    """The OpenAPI 3.1 document describes every route of the running application, GET only."""
    answer = (await control.ask("/schema")).json()

    routes = {r.path_format for r in control.application.litestar.routes}  # pyright: ignore[reportAttributeAccessIssue]
    assert answer["openapi"].startswith("3.1")
    assert routes == set(answer["paths"])
    assert {"get"} == {method for item in answer["paths"].values() for method in item}
    assert "PostureDocument" in answer["components"]["schemas"]


async def test_the_description_never_varies():
    """Two servers describe themselves in equal bytes."""
    answers = [await PaperControl().ask("/schema") for _ in range(2)]

    assert answers[0].content == answers[1].content


@pytest.mark.parametrize(
    ("path", "accept"), [("/schema.html", "*/*"), ("/schema", "text/html")], ids=["path", "Accept"]
)
async def test_the_viewer_fetches_nothing(control: PaperControl, path, accept):
    """The viewer lists every path and fetches no script, style, font or picture."""
    page = (await control.ask(path, headers={"accept": accept})).text

    assert "/api/v1/agents/{agent_name}" in page
    for mark in ("<script", "<link", "<img", "<style", "http://", "https://", "src="):
        assert mark not in page
