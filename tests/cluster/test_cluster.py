"""Decide: what the cluster adds to the floor's posture."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mission_control.cluster.model.facts import (
    LIST_OF_STARTER,
    REQUIRED_LISTS,
    STARTER_LISTS,
    ClusterFacts,
    ConfigMapFacts,
    EventFacts,
)
from mission_control.cluster.model.objects import (
    Container,
    ContainerState,
    EnvSource,
    EnvVariable,
    JobCounts,
    KeyRef,
    ObjectRef,
    StarterFacts,
    WorkloadFacts,
)
from mission_control.floor.model import Verdict
from mission_control.model.fleet import Criticality, Workload
from mission_control.model.reading import UnseenReason
from tests.floor.cluster_of_values import (
    ACCESS,
    ELSEWHERE,
    ENGINE,
    FLEET,
    FLOOR,
    GAMMA,
    INGEST,
    MARKETDATA,
    QUIET,
    STRATEGY,
    ClusterFloor,
    pod,
    with_env,
    workload,
)
from tests.floor.floor_of_values import EVENING, NOW, rich

SE, MD = STRATEGY.agent_name, MARKETDATA.agent_name
RUN_SE = replace(STRATEGY, workload=Workload("Deployment", SE, FLOOR))


@pytest.fixture
def floor():
    """Return a floor on a cluster on which all is well."""
    return ClusterFloor()


def halting(snapshot):
    """Return what halts: code, subject and severity."""
    return {(r.code, r.subject, r.severity.value) for r in snapshot.posture.reasons if r.halts}


def report(snapshot: Any, name: str) -> Any:
    """Find a service's report."""
    return snapshot.service(name)


def test_all_is_well_on_a_cluster_that_shows_it(floor):
    """With whole lists nothing is left to complain of: execution is proven off (R3.5, R6.12)."""
    snapshot = floor.decide()

    assert (Verdict.OK, True, ()) == (
        snapshot.posture.verdict,
        snapshot.posture.expected,
        snapshot.posture.reasons,
    )
    engine, quiet = report(snapshot, "execution-engine"), report(snapshot, QUIET.agent_name)
    assert ("OFFLINE", True, "EXECUTION_PROVEN_OFF") == (
        engine.state,
        engine.expected,
        engine.reason_code,
    )
    assert ("OK", True, "UNOBSERVED") == (quiet.state, quiet.expected, quiet.reason_code)
    assert (len(ACCESS.namespaces) * (len(REQUIRED_LISTS) + len(STARTER_LISTS)), 0) == (
        len(floor.lists),
        len([g for g in snapshot.posture.coverage.gaps if "cluster" in g[0]]),
    )


def set_workload(name, **changes):
    """Change a workload."""

    def hurt(floor):
        if name in floor.workloads:
            floor.workloads[name] = replace(floor.workloads[name], **changes)

    return hurt


def set_env(name, *variables, **more):
    """Let the workload's container have these variables."""
    return set_workload(name, containers=with_env(*variables, **more))


def add_workload(made):
    """Add a workload to the cluster."""

    def hurt(floor):
        floor.workloads[made.name] = made

    return hurt


def add_pod(made):
    """Add a pod to the cluster."""

    def hurt(floor):
        floor.pods[made.name] = made

    return hurt


def bare(name, namespace=FLOOR, **changes):
    """Return a pod without an owner."""
    return replace(pod(RUN_SE), name=name, namespace=namespace, owner=None, **changes)


def deployment(name, desired=0, actual=0, **changes):
    """Return a Deployment that the inventory does not know."""
    return WorkloadFacts("Deployment", FLOOR, name, desired, actual, **changes)


def state(waiting, *, init=False):
    """Return the state of a container that does not run."""
    return (ContainerState("main", init=init, waiting=waiting, restarts=4),)


def secret(name):
    """Return a variable that comes from a Secret."""
    return EnvVariable(name, ref=KeyRef("Secret", "trader-secrets", "K"))


def from_map(name, key="MODE", *, optional=False):
    """Return a variable that comes from a ConfigMap."""
    return EnvVariable(name, ref=KeyRef("ConfigMap", "modes", key, optional=optional))


