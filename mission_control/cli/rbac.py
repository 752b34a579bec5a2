"""Command line: `rbac`, what the account needs that reads a fleet's cluster."""

from collections.abc import Mapping, Sequence

import click
import yaml

from mission_control.cli.context import CliContext
from mission_control.cli.flags import json_flag, setting_flags, settings_with
from mission_control.cli.output import emit, printable
from mission_control.cluster.decide.least_rights import least_rights
from mission_control.cluster.model.facts import SubjectRef
from mission_control.cluster.present import rights_documents
from mission_control.configuration.declared_settings import SETTINGS_BY_NAME
from mission_control.configuration.yaml_part import KUBERNETES_NAME
from mission_control.errors import ConfigurationError

ACCOUNT = "mission-control"
FLEET = SETTINGS_BY_NAME["fleet_file"]
HEAD = """\
# What Mission Control may do in the cluster, for the fleet file {fleet}:
# list what it lists, get what it reads by name. There is no secret here, no wildcard, no exec,
# attach, port-forward or proxy, and no verb but get and list. It is made by
#
#   mission-control rbac --fleet {fleet}
#
# Where a group is not installed (KEDA, Argo, Knative, metrics), its rule grants nothing.
# What belongs to no namespace is granted by the ClusterRole: nodes and their use, cluster roles and
# who has them, priority classes, and by name the watched namespaces and kube-system, whose UID
# names the cluster in every record; nothing in it is read.
"""


@click.command()
@click.option("--fleet", "--fleet-file", "fleet_file", metavar=FLEET.metavar, help=FLEET.help)
@setting_flags("namespace")
@click.option(
    "--account",
    metavar="[NS/]NAME",
    default=ACCOUNT,
    help="The service account; without NS it is in the floor's namespace.",
)
@json_flag
@click.pass_context
def rbac(
    ctx: click.Context, *, fleet_file: str | None, account: str, as_json: bool, **flags: str | None
) -> None:
    """
    Print the account, roles and bindings that this fleet needs.

    They are the least with which everything that is ever read can be read: a Role in each watched
    namespace, and a ClusterRole for what belongs to none. No cluster is asked, and nothing is
    applied. Exits with 78 where the fleet file names no cluster.
    """
    context = ctx.ensure_object(CliContext)
    settings = settings_with(context, {**flags, "fleet_file": fleet_file})
    fleet = settings.fleet
    if fleet.access is None:
        problem = f"the fleet reads no cluster: access is {fleet.cluster}"
        remedy = "write `access: in-cluster` below `cluster`"
        raise ConfigurationError(problem, where=fleet.source, key="cluster", remedy=remedy)
    subject = read_account(account, settings.namespace)
    documents = rights_documents(least_rights(fleet.access, subject))
    if as_json:
        emit({"apiVersion": "v1", "kind": "List", "items": documents})
        return
    shown = printable(fleet_file or fleet.source.rsplit("/", 1)[-1], 200)
    click.echo(HEAD.format(fleet=shown) + yaml_text(documents), nl=False)


def read_account(text: str, namespace: str) -> SubjectRef:
    """Read a service account's name, with or without its namespace."""
    where, mark, name = text.rpartition("/")
    found = where if mark else namespace
    if not all(KUBERNETES_NAME.fullmatch(part) for part in (found, name)):
        shown = printable(text, 80)
        raise click.BadParameter(f"{shown!r} is no name such as trading-floor/mission-control")
    return SubjectRef("ServiceAccount", name, found)


def yaml_text(documents: Sequence[Mapping[str, object]]) -> str:
    """Write documents as YAML, each list of names on a line of its own."""
    parts = (
        yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=100)
        for document in documents
    )
    return "".join(f"---\n{part}" for part in parts)
