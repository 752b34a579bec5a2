"""Raw objects to facts, one by one, so that an odd one never loses a list. Pure."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from mission_control.cluster.decide.commands import Started, fold_setting, read_command
from mission_control.cluster.decide.execution import names_execution
from mission_control.cluster.model.facts import EventFacts, OddObject
from mission_control.cluster.model.objects import (
    BUILD_ANNOTATIONS,
    WATCHED_ENV,
    Container,
    ContainerState,
    EnvSource,
    EnvVariable,
    JobCounts,
    KeyRef,
    ObjectRef,
    PodFacts,
    Rollout,
    WorkloadFacts,
)
from mission_control.cluster.read.shapes import (
    UNDECODABLE,
    Condition,
    ContainerShape,
    ContainerStatusShape,
    Env,
    EnvFrom,
    EventSeries,
    EventShape,
    Involved,
    Metadata,
    Named,
    PodShape,
    PodSpec,
    Resources,
    RollingUpdate,
    StateShape,
    Strategy,
    ValueFrom,
    WorkloadShape,
    WorkloadSpec,
    WorkloadStatus,
)
from mission_control.redaction.redact import MASK, printable, redact_text

MAX_TEXT = 300


_BEYOND = 2_048
"""So much more is redacted than is kept, so that no cut bares half a secret."""


def clean(text: str | None, most: int = MAX_TEXT) -> str:
    """Return a text that may be stored and shown: redacted, printable and not too long."""
    if not text:
        return ""
    # What is beyond is not even looked through: a text of megabytes would hold up everything else.
    return printable(redact_text(text[: most + _BEYOND]))[:most]


MAX_COMMAND = 32 * 1024
"""A longer command and its arguments (characters) are not understood, which makes a pod odd."""
MAX_STARTED = 1_000
MAX_ACT = 2_000


class OddError(Exception):
    """An object whose fields do not go together, or that holds more than is read; says which."""


def project_containers(
    spec: PodSpec, watched: Collection[str] = WATCHED_ENV
) -> tuple[Container, ...]:
    """
    Return a pod specification's containers: init ones first, as they run.

    `watched` are the variables whose values are kept. Raises OddError for a command that is
    longer or deeper than what is read.
    """
    return (
        *(_project(c, watched, init=True) for c in spec.init_containers or ()),
        *(_project(c, watched, init=False) for c in spec.containers),
        *(_project(c, watched, init=False) for c in spec.ephemeral_containers or ()),
    )


def _project(shape: ContainerShape, watched: Collection[str], *, init: bool) -> Container:
    probes = {
        "liveness": shape.liveness_probe,
        "readiness": shape.readiness_probe,
        "startup": shape.startup_probe,
    }
    started = _read_command(shape)
    settings = ((fold_setting(name), value) for name, value in started.settings)
    return Container(
        name=clean(shape.name),
        image=clean(shape.image),
        init=init,
        pull_policy=clean(shape.image_pull_policy),
        env=tuple(_variable(e) for e in shape.env or () if e.name.upper() in watched),
        env_from=tuple(_sources(shape.env_from or ())),
        env_names=tuple(sorted({clean(e.name) for e in shape.env or ()})),
        probes=tuple(name for name, probe in probes.items() if probe is not None),
        resources=tuple(_resources(shape.resources)),
        runs=tuple(dict.fromkeys(map(clean, _without_secrets(shape, started.runs)))),
        flags=tuple((n, clean(v)) for n, v in settings if n in watched),
        acts=tuple(clean(a, MAX_ACT) for a in started.acts),
        ports=tuple(clean(p.name) for p in shape.ports or () if p.name),
    )


def _read_command(shape: ContainerShape) -> Started:
    """Read a command before it is redacted: a mask would hide what follows a secret."""
    command, arguments = tuple(shape.command or ()), tuple(shape.args or ())
    name = clean(shape.name)
    if sum(map(len, command)) + sum(map(len, arguments)) > MAX_COMMAND:
        raise OddError(f"container {name}: its command is longer than we read")
    try:
        started = read_command(command, arguments)
    except ValueError as error:
        raise OddError(f"container {name}: {error}") from None
    if max(len(started.runs), len(started.settings)) > MAX_STARTED:
        raise OddError(f"container {name}: its command starts more than we keep")
    return started


def _without_secrets(shape: ContainerShape, runs: Sequence[str]) -> Iterator[str]:
    """
    Mask what is taken for a program and is a secret in its place: `args: [--password, hunter2]`.

    What is a name of execution is evidence wherever it stands, and is kept.
    """
    if not runs:
        return
    words = " ".join((*(shape.command or ()), *(shape.args or ())))
    said, shown = _said_and_shown(words)
    for program in runs:
        hidden = program in said and program not in shown
        yield MASK if hidden and not names_execution(program) else program


@lru_cache(maxsize=2048)
def _said_and_shown(words: str) -> tuple[str, str]:
    """Return a command as it is and redacted, both without the signs that a shell takes away."""
    return words.translate(_QUOTES), redact_text(words).translate(_QUOTES)


_QUOTES = str.maketrans("", "", "\"'\\")


def _variable(env: Env) -> EnvVariable:
    ref = _ref(env.value_from) if env.value_from is not None else None
    value = None if env.value is None else clean(env.value)
    return EnvVariable(env.name, value, ref)


def _ref(given: ValueFrom) -> KeyRef:
    for kind, ref in (("ConfigMap", given.config_map_key_ref), ("Secret", given.secret_key_ref)):
        if ref is not None:
            return KeyRef(kind, clean(ref.name), clean(ref.key), optional=bool(ref.optional))
    field = given.field_ref or given.resource_field_ref
    path = (field.field_path or field.resource) if field is not None else None
    return KeyRef("field of the pod", clean(path), "")


def _sources(given: Iterable[EnvFrom]) -> Iterator[EnvSource]:
    for source in given:
        for kind, ref in (("ConfigMap", source.config_map_ref), ("Secret", source.secret_ref)):
            if ref is not None:
                prefix = clean(source.prefix)
                yield EnvSource(kind, clean(ref.name), prefix, optional=bool(ref.optional))


def _resources(given: Resources | None) -> Iterator[tuple[str, str]]:
    if given is None:
        return
    for group, amounts in (("limits", given.limits), ("requests", given.requests)):
        for name, amount in sorted((amounts or {}).items()):
            yield f"{group}.{clean(name, 60)}", clean(str(amount), 60)


Shape = TypeVar("Shape", bound=Named)
Fact = TypeVar("Fact")
MAX_LABELS = 64
_ENDED = frozenset({"Complete", "Failed"})
"""Conditions of a Job that is over, well or not."""


def project_all(
    raw: Sequence[msgspec.Raw],
    kind: str,
    decoder: "msgspec.json.Decoder[Shape]",
    project: Callable[[Shape], Fact],
) -> tuple[list[Fact], tuple[OddObject, ...]]:
    """
    Project every object that can be understood, and name each that cannot.

    One that is listed twice is odd as well, for it cannot be two things at once; both are given,
    so that an alarm of either is raised.
    """
    facts, odd = list[Fact](), list[OddObject]()
    listed = set[tuple[str | None, str]]()
    for each in raw:
        try:
            shape = decoder.decode(each)
            facts.append(project(shape))
        except _TROUBLES as error:
            odd.append(OddObject(kind, _name_of(each), clean(str(error), 160)))
            continue
        who = (shape.metadata.namespace, shape.metadata.name)
        if who in listed:
            odd.append(OddObject(kind, clean(who[1]), "it is listed twice"))
        listed.add(who)
    return facts, tuple(odd)


_TROUBLES = (*UNDECODABLE, OddError)


def _name_of(raw: msgspec.Raw) -> str:
    try:
        return clean(NAMED.decode(raw).metadata.name) or "(without a name)"
    except UNDECODABLE:
        return "(without a readable name)"


def project_workload(
    kind: str, shape: WorkloadShape, watched: Collection[str] = WATCHED_ENV
) -> WorkloadFacts:
    """Return a workload's facts; raises an error that `project_all` takes where it has no pods."""
    meta, spec, status = shape.metadata, shape.spec, shape.status
    owner = owner_of(meta)
    template = spec.job_template.spec.template if spec.job_template else spec.template
    if template is None:
        raise OddError("it has no pod template")
    desired, actual, ready = _replicas(kind, spec, status)
    counted = kind not in {"Job", "CronJob"}
    return WorkloadFacts(
        kind=kind,
        namespace=required(meta.namespace, "namespace"),
        name=required(meta.name, "name"),
        desired=desired,
        actual=actual,
        ready=ready,
        observed=not counted or (status.observed_generation or 0) >= (meta.generation or 0),
        generation=(meta.generation or 0) if counted else 0,
        suspended=bool(spec.suspend),
        paused=bool(spec.paused),
        schedule=clean(spec.schedule),
        job=_job(status) if kind == "Job" else None,
        owner=owner,
        service_account=clean(template.spec.service_account_name),
        containers=()
        if kind == "ReplicaSet" and owner
        else project_containers(template.spec, watched),
        labels=labels_of(meta),
        pod_labels=labels_of(template.metadata or Metadata()),
        rollout=_rollout(kind, spec, status),
    )


