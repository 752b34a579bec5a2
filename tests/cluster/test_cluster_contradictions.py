"""Evidence of the cluster that hides, goes missing or contradicts itself: the worse side counts."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mission_control.cluster.decide.environment import ConfigMaps, Resolved, resolve
from mission_control.cluster.model.facts import ConfigMapFacts
from mission_control.cluster.model.objects import (
    ContainerState,
    EnvSource,
    EnvVariable,
    KeyRef,
    WorkloadFacts,
)
from mission_control.floor.model import Verdict
from mission_control.model.fleet import ContractKind, Fleet, Workload
from mission_control.model.kill_switch import KILL_SWITCH_MAP, KillSwitchState
from mission_control.model.reading import UnseenReason
from tests.cluster.test_cluster import SE, bare, deployment, halting, report
from tests.floor.cluster_of_values import (
    AGENTS,
    ENGINE,
    FLEET,
    FLOOR,
    PAPER,
    QUIET,
    ClusterFloor,
    with_env,
)
from tests.floor.floor_of_values import EVENING, GAMMA, NOW, rich

CFG, SECRET = EnvSource("ConfigMap", "cfg"), EnvSource("Secret", "trader-secrets")
HELD = [
    ("AGENT_MODE", "LIVE"),
    ("EXECUTION_MODE", "LIVE"),
    ("TRADING_MODE", "live"),
    ("EXECUTION_ENABLED", "true"),
    ("EXECUTION_HALTED", "0"),
    ("MARKETDATA_HEALTH_CHECK_DISABLED", "1"),
]
EVIDENCE = ("EXECUTION_EVIDENCE", SE, "P0")


@pytest.fixture
def floor():
    """Return a floor on a cluster on which all is well."""
    return ClusterFloor()


def config_map(name, **values):
    """Return a ConfigMap with these values."""
    return ConfigMapFacts(FLOOR, name, "0" * 64, tuple(values), values)


def run_with(floor, *variables, sources=(), **held):
    """Let the strategy run with these variables and sources, and a ConfigMap that holds these."""
    floor.maps["cfg"] = config_map("cfg", **held)
    containers = with_env(*variables, env_from=sources)
    floor.workloads[SE] = replace(floor.workloads[SE], containers=containers)


@pytest.mark.parametrize(("name", "value"), HELD)
def test_a_secret_hides_no_value_that_can_be_read(floor, name, value):
    """What is below a Secret that is not read may be what counts, so it raises an alarm."""
    others = [v for v in PAPER if v.name != name]
    run_with(floor, *others, sources=(CFG, SECRET), **{name: value})

    assert EVIDENCE in halting(floor.decide())


def test_a_harmless_value_below_a_secret_raises_and_clears_nothing(floor):
    """The floor may be OK, but an alarm latched before is not cleared."""
    run_with(floor, *PAPER, sources=(CFG, SECRET), EXECUTION_ENABLED="false")
    assert Verdict.OK is floor.decide().posture.verdict
    run_with(floor, *PAPER, sources=(CFG, SECRET), EXECUTION_ENABLED="true")
    assert EVIDENCE in halting(floor.decide())
    run_with(floor, *PAPER, sources=(CFG, SECRET), EXECUTION_ENABLED="false")
    assert EVIDENCE in halting(floor.decide())
    run_with(floor, *PAPER, EnvVariable("EXECUTION_ENABLED", "false"), sources=(CFG, SECRET))
    assert Verdict.OK is floor.decide().posture.verdict


@pytest.mark.parametrize(("name", "value"), HELD)
@pytest.mark.parametrize("written", [False, True], ids=["whole map", "one key"])
def test_a_lost_list_of_config_maps_takes_nothing_back(floor, name, value, written):
    """An alarm of a variable stays latched when its ConfigMap is lost, in every phase."""
    floor.refresh(EVENING)
    ref = KeyRef("ConfigMap", "cfg", name)
    others = [v for v in PAPER if v.name != name]
    if written:
        run_with(floor, *others, EnvVariable(name, ref=ref), **{name: value})
    else:
        run_with(floor, *others, sources=(CFG,), **{name: value})
    assert EVIDENCE in halting(floor.decide())
    floor.lose_list("configmaps", FLOOR, UnseenReason.TIMEOUT)

    assert EVIDENCE in halting(floor.decide())


OPTIONAL = KeyRef("ConfigMap", "override", "AGENT_MODE", optional=True)


@pytest.mark.parametrize(
    ("variables", "sources", "config_maps", "expected"),
    [
        ([("X", "a")], (), {}, Resolved("a")),
        ([("X", "a"), ("X", "b")], (), {}, Resolved("b")),
        ([("X", "a"), ("X", OPTIONAL)], (), {}, Resolved("a")),
        ([("X", OPTIONAL)], (CFG,), {"cfg": "b"}, Resolved("b")),
        ([("X", OPTIONAL)], (), {}, Resolved()),
        ([], (CFG,), {}, Resolved(problem="ConfigMap cfg does not exist")),
        ([], (replace(CFG, optional=True),), {}, Resolved()),
        ([], (replace(CFG, prefix="P_"),), {"cfg": "b"}, Resolved()),
        (
            [("X", "a"), ("X", KeyRef("Secret", "s", "k", optional=True))],
            (),
            {},
            Resolved(problem="it comes from a Secret, which is never read: s k", possible=("a",)),
        ),
        (
            [("X", "a"), ("X", KeyRef("Secret", "s", "k"))],
            (),
            {},
            Resolved(problem="it comes from a Secret, which is never read: s k"),
        ),
        (
            [("X", "a"), ("X", "$(Y)")],
            (),
            {},
            Resolved(problem="its value refers to others: $(Y)"),
        ),
        (
            [],
            (CFG, SECRET),
            {"cfg": "b"},
            Resolved(
                problem="it may come from Secret trader-secrets, which is not read",
                possible=("b",),
            ),
        ),
        ([("X", "a")], (CFG, SECRET), {"cfg": "b"}, Resolved("a")),
    ],
)
def test_values_are_found_where_the_kubelet_finds_them(variables, sources, config_maps, expected):
    """An entry of its own first, the last of several; an optional one to nothing is passed over."""
    env = (EnvVariable(n, v) if isinstance(v, str) else EnvVariable(n, ref=v) for n, v in variables)
    (container,) = with_env(*env, env_from=sources)
    held = {name: config_map(name, X=value) for name, value in config_maps.items()}

    assert expected == resolve(container, "X", ConfigMaps(held, whole=True))


def test_an_optional_reference_into_a_list_that_was_not_seen_hides_nothing():
    """It may be there or not: what lies below it may count."""
    (container,) = with_env(EnvVariable("X", "a"), EnvVariable("X", ref=OPTIONAL))

    assert Resolved(problem="ConfigMap override was not seen", possible=("a",)) == resolve(
        container, "X", ConfigMaps({}, whole=False)
    )


def fleet_with(*agents):
    """Return the fleet with these instead of its execution agent."""
    named = sorted((*AGENTS, QUIET, *agents), key=lambda a: a.agent_name)
    return Fleet(tuple(named), FLEET.digest, FLEET.source, FLEET.cluster, FLEET.access)


@pytest.mark.parametrize("lost", ["deployments", "replicasets", "configmaps"])
def test_a_live_pod_of_execution_stands_while_its_owner_is_unknown(lost):
    """Known by the inventory alone: without its owners' lists it is a pod of no name."""
    gateway = replace(
        ENGINE,
        agent_name="order-gateway",
        workload=Workload("Deployment", "order-gateway", FLOOR),
    )
    floor = ClusterFloor(fleet=fleet_with(gateway))
    floor.refresh(EVENING)
    floor.answers["order-gateway"] = {}
    floor.lose(gateway, "/ops/status", UnseenReason.CONNECTION_REFUSED)
    floor.run(gateway)
    for name in ("order-gateway", "order-gateway-1"):  # the pod alone says that it runs
        floor.workloads[name] = replace(floor.workloads[name], desired=0, actual=0, ready=0)
    before = floor.decide()
    floor.lose_list(lost, FLOOR, UnseenReason.TIMEOUT)
    after = floor.decide()

    for snapshot in (before, after):
        assert ("EXECUTION_EVIDENCE", "order-gateway", "P0") in halting(snapshot)
    assert {a.since for a in before.latched.alarms} == {
        a.since for a in after.latched.alarms if a.subject == "order-gateway"
    }


