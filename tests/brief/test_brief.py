"""The brief: at most 45 lines whatever there is to say, each with its evidence."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mission_control.brief.decide import write_brief
from mission_control.brief.model import (
    MOST_LINES,
    Deploys,
    Expiry,
    Gathered,
    Good,
    Known,
    NotRead,
    ReadinessNote,
    Told,
    Tone,
)
from mission_control.brief.present import brief_document, brief_lines, brief_markdown
from mission_control.model.event import EventType, FloorEvent
from mission_control.model.finding import Reason, Severity
from mission_control.model.fleet import Fleet, Owner
from mission_control.model.reading import UnseenReason
from mission_control.model.session import Holiday, MarketSession, Phase, TradingDay
from mission_control.schedule.model import Job, PlannedRun, RunOutcome, RunStage, RunState
from tests.floor.floor_of_values import (
    CLOSE_AT,
    FLEET,
    MARKETDATA,
    NOW,
    OPEN_AT,
    STRATEGY,
    FloorOfValues,
    session_unknown,
)

CLOSED = datetime(2026, 11, 17, 21, 0, tzinfo=UTC)
TODAY = date(2026, 11, 18)
READ = {
    "changes": Known(()),
    "deploys": Known(Deploys("2026-11-16", "2026-11-17", ())),
    "good": Known(Good("ops/lkg/x", "2026-11-17")),
    "alerts": Known(()),
    "paged": Known(()),
    "readiness": Known(ReadinessNote("GO", "", "")),
    "runs": Known(()),
    "expiring": Known(()),
}


def gathered(floor=None, **changes):
    """Return what a brief is written from: a calm floor of which everything was read."""
    snapshot = (floor or FloorOfValues()).decide()
    made = Gathered(
        now=NOW + timedelta(seconds=2),
        snapshot=snapshot,
        reads=snapshot.posture.verdict.value,
        required=7,
        missing=0,
        since=CLOSED,
        watched_since=CLOSED,
        **READ,
    )
    return replace(made, **changes)


def texts(brief, section=""):
    """Return the texts of a section, or of all."""
    return [line.text for line in brief.lines if section in {"", line.section}]


def tones(brief, section):
    """Return the tones of a section."""
    return [line.tone for line in brief.lines if line.section == section]


def silent():
    """Return a floor on which a service of an owner is silent."""
    owned = replace(STRATEGY, owner=Owner("Strategy Owner", "Ops On-Call"))
    agents = tuple(owned if a is STRATEGY else a for a in FLEET.agents)
    floor = FloorOfValues(fleet=Fleet(agents, "0" * 64, "x"))
    floor.lose(owned, "/ops/status", UnseenReason.TIMEOUT)
    return floor


def turned(seconds, before, after, identity=1):
    """Return a change of the posture, so many seconds before now."""
    data: dict[str, object] = {"before": before, "after": after}
    at = NOW - timedelta(seconds=seconds)
    message = f"posture {before} -> {after}"
    return FloorEvent(identity, at, EventType.POSTURE_CHANGED, message, data=data)


def ran(hour, minute, job, outcome, **changes):
    """Return a run of today with what became of it."""
    at = datetime(2026, 11, 18, hour, minute, tzinfo=UTC)
    planned = PlannedRun(at, job, TODAY, at + timedelta(minutes=10))
    stage = RunStage.PLANNED if outcome is None else RunStage.ENDED
    return replace(RunState(planned, stage, outcome), **changes)


def test_a_calm_morning_is_short_and_calm():
    """R15.21: Everything read and well: no line is bad, and each names its evidence."""
    brief = write_brief(gathered())

    assert {Tone.CALM} == {line.tone for line in brief.lines}
    assert len(brief.lines) < 20
    assert (
        "OK, as expected, for 0 s (since 10:15:00 EST): no reason against it"
        == (texts(brief, "Now")[0])
    )
    assert all(x.page.startswith("/") and x.api.startswith("/api/v1/") for x in brief.lines)


def test_a_halt_says_why_since_when_who_owns_it_and_what_to_do():
    """R15.21: The first lines answer the operator's first questions."""
    brief = write_brief(gathered(silent(), first_step="Call the owner.", missing=1))
    told = texts(brief, "Now")

    assert told[0].startswith("HALTED, P1, unexpected, for 0 s (since 10:15:00 EST): TIMEOUT")
    assert "Owner: Strategy Owner, then Ops On-Call (strategy-engine)" == told[1]
    assert "Do first: Call the owner. (runbook TIMEOUT)" == told[2]
    assert told[3].startswith("Evidence: 6 of 7 required pieces are seen; the oldest is")
    assert told[4].startswith("Live: decided 2 s before this was written, 10:15:02 EST")
    assert told[6].startswith("Nothing can be changed from here")
    assert [Tone.BAD, Tone.WARN, Tone.WARN] == tones(brief, "Now")[:3]


