"""Decide: what one decision's evidence tells of execution, source by source."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import chain

from mission_control.decide.cluster.agreement import EXECUTION
from mission_control.decide.evidence import can_acquit, clock_trouble
from mission_control.decide.execution_in_cluster import ReadCluster
from mission_control.decide.floor_looks import FloorLooks
from mission_control.decide.kill_switch import SUBJECT as SWITCH
from mission_control.model import codes
from mission_control.model.fleet import Agent, ContractKind, Criticality, Fleet, Kind
from mission_control.model.kill_switch import KillSwitch, KillSwitchState
from mission_control.model.mode_text import ModeText, read_mode
from mission_control.model.no_execution import Fact, Matter, Observation
from mission_control.model.reading import EndpointReading, Seen, Unseen
from mission_control.model.standing import Accusation
from mission_control.model.status_contract.rich import RichStatus

DECIDED_SWITCH = Matter(Fact.KILL_SWITCH, SWITCH)


def is_execution_sign(accusation: Accusation) -> bool:
    """
    Tell whether what stands is a sign of execution.

    Execution evidence is; so is that sources contradict each other about the switch or about
    execution, for one of them then says that it may execute (semantics, section 6).
    """
    about = accusation.subject == SWITCH or accusation.fact == EXECUTION
    contradicts = accusation.code == codes.CONTRADICTION and about
    return accusation.code == codes.EXECUTION_EVIDENCE or contradicts


def observe_execution(fleet: Fleet, looks: FloorLooks, now: datetime) -> Iterator[Observation]:
    """Give what every source tells of execution in the looks taken at `now`."""
    yield from _observe_switch(looks.switch)
    cluster = ReadCluster.of(fleet, looks.cluster)
    yield from cluster.observe_replicas()
    for look in looks.agents:
        agent = look.evidence.agent
        required = _is_required(agent, Fact.AGENT_MODE)
        told = [
            *_hear(agent, look.evidence.readings, now),
            *cluster.observe_modes(agent, required=required),
        ]
        said = chain(look.evidence.accusing, looks.cluster.accusing)
        strange = [s for s in said if (s.code, s.subject) == (codes.MODE_UNKNOWN, agent.agent_name)]
        yield from (_forget_mode(o, strange[0].detail) for o in told) if strange else told
        if not any(o.matter.fact is Fact.AGENT_MODE for o in told):
            yield _nobody_tells(agent, fleet)


def _forget_mode(observation: Observation, why: str) -> Observation:
    """Take a mode for not observed, where some source of the same agent says one nobody knows."""
    told = observation.value or ""
    if observation.matter.fact is not Fact.AGENT_MODE or read_mode(told) is ModeText.FORBIDDEN:
        return observation
    return replace(observation, value=None, unobserved=why)


def _observe_switch(switch: KillSwitch) -> Iterator[Observation]:
    engaged = switch.confirmed_engaged
    known = engaged or switch.state is KillSwitchState.DISENGAGED
    value = switch.state.value if known else None
    why = "" if known else switch.detail or "nobody confirms it"
    yield Observation(DECIDED_SWITCH, "decided", value, why, required=True)
    for witness in switch.witnesses:
        matter = Matter(Fact.KILL_SWITCH_WITNESS, witness.source)
        heard = witness.state is not KillSwitchState.UNKNOWN
        why = "" if heard else witness.detail or "it says nothing that counts"
        yield Observation(matter, witness.kind.value, witness.state.value if heard else None, why)


def _hear(
    agent: Agent, readings: Mapping[str, EndpointReading], now: datetime
) -> Iterator[Observation]:
    """Give what an agent's answers tell; one that could not acquit counts only if it accuses."""
    primary = agent.primary_path if agent.contract is ContractKind.RICH else None
    for path in sorted({*readings, *([primary] if primary else ())}):
        reading = readings.get(path)
        counts = reading is not None and can_acquit(reading, now)
        for fact, value, accuses in _claims(reading):
            matter = Matter(fact, agent.agent_name)
            required = _is_required(agent, fact)
            if value is not None and (accuses or counts):
                yield Observation(matter, path, value, required=required)
            elif path == primary:
                why = _why_not(reading, now)
                yield Observation(matter, path, None, why, required=required)


def _claims(reading: EndpointReading | None) -> Iterator[tuple[Fact, str | None, bool]]:
    mode = safe = None
    accuses = False
    if reading is not None:
        claims = reading.value.claims if isinstance(reading, Seen) else reading.claims
        mode, safe, accuses = (
            claims.agent_mode,
            claims.safe_to_execute_orders,
            claims.forbidden_mode,
        )
    yield Fact.AGENT_MODE, mode or None, accuses
    told = None if safe is None else "true" if safe else "false"
    yield Fact.SAFE_TO_EXECUTE_ORDERS, told, safe is True


def _why_not(reading: EndpointReading | None, now: datetime) -> str:
    if reading is None:
        return codes.NOT_YET_ASKED
    if isinstance(reading, Unseen):
        return reading.code
    status = reading.value.status
    frozen = clock_trouble(status, reading.at, now) if isinstance(status, RichStatus) else ""
    return frozen or "it answers, and does not tell"


def _is_required(agent: Agent, fact: Fact) -> bool:
    """
    Tell whether a session is not covered without this of the agent.

    As for the floor (semantics, section 6) critical and important agents are; one that the
    inventory gives neither HTTP nor a workload only where it is critical. That execution itself
    is off is seen in its workloads, not in what a process says that must not be there.
    """
    if not agent.required or agent.kind is Kind.EXECUTION:
        return False
    if fact is Fact.SAFE_TO_EXECUTE_ORDERS:
        return agent.contract is ContractKind.RICH
    findable = agent.contract is not ContractKind.NONE or agent.workload is not None
    return findable or agent.criticality is Criticality.CRITICAL


def _nobody_tells(agent: Agent, fleet: Fleet) -> Observation:
    where = "and no cluster is read" if fleet.access is None else "and the cluster shows none of it"
    why = f"its contract is {agent.contract.value}, {where}"
    required = _is_required(agent, Fact.AGENT_MODE)
    matter = Matter(Fact.AGENT_MODE, agent.agent_name)
    return Observation(matter, "inventory", None, why, required=required)
