"""Market calendar: what holds for every instant, with any closures."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.market_calendar.closures import Closure, ClosureKind, objection_to
from mission_control.model.session import Phase

MICROSECOND = timedelta(microseconds=1)
NEW_YORK = ZoneInfo("America/New_York")
RULES_ALONE = MarketCalendar()

FEW_DATES = st.dates(date(2026, 10, 25), date(2027, 1, 10))
CLOSURES = st.builds(
    Closure,
    on=FEW_DATES,
    kind=st.sampled_from(ClosureKind),
    close=st.none() | st.times(time(9), time(16, 30)),
    source=st.just("NYSE notice"),
    announced=st.just(date(2026, 10, 1)),
    entered_by=st.just("ops@example.org"),
).filter(lambda closure: objection_to(closure) is None)
CALENDARS = st.just(RULES_ALONE) | st.builds(
    MarketCalendar, st.lists(CLOSURES, max_size=30, unique_by=lambda closure: closure.on)
)
FEW_INSTANTS = st.datetimes(
    datetime(2026, 10, 25),  # noqa: DTZ001  (the strategy adds the zone)
    datetime(2027, 1, 10),  # noqa: DTZ001  (the same)
    timezones=st.just(UTC),
)
COVERED_INSTANTS = st.datetimes(
    datetime(2010, 1, 1, 5),  # noqa: DTZ001  (the same)
    datetime(2061, 1, 1, 4, 59, 59, 999999),  # noqa: DTZ001  (the same)
    timezones=st.just(UTC),
)
INSTANTS = FEW_INSTANTS | COVERED_INSTANTS
ANY_DATETIMES = st.datetimes(timezones=st.none() | st.timezones(), allow_imaginary=True)


@given(CALENDARS, INSTANTS)
def test_a_phase_lasts_until_its_boundary(calendar, now):
    """A phase holds from where it began to just before its boundary; then comes the next one."""
    session = calendar.session_at(now)

    assert session.phase_began <= now < session.next_boundary
    assert session.phase is calendar.session_at(session.phase_began).phase
    assert session.phase is calendar.session_at(session.next_boundary - MICROSECOND).phase
    assert session.next_phase is calendar.session_at(session.next_boundary).phase
    assert session.next_phase is not session.phase


@given(CALENDARS, INSTANTS)
def test_all_instants_of_a_phase_agree(calendar, now):
    """Every instant of one phase has the same boundaries, and the phase before differs."""
    session = calendar.session_at(now)
    ends = (session.phase_began, session.next_boundary - MICROSECOND)

    for other in map(calendar.session_at, ends):
        assert session.phase_began == other.phase_began
        assert session.next_boundary == other.next_boundary
        assert session.next_open == other.next_open
    assert session.phase is not calendar.session_at(session.phase_began - MICROSECOND).phase


@given(CALENDARS, INSTANTS)
def test_the_next_open_is_the_first_ahead(calendar, now):
    """The next open is ahead, it opens a session, and no listed session opens before it."""
    session = calendar.session_at(now)
    opens = [day.open for day in calendar.sessions_from(now, 2) if day.open > now]

    assert (opens[0] if opens else None) == session.next_open
    assert session.next_open is None or Phase.OPEN is calendar.session_at(session.next_open).phase


@given(CALENDARS, INSTANTS)
def test_the_phase_follows_from_the_days_hours(calendar, now):
    """OPEN is exactly open <= now < close of the date's trading day in New York (R5.1)."""
    day = calendar.trading_day(now.astimezone(NEW_YORK).date())
    session = calendar.session_at(now)

    trading = day is not None and day.open <= now < day.close
    assert trading is (Phase.OPEN is session.phase)
    assert (day.session_date if day else None) == session.session_date
    assert (day.open if day else None) == session.open
    assert (day.close if day else None) == session.close


@given(CALENDARS, INSTANTS, st.timezones())
def test_an_instant_is_the_same_in_every_zone(calendar, now, zone):
    """How an instant is written does not change what it is."""
    assert calendar.session_at(now) == calendar.session_at(now.astimezone(zone))


@given(CALENDARS, INSTANTS)
def test_closures_only_take_trading_time_away(calendar, now):
    """No closure opens the market at an instant at which the rules have it shut."""
    if Phase.OPEN is calendar.session_at(now).phase:
        assert Phase.OPEN is RULES_ALONE.session_at(now).phase


@given(ANY_DATETIMES)
def test_no_datetime_is_too_strange(now):
    """Any datetime has an answer, and outside the covered days the answer is UNKNOWN."""
    session = RULES_ALONE.session_at(now)

    covered = now.tzinfo is not None and session.phase is not Phase.UNKNOWN
    assert covered is (session.next_boundary is not None)
    if now.tzinfo is None or not 2010 <= now.year <= 2061:
        assert Phase.UNKNOWN is session.phase
        assert session.note
