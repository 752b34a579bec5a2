"""Whether single fields hold what the contract says, and claims agree with their tick."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mission_control.conformance.model import Deviation, Look
from mission_control.contract.model.answer import Status
from mission_control.contract.model.modes import ModeText, read_mode
from mission_control.contract.model.shapes import (
    DEFAULT_HEARTBEAT_TTL_SECONDS,
    HealthFreshness,
    LegacyTick,
    Liveness,
    MinimalStatus,
    RichStatus,
)
from mission_control.floor.decide.evidence import AHEAD_TOLERANCE_SECONDS, seconds_between
from mission_control.model.fleet import MARKETDATA_STALE_CEILING_SECONDS as CEILING
from mission_control.model.fleet import Kind

TOLERANCE_SECONDS = 5.0
"""Seconds by which a claim and our own reckoning may differ: an answer travels."""

HEALTH_MAX_AGE_SECONDS = 60.0
"""The oldest fresh tick of the health contract where it does not say (b.2)."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of freshness in one answer: its field, its tick's age, and what it is held to."""

    field: str
    tick_field: str
    rule: str
    says_fresh: bool | None
    age: float | None
    limit: float


def explain_feed(look: Look[RichStatus]) -> Iterator[Deviation]:
    """Explain an `is_fresh` that disagrees with `last_tick_utc` and its threshold."""
    feed = look.status.marketdata
    if feed is None:
        return
    tick = feed.last_tick_utc
    claim = Claim(
        "marketdata.is_fresh",
        "marketdata.last_tick_utc",
        "status contract a.1",
        feed.is_fresh,
        None if tick is None else seconds_between(tick, look.at),
        float(min(feed.stale_threshold_seconds, CEILING)),
    )
    if feed.is_fresh is False and tick is None:
        yield look.advice(
            claim.field,
            claim.rule,
            "is_fresh is null, not false, while no tick was ever known",
            "Send null until the first tick.",
        )
    if feed.is_fresh is None and tick is not None:
        yield look.advice(
            claim.field,
            claim.rule,
            "is_fresh is null although a tick is known",
            "Send true or false, from the age of that tick.",
        )
    yield from _explain_claim(look, claim)


def explain_health_tick(look: Look[HealthFreshness]) -> Iterator[Deviation]:
    """Explain an `ok` that disagrees with its tick."""
    limit = look.status.max_age_seconds
    limit = HEALTH_MAX_AGE_SECONDS if limit is None else min(limit, float(CEILING))
    epoch = look.status.last_tick_epoch_seconds
    yield from _explain_epoch_claim(look, "status contract b.2", look.status.ok, epoch, limit)


def explain_legacy_tick(look: Look[LegacyTick]) -> Iterator[Deviation]:
    """Explain an `ok` of the oldest shape that disagrees with its tick."""
    epoch = look.status.last_tick_epoch_seconds
    ok = look.status.ok
    yield from _explain_epoch_claim(look, "status contract a.5", ok, epoch, float(CEILING))


def _explain_epoch_claim(
    look: Look[HealthFreshness] | Look[LegacyTick],
    rule: str,
    ok: bool,  # noqa: FBT001  (the claim itself is a yes or no)
    epoch: float | None,
    limit: float,
) -> Iterator[Deviation]:
    age = None if epoch is None else look.at.timestamp() - epoch
    claim = Claim("ok", "last_tick_epoch_seconds", rule, ok, age, limit)
    yield from _explain_claim(look, claim)


def _explain_claim(look: Look[Status], claim: Claim) -> Iterator[Deviation]:
    """Explain a claim: fresh on a tick too old for it is a violation, the rest advice."""
    if claim.says_fresh and claim.age is None:
        yield look.violation(
            claim.field,
            claim.rule,
            "claims freshness without any tick (FRESHNESS_GATE_FALSE_POSITIVE)",
            "Claim freshness only on a tick that was received.",
        )
    if claim.age is None:
        return
    if claim.says_fresh and claim.age > claim.limit + TOLERANCE_SECONDS:
        yield look.violation(
            claim.field,
            claim.rule,
            f"claims freshness on a tick {claim.age:.0f} s old; {claim.limit:.0f} s is the limit",
            "Compute it from the last tick each time an answer is made.",
        )
    if claim.age < -AHEAD_TOLERANCE_SECONDS:
        yield look.advice(
            claim.tick_field,
            claim.rule,
            f"the last tick is {-claim.age:.0f} s in the future, and so proves nothing",
            "Stamp ticks with the time they were received, in UTC.",
        )
    elif claim.says_fresh is False and claim.age < claim.limit - TOLERANCE_SECONDS:
        yield look.advice(
            claim.field,
            claim.rule,
            f"says stale on a tick only {max(0.0, claim.age):.0f} s old",
            "Compute it from the last tick each time an answer is made.",
        )


MODES = ("OFF", "OBSERVE", "EVAL", "PAPER")
"""The agent modes that a service may start in (status contract, a.6)."""

FED_KINDS = frozenset({Kind.MARKETDATA, Kind.STRATEGY, Kind.EXECUTION})
"""The kinds that report a marketdata object."""

