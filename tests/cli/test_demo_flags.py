"""`demo`: what its flags mean, before anything is served."""

from datetime import UTC, datetime

import pytest

from mission_control.cli.demo import demo


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        pytest.param("2026-11-27T12:55", datetime(2026, 11, 27, 17, 55, tzinfo=UTC), id="winter"),
        pytest.param(
            "2026-07-01T09:29:30", datetime(2026, 7, 1, 13, 29, 30, tzinfo=UTC), id="summer"
        ),
        pytest.param("2026-11-27T12:55Z", datetime(2026, 11, 27, 12, 55, tzinfo=UTC), id="UTC"),
        pytest.param(
            "2026-11-27T12:55+01:00", datetime(2026, 11, 27, 11, 55, tzinfo=UTC), id="offset"
        ),
        pytest.param("2026-11-27", datetime(2026, 11, 27, 5, tzinfo=UTC), id="date"),
    ],
)
def test_a_time_without_an_offset_is_new_yorks(text, instant):
    """
    --at takes an instant with its offset, or New York's clock time without one.
    """
    given = demo.make_context("demo", ["--at", text]).params

    assert instant == given["at"]


def test_the_calm_floor_is_shown_at_its_own_time_by_default():
    """
    Without flags the scenario is calm, and the instant is left to the scenario.
    """
    given = demo.make_context("demo", []).params

    assert ("calm", None) == (given["scenario"], given["at"])
    assert (8080, 8090, 9100) == (given["port"], given["ui_port"], given["floor_port"])
