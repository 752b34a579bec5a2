"""The export of a bundle: everything that is known, what is not, and nothing made up."""

import asyncio
import io
import json
import shutil
import sqlite3
import subprocess
import tracemalloc
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from mission_control.errors import StorageError
from mission_control.evidence.decide import NOT_WATCHED
from mission_control.evidence.gathering import EXPORTED
from mission_control.evidence.model import Wanted
from mission_control.evidence.read_bundle import open_bundle
from mission_control.evidence.run import export
from mission_control.evidence.verify import verify_zip
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.decision_version import decision_version
from mission_control.history.codec import decision_result
from mission_control.history.reader import HistoryReader
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.records.artifact_reader import ArtifactReader
from tests.evidence.incident import GAP, HURT_AT, SECRET, SINCE, UNTIL, exported, unpacked
from tests.records.runs import everything


def part(ended, source):
    """Return what a bundle says of one source."""
    return next(p for p in ended.coverage if p.source == source)


def test_equal_inputs_give_equal_bytes_and_nothing_is_written(recorded, bundle):
    """R12.29: A bundle made again is the same, byte for byte, and leaves the root as it was."""
    root, sources = recorded
    before = everything(root)

    assert bundle[0] == exported(sources)[0]
    assert before == everything(root)
    assert () == verify_zip(io.BytesIO(bundle[0])).found


def test_every_judged_change_can_be_decided_again(bundle, tmp_path):
    """R12.30: From the inputs in the bundle alone the same is decided, by the version it names."""
    path = tmp_path / "b.zip"
    path.write_bytes(bundle[0])
    with open_bundle(path) as opened:
        changes = list(opened.changes())
        calendar = MarketCalendar(opened.closures)

    again = [
        decision_result(
            decide_floor(
                c.decision.evidence,
                c.decision.latched,
                calendar.session_at,
                c.decision.at,
                sequence=c.decision.sequence,
            )
        )
        for c in changes
    ]

    assert [c.decision.result for c in changes] == again
    assert {decision_version()} == {c.decision_version for c in changes}
    assert {True} == {c.equal for c in changes}
    assert ["OK", "HALTED"] == [c.posture["posture"] for c in changes]
    assert HURT_AT == changes[1].decision.at
    assert (SINCE, UNTIL, "feed stale") == (
        opened.about.since,
        opened.about.until,
        opened.about.incident,
    )


def test_the_timeline_has_no_hole_and_the_gap_is_one(bundle):
    """R12.31: From first to last instant; where nothing was decided it is NOT_WATCHED."""
    files = unpacked(bundle[0])
    segments = json.loads(files["data/posture/timeline.json"])["segments"]
    minutes = json.loads(files["data/posture/minutes/20261118.json"])["minutes"]

    assert ["OK", "HALTED", NOT_WATCHED, "HALTED"] == [s["posture"] for s in segments]
    assert [s["end"] for s in segments[:-1]] == [s["begin"] for s in segments[1:]]
    assert ["HALTED"] * 2 + [NOT_WATCHED] == [m["posture"] for m in minutes[3:5] + minutes[5:6]]
    assert 10 == len(minutes)
    lost = part(bundle[1], "posture")
    assert (1, "nothing was decided: what happened then was not watched") == (
        len(lost.gaps),
        lost.gaps[0].reason,
    )
    assert lost.expected - lost.obtained == pytest.approx((GAP[1] - GAP[0]).total_seconds(), abs=3)


def test_what_is_missing_is_said_first(bundle):
    """R12.32: Page and coverage begin with the sources that have gaps, each with its reason."""
    files = unpacked(bundle[0])
    coverage = json.loads(files["data/coverage.json"])
    page = files["index.html"].decode()

    assert not coverage["whole"]
    assert coverage["first"] == bundle[1].first
    assert "WITH GAPS: " in coverage["first"]
    assert page.index(coverage["first"]) < page.index("<h2")
    assert [] == [s for s in coverage["sources"] if not s["whole"] and not s["gaps"]]
    assert "timeout" in json.dumps(coverage["runs"]).lower()


