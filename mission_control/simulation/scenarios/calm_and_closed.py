"""Simulation: scenarios in which nothing is wrong but the time of day."""

from datetime import datetime, timedelta, timezone

from mission_control.simulation.scenarios.scenario import Scenario

EASTERN_STANDARD = timezone(timedelta(hours=-5), "EST")
"""New York's time in November, when every scenario is shown."""

OPEN_SESSION = datetime(2026, 11, 18, 10, 15, tzinfo=EASTERN_STANDARD)
"""A Wednesday morning with nothing special about it; most scenarios are shown at this instant."""

CALM_AND_CLOSED = (
    Scenario(
        "calm",
        "The market is open, ticks are fresh, the kill switch is engaged and every service is "
        "as the playbook expects, so the floor is OK.",
        OPEN_SESSION,
    ),
    Scenario(
        "closed",
        "It is evening, the ticks ended with the session, and the floor is MARKET_CLOSED "
        "without complaint.",
        datetime(2026, 11, 18, 19, 0, tzinfo=EASTERN_STANDARD),
    ),
    Scenario(
        "holiday",
        "It is Thanksgiving: the services take it for a trading day and call marketdata stale, "
        "but the floor is MARKET_CLOSED.",
        datetime(2026, 11, 26, 11, 0, tzinfo=EASTERN_STANDARD),
    ),
    Scenario(
        "early-close",
        "The market closed at 13:00: the services expect ticks until 16:00 and call marketdata "
        "stale, but the floor is MARKET_CLOSED.",
        datetime(2026, 11, 27, 13, 30, tzinfo=EASTERN_STANDARD),
    ),
)
