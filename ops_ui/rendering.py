"""Rendering: templates, and what every page's handler is handed."""

from pathlib import Path
from time import monotonic
from typing import cast

import jinja2
from litestar import MediaType, Response
from litestar.datastructures import State

from ops_ui.instants import clock_short, clock_time, new_york, utc
from ops_ui.mission_control_client import Missed, MissionControlClient
from ops_ui.notes import no_digest_text, pods_text
from ops_ui.pages.floor import FloorPage
from ops_ui.pages.history import duration, percent, set_out
from ops_ui.settings import Settings
from ops_ui.shown_file import visible
from ops_ui.slow_rendering import Renderer
from ops_ui.views import GLYPHS

HERE = Path(__file__).parent
MAX_AT = 80
"""Characters of `?at=` that are passed on: more than Mission Control takes for a time."""


def templates() -> jinja2.Environment:
    """Load the templates: everything is escaped, and a name that is missing is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = cast("dict[str, object]", environment.filters)  # pyright: ignore[reportUnknownMemberType]
    filters.update(
        new_york=new_york,
        utc=utc,
        clock_time=clock_time,
        clock_short=clock_short,
        duration=duration,
        percent=percent,
        pods=pods_text,
        no_digest=no_digest_text,
        set_out=set_out,
    )
    names = cast("dict[str, object]", environment.globals)  # pyright: ignore[reportUnknownMemberType]
    names["glyphs"] = GLYPHS
    return environment


def _finalize(value: object) -> object:
    """Show what any expression gives, with nothing in it that could reorder or hide text."""
    return visible(value) if type(value) is str else value


class Pages:
    """The pages' handlers over one client; remembers the last floor that was whole."""

    def __init__(self, client: MissionControlClient, settings: Settings) -> None:
        """Serve pages of the Mission Control behind this client."""
        self.client = client
        self.environment = templates()
        self.floor = FloorPage(client, monotonic)
        self.refresh_seconds = settings.refresh_seconds
        self.slow_refresh_seconds = 6 * settings.refresh_seconds
        self.renderer = Renderer()

    def render(self, name: str, status: int = 200, **values: object) -> Response[str]:
        """Render a page; it is never kept by a cache."""
        text = self.environment.get_template(name).render(
            refresh_seconds=self.refresh_seconds,
            slow_refresh_seconds=self.slow_refresh_seconds,
            safety=self.client.safety,
            **values,
        )
        return Response(
            text,
            status_code=status,
            media_type=MediaType.HTML,
            headers={"cache-control": "no-store"},
        )

    def missed(self, missed: Missed, heading: str) -> Response[str]:
        """Say why a page cannot be shown, and to a reader's own mistake what is wanted."""
        if missed.is_mistake:
            heading, text = "This address asks for what cannot be answered", missed.told
            return self.render("message.html", missed.status, heading=heading, text=text)
        return self.render("message.html", 502, heading=heading, text=missed.detail)


def pages_of(state: State) -> Pages:
    """Give the pages that the application was made with."""
    pages: Pages = state.pages
    return pages
