"""Observe: the probe against hostile sockets, through the production transport."""

import asyncio
import gzip
import ssl
from datetime import timedelta

import orjson
import pytest

from mission_control.contract.model.answer import Shape
from mission_control.model.fleet import ContractKind, TlsFiles
from mission_control.model.reading import Seen, Unseen
from mission_control.probe.service_probe import ServiceProbe
from tests.floor.floor_of_values import STRATEGY, changed, rich
from tests.probe.conftest import NOW

pytestmark = pytest.mark.anyio
OPS = "/ops/status"
GOOD = orjson.dumps(rich(STRATEGY, NOW))


def http(body=b"", status="200 OK", headers=()):
    """Write an HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def plays(data):
    """Make a script that answers these bytes."""

    async def script(_reader, writer):
        writer.write(data)

    return script


def then_close(data):
    """Make a script that answers these bytes and closes."""

    async def script(_reader, writer):
        writer.write(data)
        await writer.drain()
        writer.close()

    return script


async def hang(_reader, _writer):
    """Never answer."""
    await asyncio.sleep(30)


async def drip(_reader, writer):
    """Send one byte every 50 ms, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def flood(_reader, writer):
    """Send without end."""
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
        await writer.drain()


async def endless_headers(_reader, writer):
    """Send headers without end."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"x-more: " + b"a" * 1000 + b"\r\n")
        await writer.drain()


async def reset(_reader, writer):
    """Reset the connection."""
    writer.transport.abort()


DEEP = b"[" * 1000 + b"]" * 1000
SECRET = b'{"error": "bad token=sk-abcdefghijklmnop1234", "password": "hunter2hunter2"}'


@pytest.mark.parametrize(
    ("script", "code"),
    [
        pytest.param(hang, "TIMEOUT", id="hang"),
        pytest.param(drip, "TIMEOUT", id="drip"),
        pytest.param(flood, "BODY_TOO_LARGE", id="flood"),
        pytest.param(endless_headers, "CONNECTION_LOST", id="endless headers"),
        pytest.param(reset, "CONNECTION_LOST", id="reset"),
        pytest.param(then_close(b""), "CONNECTION_LOST", id="close without answer"),
        pytest.param(then_close(b"SSH-2.0-x\r\n"), "CONNECTION_LOST", id="no HTTP"),
        pytest.param(
            then_close(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"),
            "CONNECTION_LOST",
            id="body cut off",
        ),
        pytest.param(plays(http(b"<html>")), "NOT_JSON", id="HTML"),
        pytest.param(plays(http(b'{"a":')), "NOT_JSON", id="truncated"),
        pytest.param(plays(http(b'{"a": NaN}')), "NOT_JSON", id="NaN"),
        pytest.param(plays(http()), "NOT_JSON", id="empty"),
        pytest.param(
            plays(http(gzip.compress(GOOD), "404 No", ["content-encoding: gzip"])),
            "NOT_OFFERED",
            id="404 in gzip",
        ),
        pytest.param(
            plays(b"HTTP/1.1 200 \xff\xfe\r\ncontent-length: 2\r\n\r\n{}"),
            "CONTRACT_INVALID",
            id="any bytes for a reason phrase, as RFC 9112 allows",
        ),
        pytest.param(
            plays(b"\xff\xfe 200\r\ncontent-length: 2\r\n\r\n{}"),
            "CONNECTION_LOST",
            id="status line of rubbish",
        ),
        pytest.param(
            plays(http(b"{}", headers=["date: Fri, 31 Dec 9999 23:59:59 -2359"])),
            "CONTRACT_INVALID",
            id="date past all time",
        ),
        pytest.param(plays(http(DEEP)), "TOO_DEEP", id="depth 1000"),
        pytest.param(plays(http(b"[" * 30000 + b"]" * 30000)), "TOO_DEEP", id="depth 30000"),
        pytest.param(plays(http(b"{}")), "CONTRACT_INVALID", id="empty object"),
        pytest.param(plays(http(b"[1]")), "CONTRACT_INVALID", id="no object"),
        pytest.param(plays(http(GOOD, "503 No")), "HTTP_503", id="503 with a fine body"),
        pytest.param(plays(http(status="404 No")), "NOT_OFFERED", id="404"),
        pytest.param(plays(http(status="405 No")), "NOT_OFFERED", id="405"),
        pytest.param(plays(http(status="501 No")), "NOT_OFFERED", id="501"),
        pytest.param(
            plays(http(status="302 Go", headers=["location: /elsewhere"])), "REDIRECTED", id="302"
        ),
        pytest.param(
            plays(http(gzip.compress(GOOD), headers=["content-encoding: gzip"])),
            "ENCODED",
            id="gzip",
        ),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_named(serve, probe, agent, script, code):
    """A bad answer is a reading with its reason, within the deadline, and no error (R2.3, R2.8)."""
    server = await serve(script)
    deadline = 1.0 if code == "TIMEOUT" else 10.0
    target = agent(server.url, expected_endpoints=(OPS,), deadline_seconds=deadline)

    async with asyncio.timeout(20):
        round_ = await probe.read(target, None)

    assert code == round_.readings[OPS].code


async def test_a_good_answer_is_seen(serve, probe, agent):
    """A rich answer is seen, with the time it took and the phases of its new connection."""
    server = await serve(plays(http(GOOD, headers=["date: Wed, 18 Nov 2026 15:15:09 GMT"])))

    reading = (await probe.read(agent(server.url), None)).readings[OPS]

    assert isinstance(reading, Seen)
    assert (Shape.RICH, NOW) == (reading.value.shape, reading.at)
    assert (200, 9.0) == (reading.exchange.status, reading.exchange.date_skew)
    assert ["connect"] == [name for name, _ in reading.exchange.phases]
    assert 0 < reading.took < 1


async def test_a_connection_is_kept(serve, probe, agent):
    """Rounds reuse one connection, and then have no phases to tell."""
    server = await serve(plays(http(GOOD)))
    target = agent(server.url)

    rounds = [await probe.read(target, None) for _ in range(3)]

    assert 1 == server.connections
    assert () == rounds[-1].readings[OPS].exchange.phases


async def test_nothing_is_sent_but_a_plain_get(serve, probe, agent):
    """A request asks for no compression and bears no cookie, even after one was set."""
    server = await serve(plays(http(GOOD, headers=["set-cookie: a=b"])))
    target = agent(server.url)
    for _ in range(2):
        await probe.read(target, None)

    lines = [line.casefold() for head in server.heads for line in head.split("\r\n")]
    assert {"get /ops/status http/1.1"} == {x for x in lines if x.endswith("http/1.1")}
    assert {"accept-encoding: identity"} == {x for x in lines if x.startswith("accept-enc")}
    assert not [x for x in lines if x.startswith("cookie")]


async def test_proxies_from_the_environment_are_ignored(serve, probe, agent, monkeypatch):
    """A proxy in the environment is not used (R2.8)."""
    proxy = await serve(plays(http(b"{}")))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("http_proxy", proxy.url)
    server = await serve(plays(http(GOOD)))

    reading = (await probe.read(agent(server.url), None)).readings[OPS]

    assert isinstance(reading, Seen)
    assert [] == proxy.heads


async def test_a_refused_connection_is_named(probe, agent, serve):
    """Nothing listening is CONNECTION_REFUSED."""
    reading = (await probe.read(agent("http://127.0.0.1:1"), None)).readings[OPS]

    assert "CONNECTION_REFUSED" == reading.code


async def test_a_name_that_does_not_resolve_is_named(probe, agent):
    """A name that does not resolve is DNS_FAILURE."""
    target = agent("http://no-such-host.invalid", deadline_seconds=20.0)

    assert "DNS_FAILURE" == (await probe.read(target, None)).readings[OPS].code


async def test_certificates_are_verified(serve, probe, agent, certificate):
    """A self-signed certificate is TLS_FAILURE, unless the inventory names its authority (R2.8)."""
    cert, key = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server = await serve(plays(http(GOOD)), context)

    distrusted = await probe.read(agent(server.url), None)
    trusted = await probe.read(agent(server.url, tls=TlsFiles(ca_file=str(cert))), None)

    assert "TLS_FAILURE" == distrusted.readings[OPS].code
    assert isinstance(trusted.readings[OPS], Seen)


async def test_an_unreadable_certificate_is_a_reading(probe, agent, tmp_path):
    """A CA file that is not there is UNREADABLE, and names the file's trouble."""
    target = agent("https://127.0.0.1:1", tls=TlsFiles(ca_file=str(tmp_path / "none.pem")))

    assert "UNREADABLE" == (await probe.read(target, None)).readings[OPS].code


