"""Model: what a body claims is heard, however the body is broken."""

import json

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mission_control.contract.model.broken_claims import Heard, hear_body, scan_claims
from mission_control.contract.model.claims import CLAIM_PLACES, NO_CLAIMS, Claims, read_claims
from mission_control.contract.model.modes import ModeText
from mission_control.model.kill_switch import SwitchText

LIVE = Claims(agent_mode="LIVE")
ORDERS = Claims(safe_to_execute_orders=True)
OFF = Claims(kill_switch=SwitchText.FALSY)
SAYS_LIVE = '{"agent_mode": "LIVE"}'
CAP = 64 * 1024


@pytest.mark.parametrize(
    ("body", "claims"),
    [
        pytest.param(b'{"age": NaN, "agent_mode": "LIVE"}', LIVE, id="NaN before"),
        pytest.param(b'{"agent_mode": "LIVE", "x": [-Infinity]}', LIVE, id="Infinity behind"),
        pytest.param(
            b'{"x": %s1%s, "agent_mode": "LIVE"}' % (b"[" * 9000, b"]" * 9000),
            LIVE,
            id="9000 deep before",
        ),
        pytest.param(b'{"agent_mode": "LIVE", "x": ' + b'{"a":' * 9000, LIVE, id="deep behind"),
        pytest.param(b'{"agent_mode": "LIVE", "x": "' + b"y" * CAP, LIVE, id="cut off in a text"),
        pytest.param(b'{"x": "%s", "agent_mode": "LIVE"' % (b"y" * 60000), LIVE, id="not closed"),
        pytest.param(b'{"agent_mode": "LIVE', LIVE, id="cut off behind the word"),
        pytest.param(b'{"agent_mode": "LI', Claims(agent_mode="LI"), id="cut off in the word"),
        pytest.param(b'{"agent_mode":', NO_CLAIMS, id="cut off before the word"),
        pytest.param(b'{"agent_mode": "', Claims(agent_mode=""), id="cut off at its quote"),
        pytest.param(b'{"safety": {"safe_to_execute_orders": t', ORDERS, id="a t can only be true"),
        pytest.param(
            b'{"safety": {"safe_to_execute_orders": fal',
            Claims(safe_to_execute_orders=False),
            id="a fal can only be false",
        ),
        pytest.param(b'{"safety": {"kill_switch": f', OFF, id="an f can only be false"),
        pytest.param(b"\xef\xbb\xbf" + SAYS_LIVE.encode(), LIVE, id="byte-order mark"),
        pytest.param(SAYS_LIVE.encode("utf-16"), LIVE, id="UTF-16 with a mark"),
        pytest.param(SAYS_LIVE.encode("utf-16-le"), LIVE, id="UTF-16, little end first"),
        pytest.param(SAYS_LIVE.encode("utf-16-be"), LIVE, id="UTF-16, big end first"),
        pytest.param(SAYS_LIVE.encode("utf-32"), LIVE, id="UTF-32"),
        pytest.param(b"\x00" + SAYS_LIVE.encode(), LIVE, id="a null byte before"),
        pytest.param(b'{"x": "\xff\xfe", "agent_mode": "LIVE"}', LIVE, id="no UTF-8"),
        pytest.param(b'{"ok": true}{"agent_mode": "LIVE"}', LIVE, id="a second document"),
        pytest.param(b'{"agent_mode": "LIVE"} trailing "', LIVE, id="rubbish behind"),
        pytest.param(b')]}\',\n{"agent_mode": "LIVE"}', LIVE, id="a guard before"),
        pytest.param(b'data: {"agent_mode": "LIVE"}\n\n', LIVE, id="an event stream"),
        pytest.param(b"{'agent_mode': 'LIVE'}", LIVE, id="as Python writes a dict"),
        pytest.param(b"{'safety': {'kill_switch': False}}", OFF, id="Python's False"),
        pytest.param(b"{agent_mode: LIVE}", LIVE, id="without quotes"),
        pytest.param(b'{"agent_mode": "LIVE",}', LIVE, id="a comma too many"),
        pytest.param(b'{, "agent_mode": "LIVE"}', LIVE, id="a comma first"),
        pytest.param(b'{"x": [1,,2,], "agent_mode": "LIVE"}', LIVE, id="commas in a list"),
        pytest.param(b'{"a": 1 "agent_mode": "LIVE"}', LIVE, id="no comma"),
        pytest.param(b'{"a": [1 2], "agent_mode": "LIVE"}', LIVE, id="no comma in a list"),
        pytest.param(b'{"a" 1, "agent_mode": "LIVE"}', LIVE, id="no colon"),
        pytest.param(b'{"a": ], "agent_mode": "LIVE"}', LIVE, id="the wrong bracket"),
        pytest.param(b'{"a": 1}}, "agent_mode": "LIVE"}', LIVE, id="a bracket too many"),
        pytest.param(b'{{"a": 1}, "agent_mode": "LIVE"}', LIVE, id="an object for a key"),
        pytest.param(b'{"s": "5" disk", "agent_mode": "LIVE"}', LIVE, id="a quote in a text"),
        pytest.param(b'{"s": {"t": "5" disk"}, "agent_mode": "LIVE"}', LIVE, id="and deeper"),
        pytest.param(b'{"s": "a\nb", "agent_mode": "LIVE"}', LIVE, id="a line break in a text"),
        pytest.param(b'{ // no\n"agent_mode": "LIVE"}', LIVE, id="a comment"),
        pytest.param(
            b'{"a" "agent_mode": ["LIVE"]}',
            Claims(agent_mode="(a list)"),
            id="a list behind a break",
        ),
        pytest.param(b'{"a" "safe_to_execute_orders": tru', ORDERS, id="cut off behind a break"),
        pytest.param(b'{"a" "kill_switch": 0', OFF, id="nought behind a break"),
        pytest.param(b'{"agent\\u005fmode": "L\\u0049VE", "x": NaN}', LIVE, id="escaped"),
        pytest.param(b'{"agent_mode": "LIVE\\', LIVE, id="half an escape"),
        pytest.param(b'{"x": NaN, "agent_mode": [1]}', Claims(agent_mode="(a list)"), id="a list"),
        pytest.param(
            b'{"x": NaN, "agent_mode": 7}', Claims(agent_mode="(a number)"), id="a number"
        ),
        pytest.param(
            b'{"x": NaN, "safety": {"safe_to_execute_orders": %s}}' % (b"9" * 5000),
            ORDERS,
            id="a number without end",
        ),
        pytest.param(b'{"x": NaN, "agent_mode": null}', NO_CLAIMS, id="null says nothing"),
        pytest.param(
            b'{"x": NaN, "identity": {"agent_mode": "LIVE"}}', LIVE, id="in a health answer"
        ),
        pytest.param(
            b'{"x": NaN, "note": "\\"agent_mode\\": \\"LIVE\\""}', NO_CLAIMS, id="in a text"
        ),
        pytest.param(b'{"x": NaN, "agents": [{"agent_mode": "LIVE"}]}', NO_CLAIMS, id="of another"),
        pytest.param(b'{"x": NaN, "a": {"agent_mode": "LIVE"}}', NO_CLAIMS, id="another place"),
        pytest.param(b'[{"agent_mode": "LIVE"}, NaN]', NO_CLAIMS, id="in a list"),
        pytest.param(
            b'{"a": {"safety": {"kill_switch": false}}, "b": NaN}', NO_CLAIMS, id="deeper"
        ),
        pytest.param(b'<html><script>{"agent_mode": "LIVE"}</script>', NO_CLAIMS, id="HTML"),
        pytest.param(b"agent_mode: LIVE is never allowed", NO_CLAIMS, id="prose"),
        pytest.param(b"", NO_CLAIMS, id="nothing"),
        pytest.param(b"\x00\xff" * 300, NO_CLAIMS, id="noise"),
    ],
)
def test_claims_are_heard_in_what_is_no_sound_json(body, claims):
    """
    A claim counts at its place and outside texts as far as places are known, then anywhere.
    """
    assert Heard(claims) == hear_body(body, None)


