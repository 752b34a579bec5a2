"""What reads the cluster, connected; apart, for a floor without a cluster loads none of it."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from mission_control.cluster.model.facts import CapturedWorkloads
from mission_control.cluster.read.api_server import ApiServer, BadAnswerError
from mission_control.cluster.read.lister import ClusterLister
from mission_control.cluster.read.objects import ObjectReader
from mission_control.cluster.read.observer import ClusterObserver, ConfigMapSwitch
from mission_control.configuration.settings import Settings
from mission_control.last_known_good.recorded import CaptureCache, find_captured_workloads
from mission_control.model.clock import Clock
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.model.fleet import ClusterAccess
from mission_control.probe.transport import Transports
from mission_control.records.artifact_reader import ArtifactReader

PATIENT_SECONDS = 20.0
"""So long credentials are waited for where nothing else waits for them."""


@dataclass(frozen=True, slots=True)
class ClusterEdges:
    """What reads one cluster: for the rounds, for jobs, for the switch and for what ran before."""

    lister: ClusterLister
    further: ObjectReader
    observer: ClusterObserver
    switch: ConfigMapSwitch
    captured: Callable[[ClusterIdentity], Awaitable[CapturedWorkloads]]

    async def find(self) -> None:
        """
        Find the API server and our credentials before anything else is asked, to look once.

        A plugin that hands them out may need seconds of a busy machine, and the services would
        seem slow meanwhile. What fails is told by the next question to the cluster.
        """
        with suppress(BadAnswerError):
            await self.lister.server.prepare(PATIENT_SECONDS)


def connect_cluster(
    settings: Settings, access: ClusterAccess, clock: Clock, transports: Transports
) -> ClusterEdges:
    """Connect what reads the cluster; nothing is asked."""
    server = ApiServer(access, clock=clock)
    transports.also_close(server.forget)
    lister = ClusterLister(server, clock, transports.stalls)
    return ClusterEdges(
        lister,
        # Listers of their own: what jobs read never takes a turn from the rounds, and slow lists
        # never hold up the kill switch.
        ObjectReader(ClusterLister(server, clock, transports.stalls)),
        ClusterObserver(lister, [s.name for s in settings.fleet.execution.switches]),
        ConfigMapSwitch(ClusterLister(server, clock, transports.stalls), settings.namespace),
        _recall(settings, clock),
    )


def _recall(
    settings: Settings, clock: Clock
) -> Callable[[ClusterIdentity], Awaitable[CapturedWorkloads]]:
    artifacts, cache = ArtifactReader(settings.root, clock), CaptureCache(clock)

    async def recall(cluster: ClusterIdentity) -> CapturedWorkloads:
        return await find_captured_workloads(artifacts, settings.fleet, cache, cluster=cluster)

    return recall
