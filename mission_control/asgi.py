"""Bootstrap's parts, the watch and the API under one event loop."""

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import uvicorn
import uvloop

from mission_control.api.connection_limits import LimitedServer
from mission_control.bootstrap.access import access_files, limited_protocol
from mission_control.bootstrap.alerting import Alerting, rules_in_force
from mission_control.bootstrap.clock import real_clock
from mission_control.bootstrap.record import find_root, run_origin
from mission_control.bootstrap.serve import Parts, connected
from mission_control.configuration.settings import PAGES_VARIABLES, Settings, host_name
from mission_control.errors import ConfigurationError, StorageError
from mission_control.log_records import configure_logging
from mission_control.market_calendar.days import in_new_york
from mission_control.model.clock import Clock
from mission_control.processes import collector
from mission_control.processes import own_process as process
from mission_control.processes.child_process import environment_of
from mission_control.schedule.scheduler import DayScheduler

if TYPE_CHECKING:
    from mission_control.bootstrap.demo import DemoFloor

GRACE_SECONDS = 2
"""An open event stream may hold the process up this long when it stops."""
TIDY_SECONDS, TIDY_AGAIN_SECONDS = 10.0, 60.0
"""The day begins once the record is tidy, but waits no longer; tidying goes on until it is."""

Connecting = contextlib.AbstractAsyncContextManager[Parts]

log = logging.getLogger(__name__)


