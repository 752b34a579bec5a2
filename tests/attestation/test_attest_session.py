"""Jobs: attesting a session from real history, recorded in a real store."""

import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import orjson
import pytest

from mission_control.attestation.run import (
    JOB,
    NoSuchSession,
    choose_session,
    make_attestation,
    run,
)
from mission_control.durable_copy.copying import KeepingParts
from mission_control.floor.decide.floor import decide_floor
from mission_control.history.database import migrate, open_engine
from mission_control.history.reader import HistoryReader
from mission_control.history.remember import FloorMemory
from mission_control.history.writer import HistoryWriter
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model.reading import ServiceRound
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.artifact_store import ArtifactStore, RunWriter
from mission_control.records.model import Collection
from mission_control.records.run_origin import Ground, RunOrigin
from mission_control.schedule.recorded import read_account
from tests.floor.cluster_of_values import FLEET, ClusterFloor
from tests.floor.floor_of_values import CLOSE_AT, OPEN_AT, STRATEGY

pytestmark = pytest.mark.anyio
CALENDAR = MarketCalendar()
ORIGIN = RunOrigin("command", ("mission-control",), {"mission_control": "0"}, "c" * 64, CLOSE_AT)
STEP = timedelta(seconds=3)


class WatchedDay:
    """A floor watched as the watch does, but by steps, with its history in a database."""

    def __init__(self, root):
        """Open history below a root."""
        self.root, self.floor = root, ClusterFloor()
        self.engine = open_engine(root, None)
        migrate(self.engine)
        self.writer = HistoryWriter(
            self.engine, lambda: self.floor.now, time.monotonic, lambda _now: None
        )
        self.writer.start()
        self.memory = FloorMemory(self.writer)
        self.before = None

    def watch(self, since, until, hurt=None):
        """Decide every few seconds between two instants, on evidence that is at most 30 s old."""
        at, number = since, 0
        made = self.decide(at, hurt)
        while at <= until:
            made = self.decide(at, hurt) if number and number % 10 == 0 else made
            evidence, latched, decided = made
            after = replace(decided, at=at)
            self.memory.note_decision(evidence, latched, self.before or after, after, ())
            if number % 10 == 0:
                readings = self.floor.answers["strategy-engine"]
                round_ = ServiceRound("strategy-engine", at, at, readings)
                self.memory.note_round(round_, STRATEGY.primary_path)
            self.floor.latched, self.before = after.latched, after
            at, number = at + STEP, number + 1

    def decide(self, at, hurt):
        """Decide at an instant; return the evidence, the latched alarms, and the decision."""
        self.floor.refresh(at)
        if hurt is not None:
            hurt(self.floor)
        evidence, latched = self.floor.evidence(), self.floor.latched
        return evidence, latched, decide_floor(evidence, latched, self.floor.session_at, at)

    def end(self):
        """Stop this process's watch and write all."""
        self.memory.end()
        self.writer.stop(10)
        self.engine.dispose()


@pytest.fixture
def day(tmp_path):
    """Return a day that was not watched yet."""
    return WatchedDay(tmp_path)


async def attest(root, at=CLOSE_AT + timedelta(hours=1), session=None):
    """Attest the session of the day and record it; gives the attestation and its line."""
    engine = open_engine(root, None)
    history = HistoryReader(engine)
    clock = lambda: at  # noqa: E731
    made = await run(parts_of(root, clock), history, ORIGIN, session)
    engine.dispose()
    return made


def parts_of(root, clock, label=""):
    """Return what an attestation reads and writes besides history."""
    writer = RunWriter(ArtifactStore(root))
    return KeepingParts(ArtifactReader(root, clock), writer, CALENDAR, clock, FLEET, label)


async def test_a_day_that_was_watched_throughout_is_attested(day):
    """From history alone: 100 %, and a run under the session's date whose account is whole."""
    day.watch(OPEN_AT - timedelta(minutes=2), CLOSE_AT + timedelta(minutes=2))
    day.end()
    attested, entry = await attest(day.root)
    account = orjson.loads((day.root / entry.path / "run.json").read_bytes())
    document = orjson.loads((day.root / entry.path / "attestation.json").read_bytes())
    markdown = (day.root / entry.path / "attestation.md").read_text()

    assert ("NO_EXECUTION_OBSERVED", 0) == (attested.document["conclusion"], attested.exit_code)
    assert document == orjson.loads(attested.files["attestation.json"])
    assert 100.0 == document["coverage"]["observed_percent"]
    assert entry.path.endswith("_no_execution_attestation")
    assert ("2026-11-18", None, 0) == (
        account["session_date"],
        account["corrects"],
        account["exit_code"],
    )
    assert [("session seconds", 23400, 23400, [])] == [
        (c["source"], c["asked"], c["obtained"], c["gaps"]) for c in account["coverage"]
    ]
    assert markdown.startswith("# No-Execution Attestation 2026-11-18: no execution observed\n")


async def test_a_restart_and_a_sign_are_told(day):
    """The gap of the restart has its edges; the sign from before it is open after it."""
    at = OPEN_AT + timedelta(hours=1)
    day.watch(OPEN_AT - timedelta(minutes=1), at)
    day.watch(
        at + STEP, at + STEP, lambda f: f.say(STRATEGY, "agent_identity.agent_mode", "EXECUTE")
    )
    day.memory.end()
    latched = day.floor.latched
    day.memory, day.before = FloorMemory(day.writer), None
    day.floor.latched = latched
    day.watch(at + timedelta(minutes=2), CLOSE_AT)
    day.end()
    attested, entry = await attest(day.root)
    account = orjson.loads((day.root / entry.path / "run.json").read_bytes())
    (sign,), (gap,) = attested.made.signs, attested.made.gaps
    markdown = attested.files["attestation.md"].decode()

    assert ("EXECUTION_OBSERVED", 3, 3) == (
        attested.document["conclusion"],
        attested.exit_code,
        account["exit_code"],
    )
    assert (at + STEP, at + timedelta(minutes=2)) == (sign.stood_from, sign.stood_until)
    assert (at + STEP, at + timedelta(minutes=2)) == (gap.since, gap.until)
    assert 1 == len(account["coverage"][0]["gaps"])
    assert markdown.index("EXECUTION OBSERVED") < markdown.index("agent\\_mode EXECUTE")
    assert markdown.index("agent\\_mode EXECUTE") < markdown.index("## Gaps")


