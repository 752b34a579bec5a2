"""Decide: whether a service keeps the status contract, and each way in which it does not."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from mission_control.decide.conformance_rules.agreement import (
    explain_endpoints,
    explain_freshness_between,
    explain_names,
)
from mission_control.decide.conformance_rules.answer_clock import explain_clock
from mission_control.decide.conformance_rules.execution_claims import explain_execution_claims
from mission_control.decide.conformance_rules.look import Look, look_at
from mission_control.decide.conformance_rules.not_seen import explain_unseen
from mission_control.decide.conformance_rules.rich_fields import (
    explain_build,
    explain_identity,
    explain_instants,
    explain_kind,
    explain_settings,
)
from mission_control.decide.conformance_rules.safety_gates import (
    explain_gating_reasons,
    explain_strategy_permission,
)
from mission_control.decide.conformance_rules.smaller_answers import (
    HEALTH_PATH,
    explain_health,
    explain_legacy,
    explain_liveness,
    explain_minimal,
)
from mission_control.decide.conformance_rules.tick_claims import explain_feed
from mission_control.decide.conformance_rules.truth_table import (
    explain_other_rows,
    explain_reason_codes,
    explain_switch_row,
)
from mission_control.decide.evidence import refuse_by_status, within_age
from mission_control.model.conformance import (
    ConformanceReport,
    Deviation,
    EndpointOutcome,
    Gravity,
)
from mission_control.model.fleet import ContractKind, Kind
from mission_control.model.reading import EndpointReading, Seen, Unseen, UnseenReason
from mission_control.model.status_contract.answer import STATUS_PATH, Answer, Shape
from mission_control.model.status_contract.rich import RichStatus
from mission_control.model.status_contract.smaller_shapes import (
    HealthFreshness,
    LegacyTick,
    Liveness,
    MinimalStatus,
)

CONTRACT_SHAPES = frozenset({Shape.RICH, Shape.MINIMAL})
"""The shapes that are the status contract; the others only stand beside it."""

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
    its rich or its minimal shape: having asked nothing, or having seen only that somebody
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
    """Give the reading while it may be used; that something is not offered keeps."""
    reading = refuse_by_status(ContractKind.RICH, path, reading)
    if isinstance(reading, Unseen) and reading.reason is UnseenReason.NOT_OFFERED:
        return reading
    return within_age(reading, now)


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
