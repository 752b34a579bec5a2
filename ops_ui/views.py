"""Documents in, what a page shows out. Pure. What is missing is never green."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from ops_ui.day_plan import DayPlan, see_day
from ops_ui.instants import clock_time
from ops_ui.mission_control_client import Document, Failure, Missed
from ops_ui.notes import ReadinessNote, cluster_name, cluster_note, pods_text, readiness_note
from ops_ui.strips import Strip, missing_strip, strips_of

GLYPHS = {
    "OK": "●",
    "MARKET_CLOSED": "◐",
    "HALTED": "■",
    "DEGRADED": "▲",
    "OFFLINE": "○",
    "UNKNOWN": "?",
}
_WORST_FIRST = ("HALTED", "UNKNOWN", "OFFLINE", "DEGRADED", "MARKET_CLOSED", "OK")
RUNNING_CODES = frozenset({"EXECUTION_EVIDENCE", "CONTRADICTION"})
"""What leads at an execution service that runs although it must be off."""
VERDICTS = frozenset({"OK", "MARKET_CLOSED", "HALTED"})

FAILURES = {
    Failure.DOWN: ("OFFLINE", "Mission Control does not answer"),
    Failure.SLOW: ("SLOW", "Mission Control takes too long to answer"),
    Failure.RESTARTING: ("RESTARTING", "Mission Control is starting, stopping or stalled"),
    Failure.GARBAGE: ("UNREADABLE", "Mission Control answers something that cannot be read"),
}


NOT_ASKED = Missed(Failure.DOWN, "not asked")
NOT_KNOWN = readiness_note(NOT_ASKED)


@dataclass(frozen=True, slots=True)
class Banner:
    """The first pixel: glyph, word, what stands beside it, and the look (a CSS class)."""

    look: str
    glyph: str
    word: str
    beside: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Give the banner as a window's title."""
        return f"{self.glyph} {self.word}"


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """One line of the table of services."""

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
    strip: Strip
    pods: str = ""


@dataclass(frozen=True, slots=True)
class FloorView:
    """Everything that the Floor page shows; `live` is False where only an old view is left."""

    banner: Banner
    label: str
    live: bool
    detail: str
    posture: Document
    services: tuple[ServiceRow, ...]
    events: tuple[Document, ...]
    at: str
    at_et: str
    readiness: ReadinessNote = NOT_KNOWN
    day: DayPlan | None = None
    events_missed: str = ""

    @property
    def nothing_wrong(self) -> str:
        """
        Say what it means that no reason is given.

        "All is seen" is said only where it is so: not above an alarm that was not cleared, nor
        where required evidence has no age; what was not obtained besides is counted.
        """
        alarms, coverage = self.posture.get("accusations"), self.posture.get("coverage")
        gaps = cast("Document", coverage).get("gaps") if isinstance(coverage, Mapping) else None
        if alarms != []:
            return "None that counts now. Alarms that have not been cleared are listed below."
        if gaps is None or not isinstance(self.posture.get("evidence_age_seconds"), int | float):
            return "None that counts now. Not everything that was asked for was obtained."
        whole = "None: all required evidence is seen, fresh and consistent."
        count = len(cast("list[object]", gaps)) if isinstance(gaps, list) else 0
        return f"{whole} Of what is not required, {count} not obtained." if count else whole

    @property
    def cluster(self) -> str:
        """Name the cluster that is read, in short."""
        return cluster_name(self.posture)

    @property
    def cluster_note(self) -> str:
        """Say beside the cluster's name how much of it was seen; nothing missing is never green."""
        return cluster_note(self.posture)


def see_floor(
    posture: Document | Missed,
    agents: Document | Missed,
    events: Document | Missed,
    timeline: Document | Missed,
    readiness: Document | Missed = NOT_ASKED,
    schedule: Document | Missed | None = None,
) -> FloorView:
    """
    Turn the answers into the page.

    A posture that was missed, or lacks what a verdict needs, is a failure with a look of its
    own; services that were missed make the page not live, and are never left out in silence.
    """
    checked = check_posture(posture)
    if isinstance(checked, Missed):
        return see_failure(checked)
    told = () if isinstance(events, Missed) else _mappings(events.get("events"))
    strips = strips_of(timeline, "last 24 hours")
    rows = _services(agents, strips, missing_strip(timeline))
    detail = ""
    if isinstance(agents, Missed):
        detail = f"The services could not be read: {agents.detail}."
    return FloorView(
        banner=_banner(checked),
        label=_text(checked.get("label")),
        live=not isinstance(agents, Missed),
        detail=detail,
        posture=checked,
        services=rows,
        events=tuple(e for e in told if e.get("type") != "mission_control.poll")[:12],
        at=_text(checked.get("at")),
        at_et=_text(checked.get("at_et")),
        readiness=readiness_note(readiness),
        day=see_day(schedule) if schedule is not None else None,
        events_missed=events.detail if isinstance(events, Missed) else "",
    )


