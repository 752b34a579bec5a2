"""Present: durable copy and retention, as programs and people read them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from mission_control.durable_copy.model import (
    CopyProblem,
    CopyProblemKind,
    CopyReach,
    CopyReport,
    CopyState,
    CopyStatus,
    Tally,
)
from mission_control.durable_copy.present import copy_document, copy_markdown, durable_copy_document
from mission_control.records.model import GENESIS, Collection
from mission_control.retention.model import KeptCollection, RetentionReport
from mission_control.retention.present import (
    retention_document,
    retention_markdown,
    retention_state_document,
)

NOW = datetime(2026, 11, 20, 23, tzinfo=UTC)
COPIED = CopyReport(
    "s3://bucket/floor",
    NOW - timedelta(minutes=1),
    NOW,
    GENESIS,
    CopyReach(7, 7, Tally(21, 4200), 0),
    Tally(3, 600),
    Tally(),
    Tally(1, 200),
)
HOSTILE = CopyProblem("a/<b>_x_", CopyProblemKind.CONFLICT, "[click](javascript:x)")


def headline(**change):
    """Return the first line of a changed report."""
    return copy_markdown(copy_document(replace(COPIED, **change))).splitlines()[0]


def test_the_first_line_says_how_the_copy_ended():
    """Complete only where nothing is wrong; otherwise what is, first."""
    waiting = CopyReach(5, 5, Tally(15, 3000), 2, 6, "2026-11-20T20:00:00.000Z")

    assert headline() == "# Durable copy: complete up to line 0"
    assert headline(cautions=("same disk",)).endswith("but mind the place")
    assert headline(problems=(HOSTILE,)) == "# Durable copy: NOT INTACT, problems: 1"
    for change in ({"failure": "down"}, {"reach": None}, {"reach": waiting}):
        assert headline(**change) == "# Durable copy: NOT complete"


def test_people_read_what_was_done_and_nothing_in_it_acts():
    """What was sent and found is there; hostile names are text."""
    waiting = CopyReach(5, 5, Tally(15, 3000), 2, 6, "2026-11-20T20:00:00.000Z")
    report = replace(COPIED, problems=(HOSTILE,) * 201, reach=waiting, failure="down & out")
    text = copy_markdown(copy_document(report), "DEMO")

    assert "**DEMO**" in text
    assert "the oldest is line 6 of 2026-11-20T20:00:00.000Z" in text
    assert "- and 1 more" in text
    assert r"\[click\](javascript:x)" in text
    assert "<b>" not in text.replace(r"\<b\>", "")
    assert "not known" in copy_markdown(copy_document(replace(COPIED, reach=None)))


def test_programs_read_the_same():
    """Numbers are numbers, and what is not known is null."""
    document = copy_document(COPIED)
    unknown = copy_document(replace(COPIED, reach=None))

    assert (True, 7, {"files": 21, "bytes": 4200}, 0) == (
        document["complete"],
        document["verified_through"],
        document["copied"],
        document["pending"],
    )
    assert [None] * 5 == [
        unknown["verified_through"],
        unknown["runs_copied"],
        unknown["copied"],
        unknown["pending"],
        unknown["pending_since"],
    ]
    assert "label" not in document


def test_how_it_stands_comes_from_the_newest_report():
    """What the newest report does not hold is null, also where it is of another shape."""
    state = CopyState(CopyStatus.LAGGING, "it lags", NOW)
    told = {**copy_document(COPIED), "path": "audit_artifacts/ops_runs/x"}
    document = durable_copy_document(state, "s3://bucket/floor", 9, told)
    nothing = durable_copy_document(
        CopyState(CopyStatus.NOT_CONFIGURED, "none"), "", 9, {"copied": 7, "problems": 7}
    )

    assert (False, 7, 4200, 9, "2026-11-20T23:00:00.000Z", "audit_artifacts/ops_runs/x") == (
        document["fine"],
        document["runs_copied"],
        document["bytes_copied"],
        document["head_seq"],
        document["lags_since"],
        document["last_run"],
    )
    assert (None, None, None, []) == (
        nothing["destination"],
        nothing["runs_copied"],
        nothing["bytes_copied"],
        nothing["problems"],
    )
    assert None is durable_copy_document(state, "x", 9, None)["last_run"]


RUNS = KeptCollection(
    Collection.OPS_RUNS, 300, 900, 1000, "then", "now", tuple(f"r{n}" for n in range(202)), 10
)
LKG = KeptCollection(Collection.LKG, 0, 0, 0, None, None, (), 0)
KEPT = RetentionReport(NOW, date(2026, 9, 1), date(2026, 10, 9), 30, (), (), (RUNS, LKG), ())


def test_what_is_kept_is_listed_and_what_lies_beyond_is_named():
    """People read counts by collection, then every path that need not be kept any longer."""
    text = retention_markdown(retention_document(KEPT), "DEMO")

    assert text.startswith("# Retention: 30 of 30 trading days\n\n**DEMO**")
    assert "deletes no artifact, ever" in text
    assert "- `r199`\n- and 2 more" in text
    assert "none | none" in text


def test_less_than_enough_stands_first():
    """Warnings come before everything, and what is missing is listed."""
    report = replace(
        KEPT,
        since=None,
        cutoff=None,
        trading_days=3,
        empty_days=(date(2026, 11, 2),),
        missing=tuple(f"m{n}" for n in range(201)),
        warnings=("3 of 30 <b>trading</b> days",),
    )
    document = retention_document(report)
    text = retention_markdown(document)

    assert text.startswith("# Retention: 3 of 30 trading days, mind the warnings\n\n**Mind:**")
    assert "Kept since never" in text
    assert "which cannot be counted" in text
    assert "- `m199`\n- and 1 more" in text
    assert (False, ["2026-11-02"], 201) == (
        document["fine"],
        document["days_without_runs"],
        document["missing_files"],
    )
    few = replace(report, missing=("m",), collections=(LKG,))
    assert "- and" not in retention_markdown(retention_document(few))


@pytest.mark.parametrize(
    ("newest", "fine", "detail"),
    [
        pytest.param(None, False, "no retention report", id="never"),
        pytest.param(retention_document(KEPT), True, "30 trading days are kept", id="enough"),
        pytest.param({**retention_document(KEPT), "warnings": ["w"]}, False, "w", id="warned"),
        pytest.param({"fine": True}, False, "does not say enough", id="no warnings told"),
        pytest.param({"unreadable": "torn"}, False, "torn", id="unreadable"),
        pytest.param({"fine": "true", "warnings": []}, False, "not say enough", id="no boolean"),
    ],
)
def test_only_a_report_that_says_so_is_fine(newest, fine, detail):
    """What the newest report does not say is never well."""
    state = retention_state_document(newest)

    assert fine == state["fine"]
    assert detail in state["detail"]
