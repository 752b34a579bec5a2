"""Decide: whose time it was that a service was not as expected."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from mission_control.contract.model.shapes import ServiceState
from mission_control.history.decide.over_time import attain, lost_feed, whole_window
from mission_control.history.model import AttainedDay, Segment, WholeWindow
from mission_control.history.present import slo_document
from mission_control.model.fleet import Slo, SloWindow
from mission_control.model.session import TradingDay
from tests.floor.floor_of_values import MARKETDATA, STRATEGY

BEGIN = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)
SPANS = ((BEGIN, BEGIN + timedelta(minutes=10)),)
SOLD = replace(STRATEGY, slo=Slo(90.0, SloWindow.MARKET_HOURS))
STALE = "MARKETDATA_STALE"


def at(minute):
    """Return an instant by its minute."""
    return BEGIN + timedelta(minutes=minute)


def line(*pieces):
    """Return segments from (first minute, last minute, reason); an empty reason is as expected."""
    return [
        Segment(
            at(first),
            at(last),
            None if reason is None else ServiceState.OK if not reason else ServiceState.HALTED,
            reason == "",
            reason or "",
        )
        for first, last, reason in pieces
    ]


def seconds(found):
    """Return good, bad, dependency and unobserved time in minutes."""
    each = (
        found.good_seconds,
        found.bad_seconds,
        found.dependency_seconds,
        found.unobserved_seconds,
    )
    assert found.total_seconds == pytest.approx(sum(each))
    return tuple(e / 60 for e in each)


def test_a_strategy_does_not_pay_for_a_feed_that_stops():
    """Its stale time is told apart while marketdata was not as expected, and marketdata pays."""
    feed = line((0, 4, ""), (4, 7, STALE), (7, 10, ""))
    strategy = attain(SOLD, feed, SPANS, (), lost_feed([feed]))
    marketdata = attain(replace(MARKETDATA, slo=SOLD.slo), feed, SPANS, (), lost_feed([feed]))

    assert (7, 0, 3, 0) == seconds(strategy)
    assert (100.0, 42.0, 42.0) == (
        strategy.attained,
        strategy.budget_seconds,
        strategy.budget_left_seconds,
    )
    assert (7, 3, 0, 0) == seconds(marketdata)
    assert marketdata.attained == 70.0


@pytest.mark.parametrize(
    ("feed", "own", "expected"),
    [
        pytest.param([(0, 10, "")], [(0, 10, STALE)], (0, 10, 0, 0), id="the feed was well"),
        pytest.param([(0, 10, None)], [(0, 10, STALE)], (0, 10, 0, 0), id="the feed was unseen"),
        pytest.param(
            [(0, 5, "TIMEOUT"), (5, 10, "")], [(0, 10, STALE)], (0, 4.25, 5.75, 0), id="half of it"
        ),
        pytest.param([(0, 10, STALE)], [(0, 10, "TIMEOUT")], (0, 10, 0, 0), id="its own silence"),
        pytest.param(
            [(0, 10, "NOT_YET_ASKED")], [(0, 10, STALE)], (0, 10, 0, 0), id="a start of ours"
        ),
        pytest.param([(0, 10, STALE)], [(0, 10, None)], (0, 0, 0, 10), id="not watched"),
        pytest.param(
            [(0, 10, "")],
            [(0, 1, "NOT_YET_ASKED"), (1, 2, "WORKLOAD_UNSEEN"), (2, 3, "EXPIRED"), (3, 10, "")],
            (7, 0, 0, 3),
            id="the first seconds after a start",
        ),
    ],
)
def test_whose_time_it_was(feed, own, expected):
    """Only what the feed explains is the feed's, and what we did not see is no good time."""
    found = attain(SOLD, line(*own), SPANS, (), lost_feed([line(*feed)]))

    assert expected == seconds(found)


def test_who_is_asked_some_seconds_later_tells_of_the_same_feed():
    """What is still said 45 s after the feed is back is the strategy's own."""
    feed = line((0, 4, ""), (4, 7, STALE), (7, 10, ""))
    own = line((0, 3.5, ""), (3.5, 8, STALE), (8, 10, ""))

    assert (5.5, 0.25, 4.25, 0) == seconds(attain(SOLD, own, SPANS, (), lost_feed([feed])))


def test_without_own_time_nothing_is_attained():
    """A session without a feed says nothing about a strategy."""
    feed = line((0, 10, STALE))

    assert attain(SOLD, feed, SPANS, (), lost_feed([feed])).attained is None


