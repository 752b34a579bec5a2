"""Jobs: the durable copy, to a mounted folder and to a real S3-compatible store."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from mission_control.durable_copy.mounted_folder import SAME_DISK, MountedFolder
from mission_control.errors import StorageError
from mission_control.records.verification import verify
from tests.durable_copy.keeping import KeptRecord, overwrite, remove
from tests.records.runs import everything
from tests.records.test_crash_safety import small_disk
from tests.s3_server import SECRET, line_to, store_at

pytestmark = pytest.mark.anyio
RUNS = 5
OTHER_DISK = Path("/dev/shm")  # noqa: S108  (another file system than the one of tmp_path)


@pytest.fixture
def kept(tmp_path):
    """Return a record of five runs."""
    kept = KeptRecord(tmp_path / "root")
    kept.add(RUNS)
    return kept


@pytest.fixture
def there(tmp_path):
    """Return a folder in the place of a mount."""
    folder = tmp_path / "mount"
    folder.mkdir()
    return folder


@pytest.fixture
def folder(kept, there):
    """Return it as a destination."""
    return MountedFolder(there, kept.root)


def kinds(run):
    """Return the kinds of what was wrong, with the names of the files."""
    return [(p.kind.value, p.path.rpartition("/")[2]) for p in run.report.problems]


def restore(there):
    """Make a copy a record again, as its runbook says; returns what verifying it finds."""
    segments = sorted((there / "ledger").iterdir())
    target = there / "audit_artifacts/ledger.jsonl"
    target.write_bytes(b"".join(s.read_bytes() for s in segments))
    return verify(there)


async def test_everything_is_copied_and_the_copy_can_be_verified_on_its_own(kept, folder, there):
    """All files are there byte for byte; segments put together are the ledger again."""
    before = everything(kept.root)
    run = await kept.copy(folder)

    copied = everything(there)
    names = [n for n in before if "ops_runs" in n]
    assert {n: before[n] for n in names} == {n: c for n, c in copied.items() if "ops_runs" in n}
    assert (RUNS, RUNS, 0) == (
        run.report.reach.through,
        run.report.reach.runs,
        run.report.reach.pending,
    )
    assert before["audit_artifacts/ledger.jsonl"] == b"".join(
        copied[n] for n in sorted(copied) if n.startswith("ledger/")
    )
    assert 0o444 == {p.stat().st_mode & 0o777 for p in there.rglob("*") if p.is_file()}.pop()
    assert restore(there).intact


async def test_what_is_there_is_not_sent_again(kept, folder, there):
    """The second run sends the first run's own record and nothing else, however often."""
    first = await kept.copy(folder)
    inodes = {p: p.stat().st_ino for p in there.rglob("*") if p.is_file()}
    second = await kept.copy(folder)

    account = orjson.loads((kept.root / second.entry.path / "run.json").read_bytes())
    assert (0, 0) == (second.exit_code, account["exit_code"])
    assert len(first.entry.files) + 1 == second.report.sent.files
    assert 0 == second.report.found.files
    assert RUNS + 1 == second.report.reach.through
    assert inodes.items() <= {p: p.stat().st_ino for p in there.rglob("*") if p.is_file()}.items()
    assert verify(kept.root).intact


async def test_what_was_done_is_recorded(kept, folder):
    """The run holds its report as JSON and Markdown, and names the same disk."""
    run = await kept.copy(folder)

    held = kept.root / run.entry.path
    document = orjson.loads((held / "durable_copy.json").read_bytes())
    assert run.entry.path.endswith("_durable_copy")
    assert run.document == document
    assert SAME_DISK == document["cautions"][0]
    assert (True, RUNS, False) == (
        document["complete"],
        document["verified_through"],
        document["contradicted"],
    )
    text = (held / "durable_copy.md").read_text()
    assert text.startswith("# Durable copy: complete up to line 5, but mind the place\n")


async def test_what_a_run_came_to_stands_in_its_account(kept, folder, there):
    """A list of runs shows without the report that the copy is not what it should be."""
    well = await kept.copy(folder)
    overwrite(there / kept.file(3).relative_to(kept.root), b'{"posture":"KO"}')
    bad = await kept.copy(folder, everything=True)
    told = [
        orjson.loads((kept.root / run.entry.path / "run.json").read_bytes())["notes"]["status"]
        for run in (well, bad)
    ]

    assert ["COMPLETE", "CONTRADICTED"] == told


