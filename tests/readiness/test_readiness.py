"""Decide: readiness: for every check what makes it pass, fail and unknown."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mission_control.cluster.model.facts import AccountFacts, Grant, NodeFacts, ServiceFacts
from mission_control.cluster.model.objects import EnvVariable, ObjectRef
from mission_control.model.fleet import Criticality, RepositoryLints
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.model.session import MarketSession, Phase
from mission_control.readiness.decide.checks.cluster import moves
from mission_control.readiness.decide.outcome import NAMES
from mission_control.readiness.decide.readiness import is_offered, judge_current, judge_readiness
from mission_control.readiness.decide.scope import PART_OF
from mission_control.readiness.model import (
    CheckOutcome,
    PollCoverage,
    ReadinessEvidence,
    ReadinessVerdict,
    RecordedVerdict,
)
from mission_control.repository.model import Repository, ScriptRun
from tests.cluster.test_cluster import (
    COULD_START,
    MD,
    RUN_SE,
    SE,
    bare,
    deployment,
    from_map,
    secret,
    state,
)
from tests.floor.cluster_of_values import (
    ANOTHER,
    ENGINE,
    FLEET,
    FLOOR,
    IDENTITY,
    QUIET,
    ClusterFloor,
    with_env,
    workload,
)
from tests.floor.floor_of_values import CLOSE_AT, EVENING, NOW, OPEN_AT, rich, session_at

OURS = "system:serviceaccount:trading-floor:mission-control"
GRANT = Grant("namespace trading-floor", "Role reader", "b", ())
NODES = (NodeFacts("node-1", ready=True, schedulable=True),)
SERVICES = (ServiceFacts(FLOOR, "strategy-engine", "ClusterIP"),)
COVERAGE = PollCoverage(900, 900, ((SE, 90, 90),))
REPOSITORY = Repository(
    "/repo",
    "a" * 40,
    "main",
    release_tags=("v2-release-20260107-0322",),
    repo_id="agent-trader-v2",
    origin="https://example.org/owner/agent-trader-v2.git",
    manifests=12,
    names_git_sha=True,
    names_build_id=True,
    preflight=ScriptRun("scripts/preflight.sh", 0),
    lints=(ScriptRun("scripts/verify_zero_trust.py", 0),),
)
UNSEEN = Unseen(UnseenReason.DENIED, NOW, detail="answered 403")
NO = False
PASS, FAIL, UNKNOWN = CheckOutcome.PASS, CheckOutcome.FAIL, CheckOutcome.UNKNOWN


def probe(floor):
    """Let every container have both probes."""
    for key, run in list(floor.workloads.items()):
        probes = tuple(replace(c, probes=("liveness", "readiness")) for c in run.containers)
        floor.workloads[key] = replace(run, containers=probes)


@pytest.fixture
def floor():
    """Return a healthy floor on a cluster, whose fleet file has the repository's lints run."""
    made = ClusterFloor()
    probe(made)
    return made


def gather(floor, **changes):
    """Return everything that the checks are judged from, all well but for the changes."""
    snapshot = changes.pop("snapshot", None) or floor.decide()
    return ReadinessEvidence(
        **{
            "now": floor.now,
            "snapshot": snapshot,
            "coverage": COVERAGE,
            "repository": REPOSITORY,
            "services": Seen(SERVICES, floor.now),
            "nodes": Seen(NODES, floor.now),
            "account": AccountFacts(OURS, verified=False, read_only=True, grants=(GRANT,)),
            "report": Seen("made", floor.now),
            "store": Seen(None, floor.now),
            **changes,
        }
    )


def outcome(report, code):
    """Find how a check ended: its outcome, and whether it alone says NO."""
    found = next(c for c in report.checks if c.code == code)
    assert found.detail
    assert found.name == NAMES[code]
    return found.outcome, found.stops


def test_a_healthy_floor_in_the_locked_posture_is_go(floor):
    """Engaged switch, liveness strategies, no metrics: a gate that can never pass is useless."""
    report = judge_readiness(gather(floor))

    assert [] == [c for c in report.checks if c.outcome is not PASS]
    assert (ReadinessVerdict.GO, True, "") == (report.verdict, report.ready, report.code)
    assert list(NAMES) == [c.code for c in report.checks]


def change(**fields):
    """Change a field of the repository."""
    return lambda _floor: {"repository": replace(REPOSITORY, **fields)}


def give(**fields):
    """Hand other evidence to the checks."""
    return lambda _floor: fields


