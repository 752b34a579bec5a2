"""Decide: text as it is compared: plain letters, without what is invisible, and the way back."""

import re
import unicodedata
from functools import lru_cache

_ODD = re.compile(r"\x1b\[[0-9;?]{0,30}[A-Za-z]|\\u[0-9A-Fa-f]{4}|[^\t\n\r -~]")
"""A terminal's colours, a letter that JSON escapes, and every character outside of plain text."""
_MOST_LETTERS = 4
_QUOTES = {
    "\N{LEFT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
}
_SYNTAX = frozenset("\"'\\")


def is_plain(text: str) -> bool:
    """Tell whether a text is compared as it is: printable ASCII, blanks and ends of lines."""
    return _ODD.search(text) is None


def fold(text: str) -> str:
    """Give a text with full-width and accented letters as plain ones, without the invisible."""
    return _ODD.sub(lambda odd: _folded(odd[0]), text)


def places(text: str) -> list[int]:
    """Give for each character of the folded text, and for its end, where it was in the text."""
    found, at = list[int](), 0
    for odd in _ODD.finditer(text):
        found.extend(range(at, odd.start()))
        found.extend([odd.start()] * len(_folded(odd[0])))
        at = odd.end()
    found.extend(range(at, len(text) + 1))
    return found


@lru_cache(maxsize=8_192)
def _folded(odd: str) -> str:
    if odd.startswith("\x1b["):
        return ""
    if odd.startswith("\\u"):
        letter = chr(int(odd[2:], 16))
        # An escaped quote does not end the text that it is in.
        return "\N{REPLACEMENT CHARACTER}" if letter in _SYNTAX else _plain(letter)
    return _plain(odd)


def _plain(odd: str) -> str:
    if odd.isspace():
        return "\n" if odd in "\n\x0b\x0c\x85\u2028\u2029" else " "
    letters = unicodedata.normalize("NFKD", _QUOTES.get(odd, odd))
    kept = "".join(c for c in letters if unicodedata.category(c) not in {"Cc", "Cf", "Mn", "Me"})
    return kept if len(kept) <= _MOST_LETTERS else odd
