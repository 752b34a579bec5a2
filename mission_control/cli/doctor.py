"""Command line: `doctor`, what works from here: machine, record, cluster, copy and floor."""

import asyncio
import pwd
import resource
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfoNotFoundError

import click

from mission_control import asgi
from mission_control.bootstrap import once
from mission_control.bootstrap.keeping import try_destination
from mission_control.bootstrap.record import try_records
from mission_control.cli.context import CliContext
from mission_control.cli.exit_codes import VERIFICATION_FAILED
from mission_control.cli.flags import json_flag, setting_flags, settings_with
from mission_control.cli.output import emit, printable
from mission_control.cluster.model.facts import REQUIRED_LISTS, STARTER_LISTS, ListReading
from mission_control.cluster.read.examination import Examination
from mission_control.configuration.settings import Settings
from mission_control.documents.document import document
from mission_control.errors import ConfigurationError, StorageError
from mission_control.floor.decide.evidence import is_obtained
from mission_control.floor.model import FloorSnapshot, ServiceReport
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.market_calendar.days import in_new_york
from mission_control.model.clock import Clock
from mission_control.model.fleet import ContractKind, Criticality, Fleet, Kind
from mission_control.model.kill_switch import KillSwitchState, SourceKind, SwitchSource
from mission_control.model.reading import (
    EndpointReading,
    Seen,
    ServiceRound,
    Unseen,
    UnseenReason,
    say_unseen,
)
from mission_control.model.session import Phase
from mission_control.processes import own_process as process
from mission_control.records.root_check import (
    MOST_LOOKED_AT,
    MOST_TOLD,
    Ownership,
    holds_record,
    look_at_owners,
    other_records,
    tell_new_record,
)


