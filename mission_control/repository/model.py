"""The fleet's repository as it was found, and what was copied of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScriptRun:
    """
    A program of the repository's own: its exit code, None where it did not end or was not run.

    `detail` is then why, and else the last thing it said.
    """

    path: str
    exit_code: int | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Repository:
    """
    A git working tree; paths are relative to it.

    `dirty` are changed paths, our own artifacts left out; `unknowable` those that differ and of
    which only a filter that the repository names could say whether they changed. `hiding` are
    flags, rules and settings with which git would not tell of a change. `release_tags` match
    `v2-release-*`, the newest last; of `broken_tags` nothing can be told. `repo_id` is the content
    of `.repo_id`, None where there is no such file. `manifests` counts the files that were looked
    through for images; `latest_images` are `file:line` of those that say `:latest`, `unread` the
    files that could not be looked through to their end. `preflight`
    is None where there is no such script or it was not wanted; `lints` are the fleet's own
    safety lints that exist.
    """

    path: str
    git_sha: str
    git_branch: str
    dirty: tuple[str, ...] = ()
    unknowable: tuple[str, ...] = ()
    hiding: tuple[str, ...] = ()
    release_tags: tuple[str, ...] = ()
    broken_tags: tuple[str, ...] = ()
    repo_id: str | None = None
    origin: str | None = None
    manifests: int = 0
    latest_images: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    names_git_sha: bool = False
    names_build_id: bool = False
    preflight: ScriptRun | None = None
    lints: tuple[ScriptRun, ...] = ()


@dataclass(frozen=True, slots=True)
class RepositoryHead:
    """Which commit a working tree stands on, and its `.repo_id`, None where it has none."""

    git_sha: str
    git_branch: str
    repo_id: str | None = None


@dataclass(frozen=True, slots=True)
class CopiedFile:
    """
    One file of a repository; `path` is relative to it.

    `content` is its redacted text, None for a file that is only listed, and then `why_not` says
    why. `sha256` (hex) and `size` (bytes) are those of `content`, None where there is none: the
    digest of an original would give a short secret back.
    """

    path: str
    content: bytes | None = None
    why_not: str = ""
    sha256: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class RepositoryCopy:
    """
    What was copied of a repository, sorted by path.

    `missing` are (what, reason) pairs: wanted and not there, or beyond a limit.
    """

    files: tuple[CopiedFile, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class BuildPipeline:
    """One build pipeline and the images that it makes; `problem` where it could not be read."""

    path: str
    images: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RepositorySurvey:
    """What a repository holds that a blueprint tells: its commit, its pipelines, its documents."""

    head: RepositoryHead
    pipelines: tuple[BuildPipeline, ...] = ()
    documents: tuple[str, ...] = ()
