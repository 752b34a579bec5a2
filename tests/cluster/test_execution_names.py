"""Decide: which names mean execution, which image is which, and what an exemption covers."""

from dataclasses import replace

import pytest

from mission_control.cluster.decide.execution import names_execution
from mission_control.cluster.model.facts import ConfigMapFacts
from mission_control.cluster.model.objects import Container, EnvVariable, ObjectRef
from mission_control.floor.model import Verdict
from mission_control.model.execution_rules import (
    ExecutionRules,
    Exemption,
    Switch,
    SwitchEvidence,
    repository_of,
)
from tests.cluster.test_cluster import add_pod, add_workload, bare, deployment, halting, set_env
from tests.floor.cluster_of_values import FLEET, FLOOR, STRATEGY, ClusterFloor

SE = STRATEGY.agent_name
MATCHING = [
    "execution",
    "trade-execution-v2",
    "ExecutionEngine",
    "EXECUTION_AGENT",
    "exec_engine",
    "execengine",
    "exec.engine",
    "order_router",
    "orderRouter",
    "orderrouter",
    "tab-order-router",
    "trade executor",
    "ｅｘｅｃution",  # noqa: RUF001
]
QUIET = [
    "strategy-engine",
    "executive-summary",
    "executed-trades",
    "border-router",
    "borderrouter",
    "exec",
    "engine",
    "order-routing",
    "reorder",
    "",
]


@pytest.mark.parametrize("name", MATCHING)
def test_a_name_is_heard_however_it_is_spelled(name):
    """Case, hyphens, underscores, dots and wide letters make no difference."""
    assert names_execution(name)


@pytest.mark.parametrize("name", QUIET)
def test_a_look_alike_is_not(name):
    """A word that only begins like one, or holds it inside another, says nothing."""
    assert not names_execution(name)


def test_added_patterns_are_heard_beside_the_others():
    """A fleet file adds names, and takes none away."""
    added = ("trade-gateway|fix-out",)

    assert [True, True, True, False] == [
        names_execution(n, added) for n in ("TradeGateway", "fix_out", "execution", "trade-gate")
    ]


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("us-docker.pkg.dev/p/r/Execution-Engine:1", "p/r/execution-engine"),
        ("localhost/x/y@sha256:aa", "x/y"),
        ("localhost:5000/x/y:1@sha256:aa", "x/y"),
        ("execution.example.org:5000/tools:execution", "tools"),
        ("bitnami/kubectl:1.29.0", "bitnami/kubectl"),
        ("nginx:1", "nginx"),
        ("nginx", "nginx"),
        ("", ""),
    ],
)
def test_a_repository_has_no_registry_tag_or_digest(image, repository):
    """Who serves an image, and which build of it, say nothing of what it is."""
    assert repository == repository_of(image)


def box(image, name="main", **more):
    """Return a container with an image."""
    return Container(name, image, **more)


LABELLED = [
    pytest.param({"tier": "execution"}, True, id="any label"),
    pytest.param({"tier": "no-execution"}, False, id="denied"),
    pytest.param({"tier": "execution-disabled"}, False, id="disabled"),
    pytest.param({"app": "no-execution"}, True, id="a label that names"),
    pytest.param({"execution": "false"}, False, id="its key alone"),
]


@pytest.mark.parametrize(("labels", "matches"), LABELLED)
def test_the_value_of_a_label_says_what_something_is(labels, matches):
    """Unless it says that it is not, and only labels that name are believed in any case."""
    floor = ClusterFloor()
    add_workload(deployment("x", 1, 1, labels=labels))(floor)

    assert matches is bool(halting(floor.decide()))


SIGNS = [
    pytest.param({"containers": (Container("exec-engine", "r/x:1"),)}, id="container"),
    pytest.param({"containers": (Container("m", "r/x:1", ports=("execution",)),)}, id="port"),
    pytest.param({"service_account": "execution-ksa"}, id="service account"),
    pytest.param({"owner": ObjectRef("Engine", "execution")}, id="owner that is not seen"),
]


@pytest.mark.parametrize("changes", SIGNS)
def test_each_name_alone_says_what_something_is(changes):
    """A container's, a port's, an account's, or that of an owner that is not read (R3.14)."""
    floor = ClusterFloor()
    add_workload(deployment("x", 1, 1, **changes))(floor)

    assert {("EXECUTION_EVIDENCE", f"{FLOOR}/Deployment/x", "P0")} == halting(floor.decide())


def exempt(image="x/report", name="execution-report"):
    """Return a floor whose fleet file exempts one workload while it runs an image."""
    entry = Exemption(FLOOR, "Deployment", name, image, "A. Operator", "reads only")
    floor = ClusterFloor()
    floor.fleet = replace(FLEET, execution=ExecutionRules(exemptions=(entry,)))
    return floor


def report(*containers, name="execution-report", **changes):
    """Return a Deployment that only looks like execution."""
    return add_workload(deployment(name, 1, 1, containers=containers, **changes))


