"""Whether a recorded capture is what a human may put back."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from mission_control.cluster.model.further import KubernetesObject
from mission_control.last_known_good.decide.changes import find_differences
from mission_control.last_known_good.decide.manifest import ENGAGED
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
from mission_control.last_known_good.decide.pinning import is_pinned
from mission_control.last_known_good.decide.sanitise import find_secrets, sanitise
from mission_control.last_known_good.model import WORKLOAD_KINDS
from mission_control.model.kill_switch import KILL_SWITCH_KEY, KILL_SWITCH_MAP

Document = Mapping[str, Any]


def verify_capture(content: bytes, metadata: Document) -> tuple[str, ...]:
    """
    Say everything that is wrong with a recorded manifest; nothing where it can be put back.

    `content` are its bytes as recorded; the caller compares them with the ledger.
    """
    try:
        manifest = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        return (f"the manifest is not JSON: {error}",)
    return tuple(sorted(set(_problems(content, mapping(manifest), metadata))))


def _problems(content: bytes, manifest: Document, metadata: Document) -> Iterator[str]:
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


def _components(items: Sequence[KubernetesObject], metadata: Document) -> Iterator[str]:
    """Name the workloads that only one of the two files holds."""
    held = {title_of(i) for i in items if i.get("kind") in WORKLOAD_KINDS}
    told = {
        f"{text(c.get('kind'))}/{text(c.get('name'))}" for c in mappings(metadata.get("components"))
    }
    for title in sorted(held ^ told):
        yield f"{title}: only one of the manifest and its metadata holds it"
    if not held:
        yield "the manifest holds no workload"