async def test_equal_records_give_equal_reports(tmp_path):
    """The same record copied to two places of the same name gives the same bytes."""
    runs = []
    for name in ("one", "two"):
        kept = KeptRecord(tmp_path / name)
        kept.add(2)
        there = tmp_path / "there"
        there.mkdir()
        runs.append(await kept.copy(MountedFolder(there, kept.root)))
        shutil.rmtree(there)

    assert runs[0].entry.files == runs[1].entry.files


@pytest.mark.skipif(not OTHER_DISK.is_dir(), reason="there is no second file system")
async def test_another_disk_is_no_caution(kept):
    """A copy on another file system is as good as it gets."""
    there = OTHER_DISK / f"mission-control-test-{os.getpid()}"
    there.mkdir()
    try:
        run = await kept.copy(MountedFolder(there, kept.root))
    finally:
        shutil.rmtree(there)

    assert ((), 0) == (run.report.cautions, run.exit_code)


async def test_a_mount_that_is_not_there_is_never_made(kept, tmp_path):
    """A folder that is missing is a mount that is missing: named, failed, and not created."""
    run = await kept.copy(MountedFolder(tmp_path / "gone", kept.root))

    assert 1 == run.exit_code
    assert "mount it" in run.report.failure
    assert run.report.reach is None
    assert not (tmp_path / "gone").exists()


async def test_a_place_that_lost_its_copy_is_not_filled_again(kept, there):
    """A mount point below which nothing is mounted any more looks empty, and gets nothing."""
    await kept.copy(MountedFolder(there, kept.root))
    there.rename(there.parent / "unmounted")
    there.mkdir()
    kept.add()
    run = await kept.copy(MountedFolder(there, kept.root))

    assert (4, [("GONE", "durable_copy.json")]) == (run.exit_code, kinds(run))
    assert "5 runs were copied there" in run.report.problems[0].detail
    assert {} == everything(there)

    there.rmdir()
    (there.parent / "unmounted").rename(there)
    run = await kept.copy(MountedFolder(there, kept.root))
    assert (0, RUNS + 3) == (run.exit_code, run.report.reach.through)


async def test_a_copy_that_lost_its_newest_part_is_told_once_and_mended(kept, folder, there):
    """Runs taken away there together with their segment are noticed, and copied again."""
    await kept.copy(folder)
    kept.add(2)
    await kept.copy(folder)
    newest = max((there / "ledger").iterdir())
    newest.unlink()
    lost = max((there / "audit_artifacts/ops_runs").iterdir())
    shutil.rmtree(lost)
    run = await kept.copy(folder)

    assert (4, [("GONE", "ledger")]) == (run.exit_code, kinds(run))
    assert (0, True) == ((r := await kept.copy(folder)).exit_code, r.report.complete)


async def test_a_store_that_lost_its_copy_is_not_filled_again(kept, s3_server, credentials):
    """The same holds for a bucket that was emptied."""
    bucket = s3_server.bucket()
    await kept.copy(store_at(s3_server.url, bucket, credentials))
    s3_server.remove(f"{bucket}/floor/copy/durable_copy.json")
    run = await kept.copy(store_at(s3_server.url, bucket, credentials))

    assert (4, [("GONE", "durable_copy.json")]) == (run.exit_code, kinds(run))


async def test_other_bytes_under_a_name_are_a_conflict_and_stay(kept, folder, there):
    """What is there is never overwritten: it is named and not vouched for, exit 4 (R12.11)."""
    name = kept.file(2).relative_to(kept.root)
    (there / name).parent.mkdir(parents=True)
    (there / name).write_bytes(b'{"posture":"KO"}')
    run = await kept.copy(folder)

    assert (4, [("CONFLICT", "posture.json")]) == (run.exit_code, kinds(run))
    assert b'{"posture":"KO"}' == (there / name).read_bytes()
    assert (2, 4, 1) == (
        run.report.reach.through,
        run.report.reach.runs,
        run.report.reach.pending,
    )
    assert "0000000001-0000000002" in str(min((there / "ledger").iterdir()))
    again = await kept.copy(folder)
    assert (4, [("CONFLICT", "posture.json")]) == (again.exit_code, kinds(again))


