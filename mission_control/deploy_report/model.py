"""The deploy report: what is deployed, and how healthy it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mission_control.cluster.model.facts import ServiceFacts
from mission_control.cluster.model.objects import Container, JobCounts, PodFacts, WorkloadFacts
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.model.session import MarketSession


class Health(StrEnum):
    """How healthy a workload is, worst first; one that could not be seen is never OK."""

    DOWN = "down"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"
    OK = "ok"

    @property
    def rank(self) -> int:
        """Return 0 for the worst, so that sorting by rank puts the worst first."""
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
    One workload as reported, on two axes that are never mixed: its health, and may it trade.

    `pod_counts` count pods by state (`running`, `crashloop`, ...). `digests` are what nodes report
    for each container, never what the image says. `env` holds (present, shown value) by watched
    name. `allowed` is the predecessor's answer to whether it may run; `issues` are its troubles.
    `unseen` says why its pods, or all of it, were not seen, empty where they were. One that is not
    `present` is named by the inventory and was not found. `restarts` is None where the pods were
    not seen. `made_by` is its owner, as the CronJob of a Job; `criticality` its agent's, empty
    where the inventory does not name it.
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
        """Return the predecessor's one word for both axes: trouble is never hidden by a halt."""
        if self.health is not Health.OK:
            return "degraded"
        return "ok" if self.allowed else "halted"

    @property
    def title(self) -> str:
        """Name it as reports do: `Deployment/strategy-engine`."""
        return f"{self.kind}/{self.name}"

    @property
    def weight(self) -> tuple[int, int, str, str]:
        """Sort key: the worst health first, then what the floor needs most, then by name."""
        needed = CRITICALITIES.index(self.criticality)
        return (self.health.rank, needed, self.kind, self.name)


@dataclass(frozen=True, slots=True)
class DeployReport:
    """
    What is deployed at one instant; workloads sorted by kind and name.

    `access` is false where a needed list was not seen, `access_error` says why. `headline` counts
    the workloads by health, in one sentence. `config_maps` are SHA-256 digests by
    `namespace/name`, `config_map_keys` their keys; `loose_pods` are live pods that no workload
    runs. `unread` are (list, namespace, why) of every list that was not seen whole; `env_watched`
    the variables whose values are shown; `top_issues` (workload, issue).
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
class ReportChange:
    """One difference between two reports: what, in which respect, before and after."""

    subject: str
    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ReportComparison:
    """
    What differs from one report to another, and why that may not be all of it.

    An empty `changes` means that nothing changed only where there are no `gaps`. `folded` counts,
    by kind, what differs in any two reports of one floor. `clusters` warns that the two are not of
    one cluster, or not known to be; empty where they are.
    """

    changes: tuple[ReportChange, ...]
    gaps: tuple[str, ...]
    folded: tuple[tuple[str, int], ...] = ()
    clusters: str = ""


@dataclass(frozen=True, slots=True)
class SinceLkg:
    """
    What differs between a report and the last known good.

    `captured` is its time in New York, `path` its run. Where there is none to compare with both
    are empty, `compared` is None and `problem` says why.
    """

    path: str
    captured: str
    compared: ReportComparison | None
    problem: str = ""
