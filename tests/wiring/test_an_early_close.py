"""Wiring: half a session with a feed that stops and one 503, told as a person would expect."""

import asyncio
import json
from collections.abc import Sequence
from datetime import date, time

import pytest

from mission_control.alerts.decide.compare import Found, compare_pages, pages_of
from mission_control.alerts.load import load_alert_rules
from mission_control.alerts.past import AlertHistory
from mission_control.history.database import open_engine
from mission_control.history.reader import HistoryReader
from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.market_calendar.days import instant_of
from mission_control.records.artifact_reader import ArtifactReader
from tests.wiring.lived_day import MARKS, Day, Lived, check_attested, check_runs, live_a_day

pytestmark = MARKS
EARLY = date(2026, 11, 27)
STALLED_SECONDS = 6.2


async def an_early_close(day: Day) -> None:
    """Live half a session, with a feed that stops for six minutes, one 503, and a stall of ours."""
    for clock in ("09:41", "10:30"):
        await day.served(clock)
    await day.stage("stale-tick")
    await day.served("10:36")
    await day.stage("calm")
    await day.served("11:15")
    await day.stage("liveness-503")
    while day.parts.board.current().posture.verdict.value == "OK":
        await day.loop.pass_for(0.25)
    await day.ask("/api/v1/posture", "one 503")
    await day.stage("calm")
    for clock in ("11:20", "12:59", "13:01"):
        await day.served(clock)
    day.loop.stall(STALLED_SECONDS)
    await day.until("14:20")
    asked = (("then stale", "10:33"), ("then calm", "10:20"), ("then stalled", "13:01:03"))
    for name, clock in asked:
        at = instant_of(day.on, time.fromisoformat(clock))
        await day.ask("/api/v1/posture", name, at=at.isoformat())
    await day.ask("/api/v1/slo", "slo")
    await day.skip_to("17:59:30")
    await day.until("18:02")
    await day.skip_to("23:59:30")
    await day.until("00:06", next_day=True)


