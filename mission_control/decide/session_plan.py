"""Decide: what is planned for a day: every run with its time and evidence deadline."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from mission_control.market_calendar.new_york import instant_of
from mission_control.model.schedule import Job, PlannedRun, SessionPlan
from mission_control.model.session import MarketSession, Phase

USUAL_OPEN, USUAL_CLOSE = time(9, 30), time(16)
"""What the playbook's literal crons are written for."""
DAILY_AT = time(18)
DAILY = (Job.RETENTION, Job.DURABLE_COPY)
SAMPLE_EVERY = timedelta(minutes=15)
DAY = timedelta(days=1)
BEFORE_NEXT_OPEN = timedelta(minutes=-60)
ATTESTED_AFTER_CLOSE = timedelta(minutes=75)
SATURDAY = 5


@dataclass(frozen=True, slots=True)
class _Row:
    """A job's time and deadline, as minutes after the session's open or close."""

    job: Job
    after_close: bool
    minutes: int
    deadline_minutes: int

    def plan(self, hours: "_Hours", skipped: str) -> PlannedRun:
        anchor = hours.close if self.after_close else hours.open
        at = anchor + timedelta(minutes=self.minutes)
        deadline = anchor + timedelta(minutes=self.deadline_minutes)
        return PlannedRun(at, self.job, hours.on, deadline, skipped)


@dataclass(frozen=True, slots=True)
class _Hours:
    on: date
    open: datetime
    close: datetime
    next_open: datetime


ROWS = (
    _Row(Job.PRE_MARKET, after_close=False, minutes=-60, deadline_minutes=-15),
    _Row(Job.PRE_OPEN, after_close=False, minutes=-15, deadline_minutes=0),
    _Row(Job.OPEN_VERIFICATION, after_close=False, minutes=5, deadline_minutes=20),
    _Row(Job.POST_MARKET, after_close=True, minutes=30, deadline_minutes=60),
    _Row(Job.LKG_CAPTURE, after_close=True, minutes=60, deadline_minutes=120),
)
"""The playbook's day (semantics, section 8), with samples, attestation and daily jobs beside it."""


def plan_session(on: date, at_noon: MarketSession, offered: Collection[Job]) -> SessionPlan:
    """
    Plan a date in New York from the session as the calendar sees it at noon of that date.

    Only jobs that are `offered` are planned. A holiday's runs are planned as skipped, at the
    times they usually have. Where the calendar cannot tell, the literal weekday crons are planned:
    a run too many costs less than one too few.
    """
    runs = [r for r in (*_session_runs(on, at_noon), *_daily(on)) if r.job in offered]
    note = at_noon.note or _NOTES.get(at_noon.phase, "a full session")
    return SessionPlan(on, tuple(sorted(runs)), note, at_noon.early_close)


_NOTES = {Phase.CLOSED_WEEKEND: "no session: weekend"}


def join_plans(own: SessionPlan, recorded: SessionPlan, offered: Collection[Job]) -> SessionPlan:
    """
    Give our plan of a date with what is recorded of jobs that are not offered here.

    Servers of one record may offer different jobs: each plans its own, and takes back none of
    the others.
    """
    others = (r for r in recorded.runs if r.job not in offered)
    return replace(own, runs=tuple(sorted((*own.runs, *others))))


def _session_runs(on: date, at_noon: MarketSession) -> Iterator[PlannedRun]:
    if on.weekday() >= SATURDAY:
        return
    skipped = ""
    if at_noon.phase is Phase.CLOSED_HOLIDAY:
        skipped = f"holiday: {at_noon.note}"
    hours = _hours(on, at_noon)
    yield from (row.plan(hours, skipped) for row in ROWS)
    if not skipped:
        yield from _samples(hours)
    deadline = hours.next_open + BEFORE_NEXT_OPEN
    at = hours.close + ATTESTED_AFTER_CLOSE
    yield PlannedRun(at, Job.ATTESTATION, on, deadline, skipped)


def _hours(on: date, at_noon: MarketSession) -> _Hours:
    """Give the session's hours; the usual ones where the day has none, or nobody knows."""
    opens = at_noon.open or instant_of(on, USUAL_OPEN)
    closes = at_noon.close or instant_of(on, USUAL_CLOSE)
    next_open = at_noon.next_open or instant_of(_weekday_after(on), USUAL_OPEN)
    return _Hours(on, opens, closes, next_open)


def _samples(hours: _Hours) -> Iterator[PlannedRun]:
    """Give a sample every 15 minutes while the session is open, each due before the next."""
    at = hours.open
    while at < hours.close:
        deadline = min(at + SAMPLE_EVERY, hours.close)
        yield PlannedRun(at, Job.INTRADAY_SAMPLE, hours.on, deadline)
        at += SAMPLE_EVERY


def _daily(on: date) -> Iterator[PlannedRun]:
    """Give what runs every day, weekends and holidays included, until the next day's takes over."""
    at, deadline = instant_of(on, DAILY_AT), instant_of(on + DAY, DAILY_AT)
    yield from (PlannedRun(at, job, on, deadline) for job in DAILY)


def _weekday_after(on: date) -> date:
    on += DAY
    while on.weekday() >= SATURDAY:
        on += DAY
    return on
