"""Strips: what a service's state was lately, as told by the recent events. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from ops_ui.mission_control_client import Document

CELLS = 30
CELL = timedelta(seconds=30)
"""A strip shows the last fifteen minutes, half a minute a cell."""

KNOWN = frozenset({"OK", "MARKET_CLOSED", "HALTED", "DEGRADED", "OFFLINE", "UNKNOWN"})


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a service's state: when, from what, to what."""

    at: datetime
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Strip:
    """Cells, oldest first, each a state in small letters or `unseen`; and the same in words."""

    cells: tuple[str, ...]
    words: str


def changes_of(events: Sequence[Document]) -> Mapping[str, tuple[Change, ...]]:
    """Collect the changes of each service from events, oldest first; what is not one is left."""
    found: dict[str, list[Change]] = {}
    for event in events:
        name, data, at = event.get("agent_name"), event.get("data"), _instant(event.get("ts"))
        if event.get("type") != "agent.changed" or at is None or not isinstance(name, str):
            continue
        if isinstance(data, Mapping):
            told = cast("Mapping[object, object]", data)
            change = Change(at, _state(told, "before"), _state(told, "after"))
            found.setdefault(name, []).append(change)
    return {name: tuple(sorted(c, key=lambda c: c.at)) for name, c in found.items()}


def draw_strip(changes: Sequence[Change], state: str, since: object, now: object) -> Strip:
    """
    Draw the last fifteen minutes of one service from its changes and its present state.

    Where no event and no `since` tells, the cell is unseen: a gap is a gap, never filled in.
    """
    end, began = _instant(now), _instant(since)
    if end is None:
        return Strip(("unseen",) * CELLS, "nothing is known of the last 15 minutes")
    ends = [end - CELL * i for i in reversed(range(CELLS))]
    cells = tuple(_state_at(moment, changes, state, began) for moment in ends)
    recent = [c for c in changes if c.at > end - CELL * CELLS]
    seen = sum(1 for c in cells if c != "unseen")
    words = f"last 15 minutes: {len(recent)} changes, {seen * 100 // CELLS} % seen"
    return Strip(cells, words)


def _state_at(
    moment: datetime, changes: Sequence[Change], state: str, began: datetime | None
) -> str:
    if began is not None and moment >= began:
        return _look(state)
    past = [c for c in changes if c.at <= moment]
    if past:
        return _look(past[-1].after)
    return "unseen"


def _look(state: str) -> str:
    return state.lower().replace("_", "-") if state in KNOWN else "unseen"


def _state(data: Mapping[object, object], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _instant(value: object) -> datetime | None:
    try:
        instant = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        return None
    return None if instant.tzinfo is None else instant
