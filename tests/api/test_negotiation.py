"""API: which representation a client gets, by suffix and by Accept with its weights."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.api.answers import Choice, choose, weight_of
from mission_control.api.options import REPORT, VARY
from tests.api.paper_floor import PaperControl, PaperFloor
from tests.api.test_reports import deploy, judge
from tests.floor.cluster_of_values import ClusterFloor
from tests.floor.floor_of_values import OPEN_AT
from tests.readiness.test_readiness import probe

MARKDOWN, PLAIN, JSON, HTML = "text/markdown", "text/plain", "application/json", "text/html"
PREDECESSORS_UI = "text/plain, text/markdown, application/json"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
DEPLOY, READY = "/api/v1/reports/deploy/latest", "/api/v1/readiness/latest"
RUNBOOK = "/api/v1/runbooks/MARKETDATA_STALE"


@pytest.mark.parametrize(
    ("header", "media_type"),
    [
        pytest.param("", MARKDOWN, id="none"),
        pytest.param("*/*", MARKDOWN, id="anything"),
        pytest.param(PREDECESSORS_UI, MARKDOWN, id="the predecessor's UI"),
        pytest.param(JSON, JSON, id="JSON alone"),
        pytest.param("APPLICATION/JSON;Q=1.0", JSON, id="case is nothing"),
        pytest.param("application/json, text/markdown;q=0.9", JSON, id="JSON strictly"),
        pytest.param("application/json;q=0.9, text/markdown", MARKDOWN, id="JSON less"),
        pytest.param("application/json, */*", MARKDOWN, id="JSON no more than the rest"),
        pytest.param("application/json, */*;q=0.8", JSON, id="the rest less"),
        pytest.param("text/*;q=0.3, application/*;q=0.4", JSON, id="ranges"),
        pytest.param("text/*, text/markdown;q=0", PLAIN, id="the closest range counts"),
        pytest.param("*/*, text/markdown;q=0, text/plain;q=0.0", JSON, id="ruled out by name"),
        pytest.param("text/markdown;q=0", PLAIN, id="only ruled out"),
        pytest.param(PLAIN, PLAIN, id="plain text"),
        pytest.param("text/plain;charset=utf-8", PLAIN, id="a parameter that we have not"),
        pytest.param('a/b;x="1,2;q=0", application/json', JSON, id="a comma in quotes"),
        pytest.param('application/json;x="never closed, text/markdown', MARKDOWN, id="no end"),
        pytest.param("application/json;q=nan, text/plain", PLAIN, id="a weight that is none"),
        pytest.param("application/json;q=inf", MARKDOWN, id="nothing well formed"),
        pytest.param(";;;,,,/ q=", MARKDOWN, id="noise"),
        pytest.param("application/json;;q=0.5;", JSON, id="empty parameters"),
        pytest.param("application/json," * 5_000, MARKDOWN, id="huge"),
        pytest.param("*", MARKDOWN, id="an old way to say anything"),
        pytest.param("image/png", None, id="what there is not"),
        pytest.param("*/*;q=0", None, id="nothing at all"),
        pytest.param("image/png, */*;q=0", None, id="nothing else"),
    ],
)
def test_the_header_decides(header, media_type):
    """The highest weight wins, of equals the first offer; the closest range sets the weight."""
    assert media_type == choose(header, REPORT).media_type


TYPES = st.sampled_from([*REPORT, HTML, "text/*", "application/*", "*/*", "a/b"])
WEIGHTS = st.integers(0, 1000).map(lambda n: n / 1000)
RANGES = st.dictionaries(TYPES, WEIGHTS, min_size=1)


def written(ranges, order):
    """Write ranges as a header, in this order of them."""
    return ", ".join(f"{name};q={ranges[name]:.3f}" for name in order)


@given(ranges=RANGES, data=st.data())
def test_the_weights_decide_whatever_the_order(ranges, data):
    """No offer has a higher weight than the one chosen, and the order of ranges says nothing."""
    order = data.draw(st.permutations(sorted(ranges)))
    header = written(ranges, order)
    weights = {}
    for offer in REPORT:
        shown = (offer, f"{offer.partition('/')[0]}/*", "*/*")
        weights[offer] = next((ranges[name] for name in shown if name in ranges), 0.0)

    chosen = choose(header, REPORT).media_type

    assert chosen == choose(written(ranges, sorted(ranges)), REPORT).media_type
    if any(weights.values()):
        assert max(weights.values()) == weights[chosen]
        assert chosen == next(o for o in REPORT if weights[o] == weights[chosen])
    elif any(ranges.values()) or "*/*" in ranges:
        assert chosen is None


@given(header=st.text(max_size=200) | st.text(alphabet='a/*;,q=.01" \\', max_size=200))
def test_no_header_is_too_odd(header):
    """Whatever is sent, an offer is chosen or none is, and weights lie within 0 and 1."""
    assert choose(header, REPORT).media_type in {*REPORT, None}
    assert 0 <= weight_of(header, "gzip") <= 1


@pytest.mark.parametrize("piece", ['"', '"\\"', "a/b;", ";;", 'a;b="', ",", "\\"])
def test_a_header_costs_no_more_than_its_length(piece):
    """A header that was made to be slow to read is read as quickly as another."""
    assert Choice(MARKDOWN) == choose(piece * (8_192 // len(piece)), REPORT)


@pytest.fixture
async def control(tmp_path) -> PaperControl:
    """Return the API over a record of a readiness and a deploy report."""
    floor = ClusterFloor()
    probe(floor)
    paper = PaperFloor(snapshot=floor.decide(), since=OPEN_AT - timedelta(hours=3))
    made = PaperControl(floor=paper, root=tmp_path)
    await judge(made, floor)
    await deploy(made, floor)
    return made


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "accept", "media_type"),
    [
        pytest.param(DEPLOY, PREDECESSORS_UI, MARKDOWN, id="deploys to the predecessor's UI"),
        pytest.param(DEPLOY, "*/*", MARKDOWN, id="deploys to anyone"),
        pytest.param(DEPLOY, JSON, JSON, id="deploys as JSON"),
        pytest.param(f"{DEPLOY}.md", JSON, MARKDOWN, id="deploys, the suffix before Accept"),
        pytest.param(f"{DEPLOY}.json", MARKDOWN, JSON, id="deploys, JSON by suffix"),
        pytest.param(READY, PREDECESSORS_UI, MARKDOWN, id="readiness to the predecessor's UI"),
        pytest.param(READY, "text/*", MARKDOWN, id="readiness as text"),
        pytest.param(READY, "*/*", JSON, id="readiness to who names nothing"),
        pytest.param(READY, "application/json, text/markdown;q=0.5", JSON, id="readiness, JSON"),
        pytest.param(f"{READY}.json", MARKDOWN, JSON, id="readiness, JSON by suffix"),
        pytest.param(f"{READY}.md", JSON, MARKDOWN, id="readiness, Markdown by suffix"),
        pytest.param(RUNBOOK, "*/*", MARKDOWN, id="a runbook to anyone"),
        pytest.param(RUNBOOK, BROWSER, HTML, id="a runbook to a browser"),
        pytest.param(RUNBOOK, "text/html;q=0.1, text/markdown", MARKDOWN, id="HTML hardly"),
        pytest.param(RUNBOOK, JSON, JSON, id="a runbook in a document"),
        pytest.param(f"{RUNBOOK}.html", JSON, HTML, id="a runbook, HTML by suffix"),
        pytest.param("/schema", "text/html;q=0.5, application/json", JSON, id="the description"),
        pytest.param("/schema", BROWSER, HTML, id="the description to a browser"),
        pytest.param("/schema.json", BROWSER, JSON, id="the description by suffix"),
        pytest.param("/metrics", "*/*", PLAIN, id="metrics to anyone"),
        pytest.param("/metrics", JSON, PLAIN, id="metrics, always text at least"),
    ],
)
async def test_each_resource_negotiates(control: PaperControl, path, accept, media_type):
    """A report is Markdown unless JSON is strictly preferred, and a suffix settles it."""
    answer = await control.ask(path, headers={"accept": accept})

    assert 200 == answer.status_code
    assert media_type == answer.headers["content-type"].partition(";")[0]
    assert ("json" in media_type) == (answer.content[:1] == b"{")
    assert VARY == answer.headers["vary"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("accept", "open_"),
    [
        pytest.param(
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
            "application/openmetrics-text;version=0.0.1;q=0.4,"
            "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
            "text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
            True,
            id="Prometheus 3",
        ),
        pytest.param(
            "application/openmetrics-text;version=1.0.0,"
            "application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5",
            True,
            id="Prometheus 2",
        ),
        pytest.param(
            "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            False,
            id="a version that we have not",
        ),
        pytest.param("text/plain;version=0.0.4, application/openmetrics-text;q=0.9", False, id="q"),
    ],
)
async def test_a_scraper_gets_what_it_reads_best(control: PaperControl, accept, open_):
    """OpenMetrics is given where its version is preferred to the text of old."""
    answer = await control.ask("/metrics", headers={"accept": accept})

    assert open_ == answer.headers["content-type"].startswith("application/openmetrics-text")
    assert open_ == answer.text.endswith("# EOF\n")


@pytest.mark.anyio
@pytest.mark.parametrize("path", [DEPLOY, READY, RUNBOOK, "/schema"])
async def test_who_accepts_nothing_of_it_is_told_what_there_is(control: PaperControl, path):
    """A client that rules out every representation gets the list of them."""
    answer = await control.ask(path, headers={"accept": "image/png"})

    assert (406, "not_acceptable") == (answer.status_code, answer.json()["code"])
    assert "json" in answer.json()["detail"]
    assert VARY == answer.headers["vary"]


@pytest.mark.anyio
@pytest.mark.parametrize("path", [DEPLOY, READY, RUNBOOK, "/schema"])
async def test_representations_are_told_apart(control: PaperControl, path):
    """Each representation has a tag of its own; `Vary` says what it depends on, also on a 304."""
    tags = {}
    for accept in (MARKDOWN, PLAIN, HTML, JSON):
        answer = await control.ask(path, headers={"accept": accept})
        if answer.status_code == 200:
            tags[answer.headers["content-type"]] = answer.headers["etag"]
    held = await control.ask(
        path, headers={"accept": JSON, "if-none-match": ", ".join(tags.values())}
    )
    other = await control.ask(path, headers={"accept": JSON, "if-none-match": '"x"'})

    assert len(tags) == len(set(tags.values())) > 1
    assert (304, VARY) == (held.status_code, held.headers["vary"])
    assert held.headers["etag"] == other.headers["etag"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "path", [DEPLOY, f"{READY}.md", "/api/v1/runbooks/NO_SUCH", "/api/v1/attestation/no-execution"]
)
async def test_what_is_not_there_varies_as_what_is(tmp_path, path):
    """A 404 of a resource with several representations says by what its answers vary."""
    answer = await PaperControl(root=tmp_path).ask(path)

    assert (404, VARY) == (answer.status_code, answer.headers["vary"])


@pytest.mark.anyio
async def test_accept_may_come_in_several_lines(control: PaperControl):
    """A header in two lines is one list."""
    lines = [("accept", "application/json;q=0.5"), ("accept", "text/markdown;q=0.4")]
    answer = await control.ask(DEPLOY, headers=lines)

    assert JSON == answer.headers["content-type"]


@pytest.mark.anyio
async def test_a_text_that_says_go_says_first_what_it_is_worth(control: PaperControl):
    """The Markdown of a GO that was revoked since begins with the NO-GO of now."""
    before = (await control.ask(f"{READY}.md")).text
    at = control.floor.snapshot.at + timedelta(seconds=1)
    control.floor.halts = ((at, at),)
    after = (await control.ask(READY, headers={"accept": MARKDOWN})).text

    assert before.startswith("# Readiness: READY (GO)")
    assert after.startswith("# Readiness now: NO-GO (READINESS_EXPIRED)\n")
    assert after.endswith(before)
