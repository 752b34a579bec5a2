"""Fixtures: the API over a paper floor, and which event loop the tests run on."""

import pytest

from tests.api.paper_floor import PaperControl


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio."""
    return "asyncio"


@pytest.fixture
def control() -> PaperControl:
    """Give the API over a healthy floor."""
    return PaperControl()
