"""Decide: whether the smaller shapes hold what the contract says, and where they fall short."""

from collections.abc import Iterator

from mission_control.decide.conformance_rules.look import Look
from mission_control.decide.conformance_rules.rich_fields import explain_mode
from mission_control.decide.conformance_rules.tick_claims import (
    HEALTH_MAX_AGE_SECONDS,
    TOLERANCE_SECONDS,
    explain_health_tick,
    explain_legacy_tick,
)
from mission_control.model.conformance import Deviation
from mission_control.model.fleet import Kind
from mission_control.model.status_contract.answer import Status
from mission_control.model.status_contract.smaller_shapes import (
    HealthFreshness,
    LegacyTick,
    Liveness,
    MinimalStatus,
)

HEALTH_PATH = "/healthz"
_HEALTH = "status contract b.2"
_MINIMAL = "status contract a.5"
_REFUSED_FROM = 300
_MOVE_ON = "Serve the rich contract on /ops/status."


def explain_minimal(look: Look[MinimalStatus]) -> Iterator[Deviation]:
    """Explain that the minimal contract works and tells less, and what in it tells nothing."""
    yield look.advice(
        "",
        _MINIMAL,
        "this is the older, minimal contract: it tells no state, reasons or kill switch",
        _MOVE_ON,
    )
    yield from explain_mode(look, "agent_mode", look.status.agent_mode)
    if look.status.build_sha in {"", "unknown"}:
        yield look.advice(
            "build_sha",
            _MINIMAL,
            "the build cannot be told",
            "Set GIT_SHA when the image is built.",
        )


def explain_health(look: Look[HealthFreshness]) -> Iterator[Deviation]:
    """Explain a freshness contract that contradicts its own status, limit or age."""
    health = look.status
    yield from explain_health_tick(look)
    yield from _explain_http_status(look, ok=health.ok)
    if health.forced_stale:
        say = look.violation if health.ok else look.advice
        yield say(
            "forced_stale",
            _HEALTH,
            "a test toggle forces it stale" + (", and it says ok" if health.ok else ""),
            "Unset MARKETDATA_FORCE_STALE outside tests.",
        )
    if health.max_age_seconds not in {None, HEALTH_MAX_AGE_SECONDS}:
        yield look.advice(
            "max_age_seconds",
            _HEALTH,
            f"the fleet's limit is {HEALTH_MAX_AGE_SECONDS:.0f} s",
            "Leave MARKETDATA_MAX_AGE_SECONDS unset.",
        )
    epoch, told = health.last_tick_epoch_seconds, health.age_seconds
    if epoch is None or told is None:
        return
    age = look.at.timestamp() - epoch
    if abs(age - told) > TOLERANCE_SECONDS:
        yield look.advice(
            "age_seconds",
            _HEALTH,
            f"by our clock the last tick is {age:.0f} s old",
            "Compute it when the answer is made, and synchronise the clocks.",
        )


def explain_legacy(look: Look[LegacyTick]) -> Iterator[Deviation]:
    """Explain that the oldest shape is none of the contracts, and where it contradicts itself."""
    yield look.advice("", _MINIMAL, "this is the runbook's oldest shape", _MOVE_ON)
    yield from explain_legacy_tick(look)
    yield from _explain_http_status(look, ok=look.status.ok)


def explain_liveness(look: Look[Liveness]) -> Iterator[Deviation]:
    """Explain that `/healthz` of a marketdata service says nothing about freshness."""
    if look.path == HEALTH_PATH and look.kind is Kind.MARKETDATA:
        yield look.advice(
            "ok",
            _HEALTH,
            "without `ok` and a tick, a 200 says nothing about freshness",
            "Answer with the freshness contract: 200 when ok, else 503.",
        )


def _explain_http_status(look: Look[Status], *, ok: bool) -> Iterator[Deviation]:
    if ok is not (look.http_status < _REFUSED_FROM):
        yield look.violation(
            "ok",
            _HEALTH,
            f"the answer came with HTTP {look.http_status}: 200 means ok, 503 means not",
            "Derive the HTTP status from the same value as `ok`.",
        )
