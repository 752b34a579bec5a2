"""Pages: true, quiet, and never green without cause."""

import asyncio
import re
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

import ops_ui
from tests.ops_ui.conftest import AGENT, LEDGER, RUN_PATH

pytestmark = pytest.mark.anyio
STATIC = Path(ops_ui.__file__).parent / "static"
HOSTILE = "<script>alert(1)</script>\"' onmouseover=alert(1) javascript:alert(1) \u202e{{7*7}}"
POSTURE = "/api/v1/posture"
P0 = {"code": "EXECUTION_EVIDENCE", "severity": "P0", "detail": "says so"}


class Page(HTMLParser):
    """A page taken apart: its elements, and its text."""

    def __init__(self, text):
        """Take a page apart."""
        super().__init__()
        self.elements = []
        self.words = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Note an element."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        """Note text."""
        self.words.append(data)

    @property
    def text(self):
        """Return all text in one line."""
        return " ".join(" ".join(self.words).split())

    def classes(self):
        """List every class used."""
        return {c for _, a in self.elements for c in (a.get("class") or "").split()}


async def see(pages, path="/"):
    """Ask for a page and take it apart."""
    return Page((await pages.get(path)).text)


async def slow(_request):
    """Answer much too late."""
    await asyncio.sleep(5)
    return httpx.Response(200)


FAILURES = {
    "down": (httpx.ConnectError("refused"), "OFFLINE"),
    "lost": (httpx.ReadError("reset"), "OFFLINE"),
    "slow": (slow, "SLOW"),
    "restarting": (httpx.Response(503), "RESTARTING"),
    "not JSON": ("<html>", "UNREADABLE"),
    "no object": (httpx.Response(200, json=[1]), "UNREADABLE"),
    "refused by status": (httpx.Response(500), "UNREADABLE"),
    "gone": (httpx.Response(404), "UNREADABLE"),
    "redirect": (httpx.Response(302, headers={"location": "http://else"}), "UNREADABLE"),
    "too large": (httpx.Response(200, content=b" " * (5 * 2**20)), "UNREADABLE"),
    "no verdict known": (httpx.Response(200, json={"posture": "FINE"}), "UNREADABLE"),
}


@pytest.mark.parametrize(("answer", "word"), FAILURES.values(), ids=FAILURES)
async def test_each_failure_is_loud_and_never_green(pages, upstream, answer, word):
    """However Mission Control fails, the page says so in its own word, and nothing is green."""
    upstream.answers[POSTURE] = answer

    page = await see(pages)

    assert word in page.text
    assert "NOT LIVE" in page.text
    assert set() == page.classes() & {"verdict-ok", "verdict-closed"}


async def test_failures_look_different(pages, upstream):
    """Down, slow, restarting and garbage each have a look and an icon of their own."""
    looks = set()
    for name in ("down", "slow", "restarting", "not JSON"):
        upstream.answers[POSTURE] = FAILURES[name][0]
        page = await see(pages)
        icons = {a["href"] for t, a in page.elements if t == "link" and "icon" in a["rel"]}
        looks |= {c for c in page.classes() if c.startswith("verdict-failure")} | icons

    assert 8 == len(looks)
    assert all((STATIC / Path(x).name).is_file() for x in looks if x.endswith(".svg"))


async def test_the_last_floor_is_shown_as_old(pages, upstream):
    """After a failure the last whole floor is shown greyed, with its age."""
    await see(pages)
    upstream.answers[POSTURE] = httpx.ConnectError("refused")

    page = await see(pages)

    assert "old" in page.classes()
    assert re.search(r"Last seen \d s ago", page.text)
    assert "marketdata-mcp-server" in page.text


@pytest.mark.parametrize(
    ("verdict", "expected", "look"),
    [
        ("OK", True, {"verdict-ok"}),
        ("OK", False, {"verdict-ok", "verdict-unexpected"}),
        ("MARKET_CLOSED", True, {"verdict-closed"}),
        ("MARKET_CLOSED", False, {"verdict-closed", "verdict-unexpected"}),
        ("HALTED", False, {"verdict-halted"}),
    ],
)
async def test_the_first_pixel_is_the_verdict(pages, upstream, verdict, expected, look):
    """Each verdict has its word, its look, its title and its icon, expected or not."""
    upstream.answers[POSTURE] |= {"posture": verdict, "expected": expected}

    page = await see(pages)

    word = verdict.replace("_", " ")
    assert word in page.text
    assert ("(unexpected)" in page.text) == (not expected)
    assert look == {c for c in page.classes() if c.startswith("verdict-")}
    assert "since 10:10:00 ET" in page.text
    assert "evidence 4 s old" in page.text


async def test_what_the_fleet_file_says_of_execution_is_shown(pages, upstream):
    """An exemption with who and why, and what was added; nothing where it says nothing."""
    silent = await see(pages)
    entry = {
        "workload": "floor/Deployment/report",
        "image": "x/report",
        "who": "Ops",
        "why": "reads",
    }
    told = {"exemptions": [entry], "added_patterns": ["gateway"], "added_switches": ["ORDER_GATE"]}
    upstream.answers[POSTURE] |= {"execution": told}

    page = await see(pages)

    assert "What the fleet file says of execution" not in silent.text
    assert (
        "floor/Deployment/report is not execution while it runs x/report: Ops, reads" in page.text
    )
    assert "gateway" in page.text
    assert "ORDER_GATE" in page.text


@pytest.mark.parametrize(("told", "doubted"), [({}, False), ({"confirmed": False}, True)])
async def test_a_halt_that_hangs_on_a_first_silence_says_so(pages, upstream, told, doubted):
    """The verdict says that it is not confirmed yet; an older server never says so."""
    upstream.answers[POSTURE] |= {"posture": "HALTED", "expected": False} | told

    page = await see(pages)

    assert doubted == ("not confirmed yet: asked again in a second" in page.text)


@pytest.mark.parametrize("key", ["posture", "expected", "reasons", "at", "session", "kill_switch"])
async def test_nothing_is_green_on_a_missing_key(pages, upstream, key):
    """A posture without any key that a verdict needs is unreadable."""
    del upstream.answers[POSTURE][key]

    page = await see(pages)

    assert "UNREADABLE" in page.text
    assert "verdict-ok" not in page.classes()


LESS = ["since", "evidence_age_seconds", "cluster", "fleet", "accusations", "sequence"]


@pytest.mark.parametrize("key", LESS)
async def test_other_missing_keys_leave_a_page(pages, upstream, key):
    """A posture without something less is shown, and claims nothing about it."""
    del upstream.answers[POSTURE][key]

    answer = await pages.get("/")

    assert 200 == answer.status_code
    assert ("evidence incomplete" in answer.text) == (key == "evidence_age_seconds")


async def test_services_that_cannot_be_read_make_the_page_not_live(pages, upstream):
    """When the services cannot be read the page says that it is not live."""
    upstream.answers["/api/v1/agents"] = httpx.ConnectError("refused")

    page = await see(pages)

    assert "The services could not be read" in page.text
    assert [{"data-live": "no"}] == [
        {"data-live": a["data-live"]} for t, a in page.elements if t == "main"
    ]


async def test_services_are_worst_first_and_calm_where_expected(pages, upstream):
    """Unexpected services come first, the worst first; an expected HALTED is calm."""
    wrong = {"expected": False, "reasons": [{"code": "TIMEOUT", "detail": "no answer"}]}
    upstream.answers["/api/v1/agents"]["agents"] = [
        AGENT | {"agent_name": "calm"},
        AGENT | {"agent_name": "odd", "state": "SPLENDID"} | wrong,
        AGENT | {"agent_name": "degraded", "state": "DEGRADED"} | wrong,
        AGENT | {"agent_name": "halted"} | wrong,
        AGENT | {"agent_name": "alarmed", "state": "OK", "expected": False, "reasons": [P0]},
    ]

    answer = await pages.get("/")
    rows = [a["class"] for t, a in Page(answer.text).elements if t == "tr" and a.get("class")]

    assert ["row-halted", "row-halted", "row-unknown", "row-degraded", "row-calm"] == rows


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/alerts",
        "/wall",
        "/read-only",
        "/runbooks/TIMEOUT",
        "/runbooks/TIMEOUT?alert=8bb84073c1f0bb9f",
        "/none",
    ],
)
async def test_hostile_text_is_inert(pages, upstream, path):
    """Hostile text in every field adds no element, no handler and no address."""
    for answer in upstream.answers.values():
        poison(answer)
    upstream.answers[POSTURE] |= {"posture": "HALTED", "at": "2026-11-18T15:15:13.000Z"}

    page = await see(pages, path)

    scripts = [a for t, a in page.elements if t == "script"]
    ours = [{"src": f"/static/{name}.js", "defer": None} for name in ("page", "keys")]
    assert [] == [a for a in scripts if a not in ours]
    attributes = [(k, v or "") for _, a in page.elements for k, v in a.items()]
    assert [] == [k for k, _ in attributes if k.startswith("on") or k == "style"]
    addresses = [v for k, v in attributes if k in {"href", "src", "action"}]
    assert [] == [v for v in addresses if not v.startswith(("/", "#"))]
    assert [] == [t for t, _ in page.elements if t in {"style", "iframe"}]
    forms = [a for t, a in page.elements if t == "form"]
    assert [] == [a for a in forms if a["method"] != "get"]
    assert "49" not in page.text.split()


def poison(value):
    """Put hostile text into every text of a document, in place."""
    if isinstance(value, dict | list):
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in list(entries):
            if isinstance(inner, str):
                value[key] = HOSTILE
            else:
                poison(inner)


@pytest.mark.parametrize("path", ["/", "/none", "/static/style.css", "/healthz", "/stream"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_every_answer_bears_the_security_headers(pages, path, method):
    """Every answer, errors too, bears a content policy without exceptions, and nothing writes."""
    answer = await pages.request(method, path)

    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "nosniff" == answer.headers["x-content-type-options"]
    if method != "GET":
        assert answer.status_code in {404, 405}


async def test_the_page_is_small(pages):
    """The Floor with its style and its script stays under 120 kB."""
    page = (await pages.get("/")).content
    assets = sum((STATIC / name).stat().st_size for name in ("style.css", "page.js"))

    assert len(page) + assets < 120_000


async def test_a_runbook_is_rendered_without_html_of_its_own(pages, upstream):
    """A runbook's Markdown is rendered; HTML inside it is shown as text."""
    page = await see(pages, "/runbooks/TIMEOUT")
    linked = await pages.get("/runbooks/TIMEOUT.md")
    missing = await pages.get("/runbooks/NOTHING")
    upstream.answers["/api/v1/runbooks/TIMEOUT"] = httpx.ConnectError("refused")
    failed = await pages.get("/runbooks/TIMEOUT")

    assert "TIMEOUT: no answer" in page.text
    assert "<script>alert(1)</script>" in page.text
    assert (200, 404, 502) == (linked.status_code, missing.status_code, failed.status_code)


