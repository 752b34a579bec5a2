"""Notes in few words: what is missing is never green."""

import pytest

from ops_ui.answers import Agents, Posture, Workload
from ops_ui.formats import pods_text
from ops_ui.gauges import see_gauges
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


WHOLE = {"lists": 16, "whole": 16, "age_seconds": 8.0}


@pytest.mark.parametrize(
    ("posture", "look", "word", "note"),
    [
        pytest.param({"cluster": "none"}, "calm", "none", "not read", id="none"),
        pytest.param(
            {"cluster": "x", "coverage": None}, "bad", "x", "not known how much was seen",
            id="no coverage",
        ),
        pytest.param(
            {"cluster": "x", "coverage": {"gaps": []}}, "fine", "x", "every list seen", id="whole"
        ),
        pytest.param(
            {"cluster": "x", "coverage": {"gaps": [{"subject": "cluster f/pods"}, 7]}},
            "bad", "x", "1 list NOT seen whole", id="a gap",
        ),
        pytest.param(
            {"cluster": "x", "cluster_seen": WHOLE},
            "fine", "16 of 16", "lists whole, 8 s old · 0 pods ready · x", id="counted",
        ),
        pytest.param(
            {"cluster": "x", "cluster_seen": WHOLE | {"whole": 3}},
            "bad", "3 of 16", "lists whole, 8 s old · 0 pods ready · x", id="some are lost",
        ),
        pytest.param(
            {"cluster": "x", "cluster_seen": {"lists": 0, "whole": 0}},
            "bad", "0 of 0", "lists whole · no pod seen · x", id="nothing was asked",
        ),
        pytest.param({"cluster": None, "coverage": {"gaps": []}}, "fine", "unknown",
                     "every list seen", id="not named"),
    ],
)  # fmt: skip
def test_how_much_of_the_cluster_was_seen(posture, look, word, note):
    """Lists are counted; where that is not known it is said, and is not well (R6.14)."""
    told = Posture.model_validate({**POSTURE, **posture})
    gauge = see_gauges(told, Agents.model_validate({"agents": []}), None)[-1]

    assert (look, word, note) == (gauge.look, gauge.word, gauge.note)


@pytest.mark.parametrize(
    ("posture", "name"),
    [
        ({"cluster": "context a", "cluster_identity": {"short": "a (0f1e2d3c)"}}, "a (0f1e2d3c)"),
        ({"cluster": "context a"}, "context a"),
        ({"cluster": "context a", "cluster_identity": "odd"}, "context a"),
    ],
)
def test_the_cluster_is_named_in_short(posture, name):
    """By its context and how its UID begins, where that is told."""
    told = Posture.model_validate({**POSTURE, **posture, "coverage": {"gaps": []}})

    assert name == see_gauges(told, Agents.model_validate({"agents": []}), None)[-1].word
