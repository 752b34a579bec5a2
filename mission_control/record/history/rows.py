"""History: rows written into the tables, and rows that are old enough to go."""

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from mission_control.decide.floor_events import accusation_opened
from mission_control.jobs.history_ports import DecisionRecord, MinuteRecord
from mission_control.model.fleet import Fleet
from mission_control.model.standing import Accusation
from mission_control.present.canonical_json import encode_json
from mission_control.present.decision_result import decision_result
from mission_control.record.history import schema
from mission_control.record.history.codec import (
    pack,
    pack_evidence,
    pack_fleet,
    pack_standing,
    unpack,
)
from mission_control.record.history.database import LONG_SECONDS, writing
from mission_control.record.history.in_force import (
    changes_in_force,
    decision_in_force,
    decision_written_last,
)
from mission_control.record.history.what_stood import openings_without_end

MINUTE_MICROS = 60_000_000


def write_decision(connection: Connection, record: DecisionRecord, fleets: Collection[str]) -> str:
    """Write a decision with its changes and events; gives its inventory's digest."""
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
            standing=pack_standing(record.before),
            after=pack_standing(snapshot.standing),
            result=pack({"digest": decision_result(snapshot)}),
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


def write_openings(connection: Connection, alarms: Iterable[Accusation]) -> None:
    """Tell alarms opened that were noted, and never written; whoever starts then knows of them."""
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
        for opened in (accusation_opened(a),)
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
    refused, and adds to what the other wrote when it begins anew.
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

    Rows are told apart by their time alone: after a step of the clock numbers are in no order of
    time. The decision that was written last stays in any case, for a start takes its standing, and
    so do accusations that were never told ended.
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
        still_open = [row.id for row in openings_without_end(connection)]
        connection.execute(
            delete(schema.events).where(at < oldest, schema.events.c.id.not_in(still_open))
        )
