"""Observe: copies of a repository's files, within limits and without following any link."""

import errno
import os
from hashlib import sha256
from pathlib import Path

import pytest

from mission_control.documents.canonical_json import encode_json
from mission_control.model.reading import Seen, Unseen
from mission_control.processes.plain_file import read_plain_file
from mission_control.redaction.files import HEADER
from mission_control.repository import files as repository_files
from mission_control.repository.files import (
    RepositoryCopier,
    RepositorySurveyor,
    copy_files,
    copy_one,
)
from mission_control.repository.read import RepositoryReader
from tests.floor.floor_of_values import NOW

pytestmark = pytest.mark.anyio


def told(copied):
    """Return each file's path with why it was not copied, empty where it was."""
    return {f.path: f.why_not for f in copied.files}


def test_files_are_copied_with_their_digest(tmp_path):
    """Redacted text, sorted by path; its own digest, for an original's gives a secret back."""
    (tmp_path / "k8s").mkdir()
    (tmp_path / "k8s" / "b.yaml").write_text("password: x\n")
    (tmp_path / "k8s" / "a.yaml").write_text("a: 1\n")
    copied = copy_files(tmp_path, ["k8s", "k8s/b.yaml"])

    assert ["k8s/a.yaml", "k8s/b.yaml", "k8s/b.yaml"] == [f.path for f in copied.files]
    contents = [f"{HEADER}a: 1\n".encode(), f"{HEADER}password: '[REDACTED]'\n".encode()]
    assert contents == [f.content for f in copied.files[:2]]
    assert [len(c) for c in contents] == [f.size for f in copied.files[:2]]
    assert [sha256(c).hexdigest() for c in contents] == [f.sha256 for f in copied.files[:2]]


def test_what_is_not_there_is_missing(tmp_path):
    """A file or folder that does not exist, and a folder without files, are named."""
    (tmp_path / "empty").mkdir()

    assert (("empty", "it holds no file"), ("none", "No such file or directory")) == copy_files(
        tmp_path, ["none", "empty"]
    ).missing


def test_a_file_that_keeps_a_folder_in_git_is_no_gap(tmp_path):
    """Empty, it holds nothing to copy; with content, or a link, it is told as any other."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / ".gitkeep").touch()
    assert ((), ()) == ((c := copy_files(tmp_path, ["kept"])).files, c.missing)

    (tmp_path / "kept" / ".gitkeep").write_text("x")
    (tmp_path / "kept" / ".keep").symlink_to("nowhere")
    assert {"kept/.gitkeep", "kept/.keep"} == set(told(copy_files(tmp_path, ["kept"])))


def test_limits_are_told(tmp_path, monkeypatch):
    """A file that is too large, and what lies beyond the number of files or bytes."""
    for name in "abc":
        (tmp_path / f"{name}.md").write_text("x" * 10)
    (tmp_path / "large").write_text("y" * 100)
    monkeypatch.setattr(repository_files, "MAX_FILE_BYTES", 50)
    monkeypatch.setattr(repository_files, "MAX_FILES", 3)
    several = copy_files(tmp_path, ["large", "a.md", "b.md", "c.md"])
    seconds = iter([0.0, 1.0, 61.0])
    slow = copy_files(tmp_path, ["a.md", "b.md"], lambda: next(seconds))
    monkeypatch.setattr(repository_files, "MAX_BYTES", 10)
    few = copy_files(tmp_path, ["a.md", "b.md"])

    assert {"large": "it has more than 50 bytes", "a.md": "", "b.md": ""} == told(several)
    assert ["c.md"] == [what for what, _ in several.missing]
    assert ["b.md"] == [what for what, _ in few.missing]
    assert (("b.md", "beyond 60 seconds"),) == slow.missing


def test_a_name_that_is_not_shown_as_it_is_is_only_listed(tmp_path):
    """A name that looks like a token, or is no text: nothing is copied, and all can be written."""
    (tmp_path / "k8s").mkdir()
    for name in (b"sk-a1B2c3D4e5F6g7H8i9J0.yaml", b"a.yaml", b"\xff.yaml"):
        (Path(os.fsdecode(os.fsencode(tmp_path) + b"/k8s/" + name))).write_text("a: 1\n")
    deep = Path(os.fsdecode(os.fsencode(tmp_path) + b"/k8s" + b"/d" * 13 + b"/\xff"))
    deep.mkdir(parents=True)
    (deep / "f").write_text("a")
    copied = copy_files(tmp_path, ["k8s"])

    assert ["k8s/a.yaml"] == [f.path for f in copied.files if f.content is not None]
    why = told(copied)["k8s/[REDACTED].yaml"]
    assert why.startswith("its name cannot be shown as it is")
    assert encode_json([*told(copied), *(what for what, _ in copied.missing)])


def test_what_is_no_plain_yaml_is_listed(tmp_path):
    """A manifest that cannot be looked through as one is not copied."""
    (tmp_path / "a.yaml").write_text("a: &a hunter2\nb: *a\n")
    (found,) = copy_files(tmp_path, ["a.yaml"]).files

    assert (None, None, None) == (found.content, found.sha256, found.size)
    assert found.why_not.startswith("it has YAML anchors")


def test_what_is_no_plain_file_is_listed(tmp_path):
    """A pipe hangs nothing; a link is never followed, not even within; bytes are no text."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "real").write_text("a: 1\n")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "latin").write_bytes(b"\xe9\n")
    (tmp_path / "_odd").write_text("a: 1\n")
    found = told(copy_files(tmp_path, ["pipe", "latin", "_odd"]))

    assert "it is not a plain file, or a link, which is not followed" == found["pipe"]
    assert "it is not text" == found["latin"]
    assert "no artifact can bear its name, or lie so deep" == found["_odd"]
    assert (("link", "it is a link, which is not followed"),) == copy_files(
        tmp_path, ["link"]
    ).missing


