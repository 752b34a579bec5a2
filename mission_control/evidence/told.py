"""What was told: events, alerts and their deliveries; and the runbooks of what is named."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from mission_control.alerts.model import AlertQuery, AlertTransition, Delivery
from mission_control.alerts.present import delivery_document, transition_document
from mission_control.evidence.gathering import NO_HISTORY, EvidenceSources, File, Gathering
from mission_control.evidence.model import Gap, Wanted
from mission_control.floor.present.events import event_document
from mission_control.history.model import EventQuery, Span
from mission_control.model.catalogue import runbook_code
from mission_control.model.event import EventType, FloorEvent

T = TypeVar("T")
AT_ONCE = 2_000
"""Rows that are asked for at once."""
_HOUR = timedelta(hours=1)
_OF_OTHERS = frozenset({EventType.POSTURE_CHANGED, EventType.POLL})
"""What the story tells from the judged changes, or not at all."""


def hours_of(wanted: Wanted) -> Iterator[Span]:
    """Return the hours that are asked for, the first and the last cut."""
    begin = wanted.since
    while begin < wanted.until:
        whole = begin.replace(minute=0, second=0, microsecond=0)
        yield begin, min(whole + _HOUR, wanted.until)
        begin = whole + _HOUR


async def gather_events(sources: EvidenceSources, gathering: Gathering) -> AsyncGenerator[File]:
    """Return every event, oldest first, hour by hour."""
    history, count = sources.history, 0
    if history is None:
        gathering.unreadable("events", "events", NO_HISTORY)
        return
    for since, until in hours_of(gathering.wanted):

        async def page(
            before: int | None, since: datetime = since, until: datetime = until
        ) -> tuple[Sequence[FloorEvent], int | None]:
            found = await history.events(EventQuery(AT_ONCE, before, since, until))
            return found.events, found.next_before

        events = await _all(page)
        count += len(events)
        for event in events:
            _tell_event(gathering, event)
        if events:
            path = f"events/{since:%Y%m%dT%H}.json"
            told = {"events": [event_document(e) for e in events]}
            yield path, gathering.redacted(f"data/{path}", told)
    gathering.cover("events", count, count, "events")


def _tell_event(gathering: Gathering, event: FloorEvent) -> None:
    code = event.data.get("code")
    if isinstance(code, str):
        gathering.name_code(code)
    if event.type not in _OF_OTHERS:
        path = f"data/events/{event.at:%Y%m%dT%H}.json"
        gathering.tell(event.at, "event", event.message, path)


async def gather_alerts(sources: EvidenceSources, gathering: Gathering) -> AsyncGenerator[File]:
    """Return the alerts at the start, what became of each, and each attempt to deliver."""
    alerts = sources.alerts
    if alerts is None:
        gathering.unreadable("alerts", "changes and deliveries", NO_HISTORY)
        return
    at_start = await alerts.in_force(gathering.wanted.since)
    told = {"alerts": [transition_document(t) for t in at_start]}
    yield "alerts/in_force.json", gathering.redacted("data/alerts/in_force.json", told)
    count = 0
    for since, until in hours_of(gathering.wanted):

        async def changes(
            before: int | None, since: datetime = since, until: datetime = until
        ) -> tuple[Sequence[AlertTransition], int | None]:
            found = await alerts.transitions(AlertQuery(AT_ONCE, before, since, until))
            return found.transitions, found.next_before

        async def attempts(
            before: int | None, since: datetime = since, until: datetime = until
        ) -> tuple[Sequence[Delivery], int | None]:
            found = await alerts.deliveries(AlertQuery(AT_ONCE, before, since, until))
            return found.deliveries, found.next_before

        moved, sent = await _all(changes), await _all(attempts)
        count += len(moved) + len(sent)
        for file in _hour(gathering, since, moved, sent):
            yield file
    gathering.cover("alerts", count, count, "changes and deliveries")


def _hour(
    gathering: Gathering,
    hour: datetime,
    moved: Sequence[AlertTransition],
    sent: Sequence[Delivery],
) -> Iterator[File]:
    parts: tuple[tuple[str, list[Any]], ...] = (
        ("transitions", [transition_document(t) for t in moved]),
        ("deliveries", [delivery_document(d) for d in sent]),
    )
    for name, rows in parts:
        path = f"alerts/{name}/{hour:%Y%m%dT%H}.json"
        if rows:
            yield path, gathering.redacted(f"data/{path}", {name: rows})
    for each in moved:
        gathering.name_code(each.code)
        pages = "pages" if each.pages else "does not page"
        state = each.to_state.value if each.to_state else "over before it fired"
        text = f"{each.severity.value} {each.code} {each.subject}: {state}, {pages}; {each.reason}"
        gathering.tell(each.at, "alert", text, f"data/alerts/transitions/{hour:%Y%m%dT%H}.json")
    for each in sent:
        taken = "was taken" if each.delivered else "was NOT taken"
        text = f"{each.state.value} of {each.fingerprint} to {each.channel} {taken}: {each.answer}"
        gathering.tell(each.at, "delivery", text, f"data/alerts/deliveries/{hour:%Y%m%dT%H}.json")


async def _all(
    page: Callable[[int | None], Awaitable[tuple[Sequence[T], int | None]]],
) -> list[T]:
    """Return the rows of one hour, oldest first."""
    found, before = list[T](), None
    while True:
        rows, before = await page(before)
        found += rows
        if before is None:
            return found[::-1]


async def gather_runbooks(sources: EvidenceSources, gathering: Gathering) -> AsyncGenerator[File]:
    """Return the runbook of every code that was named, as it is at the export."""
    pages = sorted({runbook_code(code) for code in gathering.codes})
    gaps = list[Gap]()
    for code in pages:
        page = sources.runbooks.read(code)
        if page is None:
            gaps.append(Gap(code, "there is no page for it"))
        else:
            yield f"runbooks/{page.code}.md", page.markdown.encode()
    gathering.cover("runbooks", len(pages), len(pages) - len(gaps), "pages", gaps)
