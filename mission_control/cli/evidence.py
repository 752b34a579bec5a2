"""Command line: `evidence`, what happened in a stretch of time, for those who were not there."""

import hashlib
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import click

from mission_control.bootstrap.evidence import evidence_sources
from mission_control.cli.context import CliContext
from mission_control.cli.evidence_redecide import redecide_bundle
from mission_control.cli.exit_codes import INTERNAL, VERIFICATION_FAILED
from mission_control.cli.flags import json_flag, read_at, setting_flags, settings_with
from mission_control.cli.output import emit, printable
from mission_control.configuration.settings import Settings
from mission_control.errors import StorageError
from mission_control.evidence.check import Beside, CheckedBundle, check_bundle, read_small
from mission_control.evidence.model import LONGEST, MOST_INCIDENT, Exported, Wanted
from mission_control.evidence.present import part_document
from mission_control.evidence.run import export
from mission_control.evidence.seal import (
    REQUEST,
    SIGNATURE,
    KeyFileError,
    read_private_key,
    sign,
)
from mission_control.evidence.seal import timestamp_request as request_of
from mission_control.processes import own_process as process
from mission_control.records.folder import storing

_STDOUT = Path("-")
file_flag = click.Path(path_type=Path, dir_okay=False)


@click.group()
def evidence() -> None:
    """
    Export what happened in a stretch of time, and verify such a bundle.

    A bundle is one ZIP that can be checked without Mission Control: docs/evidence.md.
    """


evidence.add_command(redecide_bundle)


@evidence.command("export")
@click.option(
    "--from", "since", required=True, callback=read_at, metavar="ISO", help="From this instant on."
)
@click.option(
    "--to", "until", callback=read_at, metavar="ISO", help="Before this instant; else until now."
)
@click.option("--incident", default="", metavar="TEXT", help="What it is called.")
@click.option(
    "--replay",
    "replays",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    metavar="FILE",
    help="Replay this log, or folder of logs, too; may be given again.",
)
@click.option("-o", "--output", type=file_flag, metavar="FILE", help="Where to; `-` is stdout.")
@click.option(
    "--sign-key", type=file_flag, metavar="FILE", help="Sign with this Ed25519 key (PEM)."
)
@click.option("--timestamp-request", is_flag=True, help="Write an RFC 3161 request beside it.")
@setting_flags("root", "fleet_file", "namespace")
@json_flag
@click.pass_context
def export_(  # noqa: PLR0913  (its flags)
    ctx: click.Context,
    *,
    since: datetime,
    until: datetime | None,
    incident: str,
    replays: tuple[Path, ...],
    output: Path | None,
    sign_key: Path | None,
    timestamp_request: bool,
    as_json: bool,
    **flags: str | None,
) -> None:
    """
    Write everything that is known of a stretch of time into one ZIP.

    Artifacts, every judged change with its inputs, alerts, reports, the schedule, and what is not
    known. What is missing is said first. Exits with 1 where a source could not be read: the bundle
    is written all the same, and names it. Times without a zone are New York's.
    """
    context = ctx.ensure_object(CliContext)
    settings = settings_with(context, flags)
    wanted = _wanted(context, since, until, incident)
    key = _read_key(sign_key)
    to = output or Path(f"{wanted.name}.zip")
    if to == _STDOUT and (key is not None or timestamp_request or as_json):
        raise click.UsageError("what lies beside a bundle, and --json, need a file: use -o FILE")
    made = _export(context, settings, wanted, to, replays)
    beside = dict[str, bytes]()
    if key is not None:
        beside[SIGNATURE] = sign(made.sha256, key)
    if timestamp_request:
        beside[REQUEST] = request_of(made.sha256)
    for suffix, content in beside.items():
        with _written(to.with_name(to.name + suffix)) as stream:
            stream.write(content)
    _tell(context, to, made, sorted(beside), as_json=as_json)
    if made.exported.unread:
        ctx.exit(INTERNAL)


@dataclass(frozen=True, slots=True)
class _Made:
    """A bundle that was written: its digest and size, and what it covers."""

    sha256: str
    size: int
    exported: Exported


def _wanted(context: CliContext, since: datetime, until: datetime | None, incident: str) -> Wanted:
    now = context.clock()
    until = min(until or now, now)
    if len(incident) > MOST_INCIDENT:
        raise click.UsageError(f"--incident may have {MOST_INCIDENT} characters")
    if not 0 < (until - since).total_seconds() <= LONGEST.total_seconds():
        detail = f"before --to and now, and at most {LONGEST.days} days before"
        raise click.UsageError(f"--from must lie {detail}")
    return Wanted(since, until, incident)


