"""Names that say that their value is a secret, in text as it is compared: plain letters alone."""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import cast

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


_VOCABULARY = re.compile(
    "apikey|secret|token|authorization|passwd|password|passphrase|passcode|privatekey|firebasekey"
    "|cookie|bearer|keyid|credential|accesskey|accountkey|sharedkey|sessionid|signature|mnemonic"
    "|connectionstring|webhookur[il]|seedphrase|pincode|otpseed|^(?:pass|pwd|auth|key)$"
)
_WHOLE_WORDS = frozenset(
    ("pass", "pwd", "auth", "pin", "salt", "pepper", "otp", "totp", "mfa", "sig", "webhook")
)
"""Words that say so only where they are whole: `pin` does, `ping` and `mapping` do not."""
_NO_PASSES = ("bypass", "compass", "trespass", "surpass", "encompass", "overpass", "underpass")
_WORDS = re.compile(r"[^a-z0-9]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WEAK_WORD = re.compile(r"(?:^|_)(?:key|private)(?:_|$)")
"""Words that say so too, unless they are part of what is known to be no secret."""
_PLAIN_WORDS = re.compile(
    r"(?:^|_)(?:(?:primary|public|foreign|partition|sort|topology|idempotency|cache|dedup|group"
    r"|config_map|map|label|row|lookup|unique|index|routing|object|join|feature|symbol|metric)_key"
    r"|key_(?:ref|path|file|name|prefix|type|count|level|metric|ring|space)s?"
    r"|private_(?:ip|subnet|network|cluster|endpoint|node|pool|dns|zone|link|google)s?)(?=_|$)"
)
_HARMLESS_KEY = re.compile(
    "tokens?(count|total|used|limit)|(max|min|total|prompt|completion|input|output|cached)tokens?$"
)
"""Counters of tokens and the like: their names hold a secret word, their values are numbers."""

_PATH = re.compile(r"(?:/[A-Za-z0-9._-]{1,64}){2,}")
_CHECKSUM = re.compile(r"[0-9a-f]{64}")
"""The value of `checksum/secret`, by which charts start pods again when a Secret changes."""
_SWITCH = re.compile(r"yes|no|on|off|true|false|[01]", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?(?:ms|s|m|h|d)?")
_VERSION = re.compile(r"v?[0-9]{1,6}(?:\.[0-9]{1,6}){0,3}|latest")
_NAME = re.compile(
    r"(?:~|\.{1,2})?/?(?:[a-z0-9._-]{1,64}|[A-Z_]{1,64})(?:/(?:[a-z0-9._-]{1,64}|[A-Z_]{1,64}))*"
)
"""A path, a DNS name, or the name of a file; in capitals only without numbers, as keys have."""
_ABOUT_IT = {
    "dir": _NAME,
    "enabled": _SWITCH,
    "file": _NAME,
    "minutes": _NUMBER,
    "name": _NAME,
    "path": _NAME,
    "reload": _NAME,
    "required": _SWITCH,
    "seconds": _NUMBER,
    "ttl": _NUMBER,
    "version": _VERSION,
}
"""Last words of names that tell where or how a secret is, and the form of such a value."""
_LONGEST_WORD = 20

NAMING = ("name", "key", "variable", "id", "path", "header")
NAMED = frozenset({"value", "values", "default", "val", "literal", "content", "data"})
"""Under these keys is what a neighbour's name, under one of the others, tells of."""
_REFERRING = re.compile(r"\w{0,100}(?:[sS]ecretRef|KeyRef)|imagePullSecrets|secrets?")
_LEAVES = {
    "name": re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"),
    "namespace": re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"),
    "secretName": re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"),
    "key": re.compile(r"[A-Za-z0-9._-]{1,253}"),
    "path": re.compile(r"[A-Za-z0-9._-][A-Za-z0-9._/-]{0,252}"),
}


def is_secret_key(key: str) -> bool:
    """
    Return whether a name says that its value is secret, however it is spelled.

    By a word of the vocabulary, by a whole word between humps or signs, or by its ending: what
    is masked for a harmless name costs a word, what is shown costs the secret.
    """
    return _remember(key) if len(key) <= 100 else _is_secret(key)  # noqa: PLR2004


def _is_secret(key: str) -> bool:
    parts = _WORDS.split(_HUMP.sub("_", fold(key)).casefold())
    plain = "".join(parts)
    if _HARMLESS_KEY.search(plain):
        return False
    if _VOCABULARY.search(plain) or not _WHOLE_WORDS.isdisjoint(parts):
        return True
    if parts[-1].endswith("pass") and not parts[-1].endswith(_NO_PASSES):
        return True
    if "key" not in plain and "private" not in plain:
        return False
    return bool(_WEAK_WORD.search(_PLAIN_WORDS.sub("", "_".join(parts))))


_remember = lru_cache(maxsize=4_096)(_is_secret)


def is_harmless(name: str, value: str) -> bool:
    """Return whether a value is no secret though its name tells of one: where it is, or how."""
    if value.strip().casefold() in {"", "true", "false"} or _PATH.fullmatch(value):
        return True
    if name.startswith("checksum/"):
        return _CHECKSUM.fullmatch(value) is not None
    form = _ABOUT_IT.get(_WORDS.split(_HUMP.sub("_", name).casefold())[-1])
    return form is not None and form.fullmatch(value) is not None and not _looks_random(value)


def refers(key: str, value: object) -> bool:
    """Return whether a value only refers to Secrets, by their names and those of their keys."""
    held = cast("list[object]", value) if isinstance(value, list) else [value]
    return bool(_REFERRING.fullmatch(key)) and bool(held) and all(map(_is_reference, held))


def _is_reference(value: object) -> bool:
    if not isinstance(value, Mapping):
        return False
    leaves = cast("Mapping[object, object]", value)
    return bool(leaves) and all(_is_leaf(str(name), leaf) for name, leaf in leaves.items())


def _is_leaf(name: str, leaf: object) -> bool:
    if name == "items":
        return isinstance(leaf, list) and all(map(_is_reference, cast("list[object]", leaf)))
    if isinstance(leaf, bool | int):
        return name in {"optional", "defaultMode", "mode"}
    return name in _LEAVES and isinstance(leaf, str) and bool(_LEAVES[name].fullmatch(leaf))


def _looks_random(value: str) -> bool:
    words = re.split(r"[^A-Za-z0-9]+", value)
    return any(len(w) >= _LONGEST_WORD and not w.isalpha() for w in words)
