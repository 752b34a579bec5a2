"""Every agent of the floor as judged at one instant, apart from the alarms that are latched."""

from dataclasses import dataclass, replace
from datetime import datetime

from mission_control.cluster.decide.view import ClusterView, state_disagreement, view_cluster
from mission_control.cluster.model.facts import AgentWorkload
from mission_control.floor.decide.agent_evidence import AgentEvidence, weigh_evidence
from mission_control.floor.decide.evidence import Moment, SessionAt, Statement, session_in_doubt
from mission_control.floor.decide.posture import pages_now, severity_of_trouble
from mission_control.floor.decide.service_state import Circumstances, Judgement, judge_service
from mission_control.floor.decide.tally import FloorTally
from mission_control.floor.model import FloorEvidence
from mission_control.kill_switch.decide import hear_configured, hear_listed, judge_kill_switch
from mission_control.model.finding import Reason, Severity
from mission_control.model.kill_switch import KillSwitch
from mission_control.model.session import MarketSession, Phase


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a judgement depends on besides the agent's own evidence."""

    phase: Phase
    pages: bool
    switch_confirmed: bool
    execution_off: bool = False
    execution_settled: bool = False


@dataclass(frozen=True, slots=True)
class AgentLook:
    """
    An agent's evidence and the judgement on it; `reasons` are worst first.

    `agreement` is what it and the cluster together state about whether it runs.
    """

    evidence: AgentEvidence
    surroundings: Surroundings
    judgement: Judgement
    reasons: tuple[Reason, ...]
    workload: AgentWorkload | None = None
    agreement: Statement | None = None


@dataclass(frozen=True, slots=True)
class FloorLooks:
    """
    Every agent as judged at one instant, in the fleet's order, with what all share.

    `changed` are the places of agents that are looked at otherwise than in the looks before, whose
    session was `earlier`; None where that is not known.
    """

    session: MarketSession
    switch: KillSwitch
    agents: tuple[AgentLook, ...]
    surroundings: Surroundings
    cluster: ClusterView
    tally: FloorTally
    changed: frozenset[int] | None = None
    earlier: MarketSession | None = None


def look_at_floor(evidence: FloorEvidence, session_at: SessionAt, now: datetime) -> FloorLooks:
    """Look at every agent at `now`."""
    session_at = session_in_doubt(session_at, evidence.calendar_doubt)
    fleet, moment = evidence.fleet, Moment(now)
    cluster = view_cluster(fleet, evidence.cluster, moment)
    tally = FloorTally(
        weigh_evidence(a, evidence.rounds.get(a.agent_name), session_at, moment, fleet.safety)
        for a in fleet.agents
    )
    around = look_around(evidence, tally, cluster, session_at, now)
    agents = tuple(judge_agent(e, around, session_at, moment) for e in tally.evidence)
    return replace(around, agents=agents)


def look_around(
    evidence: FloorEvidence,
    tally: FloorTally,
    cluster: ClusterView,
    session_at: SessionAt,
    now: datetime,
) -> FloorLooks:
    """Return what all agents share, before any of them is judged."""
    fleet = evidence.fleet
    told = hear_configured(evidence.switch_readings, now, fleet.switch_file)
    heard = (*told, *hear_listed(fleet, evidence.cluster, now))
    api = fleet.access is not None
    switch = judge_kill_switch(heard, fleet.safety, tally.switches, api=api)
    session = session_at(now)
    surroundings = Surroundings(
        session.phase,
        pages_now(session),
        switch.confirmed_engaged,
        cluster.execution_off,
        cluster.execution_settled,
    )
    return FloorLooks(session, switch, (), surroundings, cluster, tally)


def judge_agent(
    evidence: AgentEvidence, among: FloorLooks, session_at: SessionAt, now: Moment
) -> AgentLook:
    """Judge an agent by its evidence, by what runs it, and by what all share."""
    name, surroundings = evidence.agent.agent_name, among.surroundings
    workload = among.cluster.agents.get(name)
    given = Circumstances(
        now,
        session_at,
        surroundings.phase,
        surroundings.switch_confirmed,
        evidence.freshness,
        workload,
        surroundings.execution_off,
        evidence.execution_allowed,
        surroundings.execution_settled,
    )
    judged = judge_service(evidence.agent, evidence.readings, given)
    severity = severity_of_trouble(evidence.agent, among.session)
    reasons = tuple(
        Reason(t.code, name, Severity.INFO if t.note else severity, t.detail, confirmed=t.confirmed)
        for t in judged.troubles
    )
    agreement = state_disagreement(evidence.agent, evidence.readings, workload)
    return AgentLook(evidence, surroundings, judged, reasons, workload, agreement)


def is_news(before: AgentLook, after: AgentLook) -> bool:
    """
    Return whether the floor has to be decided at once because of an agent's newest round.

    What only makes evidence younger waits for the next beat; it changes no answer.
    """
    old, new = before.evidence, after.evidence
    return (
        before.judgement != after.judgement
        or old.raising != new.raising
        or old.denied != new.denied
        or old.missing != new.missing
        or old.coverage != new.coverage
        or (old.seen_at is None) != (new.seen_at is None)
        or [w.state for w in old.sources] != [w.state for w in new.sources]
    )
