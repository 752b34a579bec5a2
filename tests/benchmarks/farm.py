"""
A farm of targets: thousands of addresses in 127.0.0.0/8 on one port, in a process of its own.

What a target does follows from its address, so that it needs no configuration: `conduct_of` names
it for an index. One listening socket serves all; refused targets are asked on a port where
nothing listens. A conduct on a line of the farm's standard input becomes that of all its targets,
and the farm answers with the instant (monotonic seconds) from which on it was.
"""

import argparse
import asyncio
import json
import resource
import socket
import sys
import time
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import cast

import uvloop

PER_THIRD_OCTET = 250
DRIP_SECONDS = 0.2
LARGE_BODY_BYTES = 5_000_000


class Mode(StrEnum):
    """How many of the targets are hurt, and how."""

    HEALTHY = "healthy"
    HUNG = "hung"
    """5 % accept and never answer."""
    HALF = "half"
    """Every other one accepts and never answers."""
    MIXED = "mixed"
    """5 % hung, 5 % refused, 1 % 500, 1 % a 5 MB body, 1 % one byte per 0.2 s."""


class Conduct(StrEnum):
    """What one target does."""

    ANSWERS = "answers"
    HANGS = "hangs"
    REFUSES = "refuses"
    FAILS = "fails"
    MISSES = "misses"
    """404."""
    HALTS = "halts"
    """Answers that it has halted."""
    FLOODS = "floods"
    DRIPS = "drips"


_MIXED = (
    *(Conduct.HANGS,) * 5,
    *(Conduct.REFUSES,) * 5,
    Conduct.FAILS,
    Conduct.FLOODS,
    Conduct.DRIPS,
)


def conduct_of(index: int, mode: Mode) -> Conduct:
    """Say what the target with this index does; spread evenly over the fleet."""
    place = index * 37 % 100  # 37 and 100 share no factor: every hundred holds each place once
    if mode is Mode.MIXED and place < len(_MIXED):
        return _MIXED[place]
    if (mode is Mode.HUNG and place < 5) or (mode is Mode.HALF and index % 2):
        return Conduct.HANGS
    return Conduct.ANSWERS


def address_of(index: int) -> str:
    """Give the loopback address of the target with this index."""
    high, low = divmod(index, PER_THIRD_OCTET)
    return f"127.{1 + high // 250}.{high % 250}.{1 + low}"


def index_of(address: str) -> int:
    """Give the index of the target with this address."""
    _, second, third, fourth = map(int, address.split("."))
    return ((second - 1) * 250 + third) * PER_THIRD_OCTET + fourth - 1


