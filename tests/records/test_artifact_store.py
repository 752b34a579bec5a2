"""Record: a run is written once, whole, in its place and in the ledger, or not at all."""

import os
import stat
import subprocess
import threading
from contextlib import ExitStack
from datetime import timedelta

import orjson
import pytest

from mission_control.errors import StorageError
from mission_control.records.artifact_store import ArtifactStore
from mission_control.records.folder import Folder
from mission_control.records.model import Collection
from mission_control.records.run_draft import RunDraft, digest
from mission_control.records.verification import verify
from tests.records.runs import FILES, NOW, everything, facts, record

VIEW = "readiness_report.md"
RUN = "audit_artifacts/ops_runs/20261120T133000Z_intraday_sample"


def test_a_run_is_recorded_with_its_own_account(tmp_path):
    """
    Its folder holds its files, `run.json` and digests, read-only; the ledger names each (R1.5).
    """
    entry = record(tmp_path)

    account = orjson.loads((tmp_path / RUN / "run.json").read_bytes())
    modes = {stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / RUN).rglob("*") if p.is_file()}
    assert RUN == entry.path
    assert [f"{RUN}/{n}" for n in sorted(["SHA256SUMS", "run.json", *FILES])] == [
        f.path for f in entry.files
    ]
    assert {0o444} == modes
    assert (0, ["mission-control", "post-market"], {"seq": 0, "hash": "0" * 64}) == (
        account["exit_code"],
        account["command_line"],
        account["ledger_head"],
    )
    assert "2" * 64 == account["fleet_digest"]
    assert sorted(FILES) == [o["path"] for o in account["outputs"]]
    assert [{"what": "gamma-strategy", "reason": "TIMEOUT"}] == account["coverage"][0]["gaps"]
    assert verify(tmp_path).intact


