"""
The look at a service whose newest round says what the one before it said.

That is how almost every round is. What was concluded then holds as well, so that only the
instants in it are new: every clock is judged again, and where any is judged otherwise, or anything
else is said, nothing is taken over. `tests/floor/test_renewal.py` shows that the look is the one
that weighing and judging the round gives.
"""

from collections.abc import Mapping
from datetime import datetime

from mission_control.contract.model.answer import Answer
from mission_control.contract.model.claims import NO_CLAIMS
from mission_control.contract.model.same_answer import says_the_same
from mission_control.contract.model.shapes import RichStatus, ServiceState
from mission_control.floor.decide.agent_evidence import AgentEvidence
from mission_control.floor.decide.evidence import (
    AHEAD_TOLERANCE_SECONDS,
    FROZEN_AFTER_SECONDS,
    MAX_AGE_SECONDS,
    Moment,
    clock_trouble,
    judge_tick,
    read_tick,
    within_age,
)
from mission_control.floor.decide.freshness import judge_freshness, judge_sources, view_feed
from mission_control.floor.decide.looks import AgentLook
from mission_control.floor.decide.own_clock import tell_clock
from mission_control.floor.model import Freshness, FreshnessState
from mission_control.model.kill_switch import SwitchSource
from mission_control.model.reading import EndpointReading, Seen, ServiceRound, Unseen
from mission_control.model.session import MarketSession


def known_limits(readings: Mapping[str, EndpointReading]) -> set[float]:
    """
    Return the ages (seconds; negative for how far ahead) that a renewal judges once more.

    A look that was judged by any other age is never renewed.
    """
    seen = ((r.value, r.at) for r in readings.values() if isinstance(r, Seen))
    ticks = {tick.threshold_seconds for answer, at in seen if (tick := read_tick(answer, at))}
    return {MAX_AGE_SECONDS, FROZEN_AFTER_SECONDS, -AHEAD_TOLERANCE_SECONDS, *ticks}


def renew_look(
    look: AgentLook, round_: ServiceRound, session: MarketSession, now: Moment, then: Moment
) -> AgentLook | None:
    """
    Return the look at a newer round that says the same; None where it has to be judged in full.

    The look has to be good still at `now`, and `session` is the one that it was judged in. `then`
    is the same instant, of which what was said before is asked.
    """
    old = look.evidence
    before = old.round
    if before is None or old.raising or before.readings.keys() != round_.readings.keys():
        return None
    for path, reading in round_.readings.items():
        was = before.readings[path]
        if old.readings[path] is not was:  # it had expired, or was a refusal
            return None
        if not _is_same(was, reading, now, then) or not _is_one_phase(was.at, reading.at, session):
            return None
        if session.phase.gates and _says_closed(reading):
            return None
    feeds = judge_sources(old.agent, round_.readings, now)
    if not _are_ticks_as_good(old, feeds, round_, now, then):
        return None
    return AgentLook(
        _renew_evidence(old, feeds, round_),
        look.surroundings,
        look.judgement,
        look.reasons,
        look.workload,
        look.agreement,
    )


def _is_one_phase(earlier: datetime, later: datetime, session: MarketSession) -> bool:
    began, ends = session.phase_began, session.next_boundary
    return began is not None and ends is not None and began <= earlier <= later < ends


def _says_closed(reading: EndpointReading) -> bool:
    """Return whether a service says that the market is closed; how long that may lag is timed."""
    if isinstance(reading, Unseen) or not isinstance(reading.value.status, RichStatus):
        return False
    return reading.value.status.status.state is ServiceState.MARKET_CLOSED


def _is_same(was: EndpointReading, reading: EndpointReading, now: Moment, then: Moment) -> bool:
    """Return whether a reading says what the one before it said, and its clocks are as good."""
    if within_age(reading, now) is not reading:
        return False
    if was.exchange.old_files != reading.exchange.old_files:
        return False
    if isinstance(was, Unseen) or isinstance(reading, Unseen):
        return (
            isinstance(was, Unseen) and isinstance(reading, Unseen) and _fails_alike(was, reading)
        )
    old, new = was.value, reading.value
    if new.refused or not says_the_same(old, new):
        return False
    return not (_has_clock_trouble(was, then) or _has_clock_trouble(reading, now))


def _has_clock_trouble(reading: Seen[Answer], now: Moment) -> bool:
    status = reading.value.status
    return isinstance(status, RichStatus) and bool(clock_trouble(status, reading.at, now))


def _fails_alike(was: Unseen, reading: Unseen) -> bool:
    return (
        was.reason is reading.reason
        and was.detail == reading.detail
        and was.confirmed is reading.confirmed
        and was.exchange.status == reading.exchange.status
        and was.claims == reading.claims == NO_CLAIMS
    )


def _are_ticks_as_good(
    old: AgentEvidence,
    feeds: Mapping[str, Freshness],
    round_: ServiceRound,
    now: Moment,
    then: Moment,
) -> bool:
    """Return whether every tick is fresh as the one before it was, or is that one still."""
    for path, reading in round_.readings.items():
        was = old.readings[path]
        if isinstance(was, Unseen) or isinstance(reading, Unseen):
            continue
        new = feeds.get(path) or _judge_tick_of(reading, path, now)
        earlier = old.feeds.get(path) or _judge_tick_of(was, path, then)
        if new is None or earlier is None:
            if new is not earlier:
                return False
            continue
        if new.state is not earlier.state:
            return False
        if new.state is not FreshnessState.FRESH and (new != earlier or _is_after(new, was)):
            return False
    return True


def _judge_tick_of(reading: Seen[Answer], path: str, now: Moment) -> Freshness | None:
    tick = read_tick(reading.value, reading.at)
    return None if tick is None else judge_tick(tick, reading.at, now, path)


def _is_after(judged: Freshness, reading: Seen[Answer]) -> bool:
    """Return whether a tick was in the future as its answer was read: it may be so no more."""
    return judged.last_tick is not None and judged.last_tick > reading.at


def _renew_evidence(
    old: AgentEvidence, feeds: Mapping[str, Freshness], round_: ServiceRound
) -> AgentEvidence:
    agent, readings = old.agent, {path: round_.readings[path] for path in old.readings}
    views = tuple(view_feed(agent, readings, feeds, round_.past)) if feeds else ()
    stale = tuple(v for v in views if v.freshness.state is not FreshnessState.FRESH)
    primary = readings.get(agent.primary_path or "")
    return AgentEvidence(
        agent=agent,
        round=round_,
        readings=readings,
        feeds=feeds,
        freshness=judge_freshness(agent, feeds),
        raising=old.raising,
        denied=old.denied,
        fresh=tuple(v for v in views if v not in stale) if stale else views,
        not_fresh=stale,
        sources=_renew_sources(old.sources, readings) if old.sources else (),
        clock=tell_clock(agent, readings, round_.past),
        missing=old.missing,
        coverage=old.coverage,
        ages=old.ages,
        seen_at=primary.at if isinstance(primary, Seen) else None,
        execution_allowed=old.execution_allowed,
    )


def _renew_sources(
    sources: tuple[SwitchSource, ...], readings: Mapping[str, EndpointReading]
) -> tuple[SwitchSource, ...]:
    """Return the same words of the switch as read now; paths that say nothing of it have none."""
    speaking = (
        r
        for r in readings.values()
        if isinstance(r, Seen) and r.value.claims.kill_switch is not None
    )
    return tuple(
        SwitchSource(s.kind, s.source, s.state, r.at)
        for s, r in zip(sources, speaking, strict=True)
    )
