"""Posture, services, safety, session and events as documents."""

from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import orjson
import pytest

from mission_control.api.answers import SnapshotCache
from mission_control.documents.canonical_json import embed_answer, encode_json
from mission_control.floor.present.agents import agent_document, agents_document, reading_document
from mission_control.floor.present.events import event_document, events_document
from mission_control.floor.present.posture import fleet_document, posture_document
from mission_control.floor.present.safety import safety_document
from mission_control.model.event import EventType, FloorEvent
from mission_control.model.finding import Severity
from mission_control.model.fleet import Fleet, Kind, Owner, Slo, SloWindow
from mission_control.model.reading import Exchange, Seen, Unseen, UnseenReason
from mission_control.model.reload import RestartNeeded
from mission_control.model.session import MarketSession, Phase, TradingDay
from mission_control.schedule.present.sessions import session_document, trading_day_documents
from tests.floor.floor_of_values import (
    CLOSE_AT,
    FLEET,
    MARKETDATA,
    NOW,
    OPEN_AT,
    STRATEGY,
    FloorOfValues,
    session_at,
)

DOCUMENTS = [
    posture_document,
    agents_document,
    safety_document,
    partial(agent_document, agent_name="strategy-engine"),
]


@pytest.mark.parametrize("render", DOCUMENTS)
def test_equal_floors_give_equal_bytes(render):
    """Two floors decided from equal evidence give equal bytes."""
    first, second = (encode_json(render(FloorOfValues().decide())) for _ in range(2))

    assert first == second


@pytest.mark.parametrize("render", DOCUMENTS)
def test_a_label_is_there_only_when_there_is_one(render):
    """An answer of the demo has its label, added where it is encoded; no other answer has one."""
    snapshot = FloorOfValues().decide()

    plain, demo = (
        orjson.loads(SnapshotCache().document(s, "key", render).body)
        for s in (snapshot, replace(snapshot, label="DEMO"))
    )

    assert "label" not in plain
    assert "DEMO" == demo["label"]
    assert "label" not in render(replace(snapshot, label="DEMO"))


def test_lists_are_sorted():
    """Services come by name, gaps by subject, whatever order they were decided in."""
    floor = FloorOfValues(fleet=Fleet(tuple(reversed(FLEET.agents)), "0" * 64, "x"))
    floor.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT)
    floor.lose(MARKETDATA, "/healthz", UnseenReason.TIMEOUT)
    snapshot = floor.decide()

    names = [agent["agent_name"] for agent in agents_document(snapshot)["agents"]]
    gaps = [gap["subject"] for gap in posture_document(snapshot)["coverage"]["gaps"]]

    assert sorted(names) == names
    assert ["marketdata-mcp-server /healthz", "strategy-engine /ops/status"] == gaps


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("fleet.yaml", "fleet.yaml"),
        ("/home/x/fleet.yaml", "fleet.yaml"),
        ("C:\\x\\fleet.yaml", "fleet.yaml"),
        ("", ""),
    ],
)
def test_a_fleet_is_named_without_its_folder(source, shown):
    """Only the file's own name is told."""
    assert shown == fleet_document(replace(FLEET, source=source))["source"]


def test_a_posture_bears_the_fleets_digest():
    """A posture names the fleet file that it was decided by (R1.5)."""
    floor = FloorOfValues(fleet=replace(FLEET, digest="ab" * 32))

    assert "ab" * 32 == posture_document(floor.decide())["fleet"]["digest"]


def test_an_agent_in_full():
    """One service has its owner, its target, every reading and how old its evidence is."""
    agent = replace(
        STRATEGY,
        owner=Owner("ann", "bob"),
        slo=Slo(99.5, SloWindow.MARKET_HOURS),
        depends_on=("x",),
    )
    floor = FloorOfValues(fleet=replace(FLEET, agents=(agent, MARKETDATA)))
    snapshot = floor.decide(NOW + timedelta(seconds=2))
    document = agent_document(snapshot, "strategy-engine")

    assert document is not None
    detail = document["agent"]
    assert {"primary": "ann", "secondary": "bob"} == detail["owner"]
    assert {"target": 99.5, "window": "market_hours"} == detail["slo"]
    assert (["x"], 2.0) == (detail["depends_on"], detail["evidence_age_seconds"])
    assert ["/ops/status"] == [reading["path"] for reading in detail["readings"]]


