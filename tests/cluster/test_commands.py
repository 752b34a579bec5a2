"""Decide: what a command starts and which settings it gives, however it is wrapped."""

import time

import pytest

from mission_control.cluster.decide.commands import MAX_NESTING, fold_setting, read_command


def runs(*command, args=()):
    """Return what a command starts."""
    return read_command(tuple(command), tuple(args)).runs


def settings(*command, args=()):
    """Return the settings that a command gives."""
    return dict(read_command(tuple(command), tuple(args)).settings)


STARTED = [
    pytest.param(("python3.11", "-u", "-m", "pkg.engine", "--x"), "pkg.engine", id="module"),
    pytest.param(("python", "-W", "ignore", "engine.py"), "engine.py", id="option with a value"),
    pytest.param(("python", "-m", "uvicorn", "engine:app"), "engine:app", id="module of a server"),
    pytest.param(("python", "-c", "from a import engine"), "engine", id="import"),
    pytest.param(
        ("python", "-c", "import runpy; runpy.run_module('engine')"), "engine", id="runpy"
    ),
    pytest.param(("sh", "-c", "exec ./engine --x"), "./engine", id="shell"),
    pytest.param(("sh", "-o", "pipefail", "-ec", "./engine"), "./engine", id="shell with options"),
    pytest.param(("bash", "-c", "-o", "pipefail", "./engine"), "./engine", id="options after -c"),
    pytest.param(("sh", "-c", 'exec "$@"', "--", "engine"), "engine", id="what a shell is passed"),
    pytest.param(("sh", "-c", "a && b || (engine) | d"), "engine", id="inside a script"),
    pytest.param(("sh", "-c", "if true; then engine; fi"), "engine", id="after a keyword"),
    pytest.param(("sh", "-c", "cat < x > y; 'eng''ine'"), "engine", id="quoted, after redirection"),
    pytest.param(("sh", "-c", '# no\n"eng\\ine" \\\n x'), "engine", id="after a comment"),
    pytest.param(("sh", "-c", "eval './engine x'"), "./engine", id="eval"),
    pytest.param(("sh", "-c", "cd /srv/engine && ./run"), "/srv/engine", id="folder"),
    pytest.param(("sh", "/srv/engine.sh"), "/srv/engine.sh", id="script"),
    pytest.param(("env", "-u", "A", "B=1", "engine"), "engine", id="env"),
    pytest.param(("env", "-S", "B=1 engine"), "engine", id="env -S"),
    pytest.param(("env", "--split-string=B=1 engine"), "engine", id="env --split-string"),
    pytest.param(("timeout", "-k", "5", "10", "engine"), "engine", id="timeout"),
    pytest.param(("gosu", "app", "engine"), "engine", id="gosu"),
    pytest.param(("tini", "-g", "--", "engine"), "engine", id="tini"),
    pytest.param(("poetry", "run", "python", "engine.py"), "engine.py", id="poetry run"),
    pytest.param(("wait-for.sh", "db:5432", "--", "engine"), "engine", id="after --"),
    pytest.param(("gunicorn", "-b", ":80", "engine:app"), "engine:app", id="server"),
    pytest.param(("celery", "-A", "engine", "worker"), "engine", id="app of a server"),
    pytest.param(("java", "-cp", "a:b", "com.x.Engine"), "com.x.Engine", id="class"),
    pytest.param(("java", "-jar", "engine.jar"), "engine.jar", id="jar"),
    pytest.param(("dotnet", "run", "Engine.dll"), "Engine.dll", id="dotnet"),
    pytest.param(("C:\\bin\\engine.exe",), "C:\\bin\\engine.exe", id="windows"),
]


@pytest.mark.parametrize(("command", "expected"), STARTED)
def test_what_is_run_is_found_behind_whatever_starts_it(command, expected):
    """Shells, wrappers, interpreters and servers are looked through."""
    assert expected in runs(*command)


PASSED_ON = [
    pytest.param(("./app", "--no-engine", "--engine-url", "http://engine"), id="flags"),
    pytest.param(("python", "app.py", "engine"), id="arguments of a script"),
    pytest.param(("python", "-c", "from a import Engine"), id="a class"),
    pytest.param(("python", "-c", "print('engine')"), id="text of a program"),
    pytest.param(("python", "-u"), id="an option alone"),
    pytest.param(("python",), id="an interpreter alone"),
    pytest.param(("dotnet", "run"), id="a runner alone"),
    pytest.param(("sh", "-c", "echo engine; grep -- engine x; # engine"), id="text of a shell"),
    pytest.param(("sh", "-c", "cat x > engine"), id="a file"),
    pytest.param(("sh", "-c"), id="no script"),
    pytest.param(("sh", "--login"), id="no script either"),
    pytest.param(("curl", "-d", "x", "http://engine/execute"), id="an address"),
    pytest.param(
        ("gunicorn", "-b", "engine:8080", "http://engine", "a:app"), id="where it listens"
    ),
    pytest.param(("java", "-Dengine.url=x", "com.x.App", "engine"), id="properties"),
    pytest.param(("env", "A=engine", "-S"), id="nothing to split"),
    pytest.param(("A=1",), id="an assignment alone"),
    pytest.param((), id="nothing"),
]


