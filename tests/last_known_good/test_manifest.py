"""The manifest: what is in it and in which order, and everything that refuses it."""

import copy
import json

import pytest

from mission_control.last_known_good.decide.parts import MAX_DEPTH
from mission_control.last_known_good.decide.sanitise import sanitise
from mission_control.last_known_good.model import LKG_LISTS, PRIORITY_CLASSES
from tests.last_known_good.raw_namespace import (
    AT,
    ENGINE,
    FLOOR,
    GAMMA,
    RESTING,
    A,
    RawNamespace,
    container,
    plain,
    workload,
)


@pytest.fixture
def raw():
    """Return a namespace in which all is well."""
    return RawNamespace()


def titles(manifest):
    """Name the manifest's objects in order."""
    return [f"{i['kind']}/{i['metadata']['name']}" for i in manifest.items]


def item(manifest, kind, name):
    """Find an object of a manifest."""
    return next(i for i in manifest.items if (i["kind"], i["metadata"]["name"]) == (kind, name))


def test_the_order_is_that_in_which_it_is_applied(raw):
    """Namespace, accounts, class, switch, safety, Services, access, network, then workloads."""
    for resource, kind in (("roles", "Role"), ("rolebindings", "RoleBinding"),
                           ("networkpolicies", "NetworkPolicy"),
                           ("poddisruptionbudgets", "PodDisruptionBudget")):  # fmt: skip
        raw.lists[resource] = [plain(kind, "b"), plain(kind, "a")]
    raw.lists["daemonsets"] = [daemon_set()]
    manifest = raw.capture()

    assert [
        f"Namespace/{FLOOR}",
        "ServiceAccount/trading-floor-sa",
        "PriorityClass/high-priority",
        "ConfigMap/agenttrader-kill-switch",
        "ConfigMap/agenttrader-safety",
        f"Service/{ENGINE}",
        *("Role/a", "Role/b", "RoleBinding/a", "RoleBinding/b"),
        *("NetworkPolicy/a", "NetworkPolicy/b"),
        *("PodDisruptionBudget/a", "PodDisruptionBudget/b"),
        f"Deployment/{RESTING}",
        f"Deployment/{ENGINE}",
        f"StatefulSet/{GAMMA}",
        "DaemonSet/agent",
        "CronJob/writer",
    ] == titles(manifest)
    assert () == manifest.synthesised


def daemon_set():
    """Return a DaemonSet that no node wants."""
    made = workload("DaemonSet", "agent")
    made["status"] = {"desiredNumberScheduled": 0}
    spec = made["spec"]["template"]["spec"]
    for each in (*spec["initContainers"], *spec["containers"]):
        each["image"] = f"r/x@{A}"  # nothing of it runs, so nothing else tells its digest
    return made


def test_nothing_binds_it_to_its_cluster(raw):
    """What the server adds is gone from every object, and what was asked for is there."""
    manifest = raw.capture()
    text = json.dumps(manifest.items)

    for word in ("uid", "resourceVersion", "generation", "creationTimestamp", "selfLink",
                 "managedFields", "finalizers", "ownerReferences", "last-applied", "revision",
                 "clusterIP", "nodePort", 'NodePort"', "ipFamil", "healthCheck", "sa-token-x",
                 "status", "1.2.3.4"):  # fmt: skip
        assert word not in text.replace('"type": "NodePort"', ""), word
    assert {"agenttrader.dev/git_sha": "54afffe"} == manifest.items[0]["metadata"]["annotations"]
    assert {"apiVersion", "kind", "metadata"} == set(manifest.items[0])
    ports = item(manifest, "Service", ENGINE)["spec"]["ports"]
    assert [{"name": "http", "port": 80}] == ports


def test_a_headless_service_stays_headless():
    """That a Service has no address was asked for; so was a family policy beyond the default."""
    spec = {"clusterIP": "None", "clusterIPs": ["None"], "ipFamilyPolicy": "RequireDualStack"}
    kept = sanitise(plain("Service", "x", spec=spec))["spec"]

    assert {"clusterIP": "None", "ipFamilyPolicy": "RequireDualStack"} == kept


