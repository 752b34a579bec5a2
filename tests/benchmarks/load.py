"""A client that asks one path as fast as it is answered, over a few held connections."""

import argparse
import asyncio
import json
import sys
import time
from urllib.parse import urlsplit

import uvloop

CONNECTIONS = 16


async def _ask(url: str, until: float, took: list[float]) -> None:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=2**24)
    request = f"GET {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\n\r\n".encode()
    while time.perf_counter() < until:
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        took.append(time.perf_counter() - began)
    writer.close()


async def _load(url: str, seconds: float) -> dict[str, float]:
    took = list[float]()
    until = time.perf_counter() + seconds
    await asyncio.gather(*(_ask(url, until, took) for _ in range(CONNECTIONS)))
    took.sort()
    return {
        "answers_per_second": len(took) / seconds,
        "p50_ms": took[len(took) // 2] * 1e3,
        "p99_ms": took[len(took) * 99 // 100] * 1e3,
    }


def main() -> int:
    """Ask for a while, then print answers per second and latencies as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--seconds", type=float, default=10.0)
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        told = runner.run(_load(given.url, given.seconds))
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
