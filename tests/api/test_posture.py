"""Posture, safety, session and services as clients read them."""

from dataclasses import replace

import orjson
import pytest

from mission_control.contract.model.answer import read_answer
from mission_control.floor.decide.stall import mark_stalled
from mission_control.model.fleet import EndedAlarm
from mission_control.model.reading import Seen, UnseenReason
from tests.api.paper_floor import PaperControl, PaperFloor, healthy_snapshot
from tests.floor.floor_of_values import (
    INGEST,
    MARKETDATA,
    NOW,
    STRATEGY,
    FloorOfValues,
    changed,
    rich,
)

pytestmark = pytest.mark.anyio


def over(floor: FloorOfValues) -> PaperControl:
    """Return the API over a floor, decided."""
    return PaperControl(PaperFloor(floor.decide()))


async def test_a_posture_explains_itself():
    """A halted floor says why, about which service, how bad it is and where to read on."""
    floor = FloorOfValues()
    floor.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT)

    answer = (await over(floor).ask("/api/v1/posture")).json()

    assert ("HALTED", False, "P1") == (answer["posture"], answer["expected"], answer["severity"])
    lead = answer["reasons"][0]
    assert ("TIMEOUT", "strategy-engine", True) == (lead["code"], lead["subject"], lead["halts"])
    assert "/api/v1/runbooks/TIMEOUT" == lead["runbook_url"]
    assert answer["evidence_age_seconds"] is None
    assert "strategy-engine" == answer["oldest_evidence"]
    assert [{"subject": "strategy-engine /ops/status", "code": "TIMEOUT"}] == (
        answer["coverage"]["gaps"]
    )


async def test_an_alarm_is_told():
    """Latched alarms are in the posture and, as execution evidence, in safety."""
    floor = FloorOfValues()
    floor.say(STRATEGY, "safety.safe_to_execute_orders", value=True)
    control = over(floor)

    posture = (await control.ask("/api/v1/posture")).json()
    safety = (await control.ask("/api/v1/safety")).json()

    assert "P0" == posture["severity"]
    assert ["EXECUTION_EVIDENCE"] == [a["code"] for a in posture["accusations"]]
    assert ["safe_to_execute_orders"] == [a["fact"] for a in safety["execution_evidence"]]
    claims = {c["agent_name"]: c["safe_to_execute_orders"] for c in safety["claims"]}
    assert claims["strategy-engine"]


async def test_who_has_to_deny_a_p0_and_how_far_it_is_denied_is_told():
    """Each process that said it, by its address, with its denials in a row."""
    floor = FloorOfValues(peers={STRATEGY.agent_name: "10.0.0.7:8080"}, connects=True)
    floor.say(STRATEGY, "safety.safe_to_execute_orders", value=True)
    floor.decide()
    floor.deny_in_a_row(2)

    (told,) = (await over(floor).ask("/api/v1/posture")).json()["accusations"]

    assert [
        {
            "peer": "10.0.0.7:8080",
            "pods": [],
            "heard_at": "2026-11-18T15:15:00.000Z",
            "denials": 2,
            "denied_from": "2026-11-18T15:15:50.000Z",
        }
    ] == told["instances"]


@pytest.mark.parametrize("seen", [True, False])
async def test_an_alarm_that_a_human_ended_is_told(seen):
    """Which one, by which person and why, and whether it is still latched."""
    floor = FloorOfValues()
    floor.say(MARKETDATA, "marketdata.is_fresh", value=False)
    floor.decide()
    source = f"{MARKETDATA.agent_name} /ops/status"
    entry = EndedAlarm("MARKETDATA_STALE", MARKETDATA.agent_name, source, floor.now, "me", "gone")
    floor.fleet = replace(floor.fleet, ended_alarms=(entry,))
    if seen:
        floor.answer(MARKETDATA, "/ops/status", rich(INGEST, floor.now))
    floor.decide()

    (told,) = (await over(floor).ask("/api/v1/posture")).json()["ended_alarms"]

    assert {
        "code": "MARKETDATA_STALE",
        "subject": MARKETDATA.agent_name,
        "source": source,
        "since": "2026-11-18T15:15:00.000Z",
        "who": "me",
        "why": "gone",
        "stands": not seen,
    } == told


async def test_only_the_name_of_the_fleet_file_is_told():
    """The folder of the fleet file is not shown."""
    floor = FloorOfValues()
    floor.fleet = replace(floor.fleet, source="/home/operator/private/fleet.yaml")

    answer = await over(floor).ask("/api/v1/posture")

    assert "fleet.yaml" == answer.json()["fleet"]["source"]
    assert "private" not in answer.text


async def test_the_session_and_the_next_ones(control: PaperControl):
    """The session answer has the present phase and the sessions that are not over."""
    answer = (await control.ask("/api/v1/session")).json()

    assert "OPEN" == answer["session"]["phase"]
    assert "2026-11-18 16:00:00 EST" == answer["session"]["close_et"]
    assert ["2026-11-18"] == [day["session_date"] for day in answer["next_sessions"]]


