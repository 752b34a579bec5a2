"""
What Mission Control's polling is measured against: a raw Protocol and a bare aiohttp loop.

All ask every target once per interval, evenly spread, and read the answer up to a cap. `protocol`
opens each connection again at 45 s of its life, as we do; `held` and `aiohttp` keep theirs. They
parse nothing, decide nothing and publish nothing.
"""

import argparse
import asyncio
import json
import math
import resource
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import cast

import aiohttp
import farm
import uvloop

CAP_BYTES = 64 * 1024
LIFE_SECONDS = 45
DEADLINE_SECONDS = 3.0
HEADERS = {"user-agent": "bench", "accept": "application/json", "accept-encoding": "identity"}

Ask = Callable[[int], Awaitable[None]]
Close = Callable[[], Awaitable[None]]


class _Connection(asyncio.Protocol):
    """One held connection: writes a prebuilt request and counts bytes until the answer is whole."""

    def __init__(self) -> None:
        self.whole: asyncio.Future[None] | None = None
        self._buffer = b""
        self._missing = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by birth

    def data_received(self, data: bytes) -> None:
        if self._missing < 0:
            self._buffer += data
            head, gap, body = self._buffer.partition(b"\r\n\r\n")
            if not gap:
                return
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            self._missing, self._buffer = length - len(body), b""
        else:
            self._missing -= len(data)
        if self._missing <= 0 and self.whole is not None and not self.whole.done():
            self._missing = -1
            self.whole.set_result(None)


class _Lives:
    """When each connection ends, as Mission Control has it: at most 45 s on, and spread."""

    def __init__(self) -> None:
        self._ending = Counter[int]()

    def end_of(self, now: float) -> float:
        """Return the latest second of its life in which the fewest others end."""
        last = int(now) + LIFE_SECONDS
        if len(self._ending) > 2 * LIFE_SECONDS:
            self._ending = Counter({s: n for s, n in self._ending.items() if s > now})
        end = min(range(last, int(now), -1), key=self._ending.__getitem__)
        self._ending[end] += 1
        return end


def protocol_poller(port: int, *, reopens: bool) -> tuple[Ask, Close]:
    """Ask over raw Protocols: the floor below which no asyncio program gets."""
    held: dict[int, tuple[_Connection, float]] = {}
    lives = _Lives()

    async def opened(index: int) -> _Connection:
        loop = asyncio.get_running_loop()
        known = held.get(index)
        if known is not None:
            connection, end = known
            if loop.time() < end and not connection.transport.is_closing():
                return connection
            connection.transport.close()
        address = farm.address_of(index)
        _, connection = await loop.create_connection(_Connection, address, port)
        held[index] = connection, lives.end_of(loop.time()) if reopens else math.inf
        return connection

    async def ask(index: int) -> None:
        connection = await opened(index)
        connection.whole = asyncio.get_running_loop().create_future()
        address = farm.address_of(index)
        connection.transport.write(
            f"GET /ops/status HTTP/1.1\r\nhost: {address}:{port}\r\n\r\n".encode()
        )
        async with asyncio.timeout(DEADLINE_SECONDS):
            await connection.whole

    async def close() -> None:
        for connection, _ in held.values():
            connection.transport.abort()

    return ask, close


def aiohttp_poller(port: int) -> tuple[Ask, Close]:
    """Ask with aiohttp as a careful program does: one session, no cookies, a total deadline."""
    sessions = list[aiohttp.ClientSession]()

    async def ask(index: int) -> None:
        if not sessions:
            sessions.append(
                aiohttp.ClientSession(
                    connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=75.0),
                    cookie_jar=aiohttp.DummyCookieJar(),
                    timeout=aiohttp.ClientTimeout(total=DEADLINE_SECONDS),
                    auto_decompress=False,
                    headers=HEADERS,
                )
            )
        url = f"http://{farm.address_of(index)}:{port}/ops/status"
        async with sessions[0].get(url, allow_redirects=False) as response:
            size = 0
            async for chunk in response.content.iter_any():
                size += len(chunk)
                if size > CAP_BYTES:
                    response.close()
                    return

    async def close() -> None:
        for session in sessions:
            await session.close()

    return ask, close


async def _poll(
    ask: Ask, close: Close, targets: int, interval: float, rounds: int
) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    failed = 0

    async def watch(index: int) -> None:
        nonlocal failed
        for turn in range(rounds + 1):
            due = began + interval * (turn + index / targets)
            await asyncio.sleep(max(0.0, due - loop.time()))
            try:
                await ask(index)
            except (OSError, TimeoutError, aiohttp.ClientError):
                failed += turn > 0

    async def measure() -> float:
        await asyncio.sleep(interval * 0.95)
        return time.process_time()

    async with asyncio.TaskGroup() as tasks:
        start = tasks.create_task(measure())
        for index in range(targets):
            tasks.create_task(watch(index))
    seconds = time.process_time() - start.result()
    await close()
    return {
        "cpu_us_per_target": seconds / (targets * rounds) * 1e6,
        "failed": failed,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


POLLERS: dict[str, Callable[[int], tuple[Ask, Close]]] = {
    "protocol": partial(protocol_poller, reopens=True),
    "held": partial(protocol_poller, reopens=False),
    "aiohttp": aiohttp_poller,
}


def main() -> int:
    """Poll, then print what it cost as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("poller", choices=tuple(POLLERS))
    parser.add_argument("port", type=int)
    parser.add_argument("--targets", type=int, default=1_000)
    parser.add_argument("--interval", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    ask, close = POLLERS[given.poller](given.port)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        told = runner.run(_poll(ask, close, given.targets, given.interval, given.rounds))
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
