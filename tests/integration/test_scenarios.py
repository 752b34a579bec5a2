"""Integration: the main job on every scenario, over real loopback sockets."""

import pytest

from mission_control.floor.observe import observe_once
from mission_control.probe.transport import open_transports
from mission_control.simulation.catalogue import SCENARIOS

pytestmark = pytest.mark.anyio

MD = "marketdata-mcp-server"
SE = "strategy-engine"
EXPECTED = {
    "calm": ("OK", None, None),
    "closed": ("MARKET_CLOSED", None, None),
    "holiday": ("MARKET_CLOSED", None, None),
    "early-close": ("MARKET_CLOSED", None, None),
    "stale-tick": ("HALTED", "MARKETDATA_STALE", MD),
    "is-fresh-null": ("HALTED", "MARKETDATA_MISSING", MD),
    "future-tick": ("HALTED", "MARKETDATA_UNVERIFIABLE", MD),
    "healthz-503": ("HALTED", "MARKETDATA_STALE", MD),
    "no-tick": ("HALTED", "MARKETDATA_MISSING", MD),
    "fresh-claim-on-old-tick": ("HALTED", "FRESHNESS_GATE_FALSE_POSITIVE", MD),
    "kill-switch-off": ("HALTED", "EXECUTION_EVIDENCE", "kill-switch"),
    "kill-switch-unreadable": ("HALTED", "KILL_SWITCH_UNCONFIRMED", "kill-switch"),
    "kill-switch-missing": ("HALTED", "KILL_SWITCH_UNCONFIRMED", "kill-switch"),
    "kill-switch-contradicted": ("HALTED", "CONTRADICTION", "kill-switch"),
    "agent-mode-execute": ("HALTED", "EXECUTION_EVIDENCE", SE),
    "agent-mode-unknown": ("HALTED", "MODE_UNKNOWN", SE),
    "critical-nan": ("HALTED", "EXECUTION_EVIDENCE", MD),
    "critical-said-twice": ("HALTED", "EXECUTION_EVIDENCE", MD),
    "liveness-503": ("HALTED", "HTTP_503", "gamma-strategy"),
    "safe-to-execute": ("HALTED", "EXECUTION_EVIDENCE", SE),
    "execution-running": ("HALTED", "EXECUTION_EVIDENCE", "execution-engine"),
    "critical-refused": ("HALTED", "CONNECTION_REFUSED", MD),
    "critical-hung": ("HALTED", "TIMEOUT", MD),
    "critical-drip": ("HALTED", "TIMEOUT", MD),
    "critical-50mb": ("HALTED", "BODY_TOO_LARGE", MD),
    "critical-gzip-bomb": ("HALTED", "ENCODED", MD),
    "critical-depth-1000": ("HALTED", "TOO_DEEP", MD),
    "critical-html": ("HALTED", "NOT_JSON", MD),
    "critical-truncated": ("HALTED", "NOT_JSON", MD),
    "critical-redirect": ("HALTED", "REDIRECTED", MD),
    "critical-503": ("HALTED", "HTTP_503", MD),
    "offers-nothing": ("HALTED", "NOT_OFFERED", MD),
    "frozen-status": ("HALTED", "STATUS_FROZEN", "market-ingest"),
    "clock-skew": ("HALTED", "CLOCK_SKEW", SE),
    "identity-mismatch": ("OK", None, None),
    "execution-scaled-up": ("HALTED", "EXECUTION_EVIDENCE", "execution-engine"),
    "execute-in-pod-spec": ("HALTED", "EXECUTION_EVIDENCE", SE),
    "execute-in-init-container": ("HALTED", "EXECUTION_EVIDENCE", MD),
    "mode-in-a-secret": ("HALTED", "MODE_UNRESOLVED", SE),
    "bypass-toggle": ("HALTED", "EXECUTION_EVIDENCE", SE),
    "crash-loop": ("HALTED", "CRASH_LOOPING", MD),
    "image-pull": ("HALTED", "IMAGE_PULL_FAILING", SE),
    "below-desired": ("HALTED", "REPLICAS_BELOW_DESIRED", "gamma-strategy"),
    "answers-from-nowhere": ("HALTED", "CONTRADICTION", SE),
    "odd-replica": ("OK", None, None),
    "half-done-rollout": ("OK", None, None),
    "left-over": ("OK", None, None),
    "config-map-off": ("HALTED", "EXECUTION_EVIDENCE", "kill-switch"),
    "pods-denied": ("HALTED", "DENIED", "cluster trading-floor/pods"),
    "odd-pod": ("HALTED", "CLUSTER_OBJECT_INVALID", "cluster trading-floor/pods"),
    "cluster-lost": ("HALTED", "CONNECTION_REFUSED", "cluster"),
    "cluster-hung": ("HALTED", "TIMEOUT", "cluster"),
}


def test_every_scenario_has_its_row():
    """No scenario is left unwatched."""
    assert {s.name for s in SCENARIOS} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
async def test_a_scenario_is_seen_for_what_it_is(watched, name):
    """One round over real sockets gives each scenario its verdict and its named reason."""
    verdict, code, subject = EXPECTED[name]
    floor = watched(name)
    async with open_transports() as transports:
        snapshot = await observe_once(floor.fleet, floor.sources(transports), "DEMO")

    halting = {(r.code, r.subject) for r in snapshot.posture.reasons if r.halts}
    assert verdict == snapshot.posture.verdict.value
    assert (code is None) == (not halting)
    if code:
        assert (code, subject) in halting


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("odd-replica", ("REPLICA_SKEW", SE)),
        ("left-over", ("LEFTOVER_WORKLOAD", "trading-floor/Pod/old-recovery")),
    ],
)
async def test_what_does_not_halt_is_shown(watched, name, expected):
    """An odd replica and a left-over are reasons of the posture, of a lesser severity."""
    floor = watched(name)
    async with open_transports() as transports:
        snapshot = await observe_once(floor.fleet, floor.sources(transports), "DEMO")

    assert [(*expected, "P2")] == [
        (r.code, r.subject, r.severity.value) for r in snapshot.posture.reasons
    ]


async def test_calm_is_quiet(watched):
    """A calm floor has nothing to say: the cluster proves what no service can tell."""
    floor = watched("calm")
    async with open_transports() as transports:
        snapshot = await observe_once(floor.fleet, floor.sources(transports), "DEMO")

    assert () == snapshot.posture.reasons
    assert snapshot.posture.expected
    notes = {s.agent.agent_name: s.reason_code for s in snapshot.services if s.agent.kind != "ops"}
    assert "EXECUTION_PROVEN_OFF" == notes["execution-engine"]
    assert "UNOBSERVED" == notes["congressional-ingest"]
    assert snapshot.kill_switch.confirmed


async def test_nothing_that_acts_is_ever_asked(watched):
    """No request is anything but a GET, and none asks a path that acts (R2.9)."""
    floor = watched("execution-running")
    async with open_transports() as transports:
        await observe_once(floor.fleet, floor.sources(transports), "DEMO")

    assert {"GET"} == {method for method, _ in floor.simulated.cluster.requests}
    requests = floor.simulated.requests
    assert {"GET"} == {method for _, method, _ in requests}
    assert set() == {p for _, _, p in requests} & {"/state", "/recover", "/execute"}
    assert 0 == floor.simulated.execution_mutations
