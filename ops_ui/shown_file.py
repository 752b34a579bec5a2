"""
What a recorded file or a text of Markdown looks like on a page. Pure, and slow.

Time to render grows with the square of what a hostile text nests, so this runs in a process of
its own (`rendering_process`) and never where pages are served.
"""

import re
from dataclasses import dataclass

import orjson
from markdown_it import MarkdownIt

MAX_SHOWN = 512 * 1024
"""Characters of a file that are shown; the whole file is there to be downloaded."""
MAX_RENDERED = 64 * 1024
"""Bytes of Markdown that are rendered; more is shown as it was written."""
MAX_PLAIN = 64 * 1024
"""Characters that are shown of what could not be rendered in time."""
TOO_LONG = f"It is longer than {MAX_RENDERED // 1024} KiB, and shown as it was written."
NOT_IN_TIME = "It could not be rendered in time, and is shown as it was written."
_ACTS = re.compile(r"[^\n\r\t\x20-\x7e\xa1-\xac\xae-\u0377]")
"""What has to be looked at more closely before it is shown: what could be invisible is in here."""


@dataclass(frozen=True, slots=True)
class FileShown:
    """
    One text: rendered Markdown as `html`, or `text`; neither where it is no text.

    `note` says why it is not shown as it should be.
    """

    path: str
    size: int
    html: str = ""
    text: str = ""
    cut: bool = False
    note: str = ""


def show_file(path: str, content: bytes) -> FileShown:
    """Show a file's text: Markdown rendered without HTML of its own, JSON set out in lines."""
    if path.endswith(".json"):
        content = _set_out(content)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return FileShown(path, len(content))
    cut, text = len(text) > MAX_SHOWN, text[:MAX_SHOWN]
    if not path.endswith(".md"):
        return FileShown(path, len(content), text=visible(text), cut=cut)
    if len(content) > MAX_RENDERED:
        return FileShown(path, len(content), text=visible(text), cut=cut, note=TOO_LONG)
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    html = str(markdown.render(visible(text))).replace("<pre>", '<pre tabindex="0">')
    return FileShown(path, len(content), html=html)


def show_plainly(path: str, content: bytes) -> FileShown:
    """Show the beginning of a text as it was written, which takes no time worth naming."""
    beginning = content[: 4 * MAX_PLAIN].decode("utf-8", errors="replace")
    cut = len(content) > len(beginning[:MAX_PLAIN].encode())
    text = visible(beginning[:MAX_PLAIN])
    return FileShown(path, len(content), text=text, cut=cut, note=NOT_IN_TIME)


def _set_out(content: bytes) -> bytes:
    try:
        return orjson.dumps(orjson.loads(content), option=orjson.OPT_INDENT_2)
    except orjson.JSONDecodeError:
        return content


def visible(text: str) -> str:
    """Replace what could reorder a page or hide in it, line ends, tabs and spaces apart."""
    return _ACTS.sub(lambda m: m[0] if m[0].isprintable() else "\N{REPLACEMENT CHARACTER}", text)
