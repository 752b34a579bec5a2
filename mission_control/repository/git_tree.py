"""
A git working tree, read by libgit2 in a process of its own; nothing in it is obeyed.

Run as `python -I -m mission_control.repository.git_tree`, and answers with JSON on standard output.
libgit2 starts no program: no hook, filter, fsmonitor, pager or credential helper. A process,
because a mount that went away can hang a read for ever: a process can be left behind.

The tree is compared through a git folder of ours, so that the repository's own settings, its
cached file times and its flags have no say in what differs. They are named instead.
"""

import json
import os
import re
import resource
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast

import pygit2
from pygit2.enums import ConfigLevel, DeltaStatus, DiffOption, FileMode, RepositoryOpenFlag
from pygit2.ffi import C  # pyright: ignore[reportUnknownVariableType]  (made by its build)

from mission_control.processes.plain_file import read_plain_file

MAX_ENTRIES = 500_000
MAX_RULES_BYTES = 1024 * 1024
MAX_SUBMODULE_DEPTH = 5
_ASSUME_UNCHANGED, _SKIP_WORKTREE = 0x8000, 0x4000
_LOOK = (
    DiffOption.INCLUDE_UNTRACKED
    | DiffOption.RECURSE_UNTRACKED_DIRS
    | DiffOption.INCLUDE_IGNORED
    | DiffOption.INCLUDE_TYPECHANGE
    | DiffOption.INCLUDE_UNREADABLE_AS_UNTRACKED
)
_RULES = (".gitignore", ".gitattributes", ".gitmodules")
_OFF, _ON = ("false", "no", "off", "0"), ("true", "yes", "on", "1")
_HIDING_SETTINGS = {
    "core.filemode": _OFF,
    "core.trustctime": _OFF,
    "core.checkstat": ("minimal",),
    "core.ignorestat": _ON,
    "core.sparsecheckout": _ON,
    "status.showuntrackedfiles": _OFF,
}
"""Settings with which git itself would not tell of a change, by their values."""


class TreeError(Exception):
    """The tree cannot be read as a whole."""


class Entry(NamedTuple):
    """An entry of the index: `flags` as git writes them, `later` those of its later versions."""

    path: str
    oid: pygit2.Oid
    mode: int
    stage: int
    flags: int
    later: int


@dataclass
class Differences:
    """
    What a comparison brought, by path.

    `dirty` differs; of `unknowable` only a program that the repository names could say it;
    `hiding` is what keeps git from telling of changes.
    """

    scratch: Path
    dirty: set[str] = field(default_factory=set[str])
    unknowable: set[str] = field(default_factory=set[str])
    hiding: set[str] = field(default_factory=set[str])


def open_tree(root: str) -> pygit2.Repository:
    """Open the working tree whose top this folder is, and no other that is named or above it."""
    if not os.path.lexists(Path(root) / ".git"):
        raise TreeError("not a git repository: there is no .git in it")
    repository = pygit2.Repository(root, RepositoryOpenFlag.NO_SEARCH)
    workdir = cast("str | None", repository.workdir)
    if workdir is None or not Path(workdir).samefile(root):
        raise TreeError("its git folder leads to another working tree, or to none (core.worktree)")
    if repository.head_is_unborn:
        raise TreeError("it has no commit")
    return repository


def tracked(repository: pygit2.Repository) -> list[Entry]:
    """Return the entries of a repository's index, as git sorts them."""
    return list(_entries(repository.index))


def committed(repository: pygit2.Repository) -> list[Entry]:
    """Return the files of the commit that the tree is at."""
    index = pygit2.Index()
    index.read_tree(repository.head.peel(pygit2.Tree))
    return list(_entries(index))


def _entries(index: pygit2.Index) -> Iterator[Entry]:
    if len(index) > MAX_ENTRIES:
        raise TreeError(f"it has more than {MAX_ENTRIES} files")
    # pygit2 shows no flags of an entry; libgit2 does.
    library, own = cast("Any", C), cast("Any", index)._index  # noqa: SLF001
    for number in range(len(index)):
        entry = index[number]
        raw = library.git_index_get_byindex(own, number)
        flags, later = int(raw.flags), int(raw.flags_extended)
        stage = (flags >> 12) & 3
        yield Entry(str(entry.path), entry.id, int(entry.mode), stage, flags, later)


