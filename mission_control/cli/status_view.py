"""Command line: the floor as a person reads it in a terminal, the verdict first."""

from rich.console import Group
from rich.table import Table
from rich.text import Text

from mission_control.cli.floor_answers import AgentAnswer, FloorAnswers, PostureAnswer, ReasonAnswer
from mission_control.cli.printable import printable
from mission_control.model.finding import Severity
from mission_control.model.fleet import Criticality
from mission_control.model.standing import Verdict
from mission_control.model.status_contract.rich import ServiceState

GLYPHS = {
    "OK": "●",
    "MARKET_CLOSED": "◐",
    "HALTED": "■",
    "DEGRADED": "▲",
    "OFFLINE": "○",
    "UNKNOWN": "?",
}
"""Beside each colour stands a shape, and beside each shape its word."""

WORST_FIRST = (
    ServiceState.HALTED,
    ServiceState.UNKNOWN,
    ServiceState.OFFLINE,
    ServiceState.DEGRADED,
    ServiceState.MARKET_CLOSED,
    ServiceState.OK,
)


def show_floor(floor: FloorAnswers) -> Group:
    """Lay out the verdict, why it is so, and the services worst first."""
    posture = floor.posture
    parts: list[Text | Table] = [_verdict(posture), _circumstances(posture)]
    if posture.reasons:
        parts += [Text(), _reasons(posture.reasons)]
    return Group(*parts, Text(), _services(floor.agents))


def _verdict(posture: PostureAnswer) -> Text:
    style = {Verdict.HALTED: "bold red", Verdict.OK: "bold green"}.get(posture.posture, "bold blue")
    age = posture.evidence_age_seconds
    parts = [
        "as expected" if posture.expected else "unexpected",
        "" if posture.confirmed else "not confirmed yet",
        posture.severity or "",
        posture.reasons[0].code if posture.reasons else "",
        f"since {posture.since_et}",
        "evidence incomplete" if age is None else f"evidence {age:.0f} s old",
        posture.label,
    ]
    head = f"{GLYPHS[posture.posture]} {printable(posture.reads or posture.posture)}"
    rest = " · ".join(printable(part) for part in parts if part)
    return Text.assemble((head, style), f" · {rest}")


def _circumstances(posture: PostureAnswer) -> Text:
    session, switch = posture.session, posture.kill_switch
    until = f" until {session.next_boundary_et}" if session.next_boundary_et else ""
    note = f" ({session.note})" if session.note else ""
    confirmed = "confirmed" if switch.confirmed else "not confirmed"
    conflicting = ", witnesses contradict each other" if switch.conflicting else ""
    parts = [
        f"session {session.phase}{until}{note}",
        f"kill switch {switch.state}, {confirmed}{conflicting}",
        f"{posture.coverage.obtained} of {posture.coverage.asked} readings",
        f"cluster {posture.cluster}",
        f"at {posture.at_et}",
    ]
    return Text(" · ".join(printable(part) for part in parts))


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns[:-1]:
        table.add_column(column, no_wrap=True)
    table.add_column(columns[-1], overflow="fold")
    return table


def _reasons(reasons: list[ReasonAnswer]) -> Table:
    table = _table("WHY", "CODE", "ABOUT", "DETAIL")
    for reason in reasons:
        severity = f"{reason.severity} halts" if reason.halts else reason.severity
        detail = reason.detail if reason.confirmed else f"not confirmed yet: {reason.detail}"
        texts = (severity, reason.code, reason.subject, detail)
        table.add_row(*(Text(printable(text)) for text in texts))
    return table


def _services(agents: tuple[AgentAnswer, ...]) -> Table:
    table = _table("STATE", "EXPECTED", "SERVICE", "KIND", "CRITICALITY", "EVIDENCE", "REASON")
    for agent in sorted(agents, key=_worst_first):
        age = agent.evidence_age_seconds
        first = agent.reasons[0] if agent.reasons else None
        style = "" if agent.expected else "red" if agent.criticality != "optional" else "yellow"
        texts = (
            "yes" if agent.expected else "NO",
            agent.agent_name,
            agent.kind,
            agent.criticality,
            "never" if age is None else f"{age:.0f} s",
            f"{first.code}: {first.detail}" if first else "",
        )
        state = Text(f"{GLYPHS[agent.state]} {agent.state}", style=style)
        table.add_row(state, *(Text(printable(text)) for text in texts))
    return table


def _worst_first(agent: AgentAnswer) -> tuple[bool, int, int, int, str]:
    severity = agent.reasons[0].severity if agent.reasons else Severity.INFO
    return (
        agent.expected,
        severity.rank,
        list(Criticality).index(agent.criticality),
        WORST_FIRST.index(agent.state),
        agent.agent_name,
    )
