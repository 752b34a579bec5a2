"""deploy/kubernetes on a real API server: it takes the manifests, and our account can only read."""

import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import yaml

from mission_control.cluster.decide.least_rights import least_rights
from mission_control.cluster.model.facts import SubjectRef
from mission_control.cluster.present import rights_documents
from mission_control.model.fleet import ClusterAccess
from tests.deploy.rendered import TREE, WHOLE, name_of, render, rendered
from tests.ports import free_ports

PROJECT = Path(__file__).parents[2]
FLOOR, ACCOUNT = "trading-floor", "mission-control"
SERVED_FROM = {
    ("policy/v1", "PodDisruptionBudget"): "1.21",
    ("batch/v1", "CronJob"): "1.21",
    ("monitoring.coreos.com/v1", "ServiceMonitor"): "never: it comes with the Prometheus operator",
}
"""What a server of 1.20 does not know, and since when it is known."""


@pytest.fixture(scope="module")
def token(server):
    """Return a token of our own account, as the kubelet would mount it."""
    return server.token_of(FLOOR, ACCOUNT)


@pytest.fixture(scope="module")
def kinds(server):
    """Return every kind that the server offers, with its group and version."""
    offered = set[tuple[str, str]]()
    groups = server.ask("GET", "/apis").json()["groups"]
    versions = [v["groupVersion"] for g in groups for v in g["versions"]]
    for version in ("v1", *versions):
        root = "/api/v1" if version == "v1" else f"/apis/{version}"
        listed = server.ask("GET", root).json()["resources"]
        offered |= {(version, r["kind"]) for r in listed}
    return offered


def served(objects, kinds):
    """Return the objects that the server knows, and the kinds that it does not."""
    known = [o for o in objects if (o["apiVersion"], o["kind"]) in kinds]
    return known, {(o["apiVersion"], o["kind"]) for o in objects if o not in known}


@pytest.mark.parametrize("folder", WHOLE)
def test_the_server_takes_every_kind_that_it_serves(server, kinds, folder):
    """A dry run on the server accepts each object; what it does not serve is named, and why."""
    known, unknown = served(rendered(folder), kinds)
    if known:
        said = server.kubectl(
            "apply", "--dry-run=server", "-f", "-", text=yaml.safe_dump_all(known)
        )
        assert len(known) == said.count("(server dry run)")

    assert unknown <= set(SERVED_FROM)


def test_what_a_dry_run_would_refuse(server):
    """The server does look: a Deployment whose selector finds nothing of its own is refused."""
    (deployment,) = (o for o in rendered("base") if o["kind"] == "Deployment")
    broken = json.loads(json.dumps(deployment))
    broken["spec"]["selector"]["matchLabels"]["app"] = "another"
    with pytest.raises(AssertionError, match="selector"):
        server.kubectl("apply", "--dry-run=server", "-f", "-", text=yaml.safe_dump(broken))


def rules_of(server, token, namespace):
    """Return what the server says that an account may do there: verb, group, resource, names."""
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    told = server.ask("POST", path, body, token).raise_for_status().json()["status"]
    return {
        (verb, group, resource, tuple(rule.get("resourceNames", ())))
        for rule in told["resourceRules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


OF_EVERYBODY = {
    ("create", "authorization.k8s.io", "selfsubjectaccessreviews", ()),
    ("create", "authorization.k8s.io", "selfsubjectrulesreviews", ()),
}
"""To ask what oneself may do, which changes nothing."""


def test_the_server_grants_what_the_roles_say_and_no_more(server, token):
    """In each namespace the account has exactly its Role and the ClusterRole (R10.5)."""
    roles = [o for o in rendered("rbac") if o["kind"] in {"Role", "ClusterRole"}]
    for namespace in (FLOOR, "agenttrader", "default"):
        meant = {
            (verb, group, resource, tuple(rule.get("resourceNames", ())))
            for role in roles
            if role["metadata"].get("namespace", namespace) == namespace
            for rule in role["rules"]
            for verb in rule["verbs"]
            for group in rule["apiGroups"]
            for resource in rule["resources"]
        }

        assert meant == rules_of(server, token, namespace) - OF_EVERYBODY
        assert {"get", "list"} == {verb for verb, *_ in meant}


NEVER = [
    ("get", "", "secrets", ""),
    ("list", "", "secrets", ""),
    ("watch", "", "pods", ""),
    ("get", "", "pods", "exec"),
    ("create", "", "pods", "exec"),
    ("create", "", "pods", "attach"),
    ("create", "", "pods", "portforward"),
    ("get", "", "services", "proxy"),
    ("create", "", "pods", ""),
    ("create", "", "serviceaccounts", "token"),
    ("patch", "apps", "deployments", ""),
    ("patch", "apps", "deployments", "scale"),
    ("update", "", "configmaps", ""),
    ("delete", "", "pods", ""),
    ("deletecollection", "", "pods", ""),
    ("impersonate", "", "serviceaccounts", ""),
    ("bind", "rbac.authorization.k8s.io", "roles", ""),
    ("escalate", "rbac.authorization.k8s.io", "roles", ""),
]


@pytest.mark.parametrize(("verb", "group", "resource", "part"), NEVER)
def test_the_server_says_that_our_account_may_not(server, token, verb, group, resource, part):
    """No Secret, no stream, no write, no other's name: asked of the server itself (R10.3)."""
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    about = {"verb": verb, "group": group, "resource": resource, "subresource": part}
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {**about, "namespace": FLOOR}},
    }
    told = server.ask("POST", path, body, token).raise_for_status()

    assert False is told.json()["status"]["allowed"]


