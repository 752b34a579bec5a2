"""Who runs which planned run, kept in files that only one process can create."""

import asyncio
import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from mission_control.documents.canonical_json import encode_json
from mission_control.documents.instants import utc_text
from mission_control.errors import StorageError
from mission_control.records.folder import PRIVATE, Folder, storing
from mission_control.records.ledger import CLAIMS
from mission_control.records.ledger import FOLDER as RECORDS
from mission_control.records.recovery import read_whole
from mission_control.schedule.decide import LEASE_SECONDS, is_held
from mission_control.schedule.model import PlannedRun, RunClaim

FOLDER = f"{RECORDS}/{CLAIMS}"
_LEASE = timedelta(seconds=LEASE_SECONDS)
_OVERTAKEN = frozenset({errno.ENOENT, errno.ENOTEMPTY})
_MAX_BYTES = 4096
Listed = Sequence[tuple[str, int]]
_CLAIM, _RENEWED = ".claim.json", ".lease.json"


class _Account(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    owner: str
    claimed_at: AwareDatetime
    lease_until: AwareDatetime


class RunClaims:
    """
    Claims below one root.

    A claim is a file that is created whole under a name that must be free, so that of several
    processes one succeeds. Taking over from an owner that died is a claim under the next number.
    A lease is renewed in a file beside, which its owner alone replaces.
    """

    def __init__(self, root: Path, owner: str) -> None:
        """Claim below this root, as this owner: a name that no other process has."""
        self._root = root
        self._owner = owner

    async def claim(self, run: PlannedRun, now: datetime, after: int = 0) -> RunClaim | None:
        """Make the claim that follows number `after`; None where things are otherwise by now."""
        return await asyncio.to_thread(self._claim, run, now, after)

    async def renew(self, run: PlannedRun, claim: RunClaim, now: datetime) -> RunClaim | None:
        """Renew a lease; None where the run was taken over meanwhile."""
        return await asyncio.to_thread(self._renew, run, claim, now, now + _LEASE)

    async def release(self, run: PlannedRun, claim: RunClaim, now: datetime) -> None:
        """End a lease at once, because its run has ended."""
        await asyncio.to_thread(self._renew, run, claim, now, now)

    async def sweep(self, before: date) -> None:
        """Forget the claims to runs of session dates before one."""
        await asyncio.to_thread(self._sweep, before)

    async def held(self, on: date) -> dict[str, RunClaim]:
        """Return the newest claim to each run of a session date, by its key."""
        return await asyncio.to_thread(self._held, on)

    def _sweep(self, before: date) -> None:
        with Folder.open(self._root) as root, root.descend(FOLDER, create=True) as claims:
            for name, kind in claims.entries():
                if kind == stat.S_IFDIR and _is_before(name, before):
                    _forget(claims, name)

    def _claim(self, run: PlannedRun, now: datetime, after: int) -> RunClaim | None:
        with Folder.open(self._root) as root, root.descend(_folder(run), create=True) as folder:
            known = _newest(folder, run.key, folder.entries())
            if (known.attempt if known else 0) != after:
                return None
            if known is not None and is_held(known, now):
                return None
            claim = RunClaim(self._owner, after + 1, now, now + _LEASE)
            try:
                folder.write_once(f"{run.key}.{after + 1}{_CLAIM}", _write(claim), mode=PRIVATE)
            except StorageError as error:
                if isinstance(error.__cause__, FileExistsError):
                    return None
                raise
            return claim

    def _renew(
        self, run: PlannedRun, claim: RunClaim, now: datetime, until: datetime
    ) -> RunClaim | None:
        with Folder.open(self._root) as root, root.descend(_folder(run), create=True) as folder:
            if folder.exists(f"{run.key}.{claim.attempt + 1}{_CLAIM}"):
                return None
            renewed = replace(claim, lease_until=max(now, until))
            folder.replace(f"{run.key}.{claim.attempt}{_RENEWED}", _write(renewed), mode=PRIVATE)
            return renewed

    def _held(self, on: date) -> dict[str, RunClaim]:
        try:
            with (
                Folder.open_existing(self._root) as root,
                root.descend(f"{FOLDER}/{on.isoformat()}") as folder,
            ):
                listed = folder.entries()
                keys = {name.split(".")[0] for name, _ in listed if _CLAIM in name}
                found = {key: _shown(folder, key, listed) for key in sorted(keys)}
        except StorageError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return {}
            raise
        return {key: claim for key, claim in found.items() if claim is not None}


def _forget(claims: Folder, name: str) -> None:
    """Remove the claims of a day, and the day; another process may do so at the same time."""
    try:
        with claims.child(name) as day, storing(day.path):
            for each, _ in day.entries():
                os.unlink(each, dir_fd=day.descriptor)
        with storing(f"{claims.path}/{name}"):
            os.rmdir(name, dir_fd=claims.descriptor)
    except StorageError as error:
        meanwhile = isinstance(error.__cause__, OSError) and error.__cause__.errno in _OVERTAKEN
        if not meanwhile:
            raise  # else the quicker process goes on, or we do the next time


def _is_before(name: str, before: date) -> bool:
    try:
        return date.fromisoformat(name) < before
    except ValueError:
        return False


def _folder(run: PlannedRun) -> str:
    return f"{FOLDER}/{run.session_date.isoformat()}"


def _shown(folder: Folder, key: str, listed: Listed) -> RunClaim | None:
    """Return the newest claim to show; one that cannot be understood has no known owner."""
    try:
        return _newest(folder, key, listed)
    except StorageError as error:
        never = datetime.min.replace(tzinfo=UTC)
        return RunClaim(f"an unknown owner ({error.problem})", 1, never, never)


def _newest(folder: Folder, key: str, listed: Listed) -> RunClaim | None:
    """
    Return the claim with the highest number, with its lease as renewed last.

    Raises StorageError for a claim that cannot be understood: it was made, its owner is not
    known, and so it may not be taken over.
    """
    attempts = sorted(_attempts(listed, key))
    if not attempts:
        return None
    attempt = attempts[-1]
    claim = _read(folder, f"{key}.{attempt}{_CLAIM}", attempt)
    if claim is None:
        raise StorageError(
            "this claim cannot be understood",
            path=f"{folder.path}/{key}.{attempt}{_CLAIM}",
            remedy="see which process runs the job, and remove the file once none does",
        )
    renewed = f"{key}.{attempt}{_RENEWED}"
    there = any(name == renewed for name, _ in listed)
    again = _read(folder, renewed, attempt) if there else None
    return again if again is not None and again.owner == claim.owner else claim


def _attempts(listed: Listed, key: str) -> Iterator[int]:
    for name, _ in listed:
        if name.startswith(f"{key}.") and name.endswith(_CLAIM):
            number = name.removeprefix(f"{key}.").removesuffix(_CLAIM)
            if number.isdecimal():
                yield int(number)


def _read(folder: Folder, name: str, attempt: int) -> RunClaim | None:
    try:
        account = _Account.model_validate_json(read_whole(folder, name, _MAX_BYTES))
    except ValidationError:
        return None
    return RunClaim(account.owner, attempt, account.claimed_at, account.lease_until)


def _write(claim: RunClaim) -> bytes:
    return encode_json(
        {
            "owner": claim.owner,
            "claimed_at": utc_text(claim.claimed_at),
            "lease_until": utc_text(claim.lease_until),
        }
    )
