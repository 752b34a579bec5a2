"""The capture on a simulated cluster: whole or not at all, recorded, and compared with before."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
import pytest

from mission_control.cluster.model.facts import KubernetesObject
from mission_control.cluster.present import cluster_document
from mission_control.cluster.read.api_server import ApiServer
from mission_control.cluster.read.credentials import Endpoint
from mission_control.cluster.read.lister import ClusterLister
from mission_control.cluster.read.objects import ObjectReader
from mission_control.deploy_report.run import make_report, since_lkg
from mission_control.errors import StorageError
from mission_control.last_known_good.model import LKG_LISTS, LkgCapture, LkgRefused, LkgStatus
from mission_control.last_known_good.recorded import (
    REMEMBERED,
    CaptureCache,
    compare_captures,
    count_unchanged,
    find_capture,
    find_captured_workloads,
    list_captures,
    newest_good,
    read_manifest,
    verify_recorded,
)
from mission_control.last_known_good.run import (
    BuildFacts,
    CaptureRefused,
    capture_lkg,
    record_lkg,
    run,
)
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.model.fleet import ClusterAccess, Fleet
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.readiness.model import PollCoverage
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.folder import Folder
from mission_control.records.model import Collection
from mission_control.records.recorded_reports import NoSuchReport
from mission_control.records.run_origin import RunOrigin
from mission_control.simulation.cluster_api import ACCOUNT, SimulatedCluster, Staging
from mission_control.simulation.scenario import ApiFault, ClusterStage, WorkloadTwist
from tests.floor.cluster_of_values import ClusterFloor
from tests.schedule.day_of_values import job_parts

pytestmark = pytest.mark.anyio
FLOOR = "trading-floor"
AT = datetime(2026, 11, 18, 22, 0, tzinfo=UTC)
ACCESS = ClusterAccess(("agenttrader", FLOOR), FLOOR)
ORIGIN = RunOrigin("command", ("mission-control",), {"mission_control": "0"}, "c" * 64, AT)
ENGINE = "strategy-engine"
DATE = AT.date()


async def found(_access):
    """Find the simulated API server, as our own account."""
    import ssl  # noqa: PLC0415  (only an unused context)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return Endpoint("http://cluster", context, None, lambda: "Bearer t", ACCOUNT, verified=True)


class Capturing:
    """A simulated cluster in a stage, what reads it, and an empty root."""

    def __init__(self, root) -> None:
        """Serve the calm stage."""
        self.root = root
        self.now = AT
        self.stage = ClusterStage()
        clock = lambda: self.now  # noqa: E731
        api = SimulatedCluster(lambda: Staging(self.now, self.stage, "1"))
        server = ApiServer(ACCESS, load=found, open_=lambda _: httpx.ASGITransport(api.app))
        objects = ObjectReader(ClusterLister(server, clock))
        self.artifacts = ArtifactReader(root, clock)
        floor = ClusterFloor()
        made = floor.decide()
        fleet = Fleet(made.fleet.agents, "f" * 64, "f", "test", ACCESS)
        session = MarketCalendar().session_at(AT)
        self.snapshot = replace(made, fleet=fleet, session=session)
        self.parts = job_parts(root, self.snapshot, clock=clock, look=self.look, further=objects)

    async def look(self):
        """Look at the floor."""
        return self.snapshot, PollCoverage(0.0, 0.0)

    async def capture(self):
        """Capture, and record nothing."""
        return await capture_lkg(self.snapshot, self.parts, BuildFacts("54afffe", "b-1"))

    async def made(self) -> LkgCapture:
        """Capture what must not be refused."""
        made = await self.capture()
        assert isinstance(made, LkgCapture), made
        return made

    async def record(self, **changes):
        """Capture and record, with a worth of our choosing."""
        made = replace(await self.made(), **changes)
        return await record_lkg(made, self.snapshot, self.parts, ORIGIN)

    def recorded(self):
        """List everything below the root."""
        return sorted(str(p.relative_to(self.root)) for p in self.root.rglob("*") if p.is_file())


@pytest.fixture
def capturing(tmp_path):
    """Return a simulated cluster and an empty root."""
    return Capturing(tmp_path)


async def test_a_namespace_is_captured_whole(capturing):
    """Every workload is pinned, execution is unpinnable, and doubts make it a CANDIDATE."""
    made = await capturing.made()
    manifest = json.loads(made.content)

    assert LkgStatus.CANDIDATE is made.status
    assert {"POSTURE_NOT_KNOWN", "OPEN_NOT_KNOWN", "READINESS_MISSING"} <= {
        r.code for r in made.reasons
    }
    assert ("54afffe", "b-1") == (made.git_sha, made.build_id)
    kinds = {i["kind"] for i in manifest["items"]}
    assert {"Namespace", "PriorityClass", "NetworkPolicy", "PodDisruptionBudget", "Role",
            "RoleBinding", "CronJob", "StatefulSet", "Deployment", "Service"} <= kinds  # fmt: skip
    unpinnable = [c.title for c in made.manifest.components if c.unpinnable]
    assert ["Deployment/execution-engine"] == unpinnable
    assert ("1", True) == (made.manifest.switch.value, made.manifest.switch.engaged)


PAGED = (ApiFault.ENDLESS, ApiFault.GONE)
FAULTS = (
    ApiFault.DENIED,
    ApiFault.UNAVAILABLE,
    ApiFault.GARBAGE,
    ApiFault.CUT,
    ApiFault.MISSING,
    *PAGED,
)
LOST = [
    (resource, fault)
    for resource in (*LKG_LISTS, "priorityclasses", "namespaces")
    for fault in FAULTS
    if resource != "namespaces" or fault not in PAGED
]


@pytest.mark.parametrize(("resource", "fault"), LOST)
async def test_any_lost_read_refuses_and_touches_nothing(capturing, resource, fault):
    """
    Denied, failed, cut off or never whole: each list alone is enough, and it is named (R12.3).
    """
    capturing.stage = ClusterStage(faults={("*", resource): fault})
    refused = await capturing.capture()

    assert isinstance(refused, LkgRefused)
    (reason,) = refused.reasons
    assert (resource in reason) or resource == "namespaces"
    assert "namespace" in reason or "was not seen" in reason
    assert [] == capturing.recorded()


async def test_everything_lost_is_told_at_once(capturing):
    """A human mends all of it in one go."""
    capturing.stage = ClusterStage(faults={("*", "*"): ApiFault.DENIED})
    refused = await capturing.capture()

    assert isinstance(refused, LkgRefused)
    assert len(LKG_LISTS) + 2 == len(refused.reasons)


async def build():
    """Tell which build is deployed."""
    return BuildFacts("54afffe", "b-1")


async def run_planned(capturing):
    """Capture as the scheduled day does."""
    return await run(capturing.parts, ORIGIN, find_build=build)


async def test_a_planned_run_captures_or_says_why_not(capturing):
    """Recorded as any other, with its build; a refusal is an error of the run, leaving nothing."""
    await at(capturing, 17)
    capturing.now = AT
    capturing.snapshot = replace(capturing.snapshot, session=MarketCalendar().session_at(AT))
    _, entry = await run_planned(capturing)
    told = json.loads((capturing.root / entry.path / "lkg_metadata.json").read_bytes())
    before = capturing.recorded()
    capturing.stage = ClusterStage(faults={("*", "pods"): ApiFault.DENIED})
    with pytest.raises(CaptureRefused, match="cluster trading-floor/pods was not seen: DENIED"):
        await run_planned(capturing)

    assert entry.path.startswith("ops/lkg/")
    assert ("54afffe", "b-1", 1) == (
        told["git_sha"],
        told["build_id"],
        told["unchanged_for_sessions"],
    )
    assert before == capturing.recorded()


async def test_without_a_cluster_there_is_nothing_to_capture(capturing):
    """No cluster is no empty namespace."""
    nothing = replace(capturing.parts, further=None)
    elsewhere = replace(capturing.snapshot, fleet=replace(capturing.snapshot.fleet, access=None))

    for snapshot, parts in ((capturing.snapshot, nothing), (elsewhere, capturing.parts)):
        refused = await capture_lkg(snapshot, parts, BuildFacts())
        assert LkgRefused(("no cluster is configured, so there is nothing to capture",)) == refused


async def test_a_halted_floor_says_what_halts_it(capturing):
    """Each reason has its subject: a list that was not had is told by its namespace and name."""
    floor = ClusterFloor()
    for resource in ("pods", "jobs"):
        floor.lose_list(resource, FLOOR, UnseenReason.TIMEOUT)
    capturing.snapshot = replace(capturing.snapshot, posture=floor.decide().posture)
    made = await capturing.made()
    told = next(r.detail for r in made.reasons if r.code == "POSTURE_HALTED")

    assert "TIMEOUT of cluster trading-floor/pods" in told
    assert "TIMEOUT of cluster trading-floor/jobs" in told


async def test_a_secret_in_the_cluster_refuses(capturing):
    """The sentence names the variable, never the value."""
    twist = WorkloadTwist(env={"DB_PASSWORD": "hunter2"})
    capturing.stage = ClusterStage(workloads={ENGINE: twist})
    refused = await capturing.capture()

    assert isinstance(refused, LkgRefused)
    assert "containers.strategy-engine.env.DB_PASSWORD looks like a secret" in refused.reasons[0]
    assert "hunter2" not in str(refused)


class SecondSwitch(ObjectReader):
    """A cluster whose list of Roles holds a released kill switch."""

    async def objects(
        self, resource: str, namespace: str = ""
    ) -> Seen[tuple[KubernetesObject, ...]] | Unseen:
        """Read a list, and among Roles what is none."""
        if resource != "roles":
            return await super().objects(resource, namespace)
        metadata = {"name": "agenttrader-kill-switch", "namespace": FLOOR}
        switch = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata,
                  "data": {"EXECUTION_HALTED": "0"}}  # fmt: skip
        return Seen((switch,), AT)


async def test_what_our_own_verification_rejects_is_refused(capturing):
    """Capture and verify can never differ: nothing is recorded that could not be put back."""
    lister = capturing.parts.further._lister  # noqa: SLF001  (the same edge, another answer)
    capturing.parts = replace(capturing.parts, further=SecondSwitch(lister))
    refused = await capturing.capture()

    assert isinstance(refused, LkgRefused)
    assert "the manifest holds 2 kill switches, not one" in refused.reasons
    assert "the kill switch in the manifest is not '1'" in refused.reasons


async def test_a_candidate_never_replaces_the_latest_views(capturing):
    """It lives in its own folder; a GOOD one is shown as well, byte for byte (R12.4)."""
    entry = await capturing.record()
    before = capturing.recorded()
    good = await capturing.record(status=LkgStatus.GOOD, reasons=())
    views = [f"{Collection.LKG.value}/{n}" for n in ("lkg_manifest.yaml", "lkg_metadata.json")]

    assert not any(v in before for v in views)
    assert all(v in capturing.recorded() for v in views)
    for view in views:
        name = view.rpartition("/")[2]
        held = (capturing.root / good.path / name).read_bytes()
        assert held == (capturing.root / view).read_bytes()
    run = json.loads((capturing.root / entry.path / "run.json").read_bytes())
    assert ("lkg_capture", 0, "CANDIDATE") == (run["job"], run["exit_code"], run["notes"]["status"])
    assert entry.path.startswith("ops/lkg/2026")


async def test_a_good_capture_of_elsewhere_is_not_the_latest(capturing):
    """It is recorded; the latest views are those of the configured floor."""
    made = replace(await capturing.made(), status=LkgStatus.GOOD, reasons=())
    edges = (capturing.snapshot, capturing.parts, ORIGIN)
    entry = await record_lkg(made, *edges, of_the_floor=False)

    assert (capturing.root / entry.path).is_dir()
    assert not any(p.startswith("ops/lkg/lkg_") for p in capturing.recorded())


@pytest.mark.parametrize(
    ("lost", "shown"),
    [("lkg_metadata.json", []), ("lkg_manifest.yaml", ["ops/lkg/lkg_metadata.json"])],
)
async def test_the_latest_views_never_pass_for_one_capture_when_they_are_two(
    capturing, monkeypatch, lost, shown
):
    """The metadata name the manifest and come first: no new manifest is beside old metadata."""
    real = Folder.replace

    def replace_but(folder, name, content):
        if name == lost:
            raise StorageError("no space left", path=name)
        real(folder, name, content)

    monkeypatch.setattr(Folder, "replace", replace_but)
    await capturing.record(status=LkgStatus.GOOD, reasons=())

    assert shown == [p for p in capturing.recorded() if p.startswith("ops/lkg/lkg_")]


async def at(capturing, day, hour=22, **changes):
    """Capture and record at an hour of a day of November 2026, as its session was then."""
    capturing.now = datetime(2026, 11, day, hour, 0, tzinfo=UTC)
    session = MarketCalendar().session_at(capturing.now)
    capturing.snapshot = replace(capturing.snapshot, session=session)
    return await capturing.record(**changes)


async def test_unchanged_sessions_are_counted(capturing):
    """Equal content in session after session; a change restarts it; a session counts once."""
    for day in (13, 16, 17, 17):
        entry = await at(capturing, day)
    capturing.now = AT
    capturing.snapshot = replace(capturing.snapshot, session=MarketCalendar().session_at(AT))
    fourth = await capturing.made()
    capturing.stage = ClusterStage(workloads={ENGINE: WorkloadTwist(image="r/new:2")})
    changed = await capturing.made()
    await capturing.record()
    capturing.stage = ClusterStage()
    back = await capturing.made()

    assert (3, entry.path) == (fourth.unchanged_for_sessions, fourth.same_as)
    assert (0, None) == (changed.unchanged_for_sessions, changed.same_as)
    assert (0, None) == (back.unchanged_for_sessions, back.same_as)
    assert fourth.content_digest == back.content_digest != changed.content_digest


async def test_a_session_without_a_capture_ends_the_count(capturing):
    """What was there on Tuesday is not known, so Monday's capture is not counted."""
    await at(capturing, 16)
    wednesday = await at(capturing, 18)
    gap = json.loads((capturing.root / wednesday.path / "lkg_metadata.json").read_bytes())
    await at(capturing, 19)
    capturing.now = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
    session = MarketCalendar().session_at(capturing.now)
    capturing.snapshot = replace(capturing.snapshot, session=session)

    assert (0, None) == (gap["unchanged_for_sessions"], gap["same_as"])
    assert 2 == (await capturing.made()).unchanged_for_sessions


