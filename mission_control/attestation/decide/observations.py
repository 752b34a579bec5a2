"""What one decision's evidence says about execution, source by source."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from mission_control.attestation.model import Fact, Matter, Observation
from mission_control.cluster.decide.environment import ConfigMaps, resolve
from mission_control.cluster.decide.execution import (
    find_running,
    is_execution_pod,
    is_execution_workload,
)
from mission_control.cluster.decide.ownership import Owners, WorkloadKey, find_owners
from mission_control.cluster.decide.view import EXECUTION, ClusterView
from mission_control.cluster.model.facts import (
    LIST_OF_KIND,
    ClusterFacts,
    ConfigMapFacts,
    list_source,
)
from mission_control.cluster.model.objects import PodFacts, WorkloadFacts
from mission_control.contract.model.modes import ModeText, read_mode
from mission_control.contract.model.shapes import RichStatus
from mission_control.floor.decide.evidence import Moment, can_clear, clock_trouble
from mission_control.floor.decide.looks import FloorLooks
from mission_control.floor.model import Alarm
from mission_control.kill_switch.decide import SUBJECT as SWITCH
from mission_control.model import codes
from mission_control.model.fleet import Agent, ContractKind, Criticality, Fleet, Kind
from mission_control.model.kill_switch import KillSwitch, KillSwitchState
from mission_control.model.reading import EndpointReading, Seen, Unseen

EXECUTION_WORKLOADS = Matter(Fact.EXECUTION_REPLICAS, "execution workloads")
_MODE = "AGENT_MODE"
_SHOWN = 3


class ReadCluster(NamedTuple):
    """One round over the cluster, indexed: live pods by what runs them, workloads by agent."""

    fleet: Fleet
    view: ClusterView
    facts: ClusterFacts
    owners: Owners
    live: Mapping[WorkloadKey, Sequence[PodFacts]]
    loose: Sequence[PodFacts]
    by_agent: Mapping[str, Sequence[WorkloadFacts]]
    maps: Mapping[str, Mapping[str, ConfigMapFacts]]

    @classmethod
    def of(cls, fleet: Fleet, view: ClusterView) -> "ReadCluster":
        """Index what was read; nothing where no round was."""
        facts = view.facts or ClusterFacts(())
        owners = find_owners(fleet, facts)
        live, loose = dict[WorkloadKey, list[PodFacts]](), list[PodFacts]()
        for pod in facts.pods:
            workload = owners.workload_of(pod)
            if pod.live and workload is not None:
                live.setdefault(workload.key, []).append(pod)
            elif pod.live:
                loose.append(pod)
        by_agent = dict[str, list[WorkloadFacts]]()
        for workload in facts.workloads:
            agent = owners.agent_of(workload)
            if agent is not None and workload.owner is None:
                by_agent.setdefault(agent.agent_name, []).append(workload)
        maps = dict[str, dict[str, ConfigMapFacts]]()
        for each in facts.config_maps:
            maps.setdefault(each.namespace, {})[each.name] = each
        return cls(fleet, view, facts, owners, live, loose, by_agent, maps)

    def observe_modes(self, agent: Agent, *, required: bool) -> Iterator[Observation]:
        """Return the mode that each workload of an agent, and its live pods, specify."""
        matter = Matter(Fact.AGENT_MODE, agent.agent_name)
        found = self.by_agent.get(agent.agent_name, ())
        for workload in found:
            value, why = self._specified(workload)
            source = f"cluster {_name(workload)}"
            yield Observation(matter, source, value, why, required=required)
        held = self.view.agents.get(agent.agent_name)
        if held is not None and not found:
            source = f"cluster {held.ref.kind} {held.ref.namespace}/{held.ref.name}"
            value = None if held.unseen else "nothing runs it"
            yield Observation(matter, source, value, held.unseen, required=required)

    def _specified(self, workload: WorkloadFacts) -> tuple[str | None, str]:
        needed = (LIST_OF_KIND[workload.kind], "pods", "replicasets", "configmaps")
        lost = self._not_whole([list_source(r, workload.namespace) for r in needed])
        if lost:
            return None, lost
        maps = ConfigMaps(self.maps.get(workload.namespace, {}), whole=True)
        pods = self.live.get(workload.key, ())
        each = chain(workload.containers, *(p.containers for p in pods))
        told = [resolve(container, _MODE, maps) for container in each]
        problems = sorted({r.problem for r in told if r.problem})
        if problems:
            return None, problems[0]
        values = sorted({(r.value or "").strip() for r in told} - {""})
        return ", ".join(values) or "not set", ""

    def observe_replicas(self) -> Iterator[Observation]:
        """Return what is wanted and there of execution: all together, and each by itself."""
        known = [
            w
            for w in self.facts.workloads
            if w.owner is None and is_execution_workload(w, self.owners)
        ]
        yield self._all_together(len(known))
        for workload in known:
            yield self._replicas_of(workload)
        for pod in self.loose:
            if is_execution_pod(pod, self.owners):
                matter = Matter(Fact.EXECUTION_REPLICAS, f"Pod {pod.namespace}/{pod.name}")
                source = list_source("pods", pod.namespace)
                yield Observation(matter, source, f"live: {pod.phase or 'its phase is not told'}")

    def _replicas_of(self, workload: WorkloadFacts) -> Observation:
        wanted = (LIST_OF_KIND[workload.kind], "pods", "replicasets")
        sources = [list_source(r, workload.namespace) for r in wanted]
        live, lost = len(self.live.get(workload.key, ())), self._not_whole(sources)
        running = bool(workload.desired or workload.actual or live)
        told = f"{workload.desired} wanted, {workload.actual} there, {live} live pods"
        matter = Matter(Fact.EXECUTION_REPLICAS, _name(workload))
        if running or not lost:
            return Observation(matter, sources[0], told)
        return Observation(matter, sources[0], None, lost)

    def _all_together(self, known: int) -> Observation:
        running = len([*find_running(self.facts, self.owners)])
        value, why = None, ""
        if running:
            value = f"{running} wanted or running"
        elif self.view.execution_off:
            value = f"none of {known} wanted or running"
        else:
            why = self._why_not_off()
        source = f"cluster {self.fleet.cluster}"
        return Observation(EXECUTION_WORKLOADS, source, value, why, required=True)

    def _why_not_off(self) -> str:
        if self.fleet.access is None:
            return "no cluster is read, as it is configured"
        lost = self._not_whole(sorted(self.view.sources))
        return lost or "a workload is in no watched namespace, or its newest form is not in force"

    def _not_whole(self, sources: Sequence[str]) -> str:
        lost = [s for s in sources if s not in self.view.whole]
        if not lost:
            return ""
        more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
        return f"not seen whole: {', '.join(lost[:_SHOWN])}{more}"


def _name(workload: WorkloadFacts) -> str:
    return f"{workload.kind} {workload.namespace}/{workload.name}"


DECIDED_SWITCH = Matter(Fact.KILL_SWITCH, SWITCH)


def is_execution_sign(alarm: Alarm) -> bool:
    """
    Return whether a latched alarm is a sign of execution.

    Execution evidence is. So is a contradiction about the switch or about execution: one source
    then says that it may execute (docs/semantics.md#6).
    """
    about = alarm.subject == SWITCH or alarm.fact == EXECUTION
    contradicts = alarm.code == codes.CONTRADICTION and about
    return alarm.code == codes.EXECUTION_EVIDENCE or contradicts


def observe_execution(fleet: Fleet, looks: FloorLooks, now: datetime) -> Iterator[Observation]:
    """Return what every source says about execution in the looks taken at `now`."""
    yield from _observe_switch(looks.switch)
    cluster = ReadCluster.of(fleet, looks.cluster)
    yield from cluster.observe_replicas()
    for look in looks.agents:
        agent = look.evidence.agent
        required = _is_required(agent, Fact.AGENT_MODE)
        told = [
            *_read_answers(agent, look.evidence.readings, now),
            *cluster.observe_modes(agent, required=required),
        ]
        said = chain(look.evidence.raising, looks.cluster.raising)
        strange = [s for s in said if (s.code, s.subject) == (codes.MODE_UNKNOWN, agent.agent_name)]
        yield from (_forget_mode(o, strange[0].detail) for o in told) if strange else told
        if not any(o.matter.fact is Fact.AGENT_MODE for o in told):
            yield _not_observed(agent, fleet)


def _forget_mode(observation: Observation, why: str) -> Observation:
    """Take a mode for not observed, where another source of the agent says an unknown one."""
    told = observation.value or ""
    if observation.matter.fact is not Fact.AGENT_MODE or read_mode(told) is ModeText.FORBIDDEN:
        return observation
    return replace(observation, value=None, unobserved=why)


def _observe_switch(switch: KillSwitch) -> Iterator[Observation]:
    engaged = switch.confirmed_engaged
    known = engaged or switch.state is KillSwitchState.DISENGAGED
    value = switch.state.value if known else None
    why = "" if known else switch.detail or "no source confirms it"
    yield Observation(DECIDED_SWITCH, "decided", value, why, required=True)
    for switch_source in switch.sources:
        matter = Matter(Fact.KILL_SWITCH_SOURCE, switch_source.source)
        known = switch_source.state is not KillSwitchState.UNKNOWN
        why = "" if known else switch_source.detail or "it says nothing valid"
        yield Observation(
            matter, switch_source.kind.value, switch_source.state.value if known else None, why
        )


def _read_answers(
    agent: Agent, readings: Mapping[str, EndpointReading], now: datetime
) -> Iterator[Observation]:
    """Return what an agent's answers say; one that cannot clear counts only where it raises."""
    primary = agent.primary_path if agent.contract is ContractKind.RICH else None
    for path in sorted({*readings, *([primary] if primary else ())}):
        reading = readings.get(path)
        counts = reading is not None and can_clear(reading, Moment(now))
        for fact, value, raises in _claims(reading):
            matter = Matter(fact, agent.agent_name)
            required = _is_required(agent, fact)
            if value is not None and (raises or counts):
                yield Observation(matter, path, value, required=required)
            elif path == primary:
                why = _why_not(reading, now)
                yield Observation(matter, path, None, why, required=required)


def _claims(reading: EndpointReading | None) -> Iterator[tuple[Fact, str | None, bool]]:
    mode = safe = None
    raises = False
    if reading is not None:
        claims = reading.value.claims if isinstance(reading, Seen) else reading.claims
        mode, safe, raises = (
            claims.agent_mode,
            claims.safe_to_execute_orders,
            claims.forbidden_mode,
        )
    yield Fact.AGENT_MODE, mode or None, raises
    told = None if safe is None else "true" if safe else "false"
    yield Fact.SAFE_TO_EXECUTE_ORDERS, told, safe is True


def _why_not(reading: EndpointReading | None, now: datetime) -> str:
    if reading is None:
        return codes.NOT_YET_ASKED
    if isinstance(reading, Unseen):
        return reading.code
    status = reading.value.status
    rich = isinstance(status, RichStatus)
    frozen = clock_trouble(status, reading.at, Moment(now)) if rich else ""
    return frozen or "it answers without it"


def _is_required(agent: Agent, fact: Fact) -> bool:
    """
    Return whether a session needs this fact of the agent to be covered.

    As for the floor (docs/semantics.md#6) it needs critical and important agents; one without HTTP
    and without a workload only where it is critical. That execution is off is seen in its
    workloads, not in the answers of a process that must not be there.
    """
    if not agent.required or agent.kind is Kind.EXECUTION:
        return False
    if fact is Fact.SAFE_TO_EXECUTE_ORDERS:
        return agent.contract is ContractKind.RICH
    findable = agent.contract is not ContractKind.NONE or agent.workload is not None
    return findable or agent.criticality is Criticality.CRITICAL


def _not_observed(agent: Agent, fleet: Fleet) -> Observation:
    where = "and no cluster is read" if fleet.access is None else "and the cluster shows none of it"
    why = f"its contract is {agent.contract.value}, {where}"
    required = _is_required(agent, Fact.AGENT_MODE)
    matter = Matter(Fact.AGENT_MODE, agent.agent_name)
    return Observation(matter, "inventory", None, why, required=required)
