"""Decide: what changed between two deploy reports, what is folded, and what is not compared."""

from dataclasses import replace

import orjson
import pytest

from mission_control.cluster.model.facts import ConfigMapFacts, ServiceFacts
from mission_control.cluster.model.objects import EnvVariable, JobCounts, ObjectRef, WorkloadFacts
from mission_control.deploy_report.decide.changes import compare_reports
from mission_control.deploy_report.decide.report import make_deploy_report
from mission_control.deploy_report.present import deploy_document, deploy_markdown
from mission_control.model.reading import Seen, Unseen, UnseenReason
from tests.cluster.test_cluster import SE
from tests.floor.cluster_of_values import ELSEWHERE, FLOOR, ClusterFloor, with_env
from tests.floor.floor_of_values import NOW

BEAT = "agenttrader-heartbeat-marketdata-mcp-server"
ENGINE = f"{FLOOR}/Deployment/{SE}"
SERVICE = ServiceFacts(FLOOR, "engine", "ClusterIP", "10.0.0.9", ("80->8080/TCP",), {"app": "e"})
WRITER = with_env(EnvVariable("AGENT_MODE", "OFF"), env_names=("AGENT_MODE",))


def run_of(number, cron="writer", containers=WRITER, **changes):
    """Return a Job as its CronJob makes it for one minute."""
    owner, job = ObjectRef("CronJob", cron), JobCounts(succeeded=1, started=NOW)
    made = WorkloadFacts("Job", FLOOR, f"{cron}-{number}", 0, owner=owner, job=job,
                         containers=containers)  # fmt: skip
    return replace(made, **changes)


@pytest.fixture
def floor():
    """Return a floor with a heartbeat, a CronJob and its newest run, and a Service."""
    made = ClusterFloor()
    made.maps[BEAT] = ConfigMapFacts(FLOOR, BEAT, "1" * 64, ("last_seen",))
    made.maps["modes"] = ConfigMapFacts(FLOOR, "modes", "2" * 64, ("AGENT_MODE",))
    made.workloads["cron"] = WorkloadFacts(
        "CronJob", FLOOR, "writer", 1, schedule="* * * * *", containers=WRITER
    )
    made.workloads["run"] = run_of(29531520)
    return made


def document_of(floor, services=(SERVICE,)):
    """Return the document of a floor's report, as it is read back from the record."""
    seen = services if isinstance(services, Unseen) else Seen(tuple(services), floor.now)
    report = make_deploy_report(floor.decide(), seen, floor.now, user="me")
    return orjson.loads(orjson.dumps(deploy_document(report, None, None)))


def told(compared):
    """Return each change by its subject and respect."""
    return {(c.subject, c.what) for c in compared.changes}


def beat(floor, digest="9" * 64, keys=("last_seen",), name=BEAT):
    """Let a heartbeat's data be of another digest."""
    floor.maps[name] = ConfigMapFacts(FLOOR, name, digest, keys)


def test_over_a_quiet_day_nothing_changed(floor):
    """Heartbeats, the runs of a CronJob, new pods and how the switch is worded are counted once."""
    before = document_of(floor)
    beat(floor)
    floor.workloads["run"] = run_of(29532960)
    floor.pods[SE] = replace(floor.pods[SE], name="strategy-engine-other", started=NOW)
    after = document_of(floor)
    after["meta"]["kill_switch"] = "ENGAGED (confirmed): confirmed by another source"
    compared = compare_reports(before, after)

    assert () == compared.changes
    assert () == compared.gaps
    assert {
        "heartbeats": 1, "runs of CronJobs": 2, "wording of the kill switch's sources": 1,
    } == dict(compared.folded)  # fmt: skip
    document = deploy_document(
        make_deploy_report(floor.decide(), None, floor.now), compared, "then"
    )
    markdown = deploy_markdown(document)
    assert "Nothing changed since then." in markdown
    assert (
        "Left out, because it differs in any two reports: heartbeats (1), runs of CronJobs (2), "
        "wording of the kill switch's sources (1)." in markdown
    )


def set_held(where, name=SE, **fields):
    """Change a workload or a pod; a pod runs what its workload specifies."""

    def change(floor):
        held = getattr(floor, where)
        held[name] = replace(held[name], **fields)
        if "containers" in fields and name in floor.pods:
            floor.pods[name] = replace(floor.pods[name], containers=fields["containers"])

    return change


