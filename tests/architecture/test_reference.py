"""Architecture: the reference in `docs/` names every setting, command and path there is."""

import re
from pathlib import Path

import click
import pytest

from mission_control.cli.main import cli
from mission_control.configuration.declared_settings import SETTINGS
from tests.api.paper_floor import PaperControl

ROOT = Path(__file__).parents[2]
ROOTS = (ROOT, ROOT / "mission_control")


def read(name: str) -> str:
    """Read a page of the reference."""
    return (ROOT / "docs" / name).read_text()


def commands() -> list[str]:
    """Return every command as it is typed, those of groups with their group."""
    found = list[str]()
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        inner = command.list_commands(context) if isinstance(command, click.Group) else [""]
        found += [f"{name} {each}".strip() for each in inner]
    return found


@pytest.mark.parametrize("command", commands())
def test_every_command_is_explained(command):
    """A command that the reference does not name is not found."""
    assert f"`{command}" in read("commands.md")


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.name)
def test_every_setting_is_explained(setting):
    """Each variable of a setting, the predecessor's too, stands in its page."""
    page = read("settings.md")

    assert [] == [v for v in (setting.variable, *setting.predecessors) if f"`{v}`" not in page]


@pytest.mark.anyio
async def test_every_path_is_explained():
    """Each path that the API describes stands in its page."""
    described = (await PaperControl().ask("/schema.json")).json()["paths"]
    page = read("api.md").replace("{name}", "{agent_name}")

    assert [] == [path for path in described if f"`{path}" not in page]


def test_the_readme_is_read_in_one_sitting():
    """The README says what it is, how to start, and where to read on; the rest is reference."""
    assert (ROOT / "README.md").read_text().count("\n") < 200


def test_the_picture_names_what_is_there():
    """Each file that CONTRIBUTING names is where it says."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.(?:py|md|json))", text))

    assert named
    assert [] == [n for n in sorted(named) if not any((r / n).exists() for r in ROOTS)]
