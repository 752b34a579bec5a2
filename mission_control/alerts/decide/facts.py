"""What is not as it should be at one instant, as facts that rules speak of."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from mission_control.alerts.model import AlertEvidence, Fact, Source
from mission_control.floor.model import Alarm, FloorSnapshot, ServiceReport
from mission_control.market_calendar.days import in_new_york
from mission_control.model import codes
from mission_control.model.catalogue import explain
from mission_control.model.event import EventType
from mission_control.model.finding import Reason, Severity
from mission_control.model.fleet import Agent, Fleet, Kind
from mission_control.schedule.decide import BEFORE_NEXT_OPEN
from mission_control.schedule.model import Job, RunOutcome, RunStage, RunState

CLUSTER = "cluster"
READINESS = "readiness"
SCHEDULER = "scheduler"
CALENDAR = "market-calendar"
FEED_CODES = (codes.MARKETDATA_STALE, codes.MARKETDATA_MISSING, codes.MARKETDATA_UNVERIFIABLE)
UNSURE = frozenset({codes.NOT_YET_ASKED})
"""Nothing was asked yet: that says nothing of what would be answered."""

_BAD_RUNS = {
    RunOutcome.MISSED: codes.RUN_MISSED,
    RunOutcome.OVERLAPPED: codes.RUN_MISSED,
    RunOutcome.FAILED: codes.RUN_FAILED,
}
"""What became of a run that left no evidence; a late one left it."""


class _Told(NamedTuple):
    """Reasons about one subject, the worst first, with the service's report where it is one."""

    report: ServiceReport | None
    reasons: list[Reason]


@dataclass(slots=True)
class _Sorted:
    """The posture's reasons by what they are about."""

    feeds: dict[str, list[Reason]] = field(default_factory=dict[str, list[Reason]])
    services: dict[str, _Told] = field(default_factory=dict[str, _Told])
    lists: list[Reason] = field(default_factory=list[Reason])
    alarms: list[Reason] = field(default_factory=list[Reason])
    others: list[_Told] = field(default_factory=list[_Told])


def find_facts(evidence: AlertEvidence) -> tuple[Fact, ...]:
    """
    Return everything that is not as it should be, each thing once.

    It is gathered from what the floor's decision says is wrong, not from every service, so it
    costs nothing while nothing is.
    """
    told = _sort(evidence.snapshot)
    found = (
        *_alarms(evidence.snapshot, told),
        *_feeds(evidence.snapshot, told),
        *(_service(each) for each in told.services.values() if each.reasons),
        *_lists(told.lists),
        *(_other(each) for each in told.others),
        *(_other(_Told(None, [reason])) for reason in evidence.further),
        *_scheduler(evidence),
        *_runs(evidence),
        *_readiness(evidence),
        *_events(evidence),
    )
    if all(fact.owner for fact in found):
        return found
    first = first_call(evidence.snapshot.fleet)
    return tuple(fact if fact.owner else replace(fact, owner=first) for fact in found)


def first_call(fleet: Fleet) -> str:
    """Return who is called first for every service, and so for what is about none; else empty."""
    owners = {agent.owner.primary for agent in fleet.agents if agent.owner is not None}
    return owners.pop() if len(owners) == 1 else ""


def _sort(snapshot: FloorSnapshot) -> _Sorted:
    told, alarms = _Sorted(), {(a.code, a.subject) for a in snapshot.latched.alarms}
    for reason in snapshot.posture.reasons:
        report = find_report(snapshot.services, reason.subject)
        if reason.code in FEED_CODES and _is_feed(report):
            told.feeds.setdefault(reason.subject, []).append(reason)
        elif (reason.code, reason.subject) in alarms:
            told.alarms.append(reason)
        elif _is_list(reason):
            told.lists.append(reason)
        elif report is not None and _is_of_service(reason, report):
            told.services.setdefault(reason.subject, _Told(report, [])).reasons.append(reason)
        else:
            told.others.append(_Told(report, [reason]))
    return told


def find_report(services: Sequence[ServiceReport], agent_name: str) -> ServiceReport | None:
    """Find a service by its name among reports in the fleet's order, which is that of names."""
    at = bisect_left(services, agent_name, key=_name_of)
    found = services[at] if at < len(services) else None
    return found if found is not None and found.agent.agent_name == agent_name else None


