"""
A child process of our own that answers questions, kept running, bounded and begun again.

The child is started fresh (never forked from a process with threads and a loop) and inherits only
the variables that are named. Messages are a number, a pickled value and bytes beside it.
"""

import asyncio
import contextlib
import itertools
import logging
import os
import pickle
import signal
import struct
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from mission_control.processes.model import Answered, Unanswered

log = logging.getLogger(__name__)

HEAD = struct.Struct("!QIQ")
"""Before each message: the question's number, bytes of its value, and bytes beside the value."""
READY = 0
"""The number of the setup, and of the message with which a child says that it can be asked."""
PIECE = 256 * 1024
"""Bytes that are passed on at once."""


def pack_message(number: int, value: object, beside: int = 0) -> bytes:
    """Write a message up to the bytes that come beside it."""
    packed = pickle.dumps(value)
    return HEAD.pack(number, len(packed), beside) + packed


async def read_message(stream: asyncio.StreamReader) -> tuple[int, Answered | Unanswered]:
    """Read what a child says; its bytes come in pieces, so that no piece holds a loop up."""
    number, size, beside = HEAD.unpack(await stream.readexactly(HEAD.size))
    value = pickle.loads(await stream.readexactly(size))  # noqa: S301  (our own child wrote it)
    pieces = list[bytes]()
    while beside > 0:
        piece = await stream.read(min(PIECE, beside))
        if not piece:
            raise asyncio.IncompleteReadError(b"", beside)
        pieces.append(piece)
        beside -= len(piece)
    return number, value if isinstance(value, Unanswered) else Answered(value, tuple(pieces))


def next_message(given: BinaryIO) -> tuple[int, object] | None:
    """Read what a child is asked; None where there will be nothing more."""
    head = given.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    number, size, _ = HEAD.unpack(head)
    value = given.read(size)
    return (number, pickle.loads(value)) if len(value) == size else None  # noqa: S301  (as above)


Answerer = Callable[[object], Awaitable[Answered]]


def run_child(prepare: Callable[[object], Answerer]) -> None:
    """
    Be the child: make the answerer from the setup, and answer until our standard input ends.

    It ends with its parent, also in the middle of an answer.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # our parent ends us
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


PAUSES_SECONDS = (0.2, 1.0, 5.0, 15.0)
"""Between the death of a child and the next start; from the first again once one was ready."""
ENDING_SECONDS = 2.0
STARTING_SECONDS = 60.0
OF_EVERY_CHILD = (
    "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "PYTHONPATH", "PYTHONHOME",
    "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "LD_LIBRARY_PATH",
)  # fmt: skip


def environment_of(environ: Mapping[str, str], prefix: str | None = None) -> dict[str, str]:
    """Return the variables that a child inherits: what Python needs, and those with this prefix."""
    return {
        name: value
        for name, value in environ.items()
        if name in OF_EVERY_CHILD or (prefix is not None and name.startswith(prefix))
    }


async def start_child(
    module: str, environ: Mapping[str, str], nice: int
) -> asyncio.subprocess.Process:
    """
    Start a module as a process that is `nice` by so much more than we are, with pipes to it.

    Raises OSError where it cannot be started. A Ctrl-C of the terminal is ours to answer.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=dict(environ),
        start_new_session=True,
        limit=4 * PIECE,
    )
    with contextlib.suppress(OSError):  # it may have ended already
        os.setpriority(os.PRIO_PROCESS, process.pid, os.nice(0) + nice)
    return process


