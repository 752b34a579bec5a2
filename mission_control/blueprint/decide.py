"""A blueprint of the fleet from what is seen: inventory, cluster and answers together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

from mission_control.blueprint.model import Blueprint, BlueprintContainer, BlueprintGap, Component
from mission_control.cluster.decide.environment import ConfigMaps, resolve
from mission_control.cluster.decide.ownership import WorkloadKey
from mission_control.cluster.model.facts import LIST_OF_KIND, ServiceFacts
from mission_control.cluster.model.objects import PodFacts, WorkloadFacts
from mission_control.floor.model import FloorSnapshot, ServiceReport
from mission_control.model.fleet import Agent
from mission_control.model.reading import EndpointReading, Seen, Unseen
from mission_control.readiness.decide.scope import ClusterScope
from mission_control.repository.model import RepositorySurvey

REQUIRED_DOCUMENTS = ("docs/ops/status_contract.md", "ops/PRODUCTION_LOCK.md")
"""Documents that the operations playbook refers to."""
_PROBED = frozenset({"DaemonSet", "Deployment", "StatefulSet"})
_HALTED = "EXECUTION_HALTED"
_IN_CLUSTER = (".svc", ".svc.cluster.local")


def find_blueprint_gaps(
    snapshot: FloorSnapshot,
    components: Sequence[Component],
    services: Seen[tuple[ServiceFacts, ...]] | Unseen | None,
    repository: Seen[RepositorySurvey] | Unseen | None,
    scope: ClusterScope | None,
) -> Iterator[BlueprintGap]:
    """Return every gap: of components, Services, lists and the repository."""
    for component in components:
        yield from _of_component(component)
    if scope is None:
        yield BlueprintGap("cluster", "unknown: no cluster is configured")
    else:
        yield from _of_cluster(scope, services)
    if isinstance(services, Seen):
        access = snapshot.fleet.access
        yield from _of_services(
            services.value, components, access.floor_namespace if access else ""
        )
    yield from _of_repository(repository)


def _of_component(component: Component) -> Iterator[BlueprintGap]:
    name = component.name
    if component.unseen:
        yield BlueprintGap(name, f"unknown: what runs it was not seen: {component.unseen}")
        return
    if not component.listed:
        yield BlueprintGap(name, f"{component.workload} is not in the inventory")
    told = {"AGENT_ROLE": component.role, "AGENT_MODE": component.mode}
    lost = [variable for variable, value in told.items() if value is None]
    if lost:
        yield BlueprintGap(name, f"unknown: {' and '.join(lost)} cannot be resolved")
    elif set(told.values()) == {"not set"}:
        yield BlueprintGap(name, "neither AGENT_ROLE nor AGENT_MODE is set")
    probed = (component.workload or "").partition(" ")[0] in _PROBED
    for container in component.containers:
        missing = [p for p in ("readiness", "liveness") if p not in container.probes]
        if probed and missing:
            yield BlueprintGap(name, f"container {container.name}: no {' and no '.join(missing)}")
        why = _why_not_pinned(container.image)
        if why:
            yield BlueprintGap(name, f"container {container.name}: {why}: {container.image}")


def _why_not_pinned(image: str) -> str:
    if "@sha256:" in image:
        return ""
    tag = image.rpartition("/")[2].partition(":")[2]
    if not tag:
        return "its image has no tag"
    return "its image is :latest" if tag == "latest" else ""


def _of_cluster(
    scope: ClusterScope, services: Seen[tuple[ServiceFacts, ...]] | Unseen | None
) -> Iterator[BlueprintGap]:
    for read in scope.checked.lists:
        if isinstance(read.reading, Unseen):
            yield BlueprintGap(read.source, f"unknown: not seen: {read.reading.code}")
        for odd in read.odd:
            yield BlueprintGap(read.source, f"unknown: {odd.kind}/{odd.name}: {odd.problem}")
    if not isinstance(services, Seen):
        code = services.code if isinstance(services, Unseen) else "not asked"
        yield BlueprintGap("cluster services", f"unknown: not seen: {code}")
    for workload in scope.facts.workloads:
        if workload.owner is None and _has_no_switch(workload):
            agent = scope.owners.agent_of(workload)
            name = agent.agent_name if agent else workload.name
            yield BlueprintGap(name, f"no container has a variable {_HALTED}")


def _has_no_switch(workload: WorkloadFacts) -> bool:
    """Return whether no container gets the switch; a whole ConfigMap may bring it unseen."""
    containers = [c for c in workload.containers if not c.init]
    named = any(n.startswith(_HALTED) for c in containers for n in c.env_names)
    return bool(containers) and not named and not any(c.env_from for c in containers)


def _of_services(
    services: Sequence[ServiceFacts], components: Sequence[Component], namespace: str
) -> Iterator[BlueprintGap]:
    reached = {service for c in components for service in c.services}
    for service in services:
        if service.selector and (service.namespace, service.name) not in reached:
            gap = "it selects no workload that was seen"
            yield BlueprintGap(f"Service {service.namespace}/{service.name}", gap)
    known = {(s.namespace, s.name) for s in services}
    for component in components:
        named = _service_of(component.address, namespace)
        if named is not None and named not in known:
            gap = f"its address names the Service {named[0]}/{named[1]}, which was not seen"
            yield BlueprintGap(component.name, gap)


def _service_of(address: str | None, namespace: str) -> tuple[str, str] | None:
    """Return the Service that an address names within a cluster; None where it names none."""
    host = (urlsplit(address).hostname or "") if address else ""
    for suffix in _IN_CLUSTER:
        if host.endswith(suffix):
            name, _, within = host.removesuffix(suffix).partition(".")
            return (within or namespace, name)
    return None


def _of_repository(
    repository: Seen[RepositorySurvey] | Unseen | None,
) -> Iterator[BlueprintGap]:
    if not isinstance(repository, Seen):
        why = "no repository is configured"
        if isinstance(repository, Unseen):
            why = repository.detail or repository.code
        yield BlueprintGap("repository", f"unknown: {why}")
        return
    yield from _of_survey(repository.value)


def _of_survey(survey: RepositorySurvey) -> Iterator[BlueprintGap]:
    for pipeline in survey.pipelines:
        if pipeline.problem:
            yield BlueprintGap(pipeline.path, f"unknown: {pipeline.problem}")
        for image in pipeline.images:
            if _why_not_pinned(image) == "its image is :latest":
                yield BlueprintGap(pipeline.path, f"it builds :latest: {image}")
    for name in REQUIRED_DOCUMENTS:
        if name not in survey.documents:
            yield BlueprintGap("repository", f"the document {name} is missing")


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
    Return the fleet as it is seen; what is not seen is not known, and a gap.

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
    """Return every top-level workload with the agent that it runs, empty where none."""
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
    """Return a variable's value in a workload's containers; None where it is not known."""
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