async def test_an_obstructed_folder_keeps_nothing_else_back(kept, folder, there):
    """Where one run's folder cannot be written, all its files fail and the others are copied."""
    for number in (0, 2):
        obstructed = there / kept.file(number).parent.relative_to(kept.root)
        obstructed.parent.mkdir(parents=True, exist_ok=True)
        obstructed.write_bytes(b"in the way")
    runs = [await kept.copy(folder) for _ in range(2)]

    for run in runs:
        assert (1, ["NOT_COPIED"] * 8) == (run.exit_code, [k for k, _ in kinds(run)])
        assert ("", 2) == (run.report.failure, run.report.reach.pending)
    assert RUNS - 2 + 1 == runs[-1].report.reach.runs


class Dying(MountedFolder):
    """A place that does not answer any more once so many files were created."""

    left = 12

    async def create(self, path: str, content: bytes) -> bool:
        """Count down."""
        self.left -= 1
        self._see()
        return await super().create(path, content)

    async def digest(self, path: str) -> tuple[str, int]:
        """Read back as long as it lives."""
        self._see()
        return await super().digest(path)

    def _see(self) -> None:
        if self.left < 0 and not self.revived():
            raise StorageError("no answer", path=self.name)

    def revived(self) -> bool:
        """Come back for the one thing that counts."""
        return self.left == -4


async def test_what_was_done_before_a_place_is_given_up_is_vouched_for(kept, there):
    """A run that gives up still tries to vouch for the lines that it verified."""
    run = await kept.copy(Dying(there, kept.root))

    assert "3 failures in a row" in run.report.failure
    assert (2, 2) == (run.report.reach.through, run.report.reach.runs)


async def test_equal_bytes_under_a_name_are_as_good_as_sent(kept, folder, there):
    """A file that was copied already is read back, found equal, and not sent."""
    name = kept.file(2).relative_to(kept.root)
    (there / name).parent.mkdir(parents=True)
    shutil.copy(kept.file(2), there / name)
    run = await kept.copy(folder)

    assert (0, 1) == (run.exit_code, run.report.found.files)


@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        pytest.param(lambda p: overwrite(p, b'{"posture":"KO"}'), "CONFLICT", id="same size"),
        pytest.param(lambda p: overwrite(p, b""), "CONFLICT", id="cut off"),
        pytest.param(remove, "GONE", id="removed"),
    ],
)
async def test_what_was_tampered_with_there_is_found(kept, folder, there, harm, kind):
    """
    A copied file that was changed, cut or removed is named; what is gone is sent again (R12.11).
    """
    await kept.copy(folder)
    name = kept.file(3).relative_to(kept.root)
    harm(there / name)
    run = await kept.copy(folder, everything=True)

    assert (4, [(kind, "posture.json")]) == (run.exit_code, kinds(run))
    assert (kind == "GONE") == (RUNS + 1 == run.report.reach.through)
    if kind == "GONE":
        assert restore(there).intact
        assert 0 == (await kept.copy(folder, everything=True)).exit_code


async def test_in_thirty_days_everything_is_read_back(kept, folder, there):
    """Each day reads back another part, unasked; what is found is told until it is mended."""
    await kept.copy(folder)
    overwrite(there / kept.file(3).relative_to(kept.root), b'{"posture":"KO"}')
    runs = []
    for _ in range(31):
        kept.now += timedelta(days=1)
        runs.append(await kept.copy(folder))
    found = [(run.exit_code, kinds(run)) for run in runs]

    first = found.index((4, [("CONFLICT", "posture.json")]))
    assert [(0, [])] * first == found[:first]
    assert [found[first]] * (31 - first) == found[first:]
    assert 3 == runs[-1].report.reach.through


async def test_a_contradiction_is_told_until_it_is_read_back_equal(kept, folder, there):
    """Found once, it is reported by every later run, also in one that sees nothing of it."""
    await kept.copy(folder)
    name = kept.file(3).relative_to(kept.root)
    recorded = (there / name).read_bytes()
    overwrite(there / name, b'{"posture":"KO"}')
    await kept.copy(folder, everything=True)
    told = (4, [("CONFLICT", "posture.json")])
    for how in ({}, {"run_seconds": 0.0}):
        run = await kept.copy(folder, **how)
        assert told == (run.exit_code, kinds(run))
        assert 3 == run.report.reach.through
    there.rename(there.parent / "unplugged")
    run = await kept.copy(folder)
    assert told == (run.exit_code, kinds(run))

    (there.parent / "unplugged").rename(there)
    overwrite(there / name, recorded)
    run = await kept.copy(folder)
    assert (0, []) == (run.exit_code, kinds(run))
    assert run.report.reach.through == run.report.head.seq


