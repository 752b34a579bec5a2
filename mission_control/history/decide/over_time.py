"""How services were over time, and what they attained."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from enum import Enum

from mission_control.contract.model.shapes import ServiceState
from mission_control.floor.decide.evidence import MAX_AGE_SECONDS
from mission_control.floor.decide.stall import NO_STALL, find_decided
from mission_control.floor.model import Verdict
from mission_control.history.model import (
    AgentWatch,
    AttainedDay,
    Attainment,
    Cell,
    PostureSpan,
    Segment,
    ServiceChange,
    Span,
    Watch,
    WatchedMinute,
    WholeWindow,
    add_up,
    join_spans,
    leave_out,
    share,
)
from mission_control.market_calendar.days import in_new_york, instant_of
from mission_control.model import codes
from mission_control.model.codes import NOT_YET_ASKED
from mission_control.model.fleet import Agent, ContractKind, Kind, SloWindow
from mission_control.model.reading import UnseenReason
from mission_control.model.session import TradingDay

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

    One in which nothing was asked, but the floor was decided, was not watched. Of one in which
    something was asked, only the time in which the floor was decided was: a process that is stopped
    looks at nothing. A minute that was stored without this counts as watched whole.
    """
    minutes = list(minutes)
    decided = find_decided(minutes)
    whole = list[Span]()
    spans = dict[str, list[Span]]()
    counts = dict[str, tuple[int, int]]()
    for each in minutes:
        if not each.counts:
            continue
        watched = _watched(each, decided)
        for span in watched:
            _join(whole, span)
        for name, (asked, obtained) in each.counts.items():
            own = spans.setdefault(name, [])
            for span in watched if asked else ():
                _join(own, span)
            before = counts.get(name, (0, 0))
            counts[name] = (before[0] + asked, before[1] + obtained)
    agents = {
        name: AgentWatch(tuple(spans.get(name, ())), asked, obtained)
        for name, (asked, obtained) in counts.items()
    }
    return Watch(tuple(whole), agents)


def _watched(minute: WatchedMinute, decided: Sequence[Span]) -> Sequence[Span]:
    """Return the part of a minute in which the floor was decided; all of it if that is unknown."""
    whole = (minute.minute, minute.minute + MINUTE)
    if minute.decided is None:
        return (whole,)
    first = bisect_right(decided, whole[0], key=lambda span: span[1])
    return share((whole,), decided[first:])


def watched_spans(
    agent: Agent, watches: Iterable[Watch], since: datetime, until: datetime
) -> tuple[Span, ...]:
    """
    Return the stretches in which an agent was watched, oldest first, joined and cut.

    One that is never asked by configuration was watched while anything was.
    """
    if agent.contract is ContractKind.NONE:
        return floor_spans(watches, since, until)
    own = (w.agents[agent.agent_name].spans for w in watches if agent.agent_name in w.agents)
    return _joined(own, since, until)


def floor_spans(watches: Iterable[Watch], since: datetime, until: datetime) -> tuple[Span, ...]:
    """Return the stretches in which the floor was watched at all, oldest first, joined and cut."""
    return _joined((w.whole for w in watches), since, until)


def _joined(
    stretches: Iterable[Iterable[Span]], since: datetime, until: datetime
) -> tuple[Span, ...]:
    """Join and cut; what is shorter than a stall is no gap, nor is it at either end."""
    joined = list[Span]()
    for begin, end in (span for spans in stretches for span in spans):
        if max(begin, since) < min(end, until):
            _join(joined, (max(begin, since), min(end, until)))
    if joined and joined[0][0] - since <= NO_STALL:
        joined[0] = (since, joined[0][1])
    if joined and until - joined[-1][1] <= NO_STALL:
        joined[-1] = (joined[-1][0], until)
    return tuple(joined)


def _join(spans: list[Span], span: Span) -> None:
    """Add a stretch; less than a stall after the one before it belongs to that."""
    if spans and span[0] - spans[-1][1] <= NO_STALL:
        spans[-1] = (spans[-1][0], max(spans[-1][1], span[1]))
    else:
        spans.append(span)


def gaps_between(spans: Iterable[Span], since: datetime, until: datetime) -> tuple[Span, ...]:
    """Return the stretches between two instants that no span covers; spans come oldest first."""
    gaps, reached = list[Span](), since
    for begin, end in spans:
        if min(begin, until) > reached:
            gaps.append((reached, min(begin, until)))
        reached = max(reached, end)
    return (*gaps, (reached, until)) if reached < until else tuple(gaps)


