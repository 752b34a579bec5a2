"""Records a replay: Markdown, JSON and a page beside each other, with their account."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from mission_control.documents.instants import new_york_text_or_none, utc_text_or_none
from mission_control.durable_copy.copying import KeepingParts
from mission_control.errors import StorageError
from mission_control.history.past_postures import read_postures
from mission_control.market_calendar.calendar import CalendarReader
from mission_control.records.model import Collection, LedgerEntry, SourceCoverage
from mission_control.records.run_origin import Ground, RunOrigin
from mission_control.replay.model import UNREAD, Replay, Skip
from mission_control.replay.present.document import replay_json
from mission_control.replay.present.markdown import replay_markdown
from mission_control.replay.present.page import replay_html
from mission_control.replay.present.picture import Backdrop, Stretch, backdrop_of
from mission_control.replay.present.words import SKIPS

if TYPE_CHECKING:
    from mission_control.history.reader import HistoryReader

JOB = "replay"
PIECE_CHARACTERS = 64 * 1024
MOST_INPUTS = 2_000
"""So many of the files that were read are named in the account with their digests."""
MOST_NAMED = 100
"""So many sources that broke off are named in the account; the replay itself names every one."""


async def record_replay(
    replay: Replay,
    parts: KeepingParts,
    history: "HistoryReader | None",
    origin: RunOrigin,
) -> LedgerEntry:
    """
    Record a replay as `replays/<UTC>_replay.md`, with its JSON, page and account beside it.

    Behind its timeline lie the market's phases, and the posture that history tells of; where
    history cannot be read the replay says so and is recorded all the same. Raises StorageError.
    """
    behind = await find_backdrop(replay, parts.calendar, history)
    contents = {
        ".md": in_pieces(replay_markdown(replay, parts.label)),
        ".json": in_pieces(replay_json(replay, parts.label, behind)),
        ".html": in_pieces(replay_html(replay, parts.label, behind)),
    }
    now = parts.clock()
    ground = Ground(parts.calendar.session_at(now), parts.fleet, _coverage(replay), parts.label)
    exit_code = replay.answer.exit_code
    facts = origin.facts(JOB, ground, now, exit_code=exit_code, notes=notes_of(replay))
    session_date = _session_date(replay, parts.calendar)
    facts = replace(facts, session_date=session_date, inputs=replay.inputs[:MOST_INPUTS])
    return await parts.writer.record_beside(Collection.REPLAYS, contents, facts)


async def find_backdrop(
    replay: Replay, calendar: CalendarReader, history: "HistoryReader | None"
) -> Backdrop:
    """Return what lies behind a replay's timeline; what cannot be read is said there."""
    if replay.first is None or replay.last is None:
        return Backdrop()
    span = (replay.first, replay.last)
    if history is None or span[0] == span[1]:
        return backdrop_of(calendar, *span)
    try:
        read = await read_postures(history, calendar, *span)
    except StorageError as error:
        return backdrop_of(calendar, *span, note=f"The posture cannot be told: {error}.")
    postures = [Stretch(p.begin, p.end, p.verdict.value if p.verdict else None) for p in read]
    return backdrop_of(calendar, *span, postures)


def in_pieces(texts: Iterable[str]) -> Iterator[bytes]:
    """Yield texts as bytes, many small ones in one piece."""
    held, size = list[str](), 0
    for text in texts:
        held.append(text)
        size += len(text)
        if size >= PIECE_CHARACTERS:
            yield "".join(held).encode()
            held, size = [], 0
    yield "".join(held).encode()


def notes_of(replay: Replay) -> dict[str, str]:
    """Return what a list of replays tells of one, so that no list has to read them whole."""
    counts, skipped = replay.counts, sum(replay.counts.skipped.values())
    more = len(replay.inputs) - MOST_INPUTS
    return {
        "verdict": replay.answer.verdict.value,
        "headline": replay.answer.headline,
        "events": str(counts.events),
        "evidence": str(counts.evidence),
        "suspicions": str(counts.suspicions),
        "lines": str(counts.lines),
        "skipped": str(skipped),
        "sources": str(len(replay.sources)),
        **({"inputs_not_named": str(more)} if more > 0 else {}),
        "first": utc_text_or_none(replay.first) or "",
        "first_et": new_york_text_or_none(replay.first) or "",
        "last": utc_text_or_none(replay.last) or "",
        "last_et": new_york_text_or_none(replay.last) or "",
    }


def _session_date(replay: Replay, calendar: CalendarReader) -> date | None:
    """Return the session that all of a replay belongs to; None where it is of none, or of more."""
    if replay.first is None or replay.last is None:
        return None
    first, last = (calendar.session_at(at).session_date for at in (replay.first, replay.last))
    return first if first == last else None


def _coverage(replay: Replay) -> SourceCoverage:
    """Return how much was read: lines that may have held an event, and sources that broke off."""
    counts = replay.counts
    gaps = [(s.label, s.broke_off) for s in replay.sources if s.broke_off][:MOST_NAMED]
    lost = [(skip, counts.skipped.get(skip, 0)) for skip in Skip if skip in UNREAD]
    gaps += [(f"{count} lines", SKIPS[skip]) for skip, count in lost if count]
    return SourceCoverage("log lines", counts.lines, counts.lines - counts.unread, tuple(gaps))
