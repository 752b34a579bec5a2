"""The channels that alerts go to, what is sent to them, what they answer, and how they fare."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mission_control.alerts.model import Alert, AlertState
from mission_control.model.finding import Severity


class ChannelKind(StrEnum):
    """How a channel is spoken to."""

    ALERTMANAGER = "alertmanager"
    WEBHOOK = "webhook"
    NOTIFY = "notify"
    HEARTBEAT = "heartbeat"
    """A dead-man's ping: it is told that we live, and pages when it is not."""


@dataclass(frozen=True, slots=True)
class Channel:
    """
    A configured place that is told of alerts.

    `name` stays the same over restarts; neither it nor `address`, which is for people, holds
    anything secret. `method` is the only one that is ever sent there.
    """

    name: str
    kind: ChannelKind
    address: str
    method: str = "POST"

    @property
    def forgets(self) -> bool:
        """Return whether an alert ends there by itself when it is not sent again."""
        return self.kind is ChannelKind.ALERTMANAGER


@dataclass(frozen=True, slots=True)
class Origin:
    """
    Who tells: the floor, which of the replicas that watch it, and where runbooks are served.

    `label` is `DEMO` for a simulated floor, empty otherwise.
    """

    floor: str
    replica: str
    public_url: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Pace:
    """
    How often and how long, in seconds.

    Firing alerts are sent again to a channel that forgets every `renew_seconds`, each time valid
    for `valid_seconds`: so long we may be away without an alert that ends by itself. A resolve is
    sent there again for `resolve_again_seconds`, should it have lost it. After `dead_after`
    failures in a row an alert is a dead letter, which is tried every `dead_seconds`.
    """

    renew_seconds: float = 60.0
    valid_seconds: float = 900.0
    resolve_again_seconds: float = 300.0
    watchdog_seconds: float = 15.0
    watchdog_valid_seconds: float = 60.0
    heartbeat_seconds: float = 30.0
    retry_seconds: float = 1.0
    retry_most_seconds: float = 30.0
    dead_after: int = 8
    dead_seconds: float = 60.0


PACE = Pace()


@dataclass(frozen=True, slots=True)
class TwinHeard:
    """
    What delivery knows of the twin (docs/semantics.md#14).

    Of channels that do not deduplicate the one that is `first` tells alerts. `silent_since` is
    since when it is surely silent (UTC), None while it is not. `firing` are the fingerprints that
    it says fire, None before it was heard; `more` says that there were others. `channels` are those
    that it tells, and `told` what each took from it, by fingerprint. `started` is when its process
    did.
    """

    first: bool
    silent_since: datetime | None = None
    firing: frozenset[str] | None = None
    more: bool = False
    channels: frozenset[str] = frozenset()
    told: Mapping[str, Mapping[str, AlertState]] = field(
        default_factory=dict[str, Mapping[str, AlertState]]
    )
    started: datetime | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """
    What one channel is told at once: alerts in one state.

    For a channel that speaks to people they are of one root cause, which is the first of them
    where it goes out too; `dependents` are those that are withheld because of it.
    """

    state: AlertState
    alerts: tuple[Alert, ...]
    dependents: tuple[Alert, ...] = ()

    @property
    def severity(self) -> Severity:
        """Return the worst severity in it."""
        return min((a.severity for a in self.alerts), key=lambda s: s.rank)


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What a channel answered, in words that hold no secret.

    `refused` means that it answered, and will not take this message as it is. `wait_seconds` is
    how long it asks to be left alone.
    """

    delivered: bool
    text: str
    refused: bool = False
    wait_seconds: float = 0.0


Answers = Mapping[str, Answer]
"""A channel's answer for each alert of a message, by fingerprint."""


@dataclass(frozen=True, slots=True)
class Tried:
    """
    How telling one channel of one alert went lately, in this process.

    `failures` counts those in a row; `due` is when it is to be sent next, in monotonic seconds.
    """

    state: AlertState
    failures: int
    due: float
    answer: str


@dataclass(frozen=True, slots=True)
class Reached:
    """
    What left for one channel, by method.

    `url` is what its guard lets pass, and may be a secret; None where apprise speaks for itself.
    """

    channel: Channel
    sent: Mapping[str, int]
    url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ChannelHealth:
    """
    How a channel fares: instants are UTC.

    `failing_since` is None while it takes what it is sent. `waiting` are the fingerprints of what
    it has not taken yet, worst first; `dead_letters` those of them that were tried so often that
    they are tried only slowly now. `worst` is the worst severity that waits.
    """

    channel: Channel
    delivered_at: datetime | None = None
    failing_since: datetime | None = None
    failures: int = 0
    answer: str = ""
    waiting: tuple[str, ...] = ()
    dead_letters: tuple[str, ...] = ()
    worst: Severity | None = None
