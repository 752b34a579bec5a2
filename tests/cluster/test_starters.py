"""What could start execution, of programs that a cluster may not have: KEDA, Knative and Argo."""

from typing import Any

import httpx
import pytest

from mission_control.cluster.decide.view import view_cluster
from mission_control.cluster.model.facts import LIST_OF_STARTER
from mission_control.cluster.read.api_server import ApiServer
from mission_control.cluster.read.lister import ClusterLister
from mission_control.cluster.read.observer import ClusterObserver
from mission_control.floor.decide.evidence import Moment
from mission_control.model import codes
from mission_control.model.fleet import Fleet
from mission_control.model.reading import Seen
from mission_control.simulation.cluster_api import CUSTOM, SimulatedCluster, Staging
from mission_control.simulation.scenario import ApiFault, ClusterStage
from tests.cluster.test_cluster_reader import ACCESS, AT, FLOOR, found
from tests.real_cluster.manifests import ENGINE, OFF, TOOLS, box, made, pods

pytestmark = pytest.mark.anyio
FLEET = Fleet((), "d" * 64, "f", "test", ACCESS)
LISTS = {**LIST_OF_STARTER, "Deployment": "deployments"}


def row(id_, fault, calm):
    """Write a row: what could start execution, and a look-alike that could not."""
    fault, calm = ([e] if isinstance(e, dict) else e for e in (fault, calm))
    return pytest.param(fault, calm, id=id_)


def scaled(kind, spec, **more):
    """Write an object of KEDA."""
    return made(kind, "scaled", spec, **more)


PAUSED = {"autoscaling.keda.sh/paused": "true"}
TO_ENGINE = {"scaleTargetRef": {"name": "quiet-engine"}}
TO_TOOLS = {"scaleTargetRef": {"name": "tools"}}
JOBS = {"jobTargetRef": {"template": pods(box(image=ENGINE))}}
SERVED = {"template": pods(box(image=ENGINE))}
SYNCED = {
    "source": {"repoURL": "https://x", "path": "apps/execution-engine"},
    "syncPolicy": {"automated": {}},
}
HELD = {"resources": [{"kind": "Deployment", "name": "quiet-engine"}]}
STEPS = {"entrypoint": "a", "templates": [{"name": "a", "container": box(image=ENGINE)}]}
TRIGGER = {
    "template": {
        "k8s": {
            "source": {
                "resource": {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "metadata": {"generateName": "order-router-"},
                }
            }
        }
    }
}
OTHER_TRIGGER = {
    "template": {
        "k8s": {
            "source": {
                "resource": {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "metadata": {"generateName": "report-"},
                }
            }
        }
    }
}
STARTERS = [
    row(
        "scaled object",
        [OFF, scaled("ScaledObject", TO_ENGINE)],
        [OFF, scaled("ScaledObject", TO_TOOLS)],
    ),
    row(
        "scaled object, not paused",
        [OFF, scaled("ScaledObject", TO_ENGINE)],
        [OFF, scaled("ScaledObject", TO_ENGINE, annotations=PAUSED)],
    ),
    row(
        "scaled job", scaled("ScaledJob", JOBS), scaled("ScaledJob", {**JOBS, "maxReplicaCount": 0})
    ),
    row(
        "Knative service",
        made("Service", "tools", SERVED),
        made("Service", "tools", {"template": pods()}),
    ),
    row(
        "Knative configuration",
        made("Configuration", "tools", SERVED),
        made("Configuration", "tools", {"template": pods()}),
    ),
    row(
        "Knative revision",
        made("Revision", "tools-1", {"containers": [box(image=ENGINE)]}),
        made("Revision", "tools-1", {"containers": [box()]}),
    ),
    row(
        "rollout of a Deployment that is off",
        [
            OFF,
            made(
                "Rollout",
                "tools",
                {"replicas": 2, "workloadRef": {"kind": "Deployment", "name": "quiet-engine"}},
            ),
        ],
        [
            OFF,
            made(
                "Rollout",
                "tools",
                {"replicas": 0, "workloadRef": {"kind": "Deployment", "name": "quiet-engine"}},
            ),
        ],
    ),
    row(
        "paused rollout",
        made("Rollout", "tools", {"replicas": 1, "paused": True, **SERVED}),
        made("Rollout", "tools", {"replicas": 0, "paused": True, **SERVED}),
    ),
    row(
        "application that syncs",
        made("Application", "floor", SYNCED),
        made("Application", "floor", {**SYNCED, "syncPolicy": {"automated": {"enabled": False}}}),
    ),
    row(
        "application that holds it",
        [
            OFF,
            made(
                "Application", "floor", {"syncPolicy": {"automated": {"prune": True}}}, status=HELD
            ),
        ],
        [OFF, made("Application", "floor", {}, status=HELD)],
    ),
    row(
        "workflow on a schedule",
        made("CronWorkflow", "nightly", {"workflowSpec": STEPS}),
        made("CronWorkflow", "nightly", {"workflowSpec": STEPS, "suspend": True}),
    ),
    row(
        "sensor that makes one",
        made("Sensor", "events", {"triggers": [TRIGGER]}),
        made("Sensor", "events", {"triggers": [OTHER_TRIGGER]}),
    ),
]


