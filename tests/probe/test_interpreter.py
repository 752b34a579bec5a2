"""Interpreter: a long answer that may hold secrets is never read where the floor is decided."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import orjson
import pytest

from mission_control.bootstrap.aside import BODIES
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.probe.received import READ_HERE, SECONDS, Interpreter
from mission_control.probe.service_probe import ServiceProbe
from mission_control.processes.child_process import ChildProcess, environment_of
from mission_control.processes.model import Answered, Unanswered
from mission_control.redaction import redact as redaction
from tests.floor.floor_of_values import STRATEGY, changed, rich
from tests.ports import PATIENCE_SECONDS
from tests.probe.conftest import NOW
from tests.probe.test_service_probe import OPS, http, plays

pytestmark = pytest.mark.anyio
CANARY = "hunter2-canary-77"
SUSPICIOUS = {"password": CANARY, "notes": ["key", "token", "@"] * 2_000}


def body(**fields):
    """Return a long answer with many words that redaction has to look at."""
    return orjson.dumps({**rich(STRATEGY, NOW), **fields, "extra": SUSPICIOUS})


@pytest.fixture
async def process() -> AsyncIterator[ChildProcess]:
    """Keep the process that reads long answers, as the server does."""
    kept = ChildProcess(BODIES, "console", environment_of(os.environ), at_once=1)
    async with kept.kept():
        yield kept


class Asked:
    """Counts what is asked of a process, and grants it the time of a loaded machine."""

    def __init__(self, process):
        """Pass on to this process."""
        self.process = process
        self.asked = 0

    async def __call__(self, what, seconds):
        """Pass it on."""
        self.asked += 1
        return await self.process.ask(what, seconds * PATIENCE_SECONDS)


async def read(raw, transports, agent, interpreter):
    """Read one path of a raw server through the production transport."""
    probe = ServiceProbe(transports, lambda: NOW, interpreter)
    return (await probe.read(agent(raw.url, expected_endpoints=(OPS,)), None)).readings[OPS]


async def test_a_long_answer_is_read_as_a_short_one_is(serve, transports, agent, process):
    """Over a real socket: the same reading, wherever it was made, and without its secret."""
    raw = await serve(plays(http(body())))
    asked = Asked(process)

    there = await read(raw, transports, agent, Interpreter(asked))
    here = await read(raw, transports, agent, Interpreter())

    assert isinstance(there, Seen)
    assert isinstance(here, Seen)
    assert 1 == asked.asked
    assert there.value == here.value
    assert CANARY not in repr(there)


async def test_the_loop_never_redacts_a_long_answer(serve, transports, agent, process, monkeypatch):
    """Whatever takes time in it is done by the other process alone."""
    longest = 0
    looked = redaction.redact_document

    def note(value):
        nonlocal longest
        longest = max(longest, len(repr(value)))
        return looked(value)

    monkeypatch.setattr("mission_control.probe.received.redact_document", note)
    raw = await serve(plays(http(body())))

    reading = await read(raw, transports, agent, Interpreter(Asked(process)))

    assert isinstance(reading, Seen)
    assert longest <= READ_HERE


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(orjson.dumps(rich(STRATEGY, NOW)), id="short"),
        pytest.param(orjson.dumps({**rich(STRATEGY, NOW), "x": "a" * 30_000}), id="harmless"),
    ],
)
async def test_what_costs_nothing_is_read_here(serve, transports, agent, content):
    """Short answers, and those in which nothing looks like a secret, wait for no process."""
    raw = await serve(plays(http(content)))

    async def never(*_):
        pytest.fail("a process was asked")

    assert isinstance(await read(raw, transports, agent, Interpreter(never)), Seen)


@pytest.mark.parametrize("why", ["it hangs", "it is not there"])
async def test_an_answer_that_is_not_read_in_time_is_withheld(serve, transports, agent, why):
    """It is not seen and says why; what it claims counts, and nothing of it is shown."""
    claims = changed(
        {**rich(STRATEGY, NOW), "extra": SUSPICIOUS}, "safety.safe_to_execute_orders", "yes"
    )
    raw = await serve(plays(http(orjson.dumps(claims))))

    async def unanswered(*_):
        return Unanswered(why)

    reading = await read(raw, transports, agent, Interpreter(unanswered))

    assert isinstance(reading, Unseen)
    assert UnseenReason.OWN_STALL is reading.reason
    assert f"KiB was not redacted in time and is withheld: {why}" in reading.detail
    assert reading.claims.safe_to_execute_orders is True
    assert CANARY not in repr(reading)


async def test_a_process_that_is_stopped_holds_up_no_other_service(
    serve, transports, agent, process
):
    """One service's long answer waits for its own deadline; others are read meanwhile."""
    assert isinstance(await process.ask(dict, PATIENCE_SECONDS), Answered)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGSTOP)
    long = await serve(plays(http(body())))
    short = await serve(plays(http(orjson.dumps(rich(STRATEGY, NOW)))))
    interpreter = Interpreter(process.ask)

    waiting = asyncio.create_task(read(long, transports, agent, interpreter))
    others = [await read(short, transports, agent, interpreter) for _ in range(3)]
    withheld = await waiting

    assert all(isinstance(reading, Seen) for reading in others)
    assert isinstance(withheld, Unseen)
    assert f"{SECONDS:g} s" in withheld.detail
