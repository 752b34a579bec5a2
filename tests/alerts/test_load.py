"""Rules and waivers from files: what is shipped, what may be changed, and what is refused."""

from datetime import UTC, datetime

import pytest

from mission_control.alerts.load import SHIPPED, load_alert_rules, load_rules, load_waivers
from mission_control.alerts.model import PAGING, Condition, Rule, RulePhase, Source
from mission_control.errors import ConfigurationError
from mission_control.model.finding import Severity
from mission_control.model.fleet import Kind
from mission_control.schedule.model import Job

NEW = """\
rules:
- rule: slow_ingest
  severity: P2
  when: {source: service, kinds: [ingest], codes: [TIMEOUT, HTTP_503], halts: false}
  phases: [open, night]
  for: 5m market
  hold: 90s
  follows: true
  runbook: TIMEOUT
  summary: "{subject} has been slow for {age}"
  about: as agreed with its owner
"""


@pytest.fixture
def write(tmp_path):
    """Return a way to write a file."""

    def writing(text, name="rules.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return writing


def refusals(load, path):
    """Return what is wrong with a file, as a person reads it."""
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    return [str(p).replace(f"{path}:", "line ") for p in caught.value.problems]


def test_every_shipped_rule_says_what_it_is_about():
    """R11.4: the shipped file is read as any other, and each rule is explained."""
    digest, rules = load_rules()

    assert 64 == len(digest)
    assert [] == [r.name for r in rules if not r.about]
    assert len({r.name for r in rules}) == len(rules)


def test_every_p0_comes_before_everything_else():
    """R11.2, R11.4: no milder rule takes a fact that a P0 wants."""
    severities = [r.severity for r in load_rules()[1]]
    p0 = severities.count(Severity.P0)

    assert {Severity.P0} == set(severities[:p0])
    assert set(RulePhase) == set.intersection(
        *(set(r.phases) for r in load_rules()[1] if r.severity is Severity.P0)
    )


def test_a_rule_that_nothing_observes_is_shown_as_that():
    """R11.12: it says what is missing, and takes no fact."""
    (rule,) = [r for r in load_rules()[1] if r.when.source is Source.NONE]

    assert ("pipeline_delayed", "neither NATS nor the publishing pipeline is read here") == (
        rule.name,
        rule.not_observed,
    )


def test_a_file_adds_rules_after_every_p0_and_before_the_rest(write):
    """R11.4: with everything that a rule may say."""
    path = write(NEW)
    _, rules = load_rules(path)
    names = [r.name for r in rules]
    added = rules[names.index("slow_ingest")]
    wanted = Rule(
        "slow_ingest",
        Severity.P2,
        Condition(
            Source.SERVICE, ("TIMEOUT", "HTTP_503"), kinds=frozenset({Kind.INGEST}), halts=False
        ),
        frozenset({RulePhase.OPEN, RulePhase.NIGHT}),
        300.0,
        market=True,
        hold_seconds=90.0,
        follows=True,
        runbook="TIMEOUT",
        summary="{subject} has been slow for {age}",
        about="as agreed with its owner",
        where=f"{path}:2",
    )

    assert wanted == added
    assert ["stop_the_line", "slow_ingest", "mode_unknown"] == names[4:7]


def test_a_file_changes_a_rule_by_its_name(write):
    """R11.4: what it does not say stays as it is shipped."""
    path = write(
        "rules:\n- {rule: marketdata_stale, for: 4m, severity: P2, phases: [p1_hours, closed],"
        " when: {source: feed, jobs: [lkg_capture]}}\n- {rule: run_lost, disabled: true}\n"
    )
    shipped = {r.name: r for r in load_rules()[1]}
    rules = {r.name: r for r in load_rules(path)[1]}
    changed = rules["marketdata_stale"]

    assert shipped.keys() - {"run_lost"} == rules.keys()
    assert (240.0, Severity.P2, PAGING | {RulePhase.CLOSED}) == (
        changed.wait_seconds,
        changed.severity,
        changed.phases,
    )
    assert Condition(Source.FEED, jobs=frozenset({Job.LKG_CAPTURE})) == changed.when
    assert (shipped["marketdata_stale"].summary, True) == (changed.summary, changed.follows)


def test_the_texts_of_a_p0_may_be_changed(write):
    """R11.4: who reads them may want their own words."""
    path = write("rules:\n- {rule: execution_evidence, about: ours, runbook: KILL_SWITCH}\n")
    rule = load_rules(path)[1][0]

    assert ("execution_evidence", "ours", "KILL_SWITCH", Severity.P0) == (
        rule.name,
        rule.about,
        rule.runbook,
        rule.severity,
    )


@pytest.mark.parametrize(
    "said",
    ["disabled: true", "severity: P1", "for: 1s", "phases: [open]", "hold: 1s", "follows: true",
     "when: {source: run}"],
)  # fmt: skip
def test_no_override_touches_a_p0(write, said):
    """R11.4: neither removed, delayed nor lowered, in any way."""
    path = write(f"rules:\n- rule: execution_evidence\n  {said}\n")
    (problem,) = refusals(load_rules, path)

    assert problem.startswith(
        f"line 3: rules[0].{said.partition(':')[0]}: execution_evidence is P0"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{}", "line 1: there is no list of rules (write `rules: []` for none)"),
        ("rules:\n- {rule: a}", "line 2: rules[0].rule: a is a new rule, and has no severity"),
        ("rules:\n- {rule: A-b}", "line 2: rules[0].rule: 'A-b' is no name of a rule"),
        ("rules:\n- {rule: run_lost, for: soon}", "line 2: rules[0].for: 'soon' is no time"),
        ("rules:\n- {rule: run_lost, for: 30h}", "108000 s is too long (write at most 1440m)"),
        ("rules:\n- {rule: run_lost, hold: 2h}", "7200 s is too long (write at most 60m)"),
        ("rules:\n- {rule: run_lost, fro: 1s}", "unknown key 'fro' (did you mean 'for'?)"),
        ("rules:\n- {rule: run_lost, follows: yes}", "rules[0].follows: must be true or false"),
        ("rules:\n- {rule: run_lost, runbook: TIMOUT}", "'TIMOUT' is no reason code (did you mean"),
        ("rules:\n- {rule: run_lost, summary: '{who}'}", "there is no field 'who' (known are:"),
        ("rules:\n- {rule: run_lost, summary: '{who'}", "its braces do not match"),
        ("rules:\n- {rule: run_lost, when: {source: x}}", "'x' is none of alarm, feed"),
        (
            "rules:\n- {rule: run_lost, when: {codes: [TIMEOUT]}}",
            "when.source: is missing",
        ),
        ("rules:\n- {rule: run_lost, phases: [opened]}", "'opened' is none of night, before_open"),
        ("rules:\n- {rule: run_lost, not_observed: it}", "source none and not_observed"),
        ("rules:\n- {rule: run_lost, when: {source: none}}", "source none and not_observed"),
        (
            "rules:\n- {rule: run_lost, severity: P0, for: 1s}",
            "is P0, which pages at once",
        ),
        ("rules:\n- {rule: run_lost}\n- {rule: run_lost}", "'run_lost' is listed twice"),
        ("rules: 3", "rules: must be a list"),
    ],
)
def test_what_is_wrong_with_rules_is_named_by_file_line_and_key(write, text, problem):
    """R11.4: all of it at once, with what to do."""
    found = refusals(load_rules, write(text))

    assert any(problem in each for each in found), found


