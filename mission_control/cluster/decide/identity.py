"""Whether two records are of one cluster; what is not known is never taken for yes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from enum import StrEnum
from typing import Any, cast

from mission_control.model.cluster_identity import CURRENT_CONTEXT, IN_CLUSTER, ClusterIdentity

_NAMES_NOTHING = frozenset({"", CURRENT_CONTEXT, IN_CLUSTER})
"""Contexts that name no cluster: each means the one in use at that time and place."""


class Sameness(StrEnum):
    """Whether two records are of the same cluster."""

    SAME = "SAME"
    DIFFERENT = "DIFFERENT"
    NOT_KNOWN = "NOT_KNOWN"


@dataclass(frozen=True, slots=True)
class ComparedClusters:
    """Whether two records are of one cluster; `detail` says how that is known, or why not."""

    sameness: Sameness
    detail: str

    @property
    def warning(self) -> str:
        """Return what to know before anything is compared; empty where it is one cluster."""
        if self.sameness is Sameness.SAME:
            return ""
        if self.sameness is Sameness.DIFFERENT:
            return f"DIFFERENT CLUSTERS: {self.detail}"
        return f"whether both are of one cluster is not known: {self.detail}"


def read_identity(document: object) -> ClusterIdentity | None:
    """Read what a record tells of its cluster; None where it tells nothing, as old ones do."""
    if not isinstance(document, Mapping):
        return None
    told = cast("Mapping[str, Any]", document)
    context, server, uid, unknown = (
        str(told.get(name) or "") for name in ("context", "server", "uid", "unknown")
    )
    found = ClusterIdentity(context, server, uid, unknown)
    return found if context or server or uid else None


def compare_clusters(
    before: ClusterIdentity | None, after: ClusterIdentity | None
) -> ComparedClusters:
    """
    Return whether two records are of one cluster: by UID, else by server, else by context.

    Where only one side tells what the other does not, the next that both tell decides. Records of
    before clusters were named tell nothing, and so does who read none.
    """
    if before is None or after is None:
        which = "both" if before is after else "the one before" if before is None else "the newer"
        return ComparedClusters(Sameness.NOT_KNOWN, f"not recorded in {which}")
    if not (before.reads or after.reads):
        return ComparedClusters(Sameness.SAME, "neither read a cluster")
    if before.reads != after.reads:
        return ComparedClusters(Sameness.NOT_KNOWN, "one of them read no cluster")
    for what, was, now in (
        ("UID", before.uid, after.uid),
        ("API server", before.server, after.server),
        ("context", _naming(before.context), _naming(after.context)),
    ):
        if was and now:
            if was == now:
                return ComparedClusters(Sameness.SAME, f"{what} {was}")
            return ComparedClusters(Sameness.DIFFERENT, f"{what} {was}, then {what} {now}")
    return ComparedClusters(
        Sameness.NOT_KNOWN, "neither UID, API server nor context is known of both"
    )


def distinct_clusters(told: Iterable[ClusterIdentity]) -> Sequence[ClusterIdentity]:
    """
    Return each cluster once, as whole as it was ever told, sorted.

    What is the same as one that was told with its UID, but for the UID, is that one.
    """
    whole_first = sorted(told, key=lambda i: (not i.uid, not i.server, astuple(i)))
    found = list[ClusterIdentity]()
    for each in whole_first:
        if all(compare_clusters(known, each).sameness is not Sameness.SAME for known in found):
            found.append(each)
    return sorted(found, key=astuple)


def _naming(context: str) -> str:
    return "" if context in _NAMES_NOTHING else context