async def test_the_stream_is_relayed_and_resumes(pages, upstream):
    """The event stream is passed on byte for byte, from where the browser left off."""
    upstream.answers["/api/v1/stream"] = httpx.Response(200, content=b"id: 5\ndata: {}\n\n")

    answer = await pages.get("/stream", headers={"last-event-id": "run-4"})

    assert b"id: 5\ndata: {}\n\n" == answer.content
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "run-4" == upstream.requests[-1].headers["last-event-id"]


async def test_a_broken_stream_just_ends(pages, upstream):
    """A stream that Mission Control refuses or breaks ends; the browser asks again."""
    for answer in (httpx.Response(503), httpx.ConnectError("refused")):
        upstream.answers["/api/v1/stream"] = answer
        assert b"" == (await pages.get("/stream")).content


async def test_only_gets_are_sent(pages, upstream):
    """The pages send nothing but GET, without cookies."""
    for path in ("/", "/wall", "/read-only", "/runbooks/TIMEOUT", "/stream", "/ops/status"):
        await pages.get(path)

    assert {"GET"} == {r.method for r in upstream.requests}
    assert not [r for r in upstream.requests if "cookie" in r.headers]


ARTIFACTS = "/api/v1/artifacts"


async def test_the_artifacts_page_lists_runs_with_a_badge(pages, upstream):
    """Runs are listed with their files, a badge that says intact, and the way to older ones."""
    upstream.answers[ARTIFACTS] = LEDGER
    page = (await pages.get("/artifacts?job=intraday_sample&limit=1&evil=x")).text

    asked = upstream.asked(ARTIFACTS)
    assert {"job": "intraday_sample", "limit": "1"} == dict(asked.params)
    assert "badge-fine" in page
    assert "Intact" in page
    assert f"/artifacts/view/{RUN_PATH}/posture.json" in page
    assert "/artifacts?job=intraday_sample&amp;limit=1&amp;cursor=7" in page
    assert "DEMO" in page


