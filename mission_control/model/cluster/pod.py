"""Model: a pod of the cluster, and how each of its containers fares."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mission_control.model.cluster.containers import Container
from mission_control.model.cluster.workload import ObjectRef

BUILD_ANNOTATIONS = frozenset({"agenttrader.dev/build_id", "agenttrader.dev/git_sha"})
"""The annotations of a pod that are kept: which build it is of (facts, d)."""
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
        """Tell this pod from a later one that bears its name: name, and uid or start (UTC)."""
        return f"{self.namespace}/{self.name} {self.uid or self.started}"

    @property
    def live(self) -> bool:
        """
        Tell whether it may run something; a phase that nobody knows counts as running.

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
        """Give the containers that keep crashing."""
        return tuple(s for s in self.states if s.waiting in CRASHES)

    @property
    def failing_pull(self) -> tuple[ContainerState, ...]:
        """Give the containers whose image cannot be pulled."""
        return tuple(s for s in self.states if s.waiting in PULL_FAILURES)