SEV0 = [
    pytest.param(set_workload("execution-engine", desired=1), "execution-engine", id="desired"),
    pytest.param(set_workload("execution-engine", actual=1), "execution-engine", id="actual"),
    pytest.param(
        add_workload(deployment("order-router", 1)), f"{FLOOR}/Deployment/order-router", id="name"
    ),
    pytest.param(
        add_workload(deployment("x", 1, labels={"app.kubernetes.io/component": "Execution-Agent"})),
        f"{FLOOR}/Deployment/x",
        id="label",
    ),
    pytest.param(
        add_workload(WorkloadFacts("CronJob", FLOOR, "trade-executor", 1, schedule="* * * * *")),
        f"{FLOOR}/CronJob/trade-executor",
        id="cron job not suspended",
    ),
    pytest.param(
        add_workload(WorkloadFacts("Job", FLOOR, "exec-engine-1", 1, 1, job=JobCounts(1))),
        f"{FLOOR}/Job/exec-engine-1",
        id="running job",
    ),
    pytest.param(add_pod(bare("execution-x")), f"{FLOOR}/Pod/execution-x", id="bare pod"),
    pytest.param(
        add_pod(bare("execution-y", phase="")), f"{FLOOR}/Pod/execution-y", id="pod of no phase"
    ),
    pytest.param(
        add_pod(replace(pod(ENGINE), owner=ObjectRef("ReplicaSet", "execution-engine-9"))),
        f"{FLOOR}/Pod/execution-engine-1-a",
        id="pod of an unknown owner",
    ),
    pytest.param(set_env(SE, EnvVariable("AGENT_MODE", " Execute ")), SE, id="mode execute"),
    pytest.param(set_env(SE, EnvVariable("AGENT_MODE", "LIVE")), SE, id="mode live"),
    pytest.param(set_env(SE, EnvVariable("EXECUTION_MODE", "live")), SE, id="execution mode"),
    pytest.param(set_env(SE, EnvVariable("TRADING_MODE", "live")), SE, id="trading mode"),
    pytest.param(set_env(SE, EnvVariable("TRADING_MODE", "shadow")), SE, id="not paper"),
    pytest.param(set_env(SE, EnvVariable("EXECUTION_ENABLED", "yes")), SE, id="enabled"),
    pytest.param(set_env(SE, EnvVariable("MARKETDATA_FORCE_STALE", "1")), SE, id="force stale"),
    pytest.param(
        set_env(SE, EnvVariable("MARKETDATA_HEALTH_CHECK_DISABLED", "true")), SE, id="bypass"
    ),
    pytest.param(set_env(SE, EnvVariable("EXECUTION_HALTED", "0")), SE, id="switch off in env"),
    pytest.param(
        set_env(SE, EnvVariable("AGENT_MODE", "OFF"), EnvVariable("AGENT_MODE", "LIVE")),
        SE,
        id="the last of two counts",
    ),
    pytest.param(
        add_pod(replace(pod(RUN_SE), containers=with_env(EnvVariable("AGENT_MODE", "EXECUTE")))),
        SE,
        id="only in the pod",
    ),
    pytest.param(
        add_pod(
            bare("once", phase="Succeeded", containers=with_env(EnvVariable("AGENT_MODE", "LIVE")))
        ),
        f"{FLOOR}/Pod/once",
        id="in a pod that has ended",
    ),
]


@pytest.mark.parametrize(("hurt", "subject"), SEV0)
@pytest.mark.parametrize("at", [NOW, EVENING], ids=["open", "closed"])
def test_any_single_sign_of_execution_is_sev0_in_every_phase(floor, hurt, subject, at):
    """
    Replicas, pods, names, labels, modes and toggles each raise an alarm, day and night (R3.14).
    """
    floor.refresh(at)
    hurt(floor)

    assert {("EXECUTION_EVIDENCE", subject, "P0")} == halting(floor.decide())


@pytest.mark.parametrize(("hurt", "subject"), SEV0)
def test_a_whole_list_that_no_longer_shows_it_clears_it(floor, hurt, subject):
    """What a list showed ends with a whole list that does not, and with nothing else."""
    hurt(floor)
    floor.decide()
    for resource in ("deployments", "pods", "cronjobs", "jobs"):
        floor.lose_list(resource, FLOOR, UnseenReason.TIMEOUT)
    lost = floor.decide()
    floor.refresh(floor.now + timedelta(seconds=15))

    assert ("EXECUTION_EVIDENCE", subject) in {(r.code, r.subject) for r in lost.posture.reasons}
    assert Verdict.OK is floor.decide().posture.verdict


def test_an_odd_object_keeps_a_list_from_clearing(floor):
    """An alarm that an unreadable object hides stays latched."""
    floor.workloads["execution-engine"] = workload(ENGINE, 1)
    floor.decide()
    floor.garble("deployments", FLOOR)
    floor.workloads["execution-engine"] = workload(ENGINE, 0)

    assert "EXECUTION_EVIDENCE" in {r.code for r in floor.decide().posture.reasons}


WELL = [
    pytest.param(set_env(SE, EnvVariable("AGENT_MODE", "EVAL")), id="another mode"),
    pytest.param(set_env(SE, EnvVariable("TRADING_MODE", "Paper ")), id="paper"),
    pytest.param(set_env(SE, EnvVariable("EXECUTION_ENABLED", "false")), id="disabled"),
    pytest.param(set_env(SE, EnvVariable("MARKETDATA_FORCE_STALE", "")), id="empty toggle"),
    pytest.param(set_env(SE, EnvVariable("EXECUTION_HALTED", "1")), id="switch on in env"),
    pytest.param(set_env(SE, from_map("AGENT_MODE", optional=True)), id="optional and absent"),
    pytest.param(
        set_env(SE, secret("APCA_API_KEY_ID"), EnvVariable("AGENT_MODE", "OFF")), id="a secret key"
    ),
    pytest.param(
        set_env(
            SE,
            EnvVariable("AGENT_MODE", "OFF"),
            EnvVariable("TRADING_MODE", "paper"),
            env_from=(EnvSource("Secret", "trader-secrets"),),
        ),
        id="a whole secret beside plain modes",
    ),
    pytest.param(
        set_env(SE, env_from=(EnvSource("Secret", "trader-secrets", prefix="APCA_"),)),
        id="a whole secret with another prefix",
    ),
    pytest.param(
        add_workload(WorkloadFacts("CronJob", FLOOR, "executor", 0, suspended=True)),
        id="suspended cron job",
    ),
    pytest.param(
        add_pod(bare("execution-x", phase="Succeeded", ready=False, states=())), id="finished pod"
    ),
    pytest.param(add_workload(deployment("order-router")), id="scaled to zero"),
]