@pytest.mark.parametrize(
    ("body", "claims", "doubled"),
    [
        pytest.param(
            b'{"safety":{"safe_to_execute_orders":true,"safe_to_execute_orders":false}}',
            ORDERS,
            [("safety", "safe_to_execute_orders")],
            id="orders, then none",
        ),
        pytest.param(
            b'{"safety": {"kill_switch": false}, "safety": {"kill_switch": true}}',
            OFF,
            [("safety",), ("safety", "kill_switch")],
            id="a whole part twice",
        ),
        pytest.param(
            b'{"safety":{"kill_switch":false},"safety":{}}', OFF, [("safety",)], id="emptied"
        ),
        pytest.param(
            b'{"agent_mode":"LIVE","agent_mode":"WEIRD","agent_mode":"OFF"}',
            LIVE,
            [("agent_mode",)],
            id="three modes",
        ),
        pytest.param(
            b'{"agent_mode":"LIVE","agent\\u005fmode":"OFF"}', LIVE, [("agent_mode",)], id="escaped"
        ),
        pytest.param(
            b'{"agent_mode" : "LIVE", "agent_mode": "OFF"}', LIVE, [("agent_mode",)], id="spaced"
        ),
        pytest.param(
            b'{"note":"\\":","agent_mode":"LIVE","agent_mode":"OFF"}',
            LIVE,
            [("agent_mode",)],
            id="a text that looks like a key",
        ),
        pytest.param(b'{"ok": false, "ok": true}', NO_CLAIMS, [("ok",)], id="no claim at all"),
        pytest.param(b'{"a":[{"b":1,"b":2}]}', NO_CLAIMS, [], id="in a list"),
        pytest.param(b'{"a":{"b":1},"c":{"b":2}}', NO_CLAIMS, [], id="in two places"),
        pytest.param(b'{"a": "x\\"y:", "b": "\\":"}', NO_CLAIMS, [], id="nothing twice"),
        pytest.param(b'{"agent_mode" : "LIVE"}', LIVE, [], id="once, spaced"),
        pytest.param(b'{"agent_mode": 1.50}', Claims(agent_mode="(a number)"), [], id="rewritten"),
        pytest.param(b"[1, 2]", NO_CLAIMS, [], id="a list"),
    ],
)
def test_of_what_is_said_twice_the_worse_counts(body, claims, doubled):
    """
    Every occurrence is heard, and each place that is said twice is named once (R2.12).
    """
    assert Heard(claims, tuple(doubled)) == hear_body(body, orjson.loads(body))