def test_execution_in_a_namespace_that_is_not_watched_is_never_proven_off():
    """Lists of other namespaces show nothing of it, so their silence clears nothing."""
    engine = replace(ENGINE, workload=Workload("Deployment", "execution-engine", "elsewhere"))
    floor = ClusterFloor(fleet=fleet_with(engine))
    floor.refresh(NOW - timedelta(minutes=2))
    floor.answer(engine, "/ops/status", rich(engine, floor.now))
    assert ("EXECUTION_EVIDENCE", "execution-engine", "P0") in halting(floor.decide())
    floor.refresh(NOW)
    snapshot = floor.decide()

    assert ("EXECUTION_EVIDENCE", "execution-engine", "P0") in halting(snapshot)
    told = report(snapshot, "execution-engine")
    assert (False, "EXECUTION_EVIDENCE") == (told.expected, told.reason_code)


def test_an_execution_workload_that_is_not_taken_up_yet_is_not_proven_off(floor):
    """Its counts are those of an older specification; it raises no alarm, and proves nothing."""
    floor.workloads["x"] = WorkloadFacts("DaemonSet", FLOOR, "execution-x", 0, 0, observed=False)
    engine = report(floor.decide(), "execution-engine")

    assert ("EXECUTION_NOT_PROVEN_OFF", False) == (engine.reason_code, engine.expected)
    floor.workloads["x"] = replace(floor.workloads["x"], observed=True)
    engine = report(floor.decide(), "execution-engine")
    assert (True, "EXECUTION_PROVEN_OFF") == (engine.expected, engine.reason_code)


