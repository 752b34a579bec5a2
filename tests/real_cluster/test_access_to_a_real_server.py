"""Who we are to a real kube-apiserver: plugins, impersonation, rotated tokens, a path before it."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import yaml

from mission_control.bootstrap.clock import real_clock
from mission_control.cluster.read.api_server import ApiServer
from mission_control.cluster.read.examination import examine_cluster
from mission_control.cluster.read.lister import ClusterLister
from mission_control.cluster.read.observer import ClusterObserver
from mission_control.model.fleet import ClusterAccess
from mission_control.model.reading import Seen, Unseen
from tests.real_cluster.conftest import NAMESPACES

pytestmark = pytest.mark.anyio

OURS = "system:serviceaccount:trading-floor:mission-control"
FLOOR = "trading-floor"


@pytest.fixture
async def reading(tmp_path, server, monkeypatch) -> AsyncIterator:
    """Yield what reads the real server by its own kubeconfig, with a proxy that leads nowhere."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    path = tmp_path / "config"
    access = ClusterAccess(NAMESPACES, FLOOR, kubeconfig=str(path))
    lister = ClusterLister(ApiServer(access, clock=real_clock), real_clock)

    def write(user: dict, url: str = "", **cluster: object) -> None:
        authority = str(server.folder / "certs" / "apiserver.crt")
        held = {"server": url or server.url, "certificate-authority": authority, **cluster}
        document = {
            "current-context": "x",
            "clusters": [{"name": "c", "cluster": held}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        }
        path.write_text(yaml.safe_dump(document))

    lister.write = write  # type: ignore[attr-defined]
    yield lister
    await lister.server.forget()


async def codes(lister) -> set[str | None]:
    """Read a round, and say how its lists went: None for one that was seen."""
    facts = await ClusterObserver(lister).read()
    return {r.reading.code if isinstance(r.reading, Unseen) else None for r in facts.lists}


async def test_a_plugin_logs_in_and_a_revoked_token_is_asked_for_again(server, reading, tmp_path):
    """After a 401 the plugin is asked again, and the very list that was refused is read."""
    script, told = tmp_path / "plugin", tmp_path / "told"
    script.write_text(f"#!/bin/sh\ncat {told}\n")
    script.chmod(0o755)
    version = "client.authentication.k8s.io/v1beta1"
    answer = {"apiVersion": version, "kind": "ExecCredential"}
    told.write_text(json.dumps({**answer, "status": {"token": "stale-token"}}))
    reading.write({"exec": {"apiVersion": version, "command": "./plugin"}})
    refused = await examine_cluster(reading)
    token = server.token_of(FLOOR, "mission-control")
    told.write_text(json.dumps({**answer, "status": {"token": token}}))
    accepted = await codes(reading)

    assert "does not accept our credentials" in refused.unreachable
    assert {None} == accepted
    assert reading.server.endpoint.who == OURS


async def test_who_is_impersonated_is_who_reads(server, reading):
    """As our account all is read, and as another nothing is; the server names it."""
    reading.write({"token": "admin-token", "as": OURS})
    ours = await examine_cluster(reading)
    await reading.server.forget()
    reading.write({"token": "admin-token", "as": "another-user"})
    other = await examine_cluster(reading)

    assert [] == [r.source for r in ours.lists if isinstance(r.reading, Unseen)]
    assert (OURS, None) == (ours.account.who, ours.account.read_only)
    assert "no others)" in ours.account.detail
    assert {"DENIED"} == {r.reading.code for r in other.lists if isinstance(r.reading, Unseen)}
    assert ("another-user", True) == (other.account.who, other.account.verified)


async def test_an_event_that_goes_on_is_as_new_as_its_last_time(server, reading):
    """What was written by `events.k8s.io` is read with its series, and the newest comes first."""
    for name, series in (("once", None), ("again", {"count": 7, "lastObservedTime": LATER})):
        event = {
            "apiVersion": "events.k8s.io/v1", "kind": "Event",
            "metadata": {"name": name, "namespace": FLOOR}, "eventTime": EARLIER, "type": "Warning",
            "reason": "BackOff", "action": "Pulling", "note": f"it failed {name}",
            "regarding": {"kind": "Pod", "name": "p", "namespace": FLOOR},
            "reportingController": "test/kubelet", "reportingInstance": "n", "series": series,
        }  # fmt: skip
        path = f"/apis/events.k8s.io/v1/namespaces/{FLOOR}/events"
        server.ask("POST", path, event).raise_for_status()
    reading.write({"token": "admin-token"})
    warnings = (await ClusterObserver(reading).read()).warnings

    assert [("it failed again", 7), ("it failed once", 1)] == [
        (w.message, w.count) for w in warnings
    ]
    assert LATER.partition(".")[0] in str(warnings[0].last_seen).replace(" ", "T")


EARLIER, LATER = "2026-11-18T14:00:00.000000Z", "2026-11-18T15:00:00.000000Z"


@asynccontextmanager
async def front(server, prefix: str) -> AsyncIterator[str]:
    """Serve the real API below a path, as Rancher does, with a certificate of its own."""
    certs = server.folder / "certs"
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(certs / "apiserver.crt", certs / "apiserver.key")

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                method, path, _ = head.split(" ", 2)
                lines = (h.partition(": ") for h in head.split("\r\n")[1:] if h)
                told = {k.lower(): v for k, _, v in lines}
                token = told["authorization"].partition(" ")[2]
                inner = path.removeprefix(prefix) if path.startswith(prefix) else "/nowhere"
                answer = await asyncio.to_thread(server.ask, method, inner, None, token)
                size = f"content-length: {len(answer.content)}"
                writer.write(f"HTTP/1.1 {answer.status_code} X\r\n{size}\r\n\r\n".encode())
                writer.write(answer.content)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=shown)
    try:
        yield f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}{prefix}"
    finally:
        listening.close()


async def test_a_real_api_below_a_path_is_read_whole(server, reading):
    """Everything that is ever read is read below the path, and the server then moves away."""
    token = server.token_of(FLOOR, "mission-control")
    async with front(server, "/k8s/clusters/c-x") as url:
        reading.write({"token": token}, f"{url}/")
        seen = await examine_cluster(reading)
    reading.write({"token": token})  # the front is gone: the API server itself is named
    after = await codes(reading)

    assert [] == [r.source for r in seen.lists if isinstance(r.reading, Unseen)]
    assert all(isinstance(r, Seen) for _, r in seen.namespaces)
    assert OURS == seen.account.who
    assert {None} == after
