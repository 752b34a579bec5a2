"""Renders what is below deploy/kubernetes with the real kubectl, and finds things in it."""

import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.real_cluster.kube_apiserver import find_assets
from tests.real_parts import lacking

TREE = Path(__file__).parents[2] / "deploy/kubernetes"
FOLDERS = tuple(sorted(p.parent.name for p in TREE.glob("*/kustomization.yaml")))
"""Everything that a platform team may name in an overlay."""
WHOLE = ("base", "cronjobs", "egress", "pages", "service_monitor", "twin")
"""Those that together hold every object: the others are parts of base."""
SERVERS = ("base", "twin")
"""Those that bring Mission Control up whole."""


def kubectl() -> Path:
    """Return the real kubectl, or skip."""
    assets = find_assets()
    if assets is None:
        lacking("no kubectl in KUBEBUILDER_ASSETS")
    return assets / "kubectl"


def render(folder: Path) -> str:
    """Render a folder; what kustomize complains of fails the test."""
    command = [str(kubectl()), "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout


@cache
def rendered(name: str) -> tuple[dict[str, Any], ...]:
    """Return the objects of one of our folders."""
    return tuple(yaml.safe_load_all(render(TREE / name)))


def of_kind(objects: Sequence[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Return the objects of a kind."""
    return [each for each in objects if each["kind"] == kind]


def name_of(each: dict[str, Any]) -> str:
    """Return an object's name."""
    return each["metadata"]["name"]


def pod_templates(objects: Sequence[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every pod template, by the name of what makes pods of it."""
    for each in of_kind(objects, "Deployment"):
        yield name_of(each), each["spec"]["template"]
    for each in of_kind(objects, "CronJob"):
        yield name_of(each), each["spec"]["jobTemplate"]["spec"]["template"]


def containers(template: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every container of a template, those that only begin included."""
    spec = template["spec"]
    return [*spec.get("initContainers", ()), *spec["containers"]]
