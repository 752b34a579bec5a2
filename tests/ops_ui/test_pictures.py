"""Pictures as values: what is drawn where, and that nothing missing is drawn as well (R15.16)."""

import pytest

from ops_ui.answers import Agent, Attained, Opening, Schedule
from ops_ui.incidents import (
    Incidents,
    Told,
    evidence_href,
    just_after,
    see_days,
    see_incidents,
)
from ops_ui.lanes import MOST_STRETCHES, see_lanes
from ops_ui.pictures import MOST_NODES, see_burn, see_map, see_picture
from ops_ui.record_answers import Attestation, Change
from ops_ui.runbook_pages import do_now_first
from ops_ui.schedule import SessionRow, see_day
from ops_ui.schedule_page import see_weeks, session_of
from ops_ui.word_diff import Piece, compare, see_changes


def drawn(found):
    """Return what was drawn: it is there."""
    assert found is not None
    return found


def agent(name, *needs, expected: bool | None = True, state="OK", **more):
    """Return a service as the API lists it."""
    told = {"agent_name": name, "state": state, "expected": expected, "depends_on": [*needs]}
    return Agent.model_validate(told | more)


def by_name(found):
    """Return the nodes of a map by name."""
    return {n.name: n for n in (*found.nodes, *found.alone)}


def test_what_is_needed_stands_on_the_left():
    """R15.16: each stands right of all that it needs, and who has no ties stands alone."""
    found = see_map(
        [agent("c", "b"), agent("b", "a"), agent("d", "a", "b"), agent("a"), agent("z")]
    )
    nodes = by_name(found)

    assert {"a": 0, "b": 1, "c": 2, "d": 2} == {n.name: n.column for n in found.nodes}
    assert ("z",) == tuple(n.name for n in found.alone)
    assert 0 == nodes["a"].x < nodes["b"].x < nodes["c"].x == nodes["d"].x
    assert 100 == pytest.approx(nodes["c"].x + found.width, abs=0.01)
    assert len({(n.x, n.y) for n in found.nodes}) == 4 == len(found.edges)
    assert found.words == "b needs a; c needs b; d needs a, b"


def test_a_circle_of_needs_is_drawn_all_the_same():
    """Services that need each other, or themselves, are drawn once each, and nothing hangs."""
    found = see_map([agent("a", "b"), agent("b", "a"), agent("c", "c")])

    assert {"a", "b", "c"} == {n.name for n in found.nodes}
    assert 3 == len(found.edges)


@pytest.mark.parametrize(
    ("needed", "look", "glyph"),
    [
        (agent("a"), "calm", "●"),
        (agent("a", expected=False, state="HALTED"), "bad", "■"),
        (agent("a", expected=False, state="DEGRADED"), "warn", "▲"),
        (agent("a", expected=False, state="HALTED", waits_for="x"), "warn", "■"),
        (agent("a", expected=None), "warn", "●"),
        (agent("a", expected=False, state="NEW"), "bad", "?"),
        (
            agent(
                "a",
                expected=False,
                state="OFFLINE",
                kind="execution",
                reasons=[{"code": "EXECUTION_EVIDENCE", "severity": "P0"}],
            ),
            "bad",
            "■",
        ),
        (None, "unlisted", "?"),
    ],
)
def test_a_need_that_is_not_well_is_a_dashed_line(needed, look, glyph):
    """R15.16: only what is as expected is drawn calm; what is not listed is no service that is."""
    found = see_map([agent("b", "a"), *([needed] if needed else [])])

    assert (look, glyph) == (by_name(found)["a"].look, by_name(found)["a"].glyph)
    assert [look != "calm"] == [e.bad for e in found.edges]
    assert (needed is None) is (by_name(found)["a"].href == "")


