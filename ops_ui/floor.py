"""
The Floor, now or as it was: answers in, what the page shows out. What is missing is never green.

It remembers the last floor that was whole, to be shown as old, never as live.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from ops_ui.alert_answers import Alerts
from ops_ui.alerts import AlertsView, see_alerts
from ops_ui.answers import Agent, Agents, Event, Events, Posture, Reason, Schedule, Timeline
from ops_ui.formats import GLYPHS, clock_time, pods_text
from ops_ui.frame import Frame, ask_present, see_frame
from ops_ui.mission_control_client import Failure, Missed, MissionControlClient
from ops_ui.record_answers import Readiness
from ops_ui.schedule import DayPlan, see_day
from ops_ui.strips import DAY_STEP, Strip, missing_strip, strips_of

_WORST_FIRST = ("HALTED", "UNKNOWN", "OFFLINE", "DEGRADED", "MARKET_CLOSED", "OK")
_RUNNING_CODES = frozenset({"EXECUTION_EVIDENCE", "CONTRADICTION"})
"""What leads at an execution service that runs although it must be off."""
_FAILURES = {
    Failure.DOWN: ("OFFLINE", "Mission Control does not answer"),
    Failure.SLOW: ("SLOW", "Mission Control takes too long to answer"),
    Failure.RESTARTING: ("RESTARTING", "Mission Control is starting, stopping or stalled"),
    Failure.GARBAGE: ("UNREADABLE", "Mission Control answers something that cannot be read"),
}
_LOOKS = {"OK": "ok", "MARKET_CLOSED": "closed", "HALTED": "halted"}
_EVENTS = 12
_NO_REASON = Reason.model_validate({})
_NOT_ASKED = Missed(Failure.DOWN, "not asked")

STRIPS_KEEP_SECONDS = 60.0
"""A cell of a strip is half an hour: asking for them with each refresh would gain nothing."""
STRIPS_PAUSES_SECONDS = (10.0, 20.0, 40.0, 60.0, 120.0)
"""After each failure in a row: what has no answer now is not helped by being asked again."""


@dataclass(frozen=True, slots=True)
class Banner:
    """The first pixel: glyph, word, what is beside it, and the look (a CSS class)."""

    look: str
    glyph: str
    word: str
    beside: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Return the banner as a window's title."""
        return f"{self.glyph} {self.word}"


@dataclass(frozen=True, slots=True)
class ReadinessNote:
    """The readiness verdict in few words; `look` is the end of a CSS class."""

    look: str
    glyph: str
    word: str
    note: str


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
    strip: Strip
    pods: str = ""


@dataclass(frozen=True, slots=True)
class FloorView:
    """Everything that the Floor page shows; `live` is False where only an old view is left."""

    banner: Banner
    live: bool
    detail: str
    label: str = ""
    posture: Posture | None = None
    services: tuple[ServiceRow, ...] = ()
    events: tuple[Event, ...] = ()
    at: str = ""
    at_et: str = ""
    readiness: ReadinessNote | None = None
    day: DayPlan | None = None
    alerts: AlertsView | None = None
    events_missed: str = ""
    nothing_wrong: str = ""
    cluster: str = ""
    cluster_note: str = ""


def see_floor(
    posture: Posture | Missed,
    agents: Agents | Missed,
    events: Events | Missed,
    timeline: Timeline | Missed,
    readiness: Readiness | Missed = _NOT_ASKED,
    schedule: Schedule | Missed | None = None,
    alerts: Alerts | Missed | None = None,
) -> FloorView:
    """
    Turn the answers into the page.

    A posture that was missed is a failure with a look of its own; services that were missed make
    the page not live, and are never left out in silence.
    """
    if isinstance(posture, Missed):
        word, sentence = _FAILURES[posture.failure]
        banner = Banner(f"failure-{posture.failure.value.lower()}", "✕", word, (sentence,))
        return FloorView(banner, live=False, detail=posture.detail)
    strips, missing = strips_of(timeline, "last 24 hours"), missing_strip(timeline)
    missed = isinstance(agents, Missed)
    rows = () if missed else (_row(a, strips.get(a.agent_name, missing)) for a in agents.agents)
    told = () if isinstance(events, Missed) else events.events
    return FloorView(
        banner=_banner(posture),
        label=posture.label,
        live=not missed,
        detail=f"The services could not be read: {agents.detail}." if missed else "",
        posture=posture,
        services=tuple(sorted(rows, key=_worst_first)),
        events=tuple(e for e in told if e.type != "mission_control.poll")[:_EVENTS],
        at=posture.at,
        at_et=posture.at_et,
        readiness=readiness_note(readiness),
        day=see_day(schedule) if schedule is not None else None,
        alerts=see_alerts(alerts) if alerts is not None else None,
        events_missed=events.detail if isinstance(events, Missed) else "",
        nothing_wrong=_nothing_wrong(posture),
        cluster=cluster_name(posture),
        cluster_note=cluster_note(posture),
    )


