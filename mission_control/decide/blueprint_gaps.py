"""Decide: what a blueprint lacks: what is missing of components, and what could not be seen."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from mission_control.decide.cluster.scope import ClusterScope
from mission_control.model.blueprint import BlueprintGap, Component
from mission_control.model.cluster.further import ServiceFacts
from mission_control.model.cluster.workload import WorkloadFacts
from mission_control.model.reading import Seen, Unseen
from mission_control.model.repository import RepositorySurvey
from mission_control.model.snapshot import FloorSnapshot

REQUIRED_DOCUMENTS = ("docs/ops/status_contract.md", "ops/PRODUCTION_LOCK.md")
"""Documents that the playbook points to (facts, i and n)."""
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
    """Give every gap (facts, j): of components, Services, lists and the repository."""
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
        yield BlueprintGap(name, f"unknown: {' and '.join(lost)} cannot be told")
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
        if workload.owner is None and _lacks_switch(workload):
            agent = scope.owners.agent_of(workload)
            name = agent.agent_name if agent else workload.name
            yield BlueprintGap(name, f"no container has a variable {_HALTED}")


def _lacks_switch(workload: WorkloadFacts) -> bool:
    """Tell whether surely no container gets the switch: a whole map may bring it unseen."""
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
    """Give the Service that an address names within a cluster; None where it names none."""
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
