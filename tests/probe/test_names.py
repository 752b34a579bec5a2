"""Observe: names are looked up off the loop, once at a time, and one that hangs delays no other."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import orjson
import pytest

from mission_control.model.reading import Seen
from mission_control.probe.opening import Names
from mission_control.processes.own_process import DaemonWork
from tests.floor.floor_of_values import STRATEGY, rich
from tests.ports import PATIENCE_SECONDS
from tests.probe.conftest import NOW
from tests.probe.test_service_probe import http, plays
from tests.real_parts import lacking

pytestmark = pytest.mark.anyio
OPS = "/ops/status"
GOOD = orjson.dumps(rich(STRATEGY, NOW))
HUNG = 40
"""More than any pool of the event loop has threads for on a small machine."""


async def test_names_that_hang_delay_no_other(serve, name_server, probe, agent):
    """Beside many names whose lookups never end, another service is seen as ever."""
    server = await serve(plays(http(GOOD)))
    name_server.leads["well.test"] = ["127.0.0.1"]
    hung = [f"hung-{n}.test" for n in range(HUNG)]
    name_server.hangs.update(hung)
    asked = [
        asyncio.create_task(
            probe.read(agent(f"http://{name}:{server.port}", deadline_seconds=0.3), None)
        )
        for name in hung
    ]
    await asyncio.sleep(0)

    well = await probe.read(agent(f"http://well.test:{server.port}"), None)
    rounds = await asyncio.gather(*asked)

    assert isinstance(well.readings[OPS], Seen)
    assert {"TIMEOUT"} == {r.readings[OPS].code for r in rounds}


@pytest.mark.parametrize("where", ["169.254.169.254", "0.0.0.0"])  # noqa: S104
async def test_a_name_that_leads_where_no_service_is_leads_nowhere(
    serve, name_server, probe, agent, where
):
    """No answer for a name leads us to a metadata service, nor to ourselves."""
    server = await serve(plays(http(GOOD)))
    name_server.leads["turned.test"] = [where]
    name_server.leads["both.test"] = [where, "127.0.0.1"]

    turned = await probe.read(agent(f"http://turned.test:{server.port}"), None)
    both = await probe.read(agent(f"http://both.test:{server.port}"), None)

    assert "DNS_FAILURE" == turned.readings[OPS].code
    assert isinstance(both.readings[OPS], Seen)


async def test_the_phase_that_used_up_the_time_is_told(serve, name_server, probe, agent):
    """A lookup that hangs is named as what the time went into, with the name (R2.10)."""
    name_server.hangs.add("hung.test")

    reading = (await probe.read(agent("http://hung.test", deadline_seconds=0.2), None)).readings[
        OPS
    ]

    told = "no whole answer in 0.2 s: still in dns (the lookup of hung.test has not ended)"
    assert told == reading.detail
    assert ["dns"] == [name for name, _ in reading.exchange.phases]
    assert "" == reading.exchange.peer


async def test_one_lookup_of_a_name_is_under_way(name_server, probe, agent):
    """Rounds over a name whose lookup hangs share it, and begin no second."""
    name_server.hangs.add("hung.test")
    target = agent("http://hung.test", deadline_seconds=0.1, expected_endpoints=(OPS, "/healthz"))

    for _ in range(3):
        await probe.read(target, None)

    assert 1 == name_server.asked["hung.test"]


async def test_all_who_wait_share_what_a_lookup_says(name_server):
    """Names asked for at the same time are looked up once, and all get the addresses."""
    name_server.leads["a.test"] = ["127.0.0.1"]
    names = Names(name_server)

    found = await asyncio.gather(*(names.find("a.test") for _ in range(20)))

    assert 1 == name_server.asked["a.test"]
    assert [True] * 20 == [f.names("127.0.0.1") for f in found]


async def test_a_lookup_that_fails_is_named(name_server, probe, agent):
    """A name server that is out of order, and a name that is none, are DNS_FAILURE."""
    name_server.fails.add("out-of-order.test")

    codes = [
        (await probe.read(agent(f"http://{name}"), None)).readings[OPS].code
        for name in ("out-of-order.test", "unknown.test", "x" * 70 + ".test")
    ]

    assert ["DNS_FAILURE"] * 2 == codes[:2]
    assert "Seen" != codes[2]


async def test_threads_are_bounded_and_those_who_wait_get_their_turn():
    """Past the most threads further work waits, and is done as soon as one of them ends."""
    work = DaemonWork[str, str]("test", most=2)
    first, second = threading.Event(), threading.Event()
    hung = [work.ask("a", lambda: str(first.wait(60))), work.ask("b", lambda: str(second.wait(60)))]
    third = work.ask("c", lambda: "done")
    await asyncio.sleep(0.05)
    waited = not third.done()
    first.set()

    async with asyncio.timeout(PATIENCE_SECONDS):
        assert "done" == await third
        assert "True" == await hung[0]
    assert waited
    assert work.is_under_way("b")
    second.set()
    await hung[1]


async def test_work_that_fails_fails_for_all_who_wait():
    """An exception of the work reaches each caller, and the next call starts again."""
    work = DaemonWork[str, int]("test", most=1)
    asked = [work.ask("a", lambda: int("x")) for _ in range(2)]

    results = await asyncio.gather(*asked, return_exceptions=True)

    assert [ValueError] * 2 == [type(r) for r in results]
    assert 7 == await work.ask("a", lambda: 7)


HANGS_AT_ITS_END = """
import asyncio, time
from datetime import UTC, datetime
from mission_control.model.fleet import Agent, Kind
from mission_control.probe.transport import Transports
from mission_control.probe.opening import Names
from mission_control.probe.service_probe import ServiceProbe

