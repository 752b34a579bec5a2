"""Observe: the kill switch is heard, and what cannot be heard says nothing."""

import asyncio
import os
import socket
import subprocess
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from mission_control.cluster.read import observer as config_map_module
from mission_control.cluster.read.lister import ClusterLister
from mission_control.cluster.read.observer import ConfigMapSwitch
from mission_control.kill_switch import read as read_module
from mission_control.kill_switch.read import SwitchFile, SwitchReader
from mission_control.model.kill_switch import SourceKind
from mission_control.model.reading import Seen, Unseen
from mission_control.simulation.scenario import ApiFault, ClusterStage
from tests.cluster.test_cluster_reader import FLOOR, Cluster
from tests.hanging_files import hanging
from tests.ports import PATIENCE_SECONDS
from tests.probe.conftest import NOW
from tests.real_parts import lacking

pytestmark = pytest.mark.anyio


async def heard(path, environment=None):
    """Read the sources once."""
    return await SwitchReader(path, environment or {}, lambda: NOW).read()


async def test_the_file_is_heard_as_it_is(tmp_path):
    """A readable file is heard word for word."""
    path = tmp_path / "EXECUTION_HALTED"
    path.write_text("1\n")

    (switch_source,) = await heard(path)

    assert (SourceKind.FILE, str(path)) == (switch_source.kind, switch_source.source)
    assert Seen("1\n", NOW) == switch_source.reading


def missing(path):
    """Leave the file out."""


def directory(path):
    """Put a folder in its place."""
    path.mkdir()


def not_text(path):
    """Write bytes that are no text."""
    path.write_bytes(b"\xff\xfe1")


def fifo(path):
    """Put in its place what waits for a writer to be opened."""
    os.mkfifo(path)


def listening(path):
    """Put a socket in its place."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def device(path):
    """Link to what never ends."""
    path.symlink_to("/dev/zero")


def dangling(path):
    """Link to nowhere, as a mount does whose ConfigMap is gone."""
    path.symlink_to(path.parent / "..data")


@pytest.mark.parametrize("hurt", [missing, directory, not_text, dangling, fifo, listening, device])
async def test_what_cannot_be_read_is_unreadable(tmp_path, hurt):
    """A file that cannot be read is UNREADABLE, never "not halted"."""
    path = tmp_path / "EXECUTION_HALTED"
    hurt(path)

    (switch_source,) = await heard(path)

    assert isinstance(switch_source.reading, Unseen)
    assert "UNREADABLE" == switch_source.reading.code
    assert switch_source.reading.detail


async def test_only_the_first_bytes_are_read(tmp_path):
    """A huge file is read no further than its first 4 KiB."""
    path = tmp_path / "EXECUTION_HALTED"
    path.write_text("1" * 100_000)

    (switch_source,) = await heard(path)

    assert isinstance(switch_source.reading, Seen)
    assert 4096 == len(switch_source.reading.value)


async def test_a_file_that_comes_back_is_heard_again(tmp_path):
    """An unreadable file is read again each time."""
    path = tmp_path / "EXECUTION_HALTED"
    sources = SwitchReader(path, {}, lambda: NOW)
    first = (await sources.read())[0].reading
    path.write_text("1")

    assert (Unseen, Seen) == (type(first), type((await sources.read())[0].reading))


async def test_the_environment_is_heard(tmp_path):
    """Variables are heard as they are set; what is not configured abstains."""
    told = await heard(None, {"EXECUTION_HALTED": "0"})

    assert [(SourceKind.ENVIRONMENT, "EXECUTION_HALTED")] == [(w.kind, w.source) for w in told]
    assert () == await heard(None)


@pytest.mark.parametrize(
    ("hurt", "kind"),
    [(fifo, "a FIFO"), (listening, "a socket"), (device, "a character device")],
    ids=["fifo", "socket", "device"],
)
async def test_what_is_no_file_is_refused_by_name(tmp_path, hurt, kind):
    """It is never opened, for that could wait for ever, and the reason says what it is."""
    path = tmp_path / "EXECUTION_HALTED"
    hurt(path)

    (switch_source,) = await heard(path)

    assert isinstance(switch_source.reading, Unseen)
    assert f"it is {kind}, not a regular file" == switch_source.reading.detail


class Moving:
    """A clock that is moved by hand."""

    def __init__(self):
        """Begin now."""
        self.now = NOW

    def __call__(self):
        """Return the instant."""
        return self.now


@pytest.fixture
def switch(tmp_path, monkeypatch):
    """Return a switch's file that says 1, what reads it, and the clock by which it is read."""
    monkeypatch.setattr(read_module, "DEADLINE_SECONDS", PATIENCE_SECONDS)
    path, clock = tmp_path / "EXECUTION_HALTED", Moving()
    path.write_text("1")
    return path, SwitchFile(path, clock), clock


