"""Redaction of prose and scripts line by line, so that their shape stays."""

import re
from collections.abc import Iterator, Sequence

from mission_control.redaction.redact import MASK, is_secret_key, redact_text

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
