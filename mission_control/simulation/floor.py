"""The trading floor, one ASGI app per service, with the faults of a scenario; its switchboard."""

import asyncio
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, cast
from urllib.parse import parse_qsl

import orjson

from mission_control.errors import ConfigurationError
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.simulation.answers import (
    Answer,
    ASGIApp,
    Receive,
    Respond,
    Scope,
    Send,
    client_left,
    fail,
    json_answer,
    send_answer,
)
from mission_control.simulation.catalogue import SCENARIOS, find_scenario
from mission_control.simulation.clock import SimulatedClock
from mission_control.simulation.cluster_api import SimulatedCluster, Staging
from mission_control.simulation.moment import Moment, SessionAt, last_quote, last_tick, written_time
from mission_control.simulation.scenario import KUBERNETES, NO_TWIST, Scenario
from mission_control.simulation.services import answering_services

ALREADY_RUNNING = timedelta(hours=3)
"""How long the services have been up when the floor is built."""


class Staged(NamedTuple):
    """The current scenario, and since when it is."""

    scenario: Scenario
    since: datetime


class SimulatedFloor:
    """
    Every service of the roster, sharing one clock and one scenario.

    The scenario is one value, replaced whole, so that no answer ever shows two of them. Safe to
    switch and to read from any thread.
    """

    def __init__(
        self,
        clock: SimulatedClock,
        scenario_name: str = "calm",
        *,
        session_at: SessionAt | None = None,
    ) -> None:
        """
        Start with a scenario at the instant of the clock.

        Raises ConfigurationError for an unknown scenario.
        """
        self.clock = clock
        self.session_at = session_at or MarketCalendar().session_at
        self._staged = Staged(find_scenario(scenario_name), clock())
        self._started_at = self._staged.since - ALREADY_RUNNING
        self._lock = Lock()
        self._requests = Counter[tuple[str, str, str]]()
        self._mutations = 0
        self._listeners = list[Callable[[], None]]()
        self._apps = {
            name: self._app_of(name, respond) for name, respond in answering_services().items()
        }
        self.control_app = control_app(self)
        self.cluster = SimulatedCluster(self._staging)

    @property
    def scenario(self) -> Scenario:
        """The current scenario."""
        return self._staged.scenario

    @property
    def requests(self) -> Counter[tuple[str, str, str]]:
        """How often each (agent, method, path) was requested."""
        with self._lock:
            return Counter(self._requests)

    @property
    def execution_mutations(self) -> int:
        """How often execution-engine got a request that changes it, `GET /state` included."""
        return self._mutations

    def app(self, agent_name: str) -> ASGIApp:
        """Return a service's ASGI app; a service without HTTP has none, which is a KeyError."""
        return self.cluster.app if agent_name == KUBERNETES else self._apps[agent_name]

    def switch(
        self, scenario_name: str, *, set_clock: bool = False, at: datetime | None = None
    ) -> None:
        """
        Switch to another scenario at once.

        The clock stays, unless `set_clock` moves it to the scenario's instant or `at` to another.

        Raises ConfigurationError for an unknown scenario, and then changes nothing.
        """
        scenario = find_scenario(scenario_name)
        self.play(scenario, at or (scenario.at if set_clock else None))

    def play(self, scenario: Scenario, at: datetime | None = None) -> None:
        """Switch to a scenario that need not be in the catalogue; `at` moves the clock as well."""
        with self._lock:
            if at is not None:
                self.clock.set(at)
            self._staged = Staged(scenario, self.clock())
        for listener in tuple(self._listeners):
            listener()

    def on_switch(self, listener: Callable[[], None]) -> None:
        """Call the listener after every switch, in the thread that switched."""
        self._listeners.append(listener)

    def refuses(self, agent_name: str) -> bool:
        """Return whether a service's port refuses connections now."""
        return self.scenario.refuses(agent_name)

    def kill_switch_text(self) -> str | None:
        """Return what the kill switch's file holds; None when there is no file."""
        return self.scenario.switch.file_text

    def write_kill_switch(self, path: Path) -> None:
        """
        Write the kill switch's file as the scenario has it, atomically.

        Raises ConfigurationError when the file cannot be written.
        """
        text = self.kill_switch_text()
        try:
            if text is None:
                path.unlink(missing_ok=True)
            else:
                _replace_text(path, text)
        except OSError as error:
            raise ConfigurationError(
                f"the kill switch's file cannot be written: {error.strerror}", where=str(path)
            ) from None

    def _staging(self) -> Staging:
        with self._lock:
            staged, now = self._staged, self.clock()
        scenario = staged.scenario
        return Staging(now, scenario.cluster, scenario.switch.file_text)

    def _app_of(self, agent_name: str, respond: Respond) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                raise ValueError("the simulated services speak HTTP only")
            method, path = scope["method"], scope["path"]
            with self._lock:
                self._requests[agent_name, method, path] += 1
            moment = self._moment(agent_name)
            fault = moment.scenario.faults.get(agent_name)
            if fault is not None:
                await fail(fault, receive, send, moment.clock)
                return
            answer = respond(moment, method, path)
            with self._lock:
                self._mutations += answer.mutates
            if answer.after_seconds and await client_left(receive, within=answer.after_seconds):
                return
            await send_answer(send, answer, self._moment(agent_name).clock)

        return app

    def _moment(self, agent_name: str) -> Moment:
        with self._lock:
            staged, now = self._staged, self.clock()
        scenario = staged.scenario
        twist = scenario.twists.get(agent_name, NO_TWIST)
        now_written, clock = written_time(twist, now, staged.since)
        tick = last_tick(scenario.feed, last_quote(self.session_at, now), now, staged.since)
        return Moment(agent_name, scenario, now_written, clock, self._started_at, tick)


