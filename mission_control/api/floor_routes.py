"""Recent events, our own status and metrics, and the scheduled day."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Annotated

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric

from mission_control.api.answers import (
    Answer,
    AnyRequest,
    SnapshotCache,
    choose,
    give,
    header_of,
    json_answer,
)
from mission_control.api.artifact_routes import reading_record
from mission_control.api.options import NEGOTIATED, VARY, ApiParts, describes, describes_problem
from mission_control.contract.model.shapes import RichStatus
from mission_control.floor.model import FloorSnapshot
from mission_control.floor.present.events import EventsDocument, events_document
from mission_control.floor.present.metrics import metric_families
from mission_control.floor.present.own_status import OwnProcess, own_status_document
from mission_control.schedule.present.plan import ScheduleDocument, schedule_document

MAX_EVENTS = 500

Limit = Annotated[
    int, QueryParameter(ge=1, le=MAX_EVENTS, description="How many events; 1 to 500, newest first.")
]


def event_routes(parts: ApiParts) -> Sequence[HTTPRouteHandler]:
    """Return the route of the recent events."""

    @get(
        "/api/v1/events/recent",
        summary="The newest events, newest first",
        tags=["events"],
        responses={
            200: describes(EventsDocument, "The events"),
            422: describes_problem("`limit` is not 1 to 500"),
        },
    )
    async def recent(request: AnyRequest, limit: Limit = 50) -> Response[bytes]:
        events = parts.floor.recent_events(limit)
        document = events_document(events, parts.floor.current())
        return give(json_answer(document, parts.options.label), request)

    return [recent]


OPEN_METRICS = "application/openmetrics-text"
EXPOSITIONS = ("text/plain; version=0.0.4", f"{OPEN_METRICS}; version=1.0.0")


class _Families:
    """A collector of given metric families, as the library that writes them expects."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def metrics_text(snapshot: FloorSnapshot, own: OwnProcess, events: int, *, open_: bool) -> Answer:
    """Write the metrics as OpenMetrics 1.0, or as Prometheus text 0.0.4."""
    write, media_type = choose_encoder(OPEN_METRICS if open_ else "")
    body = write(_Families(metric_families(snapshot, own, events)))
    return Answer(body, media_type, VARY)


def status_routes(parts: ApiParts) -> Sequence[HTTPRouteHandler]:
    """Return the route by which another Mission Control watches this one."""
    brief = SnapshotCache()

    @get(
        "/ops/status",
        summary="Our own status contract, with the fleet's aggregate beside it",
        tags=["ops"],
        responses={200: describes(RichStatus, "The rich contract, kind ops")},
    )
    async def ops_status(request: AnyRequest) -> Response[bytes]:
        own = parts.own_process()
        moment = (own.stalled, own.scheduler_stalled, int(own.now.timestamp()))
        render = partial(own_status_document, own=own)
        snapshot = parts.floor.current()
        return give(brief.document(snapshot, "status", render, moment=moment), request)

    return [ops_status]


def metrics_routes(parts: ApiParts) -> Sequence[HTTPRouteHandler]:
    """Return the routes by which a scraper watches this one."""
    brief = SnapshotCache()

    @get(
        ["/metrics", "/ops/metrics"],
        summary="Prometheus text; OpenMetrics by Accept",
        tags=["ops"],
        media_type="text/plain",
        opt=NEGOTIATED,
        responses={200: describes(str, "The metrics", "text/plain")},
    )
    async def metrics(request: AnyRequest) -> Response[bytes]:
        own = parts.own_process()
        moment = (own.stalled, own.scheduler_stalled, int(own.now.timestamp()))
        # A scraper that accepts neither format gets Prometheus text, which all of them read.
        open_ = choose(header_of(request, "accept"), EXPOSITIONS).media_type == EXPOSITIONS[1]
        newest = next(iter(parts.floor.recent_events(1)), None)
        events = newest.identity if newest else 0
        build = partial(metrics_text, own=own, events=events, open_=open_)
        snapshot = parts.floor.current()
        return give(brief.answer(snapshot, ("metrics", open_), build, moment=moment), request)

    return [metrics]


SESSIONS_AHEAD = 30


def schedule_routes(parts: ApiParts) -> Sequence[HTTPRouteHandler]:
    """Return the route of the scheduled day."""

    @get(
        "/api/v1/schedule",
        summary="Today's plan with the outcome of each run, and the next 30 sessions",
        tags=["schedule"],
        responses={
            200: describes(ScheduleDocument, "The day, and the next sessions"),
            503: describes_problem("The record cannot be read"),
        },
    )
    async def schedule(request: AnyRequest) -> Response[bytes]:
        view = await reading_record(parts.day.view())
        sessions = parts.calendar.sessions_from(view.at, SESSIONS_AHEAD)
        last = sessions[-1].close if sessions else view.at
        holidays = parts.calendar.holidays_between(view.at, last)
        document = schedule_document(view, sessions, holidays)
        return give(json_answer(document, parts.options.label), request)

    return [schedule]
