"""Who is on the floor: the services, their fleet file, and the workloads of the cluster."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import yaml

from mission_control.documents.document import document
from mission_control.model.fleet import (
    Agent,
    ContractKind,
    Criticality,
    Kind,
    KnownWorkload,
    Owner,
    Slo,
    SloWindow,
    SwitchFile,
    Workload,
)

_RICH = ("/ops/status", "/healthz")
_LIVENESS = ("/healthz", "/readyz", "/livez")
_ON_CALL = "Ops On-Call"
_FEED = ("marketdata-mcp-server",)
_MARKETDATA_OWNER = Owner(_ON_CALL, "Marketdata Owner")
_STRATEGY_OWNER = Owner(_ON_CALL, "Strategy Owner")
_PLATFORM_OWNER = Owner(_ON_CALL, "Platform Owner")


def _workload(name: str, kind: str = "Deployment") -> Workload:
    return Workload(kind, name, "trading-floor")


_RUNTIME = Agent(
    "gamma-strategy",
    Kind.STRATEGY,
    expected_endpoints=_LIVENESS,
    contract=ContractKind.LIVENESS,
    workload=_workload("gamma-strategy", "StatefulSet"),
    owner=_STRATEGY_OWNER,
    depends_on=_FEED,
    slo=Slo(99.5, SloWindow.MARKET_HOURS),
)

ROSTER: tuple[Agent, ...] = (
    Agent(
        "marketdata-mcp-server",
        Kind.MARKETDATA,
        criticality=Criticality.CRITICAL,
        expected_endpoints=("/ops/status", "/healthz", "/heartbeat"),
        workload=_workload("marketdata-mcp-server"),
        owner=_MARKETDATA_OWNER,
        slo=Slo(99.9, SloWindow.MARKET_HOURS),
    ),
    Agent(
        "strategy-engine",
        Kind.STRATEGY,
        expected_endpoints=_RICH,
        workload=_workload("strategy-engine"),
        owner=_STRATEGY_OWNER,
        depends_on=_FEED,
        slo=Slo(99.5, SloWindow.MARKET_HOURS),
    ),
    _RUNTIME,
    replace(
        _RUNTIME,
        agent_name="whale-strategy",
        workload=_workload("whale-strategy", "StatefulSet"),
    ),
    replace(
        _RUNTIME,
        agent_name="strategy-service",
        workload=_workload("strategy-service"),
        slo=Slo(99.5, SloWindow.MONTH),
        depends_on=("strategy-engine",),
    ),
    Agent(
        "execution-engine",
        Kind.EXECUTION,
        criticality=Criticality.OPTIONAL,
        expected_endpoints=_RICH,
        workload=_workload("execution-engine"),
        owner=_PLATFORM_OWNER,
    ),
    Agent(
        "market-ingest",
        Kind.INGEST,
        criticality=Criticality.CRITICAL,
        expected_endpoints=_RICH,
        workload=_workload("market-ingest"),
        owner=_MARKETDATA_OWNER,
        slo=Slo(99.9, SloWindow.MONTH),
    ),
    Agent(
        "ops-ui",
        Kind.OPS,
        criticality=Criticality.OPTIONAL,
        expected_endpoints=("/",),
        contract=ContractKind.HTTP,
        workload=_workload("agenttrader-ops-ui"),
        owner=Owner(_ON_CALL, "UI Owner"),
    ),
    Agent(
        "congressional-ingest",
        Kind.INGEST,
        criticality=Criticality.OPTIONAL,
        contract=ContractKind.NONE,
        workload=_workload("congressional-ingest"),
        owner=_MARKETDATA_OWNER,
        slo=Slo(99.0, SloWindow.BUSINESS_HOURS),
    ),
)
"""In the order of the floor's ports. Addresses are unknown until the floor is served."""

KNOWN: tuple[KnownWorkload, ...] = (
    KnownWorkload(
        "CronJob",
        "ops-heartbeat-writer",
        "trading-floor",
        _ON_CALL,
        "patches the heartbeat ConfigMap of ops-cron every minute, and no other",
    ),
    KnownWorkload(
        "CronJob",
        "ops-post-market",
        "trading-floor",
        _ON_CALL,
        "suspended; it reads what ran after the close when a human resumes it",
    ),
    KnownWorkload(
        "Deployment",
        "mission-control",
        "trading-floor",
        _ON_CALL,
        "watches this floor, which no inventory of its own lists",
    ),
)
"""What runs beside the roster, and why."""

NAMES_WITH_HTTP: tuple[str, ...] = tuple(
    agent.agent_name for agent in ROSTER if agent.contract is not ContractKind.NONE
)
"""The services that have a port, in the order of the ports."""


