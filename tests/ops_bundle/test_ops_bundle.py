"""Bundles: what breaks costs itself alone, and whatever is lacking is named."""

import asyncio
import ssl
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest

from mission_control.cluster.model.facts import AccountFacts, EventFacts, ListedEvents
from mission_control.cluster.model.objects import ObjectRef
from mission_control.cluster.read import objects as object_reader
from mission_control.cluster.read.api_server import ApiServer
from mission_control.cluster.read.credentials import Endpoint
from mission_control.cluster.read.lister import ClusterLister
from mission_control.cluster.read.objects import ObjectReader
from mission_control.deploy_report import run as report_deploys
from mission_control.history.model import EventPage, Watch
from mission_control.history.past_floor import NotWatched
from mission_control.model.fleet import ClusterAccess
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.ops_bundle import parts as bundle_cluster
from mission_control.ops_bundle import run as ops_bundle
from mission_control.ops_bundle.parts import gather_cluster, gather_logs, log_name
from mission_control.ops_bundle.run import BundleKind
from mission_control.readiness import run as check_readiness
from mission_control.simulation.cluster_api import SimulatedCluster, Staging
from mission_control.simulation.scenario import EVERYTHING, ApiFault, ClusterStage
from tests.floor.cluster_of_values import ACCESS, ClusterFloor
from tests.floor.floor_of_values import NOW, FloorOfValues
from tests.ports import PATIENCE_SECONDS
from tests.schedule.day_of_values import ORIGIN, job_parts

pytestmark = pytest.mark.anyio


def parts_of(root, **changes):
    """Return what a bundle is made from, over a floor of values."""
    return job_parts(root, FloorOfValues().decide(), **changes)


class UnwatchedPast:
    """A past of which the last hour alone was watched, and nothing happened."""

    @property
    def history(self):
        """Read events from here."""
        return self

    async def as_of(self, _at):
        """Know nothing of an instant."""
        return NotWatched("it was not watched")

    async def events(self, _query):
        """Tell of no event."""
        return EventPage((), None)

    async def watches(self, _since, until):
        """Tell of the last hour."""
        return [Watch(((until - timedelta(hours=1), until),), {})]


async def test_what_was_not_watched_is_a_gap_of_the_timeline(tmp_path):
    """The file tells it, and so does the run's own account."""
    past: Any = UnwatchedPast()
    parts = parts_of(tmp_path, past=past)
    _, entry = await ops_bundle.run(BundleKind.PRE_MARKET, parts, ORIGIN)
    account = orjson.loads((tmp_path / entry.path / "run.json").read_bytes())
    (told,) = (c for c in account["coverage"] if c["source"] == "posture timeline")

    assert 3600 == told["obtained"] < told["asked"]
    assert ["not watched"] == [g["reason"] for g in told["gaps"]]
    assert told["gaps"][0]["what"].startswith("2026-11-18T05:00:00.000Z to ")


async def bundle(root, kind=BundleKind.PRE_MARKET):
    """Record a bundle; gives its folder, its own account and the verdict in it."""
    report, entry = await ops_bundle.run(kind, parts_of(root), ORIGIN)
    folder = root / entry.path
    return folder, orjson.loads((folder / "run.json").read_bytes()), report


def gaps(account):
    """Give every gap of a run's coverage by its source."""
    return {c["source"]: {g["what"]: g["reason"] for g in c["gaps"]} for c in account["coverage"]}


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ("gather_logs", "logs"),
        ("gather_cluster", "cluster"),
        ("marketdata_health", "floor"),
    ],
)
async def test_a_part_that_breaks_is_a_gap(tmp_path, monkeypatch, part, source):
    """A bug of ours loses its own part, redacted, and nothing of the others."""

    def broken(*_, **__):
        raise RuntimeError("password=hunter2secret")

    monkeypatch.setattr(ops_bundle, part, broken)
    folder, account, _ = await bundle(tmp_path)

    assert {source: "RuntimeError: password=[REDACTED]"} == gaps(account)[source]
    assert (folder / "readiness_report.json").exists()
    assert (folder / "deploy_report.json").exists()


@pytest.mark.parametrize(
    ("kind", "code"),
    [(BundleKind.PRE_MARKET, 1), (BundleKind.POST_MARKET, 0)],
    ids=str,
)
async def test_readiness_that_breaks_is_a_no_go(tmp_path, monkeypatch, kind, code):
    """Before the open the run has failed; after the close readiness is best effort."""

    async def broken(*_, **__):
        raise RuntimeError("it broke")

    monkeypatch.setattr(ops_bundle.readiness, "check_readiness", broken)
    folder, account, report = await bundle(tmp_path, kind)
    written = orjson.loads((folder / "readiness_report.json").read_bytes())

    assert ("NO-GO", "INTERNAL_ERROR") == (written["verdict"], written["code"])
    assert not report.ready
    assert code == account["exit_code"]
    assert "it broke" in gaps(account)["readiness"]["readiness"]


class Further:
    """Further readings of a cluster, as a test wants them."""

    def __init__(self, events=(), log: Any = None):
        """Give these events, and this for every log."""
        self.listed, self.answer = tuple(events), log or Seen("a line\n", NOW)
        self.asked = []

    def within(self, _seconds):
        """Answer at once in any time."""
        return self

    async def account(self):
        """Say who we are."""
        return AccountFacts("system:serviceaccount:x:y", verified=False, read_only=None)

    async def nodes(self):
        """See no node."""
        return Unseen(UnseenReason.DENIED, NOW, detail="nodes is forbidden")

    async def events(self, namespace):
        """Give the events, of the first namespace alone."""
        return Seen(ListedEvents(self.listed if namespace == "trading-floor" else ()), NOW)

    async def usage(self, namespace):
        """Offer no metrics."""
        return Unseen(UnseenReason.NOT_OFFERED, NOW, detail=namespace)

    async def log(self, namespace, pod, container, *, previous=False):
        """Give the answer."""
        self.asked.append((namespace, pod, container, previous))
        return self.answer