@pytest.mark.parametrize(
    ("lose", "unread"),
    [
        pytest.param("history", ["changes", "posture", "services", "events"], id="history"),
        pytest.param("alerts", ["alerts"], id="alerts"),
        pytest.param("ledger", ["ledger", "artifacts", "schedule", "comparisons"], id="ledger"),
    ],
)
def test_a_source_that_cannot_be_read_is_a_gap_and_the_rest_comes(recorded, tmp_path, lose, unread):
    """R12.32: Never silently smaller: what is unread is named, and said first."""
    sources = recorded[1]
    lost = {
        "history": lambda: replace(sources, history=Broken()),
        "alerts": lambda: replace(sources, alerts=Broken()),
        "ledger": lambda: replace(sources, artifacts=Broken()),
    }[lose]()

    content, ended = exported(lost)

    assert unread == [p.source for p in ended.unread]
    assert ended.first.startswith(f"NOT READ: {', '.join(unread)}")
    assert {"the disk is gone"} | {"the ledger cannot be read"} >= {
        g.reason for p in ended.unread for g in p.gaps
    }
    assert () == verify_zip(io.BytesIO(content)).found
    assert ended.first in unpacked(content)["index.html"].decode()


class Broken:
    """A source of which every question fails."""

    def __getattr__(self, name):
        """Fail as storage does."""

        async def fail(*_, **__):
            raise StorageError("the disk is gone", path=name)

        return fail


def test_without_a_history_everything_of_it_is_unread(recorded):
    """R12.32: A root that no server watched from has its record, and says what it lacks."""
    _, ended = exported(replace(recorded[1], history=None, alerts=None))

    assert ["changes", "posture", "services", "events", "alerts"] == [
        p.source for p in ended.unread
    ]


def test_a_decision_that_cannot_be_read_is_one_gap(recorded, tmp_path):
    """R12.32: One spoilt row loses that change, and no other."""
    root, sources = recorded
    shutil.copytree(root, tmp_path / "root")
    with sqlite3.connect(tmp_path / "root/history.sqlite3") as database:
        database.execute("UPDATE decisions SET inputs = ? WHERE id = 1", (b"x",))
    database.close()
    from mission_control.history.database import open_engine  # noqa: PLC0415

    engine = open_engine(tmp_path / "root", None)
    content, ended = exported(replace(sources, history=HistoryReader(engine)))
    engine.dispose()
    changes = part(ended, "changes")

    assert changes.expected - changes.obtained == len(changes.gaps) == 1
    assert "it cannot be read" in changes.gaps[0].reason
    assert (
        NOT_WATCHED
        == json.loads(unpacked(content)["data/posture/timeline.json"])["segments"][0]["posture"]
    )


def test_an_altered_artifact_is_left_out_and_named(recorded, tmp_path):
    """R12.32: Bytes that are not those recorded are no evidence; a missing file is named too."""
    root, sources = recorded
    shutil.copytree(root, tmp_path / "root")
    runs = sorted((tmp_path / "root/audit_artifacts/ops_runs").iterdir())
    for path, content in (
        (runs[0] / "readiness_report.json", b"{}"),
        (runs[1] / "posture.json", None),
    ):
        path.parent.chmod(0o755)
        path.chmod(0o644)
        path.unlink()
        if content is not None:
            path.write_bytes(content)

    content, ended = exported(
        replace(sources, artifacts=ArtifactReader(tmp_path / "root", lambda: UNTIL))
    )
    artifacts = part(ended, "artifacts")

    assert {
        "its bytes are not those that were recorded",
        "it is recorded and not there",
    } == {g.reason for g in artifacts.gaps}
    assert 2 == artifacts.expected - artifacts.obtained
    assert not [n for n in unpacked(content) if n.endswith(("report.json", "/posture.json"))]


def test_secrets_are_masked_and_counted(bundle):
    """R12.33: What would give a secret away is masked; how often is told, and never the value."""
    files = unpacked(bundle[0])
    rules = json.loads(files["data/redaction.json"])["rules"]

    assert [] == [n for n, content in files.items() if SECRET.split()[1].encode() in content]
    assert {"rule": EXPORTED, "place": "data/alerts", "count": 1} in rules