def _nothing_wrong(posture: Posture) -> str:
    """
    Say what it means that no reason is given.

    "All is seen" is said only where it is so: not above an alarm that was not cleared, nor
    where required evidence has no age; what was not obtained besides is counted.
    """
    if posture.alarms != ():
        return "None that counts now. Alarms that have not been cleared are listed below."
    if posture.gaps is None or posture.evidence_age_seconds is None:
        return "None that counts now. Not everything that was asked for was obtained."
    whole = "None: all required evidence is seen, fresh and consistent."
    count = len(posture.gaps)
    return f"{whole} Of what is not required, {count} not obtained." if count else whole


def cluster_name(posture: Posture) -> str:
    """Name the cluster in short: its context, and how its UID begins."""
    return posture.cluster_short or posture.cluster or "unknown"


def cluster_note(posture: Posture) -> str:
    """Say how much of the cluster was seen."""
    if posture.cluster == "none":
        return "not read"
    if posture.gaps is None:
        return "not known how much was seen"
    lost = sum(g.subject.startswith("cluster ") for g in posture.gaps)
    noun = "list" if lost == 1 else "lists"
    return f"{lost} {noun} NOT seen whole" if lost else "every list seen"


def readiness_note(readiness: Readiness | Missed) -> ReadinessNote:
    """Return the verdict and its session, for the Floor; only GO looks like GO."""
    if isinstance(readiness, Missed):
        return ReadinessNote("bad", "?", "not known", readiness.detail)
    date = readiness.session_date
    session = "no session" if date is None else f"session {date}"
    if readiness.verdict == "GO":
        return ReadinessNote("fine", "●", "GO", session)
    note = f"{readiness.code}, {session}" if readiness.code else session
    if readiness.code == "SESSION_CLOSED":
        return ReadinessNote("closed", "◐", "NO-GO", note)
    return ReadinessNote("bad", "■", "NO-GO", note)


def _banner(posture: Posture) -> Banner:
    verdict, expected, age = posture.verdict, posture.expected, posture.evidence_age_seconds
    lead = posture.reasons[0] if posture.reasons else _NO_REASON
    since = clock_time(posture.since)
    beside = (
        lead.severity,
        lead.code,
        "" if posture.confirmed else "not confirmed yet: asked again in a second",
        f"since {since}" if since else "",
        "evidence incomplete" if age is None else f"evidence {age:.0f} s old",
    )
    word = verdict.replace("_", " ") + ("" if expected else " (unexpected)")
    if verdict != "HALTED" and posture.safety_judged is not True:
        word += " · safety not judged"
    look = _LOOKS[verdict] + ("" if expected or verdict == "HALTED" else " unexpected")
    return Banner(look, GLYPHS[verdict], word, tuple(b for b in beside if b))


