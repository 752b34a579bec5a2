"""Present: a deploy report as JSON: the predecessor's shape, with what is ours beside it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from mission_control.model.cluster.containers import Container
from mission_control.model.cluster.further import ServiceFacts
from mission_control.model.cluster.pod import PodFacts
from mission_control.model.cluster.workload import JobCounts, WorkloadFacts
from mission_control.model.deploy_report import (
    DeployReport,
    Health,
    HealthSample,
    ReportChange,
    ReportComparison,
    ReportedWorkload,
    SinceLkg,
)
from mission_control.present.cluster_identity import cluster_document
from mission_control.present.instants import new_york_text, utc_text, utc_text_or_none

Document = dict[str, Any]


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
        "headline": report.headline,
        "meta": _meta(report),
        "summary": _summary(report),
        "changes": None if compared is None else [change_document(c) for c in compared.changes],
        "changes_gaps": [] if compared is None else list(compared.gaps),
        "changes_folded": [] if compared is None else folded_documents(compared),
        "changes_since": since,
        "changes_clusters": "" if compared is None else compared.clusters,
        "lkg": _since_lkg(lkg),
        "workloads": [_workload(w) for w in report.workloads],
        "services": [_service(s) for s in report.services],
        "cron_jobs": [_cron_job(w) for w in report.cron_jobs],
        "loose_pods": [_loose_pod(p) for p in report.loose_pods],
        "config_maps": dict(sorted(report.config_maps.items())),
        "config_map_keys": {k: list(v) for k, v in sorted(report.config_map_keys.items())},
        "top_issues": [{"workload": w, "issue": i} for w, i in report.top_issues],
        "recommended_actions": list(report.actions) or ["None needed."],
        "errors": list(report.errors),
        "unread": [{"list": r, "namespace": n, "why": w} for r, n, w in report.unread],
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
        "env_watched": list(report.env_watched),
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
    """
    Count the workloads by how they fare, and apart from that by whether they may trade.

    As the predecessor did, `degraded` counts all that are not well: those that are `down` and
    those that were not seen are among them.
    """
    fare = Counter(w.health for w in report.workloads)
    kinds = Counter(w.kind for w in report.workloads)
    trade = Counter(w.may_trade.value for w in report.workloads)
    jobs = [w for w in report.workloads if w.job is not None]
    return {
        "workloads_total": len(report.workloads),
        "deployments": kinds["Deployment"],
        "statefulsets": kinds["StatefulSet"],
        "daemonsets": kinds["DaemonSet"],
        "jobs": kinds["Job"],
        "jobs_active": sum(1 for w in jobs if w.job and w.job.active),
        "healthy": fare[Health.OK],
        "degraded": len(report.workloads) - fare[Health.OK],
        "down": fare[Health.DOWN],
        "unknown": fare[Health.UNKNOWN],
        "halted": sum(1 for w in report.workloads if w.present and not w.allowed),
        "may_trade": dict(sorted(trade.items())),
    }


class FoldedDocument(TypedDict):
    """What differs in any two reports of one floor, counted."""

    what: str
    count: int


def folded_documents(compared: ReportComparison) -> list[FoldedDocument]:
    """Give what differs in every two reports of one floor, counted by what it is."""
    return [{"what": what, "count": count} for what, count in compared.folded]


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
        "classification": workload.classification,
        "generation": workload.generation,
        "replicas_desired": workload.desired,
        "replicas_ready": workload.ready,
        "observed_generation_current": workload.observed,
        "pod_status_summary": _pods_told(workload),
        "restarts": workload.restarts,
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
        "may_trade": workload.may_trade.value,
        "may_trade_because": workload.trade_because,
        "criticality": workload.criticality or None,
        "made_by": workload.made_by or None,
        "present": workload.present,
        "unseen": workload.unseen,
        "health": {
            "state": workload.health.value,
            "because": list(workload.because),
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


def _pods_told(workload: ReportedWorkload) -> str:
    """Write a workload's pods; of pods that were not seen nothing is said, least of all `none`."""
    if workload.unseen and not workload.pod_counts:
        return "not seen"
    return pod_summary(workload.pod_counts)


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


def _cron_job(cron: WorkloadFacts) -> Document:
    return {
        "name": cron.name,
        "namespace": cron.namespace,
        "schedule": cron.schedule,
        "suspended": cron.suspended,
        "service_account": cron.service_account,
        "images": [_image(c) for c in cron.containers],
        "env_names": {c.name: list(c.env_names) for c in cron.containers},
        "labels": dict(sorted(cron.labels.items())),
    }


def _loose_pod(pod: PodFacts) -> Document:
    return {
        "name": pod.name,
        "namespace": pod.namespace,
        "phase": pod.phase,
        "owner": str(pod.owner) if pod.owner else None,
        "service_account": pod.service_account,
        "images": [_image(c) for c in pod.containers],
        "env_names": {c.name: list(c.env_names) for c in pod.containers},
    }


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
