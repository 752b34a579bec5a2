"""The gate before every route: who is answered, who is refused, and what is logged of it."""

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from mission_control.access.decide import digest_of
from mission_control.access.in_force import AccessFiles, InForce
from mission_control.access.issuer import IssuerKeys
from mission_control.access.model import Auth, IssuerRules, Scope, StaticToken
from mission_control.access.run import AccessGate
from mission_control.api.application import create_application
from mission_control.probe.transport import open_transports
from mission_control.processes.followed_file import FollowedFile
from tests.api.paper_floor import PaperControl
from tests.oidc_issuer import oidc_issuer

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 30, 15, tzinfo=UTC)
ELSEWHERE = "203.0.113.7"
TOKENS = {
    "reader": {Scope.READER},
    "metrics": {Scope.METRICS},
    "twin": {Scope.TWIN},
    "ui": {Scope.READER, Scope.OPERATOR},
}


def known(**changed: StaticToken) -> tuple[StaticToken, ...]:
    """Return the tokens of the file: `mctl_NAME` is the token of NAME."""
    made = {n: StaticToken(n, digest_of(f"mctl_{n}"), frozenset(s)) for n, s in TOKENS.items()}
    return tuple({**made, **changed}.values())


@dataclass
class Control:
    """The API behind a gate; a test moves `now` and `seconds`."""

    auth: Auth = Auth.TOKENS
    issuer: IssuerKeys | None = None
    proxies: tuple[str, ...] = ()
    a_minute: int = 600
    now: datetime = NOW
    seconds: float = 0.0
    tokens: InForce[Any] = field(init=False)

    def __post_init__(self) -> None:
        """Put the API together."""
        never = FollowedFile(Path("/nowhere"), lambda _: ("", known()), "")
        self.tokens = InForce("tokens", known(), never)
        files = AccessFiles(self.tokens if self.auth.has_tokens else None)
        gate = AccessGate(
            self.auth, files, self.issuer, lambda: self.now, lambda: self.seconds, self.a_minute
        )
        parts = PaperControl().parts()
        options = replace(parts.options, proxies=self.proxies)
        self.application = create_application(replace(parts, gate=gate, options=options))

    @asynccontextmanager
    async def client(self, client: str = ELSEWHERE, scheme: str = "https"):
        """Ask from this address, over this."""
        transport = httpx.ASGITransport(self.application, client=(client, 1))  # pyright: ignore[reportArgumentType]
        base = f"{scheme}://localhost"
        async with httpx.AsyncClient(transport=transport, base_url=base) as asking:
            yield asking

    async def ask(self, path: str, token: str = "", **more: Any) -> httpx.Response:
        """Ask once."""
        place = {key: more.pop(key) for key in ("client", "scheme") if key in more}
        headers = {"authorization": f"Bearer {token}"} if token else {}
        async with self.client(**place) as asking:
            method = more.pop("method", "GET")
            return await asking.request(method, path, headers=headers | more.pop("headers", {}))


@cache
def open_to_many() -> Control:
    """Return one API for many questions."""
    return Control(a_minute=60_000)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        ("/livez", "", 200),
        ("/healthz", "", 200),
        ("/api/v1/posture", "", 401),
        ("/api/v1/posture", "mctl_stranger", 401),
        ("/api/v1/posture", "mctl_reader", 200),
        ("/api/v1/posture", "mctl_twin", 200),
        ("/api/v1/posture", "mctl_metrics", 403),
        ("/metrics", "mctl_metrics", 200),
        ("/metrics", "mctl_twin", 403),
        ("/ops/status", "mctl_twin", 200),
        ("/api/v1/evidence", "mctl_twin", 403),
        ("/no/such/path", "", 401),
        ("/no/such/path", "mctl_reader", 404),
        ("/schema.json", "", 401),
    ],
)
async def test_a_route_is_answered_by_scope(path, token, status, method):
    """Without a token it is 401 before any route is looked for, without the scope 403 (R16.3)."""
    answer = await open_to_many().ask(path, token, method=method)

    expected = 204 if (method, status) == ("OPTIONS", 200) else status
    assert expected == answer.status_code
    if status in {401, 403}:
        assert answer.headers["www-authenticate"].startswith('Bearer realm="mission-control"')
        assert "application/problem+json" == answer.headers["content-type"]
        if method == "GET":
            assert status == answer.json()["status"]


async def test_writing_is_refused_with_any_token():
    """A token opens no other method: everything is GET (R10.1)."""
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert 405 == (await open_to_many().ask("/livez", "mctl_ui", method=method)).status_code


