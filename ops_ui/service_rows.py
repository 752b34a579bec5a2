"""The services as the Floor lists them: what is wrong first, what waits below its cause. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ops_ui.answers import Agent, Agents, Line, Posture, Reason, Span, Timeline
from ops_ui.formats import GLYPHS, clock_short, clock_time, instant_of, pods_text
from ops_ui.mission_control_client import Missed
from ops_ui.strips import ALARMS, KNOWN

HOUR = timedelta(hours=1)
FOLDED_FROM = 4
"""So many services that wait for one cause are folded into one line below it."""
_WORST_FIRST = ("HALTED", "UNKNOWN", "OFFLINE", "DEGRADED", "MARKET_CLOSED", "OK")
_RUNNING_CODES = frozenset({"EXECUTION_EVIDENCE", "CONTRADICTION"})
"""What leads at an execution service that runs although it must be off."""
_NO_REASON = Reason.model_validate({})
_MOST_BARS = 120
_EXPECTED = {
    "KILL_SWITCH": "kill switch",
    "EXECUTION_PROVEN_OFF": "proven off",
    "CONTRACT_NOT_OFFERED": "liveness only",
    "UNOBSERVED": "watched by others, or by its pods",
    "MARKETDATA_STALE": "the market is closed",
    "MARKETDATA_MISSING": "the market is closed",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of an hour's strip, in percent of its width; `look` are CSS classes."""

    x: float
    width: float
    look: str
    words: str


@dataclass(frozen=True, slots=True)
class HourStrip:
    """A service's last hour: what it was, and all of it in words."""

    bars: tuple[Bar, ...]
    words: str


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """One line of the table of services; `age` is that of its evidence in seconds."""

    name: str
    state: str
    glyph: str
    expected: bool
    look: str
    severity: str
    code: str
    detail: str
    owner: str
    criticality: str
    age: float | None
    since: str
    strip: HourStrip
    kind: str = ""
    answer: str = ""
    pods: str = ""
    waits_for: str = ""
    dependents: tuple["ServiceRow", ...] = ()
    lasts: float | None = None

    @property
    def href(self) -> str:
        """Return what its page is named by; empty for what is no service."""
        return "" if self.kind == "cause" else self.name


def see_services(
    agents: Agents | Missed, timeline: Timeline | Missed, posture: Posture
) -> tuple[ServiceRow, ...]:
    """Return every service, what is wrong first, each that waits below its cause."""
    if isinstance(agents, Missed):
        return ()
    lines = {} if isinstance(timeline, Missed) else {ln.agent_name: ln for ln in timeline.agents}
    at = instant_of(posture.at)
    missing = HourStrip((), "history not read" if isinstance(timeline, Missed) else "no history")
    rows = [_row(a, lines, at, missing) for a in agents.agents]
    rows.sort(key=_worst_first)
    return tuple(_fold(rows, posture))


def _fold(rows: Sequence[ServiceRow], posture: Posture) -> Sequence[ServiceRow]:
    waiting = dict[str, list[ServiceRow]]()
    for row in rows:
        if row.waits_for and not row.expected:
            waiting.setdefault(row.waits_for, []).append(row)
    listed = {row.name for row in rows if not (row.waits_for and not row.expected)}
    causes = [_cause(name, posture) for name in waiting if name not in listed]
    heads = [r for r in rows if not (r.waits_for and not r.expected)]
    heads = sorted([*causes, *heads], key=lambda r: (r.expected, r.severity != "P0"))
    folded = list[ServiceRow]()
    for head in heads:
        below = waiting.get(head.name, [])
        if len(below) >= FOLDED_FROM:
            folded.append(replace(head, dependents=tuple(below)))
        else:
            folded += [head, *below]
    return folded


def _cause(subject: str, posture: Posture) -> ServiceRow:
    """Return a line for a cause that is no service, such as the cluster."""
    reason = next((r for r in posture.reasons if r.subject == subject), _NO_REASON)
    return ServiceRow(
        name=subject,
        state="NOT SEEN",
        glyph="✕",
        expected=False,
        look="halted",
        severity=reason.severity or "P1",
        code=reason.code,
        detail=reason.told,
        owner=", ".join(posture.root_cause.owners[:1]) if posture.root_cause else "",
        criticality="",
        age=None,
        since=clock_time(reason.since or posture.since),
        strip=HourStrip((), "no history"),
        kind="cause",
    )


def shown_state(agent: Agent) -> tuple[str, str]:
    """Return the state that is shown, with its glyph: what must be off and runs is RUNNING."""
    lead = agent.reasons[0] if agent.reasons else _NO_REASON
    runs = agent.kind == "execution" and lead.code in _RUNNING_CODES
    if runs and lead.severity == "P0":
        return "RUNNING (must be off)", GLYPHS["HALTED"]  # whatever its port says
    state = agent.state if agent.state in GLYPHS else "UNKNOWN"
    return state, GLYPHS[state]


