"""Observe: the fleet's repository is read and never obeyed, whatever it names or hides."""

import asyncio
import os
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from mission_control.model.fleet import RepositoryLints
from mission_control.model.reading import Seen, Unseen
from mission_control.repository import git_tree
from mission_control.repository import read as repository_module
from mission_control.repository.files import RepositoryCopier, RepositorySurveyor
from mission_control.repository.read import READER, RepositoryReader
from tests.ports import PATIENCE_SECONDS
from tests.probe.conftest import NOW

pytestmark = pytest.mark.anyio
OWN = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always")


def git(folder, *arguments, check=True, told=""):
    """Run the real git in a folder; gives what it said."""
    command = ["git", *OWN, "-C", str(folder), *arguments]
    return subprocess.run(command, check=check, capture_output=True, text=True, input=told).stdout


def commit(folder):
    """Commit everything."""
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "x")


def make(folder):
    """Make a repository that is as it should be."""
    (folder / "k8s").mkdir(parents=True)
    (folder / "k8s/a.yaml").write_text("image: r/x:1 # GIT_SHA BUILD_ID\n")
    (folder / ".gitattributes").write_text("*.conf filter=f diff=f merge=f\n")
    (folder / "x.conf").write_text("a\n")
    (folder / ".repo_id").write_text("agent-trader-v2\n")
    git(folder, "init", "-q", "-b", "main")
    commit(folder)
    git(folder, "tag", "v2-release-1")
    return folder


@pytest.fixture
def tree(tmp_path):
    """Return a repository that is as it should be."""
    return make(tmp_path / "tree")


@pytest.fixture
def canary(tmp_path):
    """Return a program that leaves a file, and the file."""
    left, program = tmp_path / "canary", tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {left}\n")
    program.chmod(0o755)
    return program, left


async def read(folder, lints=None):
    """Read a tree that can be read."""
    seen = await RepositoryReader(folder, lambda: NOW, lints).read(run_preflight=True)
    assert isinstance(seen, Seen), seen.detail
    return seen.value


async def read_in_every_way(folder):
    """Read a tree as readiness, a config snapshot and a blueprint do."""
    reader = RepositoryReader(folder, lambda: NOW)
    assert isinstance(await reader.head(), Seen)
    assert isinstance(await RepositorySurveyor(folder, reader).survey(), Seen)
    assert (await RepositoryCopier(folder, reader).copy(["k8s"])).files
    return await read(folder)


def hook(tree, program, name):
    """Put the program where git looks for a hook."""
    (tree / ".git/hooks").mkdir(exist_ok=True)
    (tree / ".git/hooks" / name).symlink_to(program)


def include(tree, program):
    """Have a file that the configuration includes name the program."""
    (tree / ".git/more").write_text(f"[core]\n fsmonitor = {program}\n")


SUBMODULE = '[submodule "s"]\n path = s\n url = ./none\n update = !{program}\n'
LOGIN = "protocol=https\nhost=h\nusername=u\npassword=p\n\n"
# What is set (`{program}` is the program), what else is planted, and the command with which git
# itself runs it: a row whose command leaves no canary would show nothing.
VECTORS = {
    "fsmonitor": ({"core.fsmonitor": "{program}"}, None, ("status",)),
    "clean filter": ({"filter.f.clean": "{program}"}, None, ("status",)),
    "smudge filter": ({"filter.f.smudge": "{program}"}, None, ("checkout-index", "-f", "x.conf")),
    "process filter": ({"filter.f.process": "{program}"}, None, ("status",)),
    "textconv": ({"diff.f.textconv": "{program}"}, None, ("diff",)),
    "diff driver": ({"diff.f.command": "{program}"}, None, ("diff",)),
    "external diff": ({"diff.external": "{program}"}, None, ("diff",)),
    "merge driver": ({"merge.f.driver": "{program}"}, None, ("merge", "side")),
    "alias": ({"alias.again": "!{program}"}, None, ("again",)),
    "editor": ({"core.editor": "{program}"}, None, ("commit", "--amend")),
    "ssh": ({"core.sshCommand": "{program}"}, None, ("ls-remote", "ssh://nowhere.invalid/x")),
    "signing": ({"gpg.program": "{program}"}, None, ("commit", "-S", "--allow-empty", "-mx")),
    "credentials": ({"credential.helper": "!{program}"}, None, ("credential", "approve")),
    "hooks path": ({"core.hooksPath": "{hooks}"}, None, ("update-index", "--refresh")),
    "include": ({"include.path": "more"}, include, ("status",)),
    "include if": ({"includeIf.gitdir:/.path": "more"}, include, ("status",)),
    "hook": ({}, lambda t, p: hook(t, p, "post-index-change"), ("update-index", "--refresh")),
}  # fmt: skip


