"""The evidence of a stretch of time, as one file that is made while it is read."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response import Stream

from mission_control.api.answers import AnyRequest
from mission_control.api.options import ReadingParts, StreamEvidence, describes, describes_problem
from mission_control.api.problems import Problem
from mission_control.api.the_past import From, To, read_period
from mission_control.evidence.model import LONGEST, MOST_INCIDENT, Wanted
from mission_control.evidence.run import bundle_name
from mission_control.processes.streaming_child import StreamBrokenError

ZIP = "application/zip"
AT_ONCE = 2
"""So many bundles are made at the same time; each has a process of its own."""
DAY = timedelta(days=1)
Incident = Annotated[
    str,
    QueryParameter(max_length=MOST_INCIDENT, description="What it is called; no more than a name."),
]


@dataclass(slots=True)
class _Making:
    """Counts the bundles that are being made."""

    now: int = 0

    async def pieces(self, make: StreamEvidence, wanted: Wanted) -> AsyncGenerator[bytes]:
        """Return a bundle; it is counted from its first piece on until this is closed."""
        self.now += 1
        try:
            async with aclosing(make(wanted)) as made:
                async for piece in made:
                    yield piece
        finally:
            self.now -= 1


async def _joined(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(rest):
        yield first
        async for piece in rest:
            yield piece


def evidence_routes(parts: ReadingParts) -> Sequence[HTTPRouteHandler]:
    """Return the route of a bundle of evidence."""
    making = _Making()

    @get(
        "/api/v1/evidence",
        summary="Everything that is known of a stretch of time, as one ZIP (docs/evidence.md)",
        tags=["evidence"],
        media_type=ZIP,
        responses={
            200: describes(str, "The bundle; what it lacks is said first in it", ZIP),
            400: describes_problem("This process keeps no history"),
            422: describes_problem("The period is not well formed"),
            503: describes_problem("Too many bundles are being made, or this one cannot be begun"),
        },
    )
    async def evidence(
        request: AnyRequest, incident: Incident = "", _from: From = None, _to: To = None
    ) -> Stream:
        make = _maker(parts)
        wanted = Wanted(*read_period(parts, request, DAY, LONGEST), incident)
        if making.now >= AT_ONCE:
            title, detail = "Too many bundles are being made", f"at most {AT_ONCE} are at a time"
            raise Problem(503, "evidence_busy", title, detail, headers={"retry-after": "30"})
        pieces = making.pieces(make, wanted)
        try:
            first = await anext(pieces)
        except StreamBrokenError as error:
            title = "The bundle cannot be made at the moment"
            raise Problem(503, "evidence_not_made", title, str(error)) from error
        headers = {
            "cache-control": "no-store",
            "content-disposition": f'attachment; filename="{bundle_name(wanted)}.zip"',
            "x-accel-buffering": "no",
        }
        return Stream(_joined(first, pieces), media_type=ZIP, headers=headers)

    return [evidence]


def _maker(parts: ReadingParts) -> StreamEvidence:
    if parts.evidence is None:
        title, detail = "The past is not recorded", "this process keeps no history"
        raise Problem(400, "history_not_available", title, detail)
    return parts.evidence