def test_without_an_owner_it_says_so():
    """A service without an owner, and a first step that no runbook names, are told."""
    floor = FloorOfValues()
    floor.lose(STRATEGY, "/ops/status", UnseenReason.TIMEOUT)
    told = texts(write_brief(gathered(floor)), "Now")

    assert "Owner: the inventory names none (strategy-engine)" == told[1]
    assert "Do first: its runbook names no first step (runbook TIMEOUT)" == told[2]


def test_a_single_owner_has_no_second():
    """One owner is named alone, and a subject that is no service has none."""
    owned = replace(STRATEGY, owner=Owner("Strategy Owner"))
    floor = FloorOfValues(fleet=Fleet((MARKETDATA, owned), "0" * 64, "x"))
    floor.lose(owned, "/ops/status", UnseenReason.TIMEOUT)
    switch = FloorOfValues(switch="garbage")
    told = [texts(write_brief(gathered(f)), "Now") for f in (floor, switch)]

    assert "Owner: Strategy Owner (strategy-engine)" == told[0][1]
    assert "Owner: kill-switch is no service of the inventory" in told[1][1]


def test_an_old_decision_is_not_live_and_execution_is_bad():
    """A decision of half a minute ago, or one ahead of us, is never called live."""
    late = write_brief(gathered(now=NOW + timedelta(seconds=30)))
    ahead = write_brief(gathered(now=NOW - timedelta(seconds=30)))
    off = write_brief(gathered(FloorOfValues(switch="0")))

    assert [1, 1] == [sum("NOT LIVE" in t for t in texts(b, "Now")) for b in (late, ahead)]
    line = next(x for x in off.lines if x.text.startswith("Kill switch"))
    assert (Tone.BAD, True) == (line.tone, "EXECUTION or a bypass was seen" in line.text)


@pytest.mark.parametrize("part", sorted(READ))
def test_what_was_not_read_is_a_line_that_says_so(part):
    """R15.22: No part that fails to be read looks like one with nothing in it."""
    brief = write_brief(gathered(**{part: NotRead("the disk is gone")}))
    found = [line for line in brief.lines if "the disk is gone" in line.text]

    assert [Tone.UNKNOWN] == [line.tone for line in found]


def test_what_is_not_watched_for_expiry_is_said():
    """R15.22: What may expire and is not read is named; and how long was watched, if not known."""
    brief = write_brief(gathered(not_watched=("certificates",), watched_since=None))

    assert "Not read, and may expire: certificates" == texts(brief, "Expires")[-1]
    assert [Tone.UNKNOWN] == [x.tone for x in brief.lines if "is not known here" in x.text]


def test_the_night_is_told_with_its_halts_and_the_posture_of_each_time():
    """What the floor was at any time of today is one line; each change leads to its instant."""
    changes = (
        turned(60_000, "OK", "MARKET_CLOSED", 1),
        turned(2_700, "MARKET_CLOSED", "OK", 2),
        turned(600, "OK", "HALTED", 3),
        turned(540, "HALTED", "HALTED", 4),
        turned(300, "HALTED", "OK", 5),
    )
    brief = write_brief(gathered(changes=Known(changes)))
    told = texts(brief, "Overnight")

    assert (
        "Since the close of Tue 17 Nov 16:00 EST: 5 changes of the posture, HALTED 1 time,"
        " for 5 min in all"
    ) == told[0]
    assert "Watched without a break since Tue 17 Nov 16:00 EST" == told[1]
    assert (
        "The posture today, New York: MARKET CLOSED from 00:00, OK from 09:30:00, HALTED from"
        " 10:05:00, HALTED from 10:06:00, OK from 10:10:00"
    ) == told[2]
    assert "10:10:00 EST posture HALTED -> OK" == told[3]
    line = next(x for x in brief.lines if x.text == told[3])
    assert "/?at=2026-11-18T15%3A10%3A00%2B00%3A00" == line.page


