"""
Shapes of events: lines that differ in digits and in ids alone are read once, and then by place.

A line is folded: each digit, and each hexadecimal number that is the whole text of a key that
ends with `id`, becomes zeros of the same length. Lines that fold to the same bytes have all their
values at the same places, and are as plain as the first of them was (`Scanner.is_quiet`): redaction
and evidence never turn on a digit, where keys and the texts that are judged by their key have
none. Whatever does not meet this has no shape, and is read in full.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, cast

import orjson

from mission_control.replay.decide.execution import says_nothing_ever

_ID = re.compile(rb'(id": ?")([0-9a-f]{8,64})"')
_ZEROS = tuple(b"0" * length + b'"' for length in range(65))
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_VARYING = re.compile(r"[0-9]|\A[0-9a-f]{8,64}\Z")
_NUMBER = re.compile(r"[0-9]{1,18}|[0-9]{1,11}\.[0-9]{1,4}")
"""Numbers that have one form only, but for needless zeros, which are looked for."""
_FLAGS = frozenset({"allowed", "should_execute"})
"""Under these keys 1 says true."""
_TOLD = ("replay_schema", "agent_name", "trace_id")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.(?:\d{3}|\d{6}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_SECOND = len("2026-03-06T15:00:00")
_ZERO = ord("0")
_LONGEST, _DEEPEST = 4_096, 16
_MOST_SHAPES, _MOST_SEEN = 2_048, 32_768

Path = tuple[str | int, ...]
Cut = Callable[[str], tuple[str, ...]]
Told = Callable[[bytes], tuple[bytes, bytes, bytes, bytes, bytes, bytes]]


class Value(NamedTuple):
    """One value of a line: what leads to it, what it is, and where its text stands."""

    path: Path
    value: object
    place: slice


class Shape(NamedTuple):
    """
    Where in lines of one shape their schema, agent, trace and time stand.

    The time is a second, its zone, and a fraction that counts so many microseconds each.

    `needless` cuts out digits that are no zeros unless a number has another form; `between` cuts
    out what is between needless blanks, where there are some. `varying` is all that differs, by its
    places where there are none.
    """

    number: int
    told: Told
    fraction: int
    needless: Callable[[bytes], tuple[int, ...]] | None
    between: Callable[[bytes], tuple[bytes, ...]] | None
    varying: tuple[Value, ...]


class Shapes:
    """The shapes of one run, learned at the second line of each; bounded."""

    def __init__(self) -> None:
        """Begin with none."""
        self.all = list[Shape]()
        self._known, self._seen = dict[bytes, Shape | None](), set[int]()

    def find(self, folded: bytes, line: bytes) -> Shape | None:
        """Return a line's shape where it is known, and the line has no form of its own."""
        shape = self._known.get(folded)
        if shape is None or (shape.needless and _ZERO in shape.needless(line)):
            return None
        return shape

    def learn(self, folded: bytes, line: bytes, document: Mapping[str, Any]) -> None:
        """Learn the shape of a plain line, if it has one."""
        if folded in self._known or len(self._known) >= _MOST_SHAPES or len(line) > _LONGEST:
            return
        if (seen := hash(folded)) not in self._seen:
            if len(self._seen) >= _MOST_SEEN:
                self._seen.clear()
            self._seen.add(seen)
            return
        shape = self._known[folded] = _shape_of(line, document, len(self.all) + 1)
        if shape is not None:
            self.all.append(shape)


def fold(text: bytes) -> bytes:
    """Return a line, or many, with zeros for whatever varies between lines of one shape."""
    return _ID.sub(_zeros, text).translate(_DIGITS)


def _zeros(found: re.Match[bytes]) -> bytes:
    before, told = found.groups()
    return before + _ZEROS[len(told)]


def _shape_of(line: bytes, document: Mapping[str, Any], number: int) -> Shape | None:
    compact = orjson.dumps(document)
    if b"\\" in line or not line.isascii():
        return None
    write = _WRITERS[0] if compact == line else _WRITERS[1]
    if write.dumps(document) != line:
        return None
    try:
        values = list(write.values(document, (), 0))
    except ValueError:
        return None
    places = {v.path: v.place for v in values if isinstance(v.value, str)}
    told = [places[(key,)] for key in _TOLD if (key,) in places]
    if len(told) < len(_TOLD) or ("ts",) not in places:
        return None
    at, time = places[("ts",)].start, _TIME.fullmatch(document["ts"])
    if time is None:
        return None
    zone = slice(at + time.start(2), at + time.end(2))
    part = slice(at + _SECOND + 1, zone.start) if time[1] else slice(at, at + 1)
    told += [slice(at, at + _SECOND), zone, part]
    fraction = 10 ** (7 - len(time[1])) if time[1] else 0
    needless = [at for v in values for at in _needless(v)]
    zeros = itemgetter(*needless, needless[0]) if needless else None
    kept = values if write is _WRITERS[0] else _WRITERS[0].values(document, (), 0)
    varying = tuple(v for v in kept if _varies(v.value))
    between = None if compact == line else itemgetter(*_without_gaps(line, compact))
    return Shape(number, itemgetter(*told), fraction, zeros, between, varying)


