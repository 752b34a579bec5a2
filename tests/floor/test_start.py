"""Decide: a start of the watch, told as one event."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mission_control.cluster.model.facts import ClusterFacts
from mission_control.contract.model.shapes import ServiceState
from mission_control.floor.decide.events import Happening, find_changes
from mission_control.floor.decide.start import starts_still, watching_began, without_start
from mission_control.floor.present.events import sentence_of
from mission_control.model.event import EventType, FloorEvent
from mission_control.model.finding import Reason, Severity
from tests.floor.cluster_of_values import ACCESS
from tests.floor.floor_of_values import INGEST, OPEN_AT, STRATEGY


def switched(before, after, severity=Severity.INFO):
    """Return an event of the kill switch."""
    data = {"before": before, "after": after, "confirmed": True}
    return Happening(EventType.KILL_SWITCH_CHANGED, "x", severity, data=data)


def told(snapshot, known=()):
    """Return what a start tells."""
    return [h.message for h in watching_began(known, snapshot)]


def test_a_start_lasts_until_everything_was_asked(floor):
    """R15.31: every service, the cluster and the switch, and 45 s at most."""
    whole = floor.decide()
    lacks = replace(whole, services=(replace(whole.services[0], round=None), *whole.services[1:]))
    late = replace(lacks, at=lacks.at + timedelta(seconds=45))

    assert not starts_still(whole.at, whole, switch_heard=True)
    assert starts_still(whole.at, whole, switch_heard=False)
    assert starts_still(whole.at, lacks, switch_heard=True)
    assert not starts_still(whole.at, late, switch_heard=True)


@pytest.mark.parametrize(
    ("happening", "told_at_once"),
    [
        (Happening(EventType.SERVICE_CHANGED, "x"), False),
        (Happening(EventType.SERVICE_CHANGED, "x", Severity.P1), False),
        (switched("UNKNOWN", "ENGAGED"), False),
        (switched("UNKNOWN", "ENGAGED", Severity.P0), True),
        (switched("DISENGAGED", "ENGAGED"), True),
        (switched("UNKNOWN", "DISENGAGED", Severity.P0), True),
        (Happening(EventType.ALARM_OPENED, "x", Severity.P0), True),
        (Happening(EventType.POSTURE_CHANGED, "x"), True),
        (Happening(EventType.SESSION_CHANGED, "x"), True),
    ],
)
def test_only_first_sights_wait_for_the_end_of_a_start(happening, told_at_once):
    """R15.31: what is worse than that a service is seen for the first time is told at once."""
    found = list(without_start([happening]))

    assert ([happening.type] if told_at_once else []) == [h.type for h in found]
    assert happening.severity in {h.severity for h in found} or not told_at_once


def test_a_posture_of_a_start_is_no_halt_that_is_over():
    """R15.31, R15.14: before it nothing was asked yet, whatever led then."""
    data: dict[str, object] = {"before": "HALTED", "after": "MARKET_CLOSED"}
    data["before_code"] = "KILL_SWITCH_UNCONFIRMED"
    happening = Happening(EventType.POSTURE_CHANGED, "x", data=data)
    (told_of_it,) = without_start([happening])

    def sentence(each):
        return sentence_of(FloorEvent(1, OPEN_AT, each.type, "x", data=each.data))

    assert "The halt is over: the floor is closed for the day" == sentence(happening)
    assert sentence(told_of_it).startswith("Every service was asked for the first time: ")


def test_a_calm_start_is_one_event(floor):
    """R15.31: also where services were known and are as they were."""
    snapshot = floor.decide()
    number = len(snapshot.services)
    line = f"watching began: {number} services, all as expected; the kill switch is ENGAGED"

    assert [line] == told(snapshot)
    assert [line] == told(snapshot, snapshot.latched.services)
    one = replace(snapshot, services=snapshot.services[:1])
    assert told(one)[0].startswith("watching began: 1 service, all as expected; ")


def test_what_is_otherwise_than_before_the_start_is_told(floor):
    """R15.31: what is unexpected and was not known, and each state that differs."""
    known = floor.decide().latched.services
    floor.say(STRATEGY, "status.state", "DEGRADED")
    snapshot = floor.decide()

    assert "1 not as expected" in told(snapshot)[0]
    assert ["strategy-engine UNKNOWN -> DEGRADED (unexpected): KILL_SWITCH"] == told(snapshot)[1:]
    assert ["strategy-engine HALTED -> DEGRADED (unexpected): KILL_SWITCH"] == told(
        snapshot, known
    )[1:]


def test_a_service_that_recovered_before_the_start_is_told(floor):
    """R15.31: as information, and without a reason where there is none."""
    snapshot = floor.decide()
    known = [
        replace(s, state=ServiceState.OFFLINE, expected=False)
        if s.agent_name == INGEST.agent_name
        else s
        for s in snapshot.latched.services
    ]
    (_, recovered) = watching_began(known, snapshot)

    assert ("OFFLINE", Severity.INFO) == (recovered.data["before"], recovered.severity)
    assert recovered.message.startswith(f"{INGEST.agent_name} OFFLINE -> ")


@pytest.mark.parametrize("said", ["WORKLOAD_UNSEEN", "UNOBSERVED", "EXECUTION_NOT_PROVEN_OFF"])
def test_before_the_cluster_was_asked_history_has_a_gap(floor, said):
    """R15.32: what only the cluster tells is no failure seen before it was asked."""
    asked = floor.decide()
    asked = replace(asked, fleet=replace(asked.fleet, access=ACCESS))
    unseen = (Reason(said, STRATEGY.agent_name, Severity.P1, "x"),)
    services = tuple(
        replace(r, expected=False, reasons=unseen) if r.agent == STRATEGY else r
        for r in asked.services
    )
    early = replace(asked, services=services)
    lost = replace(early, cluster=ClusterFacts(()))

    def code(before, after):
        changes = {c.agent_name: c.reason_code for c in find_changes(before, after)}
        return changes.get(STRATEGY.agent_name)

    assert "NOT_YET_ASKED" == code(None, early)
    assert said == code(None, lost)
    assert said == code(None, replace(early, fleet=replace(asked.fleet, access=None)))
    assert code(early, early) is None
