"""The alerts of a floor that is watched: decided after each of its decisions, and kept."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from mission_control.alerts.decide.alerts import decide_alerts
from mission_control.alerts.decide.replay import decides_since, is_starting, join_books
from mission_control.alerts.model import (
    Acknowledged,
    AlertBook,
    AlertEvidence,
    AlertRules,
    AlertState,
    AlertTransition,
    Rule,
    ToldVerdict,
    Waiver,
)
from mission_control.alerts.store import AlertStore
from mission_control.errors import StorageError
from mission_control.floor.decide.stall import has_stalled
from mission_control.floor.model import FloorSnapshot
from mission_control.market_calendar.calendar import CalendarReader
from mission_control.model.clock import Clock
from mission_control.model.event import FloorEvent
from mission_control.model.finding import Reason, Severity
from mission_control.model.reload import Reload, Taken
from mission_control.processes.followed_file import FollowedFile
from mission_control.readiness.model import RecordedVerdict
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.recorded_reports import (
    READINESS_JSON,
    list_reports,
    read_report,
    recorded_verdict,
)
from mission_control.schedule.model import READINESS_JOBS, Job, RunState

SESSIONS_BACK = timedelta(days=7)
RUNS_SECONDS = 10.0
"""What became of planned runs, and the newest verdict, are read this often."""
FILES_SECONDS = 1.0
SAVE_AGAIN_SECONDS = 5.0
PATIENCE_SECONDS = 2.0
"""A book that is not kept after so long is handed on all the same."""
LOAD_SECONDS = 5.0
"""Alerts are decided without those from before the start when they cannot be read for so long."""
RESTS = 4
"""After deciding alerts it is not done again for so many times as long as it took."""
MOST_WAITING = 20_000
"""Changes that could not be written yet; the oldest are lost beyond that."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class RunsRead:
    """What the record says of planned runs; `runs` is None until it could be read."""

    runs: tuple[RunState, ...] | None = None
    verdict: ToldVerdict | None = None
    _path: str = ""
    _recorded: RecordedVerdict | None = None

    async def read(
        self, lately: Callable[[], Awaitable[Sequence[RunState] | None]], artifacts: ArtifactReader
    ) -> None:
        """Read it again; raises StorageError, and then what was read before stays."""
        told = await lately()
        if told is None:
            self.runs = None
            return
        runs = tuple(told)
        newest = next(iter(await list_reports(artifacts, READINESS_JSON, 1)), None)
        if newest is not None and newest.path != self._path:
            report = await read_report(artifacts, newest, READINESS_JSON)
            self._recorded, self._path = recorded_verdict(report), newest.path
        self.runs = runs
        known = self._recorded
        self.verdict = ToldVerdict(known, job_of(runs, known)) if known is not None else None


def job_of(runs: Sequence[RunState], verdict: RecordedVerdict) -> Job | None:
    """Return the planned readiness run that a verdict is of, or that was planned last before it."""
    planned = [
        s.run
        for s in runs
        if s.run.job in READINESS_JOBS
        and str(s.run.session_date) == verdict.session_date
        and s.run.planned_at <= verdict.at
    ]
    return max(planned).job if planned else None


@dataclass(slots=True)
class RulesInForce:
    """The rules and waivers, which follow their files where they are given."""

    rules: AlertRules
    rules_file: FollowedFile[tuple[Rule, ...]] | None = None
    waivers_file: FollowedFile[tuple[Waiver, ...]] | None = None
    _reloads: list[Reload] = field(default_factory=list[Reload])

    def take_reloads(self) -> Sequence[Reload]:
        """Return what was read again, or could not be, since this was asked last."""
        taken, self._reloads = tuple(self._reloads), []
        return taken

    async def look(self) -> None:
        """Take files that changed, whole and valid; else those from before stay, and it is said."""
        if self.rules_file is not None and (rules := await self.rules_file.look()):
            self._tell("alert rules", self.rules_file.name, rules)
            if rules.value is not None:
                self.rules = replace(self.rules, rules=rules.value)
        if self.waivers_file is not None and (waivers := await self.waivers_file.look()):
            self._tell("alert waivers", self.waivers_file.name, waivers)
            if waivers.value is not None:
                self.rules = replace(self.rules, waivers=waivers.value)

    def _tell(self, what: str, name: str, taken: "Taken[Any]") -> None:
        self._reloads.append(Reload(what, name, taken.before, taken.after, taken.trouble))