def _rollout(kind: str, spec: WorkloadSpec, status: WorkloadStatus) -> Rollout | None:
    """Return how far a rollout is; a count left out is 0, as Kubernetes leaves out a zero."""
    strategy = spec.strategy or spec.update_strategy or Strategy()
    how = clean(strategy.type, 60)
    troubles = tuple(_amiss(status.conditions or ()))
    match kind:
        case "Deployment":
            ended = _ended(status.conditions or ())
            updated, available = status.updated_replicas or 0, status.available_replicas or 0
            return Rollout(updated, available, how, troubles=troubles, ended_at=ended)
        case "StatefulSet":
            held = (strategy.rolling_update or RollingUpdate()).partition or 0
            revision, newest = clean(status.current_revision), clean(status.update_revision)
            updated = status.updated_replicas or 0
            return Rollout(updated, None, how, held, revision, newest, troubles)
        case "DaemonSet":
            updated, available = status.updated_number_scheduled or 0, status.number_available or 0
            return Rollout(updated, available, how, troubles=troubles)
        case _:
            return None


_SHOULD_BE = {"Available": "True", "Progressing": "True", "ReplicaFailure": "False"}
"""How the conditions of a Deployment should be."""


def _amiss(conditions: Iterable[Condition]) -> Iterable[str]:
    for condition in sorted(conditions, key=lambda c: c.type):
        wanted = _SHOULD_BE.get(condition.type)
        # A paused rollout is Unknown, and so is one whose controller cannot tell.
        if wanted is not None and condition.status != wanted:
            said = f"{condition.type} is {clean(condition.status, 20)}"
            yield f"{said} ({clean(condition.reason, 60)})" if condition.reason else said


