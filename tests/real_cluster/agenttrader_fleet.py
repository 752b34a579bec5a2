"""
The fleet's manifests on a real API server, and what a controller and a kubelet would add to them.

As the manifests have it: both spellings of part-of, workloads without any labels, two strategies
that call themselves strategy-engine, heartbeats that an unsuspended CronJob writes, suspended ops
jobs, execution at 0 replicas in two namespaces.
"""

from datetime import timedelta

import yaml

FLOOR, EXECUTION = "trading-floor", "agenttrader"
REGISTRY = "us-east4-docker.pkg.dev/agenttrader-prod/trader-repo"
DIGEST = "sha256:" + "5" * 64
SWITCH = {"name": "agenttrader-kill-switch", "key": "EXECUTION_HALTED"}
SWITCH_PATH = "/etc/agenttrader/kill-switch"


def labels(name, part_of, component):
    """Write the label contract's labels."""
    return {
        "app.kubernetes.io/name": "agenttrader",
        "app.kubernetes.io/part-of": part_of,
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/instance": name,
    }


def env(**values):
    """Write plain variables, as manifests do."""
    return [{"name": name, "value": value} for name, value in values.items()]


def identity(name, role, mode, service):
    """Write what every Python service of the fleet demands to start."""
    return env(
        REPO_ID="agent-trader-v2", AGENT_NAME=name, AGENT_ROLE=role, AGENT_MODE=mode,
        TRADING_MODE="paper", SERVICE_NAME=service, GIT_SHA="54afffe",
    )  # fmt: skip


FROM_MAP = {"name": "EXECUTION_HALTED", "valueFrom": {"configMapKeyRef": SWITCH}}
FROM_FILE = env(EXECUTION_HALTED_FILE=f"{SWITCH_PATH}/EXECUTION_HALTED")
MOUNT = {"name": "kill-switch", "mountPath": SWITCH_PATH, "readOnly": True}
VOLUME = {"name": "kill-switch", "configMap": {"name": "agenttrader-kill-switch"}}
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def container(name, image, variables, *, probes=PROBES, port=8080, mounted=False):
    """Write a container."""
    paths = {"startupProbe": "/healthz", "readinessProbe": "/readyz", "livenessProbe": "/healthz"}
    made = {"name": name, "image": image, "env": variables}
    made["ports"] = [{"name": "http", "containerPort": port}]
    for probe in probes:
        made[probe] = {"httpGet": {"path": paths[probe], "port": "http"}}
    return made | ({"volumeMounts": [MOUNT]} if mounted else {})


def workload(name, pod_labels, held, *, strategy="", replicas=1, account="", at=FLOOR):
    """Write a Deployment or StatefulSet; what bears no labels has only its selector's."""
    kind = "StatefulSet" if strategy else "Deployment"
    chosen = {"strategy": strategy} if strategy else {"app": name}
    spec: dict[str, object] = {"containers": [held]}
    if account:
        spec["serviceAccountName"] = account
    if "volumeMounts" in held:
        spec["volumes"] = [VOLUME]
    template = {"metadata": {"labels": {**chosen, **pod_labels}}, "spec": spec}
    made = {"replicas": replicas, "selector": {"matchLabels": chosen}, "template": template}
    if kind == "StatefulSet":
        made["serviceName"] = name
    meta = {"name": name, "namespace": at, "labels": pod_labels}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": meta, "spec": made}


def strategy(letter, name):
    """Write gamma or whale: both run the runtime, and both call themselves strategy-engine."""
    variables = [*identity("strategy-engine", "strategy_eval", "EVAL", name), FROM_MAP, *FROM_FILE]
    held = container(name, f"{REGISTRY}/strategy-runtime:54afffe", variables, mounted=True)
    bears = labels(name, "agenttrader-v2", "strategy-runtime")
    return workload(name, bears, held, strategy=letter, account="strategy-engine-ksa")


