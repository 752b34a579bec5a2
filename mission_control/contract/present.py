"""The rich status contract as a JSON Schema, for those who build services."""

from mission_control.contract.model.shapes import RichStatus
from mission_control.model.fleet import Kind

SCHEMA_ID = "urn:mission-control:ops-status:1"
"""Names the contract wherever its schema is kept; it grows with the contract's version."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TITLE = "Status contract of /ops/status"
_WITH_MARKETDATA = (Kind.MARKETDATA, Kind.STRATEGY, Kind.EXECUTION)

_EXAMPLE: dict[str, object] = {
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
        "last_tick_utc": "2026-03-06T14:41:00Z",
        "last_bar_utc": None,
        "stale_threshold_seconds": 120,
        "is_fresh": False,
    },
    "safety": {
        "kill_switch": True,
        "safe_to_run_strategies": False,
        "safe_to_execute_orders": False,
        "gating_reasons": ["KILL_SWITCH", "MARKETDATA_STALE"],
    },
    "endpoints": {"healthz": "/healthz", "heartbeat": None, "metrics": "/metrics"},
}


def ops_status_schema() -> dict[str, object]:
    """
    Return the JSON Schema (2020-12) that a service's `/ops/status` is read by.

    It says what is refused, not all that is judged: an answer can satisfy the schema and still
    deviate, as one that claims freshness on an old tick does.
    """
    schema: dict[str, object] = RichStatus.model_json_schema()
    return schema | {
        "$schema": _DIALECT,
        "$id": SCHEMA_ID,
        "title": _TITLE,
        "examples": [_EXAMPLE],
        "allOf": [_marketdata_follows_kind()],
    }


def _marketdata_follows_kind() -> dict[str, object]:
    """Say in the schema which kinds of service must report marketdata."""
    kinds = [kind.value for kind in _WITH_MARKETDATA]
    return {
        "if": {"properties": {"service_kind": {"enum": kinds}}, "required": ["service_kind"]},
        "then": {"properties": {"marketdata": {"type": "object"}}},
    }
