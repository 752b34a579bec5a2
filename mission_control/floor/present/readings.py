"""What each path of a service brought, with timings, for the drill-down."""

from collections.abc import Mapping
from typing import Any

from mission_control.documents.canonical_json import embed_answer
from mission_control.documents.instants import utc_text
from mission_control.floor.model import ServiceReport
from mission_control.model.reading import EndpointReading, Seen


def readings_of(report: ServiceReport) -> Mapping[str, EndpointReading]:
    """Return the newest reading of each path that was asked; none before the first round."""
    return {} if report.round is None else report.round.readings


def reading_documents(readings: Mapping[str, EndpointReading]) -> list[dict[str, Any]]:
    """Return every path's reading, sorted by path."""
    return [reading_document(path, reading) for path, reading in sorted(readings.items())]


def reading_document(path: str, reading: EndpointReading) -> dict[str, Any]:
    """
    Return what one path brought: a shape (`rich`) or the reason it was not seen (`TIMEOUT`).

    `document` is the redacted answer, `excerpt` at most 200 redacted characters of one that was
    not understood. `peer` is the address that was asked (`10.0.0.7:8080`), empty without a
    connection; `phases` are there where one was opened for this reading. A first silence is not
    `confirmed`: it is asked about again.
    """
    exchange = reading.exchange
    if isinstance(reading, Seen):
        outcome, detail = reading.value.shape.value, ""
        status, problems = reading.value.http_status, ()
        document = embed_answer(reading.value.document)
    else:
        outcome, detail = reading.code, reading.detail
        status, problems = exchange.status, reading.problems
        document = None
    return {
        "path": path,
        "seen": isinstance(reading, Seen),
        "outcome": outcome,
        "confirmed": isinstance(reading, Seen) or reading.confirmed,
        "detail": detail,
        "http_status": status,
        "at": utc_text(reading.at),
        "took_seconds": round(reading.took, 6),
        "phases": [{"name": name, "seconds": seconds} for name, seconds in exchange.phases],
        "date_skew_seconds": exchange.date_skew,
        "excerpt": exchange.excerpt,
        "problems": [{"field": field, "problem": text} for field, text in problems],
        "document": document,
        "peer": exchange.peer,
    }
