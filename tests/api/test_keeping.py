"""API: the state of durable copy and retention, beside what was recorded."""

import pytest

from mission_control.durable_copy.mounted_folder import MountedFolder
from tests.api.paper_floor import PaperControl
from tests.durable_copy.keeping import KeptRecord
from tests.records.runs import record

pytestmark = pytest.mark.anyio
LIST = "/api/v1/artifacts"


async def test_nothing_configured_and_nothing_reported_is_said(tmp_path):
    """Without a durable copy and without a report neither is fine."""
    record(tmp_path)
    answer = (await PaperControl(root=tmp_path).ask(LIST)).json()

    assert ("NOT_CONFIGURED", False, "no durable copy is configured", None) == tuple(
        answer["durable_copy"][k] for k in ("standing", "fine", "detail", "destination")
    )
    assert (False, None) == (answer["retention"]["fine"], answer["retention"]["last_run"])


async def test_what_was_copied_is_told(tmp_path):
    """The newest run of copying tells how far the copy reaches, and what went wrong."""
    kept = KeptRecord(tmp_path / "root")
    kept.add(3)
    (tmp_path / "mount").mkdir()
    destination = MountedFolder(tmp_path / "mount", kept.root)
    await kept.copy(destination)
    control = PaperControl(root=kept.root, durable_copy=destination.name)
    control.clock.now = kept.now
    shown = (await control.ask(LIST)).json()["durable_copy"]

    assert (3, 3, destination.name) == (
        shown["runs_copied"],
        shown["verified_through"],
        shown["destination"],
    )
    assert "same file system" in shown["detail"]


async def test_the_proof_names_the_one_place_that_is_written_to(tmp_path):
    """Who reads the proof learns of the durable copy, and whether there is one (R10.2)."""
    path = "/api/v1/attestation/read-only"
    none = (await PaperControl().ask(path)).json()["durable_copy"]
    one = (await PaperControl(durable_copy="s3://bucket/floor").ask(path)).json()["durable_copy"]

    assert (None, "s3://bucket/floor") == (none["destination"], one["destination"])
    assert "never overwrites" in one["does"]
