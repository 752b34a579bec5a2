"""Simulation: scenarios in which the marketdata service itself fails, each in its own way."""

from mission_control.simulation.scenarios.calm_and_closed import OPEN_SESSION
from mission_control.simulation.scenarios.scenario import MARKETDATA, Fault, Scenario


def _failing(name: str, fault: Fault, description: str) -> Scenario:
    return Scenario(name, description, OPEN_SESSION, faults={MARKETDATA: fault})


CRITICAL_SERVICE_FAILURES = (
    _failing(
        "critical-refused",
        Fault.REFUSED,
        "The marketdata port refuses connections, so the floor halts on a critical service that "
        "is OFFLINE.",
    ),
    _failing(
        "critical-hung",
        Fault.HUNG,
        "The marketdata service accepts connections and never answers, so it times out and "
        "strategy-engine takes two seconds to answer.",
    ),
    _failing(
        "critical-drip",
        Fault.DRIPPING,
        "The marketdata service sends one byte a second, which times out and delays nobody else.",
    ),
    _failing(
        "critical-50mb",
        Fault.HUGE,
        "The marketdata service answers with 50 MB, which is cut off as BODY_TOO_LARGE.",
    ),
    _failing(
        "critical-gzip-bomb",
        Fault.GZIP_BOMB,
        "The marketdata service answers with a small gzip body that would inflate to 64 MB, "
        "which is never inflated.",
    ),
    _failing(
        "critical-depth-1000",
        Fault.TOO_DEEP,
        "The marketdata service answers with JSON nested a thousand deep, which is refused as "
        "TOO_DEEP.",
    ),
    _failing(
        "critical-html",
        Fault.HTML,
        "The marketdata service answers 200 with a sign-in page instead of JSON, which is "
        "NOT_JSON.",
    ),
    _failing(
        "critical-truncated",
        Fault.TRUNCATED,
        "The marketdata service answers with JSON that stops in the middle, which is NOT_JSON.",
    ),
    _failing(
        "critical-nan",
        Fault.NOT_A_NUMBER,
        "The marketdata service says agent mode LIVE beside a NaN: no JSON, and execution evidence "
        "all the same, a P0.",
    ),
    _failing(
        "critical-said-twice",
        Fault.SAID_TWICE,
        "The marketdata service says in one answer that orders may be executed and that they may "
        "not: the worse counts, a P0.",
    ),
    _failing(
        "critical-redirect",
        Fault.REDIRECTED,
        "The marketdata service redirects every request, and nobody follows.",
    ),
    _failing(
        "critical-503",
        Fault.UNAVAILABLE,
        "The marketdata service answers 503 on every path.",
    ),
    _failing(
        "offers-nothing",
        Fault.NOTHING_OFFERED,
        "The marketdata service answers 404 on every path: it is alive but offers no contract.",
    ),
)
