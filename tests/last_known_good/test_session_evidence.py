"""How a session went, gathered from a real history and a real record."""

import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta

import pytest

from mission_control.documents.canonical_json import encode_json
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.model import NOTHING_LATCHED
from mission_control.history.database import migrate, open_engine
from mission_control.history.model import DecisionRecord, MinuteRecord
from mission_control.history.past_floor import PastFloor
from mission_control.history.reader import HistoryReader
from mission_control.history.writer import HistoryWriter
from mission_control.last_known_good import session_evidence
from mission_control.last_known_good.model import NotKnown, WatchedSession
from mission_control.last_known_good.session_evidence import opening_report, verdicts_of, watch_of
from mission_control.model.event import EventType, FloorEvent
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.records.artifact_store import ArtifactStore, RunWriter
from mission_control.records.model import Collection
from mission_control.records.run_origin import Ground, RunOrigin
from tests.api.paper_floor import PaperCalendar, PaperFloor
from tests.floor.floor_of_values import CLOSE_AT, FLEET, NOW, OPEN_AT, FloorOfValues, session_at

pytestmark = pytest.mark.anyio
SESSION = (OPEN_AT, CLOSE_AT)
MINUTE, BEAT = timedelta(minutes=1), timedelta(seconds=1)
LATER = NOW + MINUTE
DATE = date(2026, 11, 18)
ORIGIN = RunOrigin("command", ("mission-control",), {"mission_control": "0"}, "c" * 64, NOW)
ASKED = [a.agent_name for a in FLEET.agents if a.required and a.primary_path is not None]


def changed(at, before, after, number):
    """Return a change of posture."""
    data = {"before": before, "after": after, "expected": after != "HALTED"}
    message = f"posture {before} -> {after}"
    return FloorEvent(number, at, EventType.POSTURE_CHANGED, message, data=data)


def decision(at=OPEN_AT - MINUTE, *events, floor=None):
    """Return a decision as it is kept, before the open a floor that is closed and well."""
    floor = floor or FloorOfValues()
    floor.refresh(at)
    evidence = floor.evidence()
    snapshot = decide_floor(evidence, NOTHING_LATCHED, session_at, at)
    return DecisionRecord("change", evidence, NOTHING_LATCHED, snapshot, (), events)


def minutes(first=OPEN_AT, count=390, obtained=6):
    """Return watched minutes, in each of which every service is asked six times."""
    counts = dict.fromkeys((a.agent_name for a in FLEET.agents), (6, obtained))
    starts = [first + n * MINUTE for n in range(count)]
    return [MinuteRecord(at, counts, ((at + BEAT, at + MINUTE),)) for at in starts]


def second(number):
    """Return an instant by its seconds after the open."""
    return OPEN_AT + timedelta(seconds=number)


@contextmanager
def history(root, *records):
    """Keep a history of these records; gives what reads it."""
    engine = open_engine(root, None)
    migrate(engine)
    writer = HistoryWriter(engine, lambda: NOW, time.monotonic, lambda _now: None)
    writer.start()
    for record in records:
        writer.put(record)
    writer.stop(10)
    try:
        yield HistoryReader(engine)
    finally:
        engine.dispose()


OPENED = changed(OPEN_AT + timedelta(seconds=1), "MARKET_CLOSED", "OK", 1)
AGAIN = changed(OPEN_AT + timedelta(seconds=2), "MARKET_CLOSED", "OK", 2)
EXPECTED = changed(OPEN_AT + timedelta(seconds=1.5), "OK", "OK", 2)


def past_of(reader):
    """Return the past as this reader tells it."""
    return PastFloor(reader, None, PaperCalendar(), PaperFloor())


async def gathered(root, *records):
    """Gather from a history of these records."""
    with history(root, *records) as reader:
        return await watch_of(past_of(reader), FLEET, SESSION)


async def watched(root, *records) -> WatchedSession:
    """Gather what has to be known from a history of these records."""
    found = await gathered(root, *records)
    assert isinstance(found, WatchedSession), found
    return found