def cron_job(name, schedule, image, command, *, suspended, pod_labels, account=""):
    """Write a CronJob, as 1.20 takes it."""
    spec = {"restartPolicy": "Never", "containers": [
        {"name": name, "image": image, "command": ["/bin/sh", "-c", command]}]}  # fmt: skip
    if account:
        spec["serviceAccountName"] = account
    template = {"metadata": {"labels": pod_labels}, "spec": spec}
    meta = {"name": name, "namespace": FLOOR, "labels": pod_labels}
    made = {"schedule": schedule, "suspend": suspended, "concurrencyPolicy": "Forbid",
            "jobTemplate": {"spec": {"template": template}}}  # fmt: skip
    return {"apiVersion": "batch/v1beta1", "kind": "CronJob", "metadata": meta, "spec": made}


def config_map(name, **data):
    """Write a ConfigMap."""
    meta = {"name": name, "namespace": FLOOR}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def service(name, selector, port=8080):
    """Write a Service."""
    ports = [{"name": "http", "port": 80, "targetPort": port}]
    meta = {"name": name, "namespace": FLOOR}
    spec = {"selector": selector, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}


V2, OTHER, FEED = "agenttrader-v2", "agent-trader-v2", "marketdata-mcp-server"
OPS_OF_V2 = labels("ops-heartbeat-writer", V2, "ops")

WORKLOADS = (
    strategy("gamma", "gamma-strategy"),
    strategy("whale", "whale-strategy"),
    workload(
        "marketdata-mcp-server",
        labels("marketdata-mcp-server", V2, "marketdata-mcp-server"),
        container(
            "marketdata-mcp-server",
            f"{REGISTRY}/marketdata-mcp-server:54afffe",
            [
                *identity(FEED, "marketdata", "OBSERVE", FEED),
                FROM_MAP,
                *FROM_FILE,
                {"name": "APCA_API_KEY_ID", "valueFrom": {
                    "secretKeyRef": {"name": "trader-secrets", "key": "APCA_API_KEY_ID"}}},
            ],
        ),
        account="marketdata-mcp-server-ksa",
    ),
    workload(
        "strategy-engine",
        labels("strategy-engine", V2, "strategy-engine"),
        container(
            "strategy-engine",
            f"{REGISTRY}/strategy-runtime:54afffe",
            [*identity("strategy-engine", "strategy", "OBSERVE", "strategy-engine"), FROM_MAP,
             *FROM_FILE],
            mounted=True,
        ),
        account="trading-floor-sa",
    ),
    workload(
        "execution-engine",
        labels("execution-engine", V2, "execution-agent"),
        container(
            "execution-engine",
            f"{REGISTRY}/execution-engine:54afffe",
            [*identity("execution-agent", "execution", "OFF", "execution-engine"),
             *env(EXECUTION_ENABLED="false"), FROM_MAP, *FROM_FILE],
            probes=("readinessProbe", "livenessProbe"),
            mounted=True,
        ),
        replicas=0,
        account="trading-floor-sa",
    ),
    workload(
        "execution-agent",
        {},
        container("execution-agent", f"{REGISTRY}/execution-agent:REPLACE_ME",
                  env(AGENT_MODE="OFF"), probes=()),
        replicas=0,
        at=EXECUTION,
    ),
    workload(
        "mission-control",
        labels("mission-control", OTHER, "ops"),
        container(
            "mission-control",
            f"{REGISTRY}/mission-control:54afffe",
            [*env(REPO_ID="agent-trader-v2"), *FROM_FILE],
            probes=("readinessProbe", "livenessProbe"),
            mounted=True,
        ),
        account="mission-control",
    ),
    workload(
        "agenttrader-ops-ui",
        {},
        container("ops-ui", "ghcr.io/agenttrader/ops-ui@" + DIGEST, [], port=80),
    ),
)  # fmt: skip

