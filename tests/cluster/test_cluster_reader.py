"""The cluster reader on the simulated API: every way in which a list can fail to be seen."""

import asyncio
import threading
from dataclasses import astuple, replace
from datetime import UTC, datetime

import httpx
import orjson
import pytest

from mission_control.cluster.model.facts import (
    REQUIRED_LISTS,
    STARTER_LISTS,
    ClusterFacts,
    ListReading,
)
from mission_control.cluster.model.objects import EnvVariable, KeyRef, Rollout
from mission_control.cluster.read import api_server as api_server_module
from mission_control.cluster.read import credentials as credentials_module
from mission_control.cluster.read import lister as lister_module
from mission_control.cluster.read import observer as reader_module
from mission_control.cluster.read.api_server import ApiServer
from mission_control.cluster.read.credentials import Endpoint
from mission_control.cluster.read.guard import ClusterGuard
from mission_control.cluster.read.kubeconfig import NoAccessError
from mission_control.cluster.read.lister import ClusterLister
from mission_control.cluster.read.objects import ObjectReader
from mission_control.cluster.read.observer import ClusterObserver, ConfigMapSwitch
from mission_control.cluster.read.projection import (
    POD,
    WORKLOAD,
    project_pod,
    project_workload,
)
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.model.fleet import ClusterAccess
from mission_control.model.reading import Seen, Unseen
from mission_control.probe.transport import RefusedRequest
from mission_control.simulation.cluster_api import ACCOUNT, SimulatedCluster, Staging
from mission_control.simulation.scenario import (
    EVERYTHING,
    ApiFault,
    ClusterStage,
    WorkloadTwist,
)

pytestmark = pytest.mark.anyio

AT = datetime(2026, 11, 18, 15, 15, tzinfo=UTC)
ACCESS = ClusterAccess(("agenttrader", "trading-floor"), "trading-floor")
FLOOR = "trading-floor"


async def found(_access: ClusterAccess) -> Endpoint:
    """Find the simulated API server, as our own account."""
    import ssl  # noqa: PLC0415  (only a context that is not used)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return Endpoint("http://cluster", context, None, lambda: "Bearer t", ACCOUNT, verified=True)


class Cluster:
    """A simulated cluster and what reads it, in process."""

    def __init__(self, stage: ClusterStage | None = None, *, old: bool = False) -> None:
        """Serve a stage."""
        self.stage = stage or ClusterStage()
        self.api = SimulatedCluster(lambda: Staging(AT, self.stage, "1"), old=old)
        self.server = ApiServer(
            ACCESS, load=found, open_=lambda _: httpx.ASGITransport(self.api.app)
        )
        self.lister = ClusterLister(self.server, lambda: AT)
        self.objects = ObjectReader(self.lister)

    async def read(self) -> ClusterFacts:
        """Read one round."""
        return await ClusterObserver(self.lister).read()

    async def listing(self, resource: str, namespace: str = FLOOR) -> ListReading:
        """Read one round and find how a list went."""
        return next(
            r
            for r in (await self.read()).lists
            if (r.resource, r.namespace) == (resource, namespace)
        )


def code(read: ListReading) -> str | None:
    """Return why a list was not seen; None where it was."""
    return read.reading.code if isinstance(read.reading, Unseen) else None


async def test_a_calm_cluster_is_read_whole():
    """Every list is seen, nothing is odd, and pods lead to their workloads."""
    facts = await Cluster().read()

    assert {None} == {code(r) for r in facts.lists}
    assert 2 * (len(REQUIRED_LISTS) + 1 + len(STARTER_LISTS)) == len(facts.lists)
    engine = next(w for w in facts.workloads if w.name == "execution-engine")
    assert (0, 0, 0) == (engine.desired, engine.actual, engine.ready)
    pod = next(p for p in facts.pods if p.name.startswith("marketdata-mcp-server"))
    assert ["schema-check", "marketdata-mcp-server"] == [c.name for c in pod.containers]
    assert [True, False] == [s.init for s in pod.states]
    assert all(s.digest.startswith("sha256:") and len(s.digest) == 71 for s in pod.states)


