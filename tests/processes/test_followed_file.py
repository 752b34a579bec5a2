"""Observe: a file is taken again when it changed: whole, valid and settled, or not at all."""

import asyncio
import hashlib
import os

import pytest

from mission_control.errors import ConfigurationError
from mission_control.processes import followed_file
from mission_control.processes.followed_file import FollowedFile

pytestmark = pytest.mark.anyio


def digest_of(text):
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def load(path):
    """Read a number, whole with its newline; anything else cannot be used."""
    try:
        text = path.read_text()
    except OSError as error:
        raise ConfigurationError(f"cannot be read: {error.strerror}", where=str(path)) from error
    if not text.removesuffix("\n").isdecimal() or not text.endswith("\n"):
        raise ConfigurationError("is no number", where=f"{path}:1")
    return digest_of(text), int(text)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Let files settle sooner than in the field."""
    monkeypatch.setattr(followed_file, "SETTLED_SECONDS", 0.2)


@pytest.fixture
def path(tmp_path):
    """Return a file that says 1."""
    made = tmp_path / "number"
    made.write_text("1\n")
    return made


def follow(path):
    """Follow it from what it says."""
    return FollowedFile(path, load, digest_of("1\n"))


async def news_of(followed, *, within=30.0):
    """Look until there is news."""
    async with asyncio.timeout(within):
        while True:
            taken = await followed.look()
            if taken is not None:
                return taken
            await asyncio.sleep(0.02)


async def looks(followed, seconds=0.6):
    """Look for a while; gives all news."""
    loop = asyncio.get_running_loop()
    until, news = loop.time() + seconds, []
    while loop.time() < until:
        news += filter(None, [await followed.look()])
        await asyncio.sleep(0.02)
    return news


async def test_a_change_is_taken_with_both_digests(path):
    """
    What is new is given once, with what was before; without a change there is no news (R13.1).
    """
    followed = follow(path)
    still = await looks(followed)
    path.write_text("2\n")
    taken = await news_of(followed)

    assert [] == still
    assert (2, digest_of("1\n"), digest_of("2\n"), "") == (
        taken.value,
        taken.before,
        taken.after,
        taken.trouble,
    )
    assert [] == await looks(followed)


async def test_a_change_between_the_start_and_the_first_look_is_taken(path):
    """What changed after it was loaded and before anyone looked is news as well."""
    followed = follow(path)
    path.write_text("2\n")

    assert 2 == (await news_of(followed)).value


async def test_the_same_bytes_are_no_news(path):
    """A file that is written again as it was is in force already."""
    followed = follow(path)
    await looks(followed)
    path.write_text("1\n")

    assert [] == await looks(followed)


async def test_what_is_half_written_is_waited_for(path):
    """While it still grows nothing is taken, valid though a piece of it may look (R13.1)."""
    followed, seen = follow(path), []
    for length in range(1, 12):
        path.write_text("9" * length + "\n")
        seen += await looks(followed, 0.06)
    seen.append(await news_of(followed))

    assert [int("9" * 11)] == [t.value for t in seen]


@pytest.mark.parametrize(
    ("hurt", "digest", "words"),
    [
        pytest.param(lambda p: p.write_text("two\n"), digest_of("two\n"), "number:1", id="invalid"),
        pytest.param(lambda p: p.write_text(""), digest_of(""), "is no number", id="empty"),
        pytest.param(lambda p: p.unlink(), "", "No such file", id="gone"),
        pytest.param(lambda p: (p.unlink(), p.mkdir()), "", "Is a directory", id="a folder"),
        pytest.param(
            lambda p: (p.unlink(), p.symlink_to(p.parent / "nothing")), "", "No such", id="a link"
        ),
    ],
)
async def test_what_cannot_be_used_is_told_once_and_healed(path, hurt, digest, words):
    """
    The trouble is told once with both digests, and over as soon as the file is well again (R13.1).
    """
    followed = follow(path)
    hurt(path)
    refused = await news_of(followed)
    quiet = await looks(followed)
    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)
    path.write_text("1\n")
    healed = await news_of(followed)

    assert (None, digest_of("1\n"), digest) == (refused.value, refused.before, refused.after)
    assert words in refused.trouble
    assert [] == quiet
    assert (1, digest_of("1\n"), digest_of("1\n"), "") == (
        healed.value,
        healed.before,
        healed.after,
        healed.trouble,
    )


async def test_a_link_that_is_swapped_is_a_change(tmp_path):
    """As a mounted ConfigMap changes: the link of its folder leads elsewhere from one moment on."""
    for number in (1, 2):
        (tmp_path / f"v{number}").mkdir()
        (tmp_path / f"v{number}" / "number").write_text(f"{number}\n")
    (tmp_path / "..data").symlink_to("v1")
    (tmp_path / "number").symlink_to("..data/number")
    followed = follow(tmp_path / "number")
    await looks(followed)
    (tmp_path / "..new").symlink_to("v2")
    (tmp_path / "..new").rename(tmp_path / "..data")

    assert 2 == (await news_of(followed)).value


async def test_what_never_settles_is_said_to(path, monkeypatch):
    """A file that keeps changing is a trouble, and taken once it stops."""
    monkeypatch.setattr(followed_file, "SETTLES_WITHIN_SECONDS", 0.5)
    monkeypatch.setattr(followed_file, "SETTLED_SECONDS", 5.0)
    followed, news, number = follow(path), [], 10
    async with asyncio.timeout(30):
        while not news:
            number += 1
            path.write_text(f"{number}\n")
            news += await looks(followed, 0.05)
    monkeypatch.setattr(followed_file, "SETTLED_SECONDS", 0.2)
    taken = await news_of(followed)

    assert "it keeps changing" == news[0].trouble
    assert number == taken.value


async def test_a_file_that_hangs_is_a_trouble_and_holds_nothing_up(path, monkeypatch):
    """Where reading hangs, looks go on, it is told, and over when the file is well again."""
    monkeypatch.setattr(followed_file, "HANGS_AFTER_SECONDS", 0.5)
    monkeypatch.setattr(followed_file, "PATIENCE_SECONDS", 0.1)
    followed = follow(path)
    path.unlink()
    os.mkfifo(path)
    refused = await news_of(followed)
    with path.open("w") as writer:  # who reads at last gets something
        path.unlink()
        path.write_text("4\n")
        writer.write("three\n")

    assert "reading hangs" == refused.trouble
    async with asyncio.timeout(30):
        while (taken := await news_of(followed)).value is None:
            pass
    assert 4 == taken.value


async def test_a_trouble_of_the_machine_passes(path, monkeypatch):
    """What could not be read for want of something else is tried again, changed or not."""
    monkeypatch.setattr(followed_file, "AGAIN_SECONDS", 0.2)
    out = [True]

    def lacking(named):
        if out:
            raise ConfigurationError("cannot be read: Too many open files", where=str(named))
        return load(named)

    followed = FollowedFile(path, lacking, digest_of("1\n"))
    refused = await news_of(followed)
    out.clear()

    assert "Too many open files" in refused.trouble
    assert 1 == (await news_of(followed)).value