async def test_a_clean_session_is_told_whole(tmp_path):
    """No halt, every required service watched and seen all the time."""
    found = await watched(tmp_path, decision(), decision(NOW, OPENED), *minutes())

    assert () == found.halted
    assert 23_400 == found.seconds
    assert [(n, 23_400, 2340, 2340) for n in ASKED] == [
        (a.agent_name, a.watched_seconds, a.asked, a.obtained) for a in found.agents
    ]


async def test_what_was_not_watched_is_not_made_up(tmp_path):
    """Minutes that are missing count as missing, and rounds without an answer as such."""
    found = await watched(
        tmp_path, decision(), decision(NOW, OPENED), *minutes(count=100, obtained=3)
    )

    assert {(6_000.0, 600, 300)} == {(a.watched_seconds, a.asked, a.obtained) for a in found.agents}


@pytest.mark.parametrize(
    ("decided", "undecided"),
    [
        pytest.param(((0, 23_400),), [], id="all of it"),
        pytest.param(((-200, 3), (6, 23_500)), [], id="two beats were missed"),
        pytest.param(((0, 60), (64, 23_400)), [(60, 64)], id="a stall"),
        pytest.param(((4, 23_396),), [(0, 4), (23_396, 23_400)], id="late, and not to the end"),
        pytest.param(((3, 23_397),), [], id="no stall at either end"),
        pytest.param(((0, 60), (40, 90), (89, 23_400)), [], id="by two processes"),
        pytest.param((), [(0, 23_400)], id="by minutes that do not tell"),
    ],
)
async def test_time_without_decisions_is_reported_to_the_second(tmp_path, decided, undecided):
    """A halt that was lost whole has its minute lost with it: a hole, however much was watched."""
    spans = tuple((second(a), second(b)) for a, b in decided)
    told = [replace(m, decided=spans if n == 7 else ()) for n, m in enumerate(minutes())]
    found = await watched(tmp_path, decision(), decision(NOW, OPENED), *told)

    assert [(second(a), second(b)) for a, b in undecided] == list(found.undecided)


async def test_who_decided_at_the_open_and_the_close_may_be_told_by_the_minutes_around(tmp_path):
    """A minute tells what was decided since the record before it."""
    around = [minutes(OPEN_AT - MINUTE, 1)[0], minutes(CLOSE_AT, 1)[0]]
    told = [
        replace(around[0], decided=((second(-60), second(11_000)),)),
        replace(around[1], decided=((second(11_000), second(23_460)),)),
    ]
    found = await watched(tmp_path, decision(), decision(NOW, OPENED), *told)

    assert () == found.undecided
    assert {0.0} == {a.watched_seconds for a in found.agents}


@pytest.mark.parametrize(
    ("events", "halts"),
    [
        ([OPENED, changed(NOW, "OK", "HALTED", 2)], [(NOW, None)]),
        (
            [OPENED, changed(NOW, "OK", "HALTED", 2), changed(LATER, "HALTED", "OK", 3)],
            [(NOW, LATER)],
        ),
        (
            [
                OPENED,
                changed(NOW, "OK", "HALTED", 2),
                changed(NOW, "OK", "HALTED", 3),
                changed(NOW, "HALTED", "HALTED", 4),
                changed(LATER, "HALTED", "OK", 5),
                changed(LATER, "HALTED", "OK", 6),
                changed(LATER + MINUTE, "OK", "HALTED", 7),
            ],
            [(NOW, LATER), (LATER + MINUTE, None)],
        ),
        ([OPENED, changed(NOW, "HALTED", "OK", 2)], [(None, NOW)]),
        ([OPENED, changed(NOW, "HALTED", "HALTED", 2)], [(None, None)]),
        ([changed(NOW, "OK", "OK", 2), changed(LATER, "OK", "HALTED", 3)], [(LATER, None)]),
        ([OPENED, AGAIN, changed(NOW, "OK", "HALTED", 3)], [(NOW, None)]),
    ],
    ids=[
        "halted",
        "halted for a while",
        "twice, confirmed and by two processes",
        "its beginning was lost",
        "both ends were lost",
        "the open was lost too",
        "by one of two processes",
    ],
)
async def test_every_halt_of_the_session_is_told_once(tmp_path, events, halts):
    """With its beginning and its end; also one whose beginning or end was lost."""
    found = await watched(tmp_path, decision(), decision(NOW, *events), *minutes())

    assert halts == [(h.began, h.ended) for h in found.halted]


