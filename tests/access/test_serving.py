"""Listening for real: TLS with a certificate that rotates, and connections that are counted."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import uvicorn

from mission_control.access.decide import is_loopback
from mission_control.access.in_force import AccessFiles, InForce
from mission_control.access.load import load_certificate, load_tokens
from mission_control.api.connection_limits import LimitedHttpProtocol, LimitedServer
from mission_control.bootstrap.access import limited_protocol
from mission_control.configuration.declared_settings import Settings
from mission_control.configuration.fleet_file import NO_FLEET
from mission_control.processes.followed_file import FollowedFile
from tests.real_parts import lacking

pytestmark = pytest.mark.anyio

PATIENCE = 60.0
GET = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"


async def plain(scope, _receive, send):
    """Answer with the scheme."""
    body = scope["scheme"].encode()
    size = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": 200, "headers": [size]})
    await send({"type": "http.response.body", "body": body})


def certificate(folder: Path, name: str, *kind: str) -> tuple[Path, Path]:
    """Make a certificate for localhost, and its key."""
    made = folder / f"{name}.pem", folder / f"{name}.key"
    command = ["openssl", "req", "-x509", "-nodes", "-days", "3", "-subj", f"/CN={name}", *kind]
    command += ["-keyout", str(made[1]), "-out", str(made[0])]
    try:
        subprocess.run(
            [*command, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        lacking("openssl is not installed")
    return made


EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
RSA = ("-newkey", "rsa:2048")


@asynccontextmanager
async def served(context=None, handshake_seconds=10.0, **limits) -> AsyncIterator[int]:
    """Serve over TLS, or plainly, within these limits; gives the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        plain,
        http=type("Limited", (LimitedHttpProtocol,), limits),
        log_config=None,
        lifespan="off",
        proxy_headers=False,
        timeout_graceful_shutdown=0,
        ws="none",
    )
    server = type("Server", (LimitedServer,), {"handshake_seconds": handshake_seconds})(
        config, context
    )
    serving = asyncio.create_task(server.serve([listener]))
    try:
        async with asyncio.timeout(PATIENCE):
            while not server.started:  # noqa: ASYNC110  (uvicorn tells it in no other way)
                await asyncio.sleep(0.01)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await serving


async def ask(port: int, trusted: Path | None) -> tuple[bytes, str]:
    """Ask once; gives the answer, and who the certificate is for."""
    context = ssl.create_default_context(cafile=trusted) if trusted else None
    name = "localhost" if context else None
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname=name
    )
    writer.write(GET)
    answer = await reader.read()
    peer = (writer.get_extra_info("peercert") or {}).get("subject", ((("", ""),),))
    writer.close()
    return answer, peer[0][0][1]


async def test_each_connection_gets_the_certificate_of_the_moment(tmp_path):
    """Another certificate serves those who come next, of another kind of key as well (R16.10)."""
    pairs = [certificate(tmp_path, "old", *RSA), certificate(tmp_path, "new", *EC)]
    contexts = [load_certificate(*pair)[1] for pair in pairs]
    now = [contexts[0]]
    async with served(lambda: now[0]) as port, asyncio.timeout(PATIENCE):
        first = await ask(port, pairs[0][0])
        now[0] = contexts[1]
        rest = await asyncio.gather(*(ask(port, pairs[1][0]) for _ in range(20)))

    assert (b"https", "old") == (first[0][-5:], first[1])
    assert {(b"https", "new")} == {(answer[-5:], name) for answer, name in rest}


async def test_silent_connections_are_counted_before_their_handshake(tmp_path):
    """One too many is closed at once, and one that never shakes hands after its time (R16.7)."""
    pair = certificate(tmp_path, "a", *EC)
    context = load_certificate(*pair)[1]
    long = served(lambda: context, 2 * PATIENCE, max_per_client=3)
    async with long as port, asyncio.timeout(PATIENCE):
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
        with suppress(ConnectionError):
            assert b"" == await silent[3][0].read()
        for _, writer in silent:
            writer.close()
    async with served(lambda: context, 1.0) as port, asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with suppress(ConnectionError):
            assert b"" == await reader.read()
        writer.close()
        answer, _ = await ask(port, pair[0])

    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_what_speaks_no_tls_is_let_go(tmp_path):
    """Plain HTTP to a server of TLS gets no answer, and costs no place (R16.6)."""
    pair = certificate(tmp_path, "a", *EC)
    context = load_certificate(*pair)[1]
    async with served(lambda: context, max_per_client=2) as port, asyncio.timeout(PATIENCE):
        for _ in range(4):
            with suppress(ConnectionError):
                assert b"200" not in (await ask(port, None))[0]
        assert b"https" == (await ask(port, pair[0]))[0][-5:]


async def test_a_client_holds_so_many_connections_and_others_go_on():
    """One address has its limit, but for those that are exempt (R16.7)."""
    for is_exempt, answered in ((lambda client: client == "", 2), (is_loopback, 5)):
        limits = {"max_per_client": 2, "is_exempt": staticmethod(is_exempt)}
        async with served(None, **limits) as port, asyncio.timeout(PATIENCE):
            held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
            told = list[bytes]()
            for reader, writer in held:
                with suppress(ConnectionError):
                    writer.write(GET)
                    told.append(await reader.read())
                writer.close()

            assert answered == sum(b"200 OK" in answer for answer in told)


def test_proxies_and_this_machine_hold_as_many_as_they_need():
    """Many clients come through one proxy: it is counted in all, and not by itself (R16.7)."""
    settings = Settings(
        NO_FLEET,
        behind_proxy=("10.0.0.0/8", "192.0.2.7"),
        max_connections=9,
        max_connections_per_client=8,
    )
    limited = limited_protocol(settings)

    assert (9, 8) == (limited.max_connections, limited.max_per_client)
    assert [True, True, True, True, False, False] == [
        limited.is_exempt(a)
        for a in ("10.1.2.3", "::ffff:192.0.2.7", "127.0.0.1", "::1", "192.0.2.8", "")
    ]


TOKENS = "tokens:\n- {{name: {}, hash: 'sha256:{:064x}', scopes: [reader]}}\n"


async def followed(files: AccessFiles, until) -> None:
    """Follow the files until something is so."""
    following = asyncio.create_task(files.follow())
    try:
        async with asyncio.timeout(PATIENCE):
            while not until():  # noqa: ASYNC110  (a file is looked at, and tells of nothing)
                await asyncio.sleep(0.05)
    finally:
        following.cancel()


async def test_tokens_are_taken_again_and_a_broken_file_is_not(tmp_path):
    """A changed file is taken whole; a broken one leaves the tokens as they were (R13.1)."""
    path = tmp_path / "tokens.yaml"
    path.write_text(TOKENS.format("a", 1))
    digest, tokens = load_tokens(path)
    in_force = InForce("tokens", tokens, FollowedFile(path, load_tokens, digest))
    files, reloads = AccessFiles(in_force), list[tuple[str, str]]()

    def told(count: int) -> bool:
        reloads.extend((r.what, r.trouble) for r in files.take_reloads())
        return len(reloads) == count

    await followed(files, lambda: in_force.file._known != "never looked at")  # noqa: SLF001
    path.write_text(TOKENS.format("b", 2))
    await followed(files, lambda: told(1))
    assert ["b"] == [token.name for token in in_force.value]
    path.write_text("tokens: [")
    await followed(files, lambda: told(2))

    assert ["b"] == [token.name for token in in_force.value]
    assert ("tokens", "") == reloads[0]
    assert "is not YAML" in reloads[1][1]
