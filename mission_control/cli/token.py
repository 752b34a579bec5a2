"""Command line: `token new`, a token for a client of the API, and its entry in the tokens file."""

import re
import secrets
from collections.abc import Sequence
from typing import Any

import click
import yaml

from mission_control.access.decide import TOKEN_MARK, digest_of
from mission_control.access.load import EXPIRES, instant_of
from mission_control.access.model import Scope
from mission_control.cli.context import CliContext
from mission_control.cli.flags import json_flag
from mission_control.cli.output import emit

RANDOM_BYTES = 32
_SCOPES = click.Choice([str(scope) for scope in Scope])


def _read_name(_: click.Context, __: click.Parameter, name: str) -> str:
    if not name.isprintable() or name != name.strip() or not 1 <= len(name) <= 64:  # noqa: PLR2004
        raise click.BadParameter("1 to 64 printable characters")
    return name


def _read_expires(ctx: click.Context, _: click.Parameter, told: str | None) -> str | None:
    if told is None:
        return None
    try:
        ends = instant_of(told) if re.fullmatch(EXPIRES, told, re.ASCII) else None
    except ValueError:
        ends = None
    if ends is None:
        raise click.BadParameter("write it as 2027-06-01, in UTC")
    if ends <= ctx.ensure_object(CliContext).clock():
        raise click.BadParameter("that is over already")
    return told


@click.group()
def token() -> None:
    """Make tokens for clients of the API."""


@token.command()
@click.option("--name", required=True, callback=_read_name, help="Who it is for; logs name it.")
@click.option("--scope", "scopes", required=True, multiple=True, type=_SCOPES,
              help="What it may; can be repeated.")  # fmt: skip
@click.option("--expires", metavar="DATE", callback=_read_expires,
              help="From the beginning of this day on (UTC) it is not accepted.")  # fmt: skip
@json_flag
@click.pass_context
def new(
    ctx: click.Context, *, name: str, scopes: Sequence[str], expires: str | None, as_json: bool
) -> None:
    """
    Make a token, show it once, and print its entry for the tokens file.

    The token goes to the client, and its entry, which holds only its hash, below `tokens:` in the
    file that MISSION_CONTROL_TOKENS_FILE names. Nothing is written, and the token is kept nowhere.
    """
    made = TOKEN_MARK + secrets.token_urlsafe(RANDOM_BYTES)
    entry: dict[str, Any] = {
        "name": name,
        "hash": f"sha256:{digest_of(made)}",
        "scopes": list(dict.fromkeys(scopes)),
    }
    if expires is not None:
        entry["expires"] = expires
    context = ctx.ensure_object(CliContext)
    if as_json:
        emit({"token": made, "entry": entry})
        return
    click.echo(made)
    context.say("That is the token; it is shown only now. Its entry in the tokens file:")
    click.echo(yaml.safe_dump([entry], sort_keys=False, allow_unicode=True), nl=False)