@pytest.mark.parametrize("old", [False, True], ids=["modern", "1.20"])
async def test_resources_are_found_under_whichever_version_offers_them(old):
    """CronJobs and PodDisruptionBudgets are discovered by GET, once."""
    cluster = Cluster(old=old)
    await cluster.read()
    budgets = await cluster.objects.objects("poddisruptionbudgets", FLOOR)
    await cluster.read()
    asked = cluster.api.requests

    root = "/apis/batch/v1beta1" if old else "/apis/batch/v1"
    assert 4 == sum(n for (_, p), n in asked.items() if p.startswith(root) and "cronjobs" in p)
    assert isinstance(budgets, Seen)
    expected = "policy/v1beta1" if old else "policy/v1"
    assert [(expected, "PodDisruptionBudget")] == [
        (o["apiVersion"], o["kind"]) for o in budgets.value
    ]
    # Two namespaces ask at the same time, before either knows; after that neither asks again.
    assert asked[("GET", "/apis/batch/v1")] <= 2


FAULTS = [
    (ApiFault.DENIED, "DENIED", f'User "{ACCOUNT}" cannot list resource "pods"'),
    (ApiFault.UNAUTHORIZED, "DENIED", "401"),
    (ApiFault.THROTTLED, "THROTTLED", "try again later"),
    (ApiFault.GONE, "LIST_EXPIRED", "too old"),
    (ApiFault.UNAVAILABLE, "HTTP_503", "unable"),
    (ApiFault.GARBAGE, "NOT_JSON", "not JSON"),
    (ApiFault.CUT, "NOT_JSON", "not JSON"),
    (ApiFault.ENDLESS, "PARTIAL", "there is more"),
    (ApiFault.MISSING, "NOT_OFFERED", "could not find"),
]


@pytest.mark.parametrize(("fault", "expected", "said"), FAULTS, ids=[f[0].value for f in FAULTS])
async def test_a_list_that_fails_is_named_and_loses_no_other(fault, expected, said):
    """Each way to fail has its reason and the server's words; all other lists are still whole."""
    cluster = Cluster(ClusterStage(faults={(FLOOR, "pods"): fault}))
    facts = await cluster.read()
    read = next(r for r in facts.lists if (r.resource, r.namespace) == ("pods", FLOOR))

    assert expected == code(read)
    assert said in getattr(read.reading, "detail", "")
    assert [None] * (len(facts.lists) - 1) == [code(r) for r in facts.lists if r is not read]
    assert () == facts.pods


async def test_a_list_without_end_is_given_up(monkeypatch):
    """A list that holds more than is read of any is no list."""
    monkeypatch.setattr(lister_module, "PAGE_LIMIT", 2)
    monkeypatch.setattr(lister_module, "MAX_OBJECTS", 4)
    read = await Cluster().listing("pods")

    assert "BODY_TOO_LARGE" == code(read)
    assert "more than we take: 6 objects" in getattr(read.reading, "detail", "")


async def test_a_hung_list_times_out_and_delays_no_other(monkeypatch):
    """What never answers is TIMEOUT when the round's time is over; the others are seen."""
    monkeypatch.setattr(reader_module, "ROUND_SECONDS", 2.0)
    facts = await Cluster(ClusterStage(faults={(FLOOR, "pods"): ApiFault.HUNG})).read()

    assert ["TIMEOUT"] == [c for r in facts.lists if (c := code(r))]


