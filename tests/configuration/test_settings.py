"""Settings, accepted: the nearest source wins, and each says where it came from."""

from datetime import date
from pathlib import Path

import pytest

from mission_control.configuration.settings import load_settings

DEFAULTS = {
    "host": "127.0.0.1",
    "port": 8080,
    "ui_port": 8090,
    "namespace": "trading-floor",
    "database_url": None,
    "log_format": "json",
    "interval_seconds": 10.0,
    "deadline_seconds": 3.0,
    "kill_switch_file": Path("/etc/agenttrader/kill-switch/EXECUTION_HALTED"),
    "closures_file": None,
    "allowed_hosts": ("localhost", "127.0.0.1", "[::1]"),
}


@pytest.fixture
def least(fleet_file) -> dict[str, str]:
    """Return the least environment that loads."""
    return {"MISSION_CONTROL_FLEET_FILE": str(fleet_file)}


def test_the_predecessors_two_variables_are_enough(fleet_file):
    """
    AGENTS_CONFIG_PATH and EXECUTION_HALTED_FILE alone load, and everything else has a default.
    """
    environ = {"AGENTS_CONFIG_PATH": str(fleet_file), "EXECUTION_HALTED_FILE": "/mnt/HALTED"}

    settings = load_settings(environ)

    assert ["marketdata"] == [agent.agent_name for agent in settings.fleet.agents]
    assert Path("/mnt/HALTED") == settings.kill_switch_file
    assert {} == settings.kill_switch_environment
    assert "predecessor's variable AGENTS_CONFIG_PATH" == settings.sources["fleet_file"]
    assert () == settings.notes


def test_what_is_not_given_has_its_default(least, monkeypatch, tmp_path):
    """
    A fleet file alone loads; the root is then the working folder, and runbooks are our own.
    """
    monkeypatch.chdir(tmp_path)

    settings = load_settings(least)

    assert DEFAULTS == {name: getattr(settings, name) for name in DEFAULTS}
    assert tmp_path == settings.root
    assert Path(__file__).parents[2] / "runbooks" == settings.runbooks
    assert "default" == settings.sources["port"]


def test_the_nearest_source_wins(least, write):
    """
    A flag outdoes our variable, that the file, that the predecessor's name, that a default (R1.4).
    """
    sources = [
        ("flag --namespace", {"flags": {"namespace": "of-the-flag"}}),
        ("variable MISSION_CONTROL_NAMESPACE", {"MISSION_CONTROL_NAMESPACE": "of-ours"}),
        ("file", {"config_file": write("namespace: of-the-file\n", "config.yaml")}),
        ("predecessor's variable NAMESPACE", {"NAMESPACE": "of-the-predecessor"}),
        ("default", {}),
    ]
    seen = []
    for nearest in range(len(sources)):
        environ, named = dict(least), {}
        for _, given in sources[nearest:]:
            for name, value in given.items():
                (environ if name.isupper() else named)[name] = value
        settings = load_settings(environ, **named)
        seen.append((settings.namespace, settings.sources["namespace"]))

    assert [
        ("of-the-flag", "flag --namespace"),
        ("of-ours", "variable MISSION_CONTROL_NAMESPACE"),
        ("of-the-file", f"file {sources[2][1]['config_file']}:1"),
        ("of-the-predecessor", "predecessor's variable NAMESPACE"),
        ("trading-floor", "default"),
    ] == seen


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        pytest.param("MISSION_CONTROL_PORT", "9000", "port", 9000, id="port"),
        pytest.param("MISSION_CONTROL_UI_PORT", " 65535 ", "ui_port", 65535, id="ui port"),
        pytest.param("MISSION_CONTROL_HOST", "::1", "host", "::1", id="host"),
        pytest.param("MISSION_CONTROL_HOST", "LOCALHOST", "host", "localhost", id="name"),
        pytest.param("MISSION_CONTROL_HOST", "127.9.9.9", "host", "127.9.9.9", id="loopback net"),
        pytest.param("MISSION_CONTROL_LOG_FORMAT", "console", "log_format", "console", id="log"),
        pytest.param("MISSION_CONTROL_ROOT", "/srv/mc", "root", Path("/srv/mc"), id="root"),
        pytest.param("POLL_INTERVAL_SECONDS", "15", "interval_seconds", 15.0, id="interval"),
        pytest.param("PER_AGENT_TIMEOUT_SECONDS", "2.5", "deadline_seconds", 2.5, id="deadline"),
        pytest.param(
            "EXEC_KILL_SWITCH_FILE", "/mnt/x", "kill_switch_file", Path("/mnt/x"), id="old switch"
        ),
        pytest.param(
            "MISSION_CONTROL_DATABASE_URL",
            "postgresql+psycopg://me@db/history",
            "database_url",
            "postgresql+psycopg://me@db/history",
            id="database",
        ),
        pytest.param(
            "MISSION_CONTROL_ALLOWED_HOSTS",
            "Floor.example.com, [::2]",
            "allowed_hosts",
            ("localhost", "127.0.0.1", "[::1]", "floor.example.com", "[::2]"),
            id="hosts",
        ),
    ],
)
def test_a_variable_is_understood(least, variable, text, name, value):
    """
    Each variable, ours and the predecessor's, becomes a value of its type.
    """
    assert value == getattr(load_settings({**least, variable: text}), name)


