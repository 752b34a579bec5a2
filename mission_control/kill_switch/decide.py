"""The state of the kill switch, and whether a source that can confirms it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import takewhile
from operator import attrgetter

from mission_control.cluster.model.facts import ClusterFacts
from mission_control.floor.decide.evidence import Key, Moment, Statement, can_clear, within_age
from mission_control.floor.model import KILL_SWITCH, SwitchReading
from mission_control.model.codes import CONTRADICTION, EXECUTION_EVIDENCE
from mission_control.model.fleet import Fleet, Safety, SwitchFile
from mission_control.model.kill_switch import (
    KILL_SWITCH_KEY,
    KILL_SWITCH_MAP,
    KillSwitch,
    KillSwitchState,
    SourceKind,
    SwitchSource,
    SwitchText,
    read_switch_text,
)
from mission_control.model.reading import EndpointReading, Seen, Unseen

SUBJECT = KILL_SWITCH

_STATES = {
    SwitchText.TRUTHY: KillSwitchState.ENGAGED,
    SwitchText.FALSY: KillSwitchState.DISENGAGED,
    SwitchText.UNCLEAR: KillSwitchState.UNKNOWN,
}


_NO_MOUNT = "no live mount of the ConfigMap: it contradicts at most, and confirms nothing"
_STRICT = Safety()


def hear_configured(
    switch_readings: Iterable[SwitchReading], now: datetime, file: SwitchFile | None = None
) -> tuple[SwitchSource, ...]:
    """
    Return what each configured source says now; one that cannot be read says UNKNOWN.

    A file confirms where it was read through the ConfigMap's live mount, or where the fleet file
    says that the services read the same one (docs/semantics.md#4).
    """
    moment = Moment(now)
    return tuple(_switch_source(w, within_age(w.reading, moment), file) for w in switch_readings)


def hear_listed(fleet: Fleet, facts: ClusterFacts | None, now: datetime) -> Iterator[SwitchSource]:
    """
    Return what the list of ConfigMaps says of the switch, beside the read of it by name.

    A list that was not seen, or that does not hold it, abstains: the read by name counts.
    """
    if fleet.access is None or facts is None:
        return
    namespace = fleet.access.floor_namespace
    for read in facts.lists:
        if (read.resource, read.namespace) != ("configmaps", namespace):
            continue
        reading = within_age(read.reading, Moment(now))
        for each in facts.config_maps:
            if isinstance(reading, Seen) and each.key == (namespace, KILL_SWITCH_MAP):
                value = each.values.get(KILL_SWITCH_KEY, "")
                keyless = KILL_SWITCH_KEY not in each.values
                absent = f"the ConfigMap has no {KILL_SWITCH_KEY}" if keyless else ""
                state, detail = _read_config_map(value, absent)
                source = f"configmap list {namespace}/{KILL_SWITCH_MAP}"
                kind = SourceKind.CONFIG_MAP
                yield SwitchSource(kind, source, state, reading.at, detail, value, confirms=True)


def _switch_source(
    switch_readings: SwitchReading, reading: Seen[str] | Unseen, file: SwitchFile | None
) -> SwitchSource:
    kind = switch_readings.kind
    mounted = switch_readings.live_mount or file is SwitchFile.AUTHORITATIVE
    confirms = kind is SourceKind.CONFIG_MAP or (kind is SourceKind.FILE and mounted)
    if isinstance(reading, Unseen):
        state, detail = KillSwitchState.UNKNOWN, f"{reading.code}: {reading.detail}"
    elif kind is SourceKind.CONFIG_MAP:
        state, detail = _read_config_map(reading.value, switch_readings.absent)
    else:
        state = _STATES[read_switch_text(reading.value)]
        unclear = state is KillSwitchState.UNKNOWN
        idle = kind is SourceKind.FILE and not confirms
        detail = _NO_MOUNT if idle else ""
        detail = "the value is none of 1 true yes on 0 false no off" if unclear else detail
    value = "" if isinstance(reading, Unseen) else reading.value[:40]
    return SwitchSource(kind, switch_readings.source, state, reading.at, detail, value, confirms)


def _read_config_map(value: str, absent: str) -> tuple[KillSwitchState, str]:
    """Read the ConfigMap: anything but a truthy value is off, for the fleet would run on it."""
    if not absent and read_switch_text(value) is SwitchText.TRUTHY:
        return KillSwitchState.ENGAGED, ""
    detail = absent or f"its value is not one that halts: {value[:20]!r}"
    return KillSwitchState.DISENGAGED, detail


def hear_service(
    agent_name: str,
    readings: Mapping[str, EndpointReading],
    now: Moment,
    normal: KillSwitchState = KillSwitchState.ENGAGED,
) -> Iterator[SwitchSource]:
    """
    Return what a service says of the switch, by path; one that says nothing abstains.

    A value that is not normal counts even in a broken document; one that is normal, only where the
    answer could clear an alarm.
    """
    for path, reading in readings.items():
        claims = reading.value.claims if isinstance(reading, Seen) else reading.claims
        if claims.kill_switch is None:
            continue
        state = _STATES[claims.kill_switch]
        if state is normal and not can_clear(reading, now):
            state = KillSwitchState.UNKNOWN
        yield SwitchSource(SourceKind.SERVICE, f"{agent_name} {path}", state, reading.at)


class ServiceSwitches:
    """What all services say of the switch, by source, kept up to date source by source."""

    def __init__(self, sources: Iterable[SwitchSource] = ()) -> None:
        """Begin with what is said."""
        self._said = dict[str, SwitchSource]()
        self._saying = dict[KillSwitchState, set[str]]()
        self._ordered = list[SwitchSource]()
        self._places: dict[str, int] | None = None
        self.replace((), tuple(sources))

    def replace(self, old: tuple[SwitchSource, ...], new: tuple[SwitchSource, ...]) -> None:
        """Take what a service says now instead of what it said before."""
        same = [s.source for s in old] == [s.source for s in new]
        for source in old:
            self._saying[source.state].discard(source.source)
            if not same:
                del self._said[source.source]
        for source in new:
            self._said[source.source] = source
            self._saying.setdefault(source.state, set()).add(source.source)
            if same and self._places is not None:
                self._ordered[self._places[source.source]] = source
        if not same:
            self._places = None

    @property
    def sources(self) -> tuple[SwitchSource, ...]:
        """Return every source, sorted by its name."""
        if self._places is None:
            names = sorted(self._said)
            self._ordered = [self._said[name] for name in names]
            self._places = {name: place for place, name in enumerate(names)}
        return tuple(self._ordered)

    @property
    def states(self) -> set[KillSwitchState]:
        """Return what is said by any of them."""
        return {state for state, saying in self._saying.items() if saying}

    def saying(self, state: KillSwitchState) -> Iterable[str]:
        """Return the sources that say so, sorted."""
        return sorted(self._saying.get(state, ()))


def configured_sources(switch: KillSwitch) -> Iterator[SwitchSource]:
    """Return the sources that are no services; they come first."""
    return takewhile(lambda w: w.kind is not SourceKind.SERVICE, switch.sources)


def judge_kill_switch(
    sources: Iterable[SwitchSource],
    safety: Safety = _STRICT,
    services: ServiceSwitches | None = None,
    *,
    api: bool = False,
) -> KillSwitch:
    """
    Decide the switch's state; the worst source counts (docs/semantics.md#4).

    Any DISENGAGED source makes it DISENGAGED. To be confirmed it needs a source that can confirm,
    and none that contradicts. `services` are further sources, which confirm nothing. Where the
    cluster is read (`api`), only the ConfigMap read through it confirms: a file says what it says
    also when its kubelet has lost the API server.
    """
    heard = services or ServiceSwitches()
    told = tuple(sorted(sources, key=attrgetter("kind.value", "source")))
    says = {w.state for w in told} | heard.states
    off = [w.source for w in told if w.state is KillSwitchState.DISENGAGED]
    off.extend(heard.saying(KillSwitchState.DISENGAGED))
    able = [w for w in told if w.confirms and (not api or w.kind is SourceKind.CONFIG_MAP)]
    conflicting = {KillSwitchState.ENGAGED, KillSwitchState.DISENGAGED} <= says
    says_so = KillSwitchState.DISENGAGED if off else KillSwitchState.ENGAGED
    confirming = [w.source for w in able if w.state is says_so and _is_exact(w)]
    confirmed = bool(confirming) and not conflicting
    if off:
        state, detail = KillSwitchState.DISENGAGED, f"off according to {', '.join(off)}"
    elif confirmed:
        state, detail = KillSwitchState.ENGAGED, f"confirmed by {', '.join(confirming)}"
    else:
        state, detail = KillSwitchState.UNKNOWN, _why_unconfirmed(able, told, api=api)
    # Off is worse than anything: it is only confirmed where it is how this fleet runs.
    confirmed = confirmed and (not off or safety.switch_normal is KillSwitchState.DISENGAGED)
    every = (*told, *heard.sources)
    return KillSwitch(state, confirmed, conflicting, every, detail, safety.switch_normal)


def _is_exact(switch_source: SwitchSource) -> bool:
    """Return whether a source says its value itself; a ConfigMap without a key counts as off."""
    off = switch_source.state is KillSwitchState.DISENGAGED
    return not off or read_switch_text(switch_source.value) is SwitchText.FALSY


def _why_unconfirmed(
    able: list[SwitchSource], sources: tuple[SwitchSource, ...], *, api: bool
) -> str:
    if able:
        return "; ".join(f"{w.source}: {w.detail or w.state.value}" for w in able)
    if api:
        return "its ConfigMap was not read through the cluster's API"
    files = [f"{w.source}: {w.detail}" for w in sources if w.kind is SourceKind.FILE]
    return "; ".join(["no source that could confirm it is configured", *files])


def state_kill_switch(
    switch: KillSwitch, services: ServiceSwitches | None = None
) -> Iterator[Statement]:
    """
    Return what the sources state: what is not normal raises, what is denies, UNKNOWN is silent.

    DISENGAGED is evidence of execution, except in a fleet that runs with its switch off. Whatever
    is normal, a source that says otherwise while another says it contradicts. Services state
    execution evidence where their answers are read; here they only contradict, and they deny where
    their answers are read (`deny_as_sources`). `services` are those among the
    sources; they are gone through only where one says otherwise than is normal.
    """
    runs_off = switch.normal is KillSwitchState.DISENGAGED
    alike = services is not None and services.states <= {switch.normal, KillSwitchState.UNKNOWN}
    for switch_source in configured_sources(switch) if alike else switch.sources:
        service, state = switch_source.kind is SourceKind.SERVICE, switch_source.state
        differs = state is not switch.normal
        if state is KillSwitchState.UNKNOWN or (service and not differs):
            continue
        says = "off" if state is KillSwitchState.DISENGAGED else "engaged"
        if not service:
            because = f": {switch_source.detail}" if switch_source.detail else ""
            detail = f"{switch_source.source} says the kill switch is {says}{because}"
            off = differs and not runs_off
            yield Statement(EXECUTION_EVIDENCE, SUBJECT, switch_source.source, SUBJECT, off, detail)
        if switch.conflicting or not differs:
            other = "engaged" if says == "off" else "off"
            detail = f"{switch_source.source} says {says} while another source says {other}"
            yield Statement(CONTRADICTION, SUBJECT, switch_source.source, SUBJECT, differs, detail)


def deny_as_sources(sources: Iterable[SwitchSource], normal: KillSwitchState) -> Iterator[Key]:
    """Return the contradictions that sources whose value is normal take back."""
    for switch_source in sources:
        if switch_source.state is normal:
            yield (CONTRADICTION, SUBJECT, switch_source.source, SUBJECT)
