"""
A process in a network namespace of its own: a small name server, two services, and the probe.

Prints as JSON what the probe saw: services whose names get no answer, one that moves, and one
whose name server fell silent.
"""

import asyncio
import json
import socket
import struct
import threading
from functools import partial
from typing import Any

import orjson

from mission_control.bootstrap.clock import real_clock
from mission_control.model.fleet import Agent, Kind
from mission_control.model.reading import Seen
from mission_control.probe.service_probe import ServiceProbe
from mission_control.probe.transport import Transports
from tests.floor.floor_of_values import STRATEGY, rich

OPS = "/ops/status"
LEADS = {"moves.test": "127.0.0.2"}
SILENT = set[str]()
HUNG = 40


def serve_names(server: socket.socket) -> None:
    """Answer queries for addresses (RFC 1035) by `LEADS`; names on `SILENT` get no answer."""
    while True:
        query, asker = server.recvfrom(512)
        labels, at = list[str](), 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += query[at] + 1
        name, (kind,) = ".".join(labels).lower(), struct.unpack_from("!H", query, at + 1)
        if name in SILENT or name.startswith("hung-"):
            continue
        address = LEADS.get(name) if kind == 1 else None
        flags = 0x8180 if name in LEADS else 0x8183
        head = query[:2] + struct.pack("!HHHHH", flags, 1, 1 if address else 0, 0, 0)
        answer = head + query[12 : at + 5]
        if address:
            answer += b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 1, 4) + socket.inet_aton(address)
        server.sendto(answer, asker)


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, keeps: str) -> None:
    """Answer every request well."""
    while await reader.readuntil(b"\r\n\r\n"):
        body = orjson.dumps(rich(STRATEGY, real_clock()))
        head = f"HTTP/1.1 200 OK\r\nconnection: {keeps}\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        if keeps == "close":
            writer.close()
            return


async def main() -> None:
    """Ask, let time pass by the event loop's clock, and tell."""
    loop = asyncio.get_running_loop()
    real, passed = loop.time, [0.0]
    loop.time = lambda: real() + sum(passed)  # type: ignore[method-assign]
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind(("127.0.0.1", 53))
    threading.Thread(target=serve_names, args=(names,), daemon=True).start()
    await asyncio.start_server(partial(answer, keeps="keep-alive"), "127.0.0.2", 8080)
    await asyncio.start_server(partial(answer, keeps="close"), "127.0.0.3", 8080)
    transports = Transports()
    probe = ServiceProbe(transports, real_clock)

    async def ask(name: str, deadline: float) -> Any:
        url = f"http://{name}:8080"
        agent = Agent("x", Kind.STRATEGY, url, expected_endpoints=(OPS,), deadline_seconds=deadline)
        return (await probe.read(agent, None)).readings[OPS]

    hung = [asyncio.create_task(ask(f"hung-{n}.test", 2.0)) for n in range(HUNG)]
    await asyncio.sleep(0)
    peers = [(await ask("moves.test", 30.0)).exchange.peer]
    silent = await asyncio.gather(*hung)
    LEADS["moves.test"] = "127.0.0.3"
    peers.append((await ask("moves.test", 30.0)).exchange.peer)
    passed.append(46)
    peers.append((await ask("moves.test", 30.0)).exchange.peer)
    SILENT.add("moves.test")
    passed.append(30)
    last = await ask("moves.test", 30.0)
    told = {
        "hung": [r.code for r in silent],
        "detail": silent[0].detail,
        "peers": peers,
        "remembered": [last.exchange.peer, "seen" if isinstance(last, Seen) else last.code],
    }
    print(json.dumps(told))
    await transports.aclose()


asyncio.run(main())
