"""The messages between the two ends: a number, a pickled value, bytes beside it."""

import asyncio
import pickle
import struct
from typing import BinaryIO

from mission_control.processes.model import Answered, Unanswered

HEAD = struct.Struct("!QIQ")
"""Before each message: the question's number, bytes of its value, and bytes beside the value."""
READY = 0
"""The number of the setup, and of the message with which a child says that it can be asked."""
PIECE = 256 * 1024
"""Bytes that are passed on at once."""


def pack_message(number: int, value: object, beside: int = 0) -> bytes:
    """Write a message up to the bytes that come beside it."""
    packed = pickle.dumps(value)
    return HEAD.pack(number, len(packed), beside) + packed


async def read_message(stream: asyncio.StreamReader) -> tuple[int, Answered | Unanswered]:
    """Read what a child says; its bytes come in pieces, so that no piece holds a loop up."""
    number, size, beside = HEAD.unpack(await stream.readexactly(HEAD.size))
    value = pickle.loads(await stream.readexactly(size))  # noqa: S301  (our own child wrote it)
    pieces = list[bytes]()
    while beside > 0:
        piece = await stream.read(min(PIECE, beside))
        if not piece:
            raise asyncio.IncompleteReadError(b"", beside)
        pieces.append(piece)
        beside -= len(piece)
    return number, value if isinstance(value, Unanswered) else Answered(value, tuple(pieces))


def next_message(given: BinaryIO) -> tuple[int, object] | None:
    """Read what a child is asked; None where there will be nothing more."""
    head = given.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    number, size, _ = HEAD.unpack(head)
    value = given.read(size)
    return (number, pickle.loads(value)) if len(value) == size else None  # noqa: S301  (as above)