def hurt(act):
    """Hurt the floor before it is decided."""

    def hurting(floor):
        act(floor)
        return {}

    return hurting


def say_of_lints(wanted):
    """Have the fleet file say this of the repository's own programs."""
    return hurt(lambda f: setattr(f, "fleet", replace(f.fleet, repository_lints=wanted)))


def set_workload(name, **fields):
    """Change a workload."""
    return hurt(lambda f: f.workloads.update({name: replace(f.workloads[name], **fields)}))


def set_pod(name, **fields):
    """Change a pod."""
    return hurt(lambda f: f.pods.update({name: replace(f.pods[name], **fields)}))


def lose(resource):
    """Lose a list of the floor's namespace."""
    return hurt(lambda f: f.lose_list(resource, FLOOR, UnseenReason.DENIED))


def lose_all(floor):
    """Lose every list."""
    for resource, namespace in list(floor.lists):
        floor.lose_list(resource, namespace, UnseenReason.CONNECTION_REFUSED)
    return {}


def nothing(floor):
    """Take every workload and pod away."""
    floor.workloads, floor.pods = {}, {}
    return {}


def set_switch(value, file: str | None = "1"):
    """Write something else into the kill switch."""

    def act(floor):
        floor.config_map, floor.switch = value, file

    return hurt(act)


def no_config_map(floor):
    """Leave the kill switch's ConfigMap unread."""
    whole = floor.evidence()
    told, *rest = whole.switch_readings
    silent = replace(told, reading=UNSEEN)
    floor.evidence = lambda: replace(whole, switch_readings=(silent, *rest))
    return {}


def no_source(floor):
    """Configure no source that confirms."""
    whole = floor.evidence()
    floor.evidence = lambda: replace(whole, switch_readings=())
    return {}


def say(agent, path, value):
    """Change what a service says."""
    return hurt(lambda f: f.say(agent, path, value))


def empty_fleet(floor):
    """Judge an empty fleet."""
    floor.fleet = replace(FLEET, agents=())
    floor.answers = {}
    return {}


def no_marketdata(floor):
    """Judge a fleet without any marketdata service."""
    floor.fleet = replace(FLEET, agents=tuple(a for a in FLEET.agents if a.agent_name != MD))
    return {}


def env(*variables):
    """Return the strategy's container these variables, and its probes."""
    (container,) = with_env(*variables)
    probes = (replace(container, probes=("liveness", "readiness")),)
    return set_workload(SE, containers=probes)


def untagged(image):
    """Run an image under this reference."""

    def act(floor):
        held = floor.pods[SE]
        floor.pods[SE] = replace(held, containers=(replace(held.containers[0], image=image),))

    return hurt(act)


def restarted(minutes, name=SE):
    """Let a container have ended so many minutes ago."""

    def act(floor):
        held = floor.pods[name].states[0]
        ended = floor.now - timedelta(minutes=minutes)
        late = replace(held, restarts=1, ended="Error", ended_at=ended)
        floor.pods[name] = replace(floor.pods[name], states=(late,))

    return hurt(act)


def pressure(*troubles, ready=True):
    """Put a node under pressure."""
    return give(nodes=Seen((NodeFacts("n", ready, True, troubles),), NOW))  # noqa: FBT003


def unasked(floor):
    """Leave a service unasked."""
    del floor.answers[SE]["/ops/status"]
    return {}


def never_judged(floor):
    """Judge an old snapshot."""
    snapshot = floor.decide()
    return {"snapshot": snapshot, "now": floor.now + timedelta(seconds=31)}


def unknown_session(floor):
    """Let the calendar not know."""
    floor.session_at = lambda now: MarketSession(at=now, phase=Phase.UNKNOWN, note="past it")
    return {}


def ending_calendar(floor):
    """Let the calendar end soon."""
    floor.session_at = lambda now: replace(session_at(now), horizon_days=80)
    return {}


def account(read_only, who=OURS):
    """Judge our account as this."""
    return give(account=AccountFacts(who, verified=False, read_only=read_only, detail="d"))


