"""What was recorded around a session: schedule, reports, comparisons, captures."""

import hashlib
import json
import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from mission_control.documents.canonical_json import encode_json
from mission_control.evidence import recorded as recorded_module
from mission_control.evidence.gathering import EvidenceSources
from mission_control.evidence.model import Wanted
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.market_calendar.days import instant_of
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.artifact_store import ArtifactStore, stamp
from mission_control.records.model import Collection
from mission_control.runbooks.library import RunbookLibrary
from mission_control.schedule.decide import plan_session
from mission_control.schedule.model import Job
from mission_control.schedule.present.plan import plan_document
from tests.evidence.incident import exported, unpacked
from tests.floor.cluster_of_values import FLEET
from tests.floor.floor_of_values import CLOSE_AT, OPEN_AT
from tests.records.runs import facts, record

ON = date(2026, 11, 18)
HOUR = timedelta(hours=1)
WANTED = Wanted(OPEN_AT - 2 * HOUR, CLOSE_AT + 2 * HOUR, "a whole day")
CALENDAR = MarketCalendar()
GOLDEN = Path(__file__).parents[1] / "golden"
PLAN = plan_session(ON, CALENDAR.session_at(instant_of(ON, OPEN_AT.time())), frozenset(Job))
READINESS = next(r for r in PLAN.runs if r.job is Job.PRE_OPEN)


def capture(root, at, status):
    """Record a capture."""
    manifest = b'{"kind":"List","items":[]}'
    digest = hashlib.sha256(manifest).hexdigest()
    metadata = {"status": status, "content_digest": digest, "namespace": "trading-floor"}
    with ArtifactStore(root).writing(Collection.LKG) as run:
        run.write("lkg_manifest.yaml", manifest)
        run.write("lkg_metadata.json", encode_json(metadata))
        return run.record(facts(at, "lkg_capture", session_date=ON), stamp(at))


def deploy_report(root, at, headline, on):
    """Record a deploy report."""
    told = json.loads((GOLDEN / "deploy_report.json").read_text()) | {"headline": headline}
    return record(root, at, {"deploy_report.json": encode_json(told)}, "report", session_date=on)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Return the sources of a root with a day's records, without a history."""
    root = tmp_path_factory.mktemp("root")
    deploy_report(root, OPEN_AT - 20 * HOUR, "all was well", date(2026, 11, 17))
    plan = {"session_plan.json": encode_json(plan_document(PLAN))}
    record(root, OPEN_AT - 2 * HOUR, plan, "session_plan", session_date=ON)
    record(
        root,
        READINESS.planned_at + timedelta(minutes=1),
        {"readiness_report.json": b'{"verdict":"GO","code":""}'},
        READINESS.job.value,
        session_date=ON,
        planned=READINESS,
    )
    deploy_report(root, OPEN_AT, "1 of 7 workloads down", ON)
    record(root, CLOSE_AT, {"attestation.json": b"no JSON"}, "attest", session_date=ON)
    capture(root, CLOSE_AT + HOUR, "GOOD")
    attested = b'{"conclusion":"NO_EXECUTION_OBSERVED"}'
    record(root, CLOSE_AT + 5 * HOUR, {"attestation.json": attested}, "attest", session_date=ON)
    return EvidenceSources(
        ArtifactReader(root, lambda: CLOSE_AT),
        None,
        None,
        CALENDAR,
        (),
        RunbookLibrary(root),
        FLEET,
        "c" * 64,
    )


@pytest.fixture(scope="module")
def whole(sources):
    """Return the bundle of the day, unpacked, and what it covers by source."""
    content, ended = exported(sources, WANTED)
    return unpacked(content), {p.source: p for p in ended.coverage}


def test_the_schedule_is_there_with_what_became_of_each_run(whole):
    """R12.32: A planned run that was missed is a gap; one that is not due yet is none."""
    files, covered = whole
    runs = json.loads(files["data/schedule/2026-11-18.json"])["runs"]
    outcomes = {r["key"]: r["outcome"] for r in runs}
    gaps = {g.what: g.reason for g in covered["schedule"].gaps}

    assert "SUCCEEDED" == outcomes[READINESS.key]
    assert READINESS.key not in gaps
    assert covered["schedule"].expected == len([o for o in outcomes.values() if o])
    assert covered["schedule"].obtained == 1
    assert {"MISSED: it was not begun in time"} == set(gaps.values())
    assert "MISSED it was not begun in time" in files["index.html"].decode()