@pytest.mark.parametrize("name", [QUIET.agent_name, GAMMA.agent_name, SE])
@pytest.mark.parametrize("changes", [{"ready": False}, {"deleting": True}, None], ids=str)
def test_a_workload_is_as_ready_as_the_worse_of_two_lists_says(floor, name, changes):
    """Its own status says one pod is ready; the list of pods says none is."""
    if changes is None:
        del floor.pods[name]
    else:
        floor.pods[name] = replace(floor.pods[name], **changes)
    told = report(floor.decide(), name)

    assert (False, True) == (
        told.expected,
        "REPLICAS_BELOW_DESIRED" in {r.code for r in told.reasons},
    )


def test_a_pod_that_is_over_and_ready_is_not_over(floor):
    """A phase says that it ended while its container is ready: it counts as live."""
    ended = bare("execution-x", phase="Failed", ready=False)
    main, init = ContainerState("main"), ContainerState("before", init=True, ready=True)
    floor.pods["x"] = replace(ended, states=(main, init))
    assert Verdict.OK is floor.decide().posture.verdict
    floor.pods["x"] = replace(ended, states=(replace(main, ready=True), init))

    assert ("EXECUTION_EVIDENCE", f"{FLOOR}/Pod/execution-x", "P0") in halting(floor.decide())


