"""Whether a request is answered: who asks, what they may read, how often, and over what line."""

import hashlib
import hmac
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from math import ceil
from typing import cast
from urllib.parse import unquote_to_bytes

from mission_control.access.model import (
    Allowance,
    HeldKeys,
    IssuerRules,
    KeyStep,
    Reader,
    Refusal,
    Scope,
    StaticToken,
)

OPEN_PATHS = frozenset({"/healthz", "/health", "/livez"})
"""Answered to everyone, and under any Host: an orchestrator checks our health by address."""
_METRICS = frozenset({"/metrics", "/ops/metrics"})
_TWIN = frozenset({"/ops/status", "/api/v1/posture"})

TOKEN_MARK = "mctl_"  # noqa: S105  (how a token of ours begins, so that it is known where it leaks)
SKEW_SECONDS = 60.0
"""An issuer's clock and ours may differ by so much."""
_MAX_INSTANT = 32_503_680_000
"""The year 3000, in seconds."""
MAX_CREDENTIAL = 8 * 1024
MAX_OPERATOR = 128

RENEW_SECONDS = 300.0
"""Keys of the issuer are read again when they are older."""
RETRY_SECONDS = 30.0
"""The issuer is asked no more often than this, whatever tokens arrive."""
KEEP_SECONDS = 3600.0
"""Keys that could not be read again for so long prove nothing any more."""

_LOGGED_PLACES = (
    "/api/v1/evidence",
    "/api/v1/artifacts",
    "/api/v1/replays",
    "/api/v1/reports",
    "/api/v1/readiness",
    "/api/v1/lkg",
    "/api/v1/attestation",
)

_REALM = 'Bearer realm="mission-control"'
ANYONE = Reader("", "")


def scopes_for(path: str) -> frozenset[Scope]:
    """Return the scopes of which any one suffices to read a path; none are needed for health."""
    if path in OPEN_PATHS:
        return frozenset()
    if path in _METRICS:
        return frozenset({Scope.READER, Scope.METRICS})
    if path in _TWIN:
        return frozenset({Scope.READER, Scope.TWIN})
    return frozenset({Scope.READER})


def is_evidence(path: str) -> bool:
    """Return whether a path gives what was recorded: who read it is logged in any case."""
    return any(
        path == place or path.startswith((f"{place}/", f"{place}.")) for place in _LOGGED_PLACES
    )


def denied(code: str, detail: str, error: str = "invalid_token") -> Refusal:
    """Return the refusal of a credential (RFC 6750); `error` is empty where there was none."""
    challenge = f'{_REALM}, error="{error}", error_description="{detail}"' if error else _REALM
    title = "It is not known who asks"
    return Refusal(401, code, title, detail, {"www-authenticate": challenge})


NO_CREDENTIAL = denied("no_credential", "send Authorization: Bearer TOKEN", "")


def credential_of(values: Sequence[bytes]) -> str | Refusal:
    """Return the bearer token of the Authorization headers of a request."""
    if not values:
        return NO_CREDENTIAL
    scheme, _, token = values[0].decode("latin-1").strip().partition(" ")
    token = token.strip()
    if len(values) > 1 or scheme.casefold() != "bearer" or not token or not token.isascii():
        what = "one Authorization header is read, with Bearer and a token"
        return denied("bad_credential", what, "invalid_request")
    if len(token) > MAX_CREDENTIAL:
        return denied("bad_credential", f"a token has at most {MAX_CREDENTIAL} bytes")
    return token


def digest_of(token: str) -> str:
    """Return the SHA-256 in hex by which the file knows a token: it is 256 bits of chance."""
    return hashlib.sha256(token.encode()).hexdigest()


def judge_static(token: str, known: Iterable[StaticToken], now: datetime) -> Reader | Refusal:
    """Find whose token it is; each is compared whole, so that time tells nothing of any."""
    digest, found = digest_of(token), list[StaticToken]()
    for each in known:
        if hmac.compare_digest(digest, each.digest):
            found.append(each)
    if not found:
        return denied("unknown_token", "this token is none that is known here")
    mine = found[0]
    if mine.revoked:
        return denied("token_revoked", "this token was revoked")
    if mine.expires is not None and now >= mine.expires:
        return denied("token_expired", "this token has expired")
    return Reader(mine.name, "token", mine.scopes, until=mine.expires)


def judge_claims(
    claims: Mapping[str, object], rules: IssuerRules, now: datetime
) -> Reader | Refusal:
    """Say who asks by the claims of a token whose signature was found to be the issuer's."""
    wrong = _wrong_claim(claims, rules) or _wrong_time(claims, now.timestamp())
    if wrong is not None:
        return wrong
    given = frozenset(
        rules.scopes[w] for w in _words(claims, rules.scope_claim) if w in rules.scopes
    )
    named = (claims.get("preferred_username"), claims.get("email"), claims.get("name"))
    person = next((_shown(text) for text in named if isinstance(text, str) and text), "")
    until = cast("float", claims["exp"]) + SKEW_SECONDS
    return Reader(
        _shown(str(claims["sub"])), "oidc", given, person, until=datetime.fromtimestamp(until, UTC)
    )


def _wrong_claim(claims: Mapping[str, object], rules: IssuerRules) -> Refusal | None:
    audience = claims.get("aud")
    held = cast("list[object]", audience) if isinstance(audience, list) else [audience]
    subject = claims.get("sub")
    if claims.get("iss") != rules.issuer:
        return denied("wrong_issuer", "this token is of another issuer")
    if rules.audience not in held:
        return denied("wrong_audience", "this token is for another audience")
    if not isinstance(subject, str) or not subject:
        return denied("bad_token", "this token has no subject")
    return None


