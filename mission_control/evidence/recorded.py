"""What was recorded: the ledger's lines, artifacts byte for byte, and what is made of them."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any, cast

import orjson

from mission_control.deploy_report.decide.changes import compare_reports
from mission_control.deploy_report.present import comparison_document
from mission_control.documents.canonical_json import encode_json
from mission_control.documents.instants import utc_text
from mission_control.documents.raw import mapping, mappings
from mission_control.errors import StorageError
from mission_control.evidence.gathering import EvidenceSources, File, Gathering
from mission_control.evidence.model import Gap, Wanted
from mission_control.last_known_good.present import listed_capture
from mission_control.last_known_good.recorded import list_captures
from mission_control.market_calendar.calendar import CalendarReader
from mission_control.market_calendar.days import in_new_york, instant_of
from mission_control.model.session import TradingDay
from mission_control.records.model import (
    GENESIS,
    RUN_FILE,
    ArtifactFile,
    ArtifactQuery,
    LedgerEntry,
    RecordedArtifact,
)
from mission_control.records.recorded_reports import (
    DEPLOY_JSON,
    READINESS_JSON,
    list_reports,
    read_report,
)
from mission_control.schedule.decide import judge_run
from mission_control.schedule.model import RunOutcome, RunState
from mission_control.schedule.present.plan import run_state_document
from mission_control.schedule.recorded import RunAccounts

MOST_RUNS = 100_000
MOST_BYTES = 64 * 1024 * 1024
"""A recorded file that is larger is left out, and is a gap."""
MOST_CAPTURES = 30
ATTESTATION_JSON, LKG_JSON = "attestation.json", "lkg_metadata.json"
EXPECTED = {
    "readiness": READINESS_JSON,
    "deploy reports": DEPLOY_JSON,
    "attestations": ATTESTATION_JSON,
    "last known good": LKG_JSON,
}
"""What every session is expected to have recorded, by the name of the file."""
_FINE = frozenset({RunOutcome.SUCCEEDED, RunOutcome.SKIPPED_HOLIDAY})
_MIDNIGHT, _DAY = time(0), timedelta(days=1)

Document = Mapping[str, Any]


def sessions_of(wanted: Wanted, calendar: CalendarReader) -> Sequence[TradingDay]:
    """Return the sessions of the dates in New York that are asked for."""
    first = instant_of(in_new_york(wanted.since).date(), _MIDNIGHT)
    last = in_new_york(wanted.until - timedelta(microseconds=1)).date()
    return calendar.sessions_between(first, instant_of(last + _DAY, _MIDNIGHT))


async def gather_artifacts(sources: EvidenceSources, gathering: Gathering) -> AsyncGenerator[File]:
    """Return the ledger's lines up to its head, and the files of every run that belongs in."""
    entries = await _entries(sources, gathering)
    head = gathering.head
    if head is not None and head.seq:
        first = min((e.seq for e in entries), default=head.seq)
        lines = await sources.artifacts.lines(first, head.seq)
        gathering.cover("ledger", head.seq - first + 1, len(lines), "lines")
        yield "ledger/lines.jsonl", b"".join(lines)
    else:
        gathering.cover("ledger", 0, 0, "lines")
        yield "ledger/lines.jsonl", b""
    gaps, files = list[Gap](), [(e, f) for e in entries for f in e.files]
    for entry, file in files:
        content = await _intact(sources, file, gaps)
        if content is not None:
            _note(gathering, entry, file, content)
            yield f"artifacts/{file.path}", content
    gathering.cover("artifacts", len(files), len(files) - len(gaps), "files", gaps)
    for entry in entries:
        gathering.tell(
            datetime.fromisoformat(entry.at), "record", f"{entry.job} was recorded", entry.path
        )
    _expect_of_sessions(sources, gathering, entries)


