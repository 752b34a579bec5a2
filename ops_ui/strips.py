"""What a service's state was over time, as the timeline tells it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from ops_ui.mission_control_client import Document, Missed

DAY_STEP, MONTH_STEP = 1_800, 43_200
"""Seconds of one cell: half an hour in a day's strip, half a day in a month's."""

WHOLE = 0.98
"""A cell of which so much was watched is drawn without a gap."""

ALARMS = frozenset({"EXECUTION_EVIDENCE", "FRESHNESS_GATE_FALSE_POSITIVE"})
"""Sev-0 whatever state goes with it: an execution process that runs is no quiet OFFLINE."""
KNOWN = frozenset({"OK", "MARKET_CLOSED", "HALTED", "DEGRADED", "OFFLINE", "UNKNOWN"})


@dataclass(frozen=True, slots=True)
class Strip:
    """Cells, oldest first, as CSS classes; what each says in words; and the whole in words."""

    cells: tuple[tuple[str, str], ...]
    words: str


NOTHING = Strip((), "no history")
NOT_READ = Strip((), "history not read")


def missing_strip(timeline: Document | Missed) -> Strip:
    """Give what is shown where a timeline holds nothing of a service: no history, or not read."""
    return NOT_READ if isinstance(timeline, Missed) else NOTHING


def strips_of(
    timeline: Document | Missed, span: str, *, marked: bool = True
) -> Mapping[str, Strip]:
    """Give each service's strip by name; without a timeline there is none, never a made-up one."""
    if isinstance(timeline, Missed):
        return {}
    marks = _marks(_mappings(timeline.get("sessions"))) if marked else []
    lines = _mappings(timeline.get("agents"))
    return {str(line.get("agent_name")): _strip(line, marks, span) for line in lines}


def _strip(line: Document, marks: Sequence[tuple[str, datetime]], span: str) -> Strip:
    cells = _mappings(line.get("cells"))
    drawn = tuple((_classes(cell, marks), _words(cell)) for cell in cells)
    watched = sum(_share(cell) for cell in cells)
    bad = sum(1 for c in cells if c.get("watched") is True and c.get("expected") is not True)
    share = f"{100 * watched / len(cells):.0f} % watched" if cells else "nothing watched"
    return Strip(drawn, f"{span}: {share}, unexpected in {bad} of {len(cells)} parts")


def _classes(cell: Document, marks: Sequence[tuple[str, datetime]]) -> str:
    state = cell.get("state")
    known = cell.get("watched") is True and isinstance(state, str) and state in KNOWN
    look = str(state).lower().replace("_", "-") if known else "unseen"
    classes = [f"c-{look}"]
    if known and cell.get("reason_code") in ALARMS:
        classes.append("c-alarm")
    if known and cell.get("expected") is True:
        classes.append("calm")
    if known and _share(cell) < WHOLE:
        classes.append("partial")
    begin, end = instant_of(cell.get("begin")), instant_of(cell.get("end"))
    if begin is not None and end is not None:
        classes += [name for name, at in marks if begin <= at < end]
    return " ".join(dict.fromkeys(classes))


def _share(cell: Document) -> float:
    """Give the part of a cell that was watched, from 0 to 1; what cannot be read was not."""
    share = cell.get("watched_share")
    return min(1.0, max(0.0, float(share))) if isinstance(share, int | float) else 0.0


def _words(cell: Document) -> str:
    begin = cell.get("begin")
    if cell.get("watched") is not True:
        return f"{begin}: not watched"
    expected = "as expected" if cell.get("expected") is True else "UNEXPECTED"
    code = cell.get("reason_code")
    share = f", {100 * _share(cell):.0f} % watched" if _share(cell) < WHOLE else ""
    return f"{begin}: {cell.get('state')}, {expected}{f', {code}' if code else ''}{share}"


def _marks(sessions: Sequence[Document]) -> list[tuple[str, datetime]]:
    """Give where sessions open and close, to be marked."""
    found = list[tuple[str, datetime]]()
    for session in sessions:
        for name in ("open", "close"):
            at = instant_of(session.get(name))
            if at is not None:
                found.append((f"m-{name}", at))
    return found


def _mappings(value: object) -> Sequence[Document]:
    if not isinstance(value, list):
        return ()
    return [cast("Document", v) for v in cast("list[object]", value) if isinstance(v, Mapping)]


def instant_of(value: object) -> datetime | None:
    """Read an instant; None for anything that is none."""
    try:
        instant = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        return None
    return None if instant.tzinfo is None else instant
