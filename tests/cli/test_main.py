"""The command itself: help, version, exit codes and the ways in which a command fails."""

import inspect
import json
import os
import subprocess
import sys

import click
import pytest

from mission_control.cli import main
from mission_control.errors import ConfigurationError, ConfigurationErrors

SEVERAL = ConfigurationErrors(
    [
        ConfigurationError("is wrong", where="a.yaml:1", key="x", remedy="mend it"),
        ConfigurationError("is worse", where="a.yaml:2"),
    ]
)


@pytest.fixture
def failing(monkeypatch):
    """Put a command of our choosing in place of `config`."""

    def replace(raised: BaseException) -> None:
        @click.command()
        def command() -> None:
            raise raised

        def get_command(*_: object) -> click.Command:
            return command

        monkeypatch.setattr(main.LazyGroup, "get_command", get_command)

    return replace


def test_help_tells_every_command_and_exit_code(run):
    """
    The help names every command and documents every exit code.
    """
    result = run("--help")

    assert 0 == result.exit_code
    for word in (*main.COMMANDS, "78", "HALTED", "141"):
        assert word in result.stdout


HEAVY = (
    "aiohttp", "alembic", "apscheduler", "asyncio", "httpx", "jinja2", "kubernetes", "litestar",
    "mission_control.cluster.read.api_server", "mission_control.simulation", "obstore", "pydantic",
    "pygit2", "rich", "sqlalchemy", "uvicorn",
)  # fmt: skip
"""What takes a while to load, or reaches further than most commands do."""


@pytest.mark.parametrize(
    ("arguments", "loaded"),
    [
        pytest.param(["--help"], "", id="help"),
        pytest.param(["--version"], "", id="version"),
        pytest.param(["config", "check"], "pydantic", id="config check"),
        pytest.param(["artifacts", "list"], "asyncio pydantic", id="artifacts list"),
        pytest.param(["status", "--json"], "asyncio httpx pydantic rich", id="status"),
        pytest.param(
            ["serve", "--help"],
            "apscheduler asyncio httpx jinja2 litestar mission_control.cluster.read.api_server"
            " pydantic rich sqlalchemy uvicorn",
            id="serve",
        ),
    ],
)
def test_a_command_loads_what_it_uses(fleet_file, arguments, loaded):
    """
    Neither help nor a look at the floor waits for the libraries of what they do not do.
    """
    script = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from mission_control.cli.main import cli\n"
        "ended = CliRunner().invoke(cli, sys.argv[2:])\n"
        "assert ended.exit_code in (0, 3), ended.output\n"
        "print(' '.join(sorted(set(sys.argv[1].split()) & sys.modules.keys())))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script, " ".join(HEAVY), *arguments],
        env={**os.environ, "MISSION_CONTROL_FLEET_FILE": str(fleet_file)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ("", f"{loaded}\n") == (done.stderr, done.stdout)


@pytest.mark.parametrize("name", main.COMMANDS)
def test_the_help_says_of_a_command_what_the_command_says(run, name):
    """
    The line in place of a command's own help, so that none is imported, is its own.
    """
    command = main.LazyGroup().get_command(click.Context(main.cli), name)

    assert command is not None
    assert command.name == name
    assert main.COMMANDS[name][1] == inspect.cleandoc(command.help or "").splitlines()[0]
    assert 0 == run(name, "--help").exit_code


def test_the_version_is_told(run):
    """
    --version says one line, and needs no configuration.
    """
    result = run("--version")

    assert 0 == result.exit_code
    assert result.stdout.startswith("mission-control ")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["no-such-command"], id="command"),
        pytest.param(["--no-such-flag"], id="flag"),
        pytest.param(["get", "posture"], id="path"),
        pytest.param(["get", "/api/v1/stream"], id="endless stream"),
        pytest.param(["demo", "--scenario", "clam"], id="scenario"),
        pytest.param(["demo", "--at", "noon"], id="instant"),
        pytest.param(["demo", "--at", "9999-12-31T23:59"], id="end of time"),
        pytest.param(["demo", "--port", "0"], id="port"),
        pytest.param(["status", "--url", "localhost:8080"], id="url"),
        pytest.param(["status", "--url", "http://me:hunter2@localhost"], id="password"),
    ],
)
def test_wrong_usage_exits_with_2(run, arguments):
    """
    What the command line does not know is wrong usage, shown on stderr.
    """
    result = run(*arguments)

    assert 2 == result.exit_code
    assert "" == result.stdout
    assert "Error" in result.stderr
    assert "hunter2" not in result.stderr


def test_a_configuration_error_exits_with_78(run, failing):
    """
    Every problem is shown on stderr, with place, key and remedy; stdout stays empty (R1.2).
    """
    failing(SEVERAL)

    result = run("config")

    assert (78, "") == (result.exit_code, result.stdout)
    assert [
        "The configuration cannot be used:",
        "a.yaml:1: x: is wrong (mend it)",
        "a.yaml:2: is worse",
    ] == result.stderr.splitlines()


def test_a_configuration_error_is_json_when_asked(run, failing):
    """
    With --json a program reads each problem's parts from stderr.
    """
    failing(SEVERAL)

    result = run("--json", "config")

    assert (78, "") == (result.exit_code, result.stdout)
    error = json.loads(result.stderr)["error"]
    assert "configuration" == error["code"]
    assert {"where": "a.yaml:1", "key": "x", "problem": "is wrong", "remedy": "mend it"} == (
        error["problems"][0]
    )


def test_an_internal_error_is_one_line_without_secrets(run, failing):
    """
    A bug of ours exits with 1 and one redacted line; the traceback is there for who asks for it.
    """
    failing(RuntimeError("cannot reach postgresql://me:hunter2@db/x\n\x1b[31m"))

    result = run("config")
    debugged = run("config", MISSION_CONTROL_DEBUG="1")

    assert (1, "") == (result.exit_code, result.stdout)
    assert 1 == len(result.stderr.splitlines())
    assert "RuntimeError" in result.stderr
    assert "hunter2" not in result.stderr
    assert "\x1b" not in result.stderr
    assert "Traceback" in debugged.stderr


def test_an_internal_error_is_json_when_asked(run, failing):
    """
    With --json a bug of ours is JSON on stderr as well.
    """
    failing(ZeroDivisionError())

    assert {"error": {"code": "internal", "problem": "ZeroDivisionError"}} == json.loads(
        run("--json", "config").stderr
    )


def test_an_interrupt_exits_with_130(run, failing):
    """
    Ctrl-C ends a command without a traceback.
    """
    failing(KeyboardInterrupt())

    result = run("config")

    assert 130 == result.exit_code
    assert "Traceback" not in result.stderr


def test_a_reader_that_goes_away_is_no_internal_error(fleet_file):
    """
    Output into a closed pipe ends with 141 and without a message.
    """
    reading, writing = os.pipe()
    os.close(reading)

    done = subprocess.run(
        [sys.executable, "-m", "mission_control", "config", "check", "--fleet-file", fleet_file],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)

    assert (141, b"") == (done.returncode, done.stderr)
