"""Decide: the state of one service, and whether it is expected (docs/semantics.md#3)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mission_control.contract.model.shapes import ServiceState
from mission_control.floor.model import Verdict
from mission_control.model.fleet import Agent, ContractKind, Criticality, Fleet, Kind
from mission_control.model.reading import UnseenReason
from tests.floor.floor_of_values import (
    EVENING,
    FLEET,
    GAMMA,
    INGEST,
    LIVE,
    MARKETDATA,
    STRATEGY,
    changed,
    reading,
    rich,
    stamp,
)
from tests.floor.hurts import answer, lose, say

OPS = "/ops/status"
EXECUTION = Agent(
    "execution-engine", Kind.EXECUTION, "http://execution", Criticality.OPTIONAL, (OPS,)
)
PAGES = Agent(
    "ops-ui", Kind.OPS, "http://ui", Criticality.OPTIONAL, ("/",), contract=ContractKind.HTTP
)
NO_HTTP = Agent(
    "congressional-ingest",
    Kind.INGEST,
    None,
    Criticality.OPTIONAL,
    contract=ContractKind.NONE,
)
MINIMAL = {
    "uptime": 5,
    "last_heartbeat": None,
    "data_freshness_seconds": 2,
    "build_sha": "unknown",
    "agent_mode": "OBSERVE",
}


def add(floor, agent):
    """Put one more agent on the floor."""
    floor.fleet = Fleet((*floor.fleet.agents, agent), FLEET.digest, FLEET.source)


def judged(floor, agent):
    """Decide, and give an agent's state, whether it is expected, and its leading code."""
    report = floor.decide().service(agent.agent_name)
    return (report.state.value, report.expected, report.reason_code)


def says(state, *codes):
    """Let the strategy report a state with reason codes."""

    def hurt(floor):
        document = changed(rich(STRATEGY, floor.now), "status.state", state)
        floor.answer(STRATEGY, OPS, changed(document, "status.reason_codes", list(codes)))

    return hurt


@pytest.mark.parametrize(
    ("hurt", "expected"),
    [
        pytest.param(says("OK"), ("OK", True, ""), id="OK"),
        pytest.param(says("HALTED", "KILL_SWITCH"), ("HALTED", True, ""), id="kill switch alone"),
        pytest.param(
            says("HALTED", "KILL_SWITCH", "MARKETDATA_STALE"),
            ("HALTED", False, "KILL_SWITCH"),
            id="kill switch and more",
        ),
        pytest.param(
            says("DEGRADED", "HEARTBEAT_STALE"),
            ("DEGRADED", False, "HEARTBEAT_STALE"),
            id="heartbeat stale",
        ),
        pytest.param(
            says("DEGRADED", "SOMETHING_NEW"),
            ("DEGRADED", False, "UNLISTED_REASON"),
            id="an unknown code",
        ),
        pytest.param(
            says("UNKNOWN", "REQUIRED_FIELDS_MISSING"),
            ("UNKNOWN", False, "REQUIRED_FIELDS_MISSING"),
            id="UNKNOWN",
        ),
        pytest.param(
            says("OFFLINE", "PROCESS_DOWN"), ("OFFLINE", False, "PROCESS_DOWN"), id="OFFLINE"
        ),
        pytest.param(
            lose(STRATEGY, OPS, UnseenReason.DNS_FAILURE),
            ("OFFLINE", False, "DNS_FAILURE"),
            id="no answer",
        ),
        pytest.param(
            lose(STRATEGY, OPS, UnseenReason.HTTP_STATUS, 502),
            ("UNKNOWN", False, "HTTP_502"),
            id="refused by status",
        ),
        pytest.param(
            answer(STRATEGY, OPS, MINIMAL),
            ("DEGRADED", False, "CONTRACT_MINIMAL"),
            id="minimal contract",
        ),
    ],
)
def test_a_strategy_in_an_open_session(floor, hurt, expected):
    """An answer gives the state, and only what is listed is expected (R3.1, R3.4, R3.6, R3.8)."""
    hurt(floor)

    assert expected == judged(floor, STRATEGY)


@pytest.mark.parametrize("state", ["HALTED", "DEGRADED"])
@pytest.mark.parametrize("code", ["MARKETDATA_STALE", "MARKETDATA_MISSING"])
def test_stale_marketdata_is_expected_while_closed(floor, state, code):
    """HALTED or DEGRADED for stale or missing marketdata is expected while we say closed (R3.8)."""
    floor.refresh(EVENING)
    says(state, code)(floor)

    assert (state, True, "") == judged(floor, STRATEGY)


