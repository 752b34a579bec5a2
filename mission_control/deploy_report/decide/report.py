"""What a deploy report says of the cluster: every workload's health, and may it trade."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from mission_control.cluster.decide.ownership import Owners, WorkloadKey
from mission_control.cluster.decide.replicas import compare_replicas
from mission_control.cluster.decide.workloads import find_agent_workloads, find_running_things
from mission_control.cluster.model.facts import LIST_OF_KIND, ServiceFacts
from mission_control.cluster.model.objects import PodFacts, WorkloadFacts
from mission_control.deploy_report.decide.workload import (
    CRASH_LOOP,
    DIFFER,
    HEALTH_FAILED,
    IMAGE_PULL,
    JOB_FAILED,
    MISSING_ENV,
    NOT_FOUND,
    NOT_READY,
    NOT_SEEN,
    NOT_TAKEN_UP,
    NOT_THROUGH,
    SCALED,
    SUMMARISED,
    TRADES,
    UNLISTED,
    WORST_FIRST,
    Given,
    Issue,
    report_not_found,
    report_workload,
)
from mission_control.deploy_report.model import (
    DeployReport,
    Health,
    HealthSample,
    MayTrade,
    ReportedWorkload,
)
from mission_control.floor.model import FloorSnapshot
from mission_control.model.fleet import Kind
from mission_control.model.kill_switch import KillSwitch, KillSwitchState
from mission_control.model.reading import EndpointReading, Seen, Unseen
from mission_control.readiness.decide.scope import ClusterScope

REPORTED = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicaSet"})
_MOST_ERRORS, _MOST_ISSUES = 25, 25
_MOST_NAMED = 3
_NO_CLUSTER = "no cluster is configured"

ACTIONS = {
    TRADES: "Treat it as possible execution: see that the kill switch is engaged, open the runbook "
    "of the code, and call the workload's owner.",
    NOT_FOUND: "Find out who removed it; the inventory calls for it.",
    CRASH_LOOP: "Read the log of the container before, and call the workload's owner.",
    IMAGE_PULL: "Compare the image with the registry, and call the workload's owner.",
    SCALED: "Ask its owner who scaled it to 0, and why.",
    DIFFER: "Look at the page REPLICA_SKEW, and call the workload's owner.",
    NOT_THROUGH: "Ask whose rollout it is, and whether it goes on.",
    UNLISTED: "Look at the page LEFTOVER_WORKLOAD, and find out whose it is.",
    NOT_READY: "Describe the pods that are not ready.",
    NOT_TAKEN_UP: "Look at the workload's events: its controller is behind.",
    HEALTH_FAILED: "Look at the service's page and its runbook.",
    JOB_FAILED: "Read the log of the Job's newest pod.",
    MISSING_ENV: "Add the missing variables to the manifest; services refuse to start without.",
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
        headline=_headline(reported, scope, snapshot.kill_switch),
        workloads=reported,
        services=services.value if isinstance(services, Seen) else (),
        loose_pods=tuple(_loose_pods(scope)),
        cron_jobs=tuple(w for w in scope.facts.workloads if w.kind == "CronJob") if scope else (),
        config_maps={f"{m.namespace}/{m.name}": m.digest for m in maps},
        config_map_keys={f"{m.namespace}/{m.name}": m.keys for m in maps},
        unread=tuple(_unread(scope, services)),
        env_watched=SUMMARISED,
        top_issues=tuple(_top_issues(reported, error, snapshot.kill_switch))[:_MOST_ISSUES],
        errors=tuple(_errors(scope, services))[:_MOST_ERRORS],
        actions=tuple(text for family, text in ACTIONS.items() if family in families),
        user=user,
        label=snapshot.label,
        health_sampled=sample_health,
        identity=snapshot.cluster_identity,
    )


def _top_issues(
    workloads: Sequence[ReportedWorkload], error: str | None, switch: KillSwitch
) -> Iterator[tuple[str, str]]:
    """
    Return the issues of all workloads: what may trade first, then by health, worst first.

    A cluster that was not seen is one issue, not one for each workload.
    """
    if error:
        yield "cluster", error
    if switch.state is not KillSwitchState.ENGAGED:
        yield "kill switch", f"it is {_switch(switch)}"
    every = [
        (issue.partition(":")[0], w, issue)
        for w in workloads
        for issue in w.issues
        if not issue.startswith(f"{NOT_SEEN}:")
    ]
    every.sort(key=lambda e: (e[0] != TRADES, e[1].weight, WORST_FIRST.index(e[0])))
    for _, workload, issue in every:
        yield workload.title, issue


def _headline(
    workloads: Sequence[ReportedWorkload], scope: ClusterScope | None, switch: KillSwitch
) -> str:
    """
    Count the workloads by health, in one sentence; what was not seen comes first.

    The kill switch and what may trade follow only where they are not as they should be.
    """
    lists = scope.checked.lists if scope else ()
    lost = [r.reading for r in lists if isinstance(r.reading, Unseen)]
    if len(lost) == len(lists):
        why = f"none of {len(lists)} lists was seen, {lost[0].code}" if lost else _NO_CLUSTER
        return f"no cluster access, degraded: {why}"
    told = list(_counted(workloads))
    if switch.state is not KillSwitchState.ENGAGED or not switch.confirmed:
        told.append(f"the kill switch is {_switch_state(switch)}")
    open_ = [w for w in workloads if w.may_trade is MayTrade.NOT_RULED_OUT and w.present]
    if open_:
        names = [w.name for w in sorted(open_, key=lambda w: w.weight)]
        told.append(f"trading is not ruled out for {_few(names)}")
    if odd := sum(len(r.odd) for r in lists):
        told.append(f"{odd} {'object' if odd == 1 else 'objects'} could not be understood")
    lead = f"not the whole cluster was seen, without {len(lost)} of {len(lists)} lists; "
    return (lead if lost else "") + "; ".join(told)


def _counted(workloads: Sequence[ReportedWorkload]) -> Iterator[str]:
    total = len(workloads)
    noun = "workload" if total == 1 else "workloads"
    of = f" of {total} {noun}"
    for health, word in ((Health.DOWN, "down"), (Health.DEGRADED, "degraded")):
        found = sorted((w for w in workloads if w.health is health), key=lambda w: w.weight)
        if found:
            yield f"{len(found)}{of} {word}: {_few([f'{w.name} {w.because[0]}' for w in found])}"
            of = ""
    if unknown := sum(w.health is Health.UNKNOWN for w in workloads):
        yield f"{unknown}{of} not known"
    elif of:
        yield f"all {total} {noun} ok" if total else "no workload was found"


def _few(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _access_error(scope: ClusterScope | None) -> str | None:
    if scope is None:
        return _NO_CLUSTER
    lost = [r for r in scope.checked.lists if isinstance(r.reading, Unseen)]
    if not lost:
        return None
    first = lost[0].reading
    why = first.detail or first.code if isinstance(first, Unseen) else ""
    verb = "was" if len(lost) == 1 else "were"
    return f"{len(lost)} of {len(scope.checked.lists)} lists {verb} not seen: {why}"


def _switch(switch: KillSwitch) -> str:
    return f"{_switch_state(switch)}: {switch.detail}"


def _switch_state(switch: KillSwitch) -> str:
    """Return the switch's state, and whether a source confirms it."""
    if switch.confirmed:
        return f"{switch.state.value} (confirmed)"
    return switch.state.value + (
        " (not confirmed)" if switch.state is KillSwitchState.ENGAGED else ""
    )


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