async def test_a_second_attestation_corrects_the_first(day):
    """What was recorded stays; the new one names it."""
    day.end()
    first = await attest(day.root)
    second = await attest(day.root)
    account = orjson.loads((day.root / second[1].path / "run.json").read_bytes())

    assert first[1].path == account["corrects"]
    assert first[1].path != second[1].path
    assert "NOT_OBSERVED" == second[0].document["conclusion"]


async def test_a_run_that_failed_is_no_attestation_to_correct(day):
    """What is corrected is an attestation, whatever else ran for the session meanwhile."""
    day.end()
    first = await attest(day.root)
    ground = Ground.unseen(CALENDAR.session_at(OPEN_AT), FLEET)
    facts = ORIGIN.facts(JOB, ground, CLOSE_AT, exit_code=1)
    writer = RunWriter(ArtifactStore(day.root))
    failed = await writer.record(Collection.OPS_RUNS, {"failure.txt": b"cut"}, facts)
    second = await attest(day.root)
    account = orjson.loads((day.root / second[1].path / "run.json").read_bytes())

    assert "2026-11-18" == failed.session_date
    assert first[1].path == account["corrects"]


@pytest.mark.parametrize(
    ("seconds", "exit_code", "produced"), [(0, 1, False), (60, 0, True)], ids=["nothing", "some"]
)
async def test_what_saw_nothing_is_recorded_and_is_no_evidence(day, seconds, exit_code, produced):
    """NOT_OBSERVED says of itself that its run failed, and why; a gap is no failure."""
    if seconds:
        day.watch(OPEN_AT, OPEN_AT + timedelta(seconds=seconds))
    day.end()
    attested, entry = await attest(day.root)
    account = orjson.loads((day.root / entry.path / "run.json").read_bytes())
    read = read_account(entry, account, intact=True)

    assert (day.root / entry.path / "attestation.json").exists()
    assert (exit_code, exit_code) == (attested.exit_code, account["exit_code"])
    assert produced == read.produced
    assert produced == ("nothing of the session of 2026-11-18" not in read.detail)


async def test_without_any_history_nothing_is_attested(tmp_path):
    """No database at all: NOT_OBSERVED, and the Markdown claims nothing."""
    session = choose_session(CALENDAR, CLOSE_AT, None)
    parts = parts_of(tmp_path, lambda: CLOSE_AT, "DEMO")
    attested = await make_attestation(session, parts, None)
    markdown = attested.files["attestation.md"].decode()
    recorded = orjson.loads(attested.files["attestation.json"])

    assert ("NOT_OBSERVED", "DEMO") == (recorded["conclusion"], recorded["label"])
    assert "NOT OBSERVED" in markdown.splitlines()[0]
    assert "None: nothing was observed." in markdown
    assert "no sign" not in markdown.lower()


@pytest.mark.parametrize(
    ("now", "asked", "found"),
    [
        (CLOSE_AT, None, date(2026, 11, 18)),
        (CLOSE_AT - timedelta(seconds=1), None, date(2026, 11, 17)),
        (datetime(2026, 11, 28, 12, tzinfo=UTC), None, date(2026, 11, 27)),
        (CLOSE_AT, date(2026, 11, 18), date(2026, 11, 18)),
        (CLOSE_AT, date(2026, 3, 6), date(2026, 3, 6)),
    ],
    ids=str,
)
def test_the_session_is_chosen(now, asked, found):
    """The latest that has closed, or the one asked for."""
    assert found == choose_session(CALENDAR, now, asked).session_date


def test_an_early_close_ends_the_session():
    """On the day after Thanksgiving the session ends at 13:00 in New York."""
    session = choose_session(CALENDAR, datetime(2026, 11, 27, 18, 0, tzinfo=UTC), None)

    assert (True, timedelta(hours=3.5)) == (session.early_close, session.close - session.open)


@pytest.mark.parametrize(
    ("now", "asked", "why"),
    [
        (CLOSE_AT, date(2026, 11, 26), "no session on 2026-11-26"),
        (CLOSE_AT, date(2026, 11, 22), "no session on 2026-11-22"),
        (OPEN_AT, date(2026, 11, 18), "closes only at 2026-11-18T21:00:00.000Z"),
        (datetime(2099, 1, 1, tzinfo=UTC), None, "no session that has closed lately"),
    ],
    ids=str,
)
def test_a_session_that_is_none_or_has_not_closed_is_refused(now, asked, why):
    """Nothing is attested of a day that has not happened."""
    with pytest.raises(NoSuchSession, match=why):
        choose_session(CALENDAR, now, asked)


async def test_equal_history_gives_equal_bytes(day):
    """Made twice at the same instant, both files are the same byte for byte."""
    day.watch(OPEN_AT, OPEN_AT + timedelta(minutes=10))
    day.end()
    one, other = (await attest(day.root))[0], (await attest(day.root))[0]

    assert one.files == other.files
    assert replace(one.made, at=CLOSE_AT) == replace(other.made, at=CLOSE_AT)
