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
from mission_control.floor.model import FloorSnapshot, ServiceReport, Verdict
from mission_control.floor.present.own_status import OwnProcess
from mission_control.floor.present.predecessor import by_name
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
    yield _gauge(
        "beat_age_seconds", "Seconds since the floor was last decided", own.beat_age_seconds
    )
    yield _gauge("stalled", "1 while the floor is no longer being decided", own.stalled)
    yield _gauge(
        "scheduler_stalled", "1 while planned runs are not being begun", own.scheduler_stalled
    )
    yield _gauge("start_time_seconds", "When we started (epoch)", own.started_at.timestamp())
    yield _gauge("snapshot_time_seconds", "When we last decided (epoch)", snapshot.at.timestamp())
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
    yield _one_hot("posture", "The floor's posture", posture.verdict, Verdict)
    yield _gauge("posture_expected", "1 while the posture is expected", posture.expected)
    reasons = _family("posture_reasons", "Reasons of the posture", "severity")
    for severity in Severity:
        count = sum(1 for reason in posture.reasons if reason.severity is severity)
        reasons.add_metric([severity.value], count)
    yield reasons
    age = posture.evidence_age_seconds
    yield _gauge(
        "evidence_age_seconds",
        "Age of the oldest required evidence; +Inf when some was never seen",
        NEVER if age is None else age,
    )
    coverage = posture.coverage
    yield _gauge("coverage_asked", "Readings asked for", coverage.asked)
    yield _gauge("coverage_obtained", "Readings obtained", coverage.obtained)
    latched = len(snapshot.latched.alarms)
    yield _gauge("standing_accusations", "Alarms that are latched", latched)


def _circumstances(snapshot: FloorSnapshot) -> Iterator[Metric]:
    switch = snapshot.kill_switch
    yield _one_hot("kill_switch", "The kill switch", switch.state, KillSwitchState)
    yield _gauge("kill_switch_confirmed", "1 while confirmed engaged", switch.confirmed_engaged)
    yield _one_hot("session_phase", "The market session", snapshot.session.phase, Phase)
    days = snapshot.session.horizon_days
    yield _gauge("calendar_horizon_days", "Days that the calendar still covers", days)


def _agents(reports: Iterable[ServiceReport], snapshot: FloorSnapshot) -> Iterator[Metric]:
    states = _family("agent_state", "The service's state", "agent_name", "state")
    expected = _family("agent_expected", "1 while its state is expected", "agent_name")
    ages = _family(
        "agent_evidence_age_seconds",
        "Age of its primary reading; +Inf when it was not seen",
        "agent_name",
    )
    probes = _family("agent_probe_seconds", "Duration of its last round", "agent_name")
    info = _family("agent_info", "What the inventory says", "agent_name", "kind", "criticality")
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


def _family(name: str, help_text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"mission_control_{name}", help_text, labels=labels)


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"mission_control_{name}", help_text, value=float(value))


def _one_hot(name: str, help_text: str, present: StrEnum, values: type[StrEnum]) -> Metric:
    family = _family(name, help_text, "state")
    for value in values:
        family.add_metric([value.value], float(value is present))
    return family
