"""A namespace as one list in the order of applying, its images pinned to the digests that run."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mission_control.cluster.decide.environment import digest_config_map
from mission_control.cluster.model.facts import LIST_OF_KIND, KubernetesObject, list_source
from mission_control.documents.raw import mapping, mappings, text
from mission_control.last_known_good.decide.parts import (
    containers_of,
    count,
    digest_in,
    find_oddity,
    is_pinned,
    live_pods,
    name_of,
    pod_spec_of,
    pods_by_workload,
    title_of,
)
from mission_control.last_known_good.decide.sanitise import (
    digest_specifications,
    find_secrets,
    sanitise,
)
from mission_control.last_known_good.model import (
    PRIORITY_CLASSES,
    WORKLOAD_KINDS,
    Component,
    ContainerPin,
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


_PREFIXES = re.compile(r"^(?:docker-pullable|docker|containerd)://")


@dataclass(frozen=True, slots=True)
class Pinned:
    """A workload whose images are pinned, and what that made of each container."""

    workload: Mapping[str, Any]
    component: Component


def desired_of(workload: KubernetesObject) -> int:
    """Return how many pods a workload wants; what is left out means 1, as Kubernetes takes it."""
    if workload.get("kind") == "DaemonSet":
        return count(mapping(workload, "status").get("desiredNumberScheduled"), 1)
    return count(mapping(workload, "spec").get("replicas"), 1)


def pin_workload(
    workload: KubernetesObject, plain: Mapping[str, Any], pods: Sequence[KubernetesObject]
) -> Pinned | LkgRefused:
    """
    Pin a workload's images to what its pods run; `plain` is the sanitised workload.

    A workload that wants no pods keeps the digests it has; one without any stays at 0 replicas and
    says so. Any doubt about what runs refuses.
    """
    title, desired, live = title_of(workload), desired_of(workload), live_pods(pods)
    containers = list(containers_of(pod_spec_of(workload)))
    troubles = list(_doubts(workload, containers, desired, live))
    if troubles:
        return LkgRefused(tuple(f"{title}: {t}" for t in troubles))
    pins = list[ContainerPin]()
    for init, container in containers:
        pin = _pin(init, container, live if desired else ())
        if isinstance(pin, str):
            troubles.append(pin)
        else:
            pins.append(pin)
    if workload.get("kind") == "DaemonSet":  # nothing keeps one at 0: the next node starts it
        told = "no digest is known of container {}, and no DaemonSet can be kept at 0 replicas"
        troubles += [told.format(pin.container) for pin in pins if not pin.pinned]
    if troubles:
        return LkgRefused(tuple(f"{title}: {t}" for t in troubles))
    return Pinned(_with_images(plain, pins), _component(workload, desired, containers, pins))


def _doubts(
    workload: KubernetesObject,
    containers: Sequence[tuple[bool, Mapping[str, Any]]],
    desired: int,
    live: Sequence[KubernetesObject],
) -> Iterator[str]:
    names = [text(c.get("name")) for _, c in containers]
    if not containers or "" in names or len(set(names)) < len(names):
        yield "its pod template has no containers that can be told apart"
    if any(not text(c.get("image")) for _, c in containers):
        yield "a container of it names no image"
    if desired:
        yield from _unsettled(workload, desired)
        if not live:
            yield f"it wants {desired} pods and none runs, so what it ran is not known"


def _unsettled(workload: KubernetesObject, desired: int) -> Iterator[str]:
    """Say why the running pods are not yet those of the specification."""
    status = mapping(workload, "status")
    generation = count(mapping(workload, "metadata").get("generation"), 0)
    if count(status.get("observedGeneration"), -1) < generation:
        yield "its newest specification was not taken up yet"
        return
    daemon = workload.get("kind") == "DaemonSet"
    updated = count(status.get("updatedNumberScheduled" if daemon else "updatedReplicas"), 0)
    there = count(status.get("currentNumberScheduled" if daemon else "replicas"), 0)
    if not updated == there == desired:
        yield f"it is rolling out: {updated} of {there} pods are new, {desired} are wanted"


def _pin(
    init: bool,  # noqa: FBT001  (a fact)
    container: Mapping[str, Any],
    live: Sequence[KubernetesObject],
) -> ContainerPin | str:
    name, image = text(container.get("name")), text(container.get("image"))
    found = [(name_of(p), _image_id(p, name)) for p in live]
    running = tuple(sorted({d for _, i in found if (d := digest_in(i))}))
    if is_pinned(image):
        return ContainerPin(name, init, image, image, pinned=True, running=running)
    if not live:
        return ContainerPin(name, init, image, image, pinned=False)
    made_of = ((name_of(p), _specified(p, name)) for p in live)
    other = sorted(pod for pod, i in made_of if i not in {"", image} and not is_pinned(i))
    if other:
        return f"pod {other[0]} was made with another image in container {name}"
    untold = sorted(pod for pod, image_id in found if not digest_in(image_id))
    if untold:
        return f"pod {untold[0]} does not report which image its container {name} runs"
    if len(running) > 1:
        return f"its pods run different images in container {name}: {', '.join(running)}"
    references = sorted(_reference(image, image_id) for _, image_id in found)
    return ContainerPin(name, init, image, references[0], pinned=True, running=running)


def _image_id(pod: KubernetesObject, container: str) -> str:
    status = mapping(pod, "status")
    for group in ("initContainerStatuses", "containerStatuses"):
        for state in mappings(status.get(group)):
            if state.get("name") == container:
                return text(state.get("imageID"))
    return ""


def _specified(pod: KubernetesObject, container: str) -> str:
    """Return the image that a pod was made with; an admission plugin may have pinned it."""
    for _, each in containers_of(mapping(pod, "spec")):
        if each.get("name") == container:
            return text(each.get("image"))
    return ""


def _reference(image: str, image_id: str) -> str:
    """Return the node's reference, or the specified image at the node's digest."""
    plain = _PREFIXES.sub("", image_id)
    return plain if is_pinned(plain) else f"{image}@{digest_in(plain)}"


def _with_images(plain: Mapping[str, Any], pins: Sequence[ContainerPin]) -> Mapping[str, Any]:
    images = {p.container: p.image for p in pins}
    spec = dict(mapping(plain, "spec"))
    template = dict(mapping(spec, "template"))
    pod_spec = dict(mapping(template, "spec"))
    for group in ("initContainers", "containers"):
        if group in pod_spec:
            pod_spec[group] = [
                {**c, "image": images[text(c.get("name"))]} for c in mappings(pod_spec[group])
            ]
    return {**plain, "spec": {**spec, "template": {**template, "spec": pod_spec}}}


def _component(
    workload: KubernetesObject,
    desired: int,
    containers: Sequence[tuple[bool, Mapping[str, Any]]],
    pins: Sequence[ContainerPin],
) -> Component:
    pod_spec = pod_spec_of(workload)
    metadata = mapping(workload, "metadata")
    return Component(
        kind=text(workload.get("kind")),
        name=name_of(workload),
        namespace=text(metadata.get("namespace")),
        replicas=desired,
        generation=count(metadata.get("generation"), 0),
        service_account=text(pod_spec.get("serviceAccountName")),
        containers=tuple(pins),
        env_names={
            text(c.get("name")): tuple(
                sorted({text(e.get("name")) for e in mappings(c.get("env"))})
            )
            for _, c in containers
        },
    )


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
