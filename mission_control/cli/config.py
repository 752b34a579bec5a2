"""Command line: `config check`, what is in force and where it came from."""

import click

from mission_control.alerts.load import load_alert_rules
from mission_control.cli.context import CliContext
from mission_control.cli.flags import json_flag, setting_flags, settings_with
from mission_control.cli.output import emit, printable
from mission_control.configuration.declared_settings import SETTINGS, Settings
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
    if as_json:
        emit(_as_dict(settings) | {"alert_rules": len(rules.rules), "waivers": len(rules.waivers)})
    else:
        alerts = f"alerts         {len(rules.rules)} rules, {len(rules.waivers)} waivers"
        click.echo("\n".join(printable(line) for line in (*_lines(settings), alerts)))


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


def _lines(settings: Settings) -> list[str]:
    shown = settings.shown()
    values = {s.name: shown[s.name] or "(none)" for s in SETTINGS}
    names = max(map(len, values))
    width = max(map(len, values.values()))
    rows = [
        f"{name:<{names}}  {value:<{width}}  {settings.sources.get(name, 'default')}"
        for name, value in values.items()
    ]
    switches = [f"{name}={text!r}" for name, text in settings.kill_switch_environment.items()]
    return [
        *rows,
        "",
        f"config digest  {settings.config_digest}",
        f"fleet digest   {settings.fleet.digest}  {len(settings.fleet.agents)} agents",
        f"cluster        {settings.fleet.cluster}",
        f"safety         {needs_text(settings.fleet.safety, settings.fleet.switch_file)}",
        f"closures       {len(settings.closures)}",
        f"kill switch    {', '.join(switches) or 'not in the environment'}",
    ]
