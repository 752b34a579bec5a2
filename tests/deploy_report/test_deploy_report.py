"""Decide: the deploy report: how every workload fares, and apart from that, may it trade."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mission_control.cluster.model.facts import ConfigMapFacts, ServiceFacts
from mission_control.cluster.model.objects import (
    ContainerState,
    EnvVariable,
    JobCounts,
    KeyRef,
    ObjectRef,
    Rollout,
    WorkloadFacts,
)
from mission_control.deploy_report.decide.report import make_deploy_report
from mission_control.deploy_report.decide.workload import count_pods
from mission_control.deploy_report.present import deploy_document, deploy_markdown
from mission_control.model.kill_switch import KillSwitchState
from mission_control.model.reading import Seen, Unseen, UnseenReason
from tests.cluster.test_cluster import RUN_SE, SE, from_map, state
from tests.floor.cluster_of_values import FLEET, FLOOR, ClusterFloor, pod, with_env
from tests.floor.floor_of_values import MARKETDATA, NOW

IDENTITY = tuple(
    EnvVariable(n, v)
    for n, v in (
        ("REPO_ID", "r"),
        ("AGENT_NAME", "a"),
        ("AGENT_ROLE", "x"),
        ("AGENT_MODE", "OBSERVE"),
    )
)
SERVICES = Seen(
    (ServiceFacts(FLOOR, "strategy-engine", "ClusterIP", ports=("80->8080/TCP",)),), NOW
)


@pytest.fixture
def floor():
    """Return a floor on a cluster whose workloads have their identity and ignore the switch."""
    made = ClusterFloor()
    for name, run in list(made.workloads.items()):
        if run.containers:
            made.workloads[name] = replace(run, containers=named())
    for name, held in list(made.pods.items()):
        made.pods[name] = replace(held, containers=named())
    return made


def named(*more, names=()):
    """Return one container with its identity."""
    every = tuple(sorted({v.name for v in (*IDENTITY, *more)} | set(names)))
    return with_env(*IDENTITY, *more, env_names=every)


def report_of(floor, services: Seen | Unseen | None = SERVICES, **how):
    """Make the report of a floor."""
    return make_deploy_report(floor.decide(), services, floor.now, user="me", **how)


def find(report, name=SE, kind="Deployment"):
    """Find a workload of the report."""
    return next(w for w in report.workloads if (w.kind, w.name) == (kind, name))


def test_a_workload_that_is_well_is_ok(floor):
    """Allowed, ready and answering: ok, with its digests, pods and samples."""
    found = find(report_of(floor))

    assert ("ok", True, "allowed", ()) == (
        found.classification,
        found.allowed,
        found.allowed_reason,
        found.issues,
    )
    assert {"main": (f"sha256:{'a' * 64}",)} == found.digests
    assert {"running": 1} == found.pod_counts
    assert [("/ops/status", True)] == [(s.path, s.ok) for s in found.samples]


def test_a_sample_that_is_no_2xx_is_not_ok(floor):
    """An answer that refuses is no healthy sample, whatever it says."""
    agent = floor.fleet.agent(SE)
    floor.answer(agent, "/healthz", {"ok": False, "last_tick_epoch_seconds": 1}, 503)

    samples = {s.path: s for s in find(report_of(floor)).samples}

    told = samples["/healthz"]
    assert (False, 503, "answered 503") == (told.ok, told.status_code, told.error)


ROWS = [
    ("down", "crash-loops", "crash loop",
     {"pods": {"states": state("CrashLoopBackOff"), "ready": False}}),
    ("degraded", "crash-loops", "crash loop", {"pods": {"states": state("CrashLoopBackOff")}}),
    ("degraded", "cannot get its image", "image pull",
     {"pods": {"states": state("ErrImagePull", init=True)}}),
    ("down", "has 0 of 1 ready", "replicas not ready", {"workloads": {"ready": 0}}),
    ("down", "has 0 of 1 ready", "replicas not ready", {"pods": {"ready": False}}),
    ("degraded", "has 1 of 2 ready", "replicas not ready", {"workloads": {"desired": 2}}),
    ("degraded", "has not taken up its newest specification", "newest specification",
     {"workloads": {"observed": False}}),
    ("down", "is scaled to 0", "scaled to zero", {"workloads": {"desired": 0, "ready": 0}}),
    ("ok", "", "missing env", {"workloads": {"containers": with_env(*IDENTITY[:1])}}),
    ("degraded", "runs replicas that differ", "replicas differ",
     {"pods": {"containers": with_env(*IDENTITY[:1])}}),
    ("degraded", "has a rollout that is not through", "rollout not through",
     {"workloads": {"rollout": Rollout(0, 1)}}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("health", "because", "issue", "changes"),
    ROWS,
    ids=[f"{h}: {i} {n}" for n, (h, _, i, _c) in enumerate(ROWS)],
)
def test_a_workload_fares_as_its_worst_trouble_says(floor, health, because, issue, changes):
    """None ready is down, any other trouble degrades; a missing variable is no trouble."""
    for where, fields in changes.items():
        held = getattr(floor, where)
        held[SE] = replace(held[SE], **fields)
        if where == "workloads" and "containers" in fields:  # a pod runs what its workload says
            floor.pods[SE] = replace(floor.pods[SE], containers=fields["containers"])
    found = find(report_of(floor))

    assert (health, because) == (found.health, found.because[0] if found.because else "")
    assert any(i.startswith(issue) for i in found.issues)


def test_an_unlisted_workload_is_reported_and_no_less_healthy(floor):
    """How a left-over fares is one matter, and that it is in no list another."""
    floor.workloads["other"] = replace(floor.workloads[SE], name="other")
    floor.pods["other"] = replace(
        floor.pods[SE], name="other-x", owner=ObjectRef("Deployment", "other")
    )
    report = report_of(floor)

    assert "ok" == find(report, "other").health
    assert ["in no list: neither the inventory nor known_workloads names it"] == [
        i for i in find(report, "other").issues if not i.startswith("missing env")
    ]
    assert any("LEFTOVER_WORKLOAD" in action for action in report.actions)


SWITCHED = named(names=("EXECUTION_HALTED",))
TRADES = [
    ("no", "its AGENT_MODE is OBSERVE, the kill switch is ENGAGED", SWITCHED, {}),
    ("no", "its KILL_SWITCH is on, its AGENT_MODE is OBSERVE",
     named(EnvVariable("KILL_SWITCH", "on")), {}),
    ("no", "its AGENT_MODE is Paused", named(EnvVariable("AGENT_MODE", "Paused")), {}),
    ("no", "none of it is wanted or runs", with_env(env_names=("AGENT_MODE",)),
     {"desired": 0, "actual": 0, "ready": 0}),
    ("not applicable", "it has no mode and does not read the kill switch", with_env(), {}),
    ("not ruled out", "EXECUTION_EVIDENCE", named(EnvVariable("AGENT_MODE", "LIVE")), {}),
    ("not ruled out", "MODE_UNKNOWN", named(EnvVariable("AGENT_MODE", "TURBO")), {}),
    ("not ruled out", "MODE_UNRESOLVED", named(from_map("AGENT_MODE")), {}),
    ("not ruled out", "it has no AGENT_MODE, and nothing that was seen forbids it",
     with_env(env_names=("KILL_SWITCH",)), {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "because", "containers", "fields"),
    TRADES,
    ids=[f"{a}: {b[:24]} {n}" for n, (a, b, _c, _f) in enumerate(TRADES)],
)
def test_a_workload_may_trade_unless_something_forbids_it(
    floor, answer, because, containers, fields
):
    """Only a harmless mode, a switch that is confirmed or nothing that runs makes it a no."""
    floor.workloads[SE] = replace(floor.workloads[SE], containers=containers, **fields)
    floor.pods[SE] = replace(floor.pods[SE], containers=containers)
    if fields:
        del floor.pods[SE]
    found = find(report_of(floor))

    assert answer == found.may_trade
    assert because in found.trade_because
    assert ("not ruled out" == answer) is any(i.startswith("may trade") for i in found.issues)


def test_a_forbidden_mode_is_never_a_no(floor):
    """Also where the floor's own judgement is about something else, the mode counts by itself."""
    floor.fleet = replace(FLEET, agents=tuple(a for a in FLEET.agents if a.agent_name != SE))
    floor.workloads[SE] = replace(
        floor.workloads[SE],
        containers=named(EnvVariable("AGENT_MODE", "LIVE"), names=("EXECUTION_HALTED",)),
    )
    snapshot = floor.decide()
    quiet = replace(snapshot, posture=replace(snapshot.posture, reasons=()))
    found = find(make_deploy_report(quiet, SERVICES, floor.now))

    assert ("not ruled out", "its AGENT_MODE is LIVE") == (found.may_trade, found.trade_because)


