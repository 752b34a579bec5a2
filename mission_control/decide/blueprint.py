"""Decide: a blueprint of the fleet from what is seen: inventory, cluster and answers together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from mission_control.decide.blueprint_gaps import find_blueprint_gaps
from mission_control.decide.cluster.environment import ConfigMaps, resolve
from mission_control.decide.cluster.ownership import WorkloadKey
from mission_control.decide.cluster.scope import ClusterScope
from mission_control.model.blueprint import Blueprint, BlueprintContainer, Component
from mission_control.model.cluster.facts import LIST_OF_KIND
from mission_control.model.cluster.further import ServiceFacts
from mission_control.model.cluster.pod import PodFacts
from mission_control.model.cluster.workload import WorkloadFacts
from mission_control.model.fleet import Agent
from mission_control.model.reading import EndpointReading, Seen, Unseen
from mission_control.model.repository import RepositorySurvey
from mission_control.model.snapshot import FloorSnapshot, ServiceReport

NOT_SET = "not set"

LivePods = Mapping[WorkloadKey, Sequence[PodFacts]]
Services = Seen[tuple[ServiceFacts, ...]] | Unseen | None


def draw_blueprint(
    snapshot: FloorSnapshot,
    services: Services,
    repository: Seen[RepositorySurvey] | Unseen | None,
    now: datetime,
) -> Blueprint:
    """
    Give the fleet as it is seen; what is not seen is not known, and a gap.

    `services` and `repository` are None where none is configured.
    """
    scope = ClusterScope.of(snapshot, now)
    known = services.value if isinstance(services, Seen) else ()
    components = tuple(
        sorted(_components(snapshot, scope, known), key=lambda c: (c.name, c.workload or ""))
    )
    survey = repository.value if isinstance(repository, Seen) else None
    gaps = find_blueprint_gaps(snapshot, components, services, repository, scope)
    return Blueprint(
        at=now,
        snapshot=snapshot,
        components=components,
        services=tuple(sorted(known, key=_key)) if isinstance(services, Seen) else None,
        repository=survey,
        gaps=tuple(sorted(set(gaps))),
    )


def _key(service: ServiceFacts) -> tuple[str, str]:
    return service.namespace, service.name


def _components(
    snapshot: FloorSnapshot, scope: ClusterScope | None, services: Sequence[ServiceFacts]
) -> Iterator[Component]:
    runs = dict[str, list[Component]]()
    reports = {r.agent.agent_name: r for r in snapshot.services}
    if scope is not None:
        live = _live_pods(scope)
        for name, workload in _workloads(scope):
            report = reports.get(name)
            made = _of_agent(report) if report else Component(workload.name, listed=False)
            running = _with_workload(made, workload, scope, live, services)
            runs.setdefault(name, []).append(running)
    for report in snapshot.services:
        if report.agent.agent_name not in runs:
            yield _without_workload(_of_agent(report), report)
    for found in runs.values():
        yield from found


def _live_pods(scope: ClusterScope) -> LivePods:
    found = dict[WorkloadKey, list[PodFacts]]()
    for pod in scope.facts.pods:
        workload = scope.owners.workload_of(pod)
        if pod.live and workload is not None:
            found.setdefault(workload.key, []).append(pod)
    return found


def _workloads(scope: ClusterScope) -> Iterator[tuple[str, WorkloadFacts]]:
    """Give every workload that nobody owns, with the agent that it runs, empty where none."""
    for workload in scope.facts.workloads:
        if workload.owner is None:
            agent = scope.owners.agent_of(workload)
            yield agent.agent_name if agent else "", workload


def _of_agent(report: ServiceReport) -> Component:
    agent = report.agent
    readings = sorted(report.round.readings.items()) if report.round else ()
    return Component(
        name=agent.agent_name,
        listed=True,
        kind=agent.kind.value,
        criticality=agent.criticality.value,
        owner=agent.owner.primary if agent.owner else None,
        address=agent.service_dns,
        endpoints=tuple((p, _answer(r)) for p, r in readings),
        depends_on=agent.depends_on,
    )


def _answer(reading: EndpointReading) -> str:
    if isinstance(reading, Unseen):
        return reading.code
    return str(reading.exchange.status or "answered")


def _without_workload(made: Component, report: ServiceReport) -> Component:
    held = report.workload
    return replace(
        made,
        workload=_named(report.agent),
        unseen=(held.unseen or "the cluster has none") if held else _why_unknown(report.agent),
    )


def _named(agent: Agent) -> str | None:
    ref = agent.workload
    return f"{ref.kind} {ref.namespace}/{ref.name}" if ref else None


def _why_unknown(agent: Agent) -> str:
    if agent.workload is not None:
        return "no cluster is read"
    return "the inventory names no workload, and none of its name was seen"


def _with_workload(
    made: Component,
    workload: WorkloadFacts,
    scope: ClusterScope,
    live: LivePods,
    services: Sequence[ServiceFacts],
) -> Component:
    running = live.get(workload.key, ())
    return replace(
        made,
        workload=f"{workload.kind} {workload.namespace}/{workload.name}",
        replicas=(workload.ready, workload.desired),
        role=_variable("AGENT_ROLE", workload, scope),
        mode=_variable("AGENT_MODE", workload, scope),
        containers=tuple(
            BlueprintContainer(
                c.name,
                c.image,
                tuple(
                    sorted({s.digest for p in running for s in p.states if s.name == c.name} - {""})
                ),
                c.probes,
            )
            for c in workload.containers
            if not c.init
        ),
        services=tuple(sorted(_key(s) for s in services if _selects(s, workload))),
    )


def _variable(name: str, workload: WorkloadFacts, scope: ClusterScope) -> str | None:
    """Give what a variable is worth in a workload's containers; None where it cannot be told."""
    namespace = workload.namespace
    needed = (LIST_OF_KIND[workload.kind], "configmaps")
    if not all(scope.checked.is_whole(r, namespace) for r in needed):
        return None
    mine = {m.name: m for m in scope.facts.config_maps if m.namespace == namespace}
    maps = ConfigMaps(mine, whole=True)
    told = [resolve(c, name, maps) for c in workload.containers if not c.init]
    if any(r.problem for r in told):
        return None
    return ", ".join(sorted({(r.value or "").strip() for r in told} - {""})) or NOT_SET


def _selects(service: ServiceFacts, workload: WorkloadFacts) -> bool:
    if not service.selector or service.namespace != workload.namespace:
        return False
    return service.selector.items() <= workload.pod_labels.items()
