"""The fleet file, accepted: the predecessor's as it is, and ours with all it may say."""

import hashlib
from pathlib import Path

import pytest

from mission_control.configuration.fleet_file import load_fleet
from mission_control.model.fleet import (
    Agent,
    ContractKind,
    Criticality,
    Kind,
    Owner,
    RepositoryLints,
    Slo,
    SloWindow,
    TlsFiles,
    Workload,
)

REPOSITORY = Path(__file__).parents[2]

PREDECESSORS = """\
# Inventory of agents polled by mission-control.
agents:
  - agent_name: marketdata-mcp-server
    service_dns: http://marketdata-mcp-server.trading-floor.svc.cluster.local
    kind: marketdata
    expected_endpoints: ["/ops/status", "/healthz", "/heartbeat"]
    criticality: critical
  - agent_name: gamma-strategy
    service_dns: http://gamma-strategy.trading-floor.svc.cluster.local
    kind: strategy
    expected_endpoints: ["/ops/status", "/healthz"]
    criticality: important
  - agent_name: whale-strategy
    service_dns: http://whale-strategy.trading-floor.svc.cluster.local/
    kind: strategy
    expected_endpoints:
      - /ops/status
      - /healthz
  - agent_name: execution-engine
    service_dns: http://execution-engine.trading-floor.svc.cluster.local:80
    kind: execution
    expected_endpoints: ["/ops/status", "/healthz"]
    criticality: optional
  - agent_name: market-ingest
    service_dns: http://market-ingest.trading-floor.svc.cluster.local
    kind: ingest
    criticality: optional
"""


def load(path, default_interval=10.0, default_deadline=3.0):
    """Load a fleet file with the usual defaults."""
    return load_fleet(path, default_interval=default_interval, default_deadline=default_deadline)


def only_agent(write, entry):
    """Load a fleet of one agent with the least it needs, and more lines of its own."""
    least = "agents:\n  - agent_name: a\n    kind: ops\n    service_dns: http://a.floor\n"
    lines = "".join(f"    {line}\n" for line in entry.splitlines())
    return load(write(least + lines)).agents[0]


def test_the_predecessors_file_is_accepted_as_it_is(write):
    """The predecessor's file loads as it is, with documented defaults (R1.1, R2.3, R2.4)."""
    fleet = load(write(PREDECESSORS))

    assert [
        "execution-engine",
        "gamma-strategy",
        "market-ingest",
        "marketdata-mcp-server",
        "whale-strategy",
    ] == [agent.agent_name for agent in fleet.agents]
    assert Agent(
        agent_name="whale-strategy",
        kind=Kind.STRATEGY,
        service_dns="http://whale-strategy.trading-floor.svc.cluster.local",
        criticality=Criticality.IMPORTANT,
        expected_endpoints=("/ops/status", "/healthz"),
        contract=ContractKind.RICH,
        interval_seconds=10,
        deadline_seconds=3,
    ) == fleet.agent("whale-strategy")
    assert () == fleet.agents[2].expected_endpoints
    assert "http://execution-engine.trading-floor.svc.cluster.local:80" == (
        fleet.agents[0].service_dns
    )


def test_everything_that_an_entry_may_say_is_understood(write):
    """
    Each optional key arrives in the model, and relative paths start at the file's own folder.
    """
    path = write("""\
        cluster: none
        agents:
          - agent_name: base
            kind: ops
            contract: none
          - agent_name: full
            kind: strategy
            service_dns: https://full.floor:8443/behind/a/gateway/
            criticality: critical
            contract: liveness
            expected_endpoints: [/healthz, /readyz]
            interval_seconds: 20
            deadline_seconds: 2.5
            depends_on: [base]
            workload: {kind: StatefulSet, name: full, namespace: trading-floor}
            owner: {primary: Ops On-Call, secondary: Strategy Owner}
            slo: {target: 99.5, window: market_hours}
            tls: {ca_file: ca.pem, cert_file: /etc/own.pem, key_file: keys/own.key}
            bearer_token_file: token
        """)

    fleet = load(path)

    assert Agent(
        agent_name="full",
        kind=Kind.STRATEGY,
        service_dns="https://full.floor:8443/behind/a/gateway",
        criticality=Criticality.CRITICAL,
        expected_endpoints=("/healthz", "/readyz"),
        contract=ContractKind.LIVENESS,
        interval_seconds=20,
        deadline_seconds=2.5,
        depends_on=("base",),
        workload=Workload("StatefulSet", "full", "trading-floor"),
        owner=Owner("Ops On-Call", "Strategy Owner"),
        slo=Slo(99.5, SloWindow.MARKET_HOURS),
        tls=TlsFiles(
            str(path.parent / "ca.pem"), "/etc/own.pem", str(path.parent / "keys/own.key")
        ),
        bearer_token_file=str(path.parent / "token"),
    ) == fleet.agent("full")
    assert None is fleet.agents[0].service_dns
    assert "none" == fleet.cluster


def test_an_entry_inherits_the_cadence_it_does_not_name(write):
    """
    An agent's own interval is kept, and what it leaves out is the setting's.
    """
    path = write("""\
        agents:
          - {agent_name: a, kind: ops, contract: none, interval_seconds: 5}
        """)

    agent = load(path, default_interval=20, default_deadline=1.5).agents[0]

    assert (5, 1.5) == (agent.interval_seconds, agent.deadline_seconds)


