"""The brief: one page for who comes on duty, each line with its evidence."""

from itertools import groupby

from litestar import MediaType, Response, get
from litestar.datastructures import State

from ops_ui.answers import Each, Labelled, Part, Shown, Text
from ops_ui.mission_control_client import Missed
from ops_ui.rendering import pages_of

PATH = "/brief"
MOST_LINES = 45
_LOOKS = {"bad": ("✕", "halts"), "warn": ("▲", "marked"), "calm": ("●", "calm")}
_UNKNOWN = ("?", "unknown")


class Line(Part):
    """One line; `page` is where its evidence is shown."""

    section: Shown
    tone: Text
    text: Shown
    page: Text
    api: Text

    @property
    def glyph(self) -> str:
        """Return its sign; what is no known tone is not known."""
        return _LOOKS.get(self.tone, _UNKNOWN)[0]

    @property
    def look(self) -> str:
        """Return the end of its CSS class."""
        return _LOOKS.get(self.tone, _UNKNOWN)[1]

    @property
    def words(self) -> str:
        """Return its tone in a word, for who does not see the sign."""
        return {"bad": "bad", "warn": "look", "calm": "fine"}.get(self.tone, "not known")

    @property
    def href(self) -> str:
        """Return where the evidence is on these pages; empty for any other address."""
        return self.page if self.page.startswith("/") and not self.page.startswith("//") else ""


class Brief(Labelled):
    """The brief of a moment."""

    ts: str
    at_et: Text
    lines: Each[Line]


@get(PATH, media_type=MediaType.HTML)
async def brief(state: State) -> Response[str]:
    """Show the brief of this moment, by section."""
    pages = pages_of(state)
    found = await pages.client.ask("/api/v1/brief", Brief)
    if isinstance(found, Missed):
        return await pages.missed(found, "The brief could not be made")
    lines = found.lines[: MOST_LINES - 1]
    sections = [(name, tuple(own)) for name, own in groupby(lines, key=lambda line: line.section)]
    return await pages.render("brief.html", found=found, sections=sections)
