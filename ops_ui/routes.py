"""What was recorded, as pages and downloads."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote, urlencode

from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from ops_ui.day_plan import see_day
from ops_ui.mission_control_client import HTTP_NOT_FOUND, Document, Missed
from ops_ui.pages.history import (
    asked_filters,
    attained_of,
    events_path,
    mappings,
    older_events,
    worst_first,
)
from ops_ui.pages.lkg import captures_of, good_doubts_of, good_path_of, lkg_diff_path
from ops_ui.pages.records import (
    FILTERS,
    badge,
    copy_badge,
    copy_problems,
    file_path,
    list_path,
    older_path,
    report_paths,
    retention_badge,
    runs_of,
    why_not,
)
from ops_ui.pages.reports import (
    attestation_path,
    clusters_of,
    diff_path,
    folded_of,
    gaps_of,
    reports_of,
    see_attestation,
    see_readiness,
)
from ops_ui.rendering import MAX_AT, Pages, pages_of
from ops_ui.strips import DAY_STEP, MONTH_STEP, instant_of, missing_strip, strips_of

MAX_DOWNLOAD = 64 * 1024 * 1024


@get("/artifacts", media_type=MediaType.HTML)
async def artifacts(state: State, request: Request[object, object, State]) -> Response[str]:
    """Show what was recorded, and whether it is still as it was."""
    pages = pages_of(state)
    asked = {str(k): str(v) for k, v in request.query_params.items()}
    document = await pages.client.document(list_path(asked))
    if isinstance(document, Missed):
        return pages.missed(document, "What was recorded could not be read")
    return pages.render(
        "artifacts.html",
        document=document,
        badge=badge(document.get("verification")),
        copied=copy_badge(document),
        copy_problems=copy_problems(document),
        kept=retention_badge(document),
        reports=report_paths(document),
        runs=runs_of(document),
        asked=[(k, v) for k, v in sorted(asked.items()) if k in FILTERS and v],
        older=older_path(asked, document),
    )


@get("/artifacts/view/{path:path}", media_type=MediaType.HTML)
async def artifact(state: State, path: FromPath[str]) -> Response[str]:
    """Show one recorded file; one that is not as it was recorded is not shown."""
    pages = pages_of(state)
    content = await pages.client.file(file_path(path))
    if content is None or isinstance(content, Missed):
        status, heading, text = why_not(content)
        return pages.render("message.html", status, heading=heading, text=text)
    shown = await pages.renderer.show(path.lstrip("/"), content)
    return pages.render("artifact.html", shown=shown, label=await pages.client.label())


@get("/artifacts/download/{path:path}")
async def download(state: State, path: FromPath[str]) -> Response[bytes] | Response[str]:
    """Hand out one recorded file as it was recorded."""
    pages = pages_of(state)
    content = await pages.client.file(file_path(path), limit=MAX_DOWNLOAD)
    if content is None or isinstance(content, Missed):
        status, heading, text = why_not(content)
        return pages.render("message.html", status, heading=heading, text=text)
    name = "".join(c for c in path.rpartition("/")[2] if c.isalnum() or c in "._-")
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "private, max-age=31536000, immutable",
    }
    return Response(content, media_type="application/octet-stream", headers=headers)


def artifact_routes() -> Sequence[HTTPRouteHandler]:
    """Give the routes of these pages."""
    return [artifacts, artifact, download]


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
        text = "It is not in the inventory, or it was not watched at that time."
        return pages.render("message.html", 404, heading=heading, text=text)
    return pages.missed(missed, f"{what} could not be read")


@get("/lkg", media_type=MediaType.HTML)
async def lkg(state: State) -> Response[str]:
    """Show captures of the last known good, and what each is worth."""
    pages = pages_of(state)
    document = await pages.client.document("/api/v1/lkg")
    if isinstance(document, Missed):
        return pages.missed(document, "The last known good could not be read")
    return pages.render(
        "lkg.html",
        captures=captures_of(document),
        good=good_path_of(document),
        doubts=good_doubts_of(document),
        label=document.get("label") or "",
    )


@get("/lkg/diff", media_type=MediaType.HTML)
async def lkg_diff(state: State, request: Request[object, object, State]) -> Response[str]:
    """Show what differs between two captures."""
    pages = pages_of(state)
    asked = {str(k): str(v) for k, v in request.query_params.items()}
    document = await pages.client.document(lkg_diff_path(asked))
    if isinstance(document, Missed):
        heading = "These two could not be compared"
        if document.status != HTTP_NOT_FOUND:
            return pages.missed(document, heading)
        text = f"Two recorded captures are needed. {document.told or document.detail}"
        return pages.render("message.html", 404, heading=heading, text=text)
    clusters, gaps = clusters_of(document), gaps_of(document)
    return pages.render("lkg_diff.html", document=document, clusters=clusters, gaps=gaps)


def lkg_routes() -> Sequence[HTTPRouteHandler]:
    """Give the routes of these pages."""
    return [lkg, lkg_diff]


def own_status(*, now: datetime, reached: bool) -> dict[str, object]:
    """
    Give the rich contract of kind ops at `now` (UTC).

    The pages know nothing of a kill switch of their own and allow nothing: `kill_switch` is
    true because nothing may be executed from here.
    """
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    state = "OK" if reached else "DEGRADED"
    return {
        "service_name": "ops-ui",
        "service_kind": "ops",
        "repo_id": "mission-control",
        "git_sha": None,
        "build_id": None,
        "agent_identity": {"agent_name": "ops-ui", "agent_role": "ops", "agent_mode": "OBSERVE"},
        "status": {
            "state": state,
            "summary": "Healthy" if reached else "Degraded",
            "reason_codes": [] if reached else ["MISSION_CONTROL_UNREACHABLE"],
            "last_updated_utc": stamp,
        },
        "heartbeat": {"last_heartbeat_utc": stamp, "age_seconds": 0.0, "ttl_seconds": 60},
        "marketdata": None,
        "safety": {
            "kill_switch": True,
            "safe_to_run_strategies": False,
            "safe_to_execute_orders": False,
            "gating_reasons": ["KILL_SWITCH"],
        },
        "endpoints": {"healthz": "/healthz", "heartbeat": None, "metrics": None},
    }


@get("/readiness", media_type=MediaType.HTML)
async def readiness(state: State) -> Response[str]:
    """Show whether this session may run, and every check."""
    pages = pages_of(state)
    document = await pages.client.document("/api/v1/readiness/latest")
    status = 502 if isinstance(document, Missed) else 200
    return pages.render("readiness.html", status, view=see_readiness(document))


@get("/deploys", media_type=MediaType.HTML)
async def deploys(state: State) -> Response[str]:
    """Show recorded deploy reports, the newest whole."""
    pages = pages_of(state)
    document = await pages.client.document("/api/v1/reports/deploy")
    if isinstance(document, Missed):
        return pages.missed(document, "Deploy reports could not be read")
    newest = await pages.client.markdown("/api/v1/reports/deploy/latest")
    trouble = newest.detail if isinstance(newest, Missed) else ""
    shown = None
    if isinstance(newest, str):
        shown = await pages.renderer.show("deploy_report.md", newest.encode())
    label = document.get("label") or ""
    reports = reports_of(document)
    return pages.render("deploys.html", reports=reports, shown=shown, trouble=trouble, label=label)


@get("/deploys/diff", media_type=MediaType.HTML)
async def diff(state: State, request: Request[object, object, State]) -> Response[str]:
    """Show what changed between two recorded deploy reports."""
    pages = pages_of(state)
    asked = {str(k): str(v) for k, v in request.query_params.items()}
    document = await pages.client.document(diff_path(asked))
    if isinstance(document, Missed):
        heading = "These two could not be compared"
        if document.status != HTTP_NOT_FOUND:
            return pages.missed(document, heading)
        text = f"Two recorded reports are needed. {document.told or document.detail}"
        return pages.render("message.html", 404, heading=heading, text=text)
    clusters, gaps, folded = clusters_of(document), gaps_of(document), folded_of(document)
    return pages.render("diff.html", document=document, clusters=clusters, gaps=gaps, folded=folded)


@get("/attestation", media_type=MediaType.HTML)
async def attestation(state: State, request: Request[object, object, State]) -> Response[str]:
    """Show whether anything of execution was seen in a session, and for how much of it."""
    pages = pages_of(state)
    asked = {str(k): str(v) for k, v in request.query_params.items()}
    document = await pages.client.document(attestation_path(asked))
    if isinstance(document, Missed) and document.is_mistake:
        return pages.missed(document, "")
    missed = isinstance(document, Missed)
    absent = missed and document.status == HTTP_NOT_FOUND
    status = 404 if absent else 502 if missed else 200
    view = see_attestation({} if absent else document)
    return pages.render("attestation.html", status, view=view)


def report_routes() -> Sequence[HTTPRouteHandler]:
    """Give the routes of these pages."""
    return [readiness, deploys, diff, attestation]


@get("/schedule", media_type=MediaType.HTML)
async def schedule(state: State) -> Response[str]:
    """Show today's plan with what became of each run, and the next 30 sessions."""
    pages = pages_of(state)
    document = await pages.client.document("/api/v1/schedule")
    day = see_day(document)
    if day.trouble:
        heading = "The schedule could not be read"
        status = 502 if isinstance(document, Missed) else 500
        return pages.render("message.html", status, heading=heading, text=day.trouble)
    return pages.render("schedule.html", day=day)


def schedule_routes() -> Sequence[HTTPRouteHandler]:
    """Give the route of this page."""
    return [schedule]
