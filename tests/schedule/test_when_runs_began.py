"""The server's runs began when they began to look, however long what they read takes."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import orjson
import pytest

from mission_control.durable_copy.mounted_folder import MountedFolder
from mission_control.history.database import migrate, open_engine
from mission_control.history.reader import HistoryReader
from mission_control.last_known_good.run import BuildFacts
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.schedule.jobs import job_runners
from mission_control.schedule.model import Job, PlannedRun
from mission_control.schedule.planned_run import record_overlap, run_claimed
from tests.durable_copy.keeping import KeptRecord
from tests.floor.floor_of_values import CLOSE_AT, NOW
from tests.ops_bundle.test_ops_bundle import parts_of
from tests.schedule.day_of_values import run_sources

pytestmark = pytest.mark.anyio
TAKES = timedelta(seconds=40)
EVENING = CLOSE_AT + timedelta(hours=2)


@dataclass
class Passing:
    """A clock that stands until something takes time."""

    now: datetime

    def __call__(self) -> datetime:
        """Say what time it is."""
        return self.now

    def pass_by(self) -> None:
        """Let the time pass that something takes."""
        self.now += TAKES


class SlowRecord(ArtifactReader):
    """A record whose pages take their time."""

    def __init__(self, root, clock: Passing) -> None:
        """Read below this root."""
        super().__init__(root, clock)
        self.passing = clock

    async def page(self, query):
        """Give a page, after a while."""
        self.passing.pass_by()
        return await super().page(query)


class SlowHistory(HistoryReader):
    """A history that takes its time."""

    def __init__(self, engine, clock) -> None:
        """Read this database."""
        super().__init__(engine)
        self.clock = clock

    async def minutes(self, since, until):
        """Give the minutes, after a while."""
        self.clock.pass_by()
        return await super().minutes(since, until)


async def run(root, clock, job, runner):
    """Run a planned run to its end; gives when it began, and its own account."""
    sources = run_sources(root, clock)
    planned = PlannedRun(clock(), job, NOW.date(), clock() + timedelta(hours=1))
    claim = await sources.claims.claim(planned, clock(), 0)
    began = clock()
    assert claim is not None
    assert None is await run_claimed(planned, claim, runner, sources)
    told = [orjson.loads(p.read_bytes()) for p in root.rglob("run.json")]
    (account,) = (a for a in told if a["planned"])
    return began, account


def runners_of(parts, keeping, history=None, place=None):
    """Return what runs each job."""

    async def find_build():
        return BuildFacts()

    return job_runners(parts, keeping, history, find_build, lambda: place)


def instants(account):
    """Give when a run began and when it was finished, as its account says."""
    return [datetime.fromisoformat(account[k]) for k in ("started", "finished")]


KEEPING = (Job.ATTESTATION, Job.RETENTION, Job.DURABLE_COPY)
LOOKING = tuple(job for job in Job if job not in {*KEEPING, Job.LKG_CAPTURE})


@pytest.mark.parametrize("job", LOOKING, ids=str)
async def test_a_run_that_looks_began_before_it_looked(tmp_path, job):
    """What the floor took to be looked at lies between started and finished."""
    clock = Passing(NOW)
    made = parts_of(tmp_path)

    async def look():
        clock.pass_by()
        return await made.look()

    runners = runners_of(replace(made, look=look, clock=clock), KeptRecord(tmp_path).parts)
    began, account = await run(tmp_path, clock, job, runners[job])

    assert 0 == account["exit_code"] or "verdict" in account["notes"]
    assert [began, began + TAKES] == instants(account)


@pytest.mark.parametrize("job", KEEPING, ids=str)
async def test_a_run_that_keeps_began_before_it_read(tmp_path, job):
    """What history, the record or the destination took lies between started and finished."""
    root, mount = tmp_path / "root", tmp_path / "mount"
    root.mkdir()
    mount.mkdir()
    clock = Passing(EVENING)
    KeptRecord(root, now=EVENING - timedelta(minutes=5)).add()
    parts = replace(KeptRecord(root).parts, artifacts=SlowRecord(root, clock), clock=clock)
    engine = open_engine(root, None)
    migrate(engine)
    place = MountedFolder(mount, root)
    runners = runners_of(parts_of(root), parts, SlowHistory(engine, clock), place)
    began, account = await run(root, clock, job, runners[job])
    engine.dispose()
    started, finished = instants(account)

    assert began == started
    assert TAKES <= finished - started


async def test_a_run_that_breaks_or_never_begins_says_so_from_its_beginning(tmp_path):
    """A failure covers what was tried; a run that never began has no length."""
    clock = Passing(NOW)

    async def broken(_origin):
        clock.pass_by()
        raise ZeroDivisionError

    began, account = await run(tmp_path, clock, Job.PRE_OPEN, broken)
    sources = run_sources(tmp_path, clock)
    over = PlannedRun(clock(), Job.INTRADAY_SAMPLE, NOW.date(), clock() + TAKES)
    await record_overlap(over, sources)
    told = [orjson.loads(p.read_bytes()) for p in tmp_path.rglob("run.json")]
    (skipped,) = (a for a in told if "overlapped" in a["notes"])

    assert [began, began + TAKES] == instants(account)
    assert [clock(), clock()] == instants(skipped)
