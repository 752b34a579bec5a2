"""Alerts in history, on SQLite and on a real PostgreSQL: what was saved is there after any end."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from mission_control.alerts.model import (
    Alert,
    AlertBook,
    AlertQuery,
    AlertState,
    AlertTransition,
    Delivery,
    fingerprint_of,
)
from mission_control.alerts.store import AlertStore
from mission_control.errors import StorageError
from mission_control.history import schema
from mission_control.history.alert_rows import AlertRows
from mission_control.history.database import migrate, open_engine
from mission_control.history.rows import prune
from mission_control.model.finding import Severity
from tests.floor.floor_of_values import NOW

SECOND = timedelta(seconds=1)


def alert(subject="strategy-engine", **changes) -> Alert:
    """Return an alert that fires."""
    rule, code = "service_halts", "TIMEOUT"
    fired = Alert(
        fingerprint_of("floor", rule, code, subject),
        rule,
        code,
        subject,
        Severity.P1,
        AlertState.FIRING,
        f"{subject} halts the floor",
        "no whole answer within 3 s",
        NOW - SECOND,
        NOW,
        None,
        "on call",
        code,
        paged_at=NOW,
    )
    return replace(fired, **changes)


FIRING, OTHER = alert(), alert("gamma-strategy", severity=Severity.P0)


def transition(told: Alert, reason="it is true", at=NOW, **changes) -> AlertTransition:
    """Return that an alert began to fire."""
    named = (told.fingerprint, told.rule, told.code, told.subject, told.severity)
    moved = AlertTransition(at, *named, None, AlertState.FIRING, pages=True, reason=reason)
    return replace(moved, **changes)


def delivery(told: Alert, state=AlertState.FIRING, *, delivered=True, attempt=1) -> Delivery:
    """Return an attempt to deliver an alert."""
    answer = "HTTP 200" if delivered else "HTTP 503"
    return Delivery(NOW, "pager", told.fingerprint, state, answer, delivered, attempt)


@pytest.fixture
def engine(tmp_path, database_url):
    """Return a database of each kind with its tables."""
    made = open_engine(tmp_path, database_url)
    migrate(made)
    yield made
    made.dispose()


def opened(engine, replica="one") -> AlertStore:
    """Return a store as a start opens it."""
    return AlertStore(AlertRows(engine, replica))


def test_alerts_are_there_after_a_restart(engine):
    """What was saved is loaded by the next start, in its order; what is gone is not."""

    async def live():
        store = opened(engine)
        await store.save(AlertBook(NOW, (OTHER, FIRING, alert("gone"))), ())
        await store.save(AlertBook(NOW + SECOND, (OTHER, FIRING)), ())
        return await opened(engine).load(NOW)

    assert AlertBook(NOW, (OTHER, FIRING)) == asyncio.run(live())


def test_a_store_that_never_loaded_drops_what_is_gone(engine):
    """A start that saves before it loads still leaves exactly its own book."""

    async def live():
        await opened(engine).save(AlertBook(NOW, (FIRING,)), ())
        await opened(engine).save(AlertBook(NOW, (OTHER,)), ())
        return await opened(engine).load(NOW)

    assert AlertBook(NOW, (OTHER,)) == asyncio.run(live())


def test_what_a_channel_took_last_is_acknowledged(engine):
    """Only what was delivered counts, the newest state of it, until the alert is gone."""

    async def live():
        store = opened(engine)
        await store.save(AlertBook(NOW, (FIRING, OTHER)), ())
        await store.note([delivery(FIRING), delivery(OTHER, delivered=False)])
        await store.note([delivery(FIRING, AlertState.RESOLVED, attempt=2)])
        taken = await opened(engine).acknowledged()
        await store.save(AlertBook(NOW, (OTHER,)), ())
        return taken, await store.acknowledged(), await store.deliveries(AlertQuery())

    taken, left, page = asyncio.run(live())

    assert {"pager": {FIRING.fingerprint: AlertState.RESOLVED}} == taken
    assert {} == left
    assert ["HTTP 200", "HTTP 503", "HTTP 200"] == [d.answer for d in page.deliveries]
    assert delivery(FIRING, AlertState.RESOLVED, attempt=2) == page.deliveries[0]


def test_replicas_do_not_touch_each_other(engine):
    """Rows of another replica are neither read nor dropped."""

    async def live():
        await opened(engine).save(AlertBook(NOW, (FIRING,)), [transition(FIRING)])
        await opened(engine).note([delivery(FIRING)])
        other = opened(engine, "two")
        await other.save(AlertBook(NOW, ()), ())
        seen = (await other.load(NOW)).alerts, await other.acknowledged()
        told = await other.transitions(AlertQuery()), await other.deliveries(AlertQuery())
        return seen, told[0].transitions, told[1].deliveries, await opened(engine).load(NOW)

    assert (((), {}), (), (), AlertBook(NOW, (FIRING,))) == asyncio.run(live())


def test_transitions_are_paged_and_chosen(engine):
    """Newest first, a page at a time, between two instants, and of one alert."""
    moved = [transition(FIRING, f"change {n}", NOW + n * SECOND) for n in range(5)]
    moved.append(transition(OTHER, "over", NOW + 9 * SECOND, from_state=AlertState.PENDING))
    moved.append(transition(OTHER, "it ended", NOW + 10 * SECOND, to_state=None, pages=False))

    async def live():
        store = opened(engine)
        await store.save(AlertBook(NOW), moved)
        first = await store.transitions(AlertQuery(limit=4))
        second = await store.transitions(AlertQuery(limit=4, before=first.next_before))
        since = AlertQuery(since=NOW + SECOND, until=NOW + 3 * SECOND)
        of_one = AlertQuery(fingerprint=OTHER.fingerprint)
        return first, second, await store.transitions(since), await store.transitions(of_one)

    first, second, between, of_one = asyncio.run(live())

    assert tuple(reversed(moved)) == first.transitions + second.transitions
    assert None is second.next_before
    assert tuple(reversed(moved[1:3])) == between.transitions
    assert tuple(reversed(moved[5:])) == of_one.transitions


def test_what_was_in_force_at_an_instant(engine):
    """The newest change of each alert by then, where it was pending or firing."""
    pending = transition(OTHER, "waits", NOW, to_state=AlertState.PENDING, pages=False)
    over = transition(FIRING, "over", NOW + 2 * SECOND, to_state=AlertState.RESOLVED, pages=False)

    async def live():
        await opened(engine).save(AlertBook(NOW), [transition(FIRING), pending, over])
        await opened(engine, "two").save(AlertBook(NOW), [transition(alert("elsewhere"))])

    asyncio.run(live())
    rows = AlertRows(engine, "one")

    assert () == rows.in_force(NOW - SECOND)
    assert (transition(FIRING), pending) == rows.in_force(NOW)
    assert (pending,) == rows.in_force(NOW + 2 * SECOND)


def test_old_changes_and_deliveries_go(engine):
    """What is older than history is kept goes; the alerts that there are stay."""

    async def live():
        store = opened(engine)
        await store.save(AlertBook(NOW, (FIRING,)), [transition(FIRING)])
        await store.note([delivery(FIRING)])
        await asyncio.to_thread(prune, engine, schema.to_micros(NOW + SECOND))
        told = await store.transitions(AlertQuery()), await store.deliveries(AlertQuery())
        return told[0].transitions, told[1].deliveries, await store.load(NOW)

    assert ((), (), AlertBook(NOW, (FIRING,))) == asyncio.run(live())


def test_a_database_that_fails_is_said(tmp_path):
    """Without tables neither reading nor writing pretends to have worked."""
    engine = open_engine(tmp_path, None)
    store = opened(engine)

    with pytest.raises(StorageError, match="alerts cannot be read"):
        asyncio.run(store.load(NOW))
    with pytest.raises(StorageError, match="alerts cannot be written"):
        asyncio.run(store.note([delivery(FIRING)]))
    engine.dispose()


def test_an_alert_that_cannot_be_understood_is_said(tmp_path):
    """A row that another version wrote is named, not dropped."""
    engine = open_engine(tmp_path, None)
    migrate(engine)
    AlertRows(engine, "one").replace({"0123": b"{}"}, (), ())

    with pytest.raises(StorageError, match="cannot be understood"):
        asyncio.run(opened(engine).load(NOW))
    engine.dispose()
