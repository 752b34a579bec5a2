"""Routes: one service in full, past events, and what services attained, as pages."""

import asyncio
from collections.abc import Sequence
from urllib.parse import quote, urlencode

from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from ops_ui.mission_control_client import HTTP_NOT_FOUND, Document, Missed
from ops_ui.pages.history import (
    asked_filters,
    attained_of,
    events_path,
    mappings,
    older_events,
    worst_first,
)
from ops_ui.rendering import MAX_AT, Pages, pages_of
from ops_ui.strips import DAY_STEP, MONTH_STEP, instant_of, missing_strip, strips_of

MONTH_SECONDS = 30 * 86_400


@get("/service/{agent_name:str}", media_type=MediaType.HTML)
async def service(
    state: State, request: Request[object, object, State], agent_name: FromPath[str]
) -> Response[str]:
    """Show one service: who it is, how it is and was, and every answer that it gave."""
    pages, name = pages_of(state), agent_name[:128]
    at = str(request.query_params.get("at", ""))[:MAX_AT]
    document = await pages.client.document(_at(f"/api/v1/agents/{quote(name, safe='')}", at))
    if isinstance(document, Missed) or not isinstance(document.get("agent"), dict):
        return _missed(pages, document, "This service")
    day, month, slo = await asyncio.gather(
        pages.client.document(_timeline(name, DAY_STEP, at, document)),
        pages.client.document(_timeline(name, MONTH_STEP, at, document, MONTH_SECONDS)),
        pages.client.document("/api/v1/slo"),
    )
    return pages.render(
        "service.html",
        document=document,
        agent=document["agent"],
        day=strips_of(day, "last 24 hours").get(name, missing_strip(day)),
        month=strips_of(month, "last 30 days", marked=False).get(name, missing_strip(month)),
        segments=_recent_segments(day),
        attained=attained_of(slo, name),
        at=at,
    )


@get("/events", media_type=MediaType.HTML)
async def events(state: State, request: Request[object, object, State]) -> Response[str]:
    """Show what happened, newest first."""
    pages = pages_of(state)
    asked = {str(k): str(v) for k, v in request.query_params.items()}
    document = await pages.client.document(events_path(asked))
    if isinstance(document, Missed):
        return _missed(pages, document, "What happened")
    return pages.render(
        "events.html",
        document=document,
        events=mappings(document.get("events")),
        asked=asked_filters(asked),
        older=older_events(asked, document),
    )


@get("/slo", media_type=MediaType.HTML)
async def slo(state: State) -> Response[str]:
    """Show what services attained, and what is left of their budgets."""
    pages = pages_of(state)
    document = await pages.client.document("/api/v1/slo")
    if isinstance(document, Missed):
        return _missed(pages, document, "What was attained")
    services = worst_first(mappings(document.get("services")))
    return pages.render("slo.html", document=document, services=services)


def history_routes() -> Sequence[HTTPRouteHandler]:
    """Give the routes of these pages."""
    return [service, events, slo]


def _at(path: str, at: str) -> str:
    return f"{path}?{urlencode({'at': at})}" if at else path


def _timeline(name: str, step: int, at: str, document: Document, seconds: int = 86_400) -> str:
    """
    Ask for a stretch that ends at the page's own instant.

    `at` is passed on as it was written: only Mission Control knows what a time without zone is.
    """
    until = instant_of(document.get("ts"))
    asked = {"agent": name, "step": str(step)}
    if until is not None:
        begin = until.timestamp() - seconds
        asked["from"] = until.fromtimestamp(begin, until.tzinfo).isoformat()
        asked["to"] = at or until.isoformat()
    return f"/api/v1/timeline?{urlencode(asked)}"


def _recent_segments(timeline: Document | Missed) -> Sequence[Document]:
    if isinstance(timeline, Missed):
        return ()
    lines = mappings(timeline.get("agents"))
    segments = mappings(lines[0].get("segments")) if lines else ()
    return list(reversed(segments))[:20]


def _missed(pages: Pages, missed: object, what: str) -> Response[str]:
    if not isinstance(missed, Missed):
        text = "it is not understood"
        return pages.render("message.html", 502, heading=f"{what} could not be read", text=text)
    if missed.status == HTTP_NOT_FOUND:
        heading = f"? UNKNOWN: {what.lower()} is not known"
        text = "It is not in the inventory, or nobody watched it at that time."
        return pages.render("message.html", 404, heading=heading, text=text)
    return pages.missed(missed, f"{what} could not be read")
