"""A start of the watch as one event: everything was asked, and this much is otherwise now."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from mission_control.floor.decide.events import Happening
from mission_control.floor.model import FloorSnapshot, ServiceReport, ServiceSince
from mission_control.model.event import EventType
from mission_control.model.finding import Severity
from mission_control.model.kill_switch import KillSwitchState

STARTS_AT_MOST = timedelta(seconds=45)
"""A start is over after so long, whatever was not asked by then."""


def all_asked(snapshot: FloorSnapshot) -> bool:
    """Return whether everything that a floor is decided from was asked at least once."""
    asked = all(s.round is not None for s in snapshot.services if s.agent.service_dns)
    return asked and (snapshot.fleet.access is None or snapshot.cluster is not None)


def starts_still(began: datetime, snapshot: FloorSnapshot, *, switch_heard: bool) -> bool:
    """Return whether a watch that began then has not asked everything yet (R15.31)."""
    asked = switch_heard and all_asked(snapshot)
    return not asked and timedelta() <= snapshot.at - began < STARTS_AT_MOST


def without_start(found: Iterable[Happening]) -> Iterator[Happening]:
    """
    Return what happened while a watch starts, without that services are seen for the first time.

    An alarm, a posture, a session, and a kill switch that is anything but ENGAGED are told at once.
    A posture says that it is of a start: what it was before was only that nothing was asked yet.
    """
    for each in found:
        engaged = each.type is EventType.KILL_SWITCH_CHANGED and (
            each.data.get("before") == KillSwitchState.UNKNOWN.value
            and each.data.get("after") == KillSwitchState.ENGAGED.value
            and each.severity is Severity.INFO
        )
        if each.type is EventType.POSTURE_CHANGED:
            yield replace(each, data={**each.data, "starting": True})
        elif each.type is not EventType.SERVICE_CHANGED and not engaged:
            yield each


def watching_began(known: Iterable[ServiceSince], snapshot: FloorSnapshot) -> Iterator[Happening]:
    """
    Return that watching began, and each service that is otherwise than it was known before.

    One that was not known is told where it is not as expected.
    """
    unexpected = sum(not s.expected for s in snapshot.services)
    number, switch = len(snapshot.services), snapshot.kill_switch.state.value
    so = f"{unexpected} not as expected" if unexpected else "all as expected"
    services = "1 service" if number == 1 else f"{number} services"
    yield Happening(
        EventType.WATCHING_BEGAN,
        f"watching began: {services}, {so}; the kill switch is {switch}",
        data={"services": number, "unexpected": unexpected, "kill_switch": switch},
    )
    earlier = {s.agent_name: s for s in known}
    for report in snapshot.services:
        before = earlier.get(report.agent.agent_name)
        if before is None and report.expected:
            continue
        if before is None or (before.state, before.expected) != (report.state, report.expected):
            yield _otherwise(before, report)


def _otherwise(before: ServiceSince | None, after: ServiceReport) -> Happening:
    name, state = after.agent.agent_name, after.state.value
    was = before.state.value if before else "UNKNOWN"
    expected = "expected" if after.expected else "unexpected"
    why = f": {after.reason_code}" if after.reason_code else ""
    return Happening(
        EventType.SERVICE_CHANGED,
        f"{name} {was} -> {state} ({expected}){why}",
        after.reasons[0].severity if after.reasons and not after.expected else Severity.INFO,
        name,
        {
            "before": was,
            "after": state,
            "expected": after.expected,
            "reason_code": after.reason_code,
        },
    )
