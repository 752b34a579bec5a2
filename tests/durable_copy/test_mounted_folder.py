"""Record, durable copy: a mounted folder gets whole files, once, and nothing there is touched."""

import asyncio
import errno
import fcntl
import hashlib
import os
from datetime import timedelta

import pytest

from mission_control.durable_copy.mounted_folder import NOT_MOUNTED, MountedFolder
from mission_control.errors import StorageError
from tests.records.runs import NOW, everything

pytestmark = pytest.mark.anyio
NAME = "audit_artifacts/ops_runs/20261120T133000Z_intraday_sample/posture.json"


@pytest.fixture
def there(tmp_path):
    """Return a folder in the place of a mount, beside a root."""
    (tmp_path / "root").mkdir()
    (tmp_path / "mount").mkdir()
    return tmp_path / "mount"


@pytest.fixture
def folder(there):
    """Return it as a destination."""
    return MountedFolder(there, there.parent / "root")


async def test_what_is_created_is_there_once_and_for_all(folder, there):
    """A file is created read-only; a second time is refused and changes nothing."""
    assert await folder.create(NAME, b"first") is True
    assert await folder.create(NAME, b"second") is False

    assert {NAME: b"first"} == everything(there)
    assert 0o444 == (there / NAME).stat().st_mode & 0o777
    assert (hashlib.sha256(b"first").hexdigest(), 5) == await folder.digest(NAME)


async def test_of_writers_that_race_one_wins(there):
    """Of eight that create the same name at once exactly one does, and its bytes stay."""
    folders = [MountedFolder(there, there.parent / "root") for _ in range(8)]
    for number in range(20):
        name = f"{NAME}.{number}"
        made = (f.create(name, bytes([n]) * 50_000) for n, f in enumerate(folders))
        won = await asyncio.gather(*made)

        assert 1 == sum(won)
        assert bytes([won.index(True)]) * 50_000 == (there / name).read_bytes()


async def test_only_what_is_wanted_is_listed(folder, there):
    """Names and sizes below the folders of a copy, and nothing that is half written."""
    for name in (NAME, "ledger/1", "ops/lkg/x/manifest.yaml", "durable_copy.json"):
        await folder.create(name, b"12345")
    (there / "ledger/.tmp-mission-control-x").write_bytes(b"half")

    listed = await folder.listing(lambda path: "lkg" not in path)

    assert {NAME: 5, "ledger/1": 5} == listed


async def test_only_what_we_left_half_written_long_ago_is_removed(there):
    """Other things may live there: what is not ours by name or place, is young or held stays."""
    ours = ".tmp-mission-control-"
    places = [
        *(f"{top}{ours}{age}" for top in ("", "elsewhere/", "ledger/") for age in ("old", "new")),
        "ledger/.tmp-theirs",
        f"audit_artifacts/ops_runs/x/{ours}old",
        f"audit_artifacts/ops_runs/x/{ours}held",
    ]
    for place in places:
        (there / place).parent.mkdir(parents=True, exist_ok=True)
        (there / place).write_bytes(b"half")
        age = timedelta(hours=23) if place.endswith("new") else timedelta(hours=25)
        at = (NOW - age).timestamp()
        os.utime(there / place, (at, at))
    (there / f"ledger/{ours}folder").mkdir()
    root = there.parent / "root"
    with (there / places[-1]).open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        await MountedFolder(there, root).listing(lambda _: True)
        untouched = everything(there)
        await MountedFolder(there, root, clock=lambda: NOW).listing(lambda _: True)

    assert sorted(places) == sorted(untouched)
    gone = {f"{ours}old", f"ledger/{ours}old", f"audit_artifacts/ops_runs/x/{ours}old"}
    assert set(places) - gone == everything(there).keys()


async def test_what_is_not_mounted_is_no_place_elsewhere(folder, there, monkeypatch):
    """Where no mount is at the folder or above it, the disk of this machine is filled."""
    mounts = {"/"}
    monkeypatch.setattr(os.path, "ismount", lambda path: str(path) in mounts)
    assert NOT_MOUNTED in await folder.cautions()
    mounts.add(str(there.parent))
    assert NOT_MOUNTED not in await folder.cautions()


async def test_a_folder_that_became_another_is_left(folder, there):
    """Where a mount goes away in the middle, the disk below it gets nothing."""
    assert await folder.exists(NAME.partition("/")[0]) is False
    await folder.create(NAME, b"first")
    assert await folder.exists(NAME) is True
    there.rename(there.parent / "unmounted")
    there.mkdir()

    for call in (folder.create("ledger/1", b"x"), folder.exists("ledger/1")):
        with pytest.raises(StorageError, match="another folder is there now"):
            await call
    assert {} == everything(there)


@pytest.mark.parametrize("name", ["../outside", "ledger/../../outside", "a//b", ""])
async def test_no_name_leads_out_of_the_folder(folder, there, name):
    """A name that is none is refused, and nothing is written anywhere."""
    with pytest.raises(StorageError):
        await folder.create(name, b"x")

    assert {} == everything(there.parent)


async def test_links_there_are_not_followed(folder, there):
    """A link in the place of a folder or a file is neither written through nor read."""
    (there / "audit_artifacts").symlink_to(there.parent)
    (there / "ledger").mkdir()
    (there / "ledger/1").symlink_to("/etc/passwd")

    for call in (folder.create(NAME, b"x"), folder.digest(NAME), folder.digest("ledger/1")):
        with pytest.raises(StorageError):
            await call


async def test_what_is_no_file_is_a_named_failure(folder, there):
    """A folder where a file belongs, and a file that is not there, are StorageErrors."""
    (there / "ledger/1").mkdir(parents=True)
    assert await folder.create("ledger/1", b"x") is False
    for name in ("ledger/1", "ledger/2"):
        with pytest.raises(StorageError, match=name):
            await folder.digest(name)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        pytest.param(errno.EPERM, "it needs hard links", id="perhaps no hard links"),
        pytest.param(errno.EOPNOTSUPP, "it needs hard links", id="no hard links"),
        pytest.param(errno.ENOSPC, "free some space there", id="full"),
        pytest.param(errno.EIO, "still mounted, and whole", id="broken"),
    ],
)
async def test_a_fault_of_the_place_is_told_with_a_remedy_for_it(
    folder, there, monkeypatch, number, words
):
    """Its remedy does not send a reader to the record's own root."""

    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(StorageError, match=words) as failed:
        await folder.create(NAME, b"x")

    assert "--root" not in str(failed.value)
    assert str(there) in failed.value.path
    assert {} == everything(there)
