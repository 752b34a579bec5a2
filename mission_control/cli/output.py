"""What a command prints: JSON in one form, and text that is harmless for a terminal."""

import click
import orjson

from mission_control.documents.canonical_json import add_label

LONGEST = 400


def printable(text: str, at_most: int = LONGEST) -> str:
    """Return the text on one line, cut to length, with control characters escaped."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return shown if len(shown) <= at_most else shown[: at_most - 1] + "…"


def emit(document: object, label: str = "", *, err: bool = False) -> None:
    """Print a document as indented JSON, its label in it where the floor has one."""
    click.echo(orjson.dumps(add_label(document, label), option=orjson.OPT_INDENT_2), err=err)
