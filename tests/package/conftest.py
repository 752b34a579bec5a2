"""A wheel that is built from this tree, and what is installed from it elsewhere."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.real_parts import lacking

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 400


@dataclass(frozen=True)
class Installed:
    """An environment that holds our wheel and what the lock names, and an empty folder to be in."""

    home: Path
    empty: Path

    @property
    def python(self) -> Path:
        """Return the environment's Python."""
        return self.home / "bin/python"

    def _as(self, words: tuple[object, ...], variables: dict[str, str]) -> dict[str, Any]:
        program = [self.home / "bin" / str(words[0]), *map(str, words[1:])]
        plain = {"PATH": "/usr/bin:/bin", "HOME": str(self.empty.parent)}
        return {"args": program, "cwd": self.empty, "env": plain | variables, "text": True}

    def run(self, *words: object, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment from the empty folder, with no other variables."""
        return subprocess.run(  # noqa: PLW1510  (each test judges the code)
            **self._as(words, variables), capture_output=True, timeout=100
        )

    @contextmanager
    def started(self, *words: object, **variables: str) -> Iterator[subprocess.Popen[str]]:
        """Start a program of the environment; it is gone afterwards."""
        pipes: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        with subprocess.Popen(**self._as(words, variables), **pipes) as running:
            try:
                yield running
            finally:
                running.terminate()
                try:
                    running.wait(20)
                finally:
                    running.kill()


@pytest.fixture(scope="session")
def distributions(tmp_path_factory) -> Path:
    """Build the source distribution, and from it the wheel, with the lock's build backend."""
    folder = tmp_path_factory.mktemp("package")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    source = folder / "source"
    for name in filter(None, listed.decode().split("\0")):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_symlink() or (ROOT / name).exists():
            shutil.copy2(ROOT / name, source / name, follow_symlinks=False)
    built = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", source],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert 0 == built.returncode, built.stdout[-3000:]
    return folder / "dist"


@pytest.fixture(scope="session")
def wheel(distributions) -> Path:
    """Return the wheel."""
    (found,) = distributions.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory) -> Installed:
    """Install the wheel and the lock, nothing else, into a fresh environment; needs an index."""
    folder = tmp_path_factory.mktemp("elsewhere")
    home, empty = folder / "environment", folder / "empty"
    empty.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    uv = shutil.which("uv")
    installer = [uv, "pip", "install", "--python", home / "bin/python"]
    if uv is None:  # which compiles nothing beforehand; a test imports a tenth of it
        installer = [sys.executable, "-m", "pip", "--python", home / "bin/python", "install"]
        installer.append("--no-compile")
    locked = ["--require-hashes", "--only-binary", ":all:", "-r", ROOT / "requirements/runtime.txt"]
    for what in (locked, [wheel]):
        done = subprocess.run(
            [*installer, "--quiet", "--no-deps", *what],
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
            env={n: v for n, v in os.environ.items() if n != "PYTHONDONTWRITEBYTECODE"},
        )
        if done.returncode:
            lacking(f"no package index: {done.stderr.strip()[-300:]}")
    return Installed(home, empty)
