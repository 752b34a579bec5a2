"""
What a deploy report says of one workload (docs/semantics.md#12).

Two axes that are never mixed: its health, and whether it may trade. An engaged kill switch hides no
crash, and a crash says nothing about what a workload may do.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from mission_control.cluster.decide.environment import ConfigMaps, resolve
from mission_control.cluster.decide.execution import is_execution_workload
from mission_control.cluster.decide.ownership import WorkloadKey, count_ready
from mission_control.cluster.model.facts import LIST_OF_KIND, AgentWorkload, list_source
from mission_control.cluster.model.objects import (
    CRASHES,
    PULL_FAILURES,
    WATCHED_ENV,
    Container,
    PodFacts,
    WorkloadFacts,
)
from mission_control.contract.model.modes import ModeText, read_mode
from mission_control.deploy_report.model import Health, HealthSample, MayTrade, ReportedWorkload
from mission_control.floor.model import FloorSnapshot
from mission_control.model import codes
from mission_control.model.fleet import Agent, ContractKind, Kind
from mission_control.model.kill_switch import KillSwitch, KillSwitchState
from mission_control.model.reading import Unseen
from mission_control.readiness.decide.scope import ClusterScope

REQUIRED_ENV = ("REPO_ID", "AGENT_NAME", "AGENT_ROLE", "AGENT_MODE")
ALWAYS_TOLD = (*REQUIRED_ENV, "KILL_SWITCH")
"""The predecessor's summary; other watched variables are shown where they are set."""
SUMMARISED = tuple(sorted({*ALWAYS_TOLD, *WATCHED_ENV}))
RESTING_MODES = frozenset({"off", "halted", "paused", "disabled"})
KILLED = frozenset({"1", "true", "t", "yes", "y", "on", "enabled"})
SWITCH_NAMES = frozenset({"EXECUTION_HALTED", "EXECUTION_HALTED_FILE", "EXEC_KILL_SWITCH"})
_MODE_NAMES = frozenset({"AGENT_MODE", "KILL_SWITCH", *SWITCH_NAMES})
_EVIDENCE = frozenset(
    {
        codes.EXECUTION_COULD_START,
        codes.EXECUTION_EVIDENCE,
        codes.MODE_UNKNOWN,
        codes.MODE_UNRESOLVED,
    }
)
_SHOWN = 5

Issue = tuple[str, str]
"""A family of trouble, and what exactly is wrong."""
Environment = Mapping[str, tuple[bool, str | None]]
TRADES, NOT_FOUND, NOT_SEEN = "may trade", "not found", "not seen"
CRASH_LOOP, IMAGE_PULL, SCALED = "crash loop", "image pull", "scaled to zero"
NOT_READY, HEALTH_FAILED, JOB_FAILED = "replicas not ready", "health failed", "job failed"
NOT_TAKEN_UP, MISSING_ENV = "newest specification not taken up", "missing env"
DIFFER, NOT_THROUGH, UNLISTED = "replicas differ", "rollout not through", "in no list"
WORST_FIRST = (
    TRADES, NOT_FOUND, CRASH_LOOP, IMAGE_PULL, SCALED, NOT_READY, NOT_TAKEN_UP, DIFFER, NOT_THROUGH,
    HEALTH_FAILED, JOB_FAILED, UNLISTED, NOT_SEEN, MISSING_ENV,
)  # fmt: skip
"""Every family of issues, as they come in a report."""
_HARMLESS = frozenset({TRADES, MISSING_ENV, NOT_SEEN, UNLISTED})
"""Issues that say nothing about a workload's health."""


class Given(NamedTuple):
    """
    What every workload is reported from; `samples` are what agents answered, by agent.

    `further` are issues of a workload as a whole, found by looking at others as well.
    """

    snapshot: FloorSnapshot
    scope: ClusterScope
    samples: Mapping[str, tuple[HealthSample, ...]]
    further: Mapping[WorkloadKey, Sequence[Issue]]


