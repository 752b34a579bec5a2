"""Redaction, before anything that others wrote is stored, logged, shown or exported."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from mission_control.redaction.decide.names import NAMED, NAMING, refers
from mission_control.redaction.decide.secrecy import (
    MASK,
    is_secret_key,
    looks_harmless,
    redact_text,
    secret_words,
)

__all__ = [
    "MASK",
    "excerpt",
    "is_secret_key",
    "looks_harmless",
    "printable",
    "redact_document",
    "redact_text",
]

MAX_EXCERPT = 200
_EXCERPT_SOURCE = 2_048
"""An excerpt is redacted in this much text before it is cut, so that no cut bares half a secret."""


def redact_document(value: object) -> object:
    """
    Return a copy of a JSON document without secrets: masked by key name and by form of value.

    The caller has capped the document's depth. What is no JSON is shown as its text.
    """
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, bytes | bytearray):
        return redact_text(bytes(value).decode(errors="replace"))
    if isinstance(value, Mapping):
        return _redact_mapping(cast("Mapping[object, object]", value))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _redact_list(cast("Sequence[object]", value))
    return redact_text(str(value))


def _redact_mapping(held: Mapping[object, object]) -> dict[str, object]:
    named = any(isinstance(name := held.get(key), str) and is_secret_key(name) for key in NAMING)
    return {
        redact_text(str(k)): _redact_value(
            str(k), v, told=named and k in NAMED and isinstance(v, str)
        )
        for k, v in held.items()
    }


def _redact_value(key: str, value: object, *, told: bool) -> object:
    """Mask what its name or its neighbour says to be secret; null and booleans are no secrets."""
    hides = value is not None and not isinstance(value, bool) and (told or is_secret_key(key))
    return MASK if hides and not refers(key, value) else redact_document(value)


def _redact_list(held: Sequence[object]) -> list[object]:
    """Mask what only the words before it say to be secret as a whole, and all else by itself."""
    secret = secret_words(held)
    shown = [redact_document(each) for each in held]
    return [MASK if n in secret and held[n] == each else each for n, each in enumerate(shown)]


def excerpt(body: bytes) -> str:
    """Return at most 200 redacted, printable characters of a body."""
    text = body[:_EXCERPT_SOURCE].decode("utf-8", errors="replace")
    if not looks_harmless(body[:_EXCERPT_SOURCE]):
        text = redact_text(text)
    return printable(text)[:MAX_EXCERPT]


def printable(text: str) -> str:
    """Replace what could act on a terminal or reorder a page: control and bidi characters."""
    flat = " ".join(text.split())
    if flat.isprintable():
        return flat
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in flat)


_PAIR = re.compile(
    r"""(?P<lead>\s*(?:-\s+)*)(?P<quote>["']?)(?P<key>[^\s"':=#{}\[\],-][^"':=#{}\[\],]*)(?P=quote)"""
    r"""\s*(?::(?=\s|$)|=|(?<=["']):)\s*(?P<value>.*)"""
)
_NAMED = re.compile(r"""(?:^|[\s{,"'])name["']?\s*:\s*["']?(?P<name>[\w.\-]+)""")
_VALUE = re.compile(
    r"""(?P<before>(?:^|[\s{,"'])value["']?\s*:\s*)"""
    r"""(?P<value>"(?:[^"\\]|\\.)*"|'[^']*'|[^,}\s][^,}]*)"""
)
_FLAG = re.compile(
    r"""(?P<flag>(?<![\w-])--?(?P<key>[A-Za-z][\w.-]{0,100})"""
    r"""(?:["']?[ \t]*,[ \t]*|["']?[ \t]*\r?\n[ \t]*-[ \t]+|=|[ \t]+))"""
    r"""(?P<value>"[^"\n]*"?|'[^'\n]*'?|[^\s"',\]]+)"""
)
"""A flag and what follows it: after a blank or an equals sign, or as the next item of a list."""

_BLOCK = re.compile(r"[|>][+-]?\d*[+-]?\s*(?:#.*)?")
_NOTHING = re.compile(r"""(?:(?i:true|false|null|~)|["'{\[]?["'}\]]?),?\s*(?:#.*)?""")
_PLAIN_NAME = re.compile(r"""["']?[A-Za-z0-9][A-Za-z0-9._/-]{0,252}["']?,?""")
_REFERENCE = re.compile(r"\w*(?:[sS]ecretRef|KeyRef)|imagePullSecrets|secrets?")
_OF_A_REFERENCE = frozenset({"key", "name", "namespace", "optional", "secretName"})
_ENTRY = 40
"""An entry of a container's environment is looked through for so many lines each way."""

_WHOLLY_SECRET: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"""\bkind["']?\s*:\s*(?:!\S*\s+)?["']?Secret\b"""), "it is a Secret manifest"),
    (re.compile(r"""\bstringData["']?\s*:"""), "it is a Secret manifest"),
    (re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY"), "it holds a private key"),
    (re.compile(r"""\bprivate_key(?:_id)?["']?\s*:"""), "it holds a service account's key"),
    (re.compile(r"""\btype["']?\s*:\s*["']?service_account\b"""), "it holds a service account"),
)


