"""The floor as server-sent events, resumable, for pages that stay open."""

import re
from collections.abc import AsyncGenerator, Sequence
from secrets import token_hex
from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response import Stream

from mission_control.alerts.model import Alert
from mission_control.api.alert_routes import current_alerts
from mission_control.api.answers import AnyRequest
from mission_control.api.options import ApiParts, describes, describes_problem
from mission_control.api.problems import Problem
from mission_control.api.snapshot_routes import agents_answer, posture_answer
from mission_control.documents.canonical_json import encode_json
from mission_control.floor.model import FloorSnapshot
from mission_control.floor.present.events import event_document
from mission_control.model.event import FloorEvent

EVENT_STREAM = "text/event-stream"
RETRY_MILLISECONDS = 2_000

_IDENTITY = re.compile(r"(?P<run>[0-9a-f]{8})-(?P<number>[0-9]{1,18})")

ResumeAfter = Annotated[
    str,
    QueryParameter(description="Resume after this event, as the header `Last-Event-ID` does."),
]


class FloorStreams:
    """
    Turns snapshots and events of the floor into frames.

    An event's id names this run of the process and the number of the event in it: a client that
    reconnects after a restart gets every event still kept, and misses none of them.
    """

    def __init__(self, parts: ApiParts, limit: int) -> None:
        """Serve at most `limit` streams at a time."""
        self._parts = parts
        self._limit = limit
        self._run = token_hex(4)
        self._open = 0
        self._alerts = current_alerts(parts)

    @property
    def full(self) -> bool:
        """Return whether another stream would be one too many."""
        return self._open >= self._limit

    def resume_after(self, last_event_id: str) -> int:
        """
        Return the event to continue after: the newest for a new client, else its last one.

        For an id from another run, or one that cannot be read, it is 0: all events that are kept.
        """
        newest = next(iter(self._parts.floor.recent_events(1)), None)
        number = newest.identity if newest else 0
        if not last_event_id:
            return number
        known = _IDENTITY.fullmatch(last_event_id)
        if known is None or known["run"] != self._run or int(known["number"]) > number:
            return 0
        return int(known["number"])

    async def frames(self, after: int) -> AsyncGenerator[bytes, None]:
        """
        Yield the current posture and services, missed events, and then new ones as they happen.

        Alerts are told at first, and again whenever they changed.
        Only the first snapshot has an id, which repeats the client's own: whenever the stream
        breaks, the client resumes after the last event that it received.
        """
        self._open += 1
        try:
            yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
            identity, told = self._identity(after), None
            async for happened in self._parts.floor.follow(after):
                if isinstance(happened, FloorSnapshot):
                    yield self._snapshot(happened, identity)
                    identity, known = "", self._known_alerts()
                    if known is not None and known != told:
                        told = known
                        yield frame("alerts", encode_json(self._alerts(), self._label))
                else:
                    yield self._event(happened)
        finally:
            self._open -= 1

    @property
    def _label(self) -> str:
        return self._parts.options.label

    def _known_alerts(self) -> tuple[Alert, ...] | None:
        """Return the alerts as they were decided; None where they are not."""
        watch = self._parts.alerts
        if watch is None or not watch.has_decided:
            return None
        return watch.current().alerts

    def _identity(self, number: int) -> str:
        return f"{self._run}-{number}"

    def _snapshot(self, snapshot: FloorSnapshot, identity: str) -> bytes:
        posture = posture_answer(self._parts, snapshot).body
        agents = agents_answer(self._parts, snapshot).body
        return frame("posture", posture, identity) + frame("agents", agents)

    def _event(self, event: FloorEvent) -> bytes:
        body = encode_json(event_document(event), self._label)
        return frame("event", body, self._identity(event.identity))


def frame(event_type: str, data: bytes, identity: str = "") -> bytes:
    """Return one server-sent event; `data` is one line, as our JSON always is."""
    head = f"id: {identity}\n" if identity else ""
    return f"{head}event: {event_type}\ndata: ".encode() + data + b"\n\n"


def stream_routes(parts: ApiParts) -> Sequence[HTTPRouteHandler]:
    """Return the route of the stream."""
    streams = FloorStreams(parts, parts.options.max_streams)

    @get(
        "/api/v1/stream",
        summary="Server-sent events: posture, agents, event, alerts",
        tags=["events"],
        media_type=EVENT_STREAM,
        responses={
            200: describes(str, "The stream", EVENT_STREAM),
            503: describes_problem("Too many streams"),
        },
    )
    async def stream(request: AnyRequest, last_event_id: ResumeAfter = "") -> Stream:
        if streams.full:
            title = "Too many streams are open"
            detail = "close one, or ask for /api/v1/posture instead"
            raise Problem(503, "too_many_streams", title, detail, headers={"retry-after": "5"})
        after = streams.resume_after(request.headers.get("last-event-id", last_event_id))
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return Stream(streams.frames(after), media_type=EVENT_STREAM, headers=headers)

    return [stream]
