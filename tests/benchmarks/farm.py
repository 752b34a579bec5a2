"""
A farm of targets: thousands of addresses in 127.0.0.0/8 on one port, in a process of its own.

What a target does follows from its address, so that it needs no configuration: `share_of` names
it for an index. One listening socket serves all; refused targets are asked on a port where
nothing listens.
"""

import argparse
import asyncio
import json
import resource
import socket
import sys
import time
from datetime import UTC, datetime
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
    MIXED = "mixed"
    """5 % hung, 5 % refused, 1 % 503, 1 % a 5 MB body, 1 % one byte per 0.2 s."""


class Conduct(StrEnum):
    """What one target does."""

    ANSWERS = "answers"
    HANGS = "hangs"
    REFUSES = "refuses"
    FAILS = "fails"
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
    if mode is Mode.HUNG and place < 5:
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


def status_document(index: int, now: datetime) -> dict[str, object]:
    """Give what a healthy strategy service answers on `/ops/status` (status contract)."""
    name, stamp = name_of(index), now.isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        "service_name": name,
        "service_kind": "strategy",
        "repo_id": "bench",
        "git_sha": "0123456789abcdef",
        "build_id": "1",
        "agent_identity": {"agent_name": name, "agent_role": "strategy", "agent_mode": "OBSERVE"},
        "status": {
            "state": "OK",
            "summary": "All services healthy",
            "reason_codes": [],
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


def _head(status: str, length: int) -> bytes:
    date = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    return (
        f"HTTP/1.1 {status}\r\ndate: {date}\r\nserver: farm\r\n"
        f"content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    ).encode()


class _Answers:
    """The bytes of a healthy answer, made again each second and shared by all targets."""

    def __init__(self) -> None:
        self._second = -1
        self._bytes: dict[int, bytes] = {}

    def of(self, index: int) -> bytes:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._bytes = second, {}
        known = self._bytes.get(index)
        if known is None:
            now = datetime.now(UTC)
            body = json.dumps(status_document(index, now)).encode()
            known = self._bytes[index] = _head("200 OK", len(body)) + body
        return known


class _Target(asyncio.Protocol):
    def __init__(self, mode: Mode, answers: _Answers) -> None:
        self._mode, self._answers = mode, answers
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
        self._conduct = conduct_of(self._index, self._mode)

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while b"\r\n\r\n" in self._waiting:
            _, self._waiting = self._waiting.split(b"\r\n\r\n", 1)
            self._answer()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self._drip is not None:
            self._drip.cancel()

    def _answer(self) -> None:
        match self._conduct:
            case Conduct.FAILS:
                self._transport.write(_head("503 Service Unavailable", 2) + b"{}")
            case Conduct.FLOODS:
                self._transport.write(_head("200 OK", LARGE_BODY_BYTES) + b" " * LARGE_BODY_BYTES)
            case Conduct.DRIPS:
                self._transport.write(_head("200 OK", 1_000))
                self._drop()
            case Conduct.ANSWERS:
                self._transport.write(self._answers.of(self._index))
            case _:
                pass

    def _drop(self) -> None:
        self._transport.write(b" ")
        self._drip = asyncio.get_running_loop().call_later(DRIP_SECONDS, self._drop)


async def _serve(mode: Mode, listener: socket.socket) -> None:
    answers = _Answers()
    server = await asyncio.get_running_loop().create_server(
        lambda: _Target(mode, answers), sock=listener, backlog=4096
    )
    print(listener.getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> int:
    """Serve until killed; the first line of output is the port."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", type=Mode, default=Mode.HEALTHY)
    parser.add_argument("--address", default="0.0.0.0")  # noqa: S104  (peers outside 127/8 are cut)
    arguments = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((arguments.address, 0))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(arguments.mode, listener))
    return 0


if __name__ == "__main__":
    sys.exit(main())
