"""Present: a deploy report as JSON: the predecessor's shape, with what is ours beside it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from mission_control.model.cluster.containers import Container
from mission_control.model.cluster.further import ServiceFacts
from mission_control.model.cluster.workload import JobCounts
from mission_control.model.deploy_report import (
    Classification,
    DeployReport,
    HealthSample,
    ReportChange,
    ReportComparison,
    ReportedWorkload,
    SinceLkg,
)
from mission_control.present.cluster_identity import cluster_document
from mission_control.present.instants import new_york_text, utc_text, utc_text_or_none

Document = dict[str, Any]
MOST_ISSUES = 25
_WORST_FIRST = (
    "crash loop",
    "image pull",
    "replicas not ready",
    "health failed",
    "missing env",
    "not allowed to run",
)


def deploy_document(
    report: DeployReport,
    compared: ReportComparison | None,
    since: str | None,
    lkg: SinceLkg | None = None,
) -> Document:
    """
    Give a report; `compared` is what changed since an earlier one, whose instant is `since`.

    None means that there is no earlier report, which is not the same as no change; so it is with
    the last known good.
    """
    document: Document = {
        "meta": _meta(report),
        "summary": _summary(report),
        "changes": None if compared is None else [change_document(c) for c in compared.changes],
        "changes_gaps": [] if compared is None else list(compared.gaps),
        "changes_since": since,
        "changes_clusters": "" if compared is None else compared.clusters,
        "lkg": _since_lkg(lkg),
        "workloads": [_workload(w) for w in report.workloads],
        "services": [_service(s) for s in report.services],
        "config_maps": dict(sorted(report.config_maps.items())),
        "top_issues": _top_issues(report),
        "recommended_actions": list(report.actions) or ["None needed."],
        "errors": list(report.errors),
    }
    if report.label:
        document["label"] = report.label
    return document


def _meta(report: DeployReport) -> Document:
    return {
        "generated_utc": utc_text(report.at),
        "generated_et": new_york_text(report.at),
        "namespace": report.namespace,
        "kube_context": report.context,
        "kube_cluster": report.cluster or report.context,
        "cluster_identity": report.identity and cluster_document(report.identity),
        "kube_user": report.user,
        "label_selector": "",
        "cluster_access": report.access,
        "cluster_error": report.access_error,
        "kill_switch": report.kill_switch,
        "session_date": _session_date(report),
        "health_sampled": report.health_sampled,
    }


def _since_lkg(lkg: SinceLkg | None) -> Document:
    compared = lkg.compared if lkg else None
    return {
        "path": lkg.path or None if lkg else None,
        "captured_et": lkg.captured or None if lkg else None,
        "problem": lkg.problem if lkg else "it was not looked for",
        "changes": None if compared is None else [change_document(c) for c in compared.changes],
        "gaps": [] if compared is None else list(compared.gaps),
        "clusters": "" if compared is None else compared.clusters,
    }


def _summary(report: DeployReport) -> Document:
    classes = Counter(w.classification for w in report.workloads)
    kinds = Counter(w.kind for w in report.workloads)
    jobs = [w for w in report.workloads if w.job is not None]
    return {
        "workloads_total": len(report.workloads),
        "deployments": kinds["Deployment"],
        "statefulsets": kinds["StatefulSet"],
        "daemonsets": kinds["DaemonSet"],
        "jobs": kinds["Job"],
        "jobs_active": sum(1 for w in jobs if w.job and w.job.active),
        "healthy": classes[Classification.OK],
        "degraded": classes[Classification.DEGRADED],
        "halted": classes[Classification.HALTED],
    }


def _top_issues(report: DeployReport) -> list[Document]:
    """Give the issues of all workloads, what keeps something from running first."""
    every = [(w.title, issue) for w in report.workloads for issue in w.issues]
    every.sort(key=lambda e: (_WORST_FIRST.index(e[1].partition(":")[0]), e))
    return [{"workload": title, "issue": issue} for title, issue in every[:MOST_ISSUES]]


def change_document(change: ReportChange) -> Document:
    """Give one difference between two reports."""
    return {
        "subject": change.subject,
        "what": change.what,
        "before": change.before,
        "after": change.after,
    }


def _session_date(report: DeployReport) -> str | None:
    date = report.session.session_date
    return date.isoformat() if date else None


def _workload(workload: ReportedWorkload) -> Document:
    return {
        "workload_name": workload.name,
        "kind": workload.kind,
        "namespace": workload.namespace,
        "component": workload.component,
        "labels": dict(sorted(workload.labels.items())),
        "classification": workload.classification.value,
        "generation": workload.generation,
        "replicas_desired": workload.desired,
        "replicas_ready": workload.ready,
        "observed_generation_current": workload.observed,
        "pod_status_summary": pod_summary(workload.pod_counts),
        "images": [_image(c) for c in workload.containers],
        "observed_image_digests": {k: list(v) for k, v in sorted(workload.digests.items())},
        "service_account": workload.service_account,
        "resources": {
            "containers": _resources(c for c in workload.containers if not c.init),
            "initContainers": _resources(c for c in workload.containers if c.init),
        },
        "env_summary": {
            name: {"present": present, "value": value}
            for name, (present, value) in sorted(workload.env.items())
        },
        "env_names": {c.name: list(c.env_names) for c in workload.containers},
        "allowed_to_run": workload.allowed,
        "allowed_reason": workload.allowed_reason,
        "issues": list(workload.issues),
        "job_status": _job_status(workload.job),
        "health": {
            "cluster_dns_url": workload.service_url,
            "samples": [_sample(s) for s in workload.samples],
        },
    }


def _job_status(job: JobCounts | None) -> Document | None:
    if job is None:
        return None
    return {
        "active": job.active,
        "succeeded": job.succeeded,
        "failed": job.failed,
        "start_time": utc_text_or_none(job.started),
        "completion_time": utc_text_or_none(job.completed),
    }


def _sample(sample: HealthSample) -> Document:
    return {
        "path": sample.path,
        "ok": sample.ok,
        "status_code": sample.status_code,
        "excerpt": sample.excerpt,
        "error": sample.error,
    }


def pod_summary(counts: Mapping[str, int]) -> str:
    """Write pods by what they do: `running=1`, or `none`."""
    return " ".join(f"{k}={v}" for k, v in sorted(counts.items()) if v) or "none"


def _image(container: Container) -> Document:
    return {
        "container_type": "init" if container.init else "app",
        "container_name": container.name,
        "image": container.image,
        "image_pull_policy": container.pull_policy or "default",
    }


def _resources(containers: Iterable[Container]) -> Document:
    found: Document = {}
    for container in containers:
        amounts = dict(container.resources)
        found[container.name] = {
            group: {kind: amounts.get(f"{group}.{kind}") for kind in ("cpu", "memory")}
            for group in ("requests", "limits")
        }
    return found


def _service(service: ServiceFacts) -> Document:
    return {
        "name": service.name,
        "namespace": service.namespace,
        "type": service.type,
        "cluster_ip": service.cluster_ip,
        "ports": list(service.ports),
        "selector": dict(sorted(service.selector.items())),
        "labels": dict(sorted(service.labels.items())),
    }
