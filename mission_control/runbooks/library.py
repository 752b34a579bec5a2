"""Finds runbooks in their folder."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mission_control.model.catalogue import runbook_code

MAX_BYTES = 64 * 1024
_CODE = re.compile(r"[A-Za-z0-9_]{1,64}")


@dataclass(frozen=True, slots=True)
class Runbook:
    """A runbook page: its code, its title and its Markdown."""

    code: str
    title: str
    markdown: str


@dataclass(frozen=True, slots=True)
class RunbookLibrary:
    """The runbook pages of one folder, by reason code; `HTTP_503` and its like share one page."""

    folder: Path

    def read(self, code: str) -> Runbook | None:
        """
        Return the page for a code; None when there is none, or none that can be read.

        Codes that share a page (HTTP_503) are led to it. A code is a plain word, and a page
        lies in the folder also when its links are followed: no request leads elsewhere.
        """
        if not _CODE.fullmatch(code):
            return None
        return self._page(code) or self._page(runbook_code(code))

    def codes(self) -> Sequence[str]:
        """List the codes that have a page, sorted."""
        named = sorted(p.stem for p in self.folder.glob("*.md") if _CODE.fullmatch(p.stem))
        return [code for code in named if self._find(code)]

    def _page(self, code: str) -> Runbook | None:
        page = self._find(code)
        if page is None:
            return None
        try:
            with page.open("rb") as file:
                markdown = file.read(MAX_BYTES)
        except OSError:
            return None
        return _runbook(code, markdown)

    def _find(self, code: str) -> Path | None:
        try:
            page = (self.folder / f"{code}.md").resolve(strict=True)
            inside = page.is_relative_to(self.folder.resolve())
        except (OSError, RuntimeError):  # not there, not readable, or a link that goes in circles
            return None
        return page if inside and page.is_file() else None


def _runbook(code: str, markdown: bytes) -> Runbook:
    """Read a page's text; a character that the cap cut in two is left out."""
    text = markdown.decode("utf-8", errors="replace")
    if len(markdown) == MAX_BYTES:
        text = text.rstrip("\N{REPLACEMENT CHARACTER}")
    heading = text.split("\n", 1)[0].removeprefix("#").strip()
    return Runbook(code, heading.removeprefix(f"{code}:").strip(), text)