async def test_a_list_that_expires_once_is_begun_again(monkeypatch):
    """One 410 between pages costs a second reading and nothing else."""
    monkeypatch.setattr(lister_module, "PAGE_LIMIT", 3)
    cluster = Cluster()
    honest, failed = cluster.api.app, []

    async def forgetful(scope, receive, send):
        pods = scope["path"].endswith("trading-floor/pods")
        if pods and b"continue" in scope["query_string"] and not failed:
            failed.append(True)
            cluster.stage = ClusterStage(faults={(FLOOR, "pods"): ApiFault.GONE})
            await honest(scope, receive, send)
            cluster.stage = ClusterStage()
            return
        await honest(scope, receive, send)

    cluster.server = ApiServer(ACCESS, load=found, open_=lambda _: httpx.ASGITransport(forgetful))
    cluster.lister = ClusterLister(cluster.server, lambda: AT)
    whole = await Cluster().read()

    assert [p.key for p in whole.pods] == [p.key for p in (await cluster.read()).pods]
    assert [True] == failed


ODD = [
    pytest.param({"spec": {"containers": None}}, "odd", id="no containers"),
    pytest.param({"spec": "x"}, "odd", id="spec is text"),
    pytest.param({"metadata": {"name": 7}}, "(without a readable name)", id="name is a number"),
    pytest.param({"metadata": {}}, "(without a name)", id="no name"),
    pytest.param({"status": {"phase": ["Running"]}}, "odd", id="phase is a list"),
    pytest.param(
        {"status": {"containerStatuses": [{"restartCount": -1}]}}, "odd", id="negative restarts"
    ),
]


@pytest.mark.parametrize(("broken", "name"), ODD)
async def test_one_odd_pod_never_loses_a_list(broken, name):
    """An object with fields of the wrong shape is named; all others are read as ever."""
    sound = {
        "metadata": {"name": "odd", "namespace": FLOOR},
        "spec": {"containers": [{"name": "c"}]},
        "status": {"phase": "Running"},
    }
    stage = ClusterStage(extra={(FLOOR, "pods"): ({**sound, **broken},)})
    facts = await Cluster(stage).read()
    calm = await Cluster().read()
    read = next(r for r in facts.lists if (r.resource, r.namespace) == ("pods", FLOOR))

    assert [("Pod", name)] == [(o.kind, o.name) for o in read.odd]
    assert [p.key for p in calm.pods] == [p.key for p in facts.pods]


async def test_a_workload_without_a_template_is_odd():
    """Without its pod template nothing is known of what a workload would run."""
    odd = {
        "metadata": {"name": "w", "namespace": FLOOR},
        "spec": {"replicas": 1},
        "status": {},
    }
    read = await Cluster(ClusterStage(extra={(FLOOR, "deployments"): (odd,)})).listing(
        "deployments"
    )

    assert ["it has no pod template"] == [o.problem for o in read.odd]


def workload(kind, spec=None, **status):
    """Project a workload with this specification and status."""
    whole = {
        "metadata": {"name": "w", "namespace": FLOOR, "generation": 4},
        "spec": {"replicas": 8, "template": {"spec": {"containers": []}}, **(spec or {})},
        "status": {"observedGeneration": 4, **status},
    }
    return project_workload(kind, WORKLOAD.decode(orjson.dumps(whole)))


ENDED = "2026-11-18T15:00:00Z"


