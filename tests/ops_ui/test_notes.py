"""Notes in few words: what is missing is never green."""

import pytest

from ops_ui.answers import Posture, Workload
from ops_ui.floor import cluster_name, cluster_note
from ops_ui.formats import pods_text
from tests.ops_ui.conftest import POSTURE

SEEN = {"unseen": "", "ready": 1, "desired": 1, "restarts": 0}


@pytest.mark.parametrize(
    ("workload", "text"),
    [
        pytest.param(None, "", id="none named"),
        pytest.param(SEEN, "1/1", id="well"),
        pytest.param(SEEN | {"ready": 0, "restarts": 7}, "0/1, 7 restarts", id="restarts"),
        pytest.param(SEEN | {"unseen": "denied"}, "not seen", id="unseen"),
        pytest.param({"ready": 1, "desired": 1}, "not seen", id="not known whether seen"),
        pytest.param(SEEN | {"desired": None}, "not found", id="not found"),
    ],
)
def test_pods_are_told_in_few_words(workload, text):
    """Ready of wanted, restarts, and loudly when nothing was seen."""
    known = None if workload is None else Workload.model_validate(workload)

    assert text == pods_text(known)


@pytest.mark.parametrize(
    ("posture", "note"),
    [
        pytest.param({"cluster": "none"}, "not read", id="none"),
        pytest.param(
            {"cluster": "x", "coverage": None}, "not known how much was seen", id="no coverage"
        ),
        pytest.param({"cluster": "x", "coverage": {"gaps": []}}, "every list seen", id="whole"),
        pytest.param(
            {"cluster": "x", "coverage": {"gaps": [{"subject": "cluster f/pods"}, 7]}},
            "1 list NOT seen whole",
            id="a gap",
        ),
    ],
)
def test_how_much_of_the_cluster_was_seen(posture, note):
    """Gaps are counted; where that is not known it is said (R6.14)."""
    assert note == cluster_note(Posture.model_validate({**POSTURE, **posture}))


@pytest.mark.parametrize(
    ("posture", "name"),
    [
        ({"cluster": "context a", "cluster_identity": {"short": "a (0f1e2d3c)"}}, "a (0f1e2d3c)"),
        ({"cluster": "context a"}, "context a"),
        ({"cluster": "context a", "cluster_identity": "odd"}, "context a"),
        ({"cluster": None}, "unknown"),
    ],
)
def test_the_cluster_is_named_in_short(posture, name):
    """By its context and how its UID begins, where that is told."""
    assert name == cluster_name(Posture.model_validate({**POSTURE, **posture}))
