"""A capture of the last known good: the manifest's bytes, its metadata, and its listing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import orjson

from mission_control.cluster.model.facts import KubernetesObject
from mission_control.cluster.present import cluster_document
from mission_control.documents.document import document
from mission_control.documents.instants import new_york_text, utc_text
from mission_control.documents.raw import elements, mapping
from mission_control.last_known_good.model import (
    MANIFEST_NAME,
    METADATA_NAME,
    NOT_COMPARED,
    ComparedCaptures,
    LkgCapture,
    LkgManifest,
    LkgStatus,
    RecordedLkg,
)
from mission_control.model.kill_switch import KILL_SWITCH_KEY, KILL_SWITCH_MAP

Document = dict[str, Any]
IN_MANIFEST = "1"
UNKNOWN = "UNKNOWN"
_SWITCH_NOTE = (
    "The manifest always holds the kill switch engaged; `observed` is what the cluster held."
)
_LEFT_OUT = (
    "ClusterRoles and ClusterRoleBindings",
    "ConfigMaps other than the kill switch and the safety settings",
    "HorizontalPodAutoscalers",
    "Ingresses",
    "Jobs, bare pods and bare ReplicaSets",
    "LimitRanges",
    "PersistentVolumes and PersistentVolumeClaims",
    "ResourceQuotas",
    "Secrets",
    "objects of any other kind, custom resources included",
)


def manifest_bytes(items: Sequence[KubernetesObject]) -> bytes | None:
    """
    Write captured objects as a v1 List: JSON with sorted keys, which is YAML as well.

    Equal objects give equal bytes, so their digest is their address. None where a value cannot
    be written, as no answer of a real API server can hold.
    """
    whole = {"apiVersion": "v1", "kind": "List", "items": list(items)}
    form = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    try:
        return orjson.dumps(whole, option=form)
    except orjson.JSONEncodeError:
        return None


def components_document(manifest: LkgManifest) -> Document:
    """Return the part of a capture's metadata that is compared with deploy reports."""
    return {
        "namespace": manifest.namespace,
        "components": document(manifest.components),
        "config_maps": dict(sorted(manifest.config_maps.items())),
        "specifications": dict(sorted(manifest.specifications.items())),
    }


_RENAMED = ("at", "manifest", "content", "session", "cluster", "identity", "label")
"""Fields of a capture that its metadata hold under other names, or not at all."""


def metadata_document(capture: LkgCapture) -> Document:
    """Return a capture's metadata, the predecessor's fields first."""
    manifest = capture.manifest
    return {
        "timestamp_utc": utc_text(capture.at),
        "cluster_name": capture.cluster or UNKNOWN,
        "kubectl_context": capture.cluster,
        "cluster_identity": capture.identity and cluster_document(capture.identity),
        **components_document(manifest),
        "safety_posture": _safety(manifest),
        "timestamp_et": new_york_text(capture.at),
        "session_date": document(capture.session.session_date),
        **document(capture, *_RENAMED),
        "git_sha": capture.git_sha or UNKNOWN,
        "unpinnable": [c.title for c in manifest.components if c.unpinnable],
        "loose_images": [
            {"owner": owner, "container": container, "image": image}
            for owner, container, image in manifest.loose_images
        ],
        "needs": {kind: list(names) for kind, names in sorted(manifest.needs.items())},
        "synthesised": sorted(manifest.synthesised),
        "not_captured": list(_LEFT_OUT),
        "not_compared_since_the_open": list(NOT_COMPARED),
    }


def _safety(manifest: LkgManifest) -> Document:
    return {
        "execution_halted": manifest.switch.engaged,
        "agent_mode_defaults": document(manifest.modes),
        "kill_switch": {
            "configmap": KILL_SWITCH_MAP,
            "key": KILL_SWITCH_KEY,
            "value": IN_MANIFEST,
            "observed": document(manifest.switch),
        },
        "notes": _SWITCH_NOTE,
    }


UNREADABLE = "UNREADABLE"


class CapturesDocument(TypedDict):
    """
    Recorded captures, newest first; `good` is the path of the newest that is GOOD.

    `good_doubts` name newer captures that are damaged: one may have been the last good.
    `of_other_clusters` name newer GOOD ones that are not of the cluster that is read now.
    """

    captures: list[Document]
    good: str | None
    good_doubts: list[str]
    of_other_clusters: list[str]
    label: NotRequired[str]


