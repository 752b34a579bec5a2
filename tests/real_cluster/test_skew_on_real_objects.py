"""Skew, half-done rollouts and left-overs on objects of a real kube-apiserver, each by name."""

import asyncio
import hashlib
from contextlib import asynccontextmanager, contextmanager
from copy import deepcopy
from dataclasses import replace

import orjson
import pytest

from mission_control.bootstrap.clock import real_clock
from mission_control.model.fleet import ContractKind, KnownWorkload
from mission_control.simulation.cluster_api import Staging, objects_of
from mission_control.simulation.roster import KNOWN, REGISTRY, ROSTER
from mission_control.simulation.scenario import ClusterStage, WorkloadTwist
from tests.floor.floor_of_values import STRATEGY, changed, rich
from tests.real_cluster.looking import FLOOR, judge_readiness
from tests.real_cluster.scene import AT, ROOTS, set_scene, store

pytestmark = pytest.mark.anyio
SE = "strategy-engine"
EIGHT = ClusterStage(workloads={SE: WorkloadTwist(replicas=8)})
NEW = f"{REGISTRY}/strategy-runtime:99beef0"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{FLOOR}/deployments/{SE}"
PODS = f"/api/v1/namespaces/{FLOOR}/pods"


@pytest.fixture(scope="module", autouse=True)
def eight(server):
    """Store the calm fleet, with eight replicas of the strategy engine."""
    set_scene(server, EIGHT)


async def judge(access, tmp_path, **how):
    """Judge readiness; return outcome and detail of each check, and the floor's reasons."""
    report, snapshot = await judge_readiness(access, tmp_path, **how)
    checks = {c.code: (c.outcome.value, c.stops, c.detail) for c in report.checks}
    return checks, [(r.code, r.subject) for r in snapshot.posture.reasons]


def ask(server, method, path, body=None):
    """Ask as the administrator, and give what is answered; anything but a success is an error."""
    answer = server.ask(method, path, body)
    assert answer.status_code < 300, f"{method} {path}: {answer.text}"
    return answer.json()


def tell(server, path, **status):
    """Write the status as a controller does: of the newest generation, with these fields."""
    held = ask(server, "GET", path)
    told = {**held["status"], "observedGeneration": held["metadata"]["generation"], **status}
    ask(server, "PUT", f"{path}/status", {**held, "status": told})


def planned_pods():
    """Return the eight pods of the strategy engine as they were stored."""
    held = objects_of(Staging(AT, EIGHT, "1"))[FLOOR, "pods"]
    return [p for p in held if p["metadata"]["name"].startswith(f"{SE}-")]


def swap(server, old, new):
    """Take a pod away and store another one."""
    ask(server, "DELETE", f"{PODS}/{old['metadata']['name']}?gracePeriodSeconds=0")
    store(server, FLOOR, "pods", new)


@contextmanager
def one_odd(server, change):
    """Have one of the eight pods be another, for the time of the block."""
    first = planned_pods()[0]
    odd = deepcopy(first)
    change(odd)
    swap(server, first, odd)
    try:
        yield odd["metadata"]["name"]
    finally:
        swap(server, odd, first)


def run_image(pod, image, digest="b"):
    """Have a pod run another image."""
    (container,) = pod["spec"]["containers"]
    container["image"] = image
    pod["status"]["containerStatuses"][0]["imageID"] = f"docker://r@sha256:{digest * 64}"


def set_env(name, value):
    """Have a pod's container have another value for a variable."""

    def change(pod):
        for each in pod["spec"]["containers"][0]["env"]:
            if each["name"] == name:
                each["value"] = value

    return change


def annotate(pod):
    """Have a pod say that it is of another build."""
    pod["metadata"]["annotations"] = {"agenttrader.dev/git_sha": "0ldbeef"}