ROWS = [
    ("RC-101", FAIL, give(repository=UNSEEN)),
    ("RC-102", FAIL, change(dirty=("k8s/x.yaml",))),
    ("RC-102", UNKNOWN, give(repository=UNSEEN)),
    ("RC-103", FAIL, change(release_tags=())),
    ("RC-103", UNKNOWN, give(repository=UNSEEN)),
    ("RC-104", FAIL, change(repo_id="another")),
    ("RC-104", UNKNOWN, change(repo_id=None)),
    ("RC-105", UNKNOWN, change(origin="https://example.org/owner/other")),
    ("RC-105", UNKNOWN, change(origin=None)),
    ("RC-201", FAIL, change(preflight=ScriptRun("preflight.sh", 1, "no"))),
    ("RC-201", UNKNOWN, change(preflight=ScriptRun("preflight.sh", None, "TimeoutError"))),
    ("RC-201", UNKNOWN, change(preflight=None)),
    ("RC-202", FAIL, change(lints=(ScriptRun("verify_zero_trust.py", 2),))),
    ("RC-202", UNKNOWN, change(lints=(ScriptRun("verify_zero_trust.py", None),))),
    ("RC-202", UNKNOWN, change(lints=())),
    ("RC-201", UNKNOWN, say_of_lints(None)),
    ("RC-202", UNKNOWN, say_of_lints(None)),
    ("RC-102", UNKNOWN, change(unknowable=("k8s/a.yaml",))),
    ("RC-102", UNKNOWN, change(hiding=("k8s/a.yaml is flagged skip-worktree",))),
    ("RC-102", FAIL, change(dirty=tuple("abcdef"), hiding=("info/exclude has rules",))),
    ("RC-103", UNKNOWN, change(broken_tags=("v2-release-2",))),
    ("RC-103", FAIL, change(release_tags=(), broken_tags=("v2-release-2",))),
    ("RC-203", FAIL, change(latest_images=("k8s/x.yaml:3",))),
    ("RC-203", UNKNOWN, change(manifests=0)),
    ("RC-203", UNKNOWN, change(unread=("k8s/large.yaml",))),
    ("RC-205", FAIL, set_pod(SE, states=())),
    ("RC-205", UNKNOWN, lose("pods")),
    ("RC-205", UNKNOWN, nothing),
    ("RC-206", FAIL, untagged("r/x:latest")),
    ("RC-206", FAIL, untagged("r:5000/x")),
    ("RC-206", UNKNOWN, lose("pods")),
    ("RC-301", FAIL, lose_all),
    ("RC-302", FAIL, lose("pods")),
    ("RC-302", FAIL, hurt(lambda f: f.garble("pods", FLOOR))),
    ("RC-303", FAIL, nothing),
    ("RC-303", UNKNOWN, lose_all),
    ("RC-304", FAIL, set_pod(SE, ready=False)),
    ("RC-304", FAIL, set_workload(SE, ready=0)),
    ("RC-304", FAIL, set_workload(SE, observed=False)),
    ("RC-304", UNKNOWN, lose("deployments")),
    ("RC-304", UNKNOWN, nothing),
    ("RC-305", FAIL, set_pod(SE, states=state("CrashLoopBackOff"))),
    ("RC-305", FAIL, set_pod(SE, states=state("ImagePullBackOff", init=True))),
    ("RC-305", UNKNOWN, lose("pods")),
    ("RC-306", FAIL, restarted(59)),
    ("RC-306", UNKNOWN, lose("pods")),
    ("RC-307", FAIL, set_pod(SE, phase="Pending", pending_reason="Unschedulable: no room")),
    ("RC-307", UNKNOWN, nothing),
    ("RC-308", FAIL, set_workload(SE, containers=with_env())),
    ("RC-308", UNKNOWN, lose("statefulsets")),
    ("RC-304", UNKNOWN, set_workload(SE, rollout=None)),
    ("RC-309", FAIL, untagged("r/x:0")),
    ("RC-309", UNKNOWN, lose("pods")),
    ("RC-309", UNKNOWN, nothing),
    ("RC-310", FAIL, hurt(lambda f: f.workloads.update({"x": deployment("x", 1)}))),
    ("RC-310", UNKNOWN, lose("cronjobs")),
    ("RC-310", UNKNOWN, nothing),
    ("RC-401", FAIL, env(EnvVariable("AGENT_MODE", "EXECUTE"))),
    ("RC-401", FAIL, env(EnvVariable("TRADING_MODE", "live"))),
    ("RC-401", FAIL, say(RUN_SE, "agent_identity.agent_mode", "LIVE")),
    ("RC-401", UNKNOWN, env(secret("AGENT_MODE"))),
    ("RC-401", UNKNOWN, env(EnvVariable("AGENT_MODE", "TURBO"))),
    ("RC-401", UNKNOWN, say(RUN_SE, "agent_identity.agent_mode", "TURBO")),
    ("RC-407", FAIL, say(RUN_SE, "agent_identity.agent_mode", "TURBO")),
    ("RC-401", UNKNOWN, lose("pods")),
    ("RC-401", UNKNOWN, nothing),
    ("RC-402", FAIL, set_switch("true")),
    ("RC-402", FAIL, set_switch(" 1")),
    ("RC-402", FAIL, set_switch("1\n\n")),
    ("RC-402", FAIL, set_switch("0")),
    ("RC-402", FAIL, set_switch(None)),
    ("RC-402", UNKNOWN, no_config_map),
    ("RC-402", UNKNOWN, no_source),
    ("RC-403", FAIL, set_switch("1", file="0")),
    ("RC-403", FAIL, say(RUN_SE, "safety.kill_switch", NO)),
    ("RC-403", UNKNOWN, set_switch("1", file=None)),
    ("RC-404", FAIL, say(FLEET.agent(MD), "marketdata.is_fresh", NO)),
    ("RC-404", UNKNOWN, say(FLEET.agent(MD), "status.last_updated_utc", "2026-11-18T15:00:00Z")),
    ("RC-404", UNKNOWN, no_marketdata),
    ("RC-405", FAIL, env(EnvVariable("MARKETDATA_HEALTH_CHECK_DISABLED", "1"))),
    ("RC-405", FAIL, env(EnvVariable("MARKETDATA_FORCE_STALE", "yes"))),
    ("RC-405", UNKNOWN, env(from_map("MARKETDATA_FORCE_STALE"))),
    ("RC-405", UNKNOWN, lose("configmaps")),
    ("RC-406", FAIL, set_workload("execution-engine", desired=1)),
    ("RC-406", FAIL, hurt(lambda f: f.pods.update({"x": bare("order-router-1")}))),
    ("RC-406", FAIL, hurt(lambda f: f.answer(ENGINE, "/ops/status", rich(ENGINE, f.now)))),
    ("RC-406", UNKNOWN, lose("cronjobs")),
    ("RC-406", UNKNOWN, lose("horizontalpodautoscalers")),
    ("RC-406", FAIL, hurt(COULD_START[0].values[0])),
    ("RC-407", FAIL, say(RUN_SE, "safety.safe_to_execute_orders", True)),  # noqa: FBT003
    ("RC-408", FAIL, set_switch("0")),
    ("RC-501", FAIL, hurt(lambda f: f.lose(RUN_SE, "/ops/status", UnseenReason.TIMEOUT))),
    ("RC-501", FAIL, hurt(lambda f: f.answer(RUN_SE, "/ops/status", rich(RUN_SE, f.now), 503))),
    ("RC-501", UNKNOWN, unasked),
    ("RC-501", UNKNOWN, hurt(lambda f: f.lose(RUN_SE, "/ops/status", UnseenReason.OWN_STALL))),
    ("RC-501", UNKNOWN, empty_fleet),
    ("RC-502", FAIL, say(RUN_SE, "status.state", "DEGRADED")),
    ("RC-502", FAIL, set_workload(QUIET.agent_name, ready=0)),
    ("RC-502", UNKNOWN, empty_fleet),
    ("RC-503", UNKNOWN, give(report=UNSEEN)),
    ("RC-503", UNKNOWN, give(report=None)),
    ("RC-601", FAIL, give(services=Seen((replace(SERVICES[0], type="LoadBalancer"),), NOW))),
    ("RC-601", FAIL, give(services=Seen((replace(SERVICES[0], type="NodePort"),), NOW))),
    ("RC-601", UNKNOWN, give(services=UNSEEN)),
    ("RC-601", UNKNOWN, give(services=None)),
    ("RC-601", UNKNOWN, give(services=Seen((), NOW))),
    ("RC-602", FAIL, pressure(ready=False)),
    ("RC-602", FAIL, set_pod(SE, phase="Pending", pending_reason="Unschedulable: no room")),
    ("RC-602", UNKNOWN, give(nodes=UNSEEN)),
    ("RC-602", UNKNOWN, give(nodes=None)),
    ("RC-602", UNKNOWN, give(nodes=Seen((), NOW))),
    ("RC-602", UNKNOWN, lose("pods")),
    ("RC-603", FAIL, pressure("MemoryPressure is True")),
    ("RC-603", UNKNOWN, give(nodes=UNSEEN)),
    ("RC-603", UNKNOWN, give(nodes=Seen((), NOW))),
    ("RC-701", FAIL, account(NO)),
    ("RC-701", UNKNOWN, account(None)),
    ("RC-701", UNKNOWN, give(account=None)),
    ("RC-702", UNKNOWN, unknown_session),
    ("RC-703", FAIL, give(coverage=PollCoverage(900, 900, ((SE, 90, 80),)))),
    ("RC-703", UNKNOWN, give(coverage=PollCoverage(600, 900, ((SE, 60, 60),)))),
    ("RC-703", UNKNOWN, give(coverage=PollCoverage(900, 900, ((SE, 0, 0),)))),
    ("RC-703", UNKNOWN, give(coverage=PollCoverage(900, 900))),
    ("RC-703", UNKNOWN, give(coverage=UNSEEN)),
    ("RC-704", UNKNOWN, never_judged),
    ("RC-705", FAIL, give(store=UNSEEN)),
    ("RC-705", UNKNOWN, give(store=None)),
]
IDS = [f"{c} {o.value} {n}" for n, (c, o, _) in enumerate(ROWS)]


