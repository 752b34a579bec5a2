"""What a scenario consists of, as values that the floor acts on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mission_control.simulation.cluster_stage import EVERYTHING, ApiFault, ClusterStage

MARKETDATA = "marketdata-mcp-server"
STRATEGY_ENGINE = "strategy-engine"
GAMMA_STRATEGY = "gamma-strategy"
MARKET_INGEST = "market-ingest"
EXECUTION_ENGINE = "execution-engine"
KUBERNETES = "kubernetes"
"""No service: the API of the cluster that runs them."""


class Ticks(StrEnum):
    """How ticks reach the marketdata service."""

    FLOWING = "flowing"
    STOPPED = "stopped"
    NEVER = "never"
    AHEAD = "ahead"


class Fault(StrEnum):
    """How every path of a service fails; see `hostile` for what is sent."""

    REFUSED = "refused"
    HUNG = "hung"
    DRIPPING = "dripping"
    HUGE = "huge"
    GZIP_BOMB = "gzip-bomb"
    TOO_DEEP = "too-deep"
    HTML = "html"
    TRUNCATED = "truncated"
    NOT_A_NUMBER = "not-a-number"
    SAID_TWICE = "said-twice"
    UNWELL = "unwell"
    REDIRECTED = "redirected"
    UNAVAILABLE = "unavailable"
    NOTHING_OFFERED = "nothing-offered"


@dataclass(frozen=True, slots=True)
class Feed:
    """
    The marketdata feed, as the whole fleet sees it.

    `seconds` is how long before the switch ticks stopped, or how far ahead they are.
    `verdict_withheld` makes `is_fresh` null although a tick is known. `healthz_forced_stale`
    answers `/healthz` in the contract form, forced stale by its test toggle.
    """

    ticks: Ticks = Ticks.FLOWING
    seconds: float = 0.0
    verdict_withheld: bool = False
    healthz_forced_stale: bool = False


@dataclass(frozen=True, slots=True)
class Switch:
    """
    The kill switch: what its file holds (None: no file), and what services report.

    Services keep the copy that was in their environment when they started, so they can still
    report "engaged" while the file says something else.
    """

    file_text: str | None = "1\n"
    services_say: bool = True
    denied_by: frozenset[str] = frozenset()

    def engaged_for(self, agent_name: str) -> bool:
        """Return whether one service reports the switch as engaged."""
        return self.services_say and agent_name not in self.denied_by


@dataclass(frozen=True, slots=True)
class Twist:
    """What one service reports about itself that is false, or forbidden."""

    agent_mode: str | None = None
    safe_to_execute_orders: bool = False
    claims_fresh: bool = False
    calls_itself: str | None = None
    clock_ahead_seconds: float = 0.0
    frozen_for_seconds: float | None = None


NO_TWIST = Twist()


CALM_CLUSTER = ClusterStage()


@dataclass(frozen=True, slots=True)
class Scenario:
    """
    One state of the floor, with the instant at which it is best shown, in New York's time.

    `description` is one sentence: what an operator should see.
    """

    name: str
    description: str
    at: datetime
    feed: Feed = Feed()
    switch: Switch = Switch()
    faults: Mapping[str, Fault] = field(default_factory=dict[str, Fault])
    twists: Mapping[str, Twist] = field(default_factory=dict[str, Twist])
    execution_running: bool = False
    cluster: ClusterStage = CALM_CLUSTER

    def refuses(self, agent_name: str) -> bool:
        """Return whether a service's port refuses connections."""
        if agent_name == KUBERNETES:
            return self.cluster.fault(*EVERYTHING) is ApiFault.REFUSED
        if agent_name == EXECUTION_ENGINE and not self.execution_running:
            return True
        return self.faults.get(agent_name) is Fault.REFUSED
