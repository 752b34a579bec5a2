"""Config snapshot and blueprint of a real kube-apiserver: names of Secrets, and never one."""

import json

import pytest
import yaml

from mission_control.cli.blueprint import blueprint
from mission_control.cli.config_snapshot import config_snapshot
from mission_control.simulation.roster import ROSTER, fleet_document
from tests.cli.conftest import CliContext, CliRunner
from tests.real_cluster.kube_apiserver import NO_RIGHTS
from tests.real_cluster.scene import AT, set_scene

CANARY = "c2VjcmV0LW9mLXRoZS1jbHVzdGVy"


@pytest.fixture(scope="module", autouse=True)
def calm(server):
    """Store the calm fleet, and the Secret that it refers to."""
    set_scene(server)
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "trader-secrets"},
        "data": {"FIREBASE_KEY": CANARY},
    }
    path = "/api/v1/namespaces/trading-floor/secrets"
    assert 201 == server.ask("POST", path, body).status_code


def run(command, folder, kubeconfig):
    """Run a command on the fleet, none of whose services answers, and return its result."""
    urls = {a.agent_name: "http://127.0.0.1:9" for a in ROSTER}
    fleet = fleet_document(urls, str(kubeconfig)).replace("context: simulated", "context: test")
    (folder / "fleet.yaml").write_text(fleet)
    environ = {
        "MISSION_CONTROL_FLEET_FILE": str(folder / "fleet.yaml"),
        "MISSION_CONTROL_KILL_SWITCH_FILE": str(folder / "none"),
        "MISSION_CONTROL_ROOT": str(folder),
    }
    context = CliContext(
        clock=lambda: AT,
        json=False,
        quiet=False,
        environ=environ,
    )
    return CliRunner().invoke(command, ["--json"], obj=context)


def test_a_snapshot_of_the_cluster_names_secrets_and_holds_none(tmp_path, our_kubeconfig):
    """Our account may not read Secrets, and needs not: every list was seen."""
    result = run(config_snapshot, tmp_path, our_kubeconfig)
    (folder,) = (tmp_path / "audit_artifacts/config_snapshots").iterdir()
    files = {p.name: p.read_text() for p in folder.rglob("*") if p.is_file()}
    cluster = json.loads(files["snapshot.json"])["coverage"][0]

    assert 0 == result.exit_code, result.output
    assert ([], cluster["asked"]) == (cluster["gaps"], cluster["obtained"])
    assert "trader-secrets" in files["secrets.names.txt"]
    assert [] == [name for name, text in files.items() if CANARY in text]
    switch = yaml.safe_load(files["kill_switch_configmap.yaml"])
    assert {"EXECUTION_HALTED": "1"} == switch["data"]


def test_a_blueprint_of_the_cluster_has_its_components(tmp_path, our_kubeconfig):
    """Workloads, modes, digests and Services of real objects."""
    result = run(blueprint, tmp_path, our_kubeconfig)
    document = json.loads(result.stdout)
    engine = next(c for c in document["components"] if c["name"] == "strategy-engine")

    assert 0 == result.exit_code
    assert ("OBSERVE", {"ready": 1, "wanted": 1}) == (engine["agent_mode"], engine["replicas"])
    assert engine["services"]
    assert engine["containers"][0]["digests"][0].startswith("sha256:")


def test_an_account_without_rights_records_gaps(tmp_path, server):
    """An account that may read nothing leaves a record in which every list is a gap."""
    kubeconfig = server.kubeconfig("no-rights", NO_RIGHTS)
    result = run(config_snapshot, tmp_path, kubeconfig)
    cluster = json.loads(result.stdout)["coverage"][0]

    assert 0 == result.exit_code, result.output
    assert 0 == cluster["obtained"]
    assert {"DENIED"} == {g["reason"].partition(":")[0] for g in cluster["gaps"]}