def draw_postures(
    ends: tuple[Verdict | None, Verdict | None],
    changes: Iterable[tuple[datetime, object, object]],
    unwatched: Iterable[Span],
    since: datetime,
    until: datetime,
) -> tuple[PostureSpan, ...]:
    """
    Return the floor's posture between two instants, without a hole and without overlap.

    `ends` are the postures as decided at both instants, `changes` those in between with what
    each says was before and after, oldest first. A stretch is known where both of its ends say
    the same: a change that does not begin with what the one before ended with follows one that
    was lost. Where several processes watch one floor each tells each change, within a minute.
    """
    spans = list[PostureSpan]()
    began, held, newest = since, ends[0], None
    for at, before, after in changes:
        if (before, after) != newest or at - began > MINUTE:
            spans.append(PostureSpan(began, at, held if before == held else None))
            began, held, newest = at, _verdict(after), (before, after)
    spans.append(PostureSpan(began, until, held if ends[1] == held else None))
    gaps = tuple(unwatched)
    pieces = [p for span in spans if span.begin < span.end for p in _without(span, gaps)]
    return tuple(sorted(pieces, key=lambda p: p.begin))


def _verdict(value: object) -> Verdict | None:
    return next((v for v in Verdict if v.value == value), None)


def _without(span: PostureSpan, gaps: Sequence[Span]) -> Iterator[PostureSpan]:
    """Yield a stretch in pieces: those in gaps are not known."""
    whole = ((span.begin, span.end),)
    yield from (PostureSpan(b, e, None) for b, e in share(gaps, whole))
    for begin, end in leave_out(gaps, span.begin, span.end):
        yield PostureSpan(begin, end, span.verdict)


def doubt_lost_changes(
    told: Sequence[tuple[ServiceChange, ServiceState | None]],
) -> tuple[ServiceChange, ...]:
    """
    Return changes, each `lost` where the next one did not begin with what it ended with.

    `told` are changes with what each says was before, None for a start, which says nothing of it.
    Several processes that watch one floor tell a change within a minute: none was lost then.
    """
    followed = (*told[1:], (None, None))  # the newest is followed by nothing
    return tuple(
        replace(change, lost=_was_lost(change, before, *following))
        for (change, before), following in zip(told, followed, strict=False)
    )


def _was_lost(
    change: ServiceChange,
    before: ServiceState | None,
    following: ServiceChange | None,
    said: ServiceState | None,
) -> bool:
    if following is None or said is None or said is change.state:
        return False
    repeated = (before, change.state) == (said, following.state)
    return not repeated or following.at - change.at > MINUTE


def draw_timeline(
    changes: Sequence[ServiceChange], watched: Iterable[Span], since: datetime, until: datetime
) -> tuple[Segment, ...]:
    """
    Return the segments of one service between two instants, without a hole and without overlap.

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
    if known is None or known.lost or known.reason_code == NOT_YET_ASKED:
        return Segment(begin, end, None)  # we had just started, and knew nothing of it
    return Segment(begin, end, known.state, known.expected, known.reason_code)


def worst_by_step(
    segments: Sequence[Segment], since: datetime, until: datetime, step: timedelta
) -> tuple[Cell, ...]:
    """
    Return one cell for each step of time: the worst that was seen in it, and how much was.

    Unexpected is worse than expected. A gap hides nothing that was seen beside it, and shows
    in the share that was watched.
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


BUSINESS_BEGIN, BUSINESS_END = time(9), time(17)
_FRIDAY = 4


def window_spans(
    window: SloWindow, sessions: Iterable[TradingDay], since: datetime, until: datetime
) -> tuple[Span, ...]:
    """Return the stretches of a period that a target is about, in order."""
    if window is SloWindow.MONTH:
        return ((since, until),)
    if window is SloWindow.MARKET_HOURS:
        spans: Iterable[Span] = ((s.open, s.close) for s in sessions)
    else:
        spans = _business_hours(in_new_york(since).date(), in_new_york(until).date())
    cut = ((max(begin, since), min(end, until)) for begin, end in spans)
    return tuple((begin, end) for begin, end in cut if begin < end)


class _Kind(Enum):
    GOOD = "good"
    BAD = "bad"
    FEED = "feed"
    UNSEEN = "unseen"


