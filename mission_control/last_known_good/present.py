"""A capture of the last known good: the manifest's bytes, its metadata, and its listing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NotRequired, TypedDict, cast

import orjson

from mission_control.cluster.model.further import KubernetesObject
from mission_control.cluster.present.identity import cluster_document
from mission_control.deploy_report.present import change_document
from mission_control.documents.instants import new_york_text, utc_text
from mission_control.last_known_good.model import (
    MANIFEST_NAME,
    METADATA_NAME,
    NOT_COMPARED,
    ComparedCaptures,
    Component,
    ContainerPin,
    LkgCapture,
    LkgManifest,
    LkgReason,
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
        "components": [_component(c) for c in manifest.components],
        "config_maps": dict(sorted(manifest.config_maps.items())),
        "specifications": dict(sorted(manifest.specifications.items())),
    }


def metadata_document(capture: LkgCapture) -> Document:
    """Return a capture's metadata, the predecessor's fields first."""
    manifest, session = capture.manifest, capture.session
    document: Document = {
        "timestamp_utc": utc_text(capture.at),
        "git_sha": capture.git_sha or UNKNOWN,
        "build_id": capture.build_id,
        "cluster_name": capture.cluster or UNKNOWN,
        "kubectl_context": capture.cluster,
        "cluster_identity": capture.identity and cluster_document(capture.identity),
        **components_document(manifest),
        "safety_posture": _safety(manifest),
        "timestamp_et": new_york_text(capture.at),
        "session_date": session.session_date.isoformat() if session.session_date else None,
        "status": capture.status.value,
        "reasons": reason_documents(capture.reasons),
        "content_digest": capture.content_digest,
        "unchanged_for_sessions": capture.unchanged_for_sessions,
        "same_as": capture.same_as,
        "fleet_digest": capture.fleet_digest,
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
    if capture.label:
        document["label"] = capture.label
    return document


def reason_documents(reasons: Sequence[LkgReason]) -> list[Document]:
    """Return reasons as programs read them."""
    return [{"code": r.code, "detail": r.detail} for r in reasons]


def _component(component: Component) -> Document:
    return {
        "kind": component.kind,
        "name": component.name,
        "namespace": component.namespace,
        "replicas": component.replicas,
        "generation": component.generation,
        "service_account": component.service_account,
        "containers": [_container(c) for c in component.containers],
        "env_names": {name: list(held) for name, held in sorted(component.env_names.items())},
    }


def _container(pin: ContainerPin) -> Document:
    return {
        "container": pin.name,
        "image": pin.image,
        "init": pin.init,
        "pinned": pin.pinned,
        "specified": pin.specified,
        "running": list(pin.running),
    }


def _safety(manifest: LkgManifest) -> Document:
    switch = manifest.switch
    observed: Mapping[str, Any] = {
        "value": switch.value,
        "at": utc_text(switch.at),
        "source": switch.source,
    }
    return {
        "execution_halted": switch.engaged,
        "agent_mode_defaults": {name: list(held) for name, held in manifest.modes.items()},
        "kill_switch": {
            "configmap": KILL_SWITCH_MAP,
            "key": KILL_SWITCH_KEY,
            "value": IN_MANIFEST,
            "observed": observed,
        },
        "notes": _SWITCH_NOTE,
    }


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

    `good_doubts` name newer captures that are damaged: one may have been the last good.
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
    """Return a recorded capture; an unreadable one shows only its problem."""
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
    """Return every difference between two captures; gaps are doubts about which two are meant."""
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


Record = Mapping[str, Any]


def unchanged_text(sessions: object, same_as: object) -> str:
    """Say for how long what was captured is the same."""
    if isinstance(sessions, int) and sessions > 0:
        return f"unchanged for {sessions} session{'s' if sessions > 1 else ''}"
    return "unchanged in this session" if same_as else "no session before is the same"


def capture_lines(metadata: Record) -> Iterator[str]:
    """Write one capture: what it is worth first, then why, then what to know before a restore."""
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
