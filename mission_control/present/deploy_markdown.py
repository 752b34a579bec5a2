"""Present: a deploy report for people, in the predecessor's order, what changed first."""

from collections.abc import Mapping
from typing import Any

from mission_control.model.deploy_report import Health
from mission_control.present.markdown import render

MOST_ISSUES = 12

_TEMPLATE = """\
# Deploy report: {{ r.headline | md }}

{% if r.label is defined %}
**{{ r.label | md }}**

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

Left out, for it differs in any two reports: {% for f in r.changes_folded %}{{ f.what | md }} ({{ f.count }}){{ "" if loop.last else ", " }}{% endfor %}.

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

Two answers that do not depend on each other: how a workload fares, worst first, and whether it could place orders.

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


def deploy_markdown(document: Mapping[str, Any]) -> str:
    """Write a report's document for people; its first line counts what fares badly."""
    rows = sorted(document["workloads"], key=_by_weight)
    return render(
        {"deploy": _TEMPLATE}, "deploy", r=document, rows=rows, counts=_counts, most=MOST_ISSUES
    )


def _by_weight(workload: Mapping[str, Any]) -> tuple[int, int]:
    health = _HEALTHS.index(workload["health"]["state"])
    return health, _CRITICALITIES.index(workload["criticality"])


def _counts(workload: Mapping[str, Any]) -> str:
    """Write how many are ready of how many; of what is not there no number is made up."""
    if not workload["present"]:
        return "not seen" if workload["unseen"] else "not there"
    return f"{workload['replicas_ready']}/{workload['replicas_desired']}"
