"""Tokens of a real issuer on loopback: its keys, their rotation, and every way to be wrong."""

import asyncio
import base64
import json
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import jwt
import pytest

from mission_control.access import issuer as of_issuer
from mission_control.access.issuer import IssuerKeys, is_safe_address
from mission_control.access.model import HeldKeys, IssuerRules, Reader, Refusal, Scope
from mission_control.bootstrap.clock import real_clock
from mission_control.probe.transport import Transports, open_transports
from tests.oidc_issuer import DISCOVERY, Issuer, SigningKey, oidc_issuer

pytestmark = pytest.mark.anyio

RSA, EC, ED = (
    SigningKey.new("rsa-1"),
    SigningKey.new("ec-1", "ES256"),
    SigningKey.new("ed-1", "EdDSA"),
)


@contextmanager
def served(*keys: SigningKey):
    """Serve an issuer with these keys."""
    with oidc_issuer(*keys or (RSA, EC)) as issuer:
        yield issuer


def rules(issuer: Issuer) -> IssuerRules:
    """Return what is believed of it."""
    return IssuerRules(
        issuer.url,
        "mission-control",
        ("RS256", "ES256", "EdDSA"),
        "scope",
        {"mission-control.reader": Scope.READER},
    )


@pytest.fixture
async def transports():
    """Return the guarded transports."""
    async with open_transports() as opened:
        yield opened


def keys_of(issuer: Issuer, transports: Transports) -> IssuerKeys:
    """Return what checks tokens of this issuer."""
    return IssuerKeys(rules(issuer), transports.for_agent(None))


def code_of(judged) -> str:
    """Return the code of a refusal; the subject of a reader."""
    return judged.code if isinstance(judged, Refusal) else judged.name


async def test_signed_tokens_are_believed(transports):
    """RSA, EC and Ed25519 signatures by keys that the issuer lists make readers (R16.4)."""
    with served(RSA, EC, ED) as issuer:
        keys = keys_of(issuer, transports)
        for key in (RSA, EC, ED):
            judged = await keys.judge(issuer.token(key=key), real_clock())
            assert isinstance(judged, Reader)
            assert ("u-4711", {Scope.READER}) == (judged.name, judged.scopes)

        assert {DISCOVERY: 1, "/jwks": 1} == issuer.asked


def unsigned(token: str, header: dict[str, object], signature: str = "") -> str:
    """Return the token with another header and signature."""
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return f"{head}.{token.split('.')[1]}.{signature}"


async def test_forged_tokens_are_refused(transports):
    """No signature, a secret's, another's, and an altered claim are 401 (R16.4)."""
    with served() as issuer:
        keys = keys_of(issuer, transports)
        good = issuer.token(key=RSA)
        by_secret = jwt.encode({"sub": "x"}, "k" * 64, "HS256", headers={"kid": "rsa-1"})
        head, claims, signature = good.split(".")
        other = issuer.token(sub="admin").split(".")[1]
        deep = base64.urlsafe_b64encode(b"[" * 5000).rstrip(b"=").decode()
        forged = {
            "none": unsigned(good, {"alg": "none", "kid": "rsa-1"}),
            "a secret": by_secret,
            "another's key": issuer.token(key=SigningKey.new("rsa-1")),
            "another claim": f"{head}.{other}.{signature}",
            "no text": "a.b.c",
            "two parts": f"{head}.{claims}",
            "a header without end": f"{deep}.{claims}.{signature}",
            "RSA's key for EC": unsigned(good, {"alg": "ES256", "kid": "rsa-1"}, signature),
            "PS256, which is not allowed": unsigned(good, {"alg": "PS256", "kid": "rsa-1"}),
        }
        told = {
            why: code_of(await keys.judge(token, real_clock())) for why, token in forged.items()
        }

        assert "u-4711" == code_of(await keys.judge(good, real_clock()))
        assert {
            **dict.fromkeys(forged, "bad_token"),
            "RSA's key for EC": "unknown_key",
        } == told


async def test_a_secret_that_is_listed_is_no_key(transports):
    """A symmetric key in the list, a short RSA key and one for encryption check nothing (R16.4)."""
    with served(RSA) as issuer:
        secret = {"kty": "oct", "kid": "rsa-1", "k": "c2VjcmV0"}
        weak = {**RSA.public(), "n": RSA.public()["n"][:170]}
        for listed in (secret, weak, {**RSA.public(), "use": "enc"}):
            document = json.dumps({"keys": [listed]}).encode()
            issuer.answers["/jwks"] = (200, "application/json", document)
            judged = await keys_of(issuer, transports).judge(issuer.token(), real_clock())
            assert "unknown_key" == code_of(judged)


async def test_a_token_without_a_key_name_means_the_only_key(transports):
    """Without a name the one key that fits is meant; of two none is guessed."""
    with served(RSA) as issuer:
        token = issuer.token(headers={"kid": None})
        assert "u-4711" == code_of(await keys_of(issuer, transports).judge(token, real_clock()))
        issuer.published = [RSA, SigningKey.new("rsa-2")]
        assert "unknown_key" == code_of(
            await keys_of(issuer, transports).judge(token, real_clock())
        )


async def test_rotated_keys_are_found_and_old_ones_forgotten(transports):
    """A new key is read for, at most once in 30 s; tokens of the one before end with it (R16.5)."""
    with served(RSA) as issuer:
        keys = keys_of(issuer, transports)
        before = issuer.token()
        assert "u-4711" == code_of(await keys.judge(before, real_clock()))
        issuer.rotate("rsa-2")
        after = issuer.token()

        assert "unknown_key" == code_of(await keys.judge(after, real_clock()))
        assert 1 == issuer.asked["/jwks"]
        make_older(keys, 30.1)
        told = await asyncio.gather(*(keys.judge(after, real_clock()) for _ in range(20)))
        assert {"u-4711"} == set(map(code_of, told))
        assert 2 == issuer.asked["/jwks"]
        assert "unknown_key" == code_of(await keys.judge(before, real_clock()))


