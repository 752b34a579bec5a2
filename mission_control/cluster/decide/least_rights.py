"""
What an account has to be allowed at least, so that everything is read that is read of a cluster.

It is derived from the table that the guard of the API server's edge has: no role grants what is
never asked for, and nothing is asked for that no role grants.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from mission_control.cluster.model.facts import BindingFacts, RoleFacts, Rule, SubjectRef
from mission_control.cluster.model.resources import CORE, METRICS, RESOURCES, STARTERS, Resource
from mission_control.model.cluster_identity import NAMESPACE
from mission_control.model.fleet import ClusterAccess
from mission_control.model.kill_switch import KILL_SWITCH_MAP

ROLE = "mission-control-reader"
"""What every role and binding of ours is called."""
LIST, GET = ("list",), ("get",)


@dataclass(frozen=True, slots=True)
class LeastRights:
    """An account, and the roles and bindings that it needs; those of no namespace come last."""

    account: SubjectRef
    roles: tuple[RoleFacts, ...]
    bindings: tuple[BindingFacts, ...]


def least_rights(access: ClusterAccess, account: SubjectRef) -> LeastRights:
    """
    Return what an account needs to read a fleet's cluster, and no more (docs/semantics.md#R10.5).

    In each watched namespace a Role lists what is listed there, and gets logs and, in the floor's
    own, the kill switch's ConfigMap by its name. A ClusterRole holds what belongs to no namespace
    alone: the namespaces by their names, kube-system for the cluster's UID.
    """
    namespaces = tuple(sorted({*access.namespaces}))
    inside = [RoleFacts(n, ROLE, _rules_inside(n, access.floor_namespace)) for n in namespaces]
    roles = (*inside, RoleFacts("", ROLE, _rules_outside(namespaces)))
    bindings = tuple(
        BindingFacts(r.namespace, ROLE, "Role" if r.namespace else "ClusterRole", ROLE, (account,))
        for r in roles
    )
    return LeastRights(account, roles, bindings)


def _rules_inside(namespace: str, floor: str) -> tuple[Rule, ...]:
    listed = [r for r in (*RESOURCES.values(), *STARTERS.values()) if r.namespaced]
    switch = Rule(GET, ("",), ("configmaps",), (KILL_SWITCH_MAP,))
    return (
        Rule(GET, ("",), ("pods/log",)),
        *((switch,) if namespace == floor else ()),
        *_listing([*_by_group(listed), (_group(METRICS), "pods")]),
    )


def _rules_outside(namespaces: tuple[str, ...]) -> tuple[Rule, ...]:
    listed = [r for r in RESOURCES.values() if not r.namespaced and r.name != "namespaces"]
    named = tuple(sorted({*namespaces, NAMESPACE}))
    return (
        Rule(GET, ("",), ("namespaces",), named),
        *_listing([*_by_group(listed), (_group(METRICS), "nodes")]),
    )


def _by_group(resources: Iterable[Resource]) -> Iterable[tuple[str, str]]:
    return ((_group(root), r.name) for r in resources for root in r.roots)


def _group(root: str) -> str:
    """Return the group of an API root, whose versions all have the same rights."""
    return "" if root == CORE else root.split("/")[2]


def _listing(wanted: Iterable[tuple[str, str]]) -> Iterable[Rule]:
    """Yield one rule for each group, by its name."""
    held = defaultdict[str, set[str]](set)
    for group, resource in wanted:
        held[group].add(resource)
    for group, resources in sorted(held.items()):
        yield Rule(LIST, (group,), tuple(sorted(resources)))
