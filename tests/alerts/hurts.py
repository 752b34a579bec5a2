"""What hurts a floor of values, and what is asked of its alerts."""

from dataclasses import replace
from datetime import date, timedelta

from mission_control.alerts.model import (
    AlertState,
)
from mission_control.model.reading import UnseenReason
from tests.alerts.recorded_day import (
    LivedDay,
    at,
)
from tests.floor.floor_of_values import (
    changed,
    rich,
    unseen,
)

DAY = date(2026, 11, 18)

OPEN = at(DAY, "10:00:00")

NIGHT = at(DAY, "20:00:00")

MINUTE = timedelta(minutes=1)


def silence(agent, *, confirmed=True, reason=UnseenReason.TIMEOUT):
    """Return a hurt: an agent's primary path is not seen."""

    def hurt(day: LivedDay) -> None:
        path = agent.primary_path or ""
        lost = replace(unseen(reason, day.now), confirmed=confirmed)
        day.floor.answers[agent.agent_name][path] = lost

    return hurt


def says(agent, path, value):
    """Return a hurt: an agent says something else in its status."""

    def hurt(day: LivedDay) -> None:
        document = changed(rich(agent, day.now), path, value)
        day.floor.answer(agent, "/ops/status", document)

    return hurt


def day_at(now, *hurts, **more) -> LivedDay:
    """Return a floor at an instant that was calm before, hurt from now on."""
    day = LivedDay(now - MINUTE, **more)
    day.until(now, 20)
    day.hurts += hurts
    return day


def states(day: LivedDay) -> dict[str, tuple[AlertState, str]]:
    """Return each alert's state, and why it is withheld, by rule and subject."""
    return {f"{a.rule} {a.subject}": (a.state, a.withheld) for a in day.alerts()}


def reasons(day: LivedDay, rule: str) -> list[str]:
    """Return why alerts of a rule changed."""
    return [t.reason for t in day.transitions if t.rule == rule]
