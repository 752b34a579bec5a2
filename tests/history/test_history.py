"""History: what was decided can be decided again, from what was recorded, with the same result."""

import asyncio
import time
import zlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from mission_control.cluster.model.facts import CapturedWorkloads
from mission_control.contract.model.claims import Claims
from mission_control.errors import StorageError
from mission_control.floor.board import FloorBoard
from mission_control.floor.decide.events import find_happenings
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.model import FloorEvidence, FloorSnapshot
from mission_control.history import schema
from mission_control.history.codec import (
    decision_result,
    pack,
    pack_evidence,
    pack_fleet,
    pack_latched,
    unpack,
    unpack_evidence,
    unpack_fleet,
    unpack_latched,
)
from mission_control.history.model import EventQuery, MinuteRecord
from mission_control.history.past_floor import NotWatched, PastFloor
from mission_control.history.remember import FloorMemory
from mission_control.model.reading import Addresses, Seen, ToldBuild, Unseen, UnseenReason
from tests.api.paper_floor import PaperCalendar
from tests.floor.floor_of_values import (
    EVENING,
    FLEET,
    MARKETDATA,
    NOW,
    STRATEGY,
    FloorOfValues,
    changed,
    rich,
    session_at,
)
from tests.floor.hurts import HALTING
from tests.floor.test_the_law import degradations, degrade

pytestmark = pytest.mark.anyio
HURTS: list[Any] = [p.values[0] for p in HALTING]


class Calendar(PaperCalendar):
    """The calendar of the test floor."""

    def session_at(self, now):
        """Tell the one session."""
        return session_at(now)


class RememberedFloor:
    """A floor of values whose decisions are remembered as the watch does."""

    def __init__(self, keeper) -> None:
        """Remember through this keeper."""
        self.floor = FloorOfValues()
        self.memory = FloorMemory(keeper.writer)
        first = decide_floor(
            FloorEvidence(FLEET, {}), self.floor.latched, session_at, self.floor.now
        )
        self.board = FloorBoard(first, lambda: self.floor.now, time.monotonic)
        self.past = PastFloor(keeper.reader, self.memory.unfinished_minute, Calendar(), self.board)
        self.decided = []

    def decide(self, *, asked=True):
        """Decide, publish and remember, as one step of the watch; with rounds that just ended."""
        before, evidence = self.board.current(), self.floor.evidence()
        snapshot = decide_floor(
            evidence,
            before.latched,
            session_at,
            self.floor.now,
            sequence=self.board.next_sequence,
        )
        events = self.board.publish(snapshot, list(find_happenings(before, snapshot)))
        self.memory.note_decision(evidence, before.latched, before, snapshot, events)
        for round_ in evidence.rounds.values() if asked else ():
            agent = self.floor.fleet.agent(round_.agent_name)
            assert agent is not None
            self.memory.note_round(round_, agent.primary_path)
        self.decided.append(snapshot)
        return snapshot

    def beat_until(self, at):
        """Decide again on what is known, every two seconds as between answers, until an instant."""
        while self.floor.now + timedelta(seconds=2) < at:
            self.floor.now += timedelta(seconds=2)
            self.decide(asked=False)


async def written(keeper):
    """Wait until everything that was put is written; a loaded machine is given the time."""
    async with asyncio.timeout(60):
        while not keeper.writer.idle():  # noqa: ASYNC110  (a thread of its own has no event)
            await asyncio.sleep(0.01)


async def trouble(keeper):
    """Wait until it says that it is not written, and give what it says."""
    async with asyncio.timeout(60):
        while not isinstance(said := await keeper.writer.check(), Unseen):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return said


def told(snapshot):
    """Return what a snapshot says, apart from its words and times."""
    reasons = [(r.code, r.subject, r.severity) for r in snapshot.posture.reasons]
    services = [(s.state, s.expected, s.reason_code) for s in snapshot.services]
    return snapshot.posture.verdict, reasons, services


@pytest.mark.parametrize("hurt", HURTS)
def test_inputs_survive_being_written(hurt):
    """Evidence, inventory and what is latched come back from bytes as the very same values."""
    floor = FloorOfValues()
    hurt(floor)
    snapshot = floor.decide()
    evidence = floor.evidence()

    assert floor.fleet == unpack_fleet(pack_fleet(floor.fleet))
    assert evidence == unpack_evidence(pack_evidence(evidence), floor.fleet)
    assert snapshot.latched == unpack_latched(pack_latched(snapshot.latched))