def plant(tree, program, settings, planted):
    """Have the repository name the program, with every file's time changed, so that git looks."""
    hooks = tree.parent / "hooks"
    hooks.mkdir()
    (hooks / "post-index-change").symlink_to(program)
    for name, value in settings.items():
        git(tree, "config", name, value.format(program=program, hooks=hooks))
    if planted:
        planted(tree, program)


def stir(tree):
    """Change a file, and every file's time, so that git cannot rely on what it remembers."""
    (tree / "x.conf").write_text("b\n")
    for name in git(tree, "-c", "core.fsmonitor=false", "ls-files", "-z").split("\0"):
        if name:
            os.utime(tree / name, (1, 1))


def branch_aside(tree):
    """Make a branch that changes the same line as main."""
    for name, branch in (("c", "side"), ("d", "main")):
        git(tree, "checkout", "-q", *(("-b", branch) if branch == "side" else (branch,)))
        (tree / "x.conf").write_text(f"{name}\n")
        commit(tree)


@pytest.mark.parametrize("vector", VECTORS)
async def test_no_program_that_the_repository_names_is_run(tree, canary, vector):
    """
    Git itself runs it, which shows that it is planted well; reading the tree never does (R7.7).
    """
    program, left = canary
    settings, planted, command = VECTORS[vector]
    branch_aside(tree)
    plant(tree, program, settings, planted)
    if vector != "merge driver":
        stir(tree)
    git(tree, *command, check=False, told=LOGIN)
    assert left.exists(), "git itself does not run it"
    left.unlink()
    git(tree, "-c", "core.fsmonitor=false", "merge", "--abort", check=False)
    left.unlink(missing_ok=True)
    stir(tree)

    await read_in_every_way(tree)

    assert not left.exists()


async def test_nothing_is_run_of_all_that_git_can_be_told_to_run(tree, canary, monkeypatch):
    """All at once: in its settings, in the user's, in the environment, in a submodule."""
    program, left = canary
    home = tree.parent / "home"
    home.mkdir()
    make(tree / "sub")
    git(tree / "sub", "config", "core.fsmonitor", str(program))
    git(tree, "add", "sub")
    (tree / ".gitmodules").write_text(SUBMODULE.format(program=program))
    commands = [
        *(name for settings, _, _ in VECTORS.values() for name in settings if "." in name),
        "core.pager", "core.askPass", "core.gitProxy", "core.alternateRefsCommand",
        "sequence.editor", "gpg.ssh.program", "gpg.x509.program", "remote.origin.uploadpack",
        "interactive.diffFilter", "sendemail.smtpServer", "uploadpack.packObjectsHook",
    ]  # fmt: skip
    told = "".join(
        f"[{'.'.join(name.split('.')[:1])}{sub(name)}]\n {name.split('.')[-1]} = {program}\n"
        for name in commands
        if not name.startswith("include")
    )
    (home / ".gitconfig").write_text(told)
    with (tree / ".git/config").open("a") as config:
        config.write(told)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    for name in ("GIT_EXTERNAL_DIFF", "GIT_SSH_COMMAND", "GIT_PAGER", "GIT_ASKPASS", "GIT_EDITOR"):
        monkeypatch.setenv(name, str(program))
    for name, value in (("COUNT", "1"), ("KEY_0", "core.fsmonitor"), ("VALUE_0", str(program))):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    for name in ("pre-commit", "post-checkout", "post-index-change", "reference-transaction"):
        hook(tree, program, name)
    stir(tree)
    (tree / "sub/x.conf").write_text("b\n")
    left.unlink(missing_ok=True)

    found = await read_in_every_way(tree)

    assert not left.exists()
    assert {"x.conf", "sub/x.conf"} <= {*found.dirty, *found.unknowable}


