"""One decided view of the floor, which everything that presents reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from mission_control.cluster.model.facts import (
    AgentWorkload,
    CapturedWorkloads,
    ClusterFacts,
    identify_cluster,
)
from mission_control.contract.model.shapes import ServiceState
from mission_control.model import codes
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.model.finding import Reason, Severity
from mission_control.model.fleet import Agent, EndedAlarm, Fleet
from mission_control.model.kill_switch import KillSwitch, SourceKind
from mission_control.model.reading import EndpointReading, Seen, ServiceRound, Unseen
from mission_control.model.reload import RestartNeeded
from mission_control.model.session import CalendarDoubt, MarketSession

KILL_SWITCH = "kill-switch"
"""The subject of everything that is stated about the kill switch itself."""
EXECUTION = "execution"
"""The fact of a contradiction between a service and the cluster that is about execution."""
SEV0_CODES = frozenset({codes.EXECUTION_EVIDENCE, codes.FRESHNESS_GATE_FALSE_POSITIVE})
"""Alarms with these codes are Sev-0 (P0 in every phase), whatever they are about."""


class Verdict(StrEnum):
    """The floor's posture (docs/semantics.md#6)."""

    OK = "OK"
    MARKET_CLOSED = "MARKET_CLOSED"
    HALTED = "HALTED"

    @property
    def rank(self) -> int:
        """Return 0 for the best, so that a larger rank is a worse answer."""
        return ("OK", "MARKET_CLOSED", "HALTED").index(self.value)