def test_around_one_service_only_its_own_ties_are_drawn():
    """What it needs, and who needs it; a neighbour's other ties are left to the whole map."""
    agents = [agent("a"), agent("b", "a"), agent("c", "b"), agent("d", "a"), agent("e", "c")]

    found = see_map(agents, "b")

    assert {"a": 0, "b": 1, "c": 2} == {n.name: n.column for n in found.nodes}
    assert () == see_map([agent("a"), agent("b")], "a").nodes


def test_what_is_waited_for_and_is_no_service_is_named():
    """R15.16: nine services that wait for the cluster have one cause, which is told."""
    found = see_map(
        [
            agent("a", expected=False, waits_for="cluster"),
            agent("b", "a", expected=False, waits_for="cluster"),
            agent("c", "a", expected=False, waits_for="a"),
        ]
    )

    assert (("cluster", 2),) == found.outside
    assert "OK · waits for cluster" == by_name(found)["b"].second


def test_a_floor_that_is_too_large_has_no_map():
    """It has its table; a picture of thousands of boxes helps no one."""
    found = see_map([agent(f"s{n}") for n in range(MOST_NODES + 1)])

    assert found.too_many
    assert () == found.nodes


def run(job, planned_at, outcome="SUCCEEDED", detail=""):
    """Return a planned run as the API has it."""
    return {"job": job, "planned_at": planned_at, "outcome": outcome, "detail": detail}


def planned(*runs, on="2026-11-18", at="2026-11-18T15:15:00Z", **more):
    """Return the picture of a day, and its plan."""
    told = Schedule.model_validate(
        {"ts": at, "at_et": "", "on": on, "note": "", "runs": [*runs], "scheduler": {}} | more
    )
    day = see_day(told)
    return drawn(see_picture(day.on, day.at, session_of(told), day.rows, day.samples))


SESSION = {"open": "2026-11-18T14:30:00Z", "close": "2026-11-18T21:00:00Z"}


def test_a_day_is_drawn_with_its_session_its_runs_and_now():
    """R15.16: runs stand at their times; their labels do not lie upon each other."""
    found = planned(
        run("pre_market_readiness", "2026-11-18T13:30:00Z", detail="GO"),
        run("pre_open_readiness", "2026-11-18T14:15:00Z", "MISSED"),
        run("intraday_sample", "2026-11-18T15:00:00Z"),
        run("lkg_capture", "2026-11-18T22:00:00Z", ""),
        last_session=SESSION,
    )

    assert [
        "08:30 Pre-market readiness: GO",
        "09:15 Pre-open readiness: MISSED",
        "17:00 LKG capture: UNKNOWN",
    ] == [r.label for r in found.runs]
    assert [21.875, 26.562, 75.0] == [r.x for r in found.runs]
    assert found.runs[0].y != found.runs[1].y
    assert ["open 09:30", "close 16:00"] == [b.text for b in found.bounds]
    assert (28.125, 40.625) == (drawn(found.open).x, drawn(found.open).width)
    assert 1 == len(found.samples)
    assert 32.812 == found.now
    assert "05:00" == found.hours[0].text
    assert ("fine", "bad", "bad") == tuple(r.row.look for r in found.runs)


def test_a_day_without_a_session_or_of_another_time_is_drawn_without():
    """A holiday has no band; now is not drawn on another day; a run at night widens the picture."""
    found = planned(
        run("retention_report", "2026-11-18T07:00:00Z"),
        run("durable_copy", "no time"),
        at="2026-11-20T15:15:00Z",
    )

    assert (None, None, ()) == (found.open, found.now, found.bounds)
    assert ["02:00 Retention report"] == [r.label for r in found.runs]
    assert "01:00" == found.hours[0].text
    assert None is see_picture("someday", "", None, (), ())


def test_a_label_at_the_right_edge_is_written_to_the_left():
    """No label leaves the picture."""
    (placed,) = planned(run("retention_report", "2026-11-19T01:30:00Z")).runs

    assert "end" == placed.anchor


