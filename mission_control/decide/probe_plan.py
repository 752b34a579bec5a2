"""Decide: which paths of a service are asked in a round (semantics, section 2)."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from mission_control.model.fleet import Agent, ContractKind, Kind
from mission_control.model.reading import EndpointReading, Unseen, UnseenReason

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


def paths_due(agent: Agent, known: Mapping[str, EndpointReading], now: datetime) -> tuple[str, ...]:
    """
    List the paths to ask now: all that are wanted, less those known not to be offered.

    At least one path is always asked, so that a service of which nothing is offered is still
    seen to live or die.
    """
    wanted = wanted_paths(agent)
    due = tuple(p for p in wanted if not rests(known.get(p), now))
    return due or wanted[:1]


def _acts(path: str) -> bool:
    return any(segment in NEVER_ASKED for segment in path.casefold().split("/"))


def rests(reading: EndpointReading | None, now: datetime) -> bool:
    """Tell whether a path was found not offered so lately that it is not asked again yet."""
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
