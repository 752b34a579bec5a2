"""Pages: readiness and deploy reports, what runs a service, and the Floor's chips."""

import copy

import httpx
import pytest

from tests.ops_ui.conftest import AGENT, AT, POSTURE

pytestmark = pytest.mark.anyio
READY = "/api/v1/readiness/latest"
RUN = "audit_artifacts/ops_runs/20261118T151500Z_readiness"


def check(name, status, *, blocks=True):
    """Return one check of a report."""
    details = f"<b>{name}</b> says so"
    return {"name": name, "status": status, "details": details, "code": "RC-1", "blocks": blocks}


def readiness(verdict="NO-GO", code="READINESS_NO_GO", **report):
    """Return a latest readiness."""
    checks = [
        check("a.passes", "PASS"),
        check("b.fails", "FAIL"),
        check("c.unknown", "UNKNOWN"),
        check("d.warns", "FAIL", blocks=False),
        check("e.left_out", "NOT_APPLICABLE", blocks=False),
    ]
    return {
        "ts": AT,
        "at_et": "2026-11-18 10:15:13 EST",
        "verdict": verdict,
        "code": code,
        "detail": "the run says so",
        "session_date": "2026-11-18",
        "report_path": RUN,
        "report_is_current": True,
        "report": {"generated_et": "then", "verdict": verdict, "checks": checks, **report},
    }


async def test_what_says_no_comes_first(pages, upstream):
    """The verdict, then every blocking check, then all of them worst first; hostile text inert."""
    upstream.answers[READY] = readiness()
    page = (await pages.get("/readiness")).text

    assert "NO-GO READINESS_NO_GO" in page
    order = [page.rindex(n) for n in ("b.fails", "c.unknown", "a.passes")]
    assert sorted(order) == order
    assert 1 == page.count("d.warns</code>")
    assert "(warns)" in page
    assert "<b>b.fails" not in page
    assert f"/artifacts/view/{RUN}/readiness_report.md" in page


async def test_go_is_shown_as_go(pages, upstream):
    """Only a verdict that says GO is green."""
    upstream.answers[READY] = readiness("GO", "")
    page = (await pages.get("/readiness")).text

    assert "verdict-ok" in page
    assert "icon-ok" in page
    assert "● GO" in page.replace('<span class="glyph" aria-hidden="true">●</span>', "●")


@pytest.mark.parametrize(("current", "old"), [(True, False), (False, True), (None, True)])
async def test_a_report_of_another_session_is_told_so(pages, upstream, current, old):
    """What said NO last week is not what says NO now; and closed is calm only with today's."""
    answer = readiness("NO-GO", "SESSION_CLOSED", otherwise_ready=True)
    upstream.answers[READY] = answer | {"report_is_current": current}
    page = (await pages.get("/readiness")).text

    assert old is ("The report below is not of this session" in page)
    assert old is ("What said NO then" in page)
    assert old is ("verdict-closed" not in page)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx.ConnectError("down"), id="down"),
        pytest.param(httpx.Response(503), id="restarting"),
        pytest.param({}, id="empty"),
        pytest.param({"verdict": 1, "report": 7, "session_date": 3}, id="rubbish"),
        pytest.param({"verdict": "go", "report": {"checks": [7]}}, id="almost"),
    ],
)
async def test_what_cannot_be_read_is_never_go(pages, upstream, answer):
    """A verdict that was not answered, or is no verdict, is NO-GO on every page."""
    upstream.answers[READY] = answer
    page = (await pages.get("/readiness")).text
    floor = (await pages.get("/")).text

    assert "verdict-failure" in page or "verdict-halted" in page
    assert "verdict-ok" not in page
    assert "icon-ok" not in page
    assert "chip-fine" not in floor


@pytest.mark.parametrize(("said", "shown"), [("not_run", True), ("run", False), (None, False)])
async def test_lints_that_are_left_out_are_told_beside_the_verdict(pages, upstream, said, shown):
    """A verdict without the repository's own lints is never read as one with them."""
    upstream.answers[READY] = readiness("GO", "", repository_lints=said)
    page = (await pages.get("/readiness")).text
    headline = page.split("<h1>")[1].split("</h1>")[0]

    assert ("the repository's own lints not run" in headline) is shown


