"""The frame of every page: the ways with what is wrong there, the clock, and whether it lives."""

import httpx
import pytest

from ops_ui.alert_answers import Alerts
from ops_ui.answers import Agents, Posture, Schedule
from ops_ui.frame import LIVE_SECONDS, Present, lost_frame, past_frame, see_frame
from ops_ui.mission_control_client import Failure, Missed
from ops_ui.record_answers import Readiness
from tests.ops_ui.conftest import AGENT, AT, POSTURE
from tests.ops_ui.test_pages import PAGES_OF_NOW, see
from tests.ops_ui.test_schedule_page import run, schedule

pytestmark = pytest.mark.anyio
MISSED = Missed(Failure.DOWN, "nothing answers at its address")
CALM = {"runs_here": True, "stalled": False, "detail": ""}
FRAMED = [path for path in PAGES_OF_NOW if path != "/wall"]


def present(**told):
    """Return a present in which nothing is wrong but what is told."""
    answers = {
        "posture": Posture.model_validate(POSTURE),
        "agents": Agents.model_validate({"agents": [AGENT]}),
        "readiness": Readiness.model_validate({"verdict": "GO"}),
        "schedule": Schedule.model_validate(schedule(run("lkg_capture", "PLANNED"))),
        "alerts": Alerts.model_validate({"alerts": [], "current": True}),
        "now": AT,
    }
    return Present(**(answers | told))


def counts(**told):
    """Return what is wrong by page, and whether it is bad."""
    return {
        way.href: (way.count, way.bad) for way in see_frame(present(**told), "").ways if way.count
    }


def test_a_frame_counts_nothing_where_nothing_is_wrong():
    """A calm fleet has one word in its navigation: GO."""
    assert {"/readiness": ("GO", False)} == counts()


WRONG = {
    "services, also those that say nothing": (
        "agents", {"agents": [AGENT, {}, AGENT | {"expected": None}]}, "/", ("2", True)
    ),
    "services not read": ("agents", None, "/", ("?", True)),
    "no verdict": ("readiness", {}, "/readiness", ("NO-GO", True)),
    "no session": (
        "readiness", {"verdict": "NO-GO", "code": "SESSION_CLOSED"}, "/readiness", ("NO-GO", False)
    ),
    "verdict not read": ("readiness", None, "/readiness", ("?", True)),
    "plan not read": ("schedule", None, "/schedule", ("?", True)),
    "runs not as planned": (
        "schedule",
        schedule(run("lkg_capture", outcome="MISSED"), run("x", "?"), run("y", "PLANNED")),
        "/schedule",
        ("2", True),
    ),
    "whether it is stalled is not said": (
        "schedule", schedule(scheduler={"runs_here": True}), "/schedule", ("stalled", True)
    ),
    "alerts that page": (
        "alerts", {"current": True, "alerts": [{"pages": True}, {}, {"state": "PENDING"}]},
        "/alerts", ("2", True),
    ),
    "alerts that do not page": (
        "alerts", {"current": True, "alerts": [{"state": "FIRING", "withheld": "waived"}]},
        "/alerts", ("1", False),
    ),
    "alerts that are not decided any more": (
        "alerts", {"current": False, "alerts": []}, "/alerts", ("?", True)
    ),
    "alerts not read": ("alerts", None, "/alerts", ("?", True)),
    "runs begun elsewhere are no trouble": (
        "schedule", schedule(scheduler=CALM | {"runs_here": False}), "/schedule", None
    ),
}  # fmt: skip
KINDS = {"agents": Agents, "alerts": Alerts, "readiness": Readiness, "schedule": Schedule}


