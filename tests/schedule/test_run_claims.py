"""Claims: of any number of processes one has a run, and a dead one does not keep it."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from mission_control.errors import StorageError
from mission_control.schedule.claims import FOLDER, RunClaims
from mission_control.schedule.decide import LEASE_SECONDS
from mission_control.schedule.model import Job, PlannedRun

pytestmark = pytest.mark.anyio
AT = datetime(2026, 11, 20, 13, 30, tzinfo=UTC)
RUN = PlannedRun(AT, Job.PRE_MARKET, date(2026, 11, 20), AT + timedelta(minutes=45))
OTHER = PlannedRun(AT, Job.PRE_OPEN, date(2026, 11, 20), AT + timedelta(minutes=45))
LEASE = timedelta(seconds=LEASE_SECONDS)
SECOND = timedelta(seconds=1)
RACER = Path(__file__).with_name("racer.py")


async def test_one_of_two_has_a_run(tmp_path):
    """Who comes second gets nothing, and both see who has it."""
    one, two = RunClaims(tmp_path, "one"), RunClaims(tmp_path, "two")
    first, second = await one.claim(RUN, AT), await two.claim(RUN, AT)
    held = await two.held(RUN.session_date)

    assert second is None
    assert first is not None
    assert {RUN.key: first} == held
    assert ("one", 1, AT + LEASE) == (first.owner, first.attempt, first.lease_until)


async def test_runs_are_claimed_apart(tmp_path):
    """Another run of the same minute is another run."""
    claims = RunClaims(tmp_path, "one")
    await claims.claim(RUN, AT)

    assert await claims.claim(OTHER, AT) is not None
    assert {RUN.key, OTHER.key} == set(await claims.held(RUN.session_date))


async def test_a_dead_owners_run_is_taken_over_when_its_lease_is_over(tmp_path):
    """Not a second before, and then by one alone; the one that slept learns of it."""
    one, two, three = (RunClaims(tmp_path, name) for name in ("one", "two", "three"))
    first = await one.claim(RUN, AT)
    early = await two.claim(RUN, AT + LEASE - SECOND, 1)
    taken = await two.claim(RUN, AT + LEASE, 1)
    late = await three.claim(RUN, AT + LEASE, 1)

    assert (None, None) == (early, late)
    assert taken is not None
    assert ("two", 2) == (taken.owner, taken.attempt)
    assert first is not None
    assert await one.renew(RUN, first, AT + LEASE) is None


async def test_a_renewed_lease_holds_longer(tmp_path):
    """As long as its owner lives, its run is not taken over."""
    one, two = RunClaims(tmp_path, "one"), RunClaims(tmp_path, "two")
    claim = await one.claim(RUN, AT)
    assert claim is not None
    renewed = await one.renew(RUN, claim, AT + LEASE - SECOND)

    assert renewed is not None
    assert await two.claim(RUN, AT + LEASE, 1) is None
    assert renewed == (await two.held(RUN.session_date))[RUN.key]
    assert await two.claim(RUN, AT + 2 * LEASE, 1) is not None


async def test_a_released_run_is_free_at_once(tmp_path):
    """What its owner gave back when it was stopped need not wait for the lease."""
    one, two = RunClaims(tmp_path, "one"), RunClaims(tmp_path, "two")
    claim = await one.claim(RUN, AT)
    assert claim is not None
    await one.release(RUN, claim, AT + SECOND)

    assert await two.claim(RUN, AT + SECOND, 1) is not None


async def test_a_claim_follows_the_one_that_was_seen(tmp_path):
    """What another concluded from an older look holds no more, and claims nothing."""
    one, two = RunClaims(tmp_path, "one"), RunClaims(tmp_path, "two")
    claim = await one.claim(RUN, AT)
    assert claim is not None
    await one.release(RUN, claim, AT + SECOND)

    assert await two.claim(RUN, AT + SECOND) is None
    assert await two.claim(RUN, AT + SECOND, 2) is None
    assert {RUN.key: 1} == {k: c.attempt for k, c in (await two.held(RUN.session_date)).items()}


async def test_nothing_is_held_where_no_process_claimed(tmp_path):
    """Looking makes nothing: a root that is not there stays so."""
    root = tmp_path / "none"

    assert {} == await RunClaims(root, "one").held(RUN.session_date)
    assert not root.exists()


async def test_a_claim_that_cannot_be_understood_is_not_to_be_taken(tmp_path):
    """It was made by some process: claiming fails and names the file; who looks sees it."""
    claims = RunClaims(tmp_path, "one")
    await claims.claim(RUN, AT)
    (path,) = (tmp_path / FOLDER).rglob("*.claim.json")
    path.unlink()
    path.write_bytes(b"{}")

    with pytest.raises(StorageError, match=path.name):
        await claims.claim(RUN, AT + 9 * LEASE)
    shown = (await claims.held(RUN.session_date))[RUN.key]
    assert "an unknown owner (this claim cannot be understood)" == shown.owner


async def test_a_lease_that_another_process_wrote_is_not_the_owners(tmp_path):
    """A lease file with another owner's name does not prolong a claim."""
    claims = RunClaims(tmp_path, "one")
    claim = await claims.claim(RUN, AT)
    assert claim is not None
    await RunClaims(tmp_path, "one").renew(RUN, claim, AT + LEASE)
    (lease,) = (tmp_path / FOLDER).rglob("*.lease.json")
    lease.chmod(0o644)
    lease.write_bytes(lease.read_bytes().replace(b'"one"', b'"two"'))

    assert {RUN.key: claim} == await claims.held(RUN.session_date)


