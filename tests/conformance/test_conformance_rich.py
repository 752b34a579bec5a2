"""Decide: each deviation of a rich answer is named by its field and its rule."""

import pytest

from mission_control.model.fleet import Kind
from tests.contract.contract_answers import (
    ADVICE,
    GONE,
    STALE,
    STRATEGY,
    SWITCH_OFF,
    VIOLATION,
    changed,
    judge,
    told,
)

CODES, STATE, GATES = "status.reason_codes", "status.state", "safety.gating_reasons"


EXECUTION = {
    "service_kind": "execution",
    "service_name": "execution-agent",
    "agent_identity__agent_name": "execution-agent",
    "status__state": "OFFLINE",
    "status__summary": "Offline",
    "status__reason_codes": ["EXECUTION_DISABLED"],
    "safety__gating_reasons": ["KILL_SWITCH", "EXECUTION_ORDERS_DISABLED_CONTRACT"],
}


OPS = {"service_kind": "ops", "marketdata": None}


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(STRATEGY, id="strategy under the kill switch"),
        pytest.param(changed(STRATEGY, **STALE), id="and with dead marketdata"),
        pytest.param(changed(STRATEGY, **EXECUTION), id="disabled execution"),
        pytest.param(changed(STRATEGY, service_kind="ingest", marketdata=None), id="ingest"),
        pytest.param(changed(STRATEGY, endpoints=None), id="no endpoints told"),
        pytest.param(
            changed(
                STRATEGY,
                marketdata__is_fresh=None,
                marketdata__last_tick_utc=None,
            ),
            id="no tick ever",
        ),
        pytest.param(
            changed(
                STRATEGY,
                git_sha=None,
                build_id="b-7",
                heartbeat__last_heartbeat_utc=None,
                heartbeat__age_seconds=None,
            ),
            id="build told by its number",
        ),
        pytest.param(
            changed(
                STRATEGY,
                service_kind="marketdata",
                agent_identity__agent_mode="PAPER",
                status__last_updated_utc="2026-03-06T14:59:08Z",
            ),
            id="answer of 59 s ago",
        ),
        pytest.param(
            changed(
                STRATEGY,
                status__last_updated_utc="2026-03-06T14:59:07Z",
                heartbeat__age_seconds=60,
                marketdata__last_tick_utc="2026-03-06T14:58:07Z",
            ),
            id="answer of 60 s, tick of 120 s",
        ),
        pytest.param(
            changed(
                STRATEGY,
                status__last_updated_utc="2026-03-06T15:00:12Z",
                marketdata__last_tick_utc="2026-03-06T15:00:12Z",
            ),
            id="5 s ahead of us",
        ),
        pytest.param(
            changed(STRATEGY, **STALE | {"marketdata__last_tick_utc": "2026-03-06T14:58:12Z"}),
            id="stale on a tick of 115 s, which travelled",
        ),
    ],
)
def test_answers_of_the_default_posture_keep_the_contract(document):
    """
    What the fleet answers all day conforms, without a word of advice.
    """
    report = judge(document)

    assert [] == told(report)
    assert report.conforms


