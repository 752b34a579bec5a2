"""The scheduled day as pages show it. What is missing is never a success. Pure."""

from dataclasses import dataclass
from datetime import date
from urllib.parse import quote

from ops_ui.answers import Holiday, Run, Schedule, Scheduler, UpcomingSession
from ops_ui.mission_control_client import Missed

_SAMPLE = "intraday_sample"
_TITLES = {
    "pre_market_readiness": "Pre-market readiness",
    "pre_open_readiness": "Pre-open readiness",
    "open_verification": "Open verification",
    _SAMPLE: "Intraday sample",
    "post_market_capture": "Post-market capture",
    "lkg_capture": "LKG capture",
    "no_execution_attestation": "No-execution attestation",
    "retention_report": "Retention report",
    "durable_copy": "Durable copy",
}
_LOOKS = {
    "SUCCEEDED": ("fine", "●"),
    "RUNNING": ("running", "▶"),
    "PLANNED": ("waits", "·"),
    "SKIPPED_HOLIDAY": ("waits", "○"),
    "DUE": ("bad", "▲"),
    "LATE": ("bad", "▲"),
    "OVERLAPPED": ("bad", "▲"),
    "FAILED": ("bad", "■"),
    "MISSED": ("bad", "■"),
}
_UNKNOWN = ("bad", "?")
_WELL = frozenset({"", "GO", "NO-GO SESSION_CLOSED", "GOOD", "NO_EXECUTION_OBSERVED", "COMPLETE"})
"""
What evidence says when all is well; anything else in it is marked, though the run succeeded. After
the close a floor that is ready is NO-GO because it is closed, every day.
"""
_NOTABLE = ("tells", "◆")
_FOUND = (("EXECUTION", ("alarm", "■")), ("NO-GO", ("bad", "■")))
"""What a run that went well found, by how its detail begins: a finding is no success."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One planned run: its outcome, and where its evidence is; `look` is a CSS class."""

    look: str
    glyph: str
    word: str
    job: str
    title: str
    session_date: str
    planned_at: str
    deadline: str
    detail: str
    href: str

    @property
    def bad(self) -> bool:
        """Return whether it did not go as planned."""
        return self.look in {"bad", "alarm"}


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session or a holiday to come, with what is marked about it."""

    date: str
    opens: str
    closes: str
    marks: tuple[str, ...]
    holiday: bool

    @property
    def day(self) -> str:
        """Return the date with its weekday."""
        try:
            return f"{date.fromisoformat(self.date):%a %d %b %Y}"
        except ValueError:
            return self.date


@dataclass(frozen=True, slots=True)
class DayPlan:
    """
    The day as the pages show it; `trouble` says why it could not be read, empty where it was.

    `rows` are the runs apart from samples. `scheduler` says whether they are started here.
    """

    trouble: str
    on: str = ""
    note: str = ""
    at: str = ""
    at_et: str = ""
    label: str = ""
    rows: tuple[RunRow, ...] = ()
    samples: tuple[RunRow, ...] = ()
    carried: tuple[RunRow, ...] = ()
    last: RunRow | None = None
    next: RunRow | None = None
    scheduler: str = ""
    scheduler_bad: bool = False
    sessions: tuple[SessionRow, ...] = ()

    @property
    def sample_note(self) -> str:
        """Count the samples by outcome."""
        words = [s.word for s in self.samples]
        return ", ".join(f"{words.count(w)} {w}" for w in dict.fromkeys(words))

    @property
    def samples_bad(self) -> bool:
        """Return whether a sample did not go as planned."""
        return any(s.bad for s in self.samples)


def title_of(job: str) -> str:
    """Return what a job is called on pages."""
    return _TITLES.get(job, job or "(unnamed)")


def see_day(schedule: Schedule | Missed) -> DayPlan:
    """Turn the scheduled day into what pages show."""
    if isinstance(schedule, Missed):
        return DayPlan(schedule.detail)
    rows = tuple(_row(run) for run in schedule.runs)
    scheduler, bad = _scheduler(schedule.scheduler)
    sessions = [*map(_session, schedule.sessions), *map(_holiday, schedule.holidays)]
    return DayPlan(
        trouble="",
        on=schedule.on,
        note=schedule.note,
        at=schedule.ts,
        at_et=schedule.at_et,
        label=schedule.label,
        rows=tuple(r for r in rows if r.job != _SAMPLE),
        samples=tuple(r for r in rows if r.job == _SAMPLE),
        carried=tuple(_row(run) for run in schedule.carried),
        last=_row(schedule.last) if schedule.last else None,
        next=_row(schedule.next) if schedule.next else None,
        scheduler=scheduler,
        scheduler_bad=bad,
        sessions=tuple(sorted(sessions, key=lambda s: s.date)),
    )


def _scheduler(scheduler: Scheduler) -> tuple[str, bool]:
    if scheduler.stalled is not False:
        return scheduler.detail or "it is not known whether runs are started", True
    if scheduler.runs_here is not True:
        return "this server does not start the runs", True
    return "this server starts the runs", False


def _row(run: Run) -> RunRow:
    word = run.outcome or run.stage or "UNKNOWN"
    look, glyph = _LOOKS.get(word, _UNKNOWN)
    if word == "SUCCEEDED" and run.detail not in _WELL:
        found = (as_ for begins, as_ in _FOUND if run.detail.startswith(begins))
        look, glyph = next(found, _NOTABLE)
    return RunRow(
        look=look,
        glyph=glyph,
        word=word.replace("_", " "),
        job=run.job,
        title=title_of(run.job),
        session_date=run.session_date,
        planned_at=run.planned_at,
        deadline=run.deadline,
        detail=run.detail,
        href=f"/artifacts/view/{quote(run.path)}/run.json" if run.path else "",
    )


def _session(session: UpcomingSession) -> SessionRow:
    marks = list[str]()
    if session.early_close is True:
        marks.append(f"early close: {session.source}")
    if session.zone_before or session.zone_after:
        marks.append(f"clocks changed: {session.zone_before} to {session.zone_after}")
    return SessionRow(
        session.session_date, session.open, session.close, tuple(marks), holiday=False
    )


def _holiday(holiday: Holiday) -> SessionRow:
    mark = f"no session: {holiday.name} ({holiday.source})"
    return SessionRow(holiday.date, "", "", (mark,), holiday=True)