def test_halted_by_the_switch_is_unexpected_while_unconfirmed(floor):
    """HALTED for the kill switch is only expected while the switch is confirmed engaged (R3.6)."""
    floor.switch = None

    assert ("HALTED", False, "KILL_SWITCH") == judged(floor, STRATEGY)


def test_reported_ok_on_a_stale_feed_is_degraded(floor):
    """A service that says OK while its feed is stale is DEGRADED by our own clock."""
    document = changed(rich(MARKETDATA, floor.now, tick_age=121), "status.state", "OK")
    floor.answer(MARKETDATA, OPS, changed(document, "status.reason_codes", []))

    assert ("DEGRADED", False, "MARKETDATA_STALE") == judged(floor, MARKETDATA)


def test_the_switch_does_not_hide_a_stale_feed(floor):
    """HALTED for the kill switch is unexpected when the feed is stale as well (R3.10)."""
    floor.answer(MARKETDATA, OPS, rich(MARKETDATA, floor.now, tick_age=121))

    assert ("HALTED", False, "MARKETDATA_STALE") == judged(floor, MARKETDATA)


def test_rich_service_without_its_contract_is_degraded(floor):
    """
    A rich service of which only liveness is offered is DEGRADED, and that is unexpected (R3.3).
    """
    floor.lose(STRATEGY, OPS, UnseenReason.NOT_OFFERED, 404)
    floor.answer(STRATEGY, "/healthz", LIVE)

    assert ("DEGRADED", False, "CONTRACT_NOT_OFFERED") == judged(floor, STRATEGY)


def test_a_service_that_offers_nothing_is_unknown(floor):
    """A service that answers 404 to everything is UNKNOWN, neither healthy nor dead (R2.2)."""
    for path in (OPS, "/healthz"):
        floor.lose(STRATEGY, path, UnseenReason.NOT_OFFERED, 404)

    assert ("UNKNOWN", False, "NOT_OFFERED") == judged(floor, STRATEGY)


def test_a_hung_status_is_unknown_while_another_path_answers(floor):
    """A service whose status hangs while `/healthz` answers is UNKNOWN, not OFFLINE (R3.4)."""
    floor.lose(MARKETDATA, OPS, UnseenReason.TIMEOUT)

    assert ("UNKNOWN", False, "TIMEOUT") == judged(floor, MARKETDATA)


@pytest.mark.parametrize("path", ["/readyz", "/livez"])
def test_liveness_needs_its_probes(floor, path):
    """A liveness service is expected only while its other probes do not fail (R3.3)."""
    healthy = judged(floor, GAMMA)
    floor.lose(GAMMA, path, UnseenReason.HTTP_STATUS, 503)

    assert ("DEGRADED", True, "CONTRACT_NOT_OFFERED") == healthy
    assert ("DEGRADED", False, "NOT_READY") == judged(floor, GAMMA)


def test_liveness_may_lack_its_other_probes(floor):
    """A probe that a liveness service does not offer is no failure."""
    floor.lose(GAMMA, "/livez", UnseenReason.NOT_OFFERED, 404)

    assert ("DEGRADED", True, "CONTRACT_NOT_OFFERED") == judged(floor, GAMMA)


def test_an_execution_process_that_answers_is_evidence(floor):
    """An execution service that answers at all, even OFFLINE, is evidence, and stays so (R3.5)."""
    add(floor, EXECUTION)
    document = changed(rich(EXECUTION, floor.now), "status.state", "OFFLINE")
    floor.answer(EXECUTION, OPS, changed(document, "status.reason_codes", ["EXECUTION_DISABLED"]))
    answered = judged(floor, EXECUTION)
    floor.lose(EXECUTION, OPS, UnseenReason.CONNECTION_REFUSED)
    silent = floor.decide()

    assert ("OFFLINE", False, "EXECUTION_EVIDENCE") == answered
    assert Verdict.HALTED is silent.posture.verdict


def test_execution_behind_a_refusal_is_evidence_too(floor):
    """Even an error page proves that an execution process runs."""
    add(floor, EXECUTION)
    floor.answer(EXECUTION, OPS, {"error": "trading_refused"})
    floor.lose(EXECUTION, OPS, UnseenReason.HTTP_STATUS, 503)

    assert Verdict.HALTED is floor.decide().posture.verdict


