"""Decide: the verdict that is served belongs to this session, whatever was recorded before."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.readiness.decide.readiness import judge_current
from mission_control.readiness.model import ReadinessVerdict, RecordedVerdict
from tests.floor.cluster_of_values import IDENTITY
from tests.floor.floor_of_values import CLOSE_AT, NOW, session_at


def new_york(day, clock):
    """Return an instant by its date and time in New York, in winter."""
    return datetime.fromisoformat(f"{day}T{clock}-05:00").astimezone(UTC)


def verdict_of(day, clock, code="READINESS_NO_GO"):
    """Return a recorded verdict of a day and time in New York; GO without a code."""
    at = new_york(day, clock)
    kind = ReadinessVerdict.NO_GO if code else ReadinessVerdict.GO
    date = MarketCalendar().session_at(at).session_date
    return RecordedVerdict(at, date and date.isoformat(), kind, code, "d")


WEDNESDAY, THANKSGIVING, FRIDAY, SATURDAY = (f"2026-11-{day}" for day in (25, 26, 27, 28))
EVENING_BEFORE = verdict_of(WEDNESDAY, "16:30:03", "SESSION_CLOSED")
MISSED_DETAIL = (
    "the readiness planned for today {} brought no verdict; the last verdict is NO-GO"
    " SESSION_CLOSED of 2026-11-25 16:30:03 EST, about the session of 2026-11-25"
)


@pytest.mark.parametrize(
    ("newest", "day", "clock", "code", "detail"),
    [
        pytest.param(
            EVENING_BEFORE, FRIDAY, "10:00:00", "READINESS_MISSING",
            MISSED_DETAIL.format("09:35:00 EST"), id="open, every run missed",
        ),
        pytest.param(
            EVENING_BEFORE, FRIDAY, "08:36:00", "READINESS_MISSING",
            MISSED_DETAIL.format("08:30:00 EST"), id="T-60 missed",
        ),
        pytest.param(
            verdict_of(WEDNESDAY, "09:35:00", ""), FRIDAY, "08:36:00", "READINESS_EXPIRED",
            "the readiness planned for today 08:30:00 EST brought no verdict; the last verdict is"
            " GO of 2026-11-25 09:35:00 EST, about the session of 2026-11-25",
            id="T-60 missed after a GO of another day",
        ),
        pytest.param(
            None, FRIDAY, "08:36:00", "READINESS_MISSING",
            "the readiness planned for today 08:30:00 EST brought no verdict;"
            " no readiness is recorded", id="T-60 missed, nothing recorded",
        ),
        pytest.param(
            EVENING_BEFORE, FRIDAY, "08:31:00", "READINESS_MISSING",
            "this session is not judged yet: its readiness is planned for 08:30:00 EST; the last"
            " verdict is NO-GO SESSION_CLOSED of 2026-11-25 16:30:03 EST, about the session of"
            " 2026-11-25", id="T-60 under way",
        ),
        pytest.param(
            verdict_of(FRIDAY, "07:00:00", "SESSION_CLOSED"), FRIDAY, "08:36:00",
            "READINESS_MISSING",
            "the readiness planned for today 08:30:00 EST brought no verdict; the last verdict is"
            " NO-GO SESSION_CLOSED of today 07:00:00 EST", id="judged before GO could be given",
        ),
        pytest.param(
            verdict_of(FRIDAY, "08:30:00"), FRIDAY, "09:25:00", "READINESS_NO_GO",
            "the run of 08:30:00 EST says NO-GO; the readiness planned for 09:15:00 EST brought"
            " no verdict", id="NO-GO, then T-15 missed",
        ),
        pytest.param(
            EVENING_BEFORE, FRIDAY, "00:00:00", "SESSION_CLOSED",
            "not yet due: the readiness of this session is planned for 08:30:00 EST; the last"
            " verdict is NO-GO SESSION_CLOSED of 2026-11-25 16:30:03 EST, about the session of"
            " 2026-11-25", id="midnight",
        ),
        pytest.param(
            None, FRIDAY, "08:29:59", "SESSION_CLOSED",
            "not yet due: the readiness of this session is planned for 08:30:00 EST;"
            " no readiness is recorded", id="before T-60",
        ),
        pytest.param(
            verdict_of(FRIDAY, "09:35:00", ""), FRIDAY, "13:00:00", "SESSION_CLOSED",
            "this session closed at 13:00:00 EST (early close), and GO is given from an hour"
            " before the open to the close; the next is planned to be judged at 2026-11-30"
            " 08:30:00 EST; the last verdict is GO of today 09:35:00 EST", id="early close",
        ),
        pytest.param(
            EVENING_BEFORE, THANKSGIVING, "10:00:00", "SESSION_CLOSED",
            "no session today: holiday, Thanksgiving Day (NYSE Rule 7.2); the next is planned to be"
            " judged at 2026-11-27 08:30:00 EST; the last verdict is NO-GO SESSION_CLOSED of"
            " 2026-11-25 16:30:03 EST, about the session of 2026-11-25", id="holiday",
        ),
        pytest.param(
            verdict_of(SATURDAY, "11:00:00"), SATURDAY, "12:00:00", "SESSION_CLOSED",
            "no session today: weekend; the next is planned to be judged at 2026-11-30 08:30:00"
            " EST; the last verdict is NO-GO READINESS_NO_GO of today 11:00:00 EST",
            id="weekend, judged after a deploy",
        ),
        pytest.param(
            verdict_of(SATURDAY, "11:00:00"), "2026-11-29", "12:00:00", "SESSION_CLOSED",
            "no session today: weekend; the next is planned to be judged at 2026-11-30 08:30:00"
            " EST; the last verdict is NO-GO READINESS_NO_GO of 2026-11-28 11:00:00 EST, about"
            " no session", id="weekend, judged the day before",
        ),
    ],
)  # fmt: skip
def test_what_is_served_is_about_this_session(newest, day, clock, code, detail):
    """A verdict of another day is told beside it, dated, and never as this session's."""
    now = new_york(day, clock)
    served = judge_current(
        newest,
        MarketCalendar().session_at(now),
        new_york(day, "00:00:00"),
        (),
        "d",
        cluster=IDENTITY,
    )

    assert (ReadinessVerdict.NO_GO, code, detail) == (served.verdict, served.code, served.detail)


def test_a_session_that_is_not_known_gives_no_go():
    """Past its last covered day the calendar cannot say when a session would be."""
    unknown = MarketCalendar().session_at(datetime(2100, 1, 4, tzinfo=UTC))
    served = judge_current(None, unknown, NOW, (), "d", cluster=IDENTITY)

    assert (ReadinessVerdict.NO_GO, "SESSION_CLOSED") == (served.verdict, served.code)
    assert "the session is not known: the calendar covers" in served.detail


def test_the_last_session_of_the_calendar_has_no_next():
    """What comes after the last covered day is not made up."""
    last = replace(session_at(CLOSE_AT), next_open=None)

    assert (
        "planned to be judged"
        not in judge_current(None, last, NOW, (), "d", cluster=IDENTITY).detail
    )
