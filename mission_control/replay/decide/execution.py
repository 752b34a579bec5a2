"""
What of a document is evidence of execution (docs/semantics.md#R12.16), and whether it is plain.

Both are settled in one walk, for each event of a log of any size is looked through: a document in
which no key and no text could need redaction is kept as it is.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
        self._keys, self._pairs = set[str](), set[tuple[str, object]]()
        self._texts, self._passed = set[str](), 0

    def is_quiet(self, document: Mapping[str, Any]) -> bool:
        """
        Return whether there is nothing in a document to be told: plain, no sign, nothing nested.

        `scan` says what there is.
        """
        unknown = list[str]()
        if not self._is_quiet(document, unknown, 0):
            return False
        if not unknown:
            return True
        together = "\n".join(unknown)
        if "{" in together or not _is_harmless(together):
            return False
        self._remember(unknown)
        return True

    def _is_quiet(self, document: Mapping[str, Any], unknown: list[str], depth: int) -> bool:
        texts = self._texts
        if not self._keys.issuperset(document) and not self._all_say_nothing(document, depth):
            return False
        for value in document.values():
            kind: Any = value.__class__
            if kind is str:
                if value not in texts:
                    unknown.append(value)
            elif kind is dict or kind is list:
                walk: Any = self._is_quiet if kind is dict else self._is_quiet_list
                if depth > DEEPEST or not walk(value, unknown, depth + 1):
                    return False
        return True

    def _is_quiet_list(self, values: Sequence[Any], unknown: list[str], depth: int) -> bool:
        for value in values:
            if _is_flag(value):
                return False
            if isinstance(value, str):
                unknown.append(value)
            elif isinstance(value, dict | list):
                walk: Any = self._is_quiet if isinstance(value, dict) else self._is_quiet_list
                if depth > DEEPEST or not walk(value, unknown, depth + 1):
                    return False
        return True

    def _all_say_nothing(self, document: Mapping[str, Any], depth: int) -> bool:
        known, pairs = self._keys, self._pairs
        for key in document:
            if key not in known:
                value = document[key]
                quiet = value.__class__ is str and (key, value) in pairs
                if key == "replay_schema":  # right at the top it is what makes this an event
                    quiet = depth == 0
                if not quiet and not self._says_nothing(key, value):
                    return False
        return True

    def _says_nothing(self, key: str, value: object) -> bool:
        """Return whether a key with this value says nothing; most keys say nothing ever."""
        about = _read_key(key)
        if key == "replay_schema":
            return False
        if about == _SAYS_NOTHING:
            if len(self._keys) < _MOST_KNOWN and len(key) <= _SHORT:
                self._keys.add(key)
            return True
        found = Scan()
        _judge(key, about, value, found)
        quiet = found.plain and found.sign is None
        short = isinstance(value, str) and len(value) <= _SHORT
        if quiet and short and len(self._pairs) < _MOST_KNOWN:
            self._pairs.add((key, value))
        return quiet

    def _remember(self, texts: Sequence[str]) -> None:
        """Remember harmless texts; once there are too many, begin again after a while."""
        known = self._texts
        if len(known) >= _MOST_KNOWN:
            self._passed += 1
            if self._passed > _MOST_KNOWN:
                known.clear()
                self._passed = 0
            return
        known.update(text for text in texts if len(text) <= _SHORT)


def scan(document: Mapping[str, Any]) -> Scan:
    """Return what a document holds; raises TooDeepError."""
    found = Scan()
    _scan(document, found, 0)
    return found


def _scan(value: object, found: Scan, depth: int) -> None:
    if depth > DEEPEST:
        raise TooDeepError
    if isinstance(value, dict):
        for key, each in cast("Mapping[str, Any]", value).items():
            _judge(key, _read_key(key), each, found)
            found.nested = found.nested or (depth > 0 and key == "replay_schema")
            _scan(each, found, depth + 1)
    elif isinstance(value, list):
        for each in cast("Sequence[object]", value):
            found.plain = found.plain and not _is_flag(each)
            _scan(each, found, depth + 1)
    elif isinstance(value, str):
        found.nested = found.nested or "{" in value
        if found.plain:
            found.plain = _is_harmless(value) or redact_text(value) == value


def _is_flag(value: object) -> bool:
    """Return whether a word of a list is as a flag, by which what follows is judged."""
    if isinstance(value, str):
        return value.startswith("-")
    return isinstance(value, int) and value < 0


def _is_harmless(text: str) -> bool:
    """
    Return whether, cheaply, nothing in a text could need redaction.

    Ids differ each time, and are left out of what is looked at: a hexadecimal number that stands
    alone is never secret by itself.
    """
    return looks_harmless(_ID.sub("0", text).encode(errors="replace"))


def _judge(key: str, about: _Key, value: object, found: Scan) -> None:
    if not about.plain or (about.names and isinstance(value, str) and is_secret_key(value)):
        found.plain = False
    if about.order_id and says_id(value):
        found.note(EvidenceKind.BROKER_ORDER_ID, f"{key} is given")
    if about.state and isinstance(value, str) and (said := read_state(value)):
        found.note(said, f"{key} is {value[:64]}")


def says_nothing_ever(key: str) -> bool:
    """Return whether a key is plain, and nothing that stands under it is judged by it."""
    return _read_key(key) == _SAYS_NOTHING


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
