"""
The Floor, now or as it was: answers in, what the page shows out. What is missing is never green.

It remembers the last floor that was whole, to be shown as old, never as live.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from ops_ui.access.operator import for_all
from ops_ui.alert_answers import Alerts
from ops_ui.alerts import AlertsView, see_alerts
from ops_ui.answers import Agents, Events, Posture, Schedule, Timeline
from ops_ui.asked_seldom import AskedSeldom
from ops_ui.floor_answers import Runbooks, Safety
from ops_ui.formats import asked_instant, instant_of
from ops_ui.frame import Frame, ask_present, see_frame
from ops_ui.gauges import Gauge, see_gauges
from ops_ui.happened import (
    ChangedView,
    HappenedView,
    Incidents,
    see_changed,
    see_happened,
)
from ops_ui.mission_control_client import Failure, Missed, MissionControlClient
from ops_ui.record_answers import Captures, Comparison, Readiness
from ops_ui.ribbon import Ribbon, day_path, see_ribbon
from ops_ui.schedule import DayPlan, see_day
from ops_ui.service_rows import ServiceRow, see_services
from ops_ui.time_machine import TimeMachine, ask_time_machine
from ops_ui.verdict import Banner, Verdict, failed_banner, see_verdict

_EVENTS = 60
_NOT_ASKED = Missed(Failure.DOWN, "not asked")
DAY_KEPT_SECONDS, SELDOM_KEPT_SECONDS = 20.0, 300.0
"""The day and its incidents are asked for again so often, what changes once a day so seldom."""
_LOOKED_BACK = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class FloorView:
    """Everything that the Floor page shows; `live` is False where only an old view is left."""

    banner: Banner
    live: bool
    detail: str
    label: str = ""
    posture: Posture | None = None
    verdict: Verdict | None = None
    ribbon: Ribbon | None = None
    gauges: tuple[Gauge, ...] = ()
    services: tuple[ServiceRow, ...] = ()
    happened: HappenedView | None = None
    changed: ChangedView | None = None
    at: str = ""
    at_et: str = ""
    day: DayPlan | None = None
    alerts: AlertsView | None = None
    nothing_wrong: str = ""

    @property
    def names(self) -> frozenset[str]:
        """Return the names of its services."""
        return frozenset(r.name for row in self.services for r in (row, *row.dependents) if r.href)

    @property
    def counts(self) -> tuple[int, int, int]:
        """Count the services, those not as expected, and the critical ones."""
        every = [r for row in self.services for r in (row, *row.dependents) if r.href]
        unexpected = sum(not r.expected for r in every)
        return len(every), unexpected, sum(r.criticality == "critical" for r in every)


class FloorAnswers(NamedTuple):
    """All that was asked for one Floor; what was not asked for is missed."""

    posture: Posture | Missed
    agents: Agents | Missed
    events: Events | Missed
    timeline: Timeline | Missed
    readiness: Readiness | Missed = _NOT_ASKED
    schedule: Schedule | Missed | None = None
    alerts: Alerts | Missed | None = None
    safety: Safety | Missed = _NOT_ASKED
    incidents: Incidents | Missed = _NOT_ASKED
    runbooks: Runbooks | Missed = _NOT_ASKED
    changed: ChangedView | None = None


def see_floor(told: FloorAnswers, *, past: bool = False) -> FloorView:
    """
    Turn the answers into the page.

    A posture that was missed is a failure with a look of its own; services that were missed make
    the page not live, and are never left out in silence.
    """
    posture, agents = told.posture, told.agents
    if isinstance(posture, Missed):
        return FloorView(failed_banner(posture), live=False, detail=posture.detail)
    missed = isinstance(agents, Missed)
    alerts = see_alerts(told.alerts) if told.alerts is not None else None
    day = see_day(told.schedule) if told.schedule is not None else None
    last = told.schedule.last_session if isinstance(told.schedule, Schedule) else None
    verdict = see_verdict(
        posture,
        told.runbooks,
        alerts,
        None if past else last,
        frozenset() if missed else {a.agent_name for a in agents.agents},
    )
    opened = () if isinstance(told.events, Missed) else told.events.events
    gauges = (*see_gauges(posture, agents, told.safety),)
    if not past:
        gauges = (*gauges[:4], readiness_gauge(told.readiness), *gauges[4:])
    return FloorView(
        banner=verdict.banner,
        label=posture.label,
        live=not missed,
        detail=f"The services could not be read: {agents.detail}." if missed else "",
        posture=posture,
        verdict=verdict,
        ribbon=see_ribbon(posture, told.timeline, day, opened, past=past),
        gauges=gauges,
        services=see_services(agents, told.timeline, posture),
        happened=see_happened(told.incidents, told.events, None if past else told.schedule),
        changed=told.changed,
        at=posture.at,
        at_et=posture.at_et,
        day=None if past else day,
        alerts=alerts,
        nothing_wrong=_nothing_wrong(posture, alerts),
    )


def _nothing_wrong(posture: Posture, alerts: AlertsView | None) -> str:
    """
    Say what it means that no reason is given.

    "All is seen" is said only where it is so: not above an alarm that was not cleared, nor
    where required evidence has no age; what was not obtained besides is counted.
    """
    if posture.alarms != ():
        return "None that counts now. Alarms that have not been cleared are listed below."
    if alerts is not None and (alerts.paging or alerts.trouble):
        return "None that halts. Alerts are open, or not known: they are listed beside."
    if posture.gaps is None or posture.evidence_age_seconds is None:
        return "None that counts now. Not everything that was asked for was obtained."
    whole = "None: all required evidence is seen, fresh and consistent."
    count = len(posture.gaps)
    return f"{whole} Of what is not required, {count} not obtained." if count else whole


def readiness_gauge(readiness: Readiness | Missed) -> Gauge:
    """Return the readiness verdict and why; only GO looks like GO."""
    name, href = "Readiness", "/readiness"
    if isinstance(readiness, Missed):
        return Gauge(name, "bad", "?", "not known", readiness.detail, href)
    date = readiness.session_date
    session = "no session" if date is None else f"session {date}"
    if readiness.verdict == "GO":
        return Gauge(name, "fine", "●", "GO", f"{readiness.detail or session}", href)
    code = readiness.code.replace("_", " ").lower()
    note = readiness.detail or (f"{code}, {session}" if code else session)
    if readiness.code == "SESSION_CLOSED":
        return Gauge(name, "calm", "◐", "NO-GO", note, href)
    return Gauge(name, "bad", "■", "NO-GO", note, href)


@dataclass(frozen=True, slots=True)
class Shown:
    """A view to show, and, where it is a failure, the last whole one with its age (seconds)."""

    view: FloorView
    last: FloorView | None
    last_age: float | None
    frame: Frame


class FloorPage:
    """Asks for the floor, and remembers the last whole view and what changes slowly."""

    def __init__(self, client: MissionControlClient, seconds: Callable[[], float]) -> None:
        """Ask through this client; `seconds` never step back."""
        self._client = client
        self._seconds = seconds
        self._last: FloorView | None = None
        self._last_at = 0.0
        self._since = ""
        self._seeing: asyncio.Task[Shown] | None = None
        self._machine: TimeMachine | None = None
        self._machine_until = 0.0
        day, seldom = DAY_KEPT_SECONDS, SELDOM_KEPT_SECONDS
        self._day = AskedSeldom(client, Timeline, seconds, day)
        self._events = AskedSeldom(client, Events, seconds, day)
        self._incidents = AskedSeldom(client, Incidents, seconds, day)
        self._runbooks = AskedSeldom(client, Runbooks, seconds, seldom)
        self._diff = AskedSeldom(client, Comparison, seconds, seldom)
        self._captures = AskedSeldom(client, Captures, seconds, seldom)
        self._from_good = AskedSeldom(client, Comparison, seconds, seldom)

    async def see(self) -> Shown:
        """
        Ask for the present and, where it is time, for what changes slowly, and make one view.

        Many pages that are renewed at once, as they are by news, share one.
        """
        if self._seeing is None or self._seeing.done():
            self._seeing = asyncio.create_task(self._see(), context=for_all())
        return await asyncio.shield(self._seeing)

    async def time_machine(self) -> TimeMachine:
        """Return where the time machine leads from now, of a moment ago until the posture turns."""
        if self._machine is None or self._seconds() >= self._machine_until:
            self._machine_until = self._seconds() + DAY_KEPT_SECONDS
            self._machine = await ask_time_machine(self._client)
        return self._machine

    async def _see(self) -> Shown:
        present, safety = await asyncio.gather(
            ask_present(self._client), self._client.ask("/api/v1/safety", Safety)
        )
        frame = see_frame(present, self._client.label)
        told = FloorAnswers(
            present.posture,
            present.agents,
            _NOT_ASKED,
            _NOT_ASKED,
            present.readiness,
            present.schedule,
            present.alerts,
            safety,
        )
        view = see_floor(await self._with_the_rest(told))
        now = self._seconds()
        if view.live:
            self._last, self._last_at = view, now
            return Shown(view, None, None, frame)
        if self._last is None:
            return Shown(view, None, None, frame)
        return Shown(view, self._last, now - self._last_at, frame)

    async def _with_the_rest(self, told: FloorAnswers) -> FloorAnswers:
        """Add what changes slowly; a change of the posture asks for its day again."""
        if isinstance(told.posture, Missed):
            return told
        at, turned = instant_of(told.posture.at), told.posture.since != self._since
        self._since = told.posture.since
        self._machine_until = 0.0 if turned else self._machine_until
        events = self._events.ask("/api/v1/events/recent?limit=300", now=turned)
        path = day_path(at) if at is not None else "/api/v1/timeline"
        timeline, incidents, runbooks, diff, captures, good = await asyncio.gather(
            self._day.ask(path, now=turned),
            self._incidents.ask("/api/v1/incidents", now=turned),
            self._runbooks.ask("/api/v1/runbooks"),
            self._diff.ask("/api/v1/reports/diff"),
            self._captures.ask("/api/v1/lkg"),
            self._from_good.ask("/api/v1/lkg/diff"),
        )
        changed = see_changed(diff, captures, good)
        return told._replace(
            events=await events,
            timeline=timeline,
            incidents=incidents,
            runbooks=runbooks,
            changed=changed,
        )

    async def see_past(self, at: str) -> FloorView | Missed:
        """Ask for the floor as it was; nothing of it is remembered as the last live one."""
        ask, then = self._client.ask, urlencode({"at": at})
        posture = await ask(f"/api/v1/posture?{then}", Posture)
        if isinstance(posture, Missed):
            return posture
        events = urlencode({"until": at, "limit": str(_EVENTS)})
        instant = asked_instant(at) or instant_of(posture.at)
        if instant is not None:  # it was decided before, and lasted until then
            posture = posture.model_copy(update={"at": instant.astimezone(UTC).isoformat()})
        day = day_path(instant) if instant is not None else f"/api/v1/timeline?{then}"
        before = _day_before(instant, at)
        runbooks = self._runbooks.ask("/api/v1/runbooks")
        agents, told, timeline, schedule, safety, incidents = await asyncio.gather(
            ask(f"/api/v1/agents?{then}", Agents),
            ask(f"/api/v1/events?{events}", Events),
            ask(day, Timeline),
            ask("/api/v1/schedule", Schedule),
            ask(f"/api/v1/safety?{then}", Safety),
            ask(f"/api/v1/incidents?{before}", Incidents),
        )
        answers = FloorAnswers(
            posture,
            agents,
            told,
            timeline,
            schedule=schedule,
            safety=safety,
            incidents=incidents,
            runbooks=await runbooks,
        )
        return see_floor(answers, past=True)


def _day_before(instant: datetime | None, at: str) -> str:
    if instant is None:
        return urlencode({"to": at})
    since, until = (i.astimezone(UTC).isoformat() for i in (instant - _LOOKED_BACK, instant))
    return urlencode({"from": since, "to": until})