async def test_a_capture_before_the_close_counts_no_session(capturing):
    """What ran in the morning proves nothing of the session that came after it."""
    for day in (16, 17):
        entry = await at(capturing, day, hour=12)
    capturing.now = AT
    capturing.snapshot = replace(capturing.snapshot, session=MarketCalendar().session_at(AT))
    made = await capturing.made()

    assert (0, entry.path) == (made.unchanged_for_sessions, made.same_as)


async def test_a_deploy_report_tells_what_every_object_asks_for(capturing):
    """As the capture tells it, so that both compare; a list that was not seen is a gap."""
    made = await capturing.made()
    args = (capturing.snapshot, capturing.parts)
    told = (await make_report(*args)).document
    capturing.stage = ClusterStage(faults={("*", "roles"): ApiFault.DENIED})
    denied = (await make_report(*args)).document
    nowhere = (await make_report(args[0], replace(args[1], further=None))).document

    assert ([], dict(made.manifest.specifications)) == (
        told["specification_gaps"], told["specifications"])  # fmt: skip
    assert {"CronJob/ops-heartbeat-writer", f"Deployment/{ENGINE}"} <= told["specifications"].keys()
    (gap,) = denied["specification_gaps"]
    assert gap.startswith("cluster trading-floor/roles was not seen: DENIED")
    assert not any(title.startswith("Role/") for title in denied["specifications"])
    assert "specifications" not in nowhere


