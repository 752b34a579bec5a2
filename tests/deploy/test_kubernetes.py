"""deploy/kubernetes: what kubectl makes of it; each name, port and file in it meets another."""

import copy
import re
from collections import Counter
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
import yaml

from mission_control.api.application import OPEN_PATHS
from mission_control.configuration.declared_settings import SETTINGS
from mission_control.configuration.fleet_file import load_fleet
from tests.deploy.pod_security import breaches
from tests.deploy.rendered import (
    FOLDERS,
    SERVERS,
    TREE,
    WHOLE,
    containers,
    name_of,
    of_kind,
    pod_templates,
    rendered,
)

OLDEST, NEWEST = "1.25", kubernetes_validate.latest_version()
"""The oldest version whose schemas kubernetes-validate has, and the newest."""
WITHOUT_SCHEMA = {"ServiceMonitor": "it comes with the Prometheus operator"}
KNOWN = {s.variable for s in SETTINGS} | {"POD_IP"}
MADE_BY_OTHERS = {
    ("configMap", "agenttrader-kill-switch"): "the fleet's own; it may be missing",
    ("secret", "mission-control-tokens"): "the platform team's (docs/deploy.md)",
    ("secret", "mission-control-tls"): "the platform team's (docs/deploy.md)",
    ("secret", "mission-control-pages"): "the platform team's, for the pages",
    ("secret", "mission-control-twin"): "the platform team's, where there are two of them",
}
WITH_PODS = (*SERVERS, "cronjobs", "pages")
FLOOR = "trading-floor"


def only(objects, kind):
    """Return the one object of a kind."""
    (found,) = of_kind(objects, kind)
    return found


def references(template):
    """Yield what a pod needs to be there: kind and name."""
    for volume in template["spec"].get("volumes", ()):
        for key, name in (
            ("configMap", "name"),
            ("secret", "secretName"),
            ("persistentVolumeClaim", "claimName"),
        ):
            if key in volume:
                yield key, volume[key][name]
    for box in containers(template):
        yield from (("configMap", s["configMapRef"]["name"]) for s in box.get("envFrom", ()))


def settings_of(name):
    """Return the settings that each replica's ConfigMap gives, by the ConfigMap's name."""
    maps = of_kind(rendered(name), "ConfigMap")
    return {name_of(m): m["data"] for m in maps if "-settings" in name_of(m)}


def test_every_folder_is_one_that_is_tested():
    """What is rendered here is all there is: a folder more has to be placed."""
    assert (
        "base",
        "cronjobs",
        "egress",
        "pages",
        "rbac",
        "replica",
        "service_monitor",
        "shared",
        "twin",
    ) == (FOLDERS)


ONCE = {
    "ServiceAccount": 1, "Role": 2, "RoleBinding": 2, "ClusterRole": 1, "ClusterRoleBinding": 1,
    "NetworkPolicy": 1, "PodDisruptionBudget": 1,
}  # fmt: skip
OF_A_REPLICA = {"Deployment": 1, "Service": 1, "PersistentVolumeClaim": 1, "ConfigMap": 2}


@pytest.mark.parametrize(
    ("folder", "kinds"),
    [
        ("base", ONCE | OF_A_REPLICA),
        ("twin", ONCE | {kind: 2 * n for kind, n in OF_A_REPLICA.items()}),
        ("service_monitor", {"ServiceMonitor": 1}),
        ("egress", {"NetworkPolicy": 3}),
        (
            "pages",
            {
                "ServiceAccount": 1,
                "Deployment": 1,
                "Service": 1,
                "ConfigMap": 1,
                "NetworkPolicy": 2,
            },
        ),
    ],
)
def test_what_is_rendered_is_whole(folder, kinds):
    """No object is lost on the way, such as a second namespace's Role of the same name."""
    assert kinds == Counter(each["kind"] for each in rendered(folder))


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("folder", WHOLE)
def test_each_object_keeps_the_schema(folder, version):
    """Every object is valid, strictly, for the oldest and for the newest version supported."""
    for each in rendered(folder):
        if each["kind"] not in WITHOUT_SCHEMA:
            kubernetes_validate.validate(each, version, strict=True)


