"""Decide: what a deploy report says of one workload (facts, f; semantics, section 12)."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from mission_control.decide.cluster.environment import ConfigMaps, resolve
from mission_control.decide.cluster.scope import ClusterScope
from mission_control.model.cluster.containers import Container
from mission_control.model.cluster.pod import CRASHES, PULL_FAILURES, PodFacts
from mission_control.model.cluster.workload import WorkloadFacts
from mission_control.model.deploy_report import (
    Classification,
    HealthSample,
    ReportedWorkload,
)
from mission_control.model.kill_switch import KillSwitch, KillSwitchState
from mission_control.model.snapshot import FloorSnapshot

SUMMARISED = ("REPO_ID", "AGENT_NAME", "AGENT_ROLE", "AGENT_MODE", "KILL_SWITCH")
REQUIRED_ENV = ("REPO_ID", "AGENT_NAME", "AGENT_ROLE", "AGENT_MODE")
RESTING_MODES = frozenset({"off", "halted", "paused", "disabled"})
KILLED = frozenset({"1", "true", "t", "yes", "y", "on", "enabled"})


def report_workload(
    workload: WorkloadFacts,
    pods: Sequence[PodFacts],
    snapshot: FloorSnapshot,
    scope: ClusterScope,
    samples: Mapping[str, tuple[HealthSample, ...]],
    further: Sequence[str] = (),
) -> ReportedWorkload:
    """
    Report one workload with its pods; `samples` are what agents answered, by agent.

    `further` are issues of the workload as a whole, found by looking at others as well.
    """
    agent = scope.owners.agent_of(workload)
    told = samples.get(agent.agent_name, ()) if agent else ()
    primary = agent.primary_path if agent else None
    env = dict(_environment(workload, scope))
    allowed, why = _allowed(env, workload, snapshot.kill_switch)
    issues = (*_issues(workload, pods, env, told, primary, allowed, why), *further)
    return ReportedWorkload(
        kind=workload.kind,
        name=workload.name,
        namespace=workload.namespace,
        classification=_classify(allowed, issues),
        desired=workload.desired,
        ready=workload.ready,
        observed=workload.observed,
        pod_counts=count_pods(pods),
        containers=workload.containers,
        digests=_digests(pods),
        service_account=workload.service_account,
        env=env,
        allowed=allowed,
        allowed_reason=why,
        issues=issues,
        component=workload.pod_labels.get("app.kubernetes.io/component", ""),
        labels=workload.labels,
        job=workload.job,
        service_url=(agent.service_dns or "") if agent else "",
        generation=workload.generation,
        samples=told,
    )


def _classify(allowed: bool, issues: Sequence[str]) -> Classification:  # noqa: FBT001  (a fact)
    """Halted outranks degraded outranks ok; what merely lacks variables is not degraded."""
    if not allowed:
        return Classification.HALTED
    families = {i.partition(":")[0] for i in issues}
    harmless = {"not allowed to run", "missing env", "in no list"}
    return Classification.DEGRADED if families - harmless else Classification.OK


def count_pods(pods: Sequence[PodFacts]) -> Mapping[str, int]:
    """Count pods by what they do: their phase, or what keeps a container from running."""
    counts = Counter[str]()
    for pod in pods:
        waiting = {s.waiting for s in pod.states if s.waiting}
        if waiting & CRASHES:
            counts["crashloop"] += 1
        elif waiting & PULL_FAILURES:
            counts["imagepull"] += 1
        else:
            counts[pod.phase.lower() or "unknown"] += 1
    return dict(sorted(counts.items()))


def _digests(pods: Sequence[PodFacts]) -> Mapping[str, tuple[str, ...]]:
    found = dict[str, set[str]]()
    for pod in pods:
        for state in pod.states:
            if pod.live and state.digest:
                found.setdefault(state.name, set()).add(state.digest)
    return {name: tuple(sorted(found[name])) for name in sorted(found)}


def _environment(
    workload: WorkloadFacts, scope: ClusterScope
) -> Iterator[tuple[str, tuple[bool, str | None]]]:
    mine = {m.name: m for m in scope.facts.config_maps if m.namespace == workload.namespace}
    whole = scope.checked.is_whole("configmaps", workload.namespace)
    for name in SUMMARISED:
        yield name, _value(name, workload.containers, ConfigMaps(mine, whole))


def _value(
    name: str, containers: Sequence[Container], config_maps: ConfigMaps
) -> tuple[bool, str | None]:
    """Give whether a variable is set and what is shown for it; `mixed` where containers differ."""
    shown = set[str]()
    for container in (c for c in containers if not c.init):
        resolved = resolve(container, name, config_maps)
        if resolved.problem and name in container.env_names:
            shown.add("set (valueFrom)")
        elif resolved.value is not None and not resolved.problem:
            shown.add(resolved.value)
    if not shown:
        return False, None
    return True, shown.pop() if len(shown) == 1 else "mixed"


def _allowed(
    env: Mapping[str, tuple[bool, str | None]], workload: WorkloadFacts, switch: KillSwitch
) -> tuple[bool, str]:
    """Say whether a workload may run: the real kill switch is consulted, then its own modes."""
    own = (env["KILL_SWITCH"][1] or "").strip().casefold()
    mode = (env["AGENT_MODE"][1] or "").strip().casefold()
    if own in KILLED:
        return False, "its KILL_SWITCH is on"
    if mode in RESTING_MODES:
        return False, f"its AGENT_MODE is {mode}"
    if switch.state is not KillSwitchState.DISENGAGED and _obeys(workload):
        return False, f"the kill switch is {switch.state.value}"
    return True, "allowed"


def _obeys(workload: WorkloadFacts) -> bool:
    """Tell whether a workload takes notice of the kill switch at all (facts, c)."""
    names = {n for c in workload.containers for n in c.env_names}
    return bool(names & {"EXECUTION_HALTED", "EXECUTION_HALTED_FILE", "EXEC_KILL_SWITCH"})


def _issues(
    workload: WorkloadFacts,
    pods: Sequence[PodFacts],
    env: Mapping[str, tuple[bool, str | None]],
    samples: Sequence[HealthSample],
    primary: str | None,
    allowed: bool,  # noqa: FBT001  (a fact)
    why: str,
) -> Iterator[str]:
    if not allowed:
        yield f"not allowed to run: {why}"
    live = [p for p in pods if p.live]
    for family, found in (
        ("crash loop", [f"{p.name} {s.name}" for p in live for s in p.crashing]),
        ("image pull", [f"{p.name} {s.name}" for p in live for s in p.failing_pull]),
    ):
        if found:
            yield f"{family}: {', '.join(found[:5])}"
    lacking = [n for n in REQUIRED_ENV if not env[n][0]]
    if lacking and workload.kind != "Job":
        yield f"missing env: {', '.join(lacking)}"
    failed = [s for s in samples if s.path == primary and not s.ok]
    if failed and workload.desired:
        yield f"health failed: {failed[0].path}: {failed[0].error}"
    if workload.kind != "Job" and (workload.ready < workload.desired or not workload.observed):
        seen = "" if workload.observed else ", newest specification not taken up"
        yield f"replicas not ready: {workload.ready} of {workload.desired}{seen}"
