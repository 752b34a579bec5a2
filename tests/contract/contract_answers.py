"""Tests: a service that keeps the contract, as values, and what a report says in short."""

import copy
import json
from datetime import UTC, datetime

from mission_control.conformance.decide.conformance import judge_conformance
from mission_control.contract.model.answer import read_answer
from mission_control.contract.model.claims import read_claims
from mission_control.errors import ContractViolation
from mission_control.model.reading import Seen, Unseen, UnseenReason

NOW = datetime(2026, 3, 6, 15, 0, 7, tzinfo=UTC)
EPOCH = NOW.timestamp()

STRATEGY = {
    "service_name": "strategy-engine",
    "service_kind": "strategy",
    "repo_id": "owner/agent-trader-v2",
    "git_sha": "54afffe",
    "build_id": None,
    "agent_identity": {
        "agent_name": "strategy-engine",
        "agent_role": "strategy",
        "agent_mode": "OBSERVE",
    },
    "status": {
        "state": "HALTED",
        "summary": "Halted",
        "reason_codes": ["KILL_SWITCH"],
        "last_updated_utc": "2026-03-06T15:00:07Z",
    },
    "heartbeat": {
        "last_heartbeat_utc": "2026-03-06T15:00:07Z",
        "age_seconds": 0.0,
        "ttl_seconds": 60,
    },
    "marketdata": {
        "last_tick_utc": "2026-03-06T15:00:05Z",
        "last_bar_utc": None,
        "stale_threshold_seconds": 120,
        "is_fresh": True,
    },
    "safety": {
        "kill_switch": True,
        "safe_to_run_strategies": False,
        "safe_to_execute_orders": False,
        "gating_reasons": ["KILL_SWITCH"],
    },
    "endpoints": {"healthz": "/healthz", "heartbeat": None, "metrics": "/metrics"},
}

MINIMAL = {
    "uptime": 5.0,
    "last_heartbeat": None,
    "data_freshness_seconds": 1.0,
    "build_sha": "54afffe",
    "agent_mode": "OBSERVE",
}

HEALTH = {
    "service": "strategy-engine",
    "last_tick_epoch_seconds": EPOCH - 2,
    "age_seconds": 2.0,
    "max_age_seconds": 60,
    "ok": True,
    "forced_stale": False,
}

GONE = object()


def changed(document, **changes):
    """Return a copy with fields changed, or gone; `safety__kill_switch` is `safety.kill_switch`."""
    copied = copy.deepcopy(document)
    for field, value in changes.items():
        *parents, last = field.split("__")
        place = copied
        for parent in parents:
            place = place[parent]
        if value is GONE:
            del place[last]
        else:
            place[last] = value
    return copied


def seen(document, path="/ops/status", http_status=200, at=NOW):
    """Read a document as the probe does, or say why it could not."""
    body = json.dumps(document).encode()
    try:
        answer = read_answer(body, document, path=path, http_status=http_status, shown=body)
    except ContractViolation as violation:
        return Unseen(
            UnseenReason.CONTRACT_INVALID,
            at,
            detail=str(violation),
            claims=read_claims(document),
            problems=violation.problems,
        )
    return Seen(answer, at, took=0.01)


def understood(document):
    """Return the answer in a document that keeps the contract."""
    reading = seen(document)
    assert isinstance(reading, Seen)
    return reading.value


def judge(document, kind=None, **other):
    """Judge a service by its status and by other endpoints, as `healthz=...`."""
    readings = {"/ops/status": seen(document)}
    readings |= {f"/{path}": reading for path, reading in other.items()}
    return judge_conformance(readings, NOW, kind)


def told(report):
    """Return what a report says in short: gravity, field and rule of each deviation."""
    return [
        (d.gravity.value, d.field, d.rule.removeprefix("status contract "))
        for d in report.deviations
    ]


VIOLATION, ADVICE = "violation", "advice"
SWITCH_OFF = {
    "safety__kill_switch": False,
    "safety__gating_reasons": [],
    "safety__safe_to_run_strategies": True,
    "status__state": "OK",
    "status__summary": "Healthy",
    "status__reason_codes": [],
}
STALE = {
    "marketdata__is_fresh": False,
    "marketdata__last_tick_utc": "2026-03-06T14:41:00Z",
    "safety__gating_reasons": ["KILL_SWITCH", "MARKETDATA_STALE"],
}