async def test_a_bearer_token_is_sent_and_not_shown(serve, probe, agent, tmp_path):
    """A token is read again for each round, sent, and appears in no reading."""
    token = tmp_path / "token"
    server = await serve(plays(http(b"<html>")))
    target = agent(server.url, bearer_token_file=str(token))
    missing = (await probe.read(target, None)).readings[OPS]
    token.write_text("abc123secret\n")
    sent = (await probe.read(target, None)).readings[OPS]

    assert ("UNREADABLE", "NOT_JSON") == (missing.code, sent.code)
    assert "authorization: Bearer abc123secret" in server.heads[0].replace(
        "Authorization", "authorization"
    )
    assert "abc123secret" not in repr(sent)


async def test_excerpts_are_redacted_and_short(serve, probe, agent):
    """What is kept of a bad answer is short, printable and without secrets (R2.10)."""
    server = await serve(plays(http(SECRET + b"\x1b[31m" * 100, "500 No")))

    exchange = (await probe.read(agent(server.url), None)).readings[OPS].exchange

    assert len(exchange.excerpt) <= 200
    assert exchange.excerpt.isprintable()
    assert "hunter2" not in exchange.excerpt
    assert "sk-abc" not in exchange.excerpt


async def test_one_path_does_not_hide_another(serve, probe, agent):
    """While one path hangs, what another answered in the same round is kept."""

    async def script(_reader, writer):
        if "/healthz" in server.heads[-1]:
            writer.write(http(b'{"status": "ok"}'))
        else:
            await asyncio.sleep(30)

    server = await serve(script)
    target = agent(server.url, expected_endpoints=(OPS, "/healthz"), deadline_seconds=1.5)

    readings = (await probe.read(target, None)).readings

    assert "TIMEOUT" == readings[OPS].code
    assert isinstance(readings["/healthz"], Seen)


