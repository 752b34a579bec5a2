"""The predecessor's fields, row by row."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mission_control.contract.model.answer import Answer, Shape
from mission_control.contract.model.shapes import Liveness
from mission_control.floor.decide.evidence import MAX_AGE_SECONDS
from mission_control.floor.decide.stall import mark_stalled
from mission_control.floor.present.predecessor import (
    EXPIRES_AFTER_SECONDS,
    aggregate_agents,
    endpoint_result,
    last_poll_cycle_at,
    online_status,
    poll_outcomes,
)
from mission_control.kill_switch.present import halted_document
from mission_control.model.kill_switch import KillSwitch, KillSwitchState, SourceKind, SwitchSource
from mission_control.model.reading import Exchange, Seen, Unseen, UnseenReason
from tests.floor.floor_of_values import MARKETDATA, NOW, STRATEGY, FloorOfValues, rich


def live(http_status: int = 200) -> Seen[Answer]:
    """Return a liveness answer."""
    return Seen(Answer(Shape.LIVENESS, http_status, Liveness(status="ok")), NOW, 0.0034)


@pytest.mark.parametrize(
    ("reading", "result"),
    [
        pytest.param(None, (False, None, None, "NOT_ASKED"), id="not asked"),
        pytest.param(live(), (True, 200, 3, None), id="seen"),
        pytest.param(live(503), (False, 503, 3, "HTTP_503"), id="refused, with a document"),
        pytest.param(
            Unseen(UnseenReason.TIMEOUT, NOW, 3.0), (False, None, 3000, "TIMEOUT"), id="timeout"
        ),
        pytest.param(
            Unseen(UnseenReason.CONTRACT_INVALID, NOW, 0.01, exchange=Exchange(200)),
            (False, 200, 10, "CONTRACT_INVALID"),
            id="200, but broken",
        ),
        pytest.param(
            Unseen(UnseenReason.HTTP_STATUS, NOW, 0.01, exchange=Exchange(500)),
            (False, 500, 10, "HTTP_500"),
            id="500",
        ),
    ],
)
def test_how_an_endpoint_answered(reading, result):
    """An endpoint is ok only for a 2xx that could be read; else it says why not."""
    keys = ("ok", "status_code", "latency_ms", "error")

    assert dict(zip(keys, result, strict=True)) == endpoint_result(reading)


def test_an_answer_keeps_as_long_as_a_decision_lets_it():
    """An answer says ONLINE exactly as long as a decision may use it."""
    assert MAX_AGE_SECONDS == EXPIRES_AFTER_SECONDS


@pytest.mark.parametrize(
    ("reading", "later", "status"),
    [
        pytest.param(live(), 0, "ONLINE", id="answers"),
        pytest.param(live(), 45, "ONLINE", id="answered 45 s ago"),
        pytest.param(live(), 46, "UNKNOWN", id="answered 46 s ago"),
        pytest.param(live(503), 0, "OFFLINE", id="refuses"),
        pytest.param(Unseen(UnseenReason.TIMEOUT, NOW), 0, "OFFLINE", id="silent"),
        pytest.param(Unseen(UnseenReason.TIMEOUT, NOW), 60, "UNKNOWN", id="silent a minute ago"),
        pytest.param(
            Unseen(UnseenReason.NOT_OFFERED, NOW, exchange=Exchange(404)),
            200,
            "OFFLINE",
            id="not offered",
        ),
        pytest.param(None, 0, "UNKNOWN", id="never asked"),
    ],
)
def test_online_is_told_by_healthz_alone(reading, later, status):
    """ONLINE, OFFLINE and UNKNOWN come from `/healthz` alone, and do not outlive it."""
    floor = FloorOfValues()
    floor.answers["strategy-engine"].pop("/healthz", None)
    if reading is not None:
        floor.answers["strategy-engine"]["/healthz"] = reading
    snapshot = floor.decide(NOW + timedelta(seconds=later))
    report = snapshot.service("strategy-engine")

    assert report is not None
    assert status == online_status(report, snapshot)


def test_before_the_first_round_no_service_is_online():
    """Before anything was asked, every service is UNKNOWN and no cycle has ended."""
    floor = FloorOfValues()
    floor.answers = {}
    snapshot = floor.decide()

    assert {False} == {outcome["online"] for outcome in poll_outcomes(snapshot)}
    assert {"NOT_ASKED"} == {outcome["healthz"]["error"] for outcome in poll_outcomes(snapshot)}
    assert last_poll_cycle_at(snapshot) is None


def test_the_heartbeat_belongs_to_marketdata():
    """A heartbeat is told for marketdata where it was asked, and for nothing else."""
    floor = FloorOfValues()
    for name in ("marketdata-mcp-server", "strategy-engine"):
        floor.answers[name]["/heartbeat"] = live()

    heartbeats = {o["agent_name"]: o["heartbeat"] for o in poll_outcomes(floor.decide())}

    assert heartbeats["marketdata-mcp-server"] is not None
    assert heartbeats["strategy-engine"] is None


def test_the_aggregate_tells_what_was_valid_and_what_was_said():
    """A valid contract is shown as one, a broken one is not; both show what we judge."""
    floor = FloorOfValues()
    document = rich(STRATEGY, NOW)
    del document["safety"]
    floor.answer(STRATEGY, "/ops/status", document)
    agents = {a["agent_name"]: a for a in aggregate_agents(floor.decide())}

    broken, valid = agents["strategy-engine"], agents["marketdata-mcp-server"]

    assert broken["ops_status"] is None
    assert broken["raw_ops_status_redacted"] is None
    assert ("UNKNOWN", None) == (broken["ops"]["state"], broken["ops"]["last_updated_utc"])
    assert "CONTRACT_INVALID" in broken["ops"]["reason_codes"]
    assert ("HALTED", ["KILL_SWITCH"]) == (valid["ops"]["state"], valid["ops"]["reason_codes"])
    assert "2026-11-18T15:15:00Z" == valid["ops"]["last_updated_utc"]
    assert rich(MARKETDATA, NOW) == valid["raw_ops_status_redacted"]
    assert agents["gamma-strategy"]["ops_status"] is None


def test_freshness_is_ours_and_only_for_marketdata():
    """Marketdata's freshness has the age that we computed; no tick has neither age nor time."""
    floor = FloorOfValues()
    fresh = {a["agent_name"]: a["marketdata_freshness"] for a in aggregate_agents(floor.decide())}
    floor.answer(MARKETDATA, "/ops/status", rich(MARKETDATA, NOW, tick_age=None))
    missing = {a["agent_name"]: a["marketdata_freshness"] for a in aggregate_agents(floor.decide())}

    assert fresh["strategy-engine"] is None
    feed = fresh["marketdata-mcp-server"]
    assert feed is not None
    assert (True, 3.0, 120.0) == (feed["ok"], feed["age_seconds"], feed["max_age_seconds"])
    assert (NOW - timedelta(seconds=3)).timestamp() == feed["last_tick_epoch_seconds"]
    none = missing["marketdata-mcp-server"]
    assert none is not None
    assert (False, None) == (none["ok"], none["last_tick_epoch_seconds"])