async def test_captures_are_found_by_reference(capturing):
    """Latest, previous, good, a path and a name; and nothing else."""
    good = await capturing.record(status=LkgStatus.GOOD, reasons=())
    last = await capturing.record()
    name = last.path.rpartition("/")[2]

    wanted = {
        "latest": last.path,
        "previous": good.path,
        "good": good.path,
        last.path: last.path,
        name: last.path,
        f"{name}/": last.path,
    }
    for reference, path in wanted.items():
        assert path == (await find_capture(capturing.artifacts, reference))[0].entry.path
    for reference in ("nothing", "", "ops/lkg"):
        with pytest.raises(NoSuchReport):
            await find_capture(capturing.artifacts, reference)


async def test_with_no_captures_no_reference_leads_anywhere(capturing):
    """An empty record has no latest, no previous and no good one."""
    for reference in ("latest", "previous", "good"):
        with pytest.raises(NoSuchReport):
            await find_capture(capturing.artifacts, reference)


async def test_two_captures_are_compared_by_their_manifests(capturing):
    """What the stage changed is what differs."""
    await capturing.record()
    capturing.stage = ClusterStage(workloads={ENGINE: WorkloadTwist(replicas=2)})
    await capturing.record()
    compared = await compare_captures(capturing.artifacts, "previous", "latest")

    assert [(f"{FLOOR}/Deployment/{ENGINE}", "replicas", "1", "2")] == [
        (c.subject, c.what, c.before, c.after) for c in compared.changes
    ]