def _ended(conditions: Iterable[Condition]) -> datetime | None:
    for condition in conditions:
        if condition.type == "Progressing" and condition.reason == "NewReplicaSetAvailable":
            return in_utc(condition.last_update_time)
    return None


def _replicas(kind: str, spec: WorkloadSpec, status: WorkloadStatus) -> tuple[int, int, int]:
    """Return desired, actual and ready pods; a missing count means Kubernetes' default."""
    match kind:
        case "DaemonSet":
            desired, actual = status.desired_number_scheduled, status.current_number_scheduled
            if desired is None or actual is None:
                raise OddError("its status does not count its pods")
            return desired, actual, status.number_ready or 0
        case "Job":
            active = _counted(status.active)
            over = {c.type for c in status.conditions or () if c.status == "True"} & _ENDED
            done = bool(over or spec.suspend) or status.completion_time is not None
            wanted = 1 if spec.parallelism is None else spec.parallelism
            return (0 if done else max(wanted, active)), active, active
        case "CronJob":
            if isinstance(status.active, int):
                raise OddError("its status counts jobs where it should list them")
            running = len(status.active or ())
            return (0 if spec.suspend else 1), running, running
        case _:
            desired = 1 if spec.replicas is None else spec.replicas
            return desired, status.replicas or 0, status.ready_replicas or 0


def _counted(active: int | list[Any] | None) -> int:
    if isinstance(active, list):
        raise OddError("its status lists pods where it should count them")
    return active or 0


def _job(status: WorkloadStatus) -> JobCounts:
    return JobCounts(
        _counted(status.active),
        status.succeeded or 0,
        status.failed or 0,
        in_utc(status.start_time),
        in_utc(status.completion_time),
    )