def test_a_switch_that_is_not_confirmed_forbids_nothing(floor):
    """One that is off or not known is in the headline, and what only it held back is not held."""
    floor.workloads[SE] = replace(
        floor.workloads[SE], containers=with_env(env_names=("EXECUTION_HALTED",))
    )
    floor.pods[SE] = replace(floor.pods[SE], containers=())
    engaged = find(report_of(floor))
    floor.config_map = "0"
    off = report_of(floor)
    snapshot = floor.decide()
    switch = replace(snapshot.kill_switch, state=KillSwitchState.UNKNOWN, confirmed=False)
    unsure = replace(snapshot.kill_switch, state=KillSwitchState.ENGAGED, confirmed=False)
    unknown, unconfirmed = (
        make_deploy_report(replace(snapshot, kill_switch=s), SERVICES, floor.now)
        for s in (switch, unsure)
    )

    assert ("no", "the kill switch is ENGAGED") == (engaged.may_trade, engaged.trade_because)
    assert "not ruled out" == find(off).may_trade == find(unknown).may_trade
    assert "the kill switch is ENGAGED (not confirmed)" in unconfirmed.headline
    assert "the kill switch is DISENGAGED" in off.headline
    assert "the kill switch is UNKNOWN" in unknown.headline
    assert f"trading is not ruled out for {SE}" in unknown.headline
    assert ("kill switch", True) == (
        (i := off.top_issues[0])[0],
        i[1].startswith("it is DISENGAGED"),
    )
    assert SE in off.top_issues[1][0]
    assert "kill switch" not in {subject for subject, _ in unconfirmed.top_issues}


