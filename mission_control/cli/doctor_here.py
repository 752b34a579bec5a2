"""Command line: what `doctor` looks at on this machine, without asking the fleet."""

import pwd
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
from mission_control.record.root_check import (
    MOST_LOOKED_AT,
    MOST_TOLD,
    Ownership,
    holds_record,
    look_at_owners,
    other_records,
    tell_new_record,
)

HORIZON_DAYS = 90

FILES_OF_OUR_OWN = 128
"""Open files beside the one connection per service: the server, its clients, logs, Python."""

FILES_PER_SERVICE = 2
"""A connection, and the one that replaces it while the old one closes."""


WHICH_ROOT = "name the one that is meant with MISSION_CONTROL_ROOT or --root"


def look_here(settings: Settings, now: datetime) -> Iterator[Check]:
    """Look at everything on this machine that Mission Control needs."""
    yield from (warned("configuration", note, "") for note in settings.notes)
    yield _fleet(settings.fleet)
    yield _zone(now)
    yield _calendar(settings, now)
    yield from _root(settings)
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


def _root(settings: Settings) -> Iterator[Check]:
    where = str(settings.root)
    new = "" if holds_record(settings.root) else tell_new_record(settings.root)
    try:
        with tempfile.TemporaryFile(dir=settings.root):
            detail = "; ".join(filter(None, (f"{where} can be written to", new)))
    except OSError as error:
        detail = f"{where} cannot be written to: {error.strerror}"
        remedy = "name another with MISSION_CONTROL_ROOT, or mend this one"
        if isinstance(error, FileNotFoundError):
            detail, remedy = f"{detail}; {new}", f"make it if it is the right one; else {remedy}"
        yield failed("root", detail, remedy)
    else:
        if new and other_records(settings.root):
            yield warned("root", detail, WHICH_ROOT)
        else:
            yield passed("root", detail)
    yield from _owners(where, look_at_owners(settings.root))


def _user_name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"uid {user}"


def _owners(where: str, seen: Ownership) -> Iterator[Check]:
    """Name what in the root this user, or the root's own, cannot use."""
    user = _user_name(seen.owner) if seen.owner is not None else ""
    if seen.as_root_elsewhere:
        detail = f"we are root, and {where} is {user}'s: what we record there {user} cannot use"
        yield warned("owner", detail, f"run everything as {user}: sudo -u {user} mission-control")
    if seen.found:
        told = "; ".join(
            f"{each.path} (uid {each.owner}) {each.why}" for each in seen.found[:MOST_TOLD]
        )
        more = len(seen.found) - MOST_TOLD
        detail = f"{told}{f'; and {more} more' if more > 0 else ''}"
        remedy = f"as root: chown -R --no-dereference {user} {where}, and let no other user's cron"
        in_the_way = any(each.why.startswith("cannot") for each in seen.found)
        yield (failed if in_the_way else warned)("files", detail, f"{remedy} record there")
    elif seen.owner is not None:
        beyond = f" (the first {MOST_LOOKED_AT})" if seen.beyond else ""
        yield passed("files", f"all of the record's files{beyond} are {user}'s and can be used")


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
