"""Alerts of a server: kept, joined after a restart, handed to delivery, and never in the way."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace

import pytest

from mission_control.alerts.load import load_alert_rules, load_rules, load_waivers
from mission_control.alerts.model import AlertBook, AlertQuery, AlertState
from mission_control.alerts.run import (
    AlertParts,
    AlertWatch,
    RulesInForce,
    RunsRead,
    job_of,
)
from mission_control.alerts.store import AlertStore
from mission_control.errors import StorageError
from mission_control.history.alert_rows import AlertRows
from mission_control.history.database import migrate, open_engine
from mission_control.processes.followed_file import FollowedFile
from mission_control.readiness.model import ReadinessVerdict, RecordedVerdict
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.schedule.model import Job, RunOutcome
from tests.alerts.hurts import says, silence
from tests.alerts.recorded_day import CALENDAR, FLOOR, RULES, LivedDay, at
from tests.floor.floor_of_values import INGEST, MARKETDATA, STRATEGY

DAY = date(2026, 11, 18)
OPEN = at(DAY, "10:00:00")
SOON = timedelta(seconds=30)

pytestmark = pytest.mark.anyio


class Server:
    """What a server connects alerts to, on a real history below a root."""

    def __init__(self, root) -> None:
        """Begin with a calm floor."""
        self.root, self.day = root, LivedDay(OPEN)
        self.engine = open_engine(root, None)
        migrate(self.engine)
        self.store = AlertStore(AlertRows(self.engine, "one"))
        self.taken: list[AlertBook] = []
        self.runs: list | None = []
        self.in_force = RulesInForce(RULES)
        self.watch = AlertWatch(self.parts())

    def parts(self) -> AlertParts:
        """Connect it."""

        async def lately():
            if self.runs == ["broken"]:
                raise StorageError("the ledger cannot be read", path="ledger")
            return self.runs

        async def began():
            return OPEN - timedelta(days=1)

        return AlertParts(
            FLOOR,
            self.store,
            self.in_force,
            CALENDAR,
            lambda: self.day.now,
            ArtifactReader(self.root, lambda: self.day.now),
            lately,
            lambda: "",
            began,
            self.taken.append,
        )

    @asynccontextmanager
    async def running(self):
        """Run it for the time of the block, once what was before is known."""
        task = asyncio.create_task(self.watch.run())
        await self.until(lambda: self.taken)
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until(self, true) -> None:
        """Wait for something to be true."""
        async with asyncio.timeout(20):
            while not true():  # noqa: ASYNC110  (of others: a thread, a disk)
                await asyncio.sleep(0.01)

    async def step(self, *hurts, seconds=1.0) -> AlertBook:
        """Let the floor be decided, and hand it to the alerts."""
        self.day.hurts[:] = hurts
        self.day.answer(seconds)
        self.watch.note_decision(self.day.snapshot(), ())
        await asyncio.sleep(0.05)
        return self.watch.current()


@pytest.fixture
def server(tmp_path):
    """Return a server whose history is empty."""
    made = Server(tmp_path)
    yield made
    made.engine.dispose()


def written(server, changes=1) -> bool:
    """Return whether so many changes of alerts are on the disk."""
    rows = AlertRows(server.engine, "one").transitions(AlertQuery())
    return len(rows.transitions) >= changes


def restarted(server) -> Server:
    """Return the server after a kill: nothing of it is left but the disk."""
    server.engine.dispose()
    again = Server(server.root)
    again.day.now = server.day.now
    return again


async def test_what_fires_is_kept_before_it_is_delivered(server):
    """R11.11: the book that delivery gets is on the disk already."""
    async with server.running():
        await server.step(silence(INGEST))
        await server.until(lambda: server.taken and server.taken[-1].alerts)
        kept = await AlertStore(AlertRows(server.engine, "one")).load(OPEN)
        page = await server.store.transitions(AlertQuery())

    assert kept.alerts == server.taken[-1].alerts
    assert [AlertState.FIRING] == [a.state for a in kept.alerts]
    assert [True] == [t.pages for t in page.transitions]


async def test_a_restart_pages_nothing_again_and_forgets_no_resolve(server):
    """R11.11: killed while it fires, the next start has the same alert, and ends it."""
    async with server.running():
        before = await server.step(silence(INGEST))
        await server.until(lambda: server.taken and server.taken[-1].alerts)
    again = restarted(server)
    async with again.running():
        during = await again.step(silence(INGEST))
        await again.step(seconds=30)
        after = await again.step(seconds=70)
        await again.until(lambda: written(again, 2))
        page = await again.store.transitions(AlertQuery())
    again.engine.dispose()

    assert before.alerts == during.alerts
    assert [AlertState.RESOLVED] == [a.state for a in after.alerts]
    assert [AlertState.RESOLVED, AlertState.FIRING] == [t.to_state for t in page.transitions]


async def test_a_history_that_cannot_be_written_holds_up_no_page(server, monkeypatch):
    """R11.3: it is delivered all the same, and written once that is possible."""
    monkeypatch.setattr("mission_control.alerts.run.SAVE_AGAIN_SECONDS", 0.05)
    real, failing = server.store.save, [True]

    async def save(book, transitions):
        if failing:
            raise StorageError("the disk is full", path="history")
        await real(book, transitions)

    server.store.save = save
    async with server.running():
        await server.step(silence(INGEST))
        await server.until(lambda: server.taken and server.taken[-1].alerts)
        unwritten = await server.store.load(OPEN)
        failing.clear()
        await server.until(lambda: written(server))
        page = await server.store.transitions(AlertQuery())

    assert () == unwritten.alerts
    assert [True] == [t.pages for t in page.transitions]


async def test_a_history_that_is_slow_holds_up_no_page(server, monkeypatch):
    """R11.3: what is not kept in time is delivered, and so is what fires while it hangs."""
    monkeypatch.setattr("mission_control.alerts.run.PATIENCE_SECONDS", 0.05)
    real, hanging = server.store.save, asyncio.Event()

    async def save(book, transitions):
        await hanging.wait()
        await real(book, transitions)

    async with server.running():
        server.store.save = save
        await server.step(silence(INGEST))
        await server.until(lambda: server.taken[-1].alerts)
        await server.step(silence(INGEST), says(STRATEGY, "agent_identity.agent_mode", "LIVE"))
        late = len(server.taken[-1].alerts)
        hanging.set()
        await server.until(lambda: written(server))
        await asyncio.sleep(0.2)
        kept = await AlertStore(AlertRows(server.engine, "one")).load(OPEN)

    assert 2 == late == len(server.taken[-1].alerts) == len(kept.alerts)


async def test_a_history_that_cannot_be_read_at_a_start_is_joined_later(server, monkeypatch):
    """R11.11: what fired before the start is not overwritten, and ends when it is known."""
    async with server.running():
        await server.step(silence(INGEST))
        await server.until(lambda: server.taken and server.taken[-1].alerts)
    again = restarted(server)
    monkeypatch.setattr("mission_control.alerts.run.SAVE_AGAIN_SECONDS", 0.05)
    monkeypatch.setattr("mission_control.alerts.run.LOAD_SECONDS", 0.0)
    real, failing = again.store.load, [True]

    async def load(at):
        if failing:
            raise StorageError("the database is locked", path="history")
        return await real(at)

    again.store.load = load
    task = asyncio.create_task(again.watch.run())
    await again.step(seconds=0)
    await again.step(silence(MARKETDATA))
    await again.until(lambda: again.taken and again.taken[-1].alerts)
    alone = {a.subject for a in again.taken[-1].alerts}
    failing.clear()
    await asyncio.sleep(0.3)
    await again.step(silence(MARKETDATA))
    await again.until(lambda: len(again.taken[-1].alerts) > 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    again.engine.dispose()

    assert {"marketdata-mcp-server"} == alone
    assert {"marketdata-mcp-server", "market-ingest"} == {a.subject for a in again.taken[-1].alerts}


async def test_a_bug_of_ours_stops_no_floor(server, caplog, monkeypatch):
    """The floor is decided all the same; and that we decide no alert shows to the watchdog."""
    async with server.running():
        await server.step()
        before = server.watch.is_deciding()
        server.watch.note_decision(SimpleNamespace(at=None), ())  # pyright: ignore[reportArgumentType]
        loop, later = asyncio.get_running_loop(), asyncio.get_running_loop().time() + 10
        monkeypatch.setattr(loop, "time", lambda: later)
        after = server.watch.is_deciding()
        monkeypatch.undo()

    assert (True, False) == (before, after)
    assert "deciding the alerts failed" in caplog.text


async def test_before_what_was_is_known_nothing_is_decided(server):
    """R11.11: for a few seconds, for what fires would seem new."""
    await server.step(silence(INGEST))

    assert () == server.watch.current().alerts
    assert not server.watch.is_deciding()


async def test_what_became_of_runs_is_read_beside(server, monkeypatch):
    """R11.10: and where it cannot be read, what was told stays."""
    monkeypatch.setattr("mission_control.alerts.run.RUNS_SECONDS", 0.05)
    server.day.run(Job.OPEN_VERIFICATION, RunOutcome.FAILED)
    server.runs = list(server.day.runs)
    async with server.running():
        await asyncio.sleep(0.3)
        fired = await server.step()
        server.runs = ["broken"]
        await asyncio.sleep(0.3)
        await server.step(seconds=30)
        stays = await server.step(seconds=70)
        server.runs = None
        await asyncio.sleep(0.2)

    assert ["run_lost"] == [a.rule for a in fired.alerts] == [a.rule for a in stays.alerts]


def test_a_verdict_is_of_the_run_that_was_planned_last_before_it():
    """R11.9: one by hand counts for the hour in which it was made."""
    day = LivedDay(at(DAY, "09:20:00"))
    for job in (Job.PRE_MARKET, Job.PRE_OPEN, Job.OPEN_VERIFICATION, Job.INTRADAY_SAMPLE):
        day.run(job, RunOutcome.SUCCEEDED)
    verdict = RecordedVerdict(day.now, str(DAY), ReadinessVerdict.NO_GO, "", "")

    assert Job.PRE_OPEN is job_of(day.runs, verdict)
    assert None is job_of(day.runs, replace(verdict, at=at(DAY, "08:00:00")))
    assert None is job_of(day.runs, replace(verdict, session_date="2026-11-17"))


async def test_runs_that_nothing_plans_here_are_not_known(tmp_path):
    """A process that has no scheduler judges no run."""
    read = RunsRead(runs=())

    async def nothing():
        return None

    await read.read(nothing, ArtifactReader(tmp_path, lambda: OPEN))

    assert None is read.runs


async def test_changed_rules_and_waivers_are_taken(tmp_path, monkeypatch):
    """R11.4: whole and valid, or those from before stay, and it is said."""
    monkeypatch.setattr("mission_control.processes.followed_file.SETTLED_SECONDS", 0.0)
    rules, waivers = tmp_path / "rules.yaml", tmp_path / "waivers.yaml"
    rules.write_text("rules: []\n")
    waivers.write_text("waivers: []\n")
    in_force = RulesInForce(
        load_alert_rules(rules, waivers),
        FollowedFile(rules, load_rules, load_rules(rules)[0]),
        FollowedFile(waivers, load_waivers, load_waivers(waivers)[0]),
    )

    async def looked(times=4):
        for _ in range(times):
            await in_force.look()
        return in_force.take_reloads()

    await looked()
    rules.write_text("rules:\n- {rule: run_lost, disabled: true}\n")
    until = "until: 2026-12-01T21:00:00Z, who: me, why: known"
    waivers.write_text(f"waivers:\n- {{code: TIMEOUT, subject: a, {until}}}\n")
    taken = await looked()
    good = in_force.rules
    rules.write_text("rules:\n- {rule: execution_evidence, disabled: true}\n")
    refused = await looked()

    assert ["alert rules", "alert waivers"] == [r.what for r in taken]
    assert (None, ["a"]) == (good.rule("run_lost"), [w.subject for w in good.waivers])
    assert ["execution_evidence is P0" in r.trouble for r in refused] == [True]
    assert good is in_force.rules


async def test_where_deciding_takes_long_it_rests_and_no_p0_does(server, monkeypatch):
    """R11.3: thousands of alerts slow none of the floor's decisions down, and no P0."""
    async with server.running():
        await server.step()
        monkeypatch.setattr("mission_control.alerts.run.RESTS", 1_000_000)
        await server.step(silence(INGEST))
        resting = server.watch.current().alerts
        await server.step(silence(INGEST), says(STRATEGY, "agent_identity.agent_mode", "LIVE"))

    assert () == resting
    assert {"P0", "P1"} == {a.severity.value for a in server.watch.current().alerts}


async def test_after_a_long_stall_what_was_not_asked_since_is_no_news(server):
    """R11.3: evidence expired because we did not look; what is asked again counts at once."""
    async with server.running():
        for _ in range(10):
            await server.step(seconds=10)
        server.day.now += timedelta(minutes=5)
        server.watch.note_decision(server.day.snapshot(), ())
        stalled = server.watch.current().alerts
        await server.step(silence(INGEST))

    assert () == stalled
    assert ["service_unexpected"] == [a.rule for a in server.watch.current().alerts]