def test_an_engaged_kill_switch_hides_no_crash(floor):
    """
    The P0 that crash-loops leads the headline, its row and the issues; it may not trade (R12.1).
    """
    for name in (MARKETDATA.agent_name, SE):
        floor.workloads[name] = replace(floor.workloads[name], containers=SWITCHED, ready=0)
        floor.pods[name] = replace(floor.pods[name], states=state("CrashLoopBackOff"), ready=False)
    report = report_of(floor)
    found = find(report, MARKETDATA.agent_name)
    document = deploy_document(report, None, None)

    assert ("down", "no") == (found.health, found.may_trade)
    told = f"2 of 6 workloads down: {MARKETDATA.agent_name} crash-loops, {SE} crash-loops"
    assert told == report.headline == document["headline"]
    assert f"Deployment/{MARKETDATA.agent_name}" == document["top_issues"][0]["workload"]
    assert "crash loop" in document["top_issues"][0]["issue"]
    lines = deploy_markdown(document).splitlines()
    assert f"# Deploy report: {told}" == lines[0]
    first = lines[lines.index("|---|---|---|---|---|---|---|") + 1]
    assert first.startswith(f"| {MARKETDATA.agent_name} | Deployment | down: crash-loops")


def test_each_axis_is_counted_by_itself(floor):
    """
    What fares badly and what may not trade are two counts; the predecessor's fields stay (R12.1).
    """
    floor.workloads[SE] = replace(floor.workloads[SE], containers=SWITCHED, ready=0)
    document = deploy_document(report_of(floor), None, None)
    summary, workload = document["summary"], document["workloads"][4]

    assert (6, 5, 1, 1, 0, 1) == tuple(
        summary[k] for k in ("workloads_total", "healthy", "degraded", "down", "unknown", "halted")
    )
    assert {"no": 6} == summary["may_trade"]
    assert SE == workload["workload_name"]
    assert ("degraded", False, "no") == (
        workload["classification"], workload["allowed_to_run"], workload["may_trade"],
    )  # fmt: skip
    assert ("down", ["has 0 of 1 ready"]) == (
        workload["health"]["state"],
        workload["health"]["because"],
    )


