"""Observe: how a connection is opened, and how long each phase of that took."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from aiohappyeyeballs import start_connection  # pyright: ignore[reportUnknownVariableType]

from mission_control.observe.held_connection import HeldConnection

FALL_BACK_SECONDS = 0.25
"""Where a name has several addresses, the next is tried beside the one before after so long."""

PHASES: ContextVar[list[tuple[str, float]] | None] = ContextVar("PHASES", default=None)
"""Where the phases of opening a connection are noted for the request under way."""


_Address = tuple[
    int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
]


@dataclass(frozen=True, slots=True)
class Origin:
    """
    Where a connection leads; `port` is None where the URL leaves it to the scheme.

    `server_name` is what the certificate must be made out to, None for the host.
    """

    host: str
    port: int | None
    secure: bool
    server_name: str | None = None

    @property
    def to_port(self) -> int:
        """Give the port to connect to."""
        return self.port or (443 if self.secure else 80)


async def open_connection(
    origin: Origin, context: Callable[[], ssl.SSLContext], make: Callable[[], HeldConnection]
) -> HeldConnection:
    """
    Open a connection; its phases are noted also when one of them fails.

    Raises OSError: socket.gaierror for a name, ssl.SSLError for a certificate.
    """
    loop = asyncio.get_running_loop()
    with _timed("dns", unless=_is_address(origin.host)):
        addresses = await _resolve(origin)
    with _timed("connect"):
        opened = await start_connection(
            addresses, happy_eyeballs_delay=FALL_BACK_SECONDS, interleave=1
        )
    try:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not origin.secure:
            return (await loop.create_connection(make, sock=opened))[1]
        with _timed("tls"):
            secured = await loop.create_connection(
                make, sock=opened, ssl=context(), server_hostname=origin.server_name or origin.host
            )
        return secured[1]
    except BaseException:
        opened.close()
        raise


async def _resolve(origin: Origin) -> Sequence[_Address]:
    kind = socket.SOCK_STREAM
    if _is_address(origin.host):
        return socket.getaddrinfo(
            origin.host, origin.to_port, type=kind, flags=socket.AI_NUMERICHOST
        )
    loop = asyncio.get_running_loop()
    return await loop.getaddrinfo(origin.host, origin.to_port, type=kind)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@contextmanager
def _timed(phase: str, *, unless: bool = False) -> Generator[None]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        yield
    finally:
        noted = PHASES.get()
        if noted is not None and not unless:
            noted.append((phase, loop.time() - began))
