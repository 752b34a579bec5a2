"""Pages: the brief by sections; a line without a known tone is never calm."""

import copy

import httpx
import pytest

from ops_ui.brief import Line
from tests.ops_ui.conftest import AT

pytestmark = pytest.mark.anyio
PATH = "/api/v1/brief"
LINE = {
    "section": "Now",
    "tone": "bad",
    "text": "HALTED: <b>stale</b>",
    "page": "/evidence-now",
    "api": "/api/v1/posture/evidence",
}
CALM = {**LINE, "section": "Expires", "tone": "calm", "text": "nothing", "page": "/alerts"}
BRIEF = {"ts": AT, "at_et": "2026-11-18 10:15:13 EST", "label": "DEMO", "lines": [LINE, CALM]}


async def test_each_line_leads_to_its_evidence_and_is_text(pages, upstream):
    """Sections in their order, each line a link, what others wrote escaped."""
    upstream.answers[PATH] = copy.deepcopy(BRIEF)
    answer = await pages.get("/brief")

    assert 200 == answer.status_code
    assert '<a href="/evidence-now">HALTED: &lt;b&gt;stale&lt;/b&gt;</a>' in answer.text
    assert answer.text.index(">Now</h2>") < answer.text.index(">Expires</h2>")
    assert '<span class="unseen">bad: </span>' in answer.text
    assert "DEMO" in answer.text


@pytest.mark.parametrize(
    ("line", "glyph", "look", "href"),
    [
        pytest.param(CALM, "●", "calm", "/alerts", id="calm"),
        pytest.param({**LINE, "tone": "warn"}, "▲", "marked", "/evidence-now", id="warn"),
        pytest.param({**LINE, "tone": "unknown"}, "?", "unknown", "/evidence-now", id="unknown"),
        pytest.param({**LINE, "tone": "great"}, "?", "unknown", "/evidence-now", id="no tone"),
        pytest.param({}, "?", "unknown", "", id="empty"),
        pytest.param({**CALM, "page": "https://x"}, "●", "calm", "", id="elsewhere"),
        pytest.param({**CALM, "page": "//x"}, "●", "calm", "", id="another host"),
    ],
)
def test_a_line_is_as_its_tone(line, glyph, look, href):
    """The law: only what says that it is calm looks so; no line leads off these pages."""
    shown = Line.model_validate(line)

    assert (glyph, look, href) == (shown.glyph, shown.look, shown.href)


async def test_the_page_has_45_lines_at_most(pages, upstream):
    """Whatever a server sends, the page is one page."""
    upstream.answers[PATH] = {**BRIEF, "lines": [LINE] * 500}

    assert 44 == (await pages.get("/brief")).text.count('class="brief-text"')


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        pytest.param(httpx.Response(503), 502, "The brief could not be made", id="stalled"),
        pytest.param({"ts": AT}, 502, "The brief could not be made", id="garbage"),
        pytest.param({**BRIEF, "lines": []}, 200, "nothing is known", id="empty"),
    ],
)
async def test_no_brief_is_no_good_brief(pages, upstream, answer, status, words):
    """What cannot be had is said."""
    upstream.answers[PATH] = answer
    page = await pages.get("/brief")

    assert (status, True) == (page.status_code, words in page.text)