def further(events=(), log: Any = None) -> Any:
    """Give further readings of a cluster."""
    return Further(events, log)


async def test_more_events_than_are_kept_is_a_gap():
    """The newest thousand stand there, and that there were more."""
    floor = ClusterFloor()
    about = ObjectRef("Pod", "x")
    events = [EventFacts("trading-floor", about, "Normal", "R", f"m{n}") for n in range(1002)]
    files, coverage = await gather_cluster(floor.decide(), further(events), usage=True)
    told = {c.source: dict(c.gaps) for c in coverage}

    assert "the 2 oldest are left out of 1002" == told["events"]["events"]
    assert 1001 == len(files["k8s.events.txt"].splitlines())
    assert {"nodes": "DENIED nodes is forbidden"} == told["nodes"]
    assert all("NOT_OFFERED" in why for why in told["metrics"].values())
    assert "k8s.top_pods.txt" not in files


async def test_lists_that_were_not_seen_make_no_empty_table():
    """Without one list of pods seen there is no table of pods, and each list is a gap."""
    floor = ClusterFloor()
    for namespace in ACCESS.namespaces:
        floor.lose_list("pods", namespace, UnseenReason.DENIED)
        floor.lose_list("configmaps", namespace, UnseenReason.DENIED)
    hurt = floor.decide()
    files, coverage = await gather_cluster(hurt, further(), usage=False)
    told = {c.source: dict(c.gaps) for c in coverage}

    assert "k8s.pods.txt" not in files
    assert "k8s.kill_switch_configmap.yaml" not in files
    assert b"cronjobs: read 2026-11-18T" in files["k8s.workloads.txt"]
    assert "DENIED lost" in told["cluster lists"]["cluster trading-floor/pods"]
    assert {"agenttrader-kill-switch": "its list was not seen"} == told["kill-switch ConfigMap"]


async def test_lists_that_are_too_old_are_not_todays():
    """What was read more than a minute before the snapshot is a gap by its name."""
    whole = ClusterFloor().decide()
    later = replace(whole, at=whole.at + timedelta(seconds=61))
    files, coverage = await gather_cluster(later, further(), usage=False)
    told = {c.source: dict(c.gaps) for c in coverage}

    assert {"EXPIRED"} == {why.split()[0] for why in told["cluster lists"].values()}
    assert not {"k8s.pods.txt", "k8s.workloads.txt"} & set(files)


async def test_logs_that_were_not_had_are_gaps():
    """Each container that gave none is named with its reason."""
    denied = Unseen(UnseenReason.DENIED, NOW, detail="pods/log is forbidden")
    files, coverage = await gather_logs(ClusterFloor().decide(), further(log=denied))

    assert {} == files
    assert 0 == coverage.obtained < coverage.asked
    assert any("DENIED pods/log is forbidden" in why for _, why in coverage.gaps)


async def test_without_a_cluster_there_are_no_logs_and_it_says_so():
    """One gap, in words that are so."""
    files, coverage = await gather_logs(FloorOfValues().decide(), None)

    assert ({}, (("logs", "no cluster is configured"),)) == (files, coverage.gaps)


@pytest.mark.parametrize(
    ("workload", "name"),
    [
        ("gamma-strategy", "logs.gamma-strategy.txt"),
        ("x" * 250, None),
        ("../../etc/passwd", None),
        ("a\nb", None),
    ],
    ids=["plain", "long", "a path", "two lines"],
)
def test_every_workload_has_a_file_name_that_can_be_recorded(workload, name):
    """A name that no file can bear is shortened to its digest."""
    made = log_name(workload)

    assert name is None or name == made
    assert len(made) < 160
    assert "/" not in made
    assert made.isprintable()
    assert log_name(workload) == made != log_name(workload + "x")


async def test_a_hung_cluster_costs_a_bundle_one_time_and_no_more(tmp_path, monkeypatch):
    """However many parts read the cluster, they share the bundle's time, and each says so."""
    monkeypatch.setattr(ops_bundle, "CLUSTER_SECONDS", 1.0)
    monkeypatch.setattr(object_reader, "LIST_SECONDS", 600.0)
    for job in (check_readiness, report_deploys, bundle_cluster):
        monkeypatch.setattr(job, "READING_SECONDS", 600.0)
    stage = ClusterStage(faults={EVERYTHING: ApiFault.HUNG})
    api = SimulatedCluster(lambda: Staging(NOW, stage, "1"))

    async def found(_access):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # which plain HTTP has no use for
        return Endpoint("http://cluster", context, None, lambda: "Bearer t", "us", verified=True)

    access = ClusterAccess(("trading-floor",), "trading-floor")
    server = ApiServer(access, load=found, open_=lambda _: httpx.ASGITransport(api.app))
    hung = ObjectReader(ClusterLister(server, lambda: NOW))
    recording = ops_bundle.run(BundleKind.PRE_MARKET, parts_of(tmp_path, further=hung), ORIGIN)
    report, entry = await asyncio.wait_for(recording, PATIENCE_SECONDS)

    assert not report.ready
    assert (tmp_path / entry.path / "deploy_report.json").exists()


async def test_cancelling_a_bundle_is_no_gap(tmp_path):
    """A run that is cut ends; it does not go on without the part that was cut."""
    task = asyncio.ensure_future(bundle(tmp_path))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
