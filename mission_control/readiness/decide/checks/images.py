"""The images that run: each is there, and none is a moving target."""

from collections.abc import Iterator

from mission_control.cluster.decide.replicas import REPLICATED
from mission_control.readiness.decide.outcome import FAIL, PASS, Subject, not_applicable
from mission_control.readiness.decide.scope import ClusterScope
from mission_control.readiness.model import Check, ReadinessEvidence

CODES = ("RC-205", "RC-206")


def judge(evidence: ReadinessEvidence) -> Iterator[Check]:
    """Return the checks of the images of live pods, init containers included."""
    scope = ClusterScope.of(evidence.snapshot, evidence.now)
    if scope is None:
        yield from (not_applicable(code, "no cluster is configured") for code in CODES)
        return
    pods = [p for p in scope.facts.pods if p.live]
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
    nothing = "no container was found"
    yield scope.settle("RC-205", ("pods",), present, "every image that runs has a digest", nothing)
    yield scope.settle(
        "RC-206", ("pods",), tagged, "every image that runs is tagged or pinned", nothing
    )


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
