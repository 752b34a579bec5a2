"""Fixtures of every test."""

from pathlib import Path

import pytest

from tests.floor.floor_of_values import FloorOfValues
from tests.s3_server import credentials, s3_server

__all__ = ["credentials", "s3_server"]

_LONGEST = ("test_a_calm_day.py", "test_an_early_close.py", "test_the_law.py")
"""Files that take minutes: begun first, so that no worker is alone with one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest; workers are handed whole files in this order."""
    items.sort(key=lambda item: Path(item.fspath).name not in _LONGEST)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio."""
    return "asyncio"


@pytest.fixture
def floor() -> FloorOfValues:
    """Return a healthy floor in an open session, with the kill switch engaged."""
    return FloorOfValues()
