"""Fixtures: a floor of values, healthy unless a test makes it otherwise."""

import pytest

from tests.decide.floor_of_values import FloorOfValues


@pytest.fixture
def floor() -> FloorOfValues:
    """Give a healthy floor in an open session, with the kill switch engaged."""
    return FloorOfValues()