async def _entries(sources: EvidenceSources, gathering: Gathering) -> Sequence[LedgerEntry]:
    """Return the runs of the time that is asked for, and of its sessions, oldest first."""
    wanted, artifacts, head = gathering.wanted, sources.artifacts, gathering.head or GENESIS
    queries = [ArtifactQuery(MOST_RUNS, since=wanted.since, until=wanted.until)]
    sessions = sessions_of(wanted, sources.calendar)
    queries += [ArtifactQuery(MOST_RUNS, session_date=s.session_date) for s in sessions]
    found = dict[int, LedgerEntry]()
    for query in queries:
        page = await artifacts.page(query)
        found.update((e.seq, e) for e in page.entries if e.seq <= head.seq)
    return [found[seq] for seq in sorted(found)]


async def _intact(sources: EvidenceSources, file: ArtifactFile, gaps: list[Gap]) -> bytes | None:
    """Return a file's bytes as they were recorded; anything else is a gap."""
    if file.size > MOST_BYTES:
        gaps.append(Gap(file.path, f"it has {file.size} bytes, and at most {MOST_BYTES} are taken"))
        return None
    try:
        recorded: RecordedArtifact = await sources.artifacts.read(file, MOST_BYTES)
    except StorageError as error:
        gone = isinstance(error.__cause__, FileNotFoundError)
        reason = "it is recorded and not there" if gone else f"it cannot be read: {error.problem}"
        gaps.append(Gap(file.path, reason))
        return None
    if not recorded.intact:
        gaps.append(Gap(file.path, "its bytes are not those that were recorded"))
        return None
    return recorded.content


def _note(gathering: Gathering, entry: LedgerEntry, file: ArtifactFile, content: bytes) -> None:
    """Note what an artifact says of coverage and configuration, and its verdict for the story."""
    name = file.path.removeprefix(f"{entry.path}/")
    account = name == RUN_FILE or name.endswith(f".{RUN_FILE}")
    if not account and name not in EXPECTED.values():
        return
    try:
        read = orjson.loads(content)
    except orjson.JSONDecodeError:
        return
    told: Document = cast("Document", read) if isinstance(read, dict) else {}
    if account:
        digests = (str(told.get("config_digest")), str(told.get("fleet_digest")))
        gathering.configured.add(digests)
        covered = [c for c in mappings(told.get("coverage")) if c.get("gaps")]
        if covered:
            gathering.runs.append({"path": entry.path, "coverage": covered})
        return
    text = _verdict(name, told)
    at = datetime.fromisoformat(entry.at)
    gathering.tell(at, "report", text, f"data/artifacts/{file.path}")


def _verdict(name: str, told: Document) -> str:
    if name == READINESS_JSON:
        return f"readiness: {told.get('verdict')} {told.get('code') or ''}".rstrip()
    if name == ATTESTATION_JSON:
        return f"No-Execution Attestation: {told.get('conclusion')}"
    if name == LKG_JSON:
        return f"last known good captured: {told.get('status')}"
    return f"deploy report: {told.get('headline') or 'made'}"


def _expect_of_sessions(
    sources: EvidenceSources, gathering: Gathering, entries: Sequence[LedgerEntry]
) -> None:
    """Note which sessions lack a report that every session has."""
    sessions = sessions_of(gathering.wanted, sources.calendar)
    for source, name in EXPECTED.items():
        if name == LKG_JSON and sources.fleet.access is None:
            continue
        holding = {e.session_date for e in entries if e.file_named(name) is not None}
        lacking = [s.session_date for s in sessions if s.session_date.isoformat() not in holding]
        gaps = [Gap(f"the session of {on}", "none is recorded") for on in lacking]
        gathering.cover(source, len(sessions), len(sessions) - len(gaps), "sessions", gaps)