def test_a_new_rule_that_is_disabled_is_no_rule(write):
    """It may wait in the file for its day."""
    path = write(NEW + "  disabled: true\n")

    assert [r.name for r in load_rules()[1]] == [r.name for r in load_rules(path)[1]]


def test_waivers_are_read(write):
    """R11.8: each with its code, its subject, its end, who and why."""
    path = write(
        "waivers:\n- {code: TIMEOUT, subject: ops-ui, until: 2026-12-01T16:00-05:00,"
        " who: me, why: it moves}\n"
    )
    (waiver,) = load_waivers(path)[1]

    assert datetime(2026, 12, 1, 21, 0, tzinfo=UTC) == waiver.until
    assert ("TIMEOUT", "ops-ui", "me", "it moves") == (
        waiver.code,
        waiver.subject,
        waiver.who,
        waiver.why,
    )


WAIVER = "- {code: TIMEOUT, subject: a, until: 2026-12-01T21:00:00Z, who: me, why: known}\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{}", "there is no list of waivers"),
        (f"waivers:\n{WAIVER}{WAIVER}", "line 3: waivers[1].code: 'TIMEOUT a' is listed twice"),
        (
            "waivers:\n- {code: TIMEOUT, subject: a, who: me, why: known}",
            "line 2: waivers[0].until: is missing (add until)",
        ),
        ("waivers:\n" + WAIVER.replace("Z", ""), "is no instant with its zone"),
        ("waivers:\n" + WAIVER.replace("TIMEOUT", "NONE"), "'NONE' is no reason code"),
        (
            "waivers:\n" + WAIVER.replace("TIMEOUT", "EXECUTION_EVIDENCE"),
            "line 2: waivers[0].code: EXECUTION_EVIDENCE is P0, and a P0 is never waived",
        ),
    ],
)
def test_what_is_wrong_with_waivers_is_named(write, text, problem):
    """R11.8: without an end, without a reason, or of a P0 there is none."""
    found = refusals(load_waivers, write(text, "waivers.yaml"))

    assert any(problem in each for each in found), found


def test_both_files_are_told_at_once(write):
    """A start shows everything that has to be mended."""
    rules, waivers = write("{}"), write("{}", "waivers.yaml")
    with pytest.raises(ConfigurationError) as caught:
        load_alert_rules(rules, waivers)

    assert ["there is no list of rules", "there is no list of waivers"] == [
        p.problem for p in caught.value.problems
    ]


def test_without_files_the_shipped_rules_are_in_force(write):
    """And no waiver; an empty file of rules changes nothing."""
    plain = load_alert_rules(None, None)
    same = load_alert_rules(write("rules: []\n"), write("waivers: []\n", "waivers.yaml"))

    assert plain == same
    assert SHIPPED.name == "rules.yaml"
