"""API: what happened lately."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from mission_control.api.answers import AnyRequest, give, json_answer
from mission_control.api.described import describes, describes_problem
from mission_control.api.options import ApiParts
from mission_control.present.event_document import EventsDocument, events_document

MAX_EVENTS = 500

Limit = Annotated[
    int, QueryParameter(ge=1, le=MAX_EVENTS, description="How many events; 1 to 500, newest first.")
]


def event_routes(parts: ApiParts) -> Sequence[HTTPRouteHandler]:
    """Give the route of the recent events."""

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
        return give(json_answer(events_document(events, parts.floor.current())), request)

    return [recent]
