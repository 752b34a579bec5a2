"""Decide: what captured workloads refer to: configuration, secrets by name, volumes, classes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mission_control.decide.lkg.parts import (
    containers_of,
    mapping,
    mappings,
    name_of,
    pod_spec_of,
    text,
)
from mission_control.model.cluster.raw import KubernetesObject

MODE_VARIABLES = ("AGENT_MODE", "EXECUTION_MODE", "PAPER_TRADING", "SHADOW_MODE", "TRADING_MODE")
FROM_ELSEWHERE = "valueFrom"
Reference = tuple[str, str]
"""A kind and a name."""


def find_references(workloads: Sequence[KubernetesObject]) -> Mapping[str, tuple[str, ...]]:
    """Give the names that workloads refer to, by kind, each once and sorted."""
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
    """Give what is set for each mode variable, as the predecessor tells it; sorted."""
    found = dict[str, set[str]]()
    for workload in workloads:
        for _, container in containers_of(pod_spec_of(workload)):
            for variable in mappings(container.get("env")):
                name = text(variable.get("name"))
                if name in MODE_VARIABLES:
                    elsewhere = FROM_ELSEWHERE if mapping(variable, "valueFrom") else ""
                    found.setdefault(name, set()).add(text(variable.get("value")) or elsewhere)
    return {name: tuple(sorted(found[name])) for name in sorted(found)}
