"""`rbac`: the account, roles and bindings that a fleet needs."""

import json
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
SHIPPED = "deploy/fleets/agenttrader.yaml"
FLEET = """\
cluster:
  access: in-cluster
  namespaces: [trading-floor, agenttrader, signals]
agents:
  - agent_name: marketdata
    service_dns: http://127.0.0.1:1
    kind: marketdata
"""


@pytest.fixture
def wide(tmp_path):
    """Write a fleet file that watches a namespace more."""
    path = tmp_path / "wide.yaml"
    path.write_text(FLEET)
    return path


def test_what_is_shipped_is_what_is_printed(run, monkeypatch):
    """The roles below deploy/kubernetes are those of the shipped fleet file, byte for byte."""
    monkeypatch.chdir(PROJECT)
    printed = run("rbac", "--fleet", SHIPPED)

    assert 0 == printed.exit_code
    assert (PROJECT / "deploy/kubernetes/rbac/rbac.yaml").read_text() == printed.stdout


def test_a_namespace_more_is_a_role_more(run, wide):
    """Each watched namespace has its Role, and is named in the ClusterRole (R10.5)."""
    objects = list(yaml.safe_load_all(run("rbac", "--fleet", wide).stdout))
    roles = {o["metadata"]["namespace"]: o for o in objects if o["kind"] == "Role"}
    (whole,) = (o for o in objects if o["kind"] == "ClusterRole")

    assert ["agenttrader", "signals", "trading-floor"] == sorted(roles)
    assert ["agenttrader", "kube-system", "signals", "trading-floor"] == (
        whole["rules"][0]["resourceNames"]
    )


def test_floor_and_account_are_as_they_are_said(run, wide):
    """The account stands in the floor's namespace, unless another is said; all is also JSON."""
    own = json.loads(run("rbac", "--fleet", wide, "--namespace", "signals", "--json").stdout)
    said = json.loads(run("--json", "rbac", "--fleet-file", wide, "--account", "ops/mc").stdout)
    switch = [
        o["metadata"]["namespace"]
        for o in own["items"]
        if any("agenttrader-kill-switch" in r.get("resourceNames", ()) for r in o.get("rules", ()))
    ]

    assert "List" == own["kind"]
    assert ("signals", "mission-control") == (
        own["items"][0]["metadata"]["namespace"],
        own["items"][0]["metadata"]["name"],
    )
    assert ["signals"] == switch
    assert {("ops", "mc")} == {
        (s["namespace"], s["name"]) for o in said["items"] for s in o.get("subjects", ())
    }


@pytest.mark.parametrize("name", ["", "ops/", "/mc", "Ops/mc", "a/b/c", "mc\n"])
def test_an_account_that_cannot_be_is_refused(run, wide, name):
    """A name that no cluster takes is told with one that it would take."""
    refused = run("rbac", "--fleet", wide, "--account", name)

    assert 2 == refused.exit_code
    assert "is no name such as trading-floor/mission-control" in " ".join(refused.stderr.split())
    assert "" == refused.stdout


def test_a_fleet_without_a_cluster_needs_no_rights(run, fleet_file):
    """It is told with file, key and remedy, and nothing is printed."""
    refused = run("rbac", "--fleet", fleet_file)

    assert 78 == refused.exit_code
    assert "" == refused.stdout
    assert f"{fleet_file}: cluster: the fleet reads no cluster" in refused.stderr
    assert "write `access: in-cluster`" in refused.stderr