def test_a_document_too_deep_to_be_written_is_still_heard():
    """
    A body that can be parsed and not be written again is gone through.
    """
    body = b'{"agent_mode":"LIVE","x":' + b"[" * 900 + b"]" * 900 + b"}"

    assert Heard(LIVE) == hear_body(body, orjson.loads(body))


words = st.sampled_from(["LIVE", "OFF", "", "no", "a:b", '"agent_mode":"LIVE"', "\\", "{", "'"])
keys = st.sampled_from(sorted({key for place in CLAIM_PLACES for key in place} | {"x"}))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | words
    | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(keys | st.text(max_size=2), inner, max_size=4)
    ),
    max_leaves=12,
)
documents = st.dictionaries(keys, values, max_size=5) | values


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=documents, indent=st.sampled_from([None, 2]), ascii_only=st.booleans())
@example(document=[{"safety": {"kill_switch": 0}}], indent=None, ascii_only=False)
def test_going_through_sound_json_hears_what_parsing_it_does(document, indent, ascii_only):
    """
    Of a sound document token by token the same is heard as of the parsed one, however written.
    """
    body = json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode(errors="replace")
    parsed = orjson.loads(body)

    assert Heard(read_claims(parsed)) == scan_claims(body, sound=True)
    assert scan_claims(body, sound=True) == hear_body(body, parsed)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents, st.data())
def test_what_is_cut_off_raises_at_least_as_far_as_it_was_heard(document, data):
    """
    Whatever is behind a forbidden mode is broken or missing, the mode is heard.
    """
    rest = json.dumps({"y": document}).encode()[1:]
    end = data.draw(st.integers(0, len(rest)))
    rubbish = data.draw(st.binary(max_size=20))
    body = b'{"agent_mode": "LIVE", ' + rest[:end] + rubbish

    assert ModeText.FORBIDDEN is hear_body(body, None).claims.mode


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary() | st.text(st.sampled_from("{}[]:,\"'\\ agent_mode LIVE\n")).map(str.encode))
def test_whatever_the_bytes_they_are_gone_through(body):
    """
    No bytes make hearing fail.
    """
    assert isinstance(scan_claims(body, sound=True), Heard)