def test_what_was_told_is_in_it(bundle):
    """R12.29: Artifacts, ledger, events, alerts, deliveries and runbooks are there."""
    files = unpacked(bundle[0])
    about = orjson.loads(files["data/bundle.json"])
    lines = files["data/ledger/lines.jsonl"].splitlines()
    page = files["index.html"].decode()

    assert 2 == len(lines)
    assert about["ledger_head"]["hash"] == orjson.loads(lines[-1])["hash"]
    assert b"# Marketdata is stale\n" == files["data/runbooks/MARKETDATA_STALE.md"]
    for told in ("readiness: NO-GO HALTED_NOW", "P1 MARKETDATA_STALE", "was NOT taken"):
        assert told in page
    assert "posture.changed" in files["data/events/20261118T14.json"].decode()
    assert "no tick" in files["data/alerts/transitions/20261118T14.json"].decode()


def test_a_time_without_anything_is_a_bundle_of_gaps(recorded):
    """R12.32: Nothing recorded is not nothing that happened."""
    wanted = Wanted(SINCE - timedelta(days=30), SINCE - timedelta(days=30) + timedelta(hours=1))

    content, ended = exported(recorded[1], wanted)
    timeline = json.loads(unpacked(content)["data/posture/timeline.json"])["segments"]

    assert [NOT_WATCHED] == [s["posture"] for s in timeline]
    assert 0 == part(ended, "posture").obtained
    assert () == verify_zip(io.BytesIO(content)).found


class OtherwiseHistory:
    """A history whose decisions said something else then."""

    def __init__(self, history):
        """Read another history."""
        self._history = history

    def __getattr__(self, name):
        """Answer everything else as it does."""
        return getattr(self._history, name)

    async def kept_decision(self, number):
        """Return a decision with another digest, of before versions were kept."""
        kept = await self._history.kept_decision(number)
        return replace(kept, result="0" * 64, decision_version=None)


def test_a_decision_that_is_otherwise_today_is_named(recorded):
    """R12.30: What was said then is not replaced by what is decided now."""
    other = replace(recorded[1], history=OtherwiseHistory(recorded[1].history))
    content, ended = exported(other)
    files = unpacked(content)
    lines = json.loads(files["data/posture/changes.json"])["changes"]

    assert [(False, None, "0" * 64)] * 2 == [
        (line["equal"], line["decision_version"], line["result"]) for line in lines
    ]
    assert 2 == len(part(ended, "changes").gaps)
    assert "decided again it differs" in part(ended, "changes").gaps[0].reason
    assert "which differs from what was said then" in files["index.html"].decode()


class LongHistory:
    """A history in which one decision was made very often."""

    def __init__(self, history, count):
        """Repeat the newest of a history."""
        self._history, self._count = history, count

    def __getattr__(self, name):
        """Answer everything else as it does."""
        return getattr(self._history, name)

    async def decision_numbers(self, _since, _until):
        """Return as many as there shall be."""
        return range(self._count)

    async def kept_decision(self, number):
        """Return the newest again, a second later each time."""
        kept = await self._history.kept_decision(2)
        return replace(kept, number=number, at=SINCE + timedelta(seconds=number))


def peak_of(sources, count):
    """Return the most memory that an export of so many decisions holds, and the bundle's size."""
    size = 0

    async def read():
        nonlocal size
        long = replace(sources, history=LongHistory(sources.history, count))
        async for piece in export(long, Wanted(SINCE, UNTIL)):
            size += len(piece)

    tracemalloc.start()
    try:
        asyncio.run(read())
        return tracemalloc.get_traced_memory()[1], size
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_what_is_exported(recorded):
    """R12.29: Of each file only its digest is kept."""
    peak_of(recorded[1], 2)  # what is imported and remembered once
    few, small = peak_of(recorded[1], 5)
    many, large = peak_of(recorded[1], 55)

    assert large - small > 400_000
    assert many - few < (large - small) / 3


def test_another_tool_takes_it_for_a_bag(bundle, tmp_path):
    """R12.34: An implementation of BagIt that is not ours validates what was unpacked."""
    from bagit_utils import Bag  # noqa: PLC0415

    (tmp_path / "b.zip").write_bytes(bundle[0])
    shutil.unpack_archive(tmp_path / "b.zip", tmp_path)
    (folder,) = tmp_path.glob("evidence_*")

    report = Bag(folder, load=True).validate()

    assert report.valid, report
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
