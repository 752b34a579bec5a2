"""
What differs between a git working tree and its commit; a part of the reading process.

The tree is compared through a git folder of ours, so that the repository's own settings, its
cached file times and its flags have no say in what differs. They are named instead.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast

import pygit2
from pygit2.enums import DeltaStatus, DiffOption, FileMode, RepositoryOpenFlag
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