def alter(capturing, entry, name, change):
    """Change a recorded file behind everybody's back."""
    path = capturing.root / entry.path / name
    path.chmod(0o644)
    path.write_bytes(change(path.read_bytes()))


async def test_an_altered_manifest_is_not_verified_nor_compared(capturing):
    """A byte more, and it is no evidence."""
    entry = await capturing.record()
    assert () == (await verify_recorded(capturing.artifacts, "latest"))[1]
    alter(capturing, entry, "lkg_manifest.yaml", lambda held: held + b"\n")
    found_, problems = await verify_recorded(capturing.artifacts, "latest")

    assert any("lkg_manifest.yaml is not as it was recorded" in p for p in problems)
    assert any("the content address is not that of the manifest" in p for p in problems)
    with pytest.raises(StorageError):
        await read_manifest(capturing.artifacts, found_)


async def test_altered_metadata_are_not_believed(capturing):
    """A CANDIDATE that was made GOOD on disk is UNREADABLE, and nowhere the last known good."""
    entry = await capturing.record()
    alter(capturing, entry, "lkg_metadata.json",
          lambda held: held.replace(b'"CANDIDATE"', b'"GOOD"'))  # fmt: skip
    (listed,) = await list_captures(capturing.artifacts)

    assert (False, "") == (listed.is_good, listed.namespace)
    assert "it cannot be believed: " in listed.problem
    assert "the report is not as it was recorded" in listed.problem
    good = await newest_good(capturing.artifacts, cluster=None)
    assert (None, 1) == (good.capture, len(good.doubts))
    problems = (await verify_recorded(capturing.artifacts, "latest"))[1]
    assert any("lkg_metadata.json is not as it was recorded" in p for p in problems)
    assert 0 == (await capturing.made()).unchanged_for_sessions


