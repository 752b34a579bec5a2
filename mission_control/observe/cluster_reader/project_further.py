"""Cluster reader: Services and nodes to facts. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from mission_control.model.cluster.further import NodeFacts, PodUsage, ServiceFacts
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.observe.cluster_reader.project_containers import clean
from mission_control.observe.cluster_reader.project_objects import labels_of
from mission_control.observe.cluster_reader.shapes import Condition, Loose, Named

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
    """Give a Service's facts."""
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
    """Give a node's facts; a node without any condition is not known to be ready."""
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
    """Give what containers use; metrics that cannot be understood were not seen."""
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
