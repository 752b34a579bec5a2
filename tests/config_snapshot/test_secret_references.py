"""Which Secrets are referred to: every way, by name alone, and nothing else passes for one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.cluster.present import secrets_text
from mission_control.config_snapshot.decide import find_secret_references


def pod(spec: Any, kind="Pod", **more: Any):
    """Return an object with this pod specification."""
    return {"kind": kind, "metadata": {"namespace": "n", "name": "p"}, "spec": spec, **more}


def found(*objects: Any):
    """Return (name, how, by) of each reference."""
    return [(r.name, r.how, r.by) for r in find_secret_references(objects)]


CONTAINER = {
    "env": [
        {"name": "A", "valueFrom": {"secretKeyRef": {"name": "one", "key": "k"}}},
        {"name": "B", "value": "two"},
        {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "three", "key": "k"}}},
    ],
    "envFrom": [{"secretRef": {"name": "four"}}, {"configMapRef": {"name": "five"}}],
}


@pytest.mark.parametrize("group", ["initContainers", "containers", "ephemeralContainers"])
def test_containers_refer_by_variables(group):
    """One by one and whole, in every sort of container."""
    assert [("four", "envFrom", "Pod/p"), ("one", "env", "Pod/p")] == found(
        pod({group: [CONTAINER]})
    )


def test_volumes_and_images_refer():
    """Mounted, projected, handed to a driver, and used to pull."""
    spec = {
        "imagePullSecrets": [{"name": "pull"}],
        "volumes": [
            {"name": "a", "secret": {"secretName": "mounted"}},
            {"name": "b", "projected": {"sources": [{"secret": {"name": "projected"}}]}},
            {"name": "c", "csi": {"nodePublishSecretRef": {"name": "driver"}}},
            {"name": "d", "cephfs": {"secretRef": {"name": "ceph"}}},
            {"name": "e", "configMap": {"name": "map"}},
            {"name": "f", "azureFile": {"secretName": "azure", "shareName": "s"}},
        ],
    }

    assert [
        ("azure", "volume"),
        ("ceph", "volume"),
        ("driver", "volume"),
        ("mounted", "volume"),
        ("projected", "volume"),
        ("pull", "imagePullSecrets"),
    ] == [(name, how) for name, how, _ in found(pod(spec))]


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Deployment", {"template": {"spec": {"containers": [CONTAINER]}}}),
        (
            "CronJob",
            {"jobTemplate": {"spec": {"template": {"spec": {"containers": [CONTAINER]}}}}},
        ),
    ],
)
def test_workloads_refer_through_their_pods(kind, spec):
    """Whatever makes pods refers to what its pods will."""
    assert {f"{kind}/p"} == {by for _, _, by in found(pod(spec, kind))}


def test_service_accounts_refer():
    """By their tokens and by what they pull with."""
    account = {"secrets": [{"name": "token"}], "imagePullSecrets": [{"name": "pull"}]}

    assert [
        ("pull", "imagePullSecrets", "ServiceAccount/p"),
        ("token", "secrets", "ServiceAccount/p"),
    ] == found(pod({}, "ServiceAccount", **account))
    assert [] == found(pod({}, "Pod", **account))


@pytest.mark.parametrize("name", ["", "Not A Name", "a" * 300, "-a", None, 7, {"a": 1}])
def test_what_is_no_name_is_left_out(name):
    """A value put where a name belongs cannot come out."""
    assert [] == found(pod({"imagePullSecrets": [{"name": name}]}))


def test_an_endless_volume_ends():
    """Depth is limited, however an object is nested."""
    inner: dict[str, Any] = {"secret": {"secretName": "deep"}}
    for _ in range(50):
        inner = {"x": inner}

    assert [] == found(pod({"volumes": [inner]}))


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["spec", "env", "volumes", "secret", "name"]), inner)
        ),
        max_leaves=12,
    )
)
def test_any_object_is_gone_through(document):
    """Nothing that the API could give breaks it."""
    assert isinstance(find_secret_references([{"spec": document}]), tuple)


def test_the_listing_says_what_it_is():
    """Each Secret once for each way, with all who refer to it, below the note."""
    spec = {"containers": [CONTAINER]}
    other = pod(spec)
    other["metadata"] = {"namespace": "n", "name": "q"}
    text = secrets_text(find_secret_references([pod(spec), other, pod(spec)]))

    assert text.startswith("# Secrets are never read.")
    assert 1 == text.count("one  ")
    assert "Pod/p,Pod/q" in text