def _wrong_time(claims: Mapping[str, object], now: float) -> Refusal | None:
    ends = _instant(claims, "exp")
    if ends is None:
        return denied("bad_token", "this token does not say when it expires")
    if now >= ends + SKEW_SECONDS:
        return denied("token_expired", "this token has expired")
    for name in ("nbf", "iat"):
        begins = _instant(claims, name)
        if begins is None and name in claims:
            return denied("bad_token", f"{name} of this token is no instant")
        if begins is not None and begins > now + SKEW_SECONDS:
            return denied("token_not_yet_valid", "this token is not valid yet")
    return None


def _instant(claims: Mapping[str, object], name: str) -> float | None:
    """Return seconds since the epoch, within what an instant can be; None for anything else."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < _MAX_INSTANT else None


def _words(claims: Mapping[str, object], path: str) -> list[str]:
    """Return the words of the claim that says what a token may; none for anything unreadable."""
    value: object = claims.get(path)
    if value is None:
        value = claims
        for name in path.split("."):
            value = _below(value, name)
    if isinstance(value, str):
        return value.split()
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [item for item in items if isinstance(item, str)]


def _below(value: object, name: str) -> object:
    is_part = isinstance(value, dict)
    return cast("Mapping[str, object]", value).get(name) if is_part else None


def _shown(text: str) -> str:
    """Return a name as it may be logged: printable, and not at length."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)[
        :MAX_OPERATOR
    ]


def allowed(reader: Reader, path: str) -> Refusal | None:
    """Return why a reader may not read a path; None where they may."""
    enough = scopes_for(path)
    if not enough or enough & reader.scopes:
        return None
    names = " or ".join(sorted(enough))
    scope = " ".join(sorted(enough))
    challenge = f'{_REALM}, error="insufficient_scope", scope="{scope}"'
    title = "This token may not read this"
    headers = {"www-authenticate": challenge}
    return Refusal(403, "insufficient_scope", title, f"it needs the scope {names}", headers)


def operator_of(values: Sequence[bytes], reader: Reader) -> str | Refusal:
    """
    Return for whom a reader asks; empty for no one, and where it may not say so.

    The header is UTF-8 in percent-encoding.
    """
    if not values or Scope.OPERATOR not in reader.scopes:
        return ""
    name = ""
    if len(values) == 1 and len(values[0]) <= 12 * MAX_OPERATOR:
        try:
            name = unquote_to_bytes(values[0]).decode().strip()
        except UnicodeDecodeError:
            name = ""
    if not name or not name.isprintable() or len(name) > MAX_OPERATOR:
        title = "The name of the operator cannot be understood"
        detail = f"X-Mission-Control-Operator is 1 to {MAX_OPERATOR} characters, percent-encoded"
        return Refusal(400, "bad_operator", title, detail)
    return name


def address_of(client: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return an address; an IPv4 one within IPv6 is itself, and None is no address at all."""
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def is_loopback(client: str) -> bool:
    """Return whether a client is on this machine."""
    address = address_of(client)
    return address is not None and address.is_loopback


def client_key(client: str) -> str:
    """Return under what name requests are counted: an IPv6 network of 64 bits is one client."""
    address = address_of(client)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((address, 64), strict=False))
    return str(address) if address is not None else "unknown"


def line_refusal(scheme: str, path: str, *, local: bool) -> Refusal | None:
    """Return why a request is refused for what it came over; its token may have been seen."""
    if scheme == "https" or local or path in OPEN_PATHS:
        return None
    title = "This did not come over an encrypted line"
    detail = "come through the proxy over https, which says so in X-Forwarded-Proto, or use TLS"
    return Refusal(403, "not_encrypted", title, detail)


def spend(
    allowance: Allowance | None, now: float, a_minute: int
) -> tuple[Allowance, Refusal | None]:
    """Take one request of what a client may make; a sixth of a minute's may come at once."""
    most, a_second = max(1.0, a_minute / 6), a_minute / 60
    held = most
    if allowance is not None:
        held = min(most, allowance.left + max(0.0, now - allowance.at) * a_second)
    if held >= 1:
        return Allowance(held - 1, now), None
    wait = ceil((1 - held) / a_second)
    title = "This client asks too often"
    detail = f"one client may ask {a_minute} times a minute"
    headers = {"retry-after": str(wait), "connection": "close"}
    refused = 1 + (allowance.refused if allowance is not None else 0)
    refusal = Refusal(429, "too_many_requests", title, detail, headers)
    return Allowance(held, now, refused), refusal


def key_step(held: HeldKeys, now: float, *, knows_key: bool) -> KeyStep:
    """
    Say what to do before a token is checked.

    Keys are read again once they are five minutes old, or a token names one that is not held, but
    no more often than every half minute; after an hour without that they prove nothing.
    """
    age = None if held.read_at is None else now - held.read_at
    may_read = held.tried_at is None or now - held.tried_at >= RETRY_SECONDS
    if may_read and (age is None or age >= RENEW_SECONDS or not knows_key):
        return KeyStep.READ
    return KeyStep.REFUSE if age is None or age >= KEEP_SECONDS else KeyStep.USE


def issuer_silent(detail: str) -> Refusal:
    """Return the refusal while no key of the issuer can be had: no one is believed unseen."""
    title = "The issuer's keys cannot be read, so no one is known"
    headers = {"retry-after": str(int(RETRY_SECONDS))}
    return Refusal(503, "issuer_unreachable", title, detail, headers)