def test_a_namespace_more_is_read_by_its_own_role(server, token):
    """Before its Role is applied the new namespace is denied; after it, it is read (R10.5)."""
    server.kubectl("create", "namespace", "signals")
    access = ClusterAccess(("agenttrader", FLOOR, "signals"), FLOOR)
    made = rights_documents(least_rights(access, SubjectRef("ServiceAccount", ACCOUNT, FLOOR)))
    paths = ("/api/v1/namespaces/signals/pods", "/api/v1/namespaces/signals")
    before = [server.ask("GET", path, None, token).status_code for path in paths]
    server.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(made))
    after = [server.ask("GET", path, None, token).status_code for path in paths]
    server.kubectl("apply", "-f", str(TREE / "rbac/rbac.yaml"))

    assert ([403, 403], [200, 200]) == (before, after)


def program(*words, **more):
    """Run Mission Control as a process of its own, with nothing of this process's settings."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("MISSION_CONTROL_")}
    command = [sys.executable, "-m", "mission_control", *words]
    done = subprocess.run(
        command, env={**environ, **more}, cwd=PROJECT, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_doctor_finds_every_list_readable(our_kubeconfig, tmp_path):
    """As our own account each list is read, and the account is found to be a reader."""
    fleet = tmp_path / "fleet.yaml"
    text = "cluster: {access: kubeconfig, namespaces: [agenttrader, trading-floor]}\n"
    agents = "agents:\n  - {agent_name: m, service_dns: 'http://127.0.0.1:1', kind: marketdata}\n"
    fleet.write_text(text + agents)
    given = ("--kubeconfig", str(our_kubeconfig), "--fleet-file", str(fleet))
    _, out, err = program("--json", "doctor", *given, "--root", str(tmp_path))
    assert out, err
    checks = json.loads(out)["checks"]
    about = [c for c in checks if c["subject"].startswith(("cluster ", "account", "namespace "))]

    assert [] == [c for c in about if c["outcome"] == "FAIL"]
    assert ["PASS"] == [c["outcome"] for c in about if c["subject"] == "account"]
    assert "can only read" in next(c["detail"] for c in about if c["subject"] == "account")


STEPS = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def followed(server, tmp_path_factory):
    """Follow docs/deploy.md literally, but for applying, in a folder with a copy of deploy."""
    at = tmp_path_factory.mktemp("platform team")
    shutil.copytree(PROJECT / "deploy", at / "deploy")
    programs = at / "bin"
    programs.mkdir()
    config = server.kubeconfig("admin", "admin-token")
    for name, command in (
        ("kubectl", f"{server.assets / 'kubectl'} --kubeconfig {config}"),
        ("mission-control", f"{sys.executable} -m mission_control"),
    ):
        (programs / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (programs / name).chmod(0o755)
    steps = "".join(STEPS.findall((PROJECT / "docs/deploy.md").read_text()))
    applied = [line for line in steps.splitlines() if line.startswith("kubectl apply -k")]
    assert 2 == len(applied)
    for line in applied:  # 1.20 does not know the budget's kind: it is taken in parts below
        steps = steps.replace(f"{line}\n", "")
    environ = {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        ["bash", "-eu", "-c", steps],
        cwd=at,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return at


@pytest.mark.parametrize(("folder", "replicas"), [("my-floor", 1), ("my-twins", 2)])
def test_the_documented_steps_give_what_the_server_takes(server, kinds, followed, folder, replicas):
    """What a platform team is told to write is rendered, and taken by the server."""
    objects = list(yaml.safe_load_all(render(followed / folder)))
    known, unknown = served(objects, kinds)
    said = server.kubectl("apply", "--dry-run=server", "-f", "-", text=yaml.safe_dump_all(known))
    deployments = [o for o in objects if o["kind"] == "Deployment"]

    assert len(known) == said.count("(server dry run)")
    assert {("policy/v1", "PodDisruptionBudget")} == unknown
    assert replicas == len(deployments)
    for each in deployments:
        (volume,) = (v for v in each["spec"]["template"]["spec"]["volumes"] if v["name"] == "fleet")
        assert volume["configMap"]["name"] in {name_of(o) for o in objects}


def test_the_documented_image_is_the_one_that_runs(followed):
    """The overlay's registry and digest take the place of the image that no registry has."""
    objects = yaml.safe_load_all(render(followed / "my-floor"))
    (spec,) = (o["spec"]["template"]["spec"] for o in objects if o["kind"] == "Deployment")
    (box,) = spec["containers"]

    assert box["image"].startswith("registry.example.com/ops/mission-control@sha256:0123")


