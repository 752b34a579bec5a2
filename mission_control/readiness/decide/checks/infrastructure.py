"""Services are not exposed, and nodes have room."""

from collections.abc import Iterator

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

CODES = ("RC-601", "RC-602", "RC-603")
EXPOSED = frozenset({"LoadBalancer", "NodePort"})


def judge(evidence: ReadinessEvidence) -> Iterator[Check]:
    """Return the checks of Services and nodes."""
    scope = ClusterScope.of(evidence.snapshot, evidence.now)
    if scope is None:
        yield from (not_applicable(code, "no cluster is configured") for code in CODES)
        return
    yield _services(evidence)
    yield from _nodes(evidence, scope)


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
