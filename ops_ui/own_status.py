"""Own status: the pages as a service that another Mission Control can watch."""

from datetime import datetime


def own_status(*, now: datetime, reached: bool) -> dict[str, object]:
    """
    Give the rich contract of kind ops at `now` (UTC).

    The pages know nothing of a kill switch of their own and allow nothing: `kill_switch` is
    true because nothing may be executed from here.
    """
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    state = "OK" if reached else "DEGRADED"
    return {
        "service_name": "ops-ui",
        "service_kind": "ops",
        "repo_id": "mission-control",
        "git_sha": None,
        "build_id": None,
        "agent_identity": {"agent_name": "ops-ui", "agent_role": "ops", "agent_mode": "OBSERVE"},
        "status": {
            "state": state,
            "summary": "Healthy" if reached else "Degraded",
            "reason_codes": [] if reached else ["MISSION_CONTROL_UNREACHABLE"],
            "last_updated_utc": stamp,
        },
        "heartbeat": {"last_heartbeat_utc": stamp, "age_seconds": 0.0, "ttl_seconds": 60},
        "marketdata": None,
        "safety": {
            "kill_switch": True,
            "safe_to_run_strategies": False,
            "safe_to_execute_orders": False,
            "gating_reasons": ["KILL_SWITCH"],
        },
        "endpoints": {"healthz": "/healthz", "heartbeat": None, "metrics": None},
    }
