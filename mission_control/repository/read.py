"""The fleet's repository; it is read and never obeyed, and nothing in it is changed."""

import asyncio
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

from mission_control.model.clock import Clock
from mission_control.model.fleet import RepositoryLints
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.processes.bounded_process import OutputTooLongError, run_bounded
from mission_control.processes.own_process import in_own_thread
from mission_control.redaction.redact import printable, redact_text
from mission_control.repository.model import Repository, RepositoryHead, ScriptRun

LOOK_SECONDS = 60.0
"""A whole tree is read within this time, every file of it, or not at all."""
HEAD_SECONDS = 10.0
SCRIPT_SECONDS, PROGRAMS_SECONDS = 120.0, 240.0
"""For one program of the repository, and for all of them together."""
TIDY_SECONDS = 30.0
MAX_ANSWER = 32 * 1024 * 1024
MAX_SCRIPT_OUTPUT = 1024 * 1024
MAX_FILES_NAMED = 20_000
READER = "mission_control.repository.git_tree"
ALONE = (
    "unshare", "--user", "--map-current-user", "--net", "--pid", "--ipc", "--fork", "--kill-child",
)  # fmt: skip
"""
How a program of the repository is run: without a network, and ended with all that it started.

The user namespace needs no privilege, and takes from root what would lead out of the others.
"""


_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours and cursor
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"  # titles
    r"|\x1b[ -/]*[0-~]?"
)
"""Sequences by which a program speaks to a terminal (ECMA-48)."""
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")


class GitError(Exception):
    """The repository could not be read."""


@dataclass(frozen=True, slots=True)
class RepositoryReader:
    """Reads one working tree; runs the fleet's own programs only where the fleet file says so."""

    path: Path
    clock: Clock
    lints: RepositoryLints | None = None

    async def read(self, *, run_preflight: bool) -> Seen[Repository] | Unseen:
        """Look once; a tree that cannot be read as a whole is `Unseen(UNREADABLE)`."""
        at = self.clock()
        try:
            async with _scratch() as scratch:
                return Seen(await self._look(scratch, run_preflight=run_preflight), at)
        except (GitError, OSError, TimeoutError) as error:
            return _unseen(error, at)

    async def head(self) -> Seen[RepositoryHead] | Unseen:
        """Say which commit the tree stands on."""
        at = self.clock()
        try:
            told = await self._ask(HEAD_SECONDS, ask="head")
        except (GitError, OSError, TimeoutError) as error:
            return _unseen(error, at)
        return Seen(RepositoryHead(told["sha"], _branch(told), _repo_id(told)), at)

    async def tracked(self, pattern: str) -> Seen[tuple[str, ...]] | Unseen:
        """List the files that git knows of whose whole name matches, sorted."""
        at = self.clock()
        try:
            told = await self._ask(
                HEAD_SECONDS, ask="tracked", pattern=pattern, at_most=MAX_FILES_NAMED
            )
        except (GitError, OSError, TimeoutError) as error:
            return _unseen(error, at)
        return Seen(tuple(told["files"]), at)

    async def _look(self, scratch: Path, *, run_preflight: bool) -> Repository:
        wanted = self.lints is RepositoryLints.RUN
        told = await self._ask(LOOK_SECONDS, ask="look", scratch=str(scratch), copies=wanted)
        preflight = told["preflight"] if run_preflight else None
        lints: list[str] = told["lints"]
        why = await _why_not_alone(scratch) if wanted and (preflight or lints) else ""
        until = asyncio.get_running_loop().time() + PROGRAMS_SECONDS
        run = partial(self._run, scratch, why, until)
        return Repository(
            path=str(self.path),
            git_sha=told["sha"],
            git_branch=_branch(told),
            dirty=_shown(told["dirty"]),
            unknowable=_shown(told["unknowable"]),
            hiding=_shown(told["hiding"]),
            release_tags=_shown(told["tags"]),
            broken_tags=_shown(told["broken_tags"]),
            repo_id=_repo_id(told),
            origin=redact_text(printable(told["origin"] or "").strip()) or None,
            manifests=told["manifests"],
            latest_images=tuple(f"{shown_name(name)}:{line}" for name, line in told["latest"]),
            unread=_shown(told["unread"]),
            names_git_sha=not {"git_sha", "GIT_SHA"}.isdisjoint(told["named"]),
            names_build_id="BUILD_ID" in told["named"],
            preflight=await run("bash", preflight) if preflight else None,
            lints=tuple([await run("python3", lint) for lint in lints]),
        )

    async def _ask(self, seconds: float, **question: object) -> Mapping[str, Any]:
        """
        Ask a process of its own about the tree.

        It has no environment of ours, not even HOME: no GIT_* and no configuration of any user.
        """
        asked = json.dumps({"root": str(self.path.absolute()), **question})
        command = (sys.executable, "-I", "-m", READER, asked)
        try:
            ended = await run_bounded(
                command, Path("/"), {"LC_ALL": "C.UTF-8"}, seconds, MAX_ANSWER
            )
            told: object = json.loads(ended.output) if ended.code == 0 else {}
        except TimeoutError:
            raise GitError(f"it was not read within {seconds:.0f} s") from None
        except (OutputTooLongError, ValueError) as error:
            raise GitError(f"it cannot be read as a whole: {error}") from None
        if not isinstance(told, dict) or not told:
            raise GitError(f"reading it ended with {ended.code}: {ended.error.strip()[-160:]}")
        answered = cast("dict[str, Any]", told)
        if "error" in answered:
            raise GitError(str(answered["error"]))
        return answered

    async def _run(
        self, scratch: Path, why_not: str, until: float, interpreter: str, script: str
    ) -> ScriptRun:
        """Run one of the repository's programs in a copy of the commit, and tell how it ended."""
        shown = shown_name(script)
        if self.lints is not RepositoryLints.RUN:
            return ScriptRun(shown, None, "not run: the fleet file does not say so")
        left = min(SCRIPT_SECONDS, until - asyncio.get_running_loop().time())
        if why_not or left <= 0:
            return ScriptRun(shown, None, why_not or "not run: no time was left")
        command = (*ALONE, "--", interpreter, f"./{script}")
        environment = _environment(scratch)
        try:
            ended = await run_bounded(
                command, scratch / "copy", environment, left, MAX_SCRIPT_OUTPUT
            )
        except (OSError, TimeoutError, OutputTooLongError) as error:
            return ScriptRun(shown, None, _said(str(error)) or type(error).__name__)
        last = _said(ended.output.decode(errors="replace")) or _said(ended.error)
        return ScriptRun(shown, ended.code, last if ended.code else "")


