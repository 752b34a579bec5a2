"""
Check a bundle of evidence: `python3 verify.py BUNDLE.zip`, or without a name the folder it is in.

Standard library only, Python 3.9 or newer, no network, nothing is written. Exits with 0 where all
is as it was exported, and with 4 where anything is not, which is named. A signature or a time stamp
beside the bundle is NOT CHECKED here, and this file may itself have been altered: who alters a
bundle can make every sum in it fit again. `mission-control evidence verify` checks those.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import struct
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

BEFORE = ("bagit.txt", "verify.py")
"""The first files of a bundle; those below data/ follow."""
AFTER = (
    "index.html",
    "bag-info.txt",
    "manifest-sha256.txt",
    "SHA256SUMS",
    "tagmanifest-sha256.txt",
)
MANIFEST, SUMS, TAGS = AFTER[-3:]
DATA, ABOUT = "data/", "data/bundle.json"
LEDGER, ARTIFACTS = "data/ledger/lines.jsonl", "data/artifacts/"
BAGIT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
NOT_CHECKED = ("signature: NOT CHECKED", "time stamp: NOT CHECKED")
FAILED = 4
PIECE = 1024 * 1024
MOST_HELD = 512 * 1024 * 1024
"""Bytes of a list of files, or of the ledger, that are read at most."""

ALTERED, MISSING, ADDED = "ALTERED", "MISSING", "ADDED"
MOVED, TRUNCATED, UNREADABLE = "MOVED", "TRUNCATED", "UNREADABLE"


class Discrepancy(NamedTuple):
    """One thing that is not as it was exported."""

    path: str
    kind: str
    detail: str


class File(NamedTuple):
    """A file as it was found: its path within the bag, the SHA-256 of its bytes, its size."""

    path: str
    sha256: str
    size: int


# The form of the ZIP: stored entries one after the other, no extra fields, one date. Every byte
# that is no file's content follows from the names, checksums and sizes.

_LOCAL, _CENTRAL = b"PK\x03\x04", b"PK\x01\x02"
_HEAD = struct.Struct("<4s5H3L2H")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_DATE, _MADE_BY, _MODE = 0x21, 0x031E, 0o100644 << 16
_PLAIN, _LARGE = 10, 45
_MOST_32, _MOST_16 = 0xFFFFFFFF, 0xFFFF


class Entry(NamedTuple):
    """An entry of the ZIP, as its headers name it."""

    name: bytes
    crc32: int
    size: int


def local_header(entry: Entry) -> bytes:
    """Return what stands before an entry's bytes."""
    crc, size, named = entry.crc32, entry.size, len(entry.name)
    return _HEAD.pack(_LOCAL, _PLAIN, 0, 0, 0, _DATE, crc, size, size, named, 0) + entry.name


def central_header(entry: Entry, offset: int) -> bytes:
    """Return an entry's line of the ZIP's directory; one far behind has its place in an extra."""
    far = offset >= _MOST_32
    needed = _LARGE if far else _PLAIN
    extra = struct.pack("<2HQ", 1, 8, offset) if far else b""
    crc, size, named = entry.crc32, entry.size, len(entry.name)
    dates = (0, 0, 0, _DATE)
    rest = (named, len(extra), 0, 0, 0, _MODE, min(offset, _MOST_32))
    told = _ENTRY.pack(_CENTRAL, _MADE_BY, needed, *dates, crc, size, size, *rest)
    return told + entry.name + extra


def end_of_zip(count: int, size: int, offset: int) -> bytes:
    """Return what follows the directory, which has so many entries and bytes and begins there."""
    end = b""
    if count >= _MOST_16 or size >= _MOST_32 or offset >= _MOST_32:
        told = (_MADE_BY, _LARGE, 0, 0, count, count, size, offset)
        end = _END64.pack(b"PK\x06\x06", 44, *told)
        end += _LOCATOR.pack(b"PK\x06\x07", 0, offset + size, 1)
    few, small, near = min(count, _MOST_16), min(size, _MOST_32), min(offset, _MOST_32)
    return end + _END.pack(b"PK\x05\x06", 0, 0, few, few, small, near, 0)


