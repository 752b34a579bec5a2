"""Decide: the deploy report: one classification per workload, and what changed between two."""

from dataclasses import replace

import orjson
import pytest

from mission_control.decide.deploy_report import make_deploy_report
from mission_control.decide.report_diff import compare_reports
from mission_control.decide.reported_workload import count_pods
from mission_control.model.cluster.containers import EnvVariable, KeyRef
from mission_control.model.cluster.facts import ConfigMapFacts
from mission_control.model.cluster.further import ServiceFacts
from mission_control.model.cluster.pod import ContainerState
from mission_control.model.cluster.workload import JobCounts, ObjectRef, Rollout, WorkloadFacts
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.present.deploy_document import deploy_document
from mission_control.present.deploy_markdown import deploy_markdown
from tests.decide.cluster_of_values import FLEET, FLOOR, ClusterFloor, pod, with_env
from tests.decide.floor_of_values import NOW
from tests.decide.test_cluster import RUN_SE, SE, from_map, state

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
    """Give a floor on a cluster whose workloads have their identity and ignore the switch."""
    made = ClusterFloor()
    for name, run in list(made.workloads.items()):
        if run.containers:
            made.workloads[name] = replace(run, containers=named())
    for name, held in list(made.pods.items()):
        made.pods[name] = replace(held, containers=named())
    return made


def named(*more, names=()):
    """Give one container with its identity."""
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
    ("degraded", "replicas differ", {"pods": {"containers": with_env(*IDENTITY[:1])}}),
    ("degraded", "rollout not through", {"workloads": {"rollout": Rollout(0, 1)}}),
    ("degraded", "crash loop", {"pods": {"states": state("CrashLoopBackOff")}}),
    ("degraded", "image pull", {"pods": {"states": state("ErrImagePull", init=True)}}),
    ("degraded", "replicas not ready", {"workloads": {"ready": 0}}),
    ("degraded", "replicas not ready", {"workloads": {"observed": False}}),
    ("ok", "missing env", {"workloads": {"containers": with_env(*IDENTITY[:1])}}),
    (
        "halted",
        "not allowed",
        {"workloads": {"containers": named(EnvVariable("KILL_SWITCH", "on"))}},
    ),
    (
        "halted",
        "not allowed",
        {"workloads": {"containers": named(EnvVariable("AGENT_MODE", "Paused"))}},
    ),
    ("halted", "not allowed", {"workloads": {"containers": named(names=("EXECUTION_HALTED",))}}),
]


@pytest.mark.parametrize(
    ("kind", "issue", "changes"), ROWS, ids=[f"{k}: {i} {n}" for n, (k, i, _) in enumerate(ROWS)]
)
def test_a_workload_has_exactly_one_classification(floor, kind, issue, changes):
    """Halted outranks degraded outranks ok; crash and pull symptoms degrade, init ones too."""
    for where, fields in changes.items():
        set_held(where, **fields)(floor)
    found = find(report_of(floor))

    assert kind == found.classification
    assert any(i.startswith(issue) for i in found.issues)


def test_what_nobody_lists_is_told_and_is_no_worse_for_it(floor):
    """How a left-over fares is one matter, and that it is in no list another."""
    floor.workloads["other"] = replace(floor.workloads[SE], name="other")
    floor.pods["other"] = replace(
        floor.pods[SE], name="other-x", owner=ObjectRef("Deployment", "other")
    )
    report = report_of(floor)

    assert "ok" == find(report, "other").classification
    assert ["in no list: neither the inventory nor known_workloads names it"] == [
        i for i in find(report, "other").issues if not i.startswith("missing env")
    ]
    assert any("LEFTOVER_WORKLOAD" in action for action in report.actions)


def test_halted_outranks_degraded(floor):
    """A workload that may not run is halted, however its pods fare, and is counted once."""
    floor.workloads[SE] = replace(
        floor.workloads[SE], containers=named(names=("EXECUTION_HALTED",)), ready=0
    )
    report = report_of(floor)
    document = deploy_document(report, None, None)

    assert "halted" == find(report).classification
    summary = document["summary"]
    assert summary["workloads_total"] == sum(summary[k] for k in ("healthy", "degraded", "halted"))


def test_a_service_that_does_not_answer_degrades(floor):
    """A failed sample of the primary path degrades, and skipping health forgoes it."""
    floor.lose(RUN_SE, "/ops/status", UnseenReason.TIMEOUT)

    assert "degraded" == find(report_of(floor)).classification
    assert ("ok", ()) == (
        (w := find(report_of(floor, sample_health=False))).classification,
        w.samples,
    )


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

    assert ("ok", {"succeeded": 1}, ()) == (found.classification, found.pod_counts, found.issues)


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
    """No cluster, or lost lists: both forms are written, and their first line tells."""
    floor.fleet = replace(FLEET, access=None, cluster="none")
    none = report_of(floor, services=None)
    floor.fleet = FLEET
    floor.lose_list("pods", FLOOR, UnseenReason.DENIED)
    floor.garble("deployments", FLOOR)
    lost = report_of(floor, services=Unseen(UnseenReason.DENIED, NOW, detail="403"))

    assert ("no cluster is configured", ()) == (none.access_error, none.workloads)
    assert "1 of 16 lists were not seen: lost" == lost.access_error
    assert 3 == len(lost.errors)
    for report in (none, lost):
        first = deploy_markdown(deploy_document(report, None, None)).split("\n", 1)[0]
        assert "# Deploy report: no cluster access, degraded" == first
    assert "Restore access" in " ".join(none.actions)


