"""Secrets that are longer than a word: blocks of private keys, and what is in base64."""

import base64
import re
from collections.abc import Iterator

Span = tuple[int, int]

_BLANK = r"(?:[ +]|%20)"
_MARK = (
    rf"{_BLANK}?(?:[A-Z0-9]{{1,20}}{_BLANK}){{0,4}}"
    rf"PRIVATE{_BLANK}KEY(?:{_BLANK}BLOCK)?{_BLANK}?-{{4,5}}"
)
_BEGIN = re.compile(rf"-{{4,5}}{_BLANK}?BEGIN{_MARK}|\bPrivate-Lines:[ ]?\d{{1,4}}", re.IGNORECASE)
_END = re.compile(rf"-{{4,5}}{_BLANK}?END{_MARK}|\bPrivate-MAC:[ ]?\w+", re.IGNORECASE)
_REST_OF_LINE = re.compile(
    r"(?:(?:\\{1,4}[nr]|%0[AD]|[ \t]){0,8}[A-Za-z0-9+/=]{16,}+)*+"
    r"(?:(?:\\{1,4}[nr]|%0[AD])++[A-Za-z0-9+/=]*+)*+",
    re.IGNORECASE,
)
_HEADER = re.compile(r"(?:Proc-Type|DEK-Info|Comment|Version|Encryption|Key-Derivation): .*")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_WITHIN = re.compile(
    r"(?<![A-Za-z0-9+/=])(?P<s>[A-Za-z0-9+/=]{32,}+)"
    r"|^[ \t]*+(?P<short>[A-Za-z0-9+/=]{4,}+)(?=[\"'])"
)
"""A part of a key that is not the last word of its line, as where a list of texts is shown."""
_AROUND = "\"'`,;\\>|*#)]}"
_BEFORE = tuple("\"'`:=,([{>")
_MOST_LINES = 400
_MOST_IN_A_LINE = 4_096
_LONG = 16
_SURELY = 32
"""A word so long that is nothing but base64 is taken for a key's, whatever is before it."""

_RUN = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,}+={0,2}")
_GAP = re.compile(r"\\?\r?\n[ \t]*")
_TAIL = re.compile(r"\r?\n[ \t]*[A-Za-z0-9+/]{1,15}={0,2}(?![^\s\"'])")
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_ACCOUNT = re.compile(r"(?=[^:]*[A-Za-z])[\w.@-]{1,100}:(?=.*[A-Za-z])[!-~]{6,200}\n?")
"""A name and its password, as basic authentication has them."""
_PRINTABLE = bytes([0, 9, 10, 13, *range(32, 127)])


def find_key_blocks(text: str) -> Iterator[Span]:
    """
    Yield where private keys are, from their beginning to their end.

    One whose end is lost goes on for as long as its lines look like a key's; one whose beginning
    is lost, as at the top of a log's tail, begins where they start to. Before a line of a key
    may be whatever is before its other lines, as the time is in a log.
    """
    begins = list(_BEGIN.finditer(text))
    covered = 0
    for number, begin in enumerate(begins):
        until = begins[number + 1].start() if number + 1 < len(begins) else len(text)
        yield from _ends_before(text, covered, begin.start())
        end = _END.search(text, begin.end(), until)
        covered = begin.end() if end is None else end.end()
        yield begin.start(), covered
        if end is None:
            yield from _lines_after(text, begin, until)
    yield from _ends_before(text, covered, len(text))


def _ends_before(text: str, at: int, until: int) -> Iterator[Span]:
    """Yield the keys that end in a part of a text without beginning in it."""
    for end in _END.finditer(text, at, until):
        yield end.span()
        yield from _lines_before(text, at, end.start())
        at = end.end()


