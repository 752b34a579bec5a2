"""What a bundle would be, before it is made: its size, and what it would cover."""

import asyncio
from dataclasses import replace

from mission_control.evidence import estimate as estimating
from mission_control.evidence.estimate import estimate, estimate_document
from mission_control.evidence.model import Wanted
from mission_control.history.database import open_engine
from mission_control.history.reader import HistoryReader
from tests.evidence.incident import SINCE, UNTIL, exported

WANTED = Wanted(SINCE, UNTIL, "feed stale")


def estimated(sources, wanted=WANTED):
    """Return what a bundle would be."""
    return asyncio.run(estimate(sources, wanted))


def test_a_small_bundle_is_counted_to_the_byte(recorded, bundle):
    """
    Of few judged changes every one is counted, and the coverage is the bundle's own (R12.44).
    """
    found = estimated(recorded[1])

    assert (len(bundle[0]), True) == (found.size, found.exact)
    assert bundle[1].coverage == found.exported.coverage
    assert found.changes == next(
        c.obtained for c in found.exported.coverage if c.source == "changes"
    )


def test_of_many_judged_changes_a_few_are_weighed(recorded, bundle, monkeypatch):
    """
    The size is an estimate then, and called so; what is covered counts them all (R12.44).
    """
    monkeypatch.setattr(estimating, "SAMPLED", 2)
    every = [1, 2, 2, 1, 2, 1]

    async def numbers(self, since, until):
        return every

    monkeypatch.setattr(HistoryReader, "decision_numbers", numbers)
    whole, _ = exported(recorded[1], WANTED)

    found = estimated(recorded[1])

    changes = next(c for c in found.exported.coverage if c.source == "changes")
    assert (False, 6) == (found.exact, found.changes)
    assert (6, 6) == (changes.expected, changes.obtained)
    assert abs(found.size - len(whole)) < len(whole) / 10
    assert not estimate_document(found)["exact"]


def test_without_a_history_it_is_a_gap(recorded):
    """
    What cannot be read is named as in the bundle.
    """
    found = estimated(replace(recorded[1], history=None, alerts=None))

    document = estimate_document(found)
    assert not document["whole"]
    assert "NOT READ" in document["first"]
    assert (0, True) == (document["changes"], document["exact"])


def test_a_history_that_breaks_is_a_gap(recorded, tmp_path):
    """
    A database without its tables ends nothing.
    """
    broken = HistoryReader(open_engine(tmp_path, None))

    found = estimated(replace(recorded[1], history=broken))

    assert "changes" in {c.source for c in found.exported.unread}


def test_the_document_names_the_bundle(recorded):
    """
    The name is that of the file that is downloaded, and times are told for people as well.
    """
    document = estimate_document(estimated(recorded[1]))

    assert "evidence_20261118T143200Z_20261118T144200Z.zip" == document["name"]
    assert "2026-11-18 09:32:00 EST" == document["since_et"]
    assert "feed stale" == document["incident"]
    assert {"source", "expected", "obtained", "unit", "gaps", "whole"} == set(
        document["sources"][0]
    )
