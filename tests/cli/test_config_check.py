"""`config check`: what is in force, and where it came from."""

import json


def test_what_is_in_force_is_shown_with_its_source(run, fleet_file):
    """
    Each setting is listed with its value and the flag, variable or default that set it.
    """
    result = run(
        "config",
        "check",
        "--port",
        "9000",
        MISSION_CONTROL_FLEET_FILE=str(fleet_file),
        NAMESPACE="other",
        EXECUTION_HALTED="1",
    )

    assert 0 == result.exit_code
    lines = {line.split("  ")[0]: line for line in result.stdout.splitlines()}
    assert lines["port"].endswith("flag --port")
    assert " 9000 " in lines["port"]
    assert lines["fleet_file"].endswith("variable MISSION_CONTROL_FLEET_FILE")
    assert lines["namespace"].endswith("predecessor's variable NAMESPACE")
    assert lines["host"].endswith("default")
    assert "EXECUTION_HALTED='1'" in lines["kill switch"]


def test_json_gives_the_same_to_programs(run, fleet_file):
    """
    With --json, before the command or after it, stdout is one JSON object.
    """
    after = run("config", "check", "--fleet-file", fleet_file, "--json")
    before = run("--json", "config", "check", "--fleet-file", fleet_file)

    assert before.stdout == after.stdout
    values = json.loads(after.stdout)
    assert {"value": "8080", "source": "default"} == values["settings"]["port"]
    assert ["marketdata"] == values["fleet"]["agents"]
    assert 64 == len(values["config_digest"]) == len(values["fleet"]["digest"])


def test_a_password_is_never_shown(run, fleet_file):
    """
    A database's password is in neither form of the answer.
    """
    for flags in ([], ["--json"]):
        result = run(
            "config",
            "check",
            *flags,
            MISSION_CONTROL_FLEET_FILE=str(fleet_file),
            MISSION_CONTROL_DATABASE_URL="postgresql://me:hunter2@db/history",
        )

        assert 0 == result.exit_code
        assert "hunter2" not in result.output
        assert "me:***@db/history" in result.stdout


def test_notes_go_to_stderr_and_can_be_silenced(run, fleet_file):
    """
    What may surprise is shown on stderr, and not with --quiet.
    """
    variables = {"MISSION_CONTROL_FLEET_FILE": str(fleet_file), "POLL_MAX_CONCURRENCY": "5"}

    assert "POLL_MAX_CONCURRENCY" in run("config", "check", **variables).stderr
    assert "" == run("--quiet", "config", "check", **variables).stderr


def test_a_wrong_file_is_named_by_its_line(run, tmp_path):
    """
    A fleet file that cannot be used exits with 78 and names file, line, key and remedy.
    """
    (tmp_path / "fleet.yaml").write_text("agents:\n  - agent_name: a\n    kind: opps\n")
    (tmp_path / "config.yaml").write_text("fleet_file: fleet.yaml\nprot: 80\n")

    result = run("--config", tmp_path / "config.yaml", "config", "check")

    assert 78 == result.exit_code
    assert f"{tmp_path}/config.yaml:2: unknown key 'prot' (did you mean 'port'?)" in result.stderr
    assert f"{tmp_path}/fleet.yaml:3: agents[0].kind: 'opps' is none of" in result.stderr


def test_the_commands_own_json_flag_makes_its_errors_json(run):
    """
    A program that asks the subcommand for JSON gets its errors as JSON too.
    """
    result = run("config", "check", "--json")

    assert 78 == result.exit_code
    assert "configuration" == json.loads(result.stderr)["error"]["code"]
