"""The record: the ledger page by page, and every file with its digest."""

from collections.abc import Awaitable, Sequence
from datetime import date
from typing import Annotated, TypeVar

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from mission_control.api.answers import AnyRequest, give, has_already, json_answer
from mission_control.api.options import ReadingParts, describes, describes_problem
from mission_control.api.problems import Problem
from mission_control.api.the_past import MOST_COUNTED, Since, Until, instant_of
from mission_control.documents.document import document
from mission_control.documents.instants import utc_text
from mission_control.durable_copy.run import copy_state
from mission_control.errors import StorageError
from mission_control.records.model import ArtifactQuery, RecordedArtifact
from mission_control.records.present import (
    ArtifactsDocument,
    run_entry_document,
    verification_document,
)
from mission_control.retention.run import retention_state

TAGS = ["artifacts"]
MAX_RUNS = 200
MAX_FILE_BYTES = 64 * 1024 * 1024
FOR_EVER = "private, max-age=31536000, immutable"

T = TypeVar("T")
Limit = Annotated[
    int, QueryParameter(ge=1, le=MAX_RUNS, description="How many runs; 1 to 200, newest first.")
]
Cursor = Annotated[
    int | None,
    QueryParameter(ge=1, le=MOST_COUNTED, description="The `next_cursor` of the page before."),
]
Job = Annotated[str | None, QueryParameter(max_length=64, description="Only runs of this job.")]
SessionDate = Annotated[
    date | None, QueryParameter(description="Only runs of this session: YYYY-MM-DD.")
]

_TYPES = {
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "md": "text/markdown; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "log": "text/plain; charset=utf-8",
    "yaml": "application/yaml",
}


def artifact_routes(parts: ReadingParts) -> Sequence[HTTPRouteHandler]:
    """Return the routes of the ledger and of its files."""

    @get(
        "/api/v1/artifacts",
        summary="Recorded runs, newest first, and whether they are still unaltered",
        tags=TAGS,
        responses={
            200: describes(ArtifactsDocument, "A page of the ledger"),
            422: describes_problem("A filter is not well formed"),
            503: describes_problem("The root cannot be read"),
        },
    )
    async def artifacts(
        request: AnyRequest,
        limit: Limit = 50,
        cursor: Cursor = None,
        job: Job = None,
        session_date: SessionDate = None,
        _since: Since = None,
        _until: Until = None,
    ) -> Response[bytes]:
        since, until = instant_of(request, "since"), instant_of(request, "until")
        query = ArtifactQuery(limit, cursor, job, session_date, since, until)
        shown = await reading_record(_page(parts, query))
        return give(json_answer(shown, parts.options.label), request)

    return [artifacts, _file_route(parts)]


async def _page(parts: ReadingParts, query: ArtifactQuery) -> ArtifactsDocument:
    page = await parts.artifacts.page(query)
    checked = await parts.artifacts.check()
    destination, now = parts.options.durable_copy, parts.clock()
    return {
        "ts": utc_text(checked.at),
        "total": page.total,
        "head": document(page.head),
        "next_cursor": None if page.next_before is None else str(page.next_before),
        "verification": verification_document(checked.found, checked.at),
        "durable_copy": await copy_state(parts.artifacts, destination, page.head, now),
        "retention": await retention_state(parts.artifacts),
        "runs": [run_entry_document(entry) for entry in page.entries],
    }


def _file_route(parts: ReadingParts) -> HTTPRouteHandler:
    @get(
        "/api/v1/artifacts/{path:path}",
        summary="A recorded file; its digest is its ETag, and it never changes",
        tags=TAGS,
        media_type="application/octet-stream",
        responses={
            200: describes(str, "The bytes as recorded", "application/octet-stream"),
            404: describes_problem("No line of the ledger names it"),
            409: describes_problem("Its bytes are not those that were recorded"),
            410: describes_problem("It is recorded, and the file is missing"),
            413: describes_problem("It is too large for one answer"),
            503: describes_problem("The root cannot be read"),
        },
    )
    async def artifact(request: AnyRequest, path: FromPath[str]) -> Response[bytes]:
        recorded = await reading_record(parts.artifacts.find(path.lstrip("/")))
        if recorded is None:
            detail = "the list at /api/v1/artifacts names every recorded file"
            raise Problem(404, "artifact_not_found", "Nothing was recorded under this path", detail)
        headers = {"etag": f'"{recorded.sha256}"', "cache-control": FOR_EVER}
        if has_already(request.headers.get("if-none-match", ""), recorded.sha256):
            return Response(b"", status_code=304, headers=headers)
        if recorded.size > MAX_FILE_BYTES:
            detail = f"it has {recorded.size} bytes; read it below the root itself"
            raise Problem(413, "artifact_too_large", "The file is too large for one answer", detail)
        return _give_file(
            await reading_record(parts.artifacts.read(recorded, MAX_FILE_BYTES)), headers
        )

    return artifact


def _give_file(found: RecordedArtifact, headers: dict[str, str]) -> Response[bytes]:
    if not found.intact:
        title = "Its bytes are not those that were recorded"
        detail = (
            "it was altered after it was recorded; `mission-control artifacts verify` says more"
        )
        raise Problem(409, "artifact_altered", title, detail)
    name = found.file.path.rpartition("/")[2]
    headers["content-disposition"] = f'inline; filename="{name}"'
    media_type = _TYPES.get(name.rpartition(".")[2], "application/octet-stream")
    return Response(found.content, media_type=media_type, headers=headers)


async def reading_record(what: Awaitable[T]) -> T:
    """Await a read of the record; a storage error becomes a problem with its remedy."""
    try:
        return await what
    except StorageError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            title, detail = "The recorded file is missing", "it was removed after it was recorded"
            raise Problem(410, "artifact_missing", title, detail) from error
        raise Problem(
            503, "artifacts_unreadable", "The record cannot be read", error.problem
        ) from error