@pytest.mark.parametrize("hurt", WELL)
def test_what_is_no_sign_of_execution_changes_nothing(floor, hurt):
    """A floor that can never be OK is as useless as one that always is."""
    hurt(floor)
    snapshot = floor.decide()

    assert (Verdict.OK, True) == (snapshot.posture.verdict, snapshot.posture.expected)


UNTOLD = [
    pytest.param(set_env(SE, secret("AGENT_MODE")), "Secret", id="secret"),
    pytest.param(set_env(SE, from_map("AGENT_MODE")), "does not exist", id="no such map"),
    pytest.param(
        set_env(SE, EnvVariable("AGENT_MODE", ref=KeyRef("field of the pod", "labels", ""))),
        "field of the pod",
        id="field",
    ),
    pytest.param(set_env(SE, EnvVariable("AGENT_MODE", "$(MODE)")), "refers", id="expansion"),
    pytest.param(set_env(SE, EnvVariable("EXECUTION_ENABLED", "maybe")), "neither", id="unclear"),
    pytest.param(
        set_env(SE, env_from=(EnvSource("Secret", "trader-secrets"),)), "may come", id="hidden"
    ),
    pytest.param(
        set_env(SE, env_from=(EnvSource("ConfigMap", "modes"),)), "does not exist", id="map gone"
    ),
]


@pytest.mark.parametrize(("hurt", "told"), UNTOLD)
def test_a_mode_that_cannot_be_told_blocks(floor, hurt, told):
    """Neither EXECUTE nor OBSERVE: it is unknown, and so the floor halts (R3.16)."""
    hurt(floor)
    snapshot = floor.decide()

    assert {("MODE_UNRESOLVED", SE, "P1")} == halting(snapshot)
    assert told in snapshot.posture.reasons[0].detail


STRANGE = [
    pytest.param(set_env(SE, EnvVariable("AGENT_MODE", "TURBO")), id="an unknown word"),
    pytest.param(set_env(SE, EnvVariable("AGENT_MODE", "")), id="blank"),
    pytest.param(set_env(SE, EnvVariable("AGENT_MODE", "ОFF")), id="look-alike"),  # noqa: RUF001
    pytest.param(set_env(SE, EnvVariable("EXECUTION_MODE", "turbo")), id="execution mode"),
    pytest.param(
        add_pod(replace(pod(RUN_SE), containers=with_env(EnvVariable("AGENT_MODE", "TURBO")))),
        id="only in the pod",
    ),
]


@pytest.mark.parametrize("hurt", STRANGE)
@pytest.mark.parametrize("at", [NOW, EVENING], ids=["open", "closed"])
def test_a_specified_mode_that_is_unknown_halts_in_every_phase(floor, hurt, at):
    """A pod's setting is judged as a service's claim, until a whole list denies it."""
    floor.refresh(at)
    at_best = floor.decide().posture.verdict
    hurt(floor)
    strange = floor.decide()
    for resource in ("deployments", "pods"):
        floor.lose_list(resource, FLOOR, UnseenReason.TIMEOUT)
    lost = floor.decide()
    floor.refresh(floor.now + timedelta(seconds=15))
    well = floor.decide()

    assert {("MODE_UNKNOWN", SE, "P1")} == halting(strange)
    assert not strange.service(SE).expected
    assert ("MODE_UNKNOWN", SE) in {(r.code, r.subject) for r in lost.posture.reasons}
    assert at_best is well.posture.verdict


@pytest.mark.parametrize(
    "after", [EnvVariable("AGENT_MODE", "TURBO"), secret("AGENT_MODE")], ids=["unknown", "hidden"]
)
@pytest.mark.parametrize("before", ["EXECUTE", "WEIRD"])
def test_only_a_known_mode_takes_another_back(floor, before, after):
    """A mode that is unknown or hidden denies neither a forbidden nor an unknown one before it."""
    set_env(SE, EnvVariable("AGENT_MODE", before))(floor)
    before = {a.key for a in floor.decide().latched.alarms}
    set_env(SE, after)(floor)
    still = {a.key for a in floor.decide().latched.alarms}
    set_env(SE, EnvVariable("AGENT_MODE", "OFF"))(floor)

    assert before
    assert before <= still
    assert () == floor.decide().latched.alarms


@pytest.mark.parametrize("mode", ["ＬＩＶＥ", "paper-live", "L\u200bive"])  # noqa: RUF001
def test_a_specified_mode_is_compared_as_a_said_one_is(floor, mode):
    """Full width, other words and invisible characters hide no forbidden mode in a pod either."""
    set_env(SE, EnvVariable("AGENT_MODE", mode))(floor)

    assert {("EXECUTION_EVIDENCE", SE, "P0")} == halting(floor.decide())


