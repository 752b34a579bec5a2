"""`config-snapshot`: everything in force as a record, redacted, with every gap named."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
CANARIES = ("hunter2", "hunter3", "hunter4", "hunter5", "hunter6", "c2VjcmV0LW9mLW91cnM")
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIhunter6\n-----END RSA PRIVATE KEY-----\n"
MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: strategy-engine}
spec:
  template:
    spec:
      containers:
        - name: main # the one
          env:
            - name: AGENT_MODE
              value: OBSERVE
            - name: APCA_API_SECRET_KEY
              value: hunter2
            - {name: DB_PASSWORD, value: hunter3}
"""


def snapshot_of(served):
    """Return the folder of the one recorded snapshot."""
    (found,) = (served.folder / "audit_artifacts" / "config_snapshots").iterdir()
    return found


def files_in(folder):
    """Return every file below a folder by its path, as text."""
    paths = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): p.read_text() for p in paths}


@pytest.fixture
def repository(tmp_path):
    """Return a fleet's repository that holds secrets where none should be."""
    root = tmp_path / "repository"
    for name, text in {
        "k8s/10.yaml": MANIFEST,
        "k8s/secret.yaml": "kind: Secret\ndata: {k: c2VjcmV0LW9mLW91cnM=}\n",
        "k8s/deep/er/x.yaml": "password: hunter4\nimage: r/x:1\n",
        "k8s/too/deep/for/it.yaml": "a: 1\n",
        "k8s/account.json": '{"type": "service_account", "private_key_id": "hunter5"}',
        "k8s/tls.yaml": f"text: |\n  {KEY}",
        "k8s/tls.pem": KEY,
        "k8s/.env": "TOKEN=hunter5\n",
        "k8s/blob.bin": "a\0b",
        "configs/agents/agents.yaml": "agents: []\n",
        "k8s/sk-a1B2c3D4e5F6g7H8i9J0.yaml": "a: 1\n",
        "k8s/merged.yaml": "a: &a {b: 1}\nc: {<<: *a}\n",
        ".repo_id": "agent-trader-v2\n",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "passwords").write_text("hunter6\n")
    (root / "k8s" / "link.yaml").symlink_to(tmp_path / "outside" / "passwords")
    (root / "k8s" / "linked").symlink_to(tmp_path / "outside")
    (root / "ops").symlink_to(tmp_path / "outside")
    for command in (["init", "-qb", "main"], ["add", "-A"], ["commit", "-qm", "all"]):
        identity = ["-c", "user.name=t", "-c", "user.email=t@t"]
        subprocess.run(["git", "-C", str(root), *identity, *command], check=True)
    return root


def test_what_is_in_force_is_recorded(floor, repository):
    """The playbook's files, the inventory, the settings; and its account names every gap."""
    served = floor("calm")
    result = served.run("config-snapshot", "--repository", repository, "--json")
    folder = snapshot_of(served)
    files = files_in(folder)
    shown = json.loads(result.stdout)
    account = json.loads(files["run.json"])

    assert 0 == result.exit_code, result.output
    assert {
        "meta.txt",
        "inventory.yaml",
        "settings.json",
        "snapshot.json",
        "repo_files/k8s/10.yaml",
        "repo_files/k8s/deep/er/x.yaml",
        "repo_files/configs/agents/agents.yaml",
        *(
            f"k8s_listings/{n}"
            for n in (
                "kubectl.meta",
                "workloads.txt",
                "pods.txt",
                "events.txt",
                "configmaps.names.txt",
                "kill_switch_configmap.yaml",
                "safety_configmap.yaml",
                "secrets.names.txt",
            )
        ),
        "run.json",
        "SHA256SUMS",
    } == set(files)
    meta = dict(line.split("=", 1) for line in files["meta.txt"].splitlines())
    assert ("1", "main", "trading-floor", "agent-trader-v2") == (
        meta["agenttrader_v2_config_snapshot"],
        meta["git_branch"],
        meta["namespace"],
        meta["repo_id"],
    )
    assert "agenttrader_v2_config_snapshot=1" == files["meta.txt"].splitlines()[0]
    switch = yaml.safe_load(files["k8s_listings/kill_switch_configmap.yaml"])
    assert ("ConfigMap", {"EXECUTION_HALTED": "1"}) == (switch["kind"], switch["data"])
    assert "Deployment/strategy-engine" in files["k8s_listings/workloads.txt"]
    assert "Service/" in files["k8s_listings/workloads.txt"]
    assert str(folder.relative_to(served.folder)) == shown["path"]
    assert "config_snapshot" == account["job"]
    gaps = {g["what"]: g["reason"] for c in account["coverage"] for g in c["gaps"]}
    assert {
        "config/preflight.yaml",
        "configs/strategies",
        "docs/ops/status_contract.md",
        "k8s/.env",
        "k8s/[REDACTED].yaml",
        "k8s/account.json",
        "k8s/blob.bin",
        "k8s/link.yaml",
        "k8s/linked",
        "k8s/merged.yaml",
        "k8s/secret.yaml",
        "k8s/tls.pem",
        "k8s/tls.yaml",
        "k8s/too/deep/for/it.yaml",
        "ops/PRODUCTION_LOCK.md",
    } == set(gaps)
    assert "it is a link, which is not followed" == gaps["ops/PRODUCTION_LOCK.md"]
    assert "it is a Secret manifest" == gaps["k8s/secret.yaml"]
    listed = {f["path"]: f for f in shown["repository_files"]}
    assert (False, None) == (
        listed["k8s/secret.yaml"]["copied"],
        listed["k8s/secret.yaml"]["sha256_of_copy"],
    )


