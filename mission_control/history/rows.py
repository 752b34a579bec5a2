"""Rows written into the tables, and rows that are old enough to go."""

from collections.abc import Collection, Iterable
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, Row, Select, delete, func, insert, select, update

from mission_control.documents.canonical_json import encode_json
from mission_control.floor.decide.alarms import join_latched
from mission_control.floor.decide.events import alarm_opened
from mission_control.floor.decision_version import decision_version
from mission_control.floor.model import Alarm, Latched
from mission_control.history import schema
from mission_control.history.codec import (
    decision_result,
    pack,
    pack_evidence,
    pack_fleet,
    pack_latched,
    unpack,
    unpack_latched,
)
from mission_control.history.database import LONG_SECONDS, writing
from mission_control.history.model import DecisionRecord, MinuteRecord
from mission_control.model.event import EventType
from mission_control.model.fleet import Fleet


def decision_in_force(at: int) -> Select[tuple[int]]:
    """Select the number of the decision that held at an instant; none where none was made yet."""
    table = schema.decisions
    by_then = select(table.c.id).where(table.c.at <= at)
    return by_then.order_by(table.c.at.desc(), table.c.id.desc()).limit(1)


def decision_written_last() -> Select[tuple[int]]:
    """Select the number of the decision whose alarms a start takes over, whatever its time."""
    return select(schema.decisions.c.id).order_by(schema.decisions.c.id.desc()).limit(1)


def changes_in_force(at: int, agent_name: str | None = None) -> Select[tuple[int]]:
    """Select the number of each service's change that held at an instant, or of one's only."""
    table = schema.service_changes
    newest_first = (table.c.at.desc(), table.c.id.desc())
    rank = func.row_number().over(partition_by=table.c.agent_name, order_by=newest_first)
    by_then = select(table.c.id, rank.label("rank")).where(table.c.at <= at)
    if agent_name:
        by_then = by_then.where(table.c.agent_name == agent_name)
    ranked = by_then.subquery()
    return select(ranked.c.id).where(ranked.c.rank == 1)


_OPENED, _ENDED = EventType.ALARM_OPENED.value, EventType.ALARM_ENDED.value


def newest_latched(connection: Connection) -> Latched | None:
    """
    Return what was latched after the decision written last; None where nothing was ever decided.

    Where several servers keep one history that decision may be of one that saw less. An alarm that
    any of them opened and none ended is latched as well: silence never clears.
    """
    table = schema.decisions
    last = decision_written_last().scalar_subquery()
    content = connection.scalar(select(table.c.after).where(table.c.id == last))
    if content is None:
        return None
    latched = unpack_latched(content)
    known = {a.key for a in latched.alarms}
    opened = (_alarm(row) for row in openings_without_end(connection))
    return join_latched(Latched(tuple(a for a in opened if a.key not in known)), latched)


def openings_without_end(connection: Connection) -> list[Row[Any]]:
    """
    Return, for each alarm without an event that ended it, the event that opened it first.

    An end counts that was written after the opening and is not dated before it: the clocks of
    servers differ, and an alarm too many is cleared by the next answer of its source. A second end
    counts however it is dated: the opening was dated by a clock that ran ahead.
    """
    table = schema.events
    told = select(table).where(table.c.type.in_((_OPENED, _ENDED))).order_by(table.c.id)
    open_by_key = dict[tuple[str, str], list[tuple[Row[Any], bool]]]()
    for row in connection.execute(told):
        key = (row.agent_name, row.data)  # equal data is written as equal text
        earlier = open_by_key.pop(key, [])
        if row.type == _OPENED:
            left = [*earlier, (row, False)]
        else:
            left = [(o, True) for o, ended_before in earlier if o.at > row.at and not ended_before]
        if left:
            open_by_key[key] = left
    return [min((row for row, _ in rows), key=lambda row: row.at) for rows in open_by_key.values()]


def _alarm(opening: Row[Any]) -> Alarm:
    """Read the alarm that an event opened; its sentence leads with the source and the code."""
    about, at = orjson.loads(opening.data), schema.from_micros(opening.at)
    code = about["code"]
    detail = opening.message.partition(f" {code}: ")[2] or opening.message
    return Alarm(code, opening.agent_name, about["source"], about["fact"], detail, at, at)


MINUTE_MICROS = 60_000_000