def test_a_trading_mode_is_compared_alike(floor):
    """Paper in full width is paper."""
    set_env(SE, EnvVariable("TRADING_MODE", "\uff50aper\u200b"))(floor)

    assert Verdict.OK is floor.decide().posture.verdict


def test_an_unknown_mode_clears_nothing(floor):
    """The alarm of a workload that said EXECUTE and now hides its mode stays latched."""
    set_env(SE, EnvVariable("AGENT_MODE", "EXECUTE"))(floor)
    floor.decide()
    set_env(SE, secret("AGENT_MODE"))(floor)

    assert "EXECUTION_EVIDENCE" in {r.code for r in floor.decide().posture.reasons}


def modes(**values):
    """Return a ConfigMap of modes; a key with None is there, but not as text."""
    text = {k: v for k, v in values.items() if v is not None}
    return ConfigMapFacts(FLOOR, "modes", "d" * 64, tuple(values), text)


@pytest.mark.parametrize(
    ("held", "variables", "more", "code"),
    [
        pytest.param(modes(MODE="OFF"), [from_map("AGENT_MODE")], {}, None, id="by key"),
        pytest.param(
            modes(MODE="live"),
            [from_map("AGENT_MODE")],
            {},
            "EXECUTION_EVIDENCE",
            id="by key, live",
        ),
        pytest.param(
            modes(MODE=None), [from_map("AGENT_MODE")], {}, "MODE_UNRESOLVED", id="binary"
        ),
        pytest.param(
            modes(OTHER="x"), [from_map("AGENT_MODE")], {}, "MODE_UNRESOLVED", id="no such key"
        ),
        pytest.param(
            modes(AGENT_MODE="EXECUTE"),
            [],
            {"env_from": (EnvSource("ConfigMap", "modes"),)},
            "EXECUTION_EVIDENCE",
            id="whole map",
        ),
        pytest.param(
            modes(MODE="EXECUTE"),
            [],
            {"env_from": (EnvSource("ConfigMap", "modes", prefix="AGENT_"),)},
            "EXECUTION_EVIDENCE",
            id="with a prefix",
        ),
        pytest.param(
            modes(AGENT_MODE="EXECUTE"),
            [EnvVariable("AGENT_MODE", "OFF"), EnvVariable("TRADING_MODE", "paper")],
            {"env_from": (EnvSource("ConfigMap", "modes"),)},
            None,
            id="its own variable outranks",
        ),
        pytest.param(
            modes(AGENT_MODE="EXECUTE"),
            [],
            {
                "env_from": (
                    EnvSource("ConfigMap", "modes"),
                    EnvSource("ConfigMap", "none", optional=True),
                )
            },
            "EXECUTION_EVIDENCE",
            id="a later map without it",
        ),
        pytest.param(
            modes(AGENT_MODE=None),
            [],
            {"env_from": (EnvSource("ConfigMap", "modes"),)},
            "MODE_UNRESOLVED",
            id="whole map, binary",
        ),
    ],
)
def test_modes_are_resolved_through_config_maps(floor, held, variables, more, code):
    """References and whole maps give the value that the container would get."""
    floor.maps["modes"] = held
    set_env(SE, *variables, **more)(floor)

    assert ({code} if code else set()) == {c for c, *_ in halting(floor.decide())}


def test_a_config_map_that_was_not_seen_leaves_modes_untold(floor):
    """Without the list of ConfigMaps an optional reference cannot be called unset."""
    set_env(SE, from_map("AGENT_MODE", optional=True))(floor)
    floor.lose_list("configmaps", FLOOR, UnseenReason.DENIED)
    told = {(r.code, r.subject): r.detail for r in floor.decide().posture.reasons}

    assert "was not seen" in told[("MODE_UNRESOLVED", SE)]


def starter(kind, name, how="it may", **changes):
    """Let the cluster hold something that starts pods."""

    def hurt(floor):
        floor.starters[name] = StarterFacts(kind, FLOOR, name, how, **changes)

    return hurt


def act(text, **changes):
    """Let a CronJob run a command that changes the cluster."""
    box = Container("main", "r/kubectl:1", acts=(text,))
    return add_workload(WorkloadFacts("CronJob", FLOOR, "nightly", 1, containers=(box,), **changes))


TO_ENGINE = (ObjectRef("Deployment", "execution-engine"),)
SCALER = "HorizontalPodAutoscaler"
COULD_START = [
    pytest.param(starter(SCALER, "a", targets=TO_ENGINE), f"{FLOOR}/{SCALER}/a", id="scaler"),
    pytest.param(
        starter(SCALER, "b", targets=(ObjectRef("Deployment", "execution-gateway"),)),
        f"{FLOOR}/{SCALER}/b",
        id="of what is not there",
    ),
    pytest.param(
        starter("Service", "c", containers=(Container("main", "r/order-router:1"),)),
        f"{FLOOR}/Service/c",
        id="route",
    ),
    pytest.param(
        act("kubectl scale deploy/execution-engine --replicas=1"),
        f"{FLOOR}/CronJob/nightly",
        id="job that scales it",
    ),
    pytest.param(
        add_pod(
            bare("deployer", containers=(Container("m", "r/k:1", acts=("helm upgrade executor",)),))
        ),
        f"{FLOOR}/Pod/deployer",
        id="pod that upgrades it",
    ),
    pytest.param(
        add_workload(
            WorkloadFacts(
                "Job",
                FLOOR,
                "executor",
                0,
                suspended=True,
                labels={"kueue.x-k8s.io/queue-name": "q"},
            )
        ),
        f"{FLOOR}/Job/executor",
        id="job in a queue",
    ),
]


