"""
Observe: a git working tree, read by libgit2 in a process of its own; nothing in it is obeyed.

Run as `python -I -m mission_control.observe.git_tree`, and answers with JSON on standard output.
libgit2 starts no program: no hook, filter, fsmonitor, pager or credential helper. The tree is
compared through a git folder of ours, so that the repository's own settings, its cached file
times and its flags have no say in what differs. A process, because a mount that went away can
hang a read for ever: a process can be left behind.
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
from typing import Any, NamedTuple

import pygit2
from pygit2.enums import ConfigLevel, DeltaStatus, DiffOption, FileMode, RepositoryOpenFlag
from pygit2.ffi import C

from mission_control.observe.plain_file import read_plain_file

MAX_ENTRIES = 500_000
MAX_NAMED = 1_000
MAX_FILES = 2_000
MAX_FILE_BYTES = 1024 * 1024
MAX_COPIED_BYTES = 512 * 1024 * 1024
MAX_MEMORY_BYTES = 4 * 1024 * 1024 * 1024
MAX_SUBMODULE_DEPTH = 5
MAX_LINTS = 20
OUR_OWN = ("audit_artifacts/", "ops/lkg/", "history.sqlite3")
"""What we write ourselves never makes a tree dirty (semantics, section 7)."""
RELEASE_TAG = "v2-release-"
LINTS = ("verify_risk_management.py", "verify_zero_trust.py")
PREFLIGHT = "preflight.sh"
# DOTALL: a newline in its name hides no file.
_MANIFESTS = re.compile(r"(k8s|infra)/.+(?<!\.md)|(.*/)?cloudbuild[^/]*\.ya?ml", re.DOTALL)
_LATEST = re.compile(r":latest\b")
_COMMENT = re.compile(r"""^([^#'"]*\s|\s*)#.*$""")
"""A comment of YAML or of a shell; a line with a quote before its # is taken as it is."""
_LEVELS = (ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL, ConfigLevel.PROGRAMDATA)
_ASSUME_UNCHANGED, _SKIP_WORKTREE = 0x8000, 0x4000
_LOOK = (
    DiffOption.INCLUDE_UNTRACKED
    | DiffOption.RECURSE_UNTRACKED_DIRS
    | DiffOption.INCLUDE_IGNORED
    | DiffOption.INCLUDE_TYPECHANGE
    | DiffOption.INCLUDE_UNREADABLE_AS_UNTRACKED
)
_RULES = (".gitignore", ".gitattributes", ".gitmodules")
_HIDING_SETTINGS = {
    "core.filemode": ("false", "no", "off", "0"),
    "core.trustctime": ("false", "no", "off", "0"),
    "core.checkstat": ("minimal",),
    "core.ignorestat": ("true", "yes", "on", "1"),
    "core.sparsecheckout": ("true", "yes", "on", "1"),
    "status.showuntrackedfiles": ("no", "false", "off", "0"),
}
"""Settings with which git itself would not tell of a change, by their values."""


class TreeError(Exception):
    """The tree cannot be told of as a whole."""


class _Entry(NamedTuple):
    """An entry of the index: `flags` as git writes them, `later` those of its later versions."""

    path: str
    oid: pygit2.Oid
    mode: int
    stage: int
    flags: int
    later: int


@dataclass
class _Differences:
    """
    What a comparison brought, by path.

    `dirty` differs; of `unknowable` only a program that the repository names could say it;
    `hiding` is what keeps git from telling of changes.
    """

    scratch: Path
    dirty: set[str] = field(default_factory=set[str])
    unknowable: set[str] = field(default_factory=set[str])
    hiding: set[str] = field(default_factory=set[str])


def bind_libgit2() -> None:
    """
    Have libgit2 read no configuration but the repository's own, and whoever owns it.

    git refuses another user's repository because it would run what that names. Nothing is run
    here, and a clone that a side container keeps is another user's: so the check is switched off.
    """
    for level in _LEVELS:
        pygit2.settings.search_path[level] = ""
    pygit2.settings.owner_validation = False
    pygit2.settings.enable_strict_object_creation(False)  # an index of ours needs no objects


def open_tree(root: str) -> pygit2.Repository:
    """Open the working tree whose top this folder is, and no other that is named or above it."""
    if not os.path.lexists(Path(root) / ".git"):
        raise TreeError("not a git repository: there is no .git in it")
    repository = pygit2.Repository(root, RepositoryOpenFlag.NO_SEARCH)
    workdir = repository.workdir
    if workdir is None or not Path(workdir).samefile(root):
        raise TreeError("its git folder leads to another working tree, or to none (core.worktree)")
    if repository.head_is_unborn:
        raise TreeError("it has no commit")
    return repository


def _entries(index: pygit2.Index) -> list[_Entry]:
    if len(index) > MAX_ENTRIES:
        raise TreeError(f"its index has more than {MAX_ENTRIES} entries")
    return list(_read_entries(index))


def _read_entries(index: Any) -> Iterator[_Entry]:  # noqa: ANN401  (pygit2 shows no flags)
    for number in range(len(index)):
        entry = index[number]
        raw: Any = C.git_index_get_byindex(index._index, number)  # noqa: SLF001  (the same)
        flags, later = int(raw.flags), int(raw.flags_extended)
        stage = (flags >> 12) & 3
        yield _Entry(str(entry.path), entry.id, int(entry.mode), stage, flags, later)


def _compare(root: str, prefix: str, found: _Differences, depth: int = 0) -> pygit2.Repository:
    """Compare a tree with its commit: by content, whatever its index and settings say."""
    repository = open_tree(root)
    entries = _entries(repository.index)
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
        inner = _compare(str(Path(root) / path), f"{prefix}{path}/", found, depth + 1)
        if inner.head.target != links[path].oid:
            found.dirty.add(prefix + path)
    return repository


def _staged(repository: pygit2.Repository, entries: Sequence[_Entry]) -> set[str]:
    """Give what the index has otherwise than the commit."""
    committed = pygit2.Index()
    committed.read_tree(repository.head.peel(pygit2.Tree))
    if len(committed) > MAX_ENTRIES:
        raise TreeError(f"its commit has more than {MAX_ENTRIES} files")
    before = {(e.path, str(e.id), int(e.mode)) for e in committed}
    after = {(e.path, str(e.oid), e.mode) for e in entries if not e.stage}
    unmerged = {e.path for e in entries if e.stage}
    return unmerged | {path for path, _, _ in before ^ after}


def _workdir(
    root: str, entries: Sequence[_Entry], scratch: Path
) -> Iterator[tuple[str, DeltaStatus, bool]]:
    """
    Give each path that differs from the index, how, and whether a filter is named for it.

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
    repository: pygit2.Repository, root: Path, entries: Sequence[_Entry], prefix: str
) -> Iterator[str]:
    """Name every flag, rule and setting with which git would not tell of a change."""
    for entry in entries:
        shown = prefix + entry.path
        if entry.flags & _ASSUME_UNCHANGED:
            yield f"{shown} is flagged assume-unchanged"
        if entry.later & _SKIP_WORKTREE:
            yield f"{shown} is flagged skip-worktree"
        if entry.mode == FileMode.LINK and entry.path.rpartition("/")[2] in _RULES:
            yield f"{shown} is a link"
    whose = f" of {prefix}" if prefix else ""
    rules = _common_folder(repository) / "info"
    text = read_plain_file(rules, "exclude", MAX_FILE_BYTES) if _is_there(rules, "exclude") else b""
    if text is None or any(r.strip() and not r.startswith(b"#") for r in text.splitlines()):
        yield f"info/exclude{whose} has rules"
    settings = [(e.name, e.value) for e in repository.config]
    if os.path.lexists(root / ".gitmodules"):
        settings += [(e.name, e.value) for e in pygit2.Config(str(root / ".gitmodules"))]
    for name, value in settings:
        if _hides(name, value or "true"):
            yield f"{name} = {value}{whose}"


def _hides(name: str, value: str) -> bool:
    if name.startswith("submodule.") and name.endswith(".ignore"):
        return value != "none"
    if name == "diff.ignoresubmodules":
        return value != "none"
    return name == "core.excludesfile" or value.lower() in _HIDING_SETTINGS.get(name, ())


def _common_folder(repository: pygit2.Repository) -> Path:
    """Give the git folder that all worktrees of a repository have in common."""
    folder = Path(repository.path)
    if not _is_there(folder, "commondir"):
        return folder
    told = read_plain_file(folder, "commondir", 4096) or b"."
    return (folder / os.fsdecode(told.rstrip(b"\n"))).resolve()


def _is_there(folder: Path, name: str) -> bool:
    return os.path.lexists(folder / name)


def _tags(repository: pygit2.Repository) -> tuple[list[str], list[str]]:
    """Give the release tags, the newest last, and those of which nothing can be told."""
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
    loose = _common_folder(repository) / "refs" / "tags"
    known = {tag for _, tag in dated}
    files = os.listdir(loose) if loose.is_dir() else []  # noqa: PTH208  (names are all we want)
    broken.update(f for f in files if f.startswith(RELEASE_TAG) and f not in known)
    broken = {b for b in broken if not any(k.startswith(f"{b}/") for k in known)}
    return [tag for _, tag in sorted(dated)], sorted(broken)


def _when(target: pygit2.Object) -> int:
    """Give when a tag or a commit was made (UTC seconds), as git sorts them; 0 for others."""
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
    committed = pygit2.Index()
    committed.read_tree(repository.head.peel(pygit2.Tree))
    left = MAX_COPIED_BYTES
    for entry in committed:
        if entry.mode == FileMode.COMMIT:
            continue
        blob = repository[entry.id]
        left -= blob.size if isinstance(blob, pygit2.Blob) else MAX_COPIED_BYTES
        if not isinstance(blob, pygit2.Blob) or left < 0:
            raise TreeError(f"its commit has more than {MAX_COPIED_BYTES} bytes")
        _write(folder / entry.path, blob.data, FileMode(entry.mode))


def _write(path: Path, content: bytes, mode: FileMode) -> None:
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
    found = _Differences(scratch)
    repository = _compare(root, "", found)
    head = repository.head.target
    files = sorted({e.path for e in _entries(repository.index)})
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
    config = repository.config
    return config["remote.origin.url"] if "remote.origin.url" in config else None


def _head(repository: pygit2.Repository, root: Path) -> dict[str, object]:
    head = repository.head
    told = read_plain_file(root, ".repo_id", 4096) if _is_there(root, ".repo_id") else None
    return {
        "sha": str(head.target),
        "branch": "HEAD" if repository.head_is_detached else head.shorthand,
        "repo_id": None if told is None else told.decode("latin-1").strip(),
    }


def _tracked(root: str, pattern: str, at_most: int) -> dict[str, object]:
    """Give the tracked files whose whole name matches; more than `at_most` are an error."""
    matches = re.compile(pattern, re.DOTALL).fullmatch
    files = sorted({e.path for e in _entries(open_tree(root).index) if matches(e.path)})
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
