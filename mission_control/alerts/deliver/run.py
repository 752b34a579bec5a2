"""Delivery: every channel is told what it should know, again and again until it took it."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import NoReturn

from mission_control.alerts.deliver.decide import (
    Known,
    decide_messages,
    forget_told,
    hear_twin,
    judge_channel,
    next_due,
    note_answer,
    note_health,
    surely_taken,
    try_again,
)
from mission_control.alerts.deliver.http_channels import AlertmanagerSender, Sender
from mission_control.alerts.deliver.model import (
    PACE,
    Answer,
    Channel,
    ChannelHealth,
    Message,
    Pace,
    Reached,
    Tried,
    TwinHeard,
)
from mission_control.alerts.deliver.posting import Address
from mission_control.alerts.deliver.present import TEST
from mission_control.alerts.model import (
    Acknowledged,
    Alert,
    AlertBook,
    AlertState,
    Delivery,
    fingerprint_of,
)
from mission_control.alerts.store import AlertStore
from mission_control.errors import StorageError
from mission_control.floor.model import FloorSnapshot
from mission_control.model.clock import Clock
from mission_control.model.codes import DELIVERY_FAILING
from mission_control.model.finding import Severity

log = logging.getLogger(__name__)

AT_ONCE = 8
"""So many messages to one channel are under way at once."""
LOOK_AGAIN_SECONDS = 5.0
LAST_WRITE_SECONDS = 2.0
"""So long the end waits for history; what was delivered and is not known there is told again."""
TOLD_BY_TWIN = "told by the twin"
MOST_UNWRITTEN = 2_000
"""So many attempts wait in memory for a history that cannot be written."""


@dataclass(frozen=True, slots=True)
class Timing:
    """What tells the time and the pace; `chance` gives numbers from 0 to 1 that spread retries."""

    clock: Clock
    monotonic: Callable[[], float]
    chance: Callable[[], float]
    pace: Pace = PACE


@dataclass(slots=True)
class _Line:
    """What is known of one channel."""

    sender: Sender
    health: ChannelHealth
    taken: dict[str, AlertState] = field(default_factory=dict[str, AlertState])
    by_twin: dict[str, AlertState] = field(default_factory=dict[str, AlertState])
    tried: dict[str, Tried] = field(default_factory=dict[str, Tried])
    sending: set[str] = field(default_factory=set[str])


class AlertDelivery:
    """
    Delivers what was decided and stored (docs/semantics.md#R15.1); belongs to one event loop.

    It works from states, not from news: whatever is lost by a crash, the book and what channels
    took before it say what is still to be told. `beats` says whether the deciding loop does: only
    then is it told that we live.
    """

    def __init__(
        self,
        senders: Sequence[Sender],
        store: AlertStore,
        timing: Timing,
        beats: Callable[[], bool],
        heartbeat: Address | None = None,
        twin: TwinHeard | None = None,
    ) -> None:
        """Send nothing before `run`; `twin` is one that was not heard yet, None for none."""
        self._lines = [_Line(s, ChannelHealth(s.channel)) for s in senders]
        self._store = store
        self._timing = timing
        self._beats = beats
        self._heartbeat = heartbeat
        self._pulse = ChannelHealth(heartbeat.channel) if heartbeat else None
        self._book: AlertBook | None = None
        self._news = asyncio.Event()
        self._unwritten: deque[Delivery] = deque(maxlen=MOST_UNWRITTEN)
        self._started_at = timing.clock()
        self._twin = twin
        self._recalled = False

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Return the channels that alerts go to."""
        return tuple(line.sender.channel for line in self._lines)

    def take(self, book: AlertBook) -> None:
        """
        Work from this book from now on; it has been stored before.

        What a channel took of an earlier time that an alert fired counts no more.
        """
        self._book = book
        known = {a.fingerprint for a in book.alerts}
        pages = {a.fingerprint for a in book.alerts if a.told is AlertState.FIRING}
        for line in self._lines:
            line.taken = {
                key: state
                for key, state in line.taken.items()
                if key in known and not (key in pages and state is AlertState.RESOLVED)
            }
            line.tried = {key: last for key, last in line.tried.items() if key in known}
            line.by_twin = {key: state for key, state in line.by_twin.items() if key in known}
        self._learn()
        self._wake()

    def hear_twin(self, snapshot: FloorSnapshot, replica: str) -> None:
        """Take what the twin says now of its alerts; what it told a channel is not told again."""
        before = self._twin
        heard = hear_twin(before, snapshot, replica)
        self._twin = heard and forget_told(heard, self._known_book())
        if self._twin != before:
            self._learn()
            self._wake()

    def _learn(self) -> None:
        """Count what channels took from the twin, each once: it is no matter who told them."""
        twin, now = self._twin, self._timing.clock()
        if twin is None or not self._recalled:
            return
        known = {a.fingerprint for a in self._known_book().alerts}
        for line in self._lines:
            name = line.sender.channel.name
            for key, state in twin.told.get(name, {}).items():
                if (
                    line.sender.channel.forgets
                    or key not in known
                    or line.by_twin.get(key) is state
                ):
                    continue
                line.by_twin[key] = state
                if line.taken.get(key) is not state:
                    line.taken[key] = state
                    told = Delivery(now, name, key, state, TOLD_BY_TWIN, delivered=True, attempt=1)
                    self._unwritten.append(told)

    def told_once(self) -> Acknowledged:
        """Return what each channel took that does not deduplicate, for the twin."""
        lines = (line for line in self._lines if not line.sender.channel.forgets)
        return {line.sender.channel.name: line.taken for line in lines}

    def acknowledged(self) -> Acknowledged:
        """Return for every channel what it took for good: what all took so may be forgotten."""
        now, pace, book = self._timing.clock(), self._timing.pace, self._known_book()
        return {
            line.sender.channel.name: surely_taken(line.sender.channel, book, line.taken, now, pace)
            for line in self._lines
        }

    def _known_book(self) -> AlertBook:
        return self._book or AlertBook(self._timing.clock())

    def _known(self, line: _Line) -> Known:
        twin, now = self._twin, self._timing.clock()
        return Known(line.sender.channel, line.taken, line.tried, self._timing.pace, twin, now)

    def reached(self) -> tuple[Reached, ...]:
        """Return what left for each channel, for the read-only proof."""
        told = tuple(line.sender.reached for line in self._lines)
        return (*told, self._heartbeat.reached) if self._heartbeat else told

    def health(self) -> tuple[ChannelHealth, ...]:
        """Return how each channel fares, the dead-man's ping last."""
        book = self._known_book()
        lines = (judge_channel(self._known(line), line.health, book) for line in self._lines)
        return (*lines, self._pulse) if self._pulse else tuple(lines)

    async def run(self) -> None:
        """Deliver until cancelled."""
        await self._recall()
        tasks = [self._serve(line) for line in self._lines]
        tasks += [self._watch(line) for line in self._lines]
        if self._heartbeat is not None:
            tasks.append(self._ping(self._heartbeat))
        try:
            await asyncio.gather(*tasks)
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_WRITE_SECONDS):
                    await self._write()
            for line in self._lines:
                await line.sender.aclose()
            if self._heartbeat is not None:
                await self._heartbeat.aclose()

    async def _recall(self) -> None:
        """Recall what channels took before the start; if it cannot be read they are told again."""
        try:
            told = await self._store.acknowledged()
        except StorageError as error:
            log.warning("what channels took before is not known; they are told again: %s", error)
            self._recalled = True
            return
        for line in self._lines:
            line.taken = {**told.get(line.sender.channel.name, {}), **line.taken}
        self._recalled = True
        if self._book is not None:
            self.take(self._book)

    async def _serve(self, line: _Line) -> NoReturn:
        """Tell one channel what is due, for ever; an answer that hangs holds up no other alert."""
        under_way = set[asyncio.Task[None]]()
        try:
            while True:
                news = self._news  # taken first: what comes meanwhile wakes us
                try:
                    self._begin(line, under_way)
                    await self._wait(news, line, under_way)
                except Exception as error:
                    log.exception("delivery to %s met a bug, and goes on", line.sender.channel.name)
                    failed = _internal(error)
                    line.health = note_health(line.health, failed, self._timing.clock())
                    await asyncio.sleep(LOOK_AGAIN_SECONDS)
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    def _begin(self, line: _Line, under_way: set[asyncio.Task[None]]) -> None:
        """Begin to send the most urgent of what is due; never two messages about one alert."""
        known, tick = self._known(line), self._timing.monotonic()
        free = max(0, AT_ONCE - len(under_way))
        for message in decide_messages(known, self._left(line), tick)[:free]:
            line.sending |= {a.fingerprint for a in message.alerts}
            task = asyncio.create_task(self._tell(line, message))
            under_way.add(task)
            task.add_done_callback(under_way.discard)

    def _left(self, line: _Line) -> AlertBook:
        """Return the book without what is just being told."""
        book = self._known_book()
        left = tuple(a for a in book.alerts if a.fingerprint not in line.sending)
        return AlertBook(book.at, left)

    async def _wait(
        self, news: asyncio.Event, line: _Line, under_way: set[asyncio.Task[None]]
    ) -> None:
        """Wait for news, for an answer, or for what is due next."""
        patience = LOOK_AGAIN_SECONDS
        due = next_due(self._known(line), self._left(line))
        if due is not None and len(under_way) < AT_ONCE:
            patience = min(patience, max(0.0, due - self._timing.monotonic()))
        comes = asyncio.create_task(news.wait())
        try:
            waits = {comes, *under_way}
            await asyncio.wait(waits, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        finally:
            comes.cancel()

    async def _tell(self, line: _Line, message: Message) -> None:
        """Send one message, and note the answer for each of its alerts."""
        began, told = self._timing.clock(), {a.fingerprint for a in message.alerts}
        try:
            answers = await line.sender.send(message)
        except Exception as error:
            log.exception("a message to %s could not be sent", line.sender.channel.name)
            answers = dict.fromkeys(told, _internal(error))
        finally:
            line.sending -= told
        for alert in message.alerts:
            self._note(line, alert, message.state, answers[alert.fingerprint], began)
        await self._write()

    def _note(
        self, line: _Line, alert: Alert, state: AlertState, answer: Answer, began: datetime
    ) -> None:
        tick, key = self._timing.monotonic(), alert.fingerprint
        before = line.tried.get(key)
        last = note_answer(state, before, answer, tick, self._timing.chance(), self._timing.pace)
        recovers = answer.delivered and line.health.failures > 0
        line.tried[key] = last
        line.health = note_health(line.health, answer, self._timing.clock())
        if recovers:
            line.tried = try_again(line.tried, tick)
        if answer.delivered and line.taken.get(key) is state:
            return  # it was only sent again
        counts = answer.delivered and not self._fires_again(alert, state)
        if counts:
            line.taken[key] = state
        if counts or _is_told(before, last, self._timing.pace):
            attempt, name = max(1, last.failures), line.sender.channel.name
            told = Delivery(began, name, key, state, answer.text, counts, attempt)
            self._unwritten.append(told)

    def _fires_again(self, alert: Alert, state: AlertState) -> bool:
        """Return whether a resolve that was just taken is over: the alert pages again meanwhile."""
        newest = self._known_book().alert(alert.fingerprint)
        pages = newest is not None and newest.told is AlertState.FIRING
        return state is AlertState.RESOLVED and pages

    async def _write(self) -> None:
        """Write attempts to history; while it cannot be written pages go out nevertheless."""
        writing = tuple(self._unwritten)
        if not writing:
            return
        self._unwritten.clear()
        try:
            await self._store.note(writing)
        except StorageError as error:
            log.warning("deliveries cannot be recorded yet: %s", error)
            self._unwritten.extendleft(reversed(writing))
        except asyncio.CancelledError:  # we are stopping, and write once more before the end
            self._unwritten.extendleft(reversed(writing))
            raise

    async def _watch(self, line: _Line) -> None:
        """Keep the alert that always fires alive, while the deciding loop beats."""
        sender, pause = line.sender, self._timing.pace.watchdog_seconds
        if not isinstance(sender, AlertmanagerSender):
            return
        while True:
            answer = await self._say_alive(partial(sender.watch, self._started_at))
            if answer is not None:
                line.health = note_health(line.health, answer, self._timing.clock())
            await asyncio.sleep(_pause(answer, pause))

    async def _ping(self, address: Address) -> NoReturn:
        """Say that we live to a dead-man's switch, while the deciding loop beats."""
        while True:
            answer = await self._say_alive(address.ask)
            if answer is not None and self._pulse is not None:
                self._pulse = note_health(self._pulse, answer, self._timing.clock())
            await asyncio.sleep(_pause(answer, self._timing.pace.heartbeat_seconds))

    async def _say_alive(self, say: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """Say that we live, and return the answer; None where we may not say it."""
        if not self._beats():
            return None
        try:
            return await say()
        except Exception as error:
            log.exception("it could not be said that we live")
            return _internal(error)

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


def _pause(answer: Answer | None, pause: float) -> float:
    """Return how long to wait: a third where it was not heard that we live."""
    return pause if answer is None or answer.delivered else pause / 3


def _internal(error: Exception) -> Answer:
    return Answer(delivered=False, text=f"internal error: {type(error).__name__}")


def _is_told(before: Tried | None, last: Tried, pace: Pace) -> bool:
    """Return whether a failure is recorded: each until it is a dead letter, then what is new."""
    if last.failures <= pace.dead_after:
        return True
    return before is None or before.answer != last.answer


def trial_alert(floor: str, replica: str, severity: Severity, now: datetime) -> Alert:
    """Return a page that is none: its code is TEST, which no rule has."""
    subject = f"{replica} at {now:%Y-%m-%dT%H:%M:%SZ}"
    return Alert(
        fingerprint=fingerprint_of(floor, TEST, TEST, subject),
        rule=TEST,
        code=TEST,
        subject=subject,
        severity=severity,
        state=AlertState.FIRING,
        summary="TEST: nothing is wrong; this page only tries whether pages arrive",
        detail="sent by hand with `mission-control alerts send-test`; it resolves by itself",
        since=now,
        fired_at=now,
        resolved_at=None,
        owner="the operator who sent it",
        runbook=DELIVERY_FAILING,
        paged_at=now,
    )


async def try_channels(
    senders: Sequence[Sender], alert: Alert
) -> tuple[tuple[Channel, Answer], ...]:
    """Send one test page to each channel at once, and return what each answered."""
    message = Message(AlertState.FIRING, (alert,))

    async def ask(sender: Sender) -> Answer:
        try:
            return (await sender.send(message))[alert.fingerprint]
        finally:
            await sender.aclose()

    answers = await asyncio.gather(*(ask(sender) for sender in senders))
    return tuple(zip((s.channel for s in senders), answers, strict=True))