def test_a_mistake_would_be_found():
    """The schemas are strict: a field that does not exist is an error."""
    broken = copy.deepcopy(only(rendered("base"), "Deployment"))
    broken["spec"]["template"]["spec"]["runAsNonRoot"] = True

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, NEWEST, strict=True)


@pytest.mark.parametrize("folder", WITH_PODS)
def test_each_pod_is_restricted(folder):
    """The namespace may enforce the profile `restricted`; the root file system is read-only too."""
    for name, template in pod_templates(rendered(folder)):
        assert [] == list(breaches(template["spec"])), name
        assert all(c["securityContext"]["readOnlyRootFilesystem"] for c in containers(template))
        assert (10001, 10001, 10001) == tuple(
            template["spec"]["securityContext"][k] for k in ("runAsUser", "runAsGroup", "fsGroup")
        )


GONE = object()
BREACHES = [
    ("hostNetwork is shared", "pod", "hostNetwork", True),
    ("a volume of kind hostPath", "pod", "volumes", [{"name": "x", "hostPath": {}}]),
    ("sysctls are set", "pod.security", "sysctls", [{}]),
    ("the pod runs as root", "pod.security", "runAsUser", 0),
    ("it may run as root", "pod.security", "runAsNonRoot", GONE),
    ("it runs as root", "box.security", "runAsUser", 0),
    ("no seccomp profile", "pod.security", "seccompProfile", GONE),
    ("privileged", "box.security", "privileged", True),
    ("privileges may grow", "box.security", "allowPrivilegeEscalation", GONE),
    ("capabilities are kept", "box.security", "capabilities", GONE),
    ("capabilities are added", "box.security", "capabilities", {"drop": ["ALL"], "add": ["X"]}),
    ("another procMount", "box.security", "procMount", "Unmasked"),
    ("a port of the host", "box", "ports", [{"hostPort": 80}]),
]


@pytest.mark.parametrize(("said", "place", "key", "value"), BREACHES, ids=[b[0] for b in BREACHES])
def test_each_breach_of_the_profile_is_found(said, place, key, value):
    """A pod that is spoiled in one way is told for just that."""
    pod = copy.deepcopy(only(rendered("base"), "Deployment"))["spec"]["template"]["spec"]
    (box,) = pod["containers"]
    places = {
        "pod": pod,
        "box": box,
        "pod.security": pod["securityContext"],
        "box.security": box["securityContext"],
    }
    places[place][key] = value
    if value is GONE:
        del places[place][key]

    assert [said] == [breach.rpartition(": ")[2] for breach in breaches(pod)]


@pytest.mark.parametrize("folder", WITH_PODS)
def test_a_token_of_the_account_is_where_the_cluster_is_read(folder):
    """The account mounts none by itself; the pages and the record need none."""
    account = only(rendered(folder), "ServiceAccount")
    for name, template in pod_templates(rendered(folder)):
        reads = containers(template)[0].get("args", ["artifacts"])[0] != "artifacts"

        assert reads is template["spec"]["automountServiceAccountToken"], name
        assert name_of(account) == template["spec"]["serviceAccountName"]
        assert False is template["spec"]["enableServiceLinks"]
    assert False is account["automountServiceAccountToken"]


@pytest.mark.parametrize("folder", [*SERVERS, "cronjobs"])
def test_each_variable_is_a_setting(folder):
    """What is set in a manifest exists, and nothing is set twice with two values."""
    maps = {name_of(m): m["data"] for m in of_kind(rendered(folder), "ConfigMap")}
    for name, template in pod_templates(rendered(folder)):
        for box in containers(template):
            given = [v["name"] for v in box.get("env", ())]
            for source in box.get("envFrom", ()):
                given += maps[source["configMapRef"]["name"]]

            assert [] == sorted(set(given) - KNOWN), name
            assert sorted(set(given)) == sorted(given)