def why_secret(text: str) -> str:
    """Return why a file may not be copied even in part; empty where it may."""
    return next((why for pattern, why in _WHOLLY_SECRET if pattern.search(text)), "")


def redact_lines(text: str) -> str:
    """
    Return prose, a script or settings with what is secret masked, line for line.

    Masked are values whose key or flag says so with all that is below a key, the values of
    environment variables whose names say so, and whatever its own form gives away. Where only
    the name of a Secret is below what refers to one it stays: names are no secrets.
    """
    # Over several lines first: what is left of a key has no name in its own line.
    whole = redact_text(text, keep_lines=True)
    lines = _FLAG.sub(_mask_flag, whole).split("\n")
    return "\n".join(_Masker(lines).masked())


def _mask_flag(found: re.Match[str]) -> str:
    return found["flag"] + MASK if is_secret_key(found["key"]) else found[0]


class _Masker:
    """Goes through the lines once; `_below` is the indent under which text is secret."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._secret_entries = set(_entries_with_secret_names(lines))
        self._below: int | None = None
        self._refers = False
        self._empty = False

    def masked(self) -> Iterator[str]:
        for number, line in enumerate(self._lines):
            yield self._mask(number, line) if line.strip() else line

    def _mask(self, number: int, line: str) -> str:
        indent = len(line) - len(line.lstrip())
        pair = _PAIR.fullmatch(line)
        if self._is_below(indent, line, pair):
            if self._refers and pair is not None and _names_one(pair):
                return line[: pair.start("value")] + redact_text(pair["value"])
            return f"{line[:indent]}{MASK}"
        self._below = None
        value = _VALUE.search(line) if number in self._secret_entries else None
        if value is not None:
            self._open(indent, value["value"])
            if _BLOCK.fullmatch(value["value"]):
                return line
            return redact_text(_VALUE.sub(rf"\g<before>{MASK}", line))
        if pair is None or not is_secret_key(pair["key"].strip()):
            return redact_text(line)
        return self._mask_pair(number, line, pair)

    def _is_below(self, indent: int, line: str, pair: re.Match[str] | None) -> bool:
        """Return whether a line belongs to a secret; right below an empty key any line may."""
        empty, self._empty = self._empty, False
        if self._below is None:
            return False
        beside = line.lstrip().startswith("- ") or (empty and pair is None)
        return indent > self._below or (indent == self._below and beside)

    def _open(self, indent: int, value: str, key: str = "") -> None:
        """Have all that follows deeper masked, except what refers to a Secret by its name."""
        self._below = indent
        self._refers = not value and bool(_REFERENCE.fullmatch(key))
        self._empty = not value

    def _mask_pair(self, number: int, line: str, pair: re.Match[str]) -> str:
        value, key = pair["value"].strip(), pair["key"].strip()
        near = self._lines[max(0, number - 1) : number + 2]
        taint = key == "key" and any("operator:" in each for each in near)
        if taint and _PLAIN_NAME.fullmatch(value):
            return redact_text(line)
        self._open(len(pair["lead"]), value, key)
        if _NOTHING.fullmatch(value) or _BLOCK.fullmatch(value):
            return line
        return line[: pair.start("value")] + MASK


def _names_one(pair: re.Match[str]) -> bool:
    """Return whether a line gives a Secret's name, or the name of a key in it."""
    known = pair["key"].strip() in _OF_A_REFERENCE
    return known and bool(_PLAIN_NAME.fullmatch(pair["value"].strip()))


def _entries_with_secret_names(lines: Sequence[str]) -> Iterator[int]:
    """Yield the lines of every entry of a list that is named as something secret."""
    for number, line in enumerate(lines):
        if not any(is_secret_key(found["name"]) for found in _NAMED.finditer(line)):
            continue
        yield number
        for other in range(number + 1, min(number + _ENTRY, len(lines))):
            if lines[other].lstrip().startswith("- "):
                break
            yield other
        begins = line.lstrip().startswith("- ")
        for other in range(number - 1, max(number - _ENTRY, -1) if not begins else number - 1, -1):
            yield other
            if lines[other].lstrip().startswith("- "):
                break
