"""Pages: how the verdict is known, as rows and as a tree; what is not told never looks seen."""

import copy

import httpx
import pytest

from ops_ui.evidence_now import LIMIT_AT, AgeBar, Evidence, Piece, age_bar, see_evidence
from tests.ops_ui.conftest import AT

pytestmark = pytest.mark.anyio
PATH = "/api/v1/posture/evidence"
SILENT = {
    "name": "service strategy-engine",
    "subject": "strategy-engine",
    "kind": "service",
    "proves": "it answers",
    "value": "OFFLINE (unexpected)",
    "required": True,
    "age_seconds": None,
    "max_age_seconds": 45.0,
    "since": AT,
    "missing": [{"code": "TIMEOUT", "detail": "<b>no answer</b> in 3.0 s", "confirmed": True}],
    "readings": [{"source": "http://s/ops/status", "outcome": "TIMEOUT", "seen": False, "at": AT}],
}
SEEN = {
    "name": "kill_switch kill-switch",
    "subject": "kill-switch",
    "kind": "kill_switch",
    "proves": "the kill switch is ENGAGED",
    "value": "ENGAGED, confirmed",
    "required": True,
    "age_seconds": 9.0,
    "max_age_seconds": 45.0,
    "since": None,
    "missing": [],
    "readings": [
        {
            "source": "configmap trading-floor/x",
            "outcome": "ENGAGED",
            "seen": True,
            "at": AT,
            "instance": "prod (0f1e2d3c)",
            "told": "told",
            "digest": "ab" * 32,
            "size_bytes": 1,
        }
    ],
}
REASON = {
    "severity": "P1",
    "code": "TIMEOUT",
    "subject": "strategy-engine",
    "detail": "no answer",
    "halts": True,
    "evidence": ["service strategy-engine", "service not-there"],
    "raised_by": ["strategy-engine /ops/status"],
}
EVIDENCE = {
    "posture": "HALTED",
    "reads": "HALTED",
    "at": AT,
    "since": AT,
    "oldest_evidence": "kill-switch",
    "evidence_age_seconds": 9.0,
    "reasons": [REASON],
    "evidence": [SILENT, SEEN],
}


def see(**changes):
    """Look at an answer with some keys changed."""
    return see_evidence(Evidence.model_validate({**EVIDENCE, **changes}))


async def test_the_page_leads_from_the_verdict_to_the_digest(pages, upstream):
    """Rows with age, limit, source, instance and digest; a tree with the same; all escaped."""
    upstream.answers[PATH] = copy.deepcopy(EVIDENCE)
    answer = await pages.get("/evidence-now")

    assert 200 == answer.status_code
    for words in (
        "2 pieces of evidence are required; 1 of them is missing.",
        "&lt;b&gt;no answer&lt;/b&gt; in 3.0 s",
        'href="/service/strategy-engine"',
        'aria-label="9 s old, at most 45 s"',
        "prod (0f1e2d3c)",
        "ab" * 32,
        "alarm raised by strategy-engine /ops/status",
        "What is seen and holds: 1",
        "not remembered",
    ):
        assert words in answer.text, words
    assert answer.text.index("OFFLINE (unexpected)") < answer.text.index("ENGAGED, confirmed")


async def test_a_twin_has_a_row_that_is_not_required(pages, upstream):
    """What it says is shown, and leads to its page; it is never counted as evidence."""
    told = {"name": "twin mc-b", "subject": "mc-b", "kind": "twin", "value": "OK, record 5f0c"}
    twin = {**copy.deepcopy(SEEN), **told, "required": False}
    upstream.answers[PATH] = {**copy.deepcopy(EVIDENCE), "evidence": [SILENT, SEEN, twin]}
    page = (await pages.get("/evidence-now")).text

    for words in (
        "2 pieces of evidence are required; 1 of them is missing.",
        'href="/service/mc-b"',
        "OK, record 5f0c",
        "not required",
    ):
        assert words in page, words


