"""Fixtures of every test."""

import os
from collections.abc import Generator

import coverage
import pytest

from tests import real_parts
from tests.floor.floor_of_values import FloorOfValues
from tests.s3_server import credentials, s3_server

__all__ = ["credentials", "s3_server"]

LONG = (
    "tests/wiring/test_a_calm_day.py",
    "tests/wiring/test_an_early_close.py",
    "tests/floor/test_the_law.py",
    "tests/floor/test_the_law_of_the_cluster.py",
    "tests/architecture/test_lock.py",
    "tests/real_cluster/",
    "tests/wiring/test_real_cron.py",
    "tests/browser/",
    "tests/alerts_delivery/",
)
"""Files that take minutes, the longest first: begun last, one of them would be waited for alone."""


def pytest_configure(config: pytest.Config) -> None:
    """Keep a variable of the tests from commands under test; workers have to inherit it first."""
    starts_workers = bool(config.getoption("numprocesses", None))
    if not starts_workers:
        os.environ.pop(real_parts.VARIABLE, None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest; a property of a busy machine may take minutes as well."""
    places = {start: place for place, start in enumerate(LONG)}

    def place(item: pytest.Item) -> int:
        return next(
            (at for start, at in places.items() if item.nodeid.startswith(start)), len(LONG)
        )

    items.sort(key=place)
    for item in items:
        if "/test_the_law" in item.nodeid:
            item.add_marker(pytest.mark.timeout(600))


WITHOUT_COVERAGE = (
    "tests/architecture/",
    "tests/benchmarks/",
    "tests/browser/",
    "tests/cli/",
    "tests/golden/",
    "tests/integration/",
    "tests/ops_ui/",
    "tests/processes/",
    "tests/real_cluster/",
    "tests/records/test_crash_safety.py",
    "tests/wiring/",
)
"""Tests of many parts together. Tracing doubles their time, and says nothing of a decision:
its branches are to be tested by values."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure coverage by the tests of values alone."""
    measured = coverage.Coverage.current()
    of_values = not (item.nodeid.startswith(WITHOUT_COVERAGE) or "/test_the_law" in item.nodeid)
    if measured is None or of_values:
        return (yield)
    measured.stop()
    try:
        return (yield)
    finally:
        measured.start()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio."""
    return "asyncio"


@pytest.fixture
def floor() -> FloorOfValues:
    """Return a healthy floor in an open session, with the kill switch engaged."""
    return FloorOfValues()