async def test_where_the_last_memory_cannot_be_read_everything_is_read_back(kept, folder, there):
    """A report that was altered may have named anything: all is in doubt until it is equal."""
    await kept.copy(folder)
    overwrite(there / kept.file(3).relative_to(kept.root), b'{"posture":"KO"}')
    run = await kept.copy(folder, everything=True)
    overwrite(kept.root / run.entry.path / "durable_copy_memory.json", b"{}")
    hasty = await kept.copy(folder, run_seconds=0.0)
    run = await kept.copy(folder)

    assert (1, 0) == (hasty.exit_code, hasty.report.reach.runs)
    wrong = [("ALTERED_HERE", "durable_copy_memory.json"), ("CONFLICT", "posture.json")]
    assert wrong == sorted(kinds(run))


class Unreadable(MountedFolder):
    """A place at which what is called so cannot be read back."""

    unreadable = "ledger/"

    async def digest(self, path: str) -> tuple[str, int]:
        """Fail as a broken disk does."""
        if self.unreadable in path:
            raise StorageError("Input/output error", path=path)
        return await super().digest(path)


async def test_a_segment_vouches_only_when_it_was_read_back(kept, folder, there):
    """One that was sent and could not be read back is read back by the next, and counts then."""
    broken = Unreadable(there, kept.root)
    run = await kept.copy(broken)
    assert (1, [0]) == (run.exit_code, [run.report.reach.runs])
    run = await kept.copy(broken)
    assert (1, 0) == (run.exit_code, run.report.reach.through)
    run = await kept.copy(folder)
    assert (0, RUNS + 2) == (run.exit_code, run.report.reach.through)


async def test_a_segment_that_reads_back_wrong_never_vouches(kept, there):
    """A segment with other bytes, of the right name and size, vouches in no later run."""
    broken = Unreadable(there, kept.root)
    await kept.copy(broken)
    segment = next((there / "ledger").iterdir())
    overwrite(segment, segment.read_bytes().replace(b"intraday", b"extraday"))
    for _ in range(2):
        run = await kept.copy(MountedFolder(there, kept.root))
        assert (4, [("CONFLICT", segment.name)]) == (run.exit_code, kinds(run))
        assert 0 == run.report.reach.through

    segment.parent.chmod(0o755)
    segment.unlink()
    run = await kept.copy(MountedFolder(there, kept.root))
    assert (0, run.report.head.seq) == (run.exit_code, run.report.reach.through)


async def test_what_was_sent_again_counts_when_it_was_read_back(kept, folder, there):
    """A file that was gone, was sent again and could not be read back, is not verified yet."""
    await kept.copy(folder)
    remove(there / kept.file(3).relative_to(kept.root))
    broken = Unreadable(there, kept.root)
    broken.unreadable = str(kept.file(3).parent.relative_to(kept.root))
    assert 4 == (await kept.copy(broken)).exit_code
    run = await kept.copy(broken)
    assert (1, [("NOT_COPIED", "posture.json")]) == (run.exit_code, kinds(run))
    assert 3 == run.report.reach.through

    run = await kept.copy(folder)
    assert (0, run.report.head.seq) == (run.exit_code, run.report.reach.through)


async def test_of_runs_that_race_each_hears_what_the_other_found(kept, folder, there):
    """What one run found while another went on is known to the run after both."""
    await kept.copy(folder)

    class Slow(MountedFolder):
        async def cautions(self):
            await kept.copy(folder, everything=True)
            return await super().cautions()

    overwrite(there / kept.file(3).relative_to(kept.root), b'{"posture":"KO"}')
    await kept.copy(Slow(there, kept.root))
    run = await kept.copy(folder)

    assert (4, [("CONFLICT", "posture.json")]) == (run.exit_code, kinds(run))


