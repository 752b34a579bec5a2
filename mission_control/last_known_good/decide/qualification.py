"""Whether a capture is GOOD, its session known to have been clean, and can be put back."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson

from mission_control.cluster.decide.identity import compare_clusters, read_identity
from mission_control.cluster.model.facts import KubernetesObject
from mission_control.documents.raw import mapping, mappings, text
from mission_control.floor.model import Verdict
from mission_control.last_known_good.decide.changes import compare_from_open, find_differences
from mission_control.last_known_good.decide.manifest import ENGAGED
from mission_control.last_known_good.decide.parts import (
    containers_of,
    count,
    instant,
    is_pinned,
    live_pods,
    name_of,
    pod_spec_of,
    pods_by_workload,
    title_of,
)
from mission_control.last_known_good.decide.sanitise import find_secrets, sanitise
from mission_control.last_known_good.model import (
    SESSION_NOT_CLOSED,
    WORKLOAD_KINDS,
    Component,
    LkgReason,
    LkgStatus,
    NotKnown,
    ObservedSwitch,
    SessionEvidence,
    WatchedSession,
)
from mission_control.market_calendar.days import in_new_york
from mission_control.model.kill_switch import KILL_SWITCH_KEY, KILL_SWITCH_MAP
from mission_control.model.session import Phase
from mission_control.readiness.model import ReadinessVerdict, RecordedVerdict

LEAST_COVERAGE = 0.99
"""Of the session's seconds, and of the rounds, in which a service has to be seen."""
PLANNED = (
    ("T-60", timedelta(minutes=-60), timedelta(minutes=-15)),
    ("T-15", timedelta(minutes=-15), timedelta()),
    ("T+5", timedelta(minutes=5), timedelta(minutes=20)),
)
"""Each planned readiness with when it begins and its evidence deadline, counted from the open."""
OPENING_DEADLINE = timedelta(minutes=20)
"""The deploy report at the open is made within this time (docs/semantics.md#8)."""
_MOST_TOLD = 10


def qualify(
    evidence: SessionEvidence,
    metadata: Mapping[str, Any],
    switch: ObservedSwitch,
    pods: Sequence[LkgReason],
) -> tuple[LkgStatus, tuple[LkgReason, ...]]:
    """
    Say whether a capture is GOOD, and else why not (docs/semantics.md#12).

    `metadata` are the captured components as they will be recorded, `pods` the reasons from the
    pods themselves. Something that is not known is a reason like any other.
    """
    reasons = [
        *_session(evidence),
        *_posture(evidence),
        *_coverage(evidence.watched),
        *_readiness(evidence),
        *_changes(evidence, metadata),
        *pods,
    ]
    if not switch.engaged:
        held = "nothing" if switch.value is None else repr(switch.value)
        detail = f"the ConfigMap of the kill switch held {held}, not {ENGAGED!r}"
        reasons.append(LkgReason("KILL_SWITCH_NOT_ENGAGED", detail))
    told = tuple(sorted(set(reasons)))
    return (LkgStatus.CANDIDATE if told else LkgStatus.GOOD), told


def _session(evidence: SessionEvidence) -> Iterator[LkgReason]:
    session = evidence.session
    if session.phase is not Phase.POST_MARKET or session.open is None or session.close is None:
        detail = f"in {session.phase.value} no session of this day is over: capture after its close"
        yield LkgReason(SESSION_NOT_CLOSED, detail)


def _posture(evidence: SessionEvidence) -> Iterator[LkgReason]:
    if evidence.posture is Verdict.HALTED:
        codes = ", ".join(evidence.posture_codes[:5])
        yield LkgReason("POSTURE_HALTED", f"the floor is HALTED now: {codes}")
    watched = evidence.watched
    if isinstance(watched, NotKnown):
        yield LkgReason("POSTURE_NOT_KNOWN", watched.detail)
        return
    for halt in watched.halted[:_MOST_TOLD]:
        yield LkgReason("POSTURE_HALTED", f"{_span(halt.began, halt.ended)}: {halt.told}")
    for begin, end in watched.undecided[:_MOST_TOLD]:
        # A floor without decisions is HALTED (`decide.stall`); one whose record was lost may be.
        seconds = f"{(end - begin).total_seconds():.0f} s"
        yield LkgReason("POSTURE_NOT_KNOWN", f"{_span(begin, end)}: no decision, {seconds}")


def _span(begin: datetime | None, end: datetime | None) -> str:
    """Write a stretch as people in New York read it, and in UTC."""
    if begin is None:
        ended = f"until {_clock(end)}" if end else "for a while"
        return f"{ended}, from when on is not recorded"
    if end is None:
        return f"from {_clock(begin)} on, without an end in the session"
    here = f"{in_new_york(begin):%H:%M:%S} to {in_new_york(end):%H:%M:%S %Z}"
    return f"from {here} ({begin:%H:%M:%S} to {end:%H:%M:%S} UTC)"


