"""Present: a blueprint as JSON; what is not known is written as `unknown`, never left out."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from mission_control.model.blueprint import Blueprint, Component
from mission_control.present.cluster_identity import cluster_document
from mission_control.present.instants import new_york_text, utc_text
from mission_control.present.kill_switch_document import kill_switch_document
from mission_control.present.mermaid import dependency_diagram

UNKNOWN = "unknown"
SAFETY_MAP = "agenttrader-safety"

Document = dict[str, Any]


def blueprint_document(blueprint: Blueprint) -> Document:
    """Give a blueprint; equal ones give equal documents."""
    snapshot, head = blueprint.snapshot, blueprint.repository and blueprint.repository.head
    access = snapshot.fleet.access
    document: Document = {
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
        "services": _services(blueprint),
        "pipelines": _pipelines(blueprint),
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
        "gaps": [{"subject": g.subject, "gap": g.gap} for g in blueprint.gaps],
        "diagram": dependency_diagram(blueprint),
    }
    if snapshot.label:
        document["label"] = snapshot.label
    return document


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


def _component(component: Component) -> Document:
    return {
        "name": component.name,
        "in_inventory": component.listed,
        "kind": component.kind or UNKNOWN,
        "criticality": component.criticality or UNKNOWN,
        "owner": component.owner or UNKNOWN,
        "address": component.address or UNKNOWN,
        "workload": component.workload or UNKNOWN,
        "unseen": component.unseen,
        "replicas": _replicas(component),
        "agent_role": component.role or UNKNOWN,
        "agent_mode": component.mode or UNKNOWN,
        "containers": [
            {
                "name": c.name,
                "image": c.image or UNKNOWN,
                "digests": list(c.digests) or UNKNOWN,
                "probes": list(c.probes),
            }
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


def _services(blueprint: Blueprint) -> list[Document] | str:
    if blueprint.services is None:
        return UNKNOWN
    return [
        {
            "name": s.name,
            "namespace": s.namespace,
            "type": s.type,
            "ports": list(s.ports),
            "selector": dict(sorted(s.selector.items())),
        }
        for s in blueprint.services
    ]


def _pipelines(blueprint: Blueprint) -> list[Document] | str:
    if blueprint.repository is None:
        return UNKNOWN
    return [
        {"path": p.path, "images": list(p.images), "problem": p.problem}
        for p in blueprint.repository.pipelines
    ]


def _safety_map(blueprint: Blueprint) -> Mapping[str, str] | str:
    snapshot, access = blueprint.snapshot, blueprint.snapshot.fleet.access
    maps = snapshot.cluster.config_maps if snapshot.cluster else ()
    key = (access.floor_namespace if access else "", SAFETY_MAP)
    found = next((m for m in maps if m.key == key), None)
    return UNKNOWN if found is None else dict(sorted(found.values.items()))
