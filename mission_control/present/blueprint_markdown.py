"""Present: a blueprint for people, with its diagram."""

from collections.abc import Mapping
from typing import Any

from mission_control.present.markdown import render

OPS_COMMANDS = (
    ("May the floor run, and why not", "mission-control status"),
    ("May this session run", "scripts/readiness_check.sh --namespace NS"),
    ("What is deployed, and what changed", "scripts/report_v2_deploy.sh --namespace NS"),
    (
        "The configuration in force, as a record",
        "scripts/capture_config_snapshot.sh --namespace NS",
    ),
    ("This blueprint", "scripts/blueprint_generator.sh --namespace NS"),
    ("Whether anything of execution was seen", "mission-control attest"),
    ("Whether every record is as it was", "mission-control artifacts verify"),
    ("What works from here", "mission-control doctor"),
)
"""Commands that read; none of them changes the fleet."""

_TEMPLATE = """\
# Blueprint: {{ b.summary.components }} components, {{ b.summary.gaps }} gaps

{% if b.label is defined %}
**{{ b.label | md }}**

{% endif %}
Drawn from what was seen: the inventory, the cluster and the services' answers. What was not seen is `unknown`.

| About | This blueprint |
|---|---|
| Generated | {{ b.meta.generated_et | md }} ({{ b.meta.generated_utc }}) |
| Repository | {{ b.meta.repo_id | md }} |
| Commit | {{ b.meta.git_sha | md }} ({{ b.meta.git_branch | md }}) |
| Namespace | {{ b.meta.namespace | md }} |
| Context | {{ b.meta.kubectl_context | md }} |
| Cluster | {{ b.meta.cluster_identity.text | md }} |
| Inventory | {{ b.meta.fleet_file | md }} (SHA-256 {{ b.meta.fleet_digest | md }}) |

## Executive snapshot

{{ b.summary.agents }} agents in the inventory; {{ b.summary.seen }} of {{ b.summary.components }} components seen, {{ b.summary.not_in_inventory }} of them not in the inventory; Services: {{ b.summary.services }}.
Posture {{ b.summary.posture }}, kill switch {{ b.summary.kill_switch }}, session {{ b.summary.session_phase }}.

{% for kind, count in b.summary.kinds.items() %}
- {{ kind | md }}: {{ count }}
{% endfor %}

## Dependencies

Solid: depends on, as the inventory says. Dotted: a Service leads to it, as its selector says. Dashed frame: not seen.

```mermaid
{{ b.diagram }}```

## Component inventory

| Name | Kind | Workload | Ready/wanted | AGENT_ROLE | AGENT_MODE | Owner |
|---|---|---|---|---|---|---|
{% for c in b.components %}
| {{ c.name | md }} | {{ c.kind | md }} | {{ c.workload | md }} | {% if c.replicas is string %}unknown{% else %}{{ c.replicas.ready }}/{{ c.replicas.wanted }}{% endif %} | {{ c.agent_role | md }} | {{ c.agent_mode | md }} | {{ c.owner | md }} |
{% endfor %}

{% for c in b.components %}
### {{ c.name | md }}

{% if not c.in_inventory %}
- **Not in the inventory**
{% endif %}
{% if c.unseen %}
- Workload unknown: {{ c.unseen | md }}
{% endif %}
- Address {{ c.address | md }}; criticality {{ c.criticality | md }}; depends on {{ (c.depends_on | join(", ") or "nothing that the inventory names") | md }}; Services {{ (c.services | join(", ") or ("unknown" if b.services is string else "none")) | md }}
{% if c.containers is string %}
- Containers unknown
{% else %}
{% for k in c.containers %}
- Container {{ k.name | md }}: {{ k.image | md }}; runs {{ (k.digests if k.digests is string else k.digests | join(", ")) | md }}; probes {{ (k.probes | join(", ") or "none") | md }}
{% endfor %}
{% endif %}
{% if c.endpoints is string %}
- Endpoints unknown
{% else %}
{% for e in c.endpoints %}
- {{ e.path | md }}: {{ e.answer | md }}
{% endfor %}
{% endif %}

{% endfor %}
## Discovered Services

{% if b.services is string %}
unknown
{% else %}
| Name | Namespace | Type | Ports |
|---|---|---|---|
{% for s in b.services %}
| {{ s.name | md }} | {{ s.namespace | md }} | {{ s.type | md }} | {{ (s.ports | join(", ") or "none") | md }} |
{% endfor %}
{% endif %}

## Build pipelines

{% if b.pipelines is string %}
unknown
{% else %}
{% for p in b.pipelines %}
- {{ p.path | md }}: {{ (p.problem or p.images | join(", ") or "no image is named") | md }}
{% else %}
None was found.
{% endfor %}
{% endif %}

## Safety controls

- Kill switch: **{{ b.safety.kill_switch.state }}**{{ ", confirmed" if b.safety.kill_switch.confirmed else ", NOT CONFIRMED" }}: {{ b.safety.kill_switch.detail | md }}
{% for w in b.safety.kill_switch.witnesses %}
- Witness {{ w.source | md }}: {{ w.state }}{{ ", can confirm" if w.can_confirm }}{% if w.detail %}: {{ w.detail | md }}{% endif %}

{% endfor %}
{% if b.safety.safety_config_map is string %}
- Safety ConfigMap: unknown
{% else %}
{% for name, value in b.safety.safety_config_map.items() %}
- Safety ConfigMap: {{ name | md }} = {{ value | md }}
{% endfor %}
{% endif %}
{% for e in b.safety.execution %}
- Execution: {{ e.name | md }}: {% if e.replicas is string %}replicas unknown{% else %}{{ e.replicas.ready }} ready of {{ e.replicas.wanted }} wanted{% endif %}

{% endfor %}

## Ops commands

None of these changes the fleet.

{% for what, command in commands %}
- {{ what }}: `{{ command }}`
{% endfor %}

## Known gaps

{% for g in b.gaps %}
- **{{ g.subject | md }}**: {{ g.gap | md }}
{% else %}
None is known.
{% endfor %}

## Documents

{% if b.documents is string %}
unknown
{% else %}
{% for d in b.documents %}
- {{ d | md }}
{% else %}
None was found.
{% endfor %}
{% endif %}
"""  # noqa: E501  (a template's lines are the blueprint's lines)


def blueprint_markdown(document: Mapping[str, Any]) -> str:
    """Write a blueprint's document for people."""
    return render({"blueprint": _TEMPLATE}, "blueprint", b=document, commands=OPS_COMMANDS)
