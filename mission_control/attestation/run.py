"""The attestation of one session: whether anything of execution was seen, from history."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mission_control.attestation.decide.session import SessionObservations, look_at_decision
from mission_control.attestation.model import Conclusion, NoExecution
from mission_control.attestation.present import (
    name_matter,
    no_execution_document,
    no_execution_markdown,
)
from mission_control.documents.canonical_json import encode_json
from mission_control.documents.instants import utc_text
from mission_control.durable_copy.copying import KeepingParts
from mission_control.floor.decide.stall import find_decided
from mission_control.history.model import TOLD_AROUND
from mission_control.market_calendar.calendar import CalendarReader
from mission_control.model.session import TradingDay
from mission_control.records.model import ArtifactQuery, Collection, LedgerEntry, SourceCoverage
from mission_control.records.run_origin import Ground, RunOrigin
from mission_control.schedule.recorded import NO_EVIDENCE

if TYPE_CHECKING:
    from mission_control.history.reader import HistoryReader

JOB = "no_execution_attestation"
JSON_NAME, MARKDOWN_NAME = "attestation.json", "attestation.md"
EVIDENCE_FOUND, NOTHING_SEEN = 3, 1
"""The run's exit codes where a sign of execution was seen, and where nothing was observed."""
LOOK_BACK = timedelta(days=14)
_MOST_NAMED = 5


class NoSuchSession(Exception):  # noqa: N818  (an answer to a question, not a failure)
    """There is no session of that date, or it has not closed; says which."""


@dataclass(frozen=True, slots=True)
class Attested:
    """An attestation as it will be recorded."""

    made: NoExecution
    document: Mapping[str, Any]
    files: Mapping[str, bytes]
    label: str

    @property
    def exit_code(self) -> int:
        """Return 3 where a sign was seen, 1 where nothing was, else 0: gaps are no failure."""
        codes = {
            Conclusion.EXECUTION_OBSERVED: EVIDENCE_FOUND,
            Conclusion.NOT_OBSERVED: NOTHING_SEEN,
        }
        return codes.get(self.made.conclusion, 0)

    @property
    def failure(self) -> str:
        """Say why this is a failed run all the same, though it is recorded; empty where not."""
        if self.made.conclusion is not Conclusion.NOT_OBSERVED:
            return ""
        return f"nothing of the session of {self.made.session_date} was observed: no evidence"


def choose_session(calendar: CalendarReader, now: datetime, asked: date | None) -> TradingDay:
    """Return the session of a date, or the latest; raises NoSuchSession for one not closed yet."""
    if asked is None:
        closed = [s for s in calendar.sessions_between(now - LOOK_BACK, now) if s.close <= now]
        if not closed:
            raise NoSuchSession("the calendar knows of no session that has closed lately")
        return closed[-1]
    midnight = datetime(asked.year, asked.month, asked.day, tzinfo=UTC)
    near = calendar.sessions_between(midnight, midnight + timedelta(days=2))
    found = next((s for s in near if s.session_date == asked), None)
    if found is None:
        raise NoSuchSession(f"there is no session on {asked}")
    if found.close > now:
        raise NoSuchSession(f"the session of {asked} closes only at {utc_text(found.close)}")
    return found


async def run(
    parts: KeepingParts,
    history: "HistoryReader | None",
    origin: RunOrigin,
    asked: date | None = None,
) -> tuple[Attested, LedgerEntry]:
    """
    Attest the session that is asked for, else that of the planned run, else the latest.

    Raises NoSuchSession for one that has not closed, and StorageError.
    """
    planned = origin.planned
    session = choose_session(
        parts.calendar, parts.clock(), asked or (planned and planned.session_date)
    )
    attested = await make_attestation(session, parts, history)
    return attested, await record_attestation(attested, parts, origin)


async def make_attestation(
    session: TradingDay, parts: KeepingParts, history: "HistoryReader | None"
) -> Attested:
    """
    Attest one session from every decision that history keeps of it, one at a time.

    Without a history nothing was observed, and the attestation says so. Raises StorageError
    where a history is there and cannot be read: a gap is only what nothing recorded.
    """
    gathered = SessionObservations(session)
    minutes = ()
    if history is not None:
        async for decision in history.decisions(session.open, session.close):
            look = await asyncio.to_thread(look_at_decision, decision, parts.calendar.session_at)
            gathered.take(look)
        minutes = await history.minutes(session.open - TOLD_AROUND, session.close + TOLD_AROUND)
    made = gathered.attest(find_decided(minutes), parts.clock())
    document = no_execution_document(made)
    files = {
        JSON_NAME: encode_json(document, parts.label),
        MARKDOWN_NAME: no_execution_markdown(document, parts.label).encode(),
    }
    return Attested(made, document, files, parts.label)


async def record_attestation(
    attested: Attested, parts: KeepingParts, origin: RunOrigin
) -> LedgerEntry:
    """
    Record an attestation under its session's date; raises StorageError.

    One that was recorded before for the same session stays, and the new one names it as the one
    that it corrects. One that observed nothing is recorded as well, and says that it is none.
    """
    made = attested.made
    session = parts.calendar.session_at(made.session.open)
    seen = made.identities[0] if len(made.identities) == 1 else None
    ground = Ground(session, parts.fleet, _coverage(made), parts.label, seen)
    told = {"conclusion": made.conclusion.value}
    if attested.failure:
        told |= NO_EVIDENCE | {"detail": attested.failure}
    facts = origin.facts(JOB, ground, parts.clock(), exit_code=attested.exit_code, notes=told)
    query = ArtifactQuery(limit=1, job=JOB, session_date=made.session_date, holding=JSON_NAME)
    before = (await parts.artifacts.page(query)).entries
    corrects = before[0].path if before else None
    facts = replace(facts, session_date=made.session_date, corrects=corrects)
    return await parts.writer.record(Collection.OPS_RUNS, attested.files, facts)


def _coverage(made: NoExecution) -> SourceCoverage:
    gaps = list[tuple[str, str]]()
    for gap in made.gaps:
        named = ", ".join(name_matter(m) for m in gap.matters[:_MOST_NAMED]) or "anything"
        more = len(gap.matters) - _MOST_NAMED
        when = f"{utc_text(gap.since)} to {utc_text(gap.until)}"
        gaps.append((f"{when}: {named}{f' and {more} more' if more > 0 else ''}", gap.why))
    seconds, seen = int(made.length.total_seconds()), int(made.observed.total_seconds())
    return SourceCoverage("session seconds", seconds, seen, tuple(gaps))
