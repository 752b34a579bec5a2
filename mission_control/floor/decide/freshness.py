"""How old the marketdata is by our clock, what gates claim of it, and who disagrees."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from mission_control.contract.model.answer import Answer
from mission_control.contract.model.shapes import HealthFreshness, LegacyTick, RichStatus
from mission_control.floor.decide.evidence import (
    ALWAYS,
    HEALTH_PATH,
    NEVER,
    REFUSED_FROM,
    Moment,
    SessionAt,
    Statement,
    Tick,
    can_clear,
    clock_trouble,
    judge_tick,
    read_tick,
    seconds_between,
)
from mission_control.floor.model import NO_FRESHNESS, Freshness, FreshnessState
from mission_control.model.codes import (
    CONTRADICTION,
    FRESHNESS_GATE_FALSE_POSITIVE,
    MARKETDATA_MISSING,
    MARKETDATA_STALE,
)
from mission_control.model.fleet import Agent, Kind
from mission_control.model.reading import (
    NOTHING_TOLD,
    EndpointReading,
    PathPast,
    Seen,
    Unseen,
    UnseenReason,
)

STATUS_PATH = "/ops/status"

_SPEAKING = {Kind.MARKETDATA: (STATUS_PATH, HEALTH_PATH), Kind.STRATEGY: (STATUS_PATH,)}
"""The paths that speak of an agent's feed."""
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
    judged = dict[str, Freshness]()
    for path in _SPEAKING.get(agent.kind, ()):
        reading = readings.get(path)
        if reading is None:
            if agent.kind is not Kind.MARKETDATA:
                continue
            reading = now.not_asked()  # both paths are always asked, so one that is absent is lost
        freshness = judge_source(path, reading, now)
        if freshness is not None:
            judged[path] = freshness
    return judged


def judge_freshness(agent: Agent, sources: Mapping[str, Freshness]) -> Freshness:
    """
    Combine what an agent's paths say; the worst counts.

    A marketdata service whose feed nothing reports is unverifiable, never fresh. A strategy that
    does not report marketdata promises nothing about it.
    """
    spoken = tuple(sources.values())
    if len(spoken) > 1:
        spoken = sorted(spoken, key=lambda f: (_WORST_FIRST.index(f.state), not f.confirmed))
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


FALSE_POSITIVE_AFTER_SECONDS = 125.0
"""A claim of freshness made on a tick older than this is false (docs/semantics.md#3)."""


def state_false_positives(
    agent: Agent,
    readings: Mapping[str, EndpointReading],
    session_at: SessionAt,
    now: Moment,
) -> Iterator[Statement]:
    """
    Return what each answer's freshness claims state about the freshness gate.

    While the market is open, any `ok`, `is_fresh` or `safe_to_run_strategies` that is true on
    a missing tick, or on one older than 125 s when the claim was made, raises an alarm: P0. It
    is denied when the claim is no longer made, or the tick supports it, in any phase.
    """
    for path, reading in readings.items():
        if not isinstance(reading, Seen):
            continue
        tick = read_tick(reading.value, reading.at)
        if tick is None:
            continue
        source = f"{agent.agent_name} {path}"
        # A refusal clears nothing else, but it does say that nothing is fresh there.
        clears = reading.value.refused or can_clear(reading, now)
        unborne = _cannot_bear_claims(tick, reading.at)
        for fact, claimed in _claims_of(reading.value):
            raises = claimed and unborne and session_at(reading.at).phase.gates
            denies = clears and not (claimed and unborne)
            if raises or denies:
                yield Statement(
                    FRESHNESS_GATE_FALSE_POSITIVE,
                    agent.agent_name,
                    source,
                    fact,
                    raises,
                    f"{path} says {fact} is true on {_describe(tick, reading.at)}",
                )


def _cannot_bear_claims(tick: Tick, at: datetime) -> bool:
    if tick.last_tick is None:
        return True
    return seconds_between(tick.last_tick, at) > FALSE_POSITIVE_AFTER_SECONDS


def _describe(tick: Tick, at: datetime) -> str:
    if tick.last_tick is None:
        return "a missing tick"
    return f"a tick {seconds_between(tick.last_tick, at):.0f} s old"


