"""How a connection is opened, and how far the request under way has come."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from aiohappyeyeballs import start_connection  # pyright: ignore[reportUnknownVariableType]

from mission_control.probe.held_connection import HeldConnection, WireAnswer, name_peer
from mission_control.probe.names import Address, Lookup, Names, addressed, with_port

FALL_BACK_SECONDS = 0.25
"""Where a name has several addresses, the next is tried beside the one before after so long."""
_NUMERIC = frozenset({socket.AF_INET, socket.AF_INET6})


@dataclass(slots=True)
class Course:
    """
    How far one request has come: noted as it goes, so that it is known also where it fails.

    `phases` are (name, seconds) of opening a connection, `phase` the one under way: dns,
    connect, tls, or answer. `peer` is the address that is asked, empty before it is connected.
    `named_at` is when a lookup last said that the name leads there, `sent_at` when the request
    was written, both by the event loop's clock. `answer` is as much of it as came.
    """

    phases: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])
    phase: str = ""
    peer: str = ""
    named_at: float = 0.0
    sent_at: float | None = None
    connection: HeldConnection | None = None

    @property
    def answer(self) -> WireAnswer | None:
        """Return as much of the answer as came; None where its head did not."""
        heard = self.connection
        return heard.heard if heard is not None and self.sent_at is not None else None


COURSE: ContextVar[Course | None] = ContextVar("COURSE", default=None)
"""Where the request under way notes how far it has come."""


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
        """Return the port to connect to."""
        return self.port or (443 if self.secure else 80)


async def open_connection(
    origin: Origin,
    names: Names,
    context: ssl.SSLContext | None,
    make: Callable[[], HeldConnection],
) -> HeldConnection:
    """
    Open a connection; its phases are noted also when one of them fails.

    Raises OSError: socket.gaierror for a name, ssl.SSLError for a certificate.
    """
    course = COURSE.get() or Course()
    found = await _find(origin.host, names, course)
    only = found.addresses[0] if len(found.addresses) == 1 else None
    if context is None and only is not None and only[0] in _NUMERIC and "%" not in str(only[4][0]):
        held = await _open_plainly(only, origin.to_port, course, make)
    else:
        held = await _open_in_steps(found, origin, course, context, make)
    held.named_at, held.context = found.at, context
    return held


async def _open_plainly(
    address: Address, port: int, course: Course, make: Callable[[], HeldConnection]
) -> HeldConnection:
    """Open a connection without TLS to a single address, which costs half of what steps do."""
    host = str(address[4][0])
    with _timed(course, "connect"):
        _, held = await asyncio.get_running_loop().create_connection(make, host, port)
    course.peer = held.lead_to(host, port)
    return held


async def _open_in_steps(
    found: Lookup,
    origin: Origin,
    course: Course,
    context: ssl.SSLContext | None,
    make: Callable[[], HeldConnection],
) -> HeldConnection:
    loop = asyncio.get_running_loop()
    with _timed(course, "connect"):
        opened = await _connect(found, origin.to_port)
    try:
        host, port = opened.getpeername()[:2]
        course.peer = name_peer(host, port)
        if context is None:
            _, held = await loop.create_connection(make, sock=opened)
        else:
            name = origin.server_name or origin.host
            with _timed(course, "tls"):
                _, held = await loop.create_connection(
                    make, sock=opened, ssl=context, server_hostname=name
                )
    except BaseException:
        opened.close()
        raise
    held.lead_to(host, port)
    return held


async def _find(host: str, names: Names, course: Course) -> Lookup:
    """Find the addresses of a host; without a course no address is used that is too old."""
    known = addressed(host)
    if known is not None:
        return known
    with _timed(course, "dns"):
        found = await names.find(host, patient=COURSE.get() is None)
    if not found.addresses:
        raise socket.gaierror(socket.EAI_NODATA, f"{host} has no address")
    return found


async def _connect(found: Lookup, port: int) -> socket.socket:
    addresses = [with_port(address, port) for address in found.addresses]
    try:
        return await start_connection(
            addresses, happy_eyeballs_delay=FALL_BACK_SECONDS, interleave=1
        )
    except RuntimeError as error:  # as uvloop has it of an address that it cannot use
        raise OSError(str(error)) from error


@contextmanager
def _timed(course: Course, phase: str) -> Generator[None]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    course.phase = phase
    try:
        yield
    finally:
        course.phases.append((phase, loop.time() - began))
