"""Market-ingest, whose status knows nothing about ingestion."""

from mission_control.model.fleet import Kind
from mission_control.simulation.answers import Answer, answer_by_route, json_answer
from mission_control.simulation.moment import Moment
from mission_control.simulation.services.rich_status import (
    Speaker,
    build_facts,
    metrics,
    ops_health,
    rich_document,
)

SPEAKER = Speaker("market-ingest", Kind.INGEST, "ingest")


def respond(moment: Moment, method: str, path: str) -> Answer:
    """Answer as market-ingest does, its broken readiness included."""
    return answer_by_route(_ROUTES, moment, method, path)


def _status(moment: Moment) -> Answer:
    return json_answer(rich_document(SPEAKER, moment))


def _health(_moment: Moment) -> Answer:
    document = {"status": "ok", "service": "market-ingest", "stats": None, **build_facts()}
    return json_answer(document)


def _unprocessable(_moment: Moment) -> Answer:
    missing = {
        "type": "missing",
        "loc": ["query", "request"],
        "msg": "Field required",
        "input": None,
    }
    return json_answer({"detail": [missing]}, status=422)


def _metrics(moment: Moment) -> Answer:
    received = float(moment.uptime_seconds // 1)
    return metrics({"agent_start_total": 1.0, "messages_received_total": received})


_ROUTES = {
    ("GET", "/ops/status"): _status,
    ("GET", "/ops/health"): ops_health,
    ("GET", "/ops/metrics"): _metrics,
    ("GET", "/metrics"): _metrics,
    ("GET", "/healthz"): _health,
    ("GET", "/health"): _health,
    ("GET", "/readyz"): _unprocessable,
    ("GET", "/livez"): _unprocessable,
}