def test_an_agent_that_was_never_asked():
    """A service that was never asked has no reading and no age; a stranger is not there."""
    floor = FloorOfValues()
    floor.answers = {}
    snapshot = floor.decide()
    document = agent_document(snapshot, "strategy-engine")

    assert document is not None
    assert [] == document["agent"]["readings"]
    assert document["agent"]["evidence_age_seconds"] is None
    assert (None, None) == (document["agent"]["last_poll_at"], document["agent"]["owner"])
    assert agent_document(snapshot, "unknown") is None


def test_why_a_reading_failed_needs_no_second_look():
    """A reading that was not obtained has its reason, status, timing, excerpt and fields."""
    reading = Unseen(
        UnseenReason.CONTRACT_INVALID,
        NOW,
        0.5,
        "not a valid rich answer",
        Exchange(200, (("dns", 0.1), ("connect", 0.2)), 0.3, "{..}"),
        problems=(("status.state", "is missing"),),
    )

    document = reading_document("/ops/status", reading)

    assert (False, "CONTRACT_INVALID", 200) == (
        document["seen"],
        document["outcome"],
        document["http_status"],
    )
    assert [("dns", 0.1), ("connect", 0.2)] == [
        (phase["name"], phase["seconds"]) for phase in document["phases"]
    ]
    assert (0.5, 0.3, "{..}") == (
        document["took_seconds"],
        document["date_skew_seconds"],
        document["excerpt"],
    )
    assert [{"field": "status.state", "problem": "is missing"}] == document["problems"]


def test_a_document_that_is_no_json_is_left_out():
    """An answer that cannot be read again is None, and breaks nothing."""
    assert embed_answer(b'{"a":1}') == {"a": 1}
    assert embed_answer(b'{"a":') is None


def test_a_safety_document_without_marketdata():
    """A floor without critical marketdata is never told to be all fresh."""
    floor = FloorOfValues(fleet=replace(FLEET, agents=(STRATEGY,)))

    marketdata = safety_document(floor.decide())["marketdata"]

    assert (False, []) == (marketdata["all_critical_fresh"], marketdata["agents"])


def test_execution_is_told_with_what_every_service_claims():
    """Every service of kind execution is listed, and every claim, broken answers included."""
    engine = replace(STRATEGY, agent_name="execution-engine", kind=Kind.EXECUTION)
    floor = FloorOfValues(fleet=replace(FLEET, agents=(engine, MARKETDATA, STRATEGY)))
    broken = {"safety": {"safe_to_execute_orders": True}, "agent_mode": "LIVE"}
    floor.answer(STRATEGY, "/ops/status", broken)

    document = safety_document(floor.decide())

    assert ["execution-engine"] == [s["agent_name"] for s in document["execution_services"]]
    assert not document["execution_services"][0]["expected"]
    claims = {(c["agent_name"], c["path"]): c for c in document["claims"]}
    assert {("marketdata-mcp-server", "/ops/status"), ("strategy-engine", "/ops/status")} == set(
        claims
    )
    claim = claims["strategy-engine", "/ops/status"]
    assert (None, True, "LIVE") == (
        claim["kill_switch"],
        claim["safe_to_execute_orders"],
        claim["agent_mode"],
    )


def test_a_session_has_both_times():
    """Every instant of a session is shown in UTC and in New York's time."""
    document = session_document(replace(session_at(NOW), next_phase=Phase.POST_MARKET))

    assert ("OPEN", True, "2026-11-18") == (
        document["phase"],
        document["gates"],
        document["session_date"],
    )
    assert ("2026-11-18T21:00:00.000Z", "2026-11-18 16:00:00 EST") == (
        document["next_boundary"],
        document["next_boundary_et"],
    )
    assert "POST_MARKET" == document["next_phase"]


