"""What a fleet file adds to how execution is recognised: read as written, or refused."""

import pytest

from mission_control.configuration.fleet_file import MAX_PATTERN, MAX_PATTERNS, load_fleet
from mission_control.errors import ConfigurationError, ConfigurationErrors
from mission_control.model.execution_rules import (
    NOTHING_ADDED,
    ExecutionRules,
    Exemption,
    Switch,
    SwitchEvidence,
)
from tests.configuration.conftest import SMALLEST_FLEET

EXEMPTION = """
    - workload: { kind: Deployment, name: execution-report, namespace: trading-floor }
      image: Trader-Repo/Reports
      who: A. Operator
      why: reads what was executed, change 4711
"""
ENGINE = """
  - agent_name: engine
    kind: execution
    contract: none
    workload: { kind: Deployment, name: execution-report, namespace: trading-floor }
"""


def fleet(body, agents=""):
    """Write the smallest fleet file with something below `execution`."""
    return f"{SMALLEST_FLEET}{agents}execution:\n{body}\n"


def load(path):
    """Load a fleet file."""
    return load_fleet(path, default_interval=10, default_deadline=3)


def problems_of(path):
    """Load a file that is refused, and return its problems."""
    with pytest.raises((ConfigurationError, ConfigurationErrors)) as raised:
        load(path)
    return raised.value.problems


def test_what_a_fleet_file_adds_is_read_as_written(write):
    """Patterns, switches and exemptions; names are compared in lower case with hyphens."""
    body = (
        "  patterns: [Trade_Gateway, 'fix-out|smart-route']\n"
        "  switches: [{ name: ORDER_GATE, evidence: truthy }, { name: SEND, evidence: mode }]\n"
        f"  exemptions:{EXEMPTION}"
    )
    entry = Exemption(
        "trading-floor",
        "Deployment",
        "execution-report",
        "trader-repo/reports",
        "A. Operator",
        "reads what was executed, change 4711",
    )

    assert (
        ExecutionRules(
            ("trade-gateway", "fix-out|smart-route"),
            (Switch("ORDER_GATE", SwitchEvidence.TRUTHY), Switch("SEND", SwitchEvidence.MODE)),
            (entry,),
        )
        == load(write(fleet(body))).execution
    )


def test_a_fleet_file_need_say_nothing(write):
    """What holds everywhere holds without a word."""
    assert NOTHING_ADDED == load(write(SMALLEST_FLEET)).execution
    assert NOTHING_ADDED == load(write(fleet("  patterns: []"))).execution


def test_what_is_added_is_in_the_digest(write):
    """Another exemption is another fleet."""
    assert load(write(SMALLEST_FLEET)).digest != load(write(fleet("  patterns: [abc]"))).digest


REFUSED = [
    ("  patterns: ['(a+)+$']", "execution.patterns[0]", "no pattern of words"),
    ("  patterns: ['a*']", "execution.patterns[0]", "no pattern of words"),
    ("  patterns: ['.']", "execution.patterns[0]", "no pattern of words"),
    ("  patterns: [abc, 'abc|']", "execution.patterns[1]", "no pattern of words"),
    ("  patterns: [ab]", "execution.patterns[0]", "no pattern of words"),
    (f"  patterns: [{'a' * (MAX_PATTERN + 1)}]", "execution.patterns[0]", "no usable text"),
    (f"  patterns: [{', '.join(['abc'] * (MAX_PATTERNS + 1))}]", "execution.patterns", "at most"),
    ("  patterns: [1]", "execution.patterns[0]", "must be text"),
    ("  patterns: [execution]", "execution.patterns[0]", "recognised in any case"),
    ("  pattern: [abc]", "execution", "unknown key"),
    ("  switches: [{ name: A_GATE }]", "execution.switches[0].evidence", "is missing"),
    ("  switches: [{ evidence: mode }]", "execution.switches[0].name", "is missing"),
    (
        "  switches: [{ name: A_GATE, evidence: kill_switch }]",
        "execution.switches[0].evidence",
        "none of",
    ),
    ("  switches: [{ name: a gate, evidence: mode }]", "execution.switches[0].name", "upper case"),
    (
        "  switches: [{ name: AGENT_MODE, evidence: falsy }]",
        "execution.switches[0].name",
        "watched already",
    ),
    (
        "  switches: [{ name: A, evidence: mode }, { name: A, evidence: falsy }]",
        "execution.switches[1].name",
        "watched already",
    ),
    (
        f"  exemptions:{EXEMPTION.replace('who: A. Operator', '')}",
        "execution.exemptions[0].who",
        "",
    ),
    (
        f"  exemptions:{EXEMPTION.replace('Deployment', 'Pot')}",
        "execution.exemptions[0]",
        "none of",
    ),
    ("  exemptions: [{ image: x, who: y, why: z }]", "execution.exemptions[0].workload", "missing"),
]


@pytest.mark.parametrize(("body", "key", "said"), REFUSED, ids=[r[0].strip()[:50] for r in REFUSED])
def test_what_is_not_meant_is_refused_with_its_place(write, body, key, said):
    """Each problem names the file, the line, the key, and what to write instead."""
    problems = problems_of(write(fleet(body)))

    assert [key] == sorted({p.key[: len(key)] for p in problems})
    assert any(said in p.problem for p in problems)
    assert all(":" in p.where for p in problems)


def test_what_the_inventory_calls_execution_cannot_be_exempted(write):
    """The file may not say of one workload both that it executes and that it does not."""
    problems = problems_of(write(fleet(f"  exemptions:{EXEMPTION}", ENGINE)))

    assert ["execution.exemptions[0].workload"] == [p.key for p in problems]
    assert "the inventory itself says" in problems[0].problem


def test_a_mistake_in_one_exemption_hides_nothing_of_another(write):
    """An exemption of an agent is refused beside one that is no mapping."""
    problems = problems_of(write(fleet(f"  exemptions:{EXEMPTION}    - none", ENGINE)))

    assert ["execution.exemptions[0].workload", "execution.exemptions[1]"] == [
        p.key for p in problems
    ]
    assert "the inventory itself says" in problems[0].problem
    assert "must be a mapping, and is text" == problems[1].problem