@pytest.mark.parametrize(
    ("kind", "spec", "status", "expected"),
    [
        (
            "Deployment",
            {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}}},
            {
                "updatedReplicas": 8,
                "availableReplicas": 7,
                "conditions": [
                    {"type": "Available", "status": "True"},
                    {
                        "type": "Progressing",
                        "status": "True",
                        "reason": "NewReplicaSetAvailable",
                        "lastUpdateTime": ENDED,
                    },
                ],
            },
            Rollout(8, 7, "RollingUpdate", ended_at=datetime(2026, 11, 18, 15, tzinfo=UTC)),
        ),
        (
            "Deployment",
            {},
            {
                "conditions": [
                    {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"},
                    {"type": "Progressing", "status": "False"},
                    {"type": "Unheard", "status": "False"},
                ]
            },
            Rollout(
                0,
                0,
                troubles=("Progressing is False", "ReplicaFailure is True (FailedCreate)"),
            ),
        ),
        (
            "StatefulSet",
            {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 3}}},
            {"updatedReplicas": 5, "currentRevision": "w-1", "updateRevision": "w-2"},
            Rollout(5, None, "RollingUpdate", 3, "w-1", "w-2"),
        ),
        ("StatefulSet", {"updateStrategy": {"type": "OnDelete"}}, {}, Rollout(0, None, "OnDelete")),
        (
            "DaemonSet",
            {"updateStrategy": {"type": "RollingUpdate"}},
            {
                "desiredNumberScheduled": 3,
                "currentNumberScheduled": 3,
                "updatedNumberScheduled": 2,
                "numberAvailable": 1,
            },
            Rollout(2, 1, "RollingUpdate"),
        ),
        ("ReplicaSet", {}, {}, None),
        ("Job", {}, {}, None),
    ],
    ids=["Deployment", "in trouble", "StatefulSet", "OnDelete", "DaemonSet", "ReplicaSet", "Job"],
)
def test_how_far_a_rollout_is_is_read_as_its_controller_tells(kind, spec, status, expected):
    """Counts, revisions, what holds it, and the conditions that are not as they should be."""
    assert expected == workload(kind, spec, **status).rollout


def test_a_paused_deployment_is_read_as_paused():
    """What is left out is not paused."""
    assert workload("Deployment", {"paused": True}).paused
    assert not workload("Deployment").paused


def test_of_annotations_only_the_build_is_kept():
    """All others may hold anything."""
    marks = {"agenttrader.dev/git_sha": "54afffe", "agenttrader.dev/build_id": "7", "x": "secret"}
    whole = {
        "metadata": {"name": "p", "namespace": FLOOR, "annotations": marks},
        "spec": {"containers": []},
    }
    made = project_pod(POD.decode(orjson.dumps(whole)))

    assert {k: v for k, v in sorted(marks.items()) if k != "x"} == made.annotations


async def test_of_config_maps_only_what_decides_is_kept():
    """
    Kill switch and safety are kept in full, any other as name, keys and digest of its data (R12.7).
    """
    twist = WorkloadTwist(env_refs={"AGENT_MODE": ("ConfigMap", "agenttrader-modes", "AGENT_MODE")})
    facts = await Cluster(ClusterStage(workloads={"strategy-engine": twist})).read()
    maps = {m.name: m for m in facts.config_maps}

    assert {"EXECUTION_HALTED": "1"} == maps["agenttrader-kill-switch"].values
    assert {"KILL_SWITCH", "STALE_THRESHOLD_SECONDS"} == set(maps["agenttrader-safety"].values)
    assert {"AGENT_MODE": "OBSERVE"} == maps["agenttrader-modes"].values
    assert ("AGENT_MODE", "TRADING_MODE") == maps["agenttrader-modes"].keys
    assert {} == maps["agenttrader-heartbeat-marketdata-mcp-server"].values
    assert all(len(m.digest) == 64 for m in maps.values())


async def test_of_the_environment_only_watched_values_are_kept():
    """Of any other variable the name is kept and the value is not: it may be a secret."""
    twist = WorkloadTwist(env={"DB_PASSWORD": "hunter2-in-the-clear", "AGENT_MODE": "OFF"})
    facts = await Cluster(ClusterStage(workloads={"strategy-engine": twist})).read()
    main = next(w for w in facts.workloads if w.name == "strategy-engine").containers[0]

    assert "DB_PASSWORD" in main.env_names
    assert EnvVariable("AGENT_MODE", "OFF") in main.env
    ref = KeyRef("ConfigMap", "agenttrader-kill-switch", "EXECUTION_HALTED")
    assert EnvVariable("EXECUTION_HALTED", ref=ref) in main.env
    assert "hunter2" not in repr(facts)


