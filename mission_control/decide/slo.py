"""Decide: how well a service met its target, in the time that its target is about."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from enum import Enum

from mission_control.decide.evidence import MAX_AGE_SECONDS
from mission_control.decide.time_spans import add_up, join_spans, share
from mission_control.market_calendar.new_york import in_new_york, instant_of
from mission_control.model import codes
from mission_control.model.fleet import Agent, Kind, SloWindow
from mission_control.model.history import Attainment, Segment, Span, Watch
from mission_control.model.reading import UnseenReason
from mission_control.model.session import TradingDay

BUSINESS_BEGIN, BUSINESS_END = time(9), time(17)
_FRIDAY = 4


def window_spans(
    window: SloWindow, sessions: Iterable[TradingDay], since: datetime, until: datetime
) -> tuple[Span, ...]:
    """Give the stretches of a period that a target is about, in order."""
    if window is SloWindow.MONTH:
        return ((since, until),)
    if window is SloWindow.MARKET_HOURS:
        spans: Iterable[Span] = ((s.open, s.close) for s in sessions)
    else:
        spans = _business_hours(in_new_york(since).date(), in_new_york(until).date())
    cut = ((max(begin, since), min(end, until)) for begin, end in spans)
    return tuple((begin, end) for begin, end in cut if begin < end)


def attain(
    agent: Agent,
    segments: Sequence[Segment],
    spans: Iterable[Span],
    watches: Iterable[Watch],
    feed_lost: Sequence[Span] = (),
) -> Attainment:
    """
    Reckon what an agent attained in these spans; without a target its window is market hours.

    `feed_lost` is when marketdata was not as expected: then whoever says that its feed is stale
    only tells of it. Said at any other time it is the agent's own, and so is any other trouble.
    """
    total = 0.0
    seconds = dict.fromkeys(_Kind, 0.0)
    for begin, end in spans:
        total += (end - begin).total_seconds()
        for segment in segments:
            shared = share(((begin, end),), ((segment.begin, segment.end),))
            kind = _kind_of(agent, segment)
            length = add_up(shared).total_seconds()
            told = add_up(share(shared, feed_lost)).total_seconds() if kind is _Kind.FEED else 0.0
            seconds[_Kind.FEED] += told
            seconds[_Kind.BAD if kind is _Kind.FEED else kind] += length - told
    own = [w.agents[agent.agent_name] for w in watches if agent.agent_name in w.agents]
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
    )


def lost_feed(marketdata: Iterable[Sequence[Segment]]) -> tuple[Span, ...]:
    """
    Give the time in which any marketdata service was seen not as expected.

    Services are asked some seconds apart: one may tell of the feed before or after it does itself.
    """
    return join_spans(
        (s.begin - _APART, s.end + _APART)
        for segments in marketdata
        for s in segments
        if s.state is not None and not s.expected and s.reason_code not in _OUR_OWN
    )


class _Kind(Enum):
    GOOD = "good"
    BAD = "bad"
    FEED = "feed"
    UNSEEN = "unseen"


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
    """Give the window of an agent's target; market hours where it has none."""
    return agent.slo.window if agent.slo else SloWindow.MARKET_HOURS


def _business_hours(first: date, last: date) -> Iterator[Span]:
    """Give Monday to Friday, 09:00 to 17:00 in New York."""
    on = first
    while on <= last:
        if on.weekday() <= _FRIDAY:
            yield instant_of(on, BUSINESS_BEGIN), instant_of(on, BUSINESS_END)
        on += timedelta(days=1)
