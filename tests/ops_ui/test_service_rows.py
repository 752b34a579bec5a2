"""The services: what is wrong first, who waits below its cause, what is expected quiet."""

from datetime import datetime

import pytest

from ops_ui.answers import Agents, Line, Posture
from ops_ui.mission_control_client import Failure, Missed
from ops_ui.service_rows import hour_strip, only, see_services
from ops_ui.wall import see_wall
from tests.ops_ui.conftest import AGENT, AT, POSTURE
from tests.ops_ui.test_pages import Page, see

MISSED = Missed(Failure.DOWN, "nothing answers")
WRONG = {
    "expected": False,
    "reasons": [{"code": "TIMEOUT", "severity": "P1", "detail": "no answer"}],
}
BLIND = {"expected": False, "waits_for": "cluster"}
LOST = {"code": "CONNECTION_REFUSED", "subject": "cluster", "severity": "P1",
        "sentence": "The cluster is not seen."}  # fmt: skip
P0 = {"code": "EXECUTION_EVIDENCE", "severity": "P0", "detail": "says so"}


def rows(*agents, **posture):
    """Return the rows of these services, each given by its name and what differs."""
    told = [AGENT | {"agent_name": name} | more for name, more in agents]
    seen = Posture.model_validate({**POSTURE, **posture})
    return see_services(Agents.model_validate({"agents": told}), MISSED, seen)


def test_who_waits_stands_below_its_cause():
    """A few as lines of their own, and no louder than that; the calm ones last."""
    found = rows(
        ("calm", {}),
        ("b-waits", WRONG | {"waits_for": "feed"}),
        ("feed", WRONG),
        ("a-other", WRONG | {"state": "OFFLINE"}),
    )

    assert ["feed", "b-waits", "a-other", "calm"] == [r.name for r in found]
    assert ["halted", "waits", "offline", "calm"] == [r.look for r in found]
    assert "waits for feed" == found[1].detail


def test_a_lost_cluster_is_one_line_with_those_who_wait_folded():
    """Its dependents are named; P0 stands above it; nothing is left out."""
    found = rows(
        *((f"s{n}", BLIND) for n in range(5)),
        ("engine", {"kind": "execution", "expected": False, "reasons": [P0]}),
        reasons=[LOST],
    )

    assert ["engine", "cluster"] == [r.name for r in found]
    assert ["s0", "s1", "s2", "s3", "s4"] == [d.name for d in found[1].dependents]
    assert ("NOT SEEN", "The cluster is not seen.", "") == (
        found[1].state, found[1].detail, found[1].href
    )  # fmt: skip
    assert ["engine", "cluster", "s0", "s1", "s2", "s3", "s4"] == [
        t.name for t in see_wall(found).tiles
    ]


@pytest.mark.anyio
async def test_the_page_names_who_waits(pages, upstream):
    """Folded, with a way to each, and counted as the services they are."""
    upstream.answers["/api/v1/posture"] |= {"reasons": [LOST], "posture": "HALTED"}
    upstream.answers["/api/v1/agents"]["agents"] = [
        AGENT | {"agent_name": f"s{n}"} | BLIND for n in range(4)
    ]
    page = await see(pages)

    assert "4 wait for cluster: s0, s1, s2, s3" in page.text
    assert "All 4" in page.text
    assert "Unexpected 4" in page.text
    links = {a["href"] for t, a in page.elements if t == "a"}
    assert {f"/service/s{n}" for n in range(4)} <= links
    assert "/service/cluster" not in links


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        ("KILL_SWITCH", "as expected: kill switch"),
        ("CONTRACT_NOT_OFFERED", "as expected: liveness only"),
        ("SOMETHING_ELSE", "as expected: something else"),
        ("", "as expected"),
    ],
)
def test_what_is_expected_is_quiet(code, detail):
    """Its reason is told as what it is, not as trouble."""
    reasons = [{"code": code, "severity": "INFO", "detail": "x"}] if code else []
    found = rows(("a", {"reasons": reasons, "reported_codes": []}))[0]

    assert ("calm", detail) == (found.look, found.detail)


