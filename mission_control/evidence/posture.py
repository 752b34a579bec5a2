"""The posture over time out of history: each judged change with its inputs, minutes and gaps."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from mission_control.documents.canonical_json import encode_json
from mission_control.documents.document import document
from mission_control.documents.instants import utc_text
from mission_control.errors import ContractViolation, StorageError
from mission_control.evidence.decide import NOT_WATCHED, draw_posture, worst_by_minute
from mission_control.evidence.gathering import NO_HISTORY, EvidenceSources, File, Gathering
from mission_control.evidence.model import (
    CHANGE_FORMAT,
    ChangeLine,
    Gap,
    PostureSegment,
    Wanted,
)
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.decide.stall import find_undecided
from mission_control.floor.decision_version import decision_version
from mission_control.floor.model import FloorSnapshot
from mission_control.floor.present.posture import posture_document
from mission_control.history.codec import (
    decision_result,
    read_evidence,
    read_fleet,
    read_latched,
)
from mission_control.history.model import (
    TOLD_AROUND,
    KeptDecision,
    Span,
    WatchedMinute,
    add_up,
    join_spans,
)
from mission_control.market_calendar.calendar import CalendarReader
from mission_control.model.fleet import Fleet

CHANGES, FLEETS = "posture/changes", "posture/fleets"
UNDECIDED = "nothing was decided: what happened then was not watched"
OTHERWISE = "decided again it differs: what was said then is known by its digest and the events"
_DAY = timedelta(days=1)
_ODD = (ValueError, LookupError, TypeError, ContractViolation)


async def gather_changes(sources: EvidenceSources, gathering: Gathering) -> AsyncGenerator[File]:
    """Return each judged change with its inputs, oldest first, and the inventories it needs."""
    history, wanted = sources.history, gathering.wanted
    if history is None:
        gathering.unreadable("changes", "decisions", NO_HISTORY)
        return
    gaps, fleets = list[Gap](), dict[str, Fleet]()
    numbers = await history.decision_numbers(wanted.since, wanted.until)
    for place, number in enumerate(numbers):
        try:
            kept = await history.kept_decision(number)
            line, content = await asyncio.to_thread(_change, place, kept, sources.calendar, fleets)
        except (StorageError, *_ODD) as error:
            gaps.append(Gap(f"decision {number}", _said(error)))
            continue
        if kept.fleet_digest not in gathering.fleets:
            gathering.fleets.add(kept.fleet_digest)
            yield f"{FLEETS}/{kept.fleet_digest}.json", kept.fleet
        if not line.equal:
            gaps.append(Gap(f"{line.path} at {utc_text(line.at)}", OTHERWISE))
        _note(gathering, line)
        yield line.path.removeprefix("data/"), content
    gathering.cover("changes", len(numbers), len(gathering.lines), "decisions", gaps)
    told = {"changes": [document(line) | {"at": _exactly(line.at)} for line in gathering.lines]}
    yield "posture/changes.json", encode_json(told)


def _note(gathering: Gathering, line: ChangeLine) -> None:
    before = gathering.lines[-1] if gathering.lines else None
    gathering.lines.append(line)
    for code in line.codes:
        gathering.name_code(code)
    if before is None or (before.posture, before.codes) != (line.posture, line.codes):
        reasons = ", ".join(line.codes[:4]) or "no reason against it"
        when = "in force at the start" if before is None else "decided"
        text = f"{when}: {line.posture} ({reasons})"
        if not line.equal:
            text += "; as decided again, which differs from what was said then"
        gathering.tell(max(line.at, gathering.wanted.since), "posture", text, line.path)


def _change(
    place: int, kept: KeptDecision, calendar: CalendarReader, fleets: dict[str, Fleet]
) -> tuple[ChangeLine, bytes]:
    """Write one judged change, and decide it again; raises what others' rows raise."""
    again = _again(kept, calendar, fleets)
    posture: Mapping[str, Any] = {**posture_document(again)}
    result = decision_result(again)
    path = f"data/{CHANGES}/{place:06d}_{kept.at:%Y%m%dT%H%M%SZ}.json"
    line = ChangeLine(
        place,
        path,
        kept.at,
        kept.sequence,
        kept.why,
        kept.decision_version,
        kept.result,
        result == kept.result,
        posture["posture"],
        posture["severity"],
        tuple(dict.fromkeys(reason["code"] for reason in posture["reasons"])),
    )
    told = {
        "format": CHANGE_FORMAT,
        "number": place,
        "at": _exactly(kept.at),
        "sequence": kept.sequence,
        "why": kept.why,
        "fleet_digest": kept.fleet_digest,
        "decision_version": kept.decision_version,
        "result": kept.result,
        "inputs": orjson.Fragment(kept.inputs),
        "latched": orjson.Fragment(kept.latched),
        "decided_again": {
            "decision_version": decision_version(),
            "equal": line.equal,
            "result": result,
            "posture": posture,
        },
    }
    return line, encode_json(told)


