"""Jobs: the newest log lines of what matters, for a bundle; each that was not had is a gap."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

from mission_control.jobs.ports import FurtherReader
from mission_control.model.artifact import SourceCoverage
from mission_control.model.cluster.pod import ContainerState, PodFacts
from mission_control.model.cluster.view import AgentWorkload
from mission_control.model.reading import Seen, Unseen
from mission_control.model.snapshot import FloorSnapshot, ServiceReport

_PLAIN = re.compile(r"[a-z0-9][a-z0-9.-]{0,119}")
MOST_LOGS = 200
MOST_BYTES = 32 * 1024 * 1024
"""A bundle's logs end here; what did not fit is a gap."""
LOGS_SECONDS = 60.0
AT_ONCE = 5
"""So many logs are read at a time; `MOST_LOGS` is a multiple of it."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    workload: str
    namespace: str
    pod: str
    container: str
    previous: bool

    @property
    def what(self) -> str:
        before = " (previous)" if self.previous else ""
        return f"{self.workload} {self.pod}/{self.container}{before}"

    @property
    def heading(self) -> str:
        before = " (previous)" if self.previous else ""
        return f"==> {self.namespace} {self.pod}/{self.container}{before} <==\n"


async def gather_logs(
    snapshot: FloorSnapshot, further: FurtherReader | None
) -> tuple[dict[str, bytes], SourceCoverage]:
    """
    Read the logs of each critical and important service's workload that exists.

    One file a workload, its pods one after another; after a restart the container before as well.
    """
    reports = [r for r in snapshot.services if r.agent.required]
    if further is None:
        gap = (("logs", "no cluster is configured"),)
        return {}, SourceCoverage("logs", len(reports), 0, gap)
    gaps = [(r.agent.agent_name, why) for r in reports if (why := _why_none(r))]
    wanted = list(dict.fromkeys(w for r in reports for w in _wanted(r.workload)))
    texts, obtained = dict[str, list[str]](), 0
    async for each, read in _read(wanted, further.within(LOGS_SECONDS)):
        if read is None:
            gaps.append((each.what, "the bundle's logs have no room for it"))
        elif isinstance(read, Unseen):
            gaps.append((each.what, f"{read.code} {read.detail}".strip()))
        else:
            obtained += 1
            texts.setdefault(each.workload, []).append(each.heading + read.value)
    files = {log_name(name): "\n".join(told).encode() for name, told in texts.items()}
    asked = len(wanted) + sum(1 for r in reports if _why_none(r))
    return files, SourceCoverage("logs", asked, obtained, tuple(sorted(gaps)))


async def _read(
    wanted: Sequence[_Wanted], further: FurtherReader
) -> AsyncIterator[tuple[_Wanted, Seen[str] | Unseen | None]]:
    """Read logs in order, a few at a time; None for those that there is no room for."""
    size = 0
    for first in range(0, len(wanted), AT_ONCE):
        some = wanted[first : first + AT_ONCE]
        if first >= MOST_LOGS or size >= MOST_BYTES:
            for each in some:
                yield each, None
            continue
        asked = (further.log(w.namespace, w.pod, w.container, previous=w.previous) for w in some)
        for each, read in zip(some, await asyncio.gather(*asked), strict=True):
            size += len(read.value) if isinstance(read, Seen) else 0
            yield each, read


def log_name(workload: str) -> str:
    """Name a workload's file of logs; a name that no file can bear is shortened to a digest."""
    if _PLAIN.fullmatch(workload):
        return f"logs.{workload}.txt"
    kept = re.sub(r"[^a-z0-9.-]", "-", workload.casefold())[:100]
    return f"logs.{kept}.{hashlib.sha256(workload.encode()).hexdigest()[:12]}.txt"


def _why_none(report: ServiceReport) -> str:
    """Say why a service has no log to be read; empty where it has."""
    workload = report.workload
    if workload is None:
        return "no workload is known for it"
    if workload.unseen:
        return workload.unseen
    if not workload.watched:
        return "its namespace is not watched"
    if not workload.pods:
        return "it has no pods"
    return ""


def _wanted(workload: AgentWorkload | None) -> Sequence[_Wanted]:
    if workload is None:
        return ()
    return [w for pod in workload.pods for w in _of_pod(workload.ref.name, pod)]


def _of_pod(workload: str, pod: PodFacts) -> Iterator[_Wanted]:
    """Give the containers to hear; an init container where it has not ended well."""
    states = {(s.name, s.init): s for s in pod.states}
    for container in pod.containers:
        state = states.get((container.name, container.init))
        if container.init and state is not None and _ended_well(state):
            continue
        name = container.name
        yield _Wanted(workload, pod.namespace, pod.name, name, previous=False)
        if state is not None and state.restarts > 0:
            yield _Wanted(workload, pod.namespace, pod.name, name, previous=True)


def _ended_well(state: ContainerState) -> bool:
    return state.ready and not state.waiting and state.exit_code in {0, None}
