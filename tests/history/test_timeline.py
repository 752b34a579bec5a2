"""Decide: services over time: no hole, no overlap, and nothing drawn through a gap."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.contract.model.shapes import ServiceState
from mission_control.history.decide.over_time import (
    attain,
    draw_timeline,
    summarise,
    watched_spans,
    window_of,
    window_spans,
    worst_by_step,
)
from mission_control.history.model import Segment, ServiceChange, WatchedMinute
from mission_control.history.present import timeline_document
from mission_control.model.fleet import ContractKind, Slo, SloWindow
from mission_control.model.session import TradingDay
from tests.floor.floor_of_values import CLOSE_AT, OPEN_AT, STRATEGY

NAME = STRATEGY.agent_name
BEGIN = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)
END = BEGIN + timedelta(minutes=10)
SESSION = TradingDay(OPEN_AT.date(), OPEN_AT, CLOSE_AT)


def minute(number, asked=6, obtained=6):
    """Return a watched minute."""
    return WatchedMinute(BEGIN + timedelta(minutes=number), {NAME: (asked, obtained)})


def change(seconds, state="OK", *, expected=True, code=""):
    """Return a change so many seconds after the beginning."""
    at = BEGIN + timedelta(seconds=seconds)
    return ServiceChange(at, NAME, ServiceState(state), expected, code)


def told(segments):
    """Return segments as (seconds, state)."""
    return [(s.seconds, s.state.value if s.state else None) for s in segments]


def draw(changes, minutes):
    """Draw ten minutes."""
    watches = [summarise([minute(n) for n in minutes])]
    spans = watched_spans(STRATEGY, watches, BEGIN, END)
    return draw_timeline(changes, spans, BEGIN, END)


def test_states_hold_until_they_change():
    """Each change begins a segment; they fill the time exactly."""
    segments = draw([change(-60), change(90, "HALTED"), change(300, "OK")], range(10))

    assert [(90.0, "OK"), (210.0, "HALTED"), (300.0, "OK")] == told(segments)


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        pytest.param([], [(600.0, None)], id="never"),
        pytest.param([0, 1, 8, 9], [(120.0, "OK"), (360.0, None), (120.0, "OK")], id="a pause"),
        pytest.param([3], [(180.0, None), (60.0, "OK"), (360.0, None)], id="one minute"),
        pytest.param([-1, 0], [(60.0, "OK"), (540.0, None)], id="begun before"),
    ],
)
def test_what_was_not_watched_is_a_gap(minutes, expected):
    """A state is never drawn through a minute in which the service was not asked."""
    assert expected == told(draw([change(-600)], minutes))


def test_before_the_first_change_nothing_is_known():
    """Watched but not judged yet, and just started, are gaps as well."""
    changes = [change(60, "UNKNOWN", expected=False, code="NOT_YET_ASKED"), change(120)]

    assert [(120.0, None), (480.0, "OK")] == told(draw(changes, range(10)))


def test_a_service_that_is_never_asked_was_watched_while_the_floor_was():
    """Without HTTP by configuration, the floor's own minutes count."""
    silent = replace(STRATEGY, agent_name="silent", contract=ContractKind.NONE)

    watches = [summarise([minute(0)])]
    assert ((BEGIN, BEGIN + timedelta(minutes=1)),) == watched_spans(silent, watches, BEGIN, END)
    assert () == watched_spans(replace(STRATEGY, agent_name="other"), watches, BEGIN, END)
    assert () == watched_spans(STRATEGY, [summarise([minute(0, 0, 0)])], BEGIN, END)


def test_a_minute_in_which_nothing_was_asked_was_not_watched():
    """One that only says until when the floor was decided."""
    watch = summarise([minute(0), replace(minute(1), counts={})])

    assert [(BEGIN, BEGIN + timedelta(minutes=1))] == list(watch.whole)


