"""Command line: what `doctor` looks at on this machine, without asking the fleet."""

import resource
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from zoneinfo import ZoneInfoNotFoundError

from mission_control import asgi
from mission_control.cli.doctor_report import Check, failed, passed, warned
from mission_control.configuration.settings import Settings
from mission_control.errors import ConfigurationError
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.market_calendar.new_york import in_new_york
from mission_control.model.fleet import ContractKind, Fleet
from mission_control.model.session import Phase

HORIZON_DAYS = 90

FILES_OF_OUR_OWN = 128
"""Open files beside the one connection per service: the server, its clients, logs, Python."""

FILES_PER_SERVICE = 2
"""A connection, and the one that replaces it while the old one closes."""


def look_here(settings: Settings, now: datetime) -> Iterator[Check]:
    """Look at everything on this machine that Mission Control needs."""
    yield from (warned("configuration", note, "") for note in settings.notes)
    yield _fleet(settings.fleet)
    yield _zone(now)
    yield _calendar(settings, now)
    yield _root(settings)
    yield _runbooks(settings)
    yield _port(settings, "port", settings.port)
    yield _port(settings, "ui_port", settings.ui_port)
    yield _open_files(settings.fleet)


def _fleet(fleet: Fleet) -> Check:
    asked = sum(agent.contract is not ContractKind.NONE for agent in fleet.agents)
    detail = f"{len(fleet.agents)} agents, {asked} of them asked, from {fleet.source}"
    return passed("fleet file", detail)


def _zone(now: datetime) -> Check:
    try:
        there = in_new_york(now)
    except (ZoneInfoNotFoundError, ValueError) as error:
        return failed("zone data", f"no America/New_York: {error}", "install the tzdata package")
    return passed("zone data", f"New York's clocks show {there:%Y-%m-%d %H:%M:%S %Z}")


def _calendar(settings: Settings, now: datetime) -> Check:
    session = MarketCalendar(settings.closures).session_at(now)
    detail = f"{session.phase}, covered for {session.horizon_days} more days"
    remedy = "install a release whose calendar reaches further"
    if session.phase is Phase.UNKNOWN:
        return failed("calendar", session.note or detail, remedy)
    if session.horizon_days < HORIZON_DAYS:
        return warned("calendar", detail, remedy)
    return passed("calendar", detail)


def _root(settings: Settings) -> Check:
    where = str(settings.root)
    try:
        with tempfile.TemporaryFile(dir=settings.root):
            return passed("root", f"{where} can be written to")
    except OSError as error:
        detail = f"{where} cannot be written to: {error.strerror}"
        return failed("root", detail, "name another with MISSION_CONTROL_ROOT, or mend this one")


def _runbooks(settings: Settings) -> Check:
    pages = 0
    with suppress(OSError):
        pages = sum(1 for _ in settings.runbooks.glob("*.md"))
    if not pages:
        detail = f"there is no page in {settings.runbooks}"
        return failed("runbooks", detail, "name their folder with MISSION_CONTROL_RUNBOOKS")
    return passed("runbooks", f"{pages} pages in {settings.runbooks}")


def _port(settings: Settings, name: str, port: int) -> Check:
    try:
        asgi.bind(settings.host, port, where=name).close()
    except ConfigurationError as error:
        remedy = "fine if Mission Control is serving there; otherwise choose another"
        return warned(name, error.problem, remedy)
    return passed(name, f"{settings.host}:{port} is free")


def _open_files(fleet: Fleet) -> Check:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    asked = sum(agent.contract is not ContractKind.NONE for agent in fleet.agents)
    needed = FILES_OF_OUR_OWN + FILES_PER_SERVICE * asked
    if hard in {resource.RLIM_INFINITY, -1} or hard >= needed:
        shown = "any number" if hard == resource.RLIM_INFINITY else str(hard)
        return passed("open files", f"{shown} may be open, {needed} are needed")
    detail = f"only {hard} may be open, and {needed} are needed for this fleet"
    return failed("open files", detail, f"raise the hard limit: ulimit -Hn {needed}")
