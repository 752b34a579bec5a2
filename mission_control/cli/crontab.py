"""Command line: what `schedule --crontab` writes: the same floor that a server here would watch."""

import os
import shlex
import sys
from collections.abc import Mapping
from datetime import datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
import tzlocal

from mission_control.cli.context import CliContext
from mission_control.configuration.setting_names import CONFIG_VARIABLE, SETTINGS, Setting
from mission_control.configuration.settings import Settings
from mission_control.present.crontab import PROGRAM, ZONE, crontab_text

MACHINE = "machine"
"""What `--local` means without a zone's name."""
_ALWAYS = frozenset({"root", "fleet_file"})
"""Said even where they are defaults, because a relative one starts somewhere else under cron."""
_OF_THE_CLUSTER = ("KUBECONFIG", "PATH", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""What finding the API server and its credentials may lean on; cron has a PATH of its own."""


def write_crontab(context: CliContext, settings: Settings, zone: str | None, now: datetime) -> str:
    """
    Write the crontab of these settings; `zone` None means New York's time by CRON_TZ.

    What does not fit into a crontab, or is not read by every cron, is told.
    """
    variables, withheld = carried(settings, context.environ)
    for name in withheld:
        context.say(
            f"Note: {name} holds a secret and is left out; without it cron's runs judge by"
            f" another history. Say it in a file that only its user may read: {CONFIG_VARIABLE}."
        )
    local = None
    if zone is None:
        context.say(
            "Note: Debian's and Ubuntu's cron ignores CRON_TZ; use --local there, or every run"
            " comes at another hour."
        )
    else:
        name, found = _zone(zone)
        local = (name, found, now.date())
    return crontab_text(settings.namespace, find_script, variables, withheld=withheld, local=local)


def carried(
    settings: Settings, environ: Mapping[str, str]
) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """
    Give the variables of ours that say what is in force, and the names of those that are secret.

    What stands in the configuration file is left to it: the file itself is named.
    """
    shown, variables, withheld = settings.shown(), dict[str, str](), list[str]()
    if settings.config_file is not None:
        variables[CONFIG_VARIABLE] = str(settings.config_file.absolute())
    for setting in SETTINGS:
        if not _is_said(setting, settings):
            continue
        value = shown[setting.name]
        if setting.name == "database_url" and value != settings.database_url:
            withheld.append(setting.variable)
        elif value and "\n" not in value:
            variables[setting.variable] = value
    if settings.fleet.access is not None:
        variables |= {name: environ[name] for name in _OF_THE_CLUSTER if environ.get(name)}
    return variables, tuple(withheld)


def _is_said(setting: Setting, settings: Settings) -> bool:
    source = settings.sources.get(setting.name, "default")
    in_file = source.startswith("file ")
    return not in_file and (setting.name in _ALWAYS or source != "default")


def _zone(name: str) -> tuple[str, tzinfo]:
    """Give a zone by its name, or the machine's own."""
    try:
        zone = tzlocal.get_localzone() if name == MACHINE else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        named = "the machine's own zone" if name == MACHINE else repr(name[:80])
        raise click.UsageError(
            f"{named} is no time zone that is known here; name one, such as --local={ZONE}"
        ) from error
    return getattr(zone, "key", name), zone


def find_script(name: str) -> str:
    """Give where a script is; its bare name where we were installed without our scripts."""
    project = Path(__file__).resolve().parents[2]
    path = Path(sys.executable).parent / name if name == PROGRAM else project / "scripts" / name
    return shlex.quote(os.fspath(path)) if path.is_file() else name