@pytest.mark.parametrize("folder", WITH_PODS)
def test_what_a_pod_needs_is_rendered_or_named(folder):
    """Each ConfigMap, Secret and claim is among the objects, or is made by who is named."""
    objects = rendered(folder)
    kinds = {"ConfigMap": "configMap", "PersistentVolumeClaim": "persistentVolumeClaim"}
    made = {(kinds[o["kind"]], name_of(o)) for o in objects if o["kind"] in kinds}
    for name, template in pod_templates(objects):
        assert set() == set(references(template)) - made - set(MADE_BY_OTHERS), name


@pytest.mark.parametrize("folder", WITH_PODS)
def test_each_file_that_is_named_is_in_a_mount(folder):
    """Settings name files below a mount, the root on the claim, and every mount has its volume."""
    maps = {name_of(m): m["data"] for m in of_kind(rendered(folder), "ConfigMap")}
    for name, template in pod_templates(rendered(folder)):
        volumes = {v["name"] for v in template["spec"]["volumes"]}
        for box in containers(template):
            mounts = {m["mountPath"]: m["name"] for m in box["volumeMounts"]}
            given = {v["name"]: v.get("value", "") for v in box.get("env", ())}
            for source in box.get("envFrom", ()):
                given |= maps[source["configMapRef"]["name"]]
            told = [PurePosixPath(v) for v in given.values() if v.startswith("/")]
            inside = [p for p in told if not str(p).startswith("/app/")]

            assert set(mounts.values()) == volumes, name
            assert [] == [p for p in inside if not {str(p), str(p.parent)} & set(mounts)], name
            assert folder == "pages" or "root" == mounts[given["MISSION_CONTROL_ROOT"]]


@pytest.mark.parametrize("folder", SERVERS)
def test_the_kill_switch_is_a_live_mount(folder):
    """Whole, read-only, without subPath, where the setting says: so it confirms (R4.3)."""
    for _, template in pod_templates(rendered(folder)):
        (box,) = containers(template)
        (mount,) = (m for m in box["volumeMounts"] if m["name"] == "kill-switch")
        (volume,) = (v for v in template["spec"]["volumes"] if v["name"] == "kill-switch")
        (given,) = {s["MISSION_CONTROL_KILL_SWITCH_FILE"] for s in settings_of(folder).values()}

        assert mount == {
            "name": "kill-switch",
            "mountPath": given.rpartition("/")[0],
            "readOnly": True,
        }
        assert {"name": "agenttrader-kill-switch", "optional": True} == volume["configMap"]
        assert [] == [m for m in box["volumeMounts"] if "subPath" in m]


@pytest.mark.parametrize("folder", SERVERS)
def test_every_port_meets_the_one_that_it_means(folder):
    """Setting, container, probes, Service, policy and ServiceMonitor mean the same port."""
    policy = only(rendered(folder), "NetworkPolicy")["spec"]
    for given in settings_of(folder).values():
        port = int(given["MISSION_CONTROL_PORT"])
        let_in = {p["port"] for rule in policy["ingress"] for p in rule["ports"]}

        assert {port} == let_in
        for _, template in pod_templates(rendered(folder)):
            (box,) = containers(template)
            assert {"api": port} == {p["name"]: p["containerPort"] for p in box["ports"]}
    named = {p["name"] for s in of_kind(rendered(folder), "Service") for p in s["spec"]["ports"]}
    asked = {
        e["port"] for e in only(rendered("service_monitor"), "ServiceMonitor")["spec"]["endpoints"]
    }

    assert {"api"} == {
        p["targetPort"] for s in of_kind(rendered(folder), "Service") for p in s["spec"]["ports"]
    }
    assert asked == named