def project_pod(shape: PodShape, watched: Collection[str] = WATCHED_ENV) -> PodFacts:
    """Return a pod's facts."""
    meta, spec, status = shape.metadata, shape.spec, shape.status
    conditions = {c.type: c for c in status.conditions or ()}
    ready, scheduled = conditions.get("Ready"), conditions.get("PodScheduled")
    waiting = scheduled is not None and scheduled.status == "False"
    pending = (
        f"{scheduled.reason or ''}: {scheduled.message or ''}" if waiting and scheduled else ""
    )
    return PodFacts(
        namespace=required(meta.namespace, "namespace"),
        name=required(meta.name, "name"),
        phase=clean(status.phase),
        ready=ready is not None and ready.status == "True",
        deleting=meta.deletion_timestamp is not None,
        owner=owner_of(meta),
        node=clean(spec.node_name),
        ip=clean(status.pod_ip),
        started=in_utc(status.start_time),
        pending_reason=clean(pending or status.reason, 200),
        service_account=clean(spec.service_account_name),
        containers=project_containers(spec, watched),
        states=(
            *(_state(s, init=True) for s in status.init_container_statuses or ()),
            *(_state(s, init=False) for s in status.container_statuses or ()),
            *(_state(s, init=False) for s in status.ephemeral_container_statuses or ()),
        ),
        labels=labels_of(meta),
        uid=clean(meta.uid),
        ips=tuple(clean(each["ip"]) for each in status.pod_ips or () if "ip" in each),
        annotations={
            key: clean(value)
            for key, value in sorted((meta.annotations or {}).items())
            if key in BUILD_ANNOTATIONS
        },
    )


def _state(shape: ContainerStatusShape, *, init: bool) -> ContainerState:
    now, before = shape.state or StateShape(), shape.last_state or StateShape()
    ended = now.terminated or before.terminated
    image_id = clean(shape.image_id)
    return ContainerState(
        name=clean(shape.name),
        init=init,
        image=clean(shape.image),
        image_id=image_id,
        digest=digest_of(image_id),
        ready=bool(shape.ready),
        restarts=shape.restart_count or 0,
        waiting=clean(now.waiting.reason or "Waiting") if now.waiting else "",
        ended=clean(ended.reason or "Terminated") if ended else "",
        exit_code=ended.exit_code if ended else None,
        ended_at=in_utc(ended.finished_at) if ended else None,
    )


def digest_of(image_id: str) -> str:
    """Return the digest in a node's reference to an image, `sha256:` and 64 hex digits, or none."""
    _, found, rest = image_id.rpartition("sha256:")
    digits = rest[:64]
    whole = found and len(digits) == 64 and all(c in "0123456789abcdef" for c in digits)  # noqa: PLR2004
    return f"sha256:{digits}" if whole else ""


def project_event(shape: EventShape) -> EventFacts:
    """Return an event's facts, its message redacted; the latest of its times is `last_seen`."""
    about = shape.involved_object or shape.regarding or Involved()
    series = shape.series or EventSeries()
    counts = (shape.count, shape.deprecated_count, series.count)
    return EventFacts(
        namespace=clean(shape.metadata.namespace),
        about=ObjectRef(clean(about.kind), clean(about.name)),
        type=clean(shape.type),
        reason=clean(shape.reason),
        message=clean(shape.message or shape.note),
        count=max(1, *(each or 1 for each in counts)),
        last_seen=_last_seen(shape, series),
    )


def _last_seen(shape: EventShape, series: EventSeries) -> datetime | None:
    told = (
        series.last_observed_time,
        shape.last_timestamp,
        shape.deprecated_last_timestamp,
        shape.event_time,
        shape.first_timestamp,
        shape.deprecated_first_timestamp,
    )
    known = [at for each in told if (at := in_utc(each)) is not None]
    return max(known, default=in_utc(shape.metadata.creation_timestamp))


def owner_of(meta: Metadata) -> ObjectRef | None:
    """Return the object that controls this one; the first owner where none says that it does."""
    owners: Iterable[ObjectRef] = (
        ObjectRef(clean(o.kind), clean(o.name))
        for o in sorted(meta.owner_references or (), key=lambda o: not o.controller)
    )
    return next(iter(owners), None)


def labels_of(meta: Metadata) -> Mapping[str, str]:
    """Return an object's labels, sorted."""
    pairs = sorted((meta.labels or {}).items())[:MAX_LABELS]
    return {clean(key): clean(value) for key, value in pairs}


def in_utc(instant: datetime | None) -> datetime | None:
    """Return an instant in UTC; one without a zone is taken for UTC, as Kubernetes writes it."""
    if instant is None:
        return None
    if instant.tzinfo is None:
        return instant.replace(tzinfo=UTC)
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise OddError(f"{instant.isoformat()} is not an instant in UTC") from None


def required(text: str | None, what: str) -> str:
    """Return a text that an object cannot be without; raises OddError where it is."""
    if not text:
        raise OddError(f"it has no {what}")
    return clean(text)


NAMED = msgspec.json.Decoder(Named)
WORKLOAD = msgspec.json.Decoder(WorkloadShape)
POD = msgspec.json.Decoder(PodShape)
EVENT = msgspec.json.Decoder(EventShape)