def test_a_calendar_marks_early_closes_holidays_and_changed_clocks():
    """R15.16: what is odd has its words; what the calendar does not say is left open."""
    session = {"session_date": "2026-11-25", "open": "2026-11-25T14:30:00Z"}
    upcoming = {
        "sessions": [
            session | {"close": "2026-11-25T21:00:00Z", "early_close": False},
            {
                "session_date": "2026-11-27",
                "open": "2026-11-27T14:30:00Z",
                "close": "2026-11-27T18:00:00Z",
                "early_close": True,
                "source": "NYSE",
                "clock_change": {"from": "EDT", "to": "EST"},
            },
        ],
        "holidays": [{"date": "2026-11-26", "name": "Thanksgiving Day", "source": "NYSE"}],
    }
    told = Schedule.model_validate(
        {"on": "2026-11-25", "runs": [], "scheduler": {}, "upcoming": upcoming}
    )
    ((*week,),) = see_weeks("2026-11-25", see_day(told).sessions)

    assert ["away", "away", "", "odd-day", "odd-day", "away", "away"] == [d.look for d in week]
    assert ("25 Nov", "09:30 to 16:00", True) == (week[2].shown, week[2].hours, week[2].today)
    assert ("no session", ("Thanksgiving Day (NYSE)",)) == (week[3].hours, week[3].marks)
    assert ("early close: NYSE", "clocks changed: EDT to EST") == week[4].marks
    assert "09:30 to 13:00" == week[4].hours
    assert () == see_weeks("someday", ())


def test_days_between_sessions_that_are_not_listed_are_closed():
    """A weekend between two sessions is closed, and so told."""
    rows = [
        SessionRow(on, "2026-11-20T14:30:00Z", "rubbish", (), holiday=False)
        for on in ("2026-11-20", "2026-11-23")
    ]
    first, second = see_weeks("2026-11-20", rows)

    assert ["closed-day", "closed-day"] == [d.look for d in first[5:]]
    assert "09:30 to ?" == second[0].hours


def attained(**changes):
    """Return a service's attainment as the API has it."""
    told = {
        "agent_name": "a",
        "window": "market_hours",
        "target": 99.0,
        "bad_seconds": 30.0,
        "unobserved_seconds": 20.0,
        "window_budget_seconds": 100.0,
        "days": [],
    }
    return Attained.model_validate(told | changes)


def test_a_budget_burns_by_what_was_bad_and_what_was_not_watched():
    """R15.16: both parts are told apart, and an overspent one is full and says so."""
    half = see_burn(attained(), "2026-11-18T15:15:00Z")
    over = see_burn(attained(bad_seconds=90.0, unobserved_seconds=20.0), "")
    free = see_burn(attained(target=None, window_budget_seconds=None), "")

    assert (30.0, 20.0, False) == (half.bad, half.unseen, half.overspent)
    assert "50 % of 1 min 40 s spent: 30 s unexpected, 20 s not watched" == half.words
    assert (90.0, 10.0, True) == (over.bad, over.unseen, over.overspent)
    assert (0.0, 0.0, "no target, so no budget") == (free.bad, free.unseen, free.words)
    assert "not whole" in free.days_words


def test_thirty_days_end_with_the_day_of_the_answer():
    """R15.16: a day without a window is a dot; a bad one is solid, an unwatched one hatched."""
    days = [
        {"on": "2026-11-18", "attained": 99.5, "bad_seconds": 1.0, "unobserved_seconds": 0.0},
        {"on": "2026-11-17", "attained": 50.0, "bad_seconds": 9.0, "unobserved_seconds": 1.0},
        {"on": "2026-11-16", "attained": 98.0, "bad_seconds": 1.0, "unobserved_seconds": 9.0},
        {"on": "2026-11-13", "attained": None},
    ]
    found = see_burn(attained(days=days), "2026-11-18T15:15:00Z")

    assert 30 == len(found.days)
    assert ["none", "none", "none", "part", "bad", "good"] == [d.look for d in found.days[-6:]]
    assert (6, 15, 0) == tuple(d.height for d in found.days[-3:])
    assert "last 30 days: 3 with a window, 2 of them below the target" == found.days_words
    assert {"none"} == {d.look for d in see_burn(attained(days=days), "").days}


