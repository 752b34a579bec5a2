"""What each channel is to be told now: a reconciliation of what was decided with what it took."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mission_control.alerts.deliver.model import (
    PACE,
    Answer,
    Channel,
    ChannelHealth,
    Message,
    Pace,
    Tried,
    TwinHeard,
)
from mission_control.alerts.model import Acknowledged, Alert, AlertBook, AlertState
from mission_control.contract.model.shapes import MAX_LIST, ToldAlert
from mission_control.floor.decide.troubles import read_twin
from mission_control.floor.decide.twin import is_foreign
from mission_control.floor.model import FloorSnapshot, ServiceReport
from mission_control.model import codes
from mission_control.model.finding import Reason, Severity
from mission_control.model.fleet import Agent
from mission_control.model.reading import Unseen, UnseenReason

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

    The end of what went out is told to every channel, and to each that took it
    (docs/semantics.md#R15.1).
    """
    return alert.told or (AlertState.RESOLVED if taken is AlertState.FIRING else None)


def resolved_lately(alert: Alert, now: datetime, pace: Pace) -> bool:
    """Return whether a channel that forgets is still to be told of a resolve that it took."""
    again = timedelta(seconds=pace.resolve_again_seconds)
    return alert.resolved_at is not None and now - alert.resolved_at < again


def surely_taken(
    channel: Channel, book: AlertBook, taken: Taken, now: datetime, pace: Pace
) -> Taken:
    """
    Return what a channel took for good, from which follows what may leave the book.

    One that forgets may lose a resolve before it told it on, so that is sent for a while.
    """
    lately = {a.fingerprint for a in book.alerts if resolved_lately(a, now, pace)}
    return {
        key: state
        for key, state in taken.items()
        if not (channel.forgets and state is AlertState.RESOLVED and key in lately)
    }


TAKES_OVER_SECONDS = 60.0
"""What the twin should have told a channel, and did not for so long, we tell."""


@dataclass(frozen=True, slots=True)
class Known:
    """
    What is known of one channel: what it took, and how it went lately.

    `twin` is what is known of the other one that watches, None where there is none, at `now`.
    """

    channel: Channel
    taken: Taken
    tried: Mapping[str, Tried]
    pace: Pace = PACE
    twin: TwinHeard | None = None
    now: datetime | None = None


def waits_for_twin(
    channel: Channel, alert: Alert, state: AlertState, twin: TwinHeard, now: datetime
) -> bool:
    """
    Return whether a channel is not told of an alert yet, because of the twin.

    A resolve waits while the twin says that the alert fires, or was not heard. A channel that does
    not deduplicate is told by the first named; by the other after a minute in which the twin was
    silent, or did not tell it.
    """
    shared = not channel.forgets
    resolves = state is AlertState.RESOLVED
    if twin.silent_since is None and twin.firing is None:
        return shared or resolves
    if twin.silent_since is None and resolves:
        fires = twin.firing is not None and alert.fingerprint in twin.firing
        if fires or twin.more:
            return True
    if not shared or twin.first:
        return False
    if twin.silent_since is None and channel.name not in twin.channels:
        return False
    since = alert.resolved_at if resolves else alert.paged_at
    return not (_is_over(twin.silent_since, now) or _is_over(since, now))


def _is_over(since: datetime | None, now: datetime) -> bool:
    return since is not None and now - since >= timedelta(seconds=TAKES_OVER_SECONDS)


_NOT_ASKED = frozenset({UnseenReason.NOT_YET_ASKED, UnseenReason.OWN_STALL})
"""Why a twin may not have been heard although it is well."""


def is_first(replica: str, twin: Agent) -> bool:
    """Return whether we are the first named of the two: the one whose name sorts first."""
    return replica < twin.agent_name


def hear_twin(before: TwinHeard | None, snapshot: FloorSnapshot, replica: str) -> TwinHeard | None:
    """
    Return what delivery knows of the twin after a decision of the floor; None where there is none.

    A twin whose scheduler alone
    has stalled tells its alerts. What a channel took from a twin that no longer lists the alert,
    and goes on since it was heard, is over there.
    """
    twin = snapshot.fleet.twin
    report = snapshot.service(twin.agent_name) if twin is not None else None
    if twin is None or report is None:
        return None
    held = before or TwinHeard(is_first(replica, twin))
    told = read_twin(report.readings.get(twin.primary_path or ""))
    tells = report.expected or report.reported_codes == (codes.SCHEDULER_STALLED,)
    if told is None or told.alerts is None or not tells or is_foreign(told, snapshot.fleet):
        return _hear_silence(held, report, snapshot.at)
    listed = {alert.fingerprint for alert in told.alerts}
    heard = dict[str, dict[str, AlertState]]()
    goes_on = held.started == told.started_utc and not told.more_alerts
    for name, taken in held.told.items():
        heard[name] = {
            key: AlertState.RESOLVED if goes_on else state
            for key, state in taken.items()
            if key not in listed
        }
    for alert in told.alerts:
        state = AlertState.FIRING if alert.firing else AlertState.RESOLVED
        for name in alert.told:
            heard.setdefault(name, {})[alert.fingerprint] = state
    return TwinHeard(
        held.first,
        None,
        frozenset(a.fingerprint for a in told.alerts if a.firing),
        bool(told.more_alerts),
        frozenset(told.channels),
        heard,
        told.started_utc,
    )


