"""Alerts about the day's runs, and about its readiness."""

from dataclasses import replace
from datetime import date

import pytest

from mission_control.alerts.decide.facts import first_call
from mission_control.model.fleet import Fleet, Owner
from mission_control.readiness.model import ReadinessVerdict
from mission_control.schedule.model import Job, RunOutcome, RunStage
from tests.alerts.hurts import DAY, MINUTE, OPEN, day_at, silence, states
from tests.alerts.recorded_day import (
    at,
)
from tests.floor.floor_of_values import (
    INGEST,
)


@pytest.mark.parametrize(
    ("job", "verdict", "paging"),
    [
        pytest.param(
            Job.PRE_MARKET, ReadinessVerdict.NO_GO, ["readiness_no_go_early readiness"], id="T-60"
        ),
        pytest.param(
            Job.PRE_OPEN, ReadinessVerdict.NO_GO, ["readiness_no_go readiness"], id="T-15"
        ),
        pytest.param(
            Job.OPEN_VERIFICATION,
            ReadinessVerdict.NO_GO,
            ["readiness_no_go readiness"],
            id="T+5",
        ),
        pytest.param(Job.PRE_OPEN, ReadinessVerdict.GO, [], id="GO"),
    ],
)
def test_a_no_go_alerts_early_and_pages_later(job, verdict, paging):
    """R11.9: at open - 60 min the same day, then at once."""
    day = day_at(at(DAY, "09:00:00"))
    day.run(job, RunOutcome.SUCCEEDED, verdict)
    day.step()

    assert paging == day.paging()


def test_a_no_go_is_over_at_the_close():
    """R11.9: after it every verdict is NO-GO."""
    day = day_at(at(DAY, "15:59:00"))
    day.run(Job.OPEN_VERIFICATION, RunOutcome.SUCCEEDED, ReadinessVerdict.NO_GO)
    day.step()
    before = day.paging()
    day.until(at(DAY, "16:01:30"), 5)

    assert (["readiness_no_go readiness"], []) == (before, day.paging())


@pytest.mark.parametrize(
    ("others", "owner"),
    [
        pytest.param(("Ops On-Call", None), "Ops On-Call", id="all name the same"),
        pytest.param(("Ops On-Call", "Feed Owner"), "", id="they differ"),
        pytest.param((None, None), "", id="none is named"),
    ],
)
def test_what_is_about_no_service_names_who_is_called_first_for_every_service(others, owner):
    """R11.13: an alert about readiness is owned by the one whom the whole fleet names first."""
    agents = [
        replace(INGEST, agent_name=f"a{n}", owner=o and Owner(o)) for n, o in enumerate(others)
    ]

    assert owner == first_call(Fleet(tuple(agents), "", ""))


def test_a_no_go_of_readiness_has_an_owner_where_the_fleet_names_one():
    """R11.13: no alert says that no owner is named while every service names the same."""
    day = day_at(at(DAY, "09:16:00"))
    day.run(Job.PRE_OPEN, RunOutcome.SUCCEEDED, ReadinessVerdict.NO_GO)
    fleet = day.floor.fleet
    day.floor.fleet = replace(
        fleet, agents=tuple(replace(a, owner=Owner("Ops On-Call")) for a in fleet.agents)
    )
    day.step()

    assert day.book is not None
    assert ["Ops On-Call"] == [a.owner for a in day.book.alerts if a.subject == "readiness"]


def test_a_no_go_from_before_its_hour_says_nothing():
    """R11.9: made before open - 60 min it is SESSION_CLOSED in any case."""
    day = day_at(at(DAY, "07:00:00"))
    day.run(Job.PRE_MARKET, RunOutcome.SUCCEEDED, ReadinessVerdict.NO_GO)
    day.step()

    assert [] == day.paging()


@pytest.mark.parametrize(
    ("job", "outcome", "told"),
    [
        (Job.PRE_OPEN, RunOutcome.MISSED, {"run_lost_before_open pre_open_readiness": ""}),
        (Job.PRE_OPEN, RunOutcome.LATE, {}),
        (Job.OPEN_VERIFICATION, RunOutcome.FAILED, {"run_lost open_verification": ""}),
        (Job.INTRADAY_SAMPLE, RunOutcome.OVERLAPPED, {"run_lost intraday_sample": ""}),
        (Job.LKG_CAPTURE, RunOutcome.FAILED, {"lkg_capture_lost lkg_capture": "INFO never pages"}),
    ],
)
def test_a_run_without_evidence_alerts(job, outcome, told):
    """R11.9: P1 for those before the open, else P2; a capture alone is INFO."""
    day = day_at(at(DAY, "09:32:00"))
    day.run(job, outcome)
    if outcome is not RunOutcome.FAILED:
        day.runs[-1] = replace(day.runs[-1], run=replace(day.runs[-1].run, deadline=day.now))
    day.step()

    assert told == {name: withheld for name, (_, withheld) in states(day).items()}


def test_a_capture_that_fails_in_an_incident_is_p2():
    """R11.9: then it may be needed."""
    day = day_at(OPEN, silence(INGEST))
    day.run(Job.LKG_CAPTURE, RunOutcome.FAILED)
    day.step()

    assert "lkg_capture_lost_in_incident lkg_capture" in day.paging()


def test_runs_that_cannot_be_read_end_no_alert():
    """R11.10: what is not known is not over."""
    day = day_at(OPEN)
    day.run(Job.OPEN_VERIFICATION, RunOutcome.FAILED)
    day.step()
    day.runs_known = False
    day.until(day.now + 5 * MINUTE, 30)

    assert ["run_lost open_verification"] == day.paging()


def test_a_run_from_before_the_floor_was_watched_was_not_lost():
    """A root that is new at noon has missed nothing in the morning."""
    day = day_at(at(DAY, "12:00:00"))
    day.run(Job.PRE_OPEN, RunOutcome.MISSED)
    day.decide(began=day.now)

    assert () == day.alerts()


def test_a_run_is_lost_until_the_day_is_over_or_a_later_one_ran():
    """R11.9: the next day it is history."""
    day = day_at(OPEN)
    day.run(Job.OPEN_VERIFICATION, RunOutcome.FAILED)
    planned = replace(day.runs[0], stage=RunStage.PLANNED, outcome=None)
    skipped = replace(day.runs[0], outcome=RunOutcome.SKIPPED_HOLIDAY)
    day.runs += [planned, skipped]
    day.step()
    day.until(at(date(2026, 11, 19), "00:02:00"), 600)

    assert [] == day.paging()
