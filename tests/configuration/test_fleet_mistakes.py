"""The shipped fleet file, with one mistake at a time: each is refused at its own line."""

import re
from pathlib import Path

import pytest

from mission_control.configuration.fleet_file import load_fleet
from mission_control.errors import ConfigurationError

SHIPPED = Path(__file__).parents[2] / "deploy/fleets/agenttrader.yaml"
LINES = SHIPPED.read_text().splitlines()
KEY = re.compile(r"(?:^\s*(?:- )?|[{,] *)([a-z_]+):")
KEYS = {
    (found[1], "{" in line): (number, found.start(1))
    for number, line in enumerate(LINES)
    if not line.lstrip().startswith("#")
    for found in KEY.finditer(line)
}
"""Each key, in a block and in braces: the number of its line from 0, and its column."""


def refusals(path, number, line):
    """Write the file with another line, and return the problems on that line."""
    path.write_text("\n".join([*LINES[:number], line, *LINES[number + 1 :], ""]))
    with pytest.raises(ConfigurationError) as raised:
        load_fleet(path, default_interval=10, default_deadline=3)
    return [p for p in raised.value.problems if p.where == f"{path}:{number + 1}"]


def test_every_misspelt_key_is_named_at_its_line(tmp_path):
    """A key with a letter too many is unknown at its line, and the right one is proposed."""
    assert 30 < len(KEYS)
    for (name, _), (number, column) in KEYS.items():
        line = LINES[number]
        wrong = f"{line[:column]}{name}x{line[column + len(name) :]}"
        found = refusals(tmp_path / "fleet.yaml", number, wrong)

        expected = (f"unknown key '{name}x'", f"did you mean '{name}'?")
        assert expected in [(p.problem, p.remedy) for p in found]


def test_every_repeated_key_is_named_at_its_line(tmp_path):
    """A key in braces that is given twice is refused, and the first line is named."""
    for (name, braces), (number, column) in KEYS.items():
        if braces and LINES[number][:column].count("{"):
            wrong = f"{LINES[number][:column]}{name}: 1, {LINES[number][column:]}"
            found = refusals(tmp_path / "fleet.yaml", number, wrong)

            assert f"given twice, first on line {number + 1}" in [p.problem for p in found]


def test_every_value_of_another_kind_is_named_at_its_line(tmp_path):
    """A list in a list is no value of any key: the key and what it must be are named."""
    for (name, braces), (number, column) in KEYS.items():
        line = LINES[number]
        if not braces and line[column:].partition(":")[2].strip():
            wrong = f"{line[: column + len(name)]}: [[]]"
            found = refusals(tmp_path / "fleet.yaml", number, wrong)

            assert any(name in p.key and "must be" in p.problem for p in found)
