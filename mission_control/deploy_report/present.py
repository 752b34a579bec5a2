"""A deploy report as JSON, in the predecessor's shape with ours added, and as Markdown."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from mission_control.cluster.model.objects import Container, JobCounts, PodFacts, WorkloadFacts
from mission_control.cluster.present import cluster_document
from mission_control.deploy_report.model import (
    DeployReport,
    Health,
    ReportComparison,
    ReportedWorkload,
    SinceLkg,
)
from mission_control.documents.document import document
from mission_control.documents.instants import new_york_text, utc_text
from mission_control.documents.markdown import render

Document = dict[str, Any]
_NOT_COMPARED: Document = {"changes": None, "gaps": [], "folded": [], "clusters": ""}


def deploy_document(
    report: DeployReport,
    compared: ReportComparison | None,
    since: str | None,
    lkg: SinceLkg | None = None,
) -> Document:
    """
    Return a report; `compared` is what changed since the report made at `since`.

    None means that there is no earlier report, which is not the same as no change; likewise for
    the last known good.
    """
    changed = _NOT_COMPARED if compared is None else comparison_document(compared)
    return {
        "headline": report.headline,
        "meta": _meta(report),
        "summary": _summary(report),
        "changes": changed["changes"],
        "changes_gaps": changed["gaps"],
        "changes_folded": changed["folded"],
        "changes_since": since,
        "changes_clusters": changed["clusters"],
        "lkg": _since_lkg(lkg),
        "workloads": [_workload(w) for w in report.workloads],
        "services": document(report.services),
        "cron_jobs": [_cron_job(w) for w in report.cron_jobs],
        "loose_pods": [_loose_pod(p) for p in report.loose_pods],
        "config_maps": dict(sorted(report.config_maps.items())),
        "config_map_keys": document(report.config_map_keys),
        "top_issues": [{"workload": w, "issue": i} for w, i in report.top_issues],
        "recommended_actions": list(report.actions) or ["None needed."],
        "errors": list(report.errors),
        "unread": [{"list": r, "namespace": n, "why": w} for r, n, w in report.unread],
    }


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
        "session_date": document(report.session.session_date),
        "health_sampled": report.health_sampled,
    }


def _since_lkg(lkg: SinceLkg | None) -> Document:
    since = lkg or SinceLkg("", "", None, "it was not looked for")
    compared = document(since.compared, "folded") if since.compared else _NOT_COMPARED
    return {
        "path": since.path or None,
        "captured_et": since.captured or None,
        "problem": since.problem,
        "changes": compared["changes"],
        "gaps": compared["gaps"],
        "clusters": compared["clusters"],
    }


def _summary(report: DeployReport) -> Document:
    """
    Count the workloads by health, and separately by whether they may trade.

    As with the predecessor, `degraded` counts all that are not ok: `down` and not seen included.
    """
    health = Counter(w.health for w in report.workloads)
    kinds = Counter(w.kind for w in report.workloads)
    trade = Counter(w.may_trade.value for w in report.workloads)
    return {
        "workloads_total": len(report.workloads),
        "deployments": kinds["Deployment"],
        "statefulsets": kinds["StatefulSet"],
        "daemonsets": kinds["DaemonSet"],
        "jobs": kinds["Job"],
        "jobs_active": sum(1 for w in report.workloads if w.job and w.job.active),
        "healthy": health[Health.OK],
        "degraded": len(report.workloads) - health[Health.OK],
        "down": health[Health.DOWN],
        "unknown": health[Health.UNKNOWN],
        "halted": sum(1 for w in report.workloads if w.present and not w.allowed),
        "may_trade": dict(sorted(trade.items())),
    }


def comparison_document(compared: ReportComparison) -> Document:
    """Return what differs between two reports, and why that may not be all of it."""
    folded = [{"what": what, "count": count} for what, count in compared.folded]
    return document(compared) | {"folded": folded}


_RENAMED = (
    "name", "desired", "ready", "observed", "pod_counts", "containers", "digests", "env", "job",
    "allowed", "trade_because", "because", "service_url", "samples",
)  # fmt: skip
"""Fields of a workload that its document holds under the predecessor's names."""


def _workload(workload: ReportedWorkload) -> Document:
    return document(workload, *_RENAMED) | {
        "workload_name": workload.name,
        "classification": workload.classification,
        "replicas_desired": workload.desired,
        "replicas_ready": workload.ready,
        "observed_generation_current": workload.observed,
        "pod_status_summary": _pods_told(workload),
        "images": [_image(c) for c in workload.containers],
        "observed_image_digests": document(workload.digests),
        "resources": {
            "containers": _resources(c for c in workload.containers if not c.init),
            "initContainers": _resources(c for c in workload.containers if c.init),
        },
        "env_summary": {
            name: {"present": present, "value": value}
            for name, (present, value) in sorted(workload.env.items())
        },
        "env_names": _env_names(workload.containers),
        "allowed_to_run": workload.allowed,
        "job_status": _job_status(workload.job),
        "may_trade_because": workload.trade_because,
        "criticality": workload.criticality or None,
        "made_by": workload.made_by or None,
        "health": {
            "state": workload.health.value,
            "because": list(workload.because),
            "cluster_dns_url": workload.service_url,
            "samples": document(workload.samples),
        },
    }


