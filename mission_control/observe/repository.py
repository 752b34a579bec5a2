"""Observe: the fleet's repository, by git and by reading its files; nothing in it is changed."""

import asyncio
import os
import re
import signal
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from mission_control.jobs.ports import Clock
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.model.repository import Repository, RepositoryHead, ScriptRun
from mission_control.observe.redaction import printable, redact_text

GIT_SECONDS = 10.0
SCRIPT_SECONDS = 120.0
MAX_OUTPUT = 1024 * 1024
MAX_FILES = 2_000
MAX_FILE_BYTES = 1024 * 1024
OUR_OWN = ("audit_artifacts/", "ops/lkg/", "history.sqlite3")
"""What we write ourselves never makes a tree dirty (semantics, section 7)."""
_MANIFESTS = re.compile(r"(k8s|infra)/.+(?<!\.md)|(.*/)?cloudbuild[^/]*\.ya?ml")
_STATUS = ("status", "--porcelain", "-z", "--untracked-files=all", "--no-renames")
_LINTS = ("verify_risk_management.py", "verify_zero_trust.py")
_LATEST = re.compile(r":latest\b")
_COMMENT = re.compile(r"""^([^#'"]*\s|\s*)#.*$""")
"""A comment of YAML or of a shell; a line with a quote before its # is taken as it is."""


class GitError(Exception):
    """git did not answer as it should."""


class RepositoryReader:
    """Reads one working tree; runs the fleet's own checks only where they are wanted."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Read this tree by this clock."""
        self._path = path
        self._clock = clock

    async def read(self, *, run_preflight: bool) -> Seen[Repository] | Unseen:
        """Look once; a tree that git cannot tell of is `Unseen(UNREADABLE)`."""
        at = self._clock()
        try:
            async with asyncio.timeout(GIT_SECONDS + 2 * SCRIPT_SECONDS):
                return Seen(await self._look(run_preflight=run_preflight), at)
        except (GitError, OSError, TimeoutError) as error:
            detail = printable(redact_text(str(error) or type(error).__name__))[:200]
            return Unseen(UnseenReason.UNREADABLE, at, detail=detail)

    async def head(self) -> Seen[RepositoryHead] | Unseen:
        """Say which commit the tree stands on; nothing in the repository is run."""
        at = self._clock()
        try:
            sha = (await self._git("rev-parse", "HEAD")).strip()
            branch = (await self._git("rev-parse", "--abbrev-ref", "HEAD")).strip()
            repo_id = _stripped(await asyncio.to_thread(_text_of, self._path / ".repo_id"))
        except (GitError, OSError, TimeoutError) as error:
            detail = printable(redact_text(str(error) or type(error).__name__))[:200]
            return Unseen(UnseenReason.UNREADABLE, at, detail=detail)
        shown = None if repo_id is None else printable(redact_text(repo_id))[:120]
        return Seen(RepositoryHead(sha, printable(redact_text(branch))[:200], shown), at)

    async def tracked(self) -> Seen[tuple[str, ...]] | Unseen:
        """List the files that git knows of, sorted."""
        at = self._clock()
        try:
            names = (await self._git("ls-files", "-z")).split("\0")
        except (GitError, OSError, TimeoutError) as error:
            detail = printable(redact_text(str(error) or type(error).__name__))[:200]
            return Unseen(UnseenReason.UNREADABLE, at, detail=detail)
        return Seen(tuple(sorted(n for n in names if n)), at)

    async def _look(self, *, run_preflight: bool) -> Repository:
        sha = (await self._git("rev-parse", "HEAD")).strip()
        branch = (await self._git("rev-parse", "--abbrev-ref", "HEAD")).strip()
        status = await self._git(*_STATUS)
        tags = (await self._git("tag", "--list", "v2-release-*", "--sort=creatordate")).split()
        remotes = (await self._git("remote")).split()
        origin = await self._git("remote", "get-url", "origin") if "origin" in remotes else ""
        files = (await self._git("ls-files", "-z")).split("\0")
        manifests = [f for f in files if _MANIFESTS.fullmatch(f)]
        looked = await asyncio.to_thread(_look_through, self._path, manifests[:MAX_FILES])
        lints = [f for f in files if f.rpartition("/")[2] in _LINTS]
        preflight = next((f for f in files if f.rpartition("/")[2] == "preflight.sh"), None)
        return Repository(
            path=str(self._path),
            git_sha=sha,
            git_branch=branch,
            dirty=_dirty(status),
            release_tags=tuple(tags),
            repo_id=_stripped(await asyncio.to_thread(_text_of, self._path / ".repo_id")),
            origin=redact_text(origin.strip()) or None,
            manifests=len(manifests),
            latest_images=tuple(looked.latest),
            unread=(*looked.unread, *manifests[MAX_FILES:]),
            names_git_sha=not looked.named.isdisjoint({"git_sha", "GIT_SHA"}),
            names_build_id="BUILD_ID" in looked.named,
            preflight=await self._run("bash", preflight) if preflight and run_preflight else None,
            lints=tuple([await self._run("python3", lint) for lint in lints]),
        )

    async def _git(self, *arguments: str) -> str:
        command = ("git", "-C", str(self._path), *arguments)
        code, output = await _execute(command, self._path, GIT_SECONDS)
        if len(output) >= MAX_OUTPUT:
            raise GitError(f"git {arguments[0]} said more than {MAX_OUTPUT} bytes")
        if code != 0:
            raise GitError(f"git {arguments[0]}: {output.strip()[-160:] or f'ended with {code}'}")
        return output

    async def _run(self, interpreter: str, script: str) -> ScriptRun:
        """Run one of the repository's own checks, within a time, and tell how it ended."""
        try:
            code, output = await _execute((interpreter, script), self._path, SCRIPT_SECONDS)
        except (OSError, TimeoutError) as error:
            return ScriptRun(script, None, type(error).__name__)
        lines = [line for line in output.splitlines() if line.strip()]
        last = printable(redact_text(lines[-1]))[:160] if lines and code else ""
        return ScriptRun(script, code, last)


