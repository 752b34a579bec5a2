"""Pinning: every image becomes the digest that runs; a doubt about what runs refuses."""

import pytest

from mission_control.last_known_good.decide.parts import instant
from tests.last_known_good.raw_namespace import (
    ENGINE,
    GAMMA,
    RESTING,
    A,
    B,
    RawNamespace,
    pod,
    workload,
)


@pytest.fixture
def raw():
    """Return a namespace in which all is well."""
    return RawNamespace()


def images(manifest, name):
    """Return the images of a workload in the manifest, by container."""
    made = next(i for i in manifest.items if i["kind"] in {"Deployment", "StatefulSet",
                "DaemonSet"} and i["metadata"]["name"] == name)  # fmt: skip
    spec = made["spec"]["template"]["spec"]
    return {c["name"]: c["image"] for c in (*spec.get("initContainers", ()), *spec["containers"])}


def statuses(raw, number=0, group="containerStatuses"):
    """Return the first status of a pod of the engine."""
    return raw.lists["pods"][number]["status"][group][0]


@pytest.mark.parametrize(
    ("image_id", "pinned"),
    [
        (f"docker-pullable://r/x@{A}", f"r/x@{A}"),
        (f"docker://r/x@{A}", f"r/x@{A}"),
        (f"containerd://mirror/x@{A}", f"mirror/x@{A}"),
        (f"r/x@{A}", f"r/x@{A}"),
        (A, f"r/x:1@{A}"),
        (f"docker://{A}", f"r/x:1@{A}"),
    ],
)
def test_a_nodes_reference_becomes_the_image(raw, image_id, pinned):
    """A whole reference as it is, without its scheme; a digest alone behind the image's tag."""
    for number in (0, 1):
        statuses(raw, number)["imageID"] = image_id
    manifest = raw.capture()

    assert {"check": f"r/x@{B}", "main": pinned} == images(manifest, ENGINE)


def test_init_containers_are_pinned_too(raw):
    """What runs first counts, and by its own digest."""
    component = next(c for c in raw.capture().components if c.name == GAMMA)

    assert [("check", True, (B,)), ("main", False, (A,))] == [
        (c.container, c.init, c.running) for c in component.containers
    ]


def test_an_image_that_was_pinned_on_its_way_in_is_the_same(raw):
    """Admission may put the digest in; and a pod made as specified is no doubt either."""
    for each, image in zip(raw.lists["pods"], (f"r/x@{A}", "r/x:1", "r/x:1"), strict=True):
        each["spec"] = {"containers": [{"name": "main", "image": image}]}

    assert f"r/x@{A}" == images(raw.capture(), ENGINE)["main"]


def test_each_container_has_its_own_status(raw):
    """What else the pod's status holds is another container's."""
    for number in (0, 1):
        other = {"name": "other", "imageID": f"r/y@{B}"}
        raw.lists["pods"][number]["status"]["containerStatuses"].insert(0, other)

    assert f"r/x@{A}" == images(raw.capture(), ENGINE)["main"]


def test_an_image_at_a_digest_is_kept(raw):
    """What is pinned already stays as it is written, whatever nodes call it."""
    raw.container()["image"] = f"r/x@{B}"

    assert f"r/x@{B}" == images(raw.capture(), ENGINE)["main"]


def test_at_zero_replicas_a_digest_is_kept_and_else_it_is_unpinnable(raw):
    """The execution agent never blocks a capture; it stays at 0 and is named (R12.5)."""
    raw.container(RESTING)["image"] = f"r/x@{A}"
    component = next(c for c in raw.capture().components if c.name == RESTING)
    made = next(i for i in raw.capture().items if i["metadata"]["name"] == RESTING)

    pins = [(c.container, c.pinned) for c in component.containers]
    assert [("check", False), ("main", True)] == pins
    assert component.unpinnable
    assert f"Deployment/{RESTING}" == component.title
    assert 0 == made["spec"]["replicas"]


def test_pods_that_are_over_or_on_their_way_out_say_nothing(raw):
    """An evicted pod and one that is ending ran what was; neither counts."""
    evicted, ending = pod("ReplicaSet", f"{ENGINE}-7", 8, B), pod("ReplicaSet", f"{ENGINE}-7", 9, B)
    evicted["status"]["phase"] = "Failed"
    ending["metadata"]["deletionTimestamp"] = "2026-11-18T21:00:00Z"
    raw.lists["pods"] += [evicted, ending, pod("ReplicaSet", "unowned", 1, B)]

    assert f"r/x@{A}" == images(raw.capture(), ENGINE)["main"]


def bare(raw):
    """Have pods without a controller."""
    for each in raw.lists["pods"]:
        each["metadata"]["ownerReferences"] = []


def differing(raw):
    """Have two pods run two images."""
    statuses(raw)["imageID"] = f"r/x@{B}"


