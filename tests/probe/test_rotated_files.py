"""Observe: certificates and tokens that are rotated are used, without a restart."""

import asyncio
import hashlib
import os
import shutil
import ssl
from dataclasses import replace

import orjson
import pytest

from mission_control.model.fleet import TlsFiles
from mission_control.model.reading import Seen
from tests.floor.floor_of_values import STRATEGY, rich
from tests.ports import PATIENCE_SECONDS
from tests.probe.conftest import NOW, make_certificate
from tests.probe.test_service_probe import http, plays

pytestmark = pytest.mark.anyio
OPS = "/ops/status"
GOOD = orjson.dumps(rich(STRATEGY, NOW))


class Mount:
    """A volume as Kubernetes mounts it: files are links into `..data`, which is replaced whole."""

    def __init__(self, folder):
        """Mount nothing yet."""
        self.folder = folder
        self.version = 0
        for name in ("cert.pem", "key.pem"):
            (folder / name).symlink_to(f"..data/{name}")

    @property
    def tls(self):
        """Return the files of the mount as an inventory names them: an authority and our own."""
        cert, key = (str(self.folder / name) for name in ("cert.pem", "key.pem"))
        return TlsFiles(ca_file=cert, cert_file=cert, key_file=key)

    def hold(self, cert, key):
        """Replace what is mounted, at once."""
        self.version += 1
        held = self.folder / f"..{self.version}"
        held.mkdir()
        shutil.copy(cert, held / "cert.pem")
        shutil.copy(key, held / "key.pem")
        new = self.folder / "..new"
        new.symlink_to(held.name)
        os.replace(new, self.folder / "..data")  # noqa: PTH105  (as a kubelet does)


def server_context(cert, key, *, asks_for=None):
    """Make the context of a server, which may ask its clients for a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    if asks_for is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(asks_for)
    return context


@pytest.fixture
def mount(tmp_path):
    """Return a mounted volume for certificates."""
    folder = tmp_path / "mount"
    folder.mkdir()
    return Mount(folder)


async def until(probe, target, holds):
    """Ask until a reading is as it has to become."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            reading = (await probe.read(target, None)).readings[OPS]
            if holds(reading):
                return reading
            await asyncio.sleep(0.05)


async def test_rotated_certificates_are_used(serve, probe, agent, mount, tmp_path):
    """An authority, a client certificate and its key that were replaced are loaded again (R2.6)."""
    old, new = make_certificate(tmp_path / "old"), make_certificate(tmp_path / "new")
    mount.hold(*old)
    before = await serve(plays(http(GOOD)), server_context(*old, asks_for=old[0]))
    after = await serve(plays(http(GOOD)), server_context(*new, asks_for=new[0]))
    target = agent(before.url, tls=mount.tls)
    moved = replace(target, service_dns=after.url)
    assert isinstance((await probe.read(target, None)).readings[OPS], Seen)
    assert "TLS_FAILURE" == (await probe.read(moved, None)).readings[OPS].code

    mount.hold(*new)

    await until(probe, moved, lambda r: isinstance(r, Seen))
    refused = (await probe.read(target, None)).readings[OPS]
    assert "TLS_FAILURE" == refused.code  # the connection held to it was left with the old files


async def test_files_that_cannot_be_loaded_leave_the_old_ones(serve, probe, agent, mount, tmp_path):
    """Half-written files are not used: the earlier ones serve on, and why is in the reading."""
    cert, key = make_certificate(tmp_path / "old")
    mount.hold(cert, key)
    server = await serve(plays(http(GOOD)), server_context(cert, key))
    target = agent(server.url, tls=mount.tls)
    await probe.read(target, None)
    half = tmp_path / "half.pem"
    half.write_text(key.read_text()[:200])

    mount.hold(cert, half)

    troubled = await until(probe, target, lambda r: r.exchange.old_files)
    assert isinstance(troubled, Seen)
    assert str(mount.folder / "key.pem") in troubled.exchange.old_files

    mount.hold(cert, key)

    assert isinstance(await until(probe, target, lambda r: not r.exchange.old_files), Seen)


async def test_files_that_go_away_leave_the_old_ones(serve, probe, agent, mount, tmp_path):
    """A volume that is gone is told; what was loaded from it serves on."""
    cert, key = make_certificate(tmp_path / "old")
    mount.hold(cert, key)
    server = await serve(plays(http(GOOD)), server_context(cert, key))
    target = agent(server.url, tls=mount.tls)
    await probe.read(target, None)

    (mount.folder / "..data").unlink()

    troubled = await until(probe, target, lambda r: r.exchange.old_files)
    assert isinstance(troubled, Seen)
    assert "No such file or directory" in troubled.exchange.old_files


