"""How every command ends when it cannot go on."""

import contextlib
import logging
import os
import sys
import traceback
from importlib import import_module
from typing import TYPE_CHECKING

import click

from mission_control.cli import exit_codes
from mission_control.cli.output import emit, printable
from mission_control.errors import ConfigurationError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

DEBUG_VARIABLE = "MISSION_CONTROL_DEBUG"

NO_FLEET_NAMED = "MISSION_CONTROL_FLEET_FILE"
"""What a problem is about where no fleet is named anywhere."""

MAX_SAID, MOST_SHOWN = 4_096, 500
"""Characters of a library's log record that are read, and that are written."""

JSON_ASKED = "mission_control.json"
"""Set in click's meta by a subcommand's own --json, so that its errors are JSON as well."""


class RedactedTalk(logging.Handler):
    """Writes warnings of libraries to stderr, redacted; Python itself would not redact them."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, redacted and capped; a record that cannot be written is named."""
        try:
            said = self.format(record)[:MAX_SAID]
        except Exception:  # noqa: BLE001  (whatever a library put into its record)
            said = f"a record of {record.name} could not be written"
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"{record.levelname}: {_redacted(said)[:MOST_SHOWN]}\n")


def talk_redacted() -> None:
    """Write what is logged in a command redacted, unless a server configures its own logging."""
    root = logging.getLogger()
    if not any(isinstance(handler, RedactedTalk) for handler in root.handlers):
        root.addHandler(RedactedTalk(logging.WARNING))


class FailingWell(click.Group):
    """A group that turns every way of ending into an exit code and one clear message."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; an exception becomes a message on stderr and an exit code."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except ConfigurationError as error:
            _tell_configuration(error, self._asks_without_fleet(ctx), as_json=_json_asked(ctx))
            ctx.exit(exit_codes.CONFIGURATION)
        except StorageError as error:
            _tell_storage(error, as_json=_json_asked(ctx))
            ctx.exit(exit_codes.INTERNAL)
        except KeyboardInterrupt:
            ctx.exit(exit_codes.INTERRUPTED)
        except BrokenPipeError:
            _let_stdout_go()
            ctx.exit(exit_codes.BROKEN_PIPE)
        except Exception as error:  # noqa: BLE001  (the last resort: it is shown, and ends)
            _tell_internal(error, as_json=_json_asked(ctx))
            ctx.exit(exit_codes.INTERNAL)
        return result

    def _asks_without_fleet(self, ctx: click.Context) -> str:
        """Return how the command that failed is used without a fleet; empty where it is not."""
        name = ctx.invoked_subcommand
        command = self.get_command(ctx, name) if name else None
        if command is None or all(param.name != "url" for param in command.params):
            return ""
        return (
            f"Without a fleet file, `mission-control {name} --url http://127.0.0.1:8080` asks a"
            "\nMission Control that runs, and `mission-control demo` serves a simulated floor."
        )


def _json_asked(ctx: click.Context) -> bool:
    return bool(ctx.params.get("as_json") or ctx.meta.get(JSON_ASKED))


def _tell_configuration(error: ConfigurationError, without_fleet: str, *, as_json: bool) -> None:
    if as_json:
        problems = [
            {"where": p.where, "key": p.key, "problem": p.problem, "remedy": p.remedy}
            for p in error.problems
        ]
        document = {"error": {"code": "configuration", "problems": problems}}
        emit(document, err=True)
        return
    lines = [printable(line) for line in str(error).splitlines()]
    if any(p.where == NO_FLEET_NAMED for p in error.problems):
        lines += filter(None, [without_fleet])
    click.echo("\n".join(["The configuration cannot be used:", *lines]), err=True)


def _tell_storage(error: StorageError, *, as_json: bool) -> None:
    """Report a record that failed as such: a full disk is no bug of ours."""
    if as_json:
        about = {"path": error.path, "problem": error.problem, "remedy": error.remedy}
        emit({"error": {"code": "storage", **about}}, err=True)
        return
    click.echo(f"The record failed: {printable(str(error))}", err=True)


def _tell_internal(error: Exception, *, as_json: bool) -> None:
    if os.environ.get(DEBUG_VARIABLE, "0") not in {"", "0"}:
        sys.stderr.write(_redact("".join(traceback.format_exception(error))))
    said = _redacted(f"{type(error).__name__}: {error}".rstrip(": "))
    if as_json:
        document = {"error": {"code": "internal", "problem": said}}
        emit(document, err=True)
        return
    hint = f"set {DEBUG_VARIABLE}=1 to see where"
    click.echo(f"Internal error: {said} ({hint})", err=True)


def _redacted(text: str) -> str:
    return printable(_redact(text))


def _redact(text: str) -> str:
    # Imported only now, so that help and errors in the command line stay quick.
    redact_text: Callable[[str], str] = import_module(
        "mission_control.redaction.redact"
    ).redact_text
    return redact_text(text)


def _let_stdout_go() -> None:
    # Python flushes stdout once more at exit, and would report the same broken pipe.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
