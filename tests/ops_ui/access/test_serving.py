"""Serving: the pages' process with a certificate of its own, and with none that it could use."""

import asyncio
import http.client
import ipaddress
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest
import uvicorn
from uvicorn.server import ServerState

from mission_control.asgi import told_to_pages
from mission_control.bootstrap.clock import real_clock
from mission_control.configuration.declared_settings import Settings
from mission_control.model.fleet import Fleet
from ops_ui.access.tls import Certificate, TlsFiles
from ops_ui.limits import LimitedHttpProtocol
from tests.ops_ui.access.conftest import make_certificate
from tests.ports import PATIENCE_SECONDS, free_ports, wait_for_port

UI = "MISSION_CONTROL_UI_"


def start(**told):
    """Start the pages with these settings of theirs."""
    environ = {UI + name: str(value) for name, value in told.items()}
    return subprocess.Popen(
        [sys.executable, "-m", "ops_ui"],
        env={"PATH": os.environ["PATH"], "MISSION_CONTROL_URL": "http://127.0.0.1:1", **environ},
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"HOST": "0.0.0.0"}, "UI_HOST: '0.0.0.0' is not loopback, and no one signs in"),  # noqa: S104
        ({"TLS_CERTIFICATE": "old.pem", "TLS_KEY": "old.key"}, "old.pem: it expired on "),
        ({"AUTH": "oidc"}, "UI_OIDC_ISSUER: MISSION_CONTROL_UI_AUTH=oidc needs it"),
    ],
)
def test_what_cannot_be_served_ends_with_one_line(certificates, told, said):
    """R16.20: one line that names the setting and the remedy, and exit code 78."""
    files = {n: certificates / v if str(v)[-4:] in {".pem", ".key"} else v for n, v in told.items()}
    process = start(PORT=free_ports(1), **files)
    _, stderr = process.communicate(timeout=PATIENCE_SECONDS)

    assert (78, 1) == (process.returncode, len(stderr.splitlines()))
    assert said in stderr


def test_the_pages_are_served_with_tls(certificates):
    """R16.20: by https alone, from behind sign-in by a proxy; the log says who read what."""
    port = free_ports(1)
    process = start(
        PORT=port,
        AUTH="proxy",
        TRUSTED_PROXIES="127.0.0.1",
        TLS_CERTIFICATE=certificates / "good.pem",
        TLS_KEY=certificates / "good.key",
    )
    try:
        wait_for_port(process, port)
        believed = ssl.create_default_context(cafile=str(certificates / "good.pem"))
        client = http.client.HTTPSConnection("localhost", port, timeout=30, context=believed)
        told = {"X-Forwarded-User": "ada", "X-Forwarded-For": "203.0.113.9"}
        client.request("GET", "/pulse?x=1", headers=told)
        answer = client.getresponse()
        assert (200, True) == (answer.status, b'"news":0' in answer.read())
        client.request("GET", "/", headers={"X-Forwarded-For": "203.0.113.9"})
        answer = client.getresponse()
        assert (401, True) == (answer.status, b"does not say who you are" in answer.read())
        client.close()
        plain = http.client.HTTPConnection("localhost", port, timeout=30)
        plain.request("GET", "/healthz")
        with pytest.raises(OSError, match=r"reset|closed"):
            plain.getresponse()
        plain.close()
    finally:
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=PATIENCE_SECONDS)
    lines = [orjson.loads(line) for line in stderr.splitlines() if line.startswith("{")]

    assert [(None, "/", 401, "203.0.113.9")] == [
        (x["operator"], x["path"], x["status"], x["address"]) for x in lines
    ]


