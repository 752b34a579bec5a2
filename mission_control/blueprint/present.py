"""A blueprint as JSON; what is not known is written as `unknown`, never left out."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from mission_control.blueprint.model import Blueprint, Component
from mission_control.cluster.present import cluster_document
from mission_control.documents.document import document
from mission_control.documents.instants import new_york_text, utc_text
from mission_control.documents.markdown import render
from mission_control.kill_switch.present import kill_switch_document
from mission_control.model.kill_switch import SAFETY_MAP

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

{% if label %}
**{{ label | md }}**

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
- Source {{ w.source | md }}: {{ w.state }}{{ ", can confirm" if w.can_confirm }}{% if w.detail %}: {{ w.detail | md }}{% endif %}

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


def blueprint_markdown(document: Mapping[str, Any], label: str = "") -> str:
    """Write a blueprint's document for people."""
    values = {"b": document, "label": label, "commands": OPS_COMMANDS}
    return render({"blueprint": _TEMPLATE}, "blueprint", **values)


MOST_DRAWN = 200
_PLAIN = re.compile(r"[A-Za-z0-9 ._/-]")


def label(text: str) -> str:
    """Write a text so that Mermaid, HTML and Markdown see no meaning in it, as entity codes."""
    flat = " ".join(text.split())
    return "".join(c if _PLAIN.fullmatch(c) else f"#{ord(c)};" for c in flat)


def dependency_diagram(blueprint: Blueprint) -> str:
    """
    Draw what depends on what, and which Service leads to which workload.

    What is listed is drawn first; where there is more than can be read, the rest is left out,
    and the diagram says so itself.
    """
    return "".join(f"{line}\n" for line in _lines(blueprint))


def _lines(blueprint: Blueprint) -> Iterator[str]:
    ordered = sorted(blueprint.components, key=lambda c: not c.listed)
    drawn = {_key(c): f"c{i}" for i, c in enumerate(ordered[:MOST_DRAWN])}
    yield "flowchart LR"
    by_name = dict[str, list[str]]()
    for component in ordered[:MOST_DRAWN]:
        node = drawn[_key(component)]
        by_name.setdefault(component.name, []).append(node)
        yield f'  {node}["{_describe(component)}"]{_look(component)}'
    services = sorted({(c.services, _key(c)) for c in ordered[:MOST_DRAWN]})
    nodes = dict[tuple[str, str], str]()
    for found, key in services:
        for service in found:
            if service not in nodes:
                nodes[service] = f"s{len(nodes)}"
                yield f'  {nodes[service]}(["{label("Service " + "/".join(service))}"])'
            yield f"  {nodes[service]} -.-> {drawn[key]}"
    edges = {(a, b) for c in ordered[:MOST_DRAWN] for a, b in _edges(c, drawn, by_name)}
    yield from (f"  {a} --> {b}" for a, b in sorted(edges))
    if len(ordered) > MOST_DRAWN:
        yield f'  more["{label(f"and {len(ordered) - MOST_DRAWN} more, not drawn")}"]'
    yield "  classDef unknown stroke-dasharray: 5 5"
    yield "  classDef unlisted stroke-width: 3px"


def _key(component: Component) -> tuple[str, str]:
    return component.name, component.workload or ""


def _edges(
    component: Component, drawn: dict[tuple[str, str], str], by_name: dict[str, list[str]]
) -> Iterator[tuple[str, str]]:
    for name in component.depends_on:
        for node in by_name.get(name, ()):
            yield drawn[_key(component)], node


def _describe(component: Component) -> str:
    what = label(component.kind or "not in the inventory")
    workload = label(component.workload or "workload unknown")
    return f"{label(component.name)}<br/>{what}<br/>{workload}"


def _look(component: Component) -> str:
    if component.unseen:
        return ":::unknown"
    return "" if component.listed else ":::unlisted"


UNKNOWN = "unknown"

Document = dict[str, Any]


