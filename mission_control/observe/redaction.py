"""Observe: redaction, before anything that others wrote is stored, logged, shown or exported."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import cast

MASK = "[REDACTED]"
MAX_EXCERPT = 200
_EXCERPT_SOURCE = 2_048
"""An excerpt is redacted in this much text before it is cut, so that no cut bares half a secret."""

_VOCABULARY = (
    "apikey|secret|token|authorization|passwd|password|passphrase|privatekey|firebasekey|cookie"
    "|bearer|keyid|credential|accesskey|sessionid|signature"
)
_SECRET_KEY = re.compile(_VOCABULARY + "|^(pass|pwd|auth|key)$")
_SECRET_WORDS = frozenset({"pass", "pwd", "auth"})
_HARMLESS_KEY = re.compile("tokens?(count|total|used|limit)|(max|total|prompt)tokens?$")
"""Counters of tokens and the like: their names hold a secret word, their values are numbers."""

_VALUES: tuple[str, ...] = (
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)",
    r"\b(?:bearer|basic|token)\s+[A-Za-z0-9+/=._~-]{8,}",
    r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?",
    r"(?<=://)[^\s/:]*:[^\s/]*(?=@)",
    r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}",
    r"\bAIza[A-Za-z0-9_-]{30,}",
    r"\bya29\.[A-Za-z0-9._-]{10,}",
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}|sk-[A-Za-z0-9_-]{16,})",
    r"\b(?:set-)?cookie\s*[:=]\s*[^\r\n\"]+",
    r"\bauthorization\s*[:=]\s*[^\r\n\",]+",
    (
        r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{0,40}(?:api[_-]?key|access[_-]?key|secret|password|passwd"
        r"|pwd|token)[A-Za-z0-9_-]{0,40}\s*[:=]\s*[^\s,;&\"'}\]]+"
    ),
)
_VALUE = re.compile("|".join(f"(?:{v})" for v in _VALUES), re.IGNORECASE)
_SPELLED = re.sub(r"(api|private|firebase|access|key|session)(key|id)", r"\1[_ -]?\2", _VOCABULARY)
_WORDS = r"(?<=[_\"-])(?:pass|pwd|auth)(?=[_\"-])"
_QUOTED_PAIR = re.compile(
    rf"(\"[^\"\n]{{0,60}}(?:{_SPELLED}|{_WORDS})[^\"\n]{{0,60}}\"\s*:\s*)"
    r"(\"(?:[^\"\\]|\\.)*(?:\"|\Z)|[^\s,}\]]+)",
    re.IGNORECASE,
)
_SUSPICIOUS = tuple(
    b"key secret token auth pass pwd cookie bearer basic credential session signature -----begin"
    b" eyj @ akia asia aroa aida aiza ya00 ghp_ gho_ ghu_ ghs_ ghr_ xox sk- \\u".split()
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


def is_secret_key(key: str) -> bool:
    """Tell whether a key's name says that its value is secret, however it is spelled."""
    words = re.split(r"[^a-z0-9]+", key.casefold())
    plain = "".join(words)
    secret = bool(_SECRET_KEY.search(plain)) or not _SECRET_WORDS.isdisjoint(words)
    return secret and not _HARMLESS_KEY.search(plain)


def redact_text(text: str) -> str:
    """Mask every secret that a text shows by its form: tokens, keys, passwords in URLs, cookies."""
    return _VALUE.sub(MASK, _QUOTED_PAIR.sub(rf'\1"{MASK}"', text))


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
