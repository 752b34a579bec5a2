"""The deploy report: what is deployed, and how it fares (facts, f)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mission_control.cluster.model.further import ServiceFacts
from mission_control.cluster.model.objects import Container, JobCounts, PodFacts, WorkloadFacts
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.model.session import MarketSession


class Health(StrEnum):
    """How a workload fares, worst first; what could not be seen is never OK."""

    DOWN = "down"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"
    OK = "ok"

    @property
    def rank(self) -> int:
        """Give 0 for the worst, so that sorting by rank puts the worst first."""
        return list(Health).index(self)


class MayTrade(StrEnum):
    """Whether a workload may place orders; only what is known to forbid it makes it NO."""

    NOT_RULED_OUT = "not ruled out"
    NO = "no"
    NOT_APPLICABLE = "not applicable"


CRITICALITIES = ("critical", "important", "optional", "")
"""How much the floor needs a workload, the most first; the last is not in the inventory."""


@dataclass(frozen=True, slots=True)
class HealthSample:
    """What one path of a service answered."""

    path: str
    ok: bool
    status_code: int | None
    excerpt: str
    error: str | None


@dataclass(frozen=True, slots=True)
class ReportedWorkload:
    """
    One workload as reported, on two axes that are never mixed: how it fares, and may it trade.

    `pod_counts` are pods by what they do (`running`, `crashloop`, ...), only what is there.
    `digests` are those that nodes report for each container, never what the image says. `env`
    holds (present, value or what stands for it) by watched name. `allowed` is the predecessor's
    answer to whether it may run, with the reason; `issues` what is wrong with it. `unseen` says
    why its pods, or all of it, were not seen, empty where they were. One that is not `present` is
    named by the inventory and was not found. `restarts` are those of its pods, None where these
    were not seen. `made_by` is what made it, as the CronJob of a Job; `criticality` that of its
    agent, empty where the inventory does not name it.
    """

    kind: str
    name: str
    namespace: str
    health: Health
    because: tuple[str, ...]
    may_trade: MayTrade
    trade_because: str
    desired: int
    ready: int
    observed: bool
    pod_counts: Mapping[str, int]
    containers: tuple[Container, ...]
    digests: Mapping[str, tuple[str, ...]]
    service_account: str
    env: Mapping[str, tuple[bool, str | None]]
    allowed: bool
    allowed_reason: str
    issues: tuple[str, ...]
    component: str = ""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    job: JobCounts | None = None
    service_url: str = ""
    generation: int = 0
    samples: tuple[HealthSample, ...] = ()
    unseen: str = ""
    present: bool = True
    restarts: int | None = None
    made_by: str = ""
    criticality: str = ""

    @property
    def classification(self) -> str:
        """Give the predecessor's one word for both axes: trouble is never hidden by a halt."""
        if self.health is not Health.OK:
            return "degraded"
        return "ok" if self.allowed else "halted"

    @property
    def title(self) -> str:
        """Name it as reports do: `Deployment/strategy-engine`."""
        return f"{self.kind}/{self.name}"

    @property
    def weight(self) -> tuple[int, int, str, str]:
        """Sort key: what fares worst first, then what the floor needs most, then by name."""
        needed = CRITICALITIES.index(self.criticality)
        return (self.health.rank, needed, self.kind, self.name)


@dataclass(frozen=True, slots=True)
class DeployReport:
    """
    What is deployed at one instant; workloads sorted by kind and name.

    `access` tells whether every needed list was seen; `access_error` why not. `headline` counts
    how the workloads fare, in one sentence. `config_maps` are SHA-256 digests by namespace and
    name, `config_map_keys` their keys; `loose_pods` are live pods that no workload runs. `unread`
    are (list, namespace, why) of every list that was not seen whole; `env_watched` the variables
    whose values are told; `top_issues` (whose, what).
    """

    at: datetime
    session: MarketSession
    namespace: str
    context: str
    access: bool
    access_error: str | None
    kill_switch: str
    headline: str
    workloads: tuple[ReportedWorkload, ...]
    services: tuple[ServiceFacts, ...] = ()
    cron_jobs: tuple[WorkloadFacts, ...] = ()
    loose_pods: tuple[PodFacts, ...] = ()
    config_maps: Mapping[str, str] = field(default_factory=dict[str, str])
    config_map_keys: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict[str, tuple[str, ...]]
    )
    unread: tuple[tuple[str, str, str], ...] = ()
    env_watched: tuple[str, ...] = ()
    top_issues: tuple[tuple[str, str], ...] = ()
    errors: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    cluster: str = ""
    user: str = ""
    label: str = ""
    health_sampled: bool = True
    identity: ClusterIdentity | None = None


@dataclass(frozen=True, slots=True)
class ReportComparison:
    """
    What differs from one report to another, and why that may not be all of it.

    Only with no `gaps` does an empty `changes` mean that nothing changed. `folded` counts what
    differs in every two reports of the same floor, by what it is. `clusters` says before all else
    that the two are not of one cluster, or not known to be; empty where they are.
    """

    changes: "tuple[ReportChange, ...]"
    gaps: tuple[str, ...]
    folded: tuple[tuple[str, int], ...] = ()
    clusters: str = ""


@dataclass(frozen=True, slots=True)
class SinceLkg:
    """
    What a report shows differently from the last known good, which was captured at `captured`.

    `captured` is for people, in New York; `path` is the capture's run. Where there is none to
    compare with both are empty, `compared` is None and `problem` says why.
    """

    path: str
    captured: str
    compared: ReportComparison | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ReportChange:
    """One difference between two reports: what, in which respect, before and after."""

    subject: str
    what: str
    before: str
    after: str