async def test_warnings_are_redacted_and_made_printable():
    """An event's message is untrusted text: no secret and no control character survives."""
    told = "failed: password=hunter2-hunter2 \x1b[31m\u202eevil"
    facts = await Cluster(
        ClusterStage(workloads={"strategy-engine": WorkloadTwist(warning=told)})
    ).read()

    assert ["Warning"] == [w.type for w in facts.warnings]
    assert "hunter2" not in facts.warnings[0].message
    assert facts.warnings[0].message.isprintable()


@pytest.mark.parametrize(
    ("stage", "state", "detail"),
    [
        pytest.param(ClusterStage(), "1", "", id="engaged"),
        pytest.param(
            ClusterStage(kill_switch=None), "", "the ConfigMap does not exist", id="absent"
        ),
        pytest.param(
            ClusterStage(kill_switch_key="OTHER"),
            "",
            "the ConfigMap has no EXECUTION_HALTED",
            id="no key",
        ),
        pytest.param(ClusterStage(kill_switch="HALTED"), "HALTED", "", id="garbage"),
    ],
)
async def test_the_switch_is_heard_from_its_config_map(stage, state, detail):
    """That there is no switch is something seen, and said; a value is given unchanged."""
    read = await ConfigMapSwitch(Cluster(stage).lister, FLOOR).read()

    assert (state, detail) == (getattr(read.reading, "value", None), read.absent)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (ApiFault.DENIED, "DENIED"),
        (ApiFault.THROTTLED, "THROTTLED"),
        (ApiFault.MISSING, "NOT_OFFERED"),
        (ApiFault.GARBAGE, "CONTRACT_INVALID"),
    ],
    ids=str,
)
async def test_a_config_map_that_cannot_be_read_means_nothing(fault, expected):
    """A refusal, and even a 404 that is not about the object, is no absence of the switch."""
    cluster = Cluster(ClusterStage(faults={(FLOOR, "configmaps"): fault}))
    read = await ConfigMapSwitch(cluster.lister, FLOOR).read()

    assert expected == getattr(read.reading, "code", None)


async def test_logs_are_read_and_redacted():
    """The last lines of a container's log come as text, without what looks like a secret."""
    cluster = Cluster(ClusterStage(workloads={"strategy-engine": WorkloadTwist(restarts=2)}))
    pods = (await cluster.read()).pods
    pod = next(p for p in pods if p.name.startswith("strategy-engine"))
    log = await cluster.objects.log(FLOOR, pod.name, "strategy-engine", tail=200)
    before = await cluster.objects.log(FLOOR, pod.name, "strategy-engine", previous=True)
    wrong = await cluster.objects.log(FLOOR, pod.name, "no-container")

    assert isinstance(log, Seen)
    assert log.value.startswith("AGENT_STARTUP: mode=OBSERVE execution_enabled=false")
    assert isinstance(before, Seen)
    assert "HTTP_400" == getattr(wrong, "code", None)


async def test_metrics_are_read_where_they_are_offered():
    """Usage of pods and nodes is optional: a cluster without it says NOT_OFFERED."""
    offered, old = Cluster(), Cluster(old=True)
    nodes = await offered.objects.metrics()
    pods = await offered.objects.metrics(FLOOR)

    assert isinstance(nodes, Seen)
    assert ["node-1", "node-2"] == [n["metadata"]["name"] for n in nodes.value]
    assert isinstance(pods, Seen)
    assert pods.value
    assert "NOT_OFFERED" == getattr(await old.objects.metrics(), "code", None)


async def test_our_account_is_judged_by_its_bindings():
    """The roles bound to our service account are read, and grant reading only."""
    cluster = Cluster()
    account = await cluster.objects.account()

    assert (ACCOUNT, True) == (account.who, account.read_only)
    assert 3 == len(account.grants)


async def test_bindings_are_read_once_a_minute():
    """However often the proof is asked for, the API server is asked once."""
    cluster = Cluster()
    first = await cluster.objects.account()
    asked = sum(cluster.api.requests.values())
    again = await asyncio.gather(*(cluster.objects.account() for _ in range(20)))

    assert [first] * 20 == again
    assert asked == sum(cluster.api.requests.values())


