"""Containers as their pod's specification has them, with the environment that matters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

WATCHED_ENV = frozenset(
    {
        "AGENT_MODE",
        "AGENT_NAME",
        "AGENT_ROLE",
        "BROKER_EXECUTION_ENABLED",
        "BUILD_ID",
        "EXECUTION_ENABLED",
        "EXECUTION_HALTED",
        "EXECUTION_MODE",
        "EXECUTION_REPLICAS",
        "EXEC_DRY_RUN",
        "EXEC_KILL_SWITCH",
        "GIT_SHA",
        "KILL_SWITCH",
        "MARKETDATA_FORCE_STALE",
        "MARKETDATA_HEALTH_CHECK_DISABLED",
        "MODE",
        "PAPER_TRADING",
        "REPO_ID",
        "SHADOW_MODE",
        "TRADING_MODE",
    }
)
"""Variables whose values are kept; of all others only the name is, for they may be secret."""


@dataclass(frozen=True, slots=True)
class KeyRef:
    """The source of a variable's value: a key of a ConfigMap or Secret, or a field of the pod."""

    kind: str
    name: str
    key: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class EnvVariable:
    """
    A watched variable of a container, as written: a plain value, or a reference to one.

    A variable with neither is empty, which is a value.
    """

    name: str
    value: str | None = None
    ref: KeyRef | None = None