def test_what_is_unexpected_tells_its_sentence():
    """Without its own name before it; an older server's detail serves."""
    told = {"code": "X", "sentence": "a: no whole answer in time. It hangs.", "detail": "y"}
    found = [
        rows(("a", {"expected": False, "reasons": reasons}))[0].detail
        for reasons in ([told], [{"code": "X", "detail": "y"}], [])
    ]

    assert ["No whole answer in time. It hangs.", "Y", "not as expected"] == found


@pytest.mark.parametrize(
    ("answer", "words"),
    [({"ops_status": {"latency_ms": 3}}, "3 ms"), ({"healthz": {"latency_ms": 2100}}, "2.1 s"),
     ({}, ""), ({"ops_status": "x"}, "")],
)  # fmt: skip
def test_how_long_an_answer_took(answer, words):
    """That of the status, else of health; nothing where nothing is told."""
    assert words == rows(("a", answer))[0].answer


def span(begin, end, state="OK", *, watched=True, expected=True, code=""):
    """Return a segment of a service."""
    return {
        "begin": f"2026-11-18T{begin}:13.000Z", "end": f"2026-11-18T{end}:13.000Z",
        "state": state, "watched": watched, "expected": expected, "reason_code": code,
    }  # fmt: skip


def test_the_last_hour_is_drawn_in_percent_with_its_gaps():
    """Cut to the hour; a gap is a gap, and an unknown state one too."""
    line = {
        "segments": [
            span("12:00", "13:00"),
            span("13:00", "14:30", "UNKNOWN", watched=False),
            span("14:30", "15:00", "HALTED"),
            span("15:00", "15:09", "OFFLINE", expected=False, code="EXECUTION_EVIDENCE"),
            span("15:09", "15:15", "SPLENDID", expected=False),
            span("15:20", "15:30"),
        ]
    }
    strip = hour_strip(Line.model_validate(line), datetime.fromisoformat(AT))

    assert [
        (0.0, 25.0, "c-unseen"),
        (25.0, 50.0, "c-halted calm"),
        (75.0, 15.0, "c-offline c-alarm"),
        (90.0, 10.0, "c-unseen"),
    ] == [(b.x, b.width, b.look) for b in strip.bars]
    assert "last 60 min: 65 % watched, 9 min unexpected" == strip.words
    assert "from 10:00 EST: OFFLINE, UNEXPECTED, EXECUTION_EVIDENCE" == strip.bars[2].words


def test_filters_leave_what_they_name():
    """Unexpected, critical, all."""
    found = rows(("a", {}), ("b", WRONG | {"criticality": "optional"}))

    assert [["b"], ["a"], ["b", "a"]] == [
        [r.name for r in only(found, show)] for show in ("unexpected", "critical", "odd")
    ]


@pytest.mark.parametrize(
    ("count", "size", "more"),
    [(1, "few", 0), (4, "few", 0), (9, "some", 0), (24, "many", 0), (40, "dense", 0),
     (60, "most", 0), (75, "most", 15)],
)  # fmt: skip
def test_the_walls_type_is_sized_by_the_count_of_services(count, size, more):
    """From one to sixty; the others are counted, and none of them is worse."""
    board = see_wall(rows(*((f"s{n:02}", {}) for n in range(count))))

    assert (size, more) == (board.size, board.more)
    assert len(board.tiles) == count - more


@pytest.mark.anyio
async def test_the_wall_tells_who_what_and_until_when(pages, upstream):
    """Verdict, duration, owner, boundary, oldest evidence, the day, and the worst tile first."""
    upstream.answers["/api/v1/posture"] |= {
        "posture": "HALTED", "expected": False, "reasons": [LOST],
        "root_cause": {"subject": "feed", "owners": ["Ops On-Call", "Marketdata Owner"]},
    }  # fmt: skip
    upstream.answers["/api/v1/agents"]["agents"] = [
        AGENT | {"agent_name": "calm"},
        AGENT | {"agent_name": "feed"} | WRONG,
    ]
    text = (await pages.get("/wall")).text
    page = Page(text)

    for words in (
        "for 5 min 13 s",
        "Ops On-Call → Marketdata Owner",
        "closes in 5 h 44 min",
        "Oldest evidence 4 s",
        "LIVE 0 s",
        "HALTED, UNEXPECTED",
    ):
        assert words in page.text
    assert {"ribbon", "row-halted", "row-calm", "wall-few"} <= page.classes()
    assert text.index("feed</strong>") < text.index("calm</strong>")
