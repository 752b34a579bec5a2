"""Decide: which pods belong to which workload, by who controls whom."""

from collections.abc import Mapping, Sequence

from mission_control.decide.lkg.parts import mapping, mappings, name_of, text
from mission_control.model.cluster.raw import KubernetesObject

Owner = tuple[str, str]
"""A kind and a name, within one namespace."""


def pods_by_workload(
    pods: Sequence[KubernetesObject], replica_sets: Sequence[KubernetesObject]
) -> Mapping[Owner, Sequence[KubernetesObject]]:
    """Give each workload's pods; a ReplicaSet's belong to the Deployment that controls it."""
    above = {name_of(r): _controller(r) for r in replica_sets}
    found = dict[Owner, list[KubernetesObject]]()
    for pod in sorted(pods, key=name_of):
        owner = _controller(pod)
        if owner is not None and owner[0] == "ReplicaSet":
            owner = above.get(owner[1]) or owner
        if owner is not None:
            found.setdefault(owner, []).append(pod)
    return found


def _controller(item: KubernetesObject) -> Owner | None:
    for each in mappings(mapping(item, "metadata").get("ownerReferences")):
        if each.get("controller") is True:
            return text(each.get("kind")), text(each.get("name"))
    return None
