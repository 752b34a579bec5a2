"""The floor served on loopback ports, so that a person can curl it."""

import asyncio
import base64
import errno
import socket
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self, cast

import orjson
import uvicorn
import yaml

from mission_control.errors import ConfigurationError
from mission_control.simulation.answers import ASGIApp
from mission_control.simulation.cluster_api import ACCOUNT
from mission_control.simulation.floor import SimulatedFloor
from mission_control.simulation.roster import NAMES_WITH_HTTP
from mission_control.simulation.scenario import KUBERNETES

LOOPBACK = "127.0.0.1"
KEEP_ALIVE_SECONDS = 75
FAREWELL_SECONDS = 0.5
ARRIVAL_STEPS = 10
"""Steps of the loop after which a connection accepted just before is set up."""


class Doorway:
    """
    An ASGI app on one port of loopback.

    While it is shut, connections are really refused; the port stays bound, so that no other
    process can take it meanwhile.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        """
        Bind the port, shut; 0 lets the system choose one, which is then kept.

        Raises ConfigurationError when the port is busy.
        """
        self._app = app
        self._claim = _claim(port)
        self._server: uvicorn.Server | None = None
        self.port: int = self._claim.getsockname()[1]

    async def open(self) -> None:
        """Listen, unless it already does."""
        if self._server is not None:
            return
        config = uvicorn.Config(
            self._app,
            http="httptools",
            interface="asgi3",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            date_header=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[self._claim])
        self._server = server

    async def shut(self) -> None:
        """Refuse from now on and abort all connections, unless it is shut already."""
        if self._server is not None:
            await self._hang_up(self._server)
            self._server = None
            self._claim = _claim(self.port)

    def release(self) -> None:
        """Release the port; only after it was shut."""
        self._claim.close()

    async def _hang_up(self, server: uvicorn.Server) -> None:
        # Python 3.11 loses a connection whose listener is closed before its transport is made.
        loop = asyncio.get_running_loop()
        for each in (s for listener in server.servers for s in listener.sockets):
            loop.remove_reader(each.fileno())
        for _ in range(ARRIVAL_STEPS):
            await asyncio.sleep(0)
        for listener in server.servers:
            listener.close()
        state = server.server_state
        for connection in cast("list[Any]", list(state.connections)):
            connection.transport.abort()
        if state.tasks:
            await asyncio.wait(tuple(state.tasks), timeout=FAREWELL_SECONDS)


def _claim(port: int) -> socket.socket:
    claim = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    claim.settimeout(0)
    try:
        claim.bind((LOOPBACK, port))
    except (OSError, OverflowError) as error:
        claim.close()
        busy = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        raise ConfigurationError(
            f"port {port} is taken" if busy else f"port {port} cannot be used: {error}",
            where=f"{LOOPBACK}:{port}",
            remedy="stop what listens there, or choose another base port",
        ) from None
    return claim


DEFAULT_BASE_PORT = 9100
CONTROL = "control"
OTHERS = "other floors"
FOLLOW_SECONDS = 5.0


def _token() -> str:
    """Return an unsigned token that names the account to be ours; it is never verified."""
    claims = ({"alg": "none"}, {"sub": ACCOUNT})
    parts = (base64.urlsafe_b64encode(orjson.dumps(t)).decode().rstrip("=") for t in claims)
    return f"{'.'.join(parts)}.unsigned"


class FloorOnLoopback:
    """
    Serves a floor from one background thread: switchboard, services in order, the cluster's API.

    A service that refuses connections has its port really shut, and the kill switch's file holds
    what the scenario says; a switch of the floor returns when both have followed.
    """

    def __init__(
        self,
        floor: SimulatedFloor,
        base_port: int = DEFAULT_BASE_PORT,
        kill_switch_file: Path | None = None,
        others: ASGIApp | None = None,
    ) -> None:
        """
        Prepare; with base port 0 the system chooses the ports, else they are consecutive.

        `others` are the Mission Controls of other floors, at the last port.
        """
        self._others = others
        self.floor = floor
        self.kill_switch_file = kill_switch_file
        self._base_port = base_port
        self._doorways: dict[str, Doorway] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None
        self._enough = asyncio.Event()
        self._following = Lock()
        floor.on_switch(self._follow)

    def start(self) -> None:
        """
        Serve, and return when every port listens that should.

        Raises ConfigurationError that names a busy port, or the kill switch's file where it cannot
        be written.
        """
        if self.kill_switch_file is not None:
            self.floor.write_kill_switch(self.kill_switch_file)
        self._claim_ports()
        self._enough = asyncio.Event()
        started = Future[None]()
        self._thread = Thread(
            target=lambda: asyncio.run(self._serve(started)), name="simulated-floor", daemon=True
        )
        self._thread.start()
        started.result()

    def stop(self) -> None:
        """Abort all connections and release all ports, within a second."""
        with self._following:
            loop, self._loop = self._loop, None
        if loop is not None and self._thread is not None:
            loop.call_soon_threadsafe(self._enough.set)
            self._thread.join()

    def __enter__(self) -> Self:
        """Start serving."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop serving."""
        self.stop()

    def base_url(self, agent_name: str) -> str:
        """Return a service's address; known once started, also while its port refuses."""
        return f"http://{LOOPBACK}:{self._doorways[agent_name].port}"

    @property
    def base_urls(self) -> Mapping[str, str]:
        """The address of every service that has HTTP, as `fleet_document` takes them."""
        return {name: self.base_url(name) for name in NAMES_WITH_HTTP}

    @property
    def control_url(self) -> str:
        """The switchboard's address."""
        return self.base_url(CONTROL)

    @property
    def others_url(self) -> str:
        """The address of the Mission Controls of other floors."""
        return self.base_url(OTHERS)

    @property
    def kubernetes_url(self) -> str:
        """The address of the cluster's API."""
        return self.base_url(KUBERNETES)

    def write_kubeconfig(self, path: Path) -> None:
        """Write a kubeconfig for the cluster's API, which does not authenticate."""
        named = {"name": "simulated"}
        config: dict[str, object] = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "simulated",
            "clusters": [{**named, "cluster": {"server": self.kubernetes_url}}],
            "users": [{**named, "user": {"token": _token()}}],
            "contexts": [{**named, "context": {"cluster": "simulated", "user": "simulated"}}],
        }
        path.write_text(yaml.safe_dump(config, sort_keys=False))

    def _claim_ports(self) -> None:
        apps = {CONTROL: self.floor.control_app}
        apps |= {name: self.floor.app(name) for name in (*NAMES_WITH_HTTP, KUBERNETES)}
        if self._others is not None:
            apps[OTHERS] = self._others
        claimed = dict[str, Doorway]()
        try:
            for offset, (name, app) in enumerate(apps.items()):
                claimed[name] = Doorway(app, self._base_port and self._base_port + offset)
        except ConfigurationError:
            for doorway in claimed.values():
                doorway.release()
            raise
        self._doorways = claimed

    async def _serve(self, started: Future[None]) -> None:
        try:
            await self._match_doorways()
            self._loop = asyncio.get_running_loop()
            started.set_result(None)
            await self._enough.wait()
        except Exception as error:
            if started.done():
                raise
            started.set_exception(error)
        finally:
            await asyncio.gather(*(doorway.shut() for doorway in self._doorways.values()))
            for doorway in self._doorways.values():
                doorway.release()

    def _follow(self) -> None:
        with self._following:
            if self._loop is None:
                return
            if self.kill_switch_file is not None:
                self.floor.write_kill_switch(self.kill_switch_file)
            matched = asyncio.run_coroutine_threadsafe(self._match_doorways(), self._loop)
            matched.result(FOLLOW_SECONDS)

    async def _match_doorways(self) -> None:
        for name, doorway in self._doorways.items():
            if name != CONTROL and self.floor.refuses(name):
                await doorway.shut()
            else:
                await doorway.open()