def other_digest(floor):
    """Let another image run."""
    held = floor.pods[SE].states[0]
    floor.pods[SE] = replace(floor.pods[SE], states=(replace(held, digest=f"sha256:{'b' * 64}"),))


def restarted(floor):
    """Let a container have been started again."""
    held = floor.pods[SE].states[0]
    floor.pods[SE] = replace(floor.pods[SE], states=(replace(held, restarts=3),))


def image_of(floor):
    """Let another image be wanted."""
    (held,) = floor.workloads[SE].containers
    wanted = (replace(held, image="r/x:2"),)
    floor.workloads[SE] = replace(floor.workloads[SE], containers=wanted)
    floor.pods[SE] = replace(floor.pods[SE], containers=wanted)


def env(*variables, names=()):
    """Return a container with these variables."""
    every = tuple(sorted({v.name for v in variables} | set(names)))
    return with_env(EnvVariable("AGENT_MODE", "OBSERVE"), *variables, env_names=every)


CHANGES = [
    (lambda _f: None, set()),
    (other_digest, {(ENGINE, "digest main")}),
    (restarted, {(ENGINE, "restarts")}),
    (image_of, {(ENGINE, "image main")}),
    (set_held("workloads", desired=2), {(ENGINE, "replicas"), (ENGINE, "health")}),
    (set_held("pods", ready=False), {(ENGINE, "ready"), (ENGINE, "health")}),
    (set_held("workloads", generation=7), {(ENGINE, "specification")}),
    (set_held("workloads", service_account="other"), {(ENGINE, "service account")}),
    (
        set_held("workloads", containers=env(EnvVariable("GIT_SHA", "54afffe"), names=("NEW",))),
        {(ENGINE, "env GIT_SHA"), (ENGINE, "env TRADING_MODE"), (ENGINE, "env names main")},
    ),
    (
        set_held("workloads", "cron", schedule="0 * * * *", suspended=True),
        {(f"{FLOOR}/CronJob/writer", "schedule"), (f"{FLOOR}/CronJob/writer", "suspended")},
    ),
    (
        lambda f: beat(f, keys=("last_seen", "token")),
        {(f"ConfigMap {FLOOR}/{BEAT}", "data"), (f"ConfigMap {FLOOR}/{BEAT}", "keys")},
    ),
    (lambda f: beat(f, name="modes"), {(f"ConfigMap {FLOOR}/modes", "data"),
                                       (f"ConfigMap {FLOOR}/modes", "keys")}),
    (lambda f: f.maps.pop(BEAT), {(f"ConfigMap {FLOOR}/{BEAT}", "data")}),
    (lambda f: beat(f, name=f"{BEAT}-2"), {(f"ConfigMap {FLOOR}/{BEAT}-2", "data")}),
    (
        lambda f: f.workloads.update(by_hand=run_of("by-hand")),
        {(f"{FLOOR}/Job/writer-by-hand", "workload")},
    ),
    (
        lambda f: f.workloads.update(odd=run_of(29531521, containers=with_env())),
        {(f"{FLOOR}/Job/writer-29531521", "workload")},
    ),
    (
        lambda f: f.workloads.update(bare=run_of(29531521, owner=None)),
        {(f"{FLOOR}/Job/writer-29531521", "workload")},
    ),
    (
        lambda f: f.workloads.update(other=run_of(29531521, cron="unknown")),
        {(f"{FLOOR}/Job/unknown-29531521", "workload")},
    ),
    (lambda f: setattr(f, "config_map", "0"), {("kill switch", "state")}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "whats"),
    CHANGES,
    ids=[
        "nothing", "digest", "restarts", "image", "wanted", "ready", "generation", "account",
        "env", "schedule", "a beat's keys", "another's beat", "a beat gone", "a new beat",
        "a job by hand", "a job of another image", "a job of nothing", "of an unknown CronJob",
        "the switch",
    ],
)  # fmt: skip
def test_every_real_change_is_told(floor, change, whats):
    """Each has its line, and the same two compared the other way round tell the opposite."""
    before = document_of(floor)
    change(floor)
    after = document_of(floor)
    compared, back = compare_reports(before, after), compare_reports(after, before)

    if ("kill switch", "state") in whats:
        assert whats <= told(compared)
        return
    assert whats == told(compared)
    assert {(c.subject, c.what, c.before, c.after) for c in compared.changes} == {
        (c.subject, c.what, c.after, c.before) for c in back.changes
    }
    assert () == compared.gaps


