"""
Signing in by OpenID Connect: authorization code with PKCE, state and nonce.

Every step is GET and changes nothing but our own cookies. What is under way stands in a sealed
cookie of the browser that began it, so no one can complete another's sign-in.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import orjson
from litestar.datastructures import Cookie

from ops_ui.access.cookies import SESSION_SECONDS, SIGN_IN_SECONDS, Seal, cookie, new_key
from ops_ui.access.id_token import Claims, TokenRefused
from ops_ui.access.issuer import Issuer
from ops_ui.access.operator import Operator, clean_name
from ops_ui.access.settings import Access, Oidc

SIGN_IN, CALLBACK, SIGN_OUT = "/sign-in", "/callback", "/sign-out"
MAX_NEXT = 2048
MOST_UNDER_WAY = 6
"""Sign-ins that one browser has under way, in as many tabs; more end them all."""
MOST_ENDED = 20_000
"""Sessions and states that are remembered as over; each for as long as it could be used."""
_PLAIN_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")
_CODE = re.compile(r"[\x20-\x7e]{1,2048}")


class SignInRefused(Exception):  # noqa: N818  (it is the sign-in that is refused)
    """Why a sign-in was not completed, as the operator is told."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """One sign-in that a browser began; `verifier` proves to the issuer that it was ours."""

    state: str
    nonce: str
    verifier: str
    next: str


@dataclass(frozen=True, slots=True)
class Step:
    """Where a browser is sent, and the cookies that it is given."""

    location: str
    cookies: tuple[Cookie, ...]
    operator: Operator | None = None


class Ended:
    """What was used up or signed out, until it could not be used anyway."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._until: dict[str, float] = {}

    def add(self, name: str, until: float, now: float) -> bool:
        """Note that it is over; False where it was already."""
        for old in [n for n, t in self._until.items() if t <= now]:
            del self._until[old]
        if name in self._until:
            return False
        while len(self._until) >= MOST_ENDED:
            del self._until[next(iter(self._until))]
        self._until[name] = until
        return True

    def __contains__(self, name: str) -> bool:
        """Return whether it is over."""
        return name in self._until


