"""Pages with pictures: named, told again in words, and never well by a missing key (R15.16)."""

import json
from pathlib import Path

import httpx
import pytest

from tests.ops_ui.conftest import AGENT, AT, POSTURE
from tests.ops_ui.test_pages import HOSTILE, see

pytestmark = pytest.mark.anyio
NAME = "marketdata-mcp-server"
GOLDEN = Path(__file__).parents[1] / "golden" / "attestation.json"
FEED = {**AGENT, "kind": "marketdata", "service_dns": "http://feed.floor:8080", "depends_on": []}
ENGINE = {**AGENT, "agent_name": "strategy-engine", "depends_on": [NAME], "expected": False}
STALE = {"code": "MARKETDATA_STALE", "subject": NAME, "severity": "P1", "detail": "259 s old"}
RUNBOOK = f"""# MARKETDATA_STALE: Marketdata is stale

Severity: P1

## Meaning

The tick is old.

## Diagnosis

```bash
curl http://{NAME}.trading-floor.svc.cluster.local/livez
kubectl -n trading-floor get pods
```

## Mitigation

1. Call the owner.
"""


@pytest.fixture
def floor(upstream):
    """Return a Mission Control of a stale feed and an engine that waits for it."""
    upstream.answers |= {
        "/api/v1/agents": {"ts": AT, "agents": [FEED, {**ENGINE, "waits_for": NAME}]},
        f"/api/v1/agents/{NAME}": {"ts": AT, "agent": FEED},
        "/api/v1/agents/strategy-engine": {"ts": AT, "agent": ENGINE},
        "/api/v1/runbooks/MARKETDATA_STALE": RUNBOOK,
    }
    reason = {**STALE, "halts": True, "since": "2026-11-18T15:10:54.000Z"}
    alarm = {**reason, "source": f"{NAME} /healthz", "last_seen": AT}
    halted = {"posture": "HALTED", "reasons": [reason], "accusations": [alarm]}
    upstream.answers["/api/v1/posture"] = {**POSTURE, **halted}
    return upstream


def pictures(page):
    """List the names of the pictures of a page."""
    named = [a for tag, a in page.elements if tag == "svg" and "pic" in (a.get("class") or "")]
    return [a.get("aria-label") for a in named if a.get("aria-hidden") != "true"]


async def test_the_map_leads_to_every_service_and_says_the_same_in_a_table(pages, floor):
    """R15.16: boxes are links with words, the table has the same, and the page is named."""
    page = await see(pages, "/map")

    assert ["The floor by who needs whom: strategy-engine needs marketdata-mcp-server"] == pictures(
        page
    )
    links = [a["href"] for tag, a in page.elements if tag == "a"]
    assert 2 == links.count("/service/strategy-engine")
    assert "strategy-engine ■ HALTED UNEXPECTED marketdata-mcp-server nothing" in page.text
    assert {"box-calm", "box-warn"} <= page.classes()
    assert "edge-bad" not in page.text


async def test_the_map_of_then_is_asked_for_then(pages, floor):
    """With `?at=` the services of that instant are asked for, and every link keeps it."""
    floor.answers["/api/v1/agents"]["label"] = "AS OF 2026-11-18 10:15:13 EST"
    page = await see(pages, f"/map?at={AT}")

    assert AT == floor.asked("/api/v1/agents").params["at"]
    assert "AS OF 2026-11-18 10:15:13 EST" in page.text
    links = [a["href"] for tag, a in page.elements if tag == "a"]
    assert "/service/strategy-engine?at=2026-11-18T15%3A15%3A13.000Z" in links


@pytest.mark.parametrize("answer", [httpx.Response(503), {}, {"agents": 7}])
async def test_a_map_that_cannot_be_read_is_no_empty_floor(pages, upstream, answer):
    """R15.16: without services the page says why, and draws nothing."""
    upstream.answers["/api/v1/agents"] = answer
    found = await pages.get("/map")

    assert 502 == found.status_code
    assert "The map could not be read" in found.text


async def test_a_service_shows_what_it_needs_and_its_evidence(pages, floor):
    """Its neighbours in small, and where the evidence of its incident is."""
    page = await see(pages, "/service/strategy-engine")

    assert "What strategy-engine needs and who needs it: strategy-engine needs" in "".join(
        pictures(page)
    )
    links = [a["href"] for tag, a in page.elements if tag == "a"]
    (evidence,) = (href for href in links if href.startswith("/evidence?"))
    assert "from=2026-11-18T15%3A00%3A00Z&to=2026-11-18T15%3A25%3A13Z" in evidence
    floor.answers["/api/v1/agents"] = httpx.Response(503)
    assert "What it needs" not in (await see(pages, "/service/strategy-engine")).text


async def test_a_runbook_is_filled_from_what_is_known_now(pages, floor):
    """R15.17: do now first; since when, who is called, where; commands are of this service."""
    page = await see(pages, f"/runbooks/MARKETDATA_STALE?agent={NAME}")
    text = page.text

    assert text.index("Do now") < text.index("Call the owner.") < text.index("Meaning")
    assert "It is so since Wed 18 Nov 10:10:54 EST (15:10:54 UTC). 259 s old" in text
    assert "Ops On-Call" in text
    assert "curl http://feed.floor:8080/livez" in text
    assert "Evidence of this incident" in text
    assert "runbook" in page.classes()


