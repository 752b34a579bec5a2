"""Digests of what objects ask for; `decide.report_sides` compares them."""

import hashlib
import json
from collections.abc import Mapping, Sequence

from mission_control.cluster.model.further import KubernetesObject
from mission_control.last_known_good.decide.parts import find_oddity, title_of
from mission_control.last_known_good.decide.sanitise import sanitise

SPECIFIED_LISTS = (
    "cronjobs",
    "daemonsets",
    "deployments",
    "networkpolicies",
    "poddisruptionbudgets",
    "rolebindings",
    "roles",
    "serviceaccounts",
    "services",
    "statefulsets",
)
"""The lists whose every object has a digest; ConfigMaps have theirs beside them."""


def digest_specifications(
    lists: Mapping[str, Sequence[KubernetesObject]],
) -> Mapping[str, str | None]:
    """
    Return the SHA-256 in hex of each object without what binds it to its cluster, by its title.

    None for an object that is too deep or odd.
    """
    held = [item for resource in SPECIFIED_LISTS for item in lists.get(resource, ())]
    return {title_of(item): _digest(item) for item in sorted(held, key=title_of)}


def _digest(item: KubernetesObject) -> str | None:
    if find_oddity(item):
        return None
    written = json.dumps(sanitise(item), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()
