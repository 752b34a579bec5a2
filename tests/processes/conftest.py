"""Fixtures: the event loop, and children that do what they are asked."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from mission_control.processes.child_process import ChildProcess

ROOT = str(Path(__file__).parents[2])


@pytest.fixture
async def child() -> AsyncIterator[Callable[..., Any]]:
    """Yield a way to keep a child for the time of the test."""
    async with AsyncExitStack() as stack:

        async def keep(
            setup: object = "well",
            environ: dict[str, str] | None = None,
            at_once: int = 4,
            waiting: int = 32,
        ):
            environ = {"PYTHONPATH": ROOT, **(environ or {})}
            process = ChildProcess(
                "tests.processes.a_child", setup, environ, at_once, waiting, nice=3
            )
            return await stack.enter_async_context(process.kept())

        yield keep
