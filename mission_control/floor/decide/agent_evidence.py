"""What the newest round over one agent is worth, and until when that stays so."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import chain
from typing import NamedTuple

from mission_control.contract.model.shapes import RichStatus
from mission_control.floor.decide.evidence import (
    AHEAD_TOLERANCE_SECONDS,
    FROZEN_AFTER_SECONDS,
    MAX_AGE_SECONDS,
    NEVER,
    Denials,
    SessionAt,
    Statement,
    current_readings,
    primary_reading,
    read_tick,
)
from mission_control.floor.decide.execution import says_harmless_mode, state_execution
from mission_control.floor.decide.freshness import judge_freshness, judge_sources, state_staleness
from mission_control.floor.decide.freshness_claims import (
    View,
    state_agreement,
    state_false_positives,
    view_feed,
)
from mission_control.floor.decide.own_clock import ClockTold, tell_clock
from mission_control.floor.decide.required_evidence import (
    AgentCoverage,
    MissingEvidence,
    count_asked,
    find_missing_evidence,
)
from mission_control.floor.model import Freshness, FreshnessState
from mission_control.kill_switch.decide import deny_as_sources, hear_service
from mission_control.model.fleet import Agent, ContractKind, Safety
from mission_control.model.kill_switch import SwitchSource
from mission_control.model.reading import (
    EndpointReading,
    PathPast,
    Seen,
    ServiceRound,
    Unseen,
    UnseenReason,
)

_CLOSE = timedelta(milliseconds=1)
"""An age is compared as a float of seconds: this close to its limit it is reckoned anew."""


class AgentEvidence(NamedTuple):
    """
    Everything that one agent's round says at `at`, apart from who else says what.

    Nothing in it changes by time passing before `until`, so that it need not be worked out
    again until then. `seen_at` is when its primary reading was taken, None where there is none;
    `ages` tells whether the floor's evidence is as old as this agent's. `clock` is
    what it tells of our own. `execution_allowed` tells that it may execute, for it does on paper.
    """

    agent: Agent
    round: ServiceRound | None
    at: datetime
    until: datetime
    readings: Mapping[str, EndpointReading]
    freshness: Freshness
    raising: tuple[Statement, ...]
    denied: Denials
    fresh: tuple[View, ...]
    not_fresh: tuple[View, ...]
    sources: tuple[SwitchSource, ...]
    clock: ClockTold
    missing: tuple[MissingEvidence, ...]
    coverage: AgentCoverage
    ages: bool
    seen_at: datetime | None
    execution_allowed: bool = False

    def holds(self, agent: Agent, round_: ServiceRound | None, now: datetime) -> bool:
        """Return whether this is still what the agent's newest round is worth."""
        same = self.round is round_ and self.agent is agent
        return same and self.at <= now < self.until


def weigh_evidence(
    agent: Agent,
    round_: ServiceRound | None,
    session_at: SessionAt,
    now: datetime,
    safety: Safety,
) -> AgentEvidence:
    """Work out what an agent's newest round says at `now`."""
    readings = current_readings(agent.contract, round_, now)
    past: Mapping[str, PathPast] = {} if round_ is None else round_.past
    feeds = judge_sources(agent, readings, now)
    freshness = judge_freshness(agent, feeds)
    views = tuple(view_feed(agent, readings, feeds, past))
    heard = hear_service(agent.agent_name, readings, now, safety.switch_normal)
    sources = tuple(heard)
    said = tuple(
        chain(
            state_execution(agent, readings, now, safety),
            state_false_positives(agent, readings, session_at, now),
            state_staleness(agent, readings, feeds),
            state_agreement(agent, readings, views),
        )
    )
    primary = primary_reading(agent.primary_path, readings, now)
    return AgentEvidence(
        agent=agent,
        round=round_,
        at=now,
        until=_changes_at(round_, now),
        readings=readings,
        freshness=freshness,
        raising=tuple(s for s in said if s.raises),
        denied=frozenset(s.key for s in said if not s.raises).union(
            deny_as_sources(sources, safety.switch_normal)
        ),
        fresh=tuple(v for v in views if v.freshness.state is FreshnessState.FRESH),
        not_fresh=tuple(v for v in views if v.freshness.state is not FreshnessState.FRESH),
        sources=sources,
        clock=tell_clock(agent, readings, past),
        missing=find_missing_evidence(agent, primary, freshness),
        coverage=count_asked(agent, readings),
        ages=agent.required and agent.contract is not ContractKind.NONE,
        seen_at=primary.at if isinstance(primary, Seen) else None,
        execution_allowed=safety.paper and says_harmless_mode(agent, readings, now),
    )


def _changes_at(round_: ServiceRound | None, now: datetime) -> datetime:
    """Name the next instant at which time alone may change what these readings are worth."""
    if round_ is None:
        return NEVER
    instants = chain.from_iterable(_limits(reading) for reading in round_.readings.values())
    coming = min((i for i in instants if i > now - _CLOSE), default=NEVER)
    return coming if coming is NEVER else coming - _CLOSE


def _limits(reading: EndpointReading) -> Iterator[datetime]:
    """Return every instant at which a rule about age begins to judge a reading otherwise."""
    if isinstance(reading, Unseen) and reading.reason is UnseenReason.NOT_OFFERED:
        return
    yield _after(reading.at, -AHEAD_TOLERANCE_SECONDS)
    yield _after(reading.at, MAX_AGE_SECONDS)
    if isinstance(reading, Unseen):
        return
    status = reading.value.status
    if isinstance(status, RichStatus):
        yield _after(status.status.last_updated_utc, FROZEN_AFTER_SECONDS)
    tick = read_tick(reading.value, reading.at)
    if tick is not None and tick.last_tick is not None:
        yield _after(tick.last_tick, tick.threshold_seconds)


def _after(instant: datetime, seconds: float) -> datetime:
    try:
        return instant + timedelta(seconds=seconds)
    except OverflowError:
        return NEVER
