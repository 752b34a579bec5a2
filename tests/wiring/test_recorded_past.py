"""The week that the demo begins with: whole, as the present code writes it, and worth showing."""

import json
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import text

from mission_control.alerts.model import AlertQuery
from mission_control.bootstrap.demo import demo_floor
from mission_control.bootstrap.recorded_past import ARCHIVE, unpack
from mission_control.history import schema
from mission_control.history.alert_rows import AlertRows
from mission_control.history.database import migrate, open_engine
from mission_control.records.verification import verify
from mission_control.simulation.days import DEMO_DAY, RECORDED

ROOT = Path(__file__).parents[2]
THIS_MORNING = len(RECORDED) - 2


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Give a root as a demo finds it at its start."""
    path = tmp_path_factory.mktemp("demo")
    unpack(THIS_MORNING, path)
    return path


def documents(root, name):
    """Read every recorded document of this name, oldest first."""
    found = sorted((root / "audit_artifacts/ops_runs").glob(f"*/{name}"))
    return [json.loads(path.read_bytes()) for path in found]


def test_it_is_small_and_comes_with_the_package():
    """R15.23: below a megabyte, and among the package's data."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    data = project["tool"]["setuptools"]["package-data"]["mission_control"]

    assert ARCHIVE.stat().st_size < 1_000_000
    assert any(ARCHIVE.match(pattern) for pattern in data)


@pytest.mark.parametrize("number", [0, THIS_MORNING, len(RECORDED) - 1])
def test_every_record_verifies(tmp_path, number):
    """R15.23: each file and the chain, as of any record."""
    unpack(number, tmp_path)

    found = verify(tmp_path)

    assert found.intact, found


def test_its_history_has_the_tables_of_today(root):
    """A migration finds nothing to do: else the sessions have to be recorded again."""
    engine = open_engine(root, None)
    try:
        with engine.connect() as connection:
            before = connection.execute(text("select version_num from alembic_version")).scalar()
        migrate(engine)
        with engine.connect() as connection:
            after = connection.execute(text("select version_num from alembic_version")).scalar()
            minutes = connection.execute(schema.minutes.select()).all()
    finally:
        engine.dispose()

    assert before == after
    assert len(minutes) > 3000


def test_every_planned_run_succeeded_or_was_skipped(root):
    """R15.23: by the reconciliations that were recorded; the holiday skipped its runs."""
    outcomes = Counter(
        run["outcome"]
        for day in documents(root, "session_reconciliation.json")
        for run in day["runs"]
    )

    assert {"SUCCEEDED", "SKIPPED_HOLIDAY"} == set(outcomes)
    assert outcomes["SUCCEEDED"] > 100


def test_it_holds_what_an_operator_would_look_for(root):
    """An incident that paged, a deploy, an early close, attestations, a GOOD last known good."""
    captures = [json.loads(p.read_bytes()) for p in (root / "ops/lkg").glob("*/lkg_metadata.json")]
    attested = documents(root, "attestation.json")
    images = {image for report in documents(root, "deploy_report.json") for image in used(report)}
    engine = open_engine(root, None)
    page = AlertRows(engine, "mission-control").transitions(AlertQuery(limit=1000))
    engine.dispose()

    assert {"NO_EXECUTION_OBSERVED"} == {a["conclusion"] for a in attested}
    assert [5, True] == [len(attested), any(a["early_close"] for a in attested)]
    assert {"GOOD", "CANDIDATE"} == {c["status"] for c in captures}
    assert (root / "ops/lkg/lkg_manifest.yaml").exists()
    assert {"MARKETDATA_STALE"} == {t.code for t in page.transitions if t.pages}
    assert {"strategy-runtime:4d1c0aa", "strategy-runtime:54afffe"} <= images


def used(report):
    """Give the name and tag of every image in a report, wherever it stands."""
    if isinstance(report, dict):
        return {name for value in report.values() for name in used(value)}
    if isinstance(report, list):
        return {name for value in report for name in used(value)}
    named = isinstance(report, str) and "/strategy-runtime:" in report
    return {report.rsplit("/", 1)[1]} if named else set()


def test_a_demo_begins_on_its_record():
    """R15.24, R15.25: with the newest that ended before, in a temporary root of its own."""
    with demo_floor("calm", None, 0, {}, past=True) as floor:
        root = floor.settings.root
        held = verify(root).intact

        assert (DEMO_DAY, 10, 15) == (floor.clock().date(), floor.clock().hour - 5, 15)
        assert RECORDED[: THIS_MORNING + 1] == floor.past
        assert not floor.recorded_ports  # the system chose others, so the GO is another fleet's
        assert held
        assert (root / "fleet.yaml").exists()
    assert not root.exists()


def test_far_from_the_recorded_week_a_demo_begins_with_nothing():
    """R15.24: a record of another time is none of this demo's."""
    with demo_floor("holiday", None, 0, {}, past=True) as thanksgiving:
        assert "incident" == thanksgiving.past[-1].name
    with demo_floor("calm", None, 0, {}) as floor:
        assert () == floor.past
        assert not (floor.settings.root / "audit_artifacts").exists()