@contextmanager
def impatience():
    """Return reads up soon, where they hang for certain."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read_module, "DEADLINE_SECONDS", 0.2)
        yield


async def test_what_was_last_read_counts_while_it_is_young(switch):
    """A slow read changes nothing for 45 s, and its age is told; then nothing is known any more."""
    path, file, clock = switch
    first = (await file.read()).said
    with hanging(path), impatience():
        clock.now += timedelta(seconds=45)
        young = (await file.read()).said
        clock.now += timedelta(seconds=1)
        old = (await file.read()).said

    assert Seen("1", NOW) == first == young
    assert isinstance(old, Unseen)
    assert "not read within 0 s" == old.detail


async def test_a_file_that_is_well_again_is_heard_at_once(switch):
    """Whatever became of the reads that hang: they hang on a file that is another by now."""
    path, file, clock = switch
    with hanging(path):
        with impatience():
            before = (await file.read()).said
        path.rename(path.with_name("old"))
        path.write_text("0")
        clock.now += timedelta(seconds=2)
        after = (await file.read()).said

    assert isinstance(before, Unseen)
    assert Seen("0", NOW + timedelta(seconds=2)) == after


async def test_a_changed_value_is_heard_however_late_it_is_read(switch):
    """A read that was given up still tells what it found, and that counts from its beginning."""
    path, file, clock = switch
    await file.read()
    clock.now += timedelta(seconds=1)
    path.write_text("0")
    with hanging(path), impatience():
        hung = (await file.read()).said
        clock.now += timedelta(seconds=5)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while file._hanging:  # noqa: ASYNC110, SLF001  (only the file learns of the thread)
            await asyncio.sleep(0.01)
    with hanging(path), impatience():
        late = (await file.read()).said

    assert Seen("1", NOW) == hung
    assert Seen("0", NOW + timedelta(seconds=1)) == late


@pytest.mark.parametrize("hurt", [missing, directory, not_text, dangling, fifo])
async def test_what_is_read_as_gone_is_not_slow(switch, hurt):
    """A file that is seen to be gone or to be no file ends what was read before, at once."""
    path, file, _ = switch
    await file.read()
    path.unlink()
    hurt(path)

    assert isinstance((await file.read()).said, Unseen)
    path.rmdir() if hurt is directory else path.unlink(missing_ok=True)
    path.write_text("1")
    with hanging(path), impatience():
        slow = (await file.read()).said
    assert isinstance(slow, Unseen)
    assert slow.detail.startswith("not read within 0 s; before, ")


async def test_reads_that_hang_are_bounded(switch, monkeypatch):
    """A few are begun at once, others a minute apart, and beyond the most none: that is said."""
    path, file, clock = switch
    monkeypatch.setattr(read_module, "MOST_HANGING", 5)
    with hanging(path), impatience():
        told = [(await file.read()).said for _ in range(5)]
        clock.now += timedelta(seconds=60)
        told += [(await file.read()).said for _ in range(2)]
        clock.now += timedelta(hours=1)
        told.append((await file.read()).said)

    late, few, most = "not read within 0 s", "4 reads of it hang", "5 reads of it hang"
    assert [late] * 4 + [few, late, most, most] == [u.detail for u in told if isinstance(u, Unseen)]


class SwitchMap:
    """The switch's ConfigMap in a cluster, and what hears it by a clock of its own."""

    def __init__(self):
        """Serve a cluster in which the switch is engaged."""
        self.cluster, self.clock = Cluster(), Moving()
        lister = ClusterLister(self.cluster.server, self.clock)
        self.sources = SwitchReader(None, {}, self.clock, ConfigMapSwitch(lister, FLOOR))

    async def read(self, fault=None, **stage) -> Any:
        """Hear it once, with a fault of the API server or another stage."""
        faults = {(FLOOR, "configmaps"): fault} if fault else {}
        self.cluster.stage = ClusterStage(faults=faults, **stage)
        (switch_source,) = await self.sources.read()
        return switch_source.reading


