"""Present: recorded captures of the last known good, as programs read them."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict, cast

from mission_control.model.lkg import MANIFEST_NAME, METADATA_NAME, LkgStatus
from mission_control.model.recorded_lkg import ComparedCaptures, RecordedLkg
from mission_control.present.deploy_document import change_document

UNREADABLE = "UNREADABLE"


class ReasonDocument(TypedDict):
    """Why a capture is no last known good."""

    code: str
    detail: str


class ListedCapture(TypedDict):
    """
    A recorded capture: where it is, and what it is worth.

    `status` is `GOOD`, `CANDIDATE`, or `UNREADABLE` with `problem` saying why.
    """

    path: str
    at: str
    session_date: str | None
    namespace: str
    cluster_identity: Mapping[str, Any] | None
    status: str
    reasons: list[ReasonDocument]
    problem: str
    content_digest: str
    unchanged_for_sessions: int
    same_as: str | None
    workloads: int
    unpinnable: list[str]
    kill_switch_observed: str | None
    manifest_path: str
    metadata_path: str


class CapturesDocument(TypedDict):
    """
    Recorded captures, newest first; `good` is the path of the newest that is GOOD.

    `good_doubts` name newer captures that cannot be believed: one may have been the last good.
    `of_other_clusters` name newer GOOD ones that are not of the cluster that is read now.
    """

    captures: list[ListedCapture]
    good: str | None
    good_doubts: list[str]
    of_other_clusters: list[str]
    label: NotRequired[str]


class CaptureDiffDocument(TypedDict):
    """What differs between two captures; `clusters` warns where they are not of one cluster."""

    before: ListedCapture
    after: ListedCapture
    clusters: str
    changes: list[dict[str, str]]
    gaps: list[str]
    label: NotRequired[str]


def listed_capture(capture: RecordedLkg) -> ListedCapture:
    """Give a recorded capture; one that cannot be believed tells nothing but that."""
    entry, metadata = capture.entry, capture.metadata
    status = LkgStatus.GOOD if capture.is_good else LkgStatus.CANDIDATE
    safety = _mapping(_mapping(metadata.get("safety_posture")).get("kill_switch"))
    observed = _mapping(safety.get("observed")).get("value")
    unchanged, same_as = metadata.get("unchanged_for_sessions"), metadata.get("same_as")
    return {
        "path": entry.path,
        "at": entry.at,
        "session_date": entry.session_date,
        "namespace": capture.namespace,
        "cluster_identity": _mapping(metadata.get("cluster_identity")) or None,
        "status": UNREADABLE if capture.problem else status.value,
        "reasons": _reasons(metadata.get("reasons")),
        "problem": capture.problem,
        "content_digest": capture.content_digest,
        "unchanged_for_sessions": unchanged if isinstance(unchanged, int) else 0,
        "same_as": same_as if isinstance(same_as, str) else None,
        "workloads": len(_list(metadata.get("components"))),
        "unpinnable": [str(t) for t in _list(metadata.get("unpinnable"))],
        "kill_switch_observed": observed if isinstance(observed, str) else None,
        "manifest_path": f"{entry.path}/{MANIFEST_NAME}",
        "metadata_path": f"{entry.path}/{METADATA_NAME}",
    }


def lkg_diff_document(compared: ComparedCaptures) -> CaptureDiffDocument:
    """Give every difference between two captures; gaps are doubts about which two are meant."""
    return {
        "before": listed_capture(compared.before),
        "after": listed_capture(compared.after),
        "clusters": compared.clusters,
        "changes": [change_document(c) for c in compared.changes],
        "gaps": list(compared.gaps),
    }


def _reasons(value: object) -> list[ReasonDocument]:
    held = [_mapping(each) for each in _list(value)]
    return [{"code": str(r.get("code", "")), "detail": str(r.get("detail", ""))} for r in held]


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
