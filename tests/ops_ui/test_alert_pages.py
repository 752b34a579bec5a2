"""Alerts on the pages: what pages leads, what does not says why, and nothing missing is quiet."""

import httpx
import pytest

from ops_ui.alerts import fill_commands
from tests.ops_ui.conftest import AGENT, ALERT, ALERTS, AT, CHANGE, CHANNEL
from tests.ops_ui.test_pages import see

pytestmark = pytest.mark.anyio
NOW, PAST = "/api/v1/alerts", "/api/v1/alerts/history"
HELD = {
    **ALERT,
    "fingerprint": "1" * 16,
    "subject": "strategy-engine",
    "pages": False,
    "withheld": "suppressed by marketdata-mcp-server (MARKETDATA_STALE)",
    "dependents": [],
}


async def test_an_open_alert_tells_what_who_since_when_and_what_to_do(pages):
    """The alert leads with severity, owner, first step, what follows, and its filled runbook."""
    page = await see(pages, "/alerts")

    for words in (
        "1 open, the worst P1",
        "has had no tick for 259 s",
        "for 4 min 19 s, since 10:10:54 ET ( 15:10:54 UTC )",
        "owner: Ops On-Call",
        "Now: Call the owner.",
        "Follow from it, and do not page: strategy-engine",
    ):
        assert words.replace("( ", "(").replace(" )", ")") in page.text
    links = [a.get("href") for t, a in page.elements if t == "a"]
    assert f"/runbooks/TIMEOUT?alert={ALERT['fingerprint']}" in links


async def test_an_alert_that_would_have_paged_says_why_not(pages, upstream):
    """It stands apart from what pages, and the page says that none does."""
    upstream.answers[NOW]["alerts"] = [HELD]
    page = await see(pages, "/alerts")

    assert "None pages; 1 would have" in page.text
    assert "Does not page: suppressed by marketdata-mcp-server (MARKETDATA_STALE)" in page.text
    assert "badge-fine" not in page.classes()


async def test_nothing_open_is_said_and_green(pages, upstream):
    """Only a list that is empty and decided now is well."""
    upstream.answers[NOW]["alerts"] = []
    page = await see(pages, "/alerts")

    assert "● Alerts: None is open" in page.text
    assert "badge-fine" in page.classes()


NOT_KNOWN = {
    "not decided any more": {**ALERTS, "alerts": [], "current": False},
    "whether it is decided is not said": {"alerts": []},
    "not there": httpx.Response(404),
    "not decided yet": httpx.Response(503),
    "no list": {"current": True},
    "refused": httpx.ConnectError("refused"),
}


@pytest.mark.parametrize("answer", NOT_KNOWN.values(), ids=NOT_KNOWN)
@pytest.mark.parametrize("path", ["/", "/alerts"])
async def test_alerts_that_are_not_known_are_never_quiet(pages, upstream, answer, path):
    """On both pages, and in the navigation of each."""
    upstream.answers[NOW] = answer
    page = await see(pages, path)

    assert "NOT KNOWN" in page.text
    assert "? they are not known" in page.text
    assert "None is open" not in page.text


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({}, id="nothing is said"),
        pytest.param({"state": "NEW"}, id="an unknown state"),
        pytest.param({"state": "RESOLVED", "pages": True}, id="contradicting"),
        pytest.param("?", id="no object"),
    ],
)
async def test_an_alert_that_is_odd_counts_as_one_that_pages(pages, upstream, odd):
    """What is not said to be quiet is loud."""
    upstream.answers[NOW]["alerts"] = [odd]
    page = await see(pages, "/alerts")

    assert "1 open, the worst P0" in page.text
    assert "badge-fine" not in page.classes()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({}, "● takes what it is sent", id="well"),
        pytest.param({"failing_since": AT}, "■ FAILING since 10:15:13 ET", id="fails"),
        pytest.param({"dead_letters": ["1" * 16]}, "■ FAILING", id="dead letters"),
        pytest.param({"waiting": None}, "■ FAILING", id="what waits is not said"),
        pytest.param({"delivered_at": None}, "○ nothing was sent yet", id="new"),
    ],
)  # fmt: skip
async def test_each_channel_says_how_it_fares(pages, upstream, change, words):
    """Only one that took something, and fails in nothing, is well."""
    upstream.answers[NOW]["channels"] = [{**CHANNEL, **change}]
    page = await see(pages, "/alerts")

    assert words in page.text
    assert "https://pager.example" in page.text


@pytest.mark.parametrize(
    ("channels", "words"),
    [([], "No channel is configured:"), (None, "Which channels there are is not known.")],
)
async def test_without_channels_the_page_says_that_pages_go_nowhere(
    pages, upstream, channels, words
):
    """No channel is no calm one."""
    upstream.answers[NOW]["channels"] = channels

    assert words in (await see(pages, "/alerts")).text


async def test_waivers_and_what_is_not_observed_are_shown(pages, upstream):
    """Who let what be quiet until when; and what is quiet because nothing looks."""
    upstream.answers[NOW] |= {
        "waivers": [
            {
                "code": "TIMEOUT",
                "subject": "ops-ui",
                "until": "2026-11-20T05:00:00Z",
                "who": "Ops",
                "why": "known",
            }
        ],
        "not_observed": [
            {"rule": "disk_full", "severity": "P2", "about": "The disk.", "why": "nothing reads it"}
        ],
    }
    page = await see(pages, "/alerts")

    assert "ops-ui until Fri 20 Nov 00:00:00 EST, by Ops: known" in page.text
    assert "P2 disk full : The disk. nothing reads it" in page.text