ODD = [
    (lambda p: run_image(p, f"{REGISTRY}/strategy-runtime:0ld"), "image of strategy-engine is"),
    (lambda p: run_image(p, f"{REGISTRY}/strategy-runtime:54afffe"), "digest of strategy-engine"),
    (set_env("AGENT_MODE", "EVAL"), "AGENT_MODE of strategy-engine is EVAL (the others: OBSERVE)"),
    (set_env("GIT_SHA", "0ld"), "GIT_SHA of strategy-engine is 0ld (the others: 54afffe)"),
    (annotate, "annotation agenttrader.dev/git_sha is 0ldbeef (the others: not set)"),
]


async def test_eight_replicas_that_are_alike_pass(our_kubeconfig, access_by, tmp_path):
    """The calm scene has nothing odd, nothing half-done and nothing left over."""
    checks, reasons = await judge(access_by(our_kubeconfig), tmp_path)

    assert {"PASS"} == {checks[c][0] for c in ("RC-205", "RC-304", "RC-309", "RC-310")}, checks
    assert [] == [r for r in reasons if r[0] in {"REPLICA_SKEW", "LEFTOVER_WORKLOAD"}]


@pytest.mark.parametrize(
    ("change", "said"), ODD, ids=["image", "digest", "mode", "build", "annotation"]
)
async def test_one_odd_replica_of_eight_is_no_go_by_name(
    server, our_kubeconfig, access_by, tmp_path, change, said
):
    """Which pod it is, in what it differs, and what the seven others have."""
    with one_odd(server, change) as name:
        checks, reasons = await judge(access_by(our_kubeconfig), tmp_path)

    assert ("FAIL", True) == checks["RC-309"][:2]
    assert f"Deployment/{SE}: {name} (1 of 8)" in checks["RC-309"][2]
    assert said in checks["RC-309"][2]
    assert ("REPLICA_SKEW", SE) in reasons


async def test_a_pod_edited_by_hand_is_named(server, our_kubeconfig, access_by, tmp_path):
    """The API lets a running pod's image be changed; its ReplicaSet never looks at it again."""
    name = planned_pods()[1]["metadata"]["name"]
    held = ask(server, "GET", f"{PODS}/{name}")
    edited = deepcopy(held)
    edited["spec"]["containers"][0]["image"] = NEW
    ask(server, "PUT", f"{PODS}/{name}", edited)
    try:
        checks, _ = await judge(access_by(our_kubeconfig), tmp_path)
    finally:
        swap(server, held, planned_pods()[1])

    assert f"{name} (1 of 8): image of {SE} is {NEW}" in checks["RC-309"][2]


@asynccontextmanager
async def answering(builds):
    """Answer on loopback as a balancer's replicas do, one connection each; give the address."""
    turns = iter(builds)

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        body = orjson.dumps(
            changed(rich(STRATEGY, real_clock()), "git_sha", next(turns, builds[0]))
        )
        head = f"content-type: application/json\r\ncontent-length: {len(body)}"
        writer.write(f"HTTP/1.1 200 OK\r\n{head}\r\nconnection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    ("builds", "outcome"),
    [(["54afffe", "0ldbeef", "54afffe"], "FAIL"), (["54afffe"] * 3, "PASS")],
    ids=["one odd", "alike"],
)
async def test_a_replica_that_tells_another_build_is_no_go_by_name(
    our_kubeconfig, access_by, tmp_path, builds, outcome
):
    """Behind one address answer several replicas; one of them is on the old build."""
    async with answering(builds) as address:
        quiet = [replace(a, contract=ContractKind.NONE) for a in ROSTER if a.agent_name != SE]
        asked = next(a for a in ROSTER if a.agent_name == SE)
        asked = replace(asked, service_dns=address, expected_endpoints=("/ops/status",))
        checks, reasons = await judge(
            access_by(our_kubeconfig), tmp_path, agents=[*quiet, asked], rounds=3
        )

    assert outcome == checks["RC-309"][0], checks["RC-309"]
    assert (outcome == "FAIL") is (("REPLICA_SKEW", SE) in reasons)
    assert (outcome == "FAIL") is ("git_sha 0ldbeef" in checks["RC-309"][2])


# Rollouts.


