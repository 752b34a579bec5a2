"""The strategy-service app, which gamma-strategy and whale-strategy run as well."""

from mission_control.simulation.answers import Answer, answer_by_route, json_answer
from mission_control.simulation.moment import Moment


def respond(moment: Moment, method: str, path: str) -> Answer:
    """Answer as the strategy-service app does: liveness, and nothing else."""
    return answer_by_route(_ROUTES, moment, method, path)


def _ok(moment: Moment) -> Answer:
    return json_answer({"status": "ok", "service": moment.agent_name})


def _livez(moment: Moment) -> Answer:
    return json_answer(
        {"status": "alive", "service": moment.agent_name, "loop_heartbeat_age_s": 0.4}
    )


_ROUTES = {("GET", "/healthz"): _ok, ("GET", "/readyz"): _ok, ("GET", "/livez"): _livez}
