"""The other objects of the cluster: configuration, access, network, nodes, events."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from mission_control.model.cluster_identity import NAMESPACE
from mission_control.simulation.cluster_api.objects import Object, Placed, identity, metadata, stamp
from mission_control.simulation.cluster_api.planned import EXECUTION, FLOOR, PLANNED
from mission_control.simulation.cluster_stage import ClusterStage

SERVICES = (
    ("marketdata-mcp-server", "marketdata-mcp-server"),
    ("agenttrader-marketdata-mcp-server", "marketdata-mcp-server"),
    ("agenttrader-gamma-strategy", "gamma-strategy"),
    ("agenttrader-whale-strategy", "whale-strategy"),
    ("strategy-engine", "strategy-engine"),
    ("agenttrader-strategy-engine", "strategy-engine"),
    ("agenttrader-execution-agent", "execution-engine"),
    ("mission-control", "mission-control"),
    ("agenttrader-ops-ui", "agenttrader-ops-ui"),
)
_READING = ["get", "list", "watch"]
_NAMED: dict[str, list[str]] = {
    "": ["configmaps", "events", "pods", "pods/log", "serviceaccounts", "services"],
    "apps": ["daemonsets", "deployments", "replicasets", "statefulsets"],
    "batch": ["cronjobs", "jobs"],
    "networking.k8s.io": ["networkpolicies"],
    "policy": ["poddisruptionbudgets"],
    "rbac.authorization.k8s.io": ["rolebindings", "roles"],
}


def other_objects(at: datetime, stage: ClusterStage, switch: str | None) -> Iterator[Placed]:
    """Yield everything that is no workload; `switch` is the kill switch's value, or None."""
    yield from _config_maps(at, stage, switch)
    yield from _access(at)
    yield from _network(at)
    yield from _nodes(at, stage)
    yield from _events(at, stage)


def _config_maps(at: datetime, stage: ClusterStage, switch: str | None) -> Iterator[Placed]:
    held: dict[str, dict[str, str]] = {
        "agenttrader-safety": {"KILL_SWITCH": "true", "STALE_THRESHOLD_SECONDS": "30"},
        "agenttrader-heartbeat-marketdata-mcp-server": {"last_seen": stamp(at)},
        "agenttrader-modes": {"AGENT_MODE": "OBSERVE", "TRADING_MODE": "paper"},
    }
    if switch is not None:
        held["agenttrader-kill-switch"] = {stage.kill_switch_key: switch}
    for name, data in sorted(held.items()):
        yield FLOOR, "configmaps", {"metadata": metadata(FLOOR, name, at), "data": data}


def _access(at: datetime) -> Iterator[Placed]:
    accounts = {(p.namespace, p.service_account) for p in PLANNED if p.service_account}
    for namespace, name in sorted(accounts | {(FLOOR, "default"), (EXECUTION, "default")}):
        yield namespace, "serviceaccounts", {"metadata": metadata(namespace, name, at)}
    rules = [{"apiGroups": [g], "resources": r, "verbs": _READING} for g, r in _NAMED.items()]
    subject = {"kind": "ServiceAccount", "name": "mission-control", "namespace": FLOOR}
    for namespace in (FLOOR, EXECUTION):
        meta = metadata(namespace, "mission-control-reader", at)
        yield namespace, "roles", {"metadata": meta, "rules": rules}
        ref = {"kind": "Role", "name": "mission-control-reader"}
        yield namespace, "rolebindings", {"metadata": meta, "roleRef": ref, "subjects": [subject]}
    meta = metadata("", "mission-control-reader", at)
    nodes = {"apiGroups": [""], "resources": ["nodes"], "verbs": _READING}
    named = {
        "apiGroups": [""],
        "resources": ["namespaces"],
        "resourceNames": [EXECUTION, NAMESPACE, FLOOR],
        "verbs": ["get"],
    }
    group, classes = "scheduling.k8s.io", "priorityclasses"
    ranks = {"apiGroups": [group], "resources": [classes], "verbs": _READING}
    yield "", "clusterroles", {"metadata": meta, "rules": [nodes, named, ranks]}
    ref = {"kind": "ClusterRole", "name": "mission-control-reader"}
    yield "", "clusterrolebindings", {"metadata": meta, "roleRef": ref, "subjects": [subject]}


def _network(at: datetime) -> Iterator[Placed]:
    for name, target in SERVICES:
        spec = {
            "type": "ClusterIP",
            "clusterIP": "10.0.0.9",
            "selector": {"app": target},
            "ports": [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}],
        }
        yield FLOOR, "services", {"metadata": metadata(FLOOR, name, at), "spec": spec}
    deny: Object = {"podSelector": {}, "policyTypes": ["Ingress"]}
    named = metadata(FLOOR, "default-deny-ingress", at)
    yield FLOOR, "networkpolicies", {"metadata": named, "spec": deny}
    budget: Object = {"minAvailable": 1, "selector": {"matchLabels": {"app": "strategy-engine"}}}
    named = metadata(FLOOR, "strategy-engine", at)
    yield FLOOR, "poddisruptionbudgets", {"metadata": named, "spec": budget}


def _nodes(at: datetime, stage: ClusterStage) -> Iterator[Placed]:
    for number in (1, 2):
        pressure = [
            {"type": kind, "status": "False"}
            for kind in ("MemoryPressure", "DiskPressure", "PIDPressure")
        ]
        status = {
            "conditions": [*pressure, {"type": "Ready", "status": "True"}],
            "allocatable": {"cpu": "4", "memory": "16Gi"},
            "nodeInfo": {"kubeletVersion": "v1.29.4"},
        }
        named = metadata("", f"node-{number}", at)
        yield "", "nodes", {"metadata": named, "spec": {}, "status": status}
    named = metadata("", "high-priority", at)
    yield "", "priorityclasses", {"metadata": named, "value": 1_000_000}
    for name in (FLOOR, EXECUTION, NAMESPACE):
        about = metadata("", name, at) | {"uid": identity(stage.of, name)}
        yield "", "namespaces", {"metadata": about, "status": {"phase": "Active"}}


def _events(at: datetime, stage: ClusterStage) -> Iterator[Placed]:
    for planned in PLANNED:
        twist = stage.twist(planned.name)
        if not twist.warning:
            continue
        name = f"{planned.name}.17d2f1"
        about = {"kind": planned.kind, "name": planned.name, "namespace": planned.namespace}
        event = {
            "metadata": metadata(planned.namespace, name, at),
            "involvedObject": about,
            "type": "Warning",
            "reason": "BackOff",
            "message": twist.warning,
            "count": 7,
            "lastTimestamp": stamp(at - timedelta(minutes=2)),
        }
        yield planned.namespace, "events", event
