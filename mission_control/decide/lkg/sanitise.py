"""Decide: an object without what binds it to the cluster that it was read from."""

from collections.abc import Mapping
from typing import Any

from mission_control.decide.lkg.parts import mapping, mappings
from mission_control.model.cluster.raw import KubernetesObject

Fields = dict[str, Any]

_IDENTITY = ("apiVersion", "kind", "metadata")
_KEPT_METADATA = ("annotations", "labels", "name", "namespace")
"""All else in metadata is the server's: identities, versions, owners, finalizers, instants."""
_SERVERS_ANNOTATIONS = (
    "autoscaling.alpha.kubernetes.io/",
    "cloud.google.com/neg-status",
    "control-plane.alpha.kubernetes.io/",
    "deployment.kubernetes.io/",
    "deprecated.daemonset.template.generation",
    "kubectl.kubernetes.io/last-applied-configuration",
    "pv.kubernetes.io/",
)
"""Annotations, or beginnings of such, that controllers and kubectl write."""
_SERVICE_BOUND = ("clusterIPs", "healthCheckNodePort", "ipFamilies")
_HEADLESS, _SINGLE_STACK = "None", "SingleStack"


def sanitise(item: KubernetesObject) -> Fields:
    """
    Give a copy of an object that any cluster can take: what was asked for, not what became of it.

    A headless Service stays headless: that its address is `None` was asked for.
    """
    kept = {k: v for k, v in item.items() if k != "status"}
    kept["metadata"] = _metadata(mapping(item, "metadata"))
    match item.get("kind"):
        case "Namespace":
            return {k: kept[k] for k in _IDENTITY if k in kept}
        case "ServiceAccount":
            kept.pop("secrets", None)
        case "Service":
            kept["spec"] = _service(mapping(item, "spec"))
        case "CronJob":
            kept["spec"] = _cron_job(mapping(item, "spec"))
        case "Deployment" | "StatefulSet" | "DaemonSet":
            kept["spec"] = _workload(mapping(item, "spec"))
        case _:
            pass
    return kept


def _metadata(metadata: Mapping[str, Any]) -> Fields:
    kept = {k: metadata[k] for k in _KEPT_METADATA if metadata.get(k)}
    annotations = {
        k: v
        for k, v in mapping(metadata, "annotations").items()
        if not k.startswith(_SERVERS_ANNOTATIONS)
    }
    if annotations:
        kept["annotations"] = annotations
    else:
        kept.pop("annotations", None)
    return kept


def _service(spec: Mapping[str, Any]) -> Fields:
    kept = {k: v for k, v in spec.items() if k not in _SERVICE_BOUND}
    if kept.get("clusterIP") != _HEADLESS:
        kept.pop("clusterIP", None)
    if kept.get("ipFamilyPolicy") == _SINGLE_STACK:
        del kept["ipFamilyPolicy"]
    if "ports" in spec:
        kept["ports"] = [
            {k: v for k, v in port.items() if k != "nodePort"} for port in mappings(spec["ports"])
        ]
    return kept


def _workload(spec: Mapping[str, Any]) -> Fields:
    kept = {**spec, "template": _template(mapping(spec, "template"))}
    if "volumeClaimTemplates" in spec:
        kept["volumeClaimTemplates"] = [
            {k: v for k, v in _template(claim).items() if k != "status"}
            for claim in mappings(spec["volumeClaimTemplates"])
        ]
    return kept


def _cron_job(spec: Mapping[str, Any]) -> Fields:
    job_template = _template(mapping(spec, "jobTemplate"))
    job = mapping(job_template, "spec")
    template = {**job, "template": _template(mapping(job, "template"))}
    return {**spec, "jobTemplate": {**job_template, "spec": template}}


def _template(template: Mapping[str, Any]) -> Fields:
    kept = dict(template)
    metadata = _metadata(mapping(template, "metadata"))
    if metadata:
        kept["metadata"] = metadata
    else:
        kept.pop("metadata", None)
    return kept
