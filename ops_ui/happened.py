"""What happened lately, as incidents and not as lines; and what changed since. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from ops_ui.answers import (
    Count,
    Event,
    Events,
    Flag,
    Labelled,
    Listed,
    Number,
    Part,
    Run,
    Schedule,
    Text,
)
from ops_ui.formats import clock_short, duration, instant_of
from ops_ui.mission_control_client import HTTP_NOT_FOUND, Missed
from ops_ui.record_answers import Captures, Comparison
from ops_ui.schedule import title_of

SHOWN, CHANGES_SHOWN = 9, 5
_TELLING = frozenset({"posture.changed", "session.changed", "kill_switch.changed"})
_POLL = "mission_control.poll"


class IncidentAnswer(Part):
    """An incident; one of which it is not said that it is over is open."""

    begin: Text
    end: Text
    open: Flag
    seconds: Number
    severity: Text
    sentence: Text
    event_count: Count


class Incidents(Labelled):
    """What happened between two instants, newest first; `others` are events apart from them."""

    incidents: Listed[IncidentAnswer]
    others: Listed[Event]


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that happened; `at` is its instant, `more` counts what came with it."""

    at: str
    look: str
    lead: str
    text: str
    more: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class HappenedView:
    """What happened, newest first; `trouble` says why it is not known, empty where it is."""

    items: tuple[Happened, ...]
    trouble: str = ""


def see_happened(
    incidents: Incidents | Missed, events: Events | Missed, schedule: Schedule | Missed | None
) -> HappenedView:
    """Return what happened; where incidents are not told, the events themselves."""
    items = [*_runs(schedule)] if isinstance(schedule, Schedule) else []
    if isinstance(incidents, Incidents):
        items += [_incident(each) for each in incidents.incidents]
        items += [_event(e) for e in incidents.others if e.type in _TELLING]
    elif isinstance(events, Missed):
        return HappenedView(tuple(_newest(items)), f"They could not be read: {events.detail}")
    else:
        items += [_event(e) for e in events.events if e.type != _POLL]
    return HappenedView(tuple(_newest(items)))


def _newest(items: Sequence[Happened]) -> Sequence[Happened]:
    return sorted(items, key=lambda i: instant_of(i.at) or _NEVER, reverse=True)[:SHOWN]


_NEVER = datetime.fromisoformat("1970-01-01T00:00:00Z")


def _incident(each: IncidentAnswer) -> Happened:
    lead = "Open now" if each.open is not False else f"Over after {duration(each.seconds)}"
    look = "bad" if each.open is not False else "was"
    count = each.event_count or 0
    asked = urlencode(
        {"since": each.begin, "until": each.end} if each.end else {"since": each.begin}
    )
    more = f"{count} events" if count > 1 else ""
    return Happened(
        each.begin, look, f"{each.severity} {lead}.", each.sentence, more, f"/events?{asked}"
    )


def _event(event: Event) -> Happened:
    good = event.type == "posture.changed" and event.after in {"OK", "MARKET_CLOSED"}
    bad = event.severity in {"P0", "P1"}
    return Happened(event.ts, "bad" if bad else "ok" if good else "", "", event.told)


def _runs(schedule: Schedule) -> Iterator[Happened]:
    for run in schedule.runs:
        if run.finished and run.job != "intraday_sample":
            yield _run(run)


def _run(run: Run) -> Happened:
    found = run.detail or run.outcome
    look = "ok" if found == "GO" else "bad" if found.startswith(("NO-GO", "EXECUTION")) else ""
    calm = found == "NO-GO SESSION_CLOSED"
    href = f"/artifacts/view/{run.path}/run.json" if run.path else "/schedule"
    return Happened(run.finished, "" if calm else look, found, title_of(run.job), "", href)


@dataclass(frozen=True, slots=True)
class ChangedView:
    """What changed since the session before, and how far the last known good is."""

    since: str
    items: tuple[tuple[str, str, str, str], ...]
    more: int
    note: str
    good: str
    good_look: str = ""


def see_changed(
    diff: Comparison | Missed, captures: Captures | Missed, from_good: Comparison | Missed
) -> ChangedView:
    """Turn what was compared into a few lines; what could not be compared is no "nothing"."""
    since, items, more, note = "the last report", (), 0, ""
    if isinstance(diff, Missed):
        none = diff.status == HTTP_NOT_FOUND
        note = "No two deploy reports to compare yet." if none else f"Not known: {diff.detail}."
    elif diff.changes is None:
        note = "Not known: the answer holds no changes."
    else:
        since = clock_short(diff.before.at, diff.after.at) or since
        items = tuple((c.subject, c.what, c.before, c.after) for c in diff.changes[:CHANGES_SHOWN])
        more = len(diff.changes) - len(items)
        note = "" if items else "Nothing changed."
    good, look = _good(captures, from_good)
    return ChangedView(since, items, more, note, good, look)


def _good(captures: Captures | Missed, from_good: Comparison | Missed) -> tuple[str, str]:
    if isinstance(captures, Missed):
        return f"Last known good: not known ({captures.detail})", "bad"
    found = next((c for c in captures.captures if c.path == captures.good), None)
    if not captures.good or found is None:
        return "Last known good: none yet", "warn"
    told = f"Last known good: session {found.session_date}, {found.status}"
    if captures.good_doubts:
        return f"{told}, in doubt: {captures.good_doubts[0]}", "bad"
    if isinstance(from_good, Missed) or from_good.changes is None:
        return f"{told}; how far it is, is not known", "warn"
    count = len(from_good.changes)
    away = "nothing differs" if count == 0 else f"{count} change{'' if count == 1 else 's'} away"
    return f"{told}, {away}", "fine" if count == 0 else ""
