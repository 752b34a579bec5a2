"""Command line: `artifacts copy` and `artifacts retention`."""

import json

import pytest

from tests.durable_copy.keeping import overwrite
from tests.records.runs import NOW, everything, record


@pytest.fixture
def there(tmp_path):
    """Return a folder in place of a mount."""
    (tmp_path / "mount").mkdir()
    return tmp_path / "mount"


@pytest.fixture
def keep(run, tmp_path, fleet_file, there):
    """Run a command over a root with one run, that is copied to the mount."""
    record(tmp_path / "root", NOW)

    def keeping(*arguments, copy_to=None):
        return run(
            "artifacts",
            *arguments,
            MISSION_CONTROL_ROOT=str(tmp_path / "root"),
            MISSION_CONTROL_FLEET_FILE=str(fleet_file),
            MISSION_CONTROL_DURABLE_COPY=str(copy_to or there),
        )

    return keeping


def test_what_was_recorded_is_copied(keep, there, tmp_path):
    """The report goes to stdout, where it was recorded to stderr, and the exit code is 0."""
    result = keep("copy")
    again = json.loads(keep("copy", "--verify", "--json").stdout)

    assert 0 == result.exit_code
    assert result.stdout.startswith("# Durable copy: complete up to line 1")
    assert "_durable_copy." in result.stderr
    assert (True, 2, 5) == (again["complete"], again["verified_through"], again["reread"]["files"])
    names = [n for n in everything(tmp_path / "root") if "intraday_sample" in n]
    assert set(names) < everything(there).keys()


def test_a_conflict_is_4(keep, there):
    """Other bytes under a copied name end with 4, and are named."""
    keep("copy")
    overwrite(next(there.rglob("posture.json")), b'{"posture":"KO"}')
    result = keep("copy", "--verify")

    assert 4 == result.exit_code
    assert "**CONFLICT**" in result.stdout


def test_a_place_that_is_not_there_is_1(keep, tmp_path):
    """What could not be copied ends with 1, and the report says why."""
    result = keep("copy", copy_to=tmp_path / "unplugged")

    assert 1 == result.exit_code
    assert "mount it" in result.stdout


def test_no_place_is_a_matter_of_configuration(run, fleet_file):
    """Where no durable copy is configured the command names the variable and ends with 78."""
    result = run("artifacts", "copy", "--fleet-file", fleet_file)

    assert 78 == result.exit_code
    assert "MISSION_CONTROL_DURABLE_COPY: no durable copy is configured" in result.stderr


def test_retention_is_reported(keep):
    """The report goes to stdout; a report that warns is a report, and ends with 0."""
    result = keep("retention")
    document = json.loads(keep("retention", "--json").stdout)

    assert 0 == result.exit_code
    assert result.stdout.startswith("# Retention: ")
    assert "_retention_report." in result.stderr
    assert 2 == document["collections"][0]["runs"]


def test_a_record_that_cannot_be_used_is_one_clear_line(keep, tmp_path):
    """An error of storage is shown with the path, without a traceback."""
    ledger = tmp_path / "root/audit_artifacts/ledger.jsonl"
    ledger.unlink()
    ledger.symlink_to("/etc/passwd")
    for command in ("copy", "retention"):
        result = keep(command)

        assert 1 == result.exit_code
        assert "ledger.jsonl" in result.stderr
        assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("place", "outcome", "said"),
    [
        pytest.param("mount", "WARN", "same file system", id="the same disk"),
        pytest.param("unplugged", "FAIL", "No such file", id="not mounted"),
    ],
)
def test_the_doctor_looks_at_the_place(run, fleet_file, tmp_path, there, place, outcome, said):
    """The doctor reaches the place of the durable copy, and writes nothing there."""
    (tmp_path / "root").mkdir()
    result = run(
        "doctor",
        "--json",
        MISSION_CONTROL_ROOT=str(fleet_file.parent / "root"),
        MISSION_CONTROL_FLEET_FILE=str(fleet_file),
        MISSION_CONTROL_DURABLE_COPY=str(tmp_path / place),
    )
    checks = [c for c in json.loads(result.stdout)["checks"] if c["subject"] == "durable copy"]

    assert {outcome} == {c["outcome"] for c in checks}
    assert said in checks[0]["detail"]
    assert {} == everything(there)
