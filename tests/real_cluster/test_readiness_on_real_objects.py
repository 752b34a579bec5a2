"""Readiness on objects of a real kube-apiserver: cluster checks pass, fail and stay unknown."""

from contextlib import contextmanager

import pytest

from mission_control.simulation.cluster_api import Staging, objects_of
from mission_control.simulation.scenario import ClusterStage, WorkloadTwist
from tests.real_cluster.kube_apiserver import NO_RIGHTS
from tests.real_cluster.looking import FLOOR, judge_readiness
from tests.real_cluster.scene import AT, ROOTS, set_scene, store

pytestmark = pytest.mark.anyio
SE = "strategy-engine"


@pytest.fixture(scope="module", autouse=True)
def calm(server):
    """Store the calm fleet."""
    set_scene(server)


async def judge(access, tmp_path):
    """Judge readiness; return the outcome of each check by name."""
    report, _ = await judge_readiness(access, tmp_path)
    return {c.name: c.outcome.value for c in report.checks}


@contextmanager
def twisted(server, workload, twist):
    """Put one workload and its pods into another state, and back afterwards."""
    before = ClusterStage()
    after = ClusterStage(workloads={workload: twist})
    replace_all(server, before, after)
    try:
        yield
    finally:
        replace_all(server, after, before)


def replace_all(server, before, after):
    """Take away what differs between two stages, and store what is there instead."""
    old, new = (objects_of(Staging(AT, stage, "1")) for stage in (before, after))
    for (namespace, resource), each in missing_from(new, old):
        name = each["metadata"]["name"]
        path = f"{ROOTS[resource]}/namespaces/{namespace}/{resource}/{name}"
        server.ask("DELETE", f"{path}?gracePeriodSeconds=0").raise_for_status()
    for (namespace, resource), each in missing_from(old, new):
        store(server, namespace, resource, each)


def missing_from(stored, wanted):
    """Return every object of one stage that the other does not have just so."""
    for (namespace, resource), objects in sorted(wanted.items()):
        if resource in ROOTS and namespace:
            held = list(stored.get((namespace, resource), ()))
            for each in objects:
                if each not in held:
                    yield (namespace, resource), each


CLUSTER_CHECKS = (
    "access.own_rbac_read_only",
    "build.images_exist",
    "build.live_image_tags",
    "cluster.connectivity",
    "cluster.health",
    "cluster.no_crash_or_pull_backoff",
    "cluster.pending_pods",
    "cluster.recent_restarts",
    "cluster.replicas_ready",
    "cluster.v2_workloads",
    "health.deploy_report_generator",
    "health.probes_configured",
    "infra.capacity_headroom",
    "infra.node_pressure",
    "infra.service_discovery",
    "safety.agent_mode_not_execute",
    "safety.execution_agents_disabled",
    "safety.kill_switch",
    "safety.marketdata_bypass_disabled",
)


async def test_every_cluster_check_passes_on_the_calm_fleet(our_kubeconfig, access_by, tmp_path):
    """On real objects, read as our own account, each check of the cluster passes."""
    found = await judge(access_by(our_kubeconfig), tmp_path)

    assert dict.fromkeys(CLUSTER_CHECKS, "PASS") == {n: found[n] for n in CLUSTER_CHECKS}


ROWS = [
    ("safety.agent_mode_not_execute", SE, WorkloadTwist(env={"AGENT_MODE": "EXECUTE"})),
    (
        "safety.marketdata_bypass_disabled",
        SE,
        WorkloadTwist(env={"MARKETDATA_HEALTH_CHECK_DISABLED": "true"}),
    ),
    ("safety.execution_agents_disabled", "execution-engine", WorkloadTwist(replicas=1)),
    ("cluster.no_crash_or_pull_backoff", SE, WorkloadTwist(waiting="CrashLoopBackOff")),
    ("cluster.replicas_ready", SE, WorkloadTwist(ready=0)),
    ("cluster.pending_pods", SE, WorkloadTwist(pending="0/2 nodes are available")),
    ("infra.capacity_headroom", SE, WorkloadTwist(pending="0/2 nodes are available")),
    ("build.images_exist", SE, WorkloadTwist(waiting="ErrImagePull")),
    ("build.live_image_tags", SE, WorkloadTwist(image="registry/strategy:latest")),
]


@pytest.mark.parametrize(("check", "workload", "twist"), ROWS, ids=[r[0] for r in ROWS])
async def test_each_fails_on_real_objects(
    server, our_kubeconfig, access_by, tmp_path, check, workload, twist
):
    """What is wrong with a real object fails its check."""
    with twisted(server, workload, twist):
        found = await judge(access_by(our_kubeconfig), tmp_path)

    assert "FAIL" == found[check]


async def test_more_fail_on_other_real_objects(server, our_kubeconfig, access_by, tmp_path):
    """A Service of type NodePort, a node under pressure, a switch that is off, and more rights."""
    node = server.ask("GET", "/api/v1/nodes/node-1").json()
    pressure = {"type": "MemoryPressure", "status": "True"}
    hurt = {**node, "status": {**node["status"], "conditions": [pressure]}}
    port = {"port": 80, "targetPort": 8080}
    exposed = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "exposed"},
        "spec": {"type": "NodePort", "selector": {"app": "x"}, "ports": [port]},
    }
    services = f"/api/v1/namespaces/{FLOOR}/services"
    switch = f"/api/v1/namespaces/{FLOOR}/configmaps/agenttrader-kill-switch"
    held = server.ask("GET", switch).json()
    server.ask("PUT", "/api/v1/nodes/node-1/status", hurt).raise_for_status()
    server.ask("POST", services, exposed).raise_for_status()
    server.ask("PUT", switch, {**held, "data": {"EXECUTION_HALTED": "true"}}).raise_for_status()
    server.kubectl(
        "create", "clusterrolebinding", "too-much", "--clusterrole=cluster-admin",
        f"--serviceaccount={FLOOR}:mission-control",
    )  # fmt: skip
    try:
        found = await judge(access_by(our_kubeconfig), tmp_path)
    finally:
        server.kubectl("delete", "clusterrolebinding", "too-much")
        server.ask("DELETE", f"{services}/exposed").raise_for_status()
        now = server.ask("GET", switch).json()
        server.ask("PUT", switch, {**now, "data": held["data"]}).raise_for_status()
        now = server.ask("GET", "/api/v1/nodes/node-1").json()
        restored = {**now, "status": node["status"]}
        server.ask("PUT", "/api/v1/nodes/node-1/status", restored).raise_for_status()

    assert {
        "infra.service_discovery": "FAIL",
        "infra.node_pressure": "FAIL",
        "safety.kill_switch": "FAIL",
        "access.own_rbac_read_only": "FAIL",
    } == {n: found[n] for n in (
        "infra.service_discovery", "infra.node_pressure", "safety.kill_switch",
        "access.own_rbac_read_only",
    )}  # fmt: skip


async def test_each_is_unknown_to_an_account_without_rights(server, access_by, tmp_path):
    """What may not be read proves nothing: unreachable fails, everything else is unknown."""
    found = await judge(access_by(server.kubeconfig("no-rights", NO_RIGHTS)), tmp_path)
    failing = {n for n in CLUSTER_CHECKS if found[n] == "FAIL"}

    assert {"cluster.connectivity", "cluster.health"} == failing
    assert {"UNKNOWN"} == {found[n] for n in CLUSTER_CHECKS if n not in failing}
