"""Decide: what a deploy report says of every workload: one classification, never two."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from mission_control.decide.cluster.ownership import Owners
from mission_control.decide.cluster.scope import ClusterScope
from mission_control.decide.reported_workload import report_workload
from mission_control.model.cluster.further import ServiceFacts
from mission_control.model.cluster.pod import PodFacts
from mission_control.model.cluster.workload import WorkloadFacts
from mission_control.model.deploy_report import (
    DeployReport,
    HealthSample,
    ReportedWorkload,
)
from mission_control.model.kill_switch import KillSwitch
from mission_control.model.reading import EndpointReading, Seen, Unseen
from mission_control.model.snapshot import FloorSnapshot

REPORTED = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Job"})
_MOST_ERRORS = 25

ACTIONS = {
    "not allowed to run": "Expected under an engaged kill switch; otherwise ask who engaged it.",
    "crash loop": "Read the log of the container before, and call the workload's owner.",
    "image pull": "Compare the image with the registry, and call the workload's owner.",
    "missing env": "Add the missing variables to the manifest; services refuse to start without.",
    "health failed": "Look at the service's page and its runbook.",
    "replicas not ready": "Describe the pods that are not ready.",
    "cluster": "Restore access to the cluster, and make the report again.",
}


def make_deploy_report(
    snapshot: FloorSnapshot,
    services: Seen[tuple[ServiceFacts, ...]] | Unseen | None,
    now: datetime,
    *,
    user: str = "",
    sample_health: bool = True,
) -> DeployReport:
    """
    Report what is deployed, from one snapshot of the floor and the Services beside it.

    Without a cluster the report is still made, and says so first.
    """
    scope = ClusterScope.of(snapshot, now)
    error = _access_error(scope)
    reported = _report_all(snapshot, scope, sample_health=sample_health) if scope else ()
    access = snapshot.fleet.access
    maps = scope.facts.config_maps if scope else ()
    families = {i.partition(":")[0] for w in reported for i in w.issues}
    families |= {"cluster"} if error else set()
    return DeployReport(
        at=now,
        session=snapshot.session,
        namespace=access.floor_namespace if access else "",
        context=snapshot.fleet.cluster,
        access=error is None,
        access_error=error,
        kill_switch=_switch(snapshot.kill_switch),
        workloads=reported,
        services=services.value if isinstance(services, Seen) else (),
        config_maps={f"{m.namespace}/{m.name}": m.digest for m in maps},
        errors=tuple(_errors(scope, services))[:_MOST_ERRORS],
        actions=tuple(text for family, text in ACTIONS.items() if family in families),
        user=user,
        label=snapshot.label,
        health_sampled=sample_health,
        identity=snapshot.cluster_identity,
    )


def _access_error(scope: ClusterScope | None) -> str | None:
    if scope is None:
        return "no cluster is configured"
    lost = [r for r in scope.checked.lists if isinstance(r.reading, Unseen)]
    if not lost:
        return None
    first = lost[0].reading
    why = first.detail or first.code if isinstance(first, Unseen) else ""
    return f"{len(lost)} of {len(scope.checked.lists)} lists were not seen: {why}"


def _switch(switch: KillSwitch) -> str:
    return f"{switch.state.value}{' (confirmed)' if switch.confirmed else ''}: {switch.detail}"


def _errors(
    scope: ClusterScope | None, services: Seen[tuple[ServiceFacts, ...]] | Unseen | None
) -> Iterator[str]:
    for read in scope.checked.lists if scope else ():
        if isinstance(read.reading, Unseen):
            yield f"{read.source}: {read.reading.code}: {read.reading.detail}"
        for odd in read.odd:
            yield f"{read.source}: {odd.kind}/{odd.name}: {odd.problem}"
    if isinstance(services, Unseen):
        yield f"cluster services: {services.code}: {services.detail}"


def _report_all(
    snapshot: FloorSnapshot, scope: ClusterScope, *, sample_health: bool
) -> tuple[ReportedWorkload, ...]:
    by_workload = dict[tuple[str, str, str], list[PodFacts]]()
    for pod in scope.facts.pods:
        direct = _direct(pod, scope.owners)
        for workload in direct:
            by_workload.setdefault(workload.key, []).append(pod)
    nothing: Mapping[str, tuple[HealthSample, ...]] = {}
    samples = _samples(snapshot) if sample_health else nothing
    made = [
        report_workload(w, by_workload.get(w.key, ()), snapshot, scope, samples)
        for w in scope.facts.workloads
        if w.kind in REPORTED
    ]
    return tuple(sorted(made, key=lambda w: (w.kind, w.name, w.namespace)))


def _direct(pod: PodFacts, owners: Owners) -> Sequence[WorkloadFacts]:
    """Give the workloads that a pod is reported under: the root, and a Job that made it."""
    root = owners.workload_of(pod)
    if pod.owner is None:
        return ()
    job = owners.workloads.get((pod.namespace, pod.owner.kind, pod.owner.name))
    found = [w for w in (root, job) if w is not None and w.kind in REPORTED]
    return found[:1]


def _samples(snapshot: FloorSnapshot) -> Mapping[str, tuple[HealthSample, ...]]:
    return {
        r.agent.agent_name: tuple(_sample(p, x) for p, x in sorted(r.round.readings.items()))
        for r in snapshot.services
        if r.round is not None
    }


def _sample(path: str, reading: EndpointReading) -> HealthSample:
    status = reading.exchange.status
    if isinstance(reading, Unseen):
        return HealthSample(path, ok=False, status_code=status, excerpt=reading.exchange.excerpt,
                            error=reading.detail or reading.code)  # fmt: skip
    text = reading.value.document.decode("utf-8", errors="replace")[:400]
    answer = reading.value
    error = f"answered {answer.http_status}" if answer.refused else None
    return HealthSample(path, ok=not answer.refused, status_code=answer.http_status, excerpt=text,
                        error=error)  # fmt: skip