async def _why_not_alone(scratch: Path) -> str:
    """Return why a program cannot be kept from the network here; empty where it can."""
    try:
        ended = await run_bounded(
            (*ALONE, "--", "true"), scratch, _environment(scratch), HEAD_SECONDS, MAX_SCRIPT_OUTPUT
        )
    except (OSError, TimeoutError, OutputTooLongError) as error:
        why = _said(str(error)) or type(error).__name__
    else:
        why = "" if ended.code == 0 else _said(ended.error) or f"unshare ended with {ended.code}"
    return why and f"not run, for it cannot be kept from the network here: {why}"


def _environment(scratch: Path) -> dict[str, str]:
    """Return the whole environment of a program of the repository."""
    path = os.environ.get("PATH", os.defpath)
    return {"PATH": path, "LANG": "C.UTF-8", "HOME": str(scratch / "home")}


@asynccontextmanager
async def _scratch() -> AsyncGenerator[Path]:
    """Return a folder of ours for the time of the block."""
    folder = Path(tempfile.mkdtemp(prefix="mission-control-"))
    try:
        for name in ("copy", "home"):
            (folder / name).mkdir()
        yield folder
    finally:
        with suppress(TimeoutError):
            await in_own_thread(partial(shutil.rmtree, folder, ignore_errors=True), TIDY_SECONDS)


def shown_name(name: str) -> str:
    """
    Return a file's name as it may be shown: redacted, and what is not printable spelled out.

    A name with control characters says so: what looks like two lines is one name.
    """
    text = redact_text(name)[:200]
    if text.isprintable():
        return text
    spelled = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return f"{spelled} (a name with control characters)"


def _shown(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(shown_name(name) for name in names)


def _branch(told: Mapping[str, Any]) -> str:
    return printable(redact_text(told["branch"]))[:200]


def _repo_id(told: Mapping[str, Any]) -> str | None:
    held = told["repo_id"]
    return None if held is None else printable(redact_text(held))[:120]


def _said(text: str) -> str:
    """
    Return the last line of what a program said that tells something, as it may be shown.

    What only colours a terminal or moves its cursor is no word, and is gone before redaction: it
    must not part a secret from its name.
    """
    plain = _CONTROL.sub("", _ESCAPES.sub("", text))
    lines = [line for line in plain.splitlines() if any(c.isalnum() for c in line)]
    return printable(redact_text(lines[-1]))[:160] if lines else ""


def _unseen(error: Exception, at: datetime) -> Unseen:
    detail = printable(redact_text(str(error) or type(error).__name__))[:200]
    return Unseen(UnseenReason.UNREADABLE, at, detail=detail)