@dataclass(frozen=True, slots=True)
class EnvSource:
    """A ConfigMap or Secret all of whose keys become variables, each with the prefix."""

    kind: str
    name: str
    prefix: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Container:
    """
    One container of a pod specification.

    `env` holds the watched variables in the order written, where a later one counts;
    `env_names` every name, sorted. `probes` are those of `startup`, `readiness` and `liveness`
    that are configured. `resources` are (`requests.cpu`, `100m`) pairs, sorted.
    Of command and arguments it holds what they start (`runs`: programs, modules and scripts),
    the watched settings that they give (`flags`, in upper case with underscores), and the
    commands that change a cluster (`acts`). `ports` are the names of its ports.
    """

    name: str
    image: str = ""
    init: bool = False
    pull_policy: str = ""
    env: tuple[EnvVariable, ...] = ()
    env_from: tuple[EnvSource, ...] = ()
    env_names: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    resources: tuple[tuple[str, str], ...] = field(default=())
    runs: tuple[str, ...] = ()
    flags: tuple[tuple[str, str], ...] = ()
    acts: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """Which object is meant, within its namespace."""

    kind: str
    name: str

    def __str__(self) -> str:
        """Return it as people write it: `Deployment/strategy-engine`."""
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class JobCounts:
    """How the pods of a Job stand, and when it began and ended (UTC)."""

    active: int = 0
    succeeded: int = 0
    failed: int = 0
    started: datetime | None = None
    completed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rollout:
    """
    How far a workload's pods are of its newest specification, as its controller tells.

    `updated` pods are of the newest specification and `available` are ready for long enough; None
    where the kind does not count them. `strategy` is how pods are replaced (`RollingUpdate`,
    `Recreate`, `OnDelete`), and pods numbered below `partition` are held back. `revision` is what
    all pods were of when the last rollout ended and `newest` what they are to be of; empty where
    the kind has none. `troubles` are the conditions that are not as they should be, in words.
    `ended_at` is when its controller saw the last rollout through (UTC), None where it does not
    say.
    """

    updated: int
    available: int | None = None
    strategy: str = ""
    partition: int = 0
    revision: str = ""
    newest: str = ""
    troubles: tuple[str, ...] = ()
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StarterFacts:
    """
    An object by which a cluster starts pods without a human: a scaler, a trigger, a route.

    `how` says in words how it would start them; empty where it cannot as it is configured now.
    `wanted` is how many pods it wants itself, None for one that only changes what others want.
    `targets` are the objects that it scales, deploys or names; `containers` those that it would
    run itself.
    """

    kind: str
    namespace: str
    name: str
    how: str = ""
    wanted: int | None = None
    targets: tuple[ObjectRef, ...] = ()
    owner: ObjectRef | None = None
    service_account: str = ""
    containers: tuple[Container, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def key(self) -> tuple[str, str, str]:
        """Identify it within the cluster; starters are sorted by this."""
        return (self.namespace, self.kind, self.name)


@dataclass(frozen=True, slots=True)
class WorkloadFacts:
    """
    A Deployment, StatefulSet, DaemonSet, ReplicaSet, Job or CronJob.

    `desired` is how many pods it wants: 0 for a suspended CronJob and a finished Job, 1 for a
    CronJob that is not suspended. `actual` is how many its controller counts, `ready` how many
    of these are ready. `observed` tells whether the
    controller has seen the newest generation; `generation` is its number, which grows with every
    change of the specification; 0 for kinds whose controllers do not observe it (Job, CronJob).
    A ReplicaSet that has an owner bears no containers: its owner's are the ones that count.
    `paused` is a Deployment whose changes are not rolled out. `rollout` is None for what has none:
    a ReplicaSet, a Job, a CronJob.
    """

    kind: str
    namespace: str
    name: str
    desired: int
    actual: int = 0
    ready: int = 0
    observed: bool = True
    generation: int = 0
    suspended: bool = False
    paused: bool = False
    schedule: str = ""
    job: JobCounts | None = None
    owner: ObjectRef | None = None
    service_account: str = ""
    containers: tuple[Container, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    pod_labels: Mapping[str, str] = field(default_factory=dict[str, str])
    rollout: Rollout | None = None

    @property
    def ref(self) -> ObjectRef:
        """Name it within its namespace."""
        return ObjectRef(self.kind, self.name)

    @property
    def key(self) -> tuple[str, str, str]:
        """Identify it within the cluster; workloads are sorted by this."""
        return (self.namespace, self.kind, self.name)


BUILD_ANNOTATIONS = frozenset({"agenttrader.dev/build_id", "agenttrader.dev/git_sha"})
"""The annotations of a pod that are kept: which build it is of (docs/status_contract.md)."""
FINISHED = frozenset({"Succeeded", "Failed"})
CRASHES = frozenset({"CrashLoopBackOff", "Error", "RunContainerError", "StartError"})
PULL_FAILURES = frozenset(
    {
        "ImagePullBackOff",
        "ErrImagePull",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
    }
)


@dataclass(frozen=True, slots=True)
class ContainerState:
    """
    How one container fares.

    `digest` is the `sha256:...` of the image that really runs, empty where the node names none;
    `image_id` the whole reference. `waiting` is why it does not run, `ended` why it ended last,
    `ended_at` when (UTC).
    """

    name: str
    init: bool = False
    image: str = ""
    image_id: str = ""
    digest: str = ""
    ready: bool = False
    restarts: int = 0
    waiting: str = ""
    ended: str = ""
    exit_code: int | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PodFacts:
    """
    One pod; `owner` is the object that directly controls it, None for a bare pod.

    `pending_reason` is why it is not scheduled or not started, in the cluster's words. `uid` is
    the cluster's own number of it, which no other pod of the same name ever has. `ips` are all its
    addresses, `ip` the first of them. `annotations` are those of its build alone.
    """

    namespace: str
    name: str
    phase: str
    ready: bool = False
    deleting: bool = False
    owner: ObjectRef | None = None
    node: str = ""
    ip: str = ""
    started: datetime | None = None
    pending_reason: str = ""
    service_account: str = ""
    containers: tuple[Container, ...] = ()
    states: tuple[ContainerState, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    uid: str = ""
    ips: tuple[str, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def identity(self) -> str:
        """Distinguish this pod from a later one of its name: name, and uid or start (UTC)."""
        return f"{self.namespace}/{self.name} {self.uid or self.started}"

    @property
    def live(self) -> bool:
        """
        Return whether it may run something; an unknown phase counts as running.

        So does a phase that says it is over while something in it is ready; an init container
        is ready once it has ended.
        """
        return (
            self.phase not in FINISHED
            or self.ready
            or any(s.ready for s in self.states if not s.init)
        )

    @property
    def key(self) -> tuple[str, str]:
        """Identify it within the cluster; pods are sorted by this."""
        return (self.namespace, self.name)

    @property
    def restarts(self) -> int:
        """Count how often its containers were started again."""
        return sum(s.restarts for s in self.states)

    @property
    def crashing(self) -> tuple[ContainerState, ...]:
        """Return the containers that keep crashing."""
        return tuple(s for s in self.states if s.waiting in CRASHES)

    @property
    def failing_pull(self) -> tuple[ContainerState, ...]:
        """Return the containers whose image cannot be pulled."""
        return tuple(s for s in self.states if s.waiting in PULL_FAILURES)
