"""Whether a claim of freshness agrees with its tick."""

from collections.abc import Iterator
from dataclasses import dataclass

from mission_control.conformance.decide.look import Look
from mission_control.conformance.model import Deviation
from mission_control.contract.model.answer import Status
from mission_control.contract.model.shapes import HealthFreshness, LegacyTick, RichStatus
from mission_control.floor.decide.evidence import AHEAD_TOLERANCE_SECONDS, seconds_between
from mission_control.model.fleet import MARKETDATA_STALE_CEILING_SECONDS as CEILING

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