@dataclass(slots=True)
class _Running:
    """A child that runs, and the questions that it has been asked."""

    process: asyncio.subprocess.Process
    asked: dict[int, asyncio.Future[Answered | Unanswered]] = field(
        default_factory=dict[int, "asyncio.Future[Answered | Unanswered]"]
    )

    def end(self) -> None:
        """Kill it; those that wait are told by the task that reads its output."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()


@dataclass(slots=True)
class ChildProcess:
    """
    Asks a child, which is kept running: `ask` never raises and never waits past its deadlines.

    `at_once` questions are put to it together, `waiting` more may wait, and `wait_now` do. On a
    busy machine it gets the processor `nice` steps after us, from its start on. A
    question that is not answered in time has the child killed and begun again: it cannot be told
    apart from a hang.
    """

    module: str
    setup: object
    environ: Mapping[str, str]
    at_once: int = 4
    waiting: int = 32
    nice: int = 0
    wait_now: int = field(default=0, init=False)
    _running: _Running | None = field(default=None, init=False)
    _ready: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _trouble: str = field(default="", init=False)
    _slots: asyncio.Semaphore = field(init=False)
    _numbers: "itertools.count[int]" = field(
        default_factory=lambda: itertools.count(READY + 1), init=False
    )

    def __post_init__(self) -> None:
        """Have room for as many questions as are put at once."""
        self._slots = asyncio.Semaphore(self.at_once)

    @property
    def pid(self) -> int | None:
        """Return the number of the process that runs now."""
        return self._running.process.pid if self._running else None

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncGenerator["ChildProcess"]:
        """Keep a child running for the time of the block, which does not wait until it is ready."""
        keeping = asyncio.create_task(self._keep())
        try:
            yield self
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    async def ask(self, what: object, seconds: float) -> Answered | Unanswered:
        """Ask, and wait so many seconds for room and as many again for the answer."""
        if self.wait_now >= self.waiting:
            return Unanswered("too many questions wait already")
        self.wait_now += 1
        try:
            async with asyncio.timeout(seconds):
                await self._slots.acquire()
        except TimeoutError:
            return Unanswered(f"other questions have taken all of {seconds:g} s")
        finally:
            self.wait_now -= 1
        try:
            return await self._ask_now(what, seconds)
        finally:
            self._slots.release()

    async def _ask_now(self, what: object, seconds: float) -> Answered | Unanswered:
        running: _Running | None = None
        try:
            async with asyncio.timeout(seconds):
                if self._trouble and not self._ready.is_set():
                    return Unanswered(self._trouble)
                await self._ready.wait()
                running = self._running
                if running is None or running.process.stdin is None:
                    return Unanswered("the process that answers has just ended", 1)
                number = next(self._numbers)
                future = running.asked[number] = asyncio.get_running_loop().create_future()
                try:
                    running.process.stdin.write(pack_message(number, what))
                    return await future
                finally:
                    running.asked.pop(number, None)
        except TimeoutError:
            if running is None:
                return Unanswered("the process that answers has not started yet")
            log.warning("a question was not answered in %g s: its process is begun again", seconds)
            if running is self._running:
                self._ready.clear()  # no question goes to one that is being killed
            running.end()
            return Unanswered(f"there was no answer in {seconds:g} s")

    async def _keep(self) -> None:
        died = 0
        while True:
            was_ready = await self._run_once()
            died = 0 if was_ready else died + 1
            self._trouble = "" if was_ready else "the process that answers cannot be started"
            pause = PAUSES_SECONDS[min(died, len(PAUSES_SECONDS) - 1)]
            log.warning("%s has ended; it is begun again in %g s", self.module, pause)
            await asyncio.sleep(pause)

    async def _run_once(self) -> bool:
        """Run one child to its end; tells whether it was ever ready."""
        try:
            process = await self._start()
        except OSError as error:
            log.warning("%s cannot be started: %s", self.module, error.strerror)
            return False
        self._running = running = _Running(process)
        try:
            return await self._listen(running)
        finally:
            self._ready.clear()
            self._running = None
            for future in running.asked.values():
                if not future.done():
                    future.set_result(Unanswered("the process that answers has ended", 1))
            await _see_end(running)

    async def _start(self) -> asyncio.subprocess.Process:
        process = await start_child(self.module, self.environ, self.nice)
        assert process.stdin is not None  # noqa: S101  (it is a pipe)
        process.stdin.write(pack_message(READY, self.setup))
        return process

    async def _listen(self, running: _Running) -> bool:
        stdout = running.process.stdout
        assert stdout is not None  # noqa: S101  (it is a pipe)
        try:
            async with asyncio.timeout(STARTING_SECONDS):
                await read_message(stdout)
        except (asyncio.IncompleteReadError, OSError):  # OSError: a timeout is one as well
            return False
        self._ready.set()
        self._trouble = ""
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                number, answer = await read_message(stdout)
                future = running.asked.get(number)
                if future is not None and not future.done():
                    future.set_result(answer)
        return True


async def _see_end(running: _Running) -> None:
    """See it end: its pipe is shut, which ends it; one that does not is killed."""
    if running.process.stdin is not None:
        running.process.stdin.close()
    try:
        async with asyncio.timeout(ENDING_SECONDS):
            await running.process.wait()
    except TimeoutError:
        running.end()
        await running.process.wait()
