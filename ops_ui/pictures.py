"""
Pictures as values: what is drawn where, and what each part says in words. Pure.

Places across are percentages of the width, so that a picture fits any screen and its text stays
as large as the page's; places down are pixels. Beside each colour there is a glyph or a pattern.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import quote

from ops_ui.answers import Agent, Attained, Opening
from ops_ui.formats import NEW_YORK, duration, instant_of
from ops_ui.ribbon import Mark, Scale, Stretch
from ops_ui.schedule import RunRow
from ops_ui.service_rows import shown_state

MOST_NODES = 400
"""A floor with more services has a table and no map."""
_ROW, _BOX = 66, 50
_TOP = 8
_WIDE = 80.0
"""So much of a column is the box; the rest is room for lines."""


@dataclass(frozen=True, slots=True)
class Node:
    """One service on the map; `column` counts from what needs nothing."""

    name: str
    state: str
    look: str
    glyph: str
    second: str
    words: str
    href: str
    column: int
    x: float
    y: int

    @property
    def middle(self) -> int:
        """Return how far down its middle is."""
        return self.y + _BOX // 2


@dataclass(frozen=True, slots=True)
class Edge:
    """A line from a service to what it needs: right, then down or up, then right again."""

    x1: float
    y1: int
    x2: float
    y2: int
    bad: bool

    @property
    def bend(self) -> float:
        """Return where across the line goes down or up."""
        return round((self.x1 + self.x2) / 2, 2)


@dataclass(frozen=True, slots=True)
class FloorMap:
    """
    Who needs whom; `alone` need nothing, and nothing needs them.

    `outside` is what services wait for that is no service, as the cluster, and how many do.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    alone: tuple[Node, ...]
    width: float
    height: int
    columns: int
    words: str
    outside: tuple[tuple[str, int], ...] = ()
    too_many: bool = False


def see_map(agents: Sequence[Agent], focus: str = "") -> FloorMap:
    """
    Draw who needs whom; around `focus` alone where one is named.

    What a service needs and the inventory does not list is drawn as unknown.
    """
    known = {a.agent_name: a for a in agents}
    needs = {a.agent_name: tuple(dict.fromkeys(a.depends_on)) for a in agents}
    if focus:
        near = {focus, *needs.get(focus, ())} | {n for n, d in needs.items() if focus in d}
        needs = {n: tuple(d for d in needs.get(n, ()) if focus in {n, d}) for n in near}
    named = {*needs, *(d for each in needs.values() for d in each)}
    if len(named) > MOST_NODES:
        return FloorMap((), (), (), 0, 0, 0, "", too_many=True)
    tied = {n for n, each in needs.items() if each} | {d for each in needs.values() for d in each}
    columns = _columns(tied, needs)
    count = max(columns.values(), default=0) + 1
    width = round(_WIDE / count, 3)
    placed = dict[str, Node]()
    for column in range(count):
        names = sorted(
            (n for n in tied if columns[n] == column),
            key=lambda n: (_beside(n, needs, placed), n),  # not by state: no box moves
        )
        for row, name in enumerate(names):
            x = 0.0 if count == 1 else column * (100 - width) / (count - 1)
            y = _TOP + row * _ROW
            placed[name] = _node(name, known.get(name), column, round(x, 3), y)
    alone = sorted(named - tied, key=lambda n: (_rank(known.get(n)), n))
    edges = [_edge(n, d, placed, width) for n in sorted(tied) for d in needs.get(n, ())]
    return FloorMap(
        tuple(placed.values()),
        tuple(sorted(edges, key=lambda e: e.bad)),
        tuple(_node(n, known.get(n), 0, 0.0, 0) for n in alone),
        width,
        max((n.y for n in placed.values()), default=0) + _BOX + _TOP,
        count,
        _map_words(needs),
        _outside(agents, known),
    )


def _outside(agents: Sequence[Agent], known: Mapping[str, Agent]) -> tuple[tuple[str, int], ...]:
    causes = Counter(a.waits_for for a in agents if a.waits_for and a.waits_for not in known)
    return tuple(sorted((str(cause), count) for cause, count in causes.items()))


def _columns(tied: Iterable[str], needs: Mapping[str, Sequence[str]]) -> Mapping[str, int]:
    """Return how far each is from what needs nothing; a circle of needs is cut."""
    found = dict[str, int]()

    def column(name: str, above: frozenset[str]) -> int:
        if name not in found:
            below = [d for d in needs.get(name, ()) if d not in above and d != name]
            found[name] = max((1 + column(d, above | {name}) for d in below), default=0)
        return found[name]

    for name in sorted(tied):
        column(name, frozenset())
    return found


def _beside(name: str, needs: Mapping[str, Sequence[str]], placed: Mapping[str, Node]) -> float:
    rows = [placed[d].y for d in needs.get(name, ()) if d in placed]
    return sum(rows) / len(rows) if rows else 0.0


