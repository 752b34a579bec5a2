"""Decide: whether the kill switch is engaged, and whether somebody who can tell confirms it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from operator import attrgetter

from mission_control.decide.evidence import Key, Statement, can_acquit, within_age
from mission_control.model.cluster.facts import ClusterFacts
from mission_control.model.codes import CONTRADICTION, EXECUTION_EVIDENCE
from mission_control.model.fleet import Fleet
from mission_control.model.kill_switch import (
    KILL_SWITCH_KEY,
    KILL_SWITCH_MAP,
    KillSwitch,
    KillSwitchState,
    Witness,
    WitnessKind,
)
from mission_control.model.reading import EndpointReading, Seen, Unseen
from mission_control.model.snapshot import Witnessed
from mission_control.model.standing import KILL_SWITCH
from mission_control.model.switch_text import SwitchText, read_switch_text

SUBJECT = KILL_SWITCH

_STATES = {
    SwitchText.TRUTHY: KillSwitchState.ENGAGED,
    SwitchText.FALSY: KillSwitchState.DISENGAGED,
    SwitchText.UNCLEAR: KillSwitchState.UNKNOWN,
}


def hear_configured(witnessed: Iterable[Witnessed], now: datetime) -> tuple[Witness, ...]:
    """Give what each configured witness says now; one that cannot be read says UNKNOWN."""
    return tuple(_witness(w, within_age(w.reading, now)) for w in witnessed)


def hear_listed(fleet: Fleet, facts: ClusterFacts | None, now: datetime) -> Iterator[Witness]:
    """
    Give what the list of ConfigMaps says of the switch's own, read beside it by its name.

    A list that was not seen, or that does not hold it, abstains: who reads it by name tells.
    """
    if fleet.access is None or facts is None:
        return
    namespace = fleet.access.floor_namespace
    for read in facts.lists:
        if (read.resource, read.namespace) != ("configmaps", namespace):
            continue
        reading = within_age(read.reading, now)
        for each in facts.config_maps:
            if isinstance(reading, Seen) and each.key == (namespace, KILL_SWITCH_MAP):
                value = each.values.get(KILL_SWITCH_KEY, "")
                lacking = KILL_SWITCH_KEY not in each.values
                absent = f"the ConfigMap has no {KILL_SWITCH_KEY}" if lacking else ""
                state, detail = _read_config_map(value, absent)
                source = f"configmap list {namespace}/{KILL_SWITCH_MAP}"
                yield Witness(WitnessKind.CONFIG_MAP, source, state, reading.at, detail, value)


def _witness(witnessed: Witnessed, reading: Seen[str] | Unseen) -> Witness:
    if isinstance(reading, Unseen):
        state, detail = KillSwitchState.UNKNOWN, f"{reading.code}: {reading.detail}"
    elif witnessed.kind is WitnessKind.CONFIG_MAP:
        state, detail = _read_config_map(reading.value, witnessed.absent)
    else:
        state = _STATES[read_switch_text(reading.value)]
        unclear = state is KillSwitchState.UNKNOWN
        detail = "the value is none of 1 true yes on 0 false no off" if unclear else ""
    value = "" if isinstance(reading, Unseen) else reading.value[:40]
    return Witness(witnessed.kind, witnessed.source, state, reading.at, detail, value)


def _read_config_map(value: str, absent: str) -> tuple[KillSwitchState, str]:
    """Read the ConfigMap: anything but a truthy value is off, for the fleet would run on it."""
    if not absent and read_switch_text(value) is SwitchText.TRUTHY:
        return KillSwitchState.ENGAGED, ""
    detail = absent or f"its value is not one that halts: {value[:20]!r}"
    return KillSwitchState.DISENGAGED, detail


def hear_service(
    agent_name: str, readings: Mapping[str, EndpointReading], now: datetime
) -> Iterator[Witness]:
    """
    Give what a service says of the switch, by path; one that says nothing abstains.

    A service that says "off" is heard even through a broken document; one that says "on" only
    where its answer could acquit.
    """
    for path, reading in readings.items():
        claims = reading.value.claims if isinstance(reading, Seen) else reading.claims
        if claims.kill_switch is None:
            continue
        state = _STATES[claims.kill_switch]
        if state is KillSwitchState.ENGAGED and not can_acquit(reading, now):
            state = KillSwitchState.UNKNOWN
        yield Witness(WitnessKind.SERVICE, f"{agent_name} {path}", state, reading.at)


def judge_kill_switch(witnesses: Iterable[Witness]) -> KillSwitch:
    """
    Say what the switch's state is; the worst word counts (semantics, section 4).

    Any DISENGAGED witness makes it DISENGAGED. ENGAGED needs confirmation by a witness that
    can confirm: the ConfigMap read through the API, or its live mount. Else UNKNOWN.
    """
    ordered = tuple(sorted(witnesses, key=attrgetter("kind.value", "source")))
    says = {w.state for w in ordered}
    off = [w.source for w in ordered if w.state is KillSwitchState.DISENGAGED]
    engaged = (w for w in ordered if w.kind is not WitnessKind.SERVICE and w.kind.confirms)
    confirming = [w.source for w in engaged if w.state is KillSwitchState.ENGAGED]
    conflicting = {KillSwitchState.ENGAGED, KillSwitchState.DISENGAGED} <= says
    if off:
        state, detail = KillSwitchState.DISENGAGED, f"off according to {', '.join(off)}"
    elif confirming:
        state, detail = KillSwitchState.ENGAGED, f"confirmed by {', '.join(confirming)}"
    else:
        state, detail = KillSwitchState.UNKNOWN, _why_unconfirmed(ordered)
    confirmed = state is KillSwitchState.ENGAGED
    return KillSwitch(state, confirmed, conflicting, ordered, detail)


def _why_unconfirmed(witnesses: tuple[Witness, ...]) -> str:
    able = [w for w in witnesses if w.kind.confirms]
    if not able:
        return "no witness that could confirm it is configured"
    return "; ".join(f"{w.source}: {w.detail or w.state.value}" for w in able)


def state_kill_switch(switch: KillSwitch) -> Iterator[Statement]:
    """
    Give what the witnesses state: DISENGAGED accuses, ENGAGED denies, UNKNOWN is silent.

    Services' own words are stated as execution evidence where their answers are read; here
    they only contradict, and what they deny they deny where they are heard
    (`deny_as_witnesses`).
    """
    for witness in switch.witnesses:
        service, state = witness.kind is WitnessKind.SERVICE, witness.state
        off = state is KillSwitchState.DISENGAGED
        if state is KillSwitchState.UNKNOWN or (service and not off):
            continue
        if not service:
            because = f": {witness.detail}" if witness.detail else ""
            detail = f"{witness.source} says the kill switch is off{because}"
            yield Statement(EXECUTION_EVIDENCE, SUBJECT, witness.source, SUBJECT, off, detail)
        if switch.conflicting or not off:
            detail = f"{witness.source} says off while another witness says engaged"
            yield Statement(CONTRADICTION, SUBJECT, witness.source, SUBJECT, off, detail)


def deny_as_witnesses(witnesses: Iterable[Witness]) -> Iterator[Key]:
    """Give the contradictions that witnesses who say ENGAGED take back, if they made them."""
    for witness in witnesses:
        if witness.state is KillSwitchState.ENGAGED:
            yield (CONTRADICTION, SUBJECT, witness.source, SUBJECT)
