"""An attested session as lanes, one for each fact, with gaps and signs of execution. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ops_ui.formats import NEW_YORK, clock_short, instant_of
from ops_ui.record_answers import Attestation, Matter, Sign, Unseen
from ops_ui.ribbon import Mark, Scale, Stretch

MOST_STRETCHES = 300
_HALF_HOUR = timedelta(minutes=30)
_LEAST = 0.25
"""The width, in percent, that a moment is drawn with at least: it would not be seen else."""
_NAMES = {
    "agent_mode": "Agent modes",
    "execution_replicas": "Execution replicas",
    "kill_switch": "Kill switch",
    "safe_to_execute_orders": "Orders allowed",
    "standing_accusations": "Latched alarms known",
}


@dataclass(frozen=True, slots=True)
class Lane:
    """One fact over the session; what is in neither list was seen, and harmless."""

    name: str
    note: str
    gaps: tuple[Stretch, ...]
    signs: tuple[Stretch, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Lanes:
    """Every required fact over a session, with the hours of New York."""

    hours: tuple[Mark, ...]
    lanes: tuple[Lane, ...]
    cut: bool


def see_lanes(held: Attestation) -> Lanes | None:
    """Draw an attestation; None where its session cannot be read, or nothing is required."""
    begin, end = instant_of(held.open), instant_of(held.close)
    facts = [f for f in held.facts if isinstance(f.required, int) and f.required > 0]
    if begin is None or end is None or begin >= end or not facts:
        return None
    scale = Scale(begin, end)
    lanes = list[Lane]()
    cut = False
    for fact in facts:
        own = [m for m in held.matters if m.fact == fact.fact and m.required is True]
        gaps = _joined(_gaps(own), scale)
        signs = tuple(_signs(held.signs or (), fact.fact, scale))
        cut = cut or len(gaps) > MOST_STRETCHES or len(signs) > MOST_STRETCHES
        words = f"{fact.observed_percent} % seen, {len(gaps)} gaps, {len(signs)} signs of execution"
        lanes.append(
            Lane(
                _NAMES.get(fact.fact, fact.fact.replace("_", " ")),
                f"{fact.observed_percent} %",
                tuple(_stretch(b, e, scale, "gap", "not seen") for b, e in gaps[:MOST_STRETCHES]),
                signs[:MOST_STRETCHES],
                words,
            )
        )
    return Lanes(tuple(_hours(scale)), tuple(lanes), cut)


def _gaps(matters: Iterable[Matter]) -> Iterator[Unseen]:
    return (gap for matter in matters for gap in matter.gaps)


def _joined(gaps: Iterable[Unseen], scale: Scale) -> Sequence[tuple[datetime, datetime]]:
    """Join what overlaps; a gap whose end is not known reaches to the close."""
    read = ((instant_of(g.since) or scale.begin, instant_of(g.until) or scale.end) for g in gaps)
    joined = list[tuple[datetime, datetime]]()
    for begin, end in sorted(read):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def _signs(signs: Iterable[Sign], fact: str, scale: Scale) -> Iterator[Stretch]:
    for sign in signs:
        if sign.fact == fact or (not sign.fact and fact == "agent_mode"):
            begin = instant_of(sign.opened) or scale.begin
            end = instant_of(sign.closed) or scale.end
            yield _stretch(begin, end, scale, "sign", f"{sign.code} {sign.subject}")


def _stretch(begin: datetime, end: datetime, scale: Scale, look: str, what: str) -> Stretch:
    x = scale.place(begin)
    width = max(_LEAST, scale.place(end) - x)
    told = f"{clock_short(begin.isoformat())} to {clock_short(end.isoformat())}: {what}"
    return Stretch(min(x, 100.0 - width), round(width, 3), look, told)


def _hours(scale: Scale) -> Iterator[Mark]:
    at = scale.begin
    while at <= scale.end:
        x = scale.place(at)
        edge = "start" if x < 1 else "end" if x > 99 else "middle"  # noqa: PLR2004  (percent)
        yield Mark(x, f"{at.astimezone(NEW_YORK):%H:%M}", anchor=edge)
        at += 2 * _HALF_HOUR