def test_a_halted_workload_that_is_well_keeps_the_predecessor_s_word(floor):
    """Its one word for both axes is `halted` only where nothing is wrong."""
    floor.workloads[SE] = replace(floor.workloads[SE], containers=SWITCHED)
    found = find(report_of(floor))

    assert ("halted", "ok", "the kill switch is ENGAGED") == (
        found.classification, found.health, found.allowed_reason,
    )  # fmt: skip
    floor.workloads[SE] = replace(
        floor.workloads[SE], containers=named(EnvVariable("KILL_SWITCH", "1"))
    )
    assert "its KILL_SWITCH is on" == find(report_of(floor)).allowed_reason
    floor.workloads[SE] = replace(
        floor.workloads[SE], containers=named(EnvVariable("AGENT_MODE", "off"))
    )
    assert "its AGENT_MODE is off" == find(report_of(floor)).allowed_reason


def test_what_the_inventory_calls_for_and_is_gone_is_down(floor):
    """A workload that no list shows leads the report; execution need not be there."""
    del floor.workloads[SE], floor.workloads[f"{SE}-1"], floor.pods[SE]
    report = report_of(floor)
    del floor.workloads["execution-engine"]
    without = report_of(floor)

    assert f"1 of 6 workloads down: {SE} is not there" == report.headline
    assert (False, "no", 0) == ((w := find(report)).present, w.may_trade, w.desired)
    assert "1 of 5 workloads down" in without.headline
    assert "Find out who removed it" in " ".join(report.actions)
    assert f"| {SE} | Deployment | down: is not there | not there |" in deploy_markdown(
        deploy_document(report, None, None)
    )


def test_what_was_not_seen_is_not_known(floor):
    """A lost list of pods leaves health, digests and restarts open; the trouble seen stays."""
    floor.workloads["gamma-strategy"] = replace(floor.workloads["gamma-strategy"], ready=0)
    floor.lose_list("pods", FLOOR, UnseenReason.DENIED)
    report = report_of(floor)
    found, document = find(report), deploy_document(report, None, None)
    told = document["workloads"][4]

    assert "unknown" == found.health
    assert "down" == find(report, "gamma-strategy", "StatefulSet").health
    assert report.headline.startswith(
        "not the whole cluster was seen, without 1 of 16 lists; 1 of "
    )
    assert "not known" in report.headline
    assert ("not seen", None) == (told["pod_status_summary"], told["restarts"])
    assert [{"list": "pods", "namespace": FLOOR, "why": "DENIED"}] == document["unread"]
    markdown = deploy_markdown(document)
    assert "pods not seen" in markdown
    assert "pods none" not in markdown
    assert "cluster" == document["top_issues"][0]["workload"]
    assert not [i for i in document["top_issues"] if i["issue"].startswith("not seen")]