def sha256sum(run):
    """Check a run's files as can be done without Mission Control."""
    return subprocess.run(
        ["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=run, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_sha256sum_can_check_a_runs_files(tmp_path):
    """`sha256sum -c` passes, covers every file but its own, and fails for one that was altered."""
    record(tmp_path)
    run = tmp_path / RUN
    passed = sha256sum(run)
    listed = {line.split("  ")[1] for line in (run / "SHA256SUMS").read_text().splitlines()}
    held = {str(p.relative_to(run)) for p in run.rglob("*") if p.is_file()}
    _rewrite(run / "logs/strategy-engine.log", b"x")

    assert (0, "") == (passed.returncode, passed.stderr)
    assert held - {"SHA256SUMS"} == listed
    assert "logs/strategy-engine.log: FAILED" in sha256sum(run).stdout


def test_a_run_of_before_it_had_digests_is_valid(tmp_path, monkeypatch):
    """It is verified and recovered without them; digests that are not its own recover nothing."""

    def finish(self, account):
        self.folder.write_once("run.json", account)
        return (digest("run.json", account),)

    with monkeypatch.context() as old:
        old.setattr(RunDraft, "finish", finish)
        record(tmp_path)
    assert verify(tmp_path).intact
    (tmp_path / "audit_artifacts/ledger.jsonl").unlink()
    _, (recovered,) = ArtifactStore(tmp_path).sweep(NOW)

    assert None is recovered.file_named("SHA256SUMS")
    assert verify(tmp_path).intact


def test_a_run_writes_neither_its_account_nor_its_digests(tmp_path):
    """Both names are ours."""
    for name in ("run.json", "SHA256SUMS"):
        with pytest.raises(StorageError, match="written when the run is recorded"):
            record(tmp_path, files={name: b""})


def test_equal_runs_are_equal_bytes(tmp_path):
    """The same run recorded below two roots gives the same bytes, ledger included (R9.5)."""
    for name in ("one", "two"):
        record(tmp_path / name)

    assert everything(tmp_path / "one") == everything(tmp_path / "two")


def test_two_in_one_second_get_names_of_their_own(tmp_path):
    """A name that is taken gets `-2`, then `-3`; nothing is overwritten."""
    paths = [record(tmp_path).path for _ in range(3)]

    assert [RUN, f"{RUN}-2", f"{RUN}-3"] == paths
    assert [1, 2, 3] == [
        orjson.loads(line)["seq"]
        for line in (tmp_path / "audit_artifacts/ledger.jsonl").read_bytes().splitlines()
    ]


def test_what_is_not_recorded_leaves_nothing(tmp_path):
    """A run whose writer fails before it is recorded is not there, and the next one is first."""

    def fail():
        with ArtifactStore(tmp_path).writing(Collection.OPS_RUNS) as run:
            run.write("posture.json", b"{}")
            raise LookupError

    with pytest.raises(LookupError):
        fail()

    assert {} == {k: v for k, v in everything(tmp_path).items() if "ledger.lock" not in k}
    assert 1 == record(tmp_path).seq


def test_a_file_is_written_once_only(tmp_path):
    """A second file of the same name is refused and the first is untouched (R9.1)."""
    with Folder.open(tmp_path) as folder:
        folder.write_once("a.txt", b"first")
        with pytest.raises(StorageError, match="File exists"):
            folder.write_once("a.txt", b"second")

    assert {"a.txt": b"first"} == everything(tmp_path)


REPLAY = {".md": (b"# Replay\n", b"x"), ".json": (b"{}",)}


def test_files_beside_each_other_are_recorded(tmp_path):
    """A replay has no folder of its own: one line, the first file's path, an account beside."""
    store = ArtifactStore(tmp_path)
    name = "20261120T133000Z_replay"
    first, second = (store.write_files(Collection.REPLAYS, name, REPLAY, facts()) for _ in range(2))
    below = "audit_artifacts/replays/20261120T133000Z_replay"
    held = everything(tmp_path)
    account = orjson.loads(held[f"{below}-2.run.json"])

    assert (f"{below}.md", f"{below}-2.md") == (first.path, second.path)
    assert [f"{below}{e}" for e in (".json", ".md", ".run.json")] == [f.path for f in first.files]
    assert (b"# Replay\nx", b"{}") == (held[f"{below}.md"], held[f"{below}.json"])
    assert {"seq": first.seq, "hash": first.hash} == account["ledger_head"]
    assert ["20261120T133000Z_replay-2.json", "20261120T133000Z_replay-2.md"] == [
        f["path"] for f in account["outputs"]
    ]
    assert verify(tmp_path).intact


def test_files_beside_each_other_are_whole_or_not_there(tmp_path):
    """One whose second file fails while it is made leaves nothing, and no line."""

    def breaks():
        yield b"{"
        raise LookupError

    with pytest.raises(LookupError):
        ArtifactStore(tmp_path).write_files(
            Collection.REPLAYS, "x_replay", {".md": (b"#",), ".json": breaks()}, facts()
        )

    assert {} == {k: v for k, v in everything(tmp_path).items() if "ledger.lock" not in k}


def test_a_planned_run_has_a_folder_of_its_own(tmp_path):
    """What may be recorded once only is refused without a folder."""
    with pytest.raises(StorageError, match="no planned run"):
        ArtifactStore(tmp_path).write_files(
            Collection.REPLAYS, "x", {".md": (b"#",)}, facts(once="x")
        )


def test_files_whose_writer_died_before_they_had_names_get_them(tmp_path, monkeypatch):
    """The line is there, the second name was not given: a sweep finds it by its digest."""
    real, named = Folder.name, []

    def dies(folder, temporary, name):
        named.append(name)
        if name.endswith(".json"):
            os.link(
                temporary, f"{temporary}-left",
                src_dir_fd=folder.descriptor, dst_dir_fd=folder.descriptor,
            )  # fmt: skip
            raise LookupError
        real(folder, temporary, name)

    monkeypatch.setattr(Folder, "name", dies)
    with pytest.raises(LookupError):
        ArtifactStore(tmp_path).write_files(Collection.REPLAYS, "x_replay", REPLAY, facts())
    monkeypatch.setattr(Folder, "name", real)
    ArtifactStore(tmp_path).sweep(NOW)

    assert ["x_replay.md", "x_replay.json"] == named
    assert b"{}" == everything(tmp_path)["audit_artifacts/replays/x_replay.json"]
    assert ["audit_artifacts/replays/x_replay.run.json"] == [
        d.path for d in verify(tmp_path).discrepancies
    ]


def test_a_latest_view_is_replaced_whole(tmp_path):
    """A latest view shows the newest bytes; it is in no ledger and verification leaves it alone."""
    for content in (b"old", b"new"):
        record(tmp_path, latest={VIEW: content})

    assert b"new" == everything(tmp_path)[f"audit_artifacts/{VIEW}"]
    assert verify(tmp_path).intact


def test_a_run_that_is_slower_never_shows_over_a_newer_one(tmp_path, monkeypatch):
    """The views are those of the newest line: a run recorded meanwhile waits its turn."""
    real = Folder.replace
    other = threading.Thread(target=record, args=(tmp_path,), kwargs={"latest": {VIEW: b"NO-GO"}})

    def slow(folder, name, content):
        if content == b"GO":
            other.start()
            other.join(0.5)  # it would be done by then, if nothing held it
        real(folder, name, content)

    monkeypatch.setattr(Folder, "replace", slow)
    record(tmp_path, latest={VIEW: b"GO"})
    other.join()

    assert b"NO-GO" == (tmp_path / "audit_artifacts" / VIEW).read_bytes()


def test_a_view_that_cannot_be_replaced_costs_no_run(tmp_path, monkeypatch, caplog):
    """What was recorded stays recorded; that an older run is shown still is logged."""
    record(tmp_path, latest={VIEW: b"old"})

    def full(folder, name, content):
        raise StorageError("No space left on device", path=name)

    monkeypatch.setattr(Folder, "replace", full)
    entry = record(tmp_path, latest={VIEW: b"new"})

    assert 2 == entry.seq
    assert b"old" == (tmp_path / "audit_artifacts" / VIEW).read_bytes()
    assert "still shows an older run: readiness_report.md: No space left" in caplog.text
    assert verify(tmp_path).intact


@pytest.mark.parametrize(
    "name", ["x.md", "../x", "/etc/passwd", "", "ledger.jsonl", "lkg_metadata.json"]
)
def test_only_latest_views_are_ever_replaced(tmp_path, name):
    """Nothing but the known views of that collection is shown, whatever files are called (R9.1)."""
    record(tmp_path)
    before = set(everything(tmp_path))
    record(tmp_path, latest={name: b"forged"})
    added = set(everything(tmp_path)) - before

    assert {"ops_runs"} == {path.split("/")[1] for path in added}
    assert verify(tmp_path).intact


HOSTILE = [
    pytest.param("../escape", id="parent"),
    pytest.param("a/../../escape", id="parent below"),
    pytest.param("/etc/cron.d/x", id="absolute"),
    pytest.param("", id="empty"),
    pytest.param(".", id="dot"),
    pytest.param("..", id="dots"),
    pytest.param(".hidden", id="hidden"),
    pytest.param("a//b", id="empty part"),
    pytest.param("a\x00b", id="null"),
    pytest.param("a\nb", id="line feed"),
    pytest.param("a b", id="space"),
    pytest.param("\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe", id="bidi"),
    pytest.param("-rf", id="looks like a flag"),
    pytest.param("x" * 300, id="too long"),
    pytest.param("a/b/c/d/e/f", id="too deep"),
    pytest.param("run.json", id="the account itself"),
]


@pytest.mark.parametrize("path", HOSTILE)
def test_hostile_names_are_refused(tmp_path, path):
    """A name that could leave its folder, hide or deceive is refused before anything is written."""
    root = tmp_path / "root"
    with (
        pytest.raises(StorageError),
        ArtifactStore(root).writing(Collection.OPS_RUNS) as run,
    ):
        run.write(path, b"x")

    assert ["root"] == [p.name for p in tmp_path.iterdir()]
    assert [] == [name for name in everything(root) if not name.endswith(".ledger.lock")]


@pytest.mark.parametrize("where", ["audit_artifacts", "audit_artifacts/ops_runs"])
def test_a_symbolic_link_is_not_followed(tmp_path, where):
    """A link where a folder belongs is refused, and nothing is written where it leads."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = tmp_path / "root" / where
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)

    with pytest.raises(StorageError, match="symbolic link"):
        record(tmp_path / "root")

    assert [] == list(elsewhere.iterdir())


def test_a_link_in_place_of_the_ledger_is_not_followed(tmp_path):
    """A ledger that is a link elsewhere takes no line, and no run is left without one."""
    (tmp_path / "root/audit_artifacts").mkdir(parents=True)
    victim = tmp_path / "victim"
    victim.write_bytes(b"")
    (tmp_path / "root/audit_artifacts/ledger.jsonl").symlink_to(victim)

    with pytest.raises(StorageError):
        record(tmp_path / "root")

    assert b"" == victim.read_bytes()
    assert [] == [name for name in everything(tmp_path / "root") if "run.json" in name]


def test_nothing_is_chained_to_a_line_that_is_not_ours(tmp_path):
    """Where the ledger's last line was altered, recording fails loudly and changes nothing."""
    record(tmp_path)
    ledger = tmp_path / "audit_artifacts/ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes().replace(b"intraday", b"interday"))
    before = everything(tmp_path)

    with pytest.raises(StorageError, match="verify"):
        record(tmp_path, NOW + timedelta(minutes=15))
    with pytest.raises(StorageError, match="verify"):
        ArtifactStore(tmp_path).check()

    assert before == everything(tmp_path)


def test_a_line_that_was_never_finished_is_moved_aside(tmp_path):
    """After a crash amid a line the next run is chained to the last whole one, and all is kept."""
    record(tmp_path)
    ledger = tmp_path / "audit_artifacts/ledger.jsonl"
    whole = ledger.read_bytes()
    ledger.write_bytes(whole + whole[:40])

    entry = record(tmp_path, NOW + timedelta(minutes=15))

    assert 2 == entry.seq
    assert whole[:40] == (tmp_path / "audit_artifacts/ledger.torn-1").read_bytes()
    assert verify(tmp_path).intact


def test_a_run_whose_line_was_lost_gets_it_at_the_next_start(tmp_path):
    """A run that is whole, and whose writer died before its line, is recorded as recovered."""
    record(tmp_path)
    ledger = tmp_path / "audit_artifacts/ledger.jsonl"
    whole = ledger.read_bytes()
    record(tmp_path, NOW + timedelta(minutes=15))
    ledger.write_bytes(whole)

    removed, recovered = ArtifactStore(tmp_path).sweep(NOW + timedelta(hours=1))

    assert ([], [(2, True)]) == (removed, [(e.seq, e.recovered) for e in recovered])
    assert recovered[0].file_named("SHA256SUMS")
    assert verify(tmp_path).intact


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda run: (run / "posture.json").unlink(), id="file missing"),
        pytest.param(lambda run: (run / "more.json").write_bytes(b"{}"), id="file added"),
        pytest.param(
            lambda run: _rewrite(run / "posture.json", b'{"posture":"HALTED"}'), id="file altered"
        ),
        pytest.param(
            lambda run: _rewrite(
                run / "run.json",
                (run / "run.json").read_bytes().replace(b'"hash":"', b'"hash":"f'),
            ),
            id="account follows another ledger",
        ),
        pytest.param(
            lambda run: _rewrite(run / "SHA256SUMS", b""), id="digests that are not its own"
        ),
        pytest.param(lambda run: (run / "link").symlink_to("/etc/passwd"), id="holds a link"),
    ],
)
def test_only_a_run_that_is_what_it_says_is_recovered(tmp_path, spoil):
    """An unrecorded folder that does not agree with its own account stays unrecorded."""
    record(tmp_path)
    (tmp_path / "audit_artifacts/ledger.jsonl").unlink()
    run = tmp_path / RUN
    run.chmod(0o755)
    spoil(run)

    _, recovered = ArtifactStore(tmp_path).sweep(NOW)

    assert [] == recovered
    assert not verify(tmp_path).intact


