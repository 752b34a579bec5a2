"""Alerts of the recorded past: decided again, they are those that were decided."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from click.testing import CliRunner

from mission_control.alerts.decide.compare import Found, Page, compare_pages, pages_of
from mission_control.alerts.decide.replay import (
    decides_since,
    is_starting,
    join_books,
    next_instant,
)
from mission_control.alerts.model import (
    AlertBook,
    AlertEvidence,
    AlertRules,
    AlertState,
    AlertTransition,
    Waiver,
)
from mission_control.alerts.past import AlertHistory, PastRuns
from mission_control.cli.alerts import alerts
from mission_control.cli.context import CliContext
from mission_control.errors import ConfigurationError
from mission_control.history.database import open_engine
from mission_control.history.reader import HistoryReader
from mission_control.model.finding import Severity
from mission_control.readiness.model import ReadinessVerdict, RecordedVerdict
from mission_control.records.artifact_reader import ArtifactReader
from mission_control.schedule.model import (
    Job,
    PlannedRun,
    RecordedRun,
    RunOutcome,
    RunStage,
)
from tests.alerts.hurts import silence
from tests.alerts.recorded_day import CALENDAR, FLOOR, RULES, LivedDay, at, stale_feed
from tests.alerts.watched_day import watched
from tests.floor.cluster_of_values import ClusterFloor
from tests.floor.floor_of_values import GAMMA, INGEST, FloorOfValues
from tests.history.test_alert_rows import alert

DAY = date(2026, 11, 18)
BEGIN = at(DAY, "09:50:00")
SECOND = timedelta(seconds=1)
OVERRIDE = """\
rules:
- rule: service_unexpected
  for: 5m
- rule: marketdata_stale
  for: 4m
"""


def live(day):
    """Be silent for ten seconds at 10:00, and stop the feed at 10:05 for six minutes."""
    day.until(at(DAY, "10:00:00"), 5)
    day.hurts.append(silence(INGEST))
    day.until(at(DAY, "10:00:10"), 1)
    day.hurts.clear()
    day.until(at(DAY, "10:05:00"), 5)
    day.last_tick = day.now
    day.hurts.append(stale_feed)
    day.until(at(DAY, "10:11:00"), 1)
    day.hurts.clear()
    day.until(at(DAY, "10:15:00"), 5)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Return a root with the history of that day."""
    return tmp_path_factory.mktemp("past")


@pytest.fixture(scope="module")
def lived(root):
    """Return the day as it was lived."""
    return watched(root, BEGIN, live)


def replayed(root, rules, since=BEGIN, until=None):
    """Decide the recorded alerts again."""
    engine = open_engine(root, None)
    artifacts = ArtifactReader(root, lambda: BEGIN)
    past = AlertHistory(FLOOR, HistoryReader(engine), artifacts, CALENDAR)
    made = asyncio.run(past.replay(rules, since, until or at(DAY, "10:16:00")))
    engine.dispose()
    return made


def told(transitions):
    """Return what changed and why, and when to within a second."""
    return [
        (t.rule, t.subject, t.from_state, t.to_state, t.pages, t.reason)
        for t in sorted(transitions, key=lambda t: (t.rule, t.subject, t.at))
    ]


def test_the_recorded_past_gives_the_same_alerts(root, lived):
    """R11.11: every change, every page and every reason, at the same time."""
    again = replayed(root, RULES)
    times = zip(
        sorted(t.at for t in lived.transitions),
        sorted(t.at for t in again.transitions),
        strict=True,
    )

    assert told(lived.transitions) == told(again.transitions)
    assert [] == [pair for pair in times if abs(pair[0] - pair[1]) > 5 * SECOND]
    assert {"market-ingest", "marketdata-mcp-server"} == {
        t.subject for t in lived.transitions if t.pages
    }


