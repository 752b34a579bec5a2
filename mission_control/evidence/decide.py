"""The posture from instant to instant and minute by minute, and what a bundle lacks. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from mission_control.evidence.model import (
    ChangeLine,
    PartCoverage,
    PostureMinute,
    PostureSegment,
    Wanted,
)
from mission_control.floor.model import Verdict
from mission_control.history.model import Span, leave_out, share

NOT_WATCHED = "NOT_WATCHED"
MINUTE = timedelta(minutes=1)


def draw_posture(
    lines: Sequence[ChangeLine], unwatched: Sequence[Span], wanted: Wanted
) -> tuple[PostureSegment, ...]:
    """
    Return the posture between two instants, without a hole and without overlap.

    `lines` come oldest first. What was not watched is no posture, whatever was known before it
    (docs/semantics.md#R12.31).
    """
    watched = leave_out(unwatched, wanted.since, wanted.until)
    known = [s for line in _held(lines, wanted) for s in _cut(line, watched)]
    gaps = leave_out([(s.begin, s.end) for s in known], wanted.since, wanted.until)
    blind = [PostureSegment(begin, end, NOT_WATCHED) for begin, end in gaps]
    return tuple(sorted([*known, *blind], key=lambda s: s.begin))


def _held(lines: Sequence[ChangeLine], wanted: Wanted) -> Iterable[tuple[Span, ChangeLine]]:
    """Return for how long each decision held: until the next was made."""
    ends = [line.at for line in lines[1:]] + [wanted.until]
    for line, end in zip(lines, ends, strict=False):
        yield (max(line.at, wanted.since), end), line


def _cut(held: tuple[Span, ChangeLine], watched: Sequence[Span]) -> Iterable[PostureSegment]:
    span, line = held
    for begin, end in share((span,), watched):
        told = (line.posture, line.severity, line.codes, line.path, line.equal)
        yield PostureSegment(begin, end, *told)


def worst_by_minute(
    segments: Sequence[PostureSegment], since: datetime, until: datetime
) -> tuple[PostureMinute, ...]:
    """
    Return each minute between two instants with the worst posture in it.

    One that was not watched whole is no better than what was seen, and says how much that is; of
    one in which nothing was seen nothing is known.
    """
    minutes = list[PostureMinute]()
    ends = [s.end for s in segments]
    begin = since - timedelta(seconds=since.second, microseconds=since.microsecond)
    while begin < until:
        first, end = max(begin, since), min(begin + MINUTE, until)
        within = list[PostureSegment]()
        for segment in segments[bisect_right(ends, first) :]:
            if segment.begin >= end:
                break
            within.append(segment)
        minutes.append(_minute(begin, within, first, end))
        begin += MINUTE
    return tuple(minutes)


def _minute(
    minute: datetime, within: Sequence[PostureSegment], first: datetime, end: datetime
) -> PostureMinute:
    seen = [s for s in within if s.posture != NOT_WATCHED]
    lengths = [(min(s.end, end) - max(s.begin, first)).total_seconds() for s in seen]
    worst = max((Verdict(s.posture) for s in seen), key=lambda v: v.rank, default=None)
    return PostureMinute(minute, worst.value if worst else NOT_WATCHED, sum(lengths))


def say_coverage(coverage: Sequence[PartCoverage]) -> str:
    """Say first what a bundle lacks: which sources could not be read, and which have gaps."""
    unread = [c.source for c in coverage if c.expected is None]
    gaps = [c.source for c in coverage if c.expected is not None and not c.whole]
    if not unread and not gaps:
        return f"Nothing is missing: all {len(coverage)} sources are whole."
    told = list[str]()
    if unread:
        told.append(f"NOT READ: {', '.join(unread)}")
    if gaps:
        told.append(f"WITH GAPS: {', '.join(gaps)}")
    return f"{'; '.join(told)} (of {len(coverage)} sources)."