@pytest.mark.parametrize(("code", "expected", "how"), ROWS, ids=IDS)
def test_every_check_can_fail_and_be_unknown_and_both_say_no(floor, code, expected, how):
    """
    What is wrong with one thing, its check names and alone says NO-GO (R7.1, R7.5, R7.8, R12.2).
    """
    report = judge_readiness(gather(floor, **how(floor)))

    assert (expected, True) == outcome(report, code)
    assert ReadinessVerdict.NO_GO is report.verdict


CANNOT_FAIL = {
    "RC-105": "another origin is UNKNOWN by the fleet's own rule",
    "RC-503": "a report is degraded, never wrong",
    "RC-704": "an old one is no evidence",
}
CANNOT_BE_UNKNOWN = {
    "RC-101": "not available is FAIL by the fleet's own rule",
    "RC-301": "unreachable is FAIL by the fleet's own rule",
    "RC-302": "not whole is FAIL by the fleet's own rule",
    "RC-407": "alarms are always known; without them the posture is HALTED",
    "RC-408": "the posture is always known",
}
ONLY_WARN = {"RC-204", "RC-702"}


def test_no_check_is_left_without_its_rows():
    """For every check there is a row that makes it fail, and one that makes it unknown (R7.1)."""
    failing = {c for c, o, _ in ROWS if o is FAIL}
    unknown = {c for c, o, _ in ROWS if o is UNKNOWN}

    assert set(NAMES) - failing == {*CANNOT_FAIL, *ONLY_WARN}
    assert set(NAMES) - unknown == {*CANNOT_BE_UNKNOWN, "RC-204"}


