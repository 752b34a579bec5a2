"""Projection of commands: what decides is kept, secrets are not, and nothing is cut unnoticed."""

from typing import Any

import msgspec
import pytest

from mission_control.cluster.model.objects import WATCHED_ENV
from mission_control.cluster.read.projection import (
    MAX_COMMAND,
    MAX_STARTED,
    OddError,
    project_containers,
)
from mission_control.cluster.read.shapes import PodSpec
from tests.redaction.corpus import HUSH

SECRET = "ghp_" + "a1B2" * 9


def project(watched=WATCHED_ENV, **container: Any):
    """Project a pod of one container."""
    spec = msgspec.convert({"containers": [{"name": "main", **container}]}, PodSpec)
    return project_containers(spec, watched)[0]


def test_what_decides_is_kept_and_a_secret_beside_it_is_not():
    """A mode behind a secret counts, and of the secret nothing stays."""
    asked = f"curl -H 'Authorization: Bearer {SECRET}' x"
    script = f"export API_KEY={SECRET}; {asked}; AGENT_MODE=LIVE ./run"
    kept = project(command=["sh", "-c", script], args=["--password", SECRET])

    assert (("AGENT_MODE", "LIVE"),) == kept.flags
    assert "./run" in kept.runs
    assert SECRET not in repr(kept)


@pytest.mark.parametrize(
    "told",
    [
        pytest.param({"args": ["--password", HUSH]}, id="to an image's own entry point"),
        pytest.param({"args": ["--quiet", "--api-key", HUSH, "--x"]}, id="after other flags"),
        pytest.param({"command": ["sh", "-c", f"> AUTH {HUSH}"]}, id="as a script"),
        pytest.param(
            {"command": ["sh", "-c", f'[{{"value":"{HUSH}","name":"DB_PASSWORD"}}]']}, id="quoted"
        ),
    ],
)
def test_a_secret_that_stands_where_a_program_could_is_none(told):
    """The value of a secret's flag is not taken for what is run (R10.4)."""
    assert HUSH not in repr(project(**told))


def test_a_name_of_execution_is_evidence_wherever_it_stands():
    """It is kept also where it looks like a secret's value."""
    assert "execution-engine" in project(args=["--token", "execution-engine"]).runs


def test_only_watched_settings_are_kept_with_those_that_are_added():
    """Of other flags not even the name stays."""
    told: Any = {"args": ["./app", "--order-gate=on", "--agentMode", "OFF", "--x=1"]}

    assert (("AGENT_MODE", "OFF"),) == project(**told).flags
    assert (("ORDER_GATE", "on"), ("AGENT_MODE", "OFF")) == project(
        WATCHED_ENV | {"ORDER_GATE"}, **told
    ).flags


def test_a_variable_is_kept_in_whatever_case():
    """Some programs read them so."""
    given = [{"name": "agent_mode", "value": "LIVE"}, {"name": "Other", "value": "x"}]

    assert ["agent_mode"] == [v.name for v in project(env=given).env]


def test_ports_go_by_their_names():
    """A port without a name says nothing."""
    given = [{"name": "exec", "containerPort": 1}, {"containerPort": 2}]

    assert ("exec",) == project(ports=given).ports


def test_a_container_that_was_added_later_is_read_as_well():
    """A container for debugging runs what it is told, as any other."""
    late = {"name": "debug", "image": "r/execution-engine:1", "command": ["python", "-m", "engine"]}
    spec = msgspec.convert(
        {"containers": [{"name": "main"}], "ephemeralContainers": [late]}, PodSpec
    )

    assert ("python", "engine") == project_containers(spec)[1].runs


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["x" * (MAX_COMMAND + 1)], "longer than we read"),
        (["env"] * 12, "nested too deeply"),
        (["sh", "-c", ";".join(f"a{n}" for n in range(MAX_STARTED + 1))], "more than we keep"),
    ],
    ids=["long", "deep", "many"],
)
def test_a_command_that_is_not_read_whole_makes_its_object_odd(command, said):
    """What might hide behind a cut is never taken for nothing."""
    with pytest.raises(OddError, match=said):
        project(command=command)
