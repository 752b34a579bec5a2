"""Decide: the smaller shapes are judged by themselves and beside the rich one."""

import pytest

from mission_control.model.reading import Unseen, UnseenReason
from tests.contract.contract_answers import (
    ADVICE,
    EPOCH,
    GONE,
    HEALTH,
    MINIMAL,
    NOW,
    STALE,
    STRATEGY,
    VIOLATION,
    changed,
    judge,
    seen,
    told,
)


@pytest.mark.parametrize(
    ("document", "deviations"),
    [
        pytest.param(MINIMAL, [(ADVICE, "", "a.5")], id="minimal"),
        pytest.param(
            changed(MINIMAL, agent_mode="SERVICE", build_sha="unknown"),
            [
                (ADVICE, "", "a.5"),
                (ADVICE, "agent_mode", "a.6"),
                (ADVICE, "build_sha", "a.5"),
            ],
            id="minimal that tells little",
        ),
    ],
)
def test_minimal_contract_conforms_with_advice(document, deviations):
    """
    The older, minimal contract passes, and the report says what it leaves unsaid.
    """
    report = judge(document)

    assert deviations == told(report)
    assert report.conforms


@pytest.mark.parametrize(
    ("document", "http_status", "deviations"),
    [
        pytest.param(HEALTH, 200, [], id="fresh"),
        pytest.param({"status": "ok", "service": "strategy-engine"}, 200, [], id="liveness"),
        pytest.param(
            changed(HEALTH, ok=False, last_tick_epoch_seconds=EPOCH - 66, age_seconds=66),
            200,
            [(VIOLATION, "ok", "b.2")],
            id="refusal in a 200",
        ),
        pytest.param(HEALTH, 503, [(VIOLATION, "ok", "b.2")], id="ok in a 503"),
        pytest.param(
            changed(HEALTH, last_tick_epoch_seconds=GONE, age_seconds=None),
            200,
            [(VIOLATION, "ok", "b.2")],
            id="ok without a tick",
        ),
        pytest.param(
            changed(HEALTH, last_tick_epoch_seconds=EPOCH - 66, age_seconds=66),
            200,
            [(VIOLATION, "ok", "b.2")],
            id="ok on a tick of 66 s",
        ),
        pytest.param(
            changed(HEALTH, last_tick_epoch_seconds=EPOCH - 66, age_seconds=66, ok=False),
            503,
            [],
            id="stale by the health contract's stricter limit",
        ),
        pytest.param(
            changed(HEALTH, forced_stale=True, ok=False),
            503,
            [
                (VIOLATION, "ok", "b.2"),
                (ADVICE, "forced_stale", "b.2"),
                (ADVICE, "ok", "b.2"),
            ],
            id="forced stale",
        ),
        pytest.param(
            changed(HEALTH, forced_stale=True),
            200,
            [(VIOLATION, "forced_stale", "b.2")],
            id="forced stale says ok",
        ),
        pytest.param(
            changed(HEALTH, max_age_seconds=90),
            200,
            [(ADVICE, "max_age_seconds", "b.2")],
            id="another limit",
        ),
        pytest.param(
            changed(HEALTH, max_age_seconds=None, age_seconds=None), 200, [], id="limit not told"
        ),
        pytest.param(
            changed(HEALTH, age_seconds=8), 200, [(ADVICE, "age_seconds", "b.2")], id="another age"
        ),
        pytest.param(changed(HEALTH, age_seconds=7), 200, [], id="age that travelled"),
        pytest.param(
            changed(HEALTH, last_tick_epoch_seconds=EPOCH + 9, age_seconds=-9),
            200,
            [(ADVICE, "last_tick_epoch_seconds", "b.2")],
            id="tick of the future",
        ),
        pytest.param(
            changed(HEALTH, service="execution-engine"),
            200,
            [(ADVICE, "service", "a.6")],
            id="another name",
        ),
        pytest.param(
            {"ok": True, "last_tick_epoch_seconds": EPOCH - 1, "last_tick_age_seconds": 1},
            200,
            [(ADVICE, "", "a.5")],
            id="legacy tick",
        ),
        pytest.param(
            {"ok": True, "last_tick_epoch_seconds": None, "last_tick_age_seconds": None},
            503,
            [(VIOLATION, "ok", "a.5"), (VIOLATION, "ok", "b.2"), (ADVICE, "", "a.5")],
            id="legacy ok without a tick",
        ),
        pytest.param(
            {"ok": "true"}, 200, [(VIOLATION, "ok", "b.2")], id="text for ok breaks the contract"
        ),
    ],
)
def test_health_endpoint_is_judged_too(document, http_status, deviations):
    """
    The freshness contract beside a sound status is held to its tick, limit and HTTP status.
    """
    report = judge(STRATEGY, healthz=seen(document, "/healthz", http_status))

    assert deviations == told(report)


@pytest.mark.parametrize(
    ("changes", "health", "contradicts"),
    [
        pytest.param(STALE, HEALTH, True, id="fresh here, stale there"),
        pytest.param(
            {}, changed(HEALTH, ok=False, forced_stale=True), True, id="stale here, fresh there"
        ),
        pytest.param(
            {},
            changed(HEALTH, ok=False, last_tick_epoch_seconds=EPOCH - 90, age_seconds=90),
            False,
            id="between the two limits",
        ),
        pytest.param(
            {},
            changed(HEALTH, ok=False, last_tick_epoch_seconds=EPOCH - 60, age_seconds=60),
            True,
            id="at its own limit it should be fresh",
        ),
        pytest.param(
            {},
            changed(
                HEALTH,
                ok=False,
                last_tick_epoch_seconds=EPOCH - 80,
                age_seconds=80,
                max_age_seconds=90,
            ),
            True,
            id="within the limit it tells",
        ),
        pytest.param({}, HEALTH, False, id="both fresh"),
    ],
)
def test_endpoints_that_contradict_each_other_are_found(changes, health, contradicts):
    """
    Freshness told differently by two endpoints is a contradiction, unless their limits differ.
    """
    reading = seen(health, "/healthz", 200 if health["ok"] else 503)
    report = judge(changed(STRATEGY, **changes), healthz=reading)

    assert contradicts is any("CONTRADICTION" in d.problem for d in report.violations)


def test_health_of_marketdata_that_says_nothing_about_freshness_is_advised():
    """
    A 200 without `ok` is worth a word for marketdata, and for nothing else.
    """
    health = seen({"status": "ok", "service": "strategy-engine"}, "/healthz")
    marketdata = judge(changed(STRATEGY, service_kind="marketdata"), healthz=health)

    assert [(ADVICE, "ok", "b.2")] == told(marketdata)
    assert marketdata.conforms
    assert [] == told(judge(STRATEGY, healthz=health))


def test_named_endpoint_that_is_not_offered_is_advised():
    """
    An endpoint that the service names and does not offer is told at the place that names it.
    """
    report = judge(STRATEGY, healthz=Unseen(UnseenReason.NOT_OFFERED, NOW))

    assert [(ADVICE, "", "b.2"), (ADVICE, "endpoints.healthz", "a.1")] == told(report)
    assert report.conforms
