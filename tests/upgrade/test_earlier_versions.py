"""Upgrade: what earlier versions of ours recorded opens in this one, whole (R9.8)."""

import shutil

import pytest
from click.testing import CliRunner

from mission_control.bootstrap.jobs import history_to_read
from mission_control.bootstrap.serve import connected
from mission_control.cli.main import cli
from mission_control.configuration.settings import load_settings
from mission_control.floor.board import FloorBoard
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.model import NOTHING_LATCHED, FloorEvidence, FloorSnapshot
from mission_control.history.database import NEWEST, migrate, open_engine
from mission_control.history.past_floor import PastFloor
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.model import ArtifactQuery
from mission_control.records.verification import verify
from tests.upgrade.earlier_roots import EARLIER, FIRST, columns, recorded_files, rows, unpack

SOME_TIME_LATER = EARLIER[0].told[-1][0].replace(hour=16)
FLEET = """\
agents:
  - agent_name: strategy-engine
    service_dns: http://127.0.0.1:1
    kind: strategy
    criticality: critical
"""


def later():
    """Return the time at which this version is started on what an earlier one left."""
    return SOME_TIME_LATER


@pytest.fixture(params=EARLIER, ids=[e.name for e in EARLIER])
def earlier(request):
    """Give each earlier version in turn."""
    return request.param


@pytest.fixture
def root(earlier, tmp_path):
    """Give the root that it left."""
    return unpack(earlier, tmp_path / "root")


@pytest.fixture
def settings(root, tmp_path):
    """Give settings on that root."""
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(FLEET)
    return load_settings({}, flags={"fleet_file": fleet, "root": root})


def migrated(root):
    """Bring its history to the tables of today."""
    engine = open_engine(root, None)
    try:
        migrate(engine)
    finally:
        engine.dispose()


def tables_of(root):
    """Return the version of its history's tables."""
    engine = open_engine(root, None)
    try:
        with engine.connect() as connection:
            told = "SELECT version_num FROM alembic_version"
            return connection.exec_driver_sql(told).scalar()
    finally:
        engine.dispose()


def test_its_history_is_migrated_and_loses_no_row(earlier, root):
    """Every row is there with every value that it had; what is new is beside them (R9.8)."""
    before, named = rows(root), {}
    for table in before:
        named[table] = columns(root, table)
    assert earlier.tables == tables_of(root)
    assert all(before[table] for table in ("decisions", "service_changes", "minutes", "events"))

    migrated(root)

    after = rows(root)
    assert tables_of(root) == NEWEST
    for table, held in before.items():
        places = [columns(root, table).index(name) for name in named[table]]
        assert held == [tuple(row[at] for at in places) for row in after[table]]


@pytest.mark.anyio
async def test_its_record_verifies_and_is_listed(earlier, root):
    """R9.8: each file, each line of the ledger; and what looks at a run understands it."""
    found = verify(root)
    page = await ArtifactReader(root, later).page(ArtifactQuery(50))

    assert found.intact, found
    assert earlier.runs == found.runs == page.total
    assert {"intraday_sample"} <= {entry.job for entry in page.entries}


@pytest.mark.anyio
async def test_its_past_is_answered_as_it_was_told_then(earlier, root, settings):
    """R9.8: the verdict and the reasons that version gave at those instants."""
    migrated(root)
    calendar = MarketCalendar(())
    evidence = FloorEvidence(settings.fleet, {})
    first = decide_floor(evidence, NOTHING_LATCHED, calendar.session_at, later())
    board = FloorBoard(first, later, lambda: 0.0)

    with history_to_read(settings) as history:
        assert history is not None
        past = PastFloor(history, None, calendar, board)
        found = [await past.as_of(at) for at, _, _ in earlier.told]
    seen = [snapshot for snapshot in found if isinstance(snapshot, FloorSnapshot)]

    assert [verdict for _, verdict, _ in earlier.told] == [s.posture.verdict for s in seen]
    for (_, _, told), snapshot in zip(earlier.told, seen, strict=True):
        # Rules of today may see more in the same evidence; they forget nothing of it.
        assert set(told) <= {reason.code for reason in snapshot.posture.reasons}


@pytest.mark.anyio
async def test_what_was_latched_then_halts_the_floor_now(earlier, root, settings):
    """R9.8: the P0 that stood when the earlier version was killed stands from the first answer."""
    before = {table: len(held) for table, held in rows(root).items()}

    async with connected(settings, later, records=True) as parts:
        first = parts.board.current()

    assert first.posture.verdict == "HALTED"
    assert [("EXECUTION_EVIDENCE", "strategy-engine")] == [
        (a.code, a.subject) for a in first.latched.alarms
    ]
    assert "STANDING_UNKNOWN" not in {r.code for r in first.posture.reasons}
    assert before == {t: min(len(rows(root)[t]), many) for t, many in before.items()}


def test_a_new_run_is_chained_to_what_it_recorded(earlier, root, settings):
    """R9.8: one line more, and not a byte of what was there is another."""
    before = recorded_files(root)
    made = CliRunner().invoke(
        cli, ["blueprint", "--root", str(root), "--fleet-file", str(settings.fleet.source)], env={}
    )
    after, found = recorded_files(root), verify(root)

    assert made.exit_code == 0, made.output
    assert found.intact, found
    assert found.runs == earlier.runs + 1
    ledger = "audit_artifacts/ledger.jsonl"
    assert after[ledger].startswith(before[ledger])
    assert {p: c for p, c in before.items() if p != ledger} == {
        p: after[p] for p in before if p != ledger
    }


def test_a_copy_of_it_elsewhere_is_the_same_record(tmp_path):
    """R9.8: a root that is moved before the upgrade opens as it would have where it was."""
    root = unpack(FIRST, tmp_path / "there")
    shutil.move(root, tmp_path / "elsewhere")

    assert verify(tmp_path / "elsewhere").intact
    migrated(tmp_path / "elsewhere")
    assert tables_of(tmp_path / "elsewhere") == NEWEST
