"""What happened, as sentences and JSON-ready documents."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NotRequired, TypedDict, cast

from mission_control.documents.instants import new_york_text, rounded, utc_text
from mission_control.floor.decide.incidents import Incident
from mission_control.floor.model import FloorSnapshot, Verdict
from mission_control.floor.present.posture import runbook_url
from mission_control.model import codes
from mission_control.model.catalogue import CATALOGUE, explain
from mission_control.model.event import EventType, FloorEvent
from mission_control.model.finding import Severity

_LEVELS = {
    Severity.P0: "critical",
    Severity.P1: "error",
    Severity.P2: "warning",
    Severity.INFO: "info",
}


class EventsDocument(TypedDict):
    """The newest events, newest first."""

    ts: str
    events: list[dict[str, Any]]
    label: NotRequired[str]


def event_document(event: FloorEvent) -> dict[str, Any]:
    """
    Return one event; `level` is its severity as the predecessor's UI names it.

    A poll event has the predecessor's `outcomes` beside its own fields.
    """
    poll = event.type is EventType.POLL
    outcomes = {"outcomes": event.data.get("outcomes", [])} if poll else {}
    return {
        "id": event.identity,
        "ts": utc_text(event.at),
        "ts_et": new_york_text(event.at),
        "type": event.type.value,
        "message": event.message,
        "sentence": sentence_of(event),
        "severity": event.severity.value,
        "level": _LEVELS[event.severity],
        "agent_name": event.agent_name,
        "data": {k: v for k, v in event.data.items() if not (poll and k == "outcomes")},
        **outcomes,
    }


def events_document(events: Iterable[FloorEvent], snapshot: FloorSnapshot) -> EventsDocument:
    """Return events in the order in which they come: newest first."""
    return {"ts": utc_text(snapshot.at), "events": [event_document(event) for event in events]}


MOST_INCIDENTS, MOST_EVENTS = 100, 60
"""So many incidents are told, with so many events each: the newest, and each one's first."""


class IncidentsDocument(TypedDict):
    """
    What happened between two instants: incidents, and the events apart from them, newest first.

    `cut` is true where there were more than are told. `events` of an incident are oldest first.
    """

    ts: str
    since: str
    since_et: str
    until: str
    until_et: str
    incidents: list[dict[str, Any]]
    others: list[dict[str, Any]]
    cut: bool
    label: NotRequired[str]


def incidents_document(
    since: datetime,
    until: datetime,
    incidents: Sequence[Incident],
    events: Sequence[FloorEvent],
    now: datetime,
    *,
    cut: bool = False,
) -> IncidentsDocument:
    """Return what happened; `events` are all between the two instants, oldest first."""
    told = {event.identity for incident in incidents for event in incident.events}
    others = [event_document(e) for e in reversed(events) if e.identity not in told]
    shown = incidents[-MOST_INCIDENTS:]
    return {
        "ts": utc_text(now),
        "since": utc_text(since),
        "since_et": new_york_text(since),
        "until": utc_text(until),
        "until_et": new_york_text(until),
        "incidents": [_incident(each, until) for each in reversed(shown)],
        "others": others[:MOST_EVENTS],
        "cut": cut or len(shown) < len(incidents) or len(others) > MOST_EVENTS,
    }


def _incident(incident: Incident, until: datetime) -> dict[str, Any]:
    end = incident.end
    return {
        "id": f"{incident.begin:%Y%m%dT%H%M%SZ}",
        "begin": utc_text(incident.begin),
        "begin_et": new_york_text(incident.begin),
        "end": None if end is None else utc_text(end),
        "end_et": None if end is None else new_york_text(end),
        "open": end is None,
        "seconds": rounded(((end or until) - incident.begin).total_seconds()),
        "halted_seconds": rounded(incident.halted.total_seconds()),
        "severity": incident.severity.value,
        "code": incident.code,
        "title": title_of(incident.code),
        "subject": incident.subject,
        "codes": list(incident.codes),
        "services": list(incident.services),
        "sentence": _incident_sentence(incident),
        "runbook_url": runbook_url(incident.code),
        "event_count": len(incident.events),
        "events": [event_document(event) for event in incident.events[:MOST_EVENTS]],
    }


