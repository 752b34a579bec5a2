"""Simulation: one loopback port that can be shut and opened again."""

import asyncio
import errno
import socket
from typing import Protocol, cast

import uvicorn

from mission_control.errors import ConfigurationError
from mission_control.simulation.answers import ASGIApp

LOOPBACK = "127.0.0.1"
KEEP_ALIVE_SECONDS = 75
FAREWELL_SECONDS = 0.5
ARRIVAL_STEPS = 10
"""Whoever was let in just before the door is shut is inside within so many steps of the loop."""


class _Connection(Protocol):
    transport: asyncio.Transport


class Doorway:
    """
    An ASGI app on one port of loopback.

    While it is shut, connections are really refused; the port stays bound all the same, so that
    nobody else can take it meanwhile.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        """
        Claim the port, shut; 0 lets the system choose one, which is then kept.

        Raises ConfigurationError when the port is busy.
        """
        self._app = app
        self._claim = _claim(port)
        self._server: uvicorn.Server | None = None
        self.port: int = self._claim.getsockname()[1]

    async def open(self) -> None:
        """Listen, unless it listens already."""
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
        """Refuse from now on and hang up on everybody, unless it is shut already."""
        if self._server is not None:
            await self._hang_up(self._server)
            self._server = None
            self._claim = _claim(self.port)

    def give_back(self) -> None:
        """Give the port back for good; only after it was shut."""
        self._claim.close()

    async def _hang_up(self, server: uvicorn.Server) -> None:
        # Python 3.11 forgets who was let in by a listener that is closed before he is inside.
        loop = asyncio.get_running_loop()
        for each in (s for listener in server.servers for s in listener.sockets):
            loop.remove_reader(each.fileno())
        for _ in range(ARRIVAL_STEPS):
            await asyncio.sleep(0)
        for listener in server.servers:
            listener.close()
        state = server.server_state
        for connection in cast("list[_Connection]", list(state.connections)):
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
