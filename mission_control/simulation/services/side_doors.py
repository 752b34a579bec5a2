"""Simulation: the small endpoints that several services share."""

from collections.abc import Mapping

from mission_control.simulation.answers import Answer, json_answer
from mission_control.simulation.moment import Moment
from mission_control.simulation.services.rich_status import GIT_SHA, REPO_ID

PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"


def ops_health(moment: Moment) -> Answer:
    """Answer `/ops/health`."""
    return json_answer({"status": "ok", "service": moment.agent_name, "ts": moment.now.isoformat()})


def fleet_identity(moment: Moment) -> Mapping[str, object]:
    """Give the identity that health answers carry."""
    return {
        "agent_name": moment.agent_name,
        "workload": moment.agent_name,
        "git_sha": GIT_SHA,
        "environment": None,
    }


def build_facts() -> Mapping[str, object]:
    """Give the build facts that execution and ingest carry in their health answers."""
    return {
        "repo_id": REPO_ID,
        "git_sha": GIT_SHA,
        "build_id": "unknown",
        "image_ref": "unknown",
        "build_time_utc": "unknown",
    }


def metrics(counters: Mapping[str, float], heartbeat_age_seconds: float = 0.0) -> Answer:
    """Answer in the Prometheus text format; the heartbeat gauge is 0 wherever nobody sets it."""
    lines = list[str]()
    for name, value in sorted(counters.items()):
        lines += [f"# TYPE {name} counter", f"{name} {value:g}"]
    age = "+Inf" if heartbeat_age_seconds == float("inf") else f"{heartbeat_age_seconds:g}"
    lines += ["# TYPE heartbeat_age_seconds gauge", f"heartbeat_age_seconds {age}", ""]
    return Answer(body="\n".join(lines).encode("ascii"), content_type=PROMETHEUS_TEXT)