EXEMPTED = [
    pytest.param([box("r.example/x/report:1")], "x/report", True, id="its image"),
    pytest.param([box("r.example/x/report:2")], "x/report", True, id="another build"),
    pytest.param([box("r.example/x/report:1")], "r.example/x/report", True, id="its registry"),
    pytest.param([box("r.example/x/report:1")], "r.example/x/report:1", True, id="its tag"),
    pytest.param([box("r.example/x/report:2")], "r.example/x/report:1", False, id="another tag"),
    pytest.param([box("evil.example/x/report")], "r.example/x/report", False, id="other registry"),
    pytest.param([box("x/other")], "x/report", False, id="another image"),
    pytest.param([box("x/report"), box("x/proxy", "b")], "x/report", True, id="beside another"),
    pytest.param([box("x/report"), box("x/executor", "b")], "x/report", False, id="beside one"),
    pytest.param([], "x/report", False, id="no container"),
]


@pytest.mark.parametrize(("containers", "image", "quiet"), EXEMPTED)
def test_an_exemption_covers_one_workload_while_it_runs_one_image(containers, image, quiet):
    """Another image, another registry than the one named, or another container ends it."""
    floor = exempt(image)
    report(*containers)(floor)

    assert quiet is not bool(halting(floor.decide()))


def test_an_exemption_covers_what_belongs_to_its_workload():
    """Its replica sets and pods go by its name; a pod that runs something else does not."""
    floor = exempt()
    report(box("x/report"))(floor)
    owner = ObjectRef("Deployment", "execution-report")
    add_workload(replace(deployment("execution-report-1", 1, 1, owner=owner), kind="ReplicaSet"))(
        floor
    )
    pod = bare("execution-report-1-a", containers=(box("x/report"),))
    owned = replace(pod, owner=ObjectRef("ReplicaSet", "execution-report-1"))
    add_pod(owned)(floor)
    quiet = halting(floor.decide())
    add_pod(replace(owned, containers=(*owned.containers, box("x/exec-engine", "debug"))))(floor)

    assert set() == quiet
    assert {("EXECUTION_EVIDENCE", f"{FLOOR}/Deployment/execution-report", "P0")} == halting(
        floor.decide()
    )


def test_a_replica_set_whose_owner_is_not_seen_goes_by_its_own_name():
    """Nothing exempts what cannot be led back to the workload that is exempted."""
    floor = exempt()
    owner = ObjectRef("Deployment", "execution-report")
    add_workload(replace(deployment("execution-report-1", 1, 1, owner=owner), kind="ReplicaSet"))(
        floor
    )

    assert {"EXECUTION_EVIDENCE"} == {c for c, *_ in halting(floor.decide())}


OURS = box("r.example/x/mission-control:1", "no-execution", runs=("mission-control",))


@pytest.mark.parametrize(
    ("containers", "quiet"),
    [((OURS,), True), ((OURS, box("x/tools", "b")), False), ((), False)],
    ids=["ours alone", "beside another", "nothing"],
)
def test_our_own_image_executes_nothing_whatever_it_is_called(containers, quiet):
    """A job of ours that attests that nothing was executed is no execution."""
    floor = ClusterFloor()
    report(*containers, name="no-execution-attestation")(floor)

    assert quiet is not bool(halting(floor.decide()))


def test_a_replica_set_of_our_own_goes_by_its_owner():
    """It has no containers itself, and its name is its owner's."""
    floor = ClusterFloor()
    report(OURS, name="no-execution-attestation")(floor)
    owner = ObjectRef("Deployment", "no-execution-attestation")
    owned = replace(deployment("no-execution-attestation-1", 1, 1, owner=owner), kind="ReplicaSet")
    add_workload(owned)(floor)

    assert set() == halting(floor.decide())


def flagged(*flags, env=(), **more):
    """Let the strategy's command give settings."""
    return set_env(SE, *env, flags=flags, **more)


MODE = EnvVariable("AGENT_MODE", "LIVE")
OFF = EnvVariable("AGENT_MODE", "OFF")
FLAGS = [
    pytest.param(flagged(("AGENT_MODE", "LIVE")), "EXECUTION_EVIDENCE", id="mode"),
    pytest.param(flagged(("AGENT_MODE", "TURBO")), "MODE_UNKNOWN", id="unknown mode"),
    pytest.param(flagged(("AGENT_MODE", "OFF")), None, id="harmless mode"),
    pytest.param(flagged(("MODE", "live")), "EXECUTION_EVIDENCE", id="any mode"),
    pytest.param(flagged(("MODE", "cluster")), None, id="a mode of something else"),
    pytest.param(flagged(("MODE", "$OTHER")), None, id="a mode that refers"),
    pytest.param(flagged(("EXEC_DRY_RUN", "false")), "EXECUTION_EVIDENCE", id="dry run"),
    pytest.param(flagged(("EXEC_DRY_RUN", "maybe")), "MODE_UNRESOLVED", id="unclear dry run"),
    pytest.param(flagged(("AGENT_MODE", "$(X)")), "MODE_UNRESOLVED", id="refers to nothing known"),
    pytest.param(flagged(("AGENT_MODE", "a$(X)b")), "MODE_UNRESOLVED", id="made of others"),
    pytest.param(
        flagged(("AGENT_MODE", "$MODE_OF"), env_names=("MODE_OF",)),
        "MODE_UNRESOLVED",
        id="refers to what is not kept",
    ),
    pytest.param(
        flagged(("EXECUTION_MODE", "${AGENT_MODE}"), env=(MODE,)), "EXECUTION_EVIDENCE", id="refers"
    ),
    pytest.param(flagged(("EXECUTION_MODE", "$AGENT_MODE"), env=(OFF,)), None, id="refers to off"),
    pytest.param(
        flagged(("AGENT_MODE", "${X:-LIVE}")), "EXECUTION_EVIDENCE", id="default of a shell"
    ),
    pytest.param(flagged(("AGENT_MODE", "${X-OFF}")), None, id="harmless default"),
    pytest.param(
        set_env(SE, EnvVariable("EXEC_DRY_RUN", "")), "MODE_UNRESOLVED", id="blank dry run"
    ),
    pytest.param(set_env(SE, EnvVariable("KILL_SWITCH", "off")), "EXECUTION_EVIDENCE", id="switch"),
    pytest.param(set_env(SE, EnvVariable("agent_mode", "live")), "EXECUTION_EVIDENCE", id="case"),
]