def _claims_of(answer: Answer) -> Iterator[tuple[str, bool]]:
    match answer.status:
        case RichStatus() as status:
            if status.marketdata is not None:
                yield ("is_fresh", status.marketdata.is_fresh is True)
                yield ("safe_to_run_strategies", status.safety.safe_to_run_strategies)
        case HealthFreshness(ok=ok) | LegacyTick(ok=ok):
            yield ("ok", ok)
        case _:
            return


class View(NamedTuple):
    """
    What one path says of the one feed; `fact` distinguishes a refusal by status from a claim.

    `at` is when it was read, and `since` the reading in which it first said so, ALWAYS where that
    is not known and NEVER where it did not: only age made it so.
    """

    agent_name: str
    source: str
    fact: str
    freshness: Freshness
    at: datetime
    since: datetime


def view_feed(
    agent: Agent,
    readings: Mapping[str, EndpointReading],
    sources: Mapping[str, Freshness],
    past: Mapping[str, PathPast],
) -> Iterator[View]:
    """Return what each path of marketdata services and strategies says of the feed."""
    if agent.kind not in {Kind.MARKETDATA, Kind.STRATEGY}:
        return
    for path, freshness in sources.items():
        reading = readings.get(path)
        fact = "http_status" if refusal_status(reading) is not None else "freshness"
        source = f"{agent.agent_name} {path}"
        at = ALWAYS if reading is None else reading.at
        since = _said_since(freshness, past.get(path, NOTHING_TOLD))
        yield View(agent.agent_name, source, fact, freshness, at, since)


def _said_since(freshness: Freshness, told: PathPast) -> datetime:
    if told.fresh is None or told.since is None:
        return ALWAYS
    return told.since if told.fresh is (freshness.state is FreshnessState.FRESH) else NEVER


def state_agreement(
    agent: Agent, readings: Mapping[str, EndpointReading], views: Iterable[View]
) -> Iterator[Statement]:
    """
    Return what an agent alone can take back of a contradiction about the feed.

    Sources that say fresh agree with each other; a refusal by HTTP status alone is taken back by
    any 2xx there.
    """
    for view in views:
        if view.freshness.state is FreshnessState.FRESH:
            yield Statement(CONTRADICTION, view.agent_name, view.source, view.fact, raises=False)
    status = health_status(readings)
    if status is not None and status < REFUSED_FROM:
        name = agent.agent_name
        source = f"{name} {HEALTH_PATH}"
        yield Statement(CONTRADICTION, name, source, "http_status", raises=False)


def state_freshness_contradictions(
    fresh: Sequence[View], not_fresh: Iterable[View], *, gates: bool
) -> Iterator[Statement]:
    """
    Return which sources disagree about the one feed: fresh here, not fresh there.

    Services are read seconds apart, so a feed that stops or recovers is told by one before the
    other: two disagree only where both were read since either changed its claim. Until then the
    worse side is stale all the same. The source that is not fresh raises the alarm, and takes it
    back by saying fresh itself (`state_agreement`). Where all are seen and none says fresh any
    more, they agree, and only staleness is left.
    """
    views = tuple(not_fresh)
    agree = not fresh and all(speaks(v.freshness) for v in views)
    newest = max((f.at for f in fresh), default=ALWAYS)
    oldest = min((f.since for f in fresh), default=NEVER)
    for view in views:
        if agree:
            yield Statement(CONTRADICTION, view.agent_name, view.source, view.fact, raises=False)
            continue
        late = view.since > newest or view.at < oldest
        other = None if late or not speaks(view.freshness) else _find_opposite(view, fresh)
        if gates and other is not None:
            says = view.freshness.state.value
            detail = f"{view.source} says {says} while {other.source} says FRESH"
            key = (CONTRADICTION, view.agent_name, view.source, view.fact)
            yield Statement(*key, raises=True, detail=detail)


def _find_opposite(view: View, fresh: Sequence[View]) -> View | None:
    """Find the first source that says fresh where both were read since either changed its claim."""
    return next((f for f in fresh if min(view.at, f.at) >= max(view.since, f.since)), None)
