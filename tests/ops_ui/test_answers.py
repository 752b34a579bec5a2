"""Answers: whatever is missing or of another kind is garbage by name, or is never green."""

import copy
import itertools

import pytest

from ops_ui.answers import Agents, Posture, Schedule
from ops_ui.mission_control_client import Failure, Missed, decode
from ops_ui.record_answers import Artifacts
from tests.ops_ui.conftest import AGENT, LEDGER, POSTURE, PROOF
from tests.ops_ui.test_attestation_page import DOCUMENT
from tests.ops_ui.test_lkg_pages import GOOD
from tests.ops_ui.test_replay_pages import CLEAN
from tests.ops_ui.test_report_pages import readiness
from tests.ops_ui.test_schedule_page import run, schedule

JUNK = [None, 7, "x", [], {}, [7], True, -1.5, "true", ["y"], [{}], 1e300]
PAGES = {
    "/": "/api/v1/posture",
    "/wall": "/api/v1/agents",
    "/service/marketdata-mcp-server": "/api/v1/agents/marketdata-mcp-server",
    "/events": "/api/v1/events",
    "/slo": "/api/v1/slo",
    "/schedule": "/api/v1/schedule",
    "/readiness": "/api/v1/readiness/latest",
    "/attestation": "/api/v1/attestation/no-execution",
    "/lkg": "/api/v1/lkg",
    "/artifacts": "/api/v1/artifacts",
    "/replays": "/api/v1/replays",
    "/replays/view/x": "/api/v1/replays/x",
    "/read-only": "/api/v1/attestation/read-only",
}
GREEN = ["verdict-ok", "verdict-closed", "badge-fine", "chip-fine", "run-fine", "● Proven",
         "answer-fine"]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        pytest.param({"posture": "FINE"}, "its posture is no known value", id="a new verdict"),
        pytest.param({"expected": "true"}, "its expected is not true or false", id="no boolean"),
        pytest.param({"reasons": None}, "its reasons is no list", id="null"),
        pytest.param({"at": 7, "session": []}, "its at is no text, its session is no object",
                     id="two"),
        pytest.param({"confirmed": None}, "its confirmed is not true or false", id="confirmed"),
    ],
)  # fmt: skip
def test_an_answer_without_what_a_verdict_needs_is_garbage(change, detail):
    """The fields are named, each with what is wrong with it."""
    assert Missed(Failure.GARBAGE, detail) == decode({**POSTURE, **change}, Posture)


def test_a_list_that_was_not_sent_is_garbage():
    """No service, run or planned run is an empty list; a list that is missing is not that."""
    for kind, name in ((Agents, "agents"), (Schedule, "runs"), (Artifacts, "runs")):
        assert Missed(Failure.GARBAGE, f"its {name} is missing") == decode({}, kind)


def test_what_cannot_be_read_is_missing_and_counts():
    """A field of another kind has no value; a service that is no object is still a service."""
    odd = {**AGENT, "expected": "true", "evidence_age_seconds": float("inf"), "new": {"field": 1}}
    answer = decode({"agents": [odd, 7]}, Agents)

    assert isinstance(answer, Agents)
    assert [(AGENT["agent_name"], None), ("", None)] == [
        (a.agent_name, a.expected) for a in answer.agents
    ]
    assert answer.agents[0].evidence_age_seconds is None


def places(value, at=()):
    """List where every value of a document is, at most two of a list."""
    inner = value.items() if isinstance(value, dict) else enumerate(value[:2])
    for key, held in inner:
        yield (*at, key)
        if isinstance(held, dict | list):
            yield from places(held, (*at, key))


@pytest.mark.anyio
@pytest.mark.parametrize("page", PAGES)
async def test_garbage_anywhere_is_a_page_and_never_greener(pages, upstream, page):
    """Any one value that is replaced or missing leaves a page that shows nothing better."""
    upstream.answers |= {
        "/api/v1/schedule": schedule(run("lkg_capture", outcome="SUCCEEDED", detail="GOOD")),
        "/api/v1/readiness/latest": readiness("GO", ""),
        "/api/v1/attestation/no-execution": DOCUMENT,
        "/api/v1/lkg": {"captures": [GOOD], "good": GOOD["path"], "good_doubts": []},
        "/api/v1/artifacts": LEDGER,
        "/api/v1/replays": {"replays": [CLEAN["listed"]], "next_cursor": None},
        "/api/v1/replays/x": {**CLEAN, "timeline": None, "groups": []},
        "/api/v1/attestation/read-only": PROOF,
    }
    path = PAGES[page]
    whole, junk = upstream.answers[path], itertools.cycle(JUNK)
    well = (await pages.get(page)).text
    for *above, last in places(whole):
        answer = copy.deepcopy(whole)
        held = answer
        for key in above:
            held = held[key]
        del held[last]
        if isinstance(held, dict) and (odd := next(junk)) != "x":
            held[last] = odd
        upstream.answers[path] = answer
        got = await pages.get(page)

        assert got.status_code in {200, 502}, (above, last)
        greener = [g for g in GREEN if got.text.count(g) > well.count(g)]
        assert [] == greener, (above, last)
