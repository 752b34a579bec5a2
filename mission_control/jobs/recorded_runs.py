"""Jobs: what the record says of planned runs and of plans, read back from the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import orjson

from mission_control.errors import StorageError
from mission_control.jobs.artifact_ports import ArtifactQuery, ArtifactsReader
from mission_control.model.artifact import RUN_FILE, LedgerEntry
from mission_control.model.schedule import Job, PlannedRun, RecordedRun, SessionPlan

PLAN_JOB, RECONCILIATION_JOB = "session_plan", "session_reconciliation"
PLAN_JSON = "session_plan.json"
MOST_RUNS = 2_000
"""Runs of one session date that are looked at; a day has about forty."""
MAX_BYTES = 1024 * 1024
REMEMBERED = 4_096

Document = Mapping[str, Any]
_OF_A_PLAN = frozenset(j.value for j in Job)


@dataclass(slots=True)
class RunAccounts:
    """
    Reads what runs tell of themselves; each account that is intact is read once.

    Raises StorageError where the ledger cannot be read.
    """

    artifacts: ArtifactsReader
    _known: dict[str, tuple[str, RecordedRun] | None] = field(
        default_factory=dict[str, tuple[str, RecordedRun] | None]
    )

    _plans: dict[str, SessionPlan] = field(default_factory=dict[str, SessionPlan])

    async def of(self, on: date) -> Mapping[str, Sequence[RecordedRun]]:
        """Give the recorded runs of a session date by the key of the planned run they claimed."""
        query = ArtifactQuery(limit=MOST_RUNS, session_date=on)
        found = dict[str, list[RecordedRun]]()
        for entry in (await self.artifacts.page(query)).entries:
            if entry.job in _OF_A_PLAN:
                account = await self._account(entry)
                if account is not None:
                    found.setdefault(account[0], []).append(account[1])
        return found

    async def plans(self, since: date) -> Mapping[date, tuple[LedgerEntry, SessionPlan]]:
        """Give the newest recorded plan of each date from one on, with its line of the ledger."""
        found = dict[date, tuple[LedgerEntry, SessionPlan]]()
        for entry in await self._entries(PLAN_JOB, since):
            on = date.fromisoformat(entry.session_date or "")
            if on not in found:
                plan = await self._plan(entry)
                if plan is not None:
                    found[on] = (entry, plan)
        return found

    async def reconciled(self, since: date) -> frozenset[date]:
        """Give the dates from one on whose plan has been reconciled."""
        entries = await self._entries(RECONCILIATION_JOB, since)
        return frozenset(date.fromisoformat(e.session_date or "") for e in entries)

    async def _entries(self, job: str, since: date) -> Sequence[LedgerEntry]:
        page = await self.artifacts.page(ArtifactQuery(limit=MOST_RUNS, job=job))
        text = since.isoformat()
        return [e for e in page.entries if e.session_date is not None and e.session_date >= text]

    async def _account(self, entry: LedgerEntry) -> tuple[str, RecordedRun] | None:
        if entry.path not in self._known:
            document, intact = await self._read(entry, RUN_FILE)
            account = read_account(entry, document, intact=intact)
            if not intact:
                return account
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[entry.path] = account
        return self._known[entry.path]

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


def read_account(
    entry: LedgerEntry, document: Document, *, intact: bool
) -> tuple[str, RecordedRun] | None:
    """Give the planned run that a run's own account claims, and how it went; None for no claim."""
    planned, notes = document.get("planned"), document.get("notes")
    key = cast("Document", planned).get("key") if isinstance(planned, dict) else None
    started, finished = _instant(document.get("started")), _instant(document.get("finished"))
    if not isinstance(key, str) or started is None or finished is None:
        return None
    told: Document = cast("Document", notes) if isinstance(notes, dict) else {}
    code = document.get("exit_code")
    return key, RecordedRun(
        path=entry.path,
        started=started,
        finished=finished,
        exit_code=code if isinstance(code, int) else 1,
        seq=entry.seq,
        detail=str(told.get("detail") or told.get("verdict") or ""),
        intact=intact,
        overlapped=told.get("overlapped") == "yes",
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


def days_between(first: date, last: date) -> Sequence[date]:
    """List the dates from one to another, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _instant(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