def hang(*_, **__):
    time.sleep(3600)

async def main():
    transports = Transports(Names(hang))
    agent = Agent("x", Kind.STRATEGY, "http://hung.test", deadline_seconds=0.1)
    round_ = await ServiceProbe(transports, lambda: datetime.now(UTC)).read(agent, None)
    await transports.aclose()
    print(round_.readings["/ops/status"].code)

asyncio.run(main())
"""


async def test_a_lookup_that_hangs_does_not_hold_up_our_end():
    """A process ends while a lookup is under way."""
    command = [sys.executable, "-c", HANGS_AT_ITS_END]
    ended = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=120, check=False
    )

    assert ("TIMEOUT\n", 0) == (ended.stdout, ended.returncode)


@pytest.fixture
def own_network():
    """Return a network namespace whose resolver asks 127.0.0.1, where a test may listen."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        lacking("a network namespace needs root and iproute2")
    name = f"mission-control-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    if made.returncode != 0:
        lacking("this machine makes no network namespaces")
    folder = Path("/etc/netns") / name
    folder.mkdir(parents=True)
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:30 attempts:1\n")
    run = ["ip", "netns", "exec", name]
    subprocess.run([*run, "ip", "link", "set", "lo", "up"], check=True)
    yield run
    subprocess.run(["ip", "netns", "del", name], check=True)
    shutil.rmtree(folder)


async def test_a_real_name_server_is_asked_and_followed(own_network):
    """By real DNS: names without an answer delay no other, and one that moves is followed."""
    command = [*own_network, sys.executable, "-m", "tests.probe.names_by_dns"]
    ended = await asyncio.to_thread(
        subprocess.run,
        command,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=Path(__file__).parents[2],
    )

    assert 0 == ended.returncode, ended.stderr
    told = json.loads(ended.stdout)
    assert {"TIMEOUT"} == set(told["hung"])
    assert "still in dns (the lookup of hung-0.test has not ended)" in told["detail"]
    assert ["127.0.0.2:8080", "127.0.0.2:8080", "127.0.0.3:8080"] == told["peers"]
    assert ["127.0.0.3:8080", "seen"] == told["remembered"]


async def test_lookups_have_threads_of_their_own():
    """Lookups run in daemon threads of their own, never in the event loop's executor."""
    kinds = []

    def look(*_args, **_how):
        kinds.append((threading.current_thread().name, threading.current_thread().daemon))
        return []

    await Names(look).find("a.test")

    assert [("name-lookup", True)] == kinds