def bind(host: str, port: int, *, where: str) -> socket.socket:
    """
    Bind a listening socket, or raise ConfigurationError that names the port and the remedy.

    Bound before anything else starts, so that a busy port is one clear line.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        busy = error.errno == errno.EADDRINUSE
        problem = f"port {port} on {host} is busy" if busy else f"cannot bind: {error.strerror}"
        remedy = "stop what listens there or choose another port"
        raise ConfigurationError(problem, where=where, remedy=remedy) from None
    listener.set_inheritable(False)
    return listener


def nothing() -> None:
    """Announce nothing."""


def run_server(
    settings: Settings,
    *,
    with_ui: bool = False,
    history_is_new: str = "",
    announce: Callable[[], None] = nothing,
) -> int:
    """
    Serve until stopped by SIGINT or SIGTERM; returns the exit code.

    `announce` is called once the ports are found free.
    """
    configure_logging(settings.log_format)
    rules_in_force(settings)  # before anything is touched: what is wrong with them ends the start
    access_files(settings)
    parts = _connected_there(settings, history_is_new)
    return _run(settings, real_clock, parts, announce, with_ui=with_ui)


@contextlib.asynccontextmanager
async def _connected_there(settings: Settings, history_is_new: str) -> AsyncGenerator[Parts]:
    await find_root(settings)
    made = connected(settings, real_clock, records=True, history_is_new=history_is_new)
    async with made as parts:
        yield parts


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """
    What a demo is asked for; `at` starts the clock, `interval_seconds` None is the field's.

    `with_past` begins with recorded sessions. `floors` is how many other floors there are.
    """

    scenario: str
    at: datetime | None = None
    port: int = 8080
    ui_port: int = 8090
    floor_port: int = 9100
    interval_seconds: float | None = None
    with_ui: bool = True
    with_past: bool = True
    floors: int = 0


def run_demo(options: DemoOptions, say: Callable[[str], None]) -> int:
    """Serve a simulated floor until stopped, and say where everything is and what to try."""
    configure_logging("console", logging.WARNING)
    flags: dict[str, object] = {
        "port": options.port,
        "ui_port": options.ui_port,
        "interval_seconds": options.interval_seconds,
    }
    from mission_control.bootstrap.demo import demo_floor  # noqa: PLC0415  (simulated floors alone)

    past, others = options.with_past, options.floors
    started = demo_floor(
        options.scenario, options.at, options.floor_port, flags, past=past, others=others
    )
    with started as floor:
        parts = connected(floor.settings, floor.clock, "DEMO", records=True)

        def announce() -> None:
            for line in _what_to_try(floor, options):
                say(line)

        return _run(floor.settings, floor.clock, parts, announce, with_ui=options.with_ui)


def _what_to_try(floor: "DemoFloor", options: DemoOptions) -> Iterator[str]:
    api = f"http://{floor.settings.host}:{floor.settings.port}"
    yield f"A simulated trading floor, scenario {options.scenario}. Nothing here is real."
    clocks = in_new_york(floor.clock())
    yield f"Its clock starts on {clocks:%A %d %B %Y at %H:%M} in New York. {_what_was(floor)}"
    yield "Ctrl-C ends it."
    yield ""
    if options.with_ui:
        yield f"  Floor page   http://{floor.settings.host}:{floor.settings.ui_port}/"
    yield f"  API          {api}/api/v1/posture"
    yield f"  Scenarios    {floor.control}/scenario"
    if floor.elsewhere:
        yield f"  Other floors {api}/api/v1/floors, of {floor.elsewhere.url}/floors"
    for name, address in floor.addresses:
        yield f"  {name:<22} {address}"
    yield ""
    yield "Try:"
    yield f"  mission-control status --url {api}"
    yield f"  curl -s -X POST '{floor.control}/scenario?name=kill-switch-off'"
    yield f"  curl -s -X POST '{floor.control}/scenario?name=critical-drip'"
    yield f"  curl -s -X POST '{floor.control}/scenario?name=calm'"
    if floor.elsewhere:
        yield f"  curl -s -X POST '{floor.elsewhere.url}/floors?name=floor-02&conduct=executes'"
    yield "An alarm stays latched until its own source clears it: see /runbooks on the page."
    yield ""


JUDGED_AGAIN = (
    "Watching was interrupted since the last GO, as by any restart, so readiness is NO-GO at first;"
    "\nit is judged again by three looks ten seconds apart, which takes 40 seconds."
)

OTHER_PORTS = (
    "It was recorded with the usual ports and no other floors: with these, it counts for another"
    " fleet file."
)


def _what_was(floor: "DemoFloor") -> str:
    """Say which sessions before the start are recorded, and what becomes of their verdict."""
    days = sorted({day.on for day in floor.past})
    if not days:
        return "Nothing before that is recorded."
    listed = ", ".join(f"{on:%a %d %b}" for on in days)
    told = f"Recorded before that: {listed}.\n{JUDGED_AGAIN}"
    return told if floor.recorded_ports else f"{told}\n{OTHER_PORTS}"


def _run(
    settings: Settings,
    clock: Clock,
    parts: Connecting,
    announce: Callable[[], None],
    *,
    with_ui: bool,
) -> int:
    where = "--port, MISSION_CONTROL_PORT"
    listener = bind(settings.host, settings.port, where=where)
    if with_ui:
        bind(settings.host, settings.ui_port, where="--ui-port, MISSION_CONTROL_UI_PORT").close()
    announce()
    process.raise_open_files_limit()
    collector.keep_what_is_here()
    served = _serve(settings, clock, parts, listener, with_ui=with_ui)
    process.run(served, uvloop.new_event_loop)
    return 0


async def _serve(
    settings: Settings, clock: Clock, made: Connecting, listener: socket.socket, *, with_ui: bool
) -> None:
    async with made as parts, contextlib.AsyncExitStack() as s:
        server = _server(settings, parts)

        def stop() -> None:
            parts.board.close()
            server.should_exit = True

        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
        watch = asyncio.create_task(parts.watch.run())
        watch.add_done_callback(_report)
        day = asyncio.create_task(_schedule(parts, clock))
        day.add_done_callback(_report_day)
        for beside in _begin_beside(parts):
            s.push_async_callback(_end, beside)
        if with_ui:
            await s.enter_async_context(_pages(settings, demo=bool(parts.watch.label)))
        if parts.watch.label:
            from mission_control.bootstrap.demo import run_jobs_when_seen  # noqa: PLC0415

            origin = run_origin(settings, "demo", clock())
            sample = asyncio.create_task(run_jobs_when_seen(parts, origin))
            s.callback(sample.cancel)
        log.info("serving", extra={"port": settings.port})
        await server.serve(sockets=[listener])
        day.cancel()  # first: what it runs still looks at the floor
        await asyncio.gather(day, return_exceptions=True)
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)


def _server(settings: Settings, parts: Parts) -> LimitedServer:
    gate = parts.edges.gate
    config = uvicorn.Config(
        parts.application,  # pyright: ignore[reportArgumentType]
        http=limited_protocol(settings),
        proxy_headers=False,  # only those that are configured: api/admission.py
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ws="none",
    )
    return LimitedServer(config, gate.files.certificate_now if gate else None)


async def _tidy_up(parts: Parts, clock: Clock) -> None:
    """
    Sweep what a process that died left behind, trying until it is done.

    A store that fails shows on the posture.
    """
    while True:
        try:
            removed, recovered = await asyncio.to_thread(parts.store.sweep, clock())
        except StorageError as error:
            log.warning("the record could not be tidied up: %s", error)
            await asyncio.sleep(TIDY_AGAIN_SECONDS)
        else:
            break
    for path in removed:
        log.info("removed what was left half written", extra={"path": path})
    for entry in recovered:
        log.warning("recorded a run whose writer had died", extra={"path": entry.path})


async def _schedule(parts: Parts, clock: Clock) -> None:
    """
    Begin the day's runs until cancelled; it is the scheduler's beat that health looks at.

    What a process that died had not recorded yet is recorded first, so that none of it is run
    again; a store that hangs does not keep the server from serving.
    """
    scheduler = DayScheduler(parts.day, clock, real_clock, time.monotonic)
    parts.day.beat = scheduler.stalled
    tidying = asyncio.create_task(_tidy_up(parts, clock))
    try:
        await asyncio.wait({tidying}, timeout=TIDY_SECONDS)
        await scheduler.run()
    finally:
        tidying.cancel()
        await asyncio.gather(tidying, return_exceptions=True)


def _report_day(day: "asyncio.Task[None]") -> None:
    if not day.cancelled() and day.exception() is not None:
        log.error("the scheduler has ended; no run is begun any more", exc_info=day.exception())


def _begin_alerts(alerting: Alerting) -> "asyncio.Task[None]":
    alerts = asyncio.create_task(alerting.run())
    alerts.add_done_callback(_report_alerts)
    return alerts


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _report_alerts(alerts: "asyncio.Task[None]") -> None:
    if not alerts.cancelled() and alerts.exception() is not None:
        log.error("alerts are no longer kept or delivered", exc_info=alerts.exception())


def _begin_beside(parts: Parts) -> "Iterator[asyncio.Task[None]]":
    """Begin what goes on beside the watch: other floors, and alerts."""
    if parts.floors is not None:
        floors = asyncio.create_task(parts.floors.run())
        floors.add_done_callback(_report_floors)
        yield floors
    if parts.alerts is not None:
        yield _begin_alerts(parts.alerts)


def _report_floors(floors: "asyncio.Task[None]") -> None:
    if not floors.cancelled() and floors.exception() is not None:
        log.error("other floors are no longer asked", exc_info=floors.exception())


def _report(watch: "asyncio.Task[None]") -> None:
    if not watch.cancelled() and watch.exception() is not None:
        log.error("the watch has ended; the posture is HALTED", exc_info=watch.exception())


def told_to_pages(settings: Settings, environ: Mapping[str, str], *, demo: bool) -> dict[str, str]:
    """
    Return the environment of the pages: their own variables, and what follows from our settings.

    Their secrets are files that these name; none is a variable. A demo reads no variable.
    """
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    scheme = "https" if settings.tls_certificate else "http"
    told = {
        "MISSION_CONTROL_URL": f"{scheme}://{host_name(reached)}:{settings.port}",
        "MISSION_CONTROL_UI_HOST": settings.host,
        **({"MISSION_CONTROL_PUBLIC_URL": settings.public_url} if settings.public_url else {}),
        **{name: environ[name] for name in PAGES_VARIABLES if environ.get(name) and not demo},
    }
    return {**environment_of(environ), **told}


def pages_scheme() -> str:
    """Return how the pages beside us are reached: their certificate is a variable of their own."""
    return "https" if os.environ.get("MISSION_CONTROL_UI_TLS_CERTIFICATE") else "http"


@contextlib.asynccontextmanager
async def _pages(settings: Settings, *, demo: bool) -> AsyncGenerator[None]:
    """
    Run the operator's pages as a child process; its death never affects this one.

    It inherits what Python needs and is told its settings: no password or key of ours.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ops_ui",
        env={
            **told_to_pages(settings, os.environ, demo=demo),
            "MISSION_CONTROL_UI_PORT": str(settings.ui_port),
            "MISSION_CONTROL_ALLOWED_HOSTS": ",".join(settings.allowed_hosts),
        },
    )
    try:
        yield
    finally:
        if child.returncode is None:
            child.terminate()
            try:
                async with asyncio.timeout(GRACE_SECONDS):
                    await child.wait()
            except TimeoutError:
                child.kill()
