"""The pages of signing in and out."""

import logging
from collections.abc import Sequence
from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.datastructures import Cookie, State

from ops_ui.access.cookies import cookies_of
from ops_ui.access.guard import Refusal
from ops_ui.access.id_token import TokenRefused
from ops_ui.access.issuer import IssuerFailed
from ops_ui.access.sign_in import SIGN_IN, SIGN_OUT, SignIn, SignInRefused, Step
from ops_ui.rendering import pages_of

log = logging.getLogger("ops_ui")
_OWN = frozenset({b"same-origin", b"none"})


@get("/sign-in", media_type=MediaType.HTML)
async def sign_in(state: State, request: Request[Any, Any, State]) -> Response[str]:
    """Send the browser to the issuer."""
    doing = sign_in_of(state)
    if doing is None:
        return _no_sign_in(state)
    wanted = str(request.query_params.get("next", "/"))
    try:
        return _go(await doing.begin(cookies_of(request.scope["headers"]), wanted))
    except IssuerFailed as failed:
        return _failed(state, doing, failed)


@get("/callback", media_type=MediaType.HTML)
async def callback(state: State, request: Request[Any, Any, State]) -> Response[str]:
    """Take the issuer's answer, and go on to what was asked for."""
    doing = sign_in_of(state)
    if doing is None:
        return _no_sign_in(state)
    told = {str(k): str(v) for k, v in request.query_params.items()}
    try:
        step = await doing.complete(cookies_of(request.scope["headers"]), told)
    except SignInRefused as refused:
        return _refused(state, 403, "You are not signed in", str(refused))
    except TokenRefused as refused:
        log.warning("an ID token of %s was refused: %s", doing.issuer.oidc.issuer, refused)
        text = f"What the issuer says of you is not believed: {refused}."
        return _refused(state, 403, "You are not signed in", text)
    except IssuerFailed as failed:
        return _failed(state, doing, failed)
    if step.operator is not None:
        log.info("signed in: %s", step.operator)
    return _go(step)


@get("/sign-out", media_type=MediaType.HTML)
async def sign_out(state: State, request: Request[Any, Any, State]) -> Response[str]:
    """End the session; a link on another site's page only asks whether to."""
    doing = sign_in_of(state)
    if doing is None:
        return _no_sign_in(state)
    sites = [value for name, value in request.scope["headers"] if name == b"sec-fetch-site"]
    if not _OWN.issuperset(sites):
        text = "Another site's page led here. Nothing has changed."
        return _shown(state, Refusal(200, "Sign out?", text, SIGN_OUT, "Sign out"))
    text = (
        f"This browser's session with {doing.issuer.oidc.issuer} may go on: sign out there as well"
        " where others use this machine."
    )
    ended = doing.end(cookies_of(request.scope["headers"]))
    return _shown(state, Refusal(200, "You are signed out", text, SIGN_IN, "Sign in again"), ended)


def sign_in_of(state: State) -> SignIn | None:
    """Return who signs operators in; None where no one does."""
    doing: SignIn | None = state.sign_in
    return doing


def _no_sign_in(state: State) -> Response[str]:
    text = "These pages keep no sessions of their own."
    return _shown(state, Refusal(404, "No one signs in here", text, "/", "To the Floor"))


def _failed(state: State, doing: SignIn, failed: IssuerFailed) -> Response[str]:
    issuer = doing.issuer.oidc.issuer
    log.warning("no one can sign in: %s: %s", issuer, failed)
    text = (
        f"{issuer}: {failed}. No one is let in until it answers; sessions that have begun go on."
        " mission-control status on the machine itself needs no sign-in."
    )
    return _refused(state, 503, "The issuer is no help now", text)


def _refused(state: State, status: int, heading: str, text: str) -> Response[str]:
    return _shown(state, Refusal(status, heading, text, SIGN_IN, "Try again"))


def _shown(state: State, refusal: Refusal, cookies: Sequence[Cookie] = ()) -> Response[str]:
    text = pages_of(state).environment.get_template("access.html").render(refusal=refusal)
    return Response(
        text,
        status_code=refusal.status,
        media_type=MediaType.HTML,
        headers={"cache-control": "no-store"},
        cookies=cookies,
    )


def _go(step: Step) -> Response[str]:
    headers = {"location": step.location, "cache-control": "no-store"}
    return Response(
        "", status_code=303, media_type=MediaType.HTML, headers=headers, cookies=step.cookies
    )