def switch_source(kind: SourceKind, state: KillSwitchState, source: str = "x") -> SwitchSource:
    """Return a switch source."""
    return SwitchSource(kind, source, state, NOW, confirms=kind is SourceKind.FILE)


ON, OFF, UNCLEAR = KillSwitchState.ENGAGED, KillSwitchState.DISENGAGED, KillSwitchState.UNKNOWN
FILE, ENVIRONMENT, SERVICE = SourceKind.FILE, SourceKind.ENVIRONMENT, SourceKind.SERVICE


@pytest.mark.parametrize(
    ("state", "confirmed", "sources", "source"),
    [
        pytest.param(
            ON, True, [(ENVIRONMENT, ON), (FILE, ON, "/etc/x")], "file:/etc/x", id="by the file"
        ),
        pytest.param(ON, False, [(ENVIRONMENT, ON)], None, id="only the environment"),
        pytest.param(
            OFF,
            False,
            [(FILE, ON), (SERVICE, OFF, "gamma /ops/status")],
            "service:gamma /ops/status",
            id="a service says off",
        ),
        pytest.param(UNCLEAR, False, [(FILE, UNCLEAR)], None, id="unclear"),
        pytest.param(UNCLEAR, False, [], None, id="no source"),
    ],
)
def test_halted_is_told_only_when_confirmed(state, confirmed, sources, source):
    """Execution is told to be halted only when a source that can confirms it."""
    told = tuple(switch_source(*each) for each in sources)
    switch = KillSwitch(state, confirmed, len({w.state for w in told}) > 1, told)
    snapshot = replace(FloorOfValues().decide(), kill_switch=switch)

    assert {"execution_halted": confirmed, "source": source} == halted_document(snapshot)


def test_a_stall_ends_what_was_good():
    """What was online, fresh and halted is so no longer once nothing is decided."""
    snapshot = mark_stalled(FloorOfValues().decide(), NOW, 2)

    assert {False} == {agent["online"] for agent in aggregate_agents(snapshot)}
    feeds = [agent["marketdata_freshness"] for agent in aggregate_agents(snapshot)]
    assert [False] == [feed["ok"] for feed in feeds if feed]
    assert not halted_document(snapshot)["execution_halted"]
