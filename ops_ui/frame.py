"""
What frames every page: fleet, ways with counts of what is wrong there, clock, whether it lives.

What is not known is counted as `?` and never as nothing.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from ops_ui.alert_answers import Alerts
from ops_ui.alerts import see_alerts
from ops_ui.answers import Agents, Posture, Schedule
from ops_ui.formats import instant_of, new_york
from ops_ui.mission_control_client import Missed, MissionControlClient
from ops_ui.record_answers import Readiness
from ops_ui.schedule import see_day

LIVE_SECONDS = 26.0
"""A decision older than this is not called live; the page's own guard waits as long."""


@dataclass(frozen=True, slots=True)
class Way:
    """
    One entry of the navigation; `pages` are those that it leads to.

    `count` is what is wrong there, empty where nothing is; `words` say it in full.
    """

    href: str
    title: str
    pages: tuple[str, ...]
    count: str = ""
    words: str = ""
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """
    What stands above a page.

    `now` is Mission Control's own time in UTC, `age` that of its newest decision in seconds. A
    frame that is not live says `why`. `restart` says that the fleet file changed since the start,
    and only a restart takes it; empty where it did not. One of the past has its instant `at`, is
    labelled `as_of`, and has no counts.
    """

    ways: tuple[Way, ...]
    fleet: str = ""
    services: str = ""
    now: str = ""
    age: float | None = None
    why: str = ""
    label: str = ""
    at: str = ""
    as_of: str = ""
    restart: str = ""

    @property
    def marks(self) -> tuple[str, ...]:
        """Return what marks the page in its title: DEMO, AS OF."""
        return tuple(mark for mark in (self.label, self.as_of) if mark)

    @property
    def more(self) -> tuple[Way, ...]:
        """Return the ways that stand behind one word."""
        return MORE

    def title_of_more(self, here: str) -> str:
        """Return the title of the way behind that word which leads to a page; empty for none."""
        return next((way.title for way in MORE if here in way.pages), "")

    @property
    def live(self) -> bool:
        """Return whether it shows the present."""
        return self.why == "" and self.at == ""


@dataclass(frozen=True, slots=True)
class Present:
    """What every page asks about the present, and Mission Control's time as it answered."""

    posture: Posture | Missed
    agents: Agents | Missed
    readiness: Readiness | Missed
    schedule: Schedule | Missed
    alerts: Alerts | Missed
    now: str = ""


async def ask_present(client: MissionControlClient) -> Present:
    """Ask for all of it at once."""
    posture, agents, readiness, schedule, alerts = await asyncio.gather(
        client.ask("/api/v1/posture", Posture),
        client.ask("/api/v1/agents", Agents),
        client.ask("/api/v1/readiness/latest", Readiness),
        client.ask("/api/v1/schedule", Schedule),
        client.ask("/api/v1/alerts", Alerts),
    )
    return Present(posture, agents, readiness, schedule, alerts, client.time)


def see_frame(present: Present, label: str) -> Frame:
    """Frame a page of the present."""
    posture = present.posture
    if isinstance(posture, Missed):
        return lost_frame(posture.detail, present.now, label)
    age = _age(posture.at, present.now)
    return Frame(
        tuple(_ways(present)),
        posture.fleet_source.removesuffix(".yaml").removesuffix(".yml"),
        _counted(posture.fleet_agents, "service"),
        present.now,
        age,
        _why_not_live(age),
        posture.label or label,
        restart=posture.restart_needed,
    )


def lost_frame(why: str, now: str, label: str) -> Frame:
    """Frame a page that knows nothing of the present, and say why."""
    return Frame(_bare_ways(), now=now, why=why, label=label)


def past_frame(at: str, as_of: str, label: str) -> Frame:
    """Frame a page of the instant `at`, labelled so; what is wrong now is no part of it."""
    told = as_of.removeprefix(f"{label} · ") or f"AS OF {new_york(at)}"
    return Frame(_bare_ways(), label=label, at=at, as_of=told)


