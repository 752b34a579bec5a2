"""The last known good on a real kube-apiserver: captured there, and accepted by an empty one."""

import json
from contextlib import asynccontextmanager

import pytest

from mission_control.bootstrap.clock import real_clock
from mission_control.last_known_good.model import LkgCapture, LkgRefused
from mission_control.last_known_good.run import BuildFacts, capture_lkg
from mission_control.simulation.cluster_api import Staging, objects_of
from mission_control.simulation.scenario import ClusterStage
from tests.real_cluster.kube_apiserver import ADMIN, NO_RIGHTS, RealApiServer
from tests.real_cluster.looking import FLOOR, looked_at
from tests.real_cluster.scene import AT, ROOTS, set_scene, store
from tests.schedule.day_of_values import job_parts

pytestmark = pytest.mark.anyio
MORE = """\
apiVersion: v1
kind: Service
metadata: {name: exposed, namespace: trading-floor, finalizers: [example.org/held]}
spec: {type: NodePort, ports: [{port: 80}], selector: {app: x}}
---
apiVersion: v1
kind: Service
metadata: {name: headless, namespace: trading-floor}
spec: {clusterIP: None, ports: [{port: 80}], selector: {app: x}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: fleet-reader, namespace: trading-floor}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: high-priority}
value: 1000000
"""


@asynccontextmanager
async def capturing(access, root):
    """Yield a way to capture with this access; nothing is recorded."""
    async with looked_at(access) as (snapshot, _, further):
        parts = job_parts(root, snapshot, clock=real_clock, further=further)
        yield lambda: capture_lkg(snapshot, parts, BuildFacts())


@pytest.fixture(scope="module")
def scene(server):
    """Store the calm fleet, and what a real server adds more to."""
    set_scene(server)
    server.kubectl("apply", "-f", "-", text=MORE)


@pytest.fixture(scope="module")
def empty(server, tmp_path_factory):
    """Run a second API server, on which there is the namespace and nothing else."""
    other = RealApiServer(tmp_path_factory.mktemp("empty"), server.assets)
    other.start()
    try:
        other.kubectl("create", "namespace", FLOOR)
        yield other
    finally:
        other.stop()


async def test_an_empty_cluster_accepts_the_manifest_unchanged(
    scene, empty, our_kubeconfig, access_by, tmp_path
):
    """What our own account captured is taken by a server-side dry run, object by object (R12.5)."""
    async with capturing(access_by(our_kubeconfig), tmp_path) as capture:
        made = await capture()
    assert isinstance(made, LkgCapture), made
    manifest = tmp_path / "lkg_manifest.yaml"
    manifest.write_bytes(made.content)
    client = empty.kubectl("apply", "--dry-run=server", "-f", str(manifest))
    by_server = ("--server-side", "--force-conflicts", "--field-manager=agenttrader-dr")
    server_side = empty.kubectl("apply", *by_server, "--dry-run=server", "-f", str(manifest))
    held = json.loads(made.content)["items"]

    assert len(held) == len(client.splitlines()) == len(server_side.splitlines())
    assert all("(server dry run)" in line for line in client.splitlines())
    assert {"Namespace", "ServiceAccount", "PriorityClass", "ConfigMap", "Service", "Role",
            "RoleBinding", "NetworkPolicy", "PodDisruptionBudget", "Deployment", "StatefulSet",
            "CronJob"} == {i["kind"] for i in held}  # fmt: skip
    assert "" == empty.kubectl("-n", FLOOR, "get", "deployments", "-o", "name")


def run_there(other):
    """Do what controllers and nodes would: pods run, and workloads say that they do."""
    calm = objects_of(Staging(AT, ClusterStage(), "1"))
    for resource in ("replicasets", "pods"):
        for each in calm[FLOOR, resource]:
            store(other, FLOOR, resource, each)
    for resource in ("deployments", "statefulsets"):
        for each in calm[FLOOR, resource]:
            path = f"{ROOTS[resource]}/namespaces/{FLOOR}/{resource}/{each['metadata']['name']}"
            held = other.ask("GET", path).json()
            status = {**each["status"], "observedGeneration": held["metadata"]["generation"]}
            told = other.ask("PUT", f"{path}/status", {**held, "status": status})
            assert 200 == told.status_code, told.text


async def test_what_was_put_back_is_captured_as_the_very_same(
    scene, server, empty, our_kubeconfig, access_by, tmp_path
):
    """A human applies it for real; once it runs there, its capture has the same address."""
    async with capturing(access_by(our_kubeconfig), tmp_path) as capture:
        made = await capture()
    assert isinstance(made, LkgCapture), made
    manifest = tmp_path / "lkg_manifest.yaml"
    manifest.write_bytes(made.content)
    empty.kubectl("apply", "-f", str(manifest))
    admin = empty.kubeconfig("admin", ADMIN)
    async with capturing(access_by(admin), tmp_path) as capture:
        before = await capture()
        run_there(empty)
        after = await capture()

    # Before anything runs there, what ran is not known: that is refused.
    assert isinstance(before, LkgRefused)
    assert all("was not taken up yet" in r or "none runs" in r for r in before.reasons)
    assert isinstance(after, LkgCapture), after
    assert made.content.decode() == after.content.decode()
    assert made.content_digest == after.content_digest


async def test_nothing_of_the_cluster_is_left_in_it(
    scene, server, our_kubeconfig, access_by, tmp_path
):
    """Addresses, ports, identities and finalizers that the server gave are not in the manifest."""
    async with capturing(access_by(our_kubeconfig), tmp_path) as capture:
        made = await capture()
    assert isinstance(made, LkgCapture), made
    text = made.content.decode()
    original = json.loads(server.kubectl("-n", FLOOR, "get", "service", "exposed", "-o", "json"))

    assert ["example.org/held"] == original["metadata"]["finalizers"]
    for bound in (
        original["spec"]["clusterIP"],
        str(original["spec"]["ports"][0]["nodePort"]),
        original["metadata"]["uid"],
        "example.org/held",
        "managedFields",
        "creationTimestamp",
    ):
        assert bound not in text
    headless = next(i for i in json.loads(text)["items"] if i["metadata"]["name"] == "headless")
    assert "None" == headless["spec"]["clusterIP"]


async def test_an_account_that_may_not_read_captures_nothing(scene, server, access_by, tmp_path):
    """Denied reads are told by name."""
    no_rights = server.kubeconfig("no-rights", NO_RIGHTS)
    async with capturing(access_by(no_rights), tmp_path) as capture:
        refused = await capture()

    assert isinstance(refused, LkgRefused)
    assert all("DENIED" in reason for reason in refused.reasons)
    assert [] == list(tmp_path.rglob("ops"))


async def test_a_class_that_may_not_be_read_refuses(scene, server, our_kubeconfig, access_by,
                                                    tmp_path):  # fmt: skip
    """One right less, and there is no capture."""
    role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/mission-control-reader"
    held = server.ask("GET", role).json()
    less = [r for r in held["rules"] if "priorityclasses" not in r["resources"]]
    server.ask("PUT", role, {**held, "rules": less}).raise_for_status()
    try:
        async with capturing(access_by(our_kubeconfig), tmp_path) as capture:
            refused = await capture()
    finally:
        now = server.ask("GET", role).json()
        server.ask("PUT", role, {**now, "rules": held["rules"]}).raise_for_status()

    assert isinstance(refused, LkgRefused)
    (reason,) = refused.reasons
    assert reason.startswith("cluster priorityclasses was not seen: DENIED")
