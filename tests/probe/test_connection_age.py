"""Observe: a connection ages, so that a name that leads elsewhere is followed."""

import asyncio
from collections import Counter

import orjson
import pytest

from mission_control.model.reading import Seen, Unseen
from mission_control.probe.opening import Names
from mission_control.probe.service_probe import ServiceProbe
from mission_control.probe.transport import MAX_LIFE_SECONDS, Lives
from tests.floor.floor_of_values import STRATEGY, changed, rich
from tests.ports import PATIENCE_SECONDS
from tests.probe.conftest import NOW
from tests.probe.test_service_probe import http, plays, then_close

LOOPBACK = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "::1"]
pytestmark = [pytest.mark.anyio, pytest.mark.allow_hosts(LOOPBACK)]
OPS = "/ops/status"
GOOD = orjson.dumps(rich(STRATEGY, NOW))
EXECUTES = orjson.dumps(changed(rich(STRATEGY, NOW), "safety.safe_to_execute_orders", value=True))


async def ask(probe, target):
    """Run one round and give the reading of `/ops/status`."""
    return (await probe.read(target, None)).readings[OPS]


@pytest.fixture
async def two_places(serve, name_server, transports, agent):
    """Return a service by name, and the two servers its name may lead to, the first at first."""
    first = await serve(plays(http(GOOD)), address="127.0.0.2")
    second = await serve(plays(http(EXECUTES)), address="127.0.0.3", port=first.port)
    name_server.leads["service.test"] = ["127.0.0.2"]
    target = agent(f"http://service.test:{first.port}", expected_endpoints=(OPS,))
    return ServiceProbe(transports, lambda: NOW), target, first, second


async def test_a_name_that_leads_elsewhere_is_followed(two_places, name_server, pass_time):
    """A name is asked where it leads to now after 45 s, although the old place still answers."""
    probe, target, first, second = two_places
    told = []
    probe.when_lost(told.append)
    before = await ask(probe, target)
    name_server.leads["service.test"] = ["127.0.0.3"]

    held = await ask(probe, target)
    pass_time(46)
    after = await ask(probe, target)

    assert [f"127.0.0.2:{first.port}"] * 2 == [r.exchange.peer for r in (before, held)]
    assert f"127.0.0.3:{first.port}" == after.exchange.peer
    assert after.value.status.safety.safe_to_execute_orders is True
    assert (1, 1) == (first.connections, second.connections)
    await asyncio.sleep(0)
    assert [] == told


async def test_replicas_behind_one_address_are_sampled(serve, probe, agent, pass_time):
    """Every 45 s another connection is opened, also to an address, and its phases tell so."""
    server = await serve(plays(http(GOOD)))
    target = agent(server.url, expected_endpoints=(OPS,))
    opened = []
    for _ in range(11):
        opened.append(bool((await ask(probe, target)).exchange.phases))
        pass_time(10)

    assert [True, *[False] * 4, True, *[False] * 4, True] == opened
    assert 3 == server.connections


async def test_a_connection_is_used_again_until_it_is_old(serve, probe, agent, pass_time):
    """A connection of 44 s is asked once more, and one of 45 s is not (R2.5)."""
    server = await serve(plays(http(GOOD)))
    target = agent(server.url, expected_endpoints=(OPS,))
    await ask(probe, target)
    pass_time(43.5)
    await ask(probe, target)
    used = server.connections
    pass_time(1.5)
    await ask(probe, target)

    assert (1, 2) == (used, server.connections)


async def test_a_peer_that_three_lookups_do_not_name_is_left(
    two_places, name_server, transports, pass_time
):
    """A held connection is dropped once three lookups in a row lead elsewhere (R2.5)."""
    probe, target, first, _ = two_places
    await ask(probe, target)
    name_server.leads["service.test"] = ["127.0.0.3"]
    peers = []
    for _ in range(3):
        peers.append((await ask(probe, target)).exchange.peer)
        pass_time(2)
        await transports.names.find("service.test")
    peers.append((await ask(probe, target)).exchange.peer)

    assert ["127.0.0.2"] * 3 + ["127.0.0.3"] == [p.split(":")[0] for p in peers]
    assert 1 == first.connections


async def test_a_name_with_several_addresses_keeps_its_connection(
    two_places, name_server, transports, pass_time
):
    """A peer that is still one of a name's addresses is no reason to open a connection."""
    probe, target, first, second = two_places
    await ask(probe, target)
    name_server.leads["service.test"] = ["127.0.0.3", "127.0.0.2"]
    for _ in range(4):
        pass_time(2)
        await transports.names.find("service.test")
    await ask(probe, target)

    assert (1, 0) == (first.connections, second.connections)


async def test_a_remembered_address_may_be_asked_while_the_lookup_hangs(
    two_places, name_server, pass_time
):
    """A lookup that hangs does not hide a service whose name was looked up within 45 s."""
    probe, target, first, _ = two_places
    first.script = then_close(http(GOOD, headers=["connection: close"]))
    await ask(probe, target)
    name_server.hangs.add("service.test")
    pass_time(30)

    reading = await ask(probe, target)

    assert isinstance(reading, Seen)
    assert f"127.0.0.2:{first.port}" == reading.exchange.peer
    assert ["dns", "connect"] == [name for name, _ in reading.exchange.phases]