@pytest.mark.parametrize("folder", SERVERS)
def test_probes_ask_what_needs_no_token(folder):
    """Starting and living is /livez, being ready /healthz; both are answered under any name."""
    for _, template in pod_templates(rendered(folder)):
        (box,) = containers(template)
        paths = {k: v["httpGet"]["path"] for k, v in box.items() if k.endswith("Probe")}
        (given,) = {s["MISSION_CONTROL_TLS_CERTIFICATE"] for s in settings_of(folder).values()}

        assert {
            "startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/healthz",
        } == paths  # fmt: skip
        assert set(paths.values()) <= OPEN_PATHS
        assert {"HTTPS"} == {v["httpGet"]["scheme"] for k, v in box.items() if k.endswith("Probe")}
        assert given


@pytest.mark.parametrize("folder", SERVERS)
def test_selectors_find_the_pods(folder):
    """Each Service finds one replica; the budget and the policy find all of them."""
    templates = dict(pod_templates(rendered(folder)))
    policies = [
        *of_kind(rendered(folder), "NetworkPolicy"),
        *of_kind(rendered("egress"), "NetworkPolicy"),
    ]

    def found(selector):
        return sorted(
            name
            for name, t in templates.items()
            if selector.items() <= t["metadata"]["labels"].items()
        )

    for each in of_kind(rendered(folder), "Deployment"):
        assert [name_of(each)] == found(each["spec"]["selector"]["matchLabels"])
    for each in of_kind(rendered(folder), "Service"):
        assert [name_of(each)] == found(each["spec"]["selector"])
    for each in policies:
        assert sorted(templates) == found(each["spec"]["podSelector"]["matchLabels"])
    budget = only(rendered(folder), "PodDisruptionBudget")["spec"]
    assert (sorted(templates), 1) == (
        found(budget["selector"]["matchLabels"]),
        budget["maxUnavailable"],
    )


def test_the_policy_lets_out_what_the_fleet_file_needs():
    """DNS, the API server, and each service of the fleet: its port, in its namespace."""
    fleet = load_fleet(
        TREE.parent / "fleets/agenttrader.yaml", default_interval=10, default_deadline=3
    )
    spec = only(rendered("base"), "NetworkPolicy")["spec"]
    addresses = [urlsplit(a.service_dns) for a in fleet.agents if a.service_dns]
    wanted = {((a.hostname or "").split(".")[1], a.port or 80) for a in addresses}
    own, label = {"podSelector": {}}, "kubernetes.io/metadata.name"
    let_out = set()
    for rule in spec["egress"]:
        ports = {(p["protocol"], p["port"]) for p in rule["ports"]}
        for to in rule["to"]:
            named = to.get("namespaceSelector", {}).get("matchLabels", {}).get(label)
            where = FLOOR if to == own else named or to.get("ipBlock", {}).get("cidr")
            let_out |= {(where, *p) for p in ports}

    assert ["Ingress", "Egress"] == spec["policyTypes"]
    assert {("kube-system", p, 53) for p in ("TCP", "UDP")} <= let_out
    assert {("0.0.0.0/0", "TCP", 443), ("0.0.0.0/0", "TCP", 6443)} <= let_out
    assert {(n, "TCP", p) for n, port in wanted for p in (port, 8080)} <= let_out
    assert fleet.access is not None
    assert set(fleet.access.namespaces) <= {where for where, *_ in let_out}
    assert {"TCP"} == {
        p for where, p, _ in let_out if where not in {"kube-system", "169.254.20.10/32"}
    }


def test_what_is_let_in_is_labelled():
    """No one is let in for being somewhere: a label, Prometheus's own pods, or our twin."""
    spec = only(rendered("base"), "NetworkPolicy")["spec"]
    let_in = [peer for rule in spec["ingress"] for peer in rule["from"]]

    assert let_in == [
        {"namespaceSelector": {"matchLabels": {"mission-control/access": "reader"}}},
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}},
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}},
        },
        {"podSelector": {"matchLabels": {"app": "mission-control"}}},
    ]