def test_a_replay_of_a_part_knows_what_went_on_before(root, lived):
    """Begun while the feed is stale, it does not page again."""
    later = replayed(root, RULES, at(DAY, "10:08:00"))

    assert [] == [t for t in later.transitions if t.pages]
    assert lived.transitions[-1].reason == later.transitions[-1].reason


def ask(root, *arguments, now="10:16:00", **variables):
    """Run `mission-control alerts ...` on the root, at a time of the day."""
    fleet = root / "fleet.yaml"
    fleet.write_text(
        "agents:\n- {agent_name: a, service_dns: 'http://127.0.0.1:1', kind: marketdata}\n"
    )
    environ = {
        "MISSION_CONTROL_FLEET_FILE": str(fleet),
        "MISSION_CONTROL_ROOT": str(root),
        **variables,
    }
    clock = lambda: at(DAY, now)  # noqa: E731

    context = CliContext(clock, json=False, quiet=False, environ=environ)
    return CliRunner().invoke(alerts, [str(a) for a in arguments], obj=context)


def test_explain_says_what_paged_and_why_the_rest_did_not(root, lived):
    """R11.10: as it was recorded then."""
    assert lived.transitions
    result = ask(root, "explain", "--at", "2026-11-18T10:10")

    assert 0 == result.exit_code, result.output
    assert "Alerts as of 2026-11-18 10:10:00 EST, as recorded then." in result.output
    assert "P1 MARKETDATA_STALE marketdata-mcp-server (marketdata_stale)" in result.output
    assert "suppressed by marketdata-mcp-server (MARKETDATA_STALE)" in result.output
    assert "NOT_OBSERVED pipeline_delayed: neither NATS" in result.output


def test_explain_in_json_has_every_reason(root, lived):
    """R11.12: and what no rule here observes."""
    assert lived.transitions
    document = json.loads(ask(root, "explain", "--at", "2026-11-18T10:10", "--json").output)

    assert document["recorded"]
    assert [True, False, False, False] == [a["pages"] for a in document["alerts"]]
    assert ["pipeline_delayed"] == [r["rule"] for r in document["not_observed"]]


def test_explain_decides_again_what_was_recorded_without_alerts(tmp_path):
    """A history of before alerts were kept answers too, and says so."""

    def forget(day):
        live_short(day)
        day.transitions.clear()

    watched(tmp_path, BEGIN, forget)
    result = ask(tmp_path, "explain", "--at", "2026-11-18T09:55:30")

    assert "decided again by the rules of now" in result.output
    assert "Pages:" in result.output
    assert "Does not fire yet: none." in result.output


def live_short(day):
    """Be silent at 09:55."""
    day.until(at(DAY, "09:55:00"), 5)
    day.hurts.append(silence(INGEST))
    day.until(at(DAY, "09:56:00"), 5)


def test_without_a_history_there_is_nothing_to_explain(tmp_path):
    """It says so, and exits with 5."""
    tried = ask(tmp_path, "test", __file__, "--from", "2026-11-18T09:50")
    (tmp_path / "rules.yaml").write_text("rules: []\n")

    assert 5 == ask(tmp_path, "explain").exit_code
    assert isinstance(tried.exception, ConfigurationError)
    assert (
        5 == ask(tmp_path, "test", tmp_path / "rules.yaml", "--from", "2026-11-18T09:50").exit_code
    )


def test_new_rules_are_tried_on_the_recorded_past(root, lived):
    """R11.11: which pages would go out, which went out, and which would not have."""
    assert lived.transitions
    (root / "rules.yaml").write_text(OVERRIDE)
    result = ask(root, "test", root / "rules.yaml", "--from", "2026-11-18T09:50")

    assert 0 == result.exit_code, result.output
    assert (
        "1 pages would have gone out: 0 of them did, 1 are new; 2 would not have." in result.output
    )
    assert "+ 2026-11-18 10:09:0" in result.output
    assert "- 2026-11-18 10:00:01 EST  P1 TIMEOUT market-ingest" in result.output
    assert "3 fired and paged for nothing:" in result.output


