"""The page of floors: the worst first, and nothing that is not known looks well."""

import httpx
import pytest

from ops_ui.floors import Floors, see_floors
from tests.ops_ui.conftest import AT
from tests.ops_ui.test_pages import see

pytestmark = pytest.mark.anyio
API = "/api/v1/floors"
CALM = {
    "name": "east",
    "link": "https://pages.east.example",
    "state": "OK",
    "expected": True,
    "severity": None,
    "since": AT,
    "lasts_seconds": 65.0,
    "evidence_age_seconds": 4.2,
    "reason": {"code": "", "sentence": "Every service is as expected."},
    "replica": "east-a",
    "services": 100,
    "reasons": 0,
    "heard_at": AT,
    "last_said": None,
}
HALTED = {
    **CALM,
    "name": "west",
    "link": None,
    "state": "HALTED",
    "expected": False,
    "severity": "P0",
    "reasons": 3,
    "reason": {"code": "EXECUTION_EVIDENCE", "sentence": "Execution may be running."},
}
SILENT = {
    **CALM,
    "name": "north",
    "state": "UNKNOWN",
    "expected": False,
    "evidence_age_seconds": None,
    "reason": {"code": "TIMEOUT", "sentence": "It gave no usable answer."},
    "last_said": {"posture": "HALTED", "severity": "P1", "since": AT},
}


def told(*floors):
    """Return the answer that lists these floors."""
    return {"ts": AT, "total": len(floors), "counts": {}, "floors": list(floors), "label": ""}


async def test_floors_stand_with_posture_reason_since_and_link(pages, upstream):
    """What leads, since when, how old its evidence is, and where its own pages are (R17.1)."""
    upstream.answers[API] = told(HALTED, SILENT, CALM)
    page = await see(pages, "/floors")

    for words in (
        "2 of 3 need a look; the worst: west HALTED",
        "Execution may be running.",
        "UNEXPECTED for 1 min 5 s, since 10:15:13 ET",
        "2 more reasons",
        "replica east-a",
        "Last said HALTED P1",
        "OK 1 min 5 s, evidence 4 s",
    ):
        assert words in page.text
    assert "https://pages.east.example" in [a.get("href") for t, a in page.elements if t == "a"]
    assert "floor-p0" in page.classes()
    assert "badge-fine" not in page.classes()


async def test_floors_that_are_all_as_expected_are_said_to_be(pages, upstream):
    """Only then is the page green (R17.5)."""
    upstream.answers[API] = told(CALM, {**CALM, "name": "south", "state": "MARKET_CLOSED"})
    page = await see(pages, "/floors")

    assert "All 2 are as expected" in page.text
    assert "badge-fine" in page.classes()


async def test_no_floors_are_no_green(pages, upstream):
    """Where none is listed the page says so, and not that all is well (R17.5)."""
    upstream.answers[API] = told()
    page = await see(pages, "/floors")

    assert "No other floor is listed" in page.text
    assert "badge-fine" not in page.classes()


ODD = {
    "no state": {"state": None},
    "a state that is none": {"state": "FINE"},
    "not said to be expected": {"expected": None},
    "expected in words": {"expected": "yes"},
    "evidence of no age": {"evidence_age_seconds": None},
    "unknown, and called expected": {"state": "UNKNOWN"},
    "halted, and called expected": {"state": "HALTED"},
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_what_is_odd_never_looks_well(odd):
    """A floor looks well only where everything says so (R17.2)."""
    view = see_floors(Floors.model_validate(told({**CALM, **odd})))

    assert (view.look, len(view.wrong), view.well) == ("bad", 1, ())


def test_an_entry_that_cannot_be_read_counts_as_unknown():
    """It is not left out (R17.2)."""
    view = see_floors(Floors.model_validate(told(CALM, "rubbish")))

    assert [(row.state, row.look) for row in view.wrong] == [("UNKNOWN", "unknown")]
    assert view.word == "1 of 2 need a look; the worst: ? UNKNOWN"


@pytest.mark.parametrize("answer", [httpx.Response(404), httpx.Response(503), {"ts": AT}])
async def test_floors_that_cannot_be_read_are_said_so(pages, upstream, answer):
    """The page says UNKNOWN, and shows nothing as well (R17.2)."""
    upstream.answers[API] = answer
    page = await see(pages, "/floors")

    assert "UNKNOWN" in page.text
    assert "As expected" not in page.text


async def test_what_others_wrote_is_escaped_and_their_links_are_links_alone(pages, upstream):
    """A sentence is text; an address that is no address of the web is no link (R17.6)."""
    evil = "<script>alert(1)</script>"
    hostile = {**HALTED, "name": evil, "link": "javascript:alert(1)", "replica": evil}
    upstream.answers[API] = told({**hostile, "reason": {"code": evil, "sentence": evil}})
    page = await see(pages, "/floors")

    assert evil in page.text
    assert [] == [a for t, a in page.elements if t == "script" and not a.get("src")]
    links = [a.get("href", "") for t, a in page.elements if t == "a"]
    assert not any(link.startswith("javascript") for link in links)