@pytest.mark.parametrize("folder", SERVERS)
def test_one_process_writes_a_root(folder):
    """Each Deployment has one pod, a claim of its own, and ends it before the next begins."""
    claims = []
    for each in of_kind(rendered(folder), "Deployment"):
        spec = each["spec"]
        claims += [n for kind, n in references(spec["template"]) if kind == "persistentVolumeClaim"]

        assert (1, {"type": "Recreate"}) == (spec["replicas"], spec["strategy"])
    made = of_kind(rendered(folder), "PersistentVolumeClaim")

    assert sorted(claims) == sorted(name_of(c) for c in made)
    assert {("ReadWriteOnce",)} == {tuple(c["spec"]["accessModes"]) for c in made}


@pytest.mark.parametrize(
    ("folder", "names"),
    [("base", ["mission-control"]), ("twin", ["mission-control-a", "mission-control-b"])],
)
def test_each_replica_has_its_own_name(folder, names):
    """Pod label, Service and MISSION_CONTROL_REPLICA are one name, by which it is also called."""
    field = "metadata.labels['app.kubernetes.io/instance']"
    for each in of_kind(rendered(folder), "Deployment"):
        template = each["spec"]["template"]
        given = {v["name"]: v for v in containers(template)[0]["env"]}
        told = given["MISSION_CONTROL_REPLICA"]["valueFrom"]["fieldRef"]["fieldPath"]
        hosts = re.split(r",\s*", given["MISSION_CONTROL_ALLOWED_HOSTS"]["value"])

        assert field == told
        assert name_of(each) == template["metadata"]["labels"]["app.kubernetes.io/instance"]
        assert "$(POD_IP)" in hosts
        assert "$(MISSION_CONTROL_REPLICA).$(MISSION_CONTROL_NAMESPACE).svc" in hosts
        assert given.keys() >= set(re.findall(r"\$\((\w+)\)", ",".join(hosts)))
    assert names == sorted(name_of(d) for d in of_kind(rendered(folder), "Deployment"))
    assert names == sorted(name_of(s) for s in of_kind(rendered(folder), "Service"))


@pytest.mark.parametrize("folder", SERVERS)
def test_the_fleet_file_is_the_shipped_one(folder):
    """What is mounted is the file itself, byte for byte, one ConfigMap for each replica."""
    shipped = (TREE.parent / "fleets/agenttrader.yaml").read_text()
    fleets = [m for m in of_kind(rendered(folder), "ConfigMap") if "-fleet" in name_of(m)]

    assert {shipped} == {m["data"]["fleet.yaml"] for m in fleets}
    assert len(of_kind(rendered(folder), "Deployment")) == len(fleets)


@pytest.mark.parametrize("folder", FOLDERS)
def test_everything_bears_the_fleets_labels_and_stands_in_its_namespace(folder):
    """The label contract's labels are on each object; what may have a namespace has the floor's."""
    cluster_wide, roles = {"ClusterRole", "ClusterRoleBinding"}, {"Role", "RoleBinding"}
    for each in rendered(folder):
        meta, kind = each["metadata"], each["kind"]
        generated = kind == "ConfigMap"
        where = meta.get("namespace")

        assert generated or "agent-trader-v2" == meta["labels"]["app.kubernetes.io/part-of"]
        assert where == (None if kind in cluster_wide else FLOOR) or kind in roles


def test_no_image_is_deployed_by_accident():
    """Until an overlay sets it, the image is one that no registry has."""
    images = {
        c["image"]
        for folder in WITH_PODS
        for _, template in pod_templates(rendered(folder))
        for c in containers(template)
    }

    assert {"mission-control:REPLACE_ME"} == images


def test_nothing_of_a_secret_is_written_down():
    """No Secret stands in the tree, and no value of one: Secrets are mounted by their names."""
    for path in TREE.rglob("*.yaml"):
        for each in yaml.safe_load_all(path.read_text()):
            assert "Secret" != each.get("kind"), path
            assert "secretGenerator" not in each, path
            assert "secretKeyRef" not in path.read_text(), path