async def test_the_system_s_authorities_are_read_again(serve, probe, agent, tmp_path, monkeypatch):
    """Authorities of the system that were replaced are loaded again as well."""
    old, new = make_certificate(tmp_path / "old"), make_certificate(tmp_path / "new")
    authorities = tmp_path / "authorities.pem"
    shutil.copy(old[0], authorities)
    monkeypatch.setenv("SSL_CERT_FILE", str(authorities))
    server = await serve(plays(http(GOOD)), server_context(*new))
    target = agent(server.url)
    distrusted = (await probe.read(target, None)).readings[OPS]

    authorities.write_text(old[0].read_text() + new[0].read_text())

    assert "TLS_FAILURE" == distrusted.code
    await until(probe, target, lambda r: isinstance(r, Seen))


async def test_files_that_stay_keep_their_connection(serve, probe, agent, mount, tmp_path):
    """Looking at files that did not change opens no connection."""
    cert, key = make_certificate(tmp_path / "old")
    mount.hold(cert, key)
    server = await serve(plays(http(GOOD)), server_context(cert, key))
    target = agent(server.url, tls=mount.tls)
    loop = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() < began + 2.5:  # time for two looks
        await probe.read(target, None)
        await asyncio.sleep(0.1)

    assert 1 == server.connections


async def test_a_rotated_token_is_sent_once_it_has_settled(serve, probe, agent, tmp_path):
    """
    A new token goes over the same connection; one half written is never sent, and told (R2.6).
    """
    token = tmp_path / "token"
    server = await serve(plays(http(GOOD)))
    target = agent(server.url, bearer_token_file=str(token), expected_endpoints=(OPS,))
    token.write_text("first")
    await probe.read(target, None)
    token.write_text("")
    emptied = await until(probe, target, lambda r: r.exchange.old_files)
    (refused,) = probe.take_reloads()
    token.write_text("second")
    await until(probe, target, lambda _: server.heads[-1].split()[-1] == "second")
    (taken,) = probe.take_reloads()

    sent = [line for head in server.heads for line in head.split("\r\n") if "earer" in line]
    assert ["first", "second"] == list(dict.fromkeys(line.split()[-1] for line in sent))
    assert isinstance(emptied, Seen)
    assert "empty or not plain text" in emptied.exchange.old_files == refused.trouble
    assert ("token", str(token), "") == (taken.what, taken.files, taken.trouble)
    assert [hashlib.sha256(t).hexdigest() for t in (b"first", b"second")] == [
        taken.before,
        taken.after,
    ]
    assert "" == (await probe.read(target, None)).readings[OPS].exchange.old_files
    assert 1 == server.connections


async def test_a_token_file_that_hangs_hangs_no_other(serve, probe, agent, tmp_path):
    """A token file on a mount that hangs uses up its own service's time, and no more."""
    hung = tmp_path / "hung"
    os.mkfifo(hung)
    server = await serve(plays(http(GOOD)))
    waiting = agent(server.url, bearer_token_file=str(hung), deadline_seconds=0.3)
    rounds = [await probe.read(waiting, None) for _ in range(3)]

    well = (await probe.read(agent(server.url), None)).readings[OPS]

    assert ["TIMEOUT"] * 3 == [r.readings[OPS].code for r in rounds]
    assert "still in the files that the request needs" in rounds[0].readings[OPS].detail
    assert isinstance(well, Seen)
    hung.write_text("token")  # lets the one read go that is under way


async def test_each_rotation_is_told_once_with_both_digests(
    probe, transports, serve, agent, mount, tmp_path
):
    """
    What was read again, what could not be, and its mending are each news with both digests (R13.1).
    """
    old, new = make_certificate(tmp_path / "old"), make_certificate(tmp_path / "new")
    half = tmp_path / "half.pem"
    half.write_text(new[1].read_text()[:200])
    mount.hold(*old)
    server = await serve(plays(http(GOOD)), server_context(*old))
    target = agent(server.url, tls=mount.tls)
    await probe.read(target, None)
    first = transports.take_reloads()
    told = []
    for cert, key in (new, (new[0], half), new):
        mount.hold(cert, key)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (news := transports.take_reloads()):
                await probe.read(target, None)
                await asyncio.sleep(0.05)
        told += news
    rotated, refused, mended = told

    assert () == first
    assert digest_of(*old) == rotated.before
    assert digest_of(*new) == rotated.after == refused.before == mended.before == mended.after
    assert digest_of(new[0], half) == refused.after
    assert ("", "") == (rotated.trouble, mended.trouble)
    assert str(mount.folder / "key.pem") in refused.trouble
    named = f"{mount.tls.ca_file}, {mount.tls.cert_file}, {mount.tls.key_file}"
    assert {("certificates", named)} == {(each.what, each.files) for each in told}


def digest_of(cert, key):
    """Return the SHA-256 of an authority, a certificate, which is the same here, and its key."""
    return hashlib.sha256(2 * cert.read_bytes() + key.read_bytes()).hexdigest()
