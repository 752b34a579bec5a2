"""Execution on a real kube-apiserver: known by what runs, beside look-alikes that stay quiet."""

from contextlib import ExitStack, contextmanager

import pytest

from mission_control.bootstrap.clock import real_clock
from mission_control.cluster.read.api_server import ApiServer
from mission_control.cluster.read.lister import ClusterLister
from mission_control.cluster.read.observer import ClusterObserver
from mission_control.floor.decide.floor import decide_floor
from mission_control.floor.model import NOTHING_LATCHED, FloorEvidence
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.model import codes
from mission_control.model.execution_rules import ExecutionRules, Exemption, Switch, SwitchEvidence
from mission_control.model.finding import Severity
from mission_control.model.fleet import Fleet
from mission_control.model.reading import Unseen, UnseenReason
from mission_control.readiness.decide.checks import safety
from mission_control.readiness.model import ReadinessEvidence
from mission_control.simulation.roster import ROSTER
from tests.real_cluster.manifests import (
    CUSTOM,
    ELSEWHERE,
    ENGINE,
    FLOOR,
    OFF,
    REGISTRY,
    ROOTS,
    TOOLS,
    box,
    cron,
    deployment,
    env,
    job,
    made,
    pod,
    pods,
    scaler,
    told,
)
from tests.real_cluster.scene import set_scene

pytestmark = pytest.mark.anyio
CALENDAR = MarketCalendar()
P0, P1 = Severity.P0, Severity.P1
EVIDENCE, COULD_START = codes.EXECUTION_EVIDENCE, codes.EXECUTION_COULD_START
RULES = ExecutionRules(
    patterns=("trade-gateway",),
    switches=(Switch("ORDER_GATE", SwitchEvidence.TRUTHY),),
    exemptions=(
        Exemption(
            FLOOR,
            "Deployment",
            "execution-report",
            "agenttrader-prod/trader-repo/reports",
            "A. Operator",
            "reads what was executed, change 4711",
        ),
    ),
)


@pytest.fixture(scope="module", autouse=True)
def calm(server):
    """Store the calm fleet, and install the kinds that come with other programs."""
    set_scene(server)
    for kind in CUSTOM:
        root, plural = ROOTS[kind]
        group, version = root.split("/")[2:4]
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        made = {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{group}"},
            "spec": {
                "group": group,
                "names": {"kind": kind, "plural": plural, "listKind": f"{kind}List"},
                "scope": "Namespaced",
                "versions": [
                    {
                        "name": version,
                        "served": True,
                        "storage": True,
                        "schema": {"openAPIV3Schema": schema},
                    }
                ],
            },
        }
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        server.ask("POST", path, made).raise_for_status()
    for kind in CUSTOM:
        root, plural = ROOTS[kind]
        server.kubectl(
            "wait",
            "--for=condition=Established",
            "--timeout=60s",
            f"crd/{plural}.{root.split('/')[2]}",
        )


def row(id_, fault, calm_, code=EVIDENCE, check="RC-406", subject=None):
    """Write a row: what is wrong, a look-alike that is not, and what is to be said of the first."""
    fault, calm_ = ([e] if isinstance(e, dict) else e for e in (fault, calm_))
    meta = fault[-1]["metadata"]
    named = subject or f"{meta['namespace']}/{fault[-1]['kind']}/{meta['name']}"
    return pytest.param((fault, calm_), code, check, named, id=id_)


