"""Text as it is compared: plain letters, without what is invisible, and the way back."""

import re
import unicodedata

_ODD = re.compile(
    r"(?:\x1b|\\{1,8}(?:u001[bB]|x1[bB]|033|e))\[[0-9;?]{0,30}[A-Za-z]"
    r"|\\u[0-9A-Fa-f]{4}|(?:\\x[0-9A-Fa-f]{2}){1,64}|\\{1,8}[nrt](?![A-Za-z]:)|[^\t\n\r -~]"
)
"""A terminal's colours, what JSON and Python escape, and all that is outside of plain text."""
ESCAPED_END = "\v"
"""An end of a line that was escaped, and so does not end the text that it is in."""
_MOST_LETTERS = 4
_MOST_REMEMBERED = 20_000
_QUOTES = {
    "\N{LEFT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
}
_SYNTAX = frozenset("\"'\\")


def is_plain(text: str) -> bool:
    """Return whether a text is compared as it is: printable ASCII, blanks and ends of lines."""
    return _ODD.search(text) is None


def fold(text: str) -> str:
    """Return a text with full-width and accented letters as plain ones, without the invisible."""
    if "\x1b[" in text or "\\" in text:
        return _ODD.sub(lambda odd: _folded(odd[0]), text)
    return text.translate(_LETTERS)


def places(text: str) -> list[int]:
    """Return for each character of the folded text, and for its end, where it was in the text."""
    found, at = list[int](), 0
    for odd in _ODD.finditer(text):
        found.extend(range(at, odd.start()))
        found.extend([odd.start()] * len(_folded(odd[0])))
        at = odd.end()
    found.extend(range(at, len(text) + 1))
    return found


class _Letters(dict[int, str]):
    """Each character's plain letters, found out when it is first met; not all are remembered."""

    def __missing__(self, number: int) -> str:
        letter = chr(number)
        plain = letter if is_plain(letter) else _plain(letter)
        if len(self) < _MOST_REMEMBERED:
            self[number] = plain
        return plain


_LETTERS = _Letters()


def _folded(odd: str) -> str:
    if len(odd) == 1:
        return _LETTERS[ord(odd)]
    if odd.endswith(("\\n", "\\r")):
        return ESCAPED_END
    if odd.endswith("\\t"):
        return " "
    if "[" in odd:
        return ""
    if odd.startswith("\\x"):
        letters = _decoded(bytes.fromhex(odd.replace("\\x", "")))
    else:
        letters = bytes.fromhex(odd[2:]).decode("utf-16-be", errors="replace")
    return "".join(map(_escaped, letters))


def _decoded(octets: bytes) -> str:
    """Read escaped bytes as the text that they were, or as the letters of one."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _escaped(letter: str) -> str:
    """Return the plain letters of one that was escaped; a quote does not end the text it is in."""
    return "\N{REPLACEMENT CHARACTER}" if letter in _SYNTAX else _LETTERS[ord(letter)]


def _plain(odd: str) -> str:
    if odd.isspace():
        return "\n" if odd in "\n\v\f\x85\u2028\u2029" else " "
    letters = unicodedata.normalize("NFKD", _QUOTES.get(odd, odd))
    kept = "".join(c for c in letters if unicodedata.category(c) not in {"Cc", "Cf", "Mn", "Me"})
    return kept if len(kept) <= _MOST_LETTERS else odd
