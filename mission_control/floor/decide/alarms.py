"""Which alarms are latched; silence never clears one (docs/semantics.md#6)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from mission_control.floor.decide.denials import settle_alarm
from mission_control.floor.decide.evidence import Key, Statement
from mission_control.floor.decide.instances import Hearing, find_speaker, note_instance, service_of
from mission_control.floor.model import SEV0_CODES, Alarm, Instance, Latched
from mission_control.model import codes
from mission_control.model.finding import Reason, Severity

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
    return replace(now, alarms=latched, services=services)


def _join(old: Alarm, new: Alarm) -> Alarm:
    joined = replace(new, since=old.since)
    if not _has_instances(new):
        return joined
    instances = note_instance(_known_instances(old), None)
    for instance in _known_instances(new):
        instances = note_instance(instances, instance)
    return replace(joined, instances=instances)
