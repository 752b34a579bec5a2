"""The pages as one ASGI app, GET only, with security headers on every answer."""

import asyncio
import logging
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import httpx
from litestar import Litestar, MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.static_files import (
    create_static_files_router,  # pyright: ignore[reportUnknownVariableType]  (untyped options)
)
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from ops_ui import (
    alert_pages,
    evidence,
    lkg,
    records,
    replays,
    reports,
    runbook_pages,
    schedule_page,
    services,
)
from ops_ui.answers import Part
from ops_ui.brief import brief
from ops_ui.evidence_now import evidence_now
from ops_ui.floor import FloorPage
from ops_ui.formats import new_york
from ops_ui.frame import lost_frame, past_frame
from ops_ui.limits import with_request_limits
from ops_ui.mission_control_client import (
    HTTP_NOT_FOUND,
    Missed,
    MissionControlClient,
    open_client,
)
from ops_ui.pulse import Pulse
from ops_ui.record_answers import Proof
from ops_ui.rendering import MAX_AT, Pages, pages_of
from ops_ui.service_rows import only
from ops_ui.settings import Settings
from ops_ui.time_machine import ask_time_machine
from ops_ui.wall import see_wall

HERE = Path(__file__).parent
log = logging.getLogger("ops_ui")

SECURITY_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)


def with_security_headers(app: ASGIApp) -> ASGIApp:
    """Wrap a whole application, so that errors and streams bear the headers too."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *SECURITY_HEADERS]
            await send(message)

        await app(scope, receive, send_with_headers)

    return wrapped


@get("/", media_type=MediaType.HTML)
async def floor(state: State, request: Request[object, object, State]) -> Response[str]:
    """Show the floor, or with `?at=` the floor as it was."""
    pages = pages_of(state)
    at = str(request.query_params.get("at", ""))[:MAX_AT]
    show = str(request.query_params.get("show", ""))[:MAX_AT]
    if at:
        return await _past_floor(pages, floor_page(state), at, show)
    page = floor_page(state)
    shown, machine = await asyncio.gather(page.see(), page.time_machine())
    return pages.render_in(
        shown.frame,
        "floor.html",
        view=shown.view,
        last=shown.last,
        last_age=shown.last_age,
        at="",
        show=show,
        rows=only(shown.view.services, show),
        machine=machine,
    )


async def _past_floor(pages: Pages, page: FloorPage, at: str, show: str) -> Response[str]:
    view, machine = await asyncio.gather(page.see_past(at), ask_time_machine(pages.client, at))
    if not isinstance(view, Missed):
        frame = past_frame(view.at, view.label, pages.client.label)
        return pages.render_in(
            frame,
            "floor.html",
            view=view,
            last=None,
            last_age=None,
            at=at,
            show=show,
            rows=only(view.services, show),
            machine=machine,
        )
    if view.status == HTTP_NOT_FOUND:
        heading = "? UNKNOWN: the floor was not watched then"
        text = f"At {new_york(at) or 'that time'} nothing was recorded, and nothing is guessed."
        return await pages.render("message.html", 404, heading=heading, text=text)
    return await pages.missed(view, "The floor of then could not be read")


@get("/wall", media_type=MediaType.HTML)
async def wall(state: State) -> Response[str]:
    """Show the floor as it hangs on a wall: no scrolling, nothing to touch."""
    pages = pages_of(state)
    shown = await floor_page(state).see()
    return pages.render_in(
        shown.frame,
        "wall.html",
        view=shown.view,
        last=shown.last,
        last_age=shown.last_age,
        board=see_wall(shown.view.services),
    )


@get("/read-only", media_type=MediaType.HTML)
async def read_only(state: State) -> Response[str]:
    """Show the live proof that nothing here writes."""
    pages = pages_of(state)
    proof = await pages.client.ask("/api/v1/attestation/read-only", Proof)
    if isinstance(proof, Missed):
        return await pages.missed(proof, "The proof could not be read")
    return await pages.render("read_only.html", proof=proof)


@get("/pulse", media_type=MediaType.JSON)
async def pulse(state: State) -> Response[dict[str, float | int | None]]:
    """Say whether there is news of the floor; an open page asks every two seconds."""
    followed: Pulse = state.pulse
    return Response(followed.ask(), headers={"cache-control": "no-store"})


@get(["/healthz", "/health", "/livez"], media_type=MediaType.JSON, sync_to_thread=False)
def healthz() -> dict[str, str]:
    """Say that the pages are served; says nothing about Mission Control."""
    return {"status": "ok", "service": "ops-ui"}


@get("/ops/status", media_type=MediaType.JSON)
async def ops_status(state: State) -> dict[str, object]:
    """Answer the pages' own rich contract: DEGRADED while Mission Control gives no answer."""
    answer = await pages_of(state).client.ask("/api/v1/posture", Part)
    reached = not isinstance(answer, Missed)
    return _own_status(now=datetime.now(UTC), reached=reached)  # noqa: TID251  (own process, own clock)