def blueprint_document(blueprint: Blueprint) -> Document:
    """Return a blueprint; equal ones give equal documents."""
    snapshot, head = blueprint.snapshot, blueprint.repository and blueprint.repository.head
    access = snapshot.fleet.access
    return {
        "meta": {
            "generated_utc": utc_text(blueprint.at),
            "generated_et": new_york_text(blueprint.at),
            "repo_id": (head and head.repo_id) or UNKNOWN,
            "git_sha": head.git_sha if head else UNKNOWN,
            "git_branch": head.git_branch if head else UNKNOWN,
            "namespace": access.floor_namespace if access else UNKNOWN,
            "kubectl_context": snapshot.fleet.cluster,
            "cluster_identity": cluster_document(snapshot.cluster_identity),
            "fleet_file": snapshot.fleet.source,
            "fleet_digest": snapshot.fleet.digest,
        },
        "summary": _summary(blueprint),
        "components": [_component(c) for c in blueprint.components],
        "services": UNKNOWN
        if blueprint.services is None
        else [document(s, "cluster_ip", "labels") for s in blueprint.services],
        "pipelines": document(blueprint.repository.pipelines) if blueprint.repository else UNKNOWN,
        "safety": {
            "kill_switch": kill_switch_document(snapshot),
            "safety_config_map": _safety_map(blueprint),
            "execution": [
                {"name": c.name, "replicas": _replicas(c)}
                for c in blueprint.components
                if c.kind == "execution"
            ],
        },
        "documents": list(blueprint.repository.documents) if blueprint.repository else UNKNOWN,
        "gaps": document(blueprint.gaps),
        "diagram": dependency_diagram(blueprint),
    }


def _summary(blueprint: Blueprint) -> Document:
    components, snapshot = blueprint.components, blueprint.snapshot
    kinds = Counter(c.kind or "not in the inventory" for c in components)
    return {
        "agents": len(snapshot.fleet.agents),
        "components": len(components),
        "seen": sum(1 for c in components if not c.unseen),
        "not_in_inventory": sum(1 for c in components if not c.listed),
        "kinds": dict(sorted(kinds.items())),
        "services": len(blueprint.services) if blueprint.services is not None else UNKNOWN,
        "posture": snapshot.posture.verdict.value,
        "kill_switch": snapshot.kill_switch.state.value,
        "session_phase": snapshot.session.phase.value,
        "gaps": len(blueprint.gaps),
    }


_OR_UNKNOWN = ("kind", "criticality", "owner", "address", "workload")


def _component(component: Component) -> Document:
    return {
        "name": component.name,
        "in_inventory": component.listed,
        **{name: getattr(component, name) or UNKNOWN for name in _OR_UNKNOWN},
        "unseen": component.unseen,
        "replicas": _replicas(component),
        "agent_role": component.role or UNKNOWN,
        "agent_mode": component.mode or UNKNOWN,
        "containers": [
            document(c) | {"image": c.image or UNKNOWN, "digests": document(c.digests) or UNKNOWN}
            for c in component.containers
        ]
        or UNKNOWN,
        "endpoints": [{"path": p, "answer": a} for p, a in component.endpoints] or UNKNOWN,
        "depends_on": list(component.depends_on),
        "services": [name for _, name in component.services],
    }


def _replicas(component: Component) -> Mapping[str, int] | str:
    if component.replicas is None:
        return UNKNOWN
    ready, wanted = component.replicas
    return {"ready": ready, "wanted": wanted}


def _safety_map(blueprint: Blueprint) -> Mapping[str, str] | str:
    snapshot, access = blueprint.snapshot, blueprint.snapshot.fleet.access
    maps = snapshot.cluster.config_maps if snapshot.cluster else ()
    key = (access.floor_namespace if access else "", SAFETY_MAP)
    found = next((m for m in maps if m.key == key), None)
    return UNKNOWN if found is None else dict(sorted(found.values.items()))