def sub(name):
    """Return the quoted middle of a setting's name, as its file writes it."""
    middle = ".".join(name.split(".")[1:-1])
    return f' "{middle}"' if middle else ""


async def test_the_environment_never_leads_to_another_repository(tree, tmp_path, monkeypatch):
    """GIT_DIR of whatever started us is not ours: the folder that is configured is read."""
    other = make(tmp_path / "other")
    (other / "k8s/a.yaml").write_text("image: r/x:latest\n")
    commit(other)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git/index"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other / ".git/objects"))

    found = await read(tree)

    assert ((), ()) == (found.latest_images, found.dirty)


def unchanged(_tree):
    """Change nothing."""


def flag(name):
    """Set a flag on the manifest, with which git no longer looks at it."""
    return lambda tree: git(tree, "update-index", f"--{name}", "k8s/a.yaml")


def settle(name, value):
    """Set a setting of the repository."""
    return lambda tree: git(tree, "config", name, value)


def exclude(tree):
    """Have a rule that was not reviewed hide what is new."""
    (tree / ".git/info").mkdir(exist_ok=True)
    (tree / ".git/info/exclude").write_text("k8s/*\n")


def exclude_elsewhere(tree):
    """Have a file outside of the tree hide what is new."""
    (tree.parent / "rules").write_text("k8s/*\n")
    git(tree, "config", "core.excludesFile", str(tree.parent / "rules"))


def ignore_itself(tree):
    """Have a file that ignores itself hide what is new."""
    (tree / "k8s/.gitignore").write_text("*\n")


HIDING = {
    "assume-unchanged": (flag("assume-unchanged"), "k8s/a.yaml is flagged assume-unchanged"),
    "skip-worktree": (flag("skip-worktree"), "k8s/a.yaml is flagged skip-worktree"),
    "sparse": (settle("core.sparseCheckout", "true"), "core.sparsecheckout = true"),
    "untracked": (settle("status.showUntrackedFiles", "no"), "status.showuntrackedfiles = no"),
    "submodules": (settle("diff.ignoreSubmodules", "all"), "diff.ignoresubmodules = all"),
    "modes": (settle("core.fileMode", "false"), "core.filemode = false"),
    "times": (settle("core.trustctime", "false"), "core.trustctime = false"),
    "stat": (settle("core.checkStat", "minimal"), "core.checkstat = minimal"),
    "ignore stat": (settle("core.ignoreStat", "true"), "core.ignorestat = true"),
    "exclude": (exclude, "info/exclude has rules"),
    "excludes file": (exclude_elsewhere, "core.excludesfile = "),
    "gitignore": (ignore_itself, "k8s/.gitignore is not tracked, and hides files and itself"),
}


@pytest.mark.parametrize("way", HIDING)
async def test_what_hides_changes_is_named_and_hides_nothing(tree, way):
    """It is named before anything has changed, and a change is seen all the same."""
    hide, told = HIDING[way]
    hide(tree)
    before = await read(tree)
    times = (tree / "k8s/a.yaml").stat()
    (tree / "k8s/a.yaml").write_text("image: r/y:2 # GIT_SHA BUILD_ID\n")
    os.utime(tree / "k8s/a.yaml", ns=(times.st_atime_ns, times.st_mtime_ns))
    (tree / "x.conf").chmod(0o755)
    (tree / "infra").mkdir()
    (tree / "infra/new.yaml").write_text("a: 1\n")
    after = await read(tree)

    assert () == before.dirty
    assert [True] == [h.startswith(told) for h in before.hiding]
    assert ("infra/new.yaml", "k8s/a.yaml", "x.conf") == after.dirty


