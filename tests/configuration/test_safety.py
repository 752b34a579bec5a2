"""The fleet file's `kill_switch`, `safety` and `unobserved`: read strictly, refused by place."""

from pathlib import Path

import pytest

from mission_control.configuration.settings import load_settings
from mission_control.errors import ConfigurationError
from mission_control.model.fleet import Execution, Safety, SwitchFile, Unobserved
from mission_control.model.kill_switch import KillSwitchState

AGENT = "agents:\n  - {agent_name: a, kind: %s, service_dns: http://a.floor, criticality: %s}\n"
LEAST = AGENT % ("ops", "critical")
OPTIONAL = AGENT % ("ops", "optional")
UNSEEN = "agents:\n  - {agent_name: a, kind: ops, contract: none, criticality: %s%s}\n"
SAID = ", unobserved: {who: Ops, why: by hand}"


def load(path, **environ):
    """Load the settings with this fleet file."""
    return load_settings({"MISSION_CONTROL_FLEET_FILE": str(path), **environ})


def refused(path, **environ):
    """Return the one problem of a fleet file that is refused."""
    with pytest.raises(ConfigurationError) as raised:
        load(path, **environ)
    (problem,) = raised.value.problems
    return problem


def test_a_fleet_file_that_says_nothing_needs_everything(write):
    """The defaults are the strictest there are, and leave the switch's file to its mount."""
    fleet = load(write(LEAST)).fleet

    assert (Safety(), None) == (fleet.safety, fleet.switch_file)
    assert fleet.safety.judged


def test_what_a_fleet_needs_is_read_whole(write):
    """Each word of it has its meaning, and another word gives another digest."""
    said = "safety: {kill_switch: {required: none, normal: DISENGAGED}, execution: paper,"
    read = load(write(f"{said} freshness: none}}\n{LEAST}"))
    plain = load(write(LEAST))

    assert (
        Safety(
            switch_required=False,
            switch_normal=KillSwitchState.DISENGAGED,
            execution=Execution.PAPER,
            freshness_required=False,
        )
        == read.fleet.safety
    )
    assert not read.fleet.safety.judged
    assert plain.config_digest != read.config_digest
    strict = f"safety: {{kill_switch: {{required: true, normal: ENGAGED}}}}\n{LEAST}"
    assert Safety() == load(write(strict)).fleet.safety


@pytest.mark.parametrize("said", list(SwitchFile))
def test_what_the_file_of_the_switch_is_worth_is_read(write, said):
    """It is authoritative, or there is none, and then no path of it is left."""
    settings = load(write(f"kill_switch: {{file: {said}}}\n{LEAST}"))

    assert said is settings.fleet.switch_file
    assert (settings.kill_switch_file is None) is (said is SwitchFile.NONE)
    assert "kill_switch_file" in settings.shown()


@pytest.mark.parametrize("name", ["MISSION_CONTROL_KILL_SWITCH_FILE", "EXECUTION_HALTED_FILE"])
def test_a_file_that_is_named_although_there_is_none_is_refused(write, name):
    """Who names a file and says that there is none is asked to settle it."""
    problem = refused(write(f"kill_switch: {{file: none}}\n{LEAST}"), **{name: "/mnt/x"})

    assert name == problem.where
    assert "kill_switch: {file: none}" in problem.problem
    assert "take one of the two out" == problem.remedy