OPENED = turned(600, "HALTED", "OK")


@pytest.mark.parametrize(
    ("changes", "watched", "halted", "today"),
    [
        pytest.param(
            (OPENED,),
            OPENED.at - timedelta(seconds=10),
            "HALTED 1 time, for at most, as far as it was watched, 10 s in all",
            "before 10:04:50 not watched, HALTED from then on, OK from 10:05:00",
            id="the first change after the start of the watch",
        ),
        pytest.param(
            (OPENED,), NOW, "1 change of the posture", "HALTED until 10:05:00, OK from 10:05:00",
            id="a break after the change",
        ),
        pytest.param(
            (OPENED,), None, "1 change of the posture", "HALTED until 10:05:00, OK from 10:05:00",
            id="not known how long",
        ),
        pytest.param(
            (), NOW, "0 changes of the posture", "before 10:15:00 not watched, OK from then on",
            id="no change since the start",
        ),
    ],
)  # fmt: skip
def test_what_was_not_watched_is_neither_halted_nor_well(changes, watched, halted, today):
    """R15.22: A state just before a change is not that of the hours in which no look was taken."""
    brief = write_brief(gathered(changes=Known(changes), watched_since=watched))
    told = texts(brief, "Overnight")

    assert told[0].endswith(halted)
    assert f"The posture today, New York: {today}" == told[2]
    assert told[1].endswith("is not known") or watched is None


def test_more_changes_than_are_told_are_counted():
    """R15.21: A floor that flaps gives a count, and where the rest is listed."""
    changes = tuple(
        turned(900 - n, *(("OK", "HALTED") if n % 2 else ("HALTED", "OK")), n) for n in range(100)
    )
    brief = write_brief(gathered(changes=Known(changes), more_changes=True))
    told = texts(brief, "Overnight")

    assert 7 == len(told)
    assert "more than 100 changes of the posture" in told[0]
    assert "94 changes not shown" in told[2]
    assert "and 97 more, see /events" == told[-1]


def test_a_floor_that_never_changed_is_as_it_is():
    """Without a change the posture of today is that of now, halted for as long as it is."""
    brief = write_brief(gathered(silent()))
    told = texts(brief, "Overnight")

    assert "0 changes of the posture, HALTED 1 time, for 0 s in all" in told[0]
    assert "The posture today, New York: HALTED from 10:15:00" == told[2]


def test_what_changed_and_the_last_known_good_may_be_doubted():
    """Changes of a deploy, gaps of the comparison and doubts of a capture are all told."""
    deploys = Known(Deploys("a", "b", tuple(f"x image: {n} -> y" for n in range(9)), ("no pods",)))
    good = Known(Good("lkg/x", "2026-11-17", ("a newer one is damaged",)))
    brief = write_brief(gathered(deploys=deploys, good=good))
    told = texts(brief, "Changed")

    assert "Deploys: 9 changes from a to b; may not be all: no pods" == told[0]
    assert "Last known good: 2026-11-17 (lkg/x); doubted: a newer one is damaged" == told[1]
    assert "and 7 more, see /deploys/diff" == told[-1]
    assert {Tone.WARN} == set(tones(brief, "Changed"))


def told_alert(subject="a", severity=Severity.P1, *, pages=True, why=""):
    """Return an alert."""
    return Told(NOW, severity, "TIMEOUT", subject, pages, why)


