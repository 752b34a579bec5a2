"""The brief as JSON and as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from mission_control.brief.model import MOST_LINES, Brief
from mission_control.documents.document import document
from mission_control.documents.instants import new_york_text, utc_text
from mission_control.documents.markdown import render
from mission_control.documents.raw import mappings


class BriefDocument(TypedDict):
    """
    The brief: lines in their order, each with its section and where its evidence is.

    `tone` is bad, warn, unknown (it could not be read) or calm.
    """

    ts: str
    at_et: str
    most_lines: int
    lines: list[dict[str, Any]]
    label: NotRequired[str]


def brief_document(brief: Brief) -> BriefDocument:
    """Return the brief; equal briefs give equal documents."""
    return {
        "ts": utc_text(brief.at),
        "at_et": new_york_text(brief.at),
        "most_lines": MOST_LINES,
        "lines": [document(line) for line in brief.lines],
    }


_SIGNS = {"bad": "!!", "warn": "! ", "unknown": "? ", "calm": "  "}
_WIDEST = 9


def brief_lines(document: Mapping[str, Any]) -> Sequence[str]:
    """
    Write a brief's document as lines for a terminal: what is bad has `!!`, what is not read `?`.

    A document may be a server's; what is missing of it or of another kind is shown as unknown.
    """
    told = mappings(document.get("lines"))
    label = f" ({document['label']})" if document.get("label") else ""
    title = f"Brief of {document.get('at_et', 'an unknown time')}{label}"
    return [title, *(_terminal_line(line) for line in told[: MOST_LINES - 1])]


def _terminal_line(line: Mapping[str, Any]) -> str:
    sign = _SIGNS.get(str(line.get("tone")), "? ")
    section = str(line.get("section", "?")).ljust(_WIDEST)
    return f"{sign} {section} {line.get('text', '?')}  {line.get('api', '')}".rstrip()


_MARKS = {"bad": "**!!** ", "warn": "**!** ", "unknown": "**?** ", "calm": ""}
_TEMPLATE = """\
# Brief of {{ at }}{{ " (" ~ (label | md) ~ ")" if label else "" }}
{% for line in lines %}
- {{ marks[line.tone] }}**{{ line.section }}** {{ line.text | md }} `{{ line.api }}`
{% endfor %}
"""


def brief_markdown(brief: Brief) -> str:
    """Write the brief for people, one line each, each with the path of the API that shows it."""
    at = new_york_text(brief.at)
    lines = [document(line) for line in brief.lines]
    templates = {"brief": _TEMPLATE}
    return render(templates, "brief", at=at, label=brief.label, lines=lines, marks=_MARKS)
