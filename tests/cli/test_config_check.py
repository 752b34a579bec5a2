"""`config check`: what is in force, and where it came from."""

import json
from pathlib import Path


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


def test_alert_rules_and_waivers_are_checked_too(run, fleet_file, tmp_path):
    """
    What is wrong with them is named by file, line and key, as it would be at a start.
    """
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules: []\n")
    named = {"MISSION_CONTROL_ALERT_RULES_FILE": str(rules)}
    good = run("config", "check", "--fleet-file", fleet_file, **named)
    rules.write_text("rules:\n- {rule: stop_the_line, disabled: true}\n")
    bad = run("config", "check", "--fleet-file", fleet_file, **named)

    assert "rules, 0 waivers" in good.stdout
    assert 78 == bad.exit_code
    assert f"{rules}:2: rules[0].disabled: stop_the_line is P0" in bad.stderr


def test_a_server_does_not_start_with_rules_that_lower_a_p0(run, fleet_file, tmp_path):
    """
    R11.4: exit 78, and nothing below the root was touched.
    """
    rules, root = tmp_path / "rules.yaml", tmp_path / "root"
    rules.write_text("rules:\n- {rule: execution_evidence, severity: P1}\n")
    named = {"MISSION_CONTROL_ALERT_RULES_FILE": str(rules)}
    result = run("serve", "--fleet-file", fleet_file, "--root", root, **named)

    assert 78 == result.exit_code
    assert not root.exists()


def test_where_shipped_files_are(run):
    """`config shipped` names one folder, and with --json what is in it, links followed."""
    folder = run("config", "shipped").stdout.removesuffix("\n")
    files = json.loads(run("config", "shipped", "--json").stdout)

    assert folder == files["folder"]
    assert sorted(files["files"]) == files["files"]
    assert all((Path(folder) / name).is_file() for name in files["files"])
    assert "deploy/fleets/agenttrader.yaml" in files["files"]
    assert "runbooks/KILL_SWITCH.md" in files["files"]
