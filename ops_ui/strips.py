"""What a service's state was over time, as the timeline has it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ops_ui.answers import Line, Span, Timeline
from ops_ui.formats import clock_short, instant_of
from ops_ui.mission_control_client import Missed

DAY_STEP, MONTH_STEP = 1_800, 43_200
"""Seconds of one cell: half an hour in a day's strip, half a day in a month's."""

_WHOLE = 0.98
"""A cell of which so much was watched is drawn without a gap."""

ALARMS = frozenset({"EXECUTION_EVIDENCE", "FRESHNESS_GATE_FALSE_POSITIVE"})
"""Sev-0 whatever state goes with it: an execution process that runs is no quiet OFFLINE."""
KNOWN = frozenset({"OK", "MARKET_CLOSED", "HALTED", "DEGRADED", "OFFLINE", "UNKNOWN"})


@dataclass(frozen=True, slots=True)
class Strip:
    """Cells, oldest first, as CSS classes with what each says in words; and the whole in words."""

    cells: tuple[tuple[str, str], ...]
    words: str


def missing_strip(timeline: Timeline | Missed) -> Strip:
    """Return what is shown where a timeline holds nothing of a service: no history, or not read."""
    return Strip((), "history not read" if isinstance(timeline, Missed) else "no history")


def strips_of(
    timeline: Timeline | Missed, span: str, *, marked: bool = True
) -> Mapping[str, Strip]:
    """Return each service's strip by name; without a timeline there is none."""
    if isinstance(timeline, Missed):
        return {}
    marks = _marks(timeline) if marked else ()
    return {line.agent_name: _strip(line, marks, span) for line in timeline.agents}


def _strip(line: Line, marks: Sequence[tuple[str, datetime]], span: str) -> Strip:
    cells = line.cells
    watched = sum(_share(cell) for cell in cells)
    bad = sum(1 for c in cells if c.watched is True and c.expected is not True)
    share = f"{100 * watched / len(cells):.0f} % watched" if cells else "nothing watched"
    return Strip(
        tuple((_classes(cell, marks), _words(cell)) for cell in cells),
        f"{span}: {share}, unexpected in {bad} of {len(cells)} parts",
    )


def _classes(cell: Span, marks: Sequence[tuple[str, datetime]]) -> str:
    known = cell.watched is True and cell.state in KNOWN
    classes = [f"c-{cell.state.lower().replace('_', '-')}" if known else "c-unseen"]
    if known and cell.reason_code in ALARMS:
        classes.append("c-alarm")
    if known and cell.expected is True:
        classes.append("calm")
    if known and _share(cell) < _WHOLE:
        classes.append("partial")
    begin, end = instant_of(cell.begin), instant_of(cell.end)
    if begin is not None and end is not None:
        classes += [name for name, at in marks if begin <= at < end]
    return " ".join(dict.fromkeys(classes))


def _share(cell: Span) -> float:
    """Return the part of a cell that was watched, from 0 to 1; what cannot be read was not."""
    return min(1.0, max(0.0, cell.watched_share or 0.0))


def _words(cell: Span) -> str:
    if cell.watched is not True:
        return f"{clock_short(cell.begin)}: not watched"
    expected = "as expected" if cell.expected is True else "UNEXPECTED"
    code = f", {cell.reason_code}" if cell.reason_code else ""
    share = f", {100 * _share(cell):.0f} % watched" if _share(cell) < _WHOLE else ""
    return f"{clock_short(cell.begin)}: {cell.state}, {expected}{code}{share}"


def _marks(timeline: Timeline) -> Sequence[tuple[str, datetime]]:
    """Return where sessions open and close, to be marked."""
    bounds = [b for s in timeline.sessions for b in (("m-open", s.open), ("m-close", s.close))]
    return [(name, at) for name, text in bounds if (at := instant_of(text)) is not None]
