"""How a connection is opened: where its name leads, and how far the request has come."""

import asyncio
import ipaddress
import math
import socket
import ssl
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import NamedTuple, cast

from aiohappyeyeballs import start_connection  # pyright: ignore[reportUnknownVariableType]

from mission_control.floor.decide.evidence import MAX_AGE_SECONDS
from mission_control.model.network_address import why_never_asked
from mission_control.probe.held_connection import HeldConnection, WireAnswer, name_peer
from mission_control.processes.own_process import DaemonWork

MOST_LOOKUPS = 512
"""So many names may hang at once before another has to wait for one of them to end."""
LOOK_AGAIN_SECONDS = 22.5
"""A name in use is looked up again after half the age at which its evidence expires."""
HANGING_AFTER_SECONDS = 0.5
"""A lookup under way for so long hangs: an address remembered from before may be dialled."""
JUST_NOW_SECONDS = 1.0
"""A connection is opened by a lookup of its own, or one that was begun so lately."""
ABSENT_FROM = 3
"""A peer that so many lookups in a row do not name is no longer where the name leads."""

Address = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]
GetAddresses = Callable[..., Sequence[Address]]
"""What looks a name up: called as `socket.getaddrinfo(host, None, type=SOCK_STREAM)` is."""

_NO_SUCH_NAME = frozenset({socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_ADDRFAMILY})
"""Errors by which the name server *says* that a name leads nowhere; others say nothing."""


class Lookup(NamedTuple):
    """What one lookup said, none being what a name says that leads nowhere; begun when."""

    addresses: tuple[Address, ...]
    at: float
    remembered: bool = False

    def names(self, host: str) -> bool:
        """Return whether this address is among those the name leads to."""
        return any(host == address[4][0] for address in self.addresses)


class Names:
    """
    Looks names up, one lookup per name under way, shared by all who wait.

    Lookups run in daemon threads of our own: a name whose lookup hangs holds one of them and
    delays no other name. All times are seconds of the event loop's clock, ages counting from
    when a lookup was begun.
    """

    def __init__(self, get_addresses: GetAddresses = socket.getaddrinfo) -> None:
        """Know nothing yet; look up by the system's resolver, or by what is given."""
        self._get_addresses = get_addresses
        self._lookups = DaemonWork[str, Sequence[Address]]("name-lookup", MOST_LOOKUPS)
        self._begun: dict[str, float] = {}
        self._known: dict[str, deque[Lookup]] = {}

    async def find(self, host: str, *, patient: bool = False) -> Lookup:
        """
        Return where a name leads; raises OSError (socket.gaierror) where the lookup fails.

        While the lookup hangs, or ends without an answer, what an earlier one said is given,
        marked `remembered`. The `patient` wait instead, where that is too old to be evidence.
        """
        newest = self.newest(host)
        now = asyncio.get_running_loop().time()
        if newest is None or not newest.addresses:
            return await self._wait(host)
        if now - newest.at <= JUST_NOW_SECONDS:
            return newest
        if patient and now - newest.at > MAX_AGE_SECONDS:
            return await self._wait(host)
        asked = self._ask(host)
        await asyncio.wait((asked,), timeout=self._begun[host] + HANGING_AFTER_SECONDS - now)
        if asked.done() and not _says_nothing(asked.exception()):
            try:
                return await self._wait_for(host, asked)
            finally:
                del asked  # as in `_wait_for`
        return newest._replace(remembered=True)

    def look_again(self, host: str) -> None:
        """Begin a lookup in the background, where the newest one begun is not young."""
        now = asyncio.get_running_loop().time()
        if now - self._begun.get(host, now) > LOOK_AGAIN_SECONDS:
            self._ask(host)

    def newest(self, host: str) -> Lookup | None:
        """Return what the newest lookup said; None where none was answered yet."""
        known = self._known.get(host)
        return known[-1] if known else None

    def confirm(self, host: str, peer: str, named_at: float) -> float | None:
        """
        Return when a lookup last named this peer; None when three in a row did not.

        `named_at` is when the lookup by which it was found, or which last named it, was begun.
        """
        known = self._known.get(host, ())
        named_at = max(named_at, *(k.at for k in known if k.names(peer)), -math.inf)
        absent = sum(1 for k in known if k.at > named_at)
        return None if absent >= ABSENT_FROM else named_at

    async def _wait(self, host: str) -> Lookup:
        return await self._wait_for(host, self._ask(host))

    async def _wait_for(self, host: str, asked: "asyncio.Future[Sequence[Address]]") -> Lookup:
        try:
            await asyncio.shield(asked)
        finally:
            del asked  # its error would hold this frame, and this frame the error
        return self._known[host][-1]

    def _ask(self, host: str) -> "asyncio.Future[Sequence[Address]]":
        under_way = self._lookups.is_under_way(host)
        work = partial(self._get_addresses, host, None, type=socket.SOCK_STREAM)
        asked = self._lookups.ask(host, work)
        if not under_way:
            begun = self._begun[host] = asyncio.get_running_loop().time()
            asked.add_done_callback(partial(self._remember, host, begun))
        return asked

    def _remember(
        self, host: str, begun: float, asked: "asyncio.Future[Sequence[Address]]"
    ) -> None:
        """Keep what a lookup said; one that got no answer says nothing."""
        error = asked.exception()
        if _says_nothing(error):
            return
        found = () if error is not None else asked.result()
        addresses = tuple(a for a in found if _may_be_asked(a))
        known = self._known.setdefault(host, deque(maxlen=ABSENT_FROM))
        known.append(Lookup(addresses, begun))


def _may_be_asked(address: Address) -> bool:
    """Return whether a name led to an address that a service can have; no name leads elsewhere."""
    try:
        told = ipaddress.ip_address(str(address[4][0]).partition("%")[0])
    except ValueError:
        return True  # of a family that is no IP; connecting says what becomes of it
    return not why_never_asked(told)


def _says_nothing(error: BaseException | None) -> bool:
    """Return whether a lookup failed without an answer, unlike one that says: no such name."""
    told = isinstance(error, socket.gaierror) and error.errno in _NO_SUCH_NAME
    return error is not None and not told


@lru_cache(maxsize=16_384)
def addressed(host: str) -> Lookup | None:
    """Return a host that is an address as if it had been looked up; None where it is a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return None
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return Lookup(tuple(found), math.inf)  # it leads there for ever


def with_port(address: Address, port: int) -> Address:
    """Return an address with the port to connect to."""
    family, kind, protocol, name, where = address
    return family, kind, protocol, name, cast("tuple[str, int]", (where[0], port, *where[2:]))


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