RECOGNISED = [
    row(
        "image under another name",
        deployment("tools", box(image=ENGINE)),
        deployment("tools", box(image=f"{REGISTRY}/tools:execution-engine")),
    ),
    row(
        "image by digest",
        deployment("tools", box(image=f"{REGISTRY}/execution_engine@sha256:{'a' * 64}")),
        deployment("tools", box(image=f"execution.example.org/tools@sha256:{'a' * 64}")),
    ),
    row(
        "image of an init container",
        deployment("tools", initContainers=[box("first", f"{REGISTRY}/order-router:1")]),
        deployment("tools", initContainers=[box("first", f"{REGISTRY}/border-router:1")]),
    ),
    row(
        "name in camel case, of an image",
        deployment("tools", box(image="ghcr.io/x/orderrouter:2")),
        deployment("tools", box(image="ghcr.io/x/reorder-routes:2")),
    ),
    row("name of the workload", deployment("exec-engine-v2"), deployment("executive-summary")),
    row(
        "name of a stateful set",
        made(
            "StatefulSet",
            "trade-executor",
            {
                "serviceName": "x",
                "replicas": 1,
                "selector": {"matchLabels": {"app": "x"}},
                "template": pods(),
            },
        ),
        made(
            "StatefulSet",
            "trade-executives",
            {
                "serviceName": "x",
                "replicas": 1,
                "selector": {"matchLabels": {"app": "x"}},
                "template": pods(),
            },
        ),
    ),
    row(
        "name of a container",
        deployment("tools", box("execution")),
        deployment("tools", box("executed")),
    ),
    row(
        "label of the workload",
        deployment("tools", on_workload={"tier": "execution"}),
        deployment("tools", on_workload={"execution": "disabled", "safety": "no-execution"}),
    ),
    row(
        "label of the pod template",
        deployment("tools", labels={"role": "order_router"}),
        deployment("tools", labels={"role": "execution-disabled"}),
    ),
    row(
        "service account",
        deployment("tools", serviceAccountName="execution-agent-ksa"),
        deployment("tools", serviceAccountName="trading-floor-sa"),
    ),
    row(
        "name of a port",
        deployment("tools", box(ports=[{"name": "execution", "containerPort": 1}])),
        deployment(
            "tools",
            box(
                ports=[{"name": "http", "containerPort": 1}],
                env=env(EXECUTION_AGENT_BASE_URL="http://execution-agent"),
            ),
        ),
    ),
    row(
        "module of python",
        told("python3.11", "-u", "-m", "services.execution_engine.main"),
        told("python3.11", "-m", "services.strategy", "--execution-url", "http://execution-engine"),
    ),
    row(
        "script in a shell",
        told("/bin/sh", "-c", "set -e; exec python /srv/execution/main.py"),
        told(
            "/bin/sh", "-c", "echo execution-engine; # python -m execution_engine\nexec ./strategy"
        ),
    ),
    row(
        "program behind wrappers",
        told("tini", "--", "env", "A=1", "timeout", "9", "/bin/exec-engine"),
        told("tini", "--", "env", "A=execution", "timeout", "9", "/bin/engine", "--no-execution"),
    ),
    row(
        "arguments without a command",
        told(args=["-m", "execution_engine"]),
        told(args=["--query.execution-timeout=9", "--no-execution"]),
    ),
    row(
        "class of java",
        told("java", "-Xmx1g", "-cp", "a:b", "com.x.ExecutionEngine"),
        told("java", "-Dexecution.url=x", "-cp", "a:b", "com.x.StrategyEngine", "execution"),
    ),
    row(
        "app of a server",
        told("gunicorn", "-b", ":8080", "services.execution:app"),
        told("gunicorn", "-b", ":8080", "services.strategy:app"),
    ),
    row("live bare pod", pod("once", box(image=ENGINE)), pod("once", box(image=TOOLS))),
    row(
        "daemon set",
        made(
            "DaemonSet",
            "tools",
            {"selector": {"matchLabels": {"app": "x"}}, "template": pods(box(image=ENGINE))},
            status={
                "desiredNumberScheduled": 2,
                "currentNumberScheduled": 2,
                "numberMisscheduled": 0,
                "numberReady": 2,
            },
        ),
        made(
            "DaemonSet",
            "tools",
            {"selector": {"matchLabels": {"app": "x"}}, "template": pods()},
            status={
                "desiredNumberScheduled": 2,
                "currentNumberScheduled": 2,
                "numberMisscheduled": 0,
                "numberReady": 2,
            },
        ),
    ),
    row("job", job(image=ENGINE), job()),
    row("cron job not suspended", cron(image=ENGINE), cron(image=ENGINE, suspend=True)),
    row(
        "paused rollout with replicas",
        deployment("tools", box(image=ENGINE), paused=True),
        deployment("tools", box(image=ENGINE), paused=True, replicas=0),
    ),
    row(
        "replication controller",
        made("ReplicationController", "old", {"replicas": 1, "template": pods(box(image=ENGINE))}),
        made("ReplicationController", "old", {"replicas": 0, "template": pods(box(image=ENGINE))}),
    ),
    row(
        "in the other namespace",
        deployment("tools", box(image=ENGINE), namespace=ELSEWHERE),
        deployment("tools", namespace=ELSEWHERE),
    ),
    row("pattern of the fleet file", deployment("tradegateway"), deployment("trade-gates")),
    row(
        "exempted workload with another image",
        deployment("execution-report", box(image=f"{REGISTRY}/reporter:1")),
        deployment("execution-report", box(image=f"{REGISTRY}/reports:2")),
    ),
    row(
        "exempted image in another workload",
        deployment("execution-reports", box(image=f"{REGISTRY}/reports:2")),
        deployment("daily-reports", box(image=f"{REGISTRY}/reports:2")),
    ),
    row(
        "exempted workload beside another container",
        deployment("execution-report", box(image=f"{REGISTRY}/reports:2"), box("b", ENGINE)),
        deployment("execution-report", box(image=f"{REGISTRY}/reports:2"), box("b", TOOLS)),
    ),
    row(
        "our image beside another container",
        deployment("execution-watch", box(image=f"{REGISTRY}/mission-control:1"), box("b", TOOLS)),
        deployment(
            "no-execution-attestation",
            box(
                "execution",
                f"{REGISTRY}/mission-control:1",
                command=["mission-control", "attest", "no-execution"],
            ),
        ),
    ),
]


