"""How the fleet's services judge themselves."""

from datetime import UTC, datetime, timedelta

import pytest

from mission_control.market_calendar.days import new_york
from mission_control.model.fleet import Kind
from mission_control.simulation.moment import (
    SelfView,
    fleet_freshness,
    fleet_state,
    fleet_takes_market_for_open,
    gating_reasons,
    may_run_strategies,
)

NOW = datetime(2026, 11, 18, 15, 15, tzinfo=UTC)


def view(kind: Kind = Kind.STRATEGY, **changes: object) -> SelfView:
    """Return a service on which all is well, but for the changes."""
    healthy = {"market_open": True, "is_fresh": True, "kill_switch": False}
    return SelfView(kind, **(healthy | changes))  # type: ignore[arg-type]  # a table of keywords


@pytest.mark.parametrize(
    ("service", "state", "reasons"),
    [
        pytest.param(
            view(required_fields_present=False, kill_switch=True),
            "UNKNOWN",
            ("REQUIRED_FIELDS_MISSING",),
            id="1 a missing field comes before everything",
        ),
        pytest.param(
            view(Kind.EXECUTION, execution_enabled=False, kill_switch=True),
            "OFFLINE",
            ("EXECUTION_DISABLED",),
            id="2 disabled execution is offline even under the kill switch",
        ),
        pytest.param(
            view(Kind.EXECUTION, execution_replicas=0),
            "OFFLINE",
            ("EXECUTION_DISABLED",),
            id="2 execution without replicas is offline",
        ),
        pytest.param(
            view(Kind.EXECUTION), "OK", (), id="2 is skipped where nothing is known of execution"
        ),
        pytest.param(view(execution_enabled=False), "OK", (), id="2 is for kind execution alone"),
        pytest.param(
            view(process_up=False, kill_switch=True), "OFFLINE", ("PROCESS_DOWN",), id="3 down"
        ),
        *(
            pytest.param(
                view(kind, kill_switch=True, is_fresh=False),
                "HALTED",
                ("KILL_SWITCH",),
                id=f"4 the kill switch halts {kind.value}",
            )
            for kind in Kind
        ),
        *(
            pytest.param(
                view(kind, is_fresh=False), state, ("MARKETDATA_STALE",), id=f"5 stale {kind.value}"
            )
            for kind, state in [
                (Kind.STRATEGY, "HALTED"),
                (Kind.EXECUTION, "HALTED"),
                (Kind.MARKETDATA, "DEGRADED"),
                (Kind.INGEST, "DEGRADED"),
                (Kind.OPS, "DEGRADED"),
            ]
        ),
        *(
            pytest.param(
                view(kind, is_fresh=None),
                state,
                ("MARKETDATA_MISSING",),
                id=f"6 missing {kind.value}",
            )
            for kind, state in [
                (Kind.STRATEGY, "HALTED"),
                (Kind.EXECUTION, "HALTED"),
                (Kind.MARKETDATA, "DEGRADED"),
            ]
        ),
        pytest.param(view(Kind.INGEST, is_fresh=None), "OK", (), id="6c ingest falls through"),
        pytest.param(view(Kind.OPS, is_fresh=None), "OK", (), id="6c ops falls through"),
        pytest.param(
            view(heartbeat_age_seconds=60.1, market_open=False),
            "DEGRADED",
            ("HEARTBEAT_STALE",),
            id="7 an old heartbeat degrades, closed or not",
        ),
        pytest.param(view(heartbeat_age_seconds=60), "OK", (), id="7 the limit itself is in time"),
        *(
            pytest.param(
                view(kind, market_open=False, is_fresh=False),
                "MARKET_CLOSED",
                ("MARKET_CLOSED",),
                id=f"8 closed {kind.value}, stale or not",
            )
            for kind in (Kind.MARKETDATA, Kind.STRATEGY, Kind.EXECUTION, Kind.INGEST)
        ),
        pytest.param(view(Kind.OPS, market_open=False), "OK", (), id="9 ops is OK at night"),
        pytest.param(view(), "OK", (), id="9 otherwise OK"),
    ],
)
def test_the_truth_table(service, state, reasons):
    """The first row of the services' truth table that holds decides, with one reason at most."""
    assert (state, reasons) == fleet_state(service)


@pytest.mark.parametrize(
    ("local_time", "is_open"),
    [
        pytest.param("2026-11-18T09:29:59.999999", False, id="a moment before the open"),
        pytest.param("2026-11-18T09:30:00", True, id="the open itself"),
        pytest.param("2026-11-18T16:00:00", True, id="the close itself"),
        pytest.param("2026-11-18T16:00:00.000001", False, id="a moment after the close"),
        pytest.param("2026-11-21T11:00:00", False, id="a Saturday"),
        pytest.param("2026-11-22T11:00:00", False, id="a Sunday"),
        pytest.param("2026-11-26T11:00:00", True, id="Thanksgiving, which it does not know"),
        pytest.param("2026-11-27T13:30:00", True, id="after an early close, which it ignores"),
        pytest.param("2026-07-15T09:30:00", True, id="the open in summer time"),
    ],
)
def test_the_fleet_knows_only_weekdays_and_hours(local_time, is_open):
    """The fleet's market hours are Monday to Friday, 09:30 to 16:00 in New York, inclusive."""
    instant = datetime.fromisoformat(local_time).replace(tzinfo=new_york()).astimezone(UTC)

    assert is_open is fleet_takes_market_for_open(instant)


@pytest.mark.parametrize(
    ("tick_age", "is_fresh"),
    [
        pytest.param(0, True, id="now"),
        pytest.param(120, True, id="at the limit"),
        pytest.param(121, False, id="past the limit"),
        pytest.param(-86_400, True, id="a day in the future"),
        pytest.param(None, None, id="no tick"),
    ],
)
def test_freshness_as_the_fleet_reckons_it(tick_age, is_fresh):
    """A tick is fresh for 120 s, for ever when it lies in the future, and null when unknown."""
    tick = None if tick_age is None else NOW - timedelta(seconds=tick_age)

    assert is_fresh is fleet_freshness(tick, NOW)


@pytest.mark.parametrize(
    ("service", "safe"),
    [
        pytest.param(view(), True, id="fresh"),
        pytest.param(view(is_fresh=None), True, id="missing counts as safe"),
        pytest.param(view(is_fresh=False), False, id="stale while open"),
        pytest.param(view(is_fresh=False, market_open=False), True, id="stale while closed"),
        pytest.param(view(kill_switch=True), False, id="kill switch"),
    ],
)
def test_when_strategies_may_run(service, safe):
    """Strategies are called safe unless the kill switch is on or an open market's tick is stale."""
    assert safe is may_run_strategies(service)


@pytest.mark.parametrize(
    ("service", "reasons"),
    [
        pytest.param(view(), (), id="none"),
        pytest.param(
            view(kill_switch=True, is_fresh=False),
            ("KILL_SWITCH", "MARKETDATA_STALE"),
            id="both",
        ),
        pytest.param(view(is_fresh=False, market_open=False), (), id="stale while closed"),
        pytest.param(view(is_fresh=None), (), id="missing is never among them"),
        pytest.param(
            view(Kind.EXECUTION), ("EXECUTION_ORDERS_DISABLED_CONTRACT",), id="execution always"
        ),
    ],
)
def test_gating_reasons(service, reasons):
    """The kill switch does not hide a stale feed among the gating reasons."""
    assert reasons == gating_reasons(service)
