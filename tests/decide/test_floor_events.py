"""Decide: what happened between two snapshots."""

from datetime import timedelta

from mission_control.decide.floor_events import find_happenings
from mission_control.decide.posture import pages_now
from mission_control.model.event import EventType
from mission_control.model.finding import Severity
from mission_control.model.fleet import Agent, Criticality, Fleet, Kind
from mission_control.model.reading import Addresses
from tests.decide.floor_of_values import (
    CLOSE_AT,
    EVENING,
    FLEET,
    MARKETDATA,
    OPEN_AT,
    STRATEGY,
    session_at,
)


def happenings(floor, change):
    """Give what happened between two decisions with a change between them."""
    before = floor.decide()
    change()
    return list(find_happenings(before, floor.decide()))


def test_nothing_happens_on_a_steady_floor(floor):
    """Two decisions on the same evidence have nothing to tell."""
    assert [] == happenings(floor, lambda: None)


def test_an_accusation_is_told_with_what_it_changes(floor):
    """Execution evidence changes posture, opens accusations and changes the service."""
    told = happenings(
        floor, lambda: floor.say(STRATEGY, "safety.safe_to_execute_orders", value=True)
    )

    assert [
        EventType.POSTURE_CHANGED,
        EventType.ACCUSATION_OPENED,
        EventType.SERVICE_CHANGED,
    ] == [h.type for h in told]
    assert Severity.P0 is told[0].severity
    assert ("OK", "HALTED") == (told[0].data["before"], told[0].data["after"])


def test_the_end_of_an_accusation_is_told(floor):
    """A denial ends the accusation, and both that and the posture are told."""
    floor.say(MARKETDATA, "marketdata.is_fresh", value=False)

    told = happenings(floor, floor.refresh)
    ended = [h for h in told if h.type is EventType.ACCUSATION_ENDED]

    assert EventType.POSTURE_CHANGED is told[0].type
    assert {"CONTRADICTION", "MARKETDATA_STALE"} == {h.data["code"] for h in ended}
    assert all(h.message.endswith(" no longer says it)") for h in ended)


def test_a_service_that_changes_is_told(floor):
    """A change of a service names it, with its reason and whether it is expected."""
    told = happenings(floor, lambda: floor.say(STRATEGY, "status.state", "DEGRADED"))

    changed = [h for h in told if h.type is EventType.SERVICE_CHANGED]
    assert ["strategy-engine HALTED -> DEGRADED (unexpected): KILL_SWITCH"] == [
        h.message for h in changed
    ]


def test_the_switch_is_told(floor):
    """A kill switch that is no longer confirmed is told as P0."""
    told = happenings(floor, lambda: setattr(floor, "switch", None))

    switch = [h for h in told if h.type is EventType.KILL_SWITCH_CHANGED]
    assert [Severity.P0] == [h.severity for h in switch]


def test_the_session_is_told(floor):
    """The end of a session is told."""
    told = happenings(floor, lambda: floor.refresh(EVENING))

    sessions = [h.data for h in told if h.type is EventType.SESSION_CHANGED]
    assert [{"before": "OPEN", "after": "POST_MARKET"}] == sessions


def test_paging_runs_from_an_hour_before_the_open_to_the_close():
    """P1 pages from open - 60 min, inclusive, until the close."""
    hour = timedelta(minutes=60)
    instants = [OPEN_AT - hour - timedelta(seconds=1), OPEN_AT - hour, OPEN_AT, CLOSE_AT]

    assert [False, True, True, False] == [pages_now(session_at(i)) for i in instants]


def test_a_service_that_joins_is_no_change(floor):
    """A service that was not on the floor before has changed from nothing, and is not told."""
    before = floor.decide()
    joined = Agent("ops-ui", Kind.OPS, "http://ui", Criticality.OPTIONAL)
    floor.fleet = Fleet((*floor.fleet.agents, joined), FLEET.digest, FLEET.source)

    told = [h.type for h in find_happenings(before, floor.decide())]

    assert EventType.SERVICE_CHANGED not in told


def test_a_new_address_is_told(floor):
    """A service that answers from another address is told once, with both."""
    name = STRATEGY.agent_name
    answers = {"known": ("10.0.0.7:80", "10.0.0.9:80"), "added": ("10.0.0.9:80",)}

    def from_address(addresses):
        floor.addresses[name] = addresses

    from_address(Addresses(("10.0.0.7:80",)))
    told = happenings(floor, lambda: from_address(Addresses(**answers, told_at=OPEN_AT)))
    again = happenings(floor, lambda: from_address(Addresses(**answers, told_at=OPEN_AT)))

    message = f"{name} answers from a new address, 10.0.0.9:80; before from 10.0.0.7:80"
    assert [(EventType.SERVICE_ADDRESS, message, name)] == [
        (h.type, h.message, h.agent_name) for h in told
    ]
    assert {"before": ["10.0.0.7:80"], "after": ["10.0.0.9:80"]} == told[0].data
    assert [] == again