_WHOLE_SECONDS = re.compile(r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"', re.ASCII)
_INSTANTS = (
    "status.last_updated_utc",
    "heartbeat.last_heartbeat_utc",
    "marketdata.last_tick_utc",
    "marketdata.last_bar_utc",
)
_SHAPE = "status contract a.1"


def explain_kind(look: Look[RichStatus]) -> Iterator[Deviation]:
    """Explain a kind other than the expected one, and marketdata where it does not belong."""
    kind = look.status.service_kind
    if look.kind is not None and look.kind is not kind:
        yield look.violation(
            "service_kind",
            _SHAPE,
            f"the service was expected to be of kind {look.kind.value}",
            "Correct service_kind, or the kind in the inventory.",
        )
    if kind in FED_KINDS and look.status.marketdata is None:
        yield look.violation(
            "marketdata",
            _SHAPE,
            f"kind {kind.value} must report a marketdata object",
            "Send the object; before the first tick its last_tick_utc and is_fresh are null.",
        )
    if kind not in FED_KINDS and look.status.marketdata is not None:
        yield look.advice(
            "marketdata",
            _SHAPE,
            f"kind {kind.value} reports marketdata as null",
            "Send null: nothing reads the object from this kind.",
        )


def explain_identity(look: Look[RichStatus]) -> Iterator[Deviation]:
    """Explain names that disagree, and modes outside the vocabulary."""
    identity = look.status.agent_identity
    if identity.agent_name != look.status.service_name:
        yield look.advice(
            "agent_identity.agent_name",
            "status contract a.6",
            "the agent's name differs from service_name (IDENTITY_MISMATCH)",
            "Give both the name under which the inventory lists the service.",
        )
    yield from explain_mode(look, "agent_identity.agent_mode", identity.agent_mode)


def explain_mode(look: Look[Status], field: str, mode: str) -> Iterator[Deviation]:
    """Explain an agent mode outside the vocabulary; forbidden ones are evidence, told elsewhere."""
    rule = "status contract a.6"
    remedy = "Set AGENT_MODE to the mode the agent really runs in."
    match read_mode(mode):
        case ModeText.UNKNOWN:
            problem = "the mode is none that is known (MODE_UNKNOWN)"
            yield look.violation(field, rule, problem, remedy)
        case ModeText.HARMLESS if mode not in MODES:
            yield look.advice(
                field, rule, "the mode is none of OFF, OBSERVE, EVAL and PAPER", remedy
            )
        case _:
            return


def explain_build(look: Look[RichStatus]) -> Iterator[Deviation]:
    """Explain a build that cannot be told, and keys that should be null rather than absent."""
    status = look.status
    if not (status.git_sha or status.build_id):
        yield look.advice(
            "git_sha",
            _SHAPE,
            "neither git_sha nor build_id tells which build this is",
            "Set GIT_SHA or BUILD_ID when the image is built.",
        )
    absent = {"git_sha", "build_id", "endpoints"} - status.model_fields_set
    absent_fields = sorted(absent)
    if status.marketdata and "last_bar_utc" not in status.marketdata.model_fields_set:
        absent_fields.append("marketdata.last_bar_utc")
    for field in absent_fields:
        yield look.advice(field, _SHAPE, "the key is absent", "Send null when it is not known.")


def explain_settings(look: Look[RichStatus]) -> Iterator[Deviation]:
    """Explain thresholds that differ from the fleet's, and a summary in other words."""
    ttl = look.status.heartbeat.ttl_seconds
    if ttl != DEFAULT_HEARTBEAT_TTL_SECONDS:
        yield look.advice(
            "heartbeat.ttl_seconds",
            _SHAPE,
            f"the fleet's heartbeat lives {DEFAULT_HEARTBEAT_TTL_SECONDS} s",
            "Leave OPS_HEARTBEAT_TTL_S unset.",
        )
    feed = look.status.marketdata
    if feed is not None and feed.stale_threshold_seconds > CEILING:
        yield look.advice(
            "marketdata.stale_threshold_seconds",
            _SHAPE,
            f"a tick older than {CEILING} s is never fresh, whatever this threshold says",
            f"Set MARKETDATA_STALE_THRESHOLD_S to {CEILING} or less.",
        )
    summary = look.status.status.state.summary
    if look.status.status.summary != summary:
        yield look.advice(
            "status.summary",
            _SHAPE,
            f"the state {look.status.status.state.value} is summed up as `{summary}`",
            f"Send `{summary}`; put anything more specific into another key.",
        )


def explain_instants(look: Look[RichStatus]) -> Iterator[Deviation]:
    """Explain instants that are not written in whole seconds of UTC with a Z."""
    for field in _INSTANTS:
        text = look.found(field)
        if text not in {"null", "absent"} and not _WHOLE_SECONDS.fullmatch(text):
            yield look.advice(
                field,
                _SHAPE,
                "the instant is not written in whole seconds with a Z",
                "Write it as 2026-03-06T15:00:07Z.",
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
