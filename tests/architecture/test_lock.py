"""The lock installs what it names, with any pip, whatever is released later."""

import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.real_parts import lacking

ROOT = Path(__file__).parents[2]
LOCKS = {
    "runtime": ("build.txt", "runtime.txt"),
    "development": ("development.txt",),
    "s3_server": ("s3_server.txt",),
}
NEWER = "99999.0"
_OLDEST_PIP = "23.2"
"""The pip of the first Python 3.11 that is still installed by its own means."""


def _locked(*names: str) -> dict[str, Requirement]:
    text = "".join((ROOT / "requirements" / n).read_text() for n in names)
    lines = re.findall(r"^[a-zA-Z0-9].*?(?= \\$)", text, re.MULTILINE)
    found = [Requirement(line) for line in lines]
    assert found, "the lock is empty"
    return {canonicalize_name(r.name): r for r in found}


def _wanted(distribution: Distribution, extras: set[str]) -> list[Requirement]:
    wanted = [Requirement(r) for r in distribution.requires or ()]
    return [
        r
        for r in wanted
        if r.marker is None or any(r.marker.evaluate({"extra": e}) for e in {"", *extras})
    ]


def test_the_lock_keeps_every_extra_that_is_asked_for():
    """
    A package that another wants with an extra is locked with that extra.

    Without it pip 23.2 takes the two for different requirements, finds a newer release for the
    second, and refuses to install anything: that is how a day without a change broke `make setup`.
    """
    locked = _locked(*LOCKS["development"])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [
        *project["project"]["dependencies"],
        *(r for r in project["dependency-groups"]["dev"] if isinstance(r, str)),
    ]
    wanted = [Requirement(r) for r in asked]
    for distribution in distributions():
        name = canonicalize_name(distribution.metadata["Name"])
        if name in locked and name != "mission-control":
            wanted += _wanted(distribution, locked[name].extras)

    short = {
        f"{w.name}[{','.join(sorted(w.extras))}]"
        for w in wanted
        if canonicalize_name(w.name) in locked
        and not w.extras <= locked[canonicalize_name(w.name)].extras
    }

    assert set() == short


def test_the_lock_is_whole_but_for_what_is_left_out():
    """
    What a locked package wants is locked as well, since nothing else is installed.

    `left_out.txt` names the exceptions; each is wanted by a locked package, and never installed.
    """
    lines = (ROOT / "requirements/left_out.txt").read_text().splitlines()
    left_out = {Requirement(line.split("  #")[0]).name for line in lines if line[0] != "#"}
    locked = _locked(*LOCKS["runtime"])
    held = {n for n, r in locked.items() if r.marker is None or r.marker.evaluate({"extra": ""})}
    wanted = set[str]()
    for distribution in distributions():
        name = canonicalize_name(distribution.metadata["Name"])
        if name in held or name == "mission-control":
            extras = locked[name].extras if name in locked else set[str]()
            wanted |= {canonicalize_name(r.name) for r in _wanted(distribution, extras)}

    assert len(held) > 40
    assert left_out == wanted - held


def test_nothing_in_the_lock_says_where_it_was_found():
    """Locks name packages, exact versions and hashes; no registry's host."""
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        assert "://" not in path.read_text(), path.name
        assert "--index" not in path.read_text(), path.name


@pytest.fixture(scope="module")
def newer_releases(tmp_path_factory) -> Path:
    """Give a folder with a newer release of everything that is locked."""
    folder = tmp_path_factory.mktemp("newer")
    for files in LOCKS.values():
        for requirement in _locked(*files).values():
            _release(folder, requirement)
    return folder


def _release(folder: Path, requirement: Requirement) -> None:
    name = re.sub(r"[-_.]+", "_", requirement.name)
    info = f"{name}-{NEWER}.dist-info"
    extras = "".join(f"Provides-Extra: {e}\n" for e in sorted(requirement.extras))
    with zipfile.ZipFile(folder / f"{name}-{NEWER}-py3-none-any.whl", "w") as wheel:
        metadata = f"Metadata-Version: 2.1\nName: {requirement.name}\nVersion: {NEWER}\n{extras}"
        wheel.writestr(f"{info}/METADATA", metadata)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture(scope="module", params=[f"pip=={_OLDEST_PIP}", "pip"], ids=["oldest", "newest"])
def installer(request, tmp_path_factory) -> Path:
    """Give the Python of a fresh environment with this pip; needs a package index."""
    home = tmp_path_factory.mktemp("installer")
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    asked = [python, "-m", "pip", "install", "--quiet", "--upgrade", request.param]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=110, check=False)
    if done.returncode:
        lacking(f"no package index: {done.stderr.strip()[-300:]}")
    return python


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="the oldest pip is that of Python 3.11")
@pytest.mark.parametrize("files", LOCKS.values(), ids=LOCKS)
def test_a_later_release_of_everything_breaks_no_lock(files, installer, newer_releases):
    """
    With a newer release of every single package about, each pip still takes what is locked.
    """
    wanted = [part for name in files for part in ("-r", str(ROOT / "requirements" / name))]
    done = subprocess.run(
        [
            *(installer, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"),
            *("--no-deps", "--require-hashes", "--only-binary", ":all:", "--report", "-"),
            *("--find-links", str(newer_releases), *wanted),
        ],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert 0 == done.returncode, done.stderr[-2000:]
    assert NEWER not in done.stdout