@pytest.mark.parametrize(("hurt", "subject"), COULD_START)
@pytest.mark.parametrize("at", [NOW, EVENING], ids=["open", "closed"])
def test_what_could_start_execution_is_p1_and_withholds_go(floor, hurt, subject, at):
    """Nothing is HALTED, but no posture is expected and no GO is kept (R3.15, R6.10, R6.12)."""
    floor.refresh(at)
    at_best = floor.decide().posture.verdict
    hurt(floor)
    posture = floor.decide().posture

    assert (at_best, False, True) == (posture.verdict, posture.expected, posture.withholds)
    assert [("EXECUTION_COULD_START", subject, "P1")] == [
        (r.code, r.subject, r.severity.value)
        for r in posture.reasons
        if r.code != "LEFTOVER_WORKLOAD"
    ]


@pytest.mark.parametrize(("hurt", "subject"), COULD_START)
def test_what_could_start_execution_stands_until_whole_lists_do_not_show_it(floor, hurt, subject):
    """Losing the list that told it, or that of its target, takes nothing back."""
    hurt(floor)
    floor.decide()
    for resource in (
        "cronjobs",
        "jobs",
        "pods",
        "services.serving.knative.dev",
        LIST_OF_STARTER[SCALER],
    ):
        floor.lose_list(resource, FLOOR, UnseenReason.TIMEOUT)
    lost = floor.decide()
    floor.refresh(floor.now + timedelta(seconds=15))

    assert ("EXECUTION_COULD_START", subject) in {(r.code, r.subject) for r in lost.posture.reasons}
    assert (Verdict.OK, ()) == (floor.decide().posture.verdict, floor.latched.alarms)


STARTS_NOTHING = [
    pytest.param(starter(SCALER, "a", targets=(ObjectRef("Deployment", SE),)), id="of another"),
    pytest.param(starter(SCALER, "a", how="", targets=TO_ENGINE), id="that cannot act"),
    pytest.param(act("kubectl scale deploy/execution-engine --replicas=0"), id="to zero"),
    pytest.param(act("kubectl scale deploy/strategy-engine --replicas=1"), id="scales another"),
    pytest.param(
        add_workload(
            WorkloadFacts(
                "CronJob",
                FLOOR,
                "nightly",
                0,
                containers=(Container("m", "r/k:1", acts=("helm upgrade executor",)),),
            )
        ),
        id="suspended",
    ),
    pytest.param(
        add_workload(WorkloadFacts("Job", FLOOR, "executor", 0, suspended=True)), id="suspended job"
    ),
]


@pytest.mark.parametrize("hurt", STARTS_NOTHING)
def test_what_could_not_start_execution_is_quiet(floor, hurt):
    """A scaler of a strategy, and what keeps execution at zero, are as they should be."""
    hurt(floor)
    posture = floor.decide().posture

    told = [r for r in posture.reasons if r.code != "LEFTOVER_WORKLOAD"]
    assert (Verdict.OK, True, []) == (posture.verdict, posture.expected, told)


@pytest.mark.parametrize("resource", [LIST_OF_STARTER[SCALER], "scaledobjects.keda.sh"])
def test_a_list_of_starters_that_is_denied_withholds_go_by_name(floor, resource):
    """An account of before reads no scalers: the list and the remedy are named, nothing halts."""
    floor.lose_list(resource, FLOOR, UnseenReason.DENIED)
    posture = floor.decide().posture

    assert (Verdict.OK, False, True) == (posture.verdict, posture.expected, posture.withholds)
    assert [("DENIED", f"cluster {FLOOR}/{resource}", "P1")] == [
        (r.code, r.subject, r.severity.value) for r in posture.reasons
    ]
    assert "apply what `mission-control rbac` prints" in posture.reasons[0].detail


def test_a_wanted_rollout_of_execution_is_evidence_as_well(floor):
    """What itself wants pods of execution runs it: a replication controller, a rollout."""
    starter("Rollout", "x", wanted=2, targets=TO_ENGINE)(floor)
    starter("ReplicationController", "order-router", how="", wanted=1)(floor)

    assert {
        ("EXECUTION_EVIDENCE", f"{FLOOR}/Rollout/x", "P0"),
        ("EXECUTION_EVIDENCE", f"{FLOOR}/ReplicationController/order-router", "P0"),
    } == halting(floor.decide())


TROUBLES = [
    pytest.param(set_workload(SE, ready=0), "REPLICAS_BELOW_DESIRED", SE, id="below desired"),
    pytest.param(set_workload(SE, observed=False), "REPLICAS_BELOW_DESIRED", SE, id="not observed"),
    pytest.param(
        add_pod(replace(pod(RUN_SE), states=state("CrashLoopBackOff"))),
        "CRASH_LOOPING",
        SE,
        id="crash loop",
    ),
    pytest.param(
        add_pod(replace(pod(RUN_SE), states=state("ErrImagePull"))),
        "IMAGE_PULL_FAILING",
        SE,
        id="image pull",
    ),
    pytest.param(
        add_pod(replace(pod(RUN_SE), states=state("CrashLoopBackOff", init=True))),
        "CRASH_LOOPING",
        SE,
        id="init container",
    ),
    pytest.param(lambda f: f.workloads.pop(SE, None), "WORKLOAD_NOT_FOUND", SE, id="gone"),
]


