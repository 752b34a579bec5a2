"""Whether we ourselves are alive, and whether we still decide."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from mission_control.api.answers import give_once
from mission_control.api.options import ApiParts, describes, describes_problem
from mission_control.api.problems import Problem
from mission_control.documents.instants import utc_text
from mission_control.floor.present.own_status import OWN_NAME

TAGS = ["liveness"]


class Alive(TypedDict):
    """The predecessor's answer."""

    status: str
    service: str
    ts: str
    label: NotRequired[str]


def liveness_routes(parts: ApiParts) -> Sequence[HTTPRouteHandler]:
    """Give the route that answers as long as anything does."""

    @get(
        "/livez",
        summary="Whether the process answers at all",
        tags=TAGS,
        responses={200: describes(Alive, "It does")},
    )
    async def livez() -> Response[bytes]:
        return _alive(parts)

    return [livez]


def health_routes(parts: ApiParts) -> Sequence[HTTPRouteHandler]:
    """
    Give the routes of our own health, which refuse once nothing is decided or begun any more.

    A health that kept saying ok would be the last to notice.
    """

    @get(
        ["/healthz", "/health", "/ops/health"],
        summary="Whether the floor is still being decided",
        tags=TAGS,
        responses={
            200: describes(Alive, "The deciding loop beats"),
            503: describes_problem("It has stalled"),
        },
    )
    async def healthz() -> Response[bytes]:
        beat = parts.floor.beat()
        if beat.stalled:
            title = "The floor is no longer being decided"
            raise Problem(503, "poll_loop_stalled", title, beat.detail)
        stalled = parts.day.stalled()
        if stalled:
            title = "The day's runs are no longer being begun"
            raise Problem(503, "scheduler_stalled", title, stalled)
        return _alive(parts)

    return [healthz]


def _alive(parts: ApiParts) -> Response[bytes]:
    document: Alive = {"status": "ok", "service": OWN_NAME, "ts": utc_text(parts.clock())}
    return give_once(document, parts.options.label)
