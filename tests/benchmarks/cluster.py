"""Measures one observing round over a real API server against the same facts by kubectl."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[2]))

from mission_control.bootstrap.clock import real_clock
from mission_control.cluster.model.facts import REQUIRED_LISTS
from mission_control.cluster.read.api_server import ApiServer
from mission_control.cluster.read.lister import ClusterLister
from mission_control.cluster.read.observer import ClusterObserver
from mission_control.model.fleet import ClusterAccess
from tests.real_cluster.kube_apiserver import ADMIN, RealApiServer, find_assets

FLOOR = "trading-floor"
ROUNDS = 7
Row = dict[str, object]


def measure_cluster(workloads: int, pods: int) -> Row:
    """Read so many workloads with so many pods, ours and kubectl's turn about, in one run."""
    assets = find_assets()
    if assets is None:
        return {"skipped": "no kube-apiserver, etcd and kubectl in KUBEBUILDER_ASSETS"}
    with tempfile.TemporaryDirectory() as folder:
        server = RealApiServer(Path(folder), assets)
        server.start()
        try:
            server.kubectl("create", "namespace", FLOOR)
            _fill(server, workloads, pods)
            config = str(server.kubeconfig("admin", ADMIN))
            return {"workloads": workloads, "pods": pods, **_compare(server, config)}
        finally:
            server.stop()


def _compare(server: RealApiServer, config: str) -> Row:
    ours, theirs = asyncio.run(_rounds(server, config))
    cpu, wall, lag = (median(values) for values in zip(*ours, strict=True))
    kubectl_cpu, kubectl_wall = (median(values) for values in zip(*theirs, strict=True))
    return {
        "round_cpu_ms": round(cpu * 1000, 1),
        "round_wall_ms": round(wall * 1000, 1),
        "loop_held_up_ms": round(lag * 1000, 1),
        "kubectl_calls": len(REQUIRED_LISTS) + 1,
        "kubectl_cpu_ms": round(kubectl_cpu * 1000, 1),
        "kubectl_wall_ms": round(kubectl_wall * 1000, 1),
        "kubectl_times_cpu": round(kubectl_cpu / cpu, 1),
        "kubectl_times_wall": round(kubectl_wall / wall, 1),
    }


async def _rounds(
    server: RealApiServer, config: str
) -> tuple[list[tuple[float, float, float]], list[tuple[float, float]]]:
    api = ApiServer(ClusterAccess((FLOOR,), FLOOR, kubeconfig=config))
    observer = ClusterObserver(ClusterLister(api, real_clock))
    await observer.read()
    ours, theirs = list[tuple[float, float, float]](), list[tuple[float, float]]()
    for _ in range(ROUNDS):
        watching = asyncio.create_task(_longest_wait())
        before, began = time.process_time(), time.perf_counter()
        await observer.read()
        cpu, wall = time.process_time() - before, time.perf_counter() - began
        watching.cancel()
        lag = await asyncio.gather(watching, return_exceptions=True)
        ours.append((cpu, wall, lag[0] if isinstance(lag[0], float) else 0.0))
        theirs.append(await asyncio.to_thread(_kubectl, server, config))
    await api.forget()
    return ours, theirs


async def _longest_wait() -> float:
    """Tell how long the event loop kept a task waiting that wants to run each millisecond."""
    longest = 0.0
    try:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - began - 0.001)
    except asyncio.CancelledError:
        return longest


def _kubectl(server: RealApiServer, config: str) -> tuple[float, float]:
    """Ask for the same lists one after the other, as a script would."""
    before, began = os.times(), time.perf_counter()
    for resource in (*REQUIRED_LISTS, "events"):
        command = [str(server.assets / "kubectl"), "--kubeconfig", config, "-n", FLOOR]
        subprocess.run([*command, "get", resource, "-o", "json"], check=True, capture_output=True)
    after = os.times()
    cpu = after.children_user + after.children_system
    return cpu - before.children_user - before.children_system, time.perf_counter() - began


def _fill(server: RealApiServer, workloads: int, pods: int) -> None:
    for number in range(workloads):
        made = _deployment(number)
        path = f"/apis/apps/v1/namespaces/{FLOOR}/deployments"
        server.ask("POST", path, made).raise_for_status()
    for number in range(pods):
        server.ask("POST", f"/api/v1/namespaces/{FLOOR}/pods", _pod(number)).raise_for_status()


def _template(name: str) -> Row:
    names = ("AGENT_MODE", "AGENT_NAME", "AGENT_ROLE", "REPO_ID", "TRADING_MODE", "EXTRA_1")
    env = [{"name": n, "value": "paper" if n == "TRADING_MODE" else "x"} for n in names]
    probe = {"httpGet": {"path": "/healthz", "port": 8080}}
    limits = {"requests": {"cpu": "100m", "memory": "256Mi"}}
    container = {"name": "main", "image": f"registry/{name}:54afffe", "env": env}
    return {
        "metadata": {"labels": {"app": name, "app.kubernetes.io/part-of": "agenttrader-v2"}},
        "spec": {
            "containers": [
                {**container, "resources": limits, "readinessProbe": probe, "livenessProbe": probe}
            ]
        },
    }


def _deployment(number: int) -> Row:
    name = f"service-{number:03}"
    spec = {"selector": {"matchLabels": {"app": name}}, "template": _template(name), "replicas": 1}
    meta = {"name": name}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}


def _pod(number: int) -> Row:
    name = f"pod-{number:04}"
    return {"apiVersion": "v1", "kind": "Pod", **_template(name), "metadata": {"name": name}}