class _Zip:
    """Reads a bundle from its beginning to its end, and says what is not as we write it."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.size = stream.seek(0, os.SEEK_END)
        self.found: list[Discrepancy] = []
        self.entries: list[Entry] = []
        self.at = 0

    def read(self, at: int, count: int) -> bytes:
        if at < 0:
            return b""
        self.stream.seek(min(at, self.size))
        return self.stream.read(max(count, 0))

    def files(self) -> Iterator[tuple[Entry, str, int]]:
        """Return each entry with the SHA-256 of its bytes and where those begin."""
        listed = self._listed()
        while True:
            says = listed[len(self.entries)] if len(self.entries) < len(listed) else None
            entry = self._choose(says)
            if entry is None:
                break
            begin = self.at + _HEAD.size + len(entry.name)
            if self.read(self.at, begin - self.at) != local_header(entry):
                self.say(entry, "its header in the ZIP is not as it was written")
            digest, crc32, size = self._digest(begin, entry.size)
            if (crc32, size) != (entry.crc32, entry.size):
                self.say(entry, "its bytes are not those of its checksum in the ZIP")
            self.entries.append(entry)
            self.at = begin + entry.size
            yield entry, digest, begin
        self._check_end()

    def say(self, entry: Entry, detail: str) -> None:
        self.found.append(Discrepancy(_shown(entry.name), ALTERED, detail))

    def _choose(self, says: Entry | None) -> Entry | None:
        """Return the entry that begins here: of two accounts, the one that leads on."""
        told = self._told_here()
        if told is None and self.read(self.at, 4) == _CENTRAL:
            return None
        accounts = [a for a in (says, told) if a is not None]
        for account in accounts:
            if self.read(self._end_of(account), 4) in (_LOCAL, _CENTRAL):
                return account
        return next((a for a in accounts if self._end_of(a) <= self.size), None)

    def _end_of(self, entry: Entry) -> int:
        return self.at + _HEAD.size + len(entry.name) + entry.size

    def _told_here(self) -> Entry | None:
        head = self.read(self.at, _HEAD.size)
        if len(head) < _HEAD.size or not head.startswith(_LOCAL):
            return None
        _, _, _, _, _, _, crc, size, _, named, _ = _HEAD.unpack(head)
        return Entry(self.read(self.at + _HEAD.size, named), crc, size)

    def _listed(self) -> list[Entry]:
        """Return the entries as the ZIP's directory lists them, as far as it can be read."""
        end = self.read(self.size - _END.size, _END.size)
        if len(end) < _END.size or not end.startswith(b"PK\x05\x06"):
            return []
        length, before = _END.unpack(end)[5], _END.size
        larger = self.read(self.size - _END.size - _LOCATOR.size - _END64.size, _END64.size)
        if larger.startswith(b"PK\x06\x06"):
            length, before = _END64.unpack(larger)[8], _END.size + _LOCATOR.size + _END64.size
        at, listed = self.size - before - length, list[Entry]()
        while 0 <= at < self.size - before:
            line = self.read(at, _ENTRY.size)
            if len(line) < _ENTRY.size or not line.startswith(_CENTRAL):
                break
            told = _ENTRY.unpack(line)
            listed.append(Entry(self.read(at + _ENTRY.size, told[10]), told[7], told[8]))
            at += _ENTRY.size + told[10] + told[11]
        return listed

    def _digest(self, at: int, size: int) -> tuple[str, int, int]:
        digest, crc32, left = hashlib.sha256(), 0, size
        self.stream.seek(min(at, self.size))
        while left > 0:
            piece = self.stream.read(min(PIECE, left))
            if not piece:
                break
            digest.update(piece)
            crc32 = zlib.crc32(piece, crc32)
            left -= len(piece)
        return digest.hexdigest(), crc32, size - left

    def _check_end(self) -> None:
        """Compare what follows the last entry with what follows from all of them."""
        at, begin = 0, self.at
        if self.read(begin, 4) != _CENTRAL:
            detail = f"from byte {begin} of {self.size} on nothing can be read"
            self.found.append(Discrepancy("(the ZIP)", TRUNCATED, detail))
            return
        for entry in self.entries:
            expected = central_header(entry, at)
            if self.read(self.at, len(expected)) != expected:
                self.say(entry, "its line of the ZIP's directory is not as it was written")
            self.at += len(expected)
            at += _HEAD.size + len(entry.name) + entry.size
        end = end_of_zip(len(self.entries), self.at - begin, begin)
        if self.at + len(end) > self.size:
            detail = f"it has {self.size} of at least {self.at + len(end)} bytes"
            self.found.append(Discrepancy("(the ZIP)", TRUNCATED, detail))
        elif self.read(self.at, len(end) + 1) != end:
            detail = "its end is not as it was written"
            self.found.append(Discrepancy("(the ZIP)", ALTERED, detail))