async def test_a_tree_that_hides_nothing_is_said_to_hide_nothing(tree):
    """Usual settings, comments in info/exclude and a reviewed .gitignore are no trouble."""
    (tree / ".gitignore").write_text("*.log\nbuild/\n")
    commit(tree)
    (tree / "k8s/x.log").write_text("x")
    (tree / "build").mkdir()
    (tree / "build/.gitignore").write_text("*\n")
    (tree / ".git/info").mkdir(exist_ok=True)
    (tree / ".git/info/exclude").write_text("# none\n\n")
    found = await read(tree)

    assert ((), (), ()) == (found.dirty, found.unknowable, found.hiding)


async def test_a_forged_file_time_hides_no_change(tree):
    """A file of the same size and the same times as the one that was committed is compared."""
    path = tree / "k8s/a.yaml"
    times, text = path.stat(), path.read_text()
    path.write_text(text.replace("r/x:1", "r/x:2"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    assert ("k8s/a.yaml",) == (await read(tree)).dirty


async def test_what_only_a_filter_could_tell_is_unknowable(tree, canary):
    """A file with a filter is unchanged while its bytes are; else it is unknowable."""
    program, left = canary
    git(tree, "config", "filter.f.clean", str(program))
    same = await read(tree)
    (tree / "x.conf").write_text("other\n")
    other = await read(tree)

    assert ((), ()) == (same.dirty, same.unknowable)
    assert ((), ("x.conf",)) == (other.dirty, other.unknowable)
    assert not left.exists()


async def test_line_ends_that_the_reviewed_attributes_convert_are_no_change(tree):
    """As git says it: what is stored with LF and checked out with CRLF is the same file."""
    (tree / ".gitattributes").write_text("*.bat text eol=crlf\n")
    (tree / "x.bat").write_bytes(b"a\r\nb\r\n")
    commit(tree)

    assert () == (await read(tree)).dirty


async def test_staged_unmerged_deleted_and_replaced_files_differ(tree):
    """Whatever state git has for a change, the path is told."""
    for name in ("gone", "fifo", "mode", "link"):
        (tree / name).write_text("x")
    commit(tree)
    (tree / "gone").unlink()
    (tree / "fifo").unlink()
    os.mkfifo(tree / "fifo")
    (tree / "mode").chmod(0o755)
    (tree / "link").unlink()
    (tree / "link").symlink_to("x.conf")
    (tree / "staged").write_text("x")
    git(tree, "add", "staged")
    (tree / "staged").unlink()
    os.mkfifo(tree / "k8s/new fifo.yaml")

    found = await read(tree)

    assert {"gone", "fifo", "mode", "link", "staged"} <= set(found.dirty)


async def test_unmerged_files_differ(tree):
    """A merge that was left half done is no commit."""
    branch_aside(tree)
    git(tree, "merge", "side", check=False)

    assert ("x.conf",) == (await read(tree)).dirty


@pytest.mark.parametrize("ignore", ["none", "all"])
async def test_a_submodule_is_compared_as_the_tree_is(tree, tmp_path, ignore):
    """What changed in it, and its commit, is reported, also where its own settings ignore it."""
    inner = make(tmp_path / "inner")
    git(tree, "submodule", "add", "-q", str(inner), "sub")
    git(tree, "config", "-f", ".gitmodules", "submodule.sub.ignore", ignore)
    git(tree, "config", "submodule.sub.ignore", ignore)
    commit(tree)
    clean = await read(tree)
    (tree / "sub/k8s/a.yaml").write_text("image: evil\n")
    changed = await read(tree)
    commit(tree / "sub")
    moved = await read(tree)

    assert ((), ("sub/k8s/a.yaml",), ("sub",)) == (clean.dirty, changed.dirty, moved.dirty)
    hiding = ("submodule.sub.ignore = all",) if ignore == "all" else ()
    assert hiding == clean.hiding


async def test_a_submodule_without_its_git_folder_is_untracked_files(tree, tmp_path):
    """What lies there is in no commit that can be compared."""
    git(tree, "submodule", "add", "-q", str(make(tmp_path / "inner")), "sub")
    commit(tree)
    (tree / "sub/.git").unlink()

    assert "sub/k8s/a.yaml" in (await read(tree)).dirty


async def test_a_git_folder_that_leads_elsewhere_is_not_read(tree, tmp_path):
    """core.worktree of another tree would have that one judged."""
    other = make(tmp_path / "other")
    git(tree, "config", "core.worktree", str(other))
    seen = await RepositoryReader(tree, lambda: NOW).read(run_preflight=False)

    assert isinstance(seen, Unseen)
    assert "leads to another working tree" in seen.detail


async def test_a_folder_inside_a_repository_is_none_itself(tree):
    """No repository above is taken for it."""
    seen = await RepositoryReader(tree / "k8s", lambda: NOW).read(run_preflight=False)

    assert isinstance(seen, Unseen)
    assert "not a git repository" in seen.detail


def worktree(tree, tmp_path):
    """Make a second working tree, whose .git is a file."""
    git(tree, "worktree", "add", "-q", str(tmp_path / "second"), "-b", "second")
    return tmp_path / "second"


def linked(tree, tmp_path):
    """Make the git folder a link."""
    (tree / ".git").rename(tmp_path / "real")
    (tree / ".git").symlink_to(tmp_path / "real")
    return tree


def borrowing(tree, tmp_path):
    """Clone it with the objects of the first."""
    subprocess.run(["git", "clone", "-q", "--shared", tree, tmp_path / "clone"], check=True)
    return tmp_path / "clone"


def shallow(tree, tmp_path):
    """Clone only its newest commit."""
    url = f"file://{tree}"
    subprocess.run(["git", "clone", "-q", "--depth", "1", url, tmp_path / "clone"], check=True)
    return tmp_path / "clone"


def detached(tree, _tmp_path):
    """Stand on a commit and on no branch."""
    git(tree, "checkout", "-q", "--detach")
    return tree


def packed(tree, _tmp_path):
    """Have references and objects in packs."""
    git(tree, "gc", "-q")
    return tree


def foreign(tree, _tmp_path):
    """Have it belong to another user, as a clone that a side container keeps."""
    for path in (tree, *tree.rglob("*")):
        os.chown(path, 65534, 65534, follow_symlinks=False)
    return tree


@pytest.mark.parametrize(
    "form",
    [worktree, linked, borrowing, shallow, detached, packed, foreign],
    ids=lambda f: f.__name__,
)
async def test_every_usual_form_of_a_clone_is_read(tree, tmp_path, canary, form):
    """Its commit, its tags and what changed are told, and what its git folder names is not run."""
    if form is foreign and os.geteuid():
        pytest.skip("giving files away needs root")
    program, left = canary
    sha = git(tree, "rev-parse", "HEAD").strip()
    place = form(tree, tmp_path)
    git(tree, "-c", f"safe.directory={tree}", "config", "core.fsmonitor", str(program), check=False)
    found = await read(place)
    (place / "k8s/a.yaml").write_text("image: other\n")
    changed = await read(place)

    assert (sha, ("v2-release-1",), ()) == (found.git_sha, found.release_tags, found.dirty)
    assert ("k8s/a.yaml",) == changed.dirty
    assert ("HEAD" if form is detached else "second" if form is worktree else "main") == (
        found.git_branch
    )
    assert not left.exists()


async def test_a_broken_tag_is_named_and_its_warning_is_no_tag(tree):
    """An empty reference, as a crash leaves it, makes git warn: no word of that is a tag."""
    (tree / ".git/refs/tags/v2-release-2").write_text("")
    found = await read(tree)

    assert (("v2-release-1",), ("v2-release-2",)) == (found.release_tags, found.broken_tags)


async def test_tags_are_sorted_by_when_they_were_made(tree, monkeypatch):
    """An annotated tag by its own date, a light one by its commit's, as git sorts them."""
    for name, year in (("v2-release-a", "2031"), ("v2-release-b", "2030")):
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"{year}-01-01T00:00:00Z")
        git(tree, "tag", "-a", "-m", "x", name)
    listed = git(tree, "tag", "--list", "v2-release-*", "--sort=creatordate").split()

    assert tuple(listed) == (await read(tree)).release_tags


@pytest.mark.parametrize("name", ["k8s/a\nb.yaml", 'k8s/q"\x1b[2J.yaml', "k8s/\udcff.yaml"])
async def test_control_characters_hide_no_image(tree, name):
    """A file whose name has a newline or an escape is looked through, and shown as what it is."""
    (tree / name).write_text("image: r/x:latest\n")
    dirty = (await read(tree)).dirty
    commit(tree)
    (found,) = (await read(tree)).latest_images

    assert 1 == len(dirty)
    assert found.isprintable()
    assert "(a name with control characters)" in dirty[0]
    assert found.startswith("k8s/")


async def test_many_names_are_read_whole(tree):
    """More than a mebibyte of names hides neither a lint nor an image at their end."""
    folder = tree / "data"
    folder.mkdir()
    for number in range(6_000):
        (folder / f"{number:06}_{'y' * 180}").write_text("")
    (tree / "zz").mkdir()
    (tree / "zz/cloudbuild.yaml").write_text("image: r/x:latest\n")
    (tree / "zz/verify_zero_trust.py").write_text("import sys; sys.exit(1)\n")
    commit(tree)
    found = await read(tree, RepositoryLints.RUN)

    assert (("zz/cloudbuild.yaml:1",), ()) == (found.latest_images, found.dirty)
    assert [("zz/verify_zero_trust.py", 1)] == [(r.path, r.exit_code) for r in found.lints]


async def test_a_list_that_would_be_cut_is_not_told_at_all(tree, monkeypatch):
    """An answer beyond its bound is no answer."""
    monkeypatch.setattr(repository_module, "MAX_ANSWER", 100)
    seen = await RepositoryReader(tree, lambda: NOW).read(run_preflight=False)

    assert isinstance(seen, Unseen)
    assert "cannot be read as a whole" in seen.detail


def test_more_entries_than_are_read_are_an_error(tree, monkeypatch, tmp_path):
    """A tree that is too large to compare is not compared in part."""
    monkeypatch.setattr(git_tree, "MAX_ENTRIES", 2)

    with pytest.raises(git_tree.TreeError, match="more than 2 files"):
        git_tree.look(str(tree), tmp_path, copies=False)


async def test_reading_that_hangs_is_given_up(tree, monkeypatch):
    """A FIFO where git keeps a file, like a mount that went away, holds nothing up for long."""
    (tree / ".git/config").unlink()
    os.mkfifo(tree / ".git/config")
    monkeypatch.setattr(repository_module, "HEAD_SECONDS", 1.0)
    seen = await RepositoryReader(tree, lambda: NOW).head()

    assert isinstance(seen, Unseen)
    assert "not read within 1 s" in seen.detail


def readers(tree):
    """Find the processes that read this tree."""
    found = list[str]()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            told = (process / "cmdline").read_bytes()
            if READER.encode() in told and os.fsencode(tree) in told:
                found.append(process.name)
    return found


async def test_reading_that_is_cancelled_leaves_nothing_behind(tree):
    """A run that is ended while it waits for a mount ends at once, and its process with it."""
    (tree / ".git/config").unlink()
    os.mkfifo(tree / ".git/config")
    reading = asyncio.create_task(RepositoryReader(tree, lambda: NOW).read(run_preflight=False))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not readers(tree):  # noqa: ASYNC110  (another process's start signals nothing)
            await asyncio.sleep(0.05)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)

    assert reading.cancelled()
    assert [] == readers(tree)


