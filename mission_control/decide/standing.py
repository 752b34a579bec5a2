"""Decide: which accusations stand. Silence never acquits (semantics, section 6)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from mission_control.decide.evidence import Denials, Statement
from mission_control.model import codes
from mission_control.model.finding import Reason, Severity
from mission_control.model.standing import Accusation, Standing

HELD_AGAINST_A_SERVICE = frozenset({codes.EXECUTION_EVIDENCE, codes.FRESHNESS_GATE_FALSE_POSITIVE})
"""What a service said that makes any state of its own unexpected, until it takes it back."""


def carry_accusations(
    before: Iterable[Accusation],
    accusing: Iterable[Statement],
    denied: Denials,
    sources: Collection[str],
    now: datetime,
) -> tuple[Accusation, ...]:
    """
    Give the accusations that stand after what was said now, sorted by key.

    One stands until the very source that made it denies the very fact, or until that source
    is no longer listed in `sources` (names of agents and witnesses): the recorded change of
    the inventory ends it. A source that accuses and denies in one breath accuses. What was dated
    by a clock that ran ahead was heard by now: else nothing would be newer for as long.
    """
    said = {s.key: s for s in accusing}
    kept = {
        a.key: replace(a, since=min(a.since, now), last_seen=min(a.last_seen, now))
        for a in before
        if (a.key not in denied or a.key in said) and _still_listed(a.source, sources)
    }
    for key, statement in said.items():
        known = kept.get(key)
        if known is None:
            kept[key] = Accusation(*key, statement.detail, since=now, last_seen=now)
        else:
            kept[key] = replace(known, detail=statement.detail, last_seen=now)
    return tuple(kept[key] for key in sorted(kept))


def _still_listed(source: str, sources: Collection[str]) -> bool:
    return source in sources or source.split(" ", 1)[0] in sources


def held_against(accusations: Iterable[Accusation]) -> Mapping[str, tuple[Reason, ...]]:
    """
    Give, by agent, what stands accused that makes any state of its own unexpected.

    A service that says OK and that orders may be executed is not as expected.
    """
    held = dict[str, dict[str, Reason]]()
    for a in accusations:
        if a.code in HELD_AGAINST_A_SERVICE:
            reason = Reason(a.code, a.subject, Severity.P0, a.detail, halts=True, since=a.since)
            held.setdefault(a.subject, {})[a.code] = reason
    return {subject: tuple(by_code.values()) for subject, by_code in held.items()}


def join_standing(before: Standing, now: Standing) -> Standing:
    """
    Give what stands with what stood before a start, which was read only now.

    What both know keeps its first time; who denies it by now is heard in the next decision. A
    path that answered before the start answered once, whatever it answers since.
    """
    accusations = {a.key: a for a in now.accusations}
    for old in before.accusations:
        new = accusations.get(old.key)
        accusations[old.key] = old if new is None else replace(new, since=old.since)
    earlier = {s.agent_name: s.answered for s in before.services}
    services = tuple(
        replace(s, answered=tuple(sorted({*s.answered, *earlier.get(s.agent_name, ())})))
        for s in now.services
    )
    standing = tuple(accusations[key] for key in sorted(accusations))
    return replace(now, accusations=standing, services=services)
