"""What a command prints: JSON in one form, and text that is harmless for a terminal."""

import difflib
import os
import sys
import textwrap
from collections.abc import Iterable, Sequence

import click
import orjson

from mission_control.documents.canonical_json import add_label

LONGEST = 400


def printable(text: str, at_most: int = LONGEST) -> str:
    """Return the text on one line, cut to length, with control characters escaped."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return shown if len(shown) <= at_most else shown[: at_most - 1] + "…"


def columns() -> int | None:
    """Return how wide what is printed may be: as the terminal, as COLUMNS says, else no limit."""
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said):
        return int(said)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except (OSError, ValueError):
        return None


def table(rows: Iterable[Sequence[str]], width: int | None) -> list[str]:
    """
    Lay out rows of cells as lines, columns below each other.

    A row that does not fit into the width continues below, indented; long words are broken.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    if width is not None and sum(widths) + 2 * (len(widths) - 1) > width:
        indent = " " * 4
        return [
            line
            for name, *rest in cells
            for line in textwrap.wrap(
                f"{name}: {'  '.join(filter(None, rest))}",
                max(width, 20),
                subsequent_indent=indent,
                break_on_hyphens=False,
            )
        ]
    return [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells
    ]


def fitting(lines: Iterable[str], width: int | None) -> list[str]:
    """Return lines that are harmless for a terminal; what is too long goes on below, indented."""
    shown = map(printable, lines)
    if width is None:
        return list(shown)
    wrapped = (
        textwrap.wrap(line, width, subsequent_indent=" " * 4, break_on_hyphens=False) or [""]
        for line in shown
    )
    return [part for parts in wrapped for part in parts]


def did_you_mean(value: str, known: Iterable[str]) -> str:
    """Return which name may have been meant, as the end of a sentence."""
    close = difflib.get_close_matches(value, known, n=1)
    return f"did you mean {close[0]!r}?" if close else "--list names them all"


def described(rows: Iterable[tuple[str, str]], width: int | None) -> list[str]:
    """Lay out names with what each is; a long text continues below itself."""
    named = [(printable(name), printable(text)) for name, text in rows]
    begins = max(len(name) for name, _ in named) + 2
    lines = list[str]()
    for name, text in named:
        line = name.ljust(begins) + text
        indent = " " * begins
        lines += [line] if width is None else textwrap.wrap(line, width, subsequent_indent=indent)
    return lines


def emit(document: object, label: str = "", *, err: bool = False) -> None:
    """Print a document as indented JSON, its label in it where the floor has one."""
    click.echo(orjson.dumps(add_label(document, label), option=orjson.OPT_INDENT_2), err=err)