@pytest.mark.parametrize(
    ("host", "names"),
    [
        pytest.param("127.9.9.9", ("localhost", "127.0.0.1", "[::1]", "127.9.9.9"), id="IPv4"),
        pytest.param("::1", ("localhost", "127.0.0.1", "[::1]"), id="IPv6"),
    ],
)
def test_we_answer_to_the_address_we_listen_on(least, host, names):
    """
    The host listened on is always among the names that we may be called by.
    """
    settings = load_settings({**least, "MISSION_CONTROL_HOST": host})

    assert names == settings.allowed_hosts


def test_one_file_can_hold_everything(write, tmp_path):
    """
    The YAML file takes every setting in lower case, and the fleet; its paths start beside it.
    """
    path = write(
        """\
        root: state
        host: localhost
        port: 9001
        ui_port: 9002
        namespace: floor-two
        log_format: console
        interval_seconds: 5
        deadline_seconds: 2.5
        kill_switch_file: switch/HALTED
        closures_file: closures.yaml
        runbooks: .
        allowed_hosts: [floor.example.com]
        database_url: sqlite:///history.db
        agents:
          - {agent_name: a, kind: ops, service_dns: "http://a.floor"}
        """,
        "etc/config.yaml",
    )
    write("closures: []\n", "etc/closures.yaml")

    settings = load_settings({"MISSION_CONTROL_CONFIG": str(path)})

    folder = tmp_path / "etc"
    assert (folder / "state", folder, folder / "switch/HALTED", folder / "closures.yaml") == (
        settings.root,
        settings.runbooks,
        settings.kill_switch_file,
        settings.closures_file,
    )
    assert (9001, 9002, "floor-two", "console") == (
        settings.port,
        settings.ui_port,
        settings.namespace,
        settings.log_format,
    )
    agent = settings.fleet.agents[0]
    assert ("a", 5.0, 2.5) == (agent.agent_name, agent.interval_seconds, agent.deadline_seconds)
    assert f"file {path}:15" == settings.sources["fleet_file"]
    assert path == settings.config_file


def test_a_relative_path_of_a_variable_starts_at_the_working_folder(
    least, write, monkeypatch, tmp_path
):
    """
    Only paths in the YAML file start beside it; those of variables and flags start here.
    """
    config = write("root: of-the-file\n", "etc/config.yaml")
    monkeypatch.chdir(tmp_path)

    settings = load_settings(
        {**least, "MISSION_CONTROL_ROOT": "of-ours"}, config_file=config, flags={}
    )

    assert tmp_path / "of-ours" == settings.root


def test_a_fleet_file_that_is_nearer_outdoes_the_files_agents(least, write):
    """
    Agents in the configuration file rank between our variable and the predecessor's.
    """
    config = write("agents: [{agent_name: inline, kind: ops, contract: none}]\n", "config.yaml")
    old = {"AGENTS_CONFIG_PATH": least["MISSION_CONTROL_FLEET_FILE"]}

    nearer = load_settings(least, config_file=config)
    inline = load_settings(old, config_file=config)

    assert "marketdata" == nearer.fleet.agents[0].agent_name
    assert "inline" == inline.fleet.agents[0].agent_name