def test_execution_that_does_not_answer_is_not_proven_off(floor):
    """Without a cluster, silence of an execution service proves nothing, and says so (R3.5)."""
    add(floor, EXECUTION)
    floor.answers[EXECUTION.agent_name] = {}
    floor.answer(EXECUTION, OPS, {})
    floor.answers[EXECUTION.agent_name].clear()
    never = judged(floor, EXECUTION)
    floor.lose(EXECUTION, OPS, UnseenReason.CONNECTION_REFUSED)
    snapshot = floor.decide()

    assert ("UNKNOWN", False, "NOT_YET_ASKED") == never
    assert ("OFFLINE", False, "EXECUTION_NOT_PROVEN_OFF") == judged(floor, EXECUTION)
    assert (Verdict.OK, False) == (snapshot.posture.verdict, snapshot.posture.expected)
    assert ("execution-engine",) == snapshot.posture.degraded


def test_a_service_without_http_is_unobserved(floor):
    """A service without HTTP is UNKNOWN and UNOBSERVED; a critical one halts the floor (R1.6)."""
    add(floor, NO_HTTP)
    optional = floor.decide()
    critical = Agent("ingest", Kind.INGEST, None, Criticality.CRITICAL, contract=ContractKind.NONE)
    add(floor, critical)

    assert ("UNKNOWN", False, "UNOBSERVED") == judged(floor, NO_HTTP)
    assert Verdict.OK is optional.posture.verdict
    assert Verdict.HALTED is floor.decide().posture.verdict


def test_plain_pages_need_only_answer(floor):
    """A service under the `http` contract is as expected when it answers."""
    add(floor, PAGES)
    floor.answers["ops-ui"] = {"/": reading("/healthz", LIVE, floor.now)}

    assert ("DEGRADED", True, "CONTRACT_NOT_OFFERED") == judged(floor, PAGES)


def test_an_optional_service_only_degrades(floor):
    """An optional service that is down is listed as degraded and halts nothing (R6.12)."""
    add(floor, PAGES)
    floor.answers["ops-ui"] = {}
    floor.lose(PAGES, "/", UnseenReason.CONNECTION_REFUSED)

    posture = floor.decide().posture

    assert (Verdict.OK, ("ops-ui",)) == (posture.verdict, posture.degraded)
    assert ["INFO"] == [r.severity.value for r in posture.reasons]


def test_since_is_kept_while_nothing_changes(floor):
    """A service's `since` is kept while its state is the same, and new when it changes."""
    began = floor.decide().service("strategy-engine").since
    floor.refresh(floor.now + timedelta(seconds=10))
    kept = floor.decide().service("strategy-engine").since
    say(STRATEGY, "status.state", "DEGRADED")(floor)
    after = floor.decide().service("strategy-engine")

    assert (began, floor.now) == (kept, after.since)
    assert ServiceState.DEGRADED is after.state


def test_listed_side_paths_are_noted(floor):
    """A listed path that was not seen is noted, and does not make the service unexpected."""
    listed = Agent("strategy-two", Kind.STRATEGY, "http://two", Criticality.OPTIONAL, (OPS, "/x"))
    add(floor, listed)
    floor.answers["strategy-two"] = {OPS: reading(OPS, rich(listed, floor.now), floor.now)}
    floor.lose(listed, "/x", UnseenReason.TIMEOUT)

    assert ("HALTED", True, "TIMEOUT") == judged(floor, listed)


def test_a_heartbeat_is_never_judged(floor):
    """A listed `/heartbeat` may be lost, broken or old, and its service is as before (R2.1)."""
    listed = replace(STRATEGY, expected_endpoints=(OPS, "/heartbeat"))
    floor.fleet = replace(FLEET, agents=tuple(listed if a is STRATEGY else a for a in FLEET.agents))
    told = [judged(floor, STRATEGY)]
    for reason in (UnseenReason.TIMEOUT, UnseenReason.CONTRACT_INVALID):
        floor.lose(STRATEGY, "/heartbeat", reason)
        told.append(judged(floor, STRATEGY))
    floor.answer(STRATEGY, "/heartbeat", {"status": "ok", "at": "2020-01-01T00:00:00Z"})
    told.append(judged(floor, STRATEGY))

    assert [("HALTED", True, "")] * 4 == told


def test_an_unknown_key_reaches_no_decision(floor):
    """What the contract does not have is kept for people, and nothing follows from it (R2.14)."""
    before = floor.decide()
    more = {"state": "OFFLINE", "colour": "red", "is_fresh": False}
    document: Any = rich(STRATEGY, floor.now)
    parts = [document, document["status"], document["marketdata"]]
    for part in parts:
        part.update({key: value for key, value in more.items() if key not in part})
    floor.answer(STRATEGY, OPS, document)
    after = floor.decide()

    assert before.posture == after.posture
    assert before.service("strategy-engine").state is after.service("strategy-engine").state
    assert b"red" in floor.answers["strategy-engine"][OPS].value.document


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        pytest.param(-60, ("HALTED", True, ""), id="60 s old"),
        pytest.param(-61, ("UNKNOWN", False, "STATUS_FROZEN"), id="61 s old"),
        pytest.param(5, ("HALTED", True, ""), id="5 s ahead"),
        pytest.param(6, ("UNKNOWN", False, "CLOCK_SKEW"), id="6 s ahead"),
    ],
)
def test_a_status_of_another_time_is_unknown(floor, seconds, expected):
    """A status from more than 60 s ago, or more than 5 s ahead, tells no state (R3.9)."""
    updated = stamp(floor.now + timedelta(seconds=seconds))
    say(STRATEGY, "status.last_updated_utc", updated)(floor)

    assert expected == judged(floor, STRATEGY)