class _Looked(NamedTuple):
    """
    One workload with all that is known of it.

    `odd` means that a pod could not be read, `newest_run` that its owner made no later Job: the
    outcome of an earlier one no longer counts.
    """

    workload: WorkloadFacts
    pods: Sequence[PodFacts]
    agent: Agent | None
    env: Environment
    samples: Sequence[HealthSample]
    unseen: str
    odd: bool
    newest_run: bool

    @property
    def ready(self) -> int:
        """Count the ready pods by both lists; the lower count holds where both were seen."""
        told = self.workload.ready
        return told if self.unseen or self.odd else min(told, count_ready(self.pods))

    @property
    def is_job(self) -> bool:
        """Return whether it runs to completion."""
        return self.workload.kind == "Job"


def report_workload(
    workload: WorkloadFacts, pods: Sequence[PodFacts], given: Given
) -> ReportedWorkload:
    """Report one workload with its pods."""
    looked = _look_at(workload, pods, given)
    agent, env, unseen = looked.agent, looked.env, looked.unseen
    allowed, why = _allowed(env, workload, given.snapshot.kill_switch)
    trade, trade_because = _judge_trade(looked, given)
    found = [*_find_issues(looked), *given.further.get(workload.key, ())]
    found.sort(key=lambda issue: WORST_FIRST.index(issue[0]))
    health, because = _judge_health(looked, found)
    if trade is MayTrade.NOT_RULED_OUT:
        found.insert(0, (TRADES, f"it is not ruled out: {trade_because}"))
    return ReportedWorkload(
        kind=workload.kind,
        name=workload.name,
        namespace=workload.namespace,
        health=health,
        because=because,
        may_trade=trade,
        trade_because=trade_because,
        desired=workload.desired,
        ready=workload.ready if looked.is_job else looked.ready,
        observed=workload.observed,
        pod_counts=count_pods(pods),
        containers=workload.containers,
        digests=_digests(pods),
        service_account=workload.service_account,
        env=env,
        allowed=allowed,
        allowed_reason=why,
        issues=tuple(f"{family}: {detail}" for family, detail in found),
        component=workload.pod_labels.get("app.kubernetes.io/component", ""),
        labels=workload.labels,
        job=workload.job,
        service_url=(agent.service_dns or "") if agent else "",
        generation=workload.generation,
        samples=tuple(looked.samples),
        unseen=unseen,
        restarts=None if unseen else sum(p.restarts for p in pods if p.live),
        made_by=str(workload.owner) if workload.owner else "",
        criticality=agent.criticality.value if agent else "",
    )


def _look_at(workload: WorkloadFacts, pods: Sequence[PodFacts], given: Given) -> _Looked:
    scope = given.scope
    agent = scope.owners.agent_of(workload)
    env = dict(_environment(workload, scope))
    told = given.samples.get(agent.agent_name, ()) if agent else ()
    newest = _is_newest_run(workload, scope)
    return _Looked(workload, pods, agent, env, told, *_what_was_lost(workload, scope), newest)


def report_not_found(agent: Agent, held: AgentWorkload) -> ReportedWorkload:
    """Report a workload that the inventory names and no list shows: gone, or not seen."""
    unseen, ref = held.unseen, held.ref
    detail = unseen or "the inventory names it, and the cluster has none"
    return ReportedWorkload(
        kind=ref.kind,
        name=ref.name,
        namespace=ref.namespace,
        health=Health.UNKNOWN if unseen else Health.DOWN,
        because=(unseen or "is not there",),
        may_trade=MayTrade.NOT_RULED_OUT if unseen else MayTrade.NO,
        trade_because="it was not seen" if unseen else "it is not there",
        desired=0,
        ready=0,
        observed=False,
        pod_counts={},
        containers=(),
        digests={},
        service_account="",
        env=dict.fromkeys(ALWAYS_TOLD, (False, None)),
        allowed=False,
        allowed_reason="it was not seen" if unseen else "it is not there",
        issues=(f"{NOT_SEEN if unseen else NOT_FOUND}: {detail}",),
        service_url=agent.service_dns or "",
        unseen=unseen,
        present=False,
        criticality=agent.criticality.value,
    )