@pytest.mark.parametrize(
    ("text", "line", "key", "problem"),
    [
        ("kill_switch: {file: maybe}\n" + LEAST, 1, "kill_switch.file", "none of authoritative"),
        ("kill_switch: {}\n" + LEAST, 1, "kill_switch", "says nothing about the file"),
        ("kill_switch: none\n" + LEAST, 1, "kill_switch", "must be a mapping"),
        ("safety: {mode: x}\n" + LEAST, 1, "safety", "unknown key 'mode'"),
        (
            "safety:\n  kill_switch: {required: false}\n" + LEAST,
            2,
            "safety.kill_switch.required",
            "'false' is none of true, none",
        ),
        (
            "safety:\n  kill_switch: {required: [true]}\n" + LEAST,
            2,
            "safety.kill_switch.required",
            "none of true, none",
        ),
        (
            "safety:\n  kill_switch: {normal: UNKNOWN}\n" + LEAST,
            2,
            "safety.kill_switch.normal",
            "none of ENGAGED, DISENGAGED",
        ),
        ("safety:\n  execution: live\n" + LEAST, 2, "safety.execution", "none of forbidden, paper"),
        ("safety:\n  freshness: off\n" + LEAST, 2, "safety.freshness", "must be text"),
        (
            "safety:\n  kill_switch: {normal: DISENGAGED}\n" + OPTIONAL,
            2,
            "safety.kill_switch.normal",
            "the mode of 'a' is not required evidence",
        ),
        (
            "safety:\n  kill_switch: {normal: DISENGAGED}\n" + UNSEEN % ("important", SAID),
            2,
            "safety.kill_switch.normal",
            "the mode of 'a' is not required evidence",
        ),
        (
            "safety:\n  execution: paper\n" + AGENT % ("execution", "optional"),
            2,
            "safety.execution",
            "the mode of 'a' is not required evidence",
        ),
        (UNSEEN % ("critical", SAID), 2, "agents[0].unobserved", "a critical service has to be"),
        (
            UNSEEN % ("optional", ", unobserved: {who: Ops}"),
            2,
            "agents[0].unobserved.why",
            "is missing",
        ),
        (
            UNSEEN % ("optional", SAID + ", workload: {kind: Job, name: j, namespace: n}"),
            2,
            "agents[0].unobserved",
            "it is judged by its workload j",
        ),
        (
            AGENT % ("ops", f"optional{SAID}"),
            2,
            "agents[0].unobserved",
            "it is asked over HTTP (contract: rich)",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_place(write, text, line, key, problem):
    """Each mistake is named with file, line and key."""
    path = write(text)
    found = refused(path)

    assert (f"{path}:{line}", key) == (found.where, found.key)
    assert problem in found.problem
    assert found.remedy or "must be" in found.problem


def test_modes_that_are_required_evidence_allow_what_relies_on_them(write):
    """Execution on paper, and a switch that is normally off, need each mode that they lean on."""
    needs = "safety: {kill_switch: {normal: DISENGAGED}, execution: paper}\n"
    fleet = load(write(needs + AGENT % ("execution", "important"))).fleet

    assert (KillSwitchState.DISENGAGED, True) == (fleet.safety.switch_normal, fleet.safety.paper)


def test_who_watches_what_is_not_seen_is_read(write):
    """A service of which nothing is seen here is declared with its watcher."""
    fleet = load(write(UNSEEN % ("important", SAID))).fleet

    assert Unobserved("Ops", "by hand") == fleet.agents[0].unobserved


@pytest.mark.parametrize("key", ["cluster: none", "safety: {}", "kill_switch: {file: none}"])
def test_what_belongs_to_a_fleet_is_read_beside_its_agents(tmp_path, write, key):
    """A settings file that names a fleet file cannot say things of the fleet that are not read."""
    config = tmp_path / "settings.yaml"
    config.write_text(f"fleet_file: {write(LEAST)}\n{key}\n")
    with pytest.raises(ConfigurationError) as raised:
        load_settings({}, config_file=Path(config))

    assert ["is read beside agents only"] == [p.problem for p in raised.value.problems]


def test_a_mistake_in_one_need_hides_nothing_of_another(write):
    """A switch that is normally off is refused beside a need that is misspelt."""
    path = write(
        "safety: {kill_switch: {normal: DISENGAGED, required: x}, freshness: y}\n" + OPTIONAL
    )
    with pytest.raises(ConfigurationError) as raised:
        load(path)

    assert {
        "safety.kill_switch.required",
        "safety.freshness",
        "safety.kill_switch.normal",
    } == {problem.key for problem in raised.value.problems}