def test_what_comes_and_goes_is_told(floor):
    """A workload, a CronJob and a Service: with its kind, there or absent."""
    before = document_of(floor)
    del floor.workloads["cron"], floor.workloads["run"]
    floor.workloads["execution-engine-2"] = replace(
        floor.workloads["execution-engine"], name="execution-engine-2"
    )
    after = document_of(floor, ())
    compared = compare_reports(before, after)

    assert {
        (f"{FLOOR}/CronJob/writer", "CronJob", "there", "(absent)"),
        (f"{FLOOR}/Service/engine", "Service", "there", "(absent)"),
        (f"{FLOOR}/Deployment/execution-engine-2", "workload", "(absent)", "there"),
    } == {(c.subject, c.what, c.before, c.after) for c in compared.changes}


def test_a_workload_that_is_gone_is_gone_although_the_inventory_names_it(floor):
    """Its row says that it is not there, and so it is no workload that stayed."""
    before = document_of(floor)
    del floor.workloads[SE], floor.workloads[f"{SE}-1"], floor.pods[SE]
    compared = compare_reports(before, document_of(floor))

    assert {(ENGINE, "workload")} == told(compared)


def test_a_pod_of_no_workload_is_told(floor):
    """It runs something all the same: it is listed, and that it came or changed is a change."""
    before = document_of(floor)
    floor.pods["bare"] = replace(
        floor.pods[SE], name="bare", owner=None, containers=with_env(), phase="Running"
    )
    bare = document_of(floor)
    floor.pods["bare"] = replace(floor.pods["bare"], owner=ObjectRef("Rollout", "x"))
    floor.pods["bare"] = replace(floor.pods["bare"], service_account="other")
    other = document_of(floor)

    subject = f"{FLOOR}/Pod/bare"
    assert {(subject, "Pod")} == told(compare_reports(before, bare))
    assert {(subject, "service account")} == told(compare_reports(bare, other))
    markdown = deploy_markdown({**bare, "lkg": bare["lkg"]})
    assert f"{FLOOR}/bare, Running, made by nothing that is listed: r/x:1" in markdown


def test_a_replica_set_without_its_owner_is_a_workload(floor):
    """Of a kind that is not listed, or left behind: it runs pods, so the report names it."""
    before = document_of(floor)
    rollout = WorkloadFacts("ReplicaSet", FLOOR, "rs", 1, 1, 1, owner=ObjectRef("Rollout", "r"))
    left = replace(rollout, name="left", owner=ObjectRef("Deployment", "gone"))
    floor.workloads |= {
        "rs": rollout, "left": left, "bare": replace(rollout, name="bare", owner=None),
        "old": replace(rollout, name="old", desired=0, actual=0),
    }  # fmt: skip
    named = {f"{FLOOR}/ReplicaSet/{n}" for n in ("rs", "left", "bare")}

    assert named == {s for s, _ in told(compare_reports(before, document_of(floor)))}
    floor.lose_list("deployments", FLOOR, UnseenReason.DENIED)
    floor.workloads["left"] = left
    titles = {w["workload_name"] for w in document_of(floor)["workloads"]}
    assert {"rs", "bare"} <= titles
    assert "left" not in titles


def test_that_a_workload_may_trade_is_a_change(floor):
    """Told where both reports saw everything, and once where the kill switch itself changed."""
    before = document_of(floor)
    after = orjson.loads(orjson.dumps(before))
    row = next(w for w in after["workloads"] if w["workload_name"] == SE)
    row |= {"may_trade": "not ruled out", "may_trade_because": "MODE_UNKNOWN: x"}
    (change,) = compare_reports(before, after).changes

    assert (ENGINE, "may trade", "not ruled out (MODE_UNKNOWN: x)") == (
        change.subject, change.what, change.after,
    )  # fmt: skip
    assert set() == told(compare_reports(before, {**after, "errors": ["a list"]}))
    off = {**after, "meta": {**after["meta"], "kill_switch": "DISENGAGED: x"}}
    assert {("kill switch", "state")} == told(compare_reports(before, off))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"type": "LoadBalancer"}, "type"),
        ({"ports": ("80->9090/TCP",)}, "ports"),
        ({"cluster_ip": "None"}, "cluster IP"),
        ({"selector": {}}, "selector"),
    ],
)
def test_how_a_service_is_reached_is_compared(floor, change, what):
    """Type, ports, address and selector."""
    before, after = document_of(floor), document_of(floor, (replace(SERVICE, **change),))

    assert {(f"{FLOOR}/Service/engine", what)} == told(compare_reports(before, after))


