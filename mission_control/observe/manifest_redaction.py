"""Observe: redaction of manifests and settings files, line by line, so that their shape stays."""

import re
from collections.abc import Iterator, Sequence

from mission_control.observe.redaction import MASK, is_secret_key, redact_text

_PAIR = re.compile(
    r"""(?P<lead>\s*(?:-\s+)*)(?P<quote>["']?)(?P<key>[^\s"':=#{}\[\],-][^"':=#{}\[\],]*)(?P=quote)"""
    r"""\s*(?::(?=\s|$)|=|(?<=["']):)\s*(?P<value>.*)"""
)
_NAMED = re.compile(r"""(?:^|[\s{,"'])name["']?\s*:\s*["']?(?P<name>[\w.\-]+)""")
_VALUE = re.compile(
    r"""(?P<before>(?:^|[\s{,"'])value["']?\s*:\s*)"""
    r"""(?P<value>"(?:[^"\\]|\\.)*"|'[^']*'|[^,}\s][^,}]*)"""
)
_BLOCK = re.compile(r"[|>][+-]?\d*[+-]?\s*(?:#.*)?")
_NOTHING = re.compile(r"""(?:(?i:true|false|null|~)|["'{\[]?["'}\]]?),?\s*(?:#.*)?""")
_PLAIN_NAME = re.compile(r"""["']?[A-Za-z0-9][A-Za-z0-9._/-]{0,252}["']?,?""")
_REFERS = re.compile(r"KeyRef|operator[\"']?\s*:|path[\"']?\s*:")
_NEAR = 3
_ENTRY = 6
"""An entry of a container's environment is looked through for so many lines each way."""

_WHOLLY_SECRET: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"""\bkind["']?\s*:\s*["']?Secret\b"""), "it is a Secret manifest"),
    (re.compile(r"""\bstringData["']?\s*:"""), "it is a Secret manifest"),
    (re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY"), "it holds a private key"),
    (re.compile(r"""\bprivate_key(?:_id)?["']?\s*:"""), "it holds a service account's key"),
    (re.compile(r"""\btype["']?\s*:\s*["']?service_account\b"""), "it holds a service account"),
)


def why_secret(text: str) -> str:
    """Say why a file may not be copied even in part; empty where it may."""
    return next((why for pattern, why in _WHOLLY_SECRET if pattern.search(text)), "")


def redact_manifest(text: str) -> str:
    """
    Give a manifest or settings file with what is secret masked.

    Masked are values whose key says so with all that stands below it, the values of environment
    variables whose names say so, and whatever its own form gives away. Where only the name of a
    Secret stands it stays: names are no secrets.
    """
    lines = text.split("\n")
    return "\n".join(_Masker(lines).masked())


class _Masker:
    """Goes through the lines once; `_below` is the indent under which text is secret."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._secret_entries = set(_entries_with_secret_names(lines))
        self._below: int | None = None
        self._all_below = False

    def masked(self) -> Iterator[str]:
        for number, line in enumerate(self._lines):
            yield self._mask(number, line) if line.strip() else line

    def _mask(self, number: int, line: str) -> str:
        indent = len(line) - len(line.lstrip())
        pair = _PAIR.fullmatch(line)
        if self._is_below(indent, line):
            if self._all_below or pair is None:
                return f"{line[:indent]}{MASK}"
        else:
            self._below = None
        value = _VALUE.search(line) if number in self._secret_entries else None
        if value is not None:
            self._open(indent, value["value"])
            if self._all_below:
                return line
            self._below = None
            return redact_text(_VALUE.sub(rf"\g<before>{MASK}", line))
        if pair is None or not is_secret_key(pair["key"].strip()):
            return redact_text(line)
        return self._mask_pair(number, line, pair)

    def _is_below(self, indent: int, line: str) -> bool:
        if self._below is None:
            return False
        item = not self._all_below and indent == self._below and line.lstrip().startswith("-")
        return indent > self._below or item

    def _open(self, indent: int, value: str) -> None:
        """Have what follows deeper masked: all of it below a text that goes on."""
        unclosed = value[:1] in {'"', "'"} and not value.rstrip(", ").endswith(value[0], 1)
        self._below = indent
        self._all_below = bool(_BLOCK.fullmatch(value)) or unclosed

    def _mask_pair(self, number: int, line: str, pair: re.Match[str]) -> str:
        value, key = pair["value"].strip(), pair["key"].strip()
        near = self._lines[max(0, number - _NEAR) : number + _NEAR]
        refers = key == "key" and any(_REFERS.search(each) for each in near)
        if (key == "secretName" or refers) and _PLAIN_NAME.fullmatch(value):
            return line
        self._open(len(pair["lead"]), value)
        if _NOTHING.fullmatch(value) or _BLOCK.fullmatch(value):
            return line
        return line[: pair.start("value")] + MASK


def _entries_with_secret_names(lines: Sequence[str]) -> Iterator[int]:
    """Give the lines of every entry of a list that is named as something secret."""
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