async def test_programs_share_the_time_that_there_is(tree, monkeypatch):
    """Twenty lints that hang take no longer than two; those for which no time is left say so."""
    monkeypatch.setattr(repository_module, "PROGRAMS_SECONDS", 0.0)
    for folder in ("a", "b"):
        (tree / folder).mkdir()
        (tree / folder / "verify_zero_trust.py").write_text("")
    commit(tree)
    runs = (await read(tree, RepositoryLints.RUN)).lints

    assert [(None, "not run: no time was left")] * 2 == [(r.exit_code, r.detail) for r in runs]


LINT = """\
import os, socket, sys
found = []
shells = {"PWD", "SHLVL", "_", "LC_CTYPE"}  # of a wrapper around python3, as pyenv's
odd = [n for n in os.environ if n not in {"HOME", "LANG", "PATH", *shells} and "PYENV" not in n]
if odd:
    found.append("environment " + " ".join(odd))
if os.listdir(os.environ["HOME"]):
    found.append("HOME is not empty")
if [f for f in os.listdir("/proc/self/fd") if int(f) > 3]:
    found.append("open files")
try:
    socket.create_connection(("127.0.0.1", {port}), timeout=5)
    found.append("the network")
except OSError:
    pass
sys.path.insert(0, "tools")
import helper
open("written", "w").write(os.getcwd())
print("; ".join(found))
sys.exit(len(found))
"""