async def test_credentials_that_cannot_be_had_are_a_reason():
    """A kubeconfig that is not there leaves every list UNREADABLE, with the reason."""

    async def nowhere(_access):
        raise NoAccessError("Invalid kube-config file. No configuration found.")

    server = ApiServer(ACCESS, load=nowhere)
    facts = await ClusterObserver(ClusterLister(server, lambda: AT)).read()

    assert {"UNREADABLE"} == {code(r) for r in facts.lists}
    assert "No configuration found" in getattr(facts.lists[0].reading, "detail", "")


async def test_credentials_that_hang_hold_up_no_other(monkeypatch):
    """While a plugin hangs every attempt fails at once, and uses no further thread."""
    monkeypatch.setattr(credentials_module, "DEADLINE_SECONDS", 0.2)
    monkeypatch.setattr(api_server_module, "FAILED_SECONDS", 0.0)
    let_go = threading.Event()

    async def hanging(access):
        return replace(await found(access), authorization=lambda: str(let_go.wait(30)))

    server = ApiServer(ACCESS, load=hanging)
    observer = ClusterObserver(ClusterLister(server, lambda: AT))
    first = await observer.read()
    threads = threading.active_count()
    again = [await observer.read() for _ in range(5)]
    before = threading.active_count()
    free = await asyncio.wait_for(asyncio.to_thread(lambda: "free"), 20)
    let_go.set()

    assert "were not there within" in getattr(first.lists[0].reading, "detail", "")
    assert {"UNREADABLE"} == {code(r) for facts in again for r in facts.lists}
    assert "still hangs" in getattr(again[-1].lists[0].reading, "detail", "")
    assert "free" == free
    assert threads == before


@pytest.mark.parametrize(
    ("status", "desired"),
    [
        ({"active": 1}, 1),
        ({}, 1),
        ({"conditions": [{"type": "Failed", "status": "True"}]}, 0),
        ({"conditions": [{"type": "Complete", "status": "True"}]}, 0),
        ({"conditions": [{"type": "Failed", "status": "False"}]}, 1),
        ({"completionTime": "2026-11-18T12:00:00Z"}, 0),
    ],
    ids=["active", "not begun", "failed", "complete", "not failed", "completed"],
)
async def test_a_job_that_is_over_wants_no_pod(status, desired):
    """A Job that failed or is complete runs nothing any more; one that has not begun still may."""
    job = {
        "metadata": {"name": "execution-once", "namespace": FLOOR},
        "spec": {"template": {"spec": {"containers": []}}},
        "status": status,
    }
    facts = await Cluster(ClusterStage(extra={(FLOOR, "jobs"): (job,)})).read()

    assert [desired] == [w.desired for w in facts.workloads if w.name == "execution-once"]


async def test_slow_lists_never_hold_up_the_kill_switch():
    """While every place for lists is taken by hung ones, the ConfigMap is read at once."""
    cluster = Cluster(ClusterStage(faults={("*", r): ApiFault.HUNG for r in ("pods", "jobs")}))
    slow = asyncio.ensure_future(ClusterObserver(cluster.lister).read())
    await asyncio.sleep(0.1)
    own = ClusterLister(cluster.server, lambda: AT)
    read = await asyncio.wait_for(ConfigMapSwitch(own, FLOOR).read(), 2)
    slow.cancel()

    assert "1" == getattr(read.reading, "value", None)