def _replace_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(temporary).replace(path)


PATH = "/scenario"
MAX_BODY_BYTES = 4096


class BadRequestError(Exception):
    """What is wrong with a request to the switchboard, for its client."""


def control_app(floor: SimulatedFloor) -> ASGIApp:
    """
    Make the switchboard's ASGI app: `GET /scenario` and `POST /scenario`, nothing else.

    Switching waits for ports that close and a file that changes, so it runs in a thread.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError("the switchboard speaks HTTP only")
        try:
            answer = await _answer(floor, scope, receive)
        except BadRequestError as error:
            known = [scenario.name for scenario in SCENARIOS]
            answer = json_answer({"error": str(error), "known": known}, status=400)
        except ConfigurationError as error:
            answer = json_answer({"error": str(error)}, status=500)
        await send_answer(send, answer, floor.clock())

    return app


async def _answer(floor: SimulatedFloor, scope: Scope, receive: Receive) -> Answer:
    if scope["path"] != PATH:
        return json_answer({"error": "not found", "try": PATH}, status=404)
    if scope["method"] == "POST":
        name, at = _read_wish(scope, await _read_body(receive))
        await asyncio.to_thread(_grant, floor, name, at)
    elif scope["method"] != "GET":
        body = orjson.dumps({"error": "method not allowed"})
        return Answer(405, body, headers=(("allow", "GET, POST"),))
    return json_answer(_picture(floor))


def _picture(floor: SimulatedFloor) -> Mapping[str, object]:
    now = floor.clock()
    return {
        "current": floor.scenario.name,
        "description": floor.scenario.description,
        "clock": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "market_phase": floor.session_at(now).phase.value,
        "scenarios": [
            {"name": s.name, "description": s.description, "at": s.at.isoformat()}
            for s in SCENARIOS
        ],
    }


def _grant(floor: SimulatedFloor, name: str, at: datetime | None) -> None:
    """Switch; the clock moves too when the scenario is of another phase of the market's day."""
    here = floor.session_at(floor.clock())
    there = floor.session_at(find_scenario(name).at.astimezone(UTC))
    elsewhere = (here.phase, here.early_close) != (there.phase, there.early_close)
    floor.switch(name, set_clock=elsewhere, at=at)


async def _read_body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY_BYTES:
            raise BadRequestError(f"the body is longer than {MAX_BODY_BYTES} bytes")
    return body


def _read_wish(scope: Scope, body: bytes) -> tuple[str, datetime | None]:
    """Read the requested scenario, and the instant if one is requested."""
    fields = dict[str, Any](parse_qsl(scope["query_string"].decode("latin-1")))
    if body.strip():
        fields |= _read_object(body)
    unknown = sorted(fields.keys() - {"name", "at"})
    if unknown:
        raise BadRequestError(f"unknown field {unknown[0][:64]!r}; there are name and at")
    name = fields.get("name")
    if not isinstance(name, str):
        raise BadRequestError('name a scenario, as in {"name": "calm"} or ?name=calm')
    try:
        find_scenario(name)
    except ConfigurationError as error:
        raise BadRequestError(error.problem) from None
    return name, _read_instant(fields.get("at"))


def _read_object(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise BadRequestError("the body is not a JSON object")
    return cast("dict[str, Any]", document)


def _read_instant(text: object) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        at = None
    if at is None or at.utcoffset() is None:
        raise BadRequestError("at is no instant; write it as 2026-11-18T10:15:00-05:00")
    return at
