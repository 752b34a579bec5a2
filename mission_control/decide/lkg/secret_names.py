"""Decide: names that say that their value is a secret, and values that are none all the same."""

import re

from mission_control.decide.secrecy import is_secret_key

_WORDS = re.compile(r"[^a-z0-9]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
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


def names_a_secret(name: str) -> bool:
    """
    Tell whether a name says that its value may not be captured.

    Beyond the vocabulary, whatever ends in PASS: a capture that is refused for a harmless one
    costs a name, one that is made with a secret costs the secret.
    """
    return is_secret_key(name) or _last_word(name).endswith("pass")


def is_harmless(name: str, value: str) -> bool:
    """Tell whether a value is no secret though its name tells of one: where it is, or how."""
    if value.strip().casefold() in {"", "true", "false"} or _PATH.fullmatch(value):
        return True
    if name.startswith("checksum/"):
        return _CHECKSUM.fullmatch(value) is not None
    form = _ABOUT_IT.get(_last_word(name))
    return form is not None and form.fullmatch(value) is not None and not _looks_random(value)


def _last_word(name: str) -> str:
    return _WORDS.split(_HUMP.sub("_", name).casefold())[-1]


def _looks_random(value: str) -> bool:
    words = re.split(r"[^A-Za-z0-9]+", value)
    return any(len(w) >= _LONGEST_WORD and not w.isalpha() for w in words)
