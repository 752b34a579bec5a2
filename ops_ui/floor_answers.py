"""What the Floor reads besides posture and services, as typed values. Pure."""

# ruff: noqa: D101  (most classes are named as what they hold, and say no more)

from ops_ui.answers import Alarm, CountedIfSent, Flag, Labelled, Listed, Part, Text, below


class Claim(Part):
    agent_name: Text
    agent_mode: Text


class ExecutionService(Part):
    agent_name: Text
    state: Text
    expected: Flag
    reason_code: Text


class Safety(Labelled):
    """What is known of execution; lists that were not sent are not empty."""

    evidence: CountedIfSent[Alarm] = below("execution_evidence")
    services: CountedIfSent[ExecutionService] = below("execution_services")
    claims: CountedIfSent[Claim]
    execution: Text = below("needs", "execution")
    switch_required: Flag = below("needs", "kill_switch_required")
    fresh: Flag = below("marketdata", "all_critical_fresh")


class RunbookEntry(Part):
    code: Text
    title: Text
    subject: Text
    first_step: Text


class Runbooks(Labelled):
    subjects: Listed[str]
    runbooks: Listed[RunbookEntry]
