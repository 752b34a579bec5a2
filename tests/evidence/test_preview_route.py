"""`/api/v1/evidence/preview`: what a bundle would hold, asked over HTTP."""

import pytest

from tests.api.paper_floor import PaperClock, PaperControl
from tests.evidence.incident import SINCE, UNTIL

pytestmark = pytest.mark.anyio
PATH = "/api/v1/evidence/preview"
WINDOW = {"from": SINCE.isoformat(), "to": UNTIL.isoformat(), "incident": "feed stale"}


class Previewing(PaperControl):
    """The API over the record of an incident."""

    def __init__(self, sources):
        """Read these."""
        self.sources = sources
        super().__init__(clock=PaperClock(UNTIL), label="DEMO")

    def parts(self):
        """Return the parts with what a bundle is made from."""
        parts = super().parts()
        object.__setattr__(parts, "evidence_sources", lambda: self.sources)
        return parts


async def test_size_and_coverage_are_answered_before_anything_is_made(recorded, bundle):
    """
    The size is that of the bundle, the sources are those of its own coverage (R12.44).
    """
    answer = await Previewing(recorded[1]).ask(PATH, params=WINDOW)

    document = answer.json()
    assert (200, len(bundle[0]), True) == (answer.status_code, document["size"], document["exact"])
    assert [c.source for c in bundle[1].coverage] == [s["source"] for s in document["sources"]]
    assert ("feed stale", "DEMO") == (document["incident"], document["label"])
    assert {
        "ts", "label", "since", "since_et", "until", "until_et", "incident", "name", "size",
        "exact", "changes", "whole", "first", "sources",
    } == set(document)  # fmt: skip
    assert {"source", "expected", "obtained", "unit", "gaps", "whole"} == set(
        document["sources"][0]
    )


@pytest.mark.parametrize(
    ("params", "code"),
    [
        pytest.param({"from": "nonsense"}, "instant_not_understood", id="no time"),
        pytest.param({"from": UNTIL.isoformat()}, "period_not_understood", id="empty"),
        pytest.param({"from": "2026-10-01T00:00Z"}, "period_not_understood", id="too long"),
    ],
)
async def test_a_time_that_cannot_be_answered_for_is_refused(recorded, params, code):
    """
    It is said what is wrong, and nothing is read.
    """
    answer = await Previewing(recorded[1]).ask(PATH, params=params)

    assert (422, code) == (answer.status_code, answer.json()["code"])


async def test_where_no_history_is_kept_there_is_none():
    """
    A process that looks once knows no past.
    """
    answer = await PaperControl().ask(PATH)

    assert (400, "history_not_available") == (answer.status_code, answer.json()["code"])
