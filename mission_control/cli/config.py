"""Command line: `config check`, what is in force and where it came from."""

from pathlib import Path

import click

from mission_control.access.load import load_certificate, load_tokens
from mission_control.alerts.load import load_alert_rules
from mission_control.cli.context import CliContext
from mission_control.cli.flags import json_flag, setting_flags, settings_with
from mission_control.cli.output import columns, emit, table
from mission_control.configuration.declared_settings import SETTINGS, SHIPPED, Settings
from mission_control.floor.present.posture import needs_document, needs_text


@click.group()
def config() -> None:
    """Look at the configuration."""


@config.command()
@setting_flags(
    "fleet_file", "root", "host", "port", "ui_port", "namespace", "context", "kubeconfig"
)
@json_flag
@click.pass_context
def check(ctx: click.Context, *, as_json: bool, **flags: str | None) -> None:
    """
    Load everything, and say what is in force and where each part came from.

    No service is asked and nothing is started. Exits with 0 when everything loads; otherwise every
    problem is named by variable, or by file and line, and the exit code is 78.
    """
    context = ctx.ensure_object(CliContext)
    settings = settings_with(context, flags)
    rules = load_alert_rules(settings.alert_rules_file, settings.alert_waivers_file)
    if settings.tokens_file is not None:
        load_tokens(settings.tokens_file)
    if settings.tls_certificate is not None and settings.tls_key is not None:
        load_certificate(settings.tls_certificate, settings.tls_key)
    if as_json:
        emit(_as_dict(settings) | {"alert_rules": len(rules.rules), "waivers": len(rules.waivers)})
    else:
        alerts = ("alerts", f"{len(rules.rules)} rules, {len(rules.waivers)} waivers")
        width = columns()
        lines = [*table(_settings(settings), width), "", *table([*_facts(settings), alerts], width)]
        click.echo("\n".join(lines))


@config.command()
@json_flag
def shipped(*, as_json: bool) -> None:
    """
    Say where the files are that came with Mission Control: fleets, manifests, runbooks, scripts.

    A fleet to start from is deploy/fleets/agenttrader.yaml in that folder. What stands there
    belongs to the installation: copy what you want to change.
    """
    if as_json:
        emit({"folder": str(SHIPPED), "files": shipped_files(SHIPPED)})
    else:
        click.echo(SHIPPED)


def shipped_files(folder: Path) -> list[str]:
    """Return the names of all files below the folder, sorted; links to folders are followed."""
    inside = [(each, each.name) for each in folder.iterdir()]
    files = [name for each, name in inside if each.is_file()]
    for each, name in inside:
        if each.is_dir():
            files += [f"{name}/{below}" for below in shipped_files(each)]
    return sorted(files)


def _as_dict(settings: Settings) -> dict[str, object]:
    shown = settings.shown()
    return {
        "config_digest": settings.config_digest,
        "settings": {
            s.name: {"value": shown[s.name], "source": settings.sources.get(s.name, "default")}
            for s in SETTINGS
        },
        "fleet": {
            "source": settings.fleet.source,
            "digest": settings.fleet.digest,
            "agents": [agent.agent_name for agent in settings.fleet.agents],
            "cluster": settings.fleet.cluster,
            "safety": needs_document(settings.fleet),
        },
        "closures": len(settings.closures),
        "kill_switch_environment": dict(settings.kill_switch_environment),
        "config_file": str(settings.config_file) if settings.config_file else None,
        "notes": list(settings.notes),
    }


def _settings(settings: Settings) -> list[tuple[str, str, str]]:
    shown = settings.shown()
    return [
        (s.name, shown[s.name] or "(none)", settings.sources.get(s.name, "default"))
        for s in SETTINGS
    ]


def _facts(settings: Settings) -> list[tuple[str, str]]:
    fleet = settings.fleet
    switches = [f"{name}={text!r}" for name, text in settings.kill_switch_environment.items()]
    return [
        ("config digest", settings.config_digest),
        ("fleet digest", f"{fleet.digest}  {len(fleet.agents)} agents"),
        ("cluster", fleet.cluster),
        ("safety", needs_text(fleet.safety, settings.fleet.switch_file)),
        ("closures", str(len(settings.closures))),
        ("kill switch", ", ".join(switches) or "not in the environment"),
    ]