def _again(kept: KeptDecision, calendar: CalendarReader, fleets: dict[str, Fleet]) -> FloorSnapshot:
    if kept.fleet_digest not in fleets:
        fleets[kept.fleet_digest] = read_fleet(kept.fleet)
    evidence = read_evidence(orjson.loads(kept.inputs), fleets[kept.fleet_digest])
    latched = read_latched(kept.latched)
    return decide_floor(evidence, latched, calendar.session_at, kept.at, sequence=kept.sequence)


async def gather_timeline(sources: EvidenceSources, gathering: Gathering) -> AsyncGenerator[File]:
    """Return the posture from instant to instant, and each minute of each day."""
    history, wanted = sources.history, gathering.wanted
    if history is None:
        gathering.unreadable("posture", "seconds", NO_HISTORY)
        return
    for begin, end in _days(wanted):
        minutes = await history.minutes(begin - TOLD_AROUND, end + TOLD_AROUND)
        unwatched = find_undecided(minutes, begin, end)
        gathering.unwatched += unwatched
        segments = draw_posture(gathering.lines, unwatched, Wanted(begin, end))
        told = await asyncio.to_thread(_minutes, segments, minutes, begin, end)
        yield f"posture/minutes/{begin:%Y%m%d}.json", told
    unwatched = join_spans(gathering.unwatched)
    segments = draw_posture(gathering.lines, unwatched, wanted)
    gathering.segments = segments
    yield "posture/timeline.json", encode_json({"segments": document(segments)})
    lost = [(s.begin, s.end) for s in segments if s.posture == NOT_WATCHED]
    seconds = (wanted.until - wanted.since).total_seconds()
    gaps = [Gap(span_text(span), UNDECIDED) for span in lost]
    left = seconds - add_up(lost).total_seconds()
    gathering.cover("posture", round(seconds), min(round(left), round(seconds)), "seconds", gaps)
    for begin, end in lost:
        text = f"not watched until {utc_text(end)}: nothing was decided"
        gathering.tell(begin, "gap", text, "data/posture/timeline.json")


def _minutes(
    segments: Sequence[PostureSegment],
    minutes: Sequence[WatchedMinute],
    begin: datetime,
    end: datetime,
) -> bytes:
    counts = {m.minute: m.counts for m in minutes}
    worst = worst_by_minute(segments, begin, end)
    told = [
        document(each)
        | {"asked": sum(a for a, _ in held.values()), "obtained": sum(o for _, o in held.values())}
        | {"services": {name: list(pair) for name, pair in sorted(held.items())}}
        for each in worst
        for held in (counts.get(each.minute, {}),)
    ]
    return encode_json({"minutes": told})


def _days(wanted: Wanted) -> Iterator[Span]:
    """Return the days of UTC that are asked for, the first and the last cut."""
    begin = wanted.since
    while begin < wanted.until:
        midnight = datetime(begin.year, begin.month, begin.day, tzinfo=UTC)
        yield begin, min(midnight + _DAY, wanted.until)
        begin = midnight + _DAY


async def gather_services(sources: EvidenceSources, gathering: Gathering) -> AsyncGenerator[File]:
    """Return from when on each service was how."""
    if sources.history is None:
        gathering.unreadable("services", "changes", NO_HISTORY)
        return
    wanted = gathering.wanted
    changes = await sources.history.changes(wanted.since, wanted.until)
    told = [document(c, "lost") | {"at": _exactly(c.at)} for c in changes]
    gathering.cover("services", len(changes), len(changes), "changes")
    for change in changes:
        gathering.name_code(change.reason_code)
    yield "services/changes.json", encode_json({"changes": told})


def span_text(span: Span) -> str:
    """Write a stretch of time."""
    return f"{utc_text(span[0])} to {utc_text(span[1])}"


def _exactly(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _said(error: Exception) -> str:
    return f"it cannot be read: {' '.join(str(error).split())[:200]}"
