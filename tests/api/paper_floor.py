"""A Mission Control on paper: the real API over readers made of values."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx

from mission_control.alerts.deliver.model import Channel, ChannelHealth, ChannelKind
from mission_control.alerts.load import load_alert_rules
from mission_control.alerts.model import AlertBook, AlertRules
from mission_control.alerts.store import AlertStore
from mission_control.api.application import SecuredApplication, create_application
from mission_control.api.options import ApiOptions, ApiParts
from mission_control.brief.run import BriefSources
from mission_control.floor.board import LoopBeat
from mission_control.floor.model import FloorSnapshot
from mission_control.floor.present.predecessor import poll_outcomes
from mission_control.floors.watch import FloorsWatch
from mission_control.history.model import Span
from mission_control.history.past_floor import PastFloor
from mission_control.model.event import EventType, FloorEvent
from mission_control.model.finding import Severity
from mission_control.model.fleet import OtherFloor
from mission_control.model.session import Holiday, MarketSession, TradingDay
from mission_control.probe.service_probe import ServiceProbe
from mission_control.probe.transport import Transports
from mission_control.read_only.model import AttestationFacts, DeliveryFacts
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.runbooks.library import Runbook, RunbookLibrary
from tests.floor.floor_of_values import CLOSE_AT, NOW, OPEN_AT, FloorOfValues, session_at
from tests.schedule.day_of_values import a_day

STARTED = NOW - timedelta(hours=1)

MARKDOWN = """# Marketdata is stale

## Meaning

<script>alert(1)</script> See [missing](MARKETDATA_MISSING.md) and [that](javascript:alert(1)).
"""

EAST = OtherFloor("east", "http://east")
"""Another floor that is listed, and was not asked yet."""


def healthy_snapshot(sequence: int = 7, label: str = "") -> FloorSnapshot:
    """Decide a healthy floor in an open session."""
    return replace(FloorOfValues().decide(), sequence=sequence, label=label)


def event(identity: int, message: str = "gamma-strategy OK -> OFFLINE") -> FloorEvent:
    """Return an event about one agent."""
    return FloorEvent(
        identity,
        NOW,
        EventType.SERVICE_CHANGED,
        message,
        Severity.P1,
        "gamma-strategy",
        {"before": "OK", "after": "OFFLINE"},
    )


def poll_event(identity: int, snapshot: FloorSnapshot) -> FloorEvent:
    """Return a poll event as the watch publishes it."""
    outcomes: dict[str, object] = {"outcomes": poll_outcomes(snapshot)}
    return FloorEvent(identity, NOW, EventType.POLL, "5 of 5 obtained", data=outcomes)


@dataclass
class PaperFloor:
    """A floor reader of values; `follow` yields what `to_come` holds and ends."""

    snapshot: FloorSnapshot = field(default_factory=healthy_snapshot)
    events: list[FloorEvent] = field(default_factory=list[FloorEvent])
    stalled: bool = False
    to_come: list[FloorEvent | FloorSnapshot] = field(
        default_factory=list["FloorEvent | FloorSnapshot"]
    )
    followed_after: list[int | None] = field(default_factory=list["int | None"])
    since: datetime = STARTED
    halts: tuple[Span, ...] = ()

    def watched(self) -> tuple[datetime, tuple[Span, ...]]:
        """Return since when the floor is watched, and its confirmed halts."""
        return self.since, self.halts

    def current(self) -> FloorSnapshot:
        """Return the newest snapshot."""
        return self.snapshot

    def beat(self) -> LoopBeat:
        """Say whether the loop has stalled."""
        if self.stalled:
            detail = "the deciding loop has not beaten for 4.0 s"
            return LoopBeat(stalled=True, seconds_since_beat=4.0, detail=detail)
        return LoopBeat(stalled=False, seconds_since_beat=0.25, detail="")

    def recent_events(self, limit: int) -> Sequence[FloorEvent]:
        """Return the newest events, newest first."""
        return sorted(self.events, key=lambda e: -e.identity)[:limit]

    async def follow(self, after: int | None) -> AsyncIterator[FloorEvent | FloorSnapshot]:
        """Yield the snapshot, missed events, those to come, and end."""
        self.followed_after.append(after)
        yield self.snapshot
        for happened in (*self.events, *self.to_come):
            if isinstance(happened, FloorSnapshot) or happened.identity > (after or 0):
                yield happened


class PaperCalendar:
    """A calendar of one trading day."""

    def session_at(self, now: datetime) -> MarketSession:
        """Tell the session of the one day."""
        return session_at(now)

    def sessions_from(self, now: datetime, count: int) -> Sequence[TradingDay]:
        """List the one day while it is not over."""
        days = [TradingDay(date(2026, 11, 18), OPEN_AT, CLOSE_AT)]
        return [day for day in days if now < day.close][:count]

    def sessions_between(self, first: datetime, last: datetime) -> Sequence[TradingDay]:
        """Return the one session, where it lies between."""
        return [d for d in self.sessions_from(first, 1) if d.open < last and d.close > first]

    def holidays_between(self, first: datetime, last: datetime) -> Sequence[Holiday]:
        """List nothing."""
        assert first <= last
        return ()


class PaperRunbooks(RunbookLibrary):
    """One runbook."""

    def read(self, code: str) -> Runbook | None:
        """Return the one page."""
        if code == "MARKETDATA_STALE":
            return Runbook(code, "Marketdata is stale", MARKDOWN)
        return None

    def codes(self) -> Sequence[str]:
        """List the one code."""
        return ["MARKETDATA_STALE"]


ALL_REFUSED = tuple((m, True) for m in ("DELETE", "PATCH", "POST", "PUT"))


WEBHOOK = DeliveryFacts(
    "webhook",
    "webhook",
    "https://hook.example/...",
    "POST",
    (("POST", 3),),
    (("GET", True), ("POST another host", True)),
)


@dataclass
class PaperAttestation:
    """An attestation of values."""

    sent: tuple[tuple[str, int], ...] = (("GET", 42),)
    refused: tuple[tuple[str, bool], ...] = ALL_REFUSED
    deliveries: tuple[DeliveryFacts, ...] = (WEBHOOK,)

    async def facts(self) -> AttestationFacts:
        """Return the values."""
        return AttestationFacts(self.sent, self.refused, "none", deliveries=self.deliveries)


@dataclass
class PaperClock:
    """A clock that only moves when it is set."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        """Say what time it is."""
        return self.now


SHIPPED = load_alert_rules(None, None)
HEALTH = ChannelHealth(
    Channel("webhook", ChannelKind.WEBHOOK, "https://pager.example"),
    failing_since=NOW,
    waiting=("0011223344556677", "8899aabbccddeeff"),
    dead_letters=("0011223344556677",),
)
"""A channel that takes nothing."""


@dataclass
class PaperAlerts:
    """Alerts of values, as what decides them shows them."""

    book: AlertBook = field(default_factory=lambda: AlertBook(NOW))
    rules: AlertRules = SHIPPED
    has_decided: bool = True
    deciding: bool = True

    @property
    def parts(self) -> Any:
        """Return the floor's name and the rules."""
        return SimpleNamespace(floor="trading-floor", in_force=SimpleNamespace(rules=self.rules))

    def current(self) -> AlertBook:
        """Return the alerts."""
        return self.book

    def is_deciding(self) -> bool:
        """Say whether they are decided."""
        return self.deciding