def see_failure(missed: Missed) -> FloorView:
    """Show that Mission Control gave no usable answer, and how that failed."""
    word, sentence = FAILURES[missed.failure]
    banner = Banner(f"failure-{missed.failure.value.lower()}", "✕", word, (sentence,))
    return FloorView(
        banner, "", live=False, detail=missed.detail, posture={}, services=(), events=(),
        at="", at_et="",
    )  # fmt: skip


def check_posture(posture: Document | Missed) -> Document | Missed:
    """Give a posture that has what a verdict needs, else say that it is garbage."""
    if isinstance(posture, Missed):
        return posture
    wrong = [
        name
        for name, kind in (
            ("posture", str),
            ("expected", bool),
            ("reasons", list),
            ("at", str),
            ("session", dict),
            ("kill_switch", dict),
        )
        if not isinstance(posture.get(name), kind)
    ]
    if wrong or posture["posture"] not in VERDICTS:
        missing = ", ".join(wrong) or "a verdict that is known"
        return Missed(Failure.GARBAGE, f"its posture lacks {missing}")
    return posture


def _banner(posture: Document) -> Banner:
    verdict, expected = _text(posture["posture"]), posture["expected"] is True
    reasons = _mappings(posture["reasons"])
    nothing: Document = {}
    lead = reasons[0] if reasons else nothing
    doubt = "" if posture.get("confirmed", True) else "not confirmed yet: asked again in a second"
    beside = [p for p in (_text(lead.get("severity")), _text(lead.get("code")), doubt) if p]
    if since := clock_time(posture.get("since")):
        beside.append(f"since {since}")
    age = posture.get("evidence_age_seconds")
    known = isinstance(age, int | float)
    beside.append(f"evidence {age:.0f} s old" if known else "evidence incomplete")
    look = {"OK": "ok", "MARKET_CLOSED": "closed", "HALTED": "halted"}[verdict]
    word = verdict.replace("_", " ") + ("" if expected else " (unexpected)")
    needs = posture.get("safety")
    judged = cast("Document", needs).get("judged") if isinstance(needs, Mapping) else True
    if verdict != "HALTED" and judged is not True:
        word += " · safety not judged"
    return Banner(look if expected or verdict == "HALTED" else f"{look} unexpected",
                  GLYPHS[verdict], word, tuple(beside))  # fmt: skip


def _services(
    agents: Document | Missed, strips: Mapping[str, Strip], missing: Strip
) -> tuple[ServiceRow, ...]:
    if isinstance(agents, Missed):
        return ()
    rows = [_row(a, strips, missing) for a in _mappings(agents.get("agents"))]
    return tuple(sorted(rows, key=_worst_first))


def _row(agent: Document, strips: Mapping[str, Strip], missing: Strip) -> ServiceRow:
    state = _text(agent.get("state"))
    state = state if state in GLYPHS else "UNKNOWN"
    glyph = GLYPHS[state]
    expected = agent.get("expected") is True
    reasons = _mappings(agent.get("reasons"))
    nothing: Document = {}
    lead = reasons[0] if reasons else nothing
    code = _text(lead.get("code"))
    severity = _text(lead.get("severity")) or "P2"
    reported = agent.get("reported_codes")
    if not code and isinstance(reported, list) and reported:
        code = _text(cast("list[object]", reported)[0])
    if agent.get("kind") == "execution" and code in RUNNING_CODES and severity == "P0":
        state, glyph = "RUNNING (must be off)", GLYPHS["HALTED"]  # whatever its port says
    if state == "UNKNOWN" and expected and code == "UNOBSERVED":
        state = "UNOBSERVED"
    owner = agent.get("owner")
    age = agent.get("evidence_age_seconds")
    name = _text(agent.get("agent_name"))
    return ServiceRow(
        name=name or "(unnamed)",
        state=state,
        glyph=glyph,
        expected=expected,
        look=_row_look(state, severity, expected=expected),
        severity=severity,
        code=code,
        detail=_text(lead.get("detail")),
        owner=_text(cast("Document", owner).get("primary")) if isinstance(owner, dict) else "",
        criticality=_text(agent.get("criticality")),
        age=float(age) if isinstance(age, int | float) else None,
        since=clock_time(agent.get("since")),
        strip=strips.get(name, missing),
        pods=pods_text(agent.get("workload")),
    )


def _row_look(state: str, severity: str, *, expected: bool) -> str:
    if expected:
        return "calm"
    return "halted" if severity == "P0" else state.lower().replace("_", "-")


def _worst_first(row: ServiceRow) -> tuple[bool, bool, int, str]:
    rank = _WORST_FIRST.index(row.state) if row.state in _WORST_FIRST else 0
    return (row.expected, row.severity != "P0", rank, row.name)


def _mappings(value: object) -> Sequence[Document]:
    if not isinstance(value, list):
        return ()
    return [cast("Document", v) for v in cast("list[object]", value) if isinstance(v, Mapping)]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
