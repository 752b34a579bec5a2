"""Market calendar: which published closures can be applied, and why others cannot."""

from datetime import UTC, date, time

import pytest

from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.market_calendar.closures import Closure, ClosureKind, objection_to

CLOSED, EARLY = ClosureKind.CLOSED, ClosureKind.EARLY_CLOSE


def closure(on, kind=CLOSED, close=None):
    """Write down a closure as a person would."""
    return Closure(on, kind, close, "NYSE notice", date(2026, 11, 20), "ops@example.org")


@pytest.mark.parametrize(
    "accepted",
    [
        pytest.param(closure(date(2026, 12, 1)), id="a session removed"),
        pytest.param(closure(date(2026, 12, 1), EARLY, time(9, 31)), id="a session of a minute"),
        pytest.param(closure(date(2026, 12, 1), EARLY, time(15, 59)), id="a minute less"),
        pytest.param(closure(date(2026, 11, 27), EARLY, time(13)), id="what the rules know"),
        pytest.param(closure(date(2026, 11, 27), EARLY, time(12)), id="earlier than early"),
        pytest.param(closure(date(2026, 12, 25)), id="a holiday that the rules know"),
        pytest.param(closure(date(2060, 12, 31)), id="the last covered day"),
    ],
)
def test_a_closure_that_takes_time_away_is_accepted(accepted):
    """A closure may remove a session, shorten it, or repeat what the rules say."""
    assert objection_to(accepted) is None


@pytest.mark.parametrize(
    ("refused", "part", "said"),
    [
        pytest.param(closure(date(2009, 12, 31)), "on", "covers 2010", id="before the calendar"),
        pytest.param(closure(date(2061, 1, 3)), "on", "to 2060-12-31", id="past the calendar"),
        pytest.param(closure(date(2026, 11, 28)), "on", "Saturdays", id="a Saturday"),
        pytest.param(closure(date(2026, 11, 29), EARLY, time(13)), "on", "Sundays", id="a Sunday"),
        pytest.param(
            closure(date(2026, 12, 1), CLOSED, time(13)), "close", "no close", id="closed at one"
        ),
        pytest.param(
            closure(date(2026, 12, 25), EARLY, time(13)), "on", "Christmas Day", id="a holiday"
        ),
        pytest.param(
            closure(date(2026, 12, 1), EARLY), "close", "closing time", id="early, but when"
        ),
        pytest.param(
            closure(date(2026, 12, 1), EARLY, time(9, 30)), "close", "not within", id="at the open"
        ),
        pytest.param(
            closure(date(2026, 12, 1), EARLY, time(16)), "close", "not within", id="at the close"
        ),
        pytest.param(
            closure(date(2026, 11, 27), EARLY, time(14)), "close", "09:30 to 13:00", id="longer"
        ),
        pytest.param(
            closure(date(2026, 12, 1), EARLY, time(13, tzinfo=UTC)), "close", "13:00", id="zoned"
        ),
    ],
)
def test_a_closure_that_cannot_be_is_refused(refused, part, said):
    """What adds trading time, or names a day without a session, is refused with its reason."""
    objection = objection_to(refused)

    assert objection is not None
    assert part == objection.part
    assert said in objection.problem
    with pytest.raises(ValueError, match=f"closure on {refused.on}"):
        MarketCalendar((refused,))


def test_one_date_has_one_closure():
    """Two closures for one date contradict each other, whatever they say."""
    twice = closure(date(2026, 12, 1))

    with pytest.raises(ValueError, match="2026-12-01: entered twice"):
        MarketCalendar((twice, twice))
