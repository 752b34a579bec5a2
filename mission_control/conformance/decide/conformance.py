"""Whether a service keeps the status contract, and each way in which it does not."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from mission_control.conformance.decide.fields import (
    HEALTH_MAX_AGE_SECONDS,
    HEALTH_PATH,
    explain_build,
    explain_feed,
    explain_health,
    explain_identity,
    explain_instants,
    explain_kind,
    explain_legacy,
    explain_liveness,
    explain_minimal,
    explain_settings,
)
from mission_control.conformance.decide.not_seen import explain_unseen
from mission_control.conformance.decide.truth_table import (
    explain_execution_claims,
    explain_gating_reasons,
    explain_other_rows,
    explain_reason_codes,
    explain_strategy_permission,
    explain_switch_row,
)
from mission_control.conformance.model import (
    ConformanceReport,
    Deviation,
    EndpointOutcome,
    Gravity,
    Look,
    look_at,
)
from mission_control.contract.model.answer import STATUS_PATH, Answer, Shape, Status
from mission_control.contract.model.shapes import (
    HealthFreshness,
    LegacyTick,
    Liveness,
    MinimalStatus,
    RichStatus,
)
from mission_control.floor.decide.evidence import (
    AHEAD_TOLERANCE_SECONDS,
    FROZEN_AFTER_SECONDS,
    Moment,
    refuse_by_status,
    seconds_between,
    within_age,
)
from mission_control.model.fleet import ContractKind, Kind
from mission_control.model.reading import EndpointReading, Seen, Unseen, UnseenReason


def explain_clock(look: Look[RichStatus]) -> Iterator[Deviation]:
    """Explain a `last_updated_utc` that is not the time of the answer."""
    age = seconds_between(look.status.status.last_updated_utc, look.at)
    field, rule = "status.last_updated_utc", "status contract a.1"
    if age > FROZEN_AFTER_SECONDS:
        yield look.advice(
            field,
            rule,
            f"the answer was made {age:.0f} s ago: Mission Control calls it STATUS_FROZEN",
            "Build the answer when it is asked for; do not cache it.",
        )
    if age < -AHEAD_TOLERANCE_SECONDS:
        yield look.advice(
            field,
            rule,
            f"the answer is {-age:.0f} s ahead of our clock: Mission Control calls it CLOCK_SKEW",
            "Synchronise the clocks of the service's host and of this one.",
        )


def explain_names(status: RichStatus, other: Look[Status]) -> Iterator[Deviation]:
    """Explain another endpoint of the same service that gives it another name."""
    if not isinstance(other.status, Liveness | HealthFreshness):
        return
    name = other.status.service
    if name is not None and name != status.service_name:
        yield other.advice(
            "service",
            "status contract a.6",
            f"/ops/status calls the service `{status.service_name}` (IDENTITY_MISMATCH)",
            "Give the service one name, that of the inventory.",
        )


def explain_freshness_between(status: RichStatus, other: Look[Status]) -> Iterator[Deviation]:
    """
    Explain two endpoints of one service that disagree about freshness.

    Their limits differ, 60 s and 120 s: a tick between the two is stale here and fresh there,
    and rightly so.
    """
    feed = status.marketdata
    if feed is None or not isinstance(other.status, HealthFreshness):
        return
    rule = "status contract b.2"
    remedy = "Answer both from the same last tick."
    if other.status.ok and feed.is_fresh is False:
        yield other.violation(
            "ok", rule, "says fresh while /ops/status says stale (CONTRADICTION)", remedy
        )
    epoch = other.status.last_tick_epoch_seconds
    age = other.at.timestamp() - epoch if epoch is not None else 0.0
    limit = other.status.max_age_seconds or HEALTH_MAX_AGE_SECONDS
    if not other.status.ok and feed.is_fresh is True and age <= limit:
        yield other.violation(
            "ok", rule, "says stale while /ops/status says fresh (CONTRADICTION)", remedy
        )


def explain_endpoints(
    look: Look[RichStatus], readings: Mapping[str, EndpointReading]
) -> Iterator[Deviation]:
    """Explain endpoints that the service names and does not offer."""
    named = look.status.endpoints
    if named is None:
        return
    for key, path in (
        ("healthz", named.healthz),
        ("heartbeat", named.heartbeat),
        ("metrics", named.metrics),
    ):
        reading = readings.get(path or "")
        if isinstance(reading, Unseen) and reading.reason is UnseenReason.NOT_OFFERED:
            yield look.advice(
                f"endpoints.{key}",
                "status contract a.1",
                "the service names an endpoint that it does not offer",
                "Send null for endpoints that are not there.",
            )


CONTRACT_SHAPES = frozenset({Shape.RICH, Shape.MINIMAL})
"""The shapes that are the status contract; the others are only beside it."""

_RICH_RULES: tuple[Callable[[Look[RichStatus]], Iterator[Deviation]], ...] = (
    explain_kind,
    explain_identity,
    explain_build,
    explain_settings,
    explain_instants,
    explain_clock,
    explain_reason_codes,
    explain_switch_row,
    explain_other_rows,
    explain_gating_reasons,
    explain_strategy_permission,
    explain_feed,
)


def judge_conformance(
    readings: Mapping[str, EndpointReading],
    now: datetime,
    expected_kind: Kind | None = None,
) -> ConformanceReport:
    """
    Say whether a service keeps the status contract, and explain every deviation.

    It conforms when nothing violates the contract and the contract was seen at least once, in
    its rich or its minimal shape: having asked nothing, or having seen only that something
    answers, is not passing. A reading too old to be used counts as not seen, while what it
    said against itself about execution still counts.

    Deviations run from Sev-0 evidence over violations to advice, then by endpoint and field.
    """
    current = {path: _usable(path, readings[path], now) for path in sorted(readings)}
    kind = expected_kind or _reported_kind(current)
    deviations = {d: None for path in current for d in _explain(path, current, kind)}
    for path in current:
        deviations.update(dict.fromkeys(explain_execution_claims(path, readings[path])))
    deviations.update(dict.fromkeys(_explain_no_contract(current)))
    ordered = tuple(sorted(deviations, key=lambda d: d.order))
    return ConformanceReport(
        at=now,
        conforms=all(d.gravity is Gravity.ADVICE for d in ordered),
        endpoints=tuple(_outcome(path, reading) for path, reading in current.items()),
        deviations=ordered,
    )


def _usable(path: str, reading: EndpointReading, now: datetime) -> EndpointReading:
    """Return the reading while it may be used; that something is not offered keeps."""
    reading = refuse_by_status(ContractKind.RICH, path, reading)
    if isinstance(reading, Unseen) and reading.reason is UnseenReason.NOT_OFFERED:
        return reading
    return within_age(reading, Moment(now))


def _reported_kind(readings: Mapping[str, EndpointReading]) -> Kind | None:
    status = _rich_status(readings)
    return None if status is None else status.service_kind


def _rich_status(readings: Mapping[str, EndpointReading]) -> RichStatus | None:
    reading = readings.get(STATUS_PATH)
    if isinstance(reading, Seen) and isinstance(reading.value.status, RichStatus):
        return reading.value.status
    return None


def _explain(
    path: str, readings: Mapping[str, EndpointReading], kind: Kind | None
) -> Iterator[Deviation]:
    reading = readings[path]
    if isinstance(reading, Unseen):
        fresh_from_here = path == HEALTH_PATH and kind is Kind.MARKETDATA
        contractual = path == STATUS_PATH or fresh_from_here
        yield from explain_unseen(path, reading, contractual=contractual)
        return
    yield from _explain_shape(path, reading, readings, kind)
    rich = _rich_status(readings)
    if rich is not None and path != STATUS_PATH:
        look = look_at(path, reading, reading.value.status, kind)
        yield from explain_names(rich, look)
        yield from explain_freshness_between(rich, look)


def _explain_shape(
    path: str,
    reading: Seen[Answer],
    readings: Mapping[str, EndpointReading],
    kind: Kind | None,
) -> Iterator[Deviation]:
    match reading.value.status:
        case RichStatus() as status:
            look = look_at(path, reading, status, kind)
            for rule in _RICH_RULES:
                yield from rule(look)
            yield from explain_endpoints(look, readings)
        case MinimalStatus() as status:
            yield from explain_minimal(look_at(path, reading, status, kind))
        case HealthFreshness() as status:
            yield from explain_health(look_at(path, reading, status, kind))
        case LegacyTick() as status:
            yield from explain_legacy(look_at(path, reading, status, kind))
        case Liveness() as status:
            yield from explain_liveness(look_at(path, reading, status, kind))
        case _:
            return


def _explain_no_contract(readings: Mapping[str, EndpointReading]) -> Iterator[Deviation]:
    shapes = {r.value.shape for r in readings.values() if isinstance(r, Seen)}
    if shapes & CONTRACT_SHAPES:
        return
    seen = ", ".join(sorted(shapes)) or "nothing"
    yield Deviation(
        Gravity.VIOLATION,
        STATUS_PATH,
        "",
        "status contract a.1",
        "neither the rich nor the minimal contract was seen on any endpoint that was asked",
        "Serve the contract on /ops/status, or list the service as `contract: liveness`.",
        f"seen: {seen}",
    )


def _outcome(path: str, reading: EndpointReading) -> EndpointOutcome:
    if isinstance(reading, Seen):
        answer = reading.value
        shape = answer.shape.value
        return EndpointOutcome(
            path, seen=True, outcome=shape, http_status=answer.http_status, took=reading.took
        )
    exchange = reading.exchange
    return EndpointOutcome(
        path,
        seen=False,
        outcome=reading.code,
        http_status=exchange.status,
        took=reading.took,
        excerpt=exchange.excerpt,
    )
