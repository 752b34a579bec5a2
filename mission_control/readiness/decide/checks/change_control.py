"""The fleet's repository: what is to run is what was reviewed."""

from collections.abc import Iterator, Sequence

from mission_control.model.fleet import RepositoryLints
from mission_control.model.reading import Unseen
from mission_control.readiness.decide.outcome import FAIL, PASS, UNKNOWN, check, not_applicable
from mission_control.readiness.model import Check, CheckOutcome, ReadinessEvidence
from mission_control.repository.model import Repository, ScriptRun

REPO_ID = "agent-trader-v2"
CODES = (
    "RC-101", "RC-102", "RC-103", "RC-104", "RC-105", "RC-201", "RC-202", "RC-203", "RC-204",
)  # fmt: skip


def judge(evidence: ReadinessEvidence) -> Iterator[Check]:
    """Return the checks of change control and of what the repository would build."""
    repository = evidence.repository
    if repository is None:
        yield from (not_applicable(code, "no repository is configured") for code in CODES)
        return
    if isinstance(repository, Unseen):
        why = repository.detail or repository.code
        yield check("RC-101", FAIL, f"git could not be read: {why}")
        yield from (check(c, UNKNOWN, "the repository was not read") for c in CODES[1:])
        return
    yield check("RC-101", PASS, f"at {repository.git_sha[:12]} on {repository.git_branch}")
    yield from _tree(repository)
    wanted = evidence.snapshot.fleet.repository_lints
    yield _preflight(repository, wanted, skipped=evidence.skip_preflight)
    yield _lints(repository, wanted)
    yield from _images(repository)


def _tree(repository: Repository) -> Iterator[Check]:
    yield _clean(repository)
    tags, broken = repository.release_tags, repository.broken_tags
    newest = f"newest of {len(tags)}: {tags[-1]}" if tags else "no tag v2-release-*"
    if broken:
        newest += f"; not readable: {_few(broken)}"
    yield check("RC-103", FAIL if not tags else UNKNOWN if broken else PASS, newest)
    held = repository.repo_id
    if held is None:
        yield check("RC-104", UNKNOWN, "there is no .repo_id")
    else:
        yield check("RC-104", PASS if held == REPO_ID else FAIL, f".repo_id says {held[:60]!r}")
    origin = repository.origin or ""
    right = origin.removesuffix(".git").endswith(f"/{REPO_ID}")
    said = f"origin is {origin}" if origin else "there is no remote called origin"
    yield check("RC-105", PASS if right else UNKNOWN, said)


def _clean(repository: Repository) -> Check:
    """Judge whether the tree is the commit; where changes can hide it is not known."""
    dirty, unknowable, hiding = repository.dirty, repository.unknowable, repository.hiding
    told = list[str]()
    if dirty:
        told.append(f"{len(dirty)} paths differ: {_few(dirty)}")
    if unknowable:
        why = "the filter that the repository names for it is not run"
        told.append(f"not known whether {_few(unknowable)} changed: {why}")
    if hiding:
        told.append(f"git hides changes: {_few(hiding)}")
    outcome = FAIL if dirty else UNKNOWN if told else PASS
    return check("RC-102", outcome, "; ".join(told) or "nothing differs")


def _preflight(repository: Repository, wanted: RepositoryLints | None, *, skipped: bool) -> Check:
    if skipped:
        return not_applicable("RC-201", "skipped by --skip-preflight")
    if wanted is not RepositoryLints.RUN:
        return _not_run("RC-201", wanted, "preflight.sh is a program of the repository")
    if repository.preflight is None:
        return check("RC-201", UNKNOWN, "there is no preflight.sh")
    return check("RC-201", _outcome(repository.preflight), _ended(repository.preflight))


def _lints(repository: Repository, wanted: RepositoryLints | None) -> Check:
    if wanted is not RepositoryLints.RUN:
        return _not_run("RC-202", wanted, "the safety lints are programs of the repository")
    if not repository.lints:
        return check("RC-202", UNKNOWN, "the repository has no safety lint of its own")
    outcomes = {_outcome(run) for run in repository.lints}
    worst = next((o for o in (FAIL, UNKNOWN) if o in outcomes), PASS)
    return check("RC-202", worst, "; ".join(_ended(run) for run in repository.lints))


def _not_run(code: str, wanted: RepositoryLints | None, what: str) -> Check:
    if wanted is RepositoryLints.NOT_RUN:
        return not_applicable(code, "the fleet file says repository_lints: not_run")
    told = "the fleet file must say repository_lints: run or not_run"
    return check(code, UNKNOWN, f"{what}; none was run: {told}")


def _images(repository: Repository) -> Iterator[Check]:
    if not repository.manifests:
        nothing = "there is no manifest in k8s, infra or cloudbuild*.yaml"
        yield check("RC-203", UNKNOWN, nothing)
        yield check("RC-204", UNKNOWN, nothing, blocks=False)
        return
    found, count = repository.latest_images, repository.manifests
    said = f":latest at {_few(found)}" if found else f"none in {count} manifests"
    unread = repository.unread
    if unread:
        said += f"; not read whole: {_few(unread)}"
    yield check("RC-203", FAIL if found else UNKNOWN if unread else PASS, said)
    missing = [
        name
        for name, named in (
            ("GIT_SHA", repository.names_git_sha),
            ("BUILD_ID", repository.names_build_id),
        )
        if not named
    ]
    told = f"no manifest names {' or '.join(missing)}" if missing else "GIT_SHA and BUILD_ID"
    yield check("RC-204", FAIL if missing else PASS, told, blocks=False)


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""  # noqa: PLR2004  (a sentence)
    return f"{', '.join(name[:120] for name in names[:5])}{more}"


def _outcome(run: ScriptRun) -> CheckOutcome:
    if run.exit_code is None:
        return UNKNOWN
    return FAIL if run.exit_code else PASS


def _ended(run: ScriptRun) -> str:
    ended = "did not run to its end" if run.exit_code is None else f"ended with {run.exit_code}"
    return f"{run.path} {ended}" + (f": {run.detail}" if run.detail else "")
