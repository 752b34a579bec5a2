"""What one look at the world brought back. Not seeing is a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from mission_control.contract.model.answer import Answer
from mission_control.contract.model.claims import NO_CLAIMS, Claims

T = TypeVar("T")


class UnseenReason(StrEnum):
    """Why something was not seen (docs/semantics.md#2)."""

    TIMEOUT = "TIMEOUT"
    CONNECTION_REFUSED = "CONNECTION_REFUSED"
    DNS_FAILURE = "DNS_FAILURE"
    TLS_FAILURE = "TLS_FAILURE"
    CONNECTION_LOST = "CONNECTION_LOST"
    HTTP_STATUS = "HTTP_STATUS"
    REDIRECTED = "REDIRECTED"
    NOT_OFFERED = "NOT_OFFERED"
    NO_LONGER_OFFERED = "NO_LONGER_OFFERED"
    """404, 405 or 501 of a path that answered otherwise before."""
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    ENCODED = "ENCODED"
    NOT_JSON = "NOT_JSON"
    TOO_DEEP = "TOO_DEEP"
    CONTRACT_INVALID = "CONTRACT_INVALID"
    EXPIRED = "EXPIRED"
    NOT_YET_ASKED = "NOT_YET_ASKED"
    UNREADABLE = "UNREADABLE"
    """A file that could not be read, or a token or certificate file that a request needed."""
    DENIED = "DENIED"
    """The API server answered 401 or 403."""
    LIST_EXPIRED = "LIST_EXPIRED"
    """The API server forgot the list (410) while its pages were being read, twice in a row."""
    THROTTLED = "THROTTLED"
    """The API server answered 429."""
    PARTIAL = "PARTIAL"
    """Pages were missing: a list that is not whole is no list."""
    OWN_STALL = "OWN_STALL"
    """Our own loop was held up while the service was asked: how it answers is not known."""


OF_THE_CLUSTER = frozenset(
    {
        UnseenReason.DENIED,
        UnseenReason.LIST_EXPIRED,
        UnseenReason.THROTTLED,
        UnseenReason.PARTIAL,
    }
)
"""Reasons that only the Kubernetes API gives; a service's answer never does."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """
    How one HTTP exchange went, whatever became of its answer.

    `status` is None when no status line arrived. `phases` are (name, seconds) pairs, and only
    there where a connection was opened or failed to open. `date_skew` is the server's `Date`
    header minus our clock in seconds. `excerpt` is at most 200 redacted characters of the body.
    `peer` is the address that was asked (`10.0.0.7:8080`, `[::1]:8080`), empty where no
    connection was made. `old_files` is why certificate files that changed are not used yet, and
    the earlier ones still are; empty where the newest are.
    """

    status: int | None = None
    phases: tuple[tuple[str, float], ...] = ()
    date_skew: float | None = None
    excerpt: str = ""
    peer: str = ""
    old_files: str = ""


NO_EXCHANGE = Exchange()


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """Something seen: the value, when it was complete by our clock (UTC), seconds it took."""

    value: T
    at: datetime
    took: float = 0.0
    exchange: Exchange = NO_EXCHANGE


@dataclass(frozen=True, slots=True)
class Unseen:
    """
    Something not seen, and why.

    `claims` are what a broken answer still said against itself: a document that fails its
    contract and says `safe_to_execute_orders: true` must not hide behind its own breakage.
    `problems` are the fields that broke the contract, as (path, what is wrong) pairs. What is
    not `confirmed` was silent for the first time, and is asked about again after a second.
    """

    reason: UnseenReason
    at: datetime
    took: float = 0.0
    detail: str = ""
    exchange: Exchange = NO_EXCHANGE
    claims: Claims = NO_CLAIMS
    problems: tuple[tuple[str, str], ...] = ()
    confirmed: bool = True

    @property
    def code(self) -> str:
        """Return the reason as people read it: `TIMEOUT`, `HTTP_503`."""
        if self.reason is UnseenReason.HTTP_STATUS and self.exchange.status is not None:
            return f"HTTP_{self.exchange.status}"
        return self.reason.value


EndpointReading = Seen[Answer] | Unseen


def say_unseen(unseen: Unseen) -> str:
    """Return why something was not seen as one text: its code, and what else is known of it."""
    return f"{unseen.code}: {unseen.detail}" if unseen.detail else unseen.code


class PathPast(NamedTuple):
    """
    What one path said up to now, this round included.

    `answered` is true once it answered anything but 404, 405 or 501. `failures` are when it was
    silent lately (UTC, oldest first, three at most). `fresh` is what it last said of the
    marketdata, None while it never did, and `since` the reading in which it first said so.
    `advances` means that the time of its status advanced as ours did since the reading before.
    """

    answered: bool = False
    failures: tuple[datetime, ...] = ()
    fresh: bool | None = None
    since: datetime | None = None
    advances: bool = False


NOTHING_TOLD = PathPast()


@dataclass(frozen=True, slots=True)
class Addresses:
    """
    From which addresses a service has answered since the start, the newest last.

    `added` are those that were told as new, and when; None where none was told yet.
    """

    known: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    told_at: datetime | None = None


class ToldBuild(NamedTuple):
    """
    Which build and mode a service told from one address (`peer`), in words.

    `first` and `last` are when it told so first and last (UTC), as far as that is remembered.
    """

    peer: str
    build: str
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class ServiceRound:
    """
    What the newest round over one service brought: a reading per path that was asked.

    A path that was found not offered keeps its `Unseen(NOT_OFFERED)` until it is asked again.
    `addresses` are carried from round to round. `past` holds what each path told up to now; a path
    without an entry is judged by its reading alone. `builds` are what it told of its build lately.
    """

    agent_name: str
    started: datetime
    finished: datetime
    readings: Mapping[str, EndpointReading] = field(default_factory=dict[str, EndpointReading])
    addresses: Addresses = Addresses()
    past: Mapping[str, PathPast] = field(default_factory=dict[str, PathPast])
    builds: tuple[ToldBuild, ...] = ()
