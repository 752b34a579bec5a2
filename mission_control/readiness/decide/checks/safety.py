"""Nothing can execute, and the gate that strategies rely on is sound."""

from collections.abc import Iterator
from datetime import timedelta

from mission_control.cluster.decide.view import ClusterView, view_cluster
from mission_control.floor.decide.evidence import Moment, answered
from mission_control.floor.decide.execution import says_harmless_mode
from mission_control.floor.model import FloorSnapshot, FreshnessState, Verdict
from mission_control.model import codes
from mission_control.model.execution_rules import BYPASSES
from mission_control.model.fleet import Kind
from mission_control.model.kill_switch import KillSwitchState, SourceKind
from mission_control.model.reading import Seen
from mission_control.readiness.decide.outcome import (
    FAIL,
    PASS,
    UNKNOWN,
    Subject,
    check,
    not_applicable,
    settle,
)
from mission_control.readiness.model import Check, ReadinessEvidence

BEFORE_OPEN = timedelta(minutes=60)
"""Freshness is required from so long before the open until the close (docs/semantics.md#7)."""


def judge(evidence: ReadinessEvidence) -> Iterator[Check]:
    """Return the checks of kill switch, modes, toggles, execution, freshness and posture."""
    snapshot = evidence.snapshot
    view = view_cluster(snapshot.fleet, snapshot.cluster, Moment(evidence.now))
    yield _modes(snapshot, view)
    yield _switch(snapshot)
    yield _sources(snapshot)
    yield _fresh(snapshot, evidence)
    yield _toggles(snapshot, view)
    yield _execution(snapshot, view, evidence)
    yield _raised(snapshot, evidence)
    posture = snapshot.posture
    halted = posture.verdict is Verdict.HALTED
    reasons = ", ".join(f"{r.code} {r.subject}" for r in posture.reasons if r.halts)
    said = f"{posture.verdict.value}: {reasons}" if halted else posture.verdict.value
    yield check("RC-408", FAIL if halted else PASS, said)


def _modes(snapshot: FloorSnapshot, view: ClusterView) -> Check:
    said = [
        f"{r.agent.agent_name} {path} says {claims.agent_mode}"
        for r in snapshot.services
        if r.round is not None
        for path, reading in r.round.readings.items()
        if (claims := reading.value.claims if isinstance(reading, Seen) else reading.claims)
        and claims.agent_mode
        and claims.forbidden_mode
    ]
    modes = _modes_of(snapshot)
    said += [
        s.detail
        for s in (*view.raising, *snapshot.latched.alarms)
        if s.code == codes.EXECUTION_EVIDENCE and s.fact.endswith((*modes, "agent_mode"))
    ]
    if said:
        return check("RC-401", FAIL, "; ".join(sorted(set(said))[:5]))
    strange = [s.detail for s in snapshot.latched.alarms if s.code == codes.MODE_UNKNOWN]
    if strange:
        return check("RC-401", UNKNOWN, "; ".join(sorted(set(strange))[:5]))
    open_ = sorted({fact for *_, fact in view.undecided if fact.endswith(modes)})
    if open_:
        return check("RC-401", UNKNOWN, f"not known: {', '.join(open_[:5])}")
    return _over_lists(
        "RC-401", snapshot, view, "no mode is EXECUTE or LIVE, in answers and in pod specifications"
    )


def _modes_of(snapshot: FloorSnapshot) -> tuple[str, ...]:
    """Return how facts about execution switches end: all but the freshness bypasses."""
    switches = (s.name for s in snapshot.fleet.execution.all_switches)
    return (*(f" {name}" for name in switches if name not in BYPASSES), " MODE")


def _over_lists(code: str, snapshot: FloorSnapshot, view: ClusterView, well: str) -> Check:
    """Return PASS only where every list that could say otherwise was seen whole."""
    if snapshot.fleet.access is None:
        detail = "no cluster is read, so pod specifications are not known"
        return check(code, UNKNOWN, detail)
    if view.whole != view.sources:
        lost = sorted(view.sources - view.whole)
        return check(code, UNKNOWN, f"not seen whole: {', '.join(lost[:5])}")
    if snapshot.cluster is None or not (snapshot.cluster.workloads or snapshot.cluster.pods):
        return check(code, UNKNOWN, "there is no workload and no pod to look at")
    return check(code, PASS, well, sorted(view.sources))


_NO_SWITCH = "the fleet file says safety: {kill_switch: {required: none}}"
_EXACT = {KillSwitchState.ENGAGED: "1", KillSwitchState.DISENGAGED: "0"}


def _switch(snapshot: FloorSnapshot) -> Check:
    """Judge whether the switch holds exactly its normal value, where the fleet needs one."""
    if not snapshot.fleet.safety.switch_required:
        return not_applicable("RC-402", _NO_SWITCH)
    wanted = _EXACT[snapshot.kill_switch.normal]
    able = [w for w in snapshot.kill_switch.sources if w.confirms]
    preferred = [w for w in able if w.kind is SourceKind.CONFIG_MAP] or able
    if not preferred:
        return check("RC-402", UNKNOWN, "no source that could confirm the switch is configured")
    subjects = list[Subject]()
    for w in preferred:
        # The end of its line is the file's, not the value's; nothing else is forgiven.
        outcome = PASS if w.value.removesuffix("\n") == wanted else FAIL
        if w.state is KillSwitchState.UNKNOWN and not w.value:
            outcome = UNKNOWN
        subjects.append(Subject(w.source, outcome, w.detail or f"it holds {w.value!r}"))
    return settle("RC-402", subjects, f"exactly {wanted}", "", [w.source for w in preferred])