def served_by(context):
    """Return the certificate that a context serves, by a handshake in memory."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    client = trusting.wrap_bio(outgoing, incoming)
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client.getpeercert(binary_form=True)


def test_a_new_certificate_is_taken_when_it_is_whole(certificates, tmp_path):
    """R16.20: changed files are served once settled and valid; else the one before is kept."""
    for end in ("pem", "key"):
        shutil.copy(certificates / f"good.{end}", tmp_path / f"used.{end}")
    files, now = TlsFiles(tmp_path / "used.pem", tmp_path / "used.key"), real_clock()
    certificate = Certificate(files)
    first = served_by(certificate.context)

    def replace(name):
        for end in ("pem", "key"):
            shutil.copy(certificates / f"{name}.{end}", tmp_path / f"new.{end}")
            (tmp_path / f"new.{end}").rename(tmp_path / f"used.{end}")

    replace("old")
    certificate.look(now)
    certificate.look(now)
    assert first == served_by(certificate.context)
    replace("newer")
    certificate.look(now)
    assert first == served_by(certificate.context)
    certificate.look(now)
    newer = served_by(certificate.context)
    assert first != newer
    (tmp_path / "used.key").unlink()
    certificate.look(now)
    make_certificate(tmp_path, "used", -timedelta(days=1), timedelta(days=1))
    certificate.look(now)
    certificate.look(now)
    assert newer != served_by(certificate.context)


def test_a_silent_tls_client_is_not_waited_for(certificates):
    """R16.17: who opens a connection and says nothing is gone within seconds."""
    port = free_ports(1)
    tls = {"TLS_CERTIFICATE": certificates / "good.pem", "TLS_KEY": certificates / "good.key"}
    process = start(PORT=port, **tls)
    try:
        wait_for_port(process, port)
        silent = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        silent.connect()
        begun = time.monotonic()
        assert b"" == silent.sock.recv(1)
        assert time.monotonic() - begun < 45  # without a limit of ours it were a minute
        silent.close()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize(
    ("address", "held", "refused"),
    [
        ("203.0.113.9", 65, True),
        ("203.0.113.9", 64, False),
        ("127.0.0.1", 65, False),
        ("10.0.0.7", 65, False),
    ],
)
def test_one_address_has_so_many_connections(address, held, refused, monkeypatch):
    """R16.17: sixty-four of one address; our proxies and this machine itself have more."""
    monkeypatch.setattr(LimitedHttpProtocol, "proxies", (ipaddress.ip_network("10.0.0.7"),))
    monkeypatch.setattr(LimitedHttpProtocol, "head_seconds", 3600.0)
    transports = [_Transport((address, n)) for n in range(held)]

    async def connect():
        config = uvicorn.Config(object(), log_config=None)  # pyright: ignore[reportArgumentType]
        config.load()
        state = ServerState()
        for transport in transports:
            LimitedHttpProtocol(config, state, {}).connection_made(transport)

    asyncio.run(connect())

    assert [False] * 64 + [refused] * (held - 64) == [t.aborted for t in transports]


class _Transport(asyncio.Transport):
    """A connection from an address, that notes whether it was aborted."""

    def __init__(self, peer):
        super().__init__({"peername": peer, "sockname": ("127.0.0.1", 1)})
        self.aborted = False

    def abort(self):
        """Note it."""
        self.aborted = True

    def is_closing(self):
        """Go on."""
        return self.aborted


def test_the_pages_get_what_they_need(tmp_path):
    """`serve --with-ui` hands on the pages' own variables; a demo's pages read none."""
    public, everywhere = "https://ops.example", "0.0.0.0"  # noqa: S104
    settings = Settings(Fleet((), "", ""), tmp_path, host=everywhere, public_url=public)
    environ = {f"{UI}AUTH": "oidc", f"{UI}API_TOKEN_FILE": "/x", "MISSION_CONTROL_AUTH": "oidc"}
    told = told_to_pages(settings, {**environ, "PATH": "/bin", "PGPASSWORD": "x"}, demo=False)

    assert {
        "PATH": "/bin",
        "MISSION_CONTROL_URL": "http://127.0.0.1:8080",
        f"{UI}HOST": "0.0.0.0",  # noqa: S104
        "MISSION_CONTROL_PUBLIC_URL": "https://ops.example",
        f"{UI}AUTH": "oidc",
        f"{UI}API_TOKEN_FILE": "/x",
    } == told
    assert f"{UI}AUTH" not in told_to_pages(settings, environ, demo=True)
    secured = replace(settings, tls_certificate=tmp_path / "chain.pem", tls_key=tmp_path / "key")
    assert "https://127.0.0.1:8080" == told_to_pages(secured, {}, demo=False)["MISSION_CONTROL_URL"]
