"""The cluster is reached, and its workloads and pods are well."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from mission_control.cluster.decide.ownership import count_ready
from mission_control.cluster.decide.replicas import (
    LASTING,
    REPLICA_LISTS,
    Replicas,
    compare_replicas,
)
from mission_control.cluster.model.objects import PodFacts, WorkloadFacts
from mission_control.model.reading import Unseen
from mission_control.readiness.decide.outcome import (
    FAIL,
    PASS,
    UNKNOWN,
    Subject,
    check,
    not_applicable,
)
from mission_control.readiness.decide.scope import ClusterScope
from mission_control.readiness.model import Check, ReadinessEvidence

CODES = ("RC-301", "RC-302", "RC-303", "RC-304", "RC-305", "RC-306", "RC-307", "RC-308")
RECENT = timedelta(hours=1)


def judge(evidence: ReadinessEvidence) -> Iterator[Check]:
    """Return the checks of the cluster, its workloads and their pods."""
    scope = ClusterScope.of(evidence.snapshot, evidence.now)
    if scope is None:
        yield from (not_applicable(code, "no cluster is configured") for code in CODES)
        return
    yield from _reached(scope)
    lasting = [w for w in scope.facts.workloads if w.kind in LASTING]
    yield _workloads(scope, lasting)
    compared = tuple(compare_replicas(scope.facts, scope.checked, scope.owners))
    yield _replicas(scope, compared)
    pods = [p for p in scope.facts.pods if p.live]
    yield _crashes(scope, pods)
    yield _restarts(scope, pods, evidence)
    yield _pending(scope, pods)
    yield _probes(scope, lasting)


def _reached(scope: ClusterScope) -> Iterator[Check]:
    lists = scope.checked.lists
    unseen = [(r.source, r.reading) for r in lists if isinstance(r.reading, Unseen)]
    if len(unseen) == len(lists):
        first = unseen[0][1]
        yield check("RC-301", FAIL, f"no list was seen: {first.detail or first.code}")
    else:
        yield check("RC-301", PASS, f"{len(lists) - len(unseen)} of {len(lists)} lists were seen")
    lost = [f"{s}: {r.code}" for s, r in unseen]
    odd = [f"{r.source}: {o.kind}/{o.name}" for r in lists for o in r.odd]
    if lost or odd:
        yield check("RC-302", FAIL, "not whole: " + "; ".join([*lost, *odd][:5]))
    else:
        yield check("RC-302", PASS, f"{len(lists)} lists are whole")


def _workloads(scope: ClusterScope, lasting: Sequence[WorkloadFacts]) -> Check:
    ours = [w for w in lasting if scope.belongs(w)]
    if ours:
        return check("RC-303", PASS, f"{len(ours)} workloads of the fleet", _named(ours))
    if not scope.sees(("deployments", "statefulsets", "daemonsets")):
        return check("RC-303", UNKNOWN, "lists of workloads were not seen whole")
    detail = "no workload bears a part-of label of the fleet or is named by the inventory"
    return check("RC-303", FAIL, detail)


def _replicas(scope: ClusterScope, compared: Sequence[Replicas]) -> Check:
    subjects = [_rolled_out(scope, each) for each in compared if each.workload.kind in LASTING]
    return scope.settle(
        "RC-304", REPLICA_LISTS, subjects, "ready as wanted", "no workload was found"
    )


def _rolled_out(scope: ClusterScope, replicas: Replicas) -> Subject:
    """Judge whether all pods of a workload are ready, and its last rollout is complete."""
    w, blocks = replicas.workload, scope.blocks_workload(replicas.workload)
    ready = min(w.ready, count_ready(replicas.pods))
    detail = "; ".join((f"{ready} of {w.desired} ready", *replicas.undone))
    right = ready == w.ready == w.desired and not replicas.undone
    if right and w.rollout is None:
        unknown = "the cluster does not say how far its rollout is"
        return Subject(str(w.ref), UNKNOWN, unknown, blocks)
    return Subject(str(w.ref), PASS if right else FAIL, detail, blocks)


def _crashes(scope: ClusterScope, pods: Sequence[PodFacts]) -> Check:
    subjects = [
        Subject(
            p.name,
            FAIL if p.crashing or p.failing_pull else PASS,
            ", ".join(f"{s.name} {s.waiting}" for s in (*p.crashing, *p.failing_pull)),
            scope.blocks_pod(p),
        )
        for p in pods
    ]
    well = "no pod crashes or is without its image"
    return scope.settle("RC-305", ("pods",), subjects, well, NO_PODS)


NO_PODS = "no live pod was found"
NO_PODS_WANTED = "no workload wants a pod"


def _restarts(scope: ClusterScope, pods: Sequence[PodFacts], evidence: ReadinessEvidence) -> Check:
    subjects = list[Subject]()
    for p in pods:
        late = [
            s
            for s in p.states
            if s.restarts and (s.ended_at is None or evidence.now - s.ended_at < RECENT)
        ]
        told = ", ".join(f"{s.name} restarted ({s.ended}, {s.restarts} times)" for s in late)
        subjects.append(Subject(p.name, FAIL if late else PASS, told, scope.blocks_pod(p)))
    return scope.settle("RC-306", ("pods",), subjects, "no restart within the last hour", NO_PODS)


def _pending(scope: ClusterScope, pods: Sequence[PodFacts]) -> Check:
    subjects = [
        Subject(
            p.name,
            PASS if p.phase == "Running" else FAIL,
            f"{p.phase or 'of no phase'} {p.pending_reason}".strip(),
            scope.blocks_pod(p),
        )
        for p in pods
    ]
    return scope.settle("RC-307", ("pods",), subjects, "every pod runs", NO_PODS)


def _probes(scope: ClusterScope, lasting: Sequence[WorkloadFacts]) -> Check:
    """Judge the probes of what runs or is to run; a workload at 0 pods has nothing to probe."""
    subjects = list[Subject]()
    for w in (w for w in lasting if (w.desired, w.actual) != (0, 0)):
        for c in (c for c in w.containers if not c.init):
            missing = [p for p in ("readiness", "liveness") if p not in c.probes]
            detail = f"container {c.name} has no {' or '.join(missing)} probe"
            subjects.append(
                Subject(str(w.ref), FAIL if missing else PASS, detail, scope.blocks_workload(w))
            )
    needed = ("deployments", "statefulsets")
    return scope.settle(
        "RC-308", needed, subjects, "both probes on every container", NO_PODS_WANTED
    )


def _named(workloads: Sequence[WorkloadFacts]) -> Sequence[str]:
    return [f"{w.namespace}/{w.ref}" for w in workloads]
