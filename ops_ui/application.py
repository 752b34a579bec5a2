"""The pages as one ASGI app, GET only, with security headers on every answer."""

import logging
import ssl
from collections.abc import Sequence
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
from litestar.types import ASGIApp, ControllerRouterHandler, Message, Receive, Scope, Send

from ops_ui import (
    alert_pages,
    evidence,
    floor_pages,
    floors,
    lkg,
    own_status,
    records,
    replays,
    reports,
    runbook_pages,
    schedule_page,
    services,
)
from ops_ui.access import pages as access_pages
from ops_ui.access.guard import Guard
from ops_ui.access.issuer import Issuer, open_issuer_client
from ops_ui.access.settings import Access
from ops_ui.access.sign_in import SignIn
from ops_ui.brief import brief
from ops_ui.evidence_now import evidence_now
from ops_ui.floor import FloorPage
from ops_ui.frame import lost_frame
from ops_ui.limits import with_request_limits
from ops_ui.mission_control_client import (
    MissionControlClient,
    open_client,
)
from ops_ui.pulse import Pulse
from ops_ui.rendering import Pages, pages_of
from ops_ui.settings import Settings

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


@get("/pulse", media_type=MediaType.JSON)
async def pulse(state: State) -> Response[dict[str, float | int | None]]:
    """Say whether there is news of the floor; an open page asks every two seconds."""
    followed: Pulse = state.pulse
    return Response(followed.ask(), headers={"cache-control": "no-store"})


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


_ROUTES: Sequence[ControllerRouterHandler] = (
    floor_pages.floor,
    floor_pages.wall,
    evidence_now,
    brief,
    floors.floors,
    alert_pages.alerts,
    runbook_pages.index,
    runbook_pages.runbook,
    reports.read_only,
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
    access_pages.sign_in,
    access_pages.callback,
    access_pages.sign_out,
    own_status.healthz,
    own_status.ops_status,
    no_page,
    create_static_files_router(path="/static", directories=[HERE / "static"]),
)


def create_application(settings: Settings, client: httpx.AsyncClient | None = None) -> ASGIApp:
    """Make the application; nothing is asked before the first request."""
    seconds, token = settings.timeout_seconds, settings.api_token
    believed = _believed(settings)
    http = client or open_client(settings.mission_control, seconds, believed)
    following = client or open_client(settings.mission_control, seconds, believed)
    pages = Pages(MissionControlClient(http, seconds, token), settings)
    followed = Pulse(MissionControlClient(following, seconds, token), monotonic)
    sign_in = _sign_in(settings.access, believed)
    closed = [followed.end, following.aclose, http.aclose]
    closed += [sign_in.issuer.aclose] if sign_in is not None else []

    app = Litestar(
        _ROUTES,
        state=State(
            {
                "pages": pages,
                "floor": FloorPage(pages.client, monotonic),
                "pulse": followed,
                "sign_in": sign_in,
            }
        ),
        exception_handlers={Exception: _show_error, HTTPException: _show_error},
        openapi_config=None,
        logging_config=None,
        on_shutdown=closed,
    )
    page = pages.environment.get_template("access.html")
    guarded = Guard(app, settings.access, sign_in, page, monotonic)
    return with_security_headers(with_request_limits(guarded, settings.allowed_hosts))


def _believed(settings: Settings) -> ssl.SSLContext:
    """Return whose certificates are believed: the usual ones, and those that are named."""
    context = httpx.create_ssl_context(trust_env=False)
    if settings.authorities is not None:
        context.load_verify_locations(settings.authorities)
    return context


def _sign_in(access: Access, believed: ssl.SSLContext) -> SignIn | None:
    if access.oidc is None:
        return None
    return SignIn(access, Issuer(access.oidc, open_issuer_client(believed), monotonic), _now)


def _now() -> float:
    return datetime.now(UTC).timestamp()  # noqa: TID251  (own process, own clock)