def _name_of(report: ServiceReport) -> str:
    return report.agent.agent_name


def _is_feed(report: ServiceReport | None) -> bool:
    return report is None or report.agent.kind is Kind.MARKETDATA


def _is_list(reason: Reason) -> bool:
    """Return whether it is that a list of the cluster was not seen."""
    about = reason.subject == CLUSTER or reason.subject.startswith(f"{CLUSTER} ")
    return about and reason.severity is not Severity.INFO


def _is_of_service(reason: Reason, report: ServiceReport) -> bool:
    return not report.expected and (
        reason.halts or any(r.code == reason.code for r in report.reasons)
    )


def _owner(report: ServiceReport | None) -> str:
    owner = report.agent.owner if report is not None else None
    return owner.primary if owner is not None else ""


def _alarms(snapshot: FloorSnapshot, told: _Sorted) -> Iterator[Fact]:
    for reason in told.alarms:
        report = find_report(snapshot.services, reason.subject)
        yield _fact(Source.ALARM, report, [reason], (reason.code,))


def _feeds(snapshot: FloorSnapshot, told: _Sorted) -> Iterator[Fact]:
    """
    Return the feeds that are not fresh, also after hours, when the posture does not say so.

    It counts from the last tick, else from when it was first not fresh. One of which nothing is
    known because its service is silent is told by that silence.
    """
    latched = dict[str, list[Alarm]]()
    for alarm in snapshot.latched.alarms:
        if alarm.code in FEED_CODES:
            latched.setdefault(alarm.subject, []).append(alarm)
    for subject in sorted({*latched, *told.feeds}):
        reasons, alarms = told.feeds.get(subject, []), latched.get(subject, [])
        known = {r.code for r in reasons} | {a.code for a in alarms}
        found = tuple(code for code in FEED_CODES if code in known)
        if found == (codes.MARKETDATA_UNVERIFIABLE,) and subject in told.services:
            continue
        report = find_report(snapshot.services, subject)
        since = min((a.since for a in alarms), default=None)
        tick = report.freshness.last_tick if report is not None else None
        leading = [r for r in reasons if r.code == found[0]] or reasons
        yield Fact(
            Source.FEED,
            subject,
            found,
            leading[0].detail if leading else alarms[0].detail,
            severity=_worst(reasons),
            since=tick or since,
            confirmed=bool(alarms) or any(r.confirmed for r in reasons),
            halts=any(r.halts for r in reasons),
            kind=Kind.MARKETDATA,
            criticality=report.agent.criticality if report is not None else None,
            owner=_owner(report),
        )


def _service(told: _Told) -> Fact:
    report, reasons = told
    own = [r for r in report.reasons if r.severity is not Severity.INFO] if report else []
    feed = report is not None and report.agent.kind is Kind.MARKETDATA
    named = dict.fromkeys(r.code for r in (*reasons, *own))
    ours = [code for code in named if not (feed and code in FEED_CODES)] or list(named)
    # What is usually information, as HALTED by the kill switch, does not lead: it explains nothing.
    leading = sorted(ours, key=lambda code: explain(code).usual_severity is Severity.INFO)
    return _fact(Source.SERVICE, report, reasons, tuple(leading))


def _lists(reasons: Sequence[Reason]) -> Iterator[Fact]:
    if reasons:
        more = f" (and {len(reasons) - 1} lists more)" if len(reasons) > 1 else ""
        yield Fact(
            Source.CLUSTER,
            CLUSTER,
            tuple(dict.fromkeys(r.code for r in reasons)),
            f"{reasons[0].subject}: {reasons[0].detail}{more}",
            severity=_worst(reasons),
            confirmed=any(r.confirmed and r.code not in UNSURE for r in reasons),
            halts=any(r.halts for r in reasons),
        )


def _other(told: _Told) -> Fact:
    return _fact(Source.REASON, told.report, told.reasons, (told.reasons[0].code,))


def _fact(
    source: Source, report: ServiceReport | None, reasons: Sequence[Reason], found: tuple[str, ...]
) -> Fact:
    agent = report.agent if report is not None else None
    return Fact(
        source,
        reasons[0].subject,
        found,
        reasons[0].detail,
        severity=_worst(reasons),
        confirmed=any(r.confirmed and r.code not in UNSURE for r in reasons),
        halts=any(r.halts for r in reasons),
        kind=agent.kind if agent else None,
        criticality=agent.criticality if agent else None,
        state=report.state if report is not None else None,
        owner=_owner(report),
    )


