"""Every scenario by its name."""

from datetime import datetime

from mission_control.errors import ConfigurationError
from mission_control.simulation.scenario import (
    EASTERN_STANDARD,
    EVERYTHING,
    EXECUTION_ENGINE,
    GAMMA_STRATEGY,
    MARKET_INGEST,
    MARKETDATA,
    STRATEGY_ENGINE,
    ApiFault,
    ClusterStage,
    Fault,
    Feed,
    Scenario,
    Switch,
    Ticks,
    Twist,
    WorkloadTwist,
)

CALM_AND_CLOSED = (
    Scenario(
        "calm",
        "The market is open, ticks are fresh, the kill switch is engaged and every service is "
        "as the playbook expects, so the floor is OK.",
    ),
    Scenario(
        "closed",
        "It is evening, the ticks ended with the session, and the floor is MARKET_CLOSED "
        "without complaint.",
        datetime(2026, 11, 18, 19, 0, tzinfo=EASTERN_STANDARD),
    ),
    Scenario(
        "holiday",
        "It is Thanksgiving: the services take it for a trading day and call marketdata stale, "
        "but the floor is MARKET_CLOSED.",
        datetime(2026, 11, 26, 11, 0, tzinfo=EASTERN_STANDARD),
    ),
    Scenario(
        "early-close",
        "The market closed at 13:00: the services expect ticks until 16:00 and call marketdata "
        "stale, but the floor is MARKET_CLOSED.",
        datetime(2026, 11, 27, 13, 30, tzinfo=EASTERN_STANDARD),
    ),
)


def _failing(name: str, fault: Fault, description: str) -> Scenario:
    return Scenario(name, description, faults={MARKETDATA: fault})


CRITICAL_SERVICE_FAILURES = (
    _failing(
        "critical-refused",
        Fault.REFUSED,
        "The marketdata port refuses connections, so the floor halts on a critical service that "
        "is OFFLINE.",
    ),
    _failing(
        "critical-hung",
        Fault.HUNG,
        "The marketdata service accepts connections and never answers, so it times out and "
        "strategy-engine takes two seconds to answer.",
    ),
    _failing(
        "critical-drip",
        Fault.DRIPPING,
        "The marketdata service sends one byte a second, which times out and delays no other.",
    ),
    _failing(
        "critical-50mb",
        Fault.HUGE,
        "The marketdata service answers with 50 MB, which is cut off as BODY_TOO_LARGE.",
    ),
    _failing(
        "critical-gzip-bomb",
        Fault.GZIP_BOMB,
        "The marketdata service answers with a small gzip body that would inflate to 64 MB, "
        "which is never inflated.",
    ),
    _failing(
        "critical-depth-1000",
        Fault.TOO_DEEP,
        "The marketdata service answers with JSON nested a thousand deep, which is refused as "
        "TOO_DEEP.",
    ),
    _failing(
        "critical-html",
        Fault.HTML,
        "The marketdata service answers 200 with a sign-in page instead of JSON, which is "
        "NOT_JSON.",
    ),
    _failing(
        "critical-truncated",
        Fault.TRUNCATED,
        "The marketdata service answers with JSON that stops in the middle, which is NOT_JSON.",
    ),
    _failing(
        "critical-nan",
        Fault.NOT_A_NUMBER,
        "The marketdata service says agent mode LIVE beside a NaN: no JSON, and still "
        "execution evidence, a P0.",
    ),
    _failing(
        "critical-said-twice",
        Fault.SAID_TWICE,
        "The marketdata service says in one answer that orders may be executed and that they may "
        "not: the worse counts, a P0.",
    ),
    _failing(
        "critical-redirect",
        Fault.REDIRECTED,
        "The marketdata service redirects every request, which is never followed.",
    ),
    _failing(
        "critical-503",
        Fault.UNAVAILABLE,
        "The marketdata service answers 503 on every path.",
    ),
    _failing(
        "offers-nothing",
        Fault.NOTHING_OFFERED,
        "The marketdata service answers 404 on every path: it is alive but offers no contract.",
    ),
)

NO_CONFIG_MAPS = ClusterStage(faults={("*", "configmaps"): ApiFault.DENIED})

