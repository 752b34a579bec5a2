"""The inventory, which says who is on the floor and what is expected of them."""

import operator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from mission_control.model.cluster_identity import CURRENT_CONTEXT, IN_CLUSTER
from mission_control.model.execution_rules import NOTHING_ADDED, ExecutionRules
from mission_control.model.kill_switch import KillSwitchState

MARKETDATA_STALE_CEILING_SECONDS = 120
"""No service may call a tick older than this fresh (docs/semantics.md#3)."""


class Kind(StrEnum):
    """What a service does (status contract, a.1)."""

    MARKETDATA = "marketdata"
    STRATEGY = "strategy"
    EXECUTION = "execution"
    INGEST = "ingest"
    OPS = "ops"


class Criticality(StrEnum):
    """How much the floor depends on a service; `critical` and `important` are required."""

    CRITICAL = "critical"
    IMPORTANT = "important"
    OPTIONAL = "optional"


class ContractKind(StrEnum):
    """
    Which promise a service makes about its answers (docs/semantics.md#1).

    `rich` offers `/ops/status`; `liveness` only `/healthz`, `/readyz` and `/livez`;
    `http` any 2xx on its first path; `none` has no HTTP, or must not be woken.
    """

    RICH = "rich"
    LIVENESS = "liveness"
    HTTP = "http"
    NONE = "none"


class SloWindow(StrEnum):
    """The time over which a service's target is counted."""

    MARKET_HOURS = "market_hours"
    MONTH = "month"
    BUSINESS_HOURS = "business_hours"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who is paged for a service, and who if they do not answer."""

    primary: str
    secondary: str | None = None


@dataclass(frozen=True, slots=True)
class Slo:
    """A target as a percentage (99.9) of the window's time."""

    target: float
    window: SloWindow