async def test_a_root_that_cannot_be_written_is_a_storage_error(tmp_path):
    """No run can be claimed there, and that is told with its path."""
    root = tmp_path / "file"
    root.write_bytes(b"")

    with pytest.raises(StorageError, match="file"):
        await RunClaims(root, "one").claim(RUN, AT)


async def test_old_claims_are_forgotten_and_nothing_else(tmp_path):
    """Claims are no artifacts: those to runs that have long ended go, by their session date."""
    claims = RunClaims(tmp_path, "one")
    await claims.claim(RUN, AT)
    (tmp_path / FOLDER / "notes").mkdir()
    await claims.sweep(RUN.session_date)
    kept = await claims.held(RUN.session_date)
    await claims.sweep(RUN.session_date + timedelta(days=1))

    assert {RUN.key} == set(kept)
    assert ["notes"] == [p.name for p in (tmp_path / FOLDER).iterdir()]


@pytest.mark.parametrize("moment", ["open", "unlink", "rmdir"])
async def test_a_day_that_another_process_forgets_meanwhile_is_forgotten(
    tmp_path, monkeypatch, moment
):
    """Two processes that start at once forget the same days: neither stumbles over the other."""
    claims, after = RunClaims(tmp_path, "one"), RUN.session_date + timedelta(days=1)
    await claims.claim(RUN, AT)
    real, done = getattr(os, moment), list[object]()

    def overtaken(name, *args, **kwargs):
        if not done and str(name).startswith((RUN.session_date.isoformat(), RUN.key)):
            done.append(name)
            asyncio.run(RunClaims(tmp_path, "two").sweep(after))
        return real(name, *args, **kwargs)

    monkeypatch.setattr(os, moment, overtaken)
    await claims.sweep(after)

    assert [] == list((tmp_path / FOLDER).iterdir())
    assert 1 == len(done)


async def test_a_day_in_which_a_process_claims_while_it_is_forgotten_stays(tmp_path, monkeypatch):
    """It is forgotten the next time; no process stumbles."""
    claims, after = RunClaims(tmp_path, "one"), RUN.session_date + timedelta(days=1)
    claim = await claims.claim(RUN, AT)
    assert claim is not None
    real = os.rmdir

    def overtaken(name, **kwargs):
        monkeypatch.undo()
        asyncio.run(RunClaims(tmp_path, "one").release(RUN, claim, AT))
        real(name, **kwargs)

    monkeypatch.setattr(os, "rmdir", overtaken)
    await claims.sweep(after)
    await claims.sweep(after)

    assert [] == list((tmp_path / FOLDER).iterdir())


def test_of_many_processes_one_has_each_run(tmp_path):
    """Six processes race for 200 runs on one root; each run is had exactly once (R8.4)."""
    command = [sys.executable, str(RACER), str(tmp_path)]
    start = tmp_path / "start"
    racers = [
        subprocess.Popen([*command, str(start), f"racer-{n}"], stdout=subprocess.PIPE, text=True)
        for n in range(6)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert "ready" == racer.stdout.readline().strip()
    start.touch()
    won = [line for racer in racers for line in racer.communicate(timeout=60)[0].split()]

    assert 200 == len(won) == len(set(won))
    assert {0} == {racer.returncode for racer in racers}