EXECUTION_TROUBLES = (
    Scenario(
        "kill-switch-off",
        "The kill switch is off in its ConfigMap, its file and for every service: execution "
        "evidence, a P0.",
        switch=Switch(file_text="0\n", services_say=False),
    ),
    Scenario(
        "kill-switch-unreadable",
        "The kill switch's file holds HALTED, which the fleet would read as not halted, and its "
        "ConfigMap may not be read, so nothing confirms the switch.",
        switch=Switch(file_text="HALTED\n"),
        cluster=NO_CONFIG_MAPS,
    ),
    Scenario(
        "kill-switch-missing",
        "The kill switch's file is gone and its ConfigMap may not be read, so nothing confirms "
        "the switch although every service still says engaged.",
        switch=Switch(file_text=None),
        cluster=NO_CONFIG_MAPS,
    ),
    Scenario(
        "kill-switch-contradicted",
        "The kill switch says 1 but strategy-engine says it is off: a contradiction, a P0.",
        switch=Switch(denied_by=frozenset({STRATEGY_ENGINE})),
    ),
    Scenario(
        "agent-mode-execute",
        "The strategy-engine reports agent mode EXECUTE: execution evidence, a P0.",
        twists={STRATEGY_ENGINE: Twist(agent_mode="EXECUTE")},
    ),
    Scenario(
        "agent-mode-unknown",
        "The strategy-engine reports agent mode TURBO, which is unknown: the floor halts in "
        "every phase.",
        twists={STRATEGY_ENGINE: Twist(agent_mode="TURBO")},
    ),
    Scenario(
        "safe-to-execute",
        "The strategy-engine reports safe_to_execute_orders true, which the contract never "
        "allows: execution evidence, a P0.",
        twists={STRATEGY_ENGINE: Twist(safe_to_execute_orders=True)},
    ),
    Scenario(
        "execution-running",
        "The execution-engine's port answers, so an execution process is running: a P0 even "
        "though it reports itself OFFLINE.",
        execution_running=True,
    ),
)

FALSE_SOURCES = (
    Scenario(
        "frozen-status",
        "The market-ingest service repeats an answer it made five minutes ago, so its state is "
        "UNKNOWN as STATUS_FROZEN and the floor halts.",
        twists={MARKET_INGEST: Twist(frozen_for_seconds=300.0)},
    ),
    Scenario(
        "clock-skew",
        "The strategy-engine's clock runs 45 seconds ahead, so its state is UNKNOWN as CLOCK_SKEW "
        "and the floor halts.",
        twists={STRATEGY_ENGINE: Twist(clock_ahead_seconds=45.0)},
    ),
    Scenario(
        "liveness-503",
        "The gamma-strategy answers 503 with an ok of false on every path: it is not alive, "
        "whatever its answer says, and the floor halts.",
        faults={GAMMA_STRATEGY: Fault.UNWELL},
    ),
    Scenario(
        "identity-mismatch",
        "The service at strategy-engine's address calls itself strategy-engine-canary: a warning "
        "beside a floor that stays OK.",
        twists={STRATEGY_ENGINE: Twist(calls_itself="strategy-engine-canary")},
    ),
)

MARKETDATA_TROUBLES = (
    Scenario(
        "stale-tick",
        "Ticks stopped five minutes ago and grow older, which halts the floor as "
        "MARKETDATA_STALE although the services only report the kill switch.",
        feed=Feed(Ticks.STOPPED, seconds=300.0),
    ),
    Scenario(
        "is-fresh-null",
        "Marketdata shows a recent tick but leaves is_fresh null, which halts the floor as "
        "MARKETDATA_MISSING.",
        feed=Feed(verdict_withheld=True),
    ),
    Scenario(
        "future-tick",
        "The last tick lies 90 seconds in the future and the services call it fresh, but the "
        "floor halts because it cannot be verified.",
        feed=Feed(Ticks.AHEAD, seconds=90.0),
    ),
    Scenario(
        "healthz-503",
        "Marketdata's /healthz answers 503 with ok false while its /ops/status looks fresh, and "
        "the worse of them halts the floor.",
        feed=Feed(healthz_forced_stale=True),
    ),
    Scenario(
        "no-tick",
        "Marketdata has had no tick since it started, which halts the floor as MARKETDATA_MISSING.",
        feed=Feed(Ticks.NEVER),
    ),
    Scenario(
        "fresh-claim-on-old-tick",
        "Marketdata claims is_fresh true on a tick ten minutes old: a P0, because the gate that "
        "strategies rely on lies.",
        feed=Feed(Ticks.STOPPED, seconds=600.0),
        twists={MARKETDATA: Twist(claims_fresh=True)},
    ),
)

FLOOR = "trading-floor"


def _staged(name: str, description: str, stage: ClusterStage) -> Scenario:
    return Scenario(name, description, cluster=stage)


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
        "halts because its mode is not known.",
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

SCENARIOS: tuple[Scenario, ...] = (
    *CALM_AND_CLOSED,
    *MARKETDATA_TROUBLES,
    *EXECUTION_TROUBLES,
    *CRITICAL_SERVICE_FAILURES,
    *FALSE_SOURCES,
    *CLUSTER_TROUBLES,
)


def find_scenario(name: str) -> Scenario:
    """
    Return the scenario of that name.

    Raises ConfigurationError that lists the names there are.
    """
    for scenario in SCENARIOS:
        if scenario.name == name:
            return scenario
    known = ", ".join(scenario.name for scenario in SCENARIOS)
    raise ConfigurationError(
        f"there is no scenario {name[:64]!r}", where="scenario", remedy=f"one of {known}"
    )