def _job_status(job: JobCounts | None) -> Document | None:
    if job is None:
        return None
    times = {"start_time": document(job.started), "completion_time": document(job.completed)}
    return document(job, "started", "completed") | times


def _pods_told(workload: ReportedWorkload) -> str:
    """Write a workload's pods; pods that were not seen are never `none`."""
    if workload.unseen and not workload.pod_counts:
        return "not seen"
    return pod_summary(workload.pod_counts)


def pod_summary(counts: Mapping[str, int]) -> str:
    """Write pods by state: `running=1`, or `none`."""
    return " ".join(f"{k}={v}" for k, v in sorted(counts.items()) if v) or "none"


def _image(container: Container) -> Document:
    return {
        "container_type": "init" if container.init else "app",
        "container_name": container.name,
        "image": container.image,
        "image_pull_policy": container.pull_policy or "default",
    }


def _env_names(containers: Iterable[Container]) -> Document:
    return {c.name: list(c.env_names) for c in containers}


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
        "env_names": _env_names(cron.containers),
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
        "env_names": _env_names(pod.containers),
    }


MOST_ISSUES = 12

_TEMPLATE = """\
# Deploy report: {{ r.headline | md }}

{% if label %}
**{{ label | md }}**

{% endif %}
| About | This report |
|---|---|
| Generated | {{ r.meta.generated_et | md }} ({{ r.meta.generated_utc }}) |
| Context | {{ r.meta.kube_context | md }} |
| Cluster | {{ (r.meta.cluster_identity.text if r.meta.cluster_identity else "not recorded") | md }} |
| User | {{ r.meta.kube_user | md }} |
| Namespace | {{ r.meta.namespace | md }} |
| Session | {{ r.meta.session_date or "none today" }} |
| Cluster access | {{ "yes" if r.meta.cluster_access else "no (report degraded: " ~ (r.meta.cluster_error | md) ~ ")" }} |
| Kill switch | {{ r.meta.kill_switch | md }} |

## What changed

{% if r.changes_clusters %}
**{{ r.changes_clusters | md }}**

{% endif %}
{% for gap in r.changes_gaps %}
Not the whole picture: {{ gap | md }}

{% endfor %}
{% if r.changes is none %}
There is no earlier report to compare with.
{% elif not r.changes %}
{{ "Nothing that was seen" if r.changes_gaps else "Nothing" }} changed since {{ r.changes_since | md }}.
{% else %}
Since {{ r.changes_since | md }}:

{% for c in r.changes %}
- **{{ c.subject | md }}** {{ c.what | md }}: {{ c.before | md }} -> {{ c.after | md }}
{% endfor %}
{% endif %}
{% if r.changes_folded %}

Left out, because it differs in any two reports: {% for f in r.changes_folded %}{{ f.what | md }} ({{ f.count }}){{ "" if loop.last else ", " }}{% endfor %}.

{% endif %}

{% if r.lkg.changes is none %}
Nothing is compared with the last known good: {{ r.lkg.problem | md }}.
{% else %}
{% if r.lkg.clusters %}
**Since the last known good: {{ r.lkg.clusters | md }}**

{% endif %}
{% for gap in r.lkg.gaps %}
Not the whole picture since the last known good: {{ gap | md }}

{% endfor %}
{% if not r.lkg.changes %}
{{ "Nothing that was seen" if r.lkg.gaps else "Nothing" }} changed since the last known good of {{ r.lkg.captured_et | md }}.
{% else %}
Since the last known good of {{ r.lkg.captured_et | md }}:

{% for c in r.lkg.changes %}
- **{{ c.subject | md }}** {{ c.what | md }}: {{ c.before | md }} -> {{ c.after | md }}
{% endfor %}
{% endif %}
{% endif %}

## Executive summary

{{ r.summary.workloads_total }} workloads: {{ r.summary.healthy }} ok, {{ r.summary.degraded - r.summary.down - r.summary.unknown }} degraded, {{ r.summary.down }} down, {{ r.summary.unknown }} not known
({{ r.summary.deployments }} Deployments, {{ r.summary.statefulsets }} StatefulSets, {{ r.summary.daemonsets }} DaemonSets, {{ r.summary.jobs }} Jobs of which {{ r.summary.jobs_active }} active).

## Health, and may it trade

Two independent answers: how healthy a workload is, worst first, and whether it could place orders.

| Workload | Kind | Health | Replicas ready | Restarts | May trade | Because |
|---|---|---|---|---|---|---|
{% for w in rows %}
| {{ w.workload_name | md }} | {{ w.kind }} | {{ w.health.state }}{{ ": " if w.health.because }}{{ w.health.because | join(", ") | md }} | {{ counts(w) }} | {{ "not seen" if w.restarts is none else w.restarts }} | {{ w.may_trade }} | {{ w.may_trade_because | md }} |
{% endfor %}

## Top issues

{% for i in r.top_issues[:most] %}
- {{ i.workload | md }}: {{ i.issue | md }}
{% else %}
None detected{{ "" if r.meta.cluster_access else " in what was seen" }}.
{% endfor %}

## Recommended actions

{% for a in r.recommended_actions[:most] %}
- {{ a | md }}
{% endfor %}

## Workloads

{% for w in r.workloads %}
### {{ w.kind }}/{{ w.workload_name | md }}

- Namespace {{ w.namespace | md }}, component {{ (w.component or "none") | md }}, service account {{ (w.service_account or "default") | md }}
- Health {{ w.health.state }}{{ ": " if w.health.because }}{{ w.health.because | join(", ") | md }}; ready {{ counts(w) }}; pods {{ w.pod_status_summary | md }}
- May trade: {{ w.may_trade }}, because {{ w.may_trade_because | md }}
{% if w.job_status %}
- Job: {{ w.job_status.active }} active, {{ w.job_status.succeeded }} succeeded, {{ w.job_status.failed }} failed
{% endif %}
{% for i in w.images %}
- {{ i.container_type }} {{ i.container_name | md }}: {{ i.image | md }}{% for d in w.observed_image_digests.get(i.container_name, []) %}, `{{ d }}`{% endfor %}

{% endfor %}
{% for name, c in (w.resources.initContainers | items | list) + (w.resources.containers | items | list) %}
- Resources of {{ name | md }}: requests cpu {{ (c.requests.cpu or "none") | md }}, memory {{ (c.requests.memory or "none") | md }}; limits cpu {{ (c.limits.cpu or "none") | md }}, memory {{ (c.limits.memory or "none") | md }}
{% endfor %}
{% for name, e in w.env_summary.items() if e.present %}
- {{ name | md }} = {{ e.value | md }}
{% endfor %}
{% for s in w.health.samples %}
- {{ s.path | md }}: {{ "ok" if s.ok else "failed" if s.status_code else "no answer" }}{% if s.status_code %} HTTP {{ s.status_code }}{% endif %}{% if s.error %}: {{ s.error | md }}{% endif %}

{% endfor %}

{% endfor %}
{% if r.loose_pods %}
## Pods of no workload

{% for p in r.loose_pods %}
- {{ p.namespace | md }}/{{ p.name | md }}, {{ p.phase | md }}, made by {{ (p.owner or "nothing that is listed") | md }}: {% for i in p.images %}{{ i.image | md }}{{ "" if loop.last else ", " }}{% endfor %}

{% endfor %}

{% endif %}
{% if r.cron_jobs %}
## CronJobs

| CronJob | Namespace | Schedule | Suspended |
|---|---|---|---|
{% for c in r.cron_jobs %}
| {{ c.name | md }} | {{ c.namespace | md }} | {{ c.schedule | md }} | {{ "yes" if c.suspended else "no" }} |
{% endfor %}

{% endif %}
{% if r.errors %}
## Errors

{% for e in r.errors %}
- {{ e | md }}
{% endfor %}
{% endif %}
"""  # noqa: E501  (a template's lines are the report's lines)


_HEALTHS = [h.value for h in Health]
_CRITICALITIES = ("critical", "important", "optional", None)


def deploy_markdown(document: Mapping[str, Any], label: str = "") -> str:
    """Write a report's document for people; its first line counts what is unhealthy."""
    rows = sorted(document["workloads"], key=_by_weight)
    return render(
        {"deploy": _TEMPLATE},
        "deploy",
        r=document,
        label=label,
        rows=rows,
        counts=_counts,
        most=MOST_ISSUES,
    )


def _by_weight(workload: Mapping[str, Any]) -> tuple[int, int]:
    health = _HEALTHS.index(workload["health"]["state"])
    return health, _CRITICALITIES.index(workload["criticality"])


def _counts(workload: Mapping[str, Any]) -> str:
    """Write ready/wanted, or why there is no number."""
    if not workload["present"]:
        return "not seen" if workload["unseen"] else "not there"
    return f"{workload['replicas_ready']}/{workload['replicas_desired']}"
