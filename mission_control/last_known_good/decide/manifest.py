"""What of a namespace is captured, as one list in the order in which it is applied."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mission_control.cluster.decide.environment import digest_config_map
from mission_control.cluster.model.facts import LIST_OF_KIND, list_source
from mission_control.cluster.model.further import KubernetesObject
from mission_control.last_known_good.decide.parts import (
    containers_of,
    find_oddity,
    mapping,
    mappings,
    name_of,
    pod_spec_of,
    pods_by_workload,
    text,
    title_of,
)
from mission_control.last_known_good.decide.pinning import Pinned, is_pinned, pin_workload
from mission_control.last_known_good.decide.sanitise import find_secrets, sanitise
from mission_control.last_known_good.decide.specifications import digest_specifications
from mission_control.last_known_good.model import (
    PRIORITY_CLASSES,
    WORKLOAD_KINDS,
    Component,
    LkgManifest,
    LkgRefused,
    ObservedSwitch,
)
from mission_control.model.kill_switch import KILL_SWITCH_KEY, KILL_SWITCH_MAP, SAFETY_MAP
from mission_control.redaction.decide.secrecy import redact_text

MODE_VARIABLES = ("AGENT_MODE", "EXECUTION_MODE", "PAPER_TRADING", "SHADOW_MODE", "TRADING_MODE")
FROM_ELSEWHERE = "valueFrom"
Reference = tuple[str, str]
"""A kind and a name."""


def find_references(workloads: Sequence[KubernetesObject]) -> Mapping[str, tuple[str, ...]]:
    """Return the names that workloads refer to, by kind, each once and sorted."""
    found = dict[str, set[str]]()
    for workload in workloads:
        spec = pod_spec_of(workload)
        for kind, name in _references(spec):
            if name:
                found.setdefault(kind, set()).add(name)
    return {kind: tuple(sorted(found[kind])) for kind in sorted(found)}


def _references(spec: Mapping[str, Any]) -> Iterator[Reference]:
    yield "PriorityClass", text(spec.get("priorityClassName"))
    yield "ServiceAccount", text(spec.get("serviceAccountName"))
    for secret in mappings(spec.get("imagePullSecrets")):
        yield "Secret", name_of({"metadata": secret})
    for _, container in containers_of(spec):
        for source in mappings(container.get("envFrom")):
            yield "ConfigMap", text(mapping(source, "configMapRef").get("name"))
            yield "Secret", text(mapping(source, "secretRef").get("name"))
        for variable in mappings(container.get("env")):
            given = mapping(variable, "valueFrom")
            yield "ConfigMap", text(mapping(given, "configMapKeyRef").get("name"))
            yield "Secret", text(mapping(given, "secretKeyRef").get("name"))
    for volume in mappings(spec.get("volumes")):
        claim = mapping(volume, "persistentVolumeClaim")
        yield "PersistentVolumeClaim", text(claim.get("claimName"))
        for source in (volume, *mappings(mapping(volume, "projected").get("sources"))):
            held = mapping(source, "secret")
            yield "ConfigMap", text(mapping(source, "configMap").get("name"))
            yield "Secret", text(held.get("secretName")) or text(held.get("name"))


def find_modes(workloads: Sequence[KubernetesObject]) -> Mapping[str, tuple[str, ...]]:
    """Return the values set for each mode variable, sorted, as the predecessor wrote them."""
    found = dict[str, set[str]]()
    for workload in workloads:
        for _, container in containers_of(pod_spec_of(workload)):
            for variable in mappings(container.get("env")):
                name = text(variable.get("name"))
                if name in MODE_VARIABLES:
                    elsewhere = FROM_ELSEWHERE if mapping(variable, "valueFrom") else ""
                    found.setdefault(name, set()).add(text(variable.get("value")) or elsewhere)
    return {name: tuple(sorted(found[name])) for name in sorted(found)}


ENGAGED = "1"
"""What the kill switch is in every manifest, whatever was observed."""
HIGH_PRIORITY: Mapping[str, Any] = {
    "apiVersion": "scheduling.k8s.io/v1",
    "kind": "PriorityClass",
    "metadata": {"name": "high-priority"},
    "value": 1_000_000,
}
"""The fleet's class, for a cluster that has none."""
_BUILT_IN = "system-"
_BEFORE_WORKLOADS = (
    "services",
    "roles",
    "rolebindings",
    "networkpolicies",
    "poddisruptionbudgets",
)
_CAPTURED_MAPS = (KILL_SWITCH_MAP, SAFETY_MAP)
_MOST_REASONS = 20
_MOST_VALUE, _BEYOND = 64, 2_048
"""So much of the observed switch is kept, and so much of it redacted before it is cut."""