async def _execute(command: Sequence[str], folder: Path, seconds: float) -> tuple[int, str]:
    """Run a command without a terminal, and end it and its children when its time is over."""
    # GIT_OPTIONAL_LOCKS: `git status` must not even refresh the index.
    environ = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=environ,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(seconds):
            output, _ = await process.communicate()
    except BaseException:
        _end(process)
        await process.wait()
        raise
    return process.returncode or 0, output[:MAX_OUTPUT].decode("utf-8", errors="replace")


def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _dirty(status: str) -> tuple[str, ...]:
    """Give the changed paths of `git status --porcelain -z`, ours left out."""
    paths = [entry[3:] for entry in status.split("\0") if len(entry) > 3]  # noqa: PLR2004  (XY and a space)
    return tuple(printable(p)[:120] for p in paths if not p.startswith(OUR_OWN))


def _stripped(text: str | None) -> str | None:
    return None if text is None else text.strip()


class _Looked(NamedTuple):
    """What was found in manifests: `file:line` of `:latest`, words named, files not read whole."""

    latest: list[str]
    named: set[str]
    unread: list[str]


def _look_through(root: Path, manifests: Iterable[str]) -> _Looked:
    looked = _Looked([], set(), [])
    for name in manifests:
        text = _text_of(root / name)
        if text is None or len(text) >= MAX_FILE_BYTES:
            looked.unread.append(name)
        for number, line in enumerate((text or "").split("\n"), 1):
            if _LATEST.search(_COMMENT.sub(r"\1", line)):
                looked.latest.append(f"{name}:{number}")
        looked.named.update(w for w in ("git_sha", "GIT_SHA", "BUILD_ID") if text and w in text)
    return looked


def _text_of(path: Path) -> str | None:
    """Read a file's beginning, a character for each byte; None for what is no readable file."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES).decode("latin-1")
    except OSError:
        return None
