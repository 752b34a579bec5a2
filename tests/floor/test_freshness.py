"""Decide: freshness as each shape tells it, by our own clock."""

from datetime import timedelta

import pytest

from mission_control.floor.model import Verdict
from mission_control.model.finding import Severity
from mission_control.model.fleet import Fleet
from mission_control.model.reading import UnseenReason
from tests.floor.floor_of_values import (
    EVENING,
    FLEET,
    GAMMA,
    INGEST,
    MARKETDATA,
    NOW,
    STRATEGY,
    changed,
    rich,
)

MD = MARKETDATA.agent_name
OPS = "/ops/status"


def freshness(floor):
    """Decide, and give the state of the marketdata service's freshness."""
    return floor.decide().service(MD).freshness.state.value


def tick(floor, age):
    """Return the epoch seconds of a tick so many seconds old."""
    return floor.now.timestamp() - age


def only_healthz(floor, document, status=200):
    """Let the marketdata service offer nothing but this `/healthz`."""
    floor.lose(MARKETDATA, OPS, UnseenReason.NOT_OFFERED, 404)
    floor.answer(MARKETDATA, "/healthz", document, status)


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        pytest.param(0, "FRESH", id="new"),
        pytest.param(-5, "FRESH", id="5 s ahead counts as new"),
        pytest.param(-6, "UNVERIFIABLE", id="6 s ahead cannot be believed"),
        pytest.param(120, "FRESH", id="threshold is inclusive"),
        pytest.param(121, "STALE", id="past the threshold"),
        pytest.param(None, "MISSING", id="no tick"),
    ],
)
def test_the_rich_contract_tells_its_tick(floor, age, expected):
    """The age of the rich contract's tick decides, by our clock (R3.10)."""
    floor.answer(MARKETDATA, OPS, rich(MARKETDATA, floor.now, age))

    assert expected == freshness(floor)


def test_a_service_cannot_raise_the_ceiling(floor):
    """A threshold above 120 s is not believed (R3.10)."""
    floor.say(MARKETDATA, "marketdata.stale_threshold_seconds", 3600)
    later = floor.now + timedelta(seconds=44)
    floor.answer(MARKETDATA, OPS, rich(MARKETDATA, floor.now, 100))

    assert "STALE" == floor.decide(later).service(MD).freshness.state.value


@pytest.mark.parametrize(
    ("fields", "status", "expected"),
    [
        pytest.param({"ok": True, "age": 5}, 200, "FRESH", id="contract form, fresh"),
        pytest.param({"ok": True, "age": 100}, 200, "STALE", id="older than its own 60 s"),
        pytest.param({"ok": False, "age": 5}, 200, "STALE", id="ok false"),
        pytest.param({"ok": True, "age": 5}, 503, "STALE", id="503 whatever it says"),
        pytest.param({"ok": True, "age": -60}, 200, "UNVERIFIABLE", id="tick ahead"),
        pytest.param({"ok": True}, 200, "MISSING", id="no tick"),
        pytest.param({"ok": True, "age": 5, "forced_stale": True}, 200, "STALE", id="forced"),
    ],
)
def test_the_freshness_contract_of_healthz(floor, fields, status, expected):
    """`/healthz` in contract form speaks where `/ops/status` is not offered (R3.10)."""
    age = fields.pop("age", None)
    document = {"max_age_seconds": 60, **fields}
    document["last_tick_epoch_seconds"] = None if age is None else tick(floor, age)
    only_healthz(floor, document, status)

    assert expected == freshness(floor)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param({"status": "ok"}, "UNVERIFIABLE", id="200 without ok says nothing"),
        pytest.param({"ok": True, "last_tick_epoch_seconds": 1e300}, "UNVERIFIABLE", id="no time"),
        pytest.param(
            {"ok": True, "last_tick_epoch_seconds": None, "last_tick_age_seconds": None},
            "MISSING",
            id="legacy without tick",
        ),
    ],
)
def test_a_tick_that_is_none_is_never_fresh(floor, document, expected):
    """Nothing that lacks a believable tick is fresh (R2.11)."""
    only_healthz(floor, document)

    assert expected == freshness(floor)


