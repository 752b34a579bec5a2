"""History: an alarm that any server raised is latched at the next start, whichever wrote last."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mission_control.floor.model import Alarm
from mission_control.history.model import EventQuery
from mission_control.model.event import EventType, FloorEvent
from tests.floor.floor_of_values import MARKETDATA, NOW, STRATEGY
from tests.history.conftest import Keeper, keeping
from tests.history.test_clock_steps import decision
from tests.history.test_history import RememberedFloor, written

pytestmark = pytest.mark.anyio
OPENED, ENDED = EventType.ALARM_OPENED, EventType.ALARM_ENDED
EXECUTES = "safety.safe_to_execute_orders"
MINUTE = timedelta(minutes=1)
SOURCE = f"{STRATEGY.agent_name} /ops/status"


async def decided(remembered, kept, minutes, *, executes):
    """Let a server see whether a service says that it executes, and decide."""
    remembered.floor.refresh(NOW + minutes * MINUTE)
    remembered.floor.say(STRATEGY, EXECUTES, value=executes)
    snapshot = remembered.decide()
    await written(kept)
    return snapshot.latched.alarms


async def latched(tmp_path, database_url):
    """Return what a start takes over, as the watch has it and as a command has it."""
    again = Keeper(tmp_path, database_url)
    again.start()
    await written(again)
    recalled, read = again.writer.recalled(), await again.reader.latched()
    again.stop()
    assert recalled == read
    assert recalled is not None
    return recalled


async def test_what_another_did_not_hear_stands_after_a_restart(tmp_path, database_url):
    """One raised an alarm, another did not and wrote last: a start takes over both."""
    with keeping(tmp_path, database_url) as raising, keeping(tmp_path, database_url) as calm:
        sees, misses = RememberedFloor(raising), RememberedFloor(calm)
        await decided(sees, raising, 0, executes=False)
        await decided(misses, calm, 0, executes=False)
        alarms = await decided(sees, raising, 1, executes=True)
        misses.floor.refresh(NOW + 2 * MINUTE)
        misses.floor.say(STRATEGY, "status.state", "DEGRADED")
        calm_one = misses.decide().latched
        await written(calm)
    found = await latched(tmp_path, database_url)

    assert alarms
    assert () == calm_one.alarms
    assert {i.heard_at for a in alarms for i in a.instances} == {NOW + MINUTE}
    # An event names no process: then any may have said it.
    unnamed = tuple(replace(a, instances=()) for a in alarms)
    assert replace(calm_one, alarms=unnamed) == found


async def test_what_was_denied_is_over_for_all(tmp_path, database_url):
    """Once the service denied it, it is latched no more, whichever wrote last."""
    raised = ()
    with keeping(tmp_path, database_url) as kept:
        remembered = RememberedFloor(kept)
        for minute, fresh in ((0, True), (1, False), (2, True)):
            remembered.floor.refresh(NOW + minute * MINUTE)
            remembered.floor.say(MARKETDATA, "marketdata.is_fresh", value=fresh)
            told_by = remembered.decide().latched.alarms
            raised = raised or told_by
            await written(kept)
    found = await latched(tmp_path, database_url)

    assert raised
    assert () == found.alarms


def told(type_, minutes, source=SOURCE):
    """Return a decision that opens or ends an alarm, and itself holds none."""
    at, verb = NOW + minutes * MINUTE, "raises" if type_ is OPENED else "no longer raises"
    data = {"code": "EXECUTION_EVIDENCE", "source": source, "fact": EXECUTES}
    message = f"{source} {verb}: EXECUTION_EVIDENCE: it may: now"
    event = FloorEvent(1, at, type_, message, agent_name=STRATEGY.agent_name, data=data)
    return replace(decision(at), events=(event,))


@pytest.mark.parametrize(
    ("events", "since"),
    [
        pytest.param([(OPENED, 0)], 0, id="never ended"),
        pytest.param([(OPENED, 0), (ENDED, 1)], None, id="ended"),
        pytest.param([(OPENED, 0), (ENDED, 0)], None, id="ended at the same instant"),
        pytest.param(
            [(OPENED, 0), (OPENED, 1), (ENDED, 2)], None, id="ended for both that raised it"
        ),
        pytest.param([(OPENED, 0), (ENDED, 1), (OPENED, 2)], 2, id="opened again"),
        pytest.param([(OPENED, 1), (OPENED, 0)], 0, id="since the first of two, by time"),
        pytest.param([(ENDED, 1), (OPENED, 0)], 0, id="ended before it was written"),
        pytest.param([(OPENED, 1), (ENDED, 0)], 1, id="ended before it was raised"),
        pytest.param(
            [(OPENED, 60), (ENDED, 1), (ENDED, 2)], None, id="told ended twice, by a later clock"
        ),
        pytest.param([(OPENED, 0), (OPENED, 2), (ENDED, 1)], 2, id="raised again after the end"),
        pytest.param([(OPENED, 0), (ENDED, 1, "another")], 0, id="another source is no denial"),
    ],
)
async def test_an_alarm_is_latched_until_an_event_ends_it(keeper, events, since):
    """What was opened is latched, with its sentence and first time, until an end after it."""
    with keeper() as kept:
        for event in events:
            kept.writer.put(told(*event))
        await written(kept)
        latched = await kept.reader.latched()

    assert latched is not None
    at = NOW + (since or 0) * MINUTE
    key = ("EXECUTION_EVIDENCE", STRATEGY.agent_name, SOURCE, EXECUTES)
    wanted = () if since is None else (Alarm(*key, "it may: now", since=at, last_seen=at),)
    assert wanted == latched.alarms


async def test_what_was_never_told_ended_outlives_the_kept_time(keeper):
    """Old events go, apart from what opened an alarm that is still latched."""
    with keeper() as kept:
        kept.writer.put(told(OPENED, -9))
        kept.writer.put(told(OPENED, -8, "another"))
        kept.writer.put(told(ENDED, -7, "another"))
        kept.writer.put(told(OPENED, 0))
        await written(kept)
        kept.writer.prune(NOW - MINUTE)
        latched = await kept.reader.latched()
        page = await kept.reader.events(EventQuery())

    assert latched is not None
    assert [NOW - 9 * MINUTE] == [a.since for a in latched.alarms]
    assert [NOW - 9 * MINUTE, NOW] == sorted(e.at for e in page.events)