def _row(agent: Agent, strip: Strip) -> ServiceRow:
    state = agent.state if agent.state in GLYPHS else "UNKNOWN"
    glyph, expected = GLYPHS[state], agent.expected is True
    lead = agent.reasons[0] if agent.reasons else _NO_REASON
    code = lead.code or next(iter(agent.reported_codes), "")
    severity = lead.severity or "P2"
    if agent.kind == "execution" and code in _RUNNING_CODES and severity == "P0":
        state, glyph = "RUNNING (must be off)", GLYPHS["HALTED"]  # whatever its port says
    if state == "UNKNOWN" and expected and code == "UNOBSERVED":
        state = "UNOBSERVED"
    look = "halted" if severity == "P0" else state.lower().replace("_", "-")
    return ServiceRow(
        name=agent.agent_name or "(unnamed)",
        state=state,
        glyph=glyph,
        expected=expected,
        look="calm" if expected else look,
        severity=severity,
        code=code,
        detail=lead.detail,
        owner=agent.owner,
        criticality=agent.criticality,
        age=None if agent.evidence_age_seconds is None else float(agent.evidence_age_seconds),
        since=clock_time(agent.since),
        strip=strip,
        pods=pods_text(agent.workload),
    )


def _worst_first(row: ServiceRow) -> tuple[bool, bool, int, str]:
    rank = _WORST_FIRST.index(row.state) if row.state in _WORST_FIRST else 0
    return (row.expected, row.severity != "P0", rank, row.name)


@dataclass(frozen=True, slots=True)
class Shown:
    """A view to show, and, where it is a failure, the last whole one with its age (seconds)."""

    view: FloorView
    last: FloorView | None
    last_age: float | None
    frame: Frame


class FloorPage:
    """Asks for the floor, and remembers the last whole view and the strips of the last minute."""

    def __init__(self, client: MissionControlClient, seconds: Callable[[], float]) -> None:
        """Ask through this client; `seconds` never step back."""
        self._client = client
        self._seconds = seconds
        self._last: FloorView | None = None
        self._last_at = 0.0
        self._strips: Timeline | Missed = Missed(Failure.DOWN, "not asked yet")
        self._strips_until = 0.0
        self._strips_failed = 0
        self._asking_strips: asyncio.Task[Timeline | Missed] | None = None

    async def see(self) -> Shown:
        """Ask for the present, events and strips at once, and make one view."""
        present, events, strips = await asyncio.gather(
            ask_present(self._client),
            self._client.ask("/api/v1/events/recent?limit=300", Events),
            self._ask_strips(),
        )
        frame = see_frame(present, self._client.label)
        view = see_floor(
            present.posture,
            present.agents,
            events,
            strips,
            present.readiness,
            present.schedule,
            present.alerts,
        )
        now = self._seconds()
        if view.live:
            self._last, self._last_at = view, now
            return Shown(view, None, None, frame)
        if self._last is None:
            return Shown(view, None, None, frame)
        return Shown(view, self._last, now - self._last_at, frame)

    async def see_past(self, at: str) -> FloorView | Missed:
        """Ask for the floor as it was; nothing of it is remembered as the last live one."""
        ask, then = self._client.ask, urlencode({"at": at})
        posture = await ask(f"/api/v1/posture?{then}", Posture)
        if isinstance(posture, Missed):
            return posture
        events = urlencode({"until": at, "limit": str(_EVENTS)})
        timeline = urlencode({"step": str(DAY_STEP), "to": at})
        return see_floor(
            posture,
            *await asyncio.gather(
                ask(f"/api/v1/agents?{then}", Agents),
                ask(f"/api/v1/events?{events}", Events),
                ask(f"/api/v1/timeline?{timeline}", Timeline),
            ),
        )

    async def _ask_strips(self) -> Timeline | Missed:
        """
        Ask for the strips, or return those of the minute before.

        Many pages at once ask once. Strips that were missed are asked for again later and later.
        """
        if self._seconds() < self._strips_until:
            return self._strips
        if self._asking_strips is None:
            self._asking_strips = asyncio.create_task(self._ask_strips_now())
        return await asyncio.shield(self._asking_strips)

    async def _ask_strips_now(self) -> Timeline | Missed:
        try:
            self._strips = await self._client.ask(f"/api/v1/timeline?step={DAY_STEP}", Timeline)
        finally:
            self._asking_strips = None
        if isinstance(self._strips, Missed):
            pauses = STRIPS_PAUSES_SECONDS
            pause = pauses[min(self._strips_failed, len(pauses) - 1)]
            self._strips_failed += 1
        else:
            pause, self._strips_failed = STRIPS_KEEP_SECONDS, 0
        self._strips_until = self._seconds() + pause
        return self._strips