@pytest.mark.parametrize(("hurt", "code"), FLAGS)
def test_a_flag_is_judged_as_a_variable_is(hurt, code):
    """What a command gives counts as what the environment does, references included."""
    floor = ClusterFloor()
    hurt(floor)

    assert ({code} if code else set()) == {c for c, *_ in halting(floor.decide())}


def safety(name="agenttrader-safety", namespace=FLOOR, **values):
    """Let a ConfigMap of safety settings hold these; None is there, but not as text."""
    text = {k: v for k, v in values.items() if v is not None}
    held = ConfigMapFacts(namespace, name, "d" * 64, tuple(values), text)
    return lambda floor: floor.maps.__setitem__(name, held)


MAPS = [
    pytest.param(safety(KILL_SWITCH="true"), None, id="engaged"),
    pytest.param(safety(KILL_SWITCH="false"), "EXECUTION_EVIDENCE", id="off"),
    pytest.param(safety(KILL_SWITCH="HALTED"), "MODE_UNRESOLVED", id="unclear"),
    pytest.param(safety(KILL_SWITCH=None), "MODE_UNRESOLVED", id="not text"),
    pytest.param(safety(EXECUTION_ENABLED="1"), "EXECUTION_EVIDENCE", id="enabled"),
    pytest.param(safety(EXECUTION_ENABLED="maybe"), "MODE_UNRESOLVED", id="unclear toggle"),
    pytest.param(safety(AGENT_MODE="WEIRD"), "MODE_UNKNOWN", id="unknown mode"),
    pytest.param(safety("modes", KILL_SWITCH="false"), None, id="another map"),
    pytest.param(
        safety("agenttrader-kill-switch", "agenttrader", EXECUTION_HALTED="0"),
        "EXECUTION_EVIDENCE",
        id="the switch of another namespace",
    ),
]


@pytest.mark.parametrize(("hurt", "code"), MAPS)
def test_a_safety_map_is_judged_whatever_mounts_it(hurt, code):
    """
    One that denies its switch is evidence; the floor's own switch is judged as its source (R3.14).
    """
    floor = ClusterFloor()
    hurt(floor)

    assert ({code} if code else set()) == {c for c, *_ in halting(floor.decide())}


def test_the_floors_own_switch_is_judged_as_its_source_alone():
    """The ConfigMap of the kill switch counts once, as what it is."""
    floor = ClusterFloor()
    safety("agenttrader-kill-switch", EXECUTION_HALTED="0")(floor)
    floor.config_map = "0"
    subjects = {s for _, s, _ in halting(floor.decide())}

    assert "kill-switch" in subjects
    assert f"{FLOOR}/ConfigMap/agenttrader-kill-switch" not in subjects


def test_a_switch_that_a_fleet_file_adds_is_watched():
    """It is judged as it says, and blocks where it cannot be told."""
    floor = ClusterFloor()
    gate = Switch("ORDER_GATE", SwitchEvidence.TRUTHY)
    floor.fleet = replace(FLEET, execution=ExecutionRules(switches=(gate,)))
    set_env(SE, EnvVariable("ORDER_GATE", "on"))(floor)
    told = {c for c, *_ in halting(floor.decide())}
    floor.refresh(floor.now)
    floor.decide()
    set_env(SE, EnvVariable("ORDER_GATE", "off"))(floor)

    assert {"EXECUTION_EVIDENCE"} == told
    assert Verdict.OK is floor.decide().posture.verdict


def test_what_names_execution_is_told():
    """The detail says by what it was recognised, that it is paused, and that no dry run is set."""
    floor = ClusterFloor()
    add_workload(deployment("tools", 1, paused=True, containers=(box("r/exec-engine"),)))(floor)
    detail = floor.decide().posture.reasons[0].detail

    assert "its rollout is paused" in detail
    assert "the image of container main says r/exec-engine; EXEC_DRY_RUN is not set" in detail
