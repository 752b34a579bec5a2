"""What happened as incidents, and what happened apart from them. Pure."""

# ruff: noqa: D101  (most classes are named as what they hold, and say no more)

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from ops_ui.answers import (
    Count,
    Counted,
    Each,
    Flag,
    Labelled,
    List,
    Listed,
    Number,
    Part,
    Text,
    TextIfSent,
)
from ops_ui.formats import NEW_YORK, duration, instant_of

_MOST_NAME = 120
AROUND = timedelta(minutes=10)
"""The evidence of an incident is asked for from so long before it to so long after it."""


class Happened(Part):
    """An event; `sentence` says it for people."""

    type: Text
    ts: Text
    severity: Text
    message: Text
    sentence: Text
    agent_name: Text

    @property
    def told(self) -> str:
        """Return its sentence; an older server has a message alone."""
        return self.sentence or self.message


class Incident(Part):
    id: Text
    begin: Text
    end: Text
    open: Flag
    seconds: Number
    halted_seconds: Number
    severity: Text
    code: Text
    title: Text
    subject: Text
    codes: Listed[str]
    services: Listed[str]
    sentence: Text
    event_count: Count
    events: Counted[Happened]


class Incidents(Labelled):
    """What happened between two instants, newest first; `cut` where there was more."""

    ts: Text
    since: Text
    until: Text
    incidents: Each[Incident]
    others: Counted[Happened]
    cut: Flag


class Told(Labelled):
    """Events, the newest first; `next_cursor` leads to older ones."""

    events: List[Happened]
    next_cursor: TextIfSent


@dataclass(frozen=True, slots=True)
class IncidentCard:
    """
    An incident as it is shown: `look` is the end of a CSS class, `lasted` how long it was.

    `evidence`, `runbook` and `then` lead to what is known of it; each is empty where nothing can.
    """

    incident: Incident
    look: str
    glyph: str
    word: str
    lasted: str
    more: int
    evidence: str
    runbook: str
    then: str


def see_incidents(found: Incidents, *, until_now: bool = True) -> Sequence[IncidentCard]:
    """Turn incidents into cards, newest first; without `until_now` one may be over by now."""
    left = "NOT OVER" if until_now else "not over by then"
    return [_card(each, found.ts if until_now else found.until, left) for each in found.incidents]


def _card(incident: Incident, now: str, left: str) -> IncidentCard:
    over = incident.open is False and incident.end != ""
    look = {"P2": "warn"}.get(incident.severity, "bad")
    code = "".join(c for c in incident.code if c.isalnum() or c == "_")
    agent = f"?{urlencode({'agent': incident.subject})}" if incident.subject else ""
    shown = len(incident.events)
    return IncidentCard(
        incident,
        f"{look} over" if over else look,
        "✓" if over else "■",
        "over" if over else left,
        duration(incident.seconds) if incident.seconds is not None else "for a time not known",
        max(0, (incident.event_count or shown) - shown),
        evidence_href(incident.begin, incident.end if over else now, incident.sentence),
        f"/runbooks/{code}{agent}" if code else "",
        f"/?{urlencode({'at': incident.begin})}" if incident.begin else "",
    )


def evidence_href(begin: str, end: str, incident: str = "") -> str:
    """
    Return where the evidence of a stretch of time is; empty where that cannot be read.

    What lies around it belongs to it. `incident` is what it is called.
    """
    since, until = instant_of(begin), instant_of(end)
    if since is None or until is None:
        return ""
    asked = {"from": (since - AROUND).isoformat(), "to": (until + AROUND).isoformat()}
    asked = {k: v.replace("+00:00", "Z") for k, v in asked.items()}
    named = {"incident": incident[:_MOST_NAME]} if incident else {}
    return f"/evidence?{urlencode(asked | named)}"


@dataclass(frozen=True, slots=True)
class Day:
    """A day of New York's calendar: incidents that began on it, and events apart, newest first."""

    title: str
    incidents: tuple[IncidentCard, ...]
    events: tuple[Happened, ...]


def see_days(events: Sequence[Happened], cards: Sequence[IncidentCard]) -> Sequence[Day]:
    """Group a page of events by day, without those that an incident tells of."""
    told = {(e.ts, e.message) for card in cards for e in card.incident.events}
    apart = dict[str, list[Happened]]()
    begun = dict[str, list[IncidentCard]]()
    for event in events:
        apart.setdefault(_day(event.ts), [])
        if (event.ts, event.message) not in told:
            apart[_day(event.ts)].append(event)
    for card in cards:
        begun.setdefault(_day(card.incident.begin), []).append(card)
    days = sorted({*apart, *begun}, reverse=True)
    return [Day(_title(day), tuple(begun.get(day, ())), tuple(apart.get(day, ()))) for day in days]


def _day(text: str) -> str:
    at = instant_of(text)
    return "" if at is None else at.astimezone(NEW_YORK).date().isoformat()


def _title(day: str) -> str:
    return f"{date.fromisoformat(day):%A %d %B %Y}" if day else "At a time that is not known"


def just_after(text: str) -> str:
    """Return the next millisecond, so that a stretch of time holds its last instant."""
    at = instant_of(text)
    return text if at is None else (at + timedelta(milliseconds=1)).isoformat()