def attestation(**changes):
    """Return an attestation as it was recorded."""
    gap = {"since": "2026-11-18T15:30:00Z", "until": "2026-11-18T16:00:00Z", "unobserved": "x"}
    told = {
        "open": "2026-11-18T14:30:00Z",
        "close": "2026-11-18T16:30:00Z",
        "coverage": {
            "facts": [
                {"fact": "agent_mode", "required": 2, "observed_percent": 75.0},
                {"fact": "kill_switch_witness", "required": 0, "observed_percent": 0.0},
            ]
        },
        "matters": [
            {"fact": "agent_mode", "subject": "a", "required": True, "gaps": [gap]},
            {"fact": "agent_mode", "subject": "b", "required": True, "gaps": [gap]},
            {"fact": "agent_mode", "subject": "c", "required": False, "gaps": [{}]},
        ],
        "signs": [
            {
                "code": "EXECUTION_EVIDENCE",
                "subject": "a",
                "fact": "agent_mode",
                "stood_from": "2026-11-18T16:00:00Z",
                "stood_until": None,
            }
        ],
    }
    return Attestation.model_validate(told | changes)


def test_a_session_is_one_lane_for_each_required_fact():
    """R15.16: gaps of several services are one; a sign that was not denied reaches to the close."""
    found = drawn(see_lanes(attestation()))

    (lane,) = found.lanes
    assert ("Agent modes", "75.0 %") == (lane.name, lane.note)
    assert [(50.0, 25.0)] == [(g.x, g.width) for g in lane.gaps]
    assert [(75.0, 25.0)] == [(s.x, s.width) for s in lane.signs]
    assert ["09:30", "10:30", "11:30"] == [h.text for h in found.hours]
    assert not found.cut


def test_a_gap_without_ends_is_the_whole_session():
    """R15.16: a gap that cannot be read hides nothing: all of it counts as not seen."""
    matters = [{"fact": "agent_mode", "required": True, "gaps": [{"unobserved": "x"}]}]
    (lane,) = drawn(see_lanes(attestation(matters=matters))).lanes

    assert [(0.0, 100.0)] == [(g.x, g.width) for g in lane.gaps]


def test_what_cannot_be_drawn_is_not():
    """Without a session or a required fact there is no picture, and too many gaps are cut aloud."""
    times = [f"2026-11-18T15:{m:02}:{s:02}" for m in range(40) for s in range(0, 60, 2)]
    gaps = [{"since": f"{t}Z", "until": f"{t}.500Z"} for t in times[: MOST_STRETCHES + 1]]
    many = [{"fact": "agent_mode", "required": True, "gaps": gaps}]

    assert None is see_lanes(attestation(open=""))
    assert None is see_lanes(attestation(coverage={"facts": []}))
    assert drawn(see_lanes(attestation(matters=many))).cut


def test_only_the_words_that_differ_are_marked():
    """A tag that changed is marked, and not the whole image; both sides stay whole."""
    before, after = compare("repo/engine:4c7d", "repo/engine:91ab")

    assert (Piece("repo/engine:", changed=False), Piece("4c7d", changed=True)) == before
    assert (Piece("repo/engine:", changed=False), Piece("91ab", changed=True)) == after
    assert ((), (Piece("on", changed=True),)) == compare("", "on")
    long = compare("a b " * 400, "a c " * 400)
    assert [True, True] == [side[0].changed for side in long]