def test_a_workload_whose_list_was_lost_has_its_row(floor):
    """It is named by the inventory, so the report names it: not seen, and never gone."""
    floor.lose_list("deployments", FLOOR, UnseenReason.DENIED)
    for name in [n for n, w in floor.workloads.items() if w.kind == "Deployment"]:
        del floor.workloads[name]
    report = report_of(floor)
    found = find(report)

    assert ("unknown", "not ruled out", False) == (found.health, found.may_trade, found.present)
    assert "not seen" in deploy_markdown(deploy_document(report, None, None))
    assert "is not there" not in report.headline


def test_an_odd_pod_may_be_one_of_those_that_are_missing(floor):
    """Fewer pods than the controller counts as ready, and one that could not be understood."""
    del floor.pods[SE]
    floor.garble("pods", FLOOR)
    report = report_of(floor)

    assert ("unknown", ("a pod could not be understood",)) == (
        (w := find(report)).health,
        w.because,
    )
    assert "1 object could not be understood" in report.headline


def test_what_keeps_a_pod_waiting_is_told(floor):
    """The cluster's own words are told with the count."""
    floor.workloads[SE] = replace(floor.workloads[SE], ready=0)
    floor.pods[SE] = replace(floor.pods[SE], ready=False, pending_reason="2 Insufficient cpu")

    assert "2 Insufficient cpu" in " ".join(find(report_of(floor)).issues)


def test_all_well_is_said_in_one_sentence(floor):
    """With everything ready the headline counts it, and names what is worst where it is not."""
    assert "all 6 workloads ok" == report_of(floor).headline
    assert ("None needed.",) == tuple(
        deploy_document(report_of(floor), None, None)["recommended_actions"]
    )
    for name in list(floor.workloads):
        floor.workloads[name] = replace(floor.workloads[name], desired=2)
    assert "congressional-ingest has 1 of 2 ready and 2 more" in report_of(floor).headline
    floor.fleet = replace(FLEET, agents=())
    floor.workloads.clear()
    floor.pods.clear()
    assert "no workload was found" == report_of(floor).headline


def test_a_service_that_does_not_answer_degrades(floor):
    """A failed sample of the primary path degrades, and skipping health forgoes it."""
    floor.lose(RUN_SE, "/ops/status", UnseenReason.TIMEOUT)

    found = find(report_of(floor))
    assert ("degraded", "does not answer /ops/status well") == (found.health, found.because[0])
    assert ("ok", ()) == ((w := find(report_of(floor, sample_health=False))).health, w.samples)


def test_variables_are_summarised_through_config_maps(floor):
    """Values, references that cannot be told, and containers that differ, each in their form."""
    floor.maps["modes"] = ConfigMapFacts(FLOOR, "modes", "d" * 64, ("MODE",), {"MODE": "EVAL"})
    secret = EnvVariable("AGENT_NAME", ref=KeyRef("Secret", "s", "k"))
    variables = (from_map("AGENT_MODE"), secret, EnvVariable("REPO_ID", "one"))
    first = with_env(*variables, env_names=("AGENT_MODE", "AGENT_NAME", "REPO_ID"))
    second = with_env(EnvVariable("REPO_ID", "two"), env_names=("REPO_ID",))
    floor.workloads[SE] = replace(floor.workloads[SE], containers=(*first, *second))
    env = find(report_of(floor)).env

    assert (True, "EVAL") == env["AGENT_MODE"]
    assert (True, "set (valueFrom)") == env["AGENT_NAME"]
    assert (True, "mixed") == env["REPO_ID"]
    assert (False, None) == env["AGENT_ROLE"]


def test_jobs_are_reported_with_their_counts(floor):
    """A Job's pods are its own, also where a CronJob made it; it needs no identity."""
    floor.workloads["cron"] = WorkloadFacts("CronJob", FLOOR, "cron", 1)
    owner = ObjectRef("CronJob", "cron")
    counts = JobCounts(active=0, succeeded=1)
    floor.workloads["run"] = WorkloadFacts("Job", FLOOR, "run", 0, owner=owner, job=counts)
    made = replace(pod(RUN_SE), name="run-x", phase="Succeeded", owner=ObjectRef("Job", "run"))
    floor.pods["run-x"] = made
    floor.pods["bare"] = replace(pod(RUN_SE), name="bare", owner=None)
    found = find(report_of(floor), "run", "Job")

    assert ("ok", {"succeeded": 1}, ()) == (found.health, found.pod_counts, found.issues)


