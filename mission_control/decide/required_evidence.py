"""Decide: which evidence the floor needs, how old the oldest of it is, and what was obtained."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from mission_control.decide.evidence import primary_reading, seconds_between
from mission_control.model import codes
from mission_control.model.fleet import Agent, ContractKind, Fleet, Kind
from mission_control.model.kill_switch import KillSwitch
from mission_control.model.reading import EndpointReading, Seen, Unseen
from mission_control.model.snapshot import Coverage, Freshness, FreshnessState

Readings = Mapping[str, Mapping[str, EndpointReading]]


@dataclass(frozen=True, slots=True)
class Lack:
    """A piece of required evidence that we do not have, or that is not good enough."""

    code: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class EvidenceAge:
    """Age of the oldest required evidence in seconds, None where some was never seen."""

    seconds: float | None
    subject: str


def find_lacks(
    fleet: Fleet, readings: Readings, freshness: Mapping[str, Freshness], now: datetime
) -> tuple[Lack, ...]:
    """
    List the required evidence that is lacking (semantics, section 6).

    Required are a primary reading of every critical and important service, and fresh
    marketdata from every required marketdata service; a fleet with none has no freshness.
    """
    return (*_unseen(fleet, readings, now), *_not_fresh(fleet, freshness))


def _unseen(fleet: Fleet, readings: Readings, now: datetime) -> Iterator[Lack]:
    for agent in fleet.agents:
        if not agent.required:
            continue
        if agent.contract is ContractKind.NONE:
            if agent.criticality.value == "critical":
                detail = "critical, but it has no HTTP and no cluster is read"
                yield Lack(codes.UNOBSERVED, agent.agent_name, detail)
            continue
        reading = primary_reading(agent.primary_path, readings.get(agent.agent_name, {}), now)
        if isinstance(reading, Unseen):
            detail = f"{agent.primary_path} was not seen: {reading.detail or reading.code}"
            yield Lack(reading.code, agent.agent_name, detail)


def _feeds(fleet: Fleet) -> Iterator[Agent]:
    return (a for a in fleet.agents if a.kind is Kind.MARKETDATA and a.required)


def _not_fresh(fleet: Fleet, freshness: Mapping[str, Freshness]) -> Iterator[Lack]:
    named = {
        FreshnessState.STALE: codes.MARKETDATA_STALE,
        FreshnessState.MISSING: codes.MARKETDATA_MISSING,
    }
    feeds = tuple(_feeds(fleet))
    if not feeds:
        detail = "no required marketdata service is in the inventory"
        yield Lack(codes.MARKETDATA_UNVERIFIABLE, "fleet", detail)
    for agent in feeds:
        judged = freshness[agent.agent_name]
        if judged.state is not FreshnessState.FRESH:
            code = named.get(judged.state, codes.MARKETDATA_UNVERIFIABLE)
            yield Lack(code, agent.agent_name, _describe(judged))


def _describe(judged: Freshness) -> str:
    if judged.age_seconds is None:
        return judged.detail
    return f"{judged.detail}: last tick {judged.age_seconds:.0f} s ago"


def measure_age(fleet: Fleet, readings: Readings, switch: KillSwitch, now: datetime) -> EvidenceAge:
    """
    Say how old the oldest required evidence is, and whose it is.

    Evidence that was never seen has no age, and says so before any age is given.
    """
    taken = list[tuple[datetime, str]]()
    for agent in fleet.agents:
        if not agent.required or agent.contract is ContractKind.NONE:
            continue
        reading = primary_reading(agent.primary_path, readings.get(agent.agent_name, {}), now)
        if not isinstance(reading, Seen):
            return EvidenceAge(None, agent.agent_name)
        taken.append((reading.at, agent.agent_name))
    confirming = [w for w in switch.witnesses if w.kind.confirms]
    taken.extend((w.at, w.source) for w in confirming)
    if not confirming or not taken:
        return EvidenceAge(None, "kill-switch")
    oldest, subject = min(taken)
    return EvidenceAge(max(0.0, seconds_between(oldest, now)), subject)


def count_coverage(fleet: Fleet, readings: Readings, switch: KillSwitch) -> Coverage:
    """
    Count what was asked and what was obtained, and name each gap with its reason.

    A path that is not offered was asked and answered: that is a gap only where it is primary.
    """
    gaps = list[tuple[str, str]]()
    asked = obtained = 0
    for agent in fleet.agents:
        by_path = readings.get(agent.agent_name, {})
        if not by_path:
            asked += 1
            never = codes.UNOBSERVED if agent.contract is ContractKind.NONE else codes.NOT_YET_ASKED
            gaps.append((agent.agent_name, never))
        for path, reading in by_path.items():
            asked += 1
            if isinstance(reading, Seen):
                obtained += 1
            elif path == agent.primary_path or reading.code != codes.NOT_OFFERED:
                gaps.append((f"{agent.agent_name} {path}", reading.code))
            else:
                obtained += 1
    silent = _silent_witnesses(switch)
    configured = sum(1 for w in switch.witnesses if w.kind.value != "service")
    return Coverage(
        asked + configured, obtained + configured - len(silent), tuple(sorted([*gaps, *silent]))
    )


def _silent_witnesses(switch: KillSwitch) -> list[tuple[str, str]]:
    heard: Iterable[tuple[str, str]] = (
        (w.source, codes.UNREADABLE)
        for w in switch.witnesses
        if w.kind.value != "service" and w.state.value == "UNKNOWN"
    )
    return list(heard)