def _clock(at: datetime) -> str:
    return f"{in_new_york(at):%H:%M:%S %Z} ({at:%H:%M:%S} UTC)"


def _coverage(watched: WatchedSession | NotKnown) -> Iterator[LkgReason]:
    if isinstance(watched, NotKnown):
        yield LkgReason("COVERAGE_NOT_KNOWN", watched.detail)
        return
    if not watched.agents or watched.seconds <= 0:
        yield LkgReason("COVERAGE_NOT_KNOWN", "there is no required service to be watched")
    for each in watched.agents:
        share = each.watched_seconds / watched.seconds if watched.seconds > 0 else 0.0
        seen = each.obtained / each.asked if each.asked else 0.0
        if min(share, seen) < LEAST_COVERAGE:
            told = f"watched for {share:.1%} of the session, seen in {seen:.1%} of its rounds"
            yield LkgReason("COVERAGE_LOW", f"{each.agent_name}: {told}")


def _readiness(evidence: SessionEvidence) -> Iterator[LkgReason]:
    known, opened = evidence.readiness, evidence.session.open
    if isinstance(known, NotKnown):
        yield LkgReason("READINESS_NOT_KNOWN", known.detail)
        return
    if opened is None:
        return  # no session is a reason by itself
    date = evidence.session.session_date
    own = [v for v in known if date is not None and v.session_date == date.isoformat()]
    for name, begin, end in PLANNED:
        held = [v for v in own if opened + begin <= v.at < opened + end]
        yield from _at(name, held, evidence)


def _at(
    name: str, held: Sequence[RecordedVerdict], evidence: SessionEvidence
) -> Iterator[LkgReason]:
    if not held:
        yield LkgReason("READINESS_MISSING", f"no readiness is recorded for {name}")
    for each in held:
        if each.verdict is not ReadinessVerdict.GO:
            told = f"{name} at {_clock(each.at)} was NO-GO {each.code}".rstrip()
            yield LkgReason("READINESS_NO_GO", told)
        elif each.fleet_digest != evidence.fleet_digest:
            yield LkgReason("FLEET_CHANGED", f"{name} was judged with another inventory")
        if warning := compare_clusters(each.cluster, evidence.cluster).warning:
            yield LkgReason("CLUSTER_CHANGED", f"{name}: {warning}")


def _changes(evidence: SessionEvidence, metadata: Mapping[str, Any]) -> Iterator[LkgReason]:
    opening = evidence.opening
    if isinstance(opening, NotKnown):
        yield LkgReason("OPEN_NOT_KNOWN", opening.detail)
        return
    if mapping(opening, "meta").get("namespace") != metadata.get("namespace"):
        told = "the deploy report at the open is about another namespace"
        yield LkgReason("OPEN_NOT_KNOWN", told)
    told = read_identity(mapping(opening, "meta").get("cluster_identity"))
    if warning := compare_clusters(told, evidence.cluster).warning:
        yield LkgReason("OPEN_NOT_KNOWN", f"the deploy report at the open: {warning}")
        return
    compared = compare_from_open(opening, metadata)
    for gap in compared.gaps:
        yield LkgReason("OPEN_NOT_KNOWN", gap)
    for change in compared.changes[:_MOST_TOLD]:
        told = f"{change.subject} {change.what}: {change.before} -> {change.after}"
        yield LkgReason("CHANGED_SINCE_OPEN", told)


def within_opening(at: datetime, opened: datetime) -> bool:
    """Return whether a deploy report was made soon enough after the open."""
    return opened <= at < opened + OPENING_DEADLINE


RESTARTED = "RESTARTED"
RESTARTS_NOT_KNOWN = "RESTARTS_NOT_KNOWN"
NOT_READY = "NOT_READY"


def judge_pods(
    components: Sequence[Component],
    pods: Sequence[KubernetesObject],
    replica_sets: Sequence[KubernetesObject],
    since: datetime,
) -> Iterator[LkgReason]:
    """Say which pods were made or started again since an instant, and which are not ready."""
    owned = pods_by_workload(pods, replica_sets)
    for component in components:
        live = live_pods(owned.get((component.kind, component.name), ()))
        ready = sum(1 for pod in live if _is_ready(pod))
        if ready != component.replicas or len(live) != ready:
            told = f"{ready} of {len(live)} pods are ready, {component.replicas} are wanted"
            yield LkgReason(NOT_READY, f"{component.title}: {told}")
        for pod in live:
            yield from _judge_pod(component, pod, since)


