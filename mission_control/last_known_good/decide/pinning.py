"""Every image of a workload pinned to the digest that really runs."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mission_control.cluster.model.further import KubernetesObject
from mission_control.last_known_good.decide.parts import (
    containers_of,
    count,
    mapping,
    mappings,
    name_of,
    pod_spec_of,
    text,
    title_of,
)
from mission_control.last_known_good.model import Component, ContainerPin, LkgRefused

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PINNED = re.compile(r".+@sha256:[0-9a-f]{64}")
_PREFIXES = re.compile(r"^(?:docker-pullable|docker|containerd)://")
_OVER = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True)
class Pinned:
    """A workload whose images are pinned, and what that made of each container."""

    workload: Mapping[str, Any]
    component: Component


def is_pinned(image: str) -> bool:
    """Return whether an image names its digest."""
    return _PINNED.fullmatch(image) is not None


def digest_in(reference: str) -> str:
    """Return the digest in a reference to an image; an empty text where there is none."""
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
    troubles = list(_troubles(workload, containers, desired, live))
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
        troubles += [told.format(pin.name) for pin in pins if not pin.pinned]
    if troubles:
        return LkgRefused(tuple(f"{title}: {t}" for t in troubles))
    return Pinned(_with_images(plain, pins), _component(workload, desired, containers, pins))


def _troubles(
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
    images = {p.name: p.image for p in pins}
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
