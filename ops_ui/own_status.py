"""What the pages say of themselves: that they are served, and their own rich contract."""

from datetime import UTC, datetime

from litestar import MediaType, get
from litestar.datastructures import State

from ops_ui.answers import Part
from ops_ui.mission_control_client import Missed
from ops_ui.rendering import pages_of


@get(["/healthz", "/health", "/livez"], media_type=MediaType.JSON, sync_to_thread=False)
def healthz() -> dict[str, str]:
    """Say that the pages are served; says nothing about Mission Control."""
    return {"status": "ok", "service": "ops-ui"}


@get("/ops/status", media_type=MediaType.JSON)
async def ops_status(state: State) -> dict[str, object]:
    """Answer the pages' own rich contract: DEGRADED while Mission Control gives no answer."""
    answer = await pages_of(state).client.ask("/api/v1/posture", Part)
    reached = not isinstance(answer, Missed)
    return _own_status(now=datetime.now(UTC), reached=reached)  # noqa: TID251  (own process, own clock)


def _own_status(*, now: datetime, reached: bool) -> dict[str, object]:
    """
    Return the rich contract of kind ops at `now` (UTC).

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
