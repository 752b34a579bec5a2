"""The few HTML pages of the API itself: no script, no style, no picture."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from html import escape
from typing import cast

from markdown_it import MarkdownIt

from mission_control.documents.visible_text import visible

RENDERED = 64
"""How many rendered texts are cached; a runbook has 64 KiB at most."""

_SCHEME = re.compile(r"\s*(?:https?://|[a-z][a-z0-9+.-]*:|//|\\)", re.IGNORECASE)
_ALLOWED = re.compile(r"https?://", re.IGNORECASE)


def html_page(title: str, body: str, label: str = "") -> str:
    """Return a whole page around a body of HTML; a label leads the title."""
    shown = f"{label} · {title}" if label else title
    banner = f"<p><strong>{escape(label)}</strong></p>\n" if label else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(shown)}</title>\n</head>\n<body>\n{banner}{body}\n</body>\n</html>\n"
    )


def is_harmless_link(url: str) -> bool:
    """Return whether a link is http, https or relative; other schemes may run code."""
    return bool(_ALLOWED.match(url)) or not _SCHEME.match(url)


def plain_page(title: str, text: str, label: str = "") -> str:
    """Return a page that shows a text as it is written, and says that it is not rendered."""
    why = "<p>This could not be rendered just now: it is shown as it was written.</p>"
    return html_page(title, f"{why}\n<pre>{escape(visible(text))}</pre>", label)


@lru_cache(maxsize=RENDERED)
def render_markdown(markdown: str) -> str:
    """
    Render Markdown as HTML: raw HTML stays text, and links are http, https or relative.

    Pictures are left out: a page of ours fetches nothing.
    """
    renderer = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    renderer.validateLink = is_harmless_link
    return cast("str", renderer.render(visible(markdown)))


def api_page(schema: Mapping[str, object], label: str = "") -> str:
    """Return the API's paths as a table, from its own OpenAPI document."""
    info = cast("Mapping[str, object]", schema.get("info", {}))
    title = f"{info.get('title', '')} {info.get('version', '')}".strip()
    rows = "".join(_rows(cast("Mapping[str, Mapping[str, object]]", schema.get("paths", {}))))
    body = (
        f"<h1>{escape(title)}</h1>\n"
        '<p>Everything is GET. The same as OpenAPI 3.1: <a href="/schema">/schema</a>.</p>\n'
        '<table border="1">\n<thead><tr><th scope="col">Path</th><th scope="col">Answer</th></tr>'
        f"</thead>\n<tbody>\n{rows}</tbody>\n</table>"
    )
    return html_page(title, body, label)


def _rows(paths: Mapping[str, Mapping[str, object]]) -> Iterator[str]:
    for path, item in sorted(paths.items()):
        operation = cast("Mapping[str, object]", item.get("get", {}))
        summary = str(operation.get("summary", ""))
        yield f"<tr><td><code>{escape(path)}</code></td><td>{escape(summary)}</td></tr>\n"
