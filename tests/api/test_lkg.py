"""API: captures of the last known good, what each is worth, and what differs between two."""

import pytest

from mission_control.last_known_good.model import LkgStatus
from mission_control.simulation.scenario import ClusterStage, WorkloadTwist
from tests.api.paper_floor import PaperControl
from tests.last_known_good.test_capture_lkg import ENGINE, FLOOR, Capturing, alter

pytestmark = pytest.mark.anyio
LKG = "/api/v1/lkg"


@pytest.fixture
def capturing(tmp_path):
    """Return a simulated cluster and an empty root."""
    return Capturing(tmp_path)


@pytest.fixture
def control(tmp_path):
    """Return the API over that root."""
    return PaperControl(root=tmp_path)


async def test_without_any_capture_there_is_no_last_known_good(control):
    """Nothing recorded is an empty list, and no comparison."""
    answer = (await control.ask(LKG)).json()
    diff = await control.ask(f"{LKG}/diff")

    assert {"captures": [], "good": None, "good_doubts": [], "of_other_clusters": []} == answer
    assert (404, "lkg_not_found") == (diff.status_code, diff.json()["code"])


async def test_captures_are_listed_with_what_they_are_worth(control, capturing):
    """Newest first: status, reasons, for how long it is unchanged, and where the files are."""
    good = await capturing.record(status=LkgStatus.GOOD, reasons=())
    last = await capturing.record()
    answer = (await control.ask(LKG)).json()
    newest, older = answer["captures"]

    assert (good.path, [last.path, good.path]) == (answer["good"], [newest["path"], older["path"]])
    assert ("CANDIDATE", "GOOD") == (newest["status"], older["status"])
    assert [] == older["reasons"] != newest["reasons"]
    assert (0, good.path) == (newest["unchanged_for_sessions"], newest["same_as"])
    assert ["Deployment/execution-engine"] == newest["unpinnable"]
    assert "1" == newest["kill_switch_observed"]
    for key in ("manifest_path", "metadata_path"):
        assert 200 == (await control.ask(f"/api/v1/artifacts/{newest[key]}")).status_code


async def test_an_altered_capture_is_unreadable(control, capturing):
    """What was made GOOD on disk is neither GOOD nor CANDIDATE."""
    entry = await capturing.record()
    alter(capturing, entry, "lkg_metadata.json",
          lambda held: held.replace(b'"CANDIDATE"', b'"GOOD"'))  # fmt: skip
    answer = (await control.ask(LKG)).json()

    assert None is answer["good"]
    assert [f"the capture {entry.path}: {answer['captures'][0]['problem']}"] == answer[
        "good_doubts"
    ]
    assert "UNREADABLE" == answer["captures"][0]["status"]
    assert "is not as it was recorded" in answer["captures"][0]["problem"]


async def test_two_captures_are_compared(control, capturing):
    """By default the latest with the one before; by reference otherwise."""
    first = await capturing.record(status=LkgStatus.GOOD, reasons=())
    capturing.stage = ClusterStage(workloads={ENGINE: WorkloadTwist(replicas=2)})
    last = await capturing.record()
    answer = (await control.ask(f"{LKG}/diff")).json()
    back = (await control.ask(f"{LKG}/diff?from={last.path}&to=good")).json()
    alter(capturing, last, "lkg_manifest.yaml", lambda held: held + b" ")
    lost = await control.ask(f"{LKG}/diff")

    change = {"subject": f"{FLOOR}/Deployment/{ENGINE}", "what": "replicas"}
    assert [{**change, "before": "1", "after": "2"}] == answer["changes"]
    assert [{**change, "before": "2", "after": "1"}] == back["changes"]
    assert (first.path, last.path, []) == (
        answer["before"]["path"],
        answer["after"]["path"],
        answer["gaps"],
    )
    assert (503, "artifacts_unreadable") == (lost.status_code, lost.json()["code"])


async def test_answers_of_a_demo_are_marked(tmp_path, capturing):
    """DEMO is in every answer."""
    control = PaperControl(root=tmp_path, label="DEMO")
    await capturing.record()
    await capturing.record()

    for path in (LKG, f"{LKG}/diff"):
        assert "DEMO" == (await control.ask(path)).json()["label"]
