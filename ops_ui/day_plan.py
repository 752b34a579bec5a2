"""The scheduled day as pages show it. Pure. What is missing is never a success."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast
from urllib.parse import quote

from ops_ui.mission_control_client import Document, Missed

SAMPLE = "intraday_sample"
TITLES = {
    "pre_market_readiness": "Pre-market readiness",
    "pre_open_readiness": "Pre-open readiness",
    "open_verification": "Open verification",
    SAMPLE: "Intraday sample",
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
_TELLS = ("tells", "◆")
_TOLD = (("EXECUTION", ("alarm", "■")), ("NO-GO", ("bad", "■")))
"""What a run that went well found, by how its detail begins: a finding is no success."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One planned run: what became of it, and where its evidence is; `look` is a CSS class."""

    look: str
    glyph: str
    word: str
    job: str
    title: str
    session_date: str
    planned_at: object
    deadline: object
    detail: str
    href: str

    @property
    def bad(self) -> bool:
        """Tell whether it did not go as planned."""
        return self.look in {"bad", "alarm"}


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session or a holiday to come, with what is marked about it."""

    day: str
    opens: object
    closes: object
    marks: tuple[str, ...]
    holiday: bool


@dataclass(frozen=True, slots=True)
class DayPlan:
    """
    The day as the pages show it; `trouble` says why it could not be read, empty where it was.

    `rows` are the runs apart from samples. `scheduler` says whether anything begins them here.
    """

    trouble: str
    on: str = ""
    note: str = ""
    at: object = None
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
        """Count the samples by what became of them."""
        words = [s.word for s in self.samples]
        counted = [f"{words.count(w)} {w}" for w in dict.fromkeys(words)]
        return ", ".join(counted)

    @property
    def samples_bad(self) -> bool:
        """Tell whether a sample did not go as planned."""
        return any(s.bad for s in self.samples)


def see_day(document: Document | Missed) -> DayPlan:
    """Turn the scheduled day into what pages show; one that lacks its runs could not be read."""
    if isinstance(document, Missed):
        return DayPlan(document.detail)
    runs = document.get("runs")
    if not isinstance(runs, list):
        return DayPlan("its runs is missing or no list")
    rows = _rows(cast("object", runs))
    scheduler, bad = _scheduler(document.get("scheduler"))
    return DayPlan(
        trouble="",
        on=_text(document.get("on")),
        note=_text(document.get("note")),
        at=document.get("ts"),
        at_et=_text(document.get("at_et")),
        label=_text(document.get("label")),
        rows=tuple(r for r in rows if r.job != SAMPLE),
        samples=tuple(r for r in rows if r.job == SAMPLE),
        carried=tuple(_rows(document.get("carried"))),
        last=_one(document.get("last")),
        next=_one(document.get("next")),
        scheduler=scheduler,
        scheduler_bad=bad,
        sessions=_sessions(document.get("upcoming")),
    )


def _scheduler(value: object) -> tuple[str, bool]:
    told: Document = cast("Document", value) if isinstance(value, Mapping) else {}
    if told.get("stalled") is not False:
        return _text(told.get("detail")) or "it is not known whether runs are started", True
    if told.get("runs_here") is not True:
        return "this server does not start the runs", True
    return "this server starts the runs", False


def _rows(value: object) -> Sequence[RunRow]:
    return [_row(d) for d in _documents(value)]


def _one(value: object) -> RunRow | None:
    return _row(cast("Document", value)) if isinstance(value, Mapping) else None


def _row(run: Document) -> RunRow:
    word = _text(run.get("outcome")) or _text(run.get("stage")) or "UNKNOWN"
    look, glyph = _LOOKS.get(word, _UNKNOWN)
    detail = _text(run.get("detail"))
    if word == "SUCCEEDED" and detail not in _WELL:
        look, glyph = next((as_ for told, as_ in _TOLD if detail.startswith(told)), _TELLS)
    job, path = _text(run.get("job")), _text(run.get("path"))
    return RunRow(
        look=look,
        glyph=glyph,
        word=word.replace("_", " "),
        job=job,
        title=TITLES.get(job, job or "(unnamed)"),
        session_date=_text(run.get("session_date")),
        planned_at=run.get("planned_at"),
        deadline=run.get("deadline"),
        detail=detail,
        href=f"/artifacts/view/{quote(path)}/run.json" if path else "",
    )


def _sessions(value: object) -> tuple[SessionRow, ...]:
    upcoming: Document = cast("Document", value) if isinstance(value, Mapping) else {}
    rows = [_session(d) for d in _documents(upcoming.get("sessions"))]
    rows += [_holiday(d) for d in _documents(upcoming.get("holidays"))]
    return tuple(row for _, row in sorted(rows, key=lambda r: r[0]))


def _session(session: Document) -> tuple[str, SessionRow]:
    marks = list[str]()
    if session.get("early_close") is True:
        marks.append(f"early close: {_text(session.get('source'))}")
    change = session.get("clock_change")
    if isinstance(change, Mapping):
        told = cast("Document", change)
        marks.append(f"clocks changed: {_text(told.get('from'))} to {_text(told.get('to'))}")
    on = _text(session.get("session_date"))
    row = SessionRow(
        _day(on), session.get("open"), session.get("close"), tuple(marks), holiday=False
    )
    return on, row


def _holiday(holiday: Document) -> tuple[str, SessionRow]:
    on = _text(holiday.get("date"))
    marks = (f"no session: {_text(holiday.get('name'))} ({_text(holiday.get('source'))})",)
    return on, SessionRow(_day(on), None, None, marks, holiday=True)


def _day(on: str) -> str:
    try:
        return f"{date.fromisoformat(on):%a %d %b %Y}"
    except ValueError:
        return on


def _documents(value: object) -> Sequence[Document]:
    listed = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Document", v) for v in listed if isinstance(v, Mapping)]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
