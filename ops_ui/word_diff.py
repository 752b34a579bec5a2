"""Two texts side by side, word by word: what went and what came. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby

from ops_ui.record_answers import Change

_WORDS = re.compile(r"[A-Za-z0-9]+|\s+|[^A-Za-z0-9\s]")
_MOST_WORDS = 600
"""Longer texts are shown as changed whole: comparing them would take too long."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text; one that is `changed` is not in the other."""

    text: str
    changed: bool


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One change of a subject; a side that was not there has no piece."""

    what: str
    before: tuple[Piece, ...]
    after: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class ChangeCard:
    """Everything that changed of one subject."""

    subject: str
    rows: tuple[ChangeRow, ...]


def see_changes(changes: Sequence[Change]) -> Sequence[ChangeCard]:
    """Group changes by their subject, in the order in which they come, each word by word."""
    return [
        ChangeCard(subject or "?", tuple(_row(change) for change in group))
        for subject, group in groupby(changes, key=lambda change: change.subject)
    ]


def _row(change: Change) -> ChangeRow:
    before, after = compare(change.before, change.after)
    return ChangeRow(change.what, before, after)


def compare(before: str, after: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Return both texts in pieces, of which those that differ are changed."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if max(len(old), len(new)) > _MOST_WORDS:
        return _whole(before), _whole(after)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    steps = matcher.get_opcodes()
    left = [("".join(old[a:b]), tag != "equal") for tag, a, b, _, _ in steps]
    right = [("".join(new[c:d]), tag != "equal") for tag, _, _, c, d in steps]
    return tuple(_pieces(left)), tuple(_pieces(right))


def _whole(text: str) -> tuple[Piece, ...]:
    return (Piece(text, changed=True),) if text else ()


def _pieces(parts: Sequence[tuple[str, bool]]) -> Iterator[Piece]:
    return (Piece(text, changed) for text, changed in parts if text)
