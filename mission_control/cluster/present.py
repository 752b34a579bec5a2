"""What was read of the cluster, as documents and as text."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from mission_control.cluster.decide.least_rights import LeastRights
from mission_control.cluster.model.facts import (
    AgentWorkload,
    BindingFacts,
    ClusterFacts,
    ConfigMapFacts,
    RoleFacts,
    Rule,
    ServiceFacts,
)
from mission_control.cluster.model.objects import PodFacts
from mission_control.config_snapshot.decide import SecretReference
from mission_control.documents.document import document
from mission_control.documents.instants import utc_text_or_none
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.model.kill_switch import KILL_SWITCH_MAP

_SHORT_UID = 8


def cluster_document(identity: ClusterIdentity) -> dict[str, Any]:
    """
    Return a cluster's identity as every record has it.

    What was not told is null; `unknown` says why there is no UID, as `denied`. `text` and `short`
    say the same for people.
    """
    told = {name: value or None for name, value in document(identity).items()}
    text, short = cluster_text(identity), short_cluster_text(identity)
    return told | {"context": identity.context, "text": text, "short": short}


def cluster_text(identity: ClusterIdentity) -> str:
    """Write it whole, on one line."""
    if not identity.reads:
        return "none is read"
    uid = f"UID {identity.uid}" if identity.uid else f"UID unknown: {identity.unknown}"
    return f"{identity.context} at {identity.server or 'an unknown server'}, {uid}"


def short_cluster_text(identity: ClusterIdentity) -> str:
    """Write it for a page: the context and the UID's beginning."""
    if not identity.reads:
        return "none is read"
    uid = identity.uid[:_SHORT_UID] or f"UID unknown: {identity.unknown}"
    return f"{identity.context} ({uid})"


def workload_summary(workload: AgentWorkload | None) -> dict[str, Any] | None:
    """
    Return what runs a service in numbers; None where the inventory names nothing.

    `unseen` says why nothing can be told, empty where everything was seen; the counts are null
    where the workload was not found, and `restarts` where its pods were not seen. No `digests`
    says nothing where something is unseen.
    """
    if workload is None:
        return None
    found = workload.found
    return document(workload.ref) | {
        "unseen": workload.unseen,
        "seen_at": document(workload.seen_at),
        "desired": found.desired if found else None,
        "actual": found.actual if found else None,
        "ready": found.ready if found else None,
        "restarts": None if workload.unseen else workload.restarts,
        "digests": list(workload.digests),
    }


def pod_documents(workload: AgentWorkload | None) -> list[dict[str, Any]]:
    """Return every pod that runs a service, sorted by name."""
    return [_pod(p) for p in workload.pods] if workload else []


def warning_documents(workload: AgentWorkload | None) -> list[dict[str, Any]]:
    """Return the newest warnings about what runs a service, newest first."""
    return [
        document(w, "namespace", "type") | {"about": str(w.about)}
        for w in (workload.warnings if workload else ())
    ]


def _pod(pod: PodFacts) -> dict[str, Any]:
    return {
        "name": pod.name,
        "phase": "Terminating" if pod.deleting else pod.phase,
        "ready": pod.ready,
        "node": pod.node,
        "started": document(pod.started),
        "restarts": pod.restarts,
        "pending_reason": pod.pending_reason,
        "containers": [document(s, "image_id") for s in pod.states],
    }


NOT_READ = "# not read: "
SECRETS_NOTE = (
    "# Secrets are never read. These are the names to which pods, workloads and service accounts"
    " refer;\n# a Secret without a reference is not among them, and one that is need not exist.\n"
)
_WARNINGS_NOTE = "# Only warnings are read, the newest 500.\n"


def workloads_text(facts: ClusterFacts, services: Sequence[ServiceFacts]) -> str:
    """List workloads with what they want and have, and Services with their ports."""
    rows = [
        (
            w.namespace,
            f"{w.kind}/{w.name}",
            f"{w.ready}/{w.actual}/{w.desired}",
            ",".join(c.image for c in w.containers) or "-",
            w.owner or "-",
        )
        for w in facts.workloads
    ]
    head = ("NAMESPACE", "NAME", "READY/THERE/WANTED", "IMAGES", "OWNER")
    found = [(s.namespace, f"Service/{s.name}", s.type, ",".join(s.ports) or "-") for s in services]
    told = ("NAMESPACE", "NAME", "TYPE", "PORTS")
    return _table(head, rows) + "\n" + _table(told, sorted(found))


def pods_text(facts: ClusterFacts) -> str:
    """List pods with how they fare and what really runs in them."""
    rows = [
        (
            p.namespace,
            p.name,
            p.phase or "?",
            "yes" if p.ready else "no",
            p.restarts,
            p.node or "-",
            ",".join(sorted({s.digest for s in p.states if s.digest})) or "-",
        )
        for p in facts.pods
    ]
    return _table(("NAMESPACE", "NAME", "PHASE", "READY", "RESTARTS", "NODE", "DIGESTS"), rows)


