"""Where services and the cluster disagree, and which alarms the cluster clears."""

from collections.abc import Iterator, Mapping

from mission_control.cluster.decide.view import ClusterView
from mission_control.floor.decide.agent_evidence import AgentEvidence
from mission_control.floor.decide.evidence import Key, Statement, answered
from mission_control.floor.model import EXECUTION, Alarm
from mission_control.model import codes
from mission_control.model.fleet import Agent, ContractKind, Kind
from mission_control.model.reading import EndpointReading

REPLICAS = "replicas"
"""The fact of a contradiction between a service and the cluster that is not about execution."""

Readings = Mapping[str, EndpointReading]


def state_disagreements(agent: Agent, readings: Readings, view: ClusterView) -> Iterator[Statement]:
    """
    Raise an alarm where a service answers although whole lists show that nothing of it runs.

    Where both say that it runs they agree, which clears an earlier alarm.
    """
    workload = view.agents.get(agent.agent_name)
    if workload is None or workload.unseen or agent.contract is ContractKind.NONE:
        return
    if not any(answered(r) for r in readings.values()):
        return
    name = agent.agent_name
    fact = EXECUTION if agent.kind is Kind.EXECUTION else REPLICAS
    ref = f"{workload.ref.kind} {workload.ref.namespace}/{workload.ref.name}"
    detail = f"it answers, but the cluster shows no pod of {ref} and wants none"
    yield Statement(codes.CONTRADICTION, name, name, fact, workload.off, detail)


def clear_by_cluster(
    latched: tuple[Alarm, ...],
    agents: Mapping[str, AgentEvidence],
    view: ClusterView,
) -> Iterator[Key]:
    """
    Yield the keys of the latched alarms that the cluster clears.

    A whole list clears what it no longer shows, unless the fact is undecided. That a service
    answered as a running process is cleared only by lists read after its last answer: silence
    alone proves nothing, newer lists that show nothing running do.
    """
    made = {s.key for s in view.raising}
    for alarm in latched:
        key = alarm.key
        if alarm.source in view.sources or alarm.source in view.starter_sources:
            if alarm.source in view.clearing and key not in made and key not in view.undecided:
                yield key
        elif _was_running(alarm) and alarm.subject in agents:
            evidence = agents[alarm.subject]
            silent = not any(answered(r) for r in evidence.readings.values())
            later = view.oldest is not None and view.oldest > alarm.last_seen
            if silent and later and _is_off(alarm, evidence.agent, view):
                yield key


def _was_running(alarm: Alarm) -> bool:
    """Return whether the alarm is that a process runs; what the process claimed is not."""
    code, fact = alarm.code, alarm.fact
    ran = code == codes.EXECUTION_EVIDENCE and fact in {"running", "service_kind"}
    return ran or (code == codes.CONTRADICTION and fact in {REPLICAS, EXECUTION})


def _is_off(alarm: Alarm, agent: Agent, view: ClusterView) -> bool:
    if agent.kind is Kind.EXECUTION:
        return view.execution_off
    if alarm.code == codes.EXECUTION_EVIDENCE:
        return False  # one that calls itself execution and is listed as something else
    workload = view.agents.get(agent.agent_name)
    return workload is not None and workload.off
