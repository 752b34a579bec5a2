"""Model: claims count even where the answer that carries them is broken."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mission_control.contract.model.claims import NO_CLAIMS, Claims, read_claims
from mission_control.model.kill_switch import SwitchText


def safety(**claims):
    """Return a document whose safety part says this and nothing else."""
    return {"safety": claims}


@pytest.mark.parametrize(
    ("document", "claims"),
    [
        pytest.param({}, NO_CLAIMS, id="nothing said"),
        pytest.param([], NO_CLAIMS, id="no object"),
        pytest.param(None, NO_CLAIMS, id="null"),
        pytest.param({"safety": "off", "agent_identity": 7}, NO_CLAIMS, id="parts of no use"),
        pytest.param(safety(kill_switch=None), NO_CLAIMS, id="kill switch null"),
        pytest.param(
            safety(kill_switch=True), Claims(kill_switch=SwitchText.TRUTHY), id="switch on"
        ),
        pytest.param(
            safety(kill_switch=False), Claims(kill_switch=SwitchText.FALSY), id="switch off"
        ),
        pytest.param(
            safety(kill_switch="false"), Claims(kill_switch=SwitchText.FALSY), id="off as text"
        ),
        pytest.param(
            safety(kill_switch=0), Claims(kill_switch=SwitchText.FALSY), id="off as nought"
        ),
        pytest.param(
            safety(kill_switch="true"), Claims(kill_switch=SwitchText.UNCLEAR), id="on as text"
        ),
        pytest.param(safety(kill_switch=1), Claims(kill_switch=SwitchText.UNCLEAR), id="on as one"),
        pytest.param(
            safety(kill_switch={}), Claims(kill_switch=SwitchText.UNCLEAR), id="switch of no kind"
        ),
        pytest.param(
            safety(safe_to_execute_orders=False),
            Claims(safe_to_execute_orders=False),
            id="may not execute",
        ),
        pytest.param(
            safety(safe_to_execute_orders=True),
            Claims(safe_to_execute_orders=True),
            id="may execute",
        ),
        pytest.param(safety(safe_to_execute_orders=None), NO_CLAIMS, id="permission null"),
        pytest.param(safety(safe_to_execute_orders="no"), NO_CLAIMS, id="text no clears nothing"),
        pytest.param(safety(safe_to_execute_orders=0), NO_CLAIMS, id="nought clears nothing"),
        pytest.param(
            safety(safe_to_execute_orders="true"), Claims(safe_to_execute_orders=True), id="as text"
        ),
        pytest.param(
            safety(safe_to_execute_orders=[]), Claims(safe_to_execute_orders=True), id="as a list"
        ),
        pytest.param(
            {"agent_identity": {"agent_mode": "OBSERVE"}}, Claims(agent_mode="OBSERVE"), id="mode"
        ),
        pytest.param({"agent_mode": "PAPER"}, Claims(agent_mode="PAPER"), id="minimal mode"),
        pytest.param({"agent_mode": ["PAPER"]}, Claims(agent_mode="(a list)"), id="mode a list"),
        pytest.param({"agent_mode": {}}, Claims(agent_mode="(an object)"), id="mode an object"),
        pytest.param({"agent_mode": 7}, Claims(agent_mode="(a number)"), id="mode a number"),
        pytest.param({"agent_mode": False}, Claims(agent_mode="(false)"), id="mode a boolean"),
        pytest.param({"agent_mode": True}, Claims(agent_mode="(true)"), id="mode the other one"),
        pytest.param({"agent_mode": "\u200b "}, Claims(agent_mode=""), id="mode blank"),
        pytest.param({"agent_mode": None}, NO_CLAIMS, id="null is nothing said"),
        pytest.param(
            {"identity": {"agent_mode": "LIVE"}, "status": "ok"},
            Claims(agent_mode="LIVE"),
            id="mode under the identity of a health endpoint",
        ),
        pytest.param(
            {"identity": {"mode": "LIVE"}, "agent_identity": {"mode": "OFF"}},
            Claims(agent_mode="LIVE"),
            id="the worse of two identities",
        ),
        pytest.param(
            {"identity": {"agent_mode": "PAPER"}, "agent_mode": "WEIRD"},
            Claims(agent_mode="WEIRD"),
            id="an unknown mode is worse than a harmless one",
        ),
        pytest.param(
            {"identity": {"agent_mode": "LIVE"}, "agent_mode": "WEIRD"},
            Claims(agent_mode="LIVE"),
            id="a forbidden mode is worse than an unknown one",
        ),
        pytest.param(
            {"agent_mode": "X" * 80 + " live"},
            Claims(agent_mode="… live …"),
            id="what forbids a mode is not cut off",
        ),
        pytest.param(
            {"agent_mode": "live " + "X" * 80},
            Claims(agent_mode="live " + "X" * 59),
            id="what forbids a mode comes first",
        ),
        pytest.param(
            {"agents": [{"agent_mode": "LIVE"}], "note": {"agent_mode": "LIVE"}},
            NO_CLAIMS,
            id="modes of others",
        ),
        pytest.param(
            {"agent_identity": {"agent_mode": "OBSERVE"}, "agent_mode": "live"},
            Claims(agent_mode="live"),
            id="the worse of two modes",
        ),
        pytest.param(
            {"agent_identity": {"agent_mode": None}, "agent_mode": "EXECUTE"},
            Claims(agent_mode="EXECUTE"),
            id="null hides no mode",
        ),
        pytest.param(
            {"agent_mode": " " * 80 + "\ufeffExecute"},
            Claims(agent_mode="Execute"),
            id="blanks hide no mode",
        ),
        pytest.param({"agent_mode": "X" * 80}, Claims(agent_mode="X" * 64), id="mode cut short"),
    ],
)
def test_claims_are_read_for_the_worse(document, claims):
    """
    Anything but a plain no raises an alarm, and only a real boolean clears one.
    """
    assert claims == read_claims(document)


@pytest.mark.parametrize(
    ("mode", "forbidden"),
    [
        pytest.param(None, False, id="none"),
        pytest.param("", False, id="empty"),
        pytest.param("OBSERVE", False, id="observe"),
        pytest.param("LIVELY", False, id="longer word"),
        pytest.param("paper/live", True, id="one of two words"),
        pytest.param("EXECUTE", True, id="execute"),
        pytest.param(" live\t", True, id="any case and blanks"),
    ],
)
def test_modes_that_can_place_orders_are_forbidden(mode, forbidden):
    """
    A mode is forbidden by what it means, however it is written.
    """
    assert forbidden is Claims(agent_mode=mode).forbidden_mode


def test_silence_is_not_a_claim():
    """
    Claims are silent only when nothing at all is claimed.
    """
    assert NO_CLAIMS.silent
    assert not Claims(safe_to_execute_orders=False).silent


anything = st.recursive(
    st.none() | st.booleans() | st.integers(max_value=10**5000) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # numbers of 5,000 digits
@given(
    anything
    | st.fixed_dictionaries(
        {},
        optional={
            "safety": anything
            | st.dictionaries(st.sampled_from(["kill_switch", "safe_to_execute_orders"]), anything),
            "agent_identity": anything | st.dictionaries(st.just("agent_mode"), anything),
            "agent_mode": anything,
        },
    )
)
def test_reading_claims_never_raises(document):
    """
    Whatever JSON holds, its claims are read.
    """
    assert isinstance(read_claims(document), Claims)


def test_bottomless_document_is_read():
    """
    Neither depth nor a number too long to print makes reading the claims fail.
    """
    bottomless = []
    for _ in range(100_000):
        bottomless = [bottomless]

    claims = read_claims(safety(kill_switch=bottomless, safe_to_execute_orders=10**5000))

    assert Claims(SwitchText.UNCLEAR, safe_to_execute_orders=True) == claims