class Meanwhile(MountedFolder):
    """A place at which something happens just before it is listed, so many times."""

    def __init__(self, there, kept, happens, times=1):
        """Let this happen to that record and its copy."""
        super().__init__(there, kept.root)
        self.happens, self.left = happens, times

    async def listing(self, wanted):
        """Let it happen, and list."""
        if self.left:
            self.left -= 1
            await self.happens()
        return await super().listing(wanted)


@pytest.mark.parametrize("times", [1, 3])
async def test_what_is_recorded_and_copied_meanwhile_is_not_another_record(
    kept, folder, there, times
):
    """A run that knows fewer lines than another already copied reads the ledger once more."""

    async def record_and_copy():
        kept.add()
        other = await kept.copy(folder)
        assert (0, True) == (other.exit_code, other.report.complete)

    run = await kept.copy(Meanwhile(there, kept, record_and_copy, times))

    assert (0, [], "") == (run.exit_code, kinds(run), run.report.failure)
    account = orjson.loads((kept.root / run.entry.path / "run.json").read_bytes())
    reach = run.report.reach
    # What the other run recorded of itself came last, and is copied too.
    assert (RUNS + 2 * times, 0) == (reach.through, reach.pending)
    assert [(reach.runs, reach.runs)] == [(c["asked"], c["obtained"]) for c in account["coverage"]]
    assert restore(there).intact


async def test_a_record_rewritten_while_it_grows_is_found_by_its_copy(kept, folder, there):
    """That lines were recorded meanwhile excuses none which the record has lost or changed."""
    await kept.copy(folder)
    before = everything(there)
    ledger = kept.root / "audit_artifacts/ledger.jsonl"
    overwrite(ledger, b"".join(ledger.read_bytes().splitlines(keepends=True)[:3]))
    with pytest.raises(StorageError, match="is not that ledger"):
        await kept.copy(folder)  # in the process that knew the lines nothing is copied at all
    kept = KeptRecord(kept.root, kept.now)  # as a later command knows it

    async def record():
        kept.add()

    run = await kept.copy(Meanwhile(there, kept, record, 2))

    assert (4, ["ANOTHER_RECORD"]) == (run.exit_code, [k for k, _ in kinds(run)])
    assert before == everything(there)


async def test_a_tampered_segment_is_found(kept, folder, there):
    """The copied ledger itself is read back like every file."""
    await kept.copy(folder)
    segment = next((there / "ledger").iterdir())
    overwrite(segment, segment.read_bytes().replace(b"intraday", b"extraday"))
    run = await kept.copy(folder, everything=True)

    assert (4, [("CONFLICT", segment.name)]) == (run.exit_code, kinds(run))


@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        pytest.param(lambda p: overwrite(p, b"x"), "ALTERED_HERE", id="altered"),
        pytest.param(remove, "MISSING_HERE", id="missing"),
    ],
)
async def test_what_is_not_as_recorded_here_is_never_sent(kept, folder, there, harm, kind):
    """An altered or missing file is named and keeps nothing else back."""
    name = kept.file(1).relative_to(kept.root)
    harm(kept.file(1))
    run = await kept.copy(folder)

    assert (4, [(kind, "posture.json")]) == (run.exit_code, kinds(run))
    assert not (there / name).exists()
    assert (1, 4) == (run.report.reach.through, run.report.reach.runs)


async def test_two_records_never_share_a_copy(kept, folder, there, tmp_path):
    """A place that holds the copy of another record gets nothing, and keeps what it has."""
    await kept.copy(folder)
    before = everything(there)
    other = KeptRecord(tmp_path / "other", kept.now)
    other.add(7)
    run = await other.copy(folder)

    assert (4, [("ANOTHER_RECORD", "durable_copy.json")]) == (run.exit_code, kinds(run))
    assert "nothing was sent" in run.report.failure
    assert before == everything(there)


async def test_a_place_of_another_record_is_not_marked(kept, folder, there, tmp_path):
    """Where segments of another record are, no marker is left that would lock their owner out."""
    await kept.copy(folder)
    (there / "durable_copy.json").unlink()
    before = everything(there)
    other = KeptRecord(tmp_path / "other", kept.now)
    other.add(7)
    run = await other.copy(folder)

    assert (4, {"ANOTHER_RECORD"}) == (run.exit_code, {k for k, _ in kinds(run)})
    assert before == everything(there)


