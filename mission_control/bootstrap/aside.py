"""The processes that do slow work, from the end of the process that decides."""

import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from mission_control.api.options import ApiOptions, AskQuestion, StreamEvidence
from mission_control.configuration.settings import Settings
from mission_control.evidence.model import Wanted
from mission_control.floor.board import FloorBoard
from mission_control.history.remember import FloorMemory
from mission_control.market_calendar.closures import Closure
from mission_control.model.clock import Clock
from mission_control.model.fleet import Fleet
from mission_control.processes.child_process import ChildProcess, environment_of
from mission_control.processes.model import Answered, LiveFloor, Question, Unanswered
from mission_control.processes.streaming_child import StreamingChild
from mission_control.schedule.calendar_in_force import CalendarInForce

READERS = "mission_control.bootstrap.readers_process"
EVIDENCE = "mission_control.bootstrap.evidence_process"
BODIES = "mission_control.bootstrap.interpreting_process"
READERS_NICE = 10
"""Below what decides: on a busy machine readers wait first. What reads bodies is waited for."""
SECONDS = 60.0
"""The first question about 30 days of 200 services takes 12 s of a processor that is idle."""
RECORD_SECONDS = 120.0
"""Verifying a large record reads all of it."""
_RECORD = ("/api/v1/artifacts", "/api/v1/reports", "/api/v1/lkg", "/api/v1/attestation")
MOST_BODIES = 256
"""So many long answers may wait to be read, 16 MiB at most."""
LIBPQ = "PG"
"""What the variables begin with that PostgreSQL's own library reads, its password file's among."""


@dataclass(frozen=True, slots=True)
class ReadersSetup:
    """What the process that answers readers is made with; all of it is fixed at start."""

    fleet: Fleet
    root: Path
    runbooks: Path
    closures: tuple[Closure, ...]
    log_format: str
    options: ApiOptions
    config_digest: str
    database_url: str | None = None


@dataclass(frozen=True, slots=True)
class EvidenceSetup:
    """
    What is asked for, and what it is made from; `closures` are those in force.

    What is not `whole` is only what the bundle would hold and lack.
    """

    readers: ReadersSetup
    wanted: Wanted
    closures: tuple[Closure, ...]
    whole: bool


def readers_process(settings: Settings, options: ApiOptions) -> ChildProcess:
    """Describe the process; it runs once it is kept."""
    setup = readers_setup(settings, options)
    return ChildProcess(READERS, setup, readers_environment(settings), nice=READERS_NICE)


def readers_setup(settings: Settings, options: ApiOptions) -> ReadersSetup:
    """Return what a process that reads the past and the record is made with."""
    return ReadersSetup(
        settings.fleet,
        settings.root,
        settings.runbooks,
        settings.closures,
        settings.log_format,
        options,
        settings.config_digest,
        settings.database_url,
    )


def readers_environment(settings: Settings) -> dict[str, str]:
    """Return the variables that it inherits: no secret but the database's."""
    server = settings.database_url is not None and not settings.database_url.startswith("sqlite")
    return environment_of(os.environ, LIBPQ if server else None)


def interpreting_process(settings: Settings) -> ChildProcess:
    """Describe the process that reads long answers, one at a time; it runs once it is kept."""
    environ = environment_of(os.environ)
    return ChildProcess(BODIES, settings.log_format, environ, at_once=1, waiting=MOST_BODIES)


def asks_readers(
    process: ChildProcess,
    board: FloorBoard,
    memory: FloorMemory,
    clock: Clock,
    calendar: CalendarInForce,
) -> AskQuestion:
    """Return what puts a reader's question to the process, with what only this process knows."""

    async def ask(
        path: str, query: bytes, headers: tuple[tuple[bytes, bytes], ...]
    ) -> Answered | Unanswered:
        snapshot = board.current()
        since, halts = board.watched()
        verdict, minute = snapshot.posture.verdict, memory.unfinished_minute()
        at, session, closures = snapshot.at, snapshot.session, calendar.calendar.closures
        cluster = snapshot.cluster_identity
        live = LiveFloor(clock(), at, session, since, halts, verdict, minute, cluster, closures)
        seconds = RECORD_SECONDS if path.startswith(_RECORD) else SECONDS
        return await process.ask(Question(path, query, headers, live), seconds)

    return ask


def makes_evidence(
    settings: Settings, options: ApiOptions, calendar: CalendarInForce
) -> StreamEvidence:
    """Return what makes a bundle in a process of its own, which ends when it is not read on."""
    child = StreamingChild(EVIDENCE, readers_environment(settings), READERS_NICE)
    readers = readers_setup(settings, options)

    def make(wanted: Wanted, *, whole: bool) -> AsyncGenerator[bytes]:
        closures = calendar.calendar.closures
        return child.stream(EvidenceSetup(readers, wanted, closures, whole))

    return make
