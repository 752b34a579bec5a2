"""Arithmetic of stretches of time; all are sorted, and none touches the next."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from mission_control.history.model import Span


def join_spans(spans: Iterable[Span], apart: timedelta = timedelta()) -> tuple[Span, ...]:
    """Join stretches that overlap, touch, or lie at most so far apart."""
    joined = list[Span]()
    for begin, end in sorted(spans):
        if joined and begin - joined[-1][1] <= apart:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return tuple(joined)


def share(one: Sequence[Span], other: Sequence[Span]) -> tuple[Span, ...]:
    """Give the time that lies in both."""
    found = list[Span]()
    i = j = 0
    while i < len(one) and j < len(other):
        begin, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if begin < end:
            found.append((begin, end))
        if one[i][1] <= other[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


def leave_out(spans: Sequence[Span], since: datetime, until: datetime) -> tuple[Span, ...]:
    """Give the time between two instants that lies in none of these."""
    found = list[Span]()
    reached = since
    for begin, end in share(spans, ((since, until),)):
        if begin > reached:
            found.append((reached, begin))
        reached = end
    if reached < until:
        found.append((reached, until))
    return tuple(found)


def add_up(spans: Iterable[Span]) -> timedelta:
    """Give how long they are together."""
    return sum((end - begin for begin, end in spans), timedelta())