async def test_revoked_and_expired_tokens_are_refused_at_once():
    """What the file in force says counts for the next request (R16.2)."""
    control = Control()
    assert 200 == (await control.ask("/api/v1/posture", "mctl_reader")).status_code

    token = known()[0]
    control.tokens.value = known(reader=replace(token, revoked=True))
    assert "token_revoked" == (await control.ask("/api/v1/posture", "mctl_reader")).json()["code"]
    control.tokens.value = known(reader=replace(token, expires=NOW + timedelta(seconds=1)))
    assert 200 == (await control.ask("/api/v1/posture", "mctl_reader")).status_code
    control.now += timedelta(seconds=1)
    assert "token_expired" == (await control.ask("/api/v1/posture", "mctl_reader")).json()["code"]


async def test_too_many_requests_are_429_but_not_from_here():
    """A client may ask so often; another, and this machine, are not held up by it (R16.7)."""
    control = Control(a_minute=60)
    told = [(await control.ask("/livez")).status_code for _ in range(11)]
    assert [200] * 10 + [429] == told
    refused = await control.ask("/api/v1/posture", "mctl_reader")
    assert ("too_many_requests", "1") == (refused.json()["code"], refused.headers["retry-after"])
    assert 200 == (await control.ask("/livez", client="203.0.113.8")).status_code
    assert 200 == (await control.ask("/livez", client="127.0.0.1")).status_code
    control.seconds += 1
    assert 200 == (await control.ask("/livez")).status_code


FORWARDED = {"x-forwarded-for": "198.51.100.4", "x-forwarded-proto": "https"}


@pytest.mark.parametrize(
    ("proxies", "client", "scheme", "headers", "status"),
    [
        pytest.param((), ELSEWHERE, "https", {}, 200, id="TLS of our own"),
        pytest.param((), ELSEWHERE, "http", {}, 403, id="plain text"),
        pytest.param((), ELSEWHERE, "http", FORWARDED, 403, id="a stranger who calls it https"),
        pytest.param((), "127.0.0.1", "http", {}, 200, id="this machine"),
        pytest.param(("10.0.0.0/8",), "10.1.2.3", "http", FORWARDED, 200, id="a proxy"),
        pytest.param(("10.0.0.0/8",), "10.1.2.3", "http", {}, 403, id="a proxy that says nothing"),
        pytest.param(("10.0.0.0/8",), ELSEWHERE, "http", FORWARDED, 403, id="no proxy of ours"),
        pytest.param(
            ("10.0.0.0/8",),
            "10.1.2.3",
            "http",
            {**FORWARDED, "x-forwarded-proto": "http"},
            403,
            id="plain text before the proxy",
        ),
        pytest.param(
            ("10.0.0.0/8",),
            "10.1.2.3",
            "http",
            {"x-forwarded-for": "127.0.0.1"},
            403,
            id="one who calls itself loopback",
        ),
        pytest.param(
            ("127.0.0.1",),
            "127.0.0.1",
            "http",
            {"x-forwarded-for": "1.2.3.4"},
            403,
            id="a local one",
        ),
    ],
)
async def test_forwarded_headers_are_believed_of_named_proxies(
    proxies, client, scheme, headers, status
):
    """A token that came in plain text is refused, also where a stranger calls it https (R16.6)."""
    control = Control(proxies=proxies)
    answer = await control.ask(
        "/api/v1/posture", "mctl_reader", client=client, scheme=scheme, headers=headers
    )

    assert status == answer.status_code
    assert 200 == (await control.ask("/livez", client=client, scheme=scheme)).status_code


async def test_behind_a_proxy_each_client_has_its_own_limit(caplog):
    """The address is the one that the proxy names, not what a client wrote before it (R16.6)."""
    control = Control(proxies=("10.0.0.1",), a_minute=6)
    for address, status in (("1.1.1.1", 200), ("1.1.1.1", 429), ("2.2.2.2", 200)):
        headers = {**FORWARDED, "x-forwarded-for": f"127.0.0.1, {address}"}
        answer = await control.ask("/livez", client="10.0.0.1", headers=headers)
        assert status == answer.status_code
    told = [r for r in caplog.records if r.getMessage() == "a client asks too often"]
    assert ["1.1.1.1"] == [getattr(r, "client", "") for r in told]


def logged(caplog) -> list[dict[str, Any]]:
    """Return what the gate logged."""
    names = ("client", "method", "route", "by", "who", "person", "operator")
    told = (*names, "status", "sent", "whole", "evidence", "why")
    return [
        {"event": r.getMessage(), **{n: getattr(r, n) for n in told if hasattr(r, n)}}
        for r in caplog.records
        if r.name == "mission_control.access"
    ]