@pytest.mark.parametrize(
    "events",
    [[OPENED, AGAIN], [OPENED, AGAIN, AGAIN], [OPENED, EXPECTED, AGAIN]],
    ids=["two", "three", "one changes on"],
)
async def test_a_change_that_each_of_several_processes_tells_is_one(tmp_path, events):
    """With two replicas on one history a clean session stays clean."""
    found = await watched(tmp_path, decision(), decision(NOW, *events), *minutes())

    assert () == found.halted


@pytest.mark.parametrize(
    "events",
    [
        [changed(NOW, "OK", "OK", 2)],
        [OPENED, changed(NOW, "MARKET_CLOSED", "MARKET_CLOSED", 2)],
        [OPENED, changed(NOW, "OK", "MARKET_CLOSED", 2), changed(NOW + MINUTE, "OK", "OK", 3)],
        [OPENED, changed(NOW, None, "OK", 2)],
    ],
    ids=["the open was lost", "a close was lost", "an open was lost", "it says not from what"],
)
async def test_a_change_that_was_lost_is_not_known_and_no_halt(tmp_path, events):
    """What was in between is not known: neither that it was well, nor that it was HALTED."""
    found = await gathered(tmp_path, decision(), decision(NOW, *events), *minutes())

    assert isinstance(found, NotKnown), found
    assert found.detail.startswith("what was before this change is not recorded: at 1")


async def test_what_it_opened_with_counts(tmp_path):
    """A floor that was HALTED before the open and still is has no event of it in the session."""
    broken = FloorOfValues()
    broken.switch = None
    found = await watched(tmp_path, decision(floor=broken), *minutes())

    assert found.halted[0].told.startswith("HALTED when it opened: ")


async def test_events_of_other_kinds_and_hours_are_no_halts(tmp_path):
    """A halt the evening before was that session's."""
    before = changed(OPEN_AT - timedelta(hours=2), "OK", "HALTED", 1)
    other = FloorEvent(5, NOW, EventType.SESSION_CHANGED, "x", data={"after": "HALTED"})
    found = await watched(
        tmp_path, decision(OPEN_AT - MINUTE, before), decision(NOW, OPENED, other), *minutes()
    )

    assert () == found.halted


