"""What each channel is to be told now: a reconciliation of what was decided with what it took."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from mission_control.alerts.deliver.model import (
    Answer,
    Channel,
    ChannelHealth,
    Message,
    Pace,
    Tried,
)
from mission_control.alerts.model import Acknowledged, Alert, AlertBook, AlertState
from mission_control.model import codes
from mission_control.model.finding import Reason, Severity

Taken = Mapping[str, AlertState]
"""The state of each alert that one channel took last, by fingerprint."""

MOST_AT_ONCE = 64
"""So many alerts are sent in one message at most."""
ALONE_AFTER = 3
"""An alert that failed so often in a row is sent alone, and after those that did not."""
LONGEST_WAIT_SECONDS = 60.0
"""A channel that asks for more patience is asked again nevertheless."""
FAILING_SECONDS = 60.0
"""A channel that fails for a shorter time is no reason yet."""


def wanted_state(alert: Alert, taken: AlertState | None) -> AlertState | None:
    """
    Return the state that a channel should know an alert to be in; None where it needs no word.

    What went out once is held up until it resolves, also while it is withheld: to end it earlier
    would say that it is over. Its resolve goes to every channel (docs/semantics.md#R11.1).
    """
    if alert.state is AlertState.FIRING and (alert.pages or alert.paged):
        return AlertState.FIRING
    if alert.state is AlertState.RESOLVED and (alert.paged or taken is AlertState.FIRING):
        return AlertState.RESOLVED
    return None


def is_settled(
    alert: Alert,
    channels: Iterable[Channel],
    acknowledged: Acknowledged,
    now: datetime,
    pace: Pace,
) -> bool:
    """
    Return whether a resolved alert may be forgotten: every channel that is configured took it.

    A channel that forgets by itself may lose a resolve before it told it on, so it is told for a
    while.
    """
    again = timedelta(seconds=pace.resolve_again_seconds)
    for channel in channels:
        taken = acknowledged.get(channel.name, {}).get(alert.fingerprint)
        if wanted_state(alert, taken) is None:
            continue
        lately = alert.resolved_at is not None and now - alert.resolved_at < again
        if taken is not AlertState.RESOLVED or (channel.forgets and lately):
            return False
    return True


def decide_messages(
    channel: Channel, book: AlertBook, taken: Taken, tried: Mapping[str, Tried], tick: float
) -> tuple[Message, ...]:
    """
    Return what a channel is to be told now, the most urgent first.

    P0 comes first; what failed again and again comes after what did not, so that one bad alert
    holds up no other. `tick` is now in monotonic seconds.
    """
    due = [
        (state, alert)
        for alert in sorted(book.alerts, key=lambda a: a.order)
        if (state := wanted_state(alert, taken.get(alert.fingerprint))) is not None
        and _is_due(channel, alert, state, taken, tried, tick)
    ]
    parts = dict[tuple[AlertState, str, int], list[Alert]]()
    for number, (state, alert) in enumerate(due):
        alone = _failures(alert, state, tried) >= ALONE_AFTER
        root = alert.fingerprint if alone else _part_of(channel, alert, number)
        parts.setdefault((state, root, alone), []).append(alert)
    messages = [
        Message(state, tuple(_root_first(alerts)), _dependents(book, alerts))
        for (state, _, _), alerts in parts.items()
    ]
    return tuple(sorted(messages, key=lambda m: _urgency(m, tried)))


def _is_due(
    channel: Channel,
    alert: Alert,
    state: AlertState,
    taken: Taken,
    tried: Mapping[str, Tried],
    tick: float,
) -> bool:
    if taken.get(alert.fingerprint) is state and not channel.forgets:
        return False
    last = tried.get(alert.fingerprint)
    return last is None or last.state is not state or tick >= last.due


def _failures(alert: Alert, state: AlertState, tried: Mapping[str, Tried]) -> int:
    last = tried.get(alert.fingerprint)
    return last.failures if last is not None and last.state is state else 0


def _part_of(channel: Channel, alert: Alert, number: int) -> str:
    """Return what an alert is sent together with: its root cause, or whatever else is due."""
    return str(number // MOST_AT_ONCE) if channel.forgets else alert.cause or alert.fingerprint


def _root_first(alerts: Sequence[Alert]) -> Sequence[Alert]:
    return sorted(alerts, key=lambda a: bool(a.cause))


def _dependents(book: AlertBook, alerts: Sequence[Alert]) -> tuple[Alert, ...]:
    """Return those that fire because of these, and are withheld for it."""
    told = {a.fingerprint for a in alerts}
    return tuple(
        a
        for a in sorted(book.alerts, key=lambda a: a.order)
        if a.cause in told and a.withheld and a.state is AlertState.FIRING
    )


def _urgency(message: Message, tried: Mapping[str, Tried]) -> tuple[bool, int, datetime]:
    failed = any(_failures(a, message.state, tried) >= ALONE_AFTER for a in message.alerts)
    return (failed, message.severity.rank, message.alerts[0].since)


def next_due(
    channel: Channel, book: AlertBook, taken: Taken, tried: Mapping[str, Tried]
) -> float | None:
    """Return when a channel is to be told something next, in monotonic seconds; None for never."""
    waiting = [
        last.due
        for alert in book.alerts
        if (state := wanted_state(alert, taken.get(alert.fingerprint))) is not None
        and (last := tried.get(alert.fingerprint)) is not None
        and last.state is state
        and not (taken.get(alert.fingerprint) is state and not channel.forgets)
    ]
    return min(waiting, default=None)


def note_answer(
    state: AlertState, before: Tried | None, answer: Answer, tick: float, chance: float, pace: Pace
) -> Tried:
    """
    Return what is remembered of an attempt, and so when the next one is.

    `chance`, from 0 to 1, spreads the attempts of many replicas and alerts.
    """
    if answer.delivered:
        return Tried(state, 0, tick + pace.renew_seconds, answer.text)
    failures = 1 + (before.failures if before is not None and before.state is state else 0)
    wait = max(
        retry_seconds(failures, chance, pace), min(answer.wait_seconds, LONGEST_WAIT_SECONDS)
    )
    return Tried(state, failures, tick + wait, answer.text)


def retry_seconds(failures: int, chance: float, pace: Pace) -> float:
    """
    Return the pause before the next attempt: doubled with each failure up to a limit, and spread.

    A dead letter is tried slowly, and never given up while its state has to be known.
    """
    doubled = pace.retry_seconds * 2.0 ** min(failures - 1, 16)
    longest = min(doubled, pace.retry_most_seconds)
    pause = pace.dead_seconds if failures >= pace.dead_after else longest
    return pause * (0.5 + chance / 2)


def try_again(tried: Mapping[str, Tried], tick: float) -> dict[str, Tried]:
    """Return the memory of a channel that answers again: what failed meanwhile is due at once."""
    return {
        key: replace(last, due=tick) if last.failures and last.due > tick else last
        for key, last in tried.items()
    }


def judge_channel(
    before: ChannelHealth, book: AlertBook, taken: Taken, tried: Mapping[str, Tried], pace: Pace
) -> ChannelHealth:
    """Return how a channel fares, with what it has still to be told."""
    waiting = [
        (alert, state)
        for alert in sorted(book.alerts, key=lambda a: a.order)
        if (state := wanted_state(alert, taken.get(alert.fingerprint))) is not None
        and taken.get(alert.fingerprint) is not state
    ]
    dead = (a for a, state in waiting if _failures(a, state, tried) >= pace.dead_after)
    return replace(
        before,
        waiting=tuple(a.fingerprint for a, _ in waiting),
        dead_letters=tuple(a.fingerprint for a in dead),
        worst=waiting[0][0].severity if waiting else None,
    )


def note_health(before: ChannelHealth, answer: Answer, now: datetime) -> ChannelHealth:
    """Return how a channel fares after an answer; one that refuses one alert does not fail."""
    if answer.delivered:
        return replace(before, delivered_at=now, failing_since=None, failures=0, answer=answer.text)
    if answer.refused:
        return replace(before, failing_since=None, failures=0, answer=answer.text)
    since = before.failing_since or now
    return replace(before, failing_since=since, failures=before.failures + 1, answer=answer.text)


def delivery_reasons(healths: Sequence[ChannelHealth], now: datetime) -> Iterator[Reason]:
    """
    Say which channels do not take what they are sent (docs/semantics.md#R11.3).

    P1 where no channel for people is left that does, P2 where another one still works. It halts
    nothing: a floor needs no page to be safe.
    """
    failing = [h for h in healths if _fails(h, now)]
    left = [h for h in healths if not _fails(h, now) and h.channel.method == "POST"]
    for health in failing:
        alone = not left and health.channel.method == "POST"
        severity = Severity.P1 if alone else Severity.P2
        yield Reason(
            codes.DELIVERY_FAILING,
            health.channel.name,
            severity,
            _failing_text(health),
            since=health.failing_since,
        )


def _fails(health: ChannelHealth, now: datetime) -> bool:
    if health.dead_letters:
        return True
    since = health.failing_since
    return since is not None and now - since >= timedelta(seconds=FAILING_SECONDS)


def _failing_text(health: ChannelHealth) -> str:
    told = f"{health.channel.address}: {health.answer or 'no answer yet'}"
    if health.waiting:
        told += f"; alerts that it has not taken: {len(health.waiting)}, worst {health.worst}"
    if health.dead_letters:
        told += f", dead letters: {len(health.dead_letters)}"
    return told
