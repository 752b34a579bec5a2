"""Present: a capture of the last known good: the manifest's bytes, and what is told of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from mission_control.model.cluster.raw import KubernetesObject
from mission_control.model.kill_switch import KILL_SWITCH_KEY, KILL_SWITCH_MAP
from mission_control.model.lkg import (
    NOT_COMPARED,
    Component,
    ContainerPin,
    LkgCapture,
    LkgManifest,
    LkgReason,
)
from mission_control.present.cluster_identity import cluster_document
from mission_control.present.instants import new_york_text, utc_text

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
    """Give what of a capture is compared with deploy reports: its workloads and ConfigMaps."""
    return {
        "namespace": manifest.namespace,
        "components": [_component(c) for c in manifest.components],
        "config_maps": dict(sorted(manifest.config_maps.items())),
        "specifications": dict(sorted(manifest.specifications.items())),
    }


def metadata_document(capture: LkgCapture) -> Document:
    """Give everything that is told of a capture; the predecessor's fields first (facts, g)."""
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
    """Give reasons as programs read them."""
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
