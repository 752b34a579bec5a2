"""Present: what runs a service, as the cluster tells it, as a JSON-ready document."""

from typing import TypedDict

from mission_control.model.cluster.facts import EventFacts
from mission_control.model.cluster.pod import ContainerState, PodFacts
from mission_control.model.cluster.view import AgentWorkload
from mission_control.present.instants import utc_text_or_none


class WorkloadSummary(TypedDict):
    """
    The workload that the inventory names, in numbers.

    `unseen` says why nothing can be told, empty where everything was seen; `desired` and the
    other counts are null where the workload was not found, and `restarts` where its pods were not
    seen. No `digests` says nothing where something is unseen.
    """

    kind: str
    name: str
    namespace: str
    unseen: str
    seen_at: str | None
    desired: int | None
    actual: int | None
    ready: int | None
    restarts: int | None
    digests: list[str]


class ContainerDocument(TypedDict):
    """How one container fares."""

    name: str
    init: bool
    image: str
    digest: str
    ready: bool
    restarts: int
    waiting: str
    ended: str
    exit_code: int | None
    ended_at: str | None


class PodDocument(TypedDict):
    """One pod of the workload."""

    name: str
    phase: str
    ready: bool
    node: str
    started: str | None
    restarts: int
    pending_reason: str
    containers: list[ContainerDocument]


class WarningDocument(TypedDict):
    """A warning event about the workload or one of its pods."""

    about: str
    reason: str
    message: str
    count: int
    last_seen: str | None


def workload_summary(workload: AgentWorkload | None) -> WorkloadSummary | None:
    """Give what runs a service in numbers; None where the inventory names nothing."""
    if workload is None:
        return None
    ref, found = workload.ref, workload.found
    return {
        "kind": ref.kind,
        "name": ref.name,
        "namespace": ref.namespace,
        "unseen": workload.unseen,
        "seen_at": utc_text_or_none(workload.seen_at),
        "desired": found.desired if found else None,
        "actual": found.actual if found else None,
        "ready": found.ready if found else None,
        "restarts": None if workload.unseen else workload.restarts,
        "digests": list(workload.digests),
    }


def pod_documents(workload: AgentWorkload | None) -> list[PodDocument]:
    """Give every pod that runs a service, sorted by name."""
    return [_pod(p) for p in workload.pods] if workload else []


def warning_documents(workload: AgentWorkload | None) -> list[WarningDocument]:
    """Give the newest warnings about what runs a service, newest first."""
    return [_warning(w) for w in workload.warnings] if workload else []


def _pod(pod: PodFacts) -> PodDocument:
    return {
        "name": pod.name,
        "phase": "Terminating" if pod.deleting else pod.phase,
        "ready": pod.ready,
        "node": pod.node,
        "started": utc_text_or_none(pod.started),
        "restarts": pod.restarts,
        "pending_reason": pod.pending_reason,
        "containers": [_container(s) for s in pod.states],
    }


def _container(state: ContainerState) -> ContainerDocument:
    return {
        "name": state.name,
        "init": state.init,
        "image": state.image,
        "digest": state.digest,
        "ready": state.ready,
        "restarts": state.restarts,
        "waiting": state.waiting,
        "ended": state.ended,
        "exit_code": state.exit_code,
        "ended_at": utc_text_or_none(state.ended_at),
    }


def _warning(event: EventFacts) -> WarningDocument:
    return {
        "about": str(event.about),
        "reason": event.reason,
        "message": event.message,
        "count": event.count,
        "last_seen": utc_text_or_none(event.last_seen),
    }
