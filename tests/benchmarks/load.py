"""
A client that asks one path over a few held connections: as fast as it is answered, or paced.

Paced, the time that an answer takes runs from when it was due to be asked for: one that is late
makes those behind it late as well.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import uvloop

CONNECTIONS = 16


async def _ask(url: str, dues: Iterator[float], took: list[float]) -> None:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=2**24)
    request = f"GET {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\n\r\n".encode()
    for due in dues:
        wait = due - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        took.append(time.perf_counter() - due)
    writer.close()


def _dues(number: int, began: float, seconds: float, per_second: float) -> Iterator[float]:
    """Yield when a connection asks: the connections take turns, evenly."""
    every = CONNECTIONS / per_second
    due = began + number / per_second
    while due < began + seconds:
        yield due
        due += every


def _at_once(until: float) -> Iterator[float]:
    while (now := time.perf_counter()) < until:
        yield now


async def _load(url: str, seconds: float, per_second: float | None) -> dict[str, float]:
    took = list[float]()
    began = time.perf_counter()
    dues = [
        _dues(n, began, seconds, per_second) if per_second else _at_once(began + seconds)
        for n in range(CONNECTIONS)
    ]
    await asyncio.gather(*(_ask(url, each, took) for each in dues))
    lasted = time.perf_counter() - began
    took.sort()
    return {
        "answers_per_second": len(took) / lasted,
        "p50_ms": took[len(took) // 2] * 1e3,
        "p99_ms": took[len(took) * 99 // 100] * 1e3,
    }


def main() -> int:
    """Ask for a while, then print answers per second and latencies as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--per-second", type=float)
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        told = runner.run(_load(given.url, given.seconds, given.per_second))
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