def compare(root: str, prefix: str, found: Differences, depth: int = 0) -> pygit2.Repository:
    """Compare a tree with its commit: by content, whatever its index and settings say."""
    repository = open_tree(root)
    entries = tracked(repository)
    found.dirty.update(prefix + p for p in _staged(repository, entries))
    found.hiding.update(_hiding(repository, Path(root), entries, prefix))
    links = {e.path: e for e in entries if e.mode == FileMode.COMMIT}
    inside = {f"{p}/" for p in links if os.path.lexists(Path(root) / p / ".git")}
    for path, status, filtered in _workdir(root, entries, found.scratch):
        if status is DeltaStatus.IGNORED:
            if path.rpartition("/")[2] == ".gitignore":
                found.hiding.add(f"{prefix}{path} is not tracked, and hides files and itself")
        elif path not in inside:
            (found.unknowable if filtered else found.dirty).add(prefix + path)
    for path in sorted(p.rstrip("/") for p in inside):
        if depth >= MAX_SUBMODULE_DEPTH:
            found.unknowable.add(f"{prefix}{path}/")
            continue
        inner = compare(str(Path(root) / path), f"{prefix}{path}/", found, depth + 1)
        if inner.head.target != links[path].oid:
            found.dirty.add(prefix + path)
    return repository


def _staged(repository: pygit2.Repository, entries: Sequence[Entry]) -> set[str]:
    """Return what the index has otherwise than the commit."""
    before = {(e.path, str(e.oid), e.mode) for e in committed(repository)}
    after = {(e.path, str(e.oid), e.mode) for e in entries if not e.stage}
    unmerged = {e.path for e in entries if e.stage}
    return unmerged | {path for path, _, _ in before ^ after}


def _workdir(
    root: str, entries: Sequence[Entry], scratch: Path
) -> Iterator[tuple[str, DeltaStatus, bool]]:
    """
    Yield each path that differs from the index, how, and whether a filter is named for it.

    The git folder is ours: it knows no setting, no exclude and no attribute but the tree's own
    files. Its index has neither flags nor file times, so that every file's content is looked at.
    """
    ours = tempfile.mkdtemp(dir=scratch)
    config = pygit2.init_repository(ours, bare=True).config
    config["core.bare"], config["core.worktree"] = False, root
    for key in ("core.filemode", "core.symlinks"):
        config[key] = True
    repository = pygit2.Repository(ours, RepositoryOpenFlag.NO_SEARCH)
    index = repository.index
    for entry in entries:
        if entry.mode != FileMode.COMMIT and not entry.stage:
            index.add(pygit2.IndexEntry(entry.path, entry.oid, FileMode(entry.mode)))
    for delta in index.diff_to_workdir(_LOOK).deltas:
        path = os.fsdecode(delta.new_file.raw_path)
        named = (repository.get_attr(path, a) for a in ("filter", "working-tree-encoding"))
        content = (
            delta.status is DeltaStatus.MODIFIED and delta.old_file.mode == delta.new_file.mode
        )
        yield path, delta.status, content and any(isinstance(n, str) for n in named)


def _hiding(
    repository: pygit2.Repository, root: Path, entries: Sequence[Entry], prefix: str
) -> Iterator[str]:
    """Name every flag, rule and setting with which git would not tell of a change."""
    yield from (told for entry in entries for told in _flags(entry, prefix))
    whose = f" of {prefix}" if prefix else ""
    rules = common_folder(repository) / "info"
    text = read_plain_file(rules, "exclude", MAX_RULES_BYTES) if is_there(rules, "exclude") else b""
    if text is None or any(r.strip() and not r.startswith(b"#") for r in text.splitlines()):
        yield f"info/exclude{whose} has rules"
    settings = [(e.name, e.value) for e in repository.config]
    if is_there(root, ".gitmodules"):
        settings += [(e.name, e.value) for e in pygit2.Config(str(root / ".gitmodules"))]
    yield from (f"{n} = {value}{whose}" for n, value in settings if _hides(n, value or "true"))


def _flags(entry: Entry, prefix: str) -> Iterator[str]:
    shown = prefix + entry.path
    if entry.flags & _ASSUME_UNCHANGED:
        yield f"{shown} is flagged assume-unchanged"
    if entry.later & _SKIP_WORKTREE:
        yield f"{shown} is flagged skip-worktree"
    if entry.mode == FileMode.LINK and entry.path.rpartition("/")[2] in _RULES:
        yield f"{shown} is a link"


def _hides(name: str, value: str) -> bool:
    if name.startswith("submodule.") and name.endswith(".ignore"):
        return value != "none"
    if name == "diff.ignoresubmodules":
        return value != "none"
    return name == "core.excludesfile" or value.lower() in _HIDING_SETTINGS.get(name, ())


def common_folder(repository: pygit2.Repository) -> Path:
    """Return the git folder that all worktrees of a repository have in common."""
    folder = Path(repository.path)
    if not is_there(folder, "commondir"):
        return folder
    told = read_plain_file(folder, "commondir", 4096) or b"."
    return (folder / os.fsdecode(told.rstrip(b"\n"))).resolve()