def switched(id_, fault, calm_, check="RC-401", **more):
    """Write a row about switches, of a container that is not execution itself."""
    return row(id_, fault, calm_, check=check, **more)


def by_env(id_, name, fault, calm_, replicas=1):
    """Write a row about a variable of a container."""

    def having(value):
        return deployment("tools", box(env=env(**{name: value})), replicas=replicas)

    return switched(id_, having(fault), having(calm_))


SAFETY = {"KILL_SWITCH": "true", "STALE_THRESHOLD_SECONDS": "30"}
MODES = made("ConfigMap", "modes", data={"MODE": "EXECUTE", "AGENT_MODE": "LIVE"})
CALM_MODES = made("ConfigMap", "modes", data={"MODE": "OBSERVE", "AGENT_MODE": "OFF"})
FROM_MAP = {"configMapKeyRef": {"name": "modes", "key": "MODE"}}
WHOLE_MAP = [{"configMapRef": {"name": "modes"}}]
SWITCHED = [
    by_env("broker gate", "BROKER_EXECUTION_ENABLED", "true", "false"),
    by_env("execution gate", "EXECUTION_ENABLED", "YES", ""),
    by_env("dry run off", "EXEC_DRY_RUN", "0", "1"),
    by_env("dry run off, not running", "EXEC_DRY_RUN", "false", "true", replicas=0),
    by_env("mode in lower case", "agent_mode", "live", "observe"),
    switched(
        "mode as a flag", told("./app", "--agent-mode=LIVE"), told("./app", "--agent-mode=OFF")
    ),
    switched(
        "mode as two words", told("./app", "--mode", "LIVE"), told("./app", "--mode", "standalone")
    ),
    switched(
        "mode in arguments alone",
        told(args=["serve", "--trading-mode=live"]),
        told(args=["serve", "--trading-mode=paper"]),
    ),
    switched(
        "mode before a program",
        told("sh", "-c", "AGENT_MODE=LIVE exec python app.py"),
        told("sh", "-c", "grep -q AGENT_MODE=LIVE x || exec python app.py"),
    ),
    switched(
        "mode by env",
        told("env", "AGENT_MODE=EXECUTE", "./app"),
        told("env", "AGENT_MODE=EVAL", "./app"),
    ),
    switched(
        "mode exported",
        told("bash", "-lc", "export EXECUTION_MODE='live'; ./app"),
        told("bash", "-lc", "export EXECUTION_MODE='paper'; ./app"),
    ),
    switched(
        "dry run denied by a flag",
        told("./app", "--no-exec-dry-run"),
        told("./app", "--exec-dry-run"),
    ),
    switched(
        "mode by reference",
        told("./app", "--mode=$(AGENT_MODE)", env=env(AGENT_MODE="LIVE")),
        told("./app", "--mode=$(AGENT_MODE)", env=env(AGENT_MODE="OFF")),
    ),
    switched(
        "default of a shell",
        told("sh", "-c", "./app --agent-mode ${AGENT_MODE:-LIVE}"),
        told("sh", "-c", "./app --agent-mode ${AGENT_MODE:-OFF}"),
    ),
    switched(
        "mode of a ConfigMap",
        [MODES, deployment("tools", box(env=env(AGENT_MODE=FROM_MAP)))],
        [CALM_MODES, deployment("tools", box(env=env(AGENT_MODE=FROM_MAP)))],
    ),
    switched(
        "mode of a whole ConfigMap",
        [MODES, deployment("tools", box(envFrom=WHOLE_MAP))],
        [CALM_MODES, deployment("tools", box(envFrom=WHOLE_MAP))],
    ),
    by_env("switch of the fleet file", "ORDER_GATE", "on", "off"),
    by_env("kill switch of the environment", "KILL_SWITCH", "false", "true"),
    switched(
        "safety map denies its switch",
        made("ConfigMap", "agenttrader-safety", data={**SAFETY, "KILL_SWITCH": "false"}),
        made("ConfigMap", "agenttrader-safety", data=SAFETY),
    ),
    switched(
        "another safety map",
        made("ConfigMap", "safety-overrides", data={"EXECUTION_HALTED": "0"}),
        made("ConfigMap", "overrides", data={"EXECUTION_HALTED": "0"}),
    ),
    switched(
        "safety map enables execution",
        made("ConfigMap", "agenttrader-safety", data={**SAFETY, "EXECUTION_ENABLED": "1"}),
        made("ConfigMap", "agenttrader-safety", data={**SAFETY, "EXECUTION_ENABLED": "0"}),
    ),
    switched(
        "bypass as a flag",
        told("./app", "--marketdata-force-stale"),
        told("./app", "--marketdata-force-stale=false"),
        check="RC-405",
    ),
    switched(
        "bypass in a shell",
        told("sh", "-c", "MARKETDATA_HEALTH_CHECK_DISABLED=1 ./app"),
        told("sh", "-c", "MARKETDATA_HEALTH_CHECK_DISABLED=0 ./app"),
        check="RC-405",
    ),
]