def test_what_stands_leads_with_the_worst():
    """Services, latched alarms (Sev-0 first) and alerts, those that page first."""
    floor = FloorOfValues()
    floor.say(STRATEGY, "safety.safe_to_execute_orders", value=True)
    alerts = (
        told_alert("b", pages=False, why="waived"),
        told_alert("c", pages=False),
        told_alert("a"),
        told_alert("d", Severity.P2),
    )
    brief = write_brief(gathered(floor, alerts=Known(alerts)))
    told = texts(brief, "Stands")

    assert "1 of 4 services are not as expected: strategy-engine" == told[0]
    assert told[1].startswith("Latched alarm EXECUTION_EVIDENCE strategy-engine /ops/status")
    assert "Open alert P1 TIMEOUT a, 10:15:00 EST, pages" == told[2]
    assert [Tone.WARN, Tone.BAD, Tone.BAD, Tone.WARN] == tones(brief, "Stands")[:4]
    assert "does not page: waived" in told[4]
    assert "does not page: it is pending" in told[5]


def test_latched_alarms_below_sev0_only_warn():
    """Stale marketdata is latched, and no Sev-0."""
    floor = FloorOfValues()
    floor.answer(FLEET.agents[2], "/healthz", {"service": "x", "ok": False}, 503)
    brief = write_brief(gathered(floor))
    alarms = [x for x in brief.lines if x.text.startswith("Latched alarm")]

    assert alarms
    assert {Tone.WARN} == {x.tone for x in alarms}


def test_what_paged_and_what_would_have():
    """Pages come first, each with its time; what did not page says why."""
    paged = (told_alert("b", pages=False, why="suppressed by a"), told_alert("a"))
    brief = write_brief(gathered(paged=Known(paged)))

    assert [
        "Since Tue 17 Nov 16:00 EST: 1 page, and 1 that would have",
        "10:15:00 EST P1 TIMEOUT a paged",
        "10:15:00 EST P1 TIMEOUT b did not page: suppressed by a",
    ] == texts(brief, "Paged")


def test_the_checks_of_today_say_whether_they_ran_and_what_they_said():
    """A run with its verdict, a missed one first, samples as one line, and what comes next."""
    runs = (
        ran(13, 30, Job.PRE_MARKET, RunOutcome.SUCCEEDED, path="p", finished=NOW),
        ran(14, 15, Job.PRE_OPEN, RunOutcome.MISSED, detail="it was not begun in time"),
        ran(14, 35, Job.OPEN_VERIFICATION, RunOutcome.LATE),
        ran(15, 0, Job.INTRADAY_SAMPLE, RunOutcome.SUCCEEDED),
        ran(15, 10, Job.INTRADAY_SAMPLE, RunOutcome.FAILED),
        ran(15, 30, Job.INTRADAY_SAMPLE, None),
        ran(15, 14, Job.ATTESTATION, None, stage=RunStage.RUNNING),
        ran(21, 30, Job.POST_MARKET, None),
    )
    note = ReadinessNote("NO-GO", "HALTED_NOW", "the floor is HALTED")
    brief = write_brief(gathered(runs=Known(runs), readiness=Known(note), verdicts={"p": "GO"}))
    told = texts(brief, "Today")

    assert "Readiness now: NO-GO HALTED_NOW: the floor is HALTED" == told[0]
    assert "09:15 EST pre_open_readiness: MISSED: it was not begun in time" in told
    assert told.index("09:15 EST pre_open_readiness: MISSED: it was not begun in time") == 1
    assert "and 2 more, see /schedule" == told[-1]
    wide = write_brief(gathered(runs=Known(runs[:1]), verdicts={"p": "GO"}))
    assert "08:30 EST pre_market_readiness: SUCCEEDED at 10:15:00 EST: GO" in texts(wide, "Today")
    samples = write_brief(gathered(runs=Known(runs[3:])))
    assert "Samples of the day: 2 of 3 ended, 1 not well" in texts(samples, "Today")
    assert "Next of 1 runs to come: post_market_capture at 16:30 EST" in texts(samples, "Today")


@pytest.mark.parametrize(
    ("note", "tone"),
    [
        pytest.param(ReadinessNote("GO", "", ""), Tone.CALM, id="GO"),
        pytest.param(ReadinessNote("NO-GO", "SESSION_CLOSED", ""), Tone.CALM, id="closed"),
        pytest.param(ReadinessNote("NO-GO", "", ""), Tone.BAD, id="NO-GO"),
        pytest.param(ReadinessNote("go", "", ""), Tone.BAD, id="another word"),
    ],
)
def test_only_go_and_a_closed_session_are_calm(note, tone):
    """The law: a verdict that is no GO is bad, whatever word it is."""
    assert tone is tones(write_brief(gathered(readiness=Known(note))), "Today")[0]


