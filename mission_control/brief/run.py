"""Gathers what a brief says; what cannot be read is said, and costs itself alone."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from mission_control.alerts.model import Alert, AlertQuery, AlertState, AlertTransition, Waiver
from mission_control.alerts.present import first_step_of
from mission_control.alerts.store import AlertStore
from mission_control.brief.decide import A_WEEK, write_brief
from mission_control.brief.expiring import ExpiryReader, Found
from mission_control.brief.model import (
    Brief,
    Deploys,
    Expiry,
    Gathered,
    Good,
    Known,
    NotRead,
    ReadinessNote,
    Told,
)
from mission_control.deploy_report.decide.changes import compare_reports
from mission_control.errors import ConfigurationError, StorageError
from mission_control.floor.model import FloorSnapshot
from mission_control.floor.present.evidence import gather_pieces
from mission_control.floor.present.posture import verdict_text
from mission_control.history.model import EventQuery
from mission_control.history.past_floor import PastFloor
from mission_control.last_known_good.recorded import CaptureCache, newest_good
from mission_control.market_calendar.calendar import CalendarReader
from mission_control.model.event import EventType, FloorEvent
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.recorded_reports import (
    DEPLOY_JSON,
    READINESS_JSON,
    list_reports,
    read_report,
    recorded_verdict,
)
from mission_control.runbooks.library import RunbookLibrary
from mission_control.schedule.model import READINESS_JOBS, RunState

MOST_CHANGES, MOST_TOLD = 200, 200
"""Changes of the posture, and of alerts, that a brief counts."""
BACK = timedelta(days=12)
"""So far back the session before is looked for: longer than the market is ever closed."""
SESSIONS = 6
NO_FILES = Found((), ("certificates and tokens: they are not read here",))
MOST_READINESS = 20
"""Of so many recorded readiness reports the newest are looked at for today's."""
NO_HISTORY = "no history is kept here"
T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(slots=True)
class BriefCache:
    """Keeps what is read of the record and does not change: a comparison, captures, verdicts."""

    captures: CaptureCache
    compared: dict[tuple[str, str], Deploys] = field(default_factory=dict[tuple[str, str], Deploys])
    verdicts: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class BriefSources:
    """
    What a brief is read from; `past` and `alerts` are None where no history is kept.

    `waivers` reads the waivers in force, and may raise ConfigurationError; None where they are not
    read, as is `expiry` where no file is. `runs` gives what became of today's runs, None where no
    day is kept here.
    """

    calendar: CalendarReader
    artifacts: ArtifactReader
    cache: BriefCache
    past: PastFloor | None = None
    alerts: AlertStore | None = None
    runbooks: RunbookLibrary | None = None
    waivers: Callable[[], Sequence[Waiver]] | None = None
    expiry: ExpiryReader | None = None
    runs: Callable[[], Awaitable[Sequence[RunState]]] | None = None


async def make_brief(
    sources: BriefSources,
    snapshot: FloorSnapshot,
    now: datetime,
    readiness: ReadinessNote | None = None,
    watched_since: datetime | None = None,
) -> Brief:
    """Make the brief of a floor at `now`; nothing that fails to be read keeps it from being."""
    pieces = await asyncio.to_thread(lambda: [p for p in gather_pieces(snapshot) if p.required])
    since = _last_close(sources.calendar, now)
    changes, more = await _changes(sources.past, since, now)
    gathered = Gathered(
        now=now,
        snapshot=snapshot,
        reads=verdict_text(snapshot.posture.verdict, snapshot.fleet.safety),
        required=len(pieces),
        missing=sum(bool(piece.missing) for piece in pieces),
        since=since,
        first_step=await asyncio.to_thread(_first_step, sources.runbooks, snapshot),
        watched_since=watched_since,
        changes=changes,
        more_changes=more,
        readiness=NotRead("it was not judged") if readiness is None else Known(readiness),
        sessions=tuple(sources.calendar.sessions_from(now, SESSIONS)),
        holidays=tuple(sources.calendar.holidays_between(now, now + A_WEEK)),
    )
    runs = await _read("today's runs", _runs(sources))
    waivers, unread = await _waivers(sources)
    files = await sources.expiry.read(snapshot.fleet) if sources.expiry else NO_FILES
    return write_brief(
        replace(
            gathered,
            runs=runs,
            verdicts=await _verdicts(sources, runs),
            deploys=await _read("what was deployed", _deploys(sources)),
            good=await _read("the last known good", _good(sources, snapshot)),
            alerts=await _read("alerts", _alerts(sources.alerts, now)),
            paged=await _read("what paged", _paged(sources.alerts, since, now)),
            expiring=Known((*waivers, *files.expiring)),
            not_watched=(*unread, *files.unread),
        )
    )


async def _read(what: str, work: Awaitable[Known[T] | NotRead]) -> Known[T] | NotRead:
    """Read one part; one that fails is told as not read."""
    try:
        return await work
    except (StorageError, ConfigurationError) as error:
        return NotRead(error.problem)
    except Exception as error:  # a bug of ours, or a record of another version
        log.exception("a part of the brief broke: %s", what)
        return NotRead(f"it broke: {type(error).__name__}")


def _last_close(calendar: CalendarReader, now: datetime) -> datetime:
    """Return the newest close before now; a day ago where the calendar tells none."""
    closes = [s.close for s in calendar.sessions_between(now - BACK, now) if s.close <= now]
    return max(closes, default=now - timedelta(days=1))