@pytest.mark.parametrize("fault", [ApiFault.THROTTLED, ApiFault.UNAVAILABLE, ApiFault.HUNG])
async def test_a_silent_api_server_leaves_the_switch_as_it_was_last_heard(fault, monkeypatch):
    """For 45 s, and with the time at which it was heard; a value that changed is heard at once."""
    switch = SwitchMap()
    first = await switch.read()
    monkeypatch.setattr(config_map_module, "DEADLINE_SECONDS", 0.3)
    switch.clock.now += timedelta(seconds=45)
    young = await switch.read(fault)
    switch.clock.now += timedelta(seconds=1)
    old = await switch.read(fault)
    monkeypatch.setattr(config_map_module, "DEADLINE_SECONDS", PATIENCE_SECONDS)
    changed = await switch.read(kill_switch="0")

    assert ("1", NOW, first) == (first.value, first.at, young)
    assert isinstance(old, Unseen)
    assert "0" == changed.value


@pytest.mark.parametrize(
    "fault", [ApiFault.DENIED, ApiFault.GARBAGE, ApiFault.MISSING, ApiFault.CUT]
)
async def test_what_the_api_server_says_is_not_silence(fault, monkeypatch):
    """A refusal and a broken answer count at once, and silence after them hides neither."""
    switch = SwitchMap()
    await switch.read()

    assert isinstance(await switch.read(fault), Unseen)
    monkeypatch.setattr(config_map_module, "DEADLINE_SECONDS", 0.3)
    assert isinstance(await switch.read(ApiFault.HUNG), Unseen)


async def test_a_switch_that_is_gone_is_not_silence():
    """That the ConfigMap does not exist is something seen, whatever it said before."""
    switch = SwitchMap()
    await switch.read()

    assert "" == (await switch.read(kill_switch=None)).value


@pytest.fixture
def mounted(tmp_path):
    """Mount what is given over a folder or file, as only root can; all is taken away again."""
    if os.geteuid():
        lacking("mounting needs root")
    over = list[str]()

    def mount(target, *arguments):
        subprocess.run(["mount", *arguments, target], check=True)
        over.append(str(target))

    yield mount
    for target in reversed(over):
        subprocess.run(["umount", target], check=True)


def fill_as_kubelet(volume, text="1", stamp="..2026_11_30_14_30_00.123456789"):
    """Write a ConfigMap's volume as the kubelet does: a folder, and links that lead through it."""
    volume.mkdir(parents=True, exist_ok=True)
    (volume / stamp).mkdir()
    (volume / stamp / "EXECUTION_HALTED").write_text(text)
    (volume / "..data_tmp").symlink_to(stamp)
    (volume / "..data_tmp").rename(volume / "..data")
    if not (volume / "EXECUTION_HALTED").is_symlink():
        (volume / "EXECUTION_HALTED").symlink_to("..data/EXECUTION_HALTED")
    return volume / "EXECUTION_HALTED"


async def is_live(path):
    """Tell what the reading says of where it was read."""
    (switch_source,) = await heard(path)
    assert isinstance(switch_source.reading, Seen)
    return switch_source.live_mount


@pytest.mark.parametrize("way", ["tmpfs", "bind"])
async def test_a_volume_that_a_kubelet_keeps_is_the_live_mount(tmp_path, mounted, way):
    """A mount of its own with its `..data` link is live, on tmpfs as on disk, and stays so."""
    volume = tmp_path / "in a pod" / "kill-switch"
    volume.mkdir(parents=True)
    if way == "tmpfs":
        mounted(volume, "-t", "tmpfs", "tmpfs")
    else:
        (tmp_path / "kubernetes.io~configmap").mkdir()
        mounted(volume, "--bind", tmp_path / "kubernetes.io~configmap")
    path = fill_as_kubelet(volume)

    assert await is_live(path)
    fill_as_kubelet(volume, "0", "..2026_11_30_14_31_00.987654321")
    assert await is_live(path)
    (told,) = await heard(path)
    assert Seen("0", NOW) == told.reading


