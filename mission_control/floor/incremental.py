"""
Looking only at what changed: kept answers, which are those that deciding in full would give.

An agent's answer is kept while its round, its workload and what all agents share are the same, and
no question about an age that was asked for it could have another answer. Which questions those are
is noted while the rules ask them (`Moment`), so that no rule can be forgotten here.
"""

import math
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from mission_control.cluster.decide.view import ClusterView, view_cluster
from mission_control.cluster.model.facts import AgentWorkload
from mission_control.floor.decide.agent_evidence import AgentEvidence, weigh_evidence
from mission_control.floor.decide.evidence import (
    AHEAD_TOLERANCE_SECONDS,
    Moment,
    SessionAt,
    session_in_doubt,
)
from mission_control.floor.decide.looks import (
    AgentLook,
    FloorLooks,
    Surroundings,
    is_news,
    judge_agent,
    look_around,
)
from mission_control.floor.model import FloorEvidence
from mission_control.model.fleet import Agent, Safety
from mission_control.model.reading import ServiceRound
from mission_control.model.session import MarketSession

_CLOSE = timedelta(milliseconds=1)
"""Ages are compared as floats of seconds: this close to a limit, nothing kept is used."""
_NEVER = datetime.max.replace(tzinfo=UTC)


class NotedMoment(Moment):
    """A moment that notes until when every question asked of it has the same answer."""

    __slots__ = ("_left",)

    def __init__(self, at: datetime) -> None:
        """Note nothing yet."""
        super().__init__(at)
        self._left = math.inf

    def is_older(self, instant: datetime, limit: float) -> bool:
        """Return whether an instant is older than the limit; it may become so later."""
        left = limit - (self._at - instant).total_seconds()
        if 0 <= left < self._left:
            self._left = left
        return left < 0

    def is_ahead(self, instant: datetime, limit: float = AHEAD_TOLERANCE_SECONDS) -> bool:
        """Return whether an instant is ahead by more than the limit; it may cease to be so."""
        ahead = (instant - self._at).total_seconds()
        if limit < ahead < self._left + limit:
            self._left = ahead - limit
        return ahead > limit

    @property
    def until(self) -> datetime:
        """Return the instant before which every answer given is the same (UTC)."""
        try:
            return self._at + timedelta(seconds=self._left) - _CLOSE
        except OverflowError:
            return _NEVER


class _Kept(NamedTuple):
    """An agent's look, when it was taken (UTC), and until when it is the same."""

    look: AgentLook
    at: datetime
    until: datetime


@dataclass(slots=True)
class FloorCache:
    """
    The newest look at each agent and at the cluster, of one fleet and one calendar.

    Where the calendar changes, a new cache has to be made.
    """

    _agents: dict[str, _Kept] = field(default_factory=dict[str, _Kept])
    _weighed: dict[str, NotedMoment] = field(default_factory=dict[str, NotedMoment])
    _cluster: tuple[ClusterView, datetime, datetime] | None = None
    _looks: FloorLooks | None = None

    @property
    def session(self) -> MarketSession | None:
        """Return the session of the newest look at the floor; None before the first."""
        return self._looks.session if self._looks else None

    def look_at_floor(
        self, evidence: FloorEvidence, session_at: SessionAt, now: datetime
    ) -> FloorLooks:
        """Look at every agent at `now`; what is kept and still the same is taken as it is."""
        session_at = session_in_doubt(session_at, evidence.calendar_doubt)
        cluster = self._view(evidence, now)
        fleet, rounds = evidence.fleet, evidence.rounds
        weighed = [
            self._weigh(a, rounds.get(a.agent_name), fleet.safety, session_at, now)
            for a in fleet.agents
        ]
        around = look_around(evidence, weighed, cluster, session_at, now)
        if self._looks is not None and self._looks.surroundings == around.surroundings:
            around = replace(around, surroundings=self._looks.surroundings)  # quickly the same
        looks = tuple(self._judge(each, around, session_at, now) for each in weighed)
        self._looks = replace(around, agents=looks)
        return self._looks

    def note_round(
        self, agent: Agent, round_: ServiceRound, session_at: SessionAt, now: datetime
    ) -> bool:
        """
        Look at an agent's newest round, in what all agents shared last, and keep that.

        Returns whether the floor has to be decided at once because of it.
        """
        looks, before = self._looks, self._agents.get(agent.agent_name)
        if looks is None or before is None:
            return True
        evidence = self._weigh(agent, round_, looks.cluster.fleet.safety, session_at, now)
        return is_news(before.look, self._judge(evidence, looks, session_at, now))

    def _view(self, evidence: FloorEvidence, now: datetime) -> ClusterView:
        fleet, facts = evidence.fleet, evidence.cluster
        if self._cluster is not None:
            view, at, until = self._cluster
            if view.facts is facts and view.fleet is fleet and at <= now < until:
                return view
        moment = NotedMoment(now)
        view = view_cluster(fleet, facts, moment)
        self._cluster = view, now, moment.until
        return view

    def _weigh(
        self,
        agent: Agent,
        round_: ServiceRound | None,
        safety: Safety,
        session_at: SessionAt,
        now: datetime,
    ) -> AgentEvidence:
        kept = self._agents.get(agent.agent_name)
        if kept is not None and kept.at <= now < kept.until:
            evidence = kept.look.evidence
            if evidence.round is round_ and evidence.agent is agent:
                return evidence
        moment = self._weighed[agent.agent_name] = NotedMoment(now)
        return weigh_evidence(agent, round_, session_at, moment, safety)

    def _judge(
        self, evidence: AgentEvidence, among: FloorLooks, session_at: SessionAt, now: datetime
    ) -> AgentLook:
        """Return the look at an agent among the others; the kept one where it is the same."""
        name = evidence.agent.agent_name
        workload, kept = among.cluster.agents.get(name), self._agents.get(name)
        known = kept is not None and kept.look.evidence is evidence
        if kept is not None and known and _is_same(kept.look, among.surroundings, workload):
            return kept.look
        moment = NotedMoment(now) if known else self._weighed.pop(name)
        look = judge_agent(evidence, among, session_at, moment)
        until = min(kept.until, moment.until) if kept is not None and known else moment.until
        self._agents[name] = _Kept(look, now, until)
        return look


def _is_same(look: AgentLook, surroundings: Surroundings, workload: AgentWorkload | None) -> bool:
    same = look.surroundings is surroundings or look.surroundings == surroundings
    return same and look.workload is workload
