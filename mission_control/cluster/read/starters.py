"""
What starts pods without a human, to facts. Pure.

Scalers and triggers come in many kinds with many versions. Of each only this is read: which
objects it names, which containers it holds in any place, and whether it acts now.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple, cast

import msgspec

from mission_control.cluster.model.objects import WATCHED_ENV, Container, ObjectRef, StarterFacts
from mission_control.cluster.read.projection import (
    OddError,
    clean,
    labels_of,
    owner_of,
    project_containers,
    required,
)
from mission_control.cluster.read.shapes import ContainerShape, Named, PodSpec

MAX_NESTED = 24
MAX_VALUES = 20_000
_REFERENCES = {
    "objectRef": "Deployment",
    "scaleTargetRef": "Deployment",
    "source": "Source",
    "sources": "Source",
    "targetRef": "Deployment",
    "templateRef": "WorkflowTemplate",
    "workflowTemplateRef": "WorkflowTemplate",
    "workloadRef": "Deployment",
}
"""What names another object, and the kind that is meant where none is written."""
_PAUSED, _PAUSED_AT = "autoscaling.keda.sh/paused", "autoscaling.keda.sh/paused-replicas"

Object = Mapping[str, Any]


class StarterShape(Named, kw_only=True):
    """Any object that starts pods: its specification and status, as they are."""

    spec: dict[str, Any]
    status: dict[str, Any] | None = None


STARTER = msgspec.json.Decoder(StarterShape)


class _Held(NamedTuple):
    targets: list[ObjectRef]
    containers: list[Container]
    accounts: list[str]
    labels: dict[str, str]


def project_starter(
    kind: str, shape: StarterShape, watched: Collection[str] = WATCHED_ENV
) -> StarterFacts:
    """Return a starter's facts; raises OddError where its fields do not go together."""
    meta, held = shape.metadata, _Held([], [], [], dict(labels_of(shape.metadata)))
    for number, (name, value) in enumerate(_walk("spec", shape.spec)):
        if number > MAX_VALUES:
            raise OddError("it holds more than is read")
        _collect(name, value, watched, held)
        if kind == "Sensor" and name == "url" and isinstance(value, str):
            held.targets.append(ObjectRef("URL", clean(value)))
    if kind == "Application":
        held.targets.extend(_refs((shape.status or {}).get("resources"), "Deployment"))
    how, wanted = _how(kind, shape)
    return StarterFacts(
        kind,
        required(meta.namespace, "namespace"),
        required(meta.name, "name"),
        how,
        wanted,
        tuple(dict.fromkeys(held.targets)),
        owner_of(meta),
        next(iter(held.accounts), ""),
        tuple(held.containers),
        held.labels,
    )


def _walk(name: str, value: object, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield every value inside, with the name that it goes by; those of a list by the list's."""
    if depth > MAX_NESTED:
        raise OddError("it is nested deeper than is read")
    yield name, value
    if isinstance(value, Mapping):
        for key, each in cast("Object", value).items():
            yield from _walk(str(key), each, depth + 1)
    elif isinstance(value, list):
        for each in cast("list[object]", value):
            yield from _walk(name, each, depth + 1)


def _collect(name: str, value: Any, watched: Collection[str], held: _Held) -> None:  # noqa: ANN401
    if name == "serviceAccountName" and isinstance(value, str):
        held.accounts.append(clean(value))
    if not isinstance(value, Mapping):
        return
    given = cast("Object", value)
    if name in _REFERENCES or {"apiVersion", "kind"} <= given.keys():
        held.targets.extend(_refs([given], _REFERENCES.get(name, "Deployment")))
    if name == "labels":
        held.labels.update((clean(str(k)), clean(str(v))) for k, v in sorted(given.items()))
    if isinstance(given.get("image"), str):
        held.containers.extend(project_containers(PodSpec([_container(given)]), watched))


def _container(given: Object) -> ContainerShape:
    """Read a container; one that holds its script in `source` is told to run that."""
    try:
        shape = msgspec.convert(dict(given), ContainerShape)
    except msgspec.ValidationError as error:
        raise OddError(f"a container in it: {error}") from None
    script = given.get("source")
    if isinstance(script, str):
        shape.command = [*(shape.command or ["sh"]), "-c", script]
    return shape


def _refs(given: object, unsaid: str) -> Iterator[ObjectRef]:
    """Yield the objects that are named; one whose kind is not said is of the kind `unsaid`."""
    for each in cast("list[object]", given) if isinstance(given, list) else ():
        if not isinstance(each, Mapping):
            continue
        ref = cast("Object", each)
        meta = _inside(ref, "metadata")
        names: list[object] = [ref.get("name"), ref.get("path"), ref.get("chart")]
        names.append(meta.get("name") or meta.get("generateName"))
        kind = clean(str(ref.get("kind") or unsaid))
        yield from (ObjectRef(kind, clean(name)) for name in names if isinstance(name, str))


def _how(kind: str, shape: StarterShape) -> tuple[str, int | None]:
    """Return how it would start pods now, and how many it wants itself."""
    spec, notes = shape.spec, shape.metadata.annotations or {}
    how, wanted = "", None
    match kind:
        case "HorizontalPodAutoscaler":
            most, least = _count(spec, "maxReplicas", 1), _count(spec, "minReplicas", 1)
            how = f"it scales between {least} and {most} pods" if max(least, most) > 0 else ""
        case "ScaledObject" | "ScaledJob":
            paused = notes.get(_PAUSED) == "true" or notes.get(_PAUSED_AT) == "0"
            most = max(_count(spec, "maxReplicaCount", 100), _count(spec, "minReplicaCount", 0))
            how = "" if paused or most == 0 else f"it scales up to {most} pods"
        case "ReplicationController":
            wanted = _count(spec, "replicas", 1)
        case "Rollout":
            wanted = _count(spec, "replicas", 1)
            paused = ", and is paused" if spec.get("paused") else ""
            how = f"it rolls out {wanted} pods{paused}" if wanted else ""
        case "Application":
            how = "it syncs by itself" if _syncs(_inside(spec, "syncPolicy")) else ""
        case "CronWorkflow":
            how = "" if spec.get("suspend") is True else "it runs on a schedule"
        case "Sensor":
            how = "an event triggers it"
        case _:
            how = "a request starts it"
    return how, wanted


def _syncs(policy: Object) -> bool:
    """Return whether an Application syncs by itself: an empty `automated` says that it does."""
    if policy.get("automated") is None:
        return False
    return _inside(policy, "automated").get("enabled") is not False


def _inside(spec: Object, key: str) -> Object:
    value = spec.get(key)
    return cast("Object", value) if isinstance(value, Mapping) else {}


def _count(spec: Object, key: str, unset: int) -> int:
    value = spec.get(key)
    if value is None:
        return unset
    if isinstance(value, bool) or not isinstance(value, int):
        raise OddError(f"its {key} is not a number")
    return value
