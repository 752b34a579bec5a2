"""Decide: how old the marketdata is, by our own clock, whatever a service's state says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from mission_control.decide.evidence import (
    AHEAD_TOLERANCE_SECONDS,
    Statement,
    clock_trouble,
    seconds_between,
)
from mission_control.model.codes import MARKETDATA_MISSING, MARKETDATA_STALE
from mission_control.model.fleet import MARKETDATA_STALE_CEILING_SECONDS as CEILING
from mission_control.model.fleet import Agent, Kind
from mission_control.model.reading import EndpointReading, Seen, Unseen, UnseenReason
from mission_control.model.snapshot import NO_FRESHNESS, Freshness, FreshnessState
from mission_control.model.status_contract.answer import Answer
from mission_control.model.status_contract.rich import Marketdata, RichStatus
from mission_control.model.status_contract.smaller_shapes import (
    HealthFreshness,
    LegacyTick,
    MinimalStatus,
)

STATUS_PATH = "/ops/status"
HEALTH_PATH = "/healthz"
REFUSED_FROM = 300
"""A status of 300 or more is a refusal; only 2xx is an answer."""

_WORST_FIRST = (
    FreshnessState.STALE,
    FreshnessState.MISSING,
    FreshnessState.UNVERIFIABLE,
    FreshnessState.FRESH,
)


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
    age = None if tick.last_tick is None else max(0.0, seconds_between(tick.last_tick, now))
    state, detail = FreshnessState.FRESH, ""
    if tick.unreadable:
        state, detail = FreshnessState.UNVERIFIABLE, "the tick is no time"
    elif tick.says_fresh is False:
        state, detail = FreshnessState.STALE, "it says it is not fresh"
    elif age is None or tick.says_fresh is None:
        state, detail = FreshnessState.MISSING, "no tick is known"
    elif ahead > AHEAD_TOLERANCE_SECONDS:
        detail = f"the last tick is {ahead:.0f} s in the future"
        state = FreshnessState.UNVERIFIABLE
    elif age > tick.threshold_seconds:
        detail = f"the last tick is older than {tick.threshold_seconds:.0f} s"
        state = FreshnessState.STALE
    return Freshness(state, age, tick.threshold_seconds, tick.last_tick, path, detail)


def judge_source(path: str, reading: EndpointReading, now: datetime) -> Freshness | None:
    """
    Judge what one path says about freshness; None when it abstains (semantics, section 3).

    A path that does not offer it abstains, and so does a 200 on `/healthz` without `ok`. A
    refusal of `/healthz` is stale; anything else that was not seen is unverifiable.
    """
    if isinstance(reading, Unseen):
        if reading.reason is UnseenReason.NOT_OFFERED:
            return None
        refused = reading.reason is UnseenReason.HTTP_STATUS and path == HEALTH_PATH
        state = FreshnessState.STALE if refused else FreshnessState.UNVERIFIABLE
        return Freshness(state, source=path, detail=f"{path} was not seen: {reading.code}")
    status = reading.value.status
    if isinstance(status, RichStatus):
        trouble = clock_trouble(status, reading.at, now)
        if trouble:
            detail = f"{path} cannot be believed: {trouble}"
            return Freshness(FreshnessState.UNVERIFIABLE, source=path, detail=detail)
    tick = read_tick(reading.value, reading.at)
    return None if tick is None else judge_tick(tick, reading.at, now, path)


def judge_sources(
    agent: Agent, readings: Mapping[str, EndpointReading], now: datetime
) -> Mapping[str, Freshness]:
    """
    Judge every path that speaks of this agent's feed, by path.

    For kind marketdata those are `/ops/status` and `/healthz`; for strategies their own
    `/ops/status`. Execution's and ingest's own feeds are never judged (semantics, section 3).
    """
    paths = {
        Kind.MARKETDATA: (STATUS_PATH, HEALTH_PATH),
        Kind.STRATEGY: (STATUS_PATH,),
    }.get(agent.kind, ())
    judged = {p: judge_source(p, readings[p], now) for p in paths if p in readings}
    return {path: freshness for path, freshness in judged.items() if freshness is not None}


def judge_freshness(agent: Agent, sources: Mapping[str, Freshness]) -> Freshness:
    """
    Combine what an agent's paths say; the worst word counts.

    A marketdata service about whose feed nothing speaks is unverifiable, never fresh. A
    strategy that does not speak of marketdata promises nothing about it.
    """
    spoken = sorted(sources.values(), key=lambda f: _WORST_FIRST.index(f.state))
    if not spoken:
        if agent.kind is not Kind.MARKETDATA:
            return NO_FRESHNESS
        return Freshness(FreshnessState.UNVERIFIABLE, detail="nothing speaks of its freshness")
    if agent.kind is Kind.STRATEGY and spoken[0].state is FreshnessState.UNVERIFIABLE:
        return spoken[0] if spoken[0].last_tick else NO_FRESHNESS
    return spoken[0]


def state_staleness(
    agent: Agent, readings: Mapping[str, EndpointReading], sources: Mapping[str, Freshness]
) -> Iterator[Statement]:
    """
    Give what a marketdata service's paths state about staleness.

    Not fresh accuses; fresh denies. A refused `/healthz` accuses by its status alone, and is
    denied by any 200 there: that answer need not speak of freshness to take the refusal back.
    """
    if agent.kind is not Kind.MARKETDATA:
        return
    codes = {
        FreshnessState.STALE: MARKETDATA_STALE,
        FreshnessState.MISSING: MARKETDATA_MISSING,
    }
    for path, freshness in sources.items():
        source = f"{agent.agent_name} {path}"
        reading = readings[path]
        if isinstance(reading, Seen):
            for state, code in codes.items():
                if freshness.state in (state, FreshnessState.FRESH):
                    accuses = freshness.state is state
                    yield Statement(
                        code, agent.agent_name, source, "tick", accuses, freshness.detail
                    )
    health = readings.get(HEALTH_PATH)
    status = _status_of(health)
    if status is not None:
        source = f"{agent.agent_name} {HEALTH_PATH}"
        refused = status >= REFUSED_FROM
        detail = f"{HEALTH_PATH} answered {status}"
        yield Statement(MARKETDATA_STALE, agent.agent_name, source, "http_status", refused, detail)


def _status_of(reading: EndpointReading | None) -> int | None:
    if isinstance(reading, Seen):
        return reading.value.http_status
    if reading is not None and reading.reason is UnseenReason.HTTP_STATUS:
        return reading.exchange.status
    return None