async def test_everything_that_is_ever_asked_is_on_the_list():
    """
    Only GET is sent; no secret, no stream, no outside namespace is asked (R7.8, R10.1, R10.4).
    """
    cluster = Cluster()
    facts = await cluster.read()
    await ConfigMapSwitch(cluster.lister, FLOOR).read()
    await cluster.objects.account()
    await cluster.objects.log(FLOOR, facts.pods[0].name, facts.pods[0].containers[0].name)
    await cluster.objects.metrics(FLOOR)
    asked = cluster.api.requests

    assert {"GET"} == {method for method, _ in asked}
    acts = {"secrets", "exec", "attach", "portforward", "proxy"}
    assert set() == {part for _, path in asked for part in path.split("/")} & acts
    inside = {p.split("/namespaces/")[1] for _, p in asked if "/namespaces/" in p}
    assert {"agenttrader", "trading-floor", "kube-system"} == {p.split("/")[0] for p in inside}
    assert {"kube-system"} == {p for p in inside if p.startswith("kube-system")}


def named(facts: ClusterFacts) -> ClusterIdentity:
    """Return which cluster a round is of, which every round tells."""
    assert facts.identity is not None
    return facts.identity


async def test_a_round_names_the_cluster_that_it_read():
    """The context, the server without anything that gives access, and the UID of kube-system."""
    cluster = Cluster()
    identity = named(await cluster.read())

    assert ("current context", "http://cluster", "") == (
        identity.context,
        identity.server,
        identity.unknown,
    )
    assert identity.uid
    assert identity == (await Cluster(old=True).read()).identity


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (ApiFault.DENIED, "denied"),
        (ApiFault.MISSING, "not_offered"),
        (ApiFault.GARBAGE, "contract_invalid"),
        (ApiFault.UNAVAILABLE, "http_503"),
    ],
)
async def test_a_uid_that_cannot_be_had_is_unknown_and_no_error(fault, said):
    """The lists are seen all the same, and nothing about them is worse."""
    cluster = Cluster(ClusterStage(faults={("", "namespaces"): fault}))
    facts = await cluster.read()

    assert ("", said) == (named(facts).uid, named(facts).unknown)
    assert "http://cluster" == named(facts).server
    assert {None} == {code(r) for r in facts.lists}


async def test_a_uid_that_does_not_come_holds_no_list_up(monkeypatch):
    """A name is waited for a little, and no longer."""
    monkeypatch.setattr(reader_module, "READ_SECONDS", 0.05)
    cluster = Cluster(ClusterStage(faults={("", "namespaces"): ApiFault.HUNG}))
    facts = await cluster.read()

    assert ("", "timeout") == (named(facts).uid, named(facts).unknown)
    assert {None} == {code(r) for r in facts.lists}


async def test_the_uid_is_kept_for_a_while_and_asked_again_of_another_server():
    """It is one small request a minute; a server that was found again is another."""
    cluster = Cluster()
    observer = ClusterObserver(cluster.lister)
    path = ("GET", "/api/v1/namespaces/kube-system")
    first, _ = await observer.read(), await observer.read()
    once = cluster.api.requests[path]
    await cluster.server.forget()
    again = await observer.read()

    assert (1, 2) == (once, cluster.api.requests[path])
    assert first.identity == again.identity


async def test_a_cluster_that_is_not_reached_is_named_as_it_is_chosen():
    """So a record of a floor without its cluster still says which was meant."""

    async def lost(_access):
        raise NoAccessError("no kubeconfig")

    server = ApiServer(replace(ACCESS, context="staging"), load=lost)
    identity = named(await ClusterObserver(ClusterLister(server, lambda: AT)).read())

    assert ("staging", "", "", "unreadable") == astuple(identity)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@10.0.0.1:6443", "https://10.0.0.1:6443"),
        ("https://r.test/k8s/clusters/c-1/?token=t#f", "https://r.test/k8s/clusters/c-1"),
        ("https://[fd00::1]:6443/", "https://[fd00::1]:6443"),
        ("https://h:not-a-port", ""),
    ],
)
def test_a_server_is_shown_without_what_gives_access(url, shown):
    """User, password, query and fragment are left out; what is not a URL is not shown at all."""
    assert shown == reader_module.shown_server(url)


