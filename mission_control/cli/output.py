"""What a command prints for programs: one form of JSON for all of them."""

import click
import orjson

from mission_control.documents.canonical_json import add_label


def emit(document: object, label: str = "", *, err: bool = False) -> None:
    """Print a document as indented JSON, its label in it where the floor has one."""
    click.echo(orjson.dumps(add_label(document, label), option=orjson.OPT_INDENT_2), err=err)
