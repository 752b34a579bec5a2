"""What is asked of a process of our own that does slow work, and what comes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mission_control.floor.model import Verdict
from mission_control.history.model import Span, WatchedMinute
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.model.session import MarketSession


@dataclass(frozen=True, slots=True)
class LiveFloor:
    """
    What only the deciding process knows, told with each question: everything else is recorded.

    `now` is its clock's, `at` and `session` those of the newest decision. `watched_since` and
    `halts`, the confirmed ones since, are what readiness is judged by; `verdict` is the newest
    posture's. `minute` is the one that is being counted, `cluster` the one that is read, and
    `closures` are those in force.
    """

    now: datetime
    at: datetime
    session: MarketSession
    watched_since: datetime
    halts: Sequence[Span]
    verdict: Verdict
    minute: WatchedMinute | None
    cluster: ClusterIdentity
    closures: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """A reader's GET, as it is handed to the process that answers it; headers as ASGI has them."""

    path: str
    query: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    live: LiveFloor


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """Status and headers of an answer whose body is encoded already."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """What the process said, and bytes beside it, in pieces that are cheap to pass on."""

    value: object
    body: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Why a question was not answered, and after how many seconds asking again may help."""

    detail: str
    retry_after_seconds: int = 5
