"""History: timelines, past events, and attainment of service levels."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, NotRequired, TypedDict

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from mission_control.api.answers import AnyRequest, give, json_answer
from mission_control.api.options import ReadingParts, describes, describes_problem
from mission_control.api.problems import Problem
from mission_control.api.snapshot_routes import NO_SUCH_AGENT
from mission_control.api.the_past import (
    MOST_COUNTED,
    At,
    From,
    Since,
    To,
    Until,
    instant_of,
    past_of,
    read_period,
    remembered,
)
from mission_control.documents.instants import utc_text
from mission_control.floor.present.events import (
    IncidentsDocument,
    event_document,
    incidents_document,
)
from mission_control.history.decide.over_time import worst_by_step
from mission_control.history.model import EventQuery
from mission_control.history.present import (
    PostureChangesDocument,
    SloDocument,
    TimelineDocument,
    posture_changes_document,
    slo_document,
    timeline_document,
)
from mission_control.model.fleet import Agent

TAGS = ["history"]
MAX_EVENTS = 500
MOST_CELLS = 5_000
DAY, MONTH = timedelta(days=1), timedelta(days=30)

AgentName = Annotated[
    str | None,
    QueryParameter(
        max_length=128,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="Only this service, by its name.",
    ),
]
Step = Annotated[
    int | None,
    QueryParameter(ge=1, le=86_400, description="Seconds; adds the worst state of each step."),
]
Limit = Annotated[
    int, QueryParameter(ge=1, le=MAX_EVENTS, description="How many events; 1 to 500, newest first.")
]
Cursor = Annotated[
    int | None,
    QueryParameter(ge=1, le=MOST_COUNTED, description="The `next_cursor` of the page before."),
]


class PastEvents(TypedDict):
    """A page of past events, newest first; `next_cursor` asks for the page after."""

    ts: str
    events: list[dict[str, Any]]
    next_cursor: str | None
    label: NotRequired[str]


def history_routes(parts: ReadingParts) -> Sequence[HTTPRouteHandler]:
    """Return the routes of history."""
    return [
        _timeline(parts),
        _events(parts),
        _incidents(parts),
        _slo(parts),
        _posture_changes(parts),
    ]


def _agents(parts: ReadingParts, agent_name: str | None) -> Sequence[Agent]:
    fleet = parts.floor.current().fleet
    if agent_name is None:
        return fleet.agents
    agent = fleet.agent(agent_name)
    if agent is None:
        raise Problem(404, NO_SUCH_AGENT, "No such service is in the inventory", NO_SUCH_AGENT)
    return (agent,)


def _timeline(parts: ReadingParts) -> HTTPRouteHandler:
    @get(
        "/api/v1/timeline",
        summary="How services were over time; a stretch without observation is a gap",
        tags=TAGS,
        responses={
            200: describes(TimelineDocument, "Segments by service, from `from` to `to`"),
            404: describes_problem("Not in the inventory"),
            422: describes_problem("`from`, `to` or `step` is not understood"),
            503: describes_problem("History cannot be read"),
        },
    )
    async def timeline(
        request: AnyRequest,
        agent: AgentName = None,
        step: Step = None,
        _from: From = None,
        _to: To = None,
    ) -> Response[bytes]:
        past, agents = past_of(parts), _agents(parts, agent)
        since, until = read_period(parts, request, DAY)
        width = None if step is None else timedelta(seconds=step)
        if width is not None and (until - since) / width * len(agents) > MOST_CELLS * 20:
            title, detail = "Too many steps", "ask for a longer step, fewer services or less time"
            raise Problem(422, "too_many_steps", title, detail)
        found = await remembered(past.timelines(agents, since, until))
        lines = [
            (name, segments, worst_by_step(segments, since, until, width) if width else None)
            for name, segments in found.by_agent
        ]
        floor = await remembered(past.posture_line(since, until))
        document = timeline_document(since, until, lines, found.sessions, parts.clock(), floor)
        return give(json_answer(document, parts.options.label), request)

    return timeline


def _events(parts: ReadingParts) -> HTTPRouteHandler:
    @get(
        "/api/v1/events",
        summary="What happened, newest first, page by page",
        tags=TAGS,
        responses={
            200: describes(PastEvents, "A page of events"),
            422: describes_problem("`since`, `until`, `limit` or `cursor` is not understood"),
            503: describes_problem("History cannot be read"),
        },
    )
    async def events(
        request: AnyRequest,
        limit: Limit = 100,
        cursor: Cursor = None,
        agent: AgentName = None,
        _since: Since = None,
        _until: Until = None,
    ) -> Response[bytes]:
        past = past_of(parts)
        since = instant_of(request, "since")
        until = instant_of(request, "until")
        query = EventQuery(limit, cursor, since, until, agent)
        page = await remembered(past.history.events(query))
        document: PastEvents = {
            "ts": utc_text(parts.clock()),
            "events": [event_document(event) for event in page.events],
            "next_cursor": None if page.next_before is None else str(page.next_before),
        }
        return give(json_answer(document, parts.options.label), request)

    return events


def _incidents(parts: ReadingParts) -> HTTPRouteHandler:
    @get(
        "/api/v1/incidents",
        summary="What happened as incidents, each from its first alarm or halt to its end",
        tags=TAGS,
        responses={
            200: describes(IncidentsDocument, "Incidents and events apart from them"),
            422: describes_problem("`from` or `to` is not understood"),
            503: describes_problem("History cannot be read"),
        },
    )
    async def incidents(request: AnyRequest, _from: From = None, _to: To = None) -> Response[bytes]:
        past = past_of(parts)
        since, until = read_period(parts, request, DAY)
        found, events, cut = await remembered(past.incidents(since, until))
        document = incidents_document(since, until, found, events, parts.clock(), cut=cut)
        return give(json_answer(document, parts.options.label), request)

    return incidents


def _slo(parts: ReadingParts) -> HTTPRouteHandler:
    @get(
        "/api/v1/slo",
        summary="What services attained in market time, and what is left of their budgets",
        tags=TAGS,
        responses={
            200: describes(SloDocument, "Attainment by service, from `from` to `to`"),
            422: describes_problem("`from` or `to` is not understood"),
            503: describes_problem("History cannot be read"),
        },
    )
    async def slo(request: AnyRequest, _from: From = None, _to: To = None) -> Response[bytes]:
        past = past_of(parts)
        since, until = read_period(parts, request, MONTH)
        agents = parts.floor.current().fleet.agents
        begin, attained = await remembered(past.attainments(agents, since, until))
        document = slo_document(begin, until, attained, parts.clock())
        return give(json_answer(document, parts.options.label), request)

    return slo


def _posture_changes(parts: ReadingParts) -> HTTPRouteHandler:
    @get(
        "/api/v1/posture/changes",
        summary="When the posture changed last before an instant, and first after it",
        tags=TAGS,
        responses={
            200: describes(PostureChangesDocument, "The changes next to `at`, else to now"),
            400: describes_problem("No history is kept"),
            422: describes_problem("`at` is not understood"),
            503: describes_problem("History cannot be read"),
        },
    )
    async def changes(request: AnyRequest, _at: At = None) -> Response[bytes]:
        past, now = past_of(parts), parts.clock()
        at = instant_of(request, "at") or now
        beside = await remembered(past.history.changes_beside(at))
        document = posture_changes_document(at, beside, now)
        return give(json_answer(document, parts.options.label), request)

    return changes
