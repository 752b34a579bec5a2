"""Our own health, our own contract and our metrics."""

from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_open_metrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_prometheus

from mission_control.conformance.decide.conformance import judge_conformance
from mission_control.contract.model.answer import Shape, read_answer
from mission_control.contract.model.shapes import RichStatus, ServiceState
from mission_control.floor.decide.stall import mark_stalled
from mission_control.floor.model import Verdict
from mission_control.model.fleet import Kind
from mission_control.model.kill_switch import KillSwitchState
from mission_control.model.reading import UnseenReason
from tests.api.paper_floor import PaperControl, PaperFloor, event, healthy_snapshot
from tests.floor.floor_of_values import EVENING, NOW, STRATEGY, FloorOfValues, reading

pytestmark = pytest.mark.anyio


async def own_status(control: PaperControl) -> RichStatus:
    """Read our own status as another Mission Control would."""
    answer = await control.ask("/ops/status")
    read = read_answer(
        answer.content, answer.json(), path="/ops/status", http_status=200, shown=b"{}"
    )
    assert Shape.RICH is read.shape
    assert isinstance(read.status, RichStatus)
    return read.status


@pytest.mark.parametrize("now", [NOW, EVENING], ids=["open", "closed"])
async def test_we_are_ok_day_and_night(now):
    """Our own state is OK whatever the market does, and never allows an order."""
    floor = FloorOfValues()
    floor.refresh(now)

    status = await own_status(PaperControl(PaperFloor(floor.decide())))

    assert ServiceState.OK is status.status.state
    assert () == status.status.reason_codes
    assert status.safety.kill_switch
    assert not status.safety.safe_to_execute_orders
    assert status.marketdata is None


async def test_a_stall_degrades_us():
    """When nothing is decided any more we are DEGRADED, and nothing is safe."""
    floor = PaperFloor(mark_stalled(healthy_snapshot(), NOW, 8), stalled=True)

    status = await own_status(PaperControl(floor))

    assert ServiceState.DEGRADED is status.status.state
    assert ("POLL_LOOP_STALLED",) == status.status.reason_codes
    assert not status.safety.kill_switch
    assert not status.safety.safe_to_run_strategies
    assert 4.0 == status.heartbeat.age_seconds


@pytest.mark.parametrize("switch", ["0", "2", None], ids=["off", "unclear", "unread"])
async def test_an_unconfirmed_switch_is_not_engaged(switch):
    """Anything but a confirmed switch is false, in the contract and in the aggregate."""
    control = PaperControl(PaperFloor(FloorOfValues(switch=switch).decide()))

    status = await own_status(control)
    aggregate = (await control.ask("/ops/status")).json()

    assert not status.safety.kill_switch
    assert not aggregate["kill_switch"]["execution_halted"]
    assert "KILL_SWITCH" not in status.safety.gating_reasons


async def test_what_gates_is_named():
    """The switch, the closed market and every reason that halts are named as gates."""
    floor = FloorOfValues()
    good = await own_status(PaperControl(PaperFloor(floor.decide())))
    floor.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT)
    bad = await own_status(PaperControl(PaperFloor(floor.decide())))
    closed = FloorOfValues()
    closed.refresh(EVENING)
    night = await own_status(PaperControl(PaperFloor(closed.decide())))

    assert ("KILL_SWITCH",) == good.safety.gating_reasons
    assert ("KILL_SWITCH", "TIMEOUT") == bad.safety.gating_reasons
    assert ("KILL_SWITCH", "MARKET_CLOSED") == night.safety.gating_reasons


async def test_we_keep_the_contract_that_we_judge_by(control: PaperControl):
    """Our own answers, judged as any service's, break no rule of the contract."""
    answers = {path: await control.ask(path) for path in ("/ops/status", "/healthz")}
    readings = {path: reading(path, a.json(), NOW) for path, a in answers.items()}

    report = judge_conformance(readings, NOW, Kind.OPS)

    assert () == report.violations


async def test_our_status_bears_the_time_of_the_answer(control: PaperControl):
    """`last_updated_utc` is the time of the answer, so that we are not taken for frozen."""
    first = await own_status(control)
    control.clock.now += timedelta(minutes=2)
    second = await own_status(control)

    updated = second.status.last_updated_utc - first.status.last_updated_utc
    assert timedelta(minutes=2) == updated