def test_where_a_service_answered_from_survives_being_written():
    """Peers, old files and known addresses come back; rounds of before they were kept have none."""
    floor = FloorOfValues()
    readings = floor.answers[STRATEGY.agent_name]
    seen = readings["/ops/status"]
    exchange = replace(seen.exchange, peer="10.0.0.7:80", old_files="/tls/key.pem: gone")
    readings["/ops/status"] = replace(seen, exchange=exchange)
    floor.addresses[STRATEGY.agent_name] = Addresses(("a:1", "b:1"), ("b:1",), floor.now)
    evidence = floor.evidence()
    stored = unpack(pack_evidence(evidence))

    assert evidence == unpack_evidence(pack_evidence(evidence), floor.fleet)
    for round_ in stored["rounds"]:
        del round_["addresses"]
        for reading in round_["readings"].values():
            del reading["exchange"]["old_files"], reading["exchange"]["peer"]
    old = unpack_evidence(pack(stored), floor.fleet).rounds[STRATEGY.agent_name]
    assert (Addresses(), "") == (old.addresses, old.readings["/ops/status"].exchange.peer)


def test_what_was_told_of_builds_and_what_ran_once_survive_being_written():
    """They come back as the very same values; decisions of before they were kept have none."""
    floor = FloorOfValues()
    captured = CapturedWorkloads(frozenset({("ns", "Deployment", "x")}), "ops/lkg/1", "a note")
    builds = (ToldBuild("10.0.0.7:80", "git_sha 54afffe", floor.now, floor.now),)
    rounds = {n: replace(r, builds=builds) for n, r in floor.evidence().rounds.items()}
    evidence = replace(floor.evidence(), rounds=rounds, captured=captured)
    stored = unpack(pack_evidence(evidence))

    assert evidence == unpack_evidence(pack_evidence(evidence), floor.fleet)
    del stored["captured"]
    for round_ in stored["rounds"]:
        del round_["builds"]
    old = unpack_evidence(pack(stored), floor.fleet)
    assert (None, ()) == (old.captured, old.rounds[STRATEGY.agent_name].builds)


def test_what_was_valid_when_it_was_kept_is_still_readable():
    """An answer that today breaks its contract comes back as broken, with what it claimed."""
    floor = FloorOfValues()
    blank = changed(rich(STRATEGY, floor.now), "service_name", " ")
    kept = orjson.dumps(changed(blank, "agent_identity.agent_mode", "LIVE"))
    seen = floor.answers[STRATEGY.agent_name]["/ops/status"]
    assert isinstance(seen, Seen)
    claims = Claims(agent_mode="LIVE")
    answer = replace(seen.value, document=kept, claims=claims)
    floor.answers[STRATEGY.agent_name]["/ops/status"] = replace(seen, value=answer)

    evidence = unpack_evidence(pack_evidence(floor.evidence()), floor.fleet)

    again = evidence.rounds[STRATEGY.agent_name].readings["/ops/status"]
    assert isinstance(again, Unseen)
    assert ("CONTRACT_INVALID", claims, seen.at) == (again.code, again.claims, again.at)
    assert ["service_name"] == [field for field, _ in again.problems]


def test_what_rounds_before_told_survives_being_written():
    """Paths' pasts, and what is not confirmed, come back as the very same values."""
    floor = FloorOfValues()
    floor.ask()
    floor.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT)
    floor.ask()
    evidence, snapshot = floor.evidence(), floor.decide()
    again: Any = unpack_evidence(pack_evidence(evidence), floor.fleet)

    assert evidence == again
    assert not again.rounds[STRATEGY.agent_name].readings["/ops/status"].confirmed
    assert snapshot.latched == unpack_latched(pack_latched(snapshot.latched))


