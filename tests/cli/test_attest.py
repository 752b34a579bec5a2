"""`attest`: exit codes, what is recorded, and that no missing history reads as clean."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.attestation.test_attest_session import STEP, WatchedDay
from tests.floor.floor_of_values import OPEN_AT, STRATEGY

AFTER = datetime(2026, 11, 18, 22, 15, tzinfo=UTC)


@pytest.fixture
def served(floor):
    """Return a simulated floor at 17:15 in New York, whose root holds no history yet."""
    return replace(floor("closed"), clock=lambda: AFTER)


def attested(served):
    """Return the one recorded attestation, and its run's account."""
    (run,) = (served.folder / "audit_artifacts" / "ops_runs").glob("*_no_execution_attestation")
    names = ("attestation.json", "run.json")
    return [json.loads((run / name).read_bytes()) for name in names]


def test_without_any_history_nothing_is_attested(served):
    """Exit 1, recorded as NOT_OBSERVED; and no database is made by looking for one."""
    result = served.run("attest", "--json")
    document, account = attested(served)

    assert (1, 1) == (result.exit_code, account["exit_code"])
    assert document == json.loads(result.stdout)
    assert ("NOT_OBSERVED", "2026-11-18") == (document["conclusion"], document["session_date"])
    assert [0] == [c["obtained"] for c in account["coverage"]]
    assert not (served.folder / "history.sqlite3").exists()
    assert "NOT_OBSERVED. Recorded as" in result.stderr
    assert "Failed: nothing of the session of 2026-11-18 was observed" in result.stderr


def test_its_planned_run_has_failed(served):
    """Recorded in time, with its document, and the next look still finds the run FAILED."""
    served.run("attest")
    _, account = attested(served)
    again = served.run("attest")
    key = account["planned"]["key"]

    assert ("2026-11-18_no_execution_attestation_221500Z", "none") == (
        key,
        account["notes"]["evidence"],
    )
    assert f"The planned run {key} is FAILED; this one is recorded beside it." in again.stderr


@pytest.mark.parametrize(
    ("hurt", "code", "conclusion"),
    [
        pytest.param(None, 0, "NO_EXECUTION_OBSERVED_WITH_GAPS", id="part of a day"),
        pytest.param(
            lambda f: f.say(STRATEGY, "safety.safe_to_execute_orders", value=True),
            3,
            "EXECUTION_OBSERVED",
            id="a sign",
        ),
    ],
)
def test_a_day_that_was_watched_in_part(served, hurt, code, conclusion):
    """Gaps exit with 0 and are named; any sign exits with 3, in the account as well."""
    day = WatchedDay(served.folder)
    day.watch(OPEN_AT, OPEN_AT + 20 * STEP, hurt)
    day.end()
    result = served.run("attest", "--session", "2026-11-18")
    document, account = attested(served)

    assert (code, code) == (result.exit_code, account["exit_code"])
    assert conclusion == document["conclusion"] == account["notes"]["conclusion"]
    assert result.stdout.startswith("# No-Execution Attestation 2026-11-18: ")
    assert "the floor was not watched" in result.stdout


@pytest.mark.parametrize(
    ("date", "why"),
    [
        ("2026-11-26", "no session on 2026-11-26"),
        ("2026-11-19", "closes only at"),
        ("yesterday", "does not match the format"),
    ],
)
def test_a_date_that_cannot_be_attested_is_wrong_usage(served, date, why):
    """A holiday, a session to come, or no date: exit 2, and nothing is recorded."""
    result = served.run("attest", "--session", date)

    assert 2 == result.exit_code
    assert why in result.stderr
    assert not (served.folder / "audit_artifacts").exists()


def test_a_history_that_cannot_be_read_fails_loudly(served):
    """A broken database is no gap: the command fails, and its planned run has failed."""
    (served.folder / "history.sqlite3").write_bytes(b"this is no database")
    result = served.run("attest")

    assert 1 == result.exit_code
    assert "history cannot be read" in result.stderr
    (run,) = (served.folder / "audit_artifacts" / "ops_runs").glob("*")
    assert {"failure.txt", "run.json", "SHA256SUMS"} == {p.name for p in run.iterdir()}
