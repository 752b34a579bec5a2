"""Decide: how well a service met its target, in the time that its target is about."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta

from mission_control.market_calendar.new_york import in_new_york, instant_of
from mission_control.model.fleet import Agent, SloWindow
from mission_control.model.history import Attainment, Segment, Span, Watch
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
) -> Attainment:
    """Reckon what an agent attained in these spans; without a target its window is market hours."""
    total = good = bad = 0.0
    for begin, end in spans:
        total += (end - begin).total_seconds()
        for segment in segments:
            shared = (min(segment.end, end) - max(segment.begin, begin)).total_seconds()
            if shared <= 0 or segment.state is None:
                continue
            if segment.expected:
                good += shared
            else:
                bad += shared
    own = [w.agents[agent.agent_name] for w in watches if agent.agent_name in w.agents]
    return Attainment(
        agent_name=agent.agent_name,
        window=window_of(agent),
        target=agent.slo.target if agent.slo else None,
        total_seconds=total,
        good_seconds=good,
        bad_seconds=bad,
        unobserved_seconds=max(0.0, total - good - bad),
        asked=sum(watch.asked for watch in own),
        obtained=sum(watch.obtained for watch in own),
    )


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