def test_the_digest_is_that_of_the_files_bytes(write):
    """
    The fleet's digest is the SHA-256 of the file, comments and all, and its source the path (R1.5).
    """
    path = write(PREDECESSORS)

    fleet = load(path)

    assert hashlib.sha256(PREDECESSORS.encode()).hexdigest() == fleet.digest
    assert str(path) == fleet.source


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param("http://a.floor/", "http://a.floor", id="trailing slash"),
        pytest.param("HTTP://A.Floor:80", "http://a.floor:80", id="case and port"),
        pytest.param("http://127.0.0.1:9100", "http://127.0.0.1:9100", id="IPv4"),
        pytest.param("http://[::1]:9100", "http://[::1]:9100", id="IPv6"),
        pytest.param("http://127.0.0.1.:9100", "http://127.0.0.1:9100", id="absolute IPv4"),
        pytest.param("http://10.1.2.3", "http://10.1.2.3", id="private"),
        pytest.param("http://[fd00::3]", "http://[fd00::3]", id="unique local"),
        pytest.param("http://[::FFFF:10.1.2.3]", "http://[::ffff:a01:203]", id="mapped"),
        pytest.param("http://x1.x0", "http://x1.x0", id="no number"),
        pytest.param("http://a.floor.", "http://a.floor.", id="absolute name"),
    ],
)
def test_an_address_is_brought_to_one_form(write, written, read):
    """
    A base URL keeps what it means and loses a trailing slash.
    """
    path = write(f"agents: [{{agent_name: a, kind: ops, service_dns: '{written}'}}]")

    assert read == load(path).agents[0].service_dns


def test_an_owner_may_have_no_second(write):
    """
    A secondary owner that is left out or written as null is none.
    """
    assert Owner("Ops") == only_agent(write, "owner: {primary: Ops}").owner
    assert Owner("Ops") == only_agent(write, "owner: {primary: Ops, secondary: null}").owner


def test_ten_thousand_agents_are_a_fleet(write):
    """
    The largest fleet that is allowed loads, in the order of its names.
    """
    entries = "".join(f"- {{agent_name: a{i}, kind: ops, contract: none}}\n" for i in range(10_000))

    fleet = load(write(f"agents:\n{entries}"))

    names = [agent.agent_name for agent in fleet.agents]
    assert sorted(f"a{i}" for i in range(10_000)) == names


def test_the_shipped_fleet_never_wakes_execution():
    """
    The fleet file that we ship loads, and asks no execution service that a request could start.
    """
    fleet = load(REPOSITORY / "deploy/fleets/agenttrader.yaml")

    asked = {a.agent_name: a.service_dns for a in fleet.agents if a.service_dns is not None}
    execution = {a.agent_name for a in fleet.agents if a.kind is Kind.EXECUTION}
    assert {"execution-engine", "execution-engine-cloud-run", "execution-agent"} == execution
    assert {"execution-engine"} == execution & asked.keys()
    assert all(".run.app" not in address for address in asked.values())


def test_the_shipped_fleet_is_the_plans_whole_roster():
    """
    Every agent of the mesh plan is listed with its criticality, an owner, and a Service that is.
    """
    fleet = load(REPOSITORY / "deploy/fleets/agenttrader.yaml")

    by_criticality = {
        criticality: sorted(a.agent_name for a in fleet.agents if a.criticality is criticality)
        for criticality in Criticality
    }
    assert ["market-ingest", "marketdata-mcp-server"] == by_criticality[Criticality.CRITICAL]
    assert [
        "gamma-strategy",
        "mission-control",
        "reporting-agent",
        "strategy-engine",
        "strategy-service",
        "whale-strategy",
    ] == by_criticality[Criticality.IMPORTANT]
    assert all(agent.owner is not None for agent in fleet.agents)
    suffix = ".trading-floor.svc.cluster.local"
    gamma = fleet.agent("gamma-strategy")
    assert gamma is not None
    assert f"http://agenttrader-gamma-strategy{suffix}" == gamma.service_dns
    assert ContractKind.LIVENESS is gamma.contract


def test_whether_the_repositorys_programs_are_run_is_said_or_not(write):
    """
    A fleet file says run or not_run, or leaves it open; the shipped one says run.
    """
    least = "agents:\n  - {agent_name: a, kind: ops, contract: none}\n"

    for said in RepositoryLints:
        fleet = load(write(f"repository_lints: {said.value}\n{least}"))
        assert said is fleet.repository_lints
    assert None is load(write(least)).repository_lints
    shipped = load(REPOSITORY / "deploy/fleets/agenttrader.yaml")
    assert RepositoryLints.RUN is shipped.repository_lints


@pytest.mark.parametrize(
    ("entry", "brisk"),
    [
        ("criticality: critical", 2.0),
        ("criticality: critical\ninterval_seconds: 5", None),
        ("criticality: important", None),
    ],
)
def test_a_critical_service_is_asked_more_often_while_the_session_gates(write, entry, brisk):
    """Every 2 s, where the inventory says nothing else (R2.4)."""
    agent = only_agent(write, entry)

    assert brisk == agent.gating_interval_seconds