WARNINGS = [
    ("RC-204", change(names_build_id=NO)),
    ("RC-204", change(manifests=0)),
    ("RC-304", hurt(lambda f: f.workloads.update({"x": deployment("x", 1)}))),
    ("RC-305", hurt(lambda f: f.pods.update({"x": bare("x", states=state("Error"))}))),
    ("RC-701", account(NO, who="alice")),
    ("RC-702", ending_calendar),
]


@pytest.mark.parametrize(
    ("code", "how"), WARNINGS, ids=[f"{c} {n}" for n, (c, _) in enumerate(WARNINGS)]
)
def test_what_only_warns_does_not_say_no(floor, code, how):
    """Optional and foreign things are told, and leave the verdict alone (R7.3)."""
    report = judge_readiness(gather(floor, **how(floor)))
    found, stops = outcome(report, code)

    assert found is not PASS
    assert not stops


def test_an_optional_service_only_warns_and_execution_always_blocks(floor):
    """What the floor does not need may be down; what executes may never be up (R7.3)."""
    optional = tuple(
        replace(a, criticality=Criticality.OPTIONAL) if a.agent_name == SE else a
        for a in FLEET.agents
    )
    floor.fleet = replace(FLEET, agents=optional)
    floor.lose(RUN_SE, "/ops/status", UnseenReason.TIMEOUT)
    report = judge_readiness(gather(floor))

    assert (FAIL, False) == outcome(report, "RC-501")
    assert (FAIL, False) == outcome(report, "RC-502")


def test_an_agent_without_a_named_workload_runs_in_those_of_its_name(floor):
    """An inventory as the fleet has it names no workloads; what is trouble stays trouble."""
    nameless = tuple(replace(a, workload=None) for a in FLEET.agents)
    floor.fleet = replace(FLEET, agents=nameless)
    untagged("r/x:latest")(floor)

    assert (FAIL, True) == outcome(judge_readiness(gather(floor)), "RC-206")