async def test_a_good_capture_with_an_altered_manifest_is_good_no_more(capturing):
    """What would be put back is not what was good; that the one before is, is doubtful."""
    before = await capturing.record(status=LkgStatus.GOOD, reasons=())
    entry = await capturing.record(status=LkgStatus.GOOD, reasons=())
    alter(capturing, entry, "lkg_manifest.yaml", lambda held: held + b" ")
    newest, _ = await list_captures(capturing.artifacts)
    good = await newest_good(capturing.artifacts, cluster=None)
    found_, problems = await verify_recorded(capturing.artifacts, "good")
    report = {"meta": {"cluster_access": True, "namespace": FLOOR}, "errors": [], "workloads": []}
    since = await since_lkg(capturing.artifacts, report)
    compared = await compare_captures(capturing.artifacts, "good", before.path)

    assert (False, True) == (newest.is_good, bool(newest.problem))
    assert good.capture is not None
    assert before.path == good.capture.entry.path == found_.entry.path == since.path
    (doubt,) = good.doubts
    assert doubt.startswith(f"the capture {entry.path}: it cannot be believed: ")
    assert (doubt,) == problems == compared.gaps
    assert since.compared is not None
    assert doubt in since.compared.gaps


async def test_a_damaged_capture_before_the_newest_good_is_no_doubt(capturing):
    """Whatever it was, a newer one is the last known good; without any, it is named."""
    entry = await capturing.record(status=LkgStatus.GOOD, reasons=())
    alter(capturing, entry, "lkg_metadata.json", lambda held: held + b" ")
    with pytest.raises(NoSuchReport, match=f"no capture is GOOD; the capture {entry.path}"):
        await find_capture(capturing.artifacts, "good")
    await capturing.record(status=LkgStatus.GOOD, reasons=())

    assert () == (await newest_good(capturing.artifacts, cluster=None)).doubts