def test_only_the_newest_run_of_a_cron_job_tells_how_it_fares(floor):
    """A Job that failed degrades; one before it, or beside one that goes on, does not."""
    owner, job = ObjectRef("CronJob", "cron"), JobCounts(failed=3, started=NOW)
    earlier = replace(job, started=NOW - timedelta(minutes=1))
    floor.workloads["new"] = WorkloadFacts("Job", FLOOR, "new", 0, owner=owner, job=job)
    floor.workloads["old"] = WorkloadFacts("Job", FLOOR, "old", 0, owner=owner, job=earlier)
    floor.workloads["alone"] = WorkloadFacts(
        "Job", FLOOR, "alone", 0, job=replace(job, started=None)
    )
    report = report_of(floor)

    assert ["degraded", "degraded", "ok"] == [
        find(report, name, "Job").health for name in ("new", "alone", "old")
    ]
    assert "failed" == find(report, "new", "Job").because[0]
    floor.workloads["new"] = replace(floor.workloads["new"], job=replace(job, succeeded=1))
    assert "ok" == find(report_of(floor), "new", "Job").health


def test_only_services_of_the_fleet_need_an_identity(floor):
    """A page server or a tool without an identity is complete; one that has half of it does."""
    floor.workloads["ui"] = replace(floor.workloads[SE], name="ui", containers=with_env())
    half = with_env(EnvVariable("AGENT_NAME", "x"), env_names=("AGENT_NAME",))
    floor.workloads["half"] = replace(floor.workloads[SE], name="half", containers=half)
    report = report_of(floor)

    missing = {w.name for w in report.workloads for i in w.issues if i.startswith("missing env")}
    assert {"half"} == missing


def test_pods_are_counted_by_what_they_do():
    """Crashing and pulling pods are not running, whatever their phase says."""
    pods = [
        pod(RUN_SE),
        pod(RUN_SE, states=state("CrashLoopBackOff")),
        pod(RUN_SE, states=state("ImagePullBackOff")),
        pod(RUN_SE, phase=""),
        pod(RUN_SE, states=(ContainerState("c", waiting="PodInitializing"),)),
    ]

    assert {"crashloop": 1, "imagepull": 1, "running": 2, "unknown": 1} == count_pods(pods)


def test_without_a_cluster_the_report_is_made_and_says_so_first(floor):
    """No cluster, or lost lists: both forms are written, and their first line tells (R12.2)."""
    floor.fleet = replace(FLEET, access=None, cluster="none")
    none = report_of(floor, services=None)
    floor.fleet = FLEET
    floor.lose_list("pods", FLOOR, UnseenReason.DENIED)
    floor.garble("deployments", FLOOR)
    lost = report_of(floor, services=Unseen(UnseenReason.DENIED, NOW, detail="403"))

    assert ("no cluster is configured", ()) == (none.access_error, none.workloads)
    assert "1 of 16 lists was not seen: lost" == lost.access_error
    assert 3 == len(lost.errors)
    for resource, namespace in list(floor.lists):
        floor.lose_list(resource, namespace, UnseenReason.TIMEOUT)
    nothing = report_of(floor)
    told = [
        deploy_markdown(deploy_document(report, None, None)).split("\n", 1)[0]
        for report in (none, nothing, lost)
    ]
    assert "# Deploy report: no cluster access, degraded: no cluster is configured" == told[0]
    assert (
        "# Deploy report: no cluster access, degraded: none of 16 lists was seen, TIMEOUT"
        == told[1]
    )
    assert told[2].startswith("# Deploy report: not the whole cluster was seen, without 1 of 16")
    assert "Restore access" in " ".join(none.actions)
