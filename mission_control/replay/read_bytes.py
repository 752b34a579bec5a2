"""
The bytes of a source: plain, gzip or zstd, in blocks of whole lines.

What a source is says its beginning, not its name. However it ends, what was read before is
given: why it broke off stands in the reading.
"""

import zlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from backports import zstd

BLOCK = 1 << 16
"""Bytes that are unpacked and looked through at a time."""
LONGEST_LINE = 1 << 20
"""Bytes of a line, its end apart; longer ones are only looked through for marks."""
_LARGEST_WINDOW = 25
"""Packing with a larger window than 2**25 bytes would take that much memory to unpack."""

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_REFUSED = {
    b"\xff\xfe": "it is UTF-16; convert it to UTF-8",
    b"\xfe\xff": "it is UTF-16; convert it to UTF-8",
    b"BZh": "it is packed with bzip2; unpack it first",
    b"\xfd7zXZ\0": "it is packed with xz; unpack it first",
    b"PK\x03\x04": "it is a zip archive; unpack it first",
    b"\x04\x22\x4d\x18": "it is packed with lz4; unpack it first",
}
_LONGEST_MAGIC = 6


@dataclass(slots=True)
class Reading:
    """
    How far a source was read: bytes taken from it, bytes unpacked, and why it broke off.

    `advance` is told of the bytes that are taken, as they are, and `keep` is given them.
    """

    advance: Callable[[int], object] = lambda _taken: None
    keep: Callable[[bytes], object] | None = None
    taken: int = 0
    unpacked: int = 0
    broke_off: str = ""


def read_blocks(stream: BinaryIO, reading: Reading) -> Iterator[bytes]:
    """Yield the unpacked bytes of a source; what ends it early stands in the reading."""
    try:
        for block in _unpacked(stream, reading):
            reading.unpacked += len(block)
            yield block
    except OSError as error:
        reading.broke_off = f"it cannot be read on: {error.strerror or type(error).__name__}"
    except zlib.error:
        reading.broke_off = "its gzip data is damaged"
    except zstd.ZstdError as error:
        large = "window" in str(error).casefold() or "memory" in str(error).casefold()
        remedy = "it needs too large a window; unpack it first"
        reading.broke_off = remedy if large else "its zstd data is damaged"


def read_rest(stream: BinaryIO, reading: Reading) -> bool:
    """Take what was left of a source that broke off; gives whether its end was reached."""
    try:
        while _taken(stream, reading):
            pass
    except OSError:
        return False
    return True


def _taken(stream: BinaryIO, reading: Reading) -> bytes:
    taken = stream.read(BLOCK)
    reading.taken += len(taken)
    if reading.keep is not None:
        reading.keep(taken)
    reading.advance(len(taken))
    return taken


def _unpacked(stream: BinaryIO, reading: Reading) -> Iterator[bytes]:
    head = b""
    while len(head) < _LONGEST_MAGIC and (more := _taken(stream, reading)):
        head += more
    why = next((why for magic, why in _REFUSED.items() if head.startswith(magic)), "")
    if why:
        reading.broke_off = why
    elif head.startswith(_GZIP):
        yield from _members(stream, reading, head, _gzip_member, _GZIP)
    elif head.startswith(_ZSTD):
        yield from _members(stream, reading, head, _zstd_frame, _ZSTD)
    else:
        while head:
            yield head
            head = _taken(stream, reading)


Member = Callable[[BinaryIO, Reading, bytes], Generator[bytes, None, bytes | None]]


def _members(
    stream: BinaryIO, reading: Reading, data: bytes, member: Member, magic: bytes
) -> Iterator[bytes]:
    """Unpack one member after another; behind the last there may be zeros, and nothing else."""
    while data:
        rest = yield from member(stream, reading, data)
        if rest is None:
            reading.broke_off = "it ends within its packed data"
            return
        data = rest.lstrip(b"\0")
        while len(data) < len(magic) and (more := _taken(stream, reading)):
            data = (data + more).lstrip(b"\0") if not data else data + more
        if data and not data.startswith(magic):
            reading.broke_off = "what follows its packed data is none"
            return


def _gzip_member(
    stream: BinaryIO, reading: Reading, data: bytes
) -> Generator[bytes, None, bytes | None]:
    """Unpack one gzip member; gives what follows it, None where it is not ended."""
    unpacker = zlib.decompressobj(wbits=31)
    while not unpacker.eof:
        if not data:
            data = _taken(stream, reading)
            if not data:
                return None
        block = unpacker.decompress(data, BLOCK)
        data = unpacker.unconsumed_tail
        if block:
            yield block
    return unpacker.unused_data


def _zstd_frame(
    stream: BinaryIO, reading: Reading, data: bytes
) -> Generator[bytes, None, bytes | None]:
    """Unpack one zstd frame; gives what follows it, None where it is not ended."""
    limits: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _LARGEST_WINDOW}
    unpacker = zstd.ZstdDecompressor(options=limits)
    while not unpacker.eof:
        if unpacker.needs_input and not data:
            data = _taken(stream, reading)
            if not data:
                return None
        block = unpacker.decompress(data, BLOCK)
        data = b""
        if block:
            yield block
    return unpacker.unused_data


@dataclass(frozen=True, slots=True)
class LongLine:
    """A line that is too long: its parts come one after another, overlapping; `last` ends it."""

    part: bytes
    last: bool = False


OVERLAP = 1_024
"""Bytes of a long line's part that the part before it had as well."""


def whole_lines(blocks: Iterator[bytes]) -> Iterator[bytes | LongLine]:
    """
    Yield blocks of whole lines, each with its end but for the source's last.

    A line beyond `LONGEST_LINE` that a block does not end comes in parts.
    """
    rest, long = b"", False
    for block in blocks:
        if long:
            end = block.find(b"\n") + 1
            part, block = (block[:end], block[end:]) if end else (block, b"")  # noqa: PLW2901
            yield LongLine(rest + part, last=bool(end))
            rest, long = (rest + part)[-OVERLAP:] if not end else b"", not end
            if long:
                continue
        cut = block.rfind(b"\n") + 1
        if cut:
            yield rest + block[:cut]
            rest = block[cut:]
        else:
            rest += block
        if len(rest) > LONGEST_LINE:
            yield LongLine(rest)
            rest, long = rest[-OVERLAP:], True
    if long:
        yield LongLine(b"", last=True)
    elif rest:
        yield rest