HERE = ClusterIdentity("a", "https://here", "uid-here")
THERE = ClusterIdentity("a", "https://here", "uid-there")


async def test_a_capture_of_another_cluster_is_no_last_known_good_of_this_one(capturing):
    """It is passed over by name; one that names no cluster is compared with a warning."""
    ours = await capturing.record(status=LkgStatus.GOOD, reasons=(), identity=HERE)
    theirs = await capturing.record(status=LkgStatus.GOOD, reasons=(), identity=THERE)
    good = await newest_good(capturing.artifacts, cluster=HERE)
    nowhere = await newest_good(capturing.artifacts, cluster=replace(HERE, uid="uid-else"))
    meta = {"cluster_access": True, "namespace": FLOOR}
    about = {"meta": {**meta, "cluster_identity": cluster_document(HERE)}, "errors": []}
    known = await since_lkg(capturing.artifacts, {**about, "workloads": []})
    old = await since_lkg(capturing.artifacts, {**about, "meta": meta, "workloads": []})
    elsewhere = replace(HERE, uid="uid-else")
    about["meta"]["cluster_identity"] = cluster_document(elsewhere)
    none = await since_lkg(capturing.artifacts, {**about, "workloads": []})

    assert good.capture is not None
    assert (ours.path, 1) == (good.capture.entry.path, len(good.of_other_clusters))
    assert theirs.path in good.of_other_clusters[0]
    assert (None, 2) == (nowhere.capture, len(nowhere.of_other_clusters))
    assert (ours.path, "") == (known.path, known.compared and known.compared.clusters)
    assert "is not known: not recorded" in (old.compared.clusters if old.compared else "")
    assert (None, True) == (none.compared, "is of another cluster: UID uid-there" in none.problem)


async def test_captures_of_two_clusters_are_compared_loudly(capturing):
    """That they are of two is said beside whatever differs, and ends no count of the same."""
    first = await capturing.record(identity=HERE)
    await capturing.record(identity=THERE)
    compared = await compare_captures(capturing.artifacts, "previous", "latest")
    same = await compare_captures(capturing.artifacts, "latest", "latest")
    again = await capturing.record(identity=HERE)
    told = json.loads((capturing.root / again.path / "lkg_metadata.json").read_bytes())

    assert "DIFFERENT CLUSTERS: UID uid-here, then UID uid-there" == compared.clusters
    assert "" == same.clusters
    assert "uid-here" == told["cluster_identity"]["uid"]
    made = replace(await capturing.made(), identity=HERE)
    assert (0, again.path) == await count_unchanged(capturing.artifacts, made, DATE, ())
    assert first.path != again.path