async def test_the_mount_is_found_through_a_link_to_it(tmp_path, mounted):
    """A folder that leads to the volume, as /var/run does to /run, is the volume."""
    volume = tmp_path / "run"
    volume.mkdir()
    mounted(volume, "-t", "tmpfs", "tmpfs")
    fill_as_kubelet(volume)
    (tmp_path / "var").symlink_to(volume)

    assert await is_live(tmp_path / "var" / "EXECUTION_HALTED")


def plain_file(tmp_path, mounted):
    """Write a file, as any person can."""
    (tmp_path / "EXECUTION_HALTED").write_text("1")
    return tmp_path / "EXECUTION_HALTED"


def same_shape_unmounted(tmp_path, mounted):
    """Write the kubelet's very shape, and mount nothing."""
    return fill_as_kubelet(tmp_path / "kill-switch")


def file_in_a_mount(tmp_path, mounted):
    """Put a file into a mount that no kubelet keeps."""
    mounted(tmp_path, "-t", "tmpfs", "tmpfs")
    return plain_file(tmp_path, mounted)


def sub_path(tmp_path, mounted):
    """Mount one file by subPath: it stays as it was when the pod began."""
    held = fill_as_kubelet(tmp_path / "volume")
    path = tmp_path / "kill-switch" / "EXECUTION_HALTED"
    path.parent.mkdir()
    path.touch()
    mounted(path, "--bind", held.resolve())
    return path


def sub_path_of_a_volume(tmp_path, mounted):
    """Mount by subPath the folder that a volume held when the pod began."""
    held = fill_as_kubelet(tmp_path / "volume")
    (tmp_path / "kill-switch").mkdir()
    mounted(tmp_path / "kill-switch", "--bind", held.resolve().parent)
    return tmp_path / "kill-switch" / "EXECUTION_HALTED"


def link_elsewhere(tmp_path, mounted):
    """Put a link into the mount that leaves it."""
    volume = tmp_path / "kill-switch"
    volume.mkdir()
    mounted(volume, "-t", "tmpfs", "tmpfs")
    path = fill_as_kubelet(volume)
    (tmp_path / "mine").write_text("1")
    path.unlink()
    path.symlink_to(tmp_path / "mine")
    return path


def data_elsewhere(tmp_path, mounted):
    """Let the mount's `..data` lead out of it."""
    volume = tmp_path / "kill-switch"
    volume.mkdir()
    mounted(volume, "-t", "tmpfs", "tmpfs")
    path = fill_as_kubelet(volume)
    fill_as_kubelet(tmp_path / "other")
    (volume / "..data").unlink()
    (volume / "..data").symlink_to(tmp_path / "other" / "..data")
    return path


def past_the_link(tmp_path, mounted):
    """Name the folder behind `..data` itself, which the kubelet will leave behind."""
    volume = tmp_path / "kill-switch"
    volume.mkdir()
    mounted(volume, "-t", "tmpfs", "tmpfs")
    return fill_as_kubelet(volume).resolve()


def covered(tmp_path, mounted):
    """Mount a file over the live mount's own."""
    volume = tmp_path / "kill-switch"
    volume.mkdir()
    mounted(volume, "-t", "tmpfs", "tmpfs")
    path = fill_as_kubelet(volume)
    (tmp_path / "mine").write_text("1")
    mounted(path.resolve(), "--bind", tmp_path / "mine")
    return path


@pytest.mark.parametrize(
    "made",
    [
        plain_file, same_shape_unmounted, file_in_a_mount, sub_path, sub_path_of_a_volume,
        link_elsewhere, data_elsewhere, past_the_link, covered,
    ],
)  # fmt: skip
async def test_anything_else_is_no_live_mount(tmp_path, mounted, made):
    """A file that any person can make, or that does not follow the ConfigMap, is only a file."""
    assert not await is_live(made(tmp_path, mounted))


async def test_without_a_table_of_mounts_nothing_is_live(tmp_path, mounted, monkeypatch):
    """Where the system does not tell what is mounted, no file is the mount."""
    tmp_path.joinpath("kill-switch").mkdir()
    mounted(tmp_path / "kill-switch", "-t", "tmpfs", "tmpfs")
    path = fill_as_kubelet(tmp_path / "kill-switch")
    monkeypatch.setattr(read_module, "MOUNTS", tmp_path / "gone")

    assert not await is_live(path)