@pytest.mark.parametrize(
    ("verification", "words"),
    [
        pytest.param({"intact": False, "discrepancies_found": 3}, "NOT INTACT", id="altered"),
        pytest.param({}, "NOT VERIFIED", id="key missing"),
        pytest.param(None, "NOT VERIFIED", id="null"),
        pytest.param({"intact": "true"}, "NOT VERIFIED", id="no boolean"),
        pytest.param([], "NOT VERIFIED", id="a list"),
    ],
)
async def test_only_a_verified_record_is_green(pages, upstream, verification, words):
    """Whatever is not said to be intact is not shown as intact."""
    upstream.answers[ARTIFACTS] = {**LEDGER, "verification": verification}
    page = (await pages.get("/artifacts")).text

    assert words in page
    assert "badge-fine" not in page


@pytest.mark.parametrize(
    ("name", "content", "shown", "hidden"),
    [
        pytest.param(
            "a.md", "# Title\n<script>x()</script>", "<h1>Title</h1>", "<script>x", id="md"
        ),
        pytest.param("a.md", "[x](javascript:x())", "[x]", 'href="javascript', id="md link"),
        pytest.param("a.json", '{"b":"<b>1</b>"}', "&lt;b&gt;1", "<b>1", id="json"),
        pytest.param("a.log", "<img src=x onerror=x>", "&lt;img", "<img", id="log"),
        pytest.param("a.log", "a\u202eb\x1b[31m", "a\ufffdb\ufffd[31m", "\u202e", id="control"),
    ],
)
async def test_a_file_is_shown_and_nothing_in_it_acts(
    pages, upstream, name, content, shown, hidden
):
    """Markdown is rendered without HTML of its own, everything else is text."""
    upstream.answers[f"{ARTIFACTS}/{RUN_PATH}/{name}"] = content
    page = (await pages.get(f"/artifacts/view/{RUN_PATH}/{name}")).text

    assert shown in page
    assert hidden not in page


