"""What the cluster and history showed, for a bundle; what was not obtained is a gap."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from mission_control.alerts.model import AlertQuery, DeliveryPage, TransitionPage
from mission_control.alerts.present import session_document
from mission_control.alerts.store import AlertStore
from mission_control.cluster.decide.lists import check_lists
from mission_control.cluster.model.facts import (
    WORKLOAD_LISTS,
    AgentWorkload,
    ClusterFacts,
    EventFacts,
    ListReading,
    PodUsage,
    list_source,
)
from mission_control.cluster.model.objects import ContainerState, PodFacts
from mission_control.cluster.present import cluster_text
from mission_control.documents.canonical_json import encode_json
from mission_control.errors import StorageError
from mission_control.floor.decide.evidence import Moment
from mission_control.floor.model import FloorSnapshot, ServiceReport
from mission_control.history.decide.over_time import floor_spans, gaps_between
from mission_control.history.model import EventQuery, Span
from mission_control.history.past_floor import NotWatched, PastFloor
from mission_control.model.event import EventType, FloorEvent
from mission_control.model.kill_switch import KILL_SWITCH_MAP
from mission_control.model.reading import Seen, Unseen
from mission_control.ops_bundle.present import (
    MOST_EVENTS,
    events_text,
    kill_switch_yaml,
    nodes_text,
    pods_text,
    posture_timeline_document,
    reading_lines,
    usage_text,
    workloads_text,
)
from mission_control.records.model import SourceCoverage
from mission_control.schedule.job import READING_SECONDS

if TYPE_CHECKING:
    from mission_control.cluster.read.objects import ObjectReader

NO_CLUSTER = "no cluster is configured"
Part = tuple[Mapping[str, bytes], Sequence[SourceCoverage]]


async def gather_cluster(
    snapshot: FloorSnapshot, further: "ObjectReader | None", *, usage: bool
) -> Part:
    """
    Return the cluster's part of a bundle with its coverage, one source for each of its readings.

    A file is written where its lists held anything; what was missing is told beside.
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
    Return what every round reads: workloads, pods, the kill switch.

    A table is written where at least one of its lists was seen and is young, and says which were
    not: an empty table of lists that were not seen would say that nothing is there.
    """
    facts, access = snapshot.cluster, snapshot.fleet.access
    if facts is None or access is None:
        gap = (("cluster lists", "the cluster was not read yet"),)
        return {}, [SourceCoverage("cluster lists", 1, 0, gap)]
    lists = check_lists(access, facts, Moment(snapshot.at)).lists
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


async def _events(further: "ObjectReader", namespaces: Sequence[str]) -> Part:
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


async def _nodes(further: "ObjectReader") -> Part:
    read = await further.nodes()
    if isinstance(read, Unseen):
        gap = (("nodes", f"{read.code} {read.detail}".strip()),)
        return {}, [SourceCoverage("nodes", 1, 0, gap)]
    return {"k8s.nodes.txt": nodes_text(read.value).encode()}, [SourceCoverage("nodes", 1, 1)]


async def _usage(further: "ObjectReader", namespaces: Sequence[str]) -> Part:
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
    snapshot: FloorSnapshot, further: "ObjectReader | None"
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
    wanted: Sequence[_Wanted], further: "ObjectReader"
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
    """Name a workload's file of logs; a name that no file can have is shortened to a digest."""
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
    """List the logs of a pod; an init container's where it has not ended well."""
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


PAGE = 500
MOST_PAGES = 40


async def posture_timeline(
    past: PastFloor, since: datetime, until: datetime
) -> tuple[bytes, Sequence[Span]]:
    """
    Return the posture at `since` with its changes until `until`, and when it was not watched.

    Raises StorageError where history cannot be read, or holds more changes than are taken.
    """
    before = await past.as_of(since)
    changes = await _changes(past, since, until)
    watches = await past.watches(since, until)
    unwatched = gaps_between(floor_spans(watches, since, until), since, until)
    first = None if isinstance(before, NotWatched) else before.posture.verdict.value
    document = posture_timeline_document(since, until, first, changes, unwatched)
    return encode_json(document), unwatched


async def _changes(past: PastFloor, since: datetime, until: datetime) -> Sequence[FloorEvent]:
    """Return the posture's changes, oldest first."""
    found, before = list[FloorEvent](), None
    for _ in range(MOST_PAGES):
        page = await past.history.events(EventQuery(PAGE, before, since, until))
        found += [e for e in page.events if e.type is EventType.POSTURE_CHANGED]
        before = page.next_before
        if before is None:
            return found[::-1]
    raise StorageError("there are more events than a timeline takes", path="history")


async def alerts_of(
    store: AlertStore, since: datetime, until: datetime
) -> tuple[Mapping[str, object], str]:
    """
    Return the alerts of a stretch of time, and what of it did not fit; raises StorageError.

    What there is now is as it was kept last, by the server that decides alerts.
    """
    book = await store.load(until)
    changes, more = await _whole(store.transitions, lambda p: p.transitions, since, until)
    attempts, more_attempts = await _whole(store.deliveries, lambda p: p.deliveries, since, until)
    left = "the oldest changes or attempts are left out" if more or more_attempts else ""
    return session_document(book, changes, attempts), left


Page = TypeVar("Page", TransitionPage, DeliveryPage)
Row = TypeVar("Row")


async def _whole(
    ask: Callable[[AlertQuery], Awaitable[Page]],
    rows: Callable[[Page], Sequence[Row]],
    since: datetime,
    until: datetime,
) -> tuple[Sequence[Row], bool]:
    """Return all rows of a stretch, oldest first, and whether there are more than are taken."""
    found, before = list[Row](), None
    for _ in range(MOST_PAGES):
        page = await ask(AlertQuery(PAGE, before, since, until))
        found += rows(page)
        before = page.next_before
        if before is None:
            break
    return found[::-1], before is not None
