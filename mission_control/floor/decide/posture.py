"""May the floor run. Fail closed: what we cannot see, we do not trust."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from mission_control.cluster.decide.lists import SUBJECT as CLUSTER
from mission_control.cluster.decide.view import ClusterView
from mission_control.cluster.decide.workloads import HALTING
from mission_control.cluster.model.facts import NOTHING_CAPTURED, CapturedWorkloads, ClusterFacts
from mission_control.contract.model.shapes import ServiceState
from mission_control.floor.decide.evidence import Moment, within_age
from mission_control.floor.decide.instances import count_denials
from mission_control.floor.decide.required_evidence import EvidenceAge, MissingEvidence
from mission_control.floor.model import (
    Alarm,
    Coverage,
    FloorEvidence,
    Latched,
    Posture,
    ServiceReport,
    Verdict,
)
from mission_control.kill_switch.decide import SUBJECT as SWITCH
from mission_control.model import codes
from mission_control.model.finding import Reason, Severity, worst
from mission_control.model.fleet import Agent, Criticality, Kind, Safety
from mission_control.model.kill_switch import KillSwitch, KillSwitchState
from mission_control.model.reading import Unseen
from mission_control.model.session import MarketSession, Phase

PAGING_BEFORE_OPEN = timedelta(minutes=60)
"""P1 pages from an hour before the open until the close (docs/semantics.md#11)."""
HORIZON_WARNING_DAYS = 90

_UNREAD = "history could not be read since the start: alarms from before are not known"
_LOST = (
    "alarms from before are not known; after looking, a human starts once with"
    " serve --history-is-new=HEAD (the ledger's, as `artifacts verify` says)"
)
_NEW = "this root began a new record, and nothing from before is known here; said"
_UTC = "%Y-%m-%dT%H:%M:%SZ"

_HALTING_STATES = frozenset({ServiceState.OFFLINE, ServiceState.UNKNOWN, ServiceState.HALTED})
_STALE = frozenset({codes.MARKETDATA_STALE, codes.MARKETDATA_MISSING})
_IN_EVERY_PHASE = frozenset({codes.OWN_CLOCK_SUSPECT, codes.MODE_UNKNOWN})
"""P1 that halts and pages in any phase: the session is in doubt, or what may run in it."""


def pages_now(session: MarketSession) -> bool:
    """Return whether P1 pages at this instant: from open - 60 min to close, and in UNKNOWN."""
    if session.phase.gates:
        return True
    if session.phase is not Phase.PRE_MARKET or session.open is None:
        return False
    return session.at >= session.open - PAGING_BEFORE_OPEN


def severity_of_trouble(agent: Agent, session: MarketSession) -> Severity:
    """
    Say how bad it is that this service is not as expected (docs/semantics.md#11).

    What the floor needs is P1 while P1 pages and P2 otherwise; a UI that is offline is
    information; any other optional service is P2. The twin's silence is P1 while the floor is open.
    """
    if agent.twin:
        return Severity.P1 if session.phase.gates else Severity.P2
    if agent.required:
        return Severity.P1 if pages_now(session) else Severity.P2
    return Severity.INFO if agent.kind is Kind.OPS else Severity.P2


def halts_the_floor(report: ServiceReport) -> bool:
    """
    Return whether this service's state alone halts a floor that is open.

    That of a critical service, or an important strategy, that is unexpectedly OFFLINE, UNKNOWN or
    HALTED, or whose pods are missing, crashing or without an image.
    """
    agent = report.agent
    matters = agent.criticality is Criticality.CRITICAL or (
        agent.kind is Kind.STRATEGY and agent.criticality is Criticality.IMPORTANT
    )
    stopped = report.state in _HALTING_STATES
    failing = any(r.code in HALTING for r in report.reasons)
    return matters and not report.expected and (stopped or failing)


def severity_of_alarm(alarm: Alarm, session: MarketSession | None) -> Severity:
    """
    Say how bad an alarm is in its phase (docs/semantics.md#6 and #11).

    Sev-0 is P0 in every phase. A stale feed after hours is normal, until an hour before the next
    open. No known session counts as open.
    """
    if alarm.sev0:
        return Severity.P0
    if alarm.code == codes.TWIN_RECORD_LOST:
        return Severity.P1 if session is None or session.phase.gates else Severity.P2
    always = alarm.code in _IN_EVERY_PHASE or alarm.code == codes.EXECUTION_COULD_START
    if always or session is None or pages_now(session):
        return Severity.P1
    return Severity.INFO if alarm.code in _STALE else Severity.P2


def reasons_from_alarms(alarms: Iterable[Alarm], session: MarketSession) -> Iterator[Reason]:
    """
    Turn latched alarms into reasons, which halt while the session gates.

    Sev-0, an unknown mode and a suspect clock of our own halt in every phase. What could start
    execution halts nothing: it is P1 in every phase, and withholds GO.
    """
    for alarm in alarms:
        starts = alarm.code == codes.EXECUTION_COULD_START
        sev0 = alarm.sev0
        gates = session.phase.gates
        if alarm.code in _STALE and not gates:
            continue
        always = alarm.code in _IN_EVERY_PHASE
        severity = severity_of_alarm(alarm, session)
        detail = f"{alarm.source}: {alarm.detail}"
        if alarm.last_seen < session.at:
            said, denied = f"{alarm.last_seen:%Y-%m-%dT%H:%M:%SZ}", count_denials(alarm)
            detail += f" (last said {said}, {denied or 'not denied since'})"
        beside = starts or alarm.code == codes.TWIN_RECORD_LOST
        halts = sev0 or always or (gates and not beside)
        yield Reason(
            alarm.code,
            alarm.subject,
            severity,
            detail,
            halts,
            alarm.since,
            withholds=starts,
        )


def reasons_from_switch_and_calendar(
    switch: KillSwitch, session: MarketSession, safety: Safety, *, execution_off: bool
) -> Iterator[Reason]:
    """
    Return the reasons from a switch that is not as required, and from the calendar's limits.

    A switch that nothing confirms halts where the fleet needs one. Where it is normally off, one
    that is confirmed to be on halts as well: a human halted this floor.
    """
    if safety.switch_required and switch.confirmed and not switch.as_normal:
        detail = f"it is {switch.state}, and the fleet file says that {switch.normal} is normal"
        yield Reason(codes.KILL_SWITCH, SWITCH, Severity.P1, detail, halts=True)
    elif safety.switch_required and not switch.confirmed:
        wanted = "execution is halted"
        if switch.normal is KillSwitchState.DISENGAGED:
            wanted = "the kill switch is DISENGAGED, as is normal here"
        yield Reason(
            codes.KILL_SWITCH_UNCONFIRMED,
            SWITCH,
            Severity.P1 if execution_off else Severity.P0,
            f"nothing confirms that {wanted}: {switch.detail}",
            halts=True,
        )
    if session.phase is Phase.UNKNOWN:
        yield Reason(
            codes.CALENDAR_UNKNOWN,
            "market-calendar",
            Severity.P1,
            f"the session is unknown and gates as open: {session.note}",
            halts=True,
        )
    elif session.horizon_days < HORIZON_WARNING_DAYS:
        detail = f"the calendar ends in {session.horizon_days} days"
        yield Reason(codes.CALENDAR_HORIZON, "market-calendar", Severity.P2, detail)


def reasons_from_memory(evidence: FloorEvidence, session: MarketSession) -> Iterator[Reason]:
    """
    Return the reasons from a store or a history that cannot be written (docs/semantics.md#9).

    Alarms that are not known halt. A failing store does not halt the floor, which needs no records
    to be safe; but it has to be known while this session's evidence can still be saved.
    """
    if not evidence.alarms_known:  # silence never clears an alarm, not even that of our own memory
        detail = _UNREAD if not evidence.alarms_lost else f"{evidence.alarms_lost}: {_LOST}"
        yield Reason(codes.STANDING_UNKNOWN, "history", Severity.P1, detail, halts=True)
    until = evidence.record_new_until
    if until is not None and session.at < until:
        yield Reason(codes.RECORD_NEW, "record", Severity.P2, f"{_NEW} until {until:{_UTC}}")
    if evidence.calendar_doubt is not None:  # that no session is known halts, as CALENDAR_UNKNOWN
        detail = evidence.calendar_doubt.detail
        yield Reason(codes.RELOAD_FAILED, "market-calendar", Severity.P2, detail)
    paging = Severity.P1 if pages_now(session) else Severity.P2
    for code, subject, tried, severity, what in (
        (
            codes.ARTIFACT_STORE_FAILING,
            "artifact-store",
            evidence.store,
            paging,
            "nothing can be recorded",
        ),
        (codes.HISTORY_FAILING, "history", evidence.history, Severity.P2, "history is not kept"),
    ):
        now = None if tried is None else within_age(tried, Moment(session.at))
        if isinstance(now, Unseen):
            yield Reason(code, subject, severity, f"{what}: {now.detail or now.code}")


def reasons_from_missing(
    missing: Iterable[MissingEvidence], session: MarketSession
) -> Iterator[Reason]:
    """Turn missing evidence into reasons, which halt while the session gates."""
    if session.phase.gates:
        for gap in missing:
            yield Reason(
                gap.code,
                gap.subject,
                Severity.P1,
                gap.detail,
                halts=True,
                confirmed=gap.confirmed,
            )


def reasons_from_cluster(
    missing: Iterable[MissingEvidence], session: MarketSession
) -> Iterator[Reason]:
    """
    Turn missing evidence of the cluster into reasons, which halt while the session gates.

    While it does not, a lost cluster is a reason all the same: it has to be back before the open.
    """
    gates = session.phase.gates
    severity = Severity.P1 if gates or pages_now(session) else Severity.P2
    for gap in missing:
        yield Reason(gap.code, gap.subject, severity, gap.detail, halts=gates)


def reasons_from_replicas(view: ClusterView, told: Iterable[tuple[str, str]]) -> Iterator[Reason]:
    """
    Return the workloads and services whose replicas differ; `told` are (agent, detail) of answers.

    That alone neither halts nor revokes, but readiness refuses it.
    """
    for subject, detail in (*view.skews, *told):
        yield Reason(codes.REPLICA_SKEW, subject, Severity.P2, detail)


def reasons_from_leftovers(
    view: ClusterView, captured: CapturedWorkloads | None
) -> Iterator[Reason]:
    """Return what runs and is not listed anywhere, nor in the last known good."""
    held = (captured or NOTHING_CAPTURED).running
    for thing in view.unknown:
        if thing.key not in held:
            detail = f"{thing.why}; neither the inventory nor known_workloads lists it"
            yield Reason(codes.LEFTOVER_WORKLOAD, thing.title, Severity.P2, detail)


def reasons_from_starter_lists(
    missing: Iterable[MissingEvidence], session: MarketSession
) -> Iterator[Reason]:
    """
    Return the lists that would show what could start execution, and were not seen.

    The floor is not HALTED for it, since lists of workloads show that nothing runs; but what is
    hidden may start it, so no GO is given or kept.
    """
    severity = Severity.P1 if pages_now(session) else Severity.P2
    for gap in missing:
        yield Reason(gap.code, gap.subject, severity, gap.detail, withholds=True)


def reasons_from_outdated_access(cluster: ClusterFacts | None) -> Iterator[Reason]:
    """Return that files for the API server changed, while the earlier ones are still used."""
    if cluster is not None and cluster.outdated:
        yield Reason(codes.RELOAD_FAILED, CLUSTER, Severity.INFO, cluster.outdated)


def reasons_from_services(
    reports: Iterable[ServiceReport], session: MarketSession
) -> Iterator[Reason]:
    """
    Return the leading reason of every service that is not as expected.

    Where that is only that its workload was not seen, the lost list is one reason itself, and not
    repeated by every service.
    """
    for report in reports:
        if not report.expected and report.reason_code != codes.WORKLOAD_UNSEEN:
            yield _reason_from_service(report, session)


def _reason_from_service(report: ServiceReport, session: MarketSession) -> Reason:
    halts = session.phase.gates and halts_the_floor(report)
    severity = Severity.P1 if halts else severity_of_trouble(report.agent, session)
    lead = report.reasons[0]
    return Reason(
        lead.code,
        report.agent.agent_name,
        severity,
        f"{report.state.value}: {lead.detail}",
        halts,
        report.since,
        _is_confirmed(report),
    )


def _is_confirmed(report: ServiceReport) -> bool:
    """Return whether anything that makes a service unexpected, beside a lost list, is confirmed."""
    unseen = codes.WORKLOAD_UNSEEN  # the lost list is a reason of its own
    telling = [r for r in report.reasons if r.severity is not Severity.INFO and r.code != unseen]
    return any(r.confirmed for r in telling or report.reasons[:1])


def order_reasons(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """
    Order reasons worst first, then by code and subject; one per code and subject, the worst.

    Of equal ones the confirmed counts. Equal evidence gives equal reasons, whatever order it
    arrived in.
    """
    kept = dict[tuple[str, str], Reason]()
    for reason in sorted(reasons, key=lambda r: (*r.order, not r.confirmed, r.detail)):
        kept.setdefault((reason.code, reason.subject), reason)
    return tuple(kept.values())


class Reports(NamedTuple):
    """Every service as reported on, in the fleet's order, and those not as expected."""

    services: tuple[ServiceReport, ...]
    unexpected: tuple[ServiceReport, ...]


class _Remembered(NamedTuple):
    """A service's reason, and all that it was made from."""

    reason: Reason
    reasons: tuple[Reason, ...]
    since: datetime
    phase: Phase
    pages: bool


class RememberedReasons:
    """
    The reasons of the decision before, made again only where what they are made from is another.

    A floor on which much fails would else spend more on sentences than on asking.
    """

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._services = dict[str, _Remembered]()
        self._missing = dict[tuple[str, str], tuple[MissingEvidence, bool, tuple[Reason, ...]]]()
        self._given: tuple[Reason, ...] = ()
        self._ordered: tuple[Reason, ...] = ()

    def from_services(
        self, reports: Iterable[ServiceReport], session: MarketSession
    ) -> Iterator[Reason]:
        """Return what `reasons_from_services` does."""
        phase, pages = session.phase, pages_now(session)
        for report in reports:
            known = self._services.get(report.agent.agent_name)
            if (
                known is not None
                and known.reasons is report.reasons
                and known.since is report.since
                and known.phase is phase
                and known.pages is pages
            ):
                yield known.reason
                continue
            for reason in reasons_from_services([report], session):
                about = (reason, report.reasons, report.since, phase, pages)
                self._services[reason.subject] = _Remembered(*about)
                yield reason

    def from_missing(
        self, missing: Iterable[MissingEvidence], session: MarketSession
    ) -> Iterator[Reason]:
        """Return what `reasons_from_missing` does."""
        gates = session.phase.gates
        for gap in missing:
            known = self._missing.get((gap.code, gap.subject))
            if known is None or known[0] is not gap or known[1] is not gates:
                made = tuple(reasons_from_missing([gap], session))
                known = self._missing[gap.code, gap.subject] = gap, gates, made
            yield from known[2]

    def order(self, reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
        """Return what `order_reasons` does."""
        if reasons != self._given:
            self._given, self._ordered = reasons, order_reasons(reasons)
        return self._ordered


def decide_posture(
    reasons: tuple[Reason, ...],
    reports: Reports,
    session: MarketSession,
    latched: Latched,
    age: EvidenceAge,
    coverage: Coverage,
    now: datetime,
) -> Posture:
    """
    Say whether the floor may run (docs/semantics.md#6).

    Any halting reason makes it HALTED; else a closed session makes it MARKET_CLOSED; else OK.
    `since` carries on from the latched verdict while the verdict stays the same. HALTED is
    confirmed once any reason that halts is, until it ends: silence leaves it no less sure. What
    could start execution, or hides whether anything could, leaves no posture expected.
    """
    if any(r.halts for r in reasons):
        verdict = Verdict.HALTED
    elif session.phase.closed:
        verdict = Verdict.MARKET_CLOSED
    else:
        verdict = Verdict.OK
    same = latched.verdict is verdict and latched.verdict_since is not None
    halting = {r.subject for r in reasons if r.halts}
    unexpected = tuple(r.agent.agent_name for r in reports.unexpected)
    skewed = {r.subject for r in reasons if r.code == codes.REPLICA_SKEW}
    if skewed:
        skewed &= {r.agent.agent_name for r in reports.services}
    sure = any(r.halts and r.confirmed for r in reasons) or (same and latched.confirmed)
    return Posture(
        verdict=verdict,
        expected=not (verdict is Verdict.HALTED or unexpected or any(r.withholds for r in reasons)),
        severity=worst(reasons),
        reasons=reasons,
        since=latched.verdict_since if same and latched.verdict_since else now,
        evidence_age_seconds=age.seconds,
        oldest_evidence=age.subject,
        degraded=tuple(sorted({*unexpected, *skewed} - halting)),
        coverage=coverage,
        confirmed=verdict is not Verdict.HALTED or sure,
    )
