"""The workloads of the cluster, as the fleet's manifests have them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

FLOOR = "trading-floor"
EXECUTION = "agenttrader"
REGISTRY = "us-east4-docker.pkg.dev/agenttrader-prod/trader-repo"
V2 = "agenttrader-v2"
OTHER_SPELLING = "agent-trader-v2"


@dataclass(frozen=True, slots=True)
class Planned:
    """A workload as in its manifest; `part_of` is empty where it has no labels of v2."""

    kind: str
    name: str
    image: str
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
        "StatefulSet",
        name,
        f"{REGISTRY}/strategy-runtime:54afffe",
        component="strategy-runtime",
        service_account="strategy-engine-ksa",
        env=_env("strategy-engine", "strategy_eval", "EVAL"),
    )


PLANNED: tuple[Planned, ...] = (
    _strategy("gamma-strategy"),
    _strategy("whale-strategy"),
    Planned(
        "Deployment",
        "marketdata-mcp-server",
        f"{REGISTRY}/marketdata-mcp-server:54afffe",
        component="marketdata-mcp-server",
        service_account="marketdata-mcp-server-ksa",
        env=_env("marketdata-mcp-server", "marketdata", "OBSERVE"),
        init=f"{REGISTRY}/schema-check:54afffe",
    ),
    Planned(
        "Deployment",
        "strategy-engine",
        f"{REGISTRY}/strategy-runtime:54afffe",
        component="strategy-engine",
        env=_env("strategy-engine", "strategy", "OBSERVE"),
    ),
    Planned(
        "Deployment",
        "strategy-service",
        f"{REGISTRY}/strategy-runtime:54afffe",
        component="strategy-runtime",
        env=_env("strategy-service", "strategy", "EVAL"),
    ),
    Planned(
        "Deployment",
        "market-ingest",
        f"{REGISTRY}/market-ingest:54afffe",
        component="ingest",
        env=_env("market-ingest", "ingest", "OBSERVE"),
    ),
    Planned(
        "Deployment",
        "congressional-ingest",
        f"{REGISTRY}/congressional-ingest:54afffe",
        component="ingest",
        env=_env("congressional-ingest", "ingest", "OBSERVE"),
    ),
    Planned(
        "Deployment",
        "execution-engine",
        f"{REGISTRY}/execution-engine:54afffe",
        component="execution-agent",
        replicas=0,
        env={**_env("execution-agent", "execution", "OFF"), "EXECUTION_ENABLED": "false"},
    ),
    Planned(
        "Deployment",
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
        "Deployment",
        "mission-control",
        f"{REGISTRY}/mission-control:54afffe",
        part_of=OTHER_SPELLING,
        component="ops",
        service_account="mission-control",
        env={"REPO_ID": "agent-trader-v2"},
        switched=False,
    ),
    Planned(
        "Deployment",
        "agenttrader-ops-ui",
        "ghcr.io/agenttrader/ops-ui:54afffe",
        part_of="",
        service_account="default",
        switched=False,
    ),
    Planned(
        "CronJob",
        "ops-heartbeat-writer",
        "bitnami/kubectl:1.29.0",
        component="ops",
        schedule="* * * * *",
        switched=False,
    ),
    Planned(
        "CronJob",
        "ops-post-market",
        "bitnami/kubectl:1.29.0",
        part_of=OTHER_SPELLING,
        component="ops",
        replicas=0,
        service_account="",
        schedule="30 22 * * 1-5",
        switched=False,
    ),
)