@pytest.mark.parametrize(
    ("changes", "deviations"),
    [
        pytest.param(
            {"agent_identity__agent_name": "gamma"},
            [(ADVICE, "agent_identity.agent_name", "a.6")],
            id="two names",
        ),
        pytest.param(
            {"agent_identity__agent_mode": "STREAM"},
            [(ADVICE, "agent_identity.agent_mode", "a.6")],
            id="fallback mode",
        ),
        pytest.param(
            {"agent_identity__agent_mode": "TURBO"},
            [(VIOLATION, "agent_identity.agent_mode", "a.6")],
            id="an unknown mode",
        ),
        pytest.param({"git_sha": None}, [(ADVICE, "git_sha", "a.1")], id="no build told"),
        pytest.param({"build_id": GONE}, [(ADVICE, "build_id", "a.1")], id="key absent"),
        pytest.param({"endpoints": GONE}, [(ADVICE, "endpoints", "a.1")], id="endpoints absent"),
        pytest.param(
            {"marketdata__last_bar_utc": GONE},
            [(ADVICE, "marketdata.last_bar_utc", "a.1")],
            id="bar absent",
        ),
        pytest.param(
            {"marketdata": None}, [(VIOLATION, "marketdata", "a.1")], id="strategy without a feed"
        ),
        pytest.param(
            {"service_kind": "ingest"}, [(ADVICE, "marketdata", "a.1")], id="ingest with a feed"
        ),
        pytest.param(
            {"heartbeat__ttl_seconds": 30}, [(ADVICE, "heartbeat.ttl_seconds", "a.1")], id="ttl"
        ),
        pytest.param(
            {"marketdata__stale_threshold_seconds": 600},
            [(ADVICE, "marketdata.stale_threshold_seconds", "a.1")],
            id="threshold above the ceiling",
        ),
        pytest.param(
            {"status__summary": "halted by hand"},
            [(ADVICE, "status.summary", "a.1")],
            id="summary in other words",
        ),
        pytest.param(
            {"status__last_updated_utc": "2026-03-06T14:59:06Z"},
            [(ADVICE, "status.last_updated_utc", "a.1")],
            id="frozen",
        ),
        pytest.param(
            {"status__last_updated_utc": "2026-03-06T15:00:13Z"},
            [(ADVICE, "status.last_updated_utc", "a.1")],
            id="ahead of us",
        ),
        pytest.param(
            {"status__last_updated_utc": "2026-03-06T15:00:07.5Z"},
            [(ADVICE, "status.last_updated_utc", "a.1")],
            id="fraction of a second",
        ),
        pytest.param(
            {"heartbeat__last_heartbeat_utc": "2026-03-06T10:00:07-05:00"},
            [(ADVICE, "heartbeat.last_heartbeat_utc", "a.1")],
            id="offset for a Z",
        ),
        pytest.param(
            {"status__reason_codes": ["BY_HAND"]}, [(ADVICE, CODES, "a.2")], id="undeclared code"
        ),
        pytest.param(
            {"status__reason_codes": ["KILL_SWITCH", "MARKETDATA_STALE"]},
            [(ADVICE, CODES, "a.3")],
            id="two codes",
        ),
        pytest.param(
            {"status__reason_codes": []}, [(VIOLATION, CODES, "a.3")], id="halted without a reason"
        ),
        pytest.param(
            {"status__reason_codes": ["MARKET_CLOSED"]},
            [(VIOLATION, STATE, "a.3")],
            id="reason of another state",
        ),
        pytest.param(
            {"status__reason_codes": ["EXECUTION_DISABLED"], "status__state": "OFFLINE"}
            | {"status__summary": "Offline"},
            [(VIOLATION, CODES, "a.3 row 2")],
            id="execution's reason elsewhere",
        ),
        pytest.param(
            {
                "status__state": "OK",
                "status__summary": "Healthy",
                "status__reason_codes": [],
            },
            [(VIOLATION, STATE, "a.3 row 4")],
            id="OK under the kill switch",
        ),
        pytest.param(
            OPS
            | {
                "status__state": "OK",
                "status__summary": "Healthy",
                "status__reason_codes": [],
            },
            [(ADVICE, STATE, "a.3 row 4")],
            id="ops is OK under the kill switch",
        ),
        pytest.param(
            OPS
            | {
                "status__state": "MARKET_CLOSED",
                "status__summary": "Market closed",
                "status__reason_codes": ["MARKET_CLOSED"],
            },
            [(ADVICE, STATE, "a.3 row 4"), (ADVICE, STATE, "a.3 row 8")],
            id="ops closes with the market",
        ),
        pytest.param(
            {
                "status__state": "MARKET_CLOSED",
                "status__summary": "Market closed",
                "status__reason_codes": ["MARKET_CLOSED"],
                "heartbeat__age_seconds": 60.5,
            },
            [(VIOLATION, STATE, "a.3 row 4"), (VIOLATION, STATE, "a.3 row 7")],
            id="stale heartbeat passed over",
        ),
        pytest.param({"safety__gating_reasons": []}, [(ADVICE, GATES, "a.1")], id="gate missing"),
        pytest.param(
            {"safety__gating_reasons": ["KILL_SWITCH", "BY_HAND"]},
            [(ADVICE, GATES, "a.1")],
            id="undeclared gate",
        ),
        pytest.param(
            {"safety__gating_reasons": ["KILL_SWITCH", "MARKETDATA_STALE"]},
            [(ADVICE, GATES, "a.1")],
            id="gate that is not shut",
        ),
        pytest.param(
            EXECUTION | {"safety__gating_reasons": ["KILL_SWITCH"]},
            [(ADVICE, GATES, "a.1")],
            id="execution without its gate",
        ),
        pytest.param(
            {"safety__safe_to_run_strategies": True},
            [(VIOLATION, "safety.safe_to_run_strategies", "a.1")],
            id="safe under the kill switch",
        ),
        pytest.param(
            {"marketdata__last_tick_utc": None},
            [(VIOLATION, "marketdata.is_fresh", "a.1")],
            id="fresh without a tick",
        ),
        pytest.param(
            {"marketdata__last_tick_utc": "2026-03-06T14:58:01Z"},
            [(VIOLATION, "marketdata.is_fresh", "a.1")],
            id="fresh on a tick of 126 s",
        ),
        pytest.param(
            {"marketdata__last_tick_utc": "2026-03-06T14:58:02Z"},
            [],
            id="fresh on a tick of 125 s, which travelled",
        ),
        pytest.param(
            {"marketdata__last_tick_utc": "2026-03-06T14:58:01Z"}
            | {"marketdata__stale_threshold_seconds": 600},
            [
                (VIOLATION, "marketdata.is_fresh", "a.1"),
                (ADVICE, "marketdata.stale_threshold_seconds", "a.1"),
            ],
            id="no threshold makes an old tick fresh",
        ),
        pytest.param(
            {"marketdata__last_tick_utc": "2026-03-06T15:00:13Z"},
            [(ADVICE, "marketdata.last_tick_utc", "a.1")],
            id="tick of the future",
        ),
        pytest.param(
            {"marketdata__is_fresh": None},
            [(ADVICE, "marketdata.is_fresh", "a.1")],
            id="null on a known tick",
        ),
        pytest.param(
            {"marketdata__is_fresh": False},
            [(ADVICE, "marketdata.is_fresh", "a.1")],
            id="stale on a young tick",
        ),
        pytest.param(
            {"marketdata__is_fresh": False, "marketdata__last_tick_utc": None},
            [(ADVICE, "marketdata.is_fresh", "a.1")],
            id="stale without a tick",
        ),
    ],
)
def test_each_deviation_is_named(changes, deviations):
    """
    Each way of leaving the contract is told once, by its field and the rule it breaks.
    """
    report = judge(changed(STRATEGY, **changes))

    assert deviations == told(report)
    assert report.conforms is not any(gravity == VIOLATION for gravity, _, _ in deviations)
    assert all(d.problem and d.remedy and d.found for d in report.deviations)