MANIFESTS = (
    *WORKLOADS,
    cron_job(
        "ops-heartbeat-writer",
        "* * * * *",
        "bitnami/kubectl:1.29.0",
        "kubectl patch configmap agenttrader-heartbeat-ops-cron",
        suspended=False,
        pod_labels=OPS_OF_V2,
        account="trading-floor-sa",
    ),
    cron_job(
        "ops-post-market",
        "30 22 * * 1-5",
        "bitnami/kubectl:1.29.0",
        "kubectl get pods",
        suspended=True,
        pod_labels=labels("ops-post-market", OTHER, "ops"),
    ),
    cron_job(
        "daily-dr-snapshots",
        "17 3 * * *",
        "registry/dr-snapshots@" + DIGEST,
        "snapshot",
        suspended=True,
        pod_labels={},
        account="dr-snapshot-reader",
    ),
    config_map("agenttrader-kill-switch", EXECUTION_HALTED="1"),
    config_map("agenttrader-safety", KILL_SWITCH="true", STALE_THRESHOLD_SECONDS="30"),
    *(
        config_map(f"agenttrader-heartbeat-{name}", last_seen="2026-11-18T14:59:30.000000+00:00")
        for name in ("marketdata-mcp-server", "strategy-engine", "execution-engine",
                     "mission-control", "ops-cron")
    ),
    service("marketdata-mcp-server", {"app": "marketdata-mcp-server"}),
    service("agenttrader-marketdata-mcp-server", {"app": "marketdata-mcp-server"}),
    service("agenttrader-gamma-strategy", {"strategy": "gamma"}),
    service("agenttrader-whale-strategy", {"strategy": "whale"}),
    service("strategy-engine", {"app": "strategy-engine"}),
    service("agenttrader-strategy-engine", {"app": "strategy-engine"}),
    service("agenttrader-execution-agent", {"app": "execution-engine"}),
    service("mission-control", {"app": "mission-control"}),
    service("agenttrader-ops-ui", {"app": "agenttrader-ops-ui"}, 80),
    *(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": n, "namespace": FLOOR}}
        for n in ("default", "dr-snapshot-reader", "marketdata-mcp-server-ksa",
                  "strategy-engine-ksa", "trading-floor-sa")
    ),
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "heartbeat-writer", "namespace": FLOOR},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "patch"],
                   "resourceNames": ["agenttrader-heartbeat-ops-cron"]}],
    },
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "heartbeat-writer", "namespace": FLOOR},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role",
                    "name": "heartbeat-writer"},
        "subjects": [{"kind": "ServiceAccount", "name": "trading-floor-sa", "namespace": FLOOR}],
    },
)  # fmt: skip
HEARTBEAT = next(m for m in MANIFESTS if m["metadata"]["name"] == "ops-heartbeat-writer")


