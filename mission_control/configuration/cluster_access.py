"""Configuration: which cluster is read and how; that none is read is configured as well."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from mission_control.configuration.agent_details import kubernetes_name, read_file_path
from mission_control.configuration.problems import Problems
from mission_control.configuration.yaml_value import Value
from mission_control.model.fleet import NO_CLUSTER, ClusterAccess, Fleet

EXECUTION_NAMESPACE = "agenttrader"
"""The namespace in which the execution agent is locked at 0 replicas (status contract, d)."""
MAX_NAMESPACES = 16


class AccessKind(StrEnum):
    """How the API server is found and who we are to it."""

    NONE = NO_CLUSTER
    IN_CLUSTER = "in-cluster"
    KUBECONFIG = "kubeconfig"


def read_cluster(value: Value | None, folder: Path, problems: Problems) -> ClusterAccess | None:
    """
    Read the fleet file's `cluster`; None for none, or after noting a problem.

    Namespaces left out are settled with the settings (`settle_cluster`).
    """
    if value is None:
        return None
    if value.kind != "map":
        return _access(value.choice(AccessKind, problems))
    fields = value.fields(("access", "context", "kubeconfig", "namespaces"), problems)
    chosen = fields.get("access")
    kind = AccessKind.KUBECONFIG if chosen is None else chosen.choice(AccessKind, problems)
    access = _access(kind)
    if access is None or access.in_cluster:
        for key in ("context", "kubeconfig"):
            if key in fields and kind is not None:
                fields[key].refuse(problems, f"means nothing with {kind.value}", "take it out")
    if access is None:
        return None
    context, kubeconfig = fields.get("context"), fields.get("kubeconfig")
    return replace(
        access,
        namespaces=_namespaces(fields.get("namespaces"), problems),
        context=context.text(problems, at_most=253) if context else None,
        kubeconfig=read_file_path(kubeconfig, folder, problems) if kubeconfig else None,
    )


def _access(kind: AccessKind | None) -> ClusterAccess | None:
    if kind is None or kind is AccessKind.NONE:
        return None
    return ClusterAccess((), "", in_cluster=kind is AccessKind.IN_CLUSTER)


def _namespaces(value: Value | None, problems: Problems) -> tuple[str, ...]:
    if value is None:
        return ()
    items = value.items(problems, at_most=MAX_NAMESPACES)
    if not items:
        value.refuse(problems, "lists no namespace", "list one, or leave it out")
    return tuple(kubernetes_name(item, problems) for item in items)


def settle_cluster(
    fleet: Fleet, namespace: str, context: str | None, kubeconfig: Path | None
) -> Fleet:
    """
    Give the fleet with its cluster as the settings have it.

    Who names a context or a kubeconfig means a cluster, also where the fleet file names none. The
    floor's namespace is always watched; so is the execution agent's, unless the file lists others.
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
    return replace(fleet, access=settled, cluster=_name(settled))


def _name(access: ClusterAccess) -> str:
    if access.in_cluster:
        return AccessKind.IN_CLUSTER.value
    return f"context {access.context}" if access.context else "current context"
