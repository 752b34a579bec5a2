"""Observe: redaction, before anything that others wrote is stored, logged, shown or exported."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import cast

from mission_control.decide.secrecy import MASK, is_secret_key, redact_text

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

_SUSPICIOUS = tuple(
    b"key secret token auth pass pwd cookie bearer basic credential session signature -----begin"
    b" -----end eyj @ akia asia aroa aida aiza ya00 ghp_ gho_ ghu_ ghs_ ghr_ xox sk- \\u"
    b" private hooks.slack ls0tls0crudjti glpat- hvs. k_live k_test".split()
)
"""In lower case and with every digit as 0, as `looks_harmless` folds what it looks through."""
_FOLD = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ123456789", b"abcdefghijklmnopqrstuvwxyz000000000"
)
_REMEMBERED_BODY = 4_096
"""Longer texts are looked through each time, so that what is remembered stays small."""


def looks_harmless(body: bytes) -> bool:
    """Tell, cheaply and from the raw text, that nothing in it could need redaction."""
    folded = body.translate(_FOLD)
    if len(folded) > _REMEMBERED_BODY:
        return _has_no_suspicious_word(folded)
    return _remember_harmless(folded)


def _has_no_suspicious_word(folded: bytes) -> bool:
    return not any(word in folded for word in _SUSPICIOUS)


@lru_cache(maxsize=4_096)
def _remember_harmless(folded: bytes) -> bool:
    """Look once through what services say again and again with other times and counts."""
    return _has_no_suspicious_word(folded)


def redact_document(value: object) -> object:
    """
    Give a copy of a JSON document without secrets: masked by key name and by form of value.

    The caller has capped the document's depth.
    """
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()
        return {
            redact_text(str(k)): MASK if _hides(str(k), v) else redact_document(v) for k, v in pairs
        }
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [redact_document(v) for v in cast("Sequence[object]", value)]
    return value


def _hides(key: str, value: object) -> bool:
    """Tell whether the value under this key is masked; null and booleans are no secrets."""
    return value is not None and not isinstance(value, bool) and is_secret_key(key)


def excerpt(body: bytes) -> str:
    """Give at most 200 redacted, printable characters of a body."""
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