def test_the_documented_secrets_have_the_files_that_are_mounted(server, followed):
    """Each Secret that the Deployment mounts was made, with the files that the settings name."""
    objects = list(yaml.safe_load_all(render(followed / "my-floor")))
    (given,) = (
        o["data"] for o in objects if o["kind"] == "ConfigMap" and "-settings" in name_of(o)
    )
    (spec,) = (o["spec"]["template"]["spec"] for o in objects if o["kind"] == "Deployment")
    mounts = {m["name"]: m["mountPath"] for m in spec["containers"][0]["volumeMounts"]}
    files = set[str]()
    for volume in spec["volumes"]:
        if "secret" in volume:
            path = f"/api/v1/namespaces/{FLOOR}/secrets/{volume['secret']['secretName']}"
            held = server.ask("GET", path).raise_for_status().json()["data"]
            files |= {f"{mounts[volume['name']]}/{key}" for key in held}
    named = {v for k, v in given.items() if k.endswith(("TOKENS_FILE", "CERTIFICATE", "_KEY"))}

    assert 3 == len(named)
    assert named <= files
    assert "/etc/mission-control/twin/token" in files


def unfolded(value, given):
    """Return a variable's value as the kubelet gives it: those before it are put in."""
    return re.sub(r"\$\((\w+)\)", lambda m: given[m[1]], value)


@pytest.fixture(scope="module")
def serving(followed):
    """Serve with just what the pod would have: its variables, and its files in their mounts."""
    objects = list(yaml.safe_load_all(render(followed / "my-floor")))
    given = {"POD_IP": "10.1.2.3", "MISSION_CONTROL_NAMESPACE": FLOOR}
    given["MISSION_CONTROL_REPLICA"] = ACCOUNT
    (spec,) = (o["spec"]["template"]["spec"] for o in objects if o["kind"] == "Deployment")
    (settings,) = (
        o["data"] for o in objects if o["kind"] == "ConfigMap" and "-settings" in name_of(o)
    )
    for variable in spec["containers"][0]["env"]:
        if "value" in variable:
            given[variable["name"]] = unfolded(variable["value"], given)
    (followed / "data").mkdir()
    places = {
        "/etc/mission-control/fleet": followed / "my-floor",
        "/etc/mission-control/tokens": followed,
        "/etc/mission-control/tls": followed,
    }
    for name, value in settings.items():
        folder, _, file = value.rpartition("/")
        given[name] = str(places[folder] / file) if folder in places else value
    port = free_ports(1)
    given |= {"MISSION_CONTROL_ROOT": str(followed / "data"), "MISSION_CONTROL_PORT": str(port)}
    environ = {k: v for k, v in os.environ.items() if not k.startswith("MISSION_CONTROL_")}
    with (followed / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mission_control", *spec["containers"][0]["args"]],
            env=environ | given, cwd=PROJECT, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield f"https://127.0.0.1:{port}", ssl.create_default_context(cafile=followed / "ca.crt")
    finally:
        process.terminate()
        process.wait(30)


def asked(serving, path, token="", host="10.1.2.3"):
    """Ask over TLS with the authority that was made, and wait for a server that begins."""
    url, context = serving
    headers = {"host": host} | ({"authorization": f"Bearer {token}"} if token else {})
    until = time.monotonic() + 60
    while True:
        try:
            with httpx.Client(verify=context, trust_env=False, timeout=20) as client:
                return client.get(f"{url}{path}", headers=headers).status_code
        except httpx.ConnectError:
            assert time.monotonic() < until
            time.sleep(0.3)


def test_what_is_deployed_serves_who_has_a_token(followed, serving):
    """Probes need none; a reader reads all, Prometheus its metrics, by the pod's address alone."""
    reader, metrics = (
        (followed / name).read_text().splitlines()[0]
        for name in ("operators.new", "prometheus.new")
    )
    posture = "/api/v1/posture"
    service = "mission-control.trading-floor.svc"

    assert [200, 200] == [asked(serving, p, host="x") for p in ("/livez", "/healthz")]
    assert [401, 403, 200] == [asked(serving, posture, t) for t in ("", metrics, reader)]
    assert [401, 200] == [asked(serving, "/metrics", t) for t in ("", metrics)]
    assert [200, 421] == [asked(serving, posture, reader, h) for h in (service, "elsewhere")]