async def test_the_ladder_goes_down_while_nothing_is_offered(serve, probe, agent):
    """With no listed endpoints the next rung is asked only where the one before is not offered."""

    async def script(_reader, writer):
        found = "/health " in server.heads[-1]
        writer.write(http(b'{"status": "ok"}') if found else http(status="404 No"))

    server = await serve(script)

    readings = (await probe.read(agent(server.url), None)).readings

    assert [OPS, "/healthz", "/health"] == list(readings)
    assert Shape.LIVENESS is readings["/health"].value.shape


async def test_what_is_not_offered_rests_for_five_minutes(serve, transports, agent):
    """A path that is not offered keeps its reading and is asked again only after 5 minutes."""

    async def script(_reader, writer):
        listed = "/healthz" in server.heads[-1]
        writer.write(http(b'{"status": "ok"}') if listed else http(status="404 No"))

    server = await serve(script)
    clock = [NOW]
    probe = ServiceProbe(transports, lambda: clock[0])
    target = agent(
        server.url, expected_endpoints=("/healthz", "/extra"), contract=ContractKind.LIVENESS
    )
    first = await probe.read(target, None)
    asked = []
    for seconds in (10, 299, 301):
        server.heads.clear()
        clock[0] = NOW + timedelta(seconds=seconds)
        await probe.read(target, first)
        asked.append(sorted(h.split()[1] for h in server.heads))

    assert "NOT_OFFERED" == getattr(first.readings["/extra"], "code", "seen")
    assert [["/healthz"], ["/healthz"]] == asked[:2]
    assert ["/extra", "/healthz", "/livez", "/readyz"] == asked[2]


async def test_a_stale_healthz_speaks_through_its_503(serve, probe, agent):
    """A 503 of `/healthz` beside a rich contract may say stale, and any other 503 is none."""
    stale = orjson.dumps({"ok": False, "last_tick_epoch_seconds": 1, "age_seconds": 9.0})
    for body, seen in (
        (stale, True),
        (b'{"status": "busy"}', False),
        (b"no", False),
        (b'{"ok": "no"}', False),
    ):
        server = await serve(plays(http(body, "503 No")))
        target = agent(server.url, expected_endpoints=("/healthz",))
        reading = (await probe.read(target, None)).readings["/healthz"]
        assert seen == isinstance(reading, Seen)