def _incident_sentence(incident: Incident) -> str:
    seconds = incident.halted.total_seconds()
    verb = "is" if incident.end is None else "was"
    halted = (
        f"the floor {verb} halted for {_long(seconds)}" if seconds else "the floor never halted"
    )
    what = f"{title_of(incident.code)}{_of(incident.subject)}"
    others = len(set(incident.services) - {incident.subject})
    with_it = f", {others} more service{'s' if others > 1 else ''} with it" if others else ""
    return f"{what}{with_it}; {halted}"


def _long(seconds: float) -> str:
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{whole} s"


def title_of(code: str) -> str:
    """Return what a code means in a few words; one that is not known is shown itself."""
    return explain(code).title if code in CATALOGUE else code or "Not as expected"


def _of(subject: str) -> str:
    return f" ({subject})" if subject else ""


def _low(text: str) -> str:
    """Begin with a small letter, unless it is an abbreviation or a name."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def sentence_of(event: FloorEvent) -> str:
    """Return what happened as one sentence for people; the message says it for machines."""
    write = _SENTENCES.get(event.type)
    return write(event) if write else event.message[:1].upper() + event.message[1:]


def _posture(event: FloorEvent) -> str:
    data = event.data
    why = f"{_low(title_of(_first_code(event)))}{_of(str(data.get('subject', '')))}"
    before, after = data.get("before"), data.get("after")
    if after == Verdict.HALTED.value:
        doubt = "" if data.get("confirmed") is not False else "; asked again in a second"
        verb = "The floor halted" if before != after else "The floor stays halted"
        return f"{verb}: {why}{doubt}"
    word = "open and well" if after == Verdict.OK.value else "closed for the day"
    if data.get("expected") is False:
        return f"The floor is {word}, but not as expected: {why}"
    if before == after:
        return "Every service is as expected again"
    if data.get("starting") is True or data.get("before_code") == codes.NOT_YET_ASKED:
        return f"Every service was asked for the first time: the floor is {word}"
    return (
        f"The halt is over: the floor is {word}" if before == "HALTED" else f"The floor is {word}"
    )


def _first_code(event: FloorEvent) -> str:
    named = cast("Sequence[object]", event.data.get("reason_codes") or [""])
    return str(named[0])


_AGAIN = "is as expected again"


def _service(event: FloorEvent) -> str:
    data = event.data
    name, after, code = event.agent_name or "a service", data.get("after"), data.get("reason_code")
    why = f": {_low(title_of(str(code)))}" if code else ""
    if _AGAIN in event.message:
        return f"{name} {_AGAIN}, and stays {after}"
    verb = "became" if data.get("before") != after else "stays"
    if data.get("expected") is False:
        return f"{name} {verb} {after}, unexpected{why}"
    return f"{name} {verb} {after}, as expected{why}"


_PHASES = {
    "PRE_MARKET": "Pre-market began",
    "OPEN": "The session opened",
    "POST_MARKET": "The session closed",
    "CLOSED_WEEKEND": "The weekend began",
    "CLOSED_HOLIDAY": "A holiday began",
    "UNKNOWN": "The session is not known any more",
}


def _session(event: FloorEvent) -> str:
    after = str(event.data.get("after", ""))
    return _PHASES.get(after, event.message)


def _switch(event: FloorEvent) -> str:
    data = event.data
    doubt = "" if data.get("confirmed") is True else ", NOT CONFIRMED"
    detail = event.message.partition(": ")[2]
    return f"The kill switch is {data.get('after')}{doubt}{f': {detail}' if detail else ''}"


def _alarm(event: FloorEvent) -> str:
    code, source = str(event.data.get("code", "")), str(event.data.get("source", ""))
    opened = event.type is EventType.ALARM_OPENED
    detail = event.message.partition(f"{code}: ")[2]
    told = f"{'Alarm' if opened else 'Alarm cleared'}: {_low(title_of(code))}, by {source}"
    return f"{told}: {detail}" if opened and detail else told


_SENTENCES = {
    EventType.POSTURE_CHANGED: _posture,
    EventType.SERVICE_CHANGED: _service,
    EventType.SESSION_CHANGED: _session,
    EventType.KILL_SWITCH_CHANGED: _switch,
    EventType.ALARM_OPENED: _alarm,
    EventType.ALARM_ENDED: _alarm,
}
