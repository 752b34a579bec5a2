"""Writes a bundle piece by piece: a canonical ZIP that is a BagIt bag."""

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from importlib.resources import files

from mission_control.evidence.verify import (
    AFTER,
    BAGIT,
    BEFORE,
    DATA,
    MANIFEST,
    SUMS,
    TAGS,
    Entry,
    File,
    central_header,
    end_of_zip,
    local_header,
    sums,
)

MOST_BYTES = 2 * 1024**3
"""No file of a bundle is larger."""


def verifier() -> bytes:
    """Return the bytes of `verify.py`, as every bundle of this version holds them."""
    return files("mission_control.evidence").joinpath("verify.py").read_bytes()


class BagWriter:
    """
    Returns the bytes of a bundle in their order; holds of each file its digest alone.

    First `begin`, then `add` for each file below data/, then `finish`.
    """

    def __init__(self, name: str) -> None:
        """Write a bag whose folder has this name."""
        self.name = name
        self._files = list[File]()
        self._entries = list[tuple[Entry, int]]()
        self._at = 0

    def begin(self) -> Iterator[bytes]:
        """Return the files that come first."""
        yield from self._put(BEFORE[0], BAGIT)
        yield from self._put(BEFORE[1], verifier())

    def add(self, path: str, content: bytes) -> Iterator[bytes]:
        """Return a file below data/; raises ValueError for one that is too large."""
        if not path.startswith(DATA) or len(content) > MOST_BYTES:
            raise ValueError(f"{path} cannot be in a bundle")
        return self._put(path, content)

    def payload(self) -> tuple[int, int]:
        """Return how many bytes and files are below data/ so far."""
        data = self._data()
        return sum(f.size for f in data), len(data)

    def finish(self, index: bytes, info: Iterable[tuple[str, str]]) -> Iterator[bytes]:
        """Return the page for a reader, the lists, and the ZIP's own end."""
        size, count = self.payload()
        told = "".join(f"{k}: {v}\n" for k, v in (*info, ("Payload-Oxum", f"{size}.{count}")))
        yield from self._put(AFTER[0], index)
        yield from self._put(AFTER[1], told.encode())
        yield from self._put(MANIFEST, sums(self._data()))
        yield from self._put(SUMS, sums(self._files))
        yield from self._put(TAGS, sums([f for f in self._files if not f.path.startswith(DATA)]))
        begin, directory = self._at, 0
        for entry, offset in self._entries:
            line = central_header(entry, offset)
            directory += len(line)
            yield line
        yield end_of_zip(len(self._entries), directory, begin)

    def _data(self) -> list[File]:
        return [f for f in self._files if f.path.startswith(DATA)]

    def _put(self, path: str, content: bytes) -> Iterator[bytes]:
        entry = Entry(f"{self.name}/{path}".encode("ascii"), zlib.crc32(content), len(content))
        self._files.append(File(path, hashlib.sha256(content).hexdigest(), len(content)))
        head = local_header(entry)
        self._entries.append((entry, self._at))
        self._at += len(head) + len(content)
        return iter((head, content))