def starts(id_, fault, calm_, **more):
    """Write a row about what could start execution."""
    return row(id_, fault, calm_, code=COULD_START, **more)


STARTERS = [
    starts(
        "autoscaler of the engine",
        [OFF, scaler("quiet-engine")],
        [OFF, deployment(), scaler("tools")],
    ),
    starts("autoscaler of what is not there", scaler("execution-gateway"), scaler("gateway")),
    starts("autoscaler of the inventory's", scaler("execution-engine"), scaler("strategy-engine")),
    starts(
        "job that scales it",
        cron("nightly", "sh", "-c", "kubectl scale deploy/execution-engine --replicas=1"),
        cron(
            "nightly",
            "sh",
            "-c",
            "kubectl scale deploy execution-engine --replicas=0; kubectl get deploy execution",
        ),
    ),
    starts(
        "pod that applies it",
        pod("deployer", box(command=["kubectl", "apply", "-f", "/m/26-execution-engine.yaml"])),
        pod("deployer", box(command=["kubectl", "diff", "-f", "/m/26-execution-engine.yaml"])),
    ),
]


@contextmanager
def stored(server, objects):
    """Store objects, replacing what has their names, and put everything back afterwards."""
    with ExitStack() as undo:
        for each in objects:
            undo.callback(_put(server, each))
        yield


def _put(server, each):
    root, plural = ROOTS[each["kind"]]
    name, namespace = each["metadata"]["name"], each["metadata"]["namespace"]
    there = f"{root}/namespaces/{namespace}/{plural}"
    held = server.ask("GET", f"{there}/{name}")
    body = {k: v for k, v in each.items() if k != "status" or each["kind"] in CUSTOM}
    if held.status_code == 200:
        server.ask(
            "PUT", f"{there}/{name}", {**held.json(), "data": each["data"]}
        ).raise_for_status()
        return lambda: _restore(server, f"{there}/{name}", held.json())
    answer = server.ask("POST", there, body)
    assert 201 == answer.status_code, answer.text
    if "status" in each and each["kind"] not in CUSTOM:
        whole = {**answer.json(), "status": each["status"]}
        server.ask("PUT", f"{there}/{name}/status", whole).raise_for_status()
    options = "?gracePeriodSeconds=0&propagationPolicy=Background"
    return lambda: server.ask("DELETE", f"{there}/{name}{options}").raise_for_status()


def _restore(server, path, before):
    now = server.ask("GET", path).json()
    server.ask("PUT", path, {**now, "data": before["data"]}).raise_for_status()


