"""Every command that records says when it began to look, and at which cluster."""

import json
import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from mission_control.simulation.floor import SimulatedFloor

RUNS = "audit_artifacts/ops_runs"
TAKES = timedelta(seconds=100)
"""So long the first thing that is asked of a floor takes, by the simulated clock."""
COMMANDS = {
    "readiness": ("readiness", "--rounds", "1"),
    "deploy report": ("deploy-report",),
    "pre-market": ("pre-market",),
    "post-market": ("post-market",),
    "capture": ("lkg", "capture"),
    "config snapshot": ("config-snapshot",),
    "blueprint": ("blueprint",),
}


@pytest.fixture
def slow(monkeypatch):
    """Let a floor be slow on the first request after the returned event is cleared."""
    answered = threading.Event()
    app = SimulatedFloor.app

    def slow_app(self, agent_name):
        inner = app(self, agent_name)

        async def answer(scope, receive, send):
            if scope["type"] == "http" and not answered.is_set():
                answered.set()
                self.clock.set(self.clock() + TAKES)
            await inner(scope, receive, send)

        return answer

    monkeypatch.setattr(SimulatedFloor, "app", slow_app)
    answered.set()
    return answered


def account(folder):
    """Return the newest run's own account."""
    runs = [p for p in folder.rglob("run.json") if p.parent.parent.name != ".tmp"]
    return json.loads(max(runs, key=lambda p: p.stat().st_mtime_ns).read_bytes())


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_a_run_began_when_it_began_to_look(floor, slow, command):
    """
    However long the floor takes to answer, that time lies between started and finished (R9.3).
    """
    served = floor("calm")
    began = served.clock()
    slow.clear()
    result = served.run(*command)
    shown = account(served.folder)
    started, finished = (datetime.fromisoformat(shown[k]) for k in ("started", "finished"))

    assert slow.is_set(), result.output
    assert TAKES <= finished - started, shown["job"]
    assert began - timedelta(milliseconds=1) <= started < began + TAKES


def move_to_another(simulated):
    """Let another cluster, on which all is the same, answer at the same address."""
    staged = simulated._staged  # noqa: SLF001  (scenarios are one floor's; this is another's)
    stage = replace(staged.scenario.cluster, of="another")
    scenario = replace(staged.scenario, cluster=stage)
    simulated._staged = staged._replace(scenario=scenario)  # noqa: SLF001


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_a_run_names_its_cluster(floor, command):
    """Its context by name, although none is configured, its server and its UID (R12.12)."""
    served = floor("calm")
    result = served.run(*command)
    shown = account(served.folder)["cluster_identity"]

    assert "simulated" == shown["context"], result.output
    assert shown["server"].startswith("http://127.0.0.1:")
    assert shown["uid"]
    assert None is shown["unknown"]


def test_reports_of_two_clusters_are_compared_loudly(floor):
    """The diff says so first; no report is held against another cluster's if it has its own."""
    served = floor("calm")
    reports = [json.loads(served.run("deploy-report", "--json").stdout)]
    move_to_another(served.simulated)
    reports += [json.loads(served.run("deploy-report", "--json").stdout) for _ in range(2)]
    diff = served.run("reports", "diff", "previous", "latest")
    first, _, last = sorted(p.name for p in (served.folder / RUNS).iterdir())
    loud = served.run("reports", "diff", first, last)

    assert [None, "DIFFERENT CLUSTERS", ""] == [
        r["changes_clusters"].partition(":")[0] if r["changes"] is not None else None
        for r in reports
    ]
    assert "CLUSTER" not in diff.stdout
    assert loud.stdout.startswith("ATTENTION: DIFFERENT CLUSTERS: UID ")