async def test_the_past_is_asked_for_and_labelled(pages, upstream):
    """With `?at=` the question bears it, every link stays in it, and the page says AS OF."""
    upstream.answers[PATH] = {**copy.deepcopy(EVIDENCE), "label": "AS OF 2026-11-18 10:15:13 EST"}
    page = (await pages.get("/evidence-now", params={"at": "2026-11-18T10:15"})).text

    assert "2026-11-18T10:15" == upstream.asked(PATH).params["at"]
    assert 'href="/service/strategy-engine?at=2026-11-18T10%3A15"' in page
    assert "AS OF 2026-11-18 10:15:13 EST" in page
    assert "data-age" not in page.split("<main")[1]
    assert 'href="/evidence-now">Back to now' in page


@pytest.mark.parametrize(
    ("answer", "query", "status", "words"),
    [
        pytest.param(
            httpx.Response(404), {"at": AT}, 404, "was not watched then", id="not watched"
        ),
        pytest.param(httpx.Response(503), {}, 502, "could not be read", id="restarting"),
        pytest.param({}, {}, 502, "could not be read", id="garbage"),
    ],
)
async def test_what_cannot_be_read_is_said(pages, upstream, answer, query, status, words):
    """No answer is no evidence: the page says so, and shows no rows."""
    upstream.answers[PATH] = answer
    page = await pages.get("/evidence-now", params=query)

    assert (status, True) == (page.status_code, words in page.text)
    assert "<table" not in page.text


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param({**SEEN, "missing": None}, id="missing is null"),
        pytest.param({k: v for k, v in SEEN.items() if k != "missing"}, id="no missing"),
        pytest.param({}, id="empty"),
        pytest.param(7, id="a number"),
    ],
)
def test_a_piece_that_does_not_say_whether_it_is_seen_is_missing(piece):
    """The law: what is left out of an answer never looks well."""
    view = see(evidence=[piece])

    assert ["MISSING"] == [row.state for row in view.rows]
    assert () == view.holding


def test_an_empty_account_is_no_good_account():
    """That no evidence is named is not that nothing is missing."""
    assert "nothing is known" in see(evidence=[]).summary


@pytest.mark.parametrize(
    ("age", "words"),
    [
        pytest.param(9.0, "all are seen, and the oldest was read 9 s ago (kill-switch).", id="age"),
        pytest.param(None, "the age of the oldest is not known.", id="no age"),
    ],
)
def test_a_whole_account_names_its_oldest_piece(age, words):
    """One sentence says how many pieces, and how old the oldest is."""
    summary = see(evidence=[SEEN], evidence_age_seconds=age).summary

    assert summary.startswith("1 pieces of evidence are required")
    assert summary.endswith(words)


def test_what_is_not_required_says_so():
    """An optional service that a reason is about is neither missing nor held as required."""
    assert ["not required"] == [r.state for r in see(evidence=[{**SEEN, "required": False}]).rows]


def test_a_long_account_is_cut_and_counted():
    """A floor of thousands gives a page of hundreds that says how many it leaves out."""
    view = see(evidence=[{**SEEN, "name": str(n)} for n in range(5_000)])

    assert (400, 4_600, 400) == (len(view.rows), view.more, len(view.holding))


@pytest.mark.parametrize(
    ("age", "limit", "bar"),
    [
        pytest.param(9.0, 45.0, AgeBar(15.0, over=False, words="9 s old, at most 45 s"), id="in"),
        pytest.param(
            45.0, 45.0, AgeBar(LIMIT_AT, over=False, words="45 s old, at most 45 s"), id="at"
        ),
        pytest.param(
            900.0,
            45.0,
            AgeBar(100.0, over=True, words="15 min old, over the limit of 45 s"),
            id="over",
        ),
        pytest.param(-1.0, 45.0, AgeBar(0.0, over=False, words="-1 s old, at most 45 s"), id="<0"),
        pytest.param(None, 45.0, None, id="no age"),
        pytest.param(9.0, None, None, id="no limit"),
        pytest.param(9.0, 0, None, id="zero"),
    ],
)
def test_an_age_is_drawn_against_its_limit(age, limit, bar):
    """The limit stands at three quarters; what is over it fills the rest at most."""
    assert bar == age_bar(Piece.model_validate({"age_seconds": age, "max_age_seconds": limit}))
