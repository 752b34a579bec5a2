"""Parts of raw Kubernetes objects, whatever they turn out to hold."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from mission_control.cluster.model.facts import KubernetesObject
from mission_control.documents.raw import mapping, mappings, text

MAX_DEPTH = 40
"""Objects deeper than this are refused; real ones stay well below it."""
MAX_INTEGER = 2**53
"""Numbers beyond this are not the same in every reader of JSON."""


def count(value: object, otherwise: int) -> int:
    """Return a whole number as it is; `otherwise` for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def name_of(item: KubernetesObject) -> str:
    """Return an object's name, or an empty one."""
    return text(mapping(item, "metadata").get("name"))


def title_of(item: KubernetesObject) -> str:
    """Name an object as people do: `Deployment/strategy-engine`."""
    return f"{text(item.get('kind')) or 'object'}/{name_of(item) or '(without a name)'}"


def instant(value: object) -> datetime | None:
    """Read an instant as Kubernetes writes it; None for anything else."""
    try:
        at = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def pod_spec_of(item: KubernetesObject) -> Mapping[str, Any]:
    """Return the pod specification in a workload's template, or an empty one."""
    if item.get("kind") == "CronJob":
        return mapping(item, "spec", "jobTemplate", "spec", "template", "spec")
    return mapping(item, "spec", "template", "spec")


def containers_of(pod_spec: Mapping[str, Any]) -> Iterator[tuple[bool, Mapping[str, Any]]]:
    """Return each container, and before it whether it is one that runs first (init)."""
    yield from ((True, c) for c in mappings(pod_spec.get("initContainers")))
    yield from ((False, c) for c in mappings(pod_spec.get("containers")))


def find_oddity(value: object) -> str:
    """Say why a value can be no faithful part of a manifest; nothing where it can."""
    waiting: list[tuple[object, int]] = [(value, 0)]
    while waiting:
        here, depth = waiting.pop()
        if depth > MAX_DEPTH:
            return f"it is more than {MAX_DEPTH} levels deep"
        if isinstance(here, int | float) and abs(here) > MAX_INTEGER:
            return "it holds a number that no other program may read"
        if isinstance(here, Mapping):
            waiting += [(v, depth + 1) for v in cast("Mapping[str, object]", here).values()]
        elif isinstance(here, list):
            waiting += [(v, depth + 1) for v in cast("list[object]", here)]
    return ""


def running_in(manifest: Mapping[str, Any]) -> frozenset[tuple[str, str, str]]:
    """
    Return the workloads of a captured manifest that ran, by namespace, kind and name.

    What was captured at 0 replicas, or suspended, did not.
    """
    return frozenset(
        (text(mapping(item, "metadata").get("namespace")), text(item.get("kind")), name_of(item))
        for item in mappings(manifest.get("items"))
        if _ran(item)
    )


def _ran(item: KubernetesObject) -> bool:
    spec = mapping(item, "spec")
    match item.get("kind"):
        case "Deployment" | "StatefulSet":
            return count(spec.get("replicas"), 1) > 0
        case "DaemonSet":
            return True
        case "CronJob":
            return spec.get("suspend") is not True
        case _:
            return False


Owner = tuple[str, str]
"""A kind and a name, within one namespace."""


def pods_by_workload(
    pods: Sequence[KubernetesObject], replica_sets: Sequence[KubernetesObject]
) -> Mapping[Owner, Sequence[KubernetesObject]]:
    """Return each workload's pods; a ReplicaSet's belong to the Deployment that controls it."""
    above = {name_of(r): _controller(r) for r in replica_sets}
    found = dict[Owner, list[KubernetesObject]]()
    for pod in sorted(pods, key=name_of):
        owner = _controller(pod)
        if owner is not None and owner[0] == "ReplicaSet":
            owner = above.get(owner[1]) or owner
        if owner is not None:
            found.setdefault(owner, []).append(pod)
    return found


def _controller(item: KubernetesObject) -> Owner | None:
    for each in mappings(mapping(item, "metadata").get("ownerReferences")):
        if each.get("controller") is True:
            return text(each.get("kind")), text(each.get("name"))
    return None


_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PINNED = re.compile(r".+@sha256:[0-9a-f]{64}")
_OVER = frozenset({"Succeeded", "Failed"})


def is_pinned(image: str) -> bool:
    """Return whether an image names its digest."""
    return _PINNED.fullmatch(image) is not None


def digest_in(reference: str) -> str:
    """Return the digest in a reference to an image, or an empty text."""
    found = _DIGEST.search(reference)
    return found[0] if found else ""


def live_pods(pods: Sequence[KubernetesObject]) -> Sequence[KubernetesObject]:
    """Return the pods that run or are to run: neither over nor on their way out."""
    return [
        p
        for p in pods
        if "deletionTimestamp" not in mapping(p, "metadata")
        and text(mapping(p, "status").get("phase")) not in _OVER
    ]
