"""Decide: how a service was over time. What was not watched is a gap, never drawn through."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from mission_control.model.codes import NOT_YET_ASKED
from mission_control.model.fleet import Agent, ContractKind
from mission_control.model.history import (
    AgentWatch,
    Cell,
    Segment,
    ServiceChange,
    Span,
    Watch,
    WatchedMinute,
)
from mission_control.model.status_contract.rich import ServiceState

MINUTE = timedelta(minutes=1)
_WORST_LAST = (
    ServiceState.OK,
    ServiceState.MARKET_CLOSED,
    ServiceState.DEGRADED,
    ServiceState.OFFLINE,
    ServiceState.UNKNOWN,
    ServiceState.HALTED,
)


def summarise(minutes: Iterable[WatchedMinute]) -> Watch:
    """
    Join watched minutes, which come oldest first, into stretches, for all and by service.

    One in which nobody was asked, but somebody decided, was not watched.
    """
    anybody = list[Span]()
    spans = dict[str, list[Span]]()
    counts = dict[str, tuple[int, int]]()
    for each in minutes:
        if not each.counts:
            continue
        span = (each.minute, each.minute + MINUTE)
        _join(anybody, span)
        for name, (asked, obtained) in each.counts.items():
            if asked:
                _join(spans.setdefault(name, []), span)
            before = counts.get(name, (0, 0))
            counts[name] = (before[0] + asked, before[1] + obtained)
    agents = {
        name: AgentWatch(tuple(spans.get(name, ())), asked, obtained)
        for name, (asked, obtained) in counts.items()
    }
    return Watch(tuple(anybody), agents)


def watched_spans(
    agent: Agent, watches: Iterable[Watch], since: datetime, until: datetime
) -> tuple[Span, ...]:
    """
    Give the stretches in which an agent was watched, oldest first, joined and cut.

    One that is never asked by configuration was watched while anybody was.
    """
    joined = list[Span]()
    for watch in watches:
        own = watch.agents.get(agent.agent_name)
        silent = agent.contract is ContractKind.NONE
        for begin, end in watch.anybody if silent else own.spans if own else ():
            cut = (max(begin, since), min(end, until))
            if cut[0] < cut[1]:
                _join(joined, cut)
    return tuple(joined)


def _join(spans: list[Span], span: Span) -> None:
    if spans and spans[-1][1] >= span[0]:
        spans[-1] = (spans[-1][0], max(spans[-1][1], span[1]))
    else:
        spans.append(span)


def gaps_between(spans: Iterable[Span], since: datetime, until: datetime) -> tuple[Span, ...]:
    """Give the stretches between two instants that no span covers; spans come oldest first."""
    gaps, reached = list[Span](), since
    for begin, end in spans:
        if min(begin, until) > reached:
            gaps.append((reached, min(begin, until)))
        reached = max(reached, end)
    return (*gaps, (reached, until)) if reached < until else tuple(gaps)


def draw_timeline(
    changes: Sequence[ServiceChange], watched: Iterable[Span], since: datetime, until: datetime
) -> tuple[Segment, ...]:
    """
    Give the segments of one service between two instants, without a hole and without overlap.

    `changes` are its own, oldest first; before the first of them nothing is known of it.
    """
    segments = list[Segment]()
    for each in _draw(changes, watched, since, until):
        last = segments[-1] if segments else None
        if last is not None and replace(each, begin=last.begin, end=last.end) == last:
            segments[-1] = replace(last, end=each.end)
        else:
            segments.append(each)
    return tuple(segments)


def _draw(
    changes: Sequence[ServiceChange], watched: Iterable[Span], since: datetime, until: datetime
) -> Iterator[Segment]:
    reached = since
    for begin, end in watched:
        if begin > reached:
            yield Segment(reached, begin, None)
        yield from _states(changes, begin, end)
        reached = end
    if reached < until:
        yield Segment(reached, until, None)


def _states(changes: Sequence[ServiceChange], begin: datetime, end: datetime) -> Iterator[Segment]:
    known: ServiceChange | None = None
    at = begin
    for change in changes:
        if change.at >= end:
            break
        if change.at > at:
            yield _segment(at, change.at, known)
            at = change.at
        known = change
    yield _segment(at, end, known)


def _segment(begin: datetime, end: datetime, known: ServiceChange | None) -> Segment:
    if known is None or known.reason_code == NOT_YET_ASKED:
        return Segment(begin, end, None)  # we had just started, and knew nothing of it
    return Segment(begin, end, known.state, known.expected, known.reason_code)


def worst_by_step(
    segments: Sequence[Segment], since: datetime, until: datetime, step: timedelta
) -> tuple[Cell, ...]:
    """
    Give one cell for each step of time: the worst that was seen in it, and how much was.

    Unexpected is worse than expected. A gap hides nothing that was seen beside it, and is told
    by the share that was watched.
    """
    cells = list[Cell]()
    begin = since
    while begin < until:
        end = min(begin + step, until)
        cells.append(_cell([s for s in segments if s.begin < end and s.end > begin], begin, end))
        begin = end
    return tuple(cells)


def _cell(segments: Sequence[Segment], begin: datetime, end: datetime) -> Cell:
    watched = [s for s in segments if s.state is not None]
    if not watched:
        return Cell(begin, end, None, expected=False, reason_code="", share=0.0)
    seconds = sum((min(s.end, end) - max(s.begin, begin)).total_seconds() for s in watched)
    share = seconds / (end - begin).total_seconds()
    worst = max(watched, key=_badness)
    return Cell(begin, end, worst.state, worst.expected, worst.reason_code, share)


def _badness(segment: Segment) -> tuple[bool, int]:
    return (not segment.expected, _WORST_LAST.index(segment.state or ServiceState.UNKNOWN))
