"""Decide: what runs and is not known is a left-over, named, and a NO until it is listed."""

from dataclasses import replace

import pytest

from mission_control.cluster.model.facts import CapturedWorkloads
from mission_control.cluster.model.objects import JobCounts, ObjectRef, WorkloadFacts
from mission_control.floor.model import Verdict
from mission_control.last_known_good.decide.parts import running_in
from mission_control.model.finding import Severity
from mission_control.model.fleet import KnownWorkload
from mission_control.model.reading import UnseenReason
from mission_control.readiness.decide.readiness import judge_readiness
from tests.cluster.test_cluster import RUN_SE, SE, bare, deployment
from tests.floor.cluster_of_values import ELSEWHERE, FLOOR, QUIET, ClusterFloor, pod
from tests.floor.floor_of_values import EVENING
from tests.readiness.test_readiness import FAIL, PASS, UNKNOWN, gather, outcome, probe

CODE = "LEFTOVER_WORKLOAD"


@pytest.fixture
def floor():
    """Return a floor on which all is well, and all that runs is an agent's."""
    made = ClusterFloor()
    probe(made)
    return made


def workload(kind, name="old-recovery", desired=0, **changes):
    """Return a workload that the inventory does not name."""
    return replace(WorkloadFacts(kind, FLOOR, name, desired), **changes)


def owned(owner, **changes):
    """Return a live pod of something."""
    return replace(pod(RUN_SE), name="old-recovery-x", owner=owner, **changes)


def add(*made):
    """Add workloads and pods to the cluster."""

    def act(floor):
        for each in made:
            if isinstance(each, WorkloadFacts):
                floor.workloads[f"{each.kind}/{each.name}"] = each
            else:
                floor.pods[each.name] = each

    return act


NODE = ObjectRef("Node", "node-1")
DEPLOYED = ObjectRef("Deployment", "old-recovery")
LEFT_OVER = [
    pytest.param(add(workload("Deployment", desired=1)), "Deployment/old-recovery", id="wanted"),
    pytest.param(add(workload("Deployment", actual=1)), "Deployment/old-recovery", id="counted"),
    pytest.param(add(workload("StatefulSet", desired=1)), "StatefulSet/old-recovery", id="set"),
    pytest.param(add(workload("DaemonSet", desired=2)), "DaemonSet/old-recovery", id="daemon"),
    pytest.param(add(workload("ReplicaSet", desired=1)), "ReplicaSet/old-recovery", id="orphan"),
    pytest.param(
        add(workload("ReplicaSet", desired=1, owner=ObjectRef("Deployment", "gone"))),
        "ReplicaSet/old-recovery",
        id="its owner is gone",
    ),
    pytest.param(
        add(workload("CronJob", desired=1, schedule="* * * * *")),
        "CronJob/old-recovery",
        id="not suspended",
    ),
    pytest.param(
        add(workload("CronJob", actual=1, suspended=True)), "CronJob/old-recovery", id="still runs"
    ),
    pytest.param(
        add(workload("Job", desired=1, actual=1, job=JobCounts(active=1))),
        "Job/old-recovery",
        id="Job",
    ),
    pytest.param(add(bare("old-recovery")), "Pod/old-recovery", id="bare pod"),
    pytest.param(add(bare("old-recovery", phase="Pending")), "Pod/old-recovery", id="pending"),
    pytest.param(add(bare("old-recovery", deleting=True)), "Pod/old-recovery", id="ending"),
    pytest.param(add(owned(NODE)), "Pod/old-recovery-x", id="static pod"),
    pytest.param(
        add(owned(ObjectRef("StatefulSet", "gone"))), "Pod/old-recovery-x", id="pod of nothing"
    ),
    pytest.param(
        add(workload("Deployment"), owned(DEPLOYED)), "Deployment/old-recovery", id="0, and a pod"
    ),
    pytest.param(
        add(workload("StatefulSet", SE, desired=1)), f"StatefulSet/{SE}", id="an agent's name"
    ),
    pytest.param(
        add(workload("Deployment", desired=1, owner=ObjectRef("Deployment", SE))),
        "Deployment/old-recovery",
        id="says that an agent's owns it",
    ),
]