async def test_a_lint_is_run_alone(tree, monkeypatch):
    """
    In a copy, without our environment, files and network; nothing is written into the tree (R7.7).
    """
    monkeypatch.setenv("MISSION_CONTROL_DATABASE_URL", "postgresql://u:secret@h/x")
    inherited = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(inherited, True)  # noqa: FBT003  (a positional-only argument)
    with socket.create_server(("127.0.0.1", 0)) as server:
        (tree / "tools").mkdir()
        (tree / "tools/helper.py").write_text("x = 1\n")
        text = LINT.replace("{port}", str(server.getsockname()[1]))
        (tree / "verify_risk_management.py").write_text(text)
        commit(tree)
        before = sorted(tree.rglob("*"))
        found = await read(tree, RepositoryLints.RUN)
    os.close(inherited)

    assert [(0, "")] == [(r.exit_code, r.detail) for r in found.lints]
    assert before == sorted(tree.rglob("*"))


@pytest.mark.parametrize("lints", [None, RepositoryLints.NOT_RUN])
async def test_nothing_of_the_repository_is_run_unless_the_fleet_file_says_so(tree, canary, lints):
    """Its lints and its preflight are programs of the repository as any other (R7.7)."""
    _, left = canary
    (tree / "preflight.sh").write_text(f"touch {left}\n")
    (tree / "verify_zero_trust.py").write_text(f"open({str(left)!r}, 'w')\n")
    commit(tree)
    found = await read(tree, lints)

    assert not left.exists()
    assert found.preflight is not None
    assert [None, None] == [found.preflight.exit_code, found.lints[0].exit_code]


