"""Decide: one agent as judged, apart from what stands accused; kept while nothing changes it."""

from dataclasses import dataclass
from datetime import datetime

from mission_control.decide.agent_evidence import AgentEvidence
from mission_control.decide.cluster.view import ClusterView
from mission_control.decide.evidence import SessionAt
from mission_control.decide.posture import pages_now, severity_of_trouble
from mission_control.decide.service_state import Circumstances, Judgement, judge_service
from mission_control.model.cluster.view import AgentWorkload
from mission_control.model.finding import Reason, Severity
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
        or old.accusing != new.accusing
        or old.denied != new.denied
        or old.lacks != new.lacks
        or old.coverage != new.coverage
        or (old.seen_at is None) != (new.seen_at is None)
        or [w.state for w in old.witnesses] != [w.state for w in new.witnesses]
    )