def _sources(snapshot: FloorSnapshot) -> Check:
    """Judge whether every source says what is normal; each that answers counts, required or not."""
    switch = snapshot.kill_switch
    if not switch.sources and not snapshot.fleet.safety.switch_required:
        return not_applicable("RC-403", _NO_SWITCH)
    subjects = list[Subject]()
    for w in switch.sources:
        configured = w.kind is not SourceKind.SERVICE
        outcome = PASS if w.state is switch.normal else FAIL
        if w.state is KillSwitchState.UNKNOWN:
            outcome = UNKNOWN
        said = w.detail if outcome is not PASS and w.detail else w.state.value
        blocks = configured or outcome is FAIL
        subjects.append(Subject(w.source, outcome, said, blocks))
    return settle("RC-403", subjects, f"all say {switch.normal}", "no source was read")


def _raised(snapshot: FloorSnapshot, evidence: ReadinessEvidence) -> Check:
    """Say NO for every latched alarm; for staleness only while freshness is required."""
    raised = snapshot.latched.alarms
    if not raised:
        return check("RC-407", PASS, "no alarm is latched")
    stale = {codes.MARKETDATA_STALE, codes.MARKETDATA_MISSING}
    needed = _needs_freshness(evidence)
    subjects = [
        Subject(a.source, FAIL, f"{a.code}: {a.detail}", needed or a.code not in stale)
        for a in raised
    ]
    return settle("RC-407", subjects, "", "")


def _needs_freshness(evidence: ReadinessEvidence) -> bool:
    """Return whether freshness is required: from open - 60 min to close, or in no known phase."""
    session = evidence.snapshot.session
    if session.open is None or session.close is None:
        return session.phase.gates
    return session.open - BEFORE_OPEN <= session.at < session.close


def _fresh(snapshot: FloorSnapshot, evidence: ReadinessEvidence) -> Check:
    needed = _needs_freshness(evidence)
    required = snapshot.fleet.safety.freshness_required
    outcomes = {FreshnessState.FRESH: PASS, FreshnessState.UNVERIFIABLE: UNKNOWN}
    subjects = [
        Subject(
            r.agent.agent_name,
            outcomes.get(r.freshness.state, FAIL),
            f"{r.freshness.state.value}: {r.freshness.detail}",
            needed,
        )
        for r in snapshot.services
        if r.agent.kind is Kind.MARKETDATA and r.agent.required
    ]
    if not subjects and not required:
        return not_applicable("RC-404", "the fleet file says safety: {freshness: none}")
    return settle("RC-404", subjects, "fresh", "no required marketdata service is in the inventory")


def _toggles(snapshot: FloorSnapshot, view: ClusterView) -> Check:
    toggles = tuple(f" {name}" for name in sorted(BYPASSES))
    said = [s.detail for s in view.raising if s.fact.endswith(toggles)]
    if said:
        return check("RC-405", FAIL, "; ".join(said[:5]))
    open_ = [fact for *_, fact in sorted(view.undecided) if fact.endswith(toggles)]
    if open_:
        return check("RC-405", UNKNOWN, f"not known: {', '.join(open_[:5])}")
    return _over_lists("RC-405", snapshot, view, "no bypass toggle is on")


def _execution(snapshot: FloorSnapshot, view: ClusterView, evidence: ReadinessEvidence) -> Check:
    paper = snapshot.fleet.safety.paper
    running = [s.detail for s in view.raising if s.fact.endswith((" running", " could start"))]
    latched = [a.detail for a in snapshot.latched.alarms if a.code == codes.EXECUTION_COULD_START]
    running.extend(d for d in latched if d not in running)
    answering = [
        f"{r.agent.agent_name} answers"
        for r in snapshot.services
        if r.agent.kind is Kind.EXECUTION
        and r.round is not None
        and any(map(answered, r.round.readings.values()))
        and not (paper and says_harmless_mode(r.agent, r.round.readings, Moment(evidence.now)))
    ]
    if running or answering:
        return check("RC-406", FAIL, "; ".join([*running, *answering][:5]))
    hidden = sorted(view.starter_sources - view.starter_whole)
    if hidden:
        told = [f"{gap.subject}: {gap.detail}" for gap in view.missing_starters] or hidden
        detail = f"what could start execution was not seen whole: {'; '.join(told[:5])}"
        return check("RC-406", UNKNOWN, detail)
    if paper:
        detail = "the fleet file says execution: paper, and all that runs says a harmless mode"
        return _over_lists("RC-406", snapshot, view, detail)
    if view.execution_off:
        detail = "whole lists show nothing that executes, and no execution service answers"
        return check("RC-406", PASS, detail, sorted(view.sources))
    if snapshot.fleet.access is None:
        return check("RC-406", UNKNOWN, "no cluster is read, so nothing proves execution off")
    return check("RC-406", UNKNOWN, "lists that would prove execution off were not seen whole")
