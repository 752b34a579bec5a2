"""The evidence of a stretch of time, as one file that is made while it is read."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response import Stream

from mission_control.api.answers import JSON, AnyRequest
from mission_control.api.options import ReadingParts, describes, describes_problem
from mission_control.api.problems import Problem
from mission_control.api.the_past import From, To, read_period
from mission_control.evidence.model import LONGEST, MOST_INCIDENT, Wanted
from mission_control.evidence.present import PreviewDocument
from mission_control.processes.streaming_child import StreamBrokenError

ZIP = "application/zip"
AT_ONCE = 2
"""So many bundles are made at the same time; each has a process of its own."""
DAY = timedelta(days=1)
NOT_MADE = "The bundle cannot be made at the moment"
Incident = Annotated[
    str,
    QueryParameter(max_length=MOST_INCIDENT, description="What it is called; no more than a name."),
]


@dataclass(slots=True)
class _Making:
    """Counts the bundles that are being made."""

    parts: ReadingParts
    now: int = 0

    async def begin(
        self, request: AnyRequest, incident: str, *, whole: bool
    ) -> tuple[Wanted, bytes, AsyncGenerator[bytes]]:
        """Begin what is asked for; returns its first piece and the rest, or raises the problem."""
        if self.parts.evidence is None:
            title, detail = "The past is not recorded", "this process keeps no history"
            raise Problem(400, "history_not_available", title, detail)
        wanted = Wanted(*read_period(self.parts, request, DAY, LONGEST), incident)
        if self.now >= AT_ONCE:
            title, detail = "Too many bundles are being made", f"at most {AT_ONCE} are at a time"
            raise Problem(503, "evidence_busy", title, detail, headers={"retry-after": "30"})
        pieces = self._pieces(self.parts.evidence(wanted, whole=whole))
        try:
            return wanted, await anext(pieces), pieces
        except StreamBrokenError as error:
            raise Problem(503, "evidence_not_made", NOT_MADE, str(error)) from error

    async def _pieces(self, made: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        """Return what is made; it is counted from its first piece on until this is closed."""
        self.now += 1
        try:
            async with aclosing(made):
                async for piece in made:
                    yield piece
        finally:
            self.now -= 1


async def _joined(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(rest):
        yield first
        async for piece in rest:
            yield piece


PROBLEMS = {
    400: describes_problem("This process keeps no history"),
    422: describes_problem("The period is not well formed"),
    503: describes_problem("Too many bundles are being made, or this one cannot be begun"),
}


def evidence_routes(parts: ReadingParts) -> Sequence[HTTPRouteHandler]:
    """Return the routes of a bundle of evidence, and of what it would hold."""
    making = _Making(parts)

    @get(
        "/api/v1/evidence",
        summary="Everything that is known of a stretch of time, as one ZIP (docs/evidence.md)",
        tags=["evidence"],
        media_type=ZIP,
        responses={200: describes(str, "The bundle; what it lacks is said first", ZIP), **PROBLEMS},
    )
    async def evidence(
        request: AnyRequest, incident: Incident = "", _from: From = None, _to: To = None
    ) -> Stream:
        wanted, first, rest = await making.begin(request, incident, whole=True)
        named = f'attachment; filename="{wanted.name}.zip"'
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        headers["content-disposition"] = named
        return Stream(_joined(first, rest), media_type=ZIP, headers=headers)

    return [evidence, _coverage_route(making)]


def _coverage_route(making: _Making) -> HTTPRouteHandler:
    @get(
        "/api/v1/evidence/coverage",
        summary="What such a bundle would hold and lack, its size and its digest",
        tags=["evidence"],
        responses={200: describes(PreviewDocument, "What it would hold"), **PROBLEMS},
    )
    async def coverage(
        request: AnyRequest, incident: Incident = "", _from: From = None, _to: To = None
    ) -> Response[bytes]:
        _, first, rest = await making.begin(request, incident, whole=False)
        try:
            content = first + b"".join([piece async for piece in rest])
        except StreamBrokenError as error:
            raise Problem(503, "evidence_not_made", NOT_MADE, str(error)) from error
        return Response(content, media_type=JSON, headers={"cache-control": "no-store"})

    return coverage