def test_claims_of_a_stateful_set_lose_what_became_of_them():
    """A template of a claim keeps what it asks for."""
    made = workload("StatefulSet", "x")
    made["spec"]["volumeClaimTemplates"] = [
        {"metadata": {"name": "data", "creationTimestamp": None}, "spec": {"a": 1},
         "status": {"phase": "Pending"}}
    ]  # fmt: skip
    kept = sanitise(made)["spec"]["volumeClaimTemplates"]

    assert [{"metadata": {"name": "data"}, "spec": {"a": 1}}] == kept


def test_only_the_servers_annotations_go_and_no_empty_ones_stay(raw):
    """Where all annotations were the server's none are left."""
    raw.one("deployments", ENGINE)["metadata"]["annotations"] = {
        "deployment.kubernetes.io/revision": "7"
    }
    template = raw.one("deployments", ENGINE)["spec"]["template"]
    template["metadata"] = {"creationTimestamp": None}
    made = item(raw.capture(), "Deployment", ENGINE)

    assert {"labels": {"app": ENGINE}, "name": ENGINE, "namespace": FLOOR} == made["metadata"]
    assert "metadata" not in made["spec"]["template"]


@pytest.mark.parametrize("held", ["0", "true", "", None, "1\n"], ids=repr)
def test_the_switch_is_engaged_in_the_manifest_and_observed_beside_it(raw, held):
    """Whatever the cluster holds, the manifest says 1, and what was held is told (R12.5)."""
    switch = raw.one("configmaps", "agenttrader-kill-switch")
    switch["data"] = {"other": "kept"} if held is None else {"EXECUTION_HALTED": held}
    manifest = raw.capture()

    data = item(manifest, "ConfigMap", "agenttrader-kill-switch")["data"]
    assert "1" == data["EXECUTION_HALTED"]
    assert (held is None) is ("other" in data)
    assert (held, AT, "cluster trading-floor/configmaps") == (
        manifest.switch.value,
        manifest.switch.at,
        manifest.switch.source,
    )
    assert (held == "1\n") is manifest.switch.engaged


def test_what_is_not_there_is_made_up_and_named(raw):
    """A missing switch and class are added; a missing safety map is not."""
    raw.lists["configmaps"] = []
    raw.lists[PRIORITY_CLASSES] = []
    manifest = raw.capture()

    assert ("PriorityClass/high-priority", "ConfigMap/agenttrader-kill-switch") == (
        manifest.synthesised
    )
    assert {"EXECUTION_HALTED": "1"} == item(manifest, "ConfigMap", "agenttrader-kill-switch")[
        "data"
    ]
    assert 1_000_000 == item(manifest, "PriorityClass", "high-priority")["value"]
    assert None is manifest.switch.value
    assert "ConfigMap/agenttrader-safety" not in titles(manifest)


def test_what_a_restore_needs_besides_is_named(raw):
    """Secrets, claims and maps by name; a class that is nowhere; nothing that is captured."""
    spec = raw.one("deployments", ENGINE)["spec"]["template"]["spec"]
    spec["imagePullSecrets"] = [{"name": "pull"}]
    spec["priorityClassName"] = "gone"
    spec["volumes"] = [
        {"name": "a", "secret": {"secretName": "mounted"}},
        {"name": "b", "configMap": {"name": "heartbeat"}},
        {"name": "c", "projected": {"sources": [{"secret": {"name": "projected"}}]}},
        {"name": "d", "persistentVolumeClaim": {"claimName": "disk"}},
        {"name": "e", "configMap": {"name": "agenttrader-safety"}},
    ]
    first = raw.container()
    first["envFrom"] = [{"configMapRef": {"name": "modes"}}, {"secretRef": {"name": "all"}}]
    ref = {"secretKeyRef": {"name": "trader-secrets", "key": "k"}}
    first["env"] = [{"name": "AGENT_MODE", "valueFrom": ref}, {"name": "PAPER_TRADING"}]
    raw.one("statefulsets", GAMMA)["spec"]["template"]["spec"]["priorityClassName"] = "system-x"
    manifest = raw.capture()

    assert {
        "ConfigMap": ("heartbeat", "modes"),
        "PersistentVolumeClaim": ("disk",),
        "PriorityClass": ("gone",),
        "Secret": ("all", "mounted", "projected", "pull", "trader-secrets"),
    } == manifest.needs
    assert {"AGENT_MODE": ("OBSERVE", "valueFrom"), "PAPER_TRADING": ("",),
            "TRADING_MODE": ("paper",)} == manifest.modes  # fmt: skip
    assert [
        "trading-floor/agenttrader-kill-switch",
        "trading-floor/agenttrader-safety",
        "trading-floor/heartbeat",
        "trading-floor/modes",
    ] == list(manifest.config_maps)
    assert None is manifest.config_maps["trading-floor/modes"]


