"""A program that is run within bounds of time and output, and inherits nothing."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

KILLED_SECONDS = 2.0
"""One that waits for a dead mount cannot even be killed; it is left behind after this time."""
_CHUNK = 64 * 1024


class OutputTooLongError(Exception):
    """It wrote more than it may, and was ended: its output is not known as a whole."""


class Ended(NamedTuple):
    """How a program ended; standard error is for people, and never taken for an answer."""

    code: int
    output: bytes
    error: str


async def run_bounded(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    seconds: float,
    max_output: int,
) -> Ended:
    """
    Run a program with this environment alone, and end it and its children when it is too much.

    It has no terminal, no input and no open file of ours. Raises OSError where it cannot be
    started, TimeoutError, and OutputTooLongError past `max_output` bytes on either stream.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            output = group.create_task(_take(process.stdout, max_output))
            error = group.create_task(_take(process.stderr, max_output))
            code = await process.wait()
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    finally:
        await _end(process)
    return Ended(code, output.result(), error.result().decode(errors="replace"))


async def _take(stream: asyncio.StreamReader | None, at_most: int) -> bytes:
    taken = bytearray()
    while stream is not None and (chunk := await stream.read(_CHUNK)):
        taken += chunk
        if len(taken) > at_most:
            raise OutputTooLongError(f"it wrote more than {at_most} bytes")
    return bytes(taken)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a program with its whole process group, which may outlive it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(TimeoutError):
        async with asyncio.timeout(KILLED_SECONDS):
            for stream in (process.stdout, process.stderr):
                while stream is not None and await stream.read(_CHUNK):
                    pass  # what is unread keeps its pipe open
            await process.wait()
