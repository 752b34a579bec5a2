"""Decide: what each source told over a session, cut to what was watched, and every gap."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import TypeVar

from mission_control.decide.time_spans import add_up, join_spans, leave_out, share
from mission_control.model.history import Span
from mission_control.model.no_execution import (
    Fact,
    FactCoverage,
    Matter,
    ObservedMatter,
    ObservedSource,
    ObservedSpan,
    UnobservedSpan,
)
from mission_control.model.session import TradingDay

NOBODY_WATCHED = "nobody watched the floor"

S = TypeVar("S", ObservedSpan, UnobservedSpan)
Lines = Mapping[tuple[Matter, str], Sequence[ObservedSpan]]


def draw_matters(
    lines: Lines, required: Collection[Matter], watched: Sequence[Span], session: TradingDay
) -> tuple[ObservedMatter, ...]:
    """Give every matter with what each of its sources told, by matter and source, sorted."""
    by_matter = dict[Matter, list[ObservedSource]]()
    for matter, source in sorted(lines):
        spans = tuple(_draw(lines[matter, source], watched, session))
        by_matter.setdefault(matter, []).append(ObservedSource(source, spans))
    return tuple(
        _matter(matter, tuple(sources), session, required=matter in required)
        for matter, sources in sorted(by_matter.items())
    )


def _draw(
    spans: Sequence[ObservedSpan], watched: Sequence[Span], session: TradingDay
) -> Iterator[ObservedSpan]:
    """Give what a source told while somebody watched, and gaps where nobody did."""
    unwatched = leave_out(watched, session.open, session.close)
    cut = [
        *(ObservedSpan(b, e, None, NOBODY_WATCHED) for b, e in unwatched),
        *(
            ObservedSpan(b, e, each.value, each.unobserved)
            for each in spans
            for b, e in share((each.span,), watched)
        ),
    ]
    yield from _join(sorted(cut, key=lambda s: s.since))


def _join(spans: Iterable[S]) -> list[S]:
    """Make one of neighbours that tell the same."""
    joined = list[S]()
    for each in spans:
        last = joined[-1] if joined and joined[-1].until == each.since else None
        if last is not None and replace(last, since=each.since, until=each.until) == each:
            joined[-1] = replace(last, until=each.until)
        else:
            joined.append(each)
    return joined


def _matter(
    matter: Matter, sources: tuple[ObservedSource, ...], session: TradingDay, *, required: bool
) -> ObservedMatter:
    told = [s.span for source in sources for s in source.spans if s.value is not None]
    observed = join_spans(told)
    missing = leave_out(observed, session.open, session.close)
    gaps = tuple(
        ObservedSpan(begin, end, None, each.unobserved)
        for each in sources[0].spans
        for begin, end in share((each.span,), missing)
    )
    return ObservedMatter(matter, required, sources, gaps, add_up(observed))


def find_gaps(matters: Sequence[ObservedMatter], session: TradingDay) -> Iterator[UnobservedSpan]:
    """
    Give every stretch in which something required was not seen, in order, and what it was.

    Nothing required at all leaves the whole session unseen.
    """
    required = [m for m in matters if m.required]
    if not required:
        yield UnobservedSpan(session.open, session.close, (), NOBODY_WATCHED)
        return
    yield from _join(_missing_at_once(required))


def _missing_at_once(required: Iterable[ObservedMatter]) -> Iterator[UnobservedSpan]:
    """Give each stretch between two turns in which something is missing, and all of that."""
    turns = dict[datetime, list[tuple[Matter, str | None]]]()
    for each in required:
        for gap in each.gaps:
            turns.setdefault(gap.until, []).insert(0, (each.matter, None))
            turns.setdefault(gap.since, []).append((each.matter, gap.unobserved))
    missing = dict[Matter, str]()
    for begin, end in pairwise(sorted(turns)):
        for matter, why in turns[begin]:
            missing.pop(matter, None)
            if why is not None:
                missing[matter] = why
        if missing:
            matters = tuple(sorted(missing))
            yield UnobservedSpan(begin, end, matters, missing[matters[0]])


def measure_facts(matters: Sequence[ObservedMatter], session: TradingDay) -> Iterator[FactCoverage]:
    """Say for each fact for how long all that is required of it was seen at once."""
    for fact in Fact:
        required = [m for m in matters if m.required and m.matter.fact is fact]
        missing = join_spans(g.span for m in required for g in m.gaps)
        whole = session.close - session.open
        yield FactCoverage(fact, len(required), whole - add_up(missing) if required else whole * 0)
