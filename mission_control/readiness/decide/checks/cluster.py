"""The cluster is reached, and what runs there is healthy, pinned, alike, known and not exposed."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from mission_control.cluster.decide.ownership import count_ready
from mission_control.cluster.decide.replicas import (
    LASTING,
    REPLICA_LISTS,
    REPLICATED,
    Replicas,
    compare_replicas,
)
from mission_control.cluster.decide.workloads import RunningThing, find_running_things
from mission_control.cluster.model.facts import WORKLOAD_LISTS, CapturedWorkloads
from mission_control.cluster.model.objects import PodFacts, WorkloadFacts
from mission_control.floor.decide.round_memory import find_told_skew
from mission_control.model.reading import Unseen
from mission_control.readiness.decide.outcome import (
    FAIL,
    PASS,
    UNKNOWN,
    Subject,
    check,
    not_applicable,
    settle,
)
from mission_control.readiness.decide.scope import ClusterScope
from mission_control.readiness.model import Check, ReadinessEvidence

CODES = (
    "RC-205", "RC-206", "RC-301", "RC-302", "RC-303", "RC-304", "RC-305", "RC-306", "RC-307",
    "RC-308", "RC-310", "RC-601", "RC-602", "RC-603",
)  # fmt: skip
"""All that are not applicable without a cluster; RC-309 compares answers as well."""
RECENT = timedelta(hours=1)
EXPOSED = frozenset({"LoadBalancer", "NodePort"})
_NO_CLUSTER, _NO_PODS = "no cluster is configured", "no live pod was found"


def judge(evidence: ReadinessEvidence) -> Iterator[Check]:
    """Return the checks of the cluster, its images, workloads, pods, Services and nodes."""
    scope = ClusterScope.of(evidence.snapshot, evidence.now)
    answers = [
        Subject(r.agent.agent_name, FAIL, detail)
        for r in evidence.snapshot.services
        if r.round is not None and (detail := find_told_skew(r.round.builds, r.workload))
    ]
    if scope is None:
        yield from (not_applicable(code, _NO_CLUSTER) for code in CODES)
        without = not_applicable("RC-309", f"{_NO_CLUSTER}, and all answers name one build")
        yield settle("RC-309", answers, "", "") if answers else without
        return
    lasting = [w for w in scope.facts.workloads if w.kind in LASTING]
    pods = [p for p in scope.facts.pods if p.live]
    compared = tuple(compare_replicas(scope.facts, scope.checked, scope.owners))
    yield from _images(scope, pods)
    yield from _reached(scope)
    yield _workloads(scope, lasting)
    yield _replicas(scope, compared)
    yield _crashes(scope, pods)
    yield _restarts(scope, pods, evidence)
    yield _pending(scope, pods)
    yield _probes(scope, lasting)
    yield _alike(scope, compared, answers)
    yield _leftovers(scope, evidence)
    yield _services(evidence)
    yield from _nodes(evidence, scope)


def _images(scope: ClusterScope, pods: Sequence[PodFacts]) -> Iterator[Check]:
    present, tagged = list[Subject](), list[Subject]()
    for pod in pods:
        digests = {s.name: s.digest for s in pod.states}
        for c in pod.containers:
            blocks, where = scope.blocks_pod(pod), f"{pod.name} {c.name}"
            known = digests.get(c.name, "")
            missing = "the node reports no digest of its image"
            present.append(Subject(where, PASS if known else FAIL, known or missing, blocks))
            moving = moves(c.image)
            tagged.append(Subject(where, FAIL if moving else PASS, c.image, blocks))
    present.extend(_several_digests(scope))
    for code, subjects, well in (
        ("RC-205", present, "every image that runs has a digest"),
        ("RC-206", tagged, "every image that runs is tagged or pinned"),
    ):
        yield scope.settle(code, ("pods",), subjects, well, "no container was found")


def _several_digests(scope: ClusterScope) -> Iterator[Subject]:
    """Return the containers that run more than one image among the pods of one workload."""
    for workload in scope.facts.workloads:
        pods = scope.pods.get(workload.key, ())
        found = dict[str, dict[str, int]]()
        for state in (s for p in pods if p.live and not p.deleting for s in p.states if s.digest):
            counts = found.setdefault(state.name, {})
            counts[state.digest] = counts.get(state.digest, 0) + 1
        for name, counts in found.items():
            if len(counts) > 1 and workload.kind in REPLICATED:
                told = ", ".join(f"{d[:19]} ({n})" for d, n in sorted(counts.items()))
                detail = f"container {name} runs several digests: {told}"
                yield Subject(str(workload.ref), FAIL, detail, scope.blocks_workload(workload))


def moves(image: str) -> bool:
    """Return whether an image reference may mean something else tomorrow: `:latest`, or no tag."""
    if "@sha256:" in image:
        return False
    _, _, name = image.rpartition("/")
    _, colon, tag = name.partition(":")
    return not colon or tag in {"", "latest"}


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
        names = [f"{w.namespace}/{w.ref}" for w in ours]
        return check("RC-303", PASS, f"{len(ours)} workloads of the fleet", names)
    if not scope.sees(("deployments", "statefulsets", "daemonsets")):
        return check("RC-303", UNKNOWN, "lists of workloads were not seen whole")
    detail = "no workload has a part-of label of the fleet or is named by the inventory"
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
    return scope.settle("RC-305", ("pods",), subjects, well, _NO_PODS)


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
    return scope.settle("RC-306", ("pods",), subjects, "no restart within the last hour", _NO_PODS)


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
    return scope.settle("RC-307", ("pods",), subjects, "every pod runs", _NO_PODS)


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
        "RC-308", needed, subjects, "both probes on every container", "no workload wants a pod"
    )


def _alike(scope: ClusterScope, compared: Sequence[Replicas], answers: Sequence[Subject]) -> Check:
    subjects = [*answers]
    for each in compared:
        if any(p.live for p in each.pods):
            agent = scope.owners.agent_of(each.workload)
            blocks = agent is not None or scope.blocks_workload(each.workload)
            outcome = FAIL if each.skew else PASS
            subjects.append(Subject(str(each.workload.ref), outcome, "; ".join(each.skew), blocks))
    nothing = "no live pod of a workload was found"
    return scope.settle("RC-309", REPLICA_LISTS, subjects, "replicas are alike", nothing)


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


def _services(evidence: ReadinessEvidence) -> Check:
    services = evidence.services
    if services is None or isinstance(services, Unseen):
        why = "not read" if services is None else services.detail or services.code
        return check("RC-601", UNKNOWN, f"Services were not seen: {why}")
    subjects = [
        Subject(f"{s.namespace}/{s.name}", FAIL if s.type in EXPOSED else PASS, f"type {s.type}")
        for s in services.value
    ]
    return settle("RC-601", subjects, "none is a LoadBalancer or NodePort", "no Service was found")


def _nodes(evidence: ReadinessEvidence, scope: ClusterScope) -> Iterator[Check]:
    nodes = evidence.nodes
    if nodes is None or isinstance(nodes, Unseen):
        why = "not read" if nodes is None else nodes.detail or nodes.code
        yield check("RC-602", UNKNOWN, f"nodes were not seen: {why}")
        yield check("RC-603", UNKNOWN, f"nodes were not seen: {why}")
        return
    able = [n for n in nodes.value if n.ready and n.schedulable]
    stuck = [p for p in scope.facts.pods if p.live and p.pending_reason.startswith("Unsched")]
    if not nodes.value:
        yield check("RC-602", UNKNOWN, "there is no node")
    elif not scope.sees(("pods",)):
        yield check("RC-602", UNKNOWN, "lists of pods were not seen whole")
    elif stuck or not able:
        told = "; ".join(f"{p.name}: {p.pending_reason}" for p in stuck[:5])
        yield check("RC-602", FAIL, told or "no node is ready and takes pods")
    else:
        yield check("RC-602", PASS, f"{len(able)} nodes take pods, and none waits for room")
    subjects = [
        Subject(n.name, FAIL if n.troubles or not n.ready else PASS, ", ".join(n.troubles))
        for n in nodes.value
    ]
    yield settle("RC-603", subjects, "no node is under pressure", "there is no node")
