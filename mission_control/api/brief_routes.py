"""The brief of this moment."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from mission_control.api.answers import JSON, Answer, AnyRequest, give, json_answer
from mission_control.api.options import (
    NEGOTIATED,
    NONE_ACCEPTED,
    REPORT,
    VARY,
    ApiParts,
    describes,
    describes_problem,
    representation,
)
from mission_control.api.problems import Problem
from mission_control.api.report_routes import readiness_now
from mission_control.brief.model import Brief, ReadinessNote
from mission_control.brief.present import BriefDocument, brief_document, brief_markdown
from mission_control.brief.run import BriefSources, make_brief
from mission_control.errors import StorageError
from mission_control.floor.model import FloorSnapshot
from mission_control.records.recorded_reports import READINESS_JSON, latest_report

KEPT = timedelta(seconds=5)
"""A brief is kept so long, and never over a change of the posture: many may ask for it at once."""


@dataclass(slots=True)
class _Kept:
    """The newest brief, made for one reader at a time."""

    at: datetime | None = None
    about: object = None
    brief: Brief | None = None
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)


def brief_routes(parts: ApiParts) -> Sequence[HTTPRouteHandler]:
    """Return the route of the brief."""
    kept = _Kept()

    @get(
        ["/api/v1/brief", "/api/v1/brief.json", "/api/v1/brief.md"],
        summary="One page for who comes on duty: what is, what was, what changed, what expires",
        tags=["brief"],
        opt=NEGOTIATED,
        responses={
            200: describes(BriefDocument, "At most 45 lines, each with its evidence"),
            400: describes_problem("No brief is made here"),
            406: NONE_ACCEPTED,
        },
    )
    async def brief(request: AnyRequest) -> Response[bytes]:
        media_type = representation(request, REPORT, unnamed=JSON)
        made = await _brief(parts, kept)
        if media_type == JSON:
            return give(json_answer(brief_document(made), parts.options.label, VARY), request)
        return give(Answer(brief_markdown(made).encode(), media_type, VARY), request)

    return [brief]


async def _brief(parts: ApiParts, kept: _Kept) -> Brief:
    """Return the brief of this moment, or the one of the moment before."""
    if parts.brief is None:
        title, detail = "No brief is made here", "this process reads no record"
        raise Problem(400, "brief_not_made", title, detail)
    async with kept.one_at_a_time:
        now, snapshot = parts.clock(), parts.floor.current()
        about = (snapshot.posture.verdict, snapshot.posture.since, snapshot.posture.reasons)
        young = kept.at is not None and timedelta() <= now - kept.at < KEPT
        if kept.brief is None or not young or kept.about != about:
            kept.brief = await _make(parts, parts.brief, snapshot, now)
            kept.at, kept.about = now, about
        return kept.brief


async def _make(
    parts: ApiParts, sources: BriefSources, snapshot: FloorSnapshot, now: datetime
) -> Brief:
    try:
        newest = await latest_report(parts.artifacts, READINESS_JSON)
    except StorageError:
        note = None
    else:
        worth = readiness_now(parts, newest)
        note = ReadinessNote(worth["verdict"], worth["code"], worth["detail"])
    since, _ = parts.floor.watched()
    return await make_brief(sources, snapshot, now, note, since)
