"""Settings, refused: a bad value names the flag, the variable or the line it came from."""

from pathlib import Path

import pytest

from mission_control.configuration.settings import load_settings
from mission_control.errors import ConfigurationError


@pytest.fixture
def least(fleet_file) -> dict[str, str]:
    """Return the least environment that loads."""
    return {"MISSION_CONTROL_FLEET_FILE": str(fleet_file)}


def refusal(environ, **named):
    """Load settings that cannot be used, and return the error."""
    with pytest.raises(ConfigurationError) as raised:
        load_settings(environ, **named)
    return raised.value


@pytest.mark.parametrize(
    ("variable", "text", "problem"),
    [
        pytest.param("MISSION_CONTROL_PORT", "80a", "'80a' is no port", id="port"),
        pytest.param("MISSION_CONTROL_PORT", "0", "'0' is no port", id="port 0"),
        pytest.param("MISSION_CONTROL_RECORD_ID", "x", "'x' is no id of a record", id="record"),
        pytest.param("MISSION_CONTROL_PORT", "65536", "is no port", id="port too high"),
        pytest.param("MISSION_CONTROL_PORT", "٨٠", "is no port", id="other digits"),
        pytest.param("MISSION_CONTROL_PORT", "", "is set to nothing", id="empty"),
        pytest.param("MISSION_CONTROL_UI_PORT", "8080", "are both 8080", id="same port"),
        pytest.param("MISSION_CONTROL_HOST", "0", "is no address", id="no host"),
        pytest.param(
            "MISSION_CONTROL_HOST", "::", "no reader would be asked", id="every IPv6 host"
        ),
        pytest.param("MISSION_CONTROL_HOST", "10.0.0.7", "no reader would be asked", id="host"),
        pytest.param("MISSION_CONTROL_HOST", "floor.example.com", "is no address", id="name"),
        pytest.param("MISSION_CONTROL_LOG_FORMAT", "jsno", "no log format", id="log format"),
        pytest.param("MISSION_CONTROL_NAMESPACE", "Floor_1", "is no namespace", id="namespace"),
        pytest.param("NAMESPACE", "-", "is no namespace", id="their namespace"),
        pytest.param("POLL_INTERVAL_SECONDS", "ten", "is no number of seconds", id="interval"),
        pytest.param("POLL_INTERVAL_SECONDS", "nan", "is no number of seconds", id="nan"),
        pytest.param("POLL_INTERVAL_SECONDS", "1e1", "is no number of seconds", id="exponent"),
        pytest.param("POLL_INTERVAL_SECONDS", "0", "at least 0.1", id="no interval"),
        pytest.param("PER_AGENT_TIMEOUT_SECONDS", "-1", "at least 0.1", id="negative"),
        pytest.param("PER_AGENT_TIMEOUT_SECONDS", "31", "more than 40 s", id="too long"),
        pytest.param("MISSION_CONTROL_ROOT", "/etc/hostname", "not a folder", id="root"),
        pytest.param("MISSION_CONTROL_ROOT", "a" * 300, "not a folder", id="root too long"),
        pytest.param("MISSION_CONTROL_RUNBOOKS", "a" * 300, "not a folder", id="too long"),
        pytest.param("MISSION_CONTROL_ROOT", "/a\0b", "cannot hold a NUL", id="NUL"),
        pytest.param("MISSION_CONTROL_RUNBOOKS", "/nonexistent", "not a folder", id="runbooks"),
        pytest.param("MISSION_CONTROL_ALLOWED_HOSTS", "*", "no host name", id="any host"),
        pytest.param("MISSION_CONTROL_ALLOWED_HOSTS", "a:80", "no host name", id="with a port"),
        pytest.param("MISSION_CONTROL_ALLOWED_HOSTS", "a,,b", "no host name", id="empty host"),
        pytest.param("MISSION_CONTROL_ALLOWED_HOSTS", "[x]", "no host name", id="brackets"),
        pytest.param("MISSION_CONTROL_DATABASE_URL", "mysql://db", "no URL of", id="database"),
    ],
)
def test_a_bad_value_names_its_variable(least, variable, text, problem):
    """
    One bad variable gives one problem, which names the variable.
    """
    error = refusal({**least, variable: text})

    assert 1 == len(error.problems)
    assert variable == error.where
    assert problem in error.problem
    assert error.remedy


@pytest.mark.parametrize(
    ("line", "key", "problem"),
    [
        pytest.param("prot: 80", "", "unknown key 'prot'", id="unknown key"),
        pytest.param("port: '80'", "port", "must be a number, and is text", id="number in quotes"),
        pytest.param("port: true", "port", "is a boolean", id="boolean"),
        pytest.param("port: 80.5", "port", "is no port", id="fraction"),
        pytest.param("root: 1", "root", "must be text, and is a number", id="number for a path"),
        pytest.param("host: 0.0.0.0", "host", "no reader would be asked", id="host"),
        pytest.param("allowed_hosts: a", "allowed_hosts", "must be a list", id="no list"),
        pytest.param("interval_seconds: 39", "interval_seconds", "more than 40 s", id="cadence"),
        pytest.param("cluster: none", "cluster", "beside agents", id="cluster alone"),
        pytest.param("agents: []", "agents", "the fleet is empty", id="empty fleet"),
        pytest.param("ui_port: 8080", "ui_port", "are both 8080", id="same port"),
    ],
)
def test_a_bad_value_names_its_line(fleet_file, write, line, key, problem):
    """
    One bad line of the YAML file gives one problem, which names the file, the line and the key.
    """
    config = write(f"# ours\n{line}\n", "config.yaml")

    error = refusal({"AGENTS_CONFIG_PATH": str(fleet_file)}, config_file=config)

    assert 1 == len(error.problems)
    assert (f"{config}:2", key) == (error.where, error.key)
    assert problem in error.problem


