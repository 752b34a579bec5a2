"""Observe: asks services for their status; decides nothing about the answers."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import httpx

from mission_control.decide.probe_plan import next_rung, paths_due, rests
from mission_control.jobs.ports import Clock
from mission_control.model.fleet import Agent
from mission_control.model.reading import (
    NO_EXCHANGE,
    EndpointReading,
    Exchange,
    ServiceRound,
    Unseen,
    UnseenReason,
)
from mission_control.observe.connection_failure import FAILURES, describe, reason_for
from mission_control.observe.http_transport import USER_AGENT, Transports
from mission_control.observe.opening import PHASES
from mission_control.observe.received import MAX_BODY_BYTES, Received, interpret
from mission_control.observe.redaction import printable, redact_text

MAX_TOKEN_BYTES = 16 * 1024


class ServiceProbe:
    """
    Reads services over HTTP with GET alone; satisfies `ServiceReader`.

    Requests are built once per agent and path and handed straight to the transport: the
    client layer of httpx costs more than the network does.
    """

    def __init__(self, transports: Transports, clock: Clock) -> None:
        """Probe through these transports by this clock."""
        self._transports = transports
        self._clock = clock
        self._requests: dict[str, httpx.Request] = {}
        self._names: dict[tuple[str, int | None], set[str]] = {}

    def when_lost(self, tell: Callable[[str], None]) -> None:
        """Have somebody told the names of agents that close a connection held to them."""

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
        known = dict[str, EndpointReading]() if previous is None else previous.readings
        due = paths_due(agent, known, started)
        readings: dict[str, EndpointReading] = {
            p: replace(r, exchange=NO_EXCHANGE)  # its exchange is over and witnesses nothing now
            for p, r in known.items()
            if p not in due and isinstance(r, Unseen) and rests(r, started)
        }
        readings.update(await self._ask_all(agent, due, deadline))
        while (rung := next_rung(agent, readings)) is not None:
            readings[rung] = await self._ask(agent, rung, deadline)
        return ServiceRound(agent.agent_name, started, self._clock(), readings)

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
        began = loop.time()
        phases: list[tuple[str, float]] = []
        PHASES.set(phases)
        try:
            transport = self._transports.for_agent(agent.tls)
            request = await self._request(agent, path)
        except OSError as error:
            return Unseen(UnseenReason.UNREADABLE, self._clock(), detail=_file_trouble(error))
        try:
            async with asyncio.timeout_at(deadline):
                received = await _exchange(transport, request)
        except TimeoutError:
            reason, detail = UnseenReason.TIMEOUT, f"no whole answer in {agent.deadline_seconds} s"
        except FAILURES as error:
            reason, detail = reason_for(error), printable(redact_text(describe(error)))
        else:
            return interpret(
                received,
                path=path,
                contract=agent.contract,
                kind=agent.kind,
                at=self._clock(),
                took=loop.time() - began,
                phases=tuple(phases),
            )
        exchange = Exchange(phases=tuple(phases))
        return Unseen(reason, self._clock(), loop.time() - began, detail, exchange)

    async def _request(self, agent: Agent, path: str) -> httpx.Request:
        url = f"{agent.service_dns}{path}"
        known = self._requests.get(url)
        if known is None:
            known = self._requests[url] = httpx.Request("GET", url, headers=_HEADERS)
            address = (known.url.host, known.url.port)
            self._names.setdefault(address, set()).add(agent.agent_name)
        if agent.bearer_token_file is None:
            return known
        token = await asyncio.to_thread(_read_token, agent.bearer_token_file)
        headers = {**_HEADERS, "authorization": f"Bearer {token}"}
        return httpx.Request("GET", url, headers=headers)


_HEADERS = {
    "user-agent": USER_AGENT,
    "accept": "application/json, text/html;q=0.5, */*;q=0.1",
    "accept-encoding": "identity",
}


def _read_token(path: str) -> str:
    """Read a bearer token anew for each round, so that a rotated one is used at once."""
    with Path(path).open("rb") as file:
        text = file.read(MAX_TOKEN_BYTES).decode("ascii", errors="replace").strip()
    if not text or not text.isprintable() or "\N{REPLACEMENT CHARACTER}" in text:
        raise OSError(0, "the token file is empty or not plain text", path)
    return text


def _file_trouble(error: OSError) -> str:
    return f"{error.filename or 'a certificate file'}: {error.strerror or type(error).__name__}"


async def _exchange(transport: httpx.AsyncBaseTransport, request: httpx.Request) -> Received:
    """Send a request and read its answer raw, up to the cap; a cut-off answer is abandoned."""
    response = await transport.handle_async_request(request)
    try:
        return await _receive(response)
    finally:
        await response.aclose()


async def _receive(response: httpx.Response) -> Received:
    status, headers = response.status_code, response.headers
    date, location = headers.get("date"), headers.get("location", "")
    encoding = headers.get("content-encoding", "identity").strip().casefold()
    refusal, detail = None, ""
    if encoding not in {"", "identity"}:
        refusal = UnseenReason.ENCODED
        detail = f"content-encoding {printable(encoding)[:40]} was not asked for"
    body = bytearray()
    assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101  (what transports give)
    async for chunk in response.stream:
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            if refusal is None:
                refusal, detail = (
                    UnseenReason.BODY_TOO_LARGE,
                    f"more than {MAX_BODY_BYTES // 1024} KiB",
                )
            break
    return Received(status, bytes(body[:MAX_BODY_BYTES]), date, location, refusal, detail)