def test_an_unknown_session_has_none():
    """A session that is not known gates, and has no instants."""
    document = session_document(MarketSession(NOW, Phase.UNKNOWN, note="past the horizon"))

    assert (True, "past the horizon") == (document["gates"], document["note"])
    assert (None, None, None) == (
        document["session_date"],
        document["open"],
        document["next_phase"],
    )


def test_sessions_to_come():
    """A session to come has its date, its hours in both times, and whether it ends early."""
    days = [TradingDay(date(2026, 11, 18), OPEN_AT, CLOSE_AT, early_close=True)]

    documents = trading_day_documents(days)

    assert ("2026-11-18", "2026-11-18 09:30:00 EST", True) == (
        documents[0]["session_date"],
        documents[0]["open_et"],
        documents[0]["early_close"],
    )


def test_an_event_speaks_the_old_words_too():
    """An event has our severity and the level that the predecessor's UI understands."""
    changed = FloorEvent(
        3, NOW, EventType.POSTURE_CHANGED, "OK -> HALTED", Severity.P0, data={"outcomes": 1}
    )

    document = event_document(changed)

    assert (3, "posture.changed", "P0", "critical") == (
        document["id"],
        document["type"],
        document["severity"],
        document["level"],
    )
    assert {"outcomes": 1} == document["data"]
    assert "outcomes" not in document


def test_a_poll_keeps_its_envelope():
    """A poll's outcomes are beside its own fields, and are there even when it has none."""
    poll = FloorEvent(4, NOW, EventType.POLL, "5 of 5", data={"outcomes": [1], "more": 2})

    assert ([1], {"more": 2}) == (
        event_document(poll).get("outcomes"),
        event_document(poll)["data"],
    )
    assert [] == event_document(replace(poll, data={})).get("outcomes")


def test_a_list_of_events_has_the_snapshots_instant():
    """The list has the snapshot's instant, also without any event."""
    document = events_document([], FloorOfValues().decide())

    assert {"ts": "2026-11-18T15:15:00.000Z", "events": []} == document


def test_keys_are_sorted():
    """Canonical JSON has its keys in order, however they were written."""
    assert b'{"a":{"c":1,"d":2},"b":3}' == encode_json({"b": 3, "a": {"d": 2, "c": 1}})


def test_a_seen_reading_shows_its_document():
    """A reading that was obtained shows its redacted document and its shape."""
    floor = FloorOfValues()
    reading = floor.answers["strategy-engine"]["/ops/status"]
    assert isinstance(reading, Seen)

    document = reading_document("/ops/status", reading)

    assert (True, "rich", orjson.loads(reading.value.document)) == (
        document["seen"],
        document["outcome"],
        document["document"],
    )


def test_a_reading_shows_who_answered():
    """The address that was asked is shown, and empty where no connection was had."""
    asked = Unseen(UnseenReason.TIMEOUT, NOW, exchange=Exchange(peer="10.0.0.7:8080"))

    documents = [reading_document("/x", r) for r in (asked, Unseen(UnseenReason.TIMEOUT, NOW))]

    assert ["10.0.0.7:8080", ""] == [d["peer"] for d in documents]


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        pytest.param("", "restart Mission Control to take it.", id="usable"),
        pytest.param(
            "fleet.yaml:3: no agents",
            "a restart would refuse it (fleet.yaml:3: no agents).",
            id="unusable",
        ),
    ],
)
def test_a_posture_says_that_a_restart_is_needed(trouble, words):
    """Since when, of which file, and what a restart makes of it; else nothing stands there."""
    decided = FloorOfValues().decide()
    restart = RestartNeeded(NOW, "fleet.yaml", "a" * 64, "b" * 64, trouble)
    told = posture_document(replace(decided, restart=restart))

    assert "restart_needed" not in posture_document(decided)
    assert "restart_needed" in told
    needed = told["restart_needed"]
    assert ("fleet.yaml", trouble) == (needed["file"], needed["trouble"])
    assert needed["sentence"].endswith(words)
    assert told | posture_document(decided) == told
