"""Templates, and what every page's handler is handed."""

import asyncio
import contextlib
import hashlib
import logging
import math
import os
import sys
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast
from urllib.parse import urlencode

import jinja2
import orjson
from litestar import MediaType, Request, Response
from litestar.datastructures import State

from ops_ui import formats
from ops_ui.access.operator import SIGNED_IN
from ops_ui.frame import Frame, ask_present, lost_frame, see_frame
from ops_ui.mission_control_client import Failure, Missed, MissionControlClient
from ops_ui.settings import Settings
from ops_ui.shown_file import FileShown, show_file, show_plainly, visible

SECONDS = 3.0
AT_ONCE = 2
AGAIN_SECONDS = 60.0
"""What could not be rendered is tried again after so long: the machine may have been busy."""
_KEPT, _KEPT_CHARACTERS = 128, 16 * 1024 * 1024
_INHERITED = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")
_SMALL = 2 * 1024
"""Bytes that render in a moment, however they nest: no process is started for them."""

log = logging.getLogger("ops_ui")


class Renderer:
    """
    Shows texts: each is rendered once, in a process that is killed at its deadline.

    What was not rendered in time is shown as it was written, and says so. Used from one loop.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        """Allow each text so many seconds, waiting included."""
        self._seconds = seconds
        self._room = asyncio.Semaphore(AT_ONCE)
        self._kept: OrderedDict[str, tuple[FileShown, float]] = OrderedDict()
        self._asked: dict[str, asyncio.Task[FileShown]] = {}

    async def show(self, path: str, content: bytes) -> FileShown:
        """Show a file; how is told by the end of its path."""
        if len(content) <= _SMALL:
            return show_file(path, content)
        key = f"{hashlib.sha256(content).hexdigest()} {path}"
        known, until = self._kept.get(key, (None, 0.0))
        if known is not None and asyncio.get_running_loop().time() < until:
            self._kept.move_to_end(key)
            return known
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.create_task(self._show(path, content, key))
            task.add_done_callback(lambda _: self._asked.pop(key, None))
        return await asyncio.shield(task)

    async def _show(self, path: str, content: bytes, key: str) -> FileShown:
        until = math.inf
        try:
            async with asyncio.timeout(self._seconds), self._room:
                shown = await _render(path, content)
        except (TimeoutError, OSError, orjson.JSONDecodeError, TypeError) as error:
            log.warning("%s was not rendered: %s", path, type(error).__name__)
            shown = show_plainly(path, content)
            until = asyncio.get_running_loop().time() + AGAIN_SECONDS
        self._keep(key, shown, until)
        return shown

    def _keep(self, key: str, shown: FileShown, until: float) -> None:
        """Remember, also what took too long: it would take too long again."""
        self._kept[key] = (shown, until)
        while len(self._kept) > _KEPT or self._characters() > _KEPT_CHARACTERS:
            self._kept.popitem(last=False)

    def _characters(self) -> int:
        return sum(len(s.html) + len(s.text) for s, _ in self._kept.values())


async def _render(path: str, content: bytes) -> FileShown:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ops_ui.rendering_process",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={name: os.environ[name] for name in _INHERITED if name in os.environ},
        start_new_session=True,
    )
    try:
        told, _ = await process.communicate(path.encode() + b"\n" + content)
        return FileShown(**orjson.loads(told))
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


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
        new_york=formats.new_york,
        utc=formats.utc,
        clock_time=formats.clock_time,
        clock_bare=formats.clock_bare,
        clock_short=formats.clock_short,
        zulu=formats.zulu,
        duration=formats.duration,
        figures=formats.figures,
        percent=formats.percent,
        pods=formats.pods_text,
        no_digest=formats.no_digest_text,
        set_out=formats.set_out,
    )
    names = cast("dict[str, object]", environment.globals)  # pyright: ignore[reportUnknownMemberType]
    names["glyphs"] = formats.GLYPHS
    return environment


def _finalize(value: object) -> object:
    """Show what any expression gives, with nothing in it that could reorder or hide text."""
    return visible(value) if type(value) is str else value


class Pages:
    """What every page's handler needs: the client, the templates and the renderer."""

    def __init__(self, client: MissionControlClient, settings: Settings) -> None:
        """Serve pages of the Mission Control behind this client."""
        self.client = client
        self.environment = templates()
        self.refresh_seconds = settings.refresh_seconds
        self.slow_refresh_seconds = 6 * settings.refresh_seconds
        self.renderer = Renderer()

    async def render(self, name: str, status: int = 200, **values: object) -> Response[str]:
        """Render a page in the frame of the present, which is asked for."""
        return self.render_in(await self.frame(), name, status, **values)

    async def frame(self) -> Frame:
        """Ask for the frame of the present."""
        return see_frame(await ask_present(self.client), self.client.label)

    def render_in(
        self, frame: Frame, name: str, status: int = 200, **values: object
    ) -> Response[str]:
        """Render a page in this frame; it is never kept by a cache."""
        text = self.environment.get_template(name).render(
            refresh_seconds=self.refresh_seconds,
            slow_refresh_seconds=self.slow_refresh_seconds,
            safety=self.client.safety,
            frame=frame,
            operator=SIGNED_IN.get(),
            **values,
        )
        return Response(
            text,
            status_code=status,
            media_type=MediaType.HTML,
            headers={"cache-control": "no-store"},
        )

    async def missed(self, missed: Missed, heading: str) -> Response[str]:
        """Say why a page cannot be shown, and to a reader's own mistake what is wanted."""
        if missed.is_mistake:
            heading, text = "This address asks for what cannot be answered", missed.told
            return await self.render("message.html", missed.status, heading=heading, text=text)
        if missed.failure is Failure.REFUSED:
            heading = "Mission Control refuses our token"
        if missed.failure is not Failure.GARBAGE:  # it is not waited for once more
            frame = lost_frame(missed.detail, self.client.time, self.client.label)
            return self.render_in(frame, "message.html", 502, heading=heading, text=missed.detail)
        return await self.render("message.html", 502, heading=heading, text=missed.detail)


def pages_of(state: State) -> Pages:
    """Return the pages that the application was made with."""
    pages: Pages = state.pages
    return pages


def asked_of(
    request: Request[object, object, State], names: Sequence[str], most: int = 128
) -> Mapping[str, str]:
    """Return what of these names a page's address asks for, each up to so many characters."""
    asked = {str(k): str(v) for k, v in request.query_params.items()}
    return {name: asked[name][:most] for name in names if asked.get(name)}


def query_of(asked: Mapping[str, str]) -> str:
    """Write a query with its question mark; empty where nothing is asked for."""
    return f"?{urlencode(asked)}" if asked else ""


def older_of(path: str, asked: Mapping[str, str], cursor: str | None) -> str | None:
    """Return the address of the page with what is older; None on the last one."""
    return None if cursor is None else path + query_of({**asked, "cursor": cursor})