def is_there(folder: Path, name: str) -> bool:
    """Return whether a folder has anything of this name, also a link that leads nowhere."""
    return os.path.lexists(folder / name)


MAX_NAMED = 1_000
MAX_FILES = 2_000
MAX_FILE_BYTES = 1024 * 1024
MAX_COPIED_BYTES = 512 * 1024 * 1024
MAX_MEMORY_BYTES = 4 * 1024 * 1024 * 1024
MAX_LINTS = 20
OUR_OWN = ("audit_artifacts/", "ops/lkg/", "history.sqlite3")
"""What we write ourselves never makes a tree dirty (docs/semantics.md#7)."""
RELEASE_TAG = "v2-release-"
LINTS = ("verify_risk_management.py", "verify_zero_trust.py")
PREFLIGHT = "preflight.sh"
# DOTALL: a newline in its name hides no file.
_MANIFESTS = re.compile(r"(k8s|infra)/.+(?<!\.md)|(.*/)?cloudbuild[^/]*\.ya?ml", re.DOTALL)
_LATEST = re.compile(r":latest\b")
_COMMENT = re.compile(r"""^([^#'"]*\s|\s*)#.*$""")
"""A comment of YAML or of a shell; a line with a quote before its # is taken as it is."""
_LEVELS = (ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL, ConfigLevel.PROGRAMDATA)


def bind_libgit2() -> None:
    """
    Have libgit2 read no configuration but the repository's own, whatever user owns it.

    git refuses another user's repository because it would run what that names. Nothing is run
    here, and a clone that a side container keeps is another user's: so the check is switched off.
    """
    for level in _LEVELS:
        pygit2.settings.search_path[level] = ""
    pygit2.settings.owner_validation = False
    pygit2.settings.enable_strict_object_creation(value=False)  # our index needs no objects


def _tags(repository: pygit2.Repository) -> tuple[list[str], list[str]]:
    """Return the release tags, the newest last, and those of which nothing can be told."""
    start = f"refs/tags/{RELEASE_TAG}"
    dated, broken = list[tuple[int, str]](), set[str]()
    for name in repository.references:
        if not name.startswith(start):
            continue
        tag = name.removeprefix("refs/tags/")
        try:
            target = repository.references[name].resolve().target
            dated.append((_when(repository[target]), tag))
        except (pygit2.GitError, KeyError, ValueError):
            broken.add(tag)
    # A reference that cannot be read is passed over in silence: its file is still there.
    loose = common_folder(repository) / "refs" / "tags"
    known = {tag for _, tag in dated}
    files = os.listdir(loose) if loose.is_dir() else []  # noqa: PTH208  (names are all we want)
    broken.update(f for f in files if f.startswith(RELEASE_TAG) and f not in known)
    broken = {b for b in broken if not any(k.startswith(f"{b}/") for k in known)}
    return [tag for _, tag in sorted(dated)], sorted(broken)


def _when(target: object) -> int:
    """Return when a tag or a commit was made (UTC seconds), as git sorts them; 0 for others."""
    if isinstance(target, pygit2.Tag):
        return target.tagger.time if target.tagger else 0
    return target.commit_time if isinstance(target, pygit2.Commit) else 0


@dataclass
class _Looked:
    """What was found in manifests: `file:line` of `:latest`, words named, files not read whole."""

    manifests: int = 0
    latest: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    unread: list[str] = field(default_factory=list[str])
    named: set[str] = field(default_factory=set[str])


def _look_through(root: Path, files: Sequence[str]) -> _Looked:
    names = [f for f in files if _MANIFESTS.fullmatch(f)]
    looked, known = _Looked(len(names)), set(files)
    for number, name in enumerate(names):
        text = _text_of(root, name, known) if number < MAX_FILES else None
        if text is None or len(text) > MAX_FILE_BYTES:
            looked.unread.append(name)
        for line, content in enumerate((text or "").split("\n"), 1):
            if _LATEST.search(_COMMENT.sub(r"\1", content)):
                looked.latest.append((name, line))
        looked.named.update(w for w in ("git_sha", "GIT_SHA", "BUILD_ID") if text and w in text)
    return looked


def _text_of(root: Path, name: str, known: set[str]) -> str | None:
    """
    Read a tracked file's beginning, a character for each byte; None for what cannot be read.

    A link is followed to another tracked file alone: what lies elsewhere was never reviewed.
    """
    try:
        if (root / name).is_symlink():
            name = str((root / name).resolve().relative_to(root.resolve()))
            if name not in known:
                return None
        content = read_plain_file(root, name, MAX_FILE_BYTES + 1)
    except (OSError, ValueError, RuntimeError):
        return None
    return None if content is None else content.decode("latin-1")