def test_images_of_cron_jobs_are_never_loose_silently(raw):
    """A CronJob keeps its image and is listed; one at a digest is not."""
    spec = raw.lists["cronjobs"][0]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    spec["containers"].append(container("pinned", "r/x@sha256:" + "c" * 64))

    assert (("CronJob/writer", "w", "k/k:1"),) == raw.capture().loose_images


def test_equal_namespaces_give_equal_manifests(raw):
    """The order in which the API lists things does not matter, nor do versions and instants."""
    before = raw.capture()
    for resource in raw.lists:
        raw.lists[resource].reverse()
    raw.one("deployments", ENGINE)["metadata"]["resourceVersion"] = "9999"
    raw.one("configmaps", "heartbeat")["data"]["last_seen"] = "later"

    assert before.items == raw.capture().items


def dying(raw):
    """Have a Service on its way out."""
    raw.lists["services"][0]["metadata"]["deletionTimestamp"] = "2026-11-18T21:00:00Z"


def nameless(raw):
    """Have an object without a name."""
    raw.lists["roles"] = [{"kind": "Role", "metadata": {"namespace": FLOOR}}]


def elsewhere(raw):
    """Have an object of another namespace."""
    raw.lists["services"][0]["metadata"]["namespace"] = "other"


def binary(raw):
    """Have data that cannot be searched."""
    raw.one("configmaps", "agenttrader-safety")["binaryData"] = {"x": "AAAA"}


def deep(raw):
    """Have an object of endless depth."""
    value: object = "x"
    for _ in range(MAX_DEPTH):
        value = [value]
    raw.lists["services"][0]["spec"]["deep"] = value


def huge(raw):
    """Have a number that JSON readers round."""
    raw.lists["services"][0]["spec"]["huge"] = 2**60


def empty(raw):
    """Have no workload at all."""
    for resource in LKG_LISTS:
        raw.lists[resource] = []


def shapeless(raw):
    """Have a workload without any container."""
    raw.one("deployments", ENGINE)["spec"]["template"] = "none"


@pytest.mark.parametrize(
    ("hurt", "says"),
    [
        (dying, "Service/strategy-engine: it is being deleted"),
        (nameless, "Role/(without a name): it has no name"),
        (elsewhere, "Service/strategy-engine: it says that it belongs to another namespace"),
        (binary, "ConfigMap/agenttrader-safety: its binary data cannot be looked through"),
        (deep, f"Service/strategy-engine: it is more than {MAX_DEPTH} levels deep"),
        (huge, "Service/strategy-engine: it holds a number that no other program may read"),
        (empty, "the namespace trading-floor holds no workload"),
        (shapeless, "Deployment/strategy-engine: its pod template has no containers"),
    ],
    ids=lambda v: getattr(v, "__name__", ""),
)
def test_what_makes_it_untrue_refuses_it(raw, hurt, says):
    """One such object refuses the whole, by its name."""
    hurt(raw)

    assert says in raw.refusal()


def test_so_many_reasons_are_told_and_the_rest_counted(raw):
    """A namespace with hundreds of troubles does not fill a screen."""
    for number in range(30):
        trouble = copy.deepcopy(raw.lists["services"][0])
        trouble["metadata"] |= {"name": f"s{number}", "deletionTimestamp": "x"}
        raw.lists["services"].append(trouble)

    assert "and 10 more" in raw.refusal()