async def test_a_runbook_finds_its_incident_without_being_told_where(pages, floor):
    """R15.17: without `?agent=` it is the service that the floor's own reason names."""
    text = (await see(pages, "/runbooks/MARKETDATA_STALE")).text

    assert f"Service {NAME}" in text
    assert "It is so since" in text


async def test_a_runbook_of_what_is_over_says_so_and_of_what_is_not_known_too(pages, floor):
    """R15.17: over is what the floor says no more; what cannot be read is not over."""
    floor.answers["/api/v1/posture"] = POSTURE
    over = (await see(pages, f"/runbooks/MARKETDATA_STALE?agent={NAME}")).text
    floor.answers["/api/v1/posture"] = httpx.Response(503)
    lost = (await see(pages, f"/runbooks/MARKETDATA_STALE?agent={NAME}")).text

    assert f"{NAME} does not say MARKETDATA_STALE, and no alarm of it is latched" in over
    assert "NOT KNOWN." in lost
    assert "does not say" not in lost


async def test_what_stands_in_an_address_is_text(pages, floor):
    """A name in a runbook's address is shown as text, and fills no command."""
    answer = await pages.get("/runbooks/MARKETDATA_STALE", params={"agent": HOSTILE})

    assert 200 == answer.status_code
    assert "<script>alert" not in answer.text
    assert "svc.cluster.local" in answer.text


async def test_runbooks_stand_below_their_subjects(pages, upstream):
    """The index keeps the order of the subjects; one without a subject comes last."""
    books = [
        {
            "code": "TIMEOUT",
            "title": "No whole answer",
            "subject": "Answers",
            "first_step": "Call.",
        },
        {"code": "X", "title": "", "subject": ""},
        {"code": "pre_market", "title": "before the open", "subject": "Procedures"},
    ]
    upstream.answers["/api/v1/runbooks"] = {
        "subjects": ["Procedures", "Answers"],
        "runbooks": books,
    }
    page = await see(pages, "/runbooks")

    order = [page.text.index(w) for w in ("Procedures", "Answers", "Others")]
    assert sorted(order) == order
    assert "/runbooks/TIMEOUT" in {a.get("href") for _, a in page.elements}
    upstream.answers["/api/v1/runbooks"] = httpx.Response(503)
    assert 502 == (await pages.get("/runbooks")).status_code


CHECKS = [
    {"code": "RC-404", "name": "safety.marketdata_fresh", "status": "FAIL", "details": "stale"},
    {"code": "RC-306", "name": "cluster.recent_restarts", "status": "FAIL", "blocks": False},
    {"code": "RC-101", "name": "change_control.git_available", "status": "PASS"},
    {"code": "RC-105", "name": "change_control.origin_remote", "status": "NOT_APPLICABLE"},
    {"code": "RC-999", "name": "new.check", "status": "BETTER"},
]


async def test_readiness_opens_what_fails_and_folds_what_passes(pages, upstream):
    """Groups that stop a GO come first and open; what passes is folded and still there."""
    report = {"verdict": "NO-GO", "code": "X", "checks": CHECKS}
    answer = {"verdict": "NO-GO", "code": "X", "report": report, "report_is_current": True}
    upstream.answers["/api/v1/readiness/latest"] = answer
    page = await see(pages, "/readiness")

    groups = [a for t, a in page.elements if t == "details" and "group" in (a.get("class") or "")]
    assert ["group group-stop", "group group-stop", "group group-warn", "group"] == [
        g["class"] for g in groups
    ]
    assert ["open" in g for g in groups] == [True, True, True, False]
    order = [
        page.text.index(w)
        for w in ("Safety 1 say NO", "Other checks", "Cluster 0", "Change control")
    ]
    assert sorted(order) == order
    assert "change_control.git_available" in page.text
    anchors = {a.get("id") for _, a in page.elements}
    cells = [a for t, a in page.elements if "cell" in (a.get("class") or "").split()]
    assert {c["href"].removeprefix("#") for c in cells} <= anchors
    assert 5 == len(cells)


CHANGES = [
    {"subject": "Deployment x", "what": "image", "before": "engine:4c7d", "after": "engine:91ab"},
    {"subject": "Deployment x", "what": "note", "before": "", "after": HOSTILE},
]


@pytest.mark.parametrize("path", ["/deploys", "/deploys/diff", "/lkg/diff"])
async def test_changes_are_cards_with_the_words_that_differ(pages, upstream, path):
    """Only the tag is marked on both sides; what others wrote is text."""
    compared = {"before": {"at": AT}, "after": {"at": AT}, "changes": CHANGES, "gaps": []}
    upstream.answers |= {
        "/api/v1/reports/deploy": {"reports": [{"path": "p/r", "at": AT}]},
        "/api/v1/reports/deploy/latest": "# report",
        "/api/v1/reports/diff": compared,
        "/api/v1/lkg/diff": compared,
    }
    text = (await pages.get(path)).text

    assert "engine:<del>4c7d</del>" in text
    assert "engine:<ins>91ab</ins>" in text
    assert 1 == text.count("<h3>Deployment x</h3>")
    assert "<script>alert" not in text