def _first_step(runbooks: RunbookLibrary | None, snapshot: FloorSnapshot) -> str:
    reasons = snapshot.posture.reasons
    page = runbooks.read(reasons[0].code) if runbooks and reasons else None
    return "" if page is None else first_step_of(page.markdown)


async def _changes(
    past: PastFloor | None, since: datetime, until: datetime
) -> tuple[Known[tuple[FloorEvent, ...]] | NotRead, bool]:
    """Return the posture's changes, oldest first, and whether there were more before them."""
    if past is None:
        return NotRead(NO_HISTORY), False
    kinds = (EventType.POSTURE_CHANGED,)
    query = EventQuery(MOST_CHANGES, since=since, until=until, kinds=kinds)
    try:
        page = await past.history.events(query)
    except StorageError as error:
        return NotRead(error.problem), False
    return Known(page.events[::-1]), page.next_before is not None


async def _deploys(sources: BriefSources) -> Known[Deploys] | NotRead:
    """Compare the newest two recorded deploy reports; recorded ones never change."""
    entries = await list_reports(sources.artifacts, DEPLOY_JSON, 2)
    if len(entries) < 2:  # noqa: PLR2004  (one to compare with the other)
        return NotRead(f"two reports are compared, and {len(entries)} recorded")
    after, before = entries
    known = sources.cache.compared.get((before.path, after.path))
    if known is None:
        old = await read_report(sources.artifacts, before, DEPLOY_JSON)
        new = await read_report(sources.artifacts, after, DEPLOY_JSON)
        compared = await asyncio.to_thread(compare_reports, old.document, new.document)
        gaps = (*([compared.clusters] if compared.clusters else []), *compared.gaps)
        told = tuple(f"{c.subject} {c.what}: {c.before} -> {c.after}" for c in compared.changes)
        known = Deploys(
            before.session_date or before.at, after.session_date or after.at, told, gaps
        )
        sources.cache.compared.clear()
        sources.cache.compared[before.path, after.path] = known
    return Known(known)


async def _good(sources: BriefSources, snapshot: FloorSnapshot) -> Known[Good] | NotRead:
    found = await newest_good(
        sources.artifacts, cache=sources.cache.captures, cluster=snapshot.cluster_identity
    )
    if found.capture is None:
        return NotRead("; ".join(("no capture is GOOD", *found.doubts)))
    entry = found.capture.entry
    return Known(Good(entry.path, entry.session_date or entry.at, found.doubts))


async def _alerts(store: AlertStore | None, now: datetime) -> Known[tuple[Told, ...]] | NotRead:
    if store is None:
        return NotRead(NO_HISTORY)
    book = await store.load(now)
    return Known(tuple(_open(a) for a in book.alerts if a.state is not AlertState.RESOLVED))


def _open(alert: Alert) -> Told:
    return Told(alert.since, alert.severity, alert.code, alert.subject, alert.pages, alert.withheld)


async def _paged(
    store: AlertStore | None, since: datetime, now: datetime
) -> Known[tuple[Told, ...]] | NotRead:
    """Return what began to fire, by alert its newest: with a page, or without and why."""
    if store is None:
        return NotRead(NO_HISTORY)
    page = await store.transitions(AlertQuery(MOST_TOLD, since=since, until=now))
    found = dict[str, Told]()
    for change in page.transitions:
        if change.to_state is AlertState.FIRING:
            found.setdefault(change.fingerprint, _change(change))
    return Known(tuple(found.values()))


def _change(change: AlertTransition) -> Told:
    why = "" if change.pages else change.reason
    return Told(change.at, change.severity, change.code, change.subject, change.pages, why)


async def _runs(sources: BriefSources) -> Known[tuple[RunState, ...]] | NotRead:
    if sources.runs is None:
        return NotRead("no day is kept here")
    return Known(tuple(await sources.runs()))


async def _verdicts(
    sources: BriefSources, runs: Known[tuple[RunState, ...]] | NotRead
) -> Mapping[str, str]:
    """Return what today's readiness runs said, by path; of one that cannot be read, that."""
    states = () if isinstance(runs, NotRead) else runs.value
    paths = {s.path for s in states if s.run.job in READINESS_JOBS and s.path}
    known = sources.cache.verdicts
    for gone in known.keys() - paths:
        del known[gone]
    try:
        if paths - known.keys():
            for entry in await list_reports(sources.artifacts, READINESS_JSON, MOST_READINESS):
                if entry.path in paths - known.keys():
                    read = await read_report(sources.artifacts, entry, READINESS_JSON)
                    verdict = recorded_verdict(read)
                    known[entry.path] = f"{verdict.verdict.value} {verdict.code}".strip()
    except StorageError as error:
        return {path: known.get(path, f"verdict not read: {error.problem}") for path in paths}
    return dict(known)


async def _waivers(sources: BriefSources) -> tuple[tuple[Expiry, ...], tuple[str, ...]]:
    """Return when each waiver ends, and why they are not read where they are not."""
    if sources.waivers is None:
        return (), ("waivers: they are not read here",)
    found = await _read("waivers", _known(asyncio.to_thread(sources.waivers)))
    if isinstance(found, NotRead):
        return (), (f"waivers: {found.why}",)
    page, api = "/alerts", "/api/v1/alerts"
    ends = (
        Expiry(f"The waiver of {w.code} {w.subject} ({w.who})", w.until, page, api)
        for w in found.value
    )
    return tuple(ends), ()


async def _known(work: Awaitable[T]) -> Known[T]:
    return Known(await work)
