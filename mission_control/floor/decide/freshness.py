"""How old the marketdata is, by our own clock, whatever a service's state says."""

from collections.abc import Iterator, Mapping

from mission_control.contract.model.shapes import RichStatus
from mission_control.floor.decide.evidence import (
    HEALTH_PATH,
    REFUSED_FROM,
    Moment,
    Statement,
    clock_trouble,
    judge_tick,
    read_tick,
)
from mission_control.floor.model import NO_FRESHNESS, Freshness, FreshnessState
from mission_control.model.codes import MARKETDATA_MISSING, MARKETDATA_STALE
from mission_control.model.fleet import Agent, Kind
from mission_control.model.reading import EndpointReading, Seen, Unseen, UnseenReason

STATUS_PATH = "/ops/status"

_WORST_FIRST = (
    FreshnessState.STALE,
    FreshnessState.MISSING,
    FreshnessState.UNVERIFIABLE,
    FreshnessState.FRESH,
)


def judge_source(path: str, reading: EndpointReading, now: Moment) -> Freshness | None:
    """
    Judge what one path says about freshness; None when it abstains (docs/semantics.md#3).

    A path that does not offer it abstains, and so does a 200 on `/healthz` without `ok`. A
    refusal of `/healthz` is stale; anything else that was not seen is unverifiable.
    """
    if isinstance(reading, Unseen):
        if reading.reason is UnseenReason.NOT_OFFERED:
            return None
        refused = reading.reason is UnseenReason.HTTP_STATUS and path == HEALTH_PATH
        state = FreshnessState.STALE if refused else FreshnessState.UNVERIFIABLE
        detail = f"{path} was not seen: {reading.code}"
        confirmed = refused or reading.confirmed
        return Freshness(state, source=path, detail=detail, confirmed=confirmed)
    status = reading.value.status
    if isinstance(status, RichStatus):
        trouble = clock_trouble(status, reading.at, now)
        if trouble:
            detail = f"{path} cannot be believed: {trouble}"
            return Freshness(FreshnessState.UNVERIFIABLE, source=path, detail=detail)
    tick = read_tick(reading.value, reading.at)
    return None if tick is None else judge_tick(tick, reading.at, now, path)


def judge_sources(
    agent: Agent, readings: Mapping[str, EndpointReading], now: Moment
) -> Mapping[str, Freshness]:
    """
    Judge every path that speaks of this agent's feed, by path.

    For kind marketdata those are `/ops/status` and `/healthz`; for strategies their own
    `/ops/status`. Execution's and ingest's own feeds are never judged (docs/semantics.md#3).
    """
    paths = {
        Kind.MARKETDATA: (STATUS_PATH, HEALTH_PATH),
        Kind.STRATEGY: (STATUS_PATH,),
    }.get(agent.kind, ())
    asked = dict(readings)
    if agent.kind is Kind.MARKETDATA:  # both paths are always asked, so one that is absent is lost
        never = now.not_asked()
        asked = {path: asked.get(path, never) for path in paths}
    judged = {p: judge_source(p, asked[p], now) for p in paths if p in asked}
    return {path: freshness for path, freshness in judged.items() if freshness is not None}


def judge_freshness(agent: Agent, sources: Mapping[str, Freshness]) -> Freshness:
    """
    Combine what an agent's paths say; the worst counts.

    A marketdata service whose feed nothing reports is unverifiable, never fresh. A strategy that
    does not report marketdata promises nothing about it.
    """
    spoken = sorted(sources.values(), key=lambda f: (_WORST_FIRST.index(f.state), not f.confirmed))
    if not spoken:
        if agent.kind is not Kind.MARKETDATA:
            return NO_FRESHNESS
        return Freshness(FreshnessState.UNVERIFIABLE, detail="nothing speaks of its freshness")
    if agent.kind is Kind.STRATEGY and spoken[0].state is FreshnessState.UNVERIFIABLE:
        return spoken[0] if spoken[0].last_tick else NO_FRESHNESS
    return spoken[0]


def speaks(freshness: Freshness) -> bool:
    """Return whether a source says anything about freshness, good or bad."""
    return freshness.state is not FreshnessState.UNVERIFIABLE or freshness.last_tick is not None


def state_staleness(
    agent: Agent, readings: Mapping[str, EndpointReading], sources: Mapping[str, Freshness]
) -> Iterator[Statement]:
    """
    Return what a marketdata service's paths state about staleness.

    Not fresh raises an alarm; fresh denies it. A refused `/healthz` raises one by its status
    alone, which any 200 there denies: that answer need not speak of freshness.
    """
    if agent.kind is not Kind.MARKETDATA:
        return
    codes = {
        FreshnessState.STALE: MARKETDATA_STALE,
        FreshnessState.MISSING: MARKETDATA_MISSING,
    }
    for path, freshness in sources.items():
        source = f"{agent.agent_name} {path}"
        if refusal_status(readings.get(path)) or not isinstance(readings.get(path), Seen):
            continue
        for state, code in codes.items():
            if freshness.state in (state, FreshnessState.FRESH):
                raises = freshness.state is state
                yield Statement(code, agent.agent_name, source, "tick", raises, freshness.detail)
    status = health_status(readings)
    if status is not None:
        source = f"{agent.agent_name} {HEALTH_PATH}"
        refused = status >= REFUSED_FROM
        detail = f"{HEALTH_PATH} answered {status}"
        yield Statement(MARKETDATA_STALE, agent.agent_name, source, "http_status", refused, detail)


def health_status(readings: Mapping[str, EndpointReading]) -> int | None:
    """Return the HTTP status that `/healthz` answered or refused with; None when it did neither."""
    reading = readings.get(HEALTH_PATH)
    if isinstance(reading, Seen):
        return reading.value.http_status
    return refusal_status(reading)


def refusal_status(reading: EndpointReading | None) -> int | None:
    """Return the status by which a path refused, 300 or more; None when it did not refuse."""
    if isinstance(reading, Seen):
        status = reading.value.http_status
        return status if status >= REFUSED_FROM else None
    if reading is not None and reading.reason is UnseenReason.HTTP_STATUS:
        return reading.exchange.status
    return None