class SignIn:
    """Begins, completes and ends the sessions of one issuer's operators."""

    def __init__(self, access: Access, issuer: Issuer, now: Callable[[], float]) -> None:
        """Sign in with this issuer; `now` is in seconds since 1970."""
        self.access = access
        self.issuer = issuer
        self._now = now
        key = access.cookie_key or new_key()
        bound = f"{issuer.oidc.issuer} {issuer.oidc.client_id}"
        self._under_way = Seal(key, f"sign-in {bound}", SIGN_IN_SECONDS)
        self._sessions = Seal(key, f"session {bound}", SESSION_SECONDS)
        self._ended = Ended()
        # Cookies know no port: another Mission Control on this host has its own.
        prefix = "__Host-" if access.secure else ""
        port = urlsplit(access.public).port or (443 if access.secure else 80)
        self.cookie = f"{prefix}mission-control-{port}"

    @property
    def redirect(self) -> str:
        """Return the address that the issuer leads back to; it has to be registered there."""
        return f"{self.access.public}{CALLBACK}"

    async def begin(self, cookies: Mapping[str, str], wanted: str) -> Step:
        """Send a browser to the issuer; raises IssuerFailed."""
        begun = UnderWay(
            secrets.token_urlsafe(32),
            secrets.token_urlsafe(32),
            secrets.token_urlsafe(48),
            own_path(wanted),
        )
        location = await self.issuer.where_to_sign_in(
            {
                "response_type": "code",
                "redirect_uri": self.redirect,
                "state": begun.state,
                "nonce": begun.nonce,
                "code_challenge": challenge_of(begun.verifier),
                "code_challenge_method": "S256",
            }
        )
        content = orjson.dumps([begun.state, begun.nonce, begun.verifier, begun.next])
        sealed = self._under_way.seal(content, self._now())
        older = [name for name in cookies if name.startswith(f"{self.cookie}-")]
        dropped = older if len(older) >= MOST_UNDER_WAY else []
        name = self._name_of(begun.state)
        made = self._set(name, sealed, SIGN_IN_SECONDS)
        return Step(location, (*(self._set(n, "", 0) for n in dropped), made))

    async def complete(self, cookies: Mapping[str, str], told: Mapping[str, str]) -> Step:
        """
        Take the issuer's answer, and begin a session.

        Raises SignInRefused, TokenRefused or IssuerFailed; the sign-in is over all the same.
        """
        begun = self._begun(cookies, told.get("state", ""))
        if "error" in told:
            why = re.sub(r"[^a-z_]", "", told["error"])[:40] or "an error"
            raise SignInRefused(f"The issuer answers {why}.")
        code = told.get("code", "")
        if not _CODE.fullmatch(code):
            raise SignInRefused("The issuer's answer has no code.")
        claims = await self.issuer.exchange(
            code, begun.verifier, self.redirect, begun.nonce, told.get("iss", "")
        )
        operator = operator_in(claims, self.issuer.oidc)
        content = orjson.dumps([operator.name, operator.subject, secrets.token_urlsafe(16)])
        session = self._set(self.cookie, self._sessions.seal(content, self._now()), SESSION_SECONDS)
        ended = self._set(self._name_of(begun.state), "", 0)
        return Step(begun.next, (session, ended), operator)

    def _begun(self, cookies: Mapping[str, str], state: str) -> UnderWay:
        """Return the sign-in that this browser began with this state, once."""
        sealed = cookies.get(self._name_of(state), "")
        opened = self._under_way.open(sealed, self._now()) if sealed else None
        begun = None if opened is None else UnderWay(*orjson.loads(opened))
        if begun is None or not hmac.compare_digest(begun.state.encode(), state.encode()):
            raise SignInRefused(
                "It was not begun in this browser within the last ten minutes,"
                " or the browser keeps no cookie of ours."
            )
        now = self._now()
        if not self._ended.add(f"state {begun.state}", now + SIGN_IN_SECONDS, now):
            raise SignInRefused("It was completed already: each sign-in counts once.")
        return begun

    def operator(self, cookies: Mapping[str, str]) -> Operator | None:
        """Return whose session a request belongs to; None where there is none, or it is over."""
        session = self._session(cookies)
        if session is None or f"session {session[2]}" in self._ended:
            return None
        return Operator(session[0], session[1], may_sign_out=True)

    def end(self, cookies: Mapping[str, str]) -> tuple[Cookie, ...]:
        """End a session, here and in the browser: a copy of its cookie is worth nothing either."""
        session = self._session(cookies)
        if session is not None:
            now = self._now()
            self._ended.add(f"session {session[2]}", now + SESSION_SECONDS, now)
        return (self._set(self.cookie, "", 0),)

    def _session(self, cookies: Mapping[str, str]) -> list[str] | None:
        sealed = cookies.get(self.cookie, "")
        opened = self._sessions.open(sealed, self._now()) if sealed else None
        return None if opened is None else orjson.loads(opened)

    def _name_of(self, state: str) -> str:
        return f"{self.cookie}-{hashlib.sha256(state.encode()).hexdigest()[:8]}"

    def _set(self, name: str, value: str, seconds: int) -> Cookie:
        return cookie(name, value, seconds, secure=self.access.secure)


def challenge_of(verifier: str) -> str:
    """Return what PKCE shows of a verifier (S256)."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def own_path(wanted: str) -> str:
    """Return a path of ours to go on to; whatever could lead elsewhere becomes the Floor."""
    path = wanted.partition("?")[0]
    plain = len(wanted) <= MAX_NEXT and _PLAIN_PATH.fullmatch(wanted) is not None
    return wanted if plain and path not in {SIGN_IN, CALLBACK, SIGN_OUT} else "/"


def operator_in(claims: Claims, oidc: Oidc) -> Operator:
    """Return the operator that a token names; raises SignInRefused, TokenRefused."""
    if oidc.groups:
        told = claims.all.get("groups")
        groups = cast("list[Any]", told) if isinstance(told, list) else [told]
        if not any(group in oidc.groups for group in groups if isinstance(group, str)):
            raise SignInRefused("You are in none of the groups that may see these pages.")
    name = claims.all.get(oidc.name_claim)
    if oidc.name_claim == "email" and claims.all.get("email_verified") is not True:
        name = None  # anyone can claim an address that no one verified
    shown = clean_name(name) if isinstance(name, str) else ""
    shown = shown or clean_name(claims.subject)
    if not shown:
        raise TokenRefused("it names no one")
    return Operator(shown, clean_name(claims.subject), may_sign_out=True)