@pytest.mark.parametrize(("what", "document", "href", "count"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_counted_where_it_is(what, document, href, count):
    """Each way counts what is wrong there; what is not known is `?`, and never nothing."""
    told = MISSED if document is None else KINDS[what].model_validate(document)

    assert count == counts(**{what: told}).get(href)


@pytest.mark.parametrize(
    ("at", "now", "live"),
    [
        pytest.param("2026-11-18T15:15:11.000Z", AT, True, id="just decided"),
        pytest.param("2026-11-18T15:14:46.900Z", AT, False, id="two refreshes ago"),
        pytest.param("2026-11-18T15:15:39.100Z", AT, False, id="decided in the future"),
        pytest.param(AT, "", False, id="its clock not said"),
        pytest.param("soon", AT, False, id="no instant"),
    ],
)
def test_a_page_is_live_only_while_its_decision_is_young(at, now, live):
    """LIVE needs an age, and a small one (26 s)."""
    frame = see_frame(present(posture=Posture.model_validate({**POSTURE, "at": at}), now=now), "")

    assert (live, live) == (frame.live, frame.why == "")
    assert 26 == LIVE_SECONDS


def test_frames_of_what_is_lost_and_of_the_past_are_not_live():
    """Neither counts what is wrong now; both say what they are."""
    lost, past = lost_frame("no answer", AT, "DEMO"), past_frame(AT, "", "DEMO")

    assert (False, False) == (lost.live, past.live)
    assert ("no answer", ("DEMO",)) == (lost.why, lost.marks)
    assert ("DEMO", "AS OF Wed 18 Nov 10:15:13 EST") == past.marks
    assert [] == [way.count for frame in (lost, past) for way in frame.ways if way.count]


def test_the_fleet_is_named_by_its_file():
    """`agenttrader.yaml` with 9 services is `agenttrader`, `9 services`."""
    told = {**POSTURE, "fleet": {"digest": "", "source": "agenttrader.yaml", "agents": 9}}
    frame = see_frame(present(posture=Posture.model_validate(told)), "DEMO")

    assert ("agenttrader", "9 services", "DEMO") == (frame.fleet, frame.services, frame.label)


@pytest.mark.parametrize("path", FRAMED)
async def test_every_page_has_the_frame(pages, upstream, path):
    """On every page: DEMO, the clock in both zones, whether it lives, READ-ONLY with its proof."""
    upstream.label = "DEMO"
    page = await see(pages, path)

    for words in ("10:15:13", "15:15:13Z", "LIVE 0 s", "READ-ONLY", "DEMO"):
        assert words in page.text
    assert "pill-reads" in page.classes()
    assert {"banner": 1} == {
        "banner": sum("bar" == a.get("class") for t, a in page.elements if t == "header")
    }


@pytest.mark.parametrize("path", FRAMED)
async def test_without_mission_control_no_page_is_called_live(pages, upstream, path):
    """What cannot be asked is NOT LIVE in the frame too, and says why."""
    for asked in upstream.answers:
        upstream.answers[asked] = httpx.ConnectError("refused")
    page = await see(pages, path)

    assert "NOT LIVE : nothing answers at its address" in page.text
    assert "pill-live" not in page.classes()


async def test_a_page_of_the_past_says_so_in_the_frame(pages, upstream):
    """AS OF stands where LIVE would, with the way back; what is wrong now is not counted."""
    upstream.answers["/api/v1/posture"]["label"] = "AS OF 2026-11-18 10:15:13 EST"
    page = await see(pages, f"/?at={AT}")

    assert "AS OF 2026-11-18 10:15:13 EST 15:15:13 UTC Show now" in page.text
    assert set() == page.classes() & {"pill-live", "bad"}


async def test_where_one_is_is_marked(pages):
    """The way that leads here is the current one, and only that."""
    page = await see(pages, "/service/marketdata-mcp-server")

    assert [("/", "true")] == [
        (a["href"], a["aria-current"]) for _, a in page.elements if "aria-current" in a
    ]


@pytest.mark.parametrize("path", PAGES_OF_NOW)
async def test_every_page_says_that_a_restart_is_needed(pages, upstream, path):
    """R13.3: what changed in the fleet file is not in force, on every page of the present."""
    sentence = "fleet.yaml changed and is not in force: restart Mission Control to take it."
    upstream.answers["/api/v1/posture"]["restart_needed"] = {"sentence": sentence}

    assert f"RESTART NEEDED {sentence}" in (await see(pages, path)).text


async def test_a_page_says_nothing_of_a_restart_that_is_not_needed(pages):
    """A server without such a change, or an older one, tells of none."""
    assert "RESTART NEEDED" not in (await see(pages)).text
