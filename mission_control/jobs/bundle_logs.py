"""Jobs: the newest log lines of what matters, for a bundle; each that was not had is a gap."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mission_control.jobs.ports import FurtherReader
from mission_control.model.artifact import SourceCoverage
from mission_control.model.cluster.pod import ContainerState, PodFacts
from mission_control.model.cluster.view import AgentWorkload
from mission_control.model.reading import Unseen
from mission_control.model.snapshot import FloorSnapshot, ServiceReport

MOST_LOGS = 200
MOST_BYTES = 32 * 1024 * 1024
"""A bundle's logs end here; what did not fit is a gap."""


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


async def gather_logs(
    snapshot: FloorSnapshot, further: FurtherReader | None
) -> tuple[dict[str, bytes], SourceCoverage]:
    """
    Read the logs of each critical and important service's workload that exists.

    One file a workload, its pods one after another; after a restart the container before as well.
    """
    reports = [r for r in snapshot.services if r.agent.required]
    gaps = [(r.agent.agent_name, why) for r in reports if (why := _why_none(r))]
    wanted = list(dict.fromkeys(w for r in reports for w in _wanted(r.workload)))
    if further is None:
        return {}, SourceCoverage("logs", len(reports), 0, tuple(sorted(gaps)))
    texts, size, obtained = dict[str, list[str]](), 0, 0
    for number, each in enumerate(wanted):
        if number >= MOST_LOGS or size >= MOST_BYTES:
            gaps.append((each.what, "the bundle's logs have no room for it"))
            continue
        read = await further.log(each.namespace, each.pod, each.container, previous=each.previous)
        if isinstance(read, Unseen):
            gaps.append((each.what, f"{read.code} {read.detail}".strip()))
            continue
        obtained += 1
        size += len(read.value)
        heading = f"==> {each.pod}/{each.container}{' (previous)' if each.previous else ''} <==\n"
        texts.setdefault(each.workload, []).append(heading + read.value)
    files = {f"logs.{name}.txt": "\n".join(told).encode() for name, told in texts.items()}
    asked = len(wanted) + sum(1 for r in reports if _why_none(r))
    return files, SourceCoverage("logs", asked, obtained, tuple(sorted(gaps)))


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
    states = {s.name: s for s in pod.states if not s.init}
    for container in pod.containers:
        if not container.init:
            name = container.name
            yield _Wanted(workload, pod.namespace, pod.name, name, previous=False)
            if _restarted(states.get(name)):
                yield _Wanted(workload, pod.namespace, pod.name, name, previous=True)


def _restarted(state: ContainerState | None) -> bool:
    return state is not None and state.restarts > 0