async def test_a_remembered_address_is_no_evidence_of_where_the_name_leads(
    two_places, name_server, pass_time
):
    """45 s after the last lookup only the alarms in an answer count."""
    probe, target, first, _ = two_places
    first.script = then_close(http(EXECUTES, headers=["connection: close"]))
    await ask(probe, target)
    name_server.hangs.add("service.test")
    pass_time(30)
    await ask(probe, target)  # opens a connection, which makes the evidence no younger
    pass_time(16)

    reading = await ask(probe, target)

    assert isinstance(reading, Unseen)
    assert "DNS_FAILURE" == reading.code
    assert "only remembered" in reading.detail
    assert reading.claims.safe_to_execute_orders is True
    assert 200 == reading.exchange.status


async def test_a_held_connection_is_no_older_than_its_name(two_places, name_server, pass_time):
    """
    A connection opened by an old lookup is dropped when 45 s have passed since the lookup (R2.5).
    """
    probe, target, first, _ = two_places
    first.script = then_close(http(GOOD, headers=["connection: close"]))
    await ask(probe, target)
    name_server.hangs.add("service.test")
    first.script = plays(http(GOOD))
    pass_time(30)
    await ask(probe, target)
    pass_time(16)
    name_server.hangs.clear()
    name_server.leads["service.test"] = ["127.0.0.3"]
    name_server.release.set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while "127.0.0.3" not in (await ask(probe, target)).exchange.peer:
            pass  # the clock is still: the connection itself is 16 s old

    assert first.connections >= 2


async def test_a_name_that_is_gone_is_not_remembered(two_places, name_server, pass_time):
    """Where the name server says that there is no such name, no earlier address is asked."""
    probe, target, first, _ = two_places
    await ask(probe, target)
    del name_server.leads["service.test"]
    pass_time(46)

    readings = [await ask(probe, target) for _ in range(2)]

    assert ["DNS_FAILURE"] * 2 == [r.code for r in readings]
    assert 1 == first.connections


async def test_a_name_server_that_says_nothing_is_bridged(two_places, name_server, pass_time):
    """A lookup that fails for a while is no word about the name: it is bridged for 45 s."""
    probe, target, first, _ = two_places
    first.script = then_close(http(GOOD, headers=["connection: close"]))
    await ask(probe, target)
    name_server.fails.add("service.test")
    seen = []
    for _ in range(3):
        pass_time(20)
        seen.append(isinstance(await ask(probe, target), Seen))

    assert [True, True, False] == seen


async def test_names_in_use_are_looked_up_again_beside_the_asking(
    two_places, name_server, pass_time
):
    """While a connection is held its name is looked up again, so that its evidence is young."""
    probe, target, first, _ = two_places
    for _ in range(4):
        await ask(probe, target)
        pass_time(11)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while name_server.asked["service.test"] < 2:  # noqa: ASYNC110  (a thread asks)
            await asyncio.sleep(0.01)

    assert 1 == first.connections


async def test_an_address_of_version_6_is_shown_as_in_a_url(serve, probe, agent):
    """The peer of an IPv6 address is in brackets, with its port."""
    server = await serve(plays(http(GOOD)), address="::1")
    target = agent(f"http://[::1]:{server.port}")

    reading = await ask(probe, target)

    assert f"[::1]:{server.port}" == reading.exchange.peer


async def test_a_part_of_an_answer_is_no_answer_and_bears_its_peer(serve, probe, agent):
    """Also what was not seen tells who was asked, and what was said before it broke off."""
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n"
    server = await serve(then_close(head + b'{"a": 1'))

    reading = await ask(probe, agent(server.url))

    assert "CONNECTION_LOST" == reading.code
    assert (200, '{"a": 1') == (reading.exchange.status, reading.exchange.excerpt)
    assert f"127.0.0.1:{server.port}" == reading.exchange.peer


async def test_what_is_sent_again_is_counted(serve, probe, transports, agent):
    """A request that fell into a closing connection counts twice among what was sent."""
    asked = []

    async def once(_reader, writer):
        asked.append(1)
        if len(asked) == 2:
            writer.transport.abort()
        else:
            writer.write(http(GOOD))

    server = await serve(once)
    target = agent(server.url, expected_endpoints=(OPS,))
    for _ in range(2):
        await ask(probe, target)

    assert 3 == len(server.heads)
    assert {"GET": 3} == dict(transports.opened()[0].sent)


@pytest.mark.parametrize("count", [1, 45, 1000])
def test_connections_that_open_together_do_not_end_together(count):
    """Ends are spread over the whole life, at most one more in a second than in another."""
    lives = Lives()

    ends = Counter(lives.end_of(1000.25) for _ in range(count))

    assert -(-count // MAX_LIFE_SECONDS) == max(ends.values())
    assert all(1000.25 < end <= 1000.25 + MAX_LIFE_SECONDS for end in ends)


def test_connections_that_are_spread_live_their_whole_life():
    """Once they are spread, connections are opened no more often than they have to be."""
    lives, ends, opened = Lives(), {}, Counter[int]()
    for turn in range(200):
        for service in range(100):
            now = 10.0 * turn + service / 10
            if now >= ends.get(service, 0.0):
                ends[service] = lives.end_of(now)
                opened[turn // 20] += 1

    assert all(number <= 100 * 20 / 5 * 1.1 for turn, number in opened.items() if turn > 2)


async def test_a_connection_says_when_a_lookup_last_named_it(name_server):
    """The newest lookup that names a peer counts, and three that do not leave it nowhere."""
    names = Names(name_server)
    name_server.leads["a.test"] = ["127.0.0.2"]
    first = (await names.find("a.test")).at

    assert first == names.confirm("a.test", "127.0.0.2", first)
    assert first == names.confirm("a.test", "127.0.0.9", first)
