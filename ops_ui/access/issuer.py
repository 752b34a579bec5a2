"""
Speaks with the issuer. The exchange of a code is the one request of the pages that is a POST.

Everything has a deadline and a limit in bytes, no redirect is followed, and what the issuer answers
is believed only as far as OpenID Connect lets us check it.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlencode

import httpx
import jwt
import orjson

from ops_ui.access.id_token import Claims, KeyUnknown, TokenRefused, read_id_token, read_keys
from ops_ui.access.secret_file import SecretFile, SecretUnusable
from ops_ui.access.settings import Oidc
from ops_ui.setting_texts import BadSetting, is_private, read_address

SECONDS = 8.0
"""The whole of one sign-in's questions to the issuer."""
KEPT_SECONDS = 3600.0
MAX_BYTES = 256 * 1024
_OK = 200


class IssuerFailed(Exception):  # noqa: N818  (it is the issuer that failed)
    """Why the issuer is no help now; nothing secret is in it."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What the issuer says of itself."""

    authorization: str
    token: str
    keys: str
    secret_in_body: bool
    names_itself: bool


class Issuer:
    """The issuer of one client; what it says of itself and its keys are kept for an hour."""

    def __init__(self, oidc: Oidc, client: httpx.AsyncClient, seconds: Callable[[], float]) -> None:
        """Ask through this client; `seconds` never step back."""
        self.oidc = oidc
        self._client = client
        self._seconds = seconds
        self._endpoints: Endpoints | None = None
        self._keys: jwt.PyJWKSet | None = None
        self._endpoints_until = self._keys_until = 0.0

    @property
    def posted_to(self) -> str:
        """Return the one address that is posted to, or whose it will be."""
        known = self._endpoints
        return known.token if known else f"the token endpoint of {self.oidc.issuer}"

    async def aclose(self) -> None:
        """Close every connection to it."""
        await self._client.aclose()

    async def where_to_sign_in(self, asked: Mapping[str, str]) -> str:
        """Return the address that a browser is sent to; raises IssuerFailed."""
        async with _in_time():
            endpoints = await self._ask_endpoints()
        query = urlencode({"client_id": self.oidc.client_id, "scope": self.oidc.scopes, **asked})
        mark = "&" if "?" in endpoints.authorization else "?"
        return f"{endpoints.authorization}{mark}{query}"

    async def exchange(
        self, code: str, verifier: str, redirect: str, nonce: str, told_issuer: str
    ) -> Claims:
        """
        Turn a code into what its ID token says; raises IssuerFailed or TokenRefused.

        `told_issuer` is the issuer that the answer names (RFC 9207): another one's code is never
        sent to ours.
        """
        async with _in_time():
            endpoints = await self._ask_endpoints()
            if told_issuer != self.oidc.issuer if told_issuer else endpoints.names_itself:
                raise TokenRefused("the answer is not one of our issuer")
            token = await self._ask_token(endpoints, code, verifier, redirect)
            read = (self.oidc.issuer, self.oidc.client_id, nonce)
            known = self._keys is not None and self._seconds() < self._keys_until
            try:
                return read_id_token(token, await self._ask_keys(endpoints), *read)
            except KeyUnknown:
                if not known:
                    raise
            self._keys_until = 0.0  # it may have new keys
            return read_id_token(token, await self._ask_keys(endpoints), *read)

    async def _ask_endpoints(self) -> Endpoints:
        if self._endpoints is None or self._seconds() >= self._endpoints_until:
            base = self.oidc.issuer.rstrip("/")
            document = await self._json("GET", f"{base}/.well-known/openid-configuration")
            self._endpoints = _endpoints(document, self.oidc)
            self._endpoints_until = self._seconds() + KEPT_SECONDS
        return self._endpoints

    async def _ask_keys(self, endpoints: Endpoints) -> jwt.PyJWKSet:
        if self._keys is None or self._seconds() >= self._keys_until:
            self._keys = read_keys(await self._json("GET", endpoints.keys))
            self._keys_until = self._seconds() + KEPT_SECONDS
        return self._keys

    async def _ask_token(
        self, endpoints: Endpoints, code: str, verifier: str, redirect: str
    ) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": verifier,
        }
        auth = None
        secret = _read(self.oidc.secret)
        if secret and not endpoints.secret_in_body:
            auth = httpx.BasicAuth(quote(self.oidc.client_id, safe=""), quote(secret, safe=""))
        else:
            form |= {"client_id": self.oidc.client_id}
            form |= {"client_secret": secret} if secret else {}
        document = await self._json("POST", endpoints.token, data=form, auth=auth)
        token = document.get("id_token")
        if not isinstance(token, str):
            raise IssuerFailed("its answer to the code has no ID token")
        return token

    async def _json(self, method: str, url: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
        try:
            async with self._client.stream(method, url, **more) as answer:
                body = await _body_of(answer)
            self._client.cookies.clear()
        except httpx.HTTPError as error:
            raise IssuerFailed(f"it cannot be reached ({type(error).__name__})") from None
        if answer.status_code != _OK:
            raise IssuerFailed(f"it answers {answer.status_code} to {method} {answer.url.path}")
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            document = None
        if not isinstance(document, dict):
            raise IssuerFailed(f"{answer.url.path} answered something that is no JSON object")
        return cast("dict[str, Any]", document)


@asynccontextmanager
async def _in_time() -> AsyncGenerator[None]:
    """Put one deadline around all questions of a step; being late is the issuer's failure."""
    try:
        async with asyncio.timeout(SECONDS):
            yield
    except TimeoutError:
        raise IssuerFailed(f"it does not answer within {SECONDS:g} s") from None


def _read(secret: SecretFile | None) -> str:
    try:
        return secret.read() if secret is not None else ""
    except SecretUnusable as unusable:
        raise IssuerFailed(f"our client secret cannot be used: {unusable}") from None


async def _body_of(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) > MAX_BYTES:
            raise IssuerFailed(f"{answer.url.path} answers more than {MAX_BYTES // 1024} KiB")
    return bytes(body)


def _endpoints(document: Mapping[str, Any], oidc: Oidc) -> Endpoints:
    if document.get("issuer") != oidc.issuer:
        raise IssuerFailed("it calls itself otherwise: write the issuer exactly as it does")
    methods = document.get("code_challenge_methods_supported")
    if isinstance(methods, list) and "S256" not in methods:
        raise IssuerFailed("it does not support PKCE with S256")
    ways = document.get("token_endpoint_auth_methods_supported")
    in_body = isinstance(ways, list) and "client_secret_post" in ways
    basic = not isinstance(ways, list) or "client_secret_basic" in ways
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    authorization, token, keys = (_address(document, name) for name in names)
    told = document.get("authorization_response_iss_parameter_supported") is True
    return Endpoints(authorization, token, keys, in_body and not basic, told)


def _address(document: Mapping[str, Any], name: str) -> str:
    address = str(document.get(name, ""))
    try:
        read_address(name, address.partition("?")[0])
    except BadSetting:
        raise IssuerFailed(f"its {name} is no address") from None
    if not is_private(address):
        raise IssuerFailed(f"its {name} has no TLS")
    return address


def open_issuer_client(verify: ssl.SSLContext) -> httpx.AsyncClient:
    """Open a client that follows no redirect, keeps no connection and reads no proxy."""
    return httpx.AsyncClient(
        timeout=SECONDS,
        limits=httpx.Limits(max_connections=16, max_keepalive_connections=0),
        trust_env=False,
        follow_redirects=False,
        verify=verify,
        headers={"accept": "application/json", "user-agent": "mission-control-ops-ui"},
    )