def _row(
    agent: Agent, lines: Mapping[str, Line], at: datetime | None, missing: HourStrip
) -> ServiceRow:
    (state, glyph), expected = shown_state(agent), agent.expected is True
    lead = agent.reasons[0] if agent.reasons else _NO_REASON
    code = lead.code or next(iter(agent.reported_codes), "")
    severity = lead.severity or "P2"
    if state == "UNKNOWN" and expected and code == "UNOBSERVED":
        state = "UNOBSERVED"
    waits = agent.waits_for or ""
    look = "halted" if severity == "P0" else state.lower().replace("_", "-")
    line = lines.get(agent.agent_name)
    begun = instant_of(agent.since)
    return ServiceRow(
        name=agent.agent_name or "(unnamed)",
        state=state,
        glyph=glyph,
        expected=expected,
        look="calm" if expected else "waits" if waits else look,
        severity=severity,
        code=code,
        detail=_detail(agent, lead, code, expected=expected),
        owner=agent.owner,
        criticality=agent.criticality,
        age=None if agent.evidence_age_seconds is None else float(agent.evidence_age_seconds),
        since=clock_time(agent.since),
        strip=missing if line is None or at is None else hour_strip(line, at),
        kind=agent.kind,
        answer=_answer(agent),
        pods=pods_text(agent.workload),
        waits_for=waits,
        lasts=None if begun is None or at is None else (at - begun).total_seconds(),
    )


def _detail(agent: Agent, lead: Reason, code: str, *, expected: bool) -> str:
    """Say in few words why; of what is as expected it is no trouble, and does not read like it."""
    if expected:
        if not code:
            return "as expected"
        return f"as expected: {_EXPECTED.get(code, code.replace('_', ' ').lower())}"
    if agent.waits_for:
        return f"waits for {agent.waits_for}"
    told = lead.sentence.removeprefix(f"{agent.agent_name}: ") or lead.detail
    return told[:1].upper() + told[1:] if told else "not as expected"


def _answer(agent: Agent) -> str:
    """Say how long its answer took."""
    took = agent.status_milliseconds
    if took is None:
        took = agent.health_milliseconds
    if took is None:
        return ""
    return f"{took / 1000:.1f} s" if took >= 1000 else f"{took:.0f} ms"  # noqa: PLR2004


def hour_strip(line: Line, at: datetime) -> HourStrip:
    """Draw a service's hour up to an instant; what was not watched is a gap."""
    begin = at - HOUR
    bars = [bar for s in line.segments if (bar := _bar(s, begin, at)) is not None][-_MOST_BARS:]
    gap = sum(b.width for b in bars if "c-unseen" in b.look) + 100 - sum(b.width for b in bars)
    bad = sum(b.width for b in bars if "c-unseen" not in b.look and "calm" not in b.look)
    words = f"last 60 min: {max(0.0, 100 - gap):.0f} % watched, {0.6 * bad:.0f} min unexpected"
    return HourStrip(tuple(bars), words)


def _bar(span: Span, begin: datetime, at: datetime) -> Bar | None:
    since, until = instant_of(span.begin), instant_of(span.end)
    if since is None or until is None or until <= begin or since >= at:
        return None
    x = 100 * ((max(since, begin) - begin) / HOUR)
    width = 100 * ((min(until, at) - begin) / HOUR) - x
    known = span.watched is True and span.state in KNOWN
    classes = [f"c-{span.state.lower().replace('_', '-')}" if known else "c-unseen"]
    if known and span.reason_code in ALARMS:
        classes.append("c-alarm")
    if known and span.expected is True:
        classes.append("calm")
    if not known:
        words = f"from {clock_short(span.begin)}: not watched"
    else:
        expected = "as expected" if span.expected is True else "UNEXPECTED"
        code = f", {span.reason_code}" if span.reason_code else ""
        words = f"from {clock_short(span.begin)}: {span.state}, {expected}{code}"
    return Bar(round(x, 2), round(max(width, 0.6), 2), " ".join(classes), words)


def _worst_first(row: ServiceRow) -> tuple[bool, bool, int, str]:
    rank = _WORST_FIRST.index(row.state) if row.state in _WORST_FIRST else 0
    return (row.expected, row.severity != "P0", rank, row.name)


def only(rows: Sequence[ServiceRow], show: str) -> Sequence[ServiceRow]:
    """Return the rows that a filter asks for: `unexpected`, `critical`, else all."""
    if show == "unexpected":
        return [r for r in rows if not r.expected]
    if show == "critical":
        return [r for r in rows if r.criticality == "critical" or r.kind == "cause"]
    return rows
