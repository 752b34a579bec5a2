"""Present: a deploy report for people, in the predecessor's order, what changed first."""

from collections.abc import Mapping
from typing import Any

from mission_control.present.markdown import render

MOST_ISSUES = 12

_TEMPLATE = """\
# Deploy report: {{ headline }}

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
Nothing {{ "that was seen " if r.changes_gaps }}since {{ r.changes_since | md }}.
{% else %}
Since {{ r.changes_since | md }}:

{% for c in r.changes %}
- **{{ c.subject | md }}** {{ c.what | md }}: {{ c.before | md }} -> {{ c.after | md }}
{% endfor %}
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
Nothing {{ "that was seen " if r.lkg.gaps }}since the last known good of {{ r.lkg.captured_et | md }}.
{% else %}
Since the last known good of {{ r.lkg.captured_et | md }}:

{% for c in r.lkg.changes %}
- **{{ c.subject | md }}** {{ c.what | md }}: {{ c.before | md }} -> {{ c.after | md }}
{% endfor %}
{% endif %}
{% endif %}

## Executive summary

{{ r.summary.workloads_total }} workloads: {{ r.summary.healthy }} ok, {{ r.summary.degraded }} degraded, {{ r.summary.halted }} halted
({{ r.summary.deployments }} Deployments, {{ r.summary.statefulsets }} StatefulSets, {{ r.summary.jobs }} Jobs of which {{ r.summary.jobs_active }} active).

## Allowed to run

"Allowed" only says that nothing forbids it to run; it does not say that anything is live.

| Workload | Kind | Allowed to run | Reason | Replicas ready | Class |
|---|---|---|---|---|---|
{% for w in r.workloads %}
| {{ w.workload_name | md }} | {{ w.kind }} | {{ "yes" if w.allowed_to_run else "no" }} | {{ w.allowed_reason | md }} | {{ w.replicas_ready }}/{{ w.replicas_desired }} | {{ w.classification }} |
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
- {{ w.classification }}: {{ w.allowed_reason | md }}; {{ w.replicas_ready }} of {{ w.replicas_desired }} ready{{ "" if w.observed_generation_current else ", newest specification not taken up" }}; pods {{ w.pod_status_summary | md }}
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
- {{ s.path | md }}: {{ "ok" if s.ok else "failed" }}{% if s.status_code %} HTTP {{ s.status_code }}{% endif %}{% if s.error %}: {{ s.error | md }}{% endif %}

{% endfor %}

{% endfor %}
{% if r.errors %}
## Errors

{% for e in r.errors %}
- {{ e | md }}
{% endfor %}
{% endif %}
"""  # noqa: E501  (a template's lines are the report's lines)


def deploy_markdown(document: Mapping[str, Any]) -> str:
    """Write a report's document for people; without cluster access its first line says so."""
    access = document["meta"]["cluster_access"]
    summary = document["summary"]
    counts = f"{summary['degraded']} degraded, {summary['halted']} halted"
    headline = counts if access else "no cluster access, degraded"
    return render({"deploy": _TEMPLATE}, "deploy", r=document, headline=headline, most=MOST_ISSUES)
