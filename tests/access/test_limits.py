"""Limits: how often, over what line, and when the issuer's keys are read again."""

import pytest

from mission_control.access.decide import (
    client_key,
    is_loopback,
    issuer_silent,
    key_step,
    line_refusal,
    spend,
)
from mission_control.access.model import Allowance, HeldKeys, KeyStep


@pytest.mark.parametrize(
    ("client", "key", "local"),
    [
        ("10.1.2.3", "10.1.2.3", False),
        ("::ffff:10.1.2.3", "10.1.2.3", False),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
        ("127.9.9.9", "127.9.9.9", True),
        ("::1", "::/64", True),
        ("2001:db8::1:2:3:4", "2001:db8::/64", False),
        ("fe80::1%eth0", "fe80::/64", False),
        ("someone", "unknown", False),
        ("", "unknown", False),
    ],
)
def test_clients_are_counted_by_address(client, key, local):
    """An IPv6 network of 64 bits is one client, and no name is this machine (R16.7)."""
    assert (key, local) == (client_key(client), is_loopback(client))


@pytest.mark.parametrize(
    ("scheme", "path", "local", "code"),
    [
        ("https", "/api/v1/posture", False, ""),
        ("http", "/api/v1/posture", True, ""),
        ("http", "/livez", False, ""),
        ("http", "/api/v1/posture", False, "not_encrypted"),
    ],
)
def test_a_token_comes_over_an_encrypted_line(scheme, path, local, code):
    """What came in plain text from elsewhere is refused, but for health (R16.6)."""
    refusal = line_refusal(scheme, path, local=local)

    assert code == (refusal.code if refusal else "")


def test_a_client_may_ask_a_sixth_at_once_and_then_at_its_rate():
    """60 a minute are 10 at once, then one each second (R16.7)."""
    allowance, refused = None, list[bool]()
    for _ in range(12):
        allowance, refusal = spend(allowance, 100.0, 60)
        refused.append(refusal is not None)
    assert [False] * 10 + [True] * 2 == refused
    assert Allowance(0.0, 100.0, 2) == allowance

    allowance, refusal = spend(allowance, 100.5, 60)
    assert refusal is not None
    assert (429, "1") == (refusal.status, refusal.headers["retry-after"])
    allowance, refusal = spend(allowance, 101.0, 60)
    assert (Allowance(0.0, 101.0), None) == (allowance, refusal)
    assert (Allowance(9.0, 999.0), None) == spend(allowance, 999.0, 60)
    assert (Allowance(9.0, 50.0), None) == spend(Allowance(10.0, 60.0), 50.0, 60)


def test_a_slow_rate_says_how_long_to_wait():
    """At 6 a minute one may come at once, and the next after 10 s."""
    _, refusal = spend(Allowance(0.0, 0.0), 0.0, 6)

    assert refusal is not None
    assert {"retry-after": "10", "connection": "close"} == refusal.headers


@pytest.mark.parametrize(
    ("read_at", "tried_at", "now", "knows", "step"),
    [
        pytest.param(None, None, 0.0, False, KeyStep.READ, id="never read"),
        pytest.param(None, 0.0, 29.9, False, KeyStep.REFUSE, id="not read, just tried"),
        pytest.param(None, 0.0, 30.0, True, KeyStep.READ, id="not read, tried a while ago"),
        pytest.param(0.0, 0.0, 299.9, True, KeyStep.USE, id="young"),
        pytest.param(0.0, 0.0, 300.0, True, KeyStep.READ, id="five minutes old"),
        pytest.param(0.0, 300.0, 329.9, True, KeyStep.USE, id="older, just tried"),
        pytest.param(0.0, 0.0, 29.9, False, KeyStep.USE, id="a key that is not held, just read"),
        pytest.param(0.0, 0.0, 30.0, False, KeyStep.READ, id="a key that is not held"),
        pytest.param(0.0, 3590.0, 3599.9, True, KeyStep.USE, id="nearly an hour old"),
        pytest.param(0.0, 3590.0, 3600.0, True, KeyStep.REFUSE, id="an hour old"),
    ],
)
def test_keys_are_read_again_and_proof_ends(read_at, tried_at, now, knows, step):
    """After five minutes or for a new key, each 30 s at most; an hour is the end (R16.5)."""
    assert step is key_step(HeldKeys(read_at, tried_at), now, knows_key=knows)


def test_a_silent_issuer_is_no_permission():
    """Without keys it is 503 with the reason, and never an answer (R16.5)."""
    refusal = issuer_silent("the issuer answered 500")

    assert (503, "issuer_unreachable", "the issuer answered 500", {"retry-after": "30"}) == (
        refusal.status,
        refusal.code,
        refusal.detail,
        refusal.headers,
    )