def test_what_belongs_to_the_session_is_there_also_from_after_the_end(whole):
    """R12.29: The attestation that was made hours later is about this session."""
    files, covered = whole
    page = files["index.html"].decode()

    assert "No-Execution Attestation: NO_EXECUTION_OBSERVED" in page
    assert "readiness: GO" in page
    assert "last known good captured: GOOD" in page
    assert "deploy report: 1 of 7 workloads down" in page
    for source in ("readiness", "deploy reports", "attestations", "last known good"):
        assert covered[source].whole, source
    assert not [n for n in files if "20261117" in n]


def test_what_is_deployed_is_compared_with_before_and_with_the_last_known_good(whole):
    """R12.29: The newest report within against the newest before."""
    files, covered = whole
    diff = json.loads(files["data/deploy/diff.json"])
    distance = json.loads(files["data/lkg/distance.json"])

    assert re.search(r"20261117T\d{6}Z_report$", diff["before"])
    assert re.search(r"20261118T\d{6}Z_report$", diff["after"])
    assert diff["comparison"] is not None
    assert ["GOOD"] == [c["status"] for c in distance["captures"]]
    assert "it was not looked for" == distance["since_last_known_good"]["problem"]
    assert covered["comparisons"].whole


def test_without_earlier_reports_and_captures_that_is_a_gap(sources):
    """R12.32: Nothing to compare with is not the same as nothing changed."""
    earlier = Wanted(OPEN_AT - 50 * HOUR, OPEN_AT - 40 * HOUR)
    content, ended = exported(sources, earlier)
    covered = {p.source: p for p in ended.coverage}
    diff = json.loads(unpacked(content)["data/deploy/diff.json"])

    assert diff == {"before": None, "after": None, "comparison": None}
    assert ["no deploy report is recorded", "no capture was GOOD by then"] == [
        g.reason for g in covered["comparisons"].gaps
    ]


def test_a_report_that_is_altered_is_compared_with_nothing(sources, monkeypatch):
    """R12.32: It is named, and no comparison is made up."""
    spoilt = ArtifactReader(sources.artifacts._root, lambda: CLOSE_AT)  # noqa: SLF001
    read = spoilt.read

    async def altered(file, limit):
        found = await read(file, limit)
        return replace(found, intact=False) if "20261117" in file.path else found

    monkeypatch.setattr(spoilt, "read", altered)
    content, ended = exported(replace(sources, artifacts=spoilt), WANTED)
    gaps = next(p for p in ended.coverage if p.source == "comparisons").gaps

    assert ["the report is not as it was recorded", "no earlier deploy report is recorded"] == [
        g.reason for g in gaps
    ]
    assert json.loads(unpacked(content)["data/deploy/diff.json"])["comparison"] is None


def test_a_file_that_is_too_large_and_one_that_cannot_be_read_are_gaps(sources, monkeypatch):
    """R12.32: Each with its reason, and the rest is there."""
    monkeypatch.setattr(recorded_module, "MOST_BYTES", 5_000)
    content, ended = exported(sources, WANTED)
    gaps = next(p for p in ended.coverage if p.source == "artifacts").gaps

    assert gaps
    assert {"at most 5000 are taken"} == {g.reason.rpartition("and ")[2] for g in gaps}
    assert not [n for n in unpacked(content) if n.endswith("deploy_report.json")]


def test_a_weekend_has_no_session_and_no_gap_of_one(sources):
    """R12.32: What no calendar expects is not missing."""
    saturday = Wanted(OPEN_AT + timedelta(days=3), OPEN_AT + timedelta(days=3, hours=1))
    _, ended = exported(sources, saturday)
    covered = {p.source: p for p in ended.coverage}

    assert covered["readiness"].whole
    assert covered["schedule"].whole
    assert 0 == covered["artifacts"].expected