def test_a_bad_flag_is_named(least):
    """
    What a flag gives wrongly, or gives as nothing, names the flag.
    """
    assert "--port" == refusal(least, flags={"port": "x"}).where
    assert "--root" == refusal(least, flags={"root": ""}).where


def test_an_unknown_variable_of_ours_is_refused(least):
    """
    A misspelt MISSION_CONTROL_* variable is refused, and the right one named.
    """
    error = refusal({**least, "MISSION_CONTROL_PROT": "80"})

    assert "MISSION_CONTROL_PROT" == error.where
    assert "did you mean 'MISSION_CONTROL_PORT'?" == error.remedy


def test_a_fleet_must_be_named():
    """
    Without a fleet file nothing is watched, and the message says how to name one.
    """
    error = refusal({})

    assert "MISSION_CONTROL_FLEET_FILE" == error.where
    assert "--fleet-file" in error.remedy


def test_agents_and_a_fleet_file_in_one_file_are_refused(write):
    """
    A configuration file that lists agents and names a fleet file does not say which it means.
    """
    config = write(
        "fleet_file: fleet.yaml\nagents: [{agent_name: a, kind: ops, contract: none}]\n", "c.yaml"
    )

    assert "keep one of the two" == refusal({}, config_file=config).remedy


def test_two_files_for_the_switch_must_be_settled(least):
    """
    Where the predecessor's two names point at different files, we choose neither in silence.
    """
    two = {**least, "EXECUTION_HALTED_FILE": "/a", "EXEC_KILL_SWITCH_FILE": "/b"}

    assert "EXEC_KILL_SWITCH_FILE" == refusal(two).where
    settled = load_settings({**two, "MISSION_CONTROL_KILL_SWITCH_FILE": "/b"})
    assert Path("/b") == settled.kill_switch_file


def test_a_missing_configuration_file_is_the_only_problem():
    """
    A configuration file that cannot be read is told once, without a guess at what it would say.
    """
    error = refusal({"MISSION_CONTROL_CONFIG": "/nonexistent/config.yaml"})

    assert 1 == len(error.problems)
    assert "No such file" in error.problem


def test_problems_of_every_source_are_told_at_once(write):
    """
    Variables, the configuration file, the fleet and the closures are judged in one go.
    """
    fleet = write("agents: [{agent_name: a, kind: opps, contract: none}]\n", "fleet.yaml")
    closures = write("closures: 1\n", "closures.yaml")
    config = write("prot: 1\n", "config.yaml")

    error = refusal(
        {
            "MISSION_CONTROL_FLEET_FILE": str(fleet),
            "MISSION_CONTROL_CLOSURES_FILE": str(closures),
            "MISSION_CONTROL_HOST": "10.0.0.7",
            "POLL_INTERVAL_SECONDS": "x",
        },
        config_file=config,
    )

    assert {
        f"{config}:1",
        f"{fleet}:1",
        f"{closures}:1",
        "MISSION_CONTROL_HOST",
        "POLL_INTERVAL_SECONDS",
    } == {problem.where for problem in error.problems}


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        pytest.param("postgresql://me:hun@ter2@db/h", "@ as %40", id="at"),
        pytest.param("postgresql://me:hun#ter2@db/h", "# as %23", id="number sign"),
        pytest.param("postgresql://me:hun/ter2@db/h", "/ as %2F", id="slash"),
        pytest.param("postgresql://me:hun?ter2@db/h", "? as %3F", id="question mark"),
        pytest.param("postgresql://me:hun[ter2@db/h", "[ as %5B", id="bracket"),
        pytest.param("postgresql://me:hun%ter2@db/h", "% as %25", id="percent"),
        pytest.param("postgresql://db/h?password=hun@ter2", "@ as", id="in the query"),
        pytest.param("postgresql://me:hunter2@db:54x/h", "from 1 to 65535", id="port"),
        pytest.param("postgresql://me:hunter2@db:0/h", "from 1 to 65535", id="port 0"),
        pytest.param("postgresql://me:hunter2@a:1,b:99999/h", "from 1 to", id="second port"),
        pytest.param("postgresql://me:hunter2@d b/h", "user@host:5432", id="host"),
        pytest.param("postgresql+psycopg2://me:hunter2@db/h", "no driver", id="driver"),
        pytest.param("mysql://me:hunter2@db", "write it as", id="another database"),
        pytest.param("me:hunter2@db", "write it as", id="no URL"),
    ],
)
def test_a_bad_database_url_is_not_repeated(least, url, remedy):
    """
    A database's URL that would be misread is refused with what to write, and never repeated.
    """
    error = refusal({**least, "MISSION_CONTROL_DATABASE_URL": url})

    assert remedy in error.remedy
    assert "ter2" not in str(error)