def test_the_legacy_tick_speaks(floor):
    """The legacy tick shape tells a tick as well."""
    epoch = tick(floor, 4)
    only_healthz(floor, {"ok": True, "last_tick_epoch_seconds": epoch, "last_tick_age_seconds": 4})

    assert "FRESH" == freshness(floor)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        pytest.param(4, "FRESH", id="fresh"),
        pytest.param(130, "STALE", id="stale"),
        pytest.param(None, "MISSING", id="none known"),
        pytest.param(1e300, "STALE", id="older than time"),
    ],
)
def test_the_minimal_contract_tells_an_age(floor, seconds, expected):
    """The minimal contract's freshness is an age, computed from its answer."""
    document = {
        "uptime": 5,
        "last_heartbeat": None,
        "data_freshness_seconds": seconds,
        "build_sha": "unknown",
        "agent_mode": "OBSERVE",
    }
    floor.answer(MARKETDATA, OPS, document)

    assert expected == freshness(floor)


@pytest.mark.parametrize(
    ("at", "age", "false"),
    [
        pytest.param(NOW, 125, False, id="125 s"),
        pytest.param(NOW, 126, True, id="126 s"),
        pytest.param(NOW, None, True, id="no tick"),
        pytest.param(EVENING, 126, False, id="126 s in the evening"),
    ],
)
def test_a_claim_of_freshness_may_be_125_seconds_late(floor, at, age, false):
    """In OPEN a claim on an older tick, or on none, is a P0 that no evening ends (R3.11, R6.9)."""
    floor.refresh(at)
    document = rich(MARKETDATA, floor.now, age)
    floor.answer(MARKETDATA, OPS, changed(document, "marketdata.is_fresh", value=True))
    raised = [floor.decide()]
    floor.refresh(EVENING)
    floor.lose(MARKETDATA, OPS, UnseenReason.TIMEOUT)
    raised.append(floor.decide())

    for snapshot in raised:
        reasons = {r.code: r for r in snapshot.posture.reasons}
        assert false is ("FRESHNESS_GATE_FALSE_POSITIVE" in reasons)
        if false:
            reason = reasons["FRESHNESS_GATE_FALSE_POSITIVE"]
            assert (Severity.P0, True) == (reason.severity, reason.halts)


def test_a_fleet_without_marketdata_has_no_freshness(floor):
    """An open floor without a required marketdata service is HALTED: nothing speaks of ticks."""
    floor.fleet = Fleet((GAMMA, INGEST, STRATEGY), FLEET.digest, FLEET.source)

    snapshot = floor.decide()

    assert Verdict.HALTED is snapshot.posture.verdict
    assert ["MARKETDATA_UNVERIFIABLE"] == [r.code for r in snapshot.posture.reasons if r.halts]


def test_a_frozen_status_says_nothing_of_its_tick(floor):
    """The tick in a frozen status is unverifiable, however new it claims to be."""
    floor.say(MARKETDATA, "status.last_updated_utc", "2026-11-18T15:10:00Z")

    assert "UNVERIFIABLE" == freshness(floor)


def test_a_silent_strategy_speaks_of_no_feed(floor):
    """A strategy that was not seen neither denies nor claims freshness."""
    floor.lose(STRATEGY, OPS, UnseenReason.TIMEOUT)

    report = floor.decide().service("strategy-engine")

    assert "NOT_APPLICABLE" == report.freshness.state.value


def test_a_strategy_with_a_future_tick_contradicts(floor):
    """A strategy's tick from the future is on the worse side of a contradiction."""
    floor.answer(STRATEGY, OPS, rich(STRATEGY, floor.now, -60))

    found = {(r.code, r.subject) for r in floor.decide().posture.reasons}

    assert ("CONTRADICTION", "strategy-engine") in found


def test_agreeing_on_the_worse_side_ends_a_contradiction(floor):
    """Once the other side says stale too, the contradiction is cleared; staleness stays."""
    floor.say(MARKETDATA, "marketdata.is_fresh", value=False)
    before = {a.code for a in floor.decide().latched.alarms}
    floor.say(STRATEGY, "marketdata.is_fresh", value=False)
    snapshot = floor.decide()

    assert {"CONTRADICTION", "MARKETDATA_STALE"} == before
    assert {"MARKETDATA_STALE"} == {a.code for a in snapshot.latched.alarms}
    assert Verdict.HALTED is snapshot.posture.verdict


def test_silence_of_the_better_side_ends_no_contradiction(floor):
    """When the side that said fresh falls silent, none has agreed, and it stays."""
    floor.say(MARKETDATA, "marketdata.is_fresh", value=False)
    floor.decide()
    floor.lose(STRATEGY, OPS, UnseenReason.TIMEOUT)

    assert "CONTRADICTION" in {a.code for a in floor.decide().latched.alarms}
