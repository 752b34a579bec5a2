"""Which cluster the fleet file names, and what the settings make of it."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import ValidationInfo, ValidatorFunctionWrapHandler, field_validator

from mission_control.configuration.yaml_part import (
    Each,
    FilePath,
    KubernetesName,
    Part,
    Reading,
    kind_of,
    listed,
    one_of,
    text,
)
from mission_control.model.fleet import NO_CLUSTER, ClusterAccess, Fleet

EXECUTION_NAMESPACE = "agenttrader"
"""The namespace in which the execution agent is locked at 0 replicas (docs/status_contract.md)."""
MAX_NAMESPACES = 16


class AccessKind(StrEnum):
    """How the API server is found and who we are to it."""

    NONE = NO_CLUSTER
    IN_CLUSTER = "in-cluster"
    KUBECONFIG = "kubeconfig"


def as_mapping(node: yaml.Node) -> yaml.Node:
    """Return a plain `in-cluster` as the mapping of which it is short."""
    if kind_of(node) == "map":
        return node
    key = yaml.ScalarNode("tag:yaml.org,2002:str", "access", node.start_mark)
    return yaml.MappingNode("tag:yaml.org,2002:map", [(key, node)], node.start_mark)


class ClusterEntry(Part):
    """Which cluster is read; namespaces left out are settled with the settings."""

    access: Annotated[AccessKind, one_of(AccessKind)] = AccessKind.KUBECONFIG
    namespaces: Annotated[tuple[Each[KubernetesName], ...], listed(MAX_NAMESPACES)] = ()
    context: Annotated[str, text(253)] | None = None
    kubeconfig: FilePath | None = None

    @field_validator("namespaces", "context", "kubeconfig", mode="wrap")
    @classmethod
    def _of_a_cluster(
        cls, node: object, handler: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> object:
        """Leave the rest unread where no cluster is meant."""
        return None if info.data["access"] in {None, AccessKind.NONE} else handler(node)

    def _check(self, reading: Reading) -> None:
        """Refuse what only a kubeconfig has, and a list of nothing."""
        for key in ("context", "kubeconfig"):
            if self.gives(key) and self.access in {AccessKind.NONE, AccessKind.IN_CLUSTER}:
                problem = f"means nothing with {self.access.value}"
                reading.refuse(self.at(key), problem, "take it out")
        if (
            self.gives("namespaces")
            and self.access in {AccessKind.IN_CLUSTER, AccessKind.KUBECONFIG}
            and not self.namespaces
        ):
            problem = "lists no namespace"
            reading.refuse(self.at("namespaces"), problem, "list one, or leave it out")

    def made(self) -> ClusterAccess | None:
        """Return how the cluster is read; None for no cluster."""
        if self.access is AccessKind.NONE:
            return None
        fields = self.model_dump(exclude={"access"})
        return ClusterAccess(
            **fields, floor_namespace="", in_cluster=self.access is AccessKind.IN_CLUSTER
        )


def settle_cluster(
    fleet: Fleet, namespace: str, context: str | None, kubeconfig: Path | None
) -> Fleet:
    """
    Return the fleet with its cluster as the settings have it.

    A context or a kubeconfig means a cluster, also where the fleet file names none. The floor's
    namespace is always watched; so is the execution agent's, unless the file lists others.
    """
    access = fleet.access
    if context or kubeconfig:
        known = access or ClusterAccess((), "")
        access = replace(
            known,
            in_cluster=False,
            context=context or known.context,
            kubeconfig=str(kubeconfig) if kubeconfig else known.kubeconfig,
        )
    if access is None:
        return fleet
    watched = {namespace, *(access.namespaces or (EXECUTION_NAMESPACE,))}
    settled = replace(access, namespaces=tuple(sorted(watched)), floor_namespace=namespace)
    if settled.in_cluster:
        name = AccessKind.IN_CLUSTER.value
    else:
        name = f"context {settled.context}" if settled.context else "current context"
    return replace(fleet, access=settled, cluster=name)