async def test_one_service_shows_every_answer():
    """The drill-down has a reading per path, with timing and outcome, seen or not."""
    floor = FloorOfValues()
    floor.lose(MARKETDATA, "/healthz", UnseenReason.HTTP_STATUS, 503)

    answer = (await over(floor).ask("/api/v1/agents/marketdata-mcp-server")).json()

    readings = answer["agent"]["readings"]
    assert ["/healthz", "/ops/status"] == [r["path"] for r in readings]
    assert ["HTTP_503", "rich"] == [r["outcome"] for r in readings]
    assert "OFFLINE" == answer["agent"]["status"]
    assert "marketdata-mcp-server" == readings[1]["document"]["service_name"]


async def test_enormous_numbers_break_nothing():
    """A service that answers with a number beyond 64 bits cannot break our answers."""
    floor = FloorOfValues()
    document = changed(rich(STRATEGY, NOW), "heartbeat.ttl_seconds", 7)
    body = orjson.dumps(document).replace(b'"ttl_seconds":7', b'"ttl_seconds":' + b"9" * 30)
    answer = read_answer(body, orjson.loads(body), path="/ops/status", http_status=200, shown=body)
    floor.answers["strategy-engine"]["/ops/status"] = Seen(answer, NOW)
    control = over(floor)

    for path in ("/ops/status", "/api/v1/agents", "/api/v1/agents/strategy-engine"):
        assert 200 == (await control.ask(path)).status_code
    assert "9" * 30 in (await control.ask("/ops/status")).text


@pytest.mark.parametrize(
    "path", ["/api/v1/posture", "/api/v1/safety", "/api/v1/agents", "/ops/status"]
)
async def test_a_stall_leaves_nothing_good_standing(path):
    """Once nothing is decided any more, no answer says halted, fresh, online or OK."""
    floor = PaperFloor(mark_stalled(healthy_snapshot(), NOW, 8), stalled=True)

    text = (await PaperControl(floor).ask(path)).text

    for good in ('"execution_halted":true', '"all_critical_fresh":true', '"posture":"OK"'):
        assert good not in text
    for good in ('"online":true', '"status":"ONLINE"', '"safe_to_run_strategies":true'):
        assert good not in text


async def test_the_label_is_on_every_document():
    """What the demo shows is labelled, in the document and in the head, errors included."""
    floor = PaperFloor(healthy_snapshot(label="DEMO"))
    control = PaperControl(floor, label="DEMO")
    paths = [
        "/healthz",
        "/ops/status",
        "/api/v1/posture",
        "/api/v1/agents",
        "/api/v1/agents/strategy-engine",
        "/api/v1/safety",
        "/api/v1/session",
        "/api/v1/events/recent",
        "/api/v1/runbooks",
        "/api/v1/attestation/read-only",
        "/api/v1/agents/unknown",
        "/nowhere",
    ]

    answers = [await control.ask(path) for path in paths]

    assert ["DEMO"] * len(paths) == [a.json().get("label") for a in answers]
    assert ["DEMO"] * len(paths) == [a.headers["x-mission-control-label"] for a in answers]


async def test_a_real_floor_has_no_label(control: PaperControl):
    """Without a label nothing pretends to have one."""
    answer = await control.ask("/api/v1/posture")

    assert "label" not in answer.json()
    assert "x-mission-control-label" not in answer.headers


async def test_a_first_silence_is_marked_as_not_confirmed():
    """Posture and services tell what is to be asked again, down to the reading."""
    floor = FloorOfValues()
    floor.ask()
    well = (await over(floor).ask("/api/v1/posture")).json()
    floor.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT)
    floor.ask()
    control = over(floor)
    posture = (await control.ask("/api/v1/posture")).json()
    agents = (await control.ask("/api/v1/agents")).json()["agents"]
    detail = (await control.ask("/api/v1/agents/strategy-engine")).json()["agent"]

    assert (True, False) == (well["confirmed"], posture["confirmed"])
    assert [("TIMEOUT", False)] == [(r["code"], r["confirmed"]) for r in posture["reasons"]]
    told = {a["agent_name"]: [r["confirmed"] for r in a["reasons"]] for a in agents}
    assert ([True], [False]) == (told["gamma-strategy"], told["strategy-engine"])
    assert [("/ops/status", False)] == [(r["path"], r["confirmed"]) for r in detail["readings"]]


async def test_what_the_fleet_needs_of_safety_goes_with_every_answer(control: PaperControl):
    """Each answer's head says it in a line; posture and safety say it whole."""
    paths = ["/healthz", "/api/v1/posture", "/api/v1/safety", "/api/v1/agents/unknown", "/nowhere"]
    answers = [await control.ask(path) for path in paths]
    posture, safety = answers[1].json(), answers[2].json()

    assert {"kill switch required"} == {a.headers["x-mission-control-safety"] for a in answers}
    assert posture["safety"] == safety["needs"]
    assert (True, "ENGAGED", "forbidden", True) == (
        posture["safety"]["kill_switch_required"],
        posture["safety"]["kill_switch_normal"],
        posture["safety"]["execution"],
        posture["safety"]["freshness_required"],
    )
    assert ("OK", True) == (posture["reads"], posture["safety"]["judged"])
