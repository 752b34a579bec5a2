"""Present: a conformance report as lines for people and as values for programs."""

import json
from datetime import UTC, datetime

import pytest

from mission_control.conformance.model import ConformanceReport, Deviation, EndpointOutcome, Gravity
from mission_control.conformance.present import conformance_as_dict, conformance_lines

NOW = datetime(2026, 3, 6, 15, 0, 7, tzinfo=UTC)
ORDERS = Deviation(
    Gravity.VIOLATION,
    "/ops/status",
    "safety.safe_to_execute_orders",
    "status contract a.1",
    "must be the constant false",
    "Stop the line.",
    sev0=True,
)
SILENT = Deviation(
    Gravity.VIOLATION, "/health", "", "status contract b.2", "TIMEOUT: silence", "Answer."
)
TTL = Deviation(
    Gravity.ADVICE,
    "/ops/status",
    "heartbeat.ttl_seconds",
    "status contract a.1",
    "the fleet's heartbeat lives 60 s",
    "Leave it unset.",
    found="30",
)
ENDPOINTS = (
    EndpointOutcome(
        "/health", seen=False, outcome="TIMEOUT", http_status=None, took=3.0, excerpt="<html>"
    ),
    EndpointOutcome("/ops/status", seen=True, outcome="rich", http_status=200, took=0.0123),
)
DEVIATES = ConformanceReport(
    NOW, conforms=False, endpoints=ENDPOINTS, deviations=(ORDERS, SILENT, TTL)
)
CONFORMS = ConformanceReport(NOW, conforms=True, endpoints=ENDPOINTS[1:], deviations=(TTL,))


def test_people_read_verdict_endpoints_and_deviations():
    """
    The verdict comes first, then what was asked, then each deviation with its remedy.
    """
    assert [
        "http://a: DEVIATES from the status contract (2 violations, 1 worth putting right)",
        "",
        "  /health      TIMEOUT, 3000 ms",
        "               answered: <html>",
        "  /ops/status  rich HTTP 200, 12 ms",
        "",
        "SEV-0 VIOLATION  /ops/status safety.safe_to_execute_orders  (status contract a.1)",
        "  must be the constant false",
        "  remedy: Stop the line.",
        "",
        "VIOLATION  /health  (status contract b.2)",
        "  TIMEOUT: silence",
        "  remedy: Answer.",
        "",
        "ADVICE  /ops/status heartbeat.ttl_seconds  (status contract a.1)",
        "  the fleet's heartbeat lives 60 s",
        "  found:  30",
        "  remedy: Leave it unset.",
    ] == conformance_lines(DEVIATES, "http://a")


@pytest.mark.parametrize(
    ("report", "verdict"),
    [
        pytest.param(
            CONFORMS,
            "http://a: CONFORMS to the status contract (0 violations, 1 worth putting right)",
            id="conforms",
        ),
        pytest.param(
            ConformanceReport(NOW, conforms=False, endpoints=(), deviations=(SILENT,)),
            "http://a: DEVIATES from the status contract (1 violation, 0 worth putting right)",
            id="nothing asked",
        ),
    ],
)
def test_verdict_is_the_first_line(report, verdict):
    """
    The first line alone says whether the service conforms, and how far off it is.
    """
    assert verdict == conformance_lines(report, "http://a")[0]


def test_programs_read_the_same():
    """
    The same report as values, with the instant in UTC and times in whole milliseconds.
    """
    values = conformance_as_dict(DEVIATES, "http://a")

    assert {
        "subject": "http://a",
        "at": "2026-03-06T15:00:07Z",
        "conforms": False,
        "violations": 2,
        "advice": 1,
        "endpoints": [
            {
                "path": "/health",
                "seen": False,
                "outcome": "TIMEOUT",
                "http_status": None,
                "took_ms": 3000,
                "excerpt": "<html>",
            },
            {
                "path": "/ops/status",
                "seen": True,
                "outcome": "rich",
                "http_status": 200,
                "took_ms": 12,
                "excerpt": "",
            },
        ],
    } == {name: value for name, value in values.items() if name != "deviations"}
    assert {
        "gravity": "advice",
        "sev0": False,
        "path": "/ops/status",
        "field": "heartbeat.ttl_seconds",
        "rule": "status contract a.1",
        "problem": "the fleet's heartbeat lives 60 s",
        "found": "30",
        "remedy": "Leave it unset.",
    } == json.loads(json.dumps(values))["deviations"][2]


def test_nothing_a_service_said_acts_on_the_terminal():
    """
    Control and bidi characters of an answer do not reach the terminal, nor a program's log.
    """
    hostile = "a\x1b[2J\u202eb\x9b1m"
    report = ConformanceReport(
        NOW,
        conforms=False,
        endpoints=(
            EndpointOutcome(
                "/health", seen=False, outcome="NOT_JSON", http_status=200, took=0, excerpt=hostile
            ),
        ),
        deviations=(
            Deviation(Gravity.VIOLATION, "/health", "", "rule", "problem", "remedy", hostile),
        ),
    )
    lines = conformance_lines(report, "http://a")
    values = conformance_as_dict(report, "http://a")

    assert all(line.isprintable() for line in lines)
    assert "\x1b" not in str(values)
    assert "\u202e" not in str(values)
