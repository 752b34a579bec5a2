"""What survives a restart: alerts, what became of each, and what channels took."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from pydantic import TypeAdapter, ValidationError

from mission_control.alerts.model import (
    Acknowledged,
    Alert,
    AlertBook,
    AlertQuery,
    AlertTransition,
    Delivery,
    DeliveryPage,
    TransitionPage,
)
from mission_control.errors import StorageError

if TYPE_CHECKING:
    from mission_control.history.alert_rows import AlertRows

T = TypeVar("T")

_ALERT = TypeAdapter(Alert)


class AlertStore:
    """
    Keeps one replica's alerts in history. Raises StorageError.

    What was saved or noted is on the disk when the call returns. Used from one event loop; only
    what changed since the last call is written.
    """

    def __init__(self, rows: "AlertRows") -> None:
        """Keep them in these rows; nothing is read before `load`."""
        self._rows = rows
        self._saved: dict[str, bytes] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def load(self, at: datetime) -> AlertBook:
        """Return the alerts as they were saved last; `at` is the instant that the book bears."""
        documents = await asyncio.to_thread(self._rows.documents)
        alerts = [_read(document) for document in documents.values()]
        self._saved = dict(documents)
        return AlertBook(at, tuple(sorted(alerts, key=lambda a: a.order)))

    async def save(self, book: AlertBook, transitions: Sequence[AlertTransition]) -> None:
        """Write what changed since the last time, wholly or not at all."""
        async with self._one_at_a_time:
            if self._saved is None:
                self._saved = dict(await asyncio.to_thread(self._rows.documents))
            before = self._saved
            now = {a.fingerprint: _ALERT.dump_json(a) for a in book.alerts}
            changed = {key: told for key, told in now.items() if before.get(key) != told}
            gone = before.keys() - now.keys()
            if changed or gone or transitions:
                await asyncio.to_thread(self._rows.replace, changed, gone, transitions)
            self._saved = now

    async def acknowledged(self) -> Acknowledged:
        """Return what each channel took last."""
        return await asyncio.to_thread(self._rows.acknowledged)

    async def note(self, deliveries: Sequence[Delivery]) -> None:
        """Write attempts to deliver; what was delivered is acknowledged from then on."""
        async with self._one_at_a_time:
            await asyncio.to_thread(self._rows.note, deliveries)

    async def transitions(self, query: AlertQuery) -> TransitionPage:
        """Return what became of alerts, newest first."""
        return await self._ask(lambda: self._rows.transitions(query))

    async def in_force(self, at: datetime) -> Sequence[AlertTransition]:
        """Return the newest change of each alert that was pending or firing at an instant."""
        return await self._ask(lambda: self._rows.in_force(at))

    async def deliveries(self, query: AlertQuery) -> DeliveryPage:
        """Return attempts to deliver, newest first."""
        return await self._ask(lambda: self._rows.deliveries(query))

    async def _ask(self, ask: Callable[[], T]) -> T:
        return await asyncio.to_thread(ask)


def _read(document: bytes) -> Alert:
    try:
        return _ALERT.validate_json(document)
    except ValidationError as error:
        problem = "an alert in history cannot be understood"
        remedy = "it was written by another version; see the runbook HISTORY_FAILING"
        raise StorageError(problem, path="history", remedy=remedy) from error
