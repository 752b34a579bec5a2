"""The fleet file of the simulated floor."""

import pytest
import yaml

from mission_control.model.fleet import ContractKind, Criticality
from mission_control.simulation.roster import NAMES_WITH_HTTP, ROSTER, fleet_document

BASE_URLS = {name: f"http://127.0.0.1:{9101 + i}" for i, name in enumerate(NAMES_WITH_HTTP)}


@pytest.fixture
def entries() -> dict[str, dict[str, object]]:
    """Read the entries of the fleet file, by agent."""
    document = yaml.safe_load(fleet_document(BASE_URLS))
    assert ["cluster", "kill_switch", "known_workloads", "agents"] == list(document)
    assert "none" == document["cluster"]
    return {entry["agent_name"]: entry for entry in document["agents"]}


def test_the_whole_roster_is_listed(entries):
    """Every agent of the roster is in the file, once and in order."""
    assert [agent.agent_name for agent in ROSTER] == list(entries)


@pytest.mark.parametrize("agent", ROSTER, ids=lambda agent: agent.agent_name)
def test_an_entry_says_what_the_roster_says(entries, agent):
    """Kind, contract, criticality and endpoints survive the writing, with an owner for all."""
    entry = entries[agent.agent_name]

    assert agent.kind == entry["kind"]
    assert agent.contract == entry["contract"]
    assert agent.criticality == entry["criticality"]
    assert list(agent.expected_endpoints) == entry["expected_endpoints"]
    assert {"primary": "Ops On-Call", "secondary": agent.owner.secondary} == entry["owner"]
    assert BASE_URLS.get(agent.agent_name) == entry.get("service_dns")


def test_a_complete_entry(entries):
    """The marketdata entry holds every field, in the words of the inventory."""
    assert {
        "agent_name": "marketdata-mcp-server",
        "service_dns": "http://127.0.0.1:9101",
        "kind": "marketdata",
        "expected_endpoints": ["/ops/status", "/healthz", "/heartbeat"],
        "criticality": "critical",
        "contract": "rich",
        "workload": {
            "kind": "Deployment",
            "name": "marketdata-mcp-server",
            "namespace": "trading-floor",
        },
        "owner": {"primary": "Ops On-Call", "secondary": "Marketdata Owner"},
        "slo": {"target": 99.9, "window": "market_hours"},
    } == entries["marketdata-mcp-server"]


def test_a_cluster_is_read_where_a_kubeconfig_is_given():
    """With a kubeconfig the file names it; the namespaces are left to their defaults."""
    document = yaml.safe_load(fleet_document(BASE_URLS, "/somewhere/kubeconfig.yaml"))

    assert {
        "access": "kubeconfig",
        "context": "simulated",
        "kubeconfig": "/somewhere/kubeconfig.yaml",
    } == document["cluster"]


def test_who_is_critical_and_who_optional():
    """Marketdata and market-ingest are critical; what may be off is optional."""
    by_criticality = {
        level: {a.agent_name for a in ROSTER if a.criticality is level} for level in Criticality
    }

    assert {"marketdata-mcp-server", "market-ingest"} == by_criticality[Criticality.CRITICAL]
    assert {"execution-engine", "ops-ui", "congressional-ingest"} == by_criticality[
        Criticality.OPTIONAL
    ]


def test_what_has_no_http_has_no_address(entries):
    """The agent without HTTP is listed without an address."""
    assert ContractKind.NONE == entries["congressional-ingest"]["contract"]
    assert "service_dns" not in entries["congressional-ingest"]


def test_an_address_is_needed_for_every_service_with_http():
    """A service of the roster that is given no address is a mistake, not an omission."""
    with pytest.raises(KeyError, match="ops-ui"):
        fleet_document({name: url for name, url in BASE_URLS.items() if name != "ops-ui"})