def test_a_folder_that_goes_too_deep_is_cut(tmp_path):
    """Folders within folders end somewhere, and where is told."""
    deep = tmp_path.joinpath("k", *"abcdefghijklmn")
    deep.mkdir(parents=True)
    (deep / "x").write_text("a")

    assert any("deeper than" in why for _, why in copy_files(tmp_path, ["k"]).missing)


def test_a_file_that_may_not_be_read_is_listed(tmp_path, monkeypatch):
    """Denied is a reason; raised by hand here, because root may read every file."""
    (tmp_path / "a").write_text("a")
    real = os.open

    def denied(path, *args, **kwargs):
        if path == "a":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", denied)

    assert {"a": "Permission denied"} == told(copy_files(tmp_path, ["a"]))


async def test_one_file_is_copied_from_anywhere(tmp_path):
    """The inventory as it is mounted: through a link, redacted."""
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "fleet.yaml").write_text("agents: []\nbearer_token: abc\n")
    (tmp_path / "fleet.yaml").symlink_to("..data/fleet.yaml")
    copied = await copy_one(tmp_path / "fleet.yaml")

    assert f"{HEADER}agents: []\nbearer_token: '[REDACTED]'\n".encode() == copied.content
    assert None is (await copy_one(tmp_path / "none")).content


async def test_a_folder_without_git_has_no_head(tmp_path):
    """Then neither its commit nor its files are known, and the copy goes on without."""
    clock = lambda: NOW  # noqa: E731
    reader = RepositoryReader(tmp_path, clock)
    (tmp_path / "a.yaml").write_text("a: 1\n")
    copier = RepositoryCopier(tmp_path, reader)

    assert isinstance(await copier.head(), Unseen)
    assert isinstance(await reader.tracked(".*"), Unseen)
    assert isinstance(await RepositorySurveyor(tmp_path, reader).survey(), Unseen)
    assert {"a.yaml": ""} == told(await copier.copy(["a.yaml"]))


async def test_our_own_repository_can_be_surveyed():
    """The commit, and the documents that git knows of."""
    root = Path(__file__).parents[2]
    survey = await RepositorySurveyor(root, RepositoryReader(root, lambda: NOW)).survey()

    if isinstance(survey, Unseen):
        pytest.skip("this is no working tree of git")
    assert isinstance(survey, Seen)
    assert "README.md" in survey.value.documents
    assert 40 == len(survey.value.head.git_sha)


@pytest.mark.parametrize("name", ["linked/x", "link"])
def test_a_link_that_appears_meanwhile_is_not_followed(tmp_path, name):
    """What was a folder or file when it was listed may be a link when it is opened."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "x").write_text("a: 1\n")
    (tmp_path / "linked").symlink_to("real")
    (tmp_path / "link").symlink_to("real/x")

    try:
        content = read_plain_file(tmp_path, name, 100)
    except OSError:
        content = None
    assert content is None