async def test_the_fleet_is_summed_up(control: PaperControl):
    """Beside the contract are the fleet, the posture and how often we poll."""
    fleet = (await control.ask("/ops/status")).json()["fleet"]

    assert ("OK", 4, 10.0) == (fleet["posture"], fleet["agents"], fleet["poll_interval_seconds"])


@pytest.mark.parametrize("path", ["/healthz", "/health", "/ops/health"])
async def test_health_refuses_when_nothing_is_decided(path):
    """Once the deciding loop has stalled, health is a 503 that says why; `/livez` is not."""
    control = PaperControl(PaperFloor(stalled=True))

    answer = await control.ask(path)

    assert (503, "poll_loop_stalled") == (answer.status_code, answer.json()["code"])
    assert "has not beaten for 4.0 s" in answer.json()["detail"]
    assert 200 == (await control.ask("/livez")).status_code


def values(text: str) -> dict[tuple[str, ...], float]:
    """Read Prometheus text as values by name and labels."""
    return {
        (s.name, *(v for _, v in sorted(s.labels.items()))): s.value
        for family in parse_prometheus(text)
        for s in family.samples
    }


async def test_metrics_tell_the_floor():
    """Posture, switch, session and every service are one-hot, and ages are numbers."""
    floor = FloorOfValues()
    floor.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT)
    control = PaperControl(PaperFloor(floor.decide(), [event(41), event(42)]))

    found = values((await control.ask("/metrics")).text)

    assert 1.0 == found["mission_control_posture", "HALTED"]
    assert 0.0 == found["mission_control_posture", "OK"]
    assert 1.0 == sum(found["mission_control_posture", v.value] for v in Verdict)
    assert 1.0 == sum(found["mission_control_kill_switch", s.value] for s in KillSwitchState)
    assert 1.0 == sum(
        found["mission_control_agent_state", "strategy-engine", s.value] for s in ServiceState
    )
    assert float("inf") == found["mission_control_evidence_age_seconds",]
    assert float("inf") == found["mission_control_agent_evidence_age_seconds", "strategy-engine"]
    assert 0.0 == found["mission_control_agent_evidence_age_seconds", "gamma-strategy"]
    assert 0.25 == found["mission_control_beat_age_seconds",]
    assert 42.0 == found["mission_control_events_total",]


async def test_the_same_as_open_metrics(control: PaperControl):
    """A scraper that asks for OpenMetrics gets the same numbers, ended as it expects."""
    accept = {"accept": "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.1"}

    answer = await control.ask("/metrics", headers=accept)

    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")
    names = {family.name for family in parse_open_metrics(answer.text)}
    assert {"mission_control_posture", "mission_control_events"} <= names


@pytest.mark.parametrize("accept", ["text/plain;version=x", "application/json", "*/*", ";;,"])
async def test_any_other_wish_gets_prometheus_text(control: PaperControl, accept):
    """Whatever else a scraper asks for, it gets Prometheus text 0.0.4."""
    answer = await control.ask("/metrics", headers={"accept": accept})

    assert "text/plain; version=0.0.4; charset=utf-8" == answer.headers["content-type"]


async def test_the_number_of_series_does_not_depend_on_what_services_say():
    """Reason codes, modes and texts that services write never become labels."""
    floor = FloorOfValues()
    quiet = len(values((await PaperControl(PaperFloor(floor.decide())).ask("/metrics")).text))
    floor.say(STRATEGY, "status.reason_codes", [f"CODE_{n}" for n in range(60)])
    floor.say(STRATEGY, "agent_identity.agent_mode", "SOMETHING")

    noisy = len(values((await PaperControl(PaperFloor(floor.decide())).ask("/metrics")).text))

    assert quiet == noisy


async def test_no_round_yet_has_no_duration():
    """Before the first round a service has no probe duration, and its age is infinite."""
    snapshot = healthy_snapshot()
    first = replace(snapshot.services[0], round=None, evidence_at=None)
    floor = PaperFloor(replace(snapshot, services=(first, *snapshot.services[1:])))

    found = values((await PaperControl(floor).ask("/metrics")).text)

    assert ("mission_control_agent_probe_seconds", "gamma-strategy") not in found
    assert float("inf") == found["mission_control_agent_evidence_age_seconds", "gamma-strategy"]
