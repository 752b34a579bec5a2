"""The rows of alerts: those that there are, what became of each, and what was delivered."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row, Select, Table, delete, func, insert, select

from mission_control.alerts.model import (
    Acknowledged,
    AlertQuery,
    AlertState,
    AlertTransition,
    Delivery,
    DeliveryPage,
    TransitionPage,
)
from mission_control.errors import StorageError
from mission_control.history import schema
from mission_control.history.database import describe, writing
from mission_control.history.reader import READ_FAILURES
from mission_control.model.finding import Severity

T = TypeVar("T")


class AlertRows:
    """
    One replica's rows of alerts; each call waits for the database.

    Raises StorageError. What is written is on the disk when a call returns.
    """

    def __init__(
        self, engine: Engine, replica: str, withheld: Callable[[], str] = lambda: ""
    ) -> None:
        """
        Read and write through this engine; rows of other replicas are left alone.

        `withheld` says why the database is not ours to use, where it is another floor's.
        """
        self._withheld = withheld
        self._engine = engine
        self._replica = replica

    def replace(
        self,
        changed: Mapping[str, bytes],
        gone: Collection[str],
        transitions: Iterable[AlertTransition],
    ) -> None:
        """Write alerts by fingerprint and drop those that are gone, with what became of them."""
        moved = [self._transition_row(t) for t in transitions]
        again = {str(row["fingerprint"]) for row in moved if row["pages"]}

        def write(connection: Connection) -> None:
            for fingerprint in [*changed, *gone]:
                self._drop(connection, schema.alerts, fingerprint)
            for fingerprint in gone:
                self._drop(connection, schema.alert_acknowledgements, fingerprint)
            self._forget_resolves(connection, again)
            rows = [
                {"replica": self._replica, "fingerprint": fingerprint, "document": document}
                for fingerprint, document in sorted(changed.items())
            ]
            if rows:
                connection.execute(insert(schema.alerts), rows)
            if moved:
                connection.execute(insert(schema.alert_transitions), moved)

        self._write(write)

    def _forget_resolves(self, connection: Connection, fingerprints: Iterable[str]) -> None:
        """Drop what channels took of an earlier time: these page again, and resolve again."""
        table = schema.alert_acknowledgements
        for fingerprint in sorted(fingerprints):
            connection.execute(
                delete(table).where(
                    table.c.replica == self._replica,
                    table.c.fingerprint == fingerprint,
                    table.c.state == AlertState.RESOLVED.value,
                )
            )

    def _drop(self, connection: Connection, table: Table, fingerprint: str) -> None:
        ours = table.c.replica == self._replica
        connection.execute(delete(table).where(ours, table.c.fingerprint == fingerprint))

    def documents(self) -> Mapping[str, bytes]:
        """Return every alert as it was written last, by fingerprint."""
        table = schema.alerts
        wanted = select(table).where(table.c.replica == self._replica)
        rows = self._read(lambda c: c.execute(wanted).fetchall())
        return {row.fingerprint: bytes(row.document) for row in rows}

    def acknowledged(self) -> Acknowledged:
        """Return what each channel took last."""
        table = schema.alert_acknowledgements
        wanted = select(table).where(table.c.replica == self._replica)
        found = dict[str, dict[str, AlertState]]()
        for row in self._read(lambda c: c.execute(wanted).fetchall()):
            found.setdefault(row.channel, {})[row.fingerprint] = AlertState(row.state)
        return found

    def note(self, deliveries: Sequence[Delivery]) -> None:
        """Write attempts to deliver, and what was taken."""

        def write(connection: Connection) -> None:
            rows = [self._delivery_row(d) for d in deliveries]
            if rows:
                connection.execute(insert(schema.alert_deliveries), rows)
            for delivery in deliveries:
                if delivery.delivered:
                    self._acknowledge(connection, delivery)

        self._write(write)

    def _acknowledge(self, connection: Connection, delivery: Delivery) -> None:
        table = schema.alert_acknowledgements
        connection.execute(
            delete(table).where(
                table.c.replica == self._replica,
                table.c.channel == delivery.channel,
                table.c.fingerprint == delivery.fingerprint,
            )
        )
        row = {
            "replica": self._replica,
            "channel": delivery.channel,
            "fingerprint": delivery.fingerprint,
            "state": delivery.state.value,
            "at": schema.to_micros(delivery.at),
        }
        connection.execute(insert(table).values(row))

    def transitions(self, query: AlertQuery) -> TransitionPage:
        """Return what became of alerts, newest first."""
        rows, left = self._page(schema.alert_transitions, query)
        return TransitionPage(tuple(_transition(row) for row in rows), left)

    def in_force(self, at: datetime) -> tuple[AlertTransition, ...]:
        """Return the newest change of each alert that was pending or firing at an instant."""
        table = schema.alert_transitions
        by_then = select(func.max(table.c.id)).where(
            table.c.replica == self._replica, table.c.at <= schema.to_micros(at)
        )
        newest = table.c.id.in_(by_then.group_by(table.c.fingerprint))
        open_ = table.c.to_state.in_((AlertState.PENDING.value, AlertState.FIRING.value))
        wanted = select(table).where(newest, open_).order_by(table.c.id)
        rows = self._read(lambda c: c.execute(wanted).fetchall())
        return tuple(_transition(row) for row in rows)

    def deliveries(self, query: AlertQuery) -> DeliveryPage:
        """Return attempts to deliver, newest first."""
        rows, left = self._page(schema.alert_deliveries, query)
        return DeliveryPage(tuple(_delivery(row) for row in rows), left)

    def _page(self, table: Table, query: AlertQuery) -> tuple[Sequence[Row[Any]], int | None]:
        wanted = self._wanted(table, query)
        rows = self._read(lambda c: c.execute(wanted).fetchall())
        more = len(rows) > query.limit
        return rows[: query.limit], rows[query.limit - 1].id if more else None

    def _wanted(self, table: Table, query: AlertQuery) -> Select[Any]:
        wanted = select(table).where(table.c.replica == self._replica)
        wanted = wanted.order_by(table.c.id.desc()).limit(query.limit + 1)
        if query.before is not None:
            wanted = wanted.where(table.c.id < query.before)
        if query.since is not None:
            wanted = wanted.where(table.c.at >= schema.to_micros(query.since))
        if query.until is not None:
            wanted = wanted.where(table.c.at < schema.to_micros(query.until))
        if query.fingerprint is not None:
            wanted = wanted.where(table.c.fingerprint == query.fingerprint)
        return wanted

    def _refuse_anothers(self) -> None:
        if withheld := self._withheld():
            raise StorageError(withheld, path="history")

    def _write(self, write: Callable[[Connection], None]) -> None:
        self._refuse_anothers()
        try:
            with writing(self._engine) as connection:
                write(connection)
        except READ_FAILURES as error:
            raise _storage_error("alerts cannot be written", error) from error

    def _read(self, read: Callable[[Connection], T]) -> T:
        self._refuse_anothers()
        try:
            with self._engine.connect() as connection:
                return read(connection)
        except READ_FAILURES as error:
            raise _storage_error("alerts cannot be read", error) from error

    def _transition_row(self, transition: AlertTransition) -> dict[str, object]:
        return {
            "replica": self._replica,
            "at": schema.to_micros(transition.at),
            "fingerprint": transition.fingerprint,
            "rule": transition.rule,
            "code": transition.code,
            "subject": transition.subject,
            "severity": transition.severity.value,
            "from_state": transition.from_state and transition.from_state.value,
            "to_state": transition.to_state and transition.to_state.value,
            "pages": transition.pages,
            "reason": transition.reason,
        }

    def _delivery_row(self, delivery: Delivery) -> dict[str, object]:
        return {
            "replica": self._replica,
            "at": schema.to_micros(delivery.at),
            "channel": delivery.channel,
            "fingerprint": delivery.fingerprint,
            "state": delivery.state.value,
            "answer": delivery.answer,
            "delivered": delivery.delivered,
            "attempt": delivery.attempt,
        }


def _storage_error(what: str, error: Exception) -> StorageError:
    problem, remedy = f"{what}: {describe(error)}", "look at HISTORY_FAILING in /api/v1/posture"
    return StorageError(problem, path="history", remedy=remedy)


def _transition(row: Row[Any]) -> AlertTransition:
    return AlertTransition(
        schema.from_micros(row.at),
        row.fingerprint,
        row.rule,
        row.code,
        row.subject,
        Severity(row.severity),
        row.from_state and AlertState(row.from_state),
        row.to_state and AlertState(row.to_state),
        row.pages,
        row.reason,
    )


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        schema.from_micros(row.at),
        row.channel,
        row.fingerprint,
        AlertState(row.state),
        row.answer,
        row.delivered,
        row.attempt,
    )