def test_decisions_of_before_pasts_were_kept_can_be_read():
    """An older decision knows no past of a path; what it did not see was confirmed."""
    floor = FloorOfValues()
    floor.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT)
    document = unpack(pack_evidence(floor.evidence()))
    for round_ in document["rounds"]:
        del round_["past"]
        for reading in round_["readings"].values():
            reading.pop("confirmed", None)
    latched = orjson.loads(zlib.decompress(pack_latched(floor.decide().latched)))
    for service in latched["services"]:
        del service["answered"]

    assert floor.evidence() == unpack_evidence(pack(document), floor.fleet)
    old = unpack_latched(zlib.compress(orjson.dumps(latched)))
    assert {()} == {s.answered for s in old.services}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    evening=st.booleans(),
    hurts=st.lists(st.sampled_from(HURTS), max_size=2),
    steps=st.lists(degradations(), max_size=4),
)
def test_any_evidence_survives_being_written(evening, hurts, steps):
    """However a floor is hurt, its decision made again from bytes says the very same."""
    floor = FloorOfValues()
    floor.refresh(EVENING if evening else NOW)
    for hurt in hurts:
        hurt(floor)
    for step in steps:
        degrade(floor, step)
    evidence, latched = floor.evidence(), floor.latched
    first = decide_floor(evidence, latched, session_at, floor.now)
    again = decide_floor(
        unpack_evidence(pack_evidence(evidence), floor.fleet),
        unpack_latched(pack_latched(latched)),
        session_at,
        floor.now,
    )

    assert first == again


async def test_the_past_is_what_was_decided_then_at_every_change(keeper):
    """At every change, the floor decided again from recorded inputs is what was decided then."""
    with keeper() as kept:
        remembered = RememberedFloor(kept)
        for number, hurt in enumerate([None, *HURTS]):
            remembered.floor.refresh(NOW + timedelta(seconds=10 * number))
            remembered.floor.switch = "1"
            if hurt is not None:
                hurt(remembered.floor)
            remembered.decide()
        await written(kept)

        changes = 0
        for snapshot in remembered.decided:
            again = await remembered.past.as_of(snapshot.at)
            recorded = await kept.reader.decision_at(snapshot.at)
            assert recorded is not None
            assert isinstance(again, FloorSnapshot)
            if recorded.at != snapshot.at:  # it said nothing new
                assert told(snapshot) == told(again)
                continue
            changes += 1
            assert replace(snapshot, label=again.label) == again
            assert recorded.result == decision_result(snapshot) == decision_result(again)
        assert changes > len(HURTS) * 0.8


async def test_between_changes_the_last_decision_holds(keeper):
    """Where nothing changed nothing is kept, and the floor of then is that of the last change."""
    with keeper() as kept:
        remembered = RememberedFloor(kept)
        for second in range(0, 300, 10):
            remembered.beat_until(NOW + timedelta(seconds=second))
            remembered.floor.refresh(NOW + timedelta(seconds=second))
            remembered.decide()
        await written(kept)
        then = await remembered.past.as_of(NOW + timedelta(seconds=155))

        assert isinstance(then, FloorSnapshot)
        assert NOW == then.at
        assert "AS OF 2026-11-18 10:17:35 EST" == then.label


async def test_what_was_not_watched_is_a_gap(keeper):
    """Before the first record, and in a pause, there is no floor to be shown."""
    with keeper() as kept:
        remembered = RememberedFloor(kept)
        remembered.decide()
        remembered.beat_until(NOW + timedelta(seconds=20))
        remembered.floor.refresh(NOW + timedelta(minutes=30))
        remembered.decide()
        remembered.beat_until(NOW + timedelta(minutes=30, seconds=20))
        await written(kept)
        before = await remembered.past.as_of(NOW - timedelta(minutes=5))
        within = await remembered.past.as_of(NOW + timedelta(minutes=10))
        lines = await remembered.past.timelines(
            [STRATEGY],
            NOW - timedelta(minutes=5),
            NOW + timedelta(minutes=30, seconds=20),
        )

    assert isinstance(before, NotWatched)
    assert isinstance(within, NotWatched)
    ((_, segments),) = lines.by_agent
    assert [None, "HALTED", None, "HALTED"] == [s.state and s.state.value for s in segments]
    assert [300.0, 18.0, 1782.0, 20.0] == [s.seconds for s in segments]