@dataclass(slots=True)
class AlertParts:
    """
    What alerts of one floor are decided from and kept in.

    `floor` names it in fingerprints. `lately` returns the planned runs of the last days, None where
    nothing is planned here; `stalled` since when the scheduler has not beaten. `began` returns when
    the floor was first watched. `take` is handed each book once it was kept, or could not be: a
    page never waits for a disk. `acknowledged` returns what each configured channel took, and
    `further` the reasons that are not the floor's.
    """

    floor: str
    store: AlertStore
    in_force: RulesInForce
    calendar: CalendarReader
    clock: Clock
    artifacts: ArtifactReader
    lately: Callable[[], Awaitable[Sequence[RunState] | None]]
    stalled: Callable[[], str]
    began: Callable[[], Awaitable[datetime | None]]
    take: Callable[[AlertBook], None] = lambda _: None
    acknowledged: Callable[[], Acknowledged] = dict[str, Mapping[str, AlertState]]
    further: Callable[[], Iterable[Reason]] = tuple


class AlertWatch:
    """
    Decides alerts after each decision of the floor, and keeps what has to survive us.

    `note_decision` is called by the deciding loop, and neither waits nor raises. The rest runs
    beside it until it is cancelled. Belongs to one event loop.
    """

    def __init__(self, parts: AlertParts) -> None:
        """Begin with no alert; those from before the start are joined once they are read."""
        self.parts = parts
        self._decided: float | None = None
        self._cost = 0.0
        self._worst: tuple[tuple[str, str], ...] = ()
        self._held: list[FloorEvent] = []
        self._book = AlertBook(parts.clock())
        self._joined = self._late = False
        self._since: datetime | None = None
        self._before: datetime | None = None
        self._began: datetime | None = None
        self._runs = RunsRead()
        self._waiting = deque[AlertTransition](maxlen=MOST_WAITING)
        self._news = asyncio.Event()
        self._started: float | None = None

    def current(self) -> AlertBook:
        """Return the alerts as they were decided last."""
        return self._book

    @property
    def has_decided(self) -> bool:
        """Return whether alerts were decided since the start: until then none are known."""
        return self._decided is not None

    def is_deciding(self) -> bool:
        """Return whether alerts were decided a moment ago: else that we live proves nothing."""
        now = asyncio.get_running_loop().time()
        return self._decided is not None and not has_stalled(now - self._decided)

    def note_decision(self, snapshot: FloorSnapshot, events: Sequence[FloorEvent]) -> None:
        """Decide the alerts on what the floor was just decided to be."""
        self._held += events
        try:
            self._since = decides_since(self._since, self._before, snapshot.at)
            self._before = snapshot.at
            if self._may_decide() and not self._rests(snapshot):
                began = asyncio.get_running_loop().time()
                self._decide(snapshot)
                self._decided = asyncio.get_running_loop().time()
                self._cost = self._decided - began
        except Exception:  # a bug of ours: the floor is decided all the same
            log.exception("deciding the alerts failed")

    def _may_decide(self) -> bool:
        """Return whether those from before the start are known, or were waited for long enough."""
        now = asyncio.get_running_loop().time()
        self._started = now if self._started is None else self._started
        return self._joined or now - self._started > LOAD_SECONDS

    def _rests(self, snapshot: FloorSnapshot) -> bool:
        """
        Return whether deciding rests, because thousands of alerts made it take long.

        The floor is decided twice a second by the same loop. A P0 that is new waits for nothing.
        """
        worst = tuple(
            (r.code, r.subject)
            for r in takewhile(lambda r: r.severity is Severity.P0, snapshot.posture.reasons)
        )
        before, self._worst = self._worst, worst
        if self._decided is None or worst != before:
            return False
        return asyncio.get_running_loop().time() - self._decided < RESTS * self._cost

    def _decide(self, snapshot: FloorSnapshot) -> None:
        parts, at = self.parts, snapshot.at
        events, self._held = tuple(self._held), []
        seen = AlertEvidence(
            parts.floor,
            snapshot,
            tuple(parts.calendar.sessions_between(at - SESSIONS_BACK, at)),
            self._runs.runs if self._began else None,
            self._runs.verdict,
            parts.stalled(),
            parts.acknowledged(),
            events,
            is_starting(snapshot, self._since or at),
            self._began,
            tuple(parts.further()),
        )
        before = self._book
        book, moved = decide_alerts(parts.in_force.rules, before, seen, at)
        self._put(book, moved, is_new=book.alerts != before.alerts)

    def _put(self, book: AlertBook, moved: Sequence[AlertTransition], *, is_new: bool) -> None:
        self._book = book
        self._waiting.extend(moved)
        for each in moved:
            _log(each)
        if is_new or moved:
            self._news.set()
            if self._late:
                self.parts.take(book)

    async def run(self) -> None:
        """Load what was before, then save and read what is needed, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep())
            tasks.create_task(self._read_runs())
            tasks.create_task(self._follow_files())

    async def _keep(self) -> None:
        while not await self._join():
            self._be_late()
            await asyncio.sleep(SAVE_AGAIN_SECONDS)
        saved = True
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(None if saved else SAVE_AGAIN_SECONDS):
                    await self._news.wait()
            self._news.clear()
            saved = await self._save()

    async def _join(self) -> bool:
        """Join the alerts from before the start; until they are known nothing is written."""
        try:
            stored = await self.parts.store.load(self.parts.clock())
        except StorageError as error:
            log.error("alerts from before the start are not known: %s", error)  # noqa: TRY400
            return False
        self._late = False
        self._put(join_books(stored, self._book), (), is_new=True)
        self._joined = True
        return True

    async def _save(self) -> bool:
        """Keep the book and hand it on; returns whether it is kept."""
        book, moved = self._book, tuple(self._waiting)
        self._waiting.clear()
        saving = asyncio.ensure_future(self.parts.store.save(book, moved))
        await asyncio.wait({saving}, timeout=PATIENCE_SECONDS)
        if not saving.done():
            self._be_late()
        try:
            await saving
        except StorageError as error:
            log.error("alerts are not kept: %s", error)  # noqa: TRY400  (its text says all)
            self._waiting.extendleft(reversed(moved))
            self._be_late()
            return False
        was_late, self._late = self._late, False
        if not was_late or self._book.alerts == book.alerts:  # else a newer one was handed on
            self.parts.take(book)
        return True

    def _be_late(self) -> None:
        """Hand on what is not kept yet, and from now on at once: a page waits for no disk."""
        self._late = True
        self.parts.take(self._book)

    async def _read_runs(self) -> None:
        while True:
            await self.read_runs()
            await asyncio.sleep(RUNS_SECONDS)

    async def read_runs(self) -> None:
        """Read once what became of planned runs; what cannot be read is not known."""
        try:
            self._began = self._began or await self.parts.began()
            await self._runs.read(self.parts.lately, self.parts.artifacts)
        except StorageError as error:
            self._runs.runs = None
            log.warning("what became of planned runs cannot be read: %s", error)
        except Exception:  # a bug of ours: what was read last stays
            log.exception("reading planned runs failed")

    async def _follow_files(self) -> None:
        while True:
            try:
                await self.parts.in_force.look()
            except Exception:  # a bug of ours: what is in force stays
                log.exception("looking for changed alert files failed")
            await asyncio.sleep(FILES_SECONDS)


def _log(moved: AlertTransition) -> None:
    level = logging.WARNING if moved.pages else logging.INFO
    named = f"{moved.severity} {moved.code} {moved.subject}"
    to = moved.to_state.value if moved.to_state else "gone"
    log.log(level, "alert %s is %s (%s): %s", named, to, moved.rule, moved.reason)
