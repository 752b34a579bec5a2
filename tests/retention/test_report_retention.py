"""Jobs: retention is reported and recorded, and the state of copy and retention is read back."""

from dataclasses import replace

import orjson
import pytest

from mission_control.durable_copy.mounted_folder import MountedFolder
from mission_control.durable_copy.run import copy_state
from mission_control.records.model import ArtifactQuery
from mission_control.records.verification import verify
from mission_control.retention.run import report_retention, retention_state
from tests.durable_copy.keeping import ORIGIN, KeptRecord, overwrite, remove
from tests.records.runs import everything, record

pytestmark = pytest.mark.anyio


@pytest.fixture
def kept(tmp_path):
    """Return a record of three runs."""
    kept = KeptRecord(tmp_path / "root")
    kept.add(3)
    return kept


@pytest.fixture
def folder(kept, tmp_path):
    """Return a place for its copy."""
    (tmp_path / "mount").mkdir()
    return MountedFolder(tmp_path / "mount", kept.root)


async def state_of(kept, destination):
    """Return the state of the copy now."""
    page = await kept.parts.artifacts.page(ArtifactQuery())
    return await copy_state(kept.parts.artifacts, destination, page.head, kept.now)


async def test_retention_is_recorded_and_deletes_nothing(kept):
    """The report is a run like any other; everything that was there still is (R12.10)."""
    before = everything(kept.root)
    remove(kept.file(0))
    reported = await report_retention(kept.parts, ORIGIN)

    held = kept.root / reported.entry.path
    document = orjson.loads((held / "retention_report.json").read_bytes())
    account = orjson.loads((held / "run.json").read_bytes())
    assert reported.document == document
    assert 1 == document["missing_files"]
    assert 2 == len(document["warnings"]) == len(account["coverage"][0]["gaps"])
    assert (held / "retention_report.md").read_text().startswith("# Retention: 1 of 30")
    left = everything(kept.root)
    assert set(document["missing"]) == before.keys() - left.keys()
    assert 1 == len(verify(kept.root).discrepancies)


async def test_retention_of_a_demo_says_so(kept):
    """What belongs to a simulated floor is labelled in the report itself."""
    kept.parts = replace(kept.parts, label="DEMO")
    reported = await report_retention(kept.parts, ORIGIN)

    held = kept.root / reported.entry.path
    assert "DEMO" == orjson.loads((held / "retention_report.json").read_bytes())["label"]


async def test_how_retention_stands_is_read_back(kept):
    """Before the first report nothing is known; then it is what the newest says, if intact."""
    artifacts = kept.parts.artifacts
    assert "no retention report" in (await retention_state(artifacts))["detail"]

    reported = await report_retention(kept.parts, ORIGIN)
    state = await retention_state(artifacts)
    assert (False, reported.entry.path, 1) == (
        state["fine"],
        state["last_run"],
        state["trading_days_kept"],
    )
    overwrite(kept.root / reported.entry.path / "retention_report.json", b'{"fine":true}')
    assert "cannot be read" in (await retention_state(artifacts))["detail"]


async def test_how_the_copy_stands_is_read_back(kept, folder):
    """From not configured over never run to copied, with what waits and since when."""
    assert "NOT_CONFIGURED" == (await state_of(kept, ""))["standing"]
    never = await state_of(kept, folder.name)
    assert ("NEVER_RUN", "2026-11-20T17:31:00.000Z", None) == (
        never["standing"],
        never["lags_since"],
        never["runs_copied"],
    )

    run = await kept.copy(folder)
    state = await state_of(kept, folder.name)
    # The same disk: it is copied, and that is not enough.
    assert ("DOUBTFUL", False, 3, 3, 4) == (
        state["standing"],
        state["fine"],
        state["runs_copied"],
        state["verified_through"],
        state["head_seq"],
    )
    assert run.entry.path == state["last_run"]
    assert "NEVER_RUN" == (await state_of(kept, "/elsewhere"))["standing"]
    assert (await state_of(kept, "/elsewhere"))["runs_copied"] is None


async def test_a_place_that_went_away_leaves_what_was_known(kept, folder, tmp_path):
    """A run that could not look there fails loudly, and the numbers are those of the run before."""
    await kept.copy(folder)
    (tmp_path / "mount").rename(tmp_path / "unplugged")
    kept.add()
    run = await kept.copy(folder)
    state = await state_of(kept, folder.name)

    assert 1 == run.exit_code
    assert ("FAILED", 3, 3) == (state["standing"], state["runs_copied"], state["verified_through"])
    assert "mount it" in state["detail"]
    assert state["lags_since"] is not None


async def test_a_report_that_was_altered_is_not_believed(kept, folder):
    """The state is read from an intact report, or it is not known."""
    run = await kept.copy(folder)
    overwrite(kept.root / run.entry.path / "durable_copy.json", b'{"complete":true}')

    assert "UNKNOWN" == (await state_of(kept, folder.name))["standing"]


async def test_a_line_that_cannot_be_read_is_no_line_that_is_copied(kept, folder):
    """A hole where the copy ends lags, since it is unknown how long it waits."""
    ledger = kept.root / "audit_artifacts/ledger.jsonl"
    whole = ledger.read_bytes().splitlines(keepends=True)
    overwrite(ledger, b"".join([whole[0], b"?" + whole[1], *whole[2:]]))
    # Nothing is wrong with this report but that it ends before the hole.
    run = await kept.copy(folder)
    well = {"contradicted": False, "complete": True, "failure": "", "problems_found": 0}
    document = {**run.document, **well, "problems": [], "cautions": [], "verified_through": 1}
    record(kept.root, kept.now, {"durable_copy.json": orjson.dumps(document)}, "durable_copy")
    state = await state_of(kept, folder.name)

    assert ("LAGGING", False, None) == (state["standing"], state["fine"], state["lags_since"])
    assert "line 2 is not copied, and cannot be read" in state["detail"]