class CountingReads(ArtifactReader):
    """A record that counts what is read of it, and shows pages of two runs."""

    def __init__(self, capturing) -> None:
        """Read the record of that root."""
        super().__init__(capturing.root, lambda: capturing.now)
        self.read_paths: list[str] = []

    async def page(self, query):
        """Return a page of at most two runs."""
        return await super().page(replace(query, limit=min(2, query.limit)))

    async def read(self, file, limit):
        """Read a file, and count it."""
        self.read_paths.append(file.path)
        return await super().read(file, limit)


async def test_a_good_capture_is_found_however_far_back(capturing):
    """Page by page, until there is one; no manifest of a CANDIDATE is read for it."""
    good = await capturing.record(status=LkgStatus.GOOD, reasons=())
    for _ in range(5):
        await capturing.record()
    counting = CountingReads(capturing)
    found_ = await newest_good(counting, cluster=None)

    assert found_.capture is not None
    assert good.path == found_.capture.entry.path
    manifests = [p for p in counting.read_paths if p.endswith("lkg_manifest.yaml")]
    assert [f"{good.path}/lkg_manifest.yaml"] == manifests
    assert good.path == (await find_capture(counting, good.path))[0].entry.path


async def test_captures_are_read_once_in_a_while(capturing):
    """Asked again within five minutes nothing is read; after that, damage is noticed."""
    entry = await capturing.record(status=LkgStatus.GOOD, reasons=())
    counting, cache = CountingReads(capturing), CaptureCache(lambda: capturing.now)
    for _ in range(3):
        await list_captures(counting, cache=cache)
        assert (await newest_good(counting, cache=cache, cluster=None)).capture is not None
    once = len(counting.read_paths)
    alter(capturing, entry, "lkg_manifest.yaml", lambda held: held + b" ")
    capturing.now += timedelta(minutes=5)

    assert 2 == once
    assert None is (await newest_good(counting, cache=cache, cluster=None)).capture
    assert (await list_captures(counting, cache=cache))[0].problem


async def test_a_damaged_capture_is_read_again_once_it_is_mended(capturing):
    """What could not be believed is not kept; and no more is kept than may be."""
    entry = await capturing.record(status=LkgStatus.GOOD, reasons=())
    cache = CaptureCache(lambda: capturing.now)
    alter(capturing, entry, "lkg_manifest.yaml", lambda held: held + b" ")
    damaged = (await newest_good(capturing.artifacts, cache=cache, cluster=None)).capture
    alter(capturing, entry, "lkg_manifest.yaml", lambda held: held[:-1])
    mended = (await newest_good(capturing.artifacts, cache=cache, cluster=None)).capture

    assert None is damaged
    assert mended is not None
    for number in range(2 * REMEMBERED):
        cache.keep(replace(mended, entry=replace(entry, path=f"ops/lkg/{number}")))
    assert len(cache) <= REMEMBERED


async def test_metadata_of_another_manifest_are_not_believed(capturing):
    """Two files that were recorded together, and do not belong together."""
    made = await capturing.made()
    await record_lkg(
        replace(made, content_digest="0" * 64, status=LkgStatus.GOOD, reasons=()),
        capturing.snapshot,
        capturing.parts,
        ORIGIN,
    )
    (listed,) = await list_captures(capturing.artifacts)

    assert "its metadata are about another manifest" == listed.problem
    good = await newest_good(capturing.artifacts, cluster=None)
    assert (None, 1) == (good.capture, len(good.doubts))


async def test_a_missing_file_is_a_problem(capturing):
    """What is gone cannot be put back."""
    entry = await capturing.record()
    folder = capturing.root / entry.path
    folder.chmod(0o755)
    (folder / "lkg_manifest.yaml").unlink()

    assert (await verify_recorded(capturing.artifacts, "latest"))[1]