@dataclass(frozen=True, slots=True)
class Instance:
    """
    One process that raised a Sev-0 alarm, as far as its answers distinguish it from others.

    `peer` is the address that answered, empty where it is not known; `told` a digest of the names
    that the answer gave itself, empty where it gave none. `pods` are those it may be, as whole
    lists showed them when it answered: the one pod that has its address (`own_address`), else
    every live pod of the workload. `heard_at` is when its newest answer that raised the alarm was
    read (UTC). `denials` counts its denials over new connections since then, in a row, and
    `denied_from` and `denied_at` are when the first and the newest of them were read (UTC).
    """

    peer: str = ""
    told: str = ""
    pods: tuple[str, ...] = ()
    own_address: bool = False
    heard_at: datetime | None = None
    denials: int = 0
    denied_from: datetime | None = None
    denied_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """
    Something that a source raised against the floor, latched until that source denies it.

    `source` is what raised it and where (`strategy-engine /ops/status`, `file /etc/...`), and
    `fact` which of its facts. Code, subject, source and fact together are the key. `instances` are
    the processes that raised it, of a service's Sev-0 alone: each has to be cleared.
    """

    code: str
    subject: str
    source: str
    fact: str
    detail: str
    since: datetime
    last_seen: datetime
    instances: tuple[Instance, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Identify the alarm across rounds."""
        return (self.code, self.subject, self.source, self.fact)

    @property
    def sev0(self) -> bool:
        """Return whether it is Sev-0: execution, a freshness bypass, a contradiction about one."""
        about = self.subject == KILL_SWITCH or self.fact == EXECUTION
        return self.code in SEV0_CODES or (self.code == codes.CONTRADICTION and about)


def is_meant(entry: EndedAlarm, alarm: Alarm) -> bool:
    """Return whether an entry of the fleet file means this alarm; its `since` may be cut short."""
    same = (entry.code, entry.subject, entry.source) == (alarm.code, alarm.subject, alarm.source)
    return same and abs((entry.since - alarm.since).total_seconds()) < 1


@dataclass(frozen=True, slots=True)
class ServiceSince:
    """
    Since when a service has been in its present state (UTC).

    `answered` are its paths that ever answered anything but 404, 405 or 501, sorted.
    """

    agent_name: str
    state: ServiceState
    expected: bool
    since: datetime
    answered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TwinMemory:
    """
    What is held of the twin between decisions.

    `record_id`, `number` and `digest` are of the line that its ledger ended with when it was heard
    last. `differs` is how it says otherwise than we do, and `differs_since` since when (UTC).
    `rounds` counts its answers that did so, up to those that it takes; `counted_at` is when the
    newest of these was read.
    """

    record_id: str = ""
    number: int = 0
    digest: str = ""
    differs: str = ""
    differs_since: datetime | None = None
    rounds: int = 0
    counted_at: datetime | None = None


def _is_none(value: object) -> bool:
    return value is None


@dataclass(frozen=True, slots=True)
class Latched:
    """
    The memory a decision starts from: the latched alarms, and since when states last.

    A halt is `confirmed` once anything that halted in it was. `twin` is None where nothing is held
    of one.
    """

    alarms: Annotated[tuple[Alarm, ...], Field(alias="accusations")] = ()
    verdict: Verdict | None = None
    verdict_since: datetime | None = None
    services: tuple[ServiceSince, ...] = ()
    confirmed: bool = True
    twin: Annotated[TwinMemory | None, Field(exclude_if=_is_none)] = None

    def service(self, agent_name: str) -> ServiceSince | None:
        """Find what is held of a service; None when nothing is."""
        return next((s for s in self.services if s.agent_name == agent_name), None)


NOTHING_LATCHED = Latched()


class FreshnessState(StrEnum):
    """What we computed about marketdata; only FRESH lets the floor run."""

    FRESH = "FRESH"
    STALE = "STALE"
    MISSING = "MISSING"
    UNVERIFIABLE = "UNVERIFIABLE"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    """The service has no feed that it promises anything about."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """
    Freshness of the marketdata as one service tells it.

    `threshold_seconds` is what the age of the last tick is compared with; `source` the path that
    told the tick. It is not `confirmed` where all that is known is a silence that was not asked
    about again yet.
    """

    state: FreshnessState
    threshold_seconds: float | None = None
    last_tick: datetime | None = None
    source: str = ""
    detail: str = ""
    confirmed: bool = True

    def age_seconds(self, now: datetime) -> float | None:
        """Return our clock minus the last tick (wall seconds, never negative); None without one."""
        return None if self.last_tick is None else max(0.0, (now - self.last_tick).total_seconds())


NO_FRESHNESS = Freshness(FreshnessState.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class ServiceReport:
    """
    One service as judged: its state, and whether that state is expected now.

    `reasons` are worst first. `evidence_at` is when its primary reading was taken (UTC), None
    when it never was. `reported_codes` are the service's own reason codes, as it wrote them.
    `workload` is what runs it, None where no cluster is read or the inventory names none.
    """

    agent: Agent
    state: ServiceState
    expected: bool
    reasons: tuple[Reason, ...]
    freshness: Freshness
    round: ServiceRound | None
    since: datetime
    evidence_at: datetime | None = None
    reported_codes: tuple[str, ...] = ()
    workload: AgentWorkload | None = None

    @property
    def readings(self) -> Mapping[str, EndpointReading]:
        """Return the newest reading of each path that was asked; none before the first round."""
        return {} if self.round is None else self.round.readings

    @property
    def reason_code(self) -> str:
        """Return the leading reason's code; empty when there is nothing to explain."""
        return self.reasons[0].code if self.reasons else ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much was asked for and how much obtained; `gaps` are (subject, code), sorted."""

    asked: int
    obtained: int
    gaps: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Posture:
    """
    Whether the floor may run, and why.

    `evidence_age_seconds` is the age of the oldest required evidence by our clock, None when
    some required evidence was never seen; `oldest_evidence` names it. `degraded` lists agents
    that are not as expected, or whose replicas differ, but do not halt the floor. HALTED is
    `confirmed` from the first reason on that halts and is confirmed, until it ends; every other
    verdict is.
    """

    verdict: Verdict
    expected: bool
    severity: Severity | None
    reasons: tuple[Reason, ...]
    since: datetime
    evidence_age_seconds: float | None
    oldest_evidence: str
    degraded: tuple[str, ...]
    coverage: Coverage
    confirmed: bool = True

    @property
    def withholds(self) -> bool:
        """Return whether GO is withheld, though the floor may not be HALTED."""
        return any(r.withholds for r in self.reasons)


@dataclass(frozen=True, slots=True)
class FloorSnapshot:
    """
    Everything decided at one instant `at`, from one set of readings.

    `sequence` counts snapshots since the process started. `label` is `DEMO` when the floor is
    simulated, `AS OF ...` when the past is shown, else empty. `cleared` are the alarms that this
    decision ended, by key, and how each ended. `restart` is no part of the decision: that a restart
    is needed for a fleet file that changed since the start.
    """

    at: datetime
    sequence: int
    fleet: Fleet
    session: MarketSession
    kill_switch: KillSwitch
    services: tuple[ServiceReport, ...]
    posture: Posture
    latched: Latched
    label: str = ""
    cluster: ClusterFacts | None = None
    cleared: tuple[tuple[tuple[str, str, str, str], str], ...] = ()
    restart: RestartNeeded | None = None

    @property
    def cluster_identity(self) -> ClusterIdentity:
        """Say which cluster this decision is about."""
        return identify_cluster(self.fleet, self.cluster)

    def service(self, agent_name: str) -> ServiceReport | None:
        """Find a service by its inventory name; None when it is not listed."""
        return next((s for s in self.services if s.agent.agent_name == agent_name), None)


@dataclass(frozen=True, slots=True)
class SwitchReading:
    """
    A configured kill-switch source other than a service, and its newest reading.

    `absent` says why a ConfigMap that was read holds no switch. `live_mount` is true of a file that
    was read through a kubelet's own mount of a ConfigMap.
    """

    kind: SourceKind
    source: str
    reading: Seen[str] | Unseen
    absent: str = ""
    live_mount: bool = False


@dataclass(frozen=True, slots=True)
class FloorEvidence:
    """
    What one decision is made from, together with the latched alarms and `now`.

    `rounds` holds the newest round of each agent that was asked at least once; it also holds what
    services say of the kill switch. `store` is the newest attempt to write below the root and
    `history` whether history is being written, None where nothing is ever recorded.
    `alarms_known` is false until history was read after a start, and `alarms_lost` says why the
    alarms from before are not known although it could be read. `cluster` is the newest round over
    the cluster, None before the first and where the fleet has none. `record_new_until` is the
    instant until which a record that began lately is called new. `captured` is what ran at the
    last known good, None where no record is read. `calendar_doubt` says why no session is known.
    """

    fleet: Fleet
    rounds: Mapping[str, ServiceRound]
    switch_readings: tuple[SwitchReading, ...] = ()
    store: Seen[None] | Unseen | None = None
    history: Seen[None] | Unseen | None = None
    alarms_known: bool = True
    cluster: ClusterFacts | None = None
    alarms_lost: str = ""
    record_new_until: datetime | None = None
    captured: CapturedWorkloads | None = None
    calendar_doubt: CalendarDoubt | None = None
