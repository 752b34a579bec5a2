"""Recent events, our own status, and the scheduled day."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Annotated

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from mission_control.api.answers import AnyRequest, SnapshotCache, give, json_answer
from mission_control.api.artifact_routes import reading_record
from mission_control.api.options import ApiParts, describes, describes_problem
from mission_control.contract.model.shapes import RichStatus
from mission_control.floor.present.events import EventsDocument, events_document
from mission_control.floor.present.own_status import own_status_document
from mission_control.schedule.present.plan import ScheduleDocument, schedule_document

MAX_EVENTS = 500

Limit = Annotated[
    int, QueryParameter(ge=1, le=MAX_EVENTS, description="How many events; 1 to 500, newest first.")
]


NO_AGENTS = "none"
Agents = Annotated[
    str,
    QueryParameter(description="`none` leaves the list of services out: short on any floor."),
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


def status_routes(parts: ApiParts) -> Sequence[HTTPRouteHandler]:
    """Return the route by which another Mission Control watches this one."""
    brief = SnapshotCache()

    @get(
        "/ops/status",
        summary="Our own status contract, with the fleet's aggregate beside it",
        tags=["ops"],
        responses={200: describes(RichStatus, "The rich contract, kind ops")},
    )
    async def ops_status(request: AnyRequest, agents: Agents = "") -> Response[bytes]:
        own = parts.own_process()
        moment = (own.stalled, own.scheduler_stalled, int(own.now.timestamp()))
        listed = agents != NO_AGENTS
        render = partial(own_status_document, own=own, with_agents=listed)
        key = "status" if listed else "status without agents"
        return give(brief.document(parts.floor.current(), key, render, moment=moment), request)

    return [ops_status]


SESSIONS_AHEAD = 30
LOOKED_BACK = timedelta(days=14)
"""No market has been closed for longer between two sessions."""


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
        before = parts.calendar.sessions_between(view.at - LOOKED_BACK, view.at)
        closed = next((s for s in reversed(before) if s.close <= view.at), None)
        document = schedule_document(view, sessions, holidays, closed)
        return give(json_answer(document, parts.options.label), request)

    return [schedule]