async def test_deploys_that_could_not_be_compared_claim_no_sameness(pages, upstream):
    """A comparison that was not sent whole says so, and never that nothing changed."""
    upstream.answers |= {
        "/api/v1/reports/deploy": {"reports": [{"path": "p/r", "at": AT}, {"path": "p/s"}]},
        "/api/v1/reports/deploy/latest": "# report",
        "/api/v1/reports/diff": {"before": {}, "after": {}},
    }
    half = (await see(pages, "/deploys")).text
    upstream.answers["/api/v1/reports/diff"] = httpx.Response(404)
    none = (await see(pages, "/deploys")).text

    assert "Not the whole picture" in half
    assert "Nothing that was seen changed." in half
    assert "What changed from the report before to the latest" in none


async def test_a_target_without_a_verdict_says_what_is_lacking(pages, upstream):
    """R15.15: on the page it reads as the API says it; a bar and thirty days stand beside it."""
    service = {
        **upstream.answers["/api/v1/slo"]["services"][0],
        "met": None,
        "verdict": "not_yet",
        "verdict_text": "not yet: 3 of 20 sessions watched",
        "window_budget_seconds": 100.0,
        "days": [{"on": "2026-11-18", "attained": 99.0, "bad_seconds": 234.0}],
    }
    upstream.answers["/api/v1/slo"] |= {"services": [service], "until": AT}
    page = await see(pages, "/slo")

    assert "? not yet: 3 of 20 sessions watched" in page.text
    assert ["5 % of 1 min 40 s spent: 5 s unexpected, 0 s not watched"] == pictures(page)[:1]
    assert "2026-11-18 99.000 % 3 min 54 s none" in page.text
    assert "not yet: 3 of 20 sessions watched" in (await see(pages, f"/service/{NAME}")).text


async def test_an_attestation_is_drawn_as_lanes(pages, upstream):
    """R15.16: one lane for each required fact, named with its figures; hatched gaps; a sign."""
    path = "/api/v1/attestation/no-execution"
    upstream.answers[path] = {"path": "p", "attestation": json.loads(GOLDEN.read_text())}
    page = await see(pages, "/attestation")

    assert "Orders allowed: 84.358 % seen, 2 gaps, 1 signs of execution" in pictures(page)
    assert 5 == len(pictures(page))
    assert {"gap", "sign", "seen"} <= page.classes()
    assert "pattern" in {tag for tag, _ in page.elements}
    assert "<b>" not in "".join(p or "" for p in pictures(page))


async def test_events_are_sentences_in_incidents(pages, upstream):
    """What happened apart is told by day; an incident with its links and its own events."""
    told = {"ts": AT, "message": "m -> n", "sentence": "The floor halted", "severity": "P1"}
    apart = {**told, "sentence": "The session opened", "message": "x", "severity": "INFO"}
    upstream.answers["/api/v1/events"] = {"events": [told, apart], "next_cursor": None}
    incident = {"begin": AT, "open": True, "code": "TIMEOUT", "subject": "a", "sentence": "It hung"}
    upstream.answers["/api/v1/incidents"] = {
        "ts": AT,
        "incidents": [{**incident, "severity": "P1", "events": [told]}],
    }
    page = await see(pages, "/events")

    assert AT == upstream.asked("/api/v1/incidents").params["from"]
    assert "to" not in upstream.asked("/api/v1/incidents").params
    assert 1 == page.text.count("The floor halted")
    assert page.text.index("It hung") < page.text.index("The session opened")
    assert {"/runbooks/TIMEOUT?agent=a"} <= {a.get("href") for _, a in page.elements}
    upstream.answers["/api/v1/incidents"] = httpx.Response(503)
    lost = (await see(pages, "/events?cursor=9")).text
    assert "Incidents could not be read" in lost
    assert "The floor halted" in lost
    assert "to" in upstream.asked("/api/v1/incidents").params


async def test_an_alert_leads_to_its_evidence(pages, upstream):
    """From five minutes before it began until five minutes after now."""
    page = await see(pages, "/alerts")

    links = [a["href"] for tag, a in page.elements if tag == "a"]
    assert any(h.startswith("/evidence?from=2026-11-18T15%3A00%3A54") for h in links)


OTHERS = ["/map", "/runbooks/MARKETDATA_STALE", "/slo", "/events", "/alerts", f"/service/{NAME}"]


@pytest.mark.parametrize("path", OTHERS)
async def test_no_picture_needs_a_style_or_a_script_of_its_own(pages, floor, path):
    """The content policy allows neither; numbers stand in the pictures' own attributes."""
    page = await see(pages, path)

    assert all("style" not in a for _, a in page.elements)
    assert all(not name.startswith("on") for _, a in page.elements for name in a)
    assert all(name is not None for name in pictures(page))