def stage_of(*objects: Any, **more: Any):
    """Return a stage with these objects, and every program installed."""
    extra: dict[tuple[str, str], tuple[Any, ...]] = {}
    for each in objects:
        key = (FLOOR, LISTS[each["kind"]])
        extra[key] = (*extra.get(key, ()), each)
    return ClusterStage(extra=extra, installed=frozenset(CUSTOM), **more)


async def read(stage):
    """Read one round of a simulated cluster."""
    cluster = SimulatedCluster(lambda: Staging(AT, stage, "1"))
    server = ApiServer(ACCESS, load=found, open_=lambda _: httpx.ASGITransport(cluster.app))
    facts = await ClusterObserver(ClusterLister(server, lambda: AT)).read()
    return facts, cluster.requests


def could_start(facts):
    """Return the subjects that are said to be able to start execution."""
    view = view_cluster(FLEET, facts, Moment(AT))
    return {s.subject for s in view.raising if s.code == codes.EXECUTION_COULD_START}


@pytest.mark.parametrize(("fault", "calm"), STARTERS)
async def test_what_could_start_execution_is_named_and_its_look_alike_is_not(fault, calm):
    """
    A scaler, a route or a trigger of execution is named while it acts, and no other is (R3.15).
    """
    named, _ = await read(stage_of(*fault))
    quiet, _ = await read(stage_of(*calm))
    last = fault[-1]

    assert {f"{FLOOR}/{last['kind']}/{last['metadata']['name']}"} == could_start(named)
    assert set() == could_start(quiet)
    assert () == tuple(r.odd for r in (*named.lists, *quiet.lists) if r.odd)


async def test_what_is_not_installed_is_known_to_be_absent():
    """A group that the server does not name has no objects: its lists are empty, and not asked."""
    facts, asked = await read(ClusterStage())
    absent = [r for r in facts.lists if "." in r.resource]

    assert 2 * 9 == len(absent)
    assert {0} == {getattr(r.reading, "value", None) for r in absent}
    assert [] == [p for _, p in asked if any(group in p for group in CUSTOM)]


@pytest.mark.parametrize("fault", [ApiFault.DENIED, ApiFault.UNAVAILABLE, ApiFault.GARBAGE])
async def test_a_list_of_what_is_installed_has_to_be_seen(fault):
    """A refused or broken list of an installed kind is named, and loses no other."""
    facts, _ = await read(stage_of(faults={(FLOOR, "scaledobjects.keda.sh"): fault}))
    unseen = [r for r in facts.lists if not isinstance(r.reading, Seen)]

    assert ["cluster trading-floor/scaledobjects.keda.sh"] == [r.source for r in unseen]


@pytest.mark.parametrize("fault", [ApiFault.DENIED, ApiFault.UNAVAILABLE, ApiFault.GARBAGE])
async def test_groups_that_are_not_told_prove_nothing(fault):
    """Where the list of groups is not read, no kind of any is known to be absent."""
    facts, _ = await read(ClusterStage(faults={("*", "apis"): fault}))
    unseen = {r.resource for r in facts.lists if not isinstance(r.reading, Seen)}

    assert {r for r in LIST_OF_STARTER.values() if "." in r} == unseen


ODD = [
    pytest.param(made("ScaledObject", "x", {"maxReplicaCount": "n"}), "not a number", id="count"),
    pytest.param(made("ScaledObject", "x", {"a": [[[[]]]] * 30_000}), "more than", id="wide"),
    pytest.param(made("Rollout", "x", {"a": {"image": "x", "env": 7}}), "a container", id="shape"),
]


@pytest.mark.parametrize(("odd", "problem"), ODD)
async def test_a_starter_that_cannot_be_understood_is_odd(odd, problem):
    """It is named, and its list is not whole."""
    facts, _ = await read(stage_of(odd))
    told = [o.problem for r in facts.lists for o in r.odd]

    assert [True] == [problem in each for each in told]


async def test_a_starter_nested_too_deeply_is_odd():
    """What is deeper than is read is not guessed at."""
    nested: Any = {}
    for _ in range(40):
        nested = {"a": nested}
    facts, _ = await read(stage_of(made("Sensor", "x", nested)))

    assert ["it is nested deeper than is read"] == [o.problem for r in facts.lists for o in r.odd]


async def test_a_script_in_a_workflow_is_read():
    """What an Argo step runs as its `source` is a script of its container."""
    script = {"image": TOOLS, "command": ["bash"], "source": "cd /srv\npython -m execution_engine"}
    steps = {"templates": [{"name": "a", "script": script}]}
    facts, _ = await read(stage_of(made("CronWorkflow", "nightly", {"workflowSpec": steps})))

    assert {f"{FLOOR}/CronWorkflow/nightly"} == could_start(facts)


async def test_a_template_that_is_named_and_an_address_that_is_called_are_heard():
    """A workflow by its template, and a trigger by the address that it calls."""
    ref = {"workflowSpec": {"workflowTemplateRef": {"name": "execution-run"}}}
    call = {"triggers": [{"template": {"http": {"url": "http://order-router/execute"}}}]}
    facts, _ = await read(stage_of(made("CronWorkflow", "a", ref), made("Sensor", "b", call)))

    assert {f"{FLOOR}/CronWorkflow/a", f"{FLOOR}/Sensor/b"} == could_start(facts)