def _shown(name: bytes) -> str:
    """Return a name as it may be printed; within the bag, its path there."""
    text = name.decode("ascii", "backslashreplace")
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)[:300]
    return shown.partition("/")[2] if "/" in shown else shown


Read = Callable[[str], bytes]


class Bag:
    """What the files of a bag say of each other; `ordered` where their order is known."""

    def __init__(self, name: str, files: list[File], read: Read, *, ordered: bool) -> None:
        """Take the files as they were found; `read` returns the bytes of one."""
        self.name = name
        self.files = files
        self.read = read
        self.ordered = ordered
        self.by_path: dict[str, File] = {f.path: f for f in files}
        self.found: list[Discrepancy] = []
        self.about: dict[str, Any] = {}

    def say(self, path: str, kind: str, detail: str) -> None:
        """Note a discrepancy."""
        self.found.append(Discrepancy(path, kind, detail))

    def check(self) -> None:
        """Compare every file with what the lists say, and the lists with each other."""
        for path, count in Counter(f.path for f in self.files).items():
            if count > 1:
                self.say(path, ADDED, f"it is there {count} times")
        listed = self._listed(MANIFEST)
        tags = self._listed(TAGS)
        self._compare(listed, MANIFEST)
        self._compare(tags, TAGS)
        named = {*listed, *tags, TAGS}
        for file in self.files:
            if file.path not in named:
                self.say(file.path, ADDED, "no list of the bundle names it")
        for path in (*BEFORE, *AFTER):
            if path not in self.by_path:
                self.say(path, MISSING, "every bundle has it")
        self._check_order(listed)
        self._check_lists()
        self._check_about()
        self._check_ledger()

    def _held(self, path: str) -> bytes:
        file = self.by_path.get(path)
        if file is None or file.size > MOST_HELD:
            return b""
        return self.read(path)

    def _listed(self, path: str) -> dict[str, str]:
        listed: dict[str, str] = {}
        for number, line in enumerate(self._held(path).split(b"\n")[:-1], 1):
            match = re.fullmatch(rb"([0-9a-f]{64})  ([A-Za-z0-9._/=-]+)", line)
            if match is None:
                self.say(path, ALTERED, f"line {number} is not as it was written")
            elif match[2].decode() in listed:
                self.say(path, ALTERED, f"line {number} names a file again")
            else:
                listed[match[2].decode()] = match[1].decode()
        return listed

    def _compare(self, listed: dict[str, str], by: str) -> None:
        for path, sha256 in listed.items():
            file = self.by_path.get(path)
            if file is None:
                self.say(path, MISSING, f"{by} names it")
            elif file.sha256 != sha256:
                self.say(path, ALTERED, f"its bytes are not those that {by} names")

    def _check_order(self, listed: dict[str, str]) -> None:
        order = [*BEFORE, *listed, *AFTER]
        there = [f.path for f in self.files]
        if not self.ordered or sorted(order) != sorted(there):
            return  # what is missing or added is named already
        for number, path in enumerate(there):
            if path != order[number]:
                self.say(path, MOVED, f"it stands where {order[number]} belongs")

    def _check_lists(self) -> None:
        """Compare the lists with what they would be for what is there."""
        if BEFORE[0] in self.by_path and self._held(BEFORE[0]) != BAGIT:
            self.say(BEFORE[0], ALTERED, "it is not as every bundle has it")
        order = {p: n for n, p in enumerate([*BEFORE, *self._listed(MANIFEST), *AFTER])}
        files = sorted(self.files, key=lambda f: order.get(f.path, len(order)))
        data = [f for f in files if f.path.startswith(DATA)]
        known = [f for f in files if not f.path.startswith(DATA) and f.path in order]
        tags = [f for f in known if f.path != TAGS]
        summed = [f for f in files if f.path in order and f.path not in (SUMS, TAGS)]
        for path, expected in ((MANIFEST, data), (SUMS, summed), (TAGS, tags)):
            if path in self.by_path and self._held(path) != sums(expected):
                self.say(path, ALTERED, "it does not list what is there")
        info = self._held("bag-info.txt").decode("utf-8", "replace")
        oxum = f"\nPayload-Oxum: {sum(f.size for f in data)}.{len(data)}\n"
        if "bag-info.txt" in self.by_path and oxum not in info:
            self.say("bag-info.txt", ALTERED, "it tells another number of files and bytes")

    def _check_about(self) -> None:
        self.about = _document(self._held(ABOUT))
        if not self.about:
            if ABOUT in self.by_path:
                self.say(ABOUT, UNREADABLE, "it says nothing that can be understood")
            return
        verifier = self.by_path.get("verify.py")
        if verifier is not None and self.about.get("verify_py_sha256") != verifier.sha256:
            self.say("verify.py", ALTERED, f"{ABOUT} names another digest")
        name = bag_name(str(self.about.get("from")), str(self.about.get("to")))
        if self.ordered and self.name != name:
            self.say("(the folder)", ALTERED, f"it is called {self.name}, and belongs to {name}")

    def _check_ledger(self) -> None:
        """Follow the ledger's chain to its pinned head, and find every artifact in its lines."""
        recorded: dict[str, tuple[str, int]] = {}
        head: dict[str, Any] | None = None
        for number, line in enumerate(self._held(LEDGER).splitlines(), 1):
            entry = _document(line)
            if not _is_chained(line, entry, head):
                self.say(LEDGER, ALTERED, f"line {number} does not follow the line before")
            head = entry
            recorded.update(_recorded(entry))
        self._check_head(head)
        for file in self.files:
            if file.path.startswith(ARTIFACTS):
                known = recorded.get(file.path[len(ARTIFACTS) :])
                if known != (file.sha256, file.size):
                    self.say(file.path, ALTERED, "the ledger does not name these bytes")

    def _check_head(self, head: dict[str, Any] | None) -> None:
        """Compare the ledger's last line with the pinned head, which is 0 where there is none."""
        pinned = _mapping(self.about.get("ledger_head"))
        none = head is None and not pinned.get("seq")
        if not none and (head is None or _head_of(head) != _head_of(pinned)):
            self.say(LEDGER, TRUNCATED, "it does not end with the pinned head")


