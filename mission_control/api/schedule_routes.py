"""API: today's plan, what became of each run, and the sessions to come."""

from collections.abc import Sequence

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from mission_control.api.answers import AnyRequest, give, json_answer
from mission_control.api.artifact_routes import reading_record
from mission_control.api.described import describes, describes_problem
from mission_control.api.options import ApiParts
from mission_control.present.day_document import ScheduleDocument, schedule_document

SESSIONS_AHEAD = 30


def schedule_routes(parts: ApiParts) -> Sequence[HTTPRouteHandler]:
    """Give the route of the scheduled day."""

    @get(
        "/api/v1/schedule",
        summary="Today's plan with each run's outcome, and the next 30 sessions",
        tags=["schedule"],
        responses={
            200: describes(ScheduleDocument, "The day, and the sessions to come"),
            503: describes_problem("The record cannot be read"),
        },
    )
    async def schedule(request: AnyRequest) -> Response[bytes]:
        view = await reading_record(parts.day.view())
        sessions = parts.calendar.sessions_from(view.at, SESSIONS_AHEAD)
        last = sessions[-1].close if sessions else view.at
        holidays = parts.calendar.holidays_between(view.at, last)
        document = schedule_document(view, sessions, holidays, parts.options.label)
        return give(json_answer(document), request)

    return [schedule]