def test_market_closed_is_expected_while_our_calendar_says_so(floor):
    """In the evening a service may say MARKET_CLOSED, and in an open session not (R3.7)."""
    says("MARKET_CLOSED")(floor)
    opened = judged(floor, STRATEGY)
    floor.refresh(EVENING)
    says("MARKET_CLOSED")(floor)

    assert ("UNKNOWN", False, "MARKET_CLOSED_DURING_SESSION") == opened
    assert ("MARKET_CLOSED", True, "") == judged(floor, STRATEGY)


def test_a_critical_ingest_that_halts_unexpectedly_halts_the_floor(floor):
    """A critical service of any kind that is unexpectedly HALTED halts the floor."""
    say(INGEST, "status.reason_codes", ["PROCESS_DOWN"])(floor)

    assert Verdict.HALTED is floor.decide().posture.verdict


def test_an_important_service_without_http_does_not_halt(floor):
    """Only a critical service without HTTP blocks; an important one is listed as degraded."""
    important = Agent("ingest", Kind.INGEST, None, contract=ContractKind.NONE)
    add(floor, important)

    posture = floor.decide().posture

    assert (Verdict.OK, ("ingest",)) == (posture.verdict, posture.degraded)


def test_an_execution_service_is_never_expected(floor):
    """After hours too, an execution service that answers is unexpected and P0."""
    floor.refresh(EVENING)
    add(floor, EXECUTION)
    floor.answer(EXECUTION, OPS, rich(EXECUTION, floor.now))

    snapshot = floor.decide()

    assert Verdict.HALTED is snapshot.posture.verdict
    assert ("HALTED", False, "EXECUTION_EVIDENCE") == judged(floor, EXECUTION)


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        pytest.param("safety.kill_switch", False, "EXECUTION_EVIDENCE", id="switch off"),
        pytest.param("agent_identity.agent_mode", "LIVE", "EXECUTION_EVIDENCE", id="mode"),
        pytest.param(
            "marketdata.last_tick_utc", None, "FRESHNESS_GATE_FALSE_POSITIVE", id="false claim"
        ),
    ],
)
def test_what_a_service_said_is_held_against_it(floor, path, value, code):
    """An alarm makes its service unexpected whatever its state, also once it is silent."""
    document = changed(rich(STRATEGY, floor.now), "status.state", "OK")
    document = changed(document, "status.reason_codes", [])
    floor.answer(STRATEGY, OPS, changed(document, path, value))
    said = judged(floor, STRATEGY)
    floor.lose(STRATEGY, OPS, UnseenReason.TIMEOUT)

    assert (False, code) == said[1:]
    assert ("OFFLINE", False, code) == judged(floor, STRATEGY)


@pytest.mark.parametrize("agent", [STRATEGY, EXECUTION], ids=lambda a: a.agent_name)
def test_our_own_stall_is_not_the_service_s_silence(floor, agent):
    """A service that we were held up in asking is UNKNOWN and unexpected, never OFFLINE."""
    add(floor, agent)
    floor.answer(agent, OPS, {})
    floor.lose(agent, OPS, UnseenReason.OWN_STALL)

    assert ("UNKNOWN", False, "OWN_STALL") == judged(floor, agent)


def test_old_certificates_are_noted_and_change_nothing(floor):
    """Files that could not be read again are said beside the state, which they do not change."""
    before = judged(floor, STRATEGY)
    reading = floor.answers[STRATEGY.agent_name][OPS]
    exchange = replace(reading.exchange, old_files="/tls/key.pem: No such file")
    floor.answers[STRATEGY.agent_name][OPS] = replace(reading, exchange=exchange)

    report = next(r for r in floor.decide().services if r.agent is STRATEGY)

    assert before[:2] == judged(floor, STRATEGY)[:2]
    assert [("RELOAD_FAILED", "INFO", "/tls/key.pem: No such file")] == [
        (r.code, r.severity, r.detail) for r in report.reasons if r.code == "RELOAD_FAILED"
    ]
