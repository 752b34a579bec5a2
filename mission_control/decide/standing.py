"""Decide: which accusations stand. Silence never acquits (semantics, section 6)."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from mission_control.decide.evidence import Statement
from mission_control.model.standing import Accusation


def carry_accusations(
    before: Iterable[Accusation],
    statements: Collection[Statement],
    sources: Collection[str],
    now: datetime,
) -> tuple[Accusation, ...]:
    """
    Give the accusations that stand after these statements, sorted by key.

    One stands until the very source that made it denies the very fact, or until that source
    is no longer listed in `sources` (names of agents and witnesses): the recorded change of
    the inventory ends it. A source that accuses and denies in one breath accuses.
    """
    accusing = {s.key: s for s in statements if s.accuses}
    denied = {s.key for s in statements if not s.accuses} - accusing.keys()
    kept = {a.key: a for a in before if a.key not in denied and _still_listed(a.source, sources)}
    for key, statement in accusing.items():
        known = kept.get(key)
        if known is None:
            kept[key] = Accusation(*key, statement.detail, since=now, last_seen=now)
        else:
            kept[key] = replace(known, detail=statement.detail, last_seen=now)
    return tuple(kept[key] for key in sorted(kept))


def _still_listed(source: str, sources: Collection[str]) -> bool:
    return source in sources or source.split(" ", 1)[0] in sources