@pytest.mark.parametrize("phase", ["open", "evening"])
@pytest.mark.parametrize(("act", "title"), LEFT_OVER)
def test_a_left_over_is_no_go_by_name_and_shown_on_the_floor(floor, act, title, phase):
    """Whatever runs and is not known; it halts nothing and makes nothing better."""
    if phase == "evening":
        floor.refresh(EVENING)
        probe(floor)
    act(floor)
    snapshot = floor.decide()
    report = judge_readiness(gather(floor, snapshot=snapshot))
    (told,) = [c.detail for c in report.checks if c.code == "RC-310"]
    (reason,) = [r for r in snapshot.posture.reasons if r.code == CODE]

    assert (FAIL, True) == outcome(report, "RC-310")
    assert f"{FLOOR}/{title}: " in told
    assert "no capture is GOOD" in told
    assert (f"{FLOOR}/{title}", Severity.P2, False) == (
        reason.subject,
        reason.severity,
        reason.halts,
    )
    verdict = Verdict.OK if phase == "open" else Verdict.MARKET_CLOSED
    assert verdict is snapshot.posture.verdict


KNOWN = [
    pytest.param(add(workload("Deployment")), id="scaled to 0"),
    pytest.param(add(workload("CronJob", suspended=True)), id="suspended"),
    pytest.param(add(workload("Job", job=JobCounts(succeeded=1))), id="completed"),
    pytest.param(add(bare("old-recovery", phase="Succeeded", ready=False, states=())), id="ended"),
    pytest.param(add(workload("ReplicaSet")), id="empty"),
]


@pytest.mark.parametrize("act", KNOWN)
def test_what_does_not_run_is_no_left_over(floor, act):
    """What is there and runs nothing can do nothing."""
    act(floor)

    assert (PASS, False) == outcome(judge_readiness(gather(floor)), "RC-310")
    assert () == floor.decide().posture.reasons


def listing(*entries):
    """Have the fleet file list these as known."""
    return tuple(KnownWorkload(kind, name, FLOOR, "Ops", "it is wanted") for kind, name in entries)


def test_the_fleet_file_makes_it_known(floor):
    """By kind, name and namespace; with a workload its pods and Jobs are known, and no others."""
    job = workload("Job", "beat-1", 1, actual=1, owner=ObjectRef("CronJob", "beat"))
    runs = replace(owned(ObjectRef("Job", "beat-1")), name="beat-1-x")
    add(workload("CronJob", "beat", 1), job, runs, bare("once"), owned(NODE))(floor)
    listed = listing(("CronJob", "beat"), ("Pod", "once"), ("Pod", "old-recovery-x"))
    before = floor.decide().posture.reasons
    floor.fleet = replace(floor.fleet, known_workloads=listed)

    assert 3 == len(before)
    assert (PASS, False) == outcome(judge_readiness(gather(floor)), "RC-310")
    assert () == floor.decide().posture.reasons


@pytest.mark.parametrize(
    "entry",
    [
        KnownWorkload("StatefulSet", "old-recovery", FLOOR, "Ops", "another kind"),
        KnownWorkload("Deployment", "old-recovery", ELSEWHERE, "Ops", "another namespace"),
        KnownWorkload("Deployment", "old-recover", FLOOR, "Ops", "another name"),
    ],
    ids=lambda k: k.why,
)
def test_another_entry_makes_nothing_known(floor, entry):
    """All three have to be the same."""
    add(workload("Deployment", desired=1))(floor)
    floor.fleet = replace(floor.fleet, known_workloads=(entry,))

    assert (FAIL, True) == outcome(judge_readiness(gather(floor)), "RC-310")


@pytest.mark.parametrize(
    "made",
    [workload("Deployment", desired=1, labels={"app": "order-router"}), bare("old-recovery")],
    ids=["workload", "pod"],
)
def test_execution_is_not_made_known_by_listing_it(floor, made):
    """What is recognised as execution by more than its name stays a left-over, and evidence."""
    if made.name in floor.pods or not isinstance(made, WorkloadFacts):
        made = replace(made, labels={"app": "order-router"})
    add(made)(floor)
    kind = made.kind if isinstance(made, WorkloadFacts) else "Pod"
    floor.fleet = replace(floor.fleet, known_workloads=listing((kind, "old-recovery")))
    report = judge_readiness(gather(floor))

    assert (FAIL, True) == outcome(report, "RC-310")
    assert (FAIL, True) == outcome(report, "RC-406")


