"""
Other Mission Controls, one for each of many floors, in one ASGI app: what an overview lists.

Each really decides a floor of its own, with the decisions of the real one, whenever it is asked:
what its services say is made up here, and nothing between the two is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from urllib.parse import parse_qsl

from mission_control.contract.model.answer import Answer as StatusAnswer
from mission_control.contract.model.answer import Shape
from mission_control.contract.model.claims import Claims
from mission_control.contract.model.shapes import (
    AgentIdentity,
    Heartbeat,
    Marketdata,
    ReportedStatus,
    RichStatus,
    Safety,
    ServiceState,
)
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.decide.stall import mark_stalled
from mission_control.floor.model import (
    NOTHING_LATCHED,
    FloorEvidence,
    FloorSnapshot,
    Latched,
    SwitchReading,
)
from mission_control.floor.present.own_status import OwnProcess, own_status_document
from mission_control.model.clock import Clock
from mission_control.model.fleet import Agent, Criticality, Fleet, Kind
from mission_control.model.kill_switch import SourceKind
from mission_control.model.reading import Seen, ServiceRound
from mission_control.simulation.answers import (
    Answer,
    Receive,
    Scope,
    Send,
    client_left,
    json_answer,
    send_answer,
)
from mission_control.simulation.moment import SessionAt

STATUS = "/ops/status"
CONTROL = "/floors"
SERVICES = 100
FEED = "marketdata"
STARTED_BEFORE = timedelta(hours=3)
STALE = timedelta(minutes=4)
AHEAD = timedelta(minutes=5)


class Conduct(StrEnum):
    """How one of the floors, or its Mission Control, fares."""

    CALM = "calm"
    FEED_STALE = "feed-stale"
    EXECUTES = "executes"
    """One of its services says that orders may be executed."""
    HUNG = "hung"
    FAILS = "fails"
    STALLED = "stalled"
    """Its Mission Control answers, and does not decide any more."""
    AHEAD = "clock-ahead"
    GARBLED = "garbled"


WRONG_AT_FIRST = {6: Conduct.FEED_STALE, 18: Conduct.HUNG, 30: Conduct.STALLED, 42: Conduct.AHEAD}
"""Of many floors a few are not well, so that a page of them shows how that looks; by place."""


@dataclass(slots=True)
class _Floor:
    """One floor: who is on it, how it fares, and what its Mission Control holds."""

    fleet: Fleet
    conduct: Conduct
    latched: Latched = NOTHING_LATCHED
    sequence: int = 0
    decided: FloorSnapshot | None = None
    marked: bool = False


class OtherFloors:
    """
    So many floors of so many services, by the name of each: `/floor-07/ops/status`.

    `POST /floors?name=floor-07&conduct=hung` has one fare otherwise.
    """

    def __init__(
        self,
        clock: Clock,
        session_at: SessionAt,
        count: int,
        services: int = SERVICES,
        label: str = "DEMO",
        *,
        all_well: bool = False,
    ) -> None:
        """Let all of them be well, or all but a few."""
        self._clock, self._session_at, self._label = clock, session_at, label
        self.url = ""
        self._started = clock() - STARTED_BEFORE
        wrong = {} if all_well else WRONG_AT_FIRST
        self._floors = {
            name: _Floor(_fleet(name, services), wrong.get(place, Conduct.CALM))
            for place, name in enumerate(floor_names(count))
        }

    @property
    def names(self) -> Sequence[str]:
        """The names of the floors."""
        return tuple(self._floors)

    def fare(self, name: str, conduct: Conduct) -> None:
        """Have a floor fare otherwise from now on; raises KeyError for one that is not there."""
        self._floors[name].conduct = conduct

    def status(self, name: str, *, agents: bool = True) -> Mapping[str, object]:
        """Return what a floor's Mission Control says now."""
        floor, now = self._floors[name], self._clock()
        if floor.conduct is Conduct.AHEAD:
            now += AHEAD
        stalled = floor.conduct is Conduct.STALLED
        if floor.decided is None or not stalled:
            floor.decided = self._decide(floor, now)
            floor.marked = False
        if stalled and not floor.marked:
            floor.decided = mark_stalled(floor.decided, now, floor.sequence + 1)
            floor.marked = True
        decided = floor.decided
        own = OwnProcess(
            now=now,
            stalled=stalled,
            beat_age_seconds=(now - decided.at).total_seconds(),
            started_at=self._started,
            version="simulated",
            git_sha=None,
            poll_interval_seconds=10.0,
            replica=name,
        )
        return own_status_document(decided, own, with_agents=agents)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the Mission Controls do, each below its name; and as their switchboard."""
        if scope["type"] != "http":
            raise ValueError("the simulated Mission Controls speak HTTP only")
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        name, _, rest = scope["path"].removeprefix("/").partition("/")
        floor = self._floors.get(name)
        if floor is None or f"/{rest}" != STATUS:
            answer = self._switch(scope["method"], scope["path"], query)
        elif floor.conduct is Conduct.HUNG:
            await client_left(receive, within=None)
            return
        elif floor.conduct is Conduct.FAILS:
            answer = json_answer({"detail": "Service Unavailable"}, status=503)
        elif floor.conduct is Conduct.GARBLED:
            answer = Answer(body=b'{"service_name":"mission-control","status":{"sta')
        else:
            answer = json_answer(self.status(name, agents=query.get("agents") != "none"))
        await send_answer(send, answer, self._clock())

    def _switch(self, method: str, path: str, query: Mapping[str, str]) -> Answer:
        if path != CONTROL:
            return json_answer({"error": "not found", "try": CONTROL}, status=404)
        if method == "POST":
            try:
                self.fare(query.get("name", ""), Conduct(query.get("conduct", "")))
            except (KeyError, ValueError):
                told = {"names": list(self._floors), "conducts": [c.value for c in Conduct]}
                return json_answer({"error": "name one of each", **told}, status=400)
        return json_answer({name: f.conduct.value for name, f in self._floors.items()})

    def _decide(self, floor: _Floor, now: datetime) -> FloorSnapshot:
        evidence = FloorEvidence(
            floor.fleet,
            {a.agent_name: _round(a, now, floor.conduct) for a in floor.fleet.agents},
            (SwitchReading(SourceKind.FILE, "EXECUTION_HALTED", Seen("1", now), live_mount=True),),
        )
        floor.sequence += 1
        snapshot = decide_floor(
            evidence,
            floor.latched,
            self._session_at,
            now,
            sequence=floor.sequence,
            label=self._label,
        )
        floor.latched = snapshot.latched
        return snapshot


def floor_names(count: int) -> Sequence[str]:
    """Name so many floors, in an order that sorting keeps."""
    width = max(2, len(str(count)))
    return [f"floor-{number:0{width}d}" for number in range(1, count + 1)]


def _fleet(name: str, services: int) -> Fleet:
    feed = Agent(FEED, Kind.MARKETDATA, f"http://{FEED}.{name}", Criticality.CRITICAL, (STATUS,))
    others = [
        Agent(f"strategy-{number:03d}", Kind.STRATEGY, f"http://strategy-{number}.{name}")
        for number in range(1, services)
    ]
    agents = tuple(replace(agent, expected_endpoints=(STATUS,)) for agent in (feed, *others))
    return Fleet(agents, sha256(name.encode()).hexdigest(), f"{name}.yaml")


def _round(agent: Agent, now: datetime, conduct: Conduct) -> ServiceRound:
    tick = now - (STALE if conduct is Conduct.FEED_STALE else timedelta(seconds=2))
    executes = conduct is Conduct.EXECUTES and agent.agent_name == FEED
    claims = Claims(safe_to_execute_orders=executes)
    answer = StatusAnswer(Shape.RICH, 200, _status(agent, now, tick, executes=executes), claims)
    readings = {STATUS: Seen(answer, now, 0.01)}
    if agent.kind is Kind.MARKETDATA:
        readings["/healthz"] = Seen(answer, now, 0.01)
    return ServiceRound(agent.agent_name, now, now, readings)


def _status(agent: Agent, now: datetime, tick: datetime, *, executes: bool) -> RichStatus:
    """Return what a service says under an engaged kill switch, as the fleet's do."""
    name, halted = agent.agent_name, ("KILL_SWITCH",)
    return RichStatus(
        service_name=name,
        service_kind=agent.kind,
        repo_id="simulated",
        agent_identity=AgentIdentity(agent_name=name, agent_role=agent.kind, agent_mode="OBSERVE"),
        status=ReportedStatus(
            state=ServiceState.HALTED,
            summary="Halted",
            reason_codes=halted,
            last_updated_utc=now,
        ),
        heartbeat=Heartbeat(last_heartbeat_utc=now, age_seconds=0.0, ttl_seconds=60),
        marketdata=Marketdata(
            last_tick_utc=tick, stale_threshold_seconds=120, is_fresh=now - tick < STALE
        ),
        safety=Safety(
            kill_switch=True,
            safe_to_run_strategies=False,
            safe_to_execute_orders=executes,
            gating_reasons=halted,
        ),
    )
