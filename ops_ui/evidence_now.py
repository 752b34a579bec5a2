"""How do you know: each piece of required evidence, and the tree from the verdict to the bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlencode

from litestar import MediaType, Request, Response, get
from litestar.datastructures import State

from ops_ui.answers import (
    Count,
    Counted,
    CountedIfSent,
    Each,
    Flag,
    Labelled,
    Listed,
    Number,
    Part,
    Reason,
    Shown,
    Text,
    below,
)
from ops_ui.formats import GLYPHS, duration, new_york
from ops_ui.frame import past_frame
from ops_ui.mission_control_client import HTTP_NOT_FOUND, Missed
from ops_ui.rendering import MAX_AT, Pages, pages_of
from ops_ui.time_machine import ask_time_machine

PATH = "/evidence-now"
MOST_ROWS = 400
"""Pieces that the page lists; missing ones come first, and what is left out is counted."""
BAR_WIDTH, LIMIT_AT = 100.0, 75.0
"""Width of the bar that an age is drawn in, and where in it the greatest age stands."""
_LOOKS = {"OK": "ok", "MARKET_CLOSED": "closed", "HALTED": "halted"}


class Read(Part):
    """One read that a piece rests on."""

    source: Shown
    outcome: Shown
    seen: Flag
    at: Text
    age_seconds: Number
    instance: Text
    told: Text
    digest: Text
    size_bytes: Count


class Piece(Part):
    """One piece of evidence; without a list of what is missing it does not count."""

    name: Text
    subject: Shown
    kind: Text
    proves: Shown
    value: Shown
    required: Flag
    age_seconds: Number
    max_age_seconds: Number
    since: Text
    missing: CountedIfSent[Reason]
    readings: Counted[Read]


class AboutEvidence(Reason):
    """A reason of the posture, with the names of its pieces and the sources of its alarm."""

    evidence: Listed[str]
    raised_by: Listed[str]


class Evidence(Labelled):
    """How the posture is known."""

    verdict: Literal["OK", "MARKET_CLOSED", "HALTED"] = below("posture")
    at: str
    at_et: Text
    reads: Text
    since: Text
    severity: Text
    oldest_evidence: Text
    evidence_age_seconds: Number
    reasons: Each[AboutEvidence]
    evidence: Each[Piece]


@dataclass(frozen=True, slots=True)
class AgeBar:
    """An age against its maximum as a drawing: widths out of `BAR_WIDTH`, and both in words."""

    width: float
    over: bool
    words: str


@dataclass(frozen=True, slots=True)
class Row:
    """One piece as shown; `look` is the end of a CSS class, and `href` leads to its subject."""

    piece: Piece
    look: str
    glyph: str
    state: str
    why: tuple[Reason, ...]
    bar: AgeBar | None
    href: str


@dataclass(frozen=True, slots=True)
class Branch:
    """A reason, and the pieces that it rests on."""

    reason: AboutEvidence
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """Everything that the page shows; `summary` is the answer in one sentence."""

    glyph: str
    look: str
    word: str
    summary: str
    rows: tuple[Row, ...]
    more: int
    branches: tuple[Branch, ...]
    holding: tuple[Row, ...]


def see_evidence(found: Evidence, query: str = "") -> EvidenceView:
    """Turn the answer into the page; `query` keeps the links in the same instant."""
    rows = tuple(_row(piece, query) for piece in found.evidence)
    by_name = {row.piece.name: row for row in rows}
    branches = tuple(
        Branch(reason, tuple(by_name[n] for n in reason.evidence if n in by_name)[:MOST_ROWS])
        for reason in found.reasons[:MOST_ROWS]
    )
    return EvidenceView(
        GLYPHS[found.verdict],
        _LOOKS[found.verdict],
        found.reads or found.verdict,
        _summary(found, rows),
        rows[:MOST_ROWS],
        max(0, len(rows) - MOST_ROWS),
        branches,
        tuple(row for row in rows if row.look == "calm")[:MOST_ROWS],
    )


def _summary(found: Evidence, rows: Sequence[Row]) -> str:
    required = [row for row in rows if row.piece.required is True]
    missing = [row for row in rows if row.look == "halted"]
    whole = f"{len(required)} pieces of evidence are required"
    if not rows:
        return "Mission Control names no evidence: nothing is known."
    if missing:
        return f"{whole}; {len(missing)} of them {'is' if len(missing) == 1 else 'are'} missing."
    age = found.evidence_age_seconds
    if age is None:
        return f"{whole}, and the age of the oldest is not known."
    oldest = f"the oldest was read {duration(age)} ago ({found.oldest_evidence})"
    return f"{whole}; all are seen, and {oldest}."


def _row(piece: Piece, query: str) -> Row:
    missing = piece.missing
    optional = piece.required is False
    if missing is None or missing or (not optional and not piece.name):
        look, glyph, state = "halted", "✕", "MISSING"
    elif optional:
        look, glyph, state = "optional", "○", "not required"
    else:
        look, glyph, state = "calm", "●", "seen"
    unnamed = Reason.model_validate({"detail": "Mission Control does not say whether it is seen"})
    why = (unnamed,) if missing is None else missing
    service = piece.kind in {"service", "marketdata", "twin"} and piece.subject not in {
        "?",
        "fleet",
    }
    href = f"/service/{quote(piece.subject, safe='')}{query}" if service else ""
    return Row(piece, look, glyph, state, why, age_bar(piece), href)


def age_bar(piece: Piece) -> AgeBar | None:
    """Draw an age against its maximum; None where there is none to be drawn."""
    age, limit = piece.age_seconds, piece.max_age_seconds
    if age is None or limit is None or limit <= 0:
        return None
    width = min(BAR_WIDTH, max(0.0, LIMIT_AT * age / limit))
    over = age > limit
    words = f"{duration(age)} old, {'over the limit of' if over else 'at most'} {duration(limit)}"
    return AgeBar(round(width, 1), over, words)


@get(PATH, media_type=MediaType.HTML)
async def evidence_now(state: State, request: Request[object, object, State]) -> Response[str]:
    """Show how the verdict is known, now or at an instant."""
    pages = pages_of(state)
    at = str(request.query_params.get("at", ""))[:MAX_AT]
    query = f"?{urlencode({'at': at})}" if at else ""
    found = await pages.client.ask(f"/api/v1/posture/evidence{query}", Evidence)
    if isinstance(found, Missed):
        return await _missed(pages, found, at)
    machine = await ask_time_machine(pages.client, at)
    frame = past_frame(found.at, found.label, pages.client.label) if at else await pages.frame()
    return pages.render_in(
        frame,
        "evidence_now.html",
        found=found,
        view=see_evidence(found, query),
        machine=machine,
        at=at,
        query=query,
    )


async def _missed(pages: Pages, missed: Missed, at: str) -> Response[str]:
    if missed.status == HTTP_NOT_FOUND and at:
        heading = "? UNKNOWN: the floor was not watched then"
        text = f"At {new_york(at) or 'that time'} nothing was recorded, and nothing is guessed."
        return await pages.render("message.html", 404, heading=heading, text=text)
    return await pages.missed(missed, "How the verdict is known could not be read")
