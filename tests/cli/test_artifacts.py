"""Command line: what was recorded is listed and verified without any fleet."""

import json
from datetime import timedelta

import pytest

from tests.records.runs import NOW, record


@pytest.fixture
def root(tmp_path):
    """Return a root with three runs."""
    for number in range(3):
        record(tmp_path / "root", NOW + timedelta(minutes=15 * number))
    return tmp_path / "root"


def test_runs_are_listed(run, root):
    """The list names number, instant, job, session and path, newest first."""
    result = run("artifacts", "list", "--root", str(root), "--limit", "2")

    lines = result.stdout.splitlines()
    assert 0 == result.exit_code
    assert ["3", "2"] == [line.split()[0] for line in lines[:2]]
    assert "20261120T140000Z_intraday_sample" in lines[0]
    assert lines[-1].startswith("and 1 more")


def test_the_list_is_json_as_well(run, root):
    """As JSON the list holds every file with its digest."""
    result = run("artifacts", "list", "--root", str(root), "--json", "--session-date", "2026-11-20")

    document = json.loads(result.stdout)
    assert (3, [3, 2, 1]) == (document["total"], [r["seq"] for r in document["runs"]])
    assert 64 == len(document["runs"][0]["files"][0]["sha256"])


def test_nothing_recorded_is_said(run, tmp_path):
    """An empty root is no error, and says so."""
    assert "Nothing was recorded." in run("artifacts", "list", "--root", str(tmp_path)).stdout
    result = run("artifacts", "verify", "--root", str(tmp_path))
    assert (0, True) == (result.exit_code, "intact" in result.stdout)


def test_an_intact_record_is_0(run, root):
    """Verifying what is as it was recorded exits with 0 and says how much there is."""
    result = run("artifacts", "verify", "--root", str(root))

    assert 0 == result.exit_code
    assert result.stdout.startswith("3 runs, 12 files, head 3 ")


def test_every_discrepancy_is_named_and_the_exit_code_is_4(run, root):
    """Each altered, missing and added file is a line; the exit code is 4 (R9.4)."""
    files = sorted(p for p in root.rglob("*.*") if p.is_file() and "ops_runs" in str(p))
    files[0].parent.chmod(0o755)
    files[0].chmod(0o644)
    files[0].write_bytes(b"x" * 200)
    files[1].unlink()
    (files[2].parent / "added.txt").write_bytes(b"")

    result = run("artifacts", "verify", "--root", str(root))
    document = json.loads(run("artifacts", "verify", "--root", str(root), "--json").stdout)

    assert 4 == result.exit_code
    kinds = {line.split()[0] for line in result.stdout.splitlines()[:-1]}
    assert {"ALTERED", "MISSING", "UNRECORDED"} == kinds
    assert not document["intact"]
    assert document["discrepancies_found"] == len(document["discrepancies"]) == 3


def test_a_root_that_cannot_be_read_is_one_clear_line(run, tmp_path):
    """An error of storage is shown with the path, without a traceback."""
    root = tmp_path / "root"
    (root / "audit_artifacts").mkdir(parents=True)
    (root / "audit_artifacts/ledger.jsonl").symlink_to("/etc/passwd")

    result = run("artifacts", "list", "--root", str(root))

    assert 1 == result.exit_code
    assert "ledger.jsonl" in result.stderr
    assert "Traceback" not in result.stderr
