"""Pages: the attestation of a session; nothing but a whole and empty one is clean."""

import copy

import httpx
import pytest

pytestmark = pytest.mark.anyio
PATH = "/api/v1/attestation/no-execution"
RUN = "audit_artifacts/ops_runs/20261118T221500Z_no_execution_attestation"
OPEN, CLOSE = "2026-11-18T14:30:00.000Z", "2026-11-18T21:00:00.000Z"
SPANS = [
    {"since": OPEN, "until": CLOSE, "value": "<b>OBSERVE", "unobserved": ""},
    {"since": CLOSE, "until": CLOSE, "value": None, "unobserved": "TIMEOUT"},
]
ATTESTATION = {
    "session_date": "2026-11-18",
    "open_et": "2026-11-18 09:30:00 EST",
    "close_et": "2026-11-18 16:00:00 EST",
    "early_close": False,
    "generated_et": "2026-11-18 17:15:00 EST",
    "generated_utc": "2026-11-18T22:15:00.000Z",
    "conclusion": "NO_EXECUTION_OBSERVED",
    "sentence": "No sign of execution was seen.",
    "signs": [],
    "coverage": {
        "session_seconds": 23400.0,
        "observed_seconds": 23400.0,
        "observed_percent": 100.0,
        "facts": [
            {"fact": "kill_switch", "required": 1, "observed_percent": 100.0},
            {"fact": "kill_switch_witness", "required": 0, "observed_percent": 0.0},
        ],
    },
    "gaps": [],
    "matters": [
        {
            "fact": "agent_mode",
            "subject": "strategy-engine",
            "required": True,
            "observed_percent": 100.0,
            "gaps": [],
            "sources": [{"source": "/ops/status", "spans": SPANS}],
        }
    ],
    "decisions": 12,
}
DOCUMENT = {
    "session_date": "2026-11-18",
    "path": RUN,
    "at": CLOSE,
    "attestation": ATTESTATION,
    "sessions": [{"session_date": "2026-11-18"}, {"session_date": "2026-11-17"}],
}
GAP = {
    "since_et": "2026-11-18 10:00:00 EST",
    "until_et": "2026-11-18 10:01:00 EST",
    "seconds": 60.0,
    "why": "the floor was not watched",
    "matters": ["kill_switch of kill-switch"],
    "matters_total": 9,
}
SIGN = {
    "code": "EXECUTION_EVIDENCE",
    "subject": "strategy-engine",
    "source": "strategy-engine /ops/status",
    "detail": "says <i>agent_mode EXECUTE",
    "stood_from": OPEN,
    "stood_until": None,
    "stood_at_open": True,
}


def attestation(**changes):
    """Return a recorded attestation with other parts."""
    return {**DOCUMENT, "attestation": {**copy.deepcopy(ATTESTATION), **changes}}


async def test_a_whole_session_is_shown_as_clean(pages, upstream):
    """The conclusion, the coverage, every observation, the record, and other sessions."""
    upstream.answers[PATH] = DOCUMENT
    page = (await pages.get("/attestation")).text

    assert "badge-fine" in page
    assert "No execution observed" in page
    assert f"/artifacts/view/{RUN}/attestation.md" in page
    assert "/attestation?session=2026-11-17" in page
    assert "&lt;b&gt;OBSERVE" in page
    assert "kill switch witness" not in page
    assert '<a href="/attestation" aria-current="page">Attestation</a>' in page


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(
            attestation(conclusion="EXECUTION_OBSERVED", signs=[SIGN]),
            "EXECUTION OBSERVED",
            id="signs",
        ),
        pytest.param(
            attestation(conclusion="NO_EXECUTION_OBSERVED_WITH_GAPS", gaps=[GAP]),
            "WITH GAPS",
            id="gaps",
        ),
        pytest.param(attestation(conclusion="NOT_OBSERVED"), "NOT OBSERVED", id="nothing"),
        pytest.param(attestation(gaps=[GAP]), "NOT KNOWN", id="clean with gaps"),
        pytest.param(attestation(signs=[SIGN]), "NOT KNOWN", id="clean with signs"),
        pytest.param(attestation(gaps=None), "NOT KNOWN", id="gaps not told"),
        pytest.param(
            attestation(coverage={"observed_percent": 99.9}), "NOT KNOWN", id="clean but not whole"
        ),
        pytest.param(attestation(conclusion="clean"), "NOT KNOWN", id="no conclusion of ours"),
        pytest.param({"attestation": 7, "sessions": 3}, "NOT KNOWN", id="rubbish"),
        pytest.param({}, "NOT ATTESTED", id="empty"),
        pytest.param(httpx.Response(404), "NOT ATTESTED", id="none recorded"),
        pytest.param(httpx.Response(503), "NOT KNOWN", id="restarting"),
        pytest.param(httpx.ConnectError("down"), "NOT KNOWN", id="down"),
    ],
)
async def test_anything_less_is_never_clean(pages, upstream, answer, words):
    """What has a sign or a gap, contradicts itself, or could not be read is not green."""
    upstream.answers[PATH] = answer
    page = (await pages.get("/attestation")).text

    assert "badge-fine" not in page
    assert words in page


async def test_signs_come_before_gaps(pages, upstream):
    """Signs first, with a runbook; each gap with its time, its reason and what was not seen."""
    upstream.answers[PATH] = attestation(
        conclusion="EXECUTION_OBSERVED", signs=[SIGN], gaps=[GAP] * 201
    )
    page = (await pages.get("/attestation")).text

    assert page.index("agent_mode EXECUTE") < page.index("the floor was not watched")
    assert "/runbooks/EXECUTION_EVIDENCE" in page
    assert "&lt;i&gt;agent_mode" in page
    assert "as the session opened" in page
    assert "not denied" in page
    assert "and more: 9 in all" in page
    assert "And 1 more, in the record" in page


async def test_a_session_is_asked_for_by_its_date(pages, upstream):
    """The page's address names the session; nothing else of it is passed on."""
    upstream.answers[PATH] = DOCUMENT
    await pages.get("/attestation?session=2026-11-17&evil=1")
    asked = [str(r.url) for r in upstream.requests if r.url.path == PATH]

    assert [True] == [u.endswith(f"{PATH}?session=2026-11-17") for u in asked]


async def test_what_was_told_is_shown_in_order_and_not_without_end(pages, upstream):
    """Six values of a source at most; that there are gaps, with the first reason."""
    spans = [
        {"since": f"2026-11-18T15:0{n}:00.000Z", "value": f"mode-{n}", "unobserved": ""}
        for n in range(9)
    ]
    matter = {
        **copy.deepcopy(ATTESTATION["matters"][0]),  # pyright: ignore[reportArgumentType,reportIndexIssue]
        "gaps": [{"unobserved": "TIMEOUT"}],
        "sources": [{"source": "/ops/status", "spans": spans[::-1]}],
    }
    upstream.answers[PATH] = attestation(matters=[matter])
    page = (await pages.get("/attestation")).text

    assert "mode-0, mode-1, mode-2, mode-3, mode-4, mode-5, …" in page
    assert "1 gaps, first: TIMEOUT" in page