@contextmanager
def rolling(server):
    """Return a way to step a rollout of the strategy engine, and put all back afterwards."""
    old, sets = planned_pods(), f"/apis/apps/v1/namespaces/{FLOOR}/replicasets"
    (first,) = [
        r for r in objects_of(Staging(AT, EIGHT, "1"))[FLOOR, "replicasets"]
        if r["metadata"]["name"].startswith(f"{SE}-")
    ]  # fmt: skip
    owner = deepcopy(first)
    owner["metadata"]["name"] = f"{SE}-new"
    owner["spec"]["template"]["spec"]["containers"][0]["image"] = NEW
    held = ask(server, "GET", DEPLOYMENT)
    newer = deepcopy(held)
    newer["spec"]["template"]["spec"]["containers"][0]["image"] = NEW
    ask(server, "PUT", DEPLOYMENT, newer)
    store(server, FLOOR, "replicasets", owner)
    new = [_renewed(p) for p in old]
    try:
        yield list(zip(old, new, strict=True))
    finally:
        there = {p["metadata"]["name"] for p in ask(server, "GET", PODS)["items"]}
        for before, after in zip(old, new, strict=True):
            if after["metadata"]["name"] in there:
                swap(server, after, before)
        ask(server, "DELETE", f"{sets}/{SE}-new")
        now = ask(server, "GET", DEPLOYMENT)
        ask(server, "PUT", DEPLOYMENT, {**now, "spec": held["spec"]})
        tell(server, DEPLOYMENT, **_calm(held))


def _calm(held):
    """Return the status before, without the generation that it was of."""
    return {k: v for k, v in held["status"].items() if k != "observedGeneration"}


def _renewed(pod):
    """Return the pod that takes another one's place."""
    made = deepcopy(pod)
    name = pod["metadata"]["name"]
    made["metadata"]["name"] = f"{SE}-new-{hashlib.sha256(name.encode()).hexdigest()[:5]}"
    made["metadata"]["ownerReferences"][0]["name"] = f"{SE}-new"
    run_image(made, NEW, "c")
    return made


async def test_a_normal_rollout_is_told_and_is_no_skew_and_none_after_settling(
    server, our_kubeconfig, access_by, tmp_path
):
    """Readiness waits for it by name; when the last pod was replaced nothing is left to say."""
    access, told = access_by(our_kubeconfig), []
    with rolling(server) as pairs:
        behind, _ = await judge(access, tmp_path)
        for count, (before, after) in enumerate(pairs, 1):
            swap(server, before, after)
            tell(server, DEPLOYMENT, updatedReplicas=count)
            if count in {3, 8}:
                checks, reasons = await judge(access, tmp_path)
                skew = [r for r in reasons if r[0] == "REPLICA_SKEW"]
                told.append((checks["RC-304"][0], checks["RC-309"][0], skew))
                assert count == 8 or "rollout under way: 3 of 8 updated" in checks["RC-304"][2]

    assert "its newest specification was not taken up" in behind["RC-304"][2]
    assert [("FAIL", "PASS", []), ("PASS", "PASS", [])] == told


def condition(kind, status, reason):
    """Return one condition as a controller writes it."""
    return {"type": kind, "status": status, "reason": reason, "message": "m"}


HALF_DONE = [
    ({"paused": True}, {}, "it is paused, with 3 of 8 updated"),
    (
        {},
        {"conditions": [condition("Progressing", "False", "ProgressDeadlineExceeded")]},
        "Progressing is False (ProgressDeadlineExceeded)",
    ),
]


@pytest.mark.parametrize(("spec", "status", "said"), HALF_DONE, ids=["paused", "deadline"])
async def test_a_half_done_rollout_is_no_go_by_name_although_all_are_ready(
    server, our_kubeconfig, access_by, tmp_path, spec, status, said
):
    """Nothing goes on by itself any more, so that its replicas are skewed as well."""
    with rolling(server) as pairs:
        for before, after in pairs[:3]:
            swap(server, before, after)
        held = ask(server, "GET", DEPLOYMENT)
        ask(server, "PUT", DEPLOYMENT, {**held, "spec": {**held["spec"], **spec}})
        tell(server, DEPLOYMENT, updatedReplicas=3, **status)
        checks, reasons = await judge(access_by(our_kubeconfig), tmp_path)

    assert ("FAIL", True) == checks["RC-304"][:2]
    assert said in checks["RC-304"][2]
    assert ("FAIL", True) == checks["RC-309"][:2]
    assert ("FAIL", True) == checks["RC-205"][:2]
    assert ("REPLICA_SKEW", SE) in reasons


