"""The resources that render a snapshot: posture, safety, session and services."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import NotRequired, TypedDict

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from mission_control.api.answers import Answer, AnyRequest, SnapshotCache, give
from mission_control.api.options import ReadingParts, describes, describes_problem
from mission_control.api.problems import Problem
from mission_control.api.the_past import At, past_of, remembered, snapshot_of
from mission_control.documents.instants import new_york_text, utc_text
from mission_control.floor.model import FloorSnapshot
from mission_control.floor.present.agents import (
    AgentDocument,
    AgentsDocument,
    agent_document,
    agents_document,
)
from mission_control.floor.present.evidence import EvidenceDocument, evidence_document
from mission_control.floor.present.posture import PostureDocument, posture_document
from mission_control.floor.present.safety import SafetyDocument, safety_document
from mission_control.market_calendar.calendar import CalendarReader
from mission_control.model.event import EventType, FloorEvent
from mission_control.schedule.present.sessions import (
    SessionDocument,
    TradingDayDocument,
    session_document,
    trading_day_documents,
)

TAGS = ["floor"]
SESSIONS_AHEAD = 5
EVENTS_BACK = 1_000
NO_SUCH_AGENT = "agent_not_found"
PAST_PROBLEMS = {
    400: describes_problem("No history is kept, and `at` was asked for"),
    404: describes_problem("The floor was not watched then"),
    422: describes_problem("`at` is not understood, or lies in the future"),
    503: describes_problem("History cannot be read"),
}


class SessionAnswer(TypedDict):
    """The market session now, and the next ones."""

    ts: str
    at_et: str
    sequence: int
    session: SessionDocument
    next_sessions: list[TradingDayDocument]
    label: NotRequired[str]


def posture_answer(parts: ReadingParts, snapshot: FloorSnapshot) -> Answer:
    """Return the encoded posture of a snapshot."""
    return parts.cache.document(snapshot, "posture", posture_document)


def agents_answer(parts: ReadingParts, snapshot: FloorSnapshot) -> Answer:
    """Return the encoded list of services of a snapshot."""
    return parts.cache.document(snapshot, "agents", agents_document)


def session_answer(calendar: CalendarReader, snapshot: FloorSnapshot) -> SessionAnswer:
    """Return the session by which the floor is judged, and the sessions after it."""
    return {
        "ts": utc_text(snapshot.at),
        "at_et": new_york_text(snapshot.at),
        "sequence": snapshot.sequence,
        "session": session_document(snapshot.session),
        "next_sessions": trading_day_documents(calendar.sessions_from(snapshot.at, SESSIONS_AHEAD)),
    }


def snapshot_routes(parts: ReadingParts) -> Sequence[HTTPRouteHandler]:
    """Return the routes of posture, its evidence, and safety."""
    kept, one_at_a_time = SnapshotCache(), asyncio.Lock()

    @get(
        "/api/v1/posture",
        summary="Whether the floor may run, and why",
        tags=TAGS,
        responses={200: describes(PostureDocument, "The posture and its reasons"), **PAST_PROBLEMS},
    )
    async def posture(request: AnyRequest, _at: At = None) -> Response[bytes]:
        return give(posture_answer(parts, await snapshot_of(parts, request)), request)

    @get(
        "/api/v1/safety",
        summary="Kill switch, its sources and every sign of execution",
        tags=TAGS,
        responses={200: describes(SafetyDocument, "All evidence of execution"), **PAST_PROBLEMS},
    )
    async def safety(request: AnyRequest, _at: At = None) -> Response[bytes]:
        snapshot = await snapshot_of(parts, request)
        return give(parts.cache.document(snapshot, "safety", safety_document), request)

    @get(
        "/api/v1/posture/evidence",
        summary="How the posture is known: each piece of required evidence, and what was read",
        tags=TAGS,
        responses={
            200: describes(EvidenceDocument, "The evidence, missing pieces first"),
            **PAST_PROBLEMS,
        },
    )
    async def evidence(request: AnyRequest, _at: At = None) -> Response[bytes]:
        # Of thousands of services it takes longer than the deciding loop may be held.
        snapshot = await snapshot_of(parts, request)
        changed = await _switch_changed(parts, snapshot, past="at" in request.query_params)
        render = partial(evidence_document, switch_changed=changed)
        async with one_at_a_time:
            answer = await asyncio.to_thread(kept.document, snapshot, "evidence", render)
        return give(answer, request)

    return [posture, safety, evidence]


async def _switch_changed(
    parts: ReadingParts, snapshot: FloorSnapshot, *, past: bool
) -> FloorEvent | None:
    """Return the kill switch's newest change by then: of the present, as far as is remembered."""
    kind = EventType.KILL_SWITCH_CHANGED
    if past:
        # The event bears the instant of its decision, which may be this very one.
        until = snapshot.at + timedelta(microseconds=1)
        return (await remembered(past_of(parts).history.changes_beside(until, kind)))[0]
    recent = parts.floor.recent_events(EVENTS_BACK)
    return next((event for event in recent if event.type is kind), None)


def session_routes(parts: ReadingParts) -> Sequence[HTTPRouteHandler]:
    """Return the route of the market session."""

    @get(
        "/api/v1/session",
        summary="The market session and the next ones",
        tags=TAGS,
        responses={
            200: describes(SessionAnswer, "Phase, boundaries, next sessions"),
            **PAST_PROBLEMS,
        },
    )
    async def session(request: AnyRequest, _at: At = None) -> Response[bytes]:
        render = partial(session_answer, parts.calendar)
        answer = parts.cache.document(await snapshot_of(parts, request), "session", render)
        return give(answer, request)

    return [session]


def agent_routes(parts: ReadingParts) -> Sequence[HTTPRouteHandler]:
    """Return the routes of the list of services and of one service."""

    @get(
        "/api/v1/agents",
        summary="Every service: state, expected, reasons",
        tags=TAGS,
        responses={200: describes(AgentsDocument, "The services, by name"), **PAST_PROBLEMS},
    )
    async def agents(request: AnyRequest, _at: At = None) -> Response[bytes]:
        return give(agents_answer(parts, await snapshot_of(parts, request)), request)

    @get(
        "/api/v1/agents/{agent_name:str}",
        summary="One service with its redacted answers and timings",
        tags=TAGS,
        responses={
            200: describes(AgentDocument, "The service in full"),
            **PAST_PROBLEMS,
            404: describes_problem("Not in the inventory, or the floor was not watched then"),
        },
    )
    async def agent(
        request: AnyRequest, agent_name: FromPath[str], _at: At = None
    ) -> Response[bytes]:
        snapshot = await snapshot_of(parts, request)
        if snapshot.fleet.agent(agent_name) is None or snapshot.service(agent_name) is None:
            # The predecessor's clients look for the code in `detail`.
            raise Problem(404, NO_SUCH_AGENT, "No such service is in the inventory", NO_SUCH_AGENT)
        render = partial(agent_document, agent_name=agent_name)
        return give(parts.cache.document(snapshot, ("agent", agent_name), render), request)

    return [agents, agent]