async def test_alarms_and_since_survive_a_restart(keeper):
    """What was latched when a process ended is when the next begins, with its first time."""
    with keeper() as kept:
        remembered = RememberedFloor(kept)
        remembered.decide()
        remembered.floor.say(STRATEGY, "safety.safe_to_execute_orders", value=True)
        remembered.decide()
        await written(kept)
    with keeper() as kept:
        latched = await kept.reader.latched()
        floor = FloorOfValues(latched=latched)
        floor.refresh(NOW + timedelta(minutes=5))
        floor.lose(STRATEGY, "/ops/status", UnseenReason.CONNECTION_REFUSED)
        again = floor.decide()

    assert remembered.decided[-1].latched == latched
    assert ["EXECUTION_EVIDENCE"] == [a.code for a in again.latched.alarms]
    assert {NOW} == {a.since for a in again.latched.alarms}
    kept_since = {s.agent.agent_name: s.since for s in again.services}
    assert NOW == kept_since[MARKETDATA.agent_name]


def test_a_start_does_not_make_everything_new():
    """While nothing was asked yet, `since` of before is neither shown as now nor forgotten."""
    floor = FloorOfValues()
    before = floor.decide()
    later = NOW + timedelta(minutes=5)
    starting = decide_floor(FloorEvidence(FLEET, {}), before.latched, session_at, later)
    floor.latched = starting.latched
    floor.refresh(later + timedelta(seconds=10))
    after = floor.decide()

    assert later == {s.since for s in starting.services}.pop()
    assert {NOW} == {s.since for s in after.services}
    assert NOW == after.posture.since


async def test_events_come_page_by_page(keeper):
    """Past events are newest first, filtered by service and time, without gaps between pages."""
    with keeper() as kept:
        remembered = RememberedFloor(kept)
        for number, state in enumerate(["OK", "DEGRADED"] * 4):
            remembered.floor.refresh(NOW + timedelta(seconds=10 * number))
            remembered.floor.say(STRATEGY, "status.state", state)
            remembered.decide()
        await written(kept)
        whole = await kept.reader.events(EventQuery(limit=500))
        paged, before = [], None
        while True:
            page = await kept.reader.events(EventQuery(limit=3, before=before))
            paged += page.events
            before = page.next_before
            if before is None:
                break
        since = NOW + timedelta(seconds=30)
        only = await kept.reader.events(
            EventQuery(agent_name=STRATEGY.agent_name, since=since, until=since)
        )
        mine = await kept.reader.events(EventQuery(agent_name=STRATEGY.agent_name, since=since))

    assert list(whole.events) == paged
    assert [e.identity for e in paged] == sorted((e.identity for e in paged), reverse=True)
    assert () == only.events
    assert {STRATEGY.agent_name} == {e.agent_name for e in mine.events}
    assert all(e.at >= since for e in mine.events)


async def test_old_rows_go_and_what_was_true_stays(keeper):
    """Pruning leaves the kept time whole: the state at its beginning is still known (R12.10)."""
    with keeper() as kept:
        remembered = RememberedFloor(kept)
        for minute, state in enumerate(["OK", "DEGRADED", "OK", "DEGRADED", "OK"]):
            remembered.floor.refresh(NOW + timedelta(minutes=minute))
            remembered.floor.say(STRATEGY, "status.state", state)
            remembered.decide()
        await written(kept)
        oldest = NOW + timedelta(minutes=2, seconds=30)
        until = NOW + timedelta(minutes=5)
        before = await remembered.past.timelines([STRATEGY], oldest, until)
        kept.writer.prune(oldest)
        after = await remembered.past.timelines([STRATEGY], oldest, until)
        gone = await kept.reader.decision_at(NOW)
        events = await kept.reader.events(EventQuery(until=oldest))

    assert before == after
    assert gone is None
    assert () == events.events


async def test_a_dead_database_loses_nothing_and_blocks_nothing(postgres, tmp_path):
    """While PostgreSQL is dead putting does not wait and `check` says so; then all is written."""
    from tests.history.conftest import keeping  # noqa: PLC0415  (a fixture's helper)

    with keeping(tmp_path, postgres.new_database("dies")) as kept:
        remembered = RememberedFloor(kept)
        remembered.decide()
        await written(kept)
        with postgres.dead():
            for number in range(1, 6):
                remembered.floor.refresh(NOW + timedelta(seconds=10 * number))
                remembered.floor.say(STRATEGY, "status.state", ["OK", "DEGRADED"][number % 2])
                remembered.decide()
            during = kept.writer.idle()
            said = await trouble(kept)
        await written(kept)
        last = await kept.reader.decision_at(remembered.floor.now)

    assert not during
    assert said.detail
    assert last is not None
    assert last.result == decision_result(remembered.decided[-1])


