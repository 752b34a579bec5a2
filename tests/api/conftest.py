"""Fixtures: the API over a paper floor, and which event loop the tests run on."""

from pathlib import Path

import pytest

from tests.api.paper_floor import PaperControl
from tests.record.runs import record


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio."""
    return "asyncio"


@pytest.fixture
def control(tmp_path: Path) -> PaperControl:
    """Give the API over a healthy floor, of which one run was recorded."""
    record(tmp_path)
    return PaperControl(root=tmp_path)
