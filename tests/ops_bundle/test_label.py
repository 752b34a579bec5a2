"""Whatever is recorded of a simulated floor says so in the document itself."""

import json
from dataclasses import replace

import pytest

from mission_control.blueprint import run as blueprint
from mission_control.ops_bundle import run as ops_bundle
from mission_control.ops_bundle.run import BundleKind
from mission_control.readiness import run as readiness
from tests.floor.cluster_of_values import ClusterFloor
from tests.ops_bundle.test_ops_bundle import ORIGIN
from tests.schedule.day_of_values import job_parts

pytestmark = pytest.mark.anyio
REPORTS = ("readiness_report.json", "deploy_report.json")
FLOOR = ("posture.json", "heartbeat.json", "pods.json")


def labels(root, names):
    """Return the label of every recorded document of these names, by its name."""
    found = [p for n in names for p in (root / "audit_artifacts/ops_runs").rglob(n)]
    return {p.name: json.loads(p.read_bytes()).get("label") for p in found}


async def test_reports_of_a_simulated_floor_are_labelled(tmp_path):
    """A verdict and a deploy report of a demo can be taken for nothing else."""
    parts = job_parts(tmp_path, replace(ClusterFloor().decide(), label="DEMO"))
    await readiness.run(parts, ORIGIN, with_deploy_report=True)

    assert dict.fromkeys(REPORTS, "DEMO") == labels(tmp_path, REPORTS)


async def test_a_bundle_of_a_simulated_floor_is_labelled(tmp_path):
    """Each document of a bundle says that the floor is simulated."""
    parts = job_parts(tmp_path, replace(ClusterFloor().decide(), label="DEMO"))
    await ops_bundle.run(BundleKind.PRE_MARKET, parts, ORIGIN)

    assert dict.fromkeys((*REPORTS, *FLOOR), "DEMO") == labels(tmp_path, (*REPORTS, *FLOOR))


async def test_a_real_floor_has_no_label(tmp_path):
    """Without a label there is no such key."""
    await readiness.run(job_parts(tmp_path, ClusterFloor().decide()), ORIGIN)

    assert {"readiness_report.json": None} == labels(tmp_path, REPORTS)


async def test_a_blueprint_of_a_simulated_floor_is_labelled(tmp_path):
    """The drawing of a demo's fleet says that it is simulated."""
    parts = job_parts(tmp_path, replace(ClusterFloor().decide(), label="DEMO"))
    await blueprint.run(parts, ORIGIN, None)
    (found,) = (tmp_path / "audit_artifacts/blueprints").rglob("blueprint.json")

    assert "DEMO" == json.loads(found.read_bytes())["label"]
