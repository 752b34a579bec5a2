"""
Looking only at what changed: kept answers, which are those that deciding in full would give.

What is kept of all agents together is put right by what changed (`decide/tally.py`). An agent's
answer is kept while its round, its workload and what all agents share are the same, and
no question about an age that was asked for it could have another answer. Which questions those are
is noted while the rules ask them (`Moment`), so that no rule can be forgotten here.
"""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import compress, count
from operator import is_not
from typing import NamedTuple

from mission_control.cluster.decide.view import ClusterView, view_cluster
from mission_control.cluster.model.facts import AgentWorkload
from mission_control.floor.decide.agent_evidence import weigh_evidence
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
from mission_control.floor.decide.renewal import known_limits, renew_look
from mission_control.floor.decide.tally import FloorTally, Least
from mission_control.floor.model import FloorEvidence
from mission_control.model.fleet import Agent, Fleet
from mission_control.model.reading import ServiceRound
from mission_control.model.session import MarketSession

_CLOSE = timedelta(milliseconds=1)
"""Ages are compared as floats of seconds: this close to a limit, nothing kept is used."""
_NEVER = datetime.max.replace(tzinfo=UTC)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class NotedMoment(Moment):
    """
    A moment that notes until when every question asked of it has the same answer.

    `limits` are the ages that were asked about, negative where it was asked how far ahead.
    """

    __slots__ = ("_left", "limits")

    def __init__(self, at: datetime) -> None:
        """Note nothing yet."""
        super().__init__(at)
        self._left = math.inf
        self.limits = set[float]()

    def is_older(self, instant: datetime, limit: float) -> bool:
        """Return whether an instant is older than the limit; it may become so later."""
        self.limits.add(limit)
        left = limit - (self._at - instant).total_seconds()
        if 0 <= left < self._left:
            self._left = left
        return left < 0

    def is_ahead(self, instant: datetime, limit: float = AHEAD_TOLERANCE_SECONDS) -> bool:
        """Return whether an instant is ahead by more than the limit; it may cease to be so."""
        self.limits.add(-limit)
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
    """
    What is kept of an agent: when it was looked at (UTC), and until when that look is the same.

    It `renews` where its rules asked for no ages but those that `renew_look` asks for as well.
    """

    at: datetime
    until: datetime
    renews: bool


