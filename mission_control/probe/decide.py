"""Which paths of a service are asked in a round (docs/semantics.md#2)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from mission_control.floor.decide.evidence import answered
from mission_control.model.fleet import Agent, ContractKind, Kind
from mission_control.model.reading import Addresses, EndpointReading, Unseen, UnseenReason

ASK_AGAIN_AFTER = timedelta(minutes=5)
"""A path that is not offered is asked again only this often."""
NEVER_ASKED = frozenset({"state", "recover", "execute"})
"""Paths that act although they are asked with GET; not asked even where an inventory lists them."""
LADDER = ("/ops/status", "/healthz", "/health")


def wanted_paths(agent: Agent) -> tuple[str, ...]:
    """
    List every path that belongs to an agent's rounds, the primary one first.

    An agent with an empty list and a rich contract starts at the ladder's top; the lower rungs
    are asked only where the upper ones are not offered (`next_rung`).
    """
    if agent.contract is ContractKind.NONE:
        return ()
    paths = [agent.primary_path or "/", *agent.expected_endpoints]
    if agent.kind is Kind.MARKETDATA:
        paths.append("/healthz")
    if agent.contract is ContractKind.LIVENESS:
        paths.extend(("/readyz", "/livez"))
    return tuple(p for p in dict.fromkeys(paths) if not _acts(p))


def paths_due(
    wanted: tuple[str, ...], known: Mapping[str, EndpointReading], now: datetime
) -> tuple[str, ...]:
    """
    List the paths to ask now: all that are wanted, less those known not to be offered.

    At least one path is always asked, so that a service of which nothing is offered is still
    seen to live or die.
    """
    due = tuple(p for p in wanted if not rests(known.get(p), now))
    return due or wanted[:1]


def _acts(path: str) -> bool:
    return any(segment in NEVER_ASKED for segment in path.casefold().split("/"))


def rests(reading: EndpointReading | None, now: datetime) -> bool:
    """Return whether a path was found not offered so lately that it is not asked again yet."""
    if not _not_offered(reading) or reading is None:
        return False
    return timedelta() <= now - reading.at < ASK_AGAIN_AFTER


def _not_offered(reading: EndpointReading | None) -> bool:
    return isinstance(reading, Unseen) and reading.reason is UnseenReason.NOT_OFFERED


def next_rung(agent: Agent, readings: Mapping[str, EndpointReading]) -> str | None:
    """
    Name the ladder's next rung to ask in this round, None when there is none.

    Only for an agent with a rich contract and no listed endpoints, and only below rungs that
    are not offered.
    """
    if agent.contract is not ContractKind.RICH or agent.expected_endpoints:
        return None
    for rung in LADDER:
        if rung not in readings:
            return rung
        if not _not_offered(readings[rung]):
            return None
    return None


GRID_SECONDS = 0.25
"""Services are asked together in steps of this length, well below what is noticed."""
ASKED_TOGETHER = 50
"""So many services are asked in a step at most: their answers hold the loop for 15 ms."""


def spread(agents: Sequence[Agent]) -> Sequence[tuple[Agent, float]]:
    """
    Return each agent its phase offset in seconds, spread evenly over its interval.

    Fixed by position, never random: the same fleet is asked in the same rhythm. Offsets lie on
    a grid, so that a large fleet is asked a handful at a time: waking for each alone would cost
    more than asking it. The grid is finer where a handful would hold the event loop for long.
    """
    count = max(1, len(agents))
    return [(a, _on_grid(a.interval_seconds, i, count)) for i, a in enumerate(agents)]


def _on_grid(interval: float, place: int, count: int) -> float:
    step = min(GRID_SECONDS, ASKED_TOGETHER * interval / count)
    return interval * place / count // step * step


ASK_AGAIN_SECONDS = 1.0
"""The first silence of a service is asked about again after so long (docs/semantics.md#2)."""
ASKED_AGAIN_AT_ONCE = 50
"""So many services are asked again beside their cadence at one time; others wait their turn."""

HURRY_RESTS_SECONDS = 600.0
"""A service that closes idle connections and is well all the same is not hurried to for so long."""


HURRY_APART_SECONDS = 5.0
"""A service that keeps closing connections and keeps changing is hurried to no more often."""


def interval_of(agent: Agent, *, gates: bool) -> float:
    """Return how often (seconds) an agent is asked, while the session gates or does not."""
    brisk = agent.gating_interval_seconds
    return brisk if gates and brisk is not None else agent.interval_seconds


def next_due(due: float, now: float, interval: float) -> float:
    """Return the next start on the agent's own grid; starts that were missed are left out."""
    following = due + interval
    if following >= now:
        return following
    return following + interval * ((now - following) // interval + 1)


TOLD_APART = timedelta(hours=1)
"""New addresses of one service are told no more often: behind a balancer they change for ever."""
MOST_KNOWN = 64


def note_addresses(
    before: Addresses, readings: Iterable[EndpointReading], now: datetime
) -> Addresses:
    """
    Return what is known after a round of the addresses that answer for a service.

    The first ones are no news. Others are told at once, or when an hour has passed since the
    last were told and they answer still.
    """
    known = before.known
    new = [r for r in readings if r.exchange.peer and r.exchange.peer not in known]
    added = tuple(sorted({r.exchange.peer for r in new if answered(r)})) if new else ()
    if not added:
        return before
    if not known:
        return Addresses(added)
    told_at = before.told_at
    if told_at is not None and timedelta() <= now - told_at < TOLD_APART:
        return before
    return Addresses((*known, *added)[-MOST_KNOWN:], added, now)
