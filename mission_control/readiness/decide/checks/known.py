"""Every replica is as the others, and nothing runs that nobody knows."""

from collections.abc import Iterator

from mission_control.cluster.decide.leftovers import RunningThing, find_running_things
from mission_control.cluster.decide.replicas import REPLICA_LISTS, compare_replicas
from mission_control.cluster.model.facts import WORKLOAD_LISTS
from mission_control.cluster.model.view import CapturedWorkloads
from mission_control.floor.decide.round_memory import find_told_skew
from mission_control.readiness.decide.outcome import (
    FAIL,
    PASS,
    UNKNOWN,
    Subject,
    not_applicable,
    settle,
)
from mission_control.readiness.decide.scope import ClusterScope
from mission_control.readiness.model import Check, ReadinessEvidence

CODES = ("RC-309", "RC-310")


def judge(evidence: ReadinessEvidence) -> Iterator[Check]:
    """Give the checks of the odd replica, and of what is left over."""
    scope = ClusterScope.of(evidence.snapshot, evidence.now)
    told = [
        Subject(r.agent.agent_name, FAIL, detail)
        for r in evidence.snapshot.services
        if r.round is not None and (detail := find_told_skew(r.round.builds, r.workload))
    ]
    if scope is None:
        without = not_applicable(
            "RC-309", "no cluster is configured, and all answers tell one build"
        )
        yield settle("RC-309", told, "", "") if told else without
        yield not_applicable("RC-310", "no cluster is configured")
        return
    compared = list[Subject]()
    for each in compare_replicas(scope.facts, scope.checked, scope.owners):
        if any(p.live for p in each.pods):
            agent = scope.owners.agent_of(each.workload)
            blocks = agent is not None or scope.blocks_workload(each.workload)
            outcome = FAIL if each.skew else PASS
            compared.append(Subject(str(each.workload.ref), outcome, "; ".join(each.skew), blocks))
    nothing = "no live pod of a workload was found"
    subjects = (*told, *compared)
    yield scope.settle("RC-309", REPLICA_LISTS, subjects, "replicas are alike", nothing)
    yield _leftovers(scope, evidence)


def _leftovers(scope: ClusterScope, evidence: ReadinessEvidence) -> Check:
    fleet, captured = evidence.snapshot.fleet, evidence.captured
    running = find_running_things(fleet, scope.facts, scope.owners, scope.checked)
    subjects = [_known(thing, captured) for thing in running]
    needed = (*WORKLOAD_LISTS, "pods")
    return scope.settle("RC-310", needed, subjects, "all that runs is known", "nothing runs")


def _known(thing: RunningThing, captured: CapturedWorkloads) -> Subject:
    if thing.by:
        return Subject(thing.title, PASS, f"{thing.why}; known to {thing.by}")
    if thing.doubt:
        return Subject(thing.title, UNKNOWN, f"{thing.why}; {thing.doubt}")
    if thing.key in captured.running:
        return Subject(thing.title, PASS, f"{thing.why}; it ran in {captured.path}")
    last = captured.note or f"nor did it run in the last known good ({captured.path})"
    told = f"{thing.why}; neither the inventory nor known_workloads lists it; {last}"
    return Subject(thing.title, FAIL, told)