@pytest.mark.parametrize(
    ("pieces", "whole", "verdict", "text"),
    [
        pytest.param([(0, 10, "")], None, "met", "met", id="nothing is said of the window"),
        pytest.param([(0, 10, "")], (600, 10, 10), "met", "met", id="the whole window"),
        pytest.param([(0, 8, "")], (600, 10, 10), "missed", "missed", id="the whole, missed"),
        pytest.param(
            [(0, 10, "")],
            (6_000, 10, 9),
            "not_yet",
            "not yet: 9 of 10 sessions watched",
            id="well so far",
        ),
        pytest.param(
            [(0, 5, "TIMEOUT"), (5, 10, "")],
            (6_000, 10, 1),
            "not_yet",
            "not yet: 1 of 10 sessions watched",
            id="bad so far, within the window's budget",
        ),
        pytest.param(
            [(0, 10, "TIMEOUT")],
            (5_999, 10, 1),
            "missed",
            "missed",
            id="more was bad than the whole window allows",
        ),
        pytest.param(
            [(0, 1, "")],
            (5_999, 10, 1),
            "not_yet",
            "not yet: 1 of 10 sessions watched",
            id="more was not watched than the whole window allows",
        ),
        pytest.param(
            [(0, 10, "")],
            (601, 2, 2),
            "not_yet",
            "not yet: the record began after 1 % of the window",
            id="every session, and not the hours before the first",
        ),
    ],
)
def test_a_window_that_is_too_short_carries_no_verdict(pieces, whole, verdict, text):
    """R15.15: before all of it was recorded it is not met yet, and missed only for good."""
    window = WholeWindow(*whole) if whole else None
    found = attain(SOLD, line(*pieces), SPANS, (), (), window)

    (told,) = slo_document(BEGIN, at(10), [found], at(10))["services"]
    assert (verdict, text) == (told["verdict"], told["verdict_text"])
    assert {"met": True, "missed": False, "not_yet": None}[verdict] is told["met"] is found.met


def test_without_a_target_or_any_time_there_is_no_verdict():
    """R15.15: that nothing was promised, and that nothing was watched, are told apart."""
    free = attain(STRATEGY, line((0, 10, "")), SPANS, ())
    unseen = attain(SOLD, [], (), ())

    told = slo_document(BEGIN, at(10), [free, unseen], at(10))["services"]
    assert [("none", "no target"), ("none", "nothing watched yet")] == [
        (t["verdict"], t["verdict_text"]) for t in told
    ]
    assert (None, None) == (free.met, unseen.met)


def test_a_window_begins_where_it_was_asked_for_and_not_where_the_record_does():
    """R15.15: a session counts as watched when no part of it lies before the record began."""
    day = timedelta(days=1)
    sessions = [
        TradingDay(date(2026, 11, 16 + n), BEGIN + n * day, BEGIN + n * day + timedelta(hours=2))
        for n in range(3)
    ]
    until = BEGIN + 3 * day

    def found(began, since=BEGIN):
        return whole_window(SOLD, sessions, since, until, began)

    assert WholeWindow(6 * 3_600, 3, 3) == found(BEGIN - day)
    assert WholeWindow(6 * 3_600, 3, 2) == found(BEGIN + timedelta(minutes=1))
    assert WholeWindow(5 * 3_600, 3, 3) == found(BEGIN - day, BEGIN + timedelta(hours=1))


def test_every_day_is_told_apart_in_new_york():
    """The days of a window are New York's, each with its good, bad and unwatched seconds."""
    begin = datetime(2026, 11, 19, 4, 50, tzinfo=UTC)  # ten minutes before midnight there
    end = begin + timedelta(minutes=30)
    segments = [
        Segment(begin, begin + timedelta(minutes=20), ServiceState.OK, expected=True),
        Segment(begin + timedelta(minutes=20), end, None),
    ]
    found = attain(SOLD, segments, ((begin, end),), ())

    assert (
        AttainedDay(date(2026, 11, 18), 600.0, 0.0, 0.0),
        AttainedDay(date(2026, 11, 19), 600.0, 0.0, 600.0),
    ) == found.days
    assert [100.0, 50.0] == [day.attained for day in found.days]
    assert AttainedDay(date(2026, 11, 18), 0.0, 0.0, 0.0).attained is None
    (told,) = slo_document(begin, end, [found], end)["services"]
    assert {
        "on": "2026-11-19",
        "good_seconds": 600.0,
        "bad_seconds": 0.0,
        "unobserved_seconds": 600.0,
        "attained": 50.0,
    } == told["days"][1]
