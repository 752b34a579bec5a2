"""Decide: whose time it was that a service was not as expected."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mission_control.contract.model.shapes import ServiceState
from mission_control.history.decide import attain, lost_feed
from mission_control.history.model import Segment
from mission_control.model.fleet import Slo, SloWindow
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