@pytest.mark.parametrize("lines", [3, 6], ids=["tail cut off", "tail rewritten"])
async def test_a_record_that_was_cut_or_rewritten_is_found_by_its_copy(kept, folder, there, lines):
    """What no check of the record alone can find: its newest runs taken away with their lines."""
    await kept.copy(folder)
    before = everything(there)
    ledger = kept.root / "audit_artifacts/ledger.jsonl"
    held = ledger.read_bytes().splitlines(keepends=True)
    overwrite(ledger, b"".join(held[:3]))
    rewritten = KeptRecord(kept.root, kept.now)
    rewritten.add(lines - 3)
    run = await rewritten.copy(folder)

    assert (4, ["ANOTHER_RECORD"]) == (run.exit_code, [k for k, _ in kinds(run)])
    assert before == everything(there)


async def test_a_broken_ledger_is_told_and_what_is_whole_is_copied(kept, folder, there):
    """A line of our own that was removed is named; the others' files are safe elsewhere."""
    ledger = kept.root / "audit_artifacts/ledger.jsonl"
    held = ledger.read_bytes().splitlines(keepends=True)
    overwrite(ledger, b"".join([*held[:2], *held[3:]]))
    run = await kept.copy(folder)

    assert (4, "CHAIN_BROKEN") == (run.exit_code, run.report.problems[0].kind)
    assert 4 == run.report.reach.runs
    assert 2 == len(list((there / "ledger").iterdir()))


async def test_an_empty_record_has_nothing_to_copy(tmp_path, there):
    """Before anything was recorded the copy is complete; afterwards it goes on."""
    kept = KeptRecord(tmp_path / "root")
    (tmp_path / "root").mkdir()
    run = await kept.copy(MountedFolder(there, kept.root))

    assert (0, 0) == (run.exit_code, run.report.sent.files)
    assert {} == everything(there)


async def test_a_full_disk_fails_loudly_and_the_next_run_goes_on(kept, tmp_path):
    """Whatever fits is copied and stays; nothing is half there; with room all of it is."""
    mount = tmp_path / "small"
    with small_disk(mount, "44k") as remount:
        folder = MountedFolder(mount, kept.root)
        run = await kept.copy(folder)

        assert 1 == run.exit_code
        assert "No space left" in run.report.failure
        assert 0 < run.report.sent.files < RUNS * 4
        recorded = everything(kept.root)
        copied = {n: c for n, c in everything(mount).items() if "ops_runs" in n}
        assert copied.items() <= recorded.items()
        assert [] == [n for n in everything(mount) if ".tmp-" in n]

        remount("size=4m")
        run = await kept.copy(folder)
        assert (0, RUNS + 1) == (run.exit_code, run.report.reach.through)
        assert 0 < run.report.found.files
        assert restore(mount).intact


async def test_a_read_only_mount_is_a_named_failure(kept, tmp_path):
    """A mount that cannot be written to is named with its remedy; nothing is lost here."""
    mount = tmp_path / "small"
    with small_disk(mount, "1m") as remount:
        remount("ro")
        run = await kept.copy(MountedFolder(mount, kept.root))

    assert 1 == run.exit_code
    assert "Read-only" in run.report.failure
    assert verify(kept.root).intact


async def test_a_run_that_takes_too_long_stops_and_the_next_goes_on(kept, folder):
    """When its time is over a run vouches for what it did; the next one begins behind that."""
    run = await kept.copy(folder, run_seconds=0.0)
    assert (1, 0, RUNS) == (run.exit_code, run.report.reach.through, run.report.reach.pending)
    assert "time was over" in run.report.failure

    assert (0, RUNS + 1) == ((r := await kept.copy(folder)).exit_code, r.report.reach.through)


class Ticking(MountedFolder):
    """A place at which each file that is read back takes a minute of the run's time."""

    async def digest(self, path: str) -> tuple[str, int]:
        """Let time pass on the loop's clock."""
        asyncio.get_running_loop().minutes += 1  # pyright: ignore[reportAttributeAccessIssue]
        return await super().digest(path)


@pytest.fixture
def ticking(monkeypatch):
    """Return the running loop a clock that can be put forward by minutes."""
    kind = asyncio.SelectorEventLoop
    real = kind.time
    monkeypatch.setattr(kind, "minutes", 0, raising=False)
    monkeypatch.setattr(kind, "time", lambda loop: real(loop) + 60 * loop.minutes)