def _rewrite(path, content):
    path.chmod(0o644)
    path.write_bytes(content)


def test_a_sweep_takes_nothing_that_is_being_written(tmp_path):
    """What a living process is writing has its lock held and is left alone."""
    store = ArtifactStore(tmp_path)
    with store.writing(Collection.OPS_RUNS) as run:
        run.write("posture.json", b"{}")
        removed, _ = store.sweep(NOW)
        entry = run.record(facts(), "20261120T133000Z_intraday_sample")

    assert ([], 1) == (removed, entry.seq)


def test_a_folder_that_is_swept_before_it_is_locked_is_made_again(tmp_path, monkeypatch):
    """A sweep of another process takes it for abandoned; the run is written all the same."""
    real, swept = os.mkdir, []

    def mkdir(name, *args, **kwargs):
        real(name, *args, **kwargs)
        if str(name).startswith(".tmp-") and not swept:
            swept.extend(ArtifactStore(tmp_path).sweep(NOW)[0])

    monkeypatch.setattr(os, "mkdir", mkdir)
    entry = record(tmp_path)

    assert (1, 1) == (entry.seq, len(swept))
    assert verify(tmp_path).intact


def test_a_sweep_that_finds_a_draft_just_given_up_takes_nothing(tmp_path, monkeypatch):
    """Its owner removes it between the sweep's look and its try for the lock."""
    store, real = ArtifactStore(tmp_path), os.open
    with ExitStack() as stack:
        run = stack.enter_context(store.writing(Collection.OPS_RUNS))

        def opened(name, *args, **kwargs):
            descriptor = real(name, *args, **kwargs)
            if name == run.draft.name:
                monkeypatch.undo()
                stack.close()
            return descriptor

        monkeypatch.setattr(os, "open", opened)
        removed, _ = store.sweep(NOW)

    assert [] == removed
    assert verify(tmp_path).intact


