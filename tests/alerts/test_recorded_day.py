"""
A recorded trading day: which pages go out, and why the rest does not.

`tests/golden/alert_day.txt` is for people to read. `python -m tests.alerts.test_recorded_day`
writes it; a change in it is a change of who is woken.
"""

from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from mission_control.alerts.model import AlertState
from mission_control.model.finding import Severity
from mission_control.model.reading import UnseenReason
from mission_control.readiness.model import ReadinessVerdict
from mission_control.schedule.model import Job, RunOutcome
from tests.alerts.recorded_day import LivedDay, at, pages_text, stale_feed
from tests.floor.floor_of_values import STRATEGY, changed, rich, unseen

MINUTE = timedelta(minutes=1)
GOLDEN = Path(__file__).parents[1] / "golden" / "alert_day.txt"
FRIDAY, SATURDAY, MONDAY = date(2026, 11, 27), date(2026, 11, 28), date(2026, 11, 30)
HEAD = """\
From Friday 2026-11-27, the early close after Thanksgiving, to Monday's open; New York's time.
PAGE wakes a person, TELL is for the same day, OVER is a resolve; - goes nowhere, with its reason.

"""


def silent(day: LivedDay) -> None:
    """Let the critical ingest answer nothing, after it was asked about again."""
    day.floor.answers["market-ingest"]["/ops/status"] = unseen(UnseenReason.TIMEOUT, day.now)


def silent_at_first(day: LivedDay) -> None:
    """Let it answer nothing, and not be asked about again yet."""
    first = replace(unseen(UnseenReason.TIMEOUT, day.now), confirmed=False)
    day.floor.answers["market-ingest"]["/ops/status"] = first


def may_execute(day: LivedDay) -> None:
    """Let the strategy engine say that orders may be executed."""
    document = changed(rich(STRATEGY, day.now), "safety.safe_to_execute_orders", value=True)
    day.floor.answer(STRATEGY, "/ops/status", document)


def live_the_morning(day: LivedDay) -> None:
    """Say NO-GO at open - 60 min and GO at open - 15 min, while the floor is calm."""
    day.until(at(FRIDAY, "08:30:20"), 300)
    day.run(Job.PRE_MARKET, RunOutcome.SUCCEEDED, ReadinessVerdict.NO_GO)
    day.step()
    day.until(at(FRIDAY, "09:15:20"))
    day.run(Job.PRE_OPEN, RunOutcome.SUCCEEDED, ReadinessVerdict.GO)
    day.step()
    day.until(at(FRIDAY, "09:35:20"))
    day.run(Job.OPEN_VERIFICATION, RunOutcome.SUCCEEDED, ReadinessVerdict.GO)
    day.step()


def live_the_session(day: LivedDay) -> None:
    """Stop the feed for 7 min, let ingest blip and be silent, and miss a sample."""
    day.until(at(FRIDAY, "10:14:00"))
    day.last_tick = day.now
    day.hurts.append(stale_feed)
    day.until(at(FRIDAY, "10:21:00"), 1)
    day.hurts.clear()
    day.until(at(FRIDAY, "10:24:00"), 1)
    day.until(at(FRIDAY, "10:45:00"))
    day.hurts.append(silent_at_first)
    day.step()
    day.hurts.clear()
    day.until(at(FRIDAY, "10:50:00"), 1)
    day.until(at(FRIDAY, "11:00:00"))
    for _ in range(2):  # silent for a minute, well for half a one, and silent again
        day.hurts.append(silent)
        day.until(day.now.replace(microsecond=0) + MINUTE, 1)
        day.hurts.clear()
        day.until(day.now + MINUTE / 2, 1)
    day.until(at(FRIDAY, "11:30:10"), 5)
    day.run(Job.INTRADAY_SAMPLE, RunOutcome.MISSED)
    day.step()
    day.until(at(FRIDAY, "11:45:10"))
    day.run(Job.INTRADAY_SAMPLE, RunOutcome.SUCCEEDED)
    day.step()


def live_the_evening(day: LivedDay) -> None:
    """Close early with a feed that stops, miss the capture of the evening, and keep no LKG."""
    day.until(at(FRIDAY, "13:00:00"))
    day.last_tick = day.now
    day.hurts.append(stale_feed)
    day.until(at(FRIDAY, "14:00:10"), 5)
    day.run(Job.POST_MARKET, RunOutcome.MISSED)
    day.step()
    day.run(Job.LKG_CAPTURE, RunOutcome.FAILED)
    day.step()
    day.until(at(SATURDAY, "03:12:00"), 300)


def live_the_weekend(day: LivedDay) -> None:
    """Show evidence of execution at night, which its source denies from then on."""
    day.hurts.append(may_execute)
    day.step()
    day.hurts.remove(may_execute)
    day.floor.connects = True
    day.until(at(SATURDAY, "03:30:00"), 30)
    day.until(at(MONDAY, "08:29:00"), 900)


def live_monday(day: LivedDay) -> None:
    """Begin with the feed that is still stale; it ticks again before the open."""
    day.until(at(MONDAY, "08:30:20"), 1)
    day.run(Job.PRE_MARKET, RunOutcome.SUCCEEDED, ReadinessVerdict.NO_GO)
    day.step()
    day.until(at(MONDAY, "08:44:00"), 5)
    day.hurts.clear()
    day.until(at(MONDAY, "09:15:20"), 5)
    day.run(Job.PRE_OPEN, RunOutcome.SUCCEEDED, ReadinessVerdict.GO)
    day.step()
    day.until(at(MONDAY, "09:32:00"), 5)


@cache
def lived() -> LivedDay:
    """Live from Friday's first minutes to Monday's open."""
    day = LivedDay(at(FRIDAY, "00:05:00"), channels=("pager",))
    live_the_morning(day)
    live_the_session(day)
    live_the_evening(day)
    live_the_weekend(day)
    live_monday(day)
    return day


def told() -> str:
    """Return the day as it is written down."""
    return HEAD + pages_text(lived().transitions)


def test_the_recorded_day_pages_as_the_playbook_wants():
    """R11.5: every page, every resolve and every non-page is as it was read by a person."""
    assert GOLDEN.read_text() == told()


def test_every_page_of_the_day_is_over_at_its_end():
    """Nothing is left that a channel was told and never told the end of."""
    day = lived()
    pages = {t.fingerprint for t in day.transitions if t.pages}

    assert [] == [a for a in day.alerts() if a.state is AlertState.FIRING]
    assert pages <= day.taken["pager"].keys()
    assert {AlertState.RESOLVED} == {day.taken["pager"][f] for f in pages}


def test_what_pages_at_night_is_p0():
    """R11.1: from the close to the next open - 60 min nothing but a P0 wakes anyone."""
    night = (at(FRIDAY, "13:00:00"), at(MONDAY, "08:30:00"))
    woken = [t for t in lived().transitions if t.pages and night[0] < t.at < night[1]]

    assert {Severity.P0, Severity.P2} == {t.severity for t in woken}
    assert ["EXECUTION_EVIDENCE"] == [t.code for t in woken if t.severity is Severity.P0]


if __name__ == "__main__":
    GOLDEN.write_text(told())