async def test_reading_back_begins_where_the_last_run_stopped(kept, there, ticking):
    """Runs that have no time for all of it read back different parts, until all were."""
    await kept.copy(MountedFolder(there, kept.root))
    overwrite(there / kept.file(4).relative_to(kept.root), b'{"posture":"KO"}')
    place = Ticking(there, kept.root)
    found = []
    for _ in range(6):
        run = await kept.copy(place, everything=True, run_seconds=60.0 * 13)
        found.append(kinds(run))

    assert [] == found[0]
    assert [("CONFLICT", "posture.json")] == found[-1]


async def test_reading_back_everything_takes_as_long_as_it_takes(kept, there, ticking):
    """A person who asks for all of it gets all of it; the daily run ends after half an hour."""
    kept.add(10)
    await kept.copy(MountedFolder(there, kept.root))
    place = Ticking(there, kept.root)
    run = await kept.copy(place, everything=True)

    assert (0, (RUNS + 10) * 4 + 1) == (run.exit_code, run.report.reread.files)
    kept.add(20)
    assert "its time was over" in (await kept.copy(place)).report.failure


COPIER = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from mission_control.durable_copy.mounted_folder import MountedFolder
from tests.durable_copy.keeping import KeptRecord
class Halting(MountedFolder):
    left = int(sys.argv[4])
    async def create(self, path, content):
        if self.left == 0:
            sys.stdin.read()
        sent = await super().create(path, content)
        if sent:
            self.left -= 1
            print("created", flush=True)
        return sent
