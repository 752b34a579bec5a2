"""Jobs: what the cluster showed, for a bundle; each part that was not had is a gap."""

import asyncio
from collections.abc import Mapping, Sequence

from mission_control.decide.cluster.lists import check_lists
from mission_control.jobs.ports import READING_SECONDS, FurtherReader
from mission_control.model.artifact import SourceCoverage
from mission_control.model.cluster.facts import (
    WORKLOAD_LISTS,
    ClusterFacts,
    EventFacts,
    ListReading,
    list_source,
)
from mission_control.model.cluster.further import PodUsage
from mission_control.model.kill_switch import KILL_SWITCH_MAP
from mission_control.model.reading import Seen, Unseen
from mission_control.model.snapshot import FloorSnapshot
from mission_control.present.cluster_identity import cluster_text
from mission_control.present.ops_bundle.cluster_texts import (
    MOST_EVENTS,
    events_text,
    kill_switch_yaml,
    nodes_text,
    pods_text,
    reading_lines,
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
    further = further.within(READING_SECONDS)
    wanted = [_events(further, access.namespaces), _nodes(further)]
    if usage:
        wanted.append(_usage(further, access.namespaces))
    account, parts = await asyncio.gather(further.account(), asyncio.gather(*wanted))
    cluster = cluster_text(snapshot.cluster_identity)
    meta = f"context={snapshot.fleet.cluster}\ncluster={cluster}\nuser={account.who}\n"
    files["kubectl.meta"] = meta.encode()
    for made, covered in parts:
        files |= made
        coverage += covered
    return files, coverage


def _lists(snapshot: FloorSnapshot) -> tuple[dict[str, bytes], list[SourceCoverage]]:
    """
    Give what every round reads: workloads, pods, the kill switch.

    A table is written where at least one of its lists was seen and is young, and says which were
    not: an empty table of lists that nobody saw would tell that nothing is there.
    """
    facts, access = snapshot.cluster, snapshot.fleet.access
    if facts is None or access is None:
        gap = (("cluster lists", "the cluster was not read yet"),)
        return {}, [SourceCoverage("cluster lists", 1, 0, gap)]
    lists = check_lists(access, facts, snapshot.at).lists
    files = dict[str, bytes]()
    for name, resources, text in (
        ("k8s.workloads.txt", WORKLOAD_LISTS, workloads_text(facts)),
        ("k8s.pods.txt", ("pods",), pods_text(facts)),
    ):
        ours = [r for r in lists if r.resource in resources]
        if any(isinstance(r.reading, Seen) for r in ours):
            files[name] = (reading_lines(ours) + text).encode()
    switch = _switch(files, lists, facts, access.floor_namespace)
    return files, [_list_coverage(lists), switch]


def _switch(
    files: dict[str, bytes], lists: Sequence[ListReading], facts: ClusterFacts, namespace: str
) -> SourceCoverage:
    """Add the kill switch's ConfigMap, where the list that holds it was seen and is young."""
    source = list_source("configmaps", namespace)
    seen = any(r.source == source and isinstance(r.reading, Seen) for r in lists)
    text = kill_switch_yaml(facts, namespace) if seen else None
    if text is None:
        why = "its list was not seen" if not seen else "it is not in the list that was read"
        return SourceCoverage("kill-switch ConfigMap", 1, 0, ((KILL_SWITCH_MAP, why),))
    files["k8s.kill_switch_configmap.yaml"] = text.encode()
    return SourceCoverage("kill-switch ConfigMap", 1, 1)


def _list_coverage(lists: Sequence[ListReading]) -> SourceCoverage:
    gaps = [
        (r.source, f"{r.reading.code} {r.reading.detail}".strip())
        for r in lists
        if isinstance(r.reading, Unseen)
    ]
    odd = [(f"{r.source} {o.kind}/{o.name}", o.problem) for r in lists for o in r.odd]
    asked = len(lists)
    return SourceCoverage("cluster lists", asked, asked - len(gaps), tuple(sorted(gaps + odd)))


async def _events(further: FurtherReader, namespaces: Sequence[str]) -> Part:
    found, gaps, obtained = list[EventFacts](), list[tuple[str, str]](), 0
    lists = await asyncio.gather(*(further.events(n) for n in namespaces))
    for namespace, read in zip(namespaces, lists, strict=True):
        if isinstance(read, Unseen):
            gaps.append((f"events {namespace}", f"{read.code} {read.detail}".strip()))
            continue
        obtained += 1
        found += read.value.events
        gaps += [(f"event {o.name}", o.problem) for o in read.value.odd]
    left = len(found) - MOST_EVENTS
    if left > 0:
        gaps.append(("events", f"the {left} oldest are left out of {len(found)}"))
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
    lists = await asyncio.gather(*(further.usage(n) for n in namespaces))
    for namespace, read in zip(namespaces, lists, strict=True):
        if isinstance(read, Unseen):
            gaps.append((f"metrics {namespace}", f"{read.code} {read.detail}".strip()))
            continue
        obtained += 1
        found += read.value
    files = {"k8s.top_pods.txt": usage_text(found).encode()} if obtained else {}
    return files, [SourceCoverage("metrics", len(namespaces), obtained, tuple(sorted(gaps)))]
