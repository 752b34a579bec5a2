"""Asks services for their status; decides nothing about the answers."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import httpx

from mission_control.contract.model.answer import STATUS_PATH
from mission_control.contract.model.claims import Claims
from mission_control.floor.decide.evidence import MAX_AGE_SECONDS
from mission_control.model.clock import Clock
from mission_control.model.fleet import Agent
from mission_control.model.reading import (
    NO_EXCHANGE,
    Addresses,
    EndpointReading,
    Exchange,
    ServiceRound,
    Unseen,
    UnseenReason,
)
from mission_control.model.reload import Reload
from mission_control.probe.decide import next_rung, note_addresses, paths_due, rests, wanted_paths
from mission_control.probe.failure import FAILURES, describe, reason_for
from mission_control.probe.held_connection import WireAnswer
from mission_control.probe.opening import COURSE, Course
from mission_control.probe.patience import Patience
from mission_control.probe.received import (
    MAX_BODY_BYTES,
    Interpreter,
    Received,
    find_pattern,
    interpret,
    recognise,
)
from mission_control.probe.rotated_files import TokenFiles
from mission_control.probe.transport import USER_AGENT, GuardedTransport, Question, Transports
from mission_control.processes.shared_timers import SharedTimers
from mission_control.redaction.redact import printable, redact_text

if TYPE_CHECKING:
    from mission_control.contract.model.same_answer import AnswerPattern

BRIEFLY = "?agents=none"
"""Of another Mission Control: without its list of agents, which may be larger than the cap."""
TICK_SECONDS = 0.05
"""When a byte came is known no better than this, by far."""
STEP_SECONDS = 0.025
"""Deadlines are looked at together in steps of this length, well below a tick."""
STALL_SECONDS = 0.25
STALL_SHARE = 0.25
"""Our loop held up for so long, and for this share of the deadline, leaves the answer open."""


@dataclass(slots=True)
class _Known:
    """What is made once for an agent: its paths, a request and the newest pattern for each."""

    agent: Agent
    wanted: tuple[str, ...]
    questions: dict[str, Question] = field(default_factory=dict[str, Question])
    patterns: "dict[str, AnswerPattern | None]" = field(
        default_factory=dict[str, "AnswerPattern | None"]
    )


class ServiceProbe:
    """
    Reads services over HTTP with GET alone; never raises for their answers.

    Requests are built once per agent and path and handed straight to the transport: the
    client layer of httpx costs more than the network does.
    """

    def __init__(
        self,
        transports: Transports,
        clock: Clock,
        interpreter: Interpreter | None = None,
        *,
        briefly: bool = False,
    ) -> None:
        """
        Probe through these transports by this clock; read answers by this interpreter.

        `briefly` asks each for its status without its list of agents, as twins are always asked.
        """
        self._briefly = briefly
        self._transports = transports
        self._clock = clock
        self._interpreter = interpreter or Interpreter()
        self._known: dict[str, _Known] = {}
        self._deadlines = SharedTimers(STEP_SECONDS)
        self._tokens = TokenFiles()
        self._names: dict[tuple[str, int | None], set[str]] = {}

    def take_reloads(self) -> Sequence[Reload]:
        """Return each set of certificates and each token file once that was read again, or not."""
        return (*self._transports.take_reloads(), *self._tokens.take_reloads())

    def when_lost(self, tell: Callable[[str], None]) -> None:
        """
        Call `tell` with the names of agents that close a connection held to them.

        That is how the death of a process shows first; but many servers also close what is
        idle, so it is a reason to ask at once and no evidence of anything.
        """

        def lost(host: str, port: int | None) -> None:
            for agent_name in sorted(self._names.get((host, port), ())):
                tell(agent_name)

        self._transports.tell_loss = lost

    async def read(self, agent: Agent, previous: ServiceRound | None) -> ServiceRound:
        """
        Run one round: every due path, concurrently, under one total deadline.

        Silence, refusal, a bad status and a broken contract are things we see, so each comes
        back as an `Unseen` with its reason. Paths known not to be offered keep their reading.
        """
        loop = asyncio.get_running_loop()
        started = self._clock()
        deadline = loop.time() + agent.deadline_seconds
        known: Mapping[str, EndpointReading] = {} if previous is None else previous.readings
        due = paths_due(self._know(agent).wanted, known, started)
        readings: dict[str, EndpointReading] = {
            p: replace(r, exchange=NO_EXCHANGE)  # its exchange is over: no evidence now
            for p, r in known.items()
            if p not in due and isinstance(r, Unseen) and rests(r, started)
        }
        readings.update(await self._ask_all(agent, due, deadline))
        while (rung := next_rung(agent, readings)) is not None:
            readings[rung] = await self._ask(agent, rung, deadline)
        finished = self._clock()
        before = Addresses() if previous is None else previous.addresses
        addresses = note_addresses(before, readings.values(), finished)
        return ServiceRound(agent.agent_name, started, finished, readings, addresses)

    def _know(self, agent: Agent) -> _Known:
        known = self._known.get(agent.agent_name)
        if known is None or known.agent is not agent:
            known = self._known[agent.agent_name] = _Known(agent, wanted_paths(agent))
        return known

    async def _ask_all(
        self, agent: Agent, paths: tuple[str, ...], deadline: float
    ) -> Mapping[str, EndpointReading]:
        """Ask paths at the same time; a single one needs no tasks of its own."""
        if len(paths) == 1:
            return {paths[0]: await self._ask(agent, paths[0], deadline)}
        asked = await asyncio.gather(*(self._ask(agent, path, deadline) for path in paths))
        return dict(zip(paths, asked, strict=True))

    async def _ask(self, agent: Agent, path: str, deadline: float) -> EndpointReading:
        loop = asyncio.get_running_loop()
        course = Course()
        COURSE.set(course)
        self._transports.stalls.start()
        began = loop.time()
        try:
            with Patience(deadline, course, self._deadlines):
                guard = self._transports.for_agent(agent.tls)
                question = await self._question(agent, path, guard)
                received = _receive(await guard.ask(question))
        except TimeoutError:
            return await self._silent(agent, path, course, began)
        except FAILURES as error:
            why = reason_for(error), _shown(describe(error))
            if why[0] is UnseenReason.CONNECTION_LOST:
                why = self._held_up(agent, began, course.sent_at or loop.time()) or why
            return await self._broken(agent, path, course, began, why)
        came_at = course.answer.came_at if course.answer is not None else None
        now = loop.time()
        if now > deadline and (came_at is None or came_at > deadline + TICK_SECONDS):
            return await self._silent(agent, path, course, began)
        held_up = 0.0 if came_at is None else now - came_at
        at, took = _earlier(self._clock(), held_up), now - began - held_up
        asked = Exchange(phases=tuple(course.phases), peer=course.peer)
        reading = await self._recognise(agent, path, received, at, took, asked)
        reading = _as_named(reading, course)
        old_files = self._transports.trouble(agent.tls)
        old_files = old_files or self._tokens.trouble(agent.bearer_token_file)
        return _with_old_files(reading, old_files) if old_files else reading

    async def _silent(self, agent: Agent, path: str, course: Course, began: float) -> Unseen:
        """
        Say that no whole answer came in time, and in which phase the time was used up.

        Where our own loop was held up while the service needed us, it is not the service's
        silence: how it would have answered is not known.
        """
        needed_us_until = _needed_us_until(course, asyncio.get_running_loop().time())
        detail = f"no whole answer in {agent.deadline_seconds} s: still in {_where(agent, course)}"
        silence = (UnseenReason.TIMEOUT, detail)
        why = self._held_up(agent, began, needed_us_until) or silence
        return await self._broken(agent, path, course, began, why)

    def _held_up(self, agent: Agent, began: float, until: float) -> tuple[UnseenReason, str] | None:
        """Say that our own loop was held up between two instants, if it was for long enough."""
        lost = self._transports.stalls.lost(began, until)
        if lost <= max(STALL_SECONDS, STALL_SHARE * agent.deadline_seconds):
            return None
        detail = f"our own loop was held up for {lost:.1f} s; how it answers is not known"
        return UnseenReason.OWN_STALL, detail

    async def _broken(
        self,
        agent: Agent,
        path: str,
        course: Course,
        began: float,
        why: tuple[UnseenReason, str],
    ) -> Unseen:
        """Return why a path was not seen; claims in a partial answer still count."""
        at, took = self._clock(), asyncio.get_running_loop().time() - began
        exchange = Exchange(phases=tuple(course.phases), peer=course.peer)
        part = course.answer
        if part is None:
            return Unseen(why[0], at, took, why[1], exchange)
        received = Received(part.status, bytes(part.body[:MAX_BODY_BYTES]))
        read = await self._interpret(agent, path, received, at, took)
        exchange = replace(exchange, status=part.status, excerpt=read.exchange.excerpt)
        return Unseen(why[0], at, took, why[1], exchange, _claims(read))

    async def _recognise(
        self,
        agent: Agent,
        path: str,
        received: Received,
        at: datetime,
        took: float,
        asked: Exchange,
    ) -> EndpointReading:
        """Read a whole answer; one that says what it said before is not interpreted again."""
        patterns = self._know(agent).patterns
        pattern = patterns.get(path)
        if pattern is not None:
            seen = recognise(received, pattern, at=at, took=took, asked=asked)
            if seen is not None:
                return seen
        reading = await self._interpret(agent, path, received, at, took, asked)
        patterns[path] = find_pattern(received, reading)
        return reading

    async def _interpret(
        self,
        agent: Agent,
        path: str,
        received: Received,
        at: datetime,
        took: float,
        asked: Exchange = NO_EXCHANGE,
    ) -> EndpointReading:
        reading = partial(
            interpret,
            received,
            path=path,
            contract=agent.contract,
            kind=agent.kind,
            at=at,
            took=took,
            asked=asked,
        )
        return await self._interpreter.read(received, reading)

    async def _question(self, agent: Agent, path: str, guard: GuardedTransport) -> Question:
        questions = self._know(agent).questions
        known = questions.get(path)
        if known is not None and agent.bearer_token_file is None and known.guard is guard:
            return known
        headers = _HEADERS
        if agent.bearer_token_file is not None:
            token = await self._tokens.token(agent.bearer_token_file)
            headers = {**_HEADERS, "authorization": f"Bearer {token}"}
        asked_briefly = path == STATUS_PATH and (agent.twin or self._briefly)
        brief = BRIEFLY if asked_briefly else ""
        request = httpx.Request("GET", f"{agent.service_dns}{path}{brief}", headers=headers)
        address = (request.url.host, request.url.port)
        self._names.setdefault(address, set()).add(agent.agent_name)
        questions[path] = guard.question(request)
        return questions[path]


_READ_HEADERS = frozenset({b"date", b"location", b"content-encoding"})
_HEADERS = {
    "user-agent": USER_AGENT,
    "accept": "application/json, text/html;q=0.5, */*;q=0.1",
    "accept-encoding": "identity",
}


def _earlier(instant: datetime, seconds: float) -> datetime:
    """Return the instant so long before; to be held up for less than a moment is no matter."""
    return instant - timedelta(seconds=seconds) if seconds > TICK_SECONDS else instant


def _needed_us_until(course: Course, now: float) -> float:
    """Return until when the service could only go on with our help: until it was asked, or now."""
    answer = course.answer
    waits = answer is None or answer.came_at is not None
    if course.phase != "answer" or course.sent_at is None or not waits:
        return now
    return course.sent_at


def _where(agent: Agent, course: Course) -> str:
    """Return in which phase a request is, and what has not happened in it."""
    match course.phase:
        case "dns":
            return f"dns (the lookup of {_host(agent)} has not ended)"
        case "connect":
            return f"connect (to {_host(agent)})"
        case "tls":
            return f"tls (with {course.peer})"
        case "answer":
            return f"answer ({course.peer} has sent {_how_much(course)})"
        case _:
            return "the files that the request needs"


@lru_cache(maxsize=8_192)
def _shown(detail: str) -> str:
    """Return why an exchange failed as it may be kept; the same failures say the same again."""
    return printable(redact_text(detail))


def _host(agent: Agent) -> str:
    return httpx.URL(agent.service_dns or "").host


def _how_much(course: Course) -> str:
    if course.connection is None or not course.connection.has_heard:
        return "nothing"
    late = course.answer is not None and course.answer.came_at is not None
    return "it too late" if late else "only a part"


def _claims(reading: EndpointReading) -> Claims:
    return reading.claims if isinstance(reading, Unseen) else reading.value.claims


def _as_named(reading: EndpointReading, course: Course) -> EndpointReading:
    """
    Return the reading, unseen where no lookup says any more that the name leads to its peer.

    An address that is remembered may be asked, and an alarm that it raises counts.
    """
    if course.sent_at is None or course.sent_at - course.named_at <= MAX_AGE_SECONDS:
        return reading
    if isinstance(reading, Unseen) and reading.reason is not UnseenReason.NOT_OFFERED:
        return reading
    detail = (
        f"{course.peer} answered, which is only remembered: no lookup of the last"
        f" {MAX_AGE_SECONDS:.0f} s says that the name leads there"
    )
    exchange, claims = reading.exchange, _claims(reading)
    return Unseen(UnseenReason.DNS_FAILURE, reading.at, reading.took, detail, exchange, claims)


def _with_old_files(reading: EndpointReading, old_files: str) -> EndpointReading:
    return replace(reading, exchange=replace(reading.exchange, old_files=old_files))


def _told(headers: Iterable[tuple[bytes, bytes]]) -> Mapping[bytes, str]:
    """Return the headers that are read, each with all its values."""
    told = dict[bytes, str]()
    for name, value in headers:
        known = name.lower()
        if known in _READ_HEADERS:
            text = value.decode("latin-1")
            told[known] = f"{told[known]}, {text}" if known in told else text
    return told


def _receive(answer: WireAnswer) -> Received:
    """Take an answer as it came, up to the cap."""
    headers, body = _told(answer.headers), answer.body
    date, location = headers.get(b"date"), headers.get(b"location", "")
    encoding = headers.get(b"content-encoding", "identity").strip().casefold()
    refusal, detail = None, ""
    if encoding not in {"", "identity"}:
        refusal = UnseenReason.ENCODED
        detail = f"content-encoding {printable(encoding)[:40]} was not asked for"
    elif len(body) > MAX_BODY_BYTES:
        refusal, detail = UnseenReason.BODY_TOO_LARGE, f"more than {MAX_BODY_BYTES // 1024} KiB"
    kept = bytes(body[:MAX_BODY_BYTES] if len(body) > MAX_BODY_BYTES else body)
    return Received(answer.status, kept, date, location, refusal, detail)