def make_older(keys: IssuerKeys, seconds: float) -> None:
    """Let so many seconds pass for the keys."""
    held = keys._held  # noqa: SLF001  (its clock is the loop's, which no test waits for)
    read_at = None if held.read_at is None else held.read_at - seconds
    tried_at = None if held.tried_at is None else held.tried_at - seconds
    keys._held = HeldKeys(read_at, tried_at)  # noqa: SLF001


async def test_an_issuer_that_falls_silent_is_believed_for_an_hour(transports):
    """Its keys serve on while it is silent, then no one is known until it answers (R16.5)."""
    with served(RSA) as issuer:
        keys = keys_of(issuer, transports)
        token = issuer.token()
        assert "u-4711" == code_of(await keys.judge(token, real_clock()))
        issuer.answers["/jwks"] = (500, "text/plain", b"broken")
        make_older(keys, 3000)
        assert "u-4711" == code_of(await keys.judge(token, real_clock()))
        make_older(keys, 700)
        judged = await keys.judge(token, real_clock())
        assert (503, "issuer_unreachable", "the issuer answered 500") == (
            getattr(judged, "status", 0),
            code_of(judged),
            getattr(judged, "detail", ""),
        )
        del issuer.answers["/jwks"]
        make_older(keys, 31)
        assert "u-4711" == code_of(await keys.judge(token, real_clock()))


BROKEN = {
    "no JSON": (200, "application/json", b"{"),
    "a list": (200, "application/json", b"[]"),
    "no keys": (200, "application/json", b'{"keys": []}'),
    "too much": (200, "application/json", b'{"keys": [' + b'"a",' * 20_000 + b'"a"]}'),
    "deep": (200, "application/json", b"[" * 60_000),
    "a redirect": (302, "text/plain", b""),
}


@pytest.mark.parametrize("path", ["/jwks", DISCOVERY])
@pytest.mark.parametrize("how", BROKEN)
async def test_what_cannot_be_read_is_no_key(transports, path, how):
    """Each wrong answer of the issuer is 503 with a reason, and no exception (R16.5)."""
    with served(RSA) as issuer:
        issuer.answers[path] = BROKEN[how]
        judged = await keys_of(issuer, transports).judge(issuer.token(), real_clock())

        assert "issuer_unreachable" == code_of(judged)
        assert getattr(judged, "detail", "")


async def test_an_issuer_that_hangs_holds_up_for_its_deadline_only(transports, monkeypatch):
    """Discovery and keys have one deadline together (R16.5)."""
    monkeypatch.setattr(of_issuer, "TOTAL_SECONDS", 0.2)
    with served(RSA) as issuer:
        issuer.hangs.add("/jwks")
        judged = await keys_of(issuer, transports).judge(issuer.token(), real_clock())

        assert "there was no whole answer within 0.2 s" == getattr(judged, "detail", "")


async def test_no_issuer_there_is_no_permission(transports):
    """An issuer that does not listen is 503 (R16.5)."""
    with served(RSA) as issuer:
        token = issuer.token()
        nowhere = replace(rules(issuer), issuer="http://127.0.0.1:9")
    keys = IssuerKeys(nowhere, transports.for_agent(None))
    judged = await keys.judge(token, real_clock())

    assert "issuer_unreachable" == code_of(judged)


async def test_discovery_must_be_the_issuers_own(transports):
    """Another name in discovery, or keys at an address that is not safe, are not followed."""
    with served(RSA) as issuer:
        issuer.said_issuer = "https://evil.example.com"
        first = await keys_of(issuer, transports).judge(issuer.token(), real_clock())
        document = {"issuer": issuer.url, "jwks_uri": "http://10.0.0.1/jwks"}
        issuer.answers[DISCOVERY] = (200, "application/json", json.dumps(document).encode())
        second = await keys_of(issuer, transports).judge(issuer.token(), real_clock())

        assert [
            "the issuer calls itself by another name",
            "the issuer names no https address of its keys",
        ] == [getattr(judged, "detail", "") for judged in (first, second)]


async def test_the_keys_are_read_with_get_alone(transports):
    """What is read of the issuer is counted by the guard that proves that we only read (R10.1)."""
    with served(RSA) as issuer:
        await keys_of(issuer, transports).judge(issuer.token(), real_clock())

        assert [{"GET": 2}] == [dict(each.sent) for each in transports.opened()]


async def test_time_is_ours(transports):
    """A token of a real issuer expires by the clock that is handed in (R16.4)."""
    with served(RSA) as issuer:
        token = issuer.token(now=datetime(2026, 1, 1, tzinfo=UTC).timestamp())
        keys = keys_of(issuer, transports)

        assert "u-4711" == code_of(
            await keys.judge(token, datetime(2026, 1, 1, 0, 5, 59, tzinfo=UTC))
        )
        assert "token_expired" == code_of(
            await keys.judge(token, datetime(2026, 1, 1, 0, 6, tzinfo=UTC))
        )


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("https://login.example.com/keys", True),
        ("http://127.0.0.1:80/keys", True),
        ("http://localhost/keys", True),
        ("http://login.example.com/keys", False),
        ("https://me:secret@login.example.com/keys", False),
        ("file:///etc/passwd", False),
        ("https://[::1/", False),
        ("", False),
    ],
)
def test_keys_are_read_over_https_alone(url, is_safe):
    """Plain http serves on loopback alone."""
    assert is_safe is is_safe_address(url)
