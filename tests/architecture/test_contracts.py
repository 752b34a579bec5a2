"""Architecture: every import contract breaks when it is violated, so none guards nothing."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VIOLATIONS = {
    "flow": ("mission_control/floor/watch.py", "mission_control.api.application"),
    "pure": ("mission_control/floor/decide/posture.py", "os"),
    "model-first": ("mission_control/floor/model.py", "mission_control.floor.decide.posture"),
    "decide-before-present": (
        "mission_control/floor/decide/stall.py",
        "mission_control.floor.present.posture",
    ),
    "one-owner-kubernetes": ("mission_control/probe/transport.py", "kubernetes"),
    "one-owner-apscheduler": ("mission_control/schedule/day.py", "apscheduler"),
    "one-owner-sqlalchemy": ("mission_control/records/ledger.py", "sqlalchemy"),
    "one-owner-obstore": ("mission_control/records/folder.py", "obstore"),
    "one-owner-pygit2": ("mission_control/repository/read.py", "pygit2"),
    "durable-copy": ("mission_control/floor/board.py", "mission_control.durable_copy.s3_store"),
    "delivery": ("mission_control/floor/board.py", "mission_control.alerts.deliver.posting"),
    "one-owner-apprise": ("mission_control/alerts/run.py", "apprise"),
    "one-owner-cryptography": ("mission_control/evidence/run.py", "cryptography"),
    "one-owner-litestar": ("mission_control/floor/coverage.py", "litestar"),
    "settings": ("mission_control/records/folder.py", "mission_control.configuration.settings"),
    "simulation": ("mission_control/cli/doctor.py", "mission_control.simulation.clock"),
    "judged-without-alerts": (
        "mission_control/readiness/decide/readiness.py",
        "mission_control.alerts.model",
    ),
    "checks": (
        "mission_control/readiness/decide/checks/services.py",
        "mission_control.readiness.decide.checks.safety",
    ),
    "two-deployables": ("ops_ui/floor.py", "mission_control.errors"),
}
PURE = {
    "model": "mission_control/model/fleet.py",
    "market_calendar": "mission_control/market_calendar/calendar.py",
    "documents": "mission_control/documents/markdown.py",
    "a capability's model": "mission_control/floor/model.py",
    "what delivery decides": "mission_control/alerts/deliver/decide.py",
    "a capability's present": "mission_control/readiness/present.py",
}


def copy_of(folder: Path) -> Path:
    """Copy what import-linter reads."""
    for package in ("mission_control", "ops_ui"):
        shutil.copytree(ROOT / package, folder / package)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def violate(folder: Path, module: str, imported: str) -> None:
    """Let a module import what it may not; a module that moved has to be named again here."""
    path = folder / module
    path.write_text(f"{path.read_text()}\nimport {imported}\n")


def lint(folder: Path) -> tuple[int, str]:
    """Lint a copy; return the exit code and what was printed, without line breaks."""
    program = (
        "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command;"
        "lint_imports_command(['--no-cache'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.returncode, re.sub(r"\s+", " ", done.stdout + done.stderr)


@pytest.fixture(scope="module")
def violated(tmp_path_factory) -> str:
    """Return what import-linter says of a tree that violates every contract."""
    folder = copy_of(tmp_path_factory.mktemp("violated"))
    for module, imported in VIOLATIONS.values():
        violate(folder, module, imported)
    for module in PURE.values():
        violate(folder, module, "socket")
    code, said = lint(folder)
    assert 1 == code
    return said


def contracts() -> dict[str, str]:
    """Return the names of the contracts by their ID."""
    read = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return {c["id"]: c["name"] for c in read["tool"]["importlinter"]["contracts"]}


def test_every_contract_has_its_violation():
    """A contract that is added has to be seen broken here."""
    assert set(contracts()) == set(VIOLATIONS)


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_violation_breaks_its_contract(violated, contract):
    """One import against a contract breaks it."""
    assert f"{contracts()[contract]} BROKEN" in violated


@pytest.mark.parametrize("layer", PURE)
def test_every_pure_layer_is_guarded(violated, layer):
    """A socket in a pure file of any capability is named."""
    module = PURE[layer].removesuffix(".py").replace("/", ".")

    assert f"{module} -> socket" in violated


def test_a_new_room_has_to_be_placed(tmp_path):
    """A top-level module that no layer names fails the build."""
    folder = copy_of(tmp_path)
    (folder / "mission_control" / "utils.py").write_text('"""Everything else."""\n')
    code, said = lint(folder)

    assert (1, True) == (code, "utils" in said)
