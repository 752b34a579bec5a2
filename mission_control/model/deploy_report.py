"""Model: the deploy report: what is deployed, and how it fares (facts, f)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mission_control.model.cluster.containers import Container
from mission_control.model.cluster.further import ServiceFacts
from mission_control.model.cluster.workload import JobCounts
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.model.session import MarketSession


class Classification(StrEnum):
    """Exactly one for each workload: halted outranks degraded, which outranks ok."""

    HALTED = "halted"
    DEGRADED = "degraded"
    OK = "ok"


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
    One workload as reported.

    `pod_counts` are pods by what they do (`running`, `crashloop`, ...), only what is there.
    `digests` are those that nodes report for each container, never what the image says. `env`
    holds (present, value or what stands for it) by watched name. `allowed` tells whether it may
    run, with the reason; `issues` what is wrong with it.
    """

    kind: str
    name: str
    namespace: str
    classification: Classification
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

    @property
    def title(self) -> str:
        """Name it as reports do: `Deployment/strategy-engine`."""
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class DeployReport:
    """
    What is deployed at one instant; workloads sorted by kind and name.

    `access` tells whether every needed list was seen; `access_error` why not. `config_digest` is
    the SHA-256 over all ConfigMaps' digests, empty where they were not seen. `since` is what
    changed since an earlier report, where there is one.
    """

    at: datetime
    session: MarketSession
    namespace: str
    context: str
    access: bool
    access_error: str | None
    kill_switch: str
    workloads: tuple[ReportedWorkload, ...]
    services: tuple[ServiceFacts, ...] = ()
    config_maps: Mapping[str, str] = field(default_factory=dict[str, str])
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

    Only with no `gaps` does an empty `changes` mean that nothing changed. `clusters` says before
    all else that the two are not of one cluster, or not known to be; empty where they are.
    """

    changes: "tuple[ReportChange, ...]"
    gaps: tuple[str, ...]
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
