"""Decide: what one answer's tick is worth, whatever shape reports it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mission_control.decide.evidence import AHEAD_TOLERANCE_SECONDS, seconds_between
from mission_control.model.fleet import MARKETDATA_STALE_CEILING_SECONDS as CEILING
from mission_control.model.fleet import Kind
from mission_control.model.snapshot import Freshness, FreshnessState
from mission_control.model.status_contract.answer import Answer
from mission_control.model.status_contract.rich import Marketdata, RichStatus
from mission_control.model.status_contract.smaller_shapes import (
    HealthFreshness,
    LegacyTick,
    MinimalStatus,
)

REFUSED_FROM = 300
"""A status of 300 or more is a refusal; only 2xx is an answer."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A tick as one answer reports it, whatever the answer's shape."""

    last_tick: datetime | None
    threshold_seconds: float
    says_fresh: bool | None
    unreadable: bool = False


def read_tick(answer: Answer, at: datetime) -> Tick | None:
    """Give the tick an answer reports; None when its shape says nothing about freshness."""
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


def judge_tick(tick: Tick, at: datetime, now: datetime, path: str) -> Freshness:
    """
    Judge one reported tick; a claim and a tick that disagree count as the worse of the two.

    The age is reckoned to `now`. A tick more than 5 s ahead of its own reading is
    unverifiable; one less far ahead has age 0.
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
    elif seconds_between(tick.last_tick, now) > tick.threshold_seconds:
        detail = f"the last tick is older than {tick.threshold_seconds:.0f} s"
        state = FreshnessState.STALE
    return Freshness(state, tick.threshold_seconds, tick.last_tick, path, detail)
