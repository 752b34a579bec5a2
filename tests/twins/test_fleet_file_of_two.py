"""The fleet file of two: what is a twin, and what is refused as one."""

from pathlib import Path
from typing import Any

import pytest

from mission_control.configuration.settings import load_settings
from mission_control.errors import ConfigurationError
from mission_control.floor.decide.twin import floor_digest
from mission_control.model.fleet import Criticality

SERVICE = """\
agents:
  - agent_name: marketdata
    service_dns: http://marketdata
    kind: marketdata
"""
A, B, C = (
    f"""\
  - agent_name: mc-{name}
    service_dns: http://mc-{name}:8080
    kind: ops
    twin: true
"""
    for name in "abc"
)


def settings_of(folder: Path, text: str, replica: str = "mc-a") -> Any:
    """Load settings whose fleet file says this, as the replica of this name."""
    path = folder / "fleet.yaml"
    path.write_text(text)
    flags = {"fleet_file": path, "root": folder}
    return load_settings({"MISSION_CONTROL_REPLICA": replica}, flags=flags)


def problems_of(folder: Path, text: str, replica: str = "mc-a") -> list[tuple[str, str]]:
    """Return each problem of a fleet file, and what to do about it."""
    with pytest.raises(ConfigurationError) as refused:
        settings_of(folder, text, replica)
    return [(p.problem, p.remedy) for p in refused.value.problems]


@pytest.mark.parametrize(("replica", "twin"), [("mc-a", "mc-b"), ("mc-b", "mc-a")])
def test_one_file_serves_both(tmp_path, replica, twin):
    """Each watches the other, and not itself; both watch the same floor (R14.1)."""
    fleet = settings_of(tmp_path, SERVICE + A + B, replica).fleet
    other = settings_of(tmp_path, SERVICE + B + A, twin).fleet

    assert ["marketdata", twin] == [a.agent_name for a in fleet.agents]
    assert twin == fleet.twin.agent_name
    assert floor_digest(fleet) == floor_digest(other)


def test_a_file_of_its_own_names_the_other(tmp_path):
    """Optional, and asked as often as what is critical (R14.1)."""
    twin = settings_of(tmp_path, SERVICE + B).fleet.twin

    assert (Criticality.OPTIONAL, 10.0, 2.0) == (
        twin.criticality,
        twin.interval_seconds,
        twin.gating_interval_seconds,
    )


def test_a_fleet_without_a_twin_is_as_ever(tmp_path):
    """Nothing is left out of a file that names none (R14.1)."""
    assert None is settings_of(tmp_path, SERVICE).fleet.twin


@pytest.mark.parametrize(
    ("text", "problem", "remedy"),
    [
        pytest.param(
            B.replace("ops", "ingest"),
            "a twin is another Mission Control",
            "write kind: ops, and contract: rich",
            id="another kind",
        ),
        pytest.param(
            B + "    contract: liveness\n",
            "a twin is another Mission Control",
            "write kind: ops, and contract: rich",
            id="another contract",
        ),
        pytest.param(
            B + "    criticality: critical\n",
            "a twin is never required evidence",
            "write optional, or take it out",
            id="required",
        ),
        pytest.param(
            B + "    depends_on: [marketdata]\n",
            "a twin waits for nothing",
            "take it out",
            id="waits",
        ),
        pytest.param(
            B.replace("true", "false"),
            "says nothing but true",
            "write true, or take it out",
            id="false",
        ),
        pytest.param(
            B.replace("true", '"true"'),
            "says nothing but true",
            "write true, or take it out",
            id="text",
        ),
        pytest.param(
            B + "  - {agent_name: x, service_dns: http://x, kind: ingest, depends_on: [mc-b]}\n",
            "depends on the twin 'mc-b'",
            "take it out",
            id="waited for",
        ),
        pytest.param(
            A + B + C,
            "is the third twin: a floor is watched by 2 at most",
            "take one of them out",
            id="three",
        ),
        pytest.param(
            A,
            "the twins are mc-a, and we are the replica mc-a: that leaves 0",
            "name the other one, as it names itself by MISSION_CONTROL_REPLICA",
            id="only ourselves",
        ),
        pytest.param(
            B + C,
            "the twins are mc-b and mc-c, and we are the replica mc-a: that leaves 2",
            "name the other one, as it names itself by MISSION_CONTROL_REPLICA",
            id="two others",
        ),
    ],
)
def test_what_is_no_twin_is_refused(tmp_path, text, problem, remedy):
    """Each with what to do about it (R14.1)."""
    assert [(problem, remedy)] == problems_of(tmp_path, SERVICE + text)
