"""The ways in which a test hurts the floor of values, and what each must be called."""

from collections.abc import Callable

import pytest

from mission_control.model.finding import Severity
from mission_control.model.reading import UnseenReason
from tests.floor.floor_of_values import GAMMA, INGEST, MARKETDATA, STRATEGY, FloorOfValues

Hurt = Callable[[FloorOfValues], None]


def set_switch(text) -> Hurt:
    """Write something else into the kill switch's file; None removes it."""

    def hurt(floor):
        floor.switch = text

    return hurt


def say(agent, path, value) -> Hurt:
    """Change one field of an agent's `/ops/status`."""

    def hurt(floor):
        floor.say(agent, path, value)

    return hurt


def lose(agent, path, reason, status=None) -> Hurt:
    """Lose one reading."""

    def hurt(floor):
        floor.lose(agent, path, reason, status)

    return hurt


def answer(agent, path, document, status=200) -> Hurt:
    """Let an agent answer something else."""

    def hurt(floor):
        floor.answer(agent, path, document, status)

    return hurt


def row(name, severity, code, subject, hurt):
    """Write one row of the table: what is hurt, and which reason must follow."""
    return pytest.param(hurt, severity, code, subject, id=name)


OPS = "/ops/status"
P0, P1 = Severity.P0, Severity.P1
MD, SE = MARKETDATA.agent_name, STRATEGY.agent_name
OLD = "2026-11-18T15:00:00Z"
FRESH = {"service": MD, "last_tick_epoch_seconds": 1795014897, "max_age_seconds": 60}
HALTING = [
    row("switch off", P0, "EXECUTION_EVIDENCE", "kill-switch", set_switch("0")),
    row("garbage", P0, "KILL_SWITCH_UNCONFIRMED", "kill-switch", set_switch("HALTED")),
    row("BOM", P0, "KILL_SWITCH_UNCONFIRMED", "kill-switch", set_switch("\ufeff1")),
    row("file gone", P0, "KILL_SWITCH_UNCONFIRMED", "kill-switch", set_switch(None)),
    row(
        "a service says off",
        P0,
        "EXECUTION_EVIDENCE",
        SE,
        say(STRATEGY, "safety.kill_switch", value=False),
    ),
    row(
        "off contradicts",
        P0,
        "CONTRADICTION",
        "kill-switch",
        say(STRATEGY, "safety.kill_switch", value=False),
    ),
    row(
        "orders allowed",
        P0,
        "EXECUTION_EVIDENCE",
        SE,
        say(STRATEGY, "safety.safe_to_execute_orders", value=True),
    ),
    row(
        "orders allowed, broken",
        P0,
        "EXECUTION_EVIDENCE",
        SE,
        say(STRATEGY, "safety.safe_to_execute_orders", "yes"),
    ),
    row(
        "mode EXECUTE",
        P0,
        "EXECUTION_EVIDENCE",
        SE,
        say(STRATEGY, "agent_identity.agent_mode", "Execute"),
    ),
    row(
        "mode LIVE",
        P0,
        "EXECUTION_EVIDENCE",
        INGEST.agent_name,
        say(INGEST, "agent_identity.agent_mode", "LIVE "),
    ),
    row(
        "an unknown mode",
        P1,
        "MODE_UNKNOWN",
        SE,
        say(STRATEGY, "agent_identity.agent_mode", "TURBO"),
    ),
    row(
        "a mode of another type",
        P1,
        "MODE_UNKNOWN",
        INGEST.agent_name,
        say(INGEST, "agent_identity.agent_mode", ["PAPER"]),
    ),
    row("a blank mode", P1, "MODE_UNKNOWN", MD, say(MARKETDATA, "agent_identity.agent_mode", " ")),
    row(
        "kind execution answers",
        P0,
        "EXECUTION_EVIDENCE",
        SE,
        say(STRATEGY, "service_kind", "execution"),
    ),
    row(
        "fresh claim on old tick",
        P0,
        "FRESHNESS_GATE_FALSE_POSITIVE",
        MD,
        say(MARKETDATA, "marketdata.last_tick_utc", OLD),
    ),
    row(
        "fresh claim on no tick",
        P0,
        "FRESHNESS_GATE_FALSE_POSITIVE",
        MD,
        say(MARKETDATA, "marketdata.last_tick_utc", None),
    ),
    row(
        "ok on no tick",
        P0,
        "FRESHNESS_GATE_FALSE_POSITIVE",
        MD,
        answer(MARKETDATA, "/healthz", {"ok": True}),
    ),
    row(
        "says stale",
        P1,
        "MARKETDATA_STALE",
        MD,
        say(MARKETDATA, "marketdata.is_fresh", value=False),
    ),
    row(
        "is_fresh null", P1, "MARKETDATA_MISSING", MD, say(MARKETDATA, "marketdata.is_fresh", None)
    ),
    row("no feed at all", P1, "MARKETDATA_MISSING", MD, say(MARKETDATA, "marketdata", None)),
    row(
        "future tick",
        P1,
        "MARKETDATA_UNVERIFIABLE",
        MD,
        say(MARKETDATA, "marketdata.last_tick_utc", "2026-11-18T15:15:30Z"),
    ),
    row(
        "healthz 503 stale",
        P1,
        "MARKETDATA_STALE",
        MD,
        answer(MARKETDATA, "/healthz", FRESH | {"ok": False}, 503),
    ),
    row(
        "healthz 503",
        P1,
        "MARKETDATA_STALE",
        MD,
        lose(MARKETDATA, "/healthz", UnseenReason.HTTP_STATUS, 503),
    ),
    row(
        "healthz hangs",
        P1,
        "MARKETDATA_UNVERIFIABLE",
        MD,
        lose(MARKETDATA, "/healthz", UnseenReason.TIMEOUT),
    ),
    row(
        "two endpoints disagree",
        P1,
        "CONTRADICTION",
        MD,
        answer(MARKETDATA, "/healthz", FRESH | {"ok": False}, 503),
    ),
    row(
        "two services disagree",
        P1,
        "CONTRADICTION",
        SE,
        say(STRATEGY, "marketdata.is_fresh", value=False),
    ),
    row("critical hangs", P1, "TIMEOUT", MD, lose(MARKETDATA, OPS, UnseenReason.TIMEOUT)),
    row(
        "critical offers nothing",
        P1,
        "NOT_OFFERED",
        MD,
        lose(MARKETDATA, OPS, UnseenReason.NOT_OFFERED, 404),
    ),
    row(
        "important refuses",
        P1,
        "CONNECTION_REFUSED",
        SE,
        lose(STRATEGY, OPS, UnseenReason.CONNECTION_REFUSED),
    ),
    row(
        "liveness 503",
        P1,
        "HTTP_503",
        GAMMA.agent_name,
        lose(GAMMA, "/healthz", UnseenReason.HTTP_STATUS, 503),
    ),
    row(
        "liveness 503 that says why",
        P1,
        "HTTP_503",
        GAMMA.agent_name,
        answer(GAMMA, "/healthz", {"ok": False}, 503),
    ),
    row(
        "contract in a 500",
        P1,
        "HTTP_500",
        GAMMA.agent_name,
        answer(GAMMA, "/healthz", {"status": "ok"}, 500),
    ),
    row("contract broken", P1, "CONTRACT_INVALID", SE, answer(STRATEGY, OPS, {"status": "ok"})),
    row(
        "frozen",
        P1,
        "STATUS_FROZEN",
        SE,
        say(STRATEGY, "status.last_updated_utc", "2026-11-18T15:13:00Z"),
    ),
    row(
        "skewed",
        P1,
        "CLOCK_SKEW",
        SE,
        say(STRATEGY, "status.last_updated_utc", "2026-11-18T15:16:00Z"),
    ),
    row(
        "strategy halted unexpectedly",
        P1,
        "MARKETDATA_STALE",
        SE,
        say(STRATEGY, "status.reason_codes", ["MARKETDATA_STALE"]),
    ),
    row(
        "halted without reason",
        P1,
        "STATE_UNEXPLAINED",
        SE,
        say(STRATEGY, "status.reason_codes", []),
    ),
    row(
        "closed during session",
        P1,
        "MARKET_CLOSED_DURING_SESSION",
        SE,
        say(STRATEGY, "status.state", "MARKET_CLOSED"),
    ),
]
