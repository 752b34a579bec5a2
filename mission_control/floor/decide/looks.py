"""One agent as judged, apart from what stands accused; kept while nothing changes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mission_control.cluster.decide.view import ClusterView, view_cluster
from mission_control.cluster.model.facts import AgentWorkload
from mission_control.floor.decide.agent_evidence import AgentEvidence, weigh_evidence
from mission_control.floor.decide.evidence import SessionAt, session_in_doubt
from mission_control.floor.decide.posture import pages_now, severity_of_trouble
from mission_control.floor.decide.service_state import Circumstances, Judgement, judge_service
from mission_control.floor.model import FloorEvidence
from mission_control.kill_switch.decide import hear_configured, hear_listed, judge_kill_switch
from mission_control.model.finding import Reason, Severity
from mission_control.model.fleet import Agent
from mission_control.model.kill_switch import KillSwitch
from mission_control.model.reading import ServiceRound
from mission_control.model.session import MarketSession, Phase


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a judgement leans on besides the agent's own evidence: session, switch, execution."""

    phase: Phase
    pages: bool
    switch_confirmed: bool
    execution_off: bool = False
    execution_settled: bool = False

    @classmethod
    def of(
        cls, session: MarketSession, cluster: ClusterView, *, switch_confirmed: bool
    ) -> "Surroundings":
        """Give what of these matters to a judgement."""
        execution = cluster.execution_off, cluster.execution_settled
        return cls(session.phase, pages_now(session), switch_confirmed, *execution)


@dataclass(frozen=True, slots=True)
class AgentLook:
    """An agent's evidence and the judgement on it; `reasons` are worst first."""

    evidence: AgentEvidence
    surroundings: Surroundings
    judgement: Judgement
    reasons: tuple[Reason, ...]
    workload: AgentWorkload | None = None

    def holds(
        self,
        evidence: AgentEvidence,
        surroundings: Surroundings,
        workload: AgentWorkload | None,
    ) -> bool:
        """Tell whether judging this evidence in these surroundings gives the same again."""
        same = self.surroundings is surroundings or self.surroundings == surroundings
        return self.evidence is evidence and same and self.workload is workload


def judge_agent(
    evidence: AgentEvidence,
    workload: AgentWorkload | None,
    surroundings: Surroundings,
    session: MarketSession,
    session_at: SessionAt,
    now: datetime,
) -> AgentLook:
    """Judge an agent by its evidence and by what runs it."""
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
    severity = severity_of_trouble(evidence.agent, session)
    name = evidence.agent.agent_name
    reasons = tuple(
        Reason(t.code, name, Severity.INFO if t.note else severity, t.detail, confirmed=t.confirmed)
        for t in judged.troubles
    )
    return AgentLook(evidence, surroundings, judged, reasons, workload)


def is_news(before: AgentLook, after: AgentLook) -> bool:
    """
    Tell whether the floor has to be decided at once because of this agent's newest round.

    What only makes evidence younger waits for the next beat; it changes nobody's answer.
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


Looks = Mapping[str, AgentLook]
NOTHING_KNOWN: Looks = {}


@dataclass(frozen=True, slots=True)
class FloorLooks:
    """Every agent as judged at one instant, in the fleet's order, with what all share."""

    session: MarketSession
    switch: KillSwitch
    agents: tuple[AgentLook, ...]
    surroundings: Surroundings
    cluster: ClusterView
    by_name: Looks = field(repr=False)


def look_again(
    evidence: FloorEvidence,
    session_at: SessionAt,
    now: datetime,
    known: Looks = NOTHING_KNOWN,
    viewed: ClusterView | None = None,
) -> FloorLooks:
    """
    Look at every agent at `now`; a look in `known` that still holds is taken as it is.

    It holds while the agent's round, its workload, the session's phase and the switch's
    confirmation are the same and no rule about age begins to judge a reading otherwise. The same
    goes for the cluster as `viewed` before. So the answer is the same with and without both, as
    a property test shows. All of it is of one calendar: where that changes, nothing is known.
    """
    session_at = session_in_doubt(session_at, evidence.calendar_doubt)
    cluster = viewed
    if cluster is None or not cluster.holds(evidence.fleet, evidence.cluster, now):
        cluster = view_cluster(evidence.fleet, evidence.cluster, now)
    weighed = [_weigh(agent, evidence, known, session_at, now) for agent in evidence.fleet.agents]
    sources = [w for e in weighed if e.sources for w in e.sources]
    fleet = evidence.fleet
    told = hear_configured(evidence.switch_readings, now, fleet.switch_file)
    listed = hear_listed(fleet, evidence.cluster, now)
    heard = (*told, *listed, *sources)
    switch = judge_kill_switch(heard, fleet.safety, api=fleet.access is not None)
    session = session_at(now)
    surroundings = _keep(
        Surroundings.of(session, cluster, switch_confirmed=switch.confirmed_engaged),
        known,
    )
    agents = list[AgentLook]()
    for each in weighed:
        look = known.get(each.agent.agent_name)
        workload = cluster.agents.get(each.agent.agent_name)
        if look is None or not look.holds(each, surroundings, workload):
            look = judge_agent(each, workload, surroundings, session, session_at, now)
        agents.append(look)
    by_name = {look.evidence.agent.agent_name: look for look in agents}
    return FloorLooks(session, switch, tuple(agents), surroundings, cluster, by_name)


def look_at(
    agent: Agent, round_: ServiceRound, session_at: SessionAt, now: datetime, among: FloorLooks
) -> AgentLook:
    """Look at one agent's newest round in the surroundings of the looks before."""
    weighed = weigh_evidence(agent, round_, session_at, now, among.cluster.fleet.safety)
    workload = among.cluster.agents.get(agent.agent_name)
    return judge_agent(weighed, workload, among.surroundings, among.session, session_at, now)


def _keep(surroundings: Surroundings, known: Looks) -> Surroundings:
    """Give the equal value that the known looks hold, if they do: the same is quickly equal."""
    held = next(iter(known.values()), None)
    same = held is not None and held.surroundings == surroundings
    return held.surroundings if held is not None and same else surroundings


def _weigh(
    agent: Agent,
    evidence: FloorEvidence,
    known: Looks,
    session_at: SessionAt,
    now: datetime,
) -> AgentEvidence:
    look, round_ = known.get(agent.agent_name), evidence.rounds.get(agent.agent_name)
    if look is not None and look.evidence.holds(agent, round_, now):
        return look.evidence
    return weigh_evidence(agent, round_, session_at, now, evidence.fleet.safety)
