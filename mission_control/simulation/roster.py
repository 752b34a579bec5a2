"""Who is on the floor, as the mesh plan and the playbook list them."""

from dataclasses import replace

from mission_control.model.fleet import (
    Agent,
    ContractKind,
    Criticality,
    Kind,
    KnownWorkload,
    Owner,
    Slo,
    SloWindow,
    Workload,
)

_RICH = ("/ops/status", "/healthz")
_LIVENESS = ("/healthz", "/readyz", "/livez")
_ON_CALL = "Ops On-Call"
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
