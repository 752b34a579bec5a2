"""Reads the past, off the event loop."""

import asyncio
import zlib
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import orjson
from sqlalchemy import Column, Connection, Engine, Row, Select, and_, func, or_, select
from sqlalchemy.exc import SQLAlchemyError

from mission_control.contract.model.shapes import ServiceState
from mission_control.errors import ContractViolation, StorageError
from mission_control.floor.model import Latched, Verdict
from mission_control.history import schema
from mission_control.history.codec import (
    unpack,
    unpack_evidence,
    unpack_fleet,
    unpack_latched,
    unpacked_text,
)
from mission_control.history.database import describe
from mission_control.history.decide.over_time import doubt_lost_changes
from mission_control.history.model import (
    EventPage,
    EventQuery,
    KeptDecision,
    PastDecision,
    ServiceChange,
    WatchedMinute,
)
from mission_control.history.rows import changes_in_force, decision_in_force, newest_latched
from mission_control.model.event import EventType, FloorEvent
from mission_control.model.finding import Severity
from mission_control.model.fleet import Fleet

T = TypeVar("T")
READ_FAILURES = (
    SQLAlchemyError,
    OSError,
    ContractViolation,
    ValueError,
    LookupError,
    TypeError,
    zlib.error,
)
"""What a database, or rows in it that are not ours, may raise."""
_LAST = 2**63 - 1
"""A number that no row has: all rows of an instant come before it."""
_EVENT_TYPES = {t.value for t in EventType}


class HistoryReader:
    """Reads history through an engine; a database that fails is a StorageError."""

    def __init__(self, engine: Engine) -> None:
        """Read through this engine."""
        self._engine = engine

    @property
    def engine(self) -> Engine:
        """Return what it reads through, for rows of another kind."""
        return self._engine

    async def began(self) -> datetime | None:
        """Return when the oldest decision that is kept was made; None when there is none."""
        wanted = select(func.min(schema.decisions.c.at))
        micros = await self._read(lambda c: c.scalar(wanted))
        return None if micros is None else schema.from_micros(micros)

    async def decision_at(self, at: datetime) -> PastDecision | None:
        """Return the newest decision that was made by then; None when there is none."""
        return await self._read(lambda c: _decision_at(c, schema.to_micros(at)))

    async def decisions(self, since: datetime, until: datetime) -> AsyncGenerator[PastDecision]:
        """
        Return the decision in force at `since` and every one until `until`, oldest first.

        They are read one at a time: each holds all that was known of the floor.
        """
        table, fleets = schema.decisions, dict[str, Fleet]()
        first, last = schema.to_micros(since), schema.to_micros(until)
        wanted = select(table).where(table.c.id == decision_in_force(first).scalar_subquery())
        found = await self._read(partial(_next_decision, wanted=wanted, fleets=fleets))
        if found is not None:
            yield found[1]
        at, identity = first, _LAST
        while True:
            later = or_(table.c.at > at, and_(table.c.at == at, table.c.id > identity))
            within = select(table).where(later, table.c.at < last)
            wanted = within.order_by(table.c.at, table.c.id).limit(1)
            found = await self._read(partial(_next_decision, wanted=wanted, fleets=fleets))
            if found is None:
                return
            (at, identity), decision = found
            yield decision

    async def decision_numbers(self, since: datetime, until: datetime) -> Sequence[int]:
        """Return the numbers of the decision in force at `since` and of each until `until`."""
        table = schema.decisions
        first, last = schema.to_micros(since), schema.to_micros(until)
        within = and_(table.c.at > first, table.c.at < last)
        held = table.c.id == decision_in_force(first).scalar_subquery()
        wanted = select(table.c.id).where(or_(held, within)).order_by(table.c.at, table.c.id)
        return [row.id for row in await self._rows(wanted)]

    async def kept_decision(self, number: int) -> KeptDecision:
        """Return one decision as it is kept; raises StorageError for one that cannot be read."""
        return await self._read(lambda c: _kept_decision(c, number))

    async def latched(self) -> Latched | None:
        """Return what is latched for a start, by deciding nothing: history's own memory."""
        return await self._read(newest_latched)

    async def changes(
        self, since: datetime, until: datetime, agent_name: str | None = None
    ) -> Sequence[ServiceChange]:
        """Return each service's state at `since` and every change until `until`, oldest first."""
        first, last = schema.to_micros(since), schema.to_micros(until)
        return await self._read(lambda c: _changes(c, first, last, agent_name))

    async def postures(self, since: datetime, until: datetime) -> Sequence[ServiceChange]:
        """
        Return the posture at `since` and every change until `until`, oldest first.

        They are those of a service without a name: its state is the verdict. A start is a change
        too: what the process before it had decided says nothing any more.
        """
        first, last = schema.to_micros(since), schema.to_micros(until)
        return await self._read(lambda c: _postures(c, first, last))

    async def minutes(self, since: datetime, until: datetime) -> Sequence[WatchedMinute]:
        """Return the minutes that were watched, oldest first."""
        table = schema.minutes
        first, last = schema.to_micros(since), schema.to_micros(until)
        wanted = select(table).where(table.c.minute >= first, table.c.minute < last)
        rows = await self._rows(wanted.order_by(table.c.minute))
        return [_minute(row) for row in rows]

    async def events(self, query: EventQuery) -> EventPage:
        """Return past events, newest first."""
        rows = await self._rows(_wanted_events(query))
        events = tuple(_event(row) for row in rows[: query.limit] if row.type in _EVENT_TYPES)
        more = len(rows) > query.limit
        return EventPage(events, rows[query.limit - 1].id if more else None)

    async def changes_beside(
        self, at: datetime, kind: EventType = EventType.POSTURE_CHANGED
    ) -> tuple[FloorEvent | None, FloorEvent | None]:
        """Return the newest event of a kind before an instant, and the first one after it."""
        table, micros = schema.events, schema.to_micros(at)
        wanted = select(table).where(table.c.type == kind.value).limit(1)
        before = wanted.where(table.c.at < micros).order_by(table.c.at.desc(), table.c.id.desc())
        after = wanted.where(table.c.at > micros).order_by(table.c.at, table.c.id)
        found = [await self._rows(rows) for rows in (before, after)]
        earlier, later = (_event(rows[0]) if rows else None for rows in found)
        return earlier, later

    async def _rows(self, wanted: Select[Any]) -> Sequence[Row[Any]]:
        return await self._read(lambda c: c.execute(wanted).fetchall())

    async def _read(self, read: Callable[[Connection], T]) -> T:
        return await asyncio.to_thread(self._read_now, read)

    def _read_now(self, read: Callable[[Connection], T]) -> T:
        try:
            with self._engine.connect() as connection:
                return read(connection)
        except READ_FAILURES as error:
            problem = f"history cannot be read: {describe(error)}"
            remedy = "look at HISTORY_FAILING in /api/v1/posture"
            raise StorageError(problem, path="history", remedy=remedy) from error