def session(phase=Phase.PRE_MARKET, **changes):
    """Return a session of a day."""
    made = MarketSession(NOW, phase, TODAY, OPEN_AT, CLOSE_AT, next_open=OPEN_AT, horizon_days=100)
    return replace(made, **changes)


def test_an_odd_calendar_is_told():
    """An early close today, a holiday tomorrow, another early close, clocks that change."""
    early = session(early_close=True, note="day after Thanksgiving")
    friday = TradingDay(
        date(2026, 11, 20),
        OPEN_AT + timedelta(days=2),
        CLOSE_AT + timedelta(hours=45),
        early_close=True,
    )
    far = TradingDay(date(2026, 12, 24), OPEN_AT + timedelta(days=36), CLOSE_AT, early_close=True)
    snapshot = replace(FloorOfValues().decide(), session=early)
    holidays = (
        Holiday(date(2026, 11, 19), "Thanksgiving"),
        Holiday(date(2026, 11, 17), "yesterday"),
        Holiday(date(2026, 12, 25), "Christmas"),
    )
    brief = write_brief(gathered(snapshot=snapshot, holidays=holidays, sessions=(friday, far)))

    assert [
        "PRE MARKET; today's session is 09:30 to 16:00 EST, EARLY CLOSE (day after Thanksgiving)",
        "Odd days of the week ahead: Thu 19 Nov closed (Thanksgiving); Fri 20 Nov closes 13:00 EST",
    ] == texts(brief, "Calendar")
    assert [Tone.WARN, Tone.WARN] == tones(brief, "Calendar")


def test_the_night_of_the_clocks_is_odd():
    """Clocks that change within the week are told with both zones."""
    saturday = datetime(2026, 10, 31, 16, 0, tzinfo=UTC)
    brief = write_brief(gathered(now=saturday))

    assert "Sun 01 Nov the clocks change from EDT to EST" in texts(brief, "Calendar")[1]


@pytest.mark.parametrize(
    ("day", "words", "tone"),
    [
        pytest.param(
            session(Phase.CLOSED_HOLIDAY, open=None, close=None, note="Thanksgiving"),
            "No session today: CLOSED HOLIDAY (Thanksgiving); opens 09:30:00 EST",
            Tone.CALM,
            id="holiday",
        ),
        pytest.param(
            session(Phase.CLOSED_WEEKEND, open=None, close=None, next_open=None),
            "No session today: CLOSED WEEKEND",
            Tone.CALM,
            id="weekend",
        ),
        pytest.param(
            session_unknown(NOW),
            "The session is UNKNOWN and gates as open: past the last covered day",
            Tone.BAD,
            id="unknown",
        ),
        pytest.param(
            session(early_close=True),
            "PRE MARKET; today's session is 09:30 to 16:00 EST, EARLY CLOSE",
            Tone.WARN,
            id="early close without a note",
        ),
    ],
)
def test_a_day_without_a_session_says_so(day, words, tone):
    """Each kind of day has its line; one that is not known is bad."""
    brief = write_brief(gathered(snapshot=replace(FloorOfValues().decide(), session=day)))

    assert (words, tone) == (texts(brief, "Calendar")[0], tones(brief, "Calendar")[0])


