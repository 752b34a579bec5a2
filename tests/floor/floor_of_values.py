"""A floor made of values: what services answer, as decisions see it. No I/O, no clock."""

from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from mission_control.contract.model.answer import read_answer
from mission_control.contract.model.claims import read_claims
from mission_control.errors import ContractViolation
from mission_control.floor.decide.evidence import SessionAt
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.decide.round_memory import join_rounds
from mission_control.floor.model import (
    NOTHING_LATCHED,
    FloorEvidence,
    FloorSnapshot,
    Latched,
    SwitchReading,
)
from mission_control.model.fleet import Agent, ContractKind, Criticality, Fleet, Kind
from mission_control.model.kill_switch import SourceKind
from mission_control.model.reading import (
    Addresses,
    EndpointReading,
    Exchange,
    Seen,
    ServiceRound,
    Unseen,
    UnseenReason,
)
from mission_control.model.session import MarketSession, Phase
from mission_control.probe.received import Received, interpret

OPEN_AT = datetime(2026, 11, 18, 14, 30, tzinfo=UTC)
CLOSE_AT = datetime(2026, 11, 18, 21, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 18, 15, 15, tzinfo=UTC)
EVENING = datetime(2026, 11, 18, 23, 0, tzinfo=UTC)
SWITCH_FILE = "/etc/agenttrader/kill-switch/EXECUTION_HALTED"

MARKETDATA = Agent(
    "marketdata-mcp-server",
    Kind.MARKETDATA,
    "http://marketdata",
    Criticality.CRITICAL,
    ("/ops/status", "/healthz"),
)
STRATEGY = Agent("strategy-engine", Kind.STRATEGY, "http://strategy", expected_endpoints=())
GAMMA = Agent("gamma-strategy", Kind.STRATEGY, "http://gamma", contract=ContractKind.LIVENESS)
INGEST = Agent("market-ingest", Kind.INGEST, "http://ingest", Criticality.CRITICAL)
FLEET = Fleet((GAMMA, INGEST, MARKETDATA, STRATEGY), digest="0" * 64, source="fleet.yaml")