class Outcome(StrEnum):
    """How a check ended; only FAIL changes the exit code."""

    PASS = "PASS"  # noqa: S105  (an outcome, no password)
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor: what was checked, what was found, and what to do about it."""

    subject: str
    outcome: Outcome
    detail: str
    remedy: str = ""

    def as_lines(self, width: int) -> list[str]:
        """Return the check as text: one line, and one more with the remedy."""
        lines = [f"{self.outcome}  {printable(self.subject):<{width}}  {printable(self.detail)}"]
        if self.remedy and self.outcome is not Outcome.PASS:
            lines.append(f"      {'':<{width}}  -> {printable(self.remedy)}")
        return lines


def passed(subject: str, detail: str) -> Check:
    """Say that a check passed."""
    return Check(subject, Outcome.PASS, detail)


def warned(subject: str, detail: str, remedy: str) -> Check:
    """Say that a check found something to know, which stops nothing."""
    return Check(subject, Outcome.WARN, detail, remedy)


def failed(subject: str, detail: str, remedy: str) -> Check:
    """Say that a check failed, and what to do about it."""
    return Check(subject, Outcome.FAIL, detail, remedy)


HORIZON_DAYS = 90

FILES_OF_OUR_OWN = 128
"""Open files beside the one connection per service: the server, its clients, logs, Python."""

FILES_PER_SERVICE = 2
"""A connection, and the one that replaces it while the old one closes."""


WHICH_ROOT = "name the right one with MISSION_CONTROL_ROOT or --root"


def look_here(settings: Settings, now: datetime) -> Iterator[Check]:
    """Check everything on this machine that Mission Control needs."""
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
        remedy = "name another with MISSION_CONTROL_ROOT, or repair this one"
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
    """Check for files in the root that this user, or the owner of the root, cannot use."""
    user = _user_name(seen.owner) if seen.owner is not None else ""
    if seen.as_root_elsewhere:
        detail = f"we are root, and {where} is {user}'s: {user} cannot use what we record there"
        yield warned("owner", detail, f"run everything as {user}: sudo -u {user} mission-control")
    if seen.found:
        shown = "; ".join(
            f"{each.path} (uid {each.owner}) {each.why}" for each in seen.found[:MOST_TOLD]
        )
        more = len(seen.found) - MOST_TOLD
        detail = f"{shown}{f'; and {more} more' if more > 0 else ''}"
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


RBAC = "apply what `mission-control rbac` prints, or ask the Platform Owner"
_BUSY = "see whether the API server is overloaded, and whether it can be reached from here"
_WHERE = "see whether the kubeconfig's server is right, and whether it runs"
REMEDIES = {
    UnseenReason.DENIED: RBAC,
    UnseenReason.UNREADABLE: "repair the kubeconfig, its files or its plugin, or `cluster` in the"
    " fleet file; try the same with kubectl",
    UnseenReason.TIMEOUT: _BUSY,
    UnseenReason.THROTTLED: _BUSY,
    UnseenReason.LIST_EXPIRED: _BUSY,
    UnseenReason.OWN_STALL: "this machine is too busy: run it again when it is less so",
    UnseenReason.CONNECTION_REFUSED: _WHERE,
    UnseenReason.CONNECTION_LOST: _WHERE,
    UnseenReason.DNS_FAILURE: _WHERE,
    UnseenReason.TLS_FAILURE: "see whether the kubeconfig's certificate-authority signed what the"
    " server shows, and whether the certificate is made out to its name",
    UnseenReason.NOT_OFFERED: "see which versions of its API this cluster offers",
}
OTHERWISE = "see what answers at the kubeconfig's server, and its log"


def look_at_records(store: Seen[None] | Unseen, history: Seen[str] | Unseen) -> Iterator[Check]:
    """Check whether artifacts could be recorded and history kept."""
    if isinstance(store, Unseen):
        yield failed("store", f"nothing could be recorded: {store.detail}", "repair the root")
    else:
        yield passed("store", "artifacts can be recorded")
    if isinstance(history, Unseen):
        remedy = "repair the database, or MISSION_CONTROL_DATABASE_URL"
        yield failed("history", f"it cannot be opened: {history.detail or history.code}", remedy)
    else:
        yield passed("history", history.value)


def look_at_cluster(settings: Settings, seen: Examination | None) -> Iterator[Check]:
    """Check whether the API server is reached, by which account, and what may be read."""
    if seen is None:
        yield passed("cluster", "none is configured, so none is read")
        return
    name = settings.fleet.cluster
    if seen.unreachable:
        at = f" at {seen.address}" if seen.address else ""
        detail = f"{name}: not reached{at}: {seen.unreachable}"
        yield failed("cluster", detail, _remedy(seen.reason))
        return
    yield _address(name, seen)
    yield _account(seen)
    yield from (_namespace(n, read, settings) for n, read in seen.namespaces)
    yield from (_list(read) for read in seen.lists)
    if isinstance(seen.metrics, Unseen):
        yield passed("metrics", f"not offered ({seen.metrics.code}), and nothing needs them")
    elif seen.metrics is not None:
        yield passed("metrics", "offered")


def _remedy(reason: UnseenReason | None) -> str:
    """Return what to do about a reason; only a refusal is about rights."""
    return REMEDIES.get(reason, OTHERWISE) if reason is not None else OTHERWISE


def _address(name: str, seen: Examination) -> Check:
    detail = f"{name}: reached at {seen.address}"
    if seen.verified or seen.address.startswith("http://"):
        return passed("cluster", detail)
    remedy = "take insecure-skip-tls-verify out of the kubeconfig, and name its authority"
    return warned("cluster", f"{detail}, whose certificate is not verified", remedy)


def _account(seen: Examination) -> Check:
    account = seen.account
    how = "says the API server" if account.verified else "unverified: only our credentials say so"
    detail = f"{account.who} ({how}): {account.detail}"
    if account.read_only is False:
        return failed("account", f"can do more than read: {detail}", RBAC)
    if account.read_only:
        return passed("account", f"can only read: {detail}")
    return warned("account", f"not known to be read-only: {detail}", RBAC)


def _namespace(name: str, read: Seen[bytes] | Unseen, settings: Settings) -> Check:
    subject = f"namespace {name}"
    if isinstance(read, Seen):
        return passed(subject, "exists")
    remedy = "correct the namespaces below `cluster` in the fleet file"
    if read.reason is not UnseenReason.NOT_OFFERED:
        return warned(subject, f"not known to exist: {say_unseen(read)}", _remedy(read.reason))
    if name == settings.namespace:
        return failed(subject, "does not exist", remedy)
    return warned(subject, "does not exist, so nothing is found in it", remedy)


def _list(read: ListReading) -> Check:
    subject = f"{read.namespace}/{read.resource}" if read.namespace else read.resource
    if isinstance(read.reading, Seen):
        return passed(subject, f"{read.reading.value} objects in {read.reading.took * 1000:.0f} ms")
    judge = failed if read.resource in {*REQUIRED_LISTS, *STARTER_LISTS} else warned
    return judge(subject, say_unseen(read.reading), _remedy(read.reading.reason))


def look_at_copy(place: object, tried: tuple[str, ...] | StorageError | None) -> Iterator[Check]:
    """Check whether the place of the durable copy can be reached, where there is one."""
    subject = "durable copy"
    if isinstance(tried, StorageError):
        remedy = tried.remedy or "see whether it answers, and what these credentials may do"
        yield failed(subject, f"{tried.path}: {tried.problem}", remedy)
    elif tried:
        remedy = "name a place that does not share the record's fate"
        yield from (warned(subject, f"{place}: {caution}", remedy) for caution in tried)
    elif tried is not None:
        yield passed(subject, f"{place} can be reached")


ANSWERED = "answered"


def look_at_floor(snapshot: FloorSnapshot) -> Iterator[Check]:
    """Check each source of the kill switch, and whether each service answers."""
    sources = snapshot.kill_switch.sources
    yield from (
        _switch_source(w, snapshot.kill_switch.normal)
        for w in sources
        if w.kind is not SourceKind.SERVICE
    )
    yield from (_service(report) for report in snapshot.services)


def _switch_source(switch_source: SwitchSource, normal: KillSwitchState) -> Check:
    subject = "kill switch"
    if switch_source.state is normal:
        confirms = "and confirms" if switch_source.confirms else "and can only contradict"
        return passed(subject, f"{switch_source.source} says {switch_source.state} {confirms}")
    because = f": {switch_source.detail}" if switch_source.detail else ""
    detail = f"{switch_source.source} says {switch_source.state}{because}"
    if switch_source.state is not KillSwitchState.UNKNOWN:
        return failed(subject, detail, f"let it be {normal}, as is normal here")
    exactly = "1" if normal is KillSwitchState.ENGAGED else "0"
    remedy = f"let it be readable and hold exactly {exactly}"
    if switch_source.kind is SourceKind.FILE:
        remedy += "; where no such file is, say kill_switch: {file: none} in the fleet file"
    return failed(subject, detail, remedy)


def _service(report: ServiceReport) -> Check:
    agent = report.agent
    if agent.contract is ContractKind.NONE:
        return _unasked(report)
    detail = _readings(report.round)
    if agent.kind is Kind.EXECUTION:
        if _answered(report.round):
            return failed(agent.agent_name, f"execution answers: {detail}", "see its runbook: P0")
        return passed(agent.agent_name, f"execution does not answer: {detail}")
    primary = report.round.readings.get(agent.primary_path or "") if report.round else None
    if is_obtained(primary):
        return passed(agent.agent_name, detail)
    remedy = f"look at {agent.service_dns}{agent.primary_path}, or at the fleet file's entry"
    judge = failed if agent.required else warned
    return judge(agent.agent_name, detail, remedy)


def _unasked(report: ServiceReport) -> Check:
    agent = report.agent
    detail = f"not asked: {agent.criticality}, and its contract is none"
    if agent.unobserved is not None:
        who, why = agent.unobserved.who, agent.unobserved.why
        return passed(agent.agent_name, f"{detail}; {who} watches it: {why}")
    if report.expected:
        return passed(agent.agent_name, f"{detail}; the cluster shows it as it should be")
    remedy = "give it an address and a contract, where it may be asked"
    if agent.criticality is Criticality.CRITICAL:
        return failed(agent.agent_name, detail, remedy)
    if agent.required:
        return warned(agent.agent_name, detail, remedy)
    return passed(agent.agent_name, detail)


def _answered(seen: ServiceRound | None) -> bool:
    readings = seen.readings.values() if seen else ()
    return any(r.exchange.status is not None for r in readings)


def _readings(seen: ServiceRound | None) -> str:
    if seen is None or not seen.readings:
        return "was not asked"
    return ", ".join(f"{path} {_one(reading)}" for path, reading in seen.readings.items())


def _one(reading: EndpointReading) -> str:
    shown = ANSWERED if isinstance(reading, Seen) else reading.code
    if isinstance(reading, Seen) and reading.value.refused:
        shown = f"{ANSWERED} {reading.value.http_status}"
    return f"{shown} in {reading.took * 1000:.0f} ms"


@click.command()
@setting_flags("fleet_file", "root", "port", "ui_port", "namespace", "context", "kubeconfig")
@json_flag
@click.pass_context
def doctor(ctx: click.Context, *, as_json: bool, **flags: str | None) -> None:
    """
    Say what works from here, and what does not.

    Looks at the fleet file, zone data, the calendar, the root, the ports, the limit of open files,
    the store, its durable copy, history and the sources of the kill switch, tries every list of
    the cluster, and asks every service once. Each line is PASS, WARN or FAIL, with what to do about
    it. Exits with 4 when a line says FAIL.
    """
    context = ctx.ensure_object(CliContext)
    settings = settings_with(context, flags, tell=False)
    now = context.clock()
    process.raise_open_files_limit()
    with context.busy("Asking every service and the cluster once"):
        snapshot, examined, records = process.run(_look(settings, context.clock))
        tried = process.run(try_destination(settings))
    checks = [
        *look_here(settings, now),
        *look_at_records(*records),
        *look_at_copy(settings.durable_copy, tried),
        *look_at_cluster(settings, examined),
        *look_at_floor(snapshot),
    ]
    if as_json:
        emit({"checks": document(checks)})
    else:
        click.echo("\n".join(_lines(checks)))
    if any(check.outcome is Outcome.FAIL for check in checks):
        ctx.exit(VERIFICATION_FAILED)


async def _look(
    settings: Settings, clock: Clock
) -> tuple[FloorSnapshot, Examination | None, tuple[Seen[None] | Unseen, Seen[str] | Unseen]]:
    (snapshot, examined), records = await asyncio.gather(
        once.observe_and_examine(settings, clock), try_records(settings, clock)
    )
    return snapshot, examined, records


def _lines(checks: list[Check]) -> list[str]:
    width = max(len(check.subject) for check in checks)
    counts = Counter(check.outcome for check in checks)
    total = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome)
    return [*(line for check in checks for line in check.as_lines(width)), "", total]
