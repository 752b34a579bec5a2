"""Where records go: full, read-only, new or another user's, each is reported as such."""

import json
import os
import subprocess
from contextlib import contextmanager

import pytest

from mission_control.cli.main import cli
from tests.cli.test_doctor import two_ports
from tests.real_parts import lacking

RECORDING = {
    "deploy report": ("deploy-report",),
    "capture": ("lkg", "capture"),
    "config snapshot": ("config-snapshot",),
    "blueprint": ("blueprint",),
    "pre-market": ("pre-market",),
    "post-market": ("post-market",),
    "attestation": ("attest",),
    "retention": ("artifacts", "retention"),
    "copy": ("artifacts", "copy"),
    "readiness": ("readiness",),
}


@contextmanager
def small_root(path, *, full):
    """Mount a root that is full, or read-only; it holds a record that began well."""
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        lacking("mounting a small file system needs root (CAP_SYS_ADMIN)")
    try:
        (path / "audit_artifacts").mkdir()
        if full:
            with (path / "filler").open("wb", buffering=0) as filler:
                while True:
                    try:
                        filler.write(b"x" * 4096)
                    except OSError:
                        break
        else:
            subprocess.run(["mount", "-o", "remount,ro", str(path)], check=True)
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


@pytest.mark.parametrize("full", [True, False], ids=["disk full", "read-only"])
@pytest.mark.parametrize("command", RECORDING.values(), ids=RECORDING.keys())
def test_a_root_that_takes_nothing_is_told_as_that(floor, tmp_path, command, full):
    """NOT RECORDED, the path and the remedy; 1 as documented, 3 of readiness, and never a bug."""
    served = floor("calm")
    root = tmp_path / "small"
    served.environ["MISSION_CONTROL_ROOT"] = str(root)
    served.environ["MISSION_CONTROL_DURABLE_COPY"] = str(tmp_path / "mount")
    (tmp_path / "mount").mkdir()
    with small_root(root, full=full):
        result = served.run(*command)
    remedy = "free some space" if full else "mount that file system writable"

    assert (3 if command == ("readiness",) else 1) == result.exit_code, result.output
    assert isinstance(result.exception, SystemExit)
    assert "NOT RECORDED" in result.stderr
    assert f"{root}/" in result.stderr
    assert remedy in result.stderr
    assert "Internal error" not in result.stderr


def test_a_report_that_cannot_be_recorded_is_shown_all_the_same(floor, tmp_path):
    """The report is still shown, with a word that it is not recorded."""
    served = floor("calm")
    served.environ["MISSION_CONTROL_ROOT"] = str(tmp_path / "small")
    with small_root(tmp_path / "small", full=True):
        result = served.run("deploy-report", "--json")

    assert json.loads(result.stdout)["workloads"]
    assert "Recorded as" not in result.stderr


def test_whatever_meets_a_record_that_fails_says_so(run, tmp_path):
    """Also a command that has no words of its own for it, as JSON too; the help names the code."""
    root = tmp_path / "root"
    (root / "audit_artifacts/ledger.jsonl").mkdir(parents=True)
    plain = run("reports", "diff", "--root", root)
    shown = json.loads(run("reports", "diff", "--root", root, "--json").stderr)["error"]

    assert (1, True) == (plain.exit_code, plain.stderr.startswith("The record failed: "))
    assert ("storage", True) == (shown["code"], str(root) in shown["path"])
    assert "NOT RECORDED" in run("--help").stdout
    assert cli.name


def test_a_new_record_is_said_at_its_beginning(floor, tmp_path):
    """A typo in the root begins a second ledger: said on stderr, with the one that may be meant."""
    served = floor("calm")
    right, typo = tmp_path / "records", tmp_path / "recrods"
    shown = []
    for root in (right, right, typo):
        served.environ["MISSION_CONTROL_ROOT"] = str(root)
        shown.append(served.run("blueprint").stderr)
    first, again, new = shown

    assert f"there is no record in {right} yet" in first
    assert "there is no record" not in again
    assert f"there is no record in {typo} yet" in new
    assert f"did you mean {right}?" in new


def checks_of(result):
    """Return the doctor's checks by subject."""
    return {c["subject"]: c for c in json.loads(result.stdout)["checks"]}


def test_doctor_tells_a_root_without_a_record(floor, tmp_path):
    """Empty it is fine and named; beside a record it is a warning; missing it fails."""
    served, found = floor("calm"), []
    right, typo = tmp_path / "records", tmp_path / "recrods"
    right.mkdir()
    typo.mkdir()
    for root in (right, right, typo, typo / "missing"):
        served.environ["MISSION_CONTROL_ROOT"] = str(root)
        found.append(checks_of(served.run("doctor", *two_ports(), "--json"))["root"])
        if len(found) == 1:
            served.run("blueprint")
    empty, held, beside, missing = found

    assert "begins a new one" in empty["detail"]
    assert ("PASS", False) == (held["outcome"], "no record" in held["detail"])
    assert ("WARN", True) == (beside["outcome"], f"did you mean {right}" in beside["detail"])
    assert ("FAIL", True) == (missing["outcome"], "there is no record" in missing["detail"])


def test_doctor_and_commands_name_another_users_root(floor, tmp_path):
    """As root in what is another's, and what there is in that user's way, with the remedy."""
    if os.geteuid():
        lacking("giving a root to another user needs root")
    served = floor("calm")
    served.run("blueprint")
    os.chown(tmp_path, 65534, 65534)
    checks = checks_of(served.run("doctor", *two_ports(), "--json"))
    shown = served.run("blueprint").stderr

    assert ("WARN", "WARN") == (checks["owner"]["outcome"], checks["files"]["outcome"])
    assert "sudo -u nobody" in checks["owner"]["remedy"]
    assert "chown -R" in checks["files"]["remedy"]
    assert "audit_artifacts (uid 0) belongs to another user" in checks["files"]["detail"]
    assert "we are root and" in shown.replace("\n", " ")


@pytest.mark.parametrize("root", ["/proc", "/sys"])
def test_doctor_refuses_a_root_of_the_kernels(floor, root):
    """That it cannot be recorded there is no pass."""
    served = floor("calm")
    served.environ["MISSION_CONTROL_ROOT"] = root
    store = checks_of(served.run("doctor", *two_ports(), "--json"))["store"]

    assert ("FAIL", True) == (store["outcome"], "file system of the kernel's" in store["detail"])


def test_doctor_names_a_root_without_hard_links(floor, tmp_path, monkeypatch):
    """Also where nothing was recorded yet, and nothing is left of the try."""

    def no_links(*_given, **_how):
        raise PermissionError(1, "Operation not permitted")

    served = floor("calm")
    (tmp_path / "bare").mkdir()
    served.environ["MISSION_CONTROL_ROOT"] = str(tmp_path / "bare")
    monkeypatch.setattr(os, "link", no_links)
    store = checks_of(served.run("doctor", *two_ports(), "--json"))["store"]

    assert ("FAIL", True) == (store["outcome"], "takes no hard link" in store["detail"])
    assert [] == list((tmp_path / "bare").iterdir())
