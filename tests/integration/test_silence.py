"""Integration: a first silence is asked about again, over real sockets through our transport."""

import asyncio
import time
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from mission_control.floor.board import FloorBoard
from mission_control.floor.model import FloorSnapshot, Verdict
from mission_control.floor.observe import first_snapshot
from mission_control.floor.watch import FloorWatch
from mission_control.model.event import EventType
from mission_control.probe.transport import open_transports
from mission_control.readiness.decide.readiness import judge_current
from mission_control.readiness.model import ReadinessVerdict, RecordedVerdict
from tests.integration.test_watch import PATIENCE, is_ok, until

pytestmark = pytest.mark.anyio
SUBJECT = "strategy-engine"
SELDOM = 10 * PATIENCE
FIVE_HUNDRED = b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n"
NOT_FOUND = b"HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n"
DROP = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"
"""An answer that breaks off; a held connection that closes before one is simply opened again."""


class Stumbler:
    """Hands requests on to a service; on `/ops/status` it answers some itself, as it is told."""

    def __init__(self, upstream):
        """Hand on to this base URL."""
        self.upstream = urlsplit(upstream)
        self.instead = deque()
        self.asked = 0

    @asynccontextmanager
    async def listening(self):
        """Listen for the time of the block; gives the base URL."""
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            server.close()

    async def _talk(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                here = b" /ops/status " in head
                self.asked += here
                stumbles = here and bool(self.instead)
                answer = self.instead.popleft() if stumbles else await self._hand_on(head)
                writer.write(answer)
                await writer.drain()
                if answer == DROP:
                    break
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    async def _hand_on(self, head):
        reader, writer = await asyncio.open_connection(self.upstream.hostname, self.upstream.port)
        try:
            writer.write(head)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            return answer + await reader.readexactly(int(length))
        finally:
            writer.close()


@asynccontextmanager
async def stumbling(floor, *first, interval=0.3):
    """Watch a floor of which one important service stumbles; gives the board and that one."""
    stumbler = Stumbler(floor.fleet.agent(SUBJECT).service_dns)
    stumbler.instead.extend(first)
    async with stumbler.listening() as address, open_transports() as transports:
        agents = tuple(
            replace(
                agent,
                interval_seconds=interval if agent.agent_name == SUBJECT else 0.3,
                gating_interval_seconds=None,
                deadline_seconds=5.0,
                service_dns=address if agent.agent_name == SUBJECT else agent.service_dns,
            )
            for agent in sorted(floor.fleet.agents, key=lambda a: a.agent_name != SUBJECT)
        )
        fleet = replace(floor.fleet, agents=agents)
        sources = floor.sources(transports)
        board = FloorBoard(first_snapshot(fleet, sources, ""), floor.clock, time.monotonic)
        task = asyncio.create_task(FloorWatch(fleet, sources, board).run())
        try:
            if not first:
                await until(board, is_ok)
            yield board, stumbler
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def give_go(board):
    """Give GO at this instant."""
    snapshot = board.current()
    date, digest = snapshot.session.session_date.isoformat(), snapshot.fleet.digest
    return RecordedVerdict(
        snapshot.at, date, ReadinessVerdict.GO, "", digest, snapshot.cluster_identity
    )


def served(board, verdict, snapshot):
    """Say what readiness serves beside a snapshot."""
    since, halts = board.watched()
    halted = snapshot.posture.verdict is Verdict.HALTED
    digest = snapshot.fleet.digest
    worth = judge_current(
        verdict,
        snapshot.session,
        since - timedelta(minutes=10),
        halts,
        digest,
        cluster=snapshot.cluster_identity,
        halted=halted,
    )
    return worth.verdict.value, worth.code


def of_subject(snapshot):
    """Give the codes of what halts because of the service, and whether each is confirmed."""
    reasons = snapshot.posture.reasons
    return {(r.code, r.confirmed) for r in reasons if r.halts and r.subject == SUBJECT}


async def first_halt(board, verdict):
    """Wait for HALTED; gives what was decided then, and what was served."""
    async with asyncio.timeout(PATIENCE):
        async for item in board.follow(None):
            if isinstance(item, FloorSnapshot) and item.posture.verdict is Verdict.HALTED:
                return item, served(board, verdict, item)
    pytest.fail("the board was closed")


@pytest.mark.parametrize(
    ("instead", "code"),
    [
        pytest.param(FIVE_HUNDRED, "HTTP_500", id="500"),
        pytest.param(DROP, "CONNECTION_LOST", id="dropped"),
    ],
)
async def test_one_failure_halts_at_once_and_takes_no_go_back(watched, instead, code):
    """A single failure shows and halts unconfirmed; a whole answer ends that, with the same GO."""
    async with stumbling(watched("calm")) as (board, service):
        verdict = give_go(board)
        service.instead.append(instead)
        halted, now = await first_halt(board, verdict)
        well = await until(board, is_ok)
        after = served(board, verdict, well)
        told = [e for e in board.recent_events(100) if e.type is EventType.POSTURE_CHANGED]

    assert {(code, False)} == of_subject(halted)
    assert (False, ("NO-GO", "HALTED_NOW")) == (halted.posture.confirmed, now)
    assert ("GO", "") == after
    assert [True, False, True] == [e.data["confirmed"] for e in told[:3]][::-1]


async def test_two_failures_in_a_row_are_confirmed(watched):
    """Where the second look brings no answer either, the halt is confirmed and takes GO back."""
    async with stumbling(watched("calm")) as (board, service):
        verdict = give_go(board)
        service.instead.extend([FIVE_HUNDRED, DROP])
        halted, _ = await first_halt(board, verdict)
        sure = await until(board, lambda s: s.posture.confirmed and not is_ok(s))
        well = await until(board, is_ok)
        after = served(board, verdict, well)
        _, halts = board.watched()

    assert {("HTTP_500", False)} == of_subject(halted)
    assert {("CONNECTION_LOST", True)} == of_subject(sure)
    assert ("NO-GO", "READINESS_EXPIRED") == after
    assert halted.posture.since == halts[-1][0]


async def test_the_second_look_waits_for_no_round_of_the_cadence(watched):
    """A service whose next round is far off is asked again after a second all the same."""
    floor = watched("calm")
    async with stumbling(floor, FIVE_HUNDRED, interval=SELDOM) as (board, service):
        first = await until(board, lambda s: "HTTP_500" in dict(of_subject(s)))
        await until(board, is_ok)

    assert {("HTTP_500", False)} == of_subject(first)
    assert 2 == service.asked


async def test_a_path_that_is_lost_is_asked_every_round(watched):
    """A 404 of what answered before halts by a code of its own, and is over with the next round."""
    async with stumbling(watched("calm")) as (board, service):
        service.instead.append(NOT_FOUND)
        lost = await until(board, lambda s: not is_ok(s))
        await until(board, is_ok)

    assert {("NO_LONGER_OFFERED", True)} == of_subject(lost)
