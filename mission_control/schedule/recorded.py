"""A session plan recorded, and later how each of its runs ended."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import orjson

from mission_control.documents.canonical_json import encode_json
from mission_control.errors import AlreadyRecordedError, StorageError
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.model import RUN_FILE, ArtifactQuery, Collection, LedgerEntry
from mission_control.schedule.decide import join_plans
from mission_control.schedule.job import RunSources
from mission_control.schedule.model import Job, PlannedRun, RecordedRun, RunState, SessionPlan
from mission_control.schedule.present.plan import (
    plan_document,
    plan_markdown,
    reconciliation_document,
    reconciliation_markdown,
)

PLAN_JOB, RECONCILIATION_JOB = "session_plan", "session_reconciliation"
PLAN_JSON = "session_plan.json"
MOST_RUNS = 2_000
"""Runs of one session date that are looked at; a day has about forty."""
MAX_BYTES = 16 * 1024 * 1024
REMEMBERED = 4_096
_TELLING = ("detail", "verdict", "conclusion", "status")
"""Notes of a run, the first of which tells in a word what it came to."""
NO_EVIDENCE = {"evidence": "none"}
"""The notes of a run that is recorded and yet produced no evidence: its planned run FAILED."""

Document = Mapping[str, Any]
_OF_A_PLAN = frozenset(j.value for j in Job)


@dataclass(slots=True)
class RunAccounts:
    """
    Reads what runs tell of themselves; each account that is intact is read once.

    Raises StorageError where the ledger cannot be read.
    """

    artifacts: ArtifactReader
    _known: dict[str, RecordedRun] = field(default_factory=dict[str, RecordedRun])

    _plans: dict[str, SessionPlan] = field(default_factory=dict[str, SessionPlan])

    async def of(self, on: date) -> Mapping[str, Sequence[RecordedRun]]:
        """
        Return the recorded runs of a session date by the key of the planned run that each is.

        The ledger's line says which; an account that cannot be read is a run all the same, and
        proves nothing of how it went.
        """
        query = ArtifactQuery(limit=MOST_RUNS, session_date=on)
        found = dict[str, list[RecordedRun]]()
        for entry in (await self.artifacts.page(query)).entries:
            if entry.once is not None and entry.job in _OF_A_PLAN:
                found.setdefault(entry.once, []).append(await self._account(entry))
        return found

    async def plans(self, since: date) -> Mapping[date, tuple[LedgerEntry, SessionPlan]]:
        """Return the newest recorded plan of each date from one on, with its line of the ledger."""
        found = dict[date, tuple[LedgerEntry, SessionPlan]]()
        for entry in await self._entries(PLAN_JOB, since):
            on = _date(entry)
            if on is not None and on not in found:
                plan = await self._plan(entry)
                if plan is not None:
                    found[on] = (entry, plan)
        return found

    async def reconciled(self, since: date) -> frozenset[date]:
        """Return the dates from one on whose plan has been reconciled."""
        entries = await self._entries(RECONCILIATION_JOB, since)
        return frozenset(on for e in entries if (on := _date(e)) is not None)

    async def _entries(self, job: str, since: date) -> Sequence[LedgerEntry]:
        page = await self.artifacts.page(ArtifactQuery(limit=MOST_RUNS, job=job))
        text = since.isoformat()
        return [e for e in page.entries if e.session_date is not None and e.session_date >= text]

    async def _account(self, entry: LedgerEntry) -> RecordedRun:
        known = self._known.get(entry.path)
        if known is None:
            document, intact = await self._read(entry, RUN_FILE)
            known = read_account(entry, document, intact=intact)
            if known.intact:
                if len(self._known) >= REMEMBERED:
                    self._known.clear()
                self._known[entry.path] = known
        return known

    async def _plan(self, entry: LedgerEntry) -> SessionPlan | None:
        if entry.path not in self._plans:
            document, intact = await self._read(entry, PLAN_JSON)
            plan = read_plan(document) if intact else None
            if plan is None:
                return None
            if len(self._plans) >= REMEMBERED:
                self._plans.clear()
            self._plans[entry.path] = plan
        return self._plans[entry.path]

    async def _read(self, entry: LedgerEntry, name: str) -> tuple[Document, bool]:
        """Read a file of a run; one that is missing or no JSON is an empty one, not intact."""
        file = entry.file_named(name)
        if file is None:
            return {}, False
        try:
            recorded = await self.artifacts.read(file, MAX_BYTES)
            document = orjson.loads(recorded.content)
        except (StorageError, orjson.JSONDecodeError):
            return {}, False
        if not isinstance(document, dict):
            return {}, False
        return cast("Document", document), recorded.intact


def read_account(entry: LedgerEntry, document: Document, *, intact: bool) -> RecordedRun:
    """Return how a run went by its own account; an incomplete one is not intact."""
    notes, code = document.get("notes"), document.get("exit_code")
    started, finished = _instant(document.get("started")), _instant(document.get("finished"))
    told: Document = cast("Document", notes) if isinstance(notes, dict) else {}
    at = datetime.fromisoformat(entry.at)
    return RecordedRun(
        path=entry.path,
        started=started or at,
        finished=finished or at,
        exit_code=code if isinstance(code, int) else 1,
        seq=entry.seq,
        detail=next((str(told[name]) for name in _TELLING if told.get(name)), ""),
        intact=intact and started is not None and finished is not None,
        overlapped=told.get("overlapped") == "yes",
        produced=not NO_EVIDENCE.items() <= told.items(),
    )


def read_plan(document: Document) -> SessionPlan | None:
    """Read a plan back from what was recorded; None for one that cannot be understood."""
    try:
        runs = tuple(
            PlannedRun(
                planned_at=datetime.fromisoformat(r["planned_at"]).astimezone(UTC),
                job=Job(r["job"]),
                session_date=date.fromisoformat(r["session_date"]),
                deadline=datetime.fromisoformat(r["deadline"]).astimezone(UTC),
                skipped=str(r["skipped"]),
            )
            for r in document["runs"]
        )
        on = date.fromisoformat(document["on"])
        return SessionPlan(on, runs, str(document["note"]), document["early_close"] is True)
    except (KeyError, TypeError, ValueError):
        return None


def _date(entry: LedgerEntry) -> date | None:
    try:
        return date.fromisoformat(entry.session_date or "")
    except ValueError:
        return None


def days_between(first: date, last: date) -> Sequence[date]:
    """List the dates from one to another, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _instant(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


PLAN_MARKDOWN = "session_plan.md"
_MOST_PLANNERS = 5
RECONCILIATION_JSON = "session_reconciliation.json"
RECONCILIATION_MARKDOWN = "session_reconciliation.md"


async def keep_plan(
    own: SessionPlan,
    recorded: tuple[LedgerEntry, SessionPlan] | None,
    offered: AbstractSet[Job],
    accounts: RunAccounts,
    sources: RunSources,
) -> None:
    """
    Record a date's plan, joined with what servers that offer other jobs have recorded of it.

    Where another process records one meanwhile it is joined with that. Raises StorageError.
    """
    for _ in range(_MOST_PLANNERS):
        plan = own if recorded is None else join_plans(own, recorded[1], offered)
        if recorded is not None and recorded[1] == plan:
            return
        try:
            await _record_plan(plan, recorded[0] if recorded else None, sources)
        except AlreadyRecordedError:  # another process was quicker
            recorded = (await accounts.plans(own.on)).get(own.on)
        else:
            return


async def _record_plan(
    plan: SessionPlan, before: LedgerEntry | None, sources: RunSources
) -> LedgerEntry:
    """Record a plan; `before` is the one that it corrects, where the calendar changed."""
    files = {
        PLAN_JSON: encode_json(plan_document(plan)),
        PLAN_MARKDOWN: plan_markdown(plan).encode(),
    }
    once = f"{plan.on}_{PLAN_JOB}_after_{before.seq if before else 0}"
    return await _record(PLAN_JOB, plan.on, files, sources, once, before)


async def record_reconciliation(
    on: date, plan_path: str, states: Sequence[RunState], sources: RunSources
) -> LedgerEntry:
    """Record how every run of a plan ended; raises StorageError."""
    document = reconciliation_document(on, plan_path, states, sources.clock())
    files = {
        RECONCILIATION_JSON: encode_json(document),
        RECONCILIATION_MARKDOWN: reconciliation_markdown(document).encode(),
    }
    once = f"{on}_{RECONCILIATION_JOB}"
    return await _record(RECONCILIATION_JOB, on, files, sources, once, None)


async def _record(
    job: str,
    on: date,
    files: dict[str, bytes],
    sources: RunSources,
    once: str,
    before: LedgerEntry | None,
) -> LedgerEntry:
    """Record what may be recorded once, so that several processes make one of it."""
    corrects = before.path if before else None
    now = sources.clock()
    made = sources.origin.begun(now).facts(job, sources.ground(now), now)
    facts = replace(made, session_date=on, coverage=(), corrects=corrects, once=once)
    return await sources.writer.record(Collection.OPS_RUNS, files, facts)