def test_a_workload_that_may_be_a_required_agents_blocks(floor):
    """Where the workload of a required agent is not known, any of the fleet's may run it."""
    other = replace(floor.workloads[SE], name="runtime", labels={PART_OF: "agenttrader-v2"})
    floor.workloads["runtime"] = other
    owner = ObjectRef("Deployment", "runtime")
    mine = replace(floor.pods[SE], name="runtime-x", owner=owner)
    mine = replace(mine, containers=(replace(mine.containers[0], image="r/x:latest"),))
    floor.pods["runtime-x"] = mine
    placed = outcome(judge_readiness(gather(floor)), "RC-206")
    floor.fleet = replace(
        FLEET,
        agents=tuple(
            replace(a, workload=None, agent_name="renamed") if a.agent_name == SE else a
            for a in FLEET.agents
        ),
    )
    floor.answers = {**floor.answers, "renamed": floor.answers.pop(SE)}

    assert (FAIL, False) == placed
    assert (FAIL, True) == outcome(judge_readiness(gather(floor)), "RC-206")


@pytest.mark.parametrize("seconds", [-31, 31], ids=["old", "from the future"])
@pytest.mark.parametrize(
    ("what", "held", "code"),
    [
        ("services", SERVICES, "RC-601"),
        ("nodes", NODES, "RC-602"),
        ("report", "made", "RC-503"),
        ("store", None, "RC-705"),
    ],
)
def test_what_was_read_beside_the_floor_is_as_young_as_it(floor, what, held, code, seconds):
    """Nodes of yesterday say nothing of today."""
    aged = {what: Seen(held, floor.now + timedelta(seconds=seconds))}
    report = judge_readiness(gather(floor, **aged))

    assert PASS is not outcome(report, code)[0]
    assert not report.ready


def test_finished_pods_and_jobs_only_warn(floor):
    """A Job's pod that cannot get its image does not block."""
    job = replace(workload(RUN_SE, 0), kind="Job", name="sweep")
    floor.workloads["sweep"] = job
    owner = ObjectRef("Job", "sweep")
    floor.pods["j"] = bare("j", states=state("ErrImagePull"))
    floor.pods["j"] = replace(floor.pods["j"], owner=owner)

    assert (FAIL, False) == outcome(judge_readiness(gather(floor)), "RC-305")


def test_a_restart_of_yesterday_is_no_news(floor):
    """Only restarts within the last hour fail."""
    restarted(61)(floor)

    assert (PASS, False) == outcome(judge_readiness(gather(floor)), "RC-306")


def test_needs_that_are_not_configured_are_not_applicable_and_say_so(floor):
    """Without a repository nothing of git applies; a skipped preflight says so (R7.3)."""
    bare_ = judge_readiness(gather(floor, repository=None))
    skipped = judge_readiness(gather(floor, skip_preflight=True))

    assert {CheckOutcome.NOT_APPLICABLE} == {outcome(bare_, f"RC-{n}")[0] for n in (101, 105, 204)}
    assert bare_.ready
    assert (CheckOutcome.NOT_APPLICABLE, False) == outcome(skipped, "RC-201")


def test_without_a_cluster_nothing_proves_execution_off(floor):
    """`cluster: none` is configured, so its checks do not apply; what needs proof stays unknown."""
    floor.fleet = replace(FLEET, access=None, cluster="none")
    report = judge_readiness(gather(floor, services=None, nodes=None, account=None))

    assert (CheckOutcome.NOT_APPLICABLE, False) == outcome(report, "RC-304")
    assert (CheckOutcome.NOT_APPLICABLE, False) == outcome(report, "RC-205")
    assert (CheckOutcome.NOT_APPLICABLE, False) == outcome(report, "RC-601")
    assert (CheckOutcome.NOT_APPLICABLE, False) == outcome(report, "RC-701")
    assert (UNKNOWN, True) == outcome(report, "RC-401")
    assert (UNKNOWN, True) == outcome(report, "RC-406")
    assert "" == report.namespace


def test_lints_that_the_fleet_file_leaves_out_are_not_applicable_and_the_report_says_so(floor):
    """`not_run` is digested configuration: it says NO no more, and is told with the verdict."""
    say_of_lints(RepositoryLints.NOT_RUN)(floor)
    report = judge_readiness(gather(floor, **change(lints=(), preflight=None)(floor)))

    assert (CheckOutcome.NOT_APPLICABLE, False) == outcome(report, "RC-201")
    assert (CheckOutcome.NOT_APPLICABLE, False) == outcome(report, "RC-202")
    assert report.ready
    assert RepositoryLints.NOT_RUN is report.repository_lints