def test_days_are_joined_and_cut():
    """Stretches that touch are one, whichever day they were read with."""
    watches = [summarise([minute(n)]) for n in (-1, 0, 1, 3)]
    spans = watched_spans(STRATEGY, watches, BEGIN + timedelta(seconds=30), END)

    assert [(30, 120), (180, 240)] == [
        ((b - BEGIN).total_seconds(), (e - BEGIN).total_seconds()) for b, e in spans
    ]


@given(
    st.lists(st.integers(-100, 700), max_size=12),
    st.sets(st.integers(-2, 11)),
    st.sampled_from([7, 60, 90, 600, 3600]),
)
def test_segments_and_cells_fill_the_time(seconds, minutes, step):
    """Whatever changed and whenever it was watched, there is no hole and no overlap."""
    states = ["OK", "HALTED", "DEGRADED"]
    changes = [change(s, states[i % 3]) for i, s in enumerate(sorted(seconds))]
    segments = draw(changes, sorted(minutes))
    cells = worst_by_step(segments, BEGIN, END, timedelta(seconds=step))

    for line in (segments, cells):
        assert BEGIN == line[0].begin
        assert END == line[-1].end
        assert all(a.end == b.begin for a, b in pairwise(line))
    assert all(s.begin < s.end for s in segments)


def test_a_cell_is_the_worst_of_its_step():
    """Unexpected beats expected, a worse state a better one, and a gap hides neither."""
    changes = [change(-60), change(70, "OFFLINE", expected=False), change(80, "HALTED")]
    cells = worst_by_step(draw(changes, [0, 1, 2, 4]), BEGIN, END, timedelta(minutes=2))

    assert [("OFFLINE", 1.0), ("HALTED", 0.5), ("HALTED", 0.5), (None, 0.0), (None, 0.0)] == [
        (c.state and c.state.value, c.share) for c in cells
    ]


def test_attainment_counts_the_unwatched_against_the_budget():
    """Good, bad and unobserved time make up the whole; only good time is attained."""
    agent = replace(STRATEGY, slo=Slo(90.0, SloWindow.MARKET_HOURS))
    segments = draw([change(-60), change(120, "HALTED", expected=False)], range(5))
    spans = window_spans(window_of(agent), [SESSION], BEGIN, END)
    found = attain(agent, segments, spans, [summarise([minute(n, 6, 5) for n in range(5)])])

    assert (600.0, 120.0, 180.0, 300.0) == (
        found.total_seconds,
        found.good_seconds,
        found.bad_seconds,
        found.unobserved_seconds,
    )
    assert (20.0, pytest.approx(60.0), pytest.approx(-420.0)) == (
        found.attained,
        found.budget_seconds,
        found.budget_left_seconds,
    )
    assert (30, 25) == (found.asked, found.obtained)


def test_without_a_target_there_is_no_budget():
    """A service without a target is measured in market hours, and owes nothing."""
    found = attain(STRATEGY, (), (), ())

    assert (SloWindow.MARKET_HOURS, None, None, None) == (
        found.window,
        found.attained,
        found.budget_seconds,
        found.budget_left_seconds,
    )


WEEK = datetime(2026, 11, 16, 5, 0, tzinfo=UTC), datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
EARLY = TradingDay(
    datetime(2026, 11, 27, tzinfo=UTC).date(),
    datetime(2026, 11, 27, 14, 30, tzinfo=UTC),
    datetime(2026, 11, 27, 18, 0, tzinfo=UTC),
    early_close=True,
)


