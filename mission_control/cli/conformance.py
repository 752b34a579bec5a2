"""Command line: `conformance`, one service judged against the status contract."""

from urllib.parse import urlsplit

import click

from mission_control.bootstrap.once import probe_once
from mission_control.cli.context import CliContext
from mission_control.cli.exit_codes import VERIFICATION_FAILED
from mission_control.cli.flags import json_flag
from mission_control.cli.output import emit
from mission_control.configuration.addresses import UnusableAddress, read_base_url
from mission_control.conformance.decide.conformance import judge_conformance
from mission_control.conformance.present import conformance_as_dict, conformance_lines
from mission_control.model.fleet import Agent, Kind
from mission_control.processes import own_process as process

ASKED = ("/ops/status", "/healthz", "/health")
"""The endpoints that the contract, or the freshness of marketdata, can be read from."""

LONGEST_DEADLINE_SECONDS = 30.0


def _read_address(_: click.Context, __: click.Parameter, value: str) -> str:
    try:
        return read_base_url(value)
    except UnusableAddress as error:
        remedy = f" ({error.remedy})" if error.remedy else ""
        raise click.BadParameter(f"{error.problem}{remedy}") from error


@click.command()
@click.argument("url", callback=_read_address)
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in Kind]),
    help="The kind of service that is expected there.",
)
@click.option(
    "--deadline",
    metavar="SECONDS",
    type=click.FloatRange(0, LONGEST_DEADLINE_SECONDS, min_open=True),
    default=3.0,
    show_default=True,
    help="Total time for all endpoints.",
)
@json_flag
@click.pass_obj
def conformance(
    context: CliContext, url: str, kind: str | None, deadline: float, *, as_json: bool
) -> None:
    """
    Judge the service at URL against the status contract, and explain each deviation.

    URL is scheme://host[:port][/prefix]; its /ops/status, /healthz and /health are read once,
    with GET and nothing else. Each deviation is shown with its field, the rule it breaks, what
    was found and what to do. Violations break the contract; advice does not.

    Exits with 0 when the service conforms and with 4 when it deviates.
    """
    expected = None if kind is None else Kind(kind)
    agent = Agent(
        agent_name=urlsplit(url).netloc,
        kind=expected or Kind.OPS,
        service_dns=url,
        expected_endpoints=ASKED,
        deadline_seconds=deadline,
    )
    round_ = process.run(probe_once(agent, context.clock))
    report = judge_conformance(round_.readings, round_.finished, expected)
    if as_json:
        emit(conformance_as_dict(report, url))
    else:
        click.echo("\n".join(conformance_lines(report, url)))
    if not report.conforms:
        raise click.exceptions.Exit(VERIFICATION_FAILED)
