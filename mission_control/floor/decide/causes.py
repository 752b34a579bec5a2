"""Which service that is not as expected waits for another one, or for the cluster."""

from collections.abc import Iterable, Mapping

from mission_control.cluster.decide.lists import SUBJECT as CLUSTER
from mission_control.floor.model import SEV0_CODES, FloorSnapshot, ServiceReport
from mission_control.model import codes
from mission_control.model.finding import Severity
from mission_control.model.fleet import Kind

MOST_FOLLOWED = 50
"""So many services are looked at for what one needs."""
_FEED = frozenset({codes.MARKETDATA_STALE, codes.MARKETDATA_MISSING, codes.MARKETDATA_UNVERIFIABLE})
BLIND = frozenset({codes.WORKLOAD_UNSEEN, codes.UNOBSERVED, codes.EXECUTION_NOT_PROVEN_OFF})
"""What is said of a service whose workload is not seen."""


def find_causes(snapshot: FloorSnapshot) -> Mapping[str, str]:
    """
    Return for each service that waits the subject that it waits for (docs/semantics.md#R15.8).

    One that is P0 by itself waits for nothing. Nothing is left out or called better by this: it
    says where to begin.
    """
    wrong = {r.agent.agent_name: r for r in snapshot.services if not r.expected}
    subjects = [r.subject for r in snapshot.posture.reasons]
    lost = next((s for s in subjects if s.split(" ")[0] == CLUSTER), None)
    feeds = sorted(name for name, r in wrong.items() if _is_feed(r))
    blind = BLIND if snapshot.kill_switch.confirmed else BLIND | {codes.KILL_SWITCH}
    causes = dict[str, str]()
    for name, report in wrong.items():
        cause = _cause_of(report, wrong, feeds, lost if report.reason_code in blind else None)
        if cause is not None:
            causes[name] = cause
    return _followed(causes)


def _followed(causes: Mapping[str, str]) -> Mapping[str, str]:
    """Follow each cause to where it begins; of a circle nothing is the cause."""
    found = dict[str, str]()
    for name in causes:
        passed, cause = {name}, causes[name]
        while cause in causes and cause not in passed:
            passed.add(cause)
            cause = causes[cause]
        if cause not in causes:
            found[name] = cause
    return found


def _is_feed(report: ServiceReport) -> bool:
    return report.agent.kind is Kind.MARKETDATA


def _cause_of(
    report: ServiceReport,
    wrong: Mapping[str, ServiceReport],
    feeds: Iterable[str],
    lost: str | None,
) -> str | None:
    lead = report.reason_code
    if lead in SEV0_CODES or any(r.severity is Severity.P0 for r in report.reasons):
        return None
    feed = next((name for name in feeds if name != report.agent.agent_name), None)
    if lead in _FEED and not _is_feed(report) and feed is not None:
        return feed
    if lost is not None:
        return lost
    return next((n for n in _needed(report, wrong) if n != report.agent.agent_name), None)


def _needed(report: ServiceReport, wrong: Mapping[str, ServiceReport]) -> Iterable[str]:
    """Return what it needs, directly or not, that is not as expected, the furthest first."""
    found, left = list[str](), list(report.agent.depends_on)
    while left and len(found) < MOST_FOLLOWED:
        name = left.pop(0)
        needed = wrong.get(name)
        if needed is not None and name not in found:
            found.append(name)
            left += needed.agent.depends_on
    return reversed(found)


def root_of(causes: Mapping[str, str], subject: str) -> str:
    """Return where a subject's trouble begins: itself, where it waits for nothing."""
    return causes.get(subject, subject)
