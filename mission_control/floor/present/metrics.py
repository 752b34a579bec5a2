"""The floor as Prometheus metric families; every label comes from a bounded list."""

import math
from collections.abc import Iterable, Iterator
from enum import StrEnum

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)

from mission_control.contract.model.shapes import ServiceState
from mission_control.documents.instants import seconds_since
from mission_control.floor.model import FloorSnapshot, FreshnessState, ServiceReport, Verdict
from mission_control.floor.present.own_status import OwnProcess
from mission_control.floor.present.predecessor import by_name
from mission_control.model.codes import (
    ARTIFACT_STORE_FAILING,
    HISTORY_FAILING,
    STANDING_UNKNOWN,
)
from mission_control.model.finding import Severity
from mission_control.model.kill_switch import KillSwitchState
from mission_control.model.session import Phase

NEVER = math.inf
"""The age of what was never seen: no threshold lets it pass."""


def metric_families(snapshot: FloorSnapshot, own: OwnProcess, events: int) -> Iterator[Metric]:
    """
    Return the floor as metrics; `events` is how many events there were since the start.

    Ages are those at the snapshot's own instant, and our beat's age those at `own.now`.
    """
    yield _build_info(snapshot, own)
    yield from _posture(snapshot)
    yield from _circumstances(snapshot)
    yield from _agents(by_name(snapshot), snapshot)
    yield from _marketdata(by_name(snapshot), snapshot)
    yield from _memory(snapshot)
    yield gauge(
        "beat_age_seconds", "Seconds since the floor was last decided", own.beat_age_seconds
    )
    yield gauge("stalled", "1 while the floor is no longer being decided", own.stalled)
    yield gauge(
        "scheduler_stalled", "1 while planned runs are not being begun", own.scheduler_stalled
    )
    yield gauge(
        "restart_needed",
        "1 while the fleet file is not the one that we started with",
        snapshot.restart is not None,
    )
    yield gauge("start_time_seconds", "When we started (epoch)", own.started_at.timestamp())
    yield gauge("snapshot_time_seconds", "When we last decided (epoch)", snapshot.at.timestamp())
    help_text = "Events since the start"
    yield CounterMetricFamily("mission_control_events", help_text, value=float(events))


def _build_info(snapshot: FloorSnapshot, own: OwnProcess) -> Metric:
    value = {
        "version": own.version,
        "git_sha": own.git_sha or "unknown",
        "fleet_digest": snapshot.fleet.digest,
        "label": snapshot.label,
    }
    return InfoMetricFamily("mission_control_build", "What is running", value=value)


def _posture(snapshot: FloorSnapshot) -> Iterator[Metric]:
    posture = snapshot.posture
    yield one_hot("posture", "The floor's posture", posture.verdict, Verdict)
    yield gauge("posture_expected", "1 while the posture is expected", posture.expected)
    reasons = family("posture_reasons", "Reasons of the posture", "severity")
    for severity in Severity:
        count = sum(1 for reason in posture.reasons if reason.severity is severity)
        reasons.add_metric([severity.value], count)
    yield reasons
    age = posture.evidence_age_seconds
    yield gauge(
        "evidence_age_seconds",
        "Age of the oldest required evidence; +Inf when some was never seen",
        NEVER if age is None else age,
    )
    coverage = posture.coverage
    yield gauge("coverage_asked", "Readings asked for", coverage.asked)
    yield gauge("coverage_obtained", "Readings obtained", coverage.obtained)
    latched = len(snapshot.latched.alarms)
    yield gauge("standing_accusations", "Alarms that are latched", latched)


