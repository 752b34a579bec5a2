"""
A real OpenID Connect issuer on loopback: discovery, keys, and the code flow with PKCE.

It signs with real RSA and EC keys, checks what a real one checks (client, redirect, verifier, code
used once), and can be hurt: silent, slow, wrong, or with other keys.
"""

import asyncio
import base64
import hashlib
import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from mission_control.bootstrap.clock import real_clock

DISCOVERY = "/.well-known/openid-configuration"
FORM = "application/x-www-form-urlencoded"


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True)
class SigningKey:
    """A key pair under its name, and the algorithm it signs with."""

    kid: str
    algorithm: str
    private: Any

    @classmethod
    def new(cls, kid: str, algorithm: str = "RS256") -> "SigningKey":
        """Make one: RSA for RS and PS, EC for ES256, Ed25519 for EdDSA."""
        if algorithm == "ES256":
            return cls(kid, algorithm, ec.generate_private_key(ec.SECP256R1()))
        if algorithm == "EdDSA":
            return cls(kid, algorithm, ed25519.Ed25519PrivateKey.generate())
        return cls(kid, algorithm, rsa.generate_private_key(65537, 2048))

    def public(self) -> dict[str, Any]:
        """Return its public half as JWKS lists it."""
        of = {"ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}.get(self.algorithm, RSAAlgorithm)
        known = json.loads(of.to_jwk(self.private.public_key()))
        return {**known, "kid": self.kid, "use": "sig", "alg": self.algorithm}


@dataclass
class Client:
    """A client that was registered; without a secret it is a public one."""

    client_id: str
    redirect_uris: tuple[str, ...]
    secret: str | None = None


@dataclass
class Issuer:
    """
    The issuer's state; tests change it while it serves.

    `person` are the claims of who is signed in at `/authorize`, None for one who refuses.
    `asked` counts requests by path. `hangs` are paths that never answer, `answers` replaces what a
    path answers (status, content type, body), `published` the keys that JWKS lists.
    """

    port: int
    keys: list[SigningKey] = field(default_factory=list[SigningKey])
    clients: dict[str, Client] = field(default_factory=dict[str, Client])
    person: dict[str, Any] | None = field(
        default_factory=lambda: {
            "sub": "u-4711",
            "preferred_username": "ada",
            "name": "Ada Álvarez",
            "email": "ada@example.com",
        }
    )
    asked: dict[str, int] = field(default_factory=dict[str, int])
    hangs: set[str] = field(default_factory=set[str])
    answers: dict[str, tuple[int, str, bytes]] = field(
        default_factory=dict[str, tuple[int, str, bytes]]
    )
    lifetime_seconds: int = 300
    access_audience: str = "mission-control"
    access_scope: str = "mission-control.reader"
    said_issuer: str | None = None
    published: list[SigningKey] | None = None
    _codes: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    _access: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    @property
    def url(self) -> str:
        """Return the issuer's own name."""
        return f"http://127.0.0.1:{self.port}"

    def register(self, client_id: str, *redirects: str, secret: str | None = None) -> Client:
        """Register a client that may be sent back to these addresses."""
        self.clients[client_id] = client = Client(client_id, redirects, secret)
        return client

    def rotate(self, kid: str, algorithm: str = "RS256") -> SigningKey:
        """Sign with a new key from now on; the earlier ones are no longer listed."""
        self.keys = [SigningKey.new(kid, algorithm)]
        return self.keys[0]

    def token(
        self,
        *,
        key: SigningKey | None = None,
        now: float | None = None,
        headers: Mapping[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """Sign a token; `claims` replace or, with None, take away what it would say."""
        signing = key or self.keys[0]
        issued = int(real_clock().timestamp() if now is None else now)
        said: dict[str, Any] = {
            "iss": self.url,
            "sub": "u-4711",
            "aud": self.access_audience,
            "iat": issued,
            "exp": issued + self.lifetime_seconds,
            "scope": self.access_scope,
            **claims,
        }
        said = {name: value for name, value in said.items() if value is not None}
        named = {k: v for k, v in {"kid": signing.kid, **(headers or {})}.items() if v is not None}
        return jwt.encode(said, signing.private, signing.algorithm, headers=named)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        path = scope["path"]
        self.asked[path] = self.asked.get(path, 0) + 1
        if path in self.hangs:
            await asyncio.sleep(3600)
        body = b""
        while True:
            piece = await receive()
            body += piece.get("body", b"")
            if not piece.get("more_body"):
                break
        if path in self.answers:
            status, kind, content = self.answers[path]
            await _send(send, status, content, [(b"content-type", kind.encode())])
            return
        status, content, headers = self._answer(scope, path, body)
        await _send(send, status, content, headers)

    def _answer(self, scope: Any, path: str, body: bytes) -> Any:
        query = dict(parse_qsl(scope["query_string"].decode()))
        headers = {k.decode(): v.decode() for k, v in scope["headers"]}
        if path == DISCOVERY:
            return _json(200, self._described())
        if path == "/jwks":
            listed = self.keys if self.published is None else self.published
            return _json(200, {"keys": [key.public() for key in listed]})
        if path == "/authorize":
            return self._authorize(query)
        if path == "/token" and scope["method"] == "POST":
            return self._exchange({k: v[0] for k, v in parse_qs(body.decode()).items()}, headers)
        if path == "/userinfo":
            known = self._access.get(headers.get("authorization", "").removeprefix("Bearer "))
            return _json(200, known) if known else _json(401, {"error": "invalid_token"})
        return _json(404, {"error": "not_found"})

    def _described(self) -> dict[str, Any]:
        return {
            "issuer": self.said_issuer or self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "end_session_endpoint": f"{self.url}/logout",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": [
                "client_secret_basic",
                "client_secret_post",
                "none",
            ],
        }

    def _authorize(self, query: dict[str, str]) -> Any:
        client = self.clients.get(query.get("client_id", ""))
        redirect = query.get("redirect_uri", "")
        if client is None or redirect not in client.redirect_uris:
            return _json(400, {"error": "unauthorized_client"})  # never sent back to a stranger
        back = {"state": query["state"]} if "state" in query else {}
        wrong = self._objection(query)
        if wrong:
            return _redirect(redirect, {"error": wrong, **back})
        code = secrets.token_urlsafe(24)
        self._codes[code] = {**query, "at": time.monotonic(), "person": self.person}
        return _redirect(redirect, {"code": code, "iss": self.url, **back})

    def _objection(self, query: dict[str, str]) -> str:
        if query.get("response_type") != "code":
            return "unsupported_response_type"
        if "openid" not in query.get("scope", "").split():
            return "invalid_scope"
        if (
            query.get("code_challenge_method") != "S256"
            or len(query.get("code_challenge", "")) < 43
        ):
            return "invalid_request"
        return "access_denied" if self.person is None else ""

    def _exchange(self, form: dict[str, str], headers: dict[str, str]) -> Any:
        identity = self._client_of(form, headers)
        if identity is None:
            return _json(401, {"error": "invalid_client"})
        begun = self._codes.pop(form.get("code", ""), None)  # a code is used once
        fits = (
            begun is not None
            and form.get("grant_type") == "authorization_code"
            and begun["client_id"] == identity
            and begun["redirect_uri"] == form.get("redirect_uri")
            and begun["code_challenge"] == challenge_of(form.get("code_verifier", ""))
            and time.monotonic() - begun["at"] < 60
        )
        if begun is None or not fits:
            return _json(400, {"error": "invalid_grant"})
        person = begun["person"]
        nonce = {"nonce": begun["nonce"]} if "nonce" in begun else {}
        id_token = self.token(aud=identity, scope=None, **{**person, **nonce})
        access = self.token(sub=person["sub"])
        self._access[access] = person
        return _json(
            200,
            {
                "access_token": access,
                "id_token": id_token,
                "token_type": "Bearer",
                "expires_in": self.lifetime_seconds,
            },
        )

    def _client_of(self, form: dict[str, str], headers: dict[str, str]) -> str | None:
        name, secret = form.get("client_id", ""), form.get("client_secret")
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            name, _, secret = base64.b64decode(given).decode().partition(":")
        client = self.clients.get(name)
        return name if client is not None and client.secret == secret else None


def _json(status: int, document: object) -> Any:
    kind = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    return status, json.dumps(document).encode(), kind


def _redirect(where: str, query: Mapping[str, str]) -> Any:
    joined = "&" if "?" in where else "?"
    return 302, b"", [(b"location", f"{where}{joined}{urlencode(query)}".encode())]


async def _send(send: Any, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    size = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, size]})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def oidc_issuer(*keys: SigningKey) -> Iterator[Issuer]:
    """Serve an issuer on a free port of loopback, in a thread, for the time of the block."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        issuer = Issuer(listener.getsockname()[1], [*keys] or [SigningKey.new("key-1")])
        config = uvicorn.Config(
            issuer, log_config=None, lifespan="off", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield issuer
        finally:
            server.should_exit = server.force_exit = True
            thread.join(10)