class FloorCache:
    """
    The newest look at each agent and at the cluster, of one fleet and one calendar.

    Where the calendar changes, a new cache has to be made.
    """

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._fleet: Fleet | None = None
        self._names = list[str]()
        self._agents = list[AgentLook]()
        self._kept = list[_Kept]()
        self._rounds = list[ServiceRound | None]()
        self._ends = Least[datetime]()
        self._changed = set[int]()
        self._cluster: tuple[ClusterView, datetime, datetime] | None = None
        self._looks: FloorLooks | None = None
        self._newest = _LONG_AGO

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
        before = self._looks
        self._looks = None  # where anything fails half done, the next look is at everything
        if before is None or evidence.fleet is not self._fleet or now < self._newest:
            looks = self._look_anew(evidence, cluster, session_at, now)
        else:
            looks = self._look_again(before, evidence, cluster, session_at, now)
        self._newest = now
        self._looks = replace(looks, agents=tuple(self._agents))
        self._changed.clear()
        return self._looks

    def note_round(
        self, agent: Agent, round_: ServiceRound, session_at: SessionAt, now: datetime
    ) -> bool:
        """
        Look at an agent's newest round, in what all agents shared last, and keep that.

        Returns whether the floor has to be decided at once because of it.
        """
        looks = self._looks
        place = None if looks is None else looks.tally.places.get(agent.agent_name)
        if looks is None or place is None or now < self._newest:
            return True
        before, self._newest = self._agents[place], now
        try:
            if self._renew(place, round_, looks, now):
                return False
            moment = NotedMoment(now)
            safety = looks.cluster.fleet.safety
            evidence = weigh_evidence(agent, round_, session_at, moment, safety)
            looks.tally.put(place, evidence)
            self._judge(place, looks, session_at, moment, now)
        except Exception:
            self._looks = None  # half done: the next look is at everything
            raise
        return is_news(before, self._agents[place])

    def _renew(self, place: int, round_: ServiceRound, among: FloorLooks, now: datetime) -> bool:
        """Keep the look at a round that says what the one before it did; False where it may not."""
        kept, look = self._kept[place], self._agents[place]
        workload = among.cluster.agents.get(round_.agent_name)
        if not (kept.renews and kept.at <= now < kept.until):
            return False
        if not _is_same(look, among.surroundings, workload):
            return False
        moment = NotedMoment(now)
        renewed = renew_look(look, round_, among.session, moment, Moment(now))
        if renewed is None:
            return False
        among.tally.put(place, renewed.evidence)
        self._keep(place, renewed, _Kept(now, moment.until, renews=True))
        return True

    def _look_anew(
        self, evidence: FloorEvidence, cluster: ClusterView, session_at: SessionAt, now: datetime
    ) -> FloorLooks:
        """Look at everything, and keep it."""
        fleet = self._fleet = evidence.fleet
        self._names = [a.agent_name for a in fleet.agents]
        moments = [NotedMoment(now) for _ in fleet.agents]
        tally = FloorTally(
            weigh_evidence(a, evidence.rounds.get(a.agent_name), session_at, moment, fleet.safety)
            for a, moment in zip(fleet.agents, moments, strict=True)
        )
        around = look_around(evidence, tally, cluster, session_at, now)
        self._ends, self._agents, self._kept = Least[datetime](), list[AgentLook](), list[_Kept]()
        self._rounds = [each.round for each in tally.evidence]
        for place, moment in enumerate(moments):
            look = judge_agent(tally.evidence[place], around, session_at, moment)
            self._agents.append(look)
            self._kept.append(_Kept(now, moment.until, _renews(look, moment)))
            self._ends.put(place, moment.until)
        return around

    def _look_again(
        self,
        before: FloorLooks,
        evidence: FloorEvidence,
        cluster: ClusterView,
        session_at: SessionAt,
        now: datetime,
    ) -> FloorLooks:
        """Look at what is new or has become too old, and at all where what they share changed."""
        tally, fleet = before.tally, evidence.fleet
        moments = dict[int, NotedMoment]()
        for place in self._find_stale(evidence, now):
            agent = fleet.agents[place]
            moment = moments[place] = NotedMoment(now)
            round_ = evidence.rounds.get(agent.agent_name)
            tally.put(place, weigh_evidence(agent, round_, session_at, moment, fleet.safety))
        around = look_around(evidence, tally, cluster, session_at, now)
        shared = around.surroundings == before.surroundings
        if shared:
            around = replace(around, surroundings=before.surroundings)  # quickly the same
        alike = shared and cluster is before.cluster
        for place in moments if alike else range(len(self._agents)):
            look = self._agents[place]
            workload = cluster.agents.get(look.evidence.agent.agent_name)
            if place in moments or not _is_same(look, around.surroundings, workload):
                self._judge(place, around, session_at, moments.get(place), now)
        return replace(around, changed=frozenset(self._changed), earlier=before.session)

    def _find_stale(self, evidence: FloorEvidence, now: datetime) -> set[int]:
        """Return the places whose round is another one, or whose look holds no longer."""
        newest = map(evidence.rounds.get, self._names)
        stale = set(compress(count(), map(is_not, newest, self._rounds)))
        while (least := self._ends.least()) is not None and least[0] <= now:
            stale.add(least[1])
            self._ends.put(least[1], None)
        return stale

    def _judge(
        self,
        place: int,
        among: FloorLooks,
        session_at: SessionAt,
        weighed: NotedMoment | None,
        now: datetime,
    ) -> None:
        """Judge an agent, and keep it; `weighed` is when its evidence was, None for before."""
        moment = weighed or NotedMoment(now)
        look = judge_agent(among.tally.evidence[place], among, session_at, moment)
        until, renews = moment.until, _renews(look, moment)
        if weighed is None:
            kept = self._kept[place]
            until, renews = min(kept.until, until), kept.renews and renews
        self._keep(place, look, _Kept(now, until, renews))

    def _keep(self, place: int, look: AgentLook, kept: _Kept) -> None:
        self._agents[place], self._kept[place] = look, kept
        self._rounds[place] = look.evidence.round
        self._ends.put(place, kept.until)
        self._changed.add(place)

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


def _renews(look: AgentLook, moment: NotedMoment) -> bool:
    return moment.limits <= known_limits(look.evidence.readings)


def _is_same(look: AgentLook, surroundings: Surroundings, workload: AgentWorkload | None) -> bool:
    same = look.surroundings is surroundings or look.surroundings == surroundings
    return same and look.workload is workload