SETS = f"/apis/apps/v1/namespaces/{FLOOR}/statefulsets/gamma-strategy"


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        ({"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}, "held at partition 1"),
        ({"type": "OnDelete"}, "only when they are deleted by hand"),
        ({"type": "RollingUpdate"}, "rollout under way: 0 of 1 updated"),
    ],
    ids=["partition", "OnDelete", "revisions"],
)
async def test_a_stateful_set_that_is_not_of_one_revision_is_no_go_by_name(
    server, our_kubeconfig, access_by, tmp_path, strategy, said
):
    """Its pods are of the revision before, and stay so until the rollout goes on."""
    held = ask(server, "GET", SETS)
    spec = {**held["spec"], "updateStrategy": strategy}
    ask(server, "PUT", SETS, {**held, "spec": spec})
    tell(server, SETS, updateRevision="gamma-strategy-newer", updatedReplicas=0)
    try:
        checks, _ = await judge(access_by(our_kubeconfig), tmp_path)
    finally:
        now = ask(server, "GET", SETS)
        ask(server, "PUT", SETS, {**now, "spec": held["spec"]})
        tell(server, SETS, **_calm(held))

    assert ("FAIL", True) == checks["RC-304"][:2]
    assert "StatefulSet/gamma-strategy: 1 of 1 ready; " in checks["RC-304"][2]
    assert said in checks["RC-304"][2]


# What is left over.

POD = {"containers": [{"name": "main", "image": "registry/recovery:1"}]}
TEMPLATE = {"metadata": {"labels": {"app": "old-recovery"}}, "spec": POD}
SELECTED = {"selector": {"matchLabels": {"app": "old-recovery"}}, "template": TEMPLATE}
LEFT_OVER = {
    "deployments": ("Deployment", {"replicas": 1, **SELECTED}),
    "statefulsets": ("StatefulSet", {"replicas": 1, "serviceName": "x", **SELECTED}),
    "replicasets": ("ReplicaSet", {"replicas": 1, **SELECTED}),
    "pods": ("Pod", POD),
    "cronjobs": (
        "CronJob",
        {
            "schedule": "*/5 * * * *",
            "jobTemplate": {
                "spec": {"template": {"spec": {**POD, "restartPolicy": "Never"}}},
            },
        },
    ),
}


@pytest.mark.parametrize("resource", sorted(LEFT_OVER))
@pytest.mark.parametrize("namespace", [FLOOR, "agenttrader"])
async def test_a_left_over_is_no_go_by_name_until_the_fleet_file_lists_it(
    server, our_kubeconfig, access_by, tmp_path, resource, namespace
):
    """In every watched namespace, of every kind; listed, with who and why, it is known."""
    kind, spec = LEFT_OVER[resource]
    made = {"metadata": {"name": "old-recovery", "namespace": namespace}, "spec": spec}
    store(server, namespace, resource, made)
    entry = KnownWorkload(kind, "old-recovery", namespace, "Ops", "kept until Friday")
    access = access_by(our_kubeconfig)
    try:
        checks, reasons = await judge(access, tmp_path)
        known, calm = await judge(access, tmp_path, known=(*KNOWN, entry))
    finally:
        path = f"{ROOTS[resource]}/namespaces/{namespace}/{resource}/old-recovery"
        ask(server, "DELETE", f"{path}?gracePeriodSeconds=0&propagationPolicy=Background")

    title = f"{namespace}/{kind}/old-recovery"
    assert ("FAIL", True) == checks["RC-310"][:2]
    assert f"{title}: " in checks["RC-310"][2]
    assert ("LEFTOVER_WORKLOAD", title) in reasons
    assert ("PASS", False) == known["RC-310"][:2], known["RC-310"]
    assert [] == [r for r in calm if r[0] == "LEFTOVER_WORKLOAD"]
