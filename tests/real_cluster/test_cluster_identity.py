"""Which cluster a record is of: a real kube-apiserver, read as the account that we ship."""

import json
import subprocess
import sys

import pytest
import yaml

from mission_control.bootstrap.clock import real_clock
from mission_control.cluster.read.api_server import ApiServer
from mission_control.cluster.read.lister import ClusterLister
from mission_control.cluster.read.observer import ClusterObserver
from mission_control.model.reading import Seen
from tests.real_cluster.kube_apiserver import NO_RIGHTS

pytestmark = pytest.mark.anyio
SYSTEM = "/api/v1/namespaces/kube-system"


def uid_of(server):
    """Return the UID of kube-system as an administrator reads it."""
    return json.loads(server.kubectl("get", "namespace", "kube-system", "-o", "json"))["metadata"][
        "uid"
    ]


async def facts_by(access):
    """Read one round."""
    lister = ClusterLister(ApiServer(access), real_clock)
    try:
        facts = await ClusterObserver(lister).read()
    finally:
        await lister.server.forget()
    assert facts.identity is not None
    return facts, facts.identity


async def test_our_account_names_the_cluster(server, our_kubeconfig, access_by):
    """Its context although none is configured, its address, and the UID of kube-system."""
    _, identity = await facts_by(access_by(our_kubeconfig))
    config = yaml.safe_load(our_kubeconfig.read_text())

    assert (uid_of(server), "") == (identity.uid, identity.unknown)
    assert config["current-context"] == identity.context
    assert config["clusters"][0]["cluster"]["server"] == identity.server


async def test_a_denied_uid_is_unknown_and_costs_nothing(server, our_kubeconfig, access_by):
    """Without that one rule the lists are seen as before, and the record says denied."""
    role = json.loads(server.kubectl("get", "clusterrole", "mission-control-reader", "-o", "json"))
    kept = [r for r in role["rules"] if r.get("resources") != ["namespaces"]]
    assert len(kept) == len(role["rules"]) - 1
    patch = json.dumps({"rules": kept})
    whole = json.dumps({"rules": role["rules"]})
    name = ("clusterrole", "mission-control-reader")
    server.kubectl("patch", *name, "--type", "merge", "-p", patch)
    try:
        facts, identity = await facts_by(access_by(our_kubeconfig))
    finally:
        server.kubectl("patch", *name, "--type", "merge", "-p", whole)

    assert ("", "denied") == (identity.uid, identity.unknown)
    assert all(isinstance(r.reading, Seen) for r in facts.lists)


async def test_an_account_without_rights_still_names_the_server(server, access_by):
    """Which cluster was meant is known even where it told nothing."""
    path = server.kubeconfig("no-rights", NO_RIGHTS)
    _, identity = await facts_by(access_by(path))

    assert identity.server.startswith("https://127.0.0.1:")
    assert ("", "denied") == (identity.uid, identity.unknown)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (SYSTEM, 200),
        ("/api/v1/namespaces/trading-floor", 200),
        ("/api/v1/namespaces", 403),
        ("/api/v1/namespaces/default", 403),
        (f"{SYSTEM}/pods", 403),
        (f"{SYSTEM}/secrets", 403),
        (f"{SYSTEM}/configmaps", 403),
    ],
)
def test_the_account_reads_kube_systems_name_and_nothing_in_it(server, path, status):
    """The shipped role names each namespace that may be read, by get alone."""
    token = server.token_of("trading-floor", "mission-control")

    assert status == server.ask("GET", path, None, token).status_code


def test_a_record_names_the_real_cluster(server, our_kubeconfig, tmp_path):
    """A command in a process of its own records which cluster its report is of."""
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(
        "cluster: {access: kubeconfig, kubeconfig: " + str(our_kubeconfig) + "}\n"
        "agents:\n  - {agent_name: a, kind: marketdata, service_dns: 'http://127.0.0.1:1'}\n"
    )
    command = ["deploy-report", "--fleet-file", str(fleet), "--root", str(tmp_path / "root")]
    subprocess.run(
        [sys.executable, "-m", "mission_control", *command, "--json"],
        check=True, capture_output=True, env={"PATH": "/usr/bin:/bin"}, cwd=tmp_path,
    )  # fmt: skip
    (run,) = (tmp_path / "root").rglob("run.json")
    account = json.loads(run.read_bytes())
    report = json.loads((run.parent / "deploy_report.json").read_bytes())
    sums = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=run.parent, check=False)

    assert uid_of(server) == account["cluster_identity"]["uid"]
    assert account["cluster_identity"] == report["meta"]["cluster_identity"]
    assert uid_of(server) in (run.parent / "deploy_report.md").read_text()
    assert 0 == sums.returncode
    assert "test" == account["cluster_identity"]["context"]