SAYS_LIVE = changed(rich(STRATEGY, NOW), "agent_identity.agent_mode", "LIVE")
EXECUTES = orjson.dumps(SAYS_LIVE)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(http(EXECUTES.replace(b"0.0", b"NaN")), "NOT_JSON", id="NaN beside it"),
        pytest.param(
            http(b'{"x":' + b"[" * 2000 + b"]" * 2000 + b"," + EXECUTES[1:]), "TOO_DEEP", id="deep"
        ),
        pytest.param(
            http(EXECUTES[:-1] + b',"x":"' + b"y" * 70_000 + b'"}'),
            "BODY_TOO_LARGE",
            id="too large",
        ),
        pytest.param(http(EXECUTES[:-40]), "NOT_JSON", id="cut off"),
        pytest.param(
            http(EXECUTES, headers=["content-encoding: gzip"]), "ENCODED", id="a lying header"
        ),
        pytest.param(http(EXECUTES, "503 No"), "HTTP_503", id="refused"),
        pytest.param(http(EXECUTES, "404 No"), "NOT_OFFERED", id="not offered"),
        pytest.param(
            http(EXECUTES.replace(b'"LIVE"', b'"LIVE","agent_mode":"OFF"')),
            "CONTRACT_INVALID",
            id="said twice",
        ),
    ],
)
async def test_an_answer_is_heard_before_it_is_refused(serve, probe, agent, answer, code):
    """Whatever is wrong with an answer on the wire, the mode that it says counts."""
    server = await serve(plays(answer))
    reading = (await probe.read(agent(server.url, expected_endpoints=(OPS,)), None)).readings[OPS]

    assert isinstance(reading, Unseen)
    assert (code, "LIVE") == (reading.code, reading.claims.agent_mode)


async def test_a_service_that_only_lives_is_dead_by_a_503(serve, probe, agent):
    """Where `/healthz` is what tells that a service lives, a 503 is none of its answers."""
    stale = orjson.dumps({"ok": False, "last_tick_epoch_seconds": 1})
    for contract, listed in ((ContractKind.LIVENESS, ()), (ContractKind.HTTP, ("/healthz",))):
        server = await serve(plays(http(stale, "503 No")))
        target = agent(server.url, contract=contract, expected_endpoints=listed)
        reading = (await probe.read(target, None)).readings["/healthz"]

        assert "HTTP_503" == getattr(reading, "code", "seen")


async def test_a_page_is_enough_for_the_http_contract(serve, probe, agent):
    """Under the `http` contract any 2xx is seen, and nothing else is."""
    codes = []
    for data in (http(b"<html>" * 20000), http(status="503 No")):
        server = await serve(plays(data))
        reading = (await probe.read(agent(server.url, contract=ContractKind.HTTP), None)).readings
        codes.append(getattr(reading["/"], "code", "seen"))

    assert ["seen", "HTTP_503"] == codes


async def test_claims_survive_a_broken_answer(serve, probe, agent):
    """Claims are read from refused and broken answers too."""
    body = orjson.dumps({"safety": {"safe_to_execute_orders": True}})
    for status in ("200 OK", "500 No"):
        server = await serve(plays(http(body, status)))
        reading = (await probe.read(agent(server.url), None)).readings[OPS]
        assert isinstance(reading, Unseen)
        assert reading.claims.safe_to_execute_orders is True


async def test_secrets_in_a_good_answer_are_masked(serve, probe, agent):
    """What is kept of a good answer for people bears no secret (R2.14)."""
    document = changed(rich(STRATEGY, NOW), "build_id", "Bearer abcdefghijklmnopqrstuvwxyz")
    document["api_key"] = "AKIAABCDEFGHIJKLMNOP"
    server = await serve(plays(http(orjson.dumps(document))))

    reading = (await probe.read(agent(server.url), None)).readings[OPS]

    assert isinstance(reading, Seen)
    assert b"AKIA" not in reading.value.document
    assert b"abcdefghijklmnop" not in reading.value.document


async def test_a_cut_off_answer_is_not_drained(serve, probe, agent):
    """After the cap the connection is given up: the flood ends instead of being read."""
    sent = 0

    async def count_flood(_reader, writer):
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 52428800\r\n\r\n")
        for _ in range(800):
            writer.write(b" " * 65536)
            await writer.drain()
            sent += 65536

    server = await serve(count_flood)
    await probe.read(agent(server.url), None)
    await asyncio.sleep(0.1)

    assert sent < 20 * 2**20


async def test_a_secret_in_a_sentence_of_an_answer_reaches_no_sentence_of_ours(serve, probe, agent):
    """What is judged was redacted first, so no reason can repeat a secret; claims are kept."""
    leaky = changed(rich(STRATEGY, NOW), "status.summary", "see https://ops:hunter2@db/x")
    leaky = changed(leaky, "safety.safe_to_execute_orders", value=True)
    server = await serve(plays(http(orjson.dumps(leaky))))

    reading = (await probe.read(agent(server.url), None)).readings[OPS]

    assert isinstance(reading, Seen)
    assert "hunter2" not in repr(reading)
    assert "REDACTED" in reading.value.status.status.summary
    assert reading.value.claims.safe_to_execute_orders is True