class CaptureDiffDocument(TypedDict):
    """What differs between two captures; `clusters` warns where they are not of one cluster."""

    before: Document
    after: Document
    clusters: str
    changes: list[dict[str, str]]
    gaps: list[str]
    label: NotRequired[str]


def listed_capture(capture: RecordedLkg) -> Document:
    """
    Return a recorded capture: where it is, and its status.

    `status` is `GOOD`, `CANDIDATE`, or `UNREADABLE` with `problem` saying why.
    """
    entry, metadata = capture.entry, capture.metadata
    status = LkgStatus.GOOD if capture.is_good else LkgStatus.CANDIDATE
    observed = mapping(metadata, "safety_posture", "kill_switch", "observed").get("value")
    unchanged, same_as = metadata.get("unchanged_for_sessions"), metadata.get("same_as")
    return {
        "path": entry.path,
        "at": entry.at,
        "session_date": entry.session_date,
        "namespace": capture.namespace,
        "cluster_identity": mapping(metadata, "cluster_identity") or None,
        "status": UNREADABLE if capture.problem else status.value,
        "reasons": [
            {key: str(mapping(r).get(key, "")) for key in ("code", "detail")}
            for r in elements(metadata.get("reasons"))
        ],
        "problem": capture.problem,
        "content_digest": capture.content_digest,
        "unchanged_for_sessions": unchanged if isinstance(unchanged, int) else 0,
        "same_as": same_as if isinstance(same_as, str) else None,
        "workloads": len(elements(metadata.get("components"))),
        "unpinnable": [str(t) for t in elements(metadata.get("unpinnable"))],
        "kill_switch_observed": observed if isinstance(observed, str) else None,
        "manifest_path": f"{entry.path}/{MANIFEST_NAME}",
        "metadata_path": f"{entry.path}/{METADATA_NAME}",
    }


def lkg_diff_document(compared: ComparedCaptures) -> Document:
    """Return every difference between two captures; gaps are doubts about which two are meant."""
    return {
        "before": listed_capture(compared.before),
        "after": listed_capture(compared.after),
        **document(compared, "before", "after"),
    }


Record = Mapping[str, Any]


def unchanged_text(sessions: object, same_as: object) -> str:
    """Say for how long what was captured is the same."""
    if isinstance(sessions, int) and sessions > 0:
        return f"unchanged for {sessions} session{'s' if sessions > 1 else ''}"
    return "unchanged in this session" if same_as else "no session before is the same"


def capture_lines(metadata: Record) -> Iterator[str]:
    """Write one capture: its status, the reasons, and what a restore needs."""
    told = unchanged_text(metadata["unchanged_for_sessions"], metadata["same_as"])
    yield f"{metadata['status']}: {metadata['namespace']}, {told}"
    for reason in metadata["reasons"]:
        yield f"  {reason['code']}: {reason['detail']}"
    yield f"content {metadata['content_digest']}"
    observed = metadata["safety_posture"]["kill_switch"]["observed"]
    value = "nothing" if observed["value"] is None else repr(observed["value"])
    yield f"kill switch: '1' in the manifest; observed {value} at {observed['at']}"
    yield f"workloads: {len(metadata['components'])}"
    for title in metadata["unpinnable"]:
        yield f"  UNPINNABLE {title}: at 0 replicas, no digest is known"
    for loose in metadata["loose_images"]:
        yield f"  not pinned: {loose['owner']} {loose['container']} {loose['image']}"
    for title in metadata["synthesised"]:
        yield f"  added, because the cluster had none: {title}"
    for kind, names in metadata["needs"].items():
        yield f"  a restore needs {kind} {', '.join(names)}"


def list_lines(captures: Sequence[Record]) -> Iterator[str]:
    """Write captures one a line, with why each is not GOOD."""
    if not captures:
        yield "No last known good was captured."
    for each in captures:
        told = each["problem"] or unchanged_text(each["unchanged_for_sessions"], each["same_as"])
        codes = ", ".join(sorted({r["code"] for r in each["reasons"]}))
        why = f" ({codes})" if codes else ""
        session = each["session_date"] or "-"
        digest = each["content_digest"][:16]
        yield f"{each['status']:<10} {session:<10}  {digest}  {each['path']}  {told}{why}"
