"""The safety gauges: what is not known never looks well (R15.12)."""

import pytest

from ops_ui.answers import Agents, Posture
from ops_ui.floor import readiness_gauge
from ops_ui.floor_answers import Safety
from ops_ui.gauges import see_gauges
from ops_ui.mission_control_client import Failure, Missed
from ops_ui.record_answers import Readiness
from tests.ops_ui.conftest import AGENT, POSTURE

MISSED = Missed(Failure.DOWN, "nothing answers")
OFF = {
    "agent_name": "x",
    "state": "OFFLINE",
    "expected": True,
    "reason_code": "EXECUTION_PROVEN_OFF",
}
SAFETY = {
    "execution_evidence": [],
    "execution_services": [OFF],
    "claims": [{"agent_name": "a", "agent_mode": "OBSERVE"}],
    "needs": {"execution": "forbidden", "kill_switch_required": True},
}
WHOLE = {"cluster_seen": {"lists": 16, "whole": 16, "age_seconds": 8.0}, "cluster": "x"}
FRESH = {"state": "FRESH", "age_seconds": 3.0, "threshold_seconds": 120,
         "last_tick": "2026-11-18T15:15:10.000Z"}  # fmt: skip
STALE = FRESH | {"state": "STALE", "age_seconds": 259.0}
FEED = {"agent_name": "feed", "kind": "marketdata", "expected": True, "freshness": FRESH}


def gauges(safety=SAFETY, agents=(), **posture):
    """Return the gauges by name, as (look, word, note)."""
    told = Posture.model_validate({**POSTURE, **WHOLE, **posture})
    known = agents if isinstance(agents, Missed) else Agents.model_validate({"agents": agents})
    given = safety if isinstance(safety, Missed) else Safety.model_validate(safety)
    return {g.name: (g.look, g.word, g.note) for g in see_gauges(told, known, given)}


def switch(**told):
    """Return a posture with such a kill switch."""
    return {"kill_switch": POSTURE["kill_switch"] | told}


@pytest.mark.parametrize(
    ("told", "look"),
    [
        ({}, "fine"),
        ({"confirmed": False}, "bad"),
        ({"confirmed": None}, "bad"),
        ({"state": "DISENGAGED"}, "bad"),
        ({"state": "UNKNOWN"}, "bad"),
    ],
)
def test_only_a_confirmed_engaged_switch_is_fine(told, look):
    """Its sources are counted beside it."""
    assert look == gauges(**switch(**told))["Kill switch"][0]
    assert "1 of 1 sources agree" in gauges()["Kill switch"][2]


@pytest.mark.parametrize(
    ("safety", "posture", "look", "word"),
    [
        pytest.param(SAFETY, {}, "fine", "OFF", id="proven off"),
        pytest.param(MISSED, {}, "bad", "NOT KNOWN", id="not read"),
        pytest.param({}, {}, "bad", "NOT KNOWN", id="nothing told"),
        pytest.param(SAFETY | {"execution_evidence": [{}]}, {}, "bad", "EVIDENCE", id="an alarm"),
        pytest.param(
            SAFETY | {"execution_services": [OFF | {"expected": None}]}, {}, "bad",
            "NOT PROVEN OFF", id="silent",
        ),
        pytest.param(SAFETY | {"needs": {"execution": "allowed"}}, {}, "calm", "ALLOWED", id="ok"),
        pytest.param(SAFETY | {"needs": {}}, {}, "calm", "NOT KNOWN", id="needs not told"),
        pytest.param(SAFETY, {"cluster_seen": None}, "warn", "NOT SEEN", id="no cluster"),
        pytest.param(
            SAFETY, {"cluster_seen": {"lists": 16, "whole": 15}}, "warn", "NOT SEEN",
            id="a list is lost",
        ),
    ],
)  # fmt: skip
def test_execution_is_off_only_where_whole_lists_prove_it(safety, posture, look, word):
    """Silence is no proof, and one alarm is enough."""
    assert (look, word) == gauges(safety, **posture)["Execution"][:2]


