"""The Floor and the wall, as pages."""

import asyncio

from litestar import MediaType, Request, Response, get
from litestar.datastructures import State

from ops_ui.floor import FloorPage
from ops_ui.formats import new_york
from ops_ui.frame import past_frame
from ops_ui.mission_control_client import HTTP_NOT_FOUND, Missed
from ops_ui.rendering import MAX_AT, Pages, pages_of
from ops_ui.service_rows import only
from ops_ui.time_machine import ask_time_machine
from ops_ui.wall import see_wall


@get("/", media_type=MediaType.HTML)
async def floor(state: State, request: Request[object, object, State]) -> Response[str]:
    """Show the floor, or with `?at=` the floor as it was."""
    pages = pages_of(state)
    at = str(request.query_params.get("at", ""))[:MAX_AT]
    show = str(request.query_params.get("show", ""))[:MAX_AT]
    if at:
        return await _past_floor(pages, floor_page(state), at, show)
    page = floor_page(state)
    shown, machine = await asyncio.gather(page.see(), page.time_machine())
    return pages.render_in(
        shown.frame,
        "floor.html",
        view=shown.view,
        last=shown.last,
        last_age=shown.last_age,
        at="",
        show=show,
        rows=only(shown.view.services, show),
        machine=machine,
    )


async def _past_floor(pages: Pages, page: FloorPage, at: str, show: str) -> Response[str]:
    view, machine = await asyncio.gather(page.see_past(at), ask_time_machine(pages.client, at))
    if not isinstance(view, Missed):
        frame = past_frame(view.at, view.label, pages.client.label)
        return pages.render_in(
            frame,
            "floor.html",
            view=view,
            last=None,
            last_age=None,
            at=at,
            show=show,
            rows=only(view.services, show),
            machine=machine,
        )
    if view.status == HTTP_NOT_FOUND:
        heading = "? UNKNOWN: the floor was not watched then"
        text = f"At {new_york(at) or 'that time'} nothing was recorded, and nothing is guessed."
        return await pages.render("message.html", 404, heading=heading, text=text)
    return await pages.missed(view, "The floor of then could not be read")


@get("/wall", media_type=MediaType.HTML)
async def wall(state: State) -> Response[str]:
    """Show the floor as it hangs on a wall: no scrolling, nothing to touch."""
    pages = pages_of(state)
    shown = await floor_page(state).see()
    return pages.render_in(
        shown.frame,
        "wall.html",
        view=shown.view,
        last=shown.last,
        last_age=shown.last_age,
        board=see_wall(shown.view.services),
    )


def floor_page(state: State) -> FloorPage:
    """Return the floor's page, which remembers the last floor that was whole."""
    page: FloorPage = state.floor
    return page