@pytest.mark.parametrize(
    ("window", "sessions", "period", "hours"),
    [
        pytest.param(SloWindow.MONTH, [], WEEK, 168.0, id="a week of all time"),
        pytest.param(SloWindow.BUSINESS_HOURS, [], WEEK, 40.0, id="a week of business hours"),
        pytest.param(SloWindow.MARKET_HOURS, [SESSION], WEEK, 6.5, id="one session"),
        pytest.param(
            SloWindow.MARKET_HOURS,
            [EARLY],
            (EARLY.open - timedelta(days=1), EARLY.close + timedelta(days=1)),
            3.5,
            id="an early close is a short session",
        ),
        pytest.param(
            SloWindow.BUSINESS_HOURS,
            [],
            (datetime(2026, 10, 30, 4, tzinfo=UTC), datetime(2026, 11, 3, 5, tzinfo=UTC)),
            16.0,
            id="business hours over the end of daylight saving",
        ),
        pytest.param(
            SloWindow.MARKET_HOURS,
            [SESSION],
            (OPEN_AT + timedelta(hours=1), OPEN_AT + timedelta(hours=2)),
            1.0,
            id="within a session",
        ),
    ],
)
def test_a_window_is_the_time_that_a_target_is_about(window, sessions, period, hours):
    """Market hours follow real sessions, business hours New York's clocks, a month all time."""
    spans = window_spans(window, sessions, *period)

    assert hours == sum((end - begin).total_seconds() for begin, end in spans) / 3600


def test_a_segment_knows_its_length():
    """A segment's length is in seconds."""
    assert 600.0 == Segment(BEGIN, END, None).seconds


def told_minute(number, *spans):
    """Return a watched minute that says in which of its seconds the floor was decided."""
    begin = BEGIN + timedelta(minutes=number)
    decided = tuple((begin + timedelta(seconds=a), begin + timedelta(seconds=b)) for a, b in spans)
    return replace(minute(number), decided=decided)


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        pytest.param(
            [told_minute(0, (0.5, 10), (53, 59.5)), told_minute(1, (0.5, 59.5))],
            [(10.0, "OK"), (43.0, None), (67.0, "OK")],
            id="stopped for 43 s in one minute",
        ),
        pytest.param(
            [told_minute(0, (0, 10)), told_minute(1, (5, 59.5))],
            [(10.0, "OK"), (55.0, None), (55.0, "OK")],
            id="stopped over the end of a minute",
        ),
        pytest.param(
            [told_minute(0, (0, 59.4)), told_minute(1, (0.4, 30), (32.9, 59))],
            [(120.0, "OK")],
            id="less than a stall is no gap",
        ),
        pytest.param(
            [told_minute(0, (0, 59.5)), told_minute(1)],
            [(59.5, "OK"), (60.5, None)],
            id="asked, and never decided",
        ),
        pytest.param(
            [minute(0), told_minute(1, (0.5, 30))],
            [(90.0, "OK"), (30.0, None)],
            id="a minute of before minutes told this",
        ),
    ],
)
def test_what_was_not_decided_is_a_gap_to_the_second(minutes, expected):
    """A process that was stopped looked at nothing, however often it asked in that minute."""
    until = BEGIN + timedelta(minutes=2)
    days = [[summarise(minutes)], [summarise([each]) for each in minutes]]
    silent = replace(STRATEGY, agent_name="silent", contract=ContractKind.NONE)

    for watches in days:
        for agent in (STRATEGY, silent):
            spans = watched_spans(agent, watches, BEGIN, until)
            assert expected == told(draw_timeline([change(-600)], spans, BEGIN, until))


def test_time_without_decisions_is_not_good_time():
    """What a service attained leaves out the stall, as unobserved."""
    until = BEGIN + timedelta(minutes=1)
    watch = summarise([told_minute(0, (0, 10), (53, 59.5))])
    spans = watched_spans(STRATEGY, [watch], BEGIN, until)
    segments = draw_timeline([change(-600)], spans, BEGIN, until)

    found = attain(STRATEGY, segments, ((BEGIN, until),), [watch])

    assert (17.0, 43.0) == (found.good_seconds, found.unobserved_seconds)


def test_cells_are_told_where_a_step_was_asked_for():
    """Without a step a service has its segments alone."""
    segment = Segment(BEGIN, END, ServiceState.OK)
    lines = [
        (NAME, (segment,), None),
        (NAME, (segment,), worst_by_step((segment,), BEGIN, END, END - BEGIN)),
    ]

    plain, stepped = timeline_document(BEGIN, END, lines, [SESSION], END)["agents"]

    assert "cells" not in plain
    assert [1.0] == [cell["watched_share"] for cell in stepped["cells"]]