@pytest.mark.parametrize(("hurt", "code", "subject"), TROUBLES)
def test_what_runs_a_service_can_halt_the_floor(floor, hurt, code, subject):
    """
    A strategy that answers well halts the floor all the same when its pods are not well (R6.11).
    """
    hurt(floor)
    snapshot = floor.decide()

    assert (code, subject, "P1") in halting(snapshot)
    assert not report(snapshot, subject).expected


def test_the_same_trouble_of_an_optional_service_does_not_halt(floor):
    """What the floor does not depend on is reported, and halts nothing."""
    agents = [
        replace(a, criticality=Criticality.OPTIONAL) if a.agent_name == SE else a
        for a in FLEET.agents
    ]
    floor.fleet = replace(FLEET, agents=tuple(agents))
    set_workload(SE, ready=0)(floor)
    snapshot = floor.decide()

    assert (Verdict.OK, False) == (snapshot.posture.verdict, snapshot.posture.expected)
    assert ["REPLICAS_BELOW_DESIRED"] == [r.code for r in snapshot.posture.reasons]


def test_a_pending_pod_says_why(floor):
    """The cluster's own words for why a pod is not scheduled are in the reason."""
    set_workload(SE, ready=0)(floor)
    waiting = replace(pod(RUN_SE), phase="Pending", pending_reason="Unschedulable: no room")
    floor.pods[SE] = waiting

    assert "Unschedulable: no room" in floor.decide().posture.reasons[0].detail


def test_a_long_row_of_crashing_containers_is_cut(floor):
    """Three containers are named, and how many more there are."""
    floor.pods[SE] = replace(pod(RUN_SE), states=state("CrashLoopBackOff") * 5)

    assert "and 2 more" in floor.decide().posture.reasons[0].detail


def test_an_agent_without_http_is_judged_by_its_pods(floor):
    """Its state follows the cluster: running, off, or a CronJob that rests."""
    set_workload(QUIET.agent_name, desired=0, actual=0, ready=0)(floor)
    del floor.pods[QUIET.agent_name]
    off = report(floor.decide(), QUIET.agent_name)
    ref = Workload("CronJob", "sweep", FLOOR)
    swept = replace(QUIET, workload=ref, criticality=Criticality.OPTIONAL)
    agents = [swept if a is QUIET else a for a in FLEET.agents]
    floor.fleet = replace(FLEET, agents=tuple(agents))
    floor.workloads["sweep"] = WorkloadFacts("CronJob", FLOOR, "sweep", 1, schedule="0 * * * *")
    resting = report(floor.decide(), QUIET.agent_name)

    assert ("OFFLINE", False, "PROCESS_DOWN") == (off.state, off.expected, off.reason_code)
    assert ("OK", True) == (resting.state, resting.expected)


def test_an_execution_agent_without_http_is_judged_by_the_cluster(floor):
    """It is expected where its workload is off, and where it is not that is evidence."""
    ref = Workload("Deployment", "execution-agent", ELSEWHERE)
    hidden = replace(QUIET, agent_name="execution-agent", kind=ENGINE.kind, workload=ref)
    floor.fleet = replace(FLEET, agents=(*FLEET.agents, hidden))
    off = report(floor.decide(), "execution-agent")
    floor.workloads["execution-agent"] = workload(hidden, 1)
    on = floor.decide()

    assert ("OFFLINE", True) == (off.state, off.expected)
    assert ("UNKNOWN", False) == (
        report(on, "execution-agent").state,
        report(on, "execution-agent").expected,
    )
    assert ("EXECUTION_EVIDENCE", "execution-agent", "P0") in halting(on)


def test_a_namespace_that_is_not_watched_shows_nothing(floor):
    """Of a workload elsewhere the report says that its namespace is not watched."""
    away = replace(STRATEGY, workload=Workload("Deployment", SE, "staging"))
    agents = [away if a.agent_name == SE else a for a in FLEET.agents]
    floor.fleet = replace(FLEET, agents=tuple(agents))
    seen = report(floor.decide(), SE)

    assert (False, "WORKLOAD_NOT_FOUND") == (seen.expected, seen.reason_code)
    assert "not watched" in seen.reasons[0].detail


@pytest.mark.parametrize("resource", ["pods", "deployments", "cronjobs", "configmaps"])
@pytest.mark.parametrize(
    "reason", [UnseenReason.DENIED, UnseenReason.TIMEOUT, UnseenReason.PARTIAL], ids=str
)
def test_each_required_list_is_required(floor, resource, reason):
    """
    Losing any one list of any namespace halts an open floor, and is told in a closed one (R6.8).
    """
    floor.lose_list(resource, ELSEWHERE, reason)
    opened = floor.decide()
    floor.refresh(EVENING)
    floor.lose_list(resource, ELSEWHERE, reason)
    closed = floor.decide()

    lost = (reason.value, f"cluster {ELSEWHERE}/{resource}")
    assert {(*lost, "P1")} == halting(opened)
    assert Verdict.MARKET_CLOSED is closed.posture.verdict
    assert lost in {(r.code, r.subject) for r in closed.posture.reasons}
    assert not closed.posture.expected