async def test_the_floor_tells_readiness_with_its_session(pages, upstream):
    """The gauge shows the verdict and why; NO-GO never looks like GO (R15.12)."""
    upstream.answers[READY] = readiness("NO-GO", "READINESS_EXPIRED")
    no = (await pages.get("/")).text
    upstream.answers[READY] = readiness("GO", "")
    go = (await pages.get("/")).text

    bad, fine = (
        page.split('href="/readiness">Readiness</a>')[1].split("</div>")[0] for page in (no, go)
    )
    assert "NO-GO" in bad
    assert "NO-GO" not in fine
    assert "GO" in fine
    for page, look in ((no, "bad"), (go, "fine")):
        before = page.split('<a href="/readiness">Readiness</a>')[0]
        assert before.rstrip().endswith(f'<div class="gauge gauge-{look}"><span class="name">')


async def test_deploys_are_listed_with_the_latest_whole(pages, upstream):
    """Each report has its page and its comparison; the newest is rendered, and safely."""
    upstream.answers["/api/v1/reports/deploy"] = {
        "reports": [{"path": "p/two", "at": AT, "session_date": "2026-11-18"}, {"path": "p/one"}, 7]
    }
    upstream.answers["/api/v1/reports/deploy/latest"] = "# Deploy report\n\n<script>x</script>\n"
    page = (await pages.get("/deploys")).text

    assert "/artifacts/view/p/two/deploy_report.md" in page
    assert "/deploys/diff?from=p/one&amp;to=latest" in page
    assert "<h1>Deploy report</h1>" in page
    assert "<script>x" not in page


async def test_no_deploy_report_says_how_to_make_one(pages, upstream):
    """An empty list is no error."""
    upstream.answers["/api/v1/reports/deploy"] = {"reports": []}

    assert "None is recorded yet" in (await pages.get("/deploys")).text
    upstream.answers["/api/v1/reports/deploy"] = {"reports": [{"path": "p/one", "at": AT}]}
    upstream.answers["/api/v1/reports/deploy/latest"] = httpx.Response(500)
    page = (await pages.get("/deploys")).text
    assert "The latest report cannot be shown" in page
    assert "from the report before" not in page
    del upstream.answers["/api/v1/reports/deploy"]
    assert 502 == (await pages.get("/deploys")).status_code


async def test_a_comparison_shows_before_and_after(pages, upstream):
    """Each change has its line; no change is said; what cannot be compared is said."""
    answer = {
        "before": {"path": "p/one", "at": AT},
        "after": {"path": "p/two", "at": AT},
        "changes": [{"subject": "<i>x</i>", "what": "replicas", "before": "0", "after": "1"}],
    }
    upstream.answers["/api/v1/reports/diff"] = answer
    page = (await pages.get("/deploys/diff?from=p/one&to=p/two&evil=1")).text
    upstream.answers["/api/v1/reports/diff"] = {**answer, "changes": [], "gaps": []}
    same = (await pages.get("/deploys/diff")).text
    partly = []
    for odd in ({"changes": [], "gaps": ["half of it"]}, {"changes": []}, {"gaps": []}):
        upstream.answers["/api/v1/reports/diff"] = {**answer, "changes": None, **odd}
        partly.append((await pages.get("/deploys/diff")).text)
    del upstream.answers["/api/v1/reports/diff"]

    assert "&lt;i&gt;x&lt;/i&gt;" in page
    assert "from=p%2Fone&to=p%2Ftwo" in str(upstream.requests[0].url)
    assert "Nothing changed" in same
    assert "Not the whole picture" not in same
    assert not any("Nothing changed" in text for text in partly)
    assert "Not the whole picture: half of it<" in partly[0]
    assert all("did not say what it compared" in text for text in partly[1:])
    assert 404 == (await pages.get("/deploys/diff")).status_code
    upstream.answers["/api/v1/reports/diff"] = httpx.ConnectError("gone")
    assert 502 == (await pages.get("/deploys/diff")).status_code


WORKLOAD = {
    "kind": "Deployment",
    "name": "marketdata-mcp-server",
    "namespace": "trading-floor",
    "unseen": "",
    "seen_at": AT,
    "desired": 1,
    "actual": 1,
    "ready": 0,
    "restarts": 7,
    "digests": ["sha256:" + "a" * 64],
}
POD = {
    "name": "pod-1",
    "phase": "Running",
    "node": "node-1",
    "pending_reason": "",
    "containers": [
        {
            "name": "main",
            "init": False,
            "image": "r/<x>:1",
            "ready": False,
            "restarts": 7,
            "waiting": "CrashLoopBackOff",
            "ended": "Error",
            "exit_code": 1,
            "ended_at": AT,
        }
    ],
}


