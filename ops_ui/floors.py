"""
Floors: what other Mission Controls say of theirs, the worst first.

What is not sent, or not as expected, never looks well; nothing is summed over floors.
"""

# ruff: noqa: D101  (most classes are named as what they hold, and say no more)

from collections.abc import Mapping
from dataclasses import dataclass

from litestar import MediaType, Response, get
from litestar.datastructures import State

from ops_ui.answers import Count, Each, Flag, Inner, Labelled, Maybe, Number, Part, Text
from ops_ui.formats import GLYPHS, duration
from ops_ui.mission_control_client import Missed
from ops_ui.rendering import pages_of

PATH = "/floors"
_LOOKS = {"OK": "calm", "MARKET_CLOSED": "calm", "HALTED": "halted"}


class Leading(Part):
    code: Text
    sentence: Text


class LastSaid(Part):
    posture: Text
    severity: Text
    since: Text


class OtherFloor(Part):
    """A floor as it is known; one that is not said to be as expected is not."""

    name: Text
    link: Text
    state: Text
    expected: Flag
    severity: Text
    since: Text
    since_et: Text
    lasts_seconds: Number
    evidence_age_seconds: Number
    reason: Inner[Leading]
    replica: Text
    services: Count
    reasons: Count
    heard_at: Text
    last_said: Maybe[LastSaid]


class Floors(Labelled):
    ts: str
    floors: Each[OtherFloor]


@dataclass(frozen=True, slots=True)
class FloorRow:
    """One floor as it is shown; `look` is the end of a CSS class, `fared` its state in words."""

    floor: OtherFloor
    look: str
    glyph: str
    state: str
    fared: str
    lasts: str
    age: str
    href: str

    @property
    def well(self) -> bool:
        """Return whether it needs no look."""
        return self.look == "calm"


@dataclass(frozen=True, slots=True)
class FloorsView:
    """The floors, those that need a look and the others; `word` says how many of each state."""

    look: str
    glyph: str
    word: str
    counts: tuple[tuple[str, str, int], ...]
    wrong: tuple[FloorRow, ...]
    well: tuple[FloorRow, ...]


def see_floors(found: Floors) -> FloorsView:
    """Turn the answer into what the page shows; its order stays, which is the worst first."""
    rows = tuple(map(_row, found.floors))
    wrong = tuple(row for row in rows if not row.well)
    well = tuple(row for row in rows if row.well)
    counted = _counted(rows)
    counts = tuple((state, GLYPHS[state], counted[state]) for state in _STATES)
    if not rows:
        return FloorsView("warn", "○", "No other floor is listed", counts, (), ())
    if wrong:
        worst = wrong[0]
        word = f"{len(wrong)} of {len(rows)} need a look; the worst: {worst.floor.name or '?'}"
        return FloorsView("bad", worst.glyph, f"{word} {worst.state}", counts, wrong, well)
    return FloorsView("fine", "●", f"All {len(rows)} are as expected", counts, (), well)


_STATES = ("HALTED", "UNKNOWN", "MARKET_CLOSED", "OK")


def _counted(rows: tuple[FloorRow, ...]) -> Mapping[str, int]:
    return {state: sum(row.state == state for row in rows) for state in _STATES}


def _row(floor: OtherFloor) -> FloorRow:
    state = floor.state if floor.state in _LOOKS else "UNKNOWN"
    look, fared = _LOOKS.get(state, "unknown"), "as expected"
    if floor.expected is not True:
        look, fared = ("degraded" if look == "calm" else look), "UNEXPECTED"
    age = floor.evidence_age_seconds
    if look == "calm" and age is None:
        look, fared = "degraded", "of evidence of an unknown age"
    return FloorRow(
        floor,
        look,
        GLYPHS[state],
        state,
        fared,
        duration(floor.lasts_seconds) if floor.lasts_seconds is not None else "an unknown time",
        "unknown" if age is None else f"{age:.0f} s",
        floor.link if floor.link.startswith(("https://", "http://")) else "",
    )


@get(PATH, media_type=MediaType.HTML)
async def floors(state: State) -> Response[str]:
    """Show the other floors of this moment."""
    pages = pages_of(state)
    found = await pages.client.ask("/api/v1/floors", Floors)
    if isinstance(found, Missed):
        return await pages.missed(found, "? UNKNOWN: the other floors could not be read")
    return await pages.render("floors.html", view=see_floors(found), found=found)