def _worst(reasons: Iterable[Reason]) -> Severity | None:
    return min((r.severity for r in reasons), key=lambda s: s.rank, default=None)


def _scheduler(evidence: AlertEvidence) -> Iterator[Fact]:
    if evidence.scheduler_stalled:
        detail = evidence.scheduler_stalled
        yield Fact(Source.REASON, SCHEDULER, (codes.SCHEDULER_STALLED,), detail, Severity.P1)


def newest_ended(runs: Iterable[RunState]) -> Mapping[Job, RunState]:
    """Return for each job its newest run that has ended and was not skipped."""
    found = dict[Job, RunState]()
    for state in sorted(runs, key=lambda s: s.run):
        if state.stage is RunStage.ENDED and state.outcome is not RunOutcome.SKIPPED_HOLIDAY:
            found[state.run.job] = state
    return found


def _runs(evidence: AlertEvidence) -> Iterator[Fact]:
    """Return the runs that left no evidence, until the day (New York) of their end is over."""
    today = in_new_york(evidence.snapshot.at).date()
    for job, state in newest_ended(evidence.runs or ()).items():
        code = _BAD_RUNS.get(state.outcome) if state.outcome else None
        since = state.finished or state.run.deadline
        watched = evidence.began is None or state.run.deadline > evidence.began
        if code is not None and watched and in_new_york(since).date() == today:
            planned = f"the run planned for {state.run.planned_at:%Y-%m-%dT%H:%M:%SZ}"
            yield Fact(
                Source.RUN,
                job.value,
                (code,),
                f"{planned} {state.outcome}: {state.detail or 'nothing is told'}",
                since=since,
                job=job,
                outcome=state.outcome,
            )


def _readiness(evidence: AlertEvidence) -> Iterator[Fact]:
    """
    Return a NO-GO of today's session, made from its open - 60 min to its close, and until then.

    Outside of that every verdict is NO-GO, which says nothing.
    """
    told, session = evidence.verdict, evidence.snapshot.session
    if told is None or session.open is None or session.close is None or not told.refuses:
        return
    if session.at >= session.close:
        return
    recorded = told.recorded
    of_today = recorded.session_date == str(session.session_date)
    if of_today and recorded.at >= session.open + BEFORE_NEXT_OPEN:
        detail = f"the readiness of {recorded.at:%H:%M:%SZ} is NO-GO: {recorded.code or 'checks'}"
        found = (codes.READINESS_NO_GO,)
        yield Fact(Source.READINESS, READINESS, found, detail, since=recorded.at, job=told.job)


def _events(evidence: AlertEvidence) -> Iterator[Fact]:
    """Return that changed closures closed a running session, or opened one."""
    for event in evidence.events:
        if event.type is EventType.FILES_RELOADED and event.severity is Severity.P1:
            found = (codes.SESSION_CHANGED,)
            yield Fact(Source.EVENT, CALENDAR, found, event.message, event.severity, event.at)


def find_agent(fleet: Fleet, agent_name: str) -> Agent | None:
    """Find an agent by its name; the fleet's agents are in the order of theirs."""
    at = bisect_left(fleet.agents, agent_name, key=lambda a: a.agent_name)
    found = fleet.agents[at] if at < len(fleet.agents) else None
    return found if found is not None and found.agent_name == agent_name else None


class Dependencies:
    """What agents depend on, each worked out once within one decision."""

    def __init__(self, fleet: Fleet) -> None:
        """Look into this fleet."""
        self._fleet = fleet
        self._known: dict[str, frozenset[str]] = {}

    def of(self, agent_name: str) -> frozenset[str]:
        """Return everything that an agent depends on, directly or through others."""
        known = self._known.get(agent_name)
        if known is not None:
            return known
        found, left = set[str](), [agent_name]
        while left:
            agent = find_agent(self._fleet, left.pop())
            for name in agent.depends_on if agent is not None else ():
                if name not in found:
                    further = self._known.get(name)
                    found |= {name} | (further or frozenset())
                    left += [] if further is not None else [name]
        self._known[agent_name] = frozenset(found)
        return self._known[agent_name]