async def test_what_runs_a_service_is_on_its_page(pages, upstream):
    """Workload, pods, restarts, digests and warnings; what was not seen is loud."""
    agent = upstream.answers["/api/v1/agents/marketdata-mcp-server"]["agent"]
    warning = {"about": "Pod/pod-1", "reason": "BackOff", "message": "<b>again", "count": 3}
    agent |= {"workload": copy.deepcopy(WORKLOAD), "pods": [POD], "warnings": [warning]}
    page = (await pages.get("/service/marketdata-mcp-server")).text
    agent["workload"]["unseen"] = "cluster trading-floor/pods was not seen: DENIED"
    unseen = (await pages.get("/service/marketdata-mcp-server")).text

    for words in ("0/1, 7 restarts", "CrashLoopBackOff", "exit code 1", "sha256:aaaa", "3 times"):
        assert words in page, words
    assert "r/&lt;x&gt;:1" in page
    assert "&lt;b&gt;again" in page
    agent["workload"] |= {"digests": [], "restarts": None}
    agent["pods"] = []
    lost = (await pages.get("/service/marketdata-mcp-server")).text
    agent["workload"]["unseen"] = ""
    gone = (await pages.get("/service/marketdata-mcp-server")).text
    agent["pods"] = [POD]
    untold = (await pages.get("/service/marketdata-mcp-server")).text

    assert "nothing of it runs" not in lost
    assert "<dd>not seen</dd>" in lost
    assert "none: nothing of it runs" in gone
    assert "no node tells the digest of what runs" in untold
    assert "Not seen." in unseen
    assert "not seen (ready/wanted)" in unseen


async def test_what_could_not_be_read_is_not_nothing(pages, upstream):
    """Events and history that were not answered are told as such, and not as none."""
    upstream.answers["/api/v1/events/recent"] = httpx.Response(503)
    upstream.answers["/api/v1/timeline"] = httpx.Response(503)
    page = (await pages.get("/")).text
    service = (await pages.get("/service/marketdata-mcp-server")).text

    assert "They could not be read:" in page
    assert "None yet." not in page
    assert "no history" not in page + service
    assert "history not read" in service


async def test_a_service_without_http_is_not_asked(pages, upstream):
    """Nothing was answered because nothing is asked, which is its configuration."""
    agent = upstream.answers["/api/v1/agents/marketdata-mcp-server"]["agent"]
    agent |= {"readings": [], "contract": "none"}
    never = (await pages.get("/service/marketdata-mcp-server")).text
    agent["contract"] = "rich"
    yet = (await pages.get("/service/marketdata-mcp-server")).text

    assert "nothing is asked of it" in never
    assert "Nothing was asked yet." in yet


async def test_what_is_left_out_of_a_comparison_is_counted(pages, upstream):
    """Beside the changes, or beside that there are none."""
    folded = [{"what": "heartbeats", "count": 3}, {"what": "<b>runs", "count": 2}, 7]
    upstream.answers["/api/v1/reports/diff"] = {"changes": [], "gaps": [], "folded": folded}
    page = (await pages.get("/deploys/diff")).text

    assert "Nothing changed:" in page
    assert "any two reports: heartbeats (3), &lt;b&gt;runs (2)." in page


async def test_the_floor_tells_how_much_of_the_cluster_was_seen(pages, upstream):
    """Lists that were not seen are counted beside the cluster's name; pods are in the table."""
    gaps = [{"subject": "cluster trading-floor/pods", "code": "DENIED"}]
    upstream.answers["/api/v1/posture"] = {
        **copy.deepcopy(POSTURE),
        "cluster": "context prod",
        "coverage": {"asked": 20, "obtained": 19, "gaps": gaps},
    }
    upstream.answers["/api/v1/agents"]["agents"] = [{**AGENT, "workload": WORKLOAD}]
    page = (await pages.get("/")).text

    assert "1 list NOT seen whole" in page
    assert "0/1, 7 restarts" in page
