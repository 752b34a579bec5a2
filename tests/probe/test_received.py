"""Observe: what an answer is worth once its bytes are here, whatever the contract."""

import json
from datetime import UTC, datetime

import pytest

from mission_control.contract.model.answer import Shape
from mission_control.contract.model.claims import NO_CLAIMS, Claims
from mission_control.model.fleet import ContractKind, Kind
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.probe.received import MAX_BODY_BYTES, Received, interpret
from tests.floor.floor_of_values import INGEST, STRATEGY, changed, rich

NOW = datetime(2026, 11, 18, 15, 15, tzinfo=UTC)
OPS = "/ops/status"
LIVE = Claims(agent_mode="LIVE")
STALE = b'{"ok": false, "identity": {"agent_mode": "LIVE"}}'
RICH, LIVENESS, HTTP = ContractKind.RICH, ContractKind.LIVENESS, ContractKind.HTTP
TOO_LARGE = UnseenReason.BODY_TOO_LARGE


def read(body, path=OPS, contract=RICH, kind=Kind.STRATEGY, status=200, refusal=None):
    """Read an answer as the probe does."""
    received = Received(status, body, refusal=refusal)
    return interpret(received, path=path, contract=contract, kind=kind, at=NOW, took=0.01)


@pytest.mark.parametrize("status", [300, 302, 400, 401, 403, 404, 405, 429, 500, 501, 503, 599])
@pytest.mark.parametrize("contract", list(ContractKind))
@pytest.mark.parametrize("path", [OPS, "/healthz", "/readyz", "/livez", "/"])
def test_what_is_no_2xx_is_seen_only_where_it_says_stale(path, contract, status):
    """Only a 503 of `/healthz` beside a rich contract is an answer, and it claims all the same."""
    reading = read(STALE, path, contract, status=status)

    speaks = (path, contract, status) == ("/healthz", RICH, 503)
    claims = reading.value.claims if isinstance(reading, Seen) else reading.claims
    assert speaks is isinstance(reading, Seen)
    assert claims == LIVE


def spoiled(how):
    """Return a strategy's whole answer in mode LIVE, spoiled in some way."""
    return how(json.dumps(changed(rich(STRATEGY, NOW), "agent_identity.agent_mode", "LIVE")))


@pytest.mark.parametrize(
    ("body", "refusal", "code"),
    [
        pytest.param(
            spoiled(lambda t: t.replace("0.0", "NaN").encode()), None, "NOT_JSON", id="NaN beside"
        ),
        pytest.param(
            spoiled(lambda t: b'{"x": ' + b"[" * 40 + b"]" * 40 + b"," + t[1:].encode()),
            None,
            "TOO_DEEP",
            id="too deep",
        ),
        pytest.param(
            spoiled(lambda t: b'{"x": ' + b"[" * 2000 + b"]" * 2000 + b"," + t[1:].encode()),
            None,
            "TOO_DEEP",
            id="deeper than the parser goes",
        ),
        pytest.param(
            spoiled(lambda t: (t[:-1] + ', "x": "' + "y" * MAX_BODY_BYTES).encode())[
                :MAX_BODY_BYTES
            ],
            TOO_LARGE,
            "BODY_TOO_LARGE",
            id="over the cap",
        ),
        pytest.param(
            spoiled(str.encode), UnseenReason.ENCODED, "ENCODED", id="said to be compressed"
        ),
        pytest.param(spoiled(lambda t: t[:-30].encode()), None, "NOT_JSON", id="cut off"),
        pytest.param(spoiled(lambda t: t.encode("utf-16")), None, "NOT_JSON", id="UTF-16"),
        pytest.param(spoiled(lambda t: b"\xef\xbb\xbf" + t.encode()), None, "NOT_JSON", id="BOM"),
        pytest.param(spoiled(lambda t: t.encode() + b"}"), None, "NOT_JSON", id="rubbish behind"),
        pytest.param(
            spoiled(lambda t: t.replace('"LIVE"', '"LIVE", "agent_mode": "OFF"').encode()),
            None,
            "CONTRACT_INVALID",
            id="said twice",
        ),
    ],
)
def test_an_answer_is_heard_before_it_is_refused(body, refusal, code):
    """Whatever is wrong with an answer, the mode that it says in it counts (R2.12)."""
    reading = read(body, refusal=refusal)

    assert isinstance(reading, Unseen)
    assert (code, "LIVE") == (reading.code, reading.claims.agent_mode)


def test_a_page_is_heard_too():
    """Under the `http` contract a page is enough, and what it claims counts, cut off or not."""
    body = b'{"agent_mode": "LIVE", "x": "' + b"y" * MAX_BODY_BYTES

    reading = read(body, "/", HTTP, refusal=TOO_LARGE)

    assert isinstance(reading, Seen)
    assert (Shape.PLAIN, LIVE) == (reading.value.shape, reading.value.claims)


@pytest.mark.parametrize("cut", [1, 3, 20])
def test_what_ops_tells_of_others_is_not_its_own(cut):
    """Of kind ops a broken answer does not count, because it speaks of other agents (R2.12)."""
    agents = {"agents": [{"agent_name": "x", "agent_mode": "LIVE"}], "agent_mode": "LIVE"}
    body = json.dumps(rich(INGEST, NOW) | agents).encode()

    broken = read(body[:-cut], kind=Kind.OPS)
    sound = read(body, kind=Kind.OPS)

    assert isinstance(broken, Unseen)
    assert NO_CLAIMS == broken.claims
    assert isinstance(sound, Seen)
    assert LIVE.agent_mode == sound.value.claims.agent_mode


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "fields"),
    [
        pytest.param(OPS, '"state": "HALTED", "state": "OK"', 200, "CONTRACT_INVALID",
                     ["status.state"], id="a state"),
        pytest.param("/healthz", b'{"ok": false, "ok": true}', 200, "CONTRACT_INVALID", ["ok"],
                     id="fresh and not"),
        pytest.param("/healthz", b'{"ok": true, "ok": false}', 503, "HTTP_503", [],
                     id="fresh and not, with a 503"),
        pytest.param("/healthz", b'{"status": "ok", "uptime": 1, "uptime": 2}', 200, "seen", [],
                     id="a key of no contract"),
    ],
)  # fmt: skip
def test_a_field_said_twice_is_a_deviation(path, body, status, code, fields):
    """Which of two values holds is not known, so the answer breaks its contract by name."""
    if isinstance(body, str):
        body = json.dumps(rich(STRATEGY, NOW)).replace('"state": "HALTED"', body).encode()

    reading = read(body, path, status=status)

    problems = reading.problems if isinstance(reading, Unseen) else ()
    assert code == getattr(reading, "code", "seen")
    assert fields == [field for field, _ in problems]


@pytest.mark.parametrize(
    "mode",
    ["paper+live", "LIVE password=hunter2", "x" * 40 + " executing " + "y" * 40, "observe; LIVE!"],
)
def test_a_mode_that_is_masked_still_means_what_it_says(mode):
    """What hides a secret in a mode never hides that the mode can place orders."""
    reading = read(json.dumps({"agent_identity": {"agent_mode": mode}}).encode())

    assert isinstance(reading, Unseen)
    assert reading.claims.forbidden_mode
    assert "hunter2" not in f"{reading.claims}"