def attain(
    agent: Agent,
    segments: Sequence[Segment],
    spans: Iterable[Span],
    watches: Iterable[Watch],
    feed_lost: Sequence[Span] = (),
    whole: WholeWindow | None = None,
) -> Attainment:
    """
    Reckon what an agent attained in these spans; without a target its window is market hours.

    `feed_lost` is when marketdata was not as expected: then an agent that says that
    its feed is stale only reports it. Said at any other time it is the agent's own trouble, as any
    other is.
    """
    spans = tuple(spans)
    by_day = _reckon(agent, segments, spans, feed_lost)
    total = add_up(spans).total_seconds()
    own = [w.agents[agent.agent_name] for w in watches if agent.agent_name in w.agents]
    seconds = {kind: sum(day[kind] for day in by_day.values()) for kind in _Kind}
    counted = seconds[_Kind.GOOD] + seconds[_Kind.BAD] + seconds[_Kind.FEED]
    return Attainment(
        agent_name=agent.agent_name,
        window=window_of(agent),
        target=agent.slo.target if agent.slo else None,
        total_seconds=total,
        good_seconds=seconds[_Kind.GOOD],
        bad_seconds=seconds[_Kind.BAD],
        unobserved_seconds=max(0.0, total - counted),
        asked=sum(watch.asked for watch in own),
        obtained=sum(watch.obtained for watch in own),
        dependency_seconds=seconds[_Kind.FEED],
        days=tuple(
            AttainedDay(on, day[_Kind.GOOD], day[_Kind.BAD], day[_Kind.UNSEEN])
            for on, day in sorted(by_day.items())
        ),
        whole=whole,
    )


def _reckon(
    agent: Agent, segments: Sequence[Segment], spans: Iterable[Span], feed_lost: Sequence[Span]
) -> Mapping[date, Mapping[_Kind, float]]:
    """Return the seconds of each kind, day by day; segments come in order, without a hole."""
    by_day = dict[date, dict[_Kind, float]]()
    begins = [segment.begin for segment in segments]
    for begin, end in spans:
        first = max(0, bisect_right(begins, begin) - 1)
        for segment in segments[first : bisect_left(begins, end)]:
            kind = _kind_of(agent, segment)
            for day, piece in _by_day(share(((begin, end),), ((segment.begin, segment.end),))):
                length = add_up((piece,)).total_seconds()
                feed = add_up(share((piece,), feed_lost)) if kind is _Kind.FEED else timedelta()
                seconds = by_day.setdefault(day, dict.fromkeys(_Kind, 0.0))
                seconds[_Kind.FEED] += feed.total_seconds()
                own = _Kind.BAD if kind is _Kind.FEED else kind
                seconds[own] += length - feed.total_seconds()
    return by_day


def _by_day(spans: Iterable[Span]) -> Iterator[tuple[date, Span]]:
    """Cut stretches at New York's midnights."""
    for begin, end in spans:
        reached = begin
        while reached < end:
            day = in_new_york(reached).date()
            until = min(end, instant_of(day + timedelta(days=1), time()))
            yield day, (reached, until)
            reached = until


def whole_window(
    agent: Agent, sessions: Sequence[TradingDay], since: datetime, until: datetime, began: datetime
) -> WholeWindow:
    """Return what a period holds for an agent's target, when the record began at `began`."""
    seconds = add_up(window_spans(window_of(agent), sessions, since, until)).total_seconds()
    watched = sum(1 for session in sessions if max(session.open, since) >= began)
    return WholeWindow(seconds, len(sessions), watched)


def lost_feed(marketdata: Iterable[Sequence[Segment]]) -> tuple[Span, ...]:
    """
    Return the time in which any marketdata service was seen not as expected.

    Services are asked some seconds apart: one may report the feed before or after it does itself.
    """
    return join_spans(
        (s.begin - _APART, s.end + _APART)
        for segments in marketdata
        for s in segments
        if s.state is not None and not s.expected and s.reason_code not in _OUR_OWN
    )


_OUR_OWN = frozenset(
    {
        codes.NOT_YET_ASKED,
        codes.WORKLOAD_UNSEEN,
        codes.POLL_LOOP_STALLED,
        UnseenReason.EXPIRED.value,
    }
)
"""What we did not see, as after a start of ours: no service answers for it."""
_APART = timedelta(seconds=MAX_AGE_SECONDS)
_FEED = frozenset({codes.MARKETDATA_STALE, codes.MARKETDATA_MISSING})


def _kind_of(agent: Agent, segment: Segment) -> _Kind:
    if segment.state is None:
        return _Kind.UNSEEN
    if segment.expected:
        return _Kind.GOOD
    if segment.reason_code in _OUR_OWN:
        return _Kind.UNSEEN
    feeds = agent.kind is Kind.MARKETDATA
    return _Kind.FEED if segment.reason_code in _FEED and not feeds else _Kind.BAD


def window_of(agent: Agent) -> SloWindow:
    """Return the window of an agent's target; market hours where it has none."""
    return agent.slo.window if agent.slo else SloWindow.MARKET_HOURS


def _business_hours(first: date, last: date) -> Iterator[Span]:
    """Return Monday to Friday, 09:00 to 17:00 in New York."""
    on = first
    while on <= last:
        if on.weekday() <= _FRIDAY:
            yield instant_of(on, BUSINESS_BEGIN), instant_of(on, BUSINESS_END)
        on += timedelta(days=1)
