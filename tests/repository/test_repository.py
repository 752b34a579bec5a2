"""The repository reader on real git repositories."""

import asyncio
import os
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mission_control.model.fleet import RepositoryLints
from mission_control.model.reading import Seen, Unseen
from mission_control.repository import git_tree
from mission_control.repository import read as repository_module
from mission_control.repository.read import RepositoryReader
from tests.ports import PATIENCE_SECONDS

pytestmark = pytest.mark.anyio
AT = datetime(2026, 11, 18, 15, 15, tzinfo=UTC)


@pytest.fixture
def tree(tmp_path):
    """Make a repository that is as it should be."""
    write(tmp_path, ".repo_id", "agent-trader-v2\n")
    write(tmp_path, "k8s/20.yaml", "image: r/x:54afffe\n# not :latest\nenv: [GIT_SHA, BUILD_ID]\n")
    write(tmp_path, "scripts/preflight.sh", "echo checked; exit 0\n")
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "remote", "add", "origin", "https://u:pw@example.org/o/agent-trader-v2.git")
    commit(tmp_path)
    git(tmp_path, "tag", "v2-release-20260107-0322")
    return tmp_path


def git(folder, *arguments):
    """Run git with an identity of its own."""
    own = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *own, "-C", str(folder), *arguments], check=True, capture_output=True)


def commit(folder):
    """Commit everything."""
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "x")


def write(folder, name, text):
    """Write a file of the tree."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


async def look(folder, *, run_preflight=True, lints=RepositoryLints.RUN):
    """Read the tree once; the fleet file has its programs run, where nothing else is said."""
    return await RepositoryReader(folder, lambda: AT, lints).read(run_preflight=run_preflight)


async def read(folder, **how):
    """Read a tree that can be read."""
    seen = await look(folder, **how)
    assert isinstance(seen, Seen), seen
    return seen.value


async def test_a_tree_is_read_as_it_is(tree):
    """Head, branch, tags, identity, origin without its password, manifests and what they name."""
    found = await read(tree)

    assert (40, "main", ("v2-release-20260107-0322",)) == (
        len(found.git_sha),
        found.git_branch,
        found.release_tags,
    )
    assert ("agent-trader-v2", (), 1, ()) == (
        found.repo_id,
        found.dirty,
        found.manifests,
        found.latest_images,
    )
    assert found.names_git_sha
    assert found.names_build_id
    assert "pw" not in (found.origin or "")
    assert (found.origin or "").endswith("example.org/o/agent-trader-v2.git")
    assert found.preflight is not None
    assert (0, "") == (found.preflight.exit_code, found.preflight.detail)


async def test_only_what_others_changed_makes_a_tree_dirty(tree):
    """Our own artifacts never dirty it; anything else does, untracked files too."""
    write(tree, "audit_artifacts/ops_runs/x", "ours")
    write(tree, "ops/lkg/lkg_manifest.yaml", "ours")
    ours = await read(tree)
    write(tree, "k8s/new file.yaml", "changed")
    changed = await read(tree)

    assert () == ours.dirty
    assert ("k8s/new file.yaml",) == changed.dirty


async def test_latest_images_are_found_by_file_and_line(tree):
    """An image with :latest is named with its line; a comment is not."""
    write(tree, "infra/app.yaml", "a: 1\nimage: r/y:latest\n")
    write(tree, "cloudbuild.yaml", "# x:latest\n- r/z:latest\n")
    commit(tree)

    assert ("cloudbuild.yaml:2", "infra/app.yaml:2") == (await read(tree)).latest_images


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("infra/deploy.sh", "docker run r/y:latest\n", 1),
        ("k8s/t.yaml.tmpl", "image: r/y:latest\n", 1),
        ("services/a/cloudbuild.yaml", "- r/y:latest\n", 1),
        ("k8s/q.yaml", "a: '#'\nb: {c: '#', image: 'r/y:latest'}\n", 2),
        ("k8s/q.yaml", "image: r/y:latest # not this week\n", 1),
    ],
)
async def test_latest_images_do_not_hide(tree, name, text, line):
    """Any kind of file in k8s and infra, and cloudbuild files in any folder."""
    write(tree, name, text)
    commit(tree)

    assert (f"{name}:{line}",) == (await read(tree)).latest_images


@pytest.mark.parametrize("text", ["image: x:1 # not :latest\n", "  # :latest\n"])
async def test_a_comment_is_no_image(tree, text):
    """What a human wrote behind a # runs nothing; nor does documentation."""
    write(tree, "k8s/q.yaml", text)
    write(tree, "k8s/README.md", "never use :latest\n")
    commit(tree)
    found = await read(tree)

    assert ((), ()) == (found.latest_images, found.unread)