async def test_the_past_is_listed_filtered_and_paged(pages, upstream):
    """Changes with reasons, attempts with answers, each with a way to older ones."""
    quiet = {**CHANGE, "pages": False, "reason": "outside P1 hours"}
    upstream.answers[PAST]["transitions"] = [CHANGE, quiet]
    answer = await pages.get("/alerts?fingerprint=8bb84073c1f0bb9f&evil=1")
    page = answer.text

    asked = dict(upstream.asked(PAST).params)
    assert {"fingerprint": "8bb84073c1f0bb9f", "limit": "50"} == asked
    assert "true for 120 s of market time" in page
    assert 2 == page.count("outside P1 hours")
    assert "HTTP 503" in page
    assert "■ NOT taken" in page
    assert "/alerts?fingerprint=8bb84073c1f0bb9f&amp;cursor=7" in page
    assert "/alerts?fingerprint=8bb84073c1f0bb9f&amp;delivery_cursor=9" in page


async def test_a_past_that_cannot_be_read_costs_itself_alone(pages, upstream):
    """What is open is shown, and that its past is missing is said; a mistake is the reader's."""
    upstream.answers[PAST] = httpx.Response(503)
    page = await see(pages, "/alerts")
    upstream.answers[PAST] = httpx.Response(422, json={"detail": "`since` is no instant"})
    mistake = await pages.get("/alerts?since=x")

    assert "What became of alerts could not be read" in page.text
    assert "1 open" in page.text
    assert (422, True) == (mistake.status_code, "is no instant" in mistake.text)


async def test_the_floor_shows_open_alerts_with_owner_and_runbook(pages, upstream):
    """What pages is on the Floor, and how many more would have; nothing of it in the past."""
    upstream.answers[NOW]["alerts"] = [ALERT, HELD]
    now = await see(pages, "/")
    then = await see(pages, "/?at=2026-11-18T15:00:00Z")

    assert "owner: Ops On-Call" in now.text
    assert "1 more would have paged, and did not." in now.text
    assert f"/runbooks/TIMEOUT?alert={ALERT['fingerprint']}" in [
        a.get("href") for _, a in now.elements
    ]
    assert "Open alerts" not in then.text


RUNBOOK = """# TIMEOUT

marketdata-mcp-server hangs.

```bash
curl http://marketdata-mcp-server.trading-floor.svc.cluster.local/livez
get marketdata-mcp-server
```
"""


async def test_a_runbook_is_filled_with_the_incidents_facts(pages, upstream):
    """Its service, since when, who was told; commands name the service it is about."""
    upstream.answers[NOW]["alerts"] = [HELD]
    upstream.answers["/api/v1/runbooks/TIMEOUT"] = RUNBOOK
    agent = {**AGENT, "agent_name": "strategy-engine", "service_dns": "http://strategy.floor:8080"}
    upstream.answers["/api/v1/agents/strategy-engine"] = {"ts": "", "agent": agent}
    page = await see(pages, f"/runbooks/TIMEOUT?alert={'1' * 16}")

    assert "This incident" in page.text
    assert "webhook FIRING: HTTP 503" in page.text
    assert "curl http://strategy.floor:8080/livez get strategy-engine" in page.text
    assert "marketdata-mcp-server hangs." in page.text
    assert "Commands below are filled in for strategy-engine." in page.text
    assert "/?at=2026-11-18T15%3A10%3A54.000Z" in [a.get("href") for _, a in page.elements]


async def test_an_incident_that_is_over_is_told_from_its_past(pages, upstream):
    """What its last change says stands above the runbook; of one that is not known, that."""
    upstream.answers[NOW]["alerts"] = []
    over = {**CHANGE, "to_state": "RESOLVED", "pages": False, "reason": "it is fresh again"}
    upstream.answers[PAST]["transitions"] = [over, {**CHANGE, "at": "2026-11-18T15:10:54.000Z"}]
    page = await see(pages, f"/runbooks/TIMEOUT?alert={ALERT['fingerprint']}")
    upstream.answers[PAST] = httpx.Response(503)
    unknown = await see(pages, f"/runbooks/TIMEOUT?alert={ALERT['fingerprint']}")

    assert "it is fresh again" in page.text
    assert "RESOLVED, over since Wed 18 Nov 10:15:13 EST" in page.text
    assert "for 4 min 19 s" in page.text
    assert "Nothing is known of the alert 8bb84073c1f0bb9f" in unknown.text


@pytest.mark.parametrize(
    ("code", "subject", "address"),
    [
        pytest.param("MARKETDATA_MISSING", "strategy-engine", "http://x", id="about marketdata"),
        pytest.param("TIMEOUT", "congressional-ingest", "", id="a service without an address"),
    ],
)
def test_commands_are_left_alone_where_filling_them_would_mislead(code, subject, address):
    """A runbook about marketdata asks marketdata, also where another service misses it."""
    assert RUNBOOK == fill_commands(RUNBOOK, code, subject, address, feeds=False)


def test_a_feed_takes_the_place_of_the_example():
    """R15.17: its own address and namespace, in commands alone."""
    filled = fill_commands(
        RUNBOOK, "MARKETDATA_STALE", "feed", "http://feed:1", feeds=True, namespace="floor"
    )

    assert "curl http://feed:1/livez\nget feed" in filled
    assert "marketdata-mcp-server hangs." in filled


async def test_alerts_are_asked_once_a_page(pages, upstream):
    """The navigation and the Floor share one answer."""
    await pages.get("/")

    assert 1 == [r.url.path for r in upstream.requests].count(NOW)