def test_a_long_list_of_names_shows_what_is_not_in_the_other(floor):
    """Nothing past a limit is overlooked, and nothing has to be searched for."""
    names = [f"N{n:02}" for n in range(40)]
    floor.workloads[SE] = replace(floor.workloads[SE], containers=env(names=names))
    before = document_of(floor)
    floor.workloads[SE] = replace(floor.workloads[SE], containers=env(names=[*names[:-1], "Z"]))
    (change,) = compare_reports(before, document_of(floor)).changes
    many = {**before, "workloads": []}
    floor.workloads[SE] = replace(floor.workloads[SE], containers=env(names=("A",)))
    short = next(c for c in compare_reports(before, document_of(floor)).changes)

    assert ("40 names, among them N39", "40 names, among them Z") == (change.before, change.after)
    assert short.before.endswith("N07 and 32 more")
    assert ("1 names, among them A") == short.after
    assert compare_reports(before, many).changes


def test_a_list_that_was_not_read_is_named_and_nothing_of_it_is_a_change(floor):
    """What it would have held is neither gone nor new: it could not be compared."""
    whole = document_of(floor)
    floor.lose_list("pods", FLOOR, UnseenReason.DENIED)
    pods = compare_reports(whole, document_of(floor))
    floor.lose_list("deployments", FLOOR, UnseenReason.TIMEOUT)
    floor.lose_list("configmaps", FLOOR, UnseenReason.DENIED)
    floor.lose_list("cronjobs", FLOOR, UnseenReason.DENIED)
    blind = document_of(floor, Unseen(UnseenReason.DENIED, NOW))
    compared = compare_reports(whole, blind)
    back = compare_reports(blind, whole)

    assert set() == told(pods)
    assert f"the report after did not read {FLOOR}/pods whole: DENIED" in pods.gaps
    assert "what pods of workloads run" in pods.gaps[-1]
    assert {"report"} >= {s for s, _ in told(compared) - {("kill switch", "state")}}
    assert "the report after did not read services whole: DENIED" in compared.gaps
    for part in ("configmaps", "cronjobs", "deployments", "services", "runs of CronJobs"):
        assert part in compared.gaps[-1]
    assert {g.replace("before", "after") for g in back.gaps} == {
        g.replace("before", "after") for g in compared.gaps
    }


def test_lists_beyond_a_few_are_counted(floor):
    """A lost cluster is not reported list by list."""
    whole = document_of(floor)
    for resource, namespace in list(floor.lists):
        floor.lose_list(resource, namespace, UnseenReason.CONNECTION_REFUSED)
    lost = document_of(floor)
    compared = compare_reports(whole, lost)

    assert "the report after did not read 8 more lists whole" in compared.gaps
    assert set() == told(compared) - {("kill switch", "state")}
    same = compare_reports(lost, lost)
    assert () == same.changes
    assert same.gaps


def test_another_namespace_that_was_lost_costs_nothing_here(floor):
    """Only what the unread list would hold is left open."""
    before = document_of(floor)
    floor.lose_list("deployments", ELSEWHERE, UnseenReason.DENIED)
    floor.workloads["gone"] = replace(floor.workloads["execution-engine"], name="gone")

    assert {(f"{FLOOR}/Deployment/gone", "workload")} == told(
        compare_reports(before, document_of(floor))
    )


def older(document):
    """Return a report as an older version recorded it."""
    left = ("cron_jobs", "loose_pods", "config_map_keys", "unread", "headline", "changes_folded")
    known = {k: v for k, v in document.items() if k not in left}
    meta = {k: v for k, v in document["meta"].items() if k != "env_watched"}
    predecessors = {"AGENT_MODE", "AGENT_NAME", "AGENT_ROLE", "KILL_SWITCH", "REPO_ID"}
    workloads = []
    for each in document["workloads"]:
        kept = {k: v for k, v in each.items()
                if k not in {"unseen", "present", "restarts", "made_by", "may_trade"}}  # fmt: skip
        kept["health"] = {k: each["health"][k] for k in ("cluster_dns_url", "samples")}
        kept["env_summary"] = {k: v for k, v in each["env_summary"].items() if k in predecessors}
        workloads.append(kept)
    return {**known, "meta": meta, "workloads": workloads}