def test_what_hides_changes_is_told_beside_what_differs(floor):
    """All three kinds of doubt about a tree are in one sentence, cut with a count."""
    fields = {
        "dirty": tuple("abcdefg"),
        "unknowable": ("x.bin",),
        "hiding": ("y is flagged assume-unchanged",),
    }
    report = judge_readiness(gather(floor, **change(**fields)(floor)))
    (told,) = [c.detail for c in report.checks if c.code == "RC-102"]

    assert "7 paths differ: a, b, c, d, e and 2 more" in told
    assert "whether x.bin changed" in told
    assert "y is flagged assume-unchanged" in told


@pytest.mark.parametrize(
    ("at", "offered"),
    [
        (OPEN_AT - timedelta(minutes=60, seconds=1), False),
        (OPEN_AT - timedelta(minutes=60), True),
        (CLOSE_AT - timedelta(seconds=1), True),
        (CLOSE_AT, False),
    ],
    ids=["too early", "at 08:30", "before the close", "at the close"],
)
def test_go_is_given_from_an_hour_before_the_open_to_the_close(floor, at, offered):
    """Outside of that it is NO-GO SESSION_CLOSED, and says that nothing else is missing (R7.6)."""
    floor.refresh(at)
    probe(floor)
    report = judge_readiness(gather(floor))

    assert (offered, not offered) == (report.ready, report.otherwise_ready)
    assert ("" if offered else "SESSION_CLOSED") == report.code


def test_a_day_without_a_session_offers_no_go():
    """On a weekend there is no open to be an hour before."""
    weekend = replace(session_at(NOW), phase=Phase.CLOSED_WEEKEND, open=None, close=None)

    assert not is_offered(weekend)


def test_stale_marketdata_does_not_say_no_after_hours(floor):
    """
    After a Sunday deploy everything but the session can be well: freshness is not required (R7.6).
    """
    floor.refresh(EVENING)
    probe(floor)
    floor.say(FLEET.agent(MD), "marketdata.is_fresh", value=False)
    report = judge_readiness(gather(floor))

    assert (FAIL, False) == outcome(report, "RC-404")
    assert (FAIL, False) == outcome(report, "RC-407")
    assert report.otherwise_ready


@pytest.mark.parametrize(
    ("image", "moving"),
    [
        ("r/x:54afffe", False),
        ("r/x@sha256:" + "a" * 64, False),
        ("r/x:latest@sha256:" + "a" * 64, False),
        ("r/x", True),
        ("r/x:latest", True),
        ("r:5000/x", True),
        ("r:5000/x:1", False),
        ("x:", True),
    ],
)
def test_a_moving_image_is_told_from_a_pinned_one(image, moving):
    """No tag and `:latest` may be something else tomorrow; a port is no tag."""
    assert moving is moves(image)


GIVEN = RecordedVerdict(
    NOW - timedelta(minutes=30), "2026-11-18", ReadinessVerdict.GO, "", "d", IDENTITY
)


def judge(
    newest=GIVEN,
    at=NOW,
    since=OPEN_AT - timedelta(hours=2),
    halted=None,
    digest="d",
    *,
    cluster=IDENTITY,
    now=False,
):
    """Say what a verdict is worth, after a confirmed halt of an instant."""
    halts = () if halted is None else ((halted, halted),)
    return judge_current(newest, session_at(at), since, halts, digest, cluster=cluster, halted=now)


