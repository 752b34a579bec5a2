"""The `mission-control` command; each subcommand is imported when it is called."""

import os
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from mission_control.cli.context import CliContext
from mission_control.cli.exit_codes import EPILOG
from mission_control.cli.failures import FailingWell, talk_redacted

if TYPE_CHECKING:
    from collections.abc import Callable

COMMANDS = {
    "serve": ("mission_control.cli.serve", "Serve the API, and watch the floor."),
    "demo": ("mission_control.cli.demo", "Serve a simulated trading floor, and watch it."),
    "rehearse": (
        "mission_control.cli.rehearse",
        "Play DAY on a simulated floor, and say what Mission Control says on it, and when.",
    ),
    "status": ("mission_control.cli.status", "Say whether the floor may run, and why not."),
    "what-if": (
        "mission_control.cli.what_if",
        "Decide the floor with something changed, and show which reasons come and go.",
    ),
    "brief": (
        "mission_control.cli.brief",
        "Say on one page what who comes on duty has to know, each line with its evidence.",
    ),
    "get": ("mission_control.cli.get", "Answer a path as the API would."),
    "readiness": (
        "mission_control.cli.readiness",
        "Judge whether this session may run: GO or NO-GO, with every check.",
    ),
    "deploy-report": (
        "mission_control.cli.deploy_report",
        "Report what is deployed, how it fares, and what changed since the session before.",
    ),
    "attest": (
        "mission_control.cli.attest",
        "Attest whether anything of execution was seen in a session, and for how much of it.",
    ),
    "config-snapshot": (
        "mission_control.cli.config_snapshot",
        "Record the configuration in force: cluster, repository files, inventory and settings.",
    ),
    "blueprint": (
        "mission_control.cli.blueprint",
        "Draw the fleet as it is seen: components, dependencies, safety controls, and every gap.",
    ),
    "pre-market": (
        "mission_control.cli.bundles",
        "Record everything of the hour before the open: reports, heartbeats, cluster, logs.",
    ),
    "post-market": (
        "mission_control.cli.bundles",
        "Record everything of the hour after the close: reports, heartbeats, cluster, logs.",
    ),
    "lkg": ("mission_control.cli.lkg", "Capture, compare and verify the last known good."),
    "reports": ("mission_control.cli.reports", "Compare recorded reports."),
    "schedule": (
        "mission_control.cli.schedule",
        "List the market's next sessions and the holidays between.",
    ),
    "conformance": (
        "mission_control.cli.conformance",
        "Judge the service at URL against the status contract, and explain each deviation.",
    ),
    "alerts": (
        "mission_control.cli.alerts",
        "Explain alerts, try rules on the recorded past, and test the channels.",
    ),
    "replay": (
        "mission_control.cli.replay",
        "Replay what happened from logs, and say first whether anything was executed.",
    ),
    "artifacts": (
        "mission_control.cli.artifacts",
        "Look at what was recorded, and verify that it is unaltered.",
    ),
    "evidence": (
        "mission_control.cli.evidence",
        "Export what happened in a stretch of time, and verify such a bundle.",
    ),
    "token": ("mission_control.cli.token", "Make tokens for clients of the API."),
    "config": ("mission_control.cli.config", "Look at the configuration."),
    "rbac": (
        "mission_control.cli.rbac",
        "Print the account, roles and bindings that this fleet needs.",
    ),
    "doctor": ("mission_control.cli.doctor", "Say what works from here, and what does not."),
}
"""Where each command lives, and the first line of its help, so that help imports nothing."""


class LazyGroup(FailingWell):
    """A group whose commands are imported only when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        """Name the commands in the order in which a newcomer needs them."""
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is meant; one that does not exist is told with what is close."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from None

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command's module, which holds it under its own name, `-` as `_`."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(COMMANDS[cmd_name][0])
        return cast("click.Command", getattr(module, cmd_name.replace("-", "_")))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the commands' first lines without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


def _real_clock() -> datetime:
    bootstrap = import_module("mission_control.bootstrap.clock")
    return cast("Callable[[], datetime]", bootstrap.real_clock)()


def _say_version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:  # noqa: FBT001  (click's signature)
    if asked and not ctx.resilient_parsing:
        version = import_module("importlib.metadata").version
        click.echo(f"mission-control {version('mission-control')}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The YAML file of settings; MISSION_CONTROL_CONFIG names it otherwise.",
)
@click.option("--json", "as_json", is_flag=True, help="Write data and errors as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="No messages on stderr but errors.")
@click.option("--no-color", is_flag=True, help="No colour; NO_COLOR does the same.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_say_version,
    help="Say which version this is, and stop.",
)
@click.pass_context
def cli(
    ctx: click.Context, config_file: Path | None, *, as_json: bool, quiet: bool, no_color: bool
) -> None:
    """
    Watch a trading floor: read-only, and closed when in doubt.

    Data goes to stdout, messages to stderr. Nothing that these commands do changes the fleet.
    """
    talk_redacted()
    ctx.obj = CliContext(
        clock=_real_clock,
        json=as_json,
        quiet=quiet,
        no_color=no_color,
        environ=os.environ,
        config_file=config_file,
    )