@dataclass(frozen=True, slots=True)
class Workload:
    """The Kubernetes object that runs a service."""

    kind: str
    name: str
    namespace: str


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths of PEM files for a service that speaks HTTPS."""

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None


@dataclass(frozen=True, slots=True)
class Unobserved:
    """That nothing here can see a service: who watches it instead, and why (fleet file)."""

    who: str
    why: str


@dataclass(frozen=True, slots=True)
class Agent:
    """
    One service of the fleet, as the inventory lists it .

    `service_dns` is a base URL without a trailing slash, None only for `contract: none`.
    `interval_seconds` and `deadline_seconds` are wall seconds; their sum never exceeds 40. While
    the session gates it is asked every `gating_interval_seconds` where there is one. `unobserved`
    is declared of a `contract: none` that no workload here runs: it is then expected to be unseen,
    and never evidence of anything. `twin` is the other Mission Control that watches this floor.
    """

    agent_name: str
    kind: Kind
    service_dns: str | None = None
    criticality: Criticality = Criticality.IMPORTANT
    expected_endpoints: tuple[str, ...] = ()
    contract: ContractKind = ContractKind.RICH
    interval_seconds: float = 10.0
    deadline_seconds: float = 3.0
    depends_on: tuple[str, ...] = ()
    workload: Workload | None = None
    owner: Owner | None = None
    slo: Slo | None = None
    tls: TlsFiles | None = None
    bearer_token_file: str | None = None
    gating_interval_seconds: float | None = None
    unobserved: Unobserved | None = None
    twin: Annotated[bool, Field(exclude_if=operator.not_)] = False

    @property
    def required(self) -> bool:
        """Return whether the floor needs to see this service (docs/semantics.md#6)."""
        return self.criticality is not Criticality.OPTIONAL

    @property
    def primary_path(self) -> str | None:
        """
        Name the path whose reading speaks for the service (docs/semantics.md#2).

        None for `contract: none`, which has no HTTP reading at all.
        """
        match self.contract:
            case ContractKind.RICH:
                return "/ops/status"
            case ContractKind.LIVENESS:
                return "/healthz"
            case ContractKind.HTTP:
                return self.expected_endpoints[0] if self.expected_endpoints else "/"
            case _:
                return None


@dataclass(frozen=True, slots=True)
class ClusterAccess:
    """
    Which cluster is read, and how.

    In a cluster the pod's service account is used; otherwise `context` of the kubeconfig, its
    current one where that is None. `kubeconfig` None leaves the file to KUBECONFIG and `~/.kube`.
    """

    namespaces: tuple[str, ...]
    floor_namespace: str
    in_cluster: bool = False
    kubeconfig: str | None = None
    context: str | None = None

    @property
    def chosen(self) -> str:
        """Name how the cluster is chosen, as records do before it is found."""
        return IN_CLUSTER if self.in_cluster else self.context or CURRENT_CONTEXT


@dataclass(frozen=True, slots=True)
class EndedAlarm:
    """
    One alarm that a human ended in the fleet file: which, who did it, and why.

    `since` (UTC) is when the alarm was raised, as the posture tells it: an alarm that is raised
    again later is another one.
    """

    code: str
    subject: str
    source: str
    since: datetime
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class KnownWorkload:
    """
    What runs in a watched namespace beside the inventory: who knows it, and why it is there.

    `kind` is a workload's, or `Pod` for one that nothing owns.
    """

    kind: str
    name: str
    namespace: str
    who: str
    why: str

    @property
    def key(self) -> tuple[str, str, str]:
        """Identify it within the cluster, as a workload does."""
        return (self.namespace, self.kind, self.name)


OTHER_FLOOR_SECONDS = 5.0
OTHER_FLOOR_DEADLINE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class OtherFloor:
    """
    A floor that another Mission Control watches, which is listed here and judged there.

    `url` is where that one answers, `link` where people reach its pages (None: not told).
    """

    name: str
    url: str
    link: str | None = None
    bearer_token_file: str | None = None
    tls: TlsFiles | None = None
    interval_seconds: float = OTHER_FLOOR_SECONDS
    deadline_seconds: float = OTHER_FLOOR_DEADLINE_SECONDS


NO_CLUSTER = "none"
"""That no cluster is read is configured, never the result of a failure (docs/semantics.md#6)."""


class RepositoryLints(StrEnum):
    """Whether programs of the fleet's own repository are run (docs/semantics.md#7)."""

    RUN = "run"
    NOT_RUN = "not_run"


class SwitchFile(StrEnum):
    """
    What the fleet file says of the kill switch's file where Mission Control runs.

    AUTHORITATIVE: the services read this very file, so that it confirms. NONE: there is none here,
    which is no gap. Where nothing is said, only the ConfigMap's live mount confirms; any other
    file contradicts at most.
    """

    AUTHORITATIVE = "authoritative"
    NONE = "none"


class Execution(StrEnum):
    """Whether execution may run: not at all, or where it says that it trades on paper."""

    FORBIDDEN = "forbidden"
    PAPER = "paper"


@dataclass(frozen=True, slots=True)
class Safety:
    """
    What the fleet needs of kill switch, execution and freshness (docs/semantics.md#4).

    The defaults are the strictest. What is not required may be missing without a reason; what is
    read of it counts all the same. `switch_normal` is ENGAGED or DISENGAGED.
    """

    switch_required: bool = True
    switch_normal: KillSwitchState = KillSwitchState.ENGAGED
    execution: Execution = Execution.FORBIDDEN
    freshness_required: bool = True

    @property
    def judged(self) -> bool:
        """Return whether all of it is required; else the best posture is not judged on safety."""
        return self.switch_required and self.freshness_required

    @property
    def paper(self) -> bool:
        """Return whether execution may run on paper."""
        return self.execution is Execution.PAPER


@dataclass(frozen=True, slots=True)
class Fleet:
    """
    The inventory of one floor; agents sorted by name; `digest` is the file's SHA-256 in hex.

    `cluster` names the cluster that is read for people, `access` says how; both are there or
    neither is. `access.floor_namespace` holds the kill switch. `repository_lints` is None until
    the file says it. `ended_alarms` are those that a human ended. `known_workloads` run in its
    namespaces without being agents. `execution` is what the file adds to how execution is
    recognised. `switch_file` is None where the file says nothing of the kill switch's file.
    `floors` are those of other Mission Controls, by name; no decision about this floor reads them.
    """

    agents: tuple[Agent, ...]
    digest: str
    source: str
    cluster: str = NO_CLUSTER
    access: ClusterAccess | None = None
    repository_lints: RepositoryLints | None = None
    ended_alarms: tuple[EndedAlarm, ...] = ()
    known_workloads: tuple[KnownWorkload, ...] = ()
    execution: ExecutionRules = NOTHING_ADDED
    switch_file: SwitchFile | None = None
    safety: Safety = Safety()
    floors: Annotated[tuple[OtherFloor, ...], Field(exclude_if=operator.not_)] = ()

    def agent(self, agent_name: str) -> Agent | None:
        """Find an agent by its inventory name; None when it is not listed."""
        return next((a for a in self.agents if a.agent_name == agent_name), None)

    @property
    def twin(self) -> Agent | None:
        """Return the other one that watches this floor; None where we watch it alone."""
        return next((a for a in self.agents if a.twin), None)
