"""Decide: digests of what objects ask for, by which a change of any of them is noticed."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from mission_control.decide.lkg.parts import find_oddity, mapping, text, title_of
from mission_control.decide.lkg.sanitise import sanitise
from mission_control.model.cluster.raw import KubernetesObject
from mission_control.model.deploy_report import ReportChange

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
_SHOWN = 12
_ABSENT = "(absent)"

Document = Mapping[str, Any]


def digest_specifications(
    lists: Mapping[str, Sequence[KubernetesObject]],
) -> Mapping[str, str | None]:
    """
    Give the SHA-256 in hex of each object without what binds it to its cluster, by its title.

    None stands for an object of which none can be made, for it is too deep or odd.
    """
    held = [item for resource in SPECIFIED_LISTS for item in lists.get(resource, ())]
    return {title_of(item): _digest(item) for item in sorted(held, key=title_of)}


def _digest(item: KubernetesObject) -> str | None:
    if find_oddity(item):
        return None
    written = json.dumps(sanitise(item), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def find_specification_gaps(which: str, document: Document) -> Iterator[str]:
    """Say what of the specifications a report or a capture does not tell."""
    if not isinstance(document.get("specifications"), Mapping):
        yield f"{which} tells no specifications, so only workloads and ConfigMaps are compared"
    told = document.get("specification_gaps")
    for gap in cast("list[object]", told) if isinstance(told, list) else ():
        yield f"{which} lacks specifications: {gap}"
    for title, digest in sorted(mapping(document, "specifications").items()):
        if not isinstance(digest, str):
            yield f"{which} lacks the specification of {title}"


def compare_specifications(
    namespace: str, before: Document, after: Document
) -> Iterator[ReportChange]:
    """Give the objects that ask for something else than before; none where one tells nothing."""
    if not all(isinstance(d.get("specifications"), Mapping) for d in (before, after)):
        return
    old, new = mapping(before, "specifications"), mapping(after, "specifications")
    for title in sorted(old.keys() | new.keys()):
        was, now = text(old.get(title)), text(new.get(title))
        if was != now:
            shown = was[:_SHOWN] or _ABSENT, now[:_SHOWN] or _ABSENT
            yield ReportChange(f"{namespace}/{title}", "specification digest", *shown)
