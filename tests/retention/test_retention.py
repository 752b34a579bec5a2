"""Decide: how much is kept is counted in trading days, and less than enough is always said."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from mission_control.market_calendar.calendar import MarketCalendar
from mission_control.records.model import Collection, Discrepancy, DiscrepancyKind, Verification
from mission_control.retention.decide import judge_retention
from tests.durable_copy.ledger_of_values import NOW, ledger

SESSIONS = [
    d.session_date for d in MarketCalendar().sessions_between(NOW - timedelta(days=90), NOW)
]
NEWEST = SESSIONS[-30:]


def on(*days):
    """Return a ledger with one run on each of these days, at 09:00 in New York."""
    instants = [datetime.fromisoformat(f"{day}T14:00:00+00:00") for day in days]
    found = []
    for entry, at in zip(ledger(len(days)), instants, strict=True):
        found.append(replace(entry, at=at.isoformat()))
    return found


def with_captures(entries, captures=30):
    """Add so many captures, made at the end."""
    more = ledger(len(entries) + captures, collection="ops/lkg")[len(entries) :]
    return [*entries, *more]


def judge(entries, sessions=SESSIONS, discrepancies=()):
    """Judge a ledger."""
    seq = len(entries)
    head = entries[-1].head if entries else ledger(1)[0].head
    found = Verification(seq, seq, head, tuple(discrepancies))
    return judge_retention(entries, sessions, found, NOW)


def kept(report, collection=Collection.OPS_RUNS):
    """Return what is said of one collection."""
    return next(c for c in report.collections if c.collection is collection)


def test_thirty_trading_days_are_enough():
    """A run on each of the last thirty trading days is all that is wanted."""
    report = judge(with_captures(on(*NEWEST)))

    assert () == report.warnings
    assert (30, NEWEST[0], NEWEST[0]) == (report.trading_days, report.since, report.cutoff)
    assert (30, 60, 600, ()) == (
        kept(report).runs,
        kept(report).files,
        kept(report).bytes,
        kept(report).beyond,
    )


def test_what_is_older_is_named_and_nothing_else():
    """Runs of days before the last thirty trading days are beyond, the oldest first."""
    report = judge(with_captures(on(*SESSIONS[-33:])))

    assert ("audit_artifacts/ops_runs/run1", 3, 60) == (
        kept(report).beyond[0],
        len(kept(report).beyond),
        kept(report).beyond_bytes,
    )
    assert () == report.warnings


def test_a_run_belongs_to_its_session_whenever_it_was_recorded():
    """What was recorded late belongs to its session's day."""
    entries = on(*NEWEST)
    entries[0] = replace(entries[0], session_date=str(SESSIONS[-31]))
    report = judge(entries)

    assert 1 == len(kept(report).beyond)
    assert (NEWEST[0], 29, (NEWEST[0],)) == (report.since, report.trading_days, report.empty_days)


def test_a_report_on_a_day_long_ago_makes_no_record_older():
    """One that was made today for a session of ten weeks ago keeps that day and none between."""
    entries = on(NEWEST[-2], NEWEST[-1])
    entries[0] = replace(entries[0], session_date=str(NEWEST[0]))
    report = judge(entries)

    assert (2, NEWEST[-2], (NEWEST[-2],)) == (
        report.trading_days,
        report.since,
        report.empty_days,
    )
    begins = f"2 of 30 trading days are kept: it begins on {NEWEST[-2]}"
    assert begins in report.warnings


def test_a_day_whose_runs_lost_files_is_not_kept():
    """A run counts only with all its files, and so does a capture."""
    entries = with_captures(on(*NEWEST))
    lost = [entries[3].files[0].path, entries[-1].files[0].path]
    report = judge(
        entries, discrepancies=[Discrepancy(p, DiscrepancyKind.MISSING, "") for p in lost]
    )

    assert (29, (NEWEST[3],)) == (report.trading_days, report.empty_days)
    assert f"29 of 30 captures are kept, since {NEWEST[0]}" in report.warnings


def test_too_few_captures_are_a_warning_once_the_record_is_old_enough():
    """Of a record of thirty trading days thirty captures are wanted; of a younger one not yet."""
    few = judge(with_captures(on(*NEWEST), 4))
    young = judge(with_captures(on(*NEWEST[1:]), 4))

    assert (f"4 of 30 captures are kept, since {NEWEST[0]}",) == few.warnings
    assert [] == [w for w in young.warnings if "captures" in w]


def test_captures_are_counted_and_not_dated():
    """Of captures the newest thirty are kept, however old they are."""
    captures = ledger(33, first=NOW - timedelta(days=300), collection="ops/lkg")
    report = judge(captures)

    assert ["ops/lkg/run1", "ops/lkg/run2", "ops/lkg/run3"] == list(
        kept(report, Collection.LKG).beyond
    )
    assert 0 == kept(report).runs


@pytest.mark.parametrize(
    ("report", "words"),
    [
        pytest.param(judge([]), "nothing is recorded", id="nothing"),
        pytest.param(
            judge(on(*NEWEST[10:])), f"20 of 30 trading days are kept: it begins on {NEWEST[10]}",
            id="young, or its beginning lost",
        ),
        pytest.param(
            judge(on(*NEWEST)[2:]), "the beginning of the ledger is lost: its first line is 3",
            id="beginning lost",
        ),
        pytest.param(
            judge(on(*NEWEST[:5], *NEWEST[7:])),
            f"nothing is recorded of 2 trading days: {NEWEST[5]}, {NEWEST[6]}",
            id="days without a run",
        ),
        pytest.param(
            judge(on(NEWEST[0], NEWEST[-1])), "28 trading days: "
            f"{', '.join(map(str, NEWEST[1:6]))} and 23 more", id="many days without a run",
        ),
        pytest.param(
            judge(on(*NEWEST), SESSIONS[-29:]), "does not reach 30 trading days back",
            id="calendar too short",
        ),
        pytest.param(
            judge(on(*NEWEST), discrepancies=[
                Discrepancy("a/b", DiscrepancyKind.MISSING, ""),
                Discrepancy("a/c", DiscrepancyKind.ALTERED, ""),
            ]), "discrepancies: 2 (ALTERED, MISSING)", id="files missing",
        ),
    ],
)  # fmt: skip
def test_whatever_is_less_than_it_should_be_is_a_warning(report, words):
    """Less than thirty trading days, and anything lost from them, is said."""
    assert any(words in w for w in report.warnings)


def test_missing_files_are_named():
    """What was recorded and is not there any more is listed."""
    report = judge(on(*NEWEST), discrepancies=[Discrepancy("a/b", DiscrepancyKind.MISSING, "")])

    assert ("a/b",) == report.missing


def test_without_a_calendar_nothing_is_called_old():
    """Where thirty trading days cannot be counted no run is beyond them."""
    report = judge(on(*SESSIONS), [])

    assert (None, (), 0) == (report.cutoff, kept(report).beyond, report.trading_days)


def test_the_newest_day_may_still_be_empty():
    """Of today nothing may be recorded yet, and that is no gap."""
    captures = [replace(e, session_date=str(NEWEST[-2])) for e in with_captures([])]
    report = judge([*on(*NEWEST[:-1]), *captures])

    assert ((), ()) == (report.empty_days, report.warnings)
    assert date(2026, 11, 20) == NEWEST[-1]