async def test_where_the_network_cannot_be_kept_away_nothing_is_run(tree, canary, monkeypatch):
    """A lint that could reach the network is not run, and why is said."""
    _, left = canary
    (tree / "verify_zero_trust.py").write_text(f"open({str(left)!r}, 'w')\n")
    commit(tree)
    monkeypatch.setattr(repository_module, "ALONE", ("unshare", "--no-such-way"))
    (refused,) = (await read(tree, RepositoryLints.RUN)).lints
    monkeypatch.setattr(repository_module, "ALONE", ("no-such-program",))
    (absent,) = (await read(tree, RepositoryLints.RUN)).lints

    assert (None, None) == (refused.exit_code, absent.exit_code)
    assert "cannot be kept from the network here" in refused.detail
    assert "cannot be kept from the network here" in absent.detail
    assert not left.exists()


async def test_a_lint_that_says_too_much_did_not_end(tree, monkeypatch):
    """It is ended, and what it would have said is neither a pass nor a failure."""
    monkeypatch.setattr(repository_module, "MAX_SCRIPT_OUTPUT", 10_000)
    (tree / "verify_zero_trust.py").write_text("while True: print('x' * 1000)\n")
    commit(tree)
    (run,) = (await read(tree, RepositoryLints.RUN)).lints

    assert (None, "it wrote more than 10000 bytes") == (run.exit_code, run.detail)


async def test_a_copy_is_written_through_no_link(tree, tmp_path):
    """A commit that has a link where it has a folder too writes nothing outside of the copy."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (tree / "verify_zero_trust.py").write_text("")
    (tree / "away").symlink_to(outside)
    commit(tree)
    blob = git(tree, "hash-object", "-w", "x.conf").strip()
    git(tree, "update-index", "--add", "--cacheinfo", f"100644,{blob},away/x", check=False)
    await read(tree, RepositoryLints.RUN)

    assert [] == os.listdir(outside)  # noqa: PTH208  (names are all we want)