async def look(access, rules=RULES, latched=NOTHING_LATCHED):
    """Read the cluster with this access, and decide the floor on it in the session."""
    lister = ClusterLister(ApiServer(access), real_clock)
    agents = tuple(sorted(ROSTER, key=lambda a: a.agent_name))
    fleet = Fleet(agents, "d" * 64, "f", "test", access, execution=rules)
    try:
        facts = await ClusterObserver(lister, [s.name for s in rules.switches]).read()
    finally:
        await lister.server.forget()
    now = real_clock()
    evidence = FloorEvidence(fleet, {}, (), cluster=facts)
    snapshot = decide_floor(evidence, latched, CALENDAR.session_at, now)
    unseen = Unseen(UnseenReason.NOT_YET_ASKED, now)
    checks = {c.code: c for c in safety.judge(ReadinessEvidence(now, snapshot, unseen))}
    return snapshot, checks


def said_of(snapshot, code):
    """Return subjects and severities of a code's reasons."""
    return {(r.subject, r.severity) for r in snapshot.posture.reasons if r.code == code}


@pytest.mark.parametrize(
    ("objects", "code", "check", "subject"), [*RECOGNISED, *SWITCHED, *STARTERS]
)
async def test_each_is_named_and_its_look_alike_is_not(
    server, our_kubeconfig, access_by, objects, code, check, subject
):
    """Whatever executes, says that it may, or could start it is named; what looks alike is not."""
    access = access_by(our_kubeconfig)
    fault, quiet = objects
    with stored(server, fault):
        seen, failed = await look(access)
    with stored(server, quiet):
        calm_, passed = await look(access)

    severity = P0 if code == EVIDENCE else P1
    assert (subject, severity) in said_of(seen, code)
    assert ("FAIL", code == COULD_START) == (failed[check].outcome.value, seen.posture.withholds)
    assert set() == {*said_of(calm_, EVIDENCE), *said_of(calm_, COULD_START)}
    assert "PASS" == passed[check].outcome.value


@contextmanager
def rights(server, spared):
    """Take from our account the rights to some groups, as an account of before had them."""
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{FLOOR}/roles/mission-control-reader"
    held = server.ask("GET", path).json()
    rules = [r for r in held["rules"] if spared not in r["apiGroups"]]
    assert len(rules) < len(held["rules"])
    server.ask("PUT", path, {**held, "rules": rules}).raise_for_status()
    try:
        yield
    finally:
        now = server.ask("GET", path).json()
        server.ask("PUT", path, {**now, "rules": held["rules"]}).raise_for_status()


@pytest.mark.parametrize(
    ("group", "lists"),
    [
        ("autoscaling", {"horizontalpodautoscalers"}),
        ("keda.sh", {"scaledjobs.keda.sh", "scaledobjects.keda.sh"}),
    ],
)
async def test_an_account_of_before_gets_no_go_and_is_told_the_remedy(
    server, our_kubeconfig, access_by, group, lists
):
    """A list that our role does not grant is named with what to apply, and halts nothing by it."""
    with rights(server, group):
        snapshot, checks = await look(access_by(our_kubeconfig))
    denied = [r for r in snapshot.posture.reasons if r.code == "DENIED"]

    assert {f"cluster {FLOOR}/{name}" for name in lists} == {r.subject for r in denied}
    assert {(False, True)} == {(r.halts, r.withholds) for r in denied}
    assert all("apply what `mission-control rbac` prints" in r.detail for r in denied)
    assert "UNKNOWN" == checks["RC-406"].outcome.value
    assert "apply what `mission-control rbac` prints" in checks["RC-406"].detail


async def test_our_role_grants_every_list_that_is_asked_for(server, our_kubeconfig, access_by):
    """With our own manifest nothing that is read is refused, installed or not."""
    snapshot, checks = await look(access_by(our_kubeconfig))

    assert [] == [r for r in snapshot.posture.reasons if r.code == "DENIED"]
    assert "PASS" == checks["RC-406"].outcome.value


async def test_what_the_cluster_showed_stands_while_its_list_is_refused(
    server, our_kubeconfig, access_by
):
    """Hiding a scaler after it was seen takes nothing back; a whole list without it does."""
    access = access_by(our_kubeconfig)
    with stored(server, [scaler("execution-engine")]):
        seen, _ = await look(access)
        with rights(server, "autoscaling"):
            hidden, _ = await look(access, latched=seen.latched)
    gone, _ = await look(access, latched=hidden.latched)
    named = {(f"{FLOOR}/HorizontalPodAutoscaler/scaler", P1)}

    assert (named, named, set()) == tuple(said_of(s, COULD_START) for s in (seen, hidden, gone))