def _age(at: str, now: str) -> float | None:
    decided, asked = instant_of(at), instant_of(now)
    return None if decided is None or asked is None else (asked - decided).total_seconds()


def _why_not_live(age: float | None) -> str:
    if age is None:
        return "the age of its newest decision is not known"
    return f"its newest decision is {age:.0f} s old" if abs(age) > LIVE_SECONDS else ""


def _ways(present: Present) -> Iterator[Way]:
    counted = (
        _services_way(present.agents),
        _readiness_way(present.readiness),
        _alerts_way(present.alerts),
        _schedule_way(present.schedule),
    )
    known = {way.href: way for way in counted}
    return (known.get(way.href, way) for way in _bare_ways())


def _bare_ways() -> tuple[Way, ...]:
    return (
        _FLOOR,
        _READINESS,
        Way("/deploys", "Changes", ("deploys", "diff")),
        _ALERTS,
        _SCHEDULE,
        Way("/events", "History", ("events",)),
        Way("/evidence", "Evidence", ("evidence",)),
        Way("/runbooks", "Runbooks", ("runbooks", "runbook")),
    )


MORE = (
    Way("/floors", "Floors", ("floors",)),
    Way("/brief", "Brief", ("brief",)),
    Way("/evidence-now", "How do you know", ("evidence-now",)),
    Way("/map", "Map", ("map",)),
    Way("/slo", "SLO", ("slo",)),
    Way("/lkg", "LKG", ("lkg", "lkg-diff")),
    Way("/attestation", "Attestation", ("attestation",)),
    Way("/artifacts", "Artifacts", ("artifacts", "artifact")),
    Way("/replays", "Replays", ("replays", "replay", "replay-diff")),
    Way("/wall", "Wall", ("wall",)),
)
"""What is asked for less often; it stands behind one word, and nothing is counted there."""


_FLOOR = Way("/", "Floor", ("floor", "service"))
_READINESS = Way("/readiness", "Readiness", ("readiness",))
_ALERTS = Way("/alerts", "Alerts", ("alerts",))
_SCHEDULE = Way("/schedule", "Schedule", ("schedule",))


def _with(way: Way, count: str, words: str, *, bad: bool = True) -> Way:
    return Way(way.href, way.title, way.pages, count, words, bad)


def _services_way(agents: Agents | Missed) -> Way:
    if isinstance(agents, Missed):
        return _with(_FLOOR, "?", "the services could not be read")
    wrong = sum(1 for agent in agents.agents if agent.expected is not True)
    return _with(_FLOOR, str(wrong), "not as expected") if wrong else _FLOOR


def _readiness_way(readiness: Readiness | Missed) -> Way:
    if isinstance(readiness, Missed):
        return _with(_READINESS, "?", "the verdict could not be read")
    if readiness.verdict == "GO":
        return _with(_READINESS, "GO", "", bad=False)
    closed = readiness.code == "SESSION_CLOSED"
    return _with(_READINESS, "NO-GO", readiness.code.replace("_", " ").lower(), bad=not closed)


def _alerts_way(alerts: Alerts | Missed) -> Way:
    """Count the alerts that page; those that would have are shown, and are no alarm."""
    view = see_alerts(alerts)
    if view.trouble:
        return _with(_ALERTS, "?", "they are not known")
    if view.paging:
        return _with(_ALERTS, str(len(view.paging)), "open")
    held = len(view.withheld)
    return _with(_ALERTS, str(held), "withheld", bad=False) if held else _ALERTS


def _schedule_way(schedule: Schedule | Missed) -> Way:
    if isinstance(schedule, Missed):
        return _with(_SCHEDULE, "?", "the plan could not be read")
    if schedule.scheduler.stalled is not False:
        return _with(_SCHEDULE, "stalled", "planned runs are not begun")
    day = see_day(schedule)
    wrong = sum(run.bad for run in (*day.rows, *day.samples, *day.carried))
    return _with(_SCHEDULE, str(wrong), "not as planned") if wrong else _SCHEDULE


def _counted(count: int | None, noun: str) -> str:
    if count is None:
        return ""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