def test_a_cluster_that_is_gone_is_one_reason(floor):
    """One cause, one reason: not one for every list and every service (R6.14)."""
    for resource, namespace in list(floor.lists):
        floor.lose_list(resource, namespace, UnseenReason.CONNECTION_REFUSED)
    snapshot = floor.decide()

    assert {("CONNECTION_REFUSED", "cluster", "P1")} == halting(snapshot)
    assert {"WORKLOAD_UNSEEN"} == {
        r.reason_code
        for r in snapshot.services
        if r.agent.kind in {STRATEGY.kind, INGEST.kind} and r.agent.service_dns
    }
    assert (None, "cluster") == (
        snapshot.posture.evidence_age_seconds,
        snapshot.posture.oldest_evidence,
    )


def test_before_the_first_round_the_cluster_is_not_yet_asked(floor):
    """At a start nothing is known, and that is said (R6.14)."""
    floor.never_read = True

    assert ("NOT_YET_ASKED", "cluster", "P1") in halting(floor.decide())


def test_lists_expire(floor):
    """
    A minute after the lists were read they are no evidence any more; the services still are (R6.8).
    """
    lists = dict(floor.lists)
    floor.refresh(floor.now + timedelta(seconds=61))
    floor.lists = lists

    assert {("EXPIRED", "cluster", "P1")} == halting(floor.decide())


def test_the_oldest_evidence_may_be_a_list(floor):
    """The floor's evidence is as old as its oldest required list."""
    lists = dict(floor.lists)
    floor.refresh(floor.now + timedelta(seconds=50))
    floor.lists = lists
    posture = floor.decide().posture

    assert (50.0, "cluster") == (posture.evidence_age_seconds, posture.oldest_evidence)


@pytest.mark.parametrize(
    ("value", "said"), [(None, "does not exist"), ("", "not one"), ("HALTED", "not one"), ("0", "")]
)
def test_a_config_map_that_does_not_halt_is_off(floor, value, said):
    """Absent, empty or anything but truthy: the fleet would run, so it is off (R4.2, R4.5)."""
    floor.config_map = value
    snapshot = floor.decide()

    assert "DISENGAGED" == snapshot.kill_switch.state
    assert ("EXECUTION_EVIDENCE", "kill-switch", "P0") in halting(snapshot)
    assert ("CONTRADICTION", "kill-switch", "P0") in halting(snapshot)
    assert said in snapshot.kill_switch.sources[0].detail


def test_the_config_map_alone_confirms(floor):
    """
    Without its mounted file the switch is confirmed by the ConfigMap read through the API (R4.3).
    """
    floor.switch = None
    snapshot = floor.decide()

    assert (Verdict.OK, True) == (snapshot.posture.verdict, snapshot.kill_switch.confirmed)


@pytest.mark.parametrize(("off", "severity"), [(True, "P1"), (False, "P0")])
def test_an_unconfirmed_switch_is_less_bad_while_execution_is_proven_off(floor, off, severity):
    """It halts in every phase, P0, or P1 while whole lists show that nothing executes (R6.10)."""
    floor.refresh(EVENING)
    floor.switch, floor.config_map = None, "1"
    evidence = floor.evidence()
    floor.evidence = lambda: replace(evidence, switch_readings=evidence.switch_readings[1:])
    if not off:
        lost = {**floor.lists}
        floor.lose_list("pods", ELSEWHERE, UnseenReason.TIMEOUT)
        seen = replace(evidence, cluster=floor.facts())
        floor.evidence = lambda: replace(seen, switch_readings=seen.switch_readings[1:])
        assert lost != floor.lists

    assert ("KILL_SWITCH_UNCONFIRMED", "kill-switch", severity) in halting(floor.decide())


def answer_engine(floor):
    """Let the execution engine answer, as a running process."""
    floor.answer(ENGINE, "/ops/status", rich(ENGINE, floor.now))


def test_an_execution_process_that_answered_is_cleared_by_newer_lists_alone(floor):
    """Its silence proves nothing; lists read after its last answer, and showing nothing, do."""
    answer_engine(floor)
    running = floor.decide()
    lists = dict(floor.lists)
    floor.refresh(floor.now + timedelta(seconds=10))
    fresh, floor.lists = dict(floor.lists), lists
    silent = floor.decide()
    floor.lists = fresh
    floor.now += timedelta(seconds=1)
    cleared = floor.decide()

    facts = {(a.code, a.fact) for a in running.latched.alarms}
    assert {("EXECUTION_EVIDENCE", "running"), ("CONTRADICTION", "execution")} <= facts
    assert {("EXECUTION_EVIDENCE", "execution-engine", "P0")} <= halting(silent)
    assert Verdict.OK is cleared.posture.verdict


def test_a_contradiction_about_execution_is_sev0(floor):
    """The cluster shows no pod and the port answers: P0, in every phase."""
    floor.refresh(EVENING)
    answer_engine(floor)

    assert ("CONTRADICTION", "execution-engine", "P0") in halting(floor.decide())