async def test_too_much_waiting_is_lost_and_told(tmp_path, monkeypatch):
    """When more waits than is kept in memory the loss is counted and said."""
    from mission_control.history import writer  # noqa: PLC0415
    from tests.history.conftest import Keeper  # noqa: PLC0415

    monkeypatch.setattr(writer, "MOST_WAITING", 3)
    kept = Keeper(tmp_path / "not there" / "at all", None)
    kept.writer.start()
    remembered = RememberedFloor(kept)
    for number in range(9):
        remembered.floor.refresh(NOW + timedelta(hours=number))
        remembered.decide()
    async with asyncio.timeout(60):
        while "lost" not in getattr(said := await kept.writer.check(), "detail", ""):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    kept.stop()

    assert isinstance(said, Unseen)
    assert "UNREADABLE" == said.code


async def test_a_full_disk_is_told_and_then_written(tmp_path):
    """A disk that is full is a reason while it lasts; with room again everything is written."""
    from tests.history.conftest import keeping  # noqa: PLC0415
    from tests.records.test_crash_safety import small_disk  # noqa: PLC0415

    with small_disk(tmp_path / "disk", "2m"), keeping(tmp_path / "disk", None) as kept:
        remembered = RememberedFloor(kept)
        remembered.decide()
        await written(kept)
        filler = tmp_path / "disk/filler"
        with pytest.raises(OSError), filler.open("wb") as file:  # noqa: PT011, PT012
            while True:
                file.write(b"x" * 4096)
                file.flush()
        for number in range(1, 40):
            remembered.floor.refresh(NOW + timedelta(hours=number))
            remembered.decide()
        said = await trouble(kept)
        filler.unlink()
        await written(kept)
        last = await kept.reader.decision_at(remembered.floor.now)

    assert "full" in said.detail
    assert last is not None
    assert last.at == remembered.floor.now


async def test_what_could_not_be_written_is_told_whole_afterwards(keeper):
    """After a loss the next decision is kept with the state of every service, changed or not."""
    with keeper() as kept:
        remembered = RememberedFloor(kept)
        remembered.decide()
        real, lost = kept.writer.put, []
        kept.writer.put = lambda record: bool(lost.append(record))
        remembered.floor.refresh(NOW + timedelta(seconds=10))
        remembered.floor.say(STRATEGY, "status.state", "DEGRADED")
        remembered.decide()
        kept.writer.put = real
        remembered.floor.refresh(NOW + timedelta(seconds=20))
        remembered.floor.say(STRATEGY, "status.state", "DEGRADED")
        remembered.decide()
        await written(kept)
        then = await kept.reader.decision_at(NOW + timedelta(seconds=20))
        changes = await kept.reader.changes(NOW, NOW + timedelta(minutes=1))

    assert lost
    assert then is not None
    assert NOW + timedelta(seconds=20) == then.at
    told = {c.agent_name for c in changes if c.at == then.at}
    assert {a.agent_name for a in FLEET.agents} == told


async def test_a_failed_transaction_leaves_no_inventory_behind(tmp_path, monkeypatch):
    """An inventory whose decision was not committed is written with the next one."""
    from mission_control.history import writer  # noqa: PLC0415
    from tests.history.conftest import keeping  # noqa: PLC0415

    with keeping(tmp_path, None) as kept:
        remembered = RememberedFloor(kept)
        real, failing = writer.write_decision, [True]

        def fail_once(connection, record, fleets):
            digest = real(connection, record, fleets)
            if failing.pop() if failing else False:
                raise OSError(28, "No space left on device")
            return digest

        monkeypatch.setattr(writer, "write_decision", fail_once)
        remembered.decide()
        await written(kept)
        found = await kept.reader.decision_at(NOW)

    assert found is not None
    assert FLEET == found.evidence.fleet


@pytest.mark.parametrize("column", ["inputs", "standing", "result"])
async def test_rows_that_are_not_ours_are_an_error_with_a_name(tmp_path, column):
    """A decision whose bytes are rubbish is a StorageError, whatever is wrong with them."""
    from tests.history.conftest import keeping  # noqa: PLC0415

    with keeping(tmp_path, None) as kept:
        remembered = RememberedFloor(kept)
        remembered.decide()
        await written(kept)
        for rubbish in (b"", b"rubbish", b"x\x9c\x03\x00\x00\x00\x00\x01"):
            with kept.engine.begin() as connection:
                connection.execute(update(schema.decisions).values({column: rubbish}))
            with pytest.raises(StorageError):
                await kept.reader.decision_at(NOW)