def _circumstances(snapshot: FloorSnapshot) -> Iterator[Metric]:
    switch = snapshot.kill_switch
    yield one_hot("kill_switch", "The kill switch", switch.state, KillSwitchState)
    yield gauge("kill_switch_confirmed", "1 while confirmed engaged", switch.confirmed_engaged)
    safety = snapshot.fleet.safety
    engaged = safety.switch_required and safety.switch_normal is KillSwitchState.ENGAGED
    yield gauge("kill_switch_required", "1 where the fleet requires it to be engaged", engaged)
    wanted = safety.freshness_required
    yield gauge("freshness_required", "1 where the fleet requires fresh marketdata", wanted)
    yield one_hot("session_phase", "The market session", snapshot.session.phase, Phase)
    days = snapshot.session.horizon_days
    yield gauge("calendar_horizon_days", "Days that the calendar still covers", days)


def _agents(reports: Iterable[ServiceReport], snapshot: FloorSnapshot) -> Iterator[Metric]:
    states = family("agent_state", "The service's state", "agent_name", "state")
    expected = family("agent_expected", "1 while its state is expected", "agent_name")
    ages = family(
        "agent_evidence_age_seconds",
        "Age of its primary reading; +Inf when it was not seen",
        "agent_name",
    )
    probes = family("agent_probe_seconds", "Duration of its last round", "agent_name")
    info = family("agent_info", "What the inventory says", "agent_name", "kind", "criticality")
    for report in reports:
        agent = report.agent
        for state in ServiceState:
            states.add_metric([agent.agent_name, state.value], float(report.state is state))
        expected.add_metric([agent.agent_name], float(report.expected))
        age = seconds_since(report.evidence_at, snapshot.at)
        ages.add_metric([agent.agent_name], NEVER if age is None else age)
        if report.round is not None and report.readings:
            took = report.round.finished - report.round.started
            probes.add_metric([agent.agent_name], took.total_seconds())
        info.add_metric([agent.agent_name, agent.kind.value, agent.criticality.value], 1.0)
    return iter((states, expected, ages, probes, info))


def _marketdata(reports: Iterable[ServiceReport], snapshot: FloorSnapshot) -> Iterator[Metric]:
    """Return how old the last tick is, as each service tells that promises one."""
    ages = family(
        "marketdata_tick_age_seconds", "Age of the last tick; +Inf without one", "agent_name"
    )
    limits = family("marketdata_tick_limit_seconds", "Age at which it is stale", "agent_name")
    states = family("marketdata_freshness", "Freshness of marketdata", "agent_name", "state")
    for report in reports:
        name, fresh = report.agent.agent_name, report.freshness
        if fresh.state is FreshnessState.NOT_APPLICABLE:
            continue
        age = fresh.age_seconds(snapshot.at)
        ages.add_metric([name], NEVER if age is None else age)
        if fresh.threshold_seconds is not None:
            limits.add_metric([name], fresh.threshold_seconds)
        for state in FreshnessState:
            states.add_metric([name, state.value], float(state is fresh.state))
    return iter((ages, limits, states))


def _memory(snapshot: FloorSnapshot) -> Iterator[Metric]:
    failing = {reason.code for reason in snapshot.posture.reasons}
    for name, code, what in (
        ("history_failing", HISTORY_FAILING, "history is not being written"),
        ("artifact_store_failing", ARTIFACT_STORE_FAILING, "nothing can be recorded"),
        ("latched_alarms_unknown", STANDING_UNKNOWN, "alarms from before the start are not known"),
    ):
        yield gauge(name, f"1 while {what}", code in failing)


def family(name: str, help_text: str, *labels: str) -> GaugeMetricFamily:
    """Return a gauge with these labels, without any series yet."""
    return GaugeMetricFamily(f"mission_control_{name}", help_text, labels=labels)


def gauge(name: str, help_text: str, value: float) -> Metric:
    """Return a gauge of one series."""
    return GaugeMetricFamily(f"mission_control_{name}", help_text, value=float(value))


def one_hot(name: str, help_text: str, present: StrEnum, values: type[StrEnum]) -> Metric:
    """Return a gauge with a series for each value, 1 for the one that it is."""
    states = family(name, help_text, "state")
    for value in values:
        states.add_metric([value.value], float(value is present))
    return states
