"""The scheduled day: what is planned, who claimed it, and what became of it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum


class Job(StrEnum):
    """What runs by itself on a trading day (docs/semantics.md#8)."""

    PRE_MARKET = "pre_market_readiness"
    PRE_OPEN = "pre_open_readiness"
    OPEN_VERIFICATION = "open_verification"
    INTRADAY_SAMPLE = "intraday_sample"
    POST_MARKET = "post_market_capture"
    LKG_CAPTURE = "lkg_capture"
    ATTESTATION = "no_execution_attestation"
    RETENTION = "retention_report"
    DURABLE_COPY = "durable_copy"


READINESS_JOBS = frozenset({Job.PRE_MARKET, Job.PRE_OPEN, Job.OPEN_VERIFICATION})
"""The planned readiness runs: without their verdict, GO is revoked."""


class RunOutcome(StrEnum):
    """
    How a planned run ended (docs/semantics.md#8).

    It says whether evidence was produced in time; the verdict inside is another matter.
    """

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    LATE = "LATE"
    MISSED = "MISSED"
    SKIPPED_HOLIDAY = "SKIPPED_HOLIDAY"
    OVERLAPPED = "OVERLAPPED"


class RunStage(StrEnum):
    """Where a planned run is."""

    PLANNED = "PLANNED"
    DUE = "DUE"
    """Its time has come, and it is not claimed, or its owner has died."""
    RUNNING = "RUNNING"
    ENDED = "ENDED"


@dataclass(frozen=True, slots=True, order=True)
class PlannedRun:
    """
    One run of a job, to begin at `planned_at` and to have ended at `deadline` (UTC).

    `session_date` is the trading day in New York that its evidence belongs to. `skipped` says why
    it will not run at all; empty for every run that will.
    """

    planned_at: datetime
    job: Job
    session_date: date
    deadline: datetime
    skipped: str = ""

    @property
    def key(self) -> str:
        """Name the run; equal keys are the same run (docs/semantics.md#8)."""
        return f"{self.session_date}_{self.job.value}_{self.planned_at.astimezone(UTC):%H%M%SZ}"


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """
    Everything planned for one date in New York, in the order of time.

    `note` says what kind of day it is. Equal calendars give equal plans.
    """

    on: date
    runs: tuple[PlannedRun, ...]
    note: str
    early_close: bool = False


@dataclass(frozen=True, slots=True)
class RunClaim:
    """
    Who runs a planned run: the newest claim to it.

    `attempt` counts claims from 1; a claim whose lease is over belongs to an owner that died.
    Instants are UTC.
    """

    owner: str
    attempt: int
    claimed_at: datetime
    lease_until: datetime


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """
    What the record says of a planned run.

    `intact` is false where its account is not as it was recorded: then it proves nothing.
    `overlapped` marks a run that never began because the one before had not ended. `produced` is
    false for one that says itself that it produced no evidence, whatever it ended with.
    """

    path: str
    started: datetime
    finished: datetime
    exit_code: int
    seq: int
    detail: str = ""
    intact: bool = True
    overlapped: bool = False
    produced: bool = True


@dataclass(frozen=True, slots=True)
class RunState:
    """
    The state of a planned run; `outcome` is None until it has ended.

    `path` is where its evidence is recorded, empty where there is none.
    """

    run: PlannedRun
    stage: RunStage
    outcome: RunOutcome | None = None
    detail: str = ""
    path: str = ""
    finished: datetime | None = None


@dataclass(frozen=True, slots=True)
class DayView:
    """
    The state of the scheduled day at `at` (UTC).

    `carried` are runs of earlier days that have not ended yet. `runs_here` says whether this
    process begins runs by itself, and `stalled` since when it has not, empty while it does.
    """

    at: datetime
    plan: SessionPlan
    states: tuple[RunState, ...]
    carried: tuple[RunState, ...]
    runs_here: bool
    stalled: str = ""
