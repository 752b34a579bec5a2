"""The floors that other Mission Controls watch, as they say and as far as that is evidence."""

from collections.abc import Sequence

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from mission_control.api.answers import AnyRequest, give, json_answer
from mission_control.api.options import ApiParts, describes
from mission_control.floors.model import FloorsSeen
from mission_control.floors.present import FloorsDocument, floors_document


def floors_seen(parts: ApiParts) -> FloorsSeen:
    """Return what is known of other floors; none where none are listed."""
    return FloorsSeen(parts.clock(), ()) if parts.floors is None else parts.floors.seen()


def floors_routes(parts: ApiParts) -> Sequence[HTTPRouteHandler]:
    """Return the route of the other floors."""

    @get(
        "/api/v1/floors",
        summary="Other Mission Controls and the posture of their floors, the worst first",
        tags=["floors"],
        responses={200: describes(FloorsDocument, "The floors; nothing is summed over them")},
    )
    async def floors(request: AnyRequest) -> Response[bytes]:
        document = floors_document(floors_seen(parts))
        return give(json_answer(document, parts.options.label), request)

    return [floors]
