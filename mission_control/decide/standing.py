"""Decide: which accusations stand. Silence never acquits (semantics, section 6)."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from mission_control.decide.evidence import Statement
from mission_control.model import codes
from mission_control.model.finding import Reason, Severity
from mission_control.model.snapshot import ServiceReport
from mission_control.model.standing import Accusation

HELD_AGAINST_A_SERVICE = frozenset({codes.EXECUTION_EVIDENCE, codes.FRESHNESS_GATE_FALSE_POSITIVE})
"""What a service said that makes any state of its own unexpected, until it takes it back."""


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


def hold_against(report: ServiceReport, accusations: Iterable[Accusation]) -> ServiceReport:
    """
    Give the report of a service with what stands accused of it as its leading reasons.

    A service that says OK and that orders may be executed is not as expected.
    """
    own = {
        a.code: Reason(a.code, a.subject, Severity.P0, a.detail, halts=True, since=a.since)
        for a in accusations
        if a.subject == report.agent.agent_name and a.code in HELD_AGAINST_A_SERVICE
    }
    if not own:
        return report
    others = (r for r in report.reasons if r.code not in own)
    return replace(report, expected=False, reasons=(*own.values(), *others))
