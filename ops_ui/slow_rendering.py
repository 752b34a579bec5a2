"""Slow rendering: texts are rendered beside the pages, within a deadline, and remembered."""

import asyncio
import contextlib
import hashlib
import logging
import math
import os
import sys
from collections import OrderedDict

import orjson

from ops_ui.shown_file import FileShown, show_file, show_plainly

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
        """Give each text so many seconds, waiting included."""
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