def _decision_at(connection: Connection, at: int) -> PastDecision | None:
    table = schema.decisions
    wanted = select(table).where(table.c.id == decision_in_force(at).scalar_subquery())
    found = _next_decision(connection, wanted, {})
    return None if found is None else found[1]


def _next_decision(
    connection: Connection, wanted: Select[Any], fleets: dict[str, Fleet]
) -> tuple[tuple[int, int], PastDecision] | None:
    """Read one decision and its place; inventories that were read are kept in `fleets`."""
    row = connection.execute(wanted).first()
    if row is None:
        return None
    if row.fleet_digest not in fleets:
        table = schema.fleets
        named = select(table.c.document).where(table.c.digest == row.fleet_digest)
        document = connection.scalar(named)
        if document is None:
            raise ValueError("the inventory of this decision is not there")
        fleets[row.fleet_digest] = unpack_fleet(document)
    decision = PastDecision(
        schema.from_micros(row.at),
        row.sequence,
        unpack_evidence(row.inputs, fleets[row.fleet_digest]),
        unpack_latched(row.standing),
        unpack(row.result)["digest"],
    )
    return (row.at, row.id), decision


def _kept_decision(connection: Connection, number: int) -> KeptDecision:
    table, fleets = schema.decisions, schema.fleets
    found = table.outerjoin(fleets, table.c.fleet_digest == fleets.c.digest)
    wanted = select(table, fleets.c.document).select_from(found).where(table.c.id == number)
    row = connection.execute(wanted).first()
    if row is None or row.document is None:
        raise ValueError(f"decision {number}, or its inventory, is not there")
    result = unpack(row.result)
    return KeptDecision(
        number,
        schema.from_micros(row.at),
        row.sequence,
        row.why,
        row.fleet_digest,
        unpacked_text(row.inputs),
        unpacked_text(row.standing),
        unpacked_text(row.document),
        result["digest"],
        result.get("decision_version"),
    )


