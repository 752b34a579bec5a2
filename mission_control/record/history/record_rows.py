"""History: the rows that tell to which records a database belongs."""

import secrets
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from mission_control.model.artifact import GENESIS, LedgerHead
from mission_control.model.record_memory import HistoryPin
from mission_control.record.history import schema
from mission_control.record.history.in_force import decision_written_last

ID_BYTES = 8


def pin_of(connection: Connection) -> HistoryPin | None:
    """Give the newest decision with its database; None where there is none yet."""
    table = schema.decisions
    last = select(table.c.id, table.c.at).where(
        table.c.id == decision_written_last().scalar_subquery()
    )
    row, known = connection.execute(last).first(), rows_of(connection)
    return HistoryPin(known[0].database_id, row.id, row.at) if row and known else None


def keep_head(connection: Connection, record_id: str, head: LedgerHead) -> None:
    """Keep the ledger's head as it is known now; an older one is not taken."""
    table = schema.records
    older = (table.c.record_id == record_id) & (table.c.ledger_seq < head.seq)
    values = {"ledger_seq": head.seq, "ledger_hash": head.hash}
    connection.execute(update(table).where(older).values(values))


def rows_of(connection: Connection) -> list[Row[Any]]:
    """Give the records that this database belongs to."""
    table = schema.records
    return list(connection.execute(select(table).order_by(table.c.record_id)))


def head_of(row: Row[Any]) -> LedgerHead:
    """Give the head of a record's ledger as it was known last."""
    return LedgerHead(seq=row.ledger_seq, hash=row.ledger_hash)


def forget_head(connection: Connection, record_id: str | None) -> None:
    """Know nothing of a record's ledger any more, so that any head is taken."""
    table = schema.records
    values = {"ledger_seq": GENESIS.seq, "ledger_hash": GENESIS.hash}
    connection.execute(update(table).where(table.c.record_id == record_id).values(values))


def set_apart(connection: Connection) -> None:
    """
    Give a database that is not the root's a record of no root.

    Else what is written to it from now on would make it look like one of before records had ids.
    """
    nowhere = LedgerHead(seq=1, hash=secrets.token_hex(32))
    bind(connection, secrets.token_hex(ID_BYTES), nowhere)


def bind(connection: Connection, record_id: str, head: LedgerHead) -> None:
    """Let this database belong to a record, whose ledger has this head or a newer one."""
    rows = rows_of(connection)
    if all(row.record_id != record_id for row in rows):
        database = rows[0].database_id if rows else secrets.token_hex(ID_BYTES)
        row = {"record_id": record_id, "database_id": database, "ledger_seq": 0}
        connection.execute(insert(schema.records).values(ledger_hash=GENESIS.hash, **row))
    keep_head(connection, record_id, head)
