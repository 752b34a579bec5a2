"""Mission Control's own status contract, with the predecessor's aggregate beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mission_control.contract.model.shapes import (
    DEFAULT_HEARTBEAT_TTL_SECONDS,
    MAX_TEXT,
    ServiceState,
)
from mission_control.documents.instants import (
    rounded,
    seconds_since,
    utc_text,
    whole_seconds_text,
)
from mission_control.floor.model import FloorSnapshot, Verdict
from mission_control.floor.present.posture import fleet_document
from mission_control.floor.present.predecessor import aggregate_agents, last_poll_cycle_at
from mission_control.floor.present.sentences import Sentences
from mission_control.kill_switch.present import execution_is_halted, halted_document
from mission_control.model.codes import KILL_SWITCH, POLL_LOOP_STALLED, SCHEDULER_STALLED
from mission_control.model.codes import MARKET_CLOSED as MARKET_CLOSED_CODE
from mission_control.model.fleet import Kind

OWN_NAME = "mission-control"
MAX_GATING_REASONS = 32


@dataclass(frozen=True, slots=True)
class OwnProcess:
    """
    What Mission Control knows of itself at `now`; `beat_age_seconds` since it last decided.

    `stalled` is about the deciding loop, `scheduler_stalled` about the scheduler.
    """

    now: datetime
    stalled: bool
    beat_age_seconds: float
    started_at: datetime
    version: str
    git_sha: str | None
    poll_interval_seconds: float
    scheduler_stalled: bool = False
    replica: str = ""


def own_status_document(
    snapshot: FloorSnapshot, own: OwnProcess, *, with_agents: bool = True
) -> Mapping[str, object]:
    """
    Return our own rich contract, valid as `RichStatus`, and the aggregate over the fleet.

    Our state is OK day and night, because nothing about the market halts us; only a loop that has
    stalled makes it DEGRADED. `safe_to_execute_orders` is never
    anything but false. Without agents it is short, however large the fleet.
    """
    aggregate = {"agents": aggregate_agents(snapshot)} if with_agents else {}
    return {
        **_identity(own),
        "status": _status(own),
        "heartbeat": _heartbeat(own),
        "marketdata": None,
        "safety": _safety(snapshot, own),
        "endpoints": {"healthz": "/healthz", "heartbeat": None, "metrics": "/metrics"},
        "ts": utc_text(own.now),
        "kill_switch": halted_document(snapshot),
        "last_poll_cycle_at": last_poll_cycle_at(snapshot),
        **aggregate,
        "fleet": _fleet(snapshot, own),
        "floor_posture": _floor_posture(snapshot, own),
    }


def _identity(own: OwnProcess) -> dict[str, object]:
    return {
        "service_name": OWN_NAME,
        "service_kind": Kind.OPS.value,
        "repo_id": OWN_NAME,
        "git_sha": own.git_sha,
        "build_id": None,
        "version": own.version,
        "uptime_seconds": seconds_since(own.started_at, own.now),
        "agent_identity": {
            "agent_name": OWN_NAME,
            "agent_role": "ops",
            "agent_mode": "OBSERVE",
        },
    }


def _status(own: OwnProcess) -> dict[str, object]:
    codes = [POLL_LOOP_STALLED] if own.stalled else []
    codes += [SCHEDULER_STALLED] if own.scheduler_stalled else []
    state = ServiceState.DEGRADED if codes else ServiceState.OK
    return {
        "state": state.value,
        "summary": "Degraded" if codes else "Healthy",
        "reason_codes": codes,
        "last_updated_utc": whole_seconds_text(own.now),
    }


def _heartbeat(own: OwnProcess) -> dict[str, object]:
    age = max(0.0, round(own.beat_age_seconds, 3))
    return {
        "last_heartbeat_utc": whole_seconds_text(own.now - timedelta(seconds=age)),
        "age_seconds": age,
        "ttl_seconds": DEFAULT_HEARTBEAT_TTL_SECONDS,
    }


def _safety(snapshot: FloorSnapshot, own: OwnProcess) -> dict[str, object]:
    """
    Return the contract's safety block by the contract's own formula (docs/status_contract.md).

    Strategies are safe to run where the posture is OK and no switch is engaged. The posture is
    never OK without a confirmed switch, so we never say so: read `fleet.posture`.
    """
    halted = execution_is_halted(snapshot) and not own.stalled
    safe = snapshot.posture.verdict is Verdict.OK and not own.stalled and not halted
    return {
        "kill_switch": halted,
        "safe_to_run_strategies": safe,
        "safe_to_execute_orders": False,
        "gating_reasons": _gating_reasons(snapshot, own),
    }


def _gating_reasons(snapshot: FloorSnapshot, own: OwnProcess) -> list[str]:
    """
    Name what gates: the switch, the closed market, and every reason that halts, sorted.

    A service may be halted by a switch that nothing confirms; for us that is no switch.
    """
    reasons = {r.code for r in snapshot.posture.reasons if r.halts and r.code != KILL_SWITCH}
    if execution_is_halted(snapshot):
        reasons.add(KILL_SWITCH)
    if snapshot.posture.verdict is Verdict.MARKET_CLOSED:
        reasons.add(MARKET_CLOSED_CODE)
    if own.stalled:
        reasons.add(POLL_LOOP_STALLED)
    return sorted(reasons)[:MAX_GATING_REASONS]


def _fleet(snapshot: FloorSnapshot, own: OwnProcess) -> dict[str, Any]:
    posture = snapshot.posture
    return {
        **fleet_document(snapshot.fleet),
        "cluster": snapshot.fleet.cluster,
        "posture": posture.verdict.value,
        "expected": posture.expected,
        "severity": posture.severity.value if posture.severity else None,
        "reason_codes": list(dict.fromkeys(r.code for r in posture.reasons)),
        "session_phase": snapshot.session.phase.value,
        "at": utc_text(snapshot.at),
        "sequence": snapshot.sequence,
        "poll_interval_seconds": own.poll_interval_seconds,
    }


def _floor_posture(snapshot: FloorSnapshot, own: OwnProcess) -> dict[str, object]:
    """Return what another Mission Control that lists floors shows of this one."""
    posture = snapshot.posture
    lead = posture.reasons[0] if posture.reasons else None
    return {
        "posture": posture.verdict.value,
        "expected": posture.expected,
        "severity": posture.severity.value if posture.severity else None,
        "since_utc": utc_text(posture.since),
        "decided_utc": utc_text(snapshot.at),
        "evidence_age_seconds": rounded(posture.evidence_age_seconds),
        "code": lead.code if lead else "",
        "subject": lead.subject[:MAX_TEXT] if lead else "",
        "sentence": Sentences(snapshot).of_posture()[:MAX_TEXT],
        "reasons": len(posture.reasons),
        "services": len(snapshot.fleet.agents),
        "replica": own.replica,
        "digest": snapshot.fleet.digest,
        "started_utc": utc_text(own.started_at),
        "label": snapshot.label,
    }
