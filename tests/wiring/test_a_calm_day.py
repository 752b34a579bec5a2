"""Wiring: a calm session is lived whole, and what is told of it is what a person would expect."""

import json
from datetime import date

import pytest

from mission_control.alerts.model import AlertState
from tests.wiring.lived_day import (
    MARKS,
    RUNS,
    WHOLE,
    Day,
    Lived,
    check_attested,
    check_runs,
    live_a_day,
)

pytestmark = MARKS
FULL, STALE = date(2026, 11, 18), "marketdata_stale"


async def a_calm_day(day: Day) -> None:
    """Live a full session in which nothing happens."""
    for clock in ("08:29", "08:36", "09:21", "09:41", "15:59", "16:01"):
        await day.served(clock)
    await day.until("17:20")
    await day.skip_to("17:59:30")
    await day.until("18:02")
    await day.skip_to("23:59:30")
    await day.until("00:06", next_day=True)
    await day.ask("/api/v1/readiness/latest", "next day")
    await day.ask("/api/v1/slo", "slo")


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """Give a full session that was lived."""
    return live_a_day(FULL, a_calm_day, tmp_path_factory.mktemp("day") / "calm")


LATEST_GO = {"08:36": "08:30:00", "09:21": "09:15:00", "09:41": "09:35:00", "15:59": "09:35:00"}


def test_a_calm_day_is_go_from_t_60_to_the_close(calm: Lived) -> None:
    """Each planned readiness gives GO, and it is served until the session ends."""
    assert {clock: ("GO", "", f"given at {at} EST") for clock, at in LATEST_GO.items()} == {
        clock: calm.told(clock) for clock in LATEST_GO
    }


def test_outside_of_the_session_it_says_what_comes_next(calm: Lived) -> None:
    """Before T-60 it is not due, after the close it is over, and the next day begins again."""
    assert ("NO-GO", "SESSION_CLOSED") == calm.told("08:29")[:2]
    assert "planned for 08:30:00 EST; no readiness is recorded" in calm.told("08:29")[2]
    assert (
        "this session closed at 16:00:00 EST, and GO is given from an hour before the open to the"
        " close; the next is planned to be judged at 2026-11-19 08:30:00 EST; the last verdict is"
        " GO of today 09:35:00 EST"
    ) == calm.told("16:01")[2]
    assert (
        "not yet due: the readiness of this session is planned for 08:30:00 EST; the last verdict"
        " is NO-GO SESSION_CLOSED of 2026-11-18 16:30:"
    ) == calm.told("next day")[2][:133]
    assert calm.told("next day")[2].endswith(" EST, about the session of 2026-11-18")
    assert [True, False] == [calm.answers[c]["report_is_current"] for c in ("16:01", "next day")]


def test_every_planned_run_of_the_day_succeeds(calm: Lived) -> None:
    """At its time, once; the plan and what became of it are recorded, and all of it is whole."""
    check_runs(calm, samples=26)


def test_the_whole_session_is_attested(calm: Lived) -> None:
    """No execution was observed, and every second of it was seen."""
    check_attested(calm, hours=6.5)


def test_the_capture_of_a_calm_day_is_good(calm: Lived) -> None:
    """It becomes the last known good, without a reason against it."""
    (run,) = (calm.root / "ops/lkg").glob("2026*")
    told = json.loads((run / "lkg_metadata.json").read_bytes())

    assert ("GOOD", []) == (told["status"], told["reasons"])
    assert (run / "lkg_manifest.yaml").read_bytes() == (
        calm.root / "ops/lkg/lkg_manifest.yaml"
    ).read_bytes()


def test_a_calm_day_has_no_news_but_its_own(calm: Lived) -> None:
    """Once everything was asked, the open and the close; a feed that ends with it is no error."""
    begun, over = (f"2026-11-18 {clock}" for clock in ("00:06" if WHOLE else "08:12", "17:20"))
    told = [e for e in calm.events if begun <= e["ts_et"] <= over]

    assert [
        ("INFO", "posture MARKET_CLOSED -> OK"),
        ("INFO", "session PRE_MARKET -> OPEN"),
        ("INFO", "posture OK -> MARKET_CLOSED"),
        ("INFO", "session OPEN -> POST_MARKET"),
    ] == [(e["severity"], e["message"]) for e in told[:4]]
    assert ("accusation.opened", "INFO") == (told[4]["type"], told[4]["severity"])
    assert "MARKETDATA_STALE" == told[4]["data"]["code"]
    assert {"INFO"} == {e["severity"] for e in told}


def test_every_run_that_begins_is_logged_with_its_end(calm: Lived) -> None:
    """With what became of it; and a calm day has nothing to warn of."""
    begun = [line.split()[2] for line in calm.log if line.startswith("INFO begins ")]
    ended = [line.split()[2] for line in calm.log if line.startswith("INFO ended ")]

    assert sum(RUNS.values()) + 26 == len(begun)
    assert sorted(begun) == sorted(ended)
    assert any("pre_market_readiness" in x and x.endswith("SUCCEEDED: GO") for x in calm.log)
    assert [] == [line for line in calm.log if not line.startswith("INFO ")]


def test_the_evening_report_says_what_passes(calm: Lived) -> None:
    """Every required check; what only warns is told below, and contradicts nothing."""
    (run,) = calm.runs("post_market")
    report = (run / "readiness_report.md").read_text()

    assert "# Readiness: NOT READY (NO-GO) SESSION_CLOSED" in report
    assert "Every *required* check passes; only the session is missing" in report
    assert "What says NO" not in report
    assert "- **FAIL** `safety.marketdata_fresh`" in report.split("What only warns:")[1]


def test_a_calm_day_meets_every_target(calm: Lived) -> None:
    """Every second of the session is good, and nothing is bad while it is not watched either."""
    told = calm.answers["slo"]["services"]
    sessions = [s for s in told if s["window"] == "market_hours"]

    assert {(0.0, 0.0)} == {(s["bad_seconds"], s["dependency_seconds"]) for s in told}
    assert {(23400.0, 23400.0)} == {(s["total_seconds"], s["good_seconds"]) for s in sessions}
    promised = [s for s in sessions if s["target"] is not None]
    assert {("not_yet", 1)} == {(s["verdict"], s["sessions_watched"]) for s in promised}
    assert {100.0} == {s["attained"] for s in promised}


def test_a_calm_day_pages_no_one(calm: Lived) -> None:
    """R11.5: nothing pages, and that the feed stops at the close fires nothing."""
    assert [] == [t for t in calm.alerts if t.pages]
    assert [] == [t for t in calm.alerts if t.to_state is AlertState.FIRING and t.rule == STALE]