async def test_who_read_what_is_logged(caplog):
    """Name, operator, route, status, bytes and whether whole; never the token (R16.8, R16.9)."""
    caplog.set_level(logging.INFO)
    control = Control()
    read = await control.ask(
        "/api/v1/artifacts?limit=3",
        "mctl_ui",
        headers={"x-mission-control-operator": "Ada%20%C3%81"},
    )
    await control.ask("/api/v1/posture", "mctl_stranger")
    await control.ask("/livez")

    request = {"client": ELSEWHERE, "method": "GET"}
    assert [
        {
            "event": "read",
            **request,
            "route": "/api/v1/artifacts?limit=3",
            "by": "token",
            "who": "ui",
            "operator": "Ada Á",
            "status": read.status_code,
            "sent": len(read.content),
            "whole": True,
            "evidence": True,
        },
        {
            "event": "refused",
            **request,
            "route": "/api/v1/posture",
            "status": 401,
            "why": "unknown_token",
        },
    ] == logged(caplog)
    assert "mctl_" not in caplog.text + str([vars(r) for r in caplog.records])


async def test_only_evidence_is_logged_where_no_one_says_who_they_are(caplog):
    """With auth none everyone reads; evidence is logged all the same (R16.8)."""
    caplog.set_level(logging.INFO)
    control = Control(auth=Auth.NONE)
    for path in ("/api/v1/posture", "/api/v1/artifacts"):
        assert 200 == (await control.ask(path, client="127.0.0.1")).status_code

    assert ["/api/v1/artifacts"] == [line["route"] for line in logged(caplog)]


async def test_an_operator_is_believed_of_those_who_may_say_so(caplog):
    """The header of another token changes nothing; an unreadable one is 400 (R16.9)."""
    caplog.set_level(logging.INFO)
    named = {"x-mission-control-operator": "Eve"}
    bad = {"x-mission-control-operator": "%FF"}
    control, path = Control(), "/api/v1/posture"
    assert 200 == (await control.ask(path, "mctl_reader", headers=named)).status_code
    assert 400 == (await control.ask(path, "mctl_ui", headers=bad)).status_code

    assert "Eve" not in str(logged(caplog))


async def test_tokens_of_both_kinds_are_known(caplog):
    """With tokens+oidc a token of ours and one of the issuer both serve (R16.4)."""
    caplog.set_level(logging.INFO)
    words = {"mission-control.reader": Scope.READER}
    with oidc_issuer() as issuer:
        rules = IssuerRules(issuer.url, "mission-control", ("RS256",), "scope", words)
        async with open_transports() as transports:
            keys = IssuerKeys(rules, transports.for_agent(None))
            for auth, statuses in (
                (Auth.BOTH, [200, 200, 403, 401]),
                (Auth.OIDC, [401, 200, 403, 401]),
            ):
                control = Control(auth, keys)
                tokens = [
                    "mctl_reader",
                    issuer.token(now=NOW.timestamp(), preferred_username="ada"),
                    issuer.token(now=NOW.timestamp(), scope="openid"),
                    issuer.token(now=NOW.timestamp() - 400),
                ]
                told = [(await control.ask("/api/v1/posture", t)).status_code for t in tokens]
                assert statuses == told
    people = [line["person"] for line in logged(caplog) if line.get("by") == "oidc"]
    assert ["ada", "ada"] == people
    assert "eyJ" not in caplog.text + str([vars(r) for r in caplog.records])


async def test_a_stream_ends_with_its_token(caplog):
    """A token that is revoked while a stream is sent breaks it off, within seconds (R16.10)."""
    caplog.set_level(logging.INFO)
    control = Control()
    sent, begun = list[Any](), asyncio.Event()
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": "/api/v1/stream",
        "raw_path": b"/api/v1/stream",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost"), (b"authorization", b"Bearer mctl_reader")],
        "client": (ELSEWHERE, 1),
        "server": ("localhost", 443),
        "state": {},
    }

    async def receive():
        await asyncio.Event().wait()

    async def send(message):
        sent.append(message)
        if message["type"] == "http.response.body" and len(sent) == 2:
            control.seconds += 5
            control.tokens.value = ()
            begun.set()

    application: Any = control.application
    async with asyncio.timeout(60):
        await application(scope, receive, send)

    assert begun.is_set()
    assert [True] * (len(sent) - 1) == [m["more_body"] for m in sent[1:]]
    assert [False] == [line["whole"] for line in logged(caplog)]