def _unread(
    scope: ClusterScope | None, services: Seen[tuple[ServiceFacts, ...]] | Unseen | None
) -> Iterator[tuple[str, str, str]]:
    for read in scope.checked.lists if scope else ():
        if isinstance(read.reading, Unseen):
            yield read.resource, read.namespace, read.reading.code
        elif read.odd:
            yield read.resource, read.namespace, f"{len(read.odd)} could not be understood"
    if not isinstance(services, Seen):
        yield "services", "", services.code if services else "not asked for"


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
    given = Given(snapshot, scope, samples, _find_further(snapshot, scope))
    made = [
        report_workload(w, by_workload.get(w.key, ()), given)
        for w in scope.facts.workloads
        if w.kind in REPORTED and (w.kind != "ReplicaSet" or _is_alone(w, scope))
    ]
    made += _not_found(scope)
    return tuple(sorted(made, key=lambda w: (w.kind, w.name, w.namespace)))


def _find_further(
    snapshot: FloorSnapshot, scope: ClusterScope
) -> Mapping[WorkloadKey, Sequence[Issue]]:
    """Return the issues of a workload as a whole: rollout, unlike replicas, in no list."""
    found = dict[WorkloadKey, list[Issue]]()
    for each in compare_replicas(scope.facts, scope.checked, scope.owners):
        told = found.setdefault(each.workload.key, [])
        if each.workload.observed:
            told.extend((NOT_THROUGH, undone) for undone in each.undone)
        told.extend((DIFFER, skew) for skew in each.skew)
    running = find_running_things(snapshot.fleet, scope.facts, scope.owners, scope.checked)
    for thing in running:
        if not (thing.by or thing.doubt):
            unlisted = "neither the inventory nor known_workloads names it"
            found.setdefault(thing.key, []).append((UNLISTED, unlisted))
    return found


def _is_alone(replica_set: WorkloadFacts, scope: ClusterScope) -> bool:
    """
    Return whether a ReplicaSet runs pods for nothing that is reported.

    Its owner may be of a kind that is not listed. One whose owner's list was not seen is not alone.
    """
    owner = replica_set.owner
    if not (replica_set.desired or replica_set.actual):
        return False
    if owner is None or owner.kind not in LIST_OF_KIND:
        return True
    known = (replica_set.namespace, owner.kind, owner.name) in scope.owners.workloads
    return not known and scope.checked.is_whole(LIST_OF_KIND[owner.kind], replica_set.namespace)


def _loose_pods(scope: ClusterScope | None) -> Iterator[PodFacts]:
    """Return the live pods that no listed workload runs."""
    for pod in scope.facts.pods if scope else ():
        if scope and pod.live and (pod.owner is None or pod.owner.kind not in LIST_OF_KIND):
            yield pod


def _not_found(scope: ClusterScope) -> Iterator[ReportedWorkload]:
    """Report what the inventory names and no list shows; execution need not be there."""
    held = find_agent_workloads(scope.checked, scope.facts, scope.owners)
    for agent in scope.owners.agents.values():
        view = held[agent.agent_name]
        if view.found is None and (view.unseen or agent.kind is not Kind.EXECUTION):
            yield report_not_found(agent, view)


def _direct(pod: PodFacts, owners: Owners) -> Sequence[WorkloadFacts]:
    """Return the workloads that a pod is reported under: the root, and a Job that made it."""
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