REFUSED = [
    ("POST", "/api/v1/namespaces/trading-floor/pods"),
    ("DELETE", "/api/v1/namespaces/trading-floor/pods"),
    ("HEAD", "/api/v1/namespaces/trading-floor/pods"),
    ("GET", "/api/v1/namespaces/trading-floor/secrets"),
    ("GET", "/api/v1/namespaces/trading-floor/secrets/trader-secrets"),
    ("GET", "/api/v1/pods"),
    ("GET", "/api/v1/namespaces/kube-system/pods"),
    ("GET", "/api/v1/namespaces/kube-system/secrets"),
    ("GET", "/api/v1/namespaces/default"),
    ("GET", "/api/v1/namespaces/trading-floor/pods/p/exec?command=sh"),
    ("GET", "/api/v1/namespaces/trading-floor/pods/p/attach"),
    ("GET", "/api/v1/namespaces/trading-floor/pods/p/portforward"),
    ("GET", "/api/v1/namespaces/trading-floor/pods/p/proxy/"),
    ("GET", "/api/v1/namespaces/trading-floor/services/s/proxy/state"),
    ("GET", "/api/v1/nodes/n/proxy/run"),
    ("GET", "/api/v1/namespaces/trading-floor/pods?watch=true"),
    ("GET", "/api/v1/namespaces/trading-floor/pods/p/log?follow=true"),
    ("GET", "/api/v1/namespaces/trading-floor/pods/../secrets"),
    ("GET", "/api/v1/namespaces/trading-floor/pods/%2e%2e%2fsecrets"),
    ("GET", "/api/v1/namespaces/trading-floor/pods//log"),
    ("GET", "/api/v1/watch/namespaces/trading-floor/pods"),
    ("GET", "/apis/apps/v1/namespaces/trading-floor/deployments/d/scale"),
    ("GET", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"),
    ("GET", "/"),
]


@pytest.mark.parametrize(("method", "path"), REFUSED, ids=lambda v: str(v)[-48:])
async def test_the_guard_refuses_whatever_is_not_on_its_list(method, path):
    """
    Nothing leaves that is not a GET of a known path, in a watched namespace, that ends (R10.1).
    """
    cluster = Cluster()
    guard = ClusterGuard(httpx.ASGITransport(cluster.api.app), ACCESS.namespaces)
    request = httpx.Request(method, f"http://cluster{path}")
    # A URL given as it is, without httpx tidying it up.
    with pytest.raises(RefusedRequest):
        await guard.handle_async_request(request)

    assert 0 == sum(cluster.api.requests.values())
    assert 0 == guard.sent["GET"]


async def test_an_upgrade_is_refused_on_any_path():
    """A GET that would open a stream is refused, whatever it asks for."""
    cluster = Cluster()
    guard = ClusterGuard(httpx.ASGITransport(cluster.api.app), ACCESS.namespaces)
    url = "http://cluster/api/v1/namespaces/trading-floor/pods"
    request = httpx.Request("GET", url, headers={"upgrade": "SPDY/3.1"})

    with pytest.raises(RefusedRequest, match="upgrade"):
        await guard.handle_async_request(request)


async def test_no_namespace_means_no_namespaced_path():
    """A guard that watches nothing lets nothing of any namespace through."""
    guard = ClusterGuard(httpx.ASGITransport(Cluster().api.app), ())
    request = httpx.Request("GET", "http://cluster/api/v1/namespaces//pods")

    with pytest.raises(RefusedRequest):
        await guard.handle_async_request(request)


async def test_a_round_of_a_dead_cluster_says_so_for_every_list():
    """Where everything is refused, each list says why, and nothing is made up."""
    facts = await Cluster(ClusterStage(faults={EVERYTHING: ApiFault.UNAVAILABLE})).read()

    assert {"HTTP_503"} == {code(r) for r in facts.lists}
    assert ((), (), ()) == (facts.workloads, facts.pods, facts.config_maps)
    assert replace(facts) == facts