@pytest.fixture(scope="module")
def early(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """Give a session with an early close that was lived."""
    return live_a_day(EARLY, an_early_close, tmp_path_factory.mktemp("day") / "early")


def test_every_planned_run_of_the_day_succeeds(early: Lived) -> None:
    """At its time, once; the plan and what became of it are recorded, and all of it is whole."""
    check_runs(early, samples=14)


def test_the_whole_session_is_attested(early: Lived) -> None:
    """No execution was observed, and every second of it was seen."""
    check_attested(early, hours=3.5)


def test_an_early_close_is_planned_from_its_close(early: Lived) -> None:
    """Capture, last known good and attestation follow 13:00."""
    (plan, *_) = early.runs("session_plan")
    runs = json.loads((plan / "session_plan.json").read_bytes())["runs"]
    at = {r["job"]: r["planned_at_et"] for r in runs if r["job"] != "intraday_sample"}

    assert ["13:30:00 EST", "14:00:00 EST", "14:15:00 EST"] == [
        at[job][11:] for job in ("post_market_capture", "lkg_capture", "no_execution_attestation")
    ]


def test_a_feed_that_stops_halts_and_revokes_go(early: Lived) -> None:
    """GO is not served again by itself, and the close is that of the early close."""
    assert "GO" == early.told("10:30")[0]
    assert ("NO-GO", "HALTED_NOW") == early.told("10:36")[:2]
    assert "the floor was HALTED at 10:30:" in early.told("10:36")[2]
    assert ("NO-GO", "READINESS_EXPIRED") == early.told("11:15")[:2]
    assert "this session closed at 13:00:00 EST (early close)" in early.told("13:01")[2]
    assert "judged at 2026-11-30 08:30:00 EST" in early.told("13:01")[2]


def halts(day: Lived) -> Sequence[tuple[str, str]]:
    """Give every change of the posture into or out of HALTED, and how severe it was told."""
    turns = [e for e in day.events if e["type"] == "posture.changed"]
    return [
        (e["severity"], e["message"])
        for e in turns
        if "HALTED" in (e["data"]["before"], e["data"]["after"])
        and "09:30" < e["ts_et"][11:] < "14:20"
    ]


def test_each_halt_is_told_from_its_beginning_to_its_end(early: Lived) -> None:
    """What it was for, that a silence is asked about again, and what ended."""
    asked_again = "posture OK -> HALTED (asked again in a second): HTTP_503"
    assert [
        ("P1", "posture OK -> HALTED: MARKETDATA_STALE marketdata-mcp-server"),
        ("INFO", "posture HALTED -> OK: MARKETDATA_STALE strategy-engine ended"),
        ("P1", f"{asked_again} gamma-strategy"),
        ("INFO", "posture HALTED -> OK: HTTP_503 gamma-strategy ended"),
    ] == halts(early)
    assert not early.answers["one 503"]["confirmed"]


def test_the_capture_after_two_halts_names_both_once(early: Lived) -> None:
    """With their beginning and end in New York and in UTC, and nothing else against it."""
    (run,) = (early.root / "ops/lkg").glob("2026*")
    told = json.loads((run / "lkg_metadata.json").read_bytes())
    details = [r["detail"] for r in told["reasons"] if r["code"] == "POSTURE_HALTED"]

    assert "CANDIDATE" == told["status"]
    assert {"POSTURE_HALTED"} == {r["code"] for r in told["reasons"]}
    assert ["from 10:30:", "from 11:15:"] == [d[:11] for d in details]
    assert all(" EST (15:" in d or " EST (16:" in d for d in details)
    assert not (early.root / "ops/lkg/lkg_manifest.yaml").exists()


def test_the_past_is_told_as_it_was(early: Lived) -> None:
    """HALTED while the feed was lost, OK before."""
    assert ("HALTED", "OK") == (
        early.answers["then stale"]["posture"],
        early.answers["then calm"]["posture"],
    )


def test_a_stall_of_ours_is_one_event_and_a_gap(early: Lived) -> None:
    """Nothing recovers from it, for nothing was seen to fail; what was then is not made up."""
    told = [e for e in early.events if "2026-11-27 13:00:30" < e["ts_et"] < "2026-11-27 13:02"]

    assert [("mission_control.stalled", "P2")] == [(e["type"], e["severity"]) for e in told]
    assert "nothing was decided from 13:0" in told[0]["message"]
    assert 6 < told[0]["data"]["seconds"] < 10
    assert (404, "history_gap") == (
        early.answers["then stalled"]["http"],
        early.answers["then stalled"]["code"],
    )


def test_marketdata_pays_for_its_feed_and_the_strategy_for_none_of_it(early: Lived) -> None:
    """What the strategy lost to the feed is told apart; gamma pays for its own second."""
    told = {s["agent_name"]: s for s in early.answers["slo"]["services"]}
    feed, strategy, gamma = (
        told[name] for name in ("marketdata-mcp-server", "strategy-engine", "gamma-strategy")
    )

    assert 300 < feed["bad_seconds"] < 400
    assert 300 < strategy["dependency_seconds"] <= feed["bad_seconds"]
    assert strategy["attained"] == 100.0 > feed["attained"]
    assert "not_yet" == feed["verdict"]
    assert 0 < gamma["bad_seconds"] < 5
    assert 0 == gamma["dependency_seconds"]


def test_the_day_pages_once_for_each_trouble(early: Lived) -> None:
    """R11.5, R11.11: and the recorded day, decided again, gives the same pages."""
    began, until = (instant_of(EARLY, time.fromisoformat(c)) for c in ("08:20", "14:15"))
    told = [t for t in early.alerts if began <= t.at < until]
    engine = open_engine(early.root, None)
    past = AlertHistory(
        "trading-floor",
        HistoryReader(engine),
        ArtifactReader(early.root, lambda: until),
        MarketCalendar(),
    )
    again = asyncio.run(past.replay(load_alert_rules(None, None), began, until))
    engine.dispose()
    compared = compare_pages(told, again.transitions)

    assert [("P1", "MARKETDATA_STALE", "marketdata-mcp-server")] == [
        (t.severity.value, t.code, t.subject) for t in pages_of(told)
    ]
    assert {Found.BOTH} == {p.found for p in compared}