def write_decision(connection: Connection, record: DecisionRecord, fleets: Collection[str]) -> str:
    """Write a decision with its changes and events; returns its inventory's digest."""
    snapshot, at = record.snapshot, schema.to_micros(record.snapshot.at)
    if snapshot.fleet.digest not in fleets:
        _write_fleet(connection, snapshot.fleet)
    connection.execute(
        insert(schema.decisions).values(
            at=at,
            sequence=snapshot.sequence,
            why=record.why,
            fleet_digest=snapshot.fleet.digest,
            inputs=pack_evidence(record.evidence),
            standing=pack_latched(record.before),
            after=pack_latched(snapshot.latched),
            result=pack(
                {"digest": decision_result(snapshot), "decision_version": decision_version()}
            ),
        )
    )
    changes = [
        {
            "at": schema.to_micros(c.at),
            "agent_name": c.agent_name,
            "state": c.state.value,
            "expected": c.expected,
            "reason_code": c.reason_code,
        }
        for c in record.changes
    ]
    if changes:
        connection.execute(insert(schema.service_changes), changes)
    events = [
        {
            "at": schema.to_micros(e.at),
            "type": e.type.value,
            "severity": e.severity.value,
            "agent_name": e.agent_name,
            "message": e.message,
            "data": encode_json(e.data).decode(),
        }
        for e in record.events
    ]
    if events:
        connection.execute(insert(schema.events), events)
    return snapshot.fleet.digest


def write_openings(connection: Connection, alarms: Iterable[Alarm]) -> None:
    """Write alarms that were only noted as opened, so that the next start sees them."""
    rows = [
        {
            "at": schema.to_micros(a.since),
            "type": opened.type.value,
            "severity": opened.severity.value,
            "agent_name": opened.agent_name,
            "message": opened.message,
            "data": encode_json(opened.data).decode(),
        }
        for a in alarms
        for opened in (alarm_opened(a),)
    ]
    if rows:
        connection.execute(insert(schema.events), rows)


def _write_fleet(connection: Connection, fleet: Fleet) -> None:
    table = schema.fleets
    known = select(func.count()).select_from(table).where(table.c.digest == fleet.digest)
    if not connection.scalar(known):
        row = {"digest": fleet.digest, "document": pack_fleet(fleet)}
        connection.execute(insert(table).values(row))


def write_minute(connection: Connection, record: MinuteRecord) -> None:
    """
    Write a minute, added to what another process or an earlier start counted in it.

    What is added to is locked before it is read. Where two begin the same minute one of them is
    refused, and adds to what the other wrote when it begins again.
    """
    table, minute = schema.minutes, schema.to_micros(record.minute)
    counts = {name: list(pair) for name, pair in record.counts.items()}
    decided = [[schema.to_micros(b), schema.to_micros(e)] for b, e in record.decided]
    this = table.c.minute == minute
    known = connection.execute(select(table).where(this).with_for_update()).first()
    if known is None:
        row = {"minute": minute, "counts": pack(counts), "decided": pack(decided)}
        connection.execute(insert(table).values(row))
        return
    for name, (asked, obtained) in unpack(known.counts).items():
        more = counts.setdefault(name, [0, 0])
        counts[name] = [more[0] + asked, more[1] + obtained]
    decided = sorted([*(unpack(known.decided) if known.decided else ()), *decided])
    row = {"counts": pack(counts), "decided": pack(decided)}
    connection.execute(update(table).where(this).values(row))


def prune(engine: Engine, oldest: int) -> None:
    """
    Drop older rows, but keep what was true when the kept time began.

    Rows are chosen by their time alone: after a step of the clock numbers are in no order of
    time. The decision that was written last stays in any case, for a start takes its latched
    alarms, and so does the opening of every alarm that has not ended.
    """
    changes, decisions = schema.service_changes, schema.decisions
    with writing(engine, LONG_SECONDS) as connection:
        connection.execute(
            delete(changes).where(
                changes.c.at <= oldest, changes.c.id.not_in(changes_in_force(oldest))
            )
        )
        kept = [connection.scalar(decision_in_force(oldest))]
        kept.append(connection.scalar(decision_written_last()))
        connection.execute(
            delete(decisions).where(
                decisions.c.at <= oldest,
                decisions.c.id.not_in([number for number in kept if number is not None]),
            )
        )
        minute, at = schema.minutes.c.minute, schema.events.c.at
        connection.execute(delete(schema.minutes).where(minute <= oldest - MINUTE_MICROS))
        for told in (schema.alert_transitions, schema.alert_deliveries):
            connection.execute(delete(told).where(told.c.at < oldest))
        still_open = [row.id for row in openings_without_end(connection)]
        connection.execute(
            delete(schema.events).where(at < oldest, schema.events.c.id.not_in(still_open))
        )