async def test_a_database_of_a_newer_version_is_named(tmp_path):
    """Tables from a version that we do not know are not touched, and history says why it fails."""
    from tests.history.conftest import Keeper, keeping  # noqa: PLC0415

    with keeping(tmp_path, None) as kept, kept.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    again = Keeper(tmp_path, None)
    again.writer.start()
    said = await trouble(again)
    again.stop()

    assert "9999" in said.detail


async def test_decisions_come_one_by_one_from_the_one_in_force(keeper):
    """The one in force at the beginning first, then each until just before the end."""
    with keeper() as kept:
        remembered = RememberedFloor(kept)
        for second, state in enumerate(["OK", "DEGRADED"] * 4):
            remembered.floor.refresh(NOW + timedelta(seconds=second))
            remembered.floor.say(STRATEGY, "status.state", state)
            remembered.decide()
        await written(kept)

        async def told(since, until):
            since, until = (NOW + timedelta(seconds=s) for s in (since, until))
            found = [d async for d in kept.reader.decisions(since, until)]
            return [(d.at - NOW).total_seconds() for d in found], found

        within, found = await told(2.5, 5)
        exact, _ = await told(2, 3)
        none, _ = await told(-9, 0)
        whole, _ = await told(-9, 100)
        recorded = await kept.reader.decision_at(NOW + timedelta(seconds=2))

    assert [2.0, 3.0, 4.0] == within
    assert ([2.0], [], [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]) == (exact, none, whole)
    assert recorded == found[0]


async def test_decisions_of_one_instant_are_all_given(keeper):
    """Two that were made in the same microsecond come in the order in which they were written."""
    with keeper() as kept:
        remembered = RememberedFloor(kept)
        for state in ("OK", "DEGRADED", "OK"):
            remembered.floor.say(STRATEGY, "status.state", state)
            remembered.decide()
        await written(kept)
        before, after = NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)
        found = [d.sequence async for d in kept.reader.decisions(before, after)]

    assert [s.sequence for s in remembered.decided] == found


async def test_stretches_of_deciding_survive_and_add_up(keeper):
    """Each minute's stretches come back, and two processes in one minute add up."""
    seconds = [NOW + timedelta(seconds=s) for s in range(60)]
    with keeper() as kept:
        for span in ((seconds[20], seconds[30]), (seconds[1], seconds[9])):
            kept.writer.put(MinuteRecord(NOW, {"strategy-engine": (1, 1)}, (span,)))
        await written(kept)
        (minute,) = await kept.reader.minutes(NOW, NOW + timedelta(minutes=1))
        with kept.engine.begin() as connection:
            connection.execute(update(schema.minutes).values(decided=None))
        (old,) = await kept.reader.minutes(NOW, NOW + timedelta(minutes=1))

    assert ((seconds[1], seconds[9]), (seconds[20], seconds[30])) == minute.decided
    assert {"strategy-engine": (2, 2)} == minute.counts
    assert old.decided is None


async def test_after_a_batch_that_was_dropped_everything_is_kept_again(tmp_path, monkeypatch):
    """Putting the next record shows that one was lost, so nothing is drawn through it."""
    from tests.history.conftest import keeping  # noqa: PLC0415

    with keeping(tmp_path, None) as kept:
        remembered = RememberedFloor(kept)
        remembered.decide()
        await written(kept)

        def broken(*_record):
            raise KeyError("a bug of ours")

        with monkeypatch.context() as patched:
            patched.setattr("mission_control.history.writer.write_decision", broken)
            remembered.floor.say(STRATEGY, "status.state", "DEGRADED")
            remembered.decide()
            await written(kept)
        for second in range(1, 4):
            remembered.floor.refresh(NOW + timedelta(seconds=second))
            remembered.decide()
        await written(kept)
        found = [d async for d in kept.reader.decisions(NOW, NOW + timedelta(minutes=1))]
        unfinished = remembered.memory.unfinished_minute()

    assert [NOW, NOW + timedelta(seconds=2)] == [d.at for d in found]
    assert unfinished is not None
    assert ((NOW + timedelta(seconds=2), NOW + timedelta(seconds=3)),) == unfinished.decided
