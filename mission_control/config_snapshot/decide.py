"""Which Secrets pod specifications refer to; only their names are ever looked at."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from mission_control.documents.raw import elements, mapping, text

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_MOST_DEEP = 12
_SPECS = (
    ("spec",),
    ("spec", "template", "spec"),
    ("spec", "jobTemplate", "spec", "template", "spec"),
)
"""The paths of the pod specification in a pod, a workload and a CronJob."""

Json = Mapping[str, Any]


class SecretReference(NamedTuple):
    """A Secret by namespace and name, how it is referred to, and by which object."""

    namespace: str
    name: str
    how: str
    by: str


def find_secret_references(objects: Iterable[Json]) -> tuple[SecretReference, ...]:
    """
    Return every Secret that these objects refer to, sorted, each once for each way and object.

    Secrets themselves are never read, so these are expected, not known to exist. A value that
    cannot be a name is left out, so that nothing else can pass for one.
    """
    found = set[SecretReference]()
    for each in objects:
        metadata = mapping(each.get("metadata"))
        namespace = text(metadata.get("namespace"))
        by = f"{each.get('kind', '?')}/{text(metadata.get('name'))}"
        for how, name in _references(each):
            if _NAME.fullmatch(name):
                found.add(SecretReference(namespace, name, how, by))
    return tuple(sorted(found))


def _references(each: Json) -> Iterator[tuple[str, str]]:
    for path in _SPECS:
        yield from _of_pod(mapping(each, *path))
    if each.get("kind") == "ServiceAccount":
        for how in ("secrets", "imagePullSecrets"):
            yield from ((how, text(mapping(s).get("name"))) for s in elements(each.get(how)))


def _of_pod(spec: Json) -> Iterator[tuple[str, str]]:
    for secret in elements(spec.get("imagePullSecrets")):
        yield "imagePullSecrets", text(mapping(secret).get("name"))
    for volume in elements(spec.get("volumes")):
        yield from _of_volume(mapping(volume), 0)
    for group in ("initContainers", "containers", "ephemeralContainers"):
        for container in elements(spec.get(group)):
            yield from _of_container(mapping(container))


def _of_container(container: Json) -> Iterator[tuple[str, str]]:
    for variable in elements(container.get("env")):
        source = mapping(mapping(variable).get("valueFrom"))
        yield "env", text(mapping(source.get("secretKeyRef")).get("name"))
    for source in elements(container.get("envFrom")):
        yield "envFrom", text(mapping(mapping(source).get("secretRef")).get("name"))


def _of_volume(part: Json, depth: int) -> Iterator[tuple[str, str]]:
    """Return the Secrets of a volume, at any depth of its driver's settings."""
    for key, value in part.items():
        if depth >= _MOST_DEEP:
            return
        if key == "secretName":
            yield "volume", text(value)
        if key == "secret" or key.endswith("SecretRef") or key == "secretRef":
            held = mapping(value)
            yield "volume", text(held.get("secretName", held.get("name")))
        for inner in (value, *elements(value)):
            yield from _of_volume(mapping(inner), depth + 1)