@pytest.mark.parametrize(
    ("changes", "deviations"),
    [
        pytest.param({}, [], id="fresh and OK"),
        pytest.param({"heartbeat__age_seconds": 60}, [], id="heartbeat exactly as old as its ttl"),
        pytest.param(
            {"heartbeat__age_seconds": 60.5},
            [(VIOLATION, STATE, "a.3 row 7")],
            id="heartbeat older than its ttl",
        ),
        pytest.param(
            {"status__state": "HALTED", "status__summary": "Halted"}
            | {"status__reason_codes": ["KILL_SWITCH"]},
            [(VIOLATION, CODES, "a.3 row 4")],
            id="blames a switch that is off",
        ),
        pytest.param(
            {"safety__safe_to_run_strategies": False},
            [(ADVICE, "safety.safe_to_run_strategies", "a.1")],
            id="more careful than the formula",
        ),
        pytest.param(
            {"marketdata__is_fresh": False, "marketdata__last_tick_utc": "2026-03-06T14:41:00Z"},
            [(VIOLATION, STATE, "a.3 rows 5 and 6")],
            id="OK on stale marketdata",
        ),
        pytest.param(
            {"marketdata__is_fresh": None, "marketdata__last_tick_utc": None},
            [(VIOLATION, STATE, "a.3 rows 5 and 6")],
            id="OK without a tick",
        ),
        pytest.param(
            STALE
            | {
                "status__state": "HALTED",
                "status__summary": "Halted",
                "status__reason_codes": ["MARKETDATA_STALE"],
                "safety__gating_reasons": ["MARKETDATA_STALE"],
            },
            [(VIOLATION, "safety.safe_to_run_strategies", "a.1")],
            id="safe on a stale tick while open",
        ),
        pytest.param(
            STALE
            | {
                "status__state": "MARKET_CLOSED",
                "status__summary": "Market closed",
                "status__reason_codes": ["MARKET_CLOSED"],
                "safety__gating_reasons": [],
            },
            [],
            id="safe on a stale tick after hours",
        ),
        pytest.param(
            STALE
            | {
                "service_kind": "marketdata",
                "status__state": "DEGRADED",
                "status__summary": "Degraded",
                "status__reason_codes": ["MARKETDATA_STALE"],
                "safety__gating_reasons": ["MARKETDATA_STALE"],
                "safety__safe_to_run_strategies": False,
            },
            [],
            id="marketdata is degraded where a strategy halts",
        ),
    ],
)
def test_facts_are_weighed_with_the_switch_off(changes, deviations):
    """
    With the switch off the truth table's other rows speak, beside the Sev-0 evidence.
    """
    report = judge(changed(STRATEGY, **SWITCH_OFF | changes))

    first, *others = told(report)
    assert (VIOLATION, "safety.kill_switch", "a.1") == first
    assert deviations == others


@pytest.mark.parametrize(
    ("kind", "deviations"),
    [
        (Kind.STRATEGY, []),
        (None, []),
        (Kind.MARKETDATA, [(VIOLATION, "service_kind", "a.1")]),
    ],
)
def test_expected_kind_is_compared(kind, deviations):
    """
    A service of another kind than expected violates the contract; no expectation, no complaint.
    """
    assert deviations == told(judge(STRATEGY, kind))


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        pytest.param({"safety__safe_to_run_strategies": True}, "false", id="too much"),
        pytest.param(
            SWITCH_OFF | {"safety__safe_to_run_strategies": False}, "true", id="too little"
        ),
    ],
)
def test_permission_that_should_stand_there_is_told(changes, value):
    """
    The report names the value that the formula gives, and the formula.
    """
    told_of = {d.field: d for d in judge(changed(STRATEGY, **changes)).deviations}

    problem = told_of["safety.safe_to_run_strategies"].problem

    assert problem.startswith(f"must be {value} here: not kill_switch, and (market closed")
