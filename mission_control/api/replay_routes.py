"""Recorded replays: a list with what each found, one of them, and two compared."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from mission_control.api.answers import AnyRequest, give, json_answer
from mission_control.api.artifact_routes import Cursor, Limit, reading_record
from mission_control.api.options import ReadingParts, describes, describes_problem
from mission_control.api.problems import Problem
from mission_control.records.recorded_reports import LATEST, PREVIOUS
from mission_control.replay.present.listed import (
    ListedReplay,
    ReplayDiffDocument,
    ReplayDocument,
    ReplaysDocument,
    replay_diff_document,
    replay_document,
)
from mission_control.replay.present.read_back import ReadReplay
from mission_control.replay.recorded import (
    NoSuchReplay,
    ReplayTooLarge,
    find_replay,
    list_replays,
)

TAGS = ["replays"]
MOST_REFERENCE = 300


def replay_routes(parts: ReadingParts) -> Sequence[HTTPRouteHandler]:
    """Return the routes of recorded replays."""
    return [_list_route(parts), _diff_route(parts), _one_route(parts)]


def _list_route(parts: ReadingParts) -> HTTPRouteHandler:
    @get(
        "/api/v1/replays",
        summary="Recorded replays, newest first, each with whether execution evidence was found",
        tags=TAGS,
        responses={
            200: describes(ReplaysDocument, "A page of replays"),
            422: describes_problem("A parameter is not well formed"),
            503: describes_problem("The record cannot be read"),
        },
    )
    async def replays(
        request: AnyRequest, limit: Limit = 50, cursor: Cursor = None
    ) -> Response[bytes]:
        page = await reading_record(list_replays(parts.artifacts, limit, cursor))
        document: ReplaysDocument = {
            "next_cursor": None if page.next_before is None else str(page.next_before),
            "replays": list(page.replays),
        }
        return give(json_answer(document, parts.options.label), request)

    return replays


def _one_route(parts: ReadingParts) -> HTTPRouteHandler:
    @get(
        "/api/v1/replays/{path:path}",
        summary="One recorded replay by the path of its file: answer, sources, timeline, events",
        tags=TAGS,
        responses={
            200: describes(ReplayDocument, "The replay"),
            404: describes_problem("No recorded replay has this path"),
            410: describes_problem("It is recorded, and a file of it is missing"),
            413: describes_problem("It is too large to be taken apart for an answer"),
            503: describes_problem("The record cannot be read"),
        },
    )
    async def one(request: AnyRequest, path: FromPath[str]) -> Response[bytes]:
        listed, read = await _find(parts, path.lstrip("/"))
        return give(json_answer(replay_document(listed, read), parts.options.label), request)

    return one


def _diff_route(parts: ReadingParts) -> HTTPRouteHandler:
    @get(
        "/api/v1/replays/diff",
        summary="What differs between two recorded replays: counts, and events by group",
        tags=TAGS,
        responses={
            200: describes(ReplayDiffDocument, "Every difference, the first of each group"),
            404: describes_problem("A reference names no recorded replay"),
            410: describes_problem("It is recorded, and a file of it is missing"),
            413: describes_problem("One is too large to be taken apart for an answer"),
            503: describes_problem("The record cannot be read"),
        },
    )
    async def diff(
        request: AnyRequest,
        before: Annotated[str, QueryParameter(name="from", max_length=MOST_REFERENCE)] = PREVIOUS,
        after: Annotated[str, QueryParameter(name="to", max_length=MOST_REFERENCE)] = LATEST,
    ) -> Response[bytes]:
        old, new = await _find(parts, before), await _find(parts, after)
        return give(json_answer(replay_diff_document(old, new), parts.options.label), request)

    return diff


async def _find(parts: ReadingParts, reference: str) -> tuple[ListedReplay, ReadReplay]:
    """Find a replay; what cannot be answered becomes a problem with its remedy."""
    try:
        return await reading_record(find_replay(parts.artifacts, reference))
    except NoSuchReplay as error:
        title, why = "There is no such replay", f"{error}; the list is at /api/v1/replays"
        raise Problem(404, "replay_not_found", title, why) from None
    except ReplayTooLarge as error:
        detail = f"its JSON has {error.size} bytes; read its files: {error.listed['path']}"
        title = "The replay is too large to be taken apart for an answer"
        raise Problem(413, "replay_too_large", title, detail) from None
