"""History: a clock that stepped costs no decision of the kept time, and bends no timeline."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mission_control.contract.model.shapes import ServiceState
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.model import NOTHING_LATCHED
from mission_control.history.model import DecisionRecord, ServiceChange
from tests.floor.floor_of_values import NOW, STRATEGY, FloorOfValues, session_at
from tests.history.test_history import written

pytestmark = pytest.mark.anyio
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
OLDEST = NOW - 30 * DAY
WRONG = NOW - 700 * DAY
LATER = NOW + DAY


def decision(at, state=ServiceState.OK, since=None):
    """Return a decision of an instant in which the strategy becomes of a state."""
    floor = FloorOfValues()
    evidence = floor.evidence()
    snapshot = replace(decide_floor(evidence, NOTHING_LATCHED, session_at, NOW), at=at)
    if since is not None:
        snapshot = replace(snapshot, latched=replace(snapshot.latched, verdict_since=since))
    change = ServiceChange(at, STRATEGY.agent_name, state, expected=True, reason_code="")
    return DecisionRecord("change", evidence, NOTHING_LATCHED, snapshot, (change,), ())


async def kept_of(kept, *records):
    """Write these records, drop what is too old, and give when what is left was decided."""
    for record in records:
        assert kept.writer.put(record)
    await written(kept)
    kept.writer.prune(OLDEST)
    return [d.at async for d in kept.reader.decisions(WRONG - DAY, LATER)]


async def test_a_decision_of_a_wrong_clock_costs_no_other(keeper):
    """One dated years ago is older than all, whatever its number; the kept time stays whole."""
    times = [NOW + n * MINUTE for n in range(4)]
    with keeper() as kept:
        records = [decision(at) for at in (*times[:3], WRONG, times[3])]
        found = await kept_of(kept, *records)

    assert [WRONG, *times] == found


async def test_of_the_old_ones_the_newest_by_time_stays(keeper):
    """The decision in force when the kept time began is that of the latest time before it."""
    with keeper() as kept:
        found = await kept_of(kept, *map(decision, (OLDEST - MINUTE, WRONG, NOW)))
        then = await kept.reader.decision_at(OLDEST)

    assert [OLDEST - MINUTE, NOW] == found
    assert then is not None
    assert OLDEST - MINUTE == then.at


async def test_what_a_start_takes_over_is_never_dropped(keeper):
    """The decision written last stays even where its clock was wrong: its alarms are latched."""
    with keeper() as kept:
        raising = decision(WRONG, since=WRONG)
        found = await kept_of(kept, decision(OLDEST - MINUTE), decision(NOW), raising)
        latched = await kept.reader.latched()

    assert [WRONG, OLDEST - MINUTE, NOW] == found
    assert raising.snapshot.latched == latched


async def test_changes_are_of_their_time_not_of_their_number(keeper):
    """A service is how the newest change by time says, before and after old ones are dropped."""
    with keeper() as kept:
        records = (
            decision(OLDEST - MINUTE, ServiceState.HALTED),
            decision(WRONG, ServiceState.OK),
            decision(NOW, ServiceState.DEGRADED),
        )
        for record in records:
            assert kept.writer.put(record)
        await written(kept)
        before = await kept.reader.changes(OLDEST, LATER)
        kept.writer.prune(OLDEST)
        after = await kept.reader.changes(OLDEST, LATER, STRATEGY.agent_name)

    assert [ServiceState.HALTED, ServiceState.DEGRADED] == [c.state for c in before]
    assert before == after