@dataclass
class PaperControl:
    """The API over a paper floor, and a client for it."""

    floor: Any = field(default_factory=PaperFloor)
    attestation: PaperAttestation = field(default_factory=PaperAttestation)
    clock: PaperClock = field(default_factory=PaperClock)
    label: str = ""
    max_streams: int = 256
    root: Path = Path("/nothing/was/recorded/here")
    past: PastFloor | None = None
    durable_copy: str = ""
    day: Any = None
    alerts: Any = None
    channels: tuple[ChannelHealth, ...] = ()
    alert_history: AlertStore | None = None
    brief: BriefSources | None = None

    def __post_init__(self) -> None:
        """Put the API together."""
        # Without proxies and gate it is no mere function.
        self.application = cast("SecuredApplication", create_application(self.parts()))

    def parts(self) -> ApiParts:
        """Return the parts of the API."""
        options = ApiOptions(
            "0.1.0",
            "54afffe",
            STARTED,
            label=self.label,
            max_streams=self.max_streams,
            durable_copy=self.durable_copy,
            safety="kill switch required",
            replica="a",
        )
        return ApiParts(
            self.floor,
            PaperCalendar(),
            PaperRunbooks(Path("/no/runbooks/here")),
            ArtifactReader(self.root, self.clock),
            self.past,
            self.clock,
            options,
            attestation=self.attestation.facts,
            day=self.day or a_day(self.root, self.clock, {}),
            alerts=self.alerts,
            channels=lambda: self.channels,
            alert_history=self.alert_history,
            brief=self.brief,
            floors=FloorsWatch([EAST], ServiceProbe(Transports(), self.clock), self.clock),
        )

    async def ask(self, path: str, method: str = "GET", **more: Any) -> httpx.Response:
        """Ask the API in process."""
        transport = httpx.ASGITransport(self.application)  # pyright: ignore[reportArgumentType]
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, **more)