def name_of(index: int) -> str:
    """Give the name of the target with this index, in letters, so that no two texts are alike."""
    letters = (chr(ord("a") + index // 17**place % 17) for place in range(5))
    return "target-" + "".join(letters)


def status_document(index: int, now: datetime, *, halted: bool) -> dict[str, object]:
    """Give what a strategy service answers on `/ops/status` (status contract)."""
    name, stamp = name_of(index), now.isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        "service_name": name,
        "service_kind": "strategy",
        "repo_id": "bench",
        "git_sha": "0123456789abcdef",
        "build_id": "1",
        "agent_identity": {"agent_name": name, "agent_role": "strategy", "agent_mode": "OBSERVE"},
        "status": {
            "state": "HALTED" if halted else "OK",
            "summary": "Halted" if halted else "All services healthy",
            "reason_codes": ["RISK_LIMIT"] if halted else [],
            "last_updated_utc": stamp,
        },
        "heartbeat": {"last_heartbeat_utc": stamp, "age_seconds": 1.0, "ttl_seconds": 60},
        "marketdata": {
            "last_tick_utc": stamp,
            "last_bar_utc": None,
            "stale_threshold_seconds": 120,
            "is_fresh": True,
        },
        "safety": {
            "kill_switch": True,
            "safe_to_run_strategies": True,
            "safe_to_execute_orders": False,
            "gating_reasons": ["KILL_SWITCH"],
        },
        "endpoints": {"healthz": "/healthz", "heartbeat": "/heartbeat", "metrics": None},
    }


def _head(status: str, length: int, now: datetime) -> bytes:
    date = now.strftime("%a, %d %b %Y %H:%M:%S GMT")
    return (
        f"HTTP/1.1 {status}\r\ndate: {date}\r\nserver: farm\r\n"
        f"content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    ).encode()


class _Field:
    """What all targets share: their conduct, their clock, their sockets and their answers."""

    def __init__(self, mode: Mode, ahead: timedelta, address: str) -> None:
        self._mode, self._ahead = mode, ahead
        self._where = (address, 0)
        self._told: Conduct | None = None
        self._server: asyncio.Server | None = None
        self._second = -1
        self._bytes: dict[tuple[int, Conduct], bytes] = {}
        self.connections = set[asyncio.Transport]()

    async def follow(self) -> None:
        """Serve as told, line by line, until there is nothing more to tell."""
        loop = asyncio.get_running_loop()
        await self._listen()
        print(self._where[1], flush=True)
        lines = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while line := await lines.readline():
            self._told = Conduct(line.decode().strip())
            if self._told is Conduct.REFUSES:
                self._close()
            elif self._server is None:
                await self._listen()
            print(time.monotonic(), flush=True)

    async def _listen(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(self._where)
        self._where = listener.getsockname()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Target(self), sock=listener, backlog=4096)

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in tuple(self.connections):
            connection.abort()

    def conduct_of(self, index: int) -> Conduct:
        return self._told or conduct_of(index, self._mode)

    def answer_of(self, index: int, conduct: Conduct) -> bytes:
        """Return the answer; a long one is made again each second."""
        if conduct not in (Conduct.ANSWERS, Conduct.HALTS):
            return self._make(index, conduct)
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._bytes = second, {}
        known = self._bytes.get((index, conduct))
        if known is None:
            known = self._bytes[index, conduct] = self._make(index, conduct)
        return known

    def _make(self, index: int, conduct: Conduct) -> bytes:
        now = datetime.now(UTC) + self._ahead
        match conduct:
            case Conduct.FAILS:
                return _head("500 Internal Server Error", 2, now) + b"{}"
            case Conduct.MISSES:
                return _head("404 Not Found", 2, now) + b"{}"
            case Conduct.FLOODS:
                return _head("200 OK", LARGE_BODY_BYTES, now) + b" " * LARGE_BODY_BYTES
            case Conduct.DRIPS:
                return _head("200 OK", 1_000, now)
            case Conduct.ANSWERS | Conduct.HALTS:
                document = status_document(index, now, halted=conduct is Conduct.HALTS)
                body = json.dumps(document).encode()
                return _head("200 OK", len(body), now) + body
            case _:
                return b""


class _Target(asyncio.Protocol):
    def __init__(self, field: _Field) -> None:
        self._field = field
        self._waiting = b""
        self._drip: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by birth
        address, peer = (
            transport.get_extra_info("sockname")[0],
            transport.get_extra_info("peername"),
        )
        if not peer[0].startswith("127."):  # the farm serves no other machine
            self._transport.abort()
            return
        self._index = index_of(address)
        self._field.connections.add(self._transport)

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while b"\r\n\r\n" in self._waiting:
            _, self._waiting = self._waiting.split(b"\r\n\r\n", 1)
            self._answer()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._field.connections.discard(self._transport)
        if self._drip is not None:
            self._drip.cancel()

    def _answer(self) -> None:
        conduct = self._field.conduct_of(self._index)
        self._transport.write(self._field.answer_of(self._index, conduct))
        if conduct is Conduct.DRIPS:
            self._drop()

    def _drop(self) -> None:
        self._transport.write(b" ")
        self._drip = asyncio.get_running_loop().call_later(DRIP_SECONDS, self._drop)


def main() -> int:
    """Serve while there may be something to tell; the first line of output is the port."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", type=Mode, default=Mode.HEALTHY)
    parser.add_argument("--address", default="0.0.0.0")  # noqa: S104  (peers outside 127/8 are cut)
    parser.add_argument("--ahead", type=float, default=0.0, help="seconds that its clock is ahead")
    given = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(given.mode, timedelta(seconds=given.ahead), given.address))
    return 0


async def _serve(mode: Mode, ahead: timedelta, address: str) -> None:
    await _Field(mode, ahead, address).follow()


if __name__ == "__main__":
    sys.exit(main())
