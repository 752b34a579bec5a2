"""What the newest round over one agent is worth."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from mission_control.floor.decide.evidence import (
    Denials,
    Moment,
    SessionAt,
    Statement,
    current_readings,
    primary_reading,
)
from mission_control.floor.decide.execution import says_harmless_mode, state_execution
from mission_control.floor.decide.freshness import (
    View,
    judge_freshness,
    judge_sources,
    state_agreement,
    state_false_positives,
    state_staleness,
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
from mission_control.model.reading import EndpointReading, PathPast, Seen, ServiceRound


class AgentEvidence(NamedTuple):
    """
    Everything that one agent's round says at one instant, apart from what others say.

    `feeds` are what its paths say of the marketdata, and `freshness` all of them together.
    `seen_at` is when its primary reading was taken, None where there is none; with `ages` the
    floor's evidence is as old as this agent's. `clock` is what it tells of our own.
    `execution_allowed` says that it may execute, for it does so on paper.
    """

    agent: Agent
    round: ServiceRound | None
    readings: Mapping[str, EndpointReading]
    feeds: Mapping[str, Freshness]
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


def weigh_evidence(
    agent: Agent,
    round_: ServiceRound | None,
    session_at: SessionAt,
    now: Moment,
    safety: Safety,
) -> AgentEvidence:
    """
    Work out what an agent's newest round says at `now`.

    A twin sees what we see: it is no source about execution, switch or feed (docs/semantics.md#14).
    """
    readings = current_readings(agent.contract, round_, now)
    past: Mapping[str, PathPast] = {} if round_ is None else round_.past
    feeds = judge_sources(agent, readings, now)
    freshness = judge_freshness(agent, feeds)
    views = tuple(view_feed(agent, readings, feeds, past))
    sources, said = _hear(agent, readings, feeds, views, session_at, now, safety)
    primary = primary_reading(agent.primary_path, readings, now)
    return AgentEvidence(
        agent=agent,
        round=round_,
        readings=readings,
        feeds=feeds,
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


def _hear(
    agent: Agent,
    readings: Mapping[str, EndpointReading],
    feeds: Mapping[str, Freshness],
    views: tuple[View, ...],
    session_at: SessionAt,
    now: Moment,
    safety: Safety,
) -> tuple[tuple[SwitchSource, ...], tuple[Statement, ...]]:
    """Return what an agent says of the switch, and what it states; a twin says nothing of them."""
    if agent.twin:
        return (), ()
    sources = tuple(hear_service(agent.agent_name, readings, now, safety.switch_normal))
    return sources, (
        *state_execution(agent, readings, now, safety),
        *state_false_positives(agent, readings, session_at, now),
        *state_staleness(agent, readings, feeds),
        *state_agreement(agent, readings, views),
    )
