"""What a bundle of evidence would hold, before it is made."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, NotRequired

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from mission_control.api.answers import AnyRequest, give, json_answer
from mission_control.api.options import ReadingParts, describes, describes_problem
from mission_control.api.problems import Problem
from mission_control.api.the_past import From, To, read_period
from mission_control.documents.instants import utc_text
from mission_control.evidence.estimate import EstimateDocument, estimate, estimate_document
from mission_control.evidence.model import LONGEST, MOST_INCIDENT, Wanted

HOUR = timedelta(hours=1)
Incident = Annotated[
    str,
    QueryParameter(max_length=MOST_INCIDENT, description="What the bundle is called."),
]


class PreviewAnswer(EstimateDocument):
    """What a bundle would cover, and when that was answered."""

    ts: str
    label: NotRequired[str]


def evidence_preview_routes(parts: ReadingParts) -> Sequence[HTTPRouteHandler]:
    """Return the route of what a bundle would hold."""

    @get(
        "/api/v1/evidence/preview",
        summary="What a bundle of evidence would cover and how large it would be",
        tags=["evidence"],
        responses={
            200: describes(PreviewAnswer, "Size and coverage; nothing is made or kept"),
            400: describes_problem("This process keeps no history"),
            422: describes_problem("The period is not well formed"),
        },
    )
    async def evidence_preview(
        request: AnyRequest, incident: Incident = "", _from: From = None, _to: To = None
    ) -> Response[bytes]:
        if parts.evidence_sources is None:
            title, detail = "The past is not recorded", "this process keeps no history"
            raise Problem(400, "history_not_available", title, detail)
        wanted = Wanted(*read_period(parts, request, HOUR, LONGEST), incident)
        found = await estimate(parts.evidence_sources(), wanted)
        document: PreviewAnswer = {**estimate_document(found), "ts": utc_text(parts.clock())}
        return give(json_answer(document, parts.options.label), request)

    return [evidence_preview]