def test_a_sweep_that_comes_as_a_draft_is_given_up_takes_nothing(tmp_path, monkeypatch):
    """What its owner removes is locked until it is gone."""
    store, real, swept = ArtifactStore(tmp_path), os.unlink, list[list[str]]()

    def unlink(name, *args, **kwargs):
        if str(name).startswith(".tmp-"):
            swept.append(store.sweep(NOW)[0])
        return real(name, *args, **kwargs)

    with store.writing(Collection.OPS_RUNS) as run:
        run.write("posture.json", b"{}")
        monkeypatch.setattr(os, "unlink", unlink)

    assert swept
    assert [] == [name for names in swept for name in names]
    assert verify(tmp_path).intact


def test_a_sweep_removes_what_a_dead_process_left(tmp_path):
    """Hidden leftovers whose lock is free are removed, read-only folders among them."""
    record(tmp_path)
    left = tmp_path / "audit_artifacts/ops_runs/.tmp-dead"
    (left / "logs").mkdir(parents=True)
    (left / "logs/a.log").write_bytes(b"x")
    (left / "logs").chmod(0o555)
    left.chmod(0o555)
    (tmp_path / "audit_artifacts/.tmp-file").write_bytes(b"half")

    removed, _ = ArtifactStore(tmp_path).sweep(NOW)

    assert ["audit_artifacts/.tmp-file", "audit_artifacts/ops_runs/.tmp-dead"] == removed
    assert verify(tmp_path).intact
    assert not left.exists()


def test_a_check_leaves_nothing_behind(tmp_path):
    """Proving that one could write leaves only the lock."""
    ArtifactStore(tmp_path).check()

    assert {"audit_artifacts/.ledger.lock": b""} == everything(tmp_path)


def test_nothing_is_held_open(tmp_path):
    """Recording, checking and sweeping give every file descriptor back."""
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  (a count of descriptors)
    for _ in range(5):
        record(tmp_path)
        ArtifactStore(tmp_path).check()
        ArtifactStore(tmp_path).sweep(NOW)
        verify(tmp_path)

    assert before == len(os.listdir("/proc/self/fd"))  # noqa: PTH208