async def test_a_file_is_handed_out_as_it_is(pages, upstream):
    """A download is the recorded bytes, as an attachment under a plain name."""
    upstream.answers[f"{ARTIFACTS}/{RUN_PATH}/posture.json"] = '{"a":1}'
    answer = await pages.get(f"/artifacts/download/{RUN_PATH}/posture.json")

    assert b'{"a":1}' == answer.content
    assert 'attachment; filename="posture.json"' == answer.headers["content-disposition"]


@pytest.mark.parametrize(
    ("status", "page_status", "words"),
    [
        pytest.param(404, 404, "Nothing was recorded", id="not recorded"),
        pytest.param(409, 502, "NOT INTACT: this file was altered", id="altered"),
        pytest.param(410, 502, "NOT INTACT: this file is missing", id="missing"),
        pytest.param(503, 502, "could not be read", id="unreadable"),
    ],
)
@pytest.mark.parametrize("how", ["view", "download"])
async def test_a_file_that_is_not_as_recorded_is_not_shown(
    pages, upstream, how, status, page_status, words
):
    """What was altered or removed is said, and none of its bytes are given."""
    path = f"{ARTIFACTS}/{RUN_PATH}/posture.json"
    upstream.answers[path] = httpx.Response(status, content=b"bytes that are wrong")
    answer = await pages.get(f"/artifacts/{how}/{RUN_PATH}/posture.json")

    assert page_status == answer.status_code
    assert words in answer.text
    assert "bytes that are wrong" not in answer.text


async def test_artifacts_that_cannot_be_listed_are_said(pages, upstream):
    """Without an answer the page says so and shows no list."""
    upstream.answers[ARTIFACTS] = httpx.ConnectError("no")

    assert 502 == (await pages.get("/artifacts")).status_code


PAGES_OF_NOW = [
    "/",
    "/alerts",
    "/wall",
    "/service/marketdata-mcp-server",
    "/readiness",
    "/deploys",
    "/lkg",
    "/schedule",
    "/events",
    "/slo",
    "/artifacts",
    "/attestation",
    "/read-only",
    "/nothing-here",
]


@pytest.mark.parametrize("path", PAGES_OF_NOW)
async def test_a_page_of_now_renews_itself_or_greys(pages, path):
    """
    Each page of a present state is renewed, with JavaScript and without, and says when it is not.
    """
    page = (await pages.get(path)).text

    assert 'src="/static/page.js"' in page
    assert 'http-equiv="refresh"' in page
    assert 'class="stale-guard"' in page
    assert 'data-renews="no"' not in page