def _hear_silence(held: TwinHeard, report: ServiceReport, now: datetime) -> TwinHeard:
    """Keep what was told before; the silence begins when it is sure."""
    primary = report.readings.get(report.agent.primary_path or "")
    unasked = primary is None or (isinstance(primary, Unseen) and primary.reason in _NOT_ASKED)
    sure = not unasked and all(r.confirmed for r in report.reasons[:1])
    if not sure or held.silent_since is not None:
        return held
    return replace(held, silent_since=now)


def forget_told(heard: TwinHeard, book: AlertBook) -> TwinHeard:
    """Return what is known of the twin without what it told of alerts that are over here."""
    known = {a.fingerprint for a in book.alerts} | (heard.firing or frozenset())
    told = {
        name: {key: state for key, state in taken.items() if key in known}
        for name, taken in heard.told.items()
    }
    return replace(heard, told=told)


def told_alerts(book: AlertBook, acknowledged: Acknowledged) -> tuple[ToldAlert, ...]:
    """
    Return the alerts of which channels are told, and which of these channels took that.

    Those that fire come first, then the worst: where there is no room, what is over is left out.
    """
    told = [
        ToldAlert(
            fingerprint=alert.fingerprint,
            firing=alert.told is AlertState.FIRING,
            told=tuple(
                name
                for name, taken in sorted(acknowledged.items())
                if taken.get(alert.fingerprint) is alert.told
            )[:MAX_LIST],
        )
        for alert in sorted(book.alerts, key=lambda a: a.order)
        if alert.told is not None
    ]
    return tuple(sorted(told, key=lambda alert: not alert.firing))


def decide_messages(known: Known, book: AlertBook, tick: float) -> tuple[Message, ...]:
    """
    Return what a channel is to be told now, the most urgent first.

    P0 comes first; what failed again and again comes after what did not, so that one bad alert
    holds up no other. `tick` is now in monotonic seconds.
    """
    due = [
        (state, alert)
        for alert, state in _to_tell(known, book)
        if (last := _last(known, alert, state)) is None or tick >= last.due
    ]
    parts = dict[tuple[AlertState, str, int], list[Alert]]()
    for number, (state, alert) in enumerate(due):
        alone = _failures(known, alert, state) >= ALONE_AFTER
        root = alert.fingerprint if alone else _part_of(known.channel, alert, number)
        parts.setdefault((state, root, alone), []).append(alert)
    messages = [
        Message(state, tuple(_root_first(alerts)), _dependents(book, alerts))
        for (state, _, _), alerts in parts.items()
    ]
    return tuple(sorted(messages, key=lambda m: _urgency(known, m)))


def _to_tell(known: Known, book: AlertBook) -> Iterator[tuple[Alert, AlertState]]:
    """Yield what a channel has not taken yet, and what it would forget, worst first."""
    for alert in sorted(book.alerts, key=lambda a: a.order):
        taken = known.taken.get(alert.fingerprint)
        state = wanted_state(alert, taken)
        if state is None or _waits(known, alert, state):
            continue
        ends = state is AlertState.FIRING or resolved_lately(alert, book.at, known.pace)
        if taken is not state or (known.channel.forgets and ends):
            yield alert, state


def _waits(known: Known, alert: Alert, state: AlertState) -> bool:
    if known.twin is None or known.now is None:
        return False
    return waits_for_twin(known.channel, alert, state, known.twin, known.now)


def _last(known: Known, alert: Alert, state: AlertState) -> Tried | None:
    last = known.tried.get(alert.fingerprint)
    return last if last is not None and last.state is state else None


def _failures(known: Known, alert: Alert, state: AlertState) -> int:
    last = _last(known, alert, state)
    return last.failures if last is not None else 0


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


def _urgency(known: Known, message: Message) -> tuple[bool, int, datetime]:
    failed = any(_failures(known, a, message.state) >= ALONE_AFTER for a in message.alerts)
    return (failed, message.severity.rank, message.alerts[0].since)


def next_due(known: Known, book: AlertBook) -> float | None:
    """Return when a channel is to be told something next, in monotonic seconds; None for never."""
    told = (_last(known, alert, state) for alert, state in _to_tell(known, book))
    return min((last.due for last in told if last is not None), default=None)


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


def judge_channel(known: Known, before: ChannelHealth, book: AlertBook) -> ChannelHealth:
    """Return how a channel fares, with what it has still to be told."""
    waiting = [
        (alert, state)
        for alert, state in _to_tell(known, book)
        if known.taken.get(alert.fingerprint) is not state
    ]
    most = known.pace.dead_after
    return replace(
        before,
        waiting=tuple(a.fingerprint for a, _ in waiting),
        dead_letters=tuple(
            a.fingerprint for a, state in waiting if _failures(known, a, state) >= most
        ),
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
    Say which channels do not take what they are sent (docs/semantics.md#R15.4).

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
