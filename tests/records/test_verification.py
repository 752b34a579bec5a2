"""Record: whatever is changed, removed, added, reordered or cut off is named."""

import os
import random
import shutil
from datetime import timedelta

import pytest

from mission_control.errors import StorageError
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.artifact_store import ArtifactStore
from mission_control.records.folder import Folder
from mission_control.records.ledger import FOLDER, Ledger, Recorded
from mission_control.records.model import ArtifactFile, Collection, DiscrepancyKind
from mission_control.records.verification import verify
from tests.records.runs import NOW, facts, record

LEDGER = "audit_artifacts/ledger.jsonl"
FLIPS = 500


@pytest.fixture
def root(tmp_path):
    """Return a root with some runs, a single file, and a view."""
    for number in range(4):
        record(tmp_path, NOW + timedelta(minutes=15 * number))
    latest = {"readiness_report.md": b"view"}
    record(tmp_path, NOW + timedelta(hours=2), {"tiny.txt": b"tiny"}, latest=latest)
    both = {".md": (b"# Replay\n",), ".json": (b"{}",)}
    ArtifactStore(tmp_path).write_files(
        Collection.REPLAYS, "20261120T133000Z_replay", both, facts()
    )
    for path in [tmp_path, *tmp_path.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return tmp_path


def evidence(root):
    """List every file that is evidence, the ledger included."""
    views = {"readiness_report.md", ".ledger.lock"}
    return sorted(p for p in root.rglob("*") if p.is_file() and p.name not in views)


def flip(path, bit):
    """Turn one bit of a file."""
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def kinds(root):
    """Return what verification names: kinds by path."""
    return {(d.path, d.kind) for d in verify(root).discrepancies}


def named(root, path):
    """Return whether verification names a path."""
    return any(d.path == str(path.relative_to(root)) for d in verify(root).discrepancies)


def test_what_is_as_it_was_recorded_is_intact(root):
    """An untouched store verifies, and says how much it checked."""
    found = verify(root)

    assert ((), 6, 22) == (found.discrepancies, found.runs, found.files)
    assert 6 == found.head.seq


def test_a_file_that_keeps_a_folder_in_git_is_no_discrepancy(root):
    """An empty placeholder beside the runs is none of them; with content, or in a run, it is."""
    runs = root / "audit_artifacts/ops_runs"
    (root / "audit_artifacts/blueprints").mkdir()
    for place in (root / "audit_artifacts", runs, root / "audit_artifacts/blueprints"):
        (place / ".gitkeep").touch()
    (root / "ops/lkg").mkdir(parents=True)
    (root / "ops/lkg/.keep").touch()

    assert () == verify(root).discrepancies
    inside = next(p for p in runs.iterdir() if p.is_dir()) / ".gitkeep"
    inside.touch()
    (runs / ".gitkeep").write_text("evidence")
    (root / "audit_artifacts/replays/.gitkeep").symlink_to("/etc/hostname")
    assert named(root, inside)
    assert named(root, runs / ".gitkeep")
    assert named(root, root / "audit_artifacts/replays/.gitkeep")


def test_a_root_without_anything_is_intact(tmp_path):
    """Where nothing was recorded there is nothing wrong."""
    assert verify(tmp_path).intact
    assert verify(tmp_path / "not there").intact


def test_every_bit_of_a_small_file_counts(root):
    """Turning any single bit of a file is found, and turning it back ends that."""
    (tiny,) = root.rglob("tiny.txt")
    for bit in range(8 * len(tiny.read_bytes())):
        flip(tiny, bit)
        expected = {(str(tiny.relative_to(root)), DiscrepancyKind.ALTERED)}
        assert expected == kinds(root)
        flip(tiny, bit)
    assert verify(root).intact


def test_a_bit_in_every_file_counts(root):
    """One bit turned in each file, the ledger among them, is found and named for that file."""
    for path in evidence(root):
        flip(path, 8 * (path.stat().st_size // 2))
        assert named(root, path), path
        flip(path, 8 * (path.stat().st_size // 2))
    assert verify(root).intact


def test_bits_anywhere_count(root):
    """Five hundred seeded bits in any file: each is found and named."""
    chance = random.Random(9)
    files = evidence(root)
    for _ in range(FLIPS):
        path = chance.choice(files)
        bit = chance.randrange(8 * path.stat().st_size)
        flip(path, bit)
        assert named(root, path), (path, bit)
        flip(path, bit)
    assert verify(root).intact


def test_every_removed_file_is_missing(root):
    """Each file that is taken away is named (R9.4)."""
    for path in evidence(root):
        content = path.read_bytes()
        path.unlink()
        found = kinds(root)
        if str(path.relative_to(root)) == LEDGER:
            assert (LEDGER, DiscrepancyKind.TRUNCATED) in found
        else:
            assert (str(path.relative_to(root)), DiscrepancyKind.MISSING) in found
        path.write_bytes(content)
    assert verify(root).intact


@pytest.mark.parametrize(
    "where",
    [
        pytest.param("audit_artifacts/ops_runs/20261120T133000Z_intraday_sample/x.txt", id="run"),
        pytest.param("audit_artifacts/ops_runs/20261120T133000Z_intraday_sample/.x", id="hidden"),
        pytest.param("audit_artifacts/ops_runs/a b/x.txt", id="folder of a hostile name"),
        pytest.param("audit_artifacts/ops_runs/x.txt", id="collection"),
        pytest.param("audit_artifacts/replays/x.md", id="replays"),
        pytest.param("audit_artifacts/blueprints/1/x.md", id="a collection of its own"),
        pytest.param("audit_artifacts/x.txt", id="top"),
        pytest.param("ops/lkg/20261120T220000Z/lkg_manifest.yaml", id="capture"),
    ],
)
def test_an_added_file_is_unrecorded(root, where):
    """A file that no line names is named, wherever it is."""
    (root / where).parent.mkdir(parents=True, exist_ok=True)
    (root / where).write_bytes(b"x")

    assert {(where, DiscrepancyKind.UNRECORDED)} == kinds(root)


ODD_PATHS = [
    "/etc/passwd",
    "../x",
    "audit_artifacts/ops_runs/../../../etc/passwd",
    "audit_artifacts/ops_runs/a\0b/run.json",
    "audit_artifacts/ops_runs/a\nb/run.json",
    "audit_artifacts/ledger.jsonl",
    "history.sqlite3",
    "",
]


def forge(root, path):
    """Chain a line to the ledger that names a path of our choosing."""
    file = ArtifactFile(path=path, sha256="0" * 64, size=1)
    with (
        Folder.open(root) as folder,
        folder.descend(FOLDER) as records,
        Ledger(records).locked() as ledger,
    ):
        recorded = Recorded(NOW, "a_job", "audit_artifacts/ops_runs/x", None, (file,), None)
        ledger.append(recorded, ledger.head())
    return file


@pytest.mark.parametrize("path", ODD_PATHS, ids=repr)
def test_a_path_that_leads_out_of_the_record_is_named_as_that(root, path):
    """The ledger cannot make us look anywhere else, and what it names there is not "not there"."""
    forge(root, path)
    (found,) = [d for d in verify(root).discrepancies if d.path == path]

    assert (DiscrepancyKind.OUTSIDE, True) == (found.kind, "outside the record" in found.detail)


@pytest.mark.anyio
@pytest.mark.parametrize("path", ODD_PATHS[:5], ids=repr)
async def test_nothing_is_read_out_of_the_record(root, path):
    """Who asks for such a path is refused by name, and gets no byte of it."""
    file = forge(root, path)

    with pytest.raises(StorageError):
        await ArtifactReader(root, lambda: NOW).read(file, 1_000)


def test_added_folders_links_and_pipes_are_unrecorded(root):
    """Empty folders, symbolic links and what is no file at all are named and never followed."""
    run = root / "audit_artifacts/ops_runs/20261120T133000Z_intraday_sample"
    (run / "empty").mkdir()
    (run / "link").symlink_to("/etc/passwd")
    os.mkfifo(run / "pipe")
    (run / "loop").symlink_to(run)

    inside = str(run.relative_to(root))
    assert {
        (f"{inside}/{name}", DiscrepancyKind.UNRECORDED)
        for name in ("empty", "link", "pipe", "loop")
    } == kinds(root)


def test_a_file_replaced_by_a_link_to_the_same_bytes_is_named(root):
    """Recorded means that the file itself is there, not that something leads to its bytes."""
    (tiny,) = root.rglob("tiny.txt")
    twin = root / "twin.txt"
    tiny.rename(twin)
    tiny.symlink_to(twin)

    assert named(root, tiny)


def test_a_cut_file_is_truncated(root):
    """A file that lost its end is named as that, at every length."""
    (tiny,) = root.rglob("tiny.txt")
    content = tiny.read_bytes()
    for length in range(len(content)):
        tiny.write_bytes(content[:length])
        assert {(str(tiny.relative_to(root)), DiscrepancyKind.TRUNCATED)} == kinds(root)


def test_a_ledger_cut_anywhere_is_found(root):
    """A ledger that lost any part of its end is named, whole lines or not (R9.4)."""
    ledger = root / LEDGER
    content = ledger.read_bytes()
    for length in [*range(0, len(content), 37), len(content) - 1]:
        ledger.write_bytes(content[:length])
        assert any(path == LEDGER for path, _ in kinds(root)) or _only_the_last_is_gone(root)
    ledger.write_bytes(content)
    assert verify(root).intact


def _only_the_last_is_gone(root):
    """Without its last line exactly, what that line recorded is unrecorded; nothing follows it."""
    return any(kind is DiscrepancyKind.UNRECORDED for _, kind in kinds(root))


def test_an_older_copy_of_the_ledger_is_found(root):
    """A ledger put back as it was is given away by the runs that follow later lines (R9.4)."""
    ledger = root / LEDGER
    ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:2]))

    found = kinds(root)

    assert (LEDGER, DiscrepancyKind.TRUNCATED) in found
    assert DiscrepancyKind.UNRECORDED in {kind for _, kind in found}


def test_files_without_a_folder_give_a_cut_ledger_away(tmp_path):
    """Their account says which line they follow, as that of a run does (R9.4)."""
    record(tmp_path)
    ArtifactStore(tmp_path).write_files(Collection.REPLAYS, "x_replay", {".md": (b"#",)}, facts())
    (tmp_path / LEDGER).write_bytes(b"")

    assert (LEDGER, DiscrepancyKind.TRUNCATED) in kinds(tmp_path)


@pytest.mark.parametrize("first", range(5))
def test_reordered_lines_break_the_chain(root, first):
    """Any two neighbouring lines that change places are found."""
    ledger = root / LEDGER
    lines = ledger.read_bytes().splitlines(keepends=True)
    lines[first], lines[first + 1] = lines[first + 1], lines[first]
    ledger.write_bytes(b"".join(lines))

    assert (LEDGER, DiscrepancyKind.CHAIN_BROKEN) in kinds(root)


@pytest.mark.parametrize("gone", range(5))
def test_a_removed_line_breaks_the_chain(root, gone):
    """A line that is taken out is found, and so is what it recorded."""
    ledger = root / LEDGER
    lines = ledger.read_bytes().splitlines(keepends=True)
    del lines[gone]
    ledger.write_bytes(b"".join(lines))

    found = kinds(root)

    assert (LEDGER, DiscrepancyKind.CHAIN_BROKEN) in found
    assert DiscrepancyKind.UNRECORDED in {kind for _, kind in found}


def test_a_doubled_line_breaks_the_chain(root):
    """A line that is there twice is found."""
    ledger = root / LEDGER
    ledger.write_bytes(ledger.read_bytes() + ledger.read_bytes().splitlines(keepends=True)[-1])

    assert {(LEDGER, DiscrepancyKind.CHAIN_BROKEN)} == kinds(root)


def test_a_run_moved_elsewhere_is_missing_and_unrecorded(root):
    """A run under another name is not the run that was recorded."""
    run = root / "audit_artifacts/ops_runs/20261120T133000Z_intraday_sample"
    shutil.move(run, run.with_name("20261119T133000Z_intraday_sample"))

    assert {DiscrepancyKind.MISSING, DiscrepancyKind.UNRECORDED} == {k for _, k in kinds(root)}