def _own_status(*, now: datetime, reached: bool) -> dict[str, object]:
    """
    Return the rich contract of kind ops at `now` (UTC).

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


def floor_page(state: State) -> FloorPage:
    """Return the floor's page, which remembers the last floor that was whole."""
    page: FloorPage = state.floor
    return page


def _show_error(request: Request[object, object, State], error: Exception) -> Response[str]:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status >= 500:  # noqa: PLR2004
        log.error("a page failed", exc_info=error)
    headings = {404: _NO_PAGE, 405: "Nothing here can be changed"}
    heading = headings.get(status, "This page failed")
    pages = pages_of(request.app.state)
    frame = lost_frame("nothing was asked of Mission Control", "", pages.client.label)
    return pages.render_in(frame, "message.html", status, heading=heading, text="")


@get("/{path:path}", media_type=MediaType.HTML)
async def no_page(state: State, path: FromPath[str]) -> Response[str]:
    """Say that there is no such page, in the frame of every page."""
    return await pages_of(state).render("message.html", 404, heading=_NO_PAGE, text=path[:200])


_NO_PAGE = "No such page"


def create_application(settings: Settings, client: httpx.AsyncClient | None = None) -> ASGIApp:
    """Make the application; nothing is asked before the first request."""
    http = client or open_client(settings.mission_control, settings.timeout_seconds)
    following = client or open_client(settings.mission_control, settings.timeout_seconds)
    pages = Pages(MissionControlClient(http, settings.timeout_seconds), settings)
    followed = Pulse(MissionControlClient(following, settings.timeout_seconds), monotonic)

    app = Litestar(
        [
            floor,
            wall,
            evidence_now,
            brief,
            alert_pages.alerts,
            runbook_pages.index,
            runbook_pages.runbook,
            read_only,
            records.artifacts,
            records.artifact,
            records.download,
            services.service,
            services.floor_map,
            services.events,
            services.slo,
            reports.readiness,
            reports.deploys,
            reports.deploys_diff,
            reports.attestation,
            evidence.evidence,
            evidence.download,
            replays.replays,
            replays.replay,
            replays.replay_diff,
            lkg.lkg,
            lkg.lkg_diff,
            schedule_page.schedule,
            pulse,
            healthz,
            ops_status,
            no_page,
            create_static_files_router(path="/static", directories=[HERE / "static"]),
        ],
        state=State(
            {"pages": pages, "floor": FloorPage(pages.client, monotonic), "pulse": followed}
        ),
        exception_handlers={Exception: _show_error, HTTPException: _show_error},
        openapi_config=None,
        logging_config=None,
        on_shutdown=[followed.end, following.aclose, http.aclose],
    )
    return with_security_headers(with_request_limits(app, settings.allowed_hosts))