def test_a_report_of_an_older_version_is_compared_in_what_it_tells(floor):
    """What it does not hold is a gap and no change; runs of CronJobs are known by the other."""
    floor.workloads[SE] = replace(
        floor.workloads[SE], containers=env(EnvVariable("TRADING_MODE", "paper"))
    )
    before = older(document_of(floor))
    beat(floor)
    floor.workloads["run"] = run_of(29532960)
    compared = compare_reports(before, document_of(floor))

    assert {(f"ConfigMap {FLOOR}/{BEAT}", "data")} == told(compared)
    untold = "the report before says nothing of cron jobs, loose pods, config map keys"
    assert (untold,) == compared.gaps
    assert {"runs of CronJobs": 2} == dict(compared.folded)
    broken = {**before, "errors": ["a list was not seen"]}
    del broken["workloads"][0]["observed_image_digests"]["main"]
    broken["workloads"].pop(1)
    partly = compare_reports(broken, document_of(floor))
    assert {(f"ConfigMap {FLOOR}/{BEAT}", "data")} == told(partly)
    assert "1 of deployments" in partly.gaps[-1]


def test_objects_that_only_have_a_digest_are_compared_by_it(floor):
    """Who may do what, and who reaches what: a change of it is told, a list not read is not."""
    document = document_of(floor)
    before = {**document, "specifications": {"Role/reader": "1" * 64, "Deployment/x": "1" * 64}}
    after = {**document, "specifications": {"Role/reader": "2" * 64, "Role/new": "3" * 64}}
    compared = compare_reports(before, after)
    lost = {**after, "specification_gaps": ["roles was not seen: DENIED"]}
    partly = compare_reports(before, lost)

    assert [f"{FLOOR}/Role/new", f"{FLOOR}/Role/reader"] == [c.subject for c in compared.changes]
    assert [f"{FLOOR}/Role/reader"] == [c.subject for c in partly.changes]
    assert (
        "the report after is without specifications: roles was not seen: DENIED",
    ) == partly.gaps


def test_why_the_switch_is_not_known_is_no_wording(floor):
    """From one doubt to another is a change; the state alone decides where it is known."""
    document = document_of(floor)

    def switch(text):
        return {**document, "meta": {**document["meta"], "kill_switch": text}}

    told_ = [
        compare_reports(switch("UNKNOWN: a"), switch(f"{s}: b")) for s in ("UNKNOWN", "ENGAGED")
    ]
    assert [("kill switch", "why it is not known"), ("kill switch", "state")] == [
        (c.changes[0].subject, c.changes[0].what) for c in told_
    ]
    moved = {**document, "meta": {**document["meta"], "kube_context": "another"}}
    assert {("report", "kube_context")} == told(compare_reports(document, moved))


def test_a_changed_switch_is_told_once(floor):
    """Its ConfigMap and its state have their lines, and not each workload that reads it."""
    mapped = with_env(env_names=("EXECUTION_HALTED",))
    floor.workloads[SE] = replace(floor.workloads[SE], containers=mapped)
    before = document_of(floor)
    after = orjson.loads(orjson.dumps(before))
    key = f"{FLOOR}/agenttrader-kill-switch"
    for document, value in ((before, "1"), (after, "0")):
        document["config_maps"][key] = value * 64
        for each in document["workloads"]:
            each["env_summary"]["EXECUTION_HALTED"] = {"present": True, "value": value}

    assert {(f"ConfigMap {key}", "data")} == told(compare_reports(before, after))
    del after["config_maps"][key]
    del before["config_maps"][key]
    assert (ENGINE, "env EXECUTION_HALTED") in told(compare_reports(before, after))


@pytest.mark.parametrize(
    "odd",
    [{}, {"workloads": 7}, {"workloads": [7]}, {"workloads": [{"observed_image_digests": 3}]},
     {"meta": 7, "config_maps": 7, "services": 7, "cron_jobs": [7], "unread": 7}],
)  # fmt: skip
def test_a_report_of_another_shape_is_compared_all_the_same(floor, odd):
    """It leaves gaps, and is never an error."""
    before = document_of(floor)

    assert compare_reports(odd, before).gaps
    assert compare_reports(before, odd).gaps
    assert 2 <= len(compare_reports(odd, odd).gaps)
    for access in (False, None, "yes"):
        meta = {**before["meta"], "cluster_access": access}
        assert compare_reports(before, {**before, "meta": meta}).gaps