def test_no_secret_is_in_any_file(floor, repository):
    """No secret of manifests, keys, links or variables is in the record or on stdout."""
    served = floor("calm")
    result = served.run("config-snapshot", "--repository", repository)
    files = files_in(snapshot_of(served))
    whole = "\n".join([*files.values(), result.stdout, result.stderr])

    assert [] == [canary for canary in CANARIES if canary in whole]
    assert "value: OBSERVE" in files["repo_files/k8s/10.yaml"]
    assert files["repo_files/k8s/10.yaml"].startswith("# Rewritten by Mission Control")
    assert "- name: main\n" in files["repo_files/k8s/10.yaml"]
    assert "image: r/x:1" in files["repo_files/k8s/deep/er/x.yaml"]


def test_secrets_are_named_by_who_refers_to_them(floor):
    """No request for Secrets ever leaves, and the listing says that it was made without (R12.7)."""
    served = floor("calm")
    served.run("config-snapshot")
    files = files_in(snapshot_of(served))

    assert files["k8s_listings/secrets.names.txt"].startswith("# Secrets are never read.")
    assert False is json.loads(files["snapshot.json"])["secrets_read"]
    asked = served.simulated.cluster.requests
    assert {"GET"} == {method for method, _ in asked}
    assert [] == [path for _, path in asked if "secret" in path]


def test_without_a_cluster_the_rest_is_recorded(run, fleet_file, tmp_path):
    """Each listing says that no cluster is configured; that is a gap, and exit 0."""
    settings = {
        "MISSION_CONTROL_FLEET_FILE": str(fleet_file),
        "MISSION_CONTROL_ROOT": str(tmp_path),
    }
    result = run("config-snapshot", **settings)
    (folder,) = (tmp_path / "audit_artifacts" / "config_snapshots").iterdir()
    files = files_in(folder)
    account = json.loads(files["run.json"])

    assert 0 == result.exit_code, result.output
    assert {"# not read: no cluster is configured\n"} == {
        text
        for name, text in files.items()
        if name.startswith("k8s_listings/") and not name.endswith("kubectl.meta")
    }
    assert {
        ("cluster", "no cluster is configured"),
        ("repository", "no repository is configured"),
    } == {(g["what"], g["reason"]) for c in account["coverage"] for g in c["gaps"]}
    assert "Gap: cluster: cluster: no cluster is configured" in result.stderr


def test_lists_that_were_lost_are_named(floor):
    """A denied list is a gap in the account and in the listing, never an empty table alone."""
    served = floor("pods-denied")
    result = served.run("config-snapshot", "--json")
    files = files_in(snapshot_of(served))
    gaps = [g["what"] for c in json.loads(files["run.json"])["coverage"] for g in c["gaps"]]

    assert 0 == result.exit_code
    assert any("/pods" in what and "for Secrets" in what for what in gaps)
    assert "# not read: cluster trading-floor/pods: DENIED" in files["k8s_listings/pods.txt"]
    assert "# not read: " in files["k8s_listings/secrets.names.txt"]


def test_a_cluster_that_is_lost_leaves_a_record(floor):
    """Nothing of it was seen: every listing says so, and it is recorded all the same."""
    served = floor("cluster-lost")
    result = served.run("config-snapshot", "--json")
    cluster = json.loads(result.stdout)["coverage"][0]

    assert 0 == result.exit_code
    assert ("cluster", 0) == (cluster["source"], cluster["obtained"])


@pytest.mark.parametrize("command", ["config-snapshot", "blueprint"])
def test_a_record_that_fails_is_told(run, fleet_file, tmp_path, command):
    """A root that nothing can be written below is no internal error: it is named, and exit 1."""
    (tmp_path / "audit_artifacts").write_text("in the way")
    settings = {
        "MISSION_CONTROL_FLEET_FILE": str(fleet_file),
        "MISSION_CONTROL_ROOT": str(tmp_path),
    }
    result = run(command, **settings)

    assert 1 == result.exit_code
    assert "NOT RECORDED: " in result.stderr
    assert "Internal error" not in result.stderr