@pytest.mark.parametrize("value", ["0", "HALTED", None])
def test_the_listed_switch_is_heard_beside_the_one_read_by_name(floor, value):
    """One says on and the other does not: the worse side counts, and both are shown (R3.12)."""
    held = {} if value is None else {"EXECUTION_HALTED": value}
    floor.maps["switch"] = config_map(KILL_SWITCH_MAP, **held)
    snapshot = floor.decide()

    assert KillSwitchState.DISENGAGED is snapshot.kill_switch.state
    assert ("EXECUTION_EVIDENCE", "kill-switch", "P0") in halting(snapshot)
    assert f"configmap list {FLOOR}/{KILL_SWITCH_MAP}" in snapshot.kill_switch.detail
    floor.maps["switch"] = config_map(KILL_SWITCH_MAP, EXECUTION_HALTED="1")
    assert Verdict.OK is floor.decide().posture.verdict


def test_a_switch_of_another_namespace_is_no_source(floor):
    """Only the floor's own switch is the switch."""
    other = replace(config_map(KILL_SWITCH_MAP, EXECUTION_HALTED="0"), namespace="agenttrader")
    floor.maps["switch"] = other
    snapshot = floor.decide()

    assert KillSwitchState.ENGAGED is snapshot.kill_switch.state


def test_a_listed_switch_that_is_not_seen_abstains(floor):
    """A lost list says nothing of the switch; who reads it by name does."""
    floor.maps["switch"] = config_map(KILL_SWITCH_MAP, EXECUTION_HALTED="1")
    floor.lose_list("configmaps", FLOOR, UnseenReason.TIMEOUT)

    assert not [w for w in floor.decide().kill_switch.sources if "list" in w.source]


def test_an_execution_agent_without_a_named_workload_is_found_by_its_name():
    """The inventory need not name a workload for its pods to be execution."""
    nameless = replace(ENGINE, agent_name="gateway", workload=None)
    floor = ClusterFloor(fleet=fleet_with(nameless))
    floor.answers["gateway"] = {}
    floor.lose(nameless, "/ops/status", UnseenReason.CONNECTION_REFUSED)
    floor.workloads["gateway"] = deployment("gateway", 1, 1)

    assert ("EXECUTION_EVIDENCE", "gateway", "P0") in halting(floor.decide())


@pytest.mark.parametrize("contract", [ContractKind.RICH, ContractKind.NONE], ids=str)
def test_an_execution_agent_is_judged_by_what_runs_itself(contract):
    """Another that executes halts the floor, and says nothing of the one that is off."""
    engine = replace(ENGINE, contract=contract)
    floor = ClusterFloor(fleet=fleet_with(engine))
    floor.workloads["x"] = WorkloadFacts("Deployment", FLOOR, "execution-x", 1, 1, 1)
    snapshot = floor.decide()
    told = report(snapshot, "execution-engine")

    assert f"{FLOOR}/Deployment/execution-x" in {s for c, s, _ in halting(snapshot)}
    assert (True, "OFFLINE", "EXECUTION_PROVEN_OFF") == (
        told.expected, told.state.value, told.reason_code,
    )  # fmt: skip
    floor.lose_list("jobs", FLOOR, UnseenReason.DENIED)
    lost = report(floor.decide(), "execution-engine")
    assert (False, "EXECUTION_NOT_PROVEN_OFF") == (lost.expected, lost.reason_code)


def test_an_execution_agent_without_a_workload_may_be_any_that_runs():
    """Where the inventory does not name what runs it, nothing shows that it is another."""
    engine = replace(ENGINE, workload=None, agent_name="order-gateway")
    floor = ClusterFloor(fleet=fleet_with(engine))
    floor.answers["order-gateway"] = {}
    floor.lose(engine, "/ops/status", UnseenReason.CONNECTION_REFUSED)
    well = report(floor.decide(), "order-gateway")
    floor.workloads["x"] = WorkloadFacts("Deployment", FLOOR, "execution-x", 1, 1, 1)
    told = report(floor.decide(), "order-gateway")

    assert (True, "EXECUTION_PROVEN_OFF") == (well.expected, well.reason_code)
    assert (False, "EXECUTION_NOT_PROVEN_OFF") == (told.expected, told.reason_code)