def _what_was_lost(workload: WorkloadFacts, scope: ClusterScope) -> tuple[str, bool]:
    """Say why a workload's pods were not seen, and whether one of the list could not be read."""
    resources = {LIST_OF_KIND[workload.kind], "pods"}
    if workload.kind == "Deployment":
        resources.add("replicasets")
    mine = {list_source(resource, workload.namespace) for resource in resources}
    for read in scope.checked.lists:
        if read.source in mine and isinstance(read.reading, Unseen):
            return f"{read.source} was not seen: {read.reading.code}", False
    return "", any(read.odd for read in scope.checked.lists if read.source in mine)


def _is_newest_run(workload: WorkloadFacts, scope: ClusterScope) -> bool:
    """Return whether a Job is the last of its owner; one without an owner always is."""
    if workload.owner is None or workload.job is None:
        return workload.job is not None
    began = workload.job.started
    siblings = [
        w.job.started
        for w in scope.facts.workloads
        if w.job is not None and w.job.started is not None
        if (w.namespace, w.owner) == (workload.namespace, workload.owner)
    ]
    return began is None or began == max(siblings)


def _judge_health(looked: _Looked, found: Sequence[Issue]) -> tuple[Health, tuple[str, ...]]:
    """
    Judge a workload's health: nothing of it ready is down, any other trouble degrades it.

    Missing variables alone do not. Where something was not seen, only the trouble that was seen
    counts.
    """
    troubles = [issue for issue in found if issue[0] not in _HARMLESS]
    because = tuple(_brief(family, looked) for family, _ in troubles)
    workload = looked.workload
    wanted = workload.desired if not looked.is_job else 0
    if any(family == SCALED for family, _ in troubles) or (wanted and not looked.ready):
        return Health.DOWN, because
    if troubles:
        return Health.DEGRADED, because
    if looked.unseen:
        return Health.UNKNOWN, (looked.unseen,)
    if looked.odd and not looked.is_job and count_ready(looked.pods) < workload.ready:
        return Health.UNKNOWN, ("a pod could not be understood",)
    return Health.OK, ()


def _brief(family: str, looked: _Looked) -> str:
    """Describe a trouble in a few words that follow the workload's name."""
    path = looked.agent.primary_path if looked.agent else ""
    return {
        CRASH_LOOP: "crash-loops",
        IMAGE_PULL: "cannot get its image",
        SCALED: "is scaled to 0",
        NOT_READY: f"has {looked.ready} of {looked.workload.desired} ready",
        NOT_TAKEN_UP: "has not taken up its newest specification",
        HEALTH_FAILED: f"does not answer {path} well",
        JOB_FAILED: "failed",
        DIFFER: "runs replicas that differ",
        NOT_THROUGH: "has a rollout that is not through",
    }[family]


def _find_issues(looked: _Looked) -> Iterator[Issue]:
    workload = looked.workload
    live = [p for p in looked.pods if p.live]
    for family, found in (
        (CRASH_LOOP, [(p, s) for p in live for s in p.crashing]),
        (IMAGE_PULL, [(p, s) for p in live for s in p.failing_pull]),
    ):
        if found:
            told = [f"{p.name} {s.name}{_again(s.restarts)}" for p, s in found[:_SHOWN]]
            yield family, ", ".join(told)
    yield from _find_shortage(looked, live)
    failed = [s for s in looked.samples if looked.agent and s.path == looked.agent.primary_path]
    if workload.desired and failed and not failed[0].ok:
        yield HEALTH_FAILED, f"{failed[0].path}: {failed[0].error}"
    job = workload.job
    if looked.newest_run and job and job.failed and not (job.active or job.succeeded):
        yield JOB_FAILED, f"{job.failed} of its pods failed, and none is left to try"
    if looked.unseen:
        yield NOT_SEEN, looked.unseen
    missing = [n for n in REQUIRED_ENV if not looked.env[n][0]]
    if missing and _needs_identity(looked):
        yield MISSING_ENV, ", ".join(missing)