@pytest.mark.parametrize(
    "path",
    ["/runbooks/TIMEOUT", "/?at=2026-11-18T15:15:13Z", "/service/marketdata-mcp-server?at=x"],
)
async def test_a_page_of_what_does_not_change_is_left_alone(pages, path):
    """A runbook and the floor as it was are not renewed, and never called old."""
    page = (await pages.get(path)).text

    assert 'data-renews="no"' in page
    assert "page.js" not in page
    assert "stale-guard" not in page


async def test_an_execution_process_that_runs_is_not_called_offline(pages, upstream):
    """Whatever its port says, execution that runs leads as a P0 and is drawn as an alarm."""
    evidence = {"code": "EXECUTION_EVIDENCE", "subject": "execution-engine", "severity": "P0"}
    upstream.answers["/api/v1/posture"] |= {
        "posture": "HALTED",
        "expected": False,
        "reasons": [{**evidence, "halts": True, "detail": "1 pod runs"}],
    }
    upstream.answers["/api/v1/agents"]["agents"][0] |= {
        "agent_name": "execution-engine",
        "kind": "execution",
        "state": "OFFLINE",
        "expected": False,
        "reasons": [evidence],
    }
    upstream.answers["/api/v1/timeline"]["agents"][0] |= {"agent_name": "execution-engine"}
    cells = upstream.answers["/api/v1/timeline"]["agents"][0]["cells"]
    cells[0] |= {"state": "OFFLINE", "expected": False, "reason_code": "EXECUTION_EVIDENCE"}
    page = (await pages.get("/")).text

    assert "<span>P0</span><span>EXECUTION_EVIDENCE</span>" in page
    assert "RUNNING (must be off)" in page
    assert "c-alarm" in page
    assert 'class="row-halted"' in page


@pytest.mark.parametrize(
    ("posture", "words"),
    [
        pytest.param({}, "all required evidence is seen", id="all is well"),
        pytest.param({"accusations": [{"code": "X"}]}, "Alarms that have not", id="an alarm"),
        pytest.param(
            {"coverage": {"gaps": [{}]}},
            "all required evidence is seen, fresh and consistent. Of what is not required, 1 not",
            id="a gap that is not required",
        ),
        pytest.param({"coverage": None}, "Not everything", id="no coverage"),
        pytest.param({"evidence_age_seconds": None}, "Not everything", id="no age"),
        pytest.param({"accusations": None}, "Alarms that have not", id="not told"),
    ],
)
async def test_all_is_seen_is_said_only_where_it_is(pages, upstream, posture, words):
    """The sentence beside no reasons follows the worst thing on the page."""
    upstream.answers["/api/v1/posture"] |= posture
    page = (await pages.get("/")).text

    assert words in page
    assert ("all required evidence is seen" in page) == words.startswith("all required")


@pytest.mark.parametrize("path", [*PAGES_OF_NOW[:-1], "/runbooks/TIMEOUT"])
async def test_every_page_says_what_the_fleet_needs_of_safety(pages, upstream, path):
    """What is not required is said wherever anything is shown, escaped and in one line (R4.6)."""
    upstream.safety = "kill switch NOT required; <b>freshness</b>"
    page = await see(pages, path)

    assert "What this fleet needs: kill switch NOT required; <b>freshness</b>." in page.text
    assert "b" not in {tag for tag, _ in page.elements}


@pytest.mark.parametrize(
    ("verdict", "judged", "said"),
    [("OK", False, True), ("MARKET_CLOSED", False, True), ("HALTED", False, False),
     ("OK", True, False), ("OK", None, True)],
)  # fmt: skip
async def test_a_calm_verdict_says_where_safety_is_not_judged(
    pages, upstream, verdict, judged, said
):
    """OK is never read as more than was judged (R4.6)."""
    upstream.answers[POSTURE] |= {"posture": verdict, "safety": {"judged": judged}}

    assert said is ("· safety not judged" in (await see(pages)).text)


async def test_a_service_that_is_watched_by_others_is_called_unobserved(pages, upstream):
    """It is expected to be unseen here, and is no green UNKNOWN without a word."""
    reason = {"code": "UNOBSERVED", "severity": "INFO", "detail": "Ops watches it: by hand"}
    agent = {**AGENT, "state": "UNKNOWN", "expected": True, "reasons": [reason]}
    upstream.answers["/api/v1/agents"]["agents"] = [agent]

    assert "UNOBSERVED" in (await see(pages)).text