class RealFleet:
    """The fleet alive on a real API server: we are its controllers and its kubelet."""

    def __init__(self, server, now):
        """Act on a server, as of an instant."""
        self._server = server
        self._since = now - timedelta(days=3)

    def bring_up(self):
        """Apply every manifest, and let each workload have the pods that it wants."""
        self._server.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(MANIFESTS))
        for number in (1, 2):
            self._add_node(f"gke-floor-{number}")
        for made in WORKLOADS:
            self._run(made)
        self._run_job()

    def _add_node(self, name):
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {}}
        off = [
            {"type": kind, "status": "False"}
            for kind in ("MemoryPressure", "DiskPressure", "PIDPressure")
        ]
        held = self._create("/api/v1/nodes", node)
        ready = {"conditions": [*off, {"type": "Ready", "status": "True"}]}
        self._tell("/api/v1/nodes", {**held, "status": {**held.get("status", {}), **ready}})

    def _run(self, made):
        kind, meta = made["kind"], made["metadata"]
        place = f"/apis/apps/v1/namespaces/{meta['namespace']}/{kind.lower()}s"
        held = self._server.ask("GET", f"{place}/{meta['name']}").raise_for_status().json()
        wanted, template = made["spec"]["replicas"], made["spec"]["template"]
        owner, name = held, f"{meta['name']}-0"
        if kind == "Deployment":
            owner, name = self._replica_set(held), f"{meta['name']}-6d5f7c9b8-x7k2p"
        for _ in range(wanted):
            self._pod(name, meta["namespace"], template, owner)
        self._tell(place, {**held, "status": self._counts(held, wanted)})

    def _replica_set(self, held):
        meta, spec = held["metadata"], held["spec"]
        made = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": f"{meta['name']}-6d5f7c9b8",
                "namespace": meta["namespace"],
                "labels": spec["template"]["metadata"]["labels"],
                "ownerReferences": [_owned_by(held)],
            },
            "spec": {k: spec[k] for k in ("replicas", "selector", "template")},
        }
        place = f"/apis/apps/v1/namespaces/{meta['namespace']}/replicasets"
        stored = self._create(place, made)
        counts = self._counts(stored, spec["replicas"])
        counts.pop("updatedReplicas", None)
        self._tell(place, {**stored, "status": counts})
        return stored

    def _counts(self, held, wanted):
        counts = {"observedGeneration": held["metadata"]["generation"], "replicas": wanted}
        if wanted:
            counts |= dict.fromkeys(("readyReplicas", "updatedReplicas"), wanted)
        if wanted and held["kind"] != "StatefulSet":
            counts["availableReplicas"] = wanted
        return counts

    def _pod(self, name, namespace, template, owner, phase="Running"):
        place = f"/api/v1/namespaces/{namespace}/pods"
        meta = {"name": name, "namespace": namespace, "labels": template["metadata"]["labels"],
                "ownerReferences": [_owned_by(owner)]}  # fmt: skip
        spec = {**template["spec"], "nodeName": "gke-floor-1"}
        made = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
        stored = self._create(place, made)
        runs = phase == "Running"
        since = f"{self._since:%Y-%m-%dT%H:%M:%SZ}"
        ended = {"exitCode": 0, "reason": "Completed", "startedAt": since, "finishedAt": since}
        states = [
            {
                "name": c["name"],
                "image": c["image"],
                "imageID": f"docker-pullable://{c['image'].split('@')[0].split(':')[0]}@{DIGEST}",
                "ready": runs,
                "started": runs,
                "restartCount": 0,
                "state": {"running": {"startedAt": since}} if runs else {"terminated": ended},
            }
            for c in spec["containers"]
        ]
        ready = [{"type": t, "status": "True" if runs else "False"}
                 for t in ("PodScheduled", "Initialized", "ContainersReady", "Ready")]  # fmt: skip
        status = {"phase": phase, "conditions": ready, "containerStatuses": states,
                  "podIP": "10.8.0.7", "startTime": since}  # fmt: skip
        self._tell(place, {**stored, "status": status})

    def _run_job(self):
        """Leave what the writer of heartbeats leaves each minute: a finished Job with its pod."""
        place = f"/apis/batch/v1beta1/namespaces/{FLOOR}/cronjobs"
        cron = self._server.ask("GET", f"{place}/ops-heartbeat-writer").raise_for_status().json()
        name = "ops-heartbeat-writer-1768300000"
        meta = {"name": name, "namespace": FLOOR, "ownerReferences": [_owned_by(cron)],
                "labels": OPS_OF_V2}  # fmt: skip
        template = HEARTBEAT["spec"]["jobTemplate"]["spec"]["template"]
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta,
               "spec": {"template": template}}  # fmt: skip
        stored = self._create(f"/apis/batch/v1/namespaces/{FLOOR}/jobs", job)
        since = f"{self._since:%Y-%m-%dT%H:%M:%SZ}"
        done = {"succeeded": 1, "startTime": since, "completionTime": since}
        self._tell(f"/apis/batch/v1/namespaces/{FLOOR}/jobs", {**stored, "status": done})
        self._pod(f"{name}-abcde", FLOOR, template, stored, phase="Succeeded")

    def _create(self, place, made):
        answer = self._server.ask("POST", place, made)
        assert answer.status_code == 201, answer.text
        return {"kind": made["kind"], "apiVersion": made["apiVersion"], **answer.json()}

    def _tell(self, place, told):
        answer = self._server.ask("PUT", f"{place}/{told['metadata']['name']}/status", told)
        assert answer.status_code == 200, answer.text


def _owned_by(owner):
    meta = owner["metadata"]
    return {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": meta["name"],
            "uid": meta["uid"], "controller": True, "blockOwnerDeletion": True}  # fmt: skip
