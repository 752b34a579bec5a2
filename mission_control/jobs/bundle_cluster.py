"""Jobs: what the cluster showed, for a bundle; each part that was not had is a gap."""

from collections.abc import Mapping, Sequence

from mission_control.jobs.ports import FurtherReader
from mission_control.model.artifact import SourceCoverage
from mission_control.model.cluster.facts import ClusterFacts, EventFacts
from mission_control.model.cluster.further import PodUsage
from mission_control.model.kill_switch import KILL_SWITCH_MAP
from mission_control.model.reading import Unseen
from mission_control.model.snapshot import FloorSnapshot
from mission_control.present.ops_bundle.cluster_texts import (
    events_text,
    kill_switch_yaml,
    nodes_text,
    pods_text,
    usage_text,
    workloads_text,
)

NO_CLUSTER = "no cluster is configured"
Part = tuple[Mapping[str, bytes], Sequence[SourceCoverage]]


async def gather_cluster(
    snapshot: FloorSnapshot, further: FurtherReader | None, *, usage: bool
) -> Part:
    """
    Give the cluster's part of a bundle with its coverage, one source for each of its readings.

    A file is written where its lists gave anything; what they did not give is told beside.
    """
    access = snapshot.fleet.access
    if further is None or access is None:
        gap = (("cluster", NO_CLUSTER),)
        return {}, [SourceCoverage("cluster", 1, 0, gap)]
    files, coverage = _lists(snapshot)
    user = (await further.account()).who
    meta = f"context={snapshot.fleet.cluster}\ncluster={snapshot.fleet.cluster}\nuser={user}\n"
    files["kubectl.meta"] = meta.encode()
    parts = [
        await _events(further, access.namespaces),
        await _nodes(further),
        *([await _usage(further, access.namespaces)] if usage else []),
    ]
    for made, covered in parts:
        files |= made
        coverage += covered
    return files, coverage


def _lists(snapshot: FloorSnapshot) -> tuple[dict[str, bytes], list[SourceCoverage]]:
    """Give what every round reads: workloads, pods, the kill switch."""
    facts, access = snapshot.cluster, snapshot.fleet.access
    if facts is None or access is None:
        gap = (("cluster lists", "the cluster was not read yet"),)
        return {}, [SourceCoverage("cluster lists", 1, 0, gap)]
    files = {
        "k8s.workloads.txt": workloads_text(facts).encode(),
        "k8s.pods.txt": pods_text(facts).encode(),
    }
    switch = kill_switch_yaml(facts, access.floor_namespace)
    problem = () if switch else ((KILL_SWITCH_MAP, "it is not in the lists that were read"),)
    if switch is not None:
        files["k8s.kill_switch_configmap.yaml"] = switch.encode()
    asked = SourceCoverage("kill-switch ConfigMap", 1, 1 if switch else 0, problem)
    return files, [_list_coverage(facts), asked]


def _list_coverage(facts: ClusterFacts) -> SourceCoverage:
    gaps = [
        (r.source, f"{r.reading.code} {r.reading.detail}".strip())
        for r in facts.lists
        if isinstance(r.reading, Unseen)
    ]
    odd = [(f"{r.source} {o.kind}/{o.name}", o.problem) for r in facts.lists for o in r.odd]
    asked = len(facts.lists)
    return SourceCoverage("cluster lists", asked, asked - len(gaps), tuple(sorted(gaps + odd)))


async def _events(further: FurtherReader, namespaces: Sequence[str]) -> Part:
    found, gaps, obtained = list[EventFacts](), list[tuple[str, str]](), 0
    for namespace in namespaces:
        read = await further.events(namespace)
        if isinstance(read, Unseen):
            gaps.append((f"events {namespace}", f"{read.code} {read.detail}".strip()))
            continue
        obtained += 1
        found += read.value.events
        gaps += [(f"event {o.name}", o.problem) for o in read.value.odd]
    files = {"k8s.events.txt": events_text(found).encode()} if obtained else {}
    coverage = SourceCoverage("events", len(namespaces), obtained, tuple(sorted(gaps)))
    return files, [coverage]


async def _nodes(further: FurtherReader) -> Part:
    read = await further.nodes()
    if isinstance(read, Unseen):
        gap = (("nodes", f"{read.code} {read.detail}".strip()),)
        return {}, [SourceCoverage("nodes", 1, 0, gap)]
    return {"k8s.nodes.txt": nodes_text(read.value).encode()}, [SourceCoverage("nodes", 1, 1)]


async def _usage(further: FurtherReader, namespaces: Sequence[str]) -> Part:
    found, gaps, obtained = list[PodUsage](), list[tuple[str, str]](), 0
    for namespace in namespaces:
        read = await further.usage(namespace)
        if isinstance(read, Unseen):
            gaps.append((f"metrics {namespace}", f"{read.code} {read.detail}".strip()))
            continue
        obtained += 1
        found += read.value
    files = {"k8s.top_pods.txt": usage_text(found).encode()} if obtained else {}
    return files, [SourceCoverage("metrics", len(namespaces), obtained, tuple(sorted(gaps)))]
