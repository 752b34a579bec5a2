"""The retention report: how much of the record is kept. Nothing is ever deleted."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from mission_control.documents.canonical_json import encode_json
from mission_control.durable_copy.copying import KeepingParts
from mission_control.errors import StorageError
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.model import ArtifactQuery, Collection, LedgerEntry, SourceCoverage
from mission_control.records.recorded_reports import latest_report
from mission_control.records.run_origin import Ground, RunOrigin
from mission_control.retention.decide import judge_retention
from mission_control.retention.model import KEPT_TRADING_DAYS
from mission_control.retention.present import (
    retention_document,
    retention_markdown,
    retention_state_document,
)

JOB = "retention_report"
JSON_NAME, MARKDOWN_NAME = "retention_report.json", "retention_report.md"

BACK = timedelta(days=3 * KEPT_TRADING_DAYS)
"""So many days hold 30 sessions, whatever holidays there are."""

EVERYTHING = 2**31


@dataclass(frozen=True, slots=True)
class ReportedRetention:
    """A retention report, and the line that records it."""

    document: Mapping[str, Any]
    entry: LedgerEntry


async def report_retention(parts: KeepingParts, origin: RunOrigin) -> ReportedRetention:
    """
    Report how much is kept, from the ledger and a check of every file, and record the report.

    Raises StorageError where the record can be neither read nor written.
    """
    started = parts.clock()
    page = await parts.artifacts.page(ArtifactQuery(limit=EVERYTHING))
    checked = await parts.artifacts.check()
    sessions: list[date] = [
        day.session_date for day in parts.calendar.sessions_between(started - BACK, started)
    ]
    entries = tuple(reversed(page.entries))
    report = await asyncio.to_thread(judge_retention, entries, sessions, checked.found, started)
    document = retention_document(report)
    files = {
        JSON_NAME: encode_json(document, parts.label),
        MARKDOWN_NAME: retention_markdown(document, parts.label).encode(),
    }
    gaps = tuple((warning, "WARNING") for warning in report.warnings)
    coverage = SourceCoverage("record", page.total, len(page.entries), gaps)
    ground = Ground(parts.calendar.session_at(started), parts.fleet, coverage, parts.label)
    notes = {"status": "WARNINGS" if report.warnings else "COMPLETE"}
    facts = origin.facts(JOB, ground, parts.clock(), notes=notes)
    entry = await parts.writer.record(Collection.OPS_RUNS, files, facts)
    return ReportedRetention(document, entry)


async def retention_state(artifacts: ArtifactReader) -> dict[str, Any]:
    """Return what the newest recorded report says of retention."""
    try:
        newest = await latest_report(artifacts, JSON_NAME)
    except StorageError as error:
        return retention_state_document({"unreadable": f"it cannot be read: {error.problem}"})
    if newest is None:
        return retention_state_document(None)
    return retention_state_document({**newest.document, "path": newest.entry.path})
