"""Whether a reading may still be used, and how it states facts."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeVar

from mission_control.contract.model.answer import Answer, Shape
from mission_control.contract.model.shapes import (
    HealthFreshness,
    LegacyTick,
    Marketdata,
    MinimalStatus,
    RichStatus,
)
from mission_control.floor.model import Freshness, FreshnessState
from mission_control.model.fleet import MARKETDATA_STALE_CEILING_SECONDS as CEILING
from mission_control.model.fleet import ContractKind, Kind
from mission_control.model.reading import EndpointReading, Seen, ServiceRound, Unseen, UnseenReason
from mission_control.model.session import CalendarDoubt, MarketSession, Phase

# What rules compare ages with; a tick has the limit that its service tells, at most 120 s.
MAX_AGE_SECONDS = 45.0
"""Services and the kill switch: older than this, a reading is EXPIRED (docs/semantics.md#6)."""
FROZEN_AFTER_SECONDS = 60.0
"""A status last updated longer ago comes from a frozen responder (docs/semantics.md#3)."""
AHEAD_TOLERANCE_SECONDS = 5.0
"""A clock reading further ahead of ours than this is not believed (docs/semantics.md#3)."""
HEALTH_PATH = "/healthz"
_SAY_STALE = frozenset({Shape.HEALTH_FRESHNESS, Shape.LEGACY_TICK})

ALWAYS = datetime.min.replace(tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)

T = TypeVar("T")

Key = tuple[str, str, str, str]
"""Code, subject, source and fact: what identifies an alarm."""
Denials = AbstractSet[Key]
"""Keys of the alarms that a source takes back, where they are latched."""


SessionAt = Callable[[datetime], MarketSession]
"""Returns the market session in which an instant lies; UNKNOWN is an answer."""


def session_in_doubt(session_at: SessionAt, doubt: CalendarDoubt | None) -> SessionAt:
    """Return the calendar's sessions, and UNKNOWN from when the calendar is in doubt."""
    if doubt is None:
        return session_at

    def doubted(now: datetime, /) -> MarketSession:
        if now < doubt.since:
            return session_at(now)
        return MarketSession(now, Phase.UNKNOWN, note=doubt.detail)

    return doubted


class Statement(NamedTuple):
    """
    One source stating one fact: raising an alarm, or denying one that it may have raised.

    A source that says nothing makes no statement, and so leaves its alarms latched.
    """

    code: str
    subject: str
    source: str
    fact: str
    raises: bool
    detail: str = ""

    @property
    def key(self) -> Key:
        """Identify the alarm that this statement raises, keeps or clears."""
        return (self.code, self.subject, self.source, self.fact)


class Moment:
    """
    The instant `now` of a decision, as rules about age see it.

    A rule can ask whether something is older than a limit, and has no other way to learn the time.
    So a cache (`floor/incremental.py`) learns from the questions themselves until when an answer
    stays the same, and no rule can be left out.
    """

    __slots__ = ("_at",)

    def __init__(self, at: datetime) -> None:
        """Take the instant, in UTC."""
        self._at = at

    def is_older(self, instant: datetime, limit: float) -> bool:
        """Return whether an instant lies more than `limit` wall seconds before now."""
        return (self._at - instant).total_seconds() > limit

    def is_ahead(self, instant: datetime, limit: float = AHEAD_TOLERANCE_SECONDS) -> bool:
        """Return whether an instant lies more than `limit` wall seconds after now."""
        return (self._at - instant).total_seconds() < -limit

    def not_asked(self, detail: str = "") -> Unseen:
        """Return that something was not asked by now."""
        return Unseen(UnseenReason.NOT_YET_ASKED, self._at, detail=detail)


def seconds_between(earlier: datetime, later: datetime) -> float:
    """Return the wall seconds from one instant to another; negative when they are reversed."""
    return (later - earlier).total_seconds()


def within_age(
    reading: Seen[T] | Unseen, now: Moment, max_age: float = MAX_AGE_SECONDS
) -> Seen[T] | Unseen:
    """
    Return the reading while it is young enough (seconds), else `Unseen(EXPIRED)`.

    A reading from the future (our clock stepped back) is no better than an old one.
    """
    ahead = now.is_ahead(reading.at)
    if not ahead and not now.is_older(reading.at, max_age):
        return reading
    taken = f"the last reading, of {reading.at:%H:%M:%S} UTC"
    detail = f"{taken}, is {'ahead of our clock' if ahead else f'more than {max_age:.0f} s old'}"
    if isinstance(reading, Unseen):
        detail += f"; it was {reading.code}"
        return Unseen(UnseenReason.EXPIRED, reading.at, reading.took, detail, claims=reading.claims)
    return Unseen(UnseenReason.EXPIRED, reading.at, reading.took, detail)


def refuse_by_status(
    contract: ContractKind, path: str, reading: EndpointReading
) -> EndpointReading:
    """
    Return an answer that is no 2xx as not seen: it is not alive, whatever its body says.

    Only `/healthz` beside a rich contract says "stale" by its status and is an answer all the
    same; where it is the service's only sign of life, it is not. What it claims still counts.
    """
    if isinstance(reading, Unseen) or not reading.value.refused:
        return reading
    answer = reading.value
    beside = contract is ContractKind.RICH and path == HEALTH_PATH
    if beside and answer.shape in _SAY_STALE:
        return reading
    exchange = replace(reading.exchange, status=answer.http_status)
    detail = f"answered {answer.http_status}"
    reason = UnseenReason.HTTP_STATUS
    return Unseen(reason, reading.at, reading.took, detail, exchange, answer.claims)


def is_obtained(primary: EndpointReading | None) -> bool:
    """Return whether a primary reading was obtained: an answer, and a 2xx."""
    return isinstance(primary, Seen) and not primary.value.refused


def current_readings(
    contract: ContractKind, round_: ServiceRound | None, now: Moment
) -> Mapping[str, EndpointReading]:
    """
    Return the readings of a round that may still be used, by path, sorted.

    NOT_OFFERED keeps: it is asked again only every five minutes, and says so.
    """
    if round_ is None:
        return {}
    return {
        path: reading
        if isinstance(reading, Unseen) and reading.reason is UnseenReason.NOT_OFFERED
        else within_age(refuse_by_status(contract, path, reading), now)
        for path, reading in sorted(round_.readings.items())
    }


def primary_reading(
    primary_path: str | None, readings: Mapping[str, EndpointReading], now: Moment
) -> EndpointReading:
    """Return the reading that speaks for a service; NOT_YET_ASKED when there is none."""
    reading = readings.get(primary_path or "")
    return now.not_asked("not asked yet") if reading is None else reading


def clock_trouble(status: RichStatus, at: datetime, now: Moment) -> str:
    """
    Name what is wrong with the time a status bears: STATUS_FROZEN, CLOCK_SKEW, or nothing.

    Age is measured to `now`, being ahead to the reading's own instant `at`, so that waiting
    improves neither.
    """
    updated = status.status.last_updated_utc
    if seconds_between(at, updated) > AHEAD_TOLERANCE_SECONDS:
        return "CLOCK_SKEW"
    if now.is_older(updated, FROZEN_AFTER_SECONDS):
        return "STATUS_FROZEN"
    return ""


def can_clear(reading: EndpointReading, now: Moment) -> bool:
    """
    Return whether a denial in this reading counts.

    Only a valid, current answer can clear an alarm: not a broken document, not an expired reading,
    not one that is no 2xx, not a responder whose clock is frozen or runs ahead.
    """
    if isinstance(reading, Unseen) or reading.value.refused:
        return False
    status = reading.value.status
    return not (isinstance(status, RichStatus) and clock_trouble(status, reading.at, now))


def answered(reading: EndpointReading) -> bool:
    """Return whether a process was there to answer, whatever it said."""
    return isinstance(reading, Seen) or reading.exchange.status is not None


REFUSED_FROM = 300
"""A status of 300 or more is a refusal; only 2xx is an answer."""


class Tick(NamedTuple):
    """A tick as one answer reports it, whatever the answer's shape."""

    last_tick: datetime | None
    threshold_seconds: float
    says_fresh: bool | None
    unreadable: bool = False


def read_tick(answer: Answer, at: datetime) -> Tick | None:
    """Return the tick an answer reports; None when its shape says nothing about freshness."""
    match answer.status:
        case RichStatus(marketdata=Marketdata() as feed):
            threshold = min(feed.stale_threshold_seconds, CEILING)
            return Tick(feed.last_tick_utc, threshold, feed.is_fresh)
        case RichStatus(service_kind=Kind.MARKETDATA):
            return Tick(None, CEILING, None)
        case MinimalStatus(data_freshness_seconds=age):
            return Tick(_earlier(at, age), CEILING, None if age is None else age <= CEILING)
        case HealthFreshness(last_tick_epoch_seconds=epoch, max_age_seconds=limit) as health:
            says = health.ok and answer.http_status < REFUSED_FROM and not health.forced_stale
            return _epoch_tick(epoch, min(limit or CEILING, CEILING), says_fresh=says)
        case LegacyTick(last_tick_epoch_seconds=epoch, ok=ok):
            says = ok and answer.http_status < REFUSED_FROM
            return _epoch_tick(epoch, CEILING, says_fresh=says)
        case _:
            return None


def _earlier(at: datetime, age: float | None) -> datetime | None:
    try:
        return None if age is None else at - timedelta(seconds=age)
    except OverflowError:
        return None


def _epoch_tick(epoch: float | None, threshold: float, *, says_fresh: bool) -> Tick:
    if epoch is None:
        return Tick(None, threshold, says_fresh)
    try:
        return Tick(datetime.fromtimestamp(epoch, UTC), threshold, says_fresh)
    except (OverflowError, OSError, ValueError):
        return Tick(None, threshold, says_fresh, unreadable=True)


def judge_tick(tick: Tick, at: datetime, now: Moment, path: str) -> Freshness:
    """
    Judge one reported tick; a claim and a tick that disagree count as the worse of the two.

    The age is measured to `now`. A tick more than 5 s ahead of its own reading is unverifiable;
    one less far ahead has age 0.
    """
    ahead = 0.0 if tick.last_tick is None else seconds_between(at, tick.last_tick)
    state, detail = FreshnessState.FRESH, ""
    if tick.unreadable:
        state, detail = FreshnessState.UNVERIFIABLE, "the tick is no time"
    elif tick.says_fresh is False:
        state, detail = FreshnessState.STALE, "it says it is not fresh"
    elif tick.last_tick is None or tick.says_fresh is None:
        state, detail = FreshnessState.MISSING, "no tick is known"
    elif ahead > AHEAD_TOLERANCE_SECONDS:
        detail = f"the last tick is {ahead:.0f} s in the future"
        state = FreshnessState.UNVERIFIABLE
    elif now.is_older(tick.last_tick, tick.threshold_seconds):
        detail = f"the last tick is older than {tick.threshold_seconds:.0f} s"
        state = FreshnessState.STALE
    return Freshness(state, tick.threshold_seconds, tick.last_tick, path, detail)