def events_text(facts: ClusterFacts) -> str:
    """List warnings, newest first."""
    rows = [
        (e.namespace, utc_text_or_none(e.last_seen) or "-", e.about, e.reason, e.count, e.message)
        for e in facts.warnings
    ]
    head = ("NAMESPACE", "LAST SEEN", "ABOUT", "REASON", "COUNT", "MESSAGE")
    return _WARNINGS_NOTE + _table(head, rows)


def config_maps_text(facts: ClusterFacts) -> str:
    """List ConfigMaps by name, with the SHA-256 of their data and the names of their keys."""
    rows = [(m.namespace, m.name, m.digest, ",".join(m.keys) or "-") for m in facts.config_maps]
    return _table(("NAMESPACE", "NAME", "SHA256", "KEYS"), rows)


def config_map_yaml(facts: ClusterFacts, namespace: str, name: str) -> str | None:
    """Write one ConfigMap that is read in full; None where the lists do not hold it."""
    found = next((m for m in facts.config_maps if m.key == (namespace, name)), None)
    return None if found is None else _manifest(found)


def _manifest(held: ConfigMapFacts) -> str:
    head = ["apiVersion: v1", "kind: ConfigMap", "metadata:"]
    head += [f"  name: {_quoted(held.name)}", f"  namespace: {_quoted(held.namespace)}"]
    data = [f"  {_quoted(k)}: {_quoted(v)}" for k, v in sorted(held.values.items())]
    digest = f"# SHA-256 of its data: {held.digest}"
    return "\n".join([digest, *head, "data:" if data else "data: {}", *data]) + "\n"


def _quoted(text: str) -> str:
    """Write a text as JSON, which YAML reads as the same text whatever is in it."""
    return orjson.dumps(text).decode()


def secrets_text(references: Iterable[SecretReference]) -> str:
    """List the Secrets that are referred to, each once, and how often in which way."""
    ways = dict[tuple[str, str], dict[str, set[str]]]()
    for each in references:
        found = ways.setdefault((each.namespace, each.name), {})
        found.setdefault(each.how, set()).add(each.by)
    rows = [
        (ns, name, how, ",".join(sorted(by)))
        for (ns, name), found in sorted(ways.items())
        for how, by in sorted(found.items())
    ]
    return SECRETS_NOTE + _table(("NAMESPACE", "NAME", "REFERRED TO AS", "BY"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Write rows in columns; the text of a cell stays on its line."""
    texts = [[" ".join(str(cell).split()) or "-" for cell in row] for row in (head, *rows)]
    widths = [max(len(row[i]) for row in texts) for i in range(len(head))]
    lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in texts)
    return "".join(f"{line.rstrip()}\n" for line in lines)


IN_FULL = (
    ("kill_switch_configmap.yaml", KILL_SWITCH_MAP),
    ("safety_configmap.yaml", "agenttrader-safety"),
)
"""ConfigMaps that are kept in full, by the file that holds them (docs/semantics.md#12)."""


_RBAC = "rbac.authorization.k8s.io"
_LABELS = {
    "app.kubernetes.io/name": "agenttrader",
    "app.kubernetes.io/part-of": "agent-trader-v2",
    "app.kubernetes.io/component": "ops",
    "app.kubernetes.io/instance": "mission-control",
}


def rights_documents(rights: LeastRights) -> list[dict[str, Any]]:
    """Return the objects that give an account its rights, as Kubernetes takes them."""
    account = rights.account
    about = _about(account.namespace, account.name)
    made: list[dict[str, Any]] = [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": about,
            "automountServiceAccountToken": False,
        }
    ]
    for role, binding in zip(rights.roles, rights.bindings, strict=True):
        made.extend((_role_object(role), _binding_object(binding)))
    return made


def _about(namespace: str, name: str) -> dict[str, Any]:
    inside = {"namespace": namespace} if namespace else {}
    return {"name": name, **inside, "labels": dict(_LABELS)}


def _role_object(role: RoleFacts) -> dict[str, Any]:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "Role" if role.namespace else "ClusterRole",
        "metadata": _about(role.namespace, role.name),
        "rules": [_rule_object(rule) for rule in role.rules],
    }


def _rule_object(rule: Rule) -> dict[str, Any]:
    names = {"resourceNames": list(rule.names)} if rule.names else {}
    return {
        "apiGroups": list(rule.groups),
        "resources": list(rule.resources),
        **names,
        "verbs": list(rule.verbs),
    }


def _binding_object(binding: BindingFacts) -> dict[str, Any]:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "RoleBinding" if binding.namespace else "ClusterRoleBinding",
        "metadata": _about(binding.namespace, binding.name),
        "roleRef": {"apiGroup": _RBAC, "kind": binding.role_kind, "name": binding.role_name},
        "subjects": [
            {"kind": s.kind, "name": s.name, "namespace": s.namespace} for s in binding.subjects
        ],
    }
