"""Decide: whether the endpoints of one service say the same thing."""

from collections.abc import Iterator, Mapping

from mission_control.decide.conformance_rules.look import Look
from mission_control.decide.conformance_rules.tick_claims import HEALTH_MAX_AGE_SECONDS
from mission_control.model.conformance import Deviation
from mission_control.model.reading import EndpointReading, Unseen, UnseenReason
from mission_control.model.status_contract.answer import Status
from mission_control.model.status_contract.rich import RichStatus
from mission_control.model.status_contract.smaller_shapes import HealthFreshness, Liveness


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
