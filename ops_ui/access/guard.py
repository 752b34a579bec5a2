"""
Stands before every page: who is not known sees none of them.

Liveness stays open, and of the static files those that the page for signing in is drawn with.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote

import jinja2
import orjson
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from ops_ui.access.addresses import Quota, is_of, peer_of, reader_of
from ops_ui.access.cookies import cookies_of
from ops_ui.access.operator import SIGNED_IN, Operator, clean_name
from ops_ui.access.settings import Access, Mode
from ops_ui.access.sign_in import CALLBACK, SIGN_IN, SIGN_OUT, SignIn
from ops_ui.limits import OPEN_PATHS

OPEN_STATIC = frozenset({"/static/style.css", "/static/icon-plain.svg"})
AT_ONCE, EACH_SECOND = 300, 50.0
"""A reader's requests: twenty open pages ask some fifteen times a second."""
SIGN_INS_AT_ONCE, SIGN_INS_EACH_SECOND = 20, 0.5
_UNTOLD = frozenset({"/pulse"})
"""Asked every two seconds by every page, and tells nothing: not in the log of who read what."""

log = logging.getLogger("ops_ui.access")


class Refusal(NamedTuple):
    """A page in place of the one that was asked for; with a `location` the browser goes there."""

    status: int
    heading: str
    text: str
    link: str = ""
    link_text: str = ""
    location: str = ""


class Guard:
    """Decides, request by request, whether and for whom it is answered."""

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        sign_in: SignIn | None,
        page: jinja2.Template,
        seconds: Callable[[], float],
    ) -> None:
        """Stand before this application; `page` shows why it is not reached."""
        self._app = app
        self._access = access
        self._sign_in = sign_in
        self._page = page
        self._quota = Quota(AT_ONCE, EACH_SECOND, seconds)
        self._sign_ins = Quota(SIGN_INS_AT_ONCE, SIGN_INS_EACH_SECOND, seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        refusal, operator = self._judge(scope)
        token = SIGNED_IN.set(operator)
        try:
            told = self._telling(scope, send, operator)
            if refusal is None:
                await self._app(scope, receive, told)
            else:
                await self._refuse(refusal, told)
        finally:
            SIGNED_IN.reset(token)

    def _judge(self, scope: Mapping[str, Any]) -> tuple[Refusal | None, Operator | None]:
        access, path = self._access, scope["path"]
        trusted = is_of(peer_of(scope), access.proxies)
        if access.only_proxies and not trusted:
            text = "This address is none of the proxies that these pages are reached through."
            return Refusal(403, "These pages are behind a proxy", text), None
        reader = reader_of(scope, access.proxies)
        signs_in = path in {SIGN_IN, CALLBACK}
        if not (self._sign_ins if signs_in else self._quota).take(reader):
            return Refusal(
                429, "Too many requests", "Wait a moment, and load the page again."
            ), None
        if path in OPEN_STATIC or access.mode is Mode.NONE:
            return None, None
        if self._sign_in is None:
            return self._from_proxy(scope)
        return _from_session(self._sign_in, scope)

    def _from_proxy(self, scope: Mapping[str, Any]) -> tuple[Refusal | None, Operator | None]:
        header = self._access.identity_header.encode("ascii")
        told = [value for name, value in scope["headers"] if name.lower() == header]
        try:
            name = told[0].decode("utf-8") if len(told) == 1 else ""
        except UnicodeDecodeError:
            name = ""
        if name and clean_name(name) == name.strip():
            return None, Operator(clean_name(name))
        text = (
            f"The proxy sent {len(told)} headers {self._access.identity_header}; one with your"
            " name is needed. Sign in there; else its configuration has to be looked at."
        )
        return Refusal(401, "The proxy does not say who you are", text, "/", "Try again"), None

    async def _refuse(self, refusal: Refusal, send: Send) -> None:
        body = self._page.render(refusal=refusal).encode()
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        if refusal.location:
            headers.append((b"location", refusal.location.encode("ascii")))
        if refusal.status == 429:  # noqa: PLR2004
            headers.append((b"retry-after", b"5"))
        start: Any = {"type": "http.response.start", "status": refusal.status, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def _telling(self, scope: Mapping[str, Any], send: Send, operator: Operator | None) -> Send:
        """Log who read which page, and what was refused; nothing is logged of a sign-in's query."""
        reader, path = reader_of(scope, self._access.proxies), scope["path"]
        asked = b"" if path in {SIGN_IN, CALLBACK} else scope["query_string"]

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start" and not _is_untold(path, message["status"]):
                line = {
                    "at": datetime.now(UTC).isoformat(timespec="milliseconds"),  # noqa: TID251
                    "operator": operator.name if operator else None,
                    "subject": operator.subject or None if operator else None,
                    "address": str(reader),
                    "method": scope["method"],
                    "path": path[:1000],
                    "query": asked.decode("latin-1")[:300],
                    "status": message["status"],
                }
                log.info(orjson.dumps(line).decode())
            await send(message)

        return tell


def _from_session(
    sign_in: SignIn, scope: Mapping[str, Any]
) -> tuple[Refusal | None, Operator | None]:
    operator = sign_in.operator(cookies_of(scope["headers"]))
    if operator is not None or scope["path"] in {SIGN_IN, CALLBACK, SIGN_OUT}:
        return None, operator
    return _not_signed_in(scope), None


def _is_untold(path: str, status: int) -> bool:
    return status < 400 and (path in _UNTOLD or path.startswith("/static/"))  # noqa: PLR2004


def _not_signed_in(scope: Mapping[str, Any]) -> Refusal:
    """
    Send who opens a page to the issuer; tell a page that is open already that it is over.

    What a script fetches is answered with a page to show: it could not follow to another site.
    """
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    wanted = quote(f"{path}?{query}" if query else path, safe="/")
    way = f"{SIGN_IN}?next={wanted}"
    modes = [value for name, value in scope["headers"] if name == b"sec-fetch-mode"]
    goes = scope["method"] == "GET" and modes == [b"navigate"]
    return Refusal(
        303 if goes else 401,
        "You are not signed in",
        "A session lasts eight hours from its sign-in, and ends when Mission Control's pages are"
        " started again without a kept key. What was shown before is old.",
        way,
        "Sign in",
        way if goes else "",
    )
