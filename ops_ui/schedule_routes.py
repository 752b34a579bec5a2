"""Routes: the scheduled day and the sessions to come, as a page."""

from collections.abc import Sequence

from litestar import MediaType, Response, get
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler

from ops_ui.mission_control_client import Missed
from ops_ui.pages.schedule import see_day
from ops_ui.rendering import pages_of


@get("/schedule", media_type=MediaType.HTML)
async def schedule(state: State) -> Response[str]:
    """Show today's plan with what became of each run, and the next 30 sessions."""
    pages = pages_of(state)
    document = await pages.client.document("/api/v1/schedule")
    day = see_day(document)
    if day.trouble:
        heading = "The schedule could not be read"
        status = 502 if isinstance(document, Missed) else 500
        return pages.render("message.html", status, heading=heading, text=day.trouble)
    return pages.render("schedule.html", day=day)


def schedule_routes() -> Sequence[HTTPRouteHandler]:
    """Give the route of this page."""
    return [schedule]
