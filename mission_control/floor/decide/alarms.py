"""Which alarms are latched, and what clears one; silence never does (docs/semantics.md#6)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from mission_control.cluster.decide.view import REPLICAS
from mission_control.contract.model.answer import Answer
from mission_control.contract.model.shapes import RichStatus
from mission_control.floor.decide.agent_evidence import AgentEvidence
from mission_control.floor.decide.evidence import (
    REFUSED_FROM,
    Key,
    Moment,
    Statement,
    can_clear,
    read_tick,
)
from mission_control.floor.decide.freshness import judge_source
from mission_control.floor.decide.instances import (
    Denial,
    Hearing,
    find_speaker,
    names_told,
    note_instance,
    service_of,
    settle_instance,
)
from mission_control.floor.model import (
    EXECUTION,
    SEV0_CODES,
    Alarm,
    FreshnessState,
    Instance,
    Latched,
    is_meant,
)
from mission_control.model import codes
from mission_control.model.finding import Reason, Severity
from mission_control.model.reading import EndpointReading, Seen

HELD_AGAINST_A_SERVICE = {
    **dict.fromkeys(SEV0_CODES, Severity.P0),
    codes.MODE_UNKNOWN: Severity.P1,
}
"""Alarms that make any state of their service unexpected while they are latched."""


class Carried(NamedTuple):
    """The alarms latched after a decision, by key, and those that it cleared: each key, and how."""

    alarms: tuple[Alarm, ...] = ()
    cleared: tuple[tuple[Key, str], ...] = ()


def carry_alarms(
    before: Iterable[Alarm], raising: Iterable[Statement], hearing: Hearing, now: datetime
) -> Carried:
    """
    Return the alarms that are latched after what was said now, and how the others were cleared.

    One stays latched until something that may clear it does (`denials.settle_alarm`). A source
    that raises and denies at once raises. What a clock that ran ahead dated later than now is
    dated now: otherwise nothing would be newer for as long.
    """
    said = {s.key: s for s in raising}
    kept, cleared = dict[Key, Alarm](), dict[Key, str]()
    for dated in before:
        alarm = _heard_by(dated, now)
        statement = said.pop(alarm.key, None)
        if statement is not None:
            again = replace(alarm, detail=statement.detail, last_seen=now)
            kept[again.key] = _note_speaker(again, _known_instances(alarm), hearing)
            continue
        settled = settle_alarm(alarm, hearing)
        if isinstance(settled, str):
            cleared[alarm.key] = settled
        else:
            kept[alarm.key] = settled
    for key, statement in said.items():
        made = Alarm(*key, statement.detail, since=now, last_seen=now)
        kept[key] = _note_speaker(made, (), hearing)
    ended = tuple((key, cleared[key]) for key in sorted(cleared))
    return Carried(tuple(kept[key] for key in sorted(kept)), ended)


def _note_speaker(alarm: Alarm, known: tuple[Instance, ...], hearing: Hearing) -> Alarm:
    """Keep which process raised it, of a service's Sev-0: only that one may deny it later."""
    if not _has_instances(alarm):
        return alarm
    noted = note_instance(known, find_speaker(alarm.source, hearing))
    unknown = Instance(heard_at=alarm.last_seen)  # a claim that outlived its reading
    return replace(alarm, instances=noted or (unknown,))


def _has_instances(alarm: Alarm) -> bool:
    return alarm.sev0 and service_of(alarm.source) is not None


def _known_instances(alarm: Alarm) -> tuple[Instance, ...]:
    """Return the processes that raised it before; a nameless one where that was not kept."""
    return alarm.instances or (Instance(heard_at=alarm.last_seen),)


def _heard_by(alarm: Alarm, now: datetime) -> Alarm:
    return replace(
        alarm,
        since=min(alarm.since, now),
        last_seen=min(alarm.last_seen, now),
        instances=tuple(_instance_by(i, now) for i in alarm.instances),
    )


def _instance_by(instance: Instance, now: datetime) -> Instance:
    instants = {
        name: min(at, now)
        for name in ("heard_at", "denied_from", "denied_at")
        if (at := getattr(instance, name)) is not None
    }
    return replace(instance, **instants)


def held_against(alarms: Iterable[Alarm]) -> Mapping[str, tuple[Reason, ...]]:
    """
    Return, by agent, the reasons from alarms that make any state of it unexpected.

    A service that says OK and that orders may be executed is not as expected until it takes that
    back.
    """
    held = dict[str, dict[str, Reason]]()
    for a in alarms:
        severity = HELD_AGAINST_A_SERVICE.get(a.code)
        if severity is not None:
            reason = Reason(a.code, a.subject, severity, a.detail, halts=True, since=a.since)
            held.setdefault(a.subject, {})[a.code] = reason
    return {subject: tuple(by_code.values()) for subject, by_code in held.items()}


def join_latched(before: Latched, now: Latched) -> Latched:
    """
    Return the latched alarms together with those from before a start, which were read only now.

    An alarm in both keeps its first time and every process that raised it: it was raised again
    since, so that each has to deny it from the beginning. Denials since the start count in the
    next decision. A path that answered before the start did answer, whatever it answers since.
    """
    alarms = {a.key: a for a in now.alarms}
    for old in before.alarms:
        new = alarms.get(old.key)
        alarms[old.key] = old if new is None else _join(old, new)
    earlier = {s.agent_name: s.answered for s in before.services}
    services = tuple(
        replace(s, answered=tuple(sorted({*s.answered, *earlier.get(s.agent_name, ())})))
        for s in now.services
    )
    latched = tuple(alarms[key] for key in sorted(alarms))
    twin = before.twin or now.twin  # the older line of its ledger proves more
    return replace(now, alarms=latched, services=services, twin=twin)


def _join(old: Alarm, new: Alarm) -> Alarm:
    joined = replace(new, since=old.since)
    if not _has_instances(new):
        return joined
    instances = note_instance(_known_instances(old), None)
    for instance in _known_instances(new):
        instances = note_instance(instances, instance)
    return replace(joined, instances=instances)


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
    # A lost record is stated once: from then on the line that was found is the one noted.
    without = alarm.code == codes.TWIN_RECORD_LOST or not _tells(alarm, reading)
    return reading.value.http_status < REFUSED_FROM and without


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