def test_what_expires_is_told_by_its_time():
    """What ended is bad, what ends within a month warns, what is far is only counted."""
    ends = [
        Expiry("far", NOW + timedelta(days=90), "/alerts", "/api/v1/alerts"),
        Expiry("soon", NOW + timedelta(days=3), "/alerts", "/api/v1/alerts"),
        Expiry("over", NOW - timedelta(days=3), "/alerts", "/api/v1/alerts"),
    ]
    brief = write_brief(gathered(expiring=Known(tuple(ends))))
    calm = write_brief(gathered(expiring=Known(tuple(ends[:1]))))
    short = replace(FloorOfValues().decide(), session=session(horizon_days=1))

    assert ["over expired Sun 15 Nov 10:15 EST", "soon expires Sat 21 Nov 10:15 EST"] == texts(
        brief, "Expires"
    )[:2]
    assert [Tone.BAD, Tone.WARN] == tones(brief, "Expires")[:2]
    assert "within 30 days (1 date known)" in texts(calm, "Expires")[0]
    told = write_brief(gathered(snapshot=short))
    assert "The market calendar is known for 1 day more" == texts(told, "Expires")[1]
    assert Tone.WARN is tones(told, "Expires")[1]


def test_a_section_that_is_cut_is_as_bad_as_what_it_leaves_out():
    """R15.21: The line that counts the rest has the tone of the worst of it."""
    snapshot = FloorOfValues().decide()
    reasons = tuple(
        Reason("TIMEOUT", f"s{n}", Severity.P2 if n < 30 else Severity.P1, "x", halts=n >= 30)
        for n in range(40)
    )
    posture = replace(snapshot.posture, reasons=reasons)
    brief = write_brief(gathered(snapshot=replace(snapshot, posture=posture)))
    last = [x for x in brief.lines if x.section == "Now"][-1]

    assert ("and 38 more, see /evidence-now", Tone.BAD) == (last.text, last.tone)


def test_a_text_is_one_line_of_limited_length():
    """What others wrote has no line breaks, no control characters, and an end."""
    deploys = Known(Deploys("a", "b", ("x\nevil\x1b[31m " + "y" * 999,)))
    line = texts(write_brief(gathered(deploys=deploys)), "Changed")[2]

    assert line.startswith("x evil [31m yyy")
    assert line.endswith(" ...")
    assert 240 == len(line)


MANY = st.integers(0, 300)


@settings(max_examples=15, deadline=None)
@given(MANY, MANY, MANY, MANY, MANY, MANY)
def test_no_floor_needs_more_than_a_page(changes, deploys, alerts, paged, runs, expiring):
    """R15.21: At most 45 lines with the title, for whatever was gathered."""
    floor = silent()
    brief = write_brief(
        gathered(
            floor,
            changes=Known(tuple(turned(n, "OK", "HALTED", n) for n in range(changes, 0, -1))),
            deploys=Known(Deploys("a", "b", ("x",) * deploys, ("gap",) * deploys)),
            alerts=Known((told_alert(),) * alerts),
            paged=Known((told_alert(),) * paged),
            runs=Known((ran(13, 30, Job.PRE_MARKET, RunOutcome.FAILED),) * runs),
            expiring=Known((Expiry("x", NOW, "/alerts", "/api/v1/alerts"),) * expiring),
            not_watched=("certificates",),
        )
    )

    assert len(brief_lines(brief_document(brief))) <= MOST_LINES
    assert len(brief_markdown(brief).splitlines()) <= MOST_LINES


def test_the_brief_is_written_for_people_and_programs():
    """Markdown and terminal have the title, a sign for what is bad, and the API's path."""
    brief = replace(write_brief(gathered(silent())), label="DEMO")
    markdown, document = brief_markdown(brief).splitlines(), brief_document(brief)
    lines = brief_lines({**document, "label": brief.label})

    assert "# Brief of 2026-11-18 10:15:02 EST (DEMO)" == markdown[0]
    assert markdown[1].startswith("- **!!** **Now** HALTED")
    assert markdown[1].endswith("`/api/v1/posture/evidence`")
    assert "Brief of 2026-11-18 10:15:02 EST (DEMO)" == lines[0]
    assert lines[1].startswith("!! Now       HALTED, P1, unexpected")
    assert {"section", "tone", "text", "page", "api"} == set(document["lines"][0])


def test_a_document_of_another_server_is_shown_as_far_as_it_is_understood():
    """A line without a known tone is marked as not known."""
    assert ["Brief of an unknown time", "?  ?         ?"] == brief_lines({"lines": [{}, 7]})
    assert (
        "# Brief of 2026-11-18 10:15:02 EST"
        == (brief_markdown(write_brief(gathered())).splitlines()[0])
    )