@pytest.mark.parametrize("command", PASSED_ON)
def test_what_is_merely_passed_on_is_not_run(command):
    """Arguments, addresses, texts and comments start nothing."""
    assert [] == [r for r in runs(*command) if "engine" in r.casefold()]


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("-m", "engine"), "engine"),
        (("-c", "exec engine"), "engine"),
        (("engine", "--x"), "engine"),
        (("serve", "engine"), "serve"),
    ],
)
def test_arguments_alone_are_what_the_images_own_program_gets(args, expected):
    """Their first word may be the program, and `-m` and `-c` mean what they mean to most."""
    assert expected in runs(args=args)


TOLD = [
    pytest.param(("./app", "--mode=LIVE"), "mode", "LIVE", id="flag"),
    pytest.param(("./app", "--mode", "LIVE"), "mode", "LIVE", id="flag and value"),
    pytest.param(("./app", "-mode=LIVE"), "mode", "LIVE", id="one hyphen"),
    pytest.param(("./app", "--live"), "live", "true", id="flag alone"),
    pytest.param(("./app", "--live", "--x"), "live", "true", id="flag before a flag"),
    pytest.param(("./app", "--no-dry-run"), "dry-run", "false", id="denied"),
    pytest.param(("java", "-Dagent.mode=LIVE", "X"), "agent.mode", "LIVE", id="property"),
    pytest.param(("docker", "run", "-e", "MODE=LIVE", "x"), "MODE", "LIVE", id="handed on"),
    pytest.param(("env", "MODE=LIVE", "x"), "MODE", "LIVE", id="env"),
    pytest.param(("sh", "-c", "A=1 MODE='LIVE' x"), "MODE", "LIVE", id="before a program"),
    pytest.param(("sh", "-c", "export MODE=LIVE"), "MODE", "LIVE", id="exported"),
    pytest.param(("./app", "-", "--mode=LIVE"), "mode", "LIVE", id="beside a hyphen"),
]


@pytest.mark.parametrize(("command", "name", "value"), TOLD)
def test_settings_are_read_from_flags_and_assignments(command, name, value):
    """Every way to write a setting gives its name and its value."""
    assert value == settings(*command)[name]


def test_a_setting_that_is_only_looked_for_is_not_given():
    """A text that a program searches for sets nothing."""
    assert "MODE" not in settings("sh", "-c", "grep -q MODE=LIVE x; echo MODE=LIVE")


@pytest.mark.parametrize("name", ["agent-mode", "agent.mode", "agentMode", "AGENT_MODE"])
def test_a_setting_has_one_name(name):
    """However it is spelled, it is the variable's."""
    assert "AGENT_MODE" == fold_setting(name)


@pytest.mark.parametrize(
    ("command", "acts"),
    [
        (("kubectl", "-n", "x", "scale", "deploy/e"), ("kubectl -n x scale deploy/e",)),
        (("sh", "-c", "set -e; helm upgrade e ."), ("helm upgrade e .",)),
        (("kubectl", "get", "deploy", "e"), ()),
        (("helm", "list"), ()),
    ],
)
def test_commands_that_change_a_cluster_are_kept(command, acts):
    """What scales, applies or upgrades is kept unchanged; what reads is not."""
    assert acts == read_command(command, ()).acts


def test_what_is_nested_too_deeply_is_refused():
    """What is not understood is never taken for harmless."""
    with pytest.raises(ValueError, match="nested"):
        read_command(("env",) * (MAX_NESTING + 2), ())


@pytest.mark.parametrize(
    "script",
    ['"' * 20_001, "'\"" * 10_000, "\\" * 20_001, "$(" * 10_000, "a;" * 10_000, '"\\' * 10_000],
    ids=["quotes", "mixed", "backslashes", "parentheses", "commands", "escapes"],
)
def test_a_hostile_script_takes_no_time(script):
    """Reading takes time in proportion to the text (CPU seconds of our own)."""
    before = time.process_time()
    read_command(("sh", "-c", script), ())

    assert time.process_time() - before < 2