def _find_shortage(looked: _Looked, live: Sequence[PodFacts]) -> Iterator[Issue]:
    """Find fewer pods than wanted, and required workloads of which none is wanted."""
    workload, agent = looked.workload, looked.agent
    if looked.is_job:
        return
    needed = agent is not None and agent.required and agent.kind is not Kind.EXECUTION
    if agent and needed and workload.desired == 0:
        yield SCALED, f"the inventory calls it {agent.criticality.value}, and 0 are wanted"
    if not workload.observed:
        yield NOT_TAKEN_UP, "the controller has not taken up the newest specification"
    if looked.ready < workload.desired:
        pending = sorted({f"{p.name}: {p.pending_reason}" for p in live if p.pending_reason})
        because = f" ({'; '.join(pending[:3])})" if pending else ""
        yield NOT_READY, f"{looked.ready} of {workload.desired}{because}"


def _again(restarts: int) -> str:
    return f" ({restarts} restarts)" if restarts else ""


def _needs_identity(looked: _Looked) -> bool:
    """Return whether it is a service of the fleet, which needs its identity to start."""
    agent = looked.agent
    if agent is not None:
        return agent.kind is not Kind.OPS and agent.contract is not ContractKind.HTTP
    told = {n for n in REQUIRED_ENV if looked.env[n][0]} - {"REPO_ID"}
    return bool(told) and not looked.is_job


def _judge_trade(looked: _Looked, given: Given) -> tuple[MayTrade, str]:
    """
    Judge whether a workload may place orders, with the reason.

    An execution reason of the floor always counts. What was not seen is ruled out only by its mode
    or the switch.
    """
    workload, owners = looked.workload, given.scope.owners
    subject = owners.subject(workload)
    for reason in given.snapshot.posture.reasons:
        if reason.subject == subject and reason.code in _EVIDENCE:
            return MayTrade.NOT_RULED_OUT, f"{reason.code}: {reason.detail}"
    names = {n for c in workload.containers for n in c.env_names}
    told = any(looked.env[n][0] for n in ("AGENT_MODE", "KILL_SWITCH"))
    if not (told or names & _MODE_NAMES or is_execution_workload(workload, owners)):
        return MayTrade.NOT_APPLICABLE, "it has no mode and does not read the kill switch"
    mode = (looked.env["AGENT_MODE"][1] or "").strip()
    if looked.env["AGENT_MODE"][0] and read_mode(mode) is ModeText.FORBIDDEN:
        return MayTrade.NOT_RULED_OUT, f"its AGENT_MODE is {mode}"
    reasons = tuple(_what_forbids(looked, mode, given.snapshot.kill_switch))
    if reasons:
        return MayTrade.NO, ", ".join(reasons)
    known = f"its AGENT_MODE is {mode}" if mode else "it has no AGENT_MODE"
    return MayTrade.NOT_RULED_OUT, f"{known}, and nothing that was seen forbids it"


def _what_forbids(looked: _Looked, mode: str, switch: KillSwitch) -> Iterator[str]:
    own = (looked.env["KILL_SWITCH"][1] or "").strip()
    if own.casefold() in KILLED:
        yield f"its KILL_SWITCH is {own}"
    if mode and read_mode(mode) is ModeText.HARMLESS:
        yield f"its AGENT_MODE is {mode}"
    if switch.state is KillSwitchState.ENGAGED and switch.confirmed and _obeys(looked.workload):
        yield "the kill switch is ENGAGED"
    counts = (looked.workload.desired, looked.workload.actual)
    sure = not looked.unseen and not looked.odd and looked.workload.observed
    if sure and counts == (0, 0) and not any(p.live for p in looked.pods):
        yield "none of it is wanted or runs"


def count_pods(pods: Sequence[PodFacts]) -> Mapping[str, int]:
    """Count pods by phase, or by what keeps a container from running."""
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
        told = _value(name, workload.containers, ConfigMaps(mine, whole))
        if told[0] or name in ALWAYS_TOLD:
            yield name, told


def _value(
    name: str, containers: Sequence[Container], config_maps: ConfigMaps
) -> tuple[bool, str | None]:
    """Return whether a variable is set, and its shown value: `mixed` where containers differ."""
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


def _allowed(env: Environment, workload: WorkloadFacts, switch: KillSwitch) -> tuple[bool, str]:
    """Judge whether a workload may run: by its own settings, then by the real kill switch."""
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
    """Return whether a workload reads the kill switch at all."""
    return bool({n for c in workload.containers for n in c.env_names} & SWITCH_NAMES)
