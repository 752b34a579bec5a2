"""The shapes of the edges that jobs and the API depend on."""

from collections.abc import Callable, Sequence
from typing import Protocol

from mission_control.cluster.model.facts import (
    AccountFacts,
    ClusterFacts,
    KubernetesObject,
    ListedEvents,
    NodeFacts,
    PodUsage,
    ServiceFacts,
)
from mission_control.floor.model import SwitchReading
from mission_control.model.fleet import Agent
from mission_control.model.reading import Seen, ServiceRound, Unseen
from mission_control.repository.model import (
    Repository,
    RepositoryCopy,
    RepositoryHead,
    RepositorySurvey,
)


class ServiceReader(Protocol):
    """Asks one service everything it is to be asked in a round; never raises for its answers."""

    async def read(self, agent: Agent, previous: ServiceRound | None) -> ServiceRound:
        """Run one round within the agent's total deadline."""
        ...

    def when_lost(self, tell: Callable[[str], None]) -> None:
        """
        Call `tell` with an agent's name when it closes a connection that is held to it.

        That is how the death of a process shows first; but many servers also close what is
        idle, so it is a reason to ask at once and no evidence of anything.
        """
        ...


class SwitchReader(Protocol):
    """Reads the kill-switch sources other than services: the mounted file, the environment."""

    async def read(self) -> tuple[SwitchReading, ...]:
        """Read each configured source once; one that is not configured is absent."""
        ...


class ClusterReader(Protocol):
    """Reads the watched namespaces of the cluster; never raises for what the API answers."""

    async def read(self) -> ClusterFacts:
        """Read every required list once, within a total deadline; each that fails says why."""
        ...


class FurtherReader(Protocol):
    """Reads of the cluster what only jobs need; never raises for what the API answers."""

    def once(self) -> "FurtherReader":
        """Return a reader for one run, which reads each list once, also one that was not seen."""
        ...

    def within(self, seconds: float) -> "FurtherReader":
        """
        Return a reader whose every reading ends within so many seconds from now.

        What was not read by then is `Unseen(TIMEOUT)`; an earlier end, if there is one, stays.
        """
        ...

    async def services(self) -> Seen[tuple[ServiceFacts, ...]] | Unseen:
        """Read the Services of every watched namespace."""
        ...

    async def nodes(self) -> Seen[tuple[NodeFacts, ...]] | Unseen:
        """Read the nodes."""
        ...

    async def account(self) -> AccountFacts:
        """Read who we are, and what that account may do."""
        ...

    async def objects(
        self, resource: str, namespace: str = ""
    ) -> Seen[tuple[KubernetesObject, ...]] | Unseen:
        """
        Read a whole list of raw objects, each with its kind and API version.

        `namespace` is empty for what belongs to none. Nothing is redacted.
        """
        ...

    async def namespace(self, name: str) -> Seen[KubernetesObject] | Unseen:
        """Read a namespace itself; `Unseen(NOT_OFFERED)` where there is none."""
        ...

    async def events(self, namespace: str) -> Seen[ListedEvents] | Unseen:
        """Read every event of a watched namespace, redacted."""
        ...

    async def log(
        self, namespace: str, pod: str, container: str, *, previous: bool = False
    ) -> Seen[str] | Unseen:
        """Read the last 200 lines of a container, redacted; of the one before, if `previous`."""
        ...

    async def usage(self, namespace: str) -> Seen[tuple[PodUsage, ...]] | Unseen:
        """Read what the containers of a watched namespace use, where the cluster measures it."""
        ...


class RepositoryReader(Protocol):
    """Reads the fleet's repository; never raises for what it finds."""

    async def read(self, *, run_preflight: bool) -> Seen[Repository] | Unseen:
        """Look once, and run the repository's own checks."""
        ...


class RepositoryCopier(Protocol):
    """Copies the fleet's files, redacted; never raises for what it finds."""

    async def head(self) -> Seen[RepositoryHead] | Unseen:
        """Say which commit the working tree is on."""
        ...

    async def copy(self, wanted: Sequence[str]) -> RepositoryCopy:
        """Copy these files and all below these folders, as far as limits and secrets allow."""
        ...


class RepositorySurveyor(Protocol):
    """Looks over the fleet's repository; never raises for what it finds."""

    async def survey(self) -> Seen[RepositorySurvey] | Unseen:
        """Say which commit it is on, and which pipelines and documents it holds."""
        ...


class StoreReader(Protocol):
    """Tries whether artifacts could be written now."""

    async def check(self) -> Seen[None] | Unseen:
        """Try once, within a deadline; a store that cannot be written to is `Unseen`."""
        ...