def _read_key(path: Path | None) -> Any:  # noqa: ANN401  (an Ed25519 key, or none)
    if path is None:
        return None
    try:
        return read_private_key(read_small(path))
    except (KeyFileError, StorageError) as error:
        raise click.UsageError(f"--sign-key {path}: {printable(str(error))}") from error


def _export(
    context: CliContext, settings: Settings, wanted: Wanted, to: Path, replays: tuple[Path, ...]
) -> _Made:
    ended, digest, size = list[Exported](), hashlib.sha256(), 0

    async def write(stream: BinaryIO) -> None:
        nonlocal size
        with evidence_sources(settings, context.clock, replays) as sources:
            async for piece in export(sources, wanted, ended.append):
                stream.write(piece)
                digest.update(piece)
                size += len(piece)

    with context.busy("Gathering the evidence"), _written(to) as stream:
        process.run(write(stream))
    return _Made(digest.hexdigest(), size, ended[0])


@contextmanager
def _written(to: Path) -> Generator[BinaryIO]:
    """Write a file that does not exist yet: whole under its name, or not at all."""
    if to == _STDOUT:
        yield sys.stdout.buffer
        return
    part = to.with_name(f".{to.name}.part-{os.getpid()}")
    if to.exists():
        raise StorageError("it is there already, and stays", path=str(to), remedy="name another")
    with storing(str(to)):
        try:
            with part.open("xb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            os.link(part, to)
        finally:
            with suppress(FileNotFoundError):
                part.unlink()


def _tell(context: CliContext, to: Path, made: _Made, beside: list[str], *, as_json: bool) -> None:
    exported = made.exported
    if as_json:
        told = {
            "path": str(to),
            "sha256": made.sha256,
            "size": made.size,
            "whole": exported.whole,
            "first": exported.first,
            "sources": [part_document(part) for part in exported.coverage],
            "beside": [f"{to}{suffix}" for suffix in beside],
        }
        emit(told)
        return
    context.say(printable(exported.first))
    for part in exported.coverage:
        for gap in part.gaps[:5]:
            context.say(printable(f"  {part.source}: {gap.what}: {gap.reason}"))
        if len(part.gaps) > 5:  # noqa: PLR2004  (so many are shown)
            context.say(f"  {part.source}: {len(part.gaps) - 5} more gaps")
    if to != _STDOUT:
        click.echo(f"{made.sha256}  {to}")
        for suffix in beside:
            context.say(f"Beside it: {to}{suffix}")


@evidence.command()
@click.argument("bundle", type=file_flag)
@click.option("--key", type=file_flag, metavar="PUB", help="The Ed25519 public key (PEM).")
@click.option("--signature", type=file_flag, metavar="FILE", help="Else BUNDLE.sig.")
@click.option(
    "--token", type=file_flag, metavar="FILE", help="The RFC 3161 answer; else BUNDLE.tsr."
)
@click.option(
    "--token-ca", type=file_flag, metavar="FILE", help="Certificates it is trusted by (PEM)."
)
@json_flag
@click.pass_context
def verify(
    ctx: click.Context,
    *,
    bundle: Path,
    key: Path | None,
    signature: Path | None,
    token: Path | None,
    token_ca: Path | None,
    as_json: bool,
) -> None:
    """
    Check every byte of a bundle, the verifier in it, and what lies beside it.

    Names each thing that is not as it was exported, and then exits with 4. A signature or a time
    stamp is NOT CHECKED without --key or --token-ca, and then vouches for nothing.
    """
    context = ctx.ensure_object(CliContext)
    try:
        with context.busy("Reading the bundle"):
            checked = check_bundle(bundle, Beside(key, signature, token, token_ca))
    except KeyFileError as error:
        raise click.UsageError(f"--key or --token-ca: {error}") from error
    except StorageError as error:
        click.echo(f"It cannot be read: {printable(str(error))}", err=True)
        ctx.exit(INTERNAL)
    if as_json:
        emit(_document(checked))
    else:
        for line in _lines(checked):
            click.echo(printable(line))
    if checked.found:
        ctx.exit(VERIFICATION_FAILED)


def _document(checked: CheckedBundle) -> dict[str, Any]:
    return {
        "intact": not checked.found,
        "sha256": checked.sha256,
        "files": checked.report.files,
        "ledger_head": checked.report.about.get("ledger_head"),
        "signature": checked.signature,
        "token": checked.token,
        "discrepancies": [d._asdict() for d in checked.found],
    }


def _lines(checked: CheckedBundle) -> list[str]:
    lines = [f"{d.kind:<10} {d.path}: {d.detail}" for d in checked.found]
    lines += [f"signature: {checked.signature}", f"time stamp: {checked.token}"]
    wrong = len(checked.found)
    verdict = f"NOT intact: {wrong} discrepancies" if wrong else "intact"
    return [*lines, f"{checked.report.files} files, SHA-256 {checked.sha256}: {verdict}"]