def untold(raw):
    """Have a pod that does not report its image."""
    statuses(raw)["imageID"] = ""


def half_told(raw):
    """Have a pod that tells half a digest."""
    statuses(raw)["imageID"] = "r/x@sha256:abc"


def init_untold(raw):
    """Have a pod whose init container does not report its image."""
    del raw.lists["pods"][0]["status"]["initContainerStatuses"]


def of_another(raw):
    """Have a pod of another specification, which was read a moment later."""
    raw.lists["pods"][0]["spec"] = {"containers": [{"name": "x"}, {"name": "main", "image": "r/y"}]}


def gone(raw):
    """Have no pods though some are wanted."""
    raw.lists["pods"] = []


def unobserved(raw):
    """Have a specification that was not taken up."""
    raw.one("deployments", ENGINE)["metadata"]["generation"] = 4


def unreported(raw):
    """Have a status that says nothing."""
    raw.one("deployments", ENGINE)["status"] = {}


def rolling(raw):
    """Have a rollout under way."""
    raw.one("deployments", ENGINE)["status"]["updatedReplicas"] = 1


def surging(raw):
    """Have an old pod beside the new ones."""
    raw.one("deployments", ENGINE)["status"]["replicas"] = 3


def same_names(raw):
    """Have two containers of one name."""
    raw.container()["name"] = "check"


def no_image(raw):
    """Have a container without an image."""
    raw.container()["image"] = ""


@pytest.mark.parametrize(
    ("hurt", "says"),
    [
        (bare, f"Deployment/{ENGINE}: it wants 2 pods and none runs"),
        (differing, f"Deployment/{ENGINE}: its pods run different images in container main: {A}"),
        (untold, f"pod {ENGINE}-7-0 does not report which image its container main runs"),
        (half_told, f"pod {ENGINE}-7-0 does not report which image its container main runs"),
        (init_untold, f"pod {ENGINE}-7-0 does not report which image its container check runs"),
        (of_another, f"pod {ENGINE}-7-0 was made with another image in container main"),
        (gone, f"StatefulSet/{GAMMA}: it wants 1 pods and none runs"),
        (unobserved, f"Deployment/{ENGINE}: its newest specification was not taken up yet"),
        (unreported, f"Deployment/{ENGINE}: its newest specification was not taken up yet"),
        (rolling, f"Deployment/{ENGINE}: it is rolling out: 1 of 2 pods are new, 2 are wanted"),
        (surging, f"Deployment/{ENGINE}: it is rolling out: 2 of 3 pods are new, 2 are wanted"),
        (same_names, "its pod template has no containers that can be told apart"),
        (no_image, "a container of it names no image"),
    ],
    ids=lambda v: getattr(v, "__name__", ""),
)
def test_a_doubt_about_what_runs_refuses(raw, hurt, says):
    """
    Nothing is guessed: the workload, and where it is one, the pod and container are named (R12.3).
    """
    hurt(raw)

    assert says in raw.refusal()


def test_a_daemon_set_is_counted_by_its_nodes(raw):
    """It wants as many pods as there are nodes for it."""
    made = workload("DaemonSet", "agent")
    made["status"] = {"observedGeneration": 3, "desiredNumberScheduled": 1,
                      "currentNumberScheduled": 1, "updatedNumberScheduled": 1}  # fmt: skip
    raw.lists["daemonsets"] = [made]
    raw.lists["pods"].append(pod("DaemonSet", "agent"))

    assert f"r/x@{A}" == images(raw.capture(), "agent")["main"]
    made["status"]["updatedNumberScheduled"] = 0
    assert "DaemonSet/agent: it is rolling out" in raw.refusal()


def test_a_daemon_set_without_a_node_has_to_be_pinned_already(raw):
    """Nothing keeps it at 0 replicas: put back, it would start by its tag on the first node."""
    made = workload("DaemonSet", "agent")
    made["status"] = {"observedGeneration": 3, "desiredNumberScheduled": 0}
    raw.lists["daemonsets"] = [made]
    refused = raw.refusal()
    spec = made["spec"]["template"]["spec"]
    for each in (*spec["initContainers"], *spec["containers"]):
        each["image"] = f"r/x@{A}"

    assert "DaemonSet/agent: no digest is known of container main, and no DaemonSet" in refused
    assert {"check": f"r/x@{A}", "main": f"r/x@{A}"} == images(raw.capture(), "agent")


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ("2026-11-18T14:30:00Z", "2026-11-18T14:30:00+00:00"),
        ("2026-11-18T14:30:00", "2026-11-18T14:30:00+00:00"),
        ("soon", None),
        (None, None),
    ],
)
def test_an_instant_is_read_or_is_none(told, read):
    """What is no instant is none, and never now."""
    at = instant(told)

    assert read == (at.isoformat() if at else None)