def _lines_after(text: str, begin: re.Match[str], until: int) -> Iterator[Span]:
    rest = _REST_OF_LINE.match(text, begin.end(), until)
    at = rest.end() if rest else begin.end()
    yield begin.end(), at
    started = text.rfind("\n", max(0, begin.start() - _MOST_IN_A_LINE), begin.start()) + 1
    before = len(text[started : begin.start()].split())
    width = 0
    for _ in range(_MOST_LINES):
        at = text.find("\n", at, until) + 1
        if not at:
            return
        end = text.find("\n", at, until)
        line = text[at : end if end >= 0 else until]
        if not line.strip() or _HEADER.search(line):
            if line.strip():
                yield at, at + len(line)
            continue
        found = _key_in(line, before)
        if found is None:
            return
        yield at + found[0], at + found[1]
        size = found[1] - found[0]
        if size < width:
            return  # the last line of a key is shorter than its others
        width = size


def _lines_before(text: str, at: int, end: int) -> Iterator[Span]:
    started = max(at, text.rfind("\n", max(at, end - _MOST_IN_A_LINE), end) + 1)
    line = text[max(started, end - _MOST_IN_A_LINE) : end]
    body = line.rstrip(" \t").rstrip(_LETTERS + "\\")
    if len(line) - len(body) >= _LONG or "\\n" in line[len(body) :]:
        yield end - len(line) + len(body), end
    before, width = len(body.split()), 0
    for _ in range(_MOST_LINES):
        end = started - 1
        if end <= at:
            return
        started = max(at, text.rfind("\n", max(at, end - _MOST_IN_A_LINE), end) + 1)
        line = text[started:end]
        found = _key_in(line, before)
        if found is None:
            return
        yield started + found[0], started + found[1]
        size = found[1] - found[0]
        if size < width:
            return  # what is left of the first line
        width = size


def _key_in(line: str, before: int) -> Span | None:
    """Return where in a line a key's part is: alone, behind as many words as elsewhere, or long."""
    words = line.split()
    if not words or len(line) > _MOST_IN_A_LINE:
        return None
    word = words[-1].rstrip(_AROUND)
    part = word[len(word.rstrip(_LETTERS)) :]
    quoted = part != word and word[: -len(part)].endswith(_BEFORE)
    sure = len(part) >= _SURELY or part.endswith("=")
    alone = part == word and (len(words) in {1, before + 1} or sure)
    if part and (alone or quoted):
        at = line.rindex(part)
        return at, at + len(part)
    within = _WITHIN.search(line)
    return within.span(within.lastgroup or 0) if within else None


def find_encoded(text: str) -> Iterator[tuple[Span, str]]:
    """Yield each run of base64 in a text that holds another text, over lines, and that text."""
    together = list[re.Match[str]]()
    for run in _RUN.finditer(text):
        goes_on = together and not together[-1][0].endswith("=")
        if together and not (goes_on and _GAP.fullmatch(text, together[-1].end(), run.start())):
            yield from _decoded(text, together)
            together = []
        together.append(run)
    if together:
        yield from _decoded(text, together)


def _decoded(text: str, runs: list[re.Match[str]]) -> Iterator[tuple[Span, str]]:
    end = runs[-1].end()
    tail = _TAIL.match(text, end)
    held = _decode("".join(run[0] for run in runs) + (tail[0].strip() if tail else ""))
    if held:
        yield (runs[0].start(), tail.end() if tail else end), held
        return
    for run in runs if len(runs) > 1 or tail else ():
        alone = _decode(run[0])
        if alone:
            yield run.span(), alone


def _decode(run: str) -> str:
    """Return the text that is in base64; empty where it holds none."""
    plain = run.rstrip("=").replace("-", "+").replace("_", "/")
    if _HEX.fullmatch(plain):
        return ""
    raw = base64.b64decode(plain[: len(plain) // 4 * 4] + _rest(plain))
    if len(raw.translate(None, _PRINTABLE)) * 20 > len(raw):
        return ""
    return raw.replace(b"\0", b"").decode("ascii", errors="replace")


def _rest(plain: str) -> str:
    rest = plain[len(plain) // 4 * 4 :]
    return rest + "=" * (4 - len(rest)) if len(rest) > 1 else ""


def is_account(text: str) -> bool:
    """Return whether a text that was in base64 is a name and a password."""
    return _ACCOUNT.fullmatch(text) is not None
