"""The end that answers: what the other end asks, and nothing else."""

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import BinaryIO

from mission_control.processes.messages import READY, next_message, pack_message
from mission_control.processes.model import Answered, Unanswered

log = logging.getLogger(__name__)

Answerer = Callable[[object], Awaitable[Answered]]


def run_child(prepare: Callable[[object], Answerer], *, nice: int) -> None:
    """
    Be the child: make the answerer from the setup, and answer until our standard input ends.

    It ends with its parent, also in the middle of an answer.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # our parent ends us
    os.nice(nice)
    told = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever else is printed must not end up between messages
    given = sys.stdin.buffer
    first = next_message(given)
    if first is not None:
        asyncio.run(_answer_all(prepare(first[1]), given, told))


async def _answer_all(answer: Answerer, given: BinaryIO, told: BinaryIO) -> None:
    loop, tasks, telling = asyncio.get_running_loop(), set[asyncio.Task[None]](), threading.Lock()

    def begin(number: int, what: object) -> None:
        task = asyncio.create_task(_answer_one(answer, number, what, told, telling))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def listen() -> None:
        while (message := next_message(given)) is not None:
            loop.call_soon_threadsafe(begin, *message)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    _tell(told, telling, READY, None)
    await asyncio.Event().wait()


async def _answer_one(
    answer: Answerer, number: int, what: object, told: BinaryIO, telling: threading.Lock
) -> None:
    try:
        answered = await answer(what)
        value, body = answered.value, answered.body
    except Exception:
        log.exception("a question could not be answered")
        value, body = Unanswered("answering it failed, and the failure was logged"), ()
    await asyncio.to_thread(_tell, told, telling, number, value, body)


def _tell(
    told: BinaryIO,
    telling: threading.Lock,
    number: int,
    value: object,
    body: Sequence[bytes] = (),
) -> None:
    with telling:
        for part in (pack_message(number, value, sum(map(len, body))), *body):
            rest = memoryview(part)
            while rest:
                rest = rest[told.write(rest) :]
