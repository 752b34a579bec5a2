"""`blueprint`: the fleet as it is seen, by command and by its playbook name."""

import json
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


def recorded(folder):
    """Return the files of the one recorded blueprint, as text by name."""
    (found,) = (folder / "audit_artifacts" / "blueprints").iterdir()
    return {p.name: p.read_text() for p in found.iterdir()}


@pytest.fixture
def repository(tmp_path):
    """Return a fleet's repository with pipelines and documents."""
    root = tmp_path / "repository"
    for name, text in {
        "cloudbuild.yaml": "images: [r/x:latest, r/y:1]\nsteps:\n- args: [build, -t, r/z:2, .]\n"
        "- args: ['--destination=r/w:3', 7]\n- nothing\n",
        "infra/cloudbuild-odd.yml": "a: [b\n",
        "infra/cloudbuild-list.yml": "- 1\n",
        "docs/ops/status_contract.md": "# Contract\n",
        "README.md": "# Fleet\n",
        ".repo_id": "agent-trader-v2\n",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "cloudbuild-link.yaml").symlink_to("/etc/passwd")
    for command in (["init", "-qb", "main"], ["add", "-A"], ["commit", "-qm", "all"]):
        identity = ["-c", "user.name=t", "-c", "user.email=t@t"]
        subprocess.run(["git", "-C", str(root), *identity, *command], check=True)
    return root


def test_a_fleet_is_drawn_as_it_is_seen(floor, repository):
    """Components with their modes, images and probes; Services; pipelines; and the diagram."""
    served = floor("calm")
    result = served.run("blueprint", "--repository", repository)
    files = recorded(served.folder)
    document = json.loads(files["blueprint.json"])
    components = {c["name"]: c for c in document["components"]}
    engine = components["strategy-engine"]
    gaps = {(g["subject"], g["gap"]) for g in document["gaps"]}

    assert 0 == result.exit_code, result.output
    assert files["blueprint.md"] == result.stdout
    assert {"blueprint.md", "blueprint.json", "run.json", "SHA256SUMS"} == set(files)
    assert ("agent-trader-v2", "main", "trading-floor") == (
        document["meta"]["repo_id"],
        document["meta"]["git_branch"],
        document["meta"]["namespace"],
    )
    assert ("Deployment trading-floor/strategy-engine", "OBSERVE") == (
        engine["workload"],
        engine["agent_mode"],
    )
    assert {"path": "/ops/status", "answer": "200"} in engine["endpoints"]
    assert engine["services"]
    assert {"ready": 0, "wanted": 0} == components["execution-engine"]["replicas"]
    assert ["r/w:3", "r/x:latest", "r/y:1", "r/z:2"] == next(
        p["images"] for p in document["pipelines"] if p["path"] == "cloudbuild.yaml"
    )
    assert ("cloudbuild.yaml", "it builds :latest: r/x:latest") in gaps
    assert ("infra/cloudbuild-odd.yml", "unknown: it is not readable YAML") in gaps
    assert ("infra/cloudbuild-list.yml", "unknown: it is not a YAML mapping") in gaps
    assert ("cloudbuild-link.yaml", "unknown: it is not a plain file of a usual size") in gaps
    assert ("repository", "the document ops/PRODUCTION_LOCK.md is missing") in gaps
    assert ["README.md", "docs/ops/status_contract.md"] == document["documents"]
    assert ("ENGAGED", True) == (
        document["safety"]["kill_switch"]["state"],
        document["safety"]["kill_switch"]["confirmed"],
    )
    assert "```mermaid\nflowchart LR\n" in files["blueprint.md"]
    assert "Recorded as audit_artifacts/blueprints/" in result.stderr


def test_without_a_cluster_what_runs_is_unknown(run, fleet_file, tmp_path):
    """It says so, exits with 0, and every unknown is a gap in the account too."""
    settings = {
        "MISSION_CONTROL_FLEET_FILE": str(fleet_file),
        "MISSION_CONTROL_ROOT": str(tmp_path),
    }
    result = run("blueprint", "--json", **settings)
    document = json.loads(result.stdout)
    account = json.loads(recorded(tmp_path)["run.json"])
    gaps = {(g["what"], g["reason"]) for c in account["coverage"] for g in c["gaps"]}

    assert 0 == result.exit_code, result.output
    assert ("unknown", "unknown", "unknown") == (
        document["services"],
        document["pipelines"],
        document["documents"],
    )
    (component,) = document["components"]
    assert ("unknown", "unknown", "unknown") == (
        component["workload"],
        component["agent_mode"],
        component["replicas"],
    )
    assert {
        ("cluster", "no cluster is configured"),
        ("repository", "no repository is configured"),
    } <= gaps
    assert "No cluster is configured" in result.stderr


def test_lists_that_were_lost_leave_unknowns(floor):
    """Pods that are denied are no pods that are not there."""
    served = floor("pods-denied")
    result = served.run("blueprint", "--json")
    gaps = [g["subject"] for g in json.loads(result.stdout)["gaps"]]

    assert 0 == result.exit_code
    assert "cluster trading-floor/pods" in gaps