async def test_what_is_not_read_to_its_end_is_told(tree, tmp_path_factory):
    """A file of a megabyte, a link into nothing or outside, one file too many: each is named."""
    outside = tmp_path_factory.mktemp("outside") / "x.yaml"
    outside.write_text("image: r/y:latest\n")
    write(tree, "k8s/large.yaml", "a" * (1024 * 1024) + "\nimage: r/y:latest\n")
    (tree / "k8s/link.yaml").symlink_to("nowhere")
    (tree / "k8s/outside.yaml").symlink_to(outside)
    (tree / "k8s/same.yaml").symlink_to("20.yaml")
    commit(tree)
    found = await read(tree)
    names = [f"k8s/{n:04}.yaml" for n in range(git_tree.MAX_FILES)]
    for name in names:
        write(tree, name, "a: 1\n")
    commit(tree)
    many = await read(tree)

    assert ("k8s/large.yaml", "k8s/link.yaml", "k8s/outside.yaml") == found.unread
    assert 5 == found.manifests
    assert 5 == len(many.unread)
    assert len(names) + 5 == many.manifests


async def test_a_renamed_file_is_a_change(tree):
    """Also one whose old name is short, and whose new one lies among our own."""
    write(tree, "a", "x")
    commit(tree)
    (tree / "audit_artifacts").mkdir()
    git(tree, "mv", "a", "audit_artifacts/a")

    assert ("a",) == (await read(tree)).dirty


async def test_the_repository_s_own_checks_are_run(tree):
    """Preflight and lints are run and told by how they ended; a skipped preflight is not run."""
    write(tree, "scripts/preflight.sh", "echo 'token=abcdefgh12345678 is wrong'; exit 3\n")
    write(tree, "tools/verify_zero_trust.py", "import sys; sys.exit(2)\n")
    commit(tree)
    found = await read(tree)

    assert found.preflight is not None
    assert 3 == found.preflight.exit_code
    assert "abcdefgh" not in found.preflight.detail
    assert [("tools/verify_zero_trust.py", 2)] == [(r.path, r.exit_code) for r in found.lints]
    assert None is (await read(tree, run_preflight=False)).preflight


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("\\x1b[31mFAIL: 2 of 9\\x1b[0m\\n\\x1b[0m\\n", "FAIL: 2 of 9"),
        ("it fails\\n\\x1b]0;a title\\x07\\n=====\\n\\x1b[2K\\r\\n", "it fails"),
        ("10 %\\r\\x1b[1A99 %\\rdone: 3 errors\\x08\\x00\\n", "done: 3 errors"),
        ("\\x1b]8;;http://x.example\\x1b\\\\a link\\x1b]8;;\\x1b\\\\", "a link"),
        ("tok\\x1b[1men=abcdefgh12345678", "token=[REDACTED]"),
        ("\\x1b[31m", ""),
    ],
    ids=["colours", "a rule and a title", "progress", "a link", "a secret parted", "nothing else"],
)
async def test_what_a_lint_says_is_its_last_line_with_words(tree, written, told):
    """Colours, cursor movements and rules are no words, and part no secret from its name."""
    program = f"import sys; sys.stdout.write(b'{written}'.decode('latin-1')); sys.exit(1)\n"
    write(tree, "tools/verify_zero_trust.py", program)
    commit(tree)
    (lint,) = (await read(tree)).lints

    assert (1, told) == (lint.exit_code, lint.detail)


def sleeping(mark):
    """Find the processes that sleep for so many seconds."""
    found = list[str]()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cmdline").read_bytes().split(b"\0")[:2] == [b"sleep", mark.encode()]:
                found.append(process.name)
    return found


async def test_a_check_that_hangs_is_ended_with_its_children(tree, tmp_path_factory, monkeypatch):
    """
    A script that does not end has no exit code, and nothing of it is left running.

    Not even what made itself a session of its own: with the script its process namespace ends.
    """
    told = tmp_path_factory.mktemp("told")
    monkeypatch.setattr(repository_module, "SCRIPT_SECONDS", 3.0)
    mark = f"31{os.getpid()}"  # what is left is found by its odd number of seconds
    write(tree, "scripts/preflight.sh", f"setsid sleep {mark} & touch {told}/began; wait\n")
    commit(tree)
    found = await read(tree)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while sleeping(mark):  # noqa: ASYNC110  (a process that ends tells only its parent)
            await asyncio.sleep(0.05)

    assert (told / "began").exists()
    assert found.preflight is not None
    assert (None, "TimeoutError") == (found.preflight.exit_code, found.preflight.detail)


async def test_reading_changes_nothing(tree):
    """Not even git's index is refreshed."""
    index = tree / ".git" / "index"
    before = (index.read_bytes(), index.stat().st_mtime_ns)
    await read(tree)

    assert before == (index.read_bytes(), index.stat().st_mtime_ns)


async def test_what_is_no_repository_is_not_seen(tmp_path):
    """A folder without git, and one that is not there, say why."""
    none, gone = await look(tmp_path), await look(tmp_path / "gone")

    assert isinstance(none, Unseen)
    assert "not a git repository" in none.detail
    assert isinstance(gone, Unseen)


async def test_a_tree_without_a_remote_or_identity_says_none(tmp_path):
    """What a repository does not have is None, not empty."""
    git(tmp_path, "init", "-q", "-b", "main")
    write(tmp_path, "x", "y")
    commit(tmp_path)
    found = await read(tmp_path)

    assert (None, None, 0, ()) == (found.origin, found.repo_id, found.manifests, found.lints)
