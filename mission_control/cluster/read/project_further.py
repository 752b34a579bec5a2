"""Services and nodes to facts. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from mission_control.cluster.decide.environment import digest_config_map
from mission_control.cluster.decide.modes import is_safety_map
from mission_control.cluster.model.facts import ConfigMapFacts
from mission_control.cluster.model.further import NodeFacts, PodUsage, ServiceFacts
from mission_control.cluster.model.objects import (
    WATCHED_ENV,
    Container,
    PodFacts,
    StarterFacts,
    WorkloadFacts,
)
from mission_control.cluster.read.project_containers import clean
from mission_control.cluster.read.project_objects import labels_of, required
from mission_control.cluster.read.shapes import Condition, ConfigMapShape, Loose, Named
from mission_control.model.kill_switch import KILL_SWITCH_MAP, SAFETY_MAP
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.redaction.redact import MASK, is_secret_key

_GOOD = {"Ready": "True"}
"""What a condition should be; of any other the good value is False."""


class Port(Loose):
    """A port of a Service."""

    port: int
    name: str | None = None
    protocol: str | None = None
    target_port: str | int | None = None


class ServiceSpec(Loose):
    """A Service's specification."""

    type: str | None = None
    cluster_ip: str | None = msgspec.field(default=None, name="clusterIP")
    ports: list[Port] | None = None
    selector: dict[str, str] | None = None


class ServiceShape(Named, kw_only=True):
    """A Service."""

    spec: ServiceSpec


class NodeSpec(Loose):
    """A node's specification."""

    unschedulable: bool | None = None


class NodeStatus(Loose):
    """A node's status."""

    conditions: list[Condition] | None = None


class NodeShape(Named, kw_only=True):
    """A node."""

    spec: NodeSpec = msgspec.field(default_factory=NodeSpec)
    status: NodeStatus


class UsedShape(Loose):
    """What one container uses."""

    name: str
    usage: dict[str, str]


class UsageShape(Named, kw_only=True):
    """What one pod uses."""

    containers: list[UsedShape]


SERVICE = msgspec.json.Decoder(ServiceShape)
NODE = msgspec.json.Decoder(NodeShape)


def project_service(shape: ServiceShape) -> ServiceFacts:
    """Return a Service's facts."""
    spec = shape.spec
    return ServiceFacts(
        clean(shape.metadata.namespace),
        clean(shape.metadata.name),
        clean(spec.type) or "ClusterIP",
        clean(spec.cluster_ip),
        tuple(_port(p) for p in spec.ports or ()),
        {clean(k): clean(v) for k, v in sorted((spec.selector or {}).items())},
        labels_of(shape.metadata),
    )


def _port(port: Port) -> str:
    name = f"{clean(port.name)} " if port.name else ""
    return f"{name}{port.port}->{port.target_port or port.port}/{clean(port.protocol) or 'TCP'}"


def project_node(shape: NodeShape) -> NodeFacts:
    """Return a node's facts; a node without any condition is not known to be ready."""
    conditions = shape.status.conditions or ()
    troubles = [
        f"{clean(c.type)} is {clean(c.status)}"
        for c in conditions
        if c.status != _GOOD.get(c.type, "False")
    ]
    ready = any(c.type == "Ready" and c.status == "True" for c in conditions)
    return NodeFacts(
        clean(shape.metadata.name),
        ready,
        not shape.spec.unschedulable,
        tuple(sorted(troubles)) if ready or troubles else ("it tells no condition",),
    )


def project_usage(
    read: Seen[tuple[Mapping[str, Any], ...]], namespace: str
) -> Seen[tuple[PodUsage, ...]] | Unseen:
    """Return what containers use; metrics that cannot be understood were not seen."""
    try:
        pods = [msgspec.convert(each, UsageShape) for each in read.value]
    except msgspec.ValidationError as error:
        detail = f"no metrics of pods: {error}"[:200]
        return Unseen(UnseenReason.CONTRACT_INVALID, read.at, read.took, detail)
    used = tuple(use for pod in pods for use in _used(pod, namespace))
    return Seen(used, read.at, read.took)


def _used(pod: UsageShape, namespace: str) -> Iterator[PodUsage]:
    name = clean(pod.metadata.name)
    for each in pod.containers:
        cpu, memory = each.usage.get("cpu", ""), each.usage.get("memory", "")
        yield PodUsage(namespace, name, clean(each.name), clean(cpu), clean(memory))


IN_FULL = frozenset({KILL_SWITCH_MAP, SAFETY_MAP})
"""ConfigMaps that are kept with all their values; all others as name, keys and digest."""

CONFIG_MAP = msgspec.json.Decoder(ConfigMapShape)


class Wanted(NamedTuple):
    """Which values of which ConfigMaps the environment of a container refers to."""

    keys: Collection[tuple[str, str, str]]
    prefixes: Collection[tuple[str, str, str]]
    watched: Collection[str] = WATCHED_ENV

    def wants(self, namespace: str, name: str, key: str) -> bool:
        """Return whether a watched variable comes from this key, or it is a setting of safety."""
        if (namespace, name, key) in self.keys:
            return True
        if key.upper() in self.watched and is_safety_map(name):
            return True
        return any(
            (namespace, name) == (ns, map_) and prefix + key in self.watched
            for ns, map_, prefix in self.prefixes
        )


def find_wanted(
    things: Iterable[WorkloadFacts | PodFacts | StarterFacts],
    watched: Collection[str] = WATCHED_ENV,
) -> Wanted:
    """Find the ConfigMap keys that watched variables come from."""
    keys, prefixes = set[tuple[str, str, str]](), set[tuple[str, str, str]]()
    for thing in things:
        for container in thing.containers:
            _collect(thing.namespace, container, keys, prefixes)
    return Wanted(frozenset(keys), tuple(sorted(prefixes)), watched)


def _collect(
    namespace: str,
    container: Container,
    keys: set[tuple[str, str, str]],
    prefixes: set[tuple[str, str, str]],
) -> None:
    for variable in container.env:
        ref = variable.ref
        if ref is not None and ref.kind == "ConfigMap":
            keys.add((namespace, ref.name, ref.key))
    for source in container.env_from:
        if source.kind == "ConfigMap":
            prefixes.add((namespace, source.name, source.prefix))


def project_config_map(shape: ConfigMapShape, wanted: Wanted) -> ConfigMapFacts:
    """Return a ConfigMap's facts; its digest covers all of its data, the kept values are few."""
    namespace = required(shape.metadata.namespace, "namespace")
    name = required(shape.metadata.name, "name")
    data, binary = shape.data or {}, shape.binary_data or {}
    kept = {
        clean(key): MASK if is_secret_key(key) else clean(value, 4096)
        for key, value in sorted(data.items())
        if name in IN_FULL or wanted.wants(namespace, name, key)
    }
    keys = tuple(sorted(clean(key) for key in (*data, *binary)))
    return ConfigMapFacts(namespace, name, digest_config_map(data, binary), keys, kept)
