"""Simulation: scenarios that only the cluster shows, or in which the cluster itself is lost."""

from mission_control.simulation.cluster_stage import (
    EVERYTHING,
    ApiFault,
    ClusterStage,
    WorkloadTwist,
)
from mission_control.simulation.scenarios.calm_and_closed import OPEN_SESSION
from mission_control.simulation.scenarios.scenario import (
    EXECUTION_ENGINE,
    MARKETDATA,
    STRATEGY_ENGINE,
    Scenario,
)

FLOOR = "trading-floor"


def _staged(name: str, description: str, stage: ClusterStage) -> Scenario:
    return Scenario(name, description, OPEN_SESSION, cluster=stage)


def _twisted(name: str, description: str, workload: str, twist: WorkloadTwist) -> Scenario:
    return _staged(name, description, ClusterStage(workloads={workload: twist}))


CLUSTER_TROUBLES = (
    _twisted(
        "execution-scaled-up",
        "The execution-engine's Deployment is scaled to 1 although its port is silent: execution "
        "evidence, a P0.",
        EXECUTION_ENGINE,
        WorkloadTwist(replicas=1),
    ),
    _twisted(
        "execute-in-pod-spec",
        "The strategy-engine's pod specification says AGENT_MODE=EXECUTE while the service itself "
        "says OBSERVE: execution evidence, a P0.",
        STRATEGY_ENGINE,
        WorkloadTwist(env={"AGENT_MODE": "EXECUTE"}),
    ),
    _twisted(
        "execute-in-init-container",
        "An init container of marketdata says AGENT_MODE=live: execution evidence, a P0.",
        MARKETDATA,
        WorkloadTwist(init_env={"AGENT_MODE": "live"}),
    ),
    _twisted(
        "mode-in-a-secret",
        "The strategy-engine takes AGENT_MODE from a Secret, which is never read, so the floor "
        "halts because nobody can tell its mode.",
        STRATEGY_ENGINE,
        WorkloadTwist(env_refs={"AGENT_MODE": ("Secret", "trader-secrets", "MODE")}),
    ),
    _twisted(
        "bypass-toggle",
        "The strategy-engine's pods switch the marketdata health check off: execution evidence, "
        "a P0.",
        STRATEGY_ENGINE,
        WorkloadTwist(env={"MARKETDATA_HEALTH_CHECK_DISABLED": "true"}),
    ),
    _twisted(
        "crash-loop",
        "The marketdata pod crash-loops although the process that is up at the moment answers "
        "well, which halts the floor.",
        MARKETDATA,
        WorkloadTwist(
            waiting="CrashLoopBackOff",
            restarts=7,
            warning="Back-off restarting failed container marketdata-mcp-server",
        ),
    ),
    _twisted(
        "image-pull",
        "The strategy-engine's new pod cannot get its image, which halts the floor.",
        STRATEGY_ENGINE,
        WorkloadTwist(
            waiting="ImagePullBackOff",
            image="us-east4-docker.pkg.dev/agenttrader-prod/trader-repo/strategy-runtime:typo",
            warning='Failed to pull image "strategy-runtime:typo": not found',
        ),
    ),
    _twisted(
        "below-desired",
        "The gamma-strategy wants a second pod that no node has room for, which halts the floor.",
        "gamma-strategy",
        WorkloadTwist(replicas=2, ready=1, pending="0/2 nodes are available: 2 Insufficient cpu."),
    ),
    _twisted(
        "answers-from-nowhere",
        "The strategy-engine answers although its Deployment is scaled to zero and has no pod: a "
        "contradiction that halts the floor.",
        STRATEGY_ENGINE,
        WorkloadTwist(replicas=0),
    ),
    _twisted(
        "odd-replica",
        "One of the strategy-engine's eight pods runs the image of another build, which halts "
        "nothing and makes readiness NO-GO by that pod's name.",
        STRATEGY_ENGINE,
        WorkloadTwist(
            replicas=8,
            odd_image="us-east4-docker.pkg.dev/agenttrader-prod/trader-repo/strategy-runtime:0ldbeef",
        ),
    ),
    _twisted(
        "half-done-rollout",
        "The strategy-engine's last rollout stopped at five of eight pods, all of them ready, so "
        "that the floor goes on and readiness is NO-GO.",
        STRATEGY_ENGINE,
        WorkloadTwist(replicas=8, updated=5),
    ),
    _staged(
        "left-over",
        "A pod of an old recovery system runs beside the fleet, which halts nothing and makes "
        "readiness NO-GO by its name.",
        ClusterStage(
            extra={
                (FLOOR, "pods"): (
                    {
                        "metadata": {"name": "old-recovery", "namespace": FLOOR},
                        "spec": {"containers": [{"name": "main", "image": "recovery:2025-11"}]},
                        "status": {"phase": "Running"},
                    },
                )
            }
        ),
    ),
    _staged(
        "config-map-off",
        "The kill switch's ConfigMap says 0 while the mounted file still says 1: a P0.",
        ClusterStage(kill_switch="0"),
    ),
    _staged(
        "pods-denied",
        "The API refuses to list the pods of trading-floor, so the floor halts: a list that may "
        "not be read is no empty list.",
        ClusterStage(faults={(FLOOR, "pods"): ApiFault.DENIED}),
    ),
    _staged(
        "odd-pod",
        "One pod of the list cannot be understood; all others are still seen, and the floor halts.",
        ClusterStage(
            extra={
                (FLOOR, "pods"): (
                    {
                        "metadata": {"name": "odd-pod", "namespace": FLOOR},
                        "spec": {"containers": None},
                        "status": {"phase": "Running"},
                    },
                )
            }
        ),
    ),
    _staged(
        "cluster-lost",
        "The API server cannot be reached at all, so the floor halts and every workload is unseen.",
        ClusterStage(faults={EVERYTHING: ApiFault.REFUSED}),
    ),
    _staged(
        "cluster-hung",
        "The API server accepts questions and never answers, so the floor halts when the lists "
        "time out, and no service waits for that.",
        ClusterStage(faults={EVERYTHING: ApiFault.HUNG}),
    ),
)