def test_the_closures_file_is_loaded(least, write):
    """
    What the exchange announced since the release is part of the settings.
    """
    closures = write(
        """\
        closures:
          - date: 2027-03-01
            kind: closed
            source: https://www.nyse.com/
            announced: 2027-02-20
            entered_by: ops
        """,
        "closures.yaml",
    )

    settings = load_settings({**least, "MISSION_CONTROL_CLOSURES_FILE": str(closures)})

    assert [date(2027, 3, 1)] == [closure.on for closure in settings.closures]


def test_the_switch_variables_are_kept_as_they_are(least):
    """
    The environment's kill switch is evidence: kept exactly, also when it is set to nothing.
    """
    settings = load_settings({**least, "EXECUTION_HALTED": "", "EXEC_KILL_SWITCH": " 1\n"})

    assert {"EXECUTION_HALTED": "", "EXEC_KILL_SWITCH": " 1\n"} == settings.kill_switch_environment


def test_what_changes_nothing_is_noted(least):
    """
    The predecessor's names without a meaning, and a deadline that misses answers, are noted.
    """
    settings = load_settings(
        {
            **least,
            "POLL_MAX_CONCURRENCY": "10",
            "EVENT_BUFFER_MAXLEN": "500",
            "DEPLOY_REPORT_PATH": "/var/report.md",
            "PER_AGENT_TIMEOUT_SECONDS": "1.5",
        }
    )

    text = "\n".join(settings.notes)
    assert 4 == len(settings.notes)
    for name in ("POLL_MAX_CONCURRENCY", "EVENT_BUFFER_MAXLEN", "DEPLOY_REPORT_PATH", "2.06 s"):
        assert name in text


def test_what_kubernetes_injects_is_not_ours(least):
    """
    What Kubernetes sets for a Service called mission-control, even our port, is left alone.
    """
    settings = load_settings(
        {
            **least,
            "MISSION_CONTROL_SERVICE_HOST": "10.0.0.7",
            "MISSION_CONTROL_SERVICE_PORT": "80",
            "MISSION_CONTROL_SERVICE_PORT_HTTP": "80",
            "MISSION_CONTROL_PORT": "tcp://10.0.0.7:80",
            "MISSION_CONTROL_PORT_80_TCP": "tcp://10.0.0.7:80",
            "MISSION_CONTROL_PORT_80_TCP_PROTO": "tcp",
            "MISSION_CONTROL_PORT_80_TCP_PORT": "80",
            "MISSION_CONTROL_PORT_80_TCP_ADDR": "10.0.0.7",
            "MISSION_CONTROL_UI_PORT": "tcp://10.0.0.8:80",
        }
    )

    assert (8080, 8090) == (settings.port, settings.ui_port)
    assert ("9 service-link variables of Kubernetes are ignored",) == settings.notes


def test_equal_configuration_has_an_equal_digest(least, fleet_file):
    """
    The digest follows from what is in force: it changes with a setting, the fleet or the switch.
    """
    before = load_settings(least).config_digest

    assert before == load_settings({**least, "HOME": "/elsewhere"}).config_digest
    changed = [
        load_settings({**least, "MISSION_CONTROL_PORT": "9000"}).config_digest,
        load_settings({**least, "EXECUTION_HALTED": "1"}).config_digest,
        load_settings({**least, "MISSION_CONTROL_NAMESPACE": "other"}).config_digest,
    ]
    fleet_file.write_text(fleet_file.read_text() + "# a comment\n")
    changed.append(load_settings(least).config_digest)
    assert 5 == len({before, *changed})


def test_a_database_password_is_never_shown(least):
    """
    Neither the settings' repr nor what is shown of them holds the password, however it is written.
    """
    for url in (
        "postgresql://me:hunter2@db/history",
        "postgresql://me:hun%23ter2%2Fhunter2@db/history",
        "postgres://me:hunter2@a.example:5432,db/history",
        "postgresql+psycopg://me:hunter2@[::1]:5432,db/history",
        "postgresql://db/history?password=hunter2",
    ):
        settings = load_settings({**least, "MISSION_CONTROL_DATABASE_URL": url})

        assert url == settings.database_url
        assert "ter2" not in repr(settings)
        assert "ter2" not in str(settings.shown())
        assert "db/history" in settings.shown()["database_url"]
