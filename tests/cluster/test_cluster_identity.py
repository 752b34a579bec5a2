"""Whether two records are of one cluster, by the best that both of them tell."""

import itertools
from dataclasses import replace

import pytest

from mission_control.cluster.decide.identity import (
    Sameness,
    compare_clusters,
    distinct_clusters,
    read_identity,
)
from mission_control.cluster.model.facts import ClusterFacts, identify_cluster
from mission_control.cluster.present import cluster_document
from mission_control.model.cluster_identity import ClusterIdentity
from mission_control.model.fleet import ClusterAccess
from tests.floor.cluster_of_values import ANOTHER, FLEET, IDENTITY
from tests.floor.floor_of_values import FLEET as WITHOUT

SAME, DIFFERENT, NOT_KNOWN = Sameness
NONE = identify_cluster(WITHOUT, None)
DENIED = replace(IDENTITY, uid="", unknown="denied")
INSIDE = ClusterIdentity("in-cluster")
MOVED = replace(IDENTITY, server="https://10.0.0.9:6443")


@pytest.mark.parametrize(
    ("one", "other", "sameness"),
    [
        pytest.param(IDENTITY, IDENTITY, SAME, id="all the same"),
        pytest.param(IDENTITY, MOVED, SAME, id="one UID at two addresses"),
        pytest.param(IDENTITY, ANOTHER, DIFFERENT, id="two UIDs at one address"),
        pytest.param(IDENTITY, DENIED, SAME, id="one UID denied, one address"),
        pytest.param(DENIED, replace(MOVED, uid=""), DIFFERENT, id="no UID, two addresses"),
        pytest.param(
            ClusterIdentity("a"), ClusterIdentity("a", unknown="timeout"), SAME, id="one context"
        ),
        pytest.param(ClusterIdentity("a"), ClusterIdentity("b"), DIFFERENT, id="two contexts"),
        pytest.param(
            ClusterIdentity("current context"),
            ClusterIdentity("current context"),
            NOT_KNOWN,
            id="whatever is current",
        ),
        pytest.param(
            ClusterIdentity("in-cluster"),
            ClusterIdentity("in-cluster"),
            NOT_KNOWN,
            id="in some pod",
        ),
        pytest.param(
            ClusterIdentity("a"),
            ClusterIdentity("in-cluster", "https://x"),
            NOT_KNOWN,
            id="nothing",
        ),
        pytest.param(None, IDENTITY, NOT_KNOWN, id="an old record"),
        pytest.param(None, None, NOT_KNOWN, id="two old records"),
        pytest.param(NONE, NONE, SAME, id="no cluster at all"),
        pytest.param(NONE, IDENTITY, NOT_KNOWN, id="no cluster, then one"),
    ],
)
def test_the_best_that_both_tell_decides(one, other, sameness):
    """UID, else server, else context; what is not told twice is never taken for the same."""
    for before, after in ((one, other), (other, one)):
        compared = compare_clusters(before, after)

        assert sameness is compared.sameness
        assert (sameness is SAME) == (compared.warning == "")
        assert compared.detail in f"{compared.warning} {compared.detail}"


def test_different_clusters_are_told_loudly():
    """The sentence begins with it, and names both."""
    told = compare_clusters(IDENTITY, ANOTHER).warning

    assert told.startswith("DIFFERENT CLUSTERS: ")
    assert IDENTITY.uid in told
    assert ANOTHER.uid in told


def test_what_is_recorded_is_read_back():
    """Whole where it was whole; what tells nothing, as old records do, is None."""
    for each in (IDENTITY, DENIED, NONE):
        assert each == read_identity(cluster_document(each))
    for odd in (None, "context test", [], {}, {"uid": None}, {"unknown": "denied"}):
        assert None is read_identity(odd)


def test_a_floor_is_of_the_cluster_that_was_read():
    """Before it is read it is named as it is chosen; without one it is none."""
    access = ClusterAccess((), "", context="staging")
    chosen = replace(FLEET, access=access)

    assert IDENTITY == identify_cluster(FLEET, ClusterFacts((), identity=IDENTITY))
    assert "staging" == identify_cluster(chosen, ClusterFacts(())).context
    assert "current context" == identify_cluster(FLEET, None).context
    assert "in-cluster" == replace(access, in_cluster=True).chosen
    assert ("none", False) == (NONE.context, NONE.reads)


def test_each_cluster_is_told_once():
    """One whose UID was denied now and then is the one whose UID is known."""
    for told in itertools.permutations([IDENTITY, DENIED, MOVED, ANOTHER]):
        found = distinct_clusters(told)

        assert {IDENTITY.uid, ANOTHER.uid} == {i.uid for i in found}
        assert 2 == len(found)
    assert [DENIED] == distinct_clusters([DENIED])