def fleet_document(
    base_urls: Mapping[str, str],
    kubeconfig: str | None = None,
    floors: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """
    Write the YAML fleet file of the roster, with each service at its given base URL.

    `floors` are other floors, with the base URL of the Mission Control of each.

    Every service of the roster that has HTTP must be given an address. Without a kubeconfig no
    cluster is read.
    """
    cluster: object = "none"
    if kubeconfig is not None:
        cluster = {"access": "kubeconfig", "context": "simulated", "kubeconfig": kubeconfig}
    known = document(KNOWN)
    agents = [_entry(agent, base_urls) for agent in ROSTER]
    # Nothing mounts a ConfigMap here: the simulated services read the very file that we read.
    switch = {"file": SwitchFile.AUTHORITATIVE.value}
    listed: dict[str, object] = {
        "cluster": cluster,
        "kill_switch": switch,
        "known_workloads": known,
        "agents": agents,
    }
    if floors:
        listed["floors"] = [{"name": name, "url": url} for name, url in floors.items()]
    return yaml.safe_dump(listed, sort_keys=False, allow_unicode=True)


def _entry(agent: Agent, base_urls: Mapping[str, str]) -> dict[str, object]:
    entry: dict[str, object] = {"agent_name": agent.agent_name}
    if agent.agent_name in NAMES_WITH_HTTP:
        entry["service_dns"] = base_urls[agent.agent_name]
    entry["kind"] = agent.kind.value
    entry["expected_endpoints"] = list(agent.expected_endpoints)
    entry["criticality"] = agent.criticality.value
    entry["contract"] = agent.contract.value
    for name in ("workload", "owner", "slo"):
        if value := getattr(agent, name):
            entry[name] = document(value)
    if agent.depends_on:
        entry["depends_on"] = list(agent.depends_on)
    return entry


FLOOR = "trading-floor"
EXECUTION = "agenttrader"
REGISTRY = "us-east4-docker.pkg.dev/agenttrader-prod/trader-repo"
V2 = "agenttrader-v2"
OTHER_SPELLING = "agent-trader-v2"


@dataclass(frozen=True, slots=True)
class Planned:
    """A workload as in its manifest; `part_of` is empty where it has no labels of v2."""

    name: str
    image: str
    kind: str = "Deployment"
    part_of: str = V2
    component: str = ""
    namespace: str = FLOOR
    replicas: int = 1
    service_account: str = "trading-floor-sa"
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    init: str = ""
    schedule: str = ""
    switched: bool = True


def _env(name: str, role: str, mode: str) -> Mapping[str, str]:
    return {
        "REPO_ID": "agent-trader-v2",
        "AGENT_NAME": name,
        "AGENT_ROLE": role,
        "AGENT_MODE": mode,
        "TRADING_MODE": "paper",
        "GIT_SHA": "54afffe",
    }


def _strategy(name: str) -> Planned:
    return Planned(
        name,
        f"{REGISTRY}/strategy-runtime:54afffe",
        "StatefulSet",
        component="strategy-runtime",
        service_account="strategy-engine-ksa",
        env=_env("strategy-engine", "strategy_eval", "EVAL"),
    )


PLANNED: tuple[Planned, ...] = (
    _strategy("gamma-strategy"),
    _strategy("whale-strategy"),
    Planned(
        "marketdata-mcp-server",
        f"{REGISTRY}/marketdata-mcp-server:54afffe",
        component="marketdata-mcp-server",
        service_account="marketdata-mcp-server-ksa",
        env=_env("marketdata-mcp-server", "marketdata", "OBSERVE"),
        init=f"{REGISTRY}/schema-check:54afffe",
    ),
    Planned(
        "strategy-engine",
        f"{REGISTRY}/strategy-runtime:54afffe",
        component="strategy-engine",
        env=_env("strategy-engine", "strategy", "OBSERVE"),
    ),
    Planned(
        "strategy-service",
        f"{REGISTRY}/strategy-runtime:54afffe",
        component="strategy-runtime",
        env=_env("strategy-service", "strategy", "EVAL"),
    ),
    Planned(
        "market-ingest",
        f"{REGISTRY}/market-ingest:54afffe",
        component="ingest",
        env=_env("market-ingest", "ingest", "OBSERVE"),
    ),
    Planned(
        "congressional-ingest",
        f"{REGISTRY}/congressional-ingest:54afffe",
        component="ingest",
        env=_env("congressional-ingest", "ingest", "OBSERVE"),
    ),
    Planned(
        "execution-engine",
        f"{REGISTRY}/execution-engine:54afffe",
        component="execution-agent",
        replicas=0,
        env={**_env("execution-agent", "execution", "OFF"), "EXECUTION_ENABLED": "false"},
    ),
    Planned(
        "execution-agent",
        f"{REGISTRY}/execution-agent:54afffe",
        part_of="",
        namespace=EXECUTION,
        replicas=0,
        service_account="",
        env=_env("execution-agent", "execution", "OFF"),
        switched=False,
    ),
    Planned(
        "mission-control",
        f"{REGISTRY}/mission-control:54afffe",
        part_of=OTHER_SPELLING,
        component="ops",
        service_account="mission-control",
        env={"REPO_ID": "agent-trader-v2"},
        switched=False,
    ),
    Planned(
        "agenttrader-ops-ui",
        "ghcr.io/agenttrader/ops-ui:54afffe",
        part_of="",
        service_account="default",
        switched=False,
    ),
    Planned(
        "ops-heartbeat-writer",
        "bitnami/kubectl:1.29.0",
        "CronJob",
        component="ops",
        schedule="* * * * *",
        switched=False,
    ),
    Planned(
        "ops-post-market",
        "bitnami/kubectl:1.29.0",
        "CronJob",
        part_of=OTHER_SPELLING,
        component="ops",
        replicas=0,
        service_account="",
        schedule="30 22 * * 1-5",
        switched=False,
    ),
)