def _copy_commit(repository: pygit2.Repository, folder: Path) -> None:
    """Write the commit's files into a folder of ours, as they are stored; links as links."""
    left = MAX_COPIED_BYTES
    for entry in committed(repository):
        if entry.mode == FileMode.COMMIT:
            continue
        blob = repository[entry.oid]
        left -= blob.size if isinstance(blob, pygit2.Blob) else MAX_COPIED_BYTES
        if not isinstance(blob, pygit2.Blob) or left < 0:
            raise TreeError(f"its commit has more than {MAX_COPIED_BYTES} bytes")
        _write(folder / entry.path, blob.data, entry.mode)


def _write(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode == FileMode.LINK:
        path.symlink_to(os.fsdecode(content))
        return
    # O_EXCL: nothing is written through a link that the commit itself has put there.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o700 if mode & 0o100 else 0o600), "wb") as file:
        file.write(content)


def look(root: str, scratch: Path, *, copies: bool) -> dict[str, object]:
    """Read everything that readiness asks of a tree, its own files' content last."""
    found = Differences(scratch)
    repository = compare(root, "", found)
    head = repository.head.target
    files = sorted({e.path for e in tracked(repository)})
    looked = _look_through(Path(root), files)
    tags, broken = _tags(repository)
    lints = [f for f in files if f.rpartition("/")[2] in LINTS]
    preflight = next((f for f in files if f.rpartition("/")[2] == PREFLIGHT), None)
    if len(lints) > MAX_LINTS:
        raise TreeError(f"it has more than {MAX_LINTS} safety lints")
    dirty = sorted(p for p in found.dirty if not p.startswith(OUR_OWN))
    unknowable = sorted(p for p in found.unknowable if not p.startswith(OUR_OWN))
    if copies and (lints or preflight):
        _copy_commit(repository, scratch / "copy")
    if open_tree(root).head.target != head:
        raise TreeError("it moved to another commit while it was read")
    return {
        **_head(repository, Path(root)),
        "dirty": dirty[:MAX_NAMED],
        "unknowable": unknowable[:MAX_NAMED],
        "hiding": sorted(found.hiding)[:MAX_NAMED],
        "tags": tags,
        "broken_tags": broken[:MAX_NAMED],
        "origin": _origin(repository),
        "manifests": looked.manifests,
        "latest": looked.latest[:MAX_NAMED],
        "unread": looked.unread[:MAX_NAMED],
        "named": sorted(looked.named),
        "lints": lints,
        "preflight": preflight,
    }


def _origin(repository: pygit2.Repository) -> str | None:
    told = [e.value for e in repository.config if e.name == "remote.origin.url"]
    return told[0] if told else None


def _head(repository: pygit2.Repository, root: Path) -> dict[str, object]:
    head = repository.head
    told = read_plain_file(root, ".repo_id", 4096) if is_there(root, ".repo_id") else None
    return {
        "sha": str(head.target),
        "branch": "HEAD" if repository.head_is_detached else head.shorthand,
        "repo_id": None if told is None else told.decode("latin-1").strip(),
    }


def _tracked(root: str, pattern: str, at_most: int) -> dict[str, object]:
    """Return the tracked files whose whole name matches; more than `at_most` are an error."""
    matches = re.compile(pattern, re.DOTALL).fullmatch
    files = sorted({e.path for e in tracked(open_tree(root)) if matches(e.path)})
    if len(files) > at_most:
        raise TreeError(f"more than {at_most} of its files are wanted")
    return {"files": files}


def answer(question: dict[str, Any]) -> dict[str, object]:
    """Answer one question about a tree."""
    root = str(question["root"])
    match question["ask"]:
        case "look":
            return look(root, Path(question["scratch"]), copies=question["copies"])
        case "head":
            return _head(open_tree(root), Path(root))
        case _:
            return _tracked(root, question["pattern"], question["at_most"])


def main() -> int:
    """Answer the question on the command line; gives the exit code."""
    for limit, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, MAX_MEMORY_BYTES),
        (resource.RLIMIT_NPROC, 0),  # not even a fault in libgit2 starts a program (but for root)
    ):
        resource.setrlimit(limit, (most, most))
    bind_libgit2()
    try:
        answered = answer(json.loads(sys.argv[1]))
    except (TreeError, pygit2.GitError, OSError, KeyError, ValueError, MemoryError) as error:
        answered = {"error": str(error) or type(error).__name__}
    json.dump(answered, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