def test_go_holds_while_nothing_revokes_it():
    """A verdict of this session, watched ever since and never HALTED, is GO."""
    assert (ReadinessVerdict.GO, "") == (judge().verdict, judge().code)


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"newest": None}, "READINESS_MISSING", "no readiness is recorded"),
        ({"newest": replace(GIVEN, verdict=ReadinessVerdict.NO_GO, code="X")}, "X", "NO-GO"),
        (
            {"newest": replace(GIVEN, session_date="2026-11-17")},
            "READINESS_EXPIRED",
            "planned for today 09:35:00 EST brought no verdict; the last verdict is GO",
        ),
        ({"cluster": ANOTHER}, "READINESS_EXPIRED", "not given for this cluster: UID 0f1e2d3c"),
        ({"newest": replace(GIVEN, cluster=None)}, "READINESS_EXPIRED", "not recorded"),
        ({"digest": "other"}, "READINESS_EXPIRED", "another fleet"),
        ({"halted": NOW - timedelta(minutes=1)}, "READINESS_EXPIRED", "HALTED"),
        ({"since": NOW - timedelta(minutes=1)}, "READINESS_EXPIRED", "without a break"),
        (
            {"newest": replace(GIVEN, at=NOW + timedelta(seconds=1))},
            "READINESS_EXPIRED",
            "in the future, at 10:15:01 EST",
        ),
        ({"at": CLOSE_AT}, "SESSION_CLOSED", "to the close"),
        (
            {"newest": replace(GIVEN, at=OPEN_AT - timedelta(minutes=16)), "at": OPEN_AT},
            "READINESS_EXPIRED",
            "09:15:00 EST brought no verdict",
        ),
        (
            {"newest": replace(GIVEN, at=OPEN_AT - timedelta(minutes=15))},
            "READINESS_EXPIRED",
            "09:35:00 EST brought no verdict",
        ),
    ],
    ids=lambda v: v if isinstance(v, str) and " " in v else "",
)
def test_go_does_not_keep(changes, code, said):
    """
    HALTED, a gap, a late readiness, another session or fleet: each revokes GO by name (R7.4, R7.5).
    """
    current = judge(**changes)

    assert (ReadinessVerdict.NO_GO, code) == (current.verdict, current.code)
    assert said in current.detail


def test_a_planned_readiness_has_five_minutes():
    """Until five minutes after its time a planned run is not late (R7.4)."""
    early = replace(GIVEN, at=OPEN_AT - timedelta(minutes=60))
    at = OPEN_AT - timedelta(minutes=10, seconds=1)

    assert ReadinessVerdict.GO is judge(newest=early, at=at).verdict
    assert ReadinessVerdict.NO_GO is judge(newest=early, at=at + timedelta(seconds=1)).verdict


def test_a_halt_before_the_verdict_is_over():
    """What happened before the run is in the run."""
    assert ReadinessVerdict.GO is judge(halted=GIVEN.at - timedelta(seconds=1)).verdict


@pytest.mark.parametrize(
    ("halts", "code", "said"),
    [
        ((), "HALTED_NOW", "is served again if this halt ends unconfirmed"),
        (((10, 12),), "HALTED_NOW", "HALTED; the floor was HALTED at 09:55:00 EST"),
    ],
)
def test_while_the_floor_is_halted_no_go_is_served(halts, code, said):
    """Whether or not the halt is confirmed yet; only one that is takes GO back for good (R7.4)."""
    spans = tuple(
        (NOW - timedelta(minutes=30 - a), NOW - timedelta(minutes=30 - b)) for a, b in halts
    )
    since = OPEN_AT - timedelta(hours=2)
    halted = judge_current(GIVEN, session_at(NOW), since, spans, "d", cluster=IDENTITY, halted=True)
    over = judge_current(GIVEN, session_at(NOW), since, spans, "d", cluster=IDENTITY)

    assert (ReadinessVerdict.NO_GO, code) == (halted.verdict, halted.code)
    assert said in halted.detail
    assert ("READINESS_EXPIRED" if halts else "") == over.code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"newest": None}, "READINESS_MISSING"),
        ({"newest": replace(GIVEN, verdict=ReadinessVerdict.NO_GO, code="X")}, "X"),
        ({"at": CLOSE_AT}, "SESSION_CLOSED"),
    ],
)
def test_what_is_no_go_anyway_says_why(changes, code):
    """A halt only takes the place of GO."""
    assert code == judge(**changes, now=True).code


def test_the_first_halt_after_go_is_named():
    """Its beginning is told; a halt that began before GO counts since GO."""
    minute = timedelta(minutes=1)
    early, late = GIVEN.at - minute, GIVEN.at + minute
    ended, lasting = (early, early), (early, late)
    after = ((late, late + minute), (late + 2 * minute, late + 3 * minute))
    since = OPEN_AT - timedelta(hours=2)
    said = [
        judge_current(GIVEN, session_at(NOW), since, halts, "d", cluster=IDENTITY).detail
        for halts in (after, (ended, *after), (lasting, *after))
    ]

    assert ["09:46:00 EST", "09:46:00 EST", "09:45:00 EST"] == [
        d.partition("HALTED at ")[2].partition(",")[0] for d in said
    ]
