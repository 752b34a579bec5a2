"""The cluster reader on a real API socket that drips: a round ends, and the next one is whole."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from mission_control.cluster.read import observer as reader_module
from mission_control.cluster.read.api_server import ApiServer
from mission_control.cluster.read.credentials import Endpoint
from mission_control.cluster.read.lister import ClusterLister
from mission_control.cluster.read.observer import ClusterObserver
from mission_control.model.fleet import ClusterAccess
from mission_control.model.reading import Unseen, UnseenReason
from tests.ports import PATIENCE_SECONDS

pytestmark = pytest.mark.anyio

AT = datetime(2026, 11, 18, 15, 15, tzinfo=UTC)
FLOOR = "trading-floor"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
EMPTY = {
    "configmaps": b"ConfigMapList",
    "cronjobs": b"CronJobList",
    "daemonsets": b"DaemonSetList",
    "deployments": b"DeploymentList",
    "events": b"EventList",
    "horizontalpodautoscalers": b"HorizontalPodAutoscalerList",
    "jobs": b"JobList",
    "pods": b"PodList",
    "replicasets": b"ReplicaSetList",
    "replicationcontrollers": b"ReplicationControllerList",
    "statefulsets": b"StatefulSetList",
}
OTHERS = {
    b"/apis": b'{"kind":"APIGroupList","groups":[{"name":"apps"},{"name":"batch"}]}',
    b"/apis/autoscaling/v2": b'{"resources":[{"name":"horizontalpodautoscalers"}]}',
    b"/apis/batch/v1": b'{"resources":[{"name":"jobs"},{"name":"cronjobs"}]}',
    b"/api/v1/namespaces/kube-system": b'{"kind":"Namespace","metadata":{"uid":"1-2"}}',
}


class DrippingServer:
    """An API server on a loopback socket whose list of pods drips while `drips` is set."""

    def __init__(self, drips: bytes | None) -> None:
        """Drip these bytes for ever, one each millisecond, after what precedes them."""
        self.drips = drips
        self.serving: set[asyncio.Task[None] | None] = set()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until it ends."""
        self.serving.add(asyncio.current_task())
        try:
            while request := await reader.readuntil(b"\r\n\r\n"):
                path = request.split()[1].partition(b"?")[0]
                await self._send(writer, path)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the reader hung up
        finally:
            self.serving.discard(asyncio.current_task())
            writer.close()

    async def _send(self, writer: asyncio.StreamWriter, path: bytes) -> None:
        name = path.rpartition(b"/")[2].decode()
        if name == "pods" and (drips := self.drips):
            writer.write(drips[:-1])
            while True:
                writer.write(drips[-1:])
                await writer.drain()
                await asyncio.sleep(0.001)
        body = OTHERS.get(path) or b'{"kind":"%s","items":[]}' % EMPTY[name]
        writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()


@asynccontextmanager
async def dripping(drips: bytes) -> AsyncGenerator[tuple[DrippingServer, ClusterObserver]]:
    """Serve on a free port; gives the server and what reads it over real connections."""
    api = DrippingServer(drips)
    listening = await asyncio.start_server(api.answer, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]

    async def load(_access: ClusterAccess) -> Endpoint:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # which plain HTTP has no use for
        url = f"http://127.0.0.1:{port}"
        return Endpoint(url, context, None, lambda: "Bearer t", "us", verified=True)

    server = ApiServer(ClusterAccess((FLOOR,), FLOOR), load=load)
    async with listening:
        yield api, ClusterObserver(ClusterLister(server, lambda: AT))
        await server.forget()
        await asyncio.gather(*filter(None, api.serving))


@pytest.mark.parametrize(
    "drips",
    [
        pytest.param(b"HTTP/1.1 200 OK", id="the status line"),
        pytest.param(HEAD + b"X-Long: a", id="a header"),
        pytest.param(HEAD + b"Content-Length: 1000000\r\n\r\n ", id="a body of known length"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2000;a", id="a chunk's extension"),
        pytest.param(HEAD + b"Connection: close\r\n\r\n ", id="a body until the connection ends"),
    ],
)
async def test_a_list_that_drips_ends_with_the_round_and_hurts_no_other(monkeypatch, drips):
    """Each byte comes in time and the whole never does: the predecessor hung on that for good."""
    async with dripping(drips) as (api, observer):
        with monkeypatch.context() as patch:
            patch.setattr(reader_module, "ROUND_SECONDS", 1.5)
            first = await asyncio.wait_for(observer.read(), 20)
        api.drips = None
        healed = await asyncio.wait_for(observer.read(), 20)

    unseen = {r.resource: r.reading for r in first.lists if isinstance(r.reading, Unseen)}
    assert {"pods": UnseenReason.TIMEOUT} == {name: u.reason for name, u in unseen.items()}
    assert {False} == {isinstance(r.reading, Unseen) for r in healed.lists}


async def test_what_dripped_is_let_go_of(monkeypatch):
    """Round after round leaves no connection behind on which something still drips."""
    monkeypatch.setattr(reader_module, "ROUND_SECONDS", 0.2)
    async with dripping(HEAD + b"Content-Length: 1000000\r\n\r\n ") as (api, observer):
        await observer.read()
        after_one = len(api.serving)
        for _ in range(5):
            await observer.read()

        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(api.serving) > after_one:  # noqa: ASYNC110  (a dropped connection signals nothing)
                await asyncio.sleep(0.02)
