"""Pages: the last known good. What is missing, odd or not GOOD is never green."""

import httpx
import pytest

from tests.ops_ui.conftest import AT

pytestmark = pytest.mark.anyio
LKG = "/api/v1/lkg"
GOOD = {
    "path": "ops/lkg/20261118T220000Z",
    "at": AT,
    "session_date": "2026-11-18",
    "namespace": "trading-floor",
    "status": "GOOD",
    "reasons": [],
    "problem": "",
    "content_digest": "ab" * 32,
    "unchanged_for_sessions": 3,
    "same_as": "ops/lkg/20261117T220000Z",
    "unpinnable": ["Deployment/execution-engine"],
    "kill_switch_observed": "1",
}
REASONS = [{"code": "RESTARTED", "detail": "<b>pod</b> x"}]
CANDIDATE = {
    **GOOD,
    "path": "ops/lkg/20261119T220000Z",
    "status": "CANDIDATE",
    "reasons": REASONS,
    "unchanged_for_sessions": 0,
    "same_as": None,
    "kill_switch_observed": None,
}


async def test_captures_are_shown_with_what_they_are_worth(pages, upstream):
    """The newest first, why it is none, for how long it is unchanged, and how to restore."""
    upstream.answers[LKG] = {
        "captures": [CANDIDATE, GOOD, 7],
        "good": GOOD["path"],
        "good_doubts": ["the capture <b> is damaged", 7],
        "label": "DEMO",
    }
    upstream.label = "DEMO"
    page = (await pages.get("/lkg")).text

    assert page.index("▲</span> CANDIDATE") < page.index("●</span> GOOD")
    assert "Doubtful: the capture &lt;b&gt; is damaged" in page
    assert 1 == page.count("Doubtful")
    assert "<strong>RESTARTED</strong>" in page
    assert "&lt;b&gt;pod&lt;/b&gt; x" in page
    assert "unchanged for 3 sessions" in page
    assert "UNPINNABLE Deployment/execution-engine" in page
    assert "none was observed" in page
    assert "/artifacts/view/ops/lkg/20261118T220000Z/lkg_metadata.json" in page
    assert "/lkg/diff?from=ops/lkg/20261118T220000Z&amp;to=latest" in page
    assert "/runbooks/lkg_restore" in page
    assert "<title>LKG · DEMO" in page
    assert '<a href="/lkg">LKG</a>' in (await pages.get("/")).text


async def test_no_capture_says_how_to_make_one(pages, upstream):
    """An empty list is no error, and no last known good."""
    upstream.answers[LKG] = {"captures": [], "good": None}
    page = (await pages.get("/lkg")).text

    assert "There is no last known good" in page
    assert "mission-control lkg capture" in page


@pytest.mark.parametrize(
    "capture",
    [
        pytest.param({}, id="empty"),
        pytest.param({**GOOD, "status": None}, id="no status"),
        pytest.param({**GOOD, "status": "good"}, id="almost"),
        pytest.param({**GOOD, "reasons": REASONS}, id="good with reasons"),
        pytest.param({**GOOD, "problem": "altered"}, id="good with a problem"),
        pytest.param({**GOOD, "status": "UNREADABLE", "problem": "x"}, id="unreadable"),
        pytest.param({**GOOD, "reasons": [{}]}, id="an odd reason"),
        pytest.param(CANDIDATE, id="a candidate"),
        pytest.param({"status": 7, "reasons": 7, "unpinnable": 7, "path": 7}, id="rubbish"),
    ],
)
async def test_what_is_not_good_is_never_green(pages, upstream, capture):
    """Only a capture that says GOOD, and nothing against it, is."""
    upstream.answers[LKG] = {"captures": [capture], "good": None}
    page = (await pages.get("/lkg")).text

    assert "badge-fine" not in page
    assert "●" not in page.partition("<tbody>")[2]


@pytest.mark.parametrize("answer", [httpx.ConnectError("down"), httpx.Response(503)], ids=str)
async def test_what_cannot_be_read_says_so(pages, upstream, answer):
    """No page of captures is made of nothing."""
    upstream.answers[LKG] = answer
    answered = await pages.get("/lkg")

    assert 502 == answered.status_code
    assert "could not be read" in answered.text


async def test_many_reasons_are_counted(pages, upstream):
    """A screen is not filled with them."""
    many = [{"code": f"C{n}", "detail": ""} for n in range(20)]
    upstream.answers[LKG] = {"captures": [{**CANDIDATE, "reasons": many}], "good": None}

    assert "and 8 more" in (await pages.get("/lkg")).text


async def test_a_difference_shows_before_and_after(pages, upstream):
    """Each has its line; none is said; what was not compared is said."""
    answer = {
        "before": {**GOOD},
        "after": {**CANDIDATE},
        "changes": [{"subject": "<i>x</i>", "what": "replicas", "before": "0", "after": "1"}],
        "gaps": [],
    }
    path = f"{LKG}/diff"
    upstream.answers[path] = answer
    page = (await pages.get("/lkg/diff?from=good&to=latest&evil=1")).text
    upstream.answers[path] = {**answer, "changes": []}
    same = (await pages.get("/lkg/diff")).text
    upstream.answers[path] = {"before": {}, "after": {}}
    odd = (await pages.get("/lkg/diff")).text
    del upstream.answers[path]

    assert "&lt;i&gt;x&lt;/i&gt;" in page
    assert "(GOOD)" in page
    assert "from=good&to=latest" in str(upstream.requests[0].url)
    assert "evil" not in str(upstream.requests[0].url)
    assert "Nothing differs" in same
    assert "Nothing differs" not in odd
    assert "Not the whole picture" in odd
    assert 404 == (await pages.get("/lkg/diff")).status_code
    upstream.answers[path] = httpx.ConnectError("gone")
    assert 502 == (await pages.get("/lkg/diff")).status_code


@pytest.mark.parametrize("where", ["/lkg/diff", "/deploys/diff"])
async def test_two_clusters_are_said_before_what_differs(pages, upstream, where):
    """Loudly and first; nothing is said of one cluster, and silence is not taken for that."""
    path = {"/lkg/diff": f"{LKG}/diff", "/deploys/diff": "/api/v1/reports/diff"}[where]
    answer = {"before": {}, "after": {}, "changes": [], "gaps": []}
    shown = []
    for told in ({"clusters": "DIFFERENT CLUSTERS: <b>"}, {"clusters": ""}, {}):
        upstream.answers[path] = {**answer, **told}
        shown.append((await pages.get(where)).text)
    loud, calm, odd = shown

    assert 'role="alert"><strong>DIFFERENT CLUSTERS: &lt;b&gt;' in loud
    assert loud.index("DIFFERENT CLUSTERS") < loud.index("Nothing ")
    assert "cluster</strong>" not in calm.casefold()
    assert "did not say whether both are of one cluster" in odd
