"""What a scenario consists of, as values that the floor and its cluster act on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

EVERYTHING = ("*", "*")


class ApiFault(StrEnum):
    """How a list request fails."""

    DENIED = "denied"
    UNAUTHORIZED = "unauthorized"
    THROTTLED = "throttled"
    GONE = "gone"
    UNAVAILABLE = "unavailable"
    HUNG = "hung"
    GARBAGE = "garbage"
    CUT = "cut"
    ENDLESS = "endless"
    MISSING = "missing"
    REFUSED = "refused"
    """The port is closed; only together with `EVERYTHING`."""


@dataclass(frozen=True, slots=True)
class WorkloadTwist:
    """
    How one workload differs from what it normally is.

    `env` gives plain values; `env_refs` takes variables from elsewhere: name to (kind of
    source, its name, key). `waiting` is why the first container does not run, `init_waiting` the
    same of the first init container. The first pod runs `odd_image`, as if edited by hand;
    `updated` pods have the newest specification, where a rollout stopped.
    """

    replicas: int | None = None
    ready: int | None = None
    waiting: str = ""
    init_waiting: str = ""
    restarts: int = 0
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    env_refs: Mapping[str, tuple[str, str, str]] = field(
        default_factory=dict[str, tuple[str, str, str]]
    )
    init_env: Mapping[str, str] = field(default_factory=dict[str, str])
    absent: bool = False
    image: str = ""
    pending: str = ""
    warning: str = ""
    odd_image: str = ""
    updated: int | None = None


AS_ITS_FILE = "\0as the file"
"""The ConfigMap holds what the mounted file does, as in a real cluster."""


@dataclass(frozen=True, slots=True)
class ClusterStage:
    """
    The cluster as a scenario wants it.

    `faults` are by (namespace, resource), both may be `*`. `kill_switch` None means that the
    ConfigMap does not exist. `installed` are the groups of other programs that the API offers
    (`keda.sh`), whose lists go by their whole names (`scaledobjects.keda.sh`). `extra` are raw
    objects by (namespace, resource), served as they are. `of` identifies the cluster.
    """

    faults: Mapping[tuple[str, str], ApiFault] = field(
        default_factory=dict[tuple[str, str], ApiFault]
    )
    kill_switch: str | None = AS_ITS_FILE
    kill_switch_key: str = "EXECUTION_HALTED"
    workloads: Mapping[str, WorkloadTwist] = field(default_factory=dict[str, WorkloadTwist])
    of: str = "the simulated cluster"
    extra: Mapping[tuple[str, str], tuple[Mapping[str, Any], ...]] = field(
        default_factory=dict[tuple[str, str], tuple[Mapping[str, Any], ...]]
    )

    installed: frozenset[str] = frozenset()

    def fault(self, namespace: str, resource: str) -> ApiFault | None:
        """Return how a list request fails, if it does."""
        for key in ((namespace, resource), ("*", resource), (namespace, "*"), EVERYTHING):
            if key in self.faults:
                return self.faults[key]
        return None

    def twist(self, name: str) -> WorkloadTwist:
        """Return how a workload differs."""
        return self.workloads.get(name, NORMAL)


NORMAL = WorkloadTwist()


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
    """How every path of a service fails; see `answers.fail` for what is sent."""

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


EASTERN_STANDARD = timezone(timedelta(hours=-5), "EST")
"""New York's time in November, when every scenario is shown."""

OPEN_SESSION = datetime(2026, 11, 18, 10, 15, tzinfo=EASTERN_STANDARD)
"""A Wednesday morning with nothing special about it; most scenarios are shown at this instant."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """
    One state of the floor, with the instant at which it is best shown, in New York's time.

    `description` is one sentence: what an operator should see.
    """

    name: str
    description: str
    at: datetime = OPEN_SESSION
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