@pytest.mark.parametrize(
    ("claims", "look", "word"),
    [
        pytest.param([("a", "OBSERVE")], "fine", "OBSERVE", id="observe"),
        pytest.param([("a", "OBSERVE"), ("b", "live")], "bad", "LIVE", id="one is live"),
        pytest.param([("a", "EXECUTE"), ("b", "LIVE")], "bad", "EXECUTE · LIVE", id="both"),
        pytest.param([], "warn", "NONE TOLD", id="none"),
        pytest.param(None, "bad", "NOT KNOWN", id="not told"),
    ],
)
def test_a_mode_that_may_trade_is_never_fine(claims, look, word):
    """The worst mode that is said leads; where none is said that is no OBSERVE."""
    said = None if claims is None else [{"agent_name": a, "agent_mode": m} for a, m in claims]
    agents = [AGENT | {"agent_name": n, "contract": "rich"} for n in "abc"]
    found = gauges(SAFETY | {"claims": said}, agents)["Agent modes"]

    assert (look, word) == found[:2]
    if claims and look == "fine":
        assert found[2].startswith("1 of 3 read, none EXECUTE or LIVE")


@pytest.mark.parametrize(
    ("feed", "look", "word"),
    [
        pytest.param(FEED, "fine", "3 s", id="fresh"),
        pytest.param(FEED | {"freshness": STALE, "expected": False}, "bad", "4 min 19 s", id="old"),
        pytest.param(FEED | {"freshness": STALE}, "calm", "4 min 19 s", id="closed"),
        pytest.param(FEED | {"freshness": {}, "expected": False}, "bad", "?", id="not told"),
        pytest.param(
            FEED | {"freshness": {"state": "MISSING"}, "expected": False}, "bad", "MISSING",
            id="no tick",
        ),
        pytest.param(AGENT | {"kind": "ingest"}, "warn", "NOT KNOWN", id="no feed"),
    ],
)  # fmt: skip
def test_market_data_is_as_old_as_its_worst_feed(feed, look, word):
    """An old tick while the market is closed is no alarm, and not fine either."""
    assert (look, word) == gauges(agents=[FEED, feed] if look == "bad" else [feed])["Market data"][
        :2
    ]


def test_services_that_could_not_be_read_have_no_fresh_feed():
    """Not known, and bad."""
    assert ("bad", "NOT KNOWN") == gauges(agents=MISSED)["Market data"][:2]


def test_the_tick_grows_older_against_its_limit():
    """The line rises from the last tick to now, and crosses the limit where it is stale."""
    told = Posture.model_validate(POSTURE)

    def spark(age, limit: int | None = 120):
        agent = FEED | {"freshness": STALE | {"age_seconds": age, "threshold_seconds": limit}}
        drawn = see_gauges(told, Agents.model_validate({"agents": [agent]}), None)[3].spark
        return None if drawn is None else (drawn.line, drawn.limit)

    assert ("142.4,32.0 200,8.0", 20.9) == spark(259.0)
    assert ("0.0,8.2 200,8.0", 32.0) == spark(90_000.0)
    assert spark(259.0, None) is None


@pytest.mark.parametrize(
    ("readiness", "look", "word"),
    [
        ({"verdict": "GO", "session_date": "2026-11-18"}, "fine", "GO"),
        ({"verdict": "NO-GO", "code": "READINESS_NO_GO"}, "bad", "NO-GO"),
        ({"verdict": "NO-GO", "code": "SESSION_CLOSED"}, "calm", "NO-GO"),
        ({}, "bad", "NO-GO"),
        (None, "bad", "not known"),
    ],
)
def test_only_go_looks_like_go(readiness, look, word):
    """A closed session is calm, everything else that is no GO is not."""
    told = MISSED if readiness is None else Readiness.model_validate(readiness)
    gauge = readiness_gauge(told)

    assert (look, word) == (gauge.look, gauge.word)
