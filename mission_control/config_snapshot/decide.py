"""Which Secrets pod specifications refer to; only their names are ever looked at."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from mission_control.config_snapshot.model import SecretReference

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_MOST_DEEP = 12
_SPECS = (
    ("spec",),
    ("spec", "template", "spec"),
    ("spec", "jobTemplate", "spec", "template", "spec"),
)
"""The paths of the pod specification in a pod, a workload and a CronJob."""

Json = Mapping[str, Any]


def find_secret_references(objects: Iterable[Json]) -> tuple[SecretReference, ...]:
    """
    Return every Secret that these objects refer to, sorted, each once for each way and object.

    Secrets themselves are never read, so these are expected, not known to exist. A value that
    cannot be a name is left out, so that nothing else can pass for one.
    """
    found = set[SecretReference]()
    for each in objects:
        metadata = _mapping(each.get("metadata"))
        namespace = _name(metadata.get("namespace"))
        by = f"{each.get('kind', '?')}/{_name(metadata.get('name'))}"
        for how, name in _references(each):
            if _NAME.fullmatch(name):
                found.add(SecretReference(namespace, name, how, by))
    return tuple(sorted(found))


def _references(each: Json) -> Iterator[tuple[str, str]]:
    for path in _SPECS:
        spec: Json = each
        for key in path:
            spec = _mapping(spec.get(key))
        yield from _of_pod(spec)
    if each.get("kind") == "ServiceAccount":
        for how in ("secrets", "imagePullSecrets"):
            yield from ((how, _name(_mapping(s).get("name"))) for s in _items(each.get(how)))


def _of_pod(spec: Json) -> Iterator[tuple[str, str]]:
    for secret in _items(spec.get("imagePullSecrets")):
        yield "imagePullSecrets", _name(_mapping(secret).get("name"))
    for volume in _items(spec.get("volumes")):
        yield from _of_volume(_mapping(volume), 0)
    for group in ("initContainers", "containers", "ephemeralContainers"):
        for container in _items(spec.get(group)):
            yield from _of_container(_mapping(container))


def _of_container(container: Json) -> Iterator[tuple[str, str]]:
    for variable in _items(container.get("env")):
        source = _mapping(_mapping(variable).get("valueFrom"))
        yield "env", _name(_mapping(source.get("secretKeyRef")).get("name"))
    for source in _items(container.get("envFrom")):
        yield "envFrom", _name(_mapping(_mapping(source).get("secretRef")).get("name"))


def _of_volume(part: Json, depth: int) -> Iterator[tuple[str, str]]:
    """Return the Secrets of a volume, at any depth of its driver's settings."""
    for key, value in part.items():
        if depth >= _MOST_DEEP:
            return
        if key == "secretName":
            yield "volume", _name(value)
        if key == "secret" or key.endswith("SecretRef") or key == "secretRef":
            held = _mapping(value)
            yield "volume", _name(held.get("secretName", held.get("name")))
        for inner in (value, *_items(value)):
            yield from _of_volume(_mapping(inner), depth + 1)


def _mapping(value: object) -> Json:
    nothing: Json = {}
    return cast("Json", value) if isinstance(value, Mapping) else nothing


def _items(value: object) -> tuple[object, ...]:
    return tuple(cast("list[object]", value)) if isinstance(value, list) else ()


def _name(value: object) -> str:
    return value if isinstance(value, str) else ""