def _head_of(told: dict[str, Any]) -> tuple[Any, Any]:
    return told.get("seq"), told.get("hash")


def _recorded(entry: dict[str, Any]) -> Iterator[tuple[str, tuple[str, int]]]:
    """Return the files of a line, each with digest and size; what is none is left out."""
    files: Any = entry.get("files")
    for each in cast("list[object]", files) if isinstance(files, list) else ():
        file = _mapping(each)
        if isinstance(file.get("size"), int):
            yield str(file.get("path")), (str(file.get("sha256")), file["size"])


def _is_chained(line: bytes, entry: dict[str, Any], before: dict[str, Any] | None) -> bool:
    borne = '"hash":"{}",'.format(entry.get("hash")).encode()
    if hashlib.sha256(line.replace(borne, b"", 1)).hexdigest() != entry.get("hash"):
        return False
    if before is None:
        return True
    seq, last = entry.get("seq"), before.get("seq")
    follows = isinstance(seq, int) and isinstance(last, int) and seq == last + 1
    return follows and entry.get("previous") == before.get("hash")


def _document(content: bytes) -> dict[str, Any]:
    try:
        return _mapping(json.loads(content.decode("utf-8")))
    except (ValueError, RecursionError):
        return {}


def _mapping(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def bag_name(since: str, until: str) -> str:
    """Return what a bundle's folder is called: its first and last instant, to the second."""
    short = [re.sub(r"\.[0-9]+|[-:]", "", text) for text in (since, until)]
    return "evidence_{}_{}".format(*short)


def sums(files: list[File]) -> bytes:
    """Write a list of files as `sha256sum -c` and BagIt read it."""
    return "".join(f"{f.sha256}  {f.path}\n" for f in files).encode()


class Report(NamedTuple):
    """What was found in a bundle, sorted; `about` is what it says of itself."""

    files: int
    found: tuple[Discrepancy, ...]
    about: dict[str, Any]
    verifier_sha256: str


def verify_zip(stream: BinaryIO) -> Report:
    """Check a bundle; the stream can be sought in."""
    read = _Zip(stream)
    places: dict[str, tuple[int, int]] = {}
    files, folders = list[File](), Counter[str]()
    for entry, sha256, begin in read.files():
        folder, _, path = entry.name.decode("ascii", "backslashreplace").partition("/")
        folders[folder] += 1
        path = path or f"{folder} (outside the folder)"
        places[path] = (begin, entry.size)
        files.append(File(path, sha256, entry.size))
    name = folders.most_common(1)[0][0] if folders else ""
    bag = Bag(name, files, lambda path: read.read(*places[path]), ordered=True)
    bag.check()
    for folder in folders:
        if folder != name:
            bag.say(folder[:300], ADDED, "it is outside the bundle's folder")
    return _report(bag, read.found)


def verify_folder(folder: Path) -> Report:
    """Check a bundle that was unpacked; of the ZIP's own bytes nothing is left to check."""
    files = list[File]()
    for path in sorted(folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            continue
        digest, size = hashlib.sha256(), 0
        with path.open("rb") as stream:
            while piece := stream.read(PIECE):
                digest.update(piece)
                size += len(piece)
        files.append(File(path.relative_to(folder).as_posix(), digest.hexdigest(), size))

    bag = Bag(folder.name, files, lambda path: (folder / path).read_bytes(), ordered=False)
    bag.check()
    return _report(bag, [])


def _report(bag: Bag, of_the_zip: list[Discrepancy]) -> Report:
    verifier = bag.by_path.get("verify.py")
    found = tuple(sorted({*bag.found, *of_the_zip}))
    return Report(len(bag.files), found, bag.about, verifier.sha256 if verifier else "")


def lines(report: Report) -> list[str]:
    """Return what is said of a bundle: each discrepancy, and the verdict last."""
    told = [f"{d.kind:<10} {d.path}: {d.detail}" for d in report.found]
    pinned = _mapping(report.about.get("ledger_head"))
    told += NOT_CHECKED
    many = f"{report.files} files, ledger head {pinned.get('seq')} {str(pinned.get('hash'))[:16]}"
    wrong = len(report.found)
    verdict = f"NOT intact: {wrong} discrepancies" if wrong else "intact"
    return [*told, f"{many}: {verdict}"]


def main(arguments: list[str]) -> int:
    """Check what is named, else the folder that this file lies in."""
    named = Path(arguments[0] if arguments else __file__).resolve()
    if arguments and named.is_file():
        with named.open("rb") as stream:
            report = verify_zip(stream)
    else:
        report = verify_folder(named if arguments else named.parent)
    sys.stdout.write("\n".join(lines(report)) + "\n")
    return FAILED if report.found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