_RANKS = {"bad": 0, "warn": 1, "unlisted": 2, "calm": 3}


def _rank(agent: Agent | None) -> int:
    return _RANKS[_look(agent)]


def _look(agent: Agent | None) -> str:
    if agent is None:
        return "unlisted"
    if agent.expected is True:
        return "calm"
    return "warn" if agent.waits_for or agent.state in {"DEGRADED", "OK"} else "bad"


def _node(name: str, agent: Agent | None, column: int, x: float, y: int) -> Node:
    look = _look(agent)
    if agent is None:
        words = f"{name}: not in the inventory"
        return Node(name, "", look, "?", "not in the inventory", words, "", column, x, y)
    (state, glyph), expected = shown_state(agent), agent.expected is True
    second = f"{state} · {'as expected' if expected else 'UNEXPECTED'}"
    if agent.waits_for:
        second = f"{state} · waits for {agent.waits_for}"
    why = f", waits for {agent.waits_for}" if agent.waits_for else ""
    code = f", {agent.reasons[0].code}" if agent.reasons and agent.reasons[0].code else ""
    words = f"{name}: {state}, {'as expected' if expected else 'unexpected'}{code}{why}"
    href = f"/service/{quote(name, safe='')}"
    return Node(name, state, look, glyph, second, words, href, column, x, y)


def _edge(name: str, needed: str, placed: Mapping[str, Node], width: float) -> Edge:
    here, there = placed[name], placed[needed]
    left, right = (there, here) if there.column <= here.column else (here, there)
    bad = there.look != "calm"
    return Edge(round(left.x + width, 3), left.middle, right.x, right.middle, bad)


def _map_words(needs: Mapping[str, Sequence[str]]) -> str:
    told = [f"{n} needs {', '.join(d)}" for n, d in sorted(needs.items()) if d]
    return "; ".join(told) or "no service needs another by the inventory"


@dataclass(frozen=True, slots=True)
class PlacedRun:
    """A planned run in the picture of its day: where it lies, and in which row its label fits."""

    row: RunRow
    x: float
    label: str
    y: int
    anchor: str


@dataclass(frozen=True, slots=True)
class DayPicture:
    """A day in New York with its session, its runs, its samples, and where now is."""

    hours: tuple[Mark, ...]
    open: Stretch | None
    bounds: tuple[Mark, ...]
    runs: tuple[PlacedRun, ...]
    samples: tuple[Mark, ...]
    now: float | None
    height: int
    words: str


_HOUR = timedelta(hours=1)
_FIRST, _LAST = time(5), time(21)
_CHARACTER = 0.72
"""A character of a label takes so much of the narrowest picture's width, in percent."""
_RUNS_AT, _LABELS_AT, _LABEL = 84, 116, 18


def see_picture(
    on: str, at: str, session: Opening | None, runs: Sequence[RunRow], samples: Sequence[RunRow]
) -> DayPicture | None:
    """Draw the plan of a day (New York's, `on`); None where that is not readable as a day."""
    try:
        day = date.fromisoformat(on)
    except ValueError:
        return None
    begin, end = (datetime.combine(day, each, NEW_YORK) for each in (_FIRST, _LAST))
    read = (instant_of(run.planned_at) for run in runs)
    times = [t for t in read if t is not None and t.astimezone(NEW_YORK).date() == day]
    scale = Scale(
        min([begin, *(t - _HOUR for t in times)]), max([end, *(t + _HOUR for t in times)])
    )
    now, placed = instant_of(at), tuple(_place(runs, scale))
    deepest = max((p.y for p in placed), default=_LABELS_AT)
    return DayPicture(
        tuple(_hours(scale)),
        _session(session, scale),
        tuple(_bounds(session, scale)),
        placed,
        tuple(_samples(samples, scale)),
        scale.place(now) if now is not None and scale.holds(now) else None,
        deepest + 12,
        "; ".join(f"{p.label}: {p.row.word}" for p in placed) or "nothing is planned",
    )


def _hours(scale: Scale) -> Iterator[Mark]:
    at = scale.begin.replace(minute=0, second=0, microsecond=0)
    while at <= scale.end:
        local = at.astimezone(NEW_YORK)
        if at >= scale.begin and local.hour % 2 == 1:
            x = scale.place(at)
            edge = "start" if x < 1 else "end" if x > 99 else "middle"  # noqa: PLR2004  (percent)
            yield Mark(x, f"{local:%H:%M}", anchor=edge)
        at += _HOUR


def _session(session: Opening | None, scale: Scale) -> Stretch | None:
    begin, end = _ends(session)
    if begin is None or end is None:
        return None
    x = scale.place(begin)
    return Stretch(x, round(scale.place(end) - x, 3), "open", "the market's session")


def _ends(session: Opening | None) -> tuple[datetime | None, datetime | None]:
    return (instant_of(session.open), instant_of(session.close)) if session else (None, None)


