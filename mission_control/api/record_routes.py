"""The last known good: captures, their status, and differences; recorded attestations."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, NotRequired, TypedDict

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from mission_control.api.answers import JSON, Answer, AnyRequest, give, json_answer
from mission_control.api.artifact_routes import reading_record
from mission_control.api.options import (
    NEGOTIATED,
    NONE_ACCEPTED,
    REPORT,
    VARY,
    ReadingParts,
    describes,
    describes_problem,
    representation,
)
from mission_control.api.problems import Problem
from mission_control.attestation.run import JOB, JSON_NAME
from mission_control.last_known_good.present import (
    CaptureDiffDocument,
    CapturesDocument,
    listed_capture,
    lkg_diff_document,
)
from mission_control.last_known_good.recorded import (
    CaptureCache,
    compare_captures,
    list_captures,
    newest_good,
)
from mission_control.records.model import LedgerEntry
from mission_control.records.recorded_reports import (
    LATEST,
    PREVIOUS,
    NoSuchReport,
    newest_by_session,
    read_markdown,
    read_report,
)

TAGS = ["lkg"]


def lkg_routes(parts: ReadingParts) -> Sequence[HTTPRouteHandler]:
    """Return the routes of the last known good."""
    return [_list_route(parts), _diff_route(parts)]


def _list_route(parts: ReadingParts) -> HTTPRouteHandler:
    cache = CaptureCache(parts.clock)

    @get(
        "/api/v1/lkg",
        summary="Captures of the last known good, newest first: status, reasons, unchanged for",
        tags=TAGS,
        responses={
            200: describes(CapturesDocument, "Captures"),
            503: describes_problem("The record cannot be read"),
        },
    )
    async def captures(request: AnyRequest) -> Response[bytes]:
        held = await reading_record(list_captures(parts.artifacts, cache=cache))
        good = await reading_record(
            newest_good(
                parts.artifacts, cache=cache, cluster=parts.floor.current().cluster_identity
            )
        )
        document: CapturesDocument = {
            "captures": [listed_capture(c) for c in held],
            "good": good.capture.entry.path if good.capture else None,
            "good_doubts": list(good.doubts),
            "of_other_clusters": list(good.of_other_clusters),
        }
        return give(json_answer(document, parts.options.label), request)

    return captures


def _diff_route(parts: ReadingParts) -> HTTPRouteHandler:
    @get(
        "/api/v1/lkg/diff",
        summary="What differs between two captures; each is latest, previous, good, or a run",
        tags=TAGS,
        responses={
            200: describes(CaptureDiffDocument, "Every difference"),
            404: describes_problem("A reference names no recorded capture"),
            503: describes_problem("The record cannot be read"),
        },
    )
    async def diff(
        request: AnyRequest,
        before: Annotated[str, QueryParameter(name="from", max_length=200)] = PREVIOUS,
        after: Annotated[str, QueryParameter(name="to", max_length=200)] = LATEST,
    ) -> Response[bytes]:
        try:
            compared = await reading_record(compare_captures(parts.artifacts, before, after))
        except NoSuchReport as error:
            title = "There is no such capture"
            raise Problem(404, "lkg_not_found", title, str(error)) from None
        document = lkg_diff_document(compared)
        return give(json_answer(document, parts.options.label), request)

    return diff


MOST_LISTED = 60

SessionDate = Annotated[
    date | None, QueryParameter(description="The session of this date, not the latest attested.")
]


class ListedAttestation(TypedDict):
    """One session's newest attestation: where it is recorded, and when it was."""

    session_date: str | None
    path: str
    at: str


class RecordedAttestationDocument(TypedDict):
    """One attestation as it was recorded, and the sessions that have one, newest first."""

    session_date: str | None
    path: str
    at: str
    attestation: Mapping[str, object]
    sessions: list[ListedAttestation]
    label: NotRequired[str]


def no_execution_routes(parts: ReadingParts) -> Sequence[HTTPRouteHandler]:
    """Return the route of recorded attestations."""

    @get(
        [f"/api/v1/attestation/no-execution{suffix}" for suffix in ("", ".md", ".json")],
        summary="The newest attestation of a session; Markdown by Accept or suffix",
        tags=["attestation"],
        opt=NEGOTIATED,
        responses={
            200: describes(RecordedAttestationDocument, "As it was recorded"),
            404: describes_problem("No such session is attested"),
            406: NONE_ACCEPTED,
            422: describes_problem("`session` is no date"),
            503: describes_problem("The record cannot be read"),
        },
    )
    async def no_execution(request: AnyRequest, session: SessionDate = None) -> Response[bytes]:
        entries = await reading_record(newest_by_session(parts.artifacts, JOB, JSON_NAME, session))
        if not entries:
            title = "No such session is attested"
            detail = "make it with `mission-control attest`, after the session has closed"
            raise Problem(404, "attestation_not_found", title, detail)
        newest = entries[0]
        media_type = representation(request, REPORT, unnamed=JSON)
        if media_type != JSON:
            body = await reading_record(read_markdown(parts.artifacts, newest, JSON_NAME))
            return give(Answer(body, media_type, VARY), request)
        report = await reading_record(read_report(parts.artifacts, newest, JSON_NAME))
        document: RecordedAttestationDocument = {
            **_listed(newest),
            "attestation": report.document,
            "sessions": [_listed(e) for e in entries[:MOST_LISTED]],
        }
        return give(json_answer(document, parts.options.label, VARY), request)

    return [no_execution]


def _listed(entry: LedgerEntry) -> ListedAttestation:
    return {"session_date": entry.session_date, "path": entry.path, "at": entry.at}
