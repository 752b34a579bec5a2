"""The issuer of OIDC tokens: its keys, read with GET, and tokens checked with them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
import jwt
import orjson
from jwt.types import Options

from mission_control.access.decide import (
    denied,
    is_loopback,
    issuer_silent,
    judge_claims,
    key_step,
)
from mission_control.access.model import HeldKeys, IssuerRules, KeyStep, Reader, Refusal
from mission_control.errors import MissionControlError

TOTAL_SECONDS = 5.0
"""Discovery and keys together are read within this."""
MAX_KEYS = 64
MIN_RSA_BITS = 2048
_DISCOVERY = "/.well-known/openid-configuration"
_KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_ONLY_SIGNATURE: Options = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
"""The claims are judged by our clock, in `decide`."""


class IssuerTroubleError(Exception):
    """What the issuer answers cannot be used; its text says why."""


@dataclass
class IssuerKeys:
    """
    Checks tokens with the keys of one issuer, which are read when they are needed and kept.

    `transport` sends nothing but GET, follows nothing, and caps what it reads. Belongs to one
    event loop, whose clock says how old the keys are.
    """

    rules: IssuerRules
    transport: httpx.AsyncBaseTransport
    trouble: str = "they were never read"
    _keys: tuple[Mapping[str, Any], ...] = ()
    _held: HeldKeys = field(default_factory=HeldKeys)
    _reading: "asyncio.Task[None] | None" = None

    async def judge(self, token: str, now: datetime) -> Reader | Refusal:
        """Say who asks by a token; refused where no key of the issuer can be had to check it."""
        header = self._header(token)
        if isinstance(header, Refusal):
            return header
        knows_key = bool(self._candidates(header))
        step = key_step(self._held, _loop_time(), knows_key=knows_key)
        is_read_now = self._reading is not None and not self._reading.done()
        waits = is_read_now and (step is KeyStep.REFUSE or not knows_key)
        if step is KeyStep.READ or waits:
            await self._read()
            step = key_step(self._held, _loop_time(), knows_key=True)
        if step is not KeyStep.USE:
            return issuer_silent(self.trouble)
        return self._judge(token, header, now)

    def _header(self, token: str) -> Mapping[str, Any] | Refusal:
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, RecursionError):  # JSON that is nested too deep
            return denied("bad_token", "this is no signed token")
        if header.get("alg") not in self.rules.algorithms:
            return denied("bad_token", "this token is signed in a way that is not accepted")
        return header

    def _judge(self, token: str, header: Mapping[str, Any], now: datetime) -> Reader | Refusal:
        candidates = self._candidates(header)
        if len(candidates) != 1:  # without a name, only a single key can be meant
            return denied("unknown_key", "this token is signed with a key that the issuer lacks")
        algorithm = str(header["alg"])
        try:
            key = jwt.PyJWK(dict(candidates[0]), algorithm).key
            claims = jwt.decode(token, key, [algorithm], _ONLY_SIGNATURE)
        except (jwt.PyJWTError, RecursionError):
            return denied("bad_token", "this token is not as the issuer signed it")
        return judge_claims(claims, self.rules, now)

    def _candidates(self, header: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        kid, algorithm = header.get("kid"), str(header["alg"])
        return [
            key for key in self._keys if _fits(key, algorithm) and kid in {None, key.get("kid")}
        ]

    async def _read(self) -> None:
        """Read the keys once for all that wait; a client that leaves stops it for none."""
        if self._reading is None or self._reading.done():
            self._held = replace(self._held, tried_at=_loop_time())
            self._reading = asyncio.create_task(self._read_whole())
        await asyncio.shield(self._reading)

    async def _read_whole(self) -> None:
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                keys = await self._fetch()
        except IssuerTroubleError as error:
            self.trouble = str(error)
        except TimeoutError:
            self.trouble = f"there was no whole answer within {TOTAL_SECONDS:g} s"
        except orjson.JSONDecodeError:
            self.trouble = "the issuer answered with no JSON, or with too much"
        except (httpx.HTTPError, OSError, ValueError, MissionControlError) as error:
            self.trouble = f"{type(error).__name__} when they were read"
        else:
            self._keys, self.trouble = keys, ""
            self._held = replace(self._held, read_at=_loop_time())

    async def _fetch(self) -> tuple[Mapping[str, Any], ...]:
        described = await self._get(self.rules.issuer.rstrip("/") + _DISCOVERY)
        if described.get("issuer") != self.rules.issuer:
            raise IssuerTroubleError("the issuer calls itself by another name")
        place = described.get("jwks_uri")
        if not isinstance(place, str) or not is_safe_address(place):
            raise IssuerTroubleError("the issuer names no https address of its keys")
        listed = (await self._get(place)).get("keys")
        if not isinstance(listed, list) or not listed:
            raise IssuerTroubleError("the issuer lists no keys")
        items = cast("list[object]", listed)[:MAX_KEYS]
        return tuple(cast("Mapping[str, Any]", key) for key in items if isinstance(key, dict))

    async def _get(self, url: str) -> Mapping[str, object]:
        headers = {"accept": "application/json", "host": urlsplit(url).netloc}
        request = httpx.Request("GET", url, headers=headers)
        response = await self.transport.handle_async_request(request)
        try:
            body = await response.aread()
        finally:
            await response.aclose()
        if response.status_code != HTTPStatus.OK:
            raise IssuerTroubleError(f"the issuer answered {response.status_code}")
        document = orjson.loads(body)
        if not isinstance(document, dict):
            raise IssuerTroubleError("the issuer answered with no JSON object")
        return cast("Mapping[str, object]", document)


def is_safe_address(url: str) -> bool:
    """Return whether an address is https, or http on this machine's loopback."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.username or parts.password or not host:
        return False
    local = host == "localhost" or is_loopback(host)
    return parts.scheme == "https" or (parts.scheme == "http" and local)


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    """Return whether a listed key may check signatures of an algorithm; secrets never do."""
    fits = (
        key.get("kty") == _KEY_TYPES[algorithm[:2]]
        and key.get("use") in {None, "sig"}
        and key.get("alg") in {None, algorithm}
        and key.get("crv") == _CURVES.get(algorithm, key.get("crv"))
    )
    if key.get("kty") != "RSA":
        return fits
    modulus = str(key.get("n", "")).rstrip("=")
    return fits and len(modulus) * 6 >= MIN_RSA_BITS


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