def _bounds(session: Opening | None, scale: Scale) -> Iterator[Mark]:
    for word, at in zip(("open", "close"), _ends(session), strict=True):
        if at is not None:
            yield Mark(scale.place(at), f"{word} {at.astimezone(NEW_YORK):%H:%M}")


def _place(runs: Sequence[RunRow], scale: Scale) -> Iterator[PlacedRun]:
    """Put each label into the first row in which it does not lie upon another."""
    reached = list[float]()
    for row in sorted(runs, key=lambda r: r.planned_at):
        at = instant_of(row.planned_at)
        if at is None or not scale.holds(at):
            continue
        x = scale.place(at)
        label = f"{at.astimezone(NEW_YORK):%H:%M} {row.title}{_found(row)}"
        room = _CHARACTER * len(label)
        anchor = "end" if x + room > 100 else "start"  # noqa: PLR2004  (percent)
        left = x - room if anchor == "end" else x
        line = next((n for n, right in enumerate(reached) if right < left), len(reached))
        reached[line : line + 1] = [left + room + 1]
        yield PlacedRun(row, x, label, _LABELS_AT + line * _LABEL, anchor)


def _found(row: RunRow) -> str:
    """Return what a run found, where that is short: GO, NO-GO with its code, GOOD."""
    short = row.detail in {"GO", "GOOD"} or row.detail.startswith("NO-GO")
    return f": {row.detail[:40]}" if short else f": {row.word}" if row.bad else ""


def _samples(samples: Sequence[RunRow], scale: Scale) -> Iterator[Mark]:
    for row in samples:
        at = instant_of(row.planned_at)
        if at is not None and scale.holds(at):
            words = f"{at.astimezone(NEW_YORK):%H:%M} {row.title}: {row.word}"
            yield Mark(scale.place(at), "", words, row.look, row.glyph)


@dataclass(frozen=True, slots=True)
class BurnDay:
    """One of the last 30 days of a target; `height` is the share of the column that is bad."""

    x: float
    look: str
    height: int
    words: str


@dataclass(frozen=True, slots=True)
class Burn:
    """
    How much of a budget is spent: shares of the whole window's budget, in percent.

    `bad` was spent by the service, `unseen` by what was not watched; both are cut at 100.
    """

    bad: float
    unseen: float
    overspent: bool
    words: str
    days: tuple[BurnDay, ...]
    days_words: str


BURN_DAYS, _COLUMN = 30, 30


def see_burn(service: Attained, until: str) -> Burn:
    """Draw the budget of a target and its last 30 days up to an instant."""
    budget = service.window_budget_seconds
    bad, unseen = service.bad_seconds or 0.0, service.unobserved_seconds or 0.0
    words = "no target, so no budget"
    parts = (0.0, 0.0)
    if budget is not None and budget > 0:
        parts = (100 * bad / budget, 100 * unseen / budget)
        words = f"{sum(parts):.0f} % of {duration(budget)} spent"
        words += f": {duration(bad)} unexpected, {duration(unseen)} not watched"
    shown = min(parts[0], 100.0)
    days = tuple(_burn_days(service, until))
    worse = sum(1 for d in days if d.look in {"bad", "part"})
    seen = sum(1 for d in days if d.look != "none")
    return Burn(
        round(shown, 2),
        round(min(parts[1], 100.0 - shown), 2),
        sum(parts) > 100,  # noqa: PLR2004  (percent)
        words,
        days,
        f"last {BURN_DAYS} days: {seen} with a window, {worse} {_below(service)}",
    )


def _below(service: Attained) -> str:
    return "of them not whole" if service.target is None else "of them below the target"


def _burn_days(service: Attained, until: str) -> Iterator[BurnDay]:
    """Return a column for each day, oldest first; a day without a window has none."""
    end = instant_of(until)
    last = end.astimezone(NEW_YORK).date() if end is not None else None
    known = {day.on: day for day in service.days}
    target = service.target if service.target is not None else 100.0
    for number in range(BURN_DAYS):
        x = round(100 * number / BURN_DAYS, 3)
        on = "" if last is None else (last - timedelta(days=BURN_DAYS - 1 - number)).isoformat()
        day = known.get(on)
        if day is None or day.attained is None:
            yield BurnDay(x, "none", 0, f"{on}: nothing in its window")
            continue
        bad, unseen = day.bad_seconds or 0.0, day.unobserved_seconds or 0.0
        words = f"{on}: {day.attained:.3f} %, {duration(bad)} unexpected"
        words += f", {duration(unseen)} not watched"
        look = "good" if day.attained >= target else "bad" if bad >= unseen else "part"
        lost = max(0.0, min(100.0, 100.0 - day.attained))
        yield BurnDay(x, look, 0 if look == "good" else max(6, round(_COLUMN * lost / 100)), words)
