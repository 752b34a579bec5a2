"""Alertmanager and the generic webhook, as channels."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import orjson

from mission_control.alerts.deliver.model import (
    Answer,
    Answers,
    Channel,
    Message,
    Origin,
    Pace,
    Reached,
)
from mission_control.alerts.deliver.posting import Address
from mission_control.alerts.deliver.present import (
    alertmanager_alerts,
    watchdog_alerts,
    webhook_body,
    webhook_headers,
)
from mission_control.model.clock import Clock


class Sender(Protocol):
    """Tells one channel. What goes wrong is its answer, never an error."""

    @property
    def channel(self) -> Channel:
        """Name the channel."""
        ...

    @property
    def reached(self) -> Reached:
        """Return what really left."""
        ...

    async def send(self, message: Message) -> Answers:
        """Send a message, and return the answer for each of its alerts."""
        ...

    async def aclose(self) -> None:
        """Close what was opened."""
        ...


JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class AlertmanagerSender:
    """Posts to Alertmanager's API v2."""

    address: Address
    origin: Origin
    clock: Clock
    pace: Pace

    @property
    def channel(self) -> Channel:
        """Name the channel."""
        return self.address.channel

    @property
    def reached(self) -> Reached:
        """Return what really left."""
        return self.address.reached

    async def send(self, message: Message) -> Answers:
        """
        Post all alerts at once; what is refused is posted in halves, so that one loses no other.
        """
        alerts = alertmanager_alerts(message, self.origin, self.clock(), self.pace)
        answers = await self._post_in_halves(alerts)
        return {a.fingerprint: answer for a, answer in zip(message.alerts, answers, strict=True)}

    async def _post_in_halves(self, alerts: Sequence[dict[str, Any]]) -> list[Answer]:
        answer = await self._post(alerts)
        if not answer.refused or len(alerts) == 1:
            return [answer] * len(alerts)
        half = len(alerts) // 2
        first = await self._post_in_halves(alerts[:half])
        return [*first, *await self._post_in_halves(alerts[half:])]

    async def _post(self, alerts: Sequence[dict[str, Any]]) -> Answer:
        return await self.address.ask(orjson.dumps(alerts), JSON)

    async def watch(self, started_at: datetime) -> Answer:
        """Say that we live."""
        return await self._post(watchdog_alerts(self.origin, started_at, self.clock(), self.pace))

    async def aclose(self) -> None:
        """Close the connection."""
        await self.address.aclose()


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """Posts signed JSON to an address of the operator's (docs/delivery.md)."""

    address: Address
    origin: Origin
    clock: Clock
    secret: bytes = field(repr=False)

    @property
    def channel(self) -> Channel:
        """Name the channel."""
        return self.address.channel

    @property
    def reached(self) -> Reached:
        """Return what really left."""
        return self.address.reached

    async def send(self, message: Message) -> Answers:
        """Post one message, signed for this moment."""
        now = self.clock()
        body = webhook_body(message, self.origin, now)
        headers = webhook_headers(self.secret, body, message, now)
        answer = await self.address.ask(body, headers)
        return {alert.fingerprint: answer for alert in message.alerts}

    async def aclose(self) -> None:
        """Close the connection."""
        await self.address.aclose()