def test_changes_of_one_subject_are_one_card():
    """Cards keep the order of the changes; a subject that is not said is a question."""
    changes = [
        Change.model_validate({"subject": s, "what": w, "before": "", "after": "x"})
        for s, w in (("a", "image"), ("a", "mode"), ("", "?"))
    ]

    assert [("a", ["image", "mode"]), ("?", ["?"])] == [
        (card.subject, [row.what for row in card.rows]) for card in see_changes(changes)
    ]


RUNBOOK = (
    "# CODE: Title\n\nSeverity: P1\n\n## Meaning\n\nm\n\n## Mitigation\n\n1. Call.\n\n"
    "## Last\n\nl\n"
)


def test_a_runbook_says_first_what_to_do():
    """R15.17: the mitigation comes before everything, and nothing is lost."""
    heading, now, rest = do_now_first(RUNBOOK)

    assert ("CODE: Title", "1. Call.\n") == (heading, now)
    assert "Severity: P1\n\n## Meaning\n\nm\n\n## Last\n\nl\n" == rest
    assert ("X", "", "text\n") == do_now_first("# X\ntext")


def happened(ts, message="m"):
    """Return an event."""
    return {"ts": ts, "message": message, "sentence": message.upper(), "severity": "P1"}


INCIDENT = {
    "begin": "2026-11-18T15:10:00Z",
    "end": "2026-11-18T15:14:00Z",
    "open": False,
    "seconds": 240.0,
    "severity": "P1",
    "code": "MARKETDATA_STALE",
    "subject": "feed",
    "event_count": 3,
    "events": [happened("2026-11-18T15:10:00Z", "in it")],
}


def incidents(*changes):
    """Return cards of incidents, each with changes."""
    told = {"ts": "2026-11-18T15:15:00Z", "incidents": [INCIDENT | c for c in changes]}
    return see_incidents(Incidents.model_validate(told))


def test_an_incident_leads_to_its_evidence_and_its_runbook():
    """Five minutes around it, and the runbook of its service."""
    (over,) = incidents({})
    (lasts,) = incidents({"end": None, "open": True})

    assert ("bad over", "over", "4 min", 2) == (over.look, over.word, over.lasted, over.more)
    assert over.evidence == "/evidence?from=2026-11-18T15%3A00%3A00Z&to=2026-11-18T15%3A24%3A00Z"
    assert "/runbooks/MARKETDATA_STALE?agent=feed" == over.runbook
    assert ("bad", "NOT OVER") == (lasts.look, lasts.word)
    assert lasts.evidence.endswith("to=2026-11-18T15%3A25%3A00Z")


@pytest.mark.parametrize("key", sorted(INCIDENT))
def test_an_incident_that_is_not_told_whole_is_never_over(key):
    """R15.16: a key that is missing makes no incident quiet, and none an error."""
    told = {k: v for k, v in INCIDENT.items() if k != key}
    (card,) = see_incidents(Incidents.model_validate({"incidents": [told]}))

    if key in {"end", "open"}:
        assert "NOT OVER" == card.word
    assert "bad" in card.look


def test_events_are_grouped_by_day_and_incident():
    """What an incident tells of is not told again; days are New York's, the newest first."""
    told = Told.model_validate(
        {
            "events": [
                happened("2026-11-19T03:00:00Z"),
                happened("2026-11-18T15:10:00Z", "in it"),
                happened("no time"),
            ]
        }
    )
    days = see_days(told.events, incidents({}))

    assert ["Wednesday 18 November 2026", "At a time that is not known"] == [d.title for d in days]
    assert (1, ["M"]) == (len(days[0].incidents), [e.told for e in days[0].events])
    assert "m" == Told.model_validate({"events": [{"message": "m"}]}).events[0].told


def test_what_has_no_time_leads_nowhere():
    """No link is made of a time that cannot be read."""
    assert "" == evidence_href("", "2026-11-18T15:10:00Z")
    assert "x" == just_after("x")
    assert Opening.model_validate({}).open == ""