Lists = Mapping[str, Sequence[KubernetesObject]]


@dataclass(frozen=True, slots=True)
class ReadNamespace:
    """A namespace as it was read at `at`: the object itself, and every list by its resource."""

    name: str
    itself: KubernetesObject
    lists: Lists
    at: datetime


def make_manifest(read: ReadNamespace) -> LkgManifest | LkgRefused:
    """
    Make the manifest of a namespace (docs/semantics.md#12), or say why there can be none.

    Nothing is left out silently: one object that cannot be pinned, read or shown refuses the whole.
    """
    troubles = list(_troubles(read))
    if troubles:
        return _refuse(troubles)
    pods = pods_by_workload(read.lists["pods"], read.lists["replicasets"])
    pinned = list[Pinned]()
    for workload in _workloads(read.lists):
        owner = (text(workload.get("kind")), name_of(workload))
        made = pin_workload(workload, sanitise(workload), pods.get(owner, ()))
        if isinstance(made, LkgRefused):
            troubles += made.reasons
        else:
            pinned.append(made)
    if troubles:
        return _refuse(troubles)
    synthesised = list[str]()
    items = tuple(_items(read, pinned, synthesised))
    secrets = [s for item in items for s in find_secrets(item)]
    if secrets:
        says = "looks like a secret, which no artifact may hold: move it into a Secret"
        return _refuse([f"{where} {says}" for where in secrets])
    return _complete(read, items, tuple(p.component for p in pinned), tuple(synthesised))


def _refuse(troubles: Sequence[str]) -> LkgRefused:
    told = sorted(troubles)
    left = len(told) - _MOST_REASONS
    more = (f"and {left} more",) if left > 0 else ()
    return LkgRefused((*told[:_MOST_REASONS], *more))


def _workloads(lists: Lists) -> Iterator[KubernetesObject]:
    for kind in WORKLOAD_KINDS:
        yield from _sorted(lists[LIST_OF_KIND[kind]])


def _sorted(items: Sequence[KubernetesObject]) -> Sequence[KubernetesObject]:
    return sorted(items, key=name_of)


def _captured(read: ReadNamespace) -> Iterator[KubernetesObject]:
    """Return every captured object as it was read."""
    yield read.itself
    yield from _sorted(read.lists["serviceaccounts"])
    yield from _priority_classes(read)
    yield from (m for m in _sorted(read.lists["configmaps"]) if name_of(m) in _CAPTURED_MAPS)
    for resource in _BEFORE_WORKLOADS:
        yield from _sorted(read.lists[resource])
    yield from _workloads(read.lists)
    yield from _sorted(read.lists["cronjobs"])


def _troubles(read: ReadNamespace) -> Iterator[str]:
    """Say why a capture of these objects would be untrue."""
    if not any(True for _ in _workloads(read.lists)):
        yield f"the namespace {read.name} holds no workload, so there is nothing known to be good"
    for item in _captured(read):
        title, metadata = title_of(item), mapping(item, "metadata")
        if not name_of(item):
            yield f"{title}: it has no name"
        if text(metadata.get("namespace")) not in {"", read.name}:
            yield f"{title}: it says that it belongs to another namespace"
        if "deletionTimestamp" in metadata:
            yield f"{title}: it is being deleted; capture again when that is over"
        if mapping(item, "binaryData"):
            yield f"{title}: its binary data cannot be looked through for secrets"
        odd = find_oddity(item)
        if odd:
            yield f"{title}: {odd}"