def _without_gaps(line: bytes, compact: bytes) -> Iterator[slice]:
    """Yield what of a line is left when the blanks behind its colons and commas are left out."""
    begin = at = 0
    for byte in compact:
        if line[at] != byte:
            yield slice(begin, at)
            begin = at = at + 1
        at += 1
    yield slice(begin, at)


def _with_blanks(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


class _Writer(NamedTuple):
    """One way to write JSON on a line, with or without a blank behind each colon and comma."""

    dumps: Callable[[object], bytes]
    gap: int

    def values(self, document: object, path: Path, at: int) -> Iterator[Value]:
        """Yield every value within a document; raises ValueError where it has no shape."""
        if len(path) > _DEEPEST:
            raise ValueError
        if isinstance(document, dict):
            for key, value in cast("Mapping[str, Any]", document).items():
                _require_shape(key, value)
                begin = at + len(key) + 4 + self.gap
                yield from self.values(value, (*path, key), begin)
                at = begin + len(self.dumps(value)) + self.gap
        elif isinstance(document, list):
            for index, value in enumerate(cast("Sequence[object]", document)):
                _require_number(value)
                yield from self.values(value, (*path, index), at + 1)
                at += len(self.dumps(value)) + 1 + self.gap
        else:
            quoted, length = isinstance(document, str), len(self.dumps(document))
            yield Value(path, document, slice(at + quoted, at + length - quoted))


_WRITERS = (
    _Writer(orjson.dumps, 0),
    _Writer(_with_blanks, 1),
)


def _require_shape(key: str, value: object) -> None:
    _require_number(value)
    known = says_nothing_ever(key)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    judged = isinstance(value, str) and _VARYING.search(value)
    if _VARYING.search(key) or (key in _FLAGS and number):
        raise ValueError
    if not known and key != "replay_schema" and (number or judged):
        raise ValueError


def _require_number(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    if not _NUMBER.fullmatch(orjson.dumps(value).decode()):
        raise ValueError


def _varies(value: object) -> bool:
    if isinstance(value, str):
        return bool(_VARYING.search(value))
    return isinstance(value, int | float) and not isinstance(value, bool)


def _needless(value: Value) -> Iterator[int]:
    """Yield where in a number a zero would be needless, so that it was written otherwise."""
    if isinstance(value.value, str):
        return
    whole, _, part = str(value.value).partition(".")
    if len(whole) > 1:
        yield value.place.start
    if len(part) > 1:
        yield value.place.stop - 1


class Template(NamedTuple):
    """What is shown of each event of one shape: its name and its summary, out of its line."""

    text: str
    cut: Cut

    def fill(self, line: str) -> str:
        """Return what is shown of a line of this shape."""
        return self.text % self.cut(line)


def template_of(
    shape: Shape, line: str, show: Callable[[Mapping[str, Any]], str]
) -> Template | None:
    """
    Return how what is shown of a document comes out of its line; None where that is not certain.

    Each value that varies is replaced by a sign of its own, of which is seen where it is shown. As
    all lines of a shape are equally long in every part, what is cut of one is cut of all.
    """
    document = orjson.loads(line)
    if len(shape.varying) > _MOST_SIGNS:
        return None
    shown = show(document)
    signs = {chr(_FIRST_SIGN + number): value for number, value in enumerate(shape.varying)}
    for sign, value in signs.items():
        _put(document, value.path, sign)
    parts = _SIGN.split(show(document).replace("%", "%%"))
    places = [signs[sign].place for sign in parts[1::2]]
    parts[1::2] = ["%s"] * len(places)
    if not places:
        return None
    template = Template("".join(parts) + "%.0s", itemgetter(*places, places[0]))
    return template if template.fill(line) == shown else None


_FIRST_SIGN, _MOST_SIGNS = 0xE000, 1_000
_SIGN = re.compile("([\ue000-\ue3ff])")


def _put(document: Any, path: Path, sign: str) -> None:  # noqa: ANN401  (as JSON is)
    for key in path[:-1]:
        document = document[key]
    document[path[-1]] = sign
