"""Instants as they are written for programs and for people."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from mission_control.documents.instants import (
    new_york_text,
    new_york_text_or_none,
    seconds_since,
    utc_text,
    utc_text_or_none,
    whole_seconds_text,
)

MORNING = datetime(2026, 11, 18, 15, 15, 3, 250_999, tzinfo=UTC)


def test_programs_read_utc_with_milliseconds():
    """An instant is UTC, with milliseconds and a Z, whatever zone it came in."""
    in_tokyo = MORNING.astimezone(timezone(timedelta(hours=9)))

    assert "2026-11-18T15:15:03.250Z" == utc_text(MORNING) == utc_text(in_tokyo)
    assert "2026-11-18T15:15:03.250Z" == utc_text_or_none(MORNING)
    assert utc_text_or_none(None) is None


def test_the_contract_has_whole_seconds():
    """The fleet's contract bears whole seconds."""
    assert "2026-11-18T15:15:03Z" == whole_seconds_text(MORNING)


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        pytest.param(MORNING, "2026-11-18 10:15:03 EST", id="winter"),
        pytest.param(datetime(2026, 7, 1, 13, 30, tzinfo=UTC), "2026-07-01 09:30:00 EDT", id="dst"),
        pytest.param(
            datetime(2026, 11, 1, 6, 30, tzinfo=UTC), "2026-11-01 01:30:00 EST", id="second 01:30"
        ),
        pytest.param(
            datetime(2026, 11, 1, 5, 30, tzinfo=UTC), "2026-11-01 01:30:00 EDT", id="first 01:30"
        ),
    ],
)
def test_people_read_new_york_with_its_zone(instant, text):
    """People read New York's time, and its zone tells the two 01:30 apart."""
    assert text == new_york_text(instant) == new_york_text_or_none(instant)


def test_what_never_was_has_no_time():
    """None stays None, for people as for ages."""
    assert new_york_text_or_none(None) is None
    assert seconds_since(None, MORNING) is None


def test_ages_are_to_the_millisecond():
    """An age is in seconds, to the millisecond."""
    assert 1.235 == seconds_since(MORNING, MORNING + timedelta(seconds=1.23456))