def test_a_service_that_answers_from_nowhere_is_a_contradiction(floor):
    """Its workload has no pod and wants none: one source is wrong, and that halts an open floor."""
    floor.workloads[SE] = workload(RUN_SE, 0)
    del floor.pods[SE]
    snapshot = floor.decide()
    floor.refresh(floor.now + timedelta(seconds=10))

    assert ("CONTRADICTION", SE, "P1") in halting(snapshot)
    assert Verdict.OK is floor.decide().posture.verdict


def test_a_contradiction_ends_when_newer_lists_agree_that_it_is_off(floor):
    """The service fell silent and newer lists still show nothing: both say that it is off."""
    del floor.pods[SE]
    floor.workloads[SE] = workload(RUN_SE, 0)
    floor.decide()
    floor.now += timedelta(seconds=10)
    floor.lose(STRATEGY, "/ops/status", UnseenReason.CONNECTION_REFUSED)
    still = {a.code for a in floor.decide().latched.alarms}
    floor.read_lists()
    floor.now += timedelta(seconds=1)

    assert ({"CONTRADICTION"}, ()) == (still, floor.decide().latched.alarms)


def test_warnings_about_a_service_are_kept_with_it(floor):
    """The newest warnings about the workload and its pods, newest first, at most five."""
    about = ObjectRef("Pod", floor.pods[SE].name)
    told = [
        EventFacts(
            FLOOR, about, "Warning", "BackOff", f"m{n}", last_seen=NOW + timedelta(seconds=n)
        )
        for n in range(7)
    ]
    undated = EventFacts(FLOOR, ObjectRef("Deployment", SE), "Warning", "X", "undated")
    whole = replace(floor.facts(), warnings=(*told, undated))
    evidence = replace(floor.evidence(), cluster=whole)
    floor.evidence = lambda: evidence

    assert ["m6", "m5", "m4", "m3", "m2"] == [
        w.message for w in report(floor.decide(), SE).workload.warnings
    ]


def test_what_runs_a_service_is_told_with_it(floor):
    """Digests of live pods, restarts and the lists' age stand beside the service."""
    floor.pods["old"] = replace(
        pod(RUN_SE),
        name="old",
        phase="Failed",
        ready=False,
        states=(ContainerState("main", digest="sha256:x"),),
    )
    floor.pods[SE] = replace(
        floor.pods[SE], states=(replace(floor.pods[SE].states[0], restarts=3),)
    )
    seen = report(floor.decide(), SE).workload

    assert (3, (f"sha256:{'a' * 64}",), NOW) == (seen.restarts, seen.digests, seen.seen_at)
    assert "Deployment/strategy-engine" == str(seen.found.ref)


def test_an_owner_that_is_no_workload_is_followed_no_further(floor):
    """Chains of owners that go in circles, or lead out of what was read, end."""
    floor.workloads["a"] = deployment("a", owner=ObjectRef("Deployment", "b"))
    floor.workloads["b"] = deployment("b", owner=ObjectRef("Deployment", "a"))
    floor.workloads["c"] = deployment("c", owner=ObjectRef("Rollout", "c"))
    floor.pods["p"] = replace(pod(RUN_SE), name="p", owner=ObjectRef("Deployment", "a"))

    assert Verdict.OK is floor.decide().posture.verdict


def test_gamma_needs_its_pods_too(floor):
    """A service under the liveness contract is expected only while its pods are ready."""
    set_workload(GAMMA.agent_name, ready=0)(floor)

    assert ("REPLICAS_BELOW_DESIRED", GAMMA.agent_name, "P1") in halting(floor.decide())


@pytest.mark.parametrize("gone", [False, True], ids=["its pod is there", "its pod is gone"])
def test_a_strategy_that_called_itself_execution_stands_until_its_pod_is_gone(floor, gone):
    """What a service of another kind said of itself no proof that execution is off takes back."""
    floor.say(STRATEGY, "service_kind", "execution")
    floor.decide()
    if gone:
        floor.workloads[SE] = workload(RUN_SE, 0)
        del floor.pods[SE]
    floor.now += timedelta(seconds=10)
    floor.lose(STRATEGY, "/ops/status", UnseenReason.CONNECTION_REFUSED)
    floor.decide()
    floor.read_lists()
    floor.now += timedelta(seconds=1)

    latched = floor.decide().latched.alarms
    assert gone == ("service_kind" not in {a.fact for a in latched})


class OutdatedAccess(ClusterFloor):
    """A calm cluster that is read by what files said before they changed."""

    def facts(self) -> ClusterFacts | None:
        """Return why the newest files do not serve."""
        known = super().facts()
        return None if known is None else replace(known, outdated="the kubeconfig is empty")


def test_access_that_changed_and_does_not_serve_is_told():
    """It is information: the lists are whole, and the posture is what it was."""
    before, after = ClusterFloor().decide().posture, OutdatedAccess().decide().posture

    assert before.verdict is after.verdict
    assert [("RELOAD_FAILED", "cluster", "INFO", "the kubeconfig is empty")] == [
        (r.code, r.subject, r.severity, r.detail) for r in after.reasons if r not in before.reasons
    ]
