"""
What of a document is evidence of execution (docs/semantics.md#R12.23), and whether it is plain.

Both are settled in one walk, for each event of a log of any size is looked through: a document in
which no key and no text could need redaction is kept as it is.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, cast

from mission_control.contract.model.modes import FORBIDDEN_WORDS, fold_mode
from mission_control.redaction.decide.names import NAMING
from mission_control.redaction.redact import is_secret_key, looks_harmless, redact_text
from mission_control.replay.decide.documents import DEEPEST, TooDeepError
from mission_control.replay.model import EvidenceKind

ORDER_ID_KEYS = frozenset({"brokerorderid", "alpacaorderid", "exchangeorderid"})
"""Keys of a broker's order id, without signs and capitals."""
STATE_KEYS = frozenset(
    ("stage", "status", "state", "tostate", "result", "outcome", "orderstatus", "executionstatus")
)
_NO_ID = frozenset({"", "null", "none", "nil", "undefined", "n/a", "na", "false", "-"})
_EXECUTED_WORDS = frozenset({"executed", "filled", "placed"})
_EXECUTED = frozenset({"partialfill", "partiallyfilled", "orderplaced", "orderfilled"})
_DENIED = frozenset({"not", "no", "never", "non", "un", "dry", "without"})
_HARMLESS_WORDS = frozenset(
    (
        *("rejected", "refused", "denied", "blocked", "halted", "skipped", "failed", "error"),
        *("invalid", "disabled", "dry", "not", "no", "never", "noop", "shadow", "expired"),
        *("cancelled", "canceled", "received", "pending", "stale", "duplicate", "unauthorized"),
    )
)
"""Words of a result that say that no order was placed."""
_BETWEEN = re.compile(r"[\W_]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ID = re.compile(r"(?<![A-Za-z0-9+/=_.$:-])[0-9a-f]{8,64}(?![A-Za-z0-9+/=_.$:])")
_SHORT = 96
_MOST_KNOWN = 8_192


class Sign(NamedTuple):
    """One sign of execution."""

    kind: EvidenceKind
    why: str


class _Key(NamedTuple):
    plain: bool
    names: bool
    order_id: bool
    state: bool


_SAYS_NOTHING = _Key(plain=True, names=False, order_id=False, state=False)


@lru_cache(maxsize=4_096)
def _read_key(key: str) -> _Key:
    folded = "".join(c for c in key.casefold() if c.isalnum())
    plain = not is_secret_key(key) and redact_text(key) == key
    return _Key(plain, key in NAMING, folded in ORDER_ID_KEYS, folded in STATE_KEYS)


@lru_cache(maxsize=1_024)
def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a stage, a status or a state, folded, humps apart."""
    return tuple(w for w in _BETWEEN.split(fold_mode(_HUMP.sub("_", text))) if w)


@lru_cache(maxsize=1_024)
def read_state(text: str) -> EvidenceKind | None:
    """Say whether a stage, status or state tells of an order placed, or of one executed."""
    words = words_of(text)
    together = "".join(words)
    if together == "brokerplaced":
        return EvidenceKind.BROKER_PLACED
    executed = together in _EXECUTED or not _EXECUTED_WORDS.isdisjoint(words)
    return EvidenceKind.EXECUTED if executed and _DENIED.isdisjoint(words) else None


def says_harmless(status: object) -> bool:
    """Return whether the status of an execute_result says that nothing was placed."""
    return isinstance(status, str) and not _HARMLESS_WORDS.isdisjoint(words_of(status))


def is_forbidden_state(state: object) -> bool:
    """Return whether a state is a mode that can place orders, and nothing else."""
    return isinstance(state, str) and fold_mode(state) in FORBIDDEN_WORDS


def says_id(value: object) -> bool:
    """Return whether a value in the place of an id is one."""
    if isinstance(value, str):
        return value.strip().casefold() not in _NO_ID
    return value is not None and value is not False and value not in ([], {})


@dataclass(slots=True)
class Scan:
    """What a walk through a document found: its worst sign, and whether it is plain as it is."""

    sign: Sign | None = None
    plain: bool = True
    nested: bool = False
    """A document within it may be an event as well."""
    unknown: list[str] = field(default_factory=list[str])
    """Texts that were not looked through yet."""

    def note(self, kind: EvidenceKind, why: str) -> None:
        """Keep a sign, unless there is a worse one."""
        if self.sign is None or _RANK[kind] < _RANK[self.sign.kind]:
            self.sign = Sign(kind, why)


_RANK = {kind: rank for rank, kind in enumerate(EvidenceKind)}


class Scanner:
    """
    Walks through the documents of one run, and remembers keys and texts that need no more looking.

    What is remembered is bounded, and changes no answer.
    """

    def __init__(self) -> None:
        """Begin with nothing known."""
        self._keys, self._texts = set[str](), set[str]()

    def scan(self, document: Mapping[str, Any]) -> Scan:
        """Return what a document holds; raises TooDeepError."""
        found = Scan()
        self._walk(document, found, 0)
        if found.unknown:
            self._look_at(found)
        return found

    def _walk(self, document: Mapping[str, Any], found: Scan, depth: int) -> None:
        keys, texts = self._keys, self._texts
        for key, value in document.items():
            if key not in keys:
                self._look_at_key(key, value, found, depth)
            kind: type[object] = value.__class__
            if kind is str:
                if value not in texts:
                    found.unknown.append(value)
            elif kind is dict:
                if depth > DEEPEST:
                    raise TooDeepError
                self._walk(value, found, depth + 1)
            elif kind is list:
                self._walk_list(value, found, depth + 1)

    def _walk_list(self, values: Sequence[object], found: Scan, depth: int) -> None:
        if depth > DEEPEST:
            raise TooDeepError
        for value in values:
            if isinstance(value, str):
                found.unknown.append(value)
                found.plain = found.plain and not value.startswith("-")
            elif isinstance(value, int):
                found.plain = found.plain and value >= 0  # as a word of a command line
            elif isinstance(value, dict):
                self._walk(cast("Mapping[str, Any]", value), found, depth + 1)
            elif isinstance(value, list):
                self._walk_list(cast("Sequence[object]", value), found, depth + 1)

    def _look_at_key(self, key: str, value: object, found: Scan, depth: int) -> None:
        """Judge a value whose key says something of it; other keys are remembered."""
        about = _read_key(key)
        if about == _SAYS_NOTHING and key != "replay_schema":
            _remember(key, self._keys)
        found.nested = found.nested or (depth > 0 and key == "replay_schema")
        if not about.plain or (about.names and isinstance(value, str) and is_secret_key(value)):
            found.plain = False
        if about.order_id and says_id(value):
            found.note(EvidenceKind.BROKER_ORDER_ID, f"{key} is given")
        if about.state and isinstance(value, str) and (said := read_state(value)):
            found.note(said, f"{key} is {value[:64]}")

    def _look_at(self, found: Scan) -> None:
        """
        Look through all texts of a document that are not known, as one.

        What needs no redaction among others needs none alone. Ids differ each time, and are left
        out: hexadecimal numbers that stand alone are never secret by themselves.
        """
        together = "\n".join(found.unknown)
        found.nested = found.nested or "{" in together
        if not found.plain:
            return
        if looks_harmless(_ID.sub("0", together).encode(errors="replace")):
            for text in found.unknown:
                if len(text) <= _SHORT and "{" not in text:
                    _remember(text, self._texts)
        else:
            found.plain = all(redact_text(text) == text for text in found.unknown)


def _remember(text: str, known: set[str]) -> None:
    if len(known) >= _MOST_KNOWN:
        known.clear()
    if len(text) <= _SHORT:
        known.add(text)


def own_sign(document: Mapping[str, Any]) -> bool:
    """Return whether a document that is no event tells of an order placed, by its own keys."""
    for key, value in document.items():
        about = _read_key(key)
        if about.order_id and says_id(value):
            return True
        if about.state and isinstance(value, str) and _is_placed(value):
            return True
    return False


def _is_placed(state: str) -> bool:
    return read_state(state) is EvidenceKind.BROKER_PLACED