async def test_a_deploy_report_is_held_against_the_newest_good(capturing):
    """No GOOD capture is told as such; of another namespace is none; a lost record is told."""
    report = {"meta": {"cluster_access": True, "namespace": FLOOR}, "errors": [], "workloads": []}
    await capturing.record()
    none = await since_lkg(capturing.artifacts, report)
    good = await capturing.record(status=LkgStatus.GOOD, reasons=())
    some = await since_lkg(capturing.artifacts, report)
    other = await since_lkg(capturing.artifacts, {**report, "meta": {"namespace": "other"}})
    blind = await since_lkg(capturing.artifacts, {**report, "meta": {"namespace": ""}})
    (capturing.root / "audit_artifacts/ledger.jsonl").unlink()
    (capturing.root / "audit_artifacts/ledger.jsonl").mkdir()
    lost = await since_lkg(ArtifactReader(capturing.root, lambda: AT), report)

    assert ("no capture is GOOD", None) == (none.problem, none.compared)
    assert (good.path, "") == (some.path, some.problem)
    assert some.compared is not None
    assert (f"{FLOOR}/Deployment/{ENGINE}", "there", "(absent)") in {
        (c.subject, c.before, c.after) for c in some.compared.changes
    }
    assert "no capture is GOOD" == other.problem
    assert "no cluster is read" == blind.problem
    assert lost.problem.startswith("the record cannot be read")


async def test_what_ran_at_the_last_known_good_is_found(capturing):
    """Of the newest GOOD capture of the floor's namespace, as long as it is of this cluster."""
    fleet, cluster = capturing.snapshot.fleet, capturing.snapshot.cluster_identity
    find = partial(find_captured_workloads, cluster=cluster)
    await capturing.record()
    none = await find(capturing.artifacts, fleet)
    good = await capturing.record(status=LkgStatus.GOOD, reasons=())
    found = await find(capturing.artifacts, fleet)
    staging = replace(cluster, uid="0" * 8, server="https://staging:6443")
    other = await find(capturing.artifacts, fleet, cluster=staging)
    untold = await find(capturing.artifacts, fleet, cluster=ClusterIdentity("in-cluster"))
    blind = await find(capturing.artifacts, replace(fleet, access=None))
    path = capturing.root / good.path / "lkg_manifest.yaml"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"strategy-engine", b"strategy-engines"))
    altered = await find(ArtifactReader(capturing.root, lambda: AT), fleet)

    assert (frozenset(), "no capture is GOOD") == (none.running, none.note)
    assert (good.path, "") == (found.path, found.note)
    names = {(kind, name) for _, kind, name in found.running}
    assert {("Deployment", "strategy-engine"), ("CronJob", "ops-heartbeat-writer")} <= names
    assert not {("Deployment", "execution-engine"), ("CronJob", "ops-post-market")} & names
    assert (frozenset(), "") == (other.running, other.path)
    assert "is of another cluster" in other.note
    assert (frozenset(), "") == (untold.running, untold.path)
    assert "whether both are of one cluster is not known" in untold.note
    assert (frozenset(), "") == (blind.running, blind.path)
    assert frozenset() == altered.running
    assert "no capture is GOOD; the capture" in altered.note


async def test_a_record_that_cannot_be_read_makes_nothing_known(capturing):
    """It is told, and what runs is then known by the inventory and the fleet file alone."""
    await capturing.record(status=LkgStatus.GOOD, reasons=())
    (capturing.root / "audit_artifacts/ledger.jsonl").unlink()
    (capturing.root / "audit_artifacts/ledger.jsonl").mkdir()
    artifacts = ArtifactReader(capturing.root, lambda: AT)
    snapshot = capturing.snapshot
    lost = await find_captured_workloads(
        artifacts, snapshot.fleet, cluster=snapshot.cluster_identity
    )

    assert frozenset() == lost.running
    assert lost.note.startswith("the record cannot be read")


async def test_a_capture_of_a_simulated_floor_is_labelled(capturing):
    """The recorded metadata of a demo can be taken for nothing else; a real floor has no label."""
    await capturing.record(label="DEMO")
    await capturing.record()
    told = [
        json.loads(p.read_bytes()).get("label")
        for p in sorted(capturing.root.rglob("lkg_metadata.json"))
        if not p.is_symlink() and p.parent.name != "lkg"
    ]

    assert ["DEMO", None] == told
