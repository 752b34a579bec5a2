"""The three meanings of an agent's mode, wherever it is said (status contract, a.6)."""

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache

HARMLESS_MODES = frozenset(
    {
        "off",
        "observe",
        "eval",
        "paper",
        "disabled",
        "warmup",
        "halted",
        "paused",
        "stream",
        "service",
    }
)
"""Every mode of the fleet that places no order: what services start in, the library's own,
the deploy report's words for off, and the fallbacks of marketdata and ingest."""

FORBIDDEN_WORDS = frozenset({"execute", "executing", "live"})
"""A mode that has one of these among its words is evidence of execution."""

_BETWEEN_WORDS = re.compile(r"[\W_]+")
_UNSEEN = frozenset({"Cf", "Cc"})


class ModeText(StrEnum):
    """What a mode means; one that is not known to be harmless never passes for it."""

    HARMLESS = "harmless"
    FORBIDDEN = "forbidden"
    UNKNOWN = "unknown"


@lru_cache(maxsize=256)
def read_mode(text: str) -> ModeText:
    """
    Read a mode: compatibility forms, case, blanks and invisible characters make no difference.

    LIVE in full-width letters or with a zero-width space inside is FORBIDDEN, as `paper-live`
    is. A blank, a word of no known vocabulary and a look-alike in another script are UNKNOWN.
    """
    mode = fold_mode(text)
    if mode in HARMLESS_MODES:
        return ModeText.HARMLESS
    if FORBIDDEN_WORDS.isdisjoint(_BETWEEN_WORDS.split(mode)):
        return ModeText.UNKNOWN
    return ModeText.FORBIDDEN


def forbidden_word(text: str) -> str:
    """Return the first word that makes a mode FORBIDDEN, folded; empty where there is none."""
    words = _BETWEEN_WORDS.split(fold_mode(text))
    return next((word for word in words if word in FORBIDDEN_WORDS), "")


def fold_mode(text: str) -> str:
    """Return a mode as it is compared: in compatibility form, trimmed, case folded."""
    if not (text.isascii() and text.isprintable()):
        normal = unicodedata.normalize("NFKC", text)
        kept = (c for c in normal if c.isspace() or unicodedata.category(c) not in _UNSEEN)
        text = "".join(kept)
    return text.strip().casefold()