def documents(floor, change):
    """Give the documents of a report before and after a change."""
    before = deploy_document(report_of(floor), None, None)
    change(floor)
    after = deploy_document(report_of(floor), None, None)
    return orjson.loads(orjson.dumps(before)), orjson.loads(orjson.dumps(after))


def set_held(where, **fields):
    """Change a workload or a pod; a pod runs what its workload specifies."""

    def change(floor):
        held = getattr(floor, where)
        held[SE] = replace(held[SE], **fields)
        if "containers" in fields:
            floor.pods[SE] = replace(floor.pods[SE], containers=fields["containers"])

    return change


def other_digest(floor):
    """Let another image run."""
    held = floor.pods[SE].states[0]
    floor.pods[SE] = replace(floor.pods[SE], states=(replace(held, digest=f"sha256:{'b' * 64}"),))


def add_map(floor):
    """Add a ConfigMap."""
    floor.maps["new"] = ConfigMapFacts(FLOOR, "new", "e" * 64)


@pytest.mark.parametrize(
    ("change", "whats"),
    [
        (lambda _f: None, set()),
        (other_digest, {"digest main"}),
        (set_held("workloads", desired=2), {"replicas", "classification"}),
        (set_held("workloads", service_account="other"), {"service account"}),
        (
            set_held(
                "workloads", containers=named(EnvVariable("AGENT_MODE", "EVAL"), names=("NEW",))
            ),
            {"env AGENT_MODE", "env names main"},
        ),
        (lambda f: f.workloads.pop(SE), {"workload"}),
        (add_map, {"data"}),
        (lambda f: setattr(f, "config_map", "yes"), set()),
    ],
    ids=["nothing", "digest", "replicas", "account", "env", "gone", "map", "same switch"],
)
def test_what_changed_is_named(floor, change, whats):
    """Digests, replicas, names of variables and ConfigMaps: each difference has its line."""
    before, after = documents(floor, change)

    assert whats == {c.what for c in compare_reports(before, after).changes}
    mirrored = {
        (c.subject, c.what, c.after, c.before) for c in compare_reports(after, before).changes
    }
    if "workload" not in whats:
        told = {
            (c.subject, c.what, c.before, c.after) for c in compare_reports(before, after).changes
        }
        assert told == mirrored


def test_nothing_changed_is_said_only_of_two_reports_that_saw_everything(floor):
    """A report without the whole cluster leaves a gap, beside its neighbour and beside itself."""
    whole, _ = documents(floor, lambda _f: None)
    floor.lose_list("pods", FLOOR, UnseenReason.DENIED)
    lost, _ = documents(floor, lambda _f: None)

    assert () == compare_reports(whole, whole).gaps
    assert ["before"] == [g.split()[2] for g in compare_reports(lost, whole).gaps]
    assert ["after"] == [g.split()[2] for g in compare_reports(whole, lost).gaps]
    told = {c.what: (c.before, c.after) for c in compare_reports(whole, lost).changes}
    assert "(not seen)" == told["digest main"][1]
    floor.lose_list("deployments", FLOOR, UnseenReason.DENIED)
    floor.lose_list("configmaps", FLOOR, UnseenReason.DENIED)
    blind, _ = documents(floor, lambda _f: None)
    missing = [(c.before, c.after) for c in compare_reports(whole, blind).changes]
    assert ("there", "(not seen)") in missing
    assert not [c for c in missing if "(absent)" in c]
    nothing = compare_reports(lost, lost)
    assert ((), 2) == (nothing.changes, len(nothing.gaps))
    told = deploy_markdown(deploy_document(report_of(floor), nothing, "then"))
    assert "Nothing that was seen since then." in told
    assert 2 == told.count("Not the whole picture: the report ")
    assert compare_reports({**whole, "errors": ["x"]}, whole).gaps
    for access in (False, None, "yes"):
        told = {**whole, "meta": {**whole["meta"], "cluster_access": access}}
        assert compare_reports(whole, told).gaps
    assert 2 == len(compare_reports({}, {"meta": 7}).gaps)


@pytest.mark.parametrize(
    "odd",
    [{}, {"workloads": 7}, {"workloads": [7]}, {"workloads": [{"observed_image_digests": 3}]}],
)
def test_a_report_of_another_shape_is_compared_all_the_same(floor, odd):
    """What an older report does not tell is absent, and never an error."""
    before, _ = documents(floor, lambda _f: None)

    assert compare_reports(odd, before).changes
    assert compare_reports(before, odd).changes
