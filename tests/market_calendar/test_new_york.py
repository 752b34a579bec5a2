"""New York's time, as people write it without a zone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.market_calendar.days import KNOWN_YEARS, in_new_york, read_instant


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        pytest.param("2026-11-18T10:17", "2026-11-18T15:17:00Z", id="winter"),
        pytest.param("2026-07-01 10:17:03.5", "2026-07-01T14:17:03.500Z", id="summer"),
        pytest.param("2026-11-18", "2026-11-18T05:00:00Z", id="a date begins at midnight"),
        pytest.param("2026-11-01T01:30", "2026-11-01T05:30:00Z", id="shown twice: the first"),
        pytest.param(
            "2026-11-01T01:30-05:00", "2026-11-01T06:30:00Z", id="the second, by its zone"
        ),
        pytest.param("2026-03-08T02:30", "2026-03-08T07:30:00Z", id="skipped: an hour later"),
        pytest.param("2026-11-18T10:17Z", "2026-11-18T10:17:00Z", id="UTC"),
        pytest.param("1970-01-01T00:00Z", "1970-01-01T00:00:00Z", id="the first"),
        pytest.param("2999-12-31T23:59:59Z", "2999-12-31T23:59:59Z", id="the last"),
    ],
)
def test_a_time_without_a_zone_is_new_yorks(text, instant):
    """A time names its zone or is New York's; at a change of the clocks the old offset holds."""
    assert datetime.fromisoformat(instant) == read_instant(text)
    assert UTC == read_instant(text).tzinfo


@pytest.mark.parametrize(
    "text",
    [
        "",
        "noon",
        "10:17",
        "1760000000",
        "0001-01-01T00:00+14:00",
        "0001-01-01",
        "9999-12-31T23:59:59-14:00",
        "9999-12-31",
        "10000-01-01",
        "3000-01-01T00:00Z",
        "1969-12-31T23:59:59Z",
        "2026-02-30",
        "2026-11-18T25:00",
        "\u0662\u0660\u0662\u0666-11-18",
        "2026-11-18T10:17\x00",
        "2026-11-18\u200b10:17",
        "2026-11-18T10:17:00." + "0" * 60,
    ],
)
def test_what_is_no_time_is_refused(text):
    """What cannot be placed, or lies where nothing is known, is a ValueError and nothing else."""
    with pytest.raises(ValueError):  # noqa: PT011  (any text of it will do)
        read_instant(text)


@given(st.datetimes(datetime(1971, 1, 1), datetime(2037, 12, 31)))  # noqa: DTZ001  (clock times)
def test_new_yorks_clock_shows_what_was_written(told):
    """New York's clock shows what was written, or an hour more where it skips that."""
    shown = in_new_york(read_instant(told.isoformat())).replace(tzinfo=None)

    assert shown - told in {timedelta(), timedelta(hours=1)}


@given(st.text(max_size=80) | st.from_regex(r"[0-9]{1,5}-[0-9]{2}-[0-9]{2}(T[0-9:.Z+-]{0,20})?"))
def test_any_text_is_a_time_or_refused(text):
    """Whatever is written, it is an instant of the known years or a ValueError."""
    try:
        instant = read_instant(text)
    except ValueError:
        return
    assert instant.year in KNOWN_YEARS