async def test_what_cannot_be_known_is_not_known(tmp_path, monkeypatch):
    """No history, none by the open, one too old, one that fails, and more events than are read."""
    assert isinstance(await watch_of(None, FLEET, SESSION), NotKnown)
    for number, records in enumerate([(), (decision(NOW),), (decision(OPEN_AT - 90 * MINUTE),)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        found = await gathered(folder, *records)
        assert NotKnown("the floor was not watched when the session opened") == found
    monkeypatch.setattr(session_evidence, "MOST_EVENTS", 0)
    (tmp_path / "many").mkdir()
    assert isinstance(await gathered(tmp_path / "many", decision(), *minutes()), NotKnown)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/history.sqlite3").write_bytes(b"this is no database" * 100)
    engine = open_engine(tmp_path / "broken", None)
    broken = await watch_of(past_of(HistoryReader(engine)), FLEET, SESSION)
    engine.dispose()
    assert isinstance(broken, NotKnown)


async def test_many_events_are_read_page_by_page(tmp_path, monkeypatch):
    """A halt behind a page's end is found."""
    monkeypatch.setattr(session_evidence, "EVENTS_AT_ONCE", 1)
    events = [OPENED, changed(NOW, "OK", "HALTED", 2), changed(NOW + MINUTE, "HALTED", "OK", 3)]
    found = await watched(tmp_path, decision(), decision(NOW, *events), *minutes())

    assert [(NOW, NOW + MINUTE)] == [(h.began, h.ended) for h in found.halted]


class Reports:
    """A record of reports."""

    def __init__(self, root) -> None:
        """Record below this root."""
        self.root = root
        self.writer = RunWriter(ArtifactStore(root))
        self.artifacts = ArtifactReader(root, lambda: NOW)

    async def record(self, name, document, *, session=DATE):
        """Record one report."""
        snapshot = FloorOfValues().decide()
        on = replace(snapshot.session, session_date=session)
        facts = ORIGIN.facts("job", Ground.of(replace(snapshot, session=on)), NOW)
        files = {name: encode_json(document)}
        return await self.writer.record(Collection.OPS_RUNS, files, facts)


@pytest.fixture
def reports(tmp_path):
    """Return an empty record."""
    return Reports(tmp_path)


def readiness(at, **changes):
    """Return a recorded readiness."""
    return {"verdict": "GO", "ready": True, "evidence_utc": at.isoformat(),
            "session_date": DATE.isoformat(), "fleet_digest": "f", **changes}  # fmt: skip


async def test_every_verdict_of_the_session_is_read(reports):
    """In the order of their evidence; those of other sessions are not asked for."""
    for minutes_ in (-15, -60):
        await reports.record("readiness_report.json", readiness(OPEN_AT + minutes_ * MINUTE))
    await reports.record("readiness_report.json", readiness(NOW), session=date(2026, 11, 17))
    found = await verdicts_of(reports.artifacts, DATE)

    assert isinstance(found, tuple), found
    assert [OPEN_AT - 60 * MINUTE, OPEN_AT - 15 * MINUTE] == [v.at for v in found]


async def test_one_lost_verdict_loses_all(reports):
    """It may have been the NO-GO."""
    await reports.record("readiness_report.json", readiness(OPEN_AT))
    entry = await reports.record("readiness_report.json", readiness(OPEN_AT))
    path = reports.root / entry.path / "readiness_report.json"
    path.chmod(0o644)
    path.write_bytes(b"{}")

    assert isinstance(await verdicts_of(reports.artifacts, DATE), NotKnown)


def deployed(at, **meta):
    """Return a recorded deploy report."""
    return {"meta": {"generated_utc": at.isoformat(), **meta}}


async def test_the_first_report_after_the_open_is_it(reports):
    """Not one from before, not the newest, and none that is later than twenty minutes."""
    for minutes_ in (-1, 12, 5, 25):
        await reports.record("deploy_report.json", deployed(OPEN_AT + minutes_ * MINUTE))
    await reports.record("deploy_report.json", {"meta": 7})
    found = await opening_report(reports.artifacts, DATE, OPEN_AT)

    assert deployed(OPEN_AT + 5 * MINUTE) == found


async def test_without_one_it_is_not_known(reports):
    """Nothing is not the same as nothing changed; nor is what cannot be read."""
    assert isinstance(await opening_report(reports.artifacts, DATE, OPEN_AT), NotKnown)
    entry = await reports.record("deploy_report.json", deployed(OPEN_AT + MINUTE))
    path = reports.root / entry.path / "deploy_report.json"
    path.chmod(0o644)
    path.write_bytes(b"{}")
    assert isinstance(await opening_report(reports.artifacts, DATE, OPEN_AT), NotKnown)


async def test_more_runs_than_are_read_are_not_known(reports, monkeypatch):
    """What lies beyond the limit may say otherwise."""
    monkeypatch.setattr(session_evidence, "MOST_REPORTS", 1)
    for _ in range(2):
        await reports.record("readiness_report.json", readiness(OPEN_AT))
        await reports.record("deploy_report.json", deployed(OPEN_AT))

    assert isinstance(await verdicts_of(reports.artifacts, DATE), NotKnown)
    assert isinstance(await opening_report(reports.artifacts, DATE, OPEN_AT), NotKnown)


async def test_a_change_at_the_very_open_is_part_of_what_was_decided_then(tmp_path):
    """The decision in force at the open is the one that it led to: nothing before it is missing."""
    at_open = changed(OPEN_AT, "MARKET_CLOSED", "OK", 1)
    found = await watched(tmp_path, decision(), decision(OPEN_AT, at_open), *minutes())

    assert () == found.halted
