"""Where the time machine leads from a page: the posture's change before, the one after, now."""

from dataclasses import dataclass
from urllib.parse import urlencode

from ops_ui.answers import Labelled, Maybe, Part, Text
from ops_ui.formats import clock_short, new_york_input
from ops_ui.mission_control_client import Missed, MissionControlClient

_GLYPHS = {"OK": "●", "MARKET_CLOSED": "◐", "HALTED": "■"}


class _Change(Part):
    at: Text
    after: Text


class _Changes(Labelled):
    at: str
    previous: Maybe[_Change]
    next: Maybe[_Change]


@dataclass(frozen=True, slots=True)
class Step:
    """One step in time: the `at` that it leads to, and in words what the posture became then."""

    at: str
    words: str


@dataclass(frozen=True, slots=True)
class TimeMachine:
    """
    What the control offers: `shown` is the instant of the page as a form has it, in New York.

    `at` is what was asked for, empty for the present. `missed` says why no step is known.
    """

    at: str
    shown: str
    previous: Step | None = None
    next: Step | None = None
    missed: str = ""


async def ask_time_machine(client: MissionControlClient, at: str = "") -> TimeMachine:
    """Ask which changes lie beside an instant; empty for the present."""
    query = f"?{urlencode({'at': at})}" if at else ""
    found = await client.ask(f"/api/v1/posture/changes{query}", _Changes)
    if isinstance(found, Missed):
        return TimeMachine(at, "", missed=found.told or found.detail)
    return TimeMachine(
        at, new_york_input(found.at), _step(found.previous, found.at), _step(found.next, found.at)
    )


def _step(change: _Change | None, beside: str) -> Step | None:
    if change is None or not change.at:
        return None
    word = change.after.replace("_", " ") or "UNKNOWN"
    glyph = _GLYPHS.get(change.after, "?")
    return Step(change.at, f"{glyph} {word} {clock_short(change.at, beside)}")
