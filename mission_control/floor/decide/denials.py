"""What clears a latched alarm, and what never does (docs/semantics.md#6)."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from mission_control.cluster.decide.agreement import REPLICAS
from mission_control.contract.model.answer import Answer
from mission_control.contract.model.shapes import RichStatus
from mission_control.floor.decide.agent_evidence import AgentEvidence
from mission_control.floor.decide.evidence import REFUSED_FROM, Moment, can_clear, read_tick
from mission_control.floor.decide.freshness import judge_source
from mission_control.floor.decide.instances import (
    Denial,
    Hearing,
    names_told,
    service_of,
    settle_instance,
)
from mission_control.floor.model import EXECUTION, Alarm, FreshnessState, Instance, is_meant
from mission_control.model.reading import EndpointReading, Seen

_FRESHNESS = frozenset(
    {"freshness", "http_status", "is_fresh", "ok", "safe_to_run_strategies", "tick"}
)
"""Facts about the age of marketdata; the others are claims about execution."""


def settle_alarm(alarm: Alarm, hearing: Hearing) -> Alarm | str:
    """
    Return an alarm that its source does not repeat now as it stays latched, or how it is cleared.

    A Sev-0 of a service is cleared only by the process that raised it (`settle_instance`), any
    other alarm when its source denies it. An alarm below Sev-0 is cleared as well when its source
    leaves the inventory: that is a recorded change, what the floor needs is then required of the
    services that are left, and nothing else could ever clear it, since `ended_alarms` asks for a
    source that is seen. Renaming or removing a service, or a switch's file, clears no Sev-0.
    """
    service = service_of(alarm.source)
    if alarm.key in hearing.denied and not _is_told_by_older_lists(alarm, hearing):
        return f"{alarm.source} takes it back"
    if alarm.sev0:
        return alarm if service is None else _settle_sev0(alarm, service, hearing)
    if service is not None and _find_denial(alarm, service, hearing):
        return f"{alarm.source} no longer says it"
    if not _is_listed(alarm.source, hearing.sources):
        return f"{alarm.source} left the inventory"
    return _end_by_hand(alarm, hearing) or alarm


def _is_listed(source: str, sources: Collection[str]) -> bool:
    return source in sources or source.split(" ", 1)[0] in sources


def _is_told_by_older_lists(alarm: Alarm, hearing: Hearing) -> bool:
    """Return whether lists that take a contradiction back were read before it was last raised."""
    workload = hearing.view.agents.get(alarm.source)
    if workload is None or workload.seen_at is None or alarm.fact not in {REPLICAS, EXECUTION}:
        return False  # what is off is told by lists that are newer in any case
    return workload.seen_at <= alarm.last_seen


def _settle_sev0(alarm: Alarm, service: tuple[str, str], hearing: Hearing) -> Alarm | str:
    """Settle each process that raised a service's Sev-0; it is cleared when none is left."""
    unknown = Instance(heard_at=alarm.last_seen)
    denial = _find_denial(alarm, service, hearing) or _find_renamed(alarm, service, hearing)
    settled = [settle_instance(i, alarm, denial, hearing) for i in alarm.instances or (unknown,)]
    left = tuple(i for i in settled if isinstance(i, Instance))
    if not left:
        return "; ".join(sorted({how for how in settled if isinstance(how, str)}))
    return replace(alarm, instances=left)


def _find_denial(alarm: Alarm, service: tuple[str, str], hearing: Hearing) -> Denial | None:
    """
    Return the answer by which a service's endpoint denies an alarm now.

    An endpoint that is not the primary one denies as well by no longer stating the fact at all,
    seen and whole, while the primary reading states it well: its shape may have changed.
    """
    name, path = service
    evidence = hearing.agents.get(name)
    reading = None if evidence is None else evidence.readings.get(path)
    if evidence is None or not isinstance(reading, Seen):
        return None
    dropped = _is_whole_without(alarm, reading, hearing)
    if alarm.key in evidence.denied or (dropped and _is_primary_well(alarm, evidence, hearing.now)):
        return Denial(reading, evidence)
    return None


def _find_renamed(alarm: Alarm, service: tuple[str, str], hearing: Hearing) -> Denial | None:
    """
    Return the denial of a Sev-0 by a service that is listed under another name now.

    It is the same process if it answers at the same address and gives itself the same names.
    """
    name, path = service
    if name in hearing.agents:
        return None
    for other, evidence in hearing.agents.items():
        reading = evidence.readings.get(path)
        if not isinstance(reading, Seen) or not reading.exchange.peer:
            continue
        known = {(i.peer, i.told) for i in alarm.instances if i.told}
        if (reading.exchange.peer, names_told(reading)) not in known:
            continue
        subject = other if alarm.subject == name else alarm.subject
        renamed = replace(alarm, subject=subject, source=f"{other} {path}")
        if found := _find_denial(renamed, (other, path), hearing):
            return found
    return None


def _is_whole_without(alarm: Alarm, reading: EndpointReading, hearing: Hearing) -> bool:
    """Return whether an endpoint was seen, whole, and says nothing of the alarm's fact."""
    if not isinstance(reading, Seen) or not can_clear(reading, Moment(hearing.now)):
        return False
    return reading.value.http_status < REFUSED_FROM and not _tells(alarm, reading)


def _tells(alarm: Alarm, reading: Seen[Answer]) -> bool:
    """Return whether an answer states the alarm's fact, well or badly."""
    claims, status = reading.value.claims, reading.value.status
    match alarm.fact:
        case "agent_mode":
            return claims.agent_mode is not None
        case "safe_to_execute_orders":
            return claims.safe_to_execute_orders is not None
        case "kill_switch" | "kill-switch":
            return claims.kill_switch is not None
        case "service_kind":
            return isinstance(status, RichStatus)
        case fact if fact in _FRESHNESS:
            return read_tick(reading.value, reading.at) is not None
        case _:
            return True  # a fact that no rule here knows never counts as dropped


def _is_primary_well(alarm: Alarm, evidence: AgentEvidence, now: datetime) -> bool:
    """
    Return whether the primary reading states the alarm's fact well.

    For freshness that is an age that we computed ourselves; a claim is denied where it is made.
    """
    path = evidence.agent.primary_path or ""
    if alarm.fact not in _FRESHNESS:
        source = f"{evidence.agent.agent_name} {path}"
        return (alarm.code, alarm.subject, source, alarm.fact) in evidence.denied
    reading = evidence.readings.get(path)
    judged = None if reading is None else judge_source(path, reading, Moment(now))
    return judged is not None and judged.state is FreshnessState.FRESH


def _end_by_hand(alarm: Alarm, hearing: Hearing) -> str:
    """
    Say who ended an alarm in the fleet file; empty where it is not, or may not be ended yet.

    Its source has to be seen, whole, and without the fact: a human ends what nothing can clear,
    and never what is still said or cannot be seen.
    """
    entry = next((e for e in hearing.fleet.ended_alarms if is_meant(e, alarm)), None)
    if entry is None:
        return ""
    name, path = service_of(alarm.source) or (alarm.source, "")
    evidence = hearing.agents.get(name)
    if evidence is None:
        return ""
    reading = evidence.readings.get(path or evidence.agent.primary_path or "")
    if path:
        ended = reading is not None and _is_whole_without(alarm, reading, hearing)
    else:
        ended = name not in hearing.view.agents and isinstance(reading, Seen)
    return f"ended by {entry.who} in the fleet file: {entry.why}" if ended else ""
