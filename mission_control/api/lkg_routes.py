"""API: the last known good: captures, what each is worth, and what differs between two."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from mission_control.api.answers import AnyRequest, give, json_answer
from mission_control.api.artifact_routes import reading_record
from mission_control.api.described import describes, describes_problem
from mission_control.api.options import ReadingParts
from mission_control.api.problems import Problem
from mission_control.jobs.capture_cache import CaptureCache
from mission_control.jobs.recorded_lkg import compare_captures, list_captures, newest_good
from mission_control.jobs.recorded_reports import LATEST, PREVIOUS, NoSuchReport
from mission_control.present.lkg_list import (
    CaptureDiffDocument,
    CapturesDocument,
    listed_capture,
    lkg_diff_document,
)

TAGS = ["lkg"]


def lkg_routes(parts: ReadingParts) -> Sequence[HTTPRouteHandler]:
    """Give the routes of the last known good."""
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
        if parts.options.label:
            document["label"] = parts.options.label
        return give(json_answer(document), request)

    return captures


def _diff_route(parts: ReadingParts) -> HTTPRouteHandler:
    @get(
        "/api/v1/lkg/diff",
        summary="What differs between two captures; each is latest, previous, good, or a run",
        tags=TAGS,
        responses={
            200: describes(CaptureDiffDocument, "Every difference"),
            404: describes_problem("A reference leads to no recorded capture"),
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
        if parts.options.label:
            document["label"] = parts.options.label
        return give(json_answer(document), request)

    return diff
