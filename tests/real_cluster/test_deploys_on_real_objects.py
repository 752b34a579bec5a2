"""Deploy reports of a real kube-apiserver: how workloads fare, and only what really changed."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import pytest

from mission_control.bootstrap.clock import real_clock
from mission_control.deploy_report.decide.changes import compare_reports
from mission_control.deploy_report.run import make_report
from mission_control.simulation.cluster_api import Staging, objects_of
from mission_control.simulation.scenario import ClusterStage, WorkloadTwist
from tests.real_cluster.kube_apiserver import NO_RIGHTS
from tests.real_cluster.looking import FLOOR, looked_at
from tests.real_cluster.scene import AT, ROOTS, set_scene, store
from tests.real_cluster.test_readiness_on_real_objects import twisted
from tests.schedule.day_of_values import job_parts

pytestmark = pytest.mark.anyio
BEAT = "agenttrader-heartbeat-marketdata-mcp-server"


@pytest.fixture(scope="module", autouse=True)
def calm(server):
    """Store the calm fleet."""
    set_scene(server)


async def document_of(access):
    """Make a report with everything of the cluster read with this access."""
    async with looked_at(access, known=()) as (snapshot, _, further):
        with TemporaryDirectory() as root:
            parts = job_parts(Path(root), snapshot, clock=real_clock, further=further)
            made = await make_report(snapshot, parts, sample_health=False)
    return orjson.loads(orjson.dumps(made.document))


def told(compared):
    """Return each change by its subject and respect."""
    return {(c.subject, c.what) for c in compared.changes}


def a_day_passes(server):
    """Let a heartbeat be written, and the CronJob's newest run be another, as after a day."""
    before, after = (
        objects_of(Staging(AT + timedelta(days=n), ClusterStage(), "1")) for n in (0, 1)
    )
    for resource in ("jobs", "pods"):
        path = f"{ROOTS[resource]}/namespaces/{FLOOR}/{resource}"
        for old, new in zip(before[FLOOR, resource], after[FLOOR, resource], strict=True):
            if old["metadata"]["name"] != new["metadata"]["name"]:
                how = "gracePeriodSeconds=0&propagationPolicy=Background"
                gone = f"{path}/{old['metadata']['name']}?{how}"
                server.ask("DELETE", gone).raise_for_status()
                store(server, FLOOR, resource, new)
    patch_map(server, {"last_seen": "2026-11-19T15:15:00Z"})


def patch_map(server, data):
    """Write data into the heartbeat's ConfigMap."""
    patch = orjson.dumps({"data": data}).decode()
    server.kubectl("patch", "configmap", BEAT, "-n", FLOOR, "--type=merge", "-p", patch)


async def test_over_a_quiet_day_nothing_changed(server, our_kubeconfig, access_by):
    """Heartbeats and the Jobs of each minute move, and the report says that nothing changed."""
    before = await document_of(access_by(our_kubeconfig))
    a_day_passes(server)
    after = await document_of(access_by(our_kubeconfig))
    compared = compare_reports(before, after)

    assert "all 12 workloads ok" == before["headline"] == after["headline"]
    assert ((), ()) == (compared.changes, compared.gaps)
    assert {"heartbeats": 1, "runs of CronJobs": 2} == dict(compared.folded)


async def test_a_crash_leads_under_an_engaged_switch(server, our_kubeconfig, access_by):
    """The P0 is down, whatever the switch holds back; may it trade is another answer."""
    twist = WorkloadTwist(waiting="CrashLoopBackOff", restarts=7)
    before = await document_of(access_by(our_kubeconfig))
    with twisted(server, "marketdata-mcp-server", twist):
        document = await document_of(access_by(our_kubeconfig))
    name = "marketdata-mcp-server"
    row = next(w for w in document["workloads"] if w["workload_name"] == name)

    assert f"1 of 12 workloads down: {name} crash-loops" == document["headline"]
    assert ("down", "no", 7) == (row["health"]["state"], row["may_trade"], row["restarts"])
    assert "crash loop" in document["top_issues"][0]["issue"]
    changes = compare_reports(before, document).changes
    assert {"health", "ready", "restarts"} <= {c.what for c in changes}


async def test_each_real_change_has_its_line(server, our_kubeconfig, access_by):
    """A Job by hand, a suspended CronJob, an open Service, a new key: none is taken for noise."""
    before = await document_of(access_by(our_kubeconfig))
    writer = "ops-heartbeat-writer"
    server.kubectl("create", "job", "by-hand", f"--from=cronjob/{writer}", "-n", FLOOR)
    server.kubectl("patch", "cronjob", writer, "-n", FLOOR, "-p", '{"spec":{"suspend":true}}')
    server.kubectl("patch", "service", "mission-control", "-n", FLOOR, "-p",
                   '{"spec":{"type":"NodePort"}}')  # fmt: skip
    server.kubectl("create", "serviceaccount", "newcomer", "-n", FLOOR)
    patch_map(server, {"mode": "LIVE"})
    compared = compare_reports(before, await document_of(access_by(our_kubeconfig)))

    assert {
        (f"{FLOOR}/Job/by-hand", "workload"),
        (f"{FLOOR}/CronJob/{writer}", "suspended"),
        (f"{FLOOR}/Service/mission-control", "type"),
        (f"{FLOOR}/ServiceAccount/newcomer", "specification digest"),
        (f"ConfigMap {FLOOR}/{BEAT}", "data"),
        (f"ConfigMap {FLOOR}/{BEAT}", "keys"),
    } <= told(compared)
    assert {s for s, _ in told(compared)} <= {
        f"{FLOOR}/Job/by-hand",
        f"{FLOOR}/CronJob/{writer}",
        f"{FLOOR}/Service/mission-control",
        f"{FLOOR}/ServiceAccount/newcomer",
        f"ConfigMap {FLOOR}/{BEAT}",
    }


async def test_what_may_not_be_read_is_not_gone(server, our_kubeconfig, access_by):
    """Read by an account without any right, nothing is known and nothing has changed."""
    before = await document_of(access_by(our_kubeconfig))
    denied = await document_of(access_by(server.kubeconfig("no-rights", NO_RIGHTS)))
    compared = compare_reports(before, denied)

    assert denied["headline"].startswith("no cluster access, degraded: none of 16 lists was seen")
    assert set() == told(compared) - {("kill switch", "state")}
    assert any("not compared" in gap for gap in compared.gaps)
