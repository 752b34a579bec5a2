"""Checks: the fleet's repository: what is to run is what was reviewed (facts, e)."""

from collections.abc import Iterator

from mission_control.decide.check_outcome import FAIL, PASS, UNKNOWN, check, not_applicable
from mission_control.model.readiness import Check, CheckOutcome, ReadinessEvidence
from mission_control.model.reading import Unseen
from mission_control.model.repository import Repository, ScriptRun

REPO_ID = "agent-trader-v2"
CODES = (
    "RC-101", "RC-102", "RC-103", "RC-104", "RC-105", "RC-201", "RC-202", "RC-203", "RC-204",
)  # fmt: skip


def judge(evidence: ReadinessEvidence) -> Iterator[Check]:
    """Give the checks of change control and of what the repository would build."""
    repository = evidence.repository
    if repository is None:
        yield from (not_applicable(code, "no repository is configured") for code in CODES)
        return
    if isinstance(repository, Unseen):
        yield check("RC-101", FAIL, f"git could not tell: {repository.detail or repository.code}")
        yield from (check(c, UNKNOWN, "the repository was not read") for c in CODES[1:])
        return
    yield check("RC-101", PASS, f"at {repository.git_sha[:12]} on {repository.git_branch}")
    yield from _tree(repository)
    yield _preflight(repository, skipped=evidence.skip_preflight)
    yield _lints(repository)
    yield from _images(repository)


def _tree(repository: Repository) -> Iterator[Check]:
    dirty = repository.dirty
    told = f"{len(dirty)} paths differ: {', '.join(dirty[:5])}"
    yield check("RC-102", FAIL if dirty else PASS, told if dirty else "nothing differs")
    tags = repository.release_tags
    newest = f"newest of {len(tags)}: {tags[-1]}" if tags else "no tag v2-release-*"
    yield check("RC-103", PASS if tags else FAIL, newest)
    held = repository.repo_id
    if held is None:
        yield check("RC-104", UNKNOWN, "there is no .repo_id")
    else:
        yield check("RC-104", PASS if held == REPO_ID else FAIL, f".repo_id says {held[:60]!r}")
    origin = repository.origin or ""
    right = origin.removesuffix(".git").endswith(f"/{REPO_ID}")
    said = f"origin is {origin}" if origin else "there is no remote called origin"
    yield check("RC-105", PASS if right else UNKNOWN, said)


def _preflight(repository: Repository, *, skipped: bool) -> Check:
    if skipped:
        return not_applicable("RC-201", "skipped by --skip-preflight")
    if repository.preflight is None:
        return check("RC-201", UNKNOWN, "there is no preflight.sh")
    return check("RC-201", _outcome(repository.preflight), _ended(repository.preflight))


def _lints(repository: Repository) -> Check:
    if not repository.lints:
        return check("RC-202", PASS, "the repository has no safety lint of its own")
    outcomes = {_outcome(run) for run in repository.lints}
    worst = next((o for o in (FAIL, UNKNOWN) if o in outcomes), PASS)
    return check("RC-202", worst, "; ".join(_ended(run) for run in repository.lints))


def _images(repository: Repository) -> Iterator[Check]:
    if not repository.manifests:
        nothing = "there is no manifest in k8s, infra or cloudbuild*.yaml"
        yield check("RC-203", UNKNOWN, nothing)
        yield check("RC-204", UNKNOWN, nothing, blocks=False)
        return
    found, count = repository.latest_images, repository.manifests
    said = f":latest at {', '.join(found[:5])}" if found else f"none in {count} manifests"
    unread = repository.unread
    if unread:
        said += f"; not read whole: {', '.join(unread[:5])}"
    yield check("RC-203", FAIL if found else UNKNOWN if unread else PASS, said)
    lacking = [
        name
        for name, named in (
            ("GIT_SHA", repository.names_git_sha),
            ("BUILD_ID", repository.names_build_id),
        )
        if not named
    ]
    told = f"no manifest names {' or '.join(lacking)}" if lacking else "GIT_SHA and BUILD_ID"
    yield check("RC-204", FAIL if lacking else PASS, told, blocks=False)


def _outcome(run: ScriptRun) -> CheckOutcome:
    if run.exit_code is None:
        return UNKNOWN
    return FAIL if run.exit_code else PASS


def _ended(run: ScriptRun) -> str:
    ended = "did not end" if run.exit_code is None else f"ended with {run.exit_code}"
    return f"{run.path} {ended}" + (f": {run.detail}" if run.detail else "")
