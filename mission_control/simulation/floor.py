"""The trading floor, one ASGI app per service, with the faults of a scenario."""

import os
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock

from mission_control.errors import ConfigurationError
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.simulation.answers import (
    ASGIApp,
    Receive,
    Respond,
    Scope,
    Send,
    client_left,
    send_answer,
)
from mission_control.simulation.clock import SimulatedClock
from mission_control.simulation.cluster_api.api import SimulatedCluster, Staging
from mission_control.simulation.control import control_app
from mission_control.simulation.hostile import fail
from mission_control.simulation.moment import Moment, written_time
from mission_control.simulation.scenarios.catalogue import find_scenario
from mission_control.simulation.scenarios.scenario import KUBERNETES, NO_TWIST, Scenario
from mission_control.simulation.services.directory import answering_services
from mission_control.simulation.tape import SessionAt, last_quote, last_tick

ALREADY_RUNNING = timedelta(hours=3)
"""How long the services have been up when the floor is built."""


@dataclass(frozen=True, slots=True)
class Staged:
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
        with self._lock:
            if set_clock or at is not None:
                self.clock.set(at or scenario.at)
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
