"""Observe: finds runbooks in their folder."""

import re
from collections.abc import Sequence
from pathlib import Path

from mission_control.decide.catalogue import runbook_code
from mission_control.jobs.ports import Runbook

MAX_BYTES = 64 * 1024
_CODE = re.compile(r"[A-Za-z0-9_]{1,64}")


class RunbookLibrary:
    """The runbook pages of one folder, by reason code; satisfies `RunbookReader`."""

    def __init__(self, folder: Path) -> None:
        """Read from this folder, when asked."""
        self._folder = folder

    def read(self, code: str) -> Runbook | None:
        """
        Give the page for a code; None when there is none.

        Codes that share a page (HTTP_503) are led to it. A code is a plain word, so that no
        request can leave the folder.
        """
        if not _CODE.fullmatch(code):
            return None
        page = self._page(code) or self._page(runbook_code(code))
        if page is None:
            return None
        with page.open("rb") as file:
            markdown = file.read(MAX_BYTES).decode("utf-8", errors="replace")
        title = markdown.split("\n", 1)[0].removeprefix("#").strip()
        return Runbook(page.stem, title, markdown)

    def codes(self) -> Sequence[str]:
        """List the codes that have a page, sorted."""
        if not self._folder.is_dir():
            return ()
        return sorted(p.stem for p in self._folder.glob("*.md") if _CODE.fullmatch(p.stem))

    def _page(self, code: str) -> Path | None:
        page = self._folder / f"{code}.md"
        return page if page.is_file() and not page.is_symlink() else None