def _changes(
    connection: Connection, since: int, until: int, agent_name: str | None
) -> list[ServiceChange]:
    table = schema.service_changes
    only = [table.c.agent_name == agent_name] if agent_name else []
    before = select(table).where(table.c.id.in_(changes_in_force(since, agent_name)))
    within = select(table).where(and_(table.c.at > since, table.c.at < until, *only))
    rows = [*connection.execute(before), *connection.execute(within.order_by(table.c.id))]
    rows.sort(key=lambda row: (row.at, row.id))
    return [
        ServiceChange(
            schema.from_micros(row.at),
            row.agent_name,
            ServiceState(row.state),
            row.expected,
            row.reason_code,
        )
        for row in rows
    ]


def _postures(connection: Connection, since: int, until: int) -> Sequence[ServiceChange]:
    events, decisions = schema.events, schema.decisions
    posture = events.c.type == EventType.POSTURE_CHANGED.value
    changed = select(events.c.at, events.c.data).where(posture)
    start = decisions.c.why == "start"
    started = select(decisions.c.at, decisions.c.after).where(start)
    found = [
        *(_start(row) for row in _in_force(connection, started, decisions.c.at, since, until)),
        *(_turn(row) for row in _in_force(connection, changed, events.c.at, since, until)),
    ]
    # Of one instant, what was said comes last.
    return doubt_lost_changes(sorted(found, key=lambda told: told[0].at))


def _in_force(
    connection: Connection, wanted: Select[Any], at: Column[int], since: int, until: int
) -> list[Row[Any]]:
    """Return the newest row at `since`, and all after it until `until`, oldest first."""
    before = connection.execute(wanted.where(at <= since).order_by(at.desc()).limit(1))
    within = connection.execute(wanted.where(and_(at > since, at < until)).order_by(at))
    return [*before, *within]


_Told = tuple[ServiceChange, ServiceState | None]


def _start(row: Row[Any]) -> _Told:
    """Return what a process decided first; whether it was expected it says with its next change."""
    state = ServiceState((unpack_latched(row.after).verdict or Verdict.HALTED).value)
    at = schema.from_micros(row.at)
    return ServiceChange(at, "", state, expected=False, reason_code=""), None


def _turn(row: Row[Any]) -> _Told:
    told = orjson.loads(row.data)
    codes = told.get("reason_codes") or [""]
    state, expected = ServiceState(told["after"]), told["expected"] is True
    change = ServiceChange(schema.from_micros(row.at), "", state, expected, str(codes[0]))
    before = told.get("before")
    return change, None if before is None else ServiceState(before)


def _wanted_events(query: EventQuery) -> Select[Any]:
    table = schema.events
    wanted = select(table).order_by(table.c.id.desc()).limit(query.limit + 1)
    if query.before is not None:
        wanted = wanted.where(table.c.id < query.before)
    if query.since is not None:
        wanted = wanted.where(table.c.at >= schema.to_micros(query.since))
    if query.until is not None:
        wanted = wanted.where(table.c.at < schema.to_micros(query.until))
    if query.agent_name is not None:
        wanted = wanted.where(table.c.agent_name == query.agent_name)
    if query.kinds:
        wanted = wanted.where(table.c.type.in_([kind.value for kind in query.kinds]))
    return wanted


def _event(row: Row[Any]) -> FloorEvent:
    return FloorEvent(
        row.id,
        schema.from_micros(row.at),
        EventType(row.type),
        row.message,
        Severity(row.severity),
        row.agent_name,
        orjson.loads(row.data),
    )


def _minute(row: Row[Any]) -> WatchedMinute:
    counts = {name: (asked, obtained) for name, (asked, obtained) in unpack(row.counts).items()}
    decided = None
    if row.decided is not None:
        spans = unpack(row.decided)
        decided = tuple((schema.from_micros(b), schema.from_micros(e)) for b, e in spans)
    return WatchedMinute(schema.from_micros(row.minute), counts, decided)