def stamp(instant: datetime) -> str:
    """Write an instant as the fleet does."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def session_at(now: datetime) -> MarketSession:
    """Tell the session of one full trading day, 2026-11-18."""
    if now < OPEN_AT:
        phase, began, following = Phase.PRE_MARKET, None, OPEN_AT
    elif now < CLOSE_AT:
        phase, began, following = Phase.OPEN, OPEN_AT, CLOSE_AT
    else:
        phase, began, following = Phase.POST_MARKET, CLOSE_AT, None
    return MarketSession(
        at=now,
        phase=phase,
        session_date=OPEN_AT.date(),
        open=OPEN_AT,
        close=CLOSE_AT,
        phase_began=began,
        next_boundary=following,
        horizon_days=1000,
    )


def session_unknown(now: datetime) -> MarketSession:
    """Tell that the calendar does not know."""
    return MarketSession(at=now, phase=Phase.UNKNOWN, note="past the last covered day")


def rich(agent: Agent, at: datetime, tick_age: float | None = 3.0) -> dict[str, object]:
    """Return a rich answer under an engaged kill switch, as the fleet sends it."""
    tick = None if tick_age is None else stamp(at - timedelta(seconds=tick_age))
    fresh = None if tick_age is None else tick_age <= 120
    feed = {
        "last_tick_utc": tick,
        "last_bar_utc": None,
        "stale_threshold_seconds": 120,
        "is_fresh": fresh,
    }
    return {
        "service_name": agent.agent_name,
        "service_kind": agent.kind.value,
        "repo_id": "example/agent-trader-v2",
        "git_sha": "54afffe",
        "build_id": None,
        "agent_identity": {
            "agent_name": agent.agent_name,
            "agent_role": agent.kind.value,
            "agent_mode": "OBSERVE",
        },
        "status": {
            "state": "HALTED",
            "summary": "Halted",
            "reason_codes": ["KILL_SWITCH"],
            "last_updated_utc": stamp(at),
        },
        "heartbeat": {"last_heartbeat_utc": stamp(at), "age_seconds": 0.0, "ttl_seconds": 60},
        "marketdata": None if agent.kind in {Kind.INGEST, Kind.OPS} else feed,
        "safety": {
            "kill_switch": True,
            "safe_to_run_strategies": False,
            "safe_to_execute_orders": False,
            "gating_reasons": ["KILL_SWITCH"],
        },
        "endpoints": {"healthz": "/healthz", "heartbeat": None, "metrics": "/metrics"},
    }


def changed(document: dict[str, object], path: str, value: object) -> dict[str, object]:
    """Return a copy of a document with the field at a dotted path replaced."""
    copy = deepcopy(document)
    *parents, last = path.split(".")
    place: Any = copy
    for parent in parents:
        place = place[parent]
    place[last] = value
    return copy


def reading(path: str, document: object, at: datetime, status: int = 200):
    """Read a document as the probe does, without any I/O."""
    body = orjson.dumps(document)
    exchange = Exchange(status=status, date_skew=0.0)
    try:
        answer = read_answer(body, document, path=path, http_status=status, shown=body)
    except ContractViolation as violation:
        return Unseen(
            UnseenReason.CONTRACT_INVALID,
            at,
            detail=str(violation),
            exchange=exchange,
            claims=read_claims(document),
        )
    return Seen(answer, at, 0.01, exchange)


def read_body(agent: Agent, path: str, body: bytes, at: datetime, status: int) -> EndpointReading:
    """Read a body, sound or not, as the probe does of this agent."""
    received = Received(status, body)
    return interpret(
        received, path=path, contract=agent.contract, kind=agent.kind, at=at, took=0.01
    )


def unseen(reason: UnseenReason, at: datetime, status: int | None = None) -> Unseen:
    """Return a reading that was not obtained."""
    return Unseen(reason, at, 0.01, exchange=Exchange(status=status))


LIVE = {"status": "ok", "service": "gamma-strategy"}


@dataclass
class FloorOfValues:
    """A floor at `now`; `answers` are readings by agent and path, to be replaced by tests."""

    now: datetime = NOW
    fleet: Fleet = FLEET
    switch: str | None = "1\n"
    mounted: bool = True
    """Whether the switch's file is the ConfigMap's live mount."""
    latched: Latched = NOTHING_LATCHED
    session_at: SessionAt = session_at
    answers: dict[str, dict[str, EndpointReading]] = field(default_factory=dict)
    peers: dict[str, str] = field(default_factory=dict)
    """Which address answers for an agent."""
    connects: bool = False
    """Whether every answer comes over a connection that was opened for it."""
    addresses: dict[str, Addresses] = field(default_factory=dict)
    rounds: dict[str, ServiceRound] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Let every service answer well."""
        self.refresh()

    def refresh(self, at: datetime | None = None) -> None:
        """Let every service answer well at an instant, which becomes now."""
        self.now = at or self.now
        self.answers = {}
        for agent in (MARKETDATA, STRATEGY, INGEST):
            self.answer(agent, "/ops/status", rich(agent, self.now))
        self.answer(MARKETDATA, "/healthz", LIVE)
        for path in ("/healthz", "/readyz", "/livez"):
            self.answer(GAMMA, path, LIVE)

    def say(self, agent: Agent, path: str, value: object) -> None:
        """Replace the status field at a dotted path in an agent's `/ops/status`."""
        document = changed(rich(agent, self.now), path, value)
        self.answer(agent, "/ops/status", document)

    def answer(self, agent: Agent, path: str, document: object, status: int = 200) -> None:
        """Replace what an agent answers on a path."""
        name = agent.agent_name
        read = reading(path, document, self.now, status)
        phases = (("connect", 0.001),) if self.connects else ()
        exchange = replace(read.exchange, peer=self.peers.get(name, ""), phases=phases)
        self.answers.setdefault(name, {})[path] = replace(read, exchange=exchange)

    def lose(
        self, agent: Agent, path: str, reason: UnseenReason, status: int | None = None
    ) -> None:
        """Make a path's reading unseen."""
        self.answers[agent.agent_name][path] = unseen(reason, self.now, status)

    def deny_in_a_row(self, times: int = 11, apart: float = 50.0, answer=None) -> FloorSnapshot:
        """Let every service answer well so often, each time over new connections, seconds apart."""
        self.connects, decided = True, list[FloorSnapshot]()
        for _ in range(times):
            self.refresh(self.now + timedelta(seconds=apart))
            if answer is not None:
                answer(self)
            decided.append(self.decide())
        return decided[-1]

    def ask(self, *agents: Agent) -> None:
        """Take the answers of agents as rounds of now, joined with their rounds before; or all."""
        for agent in agents or self.fleet.agents:
            name = agent.agent_name
            answers = dict(self.answers.get(name, {}))
            newest = ServiceRound(name, self.now, self.now, answers)
            self.rounds[name] = join_rounds(agent, self.rounds.get(name), newest)

    def evidence(self) -> FloorEvidence:
        """Return the evidence as the watch would: of who was never asked what the answers say."""
        rounds = {
            name: ServiceRound(
                name, self.now, self.now, readings, self.addresses.get(name, Addresses())
            )
            for name, readings in self.answers.items()
        }
        rounds |= self.rounds
        heard = Unseen(UnseenReason.UNREADABLE, self.now, detail="no such file")
        if self.switch is not None:
            heard = Seen(self.switch, self.now)
        switch_readings = (
            SwitchReading(SourceKind.FILE, SWITCH_FILE, heard, live_mount=self.mounted),
        )
        return FloorEvidence(self.fleet, rounds, switch_readings)

    def decide(self, at: datetime | None = None) -> FloorSnapshot:
        """Decide the floor at an instant and keep the latched alarms for the next decision."""
        snapshot = decide_floor(self.evidence(), self.latched, self.session_at, at or self.now)
        self.latched = snapshot.latched
        return snapshot
