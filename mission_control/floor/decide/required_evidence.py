"""Which evidence the floor needs, how old the oldest of it is, and what was obtained."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from mission_control.floor.decide.evidence import seconds_between
from mission_control.floor.model import Coverage, Freshness, FreshnessState
from mission_control.kill_switch.decide import configured_sources
from mission_control.model import codes
from mission_control.model.fleet import Agent, ContractKind, Criticality, Kind
from mission_control.model.kill_switch import KillSwitch, KillSwitchState
from mission_control.model.reading import EndpointReading, Unseen


@dataclass(frozen=True, slots=True)
class MissingEvidence:
    """A piece of required evidence that was not obtained, or is not good enough."""

    code: str
    subject: str
    detail: str
    confirmed: bool = True


@dataclass(frozen=True, slots=True)
class EvidenceAge:
    """Age of the oldest required evidence in seconds, None where some was never seen."""

    seconds: float | None
    subject: str


NO_FEED = MissingEvidence(
    codes.MARKETDATA_UNVERIFIABLE, "fleet", "no required marketdata service is in the inventory"
)
_NOT_FRESH = {
    FreshnessState.STALE: codes.MARKETDATA_STALE,
    FreshnessState.MISSING: codes.MARKETDATA_MISSING,
}


def find_missing_evidence(
    agent: Agent, primary: EndpointReading, freshness: Freshness
) -> tuple[MissingEvidence, ...]:
    """
    List the required evidence that is missing of one agent (docs/semantics.md#6).

    Required are a primary reading of every critical and important service, and fresh
    marketdata from every required marketdata service.
    """
    if not agent.required:
        return ()
    found = list[MissingEvidence]()
    if agent.contract is ContractKind.NONE:
        if agent.criticality is Criticality.CRITICAL:
            detail = "critical, but its contract is none: it has to be asked over HTTP"
            found.append(MissingEvidence(codes.UNOBSERVED, agent.agent_name, detail))
    elif isinstance(primary, Unseen):
        detail = f"{agent.primary_path} was not seen: {primary.detail or primary.code}"
        found.append(MissingEvidence(primary.code, agent.agent_name, detail, primary.confirmed))
    if agent.kind is Kind.MARKETDATA and freshness.state is not FreshnessState.FRESH:
        code = _NOT_FRESH.get(freshness.state, codes.MARKETDATA_UNVERIFIABLE)
        found.append(
            MissingEvidence(code, agent.agent_name, _describe(freshness), freshness.confirmed)
        )
    return tuple(found)


def missing_feed(agents: Iterable[Agent]) -> tuple[MissingEvidence, ...]:
    """Return that freshness is missing, for a fleet without any required marketdata service."""
    feeds = any(a.kind is Kind.MARKETDATA and a.required for a in agents)
    return () if feeds else (NO_FEED,)


def _describe(judged: Freshness) -> str:
    if judged.last_tick is None:
        return judged.detail
    return f"{judged.detail}: last tick {judged.last_tick:%Y-%m-%dT%H:%M:%SZ}"


def measure_age(
    taken: Iterable[tuple[datetime | None, str]],
    switch: KillSwitch,
    now: datetime,
    *,
    switch_required: bool = True,
) -> EvidenceAge:
    """
    Say how old the oldest required evidence is, and whose it is.

    `taken` holds when required readings were taken, at least the oldest, None where one was not
    seen: such evidence has no age, and says so before any age is given.
    """
    instants = list[tuple[datetime, str]]()
    for at, agent_name in taken:
        if at is None:
            return EvidenceAge(None, agent_name)
        instants.append((at, agent_name))
    confirming = [w for w in configured_sources(switch) if w.confirms]
    instants.extend((w.at, w.source) for w in confirming)
    if (switch_required and not confirming) or not instants:
        return EvidenceAge(None, "kill-switch")
    oldest, subject = min(instants)
    return EvidenceAge(max(0.0, seconds_between(oldest, now)), subject)


class AgentCoverage(NamedTuple):
    """How many paths of one agent were asked and obtained; `gaps` are (subject, code)."""

    asked: int
    obtained: int
    gaps: tuple[tuple[str, str], ...] = ()


def count_asked(agent: Agent, readings: Mapping[str, EndpointReading]) -> AgentCoverage:
    """
    Count what one agent was asked and what was obtained, and name each gap with its reason.

    A path that is not offered was asked and answered: that is a gap only where it is primary. A
    twin is no evidence of the floor, and its silence no gap in it.
    """
    if agent.twin:
        return AgentCoverage(0, 0)
    if not readings:
        never = codes.UNOBSERVED if agent.contract is ContractKind.NONE else codes.NOT_YET_ASKED
        return AgentCoverage(1, 0, ((agent.agent_name, never),))
    gaps = tuple(
        (f"{agent.agent_name} {path}", reading.code)
        for path, reading in readings.items()
        if isinstance(reading, Unseen)
        and (path == agent.primary_path or reading.code != codes.NOT_OFFERED)
    )
    return AgentCoverage(len(readings), len(readings) - len(gaps), gaps)


def count_coverage(asked: Sequence[AgentCoverage], switch: KillSwitch) -> Coverage:
    """Count what was asked of everything and of switch sources, what was obtained, every gap."""
    gaps = [gap for each in asked for gap in each.gaps]
    configured = tuple(configured_sources(switch))
    silent = [
        (w.source, codes.UNREADABLE) for w in configured if w.state is KillSwitchState.UNKNOWN
    ]
    return Coverage(
        sum(a.asked for a in asked) + len(configured),
        sum(a.obtained for a in asked) + len(configured) - len(silent),
        tuple(sorted([*gaps, *silent])),
    )