async def gather_schedule(sources: EvidenceSources, gathering: Gathering) -> AsyncGenerator[File]:
    """Return each session's planned runs with what became of them, as of the pinned head."""
    accounts, gaps = RunAccounts(sources.artifacts), list[Gap]()
    sessions = sessions_of(gathering.wanted, sources.calendar)
    planned = produced = 0
    plans = await accounts.plans(sessions[0].session_date) if sessions else None
    for session in sessions:
        on = session.session_date
        if plans is None or on not in plans:
            gaps.append(Gap(f"the plan of {on}", "none is recorded"))
            continue
        recorded = await accounts.of(on)
        now = await _judged_at(sources, gathering)
        states = [judge_run(r, recorded.get(r.key, ()), None, now) for r in plans[on][1].runs]
        ended = [s for s in states if s.outcome is not None]
        lost = [s for s in ended if s.outcome not in _FINE]
        planned, produced = planned + len(ended), produced + len(ended) - len(lost)
        gaps += map(_lost, lost)
        for state in lost:
            text = f"{state.run.job}: {state.outcome} {state.detail}"
            gathering.tell(state.run.deadline, "schedule", text, f"data/schedule/{on}.json")
        told = {"plan": plans[on][0].path, "runs": [run_state_document(s) for s in states]}
        yield f"schedule/{on}.json", encode_json(told | {"judged_at": utc_text(now)})
    gathering.cover("schedule", planned, produced, "planned runs", gaps)


async def _judged_at(sources: EvidenceSources, gathering: Gathering) -> datetime:
    """Return the later of the end that is asked for and the newest line of the ledger."""
    head = gathering.head
    lines = await sources.artifacts.lines(head.seq, head.seq) if head and head.seq else ()
    ends = [datetime.fromisoformat(orjson.loads(line)["at"]) for line in lines]
    return max([gathering.wanted.until, *ends])


def _lost(state: RunState) -> Gap:
    return Gap(
        state.run.key, f"{state.outcome}: {state.detail}" if state.detail else f"{state.outcome}"
    )


async def gather_comparisons(
    sources: EvidenceSources, gathering: Gathering
) -> AsyncGenerator[File]:
    """Return what changed in what is deployed, and how far it is from the last known good."""
    wanted, gaps = gathering.wanted, list[Gap]()
    holding = await list_reports(sources.artifacts, DEPLOY_JSON, MOST_RUNS)
    upto = [e for e in holding if datetime.fromisoformat(e.at) < wanted.until]
    within = [e for e in upto if datetime.fromisoformat(e.at) >= wanted.since]
    before = [e for e in upto if datetime.fromisoformat(e.at) < wanted.since]
    newest = await _report(sources, within[:1] or before[:1], gaps)
    earlier = await _report(sources, before[:1] if within else before[1:2], gaps)
    yield "deploy/diff.json", await asyncio.to_thread(_diff, newest, earlier, gaps)
    captures = await list_captures(sources.artifacts, MOST_RUNS)
    then = [c for c in captures if datetime.fromisoformat(c.entry.at) < wanted.until]
    told = {
        "report": newest[0].path if newest else None,
        "since_last_known_good": mapping(newest[1]).get("lkg") if newest else None,
        "captures": [listed_capture(c) for c in then[:MOST_CAPTURES]],
    }
    if not any(c.is_good for c in then):
        gaps.append(Gap("the last known good", "no capture was GOOD by then"))
    gathering.cover("comparisons", 2, 2 - min(2, len(gaps)), "comparisons", gaps)
    yield "lkg/distance.json", encode_json(told)


async def _report(
    sources: EvidenceSources, entries: Sequence[LedgerEntry], gaps: list[Gap]
) -> tuple[LedgerEntry, Document] | None:
    for entry in entries:
        try:
            return entry, (await read_report(sources.artifacts, entry, DEPLOY_JSON)).document
        except StorageError as error:
            gaps.append(Gap(entry.path, error.problem))
    return None


def _diff(
    newest: tuple[LedgerEntry, Document] | None,
    earlier: tuple[LedgerEntry, Document] | None,
    gaps: list[Gap],
) -> bytes:
    told: dict[str, Any] = {
        "before": earlier[0].path if earlier else None,
        "after": newest[0].path if newest else None,
        "comparison": None,
    }
    if newest is None or earlier is None:
        which = "deploy report" if newest is None else "earlier deploy report"
        gaps.append(Gap("what changed in what is deployed", f"no {which} is recorded"))
    else:
        told["comparison"] = comparison_document(compare_reports(earlier[1], newest[1]))
    return encode_json(told)