def test_the_shipped_rules_give_what_was_recorded(root, lived):
    """R11.11: in JSON, each page is found in both."""
    assert lived.transitions
    (root / "same.yaml").write_text("rules: []\n")
    document = json.loads(
        ask(root, "test", root / "same.yaml", "--from", "2026-11-18T09:50", "--json").output
    )

    assert ["both", "both"] == [p["found"] for p in document["pages"]]


def test_a_stretch_that_is_no_stretch_is_refused(root, lived):
    """Wrong usage exits with 2."""
    assert lived.transitions
    (root / "same.yaml").write_text("rules: []\n")

    assert 2 == ask(root, "test", root / "same.yaml", "--from", "2026-11-18T12:00").exit_code


def test_pages_of_the_same_thing_within_a_while_are_the_same_page():
    """Whichever rule had them."""
    one = AlertTransition(
        BEGIN,
        "f1",
        "a",
        "TIMEOUT",
        "x",
        Severity.P1,
        None,
        AlertState.FIRING,
        pages=True,
        reason="",
    )
    resolved = replace(one, at=BEGIN + SECOND, to_state=AlertState.RESOLVED, pages=False)
    late = replace(one, at=BEGIN + 100 * SECOND, rule="b", fingerprint="f2")
    soon = replace(late, at=BEGIN + 80 * SECOND)

    assert (one, late) == pages_of([one, one, resolved, late])
    assert [Found.BOTH] == [p.found for p in compare_pages([one], [soon])]
    assert [Found.ONLY_RECORDED, Found.ONLY_REPLAYED] == [
        p.found for p in compare_pages([one], [late])
    ]
    assert (
        Page(BEGIN, Severity.P1, "TIMEOUT", "x", "a", Found.ONLY_RECORDED)
        == compare_pages([one], [])[0]
    )


def test_past_runs_stand_as_they_did():
    """One that went on then had not ended, and what was recorded later was not known."""
    planned = PlannedRun(BEGIN, Job.PRE_OPEN, DAY, BEGIN + 60 * SECOND)
    recorded = RecordedRun("p", BEGIN, BEGIN + 90 * SECOND, 0, 1)
    verdict = RecordedVerdict(BEGIN + 90 * SECOND, str(DAY), ReadinessVerdict.NO_GO, "X", "")
    runs = PastRuns((planned,), {planned.key: [recorded]}, (verdict,))
    before, during, after = (runs.at(BEGIN + n * SECOND) for n in (-1, 70, 91))
    told_then = runs.verdict_at(BEGIN + 91 * SECOND, after)

    assert [RunStage.PLANNED] == [s.stage for s in before]
    assert () == during
    assert [RunOutcome.LATE] == [s.outcome for s in after]
    assert None is runs.verdict_at(BEGIN, before)
    assert told_then is not None
    assert (Job.PRE_OPEN, True) == (told_then.job, told_then.refuses)
    assert [RunOutcome.MISSED] == [s.outcome for s in PastRuns((planned,)).at(BEGIN + 61 * SECOND)]


def test_alerts_from_before_a_start_are_joined():
    """R11.11: the page that went out stays as it was; what is new is added; nothing is lost."""
    fired = alert("a")
    again = replace(fired, fired_at=fired.since, detail="newer")
    pending = replace(alert("b"), state=AlertState.PENDING)
    stored = AlertBook(BEGIN, (fired, alert("b"), alert("c")))
    joined = join_books(stored, AlertBook(BEGIN + SECOND, (again, pending, alert("d"))))
    by_subject = {a.subject: a for a in joined.alerts}

    assert BEGIN + SECOND == joined.at
    assert {"a", "b", "c", "d"} == by_subject.keys()
    assert (fired, pending) == (by_subject["a"], by_subject["b"])