def _is_ready(pod: KubernetesObject) -> bool:
    conditions = mappings(mapping(pod, "status").get("conditions"))
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def _judge_pod(component: Component, pod: KubernetesObject, since: datetime) -> Iterator[LkgReason]:
    name = f"{component.title}: pod {name_of(pod)}"
    made = instant(mapping(pod, "metadata").get("creationTimestamp"))
    if made is None:
        yield LkgReason(RESTARTS_NOT_KNOWN, f"{name} does not report when it was made")
    elif made > since:
        yield LkgReason(RESTARTED, f"{name} was made at {made:%H:%M:%S} UTC, after the open")
    status = mapping(pod, "status")
    told = {
        text(s.get("name")): s
        for group in ("initContainerStatuses", "containerStatuses")
        for s in mappings(status.get(group))
    }
    for pin in component.containers:
        why = _judge_container(told.get(pin.container), since, init=pin.init)
        if why is not None:
            yield LkgReason(why[0], f"{name}, container {pin.container}: {why[1]}")


def _judge_container(
    status: Mapping[str, Any] | None, since: datetime, *, init: bool
) -> tuple[str, str] | None:
    if status is None:
        return RESTARTS_NOT_KNOWN, "its state is not reported"
    again = _judge_restarts(status, since)
    if again is not None:
        return again
    began = instant(mapping(status, "state", "running").get("startedAt"))
    if init and began is None:  # an init container is over
        began = instant(mapping(status, "state", "terminated").get("finishedAt"))
    if began is None:
        return RESTARTS_NOT_KNOWN, "it does not report since when it runs"
    return (
        (RESTARTED, f"it began at {began:%H:%M:%S} UTC, after the open") if began > since else None
    )


def _judge_restarts(status: Mapping[str, Any], since: datetime) -> tuple[str, str] | None:
    """
    Judge a restarted container by when it last ended.

    One that ended before the open may have begun after it, so the caller judges that too.
    """
    if count(status.get("restartCount"), -1) == 0:
        return None
    ended = instant(mapping(status, "lastState", "terminated").get("finishedAt"))
    if ended is None:
        return RESTARTS_NOT_KNOWN, "it was started again, and does not report when"
    at = f"{ended:%H:%M:%S} UTC"
    return (RESTARTED, f"it ended and was started again at {at}") if ended > since else None


def verify_capture(content: bytes, metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """
    Say everything that is wrong with a recorded manifest; nothing where it can be put back.

    `content` are its bytes as recorded; the caller compares them with the ledger.
    """
    try:
        manifest = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        return (f"the manifest is not JSON: {error}",)
    return tuple(sorted(set(_problems(content, mapping(manifest), metadata))))


def _problems(
    content: bytes, manifest: Mapping[str, Any], metadata: Mapping[str, Any]
) -> Iterator[str]:
    address = hashlib.sha256(content).hexdigest()
    if metadata.get("content_digest") != address:
        yield f"the content address is not that of the manifest, which is {address}"
    items = mappings(manifest.get("items"))
    if manifest.get("kind") != "List" or manifest.get("apiVersion") != "v1":
        yield "the manifest is no v1 List"
    yield from _switch(items)
    for item in items:
        bound = sorted(".".join(path) for path, _, _ in find_differences(item, sanitise(item)))
        if bound:
            yield f"{title_of(item)}: bound to its cluster by {', '.join(bound[:5])}"
        for where in find_secrets(item):
            yield f"{where} looks like a secret"
        if item.get("kind") in WORKLOAD_KINDS:
            yield from _pins(item)
    yield from _components(items, metadata)


def _switch(items: Sequence[KubernetesObject]) -> Iterator[str]:
    switches = [i for i in items if (i.get("kind"), name_of(i)) == ("ConfigMap", KILL_SWITCH_MAP)]
    if len(switches) != 1:
        yield f"the manifest holds {len(switches)} kill switches, not one"
    for switch in switches:
        if mapping(switch, "data").get(KILL_SWITCH_KEY) != ENGAGED:
            yield f"the kill switch in the manifest is not {ENGAGED!r}"


def _pins(workload: KubernetesObject) -> Iterator[str]:
    """Name what no digest pins; a workload at 0 replicas runs nothing of it."""
    resting = count(mapping(workload, "spec").get("replicas"), 1) == 0
    for _, container in containers_of(pod_spec_of(workload)):
        if not resting and not is_pinned(text(container.get("image"))):
            yield f"{title_of(workload)}: container {text(container.get('name'))} is not pinned"


def _components(items: Sequence[KubernetesObject], metadata: Mapping[str, Any]) -> Iterator[str]:
    """Name the workloads that only one of the two files holds."""
    held = {title_of(i) for i in items if i.get("kind") in WORKLOAD_KINDS}
    told = {
        f"{text(c.get('kind'))}/{text(c.get('name'))}" for c in mappings(metadata.get("components"))
    }
    for title in sorted(held ^ told):
        yield f"{title}: only one of the manifest and its metadata holds it"
    if not held:
        yield "the manifest holds no workload"