kept = KeptRecord(Path(sys.argv[1]))
print("begins", flush=True)
asyncio.run(kept.copy(Halting(Path(sys.argv[2]), kept.root)))
"""


def kill_after(files, root, there):
    """
    Copy in a process of its own, and kill that soon after it created so many files.

    It stops by itself a few files later, so that it never gets far on a machine on which we come
    late to kill it.
    """
    arguments = [root, there, Path(__file__).parents[2], files + 8]
    command = [sys.executable, "-c", COPIER, *map(str, arguments)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as copier:
        assert copier.stdout is not None
        told = [copier.stdout.readline() for _ in range(1 + files)]
        copier.send_signal(signal.SIGKILL)
    assert ["begins\n", *["created\n"] * files] == told


@pytest.mark.slow
async def test_killed_anywhere_a_copy_is_never_half_and_the_next_run_goes_on(tmp_path, there):
    """After SIGKILL in the middle no file there is half, and the run after completes the copy."""
    kept = KeptRecord(tmp_path / "root")
    kept.add(60)
    recorded = everything(kept.root)
    reached = set()
    for kill in range(8):
        kill_after(3 * kill, kept.root, there)
        copied = everything(there)
        whole = {n: c for n, c in copied.items() if "ops_runs" in n and ".tmp-" not in n}
        assert whole.items() <= {**recorded, **everything(kept.root)}.items()
        reached.add(len(whole))
    kept.now = kept.now.replace(hour=23)
    for left in there.rglob(".tmp-*"):
        os.utime(left, (0, 0))
    run = await kept.copy(MountedFolder(there, kept.root, clock=lambda: kept.now))

    assert (0, True) == (run.exit_code, run.report.complete)
    assert 6 < len(reached)
    assert [] == [n for n in everything(there) if ".tmp-" in n]
    assert restore(there).intact


async def test_a_store_is_copied_to_and_not_sent_to_twice(kept, s3_server, credentials):
    """The same job keeps a copy in an S3-compatible store; equal content is never sent again."""
    bucket = s3_server.bucket()
    store = store_at(s3_server.url, bucket, credentials)
    first = await kept.copy(store)
    second = await kept.copy(store, everything=True)

    name = kept.file(2).relative_to(kept.root)
    assert kept.file(2).read_bytes() == s3_server.get(f"{bucket}/floor/copy/{name}")
    assert (0, 0) == (first.exit_code, second.exit_code)
    assert (len(first.entry.files) + 1, RUNS * 4 + 1) == (
        second.report.sent.files,
        second.report.reread.files,
    )
    assert RUNS + 1 == second.report.reach.through
    for run in (first, second):
        held = everything(kept.root / run.entry.path)
        assert not [n for n, c in held.items() if SECRET.encode() in c]


async def test_a_tampered_object_is_found_and_left_as_it_is(kept, s3_server, credentials):
    """An object that was overwritten behind our back is named, also where its size is right."""
    bucket = s3_server.bucket()
    store = store_at(s3_server.url, bucket, credentials)
    await kept.copy(store)
    place = f"{bucket}/floor/copy/{kept.file(2).relative_to(kept.root)}"
    s3_server.put(place, b'{"posture":"KO"}')
    run = await kept.copy(store, everything=True)

    assert (4, [("CONFLICT", "posture.json")]) == (run.exit_code, kinds(run))
    assert b'{"posture":"KO"}' == s3_server.get(place)
    s3_server.remove(place)
    assert [("GONE", "posture.json")] == kinds(await kept.copy(store))
    assert 0 == (await kept.copy(store, everything=True)).exit_code


class LosingPatience:
    """A store that is waited for while the weather on its line is fair, and soon left after."""

    def __init__(self, line, bucket, credentials):
        """Speak over this line."""
        self._line = line
        self._patient = store_at(line.url, bucket, credentials, seconds=5.0)
        self._hasty = store_at(line.url, bucket, credentials, seconds=1.0)

    def __getattr__(self, name):
        """Do what a store does."""
        return getattr(self._patient if self._line.weather == "fair" else self._hasty, name)


@pytest.mark.parametrize("weather", ["cut", "hang", "broken"])
@pytest.mark.parametrize("request_number", [17, 18], ids=["sending", "reading back"])
async def test_a_store_that_fails_in_the_middle_loses_nothing(
    kept, s3_server, credentials, weather, request_number
):
    """What was sent before stays, the failure is named and recorded, and the next run goes on."""
    bucket = s3_server.bucket()
    async with line_to(s3_server) as line:
        line.after = (request_number, weather)
        run = await kept.copy(LosingPatience(line, bucket, credentials))
        assert 1 == run.exit_code
        assert "3 failures in a row" in run.report.failure
        assert 0 < run.report.sent.files < RUNS * 4
        assert verify(kept.root).intact

        line.after, line.weather = None, "fair"
        run = await kept.copy(store_at(line.url, bucket, credentials))

    assert (0, RUNS + 1) == (run.exit_code, run.report.reach.through)
    assert 0 < run.report.found.files


async def test_copies_that_race_agree(kept, s3_server, credentials):
    """Two processes that copy at once both end well: each finds what the other sent."""
    bucket = s3_server.bucket()
    stores = [store_at(s3_server.url, bucket, credentials) for _ in range(2)]
    runs = await asyncio.gather(*(kept.copy(s) for s in stores))

    assert [0, 0] == [r.exit_code for r in runs]
    assert [()] * 2 == [r.report.problems for r in runs]


class OverwritingFolder(MountedFolder):
    """A place that claims to have created whatever it is asked to, as stores of old do."""

    async def create(self, path: str, content: bytes) -> bool:
        """Overwrite without a word."""
        target = Path(self.name) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return True


async def test_a_place_that_overwrites_gets_nothing(kept, there):
    """A store that does not refuse to overwrite is found out before anything is sent to it."""
    run = await kept.copy(OverwritingFolder(there, kept.root))

    assert 1 == run.exit_code
    assert "overwrites what is there" in run.report.failure
    assert ["durable_copy.json"] == list(everything(there))


async def test_a_record_that_cannot_be_written_fails_the_job(kept, folder):
    """A run of copying that cannot be recorded is an error of the job, loudly."""
    (kept.root / "audit_artifacts/ops_runs").rename(kept.root / "audit_artifacts/moved")
    (kept.root / "audit_artifacts/ops_runs").write_bytes(b"")

    with pytest.raises(StorageError):
        await kept.copy(folder)


async def test_a_demo_says_so(kept, folder):
    """What belongs to a simulated floor is labelled in the report itself."""
    kept.parts = replace(kept.parts, label="DEMO")
    run = await kept.copy(folder)

    recorded = kept.root / run.entry.path
    assert "DEMO" == orjson.loads((recorded / "durable_copy.json").read_bytes()).get("label")
    assert "**DEMO**" in (recorded / "durable_copy.md").read_text()