def test_a_start_lasts_until_everything_was_asked():
    """R11.3: and never longer than 45 s; what was asked before it counts for nothing."""
    floor = FloorOfValues()
    asked = floor.decide()
    floor.answers.pop(GAMMA.agent_name)
    unasked = floor.decide()
    unheard = replace(unasked, services=(), kill_switch=replace(unasked.kill_switch, sources=()))

    assert not is_starting(asked, asked.at)
    assert is_starting(replace(asked, at=asked.at + 2 * SECOND), asked.at + SECOND)
    assert is_starting(unasked, unasked.at)
    assert not is_starting(unasked, unasked.at - 45 * SECOND)
    assert is_starting(unheard, unasked.at)


def test_a_cluster_is_asked_at_a_start_too():
    """R11.3: its lists are there a little later than the first decision."""
    floor = ClusterFloor()
    read = floor.decide()

    assert not is_starting(read, read.at)
    assert is_starting(replace(read, cluster=None), read.at)


def test_a_process_starts_again_after_a_long_stall():
    """R11.3: but one that stalls all the time does not start all the time."""
    later = BEGIN + 100 * SECOND

    assert BEGIN == decides_since(None, None, BEGIN)
    assert BEGIN == decides_since(BEGIN, later, later + 19 * SECOND)
    assert later + 20 * SECOND == decides_since(BEGIN, later, later + 20 * SECOND)
    assert BEGIN == decides_since(BEGIN, BEGIN + 44 * SECOND, later)


def test_the_next_instant_is_when_time_alone_changes_an_alert():
    """A wait, a hold, a turn of the session, the end of a run's deadline, of a waiver, of a day."""
    day = LivedDay(at(DAY, "10:00:00"))
    day.hurts.append(silence(INGEST, confirmed=False))
    day.step()
    snapshot = day.snapshot()
    seen = AlertEvidence(FLOOR, snapshot)
    held = replace(alert("x"), rule="run_lost", ending_since=day.now)
    changed = replace(alert("y"), rule="session_changed", code="SESSION_CHANGED")
    waiting = replace(alert("z"), rule="marketdata_stale", state=AlertState.PENDING, since=day.now)
    over = replace(alert("r"), state=AlertState.RESOLVED)
    gone = replace(alert("g"), rule="no_such_rule")
    waiver = Waiver("A", "b", day.now + 5 * SECOND, "me", "why")
    ended = replace(waiver, until=day.now - SECOND)
    day.run(Job.PRE_OPEN, RunOutcome.FAILED)
    late = replace(day.runs[0], run=replace(day.runs[0].run, deadline=day.now + 3 * SECOND))

    def following(*alerts, rules=RULES, seen=seen):
        found = next_instant(rules, AlertBook(day.now, alerts), seen, day.now)
        return (found - day.now).total_seconds()

    boundary = (at(DAY, "16:00:00") - day.now).total_seconds()
    unsure = replace(waiting, since=day.now - 121 * SECOND)
    assert boundary == following() == following(over, gone) == following(unsure)
    assert 1.0 == following(unsure, seen=replace(seen, starting=True))
    assert 60.0 == following(held)
    assert 120.0 == following(waiting)
    assert 0.5 == following(changed)
    assert 5.0 == following(rules=AlertRules(RULES.rules, (waiver, ended)))
    assert boundary == following(rules=AlertRules(RULES.rules, (ended,)))
    assert 3.0 == following(seen=replace(seen, runs=(late,)))


def test_without_a_session_only_midnight_is_certain():
    """Where the calendar cannot tell, no boundary is known."""
    floor = FloorOfValues()
    floor.session_at = lambda now: replace(
        CALENDAR.session_at(now), next_boundary=None, open=None, next_open=None
    )
    now = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)
    seen = AlertEvidence(FLOOR, floor.decide(now))

    assert at(date(2026, 11, 19), "00:00:00") == next_instant(RULES, AlertBook(now), seen, now)