def _priority_classes(read: ReadNamespace) -> Sequence[KubernetesObject]:
    """Return the classes that workloads name and the fleet's own; built-in ones are everywhere."""
    workloads = [*_workloads(read.lists), *read.lists["cronjobs"]]
    named = find_references(workloads).get("PriorityClass", ())
    wanted = {*named, name_of(HIGH_PRIORITY)}
    there = _sorted(read.lists[PRIORITY_CLASSES])
    return [c for c in there if name_of(c) in wanted and not name_of(c).startswith(_BUILT_IN)]


def _items(
    read: ReadNamespace, pinned: Sequence[Pinned], synthesised: list[str]
) -> Iterator[KubernetesObject]:
    """Return the manifest's objects in order; add the names of invented ones to `synthesised`."""
    yield sanitise(read.itself)
    yield from map(sanitise, _sorted(read.lists["serviceaccounts"]))
    classes = [sanitise(c) for c in _priority_classes(read)]
    if name_of(HIGH_PRIORITY) not in map(name_of, classes):
        synthesised.append(title_of(HIGH_PRIORITY))
        classes.append(dict(HIGH_PRIORITY))
    yield from _sorted(classes)
    maps = {name_of(m): m for m in read.lists["configmaps"]}
    if KILL_SWITCH_MAP not in maps:
        synthesised.append(f"ConfigMap/{KILL_SWITCH_MAP}")
    yield _engaged(maps.get(KILL_SWITCH_MAP), read.name)
    if SAFETY_MAP in maps:
        yield sanitise(maps[SAFETY_MAP])
    for resource in _BEFORE_WORKLOADS:
        yield from map(sanitise, _sorted(read.lists[resource]))
    yield from (p.workload for p in pinned)
    yield from map(sanitise, _sorted(read.lists["cronjobs"]))


def _engaged(switch: KubernetesObject | None, namespace: str) -> KubernetesObject:
    """Return the kill switch's ConfigMap, engaged."""
    metadata = {"name": KILL_SWITCH_MAP, "namespace": namespace}
    made: Mapping[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    held = sanitise(switch) if switch is not None else made
    return {**held, "data": {**mapping(held, "data"), KILL_SWITCH_KEY: ENGAGED}}


def _complete(
    read: ReadNamespace,
    items: tuple[KubernetesObject, ...],
    components: tuple[Component, ...],
    synthesised: tuple[str, ...],
) -> LkgManifest:
    workloads = [*_workloads(read.lists), *_sorted(read.lists["cronjobs"])]
    maps = {name_of(m): m for m in read.lists["configmaps"]}
    named = find_references(workloads)
    watched = {*named.get("ConfigMap", ()), *_CAPTURED_MAPS}
    there = {(text(i.get("kind")), name_of(i)) for i in items}
    needs = {
        kind: tuple(n for n in names if (kind, n) not in there and not n.startswith(_BUILT_IN))
        for kind, names in named.items()
    }
    held = mapping(maps.get(KILL_SWITCH_MAP), "data").get(KILL_SWITCH_KEY)
    value = redact_text(held[:_BEYOND])[:_MOST_VALUE] if isinstance(held, str) else None
    source = list_source("configmaps", read.name)
    return LkgManifest(
        namespace=read.name,
        items=items,
        components=components,
        switch=ObservedSwitch(value, read.at, source),
        loose_images=tuple(_loose_images(read.lists["cronjobs"])),
        config_maps={f"{read.name}/{name}": _digest(maps.get(name)) for name in sorted(watched)},
        needs={kind: names for kind, names in needs.items() if names},
        modes=find_modes(workloads),
        synthesised=synthesised,
        specifications=digest_specifications(read.lists),
    )


def _digest(config_map: KubernetesObject | None) -> str | None:
    """Return the digest of a ConfigMap's data; None for one that is not there."""
    if config_map is None:
        return None
    return digest_config_map(mapping(config_map, "data"), mapping(config_map, "binaryData"))


def _loose_images(cron_jobs: Sequence[KubernetesObject]) -> Iterator[tuple[str, str, str]]:
    """Name the images of CronJobs that no digest pins: what ran is not known."""
    for cron_job in _sorted(cron_jobs):
        for _, container in containers_of(pod_spec_of(cron_job)):
            image = text(container.get("image"))
            if not is_pinned(image):
                yield title_of(cron_job), text(container.get("name")), image
