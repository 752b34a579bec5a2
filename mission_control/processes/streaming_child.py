"""
A child process of our own that makes one long stream of bytes, and ends with its reader.

It is started for one stream. A reader that is slow slows it, and one that goes away ends it:
nothing is kept of what was not read. Each piece has its length before it, and one of no length is
the end: a stream that breaks off is never taken for a whole one.
"""

import asyncio
import contextlib
import os
import pickle
import signal
import struct
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from mission_control.processes.child_process import ENDING_SECONDS, PIECE, start_child

_LENGTH = struct.Struct("!I")
SILENT_SECONDS = 300.0
"""One that says nothing for so long has hung."""


class StreamBrokenError(Exception):
    """A stream that did not come to its end; what was read of it is not the whole."""


def run_streaming(make: Callable[[object], AsyncIterable[bytes]]) -> None:
    """
    Be the child: read the setup, write the stream that is made from it, and end.

    It ends with its parent as well, for that closes our standard input.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # our parent ends us
    told = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever else is printed must not end up between pieces
    given = sys.stdin.buffer
    head = given.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return
    setup = pickle.loads(given.read(*_LENGTH.unpack(head)))  # noqa: S301  (our own parent wrote it)
    threading.Thread(target=_end_with_parent, args=(given,), daemon=True).start()
    with contextlib.suppress(BrokenPipeError):
        asyncio.run(_write_all(make(setup), told))


def _end_with_parent(given: BinaryIO) -> None:
    given.read(1)
    os._exit(0)


async def _write_all(stream: AsyncIterable[bytes], told: BinaryIO) -> None:
    async for content in stream:
        for begin in range(0, len(content), PIECE):
            _write(told, content[begin : begin + PIECE])
    _write(told, b"")


def _write(told: BinaryIO, piece: bytes) -> None:
    rest = memoryview(_LENGTH.pack(len(piece)) + piece)
    while rest:
        rest = rest[told.write(rest) :]


@dataclass(frozen=True, slots=True)
class StreamingChild:
    """How such a child is started; it gets the processor `nice` steps after us."""

    module: str
    environ: Mapping[str, str]
    nice: int = 0

    async def stream(self, setup: object) -> AsyncGenerator[bytes]:
        """
        Return the pieces that a child makes from a setup; raises StreamBrokenError.

        The child is killed when this generator is closed, and when it says nothing for long.
        """
        try:
            process = await start_child(self.module, self.environ, self.nice)
        except OSError as error:
            raise StreamBrokenError(f"its process cannot be started: {error.strerror}") from error
        try:
            packed = pickle.dumps(setup)
            assert process.stdin is not None  # noqa: S101  (they are pipes)
            assert process.stdout is not None  # noqa: S101
            process.stdin.write(_LENGTH.pack(len(packed)) + packed)
            while piece := await _next_piece(process.stdout):
                yield piece
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ENDING_SECONDS):
                    await process.wait()


async def _next_piece(stdout: asyncio.StreamReader) -> bytes:
    """Return the next piece; an empty one at the end."""
    try:
        async with asyncio.timeout(SILENT_SECONDS):
            (length,) = _LENGTH.unpack(await stdout.readexactly(_LENGTH.size))
            return await stdout.readexactly(length)
    except asyncio.IncompleteReadError as error:
        raise StreamBrokenError("its process ended before its end") from error
    except TimeoutError as error:
        raise StreamBrokenError(f"its process said nothing for {SILENT_SECONDS:g} s") from error