def test_what_ran_at_the_last_known_good_is_known(floor):
    """A GOOD capture had a whole session's readiness behind it; the floor knows it as well."""
    add(workload("Deployment", desired=1))(floor)
    key = (FLOOR, "Deployment", "old-recovery")
    captured = CapturedWorkloads(frozenset({key}), "ops/lkg/20261117T220000Z")
    other = CapturedWorkloads(frozenset({(FLOOR, "Deployment", "x")}), "ops/lkg/20261117T220000Z")
    whole = floor.evidence()
    floor.evidence = lambda: replace(whole, captured=captured)
    known = judge_readiness(gather(floor, captured=captured))
    unknown = judge_readiness(gather(floor, captured=other))

    assert (PASS, False) == outcome(known, "RC-310")
    assert () == floor.decide().posture.reasons
    assert (FAIL, True) == outcome(unknown, "RC-310")
    assert ["nor did it run in the last known good (ops/lkg/20261117T220000Z)"] == [
        c.detail.rpartition("; ")[2] for c in unknown.checks if c.code == "RC-310"
    ]


def test_an_agent_without_a_named_workload_runs_what_bears_its_name(floor):
    """An inventory as the fleet has it names no workloads."""
    nameless = tuple(replace(a, workload=None) for a in floor.fleet.agents)
    floor.fleet = replace(floor.fleet, agents=nameless)

    assert (PASS, False) == outcome(judge_readiness(gather(floor)), "RC-310")


def test_whose_owner_was_not_seen_is_unknown(floor):
    """A Job whose CronJob may be a known one is not called a left-over; it is no GO either."""
    add(workload("Job", "beat-1", 1, owner=ObjectRef("CronJob", "beat")))(floor)
    floor.lose_list("cronjobs", FLOOR, UnseenReason.TIMEOUT)
    snapshot = floor.decide()
    report = judge_readiness(gather(floor, snapshot=snapshot))

    assert (UNKNOWN, True) == outcome(report, "RC-310")
    assert [] == [r for r in snapshot.posture.reasons if r.code == CODE]


@pytest.mark.parametrize(
    "resource",
    ["cronjobs", "daemonsets", "deployments", "jobs", "pods", "replicasets", "statefulsets"],
)
@pytest.mark.parametrize("namespace", [FLOOR, ELSEWHERE])
def test_a_lost_list_is_never_an_empty_one(floor, resource, namespace):
    """Hiding the list of the left-over does not make it known."""
    add(deployment("old-recovery", 1), bare("old-recovery"))(floor)
    floor.lose_list(resource, namespace, UnseenReason.DENIED)
    seen = judge_readiness(gather(floor))
    floor.workloads.pop("old-recovery", None)
    floor.pods.pop("old-recovery", None)
    hidden = judge_readiness(gather(floor))

    assert outcome(seen, "RC-310") in {(FAIL, True), (UNKNOWN, True)}
    assert outcome(hidden, "RC-310") in {(FAIL, True), (UNKNOWN, True)}


def test_what_ran_in_a_capture_is_read_from_its_manifest():
    """What was at 0 replicas or suspended did not run, and no other kind is a workload."""

    def item(kind, name, **spec):
        return {"kind": kind, "metadata": {"name": name, "namespace": FLOOR}, "spec": spec}

    items = [
        item("Deployment", "runs", replicas=2),
        item("Deployment", "default"),
        item("Deployment", "off", replicas=0),
        item("StatefulSet", "set", replicas=1),
        item("DaemonSet", "daemon"),
        item("CronJob", "beat", suspend=False),
        item("CronJob", "asleep", suspend=True),
        item("Service", "service"),
    ]

    assert {"runs", "default", "set", "daemon", "beat"} == {
        name for _, _, name in running_in({"items": items})
    }
    assert frozenset() == running_in({})


def test_a_required_agent_without_http_is_known(floor):
    """An agent that has only a workload is in the inventory like any other."""
    assert QUIET.workload is not None
    assert QUIET.agent_name in floor.workloads
    assert (PASS, False) == outcome(judge_readiness(gather(floor)), "RC-310")
